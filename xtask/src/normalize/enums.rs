//! Rules for string enums.
//!
//! With a closed enum, a page cannot be decoded after a service adds a value. So every enum is
//! open, except enums of one value, which discriminate the arms of a union.

use anyhow::{Result, bail};
use heck::ToUpperCamelCase as _;
use serde_json::{Map, Value, json};

use super::schemas::{Place, components, components_mut, for_each, resolved};

/// A string enum that becomes an open type.
#[derive(Debug)]
pub(crate) struct OpenEnum {
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) values: Vec<EnumValue>,
}

/// One known value.
#[derive(Debug)]
pub(crate) struct EnumValue {
    pub(crate) wire: String,
    pub(crate) variant: String,
    pub(crate) description: Option<String>,
}

/// Returns the open enums of a normalized document.
pub(crate) fn open_enums(document: &Value) -> Result<Vec<OpenEnum>> {
    let (mut found, mut refused) = (Vec::new(), Vec::new());
    for (name, schema) in components(document) {
        if schema.get("x-open-enum").is_some() {
            match open_enum(&name, &schema) {
                Ok(open) => found.push(open),
                Err(error) => refused.push(error.to_string()),
            }
        }
    }
    if !refused.is_empty() {
        bail!("{}", refused.join("\n"));
    }
    Ok(found)
}

fn open_enum(name: &str, schema: &Value) -> Result<OpenEnum> {
    let mut values: Vec<EnumValue> = Vec::new();
    for wire in strings(schema) {
        let said = |key| schema.get(key)?.get(&wire)?.as_str().map(str::to_owned);
        let variant = said("x-enum-names").unwrap_or_else(|| variant_name(&wire));
        if let Some(other) = values.iter().find(|value| value.variant == variant) {
            bail!(
                "/components/schemas/{name}/enum: {wire:?} and {:?} would both have the name {variant}; \
                 name one with x-enum-names",
                other.wire
            );
        }
        let description = said("x-enum-descriptions");
        values.push(EnumValue {
            wire,
            variant,
            description,
        });
    }
    let description = schema.get("description").and_then(Value::as_str);
    Ok(OpenEnum {
        name: name.to_owned(),
        description: description.map(str::to_owned),
        values,
    })
}

fn variant_name(wire: &str) -> String {
    // Services write `-name` for descending and `name` for ascending.
    let sign = match wire.strip_prefix('-') {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_alphanumeric()) => "minus ",
        _ => "",
    };
    let words: String = sign
        .chars()
        .chain(wire.chars())
        .map(|c| if c.is_ascii_alphanumeric() { c } else { ' ' })
        .collect();
    let name = words.to_upper_camel_case();
    match name.chars().next() {
        Some(first) if first.is_ascii_digit() => format!("N{name}"),
        Some(_) if ["Self", "Unknown"].contains(&name.as_str()) => format!("{name}Value"),
        Some(_) => name,
        None => "Empty".to_owned(),
    }
}

/// Merges an `anyOf` of enums, or of an enum and any string, into one enum, which is open anyway.
pub(super) fn unions_of_strings_are_one_enum(document: &mut Value) -> Result<()> {
    let all = components(document);
    for_each(document, &mut |schema, _| {
        for key in ["anyOf", "oneOf"] {
            let Some(Value::Array(arms)) = schema.get(key) else {
                continue;
            };
            let flattened: Option<Vec<Value>> = arms
                .iter()
                .map(|arm| string_values(&all, arm, 0))
                .try_fold(Vec::new(), |mut values, arm| {
                    values.extend(arm?);
                    Some(values)
                });
            let Some(mut values) = flattened else {
                continue;
            };
            let mut seen = std::collections::HashSet::new();
            values.retain(|value| seen.insert(value.to_string()));
            schema.shift_remove(key);
            schema.insert("type".into(), json!("string"));
            if !values.is_empty() {
                schema.insert("enum".into(), Value::Array(values));
            }
        }
    });
    Ok(())
}

/// Returns the values of a string schema, through references and nested unions. A schema for any
/// string has no values.
fn string_values(all: &Map<String, Value>, schema: &Value, depth: usize) -> Option<Vec<Value>> {
    let schema = resolved(all, schema);
    if schema.get("type") == Some(&json!("string")) && schema.get("pattern").is_none() {
        let values = schema.get("enum").and_then(Value::as_array);
        return Some(values.cloned().unwrap_or_default());
    }
    let arms = schema
        .get("anyOf")
        .or_else(|| schema.get("oneOf"))?
        .as_array()?;
    let mut values = Vec::new();
    for arm in arms.iter().filter(|_| depth < 8) {
        values.extend(string_values(all, arm, depth + 1)?);
    }
    Some(values)
}

