-- The audit log over the v2 dialect: the root key is who did it, and the request ties the entries of a call together.
SELECT tests.at('2026-03-10 12:00:00+00');
\pset null '-'
SELECT key_id AS root_id, 'Bearer ' || key AS root FROM unkey_create_root_key('vo.root', '{*}') \gset
SELECT set_config('tests.authorization', :'root', false) \gset
SELECT unkey_create_api('vo.api') AS api, unkey_create_role('vo.role') AS role \gset
SELECT unkey.seal_audit_log() > 0 AS clean;
CREATE TEMP VIEW fresh AS SELECT event, actor_type, replace(actor_id, current_user, 'me') AS actor_id, actor_name, remote_ip, user_agent, correlation_id FROM unkey.audit_log WHERE seal IS NULL;
-- A call as a transport makes it: with an address, a user agent and, if given, a request id.
CREATE FUNCTION pg_temp.called(operation text, body text, request_id text DEFAULT NULL) RETURNS jsonb LANGUAGE sql AS
$$SELECT body::jsonb || jsonb_build_object('status', status) FROM unkey_api(operation, current_setting('tests.authorization'), body, '203.0.113.7', 'agent/1', request_id)$$;

-- AU-01: one call, several entries, all by the root key and under the id that the reply shows.
SELECT called->>'status' AS status, called->'meta'->>'requestId' AS request, called->'data'->>'keyId' AS key_id, called->'data'->>'key' AS key
FROM pg_temp.called('keys.createKey', format('{"apiId": "%s", "name": "vo.key", "externalId": "vo.owner", "permissions": ["vo.new"], "roles": ["vo.role"], "credits": {"remaining": 5}}', :'api')) AS called \gset
SELECT 'AU-01' AS case, :'status' AS status, event, actor_type, actor_id = :'root_id' AS by_root_key, actor_name, remote_ip, user_agent, correlation_id = :'request' AS of_request FROM fresh ORDER BY event;
SELECT 'AU-01' AS case, logged.* FROM tests.logged();
-- Every operation that changes something does so; an id that the transport gives is taken.
SELECT 'AU-01' AS case, operation, called->'status' AS status FROM (VALUES (1, 'keys.updateKey', '{"keyId": "%s", "enabled": false, "externalId": "vo.owner2", "permissions": ["vo.p"]}'), (2, 'keys.setRoles', '{"keyId": "%s", "roles": []}'), (3, 'keys.addRoles', '{"keyId": "%s", "roles": ["vo.role"]}'),
    (4, 'keys.updateCredits', '{"keyId": "%s", "operation": "set", "value": 9}'), (5, 'keys.rerollKey', '{"keyId": "%s", "expiration": 0}'), (6, 'keys.deleteKey', '{"keyId": "%s"}'), (7, 'permissions.createRole', '{"name": "vo.role2", "permissions": ["vo.p"]}'),
    (8, 'permissions.deletePermission', '{"permission": "vo.new"}'), (9, 'identities.deleteIdentity', '{"identity": "vo.owner"}'), (10, 'ratelimit.limit', '{"namespace": "vo.namespace", "identifier": "i", "limit": 1, "duration": 60000}'),
    (11, 'ratelimit.setOverride', '{"namespace": "vo.namespace", "identifier": "i", "limit": 2, "duration": 60000}'), (12, 'rootKeys.createKey', '{"permissions": [], "name": "vo.child"}')) AS calls(n, operation, body), pg_temp.called(operation, format(body, :'key_id'), 'req_' || n) AS called ORDER BY n;
SELECT 'AU-01' AS case, correlation_id AS request, bool_and(actor_type = 'rootKey' AND actor_id = :'root_id' AND remote_ip = '203.0.113.7' AND user_agent = 'agent/1') AS by_root_key, array_agg(event ORDER BY event) AS events
FROM fresh GROUP BY correlation_id ORDER BY substr(correlation_id, 5)::integer;
SELECT count(*) AS entries FROM tests.logged();
-- What reads, verifies or limits leaves none, nor does a change that changes nothing, nor any refusal.
SELECT key_id AS other_id, key AS other FROM unkey_create_key(:'api', name => 'vo.other', credits => 5) \gset
SELECT count(*) AS entries FROM tests.logged();
SELECT operation, called->'status' AS status FROM (VALUES (1, 'keys.verifyKey', format('{"key": "%s"}', :'other')), (2, 'keys.verifyKey', '{"key": "vo_unknown"}'), (3, 'keys.whoami', format('{"key": "%s"}', :'other')), (4, 'keys.updateKey', format('{"keyId": "%s", "name": "vo.other"}', :'other_id')), (5, 'keys.setRoles', format('{"keyId": "%s", "roles": []}', :'other_id')),
    (6, 'apis.listKeys', format('{"apiId": "%s"}', :'api')), (7, 'ratelimit.limit', '{"namespace": "vo.namespace", "identifier": "i", "limit": 1, "duration": 60000}'), (8, 'ratelimit.getOverride', '{"namespace": "vo.namespace", "identifier": "i"}'), (9, 'keys.updateKey', '{"keyId": "key_unknown", "name": "x"}'), (10, 'keys.createKey', '{'))
    AS calls(n, operation, body), pg_temp.called(operation, body) AS called ORDER BY n;
