-- What the extension's own scan node sends its client is what Postgres would print, for every kind of content.
\pset null '-'
SELECT tests.at('2026-03-02 12:00Z') \gset
SELECT unkey_create_api('sent') AS api \gset
SELECT key AS plain FROM unkey_create_key(:'api') \gset
SELECT unkey_create_identity('sent.user', '{"vip": true, "é": "ü\n"}', '[{"name": "shared", "limit": 5, "duration": 60000}]') \gset
SELECT count(unkey_create_permission(slug)) AS made FROM unnest('{documents.write,null.true}'::text[]) AS slug \gset
SELECT count(unkey_create_role(name)) AS made FROM unnest('{a.b,"null",w-x}'::text[]) AS name \gset
SELECT key AS whole FROM unkey_create_key(:'api', name => E'two\tlines\n"and" {braces}, \\ back', credits => 1000,
    expires => '2096-12-31 23:59:59.999Z', permissions => '{documents.write,null.true}', roles => '{a.b,"null",w-x}',
    external_id => 'sent.user', meta => '{"plan": "pro", "nested": {"a": [1, 2.50, null]}, "é": "ü\n\\"}',
    ratelimits => '[{"name": "requests", "limit": 10, "duration": 60000, "autoApply": true},
        {"name": "say \"\\é\u0001\u007f\"", "limit": 9007199254740991, "duration": 86400000}]') \gset
\set limits '[{"name": "requests", "cost": 0}, {"name": "say \\"\\\\é\\u0001\\u007f\\"", "cost": 0}, {"name": "shared", "cost": 0}]'

-- Nothing of it is NULL.
SELECT * FROM unkey_verify_key(:'whole', cost => 0, ratelimits => :'limits') \gset node_
SET unkey.scan = off;
SELECT * FROM unkey_verify_key(:'whole', cost => 0, ratelimits => :'limits') \gset usual_
RESET unkey.scan;
SELECT node, node IS NOT DISTINCT FROM usual AS same FROM (VALUES
    (:'node_valid', :'usual_valid'),
    (:'node_code', :'usual_code'),
    (:'node_name', :'usual_name'),
    (:'node_meta', :'usual_meta'),
    (:'node_expires', :'usual_expires'),
    (:'node_credits', :'usual_credits'),
    (:'node_enabled', :'usual_enabled'),
    (:'node_roles', :'usual_roles'),
    (:'node_permissions', :'usual_permissions')) AS columns (node, usual);
SELECT :'node_key_id' = :'usual_key_id' AS key_id, :'node_identity' = :'usual_identity' AS identity, :'node_ratelimits' = :'usual_ratelimits' AS ratelimits,
    length(:'node_key_id') > 20 AND (:'node_identity'::jsonb)->>'externalId' = 'sent.user' AND jsonb_array_length(:'node_ratelimits') = 3 AS filled;

-- What is not there: only the columns named are set.
SELECT * FROM unkey_verify_key(:'plain') \gset plain_
\echo :plain_valid :plain_code :plain_enabled :{?plain_key_id} :{?plain_name} :{?plain_meta} :{?plain_expires} :{?plain_credits} :{?plain_roles} :{?plain_permissions} :{?plain_identity} :{?plain_ratelimits}
SELECT * FROM unkey_verify_key('none');
SELECT * FROM unkey_verify_key(NULL);

-- In any order, some of them twice, under other names; many rows; none.
SELECT name, code, valid, enabled, code AS again FROM unkey_verify_key(:'whole', cost => 0);
SELECT enabled, name AS one, credits FROM unkey_verify_keys(ARRAY[:'whole', 'none', NULL, :'plain'], cost => 0) AS answer (a, b, c);
SELECT code FROM unkey_verify_keys('{}');
SELECT code, name FROM unkey_verify_keys(ARRAY[:'whole', 'none', :'plain'], cost => 0) WHERE code <> 'NOT_FOUND';
SELECT code FROM unkey_verify_keys(ARRAY[:'whole', 'none', :'plain'], cost => 0) LIMIT 2;
SELECT code, count(*) FROM unkey_verify_keys(ARRAY[:'whole', 'none', :'plain'], cost => 0) GROUP BY 1 ORDER BY 1;
SELECT n, code FROM generate_series(1, 2) AS n, unkey_verify_keys(ARRAY[:'whole', :'plain'], cost => 0);
SELECT code FROM unkey_verify_keys(NULL);
SELECT code FROM unkey_verify_keys('{{a,b}}');
EXPLAIN (COSTS OFF) SELECT * FROM unkey_verify_keys('{a,b}');

-- As the session wants instants; in another encoding; by a cursor, a few rows at a time.
SET datestyle = 'German';
SET timezone = 'Asia/Kolkata';
SELECT expires FROM unkey_verify_key(:'whole', cost => 0);
RESET datestyle;
RESET timezone;
SET client_encoding = 'LATIN1';
SELECT meta FROM unkey_verify_key(:'whole', cost => 0) \gset latin_
SELECT :'latin_meta'::jsonb = meta AS as_asked FROM unkey_verify_key(:'whole', cost => 0);
RESET client_encoding;
\set FETCH_COUNT 2
SELECT code, name FROM unkey_verify_keys(ARRAY[:'plain', 'none', :'plain', NULL, :'plain']);
\set FETCH_COUNT 0
BEGIN;
DECLARE answers BINARY CURSOR FOR SELECT valid, code, enabled FROM unkey_verify_keys(ARRAY[:'plain', 'none']);
FETCH 1 FROM answers;
FETCH 2 FROM answers;
COMMIT;

-- An error after rows were sent is an error.
SELECT code FROM unkey_verify_keys(ARRAY[:'plain'], permissions => 'a AND');
SELECT code, 1 / (enabled::int - 1) FROM unkey_verify_keys(ARRAY['none', :'plain']);
