//! What a verification would answer and why: the checks of [`decide`](crate::verdict::decide) in their order, each with what
//! it looks at, and when what it refuses would pass. A check that would not be reached is looked at too.
//!
//! [`found`] is about the key itself, [`standing`] about what counts nothing, [`spending`] about limits and credits.

mod found;
mod spending;
mod standing;
mod words;

use serde::Deserialize;
use serde_json::Value;

use crate::Error;
use crate::credits::{Balance, Refill};
use crate::limits::CounterKey;
use crate::permission::Expression;
use crate::ratelimit::Window;
use crate::verdict::{Code, Request, Subject};

pub use found::{Found, Named, Whereabouts};

/// A check, or the verdict at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// There is such a key, and it may be found.
    Found,
    /// Its API is enabled.
    Api,
    /// It is enabled.
    Enabled,
    /// It has not expired.
    Expires,
    /// The client's address is on the allow-lists.
    Ip,
    /// The permission query is satisfied.
    Permissions,
    /// One limit is not exceeded.
    Ratelimit,
    /// The balance covers the cost.
    Credits,
    /// All of them together.
    Verdict,
}

impl Step {
    /// The word in replies.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Found => "found",
            Self::Api => "api",
            Self::Enabled => "enabled",
            Self::Expires => "expires",
            Self::Ip => "ip",
            Self::Permissions => "permissions",
            Self::Ratelimit => "ratelimit",
            Self::Credits => "credits",
            Self::Verdict => "verdict",
        }
    }
}

/// How a check ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It passes.
    Passed,
    /// It decides the verdict.
    Refused,
    /// It is not reached, and would pass.
    WouldPass,
    /// It is not reached, and would refuse.
    WouldRefuse,
}

impl Outcome {
    /// The words in replies.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Refused => "refused",
            Self::WouldPass => "would pass",
            Self::WouldRefuse => "would refuse",
        }
    }

    const fn of(passes: bool, is_reached: bool) -> Self {
        match (passes, is_reached) {
            (true, true) => Self::Passed,
            (false, true) => Self::Refused,
            (true, false) => Self::WouldPass,
            (false, false) => Self::WouldRefuse,
        }
    }
}

/// One row of an explanation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// Which check.
    pub step: Step,
    /// How it ends.
    pub outcome: Outcome,
    /// What a verification answers that comes to an end here.
    pub code: Option<Code>,
    /// When a refusal ends by itself, in milliseconds since the Unix epoch; `None` for never.
    pub clears_at: Option<i64>,
    /// For people.
    pub message: String,
    /// What was looked at.
    pub details: Option<Value>,
}

/// What one check finds, reached or not.
struct Finding {
    step: Step,
    refusal: Option<Refusal>,
    message: String,
    details: Option<Value>,
}

struct Refusal {
    /// `None` where a verification would raise an error.
    code: Option<Code>,
    clears_at: Option<i64>,
}

impl Finding {
    fn new(step: Step, message: impl Into<String>) -> Self {
        Self { step, refusal: None, message: message.into(), details: None }
    }

    fn refused_if(self, refused: bool, code: Code) -> Self {
        let refusal = refused.then_some(Refusal { code: Some(code), clears_at: None });
        Self { refusal, ..self }
    }

    fn clearing(mut self, at: impl FnOnce() -> Option<i64>) -> Self {
        if let Some(refusal) = &mut self.refusal {
            refusal.clears_at = at();
        }
        self
    }

    fn details(self, details: Value) -> Self {
        Self { details: Some(details), ..self }
    }

    /// A mistake of the caller, of which a verification that comes so far tells by an error.
    fn mistaken(step: Step, mistake: Error) -> Self {
        let refusal = Some(Refusal { code: None, clears_at: None });
        Self {
            step,
            refusal,
            message: format!("A verification would raise: {}.", mistake.message),
            details: None,
        }
    }

    fn explained(self, is_reached: bool) -> Explanation {
        let Self { step, refusal, message, details } = self;
        Explanation {
            step,
            outcome: Outcome::of(refusal.is_none(), is_reached),
            code: refusal.as_ref().and_then(|refusal| refusal.code),
            clears_at: refusal.and_then(|refusal| refusal.clears_at),
            message,
            details,
        }
    }
}

