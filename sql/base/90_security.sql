-- Nothing is executable or readable by PUBLIC. Tables are born private; functions are not.

DO $$
DECLARE
    routine regprocedure;
BEGIN
    FOR routine IN
        SELECT member.objid::regprocedure
        FROM pg_catalog.pg_depend AS member
        JOIN pg_catalog.pg_extension AS extension ON extension.oid = member.refobjid AND extension.extname = 'unkey'
        WHERE member.refclassid = 'pg_catalog.pg_extension'::regclass
            AND member.classid = 'pg_catalog.pg_proc'::regclass AND member.deptype = 'e'
    LOOP
        EXECUTE format('REVOKE EXECUTE ON ROUTINE %s FROM PUBLIC', routine);
    END LOOP;
END
$$;
