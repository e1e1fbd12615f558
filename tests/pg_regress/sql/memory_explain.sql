-- unkey_explain looks at limits where they are counted: in shared memory, and at what was saved or counted in the table before. It takes no slot.
\pset null '-'
SELECT tests.at('2025-03-14 12:00:00Z') \gset
SELECT unkey.forget_counters();
SELECT unkey_create_api('memory-explain') AS api \gset
SELECT key_id, key FROM unkey_create_key(:'api', ratelimits => '[{"name": "rl", "limit": 10, "duration": 86400000, "autoApply": true}]') \gset
CREATE FUNCTION pg_temp.used(key text) RETURNS text
    LANGUAGE sql RETURN (SELECT concat_ws(' ', details->'current', details->'used', details->'remaining') FROM unkey_explain(key) WHERE step = 'ratelimit');
SELECT sum(value) AS slots FROM unkey.stats WHERE name IN ('counter_slots_used', 'counter_slots_reused', 'counter_fallbacks') \gset

-- As after a restart, and after a while without memory: neither is forgotten, and none counts twice.
INSERT INTO unkey.saved_counters
SELECT encode(substr(sha256(int4send(8) || 'limit:rl' || :'key_id'::bytea || int8send(86400000)), 1, 16), 'hex')::uuid, 86400000, unkey.to_ms(unkey.now()) / 86400000, 6, 0;
SELECT 'saved' AS "case", pg_temp.used(:'key');
SET unkey.counters = 'table';
SELECT 'table' AS "case", pg_temp.used(:'key');
INSERT INTO unkey.counters VALUES ('limit:rl', :'key_id', 86400000, unkey.to_ms(unkey.now()) / 86400000, 4, 0);
SELECT 'table' AS "case", pg_temp.used(:'key');
RESET unkey.counters;
SELECT 'both' AS "case", pg_temp.used(:'key');
SELECT sum(value) - :slots AS slots_taken FROM unkey.stats WHERE name IN ('counter_slots_used', 'counter_slots_reused', 'counter_fallbacks');

-- From then on in memory; what a transaction counts shows, and is given back with it.
SELECT code, tests.limits(ratelimits) FROM unkey_verify_key(:'key');
SELECT 'memory' AS "case", pg_temp.used(:'key');
BEGIN;
SELECT code FROM unkey_verify_key(:'key', ratelimits => '[{"name": "rl", "cost": 3}]');
SELECT 'inside' AS "case", pg_temp.used(:'key');
ROLLBACK;
SELECT 'outside' AS "case", pg_temp.used(:'key');
BEGIN READ ONLY;
SELECT 'read only' AS "case", pg_temp.used(:'key');
COMMIT;
SELECT unkey.forget_counters();
SELECT tests.at(NULL) \gset
