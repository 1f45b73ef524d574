//! Structs whose fields are the columns in their order are read without comparing names, without a
//! visible effect.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use super::yandex;
use crate::{Columns, DecodeError, OwnedRowDecoder, RawRows, decode_rows};

const TYPES: [(&str, &str); 4] = [
    ("a", "Int64"),
    ("b", "Utf8"),
    ("c", "Optional<Double>"),
    ("d", "List<Int32>"),
];

const ROWS: &str = r#"[[1,"x",[0.5],[1,2]],[2,"\"]",[],[]],[ 3 , "", [ -2e1 ] , [3] ]]"#;

/// In the order of the columns.
#[derive(Deserialize, Debug, PartialEq)]
struct Same {
    a: i64,
    b: String,
    c: Option<f64>,
    d: Vec<i32>,
}

/// In another order, so that it is always read by name.
#[derive(Deserialize, Debug, PartialEq)]
struct Other {
    d: Vec<i32>,
    a: i64,
    b: String,
    c: Option<f64>,
}

impl From<Other> for Same {
    fn from(Other { d, a, b, c }: Other) -> Self {
        Self { a, b, c, d }
    }
}

/// Decodes rows both ways that exist.
fn decode<T: DeserializeOwned + fmt::Debug + PartialEq>(
    columns: &Columns,
    rows: &str,
) -> Result<Vec<T>, DecodeError> {
    let whole = decode_rows::<T>(columns, rows, 0);
    if let Ok(raw) = RawRows::from_json(rows.to_owned()) {
        let mut decoder = OwnedRowDecoder::default();
        let mut one_by_one = Vec::new();
        let end = loop {
            match decoder.next::<T>(columns, &raw, 0) {
                Ok(Some(row)) => one_by_one.push(row),
                Ok(None) => break Ok(one_by_one),
                Err(error) => break Err(error),
            }
        };
        let again = decode_rows::<T>(columns, rows, 0).map_err(|error| error.to_string());
        assert_eq!(end.map_err(|error| error.to_string()), again);
    }
    whole
}

#[test]
fn the_order_of_fields_does_not_change_values() {
    let columns = yandex(&TYPES);
    let same: Vec<Same> = decode(&columns, ROWS).unwrap();
    let other: Vec<Other> = decode(&columns, ROWS).unwrap();
    assert_eq!(same.len(), 3);
    assert_eq!(same[1].b, "\"]");
    assert_eq!(same[2].c, Some(-20.0));
    assert!(other.into_iter().map(Same::from).eq(same));
}

#[test]
fn the_order_of_fields_does_not_change_errors() {
    let columns = yandex(&TYPES);
    let good = r#"[1,"x",[0.5],[]]"#;
    for bad in [
        r#"["x","x",[0.5],[]]"#,
        r#"[1,2.5,[0.5],["y"]]"#,
        r#"[1,"x",["y"],[]]"#,
        r#"[1,"x",0.5,[4294967296]]"#,
        r#"[null,"x",[0.5],[]]"#,
        r#"[1,"x",[0.5]]"#,
        r#"[1,"x",[0.5],[],1]"#,
        r#"[1,"x",[0.5],[],]"#,
        r#"[1 "x",[0.5],[]]"#,
        r#"[]"#,
        r#"{}"#,
        r#"[1,"\x",[0.5],[]]"#,
        r#"[1,"x",[0.5,1],[]]"#,
        r#"[1,"x",[0.5],[}]"#,
        r#"[1,"x",[0.5],[]"#,
    ] {
        for rows in [
            format!("[{good},{good},{bad}]"),
            format!("[{good},{bad},{good}]"),
            format!("[{bad},{good}]"),
            format!("[{good},{bad}"),
        ] {
            let same = decode::<Same>(&columns, &rows);
            let other = decode::<Other>(&columns, &rows);
            let other = other.map(|rows| rows.into_iter().map(Same::from).collect());
            assert_eq!(
                same.map_err(|error| error.to_string()),
                other.map_err(|error| error.to_string()),
                "{rows}"
            );
        }
    }
}

#[test]
fn an_alias_that_is_a_column_too_is_a_repeated_field() {
    #[derive(Deserialize, Debug, PartialEq)]
    struct Alias {
        #[serde(alias = "b")]
        a: i64,
    }
    let columns = yandex(&[("a", "Int64"), ("b", "Int64")]);
    for rows in ["[[1,2]]", "[[1,2],[3,4]]"] {
        let error = decode::<Alias>(&columns, rows).unwrap_err().to_string();
        assert!(error.contains("column `a`: it occurs twice"), "{error}");
    }
    // Skipped fields are no names.
    #[derive(Deserialize, Debug, PartialEq)]
    struct Skipped {
        a: i64,
        #[serde(skip)]
        skipped: i64,
        b: i64,
    }
    let skipped: Vec<Skipped> = decode(&columns, "[[1,2],[3,4]]").unwrap();
    let (a, b, skipped_field) = (skipped[1].a, skipped[1].b, skipped[1].skipped);
    assert_eq!((a, b, skipped_field), (3, 4, 0));
}

