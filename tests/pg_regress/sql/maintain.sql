-- Maintenance over time: partitions come and go by the clock, roll-ups stay longer, counters go when their windows are over.
SET datestyle = ISO;
SET timezone = 'UTC';
\pset null '-'
SELECT unkey_create_api('maintain') AS api \gset
SELECT key_id, key FROM unkey_create_key(:'api', credits => 100) \gset
-- Whatever other tests left goes first.
SELECT tests.at('2031-03-01 12:00Z') \gset
SELECT drained IS NOT NULL AS ran FROM unkey.maintain();
DELETE FROM unkey.counters;
CREATE VIEW pg_temp.partitions AS SELECT string_agg(name, ', ' ORDER BY name) AS partitions FROM unkey.event_partitions;
CREATE VIEW pg_temp.kept AS SELECT (SELECT count(*) FROM unkey.verification_events WHERE api_id = :'api') AS events,
    (SELECT sum(count) FROM unkey.verification_hours WHERE api_id = :'api') AS hours, (SELECT sum(count) FROM unkey.verification_days WHERE api_id = :'api') AS days;
SELECT * FROM pg_temp.partitions;

-- Again, nothing is left to do.
SELECT * FROM unkey.maintain();
-- Events of other days make their partitions; the settings of the function end with it.
SELECT code FROM unkey_verify_key(:'key');
SELECT tests.at('2031-02-10 23:59:59.999Z') \gset
SELECT code FROM unkey_verify_key(:'key');
SELECT tests.at('2031-03-01 12:00Z') \gset
BEGIN;
SELECT * FROM unkey.maintain();
SHOW lock_timeout;
COMMIT;
SELECT * FROM pg_temp.partitions;
SELECT * FROM pg_temp.kept;
-- They do not belong to the extension, and have what their parent has.
SELECT count(*) AS members FROM pg_depend JOIN unkey.event_partitions ON objid = ('unkey.' || name)::regclass WHERE deptype = 'e';
SELECT tablename, indexdef FROM pg_indexes WHERE tablename = 'verification_events_20310210' ORDER BY indexname;
SELECT obj_description('unkey.verification_events_20310210'::regclass), has_table_privilege('public', 'unkey.verification_events_20310210', 'SELECT') AS public;

-- Their indexes know what full ranges of pages have, and leave the last one alone.
INSERT INTO unkey.verification_queue (request_id, time, key_space_id, api_id, key_id, outcome)
SELECT 'req_' || number, unkey.now(), 'ks_x', 'api_many', 'key_' || number / 1000, 'VALID' FROM generate_series(0, 39999) AS number;
SELECT drained FROM unkey.maintain();
CREATE FUNCTION pg_temp.pages_read(query text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    plan json;
BEGIN
    SET LOCAL enable_seqscan = off;
    EXECUTE 'EXPLAIN (ANALYZE, FORMAT json) ' || query INTO plan;
    RETURN jsonb_path_query_first(plan::jsonb, '$.**."Lossy Heap Blocks"');
END
$$;
SELECT pg_temp.pages_read('SELECT FROM unkey.verification_events_20310301 WHERE key_id = ''key_0''') BETWEEN 128 AND 3 * 128 AS few,
    pg_relation_size('unkey.verification_events_20310301') / 8192 > 4 * 128 AS of_many;
SELECT count(*) FROM unkey.key_verifications_v1 WHERE key_id = 'key_0';
SELECT brin_summarize_range('unkey.verification_events_20310301_time_key_id_idx', 128) AS already;
DELETE FROM unkey.verification_events WHERE api_id = 'api_many';
DELETE FROM unkey.verification_hours WHERE api_id = 'api_many';
DELETE FROM unkey.verification_days WHERE api_id = 'api_many';

-- unkey.retention: whole days, and only once the last event of the day is old enough.
SET unkey.retention = '10d';
SELECT tests.at('2031-02-20 12:00Z') \gset
SELECT drained, partitions_made, partitions_dropped FROM unkey.maintain();
SELECT tests.at('2031-02-21 00:00Z') \gset
SELECT drained, partitions_made, partitions_dropped FROM unkey.maintain();
SELECT * FROM pg_temp.kept;
-- A partition that somebody took off is attached again when events of its day come, with what it holds.
ALTER TABLE unkey.verification_events DETACH PARTITION unkey.verification_events_20310301;
SELECT tests.at('2031-03-01 13:00Z') \gset
SELECT code FROM unkey_verify_key(:'key');
SELECT drained, partitions_made FROM unkey.maintain();
SELECT * FROM pg_temp.kept;
-- unkey.rollup_retention.
SET unkey.rollup_retention = '18d';
SELECT drained FROM unkey.maintain();
SELECT * FROM pg_temp.kept;
RESET unkey.rollup_retention;
-- Both have a unit and a lower bound.
SELECT state FROM tests.error('SET unkey.retention = ''1h''');
SELECT state FROM tests.error('SET unkey.rollup_retention = 0');
RESET unkey.retention;
SHOW unkey.retention;
SHOW unkey.rollup_retention;

-- Counters: those whose two windows are over go; the present one and the one before stay.
INSERT INTO unkey.counters (scope, identifier, duration, seq, current, previous)
SELECT 'maintain', age::text, duration, unkey.to_ms(unkey.now()) / duration - age, 1, 1 FROM generate_series(0, 3) AS age, unnest(ARRAY[1000, 86400000]) AS duration;
SELECT counters_removed FROM unkey.maintain();
SELECT identifier, duration FROM unkey.counters WHERE scope = 'maintain' ORDER BY 1, 2;
DELETE FROM unkey.counters WHERE scope = 'maintain';

-- Requests go after unkey.idempotency_retention.
INSERT INTO unkey.requests (key_id, idempotency_key, began_at) SELECT id, age::text, unkey.now() - age * interval '1 hour'
FROM unkey.keys, generate_series(23, 25) AS age WHERE hash = sha256(:'key');
SELECT FROM unkey.maintain();
SELECT idempotency_key FROM unkey.requests WHERE idempotency_key IN ('23', '24', '25');
SET unkey.idempotency_retention = '23h';
SELECT FROM unkey.maintain();
SELECT idempotency_key FROM unkey.requests WHERE idempotency_key IN ('23', '24', '25');
RESET unkey.idempotency_retention;

-- Sums that no bigint holds saturate; a key that is gone has no last use.
INSERT INTO unkey.verification_queue (request_id, time, key_space_id, api_id, key_id, outcome, tags, spent_credits)
SELECT 'req_big', unkey.now(), 'ks_x', :'api', 'key_gone', 'VALID', '{}', 9223372036854775807 FROM generate_series(1, 2);
SELECT drained FROM unkey.maintain();
SELECT count, spent_credits FROM unkey.key_verifications_per_month_v1 WHERE key_id = 'key_gone';
SELECT count(*) FROM unkey.key_usage WHERE key_id = 'key_gone';
BEGIN READ ONLY;
SELECT state FROM tests.error('SELECT unkey.maintain()');
ROLLBACK;
-- It seals the audit log too, once.
SELECT unkey.maintain() IS NULL AS skipped;
SELECT unkey_create_api('maintain-sealed') LIKE 'api_%' AS made;
SELECT entries_sealed FROM unkey.maintain();
SELECT entries_sealed FROM unkey.maintain();
SELECT event, seal IS NOT NULL AS sealed FROM unkey.audit_log WHERE targets @> '[{"name": "maintain-sealed"}]';
