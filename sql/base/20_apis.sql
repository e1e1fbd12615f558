-- APIs, each with its keyspace.

CREATE TYPE unkey.api_details AS (
    api_id               text,
    name                 text,
    keyspace_id          text,
    enabled              boolean,
    default_prefix       text,
    default_bytes        integer,
    ip_allowlist         cidr[],
    delete_protection    boolean,
    store_encrypted_keys boolean,
    created_at           timestamptz,
    updated_at           timestamptz,
    key_format           text
);
COMMENT ON TYPE unkey.api_details IS 'An API as unkey_get_api and unkey_list_apis show it.';
COMMENT ON COLUMN unkey.api_details.api_id IS 'Id of the API.';
COMMENT ON COLUMN unkey.api_details.name IS 'Name.';
COMMENT ON COLUMN unkey.api_details.keyspace_id IS 'Keyspace of its keys.';
COMMENT ON COLUMN unkey.api_details.enabled IS 'While false, its keys answer FORBIDDEN.';
COMMENT ON COLUMN unkey.api_details.default_prefix IS 'Prefix of keys made without one; NULL for none.';
COMMENT ON COLUMN unkey.api_details.default_bytes IS 'Random bytes of keys made without a number.';
COMMENT ON COLUMN unkey.api_details.ip_allowlist IS 'Networks from which its keys may be verified; NULL for any.';
COMMENT ON COLUMN unkey.api_details.delete_protection IS 'While true, it cant be deleted.';
COMMENT ON COLUMN unkey.api_details.store_encrypted_keys IS 'Whether its keys may be recoverable.';
COMMENT ON COLUMN unkey.api_details.created_at IS 'When it was made.';
COMMENT ON COLUMN unkey.api_details.updated_at IS 'When a function last changed it; NULL for never.';
COMMENT ON COLUMN unkey.api_details.key_format IS 'What the texts of new keys look like: plain or checksum.';

CREATE TABLE unkey.apis (
    id                   text COLLATE "C" PRIMARY KEY DEFAULT unkey.new_id('api') CHECK (unkey.is_id(id)),
    keyspace_id          text COLLATE "C" NOT NULL UNIQUE DEFAULT unkey.new_id('ks') CHECK (unkey.is_id(keyspace_id)),
    name                 text NOT NULL CHECK (name ~ '^[a-zA-Z][a-zA-Z0-9._-]*$' AND length(name) BETWEEN 3 AND 255),
    enabled              boolean NOT NULL DEFAULT true,
    default_prefix       text COLLATE "C" CHECK (default_prefix ~ '^[a-zA-Z0-9_]+$' AND length(default_prefix) <= 8),
    default_bytes        integer NOT NULL DEFAULT 16 CHECK (default_bytes BETWEEN 16 AND 255),
    ip_allowlist         cidr[] CHECK (unkey.is_allowlist(ip_allowlist)),
    delete_protection    boolean NOT NULL DEFAULT false,
    store_encrypted_keys boolean NOT NULL DEFAULT false,
    created_at           unkey.instant NOT NULL DEFAULT unkey.now(),
    updated_at           unkey.instant,
    deleted_at           unkey.instant,
    key_format           text COLLATE "C" NOT NULL DEFAULT 'plain' CHECK (key_format IN ('plain', 'checksum')),
    CONSTRAINT apis_checksum_check CHECK (key_format = 'plain' OR default_prefix !~ '_$' AND default_bytes <= 32)
);
COMMENT ON TABLE unkey.apis IS 'APIs. Each owns one keyspace, to which its keys belong.';
COMMENT ON COLUMN unkey.apis.id IS 'api_…';
COMMENT ON COLUMN unkey.apis.keyspace_id IS 'ks_…, the keyspace of its keys.';
COMMENT ON COLUMN unkey.apis.created_at IS 'When it was made.';
COMMENT ON COLUMN unkey.apis.updated_at IS 'When a function last changed it; NULL for never.';
COMMENT ON COLUMN unkey.apis.name IS '3 to 255 characters, starts with a letter; not unique.';
COMMENT ON COLUMN unkey.apis.enabled IS 'While false, every key of the API answers FORBIDDEN.';
COMMENT ON COLUMN unkey.apis.default_prefix IS 'Prefix of keys made without one; NULL for none.';
COMMENT ON COLUMN unkey.apis.default_bytes IS 'Random bytes of keys made without a number.';
COMMENT ON COLUMN unkey.apis.ip_allowlist IS 'Networks from which keys may be verified; NULL or empty for any.';
COMMENT ON COLUMN unkey.apis.delete_protection IS 'While true, unkey_delete_api refuses.';
COMMENT ON COLUMN unkey.apis.store_encrypted_keys IS 'While true, keys may be made recoverable; turning it off keeps what is stored.';
COMMENT ON COLUMN unkey.apis.deleted_at IS 'Soft delete: keys of a deleted API answer NOT_FOUND.';
COMMENT ON COLUMN unkey.apis.key_format IS 'What the texts of new keys look like. plain: prefix and random bytes in base58. checksum: prefix, 8 characters, unkeyv1, 36 characters and the CRC-32C of all that as 6 characters; the prefix does not end with _.';

