//! Values that do not fit: the error names the position, the reason and the remedy.

use arrow_schema::{Field, Schema};

use super::*;
use crate::PageExt as _;
use rowfeed_rows::cells::CellReader;

fn dune_error(declared: &str, cell: &str) -> String {
    dune_column(declared, &["null", cell]).unwrap_err()
}

#[test]
fn an_error_names_page_row_column_both_types_and_the_remedy() {
    let most = "100000000000000000000000000000000000000";
    assert_eq!(
        dune_error("decimal(38, 0)", &format!("\"{most}\"")),
        format!(
            "dune: page 3, row 101, column `c` (decimal(38, 0)): expected Decimal128(38, 0), found \"{most}\": \
             the number has more digits than the type: read the column as another type, for example \
             `.column_type(\"c\", DataType::Utf8)` [run run]"
        )
    );
}

#[test]
fn nothing_is_rounded_cut_or_wrapped() {
    for (declared, cell, words) in [
        ("tinyint", "128", "the value does not fit"),
        ("tinyint", "-129", "the value does not fit"),
        ("integer", "\"2147483648\"", "the value does not fit"),
        ("bigint", "9223372036854775808", "the value does not fit"),
        (
            "bigint",
            "1.5",
            "the number has a fraction, which an integer would lose",
        ),
        ("bigint", "\"x\"", "this is not a number"),
        ("bigint", "1e40", "the integer is wider than 128 bits"),
        ("boolean", "1", "only true and false are booleans"),
        (
            "double",
            "1e999",
            "the number is too large for this float type",
        ),
        ("double", "true", "this is not a number"),
        (
            "real",
            "1e39",
            "the number is too large for this float type",
        ),
        (
            "decimal(5, 2)",
            "\"1.234\"",
            "the number has more digits after the decimal point than the type",
        ),
        (
            "decimal(5, 2)",
            "\"1000\"",
            "the number has more digits than the type",
        ),
        (
            "decimal(5, 2)",
            "\"nan\"",
            "this is not a number that a decimal can hold",
        ),
        (
            "decimal(5, 2)",
            "1e-3",
            "the number has more digits after the decimal point than the type",
        ),
        (
            "decimal(5, 2)",
            "1e999999999",
            "the number has more digits than the type",
        ),
        (
            "decimal(5, 2)",
            "\"1e99999999999\"",
            "this is not a number that a decimal can hold",
        ),
        (
            "decimal(5, 2)",
            "\".5\"",
            "this is not a number that a decimal can hold",
        ),
        ("date", "\"2031-02-29\"", "there is no such date"),
        ("date", "\"2031-13-01\"", "there is no such date"),
        ("date", "\"2031-00-01\"", "there is no such date"),
        (
            "date",
            "\"2031-01-02 03:04:05\"",
            "a date would lose the time of day",
        ),
        (
            "date",
            "\"2031-01-02T00:00:00+03:00\"",
            "a date would lose the time zone",
        ),
        ("date", "\"soon\"", "this is not a date"),
        ("date", "20310102", "this is not a date"),
        ("time", "\"24:00:00\"", "there is no such time of day"),
        ("time", "\"1:00:00\"", "this is not a time of day"),
        (
            "time",
            "\"10:00:00.0000001\"",
            "the time has more digits than the type",
        ),
        (
            "timestamp",
            "\"2031-01-02 03:04:60\"",
            "there is no such time of day",
        ),
        (
            "timestamp",
            "\"2031-01-02 03:04:05.0000001\"",
            "the time has more digits than the type",
        ),
        (
            "timestamp",
            "\"2031-01-02 03:04:05 +03:00\"",
            "a timestamp without a zone would lose the offset",
        ),
        (
            "timestamp",
            "\"2031-01-02 03:04:05 Europe/Riga\"",
            "a timestamp would lose the name of the time zone",
        ),
        (
            "timestamp with time zone",
            "\"2031-01-02 03:04:05 Europe/Riga\"",
            "a timestamp would lose the name of the time zone",
        ),
        (
            "timestamp with time zone",
            "\"2031-01-02 03:04:05 +99:00\"",
            "this is not an offset from UTC",
        ),
        (
            "timestamp(9)",
            "\"2300-01-01 00:00:00\"",
            "the value is out of the range of the type",
        ),
        (
            "timestamp(12)",
            "\"2031-01-01 00:00:00.123456789001\"",
            "the time has more digits than the type",
        ),
        (
            "interval day to second",
            "\"1 day\"",
            "this is not a span of days and seconds",
        ),
        (
            "interval day to second",
            "\"P1DT\\u0665S\"",
            "this is not a span of days and seconds",
        ),
        (
            "interval day to second",
            "\"0 00:00:00.0001\"",
            "the time has more digits than the type",
        ),
        (
            "interval day to second",
            "\"P1M\"",
            "this is not a span of days and seconds",
        ),
        (
            "interval day to second",
            "\"P\"",
            "this is not a span of days and seconds",
        ),
        (
            "interval year to month",
            "\"1-12\"",
            "this is not a span of years and months",
        ),
        (
            "varbinary",
            "\"0x0\"",
            "these are not bytes in hexadecimal, `0x` and two digits each",
        ),
        ("array(tinyint)", "[1,300]", "the value does not fit"),
        ("array(bigint)", "5", "this is not a list"),
        ("map(bigint, bigint)", "{\"x\":1}", "this is not a number"),
        ("map(varchar, bigint)", "[1]", "this is not an object"),
        (
            "row(a bigint)",
            "{\"b\":1}",
            "the value holds a member `b` that its type does not have",
        ),
        (
            "row(a bigint)",
            "{\"a\":1,\"a\":2}",
            "the value holds the member `a` twice",
        ),
        (
            "row(bigint, bigint)",
            "[1]",
            "the list is shorter than the 2 members of the type",
        ),
        (
            "row(bigint, bigint)",
            "[1,2,3]",
            "the list is longer than the 2 members of the type",
        ),
        ("unknown", "1", "only NULL fits"),
    ] {
        let error = dune_error(declared, cell);
        let way_out = format!(": {words}");
        assert!(error.contains(&way_out), "{declared}: {error}");
        assert!(
            error.contains("`.column_type(\"c\", DataType::Utf8)`"),
            "{declared}: {error}"
        );
        assert!(
            error.contains(&format!("row 101, column `c` ({declared}): expected ")),
            "{error}"
        );
        assert!(!error.contains("the field"), "{declared}: {error}");
    }
}

