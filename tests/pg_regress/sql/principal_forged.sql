-- Attempts to be somebody without the text of a key, by a role that may ask who is authenticated, and by one that may authenticate.
SELECT tests.at('2026-05-10 12:00:00+00');
\pset null '-'
SELECT unkey_create_api('pf.api') AS api \gset
SELECT key_id AS victim_id, key AS victim FROM unkey_create_key(:'api', external_id => 'pf.victim', permissions => '{pf.read}') \gset
SELECT key_id AS mine_id, key AS mine FROM unkey_create_key(:'api', external_id => 'pf.mine') \gset
SELECT id AS victims_identity FROM unkey.identities WHERE external_id = 'pf.victim' \gset
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_unkey_attacker, regress_unkey_web;
RESET client_min_messages;
CREATE ROLE regress_unkey_attacker;
CREATE ROLE regress_unkey_web;
SELECT unkey_grant('regress_unkey_attacker', 'principal'), unkey_grant('regress_unkey_web', 'verify') \gset
GRANT USAGE ON SCHEMA tests TO regress_unkey_attacker, regress_unkey_web;
CREATE TABLE pf_notes (customer text, note text);
INSERT INTO pf_notes VALUES ('pf.victim', 'secret'), ('pf.mine', 'my own');
ALTER TABLE pf_notes ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON pf_notes USING (customer = unkey_external_id());
GRANT SELECT, INSERT, UPDATE, DELETE ON pf_notes TO regress_unkey_attacker, regress_unkey_web;
CREATE SCHEMA regress_unkey_lair AUTHORIZATION regress_unkey_attacker;
GRANT USAGE ON SCHEMA regress_unkey_lair TO regress_unkey_web;

-- Settings: none of these names means anything, whatever it holds.
SET ROLE regress_unkey_attacker;
SELECT set_config(name, value, false) IS NOT NULL AS set FROM (VALUES ('request.jwt.claims', '{"sub": "pf.victim", "external_id": "pf.victim"}'), ('request.headers', '{"authorization": "Bearer x"}'), ('request.jwt.claim.sub', 'pf.victim'),
    ('app.external_id', 'pf.victim')) AS settings(name, value);
SELECT statement, e.* FROM unnest(ARRAY['SET unkey.external_id = ''pf.victim''', 'SET unkey.principal = ''pf.victim''', 'SET unkey.key_id = ''x''', 'ALTER ROLE CURRENT_USER SET unkey.external_id = ''pf.victim''']) AS statement, tests.error(statement) AS e;
SELECT unkey_external_id(), unkey_key_id(), unkey_can('pf.read'), count(*) FROM pf_notes;
-- The one setting there is (it says that something is kept for the session) only ever takes away.
SET unkey.session_mark = on;
SELECT unkey_external_id(), count(*) FROM pf_notes;
RESET ROLE;
RESET unkey.session_mark;
SET unkey.allow_session = on;
SELECT code FROM unkey_authenticate(:'mine', session => true);
SET ROLE regress_unkey_attacker;
SELECT unkey_external_id();
SET unkey.session_mark = on;
SELECT unkey_external_id() AS gone;
RESET ALL;
RESET ROLE;
SELECT tests.at('2026-05-10 12:00:00+00');

-- Nobody can leave a principal for the next client of a pool, and nobody but a superuser allows it.
SET ROLE regress_unkey_web;
SELECT statement, e.* FROM unnest(ARRAY['SET unkey.allow_session = on', 'ALTER ROLE CURRENT_USER SET unkey.allow_session = on', 'SELECT set_config(''unkey.allow_session'', ''on'', true)']) AS statement, tests.error(statement) AS e
UNION ALL SELECT 'authenticate', e.* FROM tests.error(format('SELECT unkey_authenticate(%L, session => true)', :'mine')) AS e;
SELECT unkey_external_id();
RESET ROLE;

-- Ids, hashes and whole rows are no texts.
SET ROLE regress_unkey_web;
SELECT what, (unkey_authenticate(guess)).code FROM (VALUES ('id', :'victim_id'), ('identity', :'victims_identity'), ('owner', 'pf.victim'), ('hash', encode(sha256(:'victim'::bytea), 'hex')), ('hash', encode(sha256(:'victim'::bytea), 'base64')),
    ('padded', :'victim' || ' '), ('padded', ' ' || :'victim'), ('cut', left(:'victim', -1)), ('empty', '')) AS guesses(what, guess);

