//! Unions: corresponding arms, added arms and removed arms.

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
        let taken = match from.len() {
            // Generated as that type.
            1 => breaks("the client cannot decode it"),
            // Generated as one struct, which needs the discriminator.
            _ if is_told_apart(&from) && !told_apart => breaks("the client cannot decode it"),
            _ if told_apart => fine("the discriminator is open, so the client decodes it"),
            _ => fine("the client decodes it as `Other`"),
        };
        for rule in RULES {
            self.pair_arms(place, &mut from, &mut to, rule);
        }
        self.enum_arms(place, old, new, &mut from, &mut to);
        for was in &from {
            let message = place.says(&format!("no longer {}", arm(was)));
            let request = breaks("requests with it are refused");
            let response = breaks("responses no longer contain it");
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
            self.report(place, Kind::UnionArmAdded, is, message, FINE, taken);
        }
    }

    /// Compares the arms that `rule` considers versions of one arm, and removes them from the
    /// lists.
    fn pair_arms(
        &mut self,
        place: &Place<'a>,
        from: &mut Vec<Node<'a>>,
        to: &mut Vec<Node<'a>>,
        rule: Rule,
    ) {
        from.retain(|was| {
            let Some(at) = to.iter().position(|is| rule(was, is)) else {
                return true;
            };
            let is = to.remove(at);
            let inner = if was.named().is_some() || is_text(was) {
                place.clone()
            } else {
                place.below(&label(was))
            };
            self.schema(&inner, was, &is);
            false
        });
    }

    /// Merges all arms that are string enums into one enum.
    fn enum_arms(
        &mut self,
        place: &Place<'a>,
        old: &Node<'a>,
        new: &Node<'a>,
        from: &mut Vec<Node<'a>>,
        to: &mut Vec<Node<'a>>,
    ) {
        let whole = |node: &Node<'a>| {
            let arms = node.alternatives();
            let values = arms.iter().flat_map(|arm| arm.resolved().node.values());
            values.collect::<Vec<_>>()
        };
        let (before, after) = (whole(old), whole(new));
        let take = |arms: &mut Vec<Node<'a>>| {
            let (enums, rest) = arms.drain(..).partition::<Vec<_>, _>(is_text_enum);
            *arms = rest;
            enums
        };
        if before.is_empty() || after.is_empty() {
            // An enum on one side only may have opened to any string, or closed from it.
            self.pair_arms(place, from, to, |was, is| is_text(was) && is_text(is));
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
        // A property with several values is not a discriminator.
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

type Rule = fn(&Node<'_>, &Node<'_>) -> bool;

/// The rules by which two arms are versions of one arm, the most certain first.
const RULES: [Rule; 6] = [
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

/// Whether every arm is an object with a property that has a single, distinct value.
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

fn is_text(arm: &Node<'_>) -> bool {
    arm.resolved().node.kind() == Type::String
}

fn is_text_enum(arm: &Node<'_>) -> bool {
    is_text(arm) && !arm.resolved().node.values().is_empty()
}

/// Describes an arm, with its discriminator.
fn arm(node: &Node<'_>) -> String {
    match (node.named(), tag(node)) {
        (None, Some(tag)) => format!("{} ({tag})", describe(node)),
        _ => describe(node),
    }
}

/// Returns the step of an arm in a path: `(status=ready)`, or its type.
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
