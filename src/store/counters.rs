//! Rate-limit counters in a table.
//!
//! One call locks all its counters in the order of their primary key and holds them until its transaction ends: calls
//! that name the same counters in any order never deadlock, and each judges a count that nobody else can change
//! meanwhile. An abort gives back what it counted.

use std::collections::BTreeSet;

use unkey_core::limits::CounterKey;
use unkey_core::ratelimit::{Batch, Check, Counter, Window, judge};
use unkey_core::verdict::Take;
use unkey_core::{Error, Kind};

use super::statement::{View, arg, is_read_only, row, run};
use crate::error::{Failure, Outcome};

/// Counts every cost, or none if one limit refuses.
pub fn take(takes: &[Take], now: i64) -> Outcome<Batch> {
    let mut keys: Vec<&CounterKey> = takes.iter().map(|take| &take.counter).collect();
    keys.sort();
    keys.dedup();
    let counts = takes.iter().any(|take| take.cost > 0);
    // Only counting needs the lock; a transaction that can't write may still look.
    let load = if counts && !is_read_only() { lock } else { read };
    let counters = keys.iter().map(|key| load(key, now)).collect::<Outcome<Vec<_>>>()?;
    let check = |take: &Take| {
        let counter = keys.binary_search(&&take.counter).unwrap_or(usize::MAX);
        Check { counter, limit: take.limit, cost: take.cost }
    };
    let batch = judge(&takes.iter().map(check).collect::<Vec<_>>(), &counters, now);
    if batch.passed && counts {
        if is_read_only() {
            return Err(read_only().into());
        }
        keys.iter().zip(&batch.windows).try_for_each(|(key, window)| store(key, window))?;
    }
    Ok(batch)
}

/// Counts the same cost so many times, one after the other, and answers how often it passed: after a refusal no more.
pub fn take_each(take: &Take, times: usize, now: i64) -> Outcome<usize> {
    let load = if is_read_only() { read } else { lock };
    let mut counter = load(&take.counter, now)?;
    let check = [Check { counter: 0, limit: take.limit, cost: take.cost }];
    let mut passed = 0;
    while passed < times {
        let batch = judge(&check, &[counter], now);
        let (true, Some(window)) = (batch.passed, batch.windows.first()) else { break };
        counter.window = *window;
        passed += 1;
    }
    if passed > 0 {
        if is_read_only() {
            return Err(read_only().into());
        }
        store(&take.counter, &counter.window)?;
    }
    Ok(passed)
}

fn read_only() -> Error {
    Error::new(Kind::ReadOnly, "a rate limit can't be counted in a read-only transaction")
        .hint("With a cost of 0 the call only looks, which needs no writing.")
}

/// Locks counters until the transaction ends, before the calls that count against some of them.
pub fn reserve(keys: &BTreeSet<CounterKey>, now: i64) -> Outcome<()> {
    keys.iter().try_for_each(|key| lock(key, now).map(drop))
}

/// Columns of a window, in the order of the fields of [`Window`].
type Columns = (i64, i64, i64);

fn counter(key: &CounterKey, (seq, current, previous): Columns) -> Counter {
    Counter { duration: key.duration, window: Window { seq, current, previous } }
}

fn read(key: &CounterKey, _: i64) -> Outcome<Counter> {
    let columns: Option<Columns> = row(
        View::Latest,
        "SELECT json_build_array(seq, current, previous) FROM unkey.counters
        WHERE scope = $1 AND identifier = $2 AND duration = $3",
        &[arg(key.scope.as_str()), arg(key.identifier.as_str()), arg(key.duration)],
    )?;
    Ok(counter(key, columns.unwrap_or_default()))
}

fn lock(key: &CounterKey, now: i64) -> Outcome<Counter> {
    let empty = Window::default().rolled(now, key.duration);
    let columns: Option<Columns> = row(
        View::Latest,
        "INSERT INTO unkey.counters AS counter (scope, identifier, duration, seq, current, previous)
        VALUES ($1, $2, $3, $4, 0, 0)
        ON CONFLICT (scope, identifier, duration) DO UPDATE SET seq = counter.seq
        RETURNING json_build_array(seq, current, previous)",
        &[arg(key.scope.as_str()), arg(key.identifier.as_str()), arg(key.duration), arg(empty.seq)],
    )?;
    let columns = columns.ok_or_else(|| Failure::Internal("a locked counter did not come back".into()))?;
    Ok(counter(key, columns))
}

fn store(key: &CounterKey, window: &Window) -> Outcome<()> {
    run(
        "UPDATE unkey.counters SET seq = $4, current = $5, previous = $6
        WHERE scope = $1 AND identifier = $2 AND duration = $3",
        &[
            arg(key.scope.as_str()),
            arg(key.identifier.as_str()),
            arg(key.duration),
            arg(window.seq),
            arg(window.current),
            arg(window.previous),
        ],
    )
}
