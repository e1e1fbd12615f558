-- The views: the same numbers whether events are still queued or already moved, in UTC whatever the session's time zone.
SET datestyle = ISO;
SET timezone = 'UTC';
\pset null '-'
SELECT unkey_create_api('views') AS api \gset
DELETE FROM unkey.verification_queue;
DELETE FROM unkey.ratelimit_queue;
SELECT key_id AS one_id, key AS one FROM unkey_create_key(:'api', external_id => 'views.one', credits => 100) \gset
SELECT key_id AS two_id, key AS two FROM unkey_create_key(:'api', credits => 5) \gset

-- Four minutes around a full hour, a midnight and the end of a month, twice each.
PREPARE verify AS SELECT count(*) FROM unkey_verify_keys(ARRAY[$1, $1, $2, $2], cost => 2, tags => '{b,a}');
SELECT tests.at('2025-04-30 22:59:59.999Z') \gset
EXECUTE verify(:'one', :'two');
SELECT tests.at('2025-04-30 23:00Z') \gset
EXECUTE verify(:'one', :'two');
SELECT tests.at('2025-04-30 23:59:59.999Z') \gset
EXECUTE verify(:'one', :'two');
SELECT tests.at('2025-05-01 00:00Z') \gset
EXECUTE verify(:'one', :'two');
INSERT INTO unkey.ratelimit_queue (request_id, time, namespace_id, identifier, passed, latency, override_id, "limit", remaining, reset_at, tokens)
SELECT 'req_1', '2025-04-30 23:58Z'::timestamptz + n * interval '1 minute', 'rlns_views', 'u' || n % 2, n < 4, 0.1, NULL, 3, greatest(3 - n, 0), '2025-05-01 00:01Z', n
FROM generate_series(1, 5) AS n;

-- Everything the views say: sums, since a group may come in several rows.
CREATE VIEW pg_temp.said AS
    SELECT 'raw' AS per, time, external_id AS subject, outcome, tags, count(*), sum(spent_credits) AS amount FROM unkey.key_verifications_v1 WHERE api_id = :'api' GROUP BY 2, 3, 4, 5
    UNION ALL SELECT 'minute', time, external_id, outcome, tags, sum(count), sum(spent_credits) FROM unkey.key_verifications_per_minute_v1 WHERE api_id = :'api' GROUP BY 2, 3, 4, 5
    UNION ALL SELECT 'hour', time, external_id, outcome, tags, sum(count), sum(spent_credits) FROM unkey.key_verifications_per_hour_v1 WHERE api_id = :'api' GROUP BY 2, 3, 4, 5
    UNION ALL SELECT 'day', time, external_id, outcome, tags, sum(count), sum(spent_credits) FROM unkey.key_verifications_per_day_v1 WHERE api_id = :'api' GROUP BY 2, 3, 4, 5
    UNION ALL SELECT 'month', time, external_id, outcome, tags, sum(count), sum(spent_credits) FROM unkey.key_verifications_per_month_v1 WHERE api_id = :'api' GROUP BY 2, 3, 4, 5
    UNION ALL SELECT 'own hour', time, external_id, outcome, tags, sum(count), sum(spent_credits) FROM unkey.own_key_verifications_per_hour_v1 WHERE api_id = :'api' GROUP BY 2, 3, 4, 5
    UNION ALL SELECT 'limit raw', time, identifier, passed::text, NULL, count(*), sum(tokens) FROM unkey.ratelimits_v1 WHERE namespace_id = 'rlns_views' GROUP BY 2, 3, 4
    UNION ALL SELECT 'limit minute', time, identifier, sum(passed) || ' passed', NULL, sum(total), (sum(passed_tokens) || '.' || sum(total_tokens))::numeric FROM unkey.ratelimits_per_minute_v1 WHERE namespace_id = 'rlns_views' GROUP BY 2, 3
    UNION ALL SELECT 'limit hour', time, identifier, sum(passed) || ' passed', NULL, sum(total), (sum(passed_tokens) || '.' || sum(total_tokens))::numeric FROM unkey.ratelimits_per_hour_v1 WHERE namespace_id = 'rlns_views' GROUP BY 2, 3
    UNION ALL SELECT 'limit day', time, identifier, sum(passed) || ' passed', NULL, sum(total), (sum(passed_tokens) || '.' || sum(total_tokens))::numeric FROM unkey.ratelimits_per_day_v1 WHERE namespace_id = 'rlns_views' GROUP BY 2, 3
    UNION ALL SELECT 'limit month', time, identifier, sum(passed) || ' passed', NULL, sum(total), (sum(passed_tokens) || '.' || sum(total_tokens))::numeric FROM unkey.ratelimits_per_month_v1 WHERE namespace_id = 'rlns_views' GROUP BY 2, 3;
