//! Rules for responses. progenitor supports one type for all successes of an operation and one for
//! all errors, and panics on more.

use anyhow::{Result, bail};
use serde_json::{Map, Value, json};

use super::operations;
use crate::document::pointer_segment;

/// Makes a `default` response an error. progenitor also treats it as a success, and panics if its
/// type differs.
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

/// On an operation that returns an `Option`: the statuses without a body.
pub(crate) const NO_BODY: &str = "x-no-body";

/// Merges the successes of an operation.
///
/// Successes with equal schemas need no choice. If some have a body and others, such as 204, have
/// none, the operation returns an `Option`. For other mixtures the overlay chooses: `x-success:
/// "200"` selects the schema of that status, and `x-success: union` selects all schemas.
pub(super) fn successes_become_one(document: &mut Value) -> Result<()> {
    for_each_operation(document, &mut |shown, operation| {
        let choice = operation.shift_remove("x-success");
        let Some(Value::Object(responses)) = operation.get_mut("responses") else {
            return Ok(());
        };
        let successes = statuses(responses, &['2']);
        let Some(first) = successes.first() else {
            bail!("{shown} declares no success; declare one in the overlay");
        };
        let choice = choice.as_ref().and_then(Value::as_str);
        if successes.len() == 1 && choice.is_none() {
            return Ok(());
        }
        let has_body = |status: &String| {
            let content = responses[status].get("content").and_then(Value::as_object);
            content.is_some_and(|content| !content.is_empty())
        };
        let (full, empty): (Vec<_>, Vec<_>) = successes.iter().partition(|s| has_body(s));
        let content = |status: &String| responses[status]["content"].clone();
        let mut response = match (choice, full.as_slice()) {
            (Some("union"), [_, ..]) => {
                let schemas = full.iter().map(|status| {
                    let content = content(status);
                    let json = content.as_object()?.iter();
                    let mut json = json.filter(|(media, _)| operations::is_json(media));
                    json.next()?.1.get("schema").cloned()
                });
                let Some(arms) = schemas.collect::<Option<Vec<_>>>() else {
                    bail!("{shown}: x-success: union requires JSON bodies");
                };
                json!({"description": "", "content": {"application/json": {
                    "schema": {"oneOf": arms}}}})
            }
            (Some(chosen), _) => match responses.get(chosen) {
                Some(response) => response.clone(),
                None => bail!(
                    "{shown}: x-success is {chosen:?}, but the successes are {}",
                    successes.join(", ")
                ),
            },
            (None, []) => responses[first].clone(),
            (None, [one, others @ ..]) => {
                if others.iter().any(|other| content(other) != content(one)) {
                    bail!(
                        "{shown} declares successes of different types ({}); choose with \
                         x-success on the operation: a status, or union",
                        successes.join(", ")
                    );
                }
                responses[*one].clone()
            }
        };
        let mut without_body = None;
        if !full.is_empty() && !empty.is_empty() {
            let schema = response
                .get_mut("content")
                .and_then(|content| content.get_mut("application/json"))
                .and_then(|json| json.get_mut("schema"));
            let (Some(schema), false) = (schema, empty.iter().any(|s| s.contains(['X', 'x'])))
            else {
                bail!(
                    "{shown}: some successes have a body and others have none ({}); this needs \
                     JSON bodies and numeric statuses; correct them in the overlay",
                    successes.join(", ")
                );
            };
            *schema = json!({"allOf": [schema.take()], "nullable": true});
            without_body = Some(json!(empty));
        }
        for status in &successes {
            responses.shift_remove(status);
        }
        responses.shift_insert(0, "2XX".into(), response);
        if let Some(statuses) = without_body {
            operation.insert(NO_BODY.into(), statuses);
        }
        Ok(())
    })
}

/// Gives all error statuses, including undeclared ones, one schema: the `x-error-schema` of the
/// document if the overlay names one, else the schema of the operation.
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
                         choose one in the overlay with x-error-schema",
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
    for_each_operation(
        document,
        &mut |shown, operation| match operation.get_mut("responses") {
            Some(Value::Object(responses)) => visit(shown, responses),
            _ => Ok(()),
        },
    )
}

/// Calls `visit` for every operation, with its pointer and name for errors.
fn for_each_operation(
    document: &mut Value,
    visit: &mut impl FnMut(&str, &mut Map<String, Value>) -> Result<()>,
) -> Result<()> {
    let mut result = Ok(());
    operations::for_each(document, &mut |path, method, operation| {
        if result.is_ok() {
            let id = operation.get("operationId").and_then(Value::as_str);
            let shown = format!(
                "/paths/{}/{method}: {} ({} {path})",
                pointer_segment(path),
                id.unwrap_or("an operation without an id"),
                method.to_uppercase()
            );
            result = visit(&shown, operation);
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
    fn a_default_response_becomes_both_error_classes() {
        let mut document = with(json!({"200": body("A"), "default": body("E")}));
        a_default_response_is_an_error(&mut document).unwrap();
        assert_eq!(keys(&document), ["200", "4XX", "5XX"]);
    }

    #[test]
    fn equal_successes_are_merged_and_different_ones_are_an_error() {
        let mut document = with(json!({"200": body("A"), "201": body("A")}));
        successes_become_one(&mut document).unwrap();
        assert_eq!(keys(&document), ["2XX"]);
        let mut document = with(json!({"200": body("A"), "201": body("B")}));
        let error = successes_become_one(&mut document).unwrap_err().to_string();
        assert!(
            error.contains("GET /a") && error.contains("200, 201"),
            "{error}"
        );
    }

    #[test]
    fn a_success_without_a_body_makes_the_response_optional() {
        let mut document = with(json!({"200": body("A"), "204": {"description": ""}}));
        successes_become_one(&mut document).unwrap();
        let operation = &document["paths"]["/a"]["get"];
        let schema = &operation["responses"]["2XX"]["content"]["application/json"]["schema"];
        assert_eq!(schema, &json!({"allOf": [{"$ref": "A"}], "nullable": true}));
        assert_eq!(operation[NO_BODY], json!(["204"]));

        let csv = json!({"content": {"text/csv": {}}});
        let mut document = with(json!({"200": csv, "204": {"description": ""}}));
        let said = successes_become_one(&mut document).unwrap_err().to_string();
        assert!(said.contains("this needs JSON bodies"), "{said}");
    }

    #[test]
    fn the_overlay_chooses_among_successes() {
        let chosen = |choice: &str| {
            let mut document = with(json!({"200": body("A"), "202": body("B")}));
            document["paths"]["/a"]["get"]["x-success"] = json!(choice);
            successes_become_one(&mut document).map(|()| {
                let responses = &document["paths"]["/a"]["get"]["responses"];
                responses["2XX"]["content"]["application/json"]["schema"].clone()
            })
        };
        assert_eq!(chosen("202").unwrap(), json!({"$ref": "B"}));
        let union = json!({"oneOf": [{"$ref": "A"}, {"$ref": "B"}]});
        assert_eq!(chosen("union").unwrap(), union);
        let said = chosen("206").unwrap_err().to_string();
        assert!(said.contains("the successes are 200, 202"), "{said}");
    }

    #[test]
    fn errors_of_one_class_apply_to_both() {
        let mut document = with(json!({"200": body("A"), "404": body("E")}));
        errors_share_one_schema(&mut document).unwrap();
        assert_eq!(keys(&document), ["200", "4XX", "5XX"]);
    }

    #[test]
    fn the_chosen_error_schema_replaces_all() {
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
