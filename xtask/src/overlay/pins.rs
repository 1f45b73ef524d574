//! What the actions of an overlay saw, in `overlay.lock` beside it.
//!
//! An action that replaces or removes a fact hides that fact from everybody, and so also that it
//! changed. Each such action pins the facts that it hides; `codegen` refuses to run it on others
//! until a maintainer has looked (`--accept N`). An action that documents several places at once
//! pins which ones those are: a new operation's parameter does not get documentation that nobody
//! checked for it. What an action adds is pinned by nothing: it hides nothing.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Seen;
use crate::{document, text};

/// The file's form.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Lock {
    pins: Vec<Pin>,
}

/// What one action saw.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
struct Pin {
    /// A hash of target and change, by which an action is known wherever it stands in the overlay.
    action: String,
    target: String,
    /// Place → the fact that the action hides.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    hides: IndexMap<String, Value>,
    /// The places that the action documents, where it names several at once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    documents: Vec<String>,
}

/// Facts longer than this are pinned by their hash.
const LONGEST: usize = 160;

/// The new text of the lock file at `path`, for what the actions saw; `None` where nothing is
/// pinned.
///
/// # Errors
///
/// An action saw something else than it pinned, and is not among the accepted numbers; or one of
/// those needs no accepting.
pub(crate) fn checked(
    path: &Path,
    shown: &str,
    seen: &[Seen],
    accept: &[usize],
) -> Result<Option<String>> {
    let present: Lock = if path.exists() {
        let tree = document::read(path)?;
        serde_json::from_value(tree)
            .with_context(|| format!("{shown}: not the pins of an overlay; restore the file"))?
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
        bail!("--accept {number}: that action saw what it pinned; there is nothing to accept");
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

/// What a maintainer has to look at. That an action documents fewer places is no reason.
fn differences(old: &Pin, new: &Pin) -> Vec<String> {
    let mut found = Vec::new();
    for (place, is) in &new.hides {
        match old.hides.get(place) {
            None => found.push(format!("{place} is hidden now: {is}")),
            Some(was) if was != is => found.push(format!("{place} was {was}, is {is}")),
            Some(_) => {}
        }
    }
    for (place, was) in &old.hides {
        if !new.hides.contains_key(place) {
            found.push(format!("{place} is no longer there, was {was}"));
        }
    }
    for place in &new.documents {
        if !old.documents.contains(place) {
            found.push(format!(
                "{place} is documented now, and was not there before"
            ));
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
        "    change the action if it is no longer right, or accept what it sees: --accept {number}"
    ));
    lines.join("\n")
}
