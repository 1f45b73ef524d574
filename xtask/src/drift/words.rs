//! Descriptions of schemas and values, for messages of one line.

use serde_json::Value;

use super::view::{Kind, Node};

/// Describes a schema: ``array of `Row`, may be null``.
pub(super) fn describe(node: &Node<'_>) -> String {
    let nullable = match node.named() {
        Some((_, nullable)) => nullable,
        None => node.resolved().nullable,
    };
    let mut words = type_of(node, 2);
    if nullable && words != "null" {
        words.push_str(", may be null");
    }
    words
}

/// Describes the type alone. Nested types are described to the given depth.
fn type_of(node: &Node<'_>, depth: usize) -> String {
    if let Some((name, _)) = node.named() {
        return format!("`{name}`");
    }
    let node = node.resolved().node;
    let inner = |key: &str| match node.child(key) {
        Some(child) if depth > 0 => type_of(&child, depth - 1),
        _ => "values".to_owned(),
    };
    match node.kind() {
        Kind::Any => "any value".to_owned(),
        Kind::Null => "null".to_owned(),
        Kind::Array => format!("array of {}", inner("items")),
        Kind::Object if node.value.get("allOf").is_some() && depth > 0 => {
            let parts: Vec<_> = node
                .parts()
                .iter()
                .map(|part| part_of(part, depth))
                .collect();
            listed(&parts, " with ", 3)
        }
        Kind::Object if node.value.get("properties").is_none() => {
            match node.value.get("additionalProperties") {
                Some(Value::Bool(false)) => "object without properties".to_owned(),
                Some(_) => format!("map of {}", inner("additionalProperties")),
                None => "object".to_owned(),
            }
        }
        Kind::Object => "object".to_owned(),
        Kind::Union if depth > 0 => {
            let arms = node.alternatives();
            let arms: Vec<_> = arms.iter().map(|arm| type_of(arm, depth - 1)).collect();
            listed(&arms, " or ", 4)
        }
        Kind::Union => "one of several".to_owned(),
        kind => match &values(&node)[..] {
            [] => scalar(&node, kind),
            [one] => format!("always {one}"),
            several => format!("one of {}", listed(several, ", ", 5)),
        },
    }
}

/// Describes a part of an `allOf`, without its parts if it is the whole.
fn part_of(part: &Node<'_>, depth: usize) -> String {
    match part.value.get("allOf") {
        Some(_) => "more properties".to_owned(),
        None if part.resolved().node.kind() == Kind::Union => {
            format!("one of ({})", type_of(part, depth - 1))
        }
        None => type_of(part, depth - 1),
    }
}

fn scalar(node: &Node<'_>, kind: Kind) -> String {
    let name = match kind {
        Kind::Boolean => "boolean",
        Kind::Integer => "integer",
        Kind::Number => "number",
        _ => "string",
    };
    match node.text("format") {
        Some(format) if !matches!(format, "double" | "integer") => format!("{name} ({format})"),
        _ => name.to_owned(),
    }
}

/// Formats the values of an enum.
pub(super) fn values(node: &Node<'_>) -> Vec<String> {
    node.values().into_iter().map(value).collect()
}

/// Formats a value: strings in backticks, everything else as JSON.
pub(super) fn value(value: &Value) -> String {
    match value {
        Value::String(text) => format!("`{text}`"),
        other => other.to_string(),
    }
}

/// Joins the first `most` words, and counts the others.
pub(super) fn listed(words: &[String], between: &str, most: usize) -> String {
    // "and 1 more" would not be shorter than the hidden word.
    if words.len() <= most.saturating_add(1) {
        return words.join(between);
    }
    format!(
        "{} and {} more",
        words[..most].join(between),
        words.len() - most
    )
}

/// Truncates long words in the middle. Generated schema names have up to a thousand letters.
pub(super) fn shortened(text: &str) -> String {
    const MOST: usize = 72;
    let short = |word: &str| {
        let letters: Vec<char> = word.chars().collect();
        if letters.len() <= MOST || word.starts_with('/') {
            return word.to_owned();
        }
        let start: String = letters[..MOST / 2].iter().collect();
        let end: String = letters[letters.len() - MOST / 3..].iter().collect();
        format!("{start}…{end}")
    };
    text.split(' ').map(short).collect::<Vec<_>>().join(" ")
}

/// Returns `1 change`, `2 changes`.
pub(super) fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}
