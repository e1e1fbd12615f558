//! `analytics.*`: a root key sees the rows of the APIs and namespaces that it may read.

use serde_json::value::RawValue;
use unkey_analytics::Dataset;
use unkey_core::request::Query;
use unkey_core::root_permission::{Ids, Wanted};

use super::caller::Caller;
use super::reply::Reply;
use crate::error::Outcome;
use crate::{analytics_query, store};

/// Ids of the objects that the root key may read analytics of; `None` for all.
fn readable(caller: &Caller, resource: &str) -> Outcome<Option<Vec<String>>> {
    caller.require(&[Wanted::Some(resource, "read_analytics")])?;
    Ok(match caller.root_key.permissions.ids(resource, "read_analytics") {
        Ids::All => None,
        Ids::These(ids) => Some(ids.into_iter().map(str::to_owned).collect()),
    })
}

fn rows(dataset: Dataset, query: &str, owners: Option<Vec<String>>) -> Outcome<Reply> {
    let rows = analytics_query::run(dataset, query, owners)?;
    let rows = rows.into_iter().map(RawValue::from_string).collect::<Result<Vec<_>, _>>()?;
    Reply::data(&rows)
}

pub fn verifications(caller: &Caller, request: Query) -> Outcome<Reply> {
    let apis = readable(caller, "api")?;
    let keyspaces = apis.map(|apis| store::apis::keyspaces(&apis)).transpose()?;
    rows(Dataset::Verifications, &request.query, keyspaces)
}

pub fn ratelimits(caller: &Caller, request: Query) -> Outcome<Reply> {
    let namespaces = readable(caller, "ratelimit")?;
    rows(Dataset::Ratelimits, &request.query, namespaces)
}
