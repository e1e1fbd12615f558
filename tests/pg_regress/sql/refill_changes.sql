-- Changes of a refill count from then on, never for the past (sections E.3 and E.5).
\pset null '-'
SET datestyle = ISO;
SET timezone = 'UTC';
SELECT tests.at('2025-03-10 12:00Z') \gset
SELECT unkey_create_api('refill-changes') AS api \gset
PREPARE balance AS SELECT $1 AS "case", credits, refill_amount AS amount, refill_interval AS interval, refill_day AS day
    FROM unkey_get_key($2);

-- A first refill: days without one are not made up.
SELECT key_id, key FROM unkey_create_key(:'api', credits => 0) \gset
SELECT tests.at('2025-03-14 12:00Z') \gset
SELECT unkey_update_key(:'key_id', '{"credits": {"refill": {"interval": "daily", "amount": 5}}}') \gset
EXECUTE balance('first', :'key_id');
SELECT 'first' AS "case", code, credits FROM unkey_verify_key(:'key');
SELECT tests.at('2025-03-15 00:00Z') \gset
EXECUTE balance('first', :'key_id');

-- A higher amount: what came due before is paid by the old amount, and the new one waits for its day.
SELECT tests.at('2025-03-16 12:00Z') \gset
SELECT unkey_update_key(:'key_id', '{"credits": {"refill": {"interval": "daily", "amount": 50}}}') \gset
EXECUTE balance('more', :'key_id');
SELECT 'more' AS "case", code, credits FROM unkey_verify_key(:'key', cost => 2);
SELECT tests.at('2025-03-17 00:00Z') \gset
EXECUTE balance('more', :'key_id');

-- From daily to monthly: the day that has just passed this month comes again next month.
SELECT 'monthly' AS "case", code, credits FROM unkey_verify_key(:'key', cost => 50);
SELECT tests.at('2025-03-17 12:00Z') \gset
SELECT unkey_update_key(:'key_id', '{"credits": {"refill": {"interval": "monthly", "amount": 9, "refillDay": 16}}}') \gset
SELECT tests.at('2025-04-15 23:59Z') \gset
EXECUTE balance('monthly', :'key_id');
SELECT tests.at('2025-04-16 00:00Z') \gset
EXECUTE balance('monthly', :'key_id');

-- Without a refill: what came due before the change stays, nothing comes after it.
SELECT unkey_update_key(:'key_id', '{"credits": {"refill": null}}') \gset
EXECUTE balance('none', :'key_id');
SELECT 'none' AS "case", code, credits FROM unkey_verify_key(:'key', cost => 9);
SELECT tests.at('2025-06-01 12:00Z') \gset
EXECUTE balance('none', :'key_id');

-- A balance set after days away: the refills of those days came before it.
SELECT key_id, key FROM unkey_create_key(:'api', credits => 7, refill_amount => 10, refill_interval => 'daily') \gset
SELECT tests.at('2025-06-05 12:00Z') \gset
SELECT unkey_update_key(:'key_id', '{"credits": {"remaining": 1}}') \gset
EXECUTE balance('balance', :'key_id');
SELECT tests.at('2025-06-06 12:00Z') \gset
EXECUTE balance('balance', :'key_id');

-- Unlimited with the refill kept: no refill makes the key metered, and a new balance is refilled from then on.
SELECT 'unlimited' AS "case", unkey_update_credits(:'key_id', 'set') AS credits;
SELECT tests.at('2025-06-08 12:00Z') \gset
EXECUTE balance('unlimited', :'key_id');
SELECT 'unlimited' AS "case", code, credits FROM unkey_verify_key(:'key');
SELECT 'unlimited' AS "case", unkey_update_credits(:'key_id', 'set', 2) AS credits;
SELECT 'unlimited' AS "case", code, credits FROM unkey_verify_key(:'key');
SELECT tests.at('2025-06-09 00:00Z') \gset
SELECT 'unlimited' AS "case", code, credits FROM unkey_verify_key(:'key');

-- Other changes of a key leave its balance and its refill alone.
SELECT unkey_update_key(:'key_id', '{"name": "refill", "credits": {}}') \gset
EXECUTE balance('others', :'key_id');

-- By hand, too: a refill made in the table does not pay for the past.
SELECT key_id, key FROM unkey_create_key(:'api', credits => 0) \gset
SELECT tests.at('2025-06-12 12:00Z') \gset
UPDATE unkey.keys SET refill_amount = 5 WHERE id = :'key_id';
EXECUTE balance('by hand', :'key_id');
SELECT 'by hand' AS "case", code, credits FROM unkey_verify_key(:'key');
SELECT tests.at('2025-06-13 00:00Z') \gset
EXECUTE balance('by hand', :'key_id');
SELECT 'by hand' AS "case", code, credits FROM unkey_verify_key(:'key');

-- A change that is rolled back changes nothing.
BEGIN;
SELECT unkey_update_key(:'key_id', '{"credits": {"refill": null}}') \gset
SELECT tests.at('2025-06-14 00:00Z') \gset
EXECUTE balance('rollback', :'key_id');
ROLLBACK;
SELECT tests.at('2025-06-14 00:00Z') \gset
EXECUTE balance('rollback', :'key_id');
DEALLOCATE balance;
