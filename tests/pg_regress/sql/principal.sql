-- unkey_authenticate and who is authenticated: for a transaction, for a session, with savepoints, cursors and roles.
SELECT tests.at('2026-05-10 12:00:00+00');
\pset null '-'
SELECT unkey_create_api('pr.api') AS api \gset
SELECT unkey_create_role('pr.writer', permissions => '{pr.write,pr.delete}') \gset
SELECT key_id AS ann_id, key AS ann FROM unkey_create_key(:'api', name => 'ann', external_id => 'pr.ann', meta => '{"plan": "pro"}', roles => '{pr.writer}', permissions => '{pr.read}', credits => 10) \gset
SELECT key_id AS bob_id, key AS bob FROM unkey_create_key(:'api', name => 'bob', external_id => 'pr.bob') \gset
SELECT key_id AS nobodys_id, key AS nobodys FROM unkey_create_key(:'api') \gset
SELECT unkey_create_identity('pr.unused') \gset

-- Who is authenticated, in one line.
CREATE FUNCTION pg_temp.who() RETURNS text LANGUAGE sql STABLE AS $$
    SELECT coalesce((SELECT name FROM unkey.keys WHERE id = unkey_key_id()), unkey_key_id(), 'nobody')
        || concat_ws(' ', '', unkey_external_id(), (SELECT 'its identity' FROM unkey.identities WHERE id = unkey_identity_id() AND external_id = unkey_external_id()), unkey_meta(), CASE WHEN unkey_can('pr.read') THEN 'reads' END, CASE WHEN unkey_has_role('pr.writer') THEN 'is a writer' END)
$$;

-- Nobody at first: NULL and false.
SELECT unkey_key_id(), unkey_external_id(), unkey_identity_id(), unkey_meta(), unkey_can('pr.read'), unkey_has_role('pr.writer'), unkey_can(NULL), unkey_has_role(NULL);

-- The answer is that of unkey_verify_key, once: a credit is spent. What is kept is gone with the transaction.
BEGIN;
SELECT valid, code, name, credits, permissions FROM unkey_authenticate(:'ann');
SELECT pg_temp.who(), unkey_key_id() = :'ann_id' AS ann;
SELECT pg_temp.who();
SELECT unkey_can('pr.read AND (pr.write OR pr.none)') AS query, unkey_can('pr.none') AS none, unkey_can('PR.READ') AS "case", unkey_has_role('pr.none') AS role, unkey_can(NULL) AS null;
COMMIT;
SELECT pg_temp.who(), (SELECT remaining FROM unkey.credits WHERE key_id = :'ann_id') AS left;
-- Without a transaction around it, it is gone with the statement.
SELECT valid FROM unkey_authenticate(:'bob');
SELECT pg_temp.who();
-- A key without identity, and one statement that does both.
BEGIN;
SELECT valid FROM unkey_authenticate(:'nobodys');
SELECT unkey_key_id() = :'nobodys_id' AS key, unkey_external_id(), unkey_identity_id(), unkey_meta();
ROLLBACK;
SELECT pg_temp.who() FROM unkey_authenticate(:'bob');

-- A key that is not valid leaves nobody, whoever was there before.
BEGIN;
SELECT valid FROM unkey_authenticate(:'ann');
SELECT code FROM unkey_authenticate(:'bob', permissions => 'pr.read');
SELECT pg_temp.who();
SELECT valid FROM unkey_authenticate(:'ann');
SELECT code FROM unkey_authenticate('unknown');
SELECT pg_temp.who();
SELECT valid FROM unkey_authenticate(:'ann');
SELECT code FROM unkey_authenticate(NULL);
SELECT pg_temp.who();
COMMIT;

-- An error leaves what its savepoint leaves.
BEGIN;
SELECT valid FROM unkey_authenticate(:'ann');
SELECT * FROM tests.error($$SELECT unkey_authenticate('k', cost => -1)$$);
SELECT * FROM tests.error($$SELECT unkey_authenticate('k', session => NULL)$$);
SELECT * FROM tests.error($$SELECT unkey_can('a AND')$$);
SELECT * FROM tests.error($$SELECT unkey_can('')$$);
SELECT pg_temp.who();
COMMIT;

