//! What queries become, by example.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::{EXAMPLES, all, bad, good, only};
use unkey_analytics::{Dataset, Scope, translate};
use unkey_core::Kind;

/// The result without the parts that every one has.
fn core(query: &str) -> String {
    let sql = good(query).sql;
    let sql = sql
        .strip_prefix("SELECT * FROM (")
        .unwrap()
        .strip_suffix(") AS \"result\" LIMIT 11")
        .unwrap()
        .to_owned();
    let view = sql.find("FROM (SELECT ").zip(sql.find(" FROM \"unkey\""));
    let sql = view.map_or(sql.clone(), |(from, to)| format!("{}FROM (…{}", &sql[..from], &sql[to..]));
    sql.replace("pg_catalog.", "").replace("\"key_verifications_v1\".", "").replace('"', "")
}

#[test]
fn every_example_translates() {
    for query in EXAMPLES {
        good(query);
    }
}

#[test]
fn a_query_reads_the_columns_of_the_catalogue_only() {
    let sql = good("SELECT key_id FROM key_verifications_per_month_v1 m").sql;
    assert_eq!(
        sql,
        "SELECT * FROM (SELECT \"m\".\"key_id\" AS \"key_id\" FROM (SELECT \"time\", \"workspace_id\", \"key_space_id\", \
         \"api_id\", \"identity_id\", \"external_id\", \"key_id\", \"outcome\", \"tags\", \"count\", \"spent_credits\" \
         FROM \"unkey\".\"key_verifications_per_month_v1\") AS \"m\") AS \"result\" LIMIT 11"
    );
}

#[test]
fn functions_become_those_of_postgres() {
    let becomes = |query: &str, expected: &str| {
        let sql = core(&format!("SELECT {query} AS x FROM key_verifications_v1"));
        let found = sql.strip_prefix("SELECT ").unwrap().split(" AS x FROM").next().unwrap().to_owned();
        assert_eq!(found, expected, "{query}");
    };
    becomes("now()", "(unkey.from_ms('1767225600000'::int8))");
    becomes("SUM(spent_credits)", "(COALESCE((sum(spent_credits)), '0'::int8))");
    becomes("countIf(outcome = 'VALID')", "(count(*) FILTER (WHERE (outcome = 'VALID')))");
    becomes("has(tags, 'a')", "('a' = ANY (tags))");
    becomes("toDate(time)", "(time::date)");
    becomes("toStartOfHour(time)", "(date_trunc('hour', time))");
    becomes("toStartOfMonth(time)", "((date_trunc('month', time))::date)");
    for weeks in ["INTERVAL 2 WEEK", "INTERVAL '2 weeks'", "toIntervalWeek(2)"] {
        becomes(
            &format!("toStartOfInterval(time, {weeks})"),
            "((date_bin((('2'::int8::float8) * ('1 week'::interval)), time, (unkey.from_ms('345600000'::int8))))::date)",
        );
    }
    becomes(
        "toStartOfInterval(time, INTERVAL 5 HOUR)",
        "(date_bin((('5'::int8::float8) * ('1 hour'::interval)), time, (date_trunc('day', time))))",
    );
    becomes("substring(outcome, 2, 3)", "(substr(outcome, ('2'::int8::int4), ('3'::int8::int4)))");
    becomes("uniq(key_id)", "(count(DISTINCT key_id))");
    becomes("length(tags)", "(cardinality(tags))");
    becomes("length(outcome)", "(char_length(outcome))");
    becomes("1 / 2", "(('1'::int8::float8) / (NULLIF(('2'::int8::float8), ('0'::int8::float8))))");
    becomes("time > 1704067200000", "(time > (unkey.from_ms(('1704067200000'::int8::int8))))");
    becomes("time > 1704067200", "(time > (to_timestamp(('1704067200'::int8::float8))))");
    becomes("toUnixTimestamp64Milli(time)", "(unkey.to_ms(time))");
    becomes(
        "quantile(0.9)(latency)",
        "(percentile_cont((0.9::float8)) WITHIN GROUP (ORDER BY (latency::float8)))",
    );
    becomes(
        "arrayFilter(x -> x != 'a', tags)",
        "(ARRAY(SELECT element$1.x FROM unnest(tags) AS element$1(x) WHERE (element$1.x <> 'a')))",
    );
}

