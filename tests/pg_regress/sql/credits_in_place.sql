-- Credits are spent without the executor where an UPDATE would have nothing else to see to, and by a statement where it would.
-- Either way everything that holds for the table goes on holding.
\set QUIET on
\pset format unaligned
\pset tuples_only on
SELECT unkey_create_api('in-place') AS api \gset
SELECT key_id, key FROM unkey_create_key(:'api', credits => 1000) \gset

\echo A spend is one new version of the row.
BEGIN;
SELECT credits FROM unkey_verify_key(:'key', cost => 3);
SELECT pg_stat_get_xact_tuples_updated('unkey.credits'::regclass), pg_stat_get_xact_tuples_hot_updated('unkey.credits'::regclass);
SELECT remaining FROM unkey.credits WHERE key_id = :'key_id';
ROLLBACK;
SELECT remaining FROM unkey.credits WHERE key_id = :'key_id';

\echo In one statement, each spend sees those before it.
SELECT array_agg(credits ORDER BY n) FROM generate_series(1, 5) AS n, LATERAL unkey_verify_key(:'key', cost => n * 0 + 10);

\echo Versions that do not fit on the page are entered in the index.
CREATE TEMP TABLE many AS SELECT made.* FROM generate_series(1, 60) AS n,
    LATERAL unkey_create_key(:'api', name => 'key ' || n, credits => 1000) AS made;
BEGIN;
SELECT count(*) FROM generate_series(1, 20) AS round, many, LATERAL unkey_verify_key(many.key, cost => round * 0 + 1) AS verdict WHERE valid;
SELECT pg_stat_get_xact_tuples_updated('unkey.credits'::regclass) - pg_stat_get_xact_tuples_hot_updated('unkey.credits'::regclass) > 0 AS elsewhere;
COMMIT;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SELECT count(*), sum(remaining) FROM many, LATERAL (SELECT remaining FROM unkey.credits WHERE credits.key_id = many.key_id OFFSET 0) AS balance;
RESET enable_bitmapscan;
RESET enable_seqscan;
SELECT count(*), sum(remaining) FROM unkey.credits JOIN many USING (key_id);
VACUUM unkey.credits;
SELECT sum(credits) FROM many, LATERAL unkey_verify_key(many.key);

\echo A trigger of a user sees every spend, also one made later in the session.
CREATE TABLE seen (remaining bigint);
GRANT ALL ON seen TO PUBLIC;
CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.seen VALUES (NEW.remaining);
    RETURN NEW;
END
$$;
CREATE TRIGGER see AFTER UPDATE ON unkey.credits FOR EACH ROW EXECUTE FUNCTION see();
SELECT credits FROM unkey_verify_key(:'key', cost => 50);
DROP TRIGGER see ON unkey.credits;
SELECT credits FROM unkey_verify_key(:'key', cost => 50);
SELECT * FROM seen;

\echo So does one for statements, and a constraint of a user refuses.
CREATE TRIGGER see BEFORE UPDATE ON unkey.credits FOR EACH STATEMENT EXECUTE FUNCTION suppress_redundant_updates_trigger();
SELECT credits FROM unkey_verify_key(:'key', cost => 50);
DROP TRIGGER see ON unkey.credits;
ALTER TABLE unkey.credits ADD CONSTRAINT enough CHECK (remaining >= 800) NOT VALID;
\set VERBOSITY sqlstate
SELECT credits FROM unkey_verify_key(:'key', cost => 100);
ALTER TABLE unkey.credits DROP CONSTRAINT enough;
SELECT credits FROM unkey_verify_key(:'key', cost => 100);

\echo An index of a user stays right.
CREATE INDEX by_balance ON unkey.credits (remaining);
SELECT credits FROM unkey_verify_key(:'key', cost => 5);
SET enable_seqscan = off;
SELECT remaining FROM unkey.credits WHERE remaining = 745;
RESET enable_seqscan;
DROP INDEX unkey.by_balance;

\echo A rule of a user is heard, and so is one that is gone.
CREATE RULE not_now AS ON UPDATE TO unkey.credits DO ALSO INSERT INTO public.seen VALUES (-NEW.remaining);
SELECT credits FROM unkey_verify_key(:'key', cost => 5);
DROP RULE not_now ON unkey.credits;
SELECT credits FROM unkey_verify_key(:'key', cost => 5);
SELECT count(*) FROM seen WHERE remaining < 0;

\echo Where a transaction keeps its snapshot, it refuses what was changed since.
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT credits FROM unkey_verify_key(:'key', cost => 5);
COMMIT;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT credits FROM unkey_verify_key(:'key', cost => 5);
COMMIT;

\echo A savepoint takes back what was spent in it.
BEGIN;
SELECT credits FROM unkey_verify_key(:'key', cost => 5);
SAVEPOINT a;
SELECT credits FROM unkey_verify_key(:'key', cost => 5);
ROLLBACK TO a;
SELECT credits FROM unkey_verify_key(:'key', cost => 5);
COMMIT;

\echo What the same statement changes counts as well.
WITH gone AS (UPDATE unkey.credits SET remaining = remaining + 1000 WHERE key_id = :'key_id' RETURNING remaining)
SELECT gone.remaining, code FROM gone, LATERAL unkey_verify_key(:'key', cost => gone.remaining::int * 0 + 5);
SELECT remaining FROM unkey.credits WHERE key_id = :'key_id';
DROP TABLE seen;
DROP FUNCTION see();
SELECT unkey_delete_api(:'api');
