-- What a session reads but does not keep, since others read something else, or soon will.
\pset null '-'
SELECT unkey_create_api('doubt') AS api \gset
SELECT key_id, key FROM unkey_create_key(:'api', credits => 10, external_id => 'doubt-owner', permissions => '{doubt.one}') \gset

-- A statement that reads what it has deleted, before any trigger could say so, and then fails.
CREATE FUNCTION tests.verify_and_fail(key text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', (SELECT format('%s %s %s', code, coalesce(credits::text, 'unmetered'), coalesce(identity->>'externalId', 'ownerless')) FROM unkey_verify_key(verify_and_fail.key, cost => 0));
END
$$;
UPDATE unkey.keys SET name = 'not known' WHERE id = :'key_id';
DELETE FROM unkey.credits WHERE key_id = :'key_id' RETURNING tests.verify_and_fail(:'key');
SELECT code, credits FROM unkey_verify_key(:'key', cost => 0);
UPDATE unkey.keys SET name = 'unknown again' WHERE id = :'key_id';
BEGIN;
SAVEPOINT inner_one;
UPDATE unkey.keys SET identity_id = NULL WHERE id = 'key_nobody';
DELETE FROM unkey.credits WHERE key_id = :'key_id' RETURNING tests.verify_and_fail(:'key');
ROLLBACK TO inner_one;
SELECT code, credits FROM unkey_verify_key(:'key', cost => 0);
COMMIT;
SELECT code, credits FROM unkey_verify_key(:'key', cost => 0);
-- Rows that refer to others may be replicated first.
SET session_replication_role = replica;
INSERT INTO unkey.keys (id, api_id, hash, identity_id) VALUES ('key_doubt', :'api', sha256('doubt'), 'id_doubt');
INSERT INTO unkey.key_roles (key_id, role_id) VALUES ('key_doubt', 'role_doubt');
INSERT INTO unkey.role_permissions (role_id, permission_id) VALUES ('role_doubt', 'perm_doubt');
INSERT INTO unkey.key_permissions (key_id, permission_id) VALUES ('key_doubt', 'perm_doubt_own');
RESET session_replication_role;
SELECT code, roles, permissions, identity->>'externalId' AS owner FROM unkey_verify_key('doubt');
SET session_replication_role = replica;
INSERT INTO unkey.identities (id, external_id) VALUES ('id_doubt', 'doubt-late');
RESET session_replication_role;
SELECT code, roles, permissions, identity->>'externalId' AS owner FROM unkey_verify_key('doubt');
SET session_replication_role = replica;
INSERT INTO unkey.roles (id, name) VALUES ('role_doubt', 'doubt-role');
RESET session_replication_role;
SELECT code, roles, permissions, identity->>'externalId' AS owner FROM unkey_verify_key('doubt');
SET session_replication_role = replica;
INSERT INTO unkey.permissions (id, slug, name) VALUES ('perm_doubt', 'doubt.role', 'by role'), ('perm_doubt_own', 'doubt.own', 'own');
RESET session_replication_role;
SELECT code, roles, permissions, identity->>'externalId' AS owner FROM unkey_verify_key('doubt');

-- A query that runs in parallel reads at its own snapshot.
CREATE TABLE doubt_rows AS SELECT 'doubt-owner' AS owner FROM generate_series(1, 10000);
ANALYZE doubt_rows;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET unkey.allow_session = on;
SELECT code FROM unkey_authenticate(:'key', session => true);
UPDATE unkey.keys SET name = 'forget' WHERE id = :'key_id';
CREATE FUNCTION tests.is_parallel(statement text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    line text;
BEGIN
    FOR line IN EXECUTE 'EXPLAIN ' || statement LOOP
        IF line LIKE '%Gather%' THEN RETURN true; END IF;
    END LOOP;
    RETURN false;
END
$$;
SELECT tests.is_parallel('SELECT count(*) FROM doubt_rows WHERE owner = (SELECT unkey_external_id())');
SELECT count(*) FROM doubt_rows WHERE owner = (SELECT unkey_external_id());
UPDATE unkey.keys SET name = 'forget again' WHERE id = :'key_id';
SELECT count(*) FROM doubt_rows WHERE owner = (SELECT unkey_external_id() FROM unkey_explain(:'key') LIMIT 1);
UPDATE unkey.keys SET enabled = false WHERE id = :'key_id';
SELECT count(*) FROM doubt_rows WHERE owner = (SELECT unkey_external_id());
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
SELECT unkey_logout();
RESET unkey.allow_session;

DROP TABLE doubt_rows;
DROP FUNCTION tests.verify_and_fail(text), tests.is_parallel(text);
DELETE FROM unkey.keys WHERE id IN ('key_doubt', :'key_id');
DELETE FROM unkey.role_permissions WHERE role_id = 'role_doubt';
DELETE FROM unkey.roles WHERE id = 'role_doubt';
DELETE FROM unkey.permissions WHERE slug LIKE 'doubt.%';
DELETE FROM unkey.identities WHERE external_id LIKE 'doubt-%';
DELETE FROM unkey.apis WHERE id = :'api';
