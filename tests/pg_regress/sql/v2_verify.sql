-- keys.verifyKey over the v2 dialect: verdicts, what the reply shows, what a request may say, who may ask.
SELECT tests.at('2026-03-10 12:00:00+00'), tests.root();
\pset null '-'
SELECT unkey_create_api('vv.api') AS api, unkey_create_api('vv.other') AS other, unkey_create_api('vv.listed', ip_allowlist => '{1.2.3.4,5.6.7.8}') AS listed \gset
SELECT key AS plain, key_id AS plain_id FROM unkey_create_key(:'api') \gset
SELECT keyspace_id AS keyspace FROM unkey_get_api(:'api') \gset
SELECT set_config('vv.api', :'api', false) \gset
-- A key with these attributes, verified with these members besides key.
CREATE FUNCTION pg_temp.made(attributes jsonb) RETURNS text LANGUAGE sql AS $$SELECT data->>'key' FROM tests.v2('keys.createKey', (attributes || jsonb_build_object('apiId', coalesce(attributes->>'apiId', current_setting('vv.api'))))::text)$$;
CREATE FUNCTION pg_temp.verified(key text, members text DEFAULT NULL, OUT status integer, OUT code text, OUT data jsonb, OUT location text, OUT detail text) LANGUAGE sql AS
$$SELECT status, code, data, location, detail FROM tests.v2('keys.verifyKey', format('{"key": "%s"%s}', key, ', ' || members))$$;

SELECT 'VK-01' AS case, status, tests.masked(data) AS data FROM pg_temp.verified(:'plain');
SELECT 'VK-01' AS case, data->>'keyId' = :'plain_id' AS key_id, data->>'keyspaceId' = :'keyspace' AS keyspace_id FROM pg_temp.verified(:'plain');
SELECT 'VK-02' AS case, status, data FROM pg_temp.verified('vv_unknown');
SELECT key AS gone FROM unkey_create_api('vv.deleted') AS api_id, unkey_create_key(api_id) \gset
SELECT unkey_delete_api(api_id) FROM unkey.keys JOIN unkey.apis ON apis.id = api_id WHERE hash = sha256(:'gone') \gset
SELECT 'VK-05' AS case, status, data FROM pg_temp.verified(:'gone');

-- Verdicts, each with all that is known of a found key.
SELECT id AS case, result.status, tests.masked(result.data) AS data
FROM (VALUES ('VK-10', '{"expires": 1773143999999}'), ('VK-11', '{"expires": 1773144000000}'), ('VK-13', '{"expires": 1773143999999, "credits": {"remaining": 5}}'), ('C.4', '{"enabled": false, "name": "off"}'),
    ('VK-25', '{"meta": {"plan": "pro", "n": 1.50, "null": null}, "name": "n1"}'), ('C.4', '{"meta": {}, "roles": [], "permissions": [], "ratelimits": []}'), ('CR-02', '{"credits": {"remaining": null}}'),
    ('7.0', '{"ratelimits": [{"name": "auto", "limit": 3, "duration": 60000, "autoApply": true}, {"name": "asked", "limit": 3, "duration": 60000}], "credits": {"remaining": 1}}'))
    AS keys(id, attributes), pg_temp.made(attributes::jsonb) AS key, pg_temp.verified(key) AS result;
SELECT 'VK-14' AS case, code FROM pg_temp.verified(pg_temp.made('{"expires": 1}'), '"permissions": "a"');
SELECT 'VK-23' AS case, status, code, location, detail FROM pg_temp.verified(pg_temp.made('{"enabled": false}'), '"permissions": "a AND"');
SELECT 'VK-23' AS case, status, code FROM pg_temp.verified('vv_unknown', '"permissions": "a AND"');
SELECT unkey_create_identity('vv.u1', '{"a": 1}', '[{"name": "shared", "limit": 9, "duration": 60000}, {"name": "mine", "limit": 9, "duration": 60000}]'), unkey_create_role('vv.r1', permissions => '{vv.p2,vv.p1}') \gset
SELECT pg_temp.made('{"externalId": "vv.u1", "roles": ["vv.r1"], "permissions": ["vv.p1"], "ratelimits": [{"name": "mine", "limit": 2, "duration": 60000}]}') AS owned \gset
SELECT 'VK-26' AS case, tests.masked(data->'identity') AS identity FROM pg_temp.verified(:'owned');
SELECT 'VK-28' AS case, data->'permissions' AS permissions, data->'roles' AS roles FROM pg_temp.verified(:'owned');
SELECT id AS case, left(query, 30) AS query, result.status, code, location, detail FROM (VALUES ('PQ-01', 'vv.p1'), ('PQ-02', 'vv.p9'), ('PQ-07', 'vv.p1 OR vv.p9 AND vv.p8'), ('PQ-19', 'vv.p1 AND'), ('PQ-26', 'vv.p1 & vv.p2'), ('PQ-28', ''), ('PQ-29', repeat('p', 1001)), ('PQ-32', 'vv.p2'))
    AS queries(id, query), pg_temp.verified(:'owned', format('"permissions": %s', to_json(query))) AS result;

