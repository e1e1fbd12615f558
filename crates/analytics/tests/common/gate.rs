//! What the gate lets through, by the word of another parser: a single SELECT of Postgres that reads our views, each through
//! its guard, and calls our functions only.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, Ident, ObjectName, Query, SelectItem, SetExpr, Statement, TableFactor, Visit, Visitor,
};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;
use unkey_analytics::{Scope, Translated};

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
/// Types of casts.
const TYPES: &[&str] = &[
    "pg_catalog.int4",
    "pg_catalog.int8",
    "pg_catalog.float8",
    "pg_catalog.numeric",
    "pg_catalog.text",
    "pg_catalog.bool",
    "pg_catalog.date",
    "pg_catalog.timestamptz",
    "pg_catalog.\"interval\"",
    "pg_catalog.text[]",
];

struct Found<'s> {
    scope: &'s Scope,
    relations: Vec<String>,
    with: BTreeSet<String>,
    /// Views that are read through their guard.
    guarded: usize,
}

impl Visitor for Found<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        assert!(query.locks.is_empty());
        for common in query.with.iter().flat_map(|with| &with.cte_tables) {
            self.with.insert(common.alias.name.to_string());
        }
        self.guarded += usize::from(is_guarded(query, self.scope));
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
        self.relations.push(relation.to_string());
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        match factor {
            TableFactor::Table { name, args: Some(_), .. } | TableFactor::Function { name, .. } => {
                assert_eq!(name.to_string(), "pg_catalog.\"unnest\"");
            }
            TableFactor::Table { .. } | TableFactor::Derived { .. } | TableFactor::NestedJoin { .. } => {}
            other => panic!("{other}"),
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        match expr {
            Expr::Function(function) => assert!(may_call(&function.name.to_string()), "{function}"),
            Expr::Cast { data_type, .. } => {
                assert!(TYPES.contains(&data_type.to_string().as_str()), "{expr}")
            }
            // Without quotes it could mean more than a column: current_user, say.
            Expr::Identifier(name) => assert!(is_quoted(name), "{expr}"),
            Expr::CompoundIdentifier(names) => assert!(names.iter().all(is_quoted), "{expr}"),
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

fn may_call(call: &str) -> bool {
    let routine = call.strip_prefix("pg_catalog.").map(|name| name.trim_matches('"'));
    matches!(call, "unkey.\"from_ms\"" | "unkey.\"to_ms\"")
        || KEYWORDS.contains(&call)
        || routine.is_some_and(|name| ROUTINES.contains(&name))
}

fn is_quoted(name: &Ident) -> bool {
    name.quote_style == Some('"')
}

/// Whether it is `(SELECT columns FROM view WHERE owner = ANY (…) … OFFSET 0)`, and nothing else of that view; without the
/// condition only where everything may be read.
fn is_guarded(query: &Query, scope: &Scope) -> bool {
    let SetExpr::Select(select) = query.body.as_ref() else { return false };
    let [from] = select.from.as_slice() else { return false };
    let TableFactor::Table { name, args: None, alias: None, .. } = &from.relation else { return false };
    let view = name.to_string();
    let Some(table) =
        scope.dataset.tables().iter().find(|table| view == format!("\"unkey\".\"{}\"", table.name))
    else {
        return false;
    };
    let column = |item: &SelectItem| match item {
        SelectItem::UnnamedExpr(Expr::Identifier(name)) => {
            is_quoted(name) && table.columns.iter().any(|(known, _)| *known == name.value)
        }
        _ => false,
    };
    assert!(from.joins.is_empty() && select.projection.iter().all(column), "{query}");
    let Some(owners) = &scope.owners else { return true };
    // As the parser writes it.
    let literal = |text: &String| match text.contains('\\') {
        true => format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "\\'")),
        false => format!("'{}'", text.replace('\'', "''")),
    };
    let list = owners.iter().map(literal).collect::<Vec<_>>().join(", ");
    let guard = format!("\"{}\" = ANY(ARRAY[{list}]::pg_catalog.text[])", scope.dataset.owner_column());
    let written = select.selection.as_ref().map(ToString::to_string).unwrap_or_default();
    // ANDs only, or the guard would be one of several ways in.
    let rest = written.strip_prefix(&guard).unwrap_or_else(|| panic!("{guard} is not in {written}"));
    assert!(rest.is_empty() || rest.starts_with(" AND "), "{written}");
    assert!(select.selection.as_ref().is_some_and(|condition| all_of(condition) == guard), "{written}");
    assert!(query.to_string().ends_with(" OFFSET 0"), "{query}");
    true
}

/// The first of conditions that must all hold.
fn all_of(condition: &Expr) -> String {
    match condition {
        Expr::BinaryOp { left, op: sqlparser::ast::BinaryOperator::And, .. } => all_of(left),
        first => first.to_string(),
    }
}

fn parse(sql: &str) -> Vec<Statement> {
    Parser::new(&PostgreSqlDialect {})
        .with_recursion_limit(10_000)
        .try_with_sql(sql)
        .and_then(|mut parser| parser.parse_statements())
        .unwrap_or_else(|error| panic!("{error}\n{sql}"))
}

/// Looks at a result with the eyes of another dialect.
pub fn check(translated: &Translated, scope: &Scope) {
    let sql = &translated.sql;
    let statements = parse(sql);
    let [Statement::Query(query)] = statements.as_slice() else { panic!("{sql}") };
    let mut found = Found { scope, relations: Vec::new(), with: BTreeSet::new(), guarded: 0 };
    let _ = query.visit(&mut found);
    let views: Vec<String> =
        scope.dataset.tables().iter().map(|table| format!("\"unkey\".\"{}\"", table.name)).collect();
    let (ours, others): (Vec<_>, Vec<_>) = found.relations.iter().partition(|name| views.contains(name));
    assert_eq!(ours.len(), found.guarded, "{sql}");
    for relation in others {
        assert!(relation == "pg_catalog.\"unnest\"" || found.with.contains(relation), "{relation} in {sql}");
    }
    assert!(sql.ends_with(&format!(" AS \"result\" LIMIT {}", u64::from(scope.max_rows) + 1)));
    // What is printed reads as the same again.
    let printed = statements[0].to_string();
    assert_eq!(parse(&printed)[0].to_string(), printed);
}
