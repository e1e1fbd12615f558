-- unkey_begin_request and unkey_finish_request: once, however often it is sent; of one key; for as long as it is kept.
SELECT tests.at('2036-05-10 12:00:00+00'); -- not in the past, which a worker would sweep
SET unkey.record_verifications = off;
SELECT FROM unkey.remove_requests(); -- of other files
\pset null '-'
SELECT unkey_create_api('ip.api') AS api \gset
SELECT key_id AS ann_id, key AS ann FROM unkey_create_key(:'api', name => 'ann', external_id => 'ip.ann', credits => 10) \gset
SELECT key_id AS bob_id, key AS bob FROM unkey_create_key(:'api', name => 'bob', external_id => 'ip.ann') \gset

-- One request in a transaction of its own: who, what; pays and works if it is the first time.
CREATE TABLE ip_orders (key_id text DEFAULT unkey_key_id(), item text);
CREATE FUNCTION pg_temp.place(key text, idempotency_key text, item text, OUT answer jsonb, OUT credits bigint) LANGUAGE plpgsql AS $$
DECLARE
    request jsonb := jsonb_build_object('item', item);
BEGIN
    PERFORM FROM unkey_authenticate(key, cost => 0);
    answer := unkey_begin_request(idempotency_key, request);
    IF answer IS NULL THEN
        PERFORM FROM unkey_verify_key(key);
        INSERT INTO ip_orders (item) VALUES (item);
        answer := unkey_finish_request(idempotency_key, jsonb_build_object('done', item));
    END IF;
    SELECT verdict.credits INTO credits FROM unkey_verify_key(key, cost => 0) AS verdict;
END
$$;
SELECT * FROM pg_temp.place(:'ann', 'one', 'tea');
SELECT * FROM pg_temp.place(:'ann', 'one', 'tea');
SELECT * FROM pg_temp.place(:'ann', 'two', 'tea');
-- Another key has idempotency keys of its own, of the same owner too.
SELECT * FROM pg_temp.place(:'bob', 'one', 'milk');
SELECT name, item FROM ip_orders JOIN unkey.keys ON id = key_id ORDER BY name, item;
-- Another request under the same idempotency key is none; the order and the spaces of its members do not count.
SELECT * FROM tests.error(format('SELECT pg_temp.place(%L, ''one'', ''milk'')', :'ann'));
BEGIN;
SELECT valid FROM unkey_authenticate(:'ann', cost => 0);
SELECT unkey_begin_request('members', '{"a": 1, "b": [1.50]}');
SELECT unkey_finish_request('members', '{"n": 1e400, "text": "\u00e9"}') = '{"n": 1e400, "text": "é"}' AS whole;
SELECT unkey_begin_request('members', '{"b":[1.50],"a":1}') = '{"n": 1e400, "text": "é"}' AS same;
SELECT * FROM tests.error($$SELECT unkey_begin_request('members', '{"a": 1}')$$);
SELECT * FROM tests.error($$SELECT unkey_begin_request('members')$$);
-- Any JSON is an answer, null too.
SELECT unkey_begin_request('null'), unkey_finish_request('null', 'null'), unkey_begin_request('null') AS again;
SELECT * FROM tests.error($$SELECT unkey_begin_request('null', 'null')$$);
COMMIT;

-- What fails leaves nothing: its retry is a first time, and may be another request.
BEGIN;
SELECT * FROM pg_temp.place(:'ann', 'three', 'tea');
ROLLBACK;
SELECT * FROM pg_temp.place(:'ann', 'three', 'milk');
BEGIN;
SAVEPOINT before;
SELECT * FROM pg_temp.place(:'ann', 'four', 'tea');
ROLLBACK TO before;
SELECT * FROM pg_temp.place(:'ann', 'four', 'milk');
COMMIT;
-- Begun and not finished is not done; the request is still that one.
BEGIN;
SELECT valid FROM unkey_authenticate(:'ann', cost => 0);
SELECT unkey_begin_request('five', '{"item": "tea"}'), unkey_begin_request('five', '{"item": "tea"}') AS again;
COMMIT;
SELECT * FROM tests.error(format('SELECT pg_temp.place(%L, ''five'', ''milk'')', :'ann'));
SELECT * FROM pg_temp.place(:'ann', 'five', 'tea');
SELECT * FROM pg_temp.place(:'ann', 'five', 'tea');

