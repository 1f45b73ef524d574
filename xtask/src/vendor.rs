//! `vendor`: reduces an upstream document to the facts of the operations that we keep.
//!
//! The facts are paths, operation ids, parameters, schemas, types, formats, enums, required,
//! nullable, deprecated and bounds. Upstream's sentences are dropped. Every object is rebuilt from
//! a list of the keys that hold facts, so an unknown key cannot slip through.

use std::{fs, path::Path};

use anyhow::{Context as _, Result, anyhow, bail};
use serde_json::{Map, Value, json};

use crate::{
    document::{self, METHODS},
    drift, lower, normalize, text,
    upstream::{Keep, Upstream},
    workspace::Service,
};

/// Rewrites a service's `openapi.json` and its pin from the upstream document at `from`.
pub(crate) fn run(service: &Service, from: &Path, date: Option<&str>) -> Result<()> {
    if service.is_handwritten() {
        bail!(
            "{} has no upstream: {} is written by hand",
            service.name,
            service.shown(&service.handwritten())
        );
    }
    let mut upstream = Upstream::read(service)?;
    let bytes = document::read_bytes(from)?;
    let document = upstream_document(from, &bytes)?;
    let facts = facts(&document, &upstream.keep()?)
        .with_context(|| format!("cannot vendor {}", from.display()))?;
    let checked = document::facts_are_plain(&facts)
        .and_then(|()| lower::refuse_what_is_left(&facts))
        .and_then(|()| normalize::check_limits(&facts));
    checked.with_context(|| format!("cannot vendor {}", from.display()))?;
    let version = document
        .pointer("/info/version")
        .and_then(Value::as_str)
        .ok_or_else(|| anyhow!("{}: /info/version is missing", from.display()))?;
    upstream.repin(&bytes, version, date)?;
    if let Ok(old) = document::read(&service.vendored()) {
        for field in drift::newly_required(&old, &facts) {
            println!("newly required, and not sent by older servers: {field}");
        }
    }
    write(service, &service.vendored(), &document::to_text(&facts)?)?;
    write(service, &service.pin(), &upstream.to_text())
}

/// Reads a document that a service publishes, and converts it to OpenAPI 3.0.
pub(crate) fn upstream_document(from: &Path, bytes: &[u8]) -> Result<Value> {
    let mut document = document::parse(from, bytes)?;
    lower::lower(&mut document).with_context(|| format!("cannot read {}", from.display()))?;
    Ok(document)
}

fn write(service: &Service, path: &Path, text: &str) -> Result<()> {
    let shown = service.shown(path);
    if fs::read_to_string(path).is_ok_and(|present| present == text) {
        println!("{shown}: unchanged");
        return Ok(());
    }
    fs::write(path, text).with_context(|| format!("cannot write {shown}"))?;
    println!("{shown}: written");
    Ok(())
}

/// Returns the facts of the kept operations and of every schema that they reach.
pub(crate) fn facts(document: &Value, keep: &Keep) -> Result<Value> {
    let mut out = Map::new();
    out.insert("openapi".into(), field(document, "openapi")?.clone());
    let info = field(document, "info")?;
    out.insert(
        "info".into(),
        json!({"title": field(info, "title")?, "version": field(info, "version")?}),
    );
    if let Some(servers) = document.get("servers").and_then(Value::as_array) {
        let urls = servers.iter().filter_map(|server| server.get("url"));
        out.insert(
            "servers".into(),
            urls.map(|url| json!({"url": url})).collect(),
        );
    }
    let paths = paths(document, keep)?;
    let mut roots = Vec::new();
    document::refs_in(&paths, &mut roots);
    let reached = document::closure(document, roots);
    out.insert("paths".into(), paths);

    let mut schemas = Map::new();
    let all = document
        .pointer("/components/schemas")
        .and_then(Value::as_object);
    for (name, value) in all.into_iter().flatten() {
        if reached.contains(name) {
            schemas.insert(name.clone(), schema(value));
        }
    }
    if let Some(lost) = reached.iter().find(|name| !schemas.contains_key(*name)) {
        bail!("#/components/schemas/{lost} is referenced but does not exist");
    }
    out.insert("components".into(), json!({"schemas": schemas}));
    Ok(Value::Object(out))
}

fn field<'a>(value: &'a Value, key: &str) -> Result<&'a Value> {
    value
        .get(key)
        .ok_or_else(|| anyhow!("this is not an OpenAPI document: `{key}` is missing"))
}

