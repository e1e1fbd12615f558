-- Changing hands: what a session, a plan, a cursor, a cache, a view, a policy or somebody's function has seen as one role opens nothing
-- to the next. tests.plain is an ordinary function of Postgres beside it, which says what Postgres itself promises.
SELECT unkey_create_api('roles') AS api_id \gset
SELECT * FROM unkey_create_key(:'api_id', credits => 100) \gset
SELECT * FROM unkey_create_key(:'api_id', meta => '{"of": "other"}') \gset other_
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_unkey_may, regress_unkey_mallory, regress_unkey_other;
RESET client_min_messages;
CREATE ROLE regress_unkey_may;
CREATE ROLE regress_unkey_other;
CREATE ROLE regress_unkey_mallory;
CREATE SCHEMA hands;
GRANT USAGE, CREATE ON SCHEMA hands TO PUBLIC;
GRANT USAGE ON SCHEMA tests TO PUBLIC;
CREATE FUNCTION tests.plain(key text, OUT code text) LANGUAGE plpgsql AS $$BEGIN code := 'PLAIN'; END$$;
REVOKE EXECUTE ON FUNCTION tests.plain FROM PUBLIC;
SELECT unkey_grant('regress_unkey_may', 'verify'), unkey_grant('regress_unkey_other', 'verify');
GRANT EXECUTE ON FUNCTION tests.plain TO regress_unkey_may, regress_unkey_other;
SET unkey.counters = 'table';

-- A session that knows the key already: by the function, the scan node, a kept plan.
SELECT code FROM unkey_verify_key(:'key');
PREPARE by_scan AS SELECT code FROM unkey_verify_key($1);
PREPARE by_call AS SELECT (unkey_verify_key($1)).code;
PREPARE by_plain AS SELECT code FROM tests.plain($1);
SET plan_cache_mode = force_generic_plan;
SET ROLE regress_unkey_may;
EXECUTE by_scan(:'key');
EXECUTE by_call(:'key');
EXECUTE by_plain(:'key');
SET ROLE regress_unkey_mallory;
SELECT statement, error.state FROM unnest(ARRAY['EXECUTE by_scan(%L)', 'EXECUTE by_call(%L)', 'EXECUTE by_plain(%L)', 'SELECT code FROM unkey_verify_key(%L)', 'SELECT unkey_verify_key(%L)', 'SELECT code FROM unkey_verify_keys(ARRAY[%L])',
    'SELECT unkey_whoami(%L)', 'SELECT code FROM unnest(ARRAY[%L]) AS k, unkey_verify_key(k)', 'EXPLAIN SELECT code FROM unkey_verify_key(%L)', 'EXPLAIN ANALYZE SELECT code FROM unkey_verify_key(%L)']) AS statement, tests.error(format(statement, :'key'));
SET SESSION AUTHORIZATION regress_unkey_mallory;
SELECT error.state FROM tests.error(format('EXECUTE by_scan(%L)', :'key'));
-- She may go back to nobody but herself.
SELECT statement, error.state FROM unnest(ARRAY['SET ROLE regress_unkey_may', 'SET ROLE postgres']) AS statement, tests.error(statement);
RESET SESSION AUTHORIZATION;
RESET ROLE;
RESET plan_cache_mode;

-- A cursor goes on with what its statement was allowed at the start, as Postgres has it.
BEGIN;
SET LOCAL ROLE regress_unkey_may;
DECLARE rows CURSOR FOR SELECT code, tests.plain(made) AS plain FROM generate_series(1, 2) AS n, LATERAL (SELECT :'key'::text || repeat('x', n - 1)) AS key(made), unkey_verify_key(made);
FETCH 1 FROM rows \gset at_start_
SET LOCAL ROLE regress_unkey_mallory;
FETCH 1 FROM rows \gset later_
SELECT :'at_start_code' AS at_start, :'at_start_plain' AS plain_at_start, :'later_code' AS later, :'later_plain' AS plain_later;
ROLLBACK;

