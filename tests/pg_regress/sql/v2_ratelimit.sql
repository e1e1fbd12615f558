-- ratelimit.* over the v2 dialect.
SELECT tests.at('2026-03-10 12:00:00+00'), tests.root();
\pset null '-'
CREATE FUNCTION pg_temp.limited(namespace text, identifier text, members text DEFAULT '"limit": 2, "duration": 60000', OUT status integer, OUT code text, OUT location text, OUT data jsonb, OUT detail text) LANGUAGE sql AS
$$SELECT status, code, location, tests.masked(data), detail FROM tests.v2('ratelimit.limit', format('{"namespace": "%s", "identifier": "%s"%s}', namespace, identifier, ', ' || members))$$;

-- NS-01: an unknown namespace is made; its name and its id count the same.
SELECT 'NS-01' AS case, n, result.status, result.data FROM generate_series(1, 3) AS n, pg_temp.limited('vl.n', left('id1', 3 + n)) AS result;
SELECT namespace_id AS namespace FROM unkey_get_namespace('vl.n') \gset
SELECT 'NS-07' AS case, data->'success' AS success FROM pg_temp.limited(:'namespace', 'id1');
SELECT 'NS-04' AS case, data->'success' AS success FROM pg_temp.limited('vl.n', 'id2');
SELECT 'NS-05' AS case, data->'success' AS success FROM pg_temp.limited('vl.n2', 'id1');
SELECT 'NS-08' AS case, data FROM pg_temp.limited('vl.n', 'id1', '"limit": 2, "duration": 60000, "cost": 0');
SELECT 'D.5' AS case, data FROM pg_temp.limited('vl.n', 'id3', '"limit": 10, "duration": 60000, "cost": 4');
SELECT 'D.5' AS case, data FROM pg_temp.limited('vl.n', 'id3', '"limit": 10, "duration": 60000, "cost": 7');
-- NS-10 and the rest of what is refused.
SELECT 'NS-10' AS case, members, result.status, code, location FROM unnest(ARRAY['"limit": 2, "duration": 999', '"limit": 2, "duration": 2592000001', '"limit": 0, "duration": 60000', '"limit": 2, "duration": 60000, "cost": -1', '"limit": 2', '"duration": 60000', '"limit": 2, "duration": 60000, "cost": null',
    '"limit": null, "duration": 60000', '"limit": 1.5, "duration": 60000', '"limit": "2", "duration": 60000', '"limit": 2, "duration": 60000, "foo": 1']) AS members, pg_temp.limited('vl.n', 'id4', members) AS result;
SELECT 'NS-10' AS case, left(namespace, 5) AS namespace, left(identifier, 3) AS identifier, result.status, code, location FROM (VALUES ('vl.n', ''), ('vl.n', repeat('i', 256)), ('', 'id1'), (repeat('n', 256), 'id1')) AS names(namespace, identifier), pg_temp.limited(namespace, identifier) AS result;

