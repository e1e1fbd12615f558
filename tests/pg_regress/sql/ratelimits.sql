-- Rate limits of keys: the sliding window (section D.1) and what a call counts. 2025-03-14 12:00:00 starts a window.
\pset null '-'
SET datestyle = ISO;
SET timezone = 'UTC';
SELECT unkey_create_api('ratelimits') AS api \gset

-- Makes a key with the auto-applied limit rl per minute that has counted this much in the window of 12:00 and in the
-- one before, and sets the clock to where this share of the window of 12:00 has elapsed. It spends through an ad-hoc
-- limit of the same name: how much a limit allows is no part of its counter (section D.2).
CREATE FUNCTION pg_temp.key_with(api text, current int, previous int, elapsed numeric, "limit" int DEFAULT 10) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    noon constant timestamptz := '2025-03-14 12:00:00Z';
    new unkey.new_key := unkey_create_key(api, ratelimits => jsonb_build_array(
        jsonb_build_object('name', 'rl', 'limit', "limit", 'duration', 60000, 'autoApply', true)));
    spend constant text := '[{"name": "rl", "limit": 1000000, "duration": 60000, "cost": %s}]';
BEGIN
    PERFORM tests.at(noon - interval '1 minute');
    PERFORM unkey_verify_key(new.key, ratelimits => format(spend, previous)::jsonb);
    PERFORM tests.at(noon);
    PERFORM unkey_verify_key(new.key, ratelimits => format(spend, current)::jsonb);
    PERFORM tests.at(noon + elapsed * interval '1 minute');
    RETURN new.key;
END
$$;

-- The reference table of section D.1.
SELECT 'D.1' AS "case", given.*, code, tests.limits(ratelimits)
FROM (VALUES (1, 5, 10, .50, 1, 10), (2, 5, 10, .99, 1, 10), (3, 0, 10, .00, 1, 10), (4, 0, 10, .10, 1, 10),
    (5, 0, 10, .50, 1, 10), (6, 0, 10, .90, 1, 10), (7, 0, 7, .70, 1, 10), (8, 9, 0, .00, 1, 10), (9, 9, 0, .99, 1, 10),
    (10, 10, 0, .50, 0, 10), (11, 10, 0, .50, 1, 10), (12, 0, 100, .75, 10, 30)
) AS given (n, current, previous, elapsed, cost, "limit"),
    pg_temp.key_with(:'api', current, previous, elapsed, "limit") AS key,
    unkey_verify_key(key, ratelimits => jsonb_build_array(jsonb_build_object('name', 'rl', 'cost', cost)))
ORDER BY n;

-- RL-01: ten pass, the eleventh does not.
SELECT pg_temp.key_with(:'api', 0, 0, 0) AS key \gset
SELECT 'RL-01' AS "case", valid, code, tests.limits(ratelimits) FROM unkey_verify_keys(array_fill(:'key'::text, ARRAY[11]));

-- RL-02: the window ends on a whole minute, for a refusal too, wherever in it the call came.
SELECT tests.at('2025-03-14 12:00:59.999Z') \gset
SELECT 'RL-02' AS "case", code, unkey.from_ms((ratelimits->0->>'reset')::bigint) AS reset FROM unkey_verify_key(:'key');
SELECT tests.at('2025-03-14 12:01:00Z') \gset
SELECT 'RL-02' AS "case", code, unkey.from_ms((ratelimits->0->>'reset')::bigint) AS reset FROM unkey_verify_key(:'key');

-- RL-04: a full window still weighs everything when the next begins.
SELECT pg_temp.key_with(:'api', 0, 10, 0) AS key \gset
SELECT 'RL-04' AS "case", code, tests.limits(ratelimits) FROM unkey_verify_key(:'key');
-- RL-05: a tenth later one call fits.
SELECT pg_temp.key_with(:'api', 0, 10, .1) AS key \gset
SELECT 'RL-05' AS "case", code, tests.limits(ratelimits) FROM unkey_verify_keys(ARRAY[:'key', :'key']);
-- RL-07, RL-08, RL-10: fractions are cut off as floats are.
SELECT pg_temp.key_with(:'api', 0, 10, .9) AS key \gset
SELECT 'RL-07' AS "case", code, tests.limits(ratelimits) FROM unkey_verify_key(:'key');
SELECT pg_temp.key_with(:'api', 5, 10, .5) AS key \gset
SELECT 'RL-08' AS "case", code, tests.limits(ratelimits) FROM unkey_verify_key(:'key');
SELECT pg_temp.key_with(:'api', 0, 7, .7) AS key \gset
SELECT 'RL-10' AS "case", code, tests.limits(ratelimits) FROM unkey_verify_key(:'key');
-- RL-11: two windows later all is forgotten; a little earlier it is not.
SELECT pg_temp.key_with(:'api', 10, 0, 0) AS key, pg_temp.key_with(:'api', 10, 0, 0) AS idle \gset
SELECT tests.at('2025-03-14 12:01:05.999Z') \gset
SELECT 'D.1' AS "case", code, tests.limits(ratelimits) FROM unkey_verify_key(:'key');
SELECT tests.at('2025-03-14 12:02:00Z') \gset
SELECT 'RL-11' AS "case", code, tests.limits(ratelimits) FROM unkey_verify_key(:'idle');