CREATE TEMP TABLE queued AS SELECT * FROM pg_temp.said;
-- Of limits, the amount reads: tokens of those that passed . tokens of all.
SELECT * FROM queued ORDER BY per COLLATE "C", time, subject COLLATE "C", outcome COLLATE "C";

-- Moved, the same; with another event queued, one more; and that moved into the same groups as before.
SELECT tests.at('2025-05-01 00:00:30Z') \gset
SELECT drained FROM unkey.maintain();
SELECT count(*) AS queued FROM unkey.verification_queue;
SELECT (SELECT count(*) FROM (TABLE pg_temp.said EXCEPT ALL TABLE queued) AS new) AS new, (SELECT count(*) FROM (TABLE queued EXCEPT ALL TABLE pg_temp.said) AS gone) AS gone;
SELECT code FROM unkey_verify_key(:'one', cost => 2, tags => '{a,b}');
INSERT INTO unkey.ratelimit_queue VALUES ('req_2', unkey.now(), 'rlns_views', 'u1', false, 0.1, 'rlor_1', 3, 0, '2025-05-01 00:01Z', 50);
SELECT * FROM pg_temp.said EXCEPT ALL TABLE queued ORDER BY 1, 2, 3, 4;
DROP TABLE queued;
CREATE TEMP TABLE queued AS SELECT * FROM pg_temp.said;
SELECT drained FROM unkey.maintain();
SELECT (SELECT count(*) FROM (TABLE pg_temp.said EXCEPT ALL TABLE queued) AS new) AS new, (SELECT count(*) FROM (TABLE queued EXCEPT ALL TABLE pg_temp.said) AS gone) AS gone;
SELECT count(*) AS rows, sum(count) AS count FROM unkey.verification_hours WHERE api_id = :'api';

-- Buckets begin in UTC wherever the session is.
SET timezone = 'Asia/Kathmandu';
SELECT (SELECT count(*) FROM (TABLE pg_temp.said EXCEPT ALL TABLE queued) AS new) AS new;
SELECT DISTINCT per, time AT TIME ZONE 'UTC' AS utc FROM pg_temp.said WHERE per ~ 'day|month' ORDER BY 1, 2;
SET timezone = 'UTC';

-- Names, order and types of columns are fixed.
SELECT class.relname AS view, string_agg(attname || ' ' || format_type(atttypid, NULL), ', ' ORDER BY attnum) AS columns
FROM pg_attribute JOIN pg_class AS class ON class.oid = attrelid AND relnamespace = 'unkey'::regnamespace AND relkind = 'v' AND relname ~ '_v1$'
WHERE attnum > 0 GROUP BY 1 ORDER BY 1;

-- A role sees what it asked for itself and nothing else, also through a function that leaks what it is shown.
CREATE ROLE regress_unkey_customer;
GRANT USAGE ON SCHEMA unkey TO regress_unkey_customer;
GRANT EXECUTE ON FUNCTION unkey_verify_key TO regress_unkey_customer;
GRANT SELECT ON unkey.own_key_verifications_per_hour_v1 TO regress_unkey_customer;
CREATE FUNCTION pg_temp.leak(text[]) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS $$ BEGIN RAISE NOTICE 'saw %', $1; RETURN true; END $$;
SET ROLE regress_unkey_customer;
SELECT code FROM unkey_verify_key(:'two', cost => 0, tags => '{own}');
SELECT outcome, tags, count FROM unkey.own_key_verifications_per_hour_v1 WHERE pg_temp.leak(tags);
SELECT FROM unkey.key_verifications_v1;
RESET ROLE;
SELECT drained FROM unkey.maintain();
SET ROLE regress_unkey_customer;
SELECT outcome, tags, count FROM unkey.own_key_verifications_per_hour_v1 WHERE pg_temp.leak(tags);
RESET ROLE;
DROP OWNED BY regress_unkey_customer;
DROP ROLE regress_unkey_customer;
