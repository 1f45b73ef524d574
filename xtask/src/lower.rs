//! OpenAPI 3.1 said in OpenAPI 3.0, by rules.
//!
//! | 3.1 | becomes |
//! |---|---|
//! | `type: [string, "null"]` | `type: string`, `nullable: true` |
//! | `type: [string, integer]` | `oneOf` with an arm for each, which has the keywords of its type |
//! | an arm of `oneOf` or `anyOf` that is `null` | `nullable: true`; a single other arm stands alone |
//! | `const: x` | `enum: [x]`, and its type |
//! | `exclusiveMinimum: 3` | `minimum: 3`, `exclusiveMinimum: true` |
//! | what constrains a value beside `$ref` | a part of an `allOf` with the reference |
//! | `$defs` | components |
//! | `contentEncoding`, `contentMediaType`, a binary body without a schema | `format: byte` or `binary` |
//! | `patternProperties` of one schema | `additionalProperties` |
//! | `true` as a schema | `{}` |
//!
//! `examples` and keywords that only narrow a value (`propertyNames`, `contains`, `unevaluated…`,
//! `dependentRequired`) say nothing about types and stay behind. What would change a type and has no
//! word in 3.0 is marked, and refused by [`refuse_what_is_left`] where a kept operation reaches it.

use std::collections::{HashMap, HashSet};

use anyhow::{Result, anyhow, bail};
use heck::ToUpperCamelCase as _;
use serde_json::{Map, Value, json};

use crate::{
    document::{METHODS, pointer_segment},
    text,
};

/// On a schema that holds keywords without a word in 3.0: their names.
pub(crate) const UNSUPPORTED: &str = "x-unsupported";

