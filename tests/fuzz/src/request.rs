//! Bodies of the v2 dialect, each read as the body of every operation.

use unkey_core::document::{imported_keys, requested_limits};
use unkey_core::request::{
    ApiId, ChangePermissions, ChangeRoles, CreateApi, CreateIdentity, CreateKey, CreatePermission,
    CreateRole, CreateRootKey, DeleteKey, GetKey, IdentityName, Limit, List, ListKeys, ListOverrides,
    MigrateKeys, MultiLimit, OverrideName, PermissionName, Query, Request, RerollKey, RerollRootKey,
    RoleName, RootKeyId, Search, SetOverride, SetRolePermissions, UpdateApi, UpdateCredits, UpdateIdentity,
    UpdateKey, UpdatePermission, UpdateRole, UpdateRootKey, VerifyKey, Whoami, name_in_body,
};
use unkey_core::{Error, Kind, Result};

use crate::json::{self, Json};

/// Deepest nesting that is read.
const DEEPEST: usize = 128;
/// Shortest text that is searched for in messages: shorter ones can stand there by chance.
const TELLING: usize = 12;

type Read = fn(&str) -> Result<()>;

/// Whether unknown members are refused, and how a body is read, as far as no database is needed.
const OPERATIONS: &[(bool, Read)] = &[
    (true, plain::<List>),
    (true, plain::<Search>),
    (true, plain::<CreateKey>),
    (true, plain::<GetKey>),
    (true, plain::<Whoami>),
    (true, plain::<DeleteKey>),
    (false, plain::<RerollKey>),
    (true, plain::<ChangePermissions>),
    (true, plain::<ChangeRoles>),
    (true, plain::<UpdateCredits>),
    (true, plain::<CreateApi>),
    (true, plain::<ApiId>),
    (true, plain::<ListKeys>),
    (false, plain::<CreateIdentity>),
    (true, plain::<IdentityName>),
    (true, plain::<CreatePermission>),
    (true, plain::<PermissionName>),
    (true, plain::<CreateRole>),
    (true, plain::<RoleName>),
    (true, plain::<SetRolePermissions>),
    (true, plain::<SetOverride>),
    (true, plain::<OverrideName>),
    (true, plain::<ListOverrides>),
    (true, plain::<Limit>),
    (true, plain::<MultiLimit>),
    (true, plain::<Query>),
    (true, plain::<RootKeyId>),
    (true, plain::<CreateRootKey>),
    (true, plain::<RerollRootKey>),
    (true, plain::<UpdateKey>),
    (true, plain::<UpdateApi>),
    (true, plain::<UpdateIdentity>),
    (true, plain::<UpdatePermission>),
    (true, plain::<UpdateRole>),
    (true, plain::<UpdateRootKey>),
    (true, |body| imported_keys(MigrateKeys::read(body)?.keys.get()).map(drop)),
    (true, |body| {
        let request = VerifyKey::read(body)?;
        request.ratelimits.map_or(Ok(()), |limits| requested_limits(limits.get()).map(drop))
    }),
];

fn plain<R: Request>(body: &str) -> Result<()> {
    R::read(body).map(drop)
}

pub fn check(input: &[u8]) {
    let Some(body) = crate::text(input) else { return };
    let json = json::read(body);
    // What is no JSON is the same to all.
    let operations = if json.is_some() { OPERATIONS } else { &OPERATIONS[..1] };
    for (closed, read) in operations {
        match read(body) {
            Ok(()) => accepted(body, json.as_ref().expect("what is accepted is JSON"), *closed, *read),
            // Under the name that a client knows.
            Err(error) => refused(body, json.as_ref(), *read, &error.renamed(name_in_body)),
        }
    }
}

fn accepted(body: &str, json: &Json, closed: bool, read: Read) {
    assert!(!json.repeats() && json.depth() <= DEEPEST);
    assert!(!json.texts().iter().any(|text| text.contains('\0')));
    let Json::Object(members) = json else {
        assert!(matches!(json, Json::Array(_)));
        return;
    };
    assert!(read(&format!("[{body}]")).is_err());
    assert!(read(&format!("{body}{body}")).is_err());
    assert_eq!(with_member(body, members, "\"an unknown member\"", read).is_err(), closed);
    for (name, _) in members {
        let name = serde_json::to_string(name).unwrap();
        assert!(with_member(body, members, &name, read).is_err(), "{name} twice");
    }
}

fn with_member(body: &str, members: &[(String, Json)], name: &str, read: Read) -> Result<()> {
    let rest = body.trim_start().strip_prefix('{').unwrap();
    let comma = if members.is_empty() { "" } else { "," };
    read(&format!("{{{name}:1{comma}{rest}"))
}

fn refused(body: &str, json: Option<&Json>, read: Read, error: &Error) {
    assert!(matches!(error.kind, Kind::InvalidInput | Kind::MissingInput), "{error:?}");
    let argument = error.argument.as_deref().unwrap();
    let root = argument.split(['.', '[']).next().unwrap_or_default();
    assert_eq!(root, "body", "{argument}");
    assert!(error.message.starts_with(argument) && error.message.chars().count() <= 1000);
    // One that is a name as well may be repeated as such.
    let is_telling = |text: &&str| text.len() >= TELLING && body.matches(text).count() == 1;
    for text in json.into_iter().flat_map(secrets).filter(is_telling).filter(|text| repeats(error, text)) {
        // Nor is it by chance a part of the message: that says the same of another text.
        let other = read(&body.replace(text, "x")).unwrap_err();
        assert!(repeats(&other, text), "{error:?}");
    }
}

fn repeats(error: &Error, text: &str) -> bool {
    error.message.contains(text) || error.hint.as_ref().is_some_and(|hint| hint.contains(text))
}

/// Where texts of keys stand, or are put by mistake: no message may repeat them.
fn secrets(json: &Json) -> Vec<&str> {
    match json {
        Json::Text(text) => vec![text],
        _ => ["key", "keys", "hash"].iter().filter_map(|name| json.member(name)).flat_map(keys).collect(),
    }
}

fn keys(json: &Json) -> Vec<&str> {
    match json {
        Json::Text(text) => vec![text],
        Json::Array(elements) => elements.iter().flat_map(secrets).collect(),
        _ => Vec::new(),
    }
}
