-- keys.getKey, whoami, deleteKey, rerollKey, updateCredits and apis.listKeys over the v2 dialect.
SELECT tests.at('2026-03-10 12:00:00+00'), tests.root();
\pset null '-'
SELECT unkey_create_api('vk.api') AS api, unkey_create_api('vk.many') AS many, unkey_create_role('vk.role', permissions => '{vk.of-role}') AS role,
    unkey_create_identity('vk.owner', '{"a": 1}', '[{"name": "shared", "limit": 3, "duration": 60000}]') AS identity \gset
SELECT key AS plain, key_id AS plain_id FROM unkey_create_key(:'api') \gset
SELECT key AS full, key_id AS full_id FROM unkey_create_key(:'api', 'a_b', 'name', external_id => 'vk.owner', meta => '{"x": null}', roles => '{vk.role}', permissions => '{vk.p}', credits => 7, refill_amount => 5,
    refill_interval => 'monthly', refill_day => 31, ratelimits => '[{"name": "rl", "limit": 10, "duration": 60000, "autoApply": true}]', ip_allowlist => '{10.0.0.0/8}') \gset

-- Reading one: optional members are left out, and nothing shows the text.
SELECT 'GK-01' AS case, status, tests.masked(data - 'start') AS data FROM tests.v2('keys.getKey', '{"keyId": "%s"}', :'plain_id');
SELECT 'GK-05' AS case, status, data->'credits' AS credits, position(:'full' IN data::text) AS text FROM tests.v2('keys.getKey', '{"keyId": "%s", "decrypt": false}', :'full_id');
SELECT 'WH-01' AS case, whoami.status, whoami.data = got.data AS same, tests.masked(whoami.data - 'start') AS data FROM tests.v2('keys.whoami', '{"key": "%s"}', :'full') AS whoami, tests.v2('keys.getKey', '{"keyId": "%s"}', :'full_id') AS got;
SELECT 'WH-02' AS case, status, code, detail FROM tests.v2('keys.whoami', '{"key": "vk_unknown"}');
SELECT id AS case, operation, body, result.status, code, location FROM (VALUES ('GK', 'keys.getKey', '{"keyId": "key_unknown"}'), ('GK', 'keys.getKey', '{}'), ('GK', 'keys.getKey', '{"keyId": null}'), ('GK', 'keys.getKey', '{"keyId": ""}'), ('GK', 'keys.getKey', '{"keyId": "key_unknown", "decrypt": null}'),
    ('GK', 'keys.getKey', '{"keyId": "key_unknown", "x": 1}'), ('WH', 'keys.whoami', '{}'), ('WH', 'keys.whoami', '{"key": ""}'), ('WH', 'keys.whoami', '{"key": "k", "decrypt": true}'), ('DK', 'keys.deleteKey', '{"keyId": "key_unknown"}'), ('DK', 'keys.deleteKey', '{"keyId": "key_unknown", "permanent": null}'),
    ('DK', 'keys.deleteKey', '{"keyId": "key_unknown", "x": 1}'), ('RR-08', 'keys.rerollKey', '{"keyId": "key_unknown", "expiration": 0}'), ('RR', 'keys.rerollKey', '{"keyId": "key_unknown"}'), ('RR', 'keys.rerollKey', '{"keyId": "key_unknown", "expiration": null}'),
    ('CR-17', 'keys.updateCredits', '{"keyId": "key_unknown", "operation": "set", "value": 1}')) AS wrong(id, operation, body), tests.v2(operation, body) AS result;
SELECT 'WH' AS case, length, result.status, code, location FROM unnest(ARRAY[512, 513]) AS length, tests.v2('keys.whoami', '{"key": "%s"}', repeat('k', length)) AS result;
-- UK-16: a root key is no key.
SELECT key_id AS root_id FROM unkey_create_root_key() \gset
SELECT 'UK-16' AS case, operation, result.status, code FROM unnest('{getKey,updateKey,deleteKey,setRoles}'::text[]) AS operation, tests.v2('keys.' || operation, '{"keyId": "%s"' || CASE operation WHEN 'setRoles' THEN ', "roles": []}' ELSE '}' END, :'root_id') AS result;