-- Overrides: exact before pattern, both limit and duration.
SELECT status, data->>'overrideId' AS id, data - 'overrideId' AS rest FROM tests.v2('ratelimit.setOverride', '{"namespace": "vl.n", "identifier": "ov1", "limit": 5, "duration": 120000}') \gset
SELECT 'NS-11' AS case, :'status' AS status, :'id' ~ '^rlor_[1-9A-HJ-NP-Za-km-z]{12,17}$' AS id, :'rest' AS rest;
SELECT 'NS-11' AS case, data FROM pg_temp.limited('vl.n', 'ov1', '"limit": 100, "duration": 60000');
SELECT 'G.5' AS case, identifier, result.status, result.data->>'overrideId' = :'id' AS same FROM unnest('{ov1,vip_7,vip_*,*@x.com}'::text[]) AS identifier, tests.v2('ratelimit.setOverride', '{"namespace": "vl.n", "identifier": "%s", "limit": 6, "duration": 60000}', identifier) AS result;
SELECT 'G.5' AS case, status FROM tests.v2('ratelimit.setOverride', '{"namespace": "vl.n", "identifier": "vip_*", "limit": 0, "duration": 60000}');
SELECT 'NS-14' AS case, identifier, data->'limit' AS "limit", data ? 'overrideId' AS overridden FROM unnest('{a@x.com,@x.com,a@x.com.evil,a@xxcom,A@X.COM}'::text[]) AS identifier, pg_temp.limited('vl.n', identifier, '"limit": 100, "duration": 60000');
SELECT 'NS-13' AS case, identifier, data->'limit' AS "limit" FROM unnest('{vip_7,vip_8}'::text[]) AS identifier, pg_temp.limited(:'namespace', identifier, '"limit": 100, "duration": 60000');
SELECT 'NS-25' AS case, data FROM pg_temp.limited('vl.n', 'vip_8', '"limit": 100, "duration": 60000');
SELECT 'G.5' AS case, tests.masked(data) AS data FROM tests.v2('ratelimit.getOverride', '{"namespace": "%s", "identifier": "ov1"}', :'namespace');
SELECT 'NS-17' AS case, identifier, result.status, code FROM unnest('{nobody,vip_9}'::text[]) AS identifier, tests.v2('ratelimit.getOverride', '{"namespace": "vl.n", "identifier": "%s"}', identifier) AS result;
SELECT 'NS-16' AS case, operation, result.status, code FROM (VALUES ('setOverride', ', "identifier": "i", "limit": 1, "duration": 1000'), ('getOverride', ', "identifier": "i"'), ('listOverrides', ''), ('deleteOverride', ', "identifier": "i"')) AS calls(operation, members), tests.v2('ratelimit.' || operation, '{"namespace": "vl.nowhere"' || members || '}') AS result;
SELECT 'G.5' AS case, members, result.status, code, location FROM unnest(ARRAY['"identifier": "", "limit": 1, "duration": 1000', '"identifier": "i", "limit": -1, "duration": 1000', '"identifier": "i", "limit": 1, "duration": 999', '"identifier": "i", "limit": 1', '"identifier": "i", "limit": 1, "duration": 1000, "foo": 1', '"identifier": null, "limit": 1, "duration": 1000']) AS members,
    tests.v2('ratelimit.setOverride', '{"namespace": "vl.n", ' || members || '}') AS result;
SELECT 'NS-20' AS case, page, rows, has_more FROM tests.pages('ratelimit.listOverrides', '{"namespace": "vl.n", "limit": 3}');
SELECT 'NS-20' AS case, count(*), count(DISTINCT id) AS distinct FROM tests.pages('ratelimit.listOverrides', jsonb_build_object('namespace', :'namespace', 'limit', 1)), unnest(ids) AS id;
SELECT 'NS-20' AS case, body, result.status, code, location FROM unnest(ARRAY['{"namespace": "vl.n", "limit": 0}', '{"namespace": "vl.n", "limit": 101}', '{"namespace": "vl.n", "cursor": null}', '{"limit": 1}']) AS body, tests.v2('ratelimit.listOverrides', body) AS result;
SELECT 'NS-19' AS case, n, result.status, code, result.data FROM generate_series(1, 2) AS n, tests.v2('ratelimit.deleteOverride', left('{"namespace": "vl.n", "identifier": "ov1"}  ', 45 + n)) AS result;
SELECT 'NS-19' AS case, data->'limit' AS "limit", data ? 'overrideId' AS override FROM pg_temp.limited('vl.n', 'ov1', '"limit": 100, "duration": 60000');

