-- Figures for monitoring, in the shape of Prometheus. Whoever asks must not be felt: a figure is an estimate of Postgres' own, or
-- read from a bounded number of pages or index entries. Whoever reads metrics or stats needs EXECUTE on unkey.figures too, and on
-- nothing else.

CREATE TYPE unkey.figure AS (name text, type text, value bigint, help text);
COMMENT ON TYPE unkey.figure IS 'A figure of the library: see unkey.stats.';
COMMENT ON COLUMN unkey.figure.name IS 'Name of the figure.';
COMMENT ON COLUMN unkey.figure.type IS 'counter or gauge.';
COMMENT ON COLUMN unkey.figure.value IS 'What it stands at.';
COMMENT ON COLUMN unkey.figure.help IS 'What it is.';

CREATE FUNCTION unkey.figures() RETURNS SETOF unkey.figure
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT ROWS 20 AS 'MODULE_PATHNAME', 'unkey_figures_wrapper';
COMMENT ON FUNCTION unkey.figures() IS 'What the library has counted: see unkey.stats.';

CREATE VIEW unkey.stats AS SELECT name, type, value, help FROM unkey.figures();
COMMENT ON VIEW unkey.stats IS 'What the library has counted: in all sessions of the server since its start if unkey is in shared_preload_libraries, else in this session. The cache is that of one session each; hits of others appear with a delay.';
COMMENT ON COLUMN unkey.stats.name IS 'Name of the figure.';
COMMENT ON COLUMN unkey.stats.type IS 'counter: only grows. gauge: goes up and down.';
COMMENT ON COLUMN unkey.stats.value IS 'What it stands at.';
COMMENT ON COLUMN unkey.stats.help IS 'What it is.';

CREATE VIEW unkey.table_bytes AS
    WITH members AS (
        SELECT class.oid, coalesce(inhparent, class.oid) AS whole
        FROM pg_catalog.pg_class AS class
        LEFT JOIN pg_catalog.pg_inherits ON inhrelid = class.oid AND class.relispartition
        WHERE class.relnamespace = 'unkey'::regnamespace AND class.relkind IN ('r', 'p')
    ), parts AS (
        SELECT whole, oid FROM members
        UNION ALL SELECT whole, indexrelid FROM members JOIN pg_catalog.pg_index ON indrelid = oid
        UNION ALL SELECT whole, reltoastrelid FROM members JOIN pg_catalog.pg_class USING (oid) WHERE reltoastrelid <> 0
    )
    SELECT tables.relname::text AS name, sum(part.relpages::bigint) * current_setting('block_size')::bigint AS bytes
    FROM parts
    JOIN pg_catalog.pg_class AS part ON part.oid = parts.oid
    JOIN pg_catalog.pg_class AS tables ON tables.oid = parts.whole
    GROUP BY tables.relname;
COMMENT ON VIEW unkey.table_bytes IS 'Size of each table with its indexes, partitions and long values, as of their last VACUUM or ANALYZE.';
COMMENT ON COLUMN unkey.table_bytes.name IS 'The table, in schema unkey.';
COMMENT ON COLUMN unkey.table_bytes.bytes IS 'An estimate that takes no lock.';

-- The oldest event is looked for in the first megabyte of a queue, where it stands unless maintenance has got beyond it.
CREATE VIEW unkey.queues AS
    SELECT 'verification' AS name, 'unkey.verification_queue'::regclass AS relation,
        (SELECT min(time) FROM unkey.verification_queue WHERE ctid < '(128,0)') AS oldest
    UNION ALL
    SELECT 'ratelimit', 'unkey.ratelimit_queue'::regclass,
        (SELECT min(time) FROM unkey.ratelimit_queue WHERE ctid < '(128,0)');
COMMENT ON VIEW unkey.queues IS 'The two queues of events.';
COMMENT ON COLUMN unkey.queues.name IS 'verification or ratelimit.';
COMMENT ON COLUMN unkey.queues.relation IS 'The table.';
COMMENT ON COLUMN unkey.queues.oldest IS 'Time of the oldest event in its first megabyte; NULL without one.';

CREATE VIEW unkey.metrics AS
    SELECT 'unkey_' || name || CASE type WHEN 'counter' THEN '_total' ELSE '' END AS name, type, help, '' AS labels,
        value::double precision AS value
    FROM unkey.figures()
    UNION ALL
    SELECT name, 'gauge', help, coalesce(labels, ''), coalesce(value, 0)::double precision
    FROM (
        SELECT 'unkey_queue_events' AS name,
            'Events that wait for unkey.maintain(); an estimate.' AS help,
            format('queue="%s"', name) AS labels, pg_stat_get_live_tuples(relation)::double precision AS value
        FROM unkey.queues
        UNION ALL
        SELECT 'unkey_queue_bytes', 'Size of the table in which events wait, the room of those that are gone included.',
            format('queue="%s"', name), pg_relation_size(relation)
        FROM unkey.queues
        UNION ALL
        SELECT 'unkey_queue_oldest_event_seconds', 'Age of the oldest event in the first megabyte of a queue; 0 without one.',
            format('queue="%s"', name), GREATEST(0, extract(epoch FROM clock_timestamp() - oldest))
        FROM unkey.queues
        UNION ALL
        SELECT 'unkey_last_maintenance_timestamp_seconds', 'When unkey.maintain() last succeeded, in seconds since 1970; 0 for never.',
            '', (SELECT extract(epoch FROM finished_at) FROM unkey.last_maintenance)
        UNION ALL
        SELECT 'unkey_last_maintenance_events', 'Events that the last unkey.maintain() moved; a million or more says that it left some.',
            '', (SELECT drained FROM unkey.last_maintenance)
        UNION ALL
        SELECT 'unkey_audit_unsealed_entries', 'Entries of the audit log that no seal covers yet, counted up to 10000.',
            '', (SELECT count(*) FROM (SELECT FROM unkey.audit_log WHERE seal IS NULL LIMIT 10000) AS unsealed)
        UNION ALL
        SELECT 'unkey_counters', 'Rate-limit counters in the table; an estimate.',
            '', pg_stat_get_live_tuples('unkey.counters'::regclass)
        UNION ALL
        SELECT 'unkey_keys', 'Keys, deleted ones included; an estimate.',
            '', pg_stat_get_live_tuples('unkey.keys'::regclass)
        UNION ALL
        SELECT 'unkey_table_bytes', 'Size of a table with its indexes and partitions as of the last VACUUM or ANALYZE.',
            format('table="%s"', name), bytes
        FROM unkey.table_bytes
    ) AS metric;
COMMENT ON VIEW unkey.metrics IS 'Figures for monitoring (docs/operations.md), cheap to read on a database of any size; /metrics of the HTTP server shows them.';
COMMENT ON COLUMN unkey.metrics.name IS 'Name of the metric.';
COMMENT ON COLUMN unkey.metrics.type IS 'counter or gauge.';
COMMENT ON COLUMN unkey.metrics.help IS 'What it is.';
COMMENT ON COLUMN unkey.metrics.labels IS 'Labels as Prometheus writes them, without braces: table="keys". Empty for none.';
COMMENT ON COLUMN unkey.metrics.value IS 'The figure, never NULL.';
