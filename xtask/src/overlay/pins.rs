//! Pins of the facts that the actions of an overlay hide, in `overlay.lock` beside it.
//!
//! An action that replaces or removes a fact also hides later changes of this fact. Each such
//! action pins the facts that it hides. If they change, `codegen` fails until a maintainer accepts
//! the new facts (`--accept N`). An action that documents several places pins these places, so the
//! parameter of a new operation does not get unreviewed documentation. Additions are not pinned,
//! because they hide nothing.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Seen;
use crate::{document, text};

/// The content of the lock file.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Lock {
    pins: Vec<Pin>,
}

/// The pin of an action.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
struct Pin {
    /// A hash of target and change, which identifies an action independently of its position.
    action: String,
    target: String,
    /// Place → the fact that the action hides.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    hides: IndexMap<String, Value>,
    /// The places that the action documents, if its target selects several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    documents: Vec<String>,
}

/// Facts that are longer, in bytes, are pinned by their hash.
const LONGEST: usize = 160;

/// Compares the actions with the lock file at `path`, and returns its new text. Returns `None` if
/// nothing is pinned.
///
/// # Errors
///
/// An action that is not in `accept` hides other facts than it pinned, or an action in `accept`
/// hides the pinned facts.
pub(crate) fn checked(
    path: &Path,
    shown: &str,
    seen: &[Seen],
    accept: &[usize],
) -> Result<Option<String>> {
    let present: Lock = if path.exists() {
        let tree = document::read(path)?;
        serde_json::from_value(tree).with_context(|| {
            format!("{shown}: this is not a lock file of an overlay; restore the file")
        })?
    } else {
        Lock::default()
    };
    let mut unused: Vec<usize> = accept.to_vec();
    let mut refused = Vec::new();
    let mut pins = Vec::new();
    for action in seen {
        let Some(new) = pin(action) else { continue };
        let old = present.pins.iter().find(|old| old.action == new.action);
        let changes = old.map(|old| differences(old, &new)).unwrap_or_default();
        if !changes.is_empty() {
            if accept.contains(&action.number) {
                unused.retain(|number| *number != action.number);
            } else {
                refused.push(refusal(action, &changes));
            }
        }
        pins.push(new);
    }
    if !refused.is_empty() {
        bail!(
            "{shown}: the document changed under {} of the overlay:\n{}",
            if refused.len() == 1 {
                "an action"
            } else {
                "actions"
            },
            refused.join("\n")
        );
    }
    if let Some(number) = unused.first() {
        bail!("--accept {number}: this action hides the pinned facts; there is nothing to accept");
    }
    if pins.is_empty() {
        return Ok(None);
    }
    document::to_text(&json!(Lock { pins })).map(Some)
}

fn pin(action: &Seen) -> Option<Pin> {
    let hides: IndexMap<String, Value> = action
        .hides
        .iter()
        .map(|(place, value)| (place.clone(), short(value)))
        .collect();
    if hides.is_empty() && action.documents.is_empty() {
        return None;
    }
    Some(Pin {
        action: action.key.clone(),
        target: action.target.clone(),
        hides,
        documents: action.documents.clone(),
    })
}

fn short(value: &Value) -> Value {
    let text = value.to_string();
    if text.len() <= LONGEST {
        return value.clone();
    }
    let hash = crate::upstream::sha256(text.as_bytes());
    json!(format!("sha256:{}", &hash[..24]))
}

/// Returns the changes that a maintainer must review. Fewer documented places are no change.
fn differences(old: &Pin, new: &Pin) -> Vec<String> {
    let mut found = Vec::new();
    for (place, is) in &new.hides {
        match old.hides.get(place) {
            None => found.push(format!("{place} is newly hidden: {is}")),
            Some(was) if was != is => found.push(format!("{place} was {was}, is {is}")),
            Some(_) => {}
        }
    }
    for (place, was) in &old.hides {
        if !new.hides.contains_key(place) {
            found.push(format!("{place} no longer exists, was {was}"));
        }
    }
    for place in &new.documents {
        if !old.documents.contains(place) {
            found.push(format!("{place} is newly documented"));
        }
    }
    found
}

fn refusal(action: &Seen, changes: &[String]) -> String {
    let number = action.number;
    let mut lines = vec![format!(
        "  action {number} ({}): {}",
        action.reason, action.target
    )];
    lines.extend(
        changes
            .iter()
            .map(|change| format!("    {}", text::shown(change))),
    );
    lines.push(format!(
        "    change the action if it is wrong now, or accept the new facts: --accept {number}"
    ));
    lines.join("\n")
}
