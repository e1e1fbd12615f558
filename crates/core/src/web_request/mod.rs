//! A request as PostgREST describes it to the database, and what its key comes to: who is found in its headers
//! ([`WebRequest`]), what others may read of it ([`settings`]), what a refusal looks like over HTTP ([`refusal`]), and what limits
//! say in header fields ([`fields`]).

pub mod fields;
pub mod refusal;
pub mod settings;

use std::collections::BTreeMap;
use std::net::IpAddr;

use percent_encoding::percent_decode_str;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::{Error, Result, rule};

/// The headers of a request: members of a JSON object, names in small letters.
type Headers = BTreeMap<String, Box<RawValue>>;

const AUTHORIZATION: &str = "authorization";
const API_KEY: &str = "apikey";

/// A request. Holds a key, so it has no `Debug`.
pub struct WebRequest {
    headers: Headers,
    /// Such as `GET`.
    pub method: String,
    /// As [`path`] makes it.
    pub path: String,
}

/// The text of a key.
pub struct Credential(String);

impl Credential {
    /// The text.
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl WebRequest {
    /// What PostgREST's settings say.
    ///
    /// # Errors
    /// If the headers are no JSON object.
    pub fn read(headers: &str, method: &str, raw_path: &str) -> Result<Self> {
        let headers = serde_json::from_str(headers)
            .map_err(|_| Error::invalid("request.headers", "must be a JSON object"))?;
        Ok(Self { headers, method: method.to_owned(), path: path(raw_path) })
    }

    /// Takes the key out of the header that brings it: the one of this name, or else `apikey` or `Authorization: Bearer`.
    /// It is taken out of all of these, as some clients send it twice.
    pub fn take_key(&mut self, header: Option<&str>) -> Option<Credential> {
        let named = header.map(str::to_ascii_lowercase);
        let names = named.as_deref().map_or_else(|| vec![API_KEY, AUTHORIZATION], |name| vec![name]);
        let key = names.into_iter().find_map(|name| self.key_in(name))?;
        for name in [API_KEY, AUTHORIZATION].into_iter().chain(named.as_deref()) {
            if self.key_in(name).as_ref() == Some(&key) {
                self.headers.remove(name);
            }
        }
        Some(Credential(key))
    }

    fn key_in(&self, name: &str) -> Option<String> {
        let value = self.header(name)?;
        let text = if name == AUTHORIZATION { bearer(&value)? } else { value.trim() };
        (!text.is_empty() && !is_token(text)).then(|| text.to_owned())
    }

    fn header(&self, name: &str) -> Option<String> {
        serde_json::from_str(self.headers.get(name)?.get()).ok()
    }

    /// What is left of the headers, as JSON.
    pub fn headers(&self) -> serde_json::Result<String> {
        serde_json::to_string(&self.headers)
    }

    /// The address that a proxy wrote into this header, at the end of what it may have found there.
    pub fn address_in(&self, header: &str) -> Option<IpAddr> {
        self.header(&header.to_ascii_lowercase())?.rsplit(',').next()?.trim().parse().ok()
    }

    /// Tags of a verification with those that say what was asked for, as far as a list of tags takes them.
    pub fn tags(&self, mut tags: Vec<String>) -> Vec<String> {
        for own in [format!("method:{}", self.method), format!("path:{}", self.path)] {
            if tags.len() < rule::TAGS.max {
                tags.push(cut(own, rule::TAGS.of.max));
            }
        }
        tags
    }

    /// JSON of limits, with `{method}` and `{path}` filled in in their names, so that each has a limit of its own. What is
    /// no list of limits stays as it is.
    pub fn scoped(&self, json: String) -> String {
        if !json.contains("{method}") && !json.contains("{path}") {
            return json;
        }
        let Ok(mut limits) = serde_json::from_str::<Vec<Value>>(&json) else { return json };
        for name in limits.iter_mut().filter_map(|limit| limit.get_mut("name")) {
            if let Value::String(text) = name {
                *text = self.limit_name(text);
            }
        }
        Value::Array(limits).to_string()
    }

    fn limit_name(&self, name: &str) -> String {
        cut(
            name.replace("{method}", &self.method).replace("{path}", &self.path),
            rule::REQUESTED_LIMIT_NAME.max,
        )
    }
}

/// Whether a text is of the form of a JWT: three parts of base64url joined by dots, of which the last may be empty.
pub fn is_token(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    let of_base64 =
        |part: &&str| part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_=".contains(&byte));
    parts.len() == 3 && parts.iter().all(of_base64) && parts.iter().take(2).all(|part| !part.is_empty())
}

/// Whether a text can be the name of a header: a token of RFC 9110.
pub fn is_header_name(text: &str) -> bool {
    let in_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(in_token)
}

/// What follows `Bearer` in a value of `Authorization`; `None` for another scheme.
pub fn bearer(value: &str) -> Option<&str> {
    let (scheme, text) = value.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| text.trim())
}

/// A path such that no two spellings of it count apart, and which can be stored: without percent-encoding.
fn path(raw: &str) -> String {
    let decoded = percent_decode_str(raw).decode_utf8_lossy().replace('\0', "\u{fffd}");
    if decoded.is_empty() { "/".to_owned() } else { decoded }
}

