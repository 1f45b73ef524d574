//! Properties, types, enums and bounds, in both directions.

use serde_json::{Value, json};

use super::{super::change::Kind, in_requests, in_responses, judged};

fn object(properties: Value, required: &[&str]) -> Value {
    json!({"type": "object", "properties": properties, "required": required})
}

#[test]
fn a_new_required_property_breaks_senders_only() {
    let old = object(json!({"id": {"type": "string"}}), &["id"]);
    let new = object(
        json!({"id": {"type": "string"}, "tail": {"type": "integer", "nullable": true}}),
        &["id", "tail"],
    );
    let [sent, read] = judged(old, new, Kind::PropertyAdded, true, false);
    assert_eq!(
        sent,
        "body: property `tail` added, required: integer, may be null: it must be sent"
    );
    assert_eq!(
        read,
        "response 200: property `tail` added, required: integer, may be null"
    );
}

#[test]
fn a_new_optional_property_breaks_nobody() {
    let old = object(json!({}), &[]);
    let new = object(json!({"tail": {"type": "integer"}}), &[]);
    judged(old, new, Kind::PropertyAdded, false, false);
}

#[test]
fn a_removed_property_breaks_both() {
    let old = object(
        json!({"id": {"type": "string"}, "tail": {"type": "integer"}}),
        &["id"],
    );
    let new = object(json!({"id": {"type": "string"}}), &["id"]);
    let [_, read] = judged(old, new, Kind::PropertyRemoved, true, true);
    assert!(
        read.contains("`tail` removed: responses no longer contain it"),
        "{read}"
    );
}

#[test]
fn a_property_that_becomes_optional_breaks_readers() {
    let properties = json!({"id": {"type": "string"}});
    let (old, new) = (object(properties.clone(), &["id"]), object(properties, &[]));
    let [_, read] = judged(old, new, Kind::BecameOptional, false, true);
    assert_eq!(
        read,
        "response 200: property `id` is now optional: may now be absent"
    );
}

#[test]
fn a_nullable_property_that_becomes_optional_breaks_nobody() {
    let properties = json!({"id": {"type": "string", "nullable": true}});
    let (old, new) = (object(properties.clone(), &["id"]), object(properties, &[]));
    judged(old, new, Kind::BecameOptional, false, false);
}

#[test]
fn a_property_that_becomes_required_breaks_senders() {
    let properties = json!({"id": {"type": "string"}});
    let (old, new) = (object(properties.clone(), &[]), object(properties, &["id"]));
    judged(old, new, Kind::BecameRequired, true, false);
}

#[test]
fn null_in_a_required_property_breaks_readers() {
    let old = object(json!({"id": {"type": "string"}}), &["id"]);
    let new = object(json!({"id": {"type": "string", "nullable": true}}), &["id"]);
    judged(old.clone(), new.clone(), Kind::NullAllowed, false, true);
    judged(new, old, Kind::NullRefused, true, false);
}

#[test]
fn null_in_an_optional_property_breaks_nobody() {
    let old = object(json!({"id": {"type": "string"}}), &[]);
    let new = object(json!({"id": {"type": "string", "nullable": true}}), &[]);
    let [_, read] = judged(old, new, Kind::NullAllowed, false, false);
    assert!(read.contains("already has an Option here"), "{read}");
}

#[test]
fn null_in_a_list_breaks_readers() {
    let old = json!({"type": "array", "items": {"type": "string"}});
    let new = json!({"type": "array", "items": {"type": "string", "nullable": true}});
    let [_, read] = judged(old, new, Kind::NullAllowed, false, true);
    assert!(
        read.starts_with("response 200: `[]`: may now be null"),
        "{read}"
    );
}

#[test]
fn null_may_be_an_arm_an_enum_value_or_a_type_as_well() {
    let plain = json!({"type": "string"});
    for other in [
        json!({"oneOf": [{"type": "string"}, {"type": "null"}]}),
        json!({"anyOf": [{"type": "string"}, {"enum": [null]}]}),
        json!({"type": ["string", "null"]}),
    ] {
        judged(plain.clone(), other, Kind::NullAllowed, false, true);
    }
    let old = json!({"type": "string", "enum": ["a", "b"]});
    let new = json!({"type": "string", "enum": ["a", "b", null]});
    judged(old, new, Kind::NullAllowed, false, true);
}

#[test]
fn another_type_breaks_both() {
    let [sent, _] = judged(
        json!({"type": "string"}),
        json!({"type": "integer"}),
        Kind::TypeChanged,
        true,
        true,
    );
    assert_eq!(sent, "body: was string, is integer");
}

#[test]
fn a_wider_type_breaks_readers_and_a_narrower_one_senders() {
    let wider = [
        (json!({"type": "integer"}), json!({"type": "number"})),
        (json!({"type": "string"}), json!({})),
        (
            json!({"type": "integer", "format": "int32"}),
            json!({"type": "integer", "format": "int64"}),
        ),
        (
            json!({"type": "string", "format": "date-time"}),
            json!({"type": "string"}),
        ),
        (
            json!({"type": "array", "items": {"type": "string"}}),
            json!({"type": "array"}),
        ),
    ];
    for (narrow, wide) in wider {
        judged(narrow.clone(), wide.clone(), Kind::TypeWidened, false, true);
        judged(wide, narrow, Kind::TypeNarrowed, true, false);
    }
}

#[test]
fn another_format_breaks_both() {
    let old = json!({"type": "string", "format": "date"});
    let new = json!({"type": "string", "format": "date-time"});
    judged(old, new, Kind::TypeChanged, true, true);
}