SELECT pg_catalog.pg_extension_config_dump('unkey.apis', '');

CREATE FUNCTION @extschema@.unkey_create_api(
    name text,
    default_prefix text DEFAULT NULL,
    default_bytes integer DEFAULT NULL,
    ip_allowlist cidr[] DEFAULT NULL,
    delete_protection boolean DEFAULT NULL,
    store_encrypted_keys boolean DEFAULT NULL,
    key_format text DEFAULT NULL
) RETURNS text
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_create_api_of_format_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_create_api(text, text, integer, cidr[], boolean, boolean, text) IS
'Makes an API with its keyspace and returns its id (api_…). name: 3 to 255 letters, digits, . _ -, starting with a letter, not unique. default_prefix: 1 to 8 letters, digits, _; default none. default_bytes: 16 to 255, default 16. ip_allowlist: networks from which its keys may be verified, default any. delete_protection: default false. store_encrypted_keys: whether keys may be recoverable, default false. key_format: what the texts of its keys look like: plain (default), or checksum, of a fixed length with a marker and a checksum, for scanners; then default_prefix ends with a letter or a digit and default_bytes is at most 32.
Errors: 22023 a value out of range, 22004 name is NULL.';

CREATE FUNCTION @extschema@.unkey_get_api(api_id text) RETURNS unkey.api_details
    LANGUAGE c STABLE PARALLEL SAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_get_api_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_get_api(text) IS
'The API. Errors: 42704 unknown or deleted, 22004 NULL.';

CREATE FUNCTION @extschema@.unkey_list_apis(
    "limit" integer DEFAULT 100,
    cursor text DEFAULT NULL
) RETURNS SETOF unkey.api_details
    LANGUAGE c STABLE PARALLEL SAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_list_apis_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_list_apis(integer, text) IS
'APIs by id, "limit" (1 to 100) at a time; cursor: the api_id of the last row read. Errors: 22023 limit out of range.';

CREATE FUNCTION @extschema@.unkey_update_api(
    api_id text,
    patch jsonb
) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_update_api_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_update_api(text, jsonb) IS
'Changes an API. patch: {"name", "defaultPrefix", "defaultBytes", "ipWhitelist", "enabled", "deleteProtection", "storeEncryptedKeys", "keyFormat"}; absent keeps, null clears defaultPrefix, defaultBytes (back to 16) and ipWhitelist. While enabled is false its keys answer FORBIDDEN. keyFormat is of keys made from now on; those there are stay as they are.
Errors: 22023 an unknown field or a value out of range, 42704 unknown API, 22004 NULL.';

CREATE FUNCTION @extschema@.unkey_delete_api(api_id text) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_delete_api_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_delete_api(text) IS
'Deletes an API; its keys answer NOT_FOUND from then on. Errors: 42704 unknown or deleted already, 55000 delete protection is on, 22004 NULL.';
