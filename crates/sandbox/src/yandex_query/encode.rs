//! Encodes neutral values as Yandex Query's JSON, with YQL type names.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::instant::{Instant, decimal_trimmed};
use crate::json;
use crate::service::Service;
use crate::sql::SqlError;
use crate::table::{Column, ColumnType, Table, Value, WireTable};

/// Integers above this are sent as text.
const MAX_SAFE: u64 = (1 << 53) - 1;

pub(super) fn wire(table: Table) -> Result<WireTable, SqlError> {
    let columns = table
        .columns
        .iter()
        .enumerate()
        .map(|(index, column)| {
            let name = column.name.clone();
            let name = name.unwrap_or_else(|| format!("column{index}"));
            let own = column.wire_type_of(Service::YandexQuery).map(str::to_owned);
            (name, own.unwrap_or_else(|| type_name(column)))
        })
        .collect();
    table.encode(columns, |value, column| {
        match (value, column.wire_type_of(Service::YandexQuery)) {
            (Value::Text(json), Some(_)) => json.clone(),
            (Value::Null, Some(_)) => "null".to_owned(),
            _ => cell(value, column),
        }
    })
}

fn type_name(column: &Column) -> String {
    let plain = match column.column_type {
        ColumnType::Boolean => "Bool".to_owned(),
        ColumnType::Integer => "Int32".to_owned(),
        ColumnType::BigInt => "Int64".to_owned(),
        // YQL decimals have at most 35 digits
        ColumnType::Decimal { precision, scale } => {
            format!("Decimal({},{scale})", precision.min(35))
        }
        ColumnType::Double => "Double".to_owned(),
        ColumnType::Varchar => "Utf8".to_owned(),
        ColumnType::Varbinary => "String".to_owned(),
        ColumnType::Date => "Date".to_owned(),
        ColumnType::Timestamp => "Timestamp".to_owned(),
        ColumnType::Null => return "Null".to_owned(),
    };
    if column.nullable {
        format!("Optional<{plain}>")
    } else {
        plain
    }
}

fn cell(value: &Value, column: &Column) -> String {
    match (value, column.column_type, column.nullable) {
        (Value::Null, ColumnType::Null, _) | (Value::Null, _, false) => "null".to_owned(),
        (Value::Null, ..) => "[]".to_owned(),
        (value, column_type, true) => format!("[{}]", plain(value, column_type)),
        (value, column_type, false) => plain(value, column_type),
    }
}

fn plain(value: &Value, column_type: ColumnType) -> String {
    match (value, column_type) {
        (Value::Null, _) => "null".to_owned(),
        (Value::Boolean(value), _) => value.to_string(),
        (Value::Integer(value), _) if value.unsigned_abs() > MAX_SAFE => {
            json::string(&value.to_string())
        }
        (Value::Integer(value), _) => value.to_string(),
        (Value::Double(value), _) => double(*value),
        (Value::Bytes(bytes), _) => json::string(&STANDARD.encode(bytes)),
        (Value::Text(text), ColumnType::Decimal { .. }) => json::string(decimal_trimmed(text)),
        (Value::Text(text), ColumnType::Timestamp) => json::string(&match Instant::parse(text) {
            Some(at) => {
                let fraction = at.fraction_of(6);
                let point = if fraction == "000000" {
                    String::new()
                } else {
                    format!(".{fraction}")
                };
                format!("{}T{}{point}Z", at.date, at.time)
            }
            None => text.clone(),
        }),
        (Value::Text(text), _) => json::string(text),
    }
}

/// Formats a double with ten significant digits. Whole doubles of up to 17 digits become integers,
/// and values that JSON does not have become words.
fn double(value: f64) -> String {
    if value.is_nan() {
        return "\"nan\"".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "\"inf\"" } else { "\"-inf\"" }.to_owned();
    }
    if value.fract() == 0.0 && value.abs() < 1e17 {
        return format!("{}", value as i64);
    }
    let text = format!("{value:.9e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..10).contains(&exponent) {
        let places = usize::try_from(9 - exponent).unwrap_or(0);
        return decimal_trimmed(&format!("{value:.places$}")).to_owned();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{}e{sign}{:02}", decimal_trimmed(digits), exponent.abs())
}

#[cfg(test)]
mod tests {
    use super::{cell, double, type_name};
    use crate::table::{Column, ColumnType, Value};

    fn column(column_type: ColumnType, nullable: bool) -> Column {
        Column {
            name: None,
            expression: String::new(),
            column_type,
            nullable,
            wire_type: None,
        }
    }

    #[test]
    fn doubles_have_ten_digits() {
        assert_eq!(double(std::f64::consts::PI), "3.141592654");
        assert_eq!(double(1.0), "1");
        assert_eq!(double(9_007_199_254_740_994.0), "9007199254740994");
        assert_eq!(double(1e20), "1e+20");
        assert_eq!(double(-789.125), "-789.125");
        assert_eq!(double(1.5e-7), "1.5e-07");
        assert_eq!(double(f64::INFINITY), "\"inf\"");
    }

    #[test]
    fn integers_above_2_pow_53_are_text() {
        let plain = column(ColumnType::BigInt, false);
        assert_eq!(
            cell(&Value::Integer(9_007_199_254_740_991), &plain),
            "9007199254740991"
        );
        assert_eq!(
            cell(&Value::Integer(9_007_199_254_740_992), &plain),
            "\"9007199254740992\""
        );
    }

    #[test]
    fn null_is_an_empty_optional() {
        let optional = column(ColumnType::Varchar, true);
        assert_eq!(type_name(&optional), "Optional<Utf8>");
        assert_eq!(cell(&Value::Null, &optional), "[]");
        assert_eq!(cell(&"x".into(), &optional), "[\"x\"]");
        let null = column(ColumnType::Null, true);
        assert_eq!(
            (type_name(&null), cell(&Value::Null, &null)),
            ("Null".into(), "null".into())
        );
    }

    #[test]
    fn times_have_six_digits_or_none() {
        let at = column(ColumnType::Timestamp, false);
        assert_eq!(
            cell(&"2024-01-15 08:30:00".into(), &at),
            "\"2024-01-15T08:30:00Z\""
        );
        assert_eq!(
            cell(&"2024-01-15 08:30:00.25".into(), &at),
            "\"2024-01-15T08:30:00.250000Z\""
        );
        assert_eq!(
            cell(
                &Value::Bytes(b"hello".to_vec()),
                &column(ColumnType::Varbinary, false)
            ),
            "\"aGVsbG8=\""
        );
    }
}
