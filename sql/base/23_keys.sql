-- Keys with their links, balances and imports. What is static about a key sits in few rows; what a verification changes sits
-- in tables of its own. Every key of a per-key table contains key_id, and no sequence is used, so that the tables can be
-- sharded by it.

CREATE TYPE unkey.new_key AS (key_id text, key text);
COMMENT ON TYPE unkey.new_key IS 'A key just made. The text in "key" is shown this once; it is stored only for recoverable keys, encrypted.';
COMMENT ON COLUMN unkey.new_key.key_id IS 'Id of the key, for management.';
COMMENT ON COLUMN unkey.new_key.key IS 'Text of the key, for its owner.';

CREATE TYPE unkey.key_details AS (
    key_id          text,
    api_id          text,
    start           text,
    name            text,
    enabled         boolean,
    meta            jsonb,
    expires         timestamptz,
    credits         bigint,
    refill_amount   bigint,
    refill_interval text,
    refill_day      integer,
    last_refill_at  timestamptz,
    permissions     text[],
    roles           text[],
    ratelimits      jsonb,
    identity        jsonb,
    ip_allowlist    cidr[],
    created_at      timestamptz,
    updated_at      timestamptz,
    last_used_at    timestamptz,
    recoverable     boolean,
    cursor          text
);
COMMENT ON TYPE unkey.key_details IS 'A key as unkey_get_key, unkey_whoami and unkey_list_keys show it: never its text, never its hash.';
COMMENT ON COLUMN unkey.key_details.key_id IS 'Id of the key.';
COMMENT ON COLUMN unkey.key_details.api_id IS 'Id of its API.';
COMMENT ON COLUMN unkey.key_details.name IS 'Name; NULL without one.';
COMMENT ON COLUMN unkey.key_details.enabled IS 'Whether it is enabled.';
COMMENT ON COLUMN unkey.key_details.meta IS 'Meta; NULL if empty.';
COMMENT ON COLUMN unkey.key_details.expires IS 'When it expires; NULL for never.';
COMMENT ON COLUMN unkey.key_details.refill_amount IS 'What a refill sets the balance to; NULL without refill.';
COMMENT ON COLUMN unkey.key_details.last_refill_at IS 'When a refill last raised the balance; NULL for never.';
COMMENT ON COLUMN unkey.key_details.roles IS 'Names of its roles, sorted; NULL if none.';
COMMENT ON COLUMN unkey.key_details.ratelimits IS 'Its own limits: [{"id", "name", "limit", "duration", "autoApply"}]; NULL if none.';
COMMENT ON COLUMN unkey.key_details.identity IS '{"id", "externalId", "meta"?, "ratelimits"?}; NULL without one.';
COMMENT ON COLUMN unkey.key_details.ip_allowlist IS 'Networks from which it may be verified; NULL for any.';
COMMENT ON COLUMN unkey.key_details.created_at IS 'When it was made.';
COMMENT ON COLUMN unkey.key_details.updated_at IS 'When a function last changed it; NULL for never.';
COMMENT ON COLUMN unkey.key_details.last_used_at IS 'When it was last verified, whatever the answer, as of the last unkey.maintain(); NULL for never.';
COMMENT ON COLUMN unkey.key_details.recoverable IS 'Whether unkey_decrypt_key can give its text.';
COMMENT ON COLUMN unkey.key_details.start IS 'Visible beginning of the key text; empty for imported keys.';
COMMENT ON COLUMN unkey.key_details.credits IS 'Balance now, due refills included; NULL for unlimited.';
COMMENT ON COLUMN unkey.key_details.refill_interval IS 'daily or monthly; NULL without refill.';
COMMENT ON COLUMN unkey.key_details.refill_day IS 'Day of a monthly refill; NULL otherwise.';
COMMENT ON COLUMN unkey.key_details.permissions IS 'Slugs of the effective permissions, direct and through roles, sorted; NULL if none.';
COMMENT ON COLUMN unkey.key_details.cursor IS 'Pass it as the cursor of unkey_list_keys to go on after this row.';

CREATE TYPE unkey.migration_result AS (migrated jsonb, failed text[]);
COMMENT ON TYPE unkey.migration_result IS 'migrated: [{"hash", "keyId"}] in the order given; failed: hashes that existed already, as they were written.';
COMMENT ON COLUMN unkey.migration_result.migrated IS '[{"hash", "keyId"}] in the order given.';
COMMENT ON COLUMN unkey.migration_result.failed IS 'Hashes that existed already, as they were written.';


