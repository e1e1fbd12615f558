-- identities.* over the v2 dialect.
SELECT tests.at('2026-03-10 12:00:00+00'), tests.root();
\pset null '-'
SELECT 'ID-01' AS case, status, data->>'identityId' ~ '^id_[1-9A-HJ-NP-Za-km-z]{12,17}$' AS id, data - 'identityId' AS rest, data->>'identityId' AS id_1 FROM tests.v2('identities.createIdentity', '{"externalId": "vi.u1", "ignored": 1}') \gset
SELECT 'ID-01' AS case, :'status' AS status, :'id' AS id, :'rest' AS rest;
SELECT 'ID-02' AS case, status, code, detail FROM tests.v2('identities.createIdentity', '{"externalId": "vi.u1"}');
SELECT 'G.3' AS case, status FROM tests.v2('identities.createIdentity', '{"externalId": "vi.u2", "meta": {"a": null}, "ratelimits": [{"name": "rl.a", "limit": 1, "duration": 1000, "autoApply": true, "x": 1}, {"name": "rl.b", "limit": 2, "duration": 2000}]}');
SELECT 'ID-04' AS case, by_id.data = by_external.data AS same, tests.masked(by_id.data) AS data FROM tests.v2('identities.getIdentity', '{"identity": "%s"}', :'id_1') AS by_id, tests.v2('identities.getIdentity', '{"identity": "vi.u1"}') AS by_external;
SELECT 'ID-04' AS case, tests.masked(data) AS data FROM tests.v2('identities.getIdentity', '{"identity": "vi.u2"}');

-- Changes: absent keeps, a value replaces, limits keep their id by name; null is not taken. The reply is the whole identity.
CREATE FUNCTION pg_temp.changed(patch text, OUT status integer, OUT code text, OUT location text, OUT data jsonb, OUT kept text[]) LANGUAGE plpgsql AS $$
DECLARE
    old jsonb;
BEGIN
    SELECT got.data INTO old FROM tests.v2('identities.getIdentity', '{"identity": "vi.u2"}') AS got;
    SELECT result.status, result.code, result.location, tests.masked(result.data) INTO status, code, location, data FROM tests.v2('identities.updateIdentity', format('{"identity": "vi.u2"%s}', nullif(', ' || patch, ', '))) AS result;
    SELECT array_agg(l->>'name' ORDER BY l->>'name') INTO kept FROM tests.v2('identities.getIdentity', '{"identity": "vi.u2"}') AS got, jsonb_array_elements(got.data->'ratelimits') AS l WHERE old->'ratelimits' @> jsonb_build_array(jsonb_build_object('id', l->'id'));
END
$$;
SELECT 'G.3' AS case, patch, changed.* FROM unnest(ARRAY['', '"meta": {"b": 1}', '"meta": {}']) AS patch, pg_temp.changed(patch) AS changed;
SELECT 'ID-05' AS case, changed.* FROM pg_temp.changed('"ratelimits": [{"name": "rl.a", "limit": 9, "duration": 9000}, {"name": "rl.c", "limit": 3, "duration": 3000}]') AS changed;
SELECT id AS case, left(patch, 70) AS patch, changed.* FROM (VALUES ('ID-07', '"ratelimits": [{"name": "rl.a", "limit": 1, "duration": 1000}, {"name": "rl.a", "limit": 2, "duration": 1000}]'), ('G.3', '"ratelimits": null'), ('G.3', '"meta": []'), ('G.3', '"externalId": "vi.u3"'), ('G.3', '"ratelimits": [{"name": "rl.a", "limit": 0, "duration": 1000}]'),
    ('G.3', '"ratelimits": []')) AS patches(id, patch), pg_temp.changed(patch) AS changed;
SELECT 'G.3' AS case, status, code, detail FROM tests.v2('identities.updateIdentity', '{"identity": "vi.nobody"}');

-- What is refused.
SELECT id AS case, left(body, 70) AS body, length(body), result.status, code, location FROM (VALUES ('G.3', '{}'), ('G.3', '{"externalId": ""}'), ('G.3', '{"externalId": null}'), ('CK-23', '{"externalId": "has space"}'), ('G.3', format('{"externalId": "%s"}', repeat('u', 256))), ('G.3', '{"externalId": "vi.x", "meta": null}'), ('G.3', '{"externalId": "vi.x", "meta": "m"}'),
    ('G.3', '{"externalId": "vi.x", "ratelimits": null}'), ('G.3', '{"externalId": "vi.x", "ratelimits": [{"name": "rl", "limit": 1}]}'), ('G.3', '{"externalId": "vi.x", "ratelimits": [{"name": "rl", "limit": 1, "duration": 1000}, {"name": "rl", "limit": 1, "duration": 1000}]}'),
    ('ID-11', format('{"externalId": "vi.x", "meta": {"m": "%s"}}', repeat('m', 1024 * 1024))), ('A.4', format('{"externalId": "vi.x", "meta": %s}', (SELECT jsonb_object_agg('p' || n, n) FROM generate_series(1, 101) AS n)))) AS wrong(id, body), tests.v2('identities.createIdentity', body) AS result;