-- Several at once: all or nothing, in the order asked. The body is a bare array.
SELECT 'D.3' AS case, tests.masked(data) AS data FROM tests.v2('ratelimit.multiLimit', '[{"namespace": "vl.m2", "identifier": "i", "limit": 5, "duration": 60000}, {"namespace": "vl.m1", "identifier": "i", "limit": 1, "duration": 60000}, {"namespace": "vl.n", "identifier": "vip_7", "limit": 1, "duration": 60000}]');
SELECT 'D.3' AS case, data->'passed' AS passed, jsonb_path_query_array(data, '$.limits[*].passed') AS each, jsonb_path_query_array(data, '$.limits[*].remaining') AS remaining FROM tests.v2('ratelimit.multiLimit', '[{"namespace": "vl.m2", "identifier": "i", "limit": 5, "duration": 60000}, {"namespace": "vl.m1", "identifier": "i", "limit": 1, "duration": 60000}]');
SELECT 'NS-22' AS case, data->'remaining' AS remaining FROM pg_temp.limited('vl.m2', 'i', '"limit": 5, "duration": 60000, "cost": 0');
SELECT '6.8' AS case, data->'passed' AS passed, jsonb_path_query_array(data, '$.limits[*].passed') AS each FROM tests.v2('ratelimit.multiLimit', '[{"namespace": "vl.m3", "identifier": "i", "limit": 3, "duration": 60000, "cost": 2}, {"namespace": "vl.m3", "identifier": "i", "limit": 3, "duration": 60000, "cost": 2}]');
SELECT 'G.5' AS case, left(body, 80) AS body, result.status, code, location FROM unnest(ARRAY['[]', '{}', '[1]', '[{"namespace": "vl.n", "identifier": "i", "limit": 1, "duration": 1000}, {"namespace": "vl.n", "identifier": "i", "limit": 0, "duration": 1000}]', '[{"namespace": "vl.n", "identifier": "i", "limit": 1, "duration": 1000, "foo": 1}]',
    format('[%s]', (SELECT string_agg('{"namespace": "vl.n", "identifier": "i", "limit": 1, "duration": 1000}', ',') FROM generate_series(1, 101)))]) AS body, tests.v2('ratelimit.multiLimit', body) AS result;
-- A deleted namespace is gone, and what a refused call made before it found that is not kept.
SELECT unkey_delete_namespace('vl.m2') \gset
SELECT 'D.5' AS case, status, code FROM pg_temp.limited('vl.m2', 'i');
SELECT 'D.5' AS case, status, code FROM tests.v2('ratelimit.multiLimit', '[{"namespace": "vl.kept", "identifier": "i", "limit": 1, "duration": 60000}, {"namespace": "vl.m2", "identifier": "i", "limit": 1, "duration": 60000}]');
SELECT 'D.5' AS case, count(*) AS kept FROM unkey.ratelimit_namespaces WHERE name = 'vl.kept';
-- For its overrides, it is as if it had never been.
SELECT 'G.5' AS case, operation, status, code FROM (VALUES ('setOverride', ', "identifier": "i", "limit": 1, "duration": 1000'), ('getOverride', ', "identifier": "i"'), ('listOverrides', ''), ('deleteOverride', ', "identifier": "i"')) AS calls(operation, rest), tests.v2('ratelimit.' || operation, format('{"namespace": "vl.m2"%s}', rest)) AS result;

-- Root keys of one namespace.
SELECT tests.root(ARRAY[format('ratelimit.%s.limit', :'namespace')]) \gset
SELECT 'NS-26' AS case, namespace, result.status, code, result.detail FROM unnest('{vl.n,vl.n2,vl.unknown}'::text[]) AS namespace, pg_temp.limited(namespace, 'id5') AS result;
SELECT 'NS-23' AS case, status, code FROM tests.v2('ratelimit.multiLimit', '[{"namespace": "vl.n", "identifier": "id6", "limit": 1, "duration": 60000}, {"namespace": "vl.n2", "identifier": "id6", "limit": 1, "duration": 60000}]');
SELECT 'NS-23' AS case, data->'success' AS success FROM pg_temp.limited('vl.n', 'id6', '"limit": 1, "duration": 60000');
SELECT tests.root('{ratelimit.*.limit}') \gset
SELECT 'NS-02' AS case, status, code, detail FROM pg_temp.limited('vl.unknown', 'id5');
