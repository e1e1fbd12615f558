-- The v2 dialect.

CREATE TYPE unkey.api_response AS (status integer, content_type text, body text);
COMMENT ON TYPE unkey.api_response IS 'What a transport sends back for a call of the v2 dialect.';
COMMENT ON COLUMN unkey.api_response.status IS 'HTTP status.';
COMMENT ON COLUMN unkey.api_response.content_type IS 'application/json, or application/problem+json where the official clients demand it.';
COMMENT ON COLUMN unkey.api_response.body IS 'JSON: {"meta": {"requestId"}, "data"?, "pagination"?} or {"meta", "error": {"title", "detail", "status", "type", "errors"?}}.';

CREATE FUNCTION @extschema@.unkey_api(
    operation text,
    "authorization" text,
    body text,
    ip inet DEFAULT NULL,
    user_agent text DEFAULT NULL,
    request_id text DEFAULT NULL,
    metrics boolean DEFAULT NULL
) RETURNS unkey.api_response
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_api_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_api(text, text, text, inet, text, text, boolean) IS
'Performs one operation of Unkey''s v2 API, such as keys.verifyKey, on behalf of a root key; unkey_api_operations() lists them. authorization: the whole header, Bearer and a root key. body: JSON text; NULL is {}. ip: address of the client, for allow-lists and the audit log. user_agent: for the audit log. request_id: shown as meta.requestId; default a new one (req_…). metrics: whether ratelimit.limit is recorded for analytics, default true.
Whoever may call it acts with the rights of the root key that is sent and no others. A caller''s mistake is a reply with its status, and what the refused call did is undone; checks come in the order authorization header (400), body (400), root key (401, 403), permissions (403), operation.
Errors: 22004 operation is NULL; whatever is broken on the database''s side, after which nothing of the call is kept: 25006 a write in a read-only transaction, 40001 and 40P01 to be retried, 57014 cancelled.';

CREATE TYPE unkey.api_verification AS (status integer, content_type text, body text, outcome text, durable boolean);
COMMENT ON TYPE unkey.api_verification IS 'What a transport sends back for one of many calls of keys.verifyKey. All columns NULL: nothing was done; ask by unkey_api.';
COMMENT ON COLUMN unkey.api_verification.status IS 'HTTP status.';
COMMENT ON COLUMN unkey.api_verification.content_type IS 'application/json, or application/problem+json where the official clients demand it.';
COMMENT ON COLUMN unkey.api_verification.body IS 'As of unkey_api.';
COMMENT ON COLUMN unkey.api_verification.outcome IS 'For metrics, a word out of few: the verdict (VALID, NOT_FOUND, …) or, of a refused call, the last part of its error''s type (invalid_input, insufficient_permissions, …).';
COMMENT ON COLUMN unkey.api_verification.durable IS 'Whether the transaction changed something that must last, such as a balance, so that a reply should wait for its commit; the same in all rows. False if it only counted against rate limits or recorded events, which a crash may take back.';

CREATE FUNCTION @extschema@.unkey_api_verify_keys(
    authorizations text[],
    bodies text[],
    ips inet[] DEFAULT NULL,
    user_agents text[] DEFAULT NULL,
    request_ids text[] DEFAULT NULL
) RETURNS SETOF unkey.api_verification
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_api_verify_keys_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_api_verify_keys(text[], text[], inet[], text[], text[]) IS
'Performs many calls of keys.verifyKey in one statement, for a server at which many wait: one row per element, in order, each as unkey_api would answer it alone. The arrays have one element per call, NULL where unkey_api would get NULL.
A caller''s mistake is that call''s reply and concerns no other. A call with migrationId is not performed: all columns of its row are NULL, and it must be asked by unkey_api. Two statements with the same keys in different orders wait for each other and never deadlock.
Errors: 22004 authorizations or bodies is NULL, 22023 arrays of different lengths; whatever is broken on the database''s side, after which nothing of any call is kept: ask each alone then, so that one does not harm the others.';

CREATE FUNCTION @extschema@.unkey_api_operations() RETURNS SETOF text
    LANGUAGE c IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_api_operations_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_api_operations() IS 'Names of the operations that unkey_api knows.';
