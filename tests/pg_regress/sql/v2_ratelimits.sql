-- Rate limits of keys over the v2 dialect: the sliding window (section D.1), which limits a call counts, and several at once. 12:00 starts a window.
SELECT tests.at('2026-03-10 12:00:00+00'), tests.root();
\pset null '-'
SELECT unkey_create_api('vt.api') AS api \gset
SELECT set_config('vt.api', :'api', false) \gset
CREATE FUNCTION pg_temp.made(attributes text) RETURNS text LANGUAGE sql AS $$SELECT data->>'key' FROM tests.v2('keys.createKey', format('{"apiId": "%s", %s}', current_setting('vt.api'), attributes))$$;
-- So many calls for a key, one after another, with these members besides key.
CREATE FUNCTION pg_temp.calls(key text, times integer DEFAULT 1, members text DEFAULT NULL, OUT n integer, OUT status integer, OUT code text, OUT limits text, OUT credits bigint, OUT data jsonb, OUT detail text) RETURNS SETOF record LANGUAGE sql AS $$
    SELECT n, status, code, tests.limits(data->'ratelimits'), (data->>'credits')::bigint, data, detail
    FROM generate_series(1, times) AS n, tests.v2('keys.verifyKey', format('{"key": "%s"%s}%s', key, ', ' || members, repeat(' ', n))) ORDER BY n
$$;
-- A key with the auto-applied limit rl, 10 per minute, that has counted this much in the window of 12:00 and in the one before; the clock is where this
-- share of the window of 12:00 has elapsed. It spends through an ad-hoc limit of that name: how much a limit allows is no part of its counter.
CREATE FUNCTION pg_temp.key_with(current integer, previous integer, elapsed numeric) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    noon constant timestamptz := '2026-03-10 12:00:00+00';
    key constant text := pg_temp.made('"ratelimits": [{"name": "rl", "limit": 10, "duration": 60000, "autoApply": true}]');
    spend constant text := '"ratelimits": [{"name": "rl", "limit": 1000000, "duration": 60000, "cost": %s}]';
BEGIN
    PERFORM tests.at(noon - interval '1 minute'), pg_temp.calls(key, 1, format(spend, previous));
    PERFORM tests.at(noon), pg_temp.calls(key, 1, format(spend, current));
    PERFORM tests.at(noon + elapsed * interval '1 minute');
    RETURN key;
END
$$;

-- The window: what is carried over, cut off as floats are, and what is left.
SELECT 'RL-01' AS case, n, data->'valid' AS valid, code, limits FROM pg_temp.calls(pg_temp.key_with(0, 0, 0), 11);
SELECT id AS case, given.current, given.previous, given.elapsed, n, code, limits FROM (VALUES (1, 'RL-04', 0, 10, 0, 1), (2, 'RL-05', 0, 10, .10, 2), (3, 'RL-07', 0, 10, .90, 1), (4, 'RL-08', 5, 10, .50, 1), (5, 'RL-10', 0, 7, .70, 1),
    (6, 'RL-11', 10, 0, 2, 1), (7, 'D.1', 10, 0, 1.50, 1), (8, 'RL-11', 10, 0, 5000, 1)) AS given(row, id, current, previous, elapsed, times), pg_temp.key_with(given.current, given.previous, given.elapsed) AS key, pg_temp.calls(key, times) ORDER BY row, n;

-- RL-13, RL-14: a request changes the cost; 0 peeks, and passes at the limit exactly.
SELECT pg_temp.key_with(5, 0, 0) AS key \gset
SELECT 'RL-13' AS case, code, limits FROM pg_temp.calls(:'key', 1, '"ratelimits": [{"name": "rl", "cost": 6}]');
SELECT 'RL-13' AS case, code, limits FROM pg_temp.calls(:'key', 1, '"ratelimits": [{"name": "rl", "cost": 5}]');
SELECT 'RL-14' AS case, n, code, limits FROM pg_temp.calls(:'key', 2, '"ratelimits": [{"name": "rl", "cost": 0}]');
SELECT 'RL-14' AS case, code, limits FROM pg_temp.calls(:'key');
SELECT 'RL-14' AS case, code, limits FROM pg_temp.calls(:'key', 1, '"ratelimits": [{"name": "rl", "limit": 20, "duration": 60000, "cost": 0}]');

