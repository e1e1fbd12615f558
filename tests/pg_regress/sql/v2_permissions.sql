-- permissions.* and what keys are granted, over the v2 dialect.
SELECT tests.at('2026-03-10 12:00:00+00'), tests.root();
\pset null '-'
SELECT unkey_create_api('vp.api') AS api \gset
SELECT key AS key, key_id AS key_id FROM unkey_create_key(:'api', permissions => '{vp.p1}') \gset
SELECT set_config('vp.key', :'key_id', false) \gset
-- What a key has after a change, as its reply and as a verification tells it.
CREATE FUNCTION pg_temp.granted(operation text, list text, OUT status integer, OUT code text, OUT granted text[], OUT detail text) LANGUAGE sql AS $$
    SELECT status, code, (SELECT array_agg(coalesce(row->>'slug', row->>'name') ORDER BY coalesce(row->>'slug', row->>'name') COLLATE "C") FROM jsonb_array_elements(data) AS row), detail
    FROM tests.v2('keys.' || operation, format('{"keyId": "%s", "%s": %s}', current_setting('vp.key'), CASE WHEN operation ~ 'Roles' THEN 'roles' ELSE 'permissions' END, list))
$$;

-- Permissions of a key: the reply shows the direct ones.
SELECT unkey_create_permission('vp.p3') AS p3, unkey_create_role('vp.r1', permissions => '{vp.px}') AS r1, unkey_create_role('vp.r2', 'two') AS r2 \gset
SELECT 'PR-01' AS case, result.* FROM pg_temp.granted('addPermissions', '["vp.p1", "vp.p2"]') AS result;
SELECT 'PR-01' AS case, count(*) AS made FROM unkey_list_permissions(search => 'vp.p2');
SELECT 'PR-04' AS case, result.* FROM pg_temp.granted('removePermissions', '["vp.p1"]') AS result;
SELECT 'PR-05' AS case, result.* FROM pg_temp.granted('removePermissions', '["vp.p3"]') AS result;
SELECT 'F' AS case, result.* FROM pg_temp.granted('removePermissions', '["vp.p2", "vp.nope"]') AS result;
SELECT 'F' AS case, result.* FROM pg_temp.granted('addPermissions', format('["%s"]', :'p3')) AS result;
SELECT 'F' AS case, result.* FROM pg_temp.granted('setPermissions', '["vp.p1", "docs:read", "docs.*", "vp.p1"]') AS result;
SELECT 'PR-07' AS case, result.* FROM pg_temp.granted('setPermissions', '[]') AS result;
SELECT 'PR-07' AS case, data ? 'permissions' AS shown FROM tests.v2('keys.verifyKey', '{"key": "%s"}', :'key');
SELECT 'PR-10' AS case, tests.masked(data) AS data FROM tests.v2('keys.addRoles', '{"keyId": "%s", "roles": ["vp.r1"]}', :'key_id');
SELECT 'PR-10' AS case, data->'roles' AS roles, data->'permissions' AS permissions FROM tests.v2('keys.verifyKey', '{"key": "%s"}', :'key');
-- Only an exact set can be empty.
SELECT 'F' AS case, operation, result.status, code, location FROM unnest('{addPermissions,removePermissions}'::text[]) AS operation, tests.v2('keys.' || operation, '{"keyId": "%s", "permissions": []}', :'key_id') AS result
UNION ALL SELECT 'F', operation, result.status, code, location FROM unnest('{addRoles,removeRoles}'::text[]) AS operation, tests.v2('keys.' || operation, '{"keyId": "%s", "roles": []}', :'key_id') AS result;
SELECT 'PR-08' AS case, tests.masked(data) AS data FROM tests.v2('keys.addPermissions', '{"keyId": "%s", "permissions": ["vp.p1"]}', :'key_id');
SELECT 'PR-11' AS case, result.* FROM pg_temp.granted('addRoles', '["vp.r2", "vp.nope"]') AS result;
SELECT 'PR-13' AS case, result.* FROM pg_temp.granted('addRoles', format('["%s"]', :'r2')) AS result;
SELECT 'F' AS case, operation, list, result.* FROM (VALUES ('removeRoles', '["vp.r1"]'), ('removeRoles', '["vp.r1"]'), ('setRoles', '["vp.r1"]'), ('setRoles', '["vp.nope"]'), ('setRoles', '[]'), ('setRoles', '["vp.r1", "vp.r2", "vp.r1"]')) AS changes(operation, list), pg_temp.granted(operation, list) AS result;
SELECT 'PR-14' AS case, result.status FROM tests.v2('permissions.setRolePermissions', '{"roleId": "vp.r2", "permissions": ["vp.later"]}') AS result;
SELECT 'PR-14' AS case, code FROM tests.v2('keys.verifyKey', '{"key": "%s", "permissions": "vp.later"}', :'key');
SELECT 'F' AS case, operation, left(list, 40) AS list, result.status, code, left(detail, 90) AS detail
FROM (VALUES ('addPermissions', '["a b"]'), ('setPermissions', 'null'), ('addPermissions', '[null]'), ('setPermissions', '{}'), ('setPermissions', to_json(array_fill('vp.p'::text, '{1001}'))::text),
    ('setRoles', to_json(array_fill('vp.r'::text, '{101}'))::text), ('setRoles', '[1]'), ('addRoles', '[""]')) AS wrong(operation, list), pg_temp.granted(operation, list) AS result;

