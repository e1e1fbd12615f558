-- Permissions and roles: their own life, and giving them to keys.
SELECT unkey_create_api('access') AS api_id \gset
SELECT * FROM unkey_create_key(:'api_id', permissions => '{ac.p1}') \gset

-- PR-01: adding, also what the key has already; what is missing is made.
SELECT 'PR-01' AS "case", slug, name, description, id ~ '^perm_' AS id FROM unkey_add_permissions(:'key_id', '{ac.p1,ac.p2,ac.p2}');
SELECT 'PR-01' AS "case", code, permissions FROM unkey_verify_key(:'key', 'ac.p1 AND ac.p2');
-- PR-04, PR-05: taking away; what exists but is not on the key is no mistake.
SELECT 'PR-04' AS "case", slug FROM unkey_remove_permissions(:'key_id', '{ac.p1}');
SELECT 'PR-05' AS "case", unkey_create_permission('ac.p3') ~ '^perm_' AS id;
SELECT 'PR-05' AS "case", slug FROM unkey_remove_permissions(:'key_id', '{ac.p3}');
-- PR-07: exactly these, or none.
SELECT 'PR-07' AS "case", slug FROM unkey_set_permissions(:'key_id', '{ac.new,ac.p3}');
SELECT 'PR-07' AS "case", count(*) AS none FROM unkey_set_permissions(:'key_id', '{}');
SELECT 'PR-07' AS "case", code, permissions FROM unkey_verify_key(:'key');
-- By id; ids and slugs mixed; empty lists change nothing.
SELECT id AS p1_id FROM unkey_get_permission('ac.p1') \gset
SELECT 'by id' AS permissions, slug FROM unkey_add_permissions(:'key_id', ARRAY[:'p1_id', 'ac.p1', 'ac.p2']);
SELECT 'by id' AS permissions, slug FROM unkey_remove_permissions(:'key_id', ARRAY[:'p1_id']);
SELECT 'none added' AS permissions, slug FROM unkey_add_permissions(:'key_id', '{}');
SELECT 'none removed' AS permissions, slug FROM unkey_remove_permissions(:'key_id', '{}');
SELECT 'by id' AS permissions, slug FROM unkey_set_permissions(:'key_id', ARRAY[:'p1_id']);
-- All characters that a slug made for a key may have, and how long it may be.
SELECT slug = name AS same, left(slug, 12) AS slug, length(slug)
FROM unkey_set_permissions(:'key_id', ARRAY['ac:x', 'ac.*', 'ac/y', '1ac', '*', rpad('ac.longest', 100, 'x')]);
SELECT 'ac.none' AS slug, error.* FROM tests.error(format('SELECT unkey_remove_permissions(%L, ''{ac.p1,ac.none}'')', :'key_id')) AS error;
SELECT slug FROM unkey_set_permissions(:'key_id', '{ac.p1}');

-- PR-08, PR-10: the reply shows what is direct; the verdict counts what comes through roles too.
SELECT unkey_create_role('ac.r1', 'first', '{ac.x2,ac.x1}') AS r1_id, unkey_create_role('ac.r2') AS r2_id \gset
SELECT 'PR-10' AS "case", name, description, permissions, id = :'r1_id' AS id FROM unkey_add_roles(:'key_id', '{ac.r1}');
SELECT 'PR-10' AS "case", roles, permissions FROM unkey_verify_key(:'key');
SELECT 'PR-08' AS "case", slug FROM unkey_add_permissions(:'key_id', '{ac.p2}');
-- A permission held both ways is shown once and stays when one way ends.
SELECT slug FROM unkey_add_permissions(:'key_id', '{ac.x1}');
SELECT permissions FROM unkey_verify_key(:'key', 'ac.x1');
SELECT slug FROM unkey_remove_permissions(:'key_id', '{ac.x1}');
SELECT code, permissions FROM unkey_verify_key(:'key', 'ac.x1');
-- PR-11: an unknown role, and none is given.
SELECT 'PR-11' AS "case", error.* FROM tests.error(format('SELECT unkey_add_roles(%L, ''{ac.r2,ac.nope}'')', :'key_id')) AS error;
SELECT 'PR-11' AS "case", roles FROM unkey_verify_key(:'key');
-- PR-13: by id; removing and setting by either; what the key does not have is no mistake.
SELECT 'PR-13' AS "case", name, permissions FROM unkey_add_roles(:'key_id', ARRAY[:'r2_id', 'ac.r2', :'r1_id']);
SELECT 'removed' AS roles, name FROM unkey_remove_roles(:'key_id', ARRAY[:'r1_id']);
SELECT 'removed' AS roles, name FROM unkey_remove_roles(:'key_id', '{ac.r1}');
SELECT 'set' AS roles, name FROM unkey_set_roles(:'key_id', ARRAY['ac.r1', :'r1_id']);
SELECT 'set' AS roles, count(*) AS none FROM unkey_set_roles(:'key_id', '{}');
SELECT 'none' AS roles, roles, permissions FROM unkey_verify_key(:'key');
SELECT function, error.* FROM unnest(ARRAY['add', 'remove', 'set']) AS function,
    tests.error(format('SELECT unkey_%s_roles(%L, ''{ac.r1,ac.nope}'')', function, :'key_id')) AS error;
