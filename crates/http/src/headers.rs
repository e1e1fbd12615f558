//! Headers that the database asks for, in the setting `response.headers`: a JSON array of objects of one member each, as
//! PostgREST takes them.

use axum::http::{HeaderMap, HeaderName};
use serde_json::{Map, Value};

/// Sets them; the first of a name replaces what is there. `None`, and none is set, if the text is no such array.
pub fn set(headers: &mut HeaderMap, text: &str) -> Option<()> {
    let list: Vec<Map<String, Value>> = serde_json::from_str(text).ok()?;
    let mut chosen = HeaderMap::new();
    for object in list {
        let (1, Some((name, Value::String(value)))) = (object.len(), object.iter().next()) else {
            return None;
        };
        chosen.append(name.parse::<HeaderName>().ok()?, value.parse().ok()?);
    }
    for name in chosen.keys() {
        headers.remove(name);
    }
    headers.extend(chosen);
    Some(())
}
