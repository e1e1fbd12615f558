//! Checks of every field, one function each, by the data of [`rule`]. `argument` is the name that an error shows.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::{Error, Result, key, rule};

/// The latest instant that can be stored, in milliseconds since the Unix epoch: 2100-01-01 00:00 UTC.
pub const MAX_TIME: i64 = 4_102_444_800_000;
/// Most credits that one verification may cost.
pub const MAX_COST: i64 = 1_000_000_000_000;
/// Shortest window of a rate limit, in milliseconds.
pub const MIN_DURATION: i64 = 1000;
/// Longest window that a check of the standalone limiter may ask for, in milliseconds: 30 days.
pub const MAX_LIMIT_DURATION: i64 = 2_592_000_000;
/// Most entries of the named kinds in one request.
pub const MAX_ROLES: usize = 100;
/// See [`MAX_ROLES`].
pub const MAX_PERMISSIONS: usize = 1000;
/// See [`MAX_ROLES`].
pub const MAX_RATELIMITS: usize = 50;
/// See [`MAX_ROLES`].
pub const MAX_TAGS: usize = 20;
/// See [`MAX_ROLES`].
pub const MAX_NETWORKS: usize = 1000;
/// See [`MAX_ROLES`].
pub const MAX_CHECKS: usize = 100;
/// Most rows of one page of a list.
pub const MAX_PAGE: i64 = 100;
/// Most top-level properties of a `meta` object.
pub const MAX_META_PROPERTIES: usize = 100;
/// Largest `meta` of an identity, in bytes of JSON text.
pub const MAX_IDENTITY_META: usize = 1024 * 1024;

type Argument = Cow<'static, str>;

/// Unwraps a required argument.
pub fn required<T>(argument: impl Into<Argument>, value: Option<T>) -> Result<T> {
    value.ok_or_else(|| Error::missing(argument))
}

/// A length in characters.
pub fn length(argument: impl Into<Argument>, text: &str, min: usize, max: usize) -> Result<()> {
    let count = text.chars().count();
    if (min..=max).contains(&count) {
        return Ok(());
    }
    Err(Error::invalid(argument, format_args!("must have {min} to {max} characters, not {count}")))
}

/// A number of entries.
pub fn count(argument: impl Into<Argument>, count: usize, max: usize) -> Result<()> {
    if count <= max {
        return Ok(());
    }
    Err(Error::invalid(argument, format_args!("must have at most {max} entries, not {count}")))
}

/// An inclusive range.
pub fn range(argument: impl Into<Argument>, value: i64, min: i64, max: i64) -> Result<()> {
    if (min..=max).contains(&value) {
        return Ok(());
    }
    let problem = match max {
        i64::MAX => format!("must be at least {min}, not {value}"),
        _ => format!("must be between {min} and {max}, not {value}"),
    };
    Err(Error::invalid(argument, problem))
}

/// An id: 3 to 255 letters, digits and `_`.
pub fn id(argument: impl Into<Argument>, id: &str) -> Result<()> {
    rule::ID.check(argument, id)
}

/// Name of an API: 3 to 255, starts with a letter.
pub fn api_name(argument: &'static str, name: &str) -> Result<()> {
    rule::API_NAME.check(argument, name)
}

/// Prefix of a key: 1 to 16 letters, digits and `_`.
pub fn prefix(prefix: &str) -> Result<()> {
    rule::PREFIX.check("prefix", prefix)
}

/// Default prefix of an API's keys: 1 to 8 letters, digits and `_`.
pub fn default_prefix(argument: &'static str, prefix: &str) -> Result<()> {
    rule::DEFAULT_PREFIX.check(argument, prefix)
}

/// Random bytes in a key: 16 to 255.
pub fn byte_length(argument: &'static str, bytes: i64) -> Result<usize> {
    rule::BYTES.check(argument, bytes)?;
    Ok(usize::try_from(bytes).unwrap_or(key::DEFAULT_BYTES))
}

/// Name of a key: 1 to 255 characters.
pub fn key_name(argument: impl Into<Argument>, name: &str) -> Result<()> {
    rule::KEY_NAME.check(argument, name)
}

/// External id of an identity: 1 to 255 letters, digits, `.`, `_` and `-`.
pub fn external_id(argument: impl Into<Argument>, id: &str) -> Result<()> {
    rule::EXTERNAL_ID.check(argument, id)
}

/// `meta`: a JSON object of at most 100 top-level properties.
pub fn meta(argument: impl Into<Argument>, meta: &RawValue) -> Result<()> {
    let argument = argument.into();
    let properties: BTreeMap<String, IgnoredAny> = serde_json::from_str(meta.get())
        .map_err(|_| Error::invalid(argument.clone(), "must be a JSON object"))?;
    count(argument, properties.len(), MAX_META_PROPERTIES)
}

/// `meta` of an identity: as [`meta`], and at most 1 MiB of text.
pub fn identity_meta(argument: impl Into<Argument>, value: &RawValue) -> Result<()> {
    let argument = argument.into();
    identity_meta_size(argument.clone(), value.get().len())?;
    meta(argument, value)
}

/// Bytes of the `meta` of an identity, in the text it came in or the one that is stored.
pub fn identity_meta_size(argument: impl Into<Argument>, size: usize) -> Result<()> {
    if size <= MAX_IDENTITY_META {
        return Ok(());
    }
    Err(Error::invalid(argument, format_args!("must have at most {MAX_IDENTITY_META} bytes, not {size}")))
}

