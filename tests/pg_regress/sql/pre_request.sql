-- unkey_authenticate_request and unkey_pre_request: requests as PostgREST tells of them, by settings. What comes over a wire is in
-- tests/http/pre_request.
SELECT tests.at('2026-01-31 12:00:00Z');
CREATE SCHEMA prq;
SELECT unkey_create_api('prq') AS api \gset
SELECT key AS acme, key_id AS acme_id FROM unkey_create_key(:'api', external_id => 'prq.acme', permissions => '{prq.read}', credits => 100) \gset
SELECT key AS plain FROM unkey_create_key(:'api') \gset
SELECT key AS disabled FROM unkey_create_key(:'api', enabled => false) \gset
SELECT key AS expired FROM unkey_create_key(:'api', expires => '2026-01-30Z') \gset
SELECT key AS limited FROM unkey_create_key(:'api', ratelimits => '[{"name": "re\"ads", "limit": 2, "duration": 60000, "autoApply": true}]') \gset
SELECT key AS refilled FROM unkey_create_key(:'api', credits => 0, refill_amount => 3, refill_interval => 'daily') \gset
SELECT unkey_create_api('prq-listed', ip_allowlist => '{203.0.113.0/24}') AS listed \gset
SELECT key AS listed_key FROM unkey_create_key(:'listed') \gset

-- A request: what PostgREST sets, then a statement; what it shows, or the error as PostgREST reads it.
CREATE FUNCTION prq.request(headers text, method text DEFAULT 'GET', path text DEFAULT '/notes', statement text DEFAULT 'SELECT FROM unkey_pre_request()', show text DEFAULT NULL,
    OUT state text, OUT body text, OUT reply text) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('request.headers', headers, true), set_config('request.method', method, true), set_config('request.path', path, true);
    EXECUTE statement;
    state := '00000';
    IF show IS NOT NULL THEN EXECUTE show INTO body; END IF;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, body = MESSAGE_TEXT, reply = PG_EXCEPTION_DETAIL;
END
$$;
CREATE FUNCTION prq.key(key text) RETURNS text LANGUAGE sql RETURN jsonb_build_object('apikey', key)::text;

-- Each refusal: body and reply.
SELECT 'PR-01' AS id, * FROM prq.request('{}');
SELECT 'PR-02' AS id, * FROM prq.request(prq.key('nobody_knows_this'));
SELECT 'PR-03' AS id, * FROM prq.request(prq.key(:'disabled'));
SELECT 'PR-04' AS id, * FROM prq.request(prq.key(:'expired'));
SELECT 'PR-05' AS id, * FROM prq.request(prq.key(:'listed_key'));
SELECT 'PR-06' AS id, * FROM prq.request(prq.key(:'plain'), statement => 'SELECT FROM unkey_authenticate_request(permissions => ''prq.read'')');
SELECT 'PR-07' AS id, * FROM prq.request(prq.key(:'acme'), statement => 'SELECT FROM unkey_authenticate_request(cost => 101)');
SELECT 'PR-08' AS id, * FROM prq.request(prq.key(:'refilled'));
SELECT 'PR-09' AS id, * FROM prq.request(prq.key(:'refilled'), statement => 'SELECT FROM unkey_authenticate_request(cost => 4)');

-- A limit that is full: now and when its window slides.
SELECT 'PR-10' AS id, request.* FROM generate_series(1, 2) AS nth, prq.request(prq.key(:'limited'), path => '/' || nth, show => 'SELECT current_setting(''response.headers'')');
SELECT 'PR-11' AS id, * FROM prq.request(prq.key(:'limited'));
SELECT tests.at('2026-01-31 12:01:00.001Z');
SELECT 'PR-12' AS id, * FROM prq.request(prq.key(:'limited'));
SELECT tests.at('2026-01-31 12:01:30.001Z');
SELECT 'PR-13' AS id, state FROM prq.request(prq.key(:'limited'));
SELECT 'PR-14' AS id, reply FROM prq.request(prq.key(:'plain'), statement => 'SELECT FROM unkey_authenticate_request(ratelimits => ''[{"name": "none", "limit": 0, "duration": 1000}]'')');

