//! Rust enums from names, JSON and YQL variants.

use serde::Deserialize;

use super::{dune_cell, yandex_cell};

#[derive(Debug, Deserialize, PartialEq)]
enum Shape {
    Dot,
    Circle(i64),
    Box(i64, Option<String>),
    Text { size: u8, body: String },
}

#[test]
fn names_are_unit_variants() {
    assert_eq!(
        dune_cell::<Shape>("varchar", "\"Dot\"").unwrap(),
        Shape::Dot
    );
    let error = dune_cell::<Shape>("varchar", "\"Line\"").unwrap_err();
    assert!(
        error.to_string().contains("Circle") && error.to_string().contains("Line"),
        "{error}"
    );
    assert_eq!(
        yandex_cell::<Shape>("Enum<'Dot','Line'>", r#"["Dot",null]"#).unwrap(),
        Shape::Dot
    );
    assert_eq!(
        yandex_cell::<String>("Enum<'Dot','Line'>", r#"["Line",null]"#).unwrap(),
        "Line"
    );
    assert_eq!(
        yandex_cell::<Option<Shape>>("Optional<Enum<'Dot'>>", r#"[["Dot",null]]"#).unwrap(),
        Some(Shape::Dot)
    );
}

#[test]
fn json_enums_are_externally_tagged() {
    assert_eq!(
        dune_cell::<Shape>("json", r#"{"Circle":"5"}"#).unwrap(),
        Shape::Circle(5)
    );
    let cell = r#""{\"Text\":{\"size\":1,\"body\":\"b\"}}""#;
    assert_eq!(
        dune_cell::<Shape>("varchar", cell).unwrap(),
        Shape::Text {
            size: 1,
            body: "b".to_owned()
        }
    );
}

#[test]
fn yql_variants_by_name() {
    let declared = "Variant<'Box':Tuple<Int64,Utf8?>,'Circle':Int64,'Dot':Void,'Text':Struct<'body':Utf8,'size':Uint8>>";
    let shape = |cell| yandex_cell::<Shape>(declared, cell).unwrap();
    assert_eq!(
        shape(r#"["Circle","9007199254740993"]"#),
        Shape::Circle(9_007_199_254_740_993)
    );
    assert_eq!(
        shape(r#"["Box",[1,["b"]]]"#),
        Shape::Box(1, Some("b".to_owned()))
    );
    assert_eq!(shape(r#"["Dot",null]"#), Shape::Dot);
    assert_eq!(
        shape(r#"["Text",{"size":2,"body":"t"}]"#),
        Shape::Text {
            size: 2,
            body: "t".to_owned()
        }
    );
    let pair: (String, i64) = yandex_cell(declared, r#"["Circle",7]"#).unwrap();
    assert_eq!(pair, ("Circle".to_owned(), 7));
    let map: std::collections::HashMap<String, i64> =
        yandex_cell(declared, r#"["Circle",7]"#).unwrap();
    assert_eq!(map["Circle"], 7);
    // A name does not replace a value.
    assert!(yandex_cell::<String>(declared, r#"["Circle",7]"#).is_err());
    #[derive(Debug, Deserialize)]
    enum Unit {
        Circle,
    }
    let error = yandex_cell::<Unit>(declared, r#"["Circle",7]"#)
        .map(|Unit::Circle| ())
        .unwrap_err();
    assert!(error.message().contains("field"), "{error}");
}

#[test]
fn yql_variants_by_index() {
    #[derive(Debug, Deserialize, PartialEq)]
    enum Either {
        Left(i32),
        Right(Vec<u8>),
    }
    let declared = "Variant<Int32,String>";
    assert_eq!(
        yandex_cell::<Either>(declared, "[0,5]").unwrap(),
        Either::Left(5)
    );
    assert_eq!(
        yandex_cell::<Either>(declared, "[1,\"aGk=\"]").unwrap(),
        Either::Right(b"hi".to_vec())
    );
    assert!(yandex_cell::<Either>(declared, "[2,5]").is_err());
    assert!(yandex_cell::<Either>(declared, "[-1,5]").is_err());
    let nested = "Optional<Variant<String,Uint16??>?>";
    #[derive(Debug, Deserialize, PartialEq)]
    enum Deep {
        Bytes(Vec<u8>),
        Number(Option<Option<i32>>),
    }
    type Cell = Option<Option<Deep>>;
    assert_eq!(
        yandex_cell::<Cell>(nested, "[[[1,[[6]]]]]").unwrap(),
        Some(Some(Deep::Number(Some(Some(6)))))
    );
    assert_eq!(
        yandex_cell::<Cell>(nested, "[[[1,[[]]]]]").unwrap(),
        Some(Some(Deep::Number(Some(None))))
    );
    assert_eq!(
        yandex_cell::<Cell>(nested, "[[[0,\"\"]]]").unwrap(),
        Some(Some(Deep::Bytes(vec![])))
    );
    assert_eq!(yandex_cell::<Cell>(nested, "[[]]").unwrap(), Some(None));
}

#[test]
fn untagged_enums_follow_the_declared_type() {
    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(untagged)]
    enum Loose {
        Number(i64),
        Text(String),
    }
    assert_eq!(
        dune_cell::<Loose>("bigint", "\"5\"").unwrap(),
        Loose::Number(5)
    );
    assert_eq!(
        dune_cell::<Loose>("varchar", "\"5\"").unwrap(),
        Loose::Text("5".to_owned())
    );
    let digits = "99999999999999999999999";
    assert_eq!(
        dune_cell::<Loose>("uint256", digits).unwrap(),
        Loose::Text(digits.to_owned())
    );
    assert_eq!(
        yandex_cell::<Loose>("Optional<Int64>", "[\"5\"]").unwrap(),
        Loose::Number(5)
    );
}
