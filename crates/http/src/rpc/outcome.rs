//! What came of a call, and whether that may be kept.

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, StatusCode};

use super::accept::Form;
use super::catalog::{Function, Shape};
use super::error::{Error, Result};
use super::prefer::Preferences;
use super::range::Range;
use crate::headers;

/// The row that the statement of a call answers. Can hold a new key, so there is no `Debug`.
#[derive(Default)]
pub struct Row {
    /// Rows in the body.
    pub rows: u64,
    /// What is sent.
    pub body: Option<Vec<u8>>,
    /// All rows, if they were counted.
    pub total: Option<u64>,
    /// `response.status`.
    pub status: Option<String>,
    /// `response.headers`.
    pub headers: Option<String>,
}

/// What is sent back.
pub struct Outcome {
    /// HTTP status.
    pub status: StatusCode,
    /// `Content-Range` and what the function set.
    pub headers: HeaderMap,
    /// As the form says.
    pub body: Bytes,
}

/// What a call promised about its result.
pub struct Terms<'a> {
    /// What was called.
    pub function: &'a Function,
    /// How the result is written.
    pub form: Form,
    /// First line of CSV.
    pub labels: Vec<String>,
    /// Which rows were asked for.
    pub range: Range,
    /// What was preferred.
    pub preferences: &'a Preferences,
}

impl Terms<'_> {
    /// Judges the row.
    ///
    /// # Errors
    /// If it breaks the terms; then nothing of the call may be kept.
    pub fn judge(&self, row: Row) -> Result<Outcome> {
        self.check_number(row.rows)?;
        let is_void = self.function.shape == Shape::Void;
        let total = row.total.filter(|_| !is_void);
        let mut status = self.range.status(row.rows, total).map_err(|error| beyond(error, total))?;
        if is_void {
            status = StatusCode::NO_CONTENT;
        }
        let mut headers = HeaderMap::new();
        if let Ok(range) = HeaderValue::from_str(&self.range.content(row.rows, total)) {
            headers.insert("content-range", range);
        }
        set_headers(&mut headers, row.headers.as_deref())?;
        let body = if is_void { Bytes::new() } else { self.written(row.body) };
        Ok(Outcome { status: chosen_status(row.status.as_deref())?.unwrap_or(status), headers, body })
    }

    fn check_number(&self, rows: u64) -> Result<()> {
        if matches!(self.form, Form::Object { .. }) && rows != 1 {
            return Err(Error::new(
                StatusCode::NOT_ACCEPTABLE,
                "PGRST116",
                "the result is not exactly one object",
            )
            // Clients look for these very words to tell none from several.
            .details(format!("The result contains {rows} rows")));
        }
        match self.preferences.most_rows() {
            Some(_) if !self.function.set => Err(Error::bad(
                "PGRST128",
                "max-affected is only for functions that return a set, when handling=strict",
            )),
            Some(most) if rows > most => {
                Err(Error::bad("PGRST124", "more rows were returned than max-affected allows")
                    .details(format!("the call returned {rows} rows")))
            }
            _ => Ok(()),
        }
    }

    fn written(&self, body: Option<Vec<u8>>) -> Bytes {
        let body = body.unwrap_or_default();
        if self.form != Form::Csv {
            return Bytes::from(body);
        }
        let header = self.labels.iter().map(|label| csv(label)).collect::<Vec<_>>().join(",").into_bytes();
        Bytes::from(if body.is_empty() { header } else { [header, body].join(&b'\n') })
    }
}

fn csv(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

fn beyond(mut error: Error, total: Option<u64>) -> Error {
    let total = total.unwrap_or_default();
    error.push(axum::http::header::CONTENT_RANGE, &format!("*/{total}"));
    error
}

fn chosen_status(text: Option<&str>) -> Result<Option<StatusCode>> {
    let Some(text) = text else { return Ok(None) };
    let status = text.parse().ok().and_then(headers::status);
    status.map(Some).ok_or_else(|| {
        Error::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "PGRST112",
            "response.status was set to what is no HTTP status of a response",
        )
    })
}

