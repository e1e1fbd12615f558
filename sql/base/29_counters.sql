-- Rate-limit counters of shared memory, as far as they survive a restart. pg_dump leaves them out, as it does unkey.counters:
-- a restored database begins with empty windows.

CREATE TABLE unkey.saved_counters (
    id       uuid PRIMARY KEY,
    duration bigint NOT NULL CHECK (duration >= 1000),
    seq      bigint NOT NULL,
    current  bigint NOT NULL CHECK (current >= 0),
    previous bigint NOT NULL CHECK (previous >= 0)
) WITH (fillfactor = 50);
COMMENT ON TABLE unkey.saved_counters IS 'Rate-limit counters of shared memory with windows of a minute or longer, as they were when unkey.save_counters() last ran. Not dumped: a restore forgets the current windows.';
COMMENT ON COLUMN unkey.saved_counters.id IS 'The first 16 bytes of the SHA-256 of the scope''s length in bytes (4 bytes, the highest first), scope, identifier and duration (8 bytes, the highest first).';
COMMENT ON COLUMN unkey.saved_counters.duration IS 'Length of a window in milliseconds.';
COMMENT ON COLUMN unkey.saved_counters.seq IS 'Number of the current window: milliseconds since the Unix epoch divided by duration.';
COMMENT ON COLUMN unkey.saved_counters.current IS 'Cost counted in window seq, by transactions under way too.';
COMMENT ON COLUMN unkey.saved_counters.previous IS 'Cost counted in window seq - 1.';

CREATE FUNCTION unkey.save_counters() RETURNS bigint
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_save_counters_wrapper';
COMMENT ON FUNCTION unkey.save_counters() IS
'Saves the rate-limit counters of shared memory that have changed, those with windows of a minute or longer, and answers how many; unkey.maintain() calls it. 0 while another session is at it, or if rate limits are counted in the table. Errors: 25006 in a read-only transaction.';

CREATE FUNCTION unkey.forget_counters() RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_forget_counters_wrapper';
COMMENT ON FUNCTION unkey.forget_counters() IS
'Forgets all that rate limits of this database have counted, wherever: at once in shared memory, whatever becomes of the transaction, and with it in unkey.counters and unkey.saved_counters. Only the owner of the extension may call it. Errors: 25006 in a read-only transaction.';
