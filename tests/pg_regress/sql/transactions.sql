-- Verification inside the caller's transaction: read-only ones, isolation levels, and what is rolled back. Limits are counted in the
-- table here; memory_limits.sql is about shared memory.
SET unkey.counters = 'table';
\pset null '-'
SELECT tests.at('2025-03-14 12:00:00Z') \gset
SELECT unkey_create_api('transactions') AS api \gset
SELECT key_id AS plain_id, key AS plain FROM unkey_create_key(:'api', permissions => '{transactions.p}',
    external_id => 'transactions.user', ratelimits => '[{"name": "asked", "limit": 3, "duration": 60000}]') \gset
SELECT key_id AS paid_id, key AS paid FROM unkey_create_key(:'api', credits => 5) \gset
SELECT key_id AS limited_id, key AS limited FROM unkey_create_key(:'api',
    ratelimits => '[{"name": "rl", "limit": 3, "duration": 60000, "autoApply": true}]') \gset
SELECT key_id AS off_id, key AS off FROM unkey_create_key(:'api', enabled => false, credits => 5,
    ratelimits => '[{"name": "rl", "limit": 3, "duration": 60000, "autoApply": true}]') \gset

-- Read-only: what neither counts nor spends is answered.
BEGIN READ ONLY;
SELECT 'read only' AS "case", code, permissions, identity->'externalId' AS owner
FROM unkey_verify_key(:'plain', permissions => 'transactions.p', tags => '{a}');
SELECT 'read only' AS "case", code FROM unkey_verify_keys(ARRAY[:'plain', 'transactions_unknown', NULL]);
SELECT 'read only' AS "case", code, credits FROM unkey_verify_key(:'paid', cost => 0);
SELECT 'read only' AS "case", code, credits FROM unkey_verify_key(:'paid', permissions => 'transactions.p');
SELECT 'read only' AS "case", code, credits, ratelimits FROM unkey_verify_key(:'off');
SELECT 'read only' AS "case", got.key_id = :'paid_id' AS same_key, got.credits, who.credits AS whoami
FROM unkey_get_key(:'paid_id') AS got, unkey_whoami(:'paid') AS who;
-- What has to is refused, and the transaction goes on after a savepoint.
\set VERBOSITY terse
SAVEPOINT before;
SELECT 'read only' AS "case", code FROM unkey_verify_key(:'paid');
SELECT 'read only' AS "case", code FROM unkey_verify_key(:'plain');
ROLLBACK TO before;
\set VERBOSITY default
SELECT 'read only' AS "case", code FROM unkey_verify_key(:'plain');
SELECT 'read only' AS "case", e.* FROM tests.error(format('SELECT unkey_verify_key(%L)', :'paid')) AS e;
SELECT 'read only' AS "case", e.state FROM tests.error(format('SELECT unkey_verify_key(%L)', :'limited')) AS e;
SELECT 'read only' AS "case", e.state
FROM tests.error(format('SELECT unkey_verify_key(%L, ratelimits => ''[{"name": "asked"}]'')', :'plain')) AS e;
SELECT 'read only' AS "case", e.state FROM tests.error(format('SELECT unkey_create_key(%L)', :'api')) AS e;
SELECT 'read only' AS "case", code, credits FROM unkey_verify_key(:'paid', cost => 0);
COMMIT;
SELECT 'read only' AS "case", credits FROM unkey_get_key(:'paid_id');
SELECT 'read only' AS "case", code, tests.limits(ratelimits) FROM unkey_verify_key(:'limited');

-- Nothing durable changes when a limit is only peeked at, or when a limit or the balance refuses: answered as well.
SELECT key AS empty FROM unkey_create_key(:'api', credits => 0) \gset
SELECT 'section 6' AS "case", code FROM unkey_verify_keys(ARRAY[:'limited', :'limited']);
BEGIN READ ONLY;
SELECT 'peek' AS "case", code, tests.limits(ratelimits)
FROM unkey_verify_key(:'limited', ratelimits => '[{"name": "rl", "cost": 0}]');
COMMIT;
BEGIN READ ONLY;
SELECT 'limited' AS "case", code, tests.limits(ratelimits) FROM unkey_verify_key(:'limited');
COMMIT;
BEGIN READ ONLY;
SELECT 'empty' AS "case", code, credits FROM unkey_verify_key(:'empty');
COMMIT;

