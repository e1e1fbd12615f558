-- Every operation with every kind of caller: nobody, a stranger, and root keys with too few, other and exactly the right permissions.
SELECT tests.at('2026-03-10 12:00:00+00');
\pset null '-'
-- What the samples are about. Each is there for every call, because each call is rolled back.
CREATE TEMP TABLE fixtures AS SELECT unkey_create_api('va.api') AS api, unkey_create_api('va.elsewhere') AS elsewhere;
ALTER TABLE fixtures ADD key text, ADD text text, ADD root text, ADD namespace text DEFAULT unkey_create_namespace('va.namespace'), ADD other_namespace text DEFAULT unkey_create_namespace('va.other');
UPDATE fixtures SET key = made.key_id, text = made.key FROM unkey_create_key((SELECT api FROM fixtures), permissions => '{va.held}', external_id => 'va.owner', credits => 5) AS made;
UPDATE fixtures SET root = made.key_id FROM unkey_create_root_key('va.root', '{api.*.read_api}') AS made;
SELECT count(unkey_create_role('va.role', permissions => '{va.held}')) AS roles, count(unkey_create_permission('va.free')) AS permissions, count(unkey_set_override('va.namespace', 'va.vip', 5, '1 minute')) AS overrides;

-- Every permission there is.
SELECT key_id AS all_id FROM unkey_create_root_key(permissions => '{*}') \gset
CREATE TEMP TABLE permissions AS SELECT unnest(permissions) AS permission FROM unkey_get_root_key(:'all_id');
SELECT count(*) > 30 AS permissions FROM permissions;

