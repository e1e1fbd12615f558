-- Making keys: their text, their hash, every argument of unkey_create_key.
SET datestyle = ISO;
SET timezone = 'UTC';
SELECT unkey_create_api('create-key') AS api_id,
    unkey_create_api('create-key-defaults', default_prefix => 'dflt', default_bytes => 32) AS defaults_id \gset

-- Number of bytes that a base58 text (Bitcoin alphabet) stands for; NULL if it is none.
CREATE FUNCTION pg_temp.base58_bytes(body text) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    bytes integer := length(body) - length(ltrim(body, '1'));
    number numeric := 0;
    digit integer;
BEGIN
    FOR at IN 1..length(body) LOOP
        digit := strpos('123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz', substr(body, at, 1)) - 1;
        IF digit < 0 THEN RETURN NULL; END IF;
        number := number * 58 + digit;
    END LOOP;
    WHILE number > 0 LOOP
        number := div(number, 256);
        bytes := bytes + 1;
    END LOOP;
    RETURN bytes;
END
$$;

-- KF-01: 16 random bytes in base58; the id is derived from the hash.
SELECT * FROM unkey_create_key(:'api_id') \gset
SELECT 'KF-01' AS "case", :'key' ~ '^[1-9A-HJ-NP-Za-km-z]{16,22}$' AS key, pg_temp.base58_bytes(:'key') AS bytes,
    :'key_id' ~ '^key_[1-9A-HJ-NP-Za-km-z]{16,22}$' AS key_id;
-- KF-02: a prefix is joined by an underscore, even one that ends with an underscore.
SELECT 'KF-02' AS "case", prefix,
    key ~ format('^%s_[1-9A-HJ-NP-Za-km-z]{16,22}$', prefix) AS key, pg_temp.base58_bytes(substr(key, length(prefix) + 2)) AS bytes
FROM unnest(ARRAY['test', 'a_b', 'ends_', '_', 'sixteen_chars_16']) AS prefix, unkey_create_key(:'api_id', prefix);
-- KF-04: 16 to 255 bytes.
SELECT 'KF-04' AS "case", bytes, pg_temp.base58_bytes(key) AS decoded
FROM unnest(ARRAY[16, 17, 32, 255]) AS bytes, unkey_create_key(:'api_id', byte_length => bytes);
-- Prefix and length default to those of the API.
SELECT 'dflt_, 32' AS defaults, split_part(key, '_', 1) AS prefix, pg_temp.base58_bytes(split_part(key, '_', 2)) AS bytes
FROM unkey_create_key(:'defaults_id')
UNION ALL SELECT 'own', split_part(key, '_', 1), pg_temp.base58_bytes(split_part(key, '_', 2))
FROM unkey_create_key(:'defaults_id', prefix => 'own', byte_length => 16);

-- KF-08: the hash is SHA-256 of the whole text.
INSERT INTO unkey.keys (api_id, hash) VALUES
    (:'api_id', decode('LXEWQrcmsEQBYnyp+6wy9chTD7GQPMTbAiWHF5IaSIE=', 'base64')),
    (:'api_id', decode('FJQkoake2VfhwC3M6k+NV+aaXQu8av/rr/WnRhjP78c=', 'base64'));
SELECT 'KF-08' AS "case", key, code FROM unnest(ARRAY['x', 'test_abc123', 'X']) AS key, unkey_verify_key(key);
DELETE FROM unkey.keys WHERE hash IN (sha256('x'), sha256('test_abc123'));
SELECT 'KF-08' AS "case", hash = sha256(convert_to(:'key', 'UTF8')) AS hash FROM unkey.keys WHERE id = :'key_id';

-- KF-10: start is the prefix and four characters.
SELECT * FROM unkey_create_key(:'api_id', 'test') \gset prefixed_
SELECT 'KF-10' AS "case", start ~ '^test_.{4}$' AS shape, starts_with(:'prefixed_key', start) AS of_key
FROM unkey_get_key(:'prefixed_key_id');
SELECT 'KF-10' AS "case", length(start), starts_with(:'key', start) AS of_key FROM unkey_get_key(:'key_id');

