-- Which limits a call counts, and several at once (sections D.2 to D.4).
\pset null '-'
SET datestyle = ISO;
SET timezone = 'UTC';
SELECT tests.at('2025-03-14 12:00:00Z') \gset
SELECT unkey_create_api('ratelimits-applied') AS api \gset

-- RL-17: a limit that is not stored has to exist; with both limit and duration it need not.
SELECT key_id, key FROM unkey_create_key(:'api') \gset
SELECT key_id AS member_id, key AS member FROM unkey_create_key(:'api', external_id => 'ratelimits.owner') \gset
SELECT id AS owner FROM unkey.identities WHERE external_id = 'ratelimits.owner' AND deleted_at IS NULL \gset
SELECT 'RL-17' AS "case", state, replace(message, :'key_id', '<key>') AS message, hint
FROM tests.error(format('SELECT unkey_verify_key(%L, ratelimits => ''[{"name": "zzz"}]'')', :'key'));
SELECT 'RL-17' AS "case", state, replace(replace(message, :'member_id', '<key>'), :'owner', '<identity>') AS message
FROM tests.error(format('SELECT unkey_verify_key(%L, ratelimits => ''[{"name": "zzz"}]'')', :'member'));

-- RL-19: limits are not looked at for a key that is invalid anyway.
SELECT key AS off FROM unkey_create_key(:'api', enabled => false) \gset
SELECT 'RL-19' AS "case", code, ratelimits FROM unkey_verify_key(:'off', ratelimits => '[{"name": "zzz"}]');

-- RL-20: an ad-hoc limit.
SELECT 'RL-20' AS "case", code, tests.limits(ratelimits), ratelimits->0->'id' AS id, ratelimits->0->'autoApply' AS auto
FROM unkey_verify_keys(array_fill(:'key'::text, ARRAY[3]), ratelimits => '[{"name": "adhoc", "limit": 2, "duration": 60000}]');
-- RL-22, RL-23: a limit or a duration alone says nothing: the item names a stored limit.
SELECT key_id AS stored_id, key AS stored FROM unkey_create_key(:'api',
    ratelimits => '[{"name": "rl", "limit": 10, "duration": 60000}]') \gset
SELECT 'RL-22' AS "case", code, tests.limits(ratelimits)
FROM unkey_verify_keys(array_fill(:'stored'::text, ARRAY[3]), ratelimits => '[{"name": "rl", "limit": 1}]');
SELECT 'RL-22' AS "case", code, tests.limits(ratelimits), ratelimits->0->'duration' AS duration
FROM unkey_verify_key(:'stored', ratelimits => '[{"name": "rl", "duration": 1000}]');
SELECT 'RL-23' AS "case", state, replace(message, :'key_id', '<key>') AS message
FROM tests.error(format('SELECT unkey_verify_key(%L, ratelimits => ''[{"name": "adhoc", "limit": 5}]'')', :'key'));
SELECT 'RL-23' AS "case", state, replace(message, :'key_id', '<key>') AS message
FROM tests.error(format('SELECT unkey_verify_key(%L, ratelimits => ''[{"name": "adhoc", "duration": 1000}]'')', :'key'));
-- RL-35: an ad-hoc limit of 0 denies, a peek too; a duration below a second is a mistake (verify_arguments).
SELECT 'RL-35' AS "case", code, tests.limits(ratelimits)
FROM unkey_verify_key(:'key', ratelimits => '[{"name": "ad", "limit": 0, "duration": 60000}]');
SELECT 'RL-35' AS "case", code, tests.limits(ratelimits)
FROM unkey_verify_key(:'key', ratelimits => '[{"name": "ad", "limit": 0, "duration": 60000, "cost": 0}]');