/// Brings a document of version 3.1 into 3.0; one of 3.0 stays as it is.
///
/// # Errors
///
/// It is of another version.
pub(crate) fn lower(document: &mut Value) -> Result<()> {
    let version = document.get("openapi").and_then(Value::as_str);
    match version {
        Some(version) if version.starts_with("3.0") => return Ok(()),
        Some(version) if version.starts_with("3.1") => {}
        Some(version) => bail!(
            "OpenAPI {} is not supported, 3.0 and 3.1 are",
            text::shown(version)
        ),
        // Whoever reads the document says what is missing.
        None => return Ok(()),
    }
    hoist_definitions(document)?;
    document["openapi"] = json!("3.0.3");
    if let Some(Value::Object(schemas)) = document.pointer_mut("/components/schemas") {
        schemas.values_mut().for_each(schema);
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

/// Refuses what [`lower`] marked, all of it at once.
///
/// # Errors
///
/// The JSON pointer of each place, and the keywords there.
pub(crate) fn refuse_what_is_left(facts: &Value) -> Result<()> {
    let mut found = Vec::new();
    marks(facts, "", &mut found);
    if found.is_empty() {
        return Ok(());
    }
    bail!(
        "these keywords of OpenAPI 3.1 have no counterpart in 3.0; leave out the operations that \
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

/// Parameters, headers, contents: whatever holds a `schema`.
fn holders(value: &mut Value, is_components: bool) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                match key.as_str() {
                    "schema" => schema(value),
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

/// 3.1 leaves the schema of a body of bytes away.
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

/// `$defs` become components, and references to them references to those.
fn hoist_definitions(document: &mut Value) -> Result<()> {
    let mut found: Vec<(String, Value)> = Vec::new();
    collect_definitions(document, "", &mut found);
    if found.is_empty() {
        return Ok(());
    }
    let present = document
        .pointer("/components/schemas")
        .and_then(Value::as_object);
    let mut taken: HashSet<String> = present
        .into_iter()
        .flatten()
        .map(|(k, _)| k.clone())
        .collect();
    let mut names: HashMap<String, String> = HashMap::new();
    for (pointer, _) in &found {
        let last = pointer.rsplit('/').next().unwrap_or_default();
        let base = last
            .replace("~1", "/")
            .replace("~0", "~")
            .to_upper_camel_case();
        let numbered = (2_usize..).map(|number| format!("{base}{number}"));
        let name = std::iter::once(base.clone())
            .chain(numbered)
            .find(|name| !taken.contains(name))
            .unwrap_or_default();
        taken.insert(name.clone());
        names.insert(pointer.clone(), name);
    }
    if document.pointer("/components/schemas").is_none() {
        document["components"]["schemas"] = json!({});
    }
    let Some(Value::Object(schemas)) = document.pointer_mut("/components/schemas") else {
        return Err(anyhow!("/components/schemas is not an object"));
    };
    for (pointer, value) in found {
        schemas.insert(names[&pointer].clone(), value);
    }
    refer_to_definitions(document, &names);
    Ok(())
}

/// Takes `$defs` out, inner ones first, with the pointers that they stood at.
fn collect_definitions(value: &mut Value, pointer: &str, found: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object.iter_mut() {
                let below = format!("{pointer}/{}", pointer_segment(key));
                if !["example", "examples", "default", "const", "enum"].contains(&key.as_str()) {
                    collect_definitions(value, &below, found);
                }
            }
            if let Some(Value::Object(definitions)) = object.get_mut("$defs").map(Value::take) {
                object.shift_remove("$defs");
                for (name, definition) in definitions {
                    let at = format!("{pointer}/$defs/{}", pointer_segment(&name));
                    found.push((at, definition));
                }
            }
        }
        Value::Array(items) => {
            for (at, value) in items.iter_mut().enumerate() {
                collect_definitions(value, &format!("{pointer}/{at}"), found);
            }
        }
        _ => {}
    }
}

fn refer_to_definitions(value: &mut Value, names: &HashMap<String, String>) {
    match value {
        Value::Object(object) => {
            if let Some(Value::String(reference)) = object.get_mut("$ref")
                && let Some(pointer) = reference.strip_prefix('#')
                && pointer.contains("/$defs/")
            {
                // `#/$defs/X` is meant from the schema that it stands in, where there is only one.
                let name = names.get(pointer).or_else(|| {
                    let mut same = names.iter().filter(|(at, _)| at.ends_with(pointer));
                    same.next()
                        .filter(|_| same.next().is_none())
                        .map(|(_, name)| name)
                });
                if let Some(name) = name {
                    *reference = format!("#/components/schemas/{name}");
                }
            }
            object
                .values_mut()
                .for_each(|value| refer_to_definitions(value, names));
        }
        Value::Array(items) => items
            .iter_mut()
            .for_each(|value| refer_to_definitions(value, names)),
        _ => {}
    }
}

/// Keywords that change what a value is, and that 3.0 has no word for.
const WITHOUT_COUNTERPART: [&str; 9] = [
    "if",
    "then",
    "else",
    "dependentSchemas",
    "prefixItems",
    "patternProperties",
    "$dynamicRef",
    "$recursiveRef",
    "$id",
];

fn schema(value: &mut Value) {
    match value {
        Value::Bool(true) => *value = json!({}),
        Value::Bool(false) => *value = json!({UNSUPPORTED: ["false as a schema"]}),
        Value::Object(object) => object_schema(object),
        _ => {}
    }
}

fn object_schema(schema_: &mut Map<String, Value>) {
    for (key, value) in schema_.iter_mut() {
        match (key.as_str(), value) {
            ("properties" | "patternProperties", Value::Object(properties)) => {
                properties.values_mut().for_each(schema);
            }
            ("additionalProperties", Value::Bool(_)) => {}
            ("items" | "additionalProperties" | "not", value) => schema(value),
            ("allOf" | "anyOf" | "oneOf", Value::Array(arms)) => arms.iter_mut().for_each(schema),
            _ => {}
        }
    }
    constants(schema_);
    null_arms(schema_);
    patterns_of_names(schema_);
    types(schema_);
    bounds(schema_);
    content(schema_);
    beside_references(schema_);
    let left: Vec<&str> = WITHOUT_COUNTERPART
        .into_iter()
        .filter(|key| schema_.contains_key(*key))
        .collect();
    if !left.is_empty() {
        let left = json!(left);
        schema_.insert(UNSUPPORTED.into(), left);
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn constants(schema: &mut Map<String, Value>) {
    if let Some(value) = schema.shift_remove("const") {
        if !schema.contains_key("type") {
            schema.insert("type".into(), json!(type_of(&value)));
        }
        schema.insert("enum".into(), json!([value]));
    }
    // A union of constants is an enum, where all are of one type.
    for key in ["oneOf", "anyOf"] {
        let Some(Value::Array(arms)) = schema.get(key) else {
            continue;
        };
        let only = |arm: &Value| {
            let arm = arm.as_object()?;
            let values = arm.get("enum")?.as_array()?;
            let known = [
                "enum",
                "type",
                "title",
                "description",
                "format",
                "deprecated",
            ];
            let is_plain = arm.keys().all(|key| known.contains(&key.as_str()));
            (is_plain && values.len() == 1).then(|| (arm.get("type").cloned(), values[0].clone()))
        };
        let values: Option<Vec<_>> = arms.iter().map(only).collect();
        let Some(values) = values.filter(|values| !values.is_empty()) else {
            continue;
        };
        let ty = values[0].0.clone();
        if values.iter().all(|(other, _)| *other == ty) && ty.is_some() {
            let values: Vec<Value> = values.into_iter().map(|(_, value)| value).collect();
            schema.shift_remove(key);
            schema.entry("type").or_insert(ty.unwrap_or_default());
            schema.insert("enum".into(), json!(values));
        }
    }
}

/// Whether a schema takes nothing but `null`; the arms are lowered already.
fn is_null(schema: &Value) -> bool {
    let only_null = |values: &Vec<Value>| !values.is_empty() && values.iter().all(Value::is_null);
    schema.get("type") == Some(&json!("null"))
        || schema
            .get("enum")
            .and_then(Value::as_array)
            .is_some_and(only_null)
        || schema.get(NULL).is_some()
}

/// Left by [`types`] on a schema of the type `null`, until the union around it is done.
const NULL: &str = "x-null";

fn null_arms(schema: &mut Map<String, Value>) {
    for key in ["oneOf", "anyOf"] {
        let has_parts = schema.contains_key("allOf");
        let Some(Value::Array(arms)) = schema.get_mut(key) else {
            continue;
        };
        let before = arms.len();
        arms.retain(|arm| !is_null(arm));
        if arms.len() == before {
            continue;
        }
        if arms.len() == 1 && !has_parts {
            let only = schema.shift_remove(key);
            let only = only.and_then(|arms| arms.as_array().and_then(|arms| arms.first().cloned()));
            match only {
                Some(Value::Object(arm))
                    if !arm.contains_key("$ref")
                        && arm
                            .keys()
                            .all(|key| !schema.contains_key(key) || is_note(key)) =>
                {
                    for (key, value) in arm {
                        schema.entry(key).or_insert(value);
                    }
                }
                Some(arm) => {
                    schema.insert("allOf".into(), json!([arm]));
                }
                None => {}
            }
        } else if arms.is_empty() {
            schema.shift_remove(key);
        }
        schema.insert("nullable".into(), json!(true));
    }
}

fn is_note(key: &str) -> bool {
    [
        "description",
        "title",
        "summary",
        "deprecated",
        "examples",
        "example",
        "default",
    ]
    .contains(&key)
        || key.starts_with("x-")
}

fn patterns_of_names(schema: &mut Map<String, Value>) {
    let Some(Value::Object(patterns)) = schema.get("patternProperties") else {
        return;
    };
    let mut values: Vec<Value> = patterns.values().cloned().collect();
    if let Some(more) = schema.get("additionalProperties")
        && *more != json!(false)
    {
        values.push(more.clone());
    }
    values.dedup();
    if let [only] = values.as_slice() {
        let only = only.clone();
        schema.shift_remove("patternProperties");
        schema.insert("additionalProperties".into(), only);
    }
}

/// The keywords that belong to one type.
fn keywords(ty: &str) -> &'static [&'static str] {
    match ty {
        "string" => &[
            "pattern",
            "minLength",
            "maxLength",
            "contentEncoding",
            "contentMediaType",
        ],
        "array" => &[
            "items",
            "minItems",
            "maxItems",
            "uniqueItems",
            "prefixItems",
        ],
        "object" => &[
            "properties",
            "required",
            "additionalProperties",
            "patternProperties",
        ],
        "number" | "integer" => &["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"],
        _ => &[],
    }
}

fn types(schema: &mut Map<String, Value>) {
    let list: Vec<String> = match schema.get("type") {
        Some(Value::Array(list)) => list
            .iter()
            .filter_map(|ty| Some(ty.as_str()?.to_owned()))
            .collect(),
        Some(Value::String(ty)) if ty == "null" => vec!["null".to_owned()],
        _ => return,
    };
    let has_null = list.iter().any(|ty| ty == "null");
    let others: Vec<&String> = list.iter().filter(|ty| *ty != "null").collect();
    schema.shift_remove("type");
    if has_null {
        schema.insert("nullable".into(), json!(true));
        if let Some(Value::Array(values)) = schema.get_mut("enum") {
            values.retain(|value| !value.is_null());
            if values.is_empty() {
                schema.shift_remove("enum");
            }
        }
    }
    match others.as_slice() {
        [] => {
            schema.insert(NULL.into(), json!(true));
        }
        [only] => {
            schema.insert("type".into(), json!(only));
        }
        several => {
            if ["allOf", "anyOf", "oneOf", "$ref"]
                .iter()
                .any(|key| schema.contains_key(*key))
            {
                // The other keyword says which of them it is.
                return;
            }
            let values = schema.shift_remove("enum");
            let format = schema.shift_remove("format");
            let arms: Vec<Value> = several
                .iter()
                .map(|ty| {
                    let mut arm = Map::from_iter([("type".to_owned(), json!(ty))]);
                    for key in keywords(ty) {
                        if let Some(value) = schema.get(*key) {
                            arm.insert((*key).to_owned(), value.clone());
                        }
                    }
                    if let Some(format) = format.as_ref().filter(|_| *ty != "object") {
                        arm.insert("format".into(), format.clone());
                    }
                    let values = values.as_ref().and_then(Value::as_array);
                    let here = values.into_iter().flatten().filter(|value| {
                        let of = type_of(value);
                        of == ty.as_str() || (*ty == "number" && of == "integer")
                    });
                    let here: Vec<&Value> = here.collect();
                    if !here.is_empty() {
                        arm.insert("enum".into(), json!(here));
                    }
                    Value::Object(arm)
                })
                .collect();
            for key in several.iter().flat_map(|ty| keywords(ty)) {
                schema.shift_remove(*key);
            }
            schema.insert("oneOf".into(), json!(arms));
        }
    }
}

fn bounds(schema: &mut Map<String, Value>) {
    for (exclusive, bound) in [
        ("exclusiveMinimum", "minimum"),
        ("exclusiveMaximum", "maximum"),
    ] {
        if let Some(value) = schema
            .get(exclusive)
            .filter(|value| value.is_number())
            .cloned()
        {
            schema.insert(bound.into(), value);
            schema.insert(exclusive.into(), json!(true));
        }
    }
}

fn content(schema: &mut Map<String, Value>) {
    let encoding = schema.shift_remove("contentEncoding");
    let media = schema.shift_remove("contentMediaType");
    let format = match (encoding.as_ref().and_then(Value::as_str), media) {
        (Some("base64" | "base64url"), _) => "byte",
        (Some("binary"), _) | (None, Some(_)) => "binary",
        _ => return,
    };
    schema.entry("type").or_insert(json!("string"));
    schema.entry("format").or_insert(json!(format));
}

/// In 3.0 a reference hides what stands beside it; in 3.1 both hold.
fn beside_references(schema: &mut Map<String, Value>) {
    let constrains = |key: &String| key != "$ref" && key != "nullable" && !is_note(key);
    if schema.contains_key("$ref") && schema.keys().any(constrains) {
        let reference = schema.shift_remove("$ref");
        let keys: Vec<String> = schema
            .keys()
            .filter(|key| constrains(key))
            .cloned()
            .collect();
        let mut beside = Map::new();
        for key in keys {
            if let Some(value) = schema.shift_remove(&key) {
                beside.insert(key, value);
            }
        }
        schema.insert("allOf".into(), json!([{"$ref": reference}, beside]));
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
    fn what_stands_beside_a_reference_holds_too() {
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
    fn what_has_no_counterpart_is_refused_by_name_all_at_once() {
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
    fn a_document_of_3_0_stays_as_it_is() {
        let document = json!({"openapi": "3.0.1", "components": {"schemas": {"A": {"const": 1}}}});
        let mut same = document.clone();
        lower(&mut same).unwrap();
        assert_eq!(same, document);
    }
}
