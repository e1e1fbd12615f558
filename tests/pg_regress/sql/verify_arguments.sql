-- Arguments of a verification: what each may be, and the other ways to call it.
\pset null '-'
SELECT unkey_create_api('verify-arguments') AS api \gset
SELECT key_id, key FROM unkey_create_key(:'api', credits => 100) \gset

-- VK-29: a text that can't be a key is not found: absent, empty, over 512 characters.
SELECT 'VK-29' AS "case", answer.* FROM unkey_verify_key(NULL) AS answer;
SELECT 'VK-29' AS "case", answer.* FROM unkey_verify_key('') AS answer;
SELECT 'VK-29' AS "case", answer.* FROM unkey_verify_key(repeat('x', 513)) AS answer;

-- Characters are counted, not bytes, and a text that long is not even looked up.
SELECT unkey_migrate_keys(:'api', jsonb_build_array(
    jsonb_build_object('hash', encode(sha256(convert_to(repeat('ß', 512), 'UTF8')), 'base64')),
    jsonb_build_object('hash', encode(sha256(convert_to(repeat('ß', 513), 'UTF8')), 'base64')))) \gset
SELECT 'VK-29' AS "case", code FROM unkey_verify_keys(ARRAY[repeat('ß', 512), repeat('ß', 513)]);

-- The text must be exact: letter case, spaces and line ends count.
SELECT 'exact' AS "case", code FROM unkey_verify_keys(ARRAY[:'key', ' ' || :'key', :'key' || E'\n',
    translate(:'key', 'abcdefghijkmnopqrstuvwxyz', 'ABCDEFGHIJKMNOPQRSTUVWXYZ') || 'l']);

-- CR-07: a cost is 0 to 10^12; NULL is the default of 1.
SELECT 'CR-07' AS "case", e.* FROM tests.error(format('SELECT unkey_verify_key(%L, cost => -1)', :'key')) AS e;
SELECT 'CR-07' AS "case", e.* FROM tests.error(format('SELECT unkey_verify_key(%L, cost => 1000000000001)', :'key')) AS e;
SELECT 'CR-07' AS "case", code, credits FROM unkey_verify_key(:'key', cost => 1000000000000);
SELECT 'CR-07' AS "case", code, credits FROM unkey_verify_key(:'key', cost => NULL);
-- Arguments are judged before the key is looked at.
SELECT 'CR-07' AS "case", e.* FROM tests.error('SELECT unkey_verify_key(''verify_unknown'', cost => -1)') AS e;

-- Tags: at most 20, each 1 to 512 of any characters.
SELECT 'tags' AS "case", code FROM unkey_verify_key(:'key', tags => array_fill(repeat('ß', 512), ARRAY[20]));
SELECT 'tags' AS "case", code FROM unkey_verify_key(:'key', tags => E'{"path=/v1/x?a=b","two\nlines"," "}');
SELECT 'tags' AS "case", code FROM unkey_verify_key(:'key', tags => '{}');
SELECT 'tags' AS "case", e.*
FROM tests.error(format('SELECT unkey_verify_key(%L, tags => array_fill(''t''::text, ARRAY[21]))', :'key')) AS e;
SELECT 'tags' AS "case", e.* FROM tests.error(format('SELECT unkey_verify_key(%L, tags => ''{a,""}'')', :'key')) AS e;
SELECT 'tags' AS "case", e.*
FROM tests.error(format('SELECT unkey_verify_key(%L, tags => ARRAY[repeat(''t'', 513)])', :'key')) AS e;
SELECT 'tags' AS "case", e.* FROM tests.error(format('SELECT unkey_verify_key(%L, tags => ''{a,NULL}'')', :'key')) AS e;

-- Limits of a call: an array of objects with a name, whole numbers, a duration of at least a second; more fields
-- in an item are tolerated (section C.1).
CREATE FUNCTION pg_temp.refused(key text, ratelimits jsonb, OUT state text, OUT message text, OUT hint text) LANGUAGE sql
RETURN tests.error(format('SELECT unkey_verify_key(%L, ratelimits => %L)', key, ratelimits));
SELECT 'ratelimits' AS "case", r.ratelimits, e.state, split_part(e.message, ': ', 1) AS message FROM (VALUES
    (1, '{"name": "a"}'), (2, '["a"]'), (3, '[{}]'), (4, '[{"name": ""}]'), (5, '[{"name": null}]'), (6, '[{"name": 7}]'),
    (7, '[{"name": "a", "cost": -1}]'), (8, '[{"name": "a", "cost": 1.5}]'), (9, '[{"name": "a", "cost": "1"}]'),
    (10, '[{"name": "a", "limit": -1, "duration": 1000}]'), (11, '[{"name": "a", "limit": 1, "duration": 999}]'),
    (12, '[{"name": "a", "limit": 1, "duration": 0}]'), (13, '[{"name": "a", "limit": 1e30, "duration": 1000}]')
) AS r (n, ratelimits), pg_temp.refused(:'key', ratelimits::jsonb) AS e ORDER BY n;
SELECT 'ratelimits' AS "case", state, message FROM
    pg_temp.refused(:'key', jsonb_build_array(jsonb_build_object('name', repeat('n', 256))));
SELECT 'ratelimits' AS "case", code, tests.limits(ratelimits) FROM unkey_verify_key(:'key',
    ratelimits => '[{"name": "a", "limit": 3, "duration": 60000, "note": "kept out", "cost": null}]');
SELECT 'ratelimits' AS "case", code, ratelimits FROM unkey_verify_key(:'key', ratelimits => '[]');

-- Each argument by its position, and all of them NULL.
SELECT 'positions' AS "case", code FROM unkey_verify_key(:'key', NULL, 0, '[]', '{}', :'api', '::1', NULL);
SELECT 'positions' AS "case", code FROM unkey_verify_key(:'key', NULL, NULL, NULL, NULL, NULL, NULL, NULL);

-- It always returns one row, and a join calls it once per row.
SELECT 'one row' AS "case", count(*), count(answer.key_id) FROM unkey_verify_key(NULL) AS answer;
SELECT 'one row' AS "case", n, credits FROM generate_series(1, 2) AS n, unkey_verify_key(:'key', cost => n) ORDER BY n;
