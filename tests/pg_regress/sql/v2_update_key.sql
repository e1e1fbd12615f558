-- keys.updateKey over the v2 dialect: absent keeps, null clears, a value replaces; what is refused changes nothing.
SELECT tests.at('2026-03-10 12:00:00+00'), tests.root();
\pset null '-'
SELECT unkey_create_api('vu.api') AS api, unkey_create_role('vu.r1') AS r1, unkey_create_role('vu.r2') AS r2 \gset
SELECT set_config('vu.api', :'api', false) \gset
-- A key with everything, changed by a patch: status, reply, and what is different about it then.
CREATE FUNCTION pg_temp.changed(patch text, OUT status integer, OUT code text, OUT location text, OUT detail text, OUT data jsonb, OUT difference jsonb) LANGUAGE plpgsql AS $$
DECLARE
    id text;
    old jsonb;
    new jsonb;
BEGIN
    SELECT key_id INTO id FROM unkey_create_key(current_setting('vu.api'), name => 'a', external_id => 'vu.u1', meta => '{"a": 1}', expires => '2027-01-01 00:00+00', roles => '{vu.r1}', permissions => '{vu.p1,vu.p2}',
        credits => 5, refill_amount => 9, refill_interval => 'daily', ip_allowlist => '{10.0.0.0/8}',
        ratelimits => '[{"name": "rl", "limit": 10, "duration": 60000, "autoApply": true}, {"name": "gone", "limit": 1, "duration": 60000}]');
    SELECT got.data INTO old FROM tests.v2('keys.getKey', '{"keyId": "%s"}', id) AS got;
    SELECT result.status, result.code, result.location, result.detail, result.data INTO status, code, location, detail, data FROM tests.v2('keys.updateKey', format('{"keyId": "%s"%s}', id, nullif(', ' || patch, ', '))) AS result;
    SELECT got.data INTO new FROM tests.v2('keys.getKey', '{"keyId": "%s"}', id) AS got;
    SELECT jsonb_object_agg(key, CASE WHEN key = 'ratelimits' THEN (SELECT jsonb_agg(l - 'id' || jsonb_build_object('kept', old->'ratelimits' @> jsonb_build_array(jsonb_build_object('id', l->'id')))) FROM jsonb_array_elements(new->key) AS l)
        WHEN key = 'identity' THEN new->key->'externalId' ELSE new->key END) INTO difference
    FROM jsonb_object_keys(old || new) AS key WHERE old->key IS DISTINCT FROM new->key AND key <> 'updatedAt';
END
$$;
SELECT id AS case, patch, result.status, result.data, difference FROM (VALUES ('UK-01', ''), ('UK-01', '"name": "b"'), ('UK-02', '"name": null'), ('UK-04', '"meta": null'), ('UK-04', '"meta": {"b": null}'), ('UK-04', '"meta": {}'), ('UK-05', '"expires": null'), ('UK-05', '"expires": 0'),
    ('UK-07', '"credits": null'), ('UK-08', '"credits": {"remaining": 7}'), ('UK-10', '"credits": {"remaining": null}'), ('E.5', '"credits": {"refill": null}'), ('E.5', '"credits": {"refill": {"interval": "monthly", "amount": 3, "refillDay": 31}}'), ('E.5', '"credits": {}'),
    ('E.5', '"credits": {"remaining": 2, "refill": null}'), ('F', '"externalId": null'), ('F', '"externalId": "vu.new"'), ('F', '"enabled": false'), ('UK-13', '"permissions": ["vu.p3"]'), ('UK-13', '"permissions": []'), ('F', '"roles": ["vu.r2"]'), ('F', '"roles": []'),
    ('F', '"ratelimits": [{"name": "rl", "limit": 20, "duration": 60000, "autoApply": true, "x": 1}, {"name": "new", "limit": 1, "duration": 1000}]'), ('F', '"ratelimits": []'), ('6.2', '"ipWhitelist": null'), ('6.2', '"ipWhitelist": ["::1"]')) AS patches(id, patch), pg_temp.changed(patch) AS result;
