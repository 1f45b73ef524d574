//! Rules for unions.

use anyhow::Result;
use heck::ToUpperCamelCase as _;
use indexmap::{IndexMap, IndexSet};
use serde_json::{Map, Value, json};

use super::{
    enums::enum_values,
    schemas::{Sides, components, for_each, resolved},
};
use crate::document::ref_name;

/// Replaces `anyOf` by `oneOf`. progenitor turns `anyOf` into a struct of flattened options, which
/// never decodes a string and silently loses fields of struct arms.
pub(super) fn any_of_is_one_of(document: &mut Value) -> Result<()> {
    for_each(document, &mut |schema, _| {
        let Some(Value::Array(arms)) = schema.shift_remove("anyOf") else {
            return;
        };
        match <[Value; 1]>::try_from(arms) {
            Ok([Value::Object(only)]) => {
                only.into_iter().for_each(|(key, value)| {
                    schema.entry(key).or_insert(value);
                });
            }
            Ok([other]) => {
                schema.insert("oneOf".into(), json!([other]));
            }
            Err(arms) => {
                schema.insert("oneOf".into(), Value::Array(arms));
            }
        }
    });
    Ok(())
}

/// Merges a union of structs with a discriminator into one struct with all fields, in responses. An
/// enum would refuse a new status of the service or, with an open status, decode an error as
/// *pending*. Also, rows cannot stay raw inside an enum.
///
/// Fields that are not required in every arm are optional. A field with different types in
/// different arms becomes a union.
pub(super) fn responses_told_apart_become_one_struct(document: &mut Value) -> Result<()> {
    let sides = Sides::of(document);
    let all = components(document);
    for_each(document, &mut |schema, place| {
        let asked = schema.shift_remove("x-one-struct") == Some(Value::Bool(true));
        if !(asked || sides.is_response_only(place)) {
            return;
        }
        let Some(arms) = schema.get("oneOf").and_then(Value::as_array) else {
            return;
        };
        let Some(objects) = arms
            .iter()
            .map(|arm| object(&all, arm, 0))
            .collect::<Option<Vec<_>>>()
        else {
            return;
        };
        let Some(discriminator) = discriminator(&all, &objects) else {
            return;
        };
        let merged = merge(&all, &objects, &discriminator);
        schema.shift_remove("oneOf");
        schema.extend(merged);
    });
    Ok(())
}

/// An object schema with all of its parts.
#[derive(Default)]
struct Object {
    properties: IndexMap<String, Value>,
    required: IndexSet<String>,
}

/// Returns the object behind references, intersections and nested unions, or `None` if the schema
/// is not an object.
fn object(all: &Map<String, Value>, schema: &Value, depth: usize) -> Option<Object> {
    if depth > 8 {
        return None;
    }
    let schema = resolved(all, schema);
    let mut out = Object::default();
    let parts = schema.get("allOf").and_then(Value::as_array);
    for part in parts.into_iter().flatten() {
        let part = object(all, part, depth + 1)?;
        out.properties.extend(part.properties);
        out.required.extend(part.required);
    }
    if let Some(arms) = schema.get("oneOf").or_else(|| schema.get("anyOf")) {
        let arms = arms
            .as_array()?
            .iter()
            .map(|arm| object(all, arm, depth + 1));
        let arms = arms.collect::<Option<Vec<_>>>()?;
        let discriminator = discriminator(all, &arms)?;
        let merged = merge(all, &arms, &discriminator);
        let merged = object(all, &Value::Object(merged), depth + 1)?;
        out.properties.extend(merged.properties);
        out.required.extend(merged.required);
    }
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        out.properties.extend(properties.clone());
    } else if parts.is_none() && out.properties.is_empty() {
        return None;
    }
    let required = schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    out.required
        .extend(required.filter_map(|name| Some(name.as_str()?.to_owned())));
    Some(out)
}

/// Returns the discriminator: the first field that every arm requires, with distinct values.
fn discriminator(all: &Map<String, Value>, arms: &[Object]) -> Option<String> {
    let (first, rest) = arms.split_first()?;
    if rest.is_empty() {
        return None;
    }
    let candidates = first.properties.keys().filter(|name| {
        let mut seen = IndexSet::new();
        arms.iter().all(|arm| {
            let values = arm
                .properties
                .get(*name)
                .and_then(|schema| enum_values(all, schema));
            arm.required.contains(*name)
                && values.is_some_and(|values| values.into_iter().all(|v| seen.insert(v)))
        })
    });
    candidates.min_by_key(|name| name.len()).cloned()
}

