//! What a transaction knows of the request: its role, and settings that functions and triggers can read.

use axum::http::header::{AUTHORIZATION, COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};
use serde_json::{Map, Value};

use super::role::Caller;
use super::sql::Sql;

const API_KEY: HeaderName = HeaderName::from_static("apikey");

/// The statement that sets all of it, until the transaction ends. The role comes last: what it may set is its own affair.
pub fn settings(request: &Parts, caller: &Caller, timezone: Option<&str>) -> Sql {
    let mut settings = vec![
        ("request.method", request.method.to_string()),
        ("request.path", request.uri.path().to_owned()),
        ("request.headers", object(headers(&request.headers))),
        ("request.cookies", object(cookies(&request.headers))),
        ("request.jwt.claims", Value::from(caller.claims.clone()).to_string()),
        ("response.headers", String::new()),
        ("response.status", String::new()),
    ];
    if let Some(zone) = timezone {
        settings.push(("timezone", zone.to_owned()));
    }
    settings.push(("role", caller.role.clone()));
    let mut sql = Sql::default();
    sql.push("SELECT ").separated(", ", settings, |sql, (name, value)| {
        sql.push(&format!("set_config('{name}', ")).value(value).push(", true)");
    });
    sql
}

/// All but secrets: the claims of the token are known, and cookies have a setting of their own.
fn headers(headers: &HeaderMap) -> impl Iterator<Item = (String, String)> {
    let shown = headers.iter().filter(|(name, _)| ![AUTHORIZATION, API_KEY, COOKIE].contains(name));
    shown.filter_map(|(name, value)| Some((name.to_string(), text(value.as_bytes())?)))
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
        let sql = settings(&request.into_parts().0, &caller, Some("UTC"));
        assert_eq!(
            sql.values(),
            ["GET", "/rpc/f", r#"{"x-trace":"7"}"#, r#"{"a":"1","b":"2"}"#, "{}", "", "", "UTC", "app"]
        );
        assert!(sql.text().ends_with("set_config('timezone', $8, true), set_config('role', $9, true)"));
    }
}
