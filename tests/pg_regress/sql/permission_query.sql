-- The permission query language (section C.5).
\pset null '-'
SELECT unkey_create_api('permission-query') AS api \gset
SELECT key FROM unkey_create_key(:'api', permissions => '{p1,p2,docs.read,docs.*,a:b,a/b,x-y,android,ORDERS}') \gset
SELECT 'the key' AS "case", permissions FROM unkey_verify_key(:'key');

-- Queries that are evaluated. C.5: by the grammar, not in a numbered case.
SELECT "case", query, code FROM (VALUES
    (1, 'PQ-01', 'p1'),
    (2, 'PQ-02', 'p9'),
    (3, 'C.5', 'p1 AND p2'),
    (4, 'PQ-04', 'p1 AND p9'),
    (5, 'PQ-05', 'p9 OR p2'),
    (6, 'C.5', 'p9 OR p8'),
    (7, 'PQ-07', 'p1 OR p9 AND p8'),
    (8, 'PQ-07', 'p8 AND p9 OR p1'),
    (9, 'PQ-07', 'p9 AND p1 OR p8 AND p2'),
    (10, 'PQ-07', 'p9 AND p1 OR p2 AND p1'),
    (11, 'PQ-08', '(p1 OR p9) AND p8'),
    (12, 'C.5', 'p8 AND (p9 OR p1)'),
    (13, 'C.5', 'p1 AND (p9 OR p2)'),
    (14, 'PQ-10', 'p1 and p2 Or p9'),
    (15, 'PQ-10', 'p9 oR p1 aNd p2'),
    (16, 'PQ-11', 'P1'),
    (17, 'PQ-11', 'orders'),
    (18, 'C.5', 'android AND ORDERS'),
    (19, 'C.5', 'and.x OR orange OR android'),
    (20, 'PQ-13', 'docs.*'),
    (21, 'PQ-14', 'docs.write'),
    (22, 'PQ-14', '*'),
    (23, 'PQ-14', 'docs.read.*'),
    (24, 'C.5', 'a:b AND a/b AND x-y AND docs.read'),
    (25, 'C.5', 'a_b'),
    (26, 'PQ-16', '((((p1))))'),
    (27, 'PQ-16', '(p1)AND(p2)'),
    (28, 'PQ-16', '((p1 OR p9)AND(p2 OR p8))'),
    (29, 'PQ-17', E'\tp1\r\nAND\n  (p2\t)  ')
) AS q (n, "case", query), unkey_verify_key(:'key', permissions => query) ORDER BY n;

-- Queries that can't be parsed: what was found, and where, in characters from 0.
\pset format unaligned
SELECT "case", query, state, message FROM (VALUES
    (1, 'C.5', ' '),
    (2, 'C.5', E' \t\n'),
    (3, 'PQ-19', 'p1 AND'),
    (4, 'PQ-19', 'p1 OR '),
    (5, 'PQ-19', '(p1 OR '),
    (6, 'PQ-20', 'AND p1'),
    (7, 'PQ-20', ' or p1'),
    (8, 'PQ-20', '(or p1)'),
    (9, 'PQ-20', 'AND'),
    (10, 'C.5', '()'),
    (11, 'C.5', 'p1 AND ()'),
    (12, 'PQ-22', '(p1 AND p2'),
    (13, 'PQ-22', '((p1)'),
    (14, 'PQ-22', '('),
    (15, 'PQ-23', 'p1)'),
    (16, 'PQ-23', ')'),
    (17, 'PQ-23', '(p1))'),
    (18, 'C.5', 'p1 p2'),
    (19, 'C.5', '(p1 p2)'),
    (20, 'C.5', 'p1(p2)'),
    (21, 'C.5', '(p1)(p2)'),
    (22, 'C.5', 'NOT p1'),
    (23, 'PQ-25', 'p1 AND OR p2'),
    (24, 'PQ-25', 'p1 AND AND p2'),
    (25, 'PQ-26', 'p1 & p2'),
    (26, 'PQ-26', 'p1$'),
    (27, 'PQ-26', 'p1,p2'),
    (28, 'PQ-26', 'p1 && p2'),
    (29, 'PQ-26', '"p1"'),
    (30, 'PQ-26', 'p1 AND é'),
    (31, 'PQ-26', E'p1\u00a0AND p2'),
    (32, 'PQ-26', E'p1\fAND p2')
) AS q (n, "case", query), tests.error(format('SELECT unkey_verify_key(%L, permissions => %L)', :'key', query)) ORDER BY n;
-- All give the same hint.
SELECT 'PQ-19' AS "case", hint FROM tests.error(format('SELECT unkey_verify_key(%L, permissions => ''p1 AND'')', :'key'));
\pset format aligned

