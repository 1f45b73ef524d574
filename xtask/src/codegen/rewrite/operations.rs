//! The operations of the document, with the facts that passes need. Each pass knows how many places
//! it must change, and fails on another number, because it does not match progenitor's output.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};
use heck::ToPascalCase as _;
use serde_json::Value;

use crate::{
    document::{self, METHODS},
    normalize::{self, NO_BODY, WIRE_NAME, snake},
};

/// An operation of a normalized document.
#[derive(Debug)]
pub(super) struct Operation {
    /// The name of its method.
    pub(super) id: String,
    /// The type of the builder.
    pub(super) builder: String,
    pub(super) parameters: Vec<Parameter>,
    pub(super) has_body: bool,
    /// The members of a body that is a JSON object, with the names of their setters, but without
    /// the underscore after a keyword.
    pub(super) members: Vec<Member>,
    /// The group of the operation in the documentation of the client.
    pub(super) group: Option<String>,
    pub(super) summary: Option<String>,
    pub(super) feature: Option<String>,
    /// The statuses of successes without a body, if others have one.
    pub(super) no_body: Vec<u16>,
    /// Whether a success is JSON.
    has_json: bool,
}

/// A member of a body.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) name: String,
    pub(super) is_required: bool,
}

/// A parameter, without the body.
#[derive(Debug)]
pub(super) struct Parameter {
    /// The name that progenitor generates, without the underscore after a keyword.
    pub(super) name: String,
    /// `path`, `query`, `header`.
    pub(super) place: String,
    pub(super) words: Option<String>,
    /// The name in the generated literal, and the name on the wire.
    pub(super) wire: Option<(String, String)>,
}

/// All operations, by the name of their builder.
pub(super) type Operations = BTreeMap<String, Operation>;

pub(super) fn of(document: &Value) -> Operations {
    let paths = document.get("paths").and_then(Value::as_object);
    let items = paths.into_iter().flatten();
    let operations = items.flat_map(|(_, item)| METHODS.iter().filter_map(|m| item.get(*m)));
    operations
        .map(|value| operation(document, value))
        .map(|operation| (operation.builder.clone(), operation))
        .collect()
}

fn operation(document: &Value, value: &Value) -> Operation {
    let id = value["operationId"].as_str().unwrap_or_default();
    let list = value.get("parameters").and_then(Value::as_array);
    let text = |pointer: &str| Some(value.pointer(pointer)?.as_str()?.to_owned());
    let statuses = value.get(NO_BODY).and_then(Value::as_array);
    Operation {
        id: snake(id),
        builder: id.to_pascal_case(),
        parameters: list.into_iter().flatten().map(parameter).collect(),
        has_body: value.get("requestBody").is_some(),
        members: members(document, value),
        group: text("/tags/0"),
        summary: text("/summary"),
        feature: normalize::feature(value).map(str::to_owned),
        no_body: statuses
            .into_iter()
            .flatten()
            .filter_map(|status| status.as_str()?.parse().ok())
            .collect(),
        has_json: has_json(value),
    }
}

/// Whether a success of an operation is JSON.
fn has_json(operation: &Value) -> bool {
    let responses = operation.get("responses").and_then(Value::as_object);
    responses.into_iter().flatten().any(|(status, response)| {
        status.starts_with('2') && response.pointer("/content/application~1json").is_some()
    })
}

/// Returns the properties of a body that is a JSON object. Empty if it is or may be anything else.
fn members(document: &Value, operation: &Value) -> Vec<Member> {
    let schema = operation.pointer("/requestBody/content/application~1json/schema");
    let mut found = Properties::default();
    if !schema.is_some_and(|schema| found.add(document, schema, 0)) {
        return Vec::new();
    }
    let Properties { names, required } = found;
    let member = |name: String| Member {
        is_required: required.contains(&name),
        name,
    };
    names.into_iter().map(member).collect()
}

/// The maximum depth to which references and parts of an `allOf` are followed.
const DEEPEST: usize = 16;

/// Returns the properties of a schema and of its parts.
#[derive(Default)]
struct Properties {
    names: Vec<String>,
    required: BTreeSet<String>,
}

