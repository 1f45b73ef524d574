//! `Row` and `Value`.

use super::{dune, dune_cell, dune_untyped, lightdash, untyped_cell, yandex, yandex_cell};
use crate::{Row, Value, decode_rows};

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

#[test]
fn rows_are_in_the_order_of_the_columns() {
    let columns = dune(&[("z", "bigint"), ("a", "varchar"), ("m", "double")]);
    let rows = r#"[{"a":"x","extra":[1],"m":null,"z":"5"},{"a":"y"}]"#;
    let decoded = decode_rows::<Row>(&columns, rows, 0).unwrap();
    let names: Vec<&str> = decoded[0].iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["z", "a", "m", "extra"]);
    assert_eq!(decoded[0][0], Value::Integer(5));
    assert_eq!(decoded[0]["a"], text("x"));
    assert!(decoded[0]["m"].is_null());
    assert_eq!(decoded[0]["extra"].as_list().unwrap(), [Value::Integer(1)]);
    assert_eq!(decoded[1].len(), 1);
    assert_eq!(decoded[1].get("z"), None);
    assert!(decoded[1]["z"].is_null());
    let json = serde_json::to_string(&decoded[0]).unwrap();
    assert_eq!(json, r#"{"z":5,"a":"x","m":null,"extra":[1]}"#);
}

