//! What the v2 dialect answers: the [`envelope`] of every reply, and what stands in its `data`, one file per family.
//!
//! The extension fills these in; their definition is what the API's description is made of.

pub mod envelope;

mod apis;
mod identities;
mod keys;
mod permissions;
mod ratelimit;
mod root_keys;

pub use apis::{ApiReply, CreatedApi};
pub use envelope::{JSON, Meta, PROBLEM, Pagination, Place, Problem, Refusal, Success, content_type};
pub use identities::{CreatedIdentity, IdentityReply};
pub use keys::{
    CreatedKey, CreditsReply, FoundReply, ImportedReply, KeyReply, MigratedReply, RefillReply,
    VerificationReply,
};
pub use permissions::{CreatedPermission, CreatedRole, PermissionReply, RoleReply};
pub use ratelimit::{CheckReply, LimitReply, MultiLimitReply, OverrideId, OverrideReply};
pub use root_keys::RootKeyReply;

/// The answer of an operation that has nothing to tell: `{}`.
#[derive(Debug, serde::Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "EmptyResponse"))]
pub struct Empty {}
