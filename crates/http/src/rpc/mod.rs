//! The functions of the extension over HTTP, as PostgREST clients call them: `POST /rpc/unkey_verify_key`.
//!
//! A request passes through these files in this order: [`role`] ([`jwt`], [`claims`]) says who calls; [`query`] sorts the
//! query string; [`arguments`] reads the arguments, and [`resolve`] finds in the [`catalog`], as it is [`known`], the function that takes them;
//! [`accept`] and [`prefer`] say what is wanted; [`session`] and [`statement`] write the SQL, the latter with the help of
//! [`select`], [`filters`] ([`operator`]), [`order`] and [`range`]; [`transaction`] runs it; [`outcome`] is what is sent
//! back, or [`error`] ([`sqlstate`]).

pub mod accept;
pub mod arguments;
pub mod catalog;
pub mod claims;
pub mod error;
pub mod field;
pub mod filters;
pub mod jwt;
pub mod known;
pub mod openapi;
pub mod operator;
pub mod order;
pub mod outcome;
pub mod prefer;
#[cfg(test)]
mod properties;
pub mod query;
pub mod range;
pub mod resolve;
pub mod role;
pub mod scanner;
pub mod select;
pub mod session;
pub mod sql;
pub mod sqlstate;
pub mod statement;
pub mod transaction;

use std::sync::Arc;

use axum::http::header::{ACCEPT, ALLOW, CONTENT_TYPE, RANGE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::db::Database;
use crate::db::failure::Failure;
use crate::settings::Settings;
use accept::Form;
use arguments::Arguments;
use catalog::{Catalog, Function, Shape};
use error::{Error, Result};
use jwt::Keys;
use known::Cache;
use outcome::{Outcome, Terms};
use prefer::Preferences;
use query::Query;
use role::{Caller, Gate};
use session::Setup;
use statement::Wanted;
use transaction::Transaction;

const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// Answers calls of functions.
pub struct Rpc {
    gate: Gate,
    setup: Setup,
    catalog: Cache,
}

impl Rpc {
    /// As set up; `None` if nobody could call anything.
    ///
    /// # Errors
    /// What is wrong with the secret.
    pub fn new(settings: &Settings) -> Result<Option<Self>, String> {
        if settings.jwt_secret.is_none() && settings.anonymous_role.is_none() {
            return Ok(None);
        }
        let gate = Gate {
            keys: settings.jwt_secret.as_deref().map(Keys::read).transpose()?,
            audience: settings.jwt_audience.clone(),
            place: settings.jwt_role_claim.clone(),
            anonymous: settings.anonymous_role.clone(),
            only_tokens: settings.pre_request.is_some(),
        };
        let pre_request = settings.pre_request.as_ref().map(session::pre_request);
        let setup = Setup { pre_request, schema: settings.rpc_schema.clone() };
        Ok(Some(Self { gate, setup, catalog: Cache::new(settings.rpc_schema.clone()) }))
    }

    /// Whether callers are known by the key that a function finds in their requests.
    pub fn takes_keys(&self) -> bool {
        self.setup.pre_request.is_some()
    }

    /// What there is to call, for the OpenAPI document.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn catalog(&self, database: &Database) -> std::result::Result<Arc<Catalog>, Failure> {
        self.catalog.current(database).await
    }

    /// Answers a request for `name`.
    pub async fn answer(&self, database: &Database, name: &str, request: &Parts, body: &str) -> Response {
        let result = self.call(database, name, request, body).await;
        result.unwrap_or_else(IntoResponse::into_response)
    }

    async fn call(&self, database: &Database, name: &str, request: &Parts, body: &str) -> Result<Response> {
        if ![Method::GET, Method::HEAD, Method::POST, Method::OPTIONS].contains(&request.method) {
            return Err(Error::method(request.method.as_str(), "OPTIONS, GET, HEAD, POST"));
        }
        let caller = self.gate.caller(&request.headers)?;
        let failed = |failure| failed(&failure, &caller);
        let known = self.catalog.current(database).await.map_err(failed)?;
        let asked = Asked { caller: &caller, name, request, body, setup: &self.setup };
        let result = asked.perform(database, &known).await;
        if !result.as_ref().is_err_and(Error::is_about_a_function) {
            return result;
        }
        // The extension may have been made or updated since. What was refused so was not done.
        let newer = self.catalog.refreshed(database).await.map_err(failed)?;
        if Arc::ptr_eq(&known, &newer) {
            return result;
        }
        asked.perform(database, &newer).await
    }
}

/// A request, who sends it, and what it asks for.
struct Asked<'a> {
    caller: &'a Caller,
    name: &'a str,
    request: &'a Parts,
    body: &'a str,
    setup: &'a Setup,
}

