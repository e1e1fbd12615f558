-- The standalone limiter: namespaces and overrides.

CREATE TYPE unkey.limit_result AS (
    success     boolean,
    "limit"     bigint,
    remaining   bigint,
    reset       timestamptz,
    override_id text
);
COMMENT ON TYPE unkey.limit_result IS 'Answer of unkey_limit.';
COMMENT ON COLUMN unkey.limit_result.success IS 'Whether the cost fitted, and was counted.';
COMMENT ON COLUMN unkey.limit_result."limit" IS 'The limit that was applied.';
COMMENT ON COLUMN unkey.limit_result.remaining IS 'Cost that still fits; 0 when refused.';
COMMENT ON COLUMN unkey.limit_result.reset IS 'End of the current window. What was counted in it weighs less and less until the end of the next. NULL if no timestamp is so late.';
COMMENT ON COLUMN unkey.limit_result.override_id IS 'The override that was applied; NULL for none.';

CREATE TYPE unkey.multi_limit_result AS (
    namespace   text,
    identifier  text,
    passed      boolean,
    "limit"     bigint,
    remaining   bigint,
    reset       timestamptz,
    override_id text
);
COMMENT ON TYPE unkey.multi_limit_result IS 'One check of unkey_multi_limit. The call as a whole passed if every check did.';
COMMENT ON COLUMN unkey.multi_limit_result.namespace IS 'Namespace, as the check named it.';
COMMENT ON COLUMN unkey.multi_limit_result.identifier IS 'Identifier of the check.';
COMMENT ON COLUMN unkey.multi_limit_result.passed IS 'Whether this check had room; counted only if all did.';
COMMENT ON COLUMN unkey.multi_limit_result."limit" IS 'The limit that was applied.';
COMMENT ON COLUMN unkey.multi_limit_result.remaining IS 'Cost that still fits: after the cost if all passed, else without it; 0 for a check that refused.';
COMMENT ON COLUMN unkey.multi_limit_result.reset IS 'End of the current window; NULL if no timestamp is so late.';
COMMENT ON COLUMN unkey.multi_limit_result.override_id IS 'The override that was applied; NULL for none.';

CREATE TYPE unkey.namespace_details AS (namespace_id text, name text, created_at timestamptz);
COMMENT ON TYPE unkey.namespace_details IS 'A namespace as unkey_get_namespace and unkey_list_namespaces show it.';
COMMENT ON COLUMN unkey.namespace_details.namespace_id IS 'rlns_…';
COMMENT ON COLUMN unkey.namespace_details.name IS 'Name.';
COMMENT ON COLUMN unkey.namespace_details.created_at IS 'When it was made.';

CREATE TYPE unkey.override_details AS (
    override_id text,
    identifier  text,
    "limit"     bigint,
    duration    interval,
    created_at  timestamptz,
    updated_at  timestamptz
);
COMMENT ON TYPE unkey.override_details IS 'An override as unkey_get_override and unkey_list_overrides show it.';
COMMENT ON COLUMN unkey.override_details.override_id IS 'rlor_…';
COMMENT ON COLUMN unkey.override_details.identifier IS 'The identifier it is for, or a pattern with *.';
COMMENT ON COLUMN unkey.override_details."limit" IS 'Most cost per window; 0 denies everything.';
COMMENT ON COLUMN unkey.override_details.duration IS 'Length of a window.';
COMMENT ON COLUMN unkey.override_details.created_at IS 'When it was made; the first of several patterns that match counts.';
COMMENT ON COLUMN unkey.override_details.updated_at IS 'When a function last changed it; NULL for never.';

