-- The key of a request over HTTP: for the pre-request function of PostgREST, and of servers that tell of requests as it does.

CREATE FUNCTION @extschema@.unkey_authenticate_request(
    permissions text DEFAULT NULL,
    cost bigint DEFAULT NULL,
    ratelimits jsonb DEFAULT NULL,
    tags text[] DEFAULT NULL,
    api_id text DEFAULT NULL,
    header text DEFAULT NULL
) RETURNS unkey.verification
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT COST 10 SUPPORT unkey.support
    AS 'MODULE_PATHNAME', 'unkey_authenticate_request';
COMMENT ON FUNCTION @extschema@.unkey_authenticate_request(text, bigint, jsonb, text[], text, text) IS
'Finds the key of the running request, as PostgREST''s settings tell of it, and does what unkey_authenticate does: returns the verification of a valid key, which is the principal to the end of the transaction. For a pre-request function of your own, once for each request: afterwards no setting has the key.
header: name of the header that brings the key; NULL for what unkey.request_header says, or else apikey, then Authorization: Bearer. A JWT is no key. permissions, tags, api_id: as in unkey_verify_key; the tags method:GET and path:/notes are added while there is room. cost: credits to spend, NULL for 1, or 0 in a read-only transaction. ratelimits: as in unkey_verify_key; in names, {method} and {path} stand for those of the request. The address for allow-lists is that of request.client_address, which unkey-http sets, or else the last one in the header named by unkey.request_ip_header.
Sets until the end of the transaction: request.headers without the key; request.jwt.claims with sub (unless the token has one) and unkey: {"key_id", "external_id", "identity_id", "roles", "permissions"}; response.headers with RateLimit-Policy and RateLimit if limits were evaluated. These are for compatibility: SQL can set them to anything, so policies ask unkey_external_id() and unkey_can().
Errors: PGRST for a refusal, which PostgREST turns into a reply: 401 (MISSING_KEY, NOT_FOUND, DISABLED, EXPIRED), 403 (FORBIDDEN, INSUFFICIENT_PERMISSIONS), 429 (RATE_LIMITED, USAGE_EXCEEDED) with Retry-After if it ends by itself. Otherwise as unkey_verify_key, and 55000 outside of a request, 22023 request.headers or header.';

CREATE FUNCTION @extschema@.unkey_pre_request() RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE STRICT AS 'MODULE_PATHNAME', 'unkey_pre_request';
COMMENT ON FUNCTION @extschema@.unkey_pre_request() IS
'A pre-request function for PostgREST (db-pre-request) and unkey-http (--pre-request): unkey_authenticate_request with what settings say, which superusers set for the role that logs in. unkey.request_api_id: the API of the keys. unkey.request_ratelimits: limits, as JSON. unkey.request_cost: credits of a request that may write; one in a read-only transaction spends none. Errors: as unkey_authenticate_request; 22023 names the setting.';