-- Addresses: as the transport says; without one a key of an API with a list is not let in.
SELECT pg_temp.made(jsonb_build_object('apiId', :'listed')) AS listed_key \gset
SELECT 'VK-16' AS case, code FROM pg_temp.verified(:'listed_key');
SET tests.ip = '5.6.7.9';
SELECT 'VK-16' AS case, code FROM pg_temp.verified(:'listed_key');
SELECT 'VK-19' AS case, code FROM pg_temp.verified(:'listed_key', '"permissions": "a"');
SET tests.ip = '5.6.7.8';
SELECT 'VK-17' AS case, code FROM pg_temp.verified(:'listed_key');
RESET tests.ip;

-- What is spent and counted, when.
SELECT pg_temp.made('{"credits": {"remaining": 5}, "ratelimits": [{"name": "rl", "limit": 1, "duration": 60000, "autoApply": true}]}') AS spending \gset
SELECT 'VK-20' AS case, n, code, data->'credits' AS credits, tests.limits(data->'ratelimits') AS limits FROM generate_series(1, 4) AS n, pg_temp.verified(:'spending', CASE WHEN n < 4 THEN '"permissions": "a"' END);
SELECT pg_temp.made('{"credits": {"remaining": 1}, "ratelimits": [{"name": "rl", "limit": 3, "duration": 60000, "autoApply": true}]}') AS spending \gset
SELECT 'VK-22' AS case, n, status, code, data->'credits' AS credits, tests.limits(data->'ratelimits') AS limits FROM generate_series(1, 4) AS n, pg_temp.verified(left(:'spending', 100 + n));
SELECT pg_temp.made('{"credits": {"remaining": 3}}') AS spending \gset
SELECT 'CR-01' AS case, n, status, code, data->'valid' AS valid, data->'credits' AS credits FROM generate_series(1, 4) AS n, pg_temp.verified(left(:'spending', 100 + n));
SELECT pg_temp.made('{"credits": {"remaining": 100}}') AS spending \gset
SELECT 'CR-08' AS case, code, count(*), min((data->>'credits')::bigint) AS lowest, max((data->>'credits')::bigint) AS highest, count(DISTINCT data->'credits') AS different FROM generate_series(1, 200) AS n, pg_temp.verified(left(:'spending', 100 + n)) GROUP BY code ORDER BY code DESC;
SELECT pg_temp.made('{"credits": {"remaining": 10}}') AS spending \gset
SELECT 'CR-04' AS case, n, code, data->'credits' AS credits FROM generate_series(1, 3) AS n, pg_temp.verified(left(:'spending', 100 + n), '"credits": {"cost": 4}');
SELECT 'CR-05' AS case, code, data->'credits' AS credits FROM pg_temp.verified(pg_temp.made('{"credits": {"remaining": 0}}'), '"credits": {"cost": 0}');
SELECT 'RL-02' AS case, tests.masked(data->'ratelimits') AS ratelimits FROM pg_temp.verified(pg_temp.made('{"ratelimits": [{"name": "rl", "limit": 10, "duration": 60000, "autoApply": true}]}'), '"ratelimits": [{"name": "rl", "cost": 4}]');
SELECT 'RL-17' AS case, status, code, detail FROM pg_temp.verified(:'plain', '"ratelimits": [{"name": "zzz"}]');
SELECT 'RL-19' AS case, code FROM pg_temp.verified(pg_temp.made('{"enabled": false}'), '"ratelimits": [{"name": "zzz"}]');
SELECT 'RL-20' AS case, n, code, tests.limits(data->'ratelimits') AS limits, data->'ratelimits'->0->>'id' AS id FROM generate_series(1, 3) AS n, pg_temp.verified(left(:'plain', 100 + n), '"ratelimits": [{"name": "adhoc", "limit": 2, "duration": 60000, "more": 1}]');
SELECT 'RL-35' AS case, status, code FROM pg_temp.verified(:'plain', '"ratelimits": [{"name": "none", "limit": 0, "duration": 60000}]');
SELECT 'RL-35' AS case, status, code, location FROM pg_temp.verified(:'plain', '"ratelimits": [{"name": "short", "limit": 1, "duration": 999}]');

