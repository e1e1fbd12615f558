-- rootKeys.* over the v2 dialect: a root key manages those that may do no more and live no longer than itself.
SELECT tests.at('2026-03-10 12:00:00+00');
\pset null '-'
SELECT key_id AS caller_id, 'Bearer ' || key AS caller FROM unkey_create_root_key('vr.caller', '{api.*.verify_key,api.api_1.read_key,rbac.*.read_role}') \gset
SELECT set_config('tests.authorization', :'caller', false) \gset
SELECT status, data->>'keyId' AS id, data->>'key' AS key, data - '{key,keyId}'::text[] AS rest FROM tests.v2('rootKeys.createKey', '{"permissions": ["api.api_1.verify_key"], "name": "vr.child", "expires": null}') \gset
SELECT 'J' AS case, :'status' AS status, :'id' ~ '^key_' AS id, :'key' ~ '^unkey_[1-9A-HJ-NP-Za-km-z]{16,22}$' AS key, :'rest' AS rest;
SELECT name, permissions, enabled, expires FROM unkey_get_root_key(:'id');
-- What is refused: more than one's own, and what is malformed.
SELECT body, result.status, code, location, detail FROM unnest(ARRAY['{"permissions": ["api.*.read_key"]}', '{"permissions": ["api.api_2.read_key"]}', '{"permissions": ["api.*.verify_key", "rbac.*.create_role"]}', '{"permissions": ["*"]}', '{"permissions": ["api.*.nope"]}', '{"permissions": ["x"]}', '{"permissions": null}', '{}',
    '{"permissions": [], "name": null}', '{"permissions": [], "name": ""}', '{"permissions": [], "expires": -1}', '{"permissions": [], "expires": 4102444800001}', '{"permissions": [], "enabled": true}', '{"permissions": {}}', '{"permissions": [], "foo": 1}']) AS body, tests.v2('rootKeys.createKey', body) AS result;
SELECT result.status FROM tests.v2('rootKeys.createKey', '{"permissions": []}') AS result;

-- Changes. Absent keeps, null clears the name; permissions replaces, within one's own on both sides.
CREATE FUNCTION pg_temp.changed(key_id text, patch text, OUT status integer, OUT data jsonb, OUT code text, OUT location text, OUT name text, OUT permissions text[], OUT enabled boolean) LANGUAGE plpgsql AS $$
BEGIN
    SELECT v2.status, v2.data, v2.code, v2.location INTO status, data, code, location FROM tests.v2('rootKeys.updateKey', '{"keyId": "%s", ' || patch || '}', key_id) AS v2;
    SELECT root_key.name, root_key.permissions, root_key.enabled INTO name, permissions, enabled FROM unkey_get_root_key(key_id) AS root_key;
END
$$;
SELECT patch, changed.* FROM unnest(ARRAY['"name": "vr.renamed"', '"name": null', '"enabled": false', '"enabled": true, "permissions": ["api.api_1.read_key"]', '"permissions": ["api.*.read_key"]', '"permissions": null', '"enabled": null', '"foo": 1', '"name": ""']) AS patch, pg_temp.changed(:'id', patch) AS changed;
SELECT key_id AS stronger_id FROM unkey_create_root_key('vr.stronger', '{api.*.verify_key,api.*.read_key}') \gset
SELECT operation, result.status, code, detail FROM (VALUES ('updateKey', '"name": "x"'), ('updateKey', '"permissions": ["api.api_1.read_key"]'), ('updateKey', '"enabled": false'), ('rerollKey', '"expiration": 0'), ('deleteKey', '')) AS calls(operation, members), tests.v2('rootKeys.' || operation, format('{"keyId": "%s"%s}', :'stronger_id', nullif(', ' || members, ', '))) AS result;
SELECT name, enabled, expires FROM unkey_get_root_key(:'stronger_id');
SELECT key_id AS ordinary_id FROM unkey_create_api('vr.api') AS api, unkey_create_key(api) \gset
SELECT operation, keys.which, result.status, code, location FROM (VALUES (1, 'updateKey', ''), (2, 'rerollKey', '"expiration": 0'), (3, 'deleteKey', '')) AS calls(n, operation, members), (VALUES (1, 'unknown', 'key_unknown'), (2, 'ordinary', :'ordinary_id')) AS keys(m, which, key_id),
    tests.v2('rootKeys.' || operation, format('{"keyId": "%s"%s}', keys.key_id, nullif(', ' || members, ', '))) AS result ORDER BY n, m;
