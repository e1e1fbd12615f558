\echo Use "ALTER EXTENSION unkey UPDATE" to load this file. \quit
-- From 0.1.0 to 0.2.0: every change of sql/base since, so that what was made before becomes what is made now.
SET LOCAL search_path = pg_catalog, pg_temp;

-- All locks that somebody may be in the way of, before anything else: everybody who changed what sessions keep says so in the old way, which
-- would not be heard any more, so they have to be done first; and nobody may be reading what is altered below. Who verifies reads apis
-- and then spends, or spends and then reads apis, so whoever waits here with some of the locks is in the way of others for good. So it
-- looks on until no transaction of more than half a second is in its way, and then either gets all of them in as long, which is too
-- short for a deadlock, or lets go of them. That is repeated until lock_timeout.
DO $$
DECLARE
    altered  regclass[] := '{unkey.apis, unkey.recent_verifications, unkey.key_verifications_v1, unkey.event_partitions}';
    changed  regclass[] := '{unkey.credits, unkey.keys, unkey.key_permissions, unkey.key_roles, unkey.identities, unkey.permissions,
        unkey.roles, unkey.role_permissions, unkey.root_keys, unkey.workspace}';
    own      text := current_setting('lock_timeout');
    pace     interval := LEAST(setting::integer / 2, 500) * interval '1 millisecond' FROM pg_settings WHERE name = 'deadlock_timeout';
    -- NULL for never.
    gives_up timestamptz := clock_timestamp() + NULLIF(setting::integer, 0) * interval '1 millisecond' FROM pg_settings WHERE name = 'lock_timeout';
    until    timestamptz;
    others   text;
    lock     text;
BEGIN
    LOOP
        until := LEAST(clock_timestamp() + pace, gives_up);
        PERFORM pg_stat_clear_snapshot();
        SELECT string_agg(DISTINCT CASE WHEN pid IS NULL THEN 'a prepared transaction' ELSE 'process ' || pid END, ', ') INTO others
        FROM pg_locks LEFT JOIN pg_stat_activity USING (pid)
        WHERE database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND granted AND pid IS DISTINCT FROM pg_backend_pid()
            AND (relation = ANY (altered) OR relation = ANY (changed) AND mode NOT IN ('AccessShareLock', 'RowShareLock'))
            AND (pid IS NULL OR xact_start < clock_timestamp() - pace);
        BEGIN
            IF others IS NOT NULL THEN
                RAISE lock_not_available USING MESSAGE = 'canceling statement due to lock timeout', DETAIL = 'In the way: ' || others || '.';
            END IF;
            FOR lock IN
                -- LOCK TABLE would lock what a view reads as well.
                SELECT format(CASE relkind WHEN 'v' THEN 'ALTER VIEW %s RESET (check_option)' ELSE 'LOCK TABLE %s IN ACCESS EXCLUSIVE MODE' END, oid::regclass)
                FROM pg_class WHERE oid = ANY (altered)
                UNION ALL
                SELECT format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', name) FROM unnest(changed) AS name
            LOOP
                PERFORM set_config('lock_timeout', GREATEST(ceil(extract(epoch FROM until - clock_timestamp()) * 1000), 1)::text, true);
                EXECUTE lock;
            END LOOP;
            PERFORM set_config('lock_timeout', own, true);
            RETURN;
        EXCEPTION WHEN lock_not_available THEN
            IF clock_timestamp() + pace >= gives_up THEN
                RAISE;
            END IF;
        END;
        PERFORM pg_sleep_for(pace);
    END LOOP;
END
$$;

-- From some ten thousand verifications a second on, a row for each takes more of the processors than the verifications. The worker then writes what has most in common once.
CREATE TABLE unkey.verification_bursts (
    time          unkey.instant NOT NULL,
    key_space_id  text COLLATE "C" NOT NULL,
    api_id        text COLLATE "C" NOT NULL,
    outcome       text COLLATE "C" NOT NULL,
    tags          text[] COLLATE "C" NOT NULL,
    spent_credits bigint NOT NULL,
    source        text COLLATE "C" NOT NULL,
    role          text COLLATE "C" NOT NULL,
    is_one_call   boolean NOT NULL,
    request_id    text COLLATE "C" NOT NULL,
    request_ids   text[] COLLATE "C",
    key_ids       text[] COLLATE "C" NOT NULL,
    identity_ids  text[] COLLATE "C",
    external_ids  text[] COLLATE "C",
    latencies     double precision[] NOT NULL
) PARTITION BY RANGE (time);
COMMENT ON TABLE unkey.verification_bursts IS 'Verifications of keys that were found, many in a row: those of one millisecond with the same answer, if they were 16 at least. One partition per day (UTC), dropped after unkey.retention. unkey.verifications shows them one by one.';
SELECT pg_catalog.pg_extension_config_dump('unkey.verification_bursts', '');

CREATE VIEW unkey.verifications AS
    SELECT request_id, time, key_space_id, api_id, key_id, identity_id, external_id, outcome, region, tags, spent_credits, latency,
        source, role
    FROM unkey.verification_events
    UNION ALL
    SELECT CASE WHEN is_one_call THEN request_id ELSE coalesce(own_request_id, request_id || '_' || number) END, time,
        key_space_id, api_id, key_id, identity_id, external_id, outcome, '', tags, spent_credits, latency, source, role
    FROM (
        SELECT time, key_space_id, api_id, outcome, tags, spent_credits, source, role, is_one_call, request_id,
            generate_subscripts(key_ids, 1) AS number, unnest(request_ids) AS own_request_id, unnest(key_ids) AS key_id,
            unnest(identity_ids) AS identity_id, unnest(external_ids) AS external_id, unnest(latencies) AS latency
        FROM unkey.verification_bursts
    ) AS burst;
