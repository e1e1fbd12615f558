-- FROM unkey_verify_key(…) by the extension's own scan node: the same answers, and the function called as often, as when Postgres
-- calls it.
\pset null '-'
SELECT tests.at('2026-03-02 12:00Z') \gset
SELECT unkey_create_api('scan') AS api \gset
SELECT key_id, key FROM unkey_create_key(:'api', name => 'one', credits => 100000, permissions => '{scan.a,scan.b}', external_id => 'scan.user') \gset
SELECT key AS other FROM unkey_create_key(:'api', name => 'two', enabled => false) \gset
CREATE TEMPORARY TABLE balance AS SELECT :'key_id'::text AS key_id;
CREATE TEMPORARY TABLE requests AS SELECT n, CASE n % 3 WHEN 0 THEN :'key' WHEN 1 THEN :'other' END AS key FROM generate_series(1, 6) AS n;
ANALYZE requests;
-- What the balance lost by a statement, with the node and without.
CREATE FUNCTION tests.spent(statement text, OUT "on" text, OUT off text) LANGUAGE plpgsql AS $$
DECLARE
    before bigint;
    rows   text[];
BEGIN
    FOR flag IN 0..1 LOOP
        PERFORM set_config('unkey.scan', CASE flag WHEN 1 THEN 'on' ELSE 'off' END, false);
        before := (SELECT remaining FROM unkey.credits JOIN balance USING (key_id));
        EXECUTE format('SELECT array_agg(answer::text) FROM (%s) AS answer', statement) INTO rows;
        IF flag = 1 THEN
            "on" := before - (SELECT remaining FROM unkey.credits JOIN balance USING (key_id)) || ' ' || rows::text;
        ELSE
            off := before - (SELECT remaining FROM unkey.credits JOIN balance USING (key_id)) || ' ' || rows::text;
        END IF;
    END LOOP;
    off := CASE WHEN off = "on" THEN 'the same' ELSE off END;
END
$$;

EXPLAIN (COSTS OFF) SELECT * FROM unkey_verify_key('x');
EXPLAIN (COSTS OFF, VERBOSE) SELECT valid, upper(code) FROM unkey_verify_key('x') WHERE enabled;
EXPLAIN (COSTS OFF) SELECT n, code FROM requests, unkey_verify_key(key);

