-- Rows made and changed by hand: defaults fill in the rest, and the next verification goes by them.
SET datestyle = ISO;
SET timezone = 'UTC';

-- An API, a key, nothing more than must be: ids are made, the key verifies.
INSERT INTO unkey.apis (name) VALUES ('hand-made') RETURNING id AS api_id, id ~ '^api_' AS api_prefix, keyspace_id ~ '^ks_' AS ks_prefix \gset
SELECT :'api_prefix' AS api_id, :'ks_prefix' AS keyspace_id, name, enabled, default_bytes, delete_protection FROM unkey_get_api(:'api_id');
INSERT INTO unkey.keys (api_id, hash) VALUES (:'api_id', sha256('hm_key')) RETURNING id AS key_id \gset
SELECT code, key_id = :'key_id' AS same_id, key_id ~ '^key_' AS made_id, name, meta, expires, credits, enabled, roles, permissions, identity, ratelimits FROM unkey_verify_key('hm_key');
SELECT start, created_at IS NOT NULL AS created FROM unkey_get_key(:'key_id');
-- An id of one's own is as good, and COPY as good as INSERT.
COPY unkey.apis (id, name) FROM stdin;
hm_api	hand-copied
\.
INSERT INTO unkey.keys (id, api_id, hash, meta) VALUES ('hm_own', 'hm_api', sha256('hm_own'), '{}');
SELECT code, key_id, meta FROM unkey_verify_key('hm_own', api_id => 'hm_api');
SELECT key_id, api_id, start FROM unkey_list_keys('hm_api');
-- Defaults of the other tables make ids too.
INSERT INTO unkey.identities (external_id) VALUES ('hm.owner') RETURNING id ~ '^id_' AS identity, ratelimits, meta;
INSERT INTO unkey.permissions (slug, name) VALUES ('hm.read', 'Read'), ('hm.write', 'Write') RETURNING id ~ '^perm_' AS permission;
INSERT INTO unkey.roles (name) VALUES ('hm.role') RETURNING id ~ '^role_' AS role;

