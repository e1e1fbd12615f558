//! Permissions of root keys: `<resource>.<id or *>.<action>`, such as `api.*.verify_key`.
//!
//! A permission covers another one of the same resource and action whose id is the same, or any if its own is `*`.
//!
//! Managing root keys needs no permission of its own: a root key may touch others that hold no more than itself
//! ([`Grants::require_all_of`]). What it makes, or what is there after it changed or rerolled one, also lives no longer
//! than itself ([`check_lifetime`]). So nobody gains by it.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::quoted;
use crate::{Error, Kind, Result, rule, validate};

/// What permissions are about.
#[derive(Debug, PartialEq, Eq)]
pub struct Resource {
    /// First part of a permission.
    pub name: &'static str,
    /// How a message writes "any one id"; `None` if only `*` is meaningful.
    pub placeholder: Option<&'static str>,
    /// Last parts.
    pub actions: &'static [&'static str],
}

/// Every permission there is.
pub const RESOURCES: [Resource; 4] = [
    Resource {
        name: "api",
        placeholder: Some("<API_ID>"),
        actions: &[
            "create_api",
            "read_api",
            "update_api",
            "delete_api",
            "create_key",
            "read_key",
            "update_key",
            "delete_key",
            "encrypt_key",
            "decrypt_key",
            "verify_key",
            "read_analytics",
        ],
    },
    Resource {
        name: "ratelimit",
        placeholder: Some("<NAMESPACE_ID>"),
        actions: &[
            "limit",
            "create_namespace",
            "read_namespace",
            "update_namespace",
            "delete_namespace",
            "set_override",
            "read_override",
            "delete_override",
            "list_overrides",
            "read_analytics",
        ],
    },
    Resource {
        name: "identity",
        placeholder: None,
        actions: &["create_identity", "read_identity", "update_identity", "delete_identity"],
    },
    Resource {
        name: "rbac",
        placeholder: None,
        actions: &[
            "create_permission",
            "read_permission",
            "update_permission",
            "delete_permission",
            "create_role",
            "read_role",
            "update_role",
            "delete_role",
            "add_permission_to_key",
            "remove_permission_from_key",
            "add_role_to_key",
            "remove_role_from_key",
            "add_permission_to_role",
            "remove_permission_from_role",
        ],
    },
];

/// One permission. Orders by resource, id and action, `*` first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Grant {
    resource: &'static str,
    /// `None` is `*`.
    id: Option<String>,
    action: &'static str,
}

impl Grant {
    /// Reads a permission; `argument` is the name that an error shows.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] with a hint that lists what exists.
    pub fn parse(argument: &str, text: &str) -> Result<Self> {
        let invalid = |problem: String| Error::invalid(argument.to_owned(), problem);
        let parts: Vec<&str> = text.split('.').collect();
        let [resource, id, action] = parts[..] else {
            return Err(invalid(format!("must be <resource>.<id or *>.<action>, not {}", quoted(text)))
                .hint("Such as api.*.verify_key; '*' alone stands for everything."));
        };
        let resource = RESOURCES.iter().find(|known| known.name == resource).ok_or_else(|| {
            let names: Vec<&str> = RESOURCES.iter().map(|known| known.name).collect();
            invalid(format!("is of an unknown resource: {}", quoted(resource)))
                .hint(format!("Resources are {}.", names.join(", ")))
        })?;
        let action = resource.actions.iter().find(|known| **known == action).ok_or_else(|| {
            invalid(format!("is of an unknown action of {}: {}", resource.name, quoted(action)))
                .hint(format!("Actions of {} are {}.", resource.name, resource.actions.join(", ")))
        })?;
        if id == "*" {
            return Ok(Self { resource: resource.name, id: None, action });
        }
        if resource.placeholder.is_none() {
            return Err(invalid(format!("must have * as id, not {}", quoted(id)))
                .hint(format!("Write {}.*.{action}.", resource.name)));
        }
        validate::id(argument.to_owned(), id)?;
        Ok(Self { resource: resource.name, id: Some(id.to_owned()), action })
    }

    /// Whether holding this permission is as good as holding the other one.
    pub fn covers(&self, wanted: &Self) -> bool {
        self.allows(wanted.resource, wanted.id.as_deref(), wanted.action)
    }

    fn is_about(&self, resource: &str, action: &str) -> bool {
        self.resource == resource && self.action == action
    }

    fn allows(&self, resource: &str, id: Option<&str>, action: &str) -> bool {
        self.is_about(resource, action) && (self.id.is_none() || self.id.as_deref() == id)
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.resource, self.id.as_deref().unwrap_or("*"), self.action)
    }
}

/// Of which objects an action is allowed.
#[derive(Debug, PartialEq, Eq)]
pub enum Ids<'a> {
    /// All, also those still to be made.
    All,
    /// These; none if empty.
    These(Vec<&'a str>),
}

/// What an operation needs of the calling root key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted<'a> {
    /// The action on all objects: resource and action.
    All(&'a str, &'a str),
    /// The action on this object: resource, id and action.
    One(&'a str, &'a str, &'a str),
    /// The action on some object, whichever: resource and action.
    Some(&'a str, &'a str),
}

