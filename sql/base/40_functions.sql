-- Functions. Every label is chosen: readers are STABLE and see the caller's snapshot; whatever may write is VOLATILE and
-- PARALLEL UNSAFE. None is STRICT, so that a NULL is answered or refused, never skipped. All run as their owner with
-- a pinned search_path, so that EXECUTE is the only privilege a caller needs.

-- APIs

CREATE FUNCTION unkey_create_api(
    name text,
    default_prefix text DEFAULT NULL,
    default_bytes integer DEFAULT NULL,
    ip_allowlist cidr[] DEFAULT NULL,
    delete_protection boolean DEFAULT NULL
) RETURNS text
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_create_api_wrapper';
COMMENT ON FUNCTION unkey_create_api(text, text, integer, cidr[], boolean) IS
'Makes an API with its keyspace and returns its id (api_…). name: 3 to 255 letters, digits, . _ -, starting with a letter, not unique. default_prefix: 1 to 8 letters, digits, _; default none. default_bytes: 16 to 255, default 16. ip_allowlist: networks from which its keys may be verified, default any. delete_protection: default false.
Errors: 22023 a value out of range, 22004 name is NULL.';

CREATE FUNCTION unkey_get_api(api_id text) RETURNS unkey.api_details
    LANGUAGE c STABLE PARALLEL SAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_get_api_wrapper';
COMMENT ON FUNCTION unkey_get_api(text) IS
'The API. Errors: 42704 unknown or deleted, 22004 NULL.';

CREATE FUNCTION unkey_list_apis(
    "limit" integer DEFAULT 100,
    cursor text DEFAULT NULL
) RETURNS SETOF unkey.api_details
    LANGUAGE c STABLE PARALLEL SAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_list_apis_wrapper';
COMMENT ON FUNCTION unkey_list_apis(integer, text) IS
'APIs by id, "limit" (1 to 100) at a time; cursor: the api_id of the last row read. Errors: 22023 limit out of range.';

CREATE FUNCTION unkey_update_api(
    api_id text,
    patch jsonb
) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_update_api_wrapper';
COMMENT ON FUNCTION unkey_update_api(text, jsonb) IS
'Changes an API. patch: {"name", "defaultPrefix", "defaultBytes", "ipWhitelist", "enabled", "deleteProtection"}; absent keeps, null clears defaultPrefix, defaultBytes (back to 16) and ipWhitelist. While enabled is false its keys answer FORBIDDEN.
Errors: 22023 an unknown field or a value out of range, 42704 unknown API, 22004 NULL.';

CREATE FUNCTION unkey_delete_api(api_id text) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_delete_api_wrapper';
COMMENT ON FUNCTION unkey_delete_api(text) IS
'Deletes an API; its keys answer NOT_FOUND from then on. Errors: 42704 unknown or deleted already, 55000 delete protection is on, 22004 NULL.';

-- Keys

CREATE FUNCTION unkey_create_key(
    api_id text,
    prefix text DEFAULT NULL,
    name text DEFAULT NULL,
    byte_length integer DEFAULT NULL,
    external_id text DEFAULT NULL,
    meta jsonb DEFAULT NULL,
    roles text[] DEFAULT NULL,
    permissions text[] DEFAULT NULL,
    expires timestamptz DEFAULT NULL,
    credits bigint DEFAULT NULL,
    refill_amount bigint DEFAULT NULL,
    refill_interval text DEFAULT NULL,
    refill_day integer DEFAULT NULL,
    ratelimits jsonb DEFAULT NULL,
    enabled boolean DEFAULT NULL,
    recoverable boolean DEFAULT NULL,
    ip_allowlist cidr[] DEFAULT NULL
) RETURNS unkey.new_key
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_create_key_wrapper';
COMMENT ON FUNCTION unkey_create_key(text, text, text, integer, text, jsonb, text[], text[], timestamptz, bigint, bigint, text, integer, jsonb, boolean, boolean, cidr[]) IS
'Makes a key and returns its id and its text, which is shown this once. Only api_id is required; NULL leaves any other at its default.
prefix: 1 to 16 letters, digits, _; default that of the API. name: 1 to 255 characters. byte_length: random bytes, 16 to 255, default that of the API. external_id: your id of the owner, 1 to 255 letters, digits, . _ -; the identity is made when missing. meta: an object of at most 100 properties. roles: at most 100 names or ids, which must exist. permissions: at most 1000 slugs or ids; missing slugs are made. expires: 1970 to 2100; the key is invalid strictly after it. credits: balance, default unlimited. refill_amount, refill_interval (daily or monthly), refill_day (1 to 31, monthly only; the last day in shorter months): at 00:00 UTC a balance below the amount is set to it. ratelimits: [{"name", "limit", "duration" (ms, at least 1000), "autoApply" (default false)}], at most 50. enabled: default true. recoverable: not available. ip_allowlist: networks from which the key may be verified.
Errors: 22023 a value out of range or a refill without credits, 22004 a NULL, 42704 unknown API or role, 55000 recoverable.';

