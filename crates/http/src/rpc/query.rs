//! The query string, sorted into what it is for.

use std::collections::BTreeSet;

use super::catalog::Function;
use super::error::{Error, Result};
use super::filters::{self, Filter};
use super::order::{self, Term};
use super::range::Range;
use super::select::{self, Item};

/// What is asked of a result, and the arguments of a GET.
#[derive(Debug, Default)]
pub struct Query {
    /// In the order of the query string.
    pub arguments: Vec<(String, String)>,
    /// Which arguments of the body count; `None` for all.
    pub columns: Option<BTreeSet<String>>,
    select: Option<String>,
    order: Option<String>,
    limit: Option<String>,
    offset: Option<String>,
    filters: Vec<(String, String)>,
}

/// What a result is to become.
#[derive(Debug)]
pub struct Shaping {
    /// Columns.
    pub select: Vec<Item>,
    /// Rows.
    pub filters: Vec<Filter>,
    /// Their order.
    pub order: Vec<Term>,
    /// How many of them.
    pub range: Range,
}

impl Query {
    /// Sorts a query string. On a GET (`takes_arguments`), what is named like an argument of one of `functions` is one, and
    /// so is what looks like no condition: it will be missed then.
    ///
    /// # Errors
    /// A character that no text of the database can have.
    pub fn parse(text: &str, functions: &[Function], takes_arguments: bool) -> Result<Self> {
        let mut query = Self::default();
        for (name, value) in form_urlencoded::parse(text.as_bytes()).into_owned() {
            if name.contains('\0') || value.contains('\0') {
                return Err(Error::bad("PGRST100", "the query string must not contain the character U+0000"));
            }
            let is_argument = functions.iter().any(|function| function.argument(&name).is_some());
            if takes_arguments && is_argument {
                query.arguments.push((name, value));
                continue;
            }
            match name.as_str() {
                "select" => query.select = Some(value),
                "order" => query.order = Some(value),
                "limit" => query.limit = Some(value),
                "offset" => query.offset = Some(value),
                "columns" => query.columns = Some(names(&value)),
                "on_conflict" => {}
                _ if takes_arguments && !filters::is_condition(&name, &value) => {
                    query.arguments.push((name, value))
                }
                _ => query.filters.push((name, value)),
            }
        }
        Ok(query)
    }

    /// Reads what is asked of the result of `function`.
    pub fn shaping(&self, header: Option<&str>) -> Result<Shaping> {
        let filters = self.filters.iter().map(|(name, value)| filters::parse(name, value));
        Ok(Shaping {
            select: select::parse(self.select.as_deref())?,
            filters: filters.collect::<Result<_>>()?,
            order: self.order.as_deref().map(order::parse).transpose()?.unwrap_or_default(),
            range: Range::parse(self.limit.as_deref(), self.offset.as_deref(), header)?,
        })
    }
}

fn names(text: &str) -> BTreeSet<String> {
    text.split(',')
        .map(|name| name.trim().trim_matches('"').to_owned())
        .filter(|name| !name.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn functions() -> [Function; 1] {
        [Function::with_arguments("f", &[("limit", "integer?"), ("key", "text")])]
    }

    fn names_of(pairs: &[(String, String)]) -> Vec<&str> {
        pairs.iter().map(|(name, _)| name.as_str()).collect()
    }

    #[test]
    fn on_a_get_arguments_come_first() {
        let query =
            Query::parse("key=eq.x&limit=5&name=eq.y&other=z&select=a&or=(a.eq.x)", &functions(), true)
                .unwrap();
        assert_eq!(names_of(&query.arguments), ["key", "limit", "other"]);
        assert_eq!(names_of(&query.filters), ["name", "or"]);
        assert_eq!((query.select.as_deref(), query.limit), (Some("a"), None));
    }

    #[test]
    fn on_a_post_there_are_none() {
        let query =
            Query::parse("key=eq.x&limit=5&offset=1&columns=key,%22b%22", &functions(), false).unwrap();
        assert_eq!(names_of(&query.arguments), [""; 0]);
        assert_eq!(names_of(&query.filters), ["key"]);
        assert_eq!((query.limit.as_deref(), query.offset.as_deref()), (Some("5"), Some("1")));
        assert_eq!(query.columns, Some(["key".to_owned(), "b".to_owned()].into()));
    }

    #[test]
    fn no_text_has_a_zero() {
        for text in ["a%00=eq.1", "a=eq.%00", "select=a%00b:c"] {
            assert_eq!(Query::parse(text, &functions(), false).unwrap_err().body.code, "PGRST100", "{text}");
        }
    }

    #[test]
    fn percent_and_plus_are_decoded() {
        let query = Query::parse("name=eq.a+b%26c", &functions(), true).unwrap();
        assert_eq!(query.filters, [("name".to_owned(), "eq.a b&c".to_owned())]);
    }
}
