//! docs/analytics_sql.md names every table, column and function that there is, and no function that there is not.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::collections::BTreeSet;

use unkey_analytics::aggregate::AGGREGATES;
use unkey_analytics::scalar::SCALARS;
use unkey_analytics::{Dataset, function_usages};

const MANUAL: &str = include_str!("../../../docs/analytics_sql.md");

/// The calls in the rows of the table of functions.
fn documented() -> BTreeSet<&'static str> {
    let rows = MANUAL.lines().skip_while(|line| !line.contains("functions, in letters")).skip(2);
    let rows = rows.take_while(|line| line.starts_with('|'));
    rows.flat_map(|row| row.split('`').skip(1).step_by(2)).collect()
}

#[test]
fn functions() {
    let there_are: BTreeSet<&str> = function_usages().collect();
    assert_eq!(documented(), there_are);
    assert_eq!(there_are.len(), AGGREGATES.len() + SCALARS.len() + 3);
}

#[test]
fn tables_and_columns() {
    for table in [Dataset::Verifications, Dataset::Ratelimits].iter().flat_map(|dataset| dataset.tables()) {
        let names = table.columns.iter().map(|(name, _)| format!("`{name}`"));
        assert!(MANUAL.contains(&names.collect::<Vec<_>>().join(", ")), "{}", table.name);
        let suffix = &table.name[table.name.rfind("_per_").unwrap_or(0)..];
        assert!(MANUAL.contains(&format!("{suffix}`")), "{}", table.name);
    }
}

#[test]
fn names_are_unique_and_in_lower_case() {
    let names =
        AGGREGATES.iter().map(|function| function.name).chain(SCALARS.iter().map(|scalar| scalar.name));
    let unique: BTreeSet<&str> = names.clone().collect();
    assert_eq!(unique.len(), names.count());
    assert!(unique.iter().all(|name| !name.contains(|letter: char| letter.is_ascii_uppercase())));
}
