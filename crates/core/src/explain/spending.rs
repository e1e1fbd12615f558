//! Rate limits and credits, of which nothing is counted or spent here.

use serde_json::{Value, json};

use super::{Credits, Finding, Peek, Step, words};
use crate::clearing;
use crate::limits::{Applied, LimitState};
use crate::ratelimit::{Check, Counter, Standing, judge};
use crate::verdict::{Code, Request, Subject, applied, unknown_limit};

/// One finding for each limit that applies.
///
/// # Errors
/// A named limit that is not stored, if a verification comes so far; or the store's own.
pub(super) fn limits<P: Peek>(
    subject: &Subject,
    request: &Request,
    peek: &mut P,
    is_reached: bool,
) -> Result<Vec<Finding>, P::Error> {
    let applied = applied(subject, request).map_err(|unknown| unknown_limit(subject, &unknown));
    let applied = match applied {
        Ok(applied) if applied.is_empty() => {
            return Ok(vec![Finding::new(Step::Ratelimit, "No limit applies.")]);
        }
        Ok(applied) => applied,
        Err(mistake) if is_reached => return Err(mistake.into()),
        Err(mistake) => return Ok(vec![Finding::mistaken(Step::Ratelimit, mistake)]),
    };
    let windows = peek.windows(&applied.iter().map(|limit| &limit.counter).collect::<Vec<_>>())?;
    let counter = |(limit, window): (&Applied, _)| Counter { duration: limit.counter.duration, window };
    let counters: Vec<Counter> = applied.iter().zip(windows).map(counter).collect();
    let checks = applied.iter().enumerate();
    let checks: Vec<Check> =
        checks.map(|(counter, limit)| Check { counter, limit: limit.limit, cost: limit.cost }).collect();
    let judged = judge(&checks, &mut counters.clone(), request.now);
    let states = applied.iter().zip(&judged.outcomes).map(|(limit, outcome)| limit.state(outcome));
    let looks = applied.iter().zip(&counters).zip(states);
    Ok(looks
        .map(|((limit, counter), state)| Look { limit, counter, state }.finding(subject, request.now))
        .collect())
}

/// One limit, with its counter and what would become of it.
struct Look<'a> {
    limit: &'a Applied,
    counter: &'a Counter,
    state: LimitState,
}

impl Look<'_> {
    fn finding(&self, subject: &Subject, now: i64) -> Finding {
        let (owner, standing) = (self.owner(subject), Standing::at(self.counter, now));
        let Applied { name, limit, cost, .. } = self.limit;
        let message = format!(
            "{name} of the {owner}: {} of {limit} used in {}, cost {cost}{}.",
            standing.used(),
            words::duration(self.counter.duration),
            if cost > limit { ", more than it ever lets through" } else { "" }
        );
        Finding::new(Step::Ratelimit, message)
            .refused_if(self.state.exceeded, Code::RateLimited)
            .clearing(|| self.state.clears)
            .details(self.details(owner, &standing))
    }

    /// Who counts: the key its own limits and those that only the request knows, an identity its own.
    fn owner(&self, subject: &Subject) -> &'static str {
        match self.limit {
            Applied { id, .. } if id.is_empty() => "request",
            Applied { counter, .. } if counter.identifier == subject.limits.key_id => "key",
            _ => "identity",
        }
    }

    fn details(&self, owner: &str, standing: &Standing) -> Value {
        let window = standing.counted();
        let LimitState { id, name, limit, duration, reset, remaining, exceeded, auto_apply, .. } =
            &self.state;
        json!({
            "id": id, "name": name, "owner": owner, "limit": limit, "duration": duration, "autoApply": auto_apply,
            "cost": self.limit.cost, "current": window.current, "previous": window.previous, "used": standing.used(),
            "remaining": remaining, "exceeded": exceeded, "reset": reset,
        })
    }
}

/// Whether the balance covers the cost.
///
/// # Errors
/// The store's own.
pub(super) fn credits<P: Peek>(request: &Request, peek: &mut P, metered: bool) -> Result<Finding, P::Error> {
    let stored = if metered { peek.credits()? } else { None };
    let Some(Credits { balance, refill: refilling }) = stored else {
        return Ok(Finding::new(Step::Credits, "The key has no balance to spend."));
    };
    let (balance, cost) = (balance.settle(refilling.as_ref(), request.now), request.cost.unwrap_or(1));
    let next = refilling.and_then(|refill| Some((refill, refill.next(balance.settled_at)?)));
    let refilled = match next {
        None => "no refill will come".to_owned(),
        Some((refill, at)) => format!("the next refill, to {}, is at {}", refill.amount, words::instant(at)),
    };
    let refill = next.map(|(refill, at)| {
        json!({"interval": refill.interval(), "amount": refill.amount, "refillDay": refill.day, "nextAt": at})
    });
    let message = format!("Balance {}, cost {cost}; {refilled}.", balance.remaining);
    Ok(Finding::new(Step::Credits, message)
        .refused_if(balance.spend(cost).is_err(), Code::UsageExceeded)
        .clearing(|| clearing::of_credits(refilling.as_ref(), cost, balance.settled_at))
        .details(json!({"remaining": balance.remaining, "cost": cost, "refill": refill})))
}
