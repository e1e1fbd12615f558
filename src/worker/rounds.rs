//! One round after the other: everything that is published goes to tables, in one transaction.

use std::time::{Duration, Instant};

use pgrx::warning;

use super::salvage::salvage;
use super::transaction::{Problem, transaction};
use super::{PATIENCE, pause};
use crate::error::Outcome;
use crate::events;
use crate::shared::events::databases::Database;
use crate::shared::events::reader;
use crate::store::buffered;

/// What became of a round.
pub enum Round {
    Written,
    Nothing,
    /// Somebody else writes events.
    Busy,
    /// The extension is gone.
    Gone,
    /// It is no use to try again before this time is over.
    Failed(Duration),
}

/// The rounds of a worker, which remember what went wrong.
#[derive(Default)]
pub struct Rounds {
    /// Failures since the last success.
    failures: u32,
    /// Not to be tried before.
    until: Option<Instant>,
    /// The message last warned of.
    warned: String,
}

const LONGEST_PAUSE: Duration = Duration::from_secs(30);

impl Rounds {
    /// Writes what is published now, unless the last failure is too recent.
    pub fn next(&mut self, database: &Database) -> Round {
        if let Some(rest) = self.until.and_then(|until| until.checked_duration_since(Instant::now())) {
            database.calm();
            return Round::Failed(rest);
        }
        database.calm();
        let tried = transaction(c"unkey: writing events", write);
        let settled = match tried {
            Err(problem) if problem.is_of_data() => salvage(problem),
            other => other,
        };
        match settled {
            Ok(round) => {
                *self = Self { warned: std::mem::take(&mut self.warned), ..Self::default() };
                round.unwrap_or(Round::Gone)
            }
            Err(problem) => self.failed(&problem),
        }
    }

    /// Writes what is published, whatever went wrong before; if somebody else is about it, after them. What the tables don't take
    /// goes to the queues.
    pub fn last(&mut self, database: &Database) {
        let begin = Instant::now();
        self.until = None;
        let mut round = self.next(database);
        while matches!(round, Round::Busy) && begin.elapsed() < PATIENCE {
            pause(Duration::from_millis(50));
            round = self.next(database);
        }
        if matches!(round, Round::Failed(_)) {
            enqueue();
        }
    }

    fn failed(&mut self, problem: &Problem) -> Round {
        // A lock that is held for longer than a few tries is worth a word.
        let is_news = self.warned != problem.message && (!problem.is_of_locks() || self.failures >= 3);
        if is_news {
            self.warned.clone_from(&problem.message);
            warning!("events stay in memory because they can't be written: {}", problem.message);
        }
        let pause = Duration::from_secs(1).saturating_mul(1 << self.failures.min(5)).min(LONGEST_PAUSE);
        self.failures += 1;
        self.until = Some(Instant::now() + pause);
        Round::Failed(pause)
    }
}

fn write() -> Outcome<Round> {
    if reader::published().is_empty() {
        reader::tidy();
        return Ok(Round::Nothing);
    }
    if !buffered::lock() {
        return Ok(Round::Busy);
    }
    events::drain()?;
    Ok(Round::Written)
}

/// Writes what is published to the queues.
fn enqueue() {
    let mut count = 0;
    let done = transaction(c"unkey: writing events", || {
        if buffered::lock() {
            count = events::in_memory();
            events::enqueue()?;
        }
        Ok(())
    });
    if let Err(problem) = done {
        warning!("{count} events can't be written and are lost when the server stops: {}", problem.message);
    }
}