/// An instant in milliseconds since the Unix epoch: 1970 to 2100.
pub fn time(argument: impl Into<Argument>, milliseconds: i64) -> Result<()> {
    if rule::TIME.contains(milliseconds) {
        return Ok(());
    }
    Err(Error::invalid(argument, "must be between 1970-01-01 and 2100-01-01 00:00 UTC")
        .hint(format!("In JSON, times are milliseconds since 1970-01-01 00:00 UTC: 0 to {MAX_TIME}.")))
}

/// Names or ids of roles: at most 100, each 1 to 512 characters.
pub fn roles(argument: &str, roles: &[String]) -> Result<()> {
    rule::ROLES.check(argument, roles)
}

/// Names of roles that are made when missing: as [`roles`], and each a [`role_name`].
pub fn new_roles(argument: &str, names: &[String]) -> Result<()> {
    rule::NEW_ROLES.check(argument, names)
}

/// Slugs or ids of permissions: at most 1000, each 1 to 128 characters of the slug alphabet.
pub fn permissions(argument: &str, slugs: &[String]) -> Result<()> {
    rule::PERMISSIONS.check(argument, slugs)
}

/// The same for a new key, where Unkey allows 100 characters only.
pub fn new_key_permissions(argument: &str, slugs: &[String]) -> Result<()> {
    rule::NEW_KEY_PERMISSIONS.check(argument, slugs)
}

/// Tags of a verification: at most 20, each 1 to 512 characters.
pub fn tags(tags: &[String]) -> Result<()> {
    rule::TAGS.check("tags", tags)
}

/// Slug of a permission created by name: 1 to 128, starts with a letter.
pub fn permission_slug(argument: &'static str, slug: &str) -> Result<()> {
    rule::PERMISSION_SLUG.check(argument, slug)
}

/// Display name of a permission: 1 to 512 characters.
pub fn permission_name(argument: &'static str, name: &str) -> Result<()> {
    rule::PERMISSION_NAME.check(argument, name)
}

/// Name of a role: 1 to 512, starts with a letter.
pub fn role_name(argument: impl Into<Argument>, name: &str) -> Result<()> {
    rule::ROLE_NAME.check(argument, name)
}

/// Description of a permission or role: at most 512 characters.
pub fn description(argument: &'static str, description: &str) -> Result<()> {
    rule::DESCRIPTION.check(argument, description)
}

/// Name of a rate limit namespace: 1 to 255 characters.
pub fn namespace_name(argument: impl Into<Argument>, name: &str) -> Result<()> {
    rule::NAMESPACE.check(argument, name)
}

/// Who is limited, or a pattern of it: 1 to 255 characters.
pub fn limit_identifier(argument: impl Into<Argument>, identifier: &str) -> Result<()> {
    rule::LIMIT_IDENTIFIER.check(argument, identifier)
}

/// Window of the standalone limiter in milliseconds: at least 1000.
pub fn limit_duration(argument: impl Into<Argument>, duration: i64, max: i64) -> Result<()> {
    range(argument, duration, MIN_DURATION, max).map_err(|error| match max {
        MAX_LIMIT_DURATION => error.hint("In milliseconds: 1 second to 30 days."),
        _ => error.hint("In milliseconds: 1 second or more."),
    })
}

/// Cost of one verification in credits: 0 to 10^12.
pub fn cost(argument: impl Into<Argument>, cost: i64) -> Result<()> {
    rule::COST.check(argument, cost)
}

/// A text to find in a list: at most 256 characters.
pub fn search(text: Option<&str>) -> Result<()> {
    rule::SEARCH.check("search", text.unwrap_or_default())
}

/// Rows of one page: 1 to 100.
pub fn page(limit: i64) -> Result<()> {
    rule::PAGE.check("limit", limit)
}

/// Refuses a name that stands twice in a list.
pub fn unique<'a>(argument: &str, names: impl Iterator<Item = &'a str>) -> Result<()> {
    let mut seen = HashSet::new();
    for (index, name) in names.enumerate() {
        if !seen.insert(name) {
            return Err(Error::invalid(
                format!("{argument}[{index}].name"),
                format_args!("repeats the name {name:?}"),
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ap_02_api_names() {
        assert!(api_name("name", "my-api").is_ok());
        for wrong in ["ab", "1abc", "-abc", "a b c", &"a".repeat(256)] {
            assert!(api_name("name", wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn ck_05_prefixes() {
        assert!(prefix("a_b").is_ok());
        for wrong in ["", "a-b", &"a".repeat(17)] {
            assert!(prefix(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn ck_04_byte_lengths() {
        assert_eq!(byte_length("byte_length", 255), Ok(255));
        assert!(byte_length("byte_length", 15).is_err());
        assert!(byte_length("byte_length", 256).is_err());
    }

    #[test]
    fn ck_23_external_ids() {
        assert!(external_id("external_id", "has space").is_err());
        assert!(external_id("external_id", "user_1.a-b").is_ok());
    }

    #[test]
    fn meta_is_an_object_of_at_most_100_properties() {
        let raw = |text: String| RawValue::from_string(text).unwrap();
        let object = |n: usize| {
            let members: Vec<_> = (0..n).map(|i| format!("\"p{i}\":{i}")).collect();
            raw(format!("{{{}}}", members.join(",")))
        };
        assert!(meta("meta", &object(100)).is_ok());
        assert!(meta("meta", &object(101)).is_err());
        assert!(meta("meta", &raw("[]".into())).is_err());
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(5000), "]".repeat(5000));
        assert!(meta("meta", &raw(deep)).is_ok());
    }

    #[test]
    fn messages_name_the_argument() {
        let error = permissions("permissions", &["ok".into(), "a b".into()]).unwrap_err();
        assert_eq!(error.message, "permissions[1] must not contain ' '");
        let error = range("limit", 0, 1, i64::MAX).unwrap_err();
        assert_eq!(error.message, "limit must be at least 1, not 0");
    }
}