/// Returns the values of a schema that is a string enum, through references.
pub(super) fn enum_values(all: &Map<String, Value>, schema: &Value) -> Option<Vec<String>> {
    let schema = resolved(all, schema);
    let values = strings(schema);
    (schema.get("type") == Some(&json!("string")) && !values.is_empty()).then_some(values)
}

fn strings(schema: &Value) -> Vec<String> {
    let values = schema
        .get("enum")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    values
        .filter_map(|value| Some(value.as_str()?.to_owned()))
        .collect()
}

/// Marks string enums of several values as open, names inline enums, and keeps `nullable` at the
/// use of the enum. Removes enums of other types (`[null]`, `[false]`), because their type is
/// enough.
pub(super) fn string_enums_are_open_types(document: &mut Value) -> Result<()> {
    let mut hoisted: Map<String, Value> = Map::new();
    let all = components(document);
    for_each(document, &mut |schema, place| {
        let Some(values) = schema.get_mut("enum").and_then(Value::as_array_mut) else {
            return;
        };
        let had_null = values.iter().any(Value::is_null);
        values.retain(Value::is_string);
        let count = values.len();
        if had_null {
            schema.insert("nullable".into(), json!(true));
        }
        if count == 0 || schema.get("type") != Some(&json!("string")) {
            schema.shift_remove("enum");
            return;
        }
        let is_component = place.component.as_deref() == Some(&place.name);
        if count > 1 {
            schema.insert("x-open-enum".into(), json!(true));
        }
        if !is_component {
            hoist(schema, place, count, &all, &mut hoisted);
        }
    });
    components_mut(document).extend(hoisted);
    Ok(())
}

fn hoist(
    schema: &mut Map<String, Value>,
    place: &Place,
    count: usize,
    all: &Map<String, Value>,
    hoisted: &mut Map<String, Value>,
) {
    let mut definition = schema.clone();
    let nullable = definition.shift_remove("nullable");
    if let Some(known) = same_enum(&definition, all) {
        refer(schema, &known, nullable);
        return;
    }
    // A constant needs no documentation. An enum of several values gets that of its property.
    if count == 1 {
        definition.shift_remove("description");
    }
    // A constant is named after its value and shared: every response has `status: "ok"`.
    let base = match (
        &place.property,
        strings(&Value::Object(definition.clone())).first(),
    ) {
        (Some(property), Some(value)) if count == 1 => {
            format!("{} {value}", property).to_upper_camel_case()
        }
        _ => place.name.to_upper_camel_case(),
    };
    let definition = Value::Object(definition);
    let mut name = base.clone();
    let mut number = 2;
    while all.contains_key(&name) || hoisted.get(&name).is_some_and(|known| *known != definition) {
        name = format!("{base}{number}");
        number += 1;
    }
    hoisted.insert(name.clone(), definition);
    refer(schema, &name, nullable);
}

/// Returns the component enum with the same values, which replaces an inline enum or merged union.
fn same_enum(definition: &Map<String, Value>, all: &Map<String, Value>) -> Option<String> {
    let values = |schema: &Value| {
        let mut values = strings(schema);
        values.sort_unstable();
        values
    };
    let wanted = values(&Value::Object(definition.clone()));
    let is_same =
        |schema: &Value| schema.get("type") == Some(&json!("string")) && values(schema) == wanted;
    let mut same = all
        .iter()
        .filter(|(_, schema)| wanted.len() > 1 && is_same(schema));
    same.next().map(|(name, _)| name.clone())
}

