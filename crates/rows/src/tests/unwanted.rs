//! Columns that a struct ignores are skipped in later rows, without a visible effect.

use std::collections::BTreeMap;

use serde::{Deserialize, de::IgnoredAny};

use super::{dune, lightdash, yandex};
use crate::{Columns, DecodeError, decode_rows};

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
fn skipping_columns_does_not_change_values() {
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
fn the_target_struct_may_change_from_row_to_row() {
    use std::cell::Cell;
    thread_local! {
        static ROW: Cell<usize> = const { Cell::new(0) };
    }
    #[derive(Deserialize, Debug, PartialEq)]
    struct First {
        a: i64,
    }
    #[derive(Deserialize, Debug, PartialEq)]
    struct Last {
        d: f64,
    }
    #[derive(Debug, PartialEq)]
    enum Turn {
        First(First),
        Last(Last),
        All(usize),
    }
    impl<'de> Deserialize<'de> for Turn {
        fn deserialize<D: serde::Deserializer<'de>>(row: D) -> Result<Self, D::Error> {
            match ROW.replace(ROW.get() + 1) % 3 {
                0 => First::deserialize(row).map(Self::First),
                1 => Last::deserialize(row).map(Self::Last),
                _ => {
                    BTreeMap::<String, IgnoredAny>::deserialize(row).map(|all| Self::All(all.len()))
                }
            }
        }
    }
    for (columns, json) in in_every_shape(&TABLE) {
        ROW.set(0);
        let turns: Vec<Turn> = rows(&columns, &json).unwrap();
        let wanted = [
            Turn::First(First { a: 1 }),
            Turn::Last(Last { d: 1.0 }),
            Turn::All(4),
        ];
        assert_eq!(turns, wanted);
    }
}