#[test]
fn rows_come_from_every_service() {
    let expected = [("n", Value::Integer(1)), ("t", text("x"))];
    let expected: Row = expected
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    let pages = [
        (
            dune(&[("n", "bigint"), ("t", "varchar")]),
            r#"[{"t":"x","n":1}]"#,
        ),
        (
            lightdash(&[("n", "number"), ("t", "string")]),
            r#"[{"t":{"value":{"raw":"x"}},"n":{"value":{"raw":"1"}}}]"#,
        ),
        (
            yandex(&[("n", "Optional<Int64>"), ("t", "Utf8")]),
            r#"[[[1],"x"]]"#,
        ),
    ];
    for (columns, rows) in pages {
        assert_eq!(
            decode_rows::<Row>(&columns, rows, 0).unwrap(),
            std::slice::from_ref(&expected)
        );
        let value = decode_rows::<Value>(&columns, rows, 0).unwrap().remove(0);
        assert_eq!(value, Value::Struct(expected.clone().into_iter().collect()));
    }
    let columns = lightdash(&[("n", "number")]);
    let float = decode_rows::<Row>(&columns, r#"[{"n":{"value":{"raw":1.5}}}]"#, 0).unwrap();
    assert_eq!(float[0]["n"], Value::Float(1.5));
    let untyped = decode_rows::<Row>(&dune_untyped(&[]), r#"[{"b":1,"a":2}]"#, 0).unwrap();
    assert_eq!(untyped[0][0], Value::Integer(1));
}

#[test]
fn values_follow_the_declared_type() {
    let digits = "115792089237316195423570985008687907853269984665640564039457584007913129639935";
    for (declared, cell, expected) in [
        ("bigint", "5", Value::Integer(5)),
        ("bigint", "\"5\"", Value::Integer(5)),
        ("bigint", "5.0", Value::Integer(5)),
        (
            "uint256",
            &format!("\"{digits}\""),
            Value::Decimal(digits.to_owned()),
        ),
        ("decimal(10, 2)", "1.50", Value::Decimal("1.50".to_owned())),
        (
            "decimal(10, 2)",
            "\"1.50\"",
            Value::Decimal("1.50".to_owned()),
        ),
        ("double", "1.5", Value::Float(1.5)),
        ("double", "2", Value::Float(2.0)),
        ("double", "\"inf\"", Value::Float(f64::INFINITY)),
        ("boolean", "true", Value::Boolean(true)),
        ("varchar", "\"true\"", text("true")),
        ("varchar", "\"5\"", text("5")),
        ("varbinary", "\"0x01ff\"", Value::Bytes(vec![1, 255])),
        (
            "date",
            "\"2031-02-03\"",
            Value::Date("2031-02-03".to_owned()),
        ),
        (
            "time",
            "\"01:02:03.000\"",
            Value::Time("01:02:03".to_owned()),
        ),
        (
            "timestamp",
            "\"2031-02-03 04:05:06.000 UTC\"",
            Value::Timestamp("2031-02-03T04:05:06+00:00".to_owned()),
        ),
        ("json", "\"{}\"", Value::Json("{}".to_owned())),
        (
            "interval day to second",
            "\"1 00:00:00.000\"",
            Value::Interval("1 00:00:00.000".to_owned()),
        ),
        (
            "array(bigint)",
            "[\"1\",null]",
            Value::List(vec![Value::Integer(1), Value::Null]),
        ),
        (
            "map(bigint, varchar)",
            "{\"1\":\"a\"}",
            Value::Map(vec![(Value::Integer(1), text("a"))]),
        ),
        (
            "row(b bigint, a varchar)",
            "{\"a\":\"x\",\"b\":1}",
            Value::Struct(vec![
                ("b".to_owned(), Value::Integer(1)),
                ("a".to_owned(), text("x")),
            ]),
        ),
        (
            "row(b bigint, a varchar)",
            "[1,\"x\"]",
            Value::Struct(vec![
                ("b".to_owned(), Value::Integer(1)),
                ("a".to_owned(), text("x")),
            ]),
        ),
        ("bigint", "null", Value::Null),
        ("bigint", "\"x\"", text("x")),
    ] {
        assert_eq!(
            dune_cell::<Value>(declared, cell).unwrap(),
            expected,
            "{declared} {cell}"
        );
    }
}

#[test]
fn values_without_a_declared_type_follow_the_json() {
    for (cell, expected) in [
        ("5", Value::Integer(5)),
        ("0.1000", Value::Decimal("0.1000".to_owned())),
        ("\"5\"", text("5")),
        (
            "\"2031-02-03T04:05:06Z\"",
            Value::Timestamp("2031-02-03T04:05:06+00:00".to_owned()),
        ),
        (
            "{\"a\":[true]}",
            Value::Struct(vec![(
                "a".to_owned(),
                Value::List(vec![Value::Boolean(true)]),
            )]),
        ),
    ] {
        assert_eq!(untyped_cell::<Value>(cell).unwrap(), expected, "{cell}");
    }
}

#[test]
fn values_of_yql_types() {
    for (declared, cell, expected) in [
        ("Optional<Int64>", "[]", Value::Null),
        (
            "Optional<Int64?>",
            "[[\"5\"]]",
            Value::Some(Box::new(Value::Integer(5))),
        ),
        (
            "Optional<Int64?>",
            "[[]]",
            Value::Some(Box::new(Value::Null)),
        ),
        ("Optional<Int64?>", "[]", Value::Null),
        ("Int32?", "[7]", Value::Integer(7)),
        ("String", "\"aGk=\"", Value::Bytes(b"hi".to_vec())),
        (
            "Dict<Utf8,Int32>",
            "[[\"a\",1]]",
            Value::Map(vec![(text("a"), Value::Integer(1))]),
        ),
        (
            "Tuple<Int32,Utf8>",
            "[1,\"a\"]",
            Value::List(vec![Value::Integer(1), text("a")]),
        ),
        (
            "Struct<'a':Int32,'b':Utf8>",
            "{\"b\":\"x\",\"a\":1}",
            Value::Struct(vec![
                ("a".to_owned(), Value::Integer(1)),
                ("b".to_owned(), text("x")),
            ]),
        ),
        (
            "Variant<'One':Int32>",
            "[\"One\",1]",
            Value::Variant("One".to_owned(), Box::new(Value::Integer(1))),
        ),
        (
            "Variant<Int32,Utf8>",
            "[1,\"a\"]",
            Value::Variant("1".to_owned(), Box::new(text("a"))),
        ),
        (
            "Enum<'A'>",
            "[\"A\",null]",
            Value::Variant("A".to_owned(), Box::new(Value::Null)),
        ),
        ("Interval", "\"PT1S\"", Value::Interval("PT1S".to_owned())),
    ] {
        assert_eq!(
            yandex_cell::<Value>(declared, cell).unwrap(),
            expected,
            "{declared} {cell}"
        );
    }
    assert_eq!(
        yandex_cell::<Value>("Uuid", "null").unwrap(),
        Value::Unrepresentable
    );
    assert_eq!(
        yandex_cell::<Value>("Optional<Utf8>", "null").unwrap(),
        Value::Unrepresentable
    );
    assert_eq!(yandex_cell::<Value>("Void", "null").unwrap(), Value::Null);
    assert_eq!(yandex_cell::<Value>("pgtext", "null").unwrap(), Value::Null);
    let float = yandex_cell::<Value>("Double", "\"nan\"").unwrap();
    assert!(float.as_f64().unwrap().is_nan());
}

#[test]
fn values_become_plain_data() {
    let value = Value::List(vec![
        Value::Integer(i128::from(u64::MAX)),
        Value::Integer(i128::MAX),
        Value::Bytes(vec![0, 255]),
        Value::Float(f64::NEG_INFINITY),
        Value::Map(vec![(Value::Integer(1), Value::Null)]),
        Value::Map(vec![(Value::List(vec![]), Value::Boolean(true))]),
        Value::Variant("A".to_owned(), Box::new(text("x"))),
    ]);
    let json = serde_json::to_string(&value).unwrap();
    let expected = r#"[18446744073709551615,"170141183460469231731687303715884105727","0x00ff","-inf",{"1":null},[[[],true]],{"A":"x"}]"#;
    assert_eq!(json, expected);
    let again: Value = serde_json::from_str(r#"{"a":[1,2.5,"x",null]}"#).unwrap();
    let list = Value::List(vec![
        Value::Integer(1),
        Value::Float(2.5),
        text("x"),
        Value::Null,
    ]);
    assert_eq!(again, Value::Struct(vec![("a".to_owned(), list)]));
}

#[test]
fn nested_values_are_accessible() {
    assert_eq!(Value::Decimal("1.5".to_owned()).as_f64(), Some(1.5));
    assert_eq!(Value::Decimal("1.5".to_owned()).as_str(), Some("1.5"));
    assert_eq!(Value::Integer(3).as_integer(), Some(3));
    assert_eq!(Value::Boolean(true).as_bool(), Some(true));
    assert_eq!(Value::Bytes(vec![1]).as_bytes(), Some([1].as_slice()));
    assert_eq!(Value::Null.as_str(), None);
}
