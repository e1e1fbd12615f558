-- Every operation that changes configuration leaves its entries; verifications, readers and failures leave none.
SELECT count(*) AS keys FROM unkey_create_api('audit-first') AS api_id, unkey_create_key(api_id);
SELECT unkey.seal_audit_log() > 0 AS clean;

-- APIs.
SELECT unkey_create_api('audit') AS api_id, unkey_create_api('audit-gone') AS gone_id \gset
SELECT * FROM tests.logged();
SELECT unkey_update_api(:'gone_id', '{"enabled": false, "name": "audit-renamed"}');
SELECT unkey_delete_api(:'gone_id');
SELECT * FROM tests.logged();

-- Permissions and roles.
SELECT unkey_create_permission('audit.p', 'for reading') AS permission_id \gset
SELECT unkey_create_role('audit.role', permissions => '{audit.p,audit.q}') AS role_id \gset
SELECT * FROM tests.logged();
SELECT unkey_update_permission('audit.p', '{"name": "for writing"}');
SELECT unkey_update_role('audit.role', '{"description": "words"}');
SELECT count(*) FROM unkey_set_role_permissions('audit.role', '{audit.q,audit.r}');
SELECT * FROM tests.logged();

-- A key: one call, several entries, one correlation id.
SELECT * FROM unkey_create_key(:'api_id', name => 'au', external_id => 'au.owner', permissions => '{audit.new}', roles => '{audit.role}', credits => 100,
    refill_amount => 50, refill_interval => 'daily') \gset
SELECT 'AU-01' AS "case", count(DISTINCT correlation_id) AS calls, bool_and(actor_id = current_user) AS by_me FROM unkey.audit_log WHERE seal IS NULL;
SELECT 'AU-01' AS "case", * FROM tests.logged();
SELECT unkey_update_key(:'key_id', '{"name": "au2", "enabled": true, "meta": {"plan": "pro"}, "permissions": ["audit.p"], "roles": []}');
SELECT * FROM tests.logged();
SELECT unkey_update_key(:'key_id', '{"credits": {"remaining": 10}}');
SELECT unkey_update_credits(:'key_id', 'increment', 5);
SELECT changes->:'key_id'->'remaining' AS remaining FROM unkey.audit_log WHERE seal IS NULL ORDER BY changes::text;
SELECT count(*) FROM unkey_add_permissions(:'key_id', '{audit.p,audit.q}');
SELECT count(*) FROM unkey_remove_permissions(:'key_id', '{audit.q}');
SELECT count(*) FROM unkey_set_roles(:'key_id', '{audit.role}');
SELECT * FROM tests.logged();
-- What changes nothing leaves nothing, be it only updated_at that moved.
SELECT unkey_update_key(:'key_id', '{}');
SELECT count(*) FROM unkey_add_permissions(:'key_id', '{audit.p}');
SELECT count(*) FROM unkey_set_roles(:'key_id', '{audit.role}');
SELECT * FROM tests.logged();

-- Reroll: an end and a beginning. Rerolled again, the old key's end stays, and there is an entry still.
SELECT key_id AS new_id FROM unkey_reroll_key(:'key_id', '1 hour') \gset
SELECT * FROM tests.logged();
SELECT count(*) FROM unkey_reroll_key(:'key_id', '2 hours');
SELECT * FROM tests.logged();

-- Spending is no change of configuration.
SELECT code, credits FROM unkey_verify_key(:'key', cost => 3);
SELECT code, credits FROM unkey_verify_keys(ARRAY[:'key', 'nope']);
SELECT code, credits FROM unkey_verify_key(:'key', cost => 1000);
SELECT count(*) FROM unkey_get_key(:'key_id');
SELECT * FROM tests.logged();
-- A due refill is, once, whoever finds it due; and only if it raises the balance.
UPDATE unkey.credits SET settled_at = unkey.now() - interval '3 days' WHERE key_id = :'key_id';
SELECT * FROM tests.logged();
SELECT code, credits FROM unkey_verify_key(:'key', cost => 0);
SELECT * FROM tests.logged();
SELECT code, credits FROM unkey_verify_keys(ARRAY[:'key', :'key', :'key']);
SELECT 'RF-14' AS "case", * FROM tests.logged();
UPDATE unkey.credits SET settled_at = unkey.now() - interval '3 days' WHERE key_id = :'key_id';
SELECT code, credits FROM unkey_verify_key(:'key', cost => 1000);
SELECT 'RF-14 refused' AS "case", * FROM tests.logged() WHERE actor = 'system';
UPDATE unkey.credits SET settled_at = unkey.now() - interval '3 days', remaining = 70 WHERE key_id = :'key_id';
SELECT code, credits FROM unkey_verify_keys(ARRAY[:'key', :'key'], cost => 30);
SELECT 'RF-14 higher' AS "case", * FROM tests.logged() WHERE actor = 'system';

-- Deletes: soft, for good, and of what others have. What goes with its key is told by the key.
SELECT unkey_delete_key(:'key_id');
SELECT unkey_delete_key(:'new_id', permanent => true);
SELECT * FROM tests.logged();
SELECT unkey_delete_permission('audit.p');
SELECT unkey_delete_role('audit.role');
SELECT * FROM tests.logged();

-- An import is one entry for each kind of thing it makes, however many.
SELECT jsonb_array_length(migrated) FROM unkey_migrate_keys(:'api_id', (SELECT jsonb_agg(jsonb_build_object('hash', encode(sha256(('audit' || n)::bytea), 'hex'),
    'name', 'imported', 'credits', jsonb_build_object('remaining', 5), 'permissions', '["audit.q"]'::jsonb)) FROM generate_series(1, 1000) AS n), 'audit.m');
SELECT * FROM tests.logged();
SELECT jsonb_array_length(targets) AS targets, description ~ '^Created (key key_\w+, ){3}key key_\w+ … \(1000 in all\)$' AS described
FROM unkey.audit_log WHERE event = 'key.create' AND count = 1000;
-- A migration that a verification finishes is the system's doing; the hash is no one's business.
SELECT migrated->0->>'keyId' AS seam_id FROM unkey_migrate_keys(:'api_id', jsonb_build_array(jsonb_build_object('hash', encode(sha256('audit0long'), 'hex'))), 'audit.seam',
    'github.com/seamapi/prefixed-api-key') \gset
SELECT count(*) > 0 AS made FROM tests.logged();
SELECT code FROM unkey_verify_key('seam_x_audit0long', migration_id => 'audit.seam');
SELECT actor_id, description = format('Updated key %s (hash, pending_migration_id, start)', :'seam_id') AS described, changes->:'seam_id' AS changes FROM unkey.audit_log WHERE seal IS NULL;
SELECT * FROM tests.logged();

-- AU-02: what fails leaves no entry, nor does what is rolled back.
SELECT 'AU-02' AS "case", state FROM tests.error(format($$SELECT unkey_create_key(%L, permissions => '{audit.never}', roles => '{audit.no_such_role}')$$, :'api_id'));
BEGIN;
SELECT count(*) FROM unkey_create_key(:'api_id', name => 'never');
ROLLBACK;
SELECT 'AU-02' AS "case", * FROM tests.logged();
SELECT valid, entries = sealed AS all_sealed, problem FROM unkey_verify_audit_log();
