-- Whatever the owner does to the log, a check finds it. Each case is rolled back; "silent" ones switch the triggers off.
SET client_min_messages = warning;
SET session_replication_role = replica;
TRUNCATE unkey.audit_log, unkey.audit_seals;
RESET session_replication_role;
RESET client_min_messages;
SELECT valid, entries, sealed, head, problem FROM unkey_verify_audit_log();

-- Three seals of three entries each, and one entry that no seal covers.
SELECT tests.at('2027-01-15 12:00+00');
CREATE FUNCTION pg_temp.make(number integer) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    FOR n IN 1..3 LOOP
        PERFORM unkey_create_permission(format('tamper.%s-%s', number, n));
    END LOOP;
    RETURN unkey.seal_audit_log();
END
$$;
SELECT pg_temp.make(1), pg_temp.make(2), pg_temp.make(3);
SELECT unkey_create_permission('tamper.unsealed') LIKE 'perm%' AS made;
SELECT seq, first = last AS at_once, entries, octet_length(previous) AS previous, octet_length(hash) AS hash FROM unkey.audit_seals ORDER BY seq;
SELECT encode(hash, 'hex') AS head FROM unkey.audit_seals ORDER BY seq DESC LIMIT 1 \gset
SELECT min(id) FILTER (WHERE seal = 2) AS second, min(id) FILTER (WHERE seal = 3) AS third, min(id) FILTER (WHERE seal IS NULL) AS unsealed FROM unkey.audit_log \gset

-- What a check says, made-up ids masked; in a transaction that is read-only, so that it does not seal.
CREATE FUNCTION tests.check_log(head text DEFAULT NULL, OUT valid boolean, OUT entries bigint, OUT sealed bigint, OUT problem text) LANGUAGE plpgsql AS $$
BEGIN
    SET LOCAL transaction_read_only = on;
    SELECT found.valid, found.entries, found.sealed, regexp_replace(found.problem, 'log_\w+', 'log_…', 'g') INTO valid, entries, sealed, problem
    FROM unkey_verify_audit_log(check_log.head) AS found;
END
$$;
CREATE FUNCTION tests.digest(entry_id text) RETURNS void LANGUAGE sql
AS $$UPDATE unkey.audit_log AS entry SET digest = unkey.audit_digest(entry) WHERE id = entry_id$$;

BEGIN; SELECT 'as it is' AS tampering, * FROM tests.check_log(:'head'); ROLLBACK;

