//! Counters on their way to where they survive a restart.

use unkey_core::ratelimit::Window;
use unkey_core::slots::{CounterId, Slot};

use super::undo::{self, Taken};
use super::{Memory, Mode, PARTITIONS};

/// A counter to be saved.
#[derive(Debug, Clone, Copy)]
pub struct Saved {
    pub id: CounterId,
    pub duration: i64,
    pub window: Window,
}

impl Memory {
    /// The counters of a database that have changed since they were last answered, of this duration or longer, by id. If
    /// the transaction aborts, they count as changed again.
    pub fn changed(&self, database: u32, duration: i64) -> Vec<Saved> {
        let mut changed = Vec::new();
        let is_due = |slot: &Slot| {
            slot.is_changed() && slot.key().database == database && slot.key().duration >= duration
        };
        for partition in 0..PARTITIONS {
            undo::prepare(self.each);
            changed.reserve(self.each);
            let first = changed.len();
            let mut locked = self.lock([partition].into_iter(), Mode::Change);
            for (at, slot) in locked.slots_mut(partition).iter_mut().enumerate() {
                if is_due(slot) {
                    slot.save();
                    changed.push((partition * self.each + at, *slot));
                }
            }
            drop(locked);
            for (number, slot) in changed.iter().skip(first) {
                undo::remember(Taken::new(*number, slot.key(), slot.counter().window.seq, 0));
            }
        }
        let mut changed: Vec<Saved> = changed.iter().map(|(_, slot)| saved(slot)).collect();
        changed.sort_unstable_by_key(|saved| saved.id);
        changed
    }
}

fn saved(slot: &Slot) -> Saved {
    Saved { id: slot.key().id, duration: slot.key().duration, window: slot.counter().window }
}
