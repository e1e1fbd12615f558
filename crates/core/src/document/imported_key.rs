//! Keys that were made elsewhere, known by their hashes.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{DayWithDaily, RatelimitInput, RefillInput, RefillNames, check_credits, check_ratelimits, read};
use crate::credits::Refill;
use crate::key::Hash;
use crate::{Error, Result, network, rule, validate};

/// One imported key of a migration: its hash, and what a new key can be given.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "MigrateKeyData"))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[serde(remote = "Self")]
pub struct ImportedKey {
    /// SHA-256 of the key as base64 or hex.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Sha256"))]
    hash: String,
    /// Prefix that a reroll keeps.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(transform = crate::rule::PREFIX))]
    pub prefix: Option<String>,
    /// Visible beginning of the key text.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(transform = crate::rule::START))]
    pub start: Option<String>,
    /// Display name.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(transform = crate::rule::KEY_NAME))]
    pub name: Option<String>,
    /// Owner, made when missing.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(transform = crate::rule::EXTERNAL_ID))]
    pub external_id: Option<String>,
    /// Any object.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::Object>"))]
    #[cfg_attr(feature = "schema", schemars(transform = crate::rule::META))]
    pub meta: Option<Box<RawValue>>,
    /// Names of roles, made when missing.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(transform = crate::rule::NEW_ROLES))]
    pub roles: Option<Vec<String>>,
    /// Slugs of permissions, made when missing.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(transform = crate::rule::NEW_KEY_PERMISSIONS))]
    pub permissions: Option<Vec<String>>,
    /// Milliseconds since the Unix epoch.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(transform = crate::rule::TIME))]
    pub expires: Option<i64>,
    /// Balance and refill.
    #[serde(default)]
    credits: Option<ImportedCredits>,
    /// Limits of the key.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(transform = crate::rule::RATELIMITS))]
    pub ratelimits: Option<Vec<RatelimitInput>>,
    /// Networks from which the key may be verified.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Option<Vec<crate::schema::Network>>"))]
    #[cfg_attr(feature = "schema", schemars(transform = crate::rule::NETWORKS))]
    pub ip_whitelist: Option<Vec<String>>,
    /// Default true.
    #[serde(default)]
    pub enabled: Option<bool>,
}

/// Credits of an imported key.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "MigrateKeyCredits", transform = crate::schema::refill_needs_a_balance))]
#[serde(deny_unknown_fields)]
#[serde(remote = "Self")]
struct ImportedCredits {
    /// Balance; null for unlimited.
    #[cfg_attr(feature = "schema", schemars(transform = crate::rule::COUNT))]
    remaining: Option<i64>,
    /// How credits come back.
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
            rule::START.check("start", start)?;
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
