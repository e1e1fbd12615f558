-- The audit log: every change of configuration, in the transaction that makes it, whoever makes it and however.
--
-- Statement triggers with transition tables on every configuration table call unkey.audit(), so a function, hand-written SQL
-- and COPY leave the same entries: one per statement and event. Entries only ever grow; seals chain them by hashes, so that
-- whoever edits, removes or adds one is found out by unkey_verify_audit_log.

CREATE TABLE unkey.audit_log (
    id             text COLLATE "C" PRIMARY KEY CHECK (unkey.is_id(id)),
    time           unkey.instant NOT NULL,
    event          text COLLATE "C" NOT NULL CHECK (length(event) BETWEEN 1 AND 255),
    description    text NOT NULL,
    actor_type     text COLLATE "C" NOT NULL CHECK (actor_type IN ('rootKey', 'role', 'system')),
    actor_id       text COLLATE "C" NOT NULL,
    actor_name     text,
    remote_ip      inet,
    user_agent     text,
    correlation_id text COLLATE "C" NOT NULL,
    targets        jsonb NOT NULL CHECK (jsonb_typeof(targets) = 'array'),
    count          bigint NOT NULL CHECK (count >= 0),
    changes        jsonb CHECK (jsonb_typeof(changes) = 'object'),
    digest         bytea NOT NULL,
    seal           bigint
);
CREATE INDEX audit_log_time_idx ON unkey.audit_log (time);
CREATE INDEX audit_log_event_idx ON unkey.audit_log (event, time);
CREATE INDEX audit_log_actor_idx ON unkey.audit_log (actor_id, time);
CREATE INDEX audit_log_targets_idx ON unkey.audit_log USING gin (targets jsonb_path_ops);
CREATE INDEX audit_log_seal_idx ON unkey.audit_log (seal);
COMMENT ON TABLE unkey.audit_log IS 'Who changed what, and when: one entry per statement and event, written in the transaction of the change. Only the owner of the table can change it, and unkey_verify_audit_log tells.';
COMMENT ON COLUMN unkey.audit_log.id IS 'log_…';
COMMENT ON COLUMN unkey.audit_log.time IS 'When, by unkey.now().';
COMMENT ON COLUMN unkey.audit_log.event IS 'What happened: api.*, key.*, identity.*, permission.*, role.*, migration.*, secret.*, rootKey.*, ratelimitNamespace.* with create, update, delete (a soft delete too), reroll, decrypt; ratelimit.set_override, delete_override; authorization.connect_… and disconnect_…; auditLog.delete.';
COMMENT ON COLUMN unkey.audit_log.description IS 'The same for people: "Updated key key_1 (enabled)".';
COMMENT ON COLUMN unkey.audit_log.actor_type IS 'rootKey; role, for whoever used SQL; or system, for refills that came due and migrations finished by a verification.';
COMMENT ON COLUMN unkey.audit_log.actor_id IS 'Id of the root key; name of the database role, as SET ROLE left it; or unkey.';
COMMENT ON COLUMN unkey.audit_log.actor_name IS 'Name of the root key; or of the role that logged in. NULL for none.';
COMMENT ON COLUMN unkey.audit_log.remote_ip IS 'Where the request came from, or else the connection; NULL for a Unix socket.';
COMMENT ON COLUMN unkey.audit_log.user_agent IS 'What the client of the request calls itself; NULL over SQL.';
COMMENT ON COLUMN unkey.audit_log.correlation_id IS 'Shared by all entries of one request, or else of one transaction.';
COMMENT ON COLUMN unkey.audit_log.targets IS '[{"type", "id", "name"}] of the first 100 rows. WHERE targets @> ''[{"id": "key_1"}]'' uses an index.';
COMMENT ON COLUMN unkey.audit_log.count IS 'Rows that the statement changed; 0 for a TRUNCATE of the log itself.';
COMMENT ON COLUMN unkey.audit_log.changes IS '{id: {column: [old, new]}} of an update of at most 100 rows; null instead of the pair for what is secret (bytea) or longer than 8 kB. Of auditLog.delete: {"unsealed", "lastSeal"}. NULL otherwise.';
COMMENT ON COLUMN unkey.audit_log.digest IS 'unkey.audit_digest of the entry, made with it.';
COMMENT ON COLUMN unkey.audit_log.seal IS 'The row of unkey.audit_seals that covers it; NULL until then.';