-- Finished twice or never begun: whoever overlooked the answer that was there can't pay for it.
BEGIN;
SELECT valid FROM unkey_authenticate(:'ann', cost => 0);
SELECT * FROM tests.error($$SELECT unkey_finish_request('five', '1')$$);
SELECT * FROM tests.error($$SELECT unkey_finish_request('never', '1')$$);
-- Arguments.
SELECT e.state, left(e.message, 60) AS message, e.hint FROM unnest(ARRAY['NULL', '''''', 'repeat(''k'', 256)']) AS wrong, tests.error(format('SELECT unkey_begin_request(%s)', wrong)) AS e;
SELECT e.state, left(e.message, 60) AS message FROM unnest(ARRAY['NULL', '''''', 'repeat(''k'', 256)']) AS wrong, tests.error(format('SELECT unkey_finish_request(%s, ''1'')', wrong)) AS e;
SELECT unkey_begin_request(repeat('é', 255));
SELECT * FROM tests.error(format('SELECT unkey_finish_request(%L, NULL)', repeat('é', 255)));
SELECT * FROM tests.error(format('SELECT unkey_finish_request(%L, to_jsonb(repeat(''x'', 65535)))', repeat('é', 255)));
SELECT length(unkey_finish_request(repeat('é', 255), to_jsonb(repeat('x', 65534)))::text) AS bytes;
COMMIT;
-- Nobody is authenticated: before, after a key that is not valid, after the transaction.
SELECT * FROM tests.error($$SELECT unkey_begin_request('one')$$);
SELECT * FROM tests.error($$SELECT unkey_finish_request('one', '1')$$);
BEGIN;
SELECT code FROM unkey_authenticate(:'bob');
SELECT code FROM unkey_authenticate('unknown');
SELECT state FROM tests.error($$SELECT unkey_begin_request('one')$$);
COMMIT;
-- Whoever else is authenticated meanwhile finishes nothing of it.
BEGIN;
SELECT valid FROM unkey_authenticate(:'ann', cost => 0);
SELECT unkey_begin_request('six');
SELECT valid FROM unkey_authenticate(:'bob');
SELECT state FROM tests.error($$SELECT unkey_finish_request('six', '1')$$);
ROLLBACK;
-- Read-only: nothing can be promised.
BEGIN READ ONLY;
SELECT valid FROM unkey_authenticate(:'ann', cost => 0);
SELECT * FROM tests.error($$SELECT unkey_begin_request('one', '{"item": "tea"}')$$);
SELECT state FROM tests.error($$SELECT unkey_finish_request('one', '1')$$);
ROLLBACK;
-- At any isolation level, and as a role that may only verify.
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT * FROM pg_temp.place(:'bob', 'serial', 'tea');
COMMIT;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT answer FROM pg_temp.place(:'bob', 'serial', 'tea');
COMMIT;
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_unkey_shop;
RESET client_min_messages;
CREATE ROLE regress_unkey_shop;
SELECT unkey_grant('regress_unkey_shop', 'verify');
BEGIN;
SET LOCAL ROLE regress_unkey_shop;
SELECT valid FROM unkey_authenticate(:'bob');
SELECT unkey_begin_request('role'), unkey_finish_request('role', '{}');
SAVEPOINT before;
SELECT answer FROM unkey.requests;
ROLLBACK;
SELECT unkey_revoke('regress_unkey_shop', 'verify');
DROP ROLE regress_unkey_shop;

-- Neither the request nor a key stands in a table.
SELECT tests.columns_with('milk"}') AS where_answers_are;
SELECT count(*) AS with_key FROM tests.columns_with(:'ann');
-- For as long as it is kept: to the millisecond, whenever maintenance runs.
SHOW unkey.idempotency_retention;
SELECT state FROM unnest(ARRAY['0', '''-1h''']) AS wrong, tests.error('SET unkey.idempotency_retention = ' || wrong);
SELECT tests.at('2036-05-11 11:59:59.999+00');
SELECT answer FROM pg_temp.place(:'ann', 'one', 'tea');
SELECT unkey.remove_requests() AS removed;
SELECT tests.at('2036-05-11 12:00:00+00');
SELECT * FROM pg_temp.place(:'ann', 'one', 'chocolate');
SELECT count(*) > 5 AS there FROM unkey.requests WHERE key_id IN (:'ann_id', :'bob_id') AND began_at < unkey.now();
SELECT unkey.remove_requests() > 5 AS removed;
SELECT idempotency_key, answer, began_at = unkey.now() AS anew FROM unkey.requests WHERE key_id IN (:'ann_id', :'bob_id');
-- A key that is deleted for good takes its own along; one that is deleted leaves them to maintenance; so does a reroll, whose key begins anew.
SELECT key AS rerolled FROM unkey_reroll_key(:'ann_id', '1 hour') \gset
SELECT answer FROM pg_temp.place(:'rerolled', 'one', 'cake');
SELECT * FROM pg_temp.place(:'bob', 'one', 'cake');
SELECT unkey_delete_key(:'bob_id');
SELECT count(*) FROM unkey.requests WHERE key_id = :'bob_id';
SELECT unkey_delete_key(:'ann_id', permanent => true);
SELECT count(*) FROM unkey.requests WHERE key_id = :'ann_id';
-- So does one whose transaction is still under way: at its end there is no such key.
BEGIN;
SELECT valid FROM unkey_authenticate(:'rerolled', cost => 0);
SELECT unkey_begin_request('late');
DELETE FROM unkey.keys WHERE id = unkey_key_id();
COMMIT;
SELECT count(*) FROM unkey.requests WHERE idempotency_key = 'late';
DROP TABLE ip_orders;
