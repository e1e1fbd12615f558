-- Requests that are done once, however often they are sent. A row is claimed, answered and committed with the work of its request.

CREATE TABLE unkey.requests (
    key_id          text COLLATE "C" NOT NULL,
    idempotency_key text COLLATE "C" NOT NULL CHECK (length(idempotency_key) BETWEEN 1 AND 255),
    fingerprint     bytea CHECK (octet_length(fingerprint) = 32),
    answer          jsonb CHECK (octet_length(answer::text) <= 65536),
    began_at        unkey.instant NOT NULL DEFAULT unkey.now(),
    PRIMARY KEY (key_id, idempotency_key),
    -- Deferred, so that the key's row is locked after the balance that the request pays from, as everywhere.
    FOREIGN KEY (key_id) REFERENCES unkey.keys ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX requests_began_at_idx ON unkey.requests (began_at);
COMMENT ON TABLE unkey.requests IS 'Requests that unkey_begin_request knows by their idempotency keys, kept for unkey.idempotency_retention.';
COMMENT ON COLUMN unkey.requests.key_id IS 'The key that was authenticated. Others have idempotency keys of their own.';
COMMENT ON COLUMN unkey.requests.idempotency_key IS 'What the client calls the request: 1 to 255 characters.';
COMMENT ON COLUMN unkey.requests.fingerprint IS 'SHA-256 of the request as jsonb prints it; NULL if it was begun without one.';
COMMENT ON COLUMN unkey.requests.answer IS 'What unkey_finish_request kept, at most 64 kB of JSON text; NULL until then.';
COMMENT ON COLUMN unkey.requests.began_at IS 'When it was begun, or taken over by a retry.';

SELECT pg_catalog.pg_extension_config_dump('unkey.requests', '');

CREATE FUNCTION @extschema@.unkey_begin_request(idempotency_key text, request jsonb DEFAULT NULL) RETURNS jsonb
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_begin_request_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_begin_request(text, jsonb) IS
'Begins a request of the key that is authenticated. NULL: it is the first time, go on: pay, work, and unkey_finish_request in the same transaction. Otherwise the answer that was finished before: return that, pay nothing.
A transaction that fails leaves nothing, so a retry of it is a first time; so is one of a request that was begun and committed without an answer. If another transaction is about the same request, this one waits for its end.
idempotency_key: what the client calls the request and sends again with a retry, 1 to 255 characters. Each key has its own: other keys, also one made by a reroll, begin anew. request: what it asks for; its SHA-256 is kept, so that another request under the same idempotency key is an error. Kept for unkey.idempotency_retention.
Errors: 28000 nobody is authenticated, 22023 the idempotency key was used for another request or has not 1 to 255 characters, 22004 it is NULL, 25006 in a read-only transaction, 40001 another transaction was about it and this one is REPEATABLE READ or SERIALIZABLE.';

CREATE FUNCTION @extschema@.unkey_finish_request(idempotency_key text, answer jsonb) RETURNS jsonb
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_finish_request_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_finish_request(text, jsonb) IS
'Keeps the answer of a request that unkey_begin_request began for the key that is authenticated, and returns it. answer: any JSON of at most 64 kB, JSON null too.
Errors: 28000 nobody is authenticated, 55000 the request was never begun or is finished, 22023 the answer is too long or idempotency_key has not 1 to 255 characters, 22004 a NULL, 25006 in a read-only transaction, 40001 as unkey_begin_request.';

CREATE FUNCTION unkey.remove_requests() RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    until   timestamptz := unkey.now() - current_setting('unkey.idempotency_retention')::interval;
    removed bigint;
BEGIN
    WITH over AS MATERIALIZED (
        SELECT ctid FROM unkey.requests WHERE began_at <= until
        ORDER BY began_at LIMIT 10000 FOR UPDATE SKIP LOCKED
    )
    DELETE FROM unkey.requests WHERE ctid = ANY (ARRAY(SELECT ctid FROM over));
    GET DIAGNOSTICS removed = ROW_COUNT;
    RETURN removed;
END
$$;
COMMENT ON FUNCTION unkey.remove_requests() IS
'Removes requests that began unkey.idempotency_retention ago or earlier, up to 10000, and answers how many. Those in use are left alone.';
