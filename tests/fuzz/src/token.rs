//! Tokens of /rpc. Lines: a header and claims, which are signed here, with the right secret and in wrong ways; and one that
//! is sent as it is.

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderValue};
use openssl::base64::encode_block;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sign::Signer;
use serde_json::{Map, Value};
use unkey_http::rpc::claims;
use unkey_http::rpc::error::Error;
use unkey_http::rpc::jwt::Keys;
use unkey_http::rpc::role::Gate;

const SECRET: &str = "a secret that has thirty-two bytes or more";
const OTHER: &str = "another secret, which has as many bytes as it needs";
const NOW: f64 = 1_767_225_600.0;

pub fn check(input: &[u8]) {
    let Some(text) = crate::text(input) else { return };
    let mut lines = text.split('\n');
    let mut line = || lines.next().unwrap_or_default();
    let (header, payload, raw) = (line(), line(), line());
    let message = format!("{}.{}", base64(header.as_bytes()), base64(payload.as_bytes()));
    let keys = Keys::read(SECRET).unwrap_or_else(|error| panic!("{error}"));
    let signed = |secret| format!("{message}.{}", base64(&signature(secret, &message)));
    for forged in
        [signed(OTHER), format!("{message}."), message.clone(), raw.to_owned(), signed(SECRET) + "A"]
    {
        refused(keys.claims(&forged).unwrap_err(), "PGRST301", &forged);
    }
    match keys.claims(&signed(SECRET)) {
        Ok(found) => {
            assert_eq!(Some(&found), object(payload).as_ref());
            let header = object(header).unwrap();
            assert_eq!(header["alg"], "HS256");
            assert!(header.get("crit").is_none_or(Value::is_null));
            judged(&found, raw);
        }
        Err(error) => refused(error, "PGRST301", &message),
    }
    gate(keys, &signed(SECRET));
}

fn object(text: &str) -> Option<Map<String, Value>> {
    serde_json::from_str(text).ok()
}

fn signature(secret: &str, message: &str) -> Vec<u8> {
    let key = PKey::hmac(secret.as_bytes()).unwrap();
    Signer::new(MessageDigest::sha256(), &key).unwrap().sign_oneshot_to_vec(message.as_bytes()).unwrap()
}

fn base64(bytes: &[u8]) -> String {
    encode_block(bytes).replace('+', "-").replace('/', "_").trim_end_matches('=').to_owned()
}

/// Nothing of a token is repeated: the messages are few.
fn refused(error: Error, code: &str, token: &str) {
    assert_eq!((error.status.as_u16(), error.body.code.as_str()), (401, code), "{token}");
    assert!(error.body.message.len() < 60 && error.body.details.is_none() && error.body.hint.is_none());
}

/// Claims hold if none of them says otherwise.
fn judged(claims: &Map<String, Value>, place: &str) {
    let holds = claims::check(claims, NOW, Some("us"));
    let number = |name: &str| claims.get(name).and_then(Value::as_f64);
    let in_time = number("exp").is_none_or(|exp| exp >= NOW - 30.0)
        && ["nbf", "iat"].iter().all(|name| number(name).is_none_or(|from| from <= NOW + 30.0));
    if let Err(error) = holds {
        refused(error, "PGRST303", "");
    } else {
        assert!(in_time);
        let audience = claims.get("aud").map(Value::to_string).unwrap_or_else(|| "null".to_owned());
        assert!(["null", "[]"].contains(&audience.as_str()) || audience.contains("\"us\""), "{audience}");
    }
    if let Some(role) = claims::role(claims, place) {
        assert!(Value::from(claims.clone()).to_string().contains(&Value::from(role).to_string()));
    }
}

/// Who comes through has the role of the token, or that of those without one; never none.
fn gate(keys: Keys, token: &str) {
    let gate = Gate {
        keys: Some(keys),
        audience: None,
        place: "role".to_owned(),
        anonymous: Some("anonymous".to_owned()),
        only_tokens: false,
    };
    let value = HeaderValue::from_str(&format!("Bearer {token}")).unwrap();
    let headers: HeaderMap = [(AUTHORIZATION, value)].into_iter().collect();
    match gate.caller(&headers) {
        Ok(caller) => {
            let claimed = caller.claims.get("role").and_then(Value::as_str);
            assert!(!caller.role.eq_ignore_ascii_case("none"));
            assert_eq!(caller.role, if caller.known { claimed.unwrap() } else { "anonymous" });
        }
        Err(error) => assert_eq!(error.status.as_u16(), 401),
    }
}