-- Which header brings the key; a JWT does not.
\set jwt eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoiYW5vbiJ9.c2ln
SELECT 'PR-20' AS id, state, body = :'acme_id' AS acme FROM unnest(ARRAY[
    json_build_object('apikey', :'acme'), json_build_object('authorization', 'Bearer ' || :'acme'), json_build_object('authorization', 'bearer ' || :'acme'),
    json_build_object('apikey', :'acme', 'authorization', 'Bearer ' || :'jwt'), json_build_object('apikey', :'jwt', 'authorization', 'Bearer ' || :'acme'),
    json_build_object('apikey', :'acme', 'authorization', 'Bearer ' || :'plain'), json_build_object('authorization', 'Basic ' || :'acme'),
    json_build_object('apikey', ''), json_build_object('x-api-key', :'acme')]::text[]) AS headers,
    prq.request(headers, show => 'SELECT unkey_key_id()');
SET unkey.request_header = 'X-API-Key';
SELECT 'PR-21' AS id, state, body FROM prq.request(json_build_object('x-api-key', :'acme', 'apikey', :'plain')::text, show => 'SELECT unkey_external_id()');
SELECT 'PR-22' AS id, body FROM prq.request(prq.key(:'acme'));
SELECT 'PR-23' AS id, state, body FROM prq.request(prq.key(:'acme'), statement => 'SELECT FROM unkey_authenticate_request(header => ''apikey'')', show => 'SELECT unkey_external_id()');
RESET unkey.request_header;

-- The key is gone from the headers, wherever it stood; the rest is as it was.
SELECT 'PR-24' AS id, body FROM prq.request(json_build_object('accept', '*/*', 'apikey', :'acme', 'authorization', 'Bearer ' || :'acme')::text, show => 'SELECT current_setting(''request.headers'')');

-- What is set outlives a function with settings of its own, as pre-request functions may be.
CREATE FUNCTION prq.own() RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog AS $$ BEGIN PERFORM public.unkey_pre_request(); END $$;
SELECT 'PR-25' AS id, state, body FROM prq.request(prq.key(:'acme'), statement => 'SELECT prq.own()', show => 'SELECT current_setting(''request.headers'') || unkey_external_id()');
-- The second time there is no key any more.
SELECT 'PR-26' AS id, body::jsonb->>'code' AS code FROM prq.request(prq.key(:'acme'), statement => 'SELECT unkey_pre_request() FROM generate_series(1, 2)');

-- Claims: those of a token stay.
SELECT 'PR-30' AS id, tests.masked(body) AS body FROM prq.request(prq.key(:'acme'), show => 'SELECT current_setting(''request.jwt.claims'')');
SET request.jwt.claims = '{"sub": "ann", "role": "web", "exp": 1.50, "unkey": {"key_id": "forged"}}';
SELECT 'PR-31' AS id, tests.masked(body) AS body FROM prq.request(prq.key(:'plain'), show => 'SELECT current_setting(''request.jwt.claims'')');
SELECT 'PR-32' AS id, current_setting('request.jwt.claims') AS afterwards, unkey_key_id() IS NULL AS nobody;
RESET request.jwt.claims;

-- Headers of the reply join those there are.
SET response.headers = '[{"X-Own": "1"}]';
SELECT 'PR-33' AS id, body FROM prq.request(prq.key(:'plain'), statement => 'SELECT FROM unkey_authenticate_request(ratelimits => ''[{"name": "a", "limit": 5, "duration": 1000}, {"name": "é", "limit": 7, "duration": 1500}]'')', show => 'SELECT current_setting(''response.headers'')');
RESET response.headers;

-- Method and path: a limit each, and tags.
SET unkey.request_ratelimits = '[{"name": "{method} {path}", "limit": 1, "duration": 60000}]';
SELECT 'PR-40' AS id, method, path, state, body::jsonb->>'details' AS details FROM (VALUES ('GET', '/a'), ('GET', '/%61'), ('POST', '/a'), ('GET', '/b')) AS of (method, path),
    prq.request(prq.key(:'plain'), method, path);
RESET unkey.request_ratelimits;
SELECT 'PR-41' AS id, method, path FROM (SELECT unkey.maintain()) AS done, LATERAL (SELECT DISTINCT split_part(tags[1], ':', 2) AS method, split_part(tags[2], ':', 2) AS path
    FROM unkey.key_verifications_v1 WHERE key_id = :'acme_id' AND outcome = 'VALID') AS seen;

