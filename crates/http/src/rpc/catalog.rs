//! Which functions there are, with their arguments and results, as the database describes them.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::db::Database;
use crate::db::failure::Failure;

/// One function that is served.
#[derive(Debug, Clone, Deserialize, PartialEq)]
pub struct Function {
    /// Where it is.
    pub schema: String,
    /// Such as `unkey_verify_key`.
    pub name: String,
    /// Its comment.
    pub description: Option<String>,
    /// Whether it may write.
    pub volatile: bool,
    /// Whether it returns any number of results.
    pub set: bool,
    /// What one result is.
    pub shape: Shape,
    /// The type of a result.
    pub returns: String,
    /// In order.
    pub arguments: Vec<Argument>,
    /// Of a row.
    pub columns: Vec<Column>,
}

/// What one result of a function is.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shape {
    /// Nothing.
    Void,
    /// One value.
    Scalar,
    /// Columns.
    Row,
}

/// One argument.
#[derive(Debug, Clone, Deserialize, PartialEq)]
pub struct Argument {
    /// By which it is given.
    pub name: String,
    /// Such as `timestamp with time zone`.
    pub r#type: String,
    /// Whether it has no default.
    pub required: bool,
    /// Whether it takes all that are repeated.
    pub variadic: bool,
}

/// One column of a row.
#[derive(Debug, Clone, Deserialize, PartialEq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Such as `text[]`.
    pub r#type: String,
    /// Its comment.
    pub description: Option<String>,
}

/// All functions by name; some names have several.
#[derive(Debug, Default, PartialEq)]
pub struct Catalog {
    /// By name.
    pub functions: BTreeMap<String, Vec<Function>>,
}

const FUNCTIONS: &str = include_str!("catalog.sql");

impl Catalog {
    /// Asks the database.
    ///
    /// # Errors
    /// If it does not answer.
    pub async fn read(database: &Database, schema: Option<&str>) -> Result<Self, Failure> {
        let connection = database.connection().await?;
        let rows =
            connection.query(FUNCTIONS, &[&schema]).await.map_err(|error| Failure::of_statement(&error))?;
        let mut functions: BTreeMap<String, Vec<Function>> = BTreeMap::new();
        for row in rows {
            let text: String = row.try_get(0).map_err(|error| Failure::of_statement(&error))?;
            let function: Function =
                serde_json::from_str(&text).map_err(|error| Failure::Unavailable(error.to_string()))?;
            functions.entry(function.name.clone()).or_default().push(function);
        }
        Ok(Self { functions })
    }

    /// All functions of this name.
    pub fn named(&self, name: &str) -> &[Function] {
        self.functions.get(name).map(Vec::as_slice).unwrap_or_default()
    }
}

impl Function {
    /// As in messages: `public.unkey_get_key`.
    pub fn qualified(&self) -> String {
        format!("{}.{}", self.schema, self.name)
    }

    /// An argument by name.
    pub fn argument(&self, name: &str) -> Option<&Argument> {
        self.arguments.iter().find(|argument| argument.name == name)
    }

    /// Whether it returns bytes and no text.
    pub fn is_binary(&self) -> bool {
        self.shape == Shape::Scalar && self.returns == "bytea"
    }

    /// Whether a column is JSON already.
    pub fn is_json(&self, column: &str) -> bool {
        matches!(self.type_of(column), Some("json" | "jsonb"))
    }

    /// Whether a column is ready for full-text search.
    pub fn is_tsvector(&self, column: &str) -> bool {
        self.type_of(column) == Some("tsvector")
    }

    fn type_of(&self, column: &str) -> Option<&str> {
        let found = self.columns.iter().find(|candidate| candidate.name == column);
        found.map(|column| column.r#type.as_str()).or((self.shape == Shape::Scalar).then_some(&self.returns))
    }
}

#[cfg(test)]
impl Function {
    /// One that returns a set of rows.
    pub fn with_columns(columns: &[(&str, &str)]) -> Self {
        let column = |(name, kind): &(&str, &str)| Column {
            name: (*name).to_owned(),
            r#type: (*kind).to_owned(),
            description: None,
        };
        Self { columns: columns.iter().map(column).collect(), ..Self::with_arguments("f", &[]) }
    }

    /// One that takes arguments; a type that ends in `?` has a default.
    pub fn with_arguments(name: &str, arguments: &[(&str, &str)]) -> Self {
        let argument = |(name, kind): &(&str, &str)| Argument {
            name: (*name).to_owned(),
            r#type: kind.trim_end_matches('?').to_owned(),
            required: !kind.ends_with('?'),
            variadic: false,
        };
        Self {
            schema: "public".to_owned(),
            name: name.to_owned(),
            description: None,
            volatile: true,
            set: true,
            shape: Shape::Row,
            returns: "record".to_owned(),
            arguments: arguments.iter().map(argument).collect(),
            columns: Vec::new(),
        }
    }
}