CREATE TABLE unkey.ratelimit_namespaces (
    id         text COLLATE "C" PRIMARY KEY DEFAULT unkey.new_id('rlns') CHECK (unkey.is_id(id)),
    name       text COLLATE "C" NOT NULL CHECK (length(name) BETWEEN 1 AND 255),
    created_at unkey.instant NOT NULL DEFAULT unkey.now(),
    deleted_at unkey.instant
);
CREATE UNIQUE INDEX ratelimit_namespaces_name_key ON unkey.ratelimit_namespaces (name) WHERE deleted_at IS NULL;
COMMENT ON TABLE unkey.ratelimit_namespaces IS 'Namespaces of the standalone limiter: what is limited. Usage is in unkey.counters, by the id of the namespace.';
COMMENT ON COLUMN unkey.ratelimit_namespaces.id IS 'rlns_…';
COMMENT ON COLUMN unkey.ratelimit_namespaces.name IS '1 to 255 characters; unique among namespaces that are not deleted.';
COMMENT ON COLUMN unkey.ratelimit_namespaces.created_at IS 'When it was made.';
COMMENT ON COLUMN unkey.ratelimit_namespaces.deleted_at IS 'Soft delete: calls that name it raise, until a new one of its name is made.';

CREATE TABLE unkey.ratelimit_overrides (
    id           text COLLATE "C" PRIMARY KEY DEFAULT unkey.new_id('rlor') CHECK (unkey.is_id(id)),
    namespace_id text COLLATE "C" NOT NULL REFERENCES unkey.ratelimit_namespaces ON DELETE CASCADE,
    identifier   text COLLATE "C" NOT NULL CHECK (length(identifier) BETWEEN 1 AND 255),
    "limit"      bigint NOT NULL CHECK ("limit" >= 0),
    duration     bigint NOT NULL CHECK (duration >= 1000),
    created_at   unkey.instant NOT NULL DEFAULT unkey.now(),
    updated_at   unkey.instant,
    is_pattern   boolean GENERATED ALWAYS AS (strpos(identifier, '*') > 0) STORED,
    UNIQUE (namespace_id, identifier)
);
CREATE INDEX ratelimit_overrides_pattern_idx ON unkey.ratelimit_overrides (namespace_id) WHERE is_pattern;
COMMENT ON TABLE unkey.ratelimit_overrides IS 'Limits of single identifiers, or of all that match a pattern, instead of those a call asks for.';
COMMENT ON COLUMN unkey.ratelimit_overrides.id IS 'rlor_…';
COMMENT ON COLUMN unkey.ratelimit_overrides.namespace_id IS 'The namespace it belongs to.';
COMMENT ON COLUMN unkey.ratelimit_overrides.identifier IS 'Exactly this identifier, or with * all that match: each * stands for any run of characters without a newline. 1 to 255 characters.';
COMMENT ON COLUMN unkey.ratelimit_overrides."limit" IS 'Most cost per window; 0 denies everything.';
COMMENT ON COLUMN unkey.ratelimit_overrides.duration IS 'Length of a window in milliseconds; at least 1000.';
COMMENT ON COLUMN unkey.ratelimit_overrides.created_at IS 'When it was made; the first of several patterns that match counts.';
COMMENT ON COLUMN unkey.ratelimit_overrides.updated_at IS 'When a function last changed it; NULL for never.';
COMMENT ON COLUMN unkey.ratelimit_overrides.is_pattern IS 'Whether identifier has a *.';

SELECT pg_catalog.pg_extension_config_dump('unkey.ratelimit_namespaces', '');
SELECT pg_catalog.pg_extension_config_dump('unkey.ratelimit_overrides', '');

CREATE FUNCTION @extschema@.unkey_limit(
    namespace text,
    identifier text,
    "limit" bigint,
    duration interval,
    cost bigint DEFAULT 1
) RETURNS unkey.limit_result
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT COST 10 SUPPORT unkey.support
    AS 'MODULE_PATHNAME', 'unkey_limit_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_limit(text, text, bigint, interval, bigint) IS
'Counts a cost against a limit, if it still fits, and returns one row. A refusal is an answer (success), never an error. Always call it as SELECT * FROM unkey_limit(…): (unkey_limit(…)).* would run once per column.
namespace: name or id of what is limited, 1 to 255 characters; an unknown name is made. identifier: who is limited, 1 to 255 characters. "limit": most cost per window, at least 1. duration: length of a window, 1 second to 30 days; a month is 30 days. cost: at least 0, default 1; 0 only looks, and passes up to and at the limit. An override of the identifier replaces "limit" and duration.
Windows slide: the previous window weighs less the more of the current one has passed. Changing the limit keeps what was counted, another duration counts anew. Everything is given back when the transaction aborts.
Errors: 22023 an argument out of range, 22004 NULL, 55000 the namespace was deleted, 25006 a namespace must be made, or a limit counted in the table, in a read-only transaction.';