-- A document grows as it is stored: by a space behind each comma, by numbers that are written out.
SELECT what, operation, status, code, location, detail FROM (VALUES ('spaces', (SELECT string_agg('1', ',') FROM generate_series(1, 400000))), ('numbers', (SELECT string_agg('1e300', ',') FROM generate_series(1, 4000)))) AS grown(what, numbers),
    (VALUES ('identities.createIdentity', 'externalId', 'vi.grown'), ('identities.updateIdentity', 'identity', 'vi.u2')) AS calls(operation, field, identity), tests.v2(operation, format('{"%s": "%s", "meta": {"m": [%s]}}', field, identity, numbers)) AS result;
SELECT 'G.3' AS case, (SELECT count(*) FROM unkey_list_identities(search => 'vi.x')) AS kept;

-- Delete: the reply is only meta, its errors are problem+json; keys live on without owner, and the external id is free again.
SELECT unkey_create_api('vi.api') AS api \gset
SELECT key AS key FROM unkey_create_key(:'api', external_id => 'vi.u1') \gset
SELECT 'ID-08' AS case, status, content_type, body::jsonb->'meta' = body::jsonb->'meta' AS meta, (SELECT array_agg(member) FROM jsonb_object_keys(body::jsonb) AS member) AS members FROM unkey_api('identities.deleteIdentity', current_setting('tests.authorization'), '{"identity": "vi.u1"}');
SELECT 'ID-08' AS case, operation, result.status, code FROM unnest('{get,update,delete}'::text[]) AS operation, tests.v2('identities.' || operation || 'Identity', '{"identity": "vi.u1"}') AS result;
SELECT 'ID-08' AS case, tests.masked(header) AS header, body, status, content_type FROM (VALUES (NULL, '{}'), ('Bearer unkey_nobody', '{"identity": "vi.u1"}'), (current_setting('tests.authorization'), '{"identity": 1}'), (current_setting('tests.authorization'), '{"identity": "vi.u1"}')) AS calls(header, body), LATERAL unkey_api('identities.deleteIdentity', header, body) AS api(status, content_type, reply);
SELECT 'ID-08' AS case, code, data ? 'identity' AS identity FROM tests.v2('keys.verifyKey', '{"key": "%s"}', :'key');
SELECT 'ID-08' AS case, status, data->>'identityId' <> :'id_1' AS new_id FROM tests.v2('identities.createIdentity', '{"externalId": "vi.u1"}');

-- Lists.
SELECT count(tests.v2('identities.createIdentity', '{"externalId": "vi.list%s"}', n::text)) AS made FROM generate_series(1, 5) AS n;
SELECT 'ID-10' AS case, page, rows, has_more FROM tests.pages('identities.listIdentities', '{"search": "vi.LIST", "limit": 2}');
SELECT 'ID-10' AS case, array_agg(id ORDER BY page, at) = (SELECT array_agg(id ORDER BY id COLLATE "C") FROM unkey.identities WHERE deleted_at IS NULL) AS all_by_id FROM tests.pages('identities.listIdentities', '{"limit": 2}'), unnest(ids) WITH ORDINALITY AS row(id, at);
SELECT 'ID-10' AS case, tests.masked(data) AS data, pagination FROM tests.v2('identities.listIdentities', '{"search": "vi.u2"}');
SELECT 'ID-10' AS case, body, result.status, location FROM unnest(ARRAY['{"limit": 0}', '{"limit": 101}', '{"limit": "1"}', '{"search": null}', '{"x": 1}']) AS body, tests.v2('identities.listIdentities', body) AS result;

-- ID-13: only who may create does.
SELECT tests.root('{identity.*.read_identity,identity.*.update_identity,identity.*.delete_identity}') \gset
SELECT 'ID-13' AS case, status, code, detail FROM tests.v2('identities.createIdentity', '{"externalId": "vi.refused"}');
SELECT 'ID-13' AS case, status, code FROM tests.v2('identities.getIdentity', '{"identity": "vi.refused"}');
