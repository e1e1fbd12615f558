\echo Use "ALTER EXTENSION unkey UPDATE" to load this file. \quit
-- From 0.1.0 to 0.2.0: every change of sql/base since, so that what was made before becomes what is made now.
SET LOCAL search_path = pg_catalog, pg_temp;

-- pg_upgrade could not write these down.
CREATE OR REPLACE FUNCTION unkey.roll_up_verifications(first timestamptz, last timestamptz) RETURNS void
    LANGUAGE sql VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT SET search_path = pg_catalog, pg_temp SET enable_sort = off AS $$
    WITH recent AS MATERIALIZED (
        SELECT date_trunc('hour', time, 'UTC') AS hour, key_space_id, api_id, key_id, identity_id, external_id, outcome, tags,
            role, count(*) AS count, LEAST(sum(spent_credits), 9223372036854775807) AS spent_credits, max(time) AS latest
        FROM unkey.verification_events WHERE time >= first AND time < last
        GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
    ), hours AS (
        INSERT INTO unkey.verification_hours AS known (time, key_space_id, api_id, key_id, identity_id, external_id, outcome, tags,
            role, count, spent_credits)
        SELECT hour, key_space_id, api_id, key_id, identity_id, external_id, outcome, tags, role, count, spent_credits
        FROM recent ORDER BY key_id
        ON CONFLICT (key_id, time, dimensions) DO UPDATE SET count = known.count + EXCLUDED.count,
            spent_credits = LEAST(known.spent_credits::numeric + EXCLUDED.spent_credits, 9223372036854775807)
    ), days AS (
        INSERT INTO unkey.verification_days AS known (time, key_space_id, api_id, key_id, identity_id, external_id, outcome, tags,
            role, count, spent_credits)
        SELECT date_trunc('day', hour, 'UTC'), key_space_id, api_id, key_id, identity_id, external_id, outcome, tags,
            role, sum(count), LEAST(sum(spent_credits), 9223372036854775807)
        FROM recent GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9 ORDER BY key_id
        ON CONFLICT (key_id, time, dimensions) DO UPDATE SET count = known.count + EXCLUDED.count,
            spent_credits = LEAST(known.spent_credits::numeric + EXCLUDED.spent_credits, 9223372036854775807)
    )
    INSERT INTO unkey.key_usage AS known (key_id, last_used_at)
    SELECT key_id, latest FROM (SELECT key_id, max(latest) AS latest FROM recent GROUP BY key_id) AS used
    -- One by one: a join may read all keys for a few.
    WHERE (SELECT true FROM unkey.keys AS key WHERE key.id = used.key_id)
    ORDER BY key_id
    ON CONFLICT (key_id) DO UPDATE SET last_used_at = GREATEST(known.last_used_at, EXCLUDED.last_used_at);
$$;

CREATE OR REPLACE FUNCTION unkey.roll_up_ratelimits(first timestamptz, last timestamptz) RETURNS void
    LANGUAGE sql VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT SET search_path = pg_catalog, pg_temp SET enable_sort = off AS $$
    WITH recent AS MATERIALIZED (
        SELECT date_trunc('hour', time, 'UTC') AS hour, namespace_id, identifier, count(*) FILTER (WHERE passed) AS passed,
            count(*) AS total, LEAST(coalesce(sum(tokens) FILTER (WHERE passed), 0), 9223372036854775807) AS passed_tokens,
            LEAST(sum(tokens), 9223372036854775807) AS total_tokens
        FROM unkey.ratelimit_events WHERE time >= first AND time < last
        GROUP BY 1, 2, 3
    ), hours AS (
        INSERT INTO unkey.ratelimit_hours AS known (time, namespace_id, identifier, passed, total, passed_tokens, total_tokens)
        SELECT hour, namespace_id, identifier, passed, total, passed_tokens, total_tokens
        FROM recent ORDER BY namespace_id, identifier
        ON CONFLICT (namespace_id, identifier, time) DO UPDATE SET
            passed = known.passed + EXCLUDED.passed, total = known.total + EXCLUDED.total,
            passed_tokens = LEAST(known.passed_tokens::numeric + EXCLUDED.passed_tokens, 9223372036854775807),
            total_tokens = LEAST(known.total_tokens::numeric + EXCLUDED.total_tokens, 9223372036854775807)
    )
    INSERT INTO unkey.ratelimit_days AS known (time, namespace_id, identifier, passed, total, passed_tokens, total_tokens)
    SELECT date_trunc('day', hour, 'UTC'), namespace_id, identifier, sum(passed), sum(total),
        LEAST(sum(passed_tokens), 9223372036854775807), LEAST(sum(total_tokens), 9223372036854775807)
    FROM recent GROUP BY 1, 2, 3 ORDER BY namespace_id, identifier
    ON CONFLICT (namespace_id, identifier, time) DO UPDATE SET
        passed = known.passed + EXCLUDED.passed, total = known.total + EXCLUDED.total,
        passed_tokens = LEAST(known.passed_tokens::numeric + EXCLUDED.passed_tokens, 9223372036854775807),
        total_tokens = LEAST(known.total_tokens::numeric + EXCLUDED.total_tokens, 9223372036854775807);
$$;

-- A subscriber keeps its own account of usage.
ALTER TABLE unkey.keys ENABLE ALWAYS TRIGGER forget_usage;
