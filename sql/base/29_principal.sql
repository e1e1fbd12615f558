-- Who is authenticated: the key whose text was given last, kept in the memory of the backend.

CREATE FUNCTION @extschema@.unkey_authenticate(
    key text,
    permissions text DEFAULT NULL,
    cost bigint DEFAULT NULL,
    ratelimits jsonb DEFAULT NULL,
    tags text[] DEFAULT NULL,
    api_id text DEFAULT NULL,
    ip inet DEFAULT NULL,
    migration_id text DEFAULT NULL,
    session boolean DEFAULT false
) RETURNS unkey.verification
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT COST 10 SUPPORT unkey.support
    AS 'MODULE_PATHNAME', 'unkey_authenticate_key_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_authenticate(text, text, bigint, jsonb, text[], text, inet, text, boolean) IS
'Verifies a key as unkey_verify_key does, with the same arguments and answer, and if it is valid makes it the principal: unkey_key_id(), unkey_external_id(), unkey_can() and the others tell of it to policies, defaults and triggers. If it is not valid, nobody is authenticated afterwards. The principal is in no setting and can''t be forged by SQL; SET ROLE does not change it.
session: false (the default) keeps the verdict to the end of the transaction, whatever becomes of the key meanwhile; a ROLLBACK, also to a savepoint, brings back who was authenticated before. true keeps the principal for the session, until unkey_logout(), DISCARD ALL or RESET ALL: each transaction that asks looks the key up again, and one that is no longer valid (disabled, expired, deleted; limits and credits do not count) is nobody. Not for pools that share a session between clients, so it takes unkey.allow_session = on, which superusers set for a role or a database.
Errors: as unkey_verify_key, and 22004 if session is NULL, 55000 if it is true and not allowed.';

CREATE FUNCTION @extschema@.unkey_logout() RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE STRICT AS 'MODULE_PATHNAME', 'unkey_logout_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_logout() IS
'Ends what unkey_authenticate began, in the transaction and the session; afterwards nobody is authenticated. Undone if the transaction aborts. No errors.';

CREATE FUNCTION @extschema@.unkey_key_id() RETURNS text
    LANGUAGE c STABLE PARALLEL RESTRICTED STRICT AS 'MODULE_PATHNAME', 'unkey_key_id_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_key_id() IS
'Id of the key that is authenticated (unkey_authenticate); NULL if nobody is. In a policy, write (SELECT unkey_key_id()): it is then asked once and not for each row, and parallel workers may filter. No errors.';

CREATE FUNCTION @extschema@.unkey_external_id() RETURNS text
    LANGUAGE c STABLE PARALLEL RESTRICTED STRICT AS 'MODULE_PATHNAME', 'unkey_external_id_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_external_id() IS
'Your id of the owner of the key that is authenticated; NULL if nobody is, or the key has no identity. In a policy: USING (customer = (SELECT unkey_external_id())). No errors.';

CREATE FUNCTION @extschema@.unkey_identity_id() RETURNS text
    LANGUAGE c STABLE PARALLEL RESTRICTED STRICT AS 'MODULE_PATHNAME', 'unkey_identity_id_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_identity_id() IS
'Id of the identity of the key that is authenticated, as in unkey.identities; NULL if nobody is, or the key has none. No errors.';

CREATE FUNCTION @extschema@.unkey_meta() RETURNS jsonb
    LANGUAGE c STABLE PARALLEL RESTRICTED STRICT AS 'MODULE_PATHNAME', 'unkey_meta_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_meta() IS
'Meta of the key that is authenticated; NULL if nobody is, or it is empty. No errors.';

CREATE FUNCTION @extschema@.unkey_can(permissions text) RETURNS boolean
    LANGUAGE c STABLE PARALLEL RESTRICTED STRICT AS 'MODULE_PATHNAME', 'unkey_can_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_can(text) IS
'Whether the key that is authenticated has a permission, directly or through a role, or satisfies a query such as ''docs.read AND (team.a OR team.b)'', as in unkey_verify_key; false if nobody is authenticated, NULL for NULL. In a policy: USING ((SELECT unkey_can(''docs.read''))). Errors: 42601 syntax, 22023 not 1 to 1000 characters, both only while somebody is authenticated.';

CREATE FUNCTION @extschema@.unkey_has_role(role text) RETURNS boolean
    LANGUAGE c STABLE PARALLEL RESTRICTED STRICT AS 'MODULE_PATHNAME', 'unkey_has_role_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_has_role(text) IS
'Whether the key that is authenticated has the role of this name; false if nobody is authenticated, NULL for NULL. No errors.';
