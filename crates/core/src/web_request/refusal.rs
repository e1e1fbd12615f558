//! Refusals as PostgREST takes them: `RAISE SQLSTATE 'PGRST'` with a body as message, and status and headers as detail.

use std::collections::BTreeMap;

use serde::Serialize;

use super::fields::fields;
use crate::clearing;
use crate::credits::Refill;
use crate::limits::LimitState;
use crate::verdict::Code;

/// The SQLSTATE that makes PostgREST read message and detail.
pub const SQLSTATE: &str = "PGRST";

/// A refusal. Without the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// The verdict, or `MISSING_KEY`.
    pub code: &'static str,
    message: &'static str,
    details: Option<String>,
    hint: String,
    headers: Vec<(&'static str, String)>,
}

/// What is known of a refused key.
#[derive(Debug, Clone, Copy)]
pub struct Refused<'a> {
    /// Why.
    pub code: Code,
    /// Limits that were looked at.
    pub limits: &'a [LimitState],
    /// What refills its credits.
    pub refill: Option<&'a Refill>,
    /// Credits that were asked for.
    pub cost: i64,
    /// Milliseconds since the Unix epoch.
    pub now: i64,
}

impl Refusal {
    /// Of a request without a key.
    pub fn missing_key(header: Option<&str>) -> Self {
        let hint = match header {
            None => "Send it in the header apikey, or as Authorization: Bearer <key>.".to_owned(),
            Some(name) if name.eq_ignore_ascii_case("authorization") => {
                "Send it as Authorization: Bearer <key>.".to_owned()
            }
            Some(name) => format!("Send it in the header {name}."),
        };
        let message = "the request has no API key";
        Self { headers: challenge("Bearer"), ..Self::plain(401, "MISSING_KEY", message, hint) }
    }

    /// Of a key that is not valid; `None` for one that is.
    pub fn of(refused: &Refused) -> Option<Self> {
        let code = refused.code.as_str();
        let plain = |status, message, hint: &str| Some(Self::plain(status, code, message, hint.to_owned()));
        match refused.code {
            Code::Valid => None,
            Code::NotFound => plain(
                401,
                "the API key is not known",
                "It was mistyped or deleted, or it is for another API.",
            ),
            Code::Disabled => plain(401, "the API key is disabled", "Ask whoever issued it."),
            Code::Expired => plain(401, "the API key has expired", "Ask whoever issued it for another one."),
            Code::Forbidden => plain(
                403,
                "the API key may not be used from here",
                "Its list of addresses does not have yours, or its API is disabled.",
            ),
            Code::InsufficientPermissions => {
                plain(403, "the API key may not do this", "Ask whoever issued it for the permission.")
            }
            Code::RateLimited => Some(refused.limited(code)),
            Code::UsageExceeded => Some(refused.out_of_credits(code)),
        }
        .map(|refusal| refusal.with_headers(refused))
    }

    fn plain(status: u16, code: &'static str, message: &'static str, hint: String) -> Self {
        Self { status, code, message, details: None, hint, headers: Vec::new() }
    }

    fn with_headers(mut self, refused: &Refused) -> Self {
        if self.status == 401 {
            self.headers = challenge(r#"Bearer error="invalid_token""#);
        }
        self.headers.extend(fields(refused.limits, refused.now));
        self
    }

    /// The message of the error: the body of the reply.
    pub fn message(&self) -> serde_json::Result<String> {
        #[derive(Serialize)]
        struct Body<'a> {
            code: &'a str,
            message: &'a str,
            details: Option<&'a str>,
            hint: &'a str,
        }
        let Self { code, message, details, hint, .. } = self;
        serde_json::to_string(&Body { code, message, details: details.as_deref(), hint })
    }

    /// The detail of the error: status and headers of the reply.
    pub fn detail(&self) -> serde_json::Result<String> {
        #[derive(Serialize)]
        struct Reply<'a> {
            status: u16,
            headers: BTreeMap<&'a str, &'a str>,
        }
        let headers = self.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        serde_json::to_string(&Reply { status: self.status, headers })
    }
}

impl Refused<'_> {
    fn limited(&self, code: &'static str) -> Refusal {
        let exceeded: Vec<_> = self.limits.iter().filter(|limit| limit.exceeded).collect();
        // All of them must pass.
        let clears = exceeded
            .iter()
            .map(|limit| limit.clears)
            .try_fold(self.now, |latest, clears| Some(latest.max(clears?)));
        let names: Vec<_> = exceeded.iter().map(|limit| limit.name.as_str()).collect();
        let message = "too many requests";
        Refusal {
            details: Some(names.join(", ")),
            ..self.later(code, message, clears, "This limit never admits it.")
        }
    }

    fn out_of_credits(&self, code: &'static str) -> Refusal {
        let refill = clearing::of_credits(self.refill, self.cost, self.now);
        self.later(code, "the API key has too few credits left", refill, "Ask whoever issued it for credits.")
    }

    /// A refusal that ends then.
    fn later(&self, code: &'static str, message: &'static str, then: Option<i64>, never: &str) -> Refusal {
        let Some(seconds) = then.map(|then| seconds(self.now, then)) else {
            return Refusal::plain(429, code, message, never.to_owned());
        };
        let hint = format!("Try again in {seconds} s.");
        let headers = vec![("Retry-After", seconds.to_string())];
        Refusal { headers, ..Refusal::plain(429, code, message, hint) }
    }
}

