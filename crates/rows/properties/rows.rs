//! Rows: a line with the types of the columns `a`, `b`, …, separated by `;`, and the JSON of the
//! rows.

use std::collections::{BTreeMap, HashMap};

use rowfeed_rows::{Cells, Columns, DecodeError, RawRows, Row, RowDecoder, Value, decode_rows};
use serde::{
    Deserialize,
    de::{DeserializeOwned, IgnoredAny},
};

use super::forms;

struct Input<'a> {
    names: Vec<String>,
    types: Vec<String>,
    rows: &'a str,
}

impl<'a> Input<'a> {
    fn read(data: &'a [u8]) -> Option<Self> {
        let (types, rows) = str::from_utf8(data).ok()?.split_once('\n')?;
        let types: Vec<String> = types.split(';').take(26).map(str::to_owned).collect();
        let names = ('a'..).take(types.len()).map(String::from).collect();
        Some(Self { names, types, rows })
    }

    fn columns(&self) -> impl Iterator<Item = (String, String)> {
        self.names.iter().cloned().zip(self.types.iter().cloned())
    }
}

/// Dune's columns with the types that are declared, and without, and their rows.
pub fn dune_tables(data: &[u8]) -> Vec<(Columns, &str)> {
    let input = Input::read(data).into_iter();
    let tables = input.flat_map(|input| {
        let declared = Columns::dune(&input.names, &input.types);
        [
            (declared, input.rows),
            (Columns::dune([""; 0], [""; 0]), input.rows),
        ]
    });
    tables.collect()
}

/// Dune's rows.
pub fn dune_rows(data: &[u8]) {
    for (columns, rows) in dune_tables(data) {
        agree(&columns, rows);
        if columns.is_empty() {
            agree_with_serde_json(&columns, rows);
        }
    }
}

/// Lightdash's columns for raw and for formatted values, and their rows.
pub fn lightdash_tables(data: &[u8]) -> Vec<(Columns, &str)> {
    let input = Input::read(data).into_iter();
    let tables = input.flat_map(|input| {
        [Cells::Raw, Cells::Formatted]
            .map(|cells| (Columns::lightdash(input.columns(), cells), input.rows))
    });
    tables.collect()
}

/// Lightdash's rows.
pub fn lightdash_rows(data: &[u8]) {
    for (columns, rows) in lightdash_tables(data) {
        agree(&columns, rows);
        forms::cells_in_another_order(&columns, rows);
    }
}

/// Yandex Query's columns and rows.
pub fn yandex_tables(data: &[u8]) -> Vec<(Columns, &str)> {
    let input = Input::read(data).into_iter();
    let tables = input.map(|input| (Columns::yandex_query(input.columns()), input.rows));
    tables.collect()
}

/// Yandex Query's rows.
pub fn yandex_rows(data: &[u8]) {
    for (columns, rows) in yandex_tables(data) {
        agree(&columns, rows);
    }
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "only decoding it matters")]
struct Everything {
    a: Option<i64>,
    b: Option<f64>,
    c: Option<String>,
    d: Option<Vec<u8>>,
    e: Option<BTreeMap<String, i32>>,
    f: Option<(i8, bool)>,
    g: Option<Choice>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "only decoding it matters")]
enum Choice {
    One(i32),
    Two { x: Option<u8> },
    Three,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "only decoding it matters")]
