//! Rules for data that is not decoded: rows and opaque schemas.

use anyhow::Result;
use serde_json::{Map, Value, json};

use super::schemas::{Sides, components_mut, for_each};

/// The component that codegen replaces by the type for raw rows.
pub(crate) const RAW_ROWS: &str = "RawRows";

/// Makes schemas with `x-opaque` any JSON.
pub(super) fn opaque_schemas_hold_any_json(document: &mut Value) -> Result<()> {
    for_each(document, &mut |schema, _| {
        if schema.shift_remove("x-opaque") == Some(Value::Bool(true)) {
            schema.retain(|key, _| key == "description" || key == "nullable");
        }
    });
    Ok(())
}

/// Keeps the rows of a page, which `x-raw-rows` marks, as text. Decoding into `Value` would cost
/// three times as much as into the caller's type, and lose digits.
pub(super) fn rows_stay_raw(document: &mut Value) -> Result<()> {
    let mut found = false;
    for_each(document, &mut |schema, _| {
        if schema.shift_remove("x-raw-rows") == Some(Value::Bool(true)) {
            found = true;
            let description = schema.get("description").cloned();
            let reference = json!({"$ref": format!("#/components/schemas/{RAW_ROWS}")});
            *schema = match description {
                Some(words) => Map::from_iter([
                    ("allOf".into(), json!([reference])),
                    ("description".into(), words),
                ]),
                None => Map::from_iter([("$ref".into(), reference["$ref"].clone())]),
            };
        }
    });
    if found {
        let rows = json!({"type": "array", "items": {}, "description": "The rows of a page."});
        components_mut(document).insert(RAW_ROWS.into(), rows);
    }
    Ok(())
}

/// Makes arrays in responses not nullable. Services send `null` for an empty array, and the
/// generated decoder accepts it.
pub(super) fn response_arrays_are_never_null(document: &mut Value) -> Result<()> {
    let sides = Sides::of(document);
    for_each(document, &mut |schema, place| {
        if schema.get("type") == Some(&json!("array")) && sides.is_response_only(place) {
            schema.shift_remove("nullable");
        }
    });
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn rows_become_a_reference_and_keep_their_description() {
        let mut document = json!({"components": {"schemas": {"A": {"properties": {"rows": {
            "x-raw-rows": true, "description": "Words.", "type": "array", "items": {}}}}}}});
        rows_stay_raw(&mut document).unwrap();
        let schemas = &document["components"]["schemas"];
        let rows = &schemas["A"]["properties"]["rows"];
        assert_eq!(rows["allOf"][0]["$ref"], "#/components/schemas/RawRows");
        assert_eq!(rows["description"], "Words.");
        assert!(schemas.get(RAW_ROWS).is_some());
    }

    #[test]
    fn an_opaque_schema_keeps_only_its_description() {
        let mut document = json!({"components": {"schemas": {"A": {
            "x-opaque": true, "description": "Words.", "type": "object", "properties": {}}}}});
        opaque_schemas_hold_any_json(&mut document).unwrap();
        let a = &document["components"]["schemas"]["A"];
        assert_eq!(a, &json!({"description": "Words."}));
    }

    #[test]
    fn a_nullable_array_stays_nullable_in_a_request() {
        let array = json!({"type": "array", "nullable": true, "items": {}});
        let mut document = json!({
            "paths": {"/a": {"post": {
                "requestBody": {"content": {"application/json": {
                    "schema": {"$ref": "#/components/schemas/In"}}}},
                "responses": {"200": {"content": {"application/json": {
                    "schema": {"$ref": "#/components/schemas/Out"}}}}}}}},
            "components": {"schemas": {
                "In": {"properties": {"a": array}}, "Out": {"properties": {"a": array}}}}
        });
        response_arrays_are_never_null(&mut document).unwrap();
        let schemas = &document["components"]["schemas"];
        assert_eq!(schemas["In"]["properties"]["a"]["nullable"], true);
        assert!(schemas["Out"]["properties"]["a"].get("nullable").is_none());
    }
}
