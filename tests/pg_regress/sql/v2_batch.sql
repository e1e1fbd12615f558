-- Many calls of keys.verifyKey in one statement: each answers what unkey_api answers it alone.
SELECT tests.at('2026-05-10 12:00:00+00');
SET unkey.counters = 'table'; -- which is looked into
\pset null '-'
SELECT unkey_create_api('vmany.api') AS api, unkey_create_api('vmany.other') AS other, unkey_create_api('vmany.listed', ip_allowlist => '{1.2.3.4}') AS listed \gset
SELECT keyspace_id AS keyspace FROM unkey_get_api(:'api') \gset
SELECT unkey_create_identity('vmany.user', '{"a": 1}', '[{"name": "shared", "limit": 3, "duration": 60000, "autoApply": true}]'), unkey_create_role('vmany.role', permissions => '{vmany.p2,vmany.p1}') \gset
SELECT 'Bearer ' || key AS root FROM unkey_create_root_key('vmany.root', '{*}') \gset
SELECT 'bearer ' || key AS some FROM unkey_create_root_key(permissions => ARRAY[format('api.%s.verify_key', :'other')]) \gset
SELECT 'Bearer ' || key AS none FROM unkey_create_root_key(permissions => '{api.*.read_key}') \gset
SELECT 'Bearer ' || key AS disabled FROM unkey_create_root_key(permissions => '{*}', enabled => false) \gset
SELECT 'Bearer ' || key AS expired FROM unkey_create_root_key(permissions => '{*}', expires => '2026-05-10 12:00:01+00') \gset
SELECT tests.at('2026-05-10 12:00:02+00');
-- Two keys of each kind: one is asked in a batch, the other one by one.
CREATE TABLE vmany_keys (kind text, twin int, key text, key_id text, PRIMARY KEY (kind, twin));
CREATE FUNCTION pg_temp.made(kind text, attributes text) RETURNS void LANGUAGE sql AS $$
    INSERT INTO vmany_keys SELECT kind, twin, data->>'key', data->>'keyId' FROM generate_series(1, 2) AS twin,
        tests.v2('keys.createKey', (jsonb_build_object('apiId', current_setting('vmany.api')) || replace(attributes, '$', twin::text)::jsonb)::text)
$$;
SELECT set_config('vmany.api', :'api', false), set_config('tests.authorization', :'root', false) \gset
SELECT pg_temp.made(kind, attributes) FROM (VALUES ('plain', '{}'), ('disabled', '{"enabled": false, "name": "off"}'), ('expired', '{"expires": 1}'), ('full', '{"roles": ["vmany.role"], "permissions": ["vmany.p1"], "meta": {"n": 1.50}, "name": "n"}'),
    ('metered', '{"credits": {"remaining": 2}}'), ('limited', '{"ratelimits": [{"name": "rl", "limit": 2, "duration": 60000, "autoApply": true}]}'), ('both', '{"credits": {"remaining": 5}, "ratelimits": [{"name": "rl", "limit": 2, "duration": 60000, "autoApply": true}]}'),
    ('owned', '{"externalId": "vmany.user$", "name": "mine"}')) AS kinds(kind, attributes);
UPDATE unkey.identities SET ratelimits = (SELECT ratelimits FROM unkey.identities WHERE external_id = 'vmany.user') WHERE external_id IN ('vmany.user1', 'vmany.user2');
SELECT pg_temp.made('listed', format('{"apiId": "%s"}', :'listed')), pg_temp.made('other', format('{"apiId": "%s"}', :'other')) \gset

