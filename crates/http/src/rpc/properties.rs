//! What holds for any request: nothing panics, and nothing that a caller sends becomes text of a statement.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::Value;

use super::arguments::Arguments;
use super::catalog::Function;
use super::error::Result;
use super::filters;
use super::operator::array;
use super::order;
use super::prefer::Preferences;
use super::query::Query;
use super::range::Range;
use super::select;
use super::sql::{Sql, quoted};

fn function() -> Function {
    Function::with_columns(&[("a", "text"), ("meta", "jsonb")])
}

fn filter(name: &str, value: &str) -> Result<Sql> {
    let mut sql = Sql::default();
    filters::write(&[filters::parse(name, value)?], &mut sql, &function());
    Ok(sql)
}

/// The text of a statement without its quoted names.
fn bare(sql: &Sql) -> String {
    sql.text().split('"').step_by(2).collect()
}

/// Letters of the grammar, so that more than the first step is reached.
fn grammar() -> impl Strategy<Value = String> {
    let words = [
        "a",
        "not",
        "eq",
        "in",
        "is",
        "and",
        "or",
        "fts",
        "like",
        "any",
        "null",
        "desc",
        "nullslast",
        "text",
        "0",
    ];
    let signs = [".", ",", "(", ")", "\"", "\\", "->", "->>", ":", "::", "{", "}", "*", " ", "é", "'", ";"];
    let pieces = words.into_iter().chain(signs).collect::<Vec<_>>();
    prop::collection::vec(prop::sample::select(pieces), 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn nothing_panics(text in prop_oneof![any::<String>(), grammar()], other in prop_oneof![any::<String>(), grammar()]) {
        for name in ["a", "or", "not.and", other.as_str()] {
            let _ = filter(name, &text);
        }
        let _ = select::parse(Some(&text));
        let _ = order::parse(&text);
        let _ = Range::parse(Some(&text), Some(&other), Some(&text));
        let _ = Query::parse(&text, &[function()], true).map(|query| query.shaping(Some(&other)));
        let _ = Arguments::of_body(Some("application/json"), &text, None);
        let _ = Arguments::of_body(Some("application/x-www-form-urlencoded"), &text, None).map(|given| given.document(&function()));
    }

    #[test]
    fn a_value_is_a_parameter_and_nothing_else(value in any::<String>()) {
        for operator in ["eq", "not.gt", "cs", "isdistinct", "fts", "match"] {
            let sql = filter("a", &format!("{operator}.{value}"))?;
            let plain = filter("a", &format!("{operator}.x"))?;
            prop_assert_eq!(sql.text(), plain.text());
            prop_assert_eq!(sql.values(), [value.as_str()]);
        }
    }

    #[test]
    fn a_list_keeps_its_values(values in prop::collection::vec(any::<String>(), 0..5)) {
        let quoted = values.iter().map(|value| format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"")));
        let list = format!("in.({})", quoted.collect::<Vec<_>>().join(","));
        for sql in [filter("a", &list)?, filter("or", &format!("(a.{list})"))?] {
            prop_assert_eq!(sql.values(), [array(&values)]);
        }
    }

    #[test]
    fn a_name_never_leaves_its_quotes(name in any::<String>()) {
        let written = quoted(&name);
        let inner = written[1..written.len() - 1].replace("\"\"", "");
        prop_assert!(!inner.contains('"'));
        prop_assert_eq!(written[1..written.len() - 1].replace("\"\"", "\""), name);
    }

    #[test]
    fn what_is_read_adds_no_words_of_its_own(text in grammar()) {
        // Whatever was asked for, outside of quotes there is only what we write.
        let ours = ["call.", "to_jsonb(", "::text", " AS ", " ORDER BY ", " ASC", " DESC", " NULLS FIRST", " NULLS LAST"];
        if let Ok(terms) = order::parse(&text) {
            let mut sql = Sql::default();
            order::write(&terms, &mut sql, &function());
            let mut rest = bare(&sql);
            for word in ours {
                rest = rest.replace(word, "");
            }
            prop_assert!(rest.chars().all(|character| "()->,$ -0123456789".contains(character)), "{}", sql.text());
        }
    }

    #[test]
    fn ranges_are_slices(
        rows in 0_u64..12, limit in prop::option::of(0_u64..12), offset in prop::option::of(0_u64..12),
        first in 0_u64..12, length in prop::option::of(0_u64..12),
    ) {
        let header = length.map_or(format!("{first}-"), |length| format!("{first}-{}", first + length));
        let text = |number: Option<u64>| number.map(|number| number.to_string());
        let range = Range::parse(text(limit).as_deref(), text(offset).as_deref(), Some(&header))?;
        let start = offset.unwrap_or(0);
        let by_parameters = |row: &u64| *row >= start && limit.is_none_or(|limit| *row < start + limit);
        let by_header = |row: &u64| *row >= first && length.is_none_or(|length| *row <= first + length);
        let expected: Vec<u64> = (0..rows).filter(|row| by_parameters(row) && by_header(row)).collect();
        let mut sql = Sql::default();
        range.write(&mut sql);
        prop_assert_eq!(slice(sql.text(), rows), expected);
    }

    #[test]
    fn arguments_reach_the_database_as_they_are(members in prop::collection::btree_map(any::<String>(), json(), 0..5)) {
        let body = serde_json::to_string(&members).unwrap_or_default();
        let document = Arguments::of_body(None, &body, None)?.document(&function())?;
        prop_assert_eq!(serde_json::from_str::<BTreeMap<String, Value>>(&document).ok(), Some(members));
    }

    #[test]
    fn preferences_are_read_or_ignored(text in "[ -~]{0,40}") {
        let Ok(value) = text.parse() else { return Ok(()) };
        let headers = [("prefer".parse().expect("a name"), value)].into_iter().collect();
        if let Err(error) = Preferences::parse(&headers) {
            prop_assert_eq!(error.body.code, "PGRST122");
        }
    }
}

/// What ` LIMIT n OFFSET m` leaves of so many rows.
fn slice(clauses: &str, rows: u64) -> Vec<u64> {
    let number = |word: &str| {
        let rest = clauses.split(word).nth(1)?;
        rest.split_whitespace().next()?.parse::<usize>().ok()
    };
    (0..rows).skip(number("OFFSET").unwrap_or(0)).take(number("LIMIT").unwrap_or(usize::MAX)).collect()
}

fn json() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        prop::collection::vec(any::<String>(), 0..3).prop_map(Value::from),
    ]
}

impl From<super::error::Error> for TestCaseError {
    fn from(error: super::error::Error) -> Self {
        Self::fail(format!("{error:?}"))
    }
}
