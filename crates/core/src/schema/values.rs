//! Values that Rust holds as texts or raw JSON, for the description only.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::key_format::KeyFormat;
use crate::permission;
use crate::root_permission::RESOURCES;
use crate::rule::{Characters, ID};
use crate::verdict::Code;

/// Makes types that stand in the description for what is held otherwise.
macro_rules! values {
    ($($(#[$doc:meta])* $name:ident => $schema:expr;)*) => {$(
        $(#[$doc])*
        pub struct $name;

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                $schema
            }
        }
    )*};
}

values! {
    /// Any JSON object.
    Object => json_schema!({ "type": "object" });

    /// An IP address or a CIDR range.
    Network => json_schema!({ "type": "string", "format": "ip-network" });

    /// A SHA-256 in base64 or hexadecimal.
    Sha256 => json_schema!({
        "type": "string",
        "pattern": "^([0-9A-Fa-f]{64}|[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=)$",
    });

    /// What the texts of keys look like.
    KeyFormatName => json_schema!({ "type": "string", "enum": KeyFormat::ALL.map(KeyFormat::as_str) });

    /// How often a refill comes.
    Interval => json_schema!({ "type": "string", "enum": ["daily", "monthly"] });

    /// What becomes of a balance.
    CreditsOperation => json_schema!({ "type": "string", "enum": ["set", "increment", "decrement"] });

    /// Slugs of permissions with AND, OR and parentheses.
    PermissionQuery => json_schema!({
        "type": "string",
        "minLength": 1,
        "maxLength": permission::MAX_LENGTH,
        "format": "permission-query",
    });

    /// A SELECT over the analytics views.
    AnalyticsQuery => json_schema!({ "type": "string", "format": "analytics-query" });

    /// Where a page of keys ended.
    KeyCursor => json_schema!({ "type": "string", "format": "key-cursor" });

    /// Outcome of a verification.
    VerdictCode => json_schema!({ "type": "string", "enum": Code::ALL.map(Code::as_str) });

    /// What a root key may do.
    RootPermission => json_schema!({ "type": "string", "pattern": root_permission() });
}

/// The pattern of all permissions there are, and `*`.
fn root_permission() -> String {
    let id = Characters::Word.pattern().unwrap_or_default().trim_start_matches('^');
    let id = id.trim_end_matches("*$");
    let alternatives = RESOURCES.iter().map(|resource| {
        let one = match resource.placeholder {
            Some(_) => format!(r"(\*|{id}{{{},{}}})", ID.min, ID.max),
            None => r"\*".to_owned(),
        };
        format!(r"{}\.{one}\.({})", resource.name, resource.actions.join("|"))
    });
    format!(r"^(\*|{})$", alternatives.collect::<Vec<_>>().join("|"))
}
