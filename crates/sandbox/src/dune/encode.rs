//! Encodes neutral values as Dune's JSON, which follows Trino.

use crate::instant::{Instant, decimal_filled};
use crate::json;
use crate::service::Service;
use crate::sql::SqlError;
use crate::table::{ColumnType, Table, Value, WireTable};

pub(super) fn wire(table: Table) -> Result<WireTable, SqlError> {
    let columns = table
        .columns
        .iter()
        .enumerate()
        .map(|(index, column)| {
            let name = column.name.clone();
            let name = name.unwrap_or_else(|| format!("_col{index}"));
            let own = column.wire_type_of(Service::Dune).map(str::to_owned);
            (name, own.unwrap_or_else(|| type_name(column.column_type)))
        })
        .collect();
    table.encode(columns, |value, column| {
        match (value, column.wire_type_of(Service::Dune)) {
            (Value::Text(json), Some(_)) => json.clone(),
            _ => cell(value, column.column_type),
        }
    })
}

pub(super) fn type_name(column_type: ColumnType) -> String {
    match column_type {
        ColumnType::Boolean => "boolean",
        ColumnType::Integer => "integer",
        ColumnType::BigInt => "bigint",
        ColumnType::Decimal { precision, scale } => {
            return format!("decimal({precision}, {scale})");
        }
        ColumnType::Double => "double",
        ColumnType::Varchar => "varchar",
        ColumnType::Varbinary => "varbinary",
        ColumnType::Date => "date",
        ColumnType::Timestamp => "timestamp with time zone",
        ColumnType::Null => "unknown",
    }
    .to_owned()
}

fn cell(value: &Value, column_type: ColumnType) -> String {
    match (value, column_type) {
        (Value::Null, _) => "null".to_owned(),
        (Value::Boolean(value), _) => value.to_string(),
        (Value::Integer(value), _) => value.to_string(),
        // JSON does not have these floats; their format at Dune is not documented
        (Value::Double(value), _) if !value.is_finite() => json::string(if value.is_nan() {
            "NaN"
        } else if *value > 0.0 {
            "Infinity"
        } else {
            "-Infinity"
        }),
        (Value::Double(value), _) => json::double(*value),
        (Value::Bytes(bytes), _) => json::string(&json::hex(bytes)),
        (Value::Text(text), ColumnType::Decimal { scale, .. }) => {
            json::string(&decimal_filled(text, scale))
        }
        (Value::Text(text), ColumnType::Timestamp) => json::string(&match Instant::parse(text) {
            Some(at) => format!("{} {}.{} UTC", at.date, at.time, at.fraction_of(3)),
            None => text.clone(),
        }),
        (Value::Text(text), _) => json::string(text),
    }
}

#[cfg(test)]
mod tests {
    use super::cell;
    use crate::table::{ColumnType, Value};

    #[test]
    fn values_are_written_as_trino_shows_them() {
        let decimal = ColumnType::Decimal {
            precision: 38,
            scale: 2,
        };
        assert_eq!(cell(&"1.5".into(), decimal), "\"1.50\"");
        assert_eq!(
            cell(&"2024-01-15 08:30:00".into(), ColumnType::Timestamp),
            "\"2024-01-15 08:30:00.000 UTC\""
        );
        assert_eq!(
            cell(&Value::Bytes(vec![1, 255]), ColumnType::Varbinary),
            "\"0x01ff\""
        );
        assert_eq!(
            cell(&Value::Integer(i64::MIN), ColumnType::BigInt),
            "-9223372036854775808"
        );
        assert_eq!(
            cell(&Value::Double(f64::NEG_INFINITY), ColumnType::Double),
            "\"-Infinity\""
        );
    }
}