impl Wanted<'_> {
    /// The permissions of which each would do, as a message lists them.
    fn alternatives(&self) -> Vec<String> {
        let (resource, id, action) = match *self {
            Self::All(resource, action) => (resource, None, action),
            Self::One(resource, id, action) => (resource, Some(id), action),
            Self::Some(resource, action) => {
                let known = RESOURCES.iter().find(|known| known.name == resource);
                (resource, known.and_then(|known| known.placeholder), action)
            }
        };
        let ids = ["*"].into_iter().chain(id);
        ids.map(|id| format!("'{resource}.{id}.{action}'")).collect()
    }
}

/// The permissions of a root key: a set, in JSON an array of texts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Vec<String>", try_from = "Vec<String>")]
pub struct Grants(BTreeSet<Grant>);

impl Grants {
    /// Reads a caller's list of at most 1000 permissions. The entry `*` stands for all there are.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] naming the entry.
    pub fn read(argument: &str, list: &[String]) -> Result<Self> {
        rule::GRANTS.count(argument.to_owned(), list.len())?;
        let mut grants = BTreeSet::new();
        for (index, text) in list.iter().enumerate() {
            match text.as_str() {
                "*" => grants.extend(Self::all().0),
                _ => drop(grants.insert(Grant::parse(&format!("{argument}[{index}]"), text)?)),
            }
        }
        Ok(Self(grants))
    }

    /// Everything.
    pub fn all() -> Self {
        let all = RESOURCES.iter().flat_map(|Resource { name, actions, .. }| {
            actions.iter().map(|action| Grant { resource: name, id: None, action })
        });
        Self(all.collect())
    }

    /// The permissions as texts, sorted.
    pub fn texts(&self) -> Vec<String> {
        self.0.iter().map(Grant::to_string).collect()
    }

    /// Whether the action is allowed on the object; without an id, on all objects.
    pub fn allows(&self, resource: &str, id: Option<&str>, action: &str) -> bool {
        self.0.iter().any(|grant| grant.allows(resource, id, action))
    }

    /// On which objects the action is allowed.
    pub fn ids(&self, resource: &str, action: &str) -> Ids<'_> {
        let about = || self.0.iter().filter(|grant| grant.is_about(resource, action));
        if about().any(|grant| grant.id.is_none()) {
            return Ids::All;
        }
        Ids::These(about().filter_map(|grant| grant.id.as_deref()).collect())
    }

    /// Whether everything in the other set is covered by this one.
    pub fn covers(&self, other: &Self) -> bool {
        self.lacking(other).next().is_none()
    }

    fn lacking<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = &'a Grant> {
        other.0.iter().filter(|wanted| !self.0.iter().any(|held| held.covers(wanted)))
    }

    fn has(&self, wanted: &Wanted) -> bool {
        match *wanted {
            Wanted::All(resource, action) => self.allows(resource, None, action),
            Wanted::One(resource, id, action) => self.allows(resource, Some(id), action),
            Wanted::Some(resource, action) => self.ids(resource, action) != Ids::These(Vec::new()),
        }
    }

    /// Refuses unless one of `wanted` is held.
    ///
    /// # Errors
    /// [`Kind::InsufficientPermissions`] listing the permissions of which one is missing.
    pub fn require(&self, wanted: &[Wanted]) -> Result<()> {
        if wanted.iter().any(|wanted| self.has(wanted)) {
            return Ok(());
        }
        let alternatives: Vec<String> = wanted.iter().flat_map(Wanted::alternatives).collect();
        let message = match &alternatives[..] {
            [only] => format!("Missing permission: {only}"),
            _ => format!("Missing one of these permissions: [{}]", alternatives.join(", ")),
        };
        Err(Error::new(Kind::InsufficientPermissions, message).hint(GRANT_MORE))
    }

    /// Refuses unless every permission of the other set is covered: a root key passes on only what it holds.
    ///
    /// # Errors
    /// [`Kind::InsufficientPermissions`] naming the first that is missing.
    pub fn require_all_of(&self, other: &Self) -> Result<()> {
        self.lacking(other).next().map_or(Ok(()), |missing| {
            let message = format!("Missing permission: '{missing}'");
            Err(Error::new(Kind::InsufficientPermissions, message)
                .hint("A root key can manage only root keys that hold no more than itself."))
        })
    }
}

const GRANT_MORE: &str = "unkey_update_root_key gives a root key other permissions.";

/// Refuses a root key that would live longer than the one that makes it. Times in milliseconds; `None` is forever.
///
/// # Errors
/// [`Kind::Forbidden`].
pub fn check_lifetime(of_maker: Option<i64>, expires: Option<i64>) -> Result<()> {
    let Some(end) = of_maker else { return Ok(()) };
    if expires.is_some_and(|expires| expires <= end) {
        return Ok(());
    }
    let error = Error::invalid("expires", "must not be later than that of the root key in use");
    Err(Error { kind: Kind::Forbidden, ..error })
}

