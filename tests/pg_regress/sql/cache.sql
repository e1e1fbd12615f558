-- What a session keeps of keys: hits and misses, its size, and that any change counts at once, is seen by who made it, and
-- leaves nothing behind when it is rolled back.
\pset null '-'
SELECT tests.at('2026-03-01 12:00Z') \gset
SELECT unkey_create_api('cache') AS api \gset
SELECT unkey_create_identity('cache-owner', '{"plan": "pro"}') AS identity \gset
SELECT unkey_create_permission('cache.direct') AS direct, unkey_create_permission('cache.role') AS by_role, unkey_create_permission('cache.other') AS other \gset
SELECT unkey_create_role('cache-role', NULL, '{cache.role}') AS role, unkey_create_role('cache-other', NULL, '{cache.other}') AS other_role \gset
SELECT key_id, key FROM unkey_create_key(:'api', name => 'cached', external_id => 'cache-owner', roles => '{cache-role}', permissions => '{cache.direct}', ratelimits => '[{"name": "own", "limit": 100, "duration": 60000}]') \gset
SELECT key_id AS metered_id, key AS metered FROM unkey_create_key(:'api', credits => 100) \gset

SELECT tests.autovacuum('SET (autovacuum_enabled = false)');

-- The second time, a key is known; a key that does not exist is looked for each time.
SET unkey.cache_size = 0;
SELECT code FROM unkey_verify_key(:'key');
RESET unkey.cache_size;
SELECT * FROM tests.growth(format('SELECT unkey_verify_key(%L)', :'key'));
SELECT * FROM tests.growth(format('SELECT unkey_verify_key(%L)', :'key'));
SELECT * FROM tests.growth(format('SELECT unkey_verify_keys(array_fill(%L::text, ARRAY[5]))', :'key'));
SELECT * FROM tests.growth($$SELECT count(*) FROM generate_series(1, 3) AS n, unkey_verify_key('cache_unknown' || n)$$);
SELECT tests.figure('cache_bytes') > 0 AS bytes;

-- What a statement changes, told by whoever makes it, and what is left of it when it is undone. The key was known before.
CREATE FUNCTION tests.effect(key text, statement text, OUT during text, OUT afterwards text) LANGUAGE plpgsql AS $$
DECLARE
    before text := (SELECT concat_ws(' ', code, name, expires::date, roles, permissions, identity->>'externalId', identity->'meta') FROM unkey_verify_key(key, cost => 0));
BEGIN
    BEGIN
        EXECUTE statement;
        during := (SELECT concat_ws(' ', code, name, expires::date, roles, permissions, identity->>'externalId', identity->'meta', credits) FROM unkey_verify_key(key, cost => 0));
        RAISE EXCEPTION 'undone';
    EXCEPTION WHEN raise_exception THEN
        afterwards := (SELECT concat_ws(' ', code, name, expires::date, roles, permissions, identity->>'externalId', identity->'meta') FROM unkey_verify_key(key, cost => 0));
        afterwards := CASE WHEN afterwards = before THEN 'as before' ELSE afterwards END;
    END;
