//! Many calls of `keys.verifyKey` at once: each is answered as if it came alone, and all share what they have in common.
//!
//! The steps are those of one call, in its order; a call that is out after a step takes no part in the next. The
//! workspace's limit is counted before the limits of keys, as by a call alone, so that all lock in one order.

use std::collections::HashMap;
use std::rc::Rc;

use unkey_core::request::Request;
use unkey_core::{Error, Result, authorization};

use super::caller::Caller;
use super::keys::{self, Verify};
use super::reply::Response;
use super::{Call, actor};
use crate::actor::Actor;
use crate::error::{Failure, Outcome, answered};
use crate::question::Question;
use crate::root_keys::{RootKey, authenticate};
use crate::store::unhurried::is_durable;
use crate::verify::{self, Answer, Asked, Sought, verify_each};
use crate::workspace;

/// The operation of every call.
pub const OPERATION: &str = "keys.verifyKey";

/// What a transport sends back for one call, and what came of it in one word.
pub struct Verification {
    pub response: Response,
    /// The verdict, such as `VALID`; of a refused call the last part of its error's type.
    pub outcome: &'static str,
    /// Whether whoever gets it must know that its transaction committed.
    pub durable: bool,
}

/// Why a call is out.
enum Out {
    Refused(Error),
    /// It needs a subtransaction of its own.
    Alone,
}

impl From<Error> for Out {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

/// What a step made of one call.
type Step<T> = std::result::Result<T, Out>;

/// Answers calls, in their order; `None` for one that must be asked alone, for which nothing was done.
///
/// # Errors
/// Only for what is broken on our side, so that nothing of any call is kept.
pub fn verify_keys(calls: &[Call]) -> Outcome<Vec<Option<Verification>>> {
    let request_ids = calls.iter().map(Call::request_id).collect::<Outcome<Vec<_>>>()?;
    let identified = identify(calls)?;
    let admitted = admit(identified)?;
    let inquiries: Vec<Step<Inquiry>> = admitted
        .into_iter()
        .zip(calls.iter().zip(&request_ids))
        .map(|(step, (call, request_id))| Inquiry::new(step?, call, request_id))
        .collect();
    let asked: Vec<Asked> = inquiries.iter().flatten().map(Inquiry::asked).collect();
    let mut answers = verify_each(&asked)?.into_iter();
    let durable = is_durable();
    let reply = |(inquiry, request_id): (&Step<Inquiry>, &String)| match inquiry {
        Ok(_) => match answers.next() {
            Some(answer) => reply(request_id, answer, durable).map(Some),
            None => Err(Failure::Internal("a verification has no answer".into())),
        },
        Err(Out::Refused(error)) => reply(request_id, Err(error.clone()), durable).map(Some),
        Err(Out::Alone) => Ok(None),
    };
    inquiries.iter().zip(&request_ids).map(reply).collect()
}

/// What a call brings that can be judged without the database.
fn read(call: &Call) -> Step<Verify> {
    authorization::bearer(call.authorization)?;
    let request = Verify::read(call.body.unwrap_or("{}"))?;
    match request.question.migration_id {
        None => Ok(request),
        Some(_) => Err(Out::Alone),
    }
}

/// A request and who makes it.
type Identified = (Verify, Rc<RootKey>);

/// Reads every call and finds its root key.
fn identify(calls: &[Call]) -> Outcome<Vec<Step<Identified>>> {
    let mut known = RootKeys::default();
    let identify = |call: &Call| match read(call) {
        Ok(request) => {
            let root_key = known.get(call.authorization)?;
            Ok(root_key.map(|root_key| (request, root_key)).map_err(Out::from))
        }
        Err(out) => Ok(Err(out)),
    };
    calls.iter().map(identify).collect()
}

/// What is known by now about `Authorization` headers, so that each is looked up once.
#[derive(Default)]
struct RootKeys(HashMap<String, Result<Rc<RootKey>>>);

impl RootKeys {
    fn get(&mut self, authorization: Option<&str>) -> Outcome<Result<Rc<RootKey>>> {
        let text = authorization.unwrap_or_default();
        if let Some(known) = self.0.get(text) {
            return Ok(known.clone());
        }
        let found = answered(authenticate(authorization))?;
        self.0.insert(text.to_owned(), found.clone());
        Ok(found)
    }
}

/// Counts the calls that are not out yet against the workspace's limit; those beyond it are refused.
fn admit(mut calls: Vec<Step<Identified>>) -> Outcome<Vec<Step<Identified>>> {
    let waiting = calls.iter().flatten().count();
    if waiting == 0 {
        return Ok(calls);
    }
    let (admitted, refusal) = workspace::admit_first(waiting)?;
    if let Some(refusal) = refusal {
        for call in calls.iter_mut().filter(|call| call.is_ok()).skip(admitted) {
            *call = Err(Out::Refused(refusal.clone()));
        }
    }
    Ok(calls)
}

/// What a root key asks about a key. Holds its text, so it has no `Debug`.
struct Inquiry {
    key: String,
    question: Question,
    actor: Rc<Actor>,
}

impl Inquiry {
    fn new((request, root_key): Identified, call: &Call, request_id: &str) -> Step<Self> {
        let actor = actor(call, &root_key, request_id);
        let caller = Caller { root_key, ip: call.ip.clone(), metrics: call.metrics };
        let Verify { key, question } = request.by(&caller)?;
        Ok(Self { key, question, actor })
    }

    fn asked(&self) -> Asked<'_> {
        Asked {
            sought: Sought::Text(Some(&self.key)),
            question: &self.question,
            actor: Some(self.actor.clone()),
        }
    }
}

fn reply(request_id: &str, answer: Result<Answer>, durable: bool) -> Outcome<Verification> {
    match answer {
        Ok(answer) => {
            let response = Response::success(request_id, &keys::verified(&answer)?)?;
            Ok(Verification { response, outcome: verify::code(&answer).as_str(), durable })
        }
        Err(error) => {
            let outcome = error.kind.facts().code.rsplit('/').next().unwrap_or_default();
            Ok(Verification { response: Response::error(request_id, OPERATION, error)?, outcome, durable })
        }
    }
}
