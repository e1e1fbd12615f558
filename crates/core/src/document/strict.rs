//! What JSON allows and no reader agrees about: refused before a body is read.

use std::collections::HashSet;
use std::fmt;

use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::read;
use crate::Result;

/// Refuses a name that stands twice in an object, the character U+0000 (which Postgres can't store), broken escapes,
/// numbers that no double holds, and nesting deeper than 128; at any depth, also where a value is only passed on.
pub fn strict(argument: &str, json: &str) -> Result<()> {
    read::<Strict>(argument, json).map(drop)
}

struct Strict;

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_any(Walk)
    }
}

struct Walk;

impl<'de> Visitor<'de> for Walk {
    type Value = Strict;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> std::result::Result<Strict, E> {
        Ok(Strict)
    }

    fn visit_bool<E>(self, _: bool) -> std::result::Result<Strict, E> {
        Ok(Strict)
    }

    fn visit_i64<E>(self, _: i64) -> std::result::Result<Strict, E> {
        Ok(Strict)
    }

    fn visit_u64<E>(self, _: u64) -> std::result::Result<Strict, E> {
        Ok(Strict)
    }

    fn visit_f64<E>(self, _: f64) -> std::result::Result<Strict, E> {
        Ok(Strict)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> std::result::Result<Strict, E> {
        if text.contains('\0') { Err(E::custom("the character U+0000 is not allowed")) } else { Ok(Strict) }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> std::result::Result<Strict, A::Error> {
        while elements.next_element::<Strict>()?.is_some() {}
        Ok(Strict)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> std::result::Result<Strict, A::Error> {
        let mut seen = HashSet::new();
        while let Some(name) = members.next_key::<String>()? {
            if name.contains('\0') {
                return Err(A::Error::custom("the character U+0000 is not allowed"));
            }
            members.next_value::<Strict>()?;
            if !seen.insert(name) {
                return Err(A::Error::custom("a name stands twice in one object"));
            }
        }
        Ok(Strict)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_documents_pass() {
        for good in ["{}", "null", r#"{"a": [1, 2.5, {"a": "\u00e9", "b": null}], "b": true}"#] {
            assert_eq!(strict("body", good), Ok(()), "{good}");
        }
    }

    #[test]
    fn what_readers_disagree_about_is_refused_at_any_depth() {
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        for bad in [
            r#"{"a": 1, "a": 1}"#,
            r#"{"meta": {"x": [{"a": 1, "\u0061": 2}]}}"#,
            r#"{"a": "\u0000"}"#,
            r#"{"\u0000": 1}"#,
            r#"{"a": "\ud800"}"#,
            r#"{"a": 1e400}"#,
            "{} {}",
            "{",
            "",
            &deep,
        ] {
            assert!(strict("body", bad).is_err(), "{bad}");
        }
    }
}
