-- unkey_get_verifications and unkey_get_ratelimits: results, every kind of mistake, limits. What the dialect allows is
-- tested in crates/analytics; here Postgres runs what it makes.
SELECT tests.at('2026-01-02 12:00+00');
-- Rows of our own in place of the views, which step aside until the end of this file.
BEGIN;
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['key_verifications_v1', 'key_verifications_per_day_v1', 'ratelimits_v1'] LOOP
        IF to_regclass('unkey.' || name) IS NOT NULL THEN
            EXECUTE format('ALTER VIEW unkey.%I RENAME TO %I', name, 'aside_' || name);
        END IF;
    END LOOP;
END
$$;
CREATE TABLE unkey.key_verifications_v1 (request_id text, time unkey.instant, workspace_id text, key_space_id text, api_id text, key_id text,
    identity_id text, external_id text, outcome text, region text, tags text[], spent_credits bigint, latency double precision, source text);
INSERT INTO unkey.key_verifications_v1 (request_id, time, key_space_id, key_id, external_id, outcome, tags, spent_credits, latency) VALUES
    ('req_1', '2026-01-01 00:00+00', 'ks_1', 'key_1', 'anna', 'VALID', '{path=/a,env=prod}', 1, 2),
    ('req_2', '2026-01-01 10:30+00', 'ks_1', 'key_1', 'anna', 'RATE_LIMITED', '{path=/b}', 0, 4),
    ('req_3', '2026-01-02 11:59:59.123+00', 'ks_1', 'key_2', NULL, 'VALID', '{}', 9007199254740993, 6);
CREATE TABLE unkey.key_verifications_per_day_v1 (time timestamptz, workspace_id text, key_space_id text, api_id text, identity_id text,
    external_id text, key_id text, outcome text, tags text[], count bigint, spent_credits bigint);
INSERT INTO unkey.key_verifications_per_day_v1 (time, key_id, outcome, count) VALUES
    ('2026-01-01 00:00+00', 'key_1', 'VALID', 7), ('2026-01-01 00:00+00', 'key_1', 'EXPIRED', 3), ('2026-01-02 00:00+00', 'key_2', 'VALID', 5);
CREATE TABLE unkey.ratelimits_v1 (request_id text, time timestamptz, workspace_id text, namespace_id text, identifier text, passed boolean,
    latency double precision, override_id text, "limit" bigint, remaining bigint, reset_at timestamptz, tokens bigint);
INSERT INTO unkey.ratelimits_v1 (identifier, passed, "limit", reset_at) VALUES ('a', true, 10, '2026-01-02 00:00+00'), ('a', false, 10, NULL);
COMMIT;
CREATE FUNCTION tests.rows(query text) RETURNS SETOF json LANGUAGE sql RETURN unkey_get_verifications(query);

-- Results: columns in order, integers as integers, instants in UTC whatever the session's zone, nothing as null.
SET timezone = 'Asia/Tokyo';
SELECT tests.rows('SELECT time, key_id, tags, spent_credits, latency, outcome = ''VALID'' AS ok, region FROM key_verifications_v1 ORDER BY time DESC');
SELECT tests.rows('SELECT toStartOfHour(time) AS hour, toDate(time) AS day, toStartOfMonth(time) AS month, formatDateTime(time, ''%d.%m.%Y %H:%i'') AS text FROM key_verifications_v1 ORDER BY 1 LIMIT 2');
SELECT tests.rows('SELECT now() AS now, now() - INTERVAL 36 HOUR AS before, toUnixTimestamp64Milli(now()) AS ms, fromUnixTimestamp64Milli(0) AS epoch, today() - 1 AS yesterday, groupArray(time) AS times FROM key_verifications_v1');
SELECT tests.rows('SELECT 7 / 2 AS half, 1 / 0 AS nothing, 30 * 86400 * 1000 AS big, intDiv(7, 2) AS whole, round(200 / 3, 2) AS rounded, 0.1 AS tenth, toFloat64(1) AS float');
-- Intervals begin where ClickHouse has them begin: years from year 0, quarters and months from 1900, weeks on a Monday, hours at midnight.
SELECT at, tests.rows(format('SELECT toStartOfInterval(t, INTERVAL 1 WEEK) AS week, week = toMonday(t) AS monday, toStartOfInterval(t, INTERVAL ''2 weeks'') AS fortnight, toStartOfInterval(t, INTERVAL 1 MONTH) AS month, toStartOfInterval(t, INTERVAL 9 MONTH) AS months, toStartOfInterval(t, INTERVAL 2 QUARTER) AS half, toStartOfInterval(t, toIntervalYear(5)) AS years, toStartOfInterval(t, INTERVAL 7 HOUR) AS hours, toStartOfInterval(t, INTERVAL 10 DAY) AS days FROM (SELECT toDateTime(''%s'') AS t)', at))
FROM unnest(ARRAY['2026-01-01 10:30:00', '2026-01-04 23:59:59', '2026-01-05 00:00:00', '1969-12-31 23:00:00', '2024-02-29 13:59:59']) AS at;
SELECT * FROM tests.error($$SELECT unkey_get_verifications('SELECT toStartOfInterval(time, INTERVAL 0 MONTH) AS x FROM key_verifications_v1')$$);
SET timezone = 'UTC';