-- KF-11: the text is nowhere, neither whole nor without its prefix, in no column of any table.
SELECT * FROM unkey_create_key(:'api_id', 'kf11', name => 'kf11-name', external_id => 'kf11-owner', meta => '{"kf11": "kf11-meta"}',
    permissions => '{kf11.permission}', credits => 5,
    ratelimits => '[{"name": "kf11-limit", "limit": 9, "duration": 60000, "autoApply": true}]') \gset secret_
SELECT 'KF-11' AS "case", code FROM unkey_verify_key(:'secret_key', tags => '{kf11}');
SELECT 'KF-11' AS "case", name FROM unkey_whoami(:'secret_key');
SELECT * FROM unkey_reroll_key(:'secret_key_id') \gset rerolled_
-- The parts in brackets show that the search finds what is there.
INSERT INTO unkey.keys (api_id, hash) VALUES (:'api_id', 'kf11 needle of exactly 32 bytes!');
SELECT 'KF-11' AS "case", part, (SELECT array_agg(found ORDER BY found) FROM tests.columns_with(needle) AS found) AS found_in
FROM (VALUES ('text', :'secret_key'), ('text without prefix', split_part(:'secret_key', '_', 2)),
    ('rerolled text', :'rerolled_key'), ('without prefix', split_part(:'rerolled_key', '_', 2)),
    ('(start)', left(:'secret_key', 9)), ('(name)', 'kf11-name'), ('(meta)', 'kf11-meta'),
    ('(hash)', 'kf11 needle of exactly 32 bytes!')) AS needles(part, needle);

-- KF-13: a thousand keys, all different.
CREATE TEMP TABLE thousand AS
SELECT made.* FROM generate_series(1, 1000) AS n, unkey_create_key(:'api_id', name => 'thousand-' || n) AS made;
SELECT 'KF-13' AS "case", count(*), count(DISTINCT key) AS keys, count(DISTINCT key_id) AS ids,
    (SELECT count(DISTINCT hash) FROM unkey.keys WHERE id IN (SELECT key_id FROM thousand)) AS hashes,
    (SELECT count(*) FROM unkey_verify_keys((SELECT array_agg(key) FROM thousand)) WHERE code = 'VALID') AS valid
FROM thousand;
DELETE FROM unkey.keys WHERE id IN (SELECT key_id FROM thousand);

-- CK-01, CK-02: the API must be there.
SELECT 'CK-01' AS "case", error.* FROM tests.error('SELECT unkey_create_key(NULL)') AS error;
SELECT 'CK-02' AS "case", error.* FROM tests.error($$SELECT unkey_create_key('api_nope')$$) AS error;
SELECT 'CK-02' AS "case", error.* FROM tests.error($$SELECT unkey_create_key('')$$) AS error;

