//! Input that no service should send. It may fail, but not panic, hang or exhaust the stack.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;

use super::{dune, dune_cell, dune_untyped, lightdash, untyped_cell, yandex, yandex_cell};
use crate::{Columns, Row, Value, decode_rows, json::lexer::Lexer};

#[derive(Debug, Deserialize)]
#[allow(dead_code)]
struct Everything {
    a: Option<i64>,
    b: Option<f64>,
    c: Option<String>,
    d: Option<Vec<u8>>,
    e: Option<BTreeMap<String, i32>>,
    f: Option<(i8, bool)>,
    g: Option<jiff::Timestamp>,
    h: Option<Choice>,
}

#[derive(Debug, Deserialize)]
#[allow(dead_code)]
enum Choice {
    One(i32),
    Two,
}

fn try_all(columns: &Columns, rows: &str) {
    let _ = decode_rows::<Everything>(columns, rows, 0);
    let _ = decode_rows::<Row>(columns, rows, 0);
    let _ = decode_rows::<Value>(columns, rows, 0);
    let _ = decode_rows::<()>(columns, rows, 0);
    let _ = decode_rows::<i64>(columns, rows, 0);
    let _ = decode_rows::<Option<String>>(columns, rows, 0);
    let _ = decode_rows::<HashMap<String, serde_json::Value>>(columns, rows, 0);
    let _ = decode_rows::<Vec<Value>>(columns, rows, 0);
    type Eight = (Value, Value, Value, Value, Value, Value, Value, Value);
    let _ = decode_rows::<Eight>(columns, rows, 0);
}

/// Every prefix of a page, and the page with each byte replaced by each significant byte.
#[test]
fn damaged_pages_do_not_panic() {
    let pages = [
        (
            dune(&[
                ("a", "bigint"),
                ("b", "double"),
                ("c", "varchar"),
                ("d", "varbinary"),
                ("e", "map(varchar, integer)"),
                ("f", "row(x tinyint, y boolean)"),
                ("g", "timestamp"),
                ("h", "json"),
            ]),
            r#"[{"a":1,"b":-1.5e3,"c":"x\"é\u00e9","d":"0x00","e":{"k":1},"f":{"y":true,"x":1},"g":"2031-06-07 13:21:10.000 UTC","h":"{\"One\":1}"}]"#,
        ),
        (
            lightdash(&[("a", "number"), ("c", "string"), ("g", "timestamp")]),
            r#"[{"a":{"value":{"raw":"1","formatted":"1"}},"c":{"value":{"raw":null,"formatted":"é"}}}]"#,
        ),
        (
            yandex(&[
                ("a", "Optional<Int64?>"),
                ("b", "Double"),
                ("c", "Utf8"),
                ("d", "String"),
                ("e", "Dict<Utf8,Int32>"),
                ("f", "Struct<'x':Int8,'y':Bool>"),
                ("g", "Datetime?"),
                ("h", "Variant<'One':Int32,'Two':Void>"),
            ]),
            r#"[[[["1"]],1.5,"é","aGk=",[["k",1]],{"y":true,"x":1},["2031-06-07T13:21:10Z"],["One",1]]]"#,
        ),
    ];
    for (columns, page) in &pages {
        assert!(decode_rows::<Everything>(columns, page, 0).is_ok());
        assert!(decode_rows::<Value>(columns, page, 0).is_ok());
        for at in (0..page.len()).filter(|&at| page.is_char_boundary(at)) {
            try_all(columns, &page[..at]);
            try_all(columns, &page[at..]);
            let after = at + page[at..].chars().next().map_or(0, char::len_utf8);
            for with in [
                "", "[", "]", "{", "}", "\"", "\\", ",", ":", "0", "-", "e", "n", "é", " ",
                "\\ud800", "null",
            ] {
                let damaged = format!("{}{with}{}", &page[..at], &page[after..]);
                try_all(columns, &damaged);
            }
        }
        for (other, _) in &pages {
            try_all(other, page);
        }
    }
}

#[test]
fn malformed_json_is_an_error() {
    let columns = dune(&[("a", "bigint")]);
    for rows in [
        "",
        "{}",
        "[",
        "[{]",
        r#"[{"a" 1}]"#,
        r#"[{"a":1,}]"#,
        r#"[{"a":1}"#,
        r#"[{"a":1}] x"#,
        r#"[{"a":01}]"#,
        r#"[{"a":1.}]"#,
        r#"[{"a":.5}]"#,
        r#"[{"a":+1}]"#,
        r#"[{"a":-}]"#,
        r#"[{"a":1e}]"#,
        r#"[{a:1}]"#,
        r#"[{"a":tru}]"#,
        r#"[{"a":1}{"a":1}]"#,
        "[1]",
        r#"[{"a":1 "b":2}]"#,
        "[{\"a\":1}]\u{c}",
        "[{\"a\":1}\u{c}]",
    ] {
        assert!(
            decode_rows::<Option<f64>>(&columns, rows, 0).is_err(),
            "{rows}"
        );
        assert!(decode_rows::<i64>(&columns, rows, 0).is_err(), "{rows}");
    }
    assert!(decode_rows::<i64>(&columns, " [ { \"a\" : 1 } , {\"a\":\t2}\n] ", 0).is_ok());
}

#[test]
fn only_blanks_may_follow_the_last_row_of_a_portion() {
    let after = |rest: &'static str| Lexer::within_list(rest, 0, 0).next_of_rest(&mut false);
    assert!(!after("").unwrap());
    assert!(!after(" \n\t\r").unwrap());
    assert!(after(" ,[1]").unwrap());
    for rest in ["\u{c}", " \u{b}", "[1]"] {
        assert!(after(rest).is_err(), "{rest:?}");
    }
}

