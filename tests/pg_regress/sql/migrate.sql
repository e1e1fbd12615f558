-- unkey_migrate_keys: keys that exist elsewhere, imported by their hashes.
SET datestyle = ISO;
SET timezone = 'UTC';
SELECT unkey_create_api('migrate', default_prefix => 'dflt') AS api_id, unkey_create_api('migrate-other') AS other_id \gset
SELECT tests.at('2026-03-03 12:00+00');
-- Documents for keys of these texts.
CREATE FUNCTION pg_temp.keys(VARIADIC texts text[]) RETURNS jsonb LANGUAGE sql
RETURN (SELECT jsonb_agg(jsonb_build_object('hash', encode(sha256(convert_to(key, 'UTF8')), 'base64')) ORDER BY n)
    FROM unnest(texts) WITH ORDINALITY AS keys(key, n));

-- MG-01: imported, it verifies.
SELECT migrated->0->>'keyId' AS key_id, migrated, failed FROM unkey_migrate_keys(:'api_id', pg_temp.keys('mg_old_key'), 'mg.one') \gset
SELECT 'MG-01' AS "case", jsonb_array_length(:'migrated') AS migrated, :'migrated'::jsonb->0->>'hash' = encode(sha256('mg_old_key'), 'base64') AS hash,
    :'key_id' ~ '^key_[1-9A-HJ-NP-Za-km-z]{16,22}$' AS key_id, :'failed' AS failed;
SELECT 'MG-01' AS "case", code, key_id = :'key_id' AS same_id, name, meta, credits, enabled, roles, permissions, identity, ratelimits FROM unkey_verify_key('mg_old_key');
SELECT 'MG-01' AS "case", code FROM unkey_verify_key('mg_old_key', migration_id => 'mg.one');
SELECT 'MG-01' AS "case", start, api_id = :'api_id' AS same_api FROM unkey_get_key(:'key_id');
SELECT 'MG-01' AS "case", algorithm FROM unkey.migrations WHERE id = 'mg.one';
-- The id is derived from the hash as for any other key: gone for good and imported again, it is the same.
SELECT unkey_delete_key(:'key_id', permanent => true);
SELECT 'MG-01' AS "case", migrated->0->>'keyId' = :'key_id' AS same_id FROM unkey_migrate_keys(:'api_id', pg_temp.keys('mg_old_key'));

-- The text of a root key is no key, too.
SELECT key AS root FROM unkey_create_root_key('mg.root', '{api.*.read_api}') \gset
SELECT 'A.8' AS "case", jsonb_array_length(migrated) AS migrated, cardinality(failed) AS failed FROM unkey_migrate_keys(:'api_id', pg_temp.keys(:'root'), 'mg.one');
SELECT 'A.8' AS "case", code FROM unkey_verify_key(:'root');
-- MG-02: a hash that exists goes to failed, as it was written; the rest is imported.
SELECT 'MG-02' AS "case", jsonb_array_length(migrated) AS migrated, failed = ARRAY[encode(sha256('mg_twice'), 'base64')] AS failed
FROM unkey_migrate_keys(:'api_id', pg_temp.keys('mg_twice', 'mg_twice', 'mg_other'), 'mg.one');
SELECT 'MG-02' AS "case", jsonb_array_length(migrated) AS migrated, cardinality(failed) AS failed
FROM unkey_migrate_keys(:'api_id', pg_temp.keys('mg_other', 'mg_third', 'mg_twice'), 'mg.one');
-- In the other spelling, in another API, and of a deleted key too.
SELECT 'MG-02' AS "case", migrated, failed = ARRAY[upper(encode(sha256('mg_twice'), 'hex'))] AS failed
FROM unkey_migrate_keys(:'other_id', jsonb_build_array(jsonb_build_object('hash', upper(encode(sha256('mg_twice'), 'hex')))));
SELECT unkey_delete_key(key_id) FROM unkey_verify_key('mg_twice');
SELECT 'MG-02' AS "case", migrated, cardinality(failed) AS failed FROM unkey_migrate_keys(:'api_id', pg_temp.keys('mg_twice'));
SELECT 'MG-02' AS "case", code FROM unnest(ARRAY['mg_twice', 'mg_other', 'mg_third']) AS key, unkey_verify_key(key);
-- The first of a hash wins.
SELECT 'MG-02' AS "case", jsonb_array_length(migrated) AS migrated, cardinality(failed) AS failed FROM unkey_migrate_keys(:'api_id', jsonb_build_array(
    jsonb_build_object('hash', encode(sha256('mg_first'), 'hex'), 'name', 'first'), jsonb_build_object('hash', encode(sha256('mg_first'), 'base64'), 'name', 'second')));