-- What a request may not say.
SELECT 'VK-29' AS case, body, result.status, code, location FROM unnest(ARRAY['{"key": ""}', '{"key": null}', '{"key": 1}', '{}']) AS body, tests.v2('keys.verifyKey', body) AS result;
SELECT 'VK-29' AS case, length, result.status, code, location FROM unnest(ARRAY[512, 513]) AS length, pg_temp.verified(repeat('k', length)) AS result;
SELECT id AS case, left(members, 60) AS members, result.status, code, location FROM (VALUES ('VK-31', '"foo": 1'), ('CR-07', '"credits": {"cost": -1}'), ('CR-07', '"credits": {"cost": 1000000000001}'), ('CR-07', '"credits": {}'), ('CR-07', '"credits": {"cost": 1, "x": 1}'),
    ('C.1', '"credits": {"cost": null}'), ('C.1', '"tags": null'), ('C.1', '"permissions": null'), ('C.1', '"ratelimits": null'), ('C.1', '"ratelimits": {}'), ('C.1', '"ratelimits": [{}]'), ('C.1', '"ratelimits": [{"name": ""}]'), ('C.1', '"ratelimits": [{"name": "rl", "cost": -1}]'),
    ('C.1', '"tags": ["ok", ""]'), ('C.1', '"tags": ' || to_json(array_fill('t'::text, '{21}'))::text), ('C.1', '"tags": ' || to_json(ARRAY[repeat('t', 513)])::text), ('C.1', '"migrationId": ' || to_json(repeat('m', 257))::text), ('VK-38', '"keyspaces": []'), ('VK-38', '"keyspaces": null'),
    ('VK-38', '"keyspaces": ["a", "b", "c", "d", "e", "f"]'), ('VK-38', '"keyspaces": ["a", ""]')) AS wrong(id, members), pg_temp.verified(:'plain', members) AS result;
SELECT 'VK-38' AS case, keyspaces, result.code FROM unnest(ARRAY[:'keyspace', 'ks_other', 'ks_other", "' || :'keyspace']) WITH ORDINALITY AS asked(ks, keyspaces), pg_temp.verified(:'plain', format('"keyspaces": ["%s"]', ks)) AS result;

-- Who may ask. Of a key that may not be verified nothing shows, and nothing is spent or counted.
SELECT pg_temp.made('{"credits": {"remaining": 5}, "ratelimits": [{"name": "rl", "limit": 5, "duration": 60000, "autoApply": true}]}') AS metered \gset
SELECT tests.root(ARRAY['api.*.read_key']) \gset
SELECT 'VK-07' AS case, status, code, detail FROM pg_temp.verified(:'metered');
SELECT tests.root(ARRAY[format('api.%s.verify_key', :'other')]) \gset
SELECT 'VK-04' AS case, status, data FROM pg_temp.verified(:'metered');
SELECT 'VK-38' AS case, status, data FROM pg_temp.verified(:'metered', format('"keyspaces": ["%s"]', :'keyspace'));
SELECT tests.root(ARRAY[format('api.%s.verify_key', :'other'), format('api.%s.verify_key', :'api')]) \gset
SELECT 'VK-38' AS case, status, data FROM pg_temp.verified(:'metered', '"keyspaces": ["ks_other"]');
SELECT 'VK-08' AS case, code, data->'credits' AS credits, tests.limits(data->'ratelimits') AS limits FROM pg_temp.verified(:'metered');
SELECT set_config('tests.authorization', 'Bearer ' || :'metered', false) \gset
SELECT 'VK-35' AS case, status, code, detail FROM pg_temp.verified(:'metered');

-- C.4: a key that expired at the very beginning shows no expiry.
SELECT tests.root(), unkey_create_api('vv.beginning') AS beginning \gset
SELECT key AS ended FROM unkey_create_key(:'beginning', expires => '1970-01-01 00:00Z') \gset
SELECT 'C.4' AS case, code, data ? 'expires' AS shown FROM tests.v2('keys.verifyKey', '{"key": "%s"}', :'ended');
SELECT unkey_delete_api(:'beginning');
