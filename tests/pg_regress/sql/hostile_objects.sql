-- The extension's objects in the hands of roles that have all that unkey_grant gives, and may create objects elsewhere: what would have the
-- owner run their code, forge or hide what is recorded, show a hash, or hold everybody up. x: done, -: refused for lack of a right.
-- The owner's column shows that each statement does what it should where the right is there.
SELECT unkey_create_api('objects') AS api_id \gset
SELECT * FROM unkey_create_key(:'api_id', permissions => '{ob.p}', credits => 100) \gset
SELECT FROM unkey.maintain();
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_unkey_read, regress_unkey_manage, regress_unkey_creator;
CREATE ROLE regress_unkey_read;
CREATE ROLE regress_unkey_manage;
CREATE ROLE regress_unkey_creator CREATEROLE;
SELECT unkey_grant('regress_unkey_read', 'read'), unkey_grant('regress_unkey_read', 'verify'), unkey_grant('regress_unkey_manage', 'manage'), unkey_grant('regress_unkey_manage', 'api'), unkey_grant('regress_unkey_creator', 'limit');
GRANT USAGE ON SCHEMA tests, unkey TO regress_unkey_read, regress_unkey_manage, regress_unkey_creator;
CREATE SCHEMA objects;
GRANT ALL ON SCHEMA objects TO PUBLIC;
DO $$BEGIN EXECUTE format('GRANT CREATE, TEMP ON DATABASE %I TO regress_unkey_creator, regress_unkey_manage', current_database()); END$$;
GRANT CREATE ON SCHEMA public TO regress_unkey_creator;
CREATE FUNCTION objects.evil() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE FUNCTION objects.evil(text) RETURNS boolean LANGUAGE sql IMMUTABLE RETURN true;
CREATE FUNCTION objects.evil_event() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE TABLE objects.day (LIKE unkey.verification_events INCLUDING DEFAULTS);
CREATE TABLE objects.own (LIKE unkey.key_usage, id text);
GRANT ALL ON objects.day, objects.own TO PUBLIC;
RESET client_min_messages;

