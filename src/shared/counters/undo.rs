//! What a transaction has counted, to be given back if it aborts.

use std::cell::{Cell, RefCell};
use std::ffi::c_void;

use pgrx::{pg_guard, pg_sys};
use unkey_core::slots::Key;

use super::{Mode, memory};

/// How many entries a session keeps room for between transactions.
const KEPT: usize = 64;

/// A cost that was counted in a slot. A cost of 0 stands for a counter that was saved: it has to be saved again.
#[derive(Debug, Clone, Copy)]
pub struct Taken {
    /// Of the (sub)transaction: 1 for the transaction itself.
    level: i32,
    /// Number of the slot, which by now may be another counter's.
    slot: usize,
    key: Key,
    /// The window that counted it.
    seq: i64,
    cost: i64,
}

thread_local! {
    /// In ascending order of level: an inner subtransaction is over before an outer one goes on.
    static TAKEN: RefCell<Vec<Taken>> = const { RefCell::new(Vec::new()) };
    static IS_REGISTERED: Cell<bool> = const { Cell::new(false) };
}

impl Taken {
    /// What the running (sub)transaction counts.
    pub fn new(slot: usize, key: Key, seq: i64, cost: i64) -> Self {
        // SAFETY: reads the state of the transaction.
        let level = unsafe { pg_sys::GetCurrentTransactionNestLevel() };
        Self { level, slot, key, seq, cost }
    }

    fn place(&self) -> (i32, usize, Key, i64) {
        (self.level, self.slot, self.key, self.seq)
    }
}

/// Makes room for so many entries, so that [`remember`] can't fail.
pub fn prepare(entries: usize) {
    if !IS_REGISTERED.get() {
        // SAFETY: the callbacks stay where they are, as Postgres expects.
        unsafe {
            pg_sys::RegisterXactCallback(Some(at_end), std::ptr::null_mut());
            pg_sys::RegisterSubXactCallback(Some(at_end_of_subtransaction), std::ptr::null_mut());
        }
        IS_REGISTERED.set(true);
    }
    TAKEN.with_borrow_mut(|taken| {
        if taken.len() + entries > taken.capacity() {
            compact(taken);
            taken.reserve(entries.max(taken.len()));
        }
    });
}

/// Adds up what was counted in one window of one counter: the list grows with the counters of a transaction, not with
/// its calls.
fn compact(taken: &mut Vec<Taken>) {
    taken.sort_by_key(Taken::place);
    taken.dedup_by(|later, first| {
        let same = later.place() == first.place();
        if same {
            first.cost = first.cost.saturating_add(later.cost);
        }
        same
    });
}

/// Remembers what was counted.
pub fn remember(new: Taken) {
    TAKEN.with_borrow_mut(|taken| taken.push(new));
}

#[pg_guard]
unsafe extern "C-unwind" fn at_end(event: pg_sys::XactEvent::Type, _arg: *mut c_void) {
    match event {
        pg_sys::XactEvent::XACT_EVENT_ABORT => end(Taken::give_back),
        // Nobody knows a prepared transaction any more when it is rolled back.
        pg_sys::XactEvent::XACT_EVENT_COMMIT | pg_sys::XactEvent::XACT_EVENT_PREPARE => end(|_| ()),
        _ => {}
    }
}

fn end(each: impl Fn(&Taken)) {
    TAKEN.with_borrow_mut(|taken| {
        taken.iter().for_each(each);
        taken.clear();
        taken.shrink_to(KEPT);
    });
}

#[pg_guard]
unsafe extern "C-unwind" fn at_end_of_subtransaction(
    event: pg_sys::SubXactEvent::Type,
    _inner: pg_sys::SubTransactionId,
    _outer: pg_sys::SubTransactionId,
    _arg: *mut c_void,
) {
    // SAFETY: reads the state of the transaction; the subtransaction that ends is still the current one.
    let level = unsafe { pg_sys::GetCurrentTransactionNestLevel() };
    TAKEN.with_borrow_mut(|taken| {
        let outer = taken.iter().rposition(|taken| taken.level < level).map_or(0, |last| last + 1);
        match event {
            pg_sys::SubXactEvent::SUBXACT_EVENT_ABORT_SUB => {
                taken.drain(outer..).for_each(|taken| taken.give_back());
            }
            pg_sys::SubXactEvent::SUBXACT_EVENT_COMMIT_SUB => {
                taken.iter_mut().skip(outer).for_each(|taken| taken.level = level - 1);
            }
            _ => {}
        }
    });
}

impl Taken {
    fn give_back(&self) {
        let Some(memory) = memory() else { return };
        let (partition, at) = (self.slot / memory.each, self.slot % memory.each);
        let mut locked = memory.lock([partition].into_iter(), Mode::Change);
        match locked.slots_mut(partition).get_mut(at) {
            Some(slot) if slot.holds(&self.key) => slot.give_back(self.seq, self.cost),
            _ => {}
        }
    }
}
