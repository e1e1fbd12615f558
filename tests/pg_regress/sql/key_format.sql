-- Key texts with a checksum: which APIs have them, what they look like, and what becomes of texts that only look like them.

-- The checksum anew, from its definition: CRC-32C bit by bit, and base58 of six digits.
CREATE FUNCTION tests.crc32c(covered text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    crc bigint := x'ffffffff'::bigint;
    bytes bytea := convert_to(covered, 'UTF8');
BEGIN
    FOR at IN 0 .. length(bytes) - 1 LOOP
        crc := crc # get_byte(bytes, at);
        FOR bit IN 1 .. 8 LOOP
            crc := CASE crc & 1 WHEN 1 THEN (crc >> 1) # x'82f63b78'::bigint ELSE crc >> 1 END;
        END LOOP;
    END LOOP;
    RETURN crc # x'ffffffff'::bigint;
END
$$;
CREATE FUNCTION tests.checksum(covered text) RETURNS text LANGUAGE sql
RETURN (SELECT string_agg(substr('123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz', (crc / (58 ^ digit)::bigint % 58)::int + 1, 1), '' ORDER BY digit DESC)
    FROM tests.crc32c(covered) AS crc, generate_series(0, 5) AS digit);
-- What Unkey makes of the same characters.
SELECT tests.checksum('unkey_111thX6Lunkeyv1ZfHDZZKUs92febYZhYRcXddmzfzF2NvTkPNE') AS known;
CREATE FUNCTION tests.layout(key text) RETURNS text LANGUAGE sql
RETURN coalesce(substring(key, '^(.*?)[1-9A-HJ-NP-Za-km-z]{8}unkeyv1[1-9A-HJ-NP-Za-km-z]{42}$'), 'other')
    || CASE right(key, 6) WHEN tests.checksum(left(key, -6)) THEN ' intact' ELSE '' END;

-- An API has it from the beginning, or from a change on.
SELECT unkey.seal_audit_log() AS sealed \gset
SELECT unkey_create_api('kf-checksum', default_prefix => 'kf', key_format => 'checksum') AS api \gset
SELECT unkey_create_api('kf-later', default_prefix => 'old_') AS later \gset
SELECT name, key_format, default_prefix FROM unkey_list_apis() WHERE name LIKE 'kf-%' ORDER BY name;
SELECT key_id AS old_id, key AS old FROM unkey_create_key(:'later') \gset
SELECT 'plain' AS "case", tests.layout(:'old'), :'old' ~ '^old__[1-9A-HJ-NP-Za-km-z]{16,22}$' AS plain;
SELECT error.* FROM tests.error(format('SELECT unkey_update_api(%L, ''{"keyFormat": "checksum"}'')', :'later')) AS error;
SELECT unkey_update_api(:'later', '{"keyFormat": "checksum", "defaultPrefix": "new"}');
SELECT key_format, default_prefix FROM unkey_get_api(:'later');
SELECT event, changed FROM tests.logged() WHERE event = 'api.update';

-- Keys of such an API: with the API's prefix, with their own, rerolled; with none if the API has none.
CREATE TABLE tests.kf (kind text, key_id text, key text);
INSERT INTO tests.kf SELECT 'default', made.* FROM unkey_create_key(:'api') AS made;
INSERT INTO tests.kf SELECT 'own', made.* FROM unkey_create_key(:'api', prefix => 'a_long_prefix_16') AS made;
INSERT INTO tests.kf SELECT 'length', made.* FROM unkey_create_key(:'api', byte_length => 32) AS made;
INSERT INTO tests.kf SELECT 'length', made.* FROM unkey_create_key(:'api', byte_length => 16) AS made;
INSERT INTO tests.kf SELECT 'rerolled', made.* FROM unkey_reroll_key((SELECT key_id FROM tests.kf WHERE kind = 'own')) AS made;
-- The prefix of a plain key need not end so that a checksum can follow.
INSERT INTO tests.kf SELECT 'rerolled plain', made.* FROM unkey_reroll_key(:'old_id') AS made;
SELECT unkey_update_api(:'later', '{"defaultPrefix": null}');
INSERT INTO tests.kf SELECT 'without', made.* FROM unkey_create_key(:'later') AS made;
SELECT kind, tests.layout(key), code, left(key, length(start)) = start AS starts, left(start, -4) AS shown, prefix
FROM tests.kf, unkey_verify_key(key) AS verified, LATERAL (SELECT start, prefix FROM unkey.keys WHERE id = kf.key_id) AS stored ORDER BY kind;
-- Back to plain.
SELECT unkey_update_api(:'later', '{"keyFormat": "plain", "defaultBytes": 255}');
SELECT tests.layout(key) FROM unkey_create_key(:'later');

-- No key repeats another's random characters, and all of base58 is drawn.
SELECT count(DISTINCT substr(key, 4, 8)) AS heads, count(DISTINCT tail.c) AS characters
FROM generate_series(1, 200) AS n, unkey_create_key(:'api', name => 'n' || n), regexp_split_to_table(substr(key, 19, 36), '') AS tail(c);

-- What is refused.
SELECT "call", error.state, error.message, error.hint FROM unnest(ARRAY[
    'unkey_create_api(''kf-x'', key_format => ''v1'')', 'unkey_create_api(''kf-x'', key_format => '''')',
    'unkey_create_api(''kf-x'', default_prefix => ''a_'', key_format => ''checksum'')',
    'unkey_create_api(''kf-x'', default_bytes => 33, key_format => ''checksum'')',
    'unkey_update_api(%1$L, ''{"keyFormat": "sha"}'')', 'unkey_update_api(%1$L, ''{"keyFormat": null}'')', 'unkey_update_api(%1$L, ''{"keyFormat": 1}'')',
    'unkey_update_api(%1$L, ''{"defaultPrefix": "b_"}'')', 'unkey_update_api(%1$L, ''{"defaultBytes": 64}'')', 'unkey_update_api(%2$L, ''{"keyFormat": "checksum"}'')',
    'unkey_create_key(%1$L, prefix => ''c_'')', 'unkey_create_key(%1$L, byte_length => 33)'
]) AS "call", tests.error('SELECT ' || format("call", :'api', :'later')) AS error;
-- By hand as well.
SELECT error.state, error.message FROM unnest(ARRAY['key_format = ''v1''', 'key_format = NULL', 'default_prefix = ''b_''', 'default_bytes = 33']) AS change,
    tests.error(format('UPDATE unkey.apis SET %s WHERE id = %L', change, :'api')) AS error;

-- A text of this layout with another checksum is refused before any look-up; any other text is looked up.
CREATE FUNCTION tests.searched(key text, OUT code text, OUT searched boolean) LANGUAGE plpgsql AS $$
DECLARE
    before bigint := pg_stat_get_xact_numscans('unkey.keys_hash_key'::regclass);
BEGIN
    SELECT verified.code INTO code FROM unkey_verify_key(key) AS verified;
    searched := pg_stat_get_xact_numscans('unkey.keys_hash_key'::regclass) > before;
END
$$;
-- Another character of base58 in place of one.
CREATE FUNCTION tests.another(base58 text) RETURNS text LANGUAGE sql
RETURN translate(base58, '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz', '23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz1');
SELECT key FROM tests.kf WHERE kind = 'own' \gset
SELECT left(:'key', -7) || tests.another(left(right(:'key', 7), 1)) AS covered \gset
SELECT kind, tried.* FROM (VALUES
    (1, 'last character', left(:'key', -1) || tests.another(right(:'key', 1))),
    (2, 'prefix', 'A' || substr(:'key', 2)), (3, 'no prefix', right(:'key', 57)), (4, 'shorter', left(:'key', -1)), (5, 'longer', :'key' || '1'),
    (6, 'another marker', replace(:'key', 'unkeyv1', 'unkeyv2')), (7, 'right, but nobody''s', :'covered' || tests.checksum(:'covered')),
    (8, 'plain', substr(:'old', 6))) AS texts(nth, kind, text), tests.searched(text) AS tried ORDER BY nth;
SELECT error.state, error.message FROM tests.error(format('SELECT unkey_whoami(%L)', 'x' || substr(:'key', 2))) AS error;
SELECT message FROM unkey_explain('x' || substr(:'key', 2)) WHERE step = 'found';
SELECT array_agg(code ORDER BY nth) FROM unkey_verify_keys(ARRAY[:'key', 'x' || substr(:'key', 2), NULL, :'old']) WITH ORDINALITY AS verified(valid, code, key_id, name, meta, expires, credits, enabled, roles, permissions, identity, ratelimits, nth);
-- Imported by its hash, such a text is a key that nobody can use.
SELECT jsonb_array_length(migrated) FROM unkey_migrate_keys(:'api', jsonb_build_array(jsonb_build_object('hash', encode(sha256(convert_to('x' || substr(:'key', 2), 'UTF8')), 'hex'))));
SELECT code FROM unkey_verify_key('x' || substr(:'key', 2));

-- The v2 dialect.
SELECT tests.root();
SELECT data->>'apiId' AS v2 FROM tests.v2('apis.createApi', '{"name": "kf-v2", "keyFormat": "checksum"}') \gset
SELECT data->>'keyFormat' AS format FROM tests.v2('apis.getApi', '{"apiId": "%s"}', :'v2');
SELECT data->>'keyId' AS key_id, data->>'key' AS key FROM tests.v2('keys.createKey', '{"apiId": "%s", "prefix": "v2", "byteLength": 16}', :'v2') \gset
SELECT tests.layout(:'key') AS made, tests.layout(data->>'key') AS rerolled FROM tests.v2('keys.rerollKey', '{"keyId": "%s", "expiration": 3600000}', :'key_id');
SELECT key, result.code, result.status FROM unnest(ARRAY['v2', 'V2']) AS key, tests.v2('keys.verifyKey', '{"key": "%s"}', key || substr(:'key', 3)) AS result;
SELECT result.status FROM tests.v2('keys.whoami', '{"key": "%s"}', 'V2' || substr(:'key', 3)) AS result;
SELECT body, result.status, location, detail FROM unnest(ARRAY['"prefix": "v_"', '"byteLength": 33']) AS body, tests.v2('keys.createKey', format('{"apiId": "%s", %s}', :'v2', body)) AS result;
SELECT body, result.status, location, detail FROM unnest(ARRAY['"keyFormat": "v1"', '"keyFormat": null', '"keyFormat": "plain"']) AS body, tests.v2('apis.updateApi', format('{"apiId": "%s", %s}', :'v2', body)) AS result;
