//! Objects: properties that were added, were removed, or became required or optional.

use super::{
    change::Kind,
    view::{Fields, Node, fields},
    walk::{FINE, Place, Walk, breaks, fine},
    words::describe,
};

impl<'a> Walk<'a> {
    /// Compares two resolved objects.
    pub(super) fn object(&mut self, place: &Place<'a>, old: &Node<'a>, new: &Node<'a>) {
        let (mut from, mut to) = (old.parts(), new.parts());
        self.refer_shared_parts(place, &mut from, &mut to);
        // A property may move between an inline part and a shared part.
        let all_old = fields(&old.parts(), old);
        let all_new = fields(&new.parts(), new);
        let (from, to) = (fields(&from, old), fields(&to, new));

        for (name, was) in &from.properties {
            match all_new.properties.get(name) {
                None => {
                    let message = place.says_of_property(name, "removed");
                    let request = breaks("the service no longer accepts it");
                    let response = breaks("responses no longer contain it");
                    let kind = Kind::PropertyRemoved;
                    self.report(place, kind, &was.node, message, request, response);
                }
                Some(is) => {
                    self.requirement(place, name, was.required, is.required, &was.node);
                    let inner = place.property(name).optional(!was.required);
                    self.schema(&inner, &was.node, &is.node);
                }
            }
        }
        for (name, is) in &to.properties {
            match all_old.properties.get(name) {
                None => {
                    let sort = if is.required { "required" } else { "optional" };
                    let words = format!("added, {sort}: {}", describe(&is.node));
                    let message = place.says_of_property(name, &words);
                    let request = if is.required {
                        self.required.insert(is.node.pointer.clone());
                        breaks("it must be sent")
                    } else {
                        FINE
                    };
                    self.report(place, Kind::PropertyAdded, &is.node, message, request, FINE);
                }
                // Compared above, unless the old property is in a shared part.
                Some(was) if !from.properties.contains_key(name) => {
                    self.requirement(place, name, was.required, is.required, &was.node);
                    let inner = place.property(name).optional(!was.required);
                    self.schema(&inner, &was.node, &is.node);
                }
                Some(_) => {}
            }
        }
        self.other_properties(place, old, &from, &to);
        self.opaque_parts(place, (old, new), &from, &to);
    }

    /// Compares the common parts of an `allOf` separately, once.
    fn refer_shared_parts(
        &mut self,
        place: &Place<'a>,
        from: &mut Vec<Node<'a>>,
        to: &mut Vec<Node<'a>>,
    ) {
        let same = |a: &Node<'a>, b: &Node<'a>| a.named().map(|n| n.0) == b.named().map(|n| n.0);
        for exact in [true, false] {
            from.retain(|was| {
                let twin = |is: &Node<'a>| {
                    was.named().is_some() && self.pairs(was, is) && (!exact || same(was, is))
                };
                let Some(at) = to.iter().position(twin) else {
                    return true;
                };
                let is = to.remove(at);
                self.schema(place, was, &is);
                false
            });
        }
    }

    fn requirement(
        &mut self,
        place: &Place<'a>,
        name: &str,
        was: bool,
        is: bool,
        property: &Node<'a>,
    ) {
        if !was && is {
            self.required.insert(property.pointer.clone());
            let message = place.says_of_property(name, "is now required");
            let (request, response) = (breaks("it must be sent"), fine("it is always present"));
            self.report(
                place,
                Kind::BecameRequired,
                property,
                message,
                request,
                response,
            );
        }
        if was && !is {
            let message = place.says_of_property(name, "is now optional");
            let response = if property.resolved().nullable {
                fine("may now be absent, which the client already decodes as null")
            } else {
                breaks("may now be absent")
            };
            let request = fine("it need not be sent");
            self.report(
                place,
                Kind::BecameOptional,
                property,
                message,
                request,
                response,
            );
        }
    }

    fn other_properties(
        &mut self,
        place: &Place<'a>,
        old: &Node<'a>,
        from: &Fields<'a>,
        to: &Fields<'a>,
    ) {
        match (&from.others, &to.others) {
            (Some(was), Some(is)) => self.schema(&place.below(".*"), was, is),
            (Some(was), None) => {
                let words = format!(
                    "no longer a map: the other properties ({}) are gone",
                    describe(was)
                );
                let why = breaks("its keys are lost");
                let kind = Kind::OtherPropertiesRemoved;
                self.report(place, kind, was, place.says(&words), why, why);
            }
            (None, Some(is)) => {
                let words = format!(
                    "now a map: other properties may be there ({})",
                    describe(is)
                );
                let kind = Kind::OtherPropertiesAdded;
                self.report(place, kind, is, place.says(&words), FINE, FINE);
            }
            (None, None) if from.closed != to.closed => {
                let words = if to.closed {
                    "no longer open to"
                } else {
                    "now open to"
                };
                let message = place.says(&format!("{words} other properties"));
                let kind = Kind::OtherPropertiesRefused;
                self.report(place, kind, old, message, FINE, FINE);
            }
            (None, None) => {}
        }
    }

    /// Compares the parts that are not objects, in order. Another number of parts is another type.
    fn opaque_parts(
        &mut self,
        place: &Place<'a>,
        (old, new): (&Node<'a>, &Node<'a>),
        from: &Fields<'a>,
        to: &Fields<'a>,
    ) {
        for (was, is) in from.opaque.iter().zip(&to.opaque) {
            self.schema(place, was, is);
        }
        let (before, after) = (from.opaque.len(), to.opaque.len());
        if before != after {
            let message = place.says(&format!("was {}, is {}", describe(old), describe(new)));
            let why = breaks("");
            self.report(place, Kind::CompositionChanged, old, message, why, why);
        }
    }
}
