-- keys.migrateKeys over the v2 dialect, and verifications that finish a migration.
SELECT tests.at('2026-03-10 12:00:00+00'), tests.root();
\pset null '-'
SELECT unkey_create_api('vm.api') AS api, encode(sha256('vm_old'), 'base64') AS hash, encode(sha256('vmlongtokenvalue123456'), 'hex') AS long_hash \gset
SELECT set_config('vm.api', :'api', false) \gset
CREATE FUNCTION pg_temp.migrated(keys text, OUT status integer, OUT code text, OUT location text, OUT detail text, OUT data jsonb) LANGUAGE sql AS
$$SELECT status, code, location, detail, data FROM tests.v2('keys.migrateKeys', '{"migrationId": "vm.m", "apiId": "%s", "keys": %s}', current_setting('vm.api'), keys)$$;

-- MG-01: the hash as it was; MG-02: what exists fails, the rest is imported; MG-07: roles are made.
SELECT 'MG-01' AS case, status, tests.masked(data) AS data FROM pg_temp.migrated(format('[{"hash": "%s", "name": "vm", "meta": {"a": null}, "externalId": "vm.u", "permissions": ["vm.p"], "roles": ["vm.new-role"], "credits": {"remaining": 5, "refill": {"interval": "daily", "amount": 5}},
    "expires": 1800000000000, "enabled": true, "ratelimits": [{"name": "rl", "limit": 9, "duration": 60000, "autoApply": true}]}]', :'hash'));
SELECT 'MG-01' AS case, tests.masked(data) AS data FROM tests.v2('keys.verifyKey', '{"key": "vm_old"}');
SELECT 'MG-01' AS case, tests.masked(data - 'ratelimits') AS data FROM tests.v2('keys.whoami', '{"key": "vm_old"}');
SELECT 'MG-07' AS case, count(*) FROM unkey_list_roles(search => 'vm.new-role');
SELECT 'MG-02' AS case, status, tests.masked(data) AS data FROM pg_temp.migrated(format('[{"hash": "%s"}, {"hash": "LCa0a2j/xo/5m0U8HTBBNBNCLXBkg7+g+YpeiGJm564="}, {"hash": "LCa0a2j/xo/5m0U8HTBBNBNCLXBkg7+g+YpeiGJm564="}]', :'hash'));
SELECT 'F' AS case, status, data FROM pg_temp.migrated('[]');

-- MG-04: keys of the prefixed form are finished by the first verification that names the migration.
INSERT INTO unkey.migrations (id, algorithm) VALUES ('vm.prefixed', 'github.com/seamapi/prefixed-api-key');
SELECT 'MG-04' AS case, status, tests.masked(replace(data::text, :'long_hash', '<hash>')) AS data FROM tests.v2('keys.migrateKeys', '{"migrationId": "vm.prefixed", "apiId": "%s", "keys": [{"hash": "%s"}]}', :'api', :'long_hash');
-- One that the root key or the request does not let be found is left as it is.
SELECT current_setting('tests.authorization') AS all_root, tests.root('{api.api_another.verify_key}') \gset
SELECT 'C.7' AS case, code FROM tests.v2('keys.verifyKey', '{"key": "seam_8aBcDeFg_vmlongtokenvalue123456", "migrationId": "vm.prefixed"}');
SELECT set_config('tests.authorization', :'all_root', false) \gset
SELECT 'C.7' AS case, code FROM tests.v2('keys.verifyKey', '{"key": "seam_8aBcDeFg_vmlongtokenvalue123456", "migrationId": "vm.prefixed", "keyspaces": ["ks_other"]}');
-- A refused verification undoes that it finished the migration.
SELECT 'C.7' AS case, more, result.status, code FROM unnest(ARRAY['"ratelimits": [{"name": "vm.none"}]', '"permissions": "a AND"']) AS more,
    tests.v2('keys.verifyKey', '{"key": "seam_8aBcDeFg_vmlongtokenvalue123456", "migrationId": "vm.prefixed", ' || more || '}') AS result;
SELECT 'C.7' AS case, hash = decode(:'long_hash', 'hex') AS unfinished FROM unkey.keys WHERE pending_migration_id = 'vm.prefixed';
SELECT 'MG-04' AS case, members, code FROM unnest(ARRAY['', ', "migrationId": "vm.unknown"', ', "migrationId": "vm.m"', ', "migrationId": "vm.prefixed"', '']) WITH ORDINALITY AS calls(members, n), tests.v2('keys.verifyKey', '{"key": "seam_8aBcDeFg_vmlongtokenvalue123456"' || members || '}') ORDER BY n;
SELECT 'MG-04' AS case, data ? 'start' AS start FROM tests.v2('keys.whoami', '{"key": "seam_8aBcDeFg_vmlongtokenvalue123456"}');
SELECT 'MG-05' AS case, status, code, location, detail FROM tests.v2('keys.verifyKey', '{"key": "onlyone", "migrationId": "vm.prefixed"}');

-- What is refused, and that nothing of it is kept.
SELECT left(keys, 70) AS keys, refused.status, code, location, left(detail, 90) AS detail FROM unnest(ARRAY['null', '{}', '[1]', '[{}]', '[{"hash": "x"}]', '[{"hash": null}]', '[{"hash": "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=", "foo": 1}]', '[{"hash": "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=", "externalId": "vm.refused"}, {"hash": "x"}]',
    '[{"hash": "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=", "credits": {"remaining": null, "refill": {"interval": "daily", "amount": 1}}}]', '[{"hash": "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=", "expires": -1}]']) AS keys, pg_temp.migrated(keys) AS refused;
SELECT body, result.status, code, location FROM unnest(ARRAY['{}', '{"migrationId": "m", "apiId": "api_unknown", "keys": []}', '{"migrationId": null, "apiId": "api_unknown", "keys": []}', '{"apiId": "api_unknown", "keys": []}', '{"migrationId": "m", "apiId": "api_unknown", "keys": [], "foo": 1}']) AS body, tests.v2('keys.migrateKeys', body) AS result;
SELECT (SELECT count(*) FROM unkey.identities WHERE external_id = 'vm.refused') AS identities, (SELECT count(*) FROM unkey.keys WHERE hash = sha256('abc')) AS keys;
