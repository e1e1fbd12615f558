-- Nobody but the owner may do anything with what is made here: not PUBLIC, to whom new functions are open, and not those to
-- whom default privileges of the owner (ALTER DEFAULT PRIVILEGES) open whatever is new. unkey_grant hands out.

DO $$
DECLARE
    stranger record;
BEGIN
    FOR stranger IN
        SELECT DISTINCT kind, name, CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END AS role
        FROM pg_depend AS member
        JOIN pg_extension AS extension ON extension.oid = member.refobjid AND extension.extname = 'unkey'
        CROSS JOIN LATERAL (
            SELECT 'ROUTINE', oid::regprocedure::text, proowner, coalesce(proacl, acldefault('f', proowner))
            FROM pg_proc WHERE oid = member.objid AND member.classid = 'pg_proc'::regclass
            UNION ALL
            SELECT 'TABLE', oid::regclass::text, relowner, relacl
            FROM pg_class WHERE oid = member.objid AND member.classid = 'pg_class'::regclass AND relkind IN ('r', 'p', 'v')
            UNION ALL
            SELECT 'SCHEMA', oid::regnamespace::text, nspowner, nspacl
            FROM pg_namespace WHERE oid = member.objid AND member.classid = 'pg_namespace'::regclass
        ) AS object (kind, name, owner, privileges), aclexplode(privileges)
        WHERE member.refclassid = 'pg_extension'::regclass AND member.deptype = 'e' AND grantee <> owner
    LOOP
        EXECUTE format('REVOKE ALL ON %s %s FROM %s', stranger.kind, stranger.name, stranger.role);
    END LOOP;
END
$$;

-- What no pinned path can help against: a call that leaves arguments to their defaults finds a function of the same name that
-- has just those arguments.
DO $$
DECLARE
    home oid := (SELECT extnamespace FROM pg_extension WHERE extname = 'unkey');
BEGIN
    IF has_schema_privilege('public', home, 'CREATE') THEN
        RAISE WARNING 'every role may put functions in place of those of unkey into schema %', home::regnamespace
            USING HINT = format('REVOKE CREATE ON SCHEMA %s FROM PUBLIC, or CREATE EXTENSION unkey SCHEMA with another one.', home::regnamespace);
    END IF;
END
$$;