SELECT 'MG-02' AS "case", name FROM unkey_verify_key('mg_first');
-- Nothing to import is no mistake.
SELECT migrated, failed FROM unkey_migrate_keys(:'api_id', '[]', 'mg.empty');

-- Hashes as base64 or as hex, in small and capital letters.
SELECT spelling, jsonb_array_length(migrated) AS migrated, migrated->0->>'hash' = hash AS as_written, code
FROM (VALUES ('base64', encode(sha256('mg_base64'), 'base64'), 'mg_base64'), ('hex', encode(sha256('mg_hex'), 'hex'), 'mg_hex'),
    ('HEX', upper(encode(sha256('mg_HEX'), 'hex')), 'mg_HEX')) AS spellings(spelling, hash, key),
    unkey_migrate_keys(:'api_id', jsonb_build_array(jsonb_build_object('hash', hash))), unkey_verify_key(substr(key, 1, jsonb_array_length(migrated) * 99));

-- MG-04: prefixed API keys. Imported by the hash of the last part, finished by the first verification that names the migration.
SELECT migrated->0->>'keyId' AS seam_id FROM unkey_migrate_keys(:'api_id',
    '[{"hash": "46107d71da8f63e73672e8cb7d33a89731468ec339efa5c903f0de53fb8620b5", "credits": {"remaining": 5}}]',
    'mg.seam', 'github.com/seamapi/prefixed-api-key') \gset
SELECT 'MG-04' AS "case", code FROM unkey_verify_key('seam_8aBcDeFg_longtokenvalue123456');
SELECT 'MG-04' AS "case", migration_id, code FROM unnest(ARRAY['mg.nope', 'mg.one', '']) AS migration_id,
    unkey_verify_key('seam_8aBcDeFg_longtokenvalue123456', migration_id => migration_id);
SELECT 'MG-04' AS "case", code, key_id = :'seam_id' AS same_id, credits FROM unkey_verify_key('seam_8aBcDeFg_longtokenvalue123456', migration_id => 'mg.seam');
SELECT 'MG-04' AS "case", code, key_id = :'seam_id' AS same_id, credits FROM unkey_verify_key('seam_8aBcDeFg_longtokenvalue123456');
SELECT 'MG-04' AS "case", start FROM unkey_get_key(:'seam_id');
-- Finished, it is an ordinary key: another text with the same last part is none, the last part alone neither.
SELECT 'MG-04' AS "case", key, code FROM unnest(ARRAY['evil_12345678_longtokenvalue123456', 'a_longtokenvalue123456_']) AS key, unkey_verify_key(key, migration_id => 'mg.seam');
SELECT 'MG-04' AS "case", code FROM unkey_verify_key('longtokenvalue123456');
-- MG-05: a text that can't be a prefixed API key, if nothing else matches it.
SELECT 'MG-05' AS "case", key, error.* FROM unnest(ARRAY['onlyone', 'only_two']) AS key,
    tests.error(format('SELECT unkey_verify_key(%L, migration_id => ''mg.seam'')', key)) AS error;
SELECT 'MG-05' AS "case", code FROM unkey_verify_key('mg_old_key', migration_id => 'mg.seam');
SELECT 'MG-05' AS "case", key, code FROM unnest(ARRAY['onlyone', 'only_two']) AS key, unkey_verify_key(key, migration_id => 'mg.one');
-- A migration keeps its algorithm; without a migration there is nothing that an algorithm could belong to.
SELECT migrated->0->>'keyId' AS pending_id FROM unkey_migrate_keys(:'api_id', jsonb_build_array(jsonb_build_object('hash', encode(sha256('longtoken2'), 'hex'))), 'mg.seam') \gset
SELECT 'MG-04' AS "case", pending_migration_id FROM unkey.keys WHERE id = :'pending_id';
SELECT 'algorithm' AS argument, error.* FROM (VALUES ('mg.seam', 'sha256'), ('mg.one', 'github.com/seamapi/prefixed-api-key'), ('mg.new', 'md5'), ('mg.new', '')) AS wrong(id, algorithm),
    tests.error(format('SELECT unkey_migrate_keys(%L, ''[]'', %L, %L)', :'api_id', id, algorithm)) AS error;

