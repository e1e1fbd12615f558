-- Notes for customers with keys, served by PostgREST. Run once, as superuser, in an empty database; then postgrest.conf.

CREATE SCHEMA api;                        -- what PostgREST serves
CREATE SCHEMA extensions;                 -- what it does not: nobody calls the extension's functions over HTTP
CREATE EXTENSION unkey SCHEMA extensions;

-- PostgREST logs in as the first and acts as the second. Give the first a password: \password authenticator
CREATE ROLE authenticator LOGIN NOINHERIT;
CREATE ROLE web_anon NOLOGIN;
GRANT web_anon TO authenticator;
GRANT USAGE ON SCHEMA api, extensions TO web_anon;
SELECT extensions.unkey_grant('web_anon', 'verify');

-- Customers see their own notes, and write them if their key may.
CREATE TABLE api.notes (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer text NOT NULL DEFAULT extensions.unkey_external_id(),
    note text NOT NULL
);
CREATE INDEX ON api.notes (customer);
ALTER TABLE api.notes ENABLE ROW LEVEL SECURITY;
CREATE POLICY reads ON api.notes FOR SELECT USING (customer = (SELECT extensions.unkey_external_id()));
CREATE POLICY writes ON api.notes FOR INSERT
    WITH CHECK ((SELECT extensions.unkey_can('notes.write')) AND customer = (SELECT extensions.unkey_external_id()));
GRANT SELECT, INSERT (note) ON api.notes TO web_anon;

-- What a request counts and costs, for the role that logs in. Limits of requests that read need the library preloaded.
ALTER ROLE authenticator SET unkey.request_ratelimits = '[{"name": "{method} {path}", "limit": 100, "duration": 60000}]';
ALTER ROLE authenticator SET unkey.request_cost = 1;
