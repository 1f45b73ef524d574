//! Encodes rows in the format of each service.
//!
//! - Dune: objects with keys in alphabetical order; timestamps end in ` UTC`.
//! - Lightdash: objects in the order of the columns; each cell has the raw value of the database
//!   driver (a 64-bit integer is text, a date is its midnight) and a formatted text.
//! - Yandex Query: arrays; an Optional is an array of zero or one value; doubles have ten digits.

use crate::{
    dataset::Service,
    table::{Cell, Column, Kind},
};

/// Appends a row. `columns` are the selected columns with their positions in `cells`.
pub(crate) fn row(
    service: Service,
    columns: &[(usize, &Column)],
    cells: &[Cell],
    out: &mut String,
) {
    let (open, close) = match service {
        Service::YandexQuery => ('[', ']'),
        Service::Dune | Service::Lightdash => ('{', '}'),
    };
    let mut order: Vec<_> = columns.to_vec();
    if service == Service::Dune {
        order.sort_by_key(|(_, column)| column.name.as_str());
    }
    out.push(open);
    for (shown, (index, column)) in order.into_iter().enumerate() {
        if shown > 0 {
            out.push(',');
        }
        if service != Service::YandexQuery {
            string(&column.name, out);
            out.push(':');
        }
        match service {
            Service::Dune => dune(&cells[index], column.kind, out),
            Service::Lightdash => lightdash(&cells[index], column.kind, out),
            Service::YandexQuery => yandex_query(&cells[index], column, out),
        }
    }
    out.push(close);
}

/// Appends a row as CSV, as Dune writes it.
pub(crate) fn csv_row(columns: &[(usize, &Column)], cells: &[Cell], out: &mut String) {
    for (shown, (index, column)) in columns.iter().enumerate() {
        if shown > 0 {
            out.push(',');
        }
        match &cells[*index] {
            Cell::Null => {}
            Cell::Text(time) if column.kind == Kind::Timestamp => {
                out.push_str(&format!("{} UTC", time.replace('T', " ")));
            }
            Cell::Text(text) if text.contains(['"', ',']) => {
                out.push_str(&format!("\"{}\"", text.replace('"', "\"\"")));
            }
            Cell::Text(text) => out.push_str(text),
            other => plain(other, out),
        }
    }
}

/// Returns the service's name for the type of a column.
pub(crate) fn type_name(service: Service, column: &Column) -> String {
    let plain = match (service, column.kind) {
        (Service::Dune, Kind::Date) => "date",
        (Service::Dune, Kind::Timestamp) => "timestamp(3) with time zone",
        (Service::Dune, Kind::Hash) => "varbinary",
        (Service::Dune, Kind::Uint256) => "uint256",
        (Service::Dune, Kind::BigInt) => "bigint",
        (Service::Dune, Kind::Integer) => "integer",
        (Service::Dune, Kind::Double) => "double",
        (Service::Dune, Kind::Text) => "varchar",
        (Service::Dune, Kind::Boolean) => "boolean",
        (Service::Lightdash, Kind::Date) => "date",
        (Service::Lightdash, Kind::BigInt | Kind::Integer | Kind::Double) => "number",
        (Service::Lightdash, Kind::Timestamp) => "timestamp",
        (Service::Lightdash, Kind::Text | Kind::Hash | Kind::Uint256) => "string",
        (Service::Lightdash, Kind::Boolean) => "boolean",
        (Service::YandexQuery, Kind::Date) => "Date",
        (Service::YandexQuery, Kind::BigInt) => "Int64",
        (Service::YandexQuery, Kind::Integer) => "Int32",
        (Service::YandexQuery, Kind::Double) => "Double",
        (Service::YandexQuery, Kind::Timestamp) => "Timestamp",
        (Service::YandexQuery, Kind::Text | Kind::Hash | Kind::Uint256) => "Utf8",
        (Service::YandexQuery, Kind::Boolean) => "Bool",
    };
    match service == Service::YandexQuery && column.nullable {
        true => format!("Optional<{plain}>"),
        false => plain.to_owned(),
    }
}

fn dune(cell: &Cell, kind: Kind, out: &mut String) {
    match (cell, kind) {
        (Cell::Text(time), Kind::Timestamp) => {
            string(&format!("{} UTC", time.replace('T', " ")), out);
        }
        _ => plain(cell, out),
    }
}

fn plain(cell: &Cell, out: &mut String) {
    match cell {
        Cell::Null => out.push_str("null"),
        Cell::Integer(value) => out.push_str(&value.to_string()),
        Cell::Double(value) => out.push_str(&value.to_string()),
        Cell::Text(text) => string(text, out),
        Cell::Boolean(value) => out.push_str(if *value { "true" } else { "false" }),
    }
}

