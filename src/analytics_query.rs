//! Analytics queries: SQL in ClickHouse's dialect over the analytics views.

use unkey_analytics::{Dataset, Scope, translate};
use unkey_core::error::quoted;
use unkey_core::{Error, Kind};

use crate::error::Outcome;
use crate::store::query::{self, Limits};
use crate::{clock, settings};

/// Runs a query and answers its rows as JSON objects. `owners` are the keyspaces (of verifications) or namespaces (of
/// rate limits) that the caller may read; `None` for all.
pub fn run(dataset: Dataset, query: &str, owners: Option<Vec<String>>) -> Outcome<Vec<String>> {
    let max_rows = settings::analytics_max_rows();
    let scope = Scope { dataset, owners, now: clock::now(), max_rows };
    let translated = translate(query, &scope)?;
    if dataset == Dataset::Verifications {
        check_keyspaces(translated.owners.into_iter().collect())?;
    }
    let limits = Limits {
        time: settings::analytics_timeout(),
        rows: max_rows as usize,
        bytes: settings::analytics_max_bytes(),
    };
    query::read(&translated.sql, &translated.columns, limits)
}

/// A keyspace that does not exist is a mistake and not an empty answer.
fn check_keyspaces(named: Vec<String>) -> Outcome<()> {
    if named.is_empty() {
        return Ok(());
    }
    match crate::store::apis::unknown_keyspace(&named)? {
        None => Ok(()),
        Some(keyspace) => {
            let message = format!("query asks for keyspace {}, which does not exist", quoted(&keyspace));
            Err(Error { argument: Some("query".into()), ..Error::new(Kind::KeyspaceNotFound, message) }
                .hint("unkey_list_apis() shows the keyspace of each API."))?
        }
    }
}