SELECT 'algorithm' AS argument, algorithm, state FROM unnest(ARRAY['md5', 'github.com/seamapi/prefixed-api-key']) AS algorithm,
    tests.error(format('SELECT unkey_migrate_keys(%L, ''[]'', algorithm => %L)', :'api_id', algorithm));
-- A text whose hash a deleted key has reserved stays unknown.
INSERT INTO unkey.keys (api_id, hash, deleted_at) VALUES (:'api_id', sha256('seam_x_longtoken2'), now());
SELECT 'MG-04' AS "case", code FROM unkey_verify_key('seam_x_longtoken2', migration_id => 'mg.seam');

-- Every attribute.
SELECT * FROM unkey_migrate_keys(:'api_id', jsonb_build_array(jsonb_build_object('hash', encode(sha256('sk_live_mgfull'), 'base64')) || '{
    "prefix": "sk_live", "start": "sk_live_mgf", "name": "full", "externalId": "mg.u1", "meta": {"plan": "pro"}, "roles": ["mg.r1", "mg.r2"],
    "permissions": ["mg.p2", "mg.p1"], "expires": 4102444800000, "enabled": true, "credits": {"remaining": 7, "refill": {"interval": "monthly", "amount": 9, "refillDay": 31}},
    "ratelimits": [{"name": "rl", "limit": 10, "duration": 60000, "autoApply": true}], "ipWhitelist": ["10.0.0.0/8", "::1"]}')) \gset full_
-- MG-07: missing roles are made, as are identities and permissions.
\x on
SELECT 'MG-07' AS "case", code, name, meta, expires, credits, roles, permissions, identity - 'id' AS identity, tests.limits(ratelimits) FROM unkey_verify_key('sk_live_mgfull', ip => '10.9.9.9');
SELECT start, refill_amount, refill_interval, refill_day, ip_allowlist FROM unkey_whoami('sk_live_mgfull');
\x off
SELECT 'MG-07' AS "case", name, description, permissions FROM unkey_get_role('mg.r1');
-- Those that exist are used; disabled and expired keys stay so; a day with a daily refill is ignored.
SELECT jsonb_array_length(migrated) AS migrated FROM unkey_migrate_keys(:'api_id', jsonb_build_array(
    jsonb_build_object('hash', encode(sha256('mg_disabled'), 'hex')) || '{"enabled": false, "externalId": "mg.u1", "roles": ["mg.r1"], "permissions": ["mg.p1", "mg.p1"]}',
    jsonb_build_object('hash', encode(sha256('mg_expired'), 'hex')) || '{"expires": 0, "externalId": "mg.u1"}',
    jsonb_build_object('hash', encode(sha256('mg_daily'), 'hex')) || '{"credits": {"remaining": 1, "refill": {"interval": "daily", "amount": 2, "refillDay": 3}}}',
    jsonb_build_object('hash', encode(sha256('mg_nulls'), 'hex')) || '{"prefix": null, "start": null, "name": null, "externalId": null, "meta": null, "roles": null, "permissions": null,
        "expires": null, "enabled": null, "credits": null, "ratelimits": null, "ipWhitelist": null}',
    jsonb_build_object('hash', encode(sha256('mg_unlimited'), 'hex')) || '{"credits": {"remaining": null}}'));
SELECT key, code, roles, permissions, identity->>'externalId' AS external_id, credits
FROM unnest(ARRAY['mg_disabled', 'mg_expired', 'mg_daily', 'mg_nulls', 'mg_unlimited']) AS key, unkey_verify_key(key);
SELECT refill_interval, refill_amount, refill_day FROM unkey_whoami('mg_daily');
SELECT count(*) AS identities FROM unkey.identities WHERE external_id = 'mg.u1';

-- A wrong element is named by its index, and nothing at all is written.
CREATE FUNCTION pg_temp.counts() RETURNS text LANGUAGE sql RETURN (SELECT format('%s %s %s %s %s', (SELECT count(*) FROM unkey.keys), (SELECT count(*) FROM unkey.identities),
    (SELECT count(*) FROM unkey.permissions), (SELECT count(*) FROM unkey.roles), (SELECT count(*) FROM unkey.migrations)));