-- PQ-28, PQ-29: 1 to 1000 characters, whatever the key.
SELECT 'PQ-28' AS "case", e.* FROM tests.error(format('SELECT unkey_verify_key(%L, permissions => '''')', :'key')) AS e;
SELECT 'PQ-29' AS "case", e.*
FROM tests.error(format('SELECT unkey_verify_key(%L, permissions => repeat('' '', 999) || ''p1'')', :'key')) AS e;
SELECT 'PQ-29' AS "case", e.* FROM tests.error('SELECT unkey_verify_key(''unknown'', permissions => repeat(''é'', 1001))') AS e;
SELECT 'PQ-29' AS "case", code FROM unkey_verify_key(:'key', permissions => repeat(' ', 998) || 'p1');
SELECT 'PQ-29' AS "case", code FROM unkey_verify_key(:'key', permissions => 'p1' || repeat(' OR p1', 166) || '  ');
SELECT 'PQ-29' AS "case", e.state, split_part(e.message, ': ', 2) AS mistake
FROM tests.error(format('SELECT unkey_verify_key(%L, permissions => repeat(''é'', 1000))', :'key')) AS e;

-- No query, no check.
SELECT 'C.5' AS "case", code FROM unkey_verify_key(:'key', permissions => NULL);

-- PQ-31: deep nesting.
SELECT 'PQ-31' AS "case", code FROM unkey_verify_key(:'key', permissions => repeat('(', 400) || 'p1' || repeat(')', 400));
SELECT 'PQ-31' AS "case", code FROM unkey_verify_key(:'key', permissions => 'p9' || repeat(' OR(p1', 142) || repeat(')', 142));
SELECT 'PQ-31' AS "case", split_part(message, ': ', 2) AS mistake
FROM tests.error(format('SELECT unkey_verify_key(%L, permissions => repeat(''('', 1000))', :'key'));

-- PQ-32: a permission that comes with a role only, also one added to the role later.
SELECT unkey_create_role('permission_query.reader', permissions => '{permission_query.read}') \gset
SELECT key_id AS member_id, key AS member FROM unkey_create_key(:'api', roles => '{permission_query.reader}') \gset
SELECT 'PQ-32' AS "case", code FROM unkey_verify_key(:'member', permissions => 'permission_query.read');
SELECT 'PQ-32' AS "case", code FROM unkey_verify_key(:'member', permissions => 'permission_query.write');
SELECT 'PQ-32' AS "case", slug FROM unkey_set_role_permissions('permission_query.reader', '{permission_query.write}');
SELECT 'PQ-32' AS "case", code FROM unkey_verify_key(:'member', permissions => 'permission_query.write');
SELECT 'PQ-32' AS "case", code FROM unkey_verify_key(:'member', permissions => 'permission_query.read');
-- The name of a role is not a permission.
SELECT 'PQ-32' AS "case", code FROM unkey_verify_key(:'member', permissions => 'permission_query.reader');

-- An id of a permission is not one either; a slug changed is the permission from then on.
SELECT 'slug' AS "case", code FROM unkey.permissions, unkey_verify_key(:'member', permissions => id)
WHERE slug = 'permission_query.write';
SELECT unkey_update_permission('permission_query.write', '{"slug": "permission_query.edit"}') \gset
SELECT 'slug' AS "case", code FROM unkey_verify_key(:'member', permissions => 'permission_query.write');
SELECT 'slug' AS "case", code FROM unkey_verify_key(:'member', permissions => 'permission_query.edit');

-- An unknown key is not found, whatever the query.
SELECT 'unknown' AS "case", code FROM unkey_verify_key('permission_query_unknown', permissions => 'p1 AND');