-- Permissions themselves.
SELECT 'G.4' AS case, result.status, result.data->>'permissionId' ~ '^perm_' AS id FROM tests.v2('permissions.createPermission', '{"name": "Named", "slug": "vp.named", "description": "what for"}') AS result;
SELECT 'PR-19' AS case, by_slug.data = by_id.data AS same, tests.masked(by_id.data) AS data FROM tests.v2('permissions.getPermission', '{"permission": "vp.named"}') AS by_slug, tests.v2('permissions.getPermission', '{"permission": "%s"}', by_slug.data->>'id') AS by_id;
SELECT 'PR-19' AS case, tests.masked(data) AS data FROM tests.v2('permissions.getPermission', '{"permission": "vp.p2"}');
SELECT 'G.4' AS case, patch, result.status, code, location, tests.masked(result.data) AS data FROM unnest(ARRAY['"slug": "vp.renamed"', '"name": "Other", "description": null', '"slug": "vp.p1"', '"slug": "1abc"', '"name": ""', '"name": null', '"slug": null', '"x": 1', '"description": ""']) AS patch,
    (SELECT data->>'id' AS id FROM tests.v2('permissions.getPermission', '{"permission": "vp.named"}')) AS named, tests.v2('permissions.updatePermission', '{"permission": "%s", ' || patch || '}', named.id) AS result;
SELECT 'PR-16' AS case, body, result.status, code, location FROM unnest(ARRAY['{"name": "n", "slug": "1abc"}', '{"name": "n", "slug": "a:b"}', '{"name": "n", "slug": ""}', '{"name": "", "slug": "vp.x"}', '{"slug": "vp.x"}', '{"name": "n"}', '{"name": "n", "slug": "vp.x", "description": null}', '{"name": "n", "slug": "vp.x", "y": 1}',
    '{"name": "n", "slug": "vp.p1"}']) AS body, tests.v2('permissions.createPermission', body) AS result;
SELECT 'PR-17' AS case, code FROM tests.v2('keys.verifyKey', '{"key": "%s", "permissions": "vp.p1"}', :'key');
SELECT 'PR-17' AS case, status, data FROM tests.v2('permissions.deletePermission', '{"permission": "vp.p1"}');
SELECT 'PR-17' AS case, code FROM tests.v2('keys.verifyKey', '{"key": "%s", "permissions": "vp.p1"}', :'key');

