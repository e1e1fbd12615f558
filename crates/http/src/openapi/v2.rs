//! `POST /v2/<operation>` for every operation, and `GET /v2/liveness`.

use serde_json::{Value, json};
use unkey_core::reply::{Empty, JSON, Meta, Pagination, Refusal};
use unkey_core::schema::operations::{Answer, EVERYWHERE};
use unkey_core::schema::{Collector, OPERATIONS, Operation, referred};

use super::links::{Taken, links};
use super::{Part, object, replies};

const ROOT_KEY: &str = "rootKey";

/// All of it.
pub fn part() -> Part {
    let mut requests = Collector::of_requests();
    let mut answers = Collector::of_replies();
    let meta = answers.schema(referred::<Meta>);
    let pagination = answers.schema(referred::<Pagination>);
    for describe in [referred::<Refusal>, referred::<Empty>] {
        answers.schema(describe);
    }
    let mut part = Part::default();
    let bodies: Vec<Value> = OPERATIONS.iter().map(|operation| requests.schema(operation.request)).collect();
    let taken: Vec<Taken> =
        OPERATIONS.iter().zip(&bodies).map(|(to, body)| Taken::new(to.name, body)).collect();
    for operation in &OPERATIONS {
        let data = match operation.answer {
            Answer::Data(of) => json!({ "data": answers.schema(of) }),
            Answer::Page(of) => json!({
                "data": { "type": "array", "items": answers.schema(of) },
                "pagination": pagination,
            }),
            Answer::Nothing => json!({}),
        };
        part.schemas.insert(name(operation, "ResponseBody"), response(&meta, data));
        part.paths.insert(format!("/v2/{}", operation.name), json!({ "post": post(operation, &taken) }));
    }
    for (operation, body) in OPERATIONS.iter().zip(bodies) {
        part.schemas.insert(name(operation, "RequestBody"), body);
    }
    part.schemas.insert("V2LivenessResponseBody".to_owned(), response(&meta, liveness_data()));
    part.paths.insert("/v2/liveness".to_owned(), json!({ "get": liveness() }));
    part.schemas.extend(requests.definitions());
    part.schemas.extend(answers.definitions());
    part.schemas.extend(replies::schemas());
    part.security_schemes = object([(
        ROOT_KEY,
        json!({
            "type": "http",
            "scheme": "bearer",
            "description": "A root key, such as unkey_… .",
        }),
    )]);
    part.tags = families();
    part
}

/// What Unkey calls a schema: `V2KeysVerifyKeyRequestBody`.
fn name(operation: &Operation, what: &str) -> String {
    let words = operation.name.split('.').map(|word| {
        let (first, rest) = word.split_at(1);
        first.to_uppercase() + rest
    });
    format!("V2{}{what}", words.collect::<String>())
}

fn family(operation: &Operation) -> &'static str {
    operation.name.split_once('.').map_or(operation.name, |(family, _)| family)
}

fn families() -> Vec<Value> {
    let mut names: Vec<&str> = OPERATIONS.iter().map(family).collect();
    names.dedup();
    names.into_iter().map(|name| json!({ "name": name })).collect()
}

/// `meta` and these members, all of which are there.
fn response(meta: &Value, members: Value) -> Value {
    let mut schema = json!({ "type": "object", "properties": members });
    schema["properties"]["meta"] = meta.clone();
    let names = schema["properties"].as_object().map(|members| members.keys().cloned().collect::<Vec<_>>());
    schema["required"] = json!(names);
    schema
}

fn post(operation: &Operation, taken: &[Taken]) -> Value {
    let body = format!("#/components/schemas/{}", name(operation, "RequestBody"));
    let mut post = json!({
        "operationId": operation.name,
        "summary": operation.summary,
        "tags": [family(operation)],
        "security": [{ ROOT_KEY: [] }],
        "requestBody": { "required": true, "content": { JSON: { "schema": { "$ref": body } } } },
        "responses": responses(operation, taken),
    });
    if matches!(operation.name, "ratelimit.limit" | "ratelimit.multiLimit") {
        post["parameters"] = json!([unrecorded()]);
    }
    post
}

/// The header by which a client keeps a check out of the analytics.
fn unrecorded() -> Value {
    json!({
        "name": "X-Unkey-Metrics",
        "in": "header",
        "description": "`disabled` keeps the decision out of the analytics.",
        "schema": { "type": "string" },
    })
}

fn responses(operation: &Operation, taken: &[Taken]) -> Value {
    let mut success = replies::success(&name(operation, "ResponseBody"));
    let links = links(operation.name, taken);
    if !links.is_empty() {
        success["links"] = json!(links);
    }
    let mut statuses: Vec<u16> = EVERYWHERE.iter().chain(operation.refusals).copied().collect();
    statuses.sort_unstable();
    let refusals =
        statuses.into_iter().map(|status| (status.to_string(), replies::refusal(status, operation.name)));
    json!(object([("200".to_owned(), success)].into_iter().chain(refusals)))
}

fn liveness_data() -> Value {
    let message = json!({ "type": "string" });
    json!({ "data": { "type": "object", "properties": { "message": message }, "required": ["message"] } })
}

fn liveness() -> Value {
    json!({
        "operationId": "liveness",
        "summary": "Answer that the server lives",
        "security": [],
        "tags": ["operations"],
        "responses": { "200": replies::success("V2LivenessResponseBody") },
    })
}