-- The limits of every argument. Nothing is made.
SELECT count(*) AS keys FROM unkey.keys \gset before_
SELECT "case", argument, error.*
FROM (VALUES
    ('CK-04', 'byte_length => 15'), ('CK-04', 'byte_length => 256'), ('CK-04', 'byte_length => 0'), ('CK-04', 'byte_length => -1'),
    ('CK-05', 'prefix => ''seventeen_chars17'''), ('CK-05', 'prefix => ''a-b'''), ('CK-05', 'prefix => '''''),
    ('CK-08', 'refill_interval => ''daily'', refill_amount => 5'), ('', 'credits => -1'),
    ('', 'credits => 1, refill_amount => 5'), ('', 'credits => 1, refill_interval => ''daily'''),
    ('', 'credits => 1, refill_day => 5'), ('', 'credits => 1, refill_interval => ''weekly'', refill_amount => 5'),
    ('', 'credits => 1, refill_interval => ''Daily'', refill_amount => 5'),
    ('', 'credits => 1, refill_interval => ''monthly'', refill_amount => 5'),
    ('CK-10', 'credits => 1, refill_interval => ''monthly'', refill_amount => 5, refill_day => 0'),
    ('CK-10', 'credits => 1, refill_interval => ''monthly'', refill_amount => 5, refill_day => 32'),
    ('CK-11', 'credits => 1, refill_interval => ''daily'', refill_amount => 0'),
    ('CK-11', 'credits => 1, refill_interval => ''daily'', refill_amount => -5'),
    ('CK-14', 'expires => ''2100-01-01 00:00:00.001+00'''), ('CK-14', 'expires => ''1969-12-31 23:59:59.999+00'''),
    ('CK-14', 'expires => ''infinity'''), ('CK-14', 'expires => ''-infinity'''),
    ('CK-19', 'recoverable => true'),
    ('CK-23', 'external_id => ''has space'''), ('CK-23', 'external_id => '''''), ('CK-23', 'external_id => ''a/b'''),
    ('', 'name => '''''), ('', 'meta => ''[]'''), ('', 'meta => ''5'''), ('', 'meta => ''null'''),
    ('', 'roles => ''{create_key.nope}'''), ('', 'roles => ''{NULL}'''), ('', 'roles => ''{""}'''),
    ('', 'permissions => ''{ok,"has space"}'''), ('', 'permissions => ''{ok,NULL}'''), ('', 'permissions => ''{""}'''),
    ('', 'ip_allowlist => ''{10.0.0.0/8,NULL}''')
) AS wrong("case", argument), tests.error(format('SELECT unkey_create_key(%L, %s)', :'api_id', argument)) AS error;
SELECT 'CK-07' AS "case", state FROM tests.error(format('SELECT unkey_create_key(%L, foo => 1)', :'api_id'));
SELECT "case", argument, error.*
FROM (VALUES
    ('', 'name', 'repeat(''n'', 256)'), ('CK-23', 'external_id', 'repeat(''e'', 256)'),
    ('CK-13', 'roles', '(SELECT array_agg(''r'' || n) FROM generate_series(1, 101) AS n)'),
    ('CK-13', 'permissions', '(SELECT array_agg(''p'' || n) FROM generate_series(1, 1001) AS n)'),
    ('CK-13', 'ratelimits', '(SELECT jsonb_agg(jsonb_build_object(''name'', ''l'' || n, ''limit'', 1, ''duration'', 1000)) FROM generate_series(1, 51) AS n)'),
    ('', 'meta', '(SELECT jsonb_object_agg(''p'' || n, n) FROM generate_series(1, 101) AS n)'),
    ('', 'ip_allowlist', '(SELECT array_agg(''10.0.0.1''::cidr) FROM generate_series(1, 1001))')
) AS wrong("case", argument, value), tests.error(format('SELECT unkey_create_key(%L, %s => %s)', :'api_id', argument, value)) AS error;
SELECT ratelimits, error.*
FROM unnest(ARRAY[
    '[{"name": "", "limit": 1, "duration": 1000}]', '[{"name": "l", "limit": 0, "duration": 1000}]',
    '[{"name": "l", "limit": 1, "duration": 999}]', '[{"name": "l", "limit": 1}]', '[{"name": "l", "duration": 1000}]',
    '[{"limit": 1, "duration": 1000}]', '[{"name": "l", "limit": 1, "duration": 1000, "autoApply": 1}]',
    '[{"name": "l", "limit": 1.5, "duration": 1000}]', '[{"name": "l", "limit": 1, "duration": 1000}, {"name": "l", "limit": 2, "duration": 1000}]',
    '{"name": "l"}', '[1]', 'null'
]) AS ratelimits, tests.error(format('SELECT unkey_create_key(%L, ratelimits => %L)', :'api_id', ratelimits)) AS error;
SELECT count(*) - :before_keys AS new_keys, (SELECT count(*) FROM unkey.permissions WHERE slug = 'ok') AS new_permissions FROM unkey.keys;

-- The same limits reached, not passed.
SELECT key_id FROM unkey_create_key(:'api_id', 'sixteen_chars_16', repeat('n', 255), 255, repeat('e', 255),
    (SELECT jsonb_object_agg('p' || n, n) FROM generate_series(1, 100) AS n),
    permissions => (SELECT array_agg('create_key.' || n) FROM generate_series(1, 1000) AS n),
    expires => '2100-01-01 00:00+00', credits => 9223372036854775807,
    refill_amount => 9223372036854775807, refill_interval => 'monthly', refill_day => 31,
    ratelimits => (SELECT jsonb_agg(jsonb_build_object('name', rpad('l' || n, 128, '-'), 'limit', 9223372036854775807,
        'duration', 9223372036854775807, 'autoApply', true)) FROM generate_series(1, 50) AS n),
    ip_allowlist => (SELECT array_agg('10.0.0.1'::cidr) FROM generate_series(1, 1000))) \gset most_