fn cut(text: String, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        Some((end, _)) => text[..end].to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoiYW5vbiJ9.c2ln";

    /// The key found, and the headers that are left.
    fn taken(headers: &str, named: Option<&str>) -> (Option<String>, String) {
        let mut request = WebRequest::read(headers, "GET", "/").unwrap();
        let key = request.take_key(named).map(|key| key.text().to_owned());
        (key, request.headers().unwrap())
    }

    fn key(headers: &str, named: Option<&str>) -> Option<String> {
        taken(headers, named).0
    }

    #[test]
    fn a_key_comes_as_apikey_or_as_bearer() {
        assert_eq!(key(r#"{"apikey":"k_1"}"#, None).as_deref(), Some("k_1"));
        assert_eq!(key(r#"{"authorization":"Bearer k_1"}"#, None).as_deref(), Some("k_1"));
        assert_eq!(key(r#"{"authorization":"bearer  k_1 "}"#, None).as_deref(), Some("k_1"));
        assert_eq!(key(r#"{"apikey":"k_1","authorization":"Bearer k_2"}"#, None).as_deref(), Some("k_1"));
        for none in [
            "{}",
            r#"{"apikey":""}"#,
            r#"{"authorization":"Basic k_1"}"#,
            r#"{"authorization":"Bearer"}"#,
            r#"{"apikey":7}"#,
        ] {
            assert_eq!(key(none, None), None, "{none}");
        }
    }

    #[test]
    fn a_token_is_no_key() {
        assert_eq!(
            key(&format!(r#"{{"apikey":"{TOKEN}","authorization":"Bearer k_1"}}"#), None).as_deref(),
            Some("k_1")
        );
        assert_eq!(key(&format!(r#"{{"authorization":"Bearer {TOKEN}"}}"#), None), None);
        assert!(is_token("a.b.") && is_token("e30=.e30=.x"));
        for key in ["a.b", "a..b", ".a.b", "a.b.c.d", "a.b!.c", "a b.c.d"] {
            assert!(!is_token(key), "{key}");
        }
    }

    #[test]
    fn a_named_header_is_the_only_one() {
        let both = r#"{"x-api-key":" k_1 ","authorization":"Bearer k_2"}"#;
        assert_eq!(key(both, Some("X-API-Key")).as_deref(), Some("k_1"));
        assert_eq!(key(both, Some("authorization")).as_deref(), Some("k_2"));
        assert_eq!(key(both, Some("apikey")), None);
    }

    #[test]
    fn the_key_is_in_no_header_afterwards() {
        let twice = r#"{"accept":"*/*","apikey":"k_1","authorization":"Bearer k_1"}"#;
        assert_eq!(taken(twice, None).1, r#"{"accept":"*/*"}"#);
        let other = r#"{"apikey":"k_1","authorization":"Bearer k_2"}"#;
        assert_eq!(taken(other, None).1, r#"{"authorization":"Bearer k_2"}"#);
        assert_eq!(
            taken(r#"{"x-api-key":"k_1","apikey":"k_1","n":1.0}"#, Some("x-api-key")).1,
            r#"{"n":1.0}"#
        );
    }

    #[test]
    fn headers_are_an_object() {
        for wrong in ["", "[]", "7", "{"] {
            let error = WebRequest::read(wrong, "GET", "/").err().unwrap();
            assert_eq!(error.message, "request.headers must be a JSON object");
        }
    }

    #[test]
    fn the_address_is_what_the_nearest_proxy_wrote() {
        let of = |value: &str| {
            let request =
                WebRequest::read(&format!(r#"{{"x-forwarded-for":"{value}"}}"#), "GET", "/").unwrap();
            request.address_in("X-Forwarded-For").map(|address| address.to_string())
        };
        assert_eq!(of("10.0.0.1, 203.0.113.9").as_deref(), Some("203.0.113.9"));
        assert_eq!(of("2001:db8::1").as_deref(), Some("2001:db8::1"));
        for unknown in ["", "203.0.113.9,", "203.0.113.9, unknown", "203.0.113.9:80"] {
            assert_eq!(of(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn one_path_has_one_spelling() {
        let request = |path| WebRequest::read("{}", "POST", path).unwrap();
        assert_eq!(request("/n%6Ftes").limit_name("{method} {path}"), "POST /notes");
        assert_eq!(request("").path, "/");
        assert_eq!(request("/%00%ff").path, "/\u{fffd}\u{fffd}");
        assert_eq!(request(&"/é".repeat(300)).limit_name("{path}").chars().count(), 255);
    }

    #[test]
    fn names_of_limits_are_filled_in() {
        let request = WebRequest::read("{}", "GET", r#"/a"b"#).unwrap();
        let scoped = |json: &str| request.scoped(json.to_owned());
        let limits = r#"[{"name":"{method} {path}","limit":5,"duration":1000},{"name":"plain"}]"#;
        assert_eq!(scoped(limits), r#"[{"duration":1000,"limit":5,"name":"GET /a\"b"},{"name":"plain"}]"#);
        for other in [r#"[{"name": "a"}]"#, r#"{"name":"{path}"}"#, "{path}", r#"[7,{"name":7,"{path}":1}]"#]
        {
            assert_eq!(scoped(other), other);
        }
    }

    #[test]
    fn names_of_headers() {
        assert!(is_header_name("X-API-Key"));
        for wrong in ["", "a b", "a:", "é", "a\n"] {
            assert!(!is_header_name(wrong), "{wrong}");
        }
    }

    #[test]
    fn tags_say_what_was_asked_for_as_far_as_they_fit() {
        let request = WebRequest::read("{}", "GET", &"/x".repeat(300)).unwrap();
        let tags = request.tags(vec!["own".to_owned()]);
        assert_eq!(tags[..2], ["own", "method:GET"]);
        assert_eq!(tags[2].chars().count(), 512);
        assert_eq!(request.tags(vec![String::new(); 19]).len(), 20);
        assert_eq!(request.tags(vec![String::new(); 20]).len(), 20);
    }
}
