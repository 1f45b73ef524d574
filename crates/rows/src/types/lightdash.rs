//! The types that Lightdash names in the `columns` of a result.

use super::{ColumnType, TimeZone};

/// What a type name means.
///
/// `number` covers integers, decimals and floats, and an integer may be sent as a string. A type
/// that is not listed here counts as undeclared.
pub(crate) fn parse(type_name: &str) -> ColumnType {
    match type_name {
        "string" => ColumnType::text(),
        "number" => ColumnType::number(),
        "boolean" => ColumnType::boolean(),
        "date" => ColumnType::date(),
        "timestamp" => ColumnType::timestamp_of(None, TimeZone::Unstated),
        _ => ColumnType::undeclared(),
    }
}
