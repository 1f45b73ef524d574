//! A view of a schema in its document, as values on the wire: it follows references, separates
//! `null` from the type, and merges `allOf` into one object.

use std::collections::HashSet;

use indexmap::IndexMap;
use serde_json::Value;

use crate::document::{pointer_segment, ref_name};

/// A value and its place.
#[derive(Clone)]
pub(super) struct Node<'a> {
    document: &'a Value,
    pub(super) value: &'a Value,
    pub(super) pointer: String,
}

/// The type of a schema, without `null` and enum values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Any,
    Null,
    Boolean,
    Integer,
    Number,
    String,
    Array,
    Object,
    Union,
}

/// A schema with resolved references.
pub(super) struct Resolved<'a> {
    pub(super) node: Node<'a>,
    pub(super) nullable: bool,
}

/// The properties of an object, from all parts of an `allOf`.
#[derive(Default)]
pub(super) struct Fields<'a> {
    pub(super) properties: IndexMap<&'a str, Property<'a>>,
    /// The schema of other properties, if they are declared.
    pub(super) others: Option<Node<'a>>,
    /// Whether other properties are declared as absent.
    pub(super) closed: bool,
    /// Parts that are not objects, such as a union.
    pub(super) opaque: Vec<Node<'a>>,
}

/// One property of an object.
#[derive(Clone)]
pub(super) struct Property<'a> {
    pub(super) node: Node<'a>,
    pub(super) required: bool,
}

impl<'a> Node<'a> {
    pub(super) fn at(document: &'a Value, pointer: &str) -> Option<Self> {
        let value = document.pointer(pointer)?;
        Some(Self {
            document,
            value,
            pointer: pointer.to_owned(),
        })
    }

    /// Returns the schema with this name.
    pub(super) fn schema(document: &'a Value, name: &str) -> Option<Self> {
        Self::at(
            document,
            &format!("/components/schemas/{}", pointer_segment(name)),
        )
    }

    pub(super) fn child(&self, key: &str) -> Option<Self> {
        self.value.get(key).map(|value| self.below(value, key))
    }

    /// Returns the members of the object or array `key`, with their names or positions.
    pub(super) fn children(&self, key: &str) -> Vec<(String, Self)> {
        let Some(parent) = self.child(key) else {
            return Vec::new();
        };
        let members: Vec<(String, &'a Value)> = match parent.value {
            Value::Object(map) => map.iter().map(|(k, v)| (k.clone(), v)).collect(),
            Value::Array(list) => list
                .iter()
                .enumerate()
                .map(|(i, v)| (i.to_string(), v))
                .collect(),
            _ => Vec::new(),
        };
        let node = |(key, value): (String, &'a Value)| {
            let node = parent.below(value, &key);
            (key, node)
        };
        members.into_iter().map(node).collect()
    }

    fn below(&self, value: &'a Value, key: &str) -> Self {
        Self {
            document: self.document,
            value,
            pointer: format!("{}/{}", self.pointer, pointer_segment(key)),
        }
    }

    /// Returns an id that is unique among the nodes of the document.
    pub(super) fn address(&self) -> usize {
        std::ptr::from_ref(self.value) as usize
    }

    pub(super) fn is(&self, key: &str) -> bool {
        self.value.get(key) == Some(&Value::Bool(true))
    }

