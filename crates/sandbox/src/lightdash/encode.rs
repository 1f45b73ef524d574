//! Encodes neutral values as Lightdash's cells: the raw value of the database driver, and a
//! formatted text.

use std::collections::HashMap;

use crate::instant::Instant;
use crate::json;
use crate::service::Service;
use crate::sql::SqlError;
use crate::table::{ColumnType, Table, Value, WireTable};

pub(super) const JSON: &str = "application/json; charset=utf-8";

/// The formatted text of NULL.
const NULL: &str = "∅";

/// The format of dates and times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clock {
    /// Columns of SQL: the JSON of a JavaScript `Date`, with milliseconds.
    Sql,
    /// Dimensions: without fraction digits.
    Fields,
}

pub(super) fn wire(table: Table, clock: Clock) -> Result<WireTable, SqlError> {
    let mut unnamed: HashMap<String, usize> = HashMap::new();
    let columns = table
        .columns
        .iter()
        .map(|column| {
            let name = column.name.clone().unwrap_or_else(|| {
                let name = unaliased(&column.expression);
                let seen = unnamed.entry(name.clone()).or_default();
                *seen += 1;
                if *seen == 1 {
                    name
                } else {
                    format!("{name}_{seen}")
                }
            });
            let own = column.wire_type_of(Service::Lightdash);
            let shown = own.unwrap_or_else(|| type_name(column.column_type));
            (name, shown.to_owned())
        })
        .collect();
    table.encode(columns, move |value, column| {
        match (value, column.wire_type_of(Service::Lightdash)) {
            (Value::Text(json), Some(_)) => scripted(json),
            _ => cell(
                &raw(value, column.column_type, clock),
                &formatted(value, column.column_type),
            ),
        }
    })
}

/// Converts scripted raw values to cells.
pub(super) fn wire_scripted(table: WireTable) -> WireTable {
    let rows = table
        .rows
        .map(|row| row.iter().map(|raw| scripted(raw)).collect());
    WireTable::new(table.columns, rows)
}

/// Builds the cell of a raw JSON value.
fn scripted(raw: &str) -> String {
    let text = match serde_json::from_str(raw) {
        Ok(serde_json::Value::Null) => NULL.to_owned(),
        Ok(serde_json::Value::String(text)) => text,
        _ => raw.to_owned(),
    };
    cell(raw, &text)
}

fn cell(raw: &str, formatted: &str) -> String {
    let formatted = json::string(formatted);
    format!(r#"{{"value":{{"raw":{raw},"formatted":{formatted}}}}}"#)
}

/// Returns the name of an expression without an alias. Postgres names a call after its function,
/// and anything else `?column?`.
fn unaliased(expression: &str) -> String {
    let name: String = expression
        .chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect();
    let is_call = expression[name.len()..].starts_with('(');
    if is_call && name.starts_with(char::is_alphabetic) {
        name.to_lowercase()
    } else {
        "?column?".to_owned()
    }
}

pub(super) const fn type_name(column_type: ColumnType) -> &'static str {
    match column_type {
        ColumnType::Boolean => "boolean",
        ColumnType::Integer
        | ColumnType::BigInt
        | ColumnType::Decimal { .. }
        | ColumnType::Double => "number",
        ColumnType::Varchar | ColumnType::Varbinary | ColumnType::Null => "string",
        ColumnType::Date => "date",
        ColumnType::Timestamp => "timestamp",
    }
}

fn raw(value: &Value, column_type: ColumnType, clock: Clock) -> String {
    match (value, column_type) {
        (Value::Null, _) => "null".to_owned(),
        (Value::Boolean(value), _) => value.to_string(),
        // the driver returns 64-bit integers as text, even small ones
        (Value::Integer(value), ColumnType::BigInt) => json::string(&value.to_string()),
        (Value::Integer(value), _) => value.to_string(),
        // JSON does not have these values
        (Value::Double(value), _) if !value.is_finite() => "null".to_owned(),
        (Value::Double(value), _) => json::double(*value),
        // the JSON of the driver's Buffer
        (Value::Bytes(bytes), _) => format!(r#"{{"type":"Buffer","data":{}}}"#, json::text(bytes)),
        // read as a float, which loses digits
        (Value::Text(text), ColumnType::Decimal { .. }) => text
            .parse()
            .map_or_else(|_| "null".to_owned(), json::double),
        (Value::Text(text), ColumnType::Date | ColumnType::Timestamp) => {
            json::string(&match Instant::parse(text) {
                Some(at) if clock == Clock::Sql => {
                    format!("{}T{}.{}Z", at.date, at.time, at.fraction_of(3))
                }
                Some(at) => format!("{}T{}Z", at.date, at.time),
                None => text.clone(),
            })
        }
        (Value::Text(text), _) => json::string(text),
    }
}

fn formatted(value: &Value, column_type: ColumnType) -> String {
    match (value, column_type) {
        (Value::Null, _) => NULL.to_owned(),
        (Value::Boolean(true), _) => "True".to_owned(),
        (Value::Boolean(false), _) => "False".to_owned(),
        (Value::Integer(value), _) => value.to_string(),
        (Value::Double(value), _) => number(*value),
        (Value::Bytes(bytes), _) => json::hex(bytes),
        (Value::Text(text), ColumnType::Decimal { .. }) => {
            text.parse().map_or_else(|_| text.clone(), number)
        }
        (Value::Text(text), ColumnType::Date) => text.clone(),
        (Value::Text(text), ColumnType::Timestamp) => match Instant::parse(text) {
            Some(at) => format!("{}, {}:{} (+00:00)", at.date, at.time, at.fraction_of(3)),
            None => text.clone(),
        },
        (Value::Text(text), _) => text.clone(),
    }
}

/// Formats a number with at most three fraction digits, and commas between groups of three digits.
fn number(value: f64) -> String {
    if !value.is_finite() {
        return NULL.to_owned();
    }
    let text = format!("{:.3}", value.abs());
    let text = crate::instant::decimal_trimmed(&text);
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let sign = if value < 0.0 && text != "0" { "-" } else { "" };
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{grouped}{point}{fraction}")
}

#[cfg(test)]
mod tests {
    use super::{Clock, number, raw, unaliased};
    use crate::table::{ColumnType, Value};

    #[test]
    fn bigints_are_text_and_integers_are_numbers() {
        let value = Value::Integer(7);
        assert_eq!(raw(&value, ColumnType::BigInt, Clock::Sql), "\"7\"");
        assert_eq!(raw(&value, ColumnType::Integer, Clock::Sql), "7");
    }

    #[test]
    fn a_date_is_its_midnight() {
        let day = Value::from("2024-01-15");
        assert_eq!(
            raw(&day, ColumnType::Date, Clock::Fields),
            "\"2024-01-15T00:00:00Z\""
        );
        assert_eq!(
            raw(&day, ColumnType::Date, Clock::Sql),
            "\"2024-01-15T00:00:00.000Z\""
        );
    }

    #[test]
    fn formatted_numbers_are_grouped_and_rounded() {
        assert_eq!(number(1_234_567.891_2), "1,234,567.891");
        assert_eq!(number(-0.5), "-0.5");
        assert_eq!(number(100.0), "100");
    }

    #[test]
    fn expressions_have_the_names_of_postgres() {
        assert_eq!(unaliased("COUNT(*)"), "count");
        assert_eq!(unaliased("1 + 1"), "?column?");
    }
}
