//! Declared types as Arrow types.

use std::{collections::HashMap, sync::Arc};

use arrow_schema::{
    DECIMAL128_MAX_PRECISION, DECIMAL256_MAX_PRECISION, DataType, Field, FieldRef, Fields, Schema,
    SchemaRef, TimeUnit,
};

use rowfeed::{
    Column, Columns,
    source::{ColumnType, IntervalUnit, LogicalType, TimeZone},
};

/// The metadata key of a field's declared type.
pub const DECLARED_TYPE: &str = "rowfeed.type";

/// The metadata key and value of Arrow's extension type for JSON.
const EXTENSION: &str = "ARROW:extension:name";
const JSON: &str = "arrow.json";

/// The name of the single member of a struct around a nullable alternative.
const WRAPPED: &str = "value";

pub(crate) fn of(columns: &Columns) -> SchemaRef {
    Arc::new(Schema::new(columns.iter().map(column).collect::<Fields>()))
}

/// Returns a field with another type, and the metadata that still applies.
pub(crate) fn with_type(field: &Field, data_type: DataType) -> Field {
    let mut metadata = field.metadata().clone();
    metadata.remove(EXTENSION);
    let field = field.clone().with_data_type(data_type);
    field.with_metadata(metadata)
}

fn column(column: &Column) -> Field {
    let mut field = field(column.name(), column.column_type());
    if let Some(declared) = column.type_name() {
        let metadata = field.metadata_mut();
        metadata.insert(DECLARED_TYPE.to_owned(), declared.to_owned());
    }
    field
}

fn field(name: &str, declared: &ColumnType) -> Field {
    let is_nullable = declared.is_nullable() != Some(false);
    let field = Field::new(name, data_type(declared), is_nullable);
    match declared.logical() {
        LogicalType::Json => field.with_metadata(HashMap::from([(EXTENSION.into(), JSON.into())])),
        _ => field,
    }
}

fn data_type(declared: &ColumnType) -> DataType {
    match declared.logical() {
        LogicalType::Null => DataType::Null,
        LogicalType::Boolean => DataType::Boolean,
        LogicalType::Integer { bits, signed } => integer(*bits, *signed),
        LogicalType::Decimal { precision, scale } => decimal(*precision, *scale),
        LogicalType::Float { bits: 32 } => DataType::Float32,
        LogicalType::Float { .. } | LogicalType::Number => DataType::Float64,
        LogicalType::Bytes => DataType::Binary,
        LogicalType::Date => DataType::Date32,
        LogicalType::Time { has_zone: true, .. } => DataType::Utf8,
        LogicalType::Time { precision, .. } => DataType::Time64(match precision {
            Some(7..) => TimeUnit::Nanosecond,
            _ => TimeUnit::Microsecond,
        }),
        LogicalType::Timestamp { precision, zone } => timestamp(*precision, *zone),
        LogicalType::Interval(IntervalUnit::Months) => {
            DataType::Interval(arrow_schema::IntervalUnit::YearMonth)
        }
        LogicalType::Interval(IntervalUnit::Milliseconds) => {
            DataType::Duration(TimeUnit::Millisecond)
        }
        LogicalType::Interval(IntervalUnit::Microseconds) => {
            DataType::Duration(TimeUnit::Microsecond)
        }
        LogicalType::List(element) => DataType::List(Arc::new(field("item", element))),
        LogicalType::Struct(members) => DataType::Struct(
            members
                .iter()
                .map(|(name, declared)| field(name, declared))
                .collect(),
        ),
        LogicalType::Tuple(members) => {
            let members = members.iter().enumerate();
            let members = members.map(|(index, member)| {
                field(&declared.member_name(index).unwrap_or_default(), member)
            });
            DataType::Struct(members.collect())
        }
        LogicalType::Map(map) => {
            let (key, value) = (field("key", map.key()), field("value", map.value()));
            let is_list = key.is_nullable();
            let entries = DataType::Struct(vec![key, value].into());
            match is_list {
                // The keys of a map are never NULL.
                true => DataType::List(Arc::new(Field::new("item", entries, false))),
                false => DataType::Map(Arc::new(Field::new("entries", entries, false)), false),
            }
        }
        LogicalType::Variant(alternatives) if is_enum(alternatives) => DataType::Utf8,
        LogicalType::Variant(alternatives) => DataType::Struct(
            alternatives
                .iter()
                .map(|(name, declared)| alternative(name, declared))
                .collect(),
        ),
        _ => DataType::Utf8,
    }
}

/// Returns whether no alternative has a value.
pub(crate) fn is_enum(alternatives: &[(Box<str>, ColumnType)]) -> bool {
    let mut types = alternatives.iter().map(|(_, declared)| declared.logical());
    types.all(|logical| *logical == LogicalType::Null)
}

/// Returns the field of a variant's alternative, which is NULL if another one is set. So an
/// alternative without a value is the boolean true, and a nullable one has a struct around it.
fn alternative(name: &str, declared: &ColumnType) -> FieldRef {
    let field = field(name, declared);
    let data_type = match declared.logical() {
        LogicalType::Null => DataType::Boolean,
        _ if field.is_nullable() => {
            let inner = field.with_name(WRAPPED);
            DataType::Struct(Fields::from(vec![inner]))
        }
        _ => return Arc::new(field.with_nullable(true)),
    };
    Arc::new(Field::new(name, data_type, true))
}

fn integer(bits: Option<u16>, signed: bool) -> DataType {
    match (bits, signed) {
        (Some(8), true) => DataType::Int8,
        (Some(16), true) => DataType::Int16,
        (Some(32), true) => DataType::Int32,
        (Some(8), false) => DataType::UInt8,
        (Some(16), false) => DataType::UInt16,
        (Some(32), false) => DataType::UInt32,
        (Some(64), false) => DataType::UInt64,
        (None | Some(64), _) => DataType::Int64,
        // The largest uint256 has 78 digits, and Arrow's decimals hold 76.
        _ => DataType::Utf8,
    }
}

/// Returns text if the type does not state its digits, or has more than Arrow's decimals.
fn decimal(precision: Option<u8>, scale: i8) -> DataType {
    match precision {
        Some(precision @ 1..=DECIMAL128_MAX_PRECISION) => DataType::Decimal128(precision, scale),
        Some(precision @ 1..=DECIMAL256_MAX_PRECISION) => DataType::Decimal256(precision, scale),
        _ => DataType::Utf8,
    }
}

fn timestamp(precision: Option<u8>, zone: TimeZone) -> DataType {
    let unit = match precision {
        Some(0) => TimeUnit::Second,
        Some(7..) => TimeUnit::Nanosecond,
        _ => TimeUnit::Microsecond,
    };
    match zone {
        TimeZone::Absent => DataType::Timestamp(unit, None),
        // A time without an offset is in UTC.
        TimeZone::Utc | TimeZone::Unstated => DataType::Timestamp(unit, Some("UTC".into())),
        // Arrow has no type for a local time and the name of its zone.
        _ => DataType::Utf8,
    }
}
