//! What a declared type means for the cells of its column.

/// A declared type, reduced to what decides how a cell is read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    /// No type was declared.
    Unknown,
    /// A type was declared that says nothing we know.
    Other,
    Null,
    Boolean,
    Integer,
    Decimal,
    Float,
    /// Any of the three above: the service does not say which.
    Number,
    Text,
    /// Bytes as `0x…` or `\x…`.
    Hex,
    /// Bytes as base64.
    Base64,
    Date,
    Time,
    Timestamp,
    Instant,
    Interval,
    /// JSON, as itself or as text.
    Json,
    Optional(Box<Kind>),
    List(Box<Kind>),
    Tuple(Vec<Kind>),
    Struct(Vec<(Box<str>, Kind)>),
    /// An object; its keys and its values.
    Map(Box<(Kind, Kind)>),
    /// A list of pairs; always a [`Kind::Tuple`] of two.
    Dict(Box<Kind>),
    /// `[name, value]`.
    Variant(Vec<(Box<str>, Kind)>),
    /// `[index, value]`.
    Choice(Vec<Kind>),
}

/// What a column holds, as far as its declared type says.
///
/// The names are the same for all three services, so that a program can look at a result that it
/// does not know without knowing Trino's, Lightdash's and YQL's type names.
///
/// ```
/// use rowfeed::{ColumnKind, Columns};
///
/// /// Whether a chart can put it on its axis of numbers.
/// fn is_number(kind: ColumnKind) -> bool {
///     use ColumnKind::{Decimal, Float, Integer, Number};
///     matches!(kind, Integer | Decimal | Float | Number)
/// }
///
/// let names = ["day", "volume"].map(str::to_owned);
/// let types = ["date", "decimal(38, 18)"].map(str::to_owned);
/// let columns = Columns::dune(Some(&names), Some(&types));
/// let numbers: Vec<bool> = columns.iter().map(|column| is_number(column.kind())).collect();
/// assert_eq!(numbers, [false, true]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ColumnKind {
    /// `true` and `false`.
    Boolean,
    /// Whole numbers of any width.
    Integer,
    /// Exact numbers with a fraction.
    Decimal,
    /// Binary floating-point numbers.
    Float,
    /// Numbers, without a word on which.
    Number,
    /// Text.
    Text,
    /// Bytes.
    Bytes,
    /// Dates without a time.
    Date,
    /// Times of day.
    Time,
    /// Dates with a time, without a zone.
    Timestamp,
    /// Points in time.
    Instant,
    /// Spans of time.
    Interval,
    /// JSON documents.
    Json,
    /// Lists and sets.
    List,
    /// Values of several types, told apart by position.
    Tuple,
    /// Values of several types, told apart by name.
    Struct,
    /// Keys with values.
    Map,
    /// One of several alternatives.
    Variant,
    /// Nothing but NULL.
    Null,
    /// Not declared, or not known to rowfeed.
    Unknown,
}

pub(crate) static OTHER: Kind = Kind::Other;
pub(super) static UNKNOWN: Kind = Kind::Unknown;
pub(super) static TEXT: Kind = Kind::Text;

impl Kind {
    pub(super) fn dict(key: Self, value: Self) -> Self {
        Self::Dict(Box::new(Self::Tuple(vec![key, value])))
    }

    /// The kind of what lies inside when it has no kind of its own.
    pub(super) fn inner(&self) -> &'static Self {
        match self {
            Self::Unknown => &UNKNOWN,
            _ => &OTHER,
        }
    }

    pub(super) fn public(&self) -> ColumnKind {
        match self {
            Self::Unknown | Self::Other => ColumnKind::Unknown,
            Self::Null => ColumnKind::Null,
            Self::Boolean => ColumnKind::Boolean,
            Self::Integer => ColumnKind::Integer,
            Self::Decimal => ColumnKind::Decimal,
            Self::Float => ColumnKind::Float,
            Self::Number => ColumnKind::Number,
            Self::Text => ColumnKind::Text,
            Self::Hex | Self::Base64 => ColumnKind::Bytes,
            Self::Date => ColumnKind::Date,
            Self::Time => ColumnKind::Time,
            Self::Timestamp => ColumnKind::Timestamp,
            Self::Instant => ColumnKind::Instant,
            Self::Interval => ColumnKind::Interval,
            Self::Json => ColumnKind::Json,
            Self::Optional(inner) => inner.public(),
            Self::List(_) => ColumnKind::List,
            Self::Tuple(_) => ColumnKind::Tuple,
            Self::Struct(_) => ColumnKind::Struct,
            Self::Map(_) | Self::Dict(_) => ColumnKind::Map,
            Self::Variant(_) | Self::Choice(_) => ColumnKind::Variant,
        }
    }
}
