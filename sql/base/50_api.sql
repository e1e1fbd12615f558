-- The v2 dialect.

CREATE TYPE unkey.api_response AS (status integer, content_type text, body text);
COMMENT ON TYPE unkey.api_response IS 'What a transport sends back for a call of the v2 dialect.';
COMMENT ON COLUMN unkey.api_response.status IS 'HTTP status.';
COMMENT ON COLUMN unkey.api_response.content_type IS 'application/json, or application/problem+json where the official clients demand it.';
COMMENT ON COLUMN unkey.api_response.body IS 'JSON: {"meta": {"requestId"}, "data"?, "pagination"?} or {"meta", "error": {"title", "detail", "status", "type", "errors"?}}.';

CREATE FUNCTION unkey_api(
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
COMMENT ON FUNCTION unkey_api(text, text, text, inet, text, text, boolean) IS
'Performs one operation of Unkey''s v2 API, such as keys.verifyKey, on behalf of a root key; unkey_api_operations() lists them. authorization: the whole header, Bearer and a root key. body: JSON text; NULL is {}. ip: address of the client, for allow-lists and the audit log. user_agent: for the audit log. request_id: shown as meta.requestId; default a new one (req_…). metrics: whether ratelimit.limit is recorded for analytics, default true.
Whoever may call it acts with the rights of the root key that is sent and no others. A caller''s mistake is a reply with its status, and what the refused call did is undone; checks come in the order authorization header (400), body (400), root key (401, 403), permissions (403), operation.
Errors: 22004 operation is NULL; whatever is broken on the database''s side, after which nothing of the call is kept: 25006 a write in a read-only transaction, 40001 and 40P01 to be retried, 57014 cancelled.';

CREATE FUNCTION unkey_api_operations() RETURNS SETOF text
    LANGUAGE c IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_api_operations_wrapper';
COMMENT ON FUNCTION unkey_api_operations() IS 'Names of the operations that unkey_api knows.';
