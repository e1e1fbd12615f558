-- What tests/docs/commands has at hand before a document.
CREATE EXTENSION unkey;
CREATE SCHEMA reader;
SELECT unkey_create_api('payments', store_encrypted_keys => true) AS api_id \gset
CREATE TABLE reader.made AS SELECT key FROM unkey_create_key(:'api_id', name => 'first', external_id => 'customer_17');
DO $$
BEGIN
    CREATE ROLE app LOGIN;
EXCEPTION WHEN duplicate_object THEN
END
$$;
-- As pg_cron has it; the job runs once, at once.
CREATE SCHEMA cron;
CREATE FUNCTION cron.schedule_in_database(job_name text, schedule text, command text, database text) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    ASSERT database = current_database() AND schedule = '* * * * *';
    EXECUTE command;
    RETURN 1;
END
$$;
