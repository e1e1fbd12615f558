-- The views for analytics. Names and columns are Unkey's; they call no function of the extension, since whoever may read a
-- view would need EXECUTE on that too. Sums stay within bigint.

CREATE VIEW unkey.verifications AS
    SELECT request_id, time, key_space_id, api_id, key_id, identity_id, external_id, outcome, region, tags, spent_credits, latency,
        source, role
    FROM unkey.verification_events
    UNION ALL
    SELECT CASE WHEN is_one_call THEN request_id ELSE coalesce(own_request_id, request_id || '_' || number) END, time,
        key_space_id, api_id, key_id, identity_id, external_id, outcome, '', tags, spent_credits, latency, source, role
    FROM (
        SELECT time, key_space_id, api_id, outcome, tags, spent_credits, source, role, is_one_call, request_id,
            generate_subscripts(key_ids, 1) AS number, unnest(request_ids) AS own_request_id, unnest(key_ids) AS key_id,
            unnest(identity_ids) AS identity_id, unnest(external_ids) AS external_id, unnest(latencies) AS latency
        FROM unkey.verification_bursts
    ) AS burst;
COMMENT ON VIEW unkey.verifications IS 'Verifications in partitions, one by one.';

CREATE VIEW unkey.recent_verifications AS
    SELECT time, key_space_id, api_id, key_id, identity_id, external_id, outcome, tags, spent_credits, role
    FROM unkey.verification_queue
    UNION ALL
    SELECT time, key_space_id, api_id, key_id, identity_id, external_id, outcome, tags, spent_credits, role
    FROM unkey.verifications WHERE time >= (SELECT until FROM unkey.rolled_up);
COMMENT ON VIEW unkey.recent_verifications IS 'Verifications that are not yet in the roll-ups.';

CREATE VIEW unkey.recent_ratelimits AS
    SELECT time, namespace_id, identifier, passed, tokens
    FROM unkey.ratelimit_queue
    UNION ALL
    SELECT time, namespace_id, identifier, passed, tokens
    FROM unkey.ratelimit_events WHERE time >= (SELECT until FROM unkey.rolled_up);
COMMENT ON VIEW unkey.recent_ratelimits IS 'Calls of the standalone limiter that are not yet in the roll-ups.';

CREATE VIEW unkey.key_verifications_v1 AS
    SELECT request_id, time::timestamptz AS time, 'ws_local'::text AS workspace_id, key_space_id, api_id, key_id, identity_id,
        external_id, outcome, region, tags, spent_credits, latency, source
    FROM unkey.verifications
    UNION ALL
    SELECT request_id, time::timestamptz, 'ws_local'::text, key_space_id, api_id, key_id, identity_id,
        external_id, outcome, region, tags, spent_credits, latency, source
    FROM unkey.verification_queue;
COMMENT ON VIEW unkey.key_verifications_v1 IS 'Every verification of a key that was found, for unkey.retention.';

CREATE VIEW unkey.key_verifications_per_minute_v1 AS
    SELECT date_trunc('minute', time, 'UTC') AS time, workspace_id, key_space_id, api_id, identity_id, external_id, key_id,
        outcome, tags, count(*) AS count, LEAST(sum(spent_credits), 9223372036854775807)::bigint AS spent_credits
    FROM unkey.key_verifications_v1
    GROUP BY date_trunc('minute', time, 'UTC'), workspace_id, key_space_id, api_id, identity_id, external_id, key_id, outcome, tags;
COMMENT ON VIEW unkey.key_verifications_per_minute_v1 IS 'Verifications per minute, for unkey.retention.';

CREATE VIEW unkey.key_verifications_per_hour_v1 AS
    SELECT time::timestamptz AS time, 'ws_local'::text AS workspace_id, key_space_id, api_id, identity_id, external_id, key_id,
        outcome, tags, count, spent_credits
    FROM unkey.verification_hours
    UNION ALL
    SELECT date_trunc('hour', time, 'UTC'), 'ws_local'::text, key_space_id, api_id, identity_id, external_id, key_id,
        outcome, tags, count(*), LEAST(sum(spent_credits), 9223372036854775807)::bigint
    FROM unkey.recent_verifications
    GROUP BY date_trunc('hour', time, 'UTC'), key_space_id, api_id, identity_id, external_id, key_id, outcome, tags;
