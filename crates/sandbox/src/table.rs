//! Neutral types and values, which each service encodes in its own format.

use std::fmt;
use std::sync::OnceLock;

use std::sync::Arc;
use std::time::Instant;

use crate::memory::Held;
use crate::rows::{Packed, Rows};
use crate::service::Service;
use crate::sql::SqlError;
use crate::values::Values;

/// The type of a column, which each service shows as its own type.
///
/// | neutral | Dune | Lightdash | Yandex Query |
/// |---|---|---|---|
/// | `Boolean` | `boolean` | `boolean` | `Bool` |
/// | `Integer` | `integer` | `number` | `Int32` |
/// | `BigInt` | `bigint` | `number`, as text | `Int64` |
/// | `Decimal` | `decimal(p, s)` | `number` | `Decimal(p,s)` |
/// | `Double` | `double` | `number` | `Double` |
/// | `Varchar` | `varchar` | `string` | `Utf8` |
/// | `Varbinary` | `varbinary` | `string` | `String` |
/// | `Date` | `date` | `date` | `Date` |
/// | `Timestamp` | `timestamp with time zone` | `timestamp` | `Timestamp` |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ColumnType {
    /// True or false.
    Boolean,
    /// A signed integer of 32 bits.
    Integer,
    /// A signed integer of 64 bits.
    BigInt,
    /// An exact decimal number. SQLite stores its digits as text: sums and averages are doubles,
    /// and a comparison without a cast compares text.
    Decimal {
        /// The total number of digits.
        precision: u8,
        /// The number of digits after the point.
        scale: u8,
    },
    /// A double-precision float.
    Double,
    /// Text.
    Varchar,
    /// Bytes.
    Varbinary,
    /// A day.
    Date,
    /// An instant in UTC with up to six fraction digits.
    Timestamp,
    /// The type of a column without a declared type in which every value is NULL.
    Null,
}

impl ColumnType {
    /// Returns the declared type for SQLite. The declaration of a decimal gives the column text
    /// affinity; with numeric affinity SQLite would round to a double.
    pub(crate) fn declaration(self) -> String {
        match self {
            Self::Boolean => "BOOLEAN".to_owned(),
            Self::Integer => "INTEGER".to_owned(),
            Self::BigInt => "BIGINT".to_owned(),
            Self::Decimal { precision, scale } => format!("DECIMAL TEXT({precision},{scale})"),
            Self::Double => "DOUBLE".to_owned(),
            Self::Varchar | Self::Null => "VARCHAR".to_owned(),
            Self::Varbinary => "VARBINARY".to_owned(),
            Self::Date => "DATE".to_owned(),
            Self::Timestamp => "TIMESTAMP".to_owned(),
        }
    }

    /// Parses a declared type. Returns `None` for one that this crate does not create.
    pub(crate) fn from_declaration(text: &str) -> Option<Self> {
        if let Some(digits) = text.strip_prefix("DECIMAL TEXT(") {
            let (precision, scale) = digits.strip_suffix(')')?.split_once(',')?;
            return Some(Self::Decimal {
                precision: precision.trim().parse().ok()?,
                scale: scale.trim().parse().ok()?,
            });
        }
        Some(match text {
            "BOOLEAN" => Self::Boolean,
            "INTEGER" => Self::Integer,
            "BIGINT" => Self::BigInt,
            "DOUBLE" => Self::Double,
            "VARCHAR" => Self::Varchar,
            "VARBINARY" => Self::Varbinary,
            "DATE" => Self::Date,
            "TIMESTAMP" => Self::Timestamp,
            _ => return None,
        })
    }
}

/// A value of a table, not encoded for any service.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// SQL NULL.
    Null,
    /// True or false.
    Boolean(bool),
    /// An integer of up to 64 bits.
    Integer(i64),
    /// A double-precision float.
    Double(f64),
    /// Text. A decimal is its digits (`12.500000000`), a date is `2024-01-15`, and a timestamp is
    /// `2024-01-15 08:30:00.250` (UTC, at most six fraction digits).
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Boolean(value)
    }
}
impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}
impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Double(value)
    }
}
impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}
impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}
impl From<Vec<u8>> for Value {
    fn from(value: Vec<u8>) -> Self {
        Self::Bytes(value)
    }
}
impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// A column of a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    /// `None` for an expression without an alias. Each service names such a column itself.
    pub(crate) name: Option<String>,
    /// The text of an expression without an alias.
    pub(crate) expression: String,
    pub(crate) column_type: ColumnType,
    /// Whether it may contain NULL.
    pub(crate) nullable: bool,
    /// Set if the values are JSON text of a type of one service.
    pub(crate) wire_type: Option<WireType>,
}

/// A type of one service, as that service spells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WireType {
    pub(crate) service: Service,
    pub(crate) name: String,
}

impl Column {
    /// Returns the service-specific type, if the column has one for this service.
    pub(crate) fn wire_type_of(&self, service: Service) -> Option<&str> {
        let wire_type = self.wire_type.as_ref()?;
        (wire_type.service == service).then_some(wire_type.name.as_str())
    }
}

/// A result in neutral values.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: TableRows,
    /// The memory that is reserved for the rows.
    pub(crate) _held: Option<Held>,
    /// The deadline for encoding it.
    pub(crate) until: Option<Instant>,
}

/// The rows of a result in neutral values.
pub(crate) enum TableRows {
    Read(Values),
    /// This many rows, each generated from its index.
    Made(usize, Arc<dyn Fn(usize) -> Vec<Value> + Send + Sync>),
}

