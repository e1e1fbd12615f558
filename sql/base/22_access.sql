-- Permissions and roles.

CREATE TYPE unkey.permission_details AS (id text, slug text, name text, description text);
COMMENT ON TYPE unkey.permission_details IS 'A permission. Keys and roles refer to it by slug or id.';
COMMENT ON COLUMN unkey.permission_details.id IS 'perm_…';
COMMENT ON COLUMN unkey.permission_details.slug IS 'What keys are asked for.';
COMMENT ON COLUMN unkey.permission_details.name IS 'For people.';
COMMENT ON COLUMN unkey.permission_details.description IS 'For people; NULL without one.';

CREATE TYPE unkey.role_details AS (id text, name text, description text, permissions text[]);
COMMENT ON TYPE unkey.role_details IS 'A role with the slugs of its permissions, sorted; NULL if none.';
COMMENT ON COLUMN unkey.role_details.id IS 'role_…';
COMMENT ON COLUMN unkey.role_details.name IS 'Name.';
COMMENT ON COLUMN unkey.role_details.description IS 'For people; NULL without one.';
COMMENT ON COLUMN unkey.role_details.permissions IS 'Slugs of its permissions, sorted; NULL if none.';

CREATE TABLE unkey.permissions (
    id          text COLLATE "C" PRIMARY KEY DEFAULT unkey.new_id('perm') CHECK (unkey.is_id(id)),
    slug        text COLLATE "C" NOT NULL UNIQUE CHECK (slug ~ '^[a-zA-Z0-9_:./*-]+$' AND length(slug) <= 128),
    name        text NOT NULL CHECK (length(name) BETWEEN 1 AND 512),
    description text CHECK (length(description) <= 512),
    created_at  unkey.instant NOT NULL DEFAULT unkey.now(),
    updated_at  unkey.instant
);
COMMENT ON TABLE unkey.permissions IS 'Permissions. Queries match the slug exactly; * is an ordinary character.';
COMMENT ON COLUMN unkey.permissions.id IS 'perm_…';
COMMENT ON COLUMN unkey.permissions.slug IS 'What keys are asked for: 1 to 128 letters, digits, . _ - : * /; unique.';
COMMENT ON COLUMN unkey.permissions.name IS 'For people; 1 to 512 characters.';
COMMENT ON COLUMN unkey.permissions.description IS 'For people; at most 512 characters.';
COMMENT ON COLUMN unkey.permissions.created_at IS 'When it was made.';
COMMENT ON COLUMN unkey.permissions.updated_at IS 'When a function last changed it; NULL for never.';

CREATE TABLE unkey.roles (
    id          text COLLATE "C" PRIMARY KEY DEFAULT unkey.new_id('role') CHECK (unkey.is_id(id)),
    name        text COLLATE "C" NOT NULL UNIQUE CHECK (name ~ '^[a-zA-Z][a-zA-Z0-9._-]*$' AND length(name) <= 512),
    description text CHECK (length(description) <= 512),
    created_at  unkey.instant NOT NULL DEFAULT unkey.now(),
    updated_at  unkey.instant
);
COMMENT ON TABLE unkey.roles IS 'Roles: named sets of permissions.';
COMMENT ON COLUMN unkey.roles.id IS 'role_…';
COMMENT ON COLUMN unkey.roles.name IS '1 to 512 letters, digits, . _ -, starting with a letter; unique.';
COMMENT ON COLUMN unkey.roles.description IS 'For people; at most 512 characters.';
COMMENT ON COLUMN unkey.roles.created_at IS 'When it was made.';
COMMENT ON COLUMN unkey.roles.updated_at IS 'When a function last changed it; NULL for never.';

CREATE TABLE unkey.role_permissions (
    role_id       text COLLATE "C" NOT NULL REFERENCES unkey.roles ON DELETE CASCADE,
    permission_id text COLLATE "C" NOT NULL REFERENCES unkey.permissions ON DELETE CASCADE,
    PRIMARY KEY (role_id, permission_id)
);
CREATE INDEX role_permissions_permission_id_idx ON unkey.role_permissions (permission_id);
COMMENT ON TABLE unkey.role_permissions IS 'Permissions of roles.';
COMMENT ON COLUMN unkey.role_permissions.role_id IS 'The role.';
COMMENT ON COLUMN unkey.role_permissions.permission_id IS 'What it grants.';

