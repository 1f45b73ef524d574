//! Enums, bounds, formats, and other keywords beside the type.

use serde_json::Value;

use super::{
    change::{Kind, Words},
    view::Node,
    walk::{FINE, Finding, Place, Verdict, Walk, breaks, fine},
    words::{value, values},
};

impl<'a> Walk<'a> {
    /// Compares two resolved schemas with the same scalar type.
    pub(super) fn scalar(&mut self, place: &Place<'a>, old: &Node<'a>, new: &Node<'a>) {
        let (from, to) = (values(old), values(new));
        match (from.is_empty(), to.is_empty()) {
            (true, true) => {}
            (false, false) => {
                let gone = from
                    .iter()
                    .filter(|one| !to.contains(one))
                    .cloned()
                    .collect();
                let come = to
                    .iter()
                    .filter(|one| !from.contains(one))
                    .cloned()
                    .collect();
                self.values_differ(place, (old, new), gone, come, from.len() == 1);
            }
            (false, true) => {
                let response = if from.len() == 1 {
                    breaks("the client decodes only one value")
                } else {
                    FINE
                };
                let words = Words {
                    before: place.says("now any value, no longer one of"),
                    list: from,
                    ..Words::default()
                };
                self.enum_note(place, Kind::EnumOpened, old, words, FINE, response);
            }
            (true, false) => {
                let words = Words {
                    before: place.says("no longer any value, but one of"),
                    list: to,
                    ..Words::default()
                };
                let request = breaks("other values are refused");
                self.enum_note(place, Kind::EnumClosed, new, words, request, FINE);
            }
        }
        self.format(place, old, new);
        self.bounds(place, old, new);
    }

    /// Reports removed and added enum values. `fixed`: the old schema had one value, a
    /// discriminator.
    pub(super) fn values_differ(
        &mut self,
        place: &Place<'a>,
        (old, new): (&Node<'a>, &Node<'a>),
        gone: Vec<String>,
        come: Vec<String>,
        fixed: bool,
    ) {
        if fixed && !come.is_empty() {
            let before = match &gone[..] {
                [] => place.says("no longer fixed, may now also be"),
                [was, ..] => place.says(&format!("was always {was}, is now")),
            };
            let request = if gone.is_empty() {
                FINE
            } else {
                breaks("the old value is refused")
            };
            let response = breaks("its value is the discriminator");
            let words = Words {
                before,
                list: come,
                ..Words::default()
            };
            self.enum_note(
                place,
                Kind::DiscriminatorChanged,
                old,
                words,
                request,
                response,
            );
            return;
        }
        if !gone.is_empty() {
            let plural = if gone.len() == 1 { "" } else { "s" };
            let before = place.says(&format!("no longer the value{plural}"));
            let words = Words {
                before,
                list: gone,
                ..Words::default()
            };
            let request = breaks("requests with it are refused");
            self.enum_note(place, Kind::EnumValuesRemoved, old, words, request, FINE);
        }
        if !come.is_empty() {
            let plural = if come.len() == 1 { "" } else { "s" };
            let before = place.says(&format!("new value{plural}"));
            let words = Words {
                before,
                list: come,
                ..Words::default()
            };
            self.enum_note(place, Kind::EnumValuesAdded, new, words, FINE, FINE);
        }
    }

    fn enum_note(
        &mut self,
        place: &Place<'a>,
        kind: Kind,
        at: &Node<'a>,
        words: Words,
        request: Verdict,
        response: Verdict,
    ) {
        let pointer = match at.child("enum") {
            Some(list) => list.pointer,
            None => at.pointer.clone(),
        };
        self.note(
            place,
            Finding {
                kind,
                pointer,
                words,
                request,
                response,
            },
        );
    }

    fn format(&mut self, place: &Place<'a>, old: &Node<'a>, new: &Node<'a>) {
        // `double` is the default of a number, and `integer` is already part of the kind.
        let said = |node: &Node<'a>| {
            node.text("format")
                .filter(|format| !matches!(*format, "double" | "float" | "integer"))
        };
        let (was, is) = (said(old), said(new));
        if was == is {
            return;
        }
        let shown = |format: Option<&str>| format!("format {}", format.unwrap_or("none"));
        let (before, after) = (shown(was), shown(is));
        match (was, is) {
            (_, None) | (Some("int32"), Some("int64")) => {
                self.widened(place, old, &before, &after);
            }
            (None, _) | (Some("int64"), Some("int32")) => {
                self.narrowed(place, old, &before, &after);
            }
            _ => {
                let message = place.says(&format!("was {before}, is {after}"));
                self.report(
                    place,
                    Kind::TypeChanged,
                    old,
                    message,
                    breaks(""),
                    breaks(""),
                );
            }
        }
    }

    /// Compares bounds of numbers, strings and arrays. The client does not check responses.
    pub(super) fn bounds(&mut self, place: &Place<'a>, old: &Node<'a>, new: &Node<'a>) {
        const LOWER: [&str; 3] = ["minimum", "minLength", "minItems"];
        const UPPER: [&str; 3] = ["maximum", "maxLength", "maxItems"];
        const OTHER: [&str; 3] = ["pattern", "uniqueItems", "not"];
        for key in LOWER.into_iter().chain(UPPER).chain(OTHER) {
            let (was, is) = (old.value.get(key), new.value.get(key));
            if was == is {
                continue;
            }
            let number = |value: Option<&Value>| value.and_then(Value::as_f64);
            let tighter = match (was, is) {
                (_, None) => false,
                (None, Some(_)) => true,
                _ if LOWER.contains(&key) => number(is) > number(was),
                _ if UPPER.contains(&key) => number(is) < number(was),
                _ => true,
            };
            let request = if tighter {
                breaks("values that were accepted are refused")
            } else {
                FINE
            };
            self.fact(place, Kind::BoundsChanged, (old, new), key, request);
        }
    }

    /// Compares keywords beside the type, at the place itself and not in a referenced schema.
    pub(super) fn annotations(&mut self, place: &Place<'a>, old: &Node<'a>, new: &Node<'a>) {
        self.deprecation(place, old, new);
        if old.value.get("default") != new.value.get("default") {
            let why = fine("it applies if nothing is sent");
            self.fact(place, Kind::DefaultChanged, (old, new), "default", why);
        }
        for key in ["readOnly", "writeOnly", "discriminator"] {
            if old.value.get(key) != new.value.get(key) {
                self.fact(place, Kind::AnnotationChanged, (old, new), key, FINE);
            }
        }
    }

    /// Compares `deprecated` of an operation, a parameter or a schema.
    pub(super) fn deprecation(&mut self, place: &Place<'a>, old: &Node<'a>, new: &Node<'a>) {
        let words = match (old.is("deprecated"), new.is("deprecated")) {
            (false, true) => "is now deprecated",
            (true, false) => "is no longer deprecated",
            _ => return,
        };
        self.report(
            place,
            Kind::DeprecatedChanged,
            old,
            place.says(words),
            FINE,
            FINE,
        );
    }

    fn fact(
        &mut self,
        place: &Place<'a>,
        kind: Kind,
        (old, new): (&Node<'a>, &Node<'a>),
        key: &str,
        request: Verdict,
    ) {
        let shown = |node: &Node<'a>| node.value.get(key).map_or_else(|| "none".to_owned(), value);
        let words = format!("{key} was {}, is {}", shown(old), shown(new));
        self.report(place, kind, old, place.says(&words), request, FINE);
    }
}
