//! Which verifications were held up lately.
//!
//! By their bodies: a client that verifies a key again mostly says the same. So nothing of what a body means need be known here.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// For how long they are remembered. Until then they hold up nobody, and afterwards others for a moment.
const LASTING: Duration = Duration::from_secs(10);
/// How many are remembered at most.
const MOST: usize = 1000;

/// Verifications that were held up, by a number made of their bodies.
#[derive(Default)]
pub struct HeldUp {
    numbers: RandomState,
    until: Mutex<HashMap<u64, Instant>>,
}

impl HeldUp {
    /// The one with this body was held up.
    pub fn note(&self, body: &str) {
        let (mut known, now) = (self.lock(), Instant::now());
        if known.len() >= MOST {
            known.retain(|_, until| *until > now);
        }
        if known.len() < MOST {
            known.insert(self.numbers.hash_one(body), now + LASTING);
        }
    }

    /// Whether one with this body was held up lately.
    pub fn is_noted(&self, body: &str) -> bool {
        let mut known = self.lock();
        if known.is_empty() {
            return false;
        }
        let number = self.numbers.hash_one(body);
        let is_noted = known.get(&number).is_some_and(|until| *until > Instant::now());
        if !is_noted {
            known.remove(&number);
        }
        is_noted
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Instant>> {
        self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_is_remembered_for_a_while() {
        let held_up = HeldUp::default();
        assert!(!held_up.is_noted("a"));
        held_up.note("a");
        assert!(held_up.is_noted("a") && !held_up.is_noted("b"));
        advance(LASTING / 2).await;
        held_up.note("a");
        advance(LASTING / 2).await;
        assert!(held_up.is_noted("a"));
        advance(LASTING / 2).await;
        assert!(!held_up.is_noted("a"));
    }

    #[tokio::test(start_paused = true)]
    async fn so_many_are_remembered_and_no_more() {
        let held_up = HeldUp::default();
        (0..=MOST).for_each(|body| held_up.note(&body.to_string()));
        assert!(held_up.is_noted("0") && !held_up.is_noted(&MOST.to_string()));
        advance(LASTING).await;
        held_up.note("new");
        assert!(held_up.is_noted("new") && held_up.lock().len() == 1);
    }
}
