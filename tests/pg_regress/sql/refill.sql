-- Refills, evaluated whenever a key is used (sections E.3 and E.4): due at 00:00 UTC of their day, and caught up later.
\pset null '-'
SET datestyle = ISO;
SET timezone = 'UTC';
SELECT unkey_create_api('refill') AS api \gset

-- Makes a key at an instant; a day makes its refill monthly.
CREATE FUNCTION pg_temp.key_at(instant timestamptz, api text, credits bigint, amount bigint, day int DEFAULT NULL)
RETURNS unkey.new_key LANGUAGE plpgsql AS $$
BEGIN
    PERFORM tests.at(instant);
    RETURN unkey_create_key(api, credits => credits, refill_amount => amount, refill_day => day,
        refill_interval => CASE WHEN day IS NULL THEN 'daily' ELSE 'monthly' END);
END
$$;

-- How everything that shows or uses a balance sees it at an instant, each with a fresh key in the same state.
CREATE FUNCTION pg_temp.seen(since timestamptz, api text, credits bigint, amount bigint, day int, instant timestamptz,
    OUT read bigint, OUT peeked bigint, OUT spent bigint, OUT added bigint, OUT refilled boolean, OUT agree boolean)
LANGUAGE plpgsql AS $$
DECLARE
    a unkey.new_key := pg_temp.key_at(since, api, credits, amount, day);
    b unkey.new_key := pg_temp.key_at(since, api, credits, amount, day);
    whoami bigint;
    at_spend timestamptz;
    at_add timestamptz;
BEGIN
    PERFORM tests.at(instant);
    SELECT k.credits INTO read FROM unkey_get_key(a.key_id) AS k;
    SELECT k.credits INTO whoami FROM unkey_whoami(a.key) AS k;
    SELECT v.credits INTO peeked FROM unkey_verify_key(a.key, cost => 0) AS v;
    SELECT v.credits INTO spent FROM unkey_verify_key(a.key) AS v;
    added := unkey_update_credits(b.key_id, 'increment', 0);
    SELECT k.last_refill_at INTO at_spend FROM unkey_get_key(a.key_id) AS k;
    SELECT k.last_refill_at INTO at_add FROM unkey_get_key(b.key_id) AS k;
    refilled := coalesce(at_add = instant, false);
    agree := read = whoami AND read = peeked AND read = added AND greatest(read - 1, 0) = spent
        AND (at_spend IS NOT DISTINCT FROM at_add OR read = 0);
END
$$;

SELECT "case", since, day, credits, amount, instant, seen.*
FROM (VALUES
    (1, 'RF-01', '2025-03-14 12:00', NULL, 2, 10, '2025-03-15 00:00'),
    (2, 'RF-01', '2025-03-14 12:00', NULL, 2, 10, '2025-03-14 23:59:59.999'),
    (3, 'RF-01', '2025-03-13 23:59:59.999', NULL, 2, 10, '2025-03-14 00:00'),
    (4, 'E.4', '2025-03-14 00:00', NULL, 2, 10, '2025-03-14 00:00'),
    (5, 'E.4', '2025-03-14 12:00', NULL, 2, 10, '2025-03-17 18:30'),
    (6, 'E.4', '2025-03-14 12:00', NULL, 9, 10, '2025-03-15 00:00'),
    (7, 'RF-02', '2025-03-14 12:00', NULL, 10, 10, '2025-03-15 00:00'),
    (8, 'RF-02', '2025-03-14 12:00', NULL, 11, 10, '2025-03-15 00:00'),
    (9, 'E.4', '2025-03-14 12:00', NULL, 0, 9223372036854775807, '2025-03-15 00:00'),
    (10, 'RF-04', '2025-03-01 12:00', 15, 0, 10, '2025-03-14 23:59:59.999'),
    (11, 'RF-04', '2025-03-01 12:00', 15, 0, 10, '2025-03-15 00:00'),
    (12, 'RF-04', '2025-03-15 12:00', 15, 0, 10, '2025-04-14 12:00'),
    (13, 'RF-05', '2025-02-01 12:00', 31, 0, 10, '2025-02-27 12:00'),
    (14, 'RF-05', '2025-02-01 12:00', 31, 0, 10, '2025-02-28 00:00'),
    (15, 'RF-05', '2024-02-01 12:00', 30, 0, 10, '2024-02-28 12:00'),
    (16, 'RF-05', '2024-02-01 12:00', 30, 0, 10, '2024-02-29 00:00'),
    (17, 'RF-05', '2025-02-28 12:00', 31, 0, 10, '2025-03-30 12:00'),
    (18, 'RF-07', '2025-04-01 12:00', 30, 0, 10, '2025-04-30 00:00'),
    (19, 'RF-07', '2025-03-30 12:00', 30, 0, 10, '2025-03-31 12:00'),
    (20, 'RF-08', '2025-04-01 12:00', 31, 0, 10, '2025-04-30 00:00'),
    (21, 'RF-08', '2025-04-30 12:00', 31, 0, 10, '2025-05-30 12:00'),
    (22, 'E.4', '2025-01-20 12:00', 1, 0, 10, '2025-06-17 12:00'),
    (23, 'E.4', '2024-12-31 12:00', 31, 0, 10, '2025-01-30 12:00'),
    (24, 'E.4', '2024-12-30 12:00', 31, 0, 10, '2025-01-05 12:00'),
    (25, 'E.4', '2024-12-31 12:00', 1, 0, 10, '2025-01-01 00:00'),
    (26, 'E.4', '2025-03-14 12:00', NULL, 2, 10, '2025-03-12 12:00')
) AS given (n, "case", since, day, credits, amount, instant),
    pg_temp.seen(since::timestamptz, :'api', credits, amount, day, instant::timestamptz) AS seen