-- Every column of a key counts from the next verification on.
CREATE FUNCTION pg_temp.after(change text, OUT code text, OUT name text, OUT credits bigint, OUT external_id text, OUT limits text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE change;
    SELECT v.code, v.name, v.credits, v.identity->>'externalId', tests.limits(v.ratelimits) INTO code, name, credits, external_id, limits
    FROM unkey_verify_key('hm_own') AS v;
END
$$;
SELECT tests.at('2026-04-04 12:00+00');
SELECT change, after.*
FROM unnest(ARRAY[
    'UPDATE unkey.keys SET enabled = false', 'UPDATE unkey.keys SET enabled = true, expires = ''2026-04-04 11:59:59.999+00''',
    'UPDATE unkey.keys SET expires = ''2026-04-04 12:00:00+00''', 'UPDATE unkey.keys SET expires = NULL, name = ''by hand''',
    'UPDATE unkey.keys SET ip_allowlist = ''{10.0.0.0/8}''', 'UPDATE unkey.keys SET ip_allowlist = ''{}''',
    'UPDATE unkey.keys SET identity_id = (SELECT id FROM unkey.identities WHERE external_id = ''hm.owner'')',
    'UPDATE unkey.keys SET ratelimits = ''[{"id": "rl_hm", "name": "rl", "limit": 2, "duration": 60000, "autoApply": true}]''', 'SELECT', 'SELECT',
    'UPDATE unkey.keys SET ratelimits = ''[{"id": "rl_hm", "name": "rl", "limit": 3, "duration": 60000, "autoApply": true}]''', 'UPDATE unkey.keys SET ratelimits = ''[]''',
    'INSERT INTO unkey.credits (key_id, remaining) VALUES (''hm_own'', 2)', 'UPDATE unkey.credits SET remaining = 1', 'SELECT', 'DELETE FROM unkey.credits'
]) AS change, pg_temp.after(CASE WHEN change LIKE '%unkey.keys%' THEN change || ' WHERE id = ''hm_own''' WHEN change ~ 'UPDATE|DELETE' THEN change || ' WHERE key_id = ''hm_own''' ELSE change END) AS after;
-- Limits and meta of an identity; a deleted identity is none, and its external id is free again.
UPDATE unkey.identities SET meta = '{"tier": 1}', ratelimits = '[{"id": "rl_hmi", "name": "shared", "limit": 1, "duration": 60000, "autoApply": true}]' WHERE external_id = 'hm.owner';
SELECT code, identity - 'id' AS identity, tests.limits(ratelimits) FROM unkey_verify_key('hm_own');
SELECT code, tests.limits(ratelimits) FROM unkey_verify_key('hm_own');
UPDATE unkey.identities SET deleted_at = now() WHERE external_id = 'hm.owner';
SELECT code, identity, ratelimits FROM unkey_verify_key('hm_own');
INSERT INTO unkey.identities (external_id) VALUES ('hm.owner');
SELECT code, identity FROM unkey_verify_key('hm_own');
DELETE FROM unkey.identities WHERE external_id = 'hm.owner' AND deleted_at IS NOT NULL;
SELECT code, identity FROM unkey_verify_key('hm_own');
SELECT identity_id FROM unkey.keys WHERE id = 'hm_own';

-- Permissions and roles: links, slugs, names.
INSERT INTO unkey.key_permissions SELECT 'hm_own', id FROM unkey.permissions WHERE slug = 'hm.read';
SELECT code, permissions, roles FROM unkey_verify_key('hm_own', 'hm.read');
INSERT INTO unkey.key_roles SELECT 'hm_own', id FROM unkey.roles WHERE name = 'hm.role';
SELECT code, permissions, roles FROM unkey_verify_key('hm_own', 'hm.write');
INSERT INTO unkey.role_permissions SELECT roles.id, permissions.id FROM unkey.roles, unkey.permissions WHERE roles.name = 'hm.role' AND slug LIKE 'hm.%';
SELECT code, permissions, roles FROM unkey_verify_key('hm_own', 'hm.write');
SELECT slug FROM unkey.effective_permissions WHERE key_id = 'hm_own' ORDER BY slug;
UPDATE unkey.permissions SET slug = 'hm.changed' WHERE slug = 'hm.write';
UPDATE unkey.roles SET name = 'hm.renamed' WHERE name = 'hm.role';
SELECT code, permissions, roles FROM unkey_verify_key('hm_own', 'hm.write');
DELETE FROM unkey.key_permissions WHERE key_id = 'hm_own';
SELECT code, permissions FROM unkey_verify_key('hm_own', 'hm.read AND hm.changed');
DELETE FROM unkey.permissions WHERE slug = 'hm.read';
SELECT code, permissions FROM unkey_verify_key('hm_own', 'hm.read');
DELETE FROM unkey.roles WHERE name = 'hm.renamed';
SELECT code, permissions, roles FROM unkey_verify_key('hm_own');

-- The API: disabled, with an allow-list, another API, deleted and back.
UPDATE unkey.apis SET enabled = false WHERE id = 'hm_api';
SELECT code FROM unkey_verify_key('hm_own');
UPDATE unkey.apis SET enabled = true, ip_allowlist = '{192.168.0.0/16}' WHERE id = 'hm_api';
SELECT ip, code FROM unnest(ARRAY['192.168.1.1', '10.0.0.1', NULL]::inet[]) AS ip, unkey_verify_key('hm_own', ip => ip);
UPDATE unkey.keys SET api_id = :'api_id' WHERE id = 'hm_own';
SELECT code FROM unkey_verify_key('hm_own');
SELECT 'hm_api' AS api_id, code FROM unkey_verify_key('hm_own', api_id => 'hm_api');
UPDATE unkey.apis SET deleted_at = now() WHERE id = :'api_id';
SELECT code FROM unkey_verify_key('hm_own');
UPDATE unkey.apis SET deleted_at = NULL WHERE id = :'api_id';
SELECT code FROM unkey_verify_key('hm_own');

-- A new hash is a new text; soft delete and delete end the key.
UPDATE unkey.keys SET hash = sha256('hm_changed') WHERE id = 'hm_own';
SELECT key, code FROM unnest(ARRAY['hm_own', 'hm_changed']) AS key, unkey_verify_key(key);
UPDATE unkey.keys SET deleted_at = now() WHERE id = 'hm_own';
SELECT code FROM unkey_verify_key('hm_changed');
INSERT INTO unkey.credits (key_id, remaining) VALUES (:'key_id', 5);
DELETE FROM unkey.keys WHERE id IN ('hm_own', :'key_id');
SELECT code FROM unkey_verify_key('hm_key');
SELECT count(*) AS links_left FROM unkey.credits WHERE key_id = :'key_id';
-- Inside a transaction its own changes count, and a rollback takes them back.
INSERT INTO unkey.keys (id, api_id, hash) VALUES ('hm_tx', 'hm_api', sha256('hm_tx'));
UPDATE unkey.apis SET ip_allowlist = NULL WHERE id = 'hm_api';
BEGIN;
UPDATE unkey.keys SET enabled = false WHERE id = 'hm_tx';
SELECT code FROM unkey_verify_key('hm_tx');
SAVEPOINT deleted;
DELETE FROM unkey.keys WHERE id = 'hm_tx';
SELECT code FROM unkey_verify_key('hm_tx');
ROLLBACK TO deleted;
SELECT code FROM unkey_verify_key('hm_tx');
ROLLBACK;
SELECT code FROM unkey_verify_key('hm_tx');
-- The functions know hand-made rows as their own.
SELECT tests.at(NULL);
SELECT unkey_update_key('hm_tx', '{"name": "known", "ratelimits": [{"name": "a", "limit": 1, "duration": 1000}]}');
SELECT new.key ~ '^[^_]{16,22}$' AS rerolled, old.code FROM unkey_reroll_key('hm_tx') AS new, unkey_verify_key(substr('hm_tx', 1, length(new.key))) AS old;
SELECT count(*) AS keys FROM unkey_list_keys('hm_api');

-- A time that no clock shows is either refused or does no harm: a verification never raises because of a row.
CREATE FUNCTION pg_temp.harmless(tab text, col text, value timestamptz) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('UPDATE unkey.%I SET %I = $1 WHERE ''hm_time'' IN (%s)', tab, col,
        CASE tab WHEN 'keys' THEN 'id' WHEN 'credits' THEN 'key_id' ELSE '(SELECT ''hm_time'' WHERE id IN (''hm_api'', ''hm_identity''))' END) USING value;
    PERFORM unkey_verify_key('hm_time'), unkey_get_key('hm_time'), (SELECT count(*) FROM unkey_list_keys('hm_api'));
    RETURN true;
EXCEPTION
    WHEN check_violation THEN RETURN true;
    WHEN undefined_object THEN RETURN col = 'deleted_at';
    WHEN OTHERS THEN RETURN false;
END
$$;
INSERT INTO unkey.identities (id, external_id) VALUES ('hm_identity', 'hm.time');
INSERT INTO unkey.keys (id, api_id, identity_id, hash, refill_amount) VALUES ('hm_time', 'hm_api', 'hm_identity', sha256('hm_time'), 5);
INSERT INTO unkey.credits (key_id, remaining) VALUES ('hm_time', 1000);
SELECT relname AS tab, attname AS col, value, pg_temp.harmless(relname, attname, value)
FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid AND relnamespace = 'unkey'::regnamespace AND relname IN ('keys', 'credits', 'apis', 'identities'),
    unnest(ARRAY['infinity', '-infinity', '4000-01-01 BC', '294276-12-31']::timestamptz[]) AS value
WHERE atttypid IN ('timestamptz'::regtype, 'unkey.instant'::regtype) AND attname <> 'expires' AND relkind = 'r' AND (attname <> 'deleted_at' OR value = 'infinity') ORDER BY 1, attnum, value;
