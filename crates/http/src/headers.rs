//! Status and headers that the database asks for; headers in the setting `response.headers`: a JSON array of objects of one
//! member each, as PostgREST takes them.

use axum::http::header::{
    CONNECTION, CONTENT_LENGTH, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING,
    UPGRADE,
};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use serde_json::{Map, Value};

/// Where a response ends and what becomes of its connection is for the server alone to say.
const OURS: [HeaderName; 11] = [
    CONNECTION,
    CONTENT_LENGTH,
    HeaderName::from_static("keep-alive"),
    PROXY_AUTHENTICATE,
    HeaderName::from_static("proxy-authentication-info"),
    PROXY_AUTHORIZATION,
    HeaderName::from_static("proxy-connection"),
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// A header that the database may set.
pub fn name(text: &str) -> Option<HeaderName> {
    text.parse().ok().filter(|name| !OURS.contains(name))
}

/// A status that the database may choose. 1xx only announce another response.
pub fn status(number: u16) -> Option<StatusCode> {
    StatusCode::from_u16(number).ok().filter(|status| !status.is_informational())
}

/// Sets them; the first of a name replaces what is there. `None`, and none is set, if the text is no such array or has a
/// header that is not the database's to set.
pub fn set(headers: &mut HeaderMap, text: &str) -> Option<()> {
    let list: Vec<Map<String, Value>> = serde_json::from_str(text).ok()?;
    let mut chosen = HeaderMap::new();
    for object in list {
        let (1, Some((name, Value::String(value)))) = (object.len(), object.iter().next()) else {
            return None;
        };
        chosen.append(self::name(name)?, value.parse().ok()?);
    }
    for name in chosen.keys() {
        headers.remove(name);
    }
    headers.extend(chosen);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_framing_of_a_response_is_not_the_databases_affair() {
        for name in [
            "Content-Length",
            "transfer-encoding",
            "Connection",
            "Upgrade",
            "Trailer",
            "TE",
            "Keep-Alive",
            "Proxy-Connection",
            "Proxy-Authenticate",
        ] {
            let mut headers = HeaderMap::new();
            let wanted = format!(r#"[{{"X-A": "1"}}, {{"{name}": "1"}}]"#);
            assert_eq!((set(&mut headers, &wanted), headers.len()), (None, 0), "{name}");
        }
        assert!(name("Proxy-Status").is_some());
    }

    #[test]
    fn a_status_ends_the_response() {
        for (number, may) in [(99, false), (100, false), (101, false), (199, false), (200, true), (418, true)]
        {
            assert_eq!(status(number).is_some(), may, "{number}");
        }
    }
}