COMMENT ON VIEW unkey.key_verifications_per_hour_v1 IS 'Verifications per hour, for unkey.rollup_retention. A group can have several rows: always sum.';

CREATE VIEW unkey.key_verifications_per_day_v1 AS
    SELECT time::timestamptz AS time, 'ws_local'::text AS workspace_id, key_space_id, api_id, identity_id, external_id, key_id,
        outcome, tags, count, spent_credits
    FROM unkey.verification_days
    UNION ALL
    SELECT date_trunc('day', time, 'UTC'), 'ws_local'::text, key_space_id, api_id, identity_id, external_id, key_id,
        outcome, tags, count(*), LEAST(sum(spent_credits), 9223372036854775807)::bigint
    FROM unkey.recent_verifications
    GROUP BY date_trunc('day', time, 'UTC'), key_space_id, api_id, identity_id, external_id, key_id, outcome, tags;
COMMENT ON VIEW unkey.key_verifications_per_day_v1 IS 'Verifications per day, for unkey.rollup_retention. A group can have several rows: always sum.';

CREATE VIEW unkey.key_verifications_per_month_v1 AS
    SELECT date_trunc('month', time, 'UTC') AS time, workspace_id, key_space_id, api_id, identity_id, external_id, key_id,
        outcome, tags, LEAST(sum(count), 9223372036854775807)::bigint AS count,
        LEAST(sum(spent_credits), 9223372036854775807)::bigint AS spent_credits
    FROM unkey.key_verifications_per_day_v1
    GROUP BY date_trunc('month', time, 'UTC'), workspace_id, key_space_id, api_id, identity_id, external_id, key_id, outcome, tags;
COMMENT ON VIEW unkey.key_verifications_per_month_v1 IS 'Verifications per month, for unkey.rollup_retention.';

-- The condition stands outside the union: a barrier round a bare UNION ALL holds nothing back, Postgres flattens it.
CREATE VIEW unkey.own_key_verifications_per_hour_v1 WITH (security_barrier) AS
    SELECT time, workspace_id, key_space_id, api_id, identity_id, external_id, key_id, outcome, tags, count, spent_credits
    FROM (
        SELECT time::timestamptz AS time, 'ws_local'::text AS workspace_id, key_space_id, api_id, identity_id, external_id, key_id,
            outcome, tags, role, count, spent_credits
        FROM unkey.verification_hours
        UNION ALL
        SELECT date_trunc('hour', time, 'UTC'), 'ws_local'::text, key_space_id, api_id, identity_id, external_id, key_id,
            outcome, tags, role, count(*), LEAST(sum(spent_credits), 9223372036854775807)::bigint
        FROM unkey.recent_verifications
        GROUP BY date_trunc('hour', time, 'UTC'), key_space_id, api_id, identity_id, external_id, key_id, outcome, tags, role
    ) AS usage
    WHERE role = current_user;
COMMENT ON VIEW unkey.own_key_verifications_per_hour_v1 IS 'Verifications per hour that the current role asked for: what a role that may only verify can be given. A group can have several rows: always sum.';

CREATE VIEW unkey.ratelimits_v1 AS
    SELECT request_id, time::timestamptz AS time, 'ws_local'::text AS workspace_id, namespace_id, identifier, passed, latency,
        override_id, "limit", remaining, reset_at::timestamptz AS reset_at, tokens
    FROM unkey.ratelimit_events
    UNION ALL
    SELECT request_id, time::timestamptz, 'ws_local'::text, namespace_id, identifier, passed, latency,
        override_id, "limit", remaining, reset_at::timestamptz, tokens
    FROM unkey.ratelimit_queue;
COMMENT ON VIEW unkey.ratelimits_v1 IS 'Every call of the standalone limiter, for unkey.retention.';

