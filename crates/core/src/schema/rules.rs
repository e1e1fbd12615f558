//! From rules to the words of JSON Schema.

use schemars::Schema;
use schemars::transform::{Transform, transform_subschemas};
use serde_json::{Map, Value, json};

use crate::rule::{Anything, DURATION, Instant, Integer, List, Members, Network, Text};

/// Sets members that are there to be set.
fn set(schema: &mut Schema, members: Value) {
    if let Value::Object(members) = members {
        members.into_iter().for_each(|(name, value)| drop(schema.insert(name, value)));
    }
}

impl Transform for Text {
    fn transform(&mut self, schema: &mut Schema) {
        set(schema, json!({ "minLength": self.min, "maxLength": self.max }));
        if let Some(pattern) = self.of.pattern() {
            set(schema, json!({ "pattern": pattern }));
        }
    }
}

impl Transform for Integer {
    fn transform(&mut self, schema: &mut Schema) {
        set(schema, json!({ "minimum": self.min, "maximum": self.max }));
    }
}

impl<T: Transform> Transform for List<T> {
    fn transform(&mut self, schema: &mut Schema) {
        if self.min > 0 {
            set(schema, json!({ "minItems": self.min }));
        }
        set(schema, json!({ "maxItems": self.max }));
        if let Some(Ok(items)) = schema.get_mut("items").map(<&mut Schema>::try_from) {
            self.of.transform(items);
        }
    }
}

impl Transform for Members {
    fn transform(&mut self, schema: &mut Schema) {
        set(schema, json!({ "maxProperties": self.0 }));
    }
}

impl Transform for Instant {
    fn transform(&mut self, schema: &mut Schema) {
        Self::RANGE.transform(schema);
    }
}

impl Transform for Network {
    fn transform(&mut self, _: &mut Schema) {}
}

impl Transform for Anything {
    fn transform(&mut self, _: &mut Schema) {}
}

/// Of a member that may be absent but not null.
pub fn never_null(schema: &mut Schema) {
    if let Some(schema) = schema.as_object_mut() {
        without_null(schema);
    }
}

fn without_null(schema: &mut Map<String, Value>) {
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = &types[..] {
            let only = only.clone();
            schema.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(choices)) = schema.get_mut("anyOf") {
        choices.retain(|choice| choice["type"] != "null");
        if let [Value::Object(only)] = &mut choices[..] {
            let only = std::mem::take(only);
            schema.remove("anyOf");
            schema.extend(only);
        }
    }
}

/// A refill needs a balance to fill.
pub fn refill_needs_a_balance(schema: &mut Schema) {
    let then = json!({ "required": ["remaining"], "properties": { "remaining": { "type": "integer" } } });
    with_a_refill(schema, then);
}

/// A refill can't be set while the balance is taken away.
pub fn refill_keeps_a_balance(schema: &mut Schema) {
    with_a_refill(schema, json!({ "properties": { "remaining": { "type": "integer" } } }));
}

fn with_a_refill(schema: &mut Schema, then: Value) {
    let refill = json!({ "required": ["refill"], "properties": { "refill": { "type": "object" } } });
    set(schema, json!({ "if": refill, "then": then }));
}

/// A monthly refill has a day.
pub fn monthly_needs_a_day(schema: &mut Schema) {
    set(
        schema,
        json!({
            "if": { "properties": { "interval": { "const": "monthly" } } },
            "then": { "required": ["refillDay"], "properties": { "refillDay": { "type": "integer" } } },
        }),
    );
}

/// A daily refill has none.
pub fn no_day_with_daily(schema: &mut Schema) {
    let day = json!({ "interval": { "const": "daily" }, "refillDay": { "type": "integer" } });
    set(
        schema,
        json!({ "not": { "type": "object", "required": ["interval", "refillDay"], "properties": day } }),
    );
}

/// The window of a limit of its own is a second at least.
pub fn limit_needs_a_window(schema: &mut Schema) {
    let limit = json!({ "required": ["limit"], "properties": { "limit": { "type": "integer" } } });
    let window = json!({ "properties": { "duration": { "minimum": DURATION.min } } });
    set(schema, json!({ "if": limit, "then": window }));
}

/// Only a balance that is set can be without a number.
pub fn change_needs_a_value(schema: &mut Schema) {
    set(
        schema,
        json!({
            "if": { "properties": { "operation": { "enum": ["increment", "decrement"] } } },
            "then": { "required": ["value"], "properties": { "value": { "type": "integer" } } },
        }),
    );
}

/// The member `roleId` may be called `role`.
pub fn role_by_either_name(schema: &mut Schema) {
    let role = schema.get("properties").map(|members| members["roleId"].clone()).unwrap_or_default();
    if let Some(members) = schema.get_mut("properties") {
        members["role"] = role;
    }
    let either = json!([{ "required": ["roleId"] }, { "required": ["role"] }]);
    set(schema, json!({ "required": ["permissions"], "oneOf": either }));
}

/// Calls `change` for a schema and all that are in it.
fn everywhere(schema: &mut Value, change: fn(&mut Map<String, Value>)) {
    struct Everywhere(fn(&mut Map<String, Value>));
    impl Transform for Everywhere {
        fn transform(&mut self, schema: &mut Schema) {
            if let Some(members) = schema.as_object_mut() {
                (self.0)(members);
            }
            transform_subschemas(self, schema);
        }
    }
    if let Ok(schema) = <&mut Schema>::try_from(schema) {
        Everywhere(change).transform(schema);
    }
}

/// That a member is absent by default need not be said, least of all as null.
pub fn without_null_defaults(schema: &mut Value) {
    everywhere(schema, |schema| {
        if schema.get("default").is_some_and(Value::is_null) {
            schema.remove("default");
        }
    });
}

/// What a reply may leave out is never null in it.
pub fn left_out_rather_than_null(schema: &mut Value) {
    everywhere(schema, |schema| {
        let required = schema.get("required").cloned().unwrap_or_default();
        let is_required =
            |name: &String| required.as_array().is_some_and(|names| names.contains(&json!(name)));
        let Some(Value::Object(members)) = schema.get_mut("properties") else { return };
        let optional = members.iter_mut().filter(|(name, _)| !is_required(name));
        optional.filter_map(|(_, member)| member.as_object_mut()).for_each(without_null);
    });
}
