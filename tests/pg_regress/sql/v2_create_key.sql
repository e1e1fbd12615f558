-- keys.createKey over the v2 dialect: what a key can be given, and what is refused at which place of the body.
SELECT tests.at('2026-03-10 12:00:00+00'), tests.root();
\pset null '-'
SELECT unkey_create_api('vc.api') AS api \gset
SELECT set_config('vc.api', :'api', false) \gset
-- A call for that API with these members besides apiId.
CREATE FUNCTION pg_temp.created(members text, OUT status integer, OUT code text, OUT location text, OUT detail text, OUT data jsonb) LANGUAGE sql AS
$$SELECT status, code, location, detail, data FROM tests.v2('keys.createKey', format('{"apiId": "%s"%s}', current_setting('vc.api'), nullif(', ' || members, ', ')))$$;

-- The text and the id, and nothing else.
SELECT 'KF-01' AS case, status, data->>'key' ~ '^[1-9A-HJ-NP-Za-km-z]{16,22}$' AS key, data->>'keyId' ~ '^key_[1-9A-HJ-NP-Za-km-z]{16,22}$' AS key_id, data - '{key,keyId}'::text[] AS rest FROM pg_temp.created('');
SELECT 'KF-02' AS case, data->>'key' ~ '^test_[1-9A-HJ-NP-Za-km-z]{16,22}$' AS key FROM pg_temp.created('"prefix": "test"');
SELECT 'KF-04' AS case, length(data->>'key') BETWEEN 340 AND 349 AS long FROM pg_temp.created('"byteLength": 255');
SELECT 'KF-13' AS case, count(DISTINCT data->>'key') AS keys, count(DISTINCT data->>'keyId') AS ids FROM generate_series(1, 1000) AS n, pg_temp.created(format('"name": "%s"', n));
SELECT data->>'keyId' AS key_id, data->>'key' AS key FROM pg_temp.created('"prefix": "test"') \gset
SELECT 'KF-10' AS case, data->>'start' ~ '^test_.{4}$' AS start, starts_with(:'key', data->>'start') AS of_key FROM tests.v2('keys.getKey', '{"keyId": "%s"}', :'key_id');
-- KF-11: the text is nowhere; the parts in brackets show that the search finds what is there.
SELECT data->>'keyId' AS secret_id, data->>'key' AS secret FROM pg_temp.created('"prefix": "vcsecret", "name": "vcsecret-name", "meta": {"a": "vcsecret-meta"}, "permissions": ["vcsecret.p"]') \gset
SELECT 'KF-11' AS case, operation, result.status FROM (VALUES ('verifyKey', format('{"key": "%s", "tags": ["vcsecret-tag"]}', :'secret')), ('whoami', format('{"key": "%s"}', :'secret')), ('updateKey', format('{"keyId": "%s", "enabled": false}', :'secret_id'))) AS calls(operation, body), tests.v2('keys.' || operation, body) AS result;
SELECT data->>'key' AS rerolled FROM tests.v2('keys.rerollKey', '{"keyId": "%s", "expiration": 0}', :'secret_id') \gset
SELECT 'KF-11' AS case, part, (SELECT array_agg(found ORDER BY found) FROM tests.columns_with(needle) AS found) AS found_in
FROM (VALUES ('text', :'secret'), ('without prefix', split_part(:'secret', '_', 2)), ('rerolled', :'rerolled'), ('without prefix', split_part(:'rerolled', '_', 2)), ('root key', substr(current_setting('tests.authorization'), 8)),
    ('(start)', left(:'secret', 13)), ('(name)', 'vcsecret-name'), ('(meta)', 'vcsecret-meta')) AS needles(part, needle);

