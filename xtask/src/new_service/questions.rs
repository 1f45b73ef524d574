//! The open questions about a document, with the possible answers.

use std::{collections::BTreeMap, fmt::Write as _};

use serde_json::{Value, json};

use crate::{
    codegen::TODO,
    document::{METHODS, ref_name},
    normalize, text,
};

/// The initial overlay of a service.
pub(super) struct Questions {
    pub(super) overlay: String,
    pub(super) count: usize,
    /// See `Plan`.
    pub(super) error: (String, Option<String>),
}

/// Quotes text for YAML, in which JSON strings are valid.
fn quoted(text: &str) -> String {
    json!(text).to_string()
}

pub(super) fn of(upstream: &Value, facts: &Value) -> Questions {
    let title = text::shown(
        facts
            .pointer("/info/title")
            .and_then(Value::as_str)
            .unwrap_or(""),
    );
    let version = text::shown(
        facts
            .pointer("/info/version")
            .and_then(Value::as_str)
            .unwrap_or(""),
    );
    let mut out = format!(
        "overlay: 1.0.0\ninfo:\n  title: {}\n  version: {}\n\nactions:\n",
        quoted(&format!("Corrections, names and documentation of {title}")),
        quoted(&version)
    );
    let mut count = 0;
    let error = errors(facts, &mut out);
    count += 1;
    let keys = credentials(upstream);
    if !keys.is_empty() {
        // Writing to a String does not fail.
        let _ = write!(
            out,
            "\n  - target: $\n    description: The client sends the credential.\n    \
             update:\n      x-credentials: {}\n",
            json!(keys)
        );
    }
    for (path, method, operation) in operations(facts) {
        let Some(choices) = mixed_successes(operation) else {
            continue;
        };
        count += 1;
        let target = format!("$.paths[{}].{method}", single_quoted(path));
        let _ = write!(
            out,
            "\n  - target: {}\n    description: The operation has several successful responses.\n    update:\n      \
             # The status whose body to use, or `union`. The responses: {}\n      x-success: {TODO}\n",
            quoted(&target),
            text::shown(&choices)
        );
    }
    Questions {
        overlay: out,
        count,
        error,
    }
}

/// Quotes a name for a JSONPath.
fn single_quoted(name: &str) -> String {
    format!("'{}'", name.replace('\\', "\\\\").replace('\'', "\\'"))
}

fn operations(facts: &Value) -> impl Iterator<Item = (&String, &'static str, &Value)> {
    let paths = facts.get("paths").and_then(Value::as_object);
    paths.into_iter().flatten().flat_map(|(path, item)| {
        METHODS
            .iter()
            .filter_map(move |method| Some((path, *method, item.get(*method)?)))
    })
}

/// Adds the question for the error schema. Its proposed answer is the most frequent schema.
fn errors(facts: &Value, out: &mut String) -> (String, Option<String>) {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut operations_with = 0;
    for (_, _, operation) in operations(facts) {
        operations_with += 1;
        let responses = operation.get("responses").and_then(Value::as_object);
        let mut here: Vec<&str> = responses
            .into_iter()
            .flatten()
            .filter(|(status, _)| status.starts_with(['4', '5', 'd']))
            .filter_map(|(_, response)| {
                let schema = response.pointer("/content/application~1json/schema")?;
                ref_name(schema.get("$ref")?.as_str()?)
            })
            .collect();
        here.sort_unstable();
        here.dedup();
        for name in here {
            *counts.entry(name).or_default() += 1;
        }
    }
    let error_named = |name: &str| name.to_lowercase().contains("error");
    let best = counts
        .iter()
        .max_by_key(|(name, count)| (**count, error_named(name), std::cmp::Reverse(name.len())));
    let Some((name, count)) = best else {
        let _ = write!(
            out,
            "  - target: $.components.schemas\n    description: >-\n      {TODO}: the document \
             declares no error body. Describe the body that the service sends, and name\n      \
             the source.\n    update:\n      Failure:\n        type: object\n        \
             description: An error.\n        properties:\n          message:\n            \
             type: string\n            description: The error message.\n\n  - target: $\n    \
             description: Every error has this body.\n    update:\n      x-error-schema: Failure\n"
        );
        return ("Failure".to_owned(), Some("message?".to_owned()));
    };
    let others: Vec<String> = counts
        .iter()
        .filter(|(other, _)| *other != name)
        .map(|(other, count)| format!("{other} ({count})"))
        .collect();
    let others = if others.is_empty() {
        "No other schema is declared.".to_owned()
    } else {
        format!("Others: {}.", others.join(", "))
    };
    let _ = write!(
        out,
        "  - target: $\n    # Declared by {count} of {operations_with} operations. {}\n    \
         description: >-\n      {TODO}: name the source which says that every error has this body.\n    \
         update:\n      x-error-schema: {}\n",
        text::shown(&others),
        quoted(name)
    );
    let schema = &facts["components"]["schemas"][*name];
    (normalize::type_name(name), message(schema))
}