CREATE FUNCTION @extschema@.unkey_multi_limit(checks jsonb) RETURNS SETOF unkey.multi_limit_result
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT COST 100 ROWS 10 SUPPORT unkey.support
    AS 'MODULE_PATHNAME', 'unkey_multi_limit_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_multi_limit(jsonb) IS
'Checks several limits at once: all costs are counted, or none if one check refuses. One row per check, in order. checks: [{"namespace", "identifier", "limit", "duration" (ms), "cost"}], 1 to 100, with the ranges of unkey_limit. Checks of one identifier in one namespace with one duration are judged by the sum of their costs. Errors: as unkey_limit.';

CREATE FUNCTION @extschema@.unkey_create_namespace(name text) RETURNS text
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_create_namespace_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_create_namespace(text) IS
'The id (rlns_…) of the namespace of this name, which is made when missing or deleted. name: 1 to 255 characters. Errors: 22023, 22004 NULL, 25006 in a read-only transaction.';

CREATE FUNCTION @extschema@.unkey_get_namespace(namespace text) RETURNS unkey.namespace_details
    LANGUAGE c STABLE PARALLEL SAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_get_namespace_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_get_namespace(text) IS
'The namespace with this name, or else this id. Errors: 42704 unknown, 55000 deleted, 22004 NULL.';

CREATE FUNCTION @extschema@.unkey_list_namespaces(
    "limit" integer DEFAULT 100,
    cursor text DEFAULT NULL
) RETURNS SETOF unkey.namespace_details
    LANGUAGE c STABLE PARALLEL SAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_list_namespaces_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_list_namespaces(integer, text) IS
'Namespaces by id, "limit" (1 to 100) at a time; cursor: the namespace_id of the last row read. Errors: 22023 limit out of range.';

CREATE FUNCTION @extschema@.unkey_delete_namespace(namespace text) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_delete_namespace_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_delete_namespace(text) IS
'Deletes a namespace, by name or else id. Calls that name it raise 55000 from then on, until unkey_create_namespace makes a new one of its name, without its overrides and counts. Errors: 42704 unknown, 55000 deleted already, 22004 NULL.';

CREATE FUNCTION @extschema@.unkey_set_override(
    namespace text,
    identifier text,
    "limit" bigint,
    duration interval
) RETURNS text
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_set_override_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_set_override(text, text, bigint, interval) IS
'Makes or changes an override and returns its id (rlor_…), which stays. identifier: whom it is for, exactly; or with * all whose whole text matches, each * standing for any run of characters without a newline; 1 to 255 characters. The exact one counts before patterns, and of these the one made first. "limit": most cost per window, at least 0; 0 denies everything. duration: at least 1 second. Both replace what calls ask for, from the next call on. Errors: 42704 unknown namespace, 55000 a deleted one, 22023, 22004 NULL.';

CREATE FUNCTION @extschema@.unkey_get_override(
    namespace text,
    identifier text
) RETURNS unkey.override_details
    LANGUAGE c STABLE PARALLEL SAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_get_override_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_get_override(text, text) IS
'The override with exactly this identifier; a pattern is found by its own text. Errors: 42704 unknown namespace or no such override, 55000 a deleted namespace, 22004 NULL.';

CREATE FUNCTION @extschema@.unkey_list_overrides(
    namespace text,
    "limit" integer DEFAULT 100,
    cursor text DEFAULT NULL
) RETURNS SETOF unkey.override_details
    LANGUAGE c STABLE PARALLEL SAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_list_overrides_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_list_overrides(text, integer, text) IS
'Overrides of a namespace by id, "limit" (1 to 100) at a time; cursor: the override_id of the last row read. Errors: 42704 unknown namespace, 55000 a deleted one, 22023 limit out of range, 22004 namespace is NULL.';

CREATE FUNCTION @extschema@.unkey_delete_override(
    namespace text,
    identifier text
) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_delete_override_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_delete_override(text, text) IS
'Removes the override with exactly this identifier. Errors: 42704 unknown namespace or no such override, 55000 a deleted namespace, 22004 NULL.';
