-- The standalone limiter: unkey_limit, unkey_multi_limit, and namespaces. The clock stands in the first half of a minute.
SET datestyle = ISO;
SET timezone = 'UTC';
SELECT tests.at('2026-06-06 12:00:15+00');

-- NS-01: an unknown namespace is made, with any characters, and counts; one row, whatever the outcome.
SELECT 'NS-01' AS "case", * FROM unkey_limit('lm n/1', 'id1', 2, '1 minute');
SELECT 'NS-01' AS "case", namespace_id ~ '^rlns_' AS id, name, created_at FROM unkey_get_namespace('lm n/1');
SELECT 'NS-01' AS "case", * FROM unkey_limit('lm n/1', 'id1', 2, '1 minute');
SELECT 'NS-01' AS "case", * FROM unkey_limit('lm n/1', 'id1', 2, '1 minute');
SELECT 'NS-01' AS "case", count(*) AS namespaces FROM unkey.ratelimit_namespaces WHERE name = 'lm n/1';
-- NS-04, NS-05: identifiers and namespaces count apart.
SELECT 'NS-04' AS "case", success, remaining FROM unkey_limit('lm n/1', 'id2', 2, '1 minute');
SELECT 'NS-05' AS "case", success, remaining FROM unkey_limit('lm n/2', 'id1', 2, '1 minute');
-- NS-07: by id the same counter as by name.
SELECT namespace_id AS n2 FROM unkey_get_namespace('lm n/2') \gset
SELECT 'NS-07' AS "case", success, remaining FROM unkey_limit(:'n2', 'id1', 2, '1 minute');
SELECT 'NS-07' AS "case", success, remaining FROM unkey_limit('lm n/2', 'id1', 2, '1 minute');
SELECT 'NS-07' AS "case", by_name = by_id AS same FROM unkey_get_namespace('lm n/2') AS by_name, unkey_get_namespace(:'n2') AS by_id;
-- NS-08: a peek passes at the limit and counts nothing; cost is what is counted; NULL is 1.
SELECT 'NS-08' AS "case", cost, success, remaining FROM unnest(ARRAY[0, 3, NULL, 0, 2, 1, 0, 1]) WITH ORDINALITY AS costs(cost, at), unkey_limit('lm cost', 'id', 5, '1 minute', left(cost::text || at, length(cost::text))::bigint);
SELECT 'NS-08' AS "case", success, remaining FROM unkey_limit('lm cost', 'id', 4, '1 minute', 0);
SELECT 'NS-08' AS "case", count(*) AS counters_made_by_peeks FROM unkey_limit('lm cost', 'nobody', 5, '1 minute', 0), unkey.counters WHERE identifier = 'nobody';
-- Another limit keeps what was counted, another duration counts anew; the window slides.
SELECT 'slides' AS "case", success, "limit", remaining, reset FROM unkey_limit('lm cost', 'id', 10, '1 minute');
SELECT 'slides' AS "case", success, "limit", remaining, reset FROM unkey_limit('lm cost', 'id', 10, '30 days');
SELECT tests.at('2026-06-06 12:01:30+00');
SELECT 'slides' AS "case", success, remaining, reset FROM unkey_limit('lm cost', 'id', 10, '60 seconds', 0);
-- An interval is read to the millisecond; a month has 30 days.
SELECT 'same' AS "case", remaining FROM unnest(ARRAY['1 month', '720:00:00', '2592000.0009 s']::interval[]) AS duration, unkey_limit('lm cost', 'id', 10, duration);

