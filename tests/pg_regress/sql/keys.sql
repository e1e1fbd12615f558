-- Keys: read and change.
SET datestyle = ISO;
SET timezone = 'UTC';
SELECT unkey_create_api('keys') AS api_id \gset
SELECT unkey_create_role('keys.r1', permissions => '{keys.via-role}') AS r1, unkey_create_role('keys.r2') AS r2 \gset

-- A key before and after a patch, in one call.
CREATE FUNCTION pg_temp.patched(key_id text, patch jsonb) RETURNS unkey.key_details LANGUAGE plpgsql AS $$
BEGIN
    PERFORM unkey_update_key(key_id, patch);
    RETURN unkey_get_key(key_id);
END
$$;

-- GK-01: what is always there.
SELECT * FROM unkey_create_key(:'api_id', 'gk') \gset
SELECT 'GK-01' AS "case", key_id = :'key_id' AS same_id, api_id = :'api_id' AS same_api, start = left(:'key', 7) AS start, enabled,
    created_at BETWEEN now() - interval '1 minute' AND now() + interval '1 minute' AS created, updated_at,
    strpos(details::text, :'key') AS text_at
FROM unkey_get_key(:'key_id') AS details;
-- Everything a key can have. From here on the clock stands still.
SELECT tests.at('2026-02-02 12:00+00');
SELECT * FROM unkey_create_key(:'api_id', 'full', 'full name', external_id => 'keys.u1', meta => '{"plan": "pro", "n": 1}',
    roles => ARRAY['keys.r2', :'r1'], permissions => '{keys.b,keys.a,keys.via-role}', expires => '2099-12-31 23:59:59.999+00',
    credits => 10, refill_amount => 5, refill_interval => 'monthly', refill_day => 31,
    ratelimits => '[{"name": "rl", "limit": 10, "duration": 60000, "autoApply": true}]', ip_allowlist => '{10.0.0.0/8,::1}') \gset full_
UPDATE unkey.identities SET meta = '{"a": 1}',
    ratelimits = '[{"id": "rl_shared", "name": "shared", "limit": 5, "duration": 1000, "autoApply": false}]' WHERE external_id = 'keys.u1';
-- GK-05: credits and refill.
SELECT 'GK-05' AS "case", credits, refill_amount, refill_interval, refill_day, last_refill_at FROM unkey_get_key(:'full_key_id');
\x on
SELECT 'GK-01' AS "case", name, enabled, meta, expires, permissions, roles, ratelimits #- '{0,id}' AS ratelimits,
    ratelimits->0->>'id' ~ '^rl_' AS limit_id, identity - 'id' AS identity, ip_allowlist
FROM unkey_get_key(:'full_key_id');
\x off

-- WH-01: the same, by text; counts and spends nothing, whatever the state of the key.
SELECT 'WH-01' AS "case", whoami = details AS same, strpos(whoami::text, :'full_key') AS text_at
FROM unkey_whoami(:'full_key') AS whoami, unkey_get_key(:'full_key_id') AS details;
SELECT 'WH-01' AS "case", code, credits, tests.limits(ratelimits) FROM unkey_verify_key(:'full_key', ip => '10.0.0.1');
SELECT 'WH-01' AS "case", whoami = details AS same, whoami.credits
FROM unkey_whoami(:'full_key') AS whoami, unkey_get_key(:'full_key_id') AS details;
SELECT 'WH-01' AS "case", code, credits, tests.limits(ratelimits) FROM unkey_verify_key(:'full_key', ip => '10.0.0.1');
SELECT unkey_update_key(:'full_key_id', '{"enabled": false, "expires": 1000}');
SELECT 'WH-01' AS "case", enabled, expires FROM unkey_whoami(:'full_key');
-- WH-02: unknown texts, and texts that no key has.
SELECT 'WH-02' AS "case", left(text, 5) AS text, length(text), error.*
FROM unnest(ARRAY['nope', '', repeat('k', 512), repeat('k', 513), NULL]) AS text,
    tests.error(format('SELECT unkey_whoami(%L)', text)) AS error;

-- UK-01: absent keeps.
SELECT unkey_update_key(:'full_key_id', '{"enabled": true, "expires": 4102444799999}');
SELECT details AS before FROM unkey_get_key(:'full_key_id') AS details \gset
SELECT 'UK-01' AS "case", unkey_update_key(:'full_key_id', '{}');
SELECT 'UK-01' AS "case", name, expires, to_jsonb(details) - 'updated_at' = to_jsonb(:'before'::unkey.key_details) - 'updated_at' AS all_kept,
    updated_at IS NOT NULL AS updated
FROM unkey_get_key(:'full_key_id') AS details;

-- UK-02, UK-04, UK-05, UK-07: null clears, one field at a time; the others stay.
SELECT "case", patch, name, meta, identity->>'externalId' AS external_id, expires, credits, refill_amount AS amount,
    refill_interval AS interval, refill_day AS day, ip_allowlist