CREATE VIEW unkey.ratelimits_per_minute_v1 AS
    SELECT date_trunc('minute', time, 'UTC') AS time, workspace_id, namespace_id, identifier,
        count(*) FILTER (WHERE passed) AS passed, count(*) AS total,
        LEAST(coalesce(sum(tokens) FILTER (WHERE passed), 0), 9223372036854775807)::bigint AS passed_tokens,
        LEAST(sum(tokens), 9223372036854775807)::bigint AS total_tokens
    FROM unkey.ratelimits_v1
    GROUP BY date_trunc('minute', time, 'UTC'), workspace_id, namespace_id, identifier;
COMMENT ON VIEW unkey.ratelimits_per_minute_v1 IS 'Calls of the standalone limiter per minute, for unkey.retention.';

CREATE VIEW unkey.ratelimits_per_hour_v1 AS
    SELECT time::timestamptz AS time, 'ws_local'::text AS workspace_id, namespace_id, identifier, passed, total, passed_tokens,
        total_tokens
    FROM unkey.ratelimit_hours
    UNION ALL
    SELECT date_trunc('hour', time, 'UTC'), 'ws_local'::text, namespace_id, identifier,
        count(*) FILTER (WHERE passed), count(*),
        LEAST(coalesce(sum(tokens) FILTER (WHERE passed), 0), 9223372036854775807)::bigint,
        LEAST(sum(tokens), 9223372036854775807)::bigint
    FROM unkey.recent_ratelimits
    GROUP BY date_trunc('hour', time, 'UTC'), namespace_id, identifier;
COMMENT ON VIEW unkey.ratelimits_per_hour_v1 IS 'Calls of the standalone limiter per hour, for unkey.rollup_retention. A group can have several rows: always sum.';

CREATE VIEW unkey.ratelimits_per_day_v1 AS
    SELECT time::timestamptz AS time, 'ws_local'::text AS workspace_id, namespace_id, identifier, passed, total, passed_tokens,
        total_tokens
    FROM unkey.ratelimit_days
    UNION ALL
    SELECT date_trunc('day', time, 'UTC'), 'ws_local'::text, namespace_id, identifier,
        count(*) FILTER (WHERE passed), count(*),
        LEAST(coalesce(sum(tokens) FILTER (WHERE passed), 0), 9223372036854775807)::bigint,
        LEAST(sum(tokens), 9223372036854775807)::bigint
    FROM unkey.recent_ratelimits
    GROUP BY date_trunc('day', time, 'UTC'), namespace_id, identifier;
COMMENT ON VIEW unkey.ratelimits_per_day_v1 IS 'Calls of the standalone limiter per day, for unkey.rollup_retention. A group can have several rows: always sum.';

CREATE VIEW unkey.ratelimits_per_month_v1 AS
    SELECT date_trunc('month', time, 'UTC') AS time, workspace_id, namespace_id, identifier,
        LEAST(sum(passed), 9223372036854775807)::bigint AS passed, LEAST(sum(total), 9223372036854775807)::bigint AS total,
        LEAST(sum(passed_tokens), 9223372036854775807)::bigint AS passed_tokens,
        LEAST(sum(total_tokens), 9223372036854775807)::bigint AS total_tokens
    FROM unkey.ratelimits_per_day_v1
    GROUP BY date_trunc('month', time, 'UTC'), workspace_id, namespace_id, identifier;
COMMENT ON VIEW unkey.ratelimits_per_month_v1 IS 'Calls of the standalone limiter per month, for unkey.rollup_retention.';

-- A column means the same in every table and view of analytics, so each meaning is written once.
DO $$
DECLARE
    meaning record;
