//! The types that a whole row decodes into, for each of the three shapes.

use std::{borrow::Cow, collections::BTreeMap};

use serde::Deserialize;

use super::{dune, dune_untyped, lightdash, owned, yandex};
use crate::{Cells, Columns, RowDecoder, decode_rows};

const NAMES: [(&str, &str); 3] = [("b", "bigint"), ("a", "varchar"), ("c", "boolean")];

/// The same row as each service sends it.
fn pages() -> [(Columns, &'static str); 3] {
    [
        (dune(&NAMES), r#"[{"a":"x","b":1,"c":true}]"#),
        (
            lightdash(&[("b", "number"), ("a", "string"), ("c", "boolean")]),
            r#"[{"a":{"value":{"raw":"x","formatted":"X"}},"b":{"value":{"raw":"1","formatted":"1"}},
                "c":{"value":{"raw":true,"formatted":"True"}}}]"#,
        ),
        (
            yandex(&[("b", "Int64"), ("a", "Utf8"), ("c", "Optional<Bool>")]),
            r#"[[1,"x",[true]]]"#,
        ),
    ]
}

#[test]
fn structs_with_serde_attributes() {
    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Renamed {
        #[serde(rename = "a")]
        text: String,
        #[serde(alias = "b")]
        number: u8,
        c: bool,
        #[serde(default)]
        missing: u8,
        absent: Option<u8>,
    }
    for (columns, rows) in pages() {
        let decoded = decode_rows::<Renamed>(&columns, rows, 0).unwrap();
        let expected = Renamed {
            text: "x".to_owned(),
            number: 1,
            c: true,
            missing: 0,
            absent: None,
        };
        assert_eq!(decoded, [expected]);
    }
}

#[test]
fn tuples_go_by_the_position_of_the_column() {
    for (columns, rows) in pages() {
        let tuples = decode_rows::<(i64, String, bool)>(&columns, rows, 0).unwrap();
        assert_eq!(tuples, [(1, "x".to_owned(), true)]);
        assert!(decode_rows::<(i64, String)>(&columns, rows, 0).is_err());
        assert!(decode_rows::<(i64, String, bool, Option<i8>)>(&columns, rows, 0).is_err());
        let list = decode_rows::<Vec<String>>(&columns, rows, 0).unwrap();
        assert_eq!(list, [["1", "x", "true"]]);
    }
}

#[test]
fn positions_need_declared_columns() {
    let columns = Columns::dune([""; 0], [""; 0]);
    let rows = r#"[{"b":1,"a":2}]"#;
    let error = decode_rows::<(i32, i32)>(&columns, rows, 0).unwrap_err();
    assert!(error.message().contains("struct"), "{error}");
    let maps = decode_rows::<BTreeMap<String, i32>>(&columns, rows, 0).unwrap();
    assert_eq!(
        maps,
        [BTreeMap::from([("a".to_owned(), 2), ("b".to_owned(), 1)])]
    );
}

#[test]
fn maps_and_newtypes() {
    #[derive(Debug, Deserialize, PartialEq)]
    struct Wrapped(Inner);
    #[derive(Debug, Deserialize, PartialEq)]
    struct Inner {
        b: i64,
    }
    for (columns, rows) in pages() {
        let maps = decode_rows::<BTreeMap<String, String>>(&columns, rows, 0).unwrap();
        assert_eq!(maps[0]["b"], "1");
        assert_eq!(maps[0]["c"], "true");
        assert_eq!(
            decode_rows::<Wrapped>(&columns, rows, 0).unwrap(),
            [Wrapped(Inner { b: 1 })]
        );
        assert_eq!(
            decode_rows::<Option<Inner>>(&columns, rows, 0).unwrap(),
            [Some(Inner { b: 1 })]
        );
        assert_eq!(decode_rows::<()>(&columns, rows, 0).unwrap(), [()]);
        assert_eq!(
            decode_rows::<serde::de::IgnoredAny>(&columns, rows, 0)
                .unwrap()
                .len(),
            1
        );
    }
}

