//! A judged change: its kind, its place, and whether it breaks requests or responses.

use serde::{Serialize, Serializer};

use crate::text;

/// The direction of a value: to the service or from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Direction {
    Request,
    Response,
}

/// The directions of a change. A change of an operation as a whole has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Directions {
    pub(super) request: bool,
    pub(super) response: bool,
}

/// The operation or schema of a change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Subject {
    /// `post /v1/sql`, and its operation id.
    Operation { key: String, id: Option<String> },
    /// The name in the vendored document, or in FILE for a schema that only FILE has, and the
    /// name in FILE if it differs.
    Schema { name: String, now: Option<String> },
}

/// The kind of a change. JSON has the names in snake case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    OperationAdded,
    OperationRemoved,
    OperationIdChanged,
    SecurityChanged,
    ParameterAdded,
    ParameterRemoved,
    ParameterRenamed,
    ParameterStyleChanged,
    BodyAdded,
    BodyRemoved,
    MediaTypeAdded,
    MediaTypeRemoved,
    ResponseAdded,
    ResponseRemoved,
    ResponseStatusChanged,
    HeaderAdded,
    HeaderRemoved,
    PropertyAdded,
    PropertyRemoved,
    OtherPropertiesAdded,
    OtherPropertiesRemoved,
    OtherPropertiesRefused,
    BecameRequired,
    BecameOptional,
    NullAllowed,
    NullRefused,
    EnumValuesAdded,
    EnumValuesRemoved,
    EnumOpened,
    EnumClosed,
    DiscriminatorChanged,
    UnionArmAdded,
    UnionArmRemoved,
    TypeChanged,
    TypeNarrowed,
    TypeWidened,
    CompositionChanged,
    BoundsChanged,
    DefaultChanged,
    DeprecatedChanged,
    AnnotationChanged,
    ReferenceChanged,
    SchemaAdded,
    SchemaRemoved,
    SchemaRenamed,
}

/// A reported change.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) breaking: bool,
    pub(super) kind: Kind,
    pub(super) subject: Subject,
    /// The pointer in the vendored document, or in FILE for a place that only FILE has.
    pub(super) pointer: String,
    pub(super) directions: Directions,
    pub(super) words: Words,
    /// The operations that reach the schema.
    pub(super) reached_by: Vec<Reached>,
    /// Whether this is a newly required field of a response, which older servers do not send.
    pub(super) newly_required: bool,
    /// The numbers of the overlay actions that hide the change.
    pub(super) hidden_by: Vec<usize>,
}

/// An operation that reaches a schema.
#[derive(Clone, Debug)]
pub(super) struct Reached {
    pub(super) key: String,
    pub(super) id: Option<String>,
}

/// A message with a list that can be truncated.
#[derive(Clone, Debug, Default)]
pub(super) struct Words {
    pub(super) before: String,
    pub(super) list: Vec<String>,
    /// The effect on users.
    pub(super) because: String,
}

impl Words {
    /// Returns the message with the first `most` words of its list.
    pub(super) fn shown(&self, most: usize) -> String {
        let mut text = self.before.clone();
        if !self.list.is_empty() {
            text.push(' ');
            text.push_str(&super::words::listed(&self.list, ", ", most));
        }
        if !self.because.is_empty() {
            text.push_str(": ");
            text.push_str(&self.because);
        }
        text::shown(&text)
    }
}

impl Directions {
    pub(super) fn add(&mut self, direction: Direction) {
        match direction {
            Direction::Request => self.request = true,
            Direction::Response => self.response = true,
        }
    }

    fn name(self) -> Option<&'static str> {
        match (self.request, self.response) {
            (true, true) => Some("both"),
            (true, false) => Some("request"),
            (false, true) => Some("response"),
            (false, false) => None,
        }
    }
}

impl Serialize for Change {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Shape<'a> {
            breaking: bool,
            kind: Kind,
            #[serde(skip_serializing_if = "Option::is_none")]
            operation: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            schema: Option<&'a str>,
            pointer: &'a str,
            direction: Option<&'static str>,
            message: String,
            reached_by: Vec<&'a str>,
            #[serde(skip_serializing_if = "std::ops::Not::not")]
            newly_required: bool,
            #[serde(skip_serializing_if = "<[usize]>::is_empty")]
            hidden_by: &'a [usize],
        }
        let (operation, schema) = match &self.subject {
            Subject::Operation { key, .. } => (Some(key.as_str()), None),
            Subject::Schema { name, .. } => (None, Some(name.as_str())),
        };
        Shape {
            breaking: self.breaking,
            kind: self.kind,
            operation,
            schema,
            pointer: &self.pointer,
            direction: self.directions.name(),
            message: self.words.shown(usize::MAX),
            reached_by: self
                .reached_by
                .iter()
                .map(|reached| reached.key.as_str())
                .collect(),
            newly_required: self.newly_required,
            hidden_by: &self.hidden_by,
        }
        .serialize(serializer)
    }
}