-- RL-13, RL-14: a request changes the cost; 0 peeks, and passes at the limit exactly.
SELECT pg_temp.key_with(:'api', 5, 0, 0) AS key \gset
SELECT 'RL-13' AS "case", code, tests.limits(ratelimits)
FROM unkey_verify_key(:'key', ratelimits => '[{"name": "rl", "cost": 5}]');
SELECT 'RL-14' AS "case", code, tests.limits(ratelimits)
FROM unkey_verify_keys(ARRAY[:'key', :'key'], ratelimits => '[{"name": "rl", "cost": 0}]');
SELECT 'RL-14' AS "case", code, tests.limits(ratelimits) FROM unkey_verify_key(:'key');

-- A refusal shows nothing left, even where a smaller cost would fit, and counts nothing.
SELECT pg_temp.key_with(:'api', 5, 0, 0) AS key \gset
SELECT 'D.1' AS "case", code, tests.limits(ratelimits) FROM unkey_verify_key(:'key', ratelimits => '[{"name": "rl", "cost": 6}]');
SELECT 'D.1' AS "case", code, tests.limits(ratelimits) FROM unkey_verify_key(:'key', ratelimits => '[{"name": "rl", "cost": 5}]');

-- However high the cost, a sum never wraps around.
SELECT key FROM unkey_create_key(:'api',
    ratelimits => '[{"name": "rl", "limit": 9223372036854775807, "duration": 60000, "autoApply": true}]') \gset
SELECT 'D.1' AS "case", code, tests.limits(ratelimits)
FROM unkey_verify_keys(ARRAY[:'key', :'key'], ratelimits => '[{"name": "rl", "cost": 9223372036854775807}]');

-- RL-16: a limit that is not auto-applied counts only when named.
SELECT key FROM unkey_create_key(:'api', ratelimits => '[{"name": "rl", "limit": 10, "duration": 60000}]') \gset
SELECT 'RL-16' AS "case", code, ratelimits FROM unkey_verify_key(:'key');
SELECT 'RL-16' AS "case", code, tests.limits(ratelimits), ratelimits->0->'autoApply' AS auto
FROM unkey_verify_keys(array_fill(:'key'::text, ARRAY[11]), ratelimits => '[{"name": "rl"}]');
SELECT 'RL-16' AS "case", code, ratelimits FROM unkey_verify_key(:'key');

-- RL-31: a changed limit keeps the usage, up or down; below the usage even a peek is refused. RL-32: a changed
-- duration starts anew, and the old one goes on where it was.
SELECT key_id, key FROM unkey_create_key(:'api') \gset
PREPARE change AS SELECT unkey_update_key($1, jsonb_build_object('ratelimits', jsonb_build_array(
    jsonb_build_object('name', 'rl', 'limit', $2::int, 'duration', $3::int, 'autoApply', true))));
EXECUTE change(:'key_id', 10, 60000) \gset
SELECT 'RL-31' AS "case", code, tests.limits(ratelimits) FROM unkey_verify_keys(array_fill(:'key'::text, ARRAY[5])) OFFSET 4;
EXECUTE change(:'key_id', 20, 60000) \gset
SELECT 'RL-31' AS "case", code, tests.limits(ratelimits) FROM unkey_verify_key(:'key');
EXECUTE change(:'key_id', 5, 60000) \gset
SELECT 'RL-31' AS "case", code, tests.limits(ratelimits) FROM unkey_verify_key(:'key', ratelimits => '[{"name": "rl", "cost": 0}]');
EXECUTE change(:'key_id', 10, 120000) \gset
SELECT 'RL-32' AS "case", code, tests.limits(ratelimits) FROM unkey_verify_key(:'key');
EXECUTE change(:'key_id', 10, 60000) \gset
SELECT 'RL-32' AS "case", code, tests.limits(ratelimits) FROM unkey_verify_key(:'key');
DEALLOCATE change;
