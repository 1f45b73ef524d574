//! Names, references, unions, `allOf`, recursion.

use serde_json::{Value, json};

use super::{
    super::change::{Directions, Kind, Subject},
    answers, between, document, in_responses, judged, kite, message, of_schemas, only, reference,
    sends,
};

fn read_kite() -> Value {
    json!({"/kites": answers(&reference("Kite"))})
}

#[test]
fn a_schema_in_requests_and_responses_is_judged_in_both_and_reported_once() {
    let mut item = sends(&reference("Kite"));
    item["get"] = answers(&reference("Kite"))["get"].clone();
    let paths = json!({"/kites": item});
    let schema = |required: &[&str]| {
        kite(&json!({"type": "object", "required": required,
                     "properties": {"id": {"type": "string"}}}))
    };
    for (old, new, kind) in [
        (schema(&["id"]), schema(&[]), Kind::BecameOptional),
        (schema(&[]), schema(&["id"]), Kind::BecameRequired),
    ] {
        let changes = of_schemas(&paths, &old, &new);
        let change = only(&changes, kind);
        assert!(change.breaking);
        assert_eq!(
            change.directions,
            Directions {
                request: true,
                response: true
            }
        );
        let reached: Vec<_> = change.reached_by.iter().map(|by| by.key.as_str()).collect();
        assert_eq!(reached, ["get /kites", "post /kites"]);
        assert_eq!(change.pointer, "/components/schemas/Kite/properties/id");
        let breaks = message(change);
        assert!(
            breaks.ends_with("in requests, it must be sent")
                || breaks.ends_with("in responses, may now be absent"),
            "{breaks}"
        );
    }
}

#[test]
fn the_reason_names_only_breaking_directions() {
    let mut item = sends(&reference("Kite"));
    item["get"] = answers(&reference("Kite"))["get"].clone();
    let schema = |values: Value| kite(&json!({"type": "string", "enum": values}));
    let changes = of_schemas(
        &json!({"/kites": item}),
        &schema(json!(["up", "down", "stuck"])),
        &schema(json!(["up", "down"])),
    );
    let change = only(&changes, Kind::EnumValuesRemoved);
    assert_eq!(
        message(change),
        "no longer the value `stuck`: in requests, requests with it are refused"
    );
}

#[test]
fn another_name_for_the_same_shape_is_a_rename() {
    let shape = json!({"type": "object", "properties": {"id": {"type": "string"}}});
    let side = |name: &str| {
        document(
            "1",
            &json!({"/kites": answers(&reference(name))}),
            &json!({name: shape}),
        )
    };
    let changes = between(&side("Kite"), &side("Glider")).changes;
    let change = only(&changes, Kind::SchemaRenamed);
    assert!(!change.breaking);
    assert_eq!(
        change.subject,
        Subject::Schema {
            name: "Kite".into(),
            now: Some("Glider".into())
        }
    );
    assert!(message(change).contains("names are not on the wire"));
}

#[test]
fn a_renamed_schema_is_compared_with_its_successor() {
    let side = |name: &str, properties: Value| {
        let schema = json!({"type": "object", "properties": properties});
        document(
            "1",
            &json!({"/kites": answers(&reference(name))}),
            &json!({name: schema}),
        )
    };
    let string = json!({"type": "string"});
    let changes = between(
        &side(
            "Kite",
            json!({"id": string, "tail": string, "color": string}),
        ),
        &side("Glider", json!({"id": string, "tail": string})),
    )
    .changes;
    let kinds: Vec<_> = changes
        .iter()
        .map(|change| (change.kind, change.breaking))
        .collect();
    assert_eq!(
        kinds,
        [(Kind::PropertyRemoved, true), (Kind::SchemaRenamed, false)]
    );
}

#[test]
fn another_schema_of_another_shape_is_another_type() {
    let side = |name: &str, property: &str| {
        let schema = json!({"type": "object", "properties": {property: {"type": "string"}}});
        document(
            "1",
            &json!({"/kites": answers(&reference(name))}),
            &json!({name: schema}),
        )
    };
    let changes = between(&side("Kite", "id"), &side("Weather", "wind")).changes;
    let kinds: Vec<_> = changes
        .iter()
        .map(|change| (change.kind, change.breaking))
        .collect();
    assert_eq!(
        kinds,
        [
            (Kind::TypeChanged, true),
            (Kind::SchemaRemoved, false),
            (Kind::SchemaAdded, false)
        ]
    );
    assert_eq!(
        message(&changes[0]),
        "response 200: was `Kite`, is `Weather`, which is a different schema"
    );
}

