//! The OpenAPI document: the v2 dialect as its types say, this server's own routes, and what else is served.

mod links;
mod operational;
mod replies;
mod v2;

use serde_json::{Map, Value, json};

/// What a part of the server adds to the document.
#[derive(Debug, Clone, Default)]
pub struct Part {
    /// Path items by path, such as `/rpc/my_function`.
    pub paths: Map<String, Value>,
    /// Schemas by name, to which `#/components/schemas/…` refers.
    pub schemas: Map<String, Value>,
    /// Security schemes by name.
    pub security_schemes: Map<String, Value>,
    /// Tags with their descriptions.
    pub tags: Vec<Value>,
}

/// What is served beside the v2 dialect.
#[derive(Debug, Clone, Default)]
pub struct Served {
    /// Whether `/health`, `/ready` and `/metrics` are here too.
    pub operational: bool,
    /// `/rpc/…`, if there is any.
    pub rpc: Option<Part>,
}

const DESCRIPTION: &str = "Unkey's API, served from a Postgres with the unkey extension.\n\n\
    Texts and names in a body may not hold the character U+0000, no name may stand twice in an object, and an integer is \
    written without a fraction. A 5xx means that nothing was done, so any call may be repeated after it.";

/// The document, OpenAPI 3.1.
pub fn document(served: Served) -> Value {
    let mut parts = vec![v2::part(), operational::part(served.operational)];
    parts.extend(served.rpc);
    let mut whole = Part::default();
    for part in parts {
        whole.paths.extend(part.paths);
        whole.schemas.extend(part.schemas);
        whole.security_schemes.extend(part.security_schemes);
        whole.tags.extend(part.tags);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "unkey",
            "version": env!("CARGO_PKG_VERSION"),
            "description": DESCRIPTION,
            "license": { "name": "MIT", "identifier": "MIT" },
        },
        "servers": [{ "url": "/" }],
        "tags": whole.tags,
        "paths": whole.paths,
        "components": {
            "schemas": whole.schemas,
            "responses": replies::refusals(),
            "headers": replies::headers(),
            "securitySchemes": whole.security_schemes,
        },
    })
}

/// An object of these members.
fn object<K: Into<String>>(members: impl IntoIterator<Item = (K, Value)>) -> Map<String, Value> {
    members.into_iter().map(|(name, value)| (name.into(), value)).collect()
}

#[cfg(test)]
mod tests;
