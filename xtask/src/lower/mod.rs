//! Rules that convert OpenAPI 3.1 to OpenAPI 3.0.
//!
//! | 3.1 | becomes |
//! |---|---|
//! | `type: [string, "null"]` | `type: string`, `nullable: true` |
//! | `type: [string, integer]` | `oneOf` with an arm for each type, with the keywords of the type |
//! | a `null` arm of `oneOf` or `anyOf` | `nullable: true`; a single other arm replaces the union |
//! | `const: x` | `enum: [x]`, and its type |
//! | `exclusiveMinimum: 3` | `minimum: 3`, `exclusiveMinimum: true` |
//! | constraints beside `$ref` | a part of an `allOf` with the reference |
//! | `$defs` | components |
//! | `contentEncoding`, `contentMediaType`, a binary body without a schema | `format: byte` or `binary` |
//! | `patternProperties` of one schema | `additionalProperties` |
//! | `true` as a schema | `{}` |
//!
//! `examples` and keywords that only restrict a value (`propertyNames`, `contains`, `unevaluated…`,
//! `dependentRequired`) do not affect types and are dropped. Keywords that would change a type and
//! do not exist in 3.0 are marked. [`refuse_what_is_left`] refuses them if a kept operation reaches
//! them.

mod definitions;
mod schema;

use anyhow::{Result, bail};
use serde_json::{Map, Value, json};

use crate::{
    document::{METHODS, pointer_segment},
    text,
};

/// On a schema with keywords that do not exist in 3.0: their names.
pub(crate) const UNSUPPORTED: &str = "x-unsupported";

/// Converts a document of version 3.1 to 3.0. A document of version 3.0 does not change.
///
/// # Errors
///
/// The document has another version.
pub(crate) fn lower(document: &mut Value) -> Result<()> {
    let version = document.get("openapi").and_then(Value::as_str);
    match version {
        Some(version) if version.starts_with("3.0") => return Ok(()),
        Some(version) if version.starts_with("3.1") => {}
        Some(version) => bail!(
            "OpenAPI {} is not supported; use 3.0 or 3.1",
            text::shown(version)
        ),
        // The reader of the document reports missing parts.
        None => return Ok(()),
    }
    definitions::hoist(document)?;
    document["openapi"] = json!("3.0.3");
    if let Some(Value::Object(schemas)) = document.pointer_mut("/components/schemas") {
        schemas.values_mut().for_each(schema::lower);
    }
    for pointer in ["/paths", "/components"] {
        if let Some(value) = document.pointer_mut(pointer) {
            holders(value, pointer == "/components");
        }
    }
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    for item in paths.into_iter().flat_map(|paths| paths.values_mut()) {
        for method in METHODS {
            let body = item.get_mut(method).and_then(|o| o.get_mut("requestBody"));
            if let Some(content) = body.and_then(|body| body.get_mut("content")) {
                binary_bodies(content);
            }
        }
    }
    Ok(())
}

/// Refuses the keywords that [`lower`] marked, all in one error.
///
/// # Errors
///
/// The error lists the JSON pointer and the keywords of each place.
pub(crate) fn refuse_what_is_left(facts: &Value) -> Result<()> {
    let mut found = Vec::new();
    marks(facts, "", &mut found);
    if found.is_empty() {
        return Ok(());
    }
    bail!(
        "these keywords of OpenAPI 3.1 have no counterpart in 3.0; omit the operations that \
         need them, or change a copy of the document:\n{}",
        found.join("\n")
    )
}

fn marks(value: &Value, pointer: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            if let Some(Value::Array(names)) = object.get(UNSUPPORTED) {
                let names: Vec<_> = names.iter().filter_map(Value::as_str).collect();
                found.push(format!("  {}: {}", text::shown(pointer), names.join(", ")));
            }
            for (key, value) in object {
                marks(value, &format!("{pointer}/{}", pointer_segment(key)), found);
            }
        }
        Value::Array(items) => {
            for (at, value) in items.iter().enumerate() {
                marks(value, &format!("{pointer}/{at}"), found);
            }
        }
        _ => {}
    }
}

/// Lowers parameters, headers and contents: objects with a `schema`.
fn holders(value: &mut Value, is_components: bool) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                match key.as_str() {
                    "schema" => schema::lower(value),
                    "schemas" if is_components => {}
                    "example" | "examples" => {}
                    _ => holders(value, false),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| holders(item, false)),
        _ => {}
    }
}

