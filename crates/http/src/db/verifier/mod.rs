//! The fast lane: verifications share a few connections.
//!
//! Who finds a connection free is sent at once, with whatever else has arrived by then. While all are busy, what comes in waits
//! in one bounded queue, and the next free connection takes all of it in one statement. The next statement is sent right
//! behind a commit, without waiting for it. So a lone verification never waits for company, and a thousand cost hardly more
//! round trips than one. While one connection is busy with many, another does not take up a few: a statement has its price,
//! and what comes in meanwhile soon is many, too.
//!
//! Whoever is held up, because somebody's transaction has its balance, say, must not hold up the others. So a statement waits for a
//! lock for a moment only; then it is halved until it shows who is held up, and those wait in a queue of their own, on connections of
//! their own, where they and their like are put at once for a while ([`held_up`]). A long body, which takes long to read, goes alone.

mod held_up;
mod lane;
mod statement;

use std::sync::Arc;

use prometheus_client::metrics::histogram::Histogram;
use tokio::sync::{Mutex, mpsc, oneshot};

use self::held_up::HeldUp;
use self::lane::Lane;
pub use self::lane::PATIENCE;
use super::Database;
use super::busy::Busy;
use super::call::{Call, Reply};
use super::failure::Failure;

/// Bytes of a body that is asked alone.
const LONG: usize = 16 * 1024;

/// Answers verifications.
#[derive(Clone)]
pub struct Verifier {
    queue: mpsc::Sender<Job>,
    aside: mpsc::Sender<Job>,
    held_up: Arc<HeldUp>,
    others: Database,
}

/// The connections there are, each kind in a pool of its own.
pub struct Pools {
    /// Those of all verifications, on which no statement waits for a lock for longer than [`PATIENCE`].
    pub shared: Database,
    /// Those of verifications that are held up.
    pub aside: Database,
    /// Those of everything else; what has to be asked alone is asked there.
    pub others: Database,
}

struct Job {
    call: Call,
    answer: oneshot::Sender<Answer>,
}

enum Answer {
    Reply(Reply),
    Failed(Failure),
    /// Not to be answered together with others; nothing of it was kept.
    Alone(Box<Call>),
}

/// How much may be under way.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Statements at a time, each on a connection of its own; as many more of those that are held up.
    pub lanes: usize,
    /// Verifications that wait.
    pub waiting: usize,
    /// Verifications in a statement.
    pub batch: usize,
}

impl Verifier {
    /// Starts the tasks that answer, and counts in `sizes` how many verifications were asked together.
    pub fn start(pools: &Pools, bounds: Bounds, sizes: &Histogram) -> Self {
        let held_up = Arc::new(HeldUp::default());
        let start = |database: &Database, aside: Option<mpsc::Sender<Job>>| {
            let (sender, receiver) = mpsc::channel(bounds.waiting);
            let (queue, busy) = (Arc::new(Mutex::new(receiver)), Arc::new(Busy::default()));
            for _ in 0..bounds.lanes {
                let lane = Lane {
                    queue: queue.clone(),
                    database: database.clone(),
                    others: pools.others.clone(),
                    batch: bounds.batch,
                    busy: busy.clone(),
                    sizes: sizes.clone(),
                    aside: aside.clone(),
                    held_up: held_up.clone(),
                };
                tokio::spawn(lane.run());
            }
            sender
        };
        let aside = start(&pools.aside, None);
        let queue = start(&pools.shared, Some(aside.clone()));
        Self { queue, aside, held_up, others: pools.others.clone() }
    }

    /// How many verifications wait.
    pub fn waiting(&self) -> usize {
        [&self.queue, &self.aside].into_iter().map(|queue| queue.max_capacity() - queue.capacity()).sum()
    }

    /// Answers one.
    ///
    /// # Errors
    /// [`Failure::Busy`] if too many wait; otherwise as [`Database::call`].
    pub async fn verify(&self, call: Call) -> Result<Reply, Failure> {
        if call.body.len() > LONG {
            return self.others.call(call).await;
        }
        let queue = if self.held_up.is_noted(&call.body) { &self.aside } else { &self.queue };
        let (answer, answered) = oneshot::channel();
        queue.try_send(Job { call, answer }).map_err(|_| Failure::Busy)?;
        match answered.await {
            Ok(Answer::Reply(reply)) => Ok(reply),
            Ok(Answer::Failed(failure)) => Err(failure),
            Ok(Answer::Alone(call)) => self.others.call(*call).await,
            // Dropped with whatever was under way, a commit perhaps.
            Err(_) => Err(Failure::Unknown("the server stopped in the middle of it".to_owned())),
        }
    }
}

impl Job {
    fn send(self, answer: Answer) {
        // A client that is gone misses nothing.
        let _ = self.answer.send(answer);
    }

    fn reply(self, reply: Reply) {
        self.send(Answer::Reply(reply));
    }

    fn refuse(self, failure: &Failure) {
        self.send(Answer::Failed(failure.clone()));
    }

    fn ask_alone(self) {
        let _ = self.answer.send(Answer::Alone(Box::new(self.call)));
    }

    fn put_aside(self, queue: &mpsc::Sender<Self>) {
        if let Err(error) = queue.try_send(self) {
            error.into_inner().refuse(&Failure::Busy);
        }
    }
}

fn refuse(jobs: Vec<Job>, failure: &Failure) {
    jobs.into_iter().for_each(|job| job.refuse(failure));
}
