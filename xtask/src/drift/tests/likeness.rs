//! The correspondence of schemas between two documents.

use serde_json::{Value, json};

use super::{
    super::{change::Kind, shape, view::Node},
    answers, between, document, in_responses, judged, message, of_schemas, only, reference,
};

fn read_kite() -> Value {
    json!({"/kites": answers(&reference("Kite"))})
}

fn is_same(old: &Value, new: &Value) -> bool {
    let (old, new) = (json!({"x": old}), json!({"x": new}));
    let node = |document| Node::at(document, "/x").unwrap();
    shape::same(&node(&old), &node(&new))
}

#[test]
fn every_fact_on_the_wire_changes_the_shape() {
    let object = |more: Value| {
        let mut object = json!({"type": "object", "properties": {"id": {"type": "string"}}});
        for (key, value) in more.as_object().unwrap() {
            object[key] = value.clone();
        }
        object
    };
    let shapes = [
        object(json!({})),
        object(json!({"required": ["id"]})),
        object(json!({"nullable": true})),
        object(json!({"additionalProperties": {"type": "string"}})),
        object(json!({"additionalProperties": {"type": "integer"}})),
        object(json!({"additionalProperties": false})),
        object(json!({"properties": {"id": {"type": "integer"}}})),
        object(json!({"properties": {"id": {"type": "string"}, "tail": {}}})),
        json!({"type": "string"}),
        json!({"type": "string", "format": "date"}),
        json!({"type": "string", "enum": ["a"]}),
        json!({"type": "string", "enum": ["b"]}),
        json!({"type": "array", "items": {"type": "string"}}),
        json!({"type": "array", "items": {"type": "integer"}}),
        json!({"anyOf": [{"type": "string"}, {"type": "integer"}]}),
        json!({"anyOf": [{"type": "string"}, {"type": "boolean"}]}),
        json!({"anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "boolean"}]}),
    ];
    for (i, one) in shapes.iter().enumerate() {
        for (j, other) in shapes.iter().enumerate() {
            assert_eq!(is_same(one, other), i == j, "{one} and {other}");
        }
    }
}

#[test]
fn a_recursive_schema_that_was_removed_and_added_is_a_rename() {
    let chain = |name: &str| json!({"type": "object", "properties": {"next": reference(name)}});
    let side = |property: &str, name: &str| {
        json!({"Kite": {"type": "object", "properties": {property: reference(name)}},
               name: chain(name)})
    };
    let changes = of_schemas(&read_kite(), &side("line", "Line"), &side("cord", "Cord"));
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
fn an_existing_name_is_not_a_rename() {
    let shape = json!({"type": "object", "properties": {"id": {"type": "string"}}});
    let kite = |used: Value| json!({"type": "object", "properties": used});
    let old = json!({"Kite": kite(json!({"a": reference("A"), "b": reference("B")})),
                     "A": shape, "B": shape});
    let new = json!({"Kite": kite(json!({"a": reference("B"), "b": reference("B")})),
                     "B": shape});
    let changes = of_schemas(&read_kite(), &old, &new);
    let change = only(&changes, Kind::ReferenceChanged);
    assert!(
        message(change).starts_with("`a`: is now `B`, was `A`"),
        "{change:?}"
    );
}

#[test]
fn another_name_for_a_string_is_a_rename() {
    let side = |name: &str| {
        let schemas = json!({name: {"type": "string"}});
        document("1", &json!({"/kites": answers(&reference(name))}), &schemas)
    };
    let changes = between(&side("Id"), &side("Key")).changes;
    only(&changes, Kind::SchemaRenamed);
}

#[test]
fn another_name_for_other_values_is_another_type() {
    let side = |name: &str, value: &str| {
        let schemas = json!({name: {"type": "string", "enum": [value]}});
        document("1", &json!({"/kites": answers(&reference(name))}), &schemas)
    };
    let changes = between(&side("Up", "up"), &side("Down", "down")).changes;
    assert_eq!(
        (changes[0].kind, changes[0].breaking),
        (Kind::TypeChanged, true)
    );
}

#[test]
fn parts_of_all_of_pair_by_name_before_similarity() {
    let part = |kind: &str| json!({"type": "object", "properties": {"id": {"type": kind}}});
    let side = |first: &str, second: &str| {
        json!({"Kite": {"allOf": [reference(first), reference(second)]},
               "A": part("string"), "B": part("integer")})
    };
    let changes = of_schemas(&read_kite(), &side("A", "B"), &side("B", "A"));
    assert!(changes.is_empty(), "{changes:#?}");
}

#[test]
fn a_renamed_part_of_all_of_is_compared_under_both_names() {
    let side = |name: &str, kind: &str| {
        json!({"Kite": {"allOf": [reference(name), {"type": "object", "properties": {"x": {}}}]},
               name: {"type": "object", "properties": {"id": {"type": kind}}}})
    };
    let changes = of_schemas(
        &read_kite(),
        &side("Base", "string"),
        &side("Core", "integer"),
    );
    let kinds: Vec<_> = changes.iter().map(|change| change.kind).collect();
    assert_eq!(kinds, [Kind::TypeChanged, Kind::SchemaRenamed]);
}

#[test]
fn arms_with_one_untagged_arm_have_no_discriminator() {
    let tagged = |state: &str| {
        let own = format!("of_{state}");
        json!({"type": "object", "properties": {
            "state": {"enum": [state]}, own: {"type": "string"}}})
    };
    let free = json!({"type": "object", "properties": {"why": {"type": "string"}}});
    judged(
        json!({"anyOf": [tagged("ready"), tagged("failed")]}),
        json!({"anyOf": [tagged("ready"), tagged("failed"), free]}),
        Kind::UnionArmAdded,
        false,
        true,
    );
    let twice = json!({"type": "object", "properties": {
        "state": {"enum": ["ready"]}, "a": {}, "b": {}, "c": {}, "d": {}}});
    judged(
        json!({"anyOf": [tagged("ready"), tagged("failed")]}),
        json!({"anyOf": [tagged("ready"), tagged("failed"), twice]}),
        Kind::UnionArmAdded,
        false,
        true,
    );
}

#[test]
fn a_schema_that_becomes_one_of_several_is_found_among_them() {
    let old = json!({
        "Kite": {"type": "object", "properties": {"line": reference("Line")}},
        "Line": {"type": "object", "properties": {"metres": {"type": "integer"}}}});
    let mut new = old.clone();
    new["Kite"]["properties"]["line"] = json!({"anyOf": [{"type": "string"}, reference("Line")]});
    let changes = of_schemas(&read_kite(), &old, &new);
    let change = only(&changes, Kind::UnionArmAdded);
    assert_eq!(
        message(change),
        "`line`: may now also be string: the client cannot decode it"
    );
}

#[test]
fn the_path_into_an_arm_names_it() {
    let several = |kind: &str| json!({"anyOf": [{"type": "integer"}, {"type": "array", "items": {"type": kind}}]});
    let changes = in_responses(&several("string"), &several("boolean"));
    assert_eq!(
        message(only(&changes, Kind::TypeChanged)),
        "response 200: `(array of string)[]`: was string, is boolean"
    );
}

#[test]
fn values_of_a_plain_enum_and_of_arms_are_one_enum() {
    let arm = |values: Value| json!({"type": "string", "enum": values});
    judged(
        arm(json!(["a", "b"])),
        json!({"anyOf": [arm(json!(["a", "b"])), arm(json!(["c"]))]}),
        Kind::EnumValuesAdded,
        false,
        false,
    );
}

#[test]
fn an_enum_arm_may_open_close_or_be_removed() {
    let values = json!({"type": "string", "enum": ["a", "b"]});
    let (text, number) = (json!({"type": "string"}), json!({"type": "integer"}));
    let closed = json!({"anyOf": [values, number]});
    let open = json!({"anyOf": [number, text]});
    judged(closed.clone(), open.clone(), Kind::EnumOpened, false, false);
    judged(open, closed.clone(), Kind::EnumClosed, true, false);
    judged(closed, number, Kind::UnionArmRemoved, true, true);
}

#[test]
fn a_string_arm_beside_enum_arms_is_not_an_enum_arm() {
    let values = |list: Value| json!({"type": "string", "enum": list});
    let number = json!({"type": "integer"});
    judged(
        json!({"anyOf": [values(json!(["a", "b"])), number]}),
        json!({"anyOf": [values(json!(["a", "b"])), number, {"type": "string"}]}),
        Kind::UnionArmAdded,
        false,
        false,
    );
}
