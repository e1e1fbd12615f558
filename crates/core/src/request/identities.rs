//! `identities.*`.

use serde_json::value::RawValue;

use super::{Request, requests, split};
use crate::Result;
use crate::document::RatelimitInput;

requests! {
    /// `identities.createIdentity`.
    open CreateIdentity {
        /// The caller's own id of the owner.
        external_id: String,;
        /// Any object.
        meta: Box<RawValue>,
        /// Limits shared by its keys.
        ratelimits: Vec<RatelimitInput>,
    }

    /// `identities.getIdentity`, `identities.deleteIdentity`.
    closed IdentityName {
        /// External id or id.
        identity: String,;
    }
}

/// `identities.updateIdentity`.
#[derive(Debug)]
pub struct UpdateIdentity {
    /// External id or id.
    pub identity: String,
    /// What the operation reads as its patch.
    pub patch: String,
}

impl Request for UpdateIdentity {
    fn read(body: &str) -> Result<Self> {
        let (identity, patch) = split(body, "identity")?;
        Ok(Self { identity, patch })
    }
}
