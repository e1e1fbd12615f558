//! What was true of a thing, and when it can have been seen: what every check here rests on.
//!
//! One writer changes a thing, one change after the other, and notes when it began to commit each and when it knew of
//! the commit. In between either state can be seen; before and after only one.

/// Nanoseconds since the run began.
pub type Time = u64;

/// A position in the write-ahead log.
pub type Lsn = u64;

/// A change that was committed.
#[derive(Debug, Clone)]
struct Change<S> {
    to: S,
    began: Time,
    ended: Time,
    /// Nothing of it was written after this; 0 if nobody asked.
    lsn: Lsn,
}

/// The states of one thing in their order.
#[derive(Debug, Clone)]
pub struct History<S> {
    first: S,
    changes: Vec<Change<S>>,
}

/// What whoever looked must have known of when they began.
#[derive(Debug, Clone, Copy)]
pub enum Floor {
    /// Every change that had ended by then.
    Time(Time),
    /// Every change up to this position: what a standby had replayed.
    Lsn(Lsn),
}

impl<S> History<S> {
    pub fn new(first: S) -> Self {
        Self { first, changes: Vec::new() }
    }

    pub fn last(&self) -> &S {
        self.changes.last().map_or(&self.first, |change| &change.to)
    }

    pub fn changes(&self) -> usize {
        self.changes.len()
    }

    /// Notes a change that was committed between two moments.
    pub fn push(&mut self, to: S, began: Time, ended: Time, lsn: Lsn) {
        self.changes.push(Change { to, began, ended, lsn });
    }

    /// The states that can have been seen by whoever had seen it at `seen`.
    pub fn possible(&self, floor: Floor, seen: Time) -> impl Iterator<Item = &S> + Clone {
        let is_known = |change: &Change<S>| match floor {
            Floor::Time(time) => change.ended < time,
            Floor::Lsn(lsn) => change.lsn <= lsn,
        };
        let known = self.changes.partition_point(is_known);
        let begun = self.changes.partition_point(|change| change.began <= seen);
        let oldest = known.checked_sub(1).and_then(|at| self.changes.get(at)).map_or(&self.first, |c| &c.to);
        let newer = self.changes.get(known..begun.max(known)).unwrap_or_default();
        std::iter::once(oldest).chain(newer.iter().map(|change| &change.to))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(floor: Floor, seen: Time) -> String {
        let mut history = History::new('a');
        history.push('b', 10, 20, 100);
        history.push('c', 30, 40, 200);
        history.possible(floor, seen).collect()
    }

    #[test]
    fn one_state_between_changes_and_two_while_one_is_committed() {
        assert_eq!(seen(Floor::Time(5), 9), "a");
        assert_eq!(seen(Floor::Time(5), 10), "ab");
        assert_eq!(seen(Floor::Time(20), 25), "ab");
        assert_eq!(seen(Floor::Time(21), 25), "b");
        assert_eq!(seen(Floor::Time(15), 35), "abc");
        assert_eq!(seen(Floor::Time(41), 50), "c");
    }

    #[test]
    fn a_standby_knows_what_it_has_replayed() {
        assert_eq!(seen(Floor::Lsn(99), 5), "a");
        assert_eq!(seen(Floor::Lsn(99), 50), "abc");
        assert_eq!(seen(Floor::Lsn(100), 50), "bc");
        assert_eq!(seen(Floor::Lsn(200), 50), "c");
    }
}
