-- The permission query of keys.verifyKey over the v2 dialect (section C.5): what is evaluated, and what is answered with 400.
SELECT tests.at('2026-03-10 12:00:00+00'), tests.root();
\pset null '-'
SELECT unkey_create_api('vq.api') AS api \gset
SELECT data->>'key' AS key FROM tests.v2('keys.createKey', '{"apiId": "%s", "credits": {"remaining": 1000},
    "permissions": ["p1", "p2", "docs.read", "docs.*", "a:b", "a/b", "x-y", "android", "ORDERS"]}', :'api') \gset
SELECT set_config('vq.key', :'key', false) \gset
-- Verifies that key, or another one, with this query.
CREATE FUNCTION pg_temp.asked(query text, key text DEFAULT current_setting('vq.key'), OUT status integer, OUT code text, OUT location text, OUT detail text, OUT credits bigint) LANGUAGE sql AS
$$SELECT status, code, location, detail, (data->>'credits')::bigint FROM tests.v2('keys.verifyKey', jsonb_build_object('key', key, 'permissions', query)::text)$$;
SELECT 'the key' AS case, data->'permissions' AS permissions FROM tests.v2('keys.verifyKey', '{"key": "%s", "credits": {"cost": 0}}', :'key');

-- Evaluated. A refusal is a verdict with status 200, and costs nothing.
SELECT id AS case, query, asked.status, code, credits FROM (VALUES
    (1, 'PQ-04', 'p1 AND p9'),
    (2, 'PQ-04', 'p9 AND p1'),
    (3, 'PQ-05', 'p9 OR p2'),
    (4, 'PQ-05', 'p9 OR p8'),
    (5, 'PQ-07', 'p1 OR p9 AND p8'),
    (6, 'PQ-08', '(p1 OR p9) AND p8'),
    (7, 'PQ-08', 'p8 AND (p9 OR p1)'),
    (8, 'PQ-08', 'p1 AND (p9 OR p2)'),
    (9, 'PQ-10', 'p1 and p2 Or p9'),
    (10, 'PQ-10', 'p9 oR p1 aNd p2'),
    (11, 'PQ-11', 'P1'),
    (12, 'PQ-11', 'orders'),
    (13, 'PQ-11', 'ORDERS and android'),
    (14, 'PQ-13', 'docs.*'),
    (15, 'PQ-14', 'docs.write'),
    (16, 'PQ-14', 'docs.read.*'),
    (17, 'PQ-14', '*'),
    (18, 'C.5', 'a:b AND a/b AND x-y AND docs.read'),
    (19, 'PQ-16', '((((p1))))'),
    (20, 'PQ-16', '((p1 OR p9)AND(p2 OR p8))'),
    (21, 'PQ-17', E'\tp1\r\nAND\n  (p2\t)  ')
) AS queries(n, id, query), pg_temp.asked(query) AS asked ORDER BY n;

-- Not to be parsed: what was found, and where, in characters from 0.
\pset format unaligned
SELECT id AS case, query, asked.status, code, location, detail, credits FROM (VALUES
    (1, 'PQ-20', 'AND p1'),
    (2, 'PQ-20', ' or p1'),
    (3, 'PQ-22', '(p1 AND p2'),
    (4, 'PQ-22', '((p1)'),
    (5, 'PQ-22', '('),
    (6, 'PQ-23', 'p1)'),
    (7, 'PQ-23', '(p1))'),
    (8, 'PQ-23', ')'),
    (9, 'PQ-25', 'p1 AND OR p2'),
    (10, 'PQ-25', 'p1 AND AND p2'),
    (11, 'PQ-26', 'p1$'),
    (12, 'PQ-26', 'p1,p2'),
    (13, 'PQ-26', 'p1 AND é'),
    (14, 'C.5', ' '),
    (15, 'C.5', 'p1 p2'),
    (16, 'C.5', '()'),
    (17, 'C.5', 'NOT p1')
) AS queries(n, id, query), pg_temp.asked(query) AS asked ORDER BY n;
\pset format aligned
SELECT 'spent' AS case, credits FROM unkey_whoami(:'key');

-- PQ-31: deep nesting, as deep as a query can be, closed or not.
SELECT 'PQ-31' AS case, asked.status, code FROM pg_temp.asked(repeat('(', 400) || 'p1' || repeat(')', 400)) AS asked;
SELECT 'PQ-31' AS case, asked.status, code FROM pg_temp.asked('p9' || repeat(' OR(p1', 142) || repeat(')', 142)) AS asked;
SELECT 'PQ-31' AS case, asked.status, code, detail FROM pg_temp.asked(repeat('(', 1000)) AS asked;

-- A role's permissions count as the key's own, from the next call after they change; its name is no permission.
SELECT status FROM tests.v2('permissions.createRole', '{"name": "vq.role", "permissions": ["vq.read"]}');
SELECT data->>'key' AS member FROM tests.v2('keys.createKey', '{"apiId": "%s", "roles": ["vq.role"], "permissions": ["vq.own"]}', :'api') \gset
SELECT 'PQ-32' AS case, query, code FROM unnest('{vq.read AND vq.own,vq.write,vq.role}'::text[]) AS query, pg_temp.asked(query, :'member');
SELECT status FROM tests.v2('permissions.setRolePermissions', '{"roleId": "vq.role", "permissions": ["vq.write"]}');
SELECT 'PQ-32' AS case, query, code FROM unnest('{vq.read AND vq.own,vq.write,vq.role}'::text[]) AS query, pg_temp.asked(query, :'member');
