//! Text and parameters of a statement. A value of a caller is always a parameter and never text.

use std::error::Error;
use std::fmt::Write;

use bytes::BytesMut;
use tokio_postgres::types::{Format, IsNull, ToSql, Type, to_sql_checked};

/// A statement under construction. Its parameters can be keys, so it has no `Debug`.
#[derive(Clone, Default)]
pub struct Sql {
    text: String,
    parameters: Vec<Value>,
}

/// A parameter as text, which the database reads as whatever type its place asks for.
#[derive(Clone, PartialEq)]
pub struct Value(String);

impl Sql {
    /// Adds text of ours.
    pub fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Adds a quoted identifier.
    pub fn name(&mut self, name: &str) -> &mut Self {
        self.text.push_str(&quoted(name));
        self
    }

    /// Adds a parameter.
    pub fn value(&mut self, value: impl Into<String>) -> &mut Self {
        self.parameters.push(Value(value.into()));
        let _ = write!(self.text, "${}", self.parameters.len());
        self
    }

    /// Adds something for each item, with a separator between.
    pub fn separated<T>(
        &mut self,
        separator: &str,
        items: impl IntoIterator<Item = T>,
        mut each: impl FnMut(&mut Self, T),
    ) -> &mut Self {
        for (position, item) in items.into_iter().enumerate() {
            if position > 0 {
                self.push(separator);
            }
            each(self, item);
        }
        self
    }

    /// The text, with `$1` and so on for the parameters.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The parameters with a type that lets the database infer the real one.
    pub fn parameters(&self) -> Vec<(&(dyn ToSql + Sync), Type)> {
        self.parameters.iter().map(|value| (value as &(dyn ToSql + Sync), Type::UNKNOWN)).collect()
    }

    /// The parameters as they were given.
    #[cfg(test)]
    pub fn values(&self) -> Vec<&str> {
        self.parameters.iter().map(|value| value.0.as_str()).collect()
    }
}

/// An identifier, always quoted.
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

impl ToSql for Value {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.extend_from_slice(self.0.as_bytes());
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }

    to_sql_checked!();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_can_not_end_its_quotes() {
        assert_eq!(quoted(r#"a"; DROP TABLE x; --"#), r#""a""; DROP TABLE x; --""#);
    }

    #[test]
    fn values_are_numbered_and_kept_out_of_the_text() {
        let mut sql = Sql::default();
        sql.push("SELECT ").name("a").push(" = ").value("secret").push(" OR ").value("2");
        assert_eq!(sql.text(), r#"SELECT "a" = $1 OR $2"#);
        assert_eq!(sql.values(), ["secret", "2"]);
        assert!(!format!("{:?}", sql.parameters).contains("secret"));
    }
}