-- Everything at once, read back; then the defaults that the clients send.
SELECT data->>'keyId' AS full_id, data->>'key' AS full FROM pg_temp.created('"prefix": "vc", "name": "all of it", "byteLength": 32, "externalId": "vc.u0", "meta": {"a": [1.50, null], "b": {}},
    "permissions": ["vc.p"], "expires": 1800000000000, "credits": {"remaining": 7, "refill": {"interval": "monthly", "amount": 9, "refillDay": 31}}, "enabled": false, "recoverable": false,
    "ratelimits": [{"name": "vc.rl", "limit": 5, "duration": 60000, "autoApply": true, "x": 1}, {"name": "vc.other", "limit": 1, "duration": 1000}], "ipWhitelist": ["10.1.2.3/8"]') \gset
SELECT jsonb_pretty(tests.masked(data - 'start')) AS data FROM tests.v2('keys.getKey', '{"keyId": "%s"}', :'full_id');
SELECT data->>'keyId' AS plain_id FROM pg_temp.created('"byteLength": 16, "enabled": true, "recoverable": false') \gset
SELECT data - '{start,keyId}'::text[] AS data FROM tests.v2('keys.getKey', '{"keyId": "%s"}', :'plain_id');

SELECT 'CK-01' AS case, status, code, location, detail FROM tests.v2('keys.createKey', '{}');
SELECT 'CK-02' AS case, status, code, detail FROM tests.v2('keys.createKey', '{"apiId": "api_unknown"}');
-- What is refused: one entry under errors says where.
SELECT id AS case, left(members, 60) AS members, refused.status, code, location, left(detail, 120) AS detail
FROM (VALUES ('CK-04', '"byteLength": 15'), ('CK-04', '"byteLength": 256'), ('CK-05', '"prefix": "12345678901234567"'), ('CK-05', '"prefix": "a-b"'), ('CK-05', '"prefix": ""'), ('CK-07', '"foo": 1'),
    ('CK-08', '"credits": {"remaining": null, "refill": {"interval": "daily", "amount": 5}}'), ('CK-10', '"credits": {"remaining": 1, "refill": {"interval": "monthly", "amount": 5, "refillDay": 0}}'),
    ('CK-10', '"credits": {"remaining": 1, "refill": {"interval": "monthly", "amount": 5, "refillDay": 32}}'), ('CK-10', '"credits": {"remaining": 1, "refill": {"interval": "monthly", "amount": 5}}'),
    ('CK-11', '"credits": {"remaining": 1, "refill": {"interval": "daily", "amount": 0}}'), ('CK-11', '"credits": {"remaining": 1, "refill": {"interval": "weekly", "amount": 1}}'),
    ('CK-11', '"credits": {"remaining": 1, "refill": {"interval": "daily"}}'), ('CK-11', '"credits": {"remaining": 1, "refill": {"interval": "daily", "amount": 1, "x": 1}}'),
    ('E.1', '"credits": {}'), ('E.1', '"credits": {"remaining": -1}'), ('E.1', '"credits": {"remaining": 1, "foo": 1}'), ('E.1', '"credits": []'),
    ('CK-13', '"ratelimits": [' || (SELECT string_agg(format('{"name": "rl%s", "limit": 1, "duration": 1000}', n), ',') FROM generate_series(1, 51) AS n) || ']'),
    ('CK-13', '"roles": ' || to_json(array_fill('vc.r'::text, '{101}'))::text), ('CK-13', '"permissions": ' || to_json(array_fill('vc.p'::text, '{1001}'))::text),
    ('CK-14', '"expires": 4102444800001'), ('CK-14', '"expires": -1'), ('A.6', '"ratelimits": [{"name": "rl", "limit": 0, "duration": 1000}]'), ('A.6', '"ratelimits": [{"name": "rl", "limit": 1, "duration": 999}]'),
    ('A.6', '"ratelimits": [{"name": "ok1", "limit": 1, "duration": 1000}, {"name": "", "limit": 1, "duration": 1000}]'), ('A.6', '"ratelimits": [{"name": "rl1", "limit": 1, "duration": 1000}, {"name": "rl1", "limit": 1, "duration": 1000}]'),
    ('CK-23', '"externalId": "has space"'), ('CK-23', '"externalId": ""'), ('A.3', '"name": ""'), ('A.3', format('"name": "%s"', repeat('n', 256))), ('A.3', '"meta": []'),
    ('A.3', '"meta": ' || (SELECT jsonb_object_agg('p' || n, n)::text FROM generate_series(1, 101) AS n)), ('A.5', '"permissions": ["a b"]'), ('A.5', '"permissions": ["' || repeat('p', 101) || '"]'), ('6.2', '"ipWhitelist": ["10.0.0.0/8", "x"]'))
    AS wrong(id, members), pg_temp.created(members) AS refused;
-- Optional members may be absent but not null.
SELECT member, refused.status, code, location FROM unnest('{prefix,name,byteLength,externalId,meta,roles,permissions,expires,credits,ratelimits,enabled,recoverable,ipWhitelist}'::text[]) AS member,
    pg_temp.created(format('"%s": null', member)) AS refused;
SELECT members, refused.status, location FROM unnest(ARRAY['"byteLength": "16"', '"byteLength": 16.0', '"expires": 1e3', '"enabled": "true"', '"name": 1', '"permissions": "p"', '"roles": [1]', '"credits": {"remaining": 1.5}']) AS members,
    pg_temp.created(members) AS refused;

-- Permissions and the identity are made, roles must exist.
SELECT data->>'key' AS made FROM pg_temp.created('"permissions": ["vc.new", "docs:read", "docs.*"]') \gset
SELECT 'CK-16' AS case, count(*) AS made FROM unkey_list_permissions(search => 'vc.new');
SELECT 'CK-16' AS case, data->'permissions' AS permissions FROM tests.v2('keys.verifyKey', '{"key": "%s"}', :'made');
SELECT 'CK-17' AS case, count(DISTINCT found.data->'identity'->>'id') AS identities, count(*) AS keys FROM generate_series(1, 2) AS n, pg_temp.created(left('"externalId": "vc.u1"', 20 + n)) AS made,
    tests.v2('keys.getKey', '{"keyId": "%s"}', made.data->>'keyId') AS found;
SELECT 'F' AS case, status, code, detail FROM pg_temp.created('"roles": ["vc.no-role"]');
SELECT 'CK-22' AS case, found.data ? 'meta' AND found.data->'meta' <> '{}' AS meta FROM pg_temp.created('"meta": {}') AS made, tests.v2('keys.getKey', '{"keyId": "%s"}', made.data->>'keyId') AS found;
-- E.3: a day sent with a daily refill is ignored here; roles by name.
SELECT unkey_create_role('vc.role', permissions => '{vc.of-role}') \gset
SELECT 'E.3' AS case, found.data->'credits' AS credits, found.data->'roles' AS roles, found.data->'permissions' AS permissions
FROM pg_temp.created('"roles": ["vc.role"], "credits": {"remaining": 0, "refill": {"interval": "daily", "amount": 5, "refillDay": 3}}') AS made, tests.v2('keys.getKey', '{"keyId": "%s"}', made.data->>'keyId') AS found;
SELECT 'E.1' AS case, found.data->'credits' AS credits FROM pg_temp.created('"credits": {"remaining": null}') AS made, tests.v2('keys.getKey', '{"keyId": "%s"}', made.data->>'keyId') AS found;