-- Edits.
BEGIN; UPDATE unkey.audit_log SET description = 'nothing' WHERE id = :'second';
SELECT 'an entry' AS edited, * FROM tests.check_log(); ROLLBACK;
BEGIN; UPDATE unkey.audit_log SET description = 'nothing' WHERE id = :'unsealed';
SELECT 'an unsealed entry' AS edited, * FROM tests.check_log(); ROLLBACK;
-- Every column counts.
CREATE FUNCTION pg_temp.edited(name text, value text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    found text;
BEGIN
    EXECUTE format('UPDATE unkey.audit_log SET %I = %s WHERE seal = 2', name, value);
    SELECT problem INTO found FROM unkey_verify_audit_log();
    RAISE '%', left(found, 6) USING ERRCODE = '00001';
EXCEPTION WHEN SQLSTATE '00001' THEN
    RETURN SQLERRM;
END
$$;
SELECT name AS edited, value, pg_temp.edited(name, value) AS problem FROM (VALUES ('time', '''2027-01-01'''), ('event', '''x'''), ('description', ''''''), ('actor_type', '''system'''), ('actor_id', '''x'''),
    ('actor_name', 'NULL'), ('actor_name', ''''''), ('remote_ip', '''10.0.0.1'''), ('user_agent', ''''''), ('correlation_id', '''x'''), ('targets', '''[]'''), ('count', '2'),
    ('changes', '''{}''')) AS columns(name, value);
BEGIN; UPDATE unkey.audit_log SET description = 'nothing' WHERE id = :'second'; SELECT tests.digest(:'second');
SELECT 'an entry and its digest' AS edited, * FROM tests.check_log(); ROLLBACK;
BEGIN; UPDATE unkey.audit_log SET seal = 2 WHERE id = :'third';
SELECT 'which seal covers it' AS edited, * FROM tests.check_log(); ROLLBACK;
BEGIN; UPDATE unkey.audit_seals SET sealed_at = '2027-01-01' WHERE seq = 2;
SELECT 'a seal' AS edited, * FROM tests.check_log(); ROLLBACK;
BEGIN; UPDATE unkey.audit_seals SET hash = sha256('x') WHERE seq = 2;
SELECT 'a hash' AS edited, * FROM tests.check_log(); ROLLBACK;

-- Removals.
BEGIN; DELETE FROM unkey.audit_log WHERE id = :'second';
SELECT event, count, changes FROM unkey.audit_log WHERE event = 'auditLog.delete';
SELECT 'an entry' AS removed, * FROM tests.check_log(); ROLLBACK;
BEGIN; DELETE FROM unkey.audit_log WHERE id = :'unsealed';
SELECT 'an unsealed entry' AS removed, * FROM tests.check_log(); ROLLBACK;
BEGIN; TRUNCATE unkey.audit_log;
SELECT event, count, description, changes FROM unkey.audit_log;
SELECT 'everything' AS removed, * FROM tests.check_log(); ROLLBACK;
BEGIN; SET LOCAL session_replication_role = replica; DELETE FROM unkey.audit_log WHERE id = :'second';
SELECT 'an entry, silent' AS removed, * FROM tests.check_log(); ROLLBACK;
BEGIN; SET LOCAL session_replication_role = replica; DELETE FROM unkey.audit_log WHERE seal = 1;
SELECT 'all of a seal, silent' AS removed, * FROM tests.check_log(); ROLLBACK;
BEGIN; SET LOCAL session_replication_role = replica; DELETE FROM unkey.audit_seals WHERE seq = 2;
SELECT 'a seal, silent' AS removed, * FROM tests.check_log(); ROLLBACK;
BEGIN; SET LOCAL session_replication_role = replica; DELETE FROM unkey.audit_seals WHERE seq = 2; DELETE FROM unkey.audit_log WHERE seal = 2;
SELECT 'a seal and its entries, silent' AS removed, * FROM tests.check_log(); ROLLBACK;
BEGIN; SET LOCAL session_replication_role = replica; DELETE FROM unkey.audit_seals WHERE seq = 3; DELETE FROM unkey.audit_log WHERE seal = 3;
SELECT 'the end, silent' AS removed, * FROM tests.check_log();
SELECT 'the end, silent, head known' AS removed, * FROM tests.check_log(:'head'); ROLLBACK;
BEGIN; SET LOCAL session_replication_role = replica; UPDATE unkey.audit_log SET seal = NULL; DELETE FROM unkey.audit_seals; SELECT unkey.seal_audit_log();
SELECT 'all seals, made anew' AS removed, * FROM tests.check_log(:'head'); ROLLBACK;
BEGIN; SELECT 'nothing, but head is not a hash' AS removed, * FROM tests.check_log('x'); ROLLBACK;

-- Additions.
BEGIN; INSERT INTO unkey.audit_log SELECT 'log_forged', time, event, description, actor_type, actor_id, actor_name, remote_ip, user_agent, correlation_id, targets, count, changes, digest
FROM unkey.audit_log WHERE id = :'second';
SELECT 'an entry with the digest of another' AS added, * FROM tests.check_log(); ROLLBACK;
BEGIN; INSERT INTO unkey.audit_log SELECT 'log_forged', time, event, description, actor_type, actor_id, actor_name, remote_ip, user_agent, correlation_id, targets, count, changes, digest, seal
FROM unkey.audit_log WHERE id = :'second'; SELECT tests.digest('log_forged');
SELECT 'a good entry to an old seal' AS added, * FROM tests.check_log(); ROLLBACK;

-- Archived: seals whole, by a DELETE that the log tells of. The chain goes on.
BEGIN; DELETE FROM unkey.audit_log WHERE seal <= 2;
SELECT event, count, changes FROM unkey.audit_log WHERE event = 'auditLog.delete';
SELECT 'seals 1 and 2' AS archived, * FROM tests.check_log(:'head'); ROLLBACK;

-- Untouched, the check seals what is left; its head is good for the next one; a batch is at most 10,000.
SELECT head, valid, entries, sealed, problem FROM unkey_verify_audit_log(:'head') \gset new_
SELECT :'new_valid' AS valid, :new_entries AS entries, :new_sealed AS sealed, :'new_head' <> :'head' AS new_head;
BEGIN; SELECT 'afterwards' AS tampering, * FROM tests.check_log(:'new_head'); ROLLBACK;
BEGIN;
INSERT INTO unkey.audit_log SELECT 'log_' || n, time, event, description, actor_type, actor_id, actor_name, remote_ip, user_agent, correlation_id, targets, count, changes, digest
FROM unkey.audit_log, generate_series(1, 20001) AS n WHERE id = :'second';
UPDATE unkey.audit_log AS entry SET digest = unkey.audit_digest(entry) WHERE seal IS NULL;
SELECT unkey.seal_audit_log();
SELECT seq, entries FROM unkey.audit_seals ORDER BY seq;
SELECT * FROM tests.check_log(:'new_head');
ROLLBACK;
DROP FUNCTION tests.check_log, tests.digest;
SELECT tests.at(NULL);
