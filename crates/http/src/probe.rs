//! What operators ask the database: each question has a connection of its own, so that none waits for another or for callers,
//! and all who ask at a time share one answer.

use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{BuildError, Object};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout_at};

use crate::db::target::Target;
use crate::db::{Connection, Database};

/// Longer than this, and a load balancer should look elsewhere. The database ends a statement that takes longer, too.
pub const PATIENCE: Duration = Duration::from_secs(2);
/// How long an answer is good for others.
const KEPT: Duration = Duration::from_secs(1);

/// What is asked.
pub trait Question: 'static {
    /// What the database answers.
    type Answer: Clone + Send;

    /// Asks.
    fn ask(connection: &Connection) -> impl Future<Output = Result<Self::Answer, String>> + Send;
}

type Answer<Q> = Result<<Q as Question>::Answer, String>;

/// A question, its connection, and the answer of a moment ago.
pub struct Probe<Q: Question> {
    database: Database,
    last: Mutex<Option<(Instant, Answer<Q>)>>,
}

impl<Q: Question> Probe<Q> {
    /// Asks this database, whose statements had better not outlast [`PATIENCE`].
    ///
    /// # Errors
    /// If the connection can't be set up.
    pub fn new(target: &Target) -> Result<Arc<Self>, BuildError> {
        let database = Database::new(target, 1, 1, PATIENCE)?;
        Ok(Arc::new(Self { database, last: Mutex::default() }))
    }

    /// The answer, a second old at most. It is asked for to the end, whatever becomes of the client.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn answer(self: &Arc<Self>) -> Answer<Q> {
        let probe = self.clone();
        let answer = tokio::spawn(async move { probe.shared(|| probe.asked()).await });
        answer.await.unwrap_or_else(|error| Err(error.to_string()))
    }

    /// The answer of a moment ago, or that of `ask`. Who waits here while another asks has that one's answer.
    async fn shared<F>(&self, ask: impl FnOnce() -> F + Send) -> Answer<Q>
    where
        F: Future<Output = Answer<Q>> + Send,
    {
        let mut last = self.last.lock().await;
        if let Some((at, answer)) = &*last
            && at.elapsed() < KEPT
        {
            return answer.clone();
        }
        let answer = ask().await;
        *last = Some((Instant::now(), answer.clone()));
        answer
    }

    async fn asked(&self) -> Answer<Q> {
        let late = |_| "the database takes too long to answer".to_owned();
        let deadline = Instant::now() + PATIENCE;
        let connection = timeout_at(deadline, self.database.connection()).await.map_err(late)?;
        let connection = connection.map_err(|failure| failure.to_string())?;
        let answer = timeout_at(deadline, Q::ask(&connection)).await;
        if answer.is_err() {
            // It is busy still, and whoever got it would wait as well.
            drop(Object::take(connection));
        }
        answer.map_err(late)?
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::future::{join, join3};
    use tokio::time::{advance, sleep};

    use super::*;

    struct Nothing;

    impl Question for Nothing {
        type Answer = usize;

        async fn ask(_: &Connection) -> Result<usize, String> {
            Err("nobody asks".to_owned())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn all_who_ask_at_a_time_share_one_answer() {
        let target = Target::read("postgres://db/app", PATIENCE).unwrap();
        let probe = Probe::<Nothing>::new(&target).unwrap();
        let asked = AtomicUsize::new(0);
        let ask = || {
            probe.shared(async || {
                sleep(PATIENCE).await;
                Ok(asked.fetch_add(1, Ordering::Relaxed))
            })
        };
        assert_eq!(join3(ask(), ask(), ask()).await, (Ok(0), Ok(0), Ok(0)));
        advance(KEPT).await;
        assert_eq!(join(ask(), ask()).await, (Ok(1), Ok(1)));
    }
}