FROM (VALUES
    ('UK-02', '{"name": null}'), ('UK-04', '{"meta": null}'), ('', '{"externalId": null}'), ('UK-05', '{"expires": null}'),
    ('', '{"ipWhitelist": null}'), ('UK-07', '{"credits": null}')
) AS patches("case", patch), LATERAL pg_temp.patched(:'full_key_id', patch::jsonb);
SELECT 'UK-05' AS "case", code, expires, credits FROM unkey_verify_key(:'full_key');
-- A value replaces; meta wholly, not member by member.
SELECT patch, name, meta, identity->>'externalId' AS external_id, expires, credits, ip_allowlist, enabled
FROM unnest(ARRAY[
    '{"name": "new"}', '{"meta": {"a": {"b": 1}, "c": 2}}', '{"meta": {"a": {"d": 3}}}', '{"meta": {}}', '{"externalId": "keys.u2"}',
    '{"expires": 4102444800000}', '{"expires": 0}', '{"ipWhitelist": ["10.0.0.1"]}', '{"ipWhitelist": []}',
    '{"credits": {"remaining": 3}}', '{"enabled": false}', '{"enabled": true, "expires": null, "name": "last"}'
]) AS patch, LATERAL pg_temp.patched(:'full_key_id', patch::jsonb);
-- What was changed counts from the next verification on.
SELECT n, code FROM (VALUES (1, '{"enabled": false}'), (2, '{"enabled": true, "expires": 1}'), (3, '{"expires": null, "ipWhitelist": ["10.0.0.1"]}'),
    (4, '{"ipWhitelist": null, "credits": {"remaining": 0}}'), (5, '{"credits": null}')) AS patches(n, patch),
    LATERAL pg_temp.patched(:'full_key_id', patch::jsonb) AS now_is, LATERAL unkey_verify_key(substr(:'full_key', 1, 512 + length(now_is.key_id)));

-- UK-08, UK-10, UK-11 and the rest of the three states of credits.
SELECT * FROM unkey_create_key(:'api_id', credits => 5, refill_amount => 9, refill_interval => 'daily') \gset credits_
SELECT "case", patch, credits, refill_amount AS amount, refill_interval AS interval, refill_day AS day
FROM (VALUES
    ('UK-08', '{"credits": {"remaining": 7}}'), ('', '{"credits": {}}'), ('', '{"name": "keeps credits"}'),
    ('', '{"credits": {"refill": null}}'), ('', '{"credits": {"refill": {"interval": "monthly", "amount": 4, "refillDay": 30}}}'),
    ('', '{"credits": {"refill": {"interval": "daily", "amount": 9}}}'), ('UK-10', '{"credits": {"remaining": null}}'),
    ('', '{"credits": {"remaining": 0}}'), ('', '{"credits": {"remaining": 9223372036854775807, "refill": {"interval": "daily", "amount": 1}}}'),
    ('UK-07', '{"credits": null}'), ('', '{"credits": {"refill": {"interval": "daily", "amount": 6}}}'),
    ('', '{"credits": {"remaining": 5}}'), ('', '{"credits": {"remaining": null, "refill": null}}')
) AS patches("case", patch), LATERAL pg_temp.patched(:'credits_key_id', patch::jsonb);
SELECT unkey_update_key(:'credits_key_id', '{"credits": {"remaining": 5}}');
SELECT "case", patch, error.*
FROM (VALUES
    ('UK-11', '{"credits": {"refill": {"interval": "daily", "amount": 4, "refillDay": 3}}}'),
    ('', '{"credits": {"refill": {"interval": "monthly", "amount": 4}}}'),
    ('', '{"credits": {"refill": {"interval": "monthly", "amount": 4, "refillDay": 0}}}'),
    ('', '{"credits": {"refill": {"interval": "monthly", "amount": 4, "refillDay": 32}}}'),
    ('', '{"credits": {"refill": {"interval": "hourly", "amount": 4}}}'), ('', '{"credits": {"refill": {"interval": "daily", "amount": 0}}}'),
    ('', '{"credits": {"refill": {"interval": "daily"}}}'), ('', '{"credits": {"refill": {"amount": 1}}}'), ('', '{"credits": {"refill": {}}}'),
    ('', '{"credits": {"refill": 5}}'), ('', '{"credits": {"remaining": -1}}'), ('', '{"credits": {"remaining": "5"}}'),
    ('', '{"credits": {"remaining": 9223372036854775808}}'), ('', '{"credits": {"remaining": null, "refill": {"interval": "daily", "amount": 1}}}'),
    ('', '{"credits": {"cost": 1}}'), ('', '{"credits": 5}')
) AS patches("case", patch), tests.error(format('SELECT unkey_update_key(%L, %L)', :'credits_key_id', patch)) AS error;
SELECT credits, refill_amount FROM unkey_get_key(:'credits_key_id');

