//! Random tables, and their encoding at each service.
#![allow(dead_code, unreachable_pub)]

use base64::{Engine as _, engine::general_purpose::STANDARD};
use proptest::prelude::*;
use rowfeed::Value;
use rowfeed_sandbox::Service;
use serde::Deserialize;
use serde_json::json;

use super::page_server::Table;

/// The kind of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Boolean,
    Integer,
    Float,
    Decimal,
    Text,
    Bytes,
    Date,
    Instant,
    List,
}

const KINDS: [Kind; 9] = [
    Kind::Boolean,
    Kind::Integer,
    Kind::Float,
    Kind::Decimal,
    Kind::Text,
    Kind::Bytes,
    Kind::Date,
    Kind::Instant,
    Kind::List,
];

#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    Null,
    Boolean(bool),
    Integer(i64),
    Float(f64),
    Decimal(rust_decimal::Decimal),
    Text(String),
    Bytes(Vec<u8>),
    Date(jiff::civil::Date),
    Instant(jiff::Timestamp),
    List(Vec<Option<i64>>),
}

#[derive(Clone, Debug)]
pub struct Random {
    pub columns: Vec<(String, Kind)>,
    pub rows: Vec<Vec<Cell>>,
    /// How many rows a short page has, by its first row.
    short: Vec<usize>,
}

/// A row with known columns.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Record {
    boolean: bool,
    integer: Option<i64>,
    float: f64,
    decimal: rust_decimal::Decimal,
    text: Option<String>,
    #[serde(with = "serde_bytes")]
    bytes: Vec<u8>,
    date: jiff::civil::Date,
    instant: Option<jiff::Timestamp>,
    list: Vec<Option<i64>>,
}

/// The columns of a [`Record`].
pub const RECORD: Just<[Kind; 9]> = Just(KINDS);

fn integers() -> impl Strategy<Value = i64> {
    let edge = (1_i64 << 53) - 2..(1_i64 << 53) + 3;
    prop_oneof![
        -9_i64..10,
        any::<i64>(),
        edge.clone(),
        edge.prop_map(|n| -n)
    ]
}

/// Ten digits, which is the precision of Yandex Query's floats.
fn floats() -> impl Strategy<Value = f64> {
    let digits = -9_999_999_999_i64..10_000_000_000;
    let scaled = (digits, -20_i32..20).prop_map(|(digits, scale)| format!("{digits}e{scale}"));
    scaled.prop_map(|text| text.parse().unwrap())
}

fn decimals() -> impl Strategy<Value = rust_decimal::Decimal> {
    let digits =
        -9_999_999_999_999_999_999_999_999_999_i128..10_000_000_000_000_000_000_000_000_000;
    digits.prop_map(|digits| rust_decimal::Decimal::from_i128_with_scale(digits, 6).normalize())
}

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[a-z]{0,12}",
        "[\"\\\\/\u{0}-\u{20}\u{2028}\u{fffd}жäλ👻]{0,6}",
        Just("null".to_owned()),
        Just("[1]".to_owned()),
    ]
}

fn dates() -> impl Strategy<Value = jiff::civil::Date> {
    (1_i16..=9999, 1_i8..=12, 1_i8..=28).prop_map(|(y, m, d)| jiff::civil::date(y, m, d))
}

/// Microseconds, which all services send.
fn instants() -> impl Strategy<Value = jiff::Timestamp> {
    let micros = 0_i64..4_102_444_800_000_000;
    let whole = prop_oneof![Just(1_i64), Just(1_000_000)];
    (micros, whole).prop_map(|(micros, whole)| {
        jiff::Timestamp::from_microsecond(micros / whole * whole).unwrap()
    })
}

fn lists() -> impl Strategy<Value = Vec<Option<i64>>> {
    prop::collection::vec(prop::option::of(integers()), 0..4)
}

fn cells(kind: Kind) -> BoxedStrategy<Cell> {
    let cell = match kind {
        Kind::Boolean => any::<bool>().prop_map(Cell::Boolean).boxed(),
        Kind::Integer => integers().prop_map(Cell::Integer).boxed(),
        Kind::Float => floats().prop_map(Cell::Float).boxed(),
        Kind::Decimal => decimals().prop_map(Cell::Decimal).boxed(),
        Kind::Text => texts().prop_map(Cell::Text).boxed(),
        Kind::Bytes => any::<Vec<u8>>().prop_map(Cell::Bytes).boxed(),
        Kind::Date => dates().prop_map(Cell::Date).boxed(),
        Kind::Instant => instants().prop_map(Cell::Instant).boxed(),
        Kind::List => lists().prop_map(Cell::List).boxed(),
    };
    prop_oneof![1 => Just(Cell::Null), 5 => cell].boxed()
}

