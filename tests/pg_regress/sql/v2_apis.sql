-- apis.* over the v2 dialect.
SELECT tests.at('2026-03-10 12:00:00+00'), tests.root();
\pset null '-'
SELECT status, data->>'apiId' AS api, data - 'apiId' AS rest FROM tests.v2('apis.createApi', '{"name": "va-api"}') \gset
SELECT 'AP-01' AS case, :'status' AS status, :'api' ~ '^api_[1-9A-HJ-NP-Za-km-z]{12,17}$' AS id, :'rest' AS rest;
SELECT 'AP-01' AS case, tests.masked(data) AS data FROM tests.v2('apis.getApi', '{"apiId": "%s"}', :'api');
SELECT 'AP-01' AS case, result.status, result.data->>'apiId' <> :'api' AS another FROM tests.v2('apis.createApi', '{"name": "va-api"}') AS result;
SELECT 'A.2' AS case, status, data->>'apiId' AS full FROM tests.v2('apis.createApi', '{"name": "va.full", "ipWhitelist": ["10.1.2.3/8", " ::1 "], "defaultPrefix": "va", "defaultBytes": 32, "deleteProtection": true}') \gset
SELECT 'A.2' AS case, tests.masked(data) AS data FROM tests.v2('apis.getApi', '{"apiId": "%s"}', :'full');

-- What is refused.
SELECT id AS case, left(body, 60) AS body, result.status, code, location FROM (VALUES ('AP-02', '{"name": "ab"}'), ('AP-02', '{"name": "1abc"}'), ('AP-02', format('{"name": "%s"}', repeat('a', 256))), ('AP-02', '{"name": "a b c"}'), ('AP-02', '{"name": null}'), ('AP-02', '{}'), ('AP-02', '{"name": "va-api", "foo": 1}'),
    ('A.2', '{"name": "va-api", "ipWhitelist": null}'), ('A.2', '{"name": "va-api", "ipWhitelist": ["x"]}'), ('A.2', '{"name": "va-api", "ipWhitelist": "10.0.0.1"}'), ('A.2', '{"name": "va-api", "defaultPrefix": ""}'), ('A.2', '{"name": "va-api", "defaultPrefix": "123456789"}'), ('A.2', '{"name": "va-api", "defaultBytes": 15}'),
    ('A.2', '{"name": "va-api", "defaultBytes": "16"}'), ('A.2', '{"name": "va-api", "deleteProtection": 1}')) AS wrong(id, body), tests.v2('apis.createApi', body) AS result;
SELECT 'G.2' AS case, operation, body, result.status, code, location FROM unnest('{getApi,deleteApi,updateApi}'::text[]) AS operation, unnest(ARRAY['{}', '{"apiId": null}', '{"apiId": "api_unknown"}', '{"apiId": "api_unknown", "foo": 1}']) AS body, tests.v2('apis.' || operation, body) AS result ORDER BY operation, body COLLATE "C";

-- Changes: absent keeps, null clears.
SELECT 'G.2' AS case, patch, result.status, result.data, code, location, jsonb_agg(now.value) FILTER (WHERE now IS NOT NULL) AS now
FROM (VALUES (1, '"name": "va.named"'), (2, '"defaultPrefix": null'), (3, '"ipWhitelist": null'), (4, '"ipWhitelist": ["10.0.0.1"]'), (5, '"enabled": false'), (6, '"enabled": true, "deleteProtection": false'), (7, ''), (8, '"name": null'), (9, '"name": "1"'), (10, '"enabled": null'), (11, '"foo": 1'), (12, '"defaultBytes": 256')) AS patches(n, patch),
    tests.v2('apis.updateApi', format('{"apiId": "%s"%s}', :'full', nullif(', ' || patch, ', '))) AS result LEFT JOIN LATERAL (SELECT data - '{id,keyspaceId}'::text[] AS value FROM tests.v2('apis.getApi', left('{"apiId": "%s"} ', 15 + n), :'full') WHERE result.status = 200) AS now ON true
GROUP BY n, patch, result.status, result.data, code, location ORDER BY n;

-- AP-05, AP-04: protected it stays; deleted it is gone with its keys.
SELECT key AS key, key_id AS key_id FROM unkey_create_key(:'api') \gset
SELECT status FROM tests.v2('apis.updateApi', '{"apiId": "%s", "deleteProtection": true}', :'api');
SELECT 'AP-05' AS case, status, code, detail FROM tests.v2('apis.deleteApi', '{"apiId": "%s"}', :'api');
SELECT 'AP-05' AS case, code FROM tests.v2('keys.verifyKey', '{"key": "%s"}', :'key');
SELECT status FROM tests.v2('apis.updateApi', '{"apiId": "%s", "deleteProtection": false}', :'api');
SELECT 'AP-04' AS case, status, data FROM tests.v2('apis.deleteApi', '{"apiId": "%s"}', :'api');
SELECT 'AP-04' AS case, operation, result.status, code FROM (VALUES ('apis.getApi', format('{"apiId": "%s"}', :'api')), ('apis.deleteApi', format('{"apiId": "%s"}', :'api')), ('apis.updateApi', format('{"apiId": "%s"}', :'api')), ('apis.listKeys', format('{"apiId": "%s"}', :'api')), ('keys.createKey', format('{"apiId": "%s"}', :'api')),
    ('keys.migrateKeys', format('{"apiId": "%s", "migrationId": "m", "keys": []}', :'api')), ('keys.getKey', format('{"keyId": "%s"}', :'key_id')), ('keys.updateKey', format('{"keyId": "%s"}', :'key_id')), ('keys.deleteKey', format('{"keyId": "%s"}', :'key_id')),
    ('keys.rerollKey', format('{"keyId": "%s", "expiration": 0}', :'key_id')), ('keys.whoami', format('{"key": "%s"}', :'key')), ('keys.verifyKey', format('{"key": "%s"}', :'key'))) AS calls(operation, body), tests.v2(operation, body) AS result;

-- A list of what there is.
SELECT 'G.2' AS case, array_agg(id ORDER BY page, at) = (SELECT array_agg(id ORDER BY id COLLATE "C") FROM unkey.apis WHERE deleted_at IS NULL) AS all_by_id FROM tests.pages('apis.listApis', '{"limit": 3}'), unnest(ids) WITH ORDINALITY AS row(id, at);
SELECT 'G.2' AS case, body, result.status, location FROM unnest(ARRAY['{"limit": 0}', '{"limit": 101}', '{"cursor": null}', '{"search": "x"}']) AS body, tests.v2('apis.listApis', body) AS result;
