-- What must hold for every object of the extension, read from the catalogues; contract.sql says what there is. One query for each rule, which
-- lists what breaks it; at the end a function, a table and a view that break them all are made members, and each query must find them.
CREATE TEMP TABLE rules (n serial, rule text, query text);
INSERT INTO rules (rule, query) VALUES
    ('nobody but the owner may do anything with it', $$
        SELECT format('%s: %s', object, item.*) FROM (
            SELECT description, proowner, coalesce(proacl, acldefault('f', proowner)) FROM members JOIN pg_proc ON classid = 'pg_proc'::regclass AND pg_proc.oid = objid
            UNION ALL SELECT description, relowner, relacl FROM members JOIN pg_class ON classid = 'pg_class'::regclass AND pg_class.oid = objid
            UNION ALL SELECT description, relowner, attacl FROM members JOIN pg_class ON classid = 'pg_class'::regclass AND pg_class.oid = objid JOIN pg_attribute ON attrelid = pg_class.oid
            UNION ALL SELECT description, nspowner, nspacl FROM members JOIN pg_namespace ON classid = 'pg_namespace'::regclass AND pg_namespace.oid = objid) AS objects (object, owner, acl), aclexplode(acl) AS item WHERE grantee <> owner$$),
    ('it belongs to the owner of the extension', $$
        SELECT description FROM members WHERE (classid, objid) IN (SELECT classid, objid FROM pg_shdepend WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND deptype = 'o')
        UNION ALL SELECT extname FROM pg_extension WHERE extname = 'unkey' AND NOT pg_has_role(extowner, 'postgres', 'USAGE')$$),
    ('it has a comment', $$SELECT description FROM members WHERE classid IN ('pg_proc'::regclass, 'pg_class'::regclass, 'pg_namespace'::regclass) AND obj_description(objid, classid::regclass::name) IS NULL AND description !~ '^(index|toast)'$$),
    ('a function whose body is looked up when it runs has its path pinned, and so has whoever runs as the owner', $$
        SELECT description FROM members JOIN pg_proc ON classid = 'pg_proc'::regclass AND pg_proc.oid = objid JOIN pg_language ON pg_language.oid = prolang
        WHERE (prosecdef OR lanname NOT IN ('c', 'internal') AND prosqlbody IS NULL) AND NOT coalesce('search_path=pg_catalog, pg_temp' = ANY (proconfig), false)$$),
    ('no other language, and C from this library alone', $$SELECT description FROM members JOIN pg_proc ON classid = 'pg_proc'::regclass AND pg_proc.oid = objid JOIN pg_language ON pg_language.oid = prolang WHERE lanname NOT IN ('c', 'sql', 'plpgsql') OR lanname = 'c' AND probin <> '$libdir/unkey'$$),
    ('none may be asked before a row is known to be somebody''s', $$SELECT description FROM members JOIN pg_proc ON classid = 'pg_proc'::regclass AND pg_proc.oid = objid WHERE proleakproof$$),
    ('what may write, or answers otherwise each time, is never asked by a parallel worker', $$
        SELECT description FROM members JOIN pg_proc ON classid = 'pg_proc'::regclass AND pg_proc.oid = objid WHERE provolatile = 'v' AND proparallel <> 'u' AND proname NOT IN ('new_id', 'now', 'support')$$),
    ('defaults, checks, indexes, triggers and generated columns call nothing but Postgres and the extension', $$
        SELECT pg_describe_object(needs.classid, needs.objid, needs.objsubid) FROM pg_depend AS needs JOIN pg_proc ON needs.refclassid = 'pg_proc'::regclass AND pg_proc.oid = needs.refobjid LEFT JOIN pg_constraint ON needs.classid = 'pg_constraint'::regclass AND pg_constraint.oid = needs.objid
            LEFT JOIN pg_attrdef ON needs.classid = 'pg_attrdef'::regclass AND pg_attrdef.oid = needs.objid LEFT JOIN pg_trigger ON needs.classid = 'pg_trigger'::regclass AND pg_trigger.oid = needs.objid
        WHERE coalesce(conrelid, adrelid, tgrelid, CASE needs.classid WHEN 'pg_class'::regclass THEN needs.objid END) IN (SELECT objid FROM members WHERE classid = 'pg_class'::regclass UNION ALL SELECT indexrelid FROM pg_index JOIN members ON indrelid = objid AND classid = 'pg_class'::regclass)
            AND pronamespace <> 'pg_catalog'::regnamespace AND pg_proc.oid NOT IN (SELECT objid FROM members WHERE classid = 'pg_proc'::regclass AND deptype = 'e')$$),
    ('no rules, policies or row security in the way, and no trigger that is off', $$
        SELECT format('rule on %s', ev_class::regclass) FROM pg_rewrite JOIN members ON classid = 'pg_class'::regclass AND ev_class = objid WHERE rulename <> '_RETURN'
        UNION ALL SELECT description FROM members JOIN pg_class ON classid = 'pg_class'::regclass AND pg_class.oid = objid WHERE relrowsecurity OR relforcerowsecurity
        UNION ALL SELECT format('trigger on %s', tgrelid::regclass) FROM pg_trigger JOIN members ON classid = 'pg_class'::regclass AND tgrelid = objid WHERE tgenabled NOT IN ('O', 'A')$$),
    ('a view that asks who reads it is a barrier', $$
        SELECT description FROM members JOIN pg_class ON classid = 'pg_class'::regclass AND pg_class.oid = objid WHERE relkind = 'v' AND pg_get_viewdef(objid) ~* '\m(current_user|session_user|current_role|pg_has_role|current_setting\(''role)' AND NOT coalesce('security_barrier=true' = ANY (reloptions), false)$$),
    ('a view of its own tables reads them as its owner, so that who may read it needs nothing else', $$SELECT description FROM members JOIN pg_class ON classid = 'pg_class'::regclass AND pg_class.oid = objid WHERE relkind = 'v' AND reloptions::text ~ 'security_invoker'$$);
