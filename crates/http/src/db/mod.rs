//! The database: its connections, and transactions whose outcome is never in doubt.
//!
//! [`target`] says which database; this file has the pool; [`outcome`] finds out what became of a commit that was cut
//! off; [`call`] is one call of `unkey_api`; [`verifier`] is the fast lane of verifications.

pub mod busy;
pub mod call;
pub mod failure;
pub mod outcome;
pub mod target;
pub mod verifier;

use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use deadpool_postgres::{
    Hook, HookError, Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime, TimeoutType,
};
use futures_util::future::join;
use futures_util::poll;
use tokio::sync::Mutex;
use tokio_util::task::TaskTracker;

use failure::Failure;
use outcome::Mark;
use target::{Target, prepare_session};

/// A pooled connection, which caches its prepared statements.
pub type Connection = Object;

/// How often a call is made again that met another one (a deadlock, a serialization failure) or a connection that had
/// died before it was used.
const ATTEMPTS: u32 = 3;

/// Sessions are set to READ COMMITTED, and the shortest text is parsed soonest.
pub const BEGIN: &str = "BEGIN";

/// What is done in a transaction. It may be done again after all it did was rolled back.
pub trait Work: Sync {
    /// What it answers.
    type Output: Send;

    /// The statement that begins the transaction; sent together with the first one of [`Work::run`].
    fn begin(&self) -> &str {
        BEGIN
    }

    /// Does it; the [`Mark`] is read after everything that can write.
    fn run(
        &self,
        connection: &Connection,
    ) -> impl Future<Output = Result<(Self::Output, Option<Mark>), tokio_postgres::Error>> + Send;
}

/// The pool, and what is still to be finished in the background.
#[derive(Clone)]
pub struct Database {
    pool: Pool,
    waiting: usize,
    /// Of those who look whether they may wait.
    turn: Arc<Mutex<()>>,
    background: TaskTracker,
}

impl Database {
    /// A pool of `size` connections, made when they are needed, for which `waiting` calls may wait up to `timeout`.
    ///
    /// # Errors
    /// If the pool can't be made.
    pub fn new(
        target: &Target,
        size: usize,
        waiting: usize,
        timeout: Duration,
    ) -> Result<Self, deadpool_postgres::BuildError> {
        let method = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_config(target.config.clone(), target.tls.clone(), method);
        let pool = Pool::builder(manager)
            .max_size(size)
            .wait_timeout(Some(timeout))
            .create_timeout(target.config.get_connect_timeout().copied())
            .post_create(Hook::async_fn(|client, _| {
                Box::pin(async move { prepare_session(client).await.map_err(HookError::Backend) })
            }))
            .runtime(Runtime::Tokio1)
            .build()?;
        Ok(Self { pool, waiting, turn: Arc::default(), background: TaskTracker::new() })
    }

    /// The pool's figures.
    pub fn status(&self) -> deadpool_postgres::Status {
        self.pool.status()
    }

    /// Work that goes on whatever becomes of the client, and that a shutdown waits for.
    pub fn background(&self) -> &TaskTracker {
        &self.background
    }

    /// A connection.
    ///
    /// # Errors
    /// [`Failure::Busy`] or [`Failure::Unavailable`].
    pub async fn connection(&self) -> Result<Connection, Failure> {
        let mut getting = Box::pin(self.pool.get());
        let begun = {
            // Who begins to wait is counted before the next one looks.
            let _turn = self.turn.lock().await;
            if self.pool.status().waiting >= self.waiting {
                return Err(Failure::Busy);
            }
            poll!(getting.as_mut())
        };
        let got = match begun {
            Poll::Ready(got) => got,
            Poll::Pending => getting.await,
        };
        got.map_err(|error| match error {
            PoolError::Timeout(TimeoutType::Wait) => Failure::Busy,
            PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => {
                Failure::Unavailable(failure::describe(&error))
            }
            other => Failure::Unavailable(other.to_string()),
        })
    }

    /// Does `work` in a transaction of its own, and commits it.
    ///
    /// # Errors
    /// Unless it is [`Failure::Unknown`], nothing of `work` was kept.
    pub async fn transaction<W: Work>(&self, work: &W) -> Result<W::Output, Failure> {
        let mut attempt = 1;
        loop {
            let result = self.attempt(work).await;
            match &result {
                Err(Attempted::Died) if attempt < ATTEMPTS => {}
                Err(Attempted::Failed(failure)) if failure.is_transient() && attempt < ATTEMPTS => {}
                _ => return result.map_err(Attempted::failure),
            }
            attempt += 1;
        }
    }

    async fn attempt<W: Work>(&self, work: &W) -> Result<W::Output, Attempted> {
        let connection = self.connection().await.map_err(Attempted::Failed)?;
        // Sent together: the second is executed when the first is done.
        let (begun, worked) = join(connection.batch_execute(work.begin()), work.run(&connection)).await;
        match begun.and(worked) {
            Ok((value, None)) => {
                self.background.spawn(end(connection, "COMMIT"));
                Ok(value)
            }
            Ok((value, Some(mark))) => {
                self.commit(connection, &mark).await.map(|()| value).map_err(Attempted::Failed)
            }
            Err(error) if connection.is_closed() && error.as_db_error().is_none() => Err(Attempted::Died),
            Err(error) => {
                let failure = Failure::of_statement(&error);
                if failure.is_stale() {
                    connection.statement_cache.clear();
                }
                self.background.spawn(end(connection, "ROLLBACK"));
                Err(Attempted::Failed(failure))
            }
        }
    }

    async fn commit(&self, connection: Connection, mark: &Mark) -> Result<(), Failure> {
        match connection.batch_execute("COMMIT").await {
            Ok(()) => Ok(()),
            Err(error) => {
                // Its place in the pool is needed to ask: all connections may have been cut off in a commit.
                drop(connection);
                self.settle_commit(&error, mark).await
            }
        }
    }

    /// What became of a commit that failed with this error.
    async fn settle_commit(&self, error: &tokio_postgres::Error, mark: &Mark) -> Result<(), Failure> {
        match Failure::of_statement(error) {
            refused @ Failure::Refused(_) => Err(refused),
            _ => outcome::settle(self, mark).await,
        }
    }
}

/// How one attempt failed.
enum Attempted {
    /// The connection was lost before the commit was sent.
    Died,
    Failed(Failure),
}

impl Attempted {
    fn failure(self) -> Failure {
        match self {
            Self::Died => Failure::Unavailable("the connection to the database was lost".to_owned()),
            Self::Failed(failure) => failure,
        }
    }
}

/// Ends a transaction whose outcome nobody waits for. A connection on which that fails leaves the pool.
async fn end(connection: Connection, statement: &'static str) {
    if let Err(error) = connection.batch_execute(statement).await {
        tracing::debug!(error = failure::describe(&error), "{statement} failed");
        drop(Object::take(connection));
    }
}
