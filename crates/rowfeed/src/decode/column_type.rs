//! What the columns of another service hold.

use super::kind::Kind;

/// What a column holds and how its values are written in JSON, in the words of rowfeed: for a
/// [service](crate::service) that has type names of its own.
///
/// NULL is `null` in every type.
///
/// ```
/// use rowfeed::{Columns, service::ColumnType};
///
/// let levels = ColumnType::List(Box::new(ColumnType::Decimal));
/// let columns = [("day", "day", ColumnType::Date), ("levels", "list of metres", levels)];
/// let columns = Columns::objects(columns);
/// assert_eq!(columns.get("levels").and_then(|column| column.type_name()), Some("list of metres"));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ColumnType {
    /// Nothing is known of it: values are what their JSON is.
    Unknown,
    /// Nothing but NULL.
    Null,
    /// `true`, `false`.
    Boolean,
    /// Whole numbers of any width, as numbers or as text.
    Integer,
    /// Exact numbers with a fraction, as numbers or as text.
    Decimal,
    /// Binary floating-point numbers; `"NaN"`, `"Infinity"` too.
    Float,
    /// Numbers, without a word on which.
    Number,
    /// Text.
    Text,
    /// Bytes as text: `0x…` or `\x…`, two digits each.
    HexBytes,
    /// Bytes as text in base64.
    Base64Bytes,
    /// `2024-09-28`.
    Date,
    /// A time of day, `13:21:10.5`.
    Time,
    /// A date with a time and no zone, with a blank or a `T` between them.
    Timestamp,
    /// A point in time; in UTC where it does not say its offset.
    Instant,
    /// A span of time, as the service writes it.
    Interval,
    /// JSON, as itself or as text.
    Json,
    /// A list of values of one type.
    List(Box<ColumnType>),
    /// A list of values, each of a type of its own.
    Tuple(Vec<ColumnType>),
    /// An object with these members.
    Struct(Vec<(String, ColumnType)>),
    /// An object of any keys, whose types these are, and values.
    Map(Box<(ColumnType, ColumnType)>),
}

impl From<ColumnType> for Kind {
    fn from(declared: ColumnType) -> Self {
        match declared {
            ColumnType::Unknown => Self::Unknown,
            ColumnType::Null => Self::Null,
            ColumnType::Boolean => Self::Boolean,
            ColumnType::Integer => Self::Integer,
            ColumnType::Decimal => Self::Decimal,
            ColumnType::Float => Self::Float,
            ColumnType::Number => Self::Number,
            ColumnType::Text => Self::Text,
            ColumnType::HexBytes => Self::Hex,
            ColumnType::Base64Bytes => Self::Base64,
            ColumnType::Date => Self::Date,
            ColumnType::Time => Self::Time,
            ColumnType::Timestamp => Self::Timestamp,
            ColumnType::Instant => Self::Instant,
            ColumnType::Interval => Self::Interval,
            ColumnType::Json => Self::Json,
            ColumnType::List(element) => Self::List(Box::new((*element).into())),
            ColumnType::Tuple(members) => {
                Self::Tuple(members.into_iter().map(Into::into).collect())
            }
            ColumnType::Struct(members) => {
                let members = members.into_iter();
                Self::Struct(
                    members
                        .map(|(name, kind)| (name.into(), kind.into()))
                        .collect(),
                )
            }
            ColumnType::Map(entry) => {
                let (key, value) = *entry;
                Self::Map(Box::new((key.into(), value.into())))
            }
        }
    }
}
