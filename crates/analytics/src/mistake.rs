//! Errors about a query, each with its place in the text.

use std::borrow::Cow;
use std::fmt::Display;

use sqlparser::tokenizer::{Location, Span};
use unkey_core::{Error, Kind};

/// What is wrong with a call; continues the sentence "query: f(x) …".
pub type Problem = Cow<'static, str>;

/// A mistake in the query; `problem` continues the sentence "query …".
pub fn mistake(kind: Kind, at: Location, problem: impl Display) -> Error {
    let place = match at {
        Location { line: 0, .. } => String::new(),
        Location { line, column } => format!(" at line {line}, column {column}"),
    };
    let message = format!("query {problem}{place}");
    Error { argument: Some("query".into()), ..Error::new(kind, message) }
}

/// Something that this dialect does not have, at a span.
pub fn refused(at: Span, problem: impl Display) -> Error {
    mistake(Kind::InvalidAnalyticsQuery, at.start, problem)
}

/// A construct that is not supported.
pub fn unsupported(at: Span, what: impl Display) -> Error {
    refused(at, format_args!("uses {what}, which is not supported"))
        .hint("docs/analytics_sql.md says what a query may use.")
}

/// The query nests, or its result grows, beyond what is sensible.
pub fn too_complex() -> Error {
    mistake(Kind::InvalidAnalyticsQuery, Location::empty(), "is too complex")
        .hint("Nest less deeply, or repeat less: a WITH clause computes something once.")
}

/// `a, b and c`.
pub fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<_> = names.into_iter().collect();
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => names.concat(),
    }
}
