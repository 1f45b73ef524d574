//! The coarse kind of a declared type.

use super::{ColumnType, LogicalType, TimeZone};

/// The kind of values in a column, as declared.
///
/// The names are the same for all three services, so a program can inspect an unknown result
/// without knowing the type names of Trino, Lightdash and YQL.
/// [`Column::column_type`](crate::Column::column_type) has the width, the precision and the nested
/// types.
///
/// ```
/// use rowfeed_rows::{ColumnKind, Columns};
///
/// /// Whether a chart can put it on its axis of numbers.
/// fn is_number(kind: ColumnKind) -> bool {
///     use ColumnKind::{Decimal, Float, Integer, Number};
///     matches!(kind, Integer | Decimal | Float | Number)
/// }
///
/// let names = ["day", "volume"];
/// let types = ["date", "decimal(38, 18)"];
/// let columns = Columns::dune(&names, &types);
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
    /// Numbers of a type that the service does not state.
    Number,
    /// Text.
    Text,
    /// Bytes.
    Bytes,
    /// Dates without a time.
    Date,
    /// Times of day.
    Time,
    /// Dates with a time, without a zone or with a zone's name.
    Timestamp,
    /// Points in time.
    Instant,
    /// Spans of time.
    Interval,
    /// JSON documents.
    Json,
    /// Lists and sets.
    List,
    /// Values of several types, distinguished by position.
    Tuple,
    /// Values of several types, distinguished by name.
    Struct,
    /// Keys with values.
    Map,
    /// One of several alternatives.
    Variant,
    /// NULL only.
    Null,
    /// Not declared, or not known to rowfeed.
    Unknown,
}

impl ColumnType {
    /// Returns the general kind of the type.
    #[must_use]
    pub fn kind(&self) -> ColumnKind {
        match &self.logical {
            LogicalType::Undeclared | LogicalType::Unrecognized => ColumnKind::Unknown,
            LogicalType::Null => ColumnKind::Null,
            LogicalType::Boolean => ColumnKind::Boolean,
            LogicalType::Integer { .. } => ColumnKind::Integer,
            LogicalType::Decimal { .. } => ColumnKind::Decimal,
            LogicalType::Float { .. } => ColumnKind::Float,
            LogicalType::Number => ColumnKind::Number,
            LogicalType::Text => ColumnKind::Text,
            LogicalType::Bytes => ColumnKind::Bytes,
            LogicalType::Date => ColumnKind::Date,
            LogicalType::Time { .. } => ColumnKind::Time,
            LogicalType::Timestamp {
                zone: TimeZone::Utc,
                ..
            } => ColumnKind::Instant,
            LogicalType::Timestamp { .. } => ColumnKind::Timestamp,
            LogicalType::Interval(_) => ColumnKind::Interval,
            LogicalType::Json => ColumnKind::Json,
            LogicalType::List(_) => ColumnKind::List,
            LogicalType::Tuple(_) => ColumnKind::Tuple,
            LogicalType::Struct(_) => ColumnKind::Struct,
            LogicalType::Map(_) => ColumnKind::Map,
            LogicalType::Variant(_) => ColumnKind::Variant,
        }
    }
}
