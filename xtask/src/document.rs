//! Reading and writing OpenAPI documents as JSON trees, with errors that say where.

use std::{fs, path::Path};

use anyhow::{Context as _, Result, anyhow};
use serde_json::Value;

/// Reads a JSON or YAML document. Errors name the file, the line and the column.
pub(crate) fn read(path: &Path) -> Result<Value> {
    let bytes = read_bytes(path)?;
    parse(path, &bytes)
}

/// The bytes of a file.
pub(crate) fn read_bytes(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Parses a document; `path` decides between JSON (`.json`) and YAML, and names it in errors.
pub(crate) fn parse(path: &Path, bytes: &[u8]) -> Result<Value> {
    let shown = path.display();
    if path.extension().is_some_and(|ext| ext == "json") {
        return serde_json::from_slice(bytes).map_err(|error| {
            anyhow!(
                "{shown}:{}:{}: this is not valid JSON: {}",
                error.line(),
                error.column(),
                without_position(&error.to_string()),
            )
        });
    }
    serde_yaml_ng::from_slice(bytes).map_err(|error| match error.location() {
        Some(at) => anyhow!(
            "{shown}:{}:{}: this is not valid YAML: {}",
            at.line(),
            at.column(),
            without_position(&error.to_string()),
        ),
        None => anyhow!("{shown}: this is not valid YAML: {error}"),
    })
}

/// The canonical text of a document: two-space JSON, keys in the document's own order.
pub(crate) fn to_text(document: &Value) -> Result<String> {
    let mut text = serde_json::to_string_pretty(document)?;
    text.push('\n');
    Ok(text)
}

/// `~` and `/` escaped as RFC 6901 asks.
pub(crate) fn pointer_segment(segment: &str) -> String {
    segment.replace('~', "~0").replace('/', "~1")
}

/// The HTTP methods a path item may hold.
pub(crate) const METHODS: [&str; 8] = [
    "get", "put", "post", "delete", "options", "head", "patch", "trace",
];

/// The name behind a local reference, `#/components/schemas/NAME`.
pub(crate) fn ref_name(reference: &str) -> Option<&str> {
    reference.strip_prefix("#/components/schemas/")
}

/// Calls `visit` for every object below `value`, parents first.
pub(crate) fn walk_objects(
    value: &mut Value,
    visit: &mut impl FnMut(&mut serde_json::Map<String, Value>),
) {
    match value {
        Value::Object(object) => {
            visit(object);
            object.values_mut().for_each(|v| walk_objects(v, visit));
        }
        Value::Array(items) => items.iter_mut().for_each(|v| walk_objects(v, visit)),
        _ => {}
    }
}

/// Collects the names of all schemas referred to anywhere below `value`.
pub(crate) fn refs_in(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            if let Some(name) = object
                .get("$ref")
                .and_then(Value::as_str)
                .and_then(ref_name)
            {
                found.push(name.to_owned());
            }
            object.values().for_each(|v| refs_in(v, found));
        }
        Value::Array(items) => items.iter().for_each(|v| refs_in(v, found)),
        _ => {}
    }
}

/// All schemas reachable from `roots`, the roots included, as a set in first-met order.
pub(crate) fn closure(
    document: &Value,
    roots: impl IntoIterator<Item = String>,
) -> indexmap::IndexSet<String> {
    let mut seen = indexmap::IndexSet::new();
    let mut todo: Vec<String> = roots.into_iter().collect();
    while let Some(name) = todo.pop() {
        if !seen.insert(name.clone()) {
            continue;
        }
        if let Some(schema) = document
            .pointer("/components/schemas")
            .and_then(|schemas| schemas.get(&name))
        {
            refs_in(schema, &mut todo);
        }
    }
    seen
}

/// Drops the ` at line L column C` that both parsers append: the place stands in front already.
fn without_position(message: &str) -> &str {
    message
        .rfind(" at line ")
        .map_or(message, |at| &message[..at])
}