-- What a request costs: nothing if it can't write.
SET unkey.request_cost = 2;
SELECT credits AS before FROM unkey_whoami(:'acme') \gset
SELECT 'PR-50' AS id, state FROM prq.request(prq.key(:'acme'));
SELECT 'PR-50' AS id, :before - credits AS spent FROM unkey_whoami(:'acme');
BEGIN READ ONLY;
SELECT 'PR-51' AS id, state FROM prq.request(prq.key(:'acme'));
SELECT 'PR-52' AS id, state FROM prq.request(prq.key(:'acme'), statement => 'SELECT FROM unkey_authenticate_request()');
SELECT 'PR-53' AS id, state FROM prq.request(prq.key(:'acme'), statement => 'SELECT FROM unkey_authenticate_request(cost => 1)');
COMMIT;
RESET unkey.request_cost;
SET unkey.request_api_id = 'api_other';
SELECT 'PR-54' AS id, body::jsonb->>'code' AS code FROM prq.request(prq.key(:'plain'));
RESET unkey.request_api_id;

-- The address: of the server, or of a proxy's header.
SET unkey.request_ip_header = 'X-Forwarded-For';
SELECT 'PR-60' AS id, forwarded, state FROM unnest('{203.0.113.7,"198.51.100.1, 203.0.113.7","203.0.113.7, 198.51.100.1",nonsense}'::text[]) AS forwarded,
    prq.request(json_build_object('apikey', :'listed_key', 'x-forwarded-for', forwarded)::text);
SET request.client_address = 'unknown';
SELECT 'PR-61' AS id, state FROM prq.request(json_build_object('apikey', :'listed_key', 'x-forwarded-for', '203.0.113.7')::text);
RESET unkey.request_ip_header;
SET request.client_address = '203.0.113.9';
SELECT 'PR-62' AS id, state FROM prq.request(prq.key(:'listed_key'));
RESET request.client_address;

-- Misuse.
SELECT 'PR-70' AS id, * FROM tests.error('SELECT unkey_pre_request()');
SELECT 'PR-71' AS id, state, body FROM prq.request('[]');
SELECT 'PR-72' AS id, state, body FROM prq.request(prq.key(:'plain'), statement => 'SELECT FROM unkey_authenticate_request(header => ''a b'')');
SELECT 'PR-73' AS id, state, body FROM prq.request(prq.key(:'plain'), statement => 'SELECT FROM unkey_authenticate_request(cost => -1)');
SET unkey.request_ratelimits = '[{"name": ""}]';
SELECT 'PR-74' AS id, state, body FROM prq.request(prq.key(:'plain'));
SET unkey.request_ratelimits = 'nonsense';
SELECT 'PR-75' AS id, state, body FROM prq.request(prq.key(:'plain'));
RESET unkey.request_ratelimits;
SET unkey.request_header = ':';
SELECT 'PR-76' AS id, state, body FROM prq.request(prq.key(:'plain'));
RESET unkey.request_header;

-- A role with verify may call both, and set none of what they cost.
CREATE ROLE prq_web;
SELECT unkey_grant('prq_web', 'verify');
GRANT USAGE ON SCHEMA prq, tests TO prq_web;
SET ROLE prq_web;
SELECT 'PR-80' AS id, state, body FROM prq.request(prq.key(:'acme'), show => 'SELECT unkey_external_id()');
SELECT 'PR-81' AS id, state FROM unnest('{request_header,request_ip_header,request_api_id,request_ratelimits,request_cost}'::text[]) AS name, tests.error(format('SET unkey.%s = ''1''', name));
RESET ROLE;
SELECT unkey_revoke('prq_web', 'verify');
SET ROLE prq_web;
SELECT 'PR-82' AS id, state FROM prq.request(prq.key(:'acme'));
RESET ROLE;

-- A refusal that somebody catches undoes what was done for it, and no more.
BEGIN;
SELECT 'PR-83' AS id, valid FROM unkey_authenticate(:'acme', cost => 0);
SELECT 'PR-84' AS id, state, unkey_external_id() AS still FROM prq.request('{}');
COMMIT;
SELECT tests.at(NULL);
SET client_min_messages = warning;
DROP SCHEMA prq CASCADE;
DROP OWNED BY prq_web;
DROP ROLE prq_web;
