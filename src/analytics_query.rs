//! Analytics queries: SQL in ClickHouse's dialect over the analytics views.

use unkey_analytics::{Dataset, Scope, translate};
use unkey_core::error::quoted;
use unkey_core::{Error, Kind};

use crate::error::Outcome;
use crate::store::query::{self, Limits};
use crate::{clock, settings, store};

/// Runs a query and answers its rows as JSON objects. `owners` are the keyspaces (of verifications) or namespaces (of
/// rate limits) that the caller may read; `None` for all.
pub fn run(dataset: Dataset, query: &str, owners: Option<Vec<String>>) -> Outcome<Vec<String>> {
    let max_rows = settings::analytics_max_rows();
    let scope = Scope { dataset, owners, now: clock::now(), max_rows };
    let translated = translate(query, &scope)?;
    if dataset == Dataset::Verifications {
        check_keyspaces(translated.owners.into_iter().collect(), scope.owners.as_deref())?;
    }
    let limits = Limits {
        time: settings::analytics_timeout(),
        rows: max_rows as usize,
        bytes: settings::analytics_max_bytes(),
    };
    query::read(&translated.sql, &translated.columns, limits)
}

/// A keyspace that does not exist is a mistake and not an empty answer; so is one that the caller may not read, which
/// is not told apart.
fn check_keyspaces(named: Vec<String>, readable: Option<&[String]>) -> Outcome<()> {
    let hidden = readable.and_then(|readable| named.iter().find(|keyspace| !readable.contains(keyspace)));
    let unknown = match hidden {
        Some(keyspace) => Some(keyspace.clone()),
        None if named.is_empty() => None,
        None => store::apis::unknown_keyspace(&named)?,
    };
    match unknown {
        None => Ok(()),
        Some(keyspace) => {
            let message = format!("query asks for keyspace {}, which does not exist", quoted(&keyspace));
            Err(Error { argument: Some("query".into()), ..Error::new(Kind::KeyspaceNotFound, message) }
                .hint("unkey_list_apis() shows the keyspace of each API."))?
        }
    }
}
