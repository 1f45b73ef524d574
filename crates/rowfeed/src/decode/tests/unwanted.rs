//! Columns that a struct takes no notice of are not offered to it again: nobody may see that.

use std::collections::BTreeMap;

use serde::{Deserialize, de::IgnoredAny};

use super::{dune, lightdash, yandex};
use crate::decode::{Columns, DecodeError, decode_rows};

fn rows<'a, T: Deserialize<'a>>(
    columns: &'a Columns,
    json: &'a str,
) -> Result<Vec<T>, DecodeError> {
    decode_rows(columns, json, 0)
}

const TYPES: [(&str, &str); 4] = [
    ("a", "bigint"),
    ("b", "varchar"),
    ("c", "array(bigint)"),
    ("d", "double"),
];

/// Columns `a` to `d` in every shape, with the rows that hold the given cells.
fn in_every_shape(table: &[[&str; 4]]) -> Vec<(Columns, String)> {
    let names = ["a", "b", "c", "d"];
    let object = |cell: fn(&str) -> String, row: &[&str; 4]| {
        let cells = names.iter().zip(row);
        let cells: Vec<_> = cells
            .map(|(n, text)| format!("\"{n}\":{}", cell(text)))
            .collect();
        format!("{{{}}}", cells.join(","))
    };
    let list = |row: &[&str; 4]| format!("[{}]", row.join(","));
    let page = |rows: Vec<String>| format!("[{}]", rows.join(","));
    let plain: fn(&str) -> String = str::to_owned;
    let cell: fn(&str) -> String = |text| format!("{{\"value\":{{\"raw\":{text}}}}}");
    let yql = [
        ("a", "Int64"),
        ("b", "Utf8"),
        ("c", "List<Int64>"),
        ("d", "Double"),
    ];
    let lightdash_types = [
        ("a", "number"),
        ("b", "string"),
        ("c", "x"),
        ("d", "number"),
    ];
    vec![
        (
            dune(&TYPES),
            page(table.iter().map(|row| object(plain, row)).collect()),
        ),
        (
            lightdash(&lightdash_types),
            page(table.iter().map(|row| object(cell, row)).collect()),
        ),
        (yandex(&yql), page(table.iter().map(list).collect())),
    ]
}

const TABLE: [[&str; 4]; 3] = [
    ["1", "\"x\"", "[1,[2]]", "0.5"],
    ["2", "\"]}\\\"\"", "[]", "1"],
    ["3", "\"\"", "[[]]", "-2e1"],
];

#[test]
fn rows_are_the_same_with_all_fields_and_with_few() {
    #[derive(Deserialize, Debug, PartialEq)]
    struct Ends {
        a: i64,
        d: f64,
    }
    #[derive(Deserialize, Debug, PartialEq)]
    struct Middle {
        b: String,
    }
    for (columns, json) in in_every_shape(&TABLE) {
        let ends: Vec<Ends> = rows(&columns, &json).unwrap();
        assert_eq!(ends.iter().map(|row| row.a).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(
            ends.iter().map(|row| row.d).collect::<Vec<_>>(),
            [0.5, 1.0, -20.0]
        );
        let middle: Vec<Middle> = rows(&columns, &json).unwrap();
        let texts: Vec<_> = middle.iter().map(|row| row.b.as_str()).collect();
        assert_eq!(texts, ["x", "]}\"", ""]);
    }
}

#[test]
fn a_field_that_ignores_its_value_is_still_a_field() {
    #[derive(Deserialize)]
    struct Marked {
        a: IgnoredAny,
        #[serde(rename = "c", alias = "see")]
        _c: IgnoredAny,
        #[serde(alias = "d")]
        _other: IgnoredAny,
    }
    for (columns, json) in in_every_shape(&TABLE) {
        let marked: Vec<Marked> = rows(&columns, &json).unwrap();
        assert_eq!(marked.len(), 3);
        let IgnoredAny = marked[2].a;
    }
}

#[test]
fn a_field_that_ignores_some_of_its_value_is_still_a_field() {
    #[derive(Deserialize, Debug)]
    struct Inner {
        y: i64,
    }
    #[derive(Deserialize, Debug)]
    struct Outer {
        #[serde(rename = "s")]
        inner: Inner,
    }
    let columns = dune(&[("s", "row(x bigint, y bigint)")]);
    let json = r#"[{"s":{"x":1,"y":2}},{"s":{"x":3,"y":4}},{"s":{"y":6,"x":5}}]"#;
    let found: Vec<Outer> = rows(&columns, json).unwrap();
    assert_eq!(
        found.iter().map(|row| row.inner.y).collect::<Vec<_>>(),
        [2, 4, 6]
    );
}

#[test]
fn types_that_want_all_names_get_all_names() {
    #[derive(Deserialize, Debug)]
    struct Rest {
        a: i64,
        #[serde(flatten)]
        rest: BTreeMap<String, serde_json::Value>,
    }
    #[derive(Deserialize, Debug)]
    #[serde(deny_unknown_fields)]
    struct Strict {
        #[allow(dead_code)]
        a: i64,
    }
    for (columns, json) in in_every_shape(&TABLE) {
        let all: Vec<Rest> = rows(&columns, &json).unwrap();
        assert!(all.iter().all(|row| row.rest.len() == 3), "{all:?}");
        assert_eq!(all[2].a, 3);
        let error = rows::<Strict>(&columns, &json).unwrap_err().to_string();
        assert!(
            error.contains("column `b`: the type has no such field"),
            "{error}"
        );
    }
}

#[test]
fn columns_may_come_in_another_order_or_not_at_all() {
    #[derive(Deserialize, Debug, PartialEq)]
    struct Some2 {
        b: Option<String>,
        d: Option<f64>,
    }
    let json = r#"[{"a":1,"b":"x","c":[],"d":1},{"d":2,"c":[],"b":"y","a":1},{"c":[],"d":3},
                   {"a":1,"c":[],"b":"z"},{"new":{"b":1},"b":"w"}]"#;
    let found: Vec<Some2> = rows(&dune(&TYPES), json).unwrap();
    let row = |b: Option<&str>, d| Some2 {
        b: b.map(str::to_owned),
        d,
    };
    let wanted = [
        row(Some("x"), Some(1.0)),
        row(Some("y"), Some(2.0)),
        row(None, Some(3.0)),
        row(Some("z"), None),
        row(Some("w"), None),
    ];
    assert_eq!(found, wanted);
}

#[test]
fn what_is_passed_over_must_be_json_too() {
    #[derive(Deserialize, Debug)]
    struct Last {
        #[allow(dead_code)]
        d: f64,
    }
    for broken in [
        "01", "\"x", "tru", "", "[1", "-", "[1}", "[1 2]", "{1}", "{\"x\"}",
    ] {
        let table = [TABLE[0], TABLE[1], ["3", broken, "[]", "1"]];
        for (columns, json) in in_every_shape(&table) {
            let error = rows::<Last>(&columns, &json).unwrap_err();
            assert_eq!(error.row(), Some(2), "{broken} {error}");
        }
    }
}
