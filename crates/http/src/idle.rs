//! Whether a connection has nothing to do. HTTP/1.1 has a timer of its own for that; HTTP/2 only asks whether the client is still
//! there, and one that says so and nothing else could stay for good.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::sleep;

/// The requests of a connection.
#[derive(Default)]
pub struct Requests {
    begun: AtomicUsize,
    going_on: AtomicUsize,
}

/// A request that goes on for as long as this exists.
pub struct GoingOn(Arc<Requests>);

impl Requests {
    /// One more.
    pub fn begin(self: &Arc<Self>) -> GoingOn {
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.going_on.fetch_add(1, Ordering::Relaxed);
        GoingOn(self.clone())
    }

    /// Returns when there was none for this long, and at most twice as long.
    pub async fn idle(&self, patience: Duration) {
        let mut before = Some(0);
        loop {
            sleep(patience).await;
            let now = self.if_none_goes_on();
            if now.is_some() && now == before {
                return;
            }
            before = now;
        }
    }

    /// How many there have been.
    fn if_none_goes_on(&self) -> Option<usize> {
        (self.going_on.load(Ordering::Relaxed) == 0).then(|| self.begun.load(Ordering::Relaxed))
    }
}

impl Drop for GoingOn {
    fn drop(&mut self) {
        self.0.going_on.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{Instant, timeout};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    #[tokio::test(start_paused = true)]
    async fn who_asks_for_nothing_is_idle_and_who_waits_is_not() {
        let requests = Arc::new(Requests::default());
        let started = Instant::now();
        requests.idle(PATIENCE).await;
        assert!(started.elapsed() < PATIENCE * 2);
        let request = requests.begin();
        assert!(timeout(PATIENCE * 10, requests.idle(PATIENCE)).await.is_err());
        drop(request);
        assert!(timeout(PATIENCE * 3, requests.idle(PATIENCE)).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn who_comes_again_in_time_is_not_idle() {
        let requests = Arc::new(Requests::default());
        let coming = async {
            for _ in 0..20 {
                sleep(PATIENCE * 9 / 10).await;
                drop(requests.begin());
            }
        };
        tokio::select! {
            () = requests.idle(PATIENCE) => panic!("it was taken for idle"),
            () = coming => {}
        }
    }
}
