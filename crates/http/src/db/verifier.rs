//! The fast lane: verifications share a few connections.
//!
//! Who finds a connection free is sent at once, with whatever else has arrived by then. While all are busy, what comes in waits
//! in one bounded queue, and the next free connection takes all of it in one statement. The next statement is sent right
//! behind a commit, without waiting for it. So a lone verification never waits for company, and a thousand cost hardly more
//! round trips than one. While one connection is busy with many, another does not take up a few: a statement has its price,
//! and what comes in meanwhile soon is many, too.

use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use futures_util::future::join;
use futures_util::poll;
use prometheus_client::metrics::histogram::Histogram;
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::task::yield_now;
use tokio_postgres::Row;

use super::busy::Busy;
use super::call::{Call, Reply, TOO_MANY, content_type, headers, outcome, status};
use super::failure::{Failure, describe};
use super::outcome::{Mark, mark};
use super::{BEGIN, Connection, Database};

const VERIFY: &str = "SELECT status, content_type, body, outcome, durable
    FROM unkey_api_verify_keys($1::text[], $2::text[], $3::inet[], $4::text[], $5::text[])";

/// Answers verifications.
#[derive(Clone)]
pub struct Verifier {
    queue: mpsc::Sender<Job>,
    database: Database,
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

/// What each of the connections does.
struct Lane {
    queue: Arc<Mutex<mpsc::Receiver<Job>>>,
    /// Connections of verifications.
    database: Database,
    /// Connections of everything else, on which commits are settled.
    others: Database,
    batch: usize,
    /// What all connections are busy with.
    busy: Arc<Busy>,
    /// Figures of how many were asked together.
    sizes: Histogram,
}

impl Verifier {
    /// Starts `lanes` tasks, each with a connection of `database`, that answer at most `batch` of at most `waiting`
    /// verifications at a time, and counts in `sizes` how many. What has to be asked alone goes to `others`.
    pub fn start(
        database: &Database,
        others: &Database,
        lanes: usize,
        waiting: usize,
        batch: usize,
        sizes: &Histogram,
    ) -> Self {
        let (sender, receiver) = mpsc::channel(waiting);
        let queue = Arc::new(Mutex::new(receiver));
        let busy = Arc::new(Busy::default());
        for _ in 0..lanes {
            let lane = Lane {
                queue: queue.clone(),
                database: database.clone(),
                others: others.clone(),
                batch,
                busy: busy.clone(),
                sizes: sizes.clone(),
            };
            tokio::spawn(lane.run());
        }
        Self { queue: sender, database: others.clone() }
    }

    /// How many verifications wait.
    pub fn waiting(&self) -> usize {
        self.queue.max_capacity() - self.queue.capacity()
    }

    /// Answers one.
    ///
    /// # Errors
    /// [`Failure::Busy`] if too many wait; otherwise as [`Database::call`].
    pub async fn verify(&self, call: Call) -> Result<Reply, Failure> {
        let (answer, answered) = oneshot::channel();
        self.queue.try_send(Job { call, answer }).map_err(|_| Failure::Busy)?;
        match answered.await {
            Ok(Answer::Reply(reply)) => Ok(reply),
            Ok(Answer::Failed(failure)) => Err(failure),
            Ok(Answer::Alone(call)) => self.database.call(*call).await,
            // Dropped with whatever was under way, a commit perhaps.
            Err(_) => Err(Failure::Unknown("the server stopped in the middle of it".to_owned())),
        }
    }
}

impl Lane {
    async fn run(self) {
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
    async fn answer(&self, kept: Option<Arc<Connection>>, jobs: Vec<Job>) -> Option<Arc<Connection>> {
        if let Some(connection) = kept.filter(|connection| !connection.is_closed()) {
            match ask(&connection, &jobs).await {
                // It died while idle; nothing was kept, so a new one may be asked.
                Err(Failure::Unavailable(_)) => {}
                result => return self.finish(connection, jobs, result).await,
            }
        }
        match self.database.connection().await {
            Ok(connection) => {
                let result = ask(&connection, &jobs).await;
                self.finish(Arc::new(connection), jobs, result).await
            }
            Err(failure) => {
                refuse(jobs, &failure);
                None
            }
        }
    }

    async fn finish(
        &self,
        connection: Arc<Connection>,
        jobs: Vec<Job>,
        result: Result<(Vec<Option<Reply>>, Option<Mark>), Failure>,
    ) -> Option<Arc<Connection>> {
        match result {
            Ok((replies, mark)) => {
                self.commit(&connection, Answered { jobs, replies }, mark).await;
                Some(connection)
            }
            Err(failure @ Failure::Unavailable(_)) => {
                refuse(jobs, &failure);
                None
            }
            // One of them can't be answered; which, shows when each is asked alone.
            Err(failure) => {
                let ended = connection.batch_execute("ROLLBACK").await;
                jobs.into_iter().for_each(Job::ask_alone);
                if failure.is_stale() {
                    connection.statement_cache.clear();
                }
                ended.ok().map(|()| connection)
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
                Some(reply) => job.reply(Answer::Reply(reply)),
                None => job.ask_alone(),
            }
        }
    }
}

impl Job {
    fn reply(self, answer: Answer) {
        // A client that is gone misses nothing.
        let _ = self.answer.send(answer);
    }