COMMENT ON VIEW unkey.verifications IS 'Verifications in partitions, one by one.';
COMMENT ON COLUMN unkey.verification_bursts.time IS 'When it happened.';
COMMENT ON COLUMN unkey.verification_bursts.key_space_id IS 'ks_…, the keyspace of the key''s API.';
COMMENT ON COLUMN unkey.verification_bursts.api_id IS 'api_…, the API of the key.';
COMMENT ON COLUMN unkey.verification_bursts.outcome IS 'The code answered: VALID, FORBIDDEN, INSUFFICIENT_PERMISSIONS, USAGE_EXCEEDED, RATE_LIMITED, DISABLED or EXPIRED.';
COMMENT ON COLUMN unkey.verification_bursts.tags IS 'Tags of the call, sorted and each once.';
COMMENT ON COLUMN unkey.verification_bursts.source IS 'sql, or api for the v2 dialect.';
COMMENT ON COLUMN unkey.verification_bursts.role IS 'Database role that asked.';
COMMENT ON COLUMN unkey.verifications.request_id IS 'req_…, shared by all events of one call; of the v2 dialect, the id of its request.';
COMMENT ON COLUMN unkey.verifications.time IS 'When it happened.';
COMMENT ON COLUMN unkey.verifications.key_space_id IS 'ks_…, the keyspace of the key''s API.';
COMMENT ON COLUMN unkey.verifications.api_id IS 'api_…, the API of the key.';
COMMENT ON COLUMN unkey.verifications.key_id IS 'The key.';
COMMENT ON COLUMN unkey.verifications.identity_id IS 'id_…, the identity of the key; NULL without one.';
COMMENT ON COLUMN unkey.verifications.external_id IS 'Your own id of the identity; NULL without one.';
COMMENT ON COLUMN unkey.verifications.outcome IS 'The code answered: VALID, FORBIDDEN, INSUFFICIENT_PERMISSIONS, USAGE_EXCEEDED, RATE_LIMITED, DISABLED or EXPIRED.';
COMMENT ON COLUMN unkey.verifications.region IS 'Empty: there is one region.';
COMMENT ON COLUMN unkey.verifications.tags IS 'Tags of the call, sorted and each once.';
COMMENT ON COLUMN unkey.verifications.spent_credits IS 'Credits spent; 0 unless VALID.';
COMMENT ON COLUMN unkey.verifications.latency IS 'Milliseconds the call took inside the database; of a batch, its share.';
COMMENT ON COLUMN unkey.verifications.source IS 'sql, or api for the v2 dialect.';
COMMENT ON COLUMN unkey.verifications.role IS 'Database role that asked.';
COMMENT ON COLUMN unkey.verification_bursts.spent_credits IS 'Credits that each spent; 0 unless VALID.';
COMMENT ON COLUMN unkey.verification_bursts.is_one_call IS 'Whether one call verified them all, and request_id is that of each.';
COMMENT ON COLUMN unkey.verification_bursts.request_id IS 'req_…, of all if is_one_call; otherwise of those without one in request_ids, followed by _ and where they stand.';
COMMENT ON COLUMN unkey.verification_bursts.request_ids IS 'Ids of their requests, NULL for those without; NULL if none has one.';
COMMENT ON COLUMN unkey.verification_bursts.key_ids IS 'The keys.';
COMMENT ON COLUMN unkey.verification_bursts.identity_ids IS 'Identities of the keys, NULL for those without; NULL if none has one.';
COMMENT ON COLUMN unkey.verification_bursts.external_ids IS 'Your own ids of the identities, NULL for those without; NULL if none has one.';
COMMENT ON COLUMN unkey.verification_bursts.latencies IS 'Milliseconds the calls took inside the database; of a batch, their share.';

CREATE OR REPLACE VIEW unkey.recent_verifications AS
    SELECT time, key_space_id, api_id, key_id, identity_id, external_id, outcome, tags, spent_credits, role
    FROM unkey.verification_queue
    UNION ALL
    SELECT time, key_space_id, api_id, key_id, identity_id, external_id, outcome, tags, spent_credits, role
    FROM unkey.verifications WHERE time >= (SELECT until FROM unkey.rolled_up);

CREATE OR REPLACE VIEW unkey.key_verifications_v1 AS
    SELECT request_id, time::timestamptz AS time, 'ws_local'::text AS workspace_id, key_space_id, api_id, key_id, identity_id,
        external_id, outcome, region, tags, spent_credits, latency, source
    FROM unkey.verifications
    UNION ALL
    SELECT request_id, time::timestamptz, 'ws_local'::text, key_space_id, api_id, key_id, identity_id,
        external_id, outcome, region, tags, spent_credits, latency, source
    FROM unkey.verification_queue;

CREATE OR REPLACE VIEW unkey.event_partitions AS
    SELECT parent.relname::text AS parent, class.relname::text AS name, right(class.relname, 8) AS day
    FROM pg_catalog.pg_inherits
    JOIN pg_catalog.pg_class AS class ON class.oid = inhrelid
    JOIN pg_catalog.pg_class AS parent ON parent.oid = inhparent
    WHERE parent.oid IN ('unkey.verification_events'::regclass, 'unkey.verification_bursts'::regclass, 'unkey.ratelimit_events'::regclass)
        AND class.relname ~ '_(events|bursts)_[0-9]{8}$';
COMMENT ON COLUMN unkey.event_partitions.parent IS 'verification_events, verification_bursts or ratelimit_events.';

CREATE OR REPLACE FUNCTION unkey.make_event_partition(parent text, day date) RETURNS boolean
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- What its index knows of it.
    columns   text := CASE parent
        WHEN 'verification_events' THEN 'time, key_id text_bloom_ops'
        WHEN 'verification_bursts' THEN 'time'
        WHEN 'ratelimit_events' THEN 'time, identifier text_bloom_ops' END;
    partition text := make_event_partition.parent || to_char(day, '_YYYYMMDD');
    stranger  text;
BEGIN
    IF columns IS NULL OR NOT isfinite(day) THEN
        RETURN false;
    END IF;
    IF EXISTS (SELECT FROM unkey.event_partitions WHERE name = partition) THEN
        RETURN true;
    END IF;
    IF to_regclass(format('unkey.%I', partition)) IS NULL THEN
        EXECUTE format('CREATE TABLE unkey.%I (LIKE unkey.%I INCLUDING DEFAULTS INCLUDING COMMENTS)', partition, parent);
        EXECUTE format('COMMENT ON TABLE unkey.%I IS %L', partition, format('Events of %s (UTC).', day));
        IF parent = 'verification_bursts' THEN
            -- Two rows of the worker's fill a page of 8 kB; by default those of more than 2 kB are compressed.
            EXECUTE format('ALTER TABLE unkey.%I SET (toast_tuple_target = 4064)', partition);
        END IF;
        -- An entry for each event costs the worker as much as the event itself. Here a range of pages has one, once it is full:
        -- from when to when, and a Bloom filter of whose events it may have.
        EXECUTE format('CREATE INDEX ON unkey.%I USING brin (%s)', partition, columns);
        -- What default privileges of the owner say about new tables is not meant for these.
        FOR stranger IN
            SELECT DISTINCT CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END
            FROM pg_class, aclexplode(relacl) WHERE oid = format('unkey.%I', partition)::regclass AND grantee <> relowner
        LOOP
            EXECUTE format('REVOKE ALL ON unkey.%I FROM %s', partition, stranger);
        END LOOP;
    END IF;
    EXECUTE format('ALTER TABLE unkey.%I ATTACH PARTITION unkey.%I FOR VALUES FROM (%L) TO (%L)', parent, partition,
        day::timestamp AT TIME ZONE 'UTC', (day + 1)::timestamp AT TIME ZONE 'UTC');
    RETURN true;