CREATE FUNCTION unkey_verify_key(
    key text,
    permissions text DEFAULT NULL,
    cost bigint DEFAULT NULL,
    ratelimits jsonb DEFAULT NULL,
    tags text[] DEFAULT NULL,
    api_id text DEFAULT NULL,
    ip inet DEFAULT NULL,
    migration_id text DEFAULT NULL
) RETURNS unkey.verification
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_verify_key_wrapper';
COMMENT ON FUNCTION unkey_verify_key(text, text, bigint, jsonb, text[], text, inet, text) IS
'Verifies a key in one atomic call and returns one row. A bad key is an answer (code), never an error; NULL, an empty text and any text that can''t be a key answer NOT_FOUND. Always call it as SELECT * FROM unkey_verify_key(…): (unkey_verify_key(…)).* would run once per column.
permissions: a query of slugs joined by AND, OR and parentheses, 1 to 1000 characters. cost: credits to spend, 0 to 10^12, default 1; 0 spends nothing. ratelimits: [{"name", "cost", "limit", "duration"}]: names a stored limit and may change its cost, or with limit and duration (ms) counts an ad-hoc one. tags: at most 20 of 1 to 512 characters, kept for analytics. api_id: a key of another API answers NOT_FOUND. ip: address of the client, for allow-lists. migration_id: finishes a key imported with that migration.
Checks in order, each only while the key is valid: API and key enabled, not expired, address, permissions, rate limits, credits. Rate limits stay counted when credits fail; everything is given back when the transaction aborts.
Errors: 42601 syntax of permissions (only for a key that exists), 22023 another argument, 55000 ratelimits names a limit that does not exist, 25006 something must be counted or spent in a read-only transaction.';

CREATE FUNCTION unkey_verify_keys(
    keys text[],
    permissions text DEFAULT NULL,
    cost bigint DEFAULT NULL,
    ratelimits jsonb DEFAULT NULL,
    tags text[] DEFAULT NULL,
    api_id text DEFAULT NULL,
    ip inet DEFAULT NULL,
    migration_id text DEFAULT NULL
) RETURNS SETOF unkey.verification
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_verify_keys_wrapper';
COMMENT ON FUNCTION unkey_verify_keys(text[], text, bigint, jsonb, text[], text, inet, text) IS
'Verifies several keys one after the other with the same arguments as unkey_verify_key; one row per element, in order. Errors: as unkey_verify_key, and 22004 if keys is NULL.';

CREATE FUNCTION unkey.verify(
    key_id text,
    hash bytea,
    permissions text DEFAULT NULL,
    cost bigint DEFAULT NULL,
    ratelimits jsonb DEFAULT NULL,
    tags text[] DEFAULT NULL,
    api_id text DEFAULT NULL,
    ip inet DEFAULT NULL
) RETURNS unkey.verification
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_verify_hash_wrapper';
COMMENT ON FUNCTION unkey.verify(text, bytea, text, bigint, jsonb, text[], text, inet) IS
'Verifies the key with this SHA-256, which unkey_verify_key computes from its text. key_id is where a sharded database routes the call; a single one finds the key by hash alone. Errors: as unkey_verify_key, and 22023 if hash has not 32 bytes, 22004 if it is NULL.';