struct Flattened {
    a: u128,
    #[serde(flatten)]
    rest: HashMap<String, serde_json::Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
#[expect(dead_code, reason = "only decoding it matters")]
enum Untagged {
    Pair((i64, String)),
    Map(BTreeMap<String, Value>),
    Text(String),
}

/// All ways to decode the same rows: they agree, or fail, and never panic.
fn agree(columns: &Columns, rows: &str) {
    forms::agree(columns, rows);
    attempt::<Everything>(columns, rows);
    attempt::<Flattened>(columns, rows);
    attempt::<Untagged>(columns, rows);
    attempt::<Value>(columns, rows);
    attempt::<Vec<Value>>(columns, rows);
    attempt::<(Option<i8>, Value)>(columns, rows);
    attempt::<HashMap<String, Option<String>>>(columns, rows);
    attempt::<BTreeMap<String, f32>>(columns, rows);
    attempt::<()>(columns, rows);
    let whole = decode_rows::<Row>(columns, rows, 0);
    // NaN equals nothing, so text is compared.
    assert_eq!(shown(&whole), shown(&one_by_one::<Row>(columns, rows)));
    let Ok(whole) = whole else { return };

    let passed_over = decode_rows::<IgnoredAny>(columns, rows, 0).map(|rows| rows.len());
    assert_eq!(
        passed_over.ok(),
        Some(whole.len()),
        "what is decoded can be passed over"
    );
    let size: usize = whole.iter().map(size_of_row).sum();
    assert!(
        size <= 8 * rows.len() + 64,
        "{size} of {} bytes",
        rows.len()
    );
    if let Ok(raw) = RawRows::from_json(rows.to_owned()) {
        assert_eq!(raw.count(), whole.len());
    }
}

fn attempt<T: DeserializeOwned>(columns: &Columns, rows: &str) {
    let whole = decode_rows::<T>(columns, rows, 0).map(|rows| rows.len());
    let single = one_by_one::<T>(columns, rows).map(|rows| rows.len());
    assert_eq!(shown(&whole), shown(&single));
}

fn one_by_one<T: DeserializeOwned>(columns: &Columns, rows: &str) -> Result<Vec<T>, DecodeError> {
    RowDecoder::new(columns, rows, 0).collect()
}

pub(super) fn shown<T: std::fmt::Debug>(result: &Result<T, DecodeError>) -> String {
    match result {
        Ok(rows) => format!("{rows:?}"),
        Err(error) => error.to_string(),
    }
}

fn size_of_row(row: &Row) -> usize {
    row.iter()
        .map(|(name, value)| name.len() + size(value))
        .sum()
}

/// Bytes and nodes.
fn size(value: &Value) -> usize {
    1 + match value {
        Value::Bytes(bytes) => bytes.len(),
        Value::List(list) => list.iter().map(size).sum(),
        Value::Map(map) => map.iter().map(|(key, value)| size(key) + size(value)).sum(),
        Value::Struct(fields) => fields
            .iter()
            .map(|(name, value)| name.len() + size(value))
            .sum(),
        Value::Variant(name, value) => name.len() + size(value),
        other => other.as_str().map_or(0, str::len),
    }
}

/// Without declared types a row is what serde_json reads.
fn agree_with_serde_json(columns: &Columns, rows: &str) {
    let Ok(decoded) = decode_rows::<Row>(columns, rows, 0) else {
        return;
    };
    let Ok(wanted) = serde_json::from_str::<Vec<serde_json::Value>>(rows) else {
        return;
    };
    assert_eq!(decoded.len(), wanted.len());
    for (row, wanted) in decoded.iter().zip(&wanted) {
        let Some(wanted) = wanted.as_object() else {
            panic!("{row:?} came of {wanted}")
        };
        // Of several cells with one name serde_json keeps the last.
        if wanted.len() == row.len() {
            for (name, value) in row.iter() {
                assert!(
                    same(value, &wanted[name]),
                    "{value:?} is not {}",
                    wanted[name]
                );
            }
        }
    }
}

fn same(value: &Value, wanted: &serde_json::Value) -> bool {
    use serde_json::Value as Json;
    match (value, wanted) {
        (Value::Null, Json::Null) => true,
        (Value::Boolean(value), Json::Bool(wanted)) => value == wanted,
        (Value::Integer(value), Json::Number(wanted)) if wanted.is_i64() || wanted.is_u64() => {
            wanted.as_i128() == Some(*value)
        }
        // serde_json rounds a little differently, and knows no wider integers.
        (Value::Integer(_) | Value::Decimal(_) | Value::Float(_), Json::Number(wanted)) => {
            let (value, wanted) = (value.as_f64(), wanted.as_f64());
            value.zip(wanted).is_some_and(|(value, wanted)| {
                value == wanted || (value - wanted).abs() <= wanted.abs() * 1e-14
            })
        }
        (Value::List(list), Json::Array(wanted)) => {
            list.len() == wanted.len() && list.iter().zip(wanted).all(|(v, w)| same(v, w))
        }
        (Value::Struct(fields), Json::Object(wanted)) => {
            fields.len() != wanted.len()
                || fields
                    .iter()
                    .all(|(name, value)| same(value, &wanted[name]))
        }
        (Value::Map(pairs), Json::Object(wanted)) => {
            pairs.len() != wanted.len()
                || pairs.iter().all(|(name, value)| {
                    name.as_str().is_some_and(|name| same(value, &wanted[name]))
                })
        }
        // Text that looks like an instant of Dune is an instant.
        (Value::Timestamp(value), Json::String(wanted)) => wanted.get(..10) == value.get(..10),
        (value, Json::String(wanted)) => value.as_str() == Some(wanted),
        _ => false,
    }
}
