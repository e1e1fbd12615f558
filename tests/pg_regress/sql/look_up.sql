-- A verification reads its rows by index, or by a query where tables may be sharded. Both must find the same.
SELECT unkey_create_api('look-up', ip_allowlist => '{10.0.0.0/8}') AS api \gset
SELECT unkey_create_role('lu_role', permissions => '{lu.b,lu.a}') AS role \gset
SELECT unkey_create_role('lu_empty') AS role \gset
CREATE TABLE tests.looked_up (kind text PRIMARY KEY, key text);
INSERT INTO tests.looked_up SELECT 'plain', key FROM unkey_create_key(:'api');
INSERT INTO tests.looked_up SELECT 'full', key FROM unkey_create_key(:'api', prefix => 'lu', name => 'é name', external_id => 'lu_owner',
    meta => '{"n": 12345678901234567890.5, "deep": [[]]}', roles => '{lu_role,lu_empty}', permissions => '{lu.c,lu.a}',
    expires => '2099-12-31 23:59:59.999+00', credits => 7, refill_amount => 9, refill_interval => 'monthly', refill_day => 31,
    ratelimits => '[{"name": "lu", "limit": 5, "duration": 60000, "autoApply": true}]', ip_allowlist => '{10.0.0.0/8}');
UPDATE unkey.identities SET meta = '{"plan": "pro"}', ratelimits = '[{"id": "rl_1", "name": "owner", "limit": 3, "duration": 1000}]'
WHERE external_id = 'lu_owner';
INSERT INTO tests.looked_up SELECT 'empty', key FROM unkey_create_key(:'api', meta => '{}', ip_allowlist => '{}', ratelimits => '[]');
INSERT INTO tests.looked_up SELECT 'disabled', key FROM unkey_create_key(:'api', enabled => false, roles => '{lu_role}');
INSERT INTO tests.looked_up SELECT 'ownerless', key FROM unkey_create_key(:'api', external_id => 'lu_gone');
UPDATE unkey.identities SET deleted_at = now() WHERE external_id = 'lu_gone';
SELECT key_id AS deleted, key FROM unkey_create_key(:'api') \gset
SELECT unkey_delete_key(:'deleted');
INSERT INTO tests.looked_up VALUES ('deleted', :'key'), ('unknown', 'lu_unknown'), ('pending', 'long');
SELECT failed FROM unkey_migrate_keys(:'api', jsonb_build_array(jsonb_build_object('hash', encode(sha256('long'), 'base64'))),
    'lu_migration', 'github.com/seamapi/prefixed-api-key');

CREATE FUNCTION tests.look_up() RETURNS TABLE (kind text, verification text) LANGUAGE sql VOLATILE AS $$
    SELECT looked_up.kind, verified::text FROM tests.looked_up, unkey_verify_key(key, cost => 0, ip => '10.0.0.1',
        ratelimits => CASE looked_up.kind WHEN 'full' THEN '[{"name": "lu", "cost": 0}]'::jsonb END) AS verified ORDER BY looked_up.kind COLLATE "C"
$$;
SELECT tests.at('2025-06-01 12:00+00');
CREATE TABLE tests.by_index AS SELECT * FROM tests.look_up();
SELECT kind, substr(verification, 2, 20) LIKE 't,VALID%' AS valid, length(verification) > 40 AS found FROM tests.by_index;

-- The same of root keys and the workspace, which every call of the v2 dialect reads.
CREATE TABLE tests.callers (kind text PRIMARY KEY, root text);
INSERT INTO tests.callers SELECT 'all', key FROM unkey_create_root_key('lu é', '{*}', '2099-12-31 23:59:59.999+00');
INSERT INTO tests.callers SELECT 'none', key FROM unkey_create_root_key();
INSERT INTO tests.callers SELECT 'disabled', key FROM unkey_create_root_key(enabled => false);
SELECT key_id AS deleted, key FROM unkey_create_root_key() \gset
SELECT unkey_delete_root_key(:'deleted');
INSERT INTO tests.callers VALUES ('deleted', :'key'), ('unknown', 'unkey_unknown');
CREATE TABLE tests.called (way text, workspace jsonb, kind text, status integer, reply text);
CREATE FUNCTION tests.call(way text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    state jsonb;
BEGIN
    FOR state IN SELECT * FROM jsonb_array_elements('[{}, {"ratelimit": {"limit": 0, "duration": 60000}}, {"enabled": false}]') LOOP
        PERFORM unkey_update_workspace('{"ratelimit": null, "enabled": true}'), unkey_update_workspace(state);
        INSERT INTO tests.called SELECT way, state, kind, status, body
        FROM tests.callers, unkey_api('rootKeys.listKeys', 'Bearer ' || root, '{}', request_id => 'req_lu');
    END LOOP;
    PERFORM unkey_update_workspace('{"ratelimit": null, "enabled": true}');
END
$$;
SELECT tests.call('index');

-- Where the catalogue of a sharding extension is there, the query is used.
BEGIN;
SET LOCAL allow_system_table_mods = on;
CREATE TABLE pg_catalog.pg_dist_partition ();
CREATE TABLE tests.by_query AS SELECT * FROM tests.look_up();
SELECT tests.call('query');
SELECT workspace, kind, min(status) AS status, count(*) = 2 AND min(reply) = max(reply) AS same FROM tests.called GROUP BY workspace, kind ORDER BY workspace, kind COLLATE "C";
SELECT count(*) AS compared, count(*) FILTER (WHERE i.verification = q.verification) AS same
FROM tests.by_index AS i FULL JOIN tests.by_query AS q USING (kind);
SELECT i, q FROM tests.by_index AS i FULL JOIN tests.by_query AS q USING (kind) WHERE i.verification IS DISTINCT FROM q.verification;
ROLLBACK;

-- Under an older snapshot both see the old state; a change of the same transaction is seen at once.
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT code FROM tests.looked_up, unkey_verify_key(key, ip => '10.0.0.1') WHERE kind = 'plain';
UPDATE unkey.keys SET enabled = false FROM tests.looked_up WHERE kind = 'plain' AND hash = sha256(key::bytea);
SELECT code FROM tests.looked_up, unkey_verify_key(key, ip => '10.0.0.1') WHERE kind = 'plain';
ROLLBACK;
SELECT code FROM tests.looked_up, unkey_verify_key(key, ip => '10.0.0.1') WHERE kind = 'plain';
SELECT tests.at(NULL);