impl From<Grants> for Vec<String> {
    fn from(grants: Grants) -> Self {
        grants.texts()
    }
}

/// Reads what is stored, where `*` has been expanded.
impl TryFrom<Vec<String>> for Grants {
    type Error = Error;

    fn try_from(list: Vec<String>) -> Result<Self> {
        list.iter().map(|text| Grant::parse("permissions", text)).collect::<Result<_>>().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grants(list: &[&str]) -> Grants {
        Grants::read("permissions", &list.iter().map(|&text| text.to_owned()).collect::<Vec<_>>()).unwrap()
    }

    fn refusal(text: &str) -> (String, String) {
        let error = Grants::read("permissions", &[text.to_owned()]).unwrap_err();
        (error.message, error.hint.unwrap_or_default())
    }

    #[test]
    fn what_does_not_exist_is_refused_with_what_does() {
        let (message, hint) = refusal("key.*.read");
        assert_eq!(message, "permissions[0] is of an unknown resource: 'key'");
        assert_eq!(hint, "Resources are api, ratelimit, identity, rbac.");
        let (message, hint) = refusal("identity.*.read");
        assert_eq!(message, "permissions[0] is of an unknown action of identity: 'read'");
        assert_eq!(
            hint,
            "Actions of identity are create_identity, read_identity, update_identity, delete_identity."
        );
        for text in ["", "api", "api.*", "api.*.verify_key.x", "**", "api.a b.verify_key", "api..verify_key"]
        {
            assert!(Grants::read("permissions", &[text.to_owned()]).is_err(), "{text}");
        }
    }

    #[test]
    fn identity_and_rbac_have_no_ids() {
        assert_eq!(refusal("rbac.role_1.read_role").1, "Write rbac.*.read_role.");
        assert_eq!(refusal("identity.id_1.read_identity").1, "Write identity.*.read_identity.");
    }

    #[test]
    fn a_star_is_everything_and_stored_in_full() {
        let all = grants(&["*"]);
        assert_eq!(all.texts().len(), 12 + 10 + 4 + 14);
        assert_eq!(Grants::try_from(all.texts()), Ok(all));
        assert!(Grants::try_from(vec!["*".to_owned()]).is_err());
    }

    #[test]
    fn vk_07_08_one_object_all_objects_or_some() {
        let one = grants(&["api.api_a.verify_key", "api.api_b.verify_key", "ratelimit.*.limit"]);
        assert!(one.allows("api", Some("api_a"), "verify_key"));
        assert!(!one.allows("api", Some("api_c"), "verify_key"));
        assert!(!one.allows("api", None, "verify_key"));
        assert!(!one.allows("api", Some("api_a"), "read_key"));
        assert_eq!(one.ids("api", "verify_key"), Ids::These(vec!["api_a", "api_b"]));
        assert_eq!(one.ids("ratelimit", "limit"), Ids::All);
        assert_eq!(one.ids("api", "read_key"), Ids::These(vec![]));
        assert_eq!(one.require(&[Wanted::Some("api", "verify_key")]), Ok(()));
        let error = grants(&[]).require(&[Wanted::Some("api", "verify_key")]).unwrap_err();
        assert_eq!(error.kind, Kind::InsufficientPermissions);
        let listed = "Missing one of these permissions: ['api.*.verify_key', 'api.<API_ID>.verify_key']";
        assert_eq!(error.message, listed);
    }

    #[test]
    fn refusals_name_what_is_missing() {
        let none = Grants::default();
        let error = none.require(&[Wanted::All("api", "create_api")]).unwrap_err();
        assert_eq!(error.message, "Missing permission: 'api.*.create_api'");
        let error = none.require(&[Wanted::One("api", "api_1", "read_key")]).unwrap_err();
        let listed = "Missing one of these permissions: ['api.*.read_key', 'api.api_1.read_key']";
        assert_eq!(error.message, listed);
        let either = [Wanted::All("rbac", "read_role"), Wanted::All("rbac", "read_permission")];
        assert_eq!(grants(&["rbac.*.read_permission"]).require(&either), Ok(()));
        assert_eq!(
            none.require(&[Wanted::Some("rbac", "read_role")]).unwrap_err().message,
            "Missing permission: 'rbac.*.read_role'"
        );
    }

    #[test]
    fn nobody_passes_on_more_than_they_hold() {
        let (all_apis, one_api) = (grants(&["api.*.read_key"]), grants(&["api.api_1.read_key"]));
        assert_eq!(all_apis.require_all_of(&one_api), Ok(()));
        let error = one_api.require_all_of(&all_apis).unwrap_err();
        assert_eq!(error.message, "Missing permission: 'api.*.read_key'");
    }

    #[test]
    fn nobody_makes_what_outlives_them() {
        assert_eq!(check_lifetime(None, None), Ok(()));
        assert_eq!(check_lifetime(Some(5), Some(5)), Ok(()));
        assert_eq!(check_lifetime(Some(5), Some(6)).unwrap_err().kind, Kind::Forbidden);
        assert_eq!(check_lifetime(Some(5), None).unwrap_err().kind, Kind::Forbidden);
    }
}
