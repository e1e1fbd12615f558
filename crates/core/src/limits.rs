//! Named rate limits of keys and identities: how they are stored, replaced, and which of them a verification counts.

use serde::{Deserialize, Serialize};

use crate::document::{RatelimitInput, RequestedLimit};
use crate::slots::CounterId;
use crate::{Result, ratelimit};

/// A limit as it is stored with a key or an identity; the JSON of columns, replies and requests alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "RatelimitResponse"))]
#[serde(rename_all = "camelCase")]
pub struct StoredLimit {
    /// `rl_…`; kept while the name stays.
    pub id: String,
    /// Unique within its key or identity.
    pub name: String,
    /// Most cost per window.
    pub limit: i64,
    /// Window in milliseconds.
    pub duration: i64,
    /// Counted on every verification, or only when named.
    #[serde(default)]
    pub auto_apply: bool,
}

/// The set that replaces `old`: a limit whose name was there before keeps its id, others get one of `new_id`.
pub fn replace(
    old: &[StoredLimit],
    new: Vec<RatelimitInput>,
    mut new_id: impl FnMut() -> Result<String>,
) -> Result<Vec<StoredLimit>> {
    new.into_iter()
        .map(|RatelimitInput { name, limit, duration, auto_apply }| {
            let id = match old.iter().find(|stored| stored.name == name) {
                Some(stored) => stored.id.clone(),
                None => new_id()?,
            };
            Ok(StoredLimit { id, name, limit, duration, auto_apply })
        })
        .collect()
}

/// Identity limits that no limit of the key shadows by its name.
pub fn unshadowed<'a>(
    key: &[StoredLimit],
    identity: &'a [StoredLimit],
) -> impl Iterator<Item = &'a StoredLimit> {
    identity.iter().filter(|limit| !key.iter().any(|own| own.name == limit.name))
}

/// What a counter counts for. Not the limit's size: changing it keeps the usage; changing the duration does not.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CounterKey {
    /// `limit:<name>` for limits of keys and identities; the id of a namespace of the standalone limiter.
    pub scope: String,
    /// Whose usage is counted: a key id, an identity id, or what the standalone limiter was given.
    pub identifier: String,
    /// Window in milliseconds.
    pub duration: i64,
    /// Made of all of these, once: it costs more than to count.
    id: CounterId,
}

impl CounterKey {
    /// The counter of this name.
    pub fn new(scope: String, identifier: String, duration: i64) -> Self {
        let id = CounterId::of(&scope, &identifier, duration);
        Self { scope, identifier, duration, id }
    }

    /// Its id.
    pub const fn id(&self) -> CounterId {
        self.id
    }
}

/// One limit of one verification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// Id of the stored limit; empty for an ad-hoc one.
    pub id: String,
    /// Name of the limit.
    pub name: String,
    /// Most cost per window.
    pub limit: i64,
    /// What this verification costs.
    pub cost: i64,
    /// Whether it applies by itself.
    pub auto_apply: bool,
    /// Where it is counted.
    pub counter: CounterKey,
}

/// A named limit that neither the key nor its identity has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownLimit(pub String);

/// The limits of a key, and those its identity lends it.
#[derive(Debug, Clone, Copy)]
pub struct Owned<'a> {
    /// Id of the key, which counts its own and ad-hoc limits.
    pub key_id: &'a str,
    /// Limits of the key.
    pub key: &'a [StoredLimit],
    /// Id of the identity, which counts its limits for all its keys together.
    pub identity_id: &'a str,
    /// Limits of the identity; empty without one.
    pub identity: &'a [StoredLimit],
}

impl Owned<'_> {
    /// Which limits one verification counts, sorted by name: every auto-applied one, changed and joined by `requested`.
    ///
    /// A limit of the key replaces the identity's of the same name entirely. A requested limit with both a limit
    /// and a duration is ad hoc; any other names a stored one and may only change its cost.
    ///
    /// # Errors
    /// [`UnknownLimit`] if a requested limit names no stored one.
    pub fn applied(&self, requested: &[RequestedLimit]) -> Result<Vec<Applied>, UnknownLimit> {
        let mut applied: Vec<Applied> = self.stored().filter(|limit| limit.auto_apply).collect();
        for (at, request) in requested.iter().enumerate() {
            if requested.iter().skip(at + 1).any(|later| later.name == request.name) {
                continue;
            }
            applied.retain(|other| other.name != request.name);
            applied.push(self.resolve(request)?);
        }
        applied.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(applied)
    }

    fn stored(&self) -> impl Iterator<Item = Applied> {
        let key = self.key.iter().map(|limit| applied(limit, self.key_id));
        let identity = unshadowed(self.key, self.identity).map(|limit| applied(limit, self.identity_id));
        key.chain(identity)
    }

    fn resolve(&self, request: &RequestedLimit) -> Result<Applied, UnknownLimit> {
        let cost = request.cost.unwrap_or(1);
        if let (Some(limit), Some(duration)) = (request.limit, request.duration) {
            let name = request.name.clone();
            let stored = StoredLimit { id: String::new(), name, limit, duration, auto_apply: false };
            return Ok(Applied { cost, ..applied(&stored, self.key_id) });
        }
        self.stored()
            .find(|limit| limit.name == request.name)
            .map(|limit| Applied { cost, ..limit })
            .ok_or_else(|| UnknownLimit(request.name.clone()))
    }
}

