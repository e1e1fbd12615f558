-- unkey_explain: what a verification would answer, check by check, and when it would pass again.
\pset null '-'
SET datestyle = ISO;
SET timezone = 'UTC';
SELECT tests.at('2025-03-14 12:00:30Z') \gset
SELECT unkey.forget_counters();
SELECT unkey_create_api('explain', ip_allowlist => '{10.0.0.0/8,192.168.1.0/24}') AS api, unkey_create_api('explain-other') AS other, unkey_create_api('explain-gone') AS gone,
    unkey_create_api('explain-off') AS off \gset
SELECT unkey_create_role('ex.editor', permissions => '{ex.read,ex.write}'), unkey_create_role('ex.viewer', permissions => '{ex.read}'),
    unkey_create_identity('ex.acme', ratelimits => '[{"name": "shared", "limit": 5, "duration": 3600000, "autoApply": true}, {"name": "reads", "limit": 1, "duration": 60000, "autoApply": true}]') \gset
SELECT key_id, key FROM unkey_create_key(:'api', name => 'ci', external_id => 'ex.acme', roles => '{ex.editor,ex.viewer}', permissions => '{ex.read}', expires => '2025-03-31 00:00Z',
    credits => 8, refill_amount => 10, refill_interval => 'daily', ip_allowlist => '{10.1.0.0/16}', ratelimits => '[{"name": "reads", "limit": 4, "duration": 60000, "autoApply": true}]') \gset
-- What people read, without ids.
\set shown 'step, result, code, clears_at, tests.masked(message) AS message'

-- All is well: what was looked at, by the text of the key and by its id alike.
CREATE TEMP TABLE well AS SELECT * FROM unkey_explain(:'key', 'ex.write AND (ex.read OR ex.none)', ip => '10.1.2.3', cost => 2);
SELECT position, :shown FROM well;
SELECT step, jsonb_pretty(tests.masked(details)) AS details FROM well WHERE details IS NOT NULL ORDER BY position;
TABLE well EXCEPT SELECT * FROM unkey_explain(key_id => :'key_id', permissions => 'ex.write AND (ex.read OR ex.none)', ip => '10.1.2.3', cost => 2);

-- Used up: which limit and whose, how full it is, and the moment from which on it passes.
SELECT count(*) FILTER (WHERE valid) AS valid FROM unkey_verify_keys(array_fill(:'key'::text, '{6}'), ip => '10.1.2.3', cost => 2);
SELECT :shown FROM unkey_explain(:'key', ip => '10.1.2.3', cost => 2, ratelimits => '[{"name": "shared", "cost": 3}, {"name": "once", "limit": 2, "duration": 90000, "cost": 3}]')
WHERE step IN ('ratelimit', 'credits', 'verdict');
-- A window later nothing of it is left but a part.
SELECT tests.at('2025-03-14 12:01:15Z') \gset
SELECT result, clears_at, message, details->'previous' AS previous, details->'remaining' AS remaining FROM unkey_explain(:'key', ip => '10.1.2.3', ratelimits => '[{"name": "reads", "cost": 2}]')
WHERE step = 'ratelimit';
SELECT tests.at('2025-03-14 12:00:30Z') \gset

-- Refused early: what comes after is looked at as well, and it is plain that a verification does not come so far.
SELECT unkey_update_key(:'key_id', '{"enabled": false, "credits": {"remaining": 0}}') \gset
SELECT :shown FROM unkey_explain(:'key', 'ex.none', ip => '10.2.0.1');
SELECT :shown FROM unkey_explain(:'key', 'ex.none', api_id => :'other', ratelimits => '[{"name": "nope"}]');
SELECT unkey_update_key(:'key_id', '{"enabled": true}') \gset

