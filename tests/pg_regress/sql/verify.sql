-- Verification: which code is answered, in which order the checks run, and what a refused call leaves untouched.
\pset null '-'
SET datestyle = ISO;
SET timezone = 'UTC';
SELECT unkey_create_api('verify') AS api \gset
SELECT tests.at('2025-03-14 12:00:00Z') \gset

-- VK-01: a plain key is valid, and nothing that it does not have is shown.
SELECT key_id, key FROM unkey_create_key(:'api') \gset
SELECT 'VK-01' AS "case", valid, code, key_id = :'key_id' AS same_key, enabled FROM unkey_verify_key(:'key');
SELECT 'VK-01' AS "case", name, meta, expires, credits, roles, permissions, identity, ratelimits
FROM unkey_verify_key(:'key');

-- VK-02: an unknown key tells nothing but that.
SELECT 'VK-02' AS "case", answer.* FROM unkey_verify_key('verify_unknown') AS answer;

-- C.2, row 7: a deleted key is not found, whether its row is still there or not.
SELECT key_id AS soft_id, key AS soft FROM unkey_create_key(:'api', credits => 5) \gset
SELECT key_id AS gone_id, key AS gone FROM unkey_create_key(:'api', credits => 5) \gset
SELECT unkey_delete_key(:'soft_id'), unkey_delete_key(:'gone_id', permanent => true) \gset
SELECT 'C.2' AS "case", answer.* FROM unkey_verify_keys(ARRAY[:'soft', :'gone']) AS answer;

-- VK-05: with its API deleted, a key is not found; a bad query or an unknown limit changes nothing about that.
SELECT unkey_create_api('verify-deleted') AS dead_api \gset
SELECT key_id AS orphan_id, key AS orphan FROM unkey_create_key(:'dead_api', credits => 5) \gset
SELECT unkey_delete_api(:'dead_api') \gset
SELECT 'VK-05' AS "case", answer.* FROM unkey_verify_key(:'orphan') AS answer;
SELECT 'VK-05' AS "case", answer.*
FROM unkey_verify_key(:'orphan', permissions => 'a AND', ratelimits => '[{"name": "none"}]') AS answer;
SELECT 'VK-05' AS "case", remaining FROM unkey.credits WHERE key_id = :'orphan_id';

-- C.2, row 11: a disabled key says so, and works again once enabled.
SELECT key_id AS off_id, key AS off FROM unkey_create_key(:'api', enabled => false, credits => 5) \gset
SELECT 'C.2' AS "case", valid, code, enabled, credits FROM unkey_verify_key(:'off');
SELECT unkey_update_key(:'off_id', '{"enabled": true}') \gset
SELECT 'C.2' AS "case", valid, code, enabled, credits FROM unkey_verify_key(:'off');

-- VK-10, VK-11: a key is invalid strictly after the millisecond of its expiry.
SELECT key_id AS brief_id, key AS brief FROM unkey_create_key(:'api', expires => '2025-03-14 12:00:00Z') \gset
SELECT 'VK-11' AS "case", valid, code, expires FROM unkey_verify_key(:'brief');
SELECT tests.at('2025-03-14 12:00:00.001Z') \gset
SELECT 'VK-10' AS "case", valid, code, expires FROM unkey_verify_key(:'brief');
SELECT unkey_update_key(:'brief_id', '{"expires": null}') \gset
SELECT 'VK-10' AS "case", valid, code, expires FROM unkey_verify_key(:'brief');

-- C.2: disabled comes before expired.
SELECT key AS both FROM unkey_create_key(:'api', enabled => false, expires => '2025-03-14 11:00:00Z') \gset
SELECT 'C.2' AS "case", code, enabled, expires FROM unkey_verify_key(:'both');

-- VK-13, VK-14: an expired key spends and counts nothing, and is expired before it lacks a permission.
SELECT key AS expired FROM unkey_create_key(:'api', expires => '2025-03-14 11:00:00Z', credits => 5,
    ratelimits => '[{"name": "verify", "limit": 9, "duration": 60000, "autoApply": true}]') \gset
SELECT 'VK-13' AS "case", code, credits, ratelimits FROM unkey_verify_key(:'expired');
SELECT 'VK-14' AS "case", code, credits, ratelimits FROM unkey_verify_key(:'expired', permissions => 'a');