/// Replaces a schema by a reference, and keeps its description and `nullable`.
fn refer(schema: &mut Map<String, Value>, name: &str, nullable: Option<Value>) {
    let reference = json!(format!("#/components/schemas/{name}"));
    let description = schema.shift_remove("description");
    schema.clear();
    if description.is_none() && nullable.is_none() {
        schema.insert("$ref".into(), reference);
        return;
    }
    schema.insert("allOf".into(), json!([{ "$ref": reference }]));
    for (key, value) in [("description", description), ("nullable", nullable)] {
        if let Some(value) = value {
            schema.insert(key.into(), value);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn document(schemas: Value) -> Value {
        json!({"components": {"schemas": schemas}})
    }

    #[test]
    fn arms_that_are_enums_are_merged() {
        let mut document = document(json!({
            "A": {"type": "string", "enum": ["a"]},
            "B": {"properties": {"x": {"anyOf": [
                {"$ref": "#/components/schemas/A"}, {"type": "string", "enum": ["b", "a"]},
                {"type": "string"}]}}},
        }));
        unions_of_strings_are_one_enum(&mut document).unwrap();
        let x = &document["components"]["schemas"]["B"]["properties"]["x"];
        assert_eq!(x, &json!({"type": "string", "enum": ["a", "b"]}));
    }

    #[test]
    fn a_union_with_a_number_is_unchanged() {
        let union = json!({"anyOf": [{"type": "string"}, {"type": "number"}]});
        let mut document = document(json!({"A": union}));
        unions_of_strings_are_one_enum(&mut document).unwrap();
        assert_eq!(document["components"]["schemas"]["A"], union);
    }

    #[test]
    fn an_inline_enum_gets_a_name_and_its_use_keeps_null_and_description() {
        let mut document = document(json!({"Page": {"properties": {"sort": {
            "type": "string", "enum": ["asc", "desc", null], "description": "Words."}}}}));
        string_enums_are_open_types(&mut document).unwrap();
        let schemas = &document["components"]["schemas"];
        let sort = &schemas["Page"]["properties"]["sort"];
        assert_eq!(sort["allOf"][0]["$ref"], "#/components/schemas/PageSort");
        assert_eq!(sort["nullable"], true);
        assert_eq!(sort["description"], "Words.");
        assert_eq!(schemas["PageSort"]["x-open-enum"], true);
        let enums = open_enums(&document).unwrap();
        assert_eq!(enums[0].values[1].variant, "Desc");
        assert_eq!(enums[0].description.as_deref(), Some("Words."));
    }

    #[test]
    fn an_inline_enum_with_the_values_of_a_component_becomes_a_reference() {
        let mut document = document(json!({
            "Order": {"type": "string", "enum": ["asc", "desc"]},
            "Page": {"properties": {"sort": {"type": "string", "enum": ["desc", "asc"]}}}}));
        string_enums_are_open_types(&mut document).unwrap();
        let schemas = &document["components"]["schemas"];
        let sort = &schemas["Page"]["properties"]["sort"];
        assert_eq!(sort["$ref"], "#/components/schemas/Order");
        assert_eq!(schemas.as_object().unwrap().len(), 2);
    }

    #[test]
    fn equal_constants_share_a_closed_type() {
        let ok = json!({"type": "string", "enum": ["ok"]});
        let mut document = document(json!({
            "A": {"properties": {"status": ok}}, "B": {"properties": {"status": ok}}}));
        string_enums_are_open_types(&mut document).unwrap();
        let schemas = &document["components"]["schemas"];
        for parent in ["A", "B"] {
            let status = &schemas[parent]["properties"]["status"];
            assert_eq!(status["$ref"], "#/components/schemas/StatusOk");
        }
        assert!(schemas["StatusOk"].get("x-open-enum").is_none());
    }

    #[test]
    fn an_enum_of_only_null_or_false_is_removed() {
        let mut document = document(json!({
            "A": {"type": "number", "enum": [null]}, "B": {"type": "boolean", "enum": [false]}}));
        string_enums_are_open_types(&mut document).unwrap();
        let schemas = &document["components"]["schemas"];
        assert_eq!(schemas["A"], json!({"type": "number", "nullable": true}));
        assert_eq!(schemas["B"], json!({"type": "boolean"}));
    }

    #[test]
    fn values_with_the_same_variant_name_are_an_error_unless_the_overlay_names_them() {
        let mut schema = json!({"enum": ["add", "Add"], "x-open-enum": true});
        let error = open_enum("Op", &schema).unwrap_err().to_string();
        assert!(error.contains("x-enum-names"), "{error}");
        schema["x-enum-names"] = json!({"Add": "AddUpper"});
        assert_eq!(
            open_enum("Op", &schema).unwrap().values[1].variant,
            "AddUpper"
        );
    }

    #[test]
    fn variants_are_identifiers() {
        assert_eq!(variant_name("mcp.run_metric_query"), "McpRunMetricQuery");
        assert_eq!(variant_name("14d"), "N14d");
        assert_eq!(variant_name(""), "Empty");
        assert_eq!(variant_name("unknown"), "UnknownValue");
        assert_eq!(variant_name("-created"), "MinusCreated");
    }
}
