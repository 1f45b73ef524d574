//! The output: short text and stable JSON.

use serde_json::{Value, json};

use super::{
    super::{Report, render},
    answers, between, document, reference, sends,
};

fn paths() -> Value {
    json!({"/kites": sends(&reference("Order")), "/kites/all": answers(&reference("Kite"))})
}

fn sample() -> Report {
    let string = json!({"type": "string"});
    let old = json!({
        "Order": {"type": "object", "properties": {"id": string, "note": string}},
        "Kite": {"type": "object", "properties": {"state": {"type": "string", "enum": ["a", "b"]}}}
    });
    let new = json!({
        "Order": {"type": "object", "properties": {"id": string}},
        "Kite": {"type": "object", "properties": {
            "state": {"type": "string", "enum": ["a", "b", "c", "d", "e", "f", "g", "h", "i"]},
            "wind": reference("Wind")}},
        "Wind": {"type": "object"}
    });
    between(
        &document("1", &paths(), &old),
        &document("2", &paths(), &new),
    )
}

#[test]
fn the_text_lists_breaking_changes_first_and_truncates_lists() {
    let expected = "\
kites, 1 → 2: 3 changes, 1 of them breaking, in 2 schemas

== Breaking (1) ==
schema Order (sent to flyKite)
  - property `note` removed: the service no longer accepts it

== Not breaking (2) ==
schema Kite (read from getKite)
  - `state`: new values `c`, `d`, `e`, `f` and 3 more
  - property `wind` added, optional: `Wind`

Added schemas (1): Wind
";
    assert_eq!(render::report(&sample(), false), expected);
    let all = render::report(&sample(), true);
    assert!(all.contains("`c`, `d`, `e`, `f`, `g`, `h`, `i`\n"), "{all}");
}

#[test]
fn no_change_is_one_line() {
    let document = document("1", &json!({"/kites": sends(&json!({}))}), &json!({}));
    let text = render::report(&between(&document, &document), false);
    assert_eq!(text, "kites, 1 → 1: no change in 1 operation\n");
}

#[test]
fn many_changes_of_one_schema_are_truncated_and_counted() {
    let kite = |count: usize| {
        let properties = (0..count).map(|i| (format!("p{i}"), json!({"type": "string"})));
        let object = json!({"type": "object", "properties": properties.collect::<Value>()});
        document(
            "1",
            &paths(),
            &json!({"Order": {"type": "string"}, "Kite": object}),
        )
    };
    let report = between(&kite(0), &kite(20));
    let text = render::report(&report, false);
    assert!(
        text.contains("  … and 12 more (--all shows them)\n"),
        "{text}"
    );
    assert!(!text.contains("`p8`"), "{text}");
    assert!(render::report(&report, true).contains("`p19`"));
}

#[test]
fn many_places_are_truncated_and_counted() {
    let side = |kind: &str| {
        let items = (0..103).map(|i| (format!("/k{i:03}"), answers(&json!({"type": kind}))));
        document("1", &items.collect(), &json!({}))
    };
    let text = render::report(&between(&side("string"), &side("integer")), false);
    assert!(text.contains("103 changes, 103 of them breaking, in 103 of 103 operations"));
    assert!(text.contains("/k099 "), "{text}");
    assert!(!text.contains("/k100 "), "{text}");
    assert!(text.ends_with("… 3 changes in 3 other places (--all shows them)\n"));
}

#[test]
fn long_names_are_truncated_in_the_middle() {
    let long = format!("Pick_{}_End", "or-field".repeat(40));
    let side = |required: &[&str]| {
        let kite = json!({"type": "object", "properties": {"id": {}}, "required": required});
        document(
            "1",
            &json!({"/kites": sends(&reference(&long))}),
            &json!({ (&*long): kite }),
        )
    };
    let report = between(&side(&[]), &side(&["id"]));
    let text = render::report(&report, false);
    assert!(
        text.lines().all(|line| line.chars().count() < 120),
        "{text}"
    );
    assert!(
        text.contains("_End") && text.contains("Pick_or-field"),
        "{text}"
    );
    assert!(render::report(&report, true).contains(&long));
}

#[test]
fn json_has_the_documented_keys() {
    let json = serde_json::to_value(&sample().changes).unwrap();
    assert_eq!(
        json[0],
        json!({
            "breaking": true,
            "kind": "property_removed",
            "schema": "Order",
            "pointer": "/components/schemas/Order/properties/note",
            "direction": "request",
            "message": "property `note` removed: the service no longer accepts it",
            "reached_by": ["post /kites"]
        })
    );
    let kinds: Vec<_> = json
        .as_array()
        .unwrap()
        .iter()
        .map(|change| change["kind"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        [
            "property_removed",
            "enum_values_added",
            "property_added",
            "schema_added"
        ]
    );
    let last = json.as_array().unwrap().last().unwrap();
    assert_eq!(last["direction"], Value::Null);
}

#[test]
fn json_of_an_operation_names_it() {
    let side = |id: &str| {
        let mut item = answers(&json!({"type": "string"}));
        item["get"]["operationId"] = json!(id);
        document("1", &json!({"/kites": item}), &json!({}))
    };
    let json = serde_json::to_value(between(&side("a"), &side("b")).changes).unwrap();
    assert_eq!(json[0]["operation"], json!("get /kites"));
    assert_eq!(json[0]["pointer"], json!("/paths/~1kites/get"));
    assert!(json[0].get("schema").is_none());
    assert_eq!(json[0]["reached_by"], json!([]));
}