-- The calls, in an order of their own; %s is the key's text.
CREATE TABLE vmany_calls (n int PRIMARY KEY, "case" text, "authorization" text, kind text, body text, ip inet);
INSERT INTO vmany_calls SELECT row_number() OVER (), * FROM (VALUES
    ('VK-01', :'root', 'plain', '{"key": "%s"}', NULL::inet),
    ('VK-02', :'root', 'plain', '{"key": "vmany_unknown"}', NULL),
    ('C.4', :'root', 'disabled', '{"key": "%s"}', NULL),
    ('VK-10', :'root', 'expired', '{"key": "%s"}', NULL),
    ('VK-16', :'root', 'listed', '{"key": "%s"}', NULL),
    ('VK-17', :'root', 'listed', '{"key": "%s"}', '1.2.3.4'),
    ('VK-16', :'root', 'listed', '{"key": "%s"}', '1.2.3.5'),
    ('VK-28', :'root', 'full', '{"key": "%s", "permissions": "vmany.p2 AND vmany.p1"}', NULL),
    ('PQ-02', :'root', 'full', '{"key": "%s", "permissions": "vmany.p9"}', NULL),
    ('VK-23', :'root', 'full', '{"key": "%s", "permissions": "a AND"}', NULL),
    ('VK-23', :'root', 'full', '{"key": "vmany_unknown", "permissions": "a AND"}', NULL),
    ('CR-01', :'root', 'metered', '{"key": "%s"}', NULL),
    ('CR-05', :'root', 'metered', '{"key": "%s", "credits": {"cost": 0}}', NULL),
    ('CR-01', :'root', 'metered', '{"key": "%s"}', NULL),
    ('CR-01', :'root', 'metered', '{"key": "%s"}', NULL),
    ('RL-01', :'root', 'limited', '{"key": "%s"}', NULL),
    ('RL-02', :'root', 'limited', '{"key": "%s", "ratelimits": [{"name": "rl", "cost": 0}]}', NULL),
    ('RL-20', :'root', 'limited', '{"key": "%s", "ratelimits": [{"name": "adhoc", "limit": 1, "duration": 60000}]}', NULL),
    ('RL-01', :'root', 'limited', '{"key": "%s"}', NULL),
    ('RL-17', :'root', 'limited', '{"key": "%s", "ratelimits": [{"name": "zzz"}]}', NULL),
    ('VK-22', :'root', 'both', '{"key": "%s", "tags": ["b", "a", "b"]}', NULL),
    ('VK-22', :'root', 'both', '{"key": "%s", "credits": {"cost": 3}}', NULL),
    ('VK-22', :'root', 'both', '{"key": "%s"}', NULL),
    ('VK-26', :'root', 'owned', '{"key": "%s"}', NULL),
    ('VK-26', :'root', 'owned', '{"key": "%s", "ratelimits": [{"name": "shared", "cost": 3}]}', NULL),
    ('VK-38', :'root', 'plain', '{"key": "%s", "keyspaces": ["ks_other"]}', NULL),
    ('VK-38', :'root', 'plain', format('{"key": "%%s", "keyspaces": ["%s"]}', :'keyspace'), NULL),
    ('VK-04', :'some', 'plain', '{"key": "%s"}', NULL),
    ('VK-08', :'some', 'other', '{"key": "%s"}', NULL),
    ('VK-07', :'none', 'plain', '{"key": "%s"}', NULL),
    ('VK-29', :'root', 'plain', '{"key": ""}', NULL),
    ('VK-29', :'root', 'plain', NULL, NULL),
    ('VK-31', :'root', 'plain', '{"key": "%s", "foo": 1}', NULL),
    ('C.1', :'root', 'plain', '{"key": "%s", "key": "%s"}', NULL),
    ('C.1', :'root', 'plain', '{', NULL),
    ('C.1', :'root', 'plain', '{"key": "%s", "ratelimits": [{"name": "x", "limit": 1, "duration": 1}]}', NULL),
    ('C.1', :'none', 'plain', '{"key": "%s", "tags": [""]}', NULL),
    ('VK-32', NULL, 'plain', '{', NULL),
    ('VK-33', 'Basic x', 'plain', '{', NULL),
    ('VK-34', 'Bearer unkey_nobody', 'plain', '{"key": "%s"}', NULL),
    ('VK-34', 'Bearer unkey_nobody', 'plain', '{', NULL),
    ('VK-36', :'disabled', 'plain', '{"key": "%s"}', NULL),
    ('VK-36', :'expired', 'plain', '{"key": "%s"}', NULL)) AS calls;

-- All calls for the keys of one twin, in one statement, each row with the number of its call.
CREATE FUNCTION pg_temp.batch(asked int, OUT n bigint, OUT status int, OUT content_type text, OUT body text, OUT outcome text) RETURNS SETOF record LANGUAGE sql AS $$
    SELECT r.ordinality, r.status, r.content_type, r.body, r.outcome
    FROM (SELECT array_agg("authorization" ORDER BY n) AS authorizations, array_agg(replace(body, '%s', key) ORDER BY n) AS bodies, array_agg(ip ORDER BY n) AS ips, array_agg('vmany' || n ORDER BY n) AS requests
        FROM vmany_calls JOIN vmany_keys USING (kind) WHERE twin = asked) AS calls,
        unkey_api_verify_keys(authorizations, bodies, ips, request_ids => requests) WITH ORDINALITY AS r
