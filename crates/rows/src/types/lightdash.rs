//! The types that Lightdash names in the `columns` of a result.

use super::{ColumnType, TimeZone};

/// Returns the meaning of a type name.
///
/// `number` covers integers, decimals and floats, and an integer may be sent as a string. Other
/// type names count as undeclared.
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