CREATE TABLE unkey.audit_seals (
    seq       bigint PRIMARY KEY CHECK (seq >= 1),
    first     unkey.instant NOT NULL,
    last      unkey.instant NOT NULL,
    entries   bigint NOT NULL CHECK (entries >= 1),
    sealed_at unkey.instant NOT NULL,
    previous  bytea NOT NULL,
    hash      bytea NOT NULL
);
COMMENT ON TABLE unkey.audit_seals IS 'The chain of hashes over unkey.audit_log. Note the last hash elsewhere, and even its owner can''t rewrite the log unnoticed.';
COMMENT ON COLUMN unkey.audit_seals.seq IS '1, 2, 3, …';
COMMENT ON COLUMN unkey.audit_seals.first IS 'Time of the oldest entry.';
COMMENT ON COLUMN unkey.audit_seals.last IS 'Time of the newest entry.';
COMMENT ON COLUMN unkey.audit_seals.entries IS 'How many it covers, at most 10,000.';
COMMENT ON COLUMN unkey.audit_seals.sealed_at IS 'When it was made.';
COMMENT ON COLUMN unkey.audit_seals.previous IS 'hash of the seal before; empty for the first.';
COMMENT ON COLUMN unkey.audit_seals.hash IS 'SHA-256 of previous, the columns before, and id and digest of every entry by id.';

SELECT pg_catalog.pg_extension_config_dump('unkey.audit_log', '');
SELECT pg_catalog.pg_extension_config_dump('unkey.audit_seals', '');

-- Who acts.

CREATE TYPE unkey.audit_actor AS (type text, id text, name text, remote_ip text, user_agent text, correlation_id text);
COMMENT ON TYPE unkey.audit_actor IS 'Who is behind a change; columns as in unkey.audit_log.';
COMMENT ON COLUMN unkey.audit_actor.type IS 'rootKey, role or system.';
COMMENT ON COLUMN unkey.audit_actor.id IS 'Id of the root key, name of the role, or unkey.';
COMMENT ON COLUMN unkey.audit_actor.name IS 'Name of the root key, or of the role that logged in.';
COMMENT ON COLUMN unkey.audit_actor.remote_ip IS 'Address of the request; NULL without one.';
COMMENT ON COLUMN unkey.audit_actor.user_agent IS 'Client of the request; NULL without one.';
COMMENT ON COLUMN unkey.audit_actor.correlation_id IS 'Id of the request, or else of the transaction.';

CREATE FUNCTION unkey.actor() RETURNS unkey.audit_actor
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'unkey_actor_wrapper';
COMMENT ON FUNCTION unkey.actor() IS 'Who is behind what this session does now: the root key of the running request, or else the role. Gives the transaction an id.';

CREATE FUNCTION unkey.is_recorded() RETURNS boolean
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'unkey_is_recorded_wrapper';
COMMENT ON FUNCTION unkey.is_recorded() IS 'Whether a balance that changes now has an entry of its own: not if a verification spends, nor with a new key. Whoever updates unkey.credits by hand needs EXECUTE.';

CREATE FUNCTION unkey.is_reroll() RETURNS boolean
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'unkey_is_reroll_wrapper';
COMMENT ON FUNCTION unkey.is_reroll() IS 'Whether a reroll ends a key now.';

-- Entries.

