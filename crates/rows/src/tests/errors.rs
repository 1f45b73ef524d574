//! Errors that name the position, the expected type, the value found, and the remedy.

use serde::Deserialize;

use super::{dune, dune_cell, lightdash, lightdash_cell, yandex, yandex_cell};
use crate::{DecodeError, decode_rows};

#[derive(Debug, Deserialize)]
#[allow(dead_code)]
struct Trade {
    id: u32,
    price: f64,
}

fn fails<T: for<'a> Deserialize<'a>>(columns: &crate::Columns, rows: &str) -> DecodeError {
    match decode_rows::<T>(columns, rows, 100) {
        Ok(_) => panic!("this should not have been decoded"),
        Err(error) => error,
    }
}

#[test]
fn errors_name_page_row_column_and_type() {
    let pages = [
        (
            dune(&[("id", "bigint"), ("price", "varchar")]),
            r#"[{"id":1,"price":2},{"id":1,"price":"dear"}]"#,
        ),
        (
            lightdash(&[("id", "number"), ("price", "varchar")]),
            r#"[{"id":{"value":{"raw":1}},"price":{"value":{"raw":1}}},{"id":{"value":{"raw":1}},"price":{"value":{"raw":"dear"}}}]"#,
        ),
        (
            yandex(&[("id", "Uint32"), ("price", "varchar")]),
            r#"[[1,2],[1,"dear"]]"#,
        ),
    ];
    for (columns, rows) in pages {
        let error = fails::<Trade>(&columns, rows).with_page(7);
        assert_eq!(error.page(), Some(7));
        assert_eq!(error.row(), Some(101));
        assert_eq!(error.column(), Some("price"));
        assert_eq!(error.declared_type(), Some("varchar"));
        assert_eq!(error.wanted(), Some("f64"));
        assert_eq!(error.found(), Some("\"dear\""));
        let text = error.to_string();
        for part in [
            "page 7",
            "row 101",
            "`price`",
            "varchar",
            "f64",
            "\"dear\"",
            "not a number",
        ] {
            assert!(text.contains(part), "{part} is not in: {text}");
        }
    }
}

