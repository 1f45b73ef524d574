//! The walk over two documents at once. It follows what goes over the wire, so that a schema is
//! compared with the one that stands in its place, whatever that one is called.
//!
//! Differences are gathered once for each pair of named schemas, and the pairs that each place
//! refers to are remembered: who reaches a pair, and in which direction, is known at the end.

use std::collections::HashSet;

use indexmap::{IndexMap, IndexSet};
use serde_json::Value;

use super::{
    change::{Direction, Kind, Words},
    shape,
    view::{Kind as Type, Node, fields},
    words::describe,
};

/// What a difference was found in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Owner<'a> {
    /// An operation as the vendored document writes it; no direction for the operation itself.
    Operation(String, Option<Direction>),
    /// A schema of the vendored document and the one that stands in its place in FILE.
    Pair(&'a str, &'a str),
}

/// A difference that is not judged yet: that needs to know the directions.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    pub(super) kind: Kind,
    pub(super) pointer: String,
    pub(super) words: Words,
    pub(super) request: Verdict,
    pub(super) response: Verdict,
}

/// What a difference means in one direction.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Verdict {
    pub(super) breaks: bool,
    pub(super) because: &'static str,
}

/// Harmless, with nothing to say about it.
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

/// Where the walk stands.
#[derive(Clone)]
pub(super) struct Place<'a> {
    pub(super) owner: Owner<'a>,
    /// `query parameter `limit``, `response 200`; empty within a schema.
    root: String,
    /// `results.rows[]`, below the root.
    path: String,
    /// Whether the client has an `Option` here already.
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

    /// One level down; `step` is what the path grows by.
    pub(super) fn below(&self, step: &str) -> Self {
        Self {
            path: format!("{}{step}", self.path),
            optional: false,
            ..self.clone()
        }
    }

    /// A message about this place: ``response 200: `results.id`: …``.
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

    /// A message about a property of this place: ``response 200: property `results.id` …``.
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
    /// The pairs of schemas that each owner refers to.
    pub(super) edges: IndexMap<Owner<'a>, IndexSet<Owner<'a>>>,
    /// Pointers of the properties that objects have to have from now on.
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

    /// Compares the pairs of schemas that were met, and those that are met on the way.
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
                let why = fine("names do not go over the wire; the generated type is called so");
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

    /// Compares the schemas at one place.
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
                let why = fine("what differs on the wire stands under the schema");
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
                // An alternative that is the whole schema keeps its name, and so pairs with an arm.
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

    /// Whether two named schemas are versions of one: same name, or alike enough.
    pub(super) fn pairs(&self, old: &Node<'a>, new: &Node<'a>) -> bool {
        match (old.named(), new.named()) {
            (Some((a, _)), Some((b, _))) => a == b || shape::similar(old, new),
            _ => false,
        }
    }

    /// Notes that `place` refers to a pair, which is compared when it is its turn.
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
                fine("the client has an Option here already")
            } else {
                breaks("readers have to expect that there is no value")
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

    /// What an array holds; where nothing is said, that is any value.
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
        let response = breaks("values may come that the client cannot read");
        self.report(place, Kind::TypeWidened, old, message, FINE, response);
    }

    pub(super) fn narrowed(&mut self, place: &Place<'a>, old: &Node<'a>, was: &str, is: &str) {
        let message = place.says(&format!("was {was}, is {is}"));
        let request = breaks("values that went through are refused");
        self.report(place, Kind::TypeNarrowed, old, message, request, FINE);
    }

    fn type_changed(&mut self, place: &Place<'a>, old: &Node<'a>, new: &Node<'a>) {
        let (was, is) = (describe(old), describe(new));
        match (old.resolved().node.kind(), new.resolved().node.kind()) {
            (from, to) if from == to => {
                let message = place.says(&format!("was {was}, is {is}, which is not alike"));
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

    /// Notes a difference that has no list to cut.
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

/// Whether an object is put together with something that is none, such as a union.
fn is_mixed(node: &Node<'_>) -> bool {
    !fields(&node.parts(), node).opaque.is_empty()
}
