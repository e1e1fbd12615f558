//! Rate-limit counters: in shared memory if the library is preloaded, in a table otherwise.
//!
//! Memory comes first. A counter that finds no room in it is counted in the table; one that memory does not have may have
//! been counted there, or before a restart, so both are read before it is counted anew.

use unkey_core::limits::CounterKey;
use unkey_core::ratelimit::{Batch, Window};
use unkey_core::verdict::Take;
use unkey_core::{Error, Kind};

use crate::clock;
use crate::error::Outcome;
use crate::settings;
use crate::shared::counters::{self as shared, Attempt, Call, Memory, database};
use crate::shared::stats::{self, Stat};
use crate::store::statement::is_read_only;
use crate::store::{counters as table, saved_counters as saved};

/// How many counters one statement saves.
const PAGE: usize = 10_000;

/// Counts every cost, or none if one limit refuses.
pub fn take(takes: &[Take], now: i64) -> Outcome<Batch> {
    let mut counters = Counters::default();
    let batch = counters.take(takes, now)?;
    counters.store()?;
    Ok(batch)
}

/// Counts the same cost so many times, one after the other, until it is refused: how often it passed, and the refusal.
pub fn take_each(
    take: &Take,
    times: usize,
    now: i64,
) -> Outcome<(usize, Option<unkey_core::ratelimit::Outcome>)> {
    let mut counters = Counters::default();
    let (mut passed, mut refused) = (0, None);
    while passed < times && refused.is_none() {
        match counters.take(std::slice::from_ref(take), now)? {
            batch if batch.passed => passed += 1,
            batch => refused = batch.outcomes.into_iter().next(),
        }
    }
    counters.store()?;
    Ok((passed, refused))
}

/// The counters of a call. What it counts in the table is written by [`Counters::store`].
#[derive(Debug, Default)]
pub struct Counters {
    table: table::Counters,
}

impl Counters {
    /// Counts every cost, or none if one limit refuses.
    pub fn take(&mut self, takes: &[Take], now: i64) -> Outcome<Batch> {
        match memory() {
            Some(memory) => self.take_in_memory(memory, takes, now),
            None => self.table.take(takes, now),
        }
    }

    fn take_in_memory(&mut self, memory: Memory, takes: &[Take], now: i64) -> Outcome<Batch> {
        let mut call = Call::new(takes, now);
        let passed = self.attempt(memory, &mut call, now)?;
        if passed {
            call.counted_in_table().try_for_each(|(counter, window)| self.table.count(counter, window))?;
        }
        Ok(call.batch(passed))
    }

    /// Tries until all counters are somewhere. Each round finds out about some of them, so there are few.
    fn attempt(&mut self, memory: Memory, call: &mut Call, now: i64) -> Outcome<bool> {
        self.find_locked(call, now);
        loop {
            match memory.attempt(call) {
                Attempt::Judged(passed) => return Ok(passed),
                Attempt::Unknown => look_up(memory, call, now)?,
                Attempt::Full => {
                    self.fall_back(memory, call, now)?;
                    call.judge_at(clock::now().max(now));
                }
            }
        }
    }

    /// Those that this call has locked in the table stay there.
    fn find_locked(&self, call: &mut Call, now: i64) {
        if !self.table.is_empty() {
            for wanted in call.counters() {
                if let Some(window) = self.table.window(wanted.counter) {
                    wanted.count_in_table(window, now);
                }
            }
        }
    }

    /// Counts those without a slot in the table, where they are locked in one order, at once.
    fn fall_back(&mut self, memory: Memory, call: &mut Call, now: i64) -> Outcome<()> {
        if is_read_only() {
            return Err(full().into());
        }
        memory.note_elsewhere();
        self.table.lock(call.without_slot().map(|wanted| wanted.counter), now)?;
        for wanted in call.without_slot() {
            stats::add(Stat::CounterFallbacks, 1);
            wanted.count_in_table(self.table.window(wanted.counter).unwrap_or_default(), now);
        }
        Ok(())
    }

    /// Locks, until the transaction ends, what a call of several takes may count in the table, so that it never deadlocks
    /// with another one. What is counted in memory needs no such thing.
    pub fn lock<'a>(&mut self, counters: impl Iterator<Item = &'a CounterKey>, now: i64) -> Outcome<()> {
        match memory() {
            Some(memory) if Stat::CounterFallbacks.value() > 0 => {
                self.attempt(memory, &mut Call::of(counters, now), now).map(|_| ())
            }
            Some(_) => Ok(()),
            None => self.table.lock(counters, now),
        }
    }

    /// Writes what was counted in the table.
    pub fn store(&self) -> Outcome<()> {
        self.table.store()
    }
}

/// The windows of counters, each once, as a verification would find them. Nothing is counted, locked or noted.
pub fn peek(counters: &[&CounterKey], now: i64) -> Outcome<Vec<Window>> {
    match shared::memory().filter(|_| settings::counters() != settings::Counters::Table) {
        Some(memory) => {
            let mut call = Call::look(counters.iter().copied(), now);
            Counters::default().attempt(memory, &mut call, now)?;
            Ok(call.windows().collect())
        }
        None => counters.iter().map(|counter| table::window(counter)).collect(),
    }
}

/// Where this session counts; `None` for the table.
fn memory() -> Option<Memory> {
    let memory = shared::memory()?;
    if settings::counters() == settings::Counters::Table {
        memory.note_elsewhere();
        return None;
    }
    Some(memory)
}

/// Says what is known elsewhere of counters that memory does not have.
fn look_up(memory: Memory, call: &mut Call, now: i64) -> Outcome<()> {
    for wanted in call.unknown() {
        let is_new = memory.is_complete(wanted.counter.duration);
        let window = if is_new { Window::default() } else { saved::known(wanted.counter, now)? };
        wanted.know(window);
    }
    Ok(())
}

fn full() -> Error {
    Error::new(
        Kind::ReadOnly,
        "shared memory has no room for another rate limit, and a read-only transaction none in the table",
    )
    .hint("A greater unkey.counter_slots makes room, after a restart.")
}

/// Saves the counters of this database that have changed and whose windows are long enough, so that a restart does not
/// forget them, and answers how many. If another one is at it, none: it is soon tried again.
pub fn save() -> Outcome<usize> {
    if is_read_only() {
        let refused = Error::new(Kind::ReadOnly, "rate limits can't be saved in a read-only transaction");
        return Err(refused.hint("On a standby there is nothing to save.").into());
    }
    let Some(memory) = shared::memory() else { return Ok(0) };
    if !saved::may_save() {
        return Ok(0);
    }
    let changed = memory.changed(database(), saved::SHORTEST);
    changed.chunks(PAGE).try_for_each(saved::save)?;
    Ok(changed.len())
}

/// Forgets all that was counted in this database: at once in memory, and with this transaction in tables.
pub fn forget() -> Outcome<()> {
    saved::forget()?;
    if let Some(memory) = shared::memory() {
        memory.forget(database());
    }
    Ok(())
}
