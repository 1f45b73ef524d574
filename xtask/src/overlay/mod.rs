//! OpenAPI Overlay 1.0: the hand-written corrections and documentation of a vendored document.
//!
//! Actions run in order. Where the Overlay specification is open, objects merge key by key, updates
//! append to arrays, and everything else is replaced. Two cases that the specification allows are
//! errors here, because both mean that the document has changed: a target that selects nothing, and
//! documentation for a property that does not exist. The facts that an action hides are pinned, see
//! [`pins`].

mod cover;
mod pins;

use std::{collections::HashSet, path::Path};

use anyhow::{Result, anyhow, bail};
use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use serde_json_path::JsonPath;

pub(crate) use cover::covers;
pub(crate) use pins::checked;

use crate::{document, text, upstream::sha256};

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

/// The facts that an action saw when it ran.
#[derive(Debug)]
pub(crate) struct Seen {
    /// The number of the action, starting at 1, as in errors.
    pub(crate) number: usize,
    /// A hash of target and change.
    key: String,
    target: String,
    reason: String,
    /// Place → the fact that the action replaced or removed. Documentation is not a fact.
    hides: IndexMap<String, Value>,
    /// The documented places, if the target selects several.
    documents: Vec<String>,
}

/// Applies the overlay at `path` to `document`.
pub(crate) fn apply(document: &mut Value, path: &Path) -> Result<Vec<Seen>> {
    apply_parsed(document, document::read(path)?, path)
}

/// Applies the overlay `tree`, which was read from `path`.
pub(crate) fn apply_parsed(document: &mut Value, tree: Value, path: &Path) -> Result<Vec<Seen>> {
    let mut all = Vec::new();
    for (index, action) in parsed(tree, path)?.iter().enumerate() {
        let seen = run(document, action, index + 1).map_err(|cause| {
            anyhow!(
                "{}: action {} ({}): target {}: {cause}",
                path.display(),
                index + 1,
                action.reason(),
                text::shown(&action.target),
            )
        })?;
        all.push(seen);
    }
    Ok(all)
}

fn parsed(tree: Value, path: &Path) -> Result<Vec<Action>> {
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
            "{}: overlay version {:?} is not supported; use 1.0.0",
            path.display(),
            overlay.overlay
        );
    }
    Ok(overlay.actions)
}

impl Action {
    fn reason(&self) -> String {
        let reason = self.description.as_deref().unwrap_or("no description");
        text::shown(reason.trim())
    }

    fn locations(&self, document: &Value) -> Result<Vec<String>> {
        let query = JsonPath::parse(&self.target)
            .map_err(|error| anyhow!("this is not a valid JSONPath: {error}"))?;
        let mut pointers: Vec<String> = query
            .query_located(document)
            .locations()
            .map(|location| location.to_json_pointer())
            .collect();
        // A query may select a place twice.
        let mut seen = HashSet::new();
        pointers.retain(|pointer| seen.insert(pointer.clone()));
        Ok(pointers)
    }
}

fn run(document: &mut Value, action: &Action, number: usize) -> Result<Seen> {
    let mut pointers = action.locations(document)?;
    if pointers.is_empty() {
        bail!(
            "it matches nothing in the vendored document; if upstream renamed or dropped it, \
             change or drop this action"
        );
    }
    let change = json!([action.target, action.update, action.remove]);
    let mut seen = Seen {
        number,
        key: sha256(change.to_string().as_bytes())[..16].to_owned(),
        target: action.target.clone(),
        reason: action.reason(),
        hides: IndexMap::new(),
        documents: Vec::new(),
    };
    let shown: Vec<String> = pointers.iter().map(|at| place(document, at)).collect();
    match (&action.update, action.remove) {
        (None, false) => bail!("the action neither updates nor removes"),
        (Some(_), true) => bail!("the action both updates and removes; split it into two actions"),
        (None, true) => {
            for (pointer, shown) in pointers.iter().zip(shown) {
                if let Some(fact) = document.pointer(pointer).and_then(fact) {
                    seen.hide(pointer, shown, fact);
                }
            }
            // In reverse, so the indices of an array remain valid.
            pointers.reverse();
            for pointer in &pointers {
                remove(document, pointer)?;
            }
        }
        (Some(update), false) => {
            if pointers.len() > 1 && has_words(update) {
                seen.documents.clone_from(&shown);
            }
            for (pointer, shown) in pointers.iter().zip(shown) {
                let target = document
                    .pointer_mut(pointer)
                    .ok_or_else(|| anyhow!("{pointer} disappeared during the update"))?;
                merge(target, update, pointer, &shown, &mut seen)?;
            }
        }
    }
    Ok(seen)
}

