//! The parallel walk of two documents. It follows values on the wire, so a schema is compared with
//! the schema in its place, independent of its name.
//!
//! Differences are collected once for each pair of named schemas. The walk records the pairs that
//! each place references. The operations and directions that reach a pair are known at the end.

use std::collections::HashSet;

use indexmap::{IndexMap, IndexSet};
use serde_json::Value;

use super::{
    change::{Direction, Kind, Words},
    shape,
    view::{Kind as Type, Node, fields},
    words::describe,
};

/// The owner of a difference.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Owner<'a> {
    /// An operation of the vendored document. The operation itself has no direction.
    Operation(String, Option<Direction>),
    /// A schema of the vendored document and the schema in its place in FILE.
    Pair(&'a str, &'a str),
}

/// A difference that is not yet judged, because its directions are unknown.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    pub(super) kind: Kind,
    pub(super) pointer: String,
    pub(super) words: Words,
    pub(super) request: Verdict,
    pub(super) response: Verdict,
}

/// The meaning of a difference in one direction.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Verdict {
    pub(super) breaks: bool,
    pub(super) because: &'static str,
}

/// Harmless, without a reason.
pub(super) const FINE: Verdict = Verdict {
    breaks: false,
    because: "",
};

pub(super) const fn fine(because: &'static str) -> Verdict {
    Verdict {
        breaks: false,
        because,
    }
}

pub(super) const fn breaks(because: &'static str) -> Verdict {
    Verdict {
        breaks: true,
        because,
    }
}

/// The position of the walk.
#[derive(Clone)]
pub(super) struct Place<'a> {
    pub(super) owner: Owner<'a>,
    /// `query parameter `limit``, `response 200`; empty inside a schema.
    root: String,
    /// The path below the root, such as `results.rows[]`.
    path: String,
    /// Whether the client already has an `Option` here.
    pub(super) optional: bool,
}

impl<'a> Place<'a> {
    pub(super) fn new(owner: Owner<'a>, root: impl Into<String>) -> Self {
        Self {
            owner,
            root: root.into(),
            path: String::new(),
            optional: false,
        }
    }

    pub(super) fn optional(mut self, optional: bool) -> Self {
        self.optional = optional;
        self
    }

    pub(super) fn property(&self, name: &str) -> Self {
        let dot = if self.path.is_empty() { "" } else { "." };
        self.below(&format!("{dot}{name}"))
    }

    /// Returns the place one level down. `step` extends the path.
    pub(super) fn below(&self, step: &str) -> Self {
        Self {
            path: format!("{}{step}", self.path),
            optional: false,
            ..self.clone()
        }
    }

    /// Returns a message about this place: ``response 200: `results.id`: …``.
    pub(super) fn says(&self, words: &str) -> String {
        let path = if self.path.is_empty() {
            String::new()
        } else {
            format!("`{}`", self.path)
        };
        let said = [self.root.as_str(), path.as_str(), words];
        said.into_iter()
            .filter(|text| !text.is_empty())
            .collect::<Vec<_>>()
            .join(": ")
    }

    /// Returns a message about a property of this place: ``response 200: property `results.id` …``.
    pub(super) fn says_of_property(&self, name: &str, words: &str) -> String {
        let text = format!("property `{}` {words}", self.property(name).path);
        if self.root.is_empty() {
            text
        } else {
            format!("{}: {text}", self.root)
        }
    }
}