#[test]
fn flatten_goes_by_the_declared_type() {
    #[derive(Debug, Deserialize, PartialEq)]
    struct Outer {
        a: String,
        #[serde(flatten)]
        inner: Inner,
    }
    #[derive(Debug, Deserialize, PartialEq)]
    struct Inner {
        b: i64,
        c: Option<bool>,
    }
    for (columns, rows) in pages() {
        let decoded = decode_rows::<Outer>(&columns, rows, 0).unwrap();
        let inner = Inner {
            b: 1,
            c: Some(true),
        };
        assert_eq!(
            decoded,
            [Outer {
                a: "x".to_owned(),
                inner
            }]
        );
    }
    #[derive(Debug, Deserialize, PartialEq)]
    struct Rest {
        #[serde(flatten)]
        rest: BTreeMap<String, serde_json::Value>,
    }
    let columns = dune(&[
        ("n", "bigint"),
        ("d", "decimal(38, 0)"),
        ("f", "double"),
        ("u", "uint256"),
    ]);
    let rows = r#"[{"n":"5","d":12,"f":"2.5","u":"99999999999999999999999"}]"#;
    let decoded = decode_rows::<Rest>(&columns, rows, 0).unwrap();
    let expected = serde_json::json!({"n": 5, "d": "12", "f": 2.5, "u": "99999999999999999999999"});
    assert_eq!(serde_json::to_value(&decoded[0].rest).unwrap(), expected);
}

#[test]
fn internally_tagged_rows() {
    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(tag = "a")]
    enum Event {
        #[serde(rename = "x")]
        Known { b: i64 },
    }
    for (columns, rows) in pages() {
        assert_eq!(
            decode_rows::<Event>(&columns, rows, 0).unwrap(),
            [Event::Known { b: 1 }]
        );
    }
}

#[test]
fn text_is_borrowed_where_possible() {
    #[derive(Debug, Deserialize, PartialEq)]
    struct Lent<'a> {
        a: &'a str,
        #[serde(borrow)]
        at: Cow<'a, str>,
    }
    let columns = dune(&[("a", "varchar"), ("at", "timestamp")]);
    let rows = r#"[{"a":"plain","at":"2031-06-07 13:21:10.000 UTC"}]"#.to_owned();
    let decoded = decode_rows::<Lent<'_>>(&columns, &rows, 0).unwrap();
    assert_eq!(decoded[0].at, "2031-06-07T13:21:10+00:00");
    assert!(
        rows.as_bytes()
            .as_ptr_range()
            .contains(&decoded[0].a.as_ptr())
    );
    let escaped = r#"[{"a":"a\nb","at":""}]"#;
    let error = decode_rows::<Lent<'_>>(&columns, escaped, 0).unwrap_err();
    assert!(error.message().contains("Cow"), "{error}");
}

#[test]
fn a_single_column_row_decodes_as_its_value() {
    let pages = [
        (dune(&[("n", "bigint")]), r#"[{"n":"5"},{"n":null}]"#),
        (
            lightdash(&[("n", "number")]),
            r#"[{"n":{"value":{"raw":5}}},{"n":{"value":{"raw":null}}}]"#,
        ),
        (yandex(&[("n", "Optional<Int64>")]), "[[[5]],[[]]]"),
    ];
    for (columns, rows) in pages {
        assert_eq!(
            decode_rows::<Option<i64>>(&columns, rows, 0).unwrap(),
            [Some(5), None]
        );
        let error = decode_rows::<i64>(&columns, rows, 0).unwrap_err();
        assert_eq!(
            (error.row(), error.column()),
            (Some(1), Some("n")),
            "{error}"
        );
    }
    for (columns, rows) in self::pages() {
        let error = decode_rows::<i64>(&columns, rows, 0).unwrap_err();
        assert!(error.message().contains("one column"), "{error}");
    }
}

#[test]
fn keys_may_need_escapes() {
    #[derive(Debug, Deserialize, PartialEq)]
    struct Odd {
        #[serde(rename = "a\"b\\")]
        quoted: i32,
        #[serde(rename = "é")]
        accent: i32,
    }
    let columns = dune(&[("a\"b\\", "integer"), ("é", "integer")]);
    let rows = r#"[{"a\"b\\":1,"\u00e9":2},{"a\"b\\":1,"é":2}]"#;
    let decoded = decode_rows::<Odd>(&columns, rows, 0).unwrap();
    assert_eq!(
        decoded,
        [(); 2].map(|()| Odd {
            quoted: 1,
            accent: 2
        })
    );
}

#[test]
fn names_are_not_confused_with_escapes() {
    // The first column's name is a backslash, a `u` and digits; the second key is an escaped `b`.
    let columns = dune(&[(r"\u0062", "integer"), ("b", "integer")]);
    let rows = r#"[{"\\u0062":1,"b":2},{"\u0062":2,"\\u0062":1}]"#;
    assert_eq!(
        decode_rows::<(i32, i32)>(&columns, rows, 0).unwrap(),
        [(1, 2), (1, 2)]
    );
}

#[test]
fn a_missing_key_is_a_missing_field() {
    #[derive(Debug, Deserialize, PartialEq)]
    struct Pivot {
        a: Option<i64>,
        b: Option<i64>,
    }
    let columns = lightdash(&[("a", "number"), ("b", "number")]);
    let rows = r#"[{"b":{"value":{"raw":1,"formatted":"1"}}},{}]"#;
    let decoded = decode_rows::<Pivot>(&columns, rows, 0).unwrap();
    assert_eq!(
        decoded,
        [
            Pivot {
                a: None,
                b: Some(1)
            },
            Pivot { a: None, b: None }
        ]
    );
    let tuples = decode_rows::<(Option<i64>, Option<i64>)>(&columns, rows, 0).unwrap();
    assert_eq!(tuples, [(None, Some(1)), (None, None)]);
}

#[test]
fn lightdash_formatted_values_are_available() {
    #[derive(Debug, Deserialize, PartialEq)]
    struct Shown {
        n: Option<String>,
    }
    let columns = Columns::lightdash(owned(&[("n", "timestamp")]), Cells::Formatted);
    let rows = r#"[
        {"n":{"value":{"raw":5,"formatted":"5 EUR"}}},
        {"n":{"value":{"formatted":"2031-06-07 00:00:00 UTC","raw":"x"}}},
        {"n":{"value":{"raw":null,"formatted":"∅"}}},
        {"n":{"value":null}},
        {"n":{}}
    ]"#;
    let decoded = decode_rows::<Shown>(&columns, rows, 0).unwrap();
    let shown: Vec<_> = decoded.iter().map(|row| row.n.as_deref()).collect();
    assert_eq!(
        shown,
        [
            Some("5 EUR"),
            Some("2031-06-07 00:00:00 UTC"),
            None,
            None,
            None
        ]
    );
}

