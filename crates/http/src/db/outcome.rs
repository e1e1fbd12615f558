//! What became of a commit whose answer was lost.
//!
//! Before a transaction that wrote anything is told to commit, its [`Mark`] is read. When the connection is lost before the
//! answer, the same database is asked what became of that transaction id. Clients repeat what was answered 5xx, so
//! guessing would create a key twice or spend a credit twice.
//!
//! A crash can lose the end of the log and give an id out anew. So "committed" counts only if nothing of the kind can
//! have happened: the timeline is the same, and either no checkpoint was made since the transaction began (recovery
//! ends with one), or the last one began beyond what the transaction had written.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::failure::{Failure, describe};
use super::{Connection, Database};

/// How long the database is given to come back and tell.
const PATIENCE: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(50);

const MARK: &str = "SELECT id::text, pg_current_wal_insert_lsn()::text,
    left(pg_walfile_name(pg_current_wal_insert_lsn()), 8), now()::text
    FROM pg_current_xact_id_if_assigned() AS id WHERE id IS NOT NULL";

const FATE: &str = "SELECT pg_xact_status($1::text::xid8),
    left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) = $3
        AND (redo_lsn >= $2::text::pg_lsn OR checkpoint_time < $4::text::timestamptz - interval '1 second')
    FROM pg_control_checkpoint()";

/// What identifies a transaction that wrote something.
pub struct Mark {
    id: String,
    position: String,
    timeline: String,
    began: String,
}

/// The mark of the running transaction; `None` if it wrote nothing.
///
/// # Errors
/// What the database says.
pub async fn mark(connection: &Connection) -> Result<Option<Mark>, tokio_postgres::Error> {
    let statement = connection.prepare_cached(MARK).await?;
    let row = connection.query_opt(&statement, &[]).await?;
    row.map(|row| {
        Ok(Mark {
            id: row.try_get(0)?,
            position: row.try_get(1)?,
            timeline: row.try_get(2)?,
            began: row.try_get(3)?,
        })
    })
    .transpose()
}

/// Finds out whether a transaction committed, once the database answers again. `Ok` if it did.
///
/// # Errors
/// [`Failure::Unavailable`] if it did not, [`Failure::Unknown`] if nothing can tell.
pub async fn settle(database: &Database, mark: &Mark) -> Result<(), Failure> {
    let deadline = Instant::now() + PATIENCE;
    let mut problem = "it is still going on".to_owned();
    while Instant::now() < deadline {
        match fate(database, mark).await {
            Ok(Fate::Committed) => return Ok(()),
            Ok(Fate::Aborted) => {
                return Err(Failure::Unavailable("the database went away and rolled back".to_owned()));
            }
            Ok(Fate::Untold) => {
                return Err(Failure::Unknown("the database lost track of a commit".to_owned()));
            }
            Ok(Fate::Running) => {}
            Err(error) => problem = error,
        }
        sleep(PAUSE).await;
    }
    Err(Failure::Unknown(format!(
        "a commit was cut off, and what became of it was not to be learned: {problem}"
    )))
}

enum Fate {
    Committed,
    Aborted,
    Running,
    Untold,
}

async fn fate(database: &Database, mark: &Mark) -> Result<Fate, String> {
    let connection = database.connection().await.map_err(|failure| format!("{failure:?}"))?;
    let (id, position, timeline, began) = (&mark.id, &mark.position, &mark.timeline, &mark.began);
    let row = match connection.query_one(FATE, &[id, position, timeline, began]).await {
        Ok(row) => row,
        // An id that was never given out again: the log that had it is lost, and the transaction with it.
        Err(error) if error.code().is_some_and(|code| code.code() == "22023") => return Ok(Fate::Aborted),
        Err(error) => return Err(describe(&error)),
    };
    let read = || -> Result<(Option<String>, bool), tokio_postgres::Error> {
        Ok((row.try_get(0)?, row.try_get(1)?))
    };
    let (status, is_sure) = read().map_err(|error| describe(&error))?;
    Ok(match status.as_deref() {
        Some("aborted") => Fate::Aborted,
        Some("committed") if is_sure => Fate::Committed,
        Some("in progress") => Fate::Running,
        _ => Fate::Untold,
    })
}
