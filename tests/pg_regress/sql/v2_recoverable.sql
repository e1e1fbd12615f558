-- Recoverable keys over the v2 dialect: who may make and see them, and where a text shows.
SELECT tests.at('2026-03-10 12:00:00+00'), tests.root();
\pset null '-'
SELECT unkey_create_api('vr.storing', store_encrypted_keys => true) AS api, unkey_create_api('vr.plain') AS plain \gset
SELECT 'CK-19' AS case, status, code, detail FROM tests.v2('keys.createKey', '{"apiId": "%s", "recoverable": true}', :'api');
LOAD 'unkey';
COPY (SELECT repeat('cd', 32)) TO PROGRAM 'umask 077; cat > v2_recoverable.key';
ALTER SYSTEM SET unkey.master_key_file = 'v2_recoverable.key';
SELECT pg_reload_conf() \g /dev/null
\c -
\pset null '-'
SELECT tests.at('2026-03-10 12:00:00+00'), tests.root();
SELECT current_setting('tests.authorization') AS all_root \gset
SELECT 'CK-20' AS case, status, code, detail FROM tests.v2('keys.createKey', '{"apiId": "%s", "recoverable": true}', :'plain');
SELECT 'A.2' AS case, got.data->'storeEncryptedKeys' AS stores FROM tests.v2('apis.createApi', '{"name": "vr.made", "storeEncryptedKeys": true}') AS made, tests.v2('apis.getApi', '{"apiId": "%s"}', made.data->>'apiId') AS got;
SELECT status, data->>'keyId' AS id, data->>'key' AS key FROM tests.v2('keys.createKey', '{"apiId": "%s", "recoverable": true, "prefix": "vr"}', :'api') \gset
SELECT data->>'keyId' AS other_id, data->>'key' AS other FROM tests.v2('keys.createKey', '{"apiId": "%s", "recoverable": false}', :'api') \gset

-- GK-02: the text shows when asked for, and only then; a key that is not recoverable just has none.
SELECT 'GK-02' AS case, got.status, data->>'plaintext' = :'key' AS text FROM tests.v2('keys.getKey', '{"keyId": "%s", "decrypt": true}', :'id') AS got;
SELECT 'GK-02' AS case, decrypt, got.status, got.data ? 'plaintext' AS text FROM unnest('{"", ", \"decrypt\": false"}'::text[]) AS decrypt, tests.v2('keys.getKey', '{"keyId": "%s"' || decrypt || '}', :'id') AS got;
SELECT 'GK-02' AS case, got.status, data ? 'plaintext' AS text FROM tests.v2('keys.getKey', '{"keyId": "%s", "decrypt": true}', :'other_id') AS got;
SELECT 'WH-01' AS case, got.status, data ? 'plaintext' AS text FROM tests.v2('keys.whoami', '{"key": "%s"}', :'key') AS got;
SELECT 'LK' AS case, decrypt, (SELECT array_agg(coalesce((row->>'plaintext' = CASE row->>'keyId' WHEN :'id' THEN :'key' ELSE :'other' END)::text, 'none') ORDER BY row->>'keyId' = :'id') FROM jsonb_array_elements(listed.data) AS row) AS texts FROM unnest('{false,true}'::text[]) AS decrypt, tests.v2('apis.listKeys', '{"apiId": "%s", "decrypt": %s}', :'api', decrypt) AS listed;

-- RR-07: a reroll is recoverable as its original.
SELECT data->>'keyId' AS new_id, data->>'key' AS new FROM tests.v2('keys.rerollKey', '{"keyId": "%s", "expiration": 0}', :'id') \gset
SELECT 'RR-07' AS case, data->>'plaintext' = :'new' AS text FROM tests.v2('keys.getKey', '{"keyId": "%s", "decrypt": true}', :'new_id');
SELECT 'DK' AS case, result.status, (SELECT count(*) FROM unkey.encrypted_keys WHERE key_id = :'new_id') AS texts FROM tests.v2('keys.deleteKey', '{"keyId": "%s", "permanent": true}', :'new_id') AS result;
SELECT 'DK' AS case, count(*) AS texts FROM unkey.encrypted_keys WHERE key_id = :'new_id';

-- Who may: encrypt_key beside create_key, decrypt_key beside read_key; without it nothing is made and nothing shown.
SELECT tests.root(ARRAY[format('api.%s.create_key', :'api'), format('api.%s.read_key', :'api'), format('api.%s.read_api', :'api'), format('api.%s.decrypt_key', :'plain'), format('api.%s.encrypt_key', :'plain')]) \gset
SELECT count(*) AS before FROM unkey.keys WHERE api_id = :'api' \gset
SELECT id AS case, result.status, code, detail FROM (VALUES ('B', 'keys.createKey', format('{"apiId": "%s", "recoverable": true}', :'api')), ('RR', 'keys.rerollKey', format('{"keyId": "%s", "expiration": 0}', :'id')), ('GK-04', 'keys.getKey', format('{"keyId": "%s", "decrypt": true}', :'id')), ('LK', 'apis.listKeys', format('{"apiId": "%s", "decrypt": true}', :'api'))) AS calls(id, operation, body), tests.v2(operation, body) AS result;
SELECT count(*) - :before AS made FROM unkey.keys WHERE api_id = :'api';
SELECT 'RR' AS case, result.status FROM tests.v2('keys.rerollKey', '{"keyId": "%s", "expiration": 0}', :'other_id') AS result;
SELECT tests.root(ARRAY[format('api.%s.create_key', :'api'), format('api.%s.encrypt_key', :'api'), format('api.%s.read_key', :'api'), format('api.%s.decrypt_key', :'api')]) \gset
SELECT 'B' AS case, made.status, got.data->>'plaintext' = made.data->>'key' AS text FROM tests.v2('keys.createKey', '{"apiId": "%s", "recoverable": true}', :'api') AS made, tests.v2('keys.getKey', '{"keyId": "%s", "decrypt": true}', made.data->>'keyId') AS got;
-- Without the master key the text can't be opened, and the reply says why; verification needs none.
ALTER SYSTEM RESET unkey.master_key_file;
SELECT pg_reload_conf() \g /dev/null
\c -
\pset null '-'
SELECT set_config('tests.authorization', :'all_root', false) \gset
SELECT 'B' AS case, result.status, code, data ? 'plaintext' AS text, detail FROM tests.v2('keys.getKey', '{"keyId": "%s", "decrypt": true}', :'id') AS result;
SELECT 'B' AS case, result.status, code FROM tests.v2('keys.verifyKey', '{"key": "%s"}', :'other') AS result;
