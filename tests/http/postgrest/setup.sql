-- Roles that callers of /rpc come as, and functions that show what the extension's own do not. They become members of the
-- extension, because nothing else is served.
\ir ../../master_key.sql
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY '{web_anon,web_manager,web_stranger}'::text[] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', name);
        END IF;
    END LOOP;
END
$$;
-- Without a token's role the server has no more than its own.
ALTER ROLE http_server NOINHERIT;
GRANT web_anon, web_manager TO http_server;
SELECT unkey_grant('web_anon', 'verify');
SELECT unkey_grant('web_manager', 'manage');

ALTER ROLE http_server IN DATABASE http SET unkey.request_header = 'X-Key';

CREATE TABLE tests_written (note text);
GRANT SELECT, INSERT ON tests_written TO web_anon;

CREATE FUNCTION unkey_test_request() RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object(
        'role', current_user,
        'login', session_user,
        'method', current_setting('request.method'),
        'path', current_setting('request.path'),
        'headers', current_setting('request.headers')::jsonb,
        'cookies', current_setting('request.cookies')::jsonb,
        'claims', current_setting('request.jwt.claims')::jsonb,
        'zone', current_setting('timezone'))
$$;

CREATE FUNCTION unkey_test_rows(OUT id integer, OUT name text, OUT tags text[], OUT meta jsonb, OUT at timestamptz) RETURNS SETOF record
LANGUAGE sql STABLE AS $$
    VALUES
        (1, 'one', '{a,b}'::text[], '{"plan": {"name": "free", "seats": [1, 2]}, "n": 5}'::jsonb, '2026-01-01 00:00Z'::timestamptz),
        (2, 'two, with "quotes" and a \ backslash', '{b}', '{"plan": {"name": "pro"}, "n": 10}', '2026-06-01 12:30Z'),
        (3, NULL, '{}', NULL, NULL),
        (4, E'four\nlines', NULL, '{}', '2026-12-31 23:59Z')
$$;

CREATE FUNCTION unkey_test_value(kind text) RETURNS json LANGUAGE sql STABLE AS $$
    SELECT CASE kind WHEN 'null' THEN NULL WHEN 'text' THEN to_json('a "text"'::text) ELSE json_build_array(1, 'a') END
$$;

CREATE FUNCTION unkey_test_text(name text DEFAULT 'nobody', loud boolean DEFAULT false) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN loud THEN upper(name) ELSE name END
$$;

CREATE FUNCTION unkey_test_bytes(hex text DEFAULT NULL) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$ SELECT decode(hex, 'hex') $$;

CREATE FUNCTION unkey_test_count(VARIADIC "values" integer[] DEFAULT '{}') RETURNS integer LANGUAGE sql IMMUTABLE AS $$ SELECT cardinality("values") $$;

CREATE FUNCTION unkey_test_numbers(most integer) RETURNS SETOF integer LANGUAGE sql IMMUTABLE AS $$ SELECT generate_series(1, most) $$;

CREATE FUNCTION unkey_test_same(a text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT a $$;
CREATE FUNCTION unkey_test_same(a integer) RETURNS integer LANGUAGE sql IMMUTABLE AS $$ SELECT a $$;

CREATE FUNCTION unkey_test_write(note text, times integer DEFAULT 1) RETURNS SETOF tests_written LANGUAGE sql VOLATILE AS $$
    INSERT INTO tests_written SELECT note FROM generate_series(1, times) RETURNING *
$$;

CREATE FUNCTION unkey_test_written(note text) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT count(*) FROM tests_written WHERE tests_written.note = unkey_test_written.note
$$;

CREATE FUNCTION unkey_test_respond(status text DEFAULT NULL, headers text DEFAULT NULL, note text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    IF note IS NOT NULL THEN INSERT INTO tests_written VALUES (note); END IF;
    IF status IS NOT NULL THEN PERFORM set_config('response.status', status, true); END IF;
    IF headers IS NOT NULL THEN PERFORM set_config('response.headers', headers, true); END IF;
    RETURN 'done';
END
$$;

CREATE FUNCTION unkey_test_raise(sqlstate text, message text, detail text DEFAULT '', hint text DEFAULT '') RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = sqlstate, MESSAGE = message, DETAIL = detail, HINT = hint;
END
$$;

DO $$
DECLARE
    made regprocedure;
BEGIN
    FOR made IN SELECT oid FROM pg_proc WHERE proname LIKE 'unkey\_test\_%' LOOP
        EXECUTE format('ALTER EXTENSION unkey ADD FUNCTION %s', made);
    END LOOP;
END
$$;
