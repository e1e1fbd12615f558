//! `jsonb` values put together without printing and parsing text.
//!
//! Postgres keeps the members of an object sorted by the length of their names, then by their bytes (`lengthCompareJsonbString`
//! of `jsonb_util.c`); whoever hands it an object does so in that order.

use pgrx::pg_sys;
use pgrx::pg_sys::jbvType;
use unkey_core::limits::LimitState;

/// A value under construction, with what it points to.
struct Value(pg_sys::JsonbValue);

fn value(kind: jbvType::Type, set: impl FnOnce(&mut pg_sys::JsonbValue)) -> Value {
    let mut value = pg_sys::JsonbValue { type_: kind, ..Default::default() };
    set(&mut value);
    Value(value)
}

fn text(text: &str) -> Value {
    value(jbvType::jbvString, |value| {
        value.val.string.len = text.len() as i32;
        value.val.string.val = text.as_ptr().cast_mut().cast();
    })
}

fn number(number: i64) -> Value {
    // SAFETY: makes a numeric in the current memory context.
    let numeric = unsafe { pg_sys::int64_to_numeric(number) };
    value(jbvType::jbvNumeric, |value| value.val.numeric = numeric)
}

fn boolean(boolean: bool) -> Value {
    value(jbvType::jbvBool, |value| value.val.boolean = boolean)
}

fn pair(name: &'static str, Value(value): Value) -> pg_sys::JsonbPair {
    pg_sys::JsonbPair { key: text(name).0, value, order: 0 }
}

/// States of limits as the array that `unkey.verification` shows.
pub fn limits(states: &[LimitState]) -> pg_sys::Datum {
    let mut objects: Vec<_> = states.iter().map(members).collect();
    let mut elements: Vec<pg_sys::JsonbValue> = objects.iter_mut().map(|members| object(members)).collect();
    let Value(mut array) = value(jbvType::jbvArray, |value| {
        value.val.array.nElems = elements.len() as i32;
        value.val.array.elems = elements.as_mut_ptr();
        value.val.array.rawScalar = false;
    });
    // SAFETY: copies the whole tree, all of which is alive here; texts are no longer than an i32 can say.
    pg_sys::Datum::from(unsafe { pg_sys::JsonbValueToJsonb(&mut array) })
}

fn object(members: &mut [pg_sys::JsonbPair]) -> pg_sys::JsonbValue {
    value(jbvType::jbvObject, |value| {
        value.val.object.nPairs = members.len() as i32;
        value.val.object.pairs = members.as_mut_ptr();
    })
    .0
}

/// In the order that Postgres keeps.
fn members(state: &LimitState) -> [pg_sys::JsonbPair; 8] {
    [
        pair("id", text(&state.id)),
        pair("name", text(&state.name)),
        pair("limit", number(state.limit)),
        pair("reset", number(state.reset)),
        pair("duration", number(state.duration)),
        pair("exceeded", boolean(state.exceeded)),
        pair("autoApply", boolean(state.auto_apply)),
        pair("remaining", number(state.remaining)),
    ]
}