-- An ad-hoc limit replaces a stored one of its name, and counts where that counts if the duration is the same.
SELECT 'D.4' AS "case", code, tests.limits(ratelimits), ratelimits->0->'id' AS id
FROM unkey_verify_key(:'stored', ratelimits => '[{"name": "rl", "limit": 20, "duration": 60000, "cost": 3}]');
SELECT 'D.4' AS "case", code, tests.limits(ratelimits)
FROM unkey_verify_key(:'stored', ratelimits => '[{"name": "rl", "limit": 20, "duration": 61000}]');
SELECT 'D.4' AS "case", code, tests.limits(ratelimits) FROM unkey_verify_key(:'stored', ratelimits => '[{"name": "rl"}]');
SELECT 'D.4' AS "case", code, tests.limits(ratelimits) FROM unkey_verify_key(:'stored', ratelimits => '[{"name": "rl", "duration": 0, "cost": 0}]');
SELECT 'D.4' AS "case", * FROM tests.error(format('SELECT unkey_verify_key(%L, ratelimits => %L)', :'stored', '[{"name": "rl", "limit": 1, "duration": 0}]'));
-- Of several items of one name the last counts, and the others not at all.
SELECT 'D.4' AS "case", code, tests.limits(ratelimits) FROM unkey_verify_key(:'stored', ratelimits =>
    '[{"name": "rl", "cost": 100}, {"name": "last", "limit": 9, "duration": 60000}, {"name": "rl", "cost": 0}]');
SELECT 'D.4' AS "case", code, tests.limits(ratelimits) FROM unkey_verify_key(:'stored', ratelimits =>
    '[{"name": "last"}, {"name": "last", "limit": 9, "duration": 60000}]');
SELECT 'D.4' AS "case", state, replace(message, :'stored_id', '<key>') AS message
FROM tests.error(format('SELECT unkey_verify_key(%L, ratelimits => %L)', :'stored',
    '[{"name": "last", "limit": 9, "duration": 60000}, {"name": "last"}]'));

-- Names, keys and durations are told apart, letter by letter.
SELECT key AS another FROM unkey_create_key(:'api') \gset
SELECT 'D.2' AS "case", tests.limits(ratelimits) FROM unkey_verify_keys(ARRAY[:'key', :'another'], ratelimits =>
    '[{"name": "x", "limit": 5, "duration": 60000}, {"name": "X", "limit": 5, "duration": 60000, "cost": 2}]') AS v;
SELECT 'D.2' AS "case", tests.limits(ratelimits) FROM unkey_verify_key(:'key', ratelimits =>
    '[{"name": "x", "limit": 5, "duration": 60000, "cost": 0}, {"name": "X", "limit": 5, "duration": 60001, "cost": 0}]');

-- RL-24, RL-25: all or nothing. Once the smaller limit refuses, the larger one stays where it is.
SELECT key FROM unkey_create_key(:'api', ratelimits => '[{"name": "month", "limit": 200, "duration": 2592000000, "autoApply": true},
    {"name": "minute", "limit": 12, "duration": 60000, "autoApply": true}]') \gset
SELECT 'RL-25' AS "case", n, code, tests.limits(ratelimits) FROM unkey_verify_keys(array_fill(:'key'::text, ARRAY[15]))
    WITH ORDINALITY AS v (valid, code, key_id, name, meta, expires, credits, enabled, roles, permissions, identity, ratelimits, n)
WHERE n IN (1, 12, 13, 15);

-- RL-34: the same with named limits and costs; nothing is paid either.
SELECT key FROM unkey_create_key(:'api', credits => 9,
    ratelimits => '[{"name": "lim1", "limit": 1, "duration": 60000}, {"name": "lim2", "limit": 5, "duration": 60000}]') \gset
SELECT 'RL-34' AS "case", code, credits, tests.limits(ratelimits) FROM unkey_verify_key(:'key', ratelimits => '[{"name": "lim1"}]');
SELECT 'RL-34' AS "case", code, credits, tests.limits(ratelimits)
FROM unkey_verify_key(:'key', ratelimits => '[{"name": "lim2"}, {"name": "lim1"}]');
SELECT 'D.3' AS "case", code, credits, tests.limits(ratelimits)
FROM unkey_verify_key(:'key', ratelimits => '[{"name": "lim2", "cost": 6}, {"name": "lim1", "cost": 2}]');
SELECT 'D.3' AS "case", code, credits, tests.limits(ratelimits)
FROM unkey_verify_key(:'key', ratelimits => '[{"name": "lim2", "cost": 5}, {"name": "lim1", "cost": 0}]');
-- The reply is sorted by name.
SELECT 'D.3' AS "case", jsonb_path_query_array(ratelimits, '$[*].name') AS names FROM unkey_verify_key(:'key', ratelimits =>
    '[{"name": "z", "limit": 5, "duration": 60000}, {"name": "lim2", "cost": 0}, {"name": "a", "limit": 5, "duration": 60000}]');

