//! Operations, parameters, bodies, responses.

use serde_json::{Value, json};

use super::{
    super::change::{Change, Kind},
    answers, between, document, message, only, sends,
};
use crate::upstream::Keep;

fn of_paths(old: &Value, new: &Value) -> Vec<Change> {
    between(
        &document("1", old, &json!({})),
        &document("2", new, &json!({})),
    )
    .changes
}

/// Asserts the one change between two versions of an operation.
#[track_caller]
fn judged(old: &Value, new: &Value, kind: Kind, breaking: bool) -> String {
    let changes = of_paths(&json!({"/kites": old}), &json!({"/kites": new}));
    let change = only(&changes, kind);
    assert_eq!(change.breaking, breaking, "{change:?}");
    message(change)
}

fn with(key: &str, value: Value) -> Value {
    let mut item = answers(&json!({"type": "string"}));
    item["get"][key] = value;
    item
}

fn parameter(more: Value) -> Value {
    let mut parameter = json!({"name": "limit", "in": "query", "schema": {"type": "integer"}});
    for (key, value) in more.as_object().unwrap() {
        parameter[key] = value.clone();
    }
    with("parameters", json!([parameter]))
}

#[test]
fn a_removed_operation_breaks_and_a_new_one_does_not() {
    let kites = answers(&json!({"type": "string"}));
    let both = json!({"/kites": kites, "/winds": sends(&json!({"type": "string"}))});
    let one = json!({"/kites": kites});
    let changes = of_paths(&both, &one);
    assert!(only(&changes, Kind::OperationRemoved).breaking);
    let changes = of_paths(&one, &both);
    assert!(!only(&changes, Kind::OperationAdded).breaking);
}

#[test]
fn a_missing_kept_operation_is_a_breaking_change_and_not_an_error() {
    let item = answers(&json!({"type": "string"}));
    let old = document("1", &json!({"/v1/kites": item}), &json!({}));
    let new = document("2", &json!({"/v2/kites": item}), &json!({}));
    let keep = Keep::Some(vec!["get /v1/kites".into()]);
    let report = super::super::report("kites", &old, &new, &keep).unwrap();
    let change = only(&report.changes, Kind::OperationRemoved);
    assert_eq!(
        message(change),
        "removed; FILE has this operation id at get /v2/kites"
    );
    assert_eq!(report.beyond.count, 1);
}

#[test]
fn operations_without_an_id_are_distinct() {
    let mut item = answers(&json!({"type": "string"}));
    item["get"]
        .as_object_mut()
        .unwrap()
        .shift_remove("operationId");
    let changes = of_paths(&json!({"/a": item}), &json!({"/b": item}));
    assert_eq!(changes[0].kind, Kind::OperationRemoved);
    assert_eq!(message(&changes[0]), "removed");
}

#[test]
fn operations_that_are_not_kept_are_counted_and_named_beside_kept_ones() {
    let item = answers(&json!({"type": "string"}));
    let mut deprecated = item.clone();
    deprecated["get"]["deprecated"] = json!(true);
    let old = document(
        "1",
        &json!({"/p/{id}/fly/a": item, "/p/{id}/fly/b": item}),
        &json!({}),
    );
    let new = document(
        "2",
        &json!({"/p/{id}/fly/a": item, "/p/{id}/fly/b": item, "/p/{id}/fly/c": deprecated,
                "/p/{id}/x": item, "/p/{id}/y": item, "/q": item}),
        &json!({}),
    );
    let keep = Keep::Some(vec!["get /p/{id}/fly/a".into(), "get /p/{id}/fly/b".into()]);
    let report = super::super::report("kites", &old, &new, &keep).unwrap();
    assert!(report.changes.is_empty(), "{:#?}", report.changes);
    assert_eq!(report.beyond.count, 4);
    assert_eq!(
        report.beyond.near,
        ["get /p/{id}/fly/c (getKite, deprecated)"]
    );
}

#[test]
fn another_operation_id_is_reported() {
    let message = judged(
        &with("operationId", json!("getKite")),
        &with("operationId", json!("fetchKite")),
        Kind::OperationIdChanged,
        false,
    );
    assert!(
        message.starts_with("the operation id was `getKite`, is `fetchKite`"),
        "{message}"
    );
}

#[test]
fn another_name_of_a_path_parameter_is_the_same_operation() {
    let item = |name: &str| {
        with(
            "parameters",
            json!([{"name": name, "in": "path", "required": true,
                                   "schema": {"type": "string"}}]),
        )
    };
    let changes = of_paths(
        &json!({"/kites/{id}": item("id")}),
        &json!({"/kites/{kiteId}": item("kiteId")}),
    );
    let change = only(&changes, Kind::ParameterRenamed);
    assert!(!change.breaking);
    assert!(message(change).starts_with("path parameter `id`: renamed to path parameter `kiteId`"));
}

#[test]
fn deprecation_is_reported() {
    let (old, new) = (
        with("deprecated", json!(false)),
        with("deprecated", json!(true)),
    );
    assert_eq!(
        judged(&old, &new, Kind::DeprecatedChanged, false),
        "is now deprecated"
    );
}

#[test]
fn other_credentials_break_if_the_old_ones_are_refused() {
    let (one, two) = (json!([{"key": []}]), json!([{"key": []}, {"token": []}]));
    judged(
        &with("security", one.clone()),
        &with("security", two.clone()),
        Kind::SecurityChanged,
        false,
    );
    judged(
        &with("security", two),
        &with("security", one),
        Kind::SecurityChanged,
        true,
    );
}