/// Adds the schema of a binary body, which 3.1 omits.
fn binary_bodies(content: &mut Value) {
    for (media, body) in content.as_object_mut().into_iter().flatten() {
        let is_empty = |schema: &Value| schema.as_object().is_some_and(Map::is_empty);
        if media == "application/octet-stream"
            && body.get("schema").is_none_or(is_empty)
            && let Some(body) = body.as_object_mut()
        {
            let bytes = json!({"type": "string", "format": "binary"});
            body.insert("schema".into(), bytes);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[track_caller]
    fn becomes(from: Value, wanted: Value) {
        let mut document = json!({"openapi": "3.1.0", "components": {"schemas": {"A": from}}});
        lower(&mut document).unwrap();
        assert_eq!(document["openapi"], "3.0.3");
        assert_eq!(document["components"]["schemas"]["A"], wanted);
    }

    #[test]
    fn types_and_null() {
        becomes(
            json!({"type": ["string", "null"]}),
            json!({"nullable": true, "type": "string"}),
        );
        becomes(
            json!({"type": ["string", "null"], "enum": ["a", null]}),
            json!({"enum": ["a"], "nullable": true, "type": "string"}),
        );
        becomes(
            json!({"type": ["string", "array", "null"], "items": {"type": "string"}, "pattern": "^a"}),
            json!({"nullable": true, "oneOf": [
                {"type": "string", "pattern": "^a"},
                {"type": "array", "items": {"type": "string"}}]}),
        );
    }

    #[test]
    fn unions_with_null() {
        let to = json!({"$ref": "#/components/schemas/B"});
        becomes(
            json!({"oneOf": [{"type": "null"}, to]}),
            json!({"allOf": [to], "nullable": true}),
        );
        becomes(
            json!({"anyOf": [{"type": "integer"}, {"type": "null"}], "description": "x"}),
            json!({"description": "x", "type": "integer", "nullable": true}),
        );
        becomes(
            json!({"oneOf": [to, {"type": "string"}, {"type": "null"}]}),
            json!({"oneOf": [to, {"type": "string"}], "nullable": true}),
        );
    }

    #[test]
    fn constants_bounds_and_bytes() {
        becomes(
            json!({"const": "a"}),
            json!({"type": "string", "enum": ["a"]}),
        );
        becomes(
            json!({"oneOf": [{"const": 1, "title": "One"}, {"const": 2, "description": "x"}]}),
            json!({"type": "integer", "enum": [1, 2]}),
        );
        becomes(
            json!({"type": "integer", "exclusiveMinimum": 3}),
            json!({"type": "integer", "exclusiveMinimum": true, "minimum": 3}),
        );
        becomes(
            json!({"type": "string", "contentEncoding": "base64"}),
            json!({"type": "string", "format": "byte"}),
        );
        becomes(
            json!({"contentMediaType": "image/png"}),
            json!({"type": "string", "format": "binary"}),
        );
    }

    #[test]
    fn constraints_beside_a_reference_are_kept() {
        let to = json!({"$ref": "#/components/schemas/B"});
        becomes(
            json!({"$ref": "#/components/schemas/B", "description": "x"}),
            json!({"$ref": "#/components/schemas/B", "description": "x"}),
        );
        becomes(
            json!({"$ref": "#/components/schemas/B", "required": ["c"]}),
            json!({"allOf": [to, {"required": ["c"]}]}),
        );
    }

    #[test]
    fn definitions_become_components() {
        let mut document = json!({"openapi": "3.1.0", "components": {"schemas": {
            "A": {"properties": {"b": {"$ref": "#/components/schemas/A/$defs/item"},
                                 "c": {"$ref": "#/$defs/item"}},
                  "$defs": {"item": {"type": ["integer", "null"]}}},
            "Item": {"type": "string"}}}});
        lower(&mut document).unwrap();
        let schemas = &document["components"]["schemas"];
        assert_eq!(
            schemas["Item2"],
            json!({"nullable": true, "type": "integer"})
        );
        assert!(schemas["A"].get("$defs").is_none());
        for name in ["b", "c"] {
            let reference = &schemas["A"]["properties"][name]["$ref"];
            assert_eq!(reference, "#/components/schemas/Item2");
        }
    }

    #[test]
    fn one_error_lists_all_keywords_without_a_counterpart() {
        let mut document = json!({"openapi": "3.1.0", "components": {"schemas": {
            "A": {"if": {}, "then": {}}, "B": {"items": {"prefixItems": []}}, "C": {"properties": {"d": false}}}}});
        lower(&mut document).unwrap();
        let said = refuse_what_is_left(&document).unwrap_err().to_string();
        for wanted in [
            "/components/schemas/A: if, then",
            "/components/schemas/B/items: prefixItems",
            "/components/schemas/C/properties/d: false as a schema",
        ] {
            assert!(said.contains(wanted), "{said}");
        }
        becomes(
            json!({"patternProperties": {"^a": {"type": "string"}}, "additionalProperties": false}),
            json!({"additionalProperties": {"type": "string"}}),
        );
        let said = lower(&mut json!({"openapi": "2.0"}))
            .unwrap_err()
            .to_string();
        assert!(said.contains("OpenAPI 2.0 is not supported"), "{said}");
    }

    #[test]
    fn a_3_0_document_is_unchanged() {
        let document = json!({"openapi": "3.0.1", "components": {"schemas": {"A": {"const": 1}}}});
        let mut same = document.clone();
        lower(&mut same).unwrap();
        assert_eq!(same, document);
    }
}
