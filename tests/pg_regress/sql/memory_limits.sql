-- Limits counted in shared memory, in one session: what is given back, saved, loaded and forgotten.
SELECT tests.at('2025-03-14 12:00:00Z') \gset
SELECT unkey.forget_counters();
SELECT unkey_create_api('memory-limits') AS api \gset
SELECT key FROM unkey_create_key(:'api', credits => 1,
    ratelimits => '[{"name": "rl", "limit": 5, "duration": 60000, "autoApply": true}]') \gset
SELECT unkey_create_namespace('memory') AS namespace \gset
CREATE FUNCTION pg_temp.take(identifier text, cost bigint, duration interval DEFAULT '1 day') RETURNS text
    LANGUAGE sql RETURN (SELECT concat_ws(' ', success, remaining) FROM unkey_limit('memory', identifier, 10, duration, cost));

-- Nothing is written: a read-only transaction counts, and no transaction gets an id.
SET unkey.record_verifications = off;
BEGIN READ ONLY;
SELECT pg_temp.take('a', 3), pg_temp.take('a', 3), pg_temp.take('a', 5), pg_temp.take('a', 0);
SELECT pg_current_xact_id_if_assigned() IS NULL AS without_id;
COMMIT;
BEGIN;
SELECT pg_temp.take('a', 1);
SELECT pg_current_xact_id_if_assigned() IS NULL AS without_id;
ROLLBACK;
SELECT pg_temp.take('a', 0), (SELECT count(*) FROM unkey.counters) AS rows;

-- A limit that passed stays counted though the credits then fail; a call that fails, or whose statement does, gives back.
SELECT code, credits, tests.limits(ratelimits) FROM unkey_verify_keys(ARRAY[:'key', :'key']);
SELECT state FROM tests.error(format('SELECT unkey_verify_key(%L, ratelimits => ''[{"name": "unknown"}]'')', :'key'));
SELECT state FROM tests.error($$SELECT 1 / (unkey_verify_key('$$ || :'key' || $$') IS NULL)::int$$);
SELECT code, tests.limits(ratelimits) FROM unkey_verify_key(:'key', cost => 0, ratelimits => '[{"name": "rl", "cost": 0}]');

-- Savepoints in savepoints, and many counts of one and of many counters: each is given back once.
BEGIN;
SELECT pg_temp.take('deep', 1);
SAVEPOINT one;
SELECT pg_temp.take('deep', 1);
SAVEPOINT two;
SELECT pg_temp.take('deep', 2);
RELEASE two;
SAVEPOINT three;
SELECT pg_temp.take('deep', 3);
ROLLBACK TO three;
SELECT pg_temp.take('deep', 0);
ROLLBACK TO one;
SELECT pg_temp.take('deep', 0);
COMMIT;
SELECT pg_temp.take('deep', 0);
BEGIN;
SELECT count(*) FILTER (WHERE success) AS passed
FROM generate_series(1, 5000) AS n, unkey_limit('memory', 'many' || n % 250, 15, '1 day');
SAVEPOINT one;
SELECT count(*) FILTER (WHERE success) AS passed
FROM generate_series(1, 5000) AS n, unkey_limit('memory', 'many' || n % 250, 20, '1 day');
ROLLBACK TO one;
SELECT DISTINCT remaining FROM generate_series(1, 250) AS n, unkey_limit('memory', 'many' || n % 250, 20, '1 day', 0);
ROLLBACK;
SELECT DISTINCT remaining FROM generate_series(1, 250) AS n, unkey_limit('memory', 'many' || n % 250, 20, '1 day', 0);

