-- Why a key is refused, and when it will work again.

CREATE TYPE unkey.explanation AS (
    position  integer,
    step      text,
    result    text,
    code      text,
    clears_at timestamptz,
    message   text,
    details   jsonb
);
COMMENT ON TYPE unkey.explanation IS 'A row of unkey_explain: one check of a verification, or the verdict as the last row.';
COMMENT ON COLUMN unkey.explanation.position IS 'Place in the order in which a verification checks, from 1.';
COMMENT ON COLUMN unkey.explanation.step IS 'found, api, enabled, expires, ip, permissions, ratelimit (a row for each limit that applies), credits; verdict.';
COMMENT ON COLUMN unkey.explanation.result IS 'passed or refused; would pass or would refuse where a verification does not come so far, since an earlier check refuses.';
COMMENT ON COLUMN unkey.explanation.code IS 'What a verification that is refused here answers; NULL where it passes, or would raise an error. Of the verdict: the answer.';
COMMENT ON COLUMN unkey.explanation.clears_at IS 'When what refuses here ends by itself if nobody uses the key, its limits or credits until then; NULL for never, or nothing refuses. Of the verdict: when all of it has ended, and the key has not expired before.';
COMMENT ON COLUMN unkey.explanation.message IS 'The same in a sentence, times in UTC.';
COMMENT ON COLUMN unkey.explanation.details IS 'What was looked at, times and durations in milliseconds. found: {"keyId", "name", "apiId", "deletedAt"?, "apiDeletedAt"?, "migrationId"?}. api, enabled: {"enabled"}. expires: {"expires"}. ip: {"ip", "ipWhitelists": [{"owner": "api" or "key", "networks", "entry"}]}. permissions: {"query", "permissions": [{"slug", "held", "direct", "roles"}]}. ratelimit: as in unkey.verification, and {"owner": "key", "identity" or "request", "cost", "current", "previous", "used"}, used being what counts of both windows. credits: {"remaining", "cost", "refill": {"interval", "amount", "refillDay", "nextAt"}}, remaining being the balance before the cost, due refills included. NULL where nothing was.';

CREATE FUNCTION @extschema@.unkey_explain(
    key text DEFAULT NULL,
    permissions text DEFAULT NULL,
    cost bigint DEFAULT NULL,
    ratelimits jsonb DEFAULT NULL,
    api_id text DEFAULT NULL,
    ip inet DEFAULT NULL,
    key_id text DEFAULT NULL
) RETURNS SETOF unkey.explanation
    LANGUAGE c STABLE PARALLEL RESTRICTED CALLED ON NULL INPUT ROWS 10
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_explain_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_explain(text, text, bigint, jsonb, text, inet, text) IS
'What unkey_verify_key would answer now and why: one row for each check in the order in which it checks, the verdict last. It counts, spends, records and finishes nothing, so it works in read-only transactions and on standbys. Checks after the one that refuses are shown too; of a deleted key there are none. Never shows the text or hash of a key.
key or key_id: the text of the key, or its id for those who do not have it. Other arguments: as for unkey_verify_key.
Errors: as unkey_verify_key, and 22004 neither key nor key_id, 22023 both. An unknown key or key_id is a row, not an error.';
