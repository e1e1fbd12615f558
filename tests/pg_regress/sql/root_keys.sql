-- Root keys: their life, what they may hold, and who gets in with them.
SET datestyle = ISO;
SET timezone = 'UTC';
SELECT tests.at('2026-05-05 12:00:00.5+00');
-- As what a text authenticates: its root key's name, or how it is refused.
CREATE FUNCTION pg_temp.caller(key text, OUT name text, OUT state text, OUT message text, OUT hint text) LANGUAGE plpgsql AS $$
BEGIN
    SELECT root_key.name INTO caller.name FROM unkey.authenticate('Bearer ' || key) AS root_key;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
END
$$;

SELECT * FROM unkey_create_root_key('ro.full', '{api.*.verify_key,rbac.*.read_role,api.api_1.read_key,api.*.verify_key}', '2027-01-01 00:00+00') \gset
SELECT :'key' ~ '^unkey_[1-9A-HJ-NP-Za-km-z]{16,22}$' AS key, :'key_id' ~ '^key_[1-9A-HJ-NP-Za-km-z]{20,22}$' AS key_id;
SELECT name, start = left(:'key', 10) AS start, permissions, enabled, expires, created_at, updated_at FROM unkey_get_root_key(:'key_id');
SELECT id = :'key_id' AS id, hash = sha256(:'key') AS hash, position(:'key' IN root_keys::text) AS text FROM unkey.root_keys WHERE name = 'ro.full';
SELECT key_id AS bare_id FROM unkey_create_root_key() \gset
SELECT name, permissions, enabled, expires FROM unkey_get_root_key(:'bare_id');
-- The entry * stands for everything, and is stored as that.
SELECT key_id AS all_id FROM unkey_create_root_key('ro.all', '{*,api.api_1.read_key}') \gset
SELECT cardinality(permissions), permissions[1:2] AS first, permissions @> '{rbac.*.remove_permission_from_role}' AS last FROM unkey_get_root_key(:'all_id');
-- What can't be given.
SELECT left(arguments, 60) AS arguments, error.*
FROM (VALUES (''''''), ('repeat(''n'', 256)'), ('NULL, ''{apis.*.verify_key}'''), ('NULL, ''{api.*.verify}'''), ('NULL, ''{api.*.verify_key,api.verify_key}'''),
    ('NULL, ''{rbac.role_1.read_role}'''), ('NULL, ''{identity.id_1.read_identity}'''), ('NULL, ''{"api.a b.read_key"}'''), ('NULL, ''{api.ab.read_key}'''),
    ('NULL, ''{NULL}'''), ('NULL, ''{{*}}'''), ('NULL, array_fill(''*''::text, ''{1001}'')'), ('NULL, NULL, ''2100-01-01 00:00:00.001+00'''), ('NULL, NULL, ''-infinity'''))
    AS wrong(arguments), tests.error(format('SELECT unkey_create_root_key(%s)', arguments)) AS error;

-- VK-34, VK-35: unknown; an ordinary key is no root key, and a root key verifies nowhere.
SELECT unkey_create_api('root-keys') AS api_id \gset
SELECT key AS ordinary FROM unkey_create_key(:'api_id', prefix => 'unkey') \gset
SELECT 'VK-34' AS "case", caller.* FROM pg_temp.caller('unkey_nobody_knows_this_one') AS caller;
SELECT 'VK-35' AS "case", caller.* FROM pg_temp.caller(:'ordinary') AS caller;
SELECT 'VK-35' AS "case", code FROM unkey_verify_key(:'key');
SELECT 'VK-35' AS "case", state FROM tests.error(format('SELECT unkey_get_key(%L)', :'key_id'));
-- VK-32: no header is one mistake, another form than Bearer is another; what was sent is never repeated.
SELECT CASE WHEN header <> '' THEN 'malformed' ELSE 'VK-32' END AS "case", header, error.* FROM unnest(ARRAY[NULL, '', 'unkey_x', 'Bearer', 'Basic unkey_x', 'Bearer a b']) AS header,
    tests.error(format('SELECT unkey.authenticate(%L)', header)) AS error;
SELECT name FROM unnest(ARRAY['Bearer ', 'bearer   ', '  BEARER ']) AS scheme, unkey.authenticate(scheme || :'key');
SELECT position('unkey_x' IN message) AS repeated FROM tests.error($$SELECT unkey.authenticate('Bearer unkey_x')$$);

-- Changes: absent keeps, null clears, permissions replaces; each counts for the next request.
SELECT unkey_update_root_key(:'key_id', '{"name": "ro.renamed", "permissions": ["ratelimit.*.limit"]}');
SELECT name, permissions, expires, updated_at FROM unkey_get_root_key(:'key_id');
SELECT unkey_update_root_key(:'key_id', '{"permissions": ["*"], "name": null, "expires": null}');
SELECT name, cardinality(permissions), expires FROM unkey_get_root_key(:'key_id');
SELECT unkey_update_root_key(:'key_id', '{"permissions": [], "name": "ro.full"}');
SELECT name, permissions FROM unkey.authenticate('Bearer ' || :'key');
SELECT patch, error.* FROM unnest(ARRAY['{"permissions": null}', '{"permissions": ["*", "x"]}', '{"enabled": null}', '{"name": ""}', '{"expires": -1}', '{"hash": "x"}', '[]', NULL]) AS patch,
    tests.error(format('SELECT unkey_update_root_key(%L, %L)', :'key_id', patch)) AS error;
