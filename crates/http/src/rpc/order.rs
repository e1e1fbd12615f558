//! `order=`: by what the rows are sorted.

use super::catalog::Function;
use super::error::Result;
use super::field::Field;
use super::scanner::Scanner;
use super::sql::Sql;

/// One of the things sorted by.
#[derive(Debug, Clone, PartialEq)]
pub struct Term {
    field: Field,
    direction: Option<&'static str>,
    nulls: Option<&'static str>,
}

const DIRECTIONS: [(&str, &str); 2] = [("asc", " ASC"), ("desc", " DESC")];
const NULLS: [(&str, &str); 2] = [("nullsfirst", " NULLS FIRST"), ("nullslast", " NULLS LAST")];

/// Reads `order=`.
pub fn parse(text: &str) -> Result<Vec<Term>> {
    let mut scanner = Scanner::new("order", text);
    let mut terms = Vec::new();
    loop {
        terms.push(term(&mut scanner)?);
        if scanner.is_done() {
            return Ok(terms);
        }
        scanner.expect(",")?;
    }
}

fn term(scanner: &mut Scanner) -> Result<Term> {
    let field = Field::read(scanner)?;
    let direction = suffix(scanner, &DIRECTIONS);
    let nulls = suffix(scanner, &NULLS);
    if scanner.sees(".") {
        return Err(scanner.problem("asc, desc, nullsfirst or nullslast"));
    }
    Ok(Term { field, direction, nulls })
}

fn suffix(scanner: &mut Scanner, words: &[(&str, &'static str)]) -> Option<&'static str> {
    let rest = scanner.rest().strip_prefix('.')?;
    let word = rest.split(['.', ',']).next()?;
    let (word, sql) = words.iter().find(|(known, _)| *known == word)?;
    scanner.eat(".");
    scanner.eat(word);
    Some(sql)
}

/// Writes ` ORDER BY …`, if there is anything to sort by.
pub fn write(terms: &[Term], sql: &mut Sql, function: &Function) {
    if terms.is_empty() {
        return;
    }
    sql.push(" ORDER BY ").separated(", ", terms, |sql, term| {
        term.field.write(sql, function);
        sql.push(term.direction.unwrap_or_default()).push(term.nulls.unwrap_or_default());
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> String {
        let mut sql = Sql::default();
        write(&parse(text).unwrap(), &mut sql, &Function::with_columns(&[("a", "text"), ("meta", "jsonb")]));
        sql.text().to_owned()
    }

    #[test]
    fn directions_and_nulls() {
        assert_eq!(written("a"), r#" ORDER BY (call."a")"#);
        assert_eq!(
            written("a.desc.nullslast,meta->>x.asc,a.nullsfirst"),
            r#" ORDER BY (call."a") DESC NULLS LAST, (call."meta")->>$1::text ASC, (call."a") NULLS FIRST"#
        );
    }

    #[test]
    fn what_can_not_be_read_is_refused() {
        for text in ["", "a.", "a.up", "a.desc.asc", "a.descending", "a.desc,", "a.nullslast.desc"] {
            assert_eq!(parse(text).unwrap_err().body.code, "PGRST100", "{text}");
        }
    }
}