    fn ask_alone(self) {
        let _ = self.answer.send(Answer::Alone(Box::new(self.call)));
    }
}

fn refuse(jobs: Vec<Job>, failure: &Failure) {
    for job in jobs {
        job.reply(Answer::Failed(failure.clone()));
    }
}

/// Asks for all of them in one statement: one reply for each, in order; `None` for one that must be asked alone. The mark
/// is there if the replies must wait for the commit.
async fn ask(connection: &Connection, jobs: &[Job]) -> Result<(Vec<Option<Reply>>, Option<Mark>), Failure> {
    let asked = async {
        let (begun, rows) = join(connection.batch_execute(BEGIN), query(connection, jobs)).await;
        begun?;
        let (mut replies, durable) = read(&rows?)?;
        tell(connection, &mut replies).await?;
        let mark = if durable { mark(connection).await? } else { None };
        Ok((replies, mark))
    };
    asked.await.map_err(|error| {
        tracing::debug!(error = describe(&error), "a batch of verifications failed");
        Failure::of_statement(&error)
    })
}

async fn query(connection: &Connection, jobs: &[Job]) -> Result<Vec<Row>, tokio_postgres::Error> {
    let calls = || jobs.iter().map(|job| &job.call);
    let authorizations: Vec<_> = calls().map(|call| call.authorization.as_deref()).collect();
    let bodies: Vec<_> = calls().map(|call| call.body.as_str()).collect();
    let addresses: Vec<_> = calls().map(|call| call.ip).collect();
    let agents: Vec<_> = calls().map(|call| call.user_agent.as_deref()).collect();
    let ids: Vec<_> = calls().map(|call| &*call.request_id).collect();
    let statement = connection.prepare_cached(VERIFY).await?;
    connection.query(&statement, &[&authorizations, &bodies, &addresses, &agents, &ids]).await
}

/// Gives those that were too many their headers, which are the same for all.
async fn tell(connection: &Connection, replies: &mut [Option<Reply>]) -> Result<(), tokio_postgres::Error> {
    let is_refused = |reply: &&mut Reply| reply.status == TOO_MANY;
    if replies.iter_mut().flatten().any(|reply| is_refused(&reply)) {
        let told = headers(connection).await?;
        replies.iter_mut().flatten().filter(is_refused).for_each(|reply| reply.headers.clone_from(&told));
    }
    Ok(())
}

/// The replies, and whether they must wait for the commit.
fn read(rows: &[Row]) -> Result<(Vec<Option<Reply>>, bool), tokio_postgres::Error> {
    let mut durable = false;
    let replies = rows.iter().map(|row| {
        let Some(number) = row.try_get::<_, Option<i32>>(0)? else { return Ok(None) };
        durable |= row.try_get::<_, bool>(4)?;
        Ok(Some(Reply {
            status: status(number),
            content_type: content_type(row.try_get(1)?),
            body: Bytes::copy_from_slice(row.try_get::<_, &str>(2)?.as_bytes()),
            outcome: row.try_get::<_, Option<&str>>(3)?.map(outcome),
            headers: None,
        }))
    });
    let replies = replies.collect::<Result<_, _>>()?;
    Ok((replies, durable))
}