-- Credits: what the operation leaves, null for unlimited.
SELECT 'CR-10' AS case, data FROM tests.v2('keys.updateCredits', '{"keyId": "%s", "operation": "set", "value": 10}', :'plain_id');
SELECT 'CR-10' AS case, data FROM tests.v2('keys.updateCredits', '{"keyId": "%s", "operation": "increment", "value": 5}', :'plain_id');
SELECT 'CR-10' AS case, data FROM tests.v2('keys.updateCredits', '{"keyId": "%s", "operation": "decrement", "value": 3}', :'plain_id');
SELECT 'CR-11' AS case, data FROM tests.v2('keys.updateCredits', '{"keyId": "%s", "operation": "decrement", "value": 100}', :'plain_id');
SELECT 'E.2' AS case, data FROM tests.v2('keys.updateCredits', '{"keyId": "%s", "operation": "increment", "value": 0}', :'full_id');
SELECT 'CR-13' AS case, data FROM tests.v2('keys.updateCredits', '{"keyId": "%s", "operation": "set"}', :'full_id');
SELECT 'CR-13' AS case, data->'credits' AS credits FROM tests.v2('keys.getKey', '{"keyId": "%s"}', :'full_id');
SELECT 'CR-14' AS case, status, code, location, detail FROM tests.v2('keys.updateCredits', '{"keyId": "%s", "operation": "increment", "value": 5}', :'full_id');
SELECT 'E.2' AS case, data FROM tests.v2('keys.updateCredits', '{"keyId": "%s", "operation": "set", "value": null}', :'full_id');
SELECT 'E.2' AS case, data ? 'credits' AS credits FROM tests.v2('keys.getKey', '{"keyId": "%s"}', :'full_id');
SELECT id AS case, members, result.status, code, location, detail FROM (VALUES ('CR-16', '"operation": "set", "value": -1'), ('E.2', '"operation": "decrement", "value": -1'), ('CR-19', '"operation": "add", "value": 1'), ('E.2', '"operation": "increment"'),
    ('E.2', '"operation": "increment", "value": null'), ('E.2', '"value": 1'), ('E.2', '"operation": "set", "value": 1.0'), ('E.2', '"operation": "set", "value": "1"'), ('E.2', '"operation": "increment", "value": 9223372036854775807'), ('E.2', '"operation": "set", "x": 1')) AS wrong(id, members),
    tests.v2('keys.updateCredits', '{"keyId": "%s", ' || members || '}', :'plain_id') AS result;
SELECT 'E.2' AS case, data FROM tests.v2('keys.updateCredits', '{"keyId": "%s", "operation": "set", "value": 9223372036854775807}', :'plain_id');
SELECT 'E.2' AS case, status, data FROM tests.v2('keys.updateCredits', '{"keyId": "%s", "operation": "increment", "value": 1}', :'plain_id');

-- Reroll: all of it under a new text; the old one ends after the grace, rounded up to the minute.
SELECT unkey_update_key(:'full_id', '{"credits": {"remaining": 7, "refill": {"interval": "monthly", "amount": 5, "refillDay": 31}}}') \gset
SELECT count(*) AS used FROM generate_series(1, 9) AS n, unkey_verify_key(left(:'full', 100 + n), ip => '10.0.0.1', cost => 0);
SELECT tests.at('2026-03-10 12:00:10+00');
SELECT data->>'keyId' AS new_id, data->>'key' AS new, data - '{key,keyId}'::text[] AS rest FROM tests.v2('keys.rerollKey', '{"keyId": "%s", "expiration": 0, "x": 1}', :'full_id') \gset
SELECT 'RR-01' AS case, :'new_id' <> :'full_id' AS new_id, :'rest' AS rest, old.code AS old, new.code AS new FROM unkey_verify_key(:'full', ip => '10.0.0.1', cost => 0) AS old, unkey_verify_key(:'new', ip => '10.0.0.1', cost => 0) AS new;
SET tests.ip = '10.0.0.1';
SELECT 'RR-11' AS case, tests.limits(data->'ratelimits') AS limits FROM tests.v2('keys.verifyKey', '{"key": "%s", "credits": {"cost": 0}}', :'new');
SELECT 'RR-04' AS case, prefix, (result.data->>'key') ~ ('^' || prefix || '[1-9A-HJ-NP-Za-km-z]{16,22}$') AS kept FROM (VALUES ('pre_', ', "prefix": "pre"'), ('', '')) AS prefixes(prefix, member), tests.v2('keys.createKey', '{"apiId": "%s"' || member || '}', :'api') AS made,
    tests.v2('keys.rerollKey', '{"keyId": "%s", "expiration": 0}', made.data->>'keyId') AS result;
SELECT 'RR-05' AS case, :'new' ~ '^a_b_[1-9A-HJ-NP-Za-km-z]{16,22}$' AS prefix;
SELECT 'RR-02' AS case, tests.masked(new.data - '{start,createdAt,keyId}'::text[]) = tests.masked(old.data - '{start,createdAt,updatedAt,expires,keyId}'::text[]) AS same, new.data->'ratelimits'->0->'id' = old.data->'ratelimits'->0->'id' AS same_limit, new.data->'createdAt' AS created, old.data->'expires' AS old_ends
FROM tests.v2('keys.getKey', '{"keyId": "%s"}', :'new_id') AS new, tests.v2('keys.getKey', '{"keyId": "%s"}', :'full_id') AS old;
SELECT 'RR' AS case, expiration, result.status, result.code, result.location, got.data->'expires' AS old_ends FROM unnest('{1,60000,50000,-1,4102444800001}'::bigint[]) AS expiration, tests.v2('keys.createKey', '{"apiId": "%s"}', :'api') AS made,
    tests.v2('keys.rerollKey', '{"keyId": "%s", "expiration": %s}', made.data->>'keyId', expiration::text) AS result, tests.v2('keys.getKey', left('{"keyId": "%s"} ', 15 + result.status), made.data->>'keyId') AS got;

