//! What a field is compared with, and how: `eq.x`, `not.in.(x,y)`, `like(any).{x*,y*}`.

use super::catalog::Function;
use super::error::Result;
use super::field::Field;
use super::scanner::Scanner;
use super::sql::Sql;

/// A comparison, still without its field.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    not: bool,
    operand: Operand,
}

#[derive(Debug, Clone, PartialEq)]
enum Operand {
    Value { operator: &'static Operator, quantifier: Option<&'static str>, value: String },
    In(Vec<String>),
    Is(&'static str),
    Text { function: &'static str, language: Option<String>, query: String },
}

#[derive(Debug, PartialEq)]
struct Operator {
    word: &'static str,
    sql: &'static str,
    /// Whether `any` and `all` can follow.
    quantified: bool,
    /// Whether a star stands for any characters.
    pattern: bool,
}

/// Where a comparison stands, which says where its value ends.
#[derive(Clone, Copy, PartialEq)]
pub enum Place {
    /// In a query parameter of its own: at the end.
    Parameter,
    /// In a list of conditions: at a comma or parenthesis.
    List,
}

const OPERATORS: [Operator; 19] = [
    quantified("eq", "="),
    quantified("gte", ">="),
    quantified("gt", ">"),
    quantified("lte", "<="),
    quantified("lt", "<"),
    pattern("like", "LIKE"),
    pattern("ilike", "ILIKE"),
    quantified("match", "~"),
    quantified("imatch", "~*"),
    plain("neq", "<>"),
    plain("isdistinct", "IS DISTINCT FROM"),
    plain("cs", "@>"),
    plain("cd", "<@"),
    plain("ov", "&&"),
    plain("sl", "<<"),
    plain("sr", ">>"),
    plain("nxr", "&<"),
    plain("nxl", "&>"),
    plain("adj", "-|-"),
];

const TRUTHS: [(&str, &str); 5] = [
    ("null", "NULL"),
    ("not_null", "NOT NULL"),
    ("true", "TRUE"),
    ("false", "FALSE"),
    ("unknown", "UNKNOWN"),
];

const SEARCHES: [(&str, &str); 4] = [
    ("fts", "to_tsquery"),
    ("plfts", "plainto_tsquery"),
    ("phfts", "phraseto_tsquery"),
    ("wfts", "websearch_to_tsquery"),
];

const fn plain(word: &'static str, sql: &'static str) -> Operator {
    Operator { word, sql, quantified: false, pattern: false }
}

const fn quantified(word: &'static str, sql: &'static str) -> Operator {
    Operator { word, sql, quantified: true, pattern: false }
}

const fn pattern(word: &'static str, sql: &'static str) -> Operator {
    Operator { word, sql, quantified: true, pattern: true }
}

/// Reads a comparison.
pub fn read(scanner: &mut Scanner, place: Place) -> Result<Comparison> {
    let not = scanner.eat("not.");
    let expected = "not or an operator (eq, gt, in, is and so on)";
    let before = scanner.problem(expected);
    let word = scanner.until(|rest| rest.starts_with(['.', '(', ',', ')']));
    let operand = if word == "in" {
        scanner.expect(".")?;
        Operand::In(list(scanner, place)?)
    } else if word == "is" {
        scanner.expect(".")?;
        Operand::Is(truth(scanner, place)?)
    } else if let Some((_, function)) = SEARCHES.iter().find(|(known, _)| *known == word) {
        let language = modifier(scanner)?;
        Operand::Text { function, language, query: value(scanner, place)? }
    } else {
        let operator = OPERATORS.iter().find(|operator| operator.word == word).ok_or(before)?;
        let quantifier = if operator.quantified { quantifier(scanner)? } else { None };
        let value = value(scanner, place)?;
        let value = if operator.pattern { value.replace('*', "%") } else { value };
        Operand::Value { operator, quantifier, value }
    };
    Ok(Comparison { not, operand })
}

/// What stands in parentheses after an operator.
fn modifier(scanner: &mut Scanner) -> Result<Option<String>> {
    if !scanner.eat("(") {
        return Ok(None);
    }
    let text = scanner.until(|rest| rest.starts_with(')')).to_owned();
    scanner.expect(")")?;
    Ok(Some(text))
}

fn quantifier(scanner: &mut Scanner) -> Result<Option<&'static str>> {
    let problem = scanner.problem("'.', (any) or (all)");
    match modifier(scanner)?.as_deref() {
        None => Ok(None),
        Some("any") => Ok(Some("ANY")),
        Some("all") => Ok(Some("ALL")),
        Some(_) => Err(problem),
    }
}

fn value(scanner: &mut Scanner, place: Place) -> Result<String> {
    scanner.expect(".")?;
    if place == Place::Parameter {
        return Ok(scanner.all().to_owned());
    }
    if scanner.sees("{") {
        let array = scanner.until(|rest| rest.starts_with('}')).to_owned();
        scanner.expect("}")?;
        return Ok(array + "}");
    }
    Ok(scanner.element())
}

fn truth(scanner: &mut Scanner, place: Place) -> Result<&'static str> {
    let problem = scanner.problem("null, not_null, true, false or unknown");
    let word = match place {
        Place::Parameter => scanner.all(),
        Place::List => scanner.until(|rest| rest.starts_with([',', ')'])),
    };
    TRUTHS.iter().find(|(known, _)| word.eq_ignore_ascii_case(known)).map(|(_, sql)| *sql).ok_or(problem)
}

