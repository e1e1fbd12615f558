-- Overrides of the standalone limiter: their own life, and which one applies.
SET datestyle = ISO;
SET timezone = 'UTC';
SET intervalstyle = postgres;
SELECT tests.at('2026-06-07 12:00:15+00');
SELECT unkey_create_namespace('ov') AS ov \gset

-- NS-11: limit and duration are the override's, the cost the request's; the usage is that of the new duration.
SELECT unkey_set_override('ov', 'id1', 5, '1 hour') AS id1 \gset
SELECT 'NS-11' AS "case", success, "limit", remaining, reset, override_id = :'id1' AS override FROM unkey_limit('ov', 'id1', 100, '1 minute', 2);
SELECT 'NS-11' AS "case", success, "limit", remaining, override_id FROM unkey_limit('ov', 'id2', 100, '1 minute');
-- Set again it keeps its id, and counts at once, with what was counted.
SELECT tests.at('2026-06-07 12:00:16+00');
SELECT 'NS-11' AS "case", unkey_set_override(:'ov', 'id1', 3, '1 hour') = :'id1' AS same_id;
SELECT 'NS-11' AS "case", success, "limit", remaining FROM unkey_limit(:'ov', 'id1', 100, '1 minute', 2);
SELECT 'NS-11' AS "case", override_id = :'id1' AS same_id, identifier, "limit", duration, created_at, updated_at FROM unkey_get_override('ov', 'id1');
-- NS-13: the exact one comes first; then the first that was made, and among those made at once the first by id.
SELECT unkey_set_override('ov', 'vip_*', 10, '1 minute') AS vip_all, unkey_set_override('ov', 'vip_7', 70, '1 minute') AS vip_7 \gset
SELECT tests.at('2026-06-07 12:00:17+00');
SELECT unkey_set_override('ov', '*', 1000, '1 minute') \gset
SELECT tests.at('2026-06-07 12:00:14+00');
SELECT unkey_set_override('ov', 'vi*_8', 80, '1 minute') \gset
INSERT INTO unkey.ratelimit_overrides (id, namespace_id, identifier, "limit", duration, created_at) VALUES ('ov_b', :'ov', 'at_once*', 2, 1000, '2020-01-01'), ('ov_a', :'ov', '*at_once', 1, 1000, '2020-01-01'),
    ('ov_d', :'ov', 'by_age*', 4, 1000, '2019-01-01'), ('ov_c', :'ov', '*by_age', 3, 1000, '2020-01-01');