-- Where a key is that is not found.
SELECT key AS dead, key_id AS dead_id FROM unkey_create_key(:'other') \gset
SELECT key AS removed, key_id AS removed_id FROM unkey_create_key(:'other') \gset
SELECT key AS orphan FROM unkey_create_key(:'gone') \gset
SELECT cardinality(failed) AS failed FROM unkey_migrate_keys(:'other', jsonb_build_array(jsonb_build_object('hash', encode(sha256('extoken'), 'hex'), 'permissions', '{ex.read}'::text[])), 'ex.import', 'github.com/seamapi/prefixed-api-key');
SELECT unkey_delete_key(:'dead_id'), unkey_delete_key(:'removed_id', permanent => true), unkey_delete_api(:'gone') \gset
SELECT what, step, result, code, tests.masked(message) AS message FROM (VALUES
    (1, 'no key', 'nope', NULL), (2, 'no id', NULL, 'key_nope'), (3, 'empty', '', NULL), (4, 'too long', repeat('x', 513), NULL),
    (5, 'deleted', :'dead', NULL), (6, 'deleted, by id', NULL, :'dead_id'), (7, 'removed', :'removed', NULL), (8, 'removed, by id', NULL, :'removed_id'), (9, 'API deleted', :'orphan', NULL)
) AS asked (n, what, key, key_id), unkey_explain(asked.key, key_id => asked.key_id) ORDER BY n, position;
-- Imported, and its whole text not yet seen: explaining does not finish it.
SELECT :shown FROM unkey_explain('ex_short_extoken', 'ex.read') WHERE step <> 'credits';
SELECT details->'migrationId' AS migration, details->>'keyId' = (SELECT id FROM unkey.keys WHERE pending_migration_id = 'ex.import') AS same FROM unkey_explain('ex_short_extoken') WHERE step = 'found';
SELECT code FROM unkey_verify_key('ex_short_extoken', 'ex.read', migration_id => 'ex.import');
SELECT code FROM unkey_explain('ex_short_extoken', 'ex.read') WHERE step = 'verdict';

-- The same verdict, the same numbers and the same mistakes as of unkey_verify_key, whose call is rolled back, for keys of every kind and questions of every kind.
SELECT unkey_update_api(:'off', '{"enabled": false}') \gset
-- Its refill was set up by hand, after it came due the last time.
SELECT tests.at('2025-03-12 12:00Z') \gset
SELECT key_id AS late_id, key AS late FROM unkey_create_key(:'other', credits => 1) \gset
SELECT tests.at('2025-03-14 12:00:30Z') \gset
UPDATE unkey.keys SET refill_amount = 3 WHERE id = :'late_id';
CREATE TEMP TABLE keyring (what text, key text);
INSERT INTO keyring VALUES ('busy', :'key'), ('none', 'nope'), ('deleted', :'dead'), ('orphan', :'orphan'), ('imported', 'ex_short_extoken'),
    ('plain', (unkey_create_key(:'other')).key), ('off', (unkey_create_key(:'off', permissions => '{ex.read}')).key), ('disabled', (unkey_create_key(:'other', enabled => false)).key),
    ('expired', (unkey_create_key(:'other', expires => '2025-03-14 12:00:30Z')).key), ('empty', (unkey_create_key(:'other', credits => 0, permissions => '{ex.read}')).key),
    ('refilled', (unkey_create_key(:'other', credits => 0, refill_amount => 3, refill_interval => 'monthly', refill_day => 15)).key),
    ('late', :'late'), ('listed', (unkey_create_key(:'other', ip_allowlist => '{10.0.0.0/8}', permissions => '{ex.read,ex.write}')).key),
    ('limited', (unkey_create_key(:'other', external_id => 'ex.acme', roles => '{ex.viewer}', credits => 2, ratelimits => '[{"name": "own", "limit": 2, "duration": 1000, "autoApply": true}]')).key);
-- Of all combinations every seventh; each two values come together in some.
CREATE TEMP TABLE questions AS SELECT format('permissions => %L, cost => %L, ratelimits => %L, api_id => %L, ip => %L', permissions, cost, ratelimits, api_id, ip) AS arguments
FROM (VALUES (1, NULL), (2, 'ex.read'), (3, 'ex.none OR ex.write'), (4, 'ex.read AND')) AS a (i, permissions), (VALUES (1, NULL), (2, 0), (3, 4)) AS b (j, cost), (VALUES (1, NULL), (2, :'other')) AS c (k, api_id), (VALUES (1, NULL), (2, '10.1.0.9')) AS d (l, ip),
    (VALUES (1, NULL), (2, '[{"name": "reads", "cost": 2}]'), (3, '[{"name": "shared", "cost": 0}, {"name": "tight", "limit": 1, "duration": 5000}]'), (4, '[{"name": "shared", "cost": 9}]'), (5, '[{"name": "nope"}]'), (6, '[{"name": "x", "limit": 0, "duration": 1000}]')) AS e (m, ratelimits)
