-- Several keys in one call, and verification by hash.
\pset null '-'
SELECT tests.at('2025-03-14 12:00:00Z') \gset
SELECT unkey_create_api('verify-keys') AS api \gset
SELECT key_id AS a_id, key AS a FROM unkey_create_key(:'api', name => 'a', credits => 5) \gset
SELECT key_id AS b_id, key AS b FROM unkey_create_key(:'api', name => 'b', permissions => '{verify_keys.p}') \gset

-- One row per element, in the order of the elements; NULL and unknown elements have their row too.
SELECT 'order' AS "case", n, valid, code, name, credits
FROM unkey_verify_keys(ARRAY[:'b', NULL, :'a', '', 'verify_unknown', :'b'])
    WITH ORDINALITY AS answer (valid, code, key_id, name, meta, expires, credits, enabled, roles, permissions,
        identity, ratelimits, n) ORDER BY n;

-- A key that is there twice is verified, and pays, twice.
SELECT 'twice' AS "case", code, name, credits FROM unkey_verify_keys(ARRAY[:'a', :'b', :'a'], cost => 2);
SELECT 'twice' AS "case", credits FROM unkey_get_key(:'a_id');

-- The other arguments hold for every key.
SELECT 'same' AS "case", code, name FROM unkey_verify_keys(ARRAY[:'a', :'b'], permissions => 'verify_keys.p', cost => 0);
SELECT 'same' AS "case", code, name, tests.limits(ratelimits) FROM unkey_verify_keys(ARRAY[:'a', :'b', :'a', :'b'], cost => 0,
    ratelimits => '[{"name": "verify_keys", "limit": 1, "duration": 60000}]');
SELECT 'same' AS "case", code FROM unkey_verify_keys(ARRAY[:'a', :'b'], api_id => 'api_unknown');

-- No keys, no rows; but the other arguments are judged all the same.
SELECT 'empty' AS "case", count(*) FROM unkey_verify_keys('{}');
SELECT 'empty' AS "case", e.* FROM tests.error('SELECT unkey_verify_keys(''{}'', cost => -1)') AS e;
SELECT 'NULL' AS "case", e.* FROM tests.error('SELECT unkey_verify_keys(NULL)') AS e;
SELECT 'all NULL' AS "case", code FROM unkey_verify_keys('{NULL,NULL}');
SELECT 'dimensions' AS "case", e.* FROM tests.error('SELECT unkey_verify_keys(''{{a,b},{c,d}}'')') AS e;

-- What is wrong for one key fails the call: nothing is spent for the others.
SELECT key_id AS c_id, key AS c FROM unkey_create_key(:'api', credits => 5,
    ratelimits => '[{"name": "verify_keys.c", "limit": 9, "duration": 60000}]') \gset
SELECT key AS d FROM unkey_create_key(:'api') \gset
SELECT 'failure' AS "case", e.state FROM tests.error(format(
    'SELECT unkey_verify_keys(ARRAY[%L, %L], ratelimits => ''[{"name": "verify_keys.c"}]'')', :'c', :'d')) AS e;
SELECT 'failure' AS "case", code, credits, tests.limits(ratelimits)
FROM unkey_verify_key(:'c', ratelimits => '[{"name": "verify_keys.c"}]');

-- More keys than one page of anything.
SELECT 'many' AS "case", code, count(*) FROM unkey_verify_keys(array_fill(:'b'::text, ARRAY[1500])) GROUP BY code;

-- By hash: the same answer as by text, and it pays the same.
SELECT key_id AS full_id, key AS full FROM unkey_create_key(:'api', name => 'full', external_id => 'verify_keys.user',
    meta => '{"n": 1}', permissions => '{verify_keys.p}', expires => '2026-01-01', credits => 10,
    ratelimits => '[{"name": "verify_keys", "limit": 9, "duration": 60000, "autoApply": true}]') \gset
SELECT sha256(:'full'::bytea) AS hash \gset
SELECT 'hash' AS "case", valid, code, credits, tests.limits(ratelimits) FROM unkey.verify(:'full_id', :'hash');
SELECT 'hash' AS "case", valid, code, credits, tests.limits(ratelimits) FROM unkey.verify(:'full_id', :'hash', cost => 3);
SELECT 'hash' AS "case", to_jsonb(by_hash) = to_jsonb(by_text) AS equal, by_hash.code, by_hash.name, by_hash.meta,
    by_hash.credits, by_hash.permissions
FROM unkey.verify(:'full_id', :'hash', cost => 0, ratelimits => '[{"name": "verify_keys", "cost": 0}]') AS by_hash,
    unkey_verify_key(:'full', cost => 0, ratelimits => '[{"name": "verify_keys", "cost": 0}]') AS by_text;
SELECT 'hash' AS "case", code FROM unkey.verify(:'full_id', :'hash', permissions => 'verify_keys.q');
SELECT 'hash' AS "case", code FROM unkey.verify(:'full_id', :'hash', api_id => 'api_unknown');

-- The id only says where to look, so an unknown hash is not found under any; a hash has 32 bytes.
SELECT 'hash' AS "case", answer.* FROM unkey.verify(:'full_id', sha256('verify_unknown')) AS answer;
SELECT 'hash' AS "case", code FROM unkey.verify(NULL, :'hash', cost => 0);
SELECT 'hash' AS "case", e.* FROM tests.error('SELECT unkey.verify(''key_x'', ''\x00'')') AS e;
SELECT 'hash' AS "case", e.* FROM tests.error('SELECT unkey.verify(''key_x'', NULL)') AS e;
