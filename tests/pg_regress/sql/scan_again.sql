-- The scan node a second time: a session describes the columns of an answer once, and every reader of a row still finds the
-- columns that its own query names.
\pset null '-'
SELECT tests.at('2026-03-02 12:00Z') \gset
SELECT unkey_create_api('again') AS api \gset
SELECT key FROM unkey_create_key(:'api', name => 'one', credits => 1000, meta => '{"a": 1}') \gset

-- Equal columns under other names, in another order, of another function; with none at all.
SELECT code, name FROM unkey_verify_key(:'key');
SELECT code, name FROM unkey_verify_key('none');
SELECT code AS name, name AS code FROM unkey_verify_key(:'key');
SELECT code AS name, name AS code FROM unkey_verify_key(:'key');
SELECT name, code FROM unkey_verify_key(:'key');
SELECT name, code FROM unkey_verify_key(:'key');
SELECT enabled AS one FROM unkey_verify_key(:'key');
SELECT credits AS one FROM unkey_verify_key(:'key');
SELECT code, name FROM unkey_verify_keys(ARRAY['none', :'key']);
SELECT FROM unkey_verify_key(:'key');
SELECT FROM unkey_verify_key(:'key');
-- A name that a subquery's reader gives is the one that counts.
SELECT verdict, called FROM (SELECT code AS c, name AS n FROM unkey_verify_key(:'key') OFFSET 0) AS answer (verdict, called) \gdesc
SELECT c AS verdict, n AS called FROM (SELECT code AS c, name AS n FROM unkey_verify_key(:'key') OFFSET 0) AS answer;
SELECT c AS verdict, n AS called FROM (SELECT code AS c, name AS n FROM unkey_verify_key(:'key') OFFSET 0) AS answer;
SELECT c, n FROM (SELECT code AS c, name AS n FROM unkey_verify_key(:'key') OFFSET 0) AS answer;

-- Each time through: a record's fields, a row of a loop, a table, a list of rows, a function in SQL, JSON, a cursor, COPY.
CREATE FUNCTION tests.each_way(key text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    answer record;
    answers CURSOR FOR SELECT credits, code AS verdict FROM unkey_verify_key(key);
    made    text;
BEGIN
    SELECT * INTO answer FROM unkey_verify_key(key);
    RETURN NEXT 'record: ' || answer.code || ' ' || answer.credits;
    SELECT credits AS code, code AS credits INTO answer FROM unkey_verify_key(key);
    RETURN NEXT 'renamed: ' || answer.code || ' ' || answer.credits;
    FOR answer IN SELECT valid AS v, credits AS left FROM unkey_verify_keys(ARRAY[key, 'none', key]) LOOP
        RETURN NEXT concat('loop: ', answer.v, ' ', answer.left);
    END LOOP;
    OPEN answers;
    FETCH answers INTO answer;
    CLOSE answers;
    RETURN NEXT 'cursor: ' || answer.verdict || ' ' || answer.credits;
    EXECUTE 'CREATE TEMPORARY TABLE kept ON COMMIT DROP AS SELECT code AS verdict, credits FROM unkey_verify_key($1)' USING key;
    SELECT to_jsonb(kept)::text INTO made FROM kept;
    DROP TABLE kept;
    RETURN NEXT 'table: ' || made;
    EXECUTE 'SELECT row_to_json(answer)::text FROM (SELECT code AS verdict, credits FROM unkey_verify_key($1) OFFSET 0) AS answer' INTO made USING key;
    RETURN NEXT 'json: ' || made;
END
$$;
CREATE FUNCTION tests.in_sql(key text, OUT verdict text, OUT "left" bigint) LANGUAGE sql VOLATILE AS 'SELECT code, credits FROM unkey_verify_key(key)';
CREATE FUNCTION tests.all_in_sql(key text) RETURNS SETOF unkey.verification LANGUAGE sql VOLATILE AS 'SELECT * FROM unkey_verify_key(key)';
SELECT * FROM tests.each_way(:'key');
SELECT * FROM tests.each_way(:'key');
SELECT tests.in_sql(:'key');
SELECT tests.in_sql(:'key');
SELECT code, credits, meta FROM tests.all_in_sql(:'key');
SELECT code, credits, meta FROM tests.all_in_sql(:'key');
PREPARE copied AS SELECT code, credits FROM unkey_verify_key('none');
EXECUTE copied;
EXECUTE copied;
CREATE TEMPORARY TABLE from_prepared AS EXECUTE copied;
SELECT * FROM from_prepared;
COPY (SELECT code, credits FROM unkey_verify_key('none')) TO STDOUT (FORMAT csv, HEADER);
COPY (SELECT code, credits FROM unkey_verify_key('none')) TO STDOUT (FORMAT csv, HEADER);
BEGIN;
DECLARE once CURSOR FOR SELECT code, credits FROM unkey_verify_key('none');
DECLARE back SCROLL CURSOR WITH HOLD FOR SELECT code, credits FROM unkey_verify_keys('{none,none}');
FETCH ALL FROM once;
MOVE 2 IN back;
COMMIT;
FETCH BACKWARD 1 FROM back;
CLOSE back;

-- Who watches the nodes of a query sees them whole.
EXPLAIN (COSTS OFF, VERBOSE) SELECT code, credits FROM unkey_verify_key('none');
CREATE FUNCTION tests.analyzed(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    plan json;
BEGIN
    EXECUTE 'EXPLAIN (ANALYZE, VERBOSE, FORMAT json) ' || statement INTO plan;
    RETURN concat_ws(' ', plan->0->'Plan'->'Custom Plan Provider', plan->0->'Plan'->'Output', (plan->0->'Plan'->>'Actual Rows')::numeric::integer);
END
$$;
SELECT tests.analyzed('SELECT code, credits FROM unkey_verify_key(''none'')');

-- EXECUTE is still asked for, whoever ran the same before.
CREATE ROLE regress_unkey_again;
GRANT USAGE ON SCHEMA tests TO regress_unkey_again;
SET ROLE regress_unkey_again;
SELECT code, credits FROM unkey_verify_key('none');
SELECT * FROM tests.error('SELECT code, credits FROM unkey_verify_key(''none'')');
RESET ROLE;
DROP OWNED BY regress_unkey_again;
DROP ROLE regress_unkey_again;
-- An error while it starts or runs leaves nothing behind.
SELECT code, credits FROM unkey_verify_key(:'key', permissions => 'a AND');
SELECT code, credits FROM unkey_verify_key(:'key');
-- More lists of columns than are kept.
DO $$
DECLARE
    answer record;
BEGIN
    FOR n IN 1 .. 40 LOOP
        EXECUTE format('SELECT code AS c%s, valid FROM unkey_verify_key(''none'')', n) INTO answer;
        EXECUTE format('SELECT code AS c%s, valid FROM unkey_verify_key(''none'')', n) INTO answer;
        ASSERT to_jsonb(answer) = jsonb_build_object('c' || n, 'NOT_FOUND', 'valid', false);
    END LOOP;
END
$$;
