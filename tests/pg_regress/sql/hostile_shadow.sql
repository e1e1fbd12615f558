-- A session in which whatever a name could find first is a trap: functions, operators, aggregates, types, casts, collations, tables and
-- views, in a schema of the attacker's that stands before pg_catalog, and among her temporary objects. All of the extension is called,
-- and no trap is sprung. What the attacker may set of it is in hostile_settings.
SELECT unkey_create_api('shadow') AS api_id \gset
SELECT * FROM unkey_create_key(:'api_id', external_id => 'sh.owner', permissions => '{sh.read}', credits => 100, expires => '2099-01-01 00:00+00',
    ratelimits => '[{"name": "rl", "limit": 100, "duration": 60000, "autoApply": true}]') \gset
SELECT tests.root() \gset
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_unkey_shadow;
RESET client_min_messages;
CREATE ROLE regress_unkey_shadow;
SELECT unkey_grant('regress_unkey_shadow', 'manage');
GRANT USAGE ON SCHEMA tests TO regress_unkey_shadow;
CREATE SCHEMA shadow AUTHORIZATION regress_unkey_shadow;
CREATE TABLE shadow.sprung (as_role name, what text);
ALTER TABLE shadow.sprung OWNER TO regress_unkey_shadow;
-- Careless as no function of the extension may be: the control.
CREATE FUNCTION tests.careless() RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    plain pg_catalog.text := 'X';
BEGIN
    RETURN lower(plain) = plain OR EXISTS (SELECT FROM pg_roles WHERE rolname = 'postgres');
END
$$;
GRANT EXECUTE ON FUNCTION tests.careless TO regress_unkey_shadow;
SELECT tests.at('2030-01-01 00:00+00');

