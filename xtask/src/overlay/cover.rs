//! The facts of a vendored document that the overlay hides, for `drift`. A change of such a fact
//! does not reach the client.

use std::path::Path;

use anyhow::Result;
use serde_json::Value;

use super::{is_words, parsed};
use crate::document;

/// A fact that an action replaces or removes.
#[derive(Debug)]
pub(crate) struct Cover {
    /// The number of the action.
    pub(crate) action: usize,
    /// The pointer of the fact in the vendored document.
    pub(crate) pointer: String,
}

/// Returns the facts that the overlay at `path` hides in `document`.
pub(crate) fn covers(document: &Value, path: &Path) -> Result<Vec<Cover>> {
    let mut found = Vec::new();
    for (index, action) in parsed(document::read(path)?, path)?.iter().enumerate() {
        // An action on the additions of an earlier action matches nothing here, and hides nothing.
        for pointer in action.locations(document)? {
            let Some(target) = document.pointer(&pointer) else {
                continue;
            };
            let mut pointers = Vec::new();
            match &action.update {
                Some(update) => replaced(target, update, &pointer, &mut pointers),
                None => pointers.push(required(document, &pointer).unwrap_or(pointer)),
            }
            let action = index + 1;
            found.extend(
                pointers
                    .into_iter()
                    .map(|pointer| Cover { action, pointer }),
            );
        }
    }
    Ok(found)
}

/// Collects the places below `pointer` whose value an update replaces.
fn replaced(target: &Value, update: &Value, pointer: &str, found: &mut Vec<String>) {
    match (target, update) {
        (Value::Object(target), Value::Object(update)) => {
            for (key, update) in update.iter().filter(|(key, _)| !is_words(key)) {
                if let Some(target) = target.get(key) {
                    let at = format!("{pointer}/{}", document::pointer_segment(key));
                    replaced(target, update, &at, found);
                }
            }
        }
        (Value::Array(_), Value::Array(_) | Value::Object(_)) => {}
        _ => found.push(pointer.to_owned()),
    }
}

/// Whether a property is required is a fact of the property.
fn required(document: &Value, pointer: &str) -> Option<String> {
    let (list, _) = pointer.rsplit_once('/')?;
    let schema = list.strip_suffix("/required")?;
    let name = document.pointer(pointer)?.as_str()?;
    let name = document::pointer_segment(name);
    Some(format!("{schema}/properties/{name}/required"))
}

impl Cover {
    /// Whether a change at `pointer` changes this fact: `pointer` is the fact, is below it, or is
    /// the schema whose keyword is the fact.
    pub(crate) fn is_about(&self, pointer: &str) -> bool {
        let below = |inner: &str, outer: &str| {
            inner
                .strip_prefix(outer)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let keyword = self
            .pointer
            .strip_prefix(pointer)
            .and_then(|rest| rest.strip_prefix('/'));
        below(pointer, &self.pointer)
            || keyword.is_some_and(|keyword| {
                !keyword.contains('/') && !["properties", "items"].contains(&keyword)
            })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn hidden_facts_are_found_and_their_neighbors_are_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("overlay.yaml");
        let actions = "  - {target: $.a.enum, remove: true}\n  \
                       - {target: $.b, update: {type: integer, format: int64, description: x}}\n  \
                       - {target: \"$.c.required[?@ == 'd']\", remove: true}\n";
        let text = format!("overlay: 1.0.0\ninfo: {{}}\nactions:\n{actions}");
        std::fs::write(&path, text).unwrap();
        let document = json!({"a": {"enum": ["x"]}, "b": {"type": "number", "description": "y"},
                              "c": {"required": ["d"], "properties": {"d": {}}}});
        let covers = covers(&document, &path).unwrap();
        let shown: Vec<_> = covers
            .iter()
            .map(|c| (c.action, c.pointer.as_str()))
            .collect();
        let wanted = [
            (1, "/a/enum"),
            (2, "/b/type"),
            (3, "/c/properties/d/required"),
        ];
        assert_eq!(shown, wanted);
        assert!(covers[0].is_about("/a") && covers[0].is_about("/a/enum/0"));
        assert!(!covers[0].is_about("/") && !covers[1].is_about("/b/format"));
        assert!(covers[2].is_about("/c/properties/d") && !covers[2].is_about("/c"));
    }
}