EXCEPTION WHEN lock_not_available THEN
    RETURN false;
END
$$;
COMMENT ON FUNCTION unkey.make_event_partition(text, date) IS
'Makes the partition of verification_events, verification_bursts or ratelimit_events for a day (UTC) unless there is one, and answers whether there is one now: not for any other table, and not if the parent is locked for longer than lock_timeout.';

CREATE OR REPLACE FUNCTION unkey.roll_up() RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    known timestamptz := (SELECT until FROM unkey.rolled_up);
    next  timestamptz := unkey.now() + interval '1 millisecond';
BEGIN
    IF known IS NULL THEN
        -- The first time. So far each event was rolled up when it was moved, also one from a clock that is ahead.
        INSERT INTO unkey.rolled_up (until) SELECT GREATEST(next,
            (SELECT max(time) FROM unkey.verifications WHERE time >= next) + interval '1 millisecond',
            (SELECT max(time) FROM unkey.ratelimit_events WHERE time >= next) + interval '1 millisecond');
    ELSIF next > known THEN
        PERFORM unkey.roll_up_verifications(known, next);
        PERFORM unkey.roll_up_ratelimits(known, next);
        UPDATE unkey.rolled_up SET until = next;
    END IF;
END
$$;

-- pg_upgrade could not write these down.
CREATE OR REPLACE FUNCTION unkey.roll_up_verifications(first timestamptz, last timestamptz) RETURNS void
    LANGUAGE sql VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT SET search_path = pg_catalog, pg_temp SET enable_sort = off AS $$
    WITH recent AS MATERIALIZED (
        SELECT hour, key_space_id, api_id, key_id, identity_id, external_id, outcome, tags,
            role, count(*) AS count, LEAST(sum(spent_credits), 9223372036854775807) AS spent_credits, max(time) AS latest
        FROM (
            SELECT time, date_trunc('hour', time, 'UTC') AS hour, key_space_id, api_id, key_id, identity_id, external_id, outcome,
                tags, role, spent_credits
            FROM unkey.verification_events WHERE time >= first AND time < last
            UNION ALL
            SELECT time, hour, key_space_id, api_id, unnest(key_ids), unnest(identity_ids), unnest(external_ids), outcome,
                tags, role, spent_credits
            -- OFFSET has the hour computed for a row and not for each verification in it.
            FROM (SELECT *, date_trunc('hour', time, 'UTC') AS hour
                FROM unkey.verification_bursts WHERE time >= first AND time < last OFFSET 0) AS burst
        ) AS event
        GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
    ), hours AS (
        INSERT INTO unkey.verification_hours AS known (time, key_space_id, api_id, key_id, identity_id, external_id, outcome, tags,
            role, count, spent_credits)
        SELECT hour, key_space_id, api_id, key_id, identity_id, external_id, outcome, tags, role, count, spent_credits
        FROM recent ORDER BY key_id
        ON CONFLICT (key_id, time, dimensions) DO UPDATE SET count = known.count + EXCLUDED.count,
            spent_credits = LEAST(known.spent_credits::numeric + EXCLUDED.spent_credits, 9223372036854775807)
    ), days AS (
        INSERT INTO unkey.verification_days AS known (time, key_space_id, api_id, key_id, identity_id, external_id, outcome, tags,
            role, count, spent_credits)
        SELECT date_trunc('day', hour, 'UTC'), key_space_id, api_id, key_id, identity_id, external_id, outcome, tags,
            role, sum(count), LEAST(sum(spent_credits), 9223372036854775807)
        FROM recent GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9 ORDER BY key_id
        ON CONFLICT (key_id, time, dimensions) DO UPDATE SET count = known.count + EXCLUDED.count,
            spent_credits = LEAST(known.spent_credits::numeric + EXCLUDED.spent_credits, 9223372036854775807)
    )
    INSERT INTO unkey.key_usage AS known (key_id, last_used_at)
    SELECT key_id, latest FROM (SELECT key_id, max(latest) AS latest FROM recent GROUP BY key_id) AS used
    -- One by one: a join may read all keys for a few.
    WHERE (SELECT true FROM unkey.keys AS key WHERE key.id = used.key_id)
    ORDER BY key_id
    ON CONFLICT (key_id) DO UPDATE SET last_used_at = GREATEST(known.last_used_at, EXCLUDED.last_used_at);
$$;

CREATE OR REPLACE FUNCTION unkey.roll_up_ratelimits(first timestamptz, last timestamptz) RETURNS void
    LANGUAGE sql VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT SET search_path = pg_catalog, pg_temp SET enable_sort = off AS $$
    WITH recent AS MATERIALIZED (
        SELECT date_trunc('hour', time, 'UTC') AS hour, namespace_id, identifier, count(*) FILTER (WHERE passed) AS passed,
            count(*) AS total, LEAST(coalesce(sum(tokens) FILTER (WHERE passed), 0), 9223372036854775807) AS passed_tokens,
            LEAST(sum(tokens), 9223372036854775807) AS total_tokens
        FROM unkey.ratelimit_events WHERE time >= first AND time < last
        GROUP BY 1, 2, 3
    ), hours AS (
        INSERT INTO unkey.ratelimit_hours AS known (time, namespace_id, identifier, passed, total, passed_tokens, total_tokens)
        SELECT hour, namespace_id, identifier, passed, total, passed_tokens, total_tokens
        FROM recent ORDER BY namespace_id, identifier
        ON CONFLICT (namespace_id, identifier, time) DO UPDATE SET
            passed = known.passed + EXCLUDED.passed, total = known.total + EXCLUDED.total,
            passed_tokens = LEAST(known.passed_tokens::numeric + EXCLUDED.passed_tokens, 9223372036854775807),
            total_tokens = LEAST(known.total_tokens::numeric + EXCLUDED.total_tokens, 9223372036854775807)
    )
    INSERT INTO unkey.ratelimit_days AS known (time, namespace_id, identifier, passed, total, passed_tokens, total_tokens)
    SELECT date_trunc('day', hour, 'UTC'), namespace_id, identifier, sum(passed), sum(total),
        LEAST(sum(passed_tokens), 9223372036854775807), LEAST(sum(total_tokens), 9223372036854775807)
    FROM recent GROUP BY 1, 2, 3 ORDER BY namespace_id, identifier
    ON CONFLICT (namespace_id, identifier, time) DO UPDATE SET
        passed = known.passed + EXCLUDED.passed, total = known.total + EXCLUDED.total,
        passed_tokens = LEAST(known.passed_tokens::numeric + EXCLUDED.passed_tokens, 9223372036854775807),
        total_tokens = LEAST(known.total_tokens::numeric + EXCLUDED.total_tokens, 9223372036854775807);
