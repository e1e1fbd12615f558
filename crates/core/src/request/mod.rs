//! Requests of the v2 dialect: one type per operation, read from its body.
//!
//! Reading a body checks it completely, before anybody looks who sent it: which members there are, which are required, which may be null,
//! and what each value may be. The operations beneath check values again, for callers of SQL. Changes (`updateKey` and its kin) carry the id
//! beside the patch.

mod analytics;
mod apis;
mod identities;
mod keys;
mod permissions;
mod ratelimit;
mod root_keys;

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

pub use analytics::Query;
pub use apis::{ApiId, CreateApi, ListKeys, UpdateApi};
pub use identities::{CreateIdentity, IdentityName, UpdateIdentity};
pub use keys::{
    ChangePermissions, ChangeRoles, CreateKey, Credits, DeleteKey, GetKey, MigrateKeys, RerollKey,
    UpdateCredits, UpdateKey, VerifyKey, Whoami,
};
pub use permissions::{
    CreatePermission, CreateRole, PermissionName, RoleName, SetRolePermissions, UpdatePermission, UpdateRole,
};
pub use ratelimit::{Limit, ListOverrides, MultiLimit, OverrideName, SetOverride};
pub use root_keys::{CreateRootKey, RerollRootKey, RootKeyId, UpdateRootKey};

use crate::document::{self, strict};
use crate::{Error, Result, rule};

/// A body as one operation expects it.
pub trait Request: Sized {
    /// Reads a body.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`](crate::Kind::InvalidInput) naming the place, such as `body.credits.remaining`.
    fn read(body: &str) -> Result<Self>;
}

/// The name under which a v2 client knows an argument of an operation: `byte_length` is `body.byteLength`.
pub fn name_in_body(argument: &str) -> String {
    let root = argument.split(['.', '[']).next().unwrap_or_default();
    let rest = &argument[root.len()..];
    match root {
        "body" => argument.to_owned(),
        "patch" => format!("body{rest}"),
        "ip_allowlist" => format!("body.ipWhitelist{rest}"),
        "cost" => format!("body.credits.cost{rest}"),
        "credits" if rest.is_empty() => "body.credits.remaining".to_owned(),
        "grace" => "body.expiration".to_owned(),
        "authorization" => "Authorization".to_owned(),
        other => format!("body.{}{rest}", camel_case(other)),
    }
}

fn camel_case(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| {
        let mut letters = word.chars();
        let initial = letters.next().map(|letter| letter.to_ascii_uppercase());
        name + &initial.into_iter().collect::<String>() + letters.as_str()
    })
}

fn read<T: DeserializeOwned>(body: &str) -> Result<T> {
    strict("body", body)?;
    document::read("body", body)
}

/// A required member that may be null.
fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    Option::deserialize(deserializer)
}

/// Splits the text member `name` off an object, and answers it with the rest as JSON: the id of what a patch changes.
fn split(body: &str, name: &str, rule: rule::Text) -> Result<(String, String)> {
    let mut members: BTreeMap<String, Box<RawValue>> = read(body)?;
    let place = || format!("body.{name}");
    let member = members.remove(name);
    let member = member
        .ok_or_else(|| Error::invalid("body", format_args!("is not as expected: missing field `{name}`")))?;
    let id: String = document::read(&place(), member.get())?;
    rule.check(place(), &id)?;
    let rest = serde_json::to_string(&members)
        .map_err(|error| Error::invalid("body", format_args!("can't be read: {error}")))?;
    Ok((id, rest))
}