END
$$;
SELECT code, name, roles, permissions, identity->>'externalId' AS owner FROM unkey_verify_key(:'key');
SELECT statement, effect.* FROM unnest(ARRAY[
    'UPDATE unkey.keys SET enabled = false WHERE id = %1$L',
    'UPDATE unkey.keys SET name = ''changed'' WHERE id = %1$L',
    'UPDATE unkey.keys SET expires = ''2026-02-01'' WHERE id = %1$L',
    'UPDATE unkey.keys SET ip_allowlist = ''{10.0.0.0/8}'' WHERE id = %1$L',
    'UPDATE unkey.keys SET hash = sha256(''another'') WHERE id = %1$L',
    'UPDATE unkey.keys SET identity_id = NULL WHERE id = %1$L',
    'UPDATE unkey.keys SET deleted_at = now() WHERE id = %1$L',
    'DELETE FROM unkey.keys WHERE id = %1$L',
    'SET LOCAL client_min_messages = warning; TRUNCATE unkey.keys CASCADE',
    'ALTER TABLE unkey.keys ALTER enabled TYPE boolean USING false',
    'UPDATE unkey.apis SET enabled = false WHERE id = %2$L',
    'UPDATE unkey.apis SET ip_allowlist = ''{10.0.0.0/8}'' WHERE id = %2$L',
    'UPDATE unkey.apis SET deleted_at = now() WHERE id = %2$L',
    'UPDATE unkey.identities SET meta = ''{"plan": "free"}'' WHERE id = %3$L',
    'UPDATE unkey.identities SET deleted_at = now() WHERE id = %3$L',
    'DELETE FROM unkey.identities WHERE id = %3$L',
    'UPDATE unkey.roles SET name = ''cache-renamed'' WHERE id = %4$L',
    'DELETE FROM unkey.roles WHERE id = %4$L',
    'UPDATE unkey.permissions SET slug = ''cache.renamed'' WHERE id = %5$L',
    'DELETE FROM unkey.permissions WHERE id = %5$L',
    'INSERT INTO unkey.role_permissions (role_id, permission_id) VALUES (%4$L, %6$L)',
    'UPDATE unkey.role_permissions SET permission_id = %6$L WHERE role_id = %4$L',
    'DELETE FROM unkey.role_permissions WHERE role_id = %4$L',
    'TRUNCATE unkey.role_permissions',
    'INSERT INTO unkey.key_permissions (key_id, permission_id) VALUES (%1$L, %6$L)',
    'UPDATE unkey.key_permissions SET permission_id = %6$L WHERE key_id = %1$L',
    'DELETE FROM unkey.key_permissions WHERE key_id = %1$L',
    'INSERT INTO unkey.key_roles (key_id, role_id) VALUES (%1$L, %7$L)',
    'UPDATE unkey.key_roles SET role_id = %7$L WHERE key_id = %1$L',
    'DELETE FROM unkey.key_roles WHERE key_id = %1$L',
    'TRUNCATE unkey.key_roles, unkey.key_permissions',
    'INSERT INTO unkey.credits (key_id, remaining) VALUES (%1$L, 7)',
    'UPDATE unkey.credits SET key_id = %1$L WHERE key_id = %8$L',
    'SET LOCAL session_replication_role = replica; UPDATE unkey.keys SET enabled = false WHERE id = %1$L'
]) AS statement, tests.effect(:'key', format(statement, :'key_id', :'api', :'identity', :'role', :'direct', :'other', :'other_role', :'metered_id')) AS effect;
SELECT statement, effect.* FROM unnest(ARRAY[
    'UPDATE unkey.credits SET remaining = 3 WHERE key_id = %1$L',
    'UPDATE unkey.credits SET key_id = %2$L WHERE key_id = %1$L',
    'DELETE FROM unkey.credits WHERE key_id = %1$L',
    'TRUNCATE unkey.credits'
]) AS statement, tests.effect(:'metered', format(statement, :'metered_id', :'key_id')) AS effect;

-- A balance changes with every use, and nobody forgets a key for that.
SELECT * FROM tests.growth(format('SELECT count(*) FROM generate_series(1, 10) AS n, unkey_verify_key(left(%L, 100 + n))', :'metered'));

-- What never was, nobody keeps: a key, and what it refers to.
BEGIN;
INSERT INTO unkey.apis (id, name, enabled) VALUES ('api_cache_undone', 'cache-undone', false);
INSERT INTO unkey.keys (id, api_id, hash, name) VALUES ('key_cache_undone', 'api_cache_undone', sha256('cache_undone'), 'first');
SELECT code, name FROM unkey_verify_key('cache_undone');
ROLLBACK;
SELECT code, name FROM unkey_verify_key('cache_undone');
BEGIN;
SAVEPOINT made;
INSERT INTO unkey.apis (id, name, enabled) VALUES ('api_cache_undone', 'cache-undone', false);
INSERT INTO unkey.keys (id, api_id, hash, name) VALUES ('key_cache_undone', 'api_cache_undone', sha256('cache_undone'), 'second');
SELECT code, name FROM unkey_verify_key('cache_undone');
ROLLBACK TO made;
SELECT code, name FROM unkey_verify_key('cache_undone');
INSERT INTO unkey.apis (id, name) VALUES ('api_cache_undone', 'cache-undone');
INSERT INTO unkey.keys (id, api_id, hash, name) VALUES ('key_cache_undone', 'api_cache_undone', sha256('cache_undone'), 'third');
COMMIT;
SELECT code, name FROM unkey_verify_key('cache_undone');

