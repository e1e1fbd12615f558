//! The only place that asks for the time.

use std::time::{SystemTime, UNIX_EPOCH};

use pgrx::datum::TimestampWithTimeZone;
use pgrx::pg_sys;

use crate::settings;

/// Milliseconds between the epochs of Unix (1970) and Postgres (2000).
const POSTGRES_EPOCH: i64 = 946_684_800_000;

/// Now, in milliseconds since the Unix epoch. Not frozen by the transaction.
pub fn now() -> i64 {
    settings::fixed_clock().unwrap_or_else(real)
}

/// The same, whatever `unkey.clock` says.
pub fn real() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
}

/// Milliseconds since the Unix epoch of a Postgres timestamp, rounded down; infinities saturate.
pub fn to_ms(microseconds: pg_sys::TimestampTz) -> i64 {
    match microseconds {
        i64::MIN | i64::MAX => microseconds,
        finite => finite.div_euclid(1000) + POSTGRES_EPOCH,
    }
}

/// Milliseconds since the Unix epoch, rounded down; infinities saturate.
pub fn milliseconds(at: TimestampWithTimeZone) -> i64 {
    to_ms(at.into_inner())
}

/// The Postgres timestamp of milliseconds since the Unix epoch, in its own unit; saturates.
pub fn to_microseconds(milliseconds: i64) -> i64 {
    milliseconds.saturating_sub(POSTGRES_EPOCH).saturating_mul(1000)
}

/// The Postgres timestamp of milliseconds since the Unix epoch; `None` outside Postgres' range.
pub fn timestamp(milliseconds: i64) -> Option<TimestampWithTimeZone> {
    let microseconds = milliseconds.checked_sub(POSTGRES_EPOCH)?.checked_mul(1000)?;
    TimestampWithTimeZone::try_from(microseconds).ok()
}
