//! The functions in the OpenAPI document: paths, and the components they refer to.

use serde_json::{Map, Value, json};

use crate::openapi::Part;

use super::catalog::{Argument, Catalog, Column, Function, Shape};

/// All functions, for the document of the whole server. `takes_keys` says whether callers bring a key as well.
pub fn part(catalog: &Catalog, takes_keys: bool) -> Part {
    let mut paths = paths(catalog);
    let mut security_schemes = members(json!({
        "jwt": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "Names a database role in a claim.",
        }
    }));
    if takes_keys {
        security_schemes.insert("key".to_owned(), json!({
            "type": "http",
            "scheme": "bearer",
            "description": "An API key, which the function that runs before each call verifies; also in the header apikey.",
        }));
        paths
            .values_mut()
            .filter_map(Value::as_object_mut)
            .flat_map(|path| path.values_mut())
            .for_each(with_key);
    }
    Part {
        paths,
        schemas: members(json!({
            "RpcError": {
                "type": "object",
                "properties": {
                    "code": { "type": "string", "description": "PGRSTnnn, or the SQLSTATE." },
                    "message": { "type": "string" },
                    "details": { "type": ["string", "null"] },
                    "hint": { "type": ["string", "null"] },
                },
                "required": ["code", "message", "details", "hint"],
            }
        })),
        security_schemes,
        tags: vec![
            json!({ "name": "rpc", "description": "The functions of the extension, as PostgREST serves them." }),
        ],
    }
}

fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// `/rpc/<function>` for every function.
pub fn paths(catalog: &Catalog) -> Map<String, Value> {
    catalog
        .functions
        .iter()
        .map(|(name, overloads)| (format!("/rpc/{name}"), path(name, overloads)))
        .collect()
}

fn path(name: &str, overloads: &[Function]) -> Value {
    let mut path = Map::new();
    path.insert("post".to_owned(), operation(name, overloads, true));
    // A function that may write is not for GET; an overloaded one can't be told apart there.
    if let [function] = overloads
        && !function.volatile
    {
        path.insert("get".to_owned(), operation(name, overloads, false));
    }
    Value::Object(path)
}

fn operation(name: &str, overloads: &[Function], posted: bool) -> Value {
    let description = overloads.iter().filter_map(|function| function.description.as_deref());
    let mut operation = json!({
        "operationId": if posted { format!("rpc.{name}") } else { format!("rpc.{name}.get") },
        "tags": ["rpc"],
        "description": description.collect::<Vec<_>>().join("\n\n"),
        "security": [{ "jwt": [] }, {}],
        "responses": responses(&overloads[0]),
    });
    if posted {
        operation["requestBody"] =
            json!({ "content": { "application/json": { "schema": body(overloads) } } });
    } else {
        operation["parameters"] = overloads[0].arguments.iter().map(parameter).collect();
    }
    operation
}

/// What an operation answers where callers bring a key.
fn with_key(operation: &mut Value) {
    operation["security"] = json!([{ "key": [] }, { "jwt": [] }, {}]);
    let text = json!({ "schema": { "type": "string" } });
    let seconds = json!({ "schema": { "type": "integer", "minimum": 1 } });
    operation["responses"]["429"] = json!({
        "description": "A limit of the key is exceeded, or it has too few credits.",
        "headers": { "Retry-After": seconds, "RateLimit": text, "RateLimit-Policy": text },
        "content": { "application/json": { "schema": { "$ref": "#/components/schemas/RpcError" } } },
    });
}

fn body(overloads: &[Function]) -> Value {
    match overloads {
        [function] => arguments(function),
        several => json!({ "oneOf": several.iter().map(arguments).collect::<Vec<_>>() }),
    }
}