#[test]
fn null_in_a_required_column_is_an_error() {
    let error = yandex_column("Utf8", &["null"]).unwrap_err();
    assert!(
        error.contains("so the value is lost: cast it in the query"),
        "{error}"
    );
    assert!(
        error.contains("use a schema in which the column may be NULL"),
        "{error}"
    );
    let error = yandex_column("Uuid", &["null"]).unwrap_err();
    assert!(error.contains("`CAST(… AS Utf8)`"), "{error}");
    let error = yandex_column("List<Int32>", &["[1,null]"]).unwrap_err();
    assert!(
        error.contains("found NULL: NULL is not allowed here: use a schema"),
        "{error}"
    );
    let error = yandex_column("Variant<'a':Utf8>", &["[\"a\",null]"]).unwrap_err();
    assert!(
        error.contains("found NULL: NULL is not allowed here"),
        "{error}"
    );

    let schema = |is_nullable| {
        Some(Arc::new(Schema::new(vec![Field::new(
            "c",
            DataType::Int8,
            is_nullable,
        )])))
    };
    let columns = dune_columns(&[("c", "bigint"), ("d", "bigint")]);
    for rows in ["[{\"c\":null}]", "[{\"d\":1}]"] {
        let error = wanted(&columns, rows, &[], schema(false))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("NULL") && error.contains("row 100"),
            "{error}"
        );
        assert!(wanted(&columns, rows, &[], schema(true)).is_ok());
    }
    // A lost value becomes NULL only on request.
    let columns = yandex_columns(&[("c", "Uuid")]);
    let schema = Arc::new(Schema::new(vec![Field::new("c", DataType::Utf8, true)]));
    let batch = wanted(&columns, "[[null]]", &[], Some(schema)).unwrap();
    assert_eq!(shown(batch.column(0)), "NULL");
}

#[test]
fn members_with_the_same_name_are_refused() {
    let error = dune_column("row(a bigint, a varchar)", &["{\"a\":1}"]).unwrap_err();
    assert!(error.contains("cannot be read as Struct"), "{error}");
    assert!(error.contains("use another type, such as Utf8"), "{error}");
}

#[test]
fn columns_with_the_same_name_or_without_declaration_are_refused() {
    let columns = dune_columns(&[("c", "bigint"), ("c", "varchar")]);
    let error = page(&columns, "[]").record_batch().unwrap_err();
    assert!(
        error.message().contains("there are two columns `c`"),
        "{error}"
    );

    let columns = dune_columns(&[("c", "bigint")]);
    let error = page(&columns, "[{\"c\":1,\"z\":2}]")
        .record_batch()
        .unwrap_err()
        .to_string();
    assert!(error.contains("row 100: the row holds a column `z` that the result does not declare: set a schema with with_schema()"), "{error}");
    let error = page(&columns, "[{\"c\":1,\"c\":2}]")
        .record_batch()
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("column `c` (bigint)") && error.contains("the row holds this column twice"),
        "{error}"
    );

    let columns = yandex_columns(&[("a", "Int32"), ("b", "Int32")]);
    for rows in ["[[1]]", "[[1,2,3]]"] {
        let error = page(&columns, rows).record_batch().unwrap_err().to_string();
        assert!(
            error.contains("row 100: the row does not have one value for each of the 2 columns"),
            "{error}"
        );
    }
    assert!(
        page(&Columns::dune([""; 0], [""; 0]), "[]")
            .record_batch()
            .is_err()
    );
}

/// Malformed text is an error with any type.
#[test]
fn rows_that_are_not_json_are_an_error() {
    let columns = dune_columns(&[("c", "array(bigint)")]);
    let layout = Arc::new(Wishes::default().layout("dune", &columns).unwrap());
    for cell in ["[-]", "[1", "\"\\q\"", "[1 2]"] {
        let mut batch = layout.batch(1);
        let rows = dune_rows(&[cell]);
        let read = CellReader::default().read(&columns, &rows, 0, usize::MAX, &mut batch);
        let error = read.unwrap_err().to_string();
        assert!(!error.contains("column_type"), "{cell}: {error}");
    }
}
