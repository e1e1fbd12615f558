//! A table refuses some events: the others are written all the same.

use pgrx::warning;

use super::rounds::Round;
use super::transaction::{Problem, transaction};
use crate::error::{Failure, Outcome};
use crate::shared::events::reader;
use crate::store::buffered;
use crate::store::event_bytes::{Record, records};
use crate::store::subtransaction::{Failed, in_subtransaction};

/// How often it is tried to write fewer and fewer events before all of them are left for later.
const ATTEMPTS: u32 = 2000;

/// Finds the events that can't be written by halves, writes all others and gives those up. If nothing at all can be
/// written, it is not the events' fault: everything stays in memory, and the problem is answered.
pub fn salvage(problem: Problem) -> Result<Option<Round>, Problem> {
    let mut refused = 0;
    let done = transaction(c"unkey: writing events", || {
        if !buffered::lock() {
            return Ok(Round::Busy);
        }
        refused = write_what_goes(&problem)?;
        Ok(Round::Written)
    });
    if refused > 0 && done.is_ok() {
        warning!("{refused} events were dropped because no table takes them: {}", problem.message);
    }
    done.map_err(|_| problem)
}

/// Writes what can be written; answers how many events can't.
fn write_what_goes(problem: &Problem) -> Outcome<u64> {
    let spans = reader::published();
    let all: Vec<Record> = spans.iter().flat_map(|span| records(span.bytes())).collect();
    let (verifications, limits): (Vec<Record>, Vec<Record>) =
        all.iter().partition(|record| matches!(record, Record::Verification(_)));
    let mut attempts = ATTEMPTS;
    let mut refused = 0;
    for kind in [verifications, limits] {
        let lost = halves(&kind, &mut attempts)?;
        if lost > 0 && lost == kind.len() as u64 {
            return Err(Failure::Internal(problem.message.clone()));
        }
        refused += lost;
    }
    let written = all.len() as u64 - refused;
    reader::consume_at_commit(spans, written, refused);
    Ok(refused)
}

/// Writes events, or else each half of them; answers how many can't be written even alone.
fn halves(events: &[Record], attempts: &mut u32) -> Outcome<u64> {
    if events.is_empty() {
        return Ok(0);
    }
    *attempts =
        attempts.checked_sub(1).ok_or_else(|| Failure::Internal("too many events are refused".into()))?;
    match in_subtransaction(|| buffered::write(events)) {
        Ok(_) => Ok(0),
        Err(Failed::Answered(failure)) => Err(failure),
        Err(Failed::Raised(error)) if !Problem::from(&*error).is_of_data() => error.rethrow(),
        Err(Failed::Raised(_)) if events.len() == 1 => Ok(1),
        Err(Failed::Raised(_)) => {
            let (first, second) = events.split_at(events.len() / 2);
            Ok(halves(first, attempts)? + halves(second, attempts)?)
        }
    }
}