CREATE FUNCTION unkey.audit_digest(entry unkey.audit_log) RETURNS bytea
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN sha256(convert_to(ROW(entry.id, (extract(epoch FROM entry.time) * 1000000)::bigint, entry.event, entry.description,
        entry.actor_type, entry.actor_id, entry.actor_name, entry.remote_ip, entry.user_agent, entry.correlation_id, entry.targets,
        entry.count, entry.changes)::text, 'UTF8'));
COMMENT ON FUNCTION unkey.audit_digest(unkey.audit_log) IS 'SHA-256 of all that an entry says, which is every column but digest and seal.';

CREATE FUNCTION unkey.audit_description(event text, targets jsonb, total bigint, changes jsonb) RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    verb text := split_part(split_part(event, '.', 2), '_', 1);
    past text := CASE verb WHEN 'set' THEN verb ELSE rtrim(verb, 'e') || 'ed' END;
    listed text;
    columns text;
BEGIN
    IF jsonb_array_length(targets) = 1 THEN
        listed := format('%s %s', targets->0->>'type', targets->0->>'id');
    ELSE
        listed := (SELECT coalesce(string_agg(format('%s %s', target->>'type', target->>'id'), ', ' ORDER BY nth), split_part(event, '.', 1))
            FROM jsonb_array_elements(targets) WITH ORDINALITY AS first(target, nth) WHERE nth <= 4);
    END IF;
    IF total = 1 AND changes IS NOT NULL THEN
        columns := (SELECT string_agg(name, ', ' ORDER BY name) FROM jsonb_object_keys(changes->(targets->0->>'id')) AS name);
    END IF;
    RETURN concat(upper(left(past, 1)), substr(past, 2), ' ', listed,
        CASE WHEN jsonb_array_length(targets) > 4 OR total > 4 THEN format(' … (%s in all)', total)
        WHEN columns IS NOT NULL THEN format(' (%s)', columns) END);
END
$$;
COMMENT ON FUNCTION unkey.audit_description(text, jsonb, bigint, jsonb) IS 'An entry in words: the event as a verb, its first four targets, the columns changed.';

CREATE FUNCTION unkey.record(
    event text,
    columns jsonb,
    changed jsonb,
    total bigint,
    changes jsonb DEFAULT NULL
) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    entry unkey.audit_log;
BEGIN
    IF total = 1 AND columns ? 'id' THEN
        -- Nearly every entry, without a query.
        entry.targets := jsonb_build_array(jsonb_strip_nulls(jsonb_build_object('type', columns->'id', 'id', changed->0->'id',
            'name', coalesce(changed->0->>'name', changed->0->>'slug', changed->0->>'external_id'))));
    ELSE
        -- Of a link both ends are targets, each once, those of the first column first; only a row of its own has a name.
        SELECT coalesce(jsonb_agg(target ORDER BY place), '[]') INTO entry.targets
        FROM (
            SELECT jsonb_strip_nulls(jsonb_build_object('type', pair.value, 'id', one->>pair.key, 'name',
                    CASE WHEN pair.key = 'id' THEN coalesce(one->>'name', one->>'slug', one->>'external_id') END)) AS target,
                min(ARRAY[pair.nth, row.nth]) AS place
            FROM jsonb_array_elements(changed) WITH ORDINALITY AS row(one, nth),
                jsonb_each_text(columns) WITH ORDINALITY AS pair(key, value, nth)
            GROUP BY target
        ) AS distinct_targets;
    END IF;
    SELECT unkey.new_id('log'), unkey.now(), record.event, actor.type, actor.id, actor.name, actor.user_agent, actor.correlation_id,
        CASE WHEN actor.type <> 'system' THEN coalesce(actor.remote_ip::inet, inet_client_addr()) END,
        total, record.changes, unkey.audit_description(record.event, entry.targets, total, record.changes)
    INTO entry.id, entry.time, entry.event, entry.actor_type, entry.actor_id, entry.actor_name, entry.user_agent, entry.correlation_id,
        entry.remote_ip, entry.count, entry.changes, entry.description
    FROM unkey.actor() AS actor;
    entry.digest := unkey.audit_digest(entry);
    INSERT INTO unkey.audit_log SELECT entry.*;
