//! Rules for operations: ids, parameters, request bodies.

use std::collections::HashSet;

use anyhow::Result;
use heck::ToSnakeCase as _;
use serde_json::{Map, Value, json};

use crate::document::METHODS;

/// Returns the cargo feature that an operation requires.
pub(crate) fn feature(operation: &Value) -> Option<&str> {
    operation.get("x-feature").and_then(Value::as_str)
}

/// Calls `visit` with path, method and operation, for every operation.
pub(super) fn for_each(
    document: &mut Value,
    visit: &mut impl FnMut(&str, &str, &mut Map<String, Value>),
) {
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    for (path, item) in paths.into_iter().flatten() {
        for method in METHODS {
            if let Some(Value::Object(operation)) = item.get_mut(method) {
                visit(path, method, operation);
            }
        }
    }
}

/// Declares bodies of `*/*` as JSON. Go swag writes `*/*` for JSON, and progenitor fails with
/// "unexpected content type".
pub(super) fn bodies_of_any_type_are_json(document: &mut Value) -> Result<()> {
    for_each(document, &mut |_, _, operation| {
        let content = operation
            .get_mut("requestBody")
            .and_then(|body| body.get_mut("content"))
            .and_then(Value::as_object_mut);
        if let Some(content) = content
            && let Some(body) = content.shift_remove("*/*")
        {
            content.insert("application/json".into(), body);
        }
    });
    Ok(())
}

/// Keeps only JSON among several media types of a body. progenitor accepts one media type, and JSON
/// has types.
pub(super) fn a_body_that_may_be_json_is_json(document: &mut Value) -> Result<()> {
    for_each(document, &mut |_, _, operation| {
        let content = operation
            .get_mut("requestBody")
            .and_then(|body| body.get_mut("content"))
            .and_then(Value::as_object_mut);
        if let Some(content) = content
            && content.len() > 1
            && let Some(json) = content.keys().find(|media| is_json(media)).cloned()
        {
            content.retain(|media, _| *media == json);
        }
    });
    Ok(())
}

pub(super) fn is_json(media: &str) -> bool {
    let essence = media.split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}

/// Keeps a header parameter that would be removed: a body of bytes needs its actual content type.
const KEEP: &str = "x-keep";

/// Headers that OpenAPI ignores as parameters.
const NOT_PARAMETERS: [&str; 3] = [
    "header authorization",
    "header accept",
    "header content-type",
];

/// Removes the parameters that hold a credential, which `x-credentials` of the document lists. Each
/// would be an argument of every call, and `Debug` output would contain the key.
pub(super) fn credentials_are_not_parameters(document: &mut Value) -> Result<()> {
    let list = document.get_mut("x-credentials").map(Value::take);
    if let Some(document) = document.as_object_mut() {
        document.shift_remove("x-credentials");
    }
    let list = list
        .and_then(|list| list.as_array().cloned())
        .unwrap_or_default();
    let mut gone: HashSet<String> = list
        .iter()
        .filter_map(|entry| Some(entry.as_str()?.to_ascii_lowercase()))
        .collect();
    gone.extend(NOT_PARAMETERS.map(str::to_owned));
    for_each_parameter_list(document, &mut |_, parameters| {
        parameters.retain(|parameter| {
            let text = |key| {
                parameter
                    .get(key)
                    .and_then(Value::as_str)
                    .unwrap_or_default()
            };
            let name = text("name").to_ascii_lowercase();
            parameter.get(KEEP) == Some(&Value::Bool(true))
                || !gone.contains(&format!("{} {name}", text("in")))
        });
    });
    Ok(())
}

/// Makes the declared path parameters match the path. progenitor silently ignores a parameter that
/// the path does not have, and panics on an undeclared one.
pub(super) fn path_parameters_match_the_path(document: &mut Value) -> Result<()> {
    for_each_parameter_list(document, &mut |path, parameters| {
        let in_path = path_parameters(path);
        parameters.retain(|parameter| {
            parameter["in"] != "path"
                || parameter["name"]
                    .as_str()
                    .is_some_and(|n| in_path.contains(&n))
        });
    });
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    for (path, item) in paths.into_iter().flatten() {
        let shared = declared(item.get("parameters"));
        for method in METHODS {
            let Some(Value::Object(operation)) = item.get_mut(method) else {
                continue;
            };
            let own = declared(operation.get("parameters"));
            for name in path_parameters(path) {
                if !own.contains(name) && !shared.contains(name) {
                    let parameter = json!({
                        "name": name, "in": "path", "required": true,
                        "schema": {"type": "string"}
                    });
                    let list = operation.entry("parameters").or_insert_with(|| json!([]));
                    if let Value::Array(list) = list {
                        list.push(parameter);
                    }
                }
            }
        }
    }
    Ok(())
}