fn applied(limit: &StoredLimit, identifier: &str) -> Applied {
    let scope = format!("limit:{}", limit.name);
    Applied {
        id: limit.id.clone(),
        name: limit.name.clone(),
        limit: limit.limit,
        cost: 1,
        auto_apply: limit.auto_apply,
        counter: CounterKey::new(scope, identifier.to_owned(), limit.duration),
    }
}

/// State of one limit after a verification, as replies show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "VerifyKeyRatelimitData"))]
#[serde(rename_all = "camelCase")]
pub struct LimitState {
    /// Id of the stored limit; empty for an ad-hoc one.
    pub id: String,
    /// Name of the limit.
    pub name: String,
    /// Most cost per window.
    pub limit: i64,
    /// Window in milliseconds.
    pub duration: i64,
    /// End of the current window, in milliseconds since the Unix epoch.
    pub reset: i64,
    /// Cost that still fits.
    pub remaining: i64,
    /// Whether this limit refused the call.
    pub exceeded: bool,
    /// Whether it applies by itself.
    pub auto_apply: bool,
    /// Of a limit that refused, when the same call would pass if nobody else came, in milliseconds since the Unix epoch;
    /// `None` for never. No part of the reply.
    #[serde(skip)]
    pub clears: Option<i64>,
}

impl Applied {
    /// The state to show for an outcome.
    pub fn state(&self, outcome: &ratelimit::Outcome) -> LimitState {
        LimitState {
            id: self.id.clone(),
            name: self.name.clone(),
            limit: self.limit,
            duration: self.counter.duration,
            reset: outcome.reset,
            remaining: outcome.remaining,
            exceeded: outcome.exceeded,
            auto_apply: self.auto_apply,
            clears: outcome.clears,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(name: &str, limit: i64, auto_apply: bool) -> StoredLimit {
        StoredLimit { id: format!("rl_{name}"), name: name.into(), limit, duration: 60_000, auto_apply }
    }

    fn request(name: &str) -> RequestedLimit {
        RequestedLimit { name: name.into(), cost: None, limit: None, duration: None }
    }

    fn names(
        key: &[StoredLimit],
        identity: &[StoredLimit],
        requested: &[RequestedLimit],
    ) -> Vec<(String, i64, String)> {
        let owned = Owned { key_id: "key_1", key, identity_id: "id_1", identity };
        let applied = owned.applied(requested).unwrap();
        applied.into_iter().map(|limit| (limit.name, limit.limit, limit.counter.identifier)).collect()
    }

    #[test]
    fn only_auto_applied_limits_apply_by_themselves() {
        let key = [stored("a", 1, true), stored("b", 2, false)];
        assert_eq!(names(&key, &[], &[]), [("a".into(), 1, "key_1".into())]);
    }

    #[test]
    fn rl_28_key_limit_replaces_the_identity_limit_of_its_name() {
        let both = names(&[stored("x", 5, true)], &[stored("x", 1, true)], &[]);
        assert_eq!(both, [("x".into(), 5, "key_1".into())]);
    }

    #[test]
    fn rl_29_even_when_only_the_identity_limit_applies_by_itself() {
        assert!(names(&[stored("x", 5, false)], &[stored("x", 1, true)], &[]).is_empty());
    }

    #[test]
    fn rl_22_a_lone_limit_is_ignored() {
        let lone = RequestedLimit { limit: Some(1), ..request("rl") };
        assert_eq!(names(&[stored("rl", 10, true)], &[], &[lone]), [("rl".into(), 10, "key_1".into())]);
    }

    #[test]
    fn ad_hoc_limit_replaces_a_stored_one_and_the_last_of_a_name_wins() {
        let ad_hoc = |limit| RequestedLimit { limit: Some(limit), duration: Some(1000), ..request("rl") };
        let owned = Owned { key_id: "key_1", key: &[stored("rl", 10, true)], identity_id: "", identity: &[] };
        let applied = owned.applied(&[ad_hoc(3), ad_hoc(4)]).unwrap();
        assert_eq!(applied.len(), 1);
        assert_eq!((applied[0].limit, applied[0].id.as_str(), applied[0].auto_apply), (4, "", false));
        let unknown_but_replaced = [request("new"), RequestedLimit { name: "new".into(), ..ad_hoc(3) }];
        assert_eq!(owned.applied(&unknown_but_replaced).unwrap().len(), 2);
    }

    #[test]
    fn rl_17_unknown_names_are_refused() {
        let owned = Owned { key_id: "key_1", key: &[], identity_id: "", identity: &[] };
        assert_eq!(owned.applied(&[request("zzz")]), Err(UnknownLimit("zzz".into())));
    }

    #[test]
    fn replacing_keeps_ids_by_name() {
        let input =
            |name: &str| RatelimitInput { name: name.into(), limit: 9, duration: 1000, auto_apply: false };
        let new =
            replace(&[stored("a", 1, true)], vec![input("a"), input("c")], || Ok("rl_new".into())).unwrap();
        assert_eq!(new.iter().map(|limit| limit.id.as_str()).collect::<Vec<_>>(), ["rl_a", "rl_new"]);
        assert_eq!(new[0].limit, 9);
    }
}