END
$$;
COMMENT ON FUNCTION unkey.record(text, jsonb, jsonb, bigint, jsonb) IS
'Writes an entry. columns: {"key_id": "key"} says which columns hold ids of targets, and their types; changed: the first 100 rows, as JSON; total: how many there were.';

-- What is recorded.

-- Its time zone is fixed, so that the instants in entries do not read as their session would have them.
CREATE FUNCTION unkey.audit() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    -- Columns with ids and their types, the events of INSERT, UPDATE and DELETE, whose part a row is, and secret columns.
    columns jsonb := TG_ARGV[0];
    on_insert text := TG_ARGV[1];
    on_update text := TG_ARGV[2];
    on_delete text := TG_ARGV[3];
    part_of text := TG_ARGV[4];
    secret text[] := TG_ARGV[5];
    rerolls boolean := unkey.is_reroll();
    changed jsonb;
    total bigint;
    change record;
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        EXECUTE format('SELECT count(*), (SELECT jsonb_agg(to_jsonb(row)) FROM (SELECT * FROM %1$s LIMIT 100) AS row) FROM %1$s',
            TG_RELID::regclass) INTO total, changed;
        IF total > 0 THEN
            PERFORM unkey.record(on_delete, columns, changed, total);
        END IF;
    END IF;

    -- What went because its key or role did is told by the entry of that one. An UPDATE of a link takes one and gives another.
    IF TG_OP = 'DELETE' OR TG_OP = 'UPDATE' AND on_update = '' THEN
        SELECT count(*), jsonb_agg(one) FILTER (WHERE nth <= 100) INTO total, changed
        FROM (SELECT one, row_number() OVER () AS nth FROM (SELECT to_jsonb(row) AS one FROM old_rows AS row) AS gone
            WHERE CASE part_of
                WHEN 'key' THEN EXISTS (SELECT FROM unkey.keys WHERE id = one->>'key_id' OFFSET 0)
                WHEN 'role' THEN EXISTS (SELECT FROM unkey.roles WHERE id = one->>'role_id' OFFSET 0)
                ELSE true END) AS gone;
        IF total > 0 THEN
            PERFORM unkey.record(on_delete, columns, changed, total);
        END IF;
    END IF;

    IF TG_OP = 'INSERT' OR TG_OP = 'UPDATE' AND on_update = '' THEN
        SELECT count(*), (SELECT jsonb_agg(to_jsonb(row)) FROM (SELECT * FROM new_rows LIMIT 100) AS row) INTO total, changed
        FROM new_rows;
        IF total > 0 THEN
            PERFORM unkey.record(on_insert, columns, changed, total);
        END IF;

    ELSIF TG_OP = 'UPDATE' THEN
        -- Both transition tables are in the order of the rows. The join is FULL, which is never done row by row.
        FOR change IN
            SELECT removes, count(*) AS total, jsonb_agg(now) FILTER (WHERE nth <= 100) AS changed,
                jsonb_object_agg(id, (
                    SELECT coalesce(jsonb_object_agg(key, CASE WHEN key <> ALL (secret) AND length(value::text || (now->key)::text) <= 8192
                        THEN jsonb_build_array(value, now->key) END), '{}')
                    FROM jsonb_each(was) WHERE value <> now->key AND key <> 'updated_at'
                )) FILTER (WHERE nth <= 100) AS changes
            FROM (
                SELECT was, now, now->>(SELECT jsonb_object_keys(columns) LIMIT 1) AS id, removes,
                    row_number() OVER (PARTITION BY removes) AS nth
                FROM (SELECT row_number() OVER () AS nth, to_jsonb(row) AS was FROM old_rows AS row) AS old_row
                FULL JOIN (SELECT row_number() OVER () AS nth, to_jsonb(row) AS now FROM new_rows AS row) AS new_row USING (nth),
                LATERAL (SELECT was->>'deleted_at' IS NULL AND now->>'deleted_at' IS NOT NULL AS removes) AS kind
                WHERE rerolls OR was - 'updated_at' <> now - 'updated_at'
            ) AS pairs
            GROUP BY removes ORDER BY removes
        LOOP
            PERFORM unkey.record(
                CASE WHEN change.removes THEN on_delete WHEN rerolls THEN replace(on_update, '.update', '.reroll') ELSE on_update END,
                columns, change.changed, change.total, CASE WHEN change.total <= 100 THEN change.changes END);
        END LOOP;
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION unkey.audit() IS 'Trigger of every configuration table: writes the entries of a statement.';

