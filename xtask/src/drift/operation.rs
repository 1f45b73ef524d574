//! The comparison of an operation with its successor: parameters, body, responses.

use std::collections::HashSet;

use indexmap::IndexMap;
use serde_json::Value;

use super::{
    change::{Direction, Kind},
    operations::Operation,
    view::Node,
    walk::{FINE, Owner, Place, Verdict, Walk, breaks, fine},
    words::{describe, value},
};

impl<'a> Walk<'a> {
    pub(super) fn operation(&mut self, old: &Operation<'a>, new: &Operation<'a>) {
        let owner = |direction| Owner::Operation(old.key.clone(), direction);
        let place = Place::new(owner(None), "");
        if old.id() != new.id() {
            let shown =
                |id: Option<&str>| id.map_or_else(|| "none".to_owned(), |id| format!("`{id}`"));
            let message = format!(
                "the operation id was {}, is {}",
                shown(old.id()),
                shown(new.id())
            );
            let why = fine("it names the method unless the overlay sets the name");
            self.report(
                &place,
                Kind::OperationIdChanged,
                &old.node,
                message,
                why,
                why,
            );
        }
        self.deprecation(&place, &old.node, &new.node);
        self.security(&place, &old.node, &new.node);
        let request = owner(Some(Direction::Request));
        self.parameters(&request, old, new);
        self.body(&request, &old.node, &new.node);
        self.responses(&owner(Some(Direction::Response)), &old.node, &new.node);
    }

    fn security(&mut self, place: &Place<'a>, old: &Node<'a>, new: &Node<'a>) {
        let schemes = |node: &Node<'a>| node.value.get("security").cloned().unwrap_or_default();
        let (was, is) = (schemes(old), schemes(new));
        if was == is {
            return;
        }
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let why = if list(&was).iter().any(|way| !list(&is).contains(way)) {
            breaks("credentials that worked may be refused")
        } else {
            FINE
        };
        let message = format!("the credentials were {}, are {}", value(&was), value(&is));
        self.report(place, Kind::SecurityChanged, old, message, why, why);
    }

    fn parameters(&mut self, owner: &Owner<'a>, old: &Operation<'a>, new: &Operation<'a>) {
        let (from, mut to) = (parameters(old), parameters(new));
        for (key, was) in from {
            let place = Place::new(owner.clone(), named(&was));
            let Some(is) = to.shift_remove(&key) else {
                let why = breaks("the service no longer accepts it");
                let message = place.says("removed");
                self.report(&place, Kind::ParameterRemoved, &was, message, why, why);
                continue;
            };
            if was.text("name") != is.text("name") {
                let message = place.says(&format!("renamed to {}", named(&is)));
                let why = fine(
                    "the place in the URL is the same; the method of the builder gets this name",
                );
                self.report(&place, Kind::ParameterRenamed, &was, message, why, why);
            }
            self.parameter(&place, &was, &is);
        }
        for is in to.into_values() {
            let place = Place::new(owner.clone(), named(&is));
            let schema = is
                .child("schema")
                .map_or_else(String::new, |node| describe(&node));
            let (sort, why) = if is.is("required") {
                ("required", breaks("it must be sent"))
            } else {
                ("optional", FINE)
            };
            let message = place.says(&format!("added, {sort}: {schema}"));
            self.report(&place, Kind::ParameterAdded, &is, message, why, why);
        }
    }

    fn parameter(&mut self, place: &Place<'a>, old: &Node<'a>, new: &Node<'a>) {
        self.deprecation(place, old, new);
        self.requirement_of(place, old, new);
        let (was, is) = (style(old), style(new));
        if was != is {
            let message = place.says(&format!("was written as {was}, is as {is}"));
            let why = breaks("lists have another form on the wire");
            self.report(place, Kind::ParameterStyleChanged, old, message, why, why);
        }
        if let (Some(from), Some(to)) = (old.child("schema"), new.child("schema")) {
            self.schema(place, &from, &to);
        }
    }

