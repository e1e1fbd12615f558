//! The description of the v2 dialect, made of the types that serve it: [`operations`] is its table, the types of
//! [`request`](crate::request), [`document`](crate::document) and [`reply`](crate::reply) say what goes in and out, and
//! [`rule`](crate::rule) what a value may be.
//!
//! Behind the feature `schema`: the extension serves without it.

pub mod operations;
mod rules;
mod values;

use std::borrow::Cow;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value};

pub use operations::{OPERATIONS, Operation};
pub(crate) use rules::{
    change_needs_a_value, limit_needs_a_window, monthly_needs_a_day, never_null, no_day_with_daily,
    refill_keeps_a_balance, refill_needs_a_balance, role_by_either_name,
};
pub(crate) use values::{
    AnalyticsQuery, CreditsOperation, Interval, KeyCursor, KeyFormatName, Network, Object, PermissionQuery,
    RootPermission, Sha256, VerdictCode,
};

use crate::document::Patch;

/// Where a description keeps the schemas that it refers to.
const DEFINITIONS: &str = "/components/schemas";

/// Collects the schemas of requests, or those of replies: what may be left out differs.
pub struct Collector {
    generator: SchemaGenerator,
    replies: bool,
}

impl Collector {
    /// For requests.
    pub fn of_requests() -> Self {
        Self { generator: settings().for_deserialize().into_generator(), replies: false }
    }

    /// For replies.
    pub fn of_replies() -> Self {
        Self { generator: settings().for_serialize().into_generator(), replies: true }
    }

    /// The schema of a type, which may refer to others.
    pub fn schema(&mut self, of: Describe) -> Value {
        let mut schema = of(&mut self.generator).to_value();
        self.finish(&mut schema);
        schema
    }

    /// The schemas that others refer to, by name.
    pub fn definitions(mut self) -> Map<String, Value> {
        let mut definitions = self.generator.take_definitions(true);
        definitions.values_mut().for_each(|schema| self.finish(schema));
        definitions
    }

    fn finish(&self, schema: &mut Value) {
        rules::without_null_defaults(schema);
        if self.replies {
            rules::left_out_rather_than_null(schema);
        }
    }
}

fn settings() -> SchemaSettings {
    SchemaSettings::draft2020_12().with(|settings| {
        settings.meta_schema = None;
        settings.definitions_path = DEFINITIONS.into();
    })
}

/// Describes a type.
pub type Describe = fn(&mut SchemaGenerator) -> Schema;

/// In place, not by reference, and without the name of the operation that the type belongs to.
fn inline<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    let mut schema = T::json_schema(generator);
    schema.remove("description");
    schema
}

/// By reference.
pub fn referred<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// What a patch may set, or null.
impl<T: JsonSchema> JsonSchema for Patch<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        <Option<T>>::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        <Option<T>>::json_schema(generator)
    }
}
