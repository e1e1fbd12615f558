//! Keys that were made elsewhere, known by their hashes.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{DayWithDaily, RatelimitInput, RefillInput, RefillNames, check_credits, check_ratelimits, read};
use crate::credits::Refill;
use crate::key::Hash;
use crate::{Error, Result, network, validate};

/// One imported key of a migration: its hash, and what a new key can be given.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[serde(remote = "Self")]
pub struct ImportedKey {
    /// SHA-256 of the key as base64 or hex.
    hash: String,
    /// Prefix that a reroll keeps.
    #[serde(default)]
    pub prefix: Option<String>,
    /// Visible beginning of the key text.
    #[serde(default)]
    pub start: Option<String>,
    /// Display name.
    #[serde(default)]
    pub name: Option<String>,
    /// Owner, made when missing.
    #[serde(default)]
    pub external_id: Option<String>,
    /// Any object.
    #[serde(default)]
    pub meta: Option<Box<RawValue>>,
    /// Names of roles, made when missing.
    #[serde(default)]
    pub roles: Option<Vec<String>>,
    /// Slugs of permissions, made when missing.
    #[serde(default)]
    pub permissions: Option<Vec<String>>,
    /// Milliseconds since the Unix epoch.
    #[serde(default)]
    pub expires: Option<i64>,
    #[serde(default)]
    credits: Option<ImportedCredits>,
    /// Limits of the key.
    #[serde(default)]
    pub ratelimits: Option<Vec<RatelimitInput>>,
    /// Networks from which the key may be verified.
    #[serde(default)]
    pub ip_whitelist: Option<Vec<String>>,
    /// Default true.
    #[serde(default)]
    pub enabled: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[serde(remote = "Self")]
struct ImportedCredits {
    remaining: Option<i64>,
    #[serde(default)]
    refill: Option<RefillInput>,
}

const IMPORT_REFILL: RefillNames = RefillNames {
    interval: "credits.refill.interval",
    amount: "credits.refill.amount",
    day: "credits.refill.refillDay",
};

/// Reads the keys of a migration; an error names the element.
pub fn imported_keys(json: &str) -> Result<Vec<ImportedKey>> {
    let mut keys: Vec<ImportedKey> = read("keys", json)?;
    for (index, key) in keys.iter_mut().enumerate() {
        key.check().map_err(|error| {
            let argument = format!("keys[{index}].{}", error.argument.as_deref().unwrap_or_default());
            Error {
                message: format!("keys[{index}].{}", error.message),
                argument: Some(argument.into()),
                ..error
            }
        })?;
    }
    Ok(keys)
}

impl ImportedKey {
    fn check(&mut self) -> Result<()> {
        self.hash()?;
        if let Some(prefix) = &self.prefix {
            validate::prefix(prefix)?;
        }
        if let Some(start) = &self.start {
            validate::length("start", start, 0, 50)?;
        }
        if let Some(name) = &self.name {
            validate::key_name("name", name)?;
        }
        if let Some(id) = &self.external_id {
            validate::external_id("externalId", id)?;
        }
        if let Some(meta) = &self.meta {
            validate::meta("meta", meta)?;
        }
        if let Some(expires) = self.expires {
            validate::time("expires", expires)?;
        }
        self.credits()?;
        if let Some(networks) = &mut self.ip_whitelist {
            *networks = network::normalized("ipWhitelist", networks)?;
        }
        check_ratelimits("ratelimits", self.ratelimits.as_deref().unwrap_or_default())?;
        validate::new_key_permissions("permissions", self.permissions.as_deref().unwrap_or_default())?;
        validate::new_roles("roles", self.roles.as_deref().unwrap_or_default())
    }

    /// The hash, read.
    pub fn hash(&self) -> Result<Hash> {
        Hash::parse(&self.hash).ok_or_else(|| {
            Error::invalid("hash", "must be the SHA-256 of the key as base64 (44 characters) or hex (64)")
        })
    }

    /// The hash as it was written.
    pub fn hash_text(&self) -> &str {
        &self.hash
    }

    /// Balance and refill.
    pub fn credits(&self) -> Result<(Option<i64>, Option<Refill>)> {
        let Some(credits) = &self.credits else { return Ok((None, None)) };
        let refill = match &credits.refill {
            Some(refill) => Some(refill.checked(&IMPORT_REFILL, DayWithDaily::Ignored)?),
            None => None,
        };
        check_credits("credits.remaining", credits.remaining, refill.as_ref())?;
        Ok((credits.remaining, refill))
    }
}

object_only! {
    ImportedKey: "an object with hash and attributes",
    ImportedCredits: "an object with remaining, refill",
}