    /// Compares `required` of a parameter or a body.
    fn requirement_of(&mut self, place: &Place<'a>, old: &Node<'a>, new: &Node<'a>) {
        let (kind, words, why) = match (old.is("required"), new.is("required")) {
            (false, true) => (
                Kind::BecameRequired,
                "is now required",
                breaks("it must be sent"),
            ),
            (true, false) => (
                Kind::BecameOptional,
                "is now optional",
                fine("it need not be sent"),
            ),
            _ => return,
        };
        self.report(place, kind, old, place.says(words), why, why);
    }

    fn body(&mut self, owner: &Owner<'a>, old: &Node<'a>, new: &Node<'a>) {
        let place = Place::new(owner.clone(), "body");
        match (old.child("requestBody"), new.child("requestBody")) {
            (Some(was), Some(is)) => {
                self.requirement_of(&place, &was, &is);
                self.content(&place, &was, &is);
            }
            (Some(was), None) => {
                let why = breaks("the service no longer reads it");
                self.report(
                    &place,
                    Kind::BodyRemoved,
                    &was,
                    place.says("removed"),
                    why,
                    why,
                );
            }
            (None, Some(is)) => {
                let (words, why) = if is.is("required") {
                    ("added, required", breaks("it must be sent"))
                } else {
                    ("added, optional", FINE)
                };
                self.report(&place, Kind::BodyAdded, &is, place.says(words), why, why);
            }
            (None, None) => {}
        }
    }

    fn responses(&mut self, owner: &Owner<'a>, old: &Node<'a>, new: &Node<'a>) {
        let from = old.children("responses");
        let mut to: IndexMap<_, _> = new.children("responses").into_iter().collect();
        let mut gone = Vec::new();
        for (status, was) in from {
            match to.shift_remove(&status) {
                Some(is) => self.response(owner, &status, &was, &is),
                None => gone.push((status, was)),
            }
        }
        let good = |status: &str| status.starts_with('2');
        let moved = gone.iter().position(|(status, _)| good(status));
        let target = to.keys().position(|status| good(status));
        if let (Some(at), Some(target)) = (moved, target) {
            let (status, was) = gone.remove(at);
            if let Some((now, is)) = to.shift_remove_index(target) {
                let place = Place::new(owner.clone(), format!("response {status}"));
                let message = place.says(&format!("is now {now}"));
                let why = breaks("the client treats any other success status as an error");
                self.report(&place, Kind::ResponseStatusChanged, &was, message, why, why);
                self.response(owner, &status, &was, &is);
            }
        }
        for (status, was) in gone {
            let place = Place::new(owner.clone(), format!("response {status}"));
            let why = if good(&status) {
                breaks("it is no longer sent")
            } else {
                FINE
            };
            self.report(
                &place,
                Kind::ResponseRemoved,
                &was,
                place.says("removed"),
                why,
                why,
            );
        }
        for (status, is) in to {
            let place = Place::new(owner.clone(), format!("response {status}"));
            let why = if good(&status) {
                breaks("the client treats any other success status as an error")
            } else {
                FINE
            };
            self.report(
                &place,
                Kind::ResponseAdded,
                &is,
                place.says("added"),
                why,
                why,
            );
        }
    }

