//! The audit log.

use super::statement::{arg, run};
use crate::error::Outcome;

/// Writes an entry about one target.
pub fn record(event: &str, target_type: &str, target_id: &str) -> Outcome<()> {
    run(
        "SELECT unkey.record($1, jsonb_build_object('id', $2), jsonb_build_array(jsonb_build_object('id', $3)), 1)",
        &[arg(event), arg(target_type), arg(target_id)],
    )
}