$$;

-- A subscriber keeps its own account of usage.
ALTER TABLE unkey.keys ENABLE ALWAYS TRIGGER forget_usage;

-- Requests that are done once, however often they are sent. A row is claimed, answered and committed with the work of its request.

CREATE TABLE unkey.requests (
    key_id          text COLLATE "C" NOT NULL,
    idempotency_key text COLLATE "C" NOT NULL CHECK (length(idempotency_key) BETWEEN 1 AND 255),
    fingerprint     bytea CHECK (octet_length(fingerprint) = 32),
    answer          jsonb CHECK (octet_length(answer::text) <= 65536),
    began_at        unkey.instant NOT NULL DEFAULT unkey.now(),
    PRIMARY KEY (key_id, idempotency_key),
    -- Deferred, so that the key's row is locked after the balance that the request pays from, as everywhere.
    FOREIGN KEY (key_id) REFERENCES unkey.keys ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX requests_began_at_idx ON unkey.requests (began_at);
COMMENT ON TABLE unkey.requests IS 'Requests that unkey_begin_request knows by their idempotency keys, kept for unkey.idempotency_retention.';
COMMENT ON COLUMN unkey.requests.key_id IS 'The key that was authenticated. Others have idempotency keys of their own.';
COMMENT ON COLUMN unkey.requests.idempotency_key IS 'What the client calls the request: 1 to 255 characters.';
COMMENT ON COLUMN unkey.requests.fingerprint IS 'SHA-256 of the request as jsonb prints it; NULL if it was begun without one.';
COMMENT ON COLUMN unkey.requests.answer IS 'What unkey_finish_request kept, at most 64 kB of JSON text; NULL until then.';
COMMENT ON COLUMN unkey.requests.began_at IS 'When it was begun, or taken over by a retry.';

SELECT pg_catalog.pg_extension_config_dump('unkey.requests', '');

CREATE FUNCTION @extschema@.unkey_begin_request(idempotency_key text, request jsonb DEFAULT NULL) RETURNS jsonb
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_begin_request_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_begin_request(text, jsonb) IS
'Begins a request of the key that is authenticated. NULL: it is the first time, go on: pay, work, and unkey_finish_request in the same transaction. Otherwise the answer that was finished before: return that, pay nothing.
A transaction that fails leaves nothing, so a retry of it is a first time; so is one of a request that was begun and committed without an answer. If another transaction is about the same request, this one waits for its end.
idempotency_key: what the client calls the request and sends again with a retry, 1 to 255 characters. Each key has its own: other keys, also one made by a reroll, begin anew. request: what it asks for; its SHA-256 is kept, so that another request under the same idempotency key is an error. Kept for unkey.idempotency_retention.
Errors: 28000 nobody is authenticated, 22023 the idempotency key was used for another request or has not 1 to 255 characters, 22004 it is NULL, 25006 in a read-only transaction, 40001 another transaction was about it and this one is REPEATABLE READ or SERIALIZABLE.';

CREATE FUNCTION @extschema@.unkey_finish_request(idempotency_key text, answer jsonb) RETURNS jsonb
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_finish_request_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_finish_request(text, jsonb) IS
'Keeps the answer of a request that unkey_begin_request began for the key that is authenticated, and returns it. answer: any JSON of at most 64 kB, JSON null too.
Errors: 28000 nobody is authenticated, 55000 the request was never begun or is finished, 22023 the answer is too long or idempotency_key has not 1 to 255 characters, 22004 a NULL, 25006 in a read-only transaction, 40001 as unkey_begin_request.';

CREATE FUNCTION unkey.remove_requests() RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    until   timestamptz := unkey.now() - current_setting('unkey.idempotency_retention')::interval;
    removed bigint;
BEGIN
    WITH over AS MATERIALIZED (
        SELECT ctid FROM unkey.requests WHERE began_at <= until
        ORDER BY began_at LIMIT 10000 FOR UPDATE SKIP LOCKED
    )
    DELETE FROM unkey.requests WHERE ctid = ANY (ARRAY(SELECT ctid FROM over));
    GET DIAGNOSTICS removed = ROW_COUNT;
    RETURN removed;
END
$$;
COMMENT ON FUNCTION unkey.remove_requests() IS
'Removes requests that began unkey.idempotency_retention ago or earlier, up to 10000, and answers how many. Those in use are left alone.';

CREATE OR REPLACE FUNCTION unkey.maintain_once() RETURNS unkey.maintenance
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SET search_path = pg_catalog, pg_temp SET lock_timeout = '200ms' SET work_mem = '64MB' AS $$
DECLARE
    done   unkey.maintenance;
    at     timestamptz := unkey.now(); -- also loads the library, and with it the settings
    today  date := (at AT TIME ZONE 'UTC')::date;
    before bigint := (SELECT count(*) FROM unkey.event_partitions);
BEGIN
    PERFORM unkey.make_event_partition(parent, day)
    FROM unnest(ARRAY['verification_events', 'verification_bursts', 'ratelimit_events']) AS parent, unnest(ARRAY[today, today + 1]) AS day;
    done.drained := unkey.drain();
    DELETE FROM unkey.verification_hours WHERE time < at - current_setting('unkey.rollup_retention')::interval;
    DELETE FROM unkey.verification_days WHERE time < at - current_setting('unkey.rollup_retention')::interval;
    DELETE FROM unkey.ratelimit_hours WHERE time < at - current_setting('unkey.rollup_retention')::interval;
    DELETE FROM unkey.ratelimit_days WHERE time < at - current_setting('unkey.rollup_retention')::interval;

    -- From here on the worker can't empty the memory until the transaction ends.
    IF unkey.lock_memory() THEN
        done.drained := done.drained + unkey.drain_memory();
        done.drained := done.drained + unkey.drain(); -- what came late
        PERFORM unkey.roll_up();
    END IF;
    done.partitions_made := (SELECT count(*) FROM unkey.event_partitions) - before;

    PERFORM unkey.summarize_event_partitions(today - 1);

    -- Last, because others may wait for these locks until the transaction ends.
    BEGIN
        done.entries_sealed := unkey.seal_audit_log();
    EXCEPTION WHEN lock_not_available THEN
        done.entries_sealed := 0;
    END;
    done.partitions_dropped :=
        unkey.drop_event_partitions(((at - current_setting('unkey.retention')::interval) AT TIME ZONE 'UTC')::date);
    PERFORM unkey.save_counters();
    done.counters_removed := unkey.remove_counters();
    PERFORM unkey.remove_requests();
    INSERT INTO unkey.last_maintenance (finished_at, drained) VALUES (unkey.now(), done.drained)
    ON CONFLICT (singleton) DO UPDATE SET finished_at = EXCLUDED.finished_at, drained = EXCLUDED.drained;
    RETURN done;
END
$$;
COMMENT ON FUNCTION unkey.maintain_once() IS 'The work of unkey.maintain(), with settings of its own: it waits 200 ms for any lock and no longer.';

CREATE OR REPLACE FUNCTION unkey.maintain() RETURNS unkey.maintenance
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- What others committed meanwhile must be seen: it may be at the wrong side of unkey.rolled_up otherwise.
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION USING ERRCODE = '25001', MESSAGE = 'unkey.maintain() needs the isolation level READ COMMITTED',
            HINT = 'Call it in a transaction of its own, or begin that with ISOLATION LEVEL READ COMMITTED.';
    END IF;
    IF unkey.lock('maintenance', wait => false) THEN
        RETURN unkey.maintain_once();
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION unkey.maintain() IS
'Keeps the database in shape; run it every minute (docs/operations.md), unless the library is preloaded: then the worker of the database does. Moves events from the queues, at most about a million in a call, and from memory into partitions, adds what is new to the roll-ups, and makes partitions as needed; drops event partitions after unkey.retention and deletes roll-ups after unkey.rollup_retention; saves rate-limit counters of shared memory, and removes those whose windows are over; deletes requests after unkey.idempotency_retention. One call at a time: a second one returns NULL at once. Verifications neither wait for it nor hold it up; whatever else it would have to wait for longer than 200 ms, it leaves for the next call. Without it nothing fails: the queues and counters grow, and last_used_at stays behind.
Errors: 55P03 the queues, roll-ups or counters are locked by hand, 25001 not READ COMMITTED, 25006 in a read-only transaction, 0A000 at PREPARE TRANSACTION if events were in memory.';

-- Why a key is refused, and when it will work again.
CREATE TYPE unkey.explanation AS (
    position  integer,
    step      text,
    result    text,
    code      text,
    clears_at timestamptz,
    message   text,
    details   jsonb
);
COMMENT ON TYPE unkey.explanation IS 'A row of unkey_explain: one check of a verification, or the verdict as the last row.';
COMMENT ON COLUMN unkey.explanation.position IS 'Place in the order in which a verification checks, from 1.';
COMMENT ON COLUMN unkey.explanation.step IS 'found, api, enabled, expires, ip, permissions, ratelimit (a row for each limit that applies), credits; verdict.';
COMMENT ON COLUMN unkey.explanation.result IS 'passed or refused; would pass or would refuse where a verification does not come so far, since an earlier check refuses.';
COMMENT ON COLUMN unkey.explanation.code IS 'What a verification that is refused here answers; NULL where it passes, or would raise an error. Of the verdict: the answer.';
COMMENT ON COLUMN unkey.explanation.clears_at IS 'When what refuses here ends by itself if nobody uses the key, its limits or credits until then; NULL for never, or nothing refuses. Of the verdict: when all of it has ended, and the key has not expired before.';
COMMENT ON COLUMN unkey.explanation.message IS 'The same in a sentence, times in UTC.';
COMMENT ON COLUMN unkey.explanation.details IS 'What was looked at, times and durations in milliseconds. found: {"keyId", "name", "apiId", "deletedAt"?, "apiDeletedAt"?, "migrationId"?}. api, enabled: {"enabled"}. expires: {"expires"}. ip: {"ip", "ipWhitelists": [{"owner": "api" or "key", "networks", "entry"}]}. permissions: {"query", "permissions": [{"slug", "held", "direct", "roles"}]}. ratelimit: as in unkey.verification, and {"owner": "key", "identity" or "request", "cost", "current", "previous", "used"}, used being what counts of both windows. credits: {"remaining", "cost", "refill": {"interval", "amount", "refillDay", "nextAt"}}, remaining being the balance before the cost, due refills included. NULL where nothing was.';

CREATE FUNCTION @extschema@.unkey_explain(
    key text DEFAULT NULL,
    permissions text DEFAULT NULL,
    cost bigint DEFAULT NULL,
    ratelimits jsonb DEFAULT NULL,
    api_id text DEFAULT NULL,
    ip inet DEFAULT NULL,
    key_id text DEFAULT NULL
) RETURNS SETOF unkey.explanation
    LANGUAGE c STABLE PARALLEL RESTRICTED CALLED ON NULL INPUT ROWS 10
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_explain_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_explain(text, text, bigint, jsonb, text, inet, text) IS
'What unkey_verify_key would answer now and why: one row for each check in the order in which it checks, the verdict last. It counts, spends, records and finishes nothing, so it works in read-only transactions and on standbys. Checks after the one that refuses are shown too; of a deleted key there are none. Never shows the text or hash of a key.
key or key_id: the text of the key, or its id for those who do not have it. Other arguments: as for unkey_verify_key.
Errors: as unkey_verify_key, and 22004 neither key nor key_id, 22023 both. An unknown key or key_id is a row, not an error.';
REVOKE ALL ON FUNCTION @extschema@.unkey_explain(text, text, bigint, jsonb, text, inet, text) FROM PUBLIC;

-- Keys of requests over HTTP.
CREATE FUNCTION @extschema@.unkey_authenticate_request(
    permissions text DEFAULT NULL,
    cost bigint DEFAULT NULL,
    ratelimits jsonb DEFAULT NULL,
    tags text[] DEFAULT NULL,
    api_id text DEFAULT NULL,
    header text DEFAULT NULL
) RETURNS unkey.verification
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT COST 10 SUPPORT unkey.support
    AS 'MODULE_PATHNAME', 'unkey_authenticate_request';
COMMENT ON FUNCTION @extschema@.unkey_authenticate_request(text, bigint, jsonb, text[], text, text) IS
'Finds the key of the running request, as PostgREST''s settings tell of it, and does what unkey_authenticate does: returns the verification of a valid key, which is the principal to the end of the transaction. For a pre-request function of your own, once for each request: afterwards no setting has the key.
header: name of the header that brings the key; NULL for what unkey.request_header says, or else apikey, then Authorization: Bearer. A JWT is no key. permissions, tags, api_id: as in unkey_verify_key; the tags method:GET and path:/notes are added while there is room. cost: credits to spend, NULL for 1, or 0 in a read-only transaction. ratelimits: as in unkey_verify_key; in names, {method} and {path} stand for those of the request. The address for allow-lists is that of request.client_address, which unkey-http sets, or else the last one in the header named by unkey.request_ip_header.
Sets until the end of the transaction: request.headers without the key; request.jwt.claims with sub (unless the token has one) and unkey: {"key_id", "external_id", "identity_id", "roles", "permissions"}; response.headers with RateLimit-Policy and RateLimit if limits were evaluated. These are for compatibility: SQL can set them to anything, so policies ask unkey_external_id() and unkey_can().
Errors: PGRST for a refusal, which PostgREST turns into a reply: 401 (MISSING_KEY, NOT_FOUND, DISABLED, EXPIRED), 403 (FORBIDDEN, INSUFFICIENT_PERMISSIONS), 429 (RATE_LIMITED, USAGE_EXCEEDED) with Retry-After if it ends by itself. Otherwise as unkey_verify_key, and 55000 outside of a request, 22023 request.headers or header.';

CREATE FUNCTION @extschema@.unkey_pre_request() RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE STRICT AS 'MODULE_PATHNAME', 'unkey_pre_request';
COMMENT ON FUNCTION @extschema@.unkey_pre_request() IS
'A pre-request function for PostgREST (db-pre-request) and unkey-http (--pre-request): unkey_authenticate_request with what settings say, which superusers set for the role that logs in. unkey.request_api_id: the API of the keys. unkey.request_ratelimits: limits, as JSON. unkey.request_cost: credits of a request that may write; one in a read-only transaction spends none. Errors: as unkey_authenticate_request; 22023 names the setting.';

CREATE OR REPLACE FUNCTION unkey.privileges(privilege text) RETURNS SETOF text
    LANGUAGE sql STABLE PARALLEL SAFE CALLED ON NULL INPUT SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    WITH members AS (
        SELECT member.classid, member.objid
        FROM pg_catalog.pg_depend AS member
        JOIN pg_catalog.pg_extension AS extension ON extension.oid = member.refobjid AND extension.extname = 'unkey'
        WHERE member.refclassid = 'pg_catalog.pg_extension'::regclass AND member.deptype = 'e'
    ), functions AS (
        SELECT routine.oid, routine.proname AS name, routine.pronamespace = 'unkey'::regnamespace AS internal,
            routine.proname IN ('unkey_key_id', 'unkey_external_id', 'unkey_identity_id', 'unkey_meta', 'unkey_can', 'unkey_has_role', 'unkey_logout') AS principal
        FROM members
        JOIN pg_catalog.pg_proc AS routine ON routine.oid = members.objid
        WHERE members.classid = 'pg_catalog.pg_proc'::regclass AND routine.prorettype <> 'trigger'::regtype
    ), relations AS (
        SELECT relation.oid, relation.relname AS name, relation.relkind AS kind
        FROM members
        JOIN pg_catalog.pg_class AS relation ON relation.oid = members.objid
        WHERE members.classid = 'pg_catalog.pg_class'::regclass AND relation.relkind IN ('r', 'p', 'v')
            AND relation.relname NOT IN ('secrets', 'encryption_keys', 'encrypted_keys', 'requests')
    )
    SELECT format('EXECUTE ON FUNCTION %s', oid::regprocedure)
    FROM functions
    WHERE CASE privilege
        WHEN 'verify' THEN principal OR name IN ('unkey_verify_key', 'unkey_verify_keys', 'unkey_authenticate', 'unkey_authenticate_request',
            'unkey_pre_request', 'unkey_begin_request', 'unkey_finish_request')
        WHEN 'principal' THEN principal
        WHEN 'limit' THEN name IN ('unkey_limit', 'unkey_multi_limit')
        WHEN 'api' THEN name IN ('unkey_api', 'unkey_api_verify_keys', 'unkey_api_operations', 'figures')
        WHEN 'read' THEN name ~ '^unkey_(get|list)_' OR name IN ('unkey_whoami', 'unkey_explain', 'unkey_scan', 'unkey_scanner_rules', 'unkey_verify_audit_log', 'figures')
        WHEN 'manage' THEN name NOT IN ('unkey_grant', 'unkey_revoke')
            AND (NOT internal OR name IN ('new_id', 'now', 'to_ms', 'from_ms', 'maintain', 'figures') OR name ~ '^is_')
    END
    UNION ALL
    SELECT 'USAGE ON SCHEMA unkey' WHERE privilege IN ('verify', 'api', 'read', 'manage')
    UNION ALL
    SELECT format('SELECT ON TABLE unkey.%I', name) FROM relations WHERE privilege = 'verify' AND name ~ '^own_' OR privilege = 'api' AND name = 'metrics'
    UNION ALL
    SELECT format('SELECT (%s) ON TABLE unkey.%I', string_agg(quote_ident(field.attname), ', ' ORDER BY field.attnum), name)
    FROM relations
    JOIN pg_catalog.pg_attribute AS field ON field.attrelid = relations.oid AND field.attnum > 0 AND NOT field.attisdropped
    WHERE privilege IN ('read', 'manage') AND field.attname <> 'hash'
    GROUP BY relations.oid, name
    UNION ALL
    SELECT format('INSERT, UPDATE, DELETE ON TABLE unkey.%I', name)
    FROM relations
    WHERE privilege = 'manage' AND name IN ('apis', 'identities', 'permissions', 'roles', 'role_permissions', 'migrations',
        'keys', 'key_permissions', 'key_roles', 'credits', 'root_keys', 'ratelimit_namespaces', 'ratelimit_overrides');
END;
COMMENT ON FUNCTION unkey.privileges(text) IS
'What a privilege of unkey_grant consists of, as the middle of a GRANT statement. An unknown word or NULL gives nothing.';

CREATE OR REPLACE FUNCTION @extschema@.unkey_grant(role name, privilege text) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM unkey.change_privilege('GRANT %s TO %I', role, privilege);
END
$$;
COMMENT ON FUNCTION @extschema@.unkey_grant(name, text) IS
'Gives a role a privilege, with plain GRANT statements on the functions and tables of the extension. verify: unkey_verify_key, unkey_verify_keys, unkey_authenticate, unkey_authenticate_request, unkey_pre_request, unkey_begin_request, unkey_finish_request and the view of its own usage, nothing else. principal, which verify includes: unkey_key_id, unkey_external_id and the other functions that tell who is authenticated, for roles that policies apply to. limit: unkey_limit and unkey_multi_limit. api: unkey_api, unkey_api_verify_keys and the view unkey.metrics, for a server whose clients bring root keys. read: every unkey_get_… and unkey_list_… function, unkey_whoami, unkey_explain, unkey_scan, unkey_scanner_rules, and SELECT on tables and views without hashes, secrets, encrypted texts or answers of requests. manage: everything but handing out privileges, and changes of the tables by hand. PUBLIC never gets any. Only the owner of the extension may call it.
Errors: 22004 a NULL, 22023 unknown privilege, 42704 unknown role.';

REVOKE ALL ON FUNCTION @extschema@.unkey_begin_request(text, jsonb), @extschema@.unkey_finish_request(text, jsonb), unkey.remove_requests() FROM PUBLIC;
REVOKE ALL ON FUNCTION @extschema@.unkey_authenticate_request(text, bigint, jsonb, text[], text, text), @extschema@.unkey_pre_request() FROM PUBLIC;

-- Key texts with a checksum.
ALTER TYPE unkey.api_details ADD ATTRIBUTE key_format text;
COMMENT ON COLUMN unkey.api_details.key_format IS 'What the texts of new keys look like: plain or checksum.';
ALTER TABLE unkey.apis ADD COLUMN IF NOT EXISTS key_format text COLLATE "C" NOT NULL DEFAULT 'plain' CHECK (key_format IN ('plain', 'checksum'));
ALTER TABLE unkey.apis ADD CONSTRAINT apis_checksum_check CHECK (key_format = 'plain' OR default_prefix !~ '_$' AND default_bytes <= 32);
COMMENT ON COLUMN unkey.apis.key_format IS 'What the texts of new keys look like. plain: prefix and random bytes in base58. checksum: prefix, 8 characters, unkeyv1, 36 characters and the CRC-32C of all that as 6 characters; the prefix does not end with _.';

CREATE FUNCTION @extschema@.unkey_create_api(
    name text,
    default_prefix text DEFAULT NULL,
    default_bytes integer DEFAULT NULL,
    ip_allowlist cidr[] DEFAULT NULL,
    delete_protection boolean DEFAULT NULL,
    store_encrypted_keys boolean DEFAULT NULL,
    key_format text DEFAULT NULL
) RETURNS text
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_create_api_of_format_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_create_api(text, text, integer, cidr[], boolean, boolean, text) IS
'Makes an API with its keyspace and returns its id (api_…). name: 3 to 255 letters, digits, . _ -, starting with a letter, not unique. default_prefix: 1 to 8 letters, digits, _; default none. default_bytes: 16 to 255, default 16. ip_allowlist: networks from which its keys may be verified, default any. delete_protection: default false. store_encrypted_keys: whether keys may be recoverable, default false. key_format: what the texts of its keys look like: plain (default), or checksum, of a fixed length with a marker and a checksum, for scanners; then default_prefix ends with a letter or a digit and default_bytes is at most 32.
Errors: 22023 a value out of range, 22004 name is NULL.';

REVOKE ALL ON FUNCTION @extschema@.unkey_create_api(text, text, integer, cidr[], boolean, boolean, text) FROM PUBLIC;

-- With one argument more it is another function. Whoever may execute the old one may execute the new one; what a script grants
-- would count as the extension's own, and pg_dump would leave it out.
DO $$
DECLARE
    old     pg_proc := routine FROM pg_proc AS routine
        WHERE oid = '@extschema@.unkey_create_api(text, text, integer, cidr[], boolean, boolean)'::regprocedure;
    new     oid := '@extschema@.unkey_create_api(text, text, integer, cidr[], boolean, boolean, text)'::regprocedure;
    initial aclitem[] := initprivs FROM pg_init_privs WHERE (objoid, classoid, objsubid) = (new, 'pg_proc'::regclass, 0);
    granted record;
BEGIN
    FOR granted IN SELECT grantee::regrole AS role, is_grantable FROM aclexplode(old.proacl) WHERE grantee NOT IN (0, old.proowner) LOOP
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %s %s', new::regprocedure, granted.role,
            CASE WHEN granted.is_grantable THEN 'WITH GRANT OPTION' END);
    END LOOP;
    UPDATE pg_init_privs SET initprivs = initial WHERE (objoid, classoid, objsubid) = (new, 'pg_proc'::regclass, 0);