impl Seen {
    fn hide(&mut self, pointer: &str, place: String, fact: Value) {
        let key = pointer.rsplit('/').next().unwrap_or_default();
        if is_words(key) {
            return;
        }
        // Two elements of an array may have the same name.
        let mut name = place.clone();
        let mut number = 2;
        while self.hides.contains_key(&name) {
            name = format!("{place} ({number})");
            number += 1;
        }
        self.hides.insert(name, fact);
    }
}

/// Returns a value without documentation and without our own keys, or `None` if nothing remains.
fn fact(value: &Value) -> Option<Value> {
    match value {
        Value::Object(object) => {
            let facts: Map<String, Value> = object
                .iter()
                // A property may have the name `description`: its schema is an object.
                .filter(|(key, value)| {
                    !is_words(key) || (!key.starts_with("x-") && value.is_object())
                })
                .filter_map(|(key, value)| Some((key.clone(), fact(value)?)))
                .collect();
            (object.is_empty() || !facts.is_empty()).then_some(Value::Object(facts))
        }
        Value::Array(items) => Some(items.iter().filter_map(fact).collect()),
        other => Some(other.clone()),
    }
}

fn is_words(key: &str) -> bool {
    key == "description" || key == "summary" || key.starts_with("x-")
}

fn has_words(update: &Value) -> bool {
    match update {
        Value::Object(object) => object.iter().any(|(key, value)| {
            (matches!(key.as_str(), "description" | "summary") && value.is_string())
                || has_words(value)
        }),
        Value::Array(items) => items.iter().any(has_words),
        _ => false,
    }
}

/// Returns a JSON pointer in which array elements are identified by their content, if possible, and
/// not by their index. A new element would change the index of all later ones.
fn place(document: &Value, pointer: &str) -> String {
    let mut shown = String::new();
    let mut at = document;
    for segment in pointer.split('/').skip(1) {
        let key = segment.replace("~1", "/").replace("~0", "~");
        let below = match at {
            Value::Array(items) => key.parse().ok().and_then(|index: usize| items.get(index)),
            other => other.get(&key),
        };
        let name = match (at, below) {
            (Value::Array(_), Some(Value::String(text))) => Some(text.clone()),
            (Value::Array(_), Some(Value::Object(object))) => {
                let text = |key: &str| object.get(key).and_then(Value::as_str);
                let parameter = text("in").zip(text("name"));
                parameter.map(|(place, name)| format!("{place} {name}"))
            }
            _ => None,
        };
        shown.push('/');
        match name {
            Some(name) => {
                shown.push('[');
                shown.push_str(&document::pointer_segment(&name));
                shown.push(']');
            }
            None => shown.push_str(segment),
        }
        at = below.unwrap_or(&Value::Null);
    }
    text::shown(&shown)
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
        _ => bail!("{pointer} disappeared during the removal"),
    }
    Ok(())
}

fn merge(
    target: &mut Value,
    update: &Value,
    pointer: &str,
    place: &str,
    seen: &mut Seen,
) -> Result<()> {
    match (target, update) {
        (Value::Object(target), Value::Object(update)) => {
            for (key, value) in update {
                let segment = document::pointer_segment(key);
                let at = format!("{pointer}/{segment}");
                let place = format!("{place}/{}", text::shown(&segment));
                match target.get_mut(key) {
                    Some(present) => merge(present, value, &at, &place, seen)?,
                    None if is_only_words(value) => bail!(
                        "it documents {at}, which the document does not have; \
                         if upstream renamed or dropped it, change or drop this documentation"
                    ),
                    None => {
                        target.insert(key.clone(), value.clone());
                    }
                }
            }
        }
        (Value::Array(target), Value::Array(update)) => target.extend(update.iter().cloned()),
        // An object is appended to an array.
        (Value::Array(target), Value::Object(_)) => target.push(update.clone()),
        (target, update) => {
            if let Some(fact) = fact(target) {
                seen.hide(pointer, place.to_owned(), fact);
            }
            *target = update.clone();
        }
    }
    Ok(())
}