    fn response(&mut self, owner: &Owner<'a>, status: &str, old: &Node<'a>, new: &Node<'a>) {
        let place = Place::new(owner.clone(), format!("response {status}"));
        self.content(&place, old, new);
        let lower = |node: &Node<'a>| {
            let headers = node.children("headers").into_iter();
            headers
                .map(|(name, node)| (name.to_lowercase(), node))
                .collect::<IndexMap<_, _>>()
        };
        let (from, mut to) = (lower(old), lower(new));
        for (name, was) in from {
            let place = Place::new(owner.clone(), format!("response {status}, header `{name}`"));
            let Some(is) = to.shift_remove(&name) else {
                let why = breaks("responses no longer contain it");
                self.report(
                    &place,
                    Kind::HeaderRemoved,
                    &was,
                    place.says("removed"),
                    why,
                    why,
                );
                continue;
            };
            let change = match (was.is("required"), is.is("required")) {
                (true, false) => Some((
                    Kind::BecameOptional,
                    "is now optional",
                    breaks("may now be absent"),
                )),
                (false, true) => Some((Kind::BecameRequired, "is now always sent", FINE)),
                _ => None,
            };
            if let Some((kind, words, why)) = change {
                self.report(&place, kind, &was, place.says(words), why, why);
            }
            if let (Some(from), Some(to)) = (was.child("schema"), is.child("schema")) {
                self.schema(&place.clone().optional(!was.is("required")), &from, &to);
            }
        }
        for (name, is) in to {
            let place = Place::new(owner.clone(), format!("response {status}, header `{name}`"));
            self.report(
                &place,
                Kind::HeaderAdded,
                &is,
                place.says("added"),
                FINE,
                FINE,
            );
        }
    }

    /// Compares the media types of a body or a response.
    fn content(&mut self, place: &Place<'a>, old: &Node<'a>, new: &Node<'a>) {
        let essence = |(media, node): (String, Node<'a>)| {
            let kind = media
                .split(';')
                .next()
                .unwrap_or_default()
                .trim()
                .to_lowercase();
            (kind, node)
        };
        let from = old.children("content").into_iter().map(essence);
        let mut to: IndexMap<_, _> = new.children("content").into_iter().map(essence).collect();
        for (media, was) in from {
            let Some(is) = to.shift_remove(&media) else {
                let message = place.says(&format!("no longer {media}"));
                let why = breaks("the client uses it");
                self.report(place, Kind::MediaTypeRemoved, &was, message, why, why);
                continue;
            };
            match (was.child("schema"), is.child("schema")) {
                (Some(from), Some(to)) => self.schema(place, &from, &to),
                (Some(from), None) => self.widened(place, &from, &describe(&from), "any value"),
                (None, Some(to)) => self.narrowed(place, &was, "any value", &describe(&to)),
                (None, None) => {}
            }
        }
        for (media, is) in to {
            let message = place.says(&format!("may now be {media}"));
            self.report(place, Kind::MediaTypeAdded, &is, message, FINE, FINE);
        }
    }

    /// Records a change of an operation as a whole.
    pub(super) fn whole(
        &mut self,
        operation: &Operation<'a>,
        kind: Kind,
        message: String,
        why: Verdict,
    ) {
        let place = Place::new(Owner::Operation(operation.key.clone(), None), "");
        self.report(&place, kind, &operation.node, message, why, why);
    }
}

/// Returns the parameters of an operation and of its path. Path parameters are identified by their
/// position and headers without regard to case, as on the wire.
fn parameters<'a>(operation: &Operation<'a>) -> IndexMap<(&'a str, String), Node<'a>> {
    let positions = operation.path_parameters();
    let mut seen = HashSet::new();
    let mut found = IndexMap::new();
    for holder in [&operation.node, &operation.item] {
        for (_, node) in holder.children("parameters") {
            let (name, place) = (node.text("name"), node.text("in"));
            let (name, place) = (name.unwrap_or_default(), place.unwrap_or_default());
            // A parameter of the operation overrides that of the path.
            if !seen.insert((place, name)) {
                continue;
            }
            let position = positions.iter().position(|known| *known == name);
            let key = match (place, position) {
                ("path", Some(at)) => at.to_string(),
                ("header", _) => name.to_lowercase(),
                _ => name.to_owned(),
            };
            found.insert((place, key), node);
        }
    }
    found
}

/// Returns ``query parameter `limit` ``, without the space at the end.
fn named(parameter: &Node<'_>) -> String {
    let place = parameter.text("in").unwrap_or("unplaced");
    format!(
        "{place} parameter `{}`",
        parameter.text("name").unwrap_or_default()
    )
}

/// Returns style and explode, with the defaults of OpenAPI.
fn style(parameter: &Node<'_>) -> String {
    let default = match parameter.text("in") {
        Some("query" | "cookie") => "form",
        _ => "simple",
    };
    let style = parameter.text("style").unwrap_or(default);
    let explode = parameter.value.get("explode").and_then(Value::as_bool);
    let explode = explode.unwrap_or(style == "form");
    format!("{style}{}", if explode { ", exploded" } else { "" })
}