END
$$;
DROP FUNCTION @extschema@.unkey_create_api(text, text, integer, cidr[], boolean, boolean);

COMMENT ON FUNCTION @extschema@.unkey_update_api(text, jsonb) IS
'Changes an API. patch: {"name", "defaultPrefix", "defaultBytes", "ipWhitelist", "enabled", "deleteProtection", "storeEncryptedKeys", "keyFormat"}; absent keeps, null clears defaultPrefix, defaultBytes (back to 16) and ipWhitelist. While enabled is false its keys answer FORBIDDEN. keyFormat is of keys made from now on; those there are stay as they are.
Errors: 22023 an unknown field or a value out of range, 42704 unknown API, 22004 NULL.';

COMMENT ON FUNCTION @extschema@.unkey_create_key(text, text, text, integer, text, jsonb, text[], text[], timestamptz, bigint, bigint, text, integer, jsonb, boolean, boolean, cidr[]) IS
'Makes a key and returns its id and its text, which is shown this once. Only api_id is required; NULL leaves any other at its default.
prefix: 1 to 16 letters, digits, _, the last one no _ if the API has the key format checksum; default that of the API. name: 1 to 255 characters. byte_length: random bytes, 16 to 255, default that of the API; with the key format checksum at most 32, and the key has as many whatever is asked for. external_id: your id of the owner, 1 to 255 letters, digits, . _ -; the identity is made when missing. meta: an object of at most 100 properties. roles: at most 100 names or ids, which must exist. permissions: at most 1000 slugs or ids; missing slugs are made. expires: 1970 to 2100; the key is invalid strictly after it. credits: balance, default unlimited. refill_amount, refill_interval (daily or monthly), refill_day (1 to 31, monthly only; the last day in shorter months): at 00:00 UTC a balance below the amount is set to it. ratelimits: [{"name", "limit", "duration" (ms, at least 1000), "autoApply" (default false)}], at most 50. enabled: default true. recoverable: whether the text is kept, encrypted, for unkey_decrypt_key; default false. ip_allowlist: networks from which the key may be verified.
Errors: 22023 a value out of range or a refill without credits, 22004 a NULL, 42704 unknown API or role, 55000 recoverable without a master key or for an API that does not store encrypted keys.';