-- Delete: gone for every call, its row only with permanent.
SELECT 'DK-01' AS case, status, data FROM tests.v2('keys.deleteKey', '{"keyId": "%s"}', :'plain_id');
SELECT 'DK-01' AS case, operation, result.status, code, result.data FROM (VALUES ('verifyKey', format('{"key": "%s"}', :'plain')), ('whoami', format('{"key": "%s"}', :'plain')), ('getKey', format('{"keyId": "%s"}', :'plain_id')), ('updateKey', format('{"keyId": "%s"}', :'plain_id')), ('deleteKey', format('{"keyId": "%s"}', :'plain_id')),
    ('rerollKey', format('{"keyId": "%s", "expiration": 0}', :'plain_id')), ('updateCredits', format('{"keyId": "%s", "operation": "set", "value": 1}', :'plain_id')), ('addPermissions', format('{"keyId": "%s", "permissions": ["vk.p"]}', :'plain_id')), ('setRoles', format('{"keyId": "%s", "roles": []}', :'plain_id')))
    AS calls(operation, body), tests.v2('keys.' || operation, body) AS result;
SELECT 'DK-02' AS case, status, data, (SELECT count(*) FROM unkey.keys WHERE id = :'full_id') AS before FROM tests.v2('keys.deleteKey', '{"keyId": "%s", "permanent": true}', :'full_id');
SELECT 'DK-02' AS case, (SELECT count(*) FROM unkey.keys WHERE id = :'plain_id') AS soft, (SELECT count(*) FROM unkey.keys WHERE id = :'full_id') AS permanent, (SELECT count(*) FROM unkey.key_permissions WHERE key_id = :'full_id') AS links;

-- Lists: page after page, without what is deleted; the cursor is in the reply until the last page.
SELECT count(*) AS made FROM generate_series(1, 5) AS n, unkey_create_key(:'many', name => 'vk' || n, external_id => 'vk.' || n % 2);
SELECT unkey_delete_key(key_id) FROM unkey_create_key(:'many', name => 'vk deleted') \gset
SELECT 'LK-01' AS case, page, rows, has_more FROM tests.pages('apis.listKeys', jsonb_build_object('apiId', :'many', 'limit', 2));
SELECT 'LK-01' AS case, count(*), count(DISTINCT id) AS distinct FROM tests.pages('apis.listKeys', jsonb_build_object('apiId', :'many', 'limit', 2)), unnest(ids) AS id;
SELECT 'LK-01' AS case, page, rows, has_more FROM tests.pages('apis.listKeys', jsonb_build_object('apiId', :'many', 'limit', 5));
SELECT 'LK-02' AS case, external_id, (SELECT array_agg(row->>'name' ORDER BY row->>'name') FROM jsonb_array_elements(data) AS row) AS names, pagination FROM unnest('{vk.1,vk.0,vk.nobody}'::text[]) AS external_id, tests.v2('apis.listKeys', '{"apiId": "%s", "externalId": "%s"}', :'many', external_id);
SELECT 'LK-07' AS case, jsonb_array_length(data) AS keys, tests.masked((data->0) - '{start,name,identity}'::text[]) AS first FROM tests.v2('apis.listKeys', '{"apiId": "%s", "limit": 100, "decrypt": false, "revalidateKeysCache": false}', :'many');
SELECT 'LK-04' AS case, status, code FROM tests.v2('apis.listKeys', '{"apiId": "api_unknown"}');
SELECT 'LK' AS case, members, result.status, code, location FROM unnest(ARRAY['"limit": 0', '"limit": 101', '"limit": null', '"cursor": "x"', '"cursor": null', '"externalId": null', '"search": "x"']) AS members, tests.v2('apis.listKeys', '{"apiId": "%s", ' || members || '}', :'many') AS result;

-- What needs a second permission, or another one than one would think; nothing is made or ended without it.
SELECT tests.root('{api.*.read_key,api.*.update_key,api.*.delete_key}') \gset
SELECT count(*) AS keys FROM unkey.keys \gset
SELECT 'LK-05' AS case, status, code, detail, data FROM tests.v2('apis.listKeys', '{"apiId": "%s"}', :'many');
SELECT 'RR-10' AS case, status, code, detail, data FROM tests.v2('keys.rerollKey', '{"keyId": "%s", "expiration": 0}', :'new_id');
SELECT 'RR-10' AS case, data ? 'expires' AS ends, (SELECT count(*) FROM unkey.keys) - :keys AS made FROM tests.v2('keys.getKey', '{"keyId": "%s"}', :'new_id');
