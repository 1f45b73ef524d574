//! Lightdash's types.

use super::*;
use crate::PageExt as _;

#[test]
fn every_type() {
    check(
        &[
            (
                "string",
                "Utf8",
                &["\"a\"", "null", "1", "[1,\"x\"]"],
                "\"a\" | NULL | \"1\" | \"[1,\\\"x\\\"]\"",
            ),
            (
                "number",
                "Float64",
                &[
                    "1",
                    "\"12\"",
                    "1.5",
                    "\"1.50\"",
                    "null",
                    "-9007199254740992",
                    "\"NaN\"",
                ],
                "1.0 | 12.0 | 1.5 | 1.5 | NULL | -9007199254740992.0 | NaN",
            ),
            (
                "number",
                "Float64",
                &["\"100000000000000000000\"", "18446744073709549568", "1e300"],
                "1e20 | 1.844674407370955e19 | 1e300",
            ),
            (
                "boolean",
                "Boolean",
                &["true", "\"f\"", "null"],
                "true | false | NULL",
            ),
            (
                "date",
                "Date32",
                &["\"2031-06-07\"", "\"2031-06-07T00:00:00.000Z\"", "null"],
                "2031-06-07 | 2031-06-07 | NULL",
            ),
            (
                "timestamp",
                "Timestamp(µs, \"UTC\")",
                &[
                    "\"2031-06-07T13:21:10.000Z\"",
                    "\"2031-06-07T13:21:10\"",
                    "\"2031-06-07 13:21:10.5+02\"",
                    "null",
                ],
                "2031-06-07T13:21:10Z | 2031-06-07T13:21:10Z | 2031-06-07T11:21:10.5Z | NULL",
            ),
            (
                "geo",
                "Utf8",
                &["{\"x\": 1}", "\"p\""],
                "\"{\\\"x\\\": 1}\" | \"p\"",
            ),
        ],
        lightdash_column,
    );
}

#[test]
fn integers_that_a_float_would_round_are_refused() {
    for cell in [
        "9007199254740993",
        "\"9007199254740993\"",
        "18446744073709551615",
        "\"100000000000000000001\"",
        "\"0.1234567890123456789\"",
    ] {
        let error = lightdash_column("number", &[cell]).unwrap_err();
        assert!(
            error.contains("a Float64 would round this number: read the column as another type"),
            "{error}"
        );
        let columns = lightdash_columns(&[("c", "number")]);
        let types = [("c", DataType::Float64)];
        let batch = wanted(&columns, &lightdash_rows(&[cell]), &types, None).unwrap();
        assert!(shown(batch.column(0)).parse::<f64>().is_ok(), "{cell}");
    }
    let columns = lightdash_columns(&[("c", "number")]);
    let types = [("c", DataType::Int64)];
    let rows = lightdash_rows(&["9007199254740993", "\"-9007199254740993\"", "null"]);
    let batch = wanted(&columns, &rows, &types, None).unwrap();
    assert_eq!(
        shown(batch.column(0)),
        "9007199254740993 | -9007199254740993 | NULL"
    );
}

#[test]
fn formatted_values_are_text() {
    let columns = Columns::lightdash([("c", "number")], Cells::Formatted);
    let rows = r#"[{"c":{"value":{"raw":1.5,"formatted":"€ 1,50"}}},{"c":{"value":{"raw":null,"formatted":"∅"}}}]"#;
    assert_eq!(
        column(&columns, rows),
        Ok(("Utf8".to_owned(), "\"€ 1,50\" | NULL".to_owned()))
    );
}

#[test]
fn a_pivot_may_lack_cells() {
    let columns = lightdash_columns(&[("a", "number"), ("b", "string")]);
    let rows =
        r#"[{"b":{"value":{"raw":"x"}}},{"a":{"value":{"formatted":"?"}},"b":{"value":null}}]"#;
    let batch = page(&columns, rows).record_batch().unwrap();
    assert_eq!(shown(batch.column(0)), "NULL | NULL");
    assert_eq!(shown(batch.column(1)), "\"x\" | NULL");
}
