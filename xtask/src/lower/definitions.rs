//! Schemas that are defined inside another schema.

use std::collections::{HashMap, HashSet};

use anyhow::{Result, anyhow};
use heck::ToUpperCamelCase as _;
use serde_json::{Value, json};

use crate::document::pointer_segment;

/// Moves `$defs` to the components, and changes the references to them.
pub(super) fn hoist(document: &mut Value) -> Result<()> {
    let mut found: Vec<(String, Value)> = Vec::new();
    collect(document, "", &mut found);
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
    refer(document, &names);
    Ok(())
}

/// Removes `$defs`, inner ones first, and collects them with their pointers.
fn collect(value: &mut Value, pointer: &str, found: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object.iter_mut() {
                let below = format!("{pointer}/{}", pointer_segment(key));
                if !["example", "examples", "default", "const", "enum"].contains(&key.as_str()) {
                    collect(value, &below, found);
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
                collect(value, &format!("{pointer}/{at}"), found);
            }
        }
        _ => {}
    }
}

fn refer(value: &mut Value, names: &HashMap<String, String>) {
    match value {
        Value::Object(object) => {
            if let Some(Value::String(reference)) = object.get_mut("$ref")
                && let Some(pointer) = reference.strip_prefix('#')
                && pointer.contains("/$defs/")
            {
                // `#/$defs/X` is relative to the schema that contains it, if only one
                // schema has an X.
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
            object.values_mut().for_each(|value| refer(value, names));
        }
        Value::Array(items) => items.iter_mut().for_each(|value| refer(value, names)),
        _ => {}
    }
}