fn list(scanner: &mut Scanner, place: Place) -> Result<Vec<String>> {
    scanner.expect("(")?;
    let mut values = Vec::new();
    if !scanner.eat(")") {
        loop {
            values.push(scanner.element());
            if scanner.eat(")") {
                break;
            }
            scanner.expect(",")?;
        }
    }
    if place == Place::Parameter && !scanner.is_done() {
        return Err(scanner.problem("the end"));
    }
    Ok(values)
}

impl Comparison {
    /// Writes it, with its field.
    pub fn write(&self, sql: &mut Sql, field: &Field, function: &Function) {
        sql.push(if self.not { "NOT (" } else { "" });
        self.operand.write(sql, field, function);
        sql.push(if self.not { ")" } else { "" });
    }
}

impl Operand {
    fn write(&self, sql: &mut Sql, field: &Field, function: &Function) {
        if let Self::Text { function: search, language, query } = self {
            return write_search(sql, field, function, search, language.as_deref(), query);
        }
        field.write(sql, function);
        match self {
            Self::Is(truth) => {
                sql.push(" IS ").push(truth);
            }
            Self::In(values) => {
                sql.push(" = ANY (").value(array(values)).push(")");
            }
            Self::Value { operator, quantifier: Some(quantifier), value } => {
                sql.push(" ").push(operator.sql).push(" ").push(quantifier).push(" (").value(value).push(")");
            }
            Self::Value { operator, quantifier: None, value } => {
                sql.push(" ").push(operator.sql).push(" ").value(value);
            }
            Self::Text { .. } => {}
        }
    }
}

/// A column that is no `tsvector` is made one.
fn write_search(
    sql: &mut Sql,
    field: &Field,
    function: &Function,
    search: &str,
    language: Option<&str>,
    query: &str,
) {
    let in_language = |sql: &mut Sql| {
        if let Some(language) = language {
            sql.value(language).push("::regconfig, ");
        }
    };
    if field.path.is_empty() && function.is_tsvector(&field.column) {
        field.write(sql, function);
    } else {
        sql.push("to_tsvector(");
        in_language(sql);
        field.write(sql, function);
        sql.push(")");
    }
    sql.push(" @@ ").push(search).push("(");
    in_language(sql);
    sql.value(query).push(")");
}

/// An array of Postgres as text.
pub fn array(values: &[String]) -> String {
    let quoted = |value: &String| format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""));
    format!("{{{}}}", values.iter().map(quoted).collect::<Vec<_>>().join(","))
}
