-- Maintenance: one function to run every minute. Everything it waits for it waits for briefly, so that it can run beside
-- anything; what it could not get it tries again the next time.

CREATE TYPE unkey.maintenance AS (
    drained            bigint,
    partitions_made    bigint,
    partitions_dropped bigint,
    counters_removed   bigint,
    entries_sealed     bigint
);
COMMENT ON TYPE unkey.maintenance IS 'What unkey.maintain() did; all columns NULL if another call was at work.';
COMMENT ON COLUMN unkey.maintenance.drained IS 'Events moved from the queues and from memory into partitions; a million or more means that there may be more left. Without those that a worker wrote before.';
COMMENT ON COLUMN unkey.maintenance.partitions_made IS 'Partitions made for days of events, today and tomorrow.';
COMMENT ON COLUMN unkey.maintenance.partitions_dropped IS 'Partitions dropped after unkey.retention.';
COMMENT ON COLUMN unkey.maintenance.counters_removed IS 'Rate-limit counters removed whose windows are over.';
COMMENT ON COLUMN unkey.maintenance.entries_sealed IS 'Entries of the audit log that were sealed.';

CREATE TABLE unkey.last_maintenance (
    singleton   boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    finished_at unkey.instant NOT NULL,
    drained     bigint NOT NULL CHECK (drained >= 0)
);
COMMENT ON TABLE unkey.last_maintenance IS 'The last unkey.maintain() that succeeded: at most one row.';
COMMENT ON COLUMN unkey.last_maintenance.singleton IS 'Always true: there is one row.';
COMMENT ON COLUMN unkey.last_maintenance.finished_at IS 'When.';
COMMENT ON COLUMN unkey.last_maintenance.drained IS 'Events that it moved, as in unkey.maintenance.';

SELECT pg_catalog.pg_extension_config_dump('unkey.last_maintenance', '');

-- Days are compared as the eight digits at the end of a name, so that no other name can be in the way.
CREATE VIEW unkey.event_partitions AS
    SELECT parent.relname::text AS parent, class.relname::text AS name, right(class.relname, 8) AS day
    FROM pg_catalog.pg_inherits
    JOIN pg_catalog.pg_class AS class ON class.oid = inhrelid
    JOIN pg_catalog.pg_class AS parent ON parent.oid = inhparent
    WHERE parent.oid IN ('unkey.verification_events'::regclass, 'unkey.verification_bursts'::regclass, 'unkey.ratelimit_events'::regclass)
        AND class.relname ~ '_(events|bursts)_[0-9]{8}$';
COMMENT ON VIEW unkey.event_partitions IS 'Partitions that unkey.maintain() made.';
COMMENT ON COLUMN unkey.event_partitions.parent IS 'verification_events, verification_bursts or ratelimit_events.';
COMMENT ON COLUMN unkey.event_partitions.name IS 'Name of the table in schema unkey: that of the parent and the day.';
COMMENT ON COLUMN unkey.event_partitions.day IS 'The day (UTC) whose events it holds, such as 20250314.';

-- Attaching a finished table waits for nobody who reads or writes, which CREATE TABLE … PARTITION OF would.
CREATE FUNCTION unkey.make_event_partition(parent text, day date) RETURNS boolean
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

-- Not by autosummarize, which forgets ranges that fill faster than autovacuum comes round, and not what is still being filled:
-- every event would change the filter. VACUUM finds what this leaves out.
CREATE FUNCTION unkey.summarize_event_partitions(since date) RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    stretch CONSTANT bigint := 128; -- pages of a range, unless said otherwise
    index   regclass;
    pages   bigint;
    page    bigint;
    new     bigint := 0;
BEGIN
    FOR index, pages IN
        SELECT indexrelid, pg_relation_size(indrelid) / current_setting('block_size')::bigint
        FROM unkey.event_partitions
        JOIN pg_index ON indrelid = to_regclass(format('unkey.%I', name))
        JOIN pg_class ON pg_class.oid = indexrelid
        WHERE day >= to_char(since, 'YYYYMMDD') COLLATE "C" AND relam = (SELECT oid FROM pg_am WHERE amname = 'brin')
        ORDER BY name
    LOOP
        FOR page IN REVERSE (pages / stretch - 1) * stretch .. 0 BY stretch LOOP
            EXIT WHEN brin_summarize_range(index, page) = 0;
            new := new + 1;
        END LOOP;
    END LOOP;
    RETURN new;
