//! Analytics queries: whatever is let through is held to what another parser sees in it.

use std::collections::BTreeSet;

use unkey_analytics::{Dataset, MAX_BYTES, MAX_COLUMNS, Scope, translate};
use unkey_core::{Error, Kind};

#[path = "../../../crates/analytics/tests/common/gate.rs"]
mod gate;

pub fn check(input: &[u8]) {
    let Some(query) = crate::text(input) else { return };
    let owners = ["one", "it's \\ two"].map(str::to_owned).to_vec();
    for dataset in [Dataset::Verifications, Dataset::Ratelimits] {
        let all = Scope { dataset, owners: None, now: 1_767_225_600_000, max_rows: 10 };
        let some = Scope { owners: Some(owners.clone()), ..all.clone() };
        let [seen, guarded] = [&all, &some].map(|scope| {
            let translated = translate(query, scope);
            if let Ok(translated) = &translated {
                gate::check(translated, scope);
            }
            translated.map(|translated| (translated.columns, translated.owners))
        });
        match (seen, guarded) {
            (Ok((columns, owners)), Ok(guarded)) => {
                assert_eq!(columns.iter().collect::<BTreeSet<_>>().len(), columns.len());
                assert!((1..=MAX_COLUMNS).contains(&columns.len()));
                assert!(owners.iter().all(|owner| owner.len() <= query.len()));
                assert_eq!((columns, owners), guarded);
            }
            // The guards can make the text too long.
            (Err(error), _) | (_, Err(error)) => refused(query, &error),
        }
    }
}

fn refused(query: &str, error: &Error) {
    let kinds = [
        Kind::InvalidAnalyticsQuery,
        Kind::InvalidAnalyticsQueryType,
        Kind::InvalidAnalyticsTable,
        Kind::InvalidAnalyticsFunction,
    ];
    assert!(kinds.contains(&error.kind) && error.argument.as_deref() == Some("query"), "{error:?}");
    assert!(error.message.starts_with("query ") && error.message.chars().count() < 600, "{}", error.message);
    assert!(query.len() <= MAX_BYTES || error.message.contains("at most"));
    if let Some((_, place)) = error.message.rsplit_once(" at line ") {
        let numbers: Vec<usize> = place.split(", column ").filter_map(|number| number.parse().ok()).collect();
        // What is quoted of a query can end so, too.
        let [line, column] = numbers[..] else { return };
        let text =
            query.split('\n').nth(line.saturating_sub(1)).unwrap_or_else(|| panic!("{}", error.message));
        assert!(column <= text.chars().count() + 1, "{}", error.message);
    }
}
