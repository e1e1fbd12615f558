//! What the server tells about itself.

use serde_json::{Value, json};

use super::{Part, object};

/// The description of itself, and unless they are elsewhere health and metrics.
pub fn part(everything: bool) -> Part {
    let document = json!({ "type": "object", "required": ["openapi", "paths"] });
    let mut paths = object([(
        "/openapi.json",
        get(
            "openapi",
            "This description",
            [
                ("200", reply("The description.", "application/json", document)),
                ("304", json!({ "description": "It is still the one whose ETag was sent." })),
            ],
        ),
    )]);
    if everything {
        paths.extend([
            ("/health".to_owned(), get("health", "Whether the process lives", [("200", state("It does."))])),
            (
                "/ready".to_owned(),
                get(
                    "ready",
                    "Whether the database answers",
                    [("200", state("It does.")), ("503", state("It does not."))],
                ),
            ),
            (
                "/metrics".to_owned(),
                get(
                    "metrics",
                    "Figures of the server and the extension",
                    [(
                        "200",
                        reply("OpenMetrics.", "application/openmetrics-text", json!({ "type": "string" })),
                    )],
                ),
            ),
        ]);
    }
    Part {
        paths,
        tags: vec![json!({ "name": "operations", "description": "The server itself." })],
        ..Part::default()
    }
}

fn get<const N: usize>(id: &str, summary: &str, responses: [(&str, Value); N]) -> Value {
    json!({ "get": {
        "operationId": id,
        "summary": summary,
        "tags": ["operations"],
        "security": [],
        "responses": object(responses),
    } })
}

fn reply(description: &str, content_type: &str, schema: Value) -> Value {
    json!({ "description": description, "content": { content_type: { "schema": schema } } })
}

fn state(description: &str) -> Value {
    let schema =
        json!({ "type": "object", "properties": { "status": { "type": "string" } }, "required": ["status"] });
    reply(description, "application/json", schema)
}
