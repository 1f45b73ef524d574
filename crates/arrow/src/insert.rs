//! Record batches as rows of a table at Dune.

use std::{fmt, future::Future, pin::Pin, task::Context, task::Poll};

use arrow_array::{
    Array, ArrowPrimitiveType, RecordBatch,
    cast::AsArray as _,
    temporal_conversions,
    types::{self, ArrowTemporalType},
};
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use futures_core::Stream;
use rowfeed::{
    Columns,
    dune::insert::{InsertColumn, InsertError, InsertReport, InsertRows},
};
use rowfeed_rows::LogicalType;
use serde::{
    Serialize, Serializer,
    ser::{Error as _, SerializeMap as _},
};

use crate::DECLARED_TYPE;

/// Writes record batches to a table at Dune. With the feature `dune`.
///
/// Values are compared with the types of the columns, as those of structs are; see
/// [`insert`](rowfeed::dune::insert). Decimals are written as text, times and dates as text in UTC.
/// Dictionaries, durations, intervals and unions are errors; cast them first.
pub trait InsertBatchesExt: Sized {
    /// Declares the columns of the table from an Arrow schema.
    ///
    /// | Arrow | column |
    /// |---|---|
    /// | `Boolean` | `boolean` |
    /// | `Int8` to `Int32`, `UInt8`, `UInt16` | `integer` |
    /// | `Int64`, `UInt32`, `UInt64` | `bigint`; a larger value is an error of its row |
    /// | `Float32`, `Float64` | `double` |
    /// | `Decimal128`, `Decimal256` of up to 38 digits | `decimal(p, s)` |
    /// | text; bytes | `varchar`; `varbinary` |
    /// | `Date32`, `Date64`; `Timestamp` | `date`; `timestamp` |
    ///
    /// A field that came from Dune keeps its type there, such as `uint256`: it is in the
    /// [metadata](DECLARED_TYPE).
    ///
    /// # Errors
    ///
    /// A field has no such type. Declare the columns with
    /// [`columns`](rowfeed::dune::insert::InsertRows::columns) then.
    fn columns_of_schema(self, schema: &Schema) -> Result<Self, UnsupportedField>;

    /// Checks all rows of all batches, and then writes them.
    ///
    /// # Errors
    ///
    /// As of [`InsertRows::write`]. Rows are counted over all batches.
    ///
    /// ```
    /// use rowfeed::{dune, prelude::*};
    /// use rowfeed_arrow::{InsertBatchesExt as _, RecordBatchesExt as _};
    ///
    /// # rowfeed_sandbox::__example!(|sandbox, dune, query_id| {
    /// let latest = dune.get_latest_query_result().query_id(query_id);
    /// let batches = latest.record_batches().try_collect().await?;
    /// let insert = dune.insert_rows("rowfeed", "trades_copy");
    /// let insert = insert.columns_of_schema(&batches[0].schema())?.create_table();
    /// assert_eq!(insert.write_batches(&batches).await?.rows_written, 48);
    /// # });
    /// ```
    fn write_batches(
        self,
        batches: &[RecordBatch],
    ) -> impl Future<Output = Result<InsertReport, InsertError>> + Send;

    /// Writes the rows of batches as they arrive, such as [`RecordBatches`](crate::RecordBatches).
    ///
    /// # Errors
    ///
    /// As of [`InsertRows::write_stream`].
    fn write_batch_stream<S, E>(
        self,
        batches: S,
    ) -> impl Future<Output = Result<InsertReport, InsertError>> + Send
    where
        S: Stream<Item = Result<RecordBatch, E>> + Send,
        E: fmt::Display + Send;
}

/// A field of an Arrow schema that stands for no column type of Dune.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnsupportedField(String);

impl fmt::Display for UnsupportedField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UnsupportedField {}

impl InsertBatchesExt for InsertRows {
    fn columns_of_schema(self, schema: &Schema) -> Result<Self, UnsupportedField> {
        let columns = schema.fields().iter().map(|field| column(field));
        Ok(self.columns(columns.collect::<Result<Vec<_>, _>>()?))
    }

    async fn write_batches(self, batches: &[RecordBatch]) -> Result<InsertReport, InsertError> {
        let rows = batches.iter().cloned().flat_map(BatchRows::new);
        self.write(rows).await
    }

    async fn write_batch_stream<S, E>(self, batches: S) -> Result<InsertReport, InsertError>
    where
        S: Stream<Item = Result<RecordBatch, E>> + Send,
        E: fmt::Display + Send,
    {
        let rows = RowStream {
            rows: None,
            batches: Box::pin(batches),
        };
        self.write_stream(rows).await
    }
}

