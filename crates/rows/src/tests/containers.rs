//! Lists, maps, structs, and JSON in text.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Deserialize;

use super::{dune_cell, lightdash_cell, untyped_cell, yandex_cell};

#[derive(Debug, Deserialize, PartialEq)]
struct Point {
    x: i64,
    y: Option<String>,
}

fn point(x: i64, y: &str) -> Point {
    Point {
        x,
        y: Some(y.to_owned()),
    }
}

#[test]
fn json_lists_and_objects() {
    assert_eq!(
        dune_cell::<Vec<i64>>("array(bigint)", "[1,\"2\"]").unwrap(),
        [1, 2]
    );
    assert_eq!(
        dune_cell::<Vec<Option<i64>>>("array(bigint)", "[1,null]").unwrap(),
        [Some(1), None]
    );
    let declared = "array(row(x bigint, y varchar))";
    let rows = r#"[{"x":"1","y":"a"},{"y":null,"x":2}]"#;
    assert_eq!(
        dune_cell::<Vec<Point>>(declared, rows).unwrap(),
        [point(1, "a"), Point { x: 2, y: None }]
    );
    assert_eq!(
        dune_cell::<Vec<(i64, Option<String>)>>(declared, rows).unwrap()[1],
        (2, None)
    );
    // A row may be sent as a list. Then its type has the names.
    assert_eq!(
        dune_cell::<Vec<Point>>(declared, r#"[[1,"a"]]"#).unwrap(),
        [point(1, "a")]
    );
    let map: BTreeMap<String, String> =
        dune_cell("row(x bigint, y varchar)", r#"[1,"a"]"#).unwrap();
    assert_eq!(map["x"], "1");
    assert_eq!(map["y"], "a");
    assert_eq!(
        dune_cell::<(i64, String)>("row(bigint, varchar)", r#"[1,"a"]"#).unwrap(),
        (1, "a".to_owned())
    );
}

#[test]
fn json_maps_have_typed_keys() {
    let map: BTreeMap<i64, f64> =
        dune_cell("map(bigint, double)", r#"{"7":1.5,"-2":"NaN"}"#).unwrap();
    assert_eq!(map[&7], 1.5);
    assert!(map[&-2].is_nan());
    let pairs: Vec<(i64, f64)> = dune_cell("map(bigint, double)", r#"{"7":1.5}"#).unwrap();
    assert_eq!(pairs, [(7, 1.5)]);
    let days: HashMap<jiff::civil::Date, i8> =
        dune_cell("map(date, tinyint)", r#"{"2031-01-02":3}"#).unwrap();
    assert_eq!(days[&jiff::civil::date(2031, 1, 2)], 3);
}

#[test]
fn inner_types_count_too() {
    let declared = "array(timestamp(3) with time zone)";
    let list: Vec<chrono::DateTime<chrono::Utc>> =
        dune_cell(declared, r#"["2031-06-07 13:21:10.000 UTC"]"#).unwrap();
    assert_eq!(list[0].to_rfc3339(), "2031-06-07T13:21:10+00:00");
    let declared = "map(varchar, array(row(at date, raw varbinary)))";
    #[derive(Debug, Deserialize, PartialEq)]
    struct Entry {
        at: String,
        raw: Vec<u8>,
    }
    let map: HashMap<String, Vec<Entry>> = dune_cell(
        declared,
        r#"{"k":[{"at":"2031-06-07T00:00:00Z","raw":"0x01"}]}"#,
    )
    .unwrap();
    assert_eq!(
        map["k"],
        [Entry {
            at: "2031-06-07".to_owned(),
            raw: vec![1]
        }]
    );
}

#[test]
fn json_in_text_decodes_into_typed_fields() {
    let cell = r#""{\"x\":\"9007199254740993\",\"y\":\"\\u0061\"}""#;
    let expected = point(9_007_199_254_740_993, "a");
    assert_eq!(dune_cell::<Point>("varchar", cell).unwrap(), expected);
    assert_eq!(yandex_cell::<Point>("Json", cell).unwrap(), expected);
    assert_eq!(
        yandex_cell::<Option<Point>>("Optional<JsonDocument>", &format!("[{cell}]")).unwrap(),
        Some(point(9_007_199_254_740_993, "a"))
    );
    assert_eq!(lightdash_cell::<Point>("string", cell).unwrap(), expected);
    assert_eq!(untyped_cell::<Vec<u32>>("\"[1, 2]\"").unwrap(), [1, 2]);
    let map: HashMap<String, serde_json::Value> =
        dune_cell("varchar", r#""{\"a\":[1.5,null]}""#).unwrap();
    assert_eq!(map["a"], serde_json::json!([1.5, null]));
    // {"x":1} in base64.
    assert_eq!(
        yandex_cell::<Point>("String", "\"eyJ4IjoxfQ==\"").unwrap(),
        Point { x: 1, y: None }
    );
    // As text it is text.
    assert_eq!(
        dune_cell::<String>("varchar", "\"[1, 2]\"").unwrap(),
        "[1, 2]"
    );
    // Text within JSON that looks like an instant is not changed.
    let list: Vec<String> = yandex_cell("Json", r#""[\"2031-06-07T00:00:00Z\"]""#).unwrap();
    assert_eq!(list, ["2031-06-07T00:00:00Z"]);
}

#[test]
fn text_that_is_not_json_is_not_a_struct() {
    for cell in [
        "\"\"",
        "\"abc\"",
        "\"{\"",
        r#""{\"x\":1} x""#,
        "\"[1,2\"",
        "5",
        "null",
    ] {
        assert!(dune_cell::<Point>("varchar", cell).is_err(), "{cell}");
        assert!(dune_cell::<Vec<u64>>("varchar", cell).is_err(), "{cell}");
    }
}

#[test]
fn yql_lists_tuples_and_sets() {
    assert_eq!(
        yandex_cell::<Vec<Option<i32>>>("List<Int32?>", "[[1],[]]").unwrap(),
        [Some(1), None]
    );
    assert_eq!(yandex_cell::<Vec<i32>>("EmptyList", "[]").unwrap(), [0; 0]);
    assert_eq!(
        yandex_cell::<BTreeSet<i32>>("Set<Int32>", "[3,1]").unwrap(),
        BTreeSet::from([1, 3])
    );
    let tuple: (i32, Vec<u8>, jiff::civil::Date) =
        yandex_cell("Tuple<Int32,String,Date>", r#"[1,"aGk=","2031-02-03"]"#).unwrap();
    assert_eq!(tuple, (1, b"hi".to_vec(), jiff::civil::date(2031, 2, 3)));
    let [] = yandex_cell::<[u8; 0]>("Tuple<>", "[]").unwrap();
    assert_eq!(
        yandex_cell::<Point>("Tuple<Int64,Utf8>", r#"[1,"a"]"#).unwrap(),
        point(1, "a")
    );
    assert_eq!(
        yandex_cell::<i32>("Tagged<Int32,'my tag'>", "5").unwrap(),
        5
    );
    let sets: Vec<BTreeSet<i32>> = yandex_cell("List<Set<Int32>>", "[[1],[2,1]]").unwrap();
    assert_eq!(sets[1], BTreeSet::from([1, 2]));
}

#[test]
fn yql_structs_are_read_by_name_and_ordered_by_type() {
    let declared = "Struct<'x':Int64,'y':Utf8?>";
    let cell = r#"{"y":["a"],"x":"1"}"#;
    assert_eq!(yandex_cell::<Point>(declared, cell).unwrap(), point(1, "a"));
    let tuple: (i64, Option<String>) = yandex_cell(declared, cell).unwrap();
    assert_eq!(tuple, (1, Some("a".to_owned())));
    let map: BTreeMap<String, String> = yandex_cell(declared, cell).unwrap();
    assert_eq!((map["x"].as_str(), map["y"].as_str()), ("1", "a"));
    let list: Vec<Point> =
        yandex_cell("List<Struct<'x':Int64,'y':Utf8?>>", r#"[{"y":[],"x":1}]"#).unwrap();
    assert_eq!(list, [Point { x: 1, y: None }]);
    let empty: BTreeMap<String, i32> = yandex_cell("Struct<>", "{}").unwrap();
    assert!(empty.is_empty());
    assert!(yandex_cell::<(i64, String)>(declared, r#"{"x":1}"#).is_err());
    assert!(yandex_cell::<(i64,)>(declared, cell).is_err());
}

#[test]
fn yql_names_are_unescaped_before_lookup() {
    #[derive(Debug, Deserialize, PartialEq)]
    struct Escaped {
        #[serde(rename = "имя")]
        name: Option<i32>,
        #[serde(rename = "it's")]
        quoted: Vec<u8>,
    }
    let declared = r"Struct<'\u0438\u043c\u044f':Int32?,'it's':String>";
    let cell = r#"{"it's":"aGk=","имя":[4]}"#;
    let expected = Escaped {
        name: Some(4),
        quoted: b"hi".to_vec(),
    };
    assert_eq!(yandex_cell::<Escaped>(declared, cell).unwrap(), expected);
}

#[test]
fn yql_dicts_are_maps_or_pairs() {
    let declared = "Dict<Int64,Optional<Utf8>>";
    let cell = r#"[["9007199254740993",["a"]],[2,[]]]"#;
    let map: BTreeMap<i64, Option<String>> = yandex_cell(declared, cell).unwrap();
    assert_eq!(
        map,
        BTreeMap::from([(9_007_199_254_740_993, Some("a".to_owned())), (2, None)])
    );
    let pairs: Vec<(i64, Option<String>)> = yandex_cell(declared, cell).unwrap();
    assert_eq!(pairs[1], (2, None));
    let bytes: BTreeMap<Vec<u8>, i32> =
        yandex_cell("Dict<String,Int32>", r#"[["YWJj",1]]"#).unwrap();
    assert_eq!(bytes[b"abc".as_slice()], 1);
    let tuples: BTreeMap<String, (i32, i32)> =
        yandex_cell("Dict<Utf8,Tuple<Int32,Int32>>", r#"[["a",[1,2]]]"#).unwrap();
    assert_eq!(tuples["a"], (1, 2));
    let empty: BTreeMap<String, i32> = yandex_cell("EmptyDict", "[]").unwrap();
    assert!(empty.is_empty());
    assert!(yandex_cell::<BTreeMap<i64, i64>>("Dict<Int64,Int64>", "[[1,2,3]]").is_err());
    assert!(yandex_cell::<BTreeMap<i64, i64>>("Dict<Int64,Int64>", "[[1]]").is_err());
}

#[test]
fn lengths_must_match() {
    assert!(dune_cell::<(i32, i32)>("array(integer)", "[1,2,3]").is_err());
    assert!(dune_cell::<(i32, i32)>("array(integer)", "[1]").is_err());
    assert_eq!(
        dune_cell::<(i32, i32)>("array(integer)", "[1,2]").unwrap(),
        (1, 2)
    );
}
