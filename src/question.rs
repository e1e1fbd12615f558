//! What is asked about a key, read and checked.

use std::net::IpAddr;

use unkey_core::document::{self, RequestedLimit};
use unkey_core::{Result, network, permission, rule, validate};

use crate::store::record::Record;

/// What a caller may ask besides the key, checked.
#[derive(Debug, Clone, Default)]
pub struct Question {
    pub permissions: Option<String>,
    pub cost: Option<i64>,
    pub ratelimits: Vec<RequestedLimit>,
    pub scope: Scope,
    /// Sorted, each once.
    pub tags: Vec<String>,
    pub ip: Option<IpAddr>,
    pub migration_id: Option<String>,
}

impl Question {
    /// Credits to spend.
    pub fn cost(&self) -> i64 {
        self.cost.unwrap_or(1)
    }

    /// The API of which the key has to be.
    pub fn api_id(&self) -> Option<&str> {
        self.scope.apis.as_ref()?.first().map(String::as_str)
    }

    /// Whether a key may be found.
    pub fn admits(&self, key: &Record) -> bool {
        self.scope.holds_key(key)
    }
}

/// Which keys may be found at all; `None` for any.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    pub apis: Option<Vec<String>>,
    pub keyspaces: Option<Vec<String>>,
}

impl Scope {
    pub fn holds(&self, api_id: &String, keyspace_id: &String) -> bool {
        let lists =
            |list: &Option<Vec<String>>, id: &String| list.as_ref().is_none_or(|list| list.contains(id));
        lists(&self.apis, api_id) && lists(&self.keyspaces, keyspace_id)
    }

    pub fn holds_key(&self, key: &Record) -> bool {
        self.holds(&key.api.id, &key.api.keyspace_id)
    }
}

/// The arguments of a question as they come.
#[derive(Debug, Default)]
pub struct Arguments {
    pub permissions: Option<String>,
    pub cost: Option<i64>,
    pub ratelimits: Option<String>,
    pub tags: Vec<String>,
    pub scope: Scope,
    pub ip: Option<String>,
    pub migration_id: Option<String>,
}

impl Arguments {
    /// Checks everything that can be wrong whatever the key.
    pub fn check(mut self) -> Result<Question> {
        if let Some(query) = &self.permissions {
            permission::check_length(query)?;
        }
        validate::cost("cost", self.cost.unwrap_or(1))?;
        validate::tags(&self.tags)?;
        rule::MIGRATION.check("migration_id", self.migration_id.as_deref().unwrap_or_default())?;
        self.tags.sort();
        self.tags.dedup();
        let ratelimits = self.ratelimits.as_deref().map(document::requested_limits).transpose()?;
        Ok(Question {
            permissions: self.permissions,
            cost: self.cost,
            ratelimits: ratelimits.unwrap_or_default(),
            scope: self.scope,
            tags: self.tags,
            ip: address(self.ip.as_deref()),
            migration_id: self.migration_id,
        })
    }
}

/// An address as text; nothing else is one.
pub fn address(text: Option<&str>) -> Option<IpAddr> {
    text.and_then(network::read).map(|network| network.addr())
}
