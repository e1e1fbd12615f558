-- Bodies that no honest client sends: each is answered with 400 and a place, and leaves nothing behind.
SELECT tests.at('2026-03-10 12:00:00+00'), tests.root();
\pset null '-'
SELECT unkey_create_api('vb.api') AS api \gset
SELECT key_id AS key_id FROM unkey_create_key(:'api', name => 'before') \gset
SELECT set_config('vb.api', :'api', false) \gset

-- Not JSON, or JSON that means two things.
SELECT what, result.status, code, location, left(detail, 100) AS detail
FROM (VALUES ('empty', ''), ('blank', '  '), ('word', 'nope'), ('unfinished', '{"apiId": "api_1"'), ('trailing', '{"apiId": "api_1"} x'), ('two', '{"apiId": "api_1"}{}'), ('comma', '{"apiId": "api_1",}'), ('comment', '{"apiId": "api_1" /* */}'), ('single quotes', '{''apiId'': 1}'), ('NaN', '{"apiId": NaN}'), ('array', '["api_1"]'),
    ('array in order', '["api_1", "prefix"]'), ('string', '"api_1"'), ('number', '1'), ('null', 'null'), ('true', 'true'), ('byte order mark', E'\uFEFF{}'), ('twice', '{"apiId": "api_1", "apiId": "api_1"}'), ('twice, escaped', '{"apiId": "api_1", "\u0061piId": "api_1"}'), ('twice within', '{"apiId": "api_1", "credits": {"remaining": 1, "remaining": 2}}'),
    ('twice in meta', '{"apiId": "api_1", "meta": {"a": {"b": 1, "b": 2}}}'), ('twice in a list', '{"apiId": "api_1", "ratelimits": [{"name": "a", "name": "b"}]}'), ('NUL', '{"apiId": "api_1\u0000"}'), ('NUL in meta', '{"apiId": "api_1", "meta": {"a": ["\u0000"]}}'), ('NUL in a name', '{"apiId": "api_1", "meta": {"\u0000": 1}}'),
    ('lone surrogate', '{"apiId": "\ud800"}'), ('lone surrogate in meta', '{"apiId": "api_1", "meta": {"a": "\udc00"}}'), ('surrogates swapped', '{"apiId": "api_1", "name": "\udc00\ud800"}'), ('1e400', '{"apiId": "api_1", "expires": 1e400}'), ('1e400 in meta', '{"apiId": "api_1", "meta": {"a": 1e400}}'), ('2^63', '{"apiId": "api_1", "expires": 9223372036854775808}'),
    ('-2^63', '{"apiId": "api_1", "expires": -9223372036854775808}'), ('10^40', '{"apiId": "api_1", "byteLength": 10000000000000000000000000000000000000000}'), ('number as text', '{"apiId": "api_1", "expires": "1"}'), ('text as number', '{"apiId": 1}'), ('flag as number', '{"apiId": "api_1", "enabled": 1}'), ('object as array', '{"apiId": "api_1", "credits": [1, null]}'), ('limit as array', '{"apiId": "api_1", "ratelimits": [["rl", 1, 1000, true]]}'),
    ('array as object', '{"apiId": "api_1", "roles": {"0": "r"}}'), ('leading zero', '{"apiId": "api_1", "expires": 01}'), ('control character', E'{"apiId": "a\tb"}'), ('other case', '{"APIID": "api_1"}'), ('snake case', '{"api_id": "api_1"}'), ('__proto__', '{"apiId": "api_1", "__proto__": {}}'))
    AS bodies(what, body), tests.v2('keys.createKey', replace(body, 'api_1', :'api')) AS result;
-- Deep and large ones.
SELECT what, result.status, code, left(location, 17) AS location FROM (VALUES ('deep', repeat('[', 100000)), ('deep and whole', repeat('[', 5000) || repeat(']', 5000)), ('deep in meta', '{"apiId": "api_1", "meta": {"a": ' || repeat('[', 5000) || repeat(']', 5000) || '}}'), ('1 MB name', '{"apiId": "api_1", "name": "' || repeat('n', 1000000) || '"}'),
    ('1 MB apiId', '{"apiId": "' || repeat('a', 1000000) || '"}'), ('1 MB externalId', '{"apiId": "api_1", "externalId": "' || repeat('e', 1000000) || '"}'), ('100000 roles', '{"apiId": "api_1", "roles": [' || repeat('"r",', 99999) || '"r"]}'),
    ('100000 permissions', '{"apiId": "api_1", "permissions": [' || repeat('"p",', 99999) || '"p"]}')) AS bodies(what, body), tests.v2('keys.createKey', replace(body, 'api_1', :'api')) AS result;