fn paths(document: &Value, keep: &Keep) -> Result<Value> {
    let all = field(document, "paths")?
        .as_object()
        .ok_or_else(|| anyhow!("`paths` is not an object"))?;
    if let Keep::Some(kept) = keep {
        for entry in kept {
            let (method, path) = entry.split_once(' ').unwrap_or_default();
            let item = all
                .get(path)
                .map(|item| resolved(document, item))
                .transpose()?;
            if item.and_then(|item| item.get(method)).is_none() {
                bail!(
                    "upstream.toml keeps the operation `{entry}`, but the document does not have it"
                );
            }
        }
    }
    let mut paths = Map::new();
    for (path, item) in all {
        let item = resolved(document, item)?;
        let mut kept = Map::new();
        if let Some(shared) = item.get("parameters") {
            kept.insert("parameters".into(), parameters(document, shared)?);
        }
        for method in METHODS {
            let Some(value) = item.get(method) else {
                continue;
            };
            let wanted = match keep {
                Keep::All => true,
                Keep::Some(entries) => entries.contains(&format!("{method} {path}")),
            };
            if wanted {
                kept.insert(method.into(), operation(document, value)?);
            }
        }
        if METHODS.iter().any(|method| kept.contains_key(*method)) {
            paths.insert(path.clone(), Value::Object(kept));
        }
    }
    Ok(Value::Object(paths))
}

fn operation(document: &Value, value: &Value) -> Result<Value> {
    let mut out = only(value, &["operationId", "deprecated", "security"]);
    if let Some(list) = value.get("parameters") {
        out.insert("parameters".into(), parameters(document, list)?);
    }
    if let Some(body) = value.get("requestBody") {
        let body = resolved(document, body)?;
        let mut kept = only(body, &["required"]);
        kept.insert("content".into(), content(body.get("content")));
        out.insert("requestBody".into(), Value::Object(kept));
    }
    let mut responses = Map::new();
    for (status, response) in value
        .get("responses")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        let response = resolved(document, response)?;
        // OpenAPI requires a description, but upstream's descriptions are not facts.
        let mut kept = Map::from_iter([("description".into(), json!(""))]);
        if let Some(headers) = response.get("headers").and_then(Value::as_object) {
            let facts = headers.iter().map(|(name, header)| {
                let header = resolved(document, header)?;
                let mut kept = only(header, &["required"]);
                if let Some(value) = header.get("schema") {
                    kept.insert("schema".into(), schema(value));
                }
                Ok((name.clone(), Value::Object(kept)))
            });
            kept.insert(
                "headers".into(),
                Value::Object(facts.collect::<Result<_>>()?),
            );
        }
        if response.get("content").is_some() {
            kept.insert("content".into(), content(response.get("content")));
        }
        responses.insert(status.clone(), Value::Object(kept));
    }
    out.insert("responses".into(), Value::Object(responses));
    Ok(Value::Object(out))
}

fn parameters(document: &Value, list: &Value) -> Result<Value> {
    let mut out = Vec::new();
    for parameter in list.as_array().into_iter().flatten() {
        let parameter = resolved(document, parameter)?;
        let keys = ["name", "in", "required", "deprecated", "style", "explode"];
        let mut kept = only(parameter, &keys);
        if let Some(value) = parameter.get("schema") {
            kept.insert("schema".into(), schema(value));
        }
        if parameter.get("content").is_some() {
            kept.insert("content".into(), content(parameter.get("content")));
        }
        out.push(Value::Object(kept));
    }
    Ok(Value::Array(out))
}

fn content(value: Option<&Value>) -> Value {
    let types = value.and_then(Value::as_object).into_iter().flatten();
    let facts = types.map(|(media_type, body)| {
        let mut kept = Map::new();
        if let Some(value) = body.get("schema") {
            kept.insert("schema".into(), schema(value));
        }
        (media_type.clone(), Value::Object(kept))
    });
    Value::Object(facts.collect())
}

/// The keys of a schema whose values are facts.
const SCHEMA_FACTS: [&str; 19] = [
    "$ref",
    lower::UNSUPPORTED,
    "type",
    "format",
    "enum",
    "nullable",
    "required",
    "deprecated",
    "readOnly",
    "writeOnly",
    "pattern",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "uniqueItems",
    "discriminator",
];

fn schema(value: &Value) -> Value {
    let Value::Object(object) = value else {
        return value.clone();
    };
    let mut out = Map::new();
    for (key, value) in object {
        let fact = match key.as_str() {
            key if SCHEMA_FACTS.contains(&key) => value.clone(),
            // A string default may be a sentence. A number or a boolean is a fact.
            "default" if value.is_number() || value.is_boolean() => value.clone(),
            "properties" => {
                let properties = value.as_object().into_iter().flatten();
                let facts = properties.map(|(name, value)| (name.clone(), schema(value)));
                Value::Object(facts.collect())
            }
            "items" | "additionalProperties" | "not" => schema(value),
            "allOf" | "anyOf" | "oneOf" => {
                value.as_array().into_iter().flatten().map(schema).collect()
            }
            _ => continue,
        };
        out.insert(key.clone(), fact);
    }
    Value::Object(out)
}