ORDER BY n;

-- RF-13: nothing has to run for it: an empty balance is full at the first use after midnight.
SELECT * FROM pg_temp.key_at('2025-03-14 12:00Z', :'api', 0, 10) \gset
SELECT 'RF-13' AS "case", code, credits FROM unkey_verify_key(:'key');
SELECT tests.at('2025-03-15 00:00Z') \gset
SELECT 'RF-13' AS "case", code, credits FROM unkey_verify_key(:'key');
SELECT 'RF-01' AS "case", credits, last_refill_at FROM unkey_get_key(:'key_id');
-- RF-11: only once a day, however often it is used.
SELECT 'RF-11' AS "case", code, credits FROM unkey_verify_key(:'key', cost => 9);
SELECT tests.at('2025-03-15 23:59:59.999Z') \gset
SELECT 'RF-11' AS "case", code, credits FROM unkey_verify_key(:'key');
SELECT 'RF-11' AS "case", credits, last_refill_at FROM unkey_get_key(:'key_id');
SELECT tests.at('2025-03-16 00:00Z') \gset
SELECT 'RF-11' AS "case", code, credits FROM unkey_verify_key(:'key');
-- RF-02: a full balance is left alone, and what is spent of it later that day comes back the day after.
SELECT unkey_update_credits(:'key_id', 'set', 10) \gset
SELECT tests.at('2025-03-17 08:00Z') \gset
SELECT 'RF-02' AS "case", code, credits FROM unkey_verify_key(:'key', cost => 7);
SELECT tests.at('2025-03-17 20:00Z') \gset
SELECT 'RF-02' AS "case", code, credits, last_refill_at FROM unkey_verify_key(:'key', cost => 0), unkey.credits AS kept
WHERE kept.key_id = :'key_id';
-- A refusal shows the refilled balance, and does not use the refill up.
SELECT tests.at('2025-03-18 08:00Z') \gset
SELECT 'E.4' AS "case", code, credits FROM unkey_verify_keys(ARRAY[:'key', :'key'], cost => 11);
SELECT 'E.4' AS "case", code, credits FROM unkey_verify_keys(ARRAY[:'key', :'key'], cost => 10);

-- Every reader, at once, also where the key is refused; a set or decrement comes after the refill.
SELECT unkey_create_api('refill-readers') AS api \gset
SELECT * FROM pg_temp.key_at('2025-03-14 12:00Z', :'api', 3, 10) \gset
SELECT tests.at('2025-03-15 12:00Z') \gset
SELECT 'readers' AS "case", got.credits AS get_key, listed.credits AS list_keys, who.credits AS whoami, verified.credits AS verify
FROM unkey_get_key(:'key_id') AS got, unkey_list_keys(:'api') AS listed, unkey_whoami(:'key') AS who,
    unkey_verify_key(:'key', cost => 0) AS verified;
SELECT unkey_update_key(:'key_id', '{"enabled": false, "expires": 0}') \gset
SELECT 'readers' AS "case", code, credits FROM unkey_verify_key(:'key');
SELECT unkey_update_key(:'key_id', '{"enabled": true, "expires": null}') \gset
SELECT 'readers' AS "case", code, credits FROM unkey_verify_key(:'key', permissions => 'refill.none');
SELECT 'readers' AS "case", unkey_update_credits(:'key_id', 'decrement', 4) AS credits;
SELECT 'readers' AS "case", unkey_update_credits(:'key_id', 'set', 0) AS credits;
SELECT 'readers' AS "case", code, credits FROM unkey_verify_key(:'key');

-- RF-10: a deleted key is left as it was.
SELECT unkey_delete_key(:'key_id') \gset
SELECT tests.at('2025-03-16 12:00Z') \gset
SELECT 'RF-10' AS "case", code FROM unkey_verify_key(:'key');
SELECT 'RF-10' AS "case", remaining, settled_at FROM unkey.credits WHERE key_id = :'key_id';