COMMENT ON FUNCTION @extschema@.unkey_reroll_key(text, interval) IS
'Makes a key with the same name, meta, identity, expiry, balance, refill, limits, permissions, roles, addresses and prefix but a new text, in the key format that its API has now, and ends the old one: at once, or after grace (a month counts 30 days) rounded up to the whole minute, never later than it would have ended anyway. Counters start at zero; both keys hold a copy of the balance. A recoverable key gets a recoverable one.
Errors: 22023 grace is negative or beyond 130 years, 42704 unknown key, 55000 recoverable and no master key or no longer allowed by the API, 22004 key_id is NULL.';

-- Keys where they do not belong.
CREATE TYPE unkey.leaked_key AS (
    key_id   text,
    api_id   text,
    start    text,
    enabled  boolean,
    expires  timestamptz,
    position integer,
    length   integer
);
COMMENT ON TYPE unkey.leaked_key IS 'A live key that stands in a text.';
COMMENT ON COLUMN unkey.leaked_key.key_id IS 'Id of the key.';
COMMENT ON COLUMN unkey.leaked_key.api_id IS 'Id of its API; NULL for a root key.';
COMMENT ON COLUMN unkey.leaked_key.start IS 'Visible beginning of the key text; empty for imported keys.';
COMMENT ON COLUMN unkey.leaked_key.enabled IS 'Whether it is enabled.';
COMMENT ON COLUMN unkey.leaked_key.expires IS 'When it expires, or expired; NULL for never.';
COMMENT ON COLUMN unkey.leaked_key.position IS 'Where it begins in the text, in characters from 1.';
COMMENT ON COLUMN unkey.leaked_key.length IS 'How many characters of the text it is.';

