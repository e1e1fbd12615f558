-- Hand-written SQL leaves the entries that functions leave.
SELECT unkey_create_api('audit-hand') AS api_id \gset
SELECT unkey_create_permission('audit-hand.a') AS a, unkey_create_permission('audit-hand.b') AS b, unkey_create_role('audit-hand') AS role \gset
SELECT unkey.seal_audit_log() > 0 AS clean;

-- INSERT, UPDATE and DELETE: one entry per statement, whatever the rows.
INSERT INTO unkey.keys (id, api_id, hash, name) SELECT 'key_ah' || n, :'api_id', sha256(('ah' || n)::bytea), 'ah' || n FROM generate_series(1, 150) AS n;
INSERT INTO unkey.credits (key_id, remaining) SELECT id, 5 FROM unkey.keys WHERE api_id = :'api_id';
INSERT INTO unkey.key_permissions SELECT id, :'a' FROM unkey.keys WHERE api_id = :'api_id';
INSERT INTO unkey.key_roles VALUES ('key_ah1', :'role');
INSERT INTO unkey.role_permissions VALUES (:'role', :'a');
INSERT INTO unkey.identities (id, external_id) VALUES ('id_ah', 'audit-hand');
INSERT INTO unkey.migrations (id) VALUES ('audit-hand');
SELECT * FROM tests.logged();
UPDATE unkey.keys SET enabled = false, identity_id = 'id_ah' WHERE id IN ('key_ah1', 'key_ah2');
SELECT description, changes FROM unkey.audit_log WHERE seal IS NULL;
SELECT * FROM tests.logged();
-- Rows that stay as they were are not counted, and a statement that changes none leaves no entry.
UPDATE unkey.keys SET name = CASE WHEN id = 'key_ah3' THEN 'other' ELSE name END WHERE api_id = :'api_id';
UPDATE unkey.keys SET enabled = enabled WHERE api_id = :'api_id';
UPDATE unkey.keys SET enabled = false WHERE id = 'key_ah_none';
DELETE FROM unkey.keys WHERE id = 'key_ah_none';
INSERT INTO unkey.key_permissions VALUES ('key_ah1', :'a') ON CONFLICT DO NOTHING;
SELECT * FROM tests.logged();
-- 101 rows: how many, and the first hundred by id, but no values.
UPDATE unkey.credits SET remaining = 6 WHERE key_id IN (SELECT id FROM unkey.keys WHERE api_id = :'api_id' ORDER BY id LIMIT 101);
SELECT event, count, jsonb_array_length(targets) AS targets, changes FROM unkey.audit_log WHERE seal IS NULL;
-- Some rows of a statement deleted and some changed: an entry for each.
UPDATE unkey.keys SET deleted_at = CASE WHEN id = 'key_ah4' THEN now() END, name = 'changed' WHERE id IN ('key_ah4', 'key_ah5');
SELECT * FROM tests.logged();
-- Ids can change; the new one is the target, and both are in the changes.
UPDATE unkey.migrations SET id = 'audit-hand-new' WHERE id = 'audit-hand';
SELECT targets, changes FROM unkey.audit_log WHERE seal IS NULL;
-- What is secret or long is named, not shown.
UPDATE unkey.keys SET hash = sha256('ah other'), meta = jsonb_build_object('long', repeat('x', 9000)) WHERE id = 'key_ah6';
SELECT changes FROM unkey.audit_log WHERE seal IS NULL AND event = 'key.update';
SELECT count(*) AS leaks FROM unkey.audit_log AS entry, unkey.keys AS key, unkey.secrets AS secret
WHERE strpos(entry::text, encode(key.hash, 'hex')) > 0 OR strpos(entry::text, encode(secret.value, 'hex')) > 0;
SELECT count(*) > 0 AS logged FROM tests.logged();
-- ON CONFLICT DO UPDATE and MERGE are what they come to.
INSERT INTO unkey.roles (id, name) VALUES (:'role', 'audit-hand-2'), ('role_ah', 'audit-hand-3') ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.name;
MERGE INTO unkey.permissions AS permission USING (VALUES ('audit-hand.a'), ('audit-hand.c')) AS wanted(slug) ON permission.slug = wanted.slug
WHEN MATCHED THEN UPDATE SET description = 'merged' WHEN NOT MATCHED THEN INSERT (slug, name) VALUES (wanted.slug, 'merged');
SELECT * FROM tests.logged();
-- A link that is changed takes one permission and gives another.
UPDATE unkey.key_permissions SET permission_id = :'b' WHERE key_id = 'key_ah1';
SELECT * FROM tests.logged();
-- COPY.
COPY unkey.identities (id, external_id) FROM stdin;
id_ah1	audit-hand-1
id_ah2	audit-hand-2
\.
SELECT * FROM tests.logged();
-- Links that go with their key are not told of, others of the same statement are.
WITH gone AS (DELETE FROM unkey.keys WHERE id = 'key_ah1') DELETE FROM unkey.key_permissions WHERE key_id IN ('key_ah1', 'key_ah2');
DELETE FROM unkey.credits WHERE key_id = 'key_ah2';
SELECT * FROM tests.logged();
-- An owner who goes leaves its keys, which is a change of theirs.
DELETE FROM unkey.identities WHERE id = 'id_ah';
SELECT * FROM tests.logged();
-- TRUNCATE, of one table and of all that hang on it.
BEGIN;
SELECT count(*) AS links FROM unkey.key_permissions \gset
TRUNCATE unkey.key_permissions;
SELECT event, count = :links AS all_counted FROM unkey.audit_log WHERE seal IS NULL;
TRUNCATE unkey.apis CASCADE;
SELECT DISTINCT event, count > 0 AS counted FROM unkey.audit_log WHERE seal IS NULL ORDER BY 1;
ROLLBACK;
-- A spend by hand is a change.
UPDATE unkey.credits SET remaining = remaining - 1 WHERE key_id = 'key_ah3';
SELECT * FROM tests.logged();
DELETE FROM unkey.keys WHERE api_id = :'api_id';
SELECT event, actor, count FROM tests.logged();
SELECT valid, problem FROM unkey_verify_audit_log();