-- VK-20: a call that lacks a permission spends and counts nothing.
SELECT key FROM unkey_create_key(:'api', credits => 5,
    ratelimits => '[{"name": "verify", "limit": 1, "duration": 60000, "autoApply": true}]') \gset
SELECT 'VK-20' AS "case", code, credits, ratelimits
FROM unkey_verify_keys(array_fill(:'key'::text, ARRAY[3]), permissions => 'a');
SELECT 'VK-20' AS "case", code, credits, tests.limits(ratelimits) FROM unkey_verify_key(:'key');

-- C.2: a rate-limited call spends nothing.
SELECT 'C.2' AS "case", code, credits, tests.limits(ratelimits) FROM unkey_verify_key(:'key', cost => 3);

-- VK-23: a query is parsed before anything is checked, unless there is no key (section C.2, row 9).
SELECT unkey_update_key(:'off_id', '{"enabled": false}') \gset
SELECT 'VK-23' AS "case", e.*
FROM tests.error(format('SELECT unkey_verify_key(%L, permissions => ''a AND'')', :'off')) AS e;
SELECT 'VK-23' AS "case", state FROM tests.error(format('SELECT unkey_verify_key(%L, ''a AND'')', :'expired'));
SELECT 'VK-23' AS "case", answer.* FROM unkey_verify_key('verify_unknown', permissions => 'a AND') AS answer;

-- VK-38: with api_id, only a key of that API is found; for any other nothing is spent or counted.
SELECT unkey_create_api('verify-other') AS other_api \gset
SELECT key FROM unkey_create_key(:'api', credits => 5,
    ratelimits => '[{"name": "verify", "limit": 9, "duration": 60000, "autoApply": true}]') \gset
SELECT 'VK-38' AS "case", code, credits, tests.limits(ratelimits) FROM unkey_verify_key(:'key', api_id => :'api');
SELECT 'VK-38' AS "case", answer.* FROM unkey_verify_key(:'key', api_id => :'other_api') AS answer;
SELECT 'VK-38' AS "case", answer.* FROM unkey_verify_key(:'key', 'a AND', api_id => :'other_api') AS answer;
SELECT 'VK-38' AS "case", answer.* FROM unkey_verify_key(:'key', api_id => 'api_unknown') AS answer;
SELECT 'VK-38' AS "case", answer.* FROM unkey_verify_key(:'key', api_id => '') AS answer;
SELECT 'VK-38' AS "case", code, credits, tests.limits(ratelimits) FROM unkey_verify_key(:'key', api_id => :'api');

-- C.2: the whole order at once: a key with everything wrong, made right step by step. Only the last two steps count.
SELECT unkey_create_api('verify-order', ip_allowlist => '{1.2.3.4}') AS api \gset
SELECT key_id, key FROM unkey_create_key(:'api', enabled => false, expires => '2025-03-14 11:00:00Z', credits => 0,
    ratelimits => '[{"name": "verify", "limit": 1, "duration": 60000, "autoApply": true}]') \gset
SELECT unkey_update_api(:'api', '{"enabled": false}') \gset
PREPARE ask AS SELECT 'C.2' AS "case", valid, code, credits, tests.limits(ratelimits)
    FROM unkey_verify_key($1, permissions => 'verify.order', ip => $2, cost => $3);
EXECUTE ask(:'key', '5.6.7.8', 1);
SELECT unkey_update_api(:'api', '{"enabled": true}') \gset
EXECUTE ask(:'key', '5.6.7.8', 1);
SELECT unkey_update_key(:'key_id', '{"enabled": true}') \gset
EXECUTE ask(:'key', '5.6.7.8', 1);
SELECT unkey_update_key(:'key_id', '{"expires": null}') \gset
EXECUTE ask(:'key', '5.6.7.8', 1);
EXECUTE ask(:'key', '1.2.3.4', 1);
SELECT unkey_update_key(:'key_id', '{"permissions": ["verify.order"]}') \gset
EXECUTE ask(:'key', '1.2.3.4', 1);
EXECUTE ask(:'key', '1.2.3.4', 0);
SELECT tests.at('2025-03-14 12:02:00Z') \gset
EXECUTE ask(:'key', '1.2.3.4', 0);
DEALLOCATE ask;
