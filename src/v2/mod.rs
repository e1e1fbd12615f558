//! The v2 dialect: Unkey's JSON in and out, over any transport.
//!
//! [`operations`] is the table from operation to handler. A handler checks what the root key may do, calls the same
//! operation as the SQL face, and shapes the reply. Everything is done in one order: authorization header, body, root
//! key, permissions, operation.

mod analytics;
mod apis;
mod batch;
mod caller;
mod identities;
mod keys;
mod operations;
mod permissions;
mod ratelimit;
mod reply;
mod root_keys;

use std::rc::Rc;

use unkey_core::{authorization, id};

use crate::actor::{Actor, acting_as};
use crate::clock;
use crate::error::{Failure, Outcome};
use crate::root_keys::{RootKey, authenticate};
use crate::workspace;
pub use batch::{OPERATION as VERIFY_KEY, Verification, verify_keys};
use caller::Caller;
pub use operations::names;
use reply::Reply;
pub use reply::Response;

/// One call as a transport received it.
#[derive(Default)]
pub struct Call<'a> {
    /// Such as `keys.verifyKey`.
    pub operation: &'a str,
    /// The whole `Authorization` header.
    pub authorization: Option<&'a str>,
    /// JSON text; absent is as good as `{}`.
    pub body: Option<&'a str>,
    /// Address of the client, for allow-lists and the audit log.
    pub ip: Option<String>,
    /// For the audit log.
    pub user_agent: Option<String>,
    /// Shown in the reply and in the audit log; made unless given.
    pub request_id: Option<String>,
    /// Whether `ratelimit.limit` is recorded for analytics.
    pub metrics: bool,
}

impl Call<'_> {
    /// The one given, or a new one.
    fn request_id(&self) -> Outcome<String> {
        Ok(self.request_id.clone().map_or_else(|| id::new("req", clock::now()), Ok)?)
    }
}

/// Answers a call. A caller's mistake is an answer too.
///
/// # Errors
/// Only for what is broken on our side, so that nothing of the call is kept.
pub fn answer(call: Call) -> Outcome<Response> {
    let request_id = call.request_id()?;
    let operation = call.operation;
    match perform(call, &request_id) {
        Ok(reply) => Response::success(&request_id, &reply),
        Err(Failure::Caller(error)) => Response::error(&request_id, operation, error),
        Err(internal) => Err(internal),
    }
}

fn perform(call: Call, request_id: &str) -> Outcome<Reply> {
    let prepare = operations::find(call.operation)?;
    authorization::bearer(call.authorization)?;
    let run = prepare(call.body.unwrap_or("{}"))?;
    let root_key = authenticate(call.authorization)?;
    workspace::admit()?;
    let actor = actor(&call, &root_key, request_id);
    let caller = Caller { root_key, ip: call.ip, metrics: call.metrics };
    acting_as(actor, || run(&caller))
}

/// Who acts in a call.
fn actor(call: &Call, root_key: &RootKey, request_id: &str) -> Rc<Actor> {
    Rc::new(Actor {
        root_key_id: root_key.id.clone(),
        root_key_name: root_key.name.clone(),
        request_id: request_id.to_owned(),
        remote_ip: call.ip.clone(),
        user_agent: call.user_agent.clone(),
    })
}
