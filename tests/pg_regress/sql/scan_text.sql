-- unkey_scan: keys of this database in any text; unkey_scanner_rules: how others find them.
SELECT tests.at('2026-03-10 12:00:00+00');
SELECT unkey_create_api('st-plain', default_prefix => 'st') AS plain \gset
SELECT unkey_create_api('st-checksum', default_prefix => 'stc', key_format => 'checksum') AS checksum \gset
CREATE TABLE tests.st (kind text PRIMARY KEY, key_id text, key text);
INSERT INTO tests.st SELECT 'prefix', made.* FROM unkey_create_key(:'plain') AS made;
INSERT INTO tests.st SELECT 'long prefix', made.* FROM unkey_create_key(:'plain', prefix => '_a__b_c_d_e_f_g_') AS made;
INSERT INTO tests.st SELECT 'long', made.* FROM unkey_create_key(:'plain', byte_length => 255) AS made;
INSERT INTO tests.st SELECT 'no prefix', made.* FROM unkey_create_key(unkey_create_api('st-bare')) AS made;
INSERT INTO tests.st SELECT 'checksum', made.* FROM unkey_create_key(:'checksum') AS made;
INSERT INTO tests.st SELECT 'disabled', made.* FROM unkey_create_key(:'plain', enabled => false) AS made;
INSERT INTO tests.st SELECT 'expired', made.* FROM unkey_create_key(:'plain', expires => '2026-01-01 00:00+00') AS made;
INSERT INTO tests.st SELECT 'deleted', made.* FROM unkey_create_key(:'plain') AS made;
SELECT unkey_delete_key(key_id) FROM tests.st WHERE kind = 'deleted';
INSERT INTO tests.st SELECT 'root', made.* FROM unkey_create_root_key('st') AS made;
INSERT INTO tests.st (kind, key) VALUES ('uuid', 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6'), ('base64', 'q83vASNFZ4mrze8BI0VniavN7wEjRWeJq+3vASNFZ4k='), ('token', '-0fJ8aB_xYz12-KlmNoP_q9'), ('words', 'sk_live_4eC39HqLyjWDarjtT1zdp7dc'), ('pending', 'st9Xlongtokenvalue98765');
UPDATE tests.st SET key_id = imported.key_id FROM (
    SELECT key, (unkey_migrate_keys(:'plain', jsonb_build_array(jsonb_build_object('hash', encode(sha256(convert_to(key, 'UTF8')), 'hex'))),
        'st_' || kind, CASE kind WHEN 'pending' THEN 'github.com/seamapi/prefixed-api-key' END)).migrated->0->>'keyId' AS key_id FROM tests.st WHERE key_id IS NULL) AS imported
WHERE st.key = imported.key;

-- Where each key is found in a text that has KEY in its place, as if it were no longer than that; ! if it is not the key, or not all of it.
CREATE FUNCTION tests.found(around text, key text, key_id text) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg((position - (nth - 1) * (length(key) - 3)) || CASE WHEN key_id = sought AND length = length(key) THEN '' ELSE '!' END, ' ' ORDER BY nth), 'nothing')
    FROM (SELECT scanned.*, row_number() OVER (ORDER BY position) AS nth, found.key_id AS sought FROM unkey_scan(replace(around, 'KEY', key)) AS scanned) AS found
$$;
SELECT around, st.* FROM unnest(ARRAY['KEY', 'export API_TOKEN=KEY', '{"token":"KEY","é":1}', 'https://é.example/?token=KEY&x=1#KEY', 'Authorization: Bearer KEY' || chr(10), 'X_KEY', '%22KEY%22', '"a\nKEY\n"',
    '\u0022KEY\u0022', E'\x1b[31mKEY\x1b[0m', 'user:KEY@host', 'see KEY.', 'KEY,KEY', 'wordKEY', 'KEYzz', 'KEY_x', '0KEY0']) WITH ORDINALITY AS blob(around, nth),
    LATERAL (SELECT min(place) FILTER (WHERE kind = 'prefix') AS prefix, min(place) FILTER (WHERE kind = 'long prefix') AS long_prefix, min(place) FILTER (WHERE kind = 'long') AS long,
        min(place) FILTER (WHERE kind = 'no prefix') AS no_prefix, min(place) FILTER (WHERE kind = 'checksum') AS checksum, min(place) FILTER (WHERE kind = 'root') AS root,
        min(place) FILTER (WHERE kind = 'uuid') AS uuid, min(place) FILTER (WHERE kind = 'base64') AS base64, min(place) FILTER (WHERE kind = 'token') AS token, min(place) FILTER (WHERE kind = 'words') AS words
        FROM tests.st, tests.found(around, key, key_id) AS place) AS st ORDER BY nth;

-- What is told of a key. A deleted one is not found; one whose import is not finished is found by the part that its hash is of.
SELECT kind, enabled, expires AT TIME ZONE 'UTC' AS expires, length = length(key) AS whole, start = left(key, length(start)) AS start, api_id IS NULL AS no_api
FROM tests.st CROSS JOIN LATERAL unkey_scan('seam_8aBcDeFg_' || key) WHERE kind IN ('disabled', 'expired', 'deleted', 'pending', 'root') ORDER BY kind;
SELECT unkey_delete_api(:'checksum');
SELECT count(*) AS of_a_deleted_api FROM tests.st, unkey_scan(key) WHERE kind = 'checksum';

-- Nothing at all, and nothing to find.
SELECT count(*) FROM unkey_scan(NULL);
SELECT count(*) FROM unkey_scan('');
SELECT count(*) FROM unkey_scan(repeat('no key_is here, though 9f86d081884c7d65 looks like one ', 1000));

-- A large text, in several batches: every key at each of its places, in order.
SELECT string_agg(format('%s filler_%s_%s ', key, md5(n::text), n), '' ORDER BY n) AS large FROM generate_series(1, 3000) AS n, tests.st WHERE kind = 'prefix' \gset
SELECT count(*), count(DISTINCT position) AS places, bool_and(substr(:'large', position, length) = key) AS right_there FROM tests.st, unkey_scan(:'large') WHERE kind = 'prefix';

-- It reads past the session's cache, writes nothing, and runs for whoever may read.
CREATE FUNCTION tests.cached() RETURNS bigint LANGUAGE sql RETURN (SELECT sum(value) FROM unkey.stats WHERE name IN ('cache_hits', 'cache_misses'));
SELECT tests.cached() AS before \gset
SELECT count(*) FROM tests.st, unkey_scan(key);
SELECT tests.cached() - :before AS looked_up_by_the_cache;
BEGIN READ ONLY;
SELECT count(*) FROM tests.st, unkey_scan(key) WHERE kind = 'prefix';
COMMIT;
CREATE ROLE regress_st_reader;
SELECT unkey_grant('regress_st_reader', 'read');
SET ROLE regress_st_reader;
SELECT count(*) FROM unkey_scan(:'large');
RESET ROLE;
SELECT unkey_revoke('regress_st_reader', 'read');
SELECT has_function_privilege('regress_st_reader', 'unkey_scan(text)', 'EXECUTE') AS scan, has_function_privilege('regress_st_reader', 'unkey_scanner_rules(text, text)', 'EXECUTE') AS rules;
DROP ROLE regress_st_reader;
