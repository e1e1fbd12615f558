-- Every key has one role and one or two permissions of its own.
SET session_replication_role = replica;

INSERT INTO unkey.key_roles (key_id, role_id)
SELECT key.id, role.id FROM numbered_keys AS key JOIN numbered_roles AS role ON role.n = key.n / 7 % 100;

INSERT INTO unkey.key_permissions (key_id, permission_id)
SELECT key.id, permission.id
FROM numbered_keys AS key CROSS JOIN generate_series(0, key.n % 2) AS i
JOIN numbered_permissions AS permission ON permission.n = (key.n / 3 + i * 50) % 100;
