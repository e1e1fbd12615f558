-- What the fuzzer can find: numbered objects of every kind, named as hooks.py knows them.
\set ON_ERROR_STOP on
BEGIN;
INSERT INTO unkey.apis (id, keyspace_id, name) SELECT 'api_fuzz_' || n, 'ks_fuzz_' || n, 'fuzz_' || n FROM generate_series(0, 99) AS n;
INSERT INTO unkey.identities (id, external_id, meta, ratelimits)
SELECT 'id_fuzz_' || n, 'fuzz_' || n, '{"n": 1}', jsonb_build_array(jsonb_build_object('id', 'rl_id_' || n, 'name', 'identity', 'limit', 3, 'duration', 60000, 'autoApply', true))
FROM generate_series(0, 99) AS n;
-- Three of four have an owner, every other a balance and a refill, every third limits, every fifth an allow-list.
INSERT INTO unkey.keys (id, api_id, identity_id, hash, name, refill_amount, refill_day, ratelimits, ip_allowlist)
SELECT 'key_fuzz_' || n, 'api_fuzz_' || n, CASE WHEN n % 4 > 0 THEN 'id_fuzz_' || n END, sha256(convert_to('fuzz_' || n, 'UTF8')), 'fuzz ' || n,
    CASE WHEN n % 2 = 0 THEN 100 END, CASE WHEN n % 4 = 0 THEN 31 END,
    CASE WHEN n % 3 = 0 THEN jsonb_build_array(jsonb_build_object('id', 'rl_key_' || n, 'name', 'key', 'limit', 5, 'duration', 1000, 'autoApply', true)) ELSE '[]' END,
    CASE WHEN n % 5 = 0 THEN '{127.0.0.0/8}'::cidr[] END
FROM generate_series(0, 99) AS n;
INSERT INTO unkey.credits (key_id, remaining) SELECT 'key_fuzz_' || n, n FROM generate_series(0, 99, 2) AS n;
INSERT INTO unkey.permissions (id, slug, name) SELECT 'perm_fuzz_' || n, 'fuzz_' || n, 'fuzz' FROM generate_series(0, 99) AS n;
INSERT INTO unkey.roles (id, name) SELECT 'role_fuzz_' || n, 'fuzz_' || n FROM generate_series(0, 99) AS n;
INSERT INTO unkey.role_permissions (role_id, permission_id) SELECT 'role_fuzz_' || n, 'perm_fuzz_' || n FROM generate_series(0, 99) AS n;
INSERT INTO unkey.key_roles (key_id, role_id) SELECT 'key_fuzz_' || n, 'role_fuzz_' || n FROM generate_series(0, 99) AS n;
INSERT INTO unkey.root_keys (id, hash, permissions) SELECT 'root_fuzz_' || n, sha256(convert_to('root_fuzz_' || n, 'UTF8')), '{api.*.read_api}' FROM generate_series(0, 99) AS n;
SELECT count(unkey_create_namespace('fuzz_' || n)) AS namespaces, count(unkey_set_override('fuzz_' || n, 'fuzz_' || n, 1, '1 minute')) AS overrides FROM generate_series(0, 99) AS n \gset
-- One namespace is gone.
SELECT unkey_delete_namespace('fuzz_0') \g /dev/null
COMMIT;
