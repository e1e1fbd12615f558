//! What is known of rate-limit counters that are not in shared memory: saved ones, and those in the table.

use pgrx::{Uuid, pg_sys};
use unkey_core::limits::CounterKey;
use unkey_core::ratelimit::Window;
use unkey_core::slots::CounterId;

use super::counters;
use super::lock;
use super::probe::{Latest, Table, under_latest};
use super::row::Row;
use super::statement::{View, arg, column, row, run};
use crate::error::Outcome;
use crate::shared::counters::Saved;

/// Counters with shorter windows are not saved: a restart forgets them.
pub const SHORTEST: i64 = 60_000;

const SAVED: Table = Table { name: c"saved_counters", index: c"saved_counters_pkey" };
const COUNTERS: Table = Table { name: c"counters", index: c"counters_pkey" };

/// What is known of a counter.
pub fn known(counter: &CounterKey, now: i64) -> Outcome<Window> {
    let id = counter.id();
    let read = |latest: &Latest| {
        let saved = latest.by_uuid(SAVED, uuid(id), window)?.pop();
        let table = if has_table() { in_table(latest, counter)? } else { None };
        Ok((saved.unwrap_or_default(), table.unwrap_or_default()))
    };
    let (saved, table) = match under_latest(read)? {
        Some(found) => found,
        None => (query(id)?, counters::window(counter)?),
    };
    Ok(saved.merged(table, now, counter.duration))
}

/// A standby has none: its rows are not in the log.
fn has_table() -> bool {
    // SAFETY: reads the state of the server.
    !unsafe { pg_sys::RecoveryInProgress() }
}

fn in_table(latest: &Latest, counter: &CounterKey) -> Outcome<Option<Window>> {
    let CounterKey { scope, identifier, duration, .. } = counter;
    Ok(latest.by_texts_and_number(COUNTERS, [scope, identifier], *duration, window)?.pop())
}

fn window(row: &Row) -> Outcome<Window> {
    let mut window = Window::default();
    for (name, column) in row.columns() {
        match name {
            "seq" => window.seq = column.integer(),
            "current" => window.current = column.integer(),
            "previous" => window.previous = column.integer(),
            _ => {}
        }
    }
    Ok(window)
}

fn query(id: CounterId) -> Outcome<Window> {
    let columns: Option<(i64, i64, i64)> = row(
        View::Latest,
        "SELECT json_build_array(seq, current, previous) FROM unkey.saved_counters WHERE id = $1",
        &[arg(uuid(id))],
    )?;
    let (seq, current, previous) = columns.unwrap_or_default();
    Ok(Window { seq, current, previous })
}

fn uuid(id: CounterId) -> Uuid {
    Uuid::from_bytes(id.to_bytes())
}

/// Whether this transaction may save until it ends: one at a time may, so that what was looked at later is stored later.
pub fn may_save() -> bool {
    lock::take("saved_counters", false)
}

/// Saves counters.
pub fn save(counters: &[Saved]) -> Outcome<()> {
    run(
        "INSERT INTO unkey.saved_counters (id, duration, seq, current, previous)
        SELECT * FROM unnest($1, $2, $3, $4, $5)
        ON CONFLICT (id) DO UPDATE
        SET seq = EXCLUDED.seq, current = EXCLUDED.current, previous = EXCLUDED.previous",
        &[
            column(counters, |saved| uuid(saved.id)),
            column(counters, |saved| saved.duration),
            column(counters, |saved| saved.window.seq),
            column(counters, |saved| saved.window.current),
            column(counters, |saved| saved.window.previous),
        ],
    )
}

/// Removes all rows of counters, in both tables.
pub fn forget() -> Outcome<()> {
    run("DELETE FROM unkey.saved_counters", &[])?;
    run("DELETE FROM unkey.counters", &[])
}