impl TableRows {
    /// Returns whether the rows are stored, not generated.
    pub(crate) const fn is_read(&self) -> bool {
        matches!(self, Self::Read(_))
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Read(values) => values.len(),
            Self::Made(count, _) => *count,
        }
    }

    /// Returns a row. Panics if the index is out of range.
    #[cfg(test)]
    pub(crate) fn row(&self, index: usize) -> Vec<Value> {
        match self {
            Self::Read(values) => values.row(index),
            Self::Made(_, make) => make(index),
        }
    }
}

impl fmt::Debug for TableRows {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(values) => write!(formatter, "{} rows", values.len()),
            Self::Made(count, _) => write!(formatter, "{count} generated rows"),
        }
    }
}

/// The size limit in bytes of a result as JSON, including the column names that each row of a page
/// repeats.
pub(crate) const MAX_WIRE: usize = 32 * 1024 * 1024;

impl Table {
    /// Encodes each cell as JSON text.
    ///
    /// Fails if the result exceeds [`MAX_WIRE`] or the deadline.
    pub(crate) fn encode(
        self,
        columns: Vec<(String, String)>,
        cell: impl Fn(&Value, &Column) -> String + Send + Sync + 'static,
    ) -> Result<WireTable, SqlError> {
        let described = self.columns;
        let rows = match self.rows {
            TableRows::Read(rows) => rows,
            TableRows::Made(count, make) => {
                let row = move |index| {
                    let row = make(index);
                    let cells = row.iter().zip(&described);
                    cells.map(|(value, column)| cell(value, column)).collect()
                };
                return Ok(WireTable::new(columns, Rows::Made(count, Arc::new(row))));
            }
        };
        let names: usize = columns.iter().map(|(name, _)| name.len() + 4).sum();
        let most = MAX_WIRE.saturating_sub(names.saturating_mul(rows.len()));
        let mut packed = Packed::new(columns.len());
        // rows are freed after they are encoded
        for row in rows.into_rows() {
            packed.begin();
            for (value, column) in row.iter().zip(&described) {
                packed.push(&cell(value, column));
            }
            if self.until.is_some_and(|until| Instant::now() > until) {
                return Err(SqlError::whole(
                    "the query was interrupted: encoding its result took too long",
                ));
            }
            if packed.bytes() > most {
                return Err(SqlError::whole(format!(
                    "the result is larger than the sandbox supports: as JSON it has more than {} MiB",
                    MAX_WIRE / (1024 * 1024)
                )));
            }
        }
        Ok(WireTable::packed(columns, packed))
    }
}

/// A result in the format of one service: its type names and the JSON text of each cell.
#[derive(Clone, Debug, Default)]
pub(crate) struct WireTable {
    /// Name and type, in order.
    pub(crate) columns: Vec<(String, String)>,
    /// One JSON text per column.
    pub(crate) rows: Rows<String>,
    bytes: OnceLock<usize>,
    /// The cells of a stored result.
    packed: Option<Arc<Packed>>,
    /// The memory of the rows in bytes.
    held: usize,
}

impl WireTable {
    pub(crate) fn new(columns: Vec<(String, String)>, rows: Rows<String>) -> Self {
        let held = match &rows {
            Rows::Held(rows) => rows.iter().map(|row| size(row) + 32 * row.len()).sum(),
            Rows::Made(..) => 0,
        };
        Self {
            columns,
            rows,
            bytes: OnceLock::new(),
            packed: None,
            held,
        }
    }

    fn packed(columns: Vec<(String, String)>, packed: Packed) -> Self {
        let (rows, packed) = packed.into_rows();
        Self {
            columns,
            bytes: OnceLock::from(packed.bytes()),
            held: packed.held(),
            packed: Some(packed),
            rows,
        }
    }

    /// Returns the size of all cells in bytes. The size of generated rows is estimated from the
    /// first.
    pub(crate) fn bytes(&self) -> usize {
        *self.bytes.get_or_init(|| match &self.rows {
            Rows::Held(rows) => rows.iter().map(|row| size(row)).sum(),
            Rows::Made(0, _) => 0,
            Rows::Made(count, _) => size(&self.rows.row(0)).saturating_mul(*count),
        })
    }

    /// Returns the size of these rows in a page in bytes, including the column names. The size of
    /// generated rows is estimated from the first.
    pub(crate) fn page_bytes(&self, mut rows: impl ExactSizeIterator<Item = usize>) -> usize {
        let names: usize = self.columns.iter().map(|(name, _)| name.len() + 8).sum();
        let names = names.saturating_mul(rows.len());
        let cells: usize = match (&self.packed, &self.rows) {
            (Some(packed), _) => rows.map(|index| packed.row_bytes(index)).sum(),
            (None, Rows::Held(held)) => rows.map(|index| size(&held[index])).sum(),
            (None, Rows::Made(..)) => {
                let count = rows.len();
                let first = rows.next().map(|index| size(&self.rows.row(index)));
                first.unwrap_or(0).saturating_mul(count)
            }
        };
        names.saturating_add(cells)
    }

    /// Returns the memory of the result in bytes.
    pub(crate) const fn held(&self) -> usize {
        self.held
    }
}

fn size(row: &[String]) -> usize {
    row.iter().map(String::len).sum()
}

#[cfg(test)]
mod tests {
    use super::ColumnType;

    #[test]
    fn declared_types_round_trip() {
        for column_type in [
            ColumnType::Boolean,
            ColumnType::Integer,
            ColumnType::BigInt,
            ColumnType::Decimal {
                precision: 22,
                scale: 9,
            },
            ColumnType::Double,
            ColumnType::Varchar,
            ColumnType::Varbinary,
            ColumnType::Date,
            ColumnType::Timestamp,
        ] {
            assert_eq!(
                ColumnType::from_declaration(&column_type.declaration()),
                Some(column_type)
            );
        }
        assert_eq!(ColumnType::from_declaration("GEOMETRY"), None);
    }
}
