-- Roles that requests come as, a table with a policy, and functions that show what a call sees, in the schema that is served.
CREATE ROLE http_server LOGIN NOINHERIT;
CREATE ROLE prq_anon NOLOGIN;
CREATE ROLE prq_member NOLOGIN;
GRANT prq_anon, prq_member TO http_server;
SELECT unkey_grant('http_server', 'api'), unkey_grant('prq_anon', 'verify'), unkey_grant('prq_member', 'verify');

-- A limit for each method and path, in a window that no test sees the end of.
ALTER ROLE http_server SET unkey.request_ratelimits = '[{"name": "{method} {path}", "limit": 3, "duration": 4000000000000}]';
ALTER ROLE http_server SET unkey.request_cost = 5;

CREATE TABLE notes (customer text NOT NULL DEFAULT unkey_external_id(), note text NOT NULL);
ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON notes USING (customer = (SELECT unkey_external_id()));
GRANT SELECT, INSERT (note) ON notes TO prq_anon;
INSERT INTO notes VALUES ('acme', 'of acme'), ('globex', 'of globex');

CREATE SCHEMA app;
GRANT USAGE ON SCHEMA app TO prq_anon, prq_member;
CREATE FUNCTION app.unkey_test_seen() RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object(
        'role', current_user,
        'principal', unkey_external_id(),
        'method', current_setting('request.method'),
        'path', current_setting('request.path'),
        'headers', current_setting('request.headers')::jsonb,
        'address', current_setting('request.client_address'),
        'claims', current_setting('request.jwt.claims')::jsonb,
        'read_only', current_setting('transaction_read_only'))
$$;
-- The same by a function that may write, and so costs something.
CREATE FUNCTION app.unkey_test_pay() RETURNS jsonb LANGUAGE sql VOLATILE AS 'SELECT app.unkey_test_seen()';
CREATE FUNCTION app.unkey_test_notes() RETURNS SETOF text LANGUAGE sql STABLE AS 'SELECT note FROM notes';
CREATE FUNCTION app.unkey_test_write(note text, fails boolean DEFAULT false) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    INSERT INTO notes (note) VALUES (note);
    IF fails THEN RAISE SQLSTATE 'PT409' USING MESSAGE = 'no'; END IF;
END
$$;

-- What the functions of the schema find by bare names, and a table that the one of the schema hides.
CREATE TABLE app.places (place text NOT NULL DEFAULT 'app');
CREATE TABLE places (place text NOT NULL DEFAULT 'public');
INSERT INTO app.places DEFAULT VALUES;
GRANT SELECT ON app.places, places TO prq_anon;
CREATE FUNCTION app.unkey_test_place() RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN jsonb_build_object('place', (SELECT place FROM places), 'path', current_setting('search_path'), 'key', unkey_key_id());
END
$$;

-- Not served: of another schema, and of no use to a caller.
CREATE FUNCTION unkey_test_elsewhere() RETURNS integer LANGUAGE sql STABLE AS 'SELECT 1';
CREATE FUNCTION app.unkey_test_trigger() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