EXCEPTION WHEN lock_not_available THEN
    RETURN new;
END
$$;
COMMENT ON FUNCTION unkey.summarize_event_partitions(date) IS
'Brings the indexes of the event partitions of this day and later up to date with every range of 128 pages that has been filled since the last time, and answers how many those were. What somebody vacuums for longer than lock_timeout is left for the next time.';

CREATE FUNCTION unkey.drop_event_partitions(before date) RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    old     text;
    dropped bigint := 0;
BEGIN
    FOR old IN SELECT name FROM unkey.event_partitions WHERE day < to_char(before, 'YYYYMMDD') COLLATE "C" ORDER BY name LOOP
        EXECUTE format('DROP TABLE unkey.%I', old);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
EXCEPTION WHEN lock_not_available THEN
    RETURN 0;
END
$$;
COMMENT ON FUNCTION unkey.drop_event_partitions(date) IS
'Drops the event partitions of the days before this one and answers how many. If somebody reads events for longer than lock_timeout, none.';

CREATE FUNCTION unkey.drain_verifications(first tid, last tid) RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    days    date[];
    until   timestamptz := coalesce((SELECT rolled_up.until FROM unkey.rolled_up), 'infinity');
    drained bigint;
BEGIN
    days := ARRAY(
        SELECT day FROM (
            SELECT DISTINCT (time AT TIME ZONE 'UTC')::date AS day FROM unkey.verification_queue WHERE ctid >= first AND ctid < last
        ) AS wanted WHERE unkey.make_event_partition('verification_events', day));
    WITH batch AS MATERIALIZED (
        DELETE FROM unkey.verification_queue AS queue
        WHERE ctid >= first AND ctid < last AND (time AT TIME ZONE 'UTC')::date = ANY (days)
        RETURNING queue.*
    ), kept AS (
        INSERT INTO unkey.verification_events SELECT * FROM batch
    ), late AS (
        SELECT * FROM batch WHERE time < until
    ), hours AS (
        INSERT INTO unkey.verification_hours AS known (time, key_space_id, api_id, key_id, identity_id, external_id, outcome, tags,
            role, count, spent_credits)
        SELECT date_trunc('hour', time, 'UTC'), key_space_id, api_id, key_id, identity_id, external_id, outcome, tags,
            role, count(*), LEAST(sum(spent_credits), 9223372036854775807)
        FROM late GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
        ON CONFLICT (key_id, time, dimensions) DO UPDATE SET count = known.count + EXCLUDED.count,
            spent_credits = LEAST(known.spent_credits::numeric + EXCLUDED.spent_credits, 9223372036854775807)
    ), days AS (
        INSERT INTO unkey.verification_days AS known (time, key_space_id, api_id, key_id, identity_id, external_id, outcome, tags,
            role, count, spent_credits)
        SELECT date_trunc('day', time, 'UTC'), key_space_id, api_id, key_id, identity_id, external_id, outcome, tags,
            role, count(*), LEAST(sum(spent_credits), 9223372036854775807)
        FROM late GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
        ON CONFLICT (key_id, time, dimensions) DO UPDATE SET count = known.count + EXCLUDED.count,
            spent_credits = LEAST(known.spent_credits::numeric + EXCLUDED.spent_credits, 9223372036854775807)
    ), usage AS (
        INSERT INTO unkey.key_usage AS known (key_id, last_used_at)
        SELECT key_id, latest FROM (SELECT key_id, max(time) AS latest FROM late GROUP BY key_id) AS used
        WHERE EXISTS (SELECT FROM unkey.keys AS key WHERE key.id = used.key_id)
        ON CONFLICT (key_id) DO UPDATE SET last_used_at = GREATEST(known.last_used_at, EXCLUDED.last_used_at)
    )
    SELECT count(*) INTO drained FROM batch;
    RETURN drained;