#[test]
fn types_that_need_all_names_get_all_names() {
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
fn skipped_cells_must_be_valid_json_structure() {
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

/// Rows of twenty columns, of which a few are requested.
mod many_columns {
    use super::*;

    #[derive(Deserialize, Debug, PartialEq)]
    struct Three {
        c03: i64,
        c10: String,
        c19: Option<i64>,
    }

    fn names() -> Vec<String> {
        (0..20).map(|n| format!("c{n:02}")).collect()
    }

    fn columns() -> Columns {
        let types = names()
            .iter()
            .map(|name| cell_type(name).to_owned())
            .collect::<Vec<_>>();
        Columns::dune(names(), &types)
    }

    fn cell_type(name: &str) -> &'static str {
        match name {
            "c10" => "varchar",
            _ => "bigint",
        }
    }

    fn cell(row: usize, name: &str) -> String {
        match name {
            "c10" => format!("\"text, [{row}] \\\"}}\""),
            "c05" => format!("[{row},{{\"c10\":[1,2],\"c03\":\"]\"}}]"),
            "c12" => "\"a,b\\\\\"".to_owned(),
            name => format!("{}{}", row + 1, &name[1..]),
        }
    }

    fn object(row: usize, names: &[String]) -> String {
        let members = names
            .iter()
            .map(|name| format!("\"{name}\":{}", cell(row, name)));
        format!("{{{}}}", members.collect::<Vec<_>>().join(","))
    }

    fn wanted(row: usize, names: &[String]) -> Three {
        let has = |name: &str| names.iter().any(|known| known == name);
        Three {
            c03: format!("{}03", row + 1).parse().unwrap(),
            c10: format!("text, [{row}] \"}}"),
            c19: has("c19").then(|| format!("{}19", row + 1).parse().unwrap()),
        }
    }

    #[test]
    fn keys_in_any_order_decode_correctly() {
        let mut random = fastrand::Rng::with_seed(5);
        for _ in 0..300 {
            let rows: Vec<Vec<String>> = (0..random.usize(1..12))
                .map(|_| {
                    let mut names = names();
                    if random.u8(..4) == 0 {
                        random.shuffle(&mut names);
                    }
                    if random.u8(..4) == 0 {
                        let (a, b) = (random.usize(..20), random.usize(..20));
                        names.swap(a, b);
                    }
                    if random.u8(..4) == 0 {
                        names.retain(|name| matches!(&**name, "c03" | "c10") || random.u8(..8) > 0);
                    }
                    names
                })
                .collect();
            let json: Vec<_> = rows
                .iter()
                .enumerate()
                .map(|(n, row)| object(n, row))
                .collect();
            let found: Vec<Three> =
                decode_rows(&columns(), &format!("[{}]", json.join(",")), 0).unwrap();
            let all = rows.iter().enumerate().map(|(n, row)| wanted(n, row));
            assert!(found.iter().eq(all.collect::<Vec<_>>().iter()), "{json:?}");
        }
    }

    /// The first rows lack a field's column. A later row has it at another column's position.
    #[test]
    fn a_column_in_place_of_an_unused_one_is_found() {
        let (mut without, mut with) = (names(), names());
        without.retain(|name| name != "c19");
        with.retain(|name| name != "c15");
        with.swap(14, 18);
        let json = [&without, &without, &with, &without]
            .map(|row| object(7, row))
            .join(",");
        let found: Vec<Three> = decode_rows(&columns(), &format!("[{json}]"), 0).unwrap();
        let c19: Vec<_> = found.iter().map(|row| row.c19).collect();
        assert_eq!(c19, [None, None, Some(819), None]);
    }

    /// An undeclared cell has the position of a field's cell, and that cell has the position of an
    /// ignored one.
    #[test]
    fn a_column_displaced_by_an_undeclared_one_is_found() {
        let mut usual = names();
        usual.rotate_right(1);
        let mut with = usual.clone();
        with[0] = "c99".to_owned();
        with[14] = "c19".to_owned();
        let json = [&usual, &usual, &with].map(|row| object(7, row)).join(",");
        let found: Vec<Three> = decode_rows(&columns(), &format!("[{json}]"), 0).unwrap();
        let c19: Vec<_> = found.iter().map(|row| row.c19).collect();
        assert_eq!(c19, [Some(819); 3]);
    }

    #[test]
    fn lists_of_another_length_are_errors() {
        let types = names().into_iter().map(|name| {
            let declared = if name == "c10" { "Utf8" } else { "Int64" };
            (name, declared.to_owned())
        });
        let columns = Columns::yandex_query(types);
        let list = |row: usize, names: &[String]| {
            let cells: Vec<_> = names.iter().map(|name| cell(row, name)).collect();
            format!("[{}]", cells.join(","))
        };
        let (all, mut less, mut more) = (names(), names(), names());
        less.pop();
        more.push("c00".to_owned());
        let good = format!("[{},{},{}]", list(1, &all), list(2, &all), list(3, &all));
        let found: Vec<Three> = decode_rows(&columns, &good, 0).unwrap();
        assert_eq!(found[2], wanted(3, &all));
        for wrong in [less, more] {
            let json = format!("[{},{},{}]", list(1, &all), list(2, &all), list(3, &wrong));
            let error = decode_rows::<Three>(&columns, &json, 0).unwrap_err();
            assert_eq!(error.row(), Some(2), "{error}");
            assert!(error.to_string().contains("20 columns"), "{error}");
        }
    }

    #[test]
    fn errors_after_skipped_cells_are_reported() {
        let json = [1, 2].map(|row| object(row, &names())).join(",");
        let third = object(3, &names()).replace("419}", "\"no number\"}");
        let error = decode_rows::<Three>(&columns(), &format!("[{json},{third}]"), 0).unwrap_err();
        assert_eq!(
            (error.row(), error.column()),
            (Some(2), Some("c19")),
            "{error}"
        );
    }
}

/// What one page shows of the layout of its rows, the next page of the same columns begins with.
#[test]
fn pages_of_the_same_columns_are_read_like_pages_of_their_own() {
    #[derive(Deserialize, Debug, PartialEq)]
    struct Ends {
        a: i64,
        d: Option<f64>,
    }
    type All = BTreeMap<String, crate::Value>;
    let wide: Vec<String> = (0..20).map(|n| format!("u{n}")).collect();
    let mut types = TYPES.to_vec();
    types.extend(wide.iter().map(|name| (name.as_str(), "varchar")));
    let unwanted: Vec<String> = wide
        .iter()
        .map(|name| format!("\"{name}\":\"d\""))
        .collect();
    let unwanted = unwanted.join(",");
    let pages = [
        // The usual order, with enough unwanted cells to be stepped over.
        format!(
            "[{{\"a\":1,\"b\":\"x\",\"c\":[],{unwanted},\"d\":1}},{{\"a\":2,{unwanted},\"d\":2}}]"
        ),
        // Others in their places, and fewer.
        format!("[{{{unwanted},\"d\":3,\"c\":[],\"b\":\"x\",\"a\":3}}]"),
        "[{\"d\":4,\"a\":4},{\"a\":5}]".to_owned(),
        "[]".to_owned(),
        // A column of the same name within another.
        format!("[{{\"b\":\"\\\"a\\\":9,\",\"a\":6,{unwanted},\"d\":6,\"c\":[\"a\"]}}]"),
        // Broken after a row.
        "[{\"a\":7,\"d\":7},{\"a\":}]".to_owned(),
        format!("[{{\"a\":8,\"b\":\"x\",\"c\":[],{unwanted},\"d\":8}}]"),
    ];
    let shared = dune(&types);
    for _ in 0..2 {
        for page in &pages {
            let own = dune(&types);
            let shown = |result: Result<Vec<Ends>, DecodeError>| result.map_err(|e| e.to_string());
            assert_eq!(
                shown(rows(&shared, page)),
                shown(rows(&own, page)),
                "{page}"
            );
            let own = dune(&types);
            let shown = |result: Result<Vec<All>, DecodeError>| result.map_err(|e| e.to_string());
            assert_eq!(
                shown(rows(&shared, page)),
                shown(rows(&own, page)),
                "{page}"
            );
        }
    }
}
