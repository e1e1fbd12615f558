//! How much the connections of verifications are busy with, and whether a few more are worth a statement of their own.

use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio::time::sleep;

/// How long a few wait at most for a connection that is busy with many: it may be held up by a lock.
const PATIENCE: Duration = Duration::from_millis(1);

/// What is under way on all connections.
#[derive(Default)]
pub struct Busy {
    asked: AtomicUsize,
    ended: Notify,
}

impl Busy {
    /// So many are asked from now on.
    pub fn begin(&self, asked: usize) {
        self.asked.fetch_add(asked, Ordering::Relaxed);
    }

    /// So many were answered.
    pub fn end(&self, asked: usize) {
        self.asked.fetch_sub(asked, Ordering::Relaxed);
        self.ended.notify_waiters();
    }

    /// Takes what comes in until it is half as many as others are busy with, until one of those is done, or for a moment; at most
    /// `most`. Who finds nobody busy, or one alone, goes on at once.
    pub async fn fill<T>(&self, queue: &mut mpsc::Receiver<T>, taken: &mut Vec<T>, most: usize) {
        let mut patience = pin!(sleep(PATIENCE));
        loop {
            let ended = self.ended.notified();
            let room = most.saturating_sub(taken.len());
            if room == 0 || 2 * taken.len() >= self.asked.load(Ordering::Relaxed) {
                return;
            }
            tokio::select! {
                more = queue.recv_many(taken, room) => if more == 0 { return },
                () = ended => return,
                () = &mut patience => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    /// How many are taken, of which one is there at first, while others are busy and `more` come in; and after how long.
    async fn taken(busy: &Busy, more: usize) -> (usize, Duration) {
        let (sender, mut queue) = mpsc::channel(100);
        for each in 0..more {
            sender.try_send(each).unwrap();
        }
        let mut taken = vec![0];
        let started = tokio::time::Instant::now();
        busy.fill(&mut queue, &mut taken, 50).await;
        (taken.len(), started.elapsed())
    }

    fn busy(asked: usize) -> Busy {
        let busy = Busy::default();
        busy.begin(asked);
        busy
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_not_outnumbered_goes_alone_and_at_once() {
        for asked in 0..=2 {
            assert_eq!(taken(&busy(asked), 7).await, (1, Duration::ZERO), "{asked}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_few_take_along_who_is_there() {
        assert_eq!(taken(&busy(12), 20).await, (21, Duration::ZERO));
        assert_eq!(taken(&busy(1000), 90).await, (50, Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn a_few_do_not_wait_for_those_that_are_held_up() {
        let (taken, after) = taken(&busy(12), 2).await;
        assert_eq!(taken, 3);
        assert!(after >= PATIENCE && after < 3 * PATIENCE, "{after:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_few_go_on_when_the_others_are_done() {
        let busy = Arc::new(busy(12));
        let other = busy.clone();
        tokio::spawn(async move { other.end(12) });
        assert_eq!(taken(&busy, 0).await, (1, Duration::ZERO));
    }
}
