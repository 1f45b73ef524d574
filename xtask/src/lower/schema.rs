//! The keywords of one schema.

use serde_json::{Map, Value, json};

use super::UNSUPPORTED;

/// Keywords that change the type of a value and do not exist in 3.0.
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

/// Lowers a schema, inner schemas first.
pub(super) fn lower(value: &mut Value) {
    match value {
        Value::Bool(true) => *value = json!({}),
        Value::Bool(false) => *value = json!({UNSUPPORTED: ["false as a schema"]}),
        Value::Object(object) => object_schema(object),
        _ => {}
    }
}

fn object_schema(schema: &mut Map<String, Value>) {
    for (key, value) in schema.iter_mut() {
        match (key.as_str(), value) {
            ("properties" | "patternProperties", Value::Object(properties)) => {
                properties.values_mut().for_each(lower);
            }
            ("additionalProperties", Value::Bool(_)) => {}
            ("items" | "additionalProperties" | "not", value) => lower(value),
            ("allOf" | "anyOf" | "oneOf", Value::Array(arms)) => arms.iter_mut().for_each(lower),
            _ => {}
        }
    }
    constants(schema);
    null_arms(schema);
    patterns_of_names(schema);
    types(schema);
    bounds(schema);
    content(schema);
    beside_references(schema);
    let left: Vec<&str> = WITHOUT_COUNTERPART
        .into_iter()
        .filter(|key| schema.contains_key(*key))
        .collect();
    if !left.is_empty() {
        let left = json!(left);
        schema.insert(UNSUPPORTED.into(), left);
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
    // A union of constants of one type is an enum.
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

/// Whether a schema accepts only `null`. Its arms are already lowered.
fn is_null(schema: &Value) -> bool {
    let only_null = |values: &Vec<Value>| !values.is_empty() && values.iter().all(Value::is_null);
    schema.get("type") == Some(&json!("null"))
        || schema
            .get("enum")
            .and_then(Value::as_array)
            .is_some_and(only_null)
        || schema.get(NULL).is_some()
}

/// Set by [`types`] on a schema of the type `null`, until its union is lowered.
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

/// Returns the keywords of one type.
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
                // The other keyword determines the format.
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

/// Wraps a reference with siblings. In 3.0 a reference hides its siblings, in 3.1 both apply.
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