CREATE TABLE unkey.migrations (
    id         text COLLATE "C" PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 256),
    algorithm  text COLLATE "C" NOT NULL DEFAULT 'sha256' CHECK (algorithm IN ('sha256', 'github.com/seamapi/prefixed-api-key')),
    created_at unkey.instant NOT NULL DEFAULT unkey.now()
);
COMMENT ON TABLE unkey.migrations IS 'Where imported keys came from and how their hashes were made.';
COMMENT ON COLUMN unkey.migrations.id IS 'The label that unkey_migrate_keys was called with.';
COMMENT ON COLUMN unkey.migrations.created_at IS 'When it was first used.';
COMMENT ON COLUMN unkey.migrations.algorithm IS 'sha256: of the whole key. github.com/seamapi/prefixed-api-key: of the part after the last underscore, until the first verification with this migration rewrites it.';

CREATE TABLE unkey.keys (
    id                   text COLLATE "C" PRIMARY KEY DEFAULT unkey.new_id('key') CHECK (unkey.is_id(id)),
    api_id               text COLLATE "C" NOT NULL REFERENCES unkey.apis,
    identity_id          text COLLATE "C" REFERENCES unkey.identities ON DELETE SET NULL,
    hash                 bytea NOT NULL UNIQUE CHECK (octet_length(hash) = 32),
    enabled              boolean NOT NULL DEFAULT true,
    expires              unkey.instant CHECK (expires <= '2100-01-01 00:00+00'),
    refill_amount        bigint CHECK (refill_amount >= 1),
    refill_day           smallint CHECK (refill_day BETWEEN 1 AND 31),
    refill_since         unkey.instant,
    prefix               text COLLATE "C" CHECK (prefix ~ '^[a-zA-Z0-9_]+$' AND length(prefix) <= 16),
    start                text COLLATE "C" NOT NULL DEFAULT '' CHECK (length(start) <= 50),
    name                 text CHECK (length(name) BETWEEN 1 AND 255),
    meta                 jsonb CHECK (unkey.is_meta(meta)),
    ratelimits           jsonb NOT NULL DEFAULT '[]' CHECK (unkey.is_ratelimits(ratelimits)),
    ip_allowlist         cidr[] CHECK (unkey.is_allowlist(ip_allowlist)),
    pending_migration_id text COLLATE "C" REFERENCES unkey.migrations,
    created_at           unkey.instant NOT NULL DEFAULT unkey.now(),
    updated_at           unkey.instant,
    deleted_at           unkey.instant,
    CHECK (refill_amount IS NOT NULL OR refill_day IS NULL)
);
CREATE INDEX keys_api_id_idx ON unkey.keys (api_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX keys_identity_id_idx ON unkey.keys (identity_id, created_at, id) WHERE identity_id IS NOT NULL;
COMMENT ON TABLE unkey.keys IS 'Keys: what is static about them. Balances are in unkey.credits, counters in unkey.counters.';
COMMENT ON COLUMN unkey.keys.api_id IS 'The API it belongs to.';
COMMENT ON COLUMN unkey.keys.identity_id IS 'Its owner; NULL for none.';
COMMENT ON COLUMN unkey.keys.enabled IS 'While false, the key answers DISABLED.';
COMMENT ON COLUMN unkey.keys.name IS 'For people; 1 to 255 characters.';
COMMENT ON COLUMN unkey.keys.meta IS 'Any object of at most 100 properties, handed back by every verification; NULL for none.';
COMMENT ON COLUMN unkey.keys.created_at IS 'When it was made.';
COMMENT ON COLUMN unkey.keys.updated_at IS 'When a function last changed it; NULL for never.';
COMMENT ON COLUMN unkey.keys.id IS 'key_ and base58 of 128 bits of HMAC-SHA256(secret key_id, hash); other ids are legal for keys made by hand.';
COMMENT ON COLUMN unkey.keys.hash IS 'SHA-256 of the whole key text, by which a verification finds the key; encode(hash, ''base64'') is Unkey''s form. Stays reserved after a soft delete.';
COMMENT ON COLUMN unkey.keys.expires IS 'The key is invalid strictly after this instant; NULL for never.';
COMMENT ON COLUMN unkey.keys.refill_amount IS 'What a refill sets the balance to, if it is lower; NULL for no refill.';
COMMENT ON COLUMN unkey.keys.refill_day IS 'Day of the month of a monthly refill (the last day in shorter months); NULL for daily at 00:00 UTC.';
COMMENT ON COLUMN unkey.keys.refill_since IS 'When the refill was last set up or moved to other days, kept by a trigger: nothing comes due for the time before. NULL for as long as the key.';
COMMENT ON COLUMN unkey.keys.prefix IS 'Prefix of the key text without the joining underscore; a reroll keeps it.';
COMMENT ON COLUMN unkey.keys.start IS 'Visible beginning of the key text.';
COMMENT ON COLUMN unkey.keys.ratelimits IS 'Limits of the key: [{"id", "name", "limit", "duration" (ms), "autoApply"}]. Kept in the row because every verification reads them.';
COMMENT ON COLUMN unkey.keys.ip_allowlist IS 'Networks from which the key may be verified, besides those of its API; NULL or empty for any.';
COMMENT ON COLUMN unkey.keys.pending_migration_id IS 'Migration whose first verification will rewrite the hash; NULL otherwise.';
COMMENT ON COLUMN unkey.keys.deleted_at IS 'Soft delete: the key answers NOT_FOUND and can''t be brought back.';

CREATE FUNCTION unkey.keep_refill_since() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    NEW.refill_since := unkey.now();
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION unkey.keep_refill_since() IS 'Trigger of unkey.keys: a refill set up now does not pay for days gone by.';

CREATE TRIGGER keep_refill_since BEFORE UPDATE OF refill_amount, refill_day ON unkey.keys
    FOR EACH ROW
    WHEN (NEW.refill_amount IS NOT NULL AND (OLD.refill_amount IS NULL OR OLD.refill_day IS DISTINCT FROM NEW.refill_day))
    EXECUTE FUNCTION unkey.keep_refill_since();
COMMENT ON TRIGGER keep_refill_since ON unkey.keys IS 'Keeps refill_since for hand-written changes too.';

CREATE TABLE unkey.key_permissions (
    key_id        text COLLATE "C" NOT NULL REFERENCES unkey.keys ON DELETE CASCADE,
    permission_id text COLLATE "C" NOT NULL REFERENCES unkey.permissions ON DELETE CASCADE,
    PRIMARY KEY (key_id, permission_id)
);
CREATE INDEX key_permissions_permission_id_idx ON unkey.key_permissions (permission_id);
COMMENT ON TABLE unkey.key_permissions IS 'Direct permissions of keys.';
COMMENT ON COLUMN unkey.key_permissions.key_id IS 'The key.';
COMMENT ON COLUMN unkey.key_permissions.permission_id IS 'What it is granted.';

CREATE TABLE unkey.key_roles (
    key_id  text COLLATE "C" NOT NULL REFERENCES unkey.keys ON DELETE CASCADE,
    role_id text COLLATE "C" NOT NULL REFERENCES unkey.roles ON DELETE CASCADE,
    PRIMARY KEY (key_id, role_id)
);
CREATE INDEX key_roles_role_id_idx ON unkey.key_roles (role_id);
COMMENT ON TABLE unkey.key_roles IS 'Roles of keys.';
COMMENT ON COLUMN unkey.key_roles.key_id IS 'The key.';
COMMENT ON COLUMN unkey.key_roles.role_id IS 'What it is granted.';

CREATE TABLE unkey.credits (
    key_id         text COLLATE "C" PRIMARY KEY REFERENCES unkey.keys ON DELETE CASCADE,
    remaining      bigint NOT NULL CHECK (remaining >= 0),
    settled_at     unkey.instant NOT NULL DEFAULT unkey.now(),
    last_refill_at unkey.instant
) WITH (fillfactor = 50);
COMMENT ON TABLE unkey.credits IS 'Balances; a key without a row is unlimited. Narrow and with room in each page, because every metered verification writes here.';
COMMENT ON COLUMN unkey.credits.key_id IS 'The key.';
COMMENT ON COLUMN unkey.credits.last_refill_at IS 'When a refill last raised the balance; NULL for never.';
COMMENT ON COLUMN unkey.credits.remaining IS 'Balance at settled_at; a refill that came due since is applied by the next use and already counted by every unkey function that reads it.';
COMMENT ON COLUMN unkey.credits.settled_at IS 'Up to when refills have been considered.';

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


SELECT pg_catalog.pg_extension_config_dump('unkey.migrations', '');
SELECT pg_catalog.pg_extension_config_dump('unkey.keys', '');
SELECT pg_catalog.pg_extension_config_dump('unkey.key_permissions', '');
SELECT pg_catalog.pg_extension_config_dump('unkey.key_roles', '');
SELECT pg_catalog.pg_extension_config_dump('unkey.credits', '');

CREATE FUNCTION @extschema@.unkey_create_key(
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
COMMENT ON FUNCTION @extschema@.unkey_create_key(text, text, text, integer, text, jsonb, text[], text[], timestamptz, bigint, bigint, text, integer, jsonb, boolean, boolean, cidr[]) IS
'Makes a key and returns its id and its text, which is shown this once. Only api_id is required; NULL leaves any other at its default.
prefix: 1 to 16 letters, digits, _, the last one no _ if the API has the key format checksum; default that of the API. name: 1 to 255 characters. byte_length: random bytes, 16 to 255, default that of the API; with the key format checksum at most 32, and the key has as many whatever is asked for. external_id: your id of the owner, 1 to 255 letters, digits, . _ -; the identity is made when missing. meta: an object of at most 100 properties. roles: at most 100 names or ids, which must exist. permissions: at most 1000 slugs or ids; missing slugs are made. expires: 1970 to 2100; the key is invalid strictly after it. credits: balance, default unlimited. refill_amount, refill_interval (daily or monthly), refill_day (1 to 31, monthly only; the last day in shorter months): at 00:00 UTC a balance below the amount is set to it. ratelimits: [{"name", "limit", "duration" (ms, at least 1000), "autoApply" (default false)}], at most 50. enabled: default true. recoverable: whether the text is kept, encrypted, for unkey_decrypt_key; default false. ip_allowlist: networks from which the key may be verified.
Errors: 22023 a value out of range or a refill without credits, 22004 a NULL, 42704 unknown API or role, 55000 recoverable without a master key or for an API that does not store encrypted keys.';

CREATE FUNCTION @extschema@.unkey_get_key(key_id text) RETURNS unkey.key_details
    LANGUAGE c STABLE PARALLEL SAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_get_key_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_get_key(text) IS
'The key, without its text. Errors: 42704 unknown or deleted, 22004 NULL.';

CREATE FUNCTION @extschema@.unkey_whoami(key text) RETURNS unkey.key_details
    LANGUAGE c STABLE PARALLEL SAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_whoami_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_whoami(text) IS
'The key with this text, as unkey_get_key shows it; counts and spends nothing. Errors: 42704 no such key, 22023 not 1 to 512 characters, 22004 NULL.';

CREATE FUNCTION @extschema@.unkey_list_keys(
    api_id text,
    external_id text DEFAULT NULL,
    "limit" integer DEFAULT 100,
    cursor text DEFAULT NULL
) RETURNS SETOF unkey.key_details
    LANGUAGE c STABLE PARALLEL SAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_list_keys_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_list_keys(text, text, integer, text) IS
'Keys of an API by creation, "limit" (1 to 100) at a time; external_id: of one identity only. cursor: the cursor column of the last row read, which stays good when that key is gone. Errors: 42704 unknown API, 22023 limit or cursor, 22004 api_id is NULL.';

CREATE FUNCTION @extschema@.unkey_update_key(
    key_id text,
    patch jsonb
) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_update_key_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_update_key(text, jsonb) IS
'Changes a key. patch: absent keeps, null clears, a value replaces. {"name", "externalId", "meta", "expires" (ms since 1970), "enabled", "ipWhitelist", "credits": {"remaining", "refill": {"interval", "amount", "refillDay"}}, "ratelimits", "permissions", "roles"}. The lists replace the whole set; a limit keeps its id by name, missing permissions are made, roles must exist. credits null, or remaining null: unlimited without refill.
Errors: 22023 an unknown field or a value out of range, 42704 unknown key or role, 22004 NULL.';

CREATE FUNCTION @extschema@.unkey_delete_key(
    key_id text,
    permanent boolean DEFAULT false
) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_delete_key_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_delete_key(text, boolean) IS
'Deletes a key for good: it answers NOT_FOUND at once. permanent also removes its row; otherwise the row stays and its hash stays reserved. Errors: 42704 unknown or deleted already, 22004 NULL.';

CREATE FUNCTION @extschema@.unkey_reroll_key(
    key_id text,
    grace interval DEFAULT NULL
) RETURNS unkey.new_key
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_reroll_key_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_reroll_key(text, interval) IS
'Makes a key with the same name, meta, identity, expiry, balance, refill, limits, permissions, roles, addresses and prefix but a new text, in the key format that its API has now, and ends the old one: at once, or after grace (a month counts 30 days) rounded up to the whole minute, never later than it would have ended anyway. Counters start at zero; both keys hold a copy of the balance. A recoverable key gets a recoverable one.
Errors: 22023 grace is negative or beyond 130 years, 42704 unknown key, 55000 recoverable and no master key or no longer allowed by the API, 22004 key_id is NULL.';

CREATE FUNCTION @extschema@.unkey_update_credits(
    key_id text,
    operation text,
    value bigint
) RETURNS bigint
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_update_credits_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_update_credits(text, text, bigint) IS
'Changes the balance of a key and returns it; NULL for unlimited. operation: set, increment, or decrement (down to 0). value: at least 0; set with NULL makes the key unlimited and forgets its refill.
Errors: 22023 an unknown operation, a negative value, or increment and decrement of unlimited credits; 42704 unknown key; 22004 NULL.';

CREATE FUNCTION @extschema@.unkey_update_credits(
    key_id text,
    operation text
) RETURNS bigint
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_update_credits_without_value_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_update_credits(text, text) IS
'unkey_update_credits(key_id, ''set'') makes the key unlimited and keeps its refill for the next balance. Errors: as with a value.';

CREATE FUNCTION @extschema@.unkey_add_permissions(
    key_id text,
    permissions text[]
) RETURNS SETOF unkey.permission_details
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_add_permissions_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_add_permissions(text, text[]) IS
'Gives a key these permissions too, by slug or id, and returns its direct permissions by slug. Missing slugs are made. Errors: 42704 unknown key, 22023 more than 1000 or not a slug, 22004 NULL.';

CREATE FUNCTION @extschema@.unkey_remove_permissions(
    key_id text,
    permissions text[]
) RETURNS SETOF unkey.permission_details
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_remove_permissions_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_remove_permissions(text, text[]) IS
'Takes these direct permissions from a key; what it does not have is no mistake, by slug or id, and returns its direct permissions by slug. Errors: 42704 unknown key or permission, 22023 more than 1000 or not a slug, 22004 NULL.';

CREATE FUNCTION @extschema@.unkey_set_permissions(
    key_id text,
    permissions text[]
) RETURNS SETOF unkey.permission_details
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_set_permissions_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_set_permissions(text, text[]) IS
'Gives a key exactly these direct permissions, by slug or id, and returns its direct permissions by slug. Missing slugs are made. Errors: 42704 unknown key, 22023 more than 1000 or not a slug, 22004 NULL.';

CREATE FUNCTION @extschema@.unkey_add_roles(
    key_id text,
    roles text[]
) RETURNS SETOF unkey.role_details
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_add_roles_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_add_roles(text, text[]) IS
'Gives a key these roles too, by name or id, and returns its roles by name. Errors: 42704 unknown key or role (then nothing changes), 22023 more than 100, 22004 NULL.';

CREATE FUNCTION @extschema@.unkey_remove_roles(
    key_id text,
    roles text[]
) RETURNS SETOF unkey.role_details
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_remove_roles_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_remove_roles(text, text[]) IS
'Takes these roles from a key; what it does not have is no mistake, by name or id, and returns its roles by name. Errors: 42704 unknown key or role (then nothing changes), 22023 more than 100, 22004 NULL.';

CREATE FUNCTION @extschema@.unkey_set_roles(
    key_id text,
    roles text[]
) RETURNS SETOF unkey.role_details
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_set_roles_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_set_roles(text, text[]) IS
'Gives a key exactly these roles, by name or id, and returns its roles by name. Errors: 42704 unknown key or role (then nothing changes), 22023 more than 100, 22004 NULL.';

CREATE FUNCTION @extschema@.unkey_migrate_keys(
    api_id text,
    keys jsonb,
    migration_id text DEFAULT NULL,
    algorithm text DEFAULT NULL
) RETURNS unkey.migration_result
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_migrate_keys_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_migrate_keys(text, jsonb, text, text) IS
'Imports keys by their hashes, in one statement per batch. keys: [{"hash", "prefix", "start", "name", "externalId", "meta", "roles", "permissions", "expires", "enabled", "credits", "ratelimits", "ipWhitelist"}], all but hash optional and as in unkey_update_key; hash: SHA-256 of the key text as base64 or hex. Missing identities, permissions and roles are made. A hash that exists already goes to failed, the rest is imported.
migration_id: 1 to 256 characters, a label for where they came from, made when new. algorithm: sha256 (default), or github.com/seamapi/prefixed-api-key if the hashes are of the part after the last underscore: such a key becomes an ordinary one by its first verification with that migration_id.
Errors: 22023 naming the element that is wrong, 42704 unknown API, 22004 NULL.';
