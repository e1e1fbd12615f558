//! JSON documents that callers send: field names are Unkey's, times and durations are integer milliseconds.
//!
//! Reading a document checks it completely: what these types hold is valid.

mod access;
mod api;
mod identity;
mod imported_key;
mod key;
mod limiter;
mod ratelimit;
mod refill;
mod root_key;
mod strict;
mod workspace;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

pub use access::{PermissionPatch, RolePatch};
pub use api::ApiPatch;
pub use identity::IdentityPatch;
pub use imported_key::{ImportedKey, imported_keys};
pub use key::{CreditsPatch, KeyPatch};
pub use limiter::{LimitRequest, limit_request, limit_requests};
pub use ratelimit::{
    RatelimitInput, RequestedLimit, are_stored_limits, check_ratelimits, ratelimits, requested_limits,
};
pub use refill::{DayWithDaily, RefillInput, RefillNames, check_credits};
pub use root_key::RootKeyPatch;
pub use strict::strict;
pub use workspace::{WorkspaceLimit, WorkspacePatch};

use crate::{Error, Result};

/// Reads `json` as a `T`; `argument` begins the path that an error names.
///
/// # Errors
/// [`Kind::InvalidInput`](crate::Kind::InvalidInput) naming the place, such as `patch.credits.remaining`.
pub(crate) fn read<T: DeserializeOwned>(argument: &str, json: &str) -> Result<T> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        // A question mark stands for a member whose name could not be read.
        let path = match path.strip_suffix('?').map_or(path.as_str(), |known| known.trim_end_matches('.')) {
            "" | "." => argument.to_owned(),
            index if index.starts_with('[') => format!("{argument}{index}"),
            member => format!("{argument}.{member}"),
        };
        unexpected(path, &error.into_inner())
    })?;
    deserializer.end().map_err(|error| unexpected(argument.to_owned(), &error))?;
    Ok(value)
}

fn unexpected(path: String, error: &serde_json::Error) -> Error {
    Error::invalid(path, format_args!("is not as expected: {}", in_json_terms(error)))
}

/// What serde says, in the words of JSON; without a place in the text, which the path tells better, and without a text that
/// stands where none belongs, which can be a key.
fn in_json_terms(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(problem, _)| problem);
    let text = message.strip_prefix("invalid type: string ").and_then(|text| text.rsplit_once(", expected "));
    let message =
        text.map_or(message.to_owned(), |(_, expected)| format!("invalid type: string, expected {expected}"));
    let words = [
        ("expected i64", "expected an integer"),
        ("expected a sequence", "expected an array"),
        ("invalid type: sequence", "invalid type: array"),
        ("invalid type: map", "invalid type: object"),
    ];
    words.iter().fold(message, |message, (serde, json)| message.replace(serde, json))
}

/// A field of a patch: absent keeps, null clears, a value replaces.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Patch<T> {
    /// The field was not sent.
    #[default]
    Keep,
    /// The field was null.
    Clear,
    /// The field had a value.
    Set(T),
}

impl<T> Patch<T> {
    /// `None` to keep; `Some(None)` to clear; `Some(Some(_))` to replace.
    pub fn change(self) -> Option<Option<T>> {
        match self {
            Self::Keep => None,
            Self::Clear => Some(None),
            Self::Set(value) => Some(Some(value)),
        }
    }

    /// The new value, if there is one.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Set(value) => Some(value),
            _ => None,
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Clear, Self::Set))
    }
}

/// A field that may be absent but not null.
pub(crate) fn not_null<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}
