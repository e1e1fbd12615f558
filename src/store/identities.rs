//! Identities.

use std::collections::HashMap;

use super::statement::{View, arg, rows, run};
use crate::error::Outcome;

/// Ids of the live identities with these external ids, kept from being removed until the transaction ends.
pub fn ids(external_ids: &[&str]) -> Outcome<HashMap<String, String>> {
    let found: Vec<(String, String)> = rows(
        View::Latest,
        "SELECT json_build_array(external_id, id) FROM unkey.identities
        WHERE external_id = ANY($1) AND deleted_at IS NULL ORDER BY id FOR KEY SHARE",
        &[arg(external_ids.to_vec())],
    )?;
    Ok(found.into_iter().collect())
}

/// Makes identities that do not exist yet; (external id, id), sorted so that two callers can't deadlock.
pub fn insert_missing(new: &[(&str, String)], now: i64) -> Outcome<()> {
    let (external_ids, ids): (Vec<&str>, Vec<&str>) =
        new.iter().map(|(external, id)| (*external, id.as_str())).unzip();
    run(
        "INSERT INTO unkey.identities (external_id, id, created_at)
        SELECT external_id, id, unkey.from_ms($3) FROM unnest($1, $2) AS new(external_id, id) ORDER BY external_id
        ON CONFLICT (external_id) WHERE deleted_at IS NULL DO NOTHING",
        &[arg(external_ids), arg(ids), arg(now)],
    )
}