fn merge(all: &Map<String, Value>, arms: &[Object], discriminator: &str) -> Map<String, Value> {
    let mut fields: IndexMap<&String, Vec<&Value>> = IndexMap::new();
    for arm in arms {
        for (name, schema) in &arm.properties {
            let known = fields.entry(name).or_default();
            if !known.iter().any(|other| bare(other) == bare(schema)) {
                known.push(schema);
            }
        }
    }
    let mut properties = Map::new();
    for (name, schemas) in fields {
        let enums: Option<Vec<_>> = schemas
            .iter()
            .map(|schema| enum_values(all, schema))
            .collect();
        let merged = match (schemas.as_slice(), enums) {
            ([only], _) if name != discriminator => (*only).clone(),
            (_, Some(values)) => {
                let values: IndexSet<String> = values.into_iter().flatten().collect();
                json!({"type": "string", "enum": values, "x-open-enum": true})
            }
            (several, None) => json!({ "oneOf": several }),
        };
        let words = schemas.iter().find_map(|schema| schema.get("description"));
        let mut merged = merged;
        if let (Some(words), Value::Object(merged)) = (words, &mut merged) {
            merged.insert("description".into(), words.clone());
        }
        properties.insert(name.clone(), merged);
    }
    let required: Vec<_> = properties
        .keys()
        .filter(|name| arms.iter().all(|arm| arm.required.contains(*name)))
        .cloned()
        .collect();
    let object = json!({"type": "object", "required": required, "properties": properties});
    match object {
        Value::Object(object) => object,
        _ => unreachable!("created as an object"),
    }
}

/// Returns a schema without documentation, for comparison.
fn bare(schema: &Value) -> Value {
    let mut schema = schema.clone();
    if let Value::Object(object) = &mut schema {
        object.shift_remove("description");
        if let Some(Value::Array(arms)) = object.get("allOf")
            && let [only] = arms.as_slice()
            && object.len() == 1
        {
            return only.clone();
        }
    }
    schema
}

/// Adds an arm for any JSON to unions in responses, so a response can still be decoded after a
/// service adds an arm.
pub(super) fn responses_take_unknown_arms(document: &mut Value) -> Result<()> {
    let sides = Sides::of(document);
    for_each(document, &mut |schema, place| {
        if sides.is_in_response(place)
            && let Some(Value::Array(arms)) = schema.get_mut("oneOf")
            && !arms.iter().any(takes_anything)
        {
            arms.push(json!({"title": "Other"}));
        }
    });
    Ok(())
}

fn takes_anything(arm: &Value) -> bool {
    let says_nothing = |object: &Map<String, Value>| {
        object
            .keys()
            .all(|key| ["title", "description", "nullable"].contains(&key.as_str()))
    };
    arm.as_object().is_some_and(says_nothing)
}

/// Names arms. Without a name they would be `Variant0`, `Variant1`, ….
pub(super) fn arms_have_names(document: &mut Value) -> Result<()> {
    let all = components(document);
    for_each(document, &mut |schema, _| {
        let Some(Value::Array(arms)) = schema.get_mut("oneOf") else {
            return;
        };
        let mut taken = IndexSet::new();
        for arm in arms {
            let base = match arm.get("title").and_then(Value::as_str) {
                Some(title) => title.to_owned(),
                None => arm_name(&all, arm),
            };
            let mut name = base.clone();
            let mut number = 2;
            while !taken.insert(name.clone()) {
                name = format!("{base}{number}");
                number += 1;
            }
            match arm {
                Value::Object(object) if object.contains_key("$ref") => {
                    let reference = std::mem::take(object);
                    object.insert("title".into(), json!(name));
                    object.insert("allOf".into(), json!([reference]));
                }
                Value::Object(object) => {
                    object.insert("title".into(), json!(name));
                }
                _ => {}
            }
        }
    });
    Ok(())
}

