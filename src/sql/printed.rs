//! Values as Postgres prints them, written from what they are made of: neither the value nor its output function is needed.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};
use serde_json::value::RawValue;
use unkey_core::limits::{LimitState, StoredLimit, unshadowed};

use crate::error::Outcome;
use crate::store::record::{Identity, Record};
use crate::store::value::Json;

/// A `text[]` of one dimension, by the rules of `array_out`.
pub fn texts(texts: &[String]) -> Vec<u8> {
    let mut array = Vec::with_capacity(2 + texts.iter().map(|text| text.len() + 1).sum::<usize>());
    for (at, text) in texts.iter().enumerate() {
        array.push(if at == 0 { b'{' } else { b',' });
        element(text, &mut array);
    }
    array.push(b'}');
    array
}

fn element(text: &str, to: &mut Vec<u8>) {
    let is_special = |byte: u8| matches!(byte, b'"' | b'\\' | b'{' | b'}' | b',' | b' ' | b'\t'..=b'\r');
    if !text.is_empty() && !text.eq_ignore_ascii_case("null") && !text.bytes().any(is_special) {
        return to.extend_from_slice(text.as_bytes());
    }
    to.push(b'"');
    for byte in text.bytes() {
        if matches!(byte, b'"' | b'\\') {
            to.push(b'\\');
        }
        to.push(byte);
    }
    to.push(b'"');
}

/// States of limits, as [`jsonb`](super::jsonb::limits) has them. Each verification prints them anew, so what is the same in all of
/// them is not serialized.
pub fn limits(states: &[LimitState], to: &mut Vec<u8>) -> Outcome<()> {
    to.push(b'[');
    for (at, state) in states.iter().enumerate() {
        let LimitState { id, name, limit, reset, duration, exceeded, auto_apply, remaining, .. } = state;
        to.extend_from_slice(if at == 0 { br#"{"id": "# } else { br#", {"id": "# });
        json(id, to)?;
        to.extend_from_slice(br#", "name": "#);
        json(name, to)?;
        let numbers: [(&[u8], i64); 3] =
            [(br#", "limit": "#, *limit), (br#", "reset": "#, *reset), (br#", "duration": "#, *duration)];
        for (before, number) in numbers {
            to.extend_from_slice(before);
            json(&number, to)?;
        }
        to.extend_from_slice(if *exceeded { br#", "exceeded": true"# } else { br#", "exceeded": false"# });
        to.extend_from_slice(if *auto_apply {
            br#", "autoApply": true, "remaining": "#
        } else {
            br#", "autoApply": false, "remaining": "#
        });
        json(remaining, to)?;
        to.push(b'}');
    }
    to.push(b']');
    Ok(())
}

/// The identity of a key, as [`jsonb`](super::jsonb::identity) has it.
pub fn identity(key: &Record, identity: &Identity) -> Outcome<Vec<u8>> {
    let shown = Owner {
        id: &identity.id,
        meta: identity.meta.as_ref().map(Json::text).transpose()?,
        external_id: &identity.external_id,
        ratelimits: unshadowed(&key.ratelimits, &identity.ratelimits).map(Limit::of).collect(),
    };
    let mut text = Vec::with_capacity(256);
    json(&shown, &mut text)?;
    Ok(text)
}

fn json(value: &impl Serialize, to: &mut Vec<u8>) -> Outcome<()> {
    value.serialize(&mut Serializer::with_formatter(to, Spaced))?;
    Ok(())
}

// Members stand in the order that Postgres keeps: by the length of their names, then by their bytes.

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Owner<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    meta: Option<&'a RawValue>,
    external_id: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ratelimits: Vec<Limit<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Limit<'a> {
    id: &'a str,
    name: &'a str,
    limit: i64,
    duration: i64,
    auto_apply: bool,
}

impl<'a> Limit<'a> {
    fn of(limit: &'a StoredLimit) -> Self {
        let StoredLimit { id, name, limit, duration, auto_apply, .. } = limit;
        Self { id, name, limit: *limit, duration: *duration, auto_apply: *auto_apply }
    }
}

/// With a space after each comma and colon.
struct Spaced;

impl Formatter for Spaced {
    fn begin_array_value<W: Write + ?Sized>(&mut self, to: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { to.write_all(b", ") }
    }

    fn begin_object_key<W: Write + ?Sized>(&mut self, to: &mut W, first: bool) -> io::Result<()> {
        self.begin_array_value(to, first)
    }

    fn begin_object_value<W: Write + ?Sized>(&mut self, to: &mut W) -> io::Result<()> {
        to.write_all(b": ")
    }
}
