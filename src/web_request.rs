//! Who sends the request that PostgREST, or a server like it, runs this transaction for.
//!
//! The server describes the request in settings; here its key is verified, and becomes the principal or a refusal. The rules
//! are in `unkey_core::web_request`.

use std::ffi::CStr;

use unkey_core::limits::LimitState;
use unkey_core::verdict::Code;
use unkey_core::web_request::refusal::{Refusal, Refused};
use unkey_core::web_request::settings::{Bearer, claims, response_headers};
use unkey_core::web_request::{WebRequest, fields, is_header_name};
use unkey_core::{Error, Kind};

use crate::clock;
use crate::error::Outcome;
use crate::principal::{self, Keep};
use crate::question::{Arguments, Question, Scope};
use crate::settings::web_request as settings;
use crate::store::record::Record;
use crate::store::setting;
use crate::store::statement::is_read_only;
use crate::verify::{self, Answer, Found};

const HEADERS: &CStr = c"request.headers";
const CLAIMS: &CStr = c"request.jwt.claims";
const RESPONSE_HEADERS: &CStr = c"response.headers";
/// Not PostgREST's: a server that knows where its client is says so here, in each transaction.
const CLIENT_ADDRESS: &CStr = c"request.client_address";

/// What a request came to.
pub enum Answered {
    /// Its key is valid, and the principal now.
    Valid(Answer),
    Refused(Refusal),
}

/// Verifies the key of the running request as the settings say.
pub fn pre_request() -> Outcome<Answered> {
    let arguments = Arguments {
        cost: (!is_read_only()).then(settings::cost),
        ratelimits: settings::ratelimits(),
        scope: Scope { apis: settings::api_id().map(|api_id| vec![api_id]), keyspaces: None },
        ..Arguments::default()
    };
    let request = current()?;
    let question = question(&request, arguments).map_err(|mistake| {
        // Nothing else of the arguments can be wrong.
        mistake.renamed(|path| path.replacen("ratelimits", "unkey.request_ratelimits", 1))
    })?;
    answer(request, question, None)
}

/// Verifies the key of the running request. `header` goes before the setting.
pub fn authenticate(arguments: Arguments, header: Option<String>) -> Outcome<Answered> {
    let request = current()?;
    let question = question(&request, arguments)?;
    answer(request, question, header)
}

fn current() -> Outcome<WebRequest> {
    let headers = setting::get(HEADERS).ok_or_else(no_request)?;
    let text = |name| setting::get(name).unwrap_or_default();
    Ok(WebRequest::read(&headers, &text(c"request.method"), &text(c"request.path"))?)
}

fn no_request() -> Error {
    Error::new(Kind::PreconditionFailed, "there is no request here: the setting request.headers is empty")
        .hint("PostgREST sets it and calls the function named by db-pre-request, unkey-http the one of --pre-request.")
}

fn question(request: &WebRequest, arguments: Arguments) -> unkey_core::Result<Question> {
    let arguments = Arguments {
        cost: arguments.cost.or_else(|| is_read_only().then_some(0)),
        ratelimits: arguments.ratelimits.map(|limits| request.scoped(limits)),
        tags: request.tags(arguments.tags),
        ip: address(request),
        ..arguments
    };
    arguments.check()
}

/// What the server says, or else a proxy's header.
fn address(request: &WebRequest) -> Option<String> {
    match setting::get(CLIENT_ADDRESS) {
        Some(address) => address.parse().ok(),
        None => settings::ip_header().and_then(|header| request.address_in(&header)),
    }
    .map(|address: std::net::IpAddr| address.to_string())
}

fn answer(mut request: WebRequest, question: Question, header: Option<String>) -> Outcome<Answered> {
    let argument = if header.is_some() { "header" } else { "unkey.request_header" };
    let header = header.or_else(settings::header);
    if !header.as_deref().is_none_or(is_header_name) {
        return Err(Error::invalid(argument, "must be the name of a header").into());
    }
    let Some(key) = request.take_key(header.as_deref()) else {
        return Ok(Answered::Refused(Refusal::missing_key(header.as_deref())));
    };
    let answer = verify::verify_or_refuse(key.text(), &question)?;
    match refusal(&answer, question.cost()) {
        Some(refusal) => Ok(Answered::Refused(refusal)),
        None => {
            setting::set_local(HEADERS, &request.headers()?)?;
            if let Some(found) = &answer {
                tell(found)?;
            }
            principal::adopt(Some(key.text()), question, &answer, Keep::Transaction);
            Ok(Answered::Valid(answer))
        }
    }
}

fn refusal(answer: &Answer, cost: i64) -> Option<Refusal> {
    let found = answer.as_ref();
    let refill = found.and_then(|found| found.key.refill());
    Refusal::of(&Refused {
        code: found.map_or(Code::NotFound, |found| found.code),
        limits: found.map_or(&[], |found| &found.ratelimits),
        refill: refill.as_ref(),
        cost,
        now: clock::now(),
    })
}

/// Tells others of a valid key: those who read claims, and the client of its limits.
fn tell(found: &Found) -> Outcome<()> {
    let old = setting::get(CLAIMS).unwrap_or_default();
    setting::set_local(CLAIMS, &claims(&old, &bearer(&found.key))?)?;
    set_headers(&fields::fields(&found.ratelimits, clock::now()))
}

/// Tells the client of a limit that refused it, and when it may come again.
pub fn tell_refusal(limit: &LimitState, now: i64) -> Outcome<()> {
    set_headers(&fields::refused(limit, now))
}

/// Sets headers of the reply, where PostgREST and unkey-http look for them.
fn set_headers(fields: &[(&str, String)]) -> Outcome<()> {
    if !fields.is_empty() {
        let old = setting::get(RESPONSE_HEADERS).unwrap_or_default();
        setting::set_local(RESPONSE_HEADERS, &response_headers(&old, fields)?)?;
    }
    Ok(())
}

fn bearer(key: &Record) -> Bearer<'_> {
    let identity = key.identity.as_ref();
    Bearer {
        key_id: &key.id,
        external_id: identity.map(|identity| identity.external_id.as_str()),
        identity_id: identity.map(|identity| identity.id.as_str()),
        roles: &key.roles,
        permissions: &key.permissions,
    }
}