-- NS-10: what is refused.
SELECT 'NS-10' AS "case", left(arguments, 50) AS arguments, error.*
FROM unnest(ARRAY['''lm'', ''id'', 1, ''999.9 ms''', '''lm'', ''id'', 1, ''30 days 1 ms''', '''lm'', ''id'', 1, ''-1 day''', '''lm'', ''id'', 1, ''178000000 years''', '''lm'', ''id'', 0, ''1 minute''',
    '''lm'', ''id'', -1, ''1 minute''', '''lm'', '''', 1, ''1 minute''', '''lm'', repeat(''i'', 256), 1, ''1 minute''', ''''', ''id'', 1, ''1 minute''', 'repeat(''n'', 256), ''id'', 1, ''1 minute''',
    '''lm'', ''id'', 1, ''1 minute'', -1', 'NULL, ''id'', 1, ''1 minute''', '''lm'', NULL, 1, ''1 minute''', '''lm'', ''id'', NULL, ''1 minute''', '''lm'', ''id'', 1, NULL']) AS arguments,
    tests.error(format('SELECT unkey_limit(%s)', arguments)) AS error;
SELECT 'NS-10' AS "case", count(*) AS made FROM unkey.ratelimit_namespaces WHERE name IN ('lm', '') OR length(name) = 256;
-- The widest arguments there are.
SELECT success, "limit", remaining FROM unkey_limit(repeat('é', 255), repeat('😀', 255), 9223372036854775807, '30 days', 9223372036854775807);
SELECT success, "limit", remaining FROM unkey_limit(repeat('é', 255), repeat('😀', 255), 9223372036854775807, '30 days');

-- Several checks: rows in order; NS-22: none is counted if one refuses, and those that pass say what is left without them.
CREATE FUNCTION pg_temp.checks(VARIADIC checks text[]) RETURNS jsonb LANGUAGE sql
RETURN (SELECT jsonb_agg(jsonb_build_object('namespace', split_part(c, ' ', 1), 'identifier', split_part(c, ' ', 2), 'limit', split_part(c, ' ', 3)::bigint,
    'duration', 60000, 'cost', split_part(c, ' ', 4)::bigint) ORDER BY at) FROM unnest(checks) WITH ORDINALITY AS c(c, at));
SELECT 'rows' AS "case", * FROM unkey_multi_limit(pg_temp.checks('lm.z a 3 1', 'lm.a a 5 2', 'lm.z b 1 1'));
SELECT 'NS-22' AS "case", namespace, identifier, passed, remaining FROM unkey_multi_limit(pg_temp.checks('lm.z a 3 2', 'lm.z b 1 1', 'lm.a a 5 4'));
SELECT 'NS-22' AS "case", namespace, identifier, passed, remaining FROM unkey_multi_limit(pg_temp.checks('lm.z a 3 0', 'lm.a a 5 0'));
-- One counter several times: judged by the sum; by name and by id it is the same counter.
SELECT 'sum' AS "case", identifier, passed, remaining FROM unkey_multi_limit(pg_temp.checks('lm.sum s 5 3', 'lm.sum s 5 3'));
SELECT namespace_id AS sum FROM unkey_get_namespace('lm.sum') \gset
SELECT 'sum' AS "case", namespace = :'sum' AS by_id, passed, remaining FROM unkey_multi_limit(pg_temp.checks('lm.sum s 5 3', :'sum' || ' s 10 2'));
SELECT 'sum' AS "case", passed, remaining FROM unkey_multi_limit('[{"namespace": "lm.sum", "identifier": "s", "limit": 6, "duration": 60000}, {"namespace": "lm.sum", "identifier": "s", "limit": 1, "duration": 2592000000, "cost": null}]');
SELECT left(checks, 50) AS checks, error.*
FROM unnest(ARRAY['[]', '{}', '[{}]', '[[]]', '[{"namespace": "lm", "identifier": "i", "limit": 1, "duration": 60000}, {"namespace": "lm", "identifier": "i", "limit": 0, "duration": 60000}]',
    '[{"namespace": "lm", "identifier": "i", "limit": 1, "duration": "1 minute"}]', '[{"namespace": "lm", "identifier": "i", "limit": 1, "duration": 60000, "costs": 1}]', NULL,
    (SELECT jsonb_agg(c) FROM generate_series(1, 101), jsonb_array_elements(pg_temp.checks('lm i 1 1')) AS c)::text]) AS checks, tests.error(format('SELECT unkey_multi_limit(%L)', checks)) AS error;
SELECT count(*) AS checks, sum(passed::int) AS passed FROM unkey_multi_limit((SELECT jsonb_agg(c) FROM generate_series(1, 100), jsonb_array_elements(pg_temp.checks('lm i 100 1')) AS c));

-- A deleted namespace is refused, by name and by id; one made anew has none of the counts.
SELECT success, remaining FROM unkey_limit('lm.gone', 'id', 1, '1 minute');
SELECT namespace_id AS gone FROM unkey_get_namespace('lm.gone') \gset
SELECT unkey_delete_namespace('lm.gone');
SELECT 'gone' AS "case", statement, error.* FROM unnest(ARRAY['unkey_limit(''lm.gone'', ''id'', 1, ''1 minute'')', 'unkey_get_namespace(''lm.gone'')', 'unkey_delete_namespace(''lm.gone'')',
    'unkey_set_override(''lm.gone'', ''id'', 1, ''1 minute'')', 'unkey_multi_limit(''[{"namespace": "lm.gone", "identifier": "i", "limit": 1, "duration": 1000}]'')']) AS statement, tests.error('SELECT ' || statement) AS error;
SELECT 'gone' AS "case", error.state FROM tests.error(format('SELECT unkey_limit(%L, ''id'', 1, ''1 minute'')', :'gone')) AS error;
SELECT 'gone' AS "case", unkey_create_namespace('lm.gone') <> :'gone' AS new_id;
SELECT 'gone' AS "case", success, remaining FROM unkey_limit('lm.gone', 'id', 1, '1 minute');
-- Made by name: the one there is, or a new one. A name comes before an id.
SELECT unkey_create_namespace('lm.made') = unkey_create_namespace('lm.made') AS same_id;
SELECT unkey_create_namespace(unkey_create_namespace('lm.first')) AS second \gset
SELECT name = (SELECT namespace_id FROM unkey_get_namespace('lm.first')) AS named_like_the_first FROM unkey_get_namespace((SELECT namespace_id FROM unkey_get_namespace('lm.first')));
SELECT name, error.* FROM unnest(ARRAY['', NULL]) AS name, tests.error(format('SELECT unkey_create_namespace(%L)', name)) AS error;
SELECT reference, error.* FROM unnest(ARRAY['lm.unknown', 'rlns_unknown', NULL]) AS reference, tests.error(format('SELECT unkey_get_namespace(%L)', reference)) AS error;
SELECT error.* FROM unnest(ARRAY['lm.unknown', NULL]) AS reference, tests.error(format('SELECT unkey_delete_namespace(%L)', reference)) AS error;
-- Lists: by id, without the deleted ones.
SELECT array_agg(namespace_id ORDER BY at) = (SELECT array_agg(id ORDER BY id COLLATE "C") FROM unkey.ratelimit_namespaces WHERE deleted_at IS NULL) AS by_id, count(*) > 10 AS many
FROM unkey_list_namespaces() WITH ORDINALITY AS listed(namespace_id, name, created_at, at);
SELECT count(*) AS two, (SELECT count(*) FROM unkey_list_namespaces(100, max(namespace_id COLLATE "C"))) = (SELECT count(*) - 2 FROM unkey.ratelimit_namespaces WHERE deleted_at IS NULL) AS then_the_rest FROM unkey_list_namespaces(2);
SELECT error.* FROM tests.error('SELECT unkey_list_namespaces(0)') AS error;

-- In the caller's transaction: what is rolled back was not counted, and what it made is gone.
BEGIN;
SELECT success, remaining FROM unkey_limit('lm.rolled', 'id', 1, '1 minute');
SELECT success, remaining FROM unkey_limit('lm.rolled', 'id', 1, '1 minute');
ROLLBACK;
SELECT error.state FROM tests.error($$SELECT unkey_get_namespace('lm.rolled')$$) AS error;
SELECT success, remaining FROM unkey_limit('lm.rolled', 'id', 1, '1 minute');
-- Read-only: it may look, and say no; what would have to be counted or made is refused.
BEGIN READ ONLY;
SELECT 'peek' AS "case", success, remaining FROM unkey_limit('lm n/2', 'id9', 2, '1 minute', 0);
SELECT 'refusal' AS "case", success, remaining FROM unkey_limit('lm.rolled', 'id', 1, '1 minute');
SET unkey.counters = 'table';
SELECT 'count' AS "case", error.* FROM tests.error($$SELECT unkey_limit('lm n/2', 'id9', 2, '1 minute')$$) AS error;
RESET unkey.counters;
SELECT 'make' AS "case", error.* FROM tests.error($$SELECT unkey_limit('lm.read-only', 'id', 2, '1 minute', 0)$$) AS error;
COMMIT;
-- Rows made by hand count as well.
INSERT INTO unkey.ratelimit_namespaces (name) VALUES ('lm.hand') RETURNING id ~ '^rlns_' AS made_id;
INSERT INTO unkey.ratelimit_overrides (namespace_id, identifier, "limit", duration) SELECT id, 'vip*', 7, 60000 FROM unkey.ratelimit_namespaces WHERE name = 'lm.hand' RETURNING id ~ '^rlor_' AS made_id;
SELECT success, "limit", remaining, override_id ~ '^rlor_' AS override FROM unkey_limit('lm.hand', 'vip1', 1, '1 hour');
SELECT tests.at(NULL);