SELECT statement, spent.* FROM unnest(ARRAY[
    'SELECT valid, code, name, enabled, roles, permissions, identity->''externalId'' FROM unkey_verify_key(%1$L)',
    'SELECT code FROM unkey_verify_key(NULL)',
    'SELECT code, name FROM unkey_verify_key(%1$L, ''scan.a AND scan.c'')',
    'SELECT code FROM unkey_verify_key(%1$L, cost => 7, tags => ''{a,b}'', ip => ''10.0.0.1'', api_id => ''none'')',
    'SELECT code, ratelimits->0->''remaining'' FROM unkey_verify_key(key => %1$L, cost => 1 + 1, ratelimits => ''[{"name": "adhoc", "limit": 100, "duration": 60000, "cost": 0}]'')',
    'SELECT permissions, key_id = (SELECT max(key_id) FROM balance) FROM unkey_verify_key(%1$L) WHERE valid AND code = ''VALID''',
    'SELECT code FROM unkey_verify_key(%1$L) WHERE NOT valid',
    'SELECT 1 FROM unkey_verify_key(%1$L)',
    'SELECT count(*) FROM unkey_verify_key(%1$L) WHERE false',
    'SELECT n, code FROM requests, unkey_verify_key(key)',
    'SELECT n, code FROM requests, unkey_verify_key(key) WHERE n > 3 ORDER BY n DESC',
    'SELECT n, answer.name FROM requests LEFT JOIN LATERAL unkey_verify_key(key) AS answer ON valid',
    'SELECT n, answer.name FROM requests LEFT JOIN LATERAL unkey_verify_key(key, cost => n) AS answer ON n %% 2 = 1 AND answer.valid',
    'SELECT n, code FROM generate_series(1, 4) AS n, unkey_verify_key(%1$L)',
    'SELECT n, code FROM requests LEFT JOIN unkey_verify_key(%1$L) ON n < 3',
    'SELECT (SELECT code FROM unkey_verify_key(key)) FROM requests',
    'SELECT (SELECT code || n FROM unkey_verify_key(%1$L)) FROM requests',
    'SELECT (SELECT code FROM unkey_verify_key(%1$L) WHERE length(code) > n + 1) FROM requests',
    'SELECT (SELECT code FROM unkey_verify_key(%1$L, cost => n) WHERE length(code) > n + 1) FROM requests',
    'SELECT (SELECT string_agg(code || n, '','') FROM unkey_verify_keys(ARRAY[%1$L, %2$L]) WHERE n < 5) FROM requests',
    'SELECT sum FROM requests, LATERAL (SELECT n + length(code) AS sum FROM unkey_verify_key(%1$L) OFFSET 0) AS added',
    'SELECT sum FROM requests, LATERAL (SELECT n + length(code) AS sum FROM unkey_verify_key(key) OFFSET 0) AS added',
    'SELECT (SELECT code || n FROM unkey_verify_key((SELECT max(%1$L)))) FROM requests',
    'SELECT (SELECT code || n FROM unkey_verify_key((SELECT key FROM requests AS same WHERE same.n = requests.n))) FROM requests',
    'SELECT n, code FROM requests, unkey_verify_key((SELECT key FROM requests AS same WHERE same.n = requests.n))',
    'SELECT (SELECT code || n FROM unkey_verify_key(%1$L, cost => CASE WHEN %1$L IN (SELECT key FROM requests AS same WHERE same.n = requests.n) THEN 5 END)) FROM requests',
    'WITH RECURSIVE turn AS (SELECT 1 AS nth UNION ALL SELECT nth + 1 FROM turn, unkey_verify_key(%1$L) WHERE nth < 4 AND valid) SELECT * FROM turn',
    'SELECT a.code, b.code FROM unkey_verify_key(%1$L) AS a, unkey_verify_key(%2$L) AS b',
    'SELECT a.code, b.code FROM unkey_verify_key(%1$L) AS a, LATERAL unkey_verify_key(%2$L, cost => length(a.code)) AS b',
    'SELECT (answer).code, (answer).name FROM (SELECT answer FROM unkey_verify_key(%1$L) AS answer OFFSET 0) AS whole',
    'SELECT answer.code, answer IS NULL FROM unkey_verify_key(%1$L) AS answer',
    'SELECT code, n FROM unkey_verify_key(%1$L) WITH ORDINALITY AS a (valid, code, key_id, name, meta, expires, credits, enabled, roles, permissions, identity, ratelimits, n)',
    'SELECT b, d FROM unkey_verify_key(%1$L) AS answer (a, b, c, d)',
    'SELECT code FROM ROWS FROM (unkey_verify_key(%1$L), generate_series(1, 2)) AS pair',
    'SELECT code FROM requests, unkey_verify_key(key) FOR UPDATE OF requests',
    'WITH answers AS MATERIALIZED (SELECT * FROM unkey_verify_key(%1$L)) SELECT a.code, b.code FROM answers AS a, answers AS b'
]) AS statement, tests.spent(format(statement, :'key', :'other')) AS spent;

-- A policy that compares each row with the answer verifies once.
CREATE ROLE regress_unkey_scan;
CREATE TABLE tests.scanned AS SELECT n, CASE WHEN n % 2 = 0 THEN 'scan.user' ELSE 'somebody' END AS owner FROM generate_series(1, 10) AS n;
ALTER TABLE tests.scanned ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON tests.scanned USING ((SELECT valid AND identity->>'externalId' = owner FROM unkey_verify_key(current_setting('app.key'))));
GRANT USAGE ON SCHEMA tests TO regress_unkey_scan;
GRANT SELECT ON tests.scanned TO regress_unkey_scan;
SELECT unkey_grant('regress_unkey_scan', 'verify');
SELECT key AS few_key, key_id AS few_id FROM unkey_create_key(:'api', credits => 3, external_id => 'scan.user') \gset
SELECT set_config('app.key', :'few_key', false) = :'few_key' AS set;
SET ROLE regress_unkey_scan;
SELECT count(*) FROM tests.scanned;
SET unkey.scan = off;
SELECT count(*) FROM tests.scanned;
RESET unkey.scan;
RESET ROLE;
SELECT remaining FROM unkey.credits WHERE key_id = :'few_id';
SELECT unkey_revoke('regress_unkey_scan', 'verify');
DROP TABLE tests.scanned;
DROP OWNED BY regress_unkey_scan;
DROP ROLE regress_unkey_scan;

