//! The one ordered decision: what a verification answers, and what it counts and spends on the way.
//!
//! The order is Unkey's. A check runs only while the key is still valid, so a call refused early costs nothing:
//! API enabled, key enabled, not expired, address allowed, permissions, rate limits, credits.
//! Limits that passed stay counted when the credits then fail.

use std::borrow::Cow;
use std::net::IpAddr;

use ipnet::IpNet;

use crate::document::RequestedLimit;
use crate::limits::{Applied, CounterKey, LimitState, Owned, UnknownLimit};
use crate::permission::Expression;
use crate::ratelimit::Batch;
use crate::{Error, Kind, network};

/// What a verification answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// Everything passed.
    Valid,
    /// No such key, or a deleted one, or not of the API asked for.
    NotFound,
    /// The API is disabled, or the address is not on an allow-list.
    Forbidden,
    /// The permission query is not satisfied.
    InsufficientPermissions,
    /// Too few credits.
    UsageExceeded,
    /// A rate limit refused.
    RateLimited,
    /// The key is disabled.
    Disabled,
    /// The key has expired.
    Expired,
}

impl Code {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Valid,
        Self::NotFound,
        Self::Forbidden,
        Self::InsufficientPermissions,
        Self::UsageExceeded,
        Self::RateLimited,
        Self::Disabled,
        Self::Expired,
    ];

    /// The word in replies.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Valid => "VALID",
            Self::NotFound => "NOT_FOUND",
            Self::Forbidden => "FORBIDDEN",
            Self::InsufficientPermissions => "INSUFFICIENT_PERMISSIONS",
            Self::UsageExceeded => "USAGE_EXCEEDED",
            Self::RateLimited => "RATE_LIMITED",
            Self::Disabled => "DISABLED",
            Self::Expired => "EXPIRED",
        }
    }
}

/// The facts about a found key that a verdict needs and that no verification changes.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Whether the key's API is enabled.
    pub api_enabled: bool,
    /// Whether the key is enabled.
    pub enabled: bool,
    /// Milliseconds since the Unix epoch after which the key is invalid.
    pub expires: Option<i64>,
    /// Allow-lists of the API and of the key; an address must be on both, and an empty list lets all through.
    pub allowlists: [&'a [IpNet]; 2],
    /// Effective permissions: direct and through roles.
    pub permissions: &'a [String],
    /// Stored limits.
    pub limits: Owned<'a>,
    /// Those of them that apply when the request names none: `limits.applied(&[])`.
    pub automatic: &'a [Applied],
    /// Whether the key has a credit balance.
    pub metered: bool,
}

/// What one verification asks.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Permission query.
    pub permissions: Option<&'a str>,
    /// Credits to spend; `None` is 1.
    pub cost: Option<i64>,
    /// Limits named by the caller.
    pub ratelimits: &'a [RequestedLimit],
    /// Address of the client.
    pub ip: Option<IpAddr>,
    /// Milliseconds since the Unix epoch.
    pub now: i64,
}

/// One cost to count against one limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Take<'a> {
    /// Where it is counted.
    pub counter: &'a CounterKey,
    /// Most cost per window.
    pub limit: i64,
    /// Cost.
    pub cost: i64,
}

/// What is left after trying to spend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spent {
    /// Whether the balance covered the cost.
    pub covered: bool,
    /// Balance afterwards; unchanged if not covered.
    pub remaining: i64,
}

/// The state that verifications change. One atomic step each.
pub trait Ledger {
    /// How the store fails.
    type Error: From<Error>;

    /// Counts every cost, or none if one limit refuses; outcomes in the order of `takes`.
    fn take(&mut self, takes: &[Take]) -> Result<Batch, Self::Error>;

    /// Spends credits if the balance covers them; a cost of 0 only reads the balance.
    /// `None` if the key has no balance after all.
    fn spend(&mut self, cost: i64) -> Result<Option<Spent>, Self::Error>;
}