-- Everything happens in the caller's transaction: a key made in it is verified in it, and gone with it.
BEGIN;
SELECT key_id AS new_id, key AS new FROM unkey_create_key(:'api', credits => 2, permissions => '{transactions.new}') \gset
SELECT 'own' AS "case", code, credits, permissions FROM unkey_verify_key(:'new', permissions => 'transactions.new');
SELECT unkey_update_key(:'new_id', '{"enabled": false}') \gset
SELECT 'own' AS "case", code, credits FROM unkey_verify_key(:'new');
SAVEPOINT before;
SELECT unkey_delete_key(:'new_id') \gset
SELECT 'own' AS "case", code, credits FROM unkey_verify_key(:'new');
ROLLBACK TO before;
SELECT 'own' AS "case", code, credits FROM unkey_verify_key(:'new');
ROLLBACK;
SELECT 'own' AS "case", code FROM unkey_verify_key(:'new');
SELECT 'own' AS "case", count(*) FROM unkey.permissions WHERE slug = 'transactions.new';

-- Changes of a key that are rolled back leave its verdict as it was.
BEGIN;
SELECT unkey_delete_key(:'plain_id') \gset
SELECT 'changes' AS "case", code FROM unkey_verify_key(:'plain');
ROLLBACK;
SELECT 'changes' AS "case", code FROM unkey_verify_key(:'plain');
BEGIN;
UPDATE unkey.permissions SET slug = 'transactions.q' WHERE slug = 'transactions.p';
SELECT 'changes' AS "case", code FROM unkey_verify_key(:'plain', permissions => 'transactions.q');
ROLLBACK;
SELECT 'changes' AS "case", code FROM unkey_verify_key(:'plain', permissions => 'transactions.q');

-- Stricter isolation: the transaction counts, spends, and sees what it did itself.
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT 'repeatable read' AS "case", code, credits FROM unkey_verify_key(:'paid');
SELECT unkey_update_credits(:'paid_id', 'increment', 10) \gset
SELECT 'repeatable read' AS "case", code, credits FROM unkey_verify_keys(ARRAY[:'paid', :'paid']);
SELECT unkey_update_key(:'paid_id', '{"permissions": ["transactions.p"]}') \gset
SELECT 'repeatable read' AS "case", code, credits FROM unkey_verify_key(:'paid', permissions => 'transactions.p');
COMMIT;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT 'serializable' AS "case", code, credits FROM unkey_verify_key(:'paid', ratelimits =>
    '[{"name": "adhoc", "limit": 2, "duration": 60000}]');
COMMIT;
SELECT 'serializable' AS "case", credits FROM unkey_get_key(:'paid_id');
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT 'repeatable read' AS "case", code, credits FROM unkey_verify_key(:'paid', cost => 0);
COMMIT;

-- Calls of one statement see each other; readers show the state before it, as they are STABLE. (left() makes this one
-- depend on n, so that it is called for each.)
SELECT 'statement' AS "case", n, verified.credits, got.credits AS before
FROM generate_series(1, 3) AS n, unkey_verify_key(:'paid', cost => n) AS verified,
    LATERAL (SELECT credits FROM unkey_get_key(left(:'paid_id', 64 + n))) AS got ORDER BY n;

-- From a function, with its own handling of errors.
DO $$
DECLARE
    answer unkey.verification;
BEGIN
    BEGIN
        PERFORM unkey_verify_key('x', cost => -1);
    EXCEPTION WHEN invalid_parameter_value THEN
        RAISE NOTICE 'handled: %', SQLERRM;
    END;
    answer := unkey_verify_key('transactions_unknown');
    RAISE NOTICE 'then: %', answer.code;
END
$$;
