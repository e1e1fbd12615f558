//! A call in its transaction.

use futures_util::future::join4;
use tokio_postgres::types::Type;
use tokio_postgres::{Column, Error as DatabaseError};

use super::error::Result;
use super::outcome::{Outcome, Row, Terms};
use super::sql::Sql;
use crate::db::outcome::{Mark, mark};
use crate::db::{Connection, Work};

const READ_WRITE: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";
const READ_ONLY: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY";

/// All that a call needs.
pub struct Transaction<'a> {
    /// Whether it may write.
    pub writes: bool,
    /// Its role, and what it knows of the request.
    pub settings: Sql,
    /// What is called first, for its effect.
    pub before: Option<&'a Sql>,
    /// The call itself.
    pub call: Sql,
    /// What must be true of its result.
    pub terms: Terms<'a>,
}

impl Work for Transaction<'_> {
    type Output = Result<Outcome>;

    fn begin(&self) -> &str {
        if self.writes { READ_WRITE } else { READ_ONLY }
    }

    async fn run(&self, connection: &Connection) -> Result<(Self::Output, Option<Mark>), DatabaseError> {
        // Sent together. When one fails the rest does too, so the first failure is the one that counts.
        let (set, before, row, mark) = join4(
            query(connection, &self.settings),
            run(connection, self.before),
            query(connection, &self.call),
            mark(connection),
        )
        .await;
        set?;
        before?;
        let row = read(&row?)?;
        let mark = mark?;
        match self.terms.judge(row) {
            Ok(outcome) => Ok((Ok(outcome), mark)),
            Err(error) => {
                connection.batch_execute("ROLLBACK").await?;
                Ok((Err(error), None))
            }
        }
    }
}

/// Statements are as various as what is selected and filtered, so they are not kept prepared.
async fn query(connection: &Connection, sql: &Sql) -> Result<tokio_postgres::Row, DatabaseError> {
    connection.query_typed_one(sql.text(), &sql.parameters()).await
}

async fn run(connection: &Connection, sql: Option<&Sql>) -> Result<(), DatabaseError> {
    if let Some(sql) = sql {
        connection.query_typed(sql.text(), &sql.parameters()).await?;
    }
    Ok(())
}

fn read(row: &tokio_postgres::Row) -> Result<Row, DatabaseError> {
    let count = |number: i64| u64::try_from(number).unwrap_or_default();
    Ok(Row {
        rows: count(row.try_get(0)?),
        body: body(row)?,
        total: row.try_get::<_, Option<i64>>(2)?.map(count),
        status: row.try_get(3)?,
        headers: row.try_get(4)?,
    })
}

fn body(row: &tokio_postgres::Row) -> Result<Option<Vec<u8>>, DatabaseError> {
    match row.columns().get(1).map(Column::type_) {
        Some(&Type::BYTEA) => row.try_get(1),
        _ => Ok(row.try_get::<_, Option<String>>(1)?.map(String::into_bytes)),
    }
}
