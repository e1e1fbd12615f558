//! Which operation can go on with what another one made.

use serde_json::{Map, Value, json};

/// A value that an operation makes or takes, and what the operations of a family call it.
struct Flow {
    from: &'static str,
    value: &'static str,
    family: &'static str,
    member: &'static str,
}

const fn flow(from: &'static str, value: &'static str, family: &'static str, member: &'static str) -> Flow {
    Flow { from, value, family, member }
}

const FLOWS: [Flow; 12] = [
    flow("apis.createApi", "$response.body#/data/apiId", "apis", "apiId"),
    flow("apis.createApi", "$response.body#/data/apiId", "keys", "apiId"),
    flow("keys.createKey", "$response.body#/data/keyId", "keys", "keyId"),
    flow("keys.createKey", "$response.body#/data/key", "keys", "key"),
    flow("identities.createIdentity", "$response.body#/data/identityId", "identities", "identity"),
    flow("permissions.createPermission", "$response.body#/data/permissionId", "permissions", "permission"),
    flow("permissions.createRole", "$response.body#/data/roleId", "permissions", "role"),
    flow("permissions.createRole", "$response.body#/data/roleId", "permissions", "roleId"),
    flow("ratelimit.limit", "$request.body#/namespace", "ratelimit", "namespace"),
    flow("ratelimit.setOverride", "$request.body#/namespace", "ratelimit", "namespace"),
    flow("ratelimit.setOverride", "$request.body#/identifier", "ratelimit", "identifier"),
    flow("rootKeys.createKey", "$response.body#/data/keyId", "rootKeys", "keyId"),
];

/// What an operation must be given.
pub struct Taken {
    operation: &'static str,
    required: Vec<String>,
}

impl Taken {
    /// As the schema of its body says.
    pub fn new(operation: &'static str, body: &Value) -> Self {
        let choices = body["oneOf"].as_array().into_iter().flatten();
        let lists = [body].into_iter().chain(choices).filter_map(|schema| schema["required"].as_array());
        let names = lists.flatten().filter_map(Value::as_str).map(str::to_owned);
        Self { operation, required: names.collect() }
    }

    fn takes(&self, flow: &Flow) -> bool {
        let family = self.operation.split('.').next();
        family == Some(flow.family) && self.required.iter().any(|name| name == flow.member)
    }
}

/// The links of an operation's success, by the name of the operation that each leads to.
pub fn links(from: &str, all: &[Taken]) -> Map<String, Value> {
    let flows: Vec<&Flow> = FLOWS.iter().filter(|flow| flow.from == from).collect();
    let mut links = Map::new();
    for to in all {
        let mut body = Map::new();
        for flow in flows.iter().filter(|flow| to.takes(flow)) {
            // Of two names for one thing, either will do.
            if !body.values().any(|value| value == flow.value) {
                body.insert(flow.member.to_owned(), json!(flow.value));
            }
        }
        if !body.is_empty() {
            links
                .insert(to.operation.to_owned(), json!({ "operationId": to.operation, "requestBody": body }));
        }
    }
    links
}
