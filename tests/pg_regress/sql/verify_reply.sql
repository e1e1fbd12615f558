-- What a reply holds about a found key (section C.4). Absent and empty things are NULL.
\pset null '-'
SET datestyle = ISO;
SET timezone = 'UTC';
SELECT tests.at('2025-03-14 12:00:00Z') \gset
SELECT unkey_create_api('verify-reply') AS api \gset

-- VK-25: name and meta come back as they were given.
SELECT key FROM unkey_create_key(:'api', name => 'n1', meta => '{"plan": "pro", "n": 1}') \gset
SELECT 'VK-25' AS "case", name, meta FROM unkey_verify_key(:'key');

-- Numbers keep all their digits, and any JSON may be nested; an empty meta is none.
SELECT key_id, key FROM unkey_create_key(:'api', meta =>
    '{"big": 123456789012345678901234567890.123456789, "max": 9223372036854775808, "e": 1e400, "zeros": 1.500,
      "deep": [{"ß": null}, [], "\"\\\u00e9\n"], "": false}') \gset
SELECT 'meta' AS "case", meta->'big' AS big, meta->'max' AS max, length(meta->>'e') AS e, meta->'zeros' AS zeros,
    meta->'deep' AS deep, meta->'' AS "no name" FROM unkey_verify_key(:'key');
SELECT 'meta' AS "case", asked.meta = kept.meta AS as_kept FROM unkey_verify_key(:'key') AS asked, unkey.keys AS kept
WHERE kept.id = :'key_id';
SELECT unkey_update_key(:'key_id', '{"meta": {}}') \gset
SELECT 'meta' AS "case", meta FROM unkey_verify_key(:'key');

-- VK-26: the identity, with its meta; without it when that is empty.
SELECT key FROM unkey_create_key(:'api', external_id => 'verify_reply.u1') \gset
SELECT id AS identity FROM unkey.identities WHERE external_id = 'verify_reply.u1' AND deleted_at IS NULL \gset
UPDATE unkey.identities SET meta = '{"a": 1, "big": 12345678901234567890.5}' WHERE id = :'identity';
SELECT 'VK-26' AS "case", identity - 'id' AS identity, identity->>'id' = :'identity' AS same_id FROM unkey_verify_key(:'key');
UPDATE unkey.identities SET meta = '{}' WHERE id = :'identity';
SELECT 'VK-26' AS "case", identity - 'id' AS identity FROM unkey_verify_key(:'key');

-- C.4: its limits are listed, but not those that a limit of the key shadows.
UPDATE unkey.identities SET ratelimits = '[
    {"id": "rl_verify_reply_a", "name": "a", "limit": 3, "duration": 60000, "autoApply": false},
    {"id": "rl_verify_reply_b", "name": "b", "limit": 4, "duration": 60000, "autoApply": true}]' WHERE id = :'identity';
SELECT 'C.4' AS "case", jsonb_pretty(identity - 'id') AS identity FROM unkey_verify_key(:'key');
SELECT key AS shadowing FROM unkey_create_key(:'api', external_id => 'verify_reply.u1',
    ratelimits => '[{"name": "a", "limit": 1, "duration": 1000}, {"name": "b", "limit": 1, "duration": 1000}]') \gset
SELECT 'C.4' AS "case", identity - 'id' AS identity, ratelimits FROM unkey_verify_key(:'shadowing');

-- A deleted identity is as good as none: neither shown nor counted for (section A.4).
SELECT 'A.4' AS "case", identity IS NOT NULL AS has_identity, tests.limits(ratelimits) FROM unkey_verify_key(:'key');
UPDATE unkey.identities SET deleted_at = now() WHERE id = :'identity';
SELECT 'A.4' AS "case", code, identity, ratelimits FROM unkey_verify_key(:'key');
SELECT 'A.4' AS "case", state, replace(message, id, '<key>') AS message, hint FROM unkey.keys,
    tests.error(format('SELECT unkey_verify_key(%L, ratelimits => ''[{"name": "a"}]'')', :'key'))
WHERE hash = sha256(:'key'::bytea);

-- VK-28: effective permissions once each, and names of roles, both sorted.
SELECT unkey_create_role('verify_reply.r2', permissions => '{verify_reply.p3,verify_reply.p1}'),
    unkey_create_role('verify_reply.r1', permissions => '{verify_reply.p2,verify_reply.p3}'),
    unkey_create_role('verify_reply.r0') \gset
SELECT key FROM unkey_create_key(:'api', permissions => '{verify_reply.p1,verify_reply.p0}',
    roles => '{verify_reply.r2,verify_reply.r1,verify_reply.r0}') \gset
SELECT 'VK-28' AS "case", permissions, roles FROM unkey_verify_key(:'key');
SELECT key FROM unkey_create_key(:'api', roles => '{verify_reply.r0}') \gset
SELECT 'VK-28' AS "case", permissions, roles FROM unkey_verify_key(:'key');

-- A reply about a refused key holds the same, whatever the code (section C.4); limits only when they were evaluated.
SELECT key_id, key FROM unkey_create_key(:'api', name => 'full', external_id => 'verify_reply.u2', meta => '{"n": 1}',
    roles => '{verify_reply.r1}', permissions => '{verify_reply.p1}', expires => '2025-03-14 12:00:00Z', credits => 1,
    ratelimits => '[{"name": "rl", "limit": 2, "duration": 60000, "autoApply": true}]') \gset
PREPARE ask AS SELECT 'C.4' AS "case", code, key_id = $2 AS same_key, name, meta, expires, credits, enabled, roles,
    permissions, identity - 'id' AS identity, tests.limits(ratelimits) FROM unkey_verify_key($1, permissions => $3);
\x on
EXECUTE ask(:'key', :'key_id', NULL);
EXECUTE ask(:'key', :'key_id', NULL);
EXECUTE ask(:'key', :'key_id', NULL);
EXECUTE ask(:'key', :'key_id', 'verify_reply.p9');
SELECT tests.at('2025-03-14 13:00:00Z') \gset
EXECUTE ask(:'key', :'key_id', NULL);
SELECT unkey_update_key(:'key_id', '{"enabled": false}') \gset
EXECUTE ask(:'key', :'key_id', NULL);
\x off
DEALLOCATE ask;

-- RL-02: one evaluated limit in full.
SELECT key FROM unkey_create_key(:'api',
    ratelimits => '[{"name": "rl", "limit": 10, "duration": 60000, "autoApply": true}]') \gset
SELECT tests.at('2025-03-14 12:00:30Z') \gset
SELECT 'RL-02' AS "case", jsonb_pretty(limits - 'id') AS "limit", limits->>'id' ~ '^rl_[1-9A-HJ-NP-Za-km-z]+$' AS id,
    unkey.from_ms((limits->>'reset')::bigint) AS reset
FROM unkey_verify_key(:'key'), jsonb_array_elements(ratelimits) AS limits;