-- The configuration tables, one line each: columns with ids of targets and their types; events of INSERT, UPDATE, DELETE; and of
-- which key or role a row is a part. A table without an event for UPDATE holds links. Columns of type bytea are secret.
DO $do$
DECLARE
    configuration record;
    operation text;
    secret text[];
    spared text;
BEGIN
    FOR configuration IN
        SELECT * FROM (VALUES
            ('secrets',          '{"name": "secret"}',     'secret.create',     'secret.update',     'secret.delete',     ''),
            ('apis',             '{"id": "api"}',          'api.create',        'api.update',        'api.delete',        ''),
            ('identities',       '{"id": "identity"}',     'identity.create',   'identity.update',   'identity.delete',   ''),
            ('permissions',      '{"id": "permission"}',   'permission.create', 'permission.update', 'permission.delete', ''),
            ('roles',            '{"id": "role"}',         'role.create',       'role.update',       'role.delete',       ''),
            ('migrations',       '{"id": "migration"}',    'migration.create',  'migration.update',  'migration.delete',  ''),
            ('keys',             '{"id": "key"}',          'key.create',        'key.update',        'key.delete',        ''),
            ('credits',          '{"key_id": "key"}',      'key.update',        'key.update',        'key.update',        'key'),
            ('encrypted_keys',   '{"key_id": "key"}',      'key.update',        'key.update',        'key.update',        'key'),
            ('encryption_keys',  '{"id": "encryptionKey"}', 'encryptionKey.create', 'encryptionKey.update', 'encryptionKey.delete', ''),
            ('root_keys',        '{"id": "rootKey"}',      'rootKey.create',    'rootKey.update',    'rootKey.delete',    ''),
            ('workspace',        '{"singleton": "workspace"}', 'workspace.create', 'workspace.update', 'workspace.delete', ''),
            ('ratelimit_namespaces', '{"id": "ratelimitNamespace"}',
                'ratelimitNamespace.create', 'ratelimitNamespace.update', 'ratelimitNamespace.delete', ''),
            ('ratelimit_overrides',  '{"id": "ratelimitOverride"}',
                'ratelimit.set_override', 'ratelimit.set_override', 'ratelimit.delete_override', ''),
            ('role_permissions', '{"role_id": "role", "permission_id": "permission"}',
                'authorization.connect_role_and_permission', '', 'authorization.disconnect_role_and_permissions', 'role'),
            ('key_permissions',  '{"key_id": "key", "permission_id": "permission"}',
                'authorization.connect_permission_and_key', '', 'authorization.disconnect_permission_and_key', 'key'),
            ('key_roles',        '{"key_id": "key", "role_id": "role"}',
                'authorization.connect_role_and_key', '', 'authorization.disconnect_role_and_key', 'key')
        ) AS list(name, columns, on_insert, on_update, on_delete, part_of)
    LOOP
        SELECT coalesce(array_agg(attname), '{}') INTO secret FROM pg_catalog.pg_attribute
        WHERE attrelid = format('unkey.%I', configuration.name)::regclass AND atttypid = 'bytea'::regtype AND NOT attisdropped;
        -- A balance that moves with a verification costs nothing here, and that of a new key is part of it.
        spared := CASE WHEN configuration.part_of <> '' AND configuration.on_update <> '' THEN 'WHEN (unkey.is_recorded())' END;
        FOREACH operation IN ARRAY ARRAY['insert', 'update', 'delete', 'truncate'] LOOP
            EXECUTE format('CREATE TRIGGER audit_%s %s %s ON unkey.%I %s FOR EACH STATEMENT %s EXECUTE FUNCTION unkey.audit(%L, %L, %L, %L, %L, %L)',
                operation,
                CASE operation WHEN 'truncate' THEN 'BEFORE' ELSE 'AFTER' END, operation,
                configuration.name,
                CASE operation WHEN 'insert' THEN 'REFERENCING NEW TABLE AS new_rows' WHEN 'delete' THEN 'REFERENCING OLD TABLE AS old_rows'
                    WHEN 'update' THEN 'REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows' END,
                spared,
                configuration.columns, configuration.on_insert, configuration.on_update, configuration.on_delete, configuration.part_of, secret);
            EXECUTE format('COMMENT ON TRIGGER audit_%s ON unkey.%I IS %L', operation, configuration.name, 'Writes unkey.audit_log.');
        END LOOP;
    END LOOP;