SELECT length(name) AS name, length(identity->>'externalId') AS external_id, cardinality(permissions) AS permissions, expires, credits,
    refill_amount, refill_interval, refill_day, jsonb_array_length(ratelimits) AS ratelimits, cardinality(ip_allowlist) AS networks
FROM unkey_get_key(:'most_key_id');
SELECT unkey_delete_key(:'most_key_id', true);
DELETE FROM unkey.permissions WHERE slug LIKE 'create\_key.%';

-- Defaults: what is not given is not there.
SELECT name, enabled, meta, expires, credits, refill_amount, refill_interval, refill_day, last_refill_at, permissions, roles, ratelimits,
    identity, ip_allowlist, updated_at
FROM unkey_get_key(:'key_id');
-- CK-22: an empty meta is none.
SELECT 'CK-22' AS "case", key_id AS empty_id FROM unkey_create_key(:'api_id', meta => '{}') \gset
SELECT 'CK-22' AS "case", meta FROM unkey_get_key(:'empty_id');
-- Empty lists are none; 1970 is an instant like others; a daily refill ignores a day.
SELECT * FROM unkey_create_key(:'api_id', roles => '{}', permissions => '{}', ratelimits => '[]', ip_allowlist => '{}', enabled => false,
    expires => '1970-01-01 00:00+00', credits => 0, refill_interval => 'daily', refill_amount => 1, refill_day => 31) \gset least_
SELECT enabled, expires, credits, refill_amount, refill_interval, refill_day, permissions, roles, ratelimits, ip_allowlist
FROM unkey_get_key(:'least_key_id');

-- CK-16: permissions that are missing are made, each once.
SELECT * FROM unkey_create_key(:'api_id', permissions => '{ck16.read,ck16:*,ck16.read,ck16/a-b}') \gset ck16_
SELECT 'CK-16' AS "case", code, permissions FROM unkey_verify_key(:'ck16_key', 'ck16.read AND ck16:* AND ck16/a-b');
SELECT 'CK-16' AS "case", slug, name, description FROM unkey_list_permissions(search => 'ck16') ORDER BY slug COLLATE "C";
SELECT 'CK-16' AS "case", code, permissions
FROM unkey_create_key(:'api_id', permissions => '{ck16.read}') AS made, unkey_verify_key(made.key);
SELECT 'CK-16' AS "case", count(*) AS still FROM unkey.permissions WHERE slug LIKE 'ck16%';

-- CK-17: one identity for both keys.
SELECT * FROM unkey_create_key(:'api_id', external_id => 'ck17.u1') \gset one_
SELECT * FROM unkey_create_key(:'api_id', external_id => 'ck17.u1') \gset two_
SELECT 'CK-17' AS "case", one.identity - 'id' AS identity, one.identity = two.identity AS same,
    one.identity->>'id' ~ '^id_' AS id, (SELECT count(*) FROM unkey.identities WHERE external_id = 'ck17.u1') AS identities
FROM unkey_verify_key(:'one_key') AS one, unkey_verify_key(:'two_key') AS two;

-- CK-19, CK-20: recoverable keys need a master key, and there is none; false is no request for one. recovery.sql has one.
SELECT 'CK-20' AS "case", code FROM unkey_create_key(:'api_id', recoverable => false) AS made, unkey_verify_key(made.key);
-- All is one transaction: a role that does not exist leaves no permission, identity or key behind.
SELECT state, message, hint FROM tests.error(format(
    $$SELECT unkey_create_key(%L, external_id => 'ck.lost', permissions => '{ck.lost}', roles => '{ck.nope}')$$, :'api_id'));
SELECT (SELECT count(*) FROM unkey.identities WHERE external_id = 'ck.lost') AS identities,
    (SELECT count(*) FROM unkey.permissions WHERE slug = 'ck.lost') AS permissions;