#[test]
fn depth_is_bounded() {
    #[derive(Debug, Deserialize)]
    #[allow(dead_code)]
    struct Nested(Vec<Nested>);

    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(untyped_cell::<Value>(&deep).is_err());
    assert!(untyped_cell::<Nested>(&deep).is_err());
    assert!(untyped_cell::<serde_json::Value>(&deep).is_err());
    // Ignored values are not decoded.
    assert!(untyped_cell::<serde::de::IgnoredAny>(&deep).is_ok());
    assert!(untyped_cell::<String>(&deep).is_ok());
    let fine = format!("{}{}", "[".repeat(100), "]".repeat(100));
    assert!(untyped_cell::<Value>(&fine).is_ok());
    let wide = format!("[{}[]]", "[],".repeat(1000));
    assert!(untyped_cell::<Value>(&wide).is_ok());
    let objects = format!("{}1{}", r#"{"a":"#.repeat(5000), "}".repeat(5000));
    assert!(untyped_cell::<Value>(&objects).is_err());
    let declared = format!("{}Int32{}", "List<".repeat(10_000), ">".repeat(10_000));
    assert!(yandex_cell::<Value>(&declared, &deep).is_err());
    let optional = format!("Int32{}", "?".repeat(100_000));
    assert!(yandex_cell::<Value>(&optional, "1").is_ok());
    let declared = format!("{}bigint{}", "array(".repeat(10_000), ")".repeat(10_000));
    assert!(dune_cell::<Value>(&declared, "[[1]]").is_ok());
    assert!(dune_cell::<Value>(&"row(a ".repeat(10_000), "1").is_ok());
}

#[test]
fn nested_json_texts_are_bounded() {
    #[derive(Debug, Deserialize)]
    #[allow(dead_code)]
    struct Doll(Vec<Doll>);

    let mut doll = "[]".to_owned();
    for _ in 0..10 {
        doll = format!("[{}]", serde_json::to_string(&doll).unwrap());
    }
    let cell = serde_json::to_string(&doll).unwrap();
    assert!(dune_cell::<Doll>("varchar", &cell).is_ok());
    // Each document alone is not too deep, but all of them together are.
    for _ in 0..5 {
        let (open, close) = ("[".repeat(50), "]".repeat(50));
        doll = format!("{open}{}{close}", serde_json::to_string(&doll).unwrap());
    }
    let cell = serde_json::to_string(&doll).unwrap();
    let error = dune_cell::<Doll>("varchar", &cell).unwrap_err();
    assert!(error.message().contains("deep"), "{error}");
}

#[test]
fn depth_is_unchanged_after_every_row() {
    let columns = yandex(&[(
        "a",
        "Optional<List<Tuple<Int32,Dict<Utf8,Variant<Int32,Struct<'x':Int32>>>>>>",
    )]);
    let row = r#"[[[[1,[["k",[1,{"x":1}]]]]]]]"#;
    let rows = format!("[{}]", vec![row; 500].join(","));
    assert_eq!(decode_rows::<Value>(&columns, &rows, 0).unwrap().len(), 500);
    assert_eq!(
        decode_rows::<(Value,)>(&columns, &rows, 0).unwrap().len(),
        500
    );
    type Inner = Vec<(i32, HashMap<String, (u8, (i32,))>)>;
    assert_eq!(
        decode_rows::<(Option<Inner>,)>(&columns, &rows, 0)
            .unwrap()
            .len(),
        500
    );
    let columns = dune_untyped(&["a"]);
    let rows = format!("[{}]", vec![r#"{"a":{"x":[{"y":[]}]}}"#; 500].join(","));
    assert_eq!(decode_rows::<Row>(&columns, &rows, 0).unwrap().len(), 500);
    assert_eq!(
        decode_rows::<Option<Value>>(&columns, &rows, 0)
            .unwrap()
            .len(),
        500
    );
    assert_eq!(
        decode_rows::<HashMap<String, serde_json::Value>>(&columns, &rows, 0)
            .unwrap()
            .len(),
        500
    );
}

#[test]
fn rereading_a_row_keeps_the_depth() {
    let columns = dune(&[("n", "integer")]);
    let rows = format!("[{}]", vec![r#"{"n":1,"x":2}"#; 500].join(","));
    let decoded = decode_rows::<Option<HashMap<String, i32>>>(&columns, &rows, 0).unwrap();
    assert_eq!(decoded.len(), 500);
}

#[test]
fn huge_numbers_do_not_blow_up() {
    let digits = "9".repeat(10_000);
    for cell in [
        digits.clone(),
        format!("\"{digits}\""),
        format!("-0.{digits}"),
        format!("1e{digits}"),
        format!("1e-{digits}"),
    ] {
        assert!(dune_cell::<i64>("bigint", &cell).is_err());
        assert!(dune_cell::<u128>("uint256", &cell).is_err());
        let _ = dune_cell::<f64>("double", &cell);
        let text: String = dune_cell("uint256", &cell).unwrap();
        assert_eq!(text, cell.trim_matches('"'));
        let _ = dune_cell::<Value>("bigint", &cell).unwrap();
        let _ = untyped_cell::<serde_json::Value>(&cell).unwrap();
    }
    let zeros = format!("{}.{}e0", "1", "0".repeat(10_000));
    assert_eq!(dune_cell::<i64>("bigint", &zeros).unwrap(), 1);
}