END
$do$;

-- Nobody but the owner changes what is written, whatever was granted, and even then it shows.

CREATE FUNCTION unkey.keep_audit_log() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT pg_has_role(current_user, (SELECT relowner FROM pg_class WHERE oid = TG_RELID), 'USAGE') THEN
        RAISE EXCEPTION 'the audit log can only grow' USING ERRCODE = '42501',
            HINT = 'Only the owner of the extension may remove entries, and that is recorded: docs/operations.md, "Audit log".';
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION unkey.keep_audit_log() IS 'Trigger of unkey.audit_log and unkey.audit_seals: refuses all but INSERT, except for their owner.';

CREATE FUNCTION unkey.audit_deletion() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    changed jsonb;
    changes jsonb := '{"unsealed": "all"}';
    total bigint := 0;
BEGIN
    IF TG_OP = 'DELETE' THEN
        SELECT count(*), jsonb_build_object('unsealed', count(*) - count(seal), 'lastSeal', max(seal)),
            (SELECT jsonb_agg(jsonb_build_object('id', first.id)) FROM (SELECT id FROM old_rows LIMIT 100) AS first)
        INTO total, changes, changed FROM old_rows;
    END IF;
    IF TG_OP = 'TRUNCATE' OR total > 0 THEN
        PERFORM unkey.record('auditLog.delete', '{"id": "auditLog"}', changed, total, changes);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION unkey.audit_deletion() IS 'Trigger of unkey.audit_log: records that entries were removed.';

CREATE TRIGGER keep BEFORE UPDATE OR DELETE OR TRUNCATE ON unkey.audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION unkey.keep_audit_log();
COMMENT ON TRIGGER keep ON unkey.audit_log IS 'Only the owner may do this.';
CREATE TRIGGER keep BEFORE UPDATE OR DELETE OR TRUNCATE ON unkey.audit_seals
    FOR EACH STATEMENT EXECUTE FUNCTION unkey.keep_audit_log();
COMMENT ON TRIGGER keep ON unkey.audit_seals IS 'Only the owner may do this.';
CREATE TRIGGER audit_delete AFTER DELETE ON unkey.audit_log REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION unkey.audit_deletion();
COMMENT ON TRIGGER audit_delete ON unkey.audit_log IS 'Writes auditLog.delete.';
CREATE TRIGGER audit_truncate AFTER TRUNCATE ON unkey.audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION unkey.audit_deletion();
COMMENT ON TRIGGER audit_truncate ON unkey.audit_log IS 'Writes auditLog.delete.';