-- Equal keys of many rows: each is verified.
CREATE TEMPORARY TABLE many AS SELECT n, :'key' AS key FROM generate_series(1, 500) AS n;
ANALYZE many;
EXPLAIN (COSTS OFF) SELECT count(*) FROM many, unkey_verify_key(key);
SELECT statement, spent.* FROM unnest(ARRAY[
    'SELECT count(*) FROM (SELECT key FROM many LIMIT 100) AS hundred, unkey_verify_key(key) WHERE valid',
    'SELECT count(*) FROM (SELECT key FROM many LIMIT 100) AS hundred, unkey_verify_keys(ARRAY[key, key]) WHERE valid',
    'SELECT count(*) FROM (SELECT key FROM many WHERE n <= 100) AS hundred, unkey_verify_key(key) AS answer WHERE code <> key',
    'SELECT count(*) FROM (SELECT key FROM many WHERE n <= 100) AS hundred, LATERAL (SELECT code FROM unkey_verify_key(key) LIMIT 1) AS first',
    'SELECT count(*) FROM (SELECT key FROM many WHERE n <= 100) AS hundred, LATERAL (SELECT max(code) AS code FROM unkey_verify_key(key)) AS most',
    'SELECT count(*) FROM (SELECT key FROM many WHERE n <= 100) AS hundred, LATERAL (SELECT (unkey_verify_key(key)).code OFFSET 0) AS called',
    'SELECT count(*) FROM (SELECT key FROM many WHERE n <= 100) AS hundred, LATERAL (SELECT upper(inside.code) FROM (SELECT code FROM unkey_verify_key(key) OFFSET 0) AS inside OFFSET 0) AS upper',
    'SELECT count(*) FROM (SELECT key FROM many WHERE n <= 100) AS hundred, LATERAL (WITH answer AS MATERIALIZED (SELECT code FROM unkey_verify_key(key)) SELECT * FROM answer) AS kept',
    'SELECT count(*) FROM (SELECT key FROM many WHERE n <= 100) AS hundred, LATERAL (SELECT code FROM unkey_verify_key(key) UNION ALL SELECT key) AS both_',
    'SELECT count(*) FROM (SELECT key FROM many WHERE n <= 100) AS hundred, LATERAL (SELECT 1 WHERE EXISTS (SELECT FROM unkey_verify_key(key) WHERE valid) OFFSET 0) AS asked',
    'SELECT count(*) FROM (SELECT key FROM many WHERE n <= 100) AS hundred, ROWS FROM (unkey_verify_key(key), generate_series(1, 2)) AS pair',
    'SELECT count(*) FROM (SELECT key FROM many WHERE n <= 100) AS hundred, unkey_verify_key(key) WITH ORDINALITY AS numbered',
    'SELECT count(code), max(same) IS NOT NULL FROM (SELECT key FROM many WHERE n <= 100) AS hundred LEFT JOIN LATERAL (SELECT key AS same, code FROM unkey_verify_key(key)) AS answer ON true'
]) AS statement, tests.spent(statement) AS spent;
EXPLAIN (COSTS OFF) SELECT * FROM many, unkey_limit('scan', key, 5, '1 minute');
SELECT count(*) FILTER (WHERE success) FROM (SELECT key FROM many WHERE n <= 100) AS hundred, LATERAL (SELECT bool_and(success) AS success FROM unkey_limit('scan', key, 5, '1 hour')) AS all_of;
-- What is not of the extension is remembered as ever.
EXPLAIN (COSTS OFF) SELECT count(*) FROM many, LATERAL (SELECT upper(s) FROM unnest(string_to_array(key, '_')) AS s LIMIT 1) AS first;
-- Rows: one for each element.
CREATE FUNCTION tests.estimate(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    plan json;
BEGIN
    EXECUTE 'EXPLAIN (FORMAT json) ' || statement INTO plan;
    RETURN plan->0->'Plan'->>'Plan Rows';
END
$$;
SELECT tests.estimate($$SELECT * FROM unkey_verify_keys('{a,b,c}')$$), tests.estimate($$SELECT * FROM unkey_verify_keys(ARRAY['a', 'b'])$$), tests.estimate($$SELECT * FROM unkey_verify_key('a')$$);

-- Prepared, with a generic plan; in a function; into a table; by a cursor, also backwards.
SET plan_cache_mode = force_generic_plan;
PREPARE verify(text, bigint) AS SELECT code, name FROM unkey_verify_key($1, cost => $2);
EXECUTE verify(:'key', 0);
EXECUTE verify(:'other', NULL);
EXECUTE verify(NULL, 1);
EXPLAIN (COSTS OFF) EXECUTE verify('x', 1);
RESET plan_cache_mode;
CREATE FUNCTION tests.verified(key text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer record;
BEGIN
    SELECT * INTO answer FROM unkey_verify_key(key, cost => 0);
    RETURN answer.code || ' ' || answer.name;
END
$$;
SELECT tests.verified(key) FROM requests ORDER BY n;
CREATE TEMPORARY TABLE answers AS SELECT * FROM unkey_verify_key(:'key', cost => 0);
INSERT INTO answers SELECT answer.* FROM requests, unkey_verify_key(key, cost => 0) AS answer;
SELECT code, name, count(*) FROM answers GROUP BY 1, 2 ORDER BY 1;
UPDATE requests SET n = n + 100 FROM unkey_verify_key(:'key', cost => 0) AS answer WHERE answer.valid AND requests.n = 1 RETURNING n, code;
BEGIN;
DECLARE answers SCROLL CURSOR FOR SELECT code, name FROM requests, unkey_verify_key(key, cost => 0) ORDER BY n;
FETCH 2 FROM answers;
FETCH BACKWARD 1 FROM answers;
FETCH 2 FROM answers;
COMMIT;
-- Every way that a cursor can go, with the node and without; it is called once.
CREATE FUNCTION tests.walked(statement text, moves text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    walk   refcursor;
    answer record;
    move   text;
    trail  text := '';
BEGIN
    OPEN walk FOR EXECUTE statement;
    FOREACH move IN ARRAY string_to_array(moves, ' ') LOOP
        CASE move
            WHEN 'n' THEN FETCH NEXT FROM walk INTO answer;
            WHEN 'p' THEN FETCH PRIOR FROM walk INTO answer;
            WHEN 'l' THEN FETCH LAST FROM walk INTO answer;
            WHEN 'f' THEN FETCH FIRST FROM walk INTO answer;
            WHEN '2' THEN FETCH ABSOLUTE 2 FROM walk INTO answer;
            WHEN '-1' THEN FETCH ABSOLUTE -1 FROM walk INTO answer;
            ELSE MOVE FORWARD ALL FROM walk;
        END CASE;
        trail := concat_ws(' ', trail, move || '=' || coalesce(answer.code, '-'));
    END LOOP;
    RETURN trail;
END
$$;
SELECT format('SELECT left(code, 4) AS code FROM unkey_verify_keys(ARRAY[%L, %L, NULL])', :'key', :'other') AS three,
    format('SELECT code FROM unkey_verify_keys(ARRAY[%L, %L, NULL]) WHERE code <> ''DISABLED''', :'key', :'other') AS two, format('SELECT code FROM unkey_verify_key(%L)', :'key') AS one \gset
SELECT spent.* FROM unnest(ARRAY[:'three', :'two', :'one']) AS walk, unnest(ARRAY['n p p n n n n p p p p n', 'p n l n p p p p', '2 p p -1 n n p f all p']) AS moves,
    tests.spent(format('SELECT tests.walked(%L, %L)', walk, moves)) AS spent;

-- What is handed on stays as it was, whatever is forgotten or done meanwhile.
SELECT code, name, changed, (SELECT name FROM unkey_verify_key(:'key', cost => 0)) AS now
FROM unkey_verify_key(:'key', cost => 0), LATERAL (SELECT unkey_update_key(:'key_id', jsonb_build_object('name', code || '-' || repeat('x', 100)))::text AS changed OFFSET 0) AS change;
SELECT unkey_update_key(:'key_id', '{"name": "one"}');

-- Function statistics are kept where they are asked for.
SET track_functions = 'all';
EXPLAIN (COSTS OFF) SELECT * FROM unkey_verify_key('x');
RESET track_functions;
SET unkey.scan = off;
EXPLAIN (COSTS OFF) SELECT * FROM unkey_verify_key('x');
RESET unkey.scan;

SELECT unkey_delete_api(:'api');