CREATE FUNCTION @extschema@.unkey_scan(content text) RETURNS SETOF unkey.leaked_key
    LANGUAGE c STABLE PARALLEL SAFE STRICT COST 1000 ROWS 10
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_scan_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_scan(text) IS
'Finds the keys and root keys of this database in a text of any kind (source code, logs, JSON, URLs), a row for each place where one stands. Those that are disabled or expired are among them, deleted ones are not. Nothing of the text is stored or logged by the extension; Postgres logs it as any parameter: log_parameter_max_length = 0 and no log_statement. NULL: no rows.
Found are: every key with the key format checksum; every other key made here, unless a character of base58 (letters and digits but 0, O, I, l) follows, or precedes one that has no prefix; an imported key that has 16 to 512 letters, digits and _ - . ~ + / (and = at its end), begins and ends where a word does, and has at most 8 words, of which one has 16 characters or mixes small letters, capitals and digits. A word is letters and digits; escapes (%22, \n, \u0022) end before it. Not found are keys that are encoded (base64, gzip) or broken over lines.
No errors.';

CREATE FUNCTION @extschema@.unkey_scanner_rules(
    tool text,
    verify_url text DEFAULT NULL
) RETURNS text
    LANGUAGE c STABLE PARALLEL SAFE CALLED ON NULL INPUT COST 10000
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_scanner_rules_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_scanner_rules(text, text) IS
'Rules by which others find keys of this database: a configuration for a scanner, with a rule for each API, made from its key format and from the prefixes of its keys, and one for root keys. Keys with the format checksum are told by their layout; plain ones by prefix, so an API whose keys have none gets a comment instead. Imported keys are not covered. Reads all keys once.
tool: gitleaks (TOML, on top of its own rules) or trufflehog (custom detectors in YAML). verify_url, of trufflehog only: an address (http:// or https://, at most 2048 characters) that it sends what it found to, as JSON in a POST; 200 says that a key is live.
Errors: 22023 another tool or address, 22004 tool is NULL.';
REVOKE ALL ON FUNCTION @extschema@.unkey_scan(text), @extschema@.unkey_scanner_rules(text, text) FROM PUBLIC;

-- A change of a key has sessions forget that key; those whose library is of 0.1.0 forget all, and can't change any until they are new.
CREATE UNLOGGED TABLE unkey.common_changes ();
COMMENT ON TABLE unkey.common_changes IS 'Empty for good. Triggers name it in the message with which Postgres tells all sessions that any key may have changed: what changed is of no single key or identity, or many changed at once.';

CREATE OR REPLACE FUNCTION unkey.key_changed() RETURNS trigger
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT AS 'MODULE_PATHNAME', 'unkey_key_was_changed_wrapper';
COMMENT ON FUNCTION unkey.key_changed() IS
'Trigger: has all sessions forget what they know of the key of the row, or of the keys of the identity, when the transaction commits, and this one with its next statement; of all keys if the row is of neither, after TRUNCATE, and when a transaction changed many. Errors: 39P01 called otherwise.';

CREATE OR REPLACE FUNCTION unkey.key_linked() RETURNS trigger
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT AS 'MODULE_PATHNAME', 'unkey_key_was_linked_wrapper';
COMMENT ON FUNCTION unkey.key_linked() IS
'Trigger of tables with a key_id: as unkey.key_changed, unless the key was made by the same transaction, so that nobody knows it yet. Errors: 39P01 called otherwise.';

-- Who applies replicated changes sets all columns, so each spend at the publisher had the subscriber's sessions forget its key.
CREATE OR REPLACE TRIGGER key_changed AFTER DELETE ON unkey.credits FOR EACH ROW EXECUTE FUNCTION unkey.key_changed();
ALTER TABLE unkey.credits ENABLE ALWAYS TRIGGER key_changed;
CREATE TRIGGER key_moved AFTER UPDATE OF key_id ON unkey.credits
    FOR EACH ROW WHEN (OLD.key_id IS DISTINCT FROM NEW.key_id)
    EXECUTE FUNCTION unkey.key_changed();
ALTER TABLE unkey.credits ENABLE ALWAYS TRIGGER key_moved;
COMMENT ON TRIGGER key_moved ON unkey.credits IS 'Has all sessions forget what they know of keys.';