END
$$;
COMMENT ON FUNCTION unkey.drain_verifications(tid, tid) IS
'Moves one stretch of the queue of verifications into partitions and, if unkey.rolled_up says that it comes late, into roll-ups and key_usage, in one statement, and answers how many events those were. Events whose day has no partition stay.';

CREATE FUNCTION unkey.drain_ratelimits(first tid, last tid) RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    days    date[];
    until   timestamptz := coalesce((SELECT rolled_up.until FROM unkey.rolled_up), 'infinity');
    drained bigint;
BEGIN
    days := ARRAY(
        SELECT day FROM (
            SELECT DISTINCT (time AT TIME ZONE 'UTC')::date AS day FROM unkey.ratelimit_queue WHERE ctid >= first AND ctid < last
        ) AS wanted WHERE unkey.make_event_partition('ratelimit_events', day));
    WITH batch AS MATERIALIZED (
        DELETE FROM unkey.ratelimit_queue AS queue
        WHERE ctid >= first AND ctid < last AND (time AT TIME ZONE 'UTC')::date = ANY (days)
        RETURNING queue.*
    ), kept AS (
        INSERT INTO unkey.ratelimit_events SELECT * FROM batch
    ), late AS (
        SELECT * FROM batch WHERE time < until
    ), hours AS (
        INSERT INTO unkey.ratelimit_hours AS known (time, namespace_id, identifier, passed, total, passed_tokens, total_tokens)
        SELECT date_trunc('hour', time, 'UTC'), namespace_id, identifier, count(*) FILTER (WHERE passed), count(*),
            LEAST(coalesce(sum(tokens) FILTER (WHERE passed), 0), 9223372036854775807), LEAST(sum(tokens), 9223372036854775807)
        FROM late GROUP BY 1, 2, 3
        ON CONFLICT (namespace_id, identifier, time) DO UPDATE SET
            passed = known.passed + EXCLUDED.passed, total = known.total + EXCLUDED.total,
            passed_tokens = LEAST(known.passed_tokens::numeric + EXCLUDED.passed_tokens, 9223372036854775807),
            total_tokens = LEAST(known.total_tokens::numeric + EXCLUDED.total_tokens, 9223372036854775807)
    ), days AS (
        INSERT INTO unkey.ratelimit_days AS known (time, namespace_id, identifier, passed, total, passed_tokens, total_tokens)
        SELECT date_trunc('day', time, 'UTC'), namespace_id, identifier, count(*) FILTER (WHERE passed), count(*),
            LEAST(coalesce(sum(tokens) FILTER (WHERE passed), 0), 9223372036854775807), LEAST(sum(tokens), 9223372036854775807)
        FROM late GROUP BY 1, 2, 3
        ON CONFLICT (namespace_id, identifier, time) DO UPDATE SET
            passed = known.passed + EXCLUDED.passed, total = known.total + EXCLUDED.total,
            passed_tokens = LEAST(known.passed_tokens::numeric + EXCLUDED.passed_tokens, 9223372036854775807),
            total_tokens = LEAST(known.total_tokens::numeric + EXCLUDED.total_tokens, 9223372036854775807)
    )
    SELECT count(*) INTO drained FROM batch;
    RETURN drained;
END
$$;
COMMENT ON FUNCTION unkey.drain_ratelimits(tid, tid) IS
'Moves one stretch of the queue of limiter calls into partitions and, if unkey.rolled_up says that it comes late, into roll-ups, in one statement, and answers how many events those were. Events whose day has no partition stay.';

-- The queues have no index and need none: they are read once from end to end, by their pages.
CREATE FUNCTION unkey.drain() RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    stretch CONSTANT bigint := 2000; -- pages
    enough  CONSTANT bigint := 1000000; -- events: a call that is never done would be undone by a timeout again and again
    pages   bigint := pg_relation_size('unkey.verification_queue') / current_setting('block_size')::bigint;
    page    bigint := 0;
    drained bigint := 0;