-- Functions, tables and types of the attacker's, in front of everything.
RESET ROLE;
SET ROLE regress_unkey_attacker;
CREATE FUNCTION regress_unkey_lair.unkey_external_id() RETURNS text LANGUAGE sql RETURN 'pf.victim';
CREATE FUNCTION regress_unkey_lair.unkey_can(text) RETURNS boolean LANGUAGE sql RETURN true;
CREATE FUNCTION regress_unkey_lair.always(text, text) RETURNS boolean LANGUAGE sql RETURN true;
CREATE OPERATOR regress_unkey_lair.= (LEFTARG = text, RIGHTARG = text, FUNCTION = regress_unkey_lair.always);
CREATE TEMP TABLE keys (id text);
SET search_path = regress_unkey_lair, pg_temp, public, pg_catalog;
SELECT unkey_external_id() AS by_name, public.unkey_external_id() AS real, count(*) FROM pf_notes;
-- Prepared before there was anybody, and run as somebody else.
PREPARE notes AS SELECT note FROM pf_notes;
EXECUTE notes;
RESET ROLE;
SET search_path = public, tests;
BEGIN;
SELECT code FROM unkey_authenticate(:'mine');
SET LOCAL ROLE regress_unkey_web;
SET LOCAL search_path = regress_unkey_lair, public, pg_catalog;
EXECUTE notes;
SELECT note FROM public.pf_notes WHERE note OPERATOR(regress_unkey_lair.=) 'secret';
COMMIT;
SET search_path = public, tests;
EXECUTE notes;
DEALLOCATE notes;

-- A plan that was kept (generic) asks again each time.
SET plan_cache_mode = force_generic_plan;
PREPARE who AS SELECT public.unkey_external_id(), public.unkey_can($1);
EXECUTE who('pf.read');
BEGIN;
SELECT code FROM unkey_authenticate(:'victim');
EXECUTE who('pf.read');
COMMIT;
EXECUTE who('pf.read');
DEALLOCATE who;
RESET plan_cache_mode;

-- What one client leaves, the next one on the same connection does not find: the pool runs transactions, and each is a client's.
SET ROLE regress_unkey_web;
BEGIN;
SELECT code FROM unkey_authenticate(:'victim');
SELECT note FROM pf_notes;
COMMIT;
SELECT note FROM pf_notes;
BEGIN;
SELECT code FROM unkey_authenticate(:'victim');
ROLLBACK;
SELECT note FROM pf_notes;
BEGIN;
SELECT code FROM unkey_authenticate(:'victim');
SELECT 1 / 0;
COMMIT;
SELECT note FROM pf_notes;
RESET ROLE;

-- A function of the owner's that authenticates does so for the transaction, as who calls it finds; what it was allowed it alone was.
CREATE FUNCTION pf_service(key text) RETURNS text LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$ SELECT public.unkey_external_id() FROM public.unkey_authenticate(key) $$;
GRANT EXECUTE ON FUNCTION pf_service(text) TO regress_unkey_attacker;
BEGIN;
SELECT code FROM unkey_authenticate(:'victim');
SET LOCAL ROLE regress_unkey_attacker;
SELECT pf_service(:'mine');
SELECT unkey_external_id(), note FROM pf_notes;
SELECT pf_service('guess');
SELECT unkey_external_id(), count(*) FROM pf_notes;
COMMIT;
SET ROLE regress_unkey_attacker;
SELECT * FROM tests.error(format('SELECT unkey_authenticate(%L)', 'x'));
SELECT statement, e.state FROM unnest(ARRAY['UPDATE pg_proc SET prosecdef = false WHERE proname = ''unkey_external_id''', 'ALTER FUNCTION public.unkey_external_id() OWNER TO regress_unkey_attacker', 'CREATE OR REPLACE FUNCTION public.unkey_external_id() RETURNS text LANGUAGE sql RETURN ''pf.victim''',
    'CREATE FUNCTION regress_unkey_lair.other() RETURNS text LANGUAGE c AS ''$libdir/unkey'', ''unkey_external_id_wrapper''', 'DROP FUNCTION public.unkey_external_id()', 'ALTER POLICY own ON pf_notes USING (true)']) AS statement, tests.error(statement) AS e;
RESET ROLE;

-- Parallel workers have no principal, and are not asked: the leader is.
CREATE TABLE pf_many AS SELECT 'pf.' || (ARRAY['mine', 'victim'])[1 + n % 2] AS customer FROM generate_series(1, 20000) AS n;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
BEGIN;
SELECT code FROM unkey_authenticate(:'mine');
SELECT count(*) FROM pf_many WHERE customer = unkey_external_id();
SELECT count(*) FROM pf_many WHERE customer = (SELECT unkey_external_id());
COMMIT;
SELECT count(*) FROM pf_many WHERE customer = (SELECT unkey_external_id());
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;

DROP TABLE pf_notes, pf_many;
DROP FUNCTION pf_service(text);
SET client_min_messages = warning;
DROP SCHEMA regress_unkey_lair CASCADE;
DROP OWNED BY regress_unkey_attacker, regress_unkey_web;
DROP ROLE regress_unkey_attacker, regress_unkey_web;