fn only(value: &Value, keys: &[&str]) -> Map<String, Value> {
    let facts = keys
        .iter()
        .filter_map(|key| Some(((*key).to_owned(), value.get(key)?.clone())));
    facts.collect()
}

/// Follows references to a shared parameter, header, body or response, which is then inlined.
fn resolved<'a>(document: &'a Value, value: &'a Value) -> Result<&'a Value> {
    let mut value = value;
    // No document has longer chains. A longer one is a cycle.
    for _ in 0..16 {
        let Some(reference) = value.get("$ref").and_then(Value::as_str) else {
            return Ok(value);
        };
        value = reference
            .strip_prefix('#')
            .and_then(|pointer| document.pointer(pointer))
            .ok_or_else(|| {
                anyhow!(
                    "{} is referenced but does not exist",
                    text::shown(reference)
                )
            })?;
    }
    bail!("a reference to a parameter, header, body or response is cyclic")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn upstream() -> Value {
        json!({
            "openapi": "3.0.1",
            "info": {"title": "T", "version": "7", "description": "Words."},
            "servers": [{"url": "https://example.test", "description": "Words."}],
            "paths": {
                "/a/{id}": {
                    "parameters": [{"$ref": "#/components/parameters/Id"}],
                    "get": {
                        "operationId": "getA", "summary": "Words.", "tags": ["x"],
                        "parameters": [{"name": "q", "in": "query", "description": "Words.",
                                        "schema": {"type": "string", "example": "Words."}}],
                        "responses": {"200": {"description": "Words.", "content": {
                            "application/json": {"example": "Words.",
                                "schema": {"$ref": "#/components/schemas/A"}}}}}
                    },
                    "delete": {"responses": {"204": {"description": "Words."}}}
                }
            },
            "components": {
                "parameters": {"Id": {"name": "id", "in": "path", "required": true,
                                      "schema": {"type": "string"}}},
                "schemas": {
                    "A": {"type": "object", "title": "Words.", "required": ["description"],
                          "properties": {
                              "description": {"type": "string", "default": "Words."},
                              "b": {"$ref": "#/components/schemas/B"}}},
                    "B": {"type": "integer", "default": 3, "x-words": "Words."},
                    "Unreached": {"type": "string"}
                }
            }
        })
    }

    #[test]
    fn sentences_are_dropped_and_facts_are_kept() {
        let facts = facts(&upstream(), &Keep::All).unwrap();
        assert!(!facts.to_string().contains("Words."), "{facts:#}");
        let a = &facts["components"]["schemas"]["A"];
        assert_eq!(a["properties"]["description"], json!({"type": "string"}));
        assert_eq!(facts["components"]["schemas"]["B"]["default"], json!(3));
        assert_eq!(
            facts["paths"]["/a/{id}"]["parameters"][0]["name"],
            json!("id")
        );
    }

    #[test]
    fn only_kept_operations_and_their_schemas_are_vendored() {
        let keep = Keep::Some(vec!["delete /a/{id}".into()]);
        let facts = facts(&upstream(), &keep).unwrap();
        assert!(facts["paths"]["/a/{id}"].get("get").is_none());
        assert_eq!(facts["components"]["schemas"], json!({}));
    }

    #[test]
    fn the_error_names_an_operation_that_upstream_dropped() {
        let keep = Keep::Some(vec!["get /gone".into()]);
        let error = facts(&upstream(), &keep).unwrap_err().to_string();
        assert!(error.contains("`get /gone`"), "{error}");
    }

    #[test]
    fn shared_headers_and_parameters_are_inlined() {
        let mut document = upstream();
        let to = json!({"$ref": "#/components/headers/Left"});
        document["paths"]["/a/{id}"]["get"]["responses"]["200"]["headers"] = json!({"X-Left": to});
        document["components"]["headers"] =
            json!({"Left": {"required": true, "schema": {"type": "integer"}}});
        let facts = facts(&document, &Keep::All).unwrap();
        let item = &facts["paths"]["/a/{id}"];
        assert_eq!(item["parameters"][0]["name"], "id");
        let header = &item["get"]["responses"]["200"]["headers"]["X-Left"];
        assert_eq!(
            header,
            &json!({"required": true, "schema": {"type": "integer"}})
        );
    }

    #[test]
    fn the_error_names_a_dangling_reference() {
        let mut document = upstream();
        document["components"]["schemas"]
            .as_object_mut()
            .unwrap()
            .shift_remove("B");
        let error = facts(&document, &Keep::All).unwrap_err().to_string();
        assert!(error.contains("schemas/B"), "{error}");
    }
}