fn column(field: &Field) -> Result<InsertColumn, UnsupportedField> {
    let declared = field.metadata().get(DECLARED_TYPE);
    let declared = declared.filter(|name| is_of_dune(name)).cloned();
    let type_name = declared.or_else(|| type_name(field.data_type()));
    let Some(type_name) = type_name else {
        return Err(UnsupportedField(format!(
            "the field `{}` is {}, which has no column type of its own; declare the columns with \
             columns()",
            field.name(),
            field.data_type()
        )));
    };
    let column = InsertColumn::new(field.name(), type_name);
    Ok(match field.is_nullable() {
        true => column,
        false => column.not_null(),
    })
}

/// Other services declare types, too; Dune knows few of their names.
fn is_of_dune(name: &str) -> bool {
    let columns = Columns::dune([""], [name]);
    let logical = columns
        .iter()
        .next()
        .map(|column| column.column_type().logical());
    !matches!(
        logical,
        None | Some(LogicalType::Unrecognized | LogicalType::Undeclared)
    )
}

fn type_name(data_type: &DataType) -> Option<String> {
    use DataType::*;
    Some(match data_type {
        Boolean => "boolean".to_owned(),
        Int8 | Int16 | Int32 | UInt8 | UInt16 => "integer".to_owned(),
        Int64 | UInt32 | UInt64 => "bigint".to_owned(),
        Float32 | Float64 => "double".to_owned(),
        Decimal128(precision, scale) | Decimal256(precision, scale)
            if *precision <= 38 && *scale >= 0 =>
        {
            format!("decimal({precision}, {scale})")
        }
        Utf8 | LargeUtf8 | Utf8View => "varchar".to_owned(),
        Binary | LargeBinary | BinaryView | FixedSizeBinary(_) => "varbinary".to_owned(),
        Date32 | Date64 => "date".to_owned(),
        Timestamp(..) => "timestamp".to_owned(),
        _ => return None,
    })
}

/// The rows of a record batch, each of which is a `Serialize` map from names to values.
#[derive(Clone, Debug)]
pub struct BatchRows {
    batch: RecordBatch,
    next: usize,
}

impl BatchRows {
    /// Returns the rows of a batch.
    #[must_use]
    pub fn new(batch: RecordBatch) -> Self {
        Self { batch, next: 0 }
    }
}

impl Iterator for BatchRows {
    type Item = BatchRow;

    fn next(&mut self) -> Option<BatchRow> {
        let index = self.next;
        (index < self.batch.num_rows()).then(|| {
            self.next += 1;
            let batch = self.batch.clone();
            BatchRow { batch, index }
        })
    }
}

/// The rows of batches as they arrive.
struct RowStream<S> {
    rows: Option<BatchRows>,
    batches: Pin<Box<S>>,
}

impl<S, E> Stream for RowStream<S>
where
    S: Stream<Item = Result<RecordBatch, E>>,
{
    type Item = Result<BatchRow, E>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(row) = self.rows.as_mut().and_then(Iterator::next) {
                return Poll::Ready(Some(Ok(row)));
            }
            match self.batches.as_mut().poll_next(cx) {
                Poll::Ready(Some(Ok(batch))) => self.rows = Some(BatchRows::new(batch)),
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(error))),
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

/// A row of a record batch.
#[derive(Clone, Debug)]
pub struct BatchRow {
    // A batch is cheap to clone.
    batch: RecordBatch,
    index: usize,
}

impl Serialize for BatchRow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let schema = self.batch.schema_ref();
        let mut map = serializer.serialize_map(Some(self.batch.num_columns()))?;
        for (field, array) in schema.fields().iter().zip(self.batch.columns()) {
            let cell = Cell {
                array,
                index: self.index,
                is_nested: false,
            };
            map.serialize_entry(field.name(), &cell)?;
        }
        map.end()
    }
}

struct Cell<'a> {
    array: &'a dyn Array,
    index: usize,
    /// JSON has no bytes, so within lists they are text.
    is_nested: bool,
}

