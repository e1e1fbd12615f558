//! A table refuses some events: the others are written all the same.

use pgrx::{PgSqlErrorCode, warning};

use super::rounds::Round;
use super::transaction::{Problem, transaction};
use crate::error::{Failure, Outcome};
use crate::shared::events::reader;
use crate::store::buffered;
use crate::store::event_bytes::{Record, records};
use crate::store::subtransaction::{Failed, in_subtransaction};

/// How often it is tried to write fewer and fewer events, without any success, before the others are left for later: often enough
/// for the events of one chunk.
const ATTEMPTS: u32 = 4000;

/// Finds the events that can't be written by halves, writes all others and gives those up. If nothing at all can be
/// written, it is not the events' fault: everything stays in memory, and the problem is answered.
///
/// Each chunk has a transaction of its own, so that what was achieved stays. First come those that can be written as they are: they
/// show which tables take anything. Last those of which only that tells whose fault it is.
pub fn salvage(problem: Problem) -> Result<Option<Round>, Problem> {
    let mut salvage = Salvage { attempts: ATTEMPTS, ..Salvage::default() };
    let passes = [write_whole, write_what_goes, write_what_goes];
    let end = passes.into_iter().map(|write| salvage.pass(write)).find(|end| !matches!(end, Ok(None)));
    if salvage.refused > 0 {
        let Salvage { refused, .. } = salvage;
        warning!("{refused} events were dropped because no table takes them: {}", problem.message);
    }
    match end {
        Some(Ok(Some(round))) => Ok(Some(round)),
        None if salvage.is_known.contains(&true) => Ok(Some(Round::Written)),
        _ => Err(problem),
    }
}

#[derive(Default)]
struct Salvage {
    /// What is left of [`ATTEMPTS`].
    attempts: u32,
    /// Whether some event was written, of each kind.
    is_known: [bool; KINDS],
    refused: u64,
}

/// Verifications and limits.
const KINDS: usize = 2;

/// What became of a chunk that was written: whether something of each kind was, and how many events were refused.
struct Written {
    kinds: [bool; KINDS],
    refused: u64,
}

enum Tried {
    Written(Written),
    /// There are no more chunks.
    Nothing,
    /// Somebody else writes events.
    Busy,
}

impl Salvage {
    /// Tries to write one chunk after the other; answers a round if it is over with that.
    fn pass(
        &mut self,
        write: fn(&mut Self, &[Record]) -> Outcome<Written>,
    ) -> Result<Option<Round>, Problem> {
        let mut left = 0;
        for _ in 0..reader::published().len() {
            match transaction(c"unkey: writing events", || self.chunk(left, write)) {
                Ok(Some(Tried::Written(Written { kinds, refused }))) => {
                    self.attempts = ATTEMPTS;
                    self.is_known.iter_mut().zip(kinds).for_each(|(known, now)| *known |= now);
                    self.refused += refused;
                }
                Ok(Some(Tried::Nothing)) => break,
                Ok(Some(Tried::Busy)) => return Ok(Some(Round::Busy)),
                Ok(None) => return Ok(Some(Round::Gone)),
                Err(problem) if problem.is_of_data() || problem.code == INTERNAL => left += 1,
                Err(problem) => return Err(problem),
            }
        }
        Ok(None)
    }

    /// Writes the next chunk after so many that are left.
    fn chunk(&mut self, left: usize, write: fn(&mut Self, &[Record]) -> Outcome<Written>) -> Outcome<Tried> {
        if !buffered::lock() {
            return Ok(Tried::Busy);
        }
        let Some(span) = reader::published().into_iter().nth(left) else { return Ok(Tried::Nothing) };
        let events: Vec<Record> = records(span.bytes()).collect();
        let written = write(self, &events)?;
        let count = events.len() as u64 - written.refused;
        reader::consume_at_commit(vec![span], count, written.refused);
        Ok(Tried::Written(written))
    }
}

/// What a failure becomes that is no error of Postgres'.
const INTERNAL: PgSqlErrorCode = PgSqlErrorCode::ERRCODE_INTERNAL_ERROR;

/// Events by their kinds.
fn by_kinds<'a>(events: &[Record<'a>]) -> [Vec<Record<'a>>; KINDS] {
    let (verifications, limits) =
        events.iter().copied().partition(|record| matches!(record, Record::Verification(_)));
    [verifications, limits]
}

/// Writes all of a chunk.
fn write_whole(_: &mut Salvage, events: &[Record]) -> Outcome<Written> {
    buffered::write(events)?;
    Ok(Written { kinds: by_kinds(events).map(|kind| !kind.is_empty()), refused: 0 })
}

/// Writes what can be written of a chunk. It fails if that is nothing of a kind, and nobody knows whether the table takes any.
fn write_what_goes(salvage: &mut Salvage, events: &[Record]) -> Outcome<Written> {
    let mut written = Written { kinds: [false; KINDS], refused: 0 };
    for (at, kind) in by_kinds(events).iter().enumerate() {
        let lost = halves(kind, &mut salvage.attempts)?;
        let is_taken = lost < kind.len() as u64;
        if lost > 0 && !is_taken && !salvage.is_known.get(at).is_some_and(|known| *known) {
            return Err(Failure::Internal("nothing is taken".into()));
        }
        written.kinds.iter_mut().skip(at).take(1).for_each(|kind| *kind = is_taken);
        written.refused += lost;
    }
    Ok(written)
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