SELECT unkey_update_root_key(:'key_id', '{"enabled": false, "expires": 0}');
SELECT 'disabled' AS case, caller.* FROM pg_temp.caller(:'key') AS caller;
SELECT unkey_update_root_key(:'key_id', '{"enabled": true}');
SELECT 'expired' AS case, caller.* FROM pg_temp.caller(:'key') AS caller;
-- Until the very end, and not a millisecond more.
SELECT unkey_update_root_key(:'key_id', jsonb_build_object('expires', unkey.to_ms('2026-05-05 12:30:00+00')));
SELECT tests.at('2026-05-05 12:30:00+00');
SELECT 'at the end' AS case, caller.name FROM pg_temp.caller(:'key') AS caller;
SELECT tests.at('2026-05-05 12:30:00.001+00');
SELECT 'after it' AS case, caller.state FROM pg_temp.caller(:'key') AS caller;
SELECT tests.at('2026-05-05 12:00:00.5+00');

-- Reroll: the same with a new text; the old one ends at once, or after a grace that never lengthens its life.
SELECT unkey_update_root_key(:'key_id', '{"expires": 1800000000000, "permissions": ["api.*.verify_key"]}');
SELECT * FROM unkey_reroll_root_key(:'key_id') \gset new_
SELECT :'new_key_id' <> :'key_id' AS new_id, new.name, new.permissions, new.enabled, new.expires, old.expires AS old_ends
FROM unkey_get_root_key(:'new_key_id') AS new, unkey_get_root_key(:'key_id') AS old;
SELECT old.state AS old, new.name AS new FROM pg_temp.caller(:'key') AS old, pg_temp.caller(:'new_key') AS new;
SELECT count(*) FROM unkey_reroll_root_key(:'new_key_id', '1 hour');
SELECT expires FROM unkey_get_root_key(:'new_key_id');
SELECT count(*) FROM unkey_reroll_root_key(:'new_key_id', '1 day');
SELECT expires FROM unkey_get_root_key(:'new_key_id');
SELECT grace, error.* FROM unnest(ARRAY['-1 second', '132 years']) AS grace, tests.error(format('SELECT unkey_reroll_root_key(%L, %L)', :'new_key_id', grace)) AS error;

-- Deleted, it is unknown to every call; the row stays, and its hash stays reserved.
SELECT unkey_delete_root_key(:'new_key_id');
SELECT 'deleted' AS case, caller.* FROM pg_temp.caller(:'new_key') AS caller;
SELECT replace(statement, :'new_key_id', '<key>') AS statement, state, replace(message, :'new_key_id', '<key>') AS message, hint
FROM unnest(ARRAY[format('unkey_get_root_key(%L)', :'new_key_id'), format('unkey_delete_root_key(%L)', :'new_key_id'), format('unkey_update_root_key(%L, ''{}'')', :'new_key_id'),
    format('unkey_reroll_root_key(%L)', :'new_key_id'), 'unkey_get_root_key(NULL)', 'unkey_delete_root_key(NULL)', 'unkey_update_root_key(NULL, ''{}'')', 'unkey_reroll_root_key(NULL)'])
    AS statement, tests.error('SELECT ' || statement);
SELECT state FROM tests.error(format('INSERT INTO unkey.root_keys (hash) VALUES (sha256(%L))', :'new_key'));

-- Lists: by id, page after page, without what is deleted.
SELECT count(*) AS made FROM generate_series(1, 5) AS n, unkey_create_root_key('ro.list' || n);
WITH RECURSIVE pages AS (
    SELECT 1 AS page, array_agg(key_id) AS ids FROM unkey_list_root_keys(3)
    UNION ALL
    SELECT page + 1, (SELECT array_agg(key_id) FROM unkey_list_root_keys(3, ids[3])) FROM pages WHERE cardinality(ids) = 3
)
SELECT array_agg(id ORDER BY page, at) = (SELECT array_agg(id ORDER BY id COLLATE "C") FROM unkey.root_keys WHERE deleted_at IS NULL) AS all_in_order
FROM pages, unnest(ids) WITH ORDINALITY AS row(id, at);
SELECT "limit", error.* FROM unnest(ARRAY[0, 101]) AS "limit", tests.error(format('SELECT unkey_list_root_keys(%s)', "limit")) AS error;

-- What is committed or done by now counts, also within one statement; a read-only transaction lets root keys in.
SELECT root_key.name FROM unkey_create_root_key('ro.same-statement') AS made, unkey.authenticate('Bearer ' || made.key) AS root_key;
SELECT key AS other FROM unkey_create_root_key('ro.read-only') \gset
BEGIN TRANSACTION READ ONLY;
SELECT name FROM unkey.authenticate('Bearer ' || :'other');
ROLLBACK;

-- Made by hand, they are held to the same rules.
INSERT INTO unkey.root_keys (hash, name, permissions) VALUES (sha256('ro.by-hand'), 'ro.by-hand', '{api.*.read_key}');
SELECT name, permissions FROM unkey.authenticate('Bearer ro.by-hand');
UPDATE unkey.root_keys SET enabled = false WHERE name = 'ro.by-hand';
SELECT caller.state FROM pg_temp.caller('ro.by-hand') AS caller;
SELECT col, value, state FROM (VALUES ('id', '''x'''), ('hash', '''short''::bytea'), ('name', ''''''), ('start', 'repeat(''s'', 51)'), ('permissions', '''{*}'''), ('permissions', '''{NULL}'''),
    ('permissions', '''{{api.*.read_key}}'''), ('permissions', '''{api.*.nope}'''), ('permissions', 'NULL'), ('expires', '''2100-01-01 00:00:00.001+00'''), ('enabled', 'NULL'))
    AS wrong(col, value), tests.error(format('UPDATE unkey.root_keys SET %s = %s WHERE name = ''ro.by-hand''', col, value));
