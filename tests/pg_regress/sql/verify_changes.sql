-- Every change counts from the next verification on (section 6), whatever statement made it: by hand on each table.
\pset null '-'
SELECT tests.at('2025-03-14 12:00:00Z') \gset
SELECT unkey_create_api('verify-changes') AS api \gset
SELECT unkey_create_role('verify_changes.r', permissions => '{verify_changes.p}') AS role \gset
SELECT key_id, key FROM unkey_create_key(:'api', external_id => 'verify_changes.user', name => 'before') \gset
SELECT id AS permission FROM unkey.permissions WHERE slug = 'verify_changes.p' \gset
PREPARE ask AS SELECT $1 AS "case", code, name, roles, permissions, identity->>'externalId' AS owner,
    tests.limits(ratelimits) FROM unkey_verify_key($2, ip => '10.0.0.1');
EXECUTE ask('none', :'key');

-- The key itself.
UPDATE unkey.keys SET name = 'after', enabled = false WHERE id = :'key_id';
EXECUTE ask('keys: disabled', :'key');
UPDATE unkey.keys SET enabled = true, expires = '2025-03-14 11:00Z' WHERE id = :'key_id';
EXECUTE ask('keys: expired', :'key');
UPDATE unkey.keys SET expires = NULL, ip_allowlist = '{10.0.0.2}' WHERE id = :'key_id';
EXECUTE ask('keys: address', :'key');
UPDATE unkey.keys SET ip_allowlist = NULL,
    ratelimits = '[{"id": "rl_verify_changes", "name": "rl", "limit": 9, "duration": 60000, "autoApply": true}]' WHERE id = :'key_id';
EXECUTE ask('keys: limit', :'key');
UPDATE unkey.keys SET ratelimits = '[]', deleted_at = now() WHERE id = :'key_id';
EXECUTE ask('keys: deleted', :'key');
UPDATE unkey.keys SET deleted_at = NULL WHERE id = :'key_id';

-- Its API.
UPDATE unkey.apis SET enabled = false WHERE id = :'api';
EXECUTE ask('apis: disabled', :'key');
UPDATE unkey.apis SET enabled = true, ip_allowlist = '{10.0.0.2}' WHERE id = :'api';
EXECUTE ask('apis: address', :'key');
UPDATE unkey.apis SET ip_allowlist = NULL, deleted_at = now() WHERE id = :'api';
EXECUTE ask('apis: deleted', :'key');
UPDATE unkey.apis SET deleted_at = NULL WHERE id = :'api';

-- Permissions and roles.
INSERT INTO unkey.key_permissions (key_id, permission_id) VALUES (:'key_id', :'permission');
EXECUTE ask('key_permissions: insert', :'key');
UPDATE unkey.permissions SET slug = 'verify_changes.q' WHERE id = :'permission';
EXECUTE ask('permissions: slug', :'key');
DELETE FROM unkey.key_permissions WHERE key_id = :'key_id';
EXECUTE ask('key_permissions: delete', :'key');
INSERT INTO unkey.key_roles (key_id, role_id) VALUES (:'key_id', :'role');
EXECUTE ask('key_roles: insert', :'key');
UPDATE unkey.roles SET name = 'verify_changes.s' WHERE id = :'role';
EXECUTE ask('roles: name', :'key');
DELETE FROM unkey.role_permissions WHERE role_id = :'role';
EXECUTE ask('role_permissions: delete', :'key');
INSERT INTO unkey.role_permissions (role_id, permission_id) VALUES (:'role', :'permission');
EXECUTE ask('role_permissions: insert', :'key');
DELETE FROM unkey.permissions WHERE id = :'permission';
EXECUTE ask('permissions: delete', :'key');
DELETE FROM unkey.roles WHERE id = :'role';
EXECUTE ask('roles: delete', :'key');

-- The identity.
UPDATE unkey.identities SET external_id = 'verify_changes.other',
    ratelimits = '[{"id": "rl_verify_changes", "name": "shared", "limit": 9, "duration": 60000, "autoApply": true}]'
WHERE external_id = 'verify_changes.user';
EXECUTE ask('identities: update', :'key');
DELETE FROM unkey.identities WHERE external_id = 'verify_changes.other';
EXECUTE ask('identities: delete', :'key');

-- A whole table at once, and back.
BEGIN;
INSERT INTO unkey.permissions (id, slug, name) VALUES ('perm_verify_changes', 'verify_changes.all', 'all');
INSERT INTO unkey.key_permissions (key_id, permission_id) VALUES (:'key_id', 'perm_verify_changes');
EXECUTE ask('before truncate', :'key');
SAVEPOINT before;
TRUNCATE unkey.key_permissions;
EXECUTE ask('truncate', :'key');
ROLLBACK TO before;
EXECUTE ask('truncate rolled back', :'key');
ROLLBACK;
EXECUTE ask('rolled back', :'key');

-- The text of a key, as its hash.
UPDATE unkey.keys SET hash = sha256('verify_changes_text') WHERE id = :'key_id';
EXECUTE ask('keys: hash', :'key');
EXECUTE ask('keys: hash', 'verify_changes_text');
DELETE FROM unkey.keys WHERE id = :'key_id';
EXECUTE ask('keys: delete', 'verify_changes_text');
INSERT INTO unkey.keys (api_id, hash, name) VALUES (:'api', sha256('verify_changes_text'), 'by hand');
EXECUTE ask('keys: insert', 'verify_changes_text');
SELECT unkey_delete_key(id, permanent => true) FROM unkey.keys WHERE hash = sha256('verify_changes_text') \gset
EXECUTE ask('function: delete', 'verify_changes_text');
DEALLOCATE ask;
