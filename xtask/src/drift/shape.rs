//! The similarity of two schemas independent of their names: equal, or versions of one schema.

use std::collections::HashSet;

use serde_json::Value;

use super::view::{Kind, Node, fields};

/// Whether two schemas are equal on the wire.
pub(super) fn same(old: &Node<'_>, new: &Node<'_>) -> bool {
    same_from(old, new, &mut HashSet::new())
}

/// The facts of a schema that are compared directly.
const PLAIN: [&str; 8] = [
    "format",
    "pattern",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
];

fn same_from(old: &Node<'_>, new: &Node<'_>, seen: &mut HashSet<(usize, usize)>) -> bool {
    let (old, new) = (old.resolved(), new.resolved());
    let (a, b) = (&old.node, &new.node);
    if !seen.insert((a.address(), b.address())) {
        return true;
    }
    let plain = PLAIN.iter().all(|key| a.value.get(key) == b.value.get(key));
    if a.kind() != b.kind() || old.nullable != new.nullable || !plain || a.values() != b.values() {
        return false;
    }
    match a.kind() {
        Kind::Array => pair(a.child("items"), b.child("items"), seen),
        Kind::Union => each(&a.alternatives(), &b.alternatives(), seen),
        Kind::Object => {
            let (from, to) = (fields(&a.parts(), a), fields(&b.parts(), b));
            let same_properties = from.properties.iter().all(|(name, was)| {
                to.properties.get(name).is_some_and(|is| {
                    was.required == is.required && same_from(&was.node, &is.node, seen)
                })
            });
            same_properties
                && from.properties.len() == to.properties.len()
                && from.closed == to.closed
                && pair(from.others, to.others, seen)
                && each(&from.opaque, &to.opaque, seen)
        }
        _ => true,
    }
}

fn pair(old: Option<Node<'_>>, new: Option<Node<'_>>, seen: &mut HashSet<(usize, usize)>) -> bool {
    match (old, new) {
        (Some(old), Some(new)) => same_from(&old, &new, seen),
        (old, new) => old.is_none() && new.is_none(),
    }
}

fn each(old: &[Node<'_>], new: &[Node<'_>], seen: &mut HashSet<(usize, usize)>) -> bool {
    old.len() == new.len() && old.iter().zip(new).all(|(a, b)| same_from(a, b, seen))
}

/// Whether one schema may be a later version of the other: they have the same type, and at least
/// half of the properties or one enum value in common.
pub(super) fn similar(old: &Node<'_>, new: &Node<'_>) -> bool {
    let (a, b) = (old.resolved().node, new.resolved().node);
    if a.kind() != b.kind() {
        return false;
    }
    match a.kind() {
        Kind::Object => overlap(&a, &b).is_some(),
        Kind::String => {
            let (from, to) = (a.values(), b.values());
            from.is_empty() == to.is_empty()
                && (from.is_empty() || from.iter().any(|value| to.contains(value)))
        }
        _ => true,
    }
}

/// Returns the share of properties that two objects have in common, if it is at least half.
pub(super) fn overlap(old: &Node<'_>, new: &Node<'_>) -> Option<usize> {
    let (a, b) = (old.resolved().node, new.resolved().node);
    if (a.kind(), b.kind()) != (Kind::Object, Kind::Object) {
        return None;
    }
    let (from, to) = (
        fields(&a.parts(), &a).properties,
        fields(&b.parts(), &b).properties,
    );
    let common = from.keys().filter(|name| to.contains_key(*name)).count();
    let most = from.len().max(to.len());
    if most == 0 {
        return Some(100);
    }
    let share = common * 100 / most;
    (share >= 50).then_some(share)
}

/// Returns the properties of an object with a single possible value, which are discriminators.
pub(super) fn tags<'a>(node: &Node<'a>) -> Vec<(&'a str, &'a Value)> {
    let node = node.resolved().node;
    if node.kind() != Kind::Object {
        return Vec::new();
    }
    let properties = fields(&node.parts(), &node).properties;
    let tag = |(name, property): (&'a str, super::view::Property<'a>)| match property
        .node
        .resolved()
        .node
        .values()[..]
    {
        [one] => Some((name, one)),
        _ => None,
    };
    properties.into_iter().filter_map(tag).collect()
}
