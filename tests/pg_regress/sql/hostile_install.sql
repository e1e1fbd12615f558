-- CREATE EXTENSION, run by a superuser in a database where somebody else has been before: what she planted neither runs nor stays,
-- and nobody is let in by default privileges that say what the owner's new tables and functions are open to.
\set home :DBNAME
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_unkey_planter, regress_unkey_reader;
DROP DATABASE IF EXISTS regress_unkey_planted;
RESET client_min_messages;
CREATE ROLE regress_unkey_planter;
CREATE ROLE regress_unkey_reader;
CREATE DATABASE regress_unkey_planted;
\c regress_unkey_planted
GRANT CREATE ON SCHEMA public TO regress_unkey_planter;
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO regress_unkey_reader;
ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO regress_unkey_reader;
ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO regress_unkey_reader;

-- Functions and operators that fit arguments of the script better than those of Postgres, which take any.
SET ROLE regress_unkey_planter;
CREATE TABLE ran (as_role name, what text);
DO $do$
DECLARE
    types text;
    trap CONSTANT text := 'CREATE FUNCTION %s LANGUAGE plpgsql AS $$BEGIN INSERT INTO public.ran VALUES (current_user, %L); RETURN NULL; END$$';
BEGIN
    FOREACH types IN ARRAY ARRAY['text, text', 'text, text, text', 'text, text, text, text', 'text, name, text', 'text, text, regprocedure'] LOOP
        EXECUTE pg_catalog.format(trap, pg_catalog.format('format(%s) RETURNS text', types), 'format');
    END LOOP;
    EXECUTE pg_catalog.format(trap, 'pg_has_role(name, oid) RETURNS boolean', 'pg_has_role');
    EXECUTE pg_catalog.format(trap, 'to_char(date, text) RETURNS text', 'to_char');
    EXECUTE pg_catalog.format(trap, 'times(numeric, integer) RETURNS numeric', '*');
    EXECUTE pg_catalog.format(trap, 'same(name, text) RETURNS boolean', '=');
    EXECUTE pg_catalog.format(trap, 'matches(name, text) RETURNS boolean', '~');
    EXECUTE pg_catalog.format(trap, 'most(bigint, integer) RETURNS boolean', '>=');
END
$do$;
CREATE OPERATOR * (FUNCTION = times, LEFTARG = numeric, RIGHTARG = integer);
CREATE OPERATOR = (FUNCTION = same, LEFTARG = name, RIGHTARG = text);
CREATE OPERATOR ~ (FUNCTION = matches, LEFTARG = name, RIGHTARG = text);
CREATE OPERATOR >= (FUNCTION = most, LEFTARG = bigint, RIGHTARG = integer);
RESET ROLE;
-- They are what a script without a pinned path would run, and bind functions to.
CREATE FUNCTION weak_ms(at timestamptz) RETURNS numeric RETURN extract(epoch FROM at) * 1000;
DO $$
DECLARE
    name text := 'x';
BEGIN
    PERFORM format('%1$s', name, name), weak_ms(now());
END
$$;
SELECT as_role = current_user AS as_superuser, what FROM ran ORDER BY what;
DROP FUNCTION weak_ms;
TRUNCATE ran;

CREATE EXTENSION unkey;
SELECT unkey.to_ms('epoch'), unkey.is_id('abc'), unkey.is_meta('{}');
SELECT unkey_create_api('planted') AS api_id \gset
SELECT code FROM unkey_create_key(:'api_id') AS made, unkey_verify_key(made.key);
SELECT partitions_made FROM unkey.maintain();
SELECT as_role, what FROM ran;
-- What is stored depends on nothing but Postgres and itself.
SELECT pg_describe_object(depending.classid, depending.objid, 0) AS depends, pg_describe_object(depending.refclassid, depending.refobjid, 0) AS "on"
FROM pg_depend AS depending JOIN pg_depend AS member ON member.classid = depending.classid AND member.objid = depending.objid AND member.deptype = 'e'
    LEFT JOIN pg_proc ON depending.refclassid = 'pg_proc'::regclass AND pg_proc.oid = depending.refobjid LEFT JOIN pg_operator ON depending.refclassid = 'pg_operator'::regclass AND pg_operator.oid = depending.refobjid
WHERE pg_get_userbyid(coalesce(proowner, oprowner)) = 'regress_unkey_planter';

-- Default privileges opened nothing, partitions included; the control shows that they do open.
CREATE SCHEMA ordinary;
CREATE TABLE ordinary.kept ();
CREATE FUNCTION ordinary.called() RETURNS integer RETURN 1;
SELECT has_schema_privilege(role, 'ordinary', 'USAGE') AS schema, has_table_privilege(role, 'ordinary.kept', 'SELECT') AS "table", has_function_privilege(role, 'ordinary.called()', 'EXECUTE') AS function
FROM (SELECT 'regress_unkey_reader') AS reader(role);
SELECT has_schema_privilege(role, 'unkey', 'USAGE, CREATE') AS schema,
    (SELECT count(*) FROM pg_class WHERE relnamespace = 'unkey'::regnamespace AND relkind IN ('r', 'p', 'v') AND (has_table_privilege(role, oid, 'SELECT') OR has_any_column_privilege(role, oid, 'SELECT'))) AS tables,
    (SELECT count(*) FROM pg_proc JOIN pg_depend ON objid = pg_proc.oid AND classid = 'pg_proc'::regclass AND deptype = 'e' JOIN pg_extension ON pg_extension.oid = refobjid AND extname = 'unkey' WHERE has_function_privilege(role, pg_proc.oid, 'EXECUTE')) AS functions,
    (SELECT count(*) FROM unkey.event_partitions) AS partitions
FROM (SELECT 'regress_unkey_reader') AS reader(role);

-- What nothing here can prevent: who may create functions in the schema of the extension can make one that is called in place of
-- it, for arguments of another type; and no call goes through for the same.
SET ROLE regress_unkey_planter;
CREATE FUNCTION unkey_verify_key(key varchar) RETURNS TABLE (valid boolean) LANGUAGE sql AS 'SELECT true';
CREATE FUNCTION unkey_whoami(key text, other integer DEFAULT 0) RETURNS integer LANGUAGE sql AS 'SELECT 0';
RESET ROLE;
SELECT valid AS hers FROM unkey_verify_key('nope'::varchar);
SELECT valid AS ours FROM unkey_verify_key('nope'), unkey_verify_key('nope'::text) AS typed(typed);
SELECT unkey_whoami('nope'::text);
DROP EXTENSION unkey;
DROP FUNCTION unkey_verify_key, unkey_whoami;
-- So the extension warns where everybody may.
GRANT CREATE ON SCHEMA public TO PUBLIC;
CREATE EXTENSION unkey;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
-- A schema called unkey that is there already is not taken over.
DROP EXTENSION unkey;
CREATE SCHEMA unkey AUTHORIZATION regress_unkey_planter;
\set SHOW_CONTEXT never
CREATE EXTENSION unkey;

\c :home
DROP DATABASE regress_unkey_planted;
DROP ROLE regress_unkey_planter, regress_unkey_reader;
