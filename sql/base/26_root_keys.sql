-- Root keys: who may use the v2 dialect. Apart from unkey.keys, so that neither kind of key can pass for the other.

CREATE TYPE unkey.root_key_details AS (
    key_id      text,
    name        text,
    start       text,
    permissions text[],
    enabled     boolean,
    expires     timestamptz,
    created_at  timestamptz,
    updated_at  timestamptz
);
COMMENT ON TYPE unkey.root_key_details IS 'A root key as unkey_get_root_key and unkey_list_root_keys show it: never its text, never its hash.';
COMMENT ON COLUMN unkey.root_key_details.key_id IS 'Id of the root key.';
COMMENT ON COLUMN unkey.root_key_details.name IS 'Name; NULL without one.';
COMMENT ON COLUMN unkey.root_key_details.start IS 'Visible beginning of its text.';
COMMENT ON COLUMN unkey.root_key_details.permissions IS 'What it may do, sorted; NULL if nothing.';
COMMENT ON COLUMN unkey.root_key_details.enabled IS 'Whether it is enabled.';
COMMENT ON COLUMN unkey.root_key_details.expires IS 'When it expires; NULL for never.';
COMMENT ON COLUMN unkey.root_key_details.created_at IS 'When it was made.';
COMMENT ON COLUMN unkey.root_key_details.updated_at IS 'When a function last changed it; NULL for never.';

CREATE FUNCTION unkey.is_root_permissions(permissions text[]) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'unkey_is_root_permissions_wrapper';
COMMENT ON FUNCTION unkey.is_root_permissions(text[]) IS
'Whether a value may stand in a permissions column of root keys: permissions as unkey_create_root_key takes them, except for * alone.';

CREATE TABLE unkey.root_keys (
    id          text COLLATE "C" PRIMARY KEY DEFAULT unkey.new_id('key') CHECK (unkey.is_id(id)),
    hash        bytea NOT NULL UNIQUE CHECK (octet_length(hash) = 32),
    name        text CHECK (length(name) BETWEEN 1 AND 255),
    start       text COLLATE "C" NOT NULL DEFAULT '' CHECK (length(start) <= 50),
    permissions text[] COLLATE "C" NOT NULL DEFAULT '{}' CHECK (unkey.is_root_permissions(permissions)),
    enabled     boolean NOT NULL DEFAULT true,
    expires     unkey.instant CHECK (expires <= '2100-01-01 00:00+00'),
    created_at  unkey.instant NOT NULL DEFAULT unkey.now(),
    updated_at  unkey.instant,
    deleted_at  unkey.instant
);
COMMENT ON TABLE unkey.root_keys IS 'Root keys, which guard the v2 dialect. No ordinary key is one, and none of them verifies.';
COMMENT ON COLUMN unkey.root_keys.id IS 'key_ and base58 of 128 bits of HMAC-SHA256(secret key_id, hash); other ids are legal for root keys made by hand.';
COMMENT ON COLUMN unkey.root_keys.hash IS 'SHA-256 of the whole text. Stays reserved after a soft delete.';
COMMENT ON COLUMN unkey.root_keys.name IS 'For people; 1 to 255 characters.';
COMMENT ON COLUMN unkey.root_keys.start IS 'Visible beginning of the text.';
COMMENT ON COLUMN unkey.root_keys.permissions IS 'What it may do: <resource>.<id or *>.<action>.';
COMMENT ON COLUMN unkey.root_keys.enabled IS 'While false, it does not authenticate.';
COMMENT ON COLUMN unkey.root_keys.expires IS 'It does not authenticate strictly after this instant; NULL for never.';
COMMENT ON COLUMN unkey.root_keys.created_at IS 'When it was made.';
COMMENT ON COLUMN unkey.root_keys.updated_at IS 'When a function last changed it; NULL for never.';
COMMENT ON COLUMN unkey.root_keys.deleted_at IS 'Soft delete: it is unknown from then on and can''t be brought back.';

SELECT pg_catalog.pg_extension_config_dump('unkey.root_keys', '');

