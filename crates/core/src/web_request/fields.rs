//! Limits in header fields: `RateLimit-Policy` and `RateLimit` of draft-ietf-httpapi-ratelimit-headers-10, which are
//! structured fields (RFC 9651).

use std::fmt::Write;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::refusal::seconds;
use crate::limits::LimitState;

/// What a name is percent-encoded for: what no text of a field may hold, and the sign itself.
const ENCODED: &AsciiSet = &CONTROLS.add(b'%');
/// The greatest integer of a field.
const GREATEST: i64 = 999_999_999_999_999;

/// The fields by name; none without limits.
pub fn fields(limits: &[LimitState], now: i64) -> Vec<(&'static str, String)> {
    if limits.is_empty() {
        return Vec::new();
    }
    vec![
        (
            "RateLimit-Policy",
            list(limits, |limit| [('q', limit.limit), ('w', whole_seconds(limit.duration))]),
        ),
        (
            "RateLimit",
            list(limits, |limit| {
                [('r', limit.remaining), ('t', whole_seconds(limit.reset.saturating_sub(now)))]
            }),
        ),
    ]
}

/// The same of one that refused, and `Retry-After`, from when on it would not.
pub fn refused(limit: &LimitState, now: i64) -> Vec<(&'static str, String)> {
    let mut fields = fields(std::slice::from_ref(limit), now);
    fields.extend(limit.clears.map(|then| ("Retry-After", seconds(now, then).to_string())));
    fields
}

fn list(limits: &[LimitState], parameters: impl Fn(&LimitState) -> [(char, i64); 2]) -> String {
    let mut field = String::new();
    for limit in limits {
        field.push_str(if field.is_empty() { "" } else { ", " });
        field.push_str(&text(&limit.name));
        for (name, value) in parameters(limit) {
            let _ = write!(field, ";{name}={}", value.clamp(0, GREATEST));
        }
    }
    field
}

/// A text of a field.
fn text(name: &str) -> String {
    let encoded = utf8_percent_encode(name, ENCODED).to_string();
    format!("\"{}\"", encoded.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Rounded up.
fn whole_seconds(milliseconds: i64) -> i64 {
    milliseconds.div_euclid(1000) + i64::from(milliseconds.rem_euclid(1000) > 0)
}

#[cfg(test)]
mod tests {
    use percent_encoding::percent_decode_str;
    use proptest::prelude::*;
    use sfv::{BareItem, ListEntry, Parser};

    use super::*;

    fn limit(name: &str, limit: i64, remaining: i64) -> LimitState {
        LimitState {
            id: String::new(),
            name: name.to_owned(),
            limit,
            duration: 60_000,
            reset: 142_001,
            remaining,
            exceeded: remaining == 0,
            auto_apply: false,
            clears: None,
        }
    }

    #[test]
    fn fields_are_lists_of_named_limits() {
        let limits = [limit("reads", 100, 99), limit("writes", 5, 0)];
        assert_eq!(
            fields(&limits, 100_500),
            [
                ("RateLimit-Policy", r#""reads";q=100;w=60, "writes";q=5;w=60"#.to_owned()),
                ("RateLimit", r#""reads";r=99;t=42, "writes";r=0;t=42"#.to_owned()),
            ]
        );
        assert_eq!(fields(&[], 0), []);
    }

    #[test]
    fn what_no_field_may_hold_is_encoded() {
        assert_eq!(text(r#"a "b" \ 50%"#), r#""a \"b\" \\ 50%25""#);
        assert_eq!(text("é\n"), "\"%C3%A9%0A\"");
    }

    proptest! {
        #[test]
        fn whatever_the_limits_another_reader_finds_them(
            names in prop::collection::vec(any::<String>(), 1..4),
            (most, remaining, duration, reset) in any::<(i64, i64, i64, i64)>(),
        ) {
            let state = |name: &String| LimitState { duration, reset, ..limit(name, most, remaining) };
            let limits: Vec<_> = names.iter().map(state).collect();
            for (_, field) in fields(&limits, 0) {
                let list = Parser::new(&field).parse::<sfv::List>().unwrap();
                prop_assert_eq!(list.len(), names.len());
                for (entry, name) in list.iter().zip(&names) {
                    let ListEntry::Item(item) = entry else { panic!("no item") };
                    let BareItem::String(text) = &item.bare_item else { panic!("no text") };
                    prop_assert_eq!(&percent_decode_str(text.as_str()).decode_utf8().unwrap(), name);
                    prop_assert_eq!(item.params.len(), 2);
                }
            }
        }
    }
}
