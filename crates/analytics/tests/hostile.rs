//! What must not pass, and texts that try to hurt by their size or shape.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::time::{Duration, Instant};

use common::{all, bad, kind};
use unkey_analytics::{MAX_BYTES, translate};
use unkey_core::Kind;

fn each(expected: Kind, queries: &[&str]) {
    let answers = queries.iter().map(|query| (query, translate(query, &all()).map_err(|error| error.kind)));
    let wrong: Vec<_> = answers.filter(|(_, answer)| *answer != Err(expected)).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn an_04_only_select() {
    each(
        Kind::InvalidAnalyticsQueryType,
        &[
            "INSERT INTO key_verifications_v1 (key_id) VALUES ('a')",
            "UPDATE key_verifications_v1 SET key_id = 'a'",
            "DELETE FROM key_verifications_v1",
            "DROP TABLE key_verifications_v1",
            "CREATE TABLE t (a int)",
            "ALTER TABLE key_verifications_v1 ADD COLUMN a int",
            "TRUNCATE key_verifications_v1",
            "GRANT ALL ON key_verifications_v1 TO public",
            "EXPLAIN SELECT 1",
            "COPY key_verifications_v1 TO PROGRAM 'sh'",
            "COPY (SELECT 1) TO '/tmp/x'",
            "DO $$ BEGIN END $$",
            "SET ROLE postgres",
            "BEGIN",
            "CALL f()",
            "VACUUM",
            "LISTEN a",
            "VALUES (1)",
            "TABLE pg_authid",
            "WITH a AS (SELECT 1) INSERT INTO key_verifications_v1 SELECT * FROM a",
            "WITH a AS (DELETE FROM key_verifications_v1 RETURNING key_id) SELECT * FROM a",
            "FROM key_verifications_v1 SELECT key_id",
        ],
    );
}

#[test]
fn only_the_views() {
    each(
        Kind::InvalidAnalyticsTable,
        &[
            "SELECT * FROM pg_authid",
            "SELECT * FROM unkey.keys",
            "SELECT * FROM unkey.key_verifications_v1",
            "SELECT * FROM default.key_verifications_raw_v2",
            "SELECT * FROM system.tables",
            "SELECT * FROM information_schema.tables",
            "SELECT * FROM \"pg_catalog\".\"pg_class\"",
            "SELECT * FROM `unkey.keys`",
            "SELECT (SELECT rolpassword FROM pg_authid LIMIT 1) FROM key_verifications_v1",
            "SELECT key_id FROM key_verifications_v1 WHERE key_id IN (SELECT name FROM secrets)",
            "SELECT key_id FROM key_verifications_v1 UNION ALL SELECT value FROM secrets",
            "SELECT key_id FROM key_verifications_v1 JOIN secrets ON 1 = 1",
            "SELECT * FROM key_verifications_v1, secrets",
            "WITH a AS (SELECT * FROM secrets) SELECT * FROM a",
            "SELECT * FROM (SELECT * FROM (SELECT * FROM secrets) x) y",
            "SELECT secrets.* FROM key_verifications_v1",
            "SELECT secrets.value FROM key_verifications_v1",
            "SELECT count(*) FROM key_verifications_v1 ORDER BY (SELECT 1 FROM secrets)",
            "SELECT count(*) OVER (ORDER BY (SELECT 1 FROM secrets)) FROM key_verifications_v1",
            "SELECT arrayFilter(x -> x IN (SELECT name FROM secrets), tags) FROM key_verifications_v1",
        ],
    );
}

#[test]
fn only_the_functions() {
    each(
        Kind::InvalidAnalyticsFunction,
        &[
            "SELECT pg_sleep(10)",
            "SELECT pg_read_file('/etc/passwd')",
            "SELECT set_config('role', 'postgres', false)",
            "SELECT current_setting('unkey.clock')",
            "SELECT lo_import('/etc/passwd')",
            "SELECT dblink('', '')",
            "SELECT query_to_xml('SELECT 1', true, true, '')",
            "SELECT unkey_create_key('a')",
            "SELECT unkey.now()",
            "SELECT pg_catalog.lower('a')",
            "SELECT \"pg_sleep\"(1)",
            "SELECT `pg_sleep`(1)",
            "SELECT ROW(1, 2)",
            "SELECT key_id FROM key_verifications_v1 GROUP BY ROLLUP (key_id)",
            "SELECT current_timestamp",
            "SELECT version()",
            "SELECT txid_current()",
            "SELECT repeat('a', 1000000000)",
            "SELECT currval('a')",
            "SELECT row_to_json(key_verifications_v1) FROM key_verifications_v1",
            "SELECT count(*) FROM key_verifications_v1 WHERE pg_sleep(1) IS NULL",
            "SELECT count(*) FILTER (WHERE pg_sleep(1) IS NULL) FROM key_verifications_v1",
            "SELECT sum(pg_sleep(1)) OVER (PARTITION BY key_id) FROM key_verifications_v1",
            "SELECT count(*) OVER (PARTITION BY pg_sleep(1)) FROM key_verifications_v1",
            "SELECT arrayFilter(x -> pg_sleep(1), tags) FROM key_verifications_v1",
            "SELECT CASE WHEN true THEN pg_sleep(1) END",
            "SELECT [pg_sleep(1)]",
            "SELECT 1 ORDER BY pg_sleep(1)",
            "SELECT 1 GROUP BY pg_sleep(1)",
            "SELECT 1 HAVING pg_sleep(1)",
            "SELECT * FROM generate_series(1, 10)",
            "SELECT * FROM numbers(10)",
            "SELECT * FROM url('http://example.com')",
            "SELECT * FROM key_verifications_v1 v JOIN pg_ls_dir('/') ON 1 = 1",
            "SELECT dictGet('a', 'b', key_id) FROM key_verifications_v1",
        ],
    );
}

#[test]
fn nothing_else_either() {
    each(
        Kind::InvalidAnalyticsQuery,
        &[
            "",
            ";",
            "hello",
            "SELECT 1; SELECT 2",
            "SELECT 1; DROP TABLE x",
            "SELECT",
            "SELECT FROM key_verifications_v1",
            "SELECT 'a",
            "SELECT /* open",
            "SELECT E'\\x41' AS a, U&'\\0041' AS b",
            "SELECT $$a$$",
            "SELECT $1",
            "SELECT ?",
            "SELECT :name",
            "SELECT {name: String}",
            "SELECT X'41'",
            "SELECT B'01'",
            "SELECT N'a'",
            "SELECT 'pg_authid'::regclass",
            "SELECT CAST('1' AS oid)",
            "SELECT CAST('1' AS pg_catalog.regproc)",
            "SELECT 'a'::json",
            "SELECT '1'::\"int8\"",
            "SELECT 'a'::text[]",
            "SELECT regclass 'pg_authid'",
            "SELECT current_user",
            "SELECT (1, 2)",
            "SELECT key_id FROM key_verifications_v1 WHERE (key_id, outcome) IN (('a', 'b'))",
            "SELECT tags[1] FROM key_verifications_v1",
            "SELECT (tags)[1] FROM key_verifications_v1",
            "SELECT (v).key_id FROM key_verifications_v1 v",
            "SELECT key_verifications_v1 FROM key_verifications_v1",
            "SELECT v FROM key_verifications_v1 v",
            "SELECT ctid FROM key_verifications_v1",
            "SELECT tableoid FROM key_verifications_v1",
            "SELECT v.xmin FROM key_verifications_v1 v",
            "SELECT unkey.key_verifications_v1.key_id FROM key_verifications_v1",
            "SELECT 1 OPERATOR(pg_catalog.+) 2",
            "SELECT '{}' -> 'a'",
            "SELECT '{}' ->> 'a'",
            "SELECT '{}' #> 'a'",
            "SELECT key_id FROM key_verifications_v1 WHERE key_id ~ 'a'",
            "SELECT key_id FROM key_verifications_v1 WHERE key_id SIMILAR TO 'a'",
            "SELECT key_id FROM key_verifications_v1 WHERE key_id REGEXP 'a'",
            "SELECT key_id COLLATE \"C\" FROM key_verifications_v1",
            "SELECT time AT TIME ZONE 'UTC' FROM key_verifications_v1",
            "SELECT 1 & 2",
            "SELECT 1 ^ 2",
            "SELECT key_id INTO x FROM key_verifications_v1",
            "SELECT key_id FROM key_verifications_v1 FOR UPDATE",
            "SELECT key_id FROM key_verifications_v1 FOR SHARE",
            "SELECT key_id FROM key_verifications_v1 FORMAT JSON",
            "SELECT key_id FROM key_verifications_v1 SETTINGS max_threads = 1",
            "SELECT key_id FROM key_verifications_v1 SAMPLE 0.1",
            "SELECT key_id FROM key_verifications_v1 TABLESAMPLE SYSTEM (1)",
            "SELECT key_id FROM key_verifications_v1 PREWHERE 1",
            "SELECT key_id FROM key_verifications_v1 LIMIT 1 BY key_id",
            "SELECT key_id FROM key_verifications_v1 LIMIT -1",
            "SELECT key_id FROM key_verifications_v1 LIMIT (SELECT 1)",
            "SELECT key_id FROM key_verifications_v1 LIMIT 99999999999999999999",
            "SELECT key_id FROM key_verifications_v1 ORDER BY 2",
            "SELECT key_id FROM key_verifications_v1 ORDER BY 0",
            "SELECT key_id FROM key_verifications_v1 FETCH FIRST 1 ROW ONLY",
            "SELECT DISTINCT ON (key_id) key_id FROM key_verifications_v1",
            "SELECT key_id FROM key_verifications_v1 GROUP BY ALL",
            "SELECT key_id FROM key_verifications_v1 NATURAL JOIN key_verifications_per_day_v1",
            "SELECT key_id FROM key_verifications_v1, LATERAL (SELECT 1 x) y",
            "SELECT key_id FROM key_verifications_v1 AS v (a, b)",
            "SELECT key_id FROM key_verifications_v1 AS \"a\"\"; DROP\"",
            "SELECT key_id FROM key_verifications_v1 AS \"array$1\"",
            "SELECT v.key_id FROM key_verifications_v1 v, key_verifications_v1 v",
            "SELECT key_id FROM key_verifications_v1 a, key_verifications_v1 b",
            "SELECT * EXCEPT (key_id) FROM key_verifications_v1",
            "SELECT key_id FROM key_verifications_v1 WINDOW w AS (ORDER BY key_id)",
            "SELECT count(*) OVER w FROM key_verifications_v1",
            "SELECT rank() FROM key_verifications_v1",
            "SELECT sum(DISTINCT) FROM key_verifications_v1",
            "SELECT lower(DISTINCT outcome) FROM key_verifications_v1",
            "SELECT lower(outcome) OVER () FROM key_verifications_v1",
            "SELECT lower(outcome ORDER BY outcome) FROM key_verifications_v1",
            "SELECT max(outcome ORDER BY outcome) FROM key_verifications_v1",
            "SELECT quantile('a')(latency) FROM key_verifications_v1",
            "SELECT sum(0.5)(latency) FROM key_verifications_v1",
            "SELECT formatDateTime(time, outcome) FROM key_verifications_v1",
            "SELECT date_trunc(outcome, time) FROM key_verifications_v1",
            "SELECT arrayJoin(tags, tags) FROM key_verifications_v1",
            "SELECT arrayFilter(tags, tags) FROM key_verifications_v1",
            "SELECT x -> 1",
            "SELECT a FROM (SELECT 1 b)",
            "SELECT b + 1 AS a, a + 1 AS b",
            "SELECT 1 AS \"\"",
            "SELECT 1 UNION SELECT 1, 2",
            "SELECT 1 x UNION SELECT 2 ORDER BY x + 1",
            "SELECT INTERVAL 1 CENTURY",
            "SELECT 1_000_000_000_000_000_000_000_000_000_000_000_000_000_000_000_000",
            "SELECT key_id\u{a0}; SELECT 1",
            "SELECT \u{2018}a\u{2019}",
        ],
    );
    assert_eq!(bad("SELECT '\0'").message, "query must not contain a NUL character");
}

#[test]
fn names_of_the_callers_are_quoted() {
    let sql = translate("SELECT 1 AS \"a\"\" FROM pg_authid --\"", &all()).unwrap().sql;
    assert_eq!(
        sql,
        "SELECT * FROM (SELECT '1'::pg_catalog.int8 AS \"a\"\" FROM pg_authid --\") AS \"result\" LIMIT 11"
    );
    let long = "x".repeat(64);
    assert_eq!(kind(&format!("SELECT 1 AS {long}")), Kind::InvalidAnalyticsQuery);
}

/// Translates in a small stack and in little time, whatever the answer.
fn bounded(query: String) {
    let start = Instant::now();
    let shown: String = query.chars().take(60).collect();
    let worker = std::thread::Builder::new().stack_size(5 * 1024 * 1024);
    worker.spawn(move || drop(translate(&query, &all()))).unwrap().join().unwrap();
    assert!(start.elapsed() < Duration::from_secs(5), "{shown}: {:?}", start.elapsed());
}

#[test]
fn deep_and_long_texts_are_harmless() {
    let nest = |open: &str, middle: &str, close: &str, times: usize| {
        format!("SELECT {}{middle}{}", open.repeat(times), close.repeat(times))
    };
    for times in [10, 24, 47, 100, 400, 1000] {
        for (open, middle, close) in [
            ("(", "1", ")"),
            ("[", "1", "]"),
            ("- ", "1", ""),
            ("NOT ", "1", ""),
            ("1 + ", "1", ""),
            ("1 AND ", "1", ""),
            ("1 OR ", "1", ""),
            ("1 = ", "1", ""),
            ("abs(", "1", ")"),
            ("if(1, ", "1", ", 2)"),
            ("endsWith('a', ", "'b'", ")"),
            ("groupArray(", "1", ")"),
            ("CASE WHEN 1 THEN ", "1", " END"),
            ("CASE ", "1", " WHEN 1 THEN 1 END"),
            ("(SELECT ", "1", ")"),
            ("(SELECT 1 UNION SELECT ", "1", ")"),
            ("1 IN (", "1", ")"),
            ("1 IN (SELECT ", "1", ")"),
            ("EXISTS (SELECT ", "1", ")"),
            ("x -> ", "1", ""),
            ("(x, ", "1", ")"),
            ("(x) -> ", "1", ""),
            ("INTERVAL ", "1", " DAY"),
            ("CAST(", "1", " AS Int64)"),
            ("arrayFilter(x -> ", "1", ", tags)"),
            ("a.", "b", ""),
            ("\"", "a", "\""),
            ("{", "a", "}"),
            ("count(*) OVER (ORDER BY ", "1", ")"),
        ] {
            bounded(nest(open, middle, close, times));
        }
        for (open, middle, close) in [
            ("(SELECT * FROM ", "key_verifications_v1", ") "),
            ("(", "key_verifications_v1", ")"),
            ("(key_verifications_v1 JOIN ", "key_verifications_v1", " ON 1)"),
            ("key_verifications_v1, ", "key_verifications_v1", ""),
        ] {
            bounded(format!("SELECT * FROM {}{middle}{}", open.repeat(times), close.repeat(times)));
        }
        bounded(nest("1", "::int", "::int", times));
        bounded(nest("1", " IS NULL", " IS NULL", times));
        bounded(format!("SELECT 1{}", " UNION ALL SELECT 1".repeat(times)));
        bounded(format!("{}SELECT 1{}", "(".repeat(times), ")".repeat(times)));
        bounded(format!("WITH a AS ({} SELECT 1 {}) SELECT 1", "(".repeat(times), ")".repeat(times)));
        bounded(format!("SELECT {}", "/*".repeat(times)));
    }
    bounded(format!("SELECT {}1", "1+".repeat(MAX_BYTES / 2 - 5)));
    assert!(kind(&format!("SELECT '{}'", "a".repeat(MAX_BYTES))) == Kind::InvalidAnalyticsQuery);
}

#[test]
fn aliases_that_double_are_refused() {
    let doubled: Vec<String> =
        (1..60).map(|at| format!("concat(a{}, a{}) AS a{at}", at - 1, at - 1)).collect();
    let query = format!("SELECT 'x' AS a0, {}", doubled.join(", "));
    assert!(bad(&query).message.starts_with("query is too complex"));
    let forward: Vec<String> =
        (0..60).map(|at| format!("concat(a{}, a{}) AS a{at}", at + 1, at + 1)).collect();
    bounded(format!("SELECT {}, 'x' AS a60", forward.join(", ")));
}

#[test]
fn limits_hold() {
    let columns = |count: usize| (0..count).map(|at| format!("{at} AS c{at}")).collect::<Vec<_>>().join(", ");
    assert!(translate(&format!("SELECT {}", columns(64)), &all()).is_ok());
    assert_eq!(kind(&format!("SELECT {}", columns(65))), Kind::InvalidAnalyticsQuery);
    let tables = |count: usize| {
        (0..count).map(|at| format!("key_verifications_v1 t{at}")).collect::<Vec<_>>().join(", ")
    };
    assert!(translate(&format!("SELECT 1 FROM {}", tables(16)), &all()).is_ok());
    assert_eq!(kind(&format!("SELECT 1 FROM {}", tables(17))), Kind::InvalidAnalyticsQuery);
    let keys = vec!["'key_2gZdJm7aVwTQ'"; 700].join(", ");
    assert!(
        translate(&format!("SELECT 1 FROM key_verifications_v1 WHERE key_id IN ({keys})"), &all()).is_ok()
    );
    let terms = vec!["key_id = 'a'"; 500].join(" OR ");
    assert!(translate(&format!("SELECT 1 FROM key_verifications_v1 WHERE {terms}"), &all()).is_ok());
}