fn lightdash(cell: &Cell, kind: Kind, out: &mut String) {
    out.push_str(r#"{"value":{"raw":"#);
    match (cell, kind) {
        (Cell::Integer(value), Kind::BigInt) => string(&value.to_string(), out),
        (Cell::Text(day), Kind::Date) => string(&format!("{day}T00:00:00Z"), out),
        (Cell::Text(time), Kind::Timestamp) => string(&format!("{time}Z"), out),
        _ => plain(cell, out),
    }
    out.push_str(r#","formatted":"#);
    match cell {
        Cell::Null => string("∅", out),
        Cell::Integer(value) => string(&value.to_string(), out),
        Cell::Double(value) => string(&grouped(*value), out),
        Cell::Text(text) => string(text, out),
        Cell::Boolean(value) => string(if *value { "True" } else { "False" }, out),
    }
    out.push_str("}}");
}

fn yandex_query(cell: &Cell, column: &Column, out: &mut String) {
    let nullable = column.nullable;
    let text = match (cell, nullable) {
        (Cell::Text(time), false) if column.kind == Kind::Timestamp => {
            return string(&format!("{time}000Z"), out);
        }
        (Cell::Null, _) => return out.push_str("[]"),
        (Cell::Double(value), _) => Cell::Double(ten_digits(*value)),
        (_, false) => return plain(cell, out),
        (Cell::Text(text), true) => Cell::Text(text.clone()),
        (Cell::Integer(value), true) => Cell::Integer(*value),
        (Cell::Boolean(value), true) => Cell::Boolean(*value),
    };
    match nullable {
        true => {
            out.push('[');
            plain(&text, out);
            out.push(']');
        }
        false => plain(&text, out),
    }
}

/// Returns the value after rounding to ten digits.
fn ten_digits(value: f64) -> f64 {
    format!("{value:.9e}").parse().unwrap_or(value)
}

/// Formats a number with three fraction digits, and commas between groups of three digits.
fn grouped(value: f64) -> String {
    let text = format!("{:.3}", value.abs());
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let mut grouped = String::from(if value < 0.0 { "-" } else { "" });
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let fraction = fraction.trim_end_matches('0');
    match fraction {
        "" => grouped,
        _ => format!("{grouped}.{fraction}"),
    }
}

fn string(text: &str, out: &mut String) {
    out.push('"');
    for (index, part) in text.split('"').enumerate() {
        if index > 0 {
            out.push_str("\\\"");
        }
        out.push_str(part);
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_quotes_only_what_needs_it() {
        let column = |kind| Column {
            name: "a".to_owned(),
            kind,
            nullable: true,
        };
        let columns = [
            Kind::Timestamp,
            Kind::Text,
            Kind::Text,
            Kind::Boolean,
            Kind::Double,
        ]
        .map(column);
        let cells = [
            Cell::Text("2024-01-01T00:00:00.007".to_owned()),
            Cell::Text("Café \"Lagoon\"".to_owned()),
            Cell::Text("reef".to_owned()),
            Cell::Null,
            Cell::Double(1.5),
        ];
        let mut out = String::new();
        csv_row(
            &columns.iter().enumerate().collect::<Vec<_>>(),
            &cells,
            &mut out,
        );
        assert_eq!(
            out,
            r#"2024-01-01 00:00:00.007 UTC,"Café ""Lagoon""",reef,,1.5"#
        );
    }

    fn written(service: Service) -> String {
        let columns = [
            ("symbol", Kind::Text, true),
            ("amount", Kind::Double, true),
            ("block", Kind::BigInt, false),
            ("day", Kind::Date, false),
        ]
        .map(|(name, kind, nullable)| Column {
            name: name.to_owned(),
            kind,
            nullable,
        });
        let cells = [
            Cell::Null,
            Cell::Double(12_345.678_901_234),
            Cell::Integer(7),
            Cell::Text("2024-02-29".to_owned()),
        ];
        let mut out = String::new();
        row(
            service,
            &columns.iter().enumerate().collect::<Vec<_>>(),
            &cells,
            &mut out,
        );
        out
    }

    #[test]
    fn each_service_has_its_format() {
        assert_eq!(
            written(Service::Dune),
            r#"{"amount":12345.678901234,"block":7,"day":"2024-02-29","symbol":null}"#
        );
        assert_eq!(
            written(Service::Lightdash),
            concat!(
                r#"{"symbol":{"value":{"raw":null,"formatted":"∅"}},"#,
                r#""amount":{"value":{"raw":12345.678901234,"formatted":"12,345.679"}},"#,
                r#""block":{"value":{"raw":"7","formatted":"7"}},"#,
                r#""day":{"value":{"raw":"2024-02-29T00:00:00Z","formatted":"2024-02-29"}}}"#
            )
        );
        assert_eq!(
            written(Service::YandexQuery),
            r#"[[],[12345.6789],7,"2024-02-29"]"#
        );
    }
}
