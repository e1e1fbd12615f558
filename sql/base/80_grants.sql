-- Who may do what: privileges handed to database roles.

CREATE FUNCTION unkey.privileges(privilege text) RETURNS SETOF text
    LANGUAGE sql STABLE PARALLEL SAFE CALLED ON NULL INPUT SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    WITH members AS (
        SELECT member.classid, member.objid
        FROM pg_catalog.pg_depend AS member
        JOIN pg_catalog.pg_extension AS extension ON extension.oid = member.refobjid AND extension.extname = 'unkey'
        WHERE member.refclassid = 'pg_catalog.pg_extension'::regclass AND member.deptype = 'e'
    ), functions AS (
        SELECT routine.oid, routine.proname AS name, routine.pronamespace = 'unkey'::regnamespace AS internal,
            routine.proname IN ('unkey_key_id', 'unkey_external_id', 'unkey_identity_id', 'unkey_meta', 'unkey_can', 'unkey_has_role', 'unkey_logout') AS principal
        FROM members
        JOIN pg_catalog.pg_proc AS routine ON routine.oid = members.objid
        WHERE members.classid = 'pg_catalog.pg_proc'::regclass AND routine.prorettype <> 'trigger'::regtype
    ), relations AS (
        SELECT relation.oid, relation.relname AS name, relation.relkind AS kind
        FROM members
        JOIN pg_catalog.pg_class AS relation ON relation.oid = members.objid
        WHERE members.classid = 'pg_catalog.pg_class'::regclass AND relation.relkind IN ('r', 'p', 'v')
            AND relation.relname NOT IN ('secrets', 'encryption_keys', 'encrypted_keys', 'requests')
    )
    SELECT format('EXECUTE ON FUNCTION %s', oid::regprocedure)
    FROM functions
    WHERE CASE privilege
        WHEN 'verify' THEN principal OR name IN ('unkey_verify_key', 'unkey_verify_keys', 'unkey_authenticate', 'unkey_authenticate_request',
            'unkey_pre_request', 'unkey_begin_request', 'unkey_finish_request')
        WHEN 'principal' THEN principal
        WHEN 'limit' THEN name IN ('unkey_limit', 'unkey_multi_limit')
        WHEN 'api' THEN name IN ('unkey_api', 'unkey_api_verify_keys', 'unkey_api_operations', 'figures')
        WHEN 'read' THEN name ~ '^unkey_(get|list)_' OR name IN ('unkey_whoami', 'unkey_explain', 'unkey_scan', 'unkey_scanner_rules', 'unkey_verify_audit_log', 'figures')
        WHEN 'manage' THEN name NOT IN ('unkey_grant', 'unkey_revoke')
            AND (NOT internal OR name IN ('new_id', 'now', 'to_ms', 'from_ms', 'maintain', 'figures') OR name ~ '^is_')
    END
    UNION ALL
    SELECT 'USAGE ON SCHEMA unkey' WHERE privilege IN ('verify', 'api', 'read', 'manage')
    UNION ALL
    SELECT format('SELECT ON TABLE unkey.%I', name) FROM relations WHERE privilege = 'verify' AND name ~ '^own_' OR privilege = 'api' AND name = 'metrics'
    UNION ALL
    SELECT format('SELECT (%s) ON TABLE unkey.%I', string_agg(quote_ident(field.attname), ', ' ORDER BY field.attnum), name)
    FROM relations
    JOIN pg_catalog.pg_attribute AS field ON field.attrelid = relations.oid AND field.attnum > 0 AND NOT field.attisdropped
    WHERE privilege IN ('read', 'manage') AND field.attname <> 'hash'
    GROUP BY relations.oid, name
    UNION ALL
    SELECT format('INSERT, UPDATE, DELETE ON TABLE unkey.%I', name)
    FROM relations
    WHERE privilege = 'manage' AND name IN ('apis', 'identities', 'permissions', 'roles', 'role_permissions', 'migrations',
        'keys', 'key_permissions', 'key_roles', 'credits', 'root_keys', 'ratelimit_namespaces', 'ratelimit_overrides');
END;
COMMENT ON FUNCTION unkey.privileges(text) IS
'What a privilege of unkey_grant consists of, as the middle of a GRANT statement. An unknown word or NULL gives nothing.';

CREATE FUNCTION unkey.change_privilege(statement text, role name, privilege text) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    grantable text;
BEGIN
    IF role IS NULL OR privilege IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22004', DETAIL = 'unkey/application/invalid_input',
            MESSAGE = format('%s must not be null', CASE WHEN role IS NULL THEN 'role' ELSE 'privilege' END),
            HINT = 'Such as unkey_grant(''app'', ''verify'').';
    END IF;
    IF privilege NOT IN ('verify', 'principal', 'limit', 'api', 'read', 'manage') THEN
        RAISE EXCEPTION USING ERRCODE = '22023', DETAIL = 'unkey/application/invalid_input',
            MESSAGE = format('privilege must be verify, principal, limit, api, read or manage, not %L', left(privilege, 64)),
            HINT = 'The comment of unkey_grant says what each is for.';
    END IF;
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = role) THEN
        RAISE EXCEPTION USING ERRCODE = '42704', DETAIL = 'unkey/application/invalid_input',
            MESSAGE = format('role %L does not exist', role), HINT = 'CREATE ROLE makes one; PUBLIC is never granted anything.';
    END IF;
    FOR grantable IN SELECT unkey.privileges(privilege) LOOP
        EXECUTE format(statement, grantable, role);
    END LOOP;
END
$$;
COMMENT ON FUNCTION unkey.change_privilege(text, name, text) IS
'Runs GRANT or REVOKE for every part of a privilege. Errors: 22004 a NULL, 22023 unknown privilege, 42704 unknown role.';

CREATE FUNCTION @extschema@.unkey_grant(role name, privilege text) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM unkey.change_privilege('GRANT %s TO %I', role, privilege);
END
$$;
COMMENT ON FUNCTION @extschema@.unkey_grant(name, text) IS
'Gives a role a privilege, with plain GRANT statements on the functions and tables of the extension. verify: unkey_verify_key, unkey_verify_keys, unkey_authenticate, unkey_authenticate_request, unkey_pre_request, unkey_begin_request, unkey_finish_request and the view of its own usage, nothing else. principal, which verify includes: unkey_key_id, unkey_external_id and the other functions that tell who is authenticated, for roles that policies apply to. limit: unkey_limit and unkey_multi_limit. api: unkey_api, unkey_api_verify_keys and the view unkey.metrics, for a server whose clients bring root keys. read: every unkey_get_… and unkey_list_… function, unkey_whoami, unkey_explain, unkey_scan, unkey_scanner_rules, and SELECT on tables and views without hashes, secrets, encrypted texts or answers of requests. manage: everything but handing out privileges, and changes of the tables by hand. PUBLIC never gets any. Only the owner of the extension may call it.
Errors: 22004 a NULL, 22023 unknown privilege, 42704 unknown role.';

CREATE FUNCTION @extschema@.unkey_revoke(role name, privilege text) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM unkey.change_privilege('REVOKE %s FROM %I', role, privilege);
END
$$;
COMMENT ON FUNCTION @extschema@.unkey_revoke(name, text) IS
'Takes from a role all that the privilege consists of, also where another privilege gave it: grant that one again. Errors: as unkey_grant.';
