//! Tests of each rule on a minimal document.

#![allow(clippy::unwrap_used)]

mod files;
mod likeness;
mod operations;
mod schemas;
mod structure;
mod text;

use serde_json::{Value, json};

use super::{
    Report,
    change::{Change, Kind},
    report,
};
use crate::upstream::Keep;

/// A document with these paths and schemas.
fn document(version: &str, paths: &Value, schemas: &Value) -> Value {
    json!({
        "openapi": "3.0.3",
        "info": {"title": "Kites", "version": version},
        "paths": paths,
        "components": {"schemas": schemas}
    })
}

/// An operation whose body has this schema.
fn sends(schema: &Value) -> Value {
    json!({"post": {
        "operationId": "flyKite",
        "requestBody": {"required": true, "content": {"application/json": {"schema": schema}}},
        "responses": {"204": {"description": ""}}
    }})
}

/// An operation whose response has this schema.
fn answers(schema: &Value) -> Value {
    json!({"get": {
        "operationId": "getKite",
        "responses": {"200": {"description": "", "content": {
            "application/json": {"schema": schema}}}}
    }})
}

fn between(old: &Value, new: &Value) -> Report {
    report("kites", old, new, &Keep::All).unwrap()
}

fn in_requests(old: &Value, new: &Value) -> Vec<Change> {
    let side = |schema| document("1", &json!({"/kites": sends(schema)}), &json!({}));
    between(&side(old), &side(new)).changes
}

fn in_responses(old: &Value, new: &Value) -> Vec<Change> {
    let side = |schema| document("1", &json!({"/kites": answers(schema)}), &json!({}));
    between(&side(old), &side(new)).changes
}

/// A document with `#/components/schemas/Kite` in a request, a response, or both.
fn of_schemas(paths: &Value, old: &Value, new: &Value) -> Vec<Change> {
    between(&document("1", paths, old), &document("2", paths, new)).changes
}

/// The only change of its kind.
fn only(changes: &[Change], kind: Kind) -> &Change {
    match changes {
        [one] if one.kind == kind => one,
        _ => panic!("expected one {kind:?}, found {changes:#?}"),
    }
}

fn message(change: &Change) -> String {
    change.words.shown(usize::MAX)
}

fn kite(schema: &Value) -> Value {
    json!({"Kite": schema})
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// Asserts the kind of the only change between two schemas, and whether it breaks requests and
/// responses.
#[track_caller]
fn judged(old: Value, new: Value, kind: Kind, in_request: bool, in_response: bool) -> [String; 2] {
    let (sent, read) = (in_requests(&old, &new), in_responses(&old, &new));
    let (sent, read) = (only(&sent, kind), only(&read, kind));
    assert_eq!(sent.breaking, in_request, "in a request: {sent:?}");
    assert_eq!(read.breaking, in_response, "in a response: {read:?}");
    [message(sent), message(read)]
}
