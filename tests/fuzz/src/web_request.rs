//! Requests over HTTP: a line with the name of a header, or none; a path; JSON of limits; then JSON of headers.

use std::collections::BTreeMap;

use serde_json::Value;
use unkey_core::document::requested_limits;
use unkey_core::validate;
use unkey_core::web_request::{WebRequest, is_header_name, is_token};

pub fn check(input: &[u8]) {
    let Some(text) = crate::text(input) else { return };
    let mut lines = text.splitn(4, '\n');
    let (Some(header), Some(path), Some(limits), Some(headers)) =
        (lines.next(), lines.next(), lines.next(), lines.next())
    else {
        return;
    };
    let Ok(request) = WebRequest::read(headers, "GET", path) else { return };
    described(&request, limits);
    key(request, Some(header).filter(|header| is_header_name(header)), headers);
}

/// What is recorded and counted can be, whatever was asked for.
fn described(request: &WebRequest, limits: &str) {
    assert!(!request.path.is_empty() && !request.path.contains('\0'));
    assert_eq!(validate::tags(&request.tags(vec!["own".to_owned(); 18])), Ok(()));
    if requested_limits(limits).is_ok() {
        let scoped = requested_limits(&request.scoped(limits.to_owned())).unwrap();
        assert!(
            scoped.iter().all(|limit| !limit.name.contains("{method}")) || request.path.contains("{method}")
        );
    }
}

/// A key is what stood in a header, no token, and nowhere that the next one would look; the other headers stay.
fn key(mut request: WebRequest, header: Option<&str>, headers: &str) {
    let before: BTreeMap<String, Value> = serde_json::from_str(headers).unwrap();
    let Some(key) = request.take_key(header) else { return };
    let text = key.text();
    assert!(!text.is_empty() && !is_token(text));
    let left: BTreeMap<String, Value> = serde_json::from_str(&request.headers().unwrap()).unwrap();
    assert!(left.len() < before.len() && left.iter().all(|(name, value)| before.get(name) == Some(value)));
    let brought = before.iter().filter(|(name, _)| !left.contains_key(*name));
    for (name, value) in brought {
        let value = value.as_str().unwrap();
        assert!(value.contains(text));
        assert!(
            ["apikey", "authorization"].contains(&name.as_str())
                || Some(name.clone()) == header.map(str::to_ascii_lowercase)
        );
    }
    assert_ne!(request.take_key(header).map(|again| again.text().to_owned()), Some(text.to_owned()));
}
