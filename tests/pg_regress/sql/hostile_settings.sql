-- What an ordinary role may set: nothing of unkey.* that decides about a verdict or what is recorded, before the library is loaded or after;
-- and nothing of Postgres that would change an answer, or what the audit log says, by one byte.
SELECT unkey_create_api('settings') AS api_id \gset
SELECT * FROM unkey_create_key(:'api_id', 'st', 'settings', external_id => 'st.owner', meta => '{"float": 0.1, "text": "it''s \\ é"}', permissions => '{st.read,st.write}', credits => 100, expires => '2040-02-29 23:59:59.5+00', ip_allowlist => '{10.0.0.0/8}',
    ratelimits => '[{"name": "rl", "limit": 100, "duration": 60000, "autoApply": true}]') \gset
SELECT key AS expired, key_id AS expired_id FROM unkey_create_key(:'api_id', ratelimits => '[{"name": "rl", "limit": 1, "duration": 3600000, "autoApply": true}]') \gset
UPDATE unkey.keys SET expires = '2001-01-01 00:00+00' WHERE id = :'expired_id';
SELECT unkey_set_override(unkey_create_namespace('st.ns'), 'st*', 1, '1 hour') LIKE 'rlor%' AS limited;
SELECT tests.root() \gset
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_unkey_setter;
RESET client_min_messages;
CREATE ROLE regress_unkey_setter LOGIN;
SELECT unkey_grant('regress_unkey_setter', 'manage');
GRANT USAGE ON SCHEMA tests TO regress_unkey_setter;
SELECT current_setting('tests.authorization') AS authorization \gset