    pub(super) fn text(&self, key: &str) -> Option<&'a str> {
        self.value.get(key).and_then(Value::as_str)
    }

    /// Returns the referenced schema, and whether `null` is allowed beside it.
    pub(super) fn named(&self) -> Option<(&'a str, bool)> {
        let mut nullable = self.says_null();
        if let Some(name) = self.text("$ref").and_then(ref_name) {
            return Some((name, nullable));
        }
        let (name, inner) = self.only_part()?.named()?;
        nullable |= inner;
        Some((name, nullable))
    }

    /// Follows references, and `allOf` with a single part, to the actual schema.
    pub(super) fn resolved(&self) -> Resolved<'a> {
        let mut node = self.clone();
        let mut nullable = node.says_null();
        let mut seen = HashSet::from([node.address()]);
        while let Some(next) = node.target().or_else(|| node.only_part()) {
            if !seen.insert(next.address()) {
                break;
            }
            nullable |= next.says_null();
            node = next;
        }
        Resolved { node, nullable }
    }

    fn target(&self) -> Option<Self> {
        Self::at(self.document, self.text("$ref")?.strip_prefix('#')?)
    }

    fn only_part(&self) -> Option<Self> {
        let alone = [
            "properties",
            "additionalProperties",
            "required",
            "anyOf",
            "oneOf",
        ];
        if alone.iter().any(|key| self.value.get(key).is_some()) {
            return None;
        }
        let mut parts = self.children("allOf");
        (parts.len() == 1).then(|| parts.remove(0).1)
    }

    fn says_null(&self) -> bool {
        self.is("nullable")
            || self.types().contains(&"null")
            || self.list("enum").iter().any(|value| value.is_null())
            || self.arms().iter().any(Node::is_null)
    }

    /// Whether this schema accepts only `null`.
    fn is_null(&self) -> bool {
        let values = self.list("enum");
        self.types() == ["null"] || (!values.is_empty() && values.iter().all(|v| v.is_null()))
    }

    /// Returns the arms of a union, in the order of the document.
    fn arms(&self) -> Vec<Self> {
        let both = ["anyOf", "oneOf"].iter().flat_map(|key| self.children(key));
        both.map(|(_, arm)| arm).collect()
    }

    /// Returns the alternatives: the arms of a union, including those of nested unions but without
    /// `null`, or the schema itself.
    pub(super) fn alternatives(&self) -> Vec<Self> {
        let arms = self.arms();
        if arms.is_empty() {
            return vec![self.clone()];
        }
        let real = arms.into_iter().filter(|arm| !arm.is_null());
        real.flat_map(|arm| arm.alternatives()).collect()
    }

    fn types(&self) -> Vec<&'a str> {
        match self.value.get("type") {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }

    fn list(&self, key: &str) -> &'a [Value] {
        self.value
            .get(key)
            .and_then(Value::as_array)
            .map_or(&[], Vec::as_slice)
    }

    /// Returns the values of an enum on the wire, without `null`.
    pub(super) fn values(&self) -> Vec<&'a Value> {
        self.list("enum")
            .iter()
            .filter(|value| !value.is_null())
            .collect()
    }

    /// Returns the kind of a resolved schema.
    pub(super) fn kind(&self) -> Kind {
        if self.is_null() {
            return Kind::Null;
        }
        let parts = self.list("allOf");
        if parts.is_empty() && !self.arms().is_empty() {
            return Kind::Union;
        }
        let types: Vec<_> = self
            .types()
            .into_iter()
            .filter(|name| *name != "null")
            .collect();
        match types[..] {
            ["boolean"] => Kind::Boolean,
            ["integer"] => Kind::Integer,
            ["number"] if self.text("format") == Some("integer") => Kind::Integer,
            ["number"] => Kind::Number,
            ["string"] => Kind::String,
            ["array"] => Kind::Array,
            ["object"] => Kind::Object,
            _ if !parts.is_empty() => Kind::Object,
            _ if self.value.get("properties").is_some() => Kind::Object,
            _ if self.value.get("additionalProperties").is_some() => Kind::Object,
            _ => match self.values()[..] {
                [Value::String(_), ..] => Kind::String,
                [Value::Bool(_), ..] => Kind::Boolean,
                [Value::Number(_), ..] => Kind::Number,
                _ => Kind::Any,
            },
        }
    }

    /// Returns the parts of an `allOf` and its sibling keywords, or else the schema itself.
    pub(super) fn parts(&self) -> Vec<Self> {
        let mut parts: Vec<_> = self
            .children("allOf")
            .into_iter()
            .map(|(_, part)| part)
            .collect();
        let beside = ["properties", "additionalProperties"];
        if parts.is_empty() || beside.iter().any(|key| self.value.get(key).is_some()) {
            parts.push(self.clone());
        }
        parts
    }

    /// Returns the names that this schema and the parts of its `allOf` declare as required.
    pub(super) fn required(&self) -> HashSet<&'a str> {
        let mut names: HashSet<_> = self
            .list("required")
            .iter()
            .filter_map(Value::as_str)
            .collect();
        for (_, part) in self.children("allOf") {
            names.extend(part.list("required").iter().filter_map(Value::as_str));
        }
        names
    }
}

/// Returns the properties of the given parts of `whole`, see [`Node::parts`].
pub(super) fn fields<'a>(parts: &[Node<'a>], whole: &Node<'a>) -> Fields<'a> {
    let mut fields = Fields::default();
    let mut seen = HashSet::new();
    for part in parts {
        gather(
            part,
            &whole.required(),
            whole.address(),
            &mut fields,
            &mut seen,
        );
    }
    fields
}

fn gather<'a>(
    part: &Node<'a>,
    required: &HashSet<&'a str>,
    whole: usize,
    fields: &mut Fields<'a>,
    seen: &mut HashSet<usize>,
) {
    let node = part.resolved().node;
    if !seen.insert(node.address()) {
        return;
    }
    if node.kind() != Kind::Object {
        fields.opaque.push(part.clone());
        return;
    }
    let mut required = required.clone();
    required.extend(node.required());
    if node.address() != whole {
        for (_, inner) in node.children("allOf") {
            gather(&inner, &required, whole, fields, seen);
        }
    }
    if let Some(parent) = node.child("properties") {
        for (name, value) in parent.value.as_object().into_iter().flatten() {
            let required = required.contains(name.as_str());
            let node = parent.below(value, name);
            fields.properties.insert(name, Property { node, required });
        }
    }
    match node.child("additionalProperties") {
        Some(others) if others.value == &Value::Bool(false) => fields.closed = true,
        Some(others) => fields.others = Some(others),
        None => {}
    }
}
