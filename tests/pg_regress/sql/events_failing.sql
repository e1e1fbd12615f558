-- A log that can't be written never fails a verification, nor what else its transaction does.
SET datestyle = ISO;
SET timezone = 'UTC';
SELECT unkey_create_api('failing') AS api \gset
SELECT key FROM unkey_create_key(:'api', credits => 10, ratelimits => '[{"name": "rl", "limit": 100, "duration": 60000, "autoApply": true}]') \gset
SELECT tests.at('2025-04-03 12:00Z') \gset
DELETE FROM unkey.verification_queue;

-- The table is gone: one warning for the session, and every verification as before, credits and limits included.
ALTER TABLE unkey.verification_queue RENAME TO verification_queue_away;
SELECT code, credits, tests.limits(ratelimits) FROM unkey_verify_key(:'key');
SELECT code, credits, tests.limits(ratelimits) FROM unkey_verify_key(:'key');
BEGIN;
CREATE TEMP TABLE beside (n int);
INSERT INTO beside SELECT credits FROM unkey_verify_keys(ARRAY[:'key', :'key']);
SELECT code FROM unkey_verify_key(:'key');
COMMIT;
SELECT * FROM beside ORDER BY n;
ALTER TABLE unkey.verification_queue_away RENAME TO verification_queue;
SELECT code, credits FROM unkey_verify_key(:'key');
SELECT outcome, spent_credits FROM unkey.verification_queue;

-- A constraint added by hand refuses, also inside a block with an exception handler.
ALTER TABLE unkey.verification_queue ADD CONSTRAINT by_hand CHECK (spent_credits > 1) NOT VALID;
SELECT code, credits FROM unkey_verify_key(:'key');
SELECT set_config('failing.key', :'key', false) IS NOT NULL AS set;
DO $$
DECLARE
    verdict record;
BEGIN
    FOR verdict IN SELECT code, credits FROM generate_series(1, 2), unkey_verify_key(current_setting('failing.key')) LOOP
        RAISE NOTICE '% %', verdict.code, verdict.credits;
    END LOOP;
    RAISE EXCEPTION 'undone';
EXCEPTION WHEN raise_exception THEN
    RAISE NOTICE '%', SQLERRM;
END
$$;
SELECT code, credits FROM unkey_verify_key(:'key', cost => 2);
SELECT outcome, spent_credits FROM unkey.verification_queue ORDER BY spent_credits;

-- A cancelled query stays cancelled.
ALTER TABLE unkey.verification_queue DROP CONSTRAINT by_hand;
ALTER TABLE unkey.verification_queue ADD CONSTRAINT by_hand CHECK (pg_sleep(60) IS NOT NULL) NOT VALID;
\set VERBOSITY terse
SET statement_timeout = '200ms';
SELECT code FROM unkey_verify_key(:'key');
RESET statement_timeout;
ALTER TABLE unkey.verification_queue DROP CONSTRAINT by_hand;
SELECT code, credits FROM unkey_verify_key(:'key', cost => 0);