-- Who may set what: x, or how it is refused; for the session, for the role and for the database. A session that has not loaded the library
-- yet takes any name; that only shows below.
LOAD 'unkey';
CREATE FUNCTION tests.may_set(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    RAISE 'done' USING ERRCODE = '00001';
EXCEPTION WHEN OTHERS THEN
    RETURN CASE SQLSTATE WHEN '00001' THEN 'x' WHEN '42501' THEN '-' ELSE SQLSTATE END;
END
$$;
CREATE TEMP TABLE ours AS SELECT name, CASE context WHEN 'postmaster' THEN 'sighup' ELSE context END AS context, coalesce(boot_val, '') AS boot_val FROM pg_settings WHERE name LIKE 'unkey.%';
GRANT SELECT ON ours TO regress_unkey_setter;
SET ROLE regress_unkey_setter;
SELECT name, context, replace(tests.may_set(format('SET %s = %L', name, boot_val)), '55P02', 'configuration') AS session, tests.may_set(format('SELECT set_config(%L, %L, true)', name, boot_val)) = tests.may_set(format('SET LOCAL %s = %L', name, boot_val)) AS local_too,
    tests.may_set(format('ALTER DATABASE %I SET %s = %L', current_database(), name, boot_val)) AS database
FROM ours ORDER BY name;
SELECT count(*) FILTER (WHERE name = 'unkey.master_key_file') AS master_key_file FROM pg_settings WHERE name LIKE 'unkey.%';
RESET ROLE;

-- A new session of that role, which sets everything before the library is there (where it is not preloaded), for itself and as its own
-- default; a clock that stands before the key expired, another place to count, nothing to be recorded.
\c - regress_unkey_setter
SET client_min_messages = error;
SELECT DISTINCT state IN ('00000', '42501', '55P02') AS as_expected FROM unnest(ARRAY['clock = 946684800000', 'counters = ''table''', 'record_verifications = off', 'retention = ''1d''', 'counter_slots = 128', 'master_key_file = ''/dev/zero''', 'analytics_max_rows = 10000000', 'allow_session = on', 'event_buffer = 0']) AS wish,
    unnest(ARRAY['SET unkey.', 'SET SESSION unkey.', 'ALTER ROLE regress_unkey_setter SET unkey.']) AS way, tests.error(way || wish);
SET unkey.cache_size = 0;
SET unkey.scan = off;
SELECT code FROM unkey_verify_key(:'expired');
SELECT unkey.now() > '2026-01-01' AS clock_runs;
SELECT name, setting = boot_val AS as_before FROM pg_settings WHERE name IN ('unkey.clock', 'unkey.record_verifications', 'unkey.retention', 'unkey.master_key_file', 'unkey.analytics_max_rows', 'unkey.counters', 'unkey.allow_session') ORDER BY name;
SELECT state FROM tests.error(format('SELECT unkey_authenticate(%L, session => true)', :'key'));
SELECT success FROM unkey_limit('st.ns', 'st1', 5, '1 hour');
SELECT success FROM unkey_limit('st.ns', 'st1', 5, '1 hour');
SET unkey.cache_size = '1GB';
SET unkey.scan = on;
SELECT code FROM unkey_verify_key(:'expired');
\c - postgres
SELECT setconfig FROM pg_db_role_setting WHERE setrole = 'regress_unkey_setter'::regrole;
-- All of it was recorded.
SELECT count(*) AS recorded FROM unkey.maintain(), unkey.key_verifications_v1 WHERE key_id = :'expired_id';

-- Settings of Postgres that change how values are read, written, planned or compared. A reference to begin with, as the role that sets them.
SELECT set_config('tests.authorization', :'authorization', false) = :'authorization' AS set;
SELECT tests.at('2030-05-05 12:00:00.123+00');
CREATE FUNCTION tests.answers(key text, key_id text, api_id text) RETURNS text[] LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
    answers text[];
    bearer text := current_setting('tests.authorization');
    called record;
    verified unkey.verification;
    details unkey.key_details;
BEGIN
    verified := unkey_verify_key(key, 'st.read AND (st.write OR x)', 2, '[{"name": "rl", "cost": 3}]', '{a,b}', api_id, '10.1.2.3');
    answers := ARRAY[verified.code, verified.key_id, verified.name, verified.meta::text, (extract(epoch FROM verified.expires) * 1000)::bigint::text, verified.credits::text, array_to_string(verified.permissions, ' '), verified.identity::text, verified.ratelimits::text];
    details := unkey_get_key(key_id);
    answers := answers || ARRAY[details.name, details.meta::text, (extract(epoch FROM details.expires) * 1000)::bigint::text, details.ip_allowlist::text, details.ratelimits::text];
    answers := answers || (SELECT code FROM unkey_verify_key(key, ip => '11.0.0.1')) || (SELECT code FROM unkey_verify_key('nope')) || (SELECT count(*) FROM unkey_list_keys(api_id, 'st.owner'))::text;
    FOR called IN SELECT * FROM (VALUES ('keys.verifyKey', '{"key": "%1$s", "permissions": "st.read", "tags": ["a"], "credits": {"cost": 1}}'), ('keys.getKey', '{"keyId": "%2$s"}'), ('keys.whoami', '{"key": "%1$s"}'), ('apis.listKeys', '{"apiId": "%3$s"}'), ('identities.getIdentity', '{"identity": "st.owner"}'), ('permissions.listPermissions', '{"limit": 2}'),
            ('keys.updateKey', '{"keyId": "%2$s", "expires": 2000000000123, "meta": {"float": 1e-7, "big": 12345678901234567890}, "credits": {"remaining": 5, "refill": {"interval": "monthly", "amount": 7, "refillDay": 31}}, "ratelimits": [{"name": "rl2", "limit": 5, "duration": 1000, "autoApply": true}]}'),
            ('keys.getKey', '{"keyId": "%2$s"}'), ('keys.updateCredits', '{"keyId": "%2$s", "operation": "increment", "value": 3}'), ('keys.verifyKey', '{"key": "%1$s", "permissions": "st.read AND"}'), ('keys.createKey', '{"apiId": 5}'), ('ratelimit.limit', '{"namespace": "st.ns", "identifier": "x", "limit": 5, "duration": 60000}'), ('analytics.getVerifications', '{"query": "SELECT toStartOfDay(time) AS t, avg(latency) * 0.1 AS l, outcome, tags FROM key_verifications_v1 WHERE external_id = ''nobody'' GROUP BY t, outcome, tags"}'),
            ('analytics.getVerifications', '{"query": "SELECT sum(spent_credits) / 3 AS third, toDateTime(1700000000) AS t, 1.0 / 3 AS f, [''it''''s'', ''b\\c''] AS a FROM key_verifications_v1 WHERE external_id = ''nobody''"}')) AS calls (operation, body) LOOP
        answers := answers || (SELECT concat(status, ' ', content_type, ' ', regexp_replace(reply.body, '(req|rl)_\w+', '', 'g')) FROM unkey_api(called.operation, bearer, format(called.body, key, key_id, api_id), '10.1.2.3') AS reply);
    END LOOP;
    RETURN answers || (SELECT array_agg(regexp_replace(concat(entry.event, entry.description, entry.targets, entry.changes), '\m(log|rl)_\w+', '', 'g') ORDER BY entry.event, entry.description COLLATE "C", entry.changes) FROM unkey.audit_log AS entry WHERE seal IS NULL AND targets @> jsonb_build_array(jsonb_build_object('id', key_id)));
END
$$;
SELECT unkey.seal_audit_log() >= 0 AS sealed;
BEGIN;
SET LOCAL ROLE regress_unkey_setter;
SELECT tests.answers(:'key', :'key_id', :'api_id') AS reference \gset
ROLLBACK;
SELECT cardinality(:'reference'::text[]) AS answers;

-- Each setting in a transaction of its own, with what it makes of the same call; the digests of what it left in the audit log hold without it.
CREATE TEMP TABLE kept AS SELECT :'reference'::text[] AS reference;
GRANT SELECT ON kept TO regress_unkey_setter;
CREATE FUNCTION pg_temp.same(key text, key_id text, api_id text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    given text[] := tests.answers(key, key_id, api_id);
BEGIN
    RETURN (SELECT coalesce(string_agg(concat(asked, ' became ', answer), E'\n'), 'same') FROM kept, unnest(reference, given) AS pair (asked, answer) WHERE asked IS DISTINCT FROM answer);
END
$$;
-- Several at a time, of which none hides another; those that a major does not have, or keeps for superusers, are left out.
CREATE TEMP TABLE wishes (n serial, wish text, settings text);
INSERT INTO wishes (wish, settings) SELECT wish, string_agg(format('SET %s = %s', name, value), '; ' ORDER BY nth) FROM unnest(ARRAY[
    'datestyle=German, DMY|intervalstyle=sql_standard|timezone="Pacific/Kiritimati"|bytea_output=escape|extra_float_digits=-15|xmlbinary=hex', 'datestyle=SQL, MDY|intervalstyle=iso_8601|timezone="America/St_Johns"|extra_float_digits=3|xmloption=document',
    'lc_monetary="C"|lc_numeric="C"|lc_time="C"|default_text_search_config=simple|client_encoding=UTF8|application_name=x', 'standard_conforming_strings=off|escape_string_warning=off|backslash_quote=on|array_nulls=off|transform_null_equals=on|quote_all_identifiers=on|check_function_bodies=off',
    'row_security=off', 'default_transaction_isolation=serializable|default_transaction_deferrable=on', 'default_transaction_isolation="repeatable read"', 'default_toast_compression=pglz|work_mem="64kB"|hash_mem_multiplier=1|maintenance_work_mem="1MB"|effective_cache_size="8kB"|gin_fuzzy_search_limit=1|track_activities=off',
    'statement_timeout="10min"|lock_timeout="10min"|idle_in_transaction_session_timeout="10min"|synchronous_commit=off', 'plan_cache_mode=force_custom_plan|constraint_exclusion=on|cursor_tuple_fraction=0.01', 'plan_cache_mode=force_generic_plan|from_collapse_limit=1|join_collapse_limit=1|geqo_threshold=2',
    'random_page_cost=1000|seq_page_cost=0|enable_indexscan=off|enable_indexonlyscan=off|enable_bitmapscan=off', 'seq_page_cost=1000|cpu_tuple_cost=1000|enable_seqscan=off|enable_tidscan=off', 'enable_nestloop=off|enable_hashjoin=off|enable_hashagg=off|enable_memoize=off', 'enable_mergejoin=off|enable_nestloop=off|enable_sort=off|enable_incremental_sort=off|enable_material=off|enable_partition_pruning=off',
    'force_parallel_mode=regress|debug_parallel_query=regress|parallel_setup_cost=0|parallel_tuple_cost=0|min_parallel_table_scan_size=0', 'unkey.cache_size=0|unkey.scan=off', 'unkey.cache_size="16kB"']) WITH ORDINALITY AS list (wish, n),
    LATERAL (SELECT split_part(one, '=', 1) AS name, split_part(one, '=', 2) AS value, nth FROM unnest(string_to_array(wish, '|')) WITH ORDINALITY AS each (one, nth)) AS setting
WHERE name LIKE 'unkey.%' OR EXISTS (SELECT FROM pg_settings WHERE lower(pg_settings.name) = setting.name AND context = 'user') GROUP BY wish, n ORDER BY n;
SET client_min_messages = error;
\pset tuples_only on
\set ECHO none
SELECT 'DISCARD PLANS', settings, 'BEGIN', 'SET LOCAL ROLE regress_unkey_setter', format('SELECT %L, pg_temp.same(%L, %L, %L)', wish, :'key', :'key_id', :'api_id'), 'RESET ROLE', regexp_replace(settings, 'SET (\S+) = [^;]+', 'RESET \1', 'g'),
    'SELECT ''the log was written otherwise'' FROM unkey.audit_log AS entry WHERE seal IS NULL AND digest <> unkey.audit_digest(entry)', 'ROLLBACK', regexp_replace(settings, 'SET (\S+) = [^;]+', 'RESET \1', 'g')
FROM wishes ORDER BY n \gexec
\set ECHO all
\pset tuples_only off
RESET client_min_messages;
-- Compiling all of that would take seconds.
SET jit = on;
SET jit_above_cost = 0;
SELECT code, permissions, name FROM unkey_verify_key(:'key', 'st.read', 0, ip => '10.1.2.3') WHERE valid AND cardinality(permissions) = 2;
RESET jit;
RESET jit_above_cost;
-- The test can tell: settings that do show in what Postgres itself writes.
SET datestyle = German;
SET timezone = 'Pacific/Kiritimati';
SELECT expires::text FROM unkey_get_key(:'key_id');
RESET datestyle;
RESET timezone;

-- A read-only transaction is refused what must last, not let through without it.
SET default_transaction_read_only = on;
SELECT state FROM tests.error(format('SELECT unkey_verify_key(%L, ip => ''10.0.0.1'')', :'key'));
RESET default_transaction_read_only;

SET client_min_messages = warning;
DROP FUNCTION tests.may_set, tests.answers;
SELECT FROM tests.at(NULL);
DROP OWNED BY regress_unkey_setter;
DROP ROLE regress_unkey_setter;
