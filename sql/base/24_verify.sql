-- Verification, and the counters of rate limits. pg_dump leaves the counters out: a standby could not even read them.

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

CREATE UNLOGGED TABLE unkey.counters (
    scope      text COLLATE "C" NOT NULL,
    identifier text COLLATE "C" NOT NULL,
    duration   bigint NOT NULL CHECK (duration >= 1000),
    seq        bigint NOT NULL,
    current    bigint NOT NULL CHECK (current >= 0),
    previous   bigint NOT NULL CHECK (previous >= 0),
    PRIMARY KEY (scope, identifier, duration)
) WITH (fillfactor = 50);
COMMENT ON TABLE unkey.counters IS 'Rate-limit counters that are not in shared memory, two adjacent windows each: all without preload, otherwise those that found no room. Unlogged and not dumped: a crash or a restore forgets the current windows.';
COMMENT ON COLUMN unkey.counters.scope IS 'What is counted: limit:<name> for limits of keys and identities, the id of a namespace for unkey_limit.';
COMMENT ON COLUMN unkey.counters.identifier IS 'Whose usage: a key id, an identity id, or the identifier given to unkey_limit.';
COMMENT ON COLUMN unkey.counters.duration IS 'Length of a window in milliseconds.';
COMMENT ON COLUMN unkey.counters.seq IS 'Number of the current window: milliseconds since the Unix epoch divided by duration.';
COMMENT ON COLUMN unkey.counters.current IS 'Cost counted in window seq.';
COMMENT ON COLUMN unkey.counters.previous IS 'Cost counted in window seq - 1.';

CREATE FUNCTION @extschema@.unkey_verify_key(
    key text,
    permissions text DEFAULT NULL,
    cost bigint DEFAULT NULL,
    ratelimits jsonb DEFAULT NULL,
    tags text[] DEFAULT NULL,
    api_id text DEFAULT NULL,
    ip inet DEFAULT NULL,
    migration_id text DEFAULT NULL
) RETURNS unkey.verification
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT COST 10 SUPPORT unkey.support
    AS 'MODULE_PATHNAME', 'unkey_verify_key_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_verify_key(text, text, bigint, jsonb, text[], text, inet, text) IS
'Verifies a key in one atomic call and returns one row. A bad key is an answer (code), never an error; NULL, an empty text and any text that can''t be a key answer NOT_FOUND. Always call it as SELECT * FROM unkey_verify_key(…): (unkey_verify_key(…)).* would run once per column.
permissions: a query of slugs joined by AND, OR and parentheses, 1 to 1000 characters. cost: credits to spend, 0 to 10^12, default 1; 0 spends nothing. ratelimits: [{"name", "cost", "limit", "duration"}]: names a stored limit and may change its cost, or with limit and duration (ms) counts an ad-hoc one. tags: at most 20 of 1 to 512 characters, kept for analytics. api_id: a key of another API answers NOT_FOUND. ip: address of the client, for allow-lists. migration_id: finishes a key imported with that migration.
Checks in order, each only while the key is valid: API and key enabled, not expired, address, permissions, rate limits, credits. Rate limits stay counted when credits fail; everything is given back when the transaction aborts.
Errors: 42601 syntax of permissions (only for a key that exists), 22023 another argument, 55000 ratelimits names a limit that does not exist, 25006 credits must be spent, or a limit counted in the table, in a read-only transaction.';

CREATE FUNCTION @extschema@.unkey_verify_keys(
    keys text[],
    permissions text DEFAULT NULL,
    cost bigint DEFAULT NULL,
    ratelimits jsonb DEFAULT NULL,
    tags text[] DEFAULT NULL,
    api_id text DEFAULT NULL,
    ip inet DEFAULT NULL,
    migration_id text DEFAULT NULL
) RETURNS SETOF unkey.verification
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT COST 1000 ROWS 100 SUPPORT unkey.support
    AS 'MODULE_PATHNAME', 'unkey_verify_keys_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_verify_keys(text[], text, bigint, jsonb, text[], text, inet, text) IS
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
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT COST 10 SUPPORT unkey.support
    AS 'MODULE_PATHNAME', 'unkey_verify_hash_wrapper';
COMMENT ON FUNCTION unkey.verify(text, bytea, text, bigint, jsonb, text[], text, inet) IS
'Verifies the key with this SHA-256, which unkey_verify_key computes from its text. key_id is where a sharded database routes the call; a single one finds the key by hash alone. Errors: as unkey_verify_key, and 22023 if hash has not 32 bytes, 22004 if it is NULL.';