-- Savepoints: what was authenticated inside is taken back, with what it spent.
BEGIN;
SELECT valid FROM unkey_authenticate(:'bob');
SAVEPOINT a;
SELECT credits FROM unkey_authenticate(:'ann');
SAVEPOINT b;
SELECT unkey_logout();
SELECT pg_temp.who();
ROLLBACK TO b;
SELECT pg_temp.who() AS in_a;
RELEASE b;
SAVEPOINT c;
SELECT valid FROM unkey_authenticate(:'nobodys');
RELEASE c;
SELECT unkey_key_id() = :'nobodys_id' AS released;
ROLLBACK TO a;
SELECT pg_temp.who() AS before_a, (SELECT remaining FROM unkey.credits WHERE key_id = :'ann_id') AS left;
SAVEPOINT d;
SAVEPOINT e;
SELECT credits FROM unkey_authenticate(:'ann');
RELEASE e;
RELEASE d;
SELECT pg_temp.who() AS released_twice;
ROLLBACK TO a;
SELECT pg_temp.who() AS before_a;
COMMIT;
SELECT pg_temp.who();
-- Exception blocks are savepoints too.
CREATE FUNCTION pg_temp.fails(key text, OUT inside text, OUT afterwards text) LANGUAGE plpgsql AS $$
BEGIN
    BEGIN
        PERFORM FROM unkey_authenticate(key);
        inside := unkey_external_id();
        RAISE division_by_zero;
    EXCEPTION WHEN division_by_zero THEN
    END;
    afterwards := unkey_external_id();
END
$$;
SELECT * FROM pg_temp.fails(:'bob');
-- A procedure that commits begins anew.
CREATE PROCEDURE pg_temp.commits(key text, INOUT before text DEFAULT NULL, INOUT after text DEFAULT NULL) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM unkey_authenticate(key);
    before := pg_temp.who();
    COMMIT;
    after := pg_temp.who();
END
$$;
CALL pg_temp.commits(:'bob');

-- The verdict holds for its transaction, whatever becomes of the key.
BEGIN;
SELECT valid FROM unkey_authenticate(:'bob');
UPDATE unkey.keys SET enabled = false WHERE id = :'bob_id';
SELECT pg_temp.who();
ROLLBACK;

-- For the session, where that is allowed: each transaction looks at the key again.
SELECT * FROM tests.error(format('SELECT unkey_authenticate(%L, session => true)', :'ann'));
SET unkey.allow_session = on;
SELECT valid FROM unkey_authenticate(:'ann', session => true);
SELECT pg_temp.who(), (SELECT remaining FROM unkey.credits WHERE key_id = :'ann_id') AS left;
SELECT pg_temp.who(), (SELECT remaining FROM unkey.credits WHERE key_id = :'ann_id') AS left;
SELECT unkey_remove_permissions(:'ann_id', '{pr.read}'), unkey_update_key(:'ann_id', '{"meta": {"plan": "free"}}');
SELECT pg_temp.who();
-- A transaction's own goes before it.
BEGIN;
SELECT valid FROM unkey_authenticate(:'bob');
SELECT pg_temp.who();
COMMIT;
SELECT pg_temp.who();
-- Credits and limits do not count any more, the rest does.
UPDATE unkey.credits SET remaining = 0 WHERE key_id = :'ann_id';
SELECT pg_temp.who();
BEGIN;
SELECT pg_temp.who();
UPDATE unkey.keys SET enabled = false WHERE id = :'ann_id';
SELECT pg_temp.who() AS still;
COMMIT;
SELECT pg_temp.who();
UPDATE unkey.keys SET enabled = true WHERE id = :'ann_id';
SELECT pg_temp.who() AS for_good;
-- What a savepoint changed is forgotten with it, also if it was asked about inside.
SELECT code FROM unkey_authenticate(:'bob', session => true);
BEGIN;
SAVEPOINT a;
SELECT count(*) FROM unkey_add_permissions(:'bob_id', '{pr.read}');
SELECT unkey_can('pr.read') AS inside;
ROLLBACK TO a;
SELECT unkey_can('pr.read') AS rolled_back;
COMMIT;
-- Expiry, address and permissions of the question hold on.
UPDATE unkey.credits SET remaining = 10 WHERE key_id = :'ann_id';
UPDATE unkey.keys SET expires = '2026-05-11', ip_allowlist = '{10.0.0.0/8}' WHERE id = :'ann_id';
SELECT code FROM unkey_authenticate(:'ann', session => true);
SELECT code FROM unkey_authenticate(:'ann', permissions => 'pr.write', api_id => :'api', ip => '10.1.1.1', session => true);
SELECT pg_temp.who();
SELECT tests.at('2026-05-12 12:00:00+00');
SELECT pg_temp.who() AS expired;
SELECT tests.at('2026-05-10 12:00:00+00');
SELECT pg_temp.who() AS for_good;
SELECT code FROM unkey_authenticate(:'ann', permissions => 'pr.write', ip => '10.1.1.1', session => true);
SELECT unkey_set_roles(:'ann_id', '{}');
SELECT pg_temp.who() AS permission_lost;
SELECT count(*) FROM unkey_set_roles(:'ann_id', '{pr.writer}');
-- Logging out, also when that is taken back.
SELECT code FROM unkey_authenticate(:'bob', session => true);
BEGIN;
SELECT unkey_logout();
SELECT pg_temp.who();
ROLLBACK;
SELECT pg_temp.who();
BEGIN;
SELECT code FROM unkey_authenticate(:'nobodys', session => true);
SELECT unkey_key_id() = :'nobodys_id' AS inside;
ROLLBACK;
SELECT pg_temp.who() AS as_before;
SELECT unkey_logout();
SELECT pg_temp.who();
-- A refused key ends the session's as well.
SELECT code FROM unkey_authenticate(:'bob', session => true);
SELECT code FROM unkey_authenticate('unknown');
SELECT pg_temp.who();
-- Resetting the session is logging out.
SELECT code FROM unkey_authenticate(:'bob', session => true);
RESET ALL;
SELECT pg_temp.who();
SELECT tests.at('2026-05-10 12:00:00+00');
SET unkey.allow_session = on;
SELECT code FROM unkey_authenticate(:'bob', session => true);
SELECT unkey_external_id();
DISCARD ALL;
SELECT unkey_external_id();
SET unkey.allow_session = on;
SELECT unkey_key_id() = :'bob_id' FROM unkey_authenticate(:'bob', session => true);
\c -
SELECT unkey_external_id() AS reconnected;
SELECT tests.at('2026-05-10 12:00:00+00');
SET unkey.allow_session = on;