-- What the session calls, each with what it answers without a trap.
CREATE TEMP TABLE calls (n serial, statement text, answer text);
INSERT INTO calls (statement) SELECT replace(replace(replace(replace(statement, ':api', quote_literal(:'api_id')), ':key_id', quote_literal(:'key_id')), ':key', quote_literal(:'key')), ':root', quote_literal(current_setting('tests.authorization')))
FROM unnest(ARRAY[
    'SELECT code, credits, permissions FROM public.unkey_verify_key(:key, ''sh.read'', 2, ''[{"name": "rl", "cost": 3}]'', ''{a}'', :api, ''10.0.0.1'')', 'SELECT code FROM public.unkey_verify_key(:key, ''sh.admin'')',
    'SELECT (v).code FROM (SELECT public.unkey_verify_key(:key) AS v OFFSET 0) AS called', 'SELECT pg_catalog.array_agg(code) FROM public.unkey_verify_keys(ARRAY[:key, ''nope''])', 'SELECT code FROM public.unkey_verify_key(''fake'')',
    'SELECT code, public.unkey_key_id(), public.unkey_external_id(), public.unkey_meta(), public.unkey_can(''sh.read''), public.unkey_has_role(''x'') FROM public.unkey_authenticate(:key)', 'SELECT expires, credits FROM public.unkey_whoami(:key)', 'SELECT permissions, credits FROM public.unkey_get_key(:key_id)', 'SELECT pg_catalog.count(*) FROM public.unkey_list_keys(:api, ''sh.owner'')', 'SELECT external_id FROM public.unkey_get_identity(''sh.owner'')',
    'SELECT slug FROM public.unkey_list_permissions(search => ''SH.READ'')', 'SELECT public.unkey_update_key(:key_id, ''{"name": "n", "expires": 4102444800000, "permissions": ["sh.read", "sh.new"], "externalId": "sh.other", "credits": {"remaining": 9, "refill": {"interval": "daily", "amount": 9}}}'')',
    'SELECT public.unkey_update_credits(:key_id, ''increment'', 5)', 'SELECT pg_catalog.length(public.unkey_create_role(''sh.role'', permissions => ''{sh.more}'')) OPERATOR(pg_catalog.>) 5', 'SELECT public.unkey_set_roles(:key_id, ''{}'')', 'SELECT public.unkey_add_permissions(:key_id, ''{sh.x}'')',
    'SELECT code FROM public.unkey_reroll_key(:key_id, ''1 hour'') AS new, public.unkey_verify_key(new.key)', 'SELECT public.unkey_delete_key(:key_id)', 'SELECT public.unkey_delete_key(:key_id, true)', 'SELECT public.unkey_update_api(:api, ''{"ipWhitelist": ["10.0.0.0/8"]}'')', 'SELECT public.unkey_delete_api(:api)',
    'SELECT pg_catalog.length(public.unkey_create_api(''shadow-2'')) OPERATOR(pg_catalog.>) 5', 'SELECT code FROM public.unkey_create_key(:api, external_id => ''sh.2'') AS made, public.unkey_verify_key(made.key)', 'SELECT public.unkey_delete_identity(''sh.owner'')',
    'SELECT success, remaining FROM public.unkey_limit(''sh.ns'', ''i'', 5, ''00:01:00'', 2)', 'SELECT passed FROM public.unkey_multi_limit(''[{"namespace": "sh.ns", "identifier": "i", "limit": 5, "duration": 60000}]'')', 'SELECT pg_catalog.length(public.unkey_set_override(public.unkey_create_namespace(''sh.ns2''), ''sh*'', 5, ''00:01:00''))',
    'SELECT pg_catalog.jsonb_array_length(migrated) FROM public.unkey_migrate_keys(:api, pg_catalog.jsonb_build_array(pg_catalog.jsonb_build_object(''hash'', pg_catalog.repeat(''0'', 64), ''expires'', 4102444800000)))',
    'SELECT pg_catalog.length(made.key) OPERATOR(pg_catalog.>) 5 FROM public.unkey_create_root_key(''sh'', ''{api.*.read_key}'') AS made', 'SELECT enabled FROM public.unkey_get_workspace()', 'SELECT public.unkey_update_workspace(''{"ratelimit": {"limit": 5, "duration": 60000}}'')', 'SELECT rows FROM public.unkey_get_verifications(''SELECT count(*) AS n FROM key_verifications_v1 WHERE key_id = ''''key_x'''''') AS rows',
    'SELECT valid FROM public.unkey_verify_audit_log()', 'SELECT unkey.maintain() IS NOT NULL', 'SELECT status FROM public.unkey_api(''keys.verifyKey'', :root, pg_catalog.format(''{"key": "%s"}'', :key))', 'SELECT status FROM public.unkey_api(''keys.updateKey'', :root, pg_catalog.format(''{"keyId": "%s", "name": "v2", "meta": {"a": 1}}'', :key_id))',
    'SELECT status FROM public.unkey_api(''apis.listKeys'', :root, pg_catalog.format(''{"apiId": "%s"}'', :api))', 'SELECT status FROM public.unkey_api(''analytics.getVerifications'', :root, ''{"query": "SELECT count(*) AS n FROM key_verifications_v1"}'')', 'SELECT status FROM public.unkey_api_verify_keys(ARRAY[:root], ARRAY[pg_catalog.format(''{"key": "%s"}'', :key)], NULL, NULL, NULL)',
    'UPDATE unkey.keys SET name = ''by hand'' WHERE id OPERATOR(pg_catalog.=) :key_id RETURNING name', 'INSERT INTO unkey.permissions (slug, name) VALUES (''sh.hand'', ''by hand'') RETURNING slug', 'UPDATE unkey.credits SET remaining = 3 WHERE key_id OPERATOR(pg_catalog.=) :key_id RETURNING remaining', 'DELETE FROM unkey.keys WHERE id OPERATOR(pg_catalog.=) :key_id RETURNING id',
    'SELECT pg_catalog.count(*) OPERATOR(pg_catalog.>) 20 FROM unkey.metrics', 'SELECT pg_catalog.count(*) OPERATOR(pg_catalog.>=) 0 FROM unkey.own_key_verifications_per_hour_v1']) AS statement;
GRANT SELECT, UPDATE ON calls TO regress_unkey_shadow;
-- Everything in it is qualified. What a statement did is undone.
CREATE FUNCTION pg_temp.answer(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer text;
BEGIN
    EXECUTE pg_catalog.format('WITH called AS (%s) SELECT pg_catalog.to_json(called) FROM called', statement) INTO answer;
    RAISE 'undone' USING ERRCODE = '00001', DETAIL = COALESCE(answer, 'nothing');
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS answer = PG_EXCEPTION_DETAIL;
    RETURN pg_catalog.concat(SQLSTATE, ' ', SQLERRM, ' ', answer);
END
$$;
SET ROLE regress_unkey_shadow;
UPDATE calls SET answer = pg_temp.answer(statement);
SELECT left(regexp_replace(statement, 'public\.|pg_catalog\.', '', 'g'), 50) AS failed, answer FROM calls WHERE answer NOT LIKE '00001 undone %' ORDER BY n;
SELECT count(*) AS calls, count(DISTINCT answer) > 20 AS different FROM calls;

-- The traps. A function and an operator for all that Postgres has for these types; "any" is a text, or several.
CREATE FUNCTION shadow.set_trap(what text, signature text, result text) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    EXECUTE format('CREATE FUNCTION shadow.%s RETURNS %s LANGUAGE plpgsql AS %L', signature, result,
        format('BEGIN INSERT INTO shadow.sprung VALUES (CURRENT_USER, %L); RETURN%s; END', what, CASE WHEN result LIKE 'SETOF%' THEN '' WHEN result = 'boolean' THEN ' true' ELSE ' NULL' END));
END
$$;
CREATE TEMP TABLE types AS SELECT unnest(ARRAY['text', 'name', 'bytea', 'bigint', 'integer', 'smallint', 'boolean', 'timestamptz', 'timestamp', 'date', 'interval', 'jsonb', 'json', 'numeric', 'float8', 'oid', 'text[]', 'inet', 'cidr', 'cidr[]', 'uuid', 'tid', 'regclass', 'name[]', '"char"']::regtype[]) AS type;
WITH functions AS (
    SELECT proname, proretset, prorettype, ARRAY(SELECT CASE WHEN type IN ('"any"'::regtype, 'anyelement'::regtype, 'anycompatible'::regtype) THEN 'text'::regtype WHEN type IN ('anyarray'::regtype, 'anycompatiblearray'::regtype) THEN 'text[]'::regtype
        ELSE type::regtype END FROM unnest(proargtypes) WITH ORDINALITY AS a(type, n) ORDER BY n) AS arguments, CASE WHEN provariadic <> 0 THEN 3 ELSE 0 END AS more
    FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace AND prokind IN ('f', 'a') AND proname !~ '^(RI_|pg_stat_get|_|int[248]|float|numeric_|interval_|date_[a-z]{2}$|timestamp|text_|name|byte|uuid_|inet_|jsonb_[a-z]{2}$|box|circle|poly|path_|ts|bool)'
), signatures AS (
    SELECT DISTINCT ON (proname, all_arguments) proname, all_arguments, CASE WHEN proretset THEN 'SETOF ' ELSE '' END || CASE WHEN prorettype IN (SELECT type FROM types) THEN prorettype::regtype::text ELSE 'text' END AS result
    FROM functions, generate_series(0, more) AS extra, LATERAL (SELECT array_to_string(arguments || array_fill('text'::regtype, ARRAY[extra]), ', ') AS all_arguments) AS signature
    WHERE arguments <@ ARRAY(SELECT type FROM types) ORDER BY proname, all_arguments, proretset
)
SELECT count(shadow.set_trap(proname, format('%I(%s)', proname, all_arguments), result)) > 1000 AS functions FROM signatures;
DO $do$
DECLARE
    shadowed record;
BEGIN
    FOR shadowed IN SELECT row_number() OVER () AS n, oprname, oprleft::regtype, oprright::regtype, oprresult::regtype FROM pg_operator
        WHERE oprnamespace = 'pg_catalog'::regnamespace AND oprleft IN (SELECT type FROM types) AND oprright IN (SELECT type FROM types) AND oprresult IN (SELECT type FROM types)
    LOOP
        PERFORM shadow.set_trap(shadowed.oprname, format('operator_%s(%s, %s)', shadowed.n, shadowed.oprleft, shadowed.oprright), shadowed.oprresult::text);
        EXECUTE format('CREATE OPERATOR shadow.%s (FUNCTION = shadow.operator_%s, LEFTARG = %s, RIGHTARG = %s)', shadowed.oprname, shadowed.n, shadowed.oprleft, shadowed.oprright);
    END LOOP;
    -- Relations, types and collations of every name that the extension or Postgres has.
    FOR shadowed IN SELECT DISTINCT place, relname FROM pg_class, unnest(ARRAY['shadow', 'pg_temp']) AS place
        WHERE relnamespace IN ('unkey'::regnamespace, 'pg_catalog'::regnamespace) AND relkind IN ('r', 'p', 'v', 'c') AND NOT relispartition AND relname NOT IN ('calls', 'types') LOOP
        EXECUTE format('CREATE TABLE %s.%I (id text, key_id text, hash bytea, oid oid, rolname name, name text)', shadowed.place, shadowed.relname);
        EXECUTE format('INSERT INTO %s.%I VALUES (''key_fake'', ''key_fake'', sha256(''fake''), 1, ''postgres'', ''fake'')', shadowed.place, shadowed.relname);
    END LOOP;
    FOR shadowed IN SELECT place, typname FROM pg_catalog.pg_type, unnest(ARRAY['shadow', 'pg_temp']) AS place WHERE oid IN (SELECT type FROM types) AND typname !~ '^_' LOOP
        EXECUTE format('CREATE DOMAIN %s.%I AS varchar CHECK (false)', shadowed.place, shadowed.typname);
    END LOOP;
END
$do$;
CREATE COLLATION shadow."C" FROM "POSIX";
CREATE COLLATION shadow."default" FROM "POSIX";

SET search_path = pg_temp, shadow, pg_catalog, public;
SELECT tests.careless() IS NOT NULL AS careless;
SELECT DISTINCT as_role OPERATOR(pg_catalog.<>) 'regress_unkey_shadow'::pg_catalog.name AS as_owner, what FROM shadow.sprung ORDER BY 2;
TRUNCATE shadow.sprung;
SELECT pg_catalog.left(statement, 100) AS shadowed, answer, pg_temp.answer(statement) FROM calls WHERE answer IS NOT NULL AND answer OPERATOR(pg_catalog.<>) pg_temp.answer(statement);
SELECT DISTINCT as_role, what FROM shadow.sprung;

-- What she gives as an argument runs as herself: a cast of her own type, a domain's check, a function.
DISCARD TEMP;
RESET search_path;
CREATE FUNCTION shadow.whoever() RETURNS text LANGUAGE sql VOLATILE AS $$INSERT INTO shadow.sprung VALUES (current_user, 'argument') RETURNING 'nope'$$;
CREATE TYPE shadow.word AS (word text);
CREATE FUNCTION shadow.as_text(shadow.word) RETURNS text LANGUAGE sql VOLATILE AS $$INSERT INTO shadow.sprung VALUES (current_user, 'cast') RETURNING 'nope'$$;
CREATE CAST (shadow.word AS text) WITH FUNCTION shadow.as_text AS IMPLICIT;
CREATE FUNCTION shadow.checks(text) RETURNS boolean LANGUAGE sql VOLATILE AS $$INSERT INTO shadow.sprung VALUES (current_user, 'domain') RETURNING true$$;
CREATE DOMAIN shadow.checked AS text CHECK (shadow.checks(VALUE));
SELECT code FROM unkey_verify_key(shadow.whoever()) UNION ALL SELECT code FROM unkey_verify_key(ROW('x')::shadow.word) UNION ALL SELECT code FROM unkey_verify_key('x'::shadow.checked);
SELECT state FROM tests.error('SELECT unkey_get_key(shadow.whoever())') UNION ALL SELECT state FROM tests.error($$SELECT unkey_get_key(ROW('x')::shadow.word)$$) UNION ALL SELECT state FROM tests.error($$SELECT unkey_get_key('x'::shadow.checked)$$);
SELECT as_role, what, count(*) FROM shadow.sprung GROUP BY 1, 2 ORDER BY what;

RESET ROLE;
SET client_min_messages = warning;
DROP FUNCTION tests.careless;
DROP OWNED BY regress_unkey_shadow CASCADE;
DROP SCHEMA IF EXISTS shadow CASCADE;
DROP ROLE regress_unkey_shadow;