CREATE TEMP TABLE tries (n serial, topic text, statement text);
INSERT INTO tries (topic, statement) SELECT split_part(line, ': ', 1), substr(line, strpos(line, ': ') + 2) FROM unnest(ARRAY[
    -- Code that would run as the owner, or with somebody's verification.
    'code: CREATE TRIGGER evil BEFORE INSERT ON unkey.audit_log FOR EACH ROW EXECUTE FUNCTION objects.evil()', 'code: CREATE TRIGGER evil BEFORE UPDATE ON unkey.credits FOR EACH ROW EXECUTE FUNCTION objects.evil()',
    'code: CREATE RULE evil AS ON INSERT TO unkey.verification_queue DO INSTEAD NOTHING', 'code: CREATE INDEX ON unkey.keys (objects.evil(id))', 'code: ALTER TABLE unkey.keys ADD CHECK (objects.evil(id))', 'code: ALTER TABLE unkey.keys ALTER name SET DEFAULT objects.evil(''x'')::text',
    'code: CREATE POLICY evil ON unkey.keys USING (objects.evil(id))', 'code: CREATE STATISTICS unkey.evil ON (objects.evil(id)) FROM unkey.keys', 'code: CREATE EVENT TRIGGER evil ON ddl_command_start EXECUTE FUNCTION objects.evil_event()', 'code: CREATE OR REPLACE VIEW unkey.stats AS SELECT ''a''::text AS name, ''b''::text AS type, 1::bigint AS value, ''c''::text AS help',
    'code: CREATE OR REPLACE FUNCTION unkey.now() RETURNS timestamptz LANGUAGE sql AS ''SELECT to_timestamp(0)''', 'code: ALTER FUNCTION unkey.maintain() RESET search_path', 'code: ALTER FUNCTION unkey_get_key(text) SECURITY INVOKER', 'code: ALTER FUNCTION unkey_verify_key LEAKPROOF', 'code: ALTER FUNCTION unkey_verify_key OWNER TO CURRENT_ROLE',
    'code: CREATE FUNCTION unkey.evil() RETURNS integer RETURN 1', 'code: CREATE TABLE unkey.verification_events_20300101 (LIKE unkey.verification_events)', 'code: ALTER EXTENSION unkey DROP TABLE unkey.keys', 'code: ALTER EXTENSION unkey ADD TABLE objects.own', 'code: DROP EXTENSION unkey CASCADE', 'code: LOAD ''unkey''',
    'code: CREATE FUNCTION objects.fake() RETURNS bigint LANGUAGE c AS ''$libdir/unkey'', ''unkey_forget_counters_wrapper''', 'code: CREATE FUNCTION objects.fake(text) RETURNS boolean LANGUAGE sql SUPPORT unkey.support RETURN true', 'code: ALTER SCHEMA unkey RENAME TO lost',
    -- The extension's code on tables of one's own, where it would write what is not so.
    'forge: CREATE TRIGGER forge AFTER INSERT ON objects.own REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION unkey.audit(''{"id": "key"}'', ''key.create'', '''', '''', '''', ''{}'')', 'forge: CREATE TRIGGER forge AFTER DELETE ON objects.own FOR EACH ROW EXECUTE FUNCTION unkey.forget_usage()',
    'forge: CREATE TRIGGER forge AFTER UPDATE ON objects.own FOR EACH ROW EXECUTE FUNCTION unkey.key_changed()', 'forge: SELECT unkey.record(''key.create'', ''{"id": "key"}'', ''[{"id": "x"}]'', 1)', 'forge: INSERT INTO unkey.audit_log SELECT (entry).* FROM (SELECT entry FROM unkey.audit_log AS entry LIMIT 1) AS one WHERE false',
    'forge: UPDATE unkey.audit_log SET description = ''x''', 'forge: DELETE FROM unkey.audit_log', 'forge: TRUNCATE unkey.audit_log', 'forge: DELETE FROM unkey.audit_seals', 'forge: INSERT INTO unkey.verification_queue (request_id, key_space_id, api_id, key_id, outcome) VALUES (''r'', ''k'', ''a'', ''i'', ''VALID'')', 'forge: DELETE FROM unkey.verification_queue', 'forge: DELETE FROM unkey.verification_events',
    'forge: UPDATE unkey.verification_hours SET count = 1', 'forge: UPDATE unkey.key_usage SET last_used_at = now()', 'forge: UPDATE unkey.counters SET current = 0', 'forge: DELETE FROM unkey.saved_counters', 'forge: SELECT unkey.forget_counters()', 'forge: UPDATE unkey.rolled_up SET until = now()', 'forge: SELECT unkey.drop_event_partitions(''today'')', 'forge: ALTER TABLE unkey.keys DISABLE TRIGGER audit_update', 'forge: SET LOCAL session_replication_role = replica',
    -- Kinship: rows that come or go with those of another table.
    'kin: CREATE TABLE objects.child () INHERITS (unkey.keys)', 'kin: ALTER TABLE objects.own INHERIT unkey.key_usage', 'kin: ALTER TABLE unkey.verification_events ATTACH PARTITION objects.day FOR VALUES FROM (''2030-01-01'') TO (''2030-01-02'')', 'kin: CREATE TABLE objects.part PARTITION OF unkey.verification_events FOR VALUES FROM (''2030-01-01'') TO (''2030-01-02'')',
    'kin: CREATE TABLE objects.holder (key_id text REFERENCES unkey.keys)', 'kin: ALTER TABLE objects.own ADD FOREIGN KEY (key_id) REFERENCES unkey.keys ON DELETE CASCADE', 'kin: CREATE PUBLICATION leak FOR TABLE unkey.keys',
    -- Hashes, secrets, and what would show them.
    'see: SELECT hash FROM unkey.keys', 'see: SELECT keys FROM unkey.keys', 'see: SELECT to_jsonb(keys) FROM unkey.keys', 'see: SELECT FROM unkey.keys WHERE hash > ''\x80''', 'see: SELECT FROM unkey.keys ORDER BY hash', 'see: UPDATE unkey.keys SET name = encode(hash, ''hex'')', 'see: UPDATE unkey.keys SET enabled = true RETURNING hash', 'see: DELETE FROM unkey.keys WHERE hash > ''\x80''',
    'see: INSERT INTO unkey.keys (id, api_id, hash) SELECT ''key_ob'', id, sha256(id::bytea) FROM unkey.apis LIMIT 1 ON CONFLICT (hash) DO UPDATE SET name = ''known''', 'see: MERGE INTO unkey.keys USING (VALUES (1)) AS one ON hash > ''\x80'' WHEN MATCHED THEN UPDATE SET name = ''known''', 'see: COPY unkey.keys TO ''/dev/null''', 'see: COPY (SELECT hash FROM unkey.root_keys) TO ''/dev/null''', 'see: SELECT value FROM unkey.secrets', 'see: SELECT ciphertext FROM unkey.encrypted_keys', 'see: SELECT FROM unkey.encryption_keys', 'see: CREATE VIEW objects.hashes AS SELECT hash FROM unkey.keys; SELECT hash FROM objects.hashes',
    'see: CREATE TABLE objects.copy AS TABLE unkey.keys', 'see: CREATE MATERIALIZED VIEW objects.hashes AS SELECT hash FROM unkey.keys', 'see: SELECT unkey.authenticate(''Bearer x'')', 'see: SELECT (unkey.verify(''key_x'', sha256(''x''))).code',
    -- Holding everybody up.
    'hold: LOCK TABLE unkey.keys IN ACCESS EXCLUSIVE MODE', 'hold: LOCK TABLE unkey.counters IN ROW EXCLUSIVE MODE', 'hold: LOCK TABLE unkey.verification_events IN SHARE MODE', 'hold: LOCK TABLE unkey.audit_log IN SHARE UPDATE EXCLUSIVE MODE', 'hold: SELECT unkey.lock(''maintenance'', false)', 'hold: SELECT FROM unkey.credits FOR UPDATE', 'hold: SELECT FROM unkey.keys FOR KEY SHARE', 'hold: ALTER TABLE unkey.keys SET (autovacuum_enabled = off)', 'hold: DROP INDEX unkey.keys_api_id_idx',
    -- Giving on.
    'give: GRANT SELECT ON unkey.secrets TO regress_unkey_creator', 'give: GRANT EXECUTE ON FUNCTION unkey_grant TO PUBLIC', 'give: SELECT unkey_grant(current_user, ''manage'')', 'give: SELECT unkey_revoke(''regress_unkey_read'', ''read'')', 'give: ALTER DEFAULT PRIVILEGES FOR ROLE postgres GRANT SELECT ON TABLES TO PUBLIC', 'give: COMMENT ON FUNCTION unkey_verify_key IS NULL'
    ]) AS line;
