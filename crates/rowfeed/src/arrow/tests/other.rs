//! The types of services that are not rowfeed's own.

use arrow_schema::{DataType, TimeUnit};

use crate::{Columns, service::ColumnType};

#[test]
fn the_types_of_another_service_have_arrow_types() {
    use ColumnType::*;
    let utc = || Some("UTC".into());
    let cases = [
        (Boolean, DataType::Boolean),
        (Integer, DataType::Int64),
        (Float, DataType::Float64),
        (Number, DataType::Float64),
        (Decimal, DataType::Utf8),
        (Text, DataType::Utf8),
        (Json, DataType::Utf8),
        (HexBytes, DataType::Binary),
        (Base64Bytes, DataType::Binary),
        (Date, DataType::Date32),
        (Time, DataType::Time64(TimeUnit::Microsecond)),
        (Timestamp, DataType::Timestamp(TimeUnit::Microsecond, None)),
        (Instant, DataType::Timestamp(TimeUnit::Microsecond, utc())),
        (Interval, DataType::Utf8),
        (Unknown, DataType::Utf8),
        (Null, DataType::Null),
    ];
    // What the service calls them decides nothing, not even where Trino has such a type.
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
    let pair = ColumnType::Tuple(vec![ColumnType::Text, ColumnType::Integer]);
    let point = ColumnType::Struct(vec![("x".to_owned(), ColumnType::Float)]);
    let map = ColumnType::Map(Box::new((ColumnType::Text, ColumnType::Date)));
    let list = ColumnType::List(Box::new(ColumnType::Boolean));
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