-- However long, it is not repeated at length.
SELECT what, status, code, length(location) < 1000 AS location, length(detail) < 1000 AS detail FROM (VALUES ('member', '{"#": 1}'), ('member within', '{"apiId": "api_1", "credits": {"#": 1}}'), ('text for a number', '{"apiId": "api_1", "expires": "#"}'), ('address', '{"apiId": "api_1", "ipWhitelist": ["#"]}'), ('name of a limit', '{"apiId": "api_1", "ratelimits": [{"name": "#", "limit": 1, "duration": 1000}]}'),
    ('path', '{"apiId": "api_1", "meta": {"#": "\u0000"}}'), ('apiId', '{"apiId": "#"}'), ('role', '{"apiId": "api_1", "roles": ["#"]}'), ('body', '"#"')) AS bodies(what, body), tests.v2('keys.createKey', replace(replace(body, 'api_1', :'api'), '#', repeat('x', 100000))) AS result;
-- NULL is {}: enough for a list, not for a key.
SELECT status, body::jsonb->'data' IS NOT NULL AS data FROM unkey_api('apis.listApis', current_setting('tests.authorization'), NULL);
SELECT status, body::jsonb->'error'->>'detail' AS detail FROM unkey_api('keys.createKey', current_setting('tests.authorization'), NULL);
SELECT count(*) AS keys, count(*) FILTER (WHERE name = 'before') AS before FROM unkey_list_keys(:'api');

-- Every operation refuses the same way, whatever it reads.
SELECT left(body, 20) AS body, status, code, count(*) = (SELECT count(*) FROM unkey_api_operations()) AS everywhere, bool_and(location ~ '^body') AS located
FROM unkey_api_operations() AS operation, (VALUES (1, '{"x": 1, "x": 2}'), (2, '[{"x": "\u0000"}]'), (3, '{'), (4, '"{}"'), (5, '{"\ud800": 1}'), (6, '1e400'), (7, repeat('[', 300))) AS bodies(n, body), tests.v2(operation, body) GROUP BY n, body, status, code ORDER BY n;
-- The body is judged before the root key is known, and the header before the body.
SELECT "authorization", status, body::jsonb->'error'->>'type' AS type, jsonb_array_length(body::jsonb->'error'->'errors') AS errors FROM unnest(ARRAY[NULL, 'Basic x', 'Bearer unkey_nobody']) AS "authorization", unkey_api('keys.getKey', "authorization", '{');
SELECT operation, status, body::jsonb->'error'->>'type' AS type FROM unnest(ARRAY['keys.nope', '', 'KEYS.GETKEY', 'keys.getKey ', '/v2/keys.getKey', repeat('k', 1000)]) WITH ORDINALITY AS names(name, n), unkey_api(name, NULL, NULL), left(name, 20) AS operation ORDER BY n;
SELECT e.* FROM tests.error('SELECT unkey_api(NULL, NULL, NULL)') AS e;
-- The request id is the transport's, if it gives one.
SELECT body::jsonb->'meta' AS meta FROM unkey_api('keys.getKey', NULL, NULL, request_id => 'req_given');

-- Nothing of a refused call is kept, while the caller's transaction goes on.
BEGIN;
INSERT INTO unkey.identities (external_id) VALUES ('vb.before');
SELECT operation, result.status, code, location FROM (VALUES ('keys.createKey', '{"apiId": "%1$s", "externalId": "vb.refused", "permissions": ["vb.refused"], "roles": ["vb.no-role"]}'), ('keys.updateKey', '{"keyId": "%2$s", "name": "vb.refused", "externalId": "vb.refused", "permissions": ["vb.refused"], "roles": ["vb.no-role"]}'),
    ('keys.setPermissions', '{"keyId": "%2$s", "permissions": ["vb.refused", "a b"]}'), ('keys.addRoles', '{"keyId": "%2$s", "roles": ["vb.no-role"]}'), ('keys.migrateKeys', '{"apiId": "%1$s", "migrationId": "vb.refused", "keys": [{"hash": "LXEWQrcmsEQBYnyp+6wy9chTD7GQPMTbAiWHF5IaSIE=", "externalId": "vb.refused"}, {"hash": "x"}]}'),
    ('permissions.createRole', '{"name": "vb.refused", "permissions": ["vb.refused", "a b"]}'), ('identities.createIdentity', '{"externalId": "vb.refused", "ratelimits": [{"name": "a", "limit": 0, "duration": 1000}]}')) AS calls(operation, body), tests.v2(operation, body, :'api', :'key_id') AS result;
SELECT result.status FROM tests.v2('keys.getKey', '{"keyId": "%s"}', :'key_id') AS result;
COMMIT;
SELECT (SELECT array_agg(external_id) FROM unkey.identities WHERE external_id LIKE 'vb.%') AS identities, (SELECT count(*) FROM unkey.permissions WHERE slug = 'vb.refused') AS permissions, (SELECT count(*) FROM unkey.roles WHERE name = 'vb.refused') AS roles,
    (SELECT count(*) FROM unkey.migrations WHERE id = 'vb.refused') AS migrations, (SELECT name FROM unkey_get_key(:'key_id')) AS name, (SELECT count(*) FROM unkey.keys WHERE api_id = :'api') AS keys;
