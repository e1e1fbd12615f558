-- The end of a key: deleted, or replaced by a reroll.
SET datestyle = ISO;
SET timezone = 'UTC';
SET intervalstyle = postgres;
SELECT unkey_create_api('reroll', default_bytes => 24, default_prefix => 'dflt') AS api_id \gset
SELECT unkey_create_role('reroll.r1', permissions => '{reroll.via-role}') AS role_id \gset

-- DK-01: deleted, it is gone for every call.
SELECT * FROM unkey_create_key(:'api_id', credits => 5) \gset
SELECT 'DK-01' AS "case", unkey_delete_key(:'key_id');
SELECT 'DK-01' AS "case", valid, code, key_id, credits FROM unkey_verify_key(:'key');
SELECT 'DK-01' AS "case", replace(statement, :'key_id', '<key>') AS statement, state, replace(message, :'key_id', '<key>') AS message, hint
FROM unnest(ARRAY[
    format('unkey_get_key(%L)', :'key_id'), format('unkey_delete_key(%L)', :'key_id'), format('unkey_delete_key(%L, true)', :'key_id'),
    format('unkey_update_key(%L, ''{}'')', :'key_id'), format('unkey_reroll_key(%L)', :'key_id'),
    format('unkey_update_credits(%L, ''set'', 5)', :'key_id'), format('unkey_update_credits(%L, ''set'')', :'key_id'),
    format('unkey_add_permissions(%L, ''{reroll.p}'')', :'key_id'), format('unkey_add_roles(%L, ''{reroll.r1}'')', :'key_id')
]) AS statement, tests.error('SELECT ' || statement);
SELECT 'DK-01' AS "case", state, message, hint FROM tests.error(format('SELECT unkey_whoami(%L)', :'key'));
-- The row stays, and its hash stays reserved.
SELECT 'DK-01' AS "case", deleted_at IS NOT NULL AS marked FROM unkey.keys WHERE id = :'key_id';
SELECT 'DK-01' AS "case", migrated, failed = ARRAY[encode(sha256(:'key'), 'hex')] AS failed
FROM unkey_migrate_keys(:'api_id', jsonb_build_array(jsonb_build_object('hash', encode(sha256(:'key'), 'hex'))));

-- DK-02: deleted for good, its row, links, balance are gone; its hash is free.
SELECT * FROM unkey_create_key(:'api_id', credits => 5, permissions => '{reroll.p}', roles => '{reroll.r1}', external_id => 'reroll.dk02') \gset
SELECT 'DK-02' AS "case", unkey_delete_key(:'key_id', permanent => true);
SELECT 'DK-02' AS "case", (SELECT count(*) FROM unkey.keys WHERE id = :'key_id') AS keys,
    (SELECT count(*) FROM unkey.key_permissions WHERE key_id = :'key_id') AS permissions,
    (SELECT count(*) FROM unkey.key_roles WHERE key_id = :'key_id') AS roles,
    (SELECT count(*) FROM unkey.credits WHERE key_id = :'key_id') AS credits,
    (SELECT count(*) FROM unkey.identities WHERE external_id = 'reroll.dk02') AS identities;
SELECT 'DK-02' AS "case", valid, code FROM unkey_verify_key(:'key');
SELECT 'DK-02' AS "case", state FROM tests.error(format('SELECT unkey_delete_key(%L, true)', :'key_id'));
SELECT 'DK-02' AS "case", jsonb_array_length(migrated) AS migrated, failed
FROM unkey_migrate_keys(:'api_id', jsonb_build_array(jsonb_build_object('hash', encode(sha256(:'key'), 'hex'))));
SELECT 'DK-02' AS "case", error.* FROM unnest(ARRAY['NULL', '''key_nope''']) AS id, tests.error(format('SELECT unkey_delete_key(%s)', id)) AS error;

-- RR-01: without grace the old key ends at once and the new one is good at once.
SELECT tests.at('2026-05-05 12:00:00.5+00');
SELECT * FROM unkey_create_key(:'api_id', 'pre', 'the name', external_id => 'reroll.u1', meta => '{"plan": "pro"}', roles => '{reroll.r1}',
    permissions => '{reroll.b,reroll.a}', expires => '2030-01-01 00:00+00', credits => 7, refill_amount => 9, refill_interval => 'monthly',
    refill_day => 31, ratelimits => '[{"name": "one", "limit": 10, "duration": 60000, "autoApply": true}, {"name": "two", "limit": 3, "duration": 1000}]',
    ip_allowlist => '{10.0.0.0/8}') \gset old_
