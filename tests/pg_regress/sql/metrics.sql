-- Figures for monitoring: which there are, that each tells what it says, and who may read them.
\pset null '-'
SELECT tests.at(NULL) \gset
SELECT unkey_create_api('metrics') AS api \gset
SELECT key FROM unkey_create_key(:'api') \gset
CREATE FUNCTION tests.metric(metric text, label text DEFAULT '') RETURNS double precision LANGUAGE sql RETURN (SELECT value FROM unkey.metrics WHERE name = metric AND labels = label);

-- One row for each name and labels, no NULL, and the words of Prometheus: HELP and TYPE are the same for all rows of a name.
SELECT name, type, help, count(*) AS rows, min(labels) AS labels FROM unkey.metrics GROUP BY 1, 2, 3 ORDER BY 1;
SELECT count(*) AS malformed FROM unkey.metrics WHERE (name ~ '^unkey_[a-z_]+$' AND type IN ('gauge', 'counter') AND help ~ '^[^\n\\]+\.$' AND labels ~ '^([a-z]+="[a-z_]+")?$' AND value >= 0 AND value < 'Infinity') IS NOT TRUE;
SELECT count(*) AS doubles FROM (SELECT FROM unkey.metrics GROUP BY name, labels HAVING count(*) > 1) AS doubles;
SELECT count(*) AS missing FROM pg_class WHERE relnamespace = 'unkey'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition AND tests.metric('unkey_table_bytes', format('table="%s"', relname)) IS NULL;

-- Queues: how many wait, since when, in how much room.
TRUNCATE unkey.verification_queue, unkey.ratelimit_queue;
SELECT pg_stat_force_next_flush() \gset
SELECT queue, tests.metric('unkey_queue_events', queue) AS events, tests.metric('unkey_queue_oldest_event_seconds', queue) AS age, tests.metric('unkey_queue_bytes', queue) AS bytes FROM unnest(ARRAY['queue="verification"', 'queue="ratelimit"']) AS queue;
SELECT count(*) FROM generate_series(1, 3) AS n, unkey_verify_key(left(:'key', 100 + n));
SELECT count(*) FROM unkey_limit('metrics', 'id', 1, '1 minute');
UPDATE unkey.verification_queue SET time = clock_timestamp() - interval '1 hour' WHERE ctid = (SELECT max(ctid) FROM unkey.verification_queue);
SELECT pg_stat_force_next_flush() \gset
SELECT queue, tests.metric('unkey_queue_events', queue) AS events, tests.metric('unkey_queue_oldest_event_seconds', queue) BETWEEN 3600 AND 3900 AS an_hour, tests.metric('unkey_queue_bytes', queue) AS bytes FROM unnest(ARRAY['queue="verification"', 'queue="ratelimit"']) AS queue;
-- A clock that was set back is no negative age.
UPDATE unkey.ratelimit_queue SET time = '9999-01-01';
SELECT tests.metric('unkey_queue_oldest_event_seconds', 'queue="ratelimit"') AS age;
DELETE FROM unkey.ratelimit_queue;

-- Maintenance: never, now, and what it moved; a call that found another one at work, or failed, is none.
DELETE FROM unkey.last_maintenance;
SELECT tests.metric('unkey_last_maintenance_timestamp_seconds') AS at, tests.metric('unkey_last_maintenance_events') AS events;
BEGIN;
SELECT drained FROM unkey.maintain();
ROLLBACK;
SELECT tests.metric('unkey_last_maintenance_timestamp_seconds') AS at;
SELECT drained FROM unkey.maintain();
SELECT extract(epoch FROM clock_timestamp()) - tests.metric('unkey_last_maintenance_timestamp_seconds') BETWEEN 0 AND 300 AS now, tests.metric('unkey_last_maintenance_events') AS events;
SELECT drained FROM unkey.maintain();
SELECT tests.metric('unkey_last_maintenance_events') AS events, (SELECT count(*) FROM unkey.last_maintenance) AS rows;

-- The audit log: counted, but not beyond 10,000.
SELECT tests.metric('unkey_audit_unsealed_entries') AS sealed;
BEGIN;
SELECT unkey_update_api(:'api', '{"name": "metrics-changed"}');
SELECT tests.metric('unkey_audit_unsealed_entries') AS one;
INSERT INTO unkey.audit_log SELECT 'log_metrics' || n, now(), 'api.update', '', 'system', 'unkey', NULL, NULL, NULL, 'x', '[]', 1, NULL, '\x' FROM generate_series(1, 10500) AS n;
SELECT tests.metric('unkey_audit_unsealed_entries') AS many;
ROLLBACK;

-- Estimates of Postgres.
VACUUM ANALYZE unkey.keys;
SELECT pg_stat_force_next_flush() \gset
SELECT tests.metric('unkey_keys') = count(*) AS keys FROM unkey.keys;
-- A table with its indexes, its long values and their index; and one with partitions.
VACUUM ANALYZE unkey.verification_events;
SELECT tests.metric('unkey_table_bytes', 'table="keys"') = sum(pg_relation_size(part)) AS bytes FROM pg_class AS toast JOIN pg_class AS class ON toast.oid = class.reltoastrelid, LATERAL (
    SELECT indexrelid AS part FROM pg_index WHERE indrelid = class.oid UNION ALL VALUES (class.oid), (toast.oid)) AS parts WHERE class.oid = 'unkey.keys'::regclass;
SELECT tests.metric('unkey_table_bytes', 'table="verification_events"') >= (SELECT sum(pg_relation_size(inhrelid)) FROM pg_inherits WHERE inhparent = 'unkey.verification_events'::regclass) AS partitions;

-- With the privilege api a role reads the figures, and nothing beneath them.
CREATE ROLE metrics_server;
SELECT unkey_grant('metrics_server', 'api') \gset
SET ROLE metrics_server;
SELECT count(*) > 20 AS readable FROM unkey.metrics;
SELECT relation, e.state FROM unnest(ARRAY['unkey.queues', 'unkey.table_bytes', 'unkey.verification_queue', 'unkey.audit_log', 'unkey.last_maintenance', 'unkey.keys']) AS relation, LATERAL (SELECT has_table_privilege(relation, 'SELECT') AS state) AS e;
RESET ROLE;
SELECT unkey_revoke('metrics_server', 'api') \gset
SELECT has_table_privilege('metrics_server', 'unkey.metrics', 'SELECT') AS revoked;
DROP ROLE metrics_server;
DROP FUNCTION tests.metric;