-- PR-14: what a role gets later counts at once; PR-22: a role has exactly what was set.
SELECT count(*) FROM unkey_set_roles(:'key_id', '{ac.r1}');
SELECT 'PR-14' AS "case", code FROM unkey_verify_key(:'key', 'ac.later');
SELECT 'PR-22' AS "case", slug FROM unkey_set_role_permissions('ac.r1', '{ac.x1,ac.later,ac.later}');
SELECT 'PR-14' AS "case", code, permissions FROM unkey_verify_key(:'key', 'ac.later');
SELECT 'PR-22' AS "case", permissions FROM unkey_get_role('ac.r1');
SELECT 'PR-22' AS "case", slug FROM unkey_set_role_permissions(:'r1_id', ARRAY['ac.x2', :'p1_id']);
SELECT 'PR-22' AS "case", count(*) AS none FROM unkey_set_role_permissions('ac.r1', '{}');
SELECT 'PR-22' AS "case", permissions FROM unkey_get_role('ac.r1');

-- PR-16: slugs of permissions made on purpose start with a letter and have letters, digits, '.', '_', '-'.
SELECT "case", left(arguments, 30) AS arguments, error.*
FROM (VALUES ('PR-16', '''1abc'''), ('PR-16', '''a:b'''), ('PR-16', '''a*'''), ('PR-16', '''a/b'''), ('', ''''''), ('', 'NULL'),
    ('', quote_literal(repeat('a', 129))), ('', '''ac.bad'', '''''), ('', '''ac.bad'', ' || quote_literal(repeat('n', 513))),
    ('', '''ac.bad'', NULL, ' || quote_literal(repeat('d', 513)))) AS wrong("case", arguments),
    tests.error(format('SELECT unkey_create_permission(%s)', arguments)) AS error;
SELECT unkey_create_permission('ac.full', repeat('n', 512), repeat('d', 512)) AS full_id, unkey_create_permission(rpad('ac.long', 128, '-')) AS long_id \gset
SELECT slug, length(name) AS name, length(description) AS description FROM unkey_get_permission('ac.full');
SELECT left(slug, 10) AS slug, length(slug), length(name) AS name, description FROM unkey_get_permission(:'long_id');
SELECT 'taken' AS slug, error.* FROM tests.error($$SELECT unkey_create_permission('ac.full')$$) AS error;
SELECT 'other case' AS slug, unkey_create_permission('ac.FULL') IS NOT NULL AS made;
-- The longest slug that can be made can be given by slug.
SELECT length(slug) FROM unkey_add_permissions(:'key_id', ARRAY[rpad('ac.long', 128, '-')]) WHERE slug LIKE 'ac.long%';
SELECT length(slug) FROM unkey_set_role_permissions('ac.r2', ARRAY[rpad('ac.long', 128, '-')]);
-- PR-19: by slug and by id the same.
SELECT 'PR-19' AS "case", by_slug = by_id AS same, by_id.id = :'full_id' AS id
FROM unkey_get_permission('ac.full') AS by_slug, unkey_get_permission(:'full_id') AS by_id;
SELECT 'PR-19' AS "case", reference, error.* FROM unnest(ARRAY['ac.none', '', 'perm_nope', NULL]) AS reference,
    tests.error(format('SELECT unkey_get_permission(%L)', reference)) AS error;
-- Changes: absent keeps, null clears the description; links stay whatever the slug.
SELECT unkey_update_permission('ac.x1', '{}');
SELECT unkey_update_permission('ac.x1', '{"name": "Renamed", "description": "why"}');
SELECT slug, name, description FROM unkey_get_permission('ac.x1');
SELECT count(*) FROM unkey_set_permissions(:'key_id', '{ac.x1}');
SELECT unkey_update_permission('ac.x1', '{"slug": "ac.y1", "description": null}');
SELECT slug, name, description FROM unkey_get_permission('ac.y1');
SELECT code, permissions FROM unkey_verify_key(:'key', 'ac.y1');
SELECT code FROM unkey_verify_key(:'key', 'ac.x1');
SELECT patch, error.* FROM unnest(ARRAY['{"slug": "ac.full"}', '{"slug": "1x"}', '{"slug": null}', '{"name": null}', '{"name": ""}', '{"description": 5}',
    '{"foo": 1}', '7']) AS patch, tests.error(format('SELECT unkey_update_permission(''ac.y1'', %L)', patch)) AS error;
SELECT unkey_update_permission('ac.y1', '{"slug": "ac.y1"}');
SELECT slug, name, description FROM unkey_get_permission('ac.y1');
-- PR-17: deleted, it is taken from every key and role.
SELECT count(*) FROM unkey_set_role_permissions('ac.r2', '{ac.y1,ac.x2}');
SELECT 'PR-17' AS "case", unkey_delete_permission('ac.y1');
SELECT 'PR-17' AS "case", code, permissions FROM unkey_verify_key(:'key', 'ac.y1');
SELECT 'PR-17' AS "case", permissions FROM unkey_get_role('ac.r2');
SELECT statement, error.* FROM unnest(ARRAY['unkey_delete_permission(''ac.y1'')', 'unkey_update_permission(''ac.y1'', ''{}'')', 'unkey_delete_permission(NULL)',
    'unkey_update_permission(NULL, ''{}'')', 'unkey_update_permission(''ac.full'', NULL)']) AS statement, tests.error('SELECT ' || statement) AS error;
SELECT unkey_delete_permission(:'long_id');

-- PR-20: names of roles are unique; their limits.
SELECT "case", left(arguments, 30) AS arguments, error.*
FROM (VALUES ('PR-20', '''ac.r1'''), ('', ''''''), ('', '''1abc'''), ('', '''a b'''), ('', '''a:b'''), ('', quote_literal(repeat('r', 513))), ('', 'NULL'),
    ('', '''ac.bad'', ' || quote_literal(repeat('d', 513))), ('', '''ac.bad'', NULL, ''{"a b"}'''), ('', '''ac.bad'', NULL, ''{NULL}'''))
    AS wrong("case", arguments), tests.error(format('SELECT unkey_create_role(%s)', arguments)) AS error;
SELECT unkey_create_role(rpad('ac.long', 512, '-'), repeat('d', 512), ARRAY[:'p1_id', 'ac.p1', 'ac.made-for-role']) AS long_id \gset
SELECT length(name) AS name, length(description) AS description, permissions FROM unkey_get_role(:'long_id');
-- PR-23: unknown roles; by name and by id the same.
SELECT 'PR-23' AS "case", reference, error.* FROM unnest(ARRAY['ac.none', '', 'role_nope', NULL]) AS reference,
    tests.error(format('SELECT unkey_get_role(%L)', reference)) AS error;
SELECT 'PR-23' AS "case", by_name = by_id AS same FROM unkey_get_role('ac.r1') AS by_name, unkey_get_role(:'r1_id') AS by_id;
-- Changes: keys keep a role under its new name.
SELECT unkey_update_role('ac.r1', '{"name": "ac.renamed", "description": null}');
SELECT name, description, id = :'r1_id' AS id FROM unkey_get_role('ac.renamed');
SELECT roles FROM unkey_verify_key(:'key');
SELECT patch, error.* FROM unnest(ARRAY['{"name": "ac.r2"}', '{"name": null}', '{"name": "1"}', '{"permissions": []}', 'true']) AS patch,
    tests.error(format('SELECT unkey_update_role(%L, %L)', :'r1_id', patch)) AS error;
-- Deleted, it is taken from every key.
SELECT unkey_delete_role('ac.renamed'), unkey_delete_role(:'long_id');
SELECT code, roles FROM unkey_verify_key(:'key');
SELECT statement, error.* FROM unnest(ARRAY['unkey_delete_role(''ac.renamed'')', 'unkey_update_role(''ac.renamed'', ''{}'')',
    'unkey_set_role_permissions(''ac.renamed'', ''{}'')', 'unkey_delete_role(NULL)', 'unkey_update_role(NULL, ''{}'')', 'unkey_update_role(''ac.r2'', NULL)',
    'unkey_set_role_permissions(NULL, ''{}'')', 'unkey_set_role_permissions(''ac.r2'', NULL)', 'unkey_set_role_permissions(''ac.r2'', ''{a,NULL}'')']) AS statement,
    tests.error('SELECT ' || statement) AS error;