-- The chain.

CREATE FUNCTION unkey.audit_seal_hash(seal unkey.audit_seals, entries bytea) RETURNS bytea
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN sha256(seal.previous || convert_to(ROW(seal.seq, (extract(epoch FROM seal.first) * 1000000)::bigint,
        (extract(epoch FROM seal.last) * 1000000)::bigint, seal.entries, (extract(epoch FROM seal.sealed_at) * 1000000)::bigint)::text, 'UTF8')
        || entries);
COMMENT ON FUNCTION unkey.audit_seal_hash(unkey.audit_seals, bytea) IS 'The hash of a seal; entries: unkey.audit_sealed.content.';

CREATE VIEW unkey.audit_sealed AS
    SELECT seal AS seq, count(*) AS entries, min(time) AS first, max(time) AS last,
        string_agg(convert_to(id, 'UTF8') || digest, '' ORDER BY id COLLATE "C") AS content
    FROM unkey.audit_log WHERE seal IS NOT NULL GROUP BY seal;
COMMENT ON VIEW unkey.audit_sealed IS 'What each seal covers as it is now; as it was is in unkey.audit_seals.';
COMMENT ON COLUMN unkey.audit_sealed.seq IS 'The seal.';
COMMENT ON COLUMN unkey.audit_sealed.entries IS 'Entries that name it.';
COMMENT ON COLUMN unkey.audit_sealed.first IS 'Time of the oldest.';
COMMENT ON COLUMN unkey.audit_sealed.last IS 'Time of the newest.';
COMMENT ON COLUMN unkey.audit_sealed.content IS 'Id and digest of each by id.';

CREATE FUNCTION unkey.seal_audit_log() RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    next unkey.audit_seals;
    content bytea;
    sealed bigint := 0;
BEGIN
    -- One sealer at a time; those who write entries wait for nobody.
    PERFORM unkey.lock('audit_seals', wait => true);
    LOOP
        -- Batches, so that no content outgrows what a value may hold.
        next := NULL;
        SELECT seq, hash INTO next.seq, next.previous FROM unkey.audit_seals ORDER BY seq DESC LIMIT 1;
        next.seq := coalesce(next.seq, 0) + 1;
        next.previous := coalesce(next.previous, '');
        next.sealed_at := unkey.now();
        UPDATE unkey.audit_log SET seal = next.seq
        WHERE id IN (SELECT id FROM unkey.audit_log WHERE seal IS NULL LIMIT 10000);
        EXIT WHEN NOT FOUND;
        SELECT now.first, now.last, now.entries, now.content INTO next.first, next.last, next.entries, content
        FROM unkey.audit_sealed AS now WHERE now.seq = next.seq;
        next.hash := unkey.audit_seal_hash(next, content);
        INSERT INTO unkey.audit_seals SELECT next.*;
        sealed := sealed + next.entries;
    END LOOP;
    RETURN sealed;
END
$$;
COMMENT ON FUNCTION unkey.seal_audit_log() IS
'Seals the entries of unkey.audit_log that are not sealed yet and returns how many. Waits for another sealer, never for a change of configuration, nor makes one wait. Errors: 40001 under REPEATABLE READ if another sealer was first.';

