-- A session keeps nothing while some trigger that tells of changes does not always fire: one that was switched off, and on again in the
-- usual way, does not where replicated changes are applied.
\pset null '-'
SELECT tests.autovacuum('SET (autovacuum_enabled = false)');
SELECT unkey_create_api('cache-watched') AS api \gset
INSERT INTO unkey.keys (id, api_id, hash) VALUES ('key_cache_watched', :'api', sha256('cache_watched'));
SELECT code FROM unkey_verify_key('cache_watched');
SELECT * FROM tests.growth($$SELECT unkey_verify_key('cache_watched')$$);
ALTER TABLE unkey.keys DISABLE TRIGGER USER;
SELECT * FROM tests.growth($$SELECT unkey_verify_key('cache_watched')$$);
SELECT * FROM tests.growth($$SELECT unkey_verify_key('cache_watched')$$);
SELECT tests.figure('cache_bytes') AS bytes;
UPDATE unkey.keys SET enabled = false WHERE id = 'key_cache_watched';
SELECT code FROM unkey_verify_key('cache_watched');
ALTER TABLE unkey.keys ENABLE TRIGGER USER;
SELECT code FROM unkey_verify_key('cache_watched');
SET session_replication_role = replica;
UPDATE unkey.keys SET enabled = true WHERE id = 'key_cache_watched';
RESET session_replication_role;
SELECT code FROM unkey_verify_key('cache_watched');
ALTER TABLE unkey.keys ENABLE ALWAYS TRIGGER key_changed, ENABLE ALWAYS TRIGGER keys_truncated, ENABLE ALWAYS TRIGGER forget_usage;
SELECT code FROM unkey_verify_key('cache_watched');
SELECT * FROM tests.growth($$SELECT unkey_verify_key('cache_watched')$$);
-- Any of them, on any table.
SELECT name, "off".hits AS hits_off, "on".hits AS hits_on FROM (VALUES ('apis', 'key_changed'), ('identities', 'keys_truncated'), ('roles', 'key_changed'), ('permissions', 'key_changed'),
    ('role_permissions', 'keys_truncated'), ('key_roles', 'key_linked'), ('key_permissions', 'key_linked'), ('root_keys', 'key_changed'), ('workspace', 'key_changed'),
    ('credits', 'key_linked'), ('credits', 'key_changed'), ('credits', 'key_moved')) AS list (name, routine),
    tests.growth(format('ALTER TABLE unkey.%I ENABLE TRIGGER %I; SELECT unkey_verify_key(''cache_watched''); SELECT unkey_verify_key(''cache_watched'')', name, routine)) AS "off",
    tests.growth(format('ALTER TABLE unkey.%I ENABLE ALWAYS TRIGGER %I; SELECT unkey_verify_key(''cache_watched''); SELECT unkey_verify_key(''cache_watched'')', name, routine)) AS "on";
-- One that is gone, until that is undone.
BEGIN;
DROP TRIGGER key_linked ON unkey.credits;
SELECT * FROM tests.growth($$SELECT unkey_verify_key('cache_watched'); SELECT unkey_verify_key('cache_watched')$$);
ROLLBACK;
SELECT * FROM tests.growth($$SELECT unkey_verify_key('cache_watched'); SELECT unkey_verify_key('cache_watched')$$);
-- What changed meanwhile was not told.
SELECT code, credits FROM unkey_verify_key('cache_watched', cost => 0);
SELECT * FROM tests.growth($$SELECT unkey_verify_key('cache_watched')$$);
BEGIN;
ALTER TABLE unkey.credits DISABLE TRIGGER key_linked;
INSERT INTO unkey.credits (key_id, remaining) VALUES ('key_cache_watched', 7);
ALTER TABLE unkey.credits ENABLE ALWAYS TRIGGER key_linked;
COMMIT;
SELECT code, credits FROM unkey_verify_key('cache_watched', cost => 0);
-- A session says so once; in another one:
ALTER TABLE unkey.credits DISABLE TRIGGER key_moved, ENABLE REPLICA TRIGGER key_linked;
\c
SELECT code FROM unkey_verify_key('cache_watched');
ALTER TABLE unkey.credits ENABLE ALWAYS TRIGGER key_linked, ENABLE ALWAYS TRIGGER key_moved;

SELECT unkey_delete_api(:'api');
DELETE FROM unkey.keys WHERE id = 'key_cache_watched';
DELETE FROM unkey.apis WHERE id = :'api';
SELECT tests.autovacuum('RESET (autovacuum_enabled)');