SELECT body, result.status, location FROM unnest(ARRAY['{"keyId": "key_1"}', '{"expiration": 0}', '{"keyId": "key_1", "expiration": -1}', '{"keyId": "key_1", "expiration": 1.5}', '{"keyId": "key_1", "expiration": 0, "foo": 1}']) AS body, tests.v2('rootKeys.rerollKey', body) AS result;

-- Lists: those within one's own; name and expiry are null here, and not left out.
SELECT tests.masked((data->0) - 'start') AS listed, data->0->>'start' = left(:'key', 10) AS start FROM tests.v2('rootKeys.listKeys', '{"limit": 1, "cursor": "%s"}', left(:'id', -1));
SELECT count(*) FILTER (WHERE id = :'id') AS child, count(*) FILTER (WHERE id = :'caller_id') AS caller, count(*) FILTER (WHERE id = :'stronger_id') AS stronger, count(*) = count(DISTINCT id) AS each_once FROM tests.pages('rootKeys.listKeys', '{"limit": 2}') AS page, unnest(ids) AS id;
-- Pages are full though those that it does not see lie between, and name none of them.
INSERT INTO unkey.root_keys (id, hash, permissions) SELECT 'key_vr' || n, sha256(('vr' || n)::bytea), CASE n % 3 WHEN 0 THEN '{api.*.read_api}' ELSE '{rbac.*.delete_role}' END::text[] FROM generate_series(1, 8) AS n;
SELECT key AS narrow FROM unkey_create_root_key('vr.narrow', '{api.*.read_api}') \gset
SELECT data->0->>'keyId' AS id, jsonb_array_length(data) AS rows, pagination AS page FROM unkey_api('rootKeys.listKeys', 'Bearer ' || :'narrow', '{"limit": 1, "cursor": "key_vr0"}'), LATERAL (SELECT body::jsonb->'data' AS data, body::jsonb->'pagination' AS pagination) AS reply;
DELETE FROM unkey.root_keys WHERE id LIKE 'key\_vr%' OR name = 'vr.narrow';
SELECT body, result.status, location FROM unnest(ARRAY['{"limit": 0}', '{"limit": 101}', '{"cursor": null}', '{"search": "x"}']) AS body, tests.v2('rootKeys.listKeys', body) AS result;

-- Reroll: null leaves the old one its life, a number ends it; what is there after it lives no longer than the caller.
SELECT count(*) FROM tests.v2('rootKeys.rerollKey', '{"keyId": "%s", "expiration": null}', :'id') WHERE data - '{key,keyId}'::text[] = '{}' AND data->>'key' ~ '^unkey_';
SELECT expires AT TIME ZONE 'UTC' AS expires FROM unkey_get_root_key(:'id');
SELECT count(*) FROM tests.v2('rootKeys.rerollKey', '{"keyId": "%s", "expiration": 90000}', :'id') WHERE status = 200;
SELECT expires AT TIME ZONE 'UTC' AS expires FROM unkey_get_root_key(:'id');
SELECT key_id AS mortal_id, 'Bearer ' || key AS mortal FROM unkey_create_root_key('vr.mortal', '{api.*.verify_key}', '2026-03-11 00:00+00') \gset
SELECT key_id AS eternal_id FROM unkey_create_root_key('vr.eternal', '{api.*.verify_key}') \gset
SELECT set_config('tests.authorization', :'mortal', false) \gset
SELECT operation, tests.masked(members) AS members, result.status, code, location, detail FROM (VALUES ('createKey', '"permissions": []'), ('createKey', '"permissions": [], "expires": 1773187200001'), ('createKey', '"permissions": [], "expires": 1773187200000'), ('updateKey', format('"keyId": "%s", "name": "x"', :'eternal_id')), ('rerollKey', format('"keyId": "%s", "expiration": 0', :'eternal_id')),
    ('rerollKey', format('"keyId": "%s", "expiration": null', :'mortal_id')), ('deleteKey', format('"keyId": "%s"', :'eternal_id'))) AS calls(operation, members), tests.v2('rootKeys.' || operation, '{' || members || '}') AS result;
-- A root key may delete itself; the next call it carries is refused.
SELECT status, data FROM tests.v2('rootKeys.deleteKey', '{"keyId": "%s"}', :'mortal_id');
SELECT status, code FROM tests.v2('rootKeys.listKeys');
