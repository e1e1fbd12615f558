//! Many verifications in one statement.

use bytes::Bytes;
use futures_util::future::join;
use tokio_postgres::Row;

use super::Job;
use crate::db::Connection;
use crate::db::call::{Reply, TOO_MANY, content_type, headers, outcome, status};
use crate::db::failure::{Failure, describe};
use crate::db::outcome::{Mark, mark};

const VERIFY: &str = "SELECT status, content_type, body, outcome, durable
    FROM unkey_api_verify_keys($1::text[], $2::text[], $3::inet[], $4::text[], $5::text[])";

/// One reply for each, in order; `None` for one that must be asked alone. The mark is there if the replies must wait for the
/// commit.
pub type Replies = (Vec<Option<Reply>>, Option<Mark>);

/// Asks for all of them, in a transaction that `begin` begins.
///
/// # Errors
/// Nothing was kept of any.
pub async fn ask(connection: &Connection, begin: &str, jobs: &[Job]) -> Result<Replies, Failure> {
    let asked = async {
        let (begun, rows) = join(connection.batch_execute(begin), query(connection, jobs)).await;
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