$$;
CREATE FUNCTION pg_temp.alone(asked int, OUT n int, OUT status int, OUT content_type text, OUT body text) RETURNS SETOF record LANGUAGE sql AS $$
    SELECT n, api.status, api.content_type, api.body FROM (SELECT * FROM vmany_calls JOIN vmany_keys USING (kind) WHERE twin = asked ORDER BY n) AS calls,
        unkey_api('keys.verifyKey', "authorization", replace(calls.body, '%s', key), ip, request_id => 'vmany' || n) AS api
$$;
DELETE FROM unkey.verification_queue;
CREATE TABLE vmany_results AS SELECT * FROM pg_temp.batch(1);
CREATE TABLE vmany_alone AS SELECT * FROM pg_temp.alone(2);
-- The ids of keys, identities and limits of the twins differ, nothing else does.
SELECT count(*) AS calls, count(*) FILTER (WHERE (b.status, b.content_type, tests.masked(b.body)) = (a.status, a.content_type, replace(tests.masked(a.body), 'vmany.user2', 'vmany.user1'))) AS equal FROM vmany_results AS b JOIN vmany_alone AS a USING (n);
SELECT "case", n, status, outcome, r.body::jsonb->'data'->>'credits' AS credits, tests.limits(r.body::jsonb->'data'->'ratelimits') AS limits, r.body::jsonb->'meta'->>'requestId' = 'vmany' || n AS own
FROM vmany_results AS r JOIN vmany_calls USING (n) ORDER BY n;
-- What was spent and counted.
SELECT kind, min(remaining) AS remaining, max(remaining) = min(remaining) AS equal FROM vmany_keys JOIN unkey.credits USING (key_id) GROUP BY 1 ORDER BY 1;
SELECT kind, scope, min(current) AS counted, count(*) = 2 AND max(current) = min(current) AS equal FROM vmany_keys JOIN unkey.keys ON id = key_id JOIN unkey.counters ON identifier IN (key_id, identity_id) GROUP BY 1, 2 ORDER BY 1, 2;

-- What is recorded: the same for both twins, each event with the id of its own request.
SELECT b.outcome, b.spent_credits, b.tags, b.source, count(*), count(*) FILTER (WHERE b.request_id = a.request_id AND (b.outcome, b.spent_credits, b.tags, b.source, b.role, b.key_space_id, b.api_id) = (a.outcome, a.spent_credits, a.tags, a.source, a.role, a.key_space_id, a.api_id) AND (b.identity_id IS NULL) = (a.identity_id IS NULL)) AS equal
FROM (unkey.verification_queue AS b JOIN vmany_keys AS bk ON bk.key_id = b.key_id AND bk.twin = 1) JOIN (unkey.verification_queue AS a JOIN vmany_keys AS ak ON ak.key_id = a.key_id AND ak.twin = 2) ON ak.kind = bk.kind AND a.request_id = b.request_id
GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3;
SELECT twin, count(*) FROM unkey.verification_queue JOIN vmany_keys USING (key_id) GROUP BY 1 ORDER BY 1;

-- A call that would finish a migration is not performed: its row is NULL, and its neighbours are answered.
SELECT key AS plain FROM vmany_keys WHERE kind = 'plain' AND twin = 1 \gset
SELECT status, content_type, body IS NULL AS none, outcome FROM unkey_api_verify_keys(ARRAY[:'root', :'root', NULL, :'root'], ARRAY[format('{"key": "%s", "migrationId": "vmany"}', :'plain'), format('{"key": "%s"}', :'plain'), '{"key": "k", "migrationId": "vmany"}', '{"migrationId": "vmany"}']);
-- A reply has to wait for the commit if a balance changed. Reading may tidy up a page, which is in the log as well, but not time after time.
CREATE PROCEDURE pg_temp.settles("authorization" text, key text, INOUT answer text DEFAULT NULL) LANGUAGE plpgsql AS $$
DECLARE
    waits bool := true;
BEGIN
    FOR i IN 1..10 LOOP
        SELECT outcome, durable INTO answer, waits FROM unkey_api_verify_keys(ARRAY["authorization"], ARRAY[format('{"key": "%s"}', key)]);
        COMMIT;
        EXIT WHEN NOT waits;
    END LOOP;
    answer := format('%s, waits for the commit: %s', answer, waits);