#[test]
fn a_span_that_time_can_not_be_cut_into_is_refused() {
    for span in ["INTERVAL 0 DAY", "INTERVAL -1 MONTH", "INTERVAL '0' YEAR", "toIntervalMinute(0)"] {
        let error = bad(&format!("SELECT toStartOfInterval(time, {span}) AS x FROM key_verifications_v1"));
        assert!(error.message.contains("takes an INTERVAL of 1 or more"), "{span}: {}", error.message);
    }
    for span in ["INTERVAL '1 month 2 days'", "INTERVAL 1 DAY + INTERVAL 1 HOUR", "5"] {
        let error = bad(&format!("SELECT toStartOfInterval(time, {span}) AS x FROM key_verifications_v1"));
        assert!(error.message.contains("takes an INTERVAL of one unit"), "{span}: {}", error.message);
    }
    for span in ["INTERVAL 1.5 MONTH", "toIntervalYear(latency)"] {
        let error = bad(&format!("SELECT toStartOfInterval(time, {span}) AS x FROM key_verifications_v1"));
        assert!(error.message.contains("takes a plain number of months"), "{span}: {}", error.message);
    }
}

#[test]
fn a_text_is_never_cut_to_less_than_nothing() {
    for call in ["substring(outcome, 1, -2)", "substr(outcome, -3, -1)"] {
        let error = bad(&format!("SELECT {call} AS x FROM key_verifications_v1"));
        assert!(error.message.contains("takes a length of 0 or more"), "{call}: {}", error.message);
    }
}

#[test]
fn literals_are_quoted_for_either_reading_of_backslashes() {
    for (literal, expected) in [
        (r"'it\'s'", "'it''s'"),
        ("'it''s'", "'it''s'"),
        (r"'a\\b'", r" E'a\\b'"),
        (r"'\\\' OR 1=1 --'", r" E'\\'' OR 1=1 --'"),
        ("'’ʼ＇'", "'’ʼ＇'"),
    ] {
        let sql = good(&format!("SELECT {literal} AS x")).sql;
        assert!(sql.contains(&format!("SELECT {expected} AS")), "{literal}: {sql}");
    }
}

#[test]
fn an_alias_wins_over_a_column_where_it_can_stand() {
    let sql = core(
        "SELECT toStartOfHour(time) AS time, count(*) AS n FROM key_verifications_v1 WHERE time > now() GROUP BY time HAVING n > 1 ORDER BY n",
    );
    assert!(sql.contains("WHERE ((date_trunc('hour', time)) > "), "{sql}");
    assert!(sql.contains("GROUP BY 1 HAVING ((count(*)) > '1'::int8) ORDER BY 2 ASC"), "{sql}");
    let sql =
        core("SELECT max(latency) AS latency, sum(latency) AS s FROM key_verifications_v1 WHERE latency > 5");
    assert!(sql.contains("(sum(latency))") && sql.contains("WHERE (latency > "), "{sql}");
    let sql = core("SELECT toDate(time) AS time FROM key_verifications_v1 GROUP BY toDate(time)");
    assert!(sql.ends_with("GROUP BY 1"), "{sql}");
}

#[test]
fn array_join_multiplies_the_rows_once() {
    let sql = core(
        "SELECT arrayJoin(tags) AS tag, upper(arrayJoin(tags)) u FROM key_verifications_v1 WHERE tag LIKE 'a%'",
    );
    assert_eq!(sql.matches("unnest").count(), 1, "{sql}");
    assert!(
        sql.contains("CROSS JOIN LATERAL unnest(tags) AS array$1(x) WHERE (array$1.x LIKE 'a%')"),
        "{sql}"
    );
}

#[test]
fn a_scope_stands_inside_every_reference() {
    let guard = "WHERE \"key_space_id\" = ANY (ARRAY['ks_1', 'k''s']::pg_catalog.text[])";
    for query in EXAMPLES {
        let sql = translate(query, &only(&["ks_1", "k's"])).unwrap().sql;
        let references = sql.matches("FROM \"unkey\".").count();
        assert!(references > 0);
        assert_eq!(sql.matches(guard).count(), references, "{sql}");
        assert_eq!(sql.matches("OFFSET 0)").count(), references, "{sql}");
    }
}

#[test]
fn a_scope_is_no_part_of_what_an_or_can_widen() {
    let sql = translate(
        "SELECT key_id FROM key_verifications_v1 WHERE key_space_id = 'ks_2' OR 1 = 1",
        &only(&["ks_1"]),
    );
    let sql = sql.unwrap().sql;
    assert!(sql.contains("= ANY (ARRAY['ks_1']::pg_catalog.text[]) OFFSET 0) AS"), "{sql}");
    let nothing = translate("SELECT key_id FROM key_verifications_v1", &only(&[])).unwrap().sql;
    assert!(nothing.contains("= ANY (ARRAY[]::pg_catalog.text[]) OFFSET 0"), "{nothing}");
}

#[test]
fn only_comparisons_with_constants_pass_a_scopes_fence() {
    let query = "SELECT a.key_id FROM key_verifications_v1 a JOIN key_verifications_v1 b ON a.key_id = b.key_id
        WHERE a.time >= now() - INTERVAL 1 DAY AND toInt64(a.external_id) > 0 AND b.outcome = 'VALID' AND a.latency > b.latency";
    let sql = translate(query, &only(&["ks_1"])).unwrap().sql;
    let fences: Vec<_> =
        sql.split("text[])").skip(1).map(|rest| rest.split(" OFFSET 0").next().unwrap().to_owned()).collect();
    assert!(fences[0].starts_with(" AND \"time\" >= "), "{fences:?}");
    assert!(!fences[0].contains("external_id") && !fences[0].contains("latency"), "{fences:?}");
    assert_eq!(fences[1], " AND \"outcome\" = 'VALID'");
}

