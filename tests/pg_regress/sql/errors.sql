-- Bad input of every kind to every function: a fitting SQLSTATE, a message that names the argument, and nothing written.
SET datestyle = ISO;
SET timezone = 'UTC';
SET intervalstyle = postgres;
SELECT unkey_create_api('errors') AS api_id \gset
SELECT * FROM unkey_create_key(:'api_id', permissions => '{er.p}') \gset
-- A request for those that look for its key.
SELECT set_config('request.headers', json_build_object('apikey', :'key')::text, false) IS NULL AS request \gset
-- A root key with the id of the key, so that one good key_id is there for both.
INSERT INTO unkey.root_keys (id, hash) VALUES (:'key_id', sha256('er.root'));
SELECT unkey_create_role('er.role', permissions => '{er.p}') AS role_id \gset
SELECT unkey_create_identity('er.identity') AS identity_id, unkey_set_override(unkey_create_namespace('er.namespace'), 'er.vip', 5, '1 minute') AS override_id \gset
-- Somebody is authenticated, so that what asks for that goes on.
SET unkey.allow_session = on;
SELECT valid FROM unkey_create_key(unkey_create_api('er.caller')) AS caller, unkey_authenticate(caller.key, session => true);
SELECT unkey_begin_request('er.request');
-- Arguments by name, each with a value that is good.
CREATE TEMP TABLE good (argument, value) AS VALUES
    ('name', quote_literal('er.new')), ('api_id', quote_literal(:'api_id')), ('key_id', quote_literal(:'key_id')), ('key', quote_literal(:'key')), ('keys', '''{a,b}'''),
    ('patch', '''{}'''), ('operation', '''set'''), ('value', '1'), ('permissions', '''{er.p}'''), ('roles', '''{er.role}'''), ('permission', '''er.p'''), ('role', '''er.role'''),
    ('slug', '''er.new'''), ('hash', 'sha256(''x'')'), ('keys jsonb', '''[]'''), ('permissions text', '''er.p'''),
    ('external_id', '''er.new'''), ('identity', '''er.identity'''), ('namespace', '''er.namespace'''), ('identifier', '''er.vip'''), ('limit', '1'), ('duration', '''1 minute'''),
    ('checks', '''[{"namespace": "er.namespace", "identifier": "er.vip", "limit": 1, "duration": 1000}]'''),
    ('query', '''SELECT 1'''), ('authorization', '''Bearer x'''), ('body', '''{}'''), ('authorizations', '''{Bearer x}'''), ('bodies', '''{"{}"}'''), ('privilege', '''verify'''), ('content', '''x'''), ('tool', '''gitleaks'''), ('role name', 'current_user'),
    ('idempotency_key', '''er.request'''), ('answer', '''{}''');
-- Functions for everyone, and their arguments. A function called with all arguments but one at their defaults or good.
CREATE TEMP TABLE arguments AS
SELECT proc.oid::regprocedure AS function, nspname, proname, n, coalesce(name, '') AS name, format_type(type, NULL) AS type, n <= pronargs - pronargdefaults AS required, pronargs
FROM pg_depend AS member JOIN pg_extension AS extension ON extension.oid = refobjid AND extname = 'unkey' JOIN pg_proc AS proc ON proc.oid = objid
    JOIN pg_namespace AS namespace ON namespace.oid = pronamespace, unnest(proargtypes, proargnames[1:pronargs]) WITH ORDINALITY AS arguments(type, name, n)
WHERE member.deptype = 'e' AND refclassid = 'pg_extension'::regclass AND classid = 'pg_proc'::regclass AND (proname LIKE 'unkey\_%' OR proname = 'verify');
CREATE FUNCTION pg_temp.call(called regprocedure, argument text, literal text) RETURNS text LANGUAGE sql
AS $$
    SELECT format('SELECT * FROM %I.%I(%s)', min(nspname), min(proname), string_agg(format('%I => %s::%s', name,
        CASE WHEN name = argument THEN literal ELSE (SELECT value FROM good WHERE good.argument IN (name, name || ' ' || type) ORDER BY length(good.argument) DESC LIMIT 1) END, type), ', ' ORDER BY n)
        FILTER (WHERE required OR name = argument))
    FROM arguments WHERE function = called