-- RL-16: what is not auto-applied counts when named, and only then. RL-22: a limit alone says nothing; the stored one counts.
SELECT pg_temp.made('"ratelimits": [{"name": "rl", "limit": 10, "duration": 60000}]') AS key, pg_temp.made('"ratelimits": [{"name": "rl", "limit": 10, "duration": 60000, "autoApply": true}]') AS auto \gset
SELECT 'RL-16' AS case, n, code, data ? 'ratelimits' AS shown FROM pg_temp.calls(:'key', 2);
SELECT 'RL-16' AS case, n, code, limits, data->'ratelimits'->0->'autoApply' AS auto FROM pg_temp.calls(:'key', 11, '"ratelimits": [{"name": "rl"}]');
SELECT 'RL-16' AS case, code, data ? 'ratelimits' AS shown FROM pg_temp.calls(:'key');
SELECT 'RL-22' AS case, n, code, limits FROM pg_temp.calls(:'auto', 3, '"ratelimits": [{"name": "rl", "limit": 1}]');
SELECT 'RL-22' AS case, code, limits, data->'ratelimits'->0->'duration' AS duration FROM pg_temp.calls(:'auto', 1, '"ratelimits": [{"name": "rl", "duration": 1000}]');
-- RL-23: that it is not stored is told, whatever else the item says; the text of the key is not.
SELECT 'RL-23' AS case, item, calls.status, code, detail FROM unnest(ARRAY['{"name": "adhoc", "limit": 5}', '{"name": "adhoc", "duration": 60000}', '{"name": "adhoc", "cost": 0}']) AS item, pg_temp.calls(:'auto', 1, format('"ratelimits": [%s]', item)) AS calls;

-- RL-24, RL-25: all or nothing. Once the smaller limit refuses, the larger one stays where it is.
SELECT pg_temp.made('"ratelimits": [{"name": "month", "limit": 200, "duration": 2592000000, "autoApply": true}, {"name": "minute", "limit": 12, "duration": 60000, "autoApply": true}]') AS key \gset
SELECT 'RL-25' AS case, n, code, limits FROM pg_temp.calls(:'key', 15) WHERE n IN (1, 12, 13, 15);
-- RL-34: the same with limits named in the request; nothing is paid either.
SELECT pg_temp.made('"credits": {"remaining": 9}, "ratelimits": [{"name": "lim1", "limit": 1, "duration": 60000}, {"name": "lim2", "limit": 5, "duration": 60000}]') AS key \gset
SELECT 'RL-34' AS case, code, limits, credits FROM pg_temp.calls(:'key', 1, '"ratelimits": [{"name": "lim1"}]');
SELECT 'RL-34' AS case, n, code, limits, credits FROM pg_temp.calls(:'key', 2, '"ratelimits": [{"name": "lim2", "cost": 3}, {"name": "lim1"}]');
SELECT 'RL-34' AS case, code, limits, credits FROM pg_temp.calls(:'key', 1, '"ratelimits": [{"name": "lim2", "cost": 5}]');

-- RL-26: the keys of an identity share its limits. RL-28, RL-29: a key's own limit shadows the identity's of its name, even if not auto-applied.
SELECT status FROM tests.v2('identities.createIdentity', '{"externalId": "vt.owner", "ratelimits": [{"name": "id_rl", "limit": 3, "duration": 60000, "autoApply": true}]}');
SELECT pg_temp.made('"externalId": "vt.owner"') AS one, pg_temp.made('"externalId": "vt.owner"') AS two \gset
SELECT 'RL-26' AS case, 'one' AS key, n, code, limits FROM pg_temp.calls(:'one', 2);
SELECT 'RL-26' AS case, 'two' AS key, n, code, limits FROM pg_temp.calls(:'two', 2);
SELECT status FROM tests.v2('identities.createIdentity', '{"externalId": "vt.shadow", "ratelimits": [{"name": "x", "limit": 1, "duration": 60000, "autoApply": true}, {"name": "other", "limit": 9, "duration": 60000}]}');
SELECT pg_temp.made('"externalId": "vt.shadow", "ratelimits": [{"name": "x", "limit": 5, "duration": 60000, "autoApply": true}]') AS own, pg_temp.made('"externalId": "vt.shadow", "ratelimits": [{"name": "x", "limit": 1, "duration": 60000}]') AS quiet,
    pg_temp.made('"externalId": "vt.shadow"') AS bare \gset
SELECT 'RL-28' AS case, n, code, limits, jsonb_path_query_array(data, '$.identity.ratelimits[*].name') AS of_identity FROM pg_temp.calls(:'own', 2);
SELECT 'RL-29' AS case, n, code, data ? 'ratelimits' AS shown FROM pg_temp.calls(:'quiet', 3);
SELECT 'RL-29' AS case, n, code, limits FROM pg_temp.calls(:'quiet', 2, '"ratelimits": [{"name": "x"}]');
-- None of them has touched the identity's own counter.
SELECT 'RL-29' AS case, n, code, limits FROM pg_temp.calls(:'bare', 2);
