-- Identities: the owners of keys.

CREATE TYPE unkey.identity_details AS (
    identity_id text,
    external_id text,
    meta        jsonb,
    ratelimits  jsonb,
    created_at  timestamptz,
    updated_at  timestamptz
);
COMMENT ON TYPE unkey.identity_details IS 'An identity as unkey_get_identity and unkey_list_identities show it.';
COMMENT ON COLUMN unkey.identity_details.identity_id IS 'id_…';
COMMENT ON COLUMN unkey.identity_details.external_id IS 'Your own id of the owner.';
COMMENT ON COLUMN unkey.identity_details.meta IS 'Meta; NULL if empty.';
COMMENT ON COLUMN unkey.identity_details.ratelimits IS 'Limits shared by all its keys: [{"id", "name", "limit", "duration" (ms), "autoApply"}]; NULL if none.';
COMMENT ON COLUMN unkey.identity_details.created_at IS 'When it was made.';
COMMENT ON COLUMN unkey.identity_details.updated_at IS 'When a function last changed it; NULL for never.';

CREATE TABLE unkey.identities (
    id          text COLLATE "C" PRIMARY KEY DEFAULT unkey.new_id('id') CHECK (unkey.is_id(id)),
    external_id text COLLATE "C" NOT NULL CHECK (external_id ~ '^[a-zA-Z0-9_.-]+$' AND length(external_id) <= 255),
    meta        jsonb CHECK (unkey.is_meta(meta) AND octet_length(meta::text) <= 1048576),
    ratelimits  jsonb NOT NULL DEFAULT '[]' CHECK (unkey.is_ratelimits(ratelimits)),
    created_at  unkey.instant NOT NULL DEFAULT unkey.now(),
    updated_at  unkey.instant,
    deleted_at  unkey.instant
);
CREATE UNIQUE INDEX identities_external_id_key ON unkey.identities (external_id) WHERE deleted_at IS NULL;
COMMENT ON TABLE unkey.identities IS 'Owners of keys: users, teams, customers. A deleted identity is as good as none.';
COMMENT ON COLUMN unkey.identities.id IS 'id_…';
COMMENT ON COLUMN unkey.identities.meta IS 'Any object of at most 100 properties and 1 MiB; NULL for none.';
COMMENT ON COLUMN unkey.identities.created_at IS 'When it was made.';
COMMENT ON COLUMN unkey.identities.updated_at IS 'When a function last changed it; NULL for never.';
COMMENT ON COLUMN unkey.identities.deleted_at IS 'Soft delete: its keys go on without it, and the external id is free again.';
COMMENT ON COLUMN unkey.identities.external_id IS 'Your own id of the owner; unique among identities that are not deleted.';
COMMENT ON COLUMN unkey.identities.ratelimits IS 'Limits shared by all keys of the identity: [{"id", "name", "limit", "duration" (ms), "autoApply"}].';

SELECT pg_catalog.pg_extension_config_dump('unkey.identities', '');

CREATE FUNCTION @extschema@.unkey_create_identity(
    external_id text,
    meta jsonb DEFAULT NULL,
    ratelimits jsonb DEFAULT NULL
) RETURNS text
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_create_identity_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_create_identity(text, jsonb, jsonb) IS
'Makes an identity and returns its id (id_…). external_id: 1 to 255 letters, digits, . _ -, unique among identities that are not deleted. meta: an object of at most 100 properties and 1 MiB; default none. ratelimits: limits shared by all its keys, [{"name", "limit", "duration" (ms), "autoApply"}], at most 50, names unique; default none. Keys made with an external_id make their identity by themselves. Errors: 23505 external_id is taken, 22023, 22004 external_id is NULL.';

CREATE FUNCTION @extschema@.unkey_get_identity(identity text) RETURNS unkey.identity_details
    LANGUAGE c STABLE PARALLEL SAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_get_identity_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_get_identity(text) IS
'The identity with this external id, or else this id. Errors: 42704 unknown or deleted, 22004 NULL.';

CREATE FUNCTION @extschema@.unkey_list_identities(
    "limit" integer DEFAULT 100,
    cursor text DEFAULT NULL,
    search text DEFAULT NULL
) RETURNS SETOF unkey.identity_details
    LANGUAGE c STABLE PARALLEL SAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_list_identities_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_list_identities(integer, text, text) IS
'Identities by id, "limit" (1 to 100) at a time; cursor: the identity_id of the last row read; search: a text in external id or id, any case. Errors: 22023 limit out of range.';

CREATE FUNCTION @extschema@.unkey_update_identity(
    identity text,
    patch jsonb
) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_update_identity_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_update_identity(text, jsonb) IS
'Changes an identity, by external id or else id. patch: {"meta", "ratelimits"}; absent keeps. meta: an object replaces the old one, null clears. ratelimits: replaces the whole set, and a name that was there keeps its id. Counts from the next verification of its keys on; what a limit has counted stays counted unless its duration changes. Errors: 42704 unknown or deleted, 22023 an unknown field or a value out of range, 22004 NULL.';

CREATE FUNCTION @extschema@.unkey_delete_identity(identity text) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_delete_identity_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_delete_identity(text) IS
'Deletes an identity, by external id or else id. Its keys go on without it and without its limits, from the next verification on; the external id is free again. Errors: 42704 unknown or deleted already, 22004 NULL.';
