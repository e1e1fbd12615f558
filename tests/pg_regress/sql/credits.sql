-- Credits: what a verification spends (section E.1).
\pset null '-'
SELECT tests.at('2025-03-14 12:00:00Z') \gset
SELECT unkey_create_api('credits') AS api \gset

-- CR-01: one at a time, down to nothing.
SELECT key_id, key FROM unkey_create_key(:'api', credits => 3) \gset
SELECT 'CR-01' AS "case", valid, code, credits FROM unkey_verify_key(:'key');
SELECT 'CR-01' AS "case", valid, code, credits FROM unkey_verify_key(:'key');
SELECT 'CR-01' AS "case", valid, code, credits FROM unkey_verify_key(:'key');
SELECT 'CR-01' AS "case", valid, code, credits FROM unkey_verify_key(:'key');

-- CR-05: a cost of 0 passes with nothing left, and spends nothing.
SELECT 'CR-05' AS "case", valid, code, credits FROM unkey_verify_key(:'key', cost => 0);
SELECT unkey_update_credits(:'key_id', 'set', 2) \gset
SELECT 'CR-05' AS "case", code, credits FROM unkey_verify_keys(ARRAY[:'key', :'key'], cost => 0);

-- CR-02: without a balance there is none in the reply, whatever the cost.
SELECT key_id AS free_id, key AS free FROM unkey_create_key(:'api') \gset
SELECT 'CR-02' AS "case", code, credits FROM unkey_verify_key(:'free');
SELECT 'CR-02' AS "case", code, credits FROM unkey_verify_key(:'free', cost => 1000000000000);

-- CR-04: a cost that the balance does not cover is not spent in part.
SELECT key AS ten FROM unkey_create_key(:'api', credits => 10) \gset
SELECT 'CR-04' AS "case", code, credits FROM unkey_verify_keys(array_fill(:'ten'::text, ARRAY[3]), cost => 4);
SELECT 'CR-04' AS "case", code, credits FROM unkey_verify_key(:'ten', cost => 2);

-- CR-07: see verify_arguments for what is refused; the highest cost is spent.
SELECT key AS rich FROM unkey_create_key(:'api', credits => 9223372036854775807) \gset
SELECT 'CR-07' AS "case", code, credits FROM unkey_verify_key(:'rich', cost => 1000000000000);

-- A balance of 0 from the start is a balance.
SELECT key AS empty FROM unkey_create_key(:'api', credits => 0) \gset
SELECT 'E.1' AS "case", code, credits FROM unkey_verify_keys(ARRAY[:'empty']);
SELECT 'E.1' AS "case", code, credits FROM unkey_verify_keys(ARRAY[:'empty'], cost => 0);

-- VK-22: limits that passed stay counted when the credits then fail; a refusal by a limit costs no credits.
SELECT key FROM unkey_create_key(:'api', credits => 1,
    ratelimits => '[{"name": "rl", "limit": 3, "duration": 60000, "autoApply": true}]') \gset
SELECT 'VK-22' AS "case", code, credits, tests.limits(ratelimits) FROM unkey_verify_key(:'key');
SELECT 'VK-22' AS "case", code, credits, tests.limits(ratelimits) FROM unkey_verify_key(:'key');
SELECT 'VK-22' AS "case", code, credits, tests.limits(ratelimits) FROM unkey_verify_key(:'key');
SELECT 'VK-22' AS "case", code, credits, tests.limits(ratelimits) FROM unkey_verify_key(:'key');

-- The cost of a limit and the cost in credits have nothing to do with each other.
SELECT key_id, key FROM unkey_create_key(:'api', credits => 9,
    ratelimits => '[{"name": "rl", "limit": 9, "duration": 60000, "autoApply": true}]') \gset
SELECT 'E.1' AS "case", code, credits, tests.limits(ratelimits)
FROM unkey_verify_key(:'key', cost => 5, ratelimits => '[{"name": "rl", "cost": 2}]');

-- An abort gives everything back: a whole transaction, a part of it, a statement that fails after the verification.
BEGIN;
SELECT 'rollback' AS "case", code, credits, tests.limits(ratelimits) FROM unkey_verify_key(:'key');
SAVEPOINT before;
SELECT 'rollback' AS "case", code, credits, tests.limits(ratelimits) FROM unkey_verify_key(:'key', cost => 3);
SELECT 'rollback' AS "case", code, credits, tests.limits(ratelimits) FROM unkey_verify_key(:'key', cost => 3);
ROLLBACK TO before;
SELECT 'savepoint' AS "case", code, credits, tests.limits(ratelimits) FROM unkey_verify_key(:'key', cost => 0);
RELEASE before;
ROLLBACK;
SELECT 'rollback' AS "case", state FROM tests.error(format('SELECT 1 / (credits - credits) FROM unkey_verify_key(%L)', :'key'));
SELECT 'rollback' AS "case", credits FROM unkey_get_key(:'key_id');
SELECT 'rollback' AS "case", code, credits, tests.limits(ratelimits) FROM unkey_verify_key(:'key', cost => 0);

-- A rejected call in a transaction is no error: the rest of it goes on and commits.
BEGIN;
SELECT 'commit' AS "case", code, credits FROM unkey_verify_key(:'key', cost => 100);
SELECT 'commit' AS "case", code, credits FROM unkey_verify_key(:'key', cost => 4);
COMMIT;
SELECT 'commit' AS "case", credits FROM unkey_get_key(:'key_id');

-- Balances may be changed by hand: a row makes a key metered, without one it is unlimited, and none is below 0.
INSERT INTO unkey.credits (key_id, remaining) VALUES (:'free_id', 1);
SELECT 'by hand' AS "case", code, credits FROM unkey_verify_keys(ARRAY[:'free', :'free']);
UPDATE unkey.credits SET remaining = 7 WHERE key_id = :'free_id';
SELECT 'by hand' AS "case", code, credits FROM unkey_verify_key(:'free');
DELETE FROM unkey.credits WHERE key_id = :'free_id';
SELECT 'by hand' AS "case", code, credits FROM unkey_verify_key(:'free');
SELECT 'by hand' AS "case", state FROM tests.error(format('UPDATE unkey.credits SET remaining = -1 WHERE key_id = %L', :'key_id'));
-- A trigger of somebody's that swallows the spend ends the verification with an error; it does not go on for ever.
BEGIN;
CREATE FUNCTION pg_temp.swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER swallow BEFORE UPDATE ON unkey.credits FOR EACH ROW EXECUTE FUNCTION pg_temp.swallow();
INSERT INTO unkey.credits (key_id, remaining) VALUES (:'free_id', 5);
SET LOCAL statement_timeout = '60s';
SELECT 'swallowed' AS "case", state FROM tests.error(format('SELECT unkey_verify_key(%L)', :'free'));
ROLLBACK;
