//! From an analytics query in ClickHouse's dialect to a Postgres query that can read the analytics views and nothing else.
//!
//! [`translate`] goes in one direction only: text → the parser's tree → a tree of our own → text. Our own tree ([`tree`])
//! has no place for anything that is not allowed: names of tables, columns and routines in it are ours, and the
//! caller's texts are literals or quoted names. What is not in it can't come out, whatever the parser accepts.
//!
//! In reading order: [`catalog`] is what there is to query; `source` reads the text; `query`, `from`, `order`,
//! `expression`, `call`, `value` and `names` convert the parser's tree; [`scalar`] and [`aggregate`] are the tables of functions; `print` writes the result.
#![forbid(unsafe_code)]

pub mod aggregate;
mod call;
pub mod catalog;
mod expression;
mod from;
mod functions;
mod mistake;
mod names;
mod order;
mod print;
mod query;
pub mod scalar;
mod source;
mod time;
mod tree;
mod types;
mod value;

use std::collections::BTreeSet;

pub use catalog::Dataset;
pub use functions::usages as function_usages;
use unkey_core::Result;

/// Longest query, in bytes.
pub const MAX_BYTES: usize = 16 * 1024;
/// Most columns of a result.
pub const MAX_COLUMNS: usize = 64;

/// What a query may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// Which tables there are.
    pub dataset: Dataset,
    /// Keyspaces (of verifications) or namespaces (of rate limits) that the caller may read; `None` for all.
    pub owners: Option<Vec<String>>,
    /// What `now()` is, in milliseconds since the Unix epoch.
    pub now: i64,
    /// Most rows of the result. One more is asked for, so that more can be told from enough.
    pub max_rows: u32,
}

/// A query for Postgres.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Translated {
    /// One SELECT statement of at most `max_rows + 1` rows.
    pub sql: String,
    /// Names of the result's columns, in order, each once.
    pub columns: Vec<String>,
    /// Keyspaces or namespaces that the query names by `key_space_id = '…'` or `IN`.
    pub owners: BTreeSet<String>,
}

/// Checks a query and translates it.
///
/// # Errors
/// [`Kind::InvalidAnalyticsQueryType`](unkey_core::Kind::InvalidAnalyticsQueryType) for what is no SELECT,
/// [`InvalidAnalyticsTable`](unkey_core::Kind::InvalidAnalyticsTable) and
/// [`InvalidAnalyticsFunction`](unkey_core::Kind::InvalidAnalyticsFunction) for an unknown name, and
/// [`InvalidAnalyticsQuery`](unkey_core::Kind::InvalidAnalyticsQuery) for everything else. All are about `query`.
pub fn translate(query: &str, scope: &Scope) -> Result<Translated> {
    let parsed = source::read(query)?;
    let mut translator = query::Translator::new(scope);
    let (tree, columns) = translator.statement(&parsed)?;
    let sql = print::statement(&tree, scope.max_rows)?;
    Ok(Translated { sql, columns, owners: translator.owners })
}
