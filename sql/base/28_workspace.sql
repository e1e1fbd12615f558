-- The workspace, which is the database.

CREATE TYPE unkey.workspace_details AS (enabled boolean, "limit" bigint, duration bigint);
COMMENT ON TYPE unkey.workspace_details IS 'The workspace as unkey_get_workspace shows it.';
COMMENT ON COLUMN unkey.workspace_details.enabled IS 'While false, every call of unkey_api is refused.';
COMMENT ON COLUMN unkey.workspace_details."limit" IS 'Most calls of unkey_api per window, by all root keys together; NULL for any number.';
COMMENT ON COLUMN unkey.workspace_details.duration IS 'Window in milliseconds; NULL without a limit.';

CREATE TABLE unkey.workspace (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    enabled   boolean NOT NULL DEFAULT true,
    "limit"   bigint CHECK ("limit" >= 0),
    duration  bigint CHECK (duration >= 1000),
    CHECK (("limit" IS NULL) = (duration IS NULL))
);
COMMENT ON TABLE unkey.workspace IS 'The workspace: at most one row, made by its first change.';
COMMENT ON COLUMN unkey.workspace.singleton IS 'Always true: there is one workspace in a database.';
COMMENT ON COLUMN unkey.workspace.enabled IS 'While false, every call of unkey_api is refused. Verifications over SQL go on.';
COMMENT ON COLUMN unkey.workspace."limit" IS 'Most calls of unkey_api per window, by all root keys together; NULL for any number.';
COMMENT ON COLUMN unkey.workspace.duration IS 'Window in milliseconds; NULL without a limit.';

SELECT pg_catalog.pg_extension_config_dump('unkey.workspace', '');

CREATE FUNCTION @extschema@.unkey_get_workspace() RETURNS unkey.workspace_details
    LANGUAGE c STABLE PARALLEL SAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_get_workspace_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_get_workspace() IS 'The workspace: enabled and without a limit unless it was changed.';

CREATE FUNCTION @extschema@.unkey_update_workspace(patch jsonb) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_update_workspace_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_update_workspace(jsonb) IS
'Changes the workspace. patch: {"enabled", "ratelimit": {"limit", "duration" (ms)}}; absent keeps, a null ratelimit clears. While it is disabled, every call of unkey_api is refused with 403; beyond the limit with 429. A limit is one counter for all connections, so set one only against abuse. Functions called over SQL are not concerned.
Errors: 22023 an unknown field or a value out of range, 22004 NULL.';