-- Roles themselves.
SELECT 'G.4' AS case, result.status, result.data->>'roleId' ~ '^role_' AS id FROM tests.v2('permissions.createRole', '{"name": "vp.role", "description": "what for", "permissions": ["vp.a", "vp.b"]}') AS result;
SELECT 'G.4' AS case, tests.masked(data) AS data FROM tests.v2('permissions.getRole', '{"role": "vp.role"}');
SELECT 'G.4' AS case, tests.masked(bare.data) AS data FROM tests.v2('permissions.createRole', '{"name": "vp.bare"}') AS made, tests.v2('permissions.getRole', '{"role": "%s"}', made.data->>'roleId') AS bare;
SELECT 'PR-20' AS case, body, result.status, code, location FROM unnest(ARRAY['{"name": "vp.role"}', '{"name": "1abc"}', '{"name": ""}', '{}', '{"name": "vp.x", "description": null}', '{"name": "vp.x", "permissions": null}', '{"name": "vp.x", "permissions": ["a b"]}', '{"name": "vp.x", "y": 1}']) AS body, tests.v2('permissions.createRole', body) AS result;
SELECT 'PR-22' AS case, list, result.status, tests.masked(result.data) AS data FROM unnest(ARRAY['["vp.b", "vp.c"]', '[]', '["vp.a"]']) AS list, tests.v2('permissions.setRolePermissions', '{"roleId": "vp.role", "permissions": ' || list || '}') AS result;
SELECT 'PR-22' AS case, result.status, jsonb_path_query_array(result.data, '$[*].slug') AS slugs FROM tests.v2('permissions.setRolePermissions', '{"role": "vp.role", "permissions": ["vp.a"]}') AS result;
SELECT 'PR-22' AS case, tests.masked(data->'permissions') AS permissions FROM tests.v2('permissions.getRole', '{"role": "vp.role"}');
SELECT 'G.4' AS case, patch, result.status, code, location, tests.masked(result.data) AS data FROM unnest(ARRAY['"name": "vp.role2", "description": null', '"name": "vp.r1"', '"name": null', '"name": "1"', '"permissions": []']) AS patch,
    (SELECT data->>'id' AS id FROM tests.v2('permissions.getRole', '{"role": "vp.role"}')) AS named, tests.v2('permissions.updateRole', '{"role": "%s", ' || patch || '}', named.id) AS result;
SELECT 'F' AS case, status, data FROM tests.v2('permissions.deleteRole', '{"role": "vp.r2"}');
SELECT 'F' AS case, data->'roles' AS roles FROM tests.v2('keys.verifyKey', '{"key": "%s"}', :'key');
SELECT 'PR-23' AS case, operation, result.status, code FROM unnest('{getRole,deleteRole,updateRole,getPermission,deletePermission,updatePermission}'::text[]) AS operation,
    tests.v2('permissions.' || operation, '{"' || CASE WHEN operation ~ 'Role' THEN 'role' ELSE 'permission' END || '": "vp.nope"}') AS result;
SELECT 'PR-22' AS case, body, result.status, code, location FROM unnest(ARRAY['{"roleId": "vp.nope", "permissions": []}', '{"roleId": "vp.role"}', '{"permissions": []}', '{"roleId": "vp.r1", "permissions": null}']) AS body, tests.v2('permissions.setRolePermissions', body) AS result;

-- Lists.
SELECT count(tests.v2('permissions.createRole', '{"name": "vp.list%s"}', n::text)) AS roles, count(tests.v2('permissions.createPermission', '{"name": "n", "slug": "vp.list%s"}', n::text)) AS permissions FROM generate_series(1, 5) AS n;
SELECT 'G.4' AS case, operation, page, rows, has_more FROM unnest('{permissions.listRoles,permissions.listPermissions}'::text[]) AS operation, tests.pages(operation, '{"search": "VP.list", "limit": 2}');
SELECT 'G.4' AS case, operation, count(*), count(DISTINCT id) AS distinct, array_agg(id ORDER BY page, at) = array_agg(id ORDER BY id COLLATE "C") AS by_id
FROM unnest('{permissions.listRoles,permissions.listPermissions}'::text[]) AS operation, tests.pages(operation, '{"search": "vp.list", "limit": 2}'), unnest(ids) WITH ORDINALITY AS row(id, at) GROUP BY operation ORDER BY operation;
SELECT 'G.4' AS case, body, result.status, code, location FROM unnest(ARRAY['{"limit": 0}', '{"limit": 101}', '{"cursor": null}', '{"x": 1}']) AS body, unnest('{permissions.listRoles,permissions.listPermissions}'::text[]) AS operation, tests.v2(operation, body) AS result ORDER BY operation, body COLLATE "C";

-- PR-02: what must be made needs rbac.*.create_permission, and nothing is attached without it.
SELECT tests.root(ARRAY['api.*.update_key', 'rbac.*.add_permission_to_key']) \gset
SELECT 'PR-02' AS case, result.* FROM pg_temp.granted('addPermissions', '["vp.a", "vp.fresh"]') AS result;
SELECT 'PR-02' AS case, result.* FROM pg_temp.granted('setPermissions', '["vp.a", "vp.fresh"]') AS result;
SELECT 'PR-02' AS case, result.* FROM pg_temp.granted('addPermissions', '["vp.c"]') AS result;
