//! Rules about responses: progenitor takes one type for all successes and one for all errors of an
//! operation, and panics where a document declares more.

use anyhow::{Result, bail};
use serde_json::{Map, Value, json};

use super::operations;

/// progenitor counts `default` among the successes too, and panics when its type differs.
pub(super) fn a_default_response_is_an_error(document: &mut Value) -> Result<()> {
    for_each_responses(document, &mut |_, responses| {
        if let Some(default) = responses.shift_remove("default") {
            for range in ["4XX", "5XX"] {
                responses.entry(range).or_insert_with(|| default.clone());
            }
        }
        Ok(())
    })
}

/// Several successes with one schema become the first of them.
pub(super) fn equal_successes_become_one(document: &mut Value) -> Result<()> {
    for_each_responses(document, &mut |operation, responses| {
        let successes: Vec<String> = statuses(responses, &['2']);
        let Some((first, others)) = successes.split_first() else {
            bail!("{operation} declares no success");
        };
        if others.is_empty() {
            return Ok(());
        }
        let content = responses[first].get("content").cloned();
        if others
            .iter()
            .any(|other| responses[other].get("content") != content.as_ref())
        {
            bail!(
                "{operation} declares successes of different types ({}); the overlay must choose",
                successes.join(", ")
            );
        }
        let response = responses[first].clone();
        for status in &successes {
            responses.shift_remove(status);
        }
        responses.shift_insert(0, "2XX".into(), response);
        Ok(())
    })
}

/// All error statuses, those a document forgot included, answer with one schema: the document's
/// `x-error-schema` where the overlay names one, else the operation's own.
pub(super) fn errors_share_one_schema(document: &mut Value) -> Result<()> {
    let chosen = document
        .get("x-error-schema")
        .and_then(Value::as_str)
        .map(|name| {
            json!({"description": "", "content": {"application/json": {
            "schema": {"$ref": format!("#/components/schemas/{name}")}}}})
        });
    for_each_responses(document, &mut |operation, responses| {
        let errors = statuses(responses, &['4', '5']);
        let response = match (&chosen, errors.first()) {
            (Some(chosen), _) => chosen.clone(),
            (None, None) => return Ok(()),
            (None, Some(first)) => {
                let content = responses[first].get("content").cloned();
                if errors
                    .iter()
                    .any(|e| responses[e].get("content") != content.as_ref())
                {
                    bail!(
                        "{operation} declares errors of different types ({}); \
                         the overlay must name one with x-error-schema",
                        errors.join(", ")
                    );
                }
                responses[first].clone()
            }
        };
        for status in &errors {
            responses.shift_remove(status);
        }
        for range in ["4XX", "5XX"] {
            responses.insert(range.into(), response.clone());
        }
        Ok(())
    })
}

fn statuses(responses: &Map<String, Value>, classes: &[char]) -> Vec<String> {
    responses
        .keys()
        .filter(|status| status.starts_with(classes))
        .cloned()
        .collect()
}

fn for_each_responses(
    document: &mut Value,
    visit: &mut impl FnMut(&str, &mut Map<String, Value>) -> Result<()>,
) -> Result<()> {
    let mut result = Ok(());
    operations::for_each(document, &mut |path, method, operation| {
        if result.is_ok()
            && let Some(Value::Object(responses)) = operation.get_mut("responses")
        {
            result = visit(&format!("{} {path}", method.to_uppercase()), responses);
        }
    });
    result
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn with(responses: Value) -> Value {
        json!({"paths": {"/a": {"get": {"responses": responses}}}})
    }

    fn body(schema: &str) -> Value {
        json!({"content": {"application/json": {"schema": {"$ref": schema}}}})
    }

    fn keys(document: &Value) -> Vec<&str> {
        let responses = document["paths"]["/a"]["get"]["responses"]
            .as_object()
            .unwrap();
        responses.keys().map(String::as_str).collect()
    }

    #[test]
    fn default_becomes_both_error_classes() {
        let mut document = with(json!({"200": body("A"), "default": body("E")}));
        a_default_response_is_an_error(&mut document).unwrap();
        assert_eq!(keys(&document), ["200", "4XX", "5XX"]);
    }

    #[test]
    fn two_equal_successes_are_one_and_different_ones_an_error() {
        let mut document = with(json!({"200": body("A"), "201": body("A")}));
        equal_successes_become_one(&mut document).unwrap();
        assert_eq!(keys(&document), ["2XX"]);
        let mut document = with(json!({"200": body("A"), "201": body("B")}));
        let error = equal_successes_become_one(&mut document)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("GET /a") && error.contains("200, 201"),
            "{error}"
        );
    }

    #[test]
    fn errors_of_one_class_cover_both() {
        let mut document = with(json!({"200": body("A"), "404": body("E")}));
        errors_share_one_schema(&mut document).unwrap();
        assert_eq!(keys(&document), ["200", "4XX", "5XX"]);
    }

    #[test]
    fn the_named_error_schema_wins_over_all() {
        let mut document = with(json!({"200": body("A"), "400": body("E"), "404": body("F")}));
        assert!(errors_share_one_schema(&mut document.clone()).is_err());
        document["x-error-schema"] = json!("Chosen");
        errors_share_one_schema(&mut document).unwrap();
        let responses = &document["paths"]["/a"]["get"]["responses"];
        let schema = &responses["5XX"]["content"]["application/json"]["schema"];
        assert_eq!(schema["$ref"], "#/components/schemas/Chosen");
        assert_eq!(keys(&document), ["200", "4XX", "5XX"]);
    }
}