#[test]
fn null_advises_option() {
    let columns = dune(&[("id", "bigint"), ("price", "double")]);
    let error = fails::<Trade>(&columns, r#"[{"id":1,"price":null}]"#);
    assert_eq!(error.found(), Some("NULL"));
    assert!(error.message().contains("Option"), "{error}");
    let error = lightdash_cell::<String>("string", "null").unwrap_err();
    assert!(error.message().contains("Option"), "{error}");
    let error = yandex_cell::<i32>("Optional<Int32>", "[]").unwrap_err();
    assert!(
        error.message().contains("Option") && error.found() == Some("NULL"),
        "{error}"
    );
}

#[test]
fn every_non_optional_type_rejects_null() {
    macro_rules! refuse {
        ($($asked:ty)*) => {$(
            let error = yandex_cell::<$asked>("pgtext", "null").unwrap_err();
            assert!(error.message().contains("Option"), "{}: {error}", stringify!($asked));
        )*};
    }
    refuse! { bool i8 u64 i128 u128 f32 f64 char String Vec<u8> serde_bytes::ByteBuf Trade
    std::collections::HashMap<String, String> (u8, u8) jiff::Timestamp Unit rust_decimal::Decimal }
    #[derive(Debug, Deserialize)]
    enum Unit {
        #[allow(dead_code)]
        A,
    }
}

#[test]
fn an_unrepresentable_value_is_not_null() {
    let error = yandex_cell::<String>("Uuid", "null").unwrap_err();
    assert!(
        error.message().contains("lost") && error.message().contains("CAST"),
        "{error}"
    );
    assert_eq!(yandex_cell::<Option<String>>("Uuid", "null").unwrap(), None);
    let error = yandex_cell::<String>("Optional<Yson>", "null").unwrap_err();
    assert!(error.message().contains("lost"), "{error}");
    let error = yandex_cell::<String>("pgtext", "null").unwrap_err();
    assert!(!error.message().contains("lost"), "{error}");
}

#[test]
fn a_missing_column_lists_existing_columns() {
    let columns = dune(&[("id", "bigint"), ("cost", "double")]);
    let error = fails::<Trade>(&columns, r#"[{"id":1,"cost":2}]"#);
    assert_eq!(error.column(), Some("price"));
    assert!(error.message().contains("id, cost"), "{error}");
    assert!(error.message().contains("Option"), "{error}");
    let columns = yandex(&[("id", "Int32")]);
    assert_eq!(fails::<Trade>(&columns, "[[1]]").column(), Some("price"));
}

#[test]
fn an_error_inside_a_cell_names_the_member() {
    let cell = r#"[{"id":1,"price":2},{"id":1}]"#;
    let error = dune_cell::<Vec<Trade>>("array(row(id bigint, price double))", cell).unwrap_err();
    assert_eq!(error.column(), Some("c"));
    assert!(error.message().contains("`price`"), "{error}");
    let cell = r#"[{"id":1,"price":"much"}]"#;
    let error = dune_cell::<Vec<Trade>>("varchar", cell).unwrap_err();
    assert_eq!(error.found(), Some("\"much\""));
}

#[test]
fn unknown_and_duplicate_fields_are_errors() {
    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Strict {
        id: u32,
    }
    let columns = dune(&[("id", "bigint"), ("x", "bigint")]);
    let error = fails::<Strict>(&columns, r#"[{"id":1,"x":1}]"#);
    assert!(error.to_string().contains("`x`"), "{error}");
    let error = fails::<Strict>(&columns, r#"[{"id":1,"id":1}]"#);
    assert!(error.message().contains("twice"), "{error}");
    let error = fails::<(u32, Option<u32>)>(&columns, r#"[{"id":1,"id":1}]"#);
    assert!(error.message().contains("twice"), "{error}");
}

#[test]
fn long_cells_are_cut() {
    let columns = dune(&[("id", "varchar"), ("price", "double")]);
    let rows = format!(r#"[{{"id":"{}","price":1}}]"#, "é".repeat(500));
    let error = fails::<Trade>(&columns, &rows);
    assert!(error.found().unwrap().chars().count() < 100, "{error}");
}

#[test]
fn messages_of_user_types_are_kept() {
    let columns = dune(&[("t", "timestamp with time zone")]);
    let error = fails::<jiff::Timestamp>(&columns, r#"[{"t":"tomorrow"}]"#);
    assert_eq!(error.column(), Some("t"));
    assert_eq!(error.found(), Some("\"tomorrow\""));
    assert!(!error.message().is_empty());
    let error = fails::<u8>(&dune(&[("n", "bigint")]), r#"[{"n":300}]"#);
    assert_eq!(error.wanted(), Some("u8"));
    assert!(error.found().unwrap().contains("300"), "{error}");
}

#[test]
fn a_refused_time_gets_advice() {
    let columns = dune(&[("t", "timestamp")]);
    let error = fails::<jiff::Timestamp>(&columns, r#"[{"t":"2032-05-04 00:00:00"}]"#);
    assert!(error.message().contains("assume_utc"), "{error}");
    let rows = r#"[{"t":"2032-05-04 00:00:00 UTC"}]"#;
    let error = fails::<chrono::NaiveDate>(&columns, rows);
    assert!(error.message().contains("midnight_as_date"), "{error}");
    let error = fails::<chrono::NaiveDateTime>(&columns, rows);
    assert!(error.message().contains("without_offset"), "{error}");
    let columns = yandex(&[("t", "Optional<Date>")]);
    let error = fails::<jiff::Timestamp>(&columns, r#"[[["2032-05-04"]]]"#);
    assert!(error.message().contains("assume_utc"), "{error}");
    let columns = dune(&[("t", "varchar")]);
    let error = fails::<jiff::Timestamp>(&columns, r#"[{"t":"2032-05-04 00:00:00"}]"#);
    assert!(!error.message().contains("assume_utc"), "{error}");
}

#[test]
fn rows_of_another_length_are_errors() {
    let columns = yandex(&[("id", "Uint32"), ("price", "Double")]);
    for rows in ["[[1]]", "[[1,2,3]]", "[[]]"] {
        let error = fails::<Trade>(&columns, rows);
        assert!(error.message().contains("2 columns"), "{rows}: {error}");
        assert!(
            decode_rows::<(u32, f64)>(&columns, rows, 0).is_err(),
            "{rows}"
        );
        assert!(
            decode_rows::<crate::Row>(&columns, rows, 0).is_err(),
            "{rows}"
        );
    }
}
