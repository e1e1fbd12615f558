-- Views.

CREATE VIEW unkey.effective_permissions AS
    SELECT direct.key_id, permission.slug
    FROM unkey.key_permissions AS direct
    JOIN unkey.permissions AS permission ON permission.id = direct.permission_id
    UNION
    SELECT link.key_id, permission.slug
    FROM unkey.key_roles AS link
    JOIN unkey.role_permissions AS grants ON grants.role_id = link.role_id
    JOIN unkey.permissions AS permission ON permission.id = grants.permission_id;
COMMENT ON VIEW unkey.effective_permissions IS 'Permissions that count in a verification: direct and through roles, each once per key.';
COMMENT ON COLUMN unkey.effective_permissions.key_id IS 'Id of the key.';
COMMENT ON COLUMN unkey.effective_permissions.slug IS 'Slug of the permission.';