impl Serialize for Cell<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use types::*;
        let (array, index) = (self.array, self.index);
        if array.is_null(index) {
            return serializer.serialize_none();
        }
        macro_rules! native {
            ($ty:ty, $method:ident) => {
                serializer.$method(array.as_primitive::<$ty>().value(index))
            };
        }
        match array.data_type() {
            DataType::Null => serializer.serialize_none(),
            DataType::Boolean => serializer.serialize_bool(array.as_boolean().value(index)),
            DataType::Int8 => native!(Int8Type, serialize_i8),
            DataType::Int16 => native!(Int16Type, serialize_i16),
            DataType::Int32 => native!(Int32Type, serialize_i32),
            DataType::Int64 => native!(Int64Type, serialize_i64),
            DataType::UInt8 => native!(UInt8Type, serialize_u8),
            DataType::UInt16 => native!(UInt16Type, serialize_u16),
            DataType::UInt32 => native!(UInt32Type, serialize_u32),
            DataType::UInt64 => native!(UInt64Type, serialize_u64),
            DataType::Float32 => native!(Float32Type, serialize_f32),
            DataType::Float64 => native!(Float64Type, serialize_f64),
            DataType::Utf8 => serializer.serialize_str(array.as_string::<i32>().value(index)),
            DataType::LargeUtf8 => serializer.serialize_str(array.as_string::<i64>().value(index)),
            DataType::Utf8View => serializer.serialize_str(array.as_string_view().value(index)),
            DataType::Binary => self.bytes(array.as_binary::<i32>().value(index), serializer),
            DataType::LargeBinary => self.bytes(array.as_binary::<i64>().value(index), serializer),
            DataType::BinaryView => self.bytes(array.as_binary_view().value(index), serializer),
            DataType::FixedSizeBinary(_) => {
                self.bytes(array.as_fixed_size_binary().value(index), serializer)
            }
            DataType::Decimal128(..) => {
                let text = array
                    .as_primitive::<Decimal128Type>()
                    .value_as_string(index);
                serializer.serialize_str(&text)
            }
            DataType::Decimal256(..) => {
                let text = array
                    .as_primitive::<Decimal256Type>()
                    .value_as_string(index);
                serializer.serialize_str(&text)
            }
            DataType::Date32 => self.date::<Date32Type, S>(serializer),
            DataType::Date64 => self.date::<Date64Type, S>(serializer),
            DataType::Timestamp(unit, zone) => {
                let zone = zone.is_some();
                match unit {
                    TimeUnit::Second => self.time::<TimestampSecondType, S>(zone, serializer),
                    TimeUnit::Millisecond => {
                        self.time::<TimestampMillisecondType, S>(zone, serializer)
                    }
                    TimeUnit::Microsecond => {
                        self.time::<TimestampMicrosecondType, S>(zone, serializer)
                    }
                    TimeUnit::Nanosecond => {
                        self.time::<TimestampNanosecondType, S>(zone, serializer)
                    }
                }
            }
            DataType::List(_) => items(&array.as_list::<i32>().value(index), serializer),
            DataType::LargeList(_) => items(&array.as_list::<i64>().value(index), serializer),
            DataType::FixedSizeList(..) => {
                items(&array.as_fixed_size_list().value(index), serializer)
            }
            DataType::Struct(fields) => {
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                for (field, array) in fields.iter().zip(array.as_struct().columns()) {
                    map.serialize_entry(field.name(), &nested(array, index))?;
                }
                map.end()
            }
            DataType::Map(..) => {
                let entries = array.as_map().value(index);
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for index in 0..entries.len() {
                    let [key, value] = [0, 1].map(|column| nested(entries.column(column), index));
                    map.serialize_entry(&key, &value)?;
                }
                map.end()
            }
            other => Err(S::Error::custom(format!(
                "Arrow's {other} cannot be written; cast it"
            ))),
        }
    }
}

impl Cell<'_> {
    fn bytes<S: Serializer>(&self, bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        if !self.is_nested {
            return serializer.serialize_bytes(bytes);
        }
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        serializer.serialize_str(&format!("0x{hex}"))
    }

    fn date<T, S>(&self, serializer: S) -> Result<S::Ok, S::Error>
    where
        T: ArrowTemporalType + ArrowPrimitiveType,
        i64: From<T::Native>,
        S: Serializer,
    {
        let array = self.array.as_primitive::<T>();
        // Midnight of the type that Arrow computes with.
        let midnight = temporal_conversions::time32s_to_time(0);
        match array.value_as_datetime(self.index) {
            Some(at) if Some(at.time()) == midnight => serializer.collect_str(&at.date()),
            Some(_) => Err(S::Error::custom(
                "a date with a time of day cannot be written",
            )),
            None => Err(S::Error::custom("the date is out of range")),
        }
    }

    /// In RFC 3339, in UTC; without an offset where the type has no zone.
    fn time<T, S>(&self, has_zone: bool, serializer: S) -> Result<S::Ok, S::Error>
    where
        T: ArrowTemporalType + ArrowPrimitiveType,
        i64: From<T::Native>,
        S: Serializer,
    {
        let array = self.array.as_primitive::<T>();
        let zone = if has_zone { "Z" } else { "" };
        match array.value_as_datetime(self.index) {
            Some(at) => serializer.collect_str(&format_args!("{at:?}{zone}")),
            None => Err(S::Error::custom("the time is out of range")),
        }
    }
}

fn nested(array: &dyn Array, index: usize) -> Cell<'_> {
    Cell {
        array,
        index,
        is_nested: true,
    }
}

fn items<S: Serializer>(array: &dyn Array, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq((0..array.len()).map(|index| nested(array, index)))
}