pub(super) struct Walk<'a> {
    pub(super) old: &'a Value,
    pub(super) new: &'a Value,
    pub(super) findings: IndexMap<Owner<'a>, Vec<Finding>>,
    /// The pairs of schemas that each owner references.
    pub(super) edges: IndexMap<Owner<'a>, IndexSet<Owner<'a>>>,
    /// The pointers of newly required properties.
    pub(super) required: HashSet<String>,
    seen: HashSet<(usize, usize, Owner<'a>)>,
    todo: Vec<(&'a str, &'a str)>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(old: &'a Value, new: &'a Value) -> Self {
        Self {
            old,
            new,
            findings: IndexMap::new(),
            edges: IndexMap::new(),
            required: HashSet::new(),
            seen: HashSet::new(),
            todo: Vec::new(),
        }
    }

    /// Compares the recorded pairs of schemas, and the pairs that the comparison finds.
    pub(super) fn follow(&mut self) {
        while let Some((old_name, new_name)) = self.todo.pop() {
            let old = Node::schema(self.old, old_name);
            let new = Node::schema(self.new, new_name);
            let (Some(old), Some(new)) = (old, new) else {
                continue;
            };
            let place = Place::new(Owner::Pair(old_name, new_name), "");
            if self.is_renamed(old_name, new_name) {
                let message = format!("renamed to `{new_name}`");
                let why = fine("names are not on the wire; the generated type gets this name");
                self.report(&place, Kind::SchemaRenamed, &old, message, why, why);
            }
            self.schema(&place, &old, &new);
        }
    }

    /// Whether one name is only in the vendored document and the other only in FILE.
    fn is_renamed(&self, old_name: &str, new_name: &str) -> bool {
        old_name != new_name
            && Node::schema(self.new, old_name).is_none()
            && Node::schema(self.old, new_name).is_none()
    }

    /// Compares the schemas at a place.
    pub(super) fn schema(&mut self, place: &Place<'a>, old: &Node<'a>, new: &Node<'a>) {
        if !self
            .seen
            .insert((old.address(), new.address(), place.owner.clone()))
        {
            return;
        }
        self.annotations(place, old, new);
        if let (Some((old_name, old_null)), Some((new_name, new_null))) = (old.named(), new.named())
            && self.pairs(old, new)
        {
            self.nullability(place, old, old_null, new_null);
            if old_name != new_name && !self.is_renamed(old_name, new_name) {
                let message = place.says(&format!("is now `{new_name}`, was `{old_name}`"));
                let why = fine("differences on the wire are listed under the schema");
                self.report(place, Kind::ReferenceChanged, old, message, why, why);
            }
            self.refer(place, old_name, new_name);
            return;
        }
        let (resolved_old, resolved_new) = (old.resolved(), new.resolved());
        self.nullability(place, old, resolved_old.nullable, resolved_new.nullable);
        let unlike_names = old.named().is_some() && new.named().is_some();
        let (a, b) = (&resolved_old.node, &resolved_new.node);
        match (a.kind(), b.kind()) {
            (Type::Union, Type::Object) if is_mixed(b) => self.type_changed(place, old, new),
            (Type::Object, Type::Union) if is_mixed(a) => self.type_changed(place, old, new),
            (Type::Union, _) | (_, Type::Union) => {
                // An alternative that is the whole schema keeps its name, so it can pair with an
                // arm.
                let side = |whole: &Node<'a>, inner: &Node<'a>| match inner.kind() {
                    Type::Union => inner.alternatives(),
                    _ => vec![whole.clone()],
                };
                let (from, to) = (side(old, a), side(new, b));
                self.union(place, a, b, from, to);
            }
            (from, to) if from != to || unlike_names => self.type_changed(place, old, new),
            (Type::Array, _) => {
                self.items(&place.below("[]"), a, b);
                self.bounds(place, a, b);
            }
            (Type::Object, _) => self.object(place, a, b),
            _ => self.scalar(place, a, b),
        }
    }

    /// Whether two named schemas are versions of one: they have the same name, or are similar
    /// enough.
    pub(super) fn pairs(&self, old: &Node<'a>, new: &Node<'a>) -> bool {
        match (old.named(), new.named()) {
            (Some((a, _)), Some((b, _))) => a == b || shape::similar(old, new),
            _ => false,
        }
    }

    /// Records that `place` references a pair, which is compared later.
    pub(super) fn refer(&mut self, place: &Place<'a>, old: &'a str, new: &'a str) {
        let pair = Owner::Pair(old, new);
        if !self.edges.contains_key(&pair) {
            self.edges.insert(pair.clone(), IndexSet::new());
            self.todo.push((old, new));
        }
        self.edges
            .entry(place.owner.clone())
            .or_default()
            .insert(pair);
    }

    fn nullability(&mut self, place: &Place<'a>, old: &Node<'a>, was: bool, is: bool) {
        if !was && is {
            let response = if place.optional {
                fine("the client already has an Option here")
            } else {
                breaks("readers must handle a missing value")
            };
            let message = place.says("may now be null");
            self.report(place, Kind::NullAllowed, old, message, FINE, response);
        }
        if was && !is {
            let message = place.says("may no longer be null");
            let request = breaks("null is refused");
            self.report(place, Kind::NullRefused, old, message, request, FINE);
        }
    }

    /// Compares the items of arrays. Undeclared items are any value.
    fn items(&mut self, place: &Place<'a>, old: &Node<'a>, new: &Node<'a>) {
        let any = "any value";
        match (old.child("items"), new.child("items")) {
            (Some(from), Some(to)) => self.schema(place, &from, &to),
            (Some(from), None) => self.widened(place, old, &describe(&from), any),
            (None, Some(to)) => self.narrowed(place, old, any, &describe(&to)),
            (None, None) => {}
        }
    }

    pub(super) fn widened(&mut self, place: &Place<'a>, old: &Node<'a>, was: &str, is: &str) {
        let message = place.says(&format!("was {was}, is {is}"));
        let response = breaks("the client cannot decode the new values");
        self.report(place, Kind::TypeWidened, old, message, FINE, response);
    }

    pub(super) fn narrowed(&mut self, place: &Place<'a>, old: &Node<'a>, was: &str, is: &str) {
        let message = place.says(&format!("was {was}, is {is}"));
        let request = breaks("values that were accepted are refused");
        self.report(place, Kind::TypeNarrowed, old, message, request, FINE);
    }

    fn type_changed(&mut self, place: &Place<'a>, old: &Node<'a>, new: &Node<'a>) {
        let (was, is) = (describe(old), describe(new));
        match (old.resolved().node.kind(), new.resolved().node.kind()) {
            (from, to) if from == to => {
                let message =
                    place.says(&format!("was {was}, is {is}, which is a different schema"));
                self.report(
                    place,
                    Kind::TypeChanged,
                    old,
                    message,
                    breaks(""),
                    breaks(""),
                );
            }
            (Type::Integer, Type::Number) | (_, Type::Any) => self.widened(place, old, &was, &is),
            (Type::Number, Type::Integer) | (Type::Any, _) => self.narrowed(place, old, &was, &is),
            _ => {
                let message = place.says(&format!("was {was}, is {is}"));
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

    /// Records a difference without a list.
    pub(super) fn report(
        &mut self,
        place: &Place<'a>,
        kind: Kind,
        at: &Node<'_>,
        message: String,
        request: Verdict,
        response: Verdict,
    ) {
        let words = Words {
            before: message,
            ..Words::default()
        };
        self.note(
            place,
            Finding {
                kind,
                pointer: at.pointer.clone(),
                words,
                request,
                response,
            },
        );
    }

    pub(super) fn note(&mut self, place: &Place<'a>, finding: Finding) {
        self.findings
            .entry(place.owner.clone())
            .or_default()
            .push(finding);
    }
}

/// Whether an object has a part that is not an object, such as a union.
fn is_mixed(node: &Node<'_>) -> bool {
    !fields(&node.parts(), node).opaque.is_empty()
}
