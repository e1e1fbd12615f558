//! The document of a key: what a row of `keys` and all that it refers to come to.

use serde::Deserialize;
use serde_json::value::RawValue;
use unkey_core::credits::{Balance, Refill};
use unkey_core::limits::StoredLimit;

/// A live key of a live API, with everything a verification or a reader needs. Times in milliseconds.
#[derive(Debug, Default, Deserialize)]
pub struct Key {
    pub id: String,
    pub api: Api,
    pub enabled: bool,
    pub expires: Option<i64>,
    pub refill: Option<Refilling>,
    pub balance: Option<Stored>,
    pub prefix: Option<String>,
    pub start: String,
    pub name: Option<String>,
    pub meta: Option<Box<RawValue>>,
    pub ratelimits: Vec<StoredLimit>,
    pub allowlist: Option<Vec<String>>,
    pub identity: Option<Identity>,
    /// Whether there are roles or direct permissions to load.
    pub(super) linked: bool,
    #[serde(default)]
    pub roles: Vec<String>,
    #[serde(default)]
    pub permissions: Vec<String>,
    /// What only people look at; verifications do without.
    #[serde(default)]
    pub shown: Option<Shown>,
}

/// Instants in milliseconds, and as texts of Postgres with all their microseconds.
#[derive(Debug, Deserialize)]
pub struct Shown {
    /// Milliseconds.
    pub created_ms: i64,
    pub updated_ms: Option<i64>,
    pub last_used_ms: Option<i64>,
    pub created_at: String,
    pub updated_at: Option<String>,
    pub last_refill_at: Option<String>,
    pub last_used_at: Option<String>,
    pub recoverable: bool,
    pub cursor: String,
}

/// What a key inherits from its API.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Api {
    pub id: String,
    pub keyspace_id: String,
    pub enabled: bool,
    pub allowlist: Option<Vec<String>>,
}

/// The live identity of a key.
#[derive(Debug, Default, Deserialize)]
pub struct Identity {
    pub id: String,
    pub external_id: String,
    pub meta: Option<Box<RawValue>>,
    pub ratelimits: Vec<StoredLimit>,
}

/// Refill as columns.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Refilling {
    pub(super) amount: i64,
    pub(super) day: Option<u8>,
    pub(super) since: Option<i64>,
}

impl Refilling {
    /// The rule, if it came due since it was set up.
    pub(super) fn due(self, now: i64) -> Option<Refill> {
        let since = self.since.unwrap_or(i64::MIN);
        Some(Refill::from(self)).filter(|refill| refill.due(now) > since)
    }
}

impl From<Refilling> for Refill {
    fn from(Refilling { amount, day, .. }: Refilling) -> Self {
        Self { amount, day }
    }
}

/// Balance as columns.
#[derive(Debug, Default, Clone, Copy, Deserialize)]
pub struct Stored {
    pub(super) remaining: i64,
    pub(super) settled_at: i64,
    pub(super) last_refill_at: Option<i64>,
}

impl From<Stored> for Balance {
    fn from(Stored { remaining, settled_at, last_refill_at }: Stored) -> Self {
        Self { remaining, settled_at, last_refill_at }
    }
}

impl Key {
    /// After which key a list goes on; empty unless loaded for people.
    pub fn cursor(&self) -> String {
        self.shown.as_ref().map(|shown| shown.cursor.clone()).unwrap_or_default()
    }

    /// The refill rule, if there is one.
    pub fn refill(&self) -> Option<Refill> {
        self.refill.map(Refill::from)
    }

    /// The refill rule, if it came due since it was set up.
    fn refill_due(&self, now: i64) -> Option<Refill> {
        self.refill.and_then(|refill| refill.due(now))
    }

    /// The balance at `now`, due refills included; `None` for unlimited.
    pub fn balance(&self, now: i64) -> Option<Balance> {
        self.balance.map(|stored| Balance::from(stored).settle(self.refill_due(now).as_ref(), now))
    }
}