fn is_only_words(value: &Value) -> bool {
    let words =
        |object: &Map<String, Value>| !object.is_empty() && object.keys().all(|key| is_words(key));
    value.as_object().is_some_and(words)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
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
    fn several_array_elements_are_removed_together() {
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
    fn documentation_of_a_missing_property_is_an_error() {
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

    /// Returns the pins of the actions of an overlay on a document.
    fn pinned(
        document: &Value,
        actions: &str,
        lock: &Path,
        accept: &[usize],
    ) -> Result<Option<String>> {
        let text = format!("overlay: 1.0.0\ninfo: {{}}\nactions:\n{actions}");
        let tree = serde_yaml_ng::from_str(&text)?;
        let seen = apply_parsed(&mut document.clone(), tree, Path::new("overlay.yaml"))?;
        checked(lock, "overlay.lock", &seen, accept)
    }

    #[test]
    fn hidden_facts_are_pinned_and_additions_are_not() {
        let dir = tempfile::tempdir().unwrap();
        let lock = dir.path().join("overlay.lock");
        let actions = "  - {target: $.a.enum, description: why, remove: true}\n  \
                       - {target: $.b, update: {type: integer, format: int64, description: new}}\n";
        let before = json!({"a": {"enum": ["x", "y"]},
                            "b": {"type": "number", "description": "old"}});
        let text = pinned(&before, actions, &lock, &[]).unwrap().unwrap();
        assert!(text.contains("\"/a/enum\""), "{text}");
        assert!(text.contains("\"/b/type\": \"number\""), "{text}");
        assert!(!text.contains("old") && !text.contains("/format"), "{text}");
        std::fs::write(&lock, &text).unwrap();
        assert_eq!(pinned(&before, actions, &lock, &[]).unwrap().unwrap(), text);
        // Changes of documentation, and additions, need no review.
        let mut same = before.clone();
        same["b"]["description"] = json!("other");
        same["b"]["minimum"] = json!(0);
        assert_eq!(pinned(&same, actions, &lock, &[]).unwrap().unwrap(), text);

        let after = json!({"a": {"enum": ["x", "z"]}, "b": {"type": "number"}});
        let said = pinned(&after, actions, &lock, &[]).unwrap_err().to_string();
        assert!(said.contains("action 1 (why): $.a.enum"), "{said}");
        let change = "/a/enum was [\"x\",\"y\"], is [\"x\",\"z\"]";
        assert!(said.contains(change), "{said}");
        assert!(
            said.contains("--accept 1") && !said.contains("action 2"),
            "{said}"
        );
        assert!(pinned(&after, actions, &lock, &[2]).is_err());
        let accepted = pinned(&after, actions, &lock, &[1]).unwrap().unwrap();
        assert!(
            accepted.contains("\"z\"") && !accepted.contains("\"y\""),
            "{accepted}"
        );
        std::fs::write(&lock, accepted).unwrap();
        let said = pinned(&after, actions, &lock, &[1])
            .unwrap_err()
            .to_string();
        assert!(said.contains("nothing to accept"), "{said}");
    }

    #[test]
    fn an_action_keeps_its_pin_at_any_position() {
        let dir = tempfile::tempdir().unwrap();
        let lock = dir.path().join("overlay.lock");
        let document = json!({"a": 1, "b": 2});
        let (a, b) = (
            "  - {target: $.a, remove: true}\n",
            "  - {target: $.b, remove: true}\n",
        );
        let text = pinned(&document, &format!("{a}{b}"), &lock, &[]).unwrap();
        std::fs::write(&lock, text.unwrap()).unwrap();
        pinned(&document, &format!("{b}{a}"), &lock, &[]).unwrap();
        let other = json!({"a": 9, "b": 2});
        let said = pinned(&other, &format!("{b}{a}"), &lock, &[]).unwrap_err();
        assert!(said.to_string().contains("action 2"), "{said}");
    }

    #[test]
    fn a_new_place_of_documentation_must_be_accepted() {
        let dir = tempfile::tempdir().unwrap();
        let lock = dir.path().join("overlay.lock");
        let limit = json!({"name": "limit", "in": "query"});
        let actions = "  - {target: \"$.paths[*][*].parameters[?@.name == 'limit']\", \
                       update: {description: How many.}}\n";
        let of = |paths: &[&str]| {
            let paths = paths.iter().map(|path| {
                let other = json!({"name": "other", "in": "query"});
                let list = json!({"get": {"parameters": [other, limit]}});
                ((*path).to_owned(), list)
            });
            json!({"paths": Value::Object(paths.collect())})
        };
        let text = pinned(&of(&["/a", "/b"]), actions, &lock, &[])
            .unwrap()
            .unwrap();
        assert!(
            text.contains("/paths/~1a/get/parameters/[query limit]"),
            "{text}"
        );
        std::fs::write(&lock, text).unwrap();
        let more = of(&["/a", "/b", "/new"]);
        let said = pinned(&more, actions, &lock, &[]).unwrap_err().to_string();
        let new = "/paths/~1new/get/parameters/[query limit] is newly documented";
        assert!(said.contains(new), "{said}");
        pinned(&more, actions, &lock, &[1]).unwrap();
        // A removed place changes nothing.
        pinned(&of(&["/a"]), actions, &lock, &[]).unwrap();
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