#[test]
fn the_default_format_of_a_number_is_double() {
    let (old, new) = (
        json!({"type": "number"}),
        json!({"type": "number", "format": "double"}),
    );
    assert!(in_responses(&old, &new).is_empty());
}

#[test]
fn new_enum_values_break_nobody() {
    let old = json!({"type": "string", "enum": ["up", "down"]});
    let new = json!({"type": "string", "enum": ["up", "down", "sideways", "stuck"]});
    let [sent, _] = judged(old, new, Kind::EnumValuesAdded, false, false);
    assert_eq!(sent, "body: new values `sideways`, `stuck`");
}

#[test]
fn a_removed_enum_value_breaks_senders() {
    let old = json!({"type": "string", "enum": ["up", "down", "stuck"]});
    let new = json!({"type": "string", "enum": ["up", "down"]});
    let [sent, read] = judged(old, new, Kind::EnumValuesRemoved, true, false);
    assert_eq!(
        sent,
        "body: no longer the value `stuck`: requests with it are refused"
    );
    assert_eq!(read, "response 200: no longer the value `stuck`");
}

#[test]
fn the_order_of_enum_values_does_not_matter() {
    let old = json!({"type": "string", "enum": ["up", "down"]});
    let new = json!({"type": "string", "enum": ["down", "up"]});
    assert!(in_requests(&old, &new).is_empty());
}

#[test]
fn an_enum_that_opens_breaks_nobody_and_one_that_closes_breaks_senders() {
    let closed = json!({"type": "string", "enum": ["up", "down"]});
    let open = json!({"type": "string"});
    judged(closed.clone(), open.clone(), Kind::EnumOpened, false, false);
    judged(open, closed, Kind::EnumClosed, true, false);
}

#[test]
fn a_changed_discriminator_breaks_both() {
    let old = json!({"type": "string", "enum": ["ready"]});
    let new = json!({"type": "string", "enum": ["done"]});
    let [sent, _] = judged(old.clone(), new, Kind::DiscriminatorChanged, true, true);
    assert!(
        sent.starts_with("body: was always `ready`, is now `done`"),
        "{sent}"
    );
    let more = json!({"type": "string", "enum": ["ready", "done"]});
    judged(old.clone(), more, Kind::DiscriminatorChanged, false, true);
    judged(
        old,
        json!({"type": "string"}),
        Kind::EnumOpened,
        false,
        true,
    );
}

#[test]
fn tighter_bounds_break_senders() {
    let plain = json!({"type": "integer", "minimum": 1, "maximum": 100});
    let tighter = [
        json!({"type": "integer", "minimum": 5, "maximum": 100}),
        json!({"type": "integer", "minimum": 1, "maximum": 50}),
    ];
    for tight in tighter {
        judged(
            plain.clone(),
            tight.clone(),
            Kind::BoundsChanged,
            true,
            false,
        );
        judged(tight, plain.clone(), Kind::BoundsChanged, false, false);
    }
    let (old, new) = (
        json!({"type": "string"}),
        json!({"type": "string", "pattern": "^k"}),
    );
    judged(old.clone(), new.clone(), Kind::BoundsChanged, true, false);
    judged(new, old, Kind::BoundsChanged, false, false);
    let another = json!({"type": "string", "pattern": "^c"});
    judged(
        json!({"type": "string", "pattern": "^k"}),
        another,
        Kind::BoundsChanged,
        true,
        false,
    );
    let other = json!({"type": "array", "items": {"type": "string"}});
    let bounded = json!({"type": "array", "items": {"type": "string"}, "maxItems": 3});
    judged(other, bounded, Kind::BoundsChanged, true, false);
}

#[test]
fn defaults_deprecation_and_read_only_are_reported_and_break_nobody() {
    let plain = json!({"type": "integer", "default": 5});
    let [sent, _] = judged(
        plain.clone(),
        json!({"type": "integer", "default": 7}),
        Kind::DefaultChanged,
        false,
        false,
    );
    assert!(sent.contains("default was 5, is 7"), "{sent}");
    let deprecated = json!({"type": "integer", "default": 5, "deprecated": true});
    judged(
        plain.clone(),
        deprecated.clone(),
        Kind::DeprecatedChanged,
        false,
        false,
    );
    judged(
        deprecated,
        plain.clone(),
        Kind::DeprecatedChanged,
        false,
        false,
    );
    let read_only = json!({"type": "integer", "default": 5, "readOnly": true});
    judged(plain, read_only, Kind::AnnotationChanged, false, false);
}

#[test]
fn a_map_that_lost_its_values_breaks_both() {
    let map = json!({"type": "object", "additionalProperties": {"type": "string"}});
    let none = json!({"type": "object"});
    let [_, read] = judged(
        map.clone(),
        none.clone(),
        Kind::OtherPropertiesRemoved,
        true,
        true,
    );
    assert!(
        read.contains("the other properties (string) are gone"),
        "{read}"
    );
    judged(none, map.clone(), Kind::OtherPropertiesAdded, false, false);
    let numbers = json!({"type": "object", "additionalProperties": {"type": "integer"}});
    let [sent, _] = judged(map, numbers, Kind::TypeChanged, true, true);
    assert_eq!(sent, "body: `.*`: was string, is integer");
}

#[test]
fn an_object_that_closes_is_reported() {
    let (old, new) = (
        json!({"type": "object"}),
        json!({"type": "object", "additionalProperties": false}),
    );
    judged(old, new, Kind::OtherPropertiesRefused, false, false);
}