fn short_pages() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(prop_oneof![2 => Just(1_000_usize), 1 => 1_usize..5], 1..6)
}

/// A table of up to six columns with names of any kind, and up to 25 rows.
pub fn tables() -> impl Strategy<Value = Random> {
    let column = (prop::sample::select(&KINDS), "[ -~жé]{0,5}");
    let columns = prop::collection::vec(column, 1..7);
    (columns, short_pages()).prop_flat_map(|(columns, short)| {
        let columns: Vec<_> = columns
            .into_iter()
            .enumerate()
            .map(|(index, (kind, name))| (format!("{name}{index}"), kind))
            .collect();
        let row: Vec<_> = columns.iter().map(|(_, kind)| cells(*kind)).collect();
        prop::collection::vec(row, 0..26).prop_map(move |rows| Random {
            columns: columns.clone(),
            rows,
            short: short.clone(),
        })
    })
}

pub fn records() -> impl Strategy<Value = Vec<Record>> {
    let cells = (
        any::<bool>(),
        prop::option::of(integers()),
        floats(),
        decimals(),
        prop::option::of(texts()),
        any::<Vec<u8>>(),
        dates(),
        prop::option::of(instants()),
        lists(),
    );
    let record = cells.prop_map(
        |(boolean, integer, float, decimal, text, bytes, date, instant, list)| Record {
            boolean,
            integer,
            float,
            decimal,
            text,
            bytes,
            date,
            instant,
            list,
        },
    );
    prop::collection::vec(record, 0..26)
}

impl Record {
    fn cell(&self, kind: Kind) -> Cell {
        match kind {
            Kind::Boolean => Cell::Boolean(self.boolean),
            Kind::Integer => self.integer.map_or(Cell::Null, Cell::Integer),
            Kind::Float => Cell::Float(self.float),
            Kind::Decimal => Cell::Decimal(self.decimal),
            Kind::Text => self.text.clone().map_or(Cell::Null, Cell::Text),
            Kind::Bytes => Cell::Bytes(self.bytes.clone()),
            Kind::Date => Cell::Date(self.date),
            Kind::Instant => self.instant.map_or(Cell::Null, Cell::Instant),
            Kind::List => Cell::List(self.list.clone()),
        }
    }
}

impl Random {
    /// The records as a table with its columns in this order.
    pub fn of_records(records: &[Record], order: &[Kind]) -> Self {
        let name = |kind: &Kind| format!("{kind:?}").to_lowercase();
        let row = |record: &Record| order.iter().map(|kind| record.cell(*kind)).collect();
        Self {
            columns: order.iter().map(|kind| (name(kind), *kind)).collect(),
            rows: records.iter().map(row).collect(),
            short: vec![3, 1_000, 1],
        }
    }

    /// The largest page of Yandex Query, by its first row.
    pub fn cuts_of_short_pages(&self) -> Vec<usize> {
        self.short.clone()
    }

    /// Names and declared types.
    pub fn types_for(&self, service: Service) -> Vec<(String, String)> {
        let columns = self.columns.iter();
        columns
            .map(|(name, kind)| (name.clone(), type_name(service, *kind)))
            .collect()
    }

    pub fn cells_for(&self, service: Service, row: &[Cell]) -> Vec<String> {
        row.iter().map(|cell| written(service, cell)).collect()
    }

