//! `jsonb` values put together without printing and parsing text.
//!
//! Postgres keeps the members of an object sorted by the length of their names, then by their bytes (`lengthCompareJsonbString`
//! of `jsonb_util.c`); whoever hands it an object does so in that order.

use pgrx::pg_sys;
use pgrx::pg_sys::{JsonbIteratorToken, jbvType};
use unkey_core::limits::{LimitState, StoredLimit, unshadowed};

use crate::error::Outcome;
use crate::store::record::{Identity, Record};
use crate::store::value::{Json, Varlena};

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

/// The identity of a key with the limits that no limit of the key shadows, as `unkey.verification` shows it: the same as
/// `Record::identity_reply`.
pub fn identity(key: &Record, identity: &Identity) -> Outcome<Varlena> {
    let limits: Vec<_> = unshadowed(&key.ratelimits, &identity.ratelimits).map(stored_members).collect();
    let mut object = Object::begin();
    object.member("id", text(&identity.id));
    object.member("externalId", text(&identity.external_id));
    if let Some(meta) = &identity.meta {
        object.member("meta", document(meta)?);
    }
    if !limits.is_empty() {
        object.list("ratelimits", limits);
    }
    // SAFETY: what ends is a jsonb.
    Ok(unsafe { Varlena::copy(object.end()) })
}

/// The root of a document that is stored.
fn document(json: &Json) -> Outcome<Value> {
    let stored = json.stored()?;
    // SAFETY: a jsonb is its length and then its root container.
    let root = unsafe { stored.datum().cast_mut_ptr::<u32>().add(1) };
    Ok(value(jbvType::jbvBinary, |value| {
        value.val.binary.len = (stored.bytes() - size_of::<u32>()) as i32;
        value.val.binary.data = root.cast();
    }))
}

fn stored_members(limit: &StoredLimit) -> [pg_sys::JsonbPair; 5] {
    [
        pair("id", text(&limit.id)),
        pair("name", text(&limit.name)),
        pair("limit", number(limit.limit)),
        pair("duration", number(limit.duration)),
        pair("autoApply", boolean(limit.auto_apply)),
    ]
}

/// An object that Postgres puts together and sorts, so that documents can be members.
struct Object(*mut pg_sys::JsonbParseState);

impl Object {
    fn begin() -> Self {
        let mut object = Self(std::ptr::null_mut());
        object.push(JsonbIteratorToken::WJB_BEGIN_OBJECT, None);
        object
    }

    fn push(&mut self, token: JsonbIteratorToken::Type, value: Option<Value>) -> *mut pg_sys::JsonbValue {
        let mut value = value.map(|Value(value)| value);
        let value = value.as_mut().map_or(std::ptr::null_mut(), std::ptr::from_mut);
        // SAFETY: tokens come in the order that a document has; values are copied, what they point to stays until `end`.
        unsafe { pg_sys::pushJsonbValue(&mut self.0, token, value) }
    }

    fn member(&mut self, name: &'static str, value: Value) {
        self.push(JsonbIteratorToken::WJB_KEY, Some(text(name)));
        self.push(JsonbIteratorToken::WJB_VALUE, Some(value));
    }

    fn list<const N: usize>(&mut self, name: &'static str, objects: Vec<[pg_sys::JsonbPair; N]>) {
        self.push(JsonbIteratorToken::WJB_KEY, Some(text(name)));
        self.push(JsonbIteratorToken::WJB_BEGIN_ARRAY, None);
        for members in objects {
            self.push(JsonbIteratorToken::WJB_BEGIN_OBJECT, None);
            for pg_sys::JsonbPair { key, value, .. } in members {
                self.push(JsonbIteratorToken::WJB_KEY, Some(Value(key)));
                self.push(JsonbIteratorToken::WJB_VALUE, Some(Value(value)));
            }
            self.push(JsonbIteratorToken::WJB_END_OBJECT, None);
        }
        self.push(JsonbIteratorToken::WJB_END_ARRAY, None);
    }

    fn end(mut self) -> pg_sys::Datum {
        let root = self.push(JsonbIteratorToken::WJB_END_OBJECT, None);
        // SAFETY: the whole document, complete.
        pg_sys::Datum::from(unsafe { pg_sys::JsonbValueToJsonb(root) })
    }
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
