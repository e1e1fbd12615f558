//! One call of the v2 dialect: `unkey_api`.

use std::net::IpAddr;
use std::sync::Arc;

use axum::http::StatusCode;
use bytes::Bytes;
use futures_util::future::join;
use unkey_core::reply::{JSON, PROBLEM};
use unkey_core::verdict::Code;

use super::failure::Failure;
use super::outcome::{Mark, mark};
use super::{Connection, Database, Work};

/// A request as it came. Holds keys, so it has no `Debug`.
pub struct Call {
    /// Such as `keys.verifyKey`.
    pub operation: String,
    /// The whole `Authorization` header.
    pub authorization: Option<String>,
    /// JSON text.
    pub body: String,
    /// Where the client is.
    pub ip: Option<IpAddr>,
    /// What the client says it is.
    pub user_agent: Option<String>,
    /// Made here, so that our log has it as well.
    pub request_id: Arc<str>,
    /// Whether `ratelimit.limit` is recorded for analytics.
    pub metrics: bool,
}

/// What to send back. Can hold a new key, so it has no `Debug`.
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// `application/json` or `application/problem+json`.
    pub content_type: &'static str,
    /// JSON text.
    pub body: Bytes,
    /// What a verification came to, for metrics: its code, or `refused`.
    pub outcome: Option<&'static str>,
    /// More headers, as PostgREST takes them: a JSON array of objects of one member each.
    pub headers: Option<String>,
}

/// The status of a refusal that ends by itself.
pub(super) const TOO_MANY: u16 = StatusCode::TOO_MANY_REQUESTS.as_u16();

const CALL: &str = "SELECT status, content_type, body
    FROM unkey_api($1::text, $2::text, $3::text, $4::inet, $5::text, $6::text, $7::boolean)";

const HEADERS: &str = "SELECT nullif(current_setting('response.headers', true), '')";

/// What the database would have a refused client know, asked in the same transaction.
pub(super) async fn headers(connection: &Connection) -> Result<Option<String>, tokio_postgres::Error> {
    let statement = connection.prepare_cached(HEADERS).await?;
    connection.query_one(&statement, &[]).await?.try_get(0)
}

impl Database {
    /// Performs one operation in a transaction of its own, to its end, even if the client goes away meanwhile.
    ///
    /// # Errors
    /// Unless it is [`Failure::Unknown`], nothing of the call was kept.
    pub async fn call(&self, call: Call) -> Result<Reply, Failure> {
        let database = self.clone();
        let finished = self.background().spawn(async move { database.transaction(&call).await });
        finished.await.unwrap_or_else(|error| Err(Failure::Unknown(error.to_string())))
    }
}

impl Work for Call {
    type Output = Reply;

    async fn run(&self, connection: &Connection) -> Result<(Reply, Option<Mark>), tokio_postgres::Error> {
        let (reply, mark) = join(self.answer(connection), mark(connection)).await;
        Ok((reply?, mark?))
    }
}

impl Call {
    async fn answer(&self, connection: &Connection) -> Result<Reply, tokio_postgres::Error> {
        let statement = connection.prepare_cached(CALL).await?;
        let row = connection
            .query_one(
                &statement,
                &[
                    &self.operation,
                    &self.authorization,
                    &self.body,
                    &self.ip,
                    &self.user_agent,
                    &&*self.request_id,
                    &self.metrics,
                ],
            )
            .await?;
        let body: String = row.try_get(2)?;
        let status = status(row.try_get(0)?);
        let headers = if status == TOO_MANY { headers(connection).await? } else { None };
        Ok(Reply {
            status,
            content_type: content_type(row.try_get(1)?),
            body: Bytes::from(body),
            outcome: None,
            headers,
        })
    }
}

/// A status the database gave; none of its replies has one out of range.
pub(super) fn status(number: i32) -> u16 {
    u16::try_from(number).unwrap_or(500)
}

/// One of the two content types there are.
pub(super) fn content_type(text: &str) -> &'static str {
    if text == PROBLEM { PROBLEM } else { JSON }
}

/// The code of a verification, or `refused` for one that got no verdict.
pub(super) fn outcome(text: &str) -> &'static str {
    Code::ALL.iter().map(|code| code.as_str()).find(|code| *code == text).unwrap_or("refused")
}
