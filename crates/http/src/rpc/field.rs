//! A column, or a place in a JSON column: `meta->plan->>name`.

use super::catalog::Function;
use super::error::{Error, Result};
use super::scanner::Scanner;
use super::sql::Sql;

/// What is selected, filtered or sorted by.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// The column.
    pub column: String,
    /// Steps into it.
    pub path: Vec<Step>,
}

/// One step into JSON.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// A member, or the number of an element.
    pub key: Key,
    /// Whether the result is text and no more JSON.
    pub text: bool,
}

/// What a step names.
#[derive(Debug, Clone, PartialEq)]
pub enum Key {
    /// Of an array, from 0, or from -1 backwards.
    Element(i32),
    /// Of an object.
    Member(String),
}

impl Field {
    /// Reads one.
    pub fn read(scanner: &mut Scanner) -> Result<Self> {
        let column = name(scanner, "a column")?;
        let mut path = Vec::new();
        while let Some(text) = arrow(scanner) {
            path.push(Step { key: key(scanner)?, text });
        }
        Ok(Self { column, path })
    }

    /// The name of a query parameter, which is one as a whole.
    pub fn parameter(parameter: &str) -> Result<Self> {
        let mut scanner = Scanner::new(parameter, parameter);
        let field = Self::read(&mut scanner)?;
        match scanner.is_done() {
            true => Ok(field),
            false if scanner.sees(".") => Err(Error::bad(
                "PGRST108",
                format!("{parameter} is about an embedded resource, and functions here have none"),
            )),
            false => Err(scanner.problem("the end of the name")),
        }
    }

    /// The name of its column in a result: the last member of a path.
    pub fn label(&self) -> &str {
        let members = self.path.iter().rev().find_map(|step| match &step.key {
            Key::Member(name) => Some(name.as_str()),
            Key::Element(_) => None,
        });
        members.unwrap_or(&self.column)
    }

    /// Writes it as a column of `call`.
    pub fn write(&self, sql: &mut Sql, function: &Function) {
        let wrapped = !self.path.is_empty() && !function.is_json(&self.column);
        sql.push(if wrapped { "to_jsonb(call." } else { "(call." }).name(&self.column);
        sql.push(")");
        for step in &self.path {
            sql.push(if step.text { "->>" } else { "->" });
            match &step.key {
                Key::Element(number) => sql.push(&format!("({number})")),
                Key::Member(name) => sql.value(name).push("::text"),
            };
        }
    }
}

/// A name, quoted or not.
pub fn name(scanner: &mut Scanner, expected: &str) -> Result<String> {
    if let Some(name) = scanner.quoted()? {
        return Ok(name);
    }
    let name = scanner
        .until(|rest| rest.starts_with(['.', ',', ':', '(', ')', '"']) || rest.starts_with("->"))
        .trim();
    if name.is_empty() { Err(scanner.problem(expected)) } else { Ok(name.to_owned()) }
}

fn arrow(scanner: &mut Scanner) -> Option<bool> {
    if scanner.eat("->>") {
        return Some(true);
    }
    scanner.eat("->").then_some(false)
}

fn key(scanner: &mut Scanner) -> Result<Key> {
    let quoted = scanner.sees("\"");
    let name = name(scanner, "a member or the number of an element")?;
    Ok(match name.parse() {
        Ok(number) if !quoted => Key::Element(number),
        _ => Key::Member(name),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> (String, Vec<String>) {
        let mut sql = Sql::default();
        Field::parameter(text)
            .unwrap()
            .write(&mut sql, &Function::with_columns(&[("a", "text"), ("meta", "jsonb")]));
        (sql.text().to_owned(), sql.values().into_iter().map(str::to_owned).collect())
    }

    #[test]
    fn columns_are_quoted_and_keys_are_bound() {
        assert_eq!(written("a"), (r#"(call."a")"#.to_owned(), vec![]));
        assert_eq!(
            written("meta->plan->0->>name"),
            (
                r#"(call."meta")->$1::text->(0)->>$2::text"#.to_owned(),
                vec!["plan".to_owned(), "name".to_owned()]
            )
        );
        assert_eq!(written(r#""a""#).0, r#"(call."a")"#);
        assert_eq!(written("a->-1").0, r#"to_jsonb(call."a")->(-1)"#);
    }

    #[test]
    fn what_is_no_field_is_refused() {
        for text in ["", "a->", "a->>", "\"a", "a,b", "a(b)"] {
            assert_eq!(Field::parameter(text).unwrap_err().body.code, "PGRST100", "{text}");
        }
        assert_eq!(Field::parameter("other.a").unwrap_err().body.code, "PGRST108");
    }

    #[test]
    fn a_path_is_called_by_its_last_member() {
        assert_eq!(Field::parameter("meta->plan->0").unwrap().label(), "plan");
        assert_eq!(Field::parameter("a").unwrap().label(), "a");
    }
}
