//! The Arrow types that a declared type can be read as.

use arrow_schema::DataType;

use crate::schema::is_enum;
use rowfeed::source::{ColumnType, LogicalType};

/// Returns whether a value of this type can become one of the Arrow type. For an undeclared type
/// the values decide.
pub(crate) fn is_compatible(data_type: &DataType, declared: &ColumnType) -> bool {
    use LogicalType::{
        Boolean, Bytes, Date, Decimal, Float, Integer, Interval, Json, List, Map, Null, Number,
        Struct, Text, Time, Timestamp, Tuple, Undeclared, Unrecognized, Variant,
    };
    let logical = declared.logical();
    if matches!(logical, Null | Undeclared | Unrecognized) {
        return true;
    }
    match data_type {
        DataType::Null => false,
        DataType::Boolean => matches!(logical, Boolean | Text | Json),
        DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::UInt8
        | DataType::UInt16
        | DataType::UInt32
        | DataType::UInt64
        | DataType::Float32
        | DataType::Float64
        | DataType::Decimal32(..)
        | DataType::Decimal64(..)
        | DataType::Decimal128(..)
        | DataType::Decimal256(..) => matches!(
            logical,
            Integer { .. } | Decimal { .. } | Float { .. } | Number | Text | Json
        ),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => {
            matches!(logical, Text | Bytes | Json)
        }
        DataType::Date32 | DataType::Timestamp(..) => {
            matches!(logical, Date | Timestamp { .. } | Text)
        }
        DataType::Time64(_) => matches!(logical, Time { .. } | Text),
        DataType::Duration(_) | DataType::Interval(_) => matches!(logical, Interval(_) | Text),
        DataType::List(_) => matches!(logical, List(_) | Map(_) | Text | Json),
        DataType::Map(..) => matches!(logical, Map(_) | Text | Json),
        DataType::Struct(_) => {
            matches!(logical, Struct(_) | Tuple(_) | Variant(_) | Text | Json)
        }
        _ => false,
    }
}

/// Returns whether text of this type would omit a variant's value.
pub(crate) fn has_alternatives(declared: &ColumnType) -> bool {
    matches!(declared.logical(), LogicalType::Variant(alternatives) if !is_enum(alternatives))
}

/// Returns whether the values of this type become structs.
pub(crate) fn has_members(declared: &ColumnType) -> bool {
    matches!(
        declared.logical(),
        LogicalType::Struct(_) | LogicalType::Tuple(_) | LogicalType::Variant(_)
    )
}

/// The source of a struct's member.
pub(crate) enum Member<'t> {
    Plain(&'t ColumnType),
    Alternative(&'t ColumnType),
    /// The value has no declared type for its members.
    Undeclared,
    Missing,
}

/// Returns the member at a position, with a name, of values of this type.
pub(crate) fn member_of<'t>(declared: &'t ColumnType, place: usize, name: &str) -> Member<'t> {
    let named = |members: &'t [(Box<str>, ColumnType)]| {
        let found = members.iter().find(|(known, _)| **known == *name);
        found.map(|(_, declared)| declared)
    };
    match declared.logical() {
        LogicalType::Struct(members) => named(members).map_or(Member::Missing, Member::Plain),
        LogicalType::Tuple(members) => members.get(place).map_or(Member::Missing, Member::Plain),
        LogicalType::Variant(members) => {
            named(members).map_or(Member::Missing, Member::Alternative)
        }
        _ => Member::Undeclared,
    }
}