SELECT 'NS-13' AS "case", identifier, success, "limit", remaining FROM unnest(ARRAY['vip_7', 'vip_6', 'vip_8', 'vip_', 'VIP_6', 'vip_*', 'id1', 'at_once', 'by_age', E'vip_\n']) AS identifier, unkey_limit('ov', identifier, 100, '1 minute', 0);
-- NS-14: a pattern matches the whole text; a dot, a %, an _ and a backslash are themselves, and a * is no newline.
SELECT unkey_create_namespace('ov.mail') AS mail \gset
SELECT unkey_set_override('ov.mail', '*@x.com', 5, '1 minute'), unkey_set_override('ov.mail', 'a%_\*', 6, '1 minute') \gset
SELECT 'NS-14' AS "case", identifier, "limit", override_id IS NOT NULL AS override
FROM unnest(ARRAY['a@x.com', '@x.com', 'a@x.com.evil', 'a@x_com', E'a\n@x.com', 'a%_\', 'a%_\b', 'abc\b', 'a@X.com']) AS identifier, unkey_limit('ov.mail', identifier, 100, '1 minute', 0);
-- All who match a pattern count for themselves.
SELECT 'NS-14' AS "case", identifier, success, remaining FROM unnest(ARRAY['a@x.com', 'b@x.com']) AS identifier, unkey_limit('ov.mail', identifier, 100, '1 minute', 5);
-- A pattern that would send a matcher back again and again.
SELECT unkey_set_override('ov.mail', repeat('*a', 127) || 'b', 1, '1 minute') IS NOT NULL AS set;
SELECT "limit" FROM unkey_limit('ov.mail', repeat('a', 255), 100, '1 minute', 0);
-- NS-25: with a limit of 0 it always refuses, and counts nothing.
SELECT unkey_set_override('ov', 'blocked', 0, '1 minute') \gset
SELECT 'NS-25' AS "case", cost, success, "limit", remaining FROM unnest(ARRAY[0, 1, 100]) AS cost, unkey_limit('ov', 'blocked', 100, '1 minute', cost);
SELECT 'NS-25' AS "case", passed, remaining FROM unkey_multi_limit('[{"namespace": "ov", "identifier": "free", "limit": 5, "duration": 60000}, {"namespace": "ov", "identifier": "blocked", "limit": 5, "duration": 60000}]');
SELECT unkey_delete_override('ov', 'blocked') \gset
SELECT 'NS-25' AS "case", "limit" - remaining AS counted FROM unkey_limit('ov', 'blocked', 100, '1 minute', 0);

-- NS-16, NS-17: overrides make no namespace, and are found by their exact text.
SELECT "case", statement, error.*
FROM (VALUES ('NS-16', 'unkey_set_override(''ov.none'', ''id'', 1, ''1 minute'')'), ('NS-16', 'unkey_get_override(''ov.none'', ''id'')'), ('NS-16', 'unkey_list_overrides(''ov.none'')'),
    ('NS-16', 'unkey_delete_override(''ov.none'', ''id'')'), ('NS-17', 'unkey_get_override(''ov'', ''vip_8'')'), ('NS-17', 'unkey_get_override(''ov'', '''')'), ('NS-17', 'unkey_delete_override(''ov'', ''vip_8'')'),
    ('', 'unkey_set_override(''ov'', '''', 1, ''1 minute'')'), ('', 'unkey_set_override(''ov'', repeat(''i'', 256), 1, ''1 minute'')'), ('', 'unkey_set_override(''ov'', ''id'', -1, ''1 minute'')'),
    ('', 'unkey_set_override(''ov'', ''id'', 1, ''999 ms'')'), ('', 'unkey_set_override(''ov'', ''id'', 1, ''-1 day'')'), ('', 'unkey_set_override(NULL, ''id'', 1, ''1 minute'')'),
    ('', 'unkey_set_override(''ov'', NULL, 1, ''1 minute'')'), ('', 'unkey_set_override(''ov'', ''id'', NULL, ''1 minute'')'), ('', 'unkey_set_override(''ov'', ''id'', 1, NULL)'), ('', 'unkey_get_override(NULL, ''id'')'),
    ('', 'unkey_get_override(''ov'', NULL)'), ('', 'unkey_list_overrides(NULL)'), ('', 'unkey_list_overrides(''ov'', 101)'), ('', 'unkey_delete_override(''ov'', NULL)'), ('', 'unkey_delete_override(NULL, ''id'')'))
    AS wrong("case", statement), tests.error('SELECT ' || statement) AS error;
SELECT 'NS-17' AS "case", identifier, "limit" FROM unkey_get_override('ov', 'vip_*');
-- NS-19: deleted, the request's own limit counts again, or the next override that matches.
SELECT unkey_delete_override('ov', 'vip_7');
SELECT 'NS-19' AS "case", "limit", override_id = :'vip_all' AS pattern FROM unkey_limit('ov', 'vip_7', 100, '1 minute', 0);
SELECT unkey_delete_override('ov', 'vip_*'), unkey_delete_override('ov', '*');
SELECT 'NS-19' AS "case", "limit", override_id FROM unkey_limit('ov', 'vip_7', 100, '1 minute', 0);
SELECT 'NS-19' AS "case", error.* FROM tests.error($$SELECT unkey_delete_override('ov', 'vip_*')$$) AS error;
-- NS-20: lists by id, one page after the other, of this namespace only.
SELECT 'NS-20' AS "case", count(unkey_set_override('ov.list', left('id' || n, 3), n, make_interval(secs => n))) AS made FROM unkey_create_namespace('ov.list'), generate_series(1, 3) AS n;
SELECT 'NS-20' AS "case", count(*) AS first, max(override_id COLLATE "C") AS last FROM unkey_list_overrides('ov.list', 2) \gset
SELECT 'NS-20' AS "case", :first AS first, (SELECT count(*) FROM unkey_list_overrides('ov.list', 2, :'last')) AS rest, (SELECT count(*) FROM unkey_list_overrides('ov.list', NULL, 'zzz')) AS none;
SELECT 'NS-20' AS "case", identifier, "limit", duration, created_at FROM unkey_list_overrides('ov.list') ORDER BY identifier;
-- Deleted with its namespace; the same name made anew has none.
SELECT unkey_delete_namespace('ov.list');
SELECT unkey_create_namespace('ov.list') IS NOT NULL AS made;
SELECT count(*) AS none FROM unkey_list_overrides('ov.list');
-- Windows longer than any interval or timestamp can be written by hand, and harm nobody.
INSERT INTO unkey.ratelimit_overrides (namespace_id, identifier, "limit", duration) VALUES (:'ov', 'eternal', 1, 9223372036854775807);
SELECT success, remaining, reset FROM unkey_limit('ov', 'eternal', 100, '1 minute');
SELECT success, remaining, reset FROM unkey_limit('ov', 'eternal', 100, '1 minute');
SELECT duration > '290000 years' AS long FROM unkey_get_override('ov', 'eternal');
SELECT tests.at(NULL);