CREATE FUNCTION unkey_get_key(key_id text) RETURNS unkey.key_details
    LANGUAGE c STABLE PARALLEL SAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_get_key_wrapper';
COMMENT ON FUNCTION unkey_get_key(text) IS
'The key, without its text. Errors: 42704 unknown or deleted, 22004 NULL.';

CREATE FUNCTION unkey_whoami(key text) RETURNS unkey.key_details
    LANGUAGE c STABLE PARALLEL SAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_whoami_wrapper';
COMMENT ON FUNCTION unkey_whoami(text) IS
'The key with this text, as unkey_get_key shows it; counts and spends nothing. Errors: 42704 no such key, 22023 not 1 to 512 characters, 22004 NULL.';

CREATE FUNCTION unkey_list_keys(
    api_id text,
    external_id text DEFAULT NULL,
    "limit" integer DEFAULT 100,
    cursor text DEFAULT NULL
) RETURNS SETOF unkey.key_details
    LANGUAGE c STABLE PARALLEL SAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_list_keys_wrapper';
COMMENT ON FUNCTION unkey_list_keys(text, text, integer, text) IS
'Keys of an API by creation, "limit" (1 to 100) at a time; external_id: of one identity only. cursor: the cursor column of the last row read, which stays good when that key is gone. Errors: 42704 unknown API, 22023 limit or cursor, 22004 api_id is NULL.';

CREATE FUNCTION unkey_update_key(
    key_id text,
    patch jsonb
) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_update_key_wrapper';
COMMENT ON FUNCTION unkey_update_key(text, jsonb) IS
'Changes a key. patch: absent keeps, null clears, a value replaces. {"name", "externalId", "meta", "expires" (ms since 1970), "enabled", "ipWhitelist", "credits": {"remaining", "refill": {"interval", "amount", "refillDay"}}, "ratelimits", "permissions", "roles"}. The lists replace the whole set; a limit keeps its id by name, missing permissions are made, roles must exist. credits null, or remaining null: unlimited without refill.
Errors: 22023 an unknown field or a value out of range, 42704 unknown key or role, 22004 NULL.';

CREATE FUNCTION unkey_delete_key(
    key_id text,
    permanent boolean DEFAULT false
) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_delete_key_wrapper';
COMMENT ON FUNCTION unkey_delete_key(text, boolean) IS
'Deletes a key for good: it answers NOT_FOUND at once. permanent also removes its row; otherwise the row stays and its hash stays reserved. Errors: 42704 unknown or deleted already, 22004 NULL.';

CREATE FUNCTION unkey_reroll_key(
    key_id text,
    grace interval DEFAULT NULL
) RETURNS unkey.new_key
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_reroll_key_wrapper';
COMMENT ON FUNCTION unkey_reroll_key(text, interval) IS
'Makes a key with the same name, meta, identity, expiry, balance, refill, limits, permissions, roles, addresses and prefix but a new text, and ends the old one: at once, or after grace (a month counts 30 days) rounded up to the whole minute, never later than it would have ended anyway. Counters start at zero; both keys hold a copy of the balance.
Errors: 22023 grace is negative or beyond 130 years, 42704 unknown key, 22004 key_id is NULL.';

CREATE FUNCTION unkey_update_credits(
    key_id text,
    operation text,
    value bigint
) RETURNS bigint
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_update_credits_wrapper';
COMMENT ON FUNCTION unkey_update_credits(text, text, bigint) IS
'Changes the balance of a key and returns it; NULL for unlimited. operation: set, increment, or decrement (down to 0). value: at least 0; set with NULL makes the key unlimited and forgets its refill.
Errors: 22023 an unknown operation, a negative value, or increment and decrement of unlimited credits; 42704 unknown key; 22004 NULL.';

CREATE FUNCTION unkey_update_credits(
    key_id text,
    operation text
) RETURNS bigint
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_update_credits_without_value_wrapper';
COMMENT ON FUNCTION unkey_update_credits(text, text) IS
'unkey_update_credits(key_id, ''set'') makes the key unlimited and keeps its refill for the next balance. Errors: as with a value.';

