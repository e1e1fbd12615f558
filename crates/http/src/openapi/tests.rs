use std::collections::BTreeSet;

use serde_json::{Value, json};
use unkey_core::schema::OPERATIONS;

use super::{Part, Served, document, object};

fn whole() -> Value {
    document(Served { operational: true, rpc: None })
}

/// Every `$ref` in a value.
fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Array(list) => list.iter().for_each(|entry| references(entry, found)),
        Value::Object(members) => {
            found.extend(members.get("$ref").and_then(Value::as_str).map(str::to_owned));
            members.values().for_each(|member| references(member, found));
        }
        _ => {}
    }
}

fn body<'a>(document: &'a Value, operation: &str) -> &'a Value {
    let path = &document["paths"][format!("/v2/{operation}")]["post"];
    let reference = path["requestBody"]["content"]["application/json"]["schema"]["$ref"].as_str().unwrap();
    document.pointer(reference.trim_start_matches('#')).unwrap()
}

#[test]
fn every_reference_leads_somewhere_and_every_schema_is_used() {
    let document = whole();
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    for reference in &found {
        assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
    }
    for name in document["components"]["schemas"].as_object().unwrap().keys() {
        assert!(found.contains(&format!("#/components/schemas/{name}")), "{name}");
    }
}

#[test]
fn every_operation_has_a_path_with_its_name() {
    let document = whole();
    for operation in OPERATIONS {
        let post = &document["paths"][format!("/v2/{}", operation.name)]["post"];
        assert_eq!(post["operationId"], operation.name);
        assert_eq!(post["security"], json!([{ "rootKey": [] }]));
    }
    assert_eq!(document["paths"].as_object().unwrap().len(), OPERATIONS.len() + 5);
}

#[test]
fn schemas_have_the_names_and_rules_that_clients_know() {
    let document = whole();
    let verify = &document["components"]["schemas"]["V2KeysVerifyKeyRequestBody"];
    assert_eq!(verify["required"], json!(["key"]));
    assert_eq!(verify["additionalProperties"], json!(false));
    assert_eq!(verify["properties"]["key"]["maxLength"], json!(512));
    let update = body(&document, "keys.updateKey");
    assert_eq!(update["required"], json!(["keyId"]));
    assert_eq!(update["properties"]["name"]["type"], json!(["string", "null"]));
    assert_eq!(update["properties"]["enabled"]["type"], json!("boolean"));
    assert_eq!(
        body(&document, "apis.createApi")["properties"]["name"]["pattern"],
        json!("^[A-Za-z][A-Za-z0-9._-]*$")
    );
    assert_eq!(body(&document, "ratelimit.multiLimit")["maxItems"], json!(100));
    assert_eq!(body(&document, "keys.addRoles")["properties"]["roles"]["minItems"], json!(1));
    assert!(body(&document, "keys.setRoles")["properties"]["roles"].get("minItems").is_none());
    let open = body(&document, "identities.createIdentity");
    assert!(open.get("additionalProperties").is_none());
}

#[test]
fn replies_leave_out_what_is_absent_and_only_a_balance_is_null() {
    let document = whole();
    let schemas = &document["components"]["schemas"];
    let key = &schemas["KeyResponseData"];
    assert_eq!(key["required"], json!(["keyId", "start", "enabled", "createdAt"]));
    assert_eq!(key["properties"]["name"]["type"], json!("string"));
    assert_eq!(key["properties"]["credits"]["$ref"], json!("#/components/schemas/KeyCreditsData"));
    assert_eq!(schemas["KeyCreditsData"]["properties"]["remaining"]["type"], json!(["integer", "null"]));
    assert_eq!(schemas["Verification"]["required"], json!(["valid", "code"]));
}

#[test]
fn sd_02_refusals_have_the_content_types_that_clients_demand() {
    let document = whole();
    let content_types = |operation: &str, status: &str| {
        let response = &document["paths"][format!("/v2/{operation}")]["post"]["responses"][status];
        let response = document.pointer(response["$ref"].as_str().unwrap().trim_start_matches('#')).unwrap();
        response["content"].as_object().unwrap().keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(content_types("keys.getKey", "404"), ["application/json"]);
    assert_eq!(content_types("keys.getKey", "429"), ["application/problem+json"]);
    assert_eq!(content_types("identities.deleteIdentity", "404"), ["application/problem+json"]);
    assert_eq!(content_types("permissions.updateRole", "429"), ["application/json"]);
}

#[test]
fn links_go_from_what_is_made_to_what_takes_it() {
    let document = whole();
    let links = |operation: &str| {
        document["paths"][format!("/v2/{operation}")]["post"]["responses"]["200"]["links"].clone()
    };
    let of_key = links("keys.createKey");
    assert_eq!(of_key["keys.updateKey"]["requestBody"], json!({ "keyId": "$response.body#/data/keyId" }));
    assert_eq!(of_key["keys.verifyKey"]["requestBody"], json!({ "key": "$response.body#/data/key" }));
    assert!(of_key.get("rootKeys.updateKey").is_none());
    let of_override = links("ratelimit.setOverride");
    let both = json!({ "namespace": "$request.body#/namespace", "identifier": "$request.body#/identifier" });
    assert_eq!(of_override["ratelimit.getOverride"]["requestBody"], both);
    let of_role = links("permissions.createRole");
    assert_eq!(of_role["permissions.setRolePermissions"]["requestBody"].as_object().unwrap().len(), 1);
}

#[test]
fn other_parts_are_merged_and_admin_routes_can_be_elsewhere() {
    let rpc = Part { paths: object([("/rpc/f", json!({ "get": {} }))]), ..Part::default() };
    let document = document(Served { operational: false, rpc: Some(rpc) });
    assert!(document["paths"].get("/rpc/f").is_some());
    assert!(document["paths"].get("/health").is_none());
    assert!(document["paths"].get("/openapi.json").is_some());
}