-- A part of a text counts from the end where its start is below 0; from 0 on there is nothing.
SELECT start, tests.rows(format('SELECT substring(''hellö'', %1$s) AS rest, substring(''hellö'', %1$s, 2) AS two, substr(''hellö'', n, 7) AS seven, SUBSTRING(''hellö'' FROM n FOR 0) AS none FROM (SELECT %1$s AS n)', start)) FROM unnest('{3,1,9,0,-1,-3,-5,-6,-9,"NULL"}'::text[]) AS start;
SELECT * FROM tests.error($$SELECT unkey_get_verifications('SELECT substring(outcome, 1, -2) AS x FROM key_verifications_v1')$$);

-- Aggregates as in ClickHouse: a sum of nothing is 0, conditions in the name, levels in parentheses of their own.
SELECT tests.rows('SELECT toDate(time) AS day, SUM(count) AS total, sumIf(count, outcome = ''EXPIRED'') AS expired, round(expired / total * 100, 1) AS rate FROM key_verifications_per_day_v1 WHERE time >= now() - INTERVAL 30 DAY GROUP BY day ORDER BY day');
SELECT tests.rows('SELECT count() AS n, countIf(outcome = ''VALID'') AS valid, uniq(key_id) AS keys, quantile(0.5)(latency) AS median, avg(spent_credits) AS average, groupUniqArray(outcome) AS outcomes, any(outcome) AS one FROM key_verifications_v1 WHERE spent_credits < 10');
SELECT tests.rows('SELECT sum(spent_credits) AS nothing, max(latency) AS none, groupArray(key_id) AS empty FROM key_verifications_v1 WHERE 1 = 0');
SELECT tests.rows('SELECT outcome, sum(count) AS count FROM key_verifications_per_day_v1 GROUP BY outcome HAVING count > 1 ORDER BY count DESC');
-- Tags: membership, one row per element, rules.
SELECT tests.rows('SELECT count(*) AS n FROM key_verifications_v1 WHERE has(tags, ''env=prod'') OR hasAny(tags, [''path=/b'', ''x''])');
SELECT tests.rows('SELECT arrayJoin(arrayFilter(x -> startsWith(x, ''path=''), tags)) AS path, count(*) AS n FROM key_verifications_v1 GROUP BY path ORDER BY path');
SELECT tests.rows('SELECT key_id, arrayJoin(tags) AS tag FROM key_verifications_v1 WHERE tag LIKE ''env%''');
-- Joins, WITH, UNION, windows; a number beside an instant.
SELECT tests.rows('WITH first AS (SELECT key_id, min(time) AS at FROM key_verifications_v1 GROUP BY key_id) SELECT v.key_id, countIf(v.time > f.at) AS again FROM key_verifications_v1 v JOIN first f ON v.key_id = f.key_id GROUP BY v.key_id ORDER BY 1');
SELECT tests.rows('SELECT day, n, sum(n) OVER (ORDER BY day ROWS BETWEEN 6 PRECEDING AND CURRENT ROW) AS running FROM (SELECT time AS day, sum(count) AS n FROM key_verifications_per_day_v1 GROUP BY day) ORDER BY day');
SELECT tests.rows('SELECT key_id FROM key_verifications_v1 WHERE time >= 1767312000000 UNION ALL SELECT ''it\''s \\ "quoted"'' ORDER BY key_id');
SELECT unkey_get_ratelimits('SELECT identifier, countIf(passed) AS passed, count(*) AS total, max(limit) AS "limit", max(reset_at) AS reset FROM ratelimits_v1 GROUP BY identifier');

-- Mistakes, each with its SQLSTATE.
SELECT 'AN-04' AS id, * FROM tests.error($$SELECT unkey_get_verifications('DROP TABLE key_verifications_v1')$$);
SELECT * FROM tests.error($$SELECT unkey_get_verifications('SELECT FROM')$$);
SELECT * FROM tests.error($$SELECT unkey_get_verifications('SELECT hash FROM unkey.keys')$$);
SELECT * FROM tests.error($$SELECT unkey_get_verifications('SELECT identifier FROM ratelimits_v1')$$);
SELECT state, message FROM tests.error($$SELECT unkey_get_verifications('SELECT pg_sleep(1)')$$);
SELECT * FROM tests.error($$SELECT unkey_get_verifications('SELECT nothing FROM key_verifications_per_day_v1')$$);
SELECT * FROM tests.error($$SELECT unkey_get_verifications('SELECT key_id FROM key_verifications_v1 WHERE key_space_id = ''ks_unknown''')$$);
SELECT * FROM tests.error($$SELECT unkey_get_verifications(NULL)$$);
-- What only Postgres finds.
SELECT * FROM tests.error($$SELECT unkey_get_verifications('SELECT intDiv(1, 0)')$$);
SELECT * FROM tests.error($$SELECT unkey_get_verifications('SELECT key_id, count(*) FROM key_verifications_v1')$$);
SELECT * FROM tests.error($$SELECT unkey_get_verifications('SELECT lower(5)')$$);
SELECT * FROM tests.error($$SELECT unkey_get_verifications('SELECT toInt64(key_id) FROM key_verifications_v1')$$);
SELECT * FROM tests.error($$SELECT unkey_get_verifications('SELECT (SELECT key_id FROM key_verifications_v1)')$$);
-- An error leaves nothing behind: the session's settings and the transaction are as before.
BEGIN;
SET LOCAL timezone = 'Asia/Tokyo';
DO $$ BEGIN PERFORM unkey_get_verifications('SELECT intDiv(1, 0)'); EXCEPTION WHEN syntax_error THEN RAISE NOTICE '%', SQLERRM; END $$;
SELECT current_setting('timezone'), current_setting('transaction_read_only'), unkey_get_verifications('SELECT 1 AS x');
CREATE TEMP TABLE written AS SELECT 1;
ROLLBACK;

-- Limits: rows, bytes, time. A cancel by statement_timeout stays one.
SET unkey.analytics_max_rows = 2;
SELECT tests.rows('SELECT key_id FROM key_verifications_v1 LIMIT 2');
SELECT * FROM tests.error($$SELECT unkey_get_verifications('SELECT key_id FROM key_verifications_v1')$$);
RESET unkey.analytics_max_rows;
SET unkey.analytics_max_bytes = '1kB';
SELECT * FROM tests.error($$SELECT unkey_get_verifications('SELECT concat(a.key_id, b.key_id) AS x FROM key_verifications_v1 a, key_verifications_v1 b, key_verifications_v1 c, key_verifications_v1 d')$$);
RESET unkey.analytics_max_bytes;
CREATE FUNCTION tests.slow() RETURNS text LANGUAGE sql RETURN
    'SELECT count(*) FROM ' || (SELECT string_agg('key_verifications_v1 t' || n, ', ') FROM generate_series(1, 16) AS n) || ' WHERE t1.latency + t16.latency < 0';
\set VERBOSITY terse
SET unkey.analytics_timeout = 50;
SELECT unkey_get_verifications(tests.slow());
SELECT tests.rows('SELECT 1 AS usable');
SET unkey.analytics_timeout = 0;
SET statement_timeout = 50;
SELECT unkey_get_verifications(tests.slow());
RESET statement_timeout;
RESET unkey.analytics_timeout;
SELECT tests.rows('SELECT 1 AS usable');
-- The limits are not the caller's to lift, and EXECUTE is all a caller needs.
CREATE ROLE analyst;
GRANT EXECUTE ON FUNCTION unkey_get_verifications(text) TO analyst;
SET ROLE analyst;
SET unkey.analytics_timeout = 0;
SELECT unkey_get_verifications('SELECT count(*) AS n FROM key_verifications_v1');
SELECT unkey_get_ratelimits('SELECT 1');
RESET ROLE;
DROP OWNED BY analyst;
DROP ROLE analyst;
-- A hot standby and a read-only transaction can query as well.
BEGIN READ ONLY;
SELECT unkey_get_verifications('SELECT max(latency) AS x FROM key_verifications_v1');
ROLLBACK;

DROP TABLE unkey.key_verifications_v1, unkey.key_verifications_per_day_v1, unkey.ratelimits_v1;
DO $$
DECLARE
    name text;
BEGIN
    FOR name IN SELECT relname FROM pg_class WHERE relnamespace = 'unkey'::regnamespace AND relname LIKE 'aside\_%' LOOP
        EXECUTE format('ALTER VIEW unkey.%I RENAME TO %I', name, substr(name, 7));
    END LOOP;
END
$$;
SELECT tests.at(NULL);