SELECT * FROM unkey_reroll_key(:'old_key_id') \gset new_
SELECT 'RR-01' AS "case", :'old_key_id' <> :'new_key_id' AS new_id, :'old_key' <> :'new_key' AS new_text;
SELECT 'RR-01' AS "case", 'old' AS key, code, expires, credits, ratelimits FROM unkey_verify_key(:'old_key', ip => '10.0.0.1')
UNION ALL SELECT 'RR-01', 'new', code, expires, credits, NULL FROM unkey_verify_key(:'new_key', ip => '10.0.0.1');
-- 0 and less than a millisecond are no grace.
SELECT 'RR-01' AS "case", grace, code
FROM unnest(ARRAY['0', '0 days', '0.0009 seconds', '1 month -30 days']::interval[]) AS grace, unkey_create_key(:'api_id', name => grace::text) AS old,
    unkey_reroll_key(old.key_id, grace) AS new, unkey_verify_key(substr(old.key, 1, length(new.key) * 9));

-- RR-02: the new key has all that the old one had; its limits have ids of their own.
\x on
SELECT 'RR-02' AS "case", name, enabled, meta, expires, credits, refill_amount, refill_interval, refill_day, last_refill_at, permissions, roles,
    (SELECT jsonb_agg(l - 'id' ORDER BY l->>'name') FROM jsonb_array_elements(ratelimits) AS l) AS ratelimits,
    identity - 'id' AS identity, ip_allowlist, created_at, updated_at, api_id = :'api_id' AS same_api
FROM unkey_get_key(:'new_key_id');
\x off
SELECT 'RR-02' AS "case", old.identity = new.identity AS same_identity, count(DISTINCT l->>'id') AS limit_ids
FROM unkey_get_key(:'old_key_id') AS old, unkey_get_key(:'new_key_id') AS new, jsonb_array_elements(old.ratelimits || new.ratelimits) AS l GROUP BY 2;
SELECT 'RR-02' AS "case", link, count(*) AS of_old_and_new
FROM (SELECT 'permission' AS link FROM unkey.key_permissions WHERE key_id IN (:'old_key_id', :'new_key_id')
    UNION ALL SELECT 'role' FROM unkey.key_roles WHERE key_id IN (:'old_key_id', :'new_key_id')) AS links GROUP BY link ORDER BY link;
-- A disabled key stays disabled; an expired one stays expired; a bare one stays bare.
SELECT 'RR-02' AS "case", variant, code, name, verified.expires, credits
FROM (VALUES ('disabled', false, NULL), ('expired', true, '2020-01-01 00:00+00'::timestamptz), ('bare', true, NULL)) AS variants(variant, enabled, expires),
    unkey_create_key(:'api_id', enabled => variants.enabled, expires => variants.expires) AS old, unkey_reroll_key(old.key_id, '1 day') AS new, unkey_verify_key(new.key) AS verified;

-- RR-04, RR-05: the prefix stays, the length is that of the API now.
SELECT 'RR-04' AS "case", prefix, new.key ~ ('^' || coalesce(prefix, 'dflt') || '_[^_]{30,}$') AS key
FROM unnest(ARRAY['pre', 'a_b', 'a_b_', NULL]) AS prefix, unkey_create_key(:'api_id', prefix, byte_length => 16) AS old, unkey_reroll_key(old.key_id) AS new;
SELECT 'RR-05' AS "case", starts_with(third.key, 'a_b_') AS after_two_rerolls
FROM unkey_create_key(:'api_id', 'a_b') AS old, unkey_reroll_key(old.key_id) AS second, unkey_reroll_key(second.key_id) AS third;
SELECT * FROM unkey_create_key(:'api_id', 'a_b') \gset prefixed_
SELECT * FROM unkey_reroll_key(:'prefixed_key_id') \gset prefixed_
SELECT 'RR-05' AS "case", start = left(:'prefixed_key', 8) AS start FROM unkey_get_key(:'prefixed_key_id');
-- A key without a prefix gets none, whatever its API says by now.
SELECT unkey_create_api('reroll-bare') AS bare_id \gset
SELECT * FROM unkey_create_key(:'bare_id') \gset bare_
SELECT unkey_update_api(:'bare_id', '{"defaultPrefix": "late"}');
SELECT 'RR-04' AS "case", key ~ '^[1-9A-HJ-NP-Za-km-z]{16,22}$' AS bare FROM unkey_reroll_key(:'bare_key_id');

-- RR-08: unknown keys.
SELECT 'RR-08' AS "case", error.* FROM unnest(ARRAY['key_nope', NULL]) AS id, tests.error(format('SELECT unkey_reroll_key(%L)', id)) AS error;

-- RR-11: counters start at zero, and both keys count for themselves.
SELECT * FROM unkey_create_key(:'api_id', ratelimits => '[{"name": "rl", "limit": 10, "duration": 60000, "autoApply": true}]') \gset old_
SELECT 'RR-11' AS "case", tests.limits(ratelimits) AS old FROM unkey_verify_key(:'old_key', ratelimits => '[{"name": "rl", "cost": 9}]');
SELECT * FROM unkey_reroll_key(:'old_key_id', '1 hour') \gset new_
SELECT 'RR-11' AS "case", code, tests.limits(ratelimits) AS new FROM unkey_verify_key(:'new_key');
SELECT 'RR-11' AS "case", code, tests.limits(ratelimits) AS old FROM unkey_verify_key(:'old_key');