fn arm_name(all: &Map<String, Value>, arm: &Value) -> String {
    if let Some(name) = arm.get("$ref").and_then(Value::as_str).and_then(ref_name) {
        return name.to_upper_camel_case();
    }
    let constant = arm
        .get("properties")
        .and_then(Value::as_object)
        .and_then(|properties| {
            let values = properties
                .values()
                .filter_map(|schema| enum_values(all, schema));
            values
                .filter(|values| values.len() == 1)
                .find_map(|values| values.into_iter().next())
        });
    if let Some(constant) = constant {
        return constant.to_upper_camel_case();
    }
    let name = match arm.get("type").and_then(Value::as_str) {
        Some("string") => "Text",
        Some("number" | "integer") => "Number",
        Some("boolean") => "Flag",
        Some("array") => {
            let items = arm.get("items").map(|items| arm_name(all, items));
            return format!("{}List", items.unwrap_or_default());
        }
        Some("object") if arm.get("properties").is_none() => "Map",
        _ => "Object",
    };
    name.to_owned()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn response_of(schemas: Value) -> Value {
        json!({
            "paths": {"/a": {"get": {"operationId": "a", "responses": {"200": {"content": {
                "application/json": {"schema": {"$ref": "#/components/schemas/R"}}}}}}}},
            "components": {"schemas": schemas}
        })
    }

    fn results() -> Value {
        response_of(json!({
            "Ready": {"allOf": [
                {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}}},
                {"type": "object", "required": ["status", "rows"], "properties": {
                    "status": {"type": "string", "enum": ["ready"]},
                    "rows": {"type": "array", "items": {}}}}]},
            "R": {"oneOf": [
                {"$ref": "#/components/schemas/Ready"},
                {"type": "object", "required": ["id", "status"], "properties": {
                    "id": {"type": "string"},
                    "status": {"type": "string", "enum": ["pending", "queued"]}}},
            ]}
        }))
    }

    #[test]
    fn arms_with_a_discriminator_become_one_struct_with_an_open_status() {
        let mut document = results();
        responses_told_apart_become_one_struct(&mut document).unwrap();
        let r = &document["components"]["schemas"]["R"];
        assert_eq!(r["required"], json!(["id", "status"]));
        let status = &r["properties"]["status"];
        assert_eq!(status["enum"], json!(["ready", "pending", "queued"]));
        assert!(r["properties"].get("rows").is_some());
        assert!(r.get("oneOf").is_none());
    }

    #[test]
    fn arms_without_a_discriminator_remain_and_get_an_arm_for_any_json() {
        let mut document = response_of(json!({"R": {"oneOf": [
            {"type": "object", "properties": {"a": {"type": "string"}}},
            {"type": "object", "properties": {"b": {"type": "string"}}}]}}));
        responses_told_apart_become_one_struct(&mut document).unwrap();
        responses_take_unknown_arms(&mut document).unwrap();
        let arms = document["components"]["schemas"]["R"]["oneOf"]
            .as_array()
            .unwrap();
        assert_eq!(arms.len(), 3);
        assert_eq!(arms[2], json!({"title": "Other"}));
    }

    #[test]
    fn a_request_keeps_its_union() {
        let mut document = results();
        let operation = document["paths"]["/a"]["get"].as_object_mut().unwrap();
        let responses = operation.shift_remove("responses").unwrap();
        operation.insert("requestBody".into(), responses["200"].clone());
        let before = document.clone();
        responses_told_apart_become_one_struct(&mut document).unwrap();
        responses_take_unknown_arms(&mut document).unwrap();
        assert_eq!(document, before);
    }

    #[test]
    fn a_field_with_two_types_becomes_a_union() {
        let arm = |kind: &str, of: &str| {
            json!({"type": "object", "required": ["kind"], "properties": {
                "kind": {"type": "string", "enum": [kind]}, "value": {"type": of}}})
        };
        let mut document =
            response_of(json!({"R": {"oneOf": [arm("a", "string"), arm("b", "number")]}}));
        responses_told_apart_become_one_struct(&mut document).unwrap();
        let value = &document["components"]["schemas"]["R"]["properties"]["value"];
        assert_eq!(
            value,
            &json!({"oneOf": [{"type": "string"}, {"type": "number"}]})
        );
    }

    #[test]
    fn any_of_becomes_one_of_and_a_single_arm_is_inlined() {
        let mut document = response_of(json!({
            "R": {"anyOf": [{"type": "string"}, {"type": "number"}]},
            "S": {"anyOf": [{"type": "string"}], "nullable": true}}));
        any_of_is_one_of(&mut document).unwrap();
        let schemas = &document["components"]["schemas"];
        assert!(schemas["R"].get("oneOf").is_some());
        assert_eq!(schemas["S"], json!({"nullable": true, "type": "string"}));
    }

    #[test]
    fn arms_are_named_after_their_content() {
        let mut document = response_of(json!({"R": {"oneOf": [
            {"type": "string"}, {"type": "number"}, {"type": "boolean"},
            {"type": "array", "items": {"type": "string"}},
            {"$ref": "#/components/schemas/S"},
            {"type": "object", "properties": {"k": {"type": "string", "enum": ["pie_chart"]}}},
        ]}, "S": {}}));
        arms_have_names(&mut document).unwrap();
        let arms = document["components"]["schemas"]["R"]["oneOf"]
            .as_array()
            .unwrap();
        let names: Vec<_> = arms
            .iter()
            .map(|arm| arm["title"].as_str().unwrap())
            .collect();
        assert_eq!(
            names,
            ["Text", "Number", "Flag", "TextList", "S", "PieChart"]
        );
    }
}