-- Refused: nothing of it is kept, also of what came first.
SELECT id AS case, left(patch, 70) AS patch, result.status, code, location, left(detail, 100) AS detail, difference
FROM (VALUES ('UK-11', '"credits": {"refill": {"interval": "daily", "amount": 4, "refillDay": 3}}'), ('E.3', '"credits": {"refill": {"interval": "monthly", "amount": 4}}'), ('UK-14', '"name": "b", "permissions": ["vu.refused"], "externalId": "vu.refused", "roles": ["nope"]'),
    ('F', '"foo": 1'), ('F', '"enabled": null'), ('F', '"permissions": null'), ('F', '"roles": null'), ('F', '"ratelimits": null'), ('F', '"name": ""'), ('F', '"expires": 1.5'), ('F', '"expires": 4102444800001'), ('F', '"meta": 1'), ('F', '"credits": {"remaining": -1}'), ('F', '"credits": {"foo": 1}'), ('F', '"credits": 5'),
    ('F', '"ratelimits": [{"name": "rl", "limit": 0, "duration": 60000}]'), ('F', '"ratelimits": [{"name": "rl", "limit": 1, "duration": 60000}, {"name": "rl", "limit": 1, "duration": 60000}]'), ('CK-13', '"roles": ' || to_json(array_fill('vu.r1'::text, '{101}'))::text),
    ('F', '"externalId": "has space"'), ('F', '"keyId": "key_other"')) AS patches(id, patch), pg_temp.changed(patch) AS result;
SELECT 'UK-14' AS case, (SELECT count(*) FROM unkey_list_identities(search => 'vu.refused')) AS identities, (SELECT count(*) FROM unkey_list_permissions(search => 'vu.refused')) AS permissions;
SELECT 'F' AS case, body, result.status, code, location FROM unnest(ARRAY['{}', '{"keyId": null}', '{"keyId": 1}', '{"keyId": ["k"]}', '[]', '{"keyId": ""}']) AS body, tests.v2('keys.updateKey', body) AS result;

-- What counts on a limit stays when the limit changes, and begins anew when the duration does.
SELECT key AS used, key_id AS used_id FROM unkey_create_key(:'api', ratelimits => '[{"name": "rl", "limit": 10, "duration": 60000, "autoApply": true}]') \gset
SELECT count(*) AS used FROM generate_series(1, 5) AS n, unkey_verify_key(left(:'used', 100 + n));
SELECT status FROM tests.v2('keys.updateKey', '{"keyId": "%s", "ratelimits": [{"name": "rl", "limit": 20, "duration": 60000, "autoApply": true}]}', :'used_id');
SELECT 'RL-31' AS case, tests.limits(data->'ratelimits') AS limits FROM tests.v2('keys.verifyKey', '{"key": "%s"}', :'used');
SELECT status FROM tests.v2('keys.updateKey', '{"keyId": "%s", "ratelimits": [{"name": "rl", "limit": 20, "duration": 120000, "autoApply": true}]}', :'used_id');
SELECT 'RL-32' AS case, tests.limits(data->'ratelimits') AS limits FROM tests.v2('keys.verifyKey', '{"key": "%s"}', :'used');
-- F: update_key alone makes permissions; UK-17: without it, nothing.
SELECT tests.root(ARRAY['api.*.update_key', 'api.*.read_key']) \gset
SELECT 'F' AS case, result.status, code, difference FROM pg_temp.changed('"permissions": ["vu.made"]') AS result;
SELECT tests.root(ARRAY['api.*.read_key', 'rbac.*.create_permission']) \gset
SELECT 'UK-17' AS case, result.status, code, detail, difference FROM pg_temp.changed('"name": "b"') AS result;
