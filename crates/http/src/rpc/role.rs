//! Who calls: the database role of a token, or that of those without one.

use std::time::{SystemTime, UNIX_EPOCH};

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use serde_json::{Map, Value};

use super::claims::{self, Claims};
use super::error::{Error, Result};
use super::jwt::Keys;
use unkey_core::web_request::is_token;

/// Decides who calls.
pub struct Gate {
    /// Keys that sign tokens.
    pub keys: Option<Keys>,
    /// Whom tokens must be for.
    pub audience: Option<String>,
    /// Where a token names its role.
    pub place: String,
    /// Role of those without a token.
    pub anonymous: Option<String>,
    /// Whether what is no JWT is left to the function that runs before each call.
    pub only_tokens: bool,
}

/// Who calls.
#[derive(Debug, PartialEq)]
pub struct Caller {
    /// The database role.
    pub role: String,
    /// Whether it came with a token.
    pub known: bool,
    /// What the token claims, and the role.
    pub claims: Claims,
}

impl Gate {
    /// Who sent these headers.
    ///
    /// # Errors
    /// If the token is no good, or there is none and there must be.
    pub fn caller(&self, headers: &HeaderMap) -> Result<Caller> {
        // Which of several a proxy on the way went by can't be told.
        if headers.get_all(AUTHORIZATION).iter().nth(1).is_some() {
            return Err(Error::token("PGRST301", "there is more than one Authorization header"));
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        self.caller_at(now, bearer(headers).filter(|token| !self.only_tokens || is_token(token)))
    }

    fn caller_at(&self, now: f64, token: Option<&str>) -> Result<Caller> {
        let claims = match token {
            None => Map::new(),
            Some(token) => self.claims(now, token)?,
        };
        let named = claims::role(&claims, &self.place);
        // "none" is no role: it would mean the one that the server itself logged in with.
        if named.is_some_and(|role| role.eq_ignore_ascii_case("none")) {
            return Err(Error::token("PGRST303", "the role of the JWT is none"));
        }
        let known = named.is_some();
        let role = named.or(self.anonymous.as_deref()).ok_or_else(Error::anonymous)?.to_owned();
        Ok(Caller { claims: with_role(claims, &role), role, known })
    }

    fn claims(&self, now: f64, token: &str) -> Result<Claims> {
        let Some(keys) = &self.keys else {
            let status = axum::http::StatusCode::INTERNAL_SERVER_ERROR;
            return Err(Error::new(status, "PGRST300", "the server has no secret to check the JWT with"));
        };
        let claims = keys.claims(token)?;
        claims::check(&claims, now, self.audience.as_deref())?;
        Ok(claims)
    }
}

fn with_role(mut claims: Claims, role: &str) -> Claims {
    claims.entry("role").or_insert_with(|| Value::from(role));
    claims
}

/// The token of `Authorization: Bearer …`; other schemes are not ours.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{EncodingKey, Header, encode};
    use serde_json::json;

    use super::*;

    const SECRET: &str = "a secret that has thirty-two bytes or more";

    fn gate(anonymous: Option<&str>) -> Gate {
        Gate {
            keys: Keys::read(SECRET).ok(),
            audience: None,
            place: "role".to_owned(),
            anonymous: anonymous.map(str::to_owned),
            only_tokens: false,
        }
    }

    fn asked(gate: &Gate, claims: Option<Value>) -> Result<(String, bool), String> {
        let key = EncodingKey::from_secret(SECRET.as_bytes());
        let token = claims.map(|claims| encode(&Header::default(), &claims, &key).unwrap());
        gate.caller_at(1000.0, token.as_deref())
            .map(|caller| (caller.role, caller.known))
            .map_err(|error| error.body.code)
    }

    #[test]
    fn a_token_names_the_role() {
        assert_eq!(asked(&gate(None), Some(json!({"role": "app"}))), Ok(("app".to_owned(), true)));
        assert_eq!(asked(&gate(None), Some(json!({"role": "app", "exp": 1}))), Err("PGRST303".to_owned()));
    }

    #[test]
    fn those_without_one_have_the_anonymous_role_if_any() {
        for claims in [None, Some(json!({})), Some(json!({"role": 7}))] {
            assert_eq!(asked(&gate(Some("anon")), claims.clone()), Ok(("anon".to_owned(), false)));
            assert_eq!(asked(&gate(None), claims), Err("PGRST302".to_owned()));
        }
    }

    #[test]
    fn nobody_becomes_the_server() {
        for role in ["none", "NONE", "None"] {
            assert_eq!(asked(&gate(Some("anon")), Some(json!({ "role": role }))), Err("PGRST303".to_owned()));
        }
    }

    #[test]
    fn a_token_needs_a_secret_to_be_checked_with() {
        let gate = Gate { keys: None, ..gate(Some("anon")) };
        assert_eq!(asked(&gate, Some(json!({"role": "app"}))), Err("PGRST300".to_owned()));
    }

    #[test]
    fn what_is_no_token_can_be_left_to_others() {
        let gate = Gate { only_tokens: true, ..gate(Some("anon")) };
        let headers = |value: &str| HeaderMap::from_iter([(AUTHORIZATION, value.parse().unwrap())]);
        assert_eq!(gate.caller(&headers("Bearer key_1")).unwrap().role, "anon");
        assert_eq!(gate.caller(&headers("Bearer a.b.c")).unwrap_err().body.code, "PGRST301");
        let strict = Gate { only_tokens: false, ..gate };
        assert_eq!(strict.caller(&headers("Bearer key_1")).unwrap_err().body.code, "PGRST301");
    }

    #[test]
    fn two_headers_are_none() {
        let mut both = HeaderMap::new();
        for value in ["Bearer a", "Bearer b"] {
            both.append(AUTHORIZATION, value.parse().unwrap());
        }
        let refused = gate(Some("anon")).caller(&both).unwrap_err();
        assert_eq!(refused.body.code, "PGRST301");
    }

    #[test]
    fn only_bearer_is_ours() {
        let headers =
            |value: &str| [(AUTHORIZATION, value.parse().unwrap())].into_iter().collect::<HeaderMap>();
        assert_eq!(bearer(&headers("Bearer x.y.z")), Some("x.y.z"));
        assert_eq!(bearer(&headers("bearer  x.y.z")), Some("x.y.z"));
        assert_eq!(bearer(&headers("Bearer")), Some(""));
        assert_eq!(bearer(&headers("Basic eDp5")), None);
        assert_eq!(bearer(&HeaderMap::new()), None);
    }
}