-- Both keys hold a copy of the balance.
SELECT * FROM unkey_create_key(:'api_id', credits => 3) \gset old_
SELECT * FROM unkey_reroll_key(:'old_key_id', '1 hour') \gset new_
SELECT old.credits AS old, new.credits AS new FROM unkey_verify_key(:'old_key', cost => 2) AS old, unkey_verify_key(:'new_key') AS new;

-- Grace is rounded up to the whole minute, a month counting 30 days; within it the old key is as good as before.
CREATE FUNCTION pg_temp.old_key_ends(api_id text, at timestamptz, grace interval, expires timestamptz) RETURNS timestamptz LANGUAGE plpgsql AS $$
DECLARE
    id text;
BEGIN
    PERFORM tests.at(at);
    id := (unkey_create_key(api_id, expires => expires)).key_id;
    PERFORM unkey_reroll_key(id, grace);
    RETURN (unkey_get_key(id)).expires;
END
$$;
SELECT at, grace, pg_temp.old_key_ends(:'api_id', at, grace, NULL)
FROM (VALUES
    ('2026-05-05 12:00:00+00'::timestamptz, '1 minute'::interval), ('2026-05-05 12:00:00+00', '0.001 seconds'), ('2026-05-05 12:00:00.001+00', '1 minute'),
    ('2026-05-05 12:00:30+00', '30 seconds'), ('2026-05-05 12:00:30+00', '30.001 seconds'), ('2026-05-05 12:00:59.999+00', '1 hour'),
    ('2026-05-05 12:00:00+00', '1 day'), ('2026-02-01 00:00:00+00', '1 month'), ('2024-02-01 00:00:00+00', '1 year'), ('2026-05-05 12:00:00+00', '129 years')
) AS graces(at, grace);
-- It never lengthens the life of the old key.
SELECT 'never longer' AS "case", expires, grace, pg_temp.old_key_ends(:'api_id', '2026-05-05 12:00:00+00', grace, expires)
FROM (VALUES
    ('2026-05-05 12:30:30.5+00'::timestamptz, '1 day'::interval), ('2026-05-05 12:30:30.5+00', '30 minutes 30.1 seconds'),
    ('2026-05-05 12:30:30.5+00', '10 minutes'), ('2020-01-01 00:00:00+00', '1 day'), ('2020-01-01 00:00:00+00', '0')
) AS graces(expires, grace);
-- Until the very end, and not a millisecond more.
SELECT tests.at('2026-05-05 12:00:30+00');
SELECT * FROM unkey_create_key(:'api_id') \gset old_
SELECT count(*) FROM unkey_reroll_key(:'old_key_id', '90 seconds');
SELECT tests.at('2026-05-05 12:02:00+00');
SELECT 'at the end' AS old_key, code, expires FROM unkey_verify_key(:'old_key');
SELECT tests.at('2026-05-05 12:02:00.001+00');
SELECT 'after it' AS old_key, code, expires FROM unkey_verify_key(:'old_key');
-- Reroll twice: the second grace does not lengthen the first, and the second new key has the expiry that the old one has by now.
SELECT tests.at('2026-05-05 12:00:00+00');
SELECT * FROM unkey_create_key(:'api_id') \gset old_
SELECT * FROM unkey_reroll_key(:'old_key_id', '10 minutes') \gset one_
SELECT * FROM unkey_reroll_key(:'old_key_id', '20 minutes') \gset two_
SELECT old.expires AS old_ends, one.expires AS first_ends, two.expires AS second_ends
FROM unkey_get_key(:'old_key_id') AS old, unkey_get_key(:'one_key_id') AS one, unkey_get_key(:'two_key_id') AS two;
SELECT grace, error.* FROM unnest(ARRAY['-1 second', '-0.001 seconds', '-1 month', '132 years', '178000000 years']::interval[]) AS grace,
    tests.error(format('SELECT unkey_reroll_key(%L, %L)', :'one_key_id', grace)) AS error;
SELECT expires FROM unkey_get_key(:'one_key_id');
-- An imported key has no text to take a prefix from but the one it was given.
SELECT tests.at(NULL);
SELECT migrated->0->>'keyId' AS imported_id FROM unkey_migrate_keys(:'api_id', jsonb_build_array(
    jsonb_build_object('hash', encode(sha256('sk_live_reroll1'), 'hex'), 'prefix', 'sk_live', 'credits', '{"remaining": 4}'::jsonb))) \gset
SELECT key ~ '^sk_live_[^_]{30,}$' AS key FROM unkey_reroll_key(:'imported_id');