CREATE FUNCTION unkey_add_permissions(
    key_id text,
    permissions text[]
) RETURNS SETOF unkey.permission_details
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_add_permissions_wrapper';
COMMENT ON FUNCTION unkey_add_permissions(text, text[]) IS
'Gives a key these permissions too, by slug or id, and returns its direct permissions by slug. Missing slugs are made. Errors: 42704 unknown key, 22023 more than 1000 or not a slug, 22004 NULL.';

CREATE FUNCTION unkey_remove_permissions(
    key_id text,
    permissions text[]
) RETURNS SETOF unkey.permission_details
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_remove_permissions_wrapper';
COMMENT ON FUNCTION unkey_remove_permissions(text, text[]) IS
'Takes these direct permissions from a key; what it does not have is no mistake, by slug or id, and returns its direct permissions by slug. Errors: 42704 unknown key or permission, 22023 more than 1000 or not a slug, 22004 NULL.';

CREATE FUNCTION unkey_set_permissions(
    key_id text,
    permissions text[]
) RETURNS SETOF unkey.permission_details
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_set_permissions_wrapper';
COMMENT ON FUNCTION unkey_set_permissions(text, text[]) IS
'Gives a key exactly these direct permissions, by slug or id, and returns its direct permissions by slug. Missing slugs are made. Errors: 42704 unknown key, 22023 more than 1000 or not a slug, 22004 NULL.';

CREATE FUNCTION unkey_add_roles(
    key_id text,
    roles text[]
) RETURNS SETOF unkey.role_details
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_add_roles_wrapper';
COMMENT ON FUNCTION unkey_add_roles(text, text[]) IS
'Gives a key these roles too, by name or id, and returns its roles by name. Errors: 42704 unknown key or role (then nothing changes), 22023 more than 100, 22004 NULL.';

CREATE FUNCTION unkey_remove_roles(
    key_id text,
    roles text[]
) RETURNS SETOF unkey.role_details
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_remove_roles_wrapper';
COMMENT ON FUNCTION unkey_remove_roles(text, text[]) IS
'Takes these roles from a key; what it does not have is no mistake, by name or id, and returns its roles by name. Errors: 42704 unknown key or role (then nothing changes), 22023 more than 100, 22004 NULL.';

CREATE FUNCTION unkey_set_roles(
    key_id text,
    roles text[]
) RETURNS SETOF unkey.role_details
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_set_roles_wrapper';
COMMENT ON FUNCTION unkey_set_roles(text, text[]) IS
'Gives a key exactly these roles, by name or id, and returns its roles by name. Errors: 42704 unknown key or role (then nothing changes), 22023 more than 100, 22004 NULL.';

CREATE FUNCTION unkey_migrate_keys(
    api_id text,
    keys jsonb,
    migration_id text DEFAULT NULL,
    algorithm text DEFAULT NULL
) RETURNS unkey.migration_result
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_migrate_keys_wrapper';
COMMENT ON FUNCTION unkey_migrate_keys(text, jsonb, text, text) IS
'Imports keys by their hashes, in one statement per batch. keys: [{"hash", "prefix", "start", "name", "externalId", "meta", "roles", "permissions", "expires", "enabled", "credits", "ratelimits", "ipWhitelist"}], all but hash optional and as in unkey_update_key; hash: SHA-256 of the key text as base64 or hex. Missing identities, permissions and roles are made. A hash that exists already goes to failed, the rest is imported.
migration_id: 1 to 256 characters, a label for where they came from, made when new. algorithm: sha256 (default), or github.com/seamapi/prefixed-api-key if the hashes are of the part after the last underscore: such a key becomes an ordinary one by its first verification with that migration_id.
Errors: 22023 naming the element that is wrong, 42704 unknown API, 22004 NULL.';

-- Permissions and roles

CREATE FUNCTION unkey_create_permission(
    slug text,
    name text DEFAULT NULL,
    description text DEFAULT NULL
) RETURNS text
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_create_permission_wrapper';
COMMENT ON FUNCTION unkey_create_permission(text, text, text) IS
'Makes a permission and returns its id (perm_…). slug: 1 to 128 letters, digits, . _ -, starting with a letter, unique. name: 1 to 512 characters, default the slug. description: at most 512. Errors: 23505 slug is taken, 22023, 22004 slug is NULL.';