END
$$;
CALL pg_temp.settles(:'root', :'plain');
SELECT key AS spending FROM unkey_create_key(:'api', credits => 1) \gset
SELECT outcome, durable FROM unkey_api_verify_keys(ARRAY[:'root'], ARRAY[format('{"key": "%s"}', :'spending')]);
CALL pg_temp.settles(:'root', :'spending');
-- A request without an id gets one.
SELECT count(DISTINCT body::jsonb->'meta'->>'requestId') AS ids, bool_and(body::jsonb->'meta'->>'requestId' ~ '^req_') AS made FROM unkey_api_verify_keys(ARRAY[:'root', :'root', NULL], ARRAY['{', '{"key": "k"}', NULL], request_ids => '{NULL,NULL,NULL}');

-- The workspace: its limit is counted once for each call that reaches it, in order; refused ones count nothing.
SELECT unkey_update_workspace('{"ratelimit": {"limit": 3, "duration": 60000}}');
SELECT n, status, content_type, outcome FROM unkey_api_verify_keys(ARRAY[:'root', 'Bearer unkey_nobody', :'none', :'root', :'root', :'root', :'root'], ARRAY['{"key": "k"}', '{"key": "k"}', '{"key": "k"}', '{', '{"key": "k", "migrationId": "vmany"}', '{"key": "k"}', '{"key": "k"}']) WITH ORDINALITY AS r(status, content_type, body, outcome, durable, n);
SELECT current FROM unkey.counters WHERE scope = 'workspace';
SELECT unkey_update_workspace('{"ratelimit": null, "enabled": false}');
SELECT n, status, outcome FROM unkey_api_verify_keys(ARRAY[:'root', 'Bearer unkey_nobody', :'root'], ARRAY['{"key": "k"}', '{"key": "k"}', '{']) WITH ORDINALITY AS r(status, content_type, body, outcome, durable, n);
SELECT unkey_update_workspace('{"enabled": true}');

-- A refill that is due is the system's own entry, with the request that found it; what a verification spends has none.
SELECT key_id AS refilled_id, key AS refilled FROM unkey_create_key(:'api', credits => 1, refill_amount => 9, refill_interval => 'daily') \gset
SELECT tests.at('2026-05-11 12:00:00+00');
SELECT count(*) FROM tests.logged() \gset
SELECT status, outcome, body::jsonb->'data'->'credits' AS credits FROM unkey_api_verify_keys(ARRAY[:'root', :'some', :'root'], ARRAY[format('{"key": "%s", "credits": {"cost": 0}}', :'refilled'), '{"key": "k"}', format('{"key": "%s", "credits": {"cost": 2}}', :'refilled')], request_ids => '{vmany_a,vmany_b,vmany_c}');
SELECT event, actor_type, actor_id, correlation_id, changes->:'refilled_id'->'remaining' AS remaining FROM unkey.audit_log WHERE seal IS NULL;

-- Read-only: what must be counted is refused to its call alone; looking goes on.
SELECT key AS limited FROM vmany_keys WHERE kind = 'limited' AND twin = 1 \gset
BEGIN READ ONLY;
SELECT status, outcome FROM unkey_api_verify_keys(array_fill(:'root'::text, '{3}'), ARRAY[format('{"key": "%s"}', :'limited'), format('{"key": "%s"}', :'plain'), format('{"key": "%s", "ratelimits": [{"name": "rl", "cost": 0}]}', :'limited')]);
ROLLBACK;

-- No calls, no rows. Every array has one element for each call.
SELECT count(*) FROM unkey_api_verify_keys('{}', '{}', '{}', '{}', '{}');
SELECT statement, e.* FROM unnest(ARRAY['NULL, NULL', '''{}'', NULL', 'NULL, ''{}''', '''{a,b}'', ''{a}''', '''{a}'', ''{}''', '''{a}'', ''{a}'', ''{}''', '''{a}'', ''{a}'', NULL, ''{a,b}''', '''{a}'', ''{a}'', request_ids => ''{a,b}''',
    '''{{a}}'', ''{a}''', '''{a}'', ''{{a}}''']) AS statement, tests.error(format('SELECT unkey_api_verify_keys(%s)', statement)) AS e;
DROP TABLE vmany_keys, vmany_calls, vmany_results, vmany_alone;