/// Gives every operation a distinct id. progenitor fails on a missing id, and generates conflicting
/// code for a duplicate one.
pub(super) fn every_operation_has_its_own_id(document: &mut Value) -> Result<()> {
    let mut taken = HashSet::new();
    for_each(document, &mut |path, method, operation| {
        let from_path = || {
            let words = path.replace(['{', '}'], " ");
            format!("{method} {words}").to_snake_case()
        };
        let wanted = match operation.get("operationId").and_then(Value::as_str) {
            Some(id) => id.to_snake_case(),
            None => from_path(),
        };
        let id = if taken.contains(&wanted) {
            from_path()
        } else {
            wanted
        };
        taken.insert(id.clone());
        operation.insert("operationId".into(), json!(id));
    });
    Ok(())
}

fn for_each_parameter_list(document: &mut Value, visit: &mut impl FnMut(&str, &mut Vec<Value>)) {
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    for (path, item) in paths.into_iter().flatten() {
        if let Some(Value::Array(list)) = item.get_mut("parameters") {
            visit(path, list);
        }
        for method in METHODS {
            let list = item.get_mut(method).and_then(|o| o.get_mut("parameters"));
            if let Some(Value::Array(list)) = list {
                visit(path, list);
            }
        }
    }
}

fn path_parameters(path: &str) -> Vec<&str> {
    path.split('{')
        .skip(1)
        .filter_map(|rest| Some(rest.split_once('}')?.0))
        .collect()
}

fn declared(list: Option<&Value>) -> HashSet<String> {
    let parameters = list.and_then(Value::as_array).into_iter().flatten();
    parameters
        .filter(|parameter| parameter["in"] == "path")
        .filter_map(|parameter| Some(parameter["name"].as_str()?.to_owned()))
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn document(path: &str, operation: Value) -> Value {
        json!({"paths": {path: {"post": operation}}})
    }

    #[test]
    fn a_body_of_any_type_is_json() {
        let body = json!({"content": {"*/*": {"schema": {}}}});
        let mut document = document("/a", json!({"requestBody": body}));
        bodies_of_any_type_are_json(&mut document).unwrap();
        let content = &document["paths"]["/a"]["post"]["requestBody"]["content"];
        assert_eq!(content, &json!({"application/json": {"schema": {}}}));
    }

    #[test]
    fn json_is_chosen_among_several_bodies() {
        let body = json!({"content": {"text/plain": {}, "application/json": {"schema": {}}}});
        let mut document = document("/a", json!({"requestBody": body}));
        a_body_that_may_be_json_is_json(&mut document).unwrap();
        let content = &document["paths"]["/a"]["post"]["requestBody"]["content"];
        assert_eq!(content, &json!({"application/json": {"schema": {}}}));
    }

    #[test]
    fn credentials_and_content_types_are_not_parameters() {
        let parameters = json!([
            {"in": "header", "name": "X-Dune-Api-Key"},
            {"in": "query", "name": "api_key"},
            {"in": "header", "name": "Content-Type"},
            {"in": "query", "name": "limit"},
            {"in": "header", "name": "Content-Type", "x-keep": true},
        ]);
        let mut document = document("/a", json!({"parameters": parameters}));
        document["x-credentials"] = json!(["header X-Dune-API-Key", "query api_key"]);
        credentials_are_not_parameters(&mut document).unwrap();
        let left = &document["paths"]["/a"]["post"]["parameters"];
        let kept = json!({"in": "header", "name": "Content-Type", "x-keep": true});
        assert_eq!(left, &json!([{"in": "query", "name": "limit"}, kept]));
    }

    #[test]
    fn path_parameters_are_made_to_match_the_path() {
        let parameters = json!([{"in": "path", "name": "stray"}]);
        let mut document = document("/a/{id}", json!({"parameters": parameters}));
        path_parameters_match_the_path(&mut document).unwrap();
        let left = document["paths"]["/a/{id}"]["post"]["parameters"]
            .as_array()
            .unwrap();
        assert_eq!(left.len(), 1);
        assert_eq!(left[0]["name"], "id");
    }

    #[test]
    fn missing_and_duplicate_ids_are_derived_from_the_path() {
        let mut document = json!({"paths": {
            "/a/{b}": {"get": {}},
            "/c": {"get": {"operationId": "listThings"}},
            "/d": {"get": {"operationId": "listThings"}},
        }});
        every_operation_has_its_own_id(&mut document).unwrap();
        assert_eq!(document["paths"]["/a/{b}"]["get"]["operationId"], "get_a_b");
        assert_eq!(document["paths"]["/c"]["get"]["operationId"], "list_things");
        assert_eq!(document["paths"]["/d"]["get"]["operationId"], "get_d");
    }
}