CREATE FUNCTION @extschema@.unkey_create_root_key(
    name text DEFAULT NULL,
    permissions text[] DEFAULT NULL,
    expires timestamptz DEFAULT NULL,
    enabled boolean DEFAULT NULL
) RETURNS unkey.new_key
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_create_root_key_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_create_root_key(text, text[], timestamptz, boolean) IS
'Makes a root key and returns its id and its text (unkey_…), which is shown this once. name: 1 to 255 characters. permissions: at most 1000 of <resource>.<id or *>.<action>, default none; the entry * stands for everything there is now.
api, by API id: create_api, read_api, update_api, delete_api, create_key, read_key, update_key, delete_key, encrypt_key, decrypt_key, verify_key, read_analytics. ratelimit, by namespace id: limit, create_namespace, read_namespace, update_namespace, delete_namespace, set_override, read_override, delete_override, list_overrides, read_analytics. identity, * only: create_identity, read_identity, update_identity, delete_identity. rbac, * only: create_permission, read_permission, update_permission, delete_permission, create_role, read_role, update_role, delete_role, add_permission_to_key, remove_permission_from_key, add_role_to_key, remove_role_from_key, add_permission_to_role, remove_permission_from_role.
expires: 1970 to 2100, default never; it is refused strictly after it. enabled: default true.
Errors: 22023 a value out of range or a permission that does not exist, 22004 a NULL among permissions.';

CREATE FUNCTION @extschema@.unkey_get_root_key(key_id text) RETURNS unkey.root_key_details
    LANGUAGE c STABLE PARALLEL SAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_get_root_key_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_get_root_key(text) IS
'The root key, without its text. Errors: 42704 unknown or deleted, 22004 NULL.';

CREATE FUNCTION @extschema@.unkey_list_root_keys(
    "limit" integer DEFAULT 100,
    cursor text DEFAULT NULL
) RETURNS SETOF unkey.root_key_details
    LANGUAGE c STABLE PARALLEL SAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_list_root_keys_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_list_root_keys(integer, text) IS
'Root keys by id, "limit" (1 to 100) at a time; cursor: the key_id of the last row read. Errors: 22023 limit out of range.';

CREATE FUNCTION @extschema@.unkey_update_root_key(
    key_id text,
    patch jsonb
) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_update_root_key_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_update_root_key(text, jsonb) IS
'Changes a root key; the next request that carries it goes by the change. patch: {"name", "permissions", "expires" (ms since 1970), "enabled"}; absent keeps, null clears name and expires, permissions replaces the whole set and takes what unkey_create_root_key takes.
Errors: 22023 an unknown field, a value out of range or a permission that does not exist, 42704 unknown root key, 22004 NULL.';

CREATE FUNCTION @extschema@.unkey_reroll_root_key(
    key_id text,
    grace interval DEFAULT NULL
) RETURNS unkey.new_key
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_reroll_root_key_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_reroll_root_key(text, interval) IS
'Makes a root key with the same name, permissions, expiry and enabled but a new text, and ends the old one: at once, or after grace (a month counts 30 days) rounded up to the whole minute, never later than it would have ended anyway.
Errors: 22023 grace is negative or beyond 130 years, 42704 unknown root key, 22004 key_id is NULL.';

CREATE FUNCTION @extschema@.unkey_delete_root_key(key_id text) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_delete_root_key_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_delete_root_key(text) IS
'Deletes a root key for good: the next request that carries it is refused. The row stays and its hash stays reserved. Errors: 42704 unknown or deleted already, 22004 NULL.';

CREATE FUNCTION unkey.authenticate("authorization" text) RETURNS unkey.root_key_details
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_authenticate_wrapper';
COMMENT ON FUNCTION unkey.authenticate(text) IS
'The root key in the text of an Authorization header, Bearer unkey_…, as the v2 dialect checks it: everything committed by now counts. Works in read-only transactions.
Errors: 28000 NULL or empty, another form, unknown, deleted or disabled; 42501 expired.';