SELECT pg_temp.counts() AS before \gset
SELECT wrong, error.*
FROM unnest(ARRAY[
    '{"hash": ""}', '{"hash": "abc"}', '{"hash": null}', '{}', '{"foo": 1}', '{"prefix": "a-b"}', '{"prefix": ""}', '{"prefix": "seventeen_chars17"}', '{"name": ""}',
    '{"externalId": "a b"}', '{"meta": []}', '{"roles": ["1x"]}', '{"roles": "mg.r1"}', '{"permissions": ["a b"]}', '{"permissions": [null]}', '{"expires": -1}',
    '{"expires": 4102444800001}', '{"enabled": "yes"}', '{"credits": {"remaining": -1}}', '{"credits": {"remaining": null, "refill": {"interval": "daily", "amount": 1}}}',
    '{"credits": {"remaining": 1, "refill": {"interval": "monthly", "amount": 1}}}', '{"credits": {"remaining": 1, "refill": {"interval": "daily", "amount": 0}}}',
    '{"credits": 5}', '{"ratelimits": [{"name": "l", "limit": 1, "duration": 999}]}', '{"ratelimits": [{"name": "l", "limit": 1, "duration": 1000}, {"name": "l", "limit": 1, "duration": 1000}]}',
    '{"ipWhitelist": ["10.0.0"]}', '5', 'null'
]) AS wrong, tests.error(format('SELECT unkey_migrate_keys(%L, %L, ''mg.lost'')', :'api_id', jsonb_build_array(
    jsonb_build_object('hash', encode(sha256('mg_lost'), 'hex')) || '{"externalId": "mg.lost", "permissions": ["mg.lost"], "roles": ["mg.lost"]}',
    CASE WHEN wrong IN ('5', 'null', '{}') OR wrong LIKE '{"hash"%' THEN wrong::jsonb ELSE jsonb_build_object('hash', encode(sha256('mg_wrong'), 'hex')) || wrong::jsonb END))) AS error;
SELECT "case", length(start), error.state, error.message FROM (VALUES ('start', repeat('s', 51))) AS wrong("case", start),
    tests.error(format('SELECT unkey_migrate_keys(%L, %L)', :'api_id', jsonb_build_array(jsonb_build_object('hash', encode(sha256('mg_wrong'), 'hex'), 'start', start)))) AS error;
SELECT arguments, error.*
FROM unnest(ARRAY['''api_nope'', ''[]''', 'NULL, ''[]''', ':api, NULL', ':api, ''{}''', ':api, ''"x"''', ':api, ''null''', ':api, ''[]'', ''''']) AS arguments,
    tests.error(format('SELECT unkey_migrate_keys(%s)', replace(arguments, ':api', quote_literal(:'api_id')))) AS error;
SELECT length(id), error.state, error.message FROM repeat('m', 257) AS id, tests.error(format('SELECT unkey_migrate_keys(%L, ''[]'', %L)', :'api_id', id)) AS error;
SELECT pg_temp.counts() = :'before' AS nothing_written;

-- A batch of 1000, in the order given.
SELECT jsonb_agg(jsonb_build_object('hash', encode(sha256(convert_to('mg_batch_' || n, 'UTF8')), 'base64'), 'name', 'batch ' || n, 'externalId', 'mg.batch-' || n % 10,
    'permissions', jsonb_build_array('mg.batch-' || n % 7), 'credits', jsonb_build_object('remaining', n)) ORDER BY n) AS batch FROM generate_series(1, 1000) AS n \gset
SELECT jsonb_array_length(migrated) AS migrated, cardinality(failed) AS failed,
    (SELECT bool_and(document->>'hash' = :'batch'::jsonb->(n::int - 1)->>'hash') FROM jsonb_array_elements(migrated) WITH ORDINALITY AS documents(document, n)) AS in_order
FROM unkey_migrate_keys(:'api_id', :'batch', 'mg.batch');
SELECT count(*), count(DISTINCT key_id) AS ids, count(DISTINCT identity->>'id') AS identities, sum(credits) AS credits, count(*) FILTER (WHERE code = 'VALID') AS valid
FROM unkey_verify_keys((SELECT array_agg('mg_batch_' || n) FROM generate_series(1, 1000) AS n));
SELECT jsonb_array_length(migrated) AS migrated, cardinality(failed) AS failed FROM unkey_migrate_keys(:'api_id', :'batch', 'mg.batch');
DELETE FROM unkey.keys WHERE name LIKE 'batch %';