-- A new key with roles, permissions and a balance is no news to anybody; a new link of an old key is.
SELECT count(*) FROM unkey_verify_key(:'key');
SELECT * FROM tests.growth(format('SELECT unkey_create_key(%L, roles => ''{cache-role}'', permissions => ''{cache.direct}'', credits => 5); SELECT unkey_verify_key(%L)', :'api', :'key'));
SELECT * FROM tests.growth(format('SELECT unkey_add_permissions(%L, ''{cache.other}''); SELECT unkey_verify_key(%L)', :'key_id', :'key'));

-- What changes one key is no news of another; what is not one key's own, and what changes many at once, is news of all.
INSERT INTO unkey.keys (id, api_id, hash) VALUES ('key_cache_one', :'api', sha256('cache_one')), ('key_cache_two', :'api', sha256('cache_two'));
INSERT INTO unkey.keys (id, api_id, hash) SELECT 'key_cache_many_' || n, :'api', sha256(convert_to('cache_many_' || n, 'UTF8')) FROM generate_series(1, 33) AS n;
-- What a statement has the session forget of the two.
CREATE FUNCTION tests.forgotten(statement text, OUT hits bigint, OUT misses bigint, OUT invalidations bigint) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM unkey_verify_keys('{cache_one, cache_two}');
    SELECT * INTO hits, misses, invalidations FROM tests.growth(statement || '; SELECT unkey_verify_keys(''{cache_one, cache_two}'')');
END
$$;
SELECT * FROM tests.forgotten('SELECT 1');
SELECT * FROM tests.forgotten($$UPDATE unkey.keys SET name = 'changed' WHERE id = 'key_cache_two'$$);
SELECT * FROM tests.forgotten($$SELECT unkey_update_key('key_cache_two', '{"enabled": true, "credits": {"remaining": 100}}')$$);
SELECT * FROM tests.forgotten($$SELECT unkey_add_permissions('key_cache_two', '{cache.other}'), unkey_add_roles('key_cache_two', '{cache-role}')$$);
SELECT * FROM tests.forgotten($$DELETE FROM unkey.key_permissions WHERE key_id = 'key_cache_two'$$);
SELECT * FROM tests.forgotten($$UPDATE unkey.key_roles SET role_id = (SELECT id FROM unkey.roles WHERE name = 'cache-other') WHERE key_id = 'key_cache_two'$$);
SELECT * FROM tests.forgotten($$UPDATE unkey.key_roles SET key_id = 'key_cache_one' WHERE key_id = 'key_cache_two'$$);
SELECT * FROM tests.forgotten($$UPDATE unkey.credits SET key_id = key_id, remaining = remaining - 1 WHERE key_id = 'key_cache_two'$$);
SELECT * FROM tests.forgotten($$SET LOCAL session_replication_role = replica; UPDATE unkey.credits SET key_id = key_id, remaining = remaining - 1 WHERE key_id = 'key_cache_two'$$);
SELECT * FROM tests.forgotten($$UPDATE unkey.credits SET key_id = 'key_cache_one' WHERE key_id = 'key_cache_two'$$);
SELECT * FROM tests.forgotten($$SET LOCAL session_replication_role = replica; UPDATE unkey.credits SET key_id = 'key_cache_two' WHERE key_id = 'key_cache_one'$$);
SELECT * FROM tests.forgotten($$DELETE FROM unkey.credits WHERE key_id = 'key_cache_two'$$);
SELECT * FROM tests.forgotten($$UPDATE unkey.keys SET identity_id = (SELECT id FROM unkey.identities WHERE external_id = 'cache-owner') WHERE id = 'key_cache_two'$$);
SELECT * FROM tests.forgotten($$SELECT unkey_update_identity('cache-owner', '{"meta": {"plan": "free"}}')$$);
SELECT * FROM tests.forgotten($$UPDATE unkey.identities SET deleted_at = now() WHERE external_id = 'cache-owner'$$);
SELECT * FROM tests.forgotten($$UPDATE unkey.identities SET deleted_at = NULL WHERE external_id = 'cache-owner'$$);
SELECT identity->>'externalId' AS owner, identity->'meta' AS meta FROM unkey_verify_key('cache_two');
SELECT * FROM tests.forgotten($$UPDATE unkey.keys SET name = 'changed' WHERE id = ANY (SELECT 'key_cache_many_' || n FROM generate_series(1, 32) AS n)$$);
SELECT * FROM tests.forgotten($$UPDATE unkey.keys SET name = 'changed' WHERE id = ANY (SELECT 'key_cache_many_' || n FROM generate_series(1, 33) AS n)$$);
SELECT * FROM tests.forgotten($$UPDATE unkey.roles SET description = 'changed' WHERE name = 'cache-role'$$);
SELECT * FROM tests.forgotten('TRUNCATE unkey.key_roles');
SELECT * FROM tests.forgotten($$DELETE FROM unkey.keys WHERE id = 'key_cache_two'$$);
SELECT code FROM unkey_verify_keys('{cache_one, cache_two}');
-- Also when it is undone, and when the id changes.
BEGIN;
SELECT * FROM tests.forgotten($$UPDATE unkey.keys SET enabled = false WHERE id = 'key_cache_one'$$);
SELECT code FROM unkey_verify_key('cache_one');
ROLLBACK;
SELECT code FROM unkey_verify_key('cache_one');
UPDATE unkey.keys SET id = 'key_cache_moved', enabled = false WHERE id = 'key_cache_one';
SELECT code, key_id FROM unkey_verify_key('cache_one');
UPDATE unkey.keys SET enabled = true WHERE id = 'key_cache_moved';
SELECT code, key_id FROM unkey_verify_key('cache_one');
DELETE FROM unkey.keys WHERE id LIKE 'key\_cache\_%';