CREATE FUNCTION unkey.audit_problems(head text) RETURNS SETOF text
    LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT format('entry %s was edited', entry.id) FROM unkey.audit_log AS entry WHERE entry.digest <> unkey.audit_digest(entry)
    UNION ALL
    SELECT problem FROM (
        SELECT CASE
            WHEN chain.seq IS NULL THEN format('seal %s was removed', seq)
            WHEN seq <> coalesce(seq_before, 0) + 1 OR previous <> coalesce(hash_before, '')
                THEN format('seal %s does not continue seal %s', seq, coalesce(seq_before, 0))
            -- Gone as a whole, and an entry says so: archived.
            WHEN now.seq IS NULL AND seq <= (SELECT max((changes->>'lastSeal')::bigint) FROM unkey.audit_log WHERE event = 'auditLog.delete')
                THEN NULL
            WHEN now.seq IS NULL THEN format('seal %s lacks all of its %s entries', seq, chain.entries)
            WHEN now.entries < chain.entries THEN format('seal %s lacks %s of its %s entries', seq, chain.entries - now.entries, chain.entries)
            WHEN now.entries > chain.entries THEN format('seal %s has %s entries too many', seq, now.entries - chain.entries)
            WHEN hash <> unkey.audit_seal_hash(seal, content) THEN format('seal %s was edited, or an entry of it replaced', seq)
        END AS problem
        FROM (SELECT seal, seal.*, lag(seq) OVER (ORDER BY seq) AS seq_before, lag(hash) OVER (ORDER BY seq) AS hash_before
            FROM unkey.audit_seals AS seal) AS chain
        FULL JOIN unkey.audit_sealed AS now USING (seq)
    ) AS checked WHERE problem IS NOT NULL
    UNION ALL
    SELECT format('entries that no seal covered were deleted (%s): %s', changes->>'unsealed', id)
    FROM unkey.audit_log WHERE event = 'auditLog.delete' AND changes->>'unsealed' IS DISTINCT FROM '0'
    UNION ALL
    SELECT 'head is not in the chain: the log was cut or replaced'
    WHERE head IS NOT NULL AND NOT EXISTS (SELECT FROM unkey.audit_seals WHERE encode(hash, 'hex') = lower(head))
$$;
COMMENT ON FUNCTION unkey.audit_problems(text) IS 'What unkey_verify_audit_log finds wrong, one row each.';

CREATE TYPE unkey.audit_verification AS (valid boolean, entries bigint, sealed bigint, head text, problem text);
COMMENT ON TYPE unkey.audit_verification IS 'What unkey_verify_audit_log found.';
COMMENT ON COLUMN unkey.audit_verification.valid IS 'Whether nothing was edited, removed or added.';
COMMENT ON COLUMN unkey.audit_verification.entries IS 'Entries in the log.';
COMMENT ON COLUMN unkey.audit_verification.sealed IS 'How many of them are sealed.';
COMMENT ON COLUMN unkey.audit_verification.head IS 'Hash of the last seal, in hex, to be noted where the database''s owner can''t reach it; NULL without one.';
COMMENT ON COLUMN unkey.audit_verification.problem IS 'The first ten things wrong, separated by "; "; NULL if valid.';

CREATE FUNCTION @extschema@.unkey_verify_audit_log(head text DEFAULT NULL) RETURNS unkey.audit_verification
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result unkey.audit_verification;
BEGIN
    IF NOT current_setting('transaction_read_only')::boolean THEN
        PERFORM unkey.seal_audit_log();
    END IF;
    -- One statement, which sees one state.
    SELECT problems IS NULL, (SELECT count(*) FROM unkey.audit_log), (SELECT count(seal) FROM unkey.audit_log),
        (SELECT encode(hash, 'hex') FROM unkey.audit_seals ORDER BY seq DESC LIMIT 1), problems
    INTO result.valid, result.entries, result.sealed, result.head, result.problem
    FROM (SELECT string_agg(problem, '; ' ORDER BY problem COLLATE "C") AS problems
        FROM (SELECT problem FROM unkey.audit_problems(unkey_verify_audit_log.head) AS problem LIMIT 10) AS first) AS found;
    RETURN result;
END
$$;
COMMENT ON FUNCTION @extschema@.unkey_verify_audit_log(text) IS
'Computes every digest and every seal of the audit log again and says what was edited, removed or added since it was written; reads the whole log. head: a hash that an earlier call returned; the log must still continue it, so cutting off its end is found too. Seals what is not sealed yet, unless the transaction is read-only.';
