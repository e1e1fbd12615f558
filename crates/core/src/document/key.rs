//! Change of a key.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    DayWithDaily, Patch, RatelimitInput, RefillInput, RefillNames, check_ratelimits, not_null, read,
};
use crate::credits::Refill;
use crate::{Error, Result, network, rule, validate};

const PATCH_REFILL: RefillNames = RefillNames {
    interval: "patch.credits.refill.interval",
    amount: "patch.credits.refill.amount",
    day: "patch.credits.refill.refillDay",
};

/// Change of a key's credits.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "UpdateKeyCreditsData", transform = crate::schema::refill_keeps_a_balance))]
#[serde(deny_unknown_fields, default)]
#[serde(remote = "Self")]
pub struct CreditsPatch {
    /// New balance; null for unlimited, which clears the refill too.
    #[cfg_attr(feature = "schema", schemars(transform = crate::rule::COUNT))]
    pub remaining: Patch<i64>,
    /// How credits come back; null for not at all.
    #[cfg_attr(feature = "schema", schemars(transform = crate::schema::no_day_with_daily))]
    refill: Patch<RefillInput>,
}

impl CreditsPatch {
    /// The change of the refill: keep, clear or replace.
    pub fn refill(&self) -> Result<Patch<Refill>> {
        Ok(match &self.refill {
            Patch::Keep => Patch::Keep,
            Patch::Clear => Patch::Clear,
            Patch::Set(refill) => Patch::Set(refill.checked(&PATCH_REFILL, DayWithDaily::Refused)?),
        })
    }
}

/// Change of a key: absent keeps, null clears where a field can be empty, a list replaces the whole set.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[serde(remote = "Self")]
pub struct KeyPatch {
    /// Display name.
    #[cfg_attr(feature = "schema", schemars(transform = crate::rule::KEY_NAME))]
    pub name: Patch<String>,
    /// Owner, made when missing.
    #[cfg_attr(feature = "schema", schemars(transform = crate::rule::EXTERNAL_ID))]
    pub external_id: Patch<String>,
    /// Object that replaces the old one entirely.
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::Object>"))]
    #[cfg_attr(feature = "schema", schemars(transform = crate::rule::META))]
    pub meta: Patch<Box<RawValue>>,
    /// Milliseconds since the Unix epoch.
    #[cfg_attr(feature = "schema", schemars(transform = crate::rule::TIME))]
    pub expires: Patch<i64>,
    /// Balance and refill; null for unlimited without refill.
    pub credits: Patch<CreditsPatch>,
    /// Networks from which the key may be verified; null or `[]` for any.
    #[cfg_attr(feature = "schema", schemars(with = "Option<Vec<crate::schema::Network>>"))]
    #[cfg_attr(feature = "schema", schemars(transform = crate::rule::NETWORKS))]
    pub ip_whitelist: Patch<Vec<String>>,
    /// Whether the key verifies at all.
    #[serde(deserialize_with = "not_null")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::schema::never_null))]
    pub enabled: Option<bool>,
    /// All limits of the key; a name that was there keeps its id.
    #[serde(deserialize_with = "not_null")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::schema::never_null))]
    #[cfg_attr(feature = "schema", schemars(transform = crate::rule::RATELIMITS))]
    pub ratelimits: Option<Vec<RatelimitInput>>,
    /// All direct permissions, by slug or id; missing ones are made.
    #[serde(deserialize_with = "not_null")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::schema::never_null))]
    #[cfg_attr(feature = "schema", schemars(transform = crate::rule::PERMISSIONS))]
    pub permissions: Option<Vec<String>>,
    /// All roles, by name or id; they must exist.
    #[serde(deserialize_with = "not_null")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::schema::never_null))]
    #[cfg_attr(feature = "schema", schemars(transform = crate::rule::ROLES))]
    pub roles: Option<Vec<String>>,
}

impl KeyPatch {
    /// Reads and checks a patch.
    pub fn read(json: &str) -> Result<Self> {
        let mut patch: Self = read("patch", json)?;
        patch.check()?;
        if let Patch::Set(networks) = &mut patch.ip_whitelist {
            *networks = network::normalized("patch.ipWhitelist", networks)?;
        }
        Ok(patch)
    }

    fn check(&self) -> Result<()> {
        if let Patch::Set(name) = &self.name {
            validate::key_name("patch.name", name)?;
        }
        if let Patch::Set(id) = &self.external_id {
            validate::external_id("patch.externalId", id)?;
        }
        if let Patch::Set(meta) = &self.meta {
            validate::meta("patch.meta", meta)?;
        }
        if let Patch::Set(expires) = self.expires {
            validate::time("patch.expires", expires)?;
        }
        self.check_credits()?;
        check_ratelimits("patch.ratelimits", self.ratelimits.as_deref().unwrap_or_default())?;
        validate::permissions("patch.permissions", self.permissions.as_deref().unwrap_or_default())?;
        validate::roles("patch.roles", self.roles.as_deref().unwrap_or_default())
    }

    fn check_credits(&self) -> Result<()> {
        let Patch::Set(credits) = &self.credits else { return Ok(()) };
        if let Patch::Set(remaining) = credits.remaining {
            rule::COUNT.check("patch.credits.remaining", remaining)?;
        }
        let refill = credits.refill()?;
        if credits.remaining == Patch::Clear && refill.value().is_some() {
            return Err(Error::invalid("patch.credits.remaining", "must not be null when a refill is given")
                .hint("A key with unlimited credits has nothing to refill."));
        }
        Ok(())
    }
}

object_only! {
    CreditsPatch: "an object with remaining, refill",
    KeyPatch: "an object of fields to change",
}
