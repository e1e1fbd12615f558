//! What is written back into the settings of a request: its claims, for those who read claims, and headers of the reply.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

/// What is known of the key, as the claim `unkey` shows it.
#[derive(Debug, Serialize)]
pub struct Bearer<'a> {
    /// Id of the key.
    pub key_id: &'a str,
    /// The caller's id of its owner.
    pub external_id: Option<&'a str>,
    /// Id of its identity.
    pub identity_id: Option<&'a str>,
    /// Names of its roles.
    pub roles: &'a [String],
    /// Effective permissions.
    pub permissions: &'a [String],
}

/// The claims of a token with those of the key: the object `unkey`, and who it is for (`sub`) unless the token says so. What
/// are no claims counts as none; all others stay as they were written.
pub fn claims(old: &str, bearer: &Bearer) -> serde_json::Result<String> {
    let mut claims: BTreeMap<String, Box<RawValue>> = serde_json::from_str(old).unwrap_or_default();
    if let Some(external_id) = bearer.external_id
        && !claims.contains_key("sub")
    {
        claims.insert("sub".to_owned(), to_raw_value(external_id)?);
    }
    claims.insert("unkey".to_owned(), to_raw_value(bearer)?);
    serde_json::to_string(&claims)
}

/// Headers of a reply as PostgREST takes them, an array of objects of one member each, with more of them, which replace those of
/// their names. What is no such array stays, for PostgREST to refuse.
pub fn response_headers(old: &str, more: &[(&str, String)]) -> serde_json::Result<String> {
    let array = if old.is_empty() { "[]" } else { old };
    let Ok(mut list) = serde_json::from_str::<Vec<BTreeMap<String, Box<RawValue>>>>(array) else {
        return Ok(old.to_owned());
    };
    for (name, value) in more {
        list.retain(|header| !header.keys().any(|known| known.eq_ignore_ascii_case(name)));
        list.push(BTreeMap::from([((*name).to_owned(), to_raw_value(value)?)]));
    }
    serde_json::to_string(&list)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bearer(external_id: Option<&str>) -> Bearer<'_> {
        Bearer {
            key_id: "key_1",
            external_id,
            identity_id: external_id.map(|_| "id_1"),
            roles: &[],
            permissions: &[],
        }
    }

    #[test]
    fn claims_of_a_token_stay() {
        let token = r#"{"sub":"ann","role":"app","exp":1.50,"unkey":{"key_id":"forged"}}"#;
        assert_eq!(
            claims(token, &bearer(Some("acme"))).unwrap(),
            r#"{"exp":1.50,"role":"app","sub":"ann","unkey":{"key_id":"key_1","external_id":"acme","identity_id":"id_1","roles":[],"permissions":[]}}"#
        );
    }

    #[test]
    fn the_owner_is_the_subject_where_there_is_no_other() {
        for none in ["", "null", "[]", "x"] {
            let claims = claims(none, &bearer(Some("acme"))).unwrap();
            assert!(claims.starts_with(r#"{"sub":"acme","unkey":{"#), "{claims}");
        }
        assert!(!claims("{}", &bearer(None)).unwrap().contains("sub"));
    }

    #[test]
    fn headers_are_added_to_those_there_are_or_replace_them() {
        let more = [("RateLimit", r#""a";r=1"#.to_owned())];
        assert_eq!(response_headers("", &more).unwrap(), r#"[{"RateLimit":"\"a\";r=1"}]"#);
        assert_eq!(
            response_headers(r#"[{"X-A": "1"}]"#, &more).unwrap(),
            r#"[{"X-A":"1"},{"RateLimit":"\"a\";r=1"}]"#
        );
        let before = r#"[{"ratelimit":"old"},{"X-A":7}]"#;
        assert_eq!(response_headers(before, &more).unwrap(), r#"[{"X-A":7},{"RateLimit":"\"a\";r=1"}]"#);
        assert_eq!(response_headers("nonsense", &more).unwrap(), "nonsense");
    }
}