#[test]
fn unknown_members_of_lightdash_cells_are_ignored() {
    let columns = lightdash(&[("n", "number")]);
    let rows = r#"[{"n":{"x":{"value":1},"value":{"y":[{}],"raw":7,"z":"}"},"w":null}}]"#;
    assert_eq!(decode_rows::<(i64,)>(&columns, rows, 0).unwrap(), [(7,)]);
    assert!(decode_rows::<(i64,)>(&columns, r#"[{"n":7}]"#, 0).is_err());
}

#[test]
fn a_column_may_change_its_json_from_row_to_row() {
    let columns = dune_untyped(&["v"]);
    let rows = r#"[{"v":"2.7500"},{"v":22}]"#;
    assert_eq!(
        decode_rows::<String>(&columns, rows, 0).unwrap(),
        ["2.7500", "22"]
    );
    assert_eq!(decode_rows::<f64>(&columns, rows, 0).unwrap(), [2.75, 22.0]);
}

#[test]
fn rows_can_be_taken_one_at_a_time() {
    let columns = dune(&[("n", "integer")]);
    let mut rows = RowDecoder::<i32>::new(&columns, r#"[{"n":1},{"n":"x"},{"n":3}]"#, 10);
    assert_eq!(rows.next().unwrap().unwrap(), 1);
    assert_eq!(rows.next().unwrap().unwrap_err().row(), Some(11));
    assert!(rows.next().is_none());
    assert!(
        RowDecoder::<i32>::new(&columns, " [ ] ", 0)
            .next()
            .is_none()
    );
}

#[test]
fn public_types_are_send_and_sync() {
    fn movable<T: Send + Sync + 'static>() {}
    movable::<Columns>();
    movable::<crate::DecodeError>();
    movable::<crate::Row>();
    movable::<RowDecoder<'static, std::rc::Rc<str>>>();
}

#[test]
fn columns_report_name_type_and_kind() {
    use crate::ColumnKind;
    let columns = yandex(&[("a", "Optional<Int64>"), ("b", "Utf8"), ("c", "pgint4")]);
    assert_eq!(columns.len(), 3);
    assert_eq!(columns.position("b"), Some(1));
    let column = columns.get("a").unwrap();
    assert_eq!(
        (column.name(), column.type_name()),
        ("a", Some("Optional<Int64>"))
    );
    assert_eq!(column.kind(), ColumnKind::Integer);
    let nullable: Vec<_> = columns.iter().map(|column| column.is_nullable()).collect();
    assert_eq!(nullable, [Some(true), Some(false), Some(true)]);
    assert_eq!(dune_untyped(&["x"]).get("x").unwrap().type_name(), None);
    assert!(columns.get("z").is_none());
}
