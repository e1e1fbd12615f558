-- EXECUTE is the only privilege a caller needs, nobody has it by default, and no session can lead a function astray.
SELECT unkey_create_api('privileges') AS api_id \gset
SELECT * FROM unkey_create_key(:'api_id', external_id => 'pv.owner', permissions => '{pv.read}', credits => 100,
    ratelimits => '[{"name": "rl", "limit": 100, "duration": 60000, "autoApply": true}]') \gset
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_unkey_nobody, regress_unkey_verifier, regress_unkey_hostile;
RESET client_min_messages;
CREATE ROLE regress_unkey_nobody;
CREATE ROLE regress_unkey_verifier;
CREATE ROLE regress_unkey_hostile;
GRANT USAGE ON SCHEMA tests TO regress_unkey_nobody, regress_unkey_verifier, regress_unkey_hostile;

-- Every function of the extension that a statement can call with a call of it, every table and view with all that can be done to it.
CREATE TEMP TABLE calls AS
SELECT proc.oid::regprocedure::text AS what, format('SELECT %I.%I(%s)', nspname, proname,
    (SELECT string_agg(format('(SELECT NULL::%s)', format_type(type, NULL)), ', ' ORDER BY n) FROM unnest(proargtypes) WITH ORDINALITY AS types(type, n))) AS statement
FROM pg_depend AS member JOIN pg_extension AS extension ON extension.oid = refobjid AND extname = 'unkey'
    JOIN pg_proc AS proc ON proc.oid = objid JOIN pg_namespace AS namespace ON namespace.oid = pronamespace
WHERE member.deptype = 'e' AND refclassid = 'pg_extension'::regclass AND classid = 'pg_proc'::regclass AND NOT 'internal'::regtype = ANY (proargtypes);
CREATE TEMP TABLE accesses AS
SELECT class.oid::regclass::text AS what, format(template, class.oid::regclass) AS statement
FROM pg_depend AS member JOIN pg_extension AS extension ON extension.oid = refobjid AND extname = 'unkey' JOIN pg_class AS class ON class.oid = objid AND relkind IN ('r', 'p', 'v', 'm'),
    unnest(ARRAY['SELECT FROM %s LIMIT 1', 'DELETE FROM %s', 'TRUNCATE %s', 'INSERT INTO %s DEFAULT VALUES', 'LOCK TABLE %s']) AS template
