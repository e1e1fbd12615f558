-- Roles and permissions of a key are read from indexes alone where everybody sees their rows, and from the tables where not.
SET unkey.cache_size = 0;
-- VACUUM does not count on a commit that is not on disk.
SET synchronous_commit = on;
SELECT unkey_create_api('links') AS api \gset
SELECT count(unkey_create_role('li_' || n, permissions => ARRAY['li.role.' || n])) AS roles FROM generate_series(1, 3) AS n;
SELECT key_id, key FROM unkey_create_key(:'api', roles => '{li_1,li_2}', permissions => '{li.a,li.b}') \gset
SELECT id AS role_id FROM unkey.roles WHERE name = 'li_2' \gset
SELECT id AS permission_id FROM unkey.permissions WHERE slug = 'li.b' \gset
SELECT set_config('tests.key', :'key', false) \gset
CREATE FUNCTION pg_temp.fetched() RETURNS bigint LANGUAGE sql AS $$SELECT pg_stat_get_xact_tuples_fetched('unkey.key_roles_pkey'::regclass) + pg_stat_get_xact_tuples_fetched('unkey.key_permissions_pkey'::regclass)$$;
-- What a verification answers, and how many rows of the two tables it fetched for that.
CREATE FUNCTION pg_temp.grants(OUT roles text[], OUT permissions text[], OUT fetched bigint) LANGUAGE plpgsql AS $$
DECLARE
    before bigint := pg_temp.fetched();
BEGIN
    SELECT v.roles, v.permissions INTO roles, permissions FROM unkey_verify_key(current_setting('tests.key')) AS v;
    fetched := pg_temp.fetched() - before;
END
$$;
-- New rows are seen by who began late enough.
SELECT * FROM pg_temp.grants();
-- Once nobody is left who began too early, VACUUM finds that everybody sees them.
DO $$
DECLARE
    now bigint := pg_current_xact_id()::text::bigint % 4294967296;
BEGIN
    LOOP
        PERFORM pg_stat_clear_snapshot();
        EXIT WHEN NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database() AND backend_xmin::text::bigint <= now);
        PERFORM pg_sleep(0.05);
    END LOOP;
END
$$;
VACUUM unkey.key_roles, unkey.key_permissions;
SELECT * FROM pg_temp.grants();
-- A serializable transaction fetches what must count as read.
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT * FROM pg_temp.grants();
COMMIT;
-- What this transaction took away, or gave, and took back.
BEGIN;
DELETE FROM unkey.key_roles WHERE key_id = :'key_id' AND role_id = :'role_id';
SELECT roles, permissions, fetched BETWEEN 1 AND 3 AS fetched FROM pg_temp.grants();
SAVEPOINT given;
INSERT INTO unkey.key_roles (key_id, role_id) SELECT :'key_id', id FROM unkey.roles WHERE name = 'li_3';
DELETE FROM unkey.key_permissions WHERE key_id = :'key_id' AND permission_id = :'permission_id';
SELECT roles, permissions FROM pg_temp.grants();
ROLLBACK TO given;
SELECT roles, permissions FROM pg_temp.grants();
ROLLBACK;
SELECT roles, permissions FROM pg_temp.grants();
-- What is committed.
DELETE FROM unkey.key_permissions WHERE key_id = :'key_id' AND permission_id = :'permission_id';
SELECT roles, permissions FROM pg_temp.grants();
VACUUM unkey.key_roles, unkey.key_permissions;
SELECT roles, permissions FROM pg_temp.grants();
DELETE FROM unkey.key_roles WHERE key_id = :'key_id';
DELETE FROM unkey.key_permissions WHERE key_id = :'key_id';
SELECT roles, permissions FROM pg_temp.grants();
RESET synchronous_commit;
RESET unkey.cache_size;