-- A view's functions are called by whoever asks, and so is a table function; a function that runs as its owner asks as that one.
SET ROLE regress_unkey_may;
CREATE VIEW hands.as_owner AS SELECT code FROM unkey_verify_key('nope');
CREATE VIEW hands.as_invoker WITH (security_invoker) AS SELECT code FROM unkey_verify_key('nope');
CREATE VIEW hands.plain AS SELECT code FROM tests.plain('nope');
CREATE FUNCTION hands.wrapper(key text) RETURNS text LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'SELECT code FROM public.unkey_verify_key(key)';
CREATE FUNCTION hands.careless(key text) RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT code FROM unkey_verify_key(key)';
GRANT SELECT ON hands.as_owner, hands.as_invoker, hands.plain TO PUBLIC;
SET ROLE regress_unkey_mallory;
SELECT view, error.state FROM unnest(ARRAY['as_owner', 'as_invoker', 'plain']) AS view, tests.error(format('SELECT code FROM hands.%I', view));
SELECT hands.wrapper(:'key') AS wrapper, hands.careless(:'key') AS careless;
-- A wrapper of somebody's own is as good as its search_path: the extension can't answer for it.
CREATE FUNCTION hands.unkey_verify_key(key text, OUT code text) LANGUAGE sql AS $$SELECT 'as ' || current_user$$;
SET search_path = hands, public, tests;
SELECT hands.wrapper(:'key') AS wrapper, hands.careless(:'key') AS careless;
RESET search_path;
RESET ROLE;
-- What is recorded names who asked, not whose wrapper it was; so neither can see, or hide in, the usage of the other.
SELECT (SELECT array_agg(DISTINCT role ORDER BY role) FROM (SELECT role FROM unkey.verification_events WHERE key_id = :'key_id' UNION ALL SELECT role FROM unkey.verification_queue WHERE key_id = :'key_id') AS recorded) AS roles FROM unkey.maintain();
GRANT SELECT ON unkey.own_key_verifications_per_hour_v1 TO regress_unkey_mallory;
GRANT USAGE ON SCHEMA unkey TO regress_unkey_mallory;
SET ROLE regress_unkey_mallory;
CREATE FUNCTION pg_temp.leak(key_id text, hour timestamptz) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS $$BEGIN RAISE NOTICE 'seen: a row'; RETURN true; END$$;
CREATE VIEW hands.no_barrier AS SELECT rolname FROM pg_roles WHERE rolname = current_user;
CREATE FUNCTION pg_temp.leak(name) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS $$BEGIN IF $1 = 'postgres' THEN RAISE NOTICE 'seen: %', $1; END IF; RETURN true; END$$;
SELECT count(*) AS control FROM hands.no_barrier WHERE pg_temp.leak(rolname);
SELECT sum(count) FROM unkey.own_key_verifications_per_hour_v1 WHERE pg_temp.leak(key_id, time) AND key_id = :'key_id';
RESET ROLE;
SET ROLE regress_unkey_other;
SELECT count(*) AS of_other FROM unkey.own_key_verifications_per_hour_v1;
RESET ROLE;

-- A policy that asks unkey: whoever reads the table must be allowed to verify, and a function that leaks sees no other's row.
CREATE TABLE hands.notes (key_id text, note text);
INSERT INTO hands.notes VALUES (:'key_id', 'mine'), (:'other_key_id', 'secret');
ALTER TABLE hands.notes ENABLE ROW LEVEL SECURITY;
CREATE POLICY by_key ON hands.notes USING (key_id = (SELECT v.key_id FROM unkey_verify_key(current_setting('hands.key', true)) AS v WHERE v.valid));
GRANT SELECT, INSERT, UPDATE, DELETE ON hands.notes TO regress_unkey_may, regress_unkey_mallory;
CREATE FUNCTION hands.leak(note text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS $$BEGIN RAISE NOTICE 'seen: %', note; RETURN true; END$$;
SELECT count(*) AS control FROM hands.notes WHERE hands.leak(note);
SELECT set_config('hands.key', :'key', false) = :'key' AS set;
SET ROLE regress_unkey_may;
SELECT note FROM hands.notes WHERE hands.leak(note);
SELECT error.state FROM tests.error(format('INSERT INTO hands.notes VALUES (%L, ''planted'')', :'other_key_id'));
UPDATE hands.notes SET note = 'changed' WHERE hands.leak(note);
SET hands.key = 'nope';
SELECT note FROM hands.notes WHERE hands.leak(note);
SET row_security = off;
SELECT error.state FROM tests.error('SELECT note FROM hands.notes');
RESET row_security;
SET ROLE regress_unkey_mallory;
SELECT error.state FROM tests.error('SELECT note FROM hands.notes');
RESET ROLE;

-- Row security on the extension's own tables, forced: the functions run as its owner, a superuser, to whom it does not apply; so verdicts,
-- balances and revocations stay what they are, and only who reads a table by hand sees less.
SELECT unkey_grant('regress_unkey_other', 'read');
BEGIN;
SELECT code FROM unkey_verify_key(:'key');
DO $$
DECLARE
    forced regclass;
BEGIN
    FOR forced IN SELECT oid FROM pg_class WHERE relnamespace = 'unkey'::regnamespace AND relkind IN ('r', 'p') LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', forced);
        EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', forced);
    END LOOP;
END
$$;
SET LOCAL ROLE regress_unkey_other;
SELECT (SELECT count(*) FROM unkey.keys) AS by_hand, (SELECT credits FROM unkey_get_key(:'key_id')) AS credits;
SELECT code, credits FROM unkey_verify_key(:'key', cost => 9);
SELECT code, credits FROM unkey_verify_key(:'key', cost => 1000);
RESET ROLE;
SELECT unkey_update_key(:'key_id', '{"enabled": false}');
SET LOCAL ROLE regress_unkey_other;
SELECT code FROM unkey_verify_key(:'key');
ROLLBACK;

DEALLOCATE ALL;
RESET unkey.counters;
SET client_min_messages = warning;
DROP SCHEMA hands CASCADE;
DROP FUNCTION tests.plain, pg_temp.leak(text, timestamptz), pg_temp.leak(name);
DROP OWNED BY regress_unkey_may, regress_unkey_mallory, regress_unkey_other;
DROP ROLE regress_unkey_may, regress_unkey_mallory, regress_unkey_other;
