//! Conditions on rows: `name=eq.x`, `or=(name.eq.x,not.and(…))`.

use super::catalog::Function;
use super::error::{Error, Result};
use super::field::Field;
use super::operator::{self, Comparison};
use super::scanner::Scanner;
use super::sql::Sql;

/// A condition.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// All of them, or any.
    Tree {
        /// The other way round.
        not: bool,
        /// Any instead of all.
        any: bool,
        /// The conditions.
        conditions: Vec<Filter>,
    },
    /// On one field.
    Condition(Field, Comparison),
}

/// Reads the query parameter `name=value`.
pub fn parse(name: &str, value: &str) -> Result<Filter> {
    if let Some((not, any)) = junction(name) {
        let mut scanner = Scanner::new(name, value);
        let tree = tree(&mut scanner, not, any)?;
        return if scanner.is_done() { Ok(tree) } else { Err(scanner.problem("the end")) };
    }
    let field = Field::parameter(name)?;
    let mut scanner = Scanner::new(name, value);
    Ok(Filter::Condition(field, operator::read(&mut scanner, operator::Place::Parameter)?))
}

/// Whether a query parameter holds conditions on several fields: how they are negated and joined.
fn junction(name: &str) -> Option<(bool, bool)> {
    let (not, word) = name.strip_prefix("not.").map_or((false, name), |word| (true, word));
    match word {
        "and" => Some((not, false)),
        "or" => Some((not, true)),
        _ => None,
    }
}

fn tree(scanner: &mut Scanner, not: bool, any: bool) -> Result<Filter> {
    scanner.expect("(")?;
    let mut conditions = Vec::new();
    loop {
        conditions.push(scanner.nested(condition)?);
        if scanner.eat(")") {
            return Ok(Filter::Tree { not, any, conditions });
        }
        scanner.expect(",")?;
    }
}

fn condition(scanner: &mut Scanner) -> Result<Filter> {
    scanner.until(|rest| !rest.starts_with(' '));
    for (start, not, any) in
        [("and(", false, false), ("or(", false, true), ("not.and(", true, false), ("not.or(", true, true)]
    {
        if scanner.sees(start) {
            scanner.until(|rest| rest.starts_with('('));
            return tree(scanner, not, any);
        }
    }
    let field = Field::read(scanner)?;
    scanner.expect(".")?;
    Ok(Filter::Condition(field, operator::read(scanner, operator::Place::List)?))
}

/// Writes ` WHERE …`, if there are conditions.
pub fn write(filters: &[Filter], sql: &mut Sql, function: &Function) {
    if !filters.is_empty() {
        sql.push(" WHERE ").separated(" AND ", filters, |sql, filter| filter.write(sql, function));
    }
}

impl Filter {
    fn write(&self, sql: &mut Sql, function: &Function) {
        match self {
            Self::Condition(field, comparison) => comparison.write(sql, field, function),
            Self::Tree { not, any, conditions } => {
                sql.push(if *not { "NOT (" } else { "(" });
                sql.separated(if *any { " OR " } else { " AND " }, conditions, |sql, one| {
                    one.write(sql, function)
                });
                sql.push(")");
            }
        }
    }
}

/// Whether a value begins as a condition does, so that a GET means a filter by it and not an unknown argument.
pub fn is_condition(name: &str, value: &str) -> bool {
    junction(name).is_some()
        || operator::read(&mut Scanner::new(name, value), operator::Place::Parameter).is_ok()
}

