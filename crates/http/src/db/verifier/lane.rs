//! One connection, and the verifications that are asked on it.

use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures_util::poll;
use prometheus_client::metrics::histogram::Histogram;
use tokio::sync::{Mutex, mpsc};
use tokio::task::yield_now;
use tokio::time::Instant;

use super::held_up::HeldUp;
use super::statement::{Replies, ask};
use super::{Job, refuse};
use crate::db::busy::Busy;
use crate::db::call::Reply;
use crate::db::failure::Failure;
use crate::db::outcome::Mark;
use crate::db::{BEGIN, Connection, Database};

/// How long a statement of many waits for a lock. The commit of another one takes a few milliseconds.
pub const PATIENCE: Duration = Duration::from_millis(200);

/// Begins what is asked again to find out who is held up: somebody is.
const BEGIN_SHORT: &str = "BEGIN; SET LOCAL lock_timeout = 10";

/// What each of the connections does.
pub struct Lane {
    pub queue: Arc<Mutex<mpsc::Receiver<Job>>>,
    /// Connections of verifications.
    pub database: Database,
    /// Connections of everything else, on which commits are settled.
    pub others: Database,
    pub batch: usize,
    /// What all connections are busy with.
    pub busy: Arc<Busy>,
    /// Figures of how many were asked together.
    pub sizes: Histogram,
    /// Where those wait that are held up; `None` if this is there.
    pub aside: Option<mpsc::Sender<Job>>,
    pub held_up: Arc<HeldUp>,
}

impl Lane {
    /// Answers what comes until the server stops.
    pub async fn run(self) {
        let mut connection = None;
        while let Some(jobs) = self.next().await {
            let asked = jobs.len();
            self.busy.begin(asked);
            connection = self.answer(connection, jobs).await;
            self.busy.end(asked);
        }
    }

    /// What waits, as soon as it is worth a statement; `None` when the server stops.
    async fn next(&self) -> Option<Vec<Job>> {
        let mut queue = self.queue.lock().await;
        let mut jobs = Vec::new();
        while jobs.is_empty() {
            if queue.recv_many(&mut jobs, self.batch).await == 0 {
                return None;
            }
            self.take_ready(&mut queue, &mut jobs).await;
            self.busy.fill(&mut queue, &mut jobs, self.batch).await;
            // Clients that gave up before anything was sent.
            jobs.retain(|job| !job.answer.is_closed());
        }
        self.sizes.observe(jobs.len() as f64);
        Some(jobs)
    }

    /// Lets whatever is ready now run first, for as long as that brings more: requests that have arrived, but nobody has read.
    /// Who is alone goes on at once.
    async fn take_ready(&self, queue: &mut mpsc::Receiver<Job>, jobs: &mut Vec<Job>) {
        let mut before = 0;
        while before < jobs.len() && jobs.len() < self.batch {
            before = jobs.len();
            yield_now().await;
            while jobs.len() < self.batch
                && let Ok(job) = queue.try_recv()
            {
                jobs.push(job);
            }
        }
    }

    /// Answers these, and returns the connection if it can be used again.
    async fn answer(
        &self,
        mut connection: Option<Arc<Connection>>,
        jobs: Vec<Job>,
    ) -> Option<Arc<Connection>> {
        let (mut portions, mut begin) = (vec![jobs], BEGIN);
        while let Some(mut jobs) = portions.pop() {
            let started = Instant::now();
            let asked = self.ask(connection, begin, &jobs).await;
            self.note(&jobs, started);
            connection = match asked {
                Ok((used, (replies, mark))) => {
                    self.commit(&used, Answered { jobs, replies }, mark).await;
                    Some(used)
                }
                // One of them can't be answered; which, shows when they are asked in halves.
                Err((used, failure)) if failure.is_of_one() && jobs.len() > 1 => {
                    let others = jobs.split_off(jobs.len() / 2);
                    portions.extend([others, jobs]);
                    begin = if self.aside.is_some() { BEGIN_SHORT } else { BEGIN };
                    used
                }
                Err((used, failure)) => {
                    self.give_up(jobs, &failure);
                    used
                }
            };
        }
        connection
    }

    /// Asks on the connection that is kept, or on a new one.
    async fn ask(&self, kept: Option<Arc<Connection>>, begin: &str, jobs: &[Job]) -> Asked {
        if let Some(connection) = kept.filter(|connection| !connection.is_closed()) {
            match ask(&connection, begin, jobs).await {
                // It died while idle; nothing was kept, so a new one may be asked.
                Err(Failure::Unavailable(_)) => {}
                asked => return ended(connection, asked).await,
            }
        }
        match self.database.connection().await {
            Ok(connection) => {
                let asked = ask(&connection, begin, jobs).await;
                ended(Arc::new(connection), asked).await
            }
            Err(failure) => Err((None, failure)),
        }
    }

    /// Has those that were held up here come here again.
    fn note(&self, jobs: &[Job], started: Instant) {
        if self.aside.is_none() && started.elapsed() > PATIENCE {
            jobs.iter().for_each(|job| self.held_up.note(&job.call.body));
        }
    }

    /// What becomes of those that can't be answered here.
    fn give_up(&self, jobs: Vec<Job>, failure: &Failure) {
        for job in jobs {
            match &self.aside {
                _ if !failure.is_of_one() => job.refuse(failure),
                Some(aside) if failure.is_of_lock() => {
                    self.held_up.note(&job.call.body);
                    job.put_aside(aside);
                }
                _ => job.ask_alone(),
            }
        }
    }

    /// Sends the commit, so that the next statement stands behind it, and waits for it in the background.
    async fn commit(&self, connection: &Arc<Connection>, answered: Answered, mark: Option<Mark>) {
        let committing = connection.clone();
        let mut commit = Box::pin(async move { committing.batch_execute("COMMIT").await });
        let sent = poll!(commit.as_mut());
        let ended = async move {
            match sent {
                Poll::Ready(result) => result,
                Poll::Pending => commit.await,
            }
        };
        let Some(mark) = mark else {
            answered.send();
            self.database.background().spawn(ended);
            return;
        };
        let others = self.others.clone();
        self.database.background().spawn(async move {
            // By itself, so that a connection that died is given back before it is asked what became of the commit.
            let ended = ended.await;
            let settled = match ended {
                Ok(()) => Ok(()),
                Err(error) => others.settle_commit(&error, &mark).await,
            };
            match settled {
                Ok(()) => answered.send(),
                Err(failure) => refuse(answered.jobs, &failure),
            }
        });
    }
}

/// Jobs with their replies, which may be sent once the transaction has committed.
struct Answered {
    jobs: Vec<Job>,
    replies: Vec<Option<Reply>>,
}

impl Answered {
    fn send(self) {
        for (job, reply) in self.jobs.into_iter().zip(self.replies) {
            match reply {
                Some(reply) => job.reply(reply),
                None => job.ask_alone(),
            }
        }
    }
}

/// The replies, or why there are none; and the connection, if it can be used again.
type Asked = Result<(Arc<Connection>, Replies), (Option<Arc<Connection>>, Failure)>;

/// Ends the transaction of what failed.
async fn ended(connection: Arc<Connection>, asked: Result<Replies, Failure>) -> Asked {
    match asked {
        Ok(replies) => Ok((connection, replies)),
        Err(failure @ Failure::Unavailable(_)) => Err((None, failure)),
        Err(failure) => {
            let ended = connection.batch_execute("ROLLBACK").await;
            if failure.is_stale() {
                connection.statement_cache.clear();
            }
            Err((ended.ok().map(|()| connection), failure))
        }
    }
}