fn arguments(function: &Function) -> Value {
    let properties = function.arguments.iter().map(|argument| {
        let mut kind = schema(&argument.r#type);
        if let Some(names) = kind.get_mut("type")
            && !argument.required
        {
            *names = json!([names.clone(), "null"]);
        }
        (argument.name.clone(), kind)
    });
    let required =
        function.arguments.iter().filter(|argument| argument.required).map(|argument| &argument.name);
    json!({
        "type": "object",
        "properties": properties.collect::<Map<_, _>>(),
        "required": required.collect::<Vec<_>>(),
        "additionalProperties": false,
    })
}

fn parameter(argument: &Argument) -> Value {
    json!({
        "name": argument.name,
        "in": "query",
        "required": argument.required,
        "description": format!("As the text of a value of type {}.", argument.r#type),
        "schema": { "type": "string" },
    })
}

fn responses(function: &Function) -> Value {
    let refused = json!({
        "description": "Refused; nothing was done.",
        "content": { "application/json": { "schema": { "$ref": "#/components/schemas/RpcError" } } },
    });
    match function.shape {
        Shape::Void => json!({ "204": { "description": "Done." }, "default": refused }),
        _ => {
            let one = result(function);
            let schema = if function.set { json!({ "type": "array", "items": one }) } else { one };
            json!({
                "200": { "description": "The result.", "content": { "application/json": { "schema": schema } } },
                "206": { "description": "A part of the result." },
                "default": refused,
            })
        }
    }
}

fn result(function: &Function) -> Value {
    if function.shape == Shape::Scalar {
        return nullable(schema(&function.returns));
    }
    let property = |column: &Column| {
        let mut kind = nullable(schema(&column.r#type));
        if let Some(description) = &column.description {
            kind["description"] = description.as_str().into();
        }
        (column.name.clone(), kind)
    };
    json!({ "type": "object", "properties": function.columns.iter().map(property).collect::<Map<_, _>>() })
}

fn nullable(mut schema: Value) -> Value {
    if let Some(kind) = schema.get_mut("type") {
        *kind = json!([kind.clone(), "null"]);
    }
    schema
}

/// The JSON that a type is read from and written as.
fn schema(kind: &str) -> Value {
    if let Some(element) = kind.strip_suffix("[]") {
        return json!({ "type": "array", "items": schema(element) });
    }
    match kind {
        "json" | "jsonb" => json!({}),
        "boolean" => json!({ "type": "boolean" }),
        "smallint" | "integer" => json!({ "type": "integer", "format": "int32" }),
        "bigint" => json!({ "type": "integer", "format": "int64" }),
        "real" | "double precision" | "numeric" => json!({ "type": "number" }),
        "timestamp with time zone" => json!({ "type": "string", "format": "date-time" }),
        "date" => json!({ "type": "string", "format": "date" }),
        "uuid" => json!({ "type": "string", "format": "uuid" }),
        "text" | "name" | "character varying" => json!({ "type": "string" }),
        other => json!({ "type": "string", "description": format!("A text of type {other}.") }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_can_be_refused() {
        let mut catalog = Catalog::default();
        catalog.functions.insert("f".to_owned(), vec![Function::with_arguments("f", &[])]);
        for takes_keys in [false, true] {
            let part = part(&catalog, takes_keys);
            assert_eq!(part.security_schemes.contains_key("key"), takes_keys);
            let responses = &part.paths["/rpc/f"]["post"]["responses"];
            assert_eq!(responses["429"]["headers"]["Retry-After"].is_object(), takes_keys);
        }
    }

    #[test]
    fn a_path_says_what_goes_in_and_comes_out() {
        let mut catalog = Catalog::default();
        let function = Function {
            description: Some("Verifies.".to_owned()),
            volatile: false,
            columns: Function::with_columns(&[("valid", "boolean"), ("meta", "jsonb")]).columns,
            ..Function::with_arguments("f", &[("keys", "text[]"), ("cost", "bigint?")])
        };
        catalog.functions.insert("f".to_owned(), vec![function]);
        let path = &paths(&catalog)["/rpc/f"];
        assert_eq!(path["post"]["description"], "Verifies.");
        let body = &path["post"]["requestBody"]["content"]["application/json"]["schema"];
        assert_eq!(body["required"], json!(["keys"]));
        assert_eq!(body["properties"]["keys"], json!({ "type": "array", "items": { "type": "string" } }));
        assert_eq!(body["properties"]["cost"]["type"], json!(["integer", "null"]));
        let reply = &path["post"]["responses"]["200"]["content"]["application/json"]["schema"];
        assert_eq!(reply["items"]["properties"]["valid"]["type"], json!(["boolean", "null"]));
        assert_eq!(reply["items"]["properties"]["meta"], json!({}));
        assert_eq!(path["get"]["parameters"][0]["name"], "keys");
    }
}