/// A condition where none can be.
pub fn none_here(function: &Function) -> Error {
    Error::bad("PGRST100", format!("{} returns nothing that could be filtered", function.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(name: &str, value: &str) -> (String, Vec<String>) {
        let function =
            Function::with_columns(&[("a", "text"), ("n", "bigint"), ("t", "tsvector"), ("meta", "jsonb")]);
        let mut sql = Sql::default();
        parse(name, value).unwrap().write(&mut sql, &function);
        (sql.text().to_owned(), sql.values().into_iter().map(str::to_owned).collect())
    }

    fn check(name: &str, value: &str, text: &str, values: &[&str]) {
        assert_eq!(
            written(name, value),
            (text.to_owned(), values.iter().map(|v| (*v).to_owned()).collect()),
            "{name}={value}"
        );
    }

    #[test]
    fn comparisons() {
        for (word, sql) in [
            ("eq", "="),
            ("neq", "<>"),
            ("gt", ">"),
            ("gte", ">="),
            ("lt", "<"),
            ("lte", "<="),
            ("match", "~"),
            ("imatch", "~*"),
            ("cs", "@>"),
            ("cd", "<@"),
            ("ov", "&&"),
            ("sl", "<<"),
            ("sr", ">>"),
            ("nxr", "&<"),
            ("nxl", "&>"),
            ("adj", "-|-"),
            ("isdistinct", "IS DISTINCT FROM"),
        ] {
            check("a", &format!("{word}.x,y.z"), &format!(r#"(call."a") {sql} $1"#), &["x,y.z"]);
            check("a", &format!("not.{word}.x"), &format!(r#"NOT ((call."a") {sql} $1)"#), &["x"]);
        }
        check("a", "eq.", r#"(call."a") = $1"#, &[""]);
        check("a", r#"eq."x""#, r#"(call."a") = $1"#, &[r#""x""#]);
        check("meta->>x", "eq.1", r#"(call."meta")->>$1::text = $2"#, &["x", "1"]);
    }

    #[test]
    fn patterns_take_a_star_for_any_characters() {
        check("a", "like.*x*", r#"(call."a") LIKE $1"#, &["%x%"]);
        check("a", "ilike.x%", r#"(call."a") ILIKE $1"#, &["x%"]);
        check("a", "like(any).{x*,y}", r#"(call."a") LIKE ANY ($1)"#, &["{x%,y}"]);
        check("n", "gt(all).{1,2}", r#"(call."n") > ALL ($1)"#, &["{1,2}"]);
    }

    #[test]
    fn lists() {
        check("a", "in.(x,y)", r#"(call."a") = ANY ($1)"#, &[r#"{"x","y"}"#]);
        check("a", r#"in.("x,y","q\"",z)"#, r#"(call."a") = ANY ($1)"#, &[r#"{"x,y","q\"","z"}"#]);
        check("a", r#"in.("a "b" c",d)"#, r#"(call."a") = ANY ($1)"#, &[r#"{"\"a \"b\" c\"","d"}"#]);
        check("a", "in.()", r#"(call."a") = ANY ($1)"#, &["{}"]);
        check("a", r#"in.(a\b)"#, r#"(call."a") = ANY ($1)"#, &[r#"{"a\\b"}"#]);
        check("a", "not.in.(x)", r#"NOT ((call."a") = ANY ($1))"#, &[r#"{"x"}"#]);
    }

    #[test]
    fn truth_and_null() {
        for (word, sql) in [
            ("null", "NULL"),
            ("not_null", "NOT NULL"),
            ("true", "TRUE"),
            ("FALSE", "FALSE"),
            ("unknown", "UNKNOWN"),
        ] {
            check("a", &format!("is.{word}"), &format!(r#"(call."a") IS {sql}"#), &[]);
        }
    }

    #[test]
    fn full_text() {
        check("a", "fts.cat", r#"to_tsvector((call."a")) @@ to_tsquery($1)"#, &["cat"]);
        check(
            "a",
            "plfts(french).le chat",
            r#"to_tsvector($1::regconfig, (call."a")) @@ plainto_tsquery($2::regconfig, $3)"#,
            &["french", "french", "le chat"],
        );
        check("t", "phfts.x", r#"(call."t") @@ phraseto_tsquery($1)"#, &["x"]);
        check(
            "t",
            "wfts(english).x",
            r#"(call."t") @@ websearch_to_tsquery($1::regconfig, $2)"#,
            &["english", "x"],
        );
    }

    #[test]
    fn conditions_join_and_nest() {
        check(
            "or",
            r#"(a.eq.x,not.and(n.gte.11, n.lte.17),a.in.("p,q",r),a.eq."c,)")"#,
            r#"((call."a") = $1 OR NOT ((call."n") >= $2 AND (call."n") <= $3) OR (call."a") = ANY ($4) OR (call."a") = $5)"#,
            &["x", "11", "17", r#"{"p,q","r"}"#, "c,)"],
        );
        check(
            "not.and",
            "(a.not.is.null,a.cs.{x,y})",
            r#"NOT (NOT ((call."a") IS NULL) AND (call."a") @> $1)"#,
            &["{x,y}"],
        );
    }

    #[test]
    fn what_can_not_be_read_is_refused() {
        for (name, value) in [
            ("a", "x"),
            ("a", "noop.x"),
            ("a", "eq"),
            ("a", "is.maybe"),
            ("a", "in.x"),
            ("a", "in.(x"),
            ("a", "in.(x)y"),
            ("a", "neq(any).{x}"),
            ("a", "fts(x.y"),
            ("or", "a.eq.x"),
            ("or", "(a.eq.x"),
            ("or", "(a.eq.x)b"),
            ("or", "()"),
            ("or", "(a)"),
        ] {
            assert_eq!(parse(name, value).unwrap_err().body.code, "PGRST100", "{name}={value}");
        }
    }

    #[test]
    fn endless_nesting_is_refused() {
        let deep = format!("{}a.eq.x{}", "(and".repeat(10_000), ")".repeat(10_000));
        assert_eq!(parse("or", &deep).unwrap_err().body.code, "PGRST100");
    }
}
