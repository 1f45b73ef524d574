//! OpenAPI Overlay 1.0: the hand-written corrections and documentation of a vendored document.
//!
//! Actions run in order. Where the Overlay text leaves room: objects merge key by key, arrays are
//! appended to, everything else is replaced. Two things that the format lets pass are errors here,
//! since both mean that the document moved under the overlay: a target that selects nothing, and
//! words for a property that is not there.

use std::path::Path;

use anyhow::{Result, anyhow, bail};
use serde::Deserialize;
use serde_json::{Map, Value};
use serde_json_path::JsonPath;

use crate::document;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Overlay {
    overlay: String,
    #[serde(rename = "info")]
    _info: Value,
    actions: Vec<Action>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Action {
    target: String,
    description: Option<String>,
    update: Option<Value>,
    #[serde(default)]
    remove: bool,
}

/// Applies the overlay at `path` to `document`.
pub(crate) fn apply(document: &mut Value, path: &Path) -> Result<()> {
    apply_parsed(document, document::read(path)?, path)
}

/// Applies an overlay that has been read from `path`.
pub(crate) fn apply_parsed(document: &mut Value, tree: Value, path: &Path) -> Result<()> {
    let overlay: Overlay = serde_path_to_error::deserialize(tree).map_err(|error| {
        anyhow!(
            "{}: this is not an OpenAPI overlay: at {}: {}",
            path.display(),
            error.path(),
            error.inner()
        )
    })?;
    if !overlay.overlay.starts_with("1.0") {
        bail!(
            "{}: overlay version {:?} is not supported, 1.0.0 is",
            path.display(),
            overlay.overlay
        );
    }
    for (index, action) in overlay.actions.iter().enumerate() {
        run(document, action).map_err(|cause| {
            anyhow!(
                "{}: action {} ({}): target {}: {cause}",
                path.display(),
                index + 1,
                action.description.as_deref().unwrap_or("no description"),
                action.target,
            )
        })?;
    }
    Ok(())
}

fn run(document: &mut Value, action: &Action) -> Result<()> {
    let query = JsonPath::parse(&action.target)
        .map_err(|error| anyhow!("this is not a JSONPath: {error}"))?;
    let mut pointers: Vec<String> = query
        .query_located(document)
        .locations()
        .map(|location| location.to_json_pointer())
        .collect();
    if pointers.is_empty() {
        bail!(
            "it matches nothing in the vendored document; if upstream renamed or dropped it, \
             change or drop this action"
        );
    }
    match (&action.update, action.remove) {
        (None, false) => bail!("the action neither updates nor removes"),
        (Some(_), true) => bail!("the action both updates and removes; make it two"),
        (None, true) => {
            // Later elements first, so that an array's indices stay right.
            pointers.reverse();
            for pointer in &pointers {
                remove(document, pointer)?;
            }
        }
        (Some(update), false) => {
            for pointer in &pointers {
                let target = document
                    .pointer_mut(pointer)
                    .ok_or_else(|| anyhow!("{pointer} vanished while updating"))?;
                merge(target, update, pointer)?;
            }
        }
    }
    Ok(())
}

fn remove(document: &mut Value, pointer: &str) -> Result<()> {
    let (parent, last) = pointer
        .rsplit_once('/')
        .ok_or_else(|| anyhow!("the whole document cannot be removed"))?;
    let last = last.replace("~1", "/").replace("~0", "~");
    match document.pointer_mut(parent) {
        Some(Value::Object(object)) => {
            object.shift_remove(&last);
        }
        Some(Value::Array(items)) => {
            let index: usize = last.parse()?;
            items.remove(index);
        }
        _ => bail!("{pointer} vanished while removing"),
    }
    Ok(())
}

fn merge(target: &mut Value, update: &Value, pointer: &str) -> Result<()> {
    match (target, update) {
        (Value::Object(target), Value::Object(update)) => {
            for (key, value) in update {
                let at = format!("{pointer}/{}", document::pointer_segment(key));
                match target.get_mut(key) {
                    Some(present) => merge(present, value, &at)?,
                    None if is_only_words(value) => bail!(
                        "it documents {at}, which the document does not have; \
                         if upstream renamed or dropped it, change or drop these words"
                    ),
                    None => {
                        target.insert(key.clone(), value.clone());
                    }
                }
            }
        }
        (Value::Array(target), Value::Array(update)) => target.extend(update.iter().cloned()),
        // An object given to an array is one element more.
        (Value::Array(target), Value::Object(_)) => target.push(update.clone()),
        (target, update) => *target = update.clone(),
    }
    Ok(())
}

fn is_only_words(value: &Value) -> bool {
    let words = |object: &Map<String, Value>| {
        !object.is_empty()
            && object
                .keys()
                .all(|key| key == "description" || key == "summary" || key.starts_with("x-"))
    };
    value.as_object().is_some_and(words)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    fn applied(mut document: Value, actions: &str) -> Result<Value> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("overlay.yaml");
        let text = format!("overlay: 1.0.0\ninfo: {{}}\nactions:\n{actions}");
        std::fs::write(&path, text).unwrap();
        apply(&mut document, &path)?;
        Ok(document)
    }

    #[test]
    fn objects_merge_arrays_grow_and_scalars_are_replaced() {
        let document = json!({"a": {"b": 1, "c": [1]}, "d": 5});
        let after = applied(
            document,
            "  - {target: $, update: {a: {b: 2, c: [2], e: 3}, d: 6}}\n",
        );
        let wanted = json!({"a": {"b": 2, "c": [1, 2], "e": 3}, "d": 6});
        assert_eq!(after.unwrap(), wanted);
    }

    #[test]
    fn an_object_given_to_an_array_is_appended() {
        let after = applied(
            json!({"parameters": [{"name": "a"}]}),
            "  - {target: $.parameters, update: {name: b}}\n",
        );
        assert_eq!(
            after.unwrap(),
            json!({"parameters": [{"name": "a"}, {"name": "b"}]})
        );
    }

    #[test]
    fn several_array_elements_are_removed_at_once() {
        let document = json!({"p": [{"name": "x"}, {"name": "keep"}, {"name": "x"}]});
        let after = applied(
            document,
            "  - {target: \"$.p[?@.name == 'x']\", remove: true}\n",
        );
        assert_eq!(after.unwrap(), json!({"p": [{"name": "keep"}]}));
    }

    #[test]
    fn a_target_that_matches_nothing_is_an_error_naming_action_and_reason() {
        let error = applied(
            json!({"a": 1}),
            "  - {target: $.gone, description: why, remove: true}\n",
        )
        .unwrap_err()
        .to_string();
        assert!(error.contains("overlay.yaml: action 1 (why): target $.gone"));
        assert!(error.contains("matches nothing"), "{error}");
    }

    #[test]
    fn words_for_a_property_that_is_gone_are_an_error() {
        let error = applied(
            json!({"properties": {"here": {"type": "string"}}}),
            "  - {target: $.properties, update: {gone: {description: x, x-integer: true}}}\n",
        )
        .unwrap_err()
        .to_string();
        assert!(error.contains("it documents /properties/gone"), "{error}");
    }

    #[test]
    fn broken_yaml_names_line_and_column() {
        let error = applied(json!({}), "  - {target: $, update: [}\n")
            .unwrap_err()
            .to_string();
        assert!(error.contains("overlay.yaml:4:"), "{error}");
        assert!(error.contains("not valid YAML"), "{error}");
    }

    #[test]
    fn an_unknown_key_of_an_action_is_an_error() {
        let error = applied(json!({}), "  - {target: $, updaet: {}}\n")
            .unwrap_err()
            .to_string();
        assert!(error.contains("actions[0]"), "{error}");
        assert!(error.contains("updaet"), "{error}");
    }
}