#[test]
fn added_and_removed_parameters_are_reported() {
    let none = answers(&json!({"type": "string"}));
    let optional = parameter(json!({}));
    let required = parameter(json!({"required": true}));
    let added = judged(&none, &optional, Kind::ParameterAdded, false);
    assert_eq!(added, "query parameter `limit`: added, optional: integer");
    judged(&none, &required, Kind::ParameterAdded, true);
    judged(&optional, &none, Kind::ParameterRemoved, true);
    judged(&optional, &required, Kind::BecameRequired, true);
    judged(&required, &optional, Kind::BecameOptional, false);
}

#[test]
fn a_parameter_is_judged_as_a_request() {
    let integer = parameter(json!({}));
    let number = parameter(json!({"schema": {"type": "number"}}));
    judged(&integer, &number, Kind::TypeWidened, false);
    judged(&number, &integer, Kind::TypeNarrowed, true);
    judged(
        &integer,
        &parameter(json!({"deprecated": true})),
        Kind::DeprecatedChanged,
        false,
    );
}

#[test]
fn the_same_name_in_another_place_is_another_parameter() {
    let changes = of_paths(
        &json!({"/kites": parameter(json!({}))}),
        &json!({"/kites": parameter(json!({"in": "header"}))}),
    );
    let kinds: Vec<_> = changes.iter().map(|change| change.kind).collect();
    assert_eq!(kinds, [Kind::ParameterRemoved, Kind::ParameterAdded]);
}

#[test]
fn another_style_of_a_parameter_breaks_and_an_explicit_default_does_not() {
    let plain = parameter(json!({}));
    judged(
        &plain,
        &parameter(json!({"explode": false})),
        Kind::ParameterStyleChanged,
        true,
    );
    let spelt = parameter(json!({"style": "form", "explode": true}));
    assert!(of_paths(&json!({"/kites": plain}), &json!({"/kites": spelt})).is_empty());
}

#[test]
fn a_parameter_of_the_path_counts_for_its_operations() {
    let list = json!([{"name": "limit", "in": "query", "schema": {"type": "integer"}}]);
    let own = with("parameters", list.clone());
    let mut shared = answers(&json!({"type": "string"}));
    shared["parameters"] = list;
    assert!(of_paths(&json!({"/kites": own}), &json!({"/kites": shared})).is_empty());
}

#[test]
fn added_and_removed_bodies_are_reported() {
    let body = |required: bool| {
        let content = json!({"application/json": {"schema": {"type": "string"}}});
        with(
            "requestBody",
            json!({"required": required, "content": content}),
        )
    };
    let none = answers(&json!({"type": "string"}));
    judged(&none, &body(true), Kind::BodyAdded, true);
    judged(&none, &body(false), Kind::BodyAdded, false);
    judged(&body(false), &none, Kind::BodyRemoved, true);
    judged(&body(false), &body(true), Kind::BecameRequired, true);
    judged(&body(true), &body(false), Kind::BecameOptional, false);
}

#[test]
fn added_and_removed_media_types_are_reported() {
    let body = |types: &[&str]| {
        let content: Value = types
            .iter()
            .map(|name| ((*name).to_owned(), json!({})))
            .collect();
        with("requestBody", json!({"content": content}))
    };
    let (one, two) = (
        body(&["application/json"]),
        body(&["application/json", "text/csv"]),
    );
    judged(&one, &two, Kind::MediaTypeAdded, false);
    assert_eq!(
        judged(&two, &one, Kind::MediaTypeRemoved, true),
        "body: no longer text/csv: the client uses it"
    );
    let charset = body(&["application/json; charset=utf-8"]);
    assert!(of_paths(&json!({"/kites": one}), &json!({"/kites": charset})).is_empty());
}

#[test]
fn success_statuses_count_and_errors_do_not() {
    let item = |statuses: &[&str]| {
        let all = statuses
            .iter()
            .map(|status| ((*status).to_owned(), json!({"description": ""})));
        with("responses", all.collect())
    };
    judged(
        &item(&["200"]),
        &item(&["200", "202"]),
        Kind::ResponseAdded,
        true,
    );
    judged(
        &item(&["200", "202"]),
        &item(&["200"]),
        Kind::ResponseRemoved,
        true,
    );
    judged(
        &item(&["200"]),
        &item(&["200", "429"]),
        Kind::ResponseAdded,
        false,
    );
    judged(
        &item(&["200", "429"]),
        &item(&["200"]),
        Kind::ResponseRemoved,
        false,
    );
    let moved = judged(
        &item(&["200"]),
        &item(&["201"]),
        Kind::ResponseStatusChanged,
        true,
    );
    assert!(moved.starts_with("response 200: is now 201"), "{moved}");
}

#[test]
fn removed_response_headers_break_readers() {
    let item = |headers: Value| {
        with(
            "responses",
            json!({"200": {"description": "", "headers": headers}}),
        )
    };
    let none = item(json!({}));
    let header = |required: bool| {
        item(json!({"X-Next": {"required": required, "schema": {"type": "string"}}}))
    };
    judged(&none, &header(true), Kind::HeaderAdded, false);
    let removed = judged(&header(true), &none, Kind::HeaderRemoved, true);
    assert!(
        removed.starts_with("response 200, header `x-next`: removed"),
        "{removed}"
    );
    judged(&header(true), &header(false), Kind::BecameOptional, true);
    judged(&header(false), &header(true), Kind::BecameRequired, false);
}