impl Asked<'_> {
    async fn perform(&self, database: &Database, catalog: &Catalog) -> Result<Response> {
        let Self { caller, name, request, body, .. } = self;
        if request.method == Method::OPTIONS && !catalog.named(name).is_empty() {
            return Ok(options(catalog.named(name)));
        }
        let mut call = Call::read(catalog, name, request, body)?;
        let mut outcome = database.transaction(&call.transaction(self)?).await;
        if outcome.as_ref().is_err_and(|failure| call.preferences.has_no_such_zone(failure)) {
            call.preferences.leave_zone_out()?;
            outcome = database.transaction(&call.transaction(self)?).await;
        }
        Ok(call.reply(outcome.map_err(|failure| failed(&failure, caller))??))
    }
}

fn failed(failure: &Failure, caller: &Caller) -> Error {
    let error = Error::of_failure(failure, caller.known);
    if error.status.is_server_error() {
        tracing::warn!(%failure, "a call of a function failed");
    }
    error
}

/// A request that fits a function.
struct Call<'a> {
    function: &'a Function,
    given: Vec<&'a str>,
    document: String,
    query: Query,
    preferences: Preferences,
    form: Form,
}

impl<'a> Call<'a> {
    fn read(catalog: &'a Catalog, name: &str, request: &Parts, body: &str) -> Result<Self> {
        let reads = matches!(request.method, Method::GET | Method::HEAD);
        let mut query = Query::parse(request.uri.query().unwrap_or_default(), catalog.named(name), reads)?;
        let arguments = if reads {
            Arguments::Text(std::mem::take(&mut query.arguments))
        } else {
            Arguments::of_body(text(&request.headers, CONTENT_TYPE), body, query.columns.as_ref())?
        };
        let function = resolve::resolve(catalog, name, &arguments.names())?;
        let names = arguments.names();
        let known = function.arguments.iter().map(|argument| argument.name.as_str());
        Ok(Self {
            function,
            given: known.filter(|name| names.contains(name)).collect(),
            document: arguments.document(function)?,
            query,
            preferences: Preferences::parse(&request.headers)?,
            form: Form::negotiate(text(&request.headers, ACCEPT).unwrap_or_default(), function)?,
        })
    }

    fn transaction<'t>(&'t self, asked: &Asked<'t>) -> Result<Transaction<'t>> {
        let Asked { caller, request, setup, .. } = *asked;
        let reads = request.method != Method::POST;
        let header = text(&request.headers, RANGE).filter(|_| request.method == Method::GET);
        let shaping = self.query.shaping(header)?;
        let wanted = Wanted { form: self.form, total: self.preferences.count.is_some() };
        let call = statement::call(self.function, &self.document, &self.given, &shaping, wanted)?;
        Ok(Transaction {
            writes: self.function.volatile && !reads,
            settings: session::settings(request, caller, self.preferences.timezone.as_deref(), setup),
            before: setup.pre_request.as_ref(),
            call,
            terms: Terms {
                function: self.function,
                form: self.form,
                labels: self.labels(&shaping),
                range: shaping.range,
                preferences: &self.preferences,
            },
        })
    }

    fn labels(&self, shaping: &query::Shaping) -> Vec<String> {
        match self.function.shape {
            Shape::Row => {
                select::labels(&shaping.select, self.function).into_iter().map(str::to_owned).collect()
            }
            _ => vec!["value".to_owned()],
        }
    }

    fn reply(&self, outcome: Outcome) -> Response {
        let has_body = outcome.status != StatusCode::NO_CONTENT;
        let mut response = (outcome.status, outcome.body).into_response();
        let headers = response.headers_mut();
        headers.remove(CONTENT_TYPE);
        if has_body {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.form.content_type()));
        }
        if let Some(applied) = self.preferences.applied().and_then(|text| HeaderValue::from_str(&text).ok()) {
            headers.insert(PREFERENCE_APPLIED, applied);
        }
        headers.extend(outcome.headers);
        response
    }
}

/// How functions may be called.
fn options(functions: &[Function]) -> Response {
    let reads = functions.iter().any(|function| !function.volatile);
    let allowed = if reads { "OPTIONS, GET, HEAD, POST" } else { "OPTIONS, POST" };
    (StatusCode::OK, [(ALLOW, allowed)]).into_response()
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn set_up(flags: &[&str]) -> std::result::Result<bool, String> {
        let flags = ["unkey-http", "--database-url=postgres://"].iter().chain(flags);
        Rpc::new(&Settings::parse_from(flags)).map(|rpc| rpc.is_some())
    }

    #[test]
    fn without_anybody_who_could_call_there_is_nothing() {
        assert_eq!(set_up(&[]), Ok(false));
        assert_eq!(set_up(&["--anonymous-role=web"]), Ok(true));
        assert_eq!(set_up(&["--jwt-secret=thirty-two bytes are just enough"]), Ok(true));
        assert!(set_up(&["--jwt-secret=too short"]).is_err());
    }
}
