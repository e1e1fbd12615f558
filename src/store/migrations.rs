//! Migrations: where imported keys came from.

use super::statement::{View, arg, row, run};
use crate::error::Outcome;

/// The algorithm of a migration, if it exists.
pub fn algorithm(view: View, id: &str) -> Outcome<Option<String>> {
    row(view, "SELECT to_json(algorithm) FROM unkey.migrations WHERE id = $1", &[arg(id)])
}

/// Makes a migration unless it exists.
pub fn insert(id: &str, algorithm: &str) -> Outcome<()> {
    run(
        "INSERT INTO unkey.migrations (id, algorithm) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING",
        &[arg(id), arg(algorithm)],
    )
}
