//! What a worker asks of the database for maintenance.

use super::statement::{View, row, run};
use crate::error::Outcome;

/// Runs `unkey.maintain()`.
pub fn run_once() -> Outcome<()> {
    run("SELECT unkey.maintain()", &[])
}

/// The settings that sessions of this database start with, as one text.
pub fn settings_of_database() -> Outcome<String> {
    let settings = row(
        View::Latest,
        "SELECT to_json(coalesce((SELECT setconfig::text FROM pg_catalog.pg_db_role_setting
            WHERE setrole = 0 AND setdatabase = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())), ''))",
        &[],
    )?;
    Ok(settings.unwrap_or_default())
}
