//! The types of services outside rowfeed.

use crate::ColumnsExt as _;
use arrow_schema::{DataType, TimeUnit};

use rowfeed::{Columns, source::ColumnType};

#[test]
fn the_types_of_another_service_have_arrow_types() {
    let utc = || Some("UTC".into());
    let cases = [
        (ColumnType::boolean(), DataType::Boolean),
        (ColumnType::integer(), DataType::Int64),
        (ColumnType::float64(), DataType::Float64),
        (ColumnType::number(), DataType::Float64),
        (ColumnType::decimal(), DataType::Utf8),
        (ColumnType::text(), DataType::Utf8),
        (ColumnType::json(), DataType::Utf8),
        (ColumnType::hex_bytes(), DataType::Binary),
        (ColumnType::base64_bytes(), DataType::Binary),
        (ColumnType::date(), DataType::Date32),
        (ColumnType::time(), DataType::Time64(TimeUnit::Microsecond)),
        (
            ColumnType::timestamp(),
            DataType::Timestamp(TimeUnit::Microsecond, None),
        ),
        (
            ColumnType::instant(),
            DataType::Timestamp(TimeUnit::Microsecond, utc()),
        ),
        (ColumnType::interval(), DataType::Utf8),
        (ColumnType::undeclared(), DataType::Utf8),
        (ColumnType::null(), DataType::Null),
    ];
    // The service's name for a type has no effect, even if Trino has a type of that name.
    let columns = cases
        .iter()
        .map(|(kind, _)| ("c", "decimal(9, 2)", kind.clone()));
    let schema = Columns::lists(columns).arrow_schema();
    for (field, (kind, wanted)) in schema.fields().iter().zip(&cases) {
        assert_eq!(field.data_type(), wanted, "{kind:?}");
        assert!(field.is_nullable(), "{kind:?}");
    }
}

#[test]
fn nested_types_of_another_service_have_arrow_types() {
    let pair = ColumnType::tuple([ColumnType::text(), ColumnType::integer()]);
    let point = ColumnType::structure([("x", ColumnType::float64())]);
    let map = ColumnType::map(ColumnType::text(), ColumnType::date());
    let list = ColumnType::list(ColumnType::boolean());
    let columns = [pair, point, map, list].map(|kind| ("c", "", kind));
    let schema = Columns::objects(columns).arrow_schema();
    let shown: Vec<String> = schema
        .fields()
        .iter()
        .map(|field| field.data_type().to_string())
        .collect();
    for (shown, wanted) in shown.iter().zip([
        ["Struct", "field0", "Utf8", "field1", "Int64"].as_slice(),
        &["Struct", "x", "Float64"],
        &["Map", "key", "Utf8", "value", "Date32"],
        &["List", "Boolean"],
    ]) {
        assert!(wanted.iter().all(|part| shown.contains(part)), "{shown}");
    }
}