impl Properties {
    /// Adds the properties of a schema. Returns whether it must be an object.
    fn add(&mut self, document: &Value, schema: &Value, depth: usize) -> bool {
        if depth == DEEPEST {
            return false;
        }
        let name = schema.get("$ref").and_then(Value::as_str);
        if let Some(name) = name.and_then(document::ref_name) {
            let schemas = document.pointer("/components/schemas");
            let target = schemas.and_then(|all| all.get(name));
            return target.is_some_and(|target| self.add(document, target, depth + 1));
        }
        let is_open = ["oneOf", "anyOf", "not", "enum"]
            .iter()
            .any(|key| schema.get(*key).is_some());
        if is_open || schema.get("nullable") == Some(&Value::Bool(true)) {
            return false;
        }
        let list = |key: &str| {
            schema
                .get(key)
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
        };
        let properties = schema.get("properties").and_then(Value::as_object);
        for (name, _) in properties.into_iter().flatten() {
            let name = snake(name);
            if !self.names.contains(&name) {
                self.names.push(name);
            }
        }
        let required = list("required").filter_map(Value::as_str);
        self.required.extend(required.map(snake));
        let ty = schema.get("type").and_then(Value::as_str);
        ty.is_none_or(|ty| ty == "object")
            && list("allOf").all(|part| self.add(document, part, depth + 1))
    }
}

fn parameter(value: &Value) -> Parameter {
    let text = |key: &str| value.get(key).and_then(Value::as_str);
    let name = text("name").unwrap_or_default();
    Parameter {
        name: snake(name),
        place: text("in").unwrap_or_default().to_owned(),
        words: text("description").map(str::to_owned),
        wire: text(WIRE_NAME).map(|wire| (name.to_owned(), wire.to_owned())),
    }
}

impl Operation {
    /// Whether every success has a JSON body, so that it can be decoded as any type.
    pub(super) fn has_one_type(&self) -> bool {
        self.has_json && self.no_body.is_empty()
    }

    pub(super) fn count_in(&self, place: &str) -> usize {
        let here = |parameter: &&Parameter| parameter.place == place;
        self.parameters.iter().filter(here).count()
    }
}

/// Fails unless a pass changed the expected number of places.
pub(super) fn exactly(pass: &str, wanted: usize, found: usize) -> Result<()> {
    if wanted != found {
        bail!(
            "rewrite: {pass}: expected {wanted} changes, made {found}; the pass in \
             xtask/src/codegen/rewrite does not match this version of progenitor"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn members_of(schema: Value) -> Vec<(String, bool)> {
        let document = json!({
            "paths": {"/a": {"post": {"operationId": "run", "requestBody": {"content": {
                "application/json": {"schema": {"$ref": "#/components/schemas/A"}}}}}}},
            "components": {"schemas": {"A": schema,
                "B": {"type": "object", "properties": {"sqlText": {}}, "required": ["sqlText"]}}}});
        let members = of(&document)
            .remove("Run")
            .map(|operation| operation.members);
        let members = members.unwrap_or_default().into_iter();
        members
            .map(|member| (member.name, member.is_required))
            .collect()
    }

    #[test]
    fn a_body_has_the_members_of_all_parts() {
        let parts = json!({"allOf": [{"$ref": "#/components/schemas/B"},
            {"type": "object", "properties": {"limit": {}, "sqlText": {}}}]});
        let wanted = [("sql_text".to_owned(), true), ("limit".to_owned(), false)];
        assert_eq!(members_of(parts), wanted);
    }

    #[test]
    fn a_body_that_may_not_be_an_object_has_no_members() {
        for schema in [
            json!({"oneOf": [{"$ref": "#/components/schemas/B"}]}),
            json!({"type": "array", "items": {"$ref": "#/components/schemas/B"}}),
            json!({"allOf": [{"$ref": "#/components/schemas/B"}], "nullable": true}),
            json!({"$ref": "#/components/schemas/A"}),
        ] {
            assert_eq!(members_of(schema), []);
        }
    }
}
