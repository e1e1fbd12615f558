//! The root key of a call, and what it may do.

use std::rc::Rc;

use unkey_core::root_permission::Wanted;

use crate::error::Outcome;
use crate::keys;
use crate::root_keys::RootKey;
use crate::store::key::Key;

/// Who calls, from where.
pub struct Caller {
    pub root_key: Rc<RootKey>,
    pub ip: Option<String>,
    pub metrics: bool,
}

impl Caller {
    /// Refuses unless the root key may do one of this.
    pub fn require(&self, wanted: &[Wanted]) -> Outcome<()> {
        Ok(self.root_key.permissions.require(wanted)?)
    }

    /// Refuses unless the root key may do this with the API.
    pub fn require_on_api(&self, api_id: &str, action: &str) -> Outcome<()> {
        self.require(&[Wanted::One("api", api_id, action)])
    }

    /// Whether the root key may do this with all objects of the resource.
    pub fn may(&self, resource: &str, action: &str) -> bool {
        self.root_key.permissions.require(&[Wanted::All(resource, action)]).is_ok()
    }

    /// The key, if the root key may do this with it.
    pub fn key(&self, key_id: &str, action: &str) -> Outcome<Key> {
        let key = keys::get(key_id)?;
        self.require_on_api(&key.api.id, action)?;
        Ok(key)
    }
}
