-- Refills over the v2 dialect (sections E.3 and E.4). Nothing runs for them: whatever uses or shows a balance finds it refilled from 00:00 UTC of its day.
SELECT tests.at('2026-03-10 12:00:00+00'), tests.root();
\pset null '-'
SET datestyle = ISO;
SELECT unkey_create_api('vf.api') AS api \gset
SELECT set_config('vf.api', :'api', false) \gset
-- A key made at an instant; with a day its refill is monthly.
CREATE FUNCTION pg_temp.key_at(instant text, credits bigint, amount bigint, day integer DEFAULT NULL) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
    PERFORM tests.at(instant::timestamptz);
    RETURN (SELECT data FROM tests.v2('keys.createKey', jsonb_build_object('apiId', current_setting('vf.api'), 'credits', jsonb_build_object('remaining', credits, 'refill',
        jsonb_strip_nulls(jsonb_build_object('interval', CASE WHEN day IS NULL THEN 'daily' ELSE 'monthly' END, 'amount', amount, 'refillDay', day))))::text));
END
$$;
-- How every operation sees a balance at an instant: those that only show it, a peek, a call, and a change of 0, on a fresh key in the same state.
CREATE FUNCTION pg_temp.seen(since text, credits bigint, amount bigint, day integer, instant text, OUT remaining bigint, OUT refilled boolean, OUT code text, OUT spent bigint, OUT agree boolean) LANGUAGE plpgsql AS $$
DECLARE
    a constant jsonb := pg_temp.key_at(since, credits, amount, day);
    b constant jsonb := pg_temp.key_at(since, credits, amount, day);
    peek bigint;
BEGIN
    PERFORM tests.at(instant::timestamptz);
    SELECT (got.data->'credits'->>'remaining')::bigint, got.data->'credits' = who.data->'credits' INTO remaining, agree
    FROM tests.v2('keys.getKey', '{"keyId": "%s"}', a->>'keyId') AS got, tests.v2('keys.whoami', '{"key": "%s"}', a->>'key') AS who;
    SELECT (data->>'credits')::bigint INTO peek FROM tests.v2('keys.verifyKey', '{"key": "%s", "credits": {"cost": 0}}', a->>'key');
    SELECT call.code, (data->>'credits')::bigint INTO code, spent FROM tests.v2('keys.verifyKey', '{"key": "%s"}', a->>'key') AS call;
    SELECT agree AND peek = remaining AND (data->>'remaining')::bigint = remaining INTO agree FROM tests.v2('keys.updateCredits', '{"keyId": "%s", "operation": "increment", "value": 0}', b->>'keyId');
    SELECT last_refill_at = instant::timestamptz IS TRUE INTO refilled FROM unkey.credits WHERE key_id = b->>'keyId';
END
$$;
SELECT id AS case, given.since, given.day, given.credits, given.amount, given.instant, seen.* FROM (VALUES
    (1, 'RF-01', '2025-03-14 12:00Z', NULL, 2, 10, '2025-03-14 23:59:59.999Z'),
    (2, 'RF-01', '2025-03-14 12:00Z', NULL, 2, 10, '2025-03-15 00:00Z'),
    (3, 'RF-01', '2025-03-14 12:00Z', NULL, 2, 10, '2025-03-29 18:30Z'),
    (4, 'RF-02', '2025-03-14 12:00Z', NULL, 10, 10, '2025-03-15 00:00Z'),
    (5, 'RF-02', '2025-03-14 12:00Z', NULL, 11, 10, '2025-03-15 00:00Z'),
    (6, 'RF-04', '2025-03-01 12:00Z', 15, 0, 10, '2025-03-14 23:59:59.999Z'),
    (7, 'RF-04', '2025-03-01 12:00Z', 15, 0, 10, '2025-03-15 00:00Z'),
    (8, 'RF-05', '2025-02-01 12:00Z', 31, 0, 10, '2025-02-27 12:00Z'),
    (9, 'RF-05', '2025-02-01 12:00Z', 31, 0, 10, '2025-02-28 00:00Z'),
    (10, 'RF-05', '2024-02-01 12:00Z', 30, 0, 10, '2024-02-28 12:00Z'),
    (11, 'RF-05', '2024-02-01 12:00Z', 30, 0, 10, '2024-02-29 00:00Z'),
    (12, 'RF-07', '2025-04-01 12:00Z', 30, 0, 10, '2025-04-30 00:00Z'),
    (13, 'RF-07', '2025-03-30 12:00Z', 30, 0, 10, '2025-03-31 12:00Z'),
    (14, 'RF-08', '2025-04-01 12:00Z', 31, 0, 10, '2025-04-29 23:59:59.999Z'),
    (15, 'RF-08', '2025-04-01 12:00Z', 31, 0, 10, '2025-04-30 00:00Z')
) AS given(n, id, since, day, credits, amount, instant), pg_temp.seen(since, credits, amount, day, instant) AS seen ORDER BY n;