/// What is sent in `response.headers` replaces ours.
fn set_headers(headers: &mut HeaderMap, text: Option<&str>) -> Result<()> {
    let Some(text) = text else { return Ok(()) };
    headers::set(headers, text).ok_or_else(|| {
        let message = "response.headers was set to what is no array of objects with one header each, or to a header of the server's own";
        Error::new(StatusCode::INTERNAL_SERVER_ERROR, "PGRST111", message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(function: &Function, form: Form, strict: Option<u64>, row: Row) -> Result<Outcome> {
        let mut preferences = Preferences::default();
        preferences.strict = strict.is_some();
        preferences.max_affected = strict;
        let labels = vec!["a".to_owned(), "b,c".to_owned()];
        Terms { function, form, labels, range: Range::default(), preferences: &preferences }.judge(row)
    }

    fn code(result: Result<Outcome>) -> String {
        result.err().unwrap().body.code
    }

    fn rows(rows: u64) -> Row {
        Row { rows, body: Some("x".into()), ..Row::default() }
    }

    #[test]
    fn an_object_is_exactly_one() {
        let function = Function::with_arguments("f", &[]);
        let form = Form::Object { stripped: false };
        assert!(judged(&function, form, None, rows(1)).is_ok());
        for several in [0, 2] {
            let error = judged(&function, form, None, rows(several)).err().unwrap();
            assert_eq!((error.status.as_u16(), error.body.code.as_str()), (406, "PGRST116"));
            assert_eq!(error.body.details, Some(format!("The result contains {several} rows")));
        }
    }

    #[test]
    fn a_strict_call_returns_no_more_than_it_may() {
        let set = Function::with_arguments("f", &[]);
        assert!(judged(&set, Form::Json, Some(2), rows(2)).is_ok());
        assert_eq!(code(judged(&set, Form::Json, Some(2), rows(3))), "PGRST124");
        assert_eq!(code(judged(&Function { set: false, ..set }, Form::Json, Some(2), rows(1))), "PGRST128");
    }

    #[test]
    fn nothing_is_204() {
        let function = Function { shape: Shape::Void, ..Function::with_arguments("f", &[]) };
        let outcome = judged(&function, Form::Json, None, rows(1)).ok().unwrap();
        assert_eq!((outcome.status.as_u16(), outcome.body.len()), (204, 0));
    }

    #[test]
    fn csv_has_a_line_of_names() {
        let function = Function::with_arguments("f", &[]);
        assert_eq!(judged(&function, Form::Csv, None, rows(1)).ok().unwrap().body, "a,\"b,c\"\nx");
        assert_eq!(judged(&function, Form::Csv, None, Row::default()).ok().unwrap().body, "a,\"b,c\"");
    }

    #[test]
    fn a_function_can_set_status_and_headers() {
        let function = Function::with_arguments("f", &[]);
        let row = |status: Option<&str>, headers: Option<&str>| Row {
            status: status.map(str::to_owned),
            headers: headers.map(str::to_owned),
            ..rows(1)
        };
        let set = row(Some("418"), Some(r#"[{"X-A":"1"},{"X-A":"2"},{"Content-Range":"none"}]"#));
        let outcome = judged(&function, Form::Json, None, set).ok().unwrap();
        assert_eq!(outcome.status.as_u16(), 418);
        assert_eq!(outcome.headers.get_all("x-a").iter().collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(outcome.headers["content-range"], "none");
        for status in ["x", "99", "1000", "100", "101", "199"] {
            assert_eq!(code(judged(&function, Form::Json, None, row(Some(status), None))), "PGRST112");
        }
        for headers in [
            "x",
            "{}",
            r#"[{"a":"1","b":"2"}]"#,
            r#"[{"a":1}]"#,
            "[{}]",
            r#"[{"a b":"1"}]"#,
            r#"[{"Content-Length":"1"}]"#,
        ] {
            assert_eq!(
                code(judged(&function, Form::Json, None, row(None, Some(headers)))),
                "PGRST111",
                "{headers}"
            );
        }
    }
}
