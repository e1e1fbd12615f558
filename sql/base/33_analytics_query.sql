-- Analytics by SQL in ClickHouse's dialect. The gate that a query passes is crates/analytics.

CREATE FUNCTION @extschema@.unkey_get_verifications(query text) RETURNS SETOF json
    LANGUAGE c STABLE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_get_verifications_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_get_verifications(text) IS
'Runs one SELECT in ClickHouse''s dialect over key_verifications_v1 and key_verifications_per_minute_v1, _per_hour_v1, _per_day_v1 and _per_month_v1, and returns each row as an object whose members are the query''s columns in order. Numbers are numbers; instants are texts such as 2026-01-01T00:00:00Z. docs/analytics_sql.md lists tables, columns and functions. query: at most 16 KiB and 64 columns. Only its EXECUTE privilege is needed, and nothing but these tables can be read.
Limits: unkey.analytics_timeout, unkey.analytics_max_rows, unkey.analytics_max_bytes. Not for parallel workers, because it runs in a subtransaction.
Errors: 42601 syntax, a construct or type that is not supported, or a failure of the query itself; 42501 a table or function that is not allowed, or no SELECT; 42704 a key_space_id that does not exist; 57014 too long; 54000 too many rows or bytes; 22004 NULL.';

CREATE FUNCTION @extschema@.unkey_get_ratelimits(query text) RETURNS SETOF json
    LANGUAGE c STABLE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_get_ratelimits_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_get_ratelimits(text) IS
'The same over ratelimits_v1 and ratelimits_per_minute_v1, _per_hour_v1, _per_day_v1 and _per_month_v1, which the standalone limiter fills. Errors: as unkey_get_verifications, but for 42704.';