BEGIN
    WHILE page < pages AND drained < enough LOOP
        drained := drained + unkey.drain_verifications(format('(%s,0)', page)::tid, format('(%s,0)', page + stretch)::tid);
        page := page + stretch;
    END LOOP;
    pages := pg_relation_size('unkey.ratelimit_queue') / current_setting('block_size')::bigint;
    page := 0;
    WHILE page < pages AND drained < enough LOOP
        drained := drained + unkey.drain_ratelimits(format('(%s,0)', page)::tid, format('(%s,0)', page + stretch)::tid);
        page := page + stretch;
    END LOOP;
    RETURN drained;
END
$$;
COMMENT ON FUNCTION unkey.drain() IS 'Moves what is in the queues now, up to about a million events, and answers how many those were.';

-- What is in memory has one reader at a time, which holds this lock; the roll-ups go on from where it has got.
CREATE FUNCTION unkey.lock_memory() RETURNS boolean
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SET search_path = pg_catalog, pg_temp SET lock_timeout = '10s' AS $$
BEGIN
    PERFORM unkey.lock('memory', wait => true);
    RETURN true;
EXCEPTION WHEN lock_not_available THEN
    RETURN false;
END
$$;
COMMENT ON FUNCTION unkey.lock_memory() IS
'Waits until nobody else writes events from memory, up to ten seconds, and keeps others from it until the transaction ends. Answers whether it could.';

CREATE FUNCTION unkey.drain_memory() RETURNS bigint
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_drain_memory_wrapper';
COMMENT ON FUNCTION unkey.drain_memory() IS
'Writes the events that are in memory to partitions, or to the queues those that come late or whose day has no partition, and answers how many went into partitions; 0 if somebody else is about it. Errors: 0A000 at PREPARE TRANSACTION.';

-- Groups are hashed and not sorted: how many there are is not known when the statement is planned, and texts sort slowly. Their texts are
-- quoted, because Postgres can't write down a parsed statement with ON CONFLICT at two levels, as pg_upgrade has it do.
CREATE FUNCTION unkey.roll_up_verifications(first timestamptz, last timestamptz) RETURNS void
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
COMMENT ON FUNCTION unkey.roll_up_verifications(timestamptz, timestamptz) IS
'Adds the verifications in partitions between two instants to roll-ups and key_usage.';

CREATE FUNCTION unkey.roll_up_ratelimits(first timestamptz, last timestamptz) RETURNS void
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
COMMENT ON FUNCTION unkey.roll_up_ratelimits(timestamptz, timestamptz) IS
'Adds the limiter''s calls in partitions between two instants to the roll-ups.';

-- unkey.rolled_up never goes back: what was before it once is in the roll-ups.
CREATE FUNCTION unkey.roll_up() RETURNS void
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
COMMENT ON FUNCTION unkey.roll_up() IS
'Adds what is in partitions since the last time to roll-ups and key_usage. For whoever holds the locks of unkey.maintain() and unkey.lock_memory().';

CREATE FUNCTION unkey.remove_counters() RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    at      bigint := unkey.to_ms(unkey.now());
    removed bigint;
BEGIN
    WITH over AS MATERIALIZED (
        SELECT ctid FROM unkey.counters WHERE seq < at / duration - 1 LIMIT 10000 FOR UPDATE SKIP LOCKED
    )
    DELETE FROM unkey.counters WHERE ctid = ANY (ARRAY(SELECT ctid FROM over));
    GET DIAGNOSTICS removed = ROW_COUNT;
    WITH over AS MATERIALIZED (
        SELECT ctid FROM unkey.saved_counters WHERE seq < at / duration - 1 LIMIT 10000 FOR UPDATE SKIP LOCKED
    ), gone AS (
        DELETE FROM unkey.saved_counters WHERE ctid = ANY (ARRAY(SELECT ctid FROM over)) RETURNING id
    )
    SELECT removed + count(*) INTO removed FROM gone;
    RETURN removed;
END
$$;
COMMENT ON FUNCTION unkey.remove_counters() IS
'Removes rate-limit counters whose two windows are over, up to 10000 from unkey.counters and from unkey.saved_counters, and answers how many. Those in use are left alone.';

CREATE FUNCTION unkey.maintain_once() RETURNS unkey.maintenance
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

CREATE FUNCTION unkey.maintain() RETURNS unkey.maintenance
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