-- A call of each operation and what it needs; <name> stands for a column of fixtures.
CREATE TEMP TABLE samples (operation text, body text, needs text[]);
INSERT INTO samples VALUES
    ('keys.verifyKey', '{"key": "<text>"}', '{api.<api>.verify_key}'),
    ('keys.createKey', '{"apiId": "<api>", "externalId": "va.new", "permissions": ["va.new"], "roles": ["va.role"]}', '{api.<api>.create_key}'),
    ('keys.getKey', '{"keyId": "<key>"}', '{api.<api>.read_key}'),
    ('keys.getKey', '{"keyId": "<key>", "decrypt": true}', '{api.<api>.read_key,api.<api>.decrypt_key}'),
    ('keys.whoami', '{"key": "<text>"}', '{api.<api>.read_key}'),
    ('keys.updateKey', '{"keyId": "<key>", "name": "va.name", "permissions": ["va.new"]}', '{api.<api>.update_key}'),
    ('keys.deleteKey', '{"keyId": "<key>"}', '{api.<api>.delete_key}'),
    ('keys.rerollKey', '{"keyId": "<key>", "expiration": 0}', '{api.<api>.create_key}'),
    ('keys.updateCredits', '{"keyId": "<key>", "operation": "set", "value": 7}', '{api.<api>.update_key}'),
    ('keys.addPermissions', '{"keyId": "<key>", "permissions": ["va.free"]}', '{api.<api>.update_key,rbac.*.add_permission_to_key}'),
    ('keys.addPermissions', '{"keyId": "<key>", "permissions": ["va.new"]}', '{api.<api>.update_key,rbac.*.add_permission_to_key,rbac.*.create_permission}'),
    ('keys.removePermissions', '{"keyId": "<key>", "permissions": ["va.held"]}', '{api.<api>.update_key,rbac.*.remove_permission_from_key}'),
    ('keys.setPermissions', '{"keyId": "<key>", "permissions": ["va.free"]}', '{api.<api>.update_key}'),
    ('keys.setPermissions', '{"keyId": "<key>", "permissions": ["va.new"]}', '{api.<api>.update_key,rbac.*.create_permission}'),
    ('keys.addRoles', '{"keyId": "<key>", "roles": ["va.role"]}', '{api.<api>.update_key,rbac.*.add_role_to_key}'),
    ('keys.removeRoles', '{"keyId": "<key>", "roles": ["va.role"]}', '{api.<api>.update_key}'),
    ('keys.setRoles', '{"keyId": "<key>", "roles": ["va.role"]}', '{api.<api>.update_key}'),
    ('keys.migrateKeys', '{"migrationId": "va.migration", "apiId": "<api>", "keys": [{"hash": "LXEWQrcmsEQBYnyp+6wy9chTD7GQPMTbAiWHF5IaSIE="}]}', '{api.<api>.create_key}'),
    ('apis.createApi', '{"name": "va.new"}', '{api.*.create_api}'),
    ('apis.getApi', '{"apiId": "<api>"}', '{api.<api>.read_api}'),
    ('apis.listApis', '{}', '{api.*.read_api}'),
    ('apis.listKeys', '{"apiId": "<api>"}', '{api.<api>.read_key,api.<api>.read_api}'),
    ('apis.listKeys', '{"apiId": "<api>", "decrypt": true}', '{api.<api>.read_key,api.<api>.read_api,api.<api>.decrypt_key}'),
    ('apis.updateApi', '{"apiId": "<api>", "name": "va.renamed"}', '{api.<api>.update_api}'),
    ('apis.deleteApi', '{"apiId": "<api>"}', '{api.<api>.delete_api}'),
    ('identities.createIdentity', '{"externalId": "va.new"}', '{identity.*.create_identity}'),
    ('identities.getIdentity', '{"identity": "va.owner"}', '{identity.*.read_identity}'),
    ('identities.listIdentities', '{}', '{identity.*.read_identity}'),
    ('identities.updateIdentity', '{"identity": "va.owner", "meta": {"a": 1}}', '{identity.*.update_identity}'),
    ('identities.deleteIdentity', '{"identity": "va.owner"}', '{identity.*.delete_identity}'),
    ('permissions.createPermission', '{"name": "va.new", "slug": "va.new"}', '{rbac.*.create_permission}'),
    ('permissions.getPermission', '{"permission": "va.held"}', '{rbac.*.read_permission}'),
    ('permissions.listPermissions', '{}', '{rbac.*.read_permission}'),
    ('permissions.updatePermission', '{"permission": "va.held", "name": "va.new"}', '{rbac.*.update_permission}'),
    ('permissions.deletePermission', '{"permission": "va.held"}', '{rbac.*.delete_permission}'),
    ('permissions.createRole', '{"name": "va.new"}', '{rbac.*.create_role}'),
    ('permissions.createRole', '{"name": "va.new", "permissions": ["va.held"]}', '{rbac.*.create_role,rbac.*.add_permission_to_role}'),
    ('permissions.createRole', '{"name": "va.new", "permissions": ["va.new"]}', '{rbac.*.create_role,rbac.*.add_permission_to_role,rbac.*.create_permission}'),
    ('permissions.getRole', '{"role": "va.role"}', '{rbac.*.read_role}'),
    ('permissions.listRoles', '{}', '{rbac.*.read_role}'),
    ('permissions.updateRole', '{"role": "va.role", "name": "va.new"}', '{rbac.*.update_role}'),
    ('permissions.deleteRole', '{"role": "va.role"}', '{rbac.*.delete_role}'),
    ('permissions.setRolePermissions', '{"roleId": "va.role", "permissions": ["va.free"]}', '{rbac.*.add_permission_to_role,rbac.*.remove_permission_from_role}'),
    ('permissions.setRolePermissions', '{"roleId": "va.role", "permissions": ["va.new"]}', '{rbac.*.add_permission_to_role,rbac.*.remove_permission_from_role,rbac.*.create_permission}'),
    ('ratelimit.limit', '{"namespace": "va.namespace", "identifier": "i", "limit": 1, "duration": 1000}', '{ratelimit.<namespace>.limit}'),
    ('ratelimit.limit', '{"namespace": "va.new", "identifier": "i", "limit": 1, "duration": 1000}', '{ratelimit.*.limit,ratelimit.*.create_namespace}'),
    ('ratelimit.multiLimit', '[{"namespace": "<namespace>", "identifier": "i", "limit": 1, "duration": 1000}]', '{ratelimit.<namespace>.limit}'),
    ('ratelimit.multiLimit', '[{"namespace": "va.other", "identifier": "i", "limit": 1, "duration": 1000}, {"namespace": "va.namespace", "identifier": "i", "limit": 1, "duration": 1000}]', '{ratelimit.<namespace>.limit,ratelimit.<other_namespace>.limit}'),
    ('ratelimit.setOverride', '{"namespace": "va.namespace", "identifier": "i", "limit": 1, "duration": 1000}', '{ratelimit.<namespace>.set_override}'),
    ('ratelimit.getOverride', '{"namespace": "va.namespace", "identifier": "va.vip"}', '{ratelimit.<namespace>.read_override}'),
    ('ratelimit.listOverrides', '{"namespace": "va.namespace"}', '{ratelimit.<namespace>.read_override}'),
    ('ratelimit.deleteOverride', '{"namespace": "va.namespace", "identifier": "va.vip"}', '{ratelimit.<namespace>.delete_override}'),
    -- Permission for any one API or namespace will do; v2_analytics shows whose rows are seen.
    ('analytics.getVerifications', '{"query": "SELECT count() AS n FROM key_verifications_v1"}', '{api.<api>.read_analytics}'),
    ('analytics.getRatelimits', '{"query": "SELECT count() AS n FROM ratelimits_v1"}', '{ratelimit.<namespace>.read_analytics}'),
    -- Recoverable keys need more, and there is no master key here.
    ('keys.createKey', '{"apiId": "<api>", "recoverable": true}', '{api.<api>.create_key,api.<api>.encrypt_key}'),
    -- A root key manages those that may do no more than itself; the list leaves out the others.
    ('rootKeys.createKey', '{"permissions": ["api.<api>.read_api"]}', '{api.<api>.read_api}'),
    ('rootKeys.listKeys', '{}', '{}'),
    ('rootKeys.updateKey', '{"keyId": "<root>", "name": "va.name"}', '{api.*.read_api}'),
    ('rootKeys.updateKey', '{"keyId": "<root>", "permissions": ["identity.*.read_identity"]}', '{api.*.read_api,identity.*.read_identity}'),
    ('rootKeys.rerollKey', '{"keyId": "<root>", "expiration": null}', '{api.*.read_api}'),
    ('rootKeys.deleteKey', '{"keyId": "<root>"}', '{api.*.read_api}');