-- What a transaction reads while it writes is kept unless something of it is undone.
UPDATE unkey.keys SET name = 'unknown once more' WHERE id = :'metered_id';
BEGIN;
CREATE TEMPORARY TABLE cache_written ();
SELECT * FROM tests.growth(format('SELECT unkey_verify_key(%1$L); SELECT unkey_verify_key(%1$L)', :'metered'));
COMMIT;
SELECT * FROM tests.growth(format('SELECT unkey_verify_key(%L)', :'metered'));
UPDATE unkey.keys SET name = 'and once more' WHERE id = :'metered_id';
BEGIN;
DROP TABLE cache_written;
SELECT * FROM tests.growth(format('SELECT unkey_verify_key(%1$L); SELECT unkey_verify_key(%1$L)', :'metered'));
ROLLBACK;
SELECT * FROM tests.growth(format('SELECT unkey_verify_key(%L)', :'metered'));

-- VACUUM of the table of credits, which every use of a key changes, says nothing about keys.
SELECT unkey_verify_key(:'metered', cost => 0) IS NOT NULL AS known, tests.figure('cache_misses') AS misses \gset
VACUUM unkey.credits;
VACUUM FULL unkey.credits;
SELECT code FROM unkey_verify_key(:'metered');
SELECT tests.figure('cache_misses') - :misses AS misses;

-- Bounded: what was not used for longest goes first, and nothing is kept that does not fit.
SELECT tests.figure('cache_evictions') AS evictions, tests.figure('cache_bytes') AS bytes \gset
SELECT array_agg(made.key) AS keys FROM generate_series(1, 20) AS n, unkey_create_key(:'api', name => 'cache-' || n) AS made \gset
SET unkey.cache_size = '16kB';
SELECT * FROM tests.growth(format('SELECT unkey_verify_key(key) FROM unnest(%L::text[]) AS key', :'keys'));
SELECT tests.figure('cache_evictions') - :evictions BETWEEN 4 AND 20 AS evicted, tests.figure('cache_bytes') <= 20 * 1024 AS bounded;
SELECT * FROM tests.growth(format('SELECT unkey_verify_key((%L::text[])[20])', :'keys'));
SELECT * FROM tests.growth(format('SELECT unkey_verify_key((%L::text[])[1])', :'keys'));
SET unkey.cache_size = 0;
SELECT * FROM tests.growth(format('SELECT unkey_verify_key((%L::text[])[1])', :'keys'));
SELECT code FROM unkey_verify_key(:'key');
SELECT tests.figure('cache_bytes') AS bytes;
RESET unkey.cache_size;

-- A serializable transaction reads for itself.
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT * FROM tests.growth(format('SELECT unkey_verify_key(%L); SELECT unkey_verify_key(%L)', :'key', :'key'));
COMMIT;

SELECT unkey_delete_api(:'api');
DELETE FROM unkey.keys WHERE api_id = 'api_cache_undone';
DELETE FROM unkey.apis WHERE id = 'api_cache_undone';
SELECT tests.autovacuum('RESET (autovacuum_enabled)');
