-- What verifications and checks leave behind, asked for over the v2 dialect: root keys see the rows of what they may read.
SELECT tests.at('2026-03-10 12:00:00+00'), tests.root();
\pset null '-'
SELECT unkey_create_api('vn.api') AS api, unkey_create_api('vn.other') AS other, unkey_create_namespace('vn.n1') AS n1, unkey_create_namespace('vn.n2') AS n2 \gset
SELECT keyspace_id AS keyspace FROM unkey_get_api(:'api') \gset
SELECT keyspace_id AS other_keyspace FROM unkey_get_api(:'other') \gset
SELECT key AS metered, key_id AS metered_id FROM unkey_create_key(:'api', credits => 10, external_id => 'vn.u1', ratelimits => '[{"name": "rl", "limit": 1, "duration": 60000, "autoApply": true}]') \gset
SELECT key AS off FROM unkey_create_key(:'api', enabled => false) \gset
SELECT key AS elsewhere FROM unkey_create_key(:'other') \gset
SELECT 'AN-01' AS case, code FROM tests.v2('keys.verifyKey', '{"key": "%s", "credits": {"cost": 3}, "tags": ["a", "b"]}', :'metered');
SELECT 'AN-02' AS case, code FROM tests.v2('keys.verifyKey', '{"key": "%s", "credits": {"cost": 3}}', :'metered');
SELECT '6.7' AS case, code FROM tests.v2('keys.verifyKey', '{"key": "%s", "tags": ["c"]}', :'off');
SELECT 'I' AS case, code FROM tests.v2('keys.verifyKey', '{"key": "%s"}', :'elsewhere');
SELECT 'I' AS case, code FROM tests.v2('keys.verifyKey', '{"key": "vn_unknown"}');
SELECT 'I' AS case, status FROM tests.v2('ratelimit.limit', '{"namespace": "vn.n1", "identifier": "i", "limit": 1, "duration": 60000}');
SELECT 'I' AS case, status FROM tests.v2('ratelimit.limit', '{"namespace": "vn.n2", "identifier": "i", "limit": 1, "duration": 60000}');
SELECT 'I' AS case, status FROM unkey_api('ratelimit.limit', current_setting('tests.authorization'), '{"namespace": "vn.n2", "identifier": "unrecorded", "limit": 1, "duration": 60000}', metrics => false);
SELECT count(unkey.maintain()) AS maintained;

CREATE FUNCTION pg_temp.asked(query text, operation text DEFAULT 'analytics.getVerifications', OUT status integer, OUT code text, OUT location text, OUT data jsonb, OUT detail text) LANGUAGE sql AS
$$SELECT status, code, location, tests.masked(data), detail FROM tests.v2(operation, jsonb_build_object('query', query)::text)$$;
SELECT 'AN-01' AS case, data FROM pg_temp.asked(format('SELECT outcome, tags, spent_credits, external_id FROM key_verifications_v1 WHERE key_space_id = ''%s'' ORDER BY outcome', :'keyspace'));
SELECT 'AN-01' AS case, data->0->>'key_id' = :'metered_id' AS key_id, data->0->>'key_space_id' = :'keyspace' AS key_space_id FROM tests.v2('analytics.getVerifications', '{"query": "SELECT key_id, key_space_id FROM key_verifications_v1 WHERE key_space_id = ''%s'' AND outcome = ''VALID''"}', :'keyspace');
SELECT 'I' AS case, data FROM pg_temp.asked(format('SELECT outcome, sum(count) AS n, sum(spent_credits) AS spent FROM key_verifications_per_hour_v1 WHERE key_space_id = ''%s'' GROUP BY outcome ORDER BY outcome', :'keyspace'));
SELECT 'I' AS case, data FROM pg_temp.asked(format('SELECT identifier, passed FROM ratelimits_v1 WHERE namespace_id IN (''%s'', ''%s'') ORDER BY identifier', :'n1', :'n2'), 'analytics.getRatelimits');

-- AN-04 and the rest of what is refused.
SELECT 'AN-04' AS case, query, asked.status, code, location, detail FROM unnest(ARRAY['DELETE FROM key_verifications_v1', 'SELECT 1; SELECT 2', 'SELECT', '', 'SELECT * FROM pg_class', 'SELECT * FROM unkey.keys', 'SELECT hash FROM keys', 'SELECT * FROM ratelimits_v1', 'SELECT pg_sleep(1) FROM key_verifications_v1', 'SELECT nope FROM key_verifications_v1',
    'SELECT * FROM key_verifications_v1 WHERE key_space_id = ''ks_unknown''']) AS query, pg_temp.asked(query) AS asked;
SELECT 'I' AS case, body, result.status, code, location FROM unnest(ARRAY['{}', '{"query": null}', '{"query": 1}', '{"query": "SELECT 1", "foo": 1}', '{"query": "' || repeat(' ', 16385) || '"}']) WITH ORDINALITY AS bodies(request, n), left(request, 40) AS body, tests.v2('analytics.getVerifications', request) AS result ORDER BY n;

-- A root key of one API sees its rows alone, whatever it asks.
SELECT tests.root(ARRAY[format('api.%s.read_analytics', :'api'), format('ratelimit.%s.read_analytics', :'n1')]) \gset
SELECT 'I' AS case, query, asked.status, code, data FROM unnest(ARRAY['SELECT count() AS n FROM key_verifications_v1', 'SELECT count(DISTINCT key_space_id) AS n FROM key_verifications_v1', 'SELECT sum(count) AS n FROM key_verifications_per_day_v1', 'SELECT count() AS n FROM key_verifications_v1 WHERE 1 = 1 OR outcome <> ''x''',
    'SELECT count() AS n FROM (SELECT * FROM key_verifications_v1) AS x', 'WITH x AS (SELECT * FROM key_verifications_v1) SELECT count() AS n FROM x', 'SELECT count() AS n FROM key_verifications_v1 AS a JOIN key_verifications_v1 AS b ON a.key_space_id <> b.key_space_id', 'SELECT outcome FROM key_verifications_v1 UNION SELECT key_space_id FROM key_verifications_v1 ORDER BY 1 LIMIT 1']) AS query, pg_temp.asked(query) AS asked;
-- Another keyspace is as good as one that does not exist.
SELECT 'I' AS case, asked.status, code FROM unnest(ARRAY[:'other_keyspace', 'ks_unknown']) AS keyspace, pg_temp.asked(format('SELECT count() AS n FROM key_verifications_v1 WHERE key_space_id = ''%s''', keyspace)) AS asked;
SELECT 'I' AS case, asked.status, data FROM unnest(ARRAY['<> ''ks_unknown''', 'NOT IN (''ks_unknown'')', '<> ''''']) AS test, pg_temp.asked('SELECT count() > 0 AS some FROM key_verifications_v1 WHERE key_space_id ' || test) AS asked;
SELECT 'I' AS case, asked.data FROM pg_temp.asked('SELECT count() AS n FROM ratelimits_v1', 'analytics.getRatelimits') AS asked;
SELECT tests.root('{api.api_another.read_analytics,ratelimit.another.read_analytics}') \gset
SELECT 'I' AS case, asked.status, code, data FROM pg_temp.asked('SELECT count() AS n FROM key_verifications_v1') AS asked;
SELECT 'I' AS case, asked.status, code, data FROM pg_temp.asked('SELECT count() AS n FROM ratelimits_v1', 'analytics.getRatelimits') AS asked;
