//! Rate-limit counters in a table.
//!
//! One call locks all its counters in the order of their primary key and holds them until its transaction ends: calls
//! that name the same counters in any order never deadlock, and each judges a count that nobody else can change
//! meanwhile. So what it counts stays in memory until it is done. An abort gives back what it counted.

use std::collections::{BTreeMap, BTreeSet};

use unkey_core::limits::CounterKey;
use unkey_core::ratelimit::{Batch, Check, Counter, Window, judge};
use unkey_core::verdict::Take;
use unkey_core::{Error, Kind};

use super::statement::{View, arg, column, is_read_only, row, rows, run};
use crate::clock;
use crate::error::{Failure, Outcome};

/// The counters that a call has locked. What it counts is written by [`Counters::store`].
#[derive(Debug, Default)]
pub struct Counters(BTreeMap<CounterKey, Locked>);

#[derive(Debug)]
struct Locked {
    counter: Counter,
    /// Whether something was counted.
    changed: bool,
}

impl Counters {
    /// Counts every cost, or none if one limit refuses. It is judged when the counters are locked: whoever had them may have
    /// counted in later windows than this call began in.
    pub fn take(&mut self, takes: &[Take], mut now: i64) -> Outcome<Batch> {
        let keys: BTreeSet<&CounterKey> = takes.iter().map(|take| take.counter).collect();
        let counts = takes.iter().any(|take| take.cost > 0);
        // Only counting needs the lock; a transaction that can't write may still look.
        if counts && !is_read_only() {
            self.lock(keys.iter().copied(), now)?;
            now = clock::now().max(now);
        }
        let mut counters = keys.iter().map(|key| self.get(key)).collect::<Outcome<Vec<_>>>()?;
        let check = |take: &Take| {
            let counter = keys.iter().position(|key| *key == take.counter).unwrap_or(usize::MAX);
            Check { counter, limit: take.limit, cost: take.cost }
        };
        let batch = judge(&takes.iter().map(check).collect::<Vec<_>>(), &mut counters, now);
        if batch.passed && counts {
            keys.iter().zip(&counters).try_for_each(|(key, counter)| self.count(key, counter.window))?;
        }
        Ok(batch)
    }

    /// Locks counters that are not locked yet, until the transaction ends. Of several calls of a transaction, only the
    /// first is safe from deadlocks.
    pub fn lock<'a>(&mut self, keys: impl Iterator<Item = &'a CounterKey>, now: i64) -> Outcome<()> {
        let missing: BTreeSet<&CounterKey> = keys.filter(|key| !self.0.contains_key(*key)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let missing: Vec<&CounterKey> = missing.into_iter().collect();
        let locked = lock(&missing, now)?;
        let counters = missing.into_iter().zip(locked);
        self.0.extend(
            counters.map(|(key, columns)| {
                (key.clone(), Locked { counter: counter(key, columns), changed: false })
            }),
        );
        Ok(())
    }

    /// Whether it has locked none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The window of a locked counter; `None` if it is not locked.
    pub fn window(&self, key: &CounterKey) -> Option<Window> {
        self.0.get(key).map(|locked| locked.counter.window)
    }

    /// Counts in a locked counter.
    pub fn count(&mut self, key: &CounterKey, window: Window) -> Outcome<()> {
        let locked = self.0.get_mut(key).ok_or_else(read_only)?;
        locked.counter.window = window;
        locked.changed = true;
        Ok(())
    }

    fn get(&self, key: &CounterKey) -> Outcome<Counter> {
        let read = || Ok(Counter { duration: key.duration, window: window(key)? });
        self.0.get(key).map_or_else(read, |locked| Ok(locked.counter))
    }

    /// Writes what was counted.
    pub fn store(&self) -> Outcome<()> {
        let changed: Vec<(&CounterKey, Window)> = self
            .0
            .iter()
            .filter(|(_, locked)| locked.changed)
            .map(|(key, locked)| (key, locked.counter.window))
            .collect();
        if changed.is_empty() { Ok(()) } else { store(&changed) }
    }
}