-- RL-26: the keys of an identity share its limits.
UPDATE unkey.identities SET ratelimits = '[{"id": "rl_ratelimits", "name": "id_rl", "limit": 3, "duration": 60000, "autoApply": true},
    {"id": "rl_ratelimits2", "name": "x", "limit": 1, "duration": 60000, "autoApply": true}]' WHERE id = :'owner';
SELECT key AS member2 FROM unkey_create_key(:'api', external_id => 'ratelimits.owner', ratelimits =>
    '[{"name": "x", "limit": 5, "duration": 60000, "autoApply": true}]') \gset
SELECT key AS member3 FROM unkey_create_key(:'api', external_id => 'ratelimits.owner', ratelimits =>
    '[{"name": "x", "limit": 5, "duration": 60000}]') \gset
SELECT 'RL-26' AS "case", code, tests.limits(ratelimits), ratelimits->0->'id' AS id
FROM unkey_verify_keys(ARRAY[:'member2', :'member2', :'member3', :'member2']);

-- RL-28, RL-29: a limit of the key shadows the identity's of the same name, even if it is not auto-applied itself.
UPDATE unkey.identities SET ratelimits = ratelimits - 0 WHERE id = :'owner';
SELECT 'RL-28' AS "case", code, tests.limits(ratelimits), identity->'ratelimits' AS of_identity
FROM unkey_verify_keys(ARRAY[:'member2', :'member2']);
SELECT 'RL-29' AS "case", code, ratelimits FROM unkey_verify_keys(array_fill(:'member3'::text, ARRAY[2]));
SELECT 'RL-29' AS "case", code, tests.limits(ratelimits) FROM unkey_verify_key(:'member3', ratelimits => '[{"name": "x"}]');
-- A key without such a limit counts the identity's; an ad-hoc limit of its name is the key's own.
SELECT 'D.4' AS "case", code, tests.limits(ratelimits), ratelimits->0->'id' AS id
FROM unkey_verify_keys(ARRAY[:'member', :'member'], ratelimits => '[{"name": "x"}]');
SELECT 'D.4' AS "case", code, tests.limits(ratelimits), ratelimits->0->'id' AS id
FROM unkey_verify_key(:'member', ratelimits => '[{"name": "x", "limit": 9, "duration": 60000}]');
-- With another identity a key counts for that one.
SELECT unkey_update_key(:'member_id', '{"externalId": "ratelimits.owner2"}') \gset
UPDATE unkey.identities SET ratelimits = '[{"id": "rl_ratelimits3", "name": "x", "limit": 1, "duration": 60000, "autoApply": true}]'
WHERE external_id = 'ratelimits.owner2' AND deleted_at IS NULL;
SELECT 'D.2' AS "case", code, tests.limits(ratelimits) FROM unkey_verify_keys(ARRAY[:'member', :'member']);

-- VK-40: when counting fails, the call fails. It is never let through, and nothing is counted or spent.
SET unkey.counters = 'table';
SELECT key FROM unkey_create_key(:'api', credits => 5,
    ratelimits => '[{"name": "rl", "limit": 5, "duration": 60000, "autoApply": true}]') \gset
SELECT 'VK-40' AS "case", code, credits, tests.limits(ratelimits) FROM unkey_verify_key(:'key');
BEGIN;
ALTER TABLE unkey.counters RENAME TO counters_gone;
SELECT 'VK-40' AS "case", e.* FROM tests.error(format('SELECT unkey_verify_key(%L)', :'key')) AS e;
SELECT 'VK-40' AS "case", remaining FROM unkey.credits JOIN unkey.keys ON id = key_id WHERE hash = sha256(:'key'::bytea);
ROLLBACK;
SELECT 'VK-40' AS "case", code, credits, tests.limits(ratelimits) FROM unkey_verify_key(:'key');
RESET unkey.counters;