#[test]
fn attributes_of_fields_apply_in_every_row() {
    fn doubled<'de, D: Deserializer<'de>>(input: D) -> Result<i64, D::Error> {
        i64::deserialize(input).map(|value| 2 * value)
    }
    #[derive(Deserialize, Debug, PartialEq)]
    #[serde(deny_unknown_fields, rename_all = "UPPERCASE")]
    struct Attributes {
        #[serde(deserialize_with = "doubled")]
        a: i64,
        #[serde(default)]
        b: Option<i64>,
        #[serde(rename = "see")]
        c: Option<String>,
    }
    let types = [("A", "Int64"), ("B", "Optional<Int64>"), ("see", "Utf8")];
    let rows = r#"[[1,[],"x"],[2,[5],"y"],[3,[],"z"]]"#;
    let found: Vec<Attributes> = decode(&yandex(&types), rows).unwrap();
    let cells: Vec<_> = found.iter().map(|row| (row.a, row.b)).collect();
    assert_eq!(cells, [(2, None), (4, Some(5)), (6, None)]);
    assert_eq!(found[2].c.as_deref(), Some("z"));
}

#[test]
fn a_field_that_ignores_its_cell_is_read_by_position_too() {
    #[derive(Deserialize, Debug)]
    struct Marked {
        a: i64,
        #[serde(rename = "b")]
        _b: IgnoredAny,
        c: i64,
    }
    let columns = yandex(&[("a", "Int64"), ("b", "Utf8"), ("c", "Int64")]);
    let rows: Vec<Marked> = decode_rows(&columns, "[[1,\"[\",2],[3,\"]\",4],[5,0,6]]", 0).unwrap();
    let ends: Vec<_> = rows.iter().map(|row| (row.a, row.c)).collect();
    assert_eq!(ends, [(1, 2), (3, 4), (5, 6)]);
}

/// A handwritten implementation need not read a list in the order of its fields.
#[test]
fn handwritten_structs_are_read_by_name() {
    #[derive(Debug, PartialEq)]
    struct Reversed {
        a: i64,
        b: i64,
    }
    struct Reverse;
    impl<'de> Visitor<'de> for Reverse {
        type Value = Reversed;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a and b")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut cells: A) -> Result<Reversed, A::Error> {
            let b = cells.next_element()?.unwrap_or_default();
            let a = cells.next_element()?.unwrap_or_default();
            Ok(Reversed { a, b })
        }

        fn visit_map<A: MapAccess<'de>>(self, mut cells: A) -> Result<Reversed, A::Error> {
            let (mut a, mut b) = (0, 0);
            while let Some(name) = cells.next_key::<String>()? {
                match &*name {
                    "a" => a = cells.next_value()?,
                    _ => b = cells.next_value()?,
                }
            }
            Ok(Reversed { a, b })
        }
    }
    impl<'de> Deserialize<'de> for Reversed {
        fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
            input.deserialize_struct("Reversed", &["a", "b"], Reverse)
        }
    }
    let columns = yandex(&[("a", "Int64"), ("b", "Int64")]);
    let rows: Vec<Reversed> = decode(&columns, "[[1,2],[3,4],[5,6]]").unwrap();
    let cells: Vec<_> = rows.iter().map(|row| (row.a, row.b)).collect();
    assert_eq!(cells, [(1, 2), (3, 4), (5, 6)]);
}

#[test]
fn structs_may_take_turns() {
    /// Odd rows are decoded as one struct, even rows as the other.
    #[derive(Debug, PartialEq)]
    struct Turn(Same);
    thread_local! {
        static ROW: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
    }
    impl<'de> Deserialize<'de> for Turn {
        fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
            let row = ROW.get();
            ROW.set(row + 1);
            match row % 2 {
                0 => Same::deserialize(input).map(Turn),
                _ => Other::deserialize(input).map(|other| Turn(other.into())),
            }
        }
    }
    let columns = yandex(&TYPES);
    let turns: Vec<Turn> = decode_rows(&columns, ROWS, 0).unwrap();
    let same: Vec<Same> = decode_rows(&columns, ROWS, 0).unwrap();
    assert!(turns.into_iter().map(|turn| turn.0).eq(same));
}