    /// The table as the service encodes it.
    pub fn written_for(&self, service: Service) -> Table {
        let rows = self.rows.iter().map(|row| {
            let cells = self.cells_for(service, row);
            let named = self.columns.iter().map(|(name, _)| json!(name)).zip(&cells);
            match service {
                Service::Dune => {
                    let mut cells: Vec<_> =
                        named.map(|(name, cell)| format!("{name}:{cell}")).collect();
                    // Dune sorts the keys.
                    cells.sort();
                    format!("{{{}}}", cells.join(","))
                }
                Service::Lightdash => {
                    let cells = named.map(|(name, cell)| {
                        format!(r#"{name}:{{"value":{{"raw":{cell},"formatted":"for people"}}}}"#)
                    });
                    format!("{{{}}}", cells.collect::<Vec<_>>().join(","))
                }
                _ => format!("[{}]", cells.join(",")),
            }
        });
        Table {
            rows: rows.collect(),
            columns: self.types_for(service),
        }
    }
}

fn type_name(service: Service, kind: Kind) -> String {
    let [dune, lightdash, yandex_query] = match kind {
        Kind::Boolean => ["boolean", "boolean", "Bool"],
        Kind::Integer => ["bigint", "number", "Int64"],
        Kind::Float => ["double", "number", "Double"],
        Kind::Decimal => ["decimal(28, 6)", "number", "Decimal(28,6)"],
        Kind::Text => ["varchar", "string", "Utf8"],
        Kind::Bytes => ["varbinary", "string", "String"],
        Kind::Date => ["date", "date", "Date32"],
        Kind::Instant => ["timestamp(6) with time zone", "timestamp", "Timestamp"],
        Kind::List => ["array(bigint)", "string", "List<Int64?>"],
    };
    match service {
        Service::Dune => dune.to_owned(),
        Service::Lightdash => lightdash.to_owned(),
        _ => format!("Optional<{yandex_query}>"),
    }
}

fn written(service: Service, cell: &Cell) -> String {
    let text = |text: String| json!(text).to_string();
    let is_yandex = service == Service::YandexQuery;
    let plain = match cell {
        Cell::Null if is_yandex => return "[]".to_owned(),
        Cell::Null => return "null".to_owned(),
        Cell::Boolean(flag) => flag.to_string(),
        Cell::Integer(number) => integer(service, *number),
        Cell::Float(number) => json!(number).to_string(),
        Cell::Decimal(number) => text(number.to_string()),
        Cell::Text(content) => text(content.clone()),
        Cell::Bytes(bytes) => match service {
            Service::Dune => {
                let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                format!("\"0x{digits}\"")
            }
            Service::Lightdash => json!({ "type": "Buffer", "data": bytes }).to_string(),
            _ => text(STANDARD.encode(bytes)),
        },
        // Lightdash encodes a date as its first moment.
        Cell::Date(day) if service == Service::Lightdash => format!("\"{day}T00:00:00Z\""),
        Cell::Date(day) => text(day.to_string()),
        Cell::Instant(at) if service == Service::Dune => {
            text(at.to_string().replace('T', " ").replace('Z', " UTC"))
        }
        Cell::Instant(at) => text(at.to_string()),
        Cell::List(items) => {
            let items = items.iter().map(|item| match item {
                None if is_yandex => "[]".to_owned(),
                None => "null".to_owned(),
                Some(number) if is_yandex => format!("[{}]", integer(service, *number)),
                Some(number) => integer(service, *number),
            });
            format!("[{}]", items.collect::<Vec<_>>().join(","))
        }
    };
    match is_yandex {
        true => format!("[{plain}]"),
        false => plain,
    }
}

/// A number or a string, even within one column: by the limit of JavaScript's integers, or
/// alternating.
fn integer(service: Service, number: i64) -> String {
    let is_text = match service {
        Service::YandexQuery => number.unsigned_abs() >= 1 << 53,
        _ => number % 3 == 0,
    };
    match is_text {
        true => format!("\"{number}\""),
        false => number.to_string(),
    }
}

/// Whether a value equals the encoded cell.
pub fn same(service: Service, kind: Kind, value: &Value, cell: &Cell) -> bool {
    let is_lightdash = service == Service::Lightdash;
    match (value, cell) {
        (Value::Null, Cell::Null) => true,
        (_, Cell::Null) => false,
        (Value::Boolean(value), Cell::Boolean(cell)) => value == cell,
        (Value::Integer(value), Cell::Integer(cell)) => *value == i128::from(*cell),
        (Value::Float(value), Cell::Float(cell)) => value == cell,
        (Value::Decimal(value), Cell::Decimal(cell)) => value.parse() == Ok(*cell),
        (Value::Text(value), Cell::Text(cell)) => value == cell,
        (Value::Bytes(value), Cell::Bytes(cell)) => value == cell,
        (Value::Date(value), Cell::Date(cell)) => *value == cell.to_string(),
        (Value::Timestamp(value), Cell::Instant(cell)) => value.parse().ok() == Some(*cell),
        (Value::List(value), Cell::List(cell)) => {
            let items = cell
                .iter()
                .map(|item| item.map_or(Cell::Null, Cell::Integer));
            let items: Vec<Cell> = items.collect();
            value.len() == items.len()
                && (value.iter().zip(&items)).all(|(v, c)| same(service, kind, v, c))
        }
        // Lightdash has one type for all numbers, and none for lists and bytes.
        _ => is_lightdash && matches!(kind, Kind::Float | Kind::Decimal | Kind::Bytes | Kind::List),
    }
}
