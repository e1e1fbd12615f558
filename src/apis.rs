//! APIs: create, read, change, delete.

use unkey_core::document::ApiPatch;
use unkey_core::error::quoted;
use unkey_core::key_format::KeyFormat;
use unkey_core::{Error, Kind, id, network, validate};

use crate::clock;
use crate::error::Outcome;
use crate::page::Page;
use crate::store::apis::{self, Api, Changes};
use crate::store::statement::View;

/// What a new API can be given.
#[derive(Debug, Default)]
pub struct NewApi {
    pub name: String,
    pub default_prefix: Option<String>,
    pub default_bytes: Option<i64>,
    pub ip_allowlist: Option<Vec<String>>,
    pub delete_protection: bool,
    /// Whether keys may be recoverable.
    pub store_encrypted_keys: bool,
    /// Name of the format of its keys' texts.
    pub key_format: Option<String>,
}

/// The mistake of naming an API that is not there.
pub fn not_found(api_id: &str) -> Error {
    Error::new(Kind::ApiNotFound, format!("api_id {} was not found", quoted(api_id)))
        .hint("SELECT * FROM unkey_list_apis() shows the APIs there are.")
}

/// The live API.
pub fn get(view: View, api_id: &str) -> Outcome<Api> {
    Ok(apis::by_id(view, api_id)?.ok_or_else(|| not_found(api_id))?)
}

/// Makes an API with its keyspace and answers its id.
pub fn create(new: &NewApi) -> Outcome<String> {
    validate::api_name("name", &new.name)?;
    if let Some(prefix) = &new.default_prefix {
        validate::default_prefix("default_prefix", prefix)?;
    }
    let default_bytes = validate::byte_length("default_bytes", new.default_bytes.unwrap_or(16))?;
    let key_format =
        new.key_format.as_deref().map_or(Ok(KeyFormat::Plain), |name| KeyFormat::read("key_format", name))?;
    key_format.check_prefix("default_prefix", new.default_prefix.as_deref())?;
    key_format.check_bytes("default_bytes", new.default_bytes)?;
    let networks = |list: &[String]| network::normalized("ip_allowlist", list);
    let ip_allowlist = new.ip_allowlist.as_deref().map(networks).transpose()?;
    let now = clock::now();
    let (api_id, keyspace_id) = (id::new("api", now)?, id::new("ks", now)?);
    let row = apis::NewApi {
        id: &api_id,
        keyspace_id: &keyspace_id,
        name: &new.name,
        default_prefix: new.default_prefix.as_deref(),
        default_bytes,
        ip_allowlist: ip_allowlist.as_deref(),
        delete_protection: new.delete_protection,
        store_encrypted_keys: new.store_encrypted_keys,
        key_format,
    };
    apis::insert(&row, now)?;
    Ok(api_id)
}

/// A page of APIs by id.
pub fn list(limit: i64, cursor: Option<&str>) -> Outcome<Page<Api>> {
    Page::load(limit, |limit| apis::page(limit, cursor), |api| api.api_id.clone())
}

/// Changes an API.
pub fn update(api_id: &str, patch: ApiPatch) -> Outcome<()> {
    let key_format = patch.key_format()?;
    check_format(api_id, &patch, key_format)?;
    let changes = Changes {
        name: patch.name,
        default_prefix: patch.default_prefix.change(),
        default_bytes: patch.default_bytes.change().map(|bytes| bytes.unwrap_or(16)),
        ip_allowlist: patch.ip_whitelist.change(),
        enabled: patch.enabled,
        delete_protection: patch.delete_protection,
        store_encrypted_keys: patch.store_encrypted_keys,
        key_format,
    };
    apis::update(api_id, &changes, clock::now())?.ok_or_else(|| not_found(api_id))?;
    Ok(())
}

/// Holds the prefix and the length that new keys will have to the format that they will have.
fn check_format(api_id: &str, patch: &ApiPatch, changed: Option<KeyFormat>) -> Outcome<()> {
    let (prefix, bytes) = (patch.default_prefix.clone().change(), patch.default_bytes.clone().change());
    if changed.is_none() && prefix.is_none() && bytes.is_none() {
        return Ok(());
    }
    let api = get(View::Latest, api_id)?;
    let format = changed.unwrap_or(api.key_format);
    format.check_prefix("patch.defaultPrefix", prefix.unwrap_or(api.default_prefix).as_deref())?;
    Ok(format.check_bytes("patch.defaultBytes", bytes.unwrap_or(Some(api.default_bytes as i64)))?)
}

/// Deletes an API: its keys answer `NOT_FOUND` from then on.
pub fn delete(api_id: &str) -> Outcome<()> {
    if apis::soft_delete(api_id, clock::now())?.is_some() {
        return Ok(());
    }
    get(View::Latest, api_id)?;
    let protected =
        Error::new(Kind::ProtectedResource, format!("api_id {} has delete protection", quoted(api_id)));
    Err(protected
        .hint("Turn it off first: SELECT unkey_update_api(api_id, '{\"deleteProtection\": false}').")
        .into())
}