SELECT count(*) AS entries FROM tests.logged();

-- AU-02: a refused createKey leaves neither key nor identity nor permission nor entry, whatever refuses it: a role that is not there, a missing permission, the table itself.
CREATE TEMP VIEW left_behind AS SELECT (SELECT count(*) FROM unkey.keys WHERE name = 'vo.never') AS keys, (SELECT count(*) FROM unkey.identities WHERE external_id = 'vo.never') AS identities, (SELECT count(*) FROM unkey.permissions WHERE slug = 'vo.never') AS permissions, (SELECT count(*) FROM fresh) AS entries;
SELECT format('{"apiId": "%s", "name": "vo.never", "externalId": "vo.never", "permissions": ["vo.never"], "roles": ["%%s"]}', :'api') AS body \gset
SELECT 'AU-02' AS case, called->'status' AS status, called->'error'->>'detail' AS detail FROM pg_temp.called('keys.createKey', format(:'body', 'vo.no-role')) AS called;
SELECT 'AU-02' AS case, left_behind.* FROM left_behind;
SELECT 'Bearer ' || key AS weak FROM unkey_create_root_key('vo.weak', '{identity.*.create_identity}') \gset
SELECT set_config('tests.authorization', :'weak', false), count(*) AS entries FROM tests.logged() \gset
SELECT 'AU-02' AS case, called->'status' AS status FROM pg_temp.called('keys.createKey', format(:'body', 'vo.role')) AS called;
SELECT 'AU-02' AS case, left_behind.* FROM left_behind;
SELECT set_config('tests.authorization', :'root', false) \gset
CREATE FUNCTION tests.refuse_link() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'no links today'; END$$;
CREATE TRIGGER refuse_link BEFORE INSERT ON unkey.key_roles FOR EACH ROW EXECUTE FUNCTION tests.refuse_link();
SELECT 'AU-02' AS case, state, message FROM tests.error(format('SELECT pg_temp.called(''keys.createKey'', %L)', format(:'body', 'vo.role')));
DROP TRIGGER refuse_link ON unkey.key_roles;
DROP FUNCTION tests.refuse_link;
SELECT 'AU-02' AS case, left_behind.* FROM left_behind;
-- Nor does that call's root key act any longer.
SELECT unkey_create_permission('vo.after') IS NOT NULL AS made;
SELECT 'AU-02' AS case, event, actor_type, actor_id, user_agent FROM fresh;
SELECT count(*) AS entries FROM tests.logged();
-- The same call with nothing in its way leaves all of it.
SELECT 'AU-02' AS case, called->'status' AS status FROM pg_temp.called('keys.createKey', format(:'body', 'vo.role')) AS called;
SELECT 'AU-02' AS case, left_behind.* FROM left_behind;
SELECT count(*) AS entries FROM tests.logged();

-- Whoever acts in the same transaction before, between and after calls, also refused ones, is told by his own entries.
BEGIN;
SELECT unkey_create_permission('vo.before') IS NOT NULL AS made;
SELECT called->'status' AS status FROM pg_temp.called('permissions.createPermission', '{"name": "vo.call", "slug": "vo.call"}', 'req_one') AS called;
SELECT called->'status' AS status FROM pg_temp.called('permissions.createPermission', '{"name": "vo.call", "slug": "vo.call"}', 'req_two') AS called;
SELECT unkey_create_permission('vo.between') IS NOT NULL AS made;
SELECT called->'status' AS status FROM pg_temp.called('permissions.createPermission', '{"name": "vo.call3", "slug": "vo.call3"}', 'req_three') AS called;
INSERT INTO unkey.permissions (slug, name) VALUES ('vo.hand', 'vo.hand');
COMMIT;
SELECT targets->0->>'name' AS target, CASE actor_id WHEN :'root_id' THEN 'root key' WHEN current_user THEN 'me' END AS actor, user_agent, CASE WHEN correlation_id ~ '^req_' THEN correlation_id END AS request,
    count(*) FILTER (WHERE correlation_id !~ '^req_') OVER (PARTITION BY correlation_id) AS in_transaction
FROM unkey.audit_log WHERE seal IS NULL ORDER BY targets->0->>'name' COLLATE "C";
SELECT count(*) AS entries FROM tests.logged();
