//! For any text: no panic, and whatever is accepted is a single SELECT of Postgres that reads our views and calls our
//! functions only, by the word of another parser.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use common::{EXAMPLES, all, only};
use proptest::prelude::*;
use sqlparser::ast::{Expr, ObjectName, Statement, TableFactor, Visit, Visitor};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;
use unkey_analytics::{Dataset, translate};

/// What a result may call.
const ROUTINES: &[&str] = &[
    "abs",
    "array_agg",
    "avg",
    "btrim",
    "cardinality",
    "ceil",
    "char_length",
    "concat",
    "count",
    "date_bin",
    "date_part",
    "date_trunc",
    "dense_rank",
    "first_value",
    "floor",
    "int8div",
    "lag",
    "last_value",
    "lead",
    "lower",
    "max",
    "min",
    "percentile_cont",
    "percentile_disc",
    "rank",
    "replace",
    "right",
    "round",
    "row_number",
    "starts_with",
    "strpos",
    "string_to_array",
    "substr",
    "sum",
    "to_char",
    "to_timestamp",
    "trim_scale",
    "trunc",
    "unnest",
    "upper",
];
/// Grammar that the parser takes for calls.
const KEYWORDS: &[&str] = &["COALESCE", "NULLIF", "GREATEST", "LEAST", "ARRAY"];

#[derive(Default)]
struct Found {
    relations: Vec<ObjectName>,
    calls: BTreeSet<String>,
    casts: BTreeSet<String>,
    with: BTreeSet<String>,
}

impl Visitor for Found {
    type Break = ();

    fn pre_visit_query(&mut self, query: &sqlparser::ast::Query) -> ControlFlow<()> {
        assert!(query.locks.is_empty());
        for common in query.with.iter().flat_map(|with| &with.cte_tables) {
            self.with.insert(common.alias.name.to_string());
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
        self.relations.push(relation.clone());
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        match factor {
            TableFactor::Table { name, args: Some(_), .. } | TableFactor::Function { name, .. } => {
                self.calls.insert(name.to_string());
                self.relations.retain(|relation| relation != name);
            }
            TableFactor::Table { .. } | TableFactor::Derived { .. } | TableFactor::NestedJoin { .. } => {}
            other => panic!("{other}"),
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        match expr {
            Expr::Function(function) => {
                self.calls.insert(function.name.to_string());
            }
            Expr::Cast { data_type, .. } => {
                self.casts.insert(data_type.to_string());
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

/// Looks at a result with the eyes of another dialect.
fn check(sql: &str) {
    let statements = Parser::new(&PostgreSqlDialect {})
        .with_recursion_limit(10_000)
        .try_with_sql(sql)
        .and_then(|mut parser| parser.parse_statements())
        .unwrap_or_else(|error| panic!("{error}\n{sql}"));
    let [Statement::Query(query)] = statements.as_slice() else { panic!("{sql}") };
    let mut found = Found::default();
    let _ = query.visit(&mut found);
    let views: Vec<String> = [Dataset::Verifications, Dataset::Ratelimits]
        .iter()
        .flat_map(|dataset| dataset.tables())
        .map(|table| format!("\"unkey\".\"{}\"", table.name))
        .collect();
    for relation in found.relations.iter().map(ToString::to_string) {
        let is_call = relation == "pg_catalog.\"unnest\"";
        assert!(
            is_call || views.contains(&relation) || found.with.contains(&relation),
            "{relation} in {sql}"
        );
    }
    for call in &found.calls {
        let ours = matches!(call.as_str(), "unkey.\"from_ms\"" | "unkey.\"to_ms\"")
            || KEYWORDS.contains(&call.as_str());
        let routine = call.strip_prefix("pg_catalog.").map(|name| name.trim_matches('"'));
        assert!(ours || routine.is_some_and(|name| ROUTINES.contains(&name)), "{call} in {sql}");
    }
    assert!(found.casts.iter().all(|cast| cast.starts_with("pg_catalog.")), "{:?}", found.casts);
}

/// Words from which queries are shaken together: now and then one is accepted.
fn word() -> impl Strategy<Value = String> {
    let words = "SELECT FROM WHERE GROUP BY ORDER HAVING LIMIT WITH AS UNION ALL JOIN ON USING AND OR NOT IN IS NULL CASE WHEN \
        THEN ELSE END DISTINCT BETWEEN LIKE INTERVAL DAY OVER PARTITION EXISTS CAST DESC ( ) , , . * + - / % = != < >= :: -> [ ] ; \
        key_verifications_v1 key_verifications_per_day_v1 pg_authid unkey time outcome tags count key_id key_space_id a b x 1 0.5 'a' \
        'it''s' 'a\\'b' \"a\" `b` sum countIf toDate arrayJoin arrayFilter if now quantile pg_sleep Int64 regclass -- /* */ $$ E'a' ?";
    let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
    proptest::sample::select(words)
}

/// An example with pieces taken out, doubled, swapped or replaced.
fn mutated() -> impl Strategy<Value = String> {
    let edits = proptest::collection::vec((any::<proptest::sample::Index>(), 0..4u8, word()), 0..6);
    (proptest::sample::select(EXAMPLES), edits).prop_map(|(example, edits)| {
        let mut pieces: Vec<String> =
            example.split_inclusive([' ', '(', ')', ',']).map(str::to_owned).collect();
        for (at, edit, word) in edits {
            let at = at.index(pieces.len());
            match edit {
                0 => pieces[at].clear(),
                1 => pieces[at] = format!(" {word} "),
                2 => pieces.insert(at, format!(" {word} ")),
                _ => pieces.swap(at, 0),
            }
        }
        pieces.concat()
    })
}

#[test]
fn the_examples_pass_the_other_parser() {
    for query in EXAMPLES {
        check(&translate(query, &all()).unwrap().sql);
        check(&translate(query, &only(&["ks_1", "\\'"])).unwrap().sql);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_answered(query in "\\PC{0,200}") {
        if let Ok(translated) = translate(&query, &all()) {
            check(&translated.sql);
        }
    }

    #[test]
    fn any_words_are_answered(words in proptest::collection::vec(word(), 0..40)) {
        if let Ok(translated) = translate(&format!("SELECT {}", words.join(" ")), &all()) {
            check(&translated.sql);
        }
    }

    #[test]
    fn any_change_of_an_example_is_answered(query in mutated()) {
        if let Ok(translated) = translate(&query, &only(&["ks_1"])) {
            check(&translated.sql);
            let references = translated.sql.matches("FROM \"unkey\".").count();
            prop_assert!(translated.sql.matches("WHERE \"key_space_id\" = ANY (ARRAY['ks_1']").count() >= references);
        }
    }

    #[test]
    fn any_literal_comes_out_as_it_went_in(text in "[^\0]{0,40}") {
        let quoted = text.replace('\\', "\\\\").replace('\'', "''");
        let sql = translate(&format!("SELECT '{quoted}' AS x"), &all()).unwrap().sql;
        let literal = sql.strip_prefix("SELECT * FROM (SELECT ").unwrap().strip_suffix(" AS \"x\") AS \"result\" LIMIT 11").unwrap();
        let read = match literal.strip_prefix(" E") {
            Some(literal) => literal.trim_matches('\'').to_owned().replace("\\\\", "\\"),
            None => literal.to_owned(),
        };
        prop_assert_eq!(read.trim_matches('\'').replace("''", "'"), text.trim_matches('\''));
    }
}
