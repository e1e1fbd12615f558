-- Tables. What is static about a key sits in few rows; what a verification changes sits in tables of its own.
-- Every key of a per-key table contains key_id, and no sequence is used, so that the tables can be sharded by it.

CREATE TABLE unkey.secrets (
    name  text PRIMARY KEY,
    value bytea NOT NULL CHECK (octet_length(value) = 32)
);
COMMENT ON TABLE unkey.secrets IS 'Secrets of this database that must travel with a dump: key_id (from which key ids are derived) is made with the first key. Keep it with the keys.';
COMMENT ON COLUMN unkey.secrets.name IS 'Which secret.';
COMMENT ON COLUMN unkey.secrets.value IS '32 random bytes.';

CREATE TABLE unkey.apis (
    id                text PRIMARY KEY DEFAULT unkey.new_id('api') CHECK (unkey.is_id(id)),
    keyspace_id       text NOT NULL UNIQUE DEFAULT unkey.new_id('ks') CHECK (unkey.is_id(keyspace_id)),
    name              text NOT NULL CHECK (name ~ '^[a-zA-Z][a-zA-Z0-9._-]*$' AND length(name) BETWEEN 3 AND 255),
    enabled           boolean NOT NULL DEFAULT true,
    default_prefix    text CHECK (default_prefix ~ '^[a-zA-Z0-9_]+$' AND length(default_prefix) <= 8),
    default_bytes     integer NOT NULL DEFAULT 16 CHECK (default_bytes BETWEEN 16 AND 255),
    ip_allowlist      cidr[] CHECK (unkey.is_allowlist(ip_allowlist)),
    delete_protection boolean NOT NULL DEFAULT false,
    created_at        unkey.instant NOT NULL DEFAULT unkey.now(),
    updated_at        unkey.instant,
    deleted_at        unkey.instant
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
COMMENT ON COLUMN unkey.apis.deleted_at IS 'Soft delete: keys of a deleted API answer NOT_FOUND.';

CREATE TABLE unkey.identities (
    id          text PRIMARY KEY DEFAULT unkey.new_id('id') CHECK (unkey.is_id(id)),
    external_id text NOT NULL CHECK (external_id ~ '^[a-zA-Z0-9_.-]+$' AND length(external_id) <= 255),
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

CREATE TABLE unkey.permissions (
    id          text PRIMARY KEY DEFAULT unkey.new_id('perm') CHECK (unkey.is_id(id)),
    slug        text NOT NULL UNIQUE CHECK (slug ~ '^[a-zA-Z0-9_:./*-]+$' AND length(slug) <= 128),
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
    id          text PRIMARY KEY DEFAULT unkey.new_id('role') CHECK (unkey.is_id(id)),
    name        text NOT NULL UNIQUE CHECK (name ~ '^[a-zA-Z][a-zA-Z0-9._-]*$' AND length(name) <= 512),
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
    role_id       text NOT NULL REFERENCES unkey.roles ON DELETE CASCADE,
    permission_id text NOT NULL REFERENCES unkey.permissions ON DELETE CASCADE,
    PRIMARY KEY (role_id, permission_id)
);
CREATE INDEX role_permissions_permission_id_idx ON unkey.role_permissions (permission_id);
COMMENT ON TABLE unkey.role_permissions IS 'Permissions of roles.';
COMMENT ON COLUMN unkey.role_permissions.role_id IS 'The role.';
COMMENT ON COLUMN unkey.role_permissions.permission_id IS 'What it grants.';

CREATE TABLE unkey.migrations (
    id         text PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 256),
    algorithm  text NOT NULL DEFAULT 'sha256' CHECK (algorithm IN ('sha256', 'github.com/seamapi/prefixed-api-key')),
    created_at unkey.instant NOT NULL DEFAULT unkey.now()
);
COMMENT ON TABLE unkey.migrations IS 'Where imported keys came from and how their hashes were made.';
COMMENT ON COLUMN unkey.migrations.id IS 'The label that unkey_migrate_keys was called with.';
COMMENT ON COLUMN unkey.migrations.created_at IS 'When it was first used.';
COMMENT ON COLUMN unkey.migrations.algorithm IS 'sha256: of the whole key. github.com/seamapi/prefixed-api-key: of the part after the last underscore, until the first verification with this migration rewrites it.';

CREATE TABLE unkey.keys (
    id                   text PRIMARY KEY DEFAULT unkey.new_id('key') CHECK (unkey.is_id(id)),
    api_id               text NOT NULL REFERENCES unkey.apis,
    identity_id          text REFERENCES unkey.identities ON DELETE SET NULL,
    hash                 bytea NOT NULL UNIQUE CHECK (octet_length(hash) = 32),
    enabled              boolean NOT NULL DEFAULT true,
    expires              unkey.instant CHECK (expires <= '2100-01-01 00:00+00'),
    refill_amount        bigint CHECK (refill_amount >= 1),
    refill_day           smallint CHECK (refill_day BETWEEN 1 AND 31),
    refill_since         unkey.instant,
    prefix               text CHECK (prefix ~ '^[a-zA-Z0-9_]+$' AND length(prefix) <= 16),
    start                text NOT NULL DEFAULT '' CHECK (length(start) <= 50),
    name                 text CHECK (length(name) BETWEEN 1 AND 255),
    meta                 jsonb CHECK (unkey.is_meta(meta)),
    ratelimits           jsonb NOT NULL DEFAULT '[]' CHECK (unkey.is_ratelimits(ratelimits)),
    ip_allowlist         cidr[] CHECK (unkey.is_allowlist(ip_allowlist)),
    pending_migration_id text REFERENCES unkey.migrations,
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
    key_id        text NOT NULL REFERENCES unkey.keys ON DELETE CASCADE,
    permission_id text NOT NULL REFERENCES unkey.permissions ON DELETE CASCADE,
    PRIMARY KEY (key_id, permission_id)
);
CREATE INDEX key_permissions_permission_id_idx ON unkey.key_permissions (permission_id);
COMMENT ON TABLE unkey.key_permissions IS 'Direct permissions of keys.';
COMMENT ON COLUMN unkey.key_permissions.key_id IS 'The key.';
COMMENT ON COLUMN unkey.key_permissions.permission_id IS 'What it is granted.';

CREATE TABLE unkey.key_roles (
    key_id  text NOT NULL REFERENCES unkey.keys ON DELETE CASCADE,
    role_id text NOT NULL REFERENCES unkey.roles ON DELETE CASCADE,
    PRIMARY KEY (key_id, role_id)
);
CREATE INDEX key_roles_role_id_idx ON unkey.key_roles (role_id);
COMMENT ON TABLE unkey.key_roles IS 'Roles of keys.';
COMMENT ON COLUMN unkey.key_roles.key_id IS 'The key.';
COMMENT ON COLUMN unkey.key_roles.role_id IS 'What it is granted.';

CREATE TABLE unkey.credits (
    key_id         text PRIMARY KEY REFERENCES unkey.keys ON DELETE CASCADE,
    remaining      bigint NOT NULL CHECK (remaining >= 0),
    settled_at     unkey.instant NOT NULL DEFAULT unkey.now(),
    last_refill_at unkey.instant
) WITH (fillfactor = 50);
COMMENT ON TABLE unkey.credits IS 'Balances; a key without a row is unlimited. Narrow and with room in each page, because every metered verification writes here.';
COMMENT ON COLUMN unkey.credits.key_id IS 'The key.';
COMMENT ON COLUMN unkey.credits.last_refill_at IS 'When a refill last raised the balance; NULL for never.';
COMMENT ON COLUMN unkey.credits.remaining IS 'Balance at settled_at; a refill that came due since is applied by the next use and already counted by every unkey function that reads it.';
COMMENT ON COLUMN unkey.credits.settled_at IS 'Up to when refills have been considered.';

CREATE UNLOGGED TABLE unkey.counters (
    scope      text NOT NULL,
    identifier text NOT NULL,
    duration   bigint NOT NULL CHECK (duration >= 1000),
    seq        bigint NOT NULL,
    current    bigint NOT NULL CHECK (current >= 0),
    previous   bigint NOT NULL CHECK (previous >= 0),
    PRIMARY KEY (scope, identifier, duration)
) WITH (fillfactor = 50);
COMMENT ON TABLE unkey.counters IS 'Rate-limit counters, two adjacent windows each. Unlogged and not dumped: a crash or a restore forgets the current windows.';
COMMENT ON COLUMN unkey.counters.scope IS 'What is counted: limit:<name> for limits of keys and identities.';
COMMENT ON COLUMN unkey.counters.identifier IS 'Whose usage: a key id or an identity id.';
COMMENT ON COLUMN unkey.counters.duration IS 'Length of a window in milliseconds.';
COMMENT ON COLUMN unkey.counters.seq IS 'Number of the current window: milliseconds since the Unix epoch divided by duration.';
COMMENT ON COLUMN unkey.counters.current IS 'Cost counted in window seq.';
COMMENT ON COLUMN unkey.counters.previous IS 'Cost counted in window seq - 1.';

-- pg_dump carries the rows of every table but the counters (which a standby could not even read).
SELECT pg_catalog.pg_extension_config_dump('unkey.secrets', '');
SELECT pg_catalog.pg_extension_config_dump('unkey.apis', '');
SELECT pg_catalog.pg_extension_config_dump('unkey.identities', '');
SELECT pg_catalog.pg_extension_config_dump('unkey.permissions', '');
SELECT pg_catalog.pg_extension_config_dump('unkey.roles', '');
SELECT pg_catalog.pg_extension_config_dump('unkey.role_permissions', '');
SELECT pg_catalog.pg_extension_config_dump('unkey.migrations', '');
SELECT pg_catalog.pg_extension_config_dump('unkey.keys', '');
SELECT pg_catalog.pg_extension_config_dump('unkey.key_permissions', '');
SELECT pg_catalog.pg_extension_config_dump('unkey.key_roles', '');
SELECT pg_catalog.pg_extension_config_dump('unkey.credits', '');