-- Cursors see who is authenticated at each FETCH; one that outlives its transaction has its rows.
CREATE TABLE pr_rows (customer text, n int);
INSERT INTO pr_rows SELECT (ARRAY['pr.ann', 'pr.bob'])[1 + n % 2], n FROM generate_series(1, 6) AS n;
BEGIN;
SELECT code FROM unkey_authenticate(:'bob');
DECLARE seen CURSOR FOR SELECT n, unkey_external_id() FROM pr_rows;
DECLARE held CURSOR WITH HOLD FOR SELECT n FROM pr_rows WHERE customer = unkey_external_id() ORDER BY n;
FETCH 1 FROM seen;
SELECT unkey_logout();
FETCH 1 FROM seen;
SELECT code FROM unkey_authenticate(:'bob');
COMMIT;
FETCH ALL FROM held;
CLOSE held;

-- Read-only and serializable transactions, where nothing has to be spent.
BEGIN READ ONLY;
SELECT code FROM unkey_authenticate(:'bob');
SELECT unkey_external_id();
COMMIT;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT code FROM unkey_authenticate(:'bob', session => true);
COMMIT;
BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY;
SELECT unkey_external_id();
COMMIT;
SELECT unkey_logout();

-- Policies: closed for nobody, asked once with a subquery.
CREATE ROLE regress_unkey_reader;
GRANT USAGE ON SCHEMA tests TO regress_unkey_reader;
SELECT unkey_grant('regress_unkey_reader', 'principal') \gset
ALTER TABLE pr_rows ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON pr_rows FOR SELECT USING (customer = (SELECT unkey_external_id()));
CREATE POLICY added ON pr_rows FOR INSERT WITH CHECK (unkey_can('pr.write') AND customer = unkey_external_id());
GRANT SELECT, INSERT ON pr_rows TO regress_unkey_reader;
ALTER TABLE pr_rows ALTER customer SET DEFAULT unkey_external_id();
CREATE FUNCTION pg_temp.asks_once(query text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    plan jsonb;
BEGIN
    EXECUTE 'EXPLAIN (FORMAT JSON) ' || query INTO plan;
    RETURN plan @? '$.**."Parent Relationship" ? (@ == "InitPlan")' AND plan::text !~ 'unkey_external_id';
END
$$;
SET ROLE regress_unkey_reader;
SELECT count(*) FROM pr_rows;
SELECT * FROM tests.error(format('SELECT unkey_authenticate(%L)', :'bob'));
RESET ROLE;
BEGIN;
SELECT code FROM unkey_authenticate(:'bob');
SET ROLE regress_unkey_reader;
SELECT customer, count(*) FROM pr_rows GROUP BY 1;
SELECT pg_temp.asks_once('SELECT * FROM pr_rows') AS asks_once;
SELECT * FROM tests.error('INSERT INTO pr_rows (n) VALUES (7)');
COMMIT;
RESET ROLE;
BEGIN;
SELECT code FROM unkey_authenticate(:'ann', ip => '10.1.1.1');
SET LOCAL ROLE regress_unkey_reader;
INSERT INTO pr_rows (n) VALUES (7) RETURNING *;
SELECT * FROM tests.error($$INSERT INTO pr_rows VALUES ('pr.bob', 8)$$);
SELECT customer, count(*) FROM pr_rows GROUP BY 1;
COMMIT;
DROP TABLE pr_rows;
SELECT unkey_revoke('regress_unkey_reader', 'principal') \gset
REVOKE USAGE ON SCHEMA tests FROM regress_unkey_reader;
DROP ROLE regress_unkey_reader;