/// Whole seconds until then, for `Retry-After`: at least 1.
pub(super) fn seconds(now: i64, then: i64) -> i64 {
    let milliseconds = then.saturating_sub(now);
    (milliseconds / 1000 + i64::from(milliseconds % 1000 > 0)).max(1)
}

fn challenge(scheme: &str) -> Vec<(&'static str, String)> {
    vec![("WWW-Authenticate", scheme.to_owned())]
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// 2026-01-01 00:00 UTC.
    const NOW: i64 = 1_767_225_600_000;

    fn refused(code: Code) -> Refused<'static> {
        Refused { code, limits: &[], refill: None, cost: 5, now: NOW }
    }

    fn limit(name: &str, clears: Option<i64>) -> LimitState {
        LimitState {
            id: String::new(),
            name: name.to_owned(),
            limit: 5,
            duration: 60_000,
            reset: NOW + 30_000,
            remaining: 0,
            exceeded: true,
            auto_apply: true,
            clears,
        }
    }

    fn reply(refused: &Refused) -> (u16, Value) {
        let refusal = Refusal::of(refused).unwrap();
        let detail: Value = serde_json::from_str(&refusal.detail().unwrap()).unwrap();
        assert_eq!(detail["status"], refusal.status);
        (refusal.status, detail["headers"].clone())
    }

    #[test]
    fn every_code_has_its_status() {
        let status = |code| Refusal::of(&refused(code)).map(|refusal| refusal.status);
        assert_eq!(
            Code::ALL.map(status),
            [None, Some(401), Some(403), Some(403), Some(429), Some(429), Some(401), Some(401)]
        );
    }

    #[test]
    fn the_body_has_all_that_postgrest_asks_for() {
        let missing = Refusal::missing_key(None);
        assert_eq!(
            missing.message().unwrap(),
            r#"{"code":"MISSING_KEY","message":"the request has no API key","details":null,"hint":"Send it in the header apikey, or as Authorization: Bearer <key>."}"#
        );
        assert_eq!(missing.detail().unwrap(), r#"{"status":401,"headers":{"WWW-Authenticate":"Bearer"}}"#);
        assert_eq!(Refusal::missing_key(Some("x-api-key")).hint, "Send it in the header x-api-key.");
        assert_eq!(reply(&refused(Code::Forbidden)), (403, json!({})));
        assert_eq!(
            reply(&refused(Code::Expired)).1,
            json!({"WWW-Authenticate": r#"Bearer error="invalid_token""#})
        );
    }

    #[test]
    fn seconds_are_rounded_up() {
        for (milliseconds, expected) in [(-5000, 1), (0, 1), (1, 1), (1000, 1), (1001, 2), (59_999, 60)] {
            assert_eq!(seconds(NOW, NOW + milliseconds), expected);
        }
    }

    #[test]
    fn a_limit_says_when_to_come_again() {
        let limits = [
            limit("a", Some(NOW + 1)),
            limit("b", Some(NOW + 41_001)),
            LimitState { exceeded: false, ..limit("c", None) },
        ];
        let limited = Refused { limits: &limits, ..refused(Code::RateLimited) };
        assert_eq!(Refusal::of(&limited).unwrap().details.as_deref(), Some("a, b"));
        let headers = reply(&limited).1;
        assert_eq!(headers["Retry-After"], "42");
        assert_eq!(headers["RateLimit"], r#""a";r=0;t=30, "b";r=0;t=30, "c";r=0;t=30"#);
        let never = [limit("a", Some(NOW + 1)), limit("b", None)];
        assert!(reply(&Refused { limits: &never, ..limited }).1.get("Retry-After").is_none());
    }

    #[test]
    fn credits_come_back_with_a_refill_that_covers_the_cost() {
        let after = |amount| {
            let refill = Refill { amount, day: None };
            let spent = Refused { refill: Some(&refill), ..refused(Code::UsageExceeded) };
            reply(&spent).1.get("Retry-After").cloned()
        };
        assert_eq!(after(5), Some(json!("86400")));
        assert_eq!(after(4), None);
        assert_eq!(reply(&refused(Code::UsageExceeded)), (429, json!({})));
    }
}
