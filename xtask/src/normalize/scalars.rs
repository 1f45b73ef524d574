//! Rules for numbers and strings.

use anyhow::Result;
use serde_json::{Map, Value, json};

use super::schemas::{self, components, components_mut, for_each};

/// Makes counters integers. tsoa declares every number as a double: `page` would be sent as `2.0`,
/// and a total would be decoded as a float.
///
/// Properties with known names of counters are integers, and so are those with `x-integer`.
/// Durations remain doubles, because services measure fractions of a millisecond.
pub(super) fn numbers_that_count_are_integers(document: &mut Value) -> Result<()> {
    for_each(document, &mut |schema, place| {
        let said = schema.shift_remove("x-integer") == Some(Value::Bool(true));
        let counts = place.property.as_deref().is_some_and(is_counter);
        if schema.get("type") == Some(&json!("number")) && (said || counts) {
            schema.insert("type".into(), json!("integer"));
            schema.insert("format".into(), json!("int64"));
        }
        if schema.get("type") == Some(&json!("integer")) && !schema.contains_key("format") {
            schema.insert("format".into(), json!("int64"));
        }
    });
    Ok(())
}

fn is_counter(name: &str) -> bool {
    const EXACT: [&str; 10] = [
        "page",
        "pageSize",
        "nextPage",
        "previousPage",
        "limit",
        "offset",
        "statusCode",
        "totalPageCount",
        "totalResults",
        "count",
    ];
    EXACT.contains(&name) || name.ends_with("Count") || name.ends_with("_count")
}

/// Removes constraints that progenitor would generate code for. Bounds and lengths would become
/// newtypes with fallible conversions, and defaults would become literals in every builder. Dates
/// would become a `chrono` type that refuses values that services send (`""` while running, years
/// beyond 9999). The server checks bounds, and the facade decodes dates.
pub(super) fn constraints_are_dropped(document: &mut Value) -> Result<()> {
    const DROPPED: [&str; 10] = [
        "maximum",
        "minLength",
        "maxLength",
        "minItems",
        "maxItems",
        "uniqueItems",
        "default",
        "readOnly",
        "writeOnly",
        "discriminator",
    ];
    for_each(document, &mut |schema, _| {
        for key in DROPPED {
            schema.shift_remove(key);
        }
        // `minimum: 0` makes an unsigned type. Any other bound makes a NonZero type or a newtype.
        if schema.get("minimum").is_some_and(|minimum| minimum != 0) {
            schema.shift_remove("minimum");
        }
        let is_bytes = schema.get("format") == Some(&json!("binary"));
        if schema.get("type") == Some(&json!("string")) && !is_bytes {
            schema.shift_remove("format");
        }
    });
    Ok(())
}

/// Keeps patterns on parameters, which are checked before a request. Responses are not checked.
pub(super) fn patterns_stay_on_parameters(document: &mut Value) -> Result<()> {
    let all = components(document);
    let mut used_by_parameters = Map::new();
    for_each(document, &mut |schema, place| {
        if !place.is_parameter {
            return;
        }
        let reference = schema.get("$ref").cloned();
        let name = reference
            .as_ref()
            .and_then(Value::as_str)
            .and_then(crate::document::ref_name);
        if let Some(name) = name
            && let Some(component) = all.get(name).filter(|c| c.get("pattern").is_some())
        {
            let checked = format!("{name}Parameter");
            schema.insert(
                "$ref".into(),
                json!(format!("#/components/schemas/{checked}")),
            );
            used_by_parameters.insert(checked, component.clone());
        }
    });
    for_each(document, &mut |schema, place| {
        if !place.is_parameter {
            schema.shift_remove("pattern");
        }
    });
    components_mut(document).extend(used_by_parameters);
    strings_need_no_name(document);
    Ok(())
}

/// Replaces references to a plain string by strings. The component would become a newtype.
fn strings_need_no_name(document: &mut Value) {
    let all = components(document);
    for_each(document, &mut |schema, _| {
        let target = schema.get("$ref").is_some().then(|| {
            let reference = Value::Object(schema.clone());
            schemas::resolved(&all, &reference).clone()
        });
        if let Some(Value::Object(target)) = target
            && target.get("type") == Some(&json!("string"))
            && !target.contains_key("enum")
            && !target.contains_key("pattern")
        {
            *schema = target;
        }
    });
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn after(rule: fn(&mut Value) -> Result<()>, properties: Value) -> Value {
        let mut document = json!({"components": {"schemas": {"A": {"properties": properties}}}});
        rule(&mut document).unwrap();
        document["components"]["schemas"]["A"]["properties"].take()
    }

    #[test]
    fn counters_become_integers_and_durations_do_not() {
        let double = json!({"type": "number", "format": "double"});
        let properties = json!({"pageSize": double, "queueTimeMs": double, "rowCount": double});
        let after = after(numbers_that_count_are_integers, properties);
        let integer = json!({"type": "integer", "format": "int64"});
        assert_eq!(after["pageSize"], integer);
        assert_eq!(after["rowCount"], integer);
        assert_eq!(after["queueTimeMs"], double);
    }

    #[test]
    fn an_overlay_can_make_a_number_an_integer() {
        let properties = json!({"queryMaxLimit": {"type": "number", "x-integer": true}});
        let after = after(numbers_that_count_are_integers, properties);
        assert_eq!(
            after["queryMaxLimit"],
            json!({"type": "integer", "format": "int64"})
        );
    }

    #[test]
    fn dates_become_strings_and_unsigned_types_stay() {
        let properties = json!({
            "at": {"type": "string", "format": "date-time", "maxLength": 30},
            "index": {"type": "integer", "format": "uint32", "minimum": 0, "maximum": 9},
            "size": {"type": "integer", "minimum": 1, "default": 5},
        });
        let after = after(constraints_are_dropped, properties);
        assert_eq!(after["at"], json!({"type": "string"}));
        let index = json!({"type": "integer", "format": "uint32", "minimum": 0});
        assert_eq!(after["index"], index);
        assert_eq!(after["size"], json!({"type": "integer"}));
    }

    #[test]
    fn patterns_apply_to_parameters_and_not_to_responses() {
        let mut document = json!({
            "paths": {"/a": {"get": {"operationId": "a", "parameters": [
                {"name": "id", "in": "query", "schema": {"$ref": "#/components/schemas/Uuid"}}]}}},
            "components": {"schemas": {
                "Uuid": {"type": "string", "pattern": "^x$"},
                "A": {"properties": {"id": {"$ref": "#/components/schemas/Uuid"}}}}}
        });
        patterns_stay_on_parameters(&mut document).unwrap();
        let schemas = &document["components"]["schemas"];
        assert_eq!(schemas["A"]["properties"]["id"], json!({"type": "string"}));
        assert_eq!(schemas["UuidParameter"]["pattern"], "^x$");
        let parameter = &document["paths"]["/a"]["get"]["parameters"][0]["schema"];
        assert_eq!(parameter["$ref"], "#/components/schemas/UuidParameter");
    }
}