fn read_only() -> Error {
    Error::new(Kind::ReadOnly, "a rate limit can't be counted in a read-only transaction")
        .hint("With a cost of 0 the call only looks, which needs no writing.")
}

/// Columns of a window, in the order of the fields of [`Window`].
type Columns = (i64, i64, i64);

fn counter(key: &CounterKey, (seq, current, previous): Columns) -> Counter {
    Counter { duration: key.duration, window: Window { seq, current, previous } }
}

/// The window of a counter as it is now; empty if it is not in the table.
pub fn window(key: &CounterKey) -> Outcome<Window> {
    let columns: Option<Columns> = row(
        View::Latest,
        "SELECT json_build_array(seq, current, previous) FROM unkey.counters
        WHERE scope = $1 AND identifier = $2 AND duration = $3",
        &[arg(key.scope.as_str()), arg(key.identifier.as_str()), arg(key.duration)],
    )?;
    Ok(counter(key, columns.unwrap_or_default()).window)
}

/// Locks counters in the order given, makes those that are missing, and answers them in that order.
fn lock(keys: &[&CounterKey], now: i64) -> Outcome<Vec<Columns>> {
    let locked = match keys {
        // Taking arrays apart would cost more than the row.
        [key] => lock_one(key, now)?,
        _ => lock_many(keys, now)?,
    };
    if locked.len() == keys.len() {
        return Ok(locked);
    }
    Err(Failure::Internal("a locked counter did not come back".into()))
}

fn lock_one(key: &CounterKey, now: i64) -> Outcome<Vec<Columns>> {
    let empty = Window::default().rolled(now, key.duration);
    rows(
        View::Latest,
        "INSERT INTO unkey.counters AS counter (scope, identifier, duration, seq, current, previous)
        VALUES ($1, $2, $3, $4, 0, 0)
        ON CONFLICT (scope, identifier, duration) DO UPDATE SET seq = counter.seq
        RETURNING json_build_array(seq, current, previous)",
        &[arg(key.scope.as_str()), arg(key.identifier.as_str()), arg(key.duration), arg(empty.seq)],
    )
}

fn lock_many(keys: &[&CounterKey], now: i64) -> Outcome<Vec<Columns>> {
    rows(
        View::Latest,
        "INSERT INTO unkey.counters AS counter (scope, identifier, duration, seq, current, previous)
        SELECT scope, identifier, duration, seq, 0, 0 FROM unnest($1, $2, $3, $4) AS new (scope, identifier, duration, seq)
        ON CONFLICT (scope, identifier, duration) DO UPDATE SET seq = counter.seq
        RETURNING json_build_array(seq, current, previous)",
        &[
            column(keys, |key| key.scope.as_str()),
            column(keys, |key| key.identifier.as_str()),
            column(keys, |key| key.duration),
            column(keys, |key| Window::default().rolled(now, key.duration).seq),
        ],
    )
}

/// Writes locked counters.
fn store(counters: &[(&CounterKey, Window)]) -> Outcome<()> {
    match counters {
        [(key, window)] => store_one(key, window),
        _ => store_many(counters),
    }
}

fn store_one(key: &CounterKey, window: &Window) -> Outcome<()> {
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

/// They are there, so nothing is inserted: this always goes by the primary key, where the plan of an UPDATE of several
/// rows depends on how many there were when it was made.
fn store_many(counters: &[(&CounterKey, Window)]) -> Outcome<()> {
    run(
        "INSERT INTO unkey.counters (scope, identifier, duration, seq, current, previous)
        SELECT * FROM unnest($1, $2, $3, $4, $5, $6)
        ON CONFLICT (scope, identifier, duration) DO UPDATE
        SET seq = EXCLUDED.seq, current = EXCLUDED.current, previous = EXCLUDED.previous",
        &[
            column(counters, |(key, _)| key.scope.as_str()),
            column(counters, |(key, _)| key.identifier.as_str()),
            column(counters, |(key, _)| key.duration),
            column(counters, |(_, window)| window.seq),
            column(counters, |(_, window)| window.current),
            column(counters, |(_, window)| window.previous),
        ],
    )
}
