//! Documents: what is read, what is refused, and how the refusal names the place.

use proptest::prelude::*;
use unkey_core::Kind;
use unkey_core::document::{
    ApiPatch, IdentityPatch, KeyPatch, Patch, are_stored_limits, imported_keys, limit_requests, ratelimits,
    requested_limits,
};

fn refusal(json: &str) -> String {
    let error = KeyPatch::read(json).err();
    assert_eq!(error.as_ref().map(|error| error.kind), Some(Kind::InvalidInput), "{json}");
    error.map(|error| error.message).unwrap_or_default()
}

#[test]
fn uk_01_and_02_absent_keeps_and_null_clears() {
    let patch = KeyPatch::read(r#"{"name": null, "expires": 5}"#).unwrap();
    assert_eq!((patch.name, patch.expires), (Patch::Clear, Patch::Set(5)));
    assert_eq!(patch.external_id, Patch::Keep);
}

#[test]
fn ck_07_unknown_fields_are_refused_by_name() {
    assert!(refusal(r#"{"foo": 1}"#).starts_with("patch.foo is not as expected: unknown field"));
    assert!(refusal(r#"{"credits": {"left": 1}}"#).contains("patch.credits.left"));
}

#[test]
fn null_is_refused_where_it_clears_nothing() {
    for field in ["enabled", "ratelimits", "permissions", "roles"] {
        assert!(refusal(&format!("{{\"{field}\": null}}")).starts_with(&format!("patch.{field}")), "{field}");
    }
}

#[test]
fn id_05_and_07_changes_of_an_identity() {
    let patch = IdentityPatch::read(r#"{"meta": null}"#).unwrap();
    assert!(matches!(patch.meta, Patch::Clear) && patch.ratelimits.is_none());
    let limit = r#"{"name": "a", "limit": 1, "duration": 1000}"#;
    let limits = |list: &str| IdentityPatch::read(&format!(r#"{{"ratelimits": [{list}]}}"#));
    assert_eq!(limits(limit).unwrap().ratelimits.map(|limits| limits.len()), Some(1));
    let twice = limits(&format!("{limit}, {limit}")).unwrap_err();
    assert_eq!(twice.argument.as_deref(), Some("patch.ratelimits[1].name"));
    assert!(IdentityPatch::read(r#"{"ratelimits": null}"#).is_err());
    assert!(IdentityPatch::read(r#"{"externalId": "u"}"#).is_err());
    assert!(IdentityPatch::read(r#"{"meta": []}"#).is_err());
}

#[test]
fn ns_10_checks_of_the_limiter() {
    let refused = |json: &str| limit_requests("checks", json).unwrap_err().argument.unwrap_or_default();
    let check = |fields: &str| format!(r#"[{{"namespace": "n", "identifier": "i"{fields}}}]"#);
    let good = check(r#", "limit": 1, "duration": 2592000000"#);
    assert_eq!(limit_requests("checks", &good).unwrap()[0].cost(), 1);
    let peek = check(r#", "limit": 1, "duration": 1000, "cost": 0"#);
    assert_eq!(limit_requests("checks", &peek).unwrap()[0].cost(), 0);
    assert_eq!(refused(&check(r#", "limit": 0, "duration": 1000"#)), "checks[0].limit");
    assert_eq!(refused(&check(r#", "limit": 1, "duration": 999"#)), "checks[0].duration");
    assert_eq!(refused(&check(r#", "limit": 1, "duration": 2592000001"#)), "checks[0].duration");
    assert_eq!(refused(&check(r#", "limit": 1, "duration": 1000, "cost": -1"#)), "checks[0].cost");
    assert_eq!(refused(&check(r#", "limit": 1, "duration": 1000, "cots": 1"#)), "checks[0].cots");
    assert_eq!(refused(&good.replace("\"i\"", "\"\"")), "checks[0].identifier");
    assert_eq!(refused(&good.replace("\"n\"", "\"\\u0000\"")), "checks[0].namespace");
    assert_eq!(refused(&good.replace("\"n\"", &format!("\"{}\"", "n".repeat(256)))), "checks[0].namespace");
    assert_eq!(refused("[]"), "checks");
    assert_eq!(refused(&format!("[{}]", vec![&good[1..good.len() - 1]; 101].join(","))), "checks");
}

#[test]
fn a_text_in_a_wrong_place_is_not_repeated() {
    assert_eq!(
        imported_keys(r#"["unkey_a\", expected one \" at line 1"]"#).unwrap_err().message,
        "keys[0] is not as expected: invalid type: string, expected an object with hash and attributes"
    );
    assert_eq!(
        refusal(r#""unkey_a""#),
        "patch is not as expected: invalid type: string, expected an object of fields to change"
    );
    assert_eq!(
        refusal(r#"{"enabled": "unkey_a"}"#),
        "patch.enabled is not as expected: invalid type: string, expected a boolean"
    );
}

#[test]
fn integers_only() {
    assert!(refusal(r#"{"expires": 1.5}"#).starts_with("patch.expires is not as expected"));
    assert!(refusal(r#"{"expires": 1e400}"#).starts_with("patch"));
}

#[test]
fn uk_11_a_day_belongs_to_a_monthly_refill() {
    let refill = |text: &str| KeyPatch::read(&format!(r#"{{"credits": {{"refill": {text}}}}}"#));
    assert!(refill(r#"{"interval": "daily", "amount": 4, "refillDay": 3}"#).is_err());
    assert!(refill(r#"{"interval": "monthly", "amount": 4}"#).is_err());
    assert!(refill(r#"{"interval": "yearly", "amount": 4}"#).is_err());
    assert!(refill(r#"{"interval": "daily", "amount": 0}"#).is_err());
    assert!(refill(r#"{"interval": "monthly", "amount": 4, "refillDay": 31}"#).is_ok());
    assert!(refill("null").is_ok());
}

#[test]
fn ck_13_at_most_50_limits_and_names_once() {
    let list = |n: usize| {
        let limits: Vec<_> =
            (0..n).map(|i| format!(r#"{{"name": "l{i}", "limit": 1, "duration": 1000}}"#)).collect();
        format!("[{}]", limits.join(","))
    };
    assert!(ratelimits("ratelimits", &list(50)).is_ok());
    assert!(ratelimits("ratelimits", &list(51)).is_err());
    let twice =
        r#"[{"name": "a", "limit": 1, "duration": 1000}, {"name": "a", "limit": 2, "duration": 1000}]"#;
    assert_eq!(
        ratelimits("ratelimits", twice).unwrap_err().message,
        r#"ratelimits[1].name repeats the name "a""#
    );
}

#[test]
fn stored_limits_need_ids() {
    let with =
        |id: &str| are_stored_limits(&format!(r#"[{{"name": "a", "limit": 1, "duration": 1000{id}}}]"#));
    assert!(with(r#", "id": "rl_1", "autoApply": true"#));
    assert!(!with(""));
    assert!(!with(r#", "id": """#));
    assert!(are_stored_limits("[]"));
    assert!(!are_stored_limits("{}"));
}

#[test]
fn rl_35_an_ad_hoc_limit_may_be_0_but_its_window_not_short() {
    assert!(requested_limits(r#"[{"name": "ad", "limit": 0, "duration": 60000}]"#).is_ok());
    let error = requested_limits(r#"[{"name": "ad", "limit": 1, "duration": 999}]"#).unwrap_err();
    assert_eq!(error.message, "ratelimits[0].duration must be at least 1000, not 999");
    assert!(requested_limits(r#"[{"name": "ad", "cost": -1}]"#).is_err());
}

#[test]
fn imported_keys_name_the_element() {
    let good = r#"{"hash": "LXEWQrcmsEQBYnyp+6wy9chTD7GQPMTbAiWHF5IaSIE="}"#;
    assert_eq!(imported_keys(&format!("[{good}, {good}]")).unwrap().len(), 2);
    let error = imported_keys(&format!(r#"[{good}, {{"hash": "short"}}]"#)).unwrap_err();
    assert!(error.message.starts_with("keys[1].hash must be the SHA-256"), "{}", error.message);
    assert_eq!(error.argument.as_deref(), Some("keys[1].hash"));
    assert!(imported_keys("[{}]").is_err());
}

proptest! {
    /// Whatever the text, the answer is a value or a mistake with a name.
    #[test]
    fn any_text_is_read_or_refused(text in r#"[\[\]{}",:a-z0-9.\-]{0,60}"#) {
        for error in [
            KeyPatch::read(&text).err(),
            ApiPatch::read(&text).err(),
            ratelimits("ratelimits", &text).err(),
            requested_limits(&text).err(),
            imported_keys(&text).err(),
        ].into_iter().flatten() {
            prop_assert_eq!(error.kind, Kind::InvalidInput);
            prop_assert!(error.argument.is_some());
        }
    }

    /// The ranges of stored limits, both edges.
    #[test]
    fn ranges_of_limits(limit in -2..3i64, duration in 998..1003i64) {
        let json = format!(r#"[{{"name": "a", "limit": {limit}, "duration": {duration}}}]"#);
        prop_assert_eq!(ratelimits("ratelimits", &json).is_ok(), limit >= 1 && duration >= 1000);
    }
}
