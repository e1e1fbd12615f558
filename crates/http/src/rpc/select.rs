//! `select=`: which columns, by which name, cast to what.

use axum::http::StatusCode;

use super::catalog::Function;
use super::error::{Error, Result};
use super::field::{Field, name};
use super::scanner::Scanner;
use super::sql::Sql;

/// One of the columns of a result.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// All there are.
    All,
    /// One of them.
    Column {
        /// Which.
        field: Field,
        /// A type.
        cast: Option<String>,
        /// Its name in the result.
        alias: Option<String>,
    },
}

/// Reads `select=`; without it, all columns.
pub fn parse(text: Option<&str>) -> Result<Vec<Item>> {
    let Some(text) = text.filter(|text| !text.trim().is_empty()) else { return Ok(vec![Item::All]) };
    let mut scanner = Scanner::new("select", text);
    let mut items = Vec::new();
    loop {
        items.push(item(&mut scanner)?);
        if scanner.is_done() {
            return Ok(items);
        }
        scanner.expect(",")?;
    }
}

fn item(scanner: &mut Scanner) -> Result<Item> {
    if scanner.eat("*") {
        return Ok(Item::All);
    }
    let mut field = Field::read(scanner)?;
    let mut alias = None;
    if field.path.is_empty() && scanner.sees(":") && !scanner.sees("::") {
        scanner.expect(":")?;
        alias = Some(std::mem::replace(&mut field, Field::read(scanner)?).column);
    }
    let cast = if scanner.eat("::") { Some(type_name(scanner)?) } else { None };
    if scanner.sees("(") || scanner.sees("!") {
        return Err(embedding(&field.column));
    }
    Ok(Item::Column { field, cast, alias })
}

/// A type is the one name that can't be quoted, since `integer` is none: so it is one word, or one of those that have more.
fn type_name(scanner: &mut Scanner) -> Result<String> {
    const LONG: [&str; 6] = [
        "bit varying",
        "character varying",
        "double precision",
        "time with time zone",
        "timestamp with time zone",
        "timestamp without time zone",
    ];
    let text = name(scanner, "a type")?;
    let bare = text.strip_suffix("[]").unwrap_or(&text);
    let is_letter = |character: char| character.is_ascii_alphanumeric() || character == '_';
    let is_word = bare.starts_with(|first: char| first.is_ascii_alphabetic()) && bare.chars().all(is_letter);
    if is_word || LONG.contains(&bare) {
        Ok(text)
    } else {
        Err(Error::parameter(
            "select",
            "a type is one word, or such as double precision, and [] after it for an array",
        ))
    }
}

fn embedding(relation: &str) -> Error {
    Error::new(
        StatusCode::BAD_REQUEST,
        "PGRST200",
        format!("{relation} can't be embedded: the result of a function here has no relationships"),
    )
}

/// Writes the columns of a result.
pub fn write(items: &[Item], sql: &mut Sql, function: &Function) {
    sql.separated(", ", items, |sql, item| match item {
        Item::All => {
            sql.push("call.*");
        }
        Item::Column { field, cast, alias } => {
            field.write(sql, function);
            if let Some(cast) = cast {
                sql.push("::").push(cast);
            }
            sql.push(" AS ").name(alias.as_deref().unwrap_or(field.label()));
        }
    });
}

/// The names of the columns of a result.
pub fn labels<'a>(items: &'a [Item], function: &'a Function) -> Vec<&'a str> {
    let label = |item: &'a Item| match item {
        Item::All => function.columns.iter().map(|column| column.name.as_str()).collect(),
        Item::Column { field, alias, .. } => vec![alias.as_deref().unwrap_or(field.label())],
    };
    items.iter().flat_map(label).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function() -> Function {
        Function::with_columns(&[("name", "text"), ("meta", "jsonb"), ("tags", "text[]")])
    }

    fn written(text: &str) -> String {
        let mut sql = Sql::default();
        write(&parse(Some(text)).unwrap(), &mut sql, &function());
        sql.text().to_owned()
    }

    #[test]
    fn columns_aliases_casts_and_paths() {
        assert_eq!(written("*"), "call.*");
        assert_eq!(written("name,called:name"), r#"(call."name") AS "name", (call."name") AS "called""#);
        assert_eq!(written("name::text"), r#"(call."name")::text AS "name""#);
        assert_eq!(
            written("n:meta->>count::double precision"),
            r#"(call."meta")->>$1::text::double precision AS "n""#
        );
        assert_eq!(written("tags->0"), r#"to_jsonb(call."tags")->(0) AS "tags""#);
        assert_eq!(written(r#""odd,name""#), r#"(call."odd,name") AS "odd,name""#);
    }

    #[test]
    fn nothing_selected_is_everything() {
        assert_eq!(parse(None).unwrap(), [Item::All]);
        assert_eq!(parse(Some("")).unwrap(), [Item::All]);
    }

    #[test]
    fn what_can_not_be_read_is_refused() {
        for text in [
            "name,",
            ",",
            "name::",
            "name::int;drop",
            "name::text FROM call",
            "name::double  precision",
            "name::\"x\"\"\"",
            "a:b:c",
            "name::[]",
        ] {
            assert_eq!(parse(Some(text)).unwrap_err().body.code, "PGRST100", "{text}");
        }
        assert_eq!(parse(Some("name,other(id)")).unwrap_err().body.code, "PGRST200");
    }

    #[test]
    fn labels_are_the_names_in_the_result() {
        assert_eq!(
            labels(&parse(Some("*,n:meta->>x,meta->>y")).unwrap(), &function()),
            ["name", "meta", "tags", "n", "y"]
        );
    }
}