/// By which ways a key has a permission.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Grant {
    /// The permission.
    pub slug: String,
    /// Whether it is the key's own.
    pub direct: bool,
    /// The roles of the key that have it.
    pub roles: Vec<String>,
}

/// Credits as they are stored, and how they are refilled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Credits {
    /// Not settled.
    pub balance: Balance,
    /// The refill rule.
    pub refill: Option<Refill>,
}

/// The state that verifications change, looked at and left alone.
pub trait Peek {
    /// How the store fails.
    type Error: From<Error>;

    /// The windows of counters, in their order.
    fn windows(&mut self, counters: &[&CounterKey]) -> Result<Vec<Window>, Self::Error>;

    /// The credits; `None` if the key has no balance after all.
    fn credits(&mut self) -> Result<Option<Credits>, Self::Error>;
}

/// A question about a key, and what is known of it that no verification changes.
pub struct Case<'a> {
    /// Whether it is found.
    pub found: Found<'a>,
    /// The key; `None` if there is none whose checks could be looked at.
    pub subject: Option<Subject<'a>>,
    /// What is asked.
    pub request: Request<'a>,
    /// How it came to its permissions.
    pub grants: &'a [Grant],
}

/// Explains what a verification would answer.
///
/// # Errors
/// Those that the verification would raise, or the store's own.
pub fn explain<P: Peek>(case: &Case, peek: &mut P) -> Result<Vec<Explanation>, P::Error> {
    let Case { found, subject, request, grants } = case;
    let mut chain = Chain::default();
    chain.add([found::found(found)]);
    if let Some(subject) = subject {
        if chain.is_valid()
            && let Some(query) = request.permissions
        {
            // A verification reads the query before it looks at anything of a key.
            Expression::parse(query)?;
        }
        for finding in standing::findings(subject, request, grants) {
            chain.add([finding]);
        }
        chain.add(spending::limits(subject, request, peek, chain.is_valid())?);
        chain.add([spending::credits(request, peek, subject.metered)?]);
    }
    Ok(chain.ended(subject.and_then(|subject| subject.expires)))
}

/// The rows so far.
#[derive(Default)]
struct Chain {
    rows: Vec<Explanation>,
    /// What a verification answers, unless it is still valid.
    refused: Option<Code>,
}

impl Chain {
    const fn is_valid(&self) -> bool {
        self.refused.is_none()
    }

    /// Adds checks that are made together.
    fn add(&mut self, findings: impl IntoIterator<Item = Finding>) {
        let is_reached = self.is_valid();
        for finding in findings {
            let row = finding.explained(is_reached);
            self.refused = self.refused.or(row.code);
            self.rows.push(row);
        }
    }

    /// When the last of all that refuses would pass; `None` for never.
    fn clears_at(&self) -> Option<i64> {
        let refusing = |row: &&Explanation| matches!(row.outcome, Outcome::Refused | Outcome::WouldRefuse);
        let clear: Option<Vec<i64>> = self.rows.iter().filter(refusing).map(|row| row.clears_at).collect();
        clear?.into_iter().max()
    }

    fn ended(mut self, expires: Option<i64>) -> Vec<Explanation> {
        let clears_at = self.clears_at();
        let is_too_late = clears_at.is_some_and(|at| is_expired(expires, at));
        let later = match (self.refused, clears_at) {
            (None, _) => String::new(),
            (Some(_), None) => ", and waiting does not make it VALID".to_owned(),
            (Some(_), Some(_)) if is_too_late => ", and the key expires before it would be VALID".to_owned(),
            (Some(_), Some(at)) => {
                format!(", and VALID from {} on if nobody uses the key until then", words::instant(at))
            }
        };
        let code = self.refused.unwrap_or(Code::Valid);
        self.rows.push(Explanation {
            step: Step::Verdict,
            outcome: Outcome::of(self.is_valid(), true),
            code: Some(code),
            clears_at: clears_at.filter(|_| !is_too_late),
            message: format!("A verification answers {}{later}.", code.as_str()),
            details: None,
        });
        self.rows
    }
}

const fn is_expired(expires: Option<i64>, now: i64) -> bool {
    matches!(expires, Some(expires) if now > expires)
}