-- And what a call did goes with the caller's transaction.
BEGIN;
SELECT status FROM tests.v2('identities.createIdentity', '{"externalId": "vb.rolled-back"}');
ROLLBACK;
SELECT status, code FROM tests.v2('identities.getIdentity', '{"identity": "vb.rolled-back"}');

-- A body is judged before the root key that sent it, so that it counts nothing and tells nothing.
SELECT set_config('tests.authorization', 'Bearer unkey_nobody', false) IS NOT NULL AS stranger \gset
SELECT operation, left(body, 100) AS body, status, code, location FROM (VALUES
    ('keys.verifyKey', format('{"key": "x", "tags": %s}', array_to_json(array_fill('a'::text, ARRAY[21])))), ('keys.verifyKey', '{"key": "x", "permissions": ""}'),
    ('keys.verifyKey', '{"key": "x", "credits": {"cost": -1}}'), ('keys.verifyKey', '{"key": "x", "ratelimits": [{"name": ""}]}'), ('keys.verifyKey', '{"key": "x", "keyspaces": []}'),
    ('keys.createKey', '{"apiId": "api_x", "byteLength": 15}'), ('keys.createKey', '{"apiId": "ab"}'), ('keys.createKey', '{"apiId": "api_x", "credits": {"remaining": -1}}'),
    ('keys.createKey', '{"apiId": "api_x", "expires": -1}'), ('keys.createKey', '{"apiId": "api_x", "ipWhitelist": ["nowhere"]}'), ('keys.createKey', '{"apiId": "api_x", "meta": 1}'),
    ('keys.createKey', '{"apiId": "api_x", "ratelimits": [{"name": "a", "limit": 0, "duration": 1000}]}'), ('keys.createKey', '{"apiId": "api_x", "roles": [""]}'), ('keys.createKey', '{"apiId": "api_x", "credits": {"remaining": null, "refill": {"interval": "daily", "amount": 1}}}'),
    ('keys.getKey', '{"keyId": "a-b"}'), ('keys.whoami', '{"key": ""}'), ('keys.updateKey', '{"keyId": "key_x", "foo": 1}'), ('keys.updateKey', '{"keyId": "key_x", "name": ""}'), ('keys.updateKey', '{"name": "x"}'), ('keys.deleteKey', '{"keyId": ""}'),
    ('keys.rerollKey', '{"keyId": "key_x", "expiration": -1}'), ('keys.updateCredits', '{"keyId": "key_x", "operation": "bogus"}'), ('keys.updateCredits', '{"keyId": "key_x", "operation": "increment"}'),
    ('keys.addPermissions', '{"keyId": "key_x", "permissions": ["a b"]}'), ('keys.setRoles', '{"keyId": "key_x", "roles": [""]}'), ('keys.migrateKeys', '{"apiId": "api_x", "migrationId": "", "keys": []}'),
    ('apis.createApi', '{"name": "1"}'), ('apis.createApi', '{"name": "abc", "keyFormat": "odd"}'), ('apis.getApi', '{"apiId": "a-b-c"}'), ('apis.listKeys', '{"apiId": "api_x", "limit": 101}'), ('apis.listKeys', '{"apiId": "api_x", "externalId": "a b"}'), ('apis.listApis', format('{"cursor": "%s"}', repeat('c', 1025))),
    ('apis.updateApi', '{"apiId": "api_x", "defaultBytes": 1}'), ('identities.createIdentity', '{"externalId": "a b"}'), ('identities.getIdentity', '{"identity": ""}'), ('identities.updateIdentity', '{"identity": "x", "ratelimits": [{"name": "a", "limit": 1, "duration": 1}]}'), ('identities.listIdentities', '{"limit": 0}'),
    ('permissions.createPermission', '{"name": "a", "slug": "a b"}'), ('permissions.getPermission', '{"permission": ""}'), ('permissions.createRole', '{"name": ""}'), ('permissions.updateRole', '{"role": "r", "name": "1"}'), ('permissions.listRoles', format('{"search": "%s"}', repeat('s', 257))),
    ('ratelimit.limit', '{"namespace": "n", "identifier": "i", "limit": 0, "duration": 1000}'), ('ratelimit.setOverride', '{"namespace": "n", "identifier": "i", "limit": 1, "duration": 1}'), ('ratelimit.getOverride', '{"namespace": "", "identifier": "i"}'), ('ratelimit.deleteOverride', '{"namespace": "n", "identifier": ""}'),
    ('rootKeys.createKey', '{"permissions": ["nonsense"]}'), ('rootKeys.updateKey', '{"keyId": "key_x", "expires": -1}'), ('rootKeys.rerollKey', '{"keyId": "key_x", "expiration": -1}')) AS wrong(operation, body), LATERAL (SELECT (tests.v2(operation, body)).*) AS result;