WHERE (i + j + k + 3 * l + m) % 7 = 0;
CREATE FUNCTION pg_temp.verified(key text, arguments text, OUT answer text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('SELECT concat_ws(''; '', code, credits, tests.limits(ratelimits)) FROM unkey_verify_key(%L, %s)', key, arguments) INTO answer;
    RAISE 'undone' USING ERRCODE = '00001';
EXCEPTION WHEN OTHERS THEN
    IF SQLSTATE <> '00001' THEN answer := SQLSTATE || ' ' || SQLERRM; END IF;
END
$$;
-- Limits are answered only where they are reached; the balance after a call is that before it, less what a valid one spends.
CREATE FUNCTION pg_temp.explained(key text, arguments text, OUT answer text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format($q$WITH explained AS (SELECT * FROM unkey_explain(%L, %s))
        SELECT concat_ws('; ', verdict.code,
            CASE WHEN verdict.code <> 'NOT_FOUND' THEN (credits.details->'remaining')::bigint - CASE WHEN credits.result = 'passed' THEN (credits.details->'cost')::bigint ELSE 0 END END,
            tests.limits((SELECT jsonb_agg(details) FROM explained WHERE step = 'ratelimit' AND result IN ('passed', 'refused') AND details IS NOT NULL)))
        FROM explained AS verdict LEFT JOIN explained AS credits ON credits.step = 'credits' WHERE verdict.step = 'verdict'$q$, key, arguments) INTO answer;
EXCEPTION WHEN OTHERS THEN
    answer := SQLSTATE || ' ' || SQLERRM;
END
$$;
CREATE TEMP TABLE compared AS SELECT what, arguments, pg_temp.verified(key, arguments) AS verified, pg_temp.explained(key, arguments) AS explained FROM keyring, questions;
SELECT what, arguments, verified, explained FROM compared WHERE verified IS DISTINCT FROM explained ORDER BY 1, 2 LIMIT 9;
SELECT substring(verified FROM '^\w+') AS answer, count(DISTINCT what) AS keys, count(DISTINCT verified) > 1 AS "with numbers" FROM compared GROUP BY 1 ORDER BY 1;

SELECT unkey_update_key(:'key_id', '{"credits": {"remaining": 8}}') \gset
-- Never: more than the limit or any refill; and not after the key has expired.
SELECT step, clears_at, message FROM unkey_explain(:'key', ip => '10.1.2.3', cost => 11, ratelimits => '[{"name": "reads", "cost": 5}]') WHERE code IS NOT NULL;
SELECT unkey_update_key(:'key_id', format('{"expires": %s}', unkey.to_ms('2025-03-14 12:00:45Z'))::jsonb) \gset
SELECT step, clears_at, message FROM unkey_explain(:'key', ip => '10.1.2.3') WHERE code IS NOT NULL;
SELECT unkey_update_key(:'key_id', '{"expires": null}') \gset

-- It writes nothing, so a read-only transaction will do, and no transaction gets an id.
BEGIN READ ONLY;
SELECT count(*) FROM unkey_explain(:'key', ip => '10.1.2.3');
COMMIT;
BEGIN;
SELECT count(*) FROM unkey_explain(:'key', ip => '10.1.2.3'), pg_current_xact_id_if_assigned() AS id WHERE id IS NULL;
SELECT pg_current_xact_id_if_assigned() IS NULL AS without_id;
COMMIT;
SELECT * FROM unkey_explain(:'key', ip => '10.1.2.3') EXCEPT SELECT * FROM unkey_explain(:'key', ip => '10.1.2.3');
-- What this transaction did is seen, and when it is undone it is not.
SELECT key AS fresh, key_id AS fresh_id FROM unkey_create_key(:'other', credits => 2, ratelimits => '[{"name": "rl", "limit": 1, "duration": 60000, "autoApply": true}]') \gset
BEGIN;
SELECT code FROM unkey_verify_key(:'fresh');
SELECT step, result, message FROM unkey_explain(:'fresh') WHERE step IN ('ratelimit', 'credits');
ROLLBACK;
SELECT step, result, message FROM unkey_explain(:'fresh') WHERE step IN ('ratelimit', 'credits');

-- Mistakes: those of unkey_verify_key, and saying of no key or two which one is meant.
SELECT e.* FROM unnest(ARRAY['', 'NULL, key_id => NULL', '''x'', key_id => ''y''', '''x'', cost => -1', '''x'', ratelimits => ''{}''', '''x'', permissions => ''''']) AS arguments, tests.error(format('SELECT unkey_explain(%s)', arguments)) AS e;
SELECT e.state, tests.masked(e.message) FROM tests.error(format('SELECT unkey_explain(%L, ratelimits => ''[{"name": "nope"}]'')', :'fresh')) AS e;
SELECT e.state, e.message FROM tests.error(format('SELECT unkey_explain(key_id => %L, permissions => ''a AND'')', :'fresh_id')) AS e;
-- Neither text nor hash is in it.
SELECT count(*) AS secrets FROM unkey_explain(:'key', ip => '10.1.2.3') AS e, unkey.keys WHERE id = :'key_id'
    AND (strpos(e::text, :'key') > 0 OR strpos(e::text, encode(hash, 'hex')) > 0 OR strpos(e::text, encode(hash, 'base64')) > 0);

-- When it clears: at that moment a verification is valid, a millisecond before it is not. The clock goes forward only, or limits in memory begin anew.
CREATE FUNCTION pg_temp.clearing(key text, questions text[]) RETURNS TABLE (question text, now text, clears_at timestamptz, before text, at text) LANGUAGE plpgsql AS $$
BEGIN
    CREATE TEMP TABLE clearing (question text, now text, clears_at timestamptz);
    FOREACH question IN ARRAY questions LOOP
        EXECUTE format('SELECT clears_at FROM unkey_explain(%L, %s) WHERE step = ''verdict''', key, question) INTO clears_at;
        INSERT INTO clearing VALUES (question, split_part(pg_temp.verified(key, question), ';', 1), clears_at);
    END LOOP;
    FOR question, now, clears_at IN SELECT * FROM clearing ORDER BY 3, 1 LOOP
        PERFORM tests.at(clears_at - interval '1 ms');
        before := split_part(pg_temp.verified(key, question), ';', 1);
        PERFORM tests.at(clears_at);
        at := split_part(pg_temp.verified(key, question), ';', 1);
        RETURN NEXT;
    END LOOP;
END
$$;
SELECT * FROM pg_temp.clearing(:'key', ARRAY[$$ip => '10.1.2.3'$$, $$ip => '10.1.2.3', ratelimits => '[{"name": "reads", "cost": 3}]'$$, $$ip => '10.1.2.3', ratelimits => '[{"name": "shared", "cost": 2}]'$$,
    $$ip => '10.1.2.3', cost => 9$$, $$ip => '10.1.2.3', cost => 10, ratelimits => '[{"name": "shared", "cost": 5}]'$$]);

-- A day later, with refills due and windows over, all are compared again.
SELECT tests.at('2025-03-15 08:00Z') \gset
TRUNCATE compared;
INSERT INTO compared SELECT what, arguments, pg_temp.verified(key, arguments), pg_temp.explained(key, arguments) FROM keyring, questions WHERE what IN ('refilled', 'late', 'expired', 'busy');
SELECT what, arguments, verified, explained FROM compared WHERE verified IS DISTINCT FROM explained ORDER BY 1, 2 LIMIT 9;
SELECT substring(verified FROM '^\w+') AS answer, count(DISTINCT what) AS keys, count(DISTINCT verified) > 1 AS "with numbers" FROM compared GROUP BY 1 ORDER BY 1;
SELECT tests.at(NULL) \gset
