-- The schema, ids, the clock, and the small checks that constraints need. Every other file here is one family: its types,
-- tables, functions and comments, so that a family is read in one place.
--
-- Functions, in all files: every label is chosen. Readers are STABLE and see the caller's snapshot; whatever may write is
-- VOLATILE and PARALLEL UNSAFE. None is STRICT, so that a NULL is answered or refused, never skipped. Public ones run as
-- their owner with a pinned search_path, so that EXECUTE is the only privilege a caller needs.

-- The script runs as a superuser in whatever schema was chosen, where others may have functions and operators that fit better than
-- those of Postgres. So names mean Postgres' own unless they say otherwise.
SET LOCAL search_path = pg_catalog, pg_temp;

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

CREATE FUNCTION unkey.support(request internal) RETURNS internal
    LANGUAGE c VOLATILE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'unkey_support_wrapper';
COMMENT ON FUNCTION unkey.support(internal) IS
'For the planner: as many rows as an array has elements; and functions that it supports are called once for each row, also for rows that are equal. NULL gives NULL.';

CREATE FUNCTION unkey.lock(name text, wait boolean) RETURNS boolean
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'unkey_lock_wrapper';
COMMENT ON FUNCTION unkey.lock(text, boolean) IS
'Takes the lock with this name until the transaction ends, and answers whether it could; unless it is to wait, at once. None of the locks that pg_advisory_lock takes, so whoever may not call this is in nobody''s way. NULL gives NULL.';

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

CREATE TABLE unkey.secrets (
    name  text COLLATE "C" PRIMARY KEY,
    value bytea NOT NULL CHECK (octet_length(value) = 32)
);
COMMENT ON TABLE unkey.secrets IS 'Secrets of this database that must travel with a dump: key_id (from which key ids are derived) is made with the first key. Keep it with the keys.';
COMMENT ON COLUMN unkey.secrets.name IS 'Which secret.';
COMMENT ON COLUMN unkey.secrets.value IS '32 random bytes.';

SELECT pg_catalog.pg_extension_config_dump('unkey.secrets', '');