WHERE (relkind <> 'v' OR template ~ 'SELECT|LOCK') AND member.deptype = 'e' AND refclassid = 'pg_extension'::regclass AND classid = 'pg_class'::regclass;
GRANT SELECT ON calls, accesses TO regress_unkey_nobody, regress_unkey_verifier, regress_unkey_hostile;
SELECT (SELECT count(*) > 30 FROM calls) AS functions, (SELECT count(*) > 60 FROM accesses) AS accesses;
-- How a statement fails; ends in an exception that takes back what a statement that succeeded did.
CREATE FUNCTION pg_temp.state(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    RAISE 'succeeded' USING ERRCODE = '00001';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END
$$;

-- Without a grant: 42501 for every function, table and view, and for all that the schema holds.
SET ROLE regress_unkey_nobody;
SELECT what, state FROM calls, pg_temp.state(statement) AS state WHERE state <> '42501';
SELECT statement, state FROM accesses, pg_temp.state(statement) AS state WHERE state <> '42501';
SELECT state, message FROM tests.error(format('SELECT * FROM unkey_verify_key(%L)', :'key'));
SELECT state, message FROM tests.error('SELECT * FROM unkey.keys');
SELECT has_schema_privilege('unkey', 'USAGE') AS usage, has_schema_privilege('unkey', 'CREATE') AS "create";
SELECT state, message FROM tests.error($$SELECT set_config('unkey.clock', '1', false)$$);
RESET ROLE;
-- USAGE on the schema alone opens nothing.
GRANT USAGE ON SCHEMA unkey TO regress_unkey_nobody;
SET ROLE regress_unkey_nobody;
SELECT what, state FROM calls, pg_temp.state(statement) AS state WHERE state <> '42501';
SELECT statement, state FROM accesses, pg_temp.state(statement) AS state WHERE state <> '42501';
RESET ROLE;
REVOKE USAGE ON SCHEMA unkey FROM regress_unkey_nobody;

-- EXECUTE on unkey_verify_key: it verifies with all that belongs to it, and nothing else opens.
GRANT EXECUTE ON FUNCTION unkey_verify_key TO regress_unkey_verifier;
SET ROLE regress_unkey_verifier;
SELECT code, permissions, credits, identity->>'externalId' AS owner, tests.limits(ratelimits) FROM unkey_verify_key(:'key', 'pv.read', 2, '[{"name": "rl", "cost": 3}]', '{tag}', :'api_id', '10.0.0.1');
SELECT code FROM unkey_verify_key('nope');
SELECT state, message FROM tests.error(format($$SELECT * FROM unkey_verify_key(%L, 'a AND')$$, :'key'));
SELECT split_part(what, '(', 1) AS what, state FROM calls, pg_temp.state(statement) AS state WHERE state <> '42501';
SELECT statement, state FROM accesses, pg_temp.state(statement) AS state WHERE state <> '42501';
PREPARE verify(text) AS SELECT code, credits FROM unkey_verify_key($1);
EXECUTE verify(:'key');
RESET ROLE;
REVOKE EXECUTE ON FUNCTION unkey_verify_key FROM regress_unkey_verifier;
SET ROLE regress_unkey_verifier;
SELECT state FROM tests.error(format('EXECUTE verify(%L)', :'key'));
RESET ROLE;
DEALLOCATE verify;

-- Every function that runs as its owner pins its search_path, with the temporary schema last. The others are those that run a
-- statement only now and then, and each such statement as the owner with that path.
SELECT what, proconfig FROM calls JOIN pg_proc ON pg_proc.oid = what::regprocedure
WHERE prosecdef AND NOT coalesce('search_path=pg_catalog, pg_temp' = ANY (proconfig), false) OR NOT prosecdef AND what LIKE 'unkey\_%';
-- And no owner but the one who made the extension.
SELECT count(DISTINCT proowner) AS owners, bool_and(proowner = extowner) AS of_extension FROM calls JOIN pg_proc ON pg_proc.oid = what::regprocedure, pg_extension WHERE extname = 'unkey';

-- A hostile session: schema, temporary tables, functions, operators, casts and settings that stand in the way.
CREATE SCHEMA pv_hostile AUTHORIZATION regress_unkey_hostile;
DO $$
DECLARE
    call text;
BEGIN
    FOR call IN SELECT what FROM calls WHERE what LIKE 'unkey\_%' LOOP
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO regress_unkey_hostile', call);
    END LOOP;
END
$$;
SET ROLE regress_unkey_hostile;
CREATE TABLE pv_hostile.ran (as_role name, what text);
CREATE FUNCTION pv_hostile.trap(what text) RETURNS void LANGUAGE sql AS $$INSERT INTO pv_hostile.ran VALUES (current_user, what)$$;
-- Functions that the extension's own SQL calls by these names, for the argument types that fit best.
DO $do$
DECLARE
    shadow text;
    place text;
BEGIN
    FOREACH place IN ARRAY ARRAY['pv_hostile', 'pg_temp'] LOOP
        FOREACH shadow IN ARRAY ARRAY['to_ms(timestamptz) RETURNS bigint', 'from_ms(bigint) RETURNS timestamptz', 'new_id(text) RETURNS text', 'lower(text) RETURNS text',
            'strpos(text, text) RETURNS integer', 'decode(text, text) RETURNS bytea', 'to_json(text) RETURNS json', 'clock_timestamp() RETURNS timestamptz',
            'unnest(text[]) RETURNS SETOF text', 'jsonb_array_length(jsonb) RETURNS integer', 'sha256(bytea) RETURNS bytea', 'to_timestamp(double precision) RETURNS timestamptz'] LOOP
            EXECUTE format('CREATE FUNCTION %s.%s LANGUAGE plpgsql AS $$BEGIN PERFORM pv_hostile.trap(%L); RETURN %s; END$$', place, shadow, shadow,
                CASE WHEN shadow LIKE '%SETOF%' THEN '' ELSE 'NULL' END);
        END LOOP;
    END LOOP;
    FOREACH shadow IN ARRAY ARRAY['text', 'bytea', 'bigint', 'boolean', 'timestamptz', 'smallint', 'integer'] LOOP
        EXECUTE format('CREATE FUNCTION pv_hostile.yes(%1$s, %1$s) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN PERFORM pv_hostile.trap(''operator''); RETURN true; END$$', shadow);
        EXECUTE format('CREATE OPERATOR pv_hostile.= (FUNCTION = pv_hostile.yes, LEFTARG = %1$s, RIGHTARG = %1$s)', shadow);
        EXECUTE format('CREATE OPERATOR pv_hostile.> (FUNCTION = pv_hostile.yes, LEFTARG = %1$s, RIGHTARG = %1$s)', shadow);
        EXECUTE format('CREATE OPERATOR pv_hostile.<> (FUNCTION = pv_hostile.yes, LEFTARG = %1$s, RIGHTARG = %1$s)', shadow);
    END LOOP;
END
$do$;
CREATE TEMP TABLE keys (id text, api_id text, hash bytea, enabled boolean DEFAULT true);
CREATE TEMP TABLE apis (id text, name text, enabled boolean DEFAULT true);
CREATE TEMP TABLE credits (key_id text, remaining bigint);
CREATE TEMP TABLE permissions (id text, slug text);
CREATE TEMP TABLE effective_permissions AS SELECT ''::text AS key_id, 'pv.admin'::text AS slug;
CREATE TEMP TABLE verification (valid boolean, code text);
CREATE TEMP TABLE key_details (key_id text);
INSERT INTO pg_temp.keys (id, api_id, hash) SELECT 'key_fake', 'api_fake', pg_catalog.sha256('fake');
INSERT INTO pg_temp.apis (id, name) VALUES ('api_fake', 'fake');
SET search_path = pg_temp, pv_hostile, pg_catalog, public;
SET datestyle = 'German, DMY';
SET intervalstyle = 'sql_standard';
SET timezone = 'Pacific/Kiritimati';
SET bytea_output = 'escape';
SET extra_float_digits = -15;
SET array_nulls = off;
SET transform_null_equals = on;
SET quote_all_identifiers = on;
SET row_security = off;
-- Verdicts stay what they were.
SELECT code, key_id OPERATOR(pg_catalog.=) :'key_id' AS same_id, permissions, credits FROM public.unkey_verify_key(:'key', 'pv.read');
SELECT code FROM public.unkey_verify_key(:'key', 'pv.admin');
SELECT code, key_id FROM public.unkey_verify_key('fake');
SELECT code FROM public.unkey_verify_key('nope');
-- So does everything else.
SELECT public.unkey_create_api('pv-hostile') AS new_api \gset
SELECT * FROM public.unkey_create_key(:'new_api', 'pv', 'hostile', external_id => 'pv.owner', meta => '{"a": 1}', permissions => '{pv.write}',
    expires => '2099-12-31 23:59:59.5+00', credits => 5, refill_amount => 9, refill_interval => 'daily', ip_allowlist => '{10.0.0.0/8}') \gset new_
SELECT name, meta, expires OPERATOR(pg_catalog.=) '2099-12-31 23:59:59.5+00' AS expires, credits, permissions, ip_allowlist, identity->>'externalId' AS owner FROM public.unkey_get_key(:'new_key_id');
SELECT public.unkey_update_key(:'new_key_id', '{"name": "changed", "expires": 1000, "permissions": ["pv.read"]}');
SELECT code, name, expires OPERATOR(pg_catalog.=) '1970-01-01 00:00:01+00' AS expires, permissions, credits FROM public.unkey_verify_key(:'new_key', ip => '10.0.0.1');
SELECT pg_catalog.count(*) FROM public.unkey_list_keys(:'new_api', 'pv.owner');
SELECT public.unkey_update_credits(:'new_key_id', 'increment', 5);
SELECT slug FROM public.unkey_list_permissions(search => 'PV.READ');
SELECT migrated->0->>'keyId' LIKE 'key%' AS imported FROM public.unkey_migrate_keys(:'new_api',
    pg_catalog.jsonb_build_array(pg_catalog.jsonb_build_object('hash', pg_catalog.encode(pg_catalog.sha256('pv_imported'), 'hex'), 'expires', 4102444800000)));
SELECT code, expires OPERATOR(pg_catalog.=) '2100-01-01 00:00:00+00' AS expires FROM public.unkey_verify_key('pv_imported');
SELECT public.unkey_set_override(public.unkey_create_namespace('pv.ns'), 'pv*', 5, '00:01:00') LIKE 'rlor%' AS override;
SELECT success, "limit", remaining FROM public.unkey_limit('pv.ns', 'pv.user', 1, '00:01:00', 2);
SELECT identifier, "limit" FROM public.unkey_list_overrides('pv.ns');
SELECT external_id FROM public.unkey_get_identity('pv.owner');
SELECT public.unkey_delete_api(:'new_api');
-- No trap was sprung.
SELECT DISTINCT as_role, what FROM pv_hostile.ran;
RESET ROLE;
RESET ALL;
DISCARD TEMP;
SET client_min_messages = warning;
DROP OWNED BY regress_unkey_nobody, regress_unkey_verifier, regress_unkey_hostile CASCADE;
DROP SCHEMA IF EXISTS pv_hostile CASCADE;
DROP ROLE regress_unkey_nobody, regress_unkey_verifier, regress_unkey_hostile;