SELECT pg_catalog.pg_extension_config_dump('unkey.permissions', '');
SELECT pg_catalog.pg_extension_config_dump('unkey.roles', '');
SELECT pg_catalog.pg_extension_config_dump('unkey.role_permissions', '');

CREATE FUNCTION @extschema@.unkey_create_permission(
    slug text,
    name text DEFAULT NULL,
    description text DEFAULT NULL
) RETURNS text
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_create_permission_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_create_permission(text, text, text) IS
'Makes a permission and returns its id (perm_…). slug: 1 to 128 letters, digits, . _ -, starting with a letter, unique. name: 1 to 512 characters, default the slug. description: at most 512. Errors: 23505 slug is taken, 22023, 22004 slug is NULL.';

CREATE FUNCTION @extschema@.unkey_get_permission(permission text) RETURNS unkey.permission_details
    LANGUAGE c STABLE PARALLEL SAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_get_permission_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_get_permission(text) IS
'The permission with this slug or id. Errors: 42704 unknown, 22004 NULL.';

CREATE FUNCTION @extschema@.unkey_list_permissions(
    "limit" integer DEFAULT 100,
    cursor text DEFAULT NULL,
    search text DEFAULT NULL
) RETURNS SETOF unkey.permission_details
    LANGUAGE c STABLE PARALLEL SAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_list_permissions_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_list_permissions(integer, text, text) IS
'Permissions by id, "limit" (1 to 100) at a time; cursor: the id of the last row read; search: a text in slug, name or description, any case. Errors: 22023 limit out of range.';

CREATE FUNCTION @extschema@.unkey_update_permission(
    permission text,
    patch jsonb
) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_update_permission_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_update_permission(text, jsonb) IS
'Changes a permission, by slug or id. patch: {"slug", "name", "description"}; absent keeps, null clears the description. Whoever has it keeps it under its new slug. Errors: 42704 unknown, 23505 slug is taken, 22023, 22004 NULL.';

CREATE FUNCTION @extschema@.unkey_delete_permission(permission text) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_delete_permission_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_delete_permission(text) IS
'Deletes a permission, by slug or id, and takes it from every key and role. Errors: 42704 unknown, 22004 NULL.';

CREATE FUNCTION @extschema@.unkey_create_role(
    name text,
    description text DEFAULT NULL,
    permissions text[] DEFAULT NULL
) RETURNS text
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_create_role_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_create_role(text, text, text[]) IS
'Makes a role and returns its id (role_…). name: 1 to 512 letters, digits, . _ -, starting with a letter, unique. description: at most 512. permissions: slugs or ids; missing slugs are made. Errors: 23505 name is taken, 22023, 22004 name is NULL.';

CREATE FUNCTION @extschema@.unkey_get_role(role text) RETURNS unkey.role_details
    LANGUAGE c STABLE PARALLEL SAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_get_role_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_get_role(text) IS
'The role with this name or id. Errors: 42704 unknown, 22004 NULL.';

CREATE FUNCTION @extschema@.unkey_list_roles(
    "limit" integer DEFAULT 100,
    cursor text DEFAULT NULL,
    search text DEFAULT NULL
) RETURNS SETOF unkey.role_details
    LANGUAGE c STABLE PARALLEL SAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_list_roles_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_list_roles(integer, text, text) IS
'Roles by id, "limit" (1 to 100) at a time; cursor: the id of the last row read; search: a text in name or description, any case. Errors: 22023 limit out of range.';

CREATE FUNCTION @extschema@.unkey_update_role(
    role text,
    patch jsonb
) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_update_role_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_update_role(text, jsonb) IS
'Changes a role, by name or id. patch: {"name", "description"}; absent keeps, null clears the description. Errors: 42704 unknown, 23505 name is taken, 22023, 22004 NULL.';

CREATE FUNCTION @extschema@.unkey_delete_role(role text) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_delete_role_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_delete_role(text) IS
'Deletes a role, by name or id, and takes it from every key. Errors: 42704 unknown, 22004 NULL.';

CREATE FUNCTION @extschema@.unkey_set_role_permissions(
    role text,
    permissions text[]
) RETURNS SETOF unkey.permission_details
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_set_role_permissions_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_set_role_permissions(text, text[]) IS
'Gives a role, by name or id, exactly these permissions (slugs or ids; missing slugs are made) and returns them by slug. Every key with the role has them from the next verification on. Errors: 42704 unknown role, 22023, 22004 NULL.';