#[test]
fn names_of_keyspaces_are_reported() {
    let query = "SELECT key_id FROM key_verifications_v1 k WHERE k.key_space_id IN ('a', 'b') OR 'c' = key_space_id OR external_id = 'd'";
    assert_eq!(good(query).owners.into_iter().collect::<Vec<_>>(), ["a", "b", "c"]);
}

#[test]
fn columns_have_names_of_their_own() {
    assert_eq!(
        good("SELECT count(*), sum(latency) s, v.key_id FROM key_verifications_v1 v GROUP BY v.key_id")
            .columns,
        ["count(*)", "s", "key_id"]
    );
    let joined = good(
        "SELECT * FROM key_verifications_per_day_v1 a JOIN key_verifications_per_day_v1 b USING (key_id)",
    );
    assert_eq!(joined.columns.len(), 21);
    assert!(joined.columns.contains(&"b.time".to_owned()));
    assert_eq!(bad("SELECT key_id, key_id FROM key_verifications_v1").kind, Kind::InvalidAnalyticsQuery);
}

#[test]
fn with_is_lexical() {
    let sql = good(
        "WITH a AS (SELECT key_id FROM key_verifications_v1), b AS (SELECT key_id FROM a) SELECT * FROM b",
    )
    .sql;
    assert!(sql.contains("\"with$1\" AS (") && sql.contains("FROM \"with$2\" AS \"b\""), "{sql}");
    for wrong in [
        "WITH key_verifications_v1 AS (SELECT 1 x) SELECT * FROM key_verifications_v1",
        "WITH a AS (SELECT 1 x), a AS (SELECT 2 y) SELECT * FROM a",
        "WITH RECURSIVE a AS (SELECT 1 x) SELECT * FROM a",
    ] {
        assert_eq!(bad(wrong).kind, Kind::InvalidAnalyticsQuery, "{wrong}");
    }
    for wrong in [
        "WITH a AS (SELECT * FROM b), b AS (SELECT 1 x) SELECT * FROM a",
        "SELECT * FROM (WITH a AS (SELECT 1 x) SELECT * FROM a) s JOIN a ON 1 = 1",
    ] {
        assert_eq!(bad(wrong).kind, Kind::InvalidAnalyticsTable, "{wrong}");
    }
}

#[test]
fn each_dataset_has_its_own_tables() {
    let ratelimits = Scope { dataset: Dataset::Ratelimits, owners: Some(vec!["ns_1".into()]), ..all() };
    let sql = translate(
        "SELECT identifier, sum(passed) FROM ratelimits_v1 WHERE passed GROUP BY identifier",
        &ratelimits,
    );
    assert!(sql.unwrap().sql.contains("\"namespace_id\" = ANY (ARRAY['ns_1']"));
    let error = translate("SELECT 1 FROM key_verifications_v1", &ratelimits).unwrap_err();
    assert_eq!(error.kind, Kind::InvalidAnalyticsTable);
    assert_eq!(bad("SELECT 1 FROM ratelimits_v1").kind, Kind::InvalidAnalyticsTable);
}

#[test]
fn errors_name_the_place_and_the_way_out() {
    let error = bad("SELECT key_id\nFROM key_verifications_v1 WHERE sleep(1) = 1");
    assert_eq!(error.kind, Kind::InvalidAnalyticsFunction);
    assert_eq!(error.message, "query calls 'sleep', which is not allowed at line 2, column 33");
    assert!(error.hint.unwrap().contains("toStartOfHour"));
    let error = bad("SELECT latency_ms FROM key_verifications_v1");
    assert_eq!(error.message, "query names column 'latency_ms', which does not exist at line 1, column 8");
    assert!(error.hint.unwrap().contains("spent_credits, latency and source"));
    let error = bad("SELECT x FROM");
    assert_eq!(error.kind, Kind::InvalidAnalyticsQuery);
    assert!(error.message.starts_with("query can't be parsed: Expected"), "{}", error.message);
    let error = bad("SELECT 1 FROM secrets");
    assert_eq!(error.message, "query reads 'secrets', which is not allowed at line 1, column 15");
    assert!(error.hint.unwrap().starts_with("There are key_verifications_v1, "));
    assert_eq!(error.argument.as_deref(), Some("query"));
    let error = bad("SELECT toStartOfHour() FROM key_verifications_v1");
    assert_eq!(
        error.message,
        "query has a wrong call: toStartOfHour(t) with 0 arguments at line 1, column 8"
    );
}