CREATE FUNCTION unkey_get_permission(permission text) RETURNS unkey.permission_details
    LANGUAGE c STABLE PARALLEL SAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_get_permission_wrapper';
COMMENT ON FUNCTION unkey_get_permission(text) IS
'The permission with this slug or id. Errors: 42704 unknown, 22004 NULL.';

CREATE FUNCTION unkey_list_permissions(
    "limit" integer DEFAULT 100,
    cursor text DEFAULT NULL,
    search text DEFAULT NULL
) RETURNS SETOF unkey.permission_details
    LANGUAGE c STABLE PARALLEL SAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_list_permissions_wrapper';
COMMENT ON FUNCTION unkey_list_permissions(integer, text, text) IS
'Permissions by id, "limit" (1 to 100) at a time; cursor: the id of the last row read; search: a text in slug, name or description, any case. Errors: 22023 limit out of range.';

CREATE FUNCTION unkey_update_permission(
    permission text,
    patch jsonb
) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_update_permission_wrapper';
COMMENT ON FUNCTION unkey_update_permission(text, jsonb) IS
'Changes a permission, by slug or id. patch: {"slug", "name", "description"}; absent keeps, null clears the description. Whoever has it keeps it under its new slug. Errors: 42704 unknown, 23505 slug is taken, 22023, 22004 NULL.';

CREATE FUNCTION unkey_delete_permission(permission text) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_delete_permission_wrapper';
COMMENT ON FUNCTION unkey_delete_permission(text) IS
'Deletes a permission, by slug or id, and takes it from every key and role. Errors: 42704 unknown, 22004 NULL.';

CREATE FUNCTION unkey_create_role(
    name text,
    description text DEFAULT NULL,
    permissions text[] DEFAULT NULL
) RETURNS text
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_create_role_wrapper';
COMMENT ON FUNCTION unkey_create_role(text, text, text[]) IS
'Makes a role and returns its id (role_…). name: 1 to 512 letters, digits, . _ -, starting with a letter, unique. description: at most 512. permissions: slugs or ids; missing slugs are made. Errors: 23505 name is taken, 22023, 22004 name is NULL.';

CREATE FUNCTION unkey_get_role(role text) RETURNS unkey.role_details
    LANGUAGE c STABLE PARALLEL SAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_get_role_wrapper';
COMMENT ON FUNCTION unkey_get_role(text) IS
'The role with this name or id. Errors: 42704 unknown, 22004 NULL.';

CREATE FUNCTION unkey_list_roles(
    "limit" integer DEFAULT 100,
    cursor text DEFAULT NULL,
    search text DEFAULT NULL
) RETURNS SETOF unkey.role_details
    LANGUAGE c STABLE PARALLEL SAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_list_roles_wrapper';
COMMENT ON FUNCTION unkey_list_roles(integer, text, text) IS
'Roles by id, "limit" (1 to 100) at a time; cursor: the id of the last row read; search: a text in name or description, any case. Errors: 22023 limit out of range.';

CREATE FUNCTION unkey_update_role(
    role text,
    patch jsonb
) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_update_role_wrapper';
COMMENT ON FUNCTION unkey_update_role(text, jsonb) IS
'Changes a role, by name or id. patch: {"name", "description"}; absent keeps, null clears the description. Errors: 42704 unknown, 23505 name is taken, 22023, 22004 NULL.';

CREATE FUNCTION unkey_delete_role(role text) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_delete_role_wrapper';
COMMENT ON FUNCTION unkey_delete_role(text) IS
'Deletes a role, by name or id, and takes it from every key. Errors: 42704 unknown, 22004 NULL.';

CREATE FUNCTION unkey_set_role_permissions(
    role text,
    permissions text[]
) RETURNS SETOF unkey.permission_details
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_set_role_permissions_wrapper';
COMMENT ON FUNCTION unkey_set_role_permissions(text, text[]) IS
'Gives a role, by name or id, exactly these permissions (slugs or ids; missing slugs are made) and returns them by slug. Every key with the role has them from the next verification on. Errors: 42704 unknown role, 22023, 22004 NULL.';
