-- What is recorded of a verification: one event for every key that was found, whatever the answer.
SET datestyle = ISO;
SET timezone = 'UTC';
\pset null '-'
SELECT unkey_create_api('analytics') AS api \gset
SELECT keyspace_id AS keyspace FROM unkey_get_api(:'api') \gset
SELECT tests.at('2025-04-02 12:34:56.789Z') \gset
DELETE FROM unkey.verification_queue;
-- Takes the events recorded since the last look.
CREATE FUNCTION pg_temp.recorded() RETURNS SETOF unkey.verification_queue LANGUAGE sql AS 'DELETE FROM unkey.verification_queue RETURNING *';

-- AN-01: a valid call, with everything that can be known of it.
SELECT key_id, key FROM unkey_create_key(:'api', external_id => 'an.owner', credits => 10) \gset
SELECT 'AN-01' AS "case", code, credits FROM unkey_verify_key(:'key', cost => 3, tags => '{b,a}');
SELECT 'AN-01' AS "case", outcome, tags, spent_credits, external_id, source, role, region, time FROM unkey.verification_queue;
SELECT 'AN-01' AS "case", key_id = :'key_id' AS key, api_id = :'api' AS api, key_space_id = :'keyspace' AS keyspace,
    identity_id = (SELECT identity->>'id' FROM unkey_get_key(:'key_id')) AS identity, request_id LIKE 'req\_%' AS request, latency > 0 AND latency < 60000 AS latency
FROM pg_temp.recorded();

-- AN-02: a rate-limited call spends nothing.
SELECT key AS limited FROM unkey_create_key(:'api', credits => 10, ratelimits => '[{"name": "an", "limit": 1, "duration": 60000, "autoApply": true}]') \gset
SELECT 'AN-02' AS "case", code, credits FROM unkey_verify_keys(array_fill(:'limited'::text, ARRAY[2]), cost => 4);
SELECT 'AN-02' AS "case", outcome, spent_credits FROM pg_temp.recorded() ORDER BY spent_credits;

-- Every outcome, with its tags, also those that other systems leave out.
SELECT key AS off FROM unkey_create_key(:'api', enabled => false, credits => 5) \gset
SELECT key AS old FROM unkey_create_key(:'api', expires => '2025-04-02 12:00Z') \gset
SELECT key AS poor FROM unkey_create_key(:'api', credits => 2) \gset
SELECT key AS fenced FROM unkey_create_key(:'api', ip_allowlist => '{10.0.0.0/8}') \gset
SELECT code FROM unkey_verify_keys(ARRAY[:'off', :'old', :'poor', :'fenced', :'key', :'limited', 'an_unknown', NULL], permissions => 'an.p', cost => 3, tags => '{t}');
SELECT outcome, tags, spent_credits FROM pg_temp.recorded() ORDER BY outcome COLLATE "C";
SELECT code FROM unkey_verify_keys(ARRAY[:'poor', :'key', :'limited', ''], cost => 3, tags => '{t,t,s}');
SELECT outcome, tags, spent_credits FROM unkey.verification_queue ORDER BY outcome COLLATE "C";
-- One call is one request.
SELECT count(*) AS events, count(DISTINCT request_id) AS requests FROM pg_temp.recorded();

-- By hash too; a call that fails, or a key that is not found, records nothing.
SELECT code FROM unkey.verify(:'key_id', sha256(:'key'), tags => '{h}');
SELECT outcome, tags FROM pg_temp.recorded();
SELECT state FROM tests.error(format('SELECT unkey_verify_key(%L, ''a AND'')', :'key'));
SELECT code FROM unkey_verify_key('an_unknown');
SELECT code FROM unkey_verify_key(:'key', api_id => 'api_other');
SELECT count(*) FROM pg_temp.recorded();

-- What is rolled back was not spent and is not recorded; other rows of the transaction stay as they are.
BEGIN;
SELECT code, credits FROM unkey_verify_key(:'key');
SAVEPOINT a;
SELECT code, credits FROM unkey_verify_key(:'key');
ROLLBACK TO a;
COMMIT;
SELECT outcome, spent_credits FROM pg_temp.recorded();

-- The role is the one that asked, not the owner of the function.
CREATE ROLE regress_unkey_asker;
GRANT EXECUTE ON FUNCTION unkey_verify_key TO regress_unkey_asker;
SET ROLE regress_unkey_asker;
SELECT code FROM unkey_verify_key(:'key');
RESET ROLE;
SELECT role FROM pg_temp.recorded();
DROP OWNED BY regress_unkey_asker;
DROP ROLE regress_unkey_asker;

-- A transaction that can't write verifies without a record.
BEGIN READ ONLY;
SELECT code FROM unkey_verify_key(:'key', cost => 0);
COMMIT;
-- A superuser can switch recording off for a session; nobody else can.
SET unkey.record_verifications = off;
SELECT code FROM unkey_verify_key(:'key', cost => 0);
RESET unkey.record_verifications;
SELECT name, context FROM pg_settings WHERE name IN ('unkey.record_verifications', 'unkey.retention', 'unkey.rollup_retention');
SELECT count(*) FROM pg_temp.recorded();

-- The longest tags there can be.
SELECT array_agg(repeat(chr(8364), 510) || lpad(n::text, 2, '0')) AS tags FROM generate_series(1, 20) AS n \gset
SELECT code FROM unkey_verify_key(:'key', cost => 0, tags => :'tags');
SELECT drained FROM unkey.maintain();
SELECT count, tags = :'tags' AS tags FROM unkey.key_verifications_per_hour_v1 WHERE key_id = :'key_id' AND tags <> '{}';

-- When a key was last used is known after maintenance, for every function that shows keys.
SELECT tests.at('2025-04-02 13:00Z') \gset
SELECT code FROM unkey_verify_key(:'off');
SELECT last_used_at FROM unkey_whoami(:'off');
SELECT drained FROM unkey.maintain();
SELECT last_used_at FROM unkey_whoami(:'off');
SELECT last_used_at FROM unkey_get_key(:'key_id');
SELECT count(last_used_at) AS used, count(*) AS keys FROM unkey_list_keys(:'api');
-- Out of order, the latest counts; a deleted key leaves nothing behind, though its events stay.
SELECT tests.at('2025-04-02 12:30Z') \gset
SELECT code FROM unkey_verify_key(:'off');
SELECT drained FROM unkey.maintain();
SELECT key_id AS off_id FROM unkey_whoami(:'off') \gset
SELECT last_used_at FROM unkey_whoami(:'off');
SELECT unkey_delete_key(:'off_id', permanent => true);
SELECT count(*) FROM unkey.key_usage WHERE key_id = :'off_id';
SELECT count(*) FROM unkey.key_verifications_v1 WHERE key_id = :'off_id';
