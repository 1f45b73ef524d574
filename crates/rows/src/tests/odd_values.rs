//! Rare values that were once decoded wrongly.

use serde::Deserialize;

use super::{dune_cell, lightdash_cell, untyped_cell, yandex_cell};
use crate::{DecodeErrorKind, Row, Value};

#[test]
fn years_bc_stay_bc() {
    for (sent, normal) in [
        ("0044-03-15 12:00:00 BC", "-000043-03-15T12:00:00"),
        (
            "0044-03-15 12:00:00.500+00 BC",
            "-000043-03-15T12:00:00.5+00:00",
        ),
        ("0001-01-01 00:00:00 BC", "0000-01-01T00:00:00"),
        ("0044-03-15 12:00:00 AD", "0044-03-15T12:00:00"),
        ("10000-01-01 00:00:00 BC", "-009999-01-01T00:00:00"),
    ] {
        let json = format!("\"{sent}\"");
        assert_eq!(
            lightdash_cell::<String>("timestamp", &json).unwrap(),
            normal
        );
        assert_eq!(yandex_cell::<String>("pgtimestamp", &json).unwrap(), normal);
        assert_eq!(
            untyped_cell::<Value>(&json).unwrap(),
            Value::Timestamp(normal.to_owned())
        );
    }
    assert_eq!(
        yandex_cell::<String>("pgdate", "\"0044-03-15 BC\"").unwrap(),
        "-000043-03-15"
    );
    let ides = jiff::civil::date(-43, 3, 15);
    let sent = "\"0044-03-15 12:00:00 BC\"";
    assert_eq!(
        lightdash_cell::<jiff::civil::DateTime>("timestamp", sent).unwrap(),
        ides.at(12, 0, 0, 0)
    );
    // A sign and an era contradict each other: the text stays as it was sent.
    let both = "-0044-03-15 12:00:00 BC";
    let json = format!("\"{both}\"");
    assert_eq!(lightdash_cell::<String>("timestamp", &json).unwrap(), both);
}

#[test]
fn undeclared_members_are_kept() {
    let sent = "{\"z\":\"new\",\"b\":2,\"a\":1}";
    for declared in ["row(a bigint, b bigint)", "Struct<'a':Int64,'b':Int64>"] {
        let expected = [
            ("a".to_owned(), Value::Integer(1)),
            ("b".to_owned(), Value::Integer(2)),
            ("z".to_owned(), Value::Text("new".to_owned())),
        ];
        let read = match declared.starts_with("row") {
            true => dune_cell::<Value>(declared, sent),
            false => yandex_cell::<Value>(declared, sent),
        };
        assert_eq!(read.unwrap(), Value::Struct(expected.to_vec()));
    }
    let row: Row = dune_cell("row(a bigint)", sent).unwrap();
    assert_eq!(
        row.iter().map(|(name, _)| name).collect::<Vec<_>>(),
        ["a", "z", "b"]
    );
    // They have no position.
    let error = dune_cell::<(i64, i64)>("row(a bigint, b bigint)", sent).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("a member `z` that its type does not have"),
        "{error}"
    );
}

#[test]
fn duplicate_members_are_errors() {
    for sent in ["{\"a\":1,\"a\":2}", "{\"a\":1,\"z\":2,\"z\":3}"] {
        for error in [
            dune_cell::<Value>("row(a bigint)", sent).unwrap_err(),
            dune_cell::<Row>("row(a bigint)", sent).unwrap_err(),
            dune_cell::<(i64,)>("row(a bigint)", sent).unwrap_err(),
        ] {
            assert_eq!(error.column(), Some("c"));
            assert!(error.to_string().contains("` twice"), "{error}");
        }
    }
}

#[test]
fn null_of_an_inner_optional_is_null_for_every_type() {
    for sent in ["[]", "[[]]"] {
        assert_eq!(
            yandex_cell::<Option<i64>>("Optional<Int32?>", sent).unwrap(),
            None
        );
        assert_eq!(
            yandex_cell::<serde_json::Value>("Optional<Int32?>", sent).unwrap(),
            serde_json::Value::Null
        );
        assert!(yandex_cell::<i64>("Optional<Int32?>", sent).is_err());
    }
    assert_eq!(
        yandex_cell::<Option<i64>>("Optional<Int32?>", "[[7]]").unwrap(),
        Some(7)
    );
    assert_eq!(
        yandex_cell::<Option<i64>>("Optional<Int32??>", "[[[]]]").unwrap(),
        None
    );
    type Nested = Option<Option<i64>>;
    for (sent, read) in [("[]", None), ("[[]]", Some(None)), ("[[7]]", Some(Some(7)))] {
        assert_eq!(
            yandex_cell::<Nested>("Optional<Int32?>", sent).unwrap(),
            read
        );
    }
    let value = |value| Value::Some(Box::new(value));
    for (sent, read) in [
        ("[]", Value::Null),
        ("[[]]", value(Value::Null)),
        ("[[[7]]]", value(value(Value::Integer(7)))),
    ] {
        assert_eq!(
            yandex_cell::<Value>("Optional<Int32??>", sent).unwrap(),
            read
        );
    }
    let json = serde_json::to_string(&value(Value::Integer(7))).unwrap();
    assert_eq!(json, "7");
}

#[test]
fn json_keeps_names_of_non_finite_numbers() {
    for name in ["NaN", "Infinity", "-Infinity"] {
        let sent = format!("\"{name}\"");
        assert_eq!(
            dune_cell::<serde_json::Value>("double", &sent).unwrap(),
            serde_json::Value::String(name.to_owned())
        );
        assert!(!dune_cell::<f64>("double", &sent).unwrap().is_finite());
    }
    #[derive(Deserialize)]
    struct Flat {
        #[serde(flatten)]
        inner: Inner,
    }
    #[derive(Deserialize)]
    struct Inner {
        c: f64,
    }
    let columns = super::dune(&[("c", "double")]);
    let flat: Vec<Flat> = crate::decode_rows(&columns, "[{\"c\":\"NaN\"}]", 0).unwrap();
    assert!(flat[0].inner.c.is_nan());
}

#[test]
fn the_kind_of_an_error_says_what_failed() {
    let null = dune_cell::<i64>("bigint", "null").unwrap_err();
    assert_eq!(null.kind(), DecodeErrorKind::Null);
    let lost = yandex_cell::<String>("Uuid", "null").unwrap_err();
    assert_eq!(lost.kind(), DecodeErrorKind::Unrepresentable);
    let misfit = dune_cell::<bool>("bigint", "7").unwrap_err();
    assert_eq!(misfit.kind(), DecodeErrorKind::Mismatch);
    let custom = dune_cell::<jiff::Timestamp>("varchar", "\"soon\"").unwrap_err();
    assert_eq!(custom.kind(), DecodeErrorKind::Custom);
}