/// Makes request types: required members, then `;`, then optional ones, which may be absent but not null unless their
/// type is a `Patch`. What stands behind `=` is the [`rule`](crate::rule) of a member; what stands behind `=>` checks the rest. None has
/// `Debug`, since some hold a key. A `closed` type refuses unknown members, an `open` one ignores them.
macro_rules! requests {
    ($($(#[$doc:meta])* $kind:ident $name:ident {
        $($(#[$required_doc:meta])* $required:ident: $required_type:ty $(= $required_rule:ident)?,)*;
        $($(#[$optional_doc:meta])* $optional:ident: $optional_type:ty $(= $optional_rule:ident)?,)*
    } $(=> $rest:ident)?)*) => {$(
        requests! {@ $kind
            $(#[$doc])*
            pub struct $name {
                $(
                    $(#[$required_doc])*
                    $(#[cfg_attr(feature = "schema", schemars(transform = crate::rule::$required_rule))])?
                    pub $required: $required_type,
                )*
                $(
                    $(#[$optional_doc])*
                    $(#[cfg_attr(feature = "schema", schemars(transform = crate::rule::$optional_rule))])?
                    #[serde(default, deserialize_with = "crate::document::not_null")]
                    #[cfg_attr(feature = "schema", schemars(transform = crate::schema::never_null))]
                    pub $optional: Option<$optional_type>,
                )*
            }
        }

        object_only! { $name: "an object", }

        impl crate::request::Request for $name {
            fn read(body: &str) -> crate::Result<Self> {
                let request: Self = crate::request::read(body)?;
                $($(
                    crate::rule::Rule::admit(&crate::rule::$required_rule, stringify!($required), &request.$required)?;
                )?)*
                $($(
                    if let Some(value) = &request.$optional {
                        crate::rule::Rule::admit(&crate::rule::$optional_rule, stringify!($optional), value)?;
                    }
                )?)*
                $(request.$rest()?;)?
                Ok(request)
            }
        }
    )*};
    (@ closed $($item:tt)*) => {
        #[derive(serde::Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        #[serde(remote = "Self")]
        $($item)*
    };
    (@ open $($item:tt)*) => {
        #[derive(serde::Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(rename_all = "camelCase")]
        #[serde(remote = "Self")]
        $($item)*
    };
}
use requests;

requests! {
    /// A page of a list.
    closed List {;
        /// Rows, 1 to 100; default 100.
        limit: i64 = PAGE,
        /// Where the page before ended.
        cursor: String = CURSOR,
    }

    /// A page of a list that can be searched.
    closed Search {;
        /// Rows, 1 to 100; default 100.
        limit: i64 = PAGE,
        /// Where the page before ended.
        cursor: String = CURSOR,
        /// Text to find, at most 256 characters.
        search: String = SEARCH,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_have_camel_case_names_in_bodies() {
        for (argument, name) in [
            ("api_id", "body.apiId"),
            ("byte_length", "body.byteLength"),
            ("patch.credits.remaining", "body.credits.remaining"),
            ("patch", "body"),
            ("ratelimits[0].duration", "body.ratelimits[0].duration"),
            ("ip_allowlist[1]", "body.ipWhitelist[1]"),
            ("cost", "body.credits.cost"),
            ("credits", "body.credits.remaining"),
            ("body.x", "body.x"),
        ] {
            assert_eq!(name_in_body(argument), name);
        }
    }

    #[test]
    fn an_id_is_split_off_its_patch() {
        let split = |body| split(body, "keyId", rule::ID);
        let (id, rest) = split(r#"{"name": null, "keyId": "key_1"}"#).unwrap();
        assert_eq!((id.as_str(), rest.as_str()), ("key_1", r#"{"name":null}"#));
        let problem = |body| split(body).unwrap_err().message;
        assert_eq!(problem("{}"), "body is not as expected: missing field `keyId`");
        assert_eq!(problem(r#"{"keyId": "a-b"}"#), "body.keyId must not contain '-'");
        assert!(problem(r#"{"keyId": 1}"#).starts_with("body.keyId is not as expected"));
        assert!(split("[]").is_err());
    }

    #[test]
    fn absent_is_not_null() {
        assert!(List::read("{}").is_ok());
        assert!(List::read(r#"{"cursor": null}"#).is_err());
        assert!(List::read(r#"{"limit": 1.0}"#).is_err());
        assert!(List::read(r#"{"foo": 1}"#).is_err());
        assert!(List::read("[]").is_err());
    }
}