-- A new operation needs a sample.
SELECT operation AS without_sample FROM unkey_api_operations() AS operation EXCEPT SELECT operation FROM samples;
SELECT operation AS unknown FROM samples EXCEPT SELECT operation FROM unkey_api_operations() AS operation;

CREATE FUNCTION pg_temp.filled(template text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    fixture record;
BEGIN
    FOR fixture IN SELECT member.* FROM fixtures, jsonb_each_text(to_jsonb(fixtures)) AS member LOOP
        template := replace(template, format('<%s>', fixture.key), fixture.value);
    END LOOP;
    RETURN template;
END
$$;
-- Status and code of a call, which is rolled back, and the permission it says is missing. A root key with these permissions calls unless a header is given.
CREATE FUNCTION pg_temp.answer(operation text, body text, permissions text[], header text DEFAULT NULL, patch jsonb DEFAULT '{}') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer text;
BEGIN
    PERFORM CASE WHEN header IS NULL THEN set_config('tests.authorization', 'Bearer ' || key, true) ELSE set_config('tests.authorization', header, true) END,
        unkey_update_root_key(key_id, patch)
    FROM unkey_create_root_key('va.caller', pg_temp.filled(permissions::text)::text[]);
    SELECT concat_ws(' ', status, code, CASE code WHEN 'insufficient_permissions' THEN substring(detail, '''.*?''') END) INTO answer FROM tests.v2(operation, pg_temp.filled(body));
    RAISE 'rolled back' USING ERRCODE = '00001';
EXCEPTION WHEN SQLSTATE '00001' THEN
    RETURN answer;
END
$$;
CREATE FUNCTION pg_temp.all_but(need text) RETURNS text[] LANGUAGE sql RETURN (SELECT array_agg(permission) FROM permissions WHERE permission <> regexp_replace(need, '<.*>', '*'));

-- VK-32, VK-34: whoever is nobody gets the same answer from every operation.
SELECT caller, answer, count(*) = (SELECT count(*) FROM samples) AS everywhere
FROM samples, (VALUES (1, 'no header', '', '{}'), (2, 'another scheme', 'Basic x', '{}'), (3, 'unknown', 'Bearer unkey_nobody', '{}'), (4, 'ordinary key', 'Bearer <text>', '{}'),
    (5, 'disabled', NULL, '{"enabled": false}'), (6, 'expired', NULL, '{"expires": 1}')) AS callers(n, caller, header, patch),
    pg_temp.answer(operation, body, '{*}', pg_temp.filled(header), patch::jsonb) AS answer
GROUP BY n, caller, answer ORDER BY n, answer;

-- Holding everything but one thing that is needed.
SELECT operation, need AS lacking, answer
FROM (SELECT row_number() OVER () AS n, * FROM samples) AS samples, unnest(needs) WITH ORDINALITY AS needed(need, m), pg_temp.answer(operation, body, pg_temp.all_but(need)) AS answer
ORDER BY n, m;
-- Holding everything else, and what is needed for another API or namespace only.
SELECT operation, need AS for_another, answer
FROM (SELECT row_number() OVER () AS n, * FROM samples) AS samples, unnest(needs) WITH ORDINALITY AS needed(need, m),
    pg_temp.answer(operation, body, pg_temp.all_but(need) || replace(replace(need, '<api>', '<elsewhere>'), '<namespace>', 'va_another')) AS answer
WHERE need ~ '<' ORDER BY n, m;
-- Holding nothing but what is needed, for this API or namespace or for all.
SELECT operation, needs, for_this.answer AS for_this, for_all.answer AS for_all
FROM (SELECT row_number() OVER () AS n, * FROM samples) AS samples, pg_temp.answer(operation, body, needs) AS for_this(answer),
    pg_temp.answer(operation, body, regexp_replace(needs::text, '<.*?>', '*', 'g')::text[]) AS for_all(answer) ORDER BY n;