#[test]
fn a_rename_is_found_in_schemas_of_removed_and_added_properties() {
    let line = json!({"type": "object", "properties": {"metres": {"type": "integer"}}});
    let old = json!({
        "Kite": {"type": "object", "properties": {"line": reference("Line")}}, "Line": line});
    let new = json!({
        "Kite": {"type": "object", "properties": {"cord": reference("Cord")}}, "Cord": line});
    let changes = of_schemas(&read_kite(), &old, &new);
    let kinds: Vec<_> = changes.iter().map(|change| change.kind).collect();
    assert_eq!(
        kinds,
        [
            Kind::PropertyRemoved,
            Kind::PropertyAdded,
            Kind::SchemaRenamed
        ]
    );
}

#[test]
fn a_reference_to_another_existing_schema_is_reported() {
    let shape = json!({"type": "string", "enum": ["up", "down"]});
    let side = |name: &str| {
        json!({"Kite": {"type": "object", "properties": {
                   "now": reference(name), "was": reference("A"), "next": reference("B")}},
               "A": shape, "B": shape})
    };
    let changes = of_schemas(&read_kite(), &side("A"), &side("B"));
    let change = only(&changes, Kind::ReferenceChanged);
    assert!(!change.breaking);
    assert!(
        message(change).starts_with("`now`: is now `B`, was `A`"),
        "{}",
        message(change)
    );
}

#[test]
fn an_inlined_schema_is_the_same_on_the_wire() {
    let shape = json!({"type": "object", "properties": {"metres": {"type": "integer"}}});
    let old = json!({
        "Kite": {"type": "object", "properties": {"line": reference("Line")}}, "Line": shape});
    let new = json!({"Kite": {"type": "object", "properties": {"line": shape}}});
    let changes = of_schemas(&read_kite(), &old, &new);
    only(&changes, Kind::SchemaRemoved);
    let fewer = json!({"Kite": {"type": "object", "properties": {"line": {"type": "object"}}}});
    let changes = of_schemas(&read_kite(), &old, &fewer);
    assert_eq!(
        message(&changes[0]),
        "property `line.metres` removed: responses no longer contain it"
    );
    assert_eq!(
        changes[0].pointer,
        "/components/schemas/Line/properties/metres"
    );
}

#[test]
fn the_walk_of_recursive_schemas_ends() {
    let schemas = |kind: &str| {
        json!({
            "Kite": {"type": "object", "properties": {
                "value": {"type": kind},
                "train": {"type": "array", "items": reference("Kite")},
                "other": reference("Pair")}},
            "Pair": {"anyOf": [reference("Kite"), {"type": "object", "properties": {
                "left": reference("Pair"), "right": reference("Kite")}}]}
        })
    };
    let changes = of_schemas(&read_kite(), &schemas("string"), &schemas("boolean"));
    assert_eq!(
        message(only(&changes, Kind::TypeChanged)),
        "`value`: was string, is boolean"
    );
}

#[test]
fn the_walk_ends_if_the_sides_recurse_at_different_levels() {
    let old = json!({"Kite": {"type": "array", "items": {"type": "array",
                     "items": reference("Kite")}}});
    let new = json!({"Kite": {"type": "array", "items": {"type": "array", "items":
                     {"type": "array", "items": reference("Kite")}}}});
    let changes = of_schemas(&read_kite(), &old, &new);
    assert!(changes.is_empty(), "{changes:#?}");
    let loops = json!({"Kite": reference("Knot"), "Knot": reference("Kite")});
    assert!(of_schemas(&read_kite(), &loops, &loops).is_empty());
}

#[test]
fn a_new_arm_breaks_readers_if_there_was_no_union() {
    let plain = |kinds: &[&str]| {
        let arms: Vec<_> = kinds.iter().map(|kind| json!({"type": kind})).collect();
        json!({"anyOf": arms})
    };
    judged(
        plain(&["string", "integer"]),
        plain(&["string", "integer", "boolean"]),
        Kind::UnionArmAdded,
        false,
        false,
    );
    judged(
        json!({"type": "string"}),
        plain(&["string", "boolean"]),
        Kind::UnionArmAdded,
        false,
        true,
    );
    let tagged = |states: &[&str]| {
        let arm = |state: &&str| {
            let own = format!("of_{state}");
            json!({"type": "object", "properties": {
                "state": {"type": "string", "enum": [state]}, own: {"type": "string"}}})
        };
        json!({"oneOf": states.iter().map(arm).collect::<Vec<_>>()})
    };
    let [_, read] = judged(
        tagged(&["ready", "failed"]),
        tagged(&["ready", "failed", "queued"]),
        Kind::UnionArmAdded,
        false,
        false,
    );
    assert!(
        read.contains("may now also be object (state=queued)"),
        "{read}"
    );
}

