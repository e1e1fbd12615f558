-- The workspace's switch and limit: they concern root keys and the v2 dialect, never a verification over SQL.
SELECT tests.at('2026-03-10 12:00:00+00'), tests.root();
\pset null '-'
SELECT unkey_create_api('vw.api') AS api \gset
SELECT key AS key FROM unkey_create_key(:'api') \gset
SELECT * FROM unkey_get_workspace();

-- VK-37: disabled, every call of every root key is refused, after body and root key were judged.
SELECT unkey_update_workspace('{"enabled": false}');
SELECT 'VK-37' AS case, operation, result.status, code, detail FROM (VALUES ('keys.verifyKey', format('{"key": "%s"}', :'key')), ('apis.listApis', '{}'), ('apis.createApi', '{"name": "vw.refused"}'), ('keys.getKey', '{')) AS calls(operation, body), tests.v2(operation, body) AS result;
SELECT 'VK-37' AS case, status FROM unkey_api('apis.listApis', 'Bearer unkey_nobody', '{}');
SELECT 'VK-37' AS case, code FROM unkey_verify_key(:'key');
SELECT * FROM unkey_get_workspace();
SELECT unkey_update_workspace('{"enabled": true}');
SELECT 'VK-37' AS case, result.status, code FROM tests.v2('keys.verifyKey', '{"key": "%s"}', :'key') AS result;

-- Limited, calls beyond it are refused with 429, whose content type tests.v2 checks; refused ones count nothing, nor do those of strangers.
SELECT unkey_update_workspace('{"ratelimit": {"limit": 3, "duration": 60000}}');
SELECT * FROM unkey_get_workspace();
SELECT 'stranger' AS case, count(status) FROM generate_series(1, 9), unkey_api('apis.listApis', 'Bearer unkey_nobody', '{}') AS api WHERE status = 401;
SELECT 'malformed' AS case, count(status) FROM generate_series(1, 9), unkey_api('apis.getApi', current_setting('tests.authorization'), '{}') AS api WHERE status = 400;
SELECT '429' AS case, n, result.status, code, detail FROM generate_series(1, 5) AS n, tests.v2('keys.verifyKey', '{"key": "%s"}', left(:'key', 100 + n)) AS result;
-- The type that the official clients demand: another one for two operations.
SELECT '429' AS case, operation, status, content_type, body::jsonb->'error'->>'title' AS title, body::jsonb->'error' ? 'errors' AS errors
FROM (VALUES ('keys.getKey', '{"keyId": "key_k"}'), ('identities.deleteIdentity', '{"identity": "i"}'), ('ratelimit.limit', '{"namespace": "n", "identifier": "i", "limit": 1, "duration": 1000}'), ('permissions.deleteRole', '{"role": "r"}'), ('permissions.updateRole', '{"role": "r"}'), ('permissions.updatePermission', '{"permission": "p"}')) AS calls(operation, request),
    unkey_api(operation, current_setting('tests.authorization'), request);
-- When it may come again, for whoever sends the reply; of many at once, once.
BEGIN;
SELECT status, current_setting('response.headers') AS headers FROM tests.v2('apis.listApis');
SELECT status, current_setting('response.headers') AS headers FROM tests.v2('apis.listApis');
COMMIT;
BEGIN;
SELECT array_agg(status) AS status FROM unkey_api_verify_keys(array_fill(current_setting('tests.authorization'), ARRAY[2]), array_fill(format('{"key": "%s"}', :'key'), ARRAY[2]));
SELECT current_setting('response.headers') AS headers;
COMMIT;
SELECT current_setting('response.headers') AS headers;
SELECT '429' AS case, code FROM unkey_verify_key(:'key');
SELECT tests.at('2026-03-10 12:02:00+00');
SELECT 'next window' AS case, status, code FROM tests.v2('keys.verifyKey', '{"key": "%s"}', :'key');
-- 0 lets nobody in; null lifts the limit.
SELECT unkey_update_workspace('{"ratelimit": {"limit": 0, "duration": 60000}}');
SELECT 'none' AS case, status, code FROM tests.v2('apis.listApis');
SELECT unkey_update_workspace('{"ratelimit": null}');
SELECT 'lifted' AS case, status, code FROM tests.v2('apis.listApis');
SELECT * FROM unkey_get_workspace();

SELECT patch, e.* FROM unnest(ARRAY['{"enabled": null}', '{"enabled": 1}', '{"foo": 1}', '{"ratelimit": {}}', '{"ratelimit": {"limit": -1, "duration": 60000}}', '{"ratelimit": {"limit": 1, "duration": 999}}', '{"ratelimit": {"limit": 1}}', '{"ratelimit": 1}', '[]', NULL]) AS patch, tests.error(format('SELECT unkey_update_workspace(%L)', patch)) AS e;
SELECT statement, state FROM unnest(ARRAY['INSERT INTO unkey.workspace VALUES (false)', 'INSERT INTO unkey.workspace VALUES (true)', 'UPDATE unkey.workspace SET "limit" = 1', 'UPDATE unkey.workspace SET "limit" = 1, duration = 999', 'UPDATE unkey.workspace SET enabled = NULL']) AS statement, tests.error(statement);