-- UK-13: lists replace the whole set. Missing permissions are made; permissions through roles are not touched.
SELECT * FROM unkey_create_key(:'api_id', permissions => '{keys.p1,keys.p2}') \gset lists_
SELECT 'UK-13' AS "case", patch, permissions, roles
FROM unnest(ARRAY['{"permissions": ["keys.p3"]}', '{"permissions": ["keys.p3", "keys.p3", "keys.p1"]}', '{"permissions": []}',
    '{"roles": ["keys.r1"]}', '{"roles": ["keys.r2", "keys.r1", "keys.r2"], "permissions": ["keys.p2"]}', '{"roles": []}']) AS patch,
    LATERAL pg_temp.patched(:'lists_key_id', patch::jsonb);
-- By id too.
SELECT roles FROM pg_temp.patched(:'lists_key_id', jsonb_build_object('roles', jsonb_build_array(:'r2')));
-- UK-14: an unknown role; nothing changes.
SELECT 'UK-14' AS "case", error.* FROM tests.error(format(
    $$SELECT unkey_update_key(%L, '{"name": "lost", "credits": {"remaining": 1}, "permissions": ["keys.lost"], "externalId": "keys.lost",
        "roles": ["keys.r1", "keys.nope"]}')$$, :'lists_key_id')) AS error;
SELECT 'UK-14' AS "case", name, credits, permissions, roles, identity,
    (SELECT count(*) FROM unkey.permissions WHERE slug = 'keys.lost') AS new_permissions,
    (SELECT count(*) FROM unkey.identities WHERE external_id = 'keys.lost') AS new_identities
FROM unkey_get_key(:'lists_key_id');

-- Limits: the list replaces the set, and a name that stays keeps its id.
SELECT * FROM unkey_create_key(:'api_id', ratelimits => '[{"name": "a", "limit": 1, "duration": 1000}, {"name": "b", "limit": 2, "duration": 2000}]')
\gset limits_
SELECT ratelimits->0->>'id' AS a, ratelimits->1->>'id' AS b FROM unkey_get_key(:'limits_key_id') \gset
SELECT limits->>'name' AS name, limits->>'limit' AS "limit", limits->>'duration' AS duration, limits->>'autoApply' AS auto,
    CASE limits->>'id' WHEN :'a' THEN 'id of a' WHEN :'b' THEN 'id of b' ELSE 'new id' END AS id
FROM pg_temp.patched(:'limits_key_id', '{"ratelimits": [{"name": "c", "limit": 3, "duration": 3000, "autoApply": true},
    {"name": "a", "limit": 10, "duration": 10000}]}'), jsonb_array_elements(ratelimits) AS limits ORDER BY 1;
-- What unkey_get_key shows can be sent back.
SELECT now_is.ratelimits = before.ratelimits AS unchanged, jsonb_array_length(now_is.ratelimits) AS limits
FROM unkey_get_key(:'limits_key_id') AS before,
    LATERAL pg_temp.patched(:'limits_key_id', jsonb_build_object('ratelimits', before.ratelimits)) AS now_is;
SELECT ratelimits FROM pg_temp.patched(:'limits_key_id', '{"ratelimits": []}');

-- Anything else is refused, and nothing changes.
SELECT patch, error.*
FROM unnest(ARRAY[
    '{"foo": 1}', '{"Name": "x"}', '{"id": "key_x"}', '{"hash": ""}', '{"name": ""}', '{"name": 5}', '{"enabled": null}', '{"enabled": 1}',
    '{"externalId": ""}', '{"externalId": "a b"}', '{"meta": []}', '{"meta": "x"}', '{"expires": -1}', '{"expires": 4102444800001}',
    '{"expires": 1.5}', '{"expires": "2030-01-01"}', '{"ratelimits": null}', '{"ratelimits": {}}',
    '{"ratelimits": [{"name": "l", "limit": 0, "duration": 1000}]}', '{"permissions": null}', '{"permissions": ["a b"]}', '{"permissions": [1]}',
    '{"roles": null}', '{"roles": [null]}', '{"ipWhitelist": ["10.0.0.256"]}', '5', '"x"', 'true', 'null'
]) AS patch, tests.error(format('SELECT unkey_update_key(%L, %L)', :'limits_key_id', patch)) AS error;
SELECT name, enabled, meta, expires, credits, ratelimits, permissions FROM unkey_get_key(:'limits_key_id');

-- Unknown and NULL ids.
SELECT statement, error.*
FROM unnest(ARRAY[
    'unkey_get_key(''key_nope'')', 'unkey_update_key(''key_nope'', ''{}'')', 'unkey_get_key(NULL)', 'unkey_update_key(NULL, ''{}'')',
    'unkey_update_key(''key_nope'', NULL)'
]) AS statement, tests.error('SELECT ' || statement) AS error;
