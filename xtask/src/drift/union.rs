//! Unions: which arm stands in whose place, and which came or went.

use super::{
    change::Kind,
    shape,
    view::{Kind as Type, Node},
    walk::{FINE, Place, Walk, breaks, fine},
    words::{describe, value},
};

impl<'a> Walk<'a> {
    /// Compares the alternatives of two unions, or of a union and a plain schema.
    pub(super) fn union(
        &mut self,
        place: &Place<'a>,
        old: &Node<'a>,
        new: &Node<'a>,
        mut from: Vec<Node<'a>>,
        mut to: Vec<Node<'a>>,
    ) {
        let told_apart = is_told_apart(&to);
        let alone = from.len() == 1 && to.len() == 1;
        for rule in RULES {
            from.retain(|was| {
                let Some(at) = to.iter().position(|is| rule(was, is)) else {
                    return true;
                };
                let is = to.remove(at);
                let named = was.named().is_some() || alone;
                let inner = if named {
                    place.clone()
                } else {
                    place.below(&label(was))
                };
                self.schema(&inner, was, &is);
                false
            });
        }
        self.enum_arms(place, old, new, &mut from, &mut to);
        for was in &from {
            let message = place.says(&format!("no longer {}", arm(was)));
            let request = breaks("senders are refused");
            let response = breaks("readers no longer find it");
            self.report(
                place,
                Kind::UnionArmRemoved,
                was,
                message,
                request,
                response,
            );
        }
        for is in &to {
            let message = place.says(&format!("may now also be {}", arm(is)));
            let response = if told_apart {
                fine("the discriminator is open, so the client decodes it")
            } else {
                breaks("the client cannot decode it")
            };
            self.report(place, Kind::UnionArmAdded, is, message, FINE, response);
        }
    }

    /// Arms that are text with given values are one enum, however many there are.
    fn enum_arms(
        &mut self,
        place: &Place<'a>,
        old: &Node<'a>,
        new: &Node<'a>,
        from: &mut Vec<Node<'a>>,
        to: &mut Vec<Node<'a>>,
    ) {
        let whole = |node: &Node<'a>, arms: &[Node<'a>]| {
            let all = if node.kind() == Type::Union {
                node.alternatives()
            } else {
                arms.to_vec()
            };
            let values = all.iter().flat_map(|arm| arm.resolved().node.values());
            values.collect::<Vec<_>>()
        };
        let (before, after) = (whole(old, from), whole(new, to));
        let take = |arms: &mut Vec<Node<'a>>| {
            let (enums, rest) = arms.drain(..).partition::<Vec<_>, _>(is_text_enum);
            *arms = rest;
            enums
        };
        if before.is_empty() || after.is_empty() {
            return;
        }
        let (gone, come) = (take(from), take(to));
        let values = |arms: &[Node<'a>], others: &[&serde_json::Value]| {
            let values = arms.iter().flat_map(|arm| arm.resolved().node.values());
            values
                .filter(|one| !others.contains(one))
                .map(value)
                .collect::<Vec<_>>()
        };
        // Of a union of several values none is a discriminator.
        let fixed = before.len() == 1;
        self.values_differ(
            place,
            (old, new),
            values(&gone, &after),
            values(&come, &before),
            fixed,
        );
    }
}

/// What makes two arms versions of one, the surest first.
const RULES: [fn(&Node<'_>, &Node<'_>) -> bool; 6] = [
    |was, is| was.named().is_some() && was.named().map(|n| n.0) == is.named().map(|n| n.0),
    |was, is| {
        let (a, b) = (shape::tags(was), shape::tags(is));
        a.iter().any(|tag| b.contains(tag)) && shape::overlap(was, is).is_some()
    },
    shape::same,
    |was, is| {
        let (a, b) = (was.resolved().node, is.resolved().node);
        let plain = a.values().is_empty() && b.values().is_empty();
        a.kind() == b.kind() && plain && !matches!(a.kind(), Type::Object | Type::Union)
    },
    |was, is| shape::overlap(was, is).is_some_and(|share| share >= 80),
    |was, is| shape::overlap(was, is).is_some(),
];

/// Whether every arm is an object with a property that has one value, another in each arm.
fn is_told_apart(arms: &[Node<'_>]) -> bool {
    let tags: Vec<_> = arms.iter().map(shape::tags).collect();
    let Some((first, rest)) = tags.split_first() else {
        return false;
    };
    !rest.is_empty()
        && first.iter().any(|(name, _)| {
            let values: Vec<_> = tags
                .iter()
                .filter_map(|tags| tags.iter().find(|(other, _)| other == name))
                .map(|(_, value)| value.to_string())
                .collect();
            let distinct: std::collections::HashSet<_> = values.iter().collect();
            values.len() == arms.len() && distinct.len() == values.len()
        })
}

fn is_text_enum(arm: &Node<'_>) -> bool {
    let node = arm.resolved().node;
    node.kind() == Type::String && !node.values().is_empty()
}

/// An arm in words, with what tells it apart.
fn arm(node: &Node<'_>) -> String {
    match (node.named(), tag(node)) {
        (None, Some(tag)) => format!("{} ({tag})", describe(node)),
        _ => describe(node),
    }
}

/// The arm's place in a path: `(status=ready)`, or its type.
fn label(node: &Node<'_>) -> String {
    let name = tag(node).unwrap_or_else(|| match node.resolved().node.kind() {
        Type::Object => "object".to_owned(),
        _ => describe(node).replace('`', ""),
    });
    format!("({name})")
}

fn tag(node: &Node<'_>) -> Option<String> {
    let tags = shape::tags(node);
    let (name, value) = tags.first()?;
    let value = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    Some(format!("{name}={value}"))
}