CREATE TEMP VIEW members AS
SELECT classid, objid, deptype, pg_describe_object(classid, objid, 0) AS description
FROM pg_depend JOIN pg_extension AS extension ON extension.oid = refobjid AND extname = 'unkey' WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e';
CREATE FUNCTION pg_temp.broken_by(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$BEGIN RETURN QUERY EXECUTE query; END$$;
SELECT rule, offender FROM rules, pg_temp.broken_by(query) AS offender ORDER BY n, offender COLLATE "C";

SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_unkey_stranger;
CREATE ROLE regress_unkey_stranger SUPERUSER;
BEGIN;
SET LOCAL ROLE regress_unkey_stranger;
CREATE FUNCTION unkey.bad() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER LEAKPROOF PARALLEL SAFE AS 'BEGIN RETURN NULL; END';
CREATE FUNCTION unkey.worse(integer) RETURNS boolean LANGUAGE internal AS 'booleq';
CREATE FUNCTION public.foreign_check(text) RETURNS boolean LANGUAGE sql RETURN true;
CREATE TABLE unkey.bad (id text CHECK (public.foreign_check(id)));
ALTER TABLE unkey.bad ENABLE ROW LEVEL SECURITY;
CREATE TRIGGER bad AFTER INSERT ON unkey.bad FOR EACH ROW EXECUTE FUNCTION unkey.bad();
ALTER TABLE unkey.bad DISABLE TRIGGER bad;
CREATE VIEW unkey.mine AS SELECT id FROM unkey.bad WHERE id = current_user;
CREATE VIEW unkey.theirs WITH (security_invoker) AS SELECT id FROM unkey.bad;
GRANT SELECT (id) ON unkey.bad TO PUBLIC;
ALTER EXTENSION unkey ADD FUNCTION unkey.bad();
ALTER EXTENSION unkey ADD FUNCTION unkey.worse(integer);
ALTER EXTENSION unkey ADD TABLE unkey.bad;
ALTER EXTENSION unkey ADD VIEW unkey.mine;
ALTER EXTENSION unkey ADD VIEW unkey.theirs;
RESET ROLE;
SELECT rule, count(offender) > 0 AS found FROM rules LEFT JOIN LATERAL pg_temp.broken_by(query) AS offender ON true GROUP BY n, rule ORDER BY n;
ROLLBACK;
DROP ROLE regress_unkey_stranger;
RESET client_min_messages;

-- Every body finds its names without any path but Postgres' own: all are called so, and which have been is counted.
SELECT unkey_create_api('catalogue') AS api_id \gset
SELECT * FROM unkey_create_key(:'api_id', permissions => '{ca.p}', credits => 5, refill_amount => 5, refill_interval => 'daily') \gset
CREATE ROLE regress_unkey_callee;
SET track_functions = 'all';
SET search_path = public;
BEGIN;
DO $$
DECLARE
    body regprocedure;
BEGIN
    FOR body IN SELECT pg_proc.oid FROM pg_temp.members JOIN pg_proc ON classid = 'pg_proc'::regclass AND pg_proc.oid = objid JOIN pg_language ON pg_language.oid = prolang WHERE lanname IN ('sql', 'plpgsql') AND prosqlbody IS NULL LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = ''''', body);
    END LOOP;
END
$$;
INSERT INTO unkey.verification_queue (request_id, time, key_space_id, api_id, key_id, outcome) VALUES ('req_ca', unkey.now() - interval '100 days', 'ks_ca', 'api_ca', :'key_id', 'VALID'), ('req_ca', unkey.now(), 'ks_ca', 'api_ca', :'key_id', 'VALID');
INSERT INTO unkey.ratelimit_queue (request_id, namespace_id, identifier, passed, "limit", remaining, reset_at, tokens) VALUES ('req_ca', 'rlns_ca', 'ca', true, 1, 0, now(), 1);
SELECT (drained >= 3) AS drained FROM unkey.maintain();
SELECT (unkey.maintain()).partitions_dropped IS NOT NULL AS again;
SELECT unkey.summarize_event_partitions('today') >= 0 AS summarized, unkey.drop_event_partitions('2000-01-01') >= 0 AS dropped;
SELECT unkey_grant('regress_unkey_callee', 'manage'), unkey_revoke('regress_unkey_callee', 'manage');
UPDATE unkey.keys SET refill_day = 3, refill_amount = 7 WHERE id = :'key_id';
UPDATE unkey.credits SET remaining = 3 WHERE key_id = :'key_id';
UPDATE unkey.keys SET deleted_at = unkey.now() WHERE id = :'key_id';
DELETE FROM unkey.keys WHERE id = :'key_id';
SELECT valid IS NOT NULL AS verified FROM unkey_verify_audit_log();
DELETE FROM unkey.audit_log WHERE id = (SELECT max(id) FROM unkey.audit_log);
TRUNCATE unkey.ratelimit_overrides;
SELECT pg_proc.oid::regprocedure AS not_called FROM pg_temp.members JOIN pg_proc ON classid = 'pg_proc'::regclass AND pg_proc.oid = objid JOIN pg_language ON pg_language.oid = prolang
WHERE lanname IN ('sql', 'plpgsql') AND prosqlbody IS NULL AND pg_proc.oid NOT IN (SELECT funcid FROM pg_stat_xact_user_functions) ORDER BY pg_proc.oid::regprocedure::text COLLATE "C";
-- A name that is not qualified would have been found out.
SAVEPOINT weaker;
CREATE OR REPLACE FUNCTION unkey.forget_usage() RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS $$BEGIN DELETE FROM key_usage WHERE key_id = OLD.id; RETURN NULL; END$$;
INSERT INTO unkey.keys (id, api_id, hash) VALUES ('key_ca', :'api_id', sha256('ca'));
DELETE FROM unkey.keys WHERE id = 'key_ca';
ROLLBACK;
RESET search_path;
RESET track_functions;
DROP ROLE regress_unkey_callee;
