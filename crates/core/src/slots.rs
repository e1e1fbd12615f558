//! Rate-limit counters in a fixed number of slots, as shared memory holds them.
//!
//! Open addressing with linear probing, over at most [`MOST_PROBES`] slots. A slot is never emptied: once used it is only
//! reused, by another counter, when the windows of its own are over. So a search ends at the first slot that was never
//! used, and finds every counter that is there.

use sha2::{Digest, Sha256};

use crate::ratelimit::{Counter, Window};

/// How many slots a search looks at. A counter that finds no room among them has to be kept elsewhere.
pub const MOST_PROBES: usize = 64;

/// A counter's name in 128 bits of SHA-256, so that nobody can choose identifiers that collide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct CounterId(u128);

impl CounterId {
    /// The id of a counter; the same in every database and after every restart.
    pub fn of(scope: &str, identifier: &str, duration: i64) -> Self {
        let mut hash = Sha256::new();
        // The length says where the scope ends.
        hash.update((scope.len() as u32).to_be_bytes());
        hash.update(scope);
        hash.update(identifier);
        hash.update(duration.to_be_bytes());
        Self(hash.finalize().iter().take(16).fold(0, |id, byte| (id << 8) | u128::from(*byte)))
    }

    /// The 16 bytes, in which order ids sort.
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }

    /// From 16 bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(u128::from_be_bytes(bytes))
    }
}

/// What a counter is found by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The database it belongs to, not 0.
    pub database: u32,
    /// Its id.
    pub id: CounterId,
    /// Length of its windows in milliseconds, which the id implies.
    pub duration: i64,
}

impl Key {
    /// Which of so many partitions holds it.
    pub const fn partition(&self, partitions: usize) -> usize {
        (self.id.0 >> 64) as usize % partitions
    }

    /// Where a search begins. Databases have counters of the same name, which would otherwise all begin at one place.
    const fn home(&self, slots: usize) -> usize {
        let spread = (self.database as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (self.id.0 as u64 ^ spread) as usize % slots
    }

    /// The slots a search looks at, in their order.
    fn path(&self, slots: usize) -> impl Iterator<Item = usize> {
        let home = if slots == 0 { 0 } else { self.home(slots) };
        (0..slots.min(MOST_PROBES)).map(move |step| (home + step) % slots)
    }
}

/// A slot. All zeroes is one that was never used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(C, align(64))]
pub struct Slot {
    id: CounterId,
    duration: i64,
    window: Window,
    database: u32,
    changed: bool,
}

impl Slot {
    /// Whether it holds this counter.
    pub fn holds(&self, key: &Key) -> bool {
        self.id == key.id && self.database == key.database
    }

    /// The counter it holds.
    pub const fn key(&self) -> Key {
        Key { database: self.database, id: self.id, duration: self.duration }
    }

    /// The state of its counter, of any age.
    pub const fn counter(&self) -> Counter {
        Counter { duration: self.duration, window: self.window }
    }

    /// Whether its counter has changed since it was last saved.
    pub const fn is_changed(&self) -> bool {
        self.changed
    }

    /// Stores the window of a counter that has counted.
    pub const fn count(&mut self, window: Window) {
        self.window = window;
        self.changed = true;
    }

    /// Takes back what was counted in window `seq`; 0 only says that what was saved did not last.
    pub fn give_back(&mut self, seq: i64, cost: i64) {
        self.window.give_back(seq, cost);
        self.changed = true;
    }

    /// Notes that its counter is saved as it is.
    pub const fn save(&mut self) {
        self.changed = false;
    }

    /// Forgets what was counted, as if it had been saved so.
    pub fn forget(&mut self) {
        self.window = Window::default();
        self.changed = false;
    }

    const fn was_used(&self) -> bool {
        self.database != 0
    }

    /// Whether nothing is lost if another counter takes it: its windows are over. One that counts nothing because all was
    /// given back is kept, or its counter would be here at one moment and elsewhere at the next.
    fn is_free(&self, now: i64) -> bool {
        let seq = now.div_euclid(self.duration.max(1));
        !self.was_used() || self.window.seq.saturating_sub(seq).unsigned_abs() >= 2
    }
}

/// The slot of a counter.
pub fn find(slots: &[Slot], key: &Key) -> Option<usize> {
    for at in key.path(slots.len()) {
        let slot = slots.get(at)?;
        if slot.holds(key) {
            return Some(at);
        }
        if !slot.was_used() {
            return None;
        }
    }
    None
}

/// A counter's new slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    /// Where it is.
    pub at: usize,
    /// Whether the slot was another counter's.
    pub is_reuse: bool,
}

/// Gives a counter that has none a slot, with the window given. `None` if there is no room.
pub fn place(slots: &mut [Slot], key: &Key, window: Window, now: i64) -> Option<Placed> {
    let at = key.path(slots.len()).find(|&at| slots.get(at).is_some_and(|slot| slot.is_free(now)))?;
    let slot = slots.get_mut(at)?;
    let Key { database, id, duration } = *key;
    let is_reuse = slot.was_used();
    // As of now, so that nobody takes the slot before it is counted in.
    *slot = Slot { id, duration, window: window.rolled(now, duration), database, changed: false };
    Some(Placed { at, is_reuse })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_the_beginning_of_a_sha_256() {
        // printf '\0\0\0\7limit:akey_1\0\0\0\0\0\0\352\140' | sha256sum
        let id = CounterId::of("limit:a", "key_1", 60_000);
        let hex: String = id.to_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "70402022732bcdf1c0b6b8c5e4c560ad");
        assert_eq!(CounterId::from_bytes(id.to_bytes()), id);
    }

    #[test]
    fn ids_tell_apart_what_reads_the_same() {
        let ids = [("ab", "c", 1), ("a", "bc", 1), ("ab", "c", 2)]
            .map(|(scope, name, duration)| CounterId::of(scope, name, duration));
        assert!(ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2]);
    }

    #[test]
    fn a_slot_is_a_cache_line_that_may_be_zeroed() {
        assert_eq!((size_of::<Slot>(), align_of::<Slot>()), (64, 64));
        assert!(!Slot::default().was_used());
    }

    #[test]
    fn no_slots_are_no_room() {
        let key = Key { database: 1, id: CounterId(7), duration: 1000 };
        assert_eq!((find(&[], &key), place(&mut [], &key, Window::default(), 0)), (None, None));
    }
}
