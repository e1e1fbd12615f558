-- Schema, result types, and the small functions that defaults and constraints need.

CREATE SCHEMA unkey;
COMMENT ON SCHEMA unkey IS 'Tables, types and internals of the unkey extension. Nothing here is granted to PUBLIC.';

CREATE FUNCTION unkey.new_id(prefix text) RETURNS text
    LANGUAGE c VOLATILE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'unkey_new_id_wrapper';
COMMENT ON FUNCTION unkey.new_id(text) IS
'A new id such as api_2gZdJm7aVwTQXkqv: prefix, underscore, base58 of 4 bytes of time (seconds since 2023-11-14 22:13:20 UTC) and 8 random bytes, so ids sort roughly by creation. NULL gives NULL.';

CREATE FUNCTION unkey.now() RETURNS timestamptz
    LANGUAGE c VOLATILE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'unkey_now_wrapper';
COMMENT ON FUNCTION unkey.now() IS
'The time that every unkey function goes by, to the millisecond: the clock, not the start of the transaction; or unkey.clock if that is set.';

CREATE DOMAIN unkey.instant AS timestamptz CHECK (VALUE BETWEEN '1970-01-01 00:00+00' AND '9999-12-31 00:00+00');
COMMENT ON DOMAIN unkey.instant IS 'A point in time that JSON and every client can hold: 1970 to 9999, never infinity.';

CREATE FUNCTION unkey.to_ms(at timestamptz) RETURNS bigint
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN (floor(extract(epoch FROM at) * 1000))::bigint;
COMMENT ON FUNCTION unkey.to_ms(timestamptz) IS
'Milliseconds since the Unix epoch, rounded down. NULL gives NULL; infinity raises 0A000.';

CREATE FUNCTION unkey.from_ms(ms bigint) RETURNS timestamptz
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN to_timestamp(ms::double precision / 1000);
COMMENT ON FUNCTION unkey.from_ms(bigint) IS 'The instant that many milliseconds after the Unix epoch. NULL gives NULL.';

CREATE FUNCTION unkey.is_id(id text) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN id ~ '^[a-zA-Z0-9_]+$' AND length(id) BETWEEN 3 AND 255;
COMMENT ON FUNCTION unkey.is_id(text) IS 'Whether a text may be an id: 3 to 255 letters, digits, _. Length and letters are checked apart, because counting in a regular expression is slow.';

CREATE FUNCTION unkey.is_meta(meta jsonb) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN CASE WHEN jsonb_typeof(meta) = 'object' THEN (SELECT count(*) FROM jsonb_object_keys(meta)) <= 100 ELSE false END;
COMMENT ON FUNCTION unkey.is_meta(jsonb) IS 'Whether a value may stand in a meta column: a JSON object of at most 100 top-level properties.';

CREATE FUNCTION unkey.is_ratelimits(ratelimits jsonb) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'unkey_is_ratelimits_wrapper';
COMMENT ON FUNCTION unkey.is_ratelimits(jsonb) IS
'Whether a value may stand in a ratelimits column: an array of at most 50 objects {"id", "name", "limit", "duration", "autoApply"}; name 1 to 128 characters and unique, limit at least 1, duration at least 1000 (milliseconds).';

CREATE FUNCTION unkey.is_allowlist(networks cidr[]) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN array_position(networks, NULL) IS NULL AND cardinality(networks) <= 1000;
COMMENT ON FUNCTION unkey.is_allowlist(cidr[]) IS 'Whether a value may stand in an ip_allowlist column: at most 1000 networks, none of them NULL.';

CREATE TYPE unkey.verification AS (
    valid       boolean,
    code        text,
    key_id      text,
    name        text,
    meta        jsonb,
    expires     timestamptz,
    credits     bigint,
    enabled     boolean,
    roles       text[],
    permissions text[],
    identity    jsonb,
    ratelimits  jsonb
);
COMMENT ON TYPE unkey.verification IS 'Answer of unkey_verify_key. For NOT_FOUND only valid and code are set; for a found key every column that applies is set, whatever the code.';
COMMENT ON COLUMN unkey.verification.valid IS 'True exactly when code is VALID.';
COMMENT ON COLUMN unkey.verification.code IS 'VALID, NOT_FOUND, FORBIDDEN, INSUFFICIENT_PERMISSIONS, USAGE_EXCEEDED, RATE_LIMITED, DISABLED or EXPIRED.';
COMMENT ON COLUMN unkey.verification.key_id IS 'Id of the key.';
COMMENT ON COLUMN unkey.verification.name IS 'Name of the key; NULL without one.';
COMMENT ON COLUMN unkey.verification.meta IS 'Meta of the key; NULL if empty.';
COMMENT ON COLUMN unkey.verification.expires IS 'When the key expires; NULL for never.';
COMMENT ON COLUMN unkey.verification.credits IS 'Balance after this call; NULL for unlimited.';
COMMENT ON COLUMN unkey.verification.enabled IS 'Whether the key is enabled.';
COMMENT ON COLUMN unkey.verification.roles IS 'Names of the key''s roles, sorted; NULL if none.';
COMMENT ON COLUMN unkey.verification.permissions IS 'Slugs of the effective permissions, direct and through roles, each once, sorted; NULL if none.';
COMMENT ON COLUMN unkey.verification.identity IS '{"id", "externalId", "meta"?, "ratelimits"?: [{"id", "name", "limit", "duration", "autoApply"}]}; limits shadowed by a limit of the key are left out. NULL without an identity.';
COMMENT ON COLUMN unkey.verification.ratelimits IS 'Limits evaluated by this call, sorted by name: [{"id", "name", "limit", "duration", "reset", "remaining", "exceeded", "autoApply"}], times in milliseconds. NULL if none was evaluated.';

CREATE TYPE unkey.new_key AS (key_id text, key text);
COMMENT ON TYPE unkey.new_key IS 'A key just made. The text in "key" is shown this once and never stored.';
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
COMMENT ON COLUMN unkey.key_details.start IS 'Visible beginning of the key text; empty for imported keys.';
COMMENT ON COLUMN unkey.key_details.credits IS 'Balance now, due refills included; NULL for unlimited.';
COMMENT ON COLUMN unkey.key_details.refill_interval IS 'daily or monthly; NULL without refill.';
COMMENT ON COLUMN unkey.key_details.refill_day IS 'Day of a monthly refill; NULL otherwise.';
COMMENT ON COLUMN unkey.key_details.permissions IS 'Slugs of the effective permissions, direct and through roles, sorted; NULL if none.';
COMMENT ON COLUMN unkey.key_details.cursor IS 'Pass it as the cursor of unkey_list_keys to go on after this row.';

CREATE TYPE unkey.api_details AS (
    api_id            text,
    name              text,
    keyspace_id       text,
    enabled           boolean,
    default_prefix    text,
    default_bytes     integer,
    ip_allowlist      cidr[],
    delete_protection boolean,
    created_at        timestamptz,
    updated_at        timestamptz
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
COMMENT ON COLUMN unkey.api_details.created_at IS 'When it was made.';
COMMENT ON COLUMN unkey.api_details.updated_at IS 'When a function last changed it; NULL for never.';

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

CREATE TYPE unkey.migration_result AS (migrated jsonb, failed text[]);
COMMENT ON TYPE unkey.migration_result IS 'migrated: [{"hash", "keyId"}] in the order given; failed: hashes that existed already, as they were written.';
COMMENT ON COLUMN unkey.migration_result.migrated IS '[{"hash", "keyId"}] in the order given.';
COMMENT ON COLUMN unkey.migration_result.failed IS 'Hashes that existed already, as they were written.';
