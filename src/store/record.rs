//! The record of a key: all that a verification needs to know of it and that no verification changes.

use std::cell::OnceCell;
use std::rc::Rc;

use ipnet::IpNet;
use unkey_core::credits::Refill;
use unkey_core::limits::{Applied, Owned, StoredLimit, unshadowed};
use unkey_core::network;
use unkey_core::reply::IdentityReply;

use super::changes::Topics;
use super::key::{self, Key, Refilling};
use super::value::{Json, Varlena};
use crate::error::Outcome;

/// A live key of a live API. Times in milliseconds.
#[derive(Debug, Default)]
pub struct Record {
    pub id: String,
    pub api: Rc<Api>,
    pub enabled: bool,
    pub expires: Option<i64>,
    pub(super) refill: Option<Refilling>,
    /// Whether it has a balance.
    pub metered: bool,
    pub name: Option<String>,
    /// `None` if empty.
    pub meta: Option<Json>,
    pub ratelimits: Vec<StoredLimit>,
    pub allowlist: Vec<IpNet>,
    pub identity: Option<Identity>,
    /// What messages it is concerned by.
    pub(super) topics: Topics,
    /// Names, sorted.
    pub roles: Vec<String>,
    /// Slugs, direct and through roles, sorted and each once.
    pub permissions: Vec<String>,
    automatic: OnceCell<Vec<Applied>>,
    /// What the SQL face answers of it.
    pub columns: OnceCell<Columns>,
    /// What it sends of it.
    pub texts: OnceCell<Texts>,
    /// What events say of it, as they stand in memory.
    pub event_texts: OnceCell<Option<Box<[u8]>>>,
}

/// What a key inherits from its API.
#[derive(Debug, Default)]
pub struct Api {
    pub id: String,
    pub keyspace_id: String,
    pub enabled: bool,
    pub allowlist: Vec<IpNet>,
    /// What events say of it, as [`Record::event_texts`].
    pub event_texts: OnceCell<Option<Box<[u8]>>>,
}

/// The live identity of a key.
#[derive(Debug, Default)]
pub struct Identity {
    pub id: String,
    pub external_id: String,
    /// `None` if empty.
    pub meta: Option<Json>,
    pub ratelimits: Vec<StoredLimit>,
}

/// Columns of `unkey.verification` that are the same in every answer about a key; `None` for NULL.
#[derive(Debug)]
pub struct Columns {
    pub key_id: Varlena,
    pub name: Option<Varlena>,
    pub roles: Option<Varlena>,
    pub permissions: Option<Varlena>,
    pub identity: Option<Varlena>,
}

/// The same columns as Postgres prints them, of those that are not text; `None` for NULL.
#[derive(Debug)]
pub struct Texts {
    pub roles: Option<Vec<u8>>,
    pub permissions: Option<Vec<u8>>,
    pub identity: Option<Vec<u8>>,
}

/// An allow-list as it stands in a column.
pub(super) fn networks(list: Option<Vec<String>>) -> Outcome<Vec<IpNet>> {
    Ok(network::read_all("ip_allowlist", &list.unwrap_or_default())?)
}

impl Record {
    /// The limits of the key, and those its identity lends it.
    pub fn limits(&self) -> Owned<'_> {
        let identity = self.identity.as_ref();
        Owned {
            key_id: &self.id,
            key: &self.ratelimits,
            identity_id: identity.map_or("", |identity| &identity.id),
            identity: identity.map_or(&[], |identity| &identity.ratelimits),
        }
    }

    /// The limits that apply when a question names none.
    pub fn automatic(&self) -> &[Applied] {
        self.automatic.get_or_init(|| self.limits().applied(&[]).unwrap_or_default())
    }

    /// The refill rule, if there is one.
    pub fn refill(&self) -> Option<Refill> {
        self.refill.map(Refill::from)
    }

    /// The refill rule, if it came due since it was set up.
    pub fn refill_due(&self, now: i64) -> Option<Refill> {
        self.refill.and_then(|refill| refill.due(now))
    }

    /// The identity, with the limits that no limit of the key shadows.
    pub fn identity_reply(&self) -> Outcome<Option<IdentityReply<'_>>> {
        let Some(identity) = &self.identity else { return Ok(None) };
        Ok(Some(IdentityReply {
            id: &identity.id,
            external_id: &identity.external_id,
            meta: identity.meta.as_ref().map(Json::text).transpose()?,
            ratelimits: unshadowed(&self.ratelimits, &identity.ratelimits).collect(),
        }))
    }

    /// Memory it takes, with what is made of it later; an estimate on the high side.
    pub fn bytes(&self) -> usize {
        let lists =
            self.roles.iter().chain(&self.permissions).map(|text| 3 * text.len() + 2 * size_of::<String>());
        let identity = self.identity.as_ref();
        let limits = self.ratelimits.len() + identity.map_or(0, |identity| identity.ratelimits.len());
        let meta = |meta: &Option<Json>| meta.as_ref().map_or(0, Json::bytes);
        FIXED
            + lists.sum::<usize>()
            + limits * (size_of::<StoredLimit>() + size_of::<Applied>() + FIXED / 2)
            + 2 * meta(&self.meta)
            + 3 * identity.map_or(0, |identity| meta(&identity.meta))
            + self.allowlist.len() * size_of::<IpNet>()
    }
}

/// Bytes of a record whose lists are empty, with its place in a cache.
const FIXED: usize = 1152;

impl TryFrom<Key> for Record {
    type Error = crate::error::Failure;

    fn try_from(key: Key) -> Outcome<Self> {
        let key::Api { id, keyspace_id, enabled, allowlist, .. } = key.api;
        let identity = |identity: key::Identity| {
            let key::Identity { id, external_id, meta, ratelimits } = identity;
            Identity { id, external_id, meta: meta.map(Json::from), ratelimits }
        };
        Ok(Self {
            id: key.id,
            api: Rc::new(Api {
                id,
                keyspace_id,
                enabled,
                allowlist: networks(allowlist)?,
                event_texts: OnceCell::new(),
            }),
            enabled: key.enabled,
            expires: key.expires,
            refill: key.refill,
            metered: key.balance.is_some(),
            name: key.name,
            meta: key.meta.map(Json::from),
            ratelimits: key.ratelimits,
            allowlist: networks(key.allowlist)?,
            identity: key.identity.map(identity),
            // Read by a statement, and so never kept.
            topics: Topics::default(),
            roles: key.roles,
            permissions: key.permissions,
            automatic: OnceCell::new(),
            columns: OnceCell::new(),
            texts: OnceCell::new(),
            event_texts: OnceCell::new(),
        })
    }
}
