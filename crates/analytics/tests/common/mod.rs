//! What the tests share.
#![allow(dead_code, clippy::panic)]

use unkey_analytics::{Dataset, Scope, Translated, translate};
use unkey_core::{Error, Kind};

/// Everything of verifications, at a fixed time.
pub fn all() -> Scope {
    Scope { dataset: Dataset::Verifications, owners: None, now: 1_767_225_600_000, max_rows: 10 }
}

/// The same for some keyspaces only.
pub fn only(owners: &[&str]) -> Scope {
    Scope { owners: Some(owners.iter().map(|&owner| owner.to_owned()).collect()), ..all() }
}

pub fn good(query: &str) -> Translated {
    translate(query, &all()).unwrap_or_else(|error| panic!("{query}\n{error:?}"))
}

pub fn bad(query: &str) -> Error {
    match translate(query, &all()) {
        Ok(translated) => panic!("{query}\nbecame {}", translated.sql),
        Err(error) => error,
    }
}

pub fn kind(query: &str) -> Kind {
    bad(query).kind
}

/// Queries of Unkey's manual, and what else its dialect allows.
pub const EXAMPLES: &[&str] = &[
    "SELECT COUNT(*) as total FROM key_verifications_v1 WHERE time >= now() - INTERVAL 7 DAY",
    "SELECT outcome, COUNT(*) as count FROM key_verifications_v1 WHERE time >= now() - INTERVAL 30 DAY GROUP BY outcome ORDER BY count DESC",
    "SELECT outcome, SUM(count) as count FROM key_verifications_per_day_v1 WHERE time >= now() - INTERVAL 30 DAY GROUP BY outcome ORDER BY count DESC",
    "SELECT time as date, SUM(count) as verifications FROM key_verifications_per_day_v1 WHERE time >= now() - INTERVAL 30 DAY GROUP BY date ORDER BY date",
    "SELECT time as hour, outcome, SUM(count) as verifications FROM key_verifications_per_hour_v1 WHERE time >= toStartOfDay(now()) GROUP BY hour, outcome ORDER BY hour, outcome",
    "SELECT time as hour, outcome, SUM(count) as verifications FROM key_verifications_per_hour_v1 WHERE time >= toStartOfDay(now()) GROUP BY time, outcome ORDER BY time, outcome",
    "SELECT identity_id, COUNT(*) as total_verifications, countIf(outcome = 'VALID') as successful, countIf(outcome = 'RATE_LIMITED') as rate_limited FROM key_verifications_v1 WHERE time >= now() - INTERVAL 30 DAY AND identity_id != '' GROUP BY identity_id ORDER BY total_verifications DESC LIMIT 100",
    "SELECT external_id, toDate(time) as date, COUNT(*) as verifications FROM key_verifications_v1 WHERE external_id = 'user_123' AND time >= now() - INTERVAL 30 DAY GROUP BY external_id, date ORDER BY date",
    "SELECT key_space_id, COUNT(*) as verifications, round(countIf(outcome = 'VALID') / COUNT(*) * 100, 2) as success_rate FROM key_verifications_v1 WHERE api_id IN ('api_1234', 'api_5678') AND time >= now() - INTERVAL 7 DAY GROUP BY key_space_id",
    "SELECT key_id, COUNT(*) as total_errors, groupArray(DISTINCT outcome) as error_types FROM key_verifications_v1 WHERE outcome != 'VALID' AND time >= now() - INTERVAL 7 DAY GROUP BY key_id ORDER BY total_errors DESC LIMIT 20",
    "SELECT COUNT(*) as total FROM key_verifications_v1 WHERE has(tags, 'path=/api/v1/users') AND time >= now() - INTERVAL 7 DAY",
    "SELECT COUNT(*) as total FROM key_verifications_v1 WHERE hasAny(tags, ['path=/api/v1/users', 'path=/api/v1/posts'])",
    "SELECT COUNT(*) as total FROM key_verifications_v1 WHERE hasAll(tags, ['environment=production', 'region=us-east-1'])",
    "SELECT arrayJoin(tags) as tag, COUNT(*) as verifications FROM key_verifications_v1 WHERE time >= now() - INTERVAL 7 DAY GROUP BY tag ORDER BY verifications DESC LIMIT 20",
    "SELECT arrayJoin(arrayFilter(x -> startsWith(x, 'path='), tags)) as endpoint, COUNT(*) as requests FROM key_verifications_v1 WHERE time >= now() - INTERVAL 24 HOUR GROUP BY endpoint ORDER BY requests DESC",
    "SELECT identity_id, toStartOfMonth(time) as month, countIf(outcome = 'VALID') as billable_requests FROM key_verifications_v1 WHERE identity_id != '' AND time >= toStartOfMonth(now()) GROUP BY identity_id, month ORDER BY billable_requests DESC",
    "SELECT external_id, countIf(outcome = 'VALID') as requests_this_period FROM key_verifications_v1 WHERE external_id = 'user_123' AND time >= 1704067200000  -- Start of billing period\n AND time < 1706745600000 GROUP BY external_id",
    "SELECT external_id, countIf(outcome = 'VALID') as total_requests, CASE WHEN total_requests <= 1000 THEN 'free' WHEN total_requests <= 10000 THEN 'starter' ELSE 'enterprise' END as tier FROM key_verifications_v1 WHERE time >= toStartOfMonth(now()) AND external_id = 'user_123' GROUP BY external_id",
    "SELECT toDate(time) as date, countIf(outcome = 'VALID') as billable_requests, billable_requests * 0.001 as estimated_cost FROM key_verifications_v1 WHERE external_id = 'user_123' GROUP BY date ORDER BY date",
    "SELECT toStartOfHour(time) as hour, COUNT(*) as requests, avg(latency) as avg_latency FROM key_verifications_v1 WHERE time >= now() - INTERVAL 24 HOUR GROUP BY hour ORDER BY hour",
    "SELECT time as date, SUM(count) as total_requests, SUM(if(outcome = 'VALID', count, 0)) as successful_requests, round(successful_requests / total_requests * 100, 2) as success_rate FROM key_verifications_per_day_v1 WHERE time >= now() - INTERVAL 30 DAY GROUP BY date ORDER BY date",
    "SELECT key_space_id, COUNT(*) as total_requests, countIf(outcome != 'VALID') as errors, round(errors / total_requests * 100, 2) as error_rate FROM key_verifications_v1 WHERE time >= now() - INTERVAL 7 DAY GROUP BY key_space_id HAVING error_rate > 5 ORDER BY error_rate DESC",
    "WITH first_seen AS ( SELECT identity_id, min(time) as first_verification FROM key_verifications_v1 WHERE identity_id != '' GROUP BY identity_id ) SELECT toDate(kv.time) as date, countIf(kv.time = fs.first_verification) as new_users, countIf(kv.time > fs.first_verification) as returning_users FROM key_verifications_v1 kv JOIN first_seen fs ON kv.identity_id = fs.identity_id WHERE kv.time >= now() - INTERVAL 30 DAY GROUP BY date ORDER BY date",
    "SELECT date, verifications, avg(verifications) OVER ( ORDER BY date ROWS BETWEEN 6 PRECEDING AND CURRENT ROW ) as moving_avg_7d FROM ( SELECT time as date, SUM(count) as verifications FROM key_verifications_per_day_v1 WHERE time >= now() - INTERVAL 60 DAY GROUP BY date ) ORDER BY date",
    "SELECT quantile(0.50)(latency) as p50_latency, quantile(0.99)(latency) as p99_latency FROM key_verifications_v1 WHERE time >= now() - INTERVAL 24 HOUR",
    "SELECT SUM(count) as total_verifications, SUM(CASE WHEN outcome = 'VALID' THEN count ELSE 0 END) as successful FROM key_verifications_per_day_v1",
    "SELECT toUnixTimestamp64Milli(time) AS ms, fromUnixTimestamp64Milli(ms) AS back FROM key_verifications_v1",
    "SELECT time, sumIf(count, outcome != 'VALID') AS failed FROM key_verifications_per_hour_v1 GROUP BY time UNION ALL SELECT time, count FROM key_verifications_per_day_v1 ORDER BY time LIMIT 5",
    "SELECT uniq(key_id) FROM key_verifications_v1 WHERE time BETWEEN toDateTime('2026-01-01 00:00:00') AND now() + INTERVAL '1 day'",
    "SELECT `key_id`, \"outcome\" FROM key_verifications_v1 WHERE key_id = 'it\\'s' OR key_id == 'it''s'",
    "SELECT * FROM key_verifications_v1 AS a LEFT JOIN key_verifications_per_day_v1 AS b USING (key_id)",
    "SELECT count(DISTINCT key_id), sum(spent_credits) FILTER (WHERE outcome = 'VALID') FROM key_verifications_v1",
    "SELECT any(outcome), median(latency), quantileIf(0.9)(latency, outcome = 'VALID') FROM key_verifications_v1",
    "SELECT key_id FROM key_verifications_v1 k WHERE EXISTS (SELECT 1 FROM key_verifications_per_day_v1 d WHERE d.key_id = k.key_id) AND latency IN (SELECT max(latency) FROM key_verifications_v1)",
    "SELECT formatDateTime(time, '%Y-%m-%d %H:%i') f, EXTRACT(HOUR FROM time) h, CAST(latency AS Float64) l, latency::bigint b, trim(outcome) t, substring(outcome, 1, 2) s, ceil(latency) c, floor(latency) fl, position(outcome, 'V') p FROM key_verifications_v1 LIMIT 10, 5",
    "SELECT concat(toString(count(*)), ' of ', outcome), [1, 2], multiIf(outcome = 'VALID', 1, outcome = 'DISABLED', 2, 3) m FROM key_verifications_v1 GROUP BY outcome, m;",
];