-- RF-13: an empty balance is full at the first call after midnight. RF-11: once a day, however often it is used.
SELECT made->>'key' AS key, made->>'keyId' AS key_id FROM pg_temp.key_at('2025-03-14 12:00Z', 0, 10) AS made \gset
SELECT tests.at('2025-03-14 23:59:59.999Z') \gset
SELECT 'RF-13' AS case, code, data->'credits' AS credits FROM tests.v2('keys.verifyKey', '{"key": "%s"}', :'key');
SELECT tests.at('2025-03-15 00:00Z') \gset
SELECT 'RF-13' AS case, code, data->'credits' AS credits FROM tests.v2('keys.verifyKey', '{"key": "%s"}', :'key');
SELECT 'RF-11' AS case, code, data->'credits' AS credits FROM tests.v2('keys.verifyKey', '{"key": "%s", "credits": {"cost": 9}}', :'key');
SELECT tests.at('2025-03-15 23:59:59.999Z') \gset
SELECT 'RF-11' AS case, code, data->'credits' AS credits FROM tests.v2('keys.verifyKey', '{"key": "%s"}', :'key');
SELECT 'RF-11' AS case, data->'credits' AS credits, last_refill_at FROM tests.v2('keys.getKey', '{"keyId": "%s"}', :'key_id'), unkey.credits WHERE key_id = :'key_id';
-- RF-02: a full balance is left alone, and what is spent of it later that day comes back the day after.
SELECT tests.at('2025-03-16 00:00Z') \gset
SELECT 'RF-02' AS case, data FROM tests.v2('keys.updateCredits', '{"keyId": "%s", "operation": "set", "value": 10}', :'key_id');
SELECT tests.at('2025-03-17 08:00Z') \gset
SELECT 'RF-02' AS case, code, data->'credits' AS credits FROM tests.v2('keys.verifyKey', '{"key": "%s", "credits": {"cost": 7}}', :'key');
SELECT tests.at('2025-03-17 20:00Z') \gset
SELECT 'RF-02' AS case, code, data->'credits' AS credits, last_refill_at FROM tests.v2('keys.verifyKey', '{"key": "%s", "credits": {"cost": 0}}', :'key'), unkey.credits WHERE key_id = :'key_id';

-- RF-14: a refill is the system's doing and one entry under the id of the call that finds it due, be that refused; showing and spending leave none.
SELECT tests.at('2025-03-18 08:00Z') \gset
SELECT count(*) > 0 AS others FROM tests.logged();
SELECT 'RF-14' AS case, data->'credits'->'remaining' AS remaining, (SELECT count(*) FROM tests.logged()) AS entries FROM tests.v2('keys.getKey', '{"keyId": "%s"}', :'key_id');
SELECT 'RF-14' AS case, n, code, data->'credits' AS credits FROM generate_series(1, 3) AS n, tests.v2('keys.verifyKey', '{"key": "%s"}', left(:'key', 100 + n));
SELECT 'RF-14' AS case, actor_id, correlation_id ~ '^req_' AS of_call FROM unkey.audit_log WHERE seal IS NULL;
SELECT 'RF-14' AS case, logged.* FROM tests.logged();
SELECT tests.at('2025-03-19 08:00Z') \gset
SELECT 'RF-14' AS case, code, data->'credits' AS credits FROM tests.v2('keys.verifyKey', '{"key": "%s", "credits": {"cost": 11}}', :'key');
SELECT 'RF-14' AS case, logged.* FROM tests.logged();
-- A change of the balance finds it due as well: it comes first, and all of it is the root key's change.
SELECT tests.at('2025-03-20 08:00Z') \gset
SELECT 'RF-14' AS case, code, data->'credits' AS credits FROM tests.v2('keys.verifyKey', '{"key": "%s", "credits": {"cost": 8}}', :'key');
SELECT count(*) AS entries FROM tests.logged();
SELECT tests.at('2025-03-21 08:00Z') \gset
SELECT 'RF-14' AS case, data FROM tests.v2('keys.updateCredits', '{"keyId": "%s", "operation": "decrement", "value": 4}', :'key_id');
SELECT 'RF-14' AS case, logged.* FROM tests.logged();

-- RF-10: a deleted key is left as it was.
SELECT status, data FROM tests.v2('keys.deleteKey', '{"keyId": "%s"}', :'key_id');
SELECT count(*) AS entries FROM tests.logged();
SELECT tests.at('2025-04-16 12:00Z') \gset
SELECT 'RF-10' AS case, operation, result.status, code FROM (VALUES ('verifyKey', format('{"key": "%s"}', :'key')), ('getKey', format('{"keyId": "%s"}', :'key_id')), ('updateCredits', format('{"keyId": "%s", "operation": "increment", "value": 1}', :'key_id'))) AS calls(operation, body), tests.v2('keys.' || operation, body) AS result;
SELECT 'RF-10' AS case, remaining, last_refill_at FROM unkey.credits WHERE key_id = :'key_id';
SELECT 'RF-10' AS case, logged.* FROM tests.logged();