GRANT SELECT ON tries TO PUBLIC;
CREATE FUNCTION pg_temp.outcome(role text, statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('role', role, true);
    EXECUTE statement;
    RAISE 'done' USING ERRCODE = '00001';
EXCEPTION WHEN OTHERS THEN
    RETURN CASE SQLSTATE WHEN '00001' THEN 'x' WHEN '42501' THEN '-' ELSE SQLSTATE END;
END
$$;
SET client_min_messages = error;
SELECT topic, left(replace(statement, 'FUNCTION ', ''), 90) AS statement, pg_temp.outcome('none', statement) AS owner, pg_temp.outcome('regress_unkey_manage', statement) AS manage, pg_temp.outcome('regress_unkey_read', statement) AS read, pg_temp.outcome('regress_unkey_creator', statement) AS creator
FROM tries ORDER BY n;
RESET client_min_messages;

-- An error that shows the row in the way shows no hash of it, to anybody but who may read it: by hand, and from functions, where an owner's
-- own CHECK is in the way. The control is the same by hand as the owner.
ALTER TABLE unkey.keys ADD CONSTRAINT own_rule CHECK (name <> 'forbidden') NOT VALID;
CREATE FUNCTION pg_temp.shows_hash(role text, statement text, OUT state text, OUT shows boolean) LANGUAGE plpgsql AS $$
DECLARE
    detail text;
    hash text := (SELECT left(encode(hash, 'hex'), 20) FROM unkey.keys WHERE id = current_setting('objects.key_id'));
BEGIN
    PERFORM set_config('role', role, true);
    EXECUTE format(statement, current_setting('objects.key_id'));
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, detail = PG_EXCEPTION_DETAIL;
    shows := strpos(detail || SQLERRM, hash) > 0;
END
$$;
SELECT set_config('objects.key_id', :'key_id', false) = :'key_id' AS set;
SELECT statement, owner.*, manage.* FROM unnest(ARRAY['UPDATE unkey.keys SET enabled = NULL WHERE id = %L', 'UPDATE unkey.keys SET name = ''forbidden'' WHERE id = %L', 'UPDATE unkey.keys SET api_id = ''nope'' WHERE id = %L', 'INSERT INTO unkey.keys (api_id, hash) SELECT api_id, sha256(''ob'') FROM unkey.keys, generate_series(1, 2) WHERE id = %L',
        'SELECT unkey_update_key(%L, ''{"name": "forbidden"}'')']) AS statement, pg_temp.shows_hash('none', statement) AS owner, pg_temp.shows_hash('regress_unkey_manage', statement) AS manage;
ALTER TABLE unkey.keys DROP CONSTRAINT own_rule;
-- Nor does what ANALYZE keeps of a column.
ANALYZE unkey.keys, unkey.root_keys;
SELECT count(*) > 0 AS control FROM pg_stats WHERE schemaname = 'unkey' AND attname = 'hash';
SET ROLE regress_unkey_read;
SELECT count(*) FILTER (WHERE attname IN ('hash', 'value', 'ciphertext')) AS secret, count(*) > 5 AS others FROM pg_stats WHERE schemaname = 'unkey';
RESET ROLE;

-- Whoever manages may do by hand what the comment of unkey_grant says: every table of it, with whatever follows from it.
SELECT relname AS "table", bool_and(pg_temp.outcome('regress_unkey_manage', statement) <> '-') AS may, count(*) AS statements
FROM pg_class, unnest(ARRAY[format('DELETE FROM %s', pg_class.oid::regclass), (SELECT format('UPDATE %s SET %I = %2$I', attrelid::regclass, attname) FROM pg_attribute WHERE attrelid = pg_class.oid AND attnum = 1)]) AS statement
WHERE relnamespace = 'unkey'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition AND has_table_privilege('regress_unkey_manage', pg_class.oid, 'DELETE') GROUP BY relname ORDER BY relname COLLATE "C";
SET ROLE regress_unkey_manage;
BEGIN;
INSERT INTO unkey.keys (id, api_id, hash) VALUES ('key_ob_hand', :'api_id', sha256('ob.hand'));
INSERT INTO unkey.credits (key_id, remaining) VALUES ('key_ob_hand', 2);
SELECT code, credits FROM unkey_verify_key('ob.hand');
UPDATE unkey.keys SET deleted_at = unkey.now() WHERE id = 'key_ob_hand';
SELECT code FROM unkey_verify_key('ob.hand');
ROLLBACK;
RESET ROLE;

-- A caller that begins another verification within one that fails, or whose spend fails, hides nothing that it does afterwards by hand.
SELECT unkey.seal_audit_log() >= 0 AS sealed;
CREATE TRIGGER fails BEFORE UPDATE ON unkey.credits FOR EACH ROW WHEN (NEW.remaining = 99) EXECUTE FUNCTION objects.evil();
CREATE OR REPLACE FUNCTION objects.evil() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'no spend'; END$$;
SET ROLE regress_unkey_manage;
SELECT message FROM tests.error(format('SELECT unkey_verify_key(%L)', :'key'));
SELECT message FROM tests.error(format('SELECT unkey_update_credits(%L, ''decrement'', 1)', :'key_id'));
UPDATE unkey.credits SET remaining = 50 WHERE key_id = :'key_id';
RESET ROLE;
DROP TRIGGER fails ON unkey.credits;
SELECT event, actor_id, changes->:'key_id' AS changed FROM unkey.audit_log WHERE seal IS NULL;

-- An owner who puts the extension's trigger functions on tables of another shape is refused, and not a crash.
CREATE TABLE objects.numbers (key_id integer, id integer);
CREATE TABLE objects.nothing (id integer);
CREATE FUNCTION pg_temp.as_trigger(function text, place text, row_or text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TRIGGER misplaced %s INSERT ON objects.%s FOR EACH %s EXECUTE FUNCTION unkey.%s()', CASE row_or WHEN 'ROW' THEN 'BEFORE' ELSE 'AFTER' END, place, row_or, function);
    EXECUTE format('INSERT INTO objects.%s VALUES (1)', place);
    RAISE 'done' USING ERRCODE = '00001';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END
$$;
SELECT function, string_agg(DISTINCT state, ' ') AS states, count(*) FROM unnest(ARRAY['key_linked', 'key_changed', 'audit', 'audit_deletion', 'forget_usage', 'forget_text', 'keep_refill_since', 'keep_audit_log']) AS function, unnest(ARRAY['numbers', 'nothing']) AS place, unnest(ARRAY['ROW', 'STATEMENT']) AS row_or, pg_temp.as_trigger(function, place, row_or) AS state
GROUP BY function ORDER BY function COLLATE "C";
SELECT code FROM unkey_verify_key(:'key');

SET client_min_messages = warning;
DROP SCHEMA objects CASCADE;
DROP OWNED BY regress_unkey_read, regress_unkey_manage, regress_unkey_creator;
DROP ROLE regress_unkey_read, regress_unkey_manage, regress_unkey_creator;