-- Several at once: all or none, also of one counter that is named twice.
SELECT identifier, passed, remaining FROM unkey_multi_limit(format('[{"namespace": "memory", "identifier": "x", "limit": 10, "duration": 60000, "cost": %s},
    {"namespace": "memory", "identifier": "y", "limit": 10, "duration": 60000, "cost": 3}, {"namespace": "memory", "identifier": "x", "limit": 12, "duration": 60000, "cost": %1$s}]', 5)::jsonb);
SELECT identifier, passed, remaining FROM unkey_multi_limit(format('[{"namespace": "memory", "identifier": "x", "limit": 10, "duration": 60000, "cost": %s},
    {"namespace": "memory", "identifier": "y", "limit": 10, "duration": 60000, "cost": 3}, {"namespace": "memory", "identifier": "x", "limit": 12, "duration": 60000, "cost": %1$s}]', 1)::jsonb);
SELECT pg_temp.take('y', 0, '1 minute');

-- Saved: what has changed, with windows of a minute or longer; again only if it has changed again, or if saving did not last.
SELECT unkey.save_counters() > 0 AS saved, unkey.save_counters() AS again;
SELECT pg_temp.take('s', 2), pg_temp.take('s', 2, '59 s'), pg_temp.take('s', 0, '1 hour');
SELECT unkey.save_counters();
SELECT duration, seq * duration AS start, current, previous FROM unkey.saved_counters
WHERE id = encode(substr(sha256(int4send(length(:'namespace')) || :'namespace'::bytea || 's' || int8send(86400000)), 1, 16), 'hex')::uuid;
SELECT tests.at('2025-03-15 12:00:00Z') \gset
SELECT pg_temp.take('s', 1);
BEGIN;
SELECT unkey.save_counters();
ROLLBACK;
BEGIN;
SAVEPOINT one;
SELECT unkey.save_counters();
ROLLBACK TO one;
SELECT unkey.save_counters();
COMMIT;
SELECT unkey.save_counters();
SELECT duration, seq * duration AS start, current, previous FROM unkey.saved_counters WHERE previous > 0;
SELECT error.* FROM tests.error('SET TRANSACTION READ ONLY; SELECT unkey.save_counters()') AS error;

-- unkey.maintain() saves as well, and removes what is over.
SELECT pg_temp.take('s', 1);
SELECT counters_removed > 0 AS removed FROM unkey.maintain();
SELECT unkey.save_counters();
SELECT tests.at('2025-03-17 00:00:00Z') \gset
SELECT counters_removed > 0 AS removed FROM unkey.maintain();
SELECT count(*) FROM unkey.saved_counters;

-- Counted in the table for a while: memory goes on from there, where it has nothing of its own.
SET unkey.counters = 'table';
SELECT pg_temp.take('t', 4), pg_temp.take('t', 1);
RESET unkey.counters;
SELECT pg_temp.take('t', 0), pg_temp.take('t', 2), pg_temp.take('t', 2);

-- Saved with a higher count than the table has, as after a restart: neither is forgotten, and none counts twice.
INSERT INTO unkey.saved_counters
SELECT encode(substr(sha256(int4send(length(:'namespace')) || :'namespace'::bytea || 'u' || int8send(86400000)), 1, 16), 'hex')::uuid, 86400000, unkey.to_ms(unkey.now()) / 86400000, 6, 0;
INSERT INTO unkey.counters VALUES (:'namespace', 'u', 86400000, unkey.to_ms(unkey.now()) / 86400000, 4, 0);
SELECT pg_temp.take('u', 0), pg_temp.take('u', 3), pg_temp.take('u', 0);

-- Forgotten: at once in memory, with the transaction in tables.
BEGIN;
SELECT unkey.forget_counters();
SELECT count(*) AS rows FROM (SELECT FROM unkey.counters UNION ALL SELECT FROM unkey.saved_counters) AS rows;
ROLLBACK;
SELECT pg_temp.take('u', 0), count(*) AS rows FROM unkey.saved_counters;
SELECT unkey.forget_counters();
SELECT error.* FROM tests.error('SET TRANSACTION READ ONLY; SELECT unkey.forget_counters()') AS error;

-- A clock that is set back begins anew, as in the table; one that is a moment behind does not.
SELECT tests.at('2025-03-17 12:00:00Z') \gset
SELECT pg_temp.take('clock', 9, '1 minute');
SELECT tests.at('2025-03-17 11:59:59Z') \gset
SELECT pg_temp.take('clock', 2, '1 minute'), pg_temp.take('clock', 1, '1 minute');
SELECT tests.at('2025-03-17 11:00:00Z') \gset
SELECT pg_temp.take('clock', 9, '1 minute');
SELECT tests.at(NULL) \gset
RESET unkey.record_verifications;