/// Returns the property of an error with the message.
fn message(schema: &Value) -> Option<String> {
    let properties = schema.get("properties")?.as_object()?;
    let required = schema.get("required").and_then(Value::as_array);
    let candidates = ["message", "error", "detail", "description", "title"];
    let name = candidates.into_iter().find(|name| {
        properties
            .get(*name)
            .is_some_and(|property| property.get("type") == Some(&json!("string")))
    })?;
    let is_required = required.is_some_and(|list| list.contains(&json!(name)))
        && properties[name].get("nullable") != Some(&json!(true));
    // A trailing `?` marks an optional property.
    Some(if is_required {
        name.to_owned()
    } else {
        format!("{name}?")
    })
}

/// Returns the statuses of an operation whose successful responses have different bodies.
fn mixed_successes(operation: &Value) -> Option<String> {
    let responses = operation.get("responses")?.as_object()?;
    let bodies: Vec<(&String, &Value)> = responses
        .iter()
        .filter(|(status, _)| status.starts_with('2'))
        .filter_map(|(status, response)| Some((status, response.get("content")?)))
        .collect();
    let (_, first) = bodies.first()?;
    if bodies.iter().all(|(_, body)| body == first) {
        return None;
    }
    let shown = bodies.iter().map(|(status, body)| {
        let schema = body.pointer("/application~1json/schema/$ref");
        let name = schema.and_then(Value::as_str).and_then(ref_name);
        format!("{status} with {}", name.unwrap_or("an inline schema"))
    });
    Some(shown.collect::<Vec<_>>().join(", "))
}

fn schemes(upstream: &Value) -> impl Iterator<Item = &Value> {
    let schemes = upstream.pointer("/components/securitySchemes");
    let schemes = schemes.and_then(Value::as_object);
    schemes.into_iter().flat_map(|schemes| schemes.values())
}

/// Returns `header X-Api-Key` for every API key that is sent as a parameter.
fn credentials(upstream: &Value) -> Vec<String> {
    let text = |scheme: &Value, key: &str| scheme.get(key)?.as_str().map(str::to_owned);
    let keys = schemes(upstream).filter(|scheme| scheme["type"] == "apiKey");
    let keys = keys.filter_map(|key| Some(format!("{} {}", text(key, "in")?, text(key, "name")?)));
    let known = |key: &String| {
        ["header ", "query ", "cookie "]
            .iter()
            .any(|p| key.starts_with(p))
    };
    keys.filter(known)
        .filter(|key| !key.chars().any(text::is_control))
        .collect()
}

/// Returns the header of the credential, and the prefix of its value.
pub(super) fn credential(upstream: &Value) -> (String, String) {
    let is_bearer = |scheme: &&Value| scheme["type"] == "http" && scheme["scheme"] == "bearer";
    let header = schemes(upstream)
        .filter(|scheme| scheme["type"] == "apiKey" && scheme["in"] == "header")
        .find_map(|scheme| scheme.get("name")?.as_str())
        .map(str::to_ascii_lowercase)
        .filter(|name| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'));
    match header {
        Some(header) if !schemes(upstream).any(|scheme| is_bearer(&scheme)) => {
            (header, String::new())
        }
        _ => ("authorization".to_owned(), "Bearer ".to_owned()),
    }
}