$$;
-- How a call fails; ids and long texts masked. What a call that succeeds does is taken back.
CREATE FUNCTION pg_temp.fails(statement text, OUT state text, OUT message text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    RAISE 'no error' USING ERRCODE = '00001';
EXCEPTION WHEN OTHERS THEN
    state := SQLSTATE;
    message := left(regexp_replace(SQLERRM, '(.)\1{20,}', '\1...', 'g'), 110);
END
$$;
-- Of every table but those to which the calls of this file, or a worker, may write at any time.
CREATE FUNCTION pg_temp.counts() RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    tab regclass;
    rows bigint;
    counts jsonb := '{}';
BEGIN
    FOR tab IN SELECT oid FROM pg_class WHERE relnamespace = 'unkey'::regnamespace AND relkind = 'r' AND relname NOT IN ('verification_queue', 'saved_counters') LOOP
        EXECUTE format('SELECT count(*) FROM %s', tab) INTO rows;
        counts := counts || jsonb_build_object(tab::text, rows);
    END LOOP;
    RETURN counts;
END
$$;
-- So that a check of the audit log has nothing to seal.
SELECT unkey.seal_audit_log() AS sealed \gset
SELECT pg_temp.counts() AS before \gset

-- With good arguments no function fails (but one that needs a master key, which is not set up here), so what fails below fails for the reason shown.
SELECT DISTINCT function, fails.* FROM arguments, pg_temp.fails(pg_temp.call(function, NULL, NULL)) AS fails WHERE n = 1 AND state <> '00001' ORDER BY 1;

-- NULL for each required argument: 22004 naming it. A verification answers instead, a scan finds nothing, and NULL credits are no limit.
SELECT proname, pronargs AS arguments, name AS "null", fails.*
FROM arguments, pg_temp.fails(pg_temp.call(function, name, 'NULL')) AS fails WHERE required ORDER BY proname, pronargs, n;
-- NULL for an optional one is its default.
SELECT proname, name AS "null", fails.* FROM arguments, pg_temp.fails(pg_temp.call(function, name, 'NULL')) AS fails WHERE NOT required AND state <> '00001';

-- JSON of a wrong shape for each document: scalars, numbers without end, depth.
SELECT name AS argument, left(document, 30) AS document, fails.*, array_agg(proname ORDER BY proname) AS functions
FROM arguments, unnest(ARRAY['5', '"x"', 'null', '{"a": 1e400}', '[]', '[null]', '["x"]', '[{}]', repeat('{"a":', 5000) || '1' || repeat('}', 5000)]) AS document,
    pg_temp.fails(pg_temp.call(function, name, quote_literal(document))) AS fails
WHERE type = 'jsonb' AND NOT (name = 'patch' AND document LIKE '[%') GROUP BY 1, document, state, message ORDER BY 1, document COLLATE "C", message COLLATE "C";
-- A list is no object, whatever its elements.
SELECT name AS argument, left(document, 30) AS document, state, count(*) AS functions
FROM arguments, unnest(ARRAY['[]', '[null]', '["x"]', '[{}]', '[[]]', '[["x", 1, 1000]]', '[["x", null, null, null]]', repeat('[', 5000) || repeat(']', 5000)]) AS document,
    pg_temp.fails(pg_temp.call(function, name, quote_literal(document))) AS fails
WHERE type = 'jsonb' AND (name = 'patch' OR document LIKE '[[%') GROUP BY 1, document, state ORDER BY 1, document COLLATE "C", state;
SELECT state FROM pg_temp.fails(format($$SELECT unkey_update_key(%L, '{"credits": [1]}')$$, :'key_id'));
SELECT state FROM pg_temp.fails(format($$SELECT unkey_update_key(%L, '{"credits": {"refill": ["daily", 5]}}')$$, :'key_id'));
SELECT state FROM pg_temp.fails(format($$SELECT unkey_update_key(%L, '{"ratelimits": [["l", 1, 1000]]}')$$, :'key_id'));
SELECT state FROM pg_temp.fails(format($$SELECT unkey_migrate_keys(%L, '[{"hash": "%s", "credits": [5]}]')$$, :'api_id', repeat('0', 64)));
-- The last of two members with the same name counts, as everywhere in jsonb; a NUL can't even be written.
SELECT error.* FROM tests.error(format($$SELECT unkey_update_key(%L, '{"name": "x", "name": ""}')$$, :'key_id')) AS error;
SELECT error.state FROM tests.error(format($$SELECT unkey_update_key(%L, '{"name": "\u0000"}')$$, :'key_id')) AS error;
-- Deep or wide meta is kept as it is.
SELECT unkey_update_key(:'key_id', jsonb_build_object('meta', jsonb_build_object('deep', (repeat('[', 5000) || repeat(']', 5000))::jsonb, 'big', 1e400::numeric, 'small', 1e-400::numeric, 'float', 0.1)));
SELECT length(meta->>'deep') AS deep, (meta->'big')::numeric = 1e400 AS big, (meta->'small')::numeric = 1e-400 AS small, meta->'float' AS float FROM unkey_verify_key(:'key');
SELECT length(meta->>'deep') AS deep, (meta->'big')::numeric = 1e400 AS big, (meta->'small')::numeric = 1e-400 AS small, meta->'float' AS float FROM unkey_get_key(:'key_id');
SELECT unkey_update_key(:'key_id', '{"meta": null}');

-- Lists: NULL elements, two dimensions, empty texts. An array that does not begin at 1 is a list like others.
SELECT name AS argument, list, fails.*, count(*) AS functions
FROM arguments, unnest(ARRAY['{NULL}', '{a,NULL}', '{{a,b},{c,d}}', '{{a}}', '{""}', '[5:6]={er.p,er.q}']) AS list, pg_temp.fails(pg_temp.call(function, name, quote_literal(list))) AS fails
WHERE type = 'text[]' GROUP BY 1, 2, 3, 4 ORDER BY 1, list COLLATE "C", message COLLATE "C";

-- Texts: empty, very long, with characters of every kind; what they stand for in a message is masked.
SELECT name AS argument, state, masked AS message, count(DISTINCT text) AS texts, count(DISTINCT proname) AS functions
FROM arguments, unnest(ARRAY['', repeat('x', 100000), E'\n', '''; DROP TABLE unkey.keys; --', U&'\D83D\DE00', '%s', '\']) AS text,
    LATERAL (SELECT state, regexp_replace(replace(CASE WHEN length(text) > 100 THEN replace(message, 'x...', '<text>') ELSE message END,
        coalesce(nullif(text, ''), '<text>'), '<text>'), '(, not|must not contain) .*', '\1 ...') AS masked
        FROM pg_temp.fails(pg_temp.call(function, name, quote_literal(text)))) AS fails
WHERE type = 'text' AND name NOT IN ('search', 'description') AND state <> '00001' GROUP BY 1, 2, 3 ORDER BY 1, 2, masked COLLATE "C";

-- Numbers at the ends of their types, times without end.
SELECT name AS argument, value, fails.*, count(*) AS functions
FROM arguments JOIN (VALUES ('integer', '-2147483648'), ('integer', '-1'), ('integer', '0'), ('integer', '2147483647'), ('bigint', '-9223372036854775808'), ('bigint', '-1'),
        ('bigint', '9223372036854775807'), ('timestamp with time zone', 'infinity'), ('timestamp with time zone', '-infinity'), ('timestamp with time zone', '4713-01-01 BC'),
        ('timestamp with time zone', '294276-12-31'), ('interval', '-178000000 years'), ('interval', '178000000 years'), ('interval', '-1 microsecond'), ('bytea', '\x'), ('bytea', '\x00')) AS bad(type, value)
    ON arguments.type = bad.type, pg_temp.fails(pg_temp.call(function, name, quote_literal(value))) AS fails
GROUP BY 1, 2, 3, 4 ORDER BY 1, value COLLATE "C", message COLLATE "C";

-- The small functions that columns need: NULL for NULL, and no silent overflow.
SELECT unkey.to_ms(NULL), unkey.from_ms(NULL), unkey.new_id(NULL), unkey.to_ms('1969-12-31 23:59:59.9999+00') AS rounded_down, unkey.from_ms(-1);
SELECT statement, error.state FROM unnest(ARRAY['unkey.to_ms(''infinity'')', 'unkey.to_ms(''-infinity'')', 'unkey.from_ms(9223372036854775807)']) AS statement,
    tests.error('SELECT ' || statement) AS error;

-- Nothing was written, but what two calls above did change.
SELECT pg_temp.counts() - 'unkey.audit_log' = :'before'::jsonb - 'unkey.audit_log' AS nothing_written;
SELECT event, count(*), bool_and(targets->0->>'id' = :'key_id') AS of_the_key FROM unkey.audit_log WHERE seal IS NULL GROUP BY 1;
-- Nothing was written, but that a key was verified.
SELECT pg_temp.counts() = :'before' AS nothing_written;