#[test]
fn a_removed_arm_breaks_both() {
    let old = json!({"anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "boolean"}]});
    let new = json!({"anyOf": [{"type": "string"}, {"type": "integer"}]});
    let [sent, _] = judged(old.clone(), new, Kind::UnionArmRemoved, true, true);
    assert_eq!(
        sent,
        "body: no longer boolean: requests with it are refused"
    );
    let reordered =
        json!({"oneOf": [{"type": "boolean"}, {"type": "string"}, {"type": "integer"}]});
    assert!(in_responses(&old, &reordered).is_empty());
}

#[test]
fn arms_with_the_same_discriminator_are_compared() {
    let side = |tail: &str| {
        json!({"anyOf": [
            {"type": "object", "properties": {"state": {"enum": ["ready"]}, "tail": {"type": tail}}},
            {"type": "object", "properties": {"state": {"enum": ["failed"]}, "why": {}}}]})
    };
    let [_, read] = judged(
        side("string"),
        side("integer"),
        Kind::TypeChanged,
        true,
        true,
    );
    assert_eq!(
        read,
        "response 200: `(state=ready).tail`: was string, is integer"
    );
}

#[test]
fn a_discriminator_that_changes_in_one_arm_breaks() {
    let side = |state: &str| {
        json!({"anyOf": [
            {"type": "object", "properties": {
                "state": {"enum": [state]}, "tail": {"type": "string"}, "rows": {}}},
            {"type": "object", "properties": {"state": {"enum": ["failed"]}, "why": {}}}]})
    };
    judged(
        side("ready"),
        side("done"),
        Kind::DiscriminatorChanged,
        true,
        true,
    );
}

#[test]
fn arms_of_string_values_are_one_enum() {
    let side = |values: &[&str]| {
        let arms: Vec<_> = values
            .iter()
            .map(|v| json!({"type": "string", "enum": [v]}))
            .collect();
        json!({"anyOf": arms})
    };
    let [sent, _] = judged(
        side(&["up", "down"]),
        side(&["up", "down", "stuck"]),
        Kind::EnumValuesAdded,
        false,
        false,
    );
    assert_eq!(sent, "body: new value `stuck`");
}

#[test]
fn all_of_is_one_object() {
    let id = json!({"id": {"type": "string"}});
    let tail = json!({"tail": {"type": "integer"}});
    let old = json!({"allOf": [{"type": "object", "properties": id, "required": ["id"]},
                               {"type": "object", "properties": tail}]});
    let flat = json!({"type": "object", "required": ["id"], "properties": {
        "id": {"type": "string"}, "tail": {"type": "integer"}}});
    assert!(in_responses(&old, &flat).is_empty());
    let new = json!({"allOf": [{"type": "object", "properties": id, "required": ["id"]}]});
    judged(old, new, Kind::PropertyRemoved, true, true);
}

#[test]
fn a_shared_part_of_all_of_is_compared_at_its_place() {
    let schemas = |kind: &str| {
        json!({
            "Base": {"type": "object", "properties": {"id": {"type": kind}}},
            "Kite": {"allOf": [reference("Base"), {"type": "object", "properties": {"tail": {}}}]}
        })
    };
    let changes = of_schemas(&read_kite(), &schemas("string"), &schemas("integer"));
    let change = only(&changes, Kind::TypeChanged);
    assert_eq!(
        change.subject,
        Subject::Schema {
            name: "Base".into(),
            now: None
        }
    );
}

#[test]
fn a_property_that_moved_into_a_shared_part_is_not_removed() {
    let string = json!({"type": "string"});
    let old = json!({
        "Base": {"type": "object", "properties": {"id": string}},
        "Kite": {"allOf": [reference("Base"), {"type": "object", "properties": {"tail": string}}]}});
    let new = json!({
        "Base": {"type": "object", "properties": {"id": string, "tail": string}},
        "Kite": {"allOf": [reference("Base"), {"type": "object", "properties": {}}]}});
    let changes = of_schemas(&read_kite(), &old, &new);
    let change = only(&changes, Kind::PropertyAdded);
    assert_eq!(
        change.subject,
        Subject::Schema {
            name: "Base".into(),
            now: None
        }
    );
}

#[test]
fn an_object_beside_a_union_is_not_the_union() {
    let arms = json!([{"type": "object", "properties": {"a": {}}},
                      {"type": "object", "properties": {"b": {}}}]);
    let old = json!({"allOf": [{"type": "object", "properties": {"id": {}}}, {"anyOf": arms}]});
    judged(
        old.clone(),
        json!({"anyOf": arms}),
        Kind::TypeChanged,
        true,
        true,
    );
    let none = json!({"allOf": [{"type": "object", "properties": {"id": {}}}]});
    judged(old, none, Kind::CompositionChanged, true, true);
}
