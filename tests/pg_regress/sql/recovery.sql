-- Recoverable keys: encrypted texts, the key file, and the change of the master key.
SELECT unkey_create_api('recovery', store_encrypted_keys => true) AS api_id, unkey_create_api('recovery-off') AS off_id \gset
SELECT store_encrypted_keys FROM unkey_get_api(:'api_id') UNION ALL SELECT store_encrypted_keys FROM unkey_get_api(:'off_id');

-- CK-19: without a master key there are none; a bad argument and an unknown API are noticed first.
SELECT 'CK-19' AS "case", arguments, state, message, hint
FROM unnest(ARRAY[format('%L, recoverable => true', :'api_id'), format('%L, recoverable => true', :'off_id'), format('%L, name => '''', recoverable => true', :'api_id'), '''api_nope'', recoverable => true'])
    WITH ORDINALITY AS call(text, at), tests.error(format('SELECT unkey_create_key(%s)', text)), replace(replace(text, :'api_id', '<api>'), :'off_id', '<off>') AS arguments ORDER BY at;
SELECT key_id AS plain_id, key AS plain FROM unkey_create_key(:'api_id') \gset
SELECT 'not recoverable' AS key, unkey_decrypt_key(:'plain_id') AS text, recoverable FROM unkey_get_key(:'plain_id');
SELECT 'nothing' AS reencrypted, state FROM tests.error('SELECT unkey_reencrypt_keys()');

-- The setting is the server's: a session can neither set it, whenever it tries, nor see it without being allowed to.
ALTER SYSTEM SET unkey.master_key_file = 'recovery.key';
SELECT pg_reload_conf();
\c -
-- Refused at once if the library is preloaded, otherwise with a warning when it is loaded.
SET client_min_messages = error;
DO $$ BEGIN SET unkey.master_key_file = 'before-the-library-is-loaded'; EXCEPTION WHEN cant_change_runtime_param THEN NULL; END $$;
SELECT unkey.now() IS NOT NULL AS loaded;
RESET client_min_messages;
SHOW unkey.master_key_file;
SELECT state, message FROM tests.error($$SET unkey.master_key_file = 'x'$$);
CREATE ROLE recovery_nobody;
SET ROLE recovery_nobody;
DO $$ BEGIN PERFORM current_setting('unkey.master_key_file'); EXCEPTION WHEN insufficient_privilege THEN RAISE NOTICE 'refused'; END $$;
RESET ROLE;
DROP ROLE recovery_nobody;

-- The key file, made as the server's user in its data directory.
CREATE FUNCTION pg_temp.key_file(mode text, VARIADIC lines text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('COPY (SELECT unnest(%L::text[])) TO PROGRAM %L', lines, 'rm -rf recovery.key; cat > recovery.key; chmod ' || mode || ' recovery.key');
END
$$;
CREATE FUNCTION pg_temp.shell(command text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('COPY (SELECT 1) TO PROGRAM %L', 'cat > /dev/null; ' || command);
END
$$;
CREATE FUNCTION pg_temp.refused(api_id text, OUT state text, OUT message text, OUT hint text) LANGUAGE sql
RETURN tests.error(format('SELECT unkey_create_key(%L, recoverable => true)', api_id));
\set one 'AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE='
\set two '0202020202020202020202020202020202020202020202020202020202020202'
\set three 'AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM='
SELECT 'missing' AS file, refused.* FROM pg_temp.refused(:'api_id') AS refused;
SELECT pg_temp.shell('mkdir recovery.key');
SELECT 'a directory' AS file, refused.* FROM pg_temp.refused(:'api_id') AS refused;
SELECT pg_temp.shell('rmdir recovery.key; mkfifo recovery.key');
SELECT 'a pipe' AS file, refused.message FROM pg_temp.refused(:'api_id') AS refused;
SELECT pg_temp.key_file('644', :'one');
SELECT 'world-readable' AS file, refused.message FROM pg_temp.refused(:'api_id') AS refused;
SELECT pg_temp.key_file('602', :'one');
SELECT 'world-writable' AS file, refused.message FROM pg_temp.refused(:'api_id') AS refused;
SELECT pg_temp.key_file('600', '# nothing yet', '');
SELECT 'empty' AS file, refused.message FROM pg_temp.refused(:'api_id') AS refused;
SELECT pg_temp.key_file('600', '# mine', :'one', 'garbage');
SELECT 'garbage' AS file, refused.message FROM pg_temp.refused(:'api_id') AS refused;
SELECT pg_temp.key_file('600', repeat('x', 65536));
SELECT 'too large' AS file, refused.message FROM pg_temp.refused(:'api_id') AS refused;
SELECT pg_temp.shell('printf ''\377'' > recovery.key');
SELECT 'not text' AS file, refused.message FROM pg_temp.refused(:'api_id') AS refused;

-- CK-20: an API that does not store encrypted keys, until it does.
SELECT pg_temp.key_file('640', '# mine', '', :'one');
SELECT 'CK-20' AS "case", state, replace(message, :'off_id', '<off>') AS message, hint FROM pg_temp.refused(:'off_id');
SELECT unkey_update_api(:'off_id', '{"storeEncryptedKeys": true}');
SELECT 'CK-20' AS "case", state FROM pg_temp.refused(:'off_id');

-- GK-02: the text comes back, and that is recorded, so not in a read-only transaction; what is stored does not have it.
SELECT key_id AS a_id, key AS a FROM unkey_create_key(:'api_id', 'pre', recoverable => true) \gset
SELECT key_id AS b_id, key AS b FROM unkey_create_key(:'api_id', byte_length => 255, recoverable => true) \gset
SELECT unkey.seal_audit_log() > 0 AS sealed;
SELECT 'GK-02' AS "case", unkey_decrypt_key(:'a_id') = :'a' AS a, unkey_decrypt_key(:'b_id') = :'b' AS b;
SELECT event, targets->0->>'id' = :'a_id' AS of_a FROM unkey.audit_log WHERE seal IS NULL ORDER BY of_a;
BEGIN READ ONLY;
SELECT error.* FROM tests.error(format('SELECT unkey_decrypt_key(%L)', :'a_id')) AS error;
ROLLBACK;
SELECT recoverable, key_id = :'plain_id' AS plain FROM unkey_list_keys(:'api_id');
SELECT recoverable FROM unkey_whoami(:'a');
SELECT count(*) AS data_keys, min(master_id) AS master FROM unkey.encryption_keys;
SELECT count(*) AS texts, bool_or(position(:'a'::bytea IN ciphertext) > 0) AS in_the_clear FROM unkey.encrypted_keys;
SELECT id, error.* FROM unnest(ARRAY['key_nope', NULL]) AS id, tests.error(format('SELECT unkey_decrypt_key(%L)', id)) AS error;
-- A changed key keeps its text; a deleted one loses it, by function and by hand.
SELECT unkey_update_key(:'a_id', '{"name": "renamed", "enabled": false}');
SELECT unkey_decrypt_key(:'a_id') = :'a' AS a;
SELECT key_id AS c_id FROM unkey_create_key(:'api_id', recoverable => true) \gset
SELECT key_id AS d_id FROM unkey_create_key(:'api_id', recoverable => true) \gset
SELECT key_id AS e_id FROM unkey_create_key(:'api_id', recoverable => true) \gset
SELECT unkey_delete_key(:'c_id'), unkey_delete_key(:'d_id', permanent => true);
UPDATE unkey.keys SET deleted_at = unkey.now() WHERE id = :'e_id';
SELECT count(*) AS texts_left FROM unkey.encrypted_keys WHERE key_id IN (:'c_id', :'d_id', :'e_id');
SELECT 'deleted' AS key, state FROM tests.error(format('SELECT unkey_decrypt_key(%L)', :'c_id'));

-- RR-07: the new key is as recoverable as the old one; both have a text while both live.
SELECT key_id AS r_id, key AS r FROM unkey_reroll_key(:'a_id', '1 hour') \gset
SELECT 'RR-07' AS "case", unkey_decrypt_key(:'a_id') = :'a' AS old, unkey_decrypt_key(:'r_id') = :'r' AS new;
SELECT key_id AS q_id FROM unkey_reroll_key(:'plain_id') \gset
SELECT 'RR-07' AS "case", recoverable FROM unkey_get_key(:'q_id');
SELECT unkey_update_api(:'api_id', '{"storeEncryptedKeys": false}');
SELECT 'RR-07' AS "case", state FROM tests.error(format('SELECT unkey_reroll_key(%L)', :'r_id'));
SELECT unkey_decrypt_key(:'r_id') = :'r' AS kept;
SELECT unkey_update_api(:'api_id', '{"storeEncryptedKeys": true}');

-- A text put into the row of another key, or under another data key, does not open.
BEGIN;
UPDATE unkey.encrypted_keys AS text SET ciphertext = other.ciphertext FROM unkey.encrypted_keys AS other
WHERE text.key_id IN (:'a_id', :'b_id') AND other.key_id IN (:'a_id', :'b_id') AND text.key_id <> other.key_id;
SELECT 'swapped' AS texts, unkey_decrypt_key(:'a_id') AS a, unkey_decrypt_key(:'b_id') AS b;
ROLLBACK;
BEGIN;
INSERT INTO unkey.encryption_keys SELECT 'kek_other', master_id, wrapped FROM unkey.encryption_keys LIMIT 1;
UPDATE unkey.encrypted_keys SET encryption_key_id = 'kek_other' WHERE key_id = :'a_id';
SELECT 'another data key' AS moved, unkey_decrypt_key(:'a_id') AS a, unkey_decrypt_key(:'b_id') = :'b' AS b;
ROLLBACK;
SELECT statement, state FROM unnest(ARRAY['encrypted_keys SET ciphertext = ''short''', 'encryption_keys SET wrapped = ''short''', 'encryption_keys SET master_id = ''x''', 'encryption_keys SET id = ''x''',
    'encrypted_keys SET encryption_key_id = ''kek_nope''']) AS statement, tests.error('UPDATE unkey.' || statement);

-- A new master key: put first, it wraps what is new; the old one still opens.
SELECT pg_temp.key_file('600', :'two', :'one');
SELECT key_id AS n_id, key AS n FROM unkey_create_key(:'api_id', recoverable => true) \gset
SELECT unkey_decrypt_key(:'a_id') = :'a' AS a, unkey_decrypt_key(:'n_id') = :'n' AS n, (SELECT count(DISTINCT master_id) FROM unkey.encryption_keys) AS masters;
-- Without rewrapping, the old key is still needed; with it, no longer.
SELECT pg_temp.key_file('600', :'two');
SELECT 'not rewrapped' AS data_keys, unkey_decrypt_key(:'a_id') AS a, unkey_decrypt_key(:'n_id') = :'n' AS n, unkey_reencrypt_keys() AS changed;
SELECT pg_temp.key_file('600', :'two', :'one');
SELECT unkey_reencrypt_keys() AS changed, unkey_reencrypt_keys() AS changed_again;
SELECT pg_temp.key_file('600', :'two');
SELECT 'rewrapped' AS data_keys, unkey_decrypt_key(:'a_id') = :'a' AS a, unkey_decrypt_key(:'n_id') = :'n' AS n;
-- All texts anew, more than a batch of them: one fresh data key, the same texts, other ciphertexts. What does not open stays as it is.
CREATE TEMP TABLE texts AS SELECT made.* FROM generate_series(1, 600) AS n, unkey_create_key(:'api_id', name => 'text ' || n, recoverable => true) AS made;
INSERT INTO unkey.keys (id, api_id, hash) SELECT 'key_0' || n, :'api_id', sha256(('recovery' || n)::bytea) FROM generate_series(1, 5) AS n;
INSERT INTO unkey.encrypted_keys SELECT 'key_0' || n, encryption_key_id, ciphertext FROM generate_series(1, 5) AS n, unkey.encrypted_keys WHERE key_id = :'b_id';
CREATE TEMP TABLE before AS TABLE unkey.encrypted_keys;
SELECT unkey_reencrypt_keys(texts => true) = count(*) - 5 AS all_that_open FROM before;
SELECT unkey_decrypt_key(:'a_id') = :'a' AS a, unkey_decrypt_key(:'b_id') = :'b' AS b, unkey_decrypt_key(:'n_id') = :'n' AS n,
    (SELECT count(*) FROM texts WHERE unkey_decrypt_key(key_id) = key) AS texts;
SELECT now.key_id LIKE 'key\_0%' AS does_not_open, bool_and(now.ciphertext = before.ciphertext) AS same, bool_or(now.ciphertext = before.ciphertext) AS same_of_some
FROM unkey.encrypted_keys AS now JOIN before USING (key_id) GROUP BY 1 ORDER BY 1;
SELECT count(*) AS data_keys FROM unkey.encryption_keys;
DELETE FROM unkey.keys WHERE id LIKE 'key\_0%' OR id IN (SELECT key_id FROM texts);
SELECT unkey_reencrypt_keys(texts => true) = count(*) AS all FROM unkey.encrypted_keys;
SELECT count(*) AS data_keys FROM unkey.encryption_keys;
-- A key file that has nothing to do with it opens nothing and changes nothing; new keys go on.
SELECT pg_temp.key_file('600', :'three');
SELECT unkey_decrypt_key(:'a_id') AS a, unkey_reencrypt_keys() AS changed;
SELECT key_id AS o_id, key AS o FROM unkey_create_key(:'api_id', recoverable => true) \gset
SELECT unkey_decrypt_key(:'o_id') = :'o' AS o;
SELECT pg_temp.key_file('600', :'two');
SELECT unkey_decrypt_key(:'a_id') = :'a' AS a;

-- The server's log at its most talkative has no text of a key and no master key.
CREATE TEMP TABLE made (key_id text, key text);
SET log_min_messages = debug5;
SET log_statement = 'all';
SET debug_print_plan = on;
INSERT INTO made SELECT * FROM unkey_create_key(:'api_id', recoverable => true);
INSERT INTO made SELECT new.* FROM made, unkey_reroll_key(key_id, '1 hour') AS new;
SELECT count(*) AS same FROM made WHERE unkey_decrypt_key(key_id) = key;
SELECT unkey_reencrypt_keys(texts => true) > 0 AS changed;
RESET ALL;
SELECT position('INSERT INTO made SELECT' IN log) > 0 AS log_was_read, bool_or(position(key IN log) > 0) AS key_in_it, position(:'two' IN log) > 0 AS master_in_it
FROM made, pg_read_file(current_setting('data_directory') || '/../log') AS log GROUP BY log;

ALTER SYSTEM RESET unkey.master_key_file;
SELECT pg_temp.shell('rm recovery.key'), pg_reload_conf();
\c -
-- Without a master key again: what is recoverable says so, what is not has no text.
SELECT 'none set up' AS master, message FROM tests.error(format('SELECT unkey_decrypt_key(%L)', :'a_id'));
SELECT 'none set up' AS master, message FROM tests.error(format('SELECT unkey_reroll_key(%L)', :'a_id'));