BEGIN
    FOR meaning IN
        SELECT class.oid::regclass AS relation, attname AS name, said.text
        FROM pg_catalog.pg_class AS class
        JOIN pg_catalog.pg_attribute ON attrelid = class.oid AND attnum > 0
        JOIN (VALUES
            ('.',                    'request_id',    'req_…, shared by all events of one call; of the v2 dialect, the id of its request.'),
            ('(s_v1|queue|events|bursts|^verifications|^recent_.*)$', 'time',          'When it happened.'),
            ('minute',               'time',          'Beginning of the minute.'),
            ('hour',                 'time',          'Beginning of the hour (UTC).'),
            ('day',                  'time',          'Beginning of the day (UTC).'),
            ('month',                'time',          'Beginning of the month (UTC).'),
            ('.',                    'workspace_id',  'ws_local: a database is one workspace.'),
            ('.',                    'key_space_id',  'ks_…, the keyspace of the key''s API.'),
            ('.',                    'api_id',        'api_…, the API of the key.'),
            ('.',                    'key_id',        'The key.'),
            ('.',                    'identity_id',   'id_…, the identity of the key; NULL without one.'),
            ('.',                    'external_id',   'Your own id of the identity; NULL without one.'),
            ('.',                    'outcome',       'The code answered: VALID, FORBIDDEN, INSUFFICIENT_PERMISSIONS, USAGE_EXCEEDED, RATE_LIMITED, DISABLED or EXPIRED.'),
            ('.',                    'region',        'Empty: there is one region.'),
            ('.',                    'tags',          'Tags of the call, sorted and each once.'),
            ('.',                    'count',         'Number of verifications.'),
            ('(s_v1|queue|events|^verifications|^recent_.*)$', 'spent_credits', 'Credits spent; 0 unless VALID.'),
            ('_per_|hours|days',     'spent_credits', 'Credits spent in all.'),
            ('.',                    'latency',       'Milliseconds the call took inside the database; of a batch, its share.'),
            ('.',                    'source',        'sql, or api for the v2 dialect.'),
            ('.',                    'role',          'Database role that asked.'),
            ('.',                    'dimensions',    'Hash of the columns that, besides key and time, tell one group from another.'),
            ('.',                    'namespace_id',  'The namespace.'),
            ('.',                    'identifier',    'Whose usage was counted.'),
            ('(s_v1|queue|events|^recent_.*)$', 'passed',        'Whether the call was let through.'),
            ('_per_|hours|days',     'passed',        'Number of calls let through.'),
            ('.',                    'total',         'Number of calls.'),
            ('.',                    'passed_tokens', 'Cost of the calls let through.'),
            ('.',                    'total_tokens',  'Cost of all calls.'),
            ('.',                    'override_id',   'The override that applied; NULL for none.'),
            ('.',                    'limit',         'The limit that applied.'),
            ('.',                    'remaining',     'What was left in the window.'),
            ('.',                    'reset_at',      'When the window ends.'),
            ('.',                    'tokens',        'Cost of the call.'),
            ('.',                    'last_used_at',  'When it was last verified, whatever the answer.')
        ) AS said(relations, name, text) ON said.name = attname AND relname ~ said.relations
        WHERE relnamespace = 'unkey'::regnamespace AND (relkind = 'v' AND relname ~ '^((own_)?(key_verifications|ratelimits)_|recent_|verifications$)'
            OR relkind IN ('r', 'p') AND relname ~ '^(verification|ratelimit)_|^key_usage$')
        ORDER BY relname, attnum
    LOOP
        EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', meaning.relation, meaning.name, meaning.text);
    END LOOP;
END
$$;

COMMENT ON COLUMN unkey.verification_bursts.spent_credits IS 'Credits that each spent; 0 unless VALID.';
COMMENT ON COLUMN unkey.verification_bursts.is_one_call IS 'Whether one call verified them all, and request_id is that of each.';
COMMENT ON COLUMN unkey.verification_bursts.request_id IS 'req_…, of all if is_one_call; otherwise of those without one in request_ids, followed by _ and where they stand.';
COMMENT ON COLUMN unkey.verification_bursts.request_ids IS 'Ids of their requests, NULL for those without; NULL if none has one.';
COMMENT ON COLUMN unkey.verification_bursts.key_ids IS 'The keys.';
COMMENT ON COLUMN unkey.verification_bursts.identity_ids IS 'Identities of the keys, NULL for those without; NULL if none has one.';
COMMENT ON COLUMN unkey.verification_bursts.external_ids IS 'Your own ids of the identities, NULL for those without; NULL if none has one.';
COMMENT ON COLUMN unkey.verification_bursts.latencies IS 'Milliseconds the calls took inside the database; of a batch, their share.';