/// The answer about a found key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The answer.
    pub code: Code,
    /// Credits actually spent.
    pub spent: i64,
    /// Balance after the call; `None` for unlimited.
    pub credits: Option<i64>,
    /// Limits that were evaluated, in the order of their names.
    pub ratelimits: Vec<LimitState>,
}

/// Decides about a found key.
///
/// # Errors
/// Permission query with a syntax error; a named limit that is not stored; or the ledger's own.
pub fn decide<L: Ledger>(subject: &Subject, request: &Request, ledger: &mut L) -> Result<Verdict, L::Error> {
    let mut verdict =
        Verdict { code: standing(subject, request)?, spent: 0, credits: None, ratelimits: Vec::new() };
    if verdict.code == Code::Valid {
        count(subject, request, ledger, &mut verdict)?;
    }
    if subject.metered {
        charge(request, ledger, &mut verdict)?;
    }
    Ok(verdict)
}

/// The checks that count and spend nothing.
///
/// # Errors
/// Permission query with a syntax error.
pub fn standing(subject: &Subject, request: &Request) -> Result<Code, Error> {
    let query = request.permissions.map(Expression::parse).transpose()?;
    let allowed = || subject.allowlists.iter().all(|list| network::allows(list, request.ip));
    let holds = |slug: &str| subject.permissions.iter().any(|held| held == slug);
    Ok(if !subject.api_enabled {
        Code::Forbidden
    } else if !subject.enabled {
        Code::Disabled
    } else if subject.expires.is_some_and(|expires| request.now > expires) {
        Code::Expired
    } else if !allowed() {
        Code::Forbidden
    } else if !query.is_none_or(|query| query.evaluate(holds)) {
        Code::InsufficientPermissions
    } else {
        Code::Valid
    })
}

fn count<L: Ledger>(
    subject: &Subject,
    request: &Request,
    ledger: &mut L,
    verdict: &mut Verdict,
) -> Result<(), L::Error> {
    let applied = applied(subject, request).map_err(|unknown| unknown_limit(subject, &unknown))?;
    if applied.is_empty() {
        return Ok(());
    }
    let batch = ledger.take(&applied.iter().map(take).collect::<Vec<_>>())?;
    verdict.ratelimits =
        applied.iter().zip(&batch.outcomes).map(|(limit, outcome)| limit.state(outcome)).collect();
    if !batch.passed {
        verdict.code = Code::RateLimited;
    }
    Ok(())
}

/// The limits that a verification counts.
pub(crate) fn applied<'a>(
    subject: &Subject<'a>,
    request: &Request,
) -> std::result::Result<Cow<'a, [Applied]>, UnknownLimit> {
    match request.ratelimits {
        [] => Ok(subject.automatic.into()),
        requested => Ok(subject.limits.applied(requested)?.into()),
    }
}

fn take(applied: &Applied) -> Take<'_> {
    Take { counter: &applied.counter, limit: applied.limit, cost: applied.cost }
}

/// The mistake of naming a limit that is not stored.
pub(crate) fn unknown_limit(subject: &Subject, UnknownLimit(name): &UnknownLimit) -> Error {
    let Owned { key_id, identity_id, .. } = subject.limits;
    let owner = match identity_id {
        "" => format!("key '{key_id}'"),
        identity => format!("key '{key_id}' or identity '{identity}'"),
    };
    let message = format!("ratelimits names the limit '{name}', which does not exist on {owner}");
    Error { argument: Some("ratelimits".into()), ..Error::new(Kind::PreconditionFailed, message) }.hint(
        "Create the limit on the key or its identity, or send both limit and duration for an ad-hoc limit.",
    )
}

/// Spends if still valid, and always reports the balance.
fn charge<L: Ledger>(request: &Request, ledger: &mut L, verdict: &mut Verdict) -> Result<(), L::Error> {
    let valid = verdict.code == Code::Valid;
    let cost = if valid { request.cost.unwrap_or(1) } else { 0 };
    let Some(spent) = ledger.spend(cost)? else { return Ok(()) };
    verdict.credits = Some(spent.remaining);
    if !spent.covered {
        verdict.code = Code::UsageExceeded;
    } else {
        verdict.spent = cost;
    }
    Ok(())
}
