//! From an SQLSTATE to an HTTP status.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use axum::http::header::WWW_AUTHENTICATE;
use serde::Deserialize;
use tokio_postgres::error::DbError;

use super::error::Error;
use crate::headers;

/// What the database raised.
#[derive(Debug, Clone, Default)]
pub struct Raised {
    /// Five characters.
    pub sqlstate: String,
    /// One sentence.
    pub message: String,
    /// More about it.
    pub detail: Option<String>,
    /// The way out.
    pub hint: Option<String>,
}

impl From<&DbError> for Raised {
    fn from(raised: &DbError) -> Self {
        Self {
            sqlstate: raised.code().code().to_owned(),
            message: raised.message().to_owned(),
            detail: raised.detail().map(str::to_owned),
            hint: raised.hint().map(str::to_owned),
        }
    }
}

/// What the caller is told of it. `known` says whether the caller brought a role of its own.
pub fn refusal(raised: &Raised, known: bool) -> Error {
    if raised.sqlstate == "PGRST" {
        return shaped_by_raiser(raised);
    }
    let status = status(raised, known);
    let mut error = Error::new(status, &raised.sqlstate, &raised.message).hint(raised.hint.clone());
    error.body.details.clone_from(&raised.detail);
    if status == StatusCode::UNAUTHORIZED {
        error.push(WWW_AUTHENTICATE, "Bearer");
    }
    error
}

fn status(raised: &Raised, known: bool) -> StatusCode {
    let number = match raised.sqlstate.as_str() {
        // Of pg-safeupdate; else a function made more rows than it may.
        "21000" if raised.message.ends_with("requires a WHERE clause") => 400,
        "21000" => 500,
        "23503" | "23505" => 409,
        "25006" => 405,
        "42501" if known => 403,
        "42501" => 401,
        "42883" | "42P01" => 404,
        "42P17" | "53400" => 500,
        "57P01" => 503,
        "P0001" => 400,
        "22023" if names_no_role(&raised.message) => 401,
        code => match code.split_at_checked(2).unwrap_or_default() {
            ("08" | "53", _) => 503,
            ("0L" | "0P" | "28", _) => 403,
            ("09" | "25" | "2D" | "38" | "39" | "3B" | "40" | "54" | "55" | "57" | "58", _) => 500,
            ("F0" | "HV" | "P0" | "XX", _) => 500,
            ("PT", number) => number.parse().unwrap_or(500),
            _ => 400,
        },
    };
    headers::status(number).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// The role of a token does not exist.
fn names_no_role(message: &str) -> bool {
    message.starts_with("role ") && message.ends_with(" does not exist")
}

/// `RAISE SQLSTATE 'PGRST'`: the message is the body and the detail has status and headers, both as JSON.
fn shaped_by_raiser(raised: &Raised) -> Error {
    #[derive(Deserialize)]
    struct Message {
        code: String,
        message: String,
        details: Option<String>,
        hint: Option<String>,
    }
    #[derive(Deserialize)]
    struct Detail {
        status: u16,
        headers: BTreeMap<String, String>,
    }
    let message = serde_json::from_str::<Message>(&raised.message);
    let detail = serde_json::from_str::<Detail>(raised.detail.as_deref().unwrap_or_default());
    let (Ok(message), Ok(detail)) = (message, detail) else { return misshaped() };
    let Some(status) = headers::status(detail.status) else { return misshaped() };
    let mut error = Error::new(status, &message.code, message.message).hint(message.hint);
    error.body.details = message.details;
    for (name, value) in &detail.headers {
        if let Some(name) = headers::name(name) {
            error.push(name, value);
        }
    }
    error
}

fn misshaped() -> Error {
    Error::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "PGRST121",
        "an error was raised with SQLSTATE PGRST whose message or detail is not the JSON that belongs there",
    )
    .hint(Some("MESSAGE takes code, message, details and hint; DETAIL takes status and headers".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raised(sqlstate: &str, message: &str) -> Raised {
        Raised { sqlstate: sqlstate.to_owned(), message: message.to_owned(), ..Raised::default() }
    }

    #[test]
    fn every_row_of_the_table() {
        for (sqlstate, expected) in [
            ("08006", 503),
            ("09000", 500),
            ("0LP01", 403),
            ("0P000", 403),
            ("22023", 400),
            ("22P02", 400),
            ("23502", 400),
            ("23503", 409),
            ("23505", 409),
            ("25006", 405),
            ("25001", 500),
            ("28000", 403),
            ("2D000", 500),
            ("38000", 500),
            ("39000", 500),
            ("3B000", 500),
            ("40001", 500),
            ("42703", 400),
            ("42704", 400),
            ("42883", 404),
            ("42P01", 404),
            ("42P17", 500),
            ("53000", 503),
            ("53400", 500),
            ("54000", 500),
            ("55000", 500),
            ("57014", 500),
            ("57P01", 503),
            ("58000", 500),
            ("F0000", 500),
            ("HV000", 500),
            ("P0001", 400),
            ("P0002", 500),
            ("XX000", 500),
            ("PT402", 402),
            ("PTabc", 500),
            ("PT001", 500),
            ("PT101", 500),
            ("21000", 500),
        ] {
            assert_eq!(refusal(&raised(sqlstate, "no"), true).status.as_u16(), expected, "{sqlstate}");
        }
        assert_eq!(refusal(&raised("21000", "UPDATE requires a WHERE clause"), true).status.as_u16(), 400);
    }

    #[test]
    fn a_missing_privilege_is_401_for_those_who_brought_no_role() {
        let anonymous = refusal(&raised("42501", "permission denied"), false);
        assert_eq!((anonymous.status.as_u16(), anonymous.headers[0].1.to_str().unwrap()), (401, "Bearer"));
        let known = refusal(&raised("42501", "permission denied"), true);
        assert_eq!((known.status.as_u16(), known.headers.len()), (403, 0));
    }

    #[test]
    fn a_role_that_does_not_exist_is_401() {
        assert_eq!(refusal(&raised("22023", r#"role "x" does not exist"#), true).status.as_u16(), 401);
    }

    #[test]
    fn a_raiser_can_shape_the_whole_reply() {
        let mut shaped = raised("PGRST", r#"{"code":"123","message":"Pay","hint":"now"}"#);
        shaped.detail = Some(r#"{"status":402,"headers":{"X-Price":"7","Content-Length":"7"}}"#.to_owned());
        let error = refusal(&shaped, true);
        assert_eq!((error.status.as_u16(), error.body.code.as_str()), (402, "123"));
        assert_eq!(error.body.hint.as_deref(), Some("now"));
        assert_eq!(error.headers, [("x-price".parse().unwrap(), "7".parse().unwrap())]);
        for detail in [
            None,
            Some(""),
            Some("[]"),
            Some(r#"{"status":402}"#),
            Some(r#"{"status":1,"headers":{}}"#),
            Some(r#"{"status":101,"headers":{}}"#),
        ] {
            shaped.detail = detail.map(str::to_owned);
            assert_eq!(refusal(&shaped, true).body.code, "PGRST121", "{detail:?}");
        }
    }
}
