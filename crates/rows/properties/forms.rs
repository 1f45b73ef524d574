//! Rows in other forms and read in other ways: some of their columns, a portion at a time, a single
//! row, with blanks between their tokens, with the members of a cell in another order.

use std::{
    collections::HashSet,
    fmt::{self, Debug},
};

use rowfeed_rows::{Columns, DecodeError, OwnedRowDecoder, RawRows, Row, Value, decode_rows};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::rows::shown;

/// One column of several. The others are skipped.
#[derive(Debug, Deserialize)]
struct One {
    #[serde(default)]
    b: Value,
}

/// Three columns, with many others between them in wide rows.
#[derive(Debug, Deserialize)]
struct Three {
    #[serde(default)]
    a: Value,
    #[serde(default)]
    h: Value,
    #[serde(default)]
    p: Value,
}

/// The same columns with their usual types, so that some rows fail.
#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "read by `Debug`")]
struct Typed {
    a: Option<i64>,
    h: String,
    p: Option<f64>,
}

/// Checks the properties of rows of any service.
pub(super) fn agree(columns: &Columns, rows: &str) {
    in_portions::<Row>(columns, rows);
    in_portions::<Three>(columns, rows);
    let Ok(raw) = serde_json::from_str::<Vec<&RawValue>>(rows) else {
        return;
    };
    if raw.iter().any(|row| repeats_a_member(row.get())) {
        return;
    }
    alone::<One>(columns, rows, &raw);
    alone::<Three>(columns, rows, &raw);
    alone::<Typed>(columns, rows, &raw);
    few_of_all(columns, rows);
    for blanks in ["", " ", "\n\t\r "] {
        same_rows(columns, rows, &with_blanks(rows, blanks));
    }
}

/// A row does not depend on the rows before it.
fn alone<T: DeserializeOwned + Debug>(columns: &Columns, rows: &str, raw: &[&RawValue]) {
    let whole = decode_rows::<T>(columns, rows, 0);
    let one = |row: &&RawValue| {
        let mut one = decode_rows::<T>(columns, &format!("[{}]", row.get()), 0)?;
        Ok(one.pop())
    };
    let single: Result<Vec<Option<T>>, DecodeError> = raw.iter().map(one).collect();
    match (&whole, &single) {
        (Ok(whole), Ok(single)) => {
            let single: Vec<&T> = single.iter().flatten().collect();
            // NaN equals nothing, so text is compared.
            assert_eq!(format!("{whole:?}"), format!("{single:?}"));
        }
        (Err(whole), Err(single)) => assert_eq!(whole.column(), single.column()),
        _ => panic!("{} in place of {}", shown(&whole), shown(&single)),
    }
}

/// A few columns have the same values as among all columns.
fn few_of_all(columns: &Columns, rows: &str) {
    let Ok(all) = decode_rows::<Row>(columns, rows, 0) else {
        return;
    };
    let one = decode_rows::<One>(columns, rows, 0);
    let three = decode_rows::<Three>(columns, rows, 0);
    let (Ok(one), Ok(three)) = (&one, &three) else {
        panic!("{} and {} of {all:?}", shown(&one), shown(&three));
    };
    assert_eq!((one.len(), three.len()), (all.len(), all.len()));
    for ((one, three), all) in one.iter().zip(three).zip(&all) {
        assert_eq!(
            format!("{:?}", [&one.b, &three.a, &three.h, &three.p]),
            format!("{:?}", ["b", "a", "h", "p"].map(|name| &all[name]))
        );
    }
}

/// Portions together are the whole, and fail at the same row.
fn in_portions<T: DeserializeOwned + Debug>(columns: &Columns, rows: &str) {
    let Some(raw) = raw_rows(rows) else {
        return;
    };
    let mut rows = OwnedRowDecoder::default();
    let each = std::iter::from_fn(|| rows.next::<T>(columns, &raw, 3).transpose());
    let portions = each.collect::<Result<Vec<T>, _>>();
    let whole = decode_rows::<T>(columns, raw.as_str(), 3);
    match (&portions, &whole) {
        (Err(one), Err(other)) => assert_eq!(one.row(), other.row(), "{one} {other}"),
        _ => assert_eq!(shown(&portions), shown(&whole)),
    }
}

fn raw_rows(rows: &str) -> Option<RawRows> {
    super::bodies::unread_rows(rows.as_bytes())
}

/// The members of a Lightdash cell, and of the value in it, may come in any order.
pub(super) fn cells_in_another_order(columns: &Columns, rows: &str) {
    let Ok(raw) = serde_json::from_str::<Vec<Object<'_>>>(rows) else {
        return;
    };
    let turned: Option<Vec<String>> = raw.iter().map(turned_cells).collect();
    if let Some(turned) = turned {
        same_rows(columns, rows, &format!("[{}]", turned.join(",")));
    }
}

/// Returns `None` if a name occurs twice.
fn turned_cells(row: &Object<'_>) -> Option<String> {
    let cell = |cell: &str| {
        let Ok(mut cell) = serde_json::from_str::<Object<'_>>(cell) else {
            return Some(cell.to_owned());
        };
        cell.0.reverse();
        cell.written(|value| {
            let Ok(mut value) = serde_json::from_str::<Object<'_>>(value) else {
                return Some(value.to_owned());
            };
            value.0.reverse();
            value.written(|form| Some(form.to_owned()))
        })
    };
    row.written(cell)
}

fn same_rows(columns: &Columns, rows: &str, others: &str) {
    let (rows, others) = (
        decode_rows::<Row>(columns, rows, 0),
        decode_rows::<Row>(columns, others, 0),
    );
    match (&rows, &others) {
        (Err(one), Err(other)) => assert_eq!(one.row(), other.row(), "{one} {other}"),
        _ => assert_eq!(shown(&rows), shown(&others)),
    }
}

/// Returns the JSON with only these blanks around its tokens.
fn with_blanks(json: &str, blanks: &str) -> String {
    let mut out = String::new();
    let (mut inside, mut escaped) = (false, false);
    for character in json.chars() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => inside = !inside,
            ' ' | '\n' | '\t' | '\r' if !inside => continue,
            '[' | ']' | '{' | '}' | ',' | ':' if !inside => {
                out.extend([blanks, character.encode_utf8(&mut [0; 4]), blanks]);
                continue;
            }
            _ => {}
        }
        out.push(character);
    }
    out
}

fn repeats_a_member(row: &str) -> bool {
    let Ok(row) = serde_json::from_str::<Object<'_>>(row) else {
        return false;
    };
    row.written(|_| Some(String::new())).is_none()
}

/// The members of an object, in order.
struct Object<'a>(Vec<(String, &'a RawValue)>);

impl Object<'_> {
    /// Returns JSON with values of another form; `None` if a value has no other form, or a name
    /// occurs twice.
    fn written(&self, value: impl Fn(&str) -> Option<String>) -> Option<String> {
        let mut seen = HashSet::new();
        let members = self.0.iter().map(|(name, cell)| {
            let name = seen.insert(name).then_some(name)?;
            let name = serde_json::to_string(name).ok()?;
            Some(format!("{name}:{}", value(cell.get())?))
        });
        let members: Vec<String> = members.collect::<Option<_>>()?;
        Some(format!("{{{}}}", members.join(",")))
    }
}

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Object<'de>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Object(members))
            }
        }

        deserializer.deserialize_map(Members)
    }
}
