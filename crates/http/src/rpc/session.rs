//! What a transaction knows of the request: its role, and settings that functions and triggers can read.

use axum::http::header::{AUTHORIZATION, COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value};
use unkey_core::web_request::{bearer, is_token};

use super::role::Caller;
use super::sql::Sql;
use crate::client_address::ClientAddress;
use crate::settings::FunctionName;

const API_KEY: HeaderName = HeaderName::from_static("apikey");

/// Where Supabase has functions; those behind it see the rest of the path.
const PREFIX: &str = "/rest/v1";
/// The address of a client that can't be told. Empty would mean that nobody tried.
const UNKNOWN: &str = "unknown";
/// What stands behind the schema of the functions that are served; what is in `pg_catalog` comes before both.
const EXTENSION_SCHEMA: &str =
    "(SELECT extnamespace::regnamespace FROM pg_extension WHERE extname = 'unkey')";

/// The statement that calls a function before the one that was asked for.
pub fn pre_request(function: &FunctionName) -> Sql {
    let mut sql = Sql::default();
    sql.push("SELECT ").name(&function.schema).push(".").name(&function.name).push("()");
    sql
}

/// What is the same for all requests.
#[derive(Default)]
pub struct Setup {
    /// What is called before each call, and takes a key from the headers.
    pub pre_request: Option<Sql>,
    /// Whose functions are served beside those of the extension, and find their own schema.
    pub schema: Option<String>,
}

/// The statement that sets all of it, until the transaction ends. The role comes last: what it may set is its own affair.
pub fn settings(request: &Parts, caller: &Caller, timezone: Option<&str>, setup: &Setup) -> Sql {
    let mut settings = vec![
        ("request.method", request.method.to_string()),
        ("request.path", path(request).to_owned()),
        ("request.headers", object(headers(&request.headers, setup.pre_request.is_some()))),
        ("request.cookies", object(cookies(&request.headers))),
        ("request.client_address", address(request)),
        ("request.jwt.claims", Value::from(caller.claims.clone()).to_string()),
        ("response.headers", String::new()),
        ("response.status", String::new()),
    ];
    if let Some(zone) = timezone {
        settings.push(("timezone", zone.to_owned()));
    }
    settings.push(("role", caller.role.clone()));
    let mut sql = Sql::default();
    sql.push("SELECT ");
    if let Some(schema) = &setup.schema {
        sql.push("set_config('search_path', format('%I, %s', ").value(schema);
        sql.push("::text, ").push(EXTENSION_SCHEMA).push("), true), ");
    }
    sql.separated(", ", settings, |sql, (name, value)| {
        sql.push(&format!("set_config('{name}', ")).value(value).push(", true)");
    });
    sql
}

fn path(request: &Parts) -> &str {
    let path = request.uri.path();
    path.strip_prefix(PREFIX).unwrap_or(path)
}

fn address(request: &Parts) -> String {
    let address = request.extensions.get().and_then(|ClientAddress(address)| *address);
    address.map_or_else(|| UNKNOWN.to_owned(), |address| address.to_string())
}

/// All but secrets: the claims of the token are known, and cookies have a setting of their own. A key is left to the function that
/// is called first, if there is one.
fn headers(headers: &HeaderMap, with_key: bool) -> impl Iterator<Item = (String, String)> {
    let is_shown = move |name: &HeaderName, value: &HeaderValue| match name {
        &COOKIE => false,
        name if [AUTHORIZATION, API_KEY].contains(name) => with_key && !has_token(value),
        _ => true,
    };
    let shown = headers.iter().filter(move |(name, value)| is_shown(name, value));
    shown.filter_map(|(name, value)| Some((name.to_string(), text(value.as_bytes())?)))
}

fn has_token(value: &HeaderValue) -> bool {
    let text = String::from_utf8_lossy(value.as_bytes());
    is_token(bearer(&text).unwrap_or(text.trim()))
}

fn cookies(headers: &HeaderMap) -> impl Iterator<Item = (String, String)> {
    let values = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(';')).filter_map(|cookie| {
        let (name, value) = cookie.split_once('=')?;
        Some((name.trim().to_owned(), value.trim().to_owned()))
    })
}

fn text(bytes: &[u8]) -> Option<String> {
    String::from_utf8(bytes.to_vec()).ok()
}

fn object(pairs: impl Iterator<Item = (String, String)>) -> String {
    Value::from(pairs.map(|(name, value)| (name, Value::from(value))).collect::<Map<_, _>>()).to_string()
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    #[test]
    fn functions_see_the_request_but_no_secret() {
        let request = Request::get("/rpc/f?key=secret")
            .header("Authorization", "Bearer secret")
            .header("apikey", "secret")
            .header("X-Trace", "7")
            .header("Cookie", "a=1; b=2")
            .body(())
            .unwrap();
        let caller = Caller { role: "app".to_owned(), known: true, claims: Map::new() };
        let sql = settings(&request.into_parts().0, &caller, Some("UTC"), &Setup::default());
        assert_eq!(
            sql.values(),
            [
                "GET",
                "/rpc/f",
                r#"{"x-trace":"7"}"#,
                r#"{"a":"1","b":"2"}"#,
                "unknown",
                "{}",
                "",
                "",
                "UTC",
                "app"
            ]
        );
        assert!(sql.text().ends_with("set_config('timezone', $9, true), set_config('role', $10, true)"));
    }

    #[test]
    fn functions_that_are_served_find_their_schema() {
        let request = Request::get("/rpc/f").body(()).unwrap().into_parts().0;
        let caller = Caller { role: "app".to_owned(), known: true, claims: Map::new() };
        let setup = Setup { schema: Some("My \"app\"".to_owned()), ..Setup::default() };
        let sql = settings(&request, &caller, None, &setup);
        assert_eq!(sql.values()[0], "My \"app\"");
        assert!(sql.text().starts_with("SELECT set_config('search_path', format('%I, %s', $1::text, ("));
    }

    fn headers_shown(authorization: &str, apikey: &str) -> String {
        let values = [(AUTHORIZATION, authorization), (API_KEY, apikey)];
        let map = HeaderMap::from_iter(values.map(|(name, value)| (name, value.parse().unwrap())));
        object(headers(&map, true))
    }

    #[test]
    fn a_key_is_left_to_the_function_that_is_called_first_and_a_token_to_nobody() {
        assert_eq!(headers_shown("Bearer a.b.c", "key_1"), r#"{"apikey":"key_1"}"#);
        assert_eq!(headers_shown("Bearer key_1", "a.b.c"), r#"{"authorization":"Bearer key_1"}"#);
        let sql = pre_request(&FunctionName { schema: "a".to_owned(), name: "b\"".to_owned() });
        assert_eq!(sql.text(), r#"SELECT "a"."b"""()"#);
    }

    #[test]
    fn a_request_says_where_it_comes_from_and_by_which_path() {
        let request =
            Request::get("/rest/v1/rpc/f").extension(ClientAddress("::1".parse().ok())).body(()).unwrap();
        let request = request.into_parts().0;
        assert_eq!((path(&request), address(&request).as_str()), ("/rpc/f", "::1"));
    }
}
