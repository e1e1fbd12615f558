//! Analytics queries.

use pgrx::prelude::*;
use unkey_analytics::Dataset;
use unkey_core::validate::required;

use crate::analytics_query;
use crate::error::raise;

/// `json` in the DDL, which is stored as text is.
type Rows = SetOfIterator<'static, String>;

fn rows(dataset: Dataset, query: Option<&str>) -> Rows {
    raise(|| {
        let rows = analytics_query::run(dataset, required("query", query)?, None)?;
        Ok(SetOfIterator::new(rows))
    })
}

#[pg_extern(sql = false)]
fn unkey_get_verifications(query: Option<&str>) -> Rows {
    rows(Dataset::Verifications, query)
}

#[pg_extern(sql = false)]
fn unkey_get_ratelimits(query: Option<&str>) -> Rows {
    rows(Dataset::Ratelimits, query)
}
