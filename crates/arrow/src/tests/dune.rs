//! Trino's types, as Dune declares and sends them.

use super::*;
use crate::ColumnsExt as _;
use crate::PageExt as _;

#[test]
fn numbers() {
    check(
        &[
            (
                "boolean",
                "Boolean",
                &["true", "false", "null", "\"true\""],
                "true | false | NULL | true",
            ),
            (
                "tinyint",
                "Int8",
                &["-128", "127", "\"5\""],
                "-128 | 127 | 5",
            ),
            ("smallint", "Int16", &["-32768", "32767"], "-32768 | 32767"),
            (
                "integer",
                "Int32",
                &["-2147483648", "2147483647", "1e3"],
                "-2147483648 | 2147483647 | 1000",
            ),
            ("int", "Int32", &["null", "1.0"], "NULL | 1"),
            (
                "bigint",
                "Int64",
                &[
                    "-9223372036854775808",
                    "\"9223372036854775807\"",
                    "9007199254740993",
                ],
                "-9223372036854775808 | 9223372036854775807 | 9007199254740993",
            ),
            (
                "real",
                "Float32",
                &["0.1", "\"NaN\"", "\"-Infinity\"", "3"],
                "0.1 | NaN | -inf | 3.0",
            ),
            (
                "double",
                "Float64",
                &["0.1", "1e300", "\"Infinity\"", "null"],
                "0.1 | 1e300 | inf | NULL",
            ),
            ("double precision", "Float64", &["-0.0"], "-0.0"),
            (
                "decimal(5, 2)",
                "Decimal128(5, 2)",
                &["\"3.14\"", "-1", "1.5", "\"999.990\"", "0", "1e2", "null"],
                "3.14 | -1.00 | 1.50 | 999.99 | 0.00 | 100.00 | NULL",
            ),
            (
                "decimal(5, 2)",
                "Decimal128(5, 2)",
                &["0e999", "0.000000", "\"00123.4500\"", "12300e-2", "-0"],
                "0.00 | 0.00 | 123.45 | 123.00 | 0.00",
            ),
            (
                "decimal",
                "Decimal128(38, 0)",
                &["\"-99999999999999999999999999999999999999\""],
                "-99999999999999999999999999999999999999",
            ),
            (
                "decimal(7)",
                "Decimal128(7, 0)",
                &["\"1234567\""],
                "1234567",
            ),
            (
                "decimal(38, 18)",
                "Decimal128(38, 18)",
                &[
                    "\"12345678901234567890.123456789012345678\"",
                    "\"0.000000000000000001\"",
                ],
                "12345678901234567890.123456789012345678 | 0.000000000000000001",
            ),
            (
                "uint256",
                "Utf8",
                &[
                    "\"2985646787349243786078\"",
                    "0",
                    "\"115792089237316195423570985008687907853269984665640564039457584007913129639935\"",
                ],
                "\"2985646787349243786078\" | \"0\" | \"115792089237316195423570985008687907853269984665640564039457584007913129639935\"",
            ),
            (
                "int256",
                "Utf8",
                &[
                    "\"-57896044618658097711785492504343953926634992332820282019728\"",
                    "-1",
                ],
                "\"-57896044618658097711785492504343953926634992332820282019728\" | \"-1\"",
            ),
        ],
        dune_column,
    );
}

#[test]
fn text_and_bytes() {
    check(
        &[
            (
                "varchar",
                "Utf8",
                &["\"a\\\"\\u00e9\"", "\"\"", "null", "12"],
                "\"a\\\"é\" | \"\" | NULL | \"12\"",
            ),
            ("varchar(3)", "Utf8", &["\"[1]\""], "\"[1]\""),
            ("char(2)", "Utf8", &["\"a \""], "\"a \""),
            (
                "uuid",
                "Utf8",
                &["\"12151fd2-7586-11e9-8f9e-2a86e4085a59\""],
                "\"12151fd2-7586-11e9-8f9e-2a86e4085a59\"",
            ),
            ("ipaddress", "Utf8", &["\"2001:db8::1\""], "\"2001:db8::1\""),
            (
                "json",
                "Utf8",
                &["\"{\\\"a\\\":1}\"", "{\"a\": 2}", "[1]"],
                "\"{\\\"a\\\":1}\" | \"{\\\"a\\\": 2}\" | \"[1]\"",
            ),
            (
                "varbinary",
                "Binary",
                &["\"0x00ff\"", "\"0x\"", "null"],
                "0x00ff | 0x | NULL",
            ),
            ("unknown", "Null", &["null", "null"], "NULL | NULL"),
            (
                "hyperloglog",
                "Utf8",
                &["\"x\"", "1.50", "{\"a\":[1]}", "true", "null"],
                "\"x\" | \"1.50\" | \"{\\\"a\\\":[1]}\" | \"true\" | NULL",
            ),
        ],
        dune_column,
    );
    let schema = dune_columns(&[("j", "json"), ("a", "array(json)")]).arrow_schema();
    let key = "ARROW:extension:name";
    assert_eq!(schema.field(0).metadata()[key], "arrow.json");
    assert_eq!(schema.field(0).metadata()["rowfeed.type"], "json");
    let DataType::List(element) = schema.field(1).data_type() else {
        panic!("{schema}");
    };
    assert_eq!(element.metadata()[key], "arrow.json");
}

#[test]
fn times() {
    check(
        &[
            (
                "date",
                "Date32",
                &[
                    "\"2031-06-07\"",
                    "\"2031-06-07T00:00:00Z\"",
                    "\"1969-12-31\"",
                    "\"0001-01-01\"",
                    "\"9999-12-31\"",
                    "null",
                ],
                "2031-06-07 | 2031-06-07 | 1969-12-31 | 0001-01-01 | 9999-12-31 | NULL",
            ),
            (
                "date",
                "Date32",
                &["\"2000-02-29\"", "\"1900-02-28\"", "\"-0001-03-01\""],
                "2000-02-29 | 1900-02-28 | -000001-03-01",
            ),
            (
                "time",
                "Time64(µs)",
                &["\"01:02:03.004\"", "\"00:00:00\"", "\"23:59:59.999999\""],
                "01:02:03.004 | 00:00:00 | 23:59:59.999999",
            ),
            (
                "time(9)",
                "Time64(ns)",
                &["\"01:02:03.000000001\""],
                "01:02:03.000000001",
            ),
            (
                "time(3) with time zone",
                "Utf8",
                &["\"01:02:03.500+03:00\""],
                "\"01:02:03.500+03:00\"",
            ),
            (
                "timestamp",
                "Timestamp(µs)",
                &[
                    "\"2031-06-07 13:21:10.000\"",
                    "\"1969-12-31 23:59:59.999999\"",
                    "\"2031-06-07 13:21:10 UTC\"",
                    "\"2031-06-07\"",
                ],
                "2031-06-07T13:21:10 | 1969-12-31T23:59:59.999999 | 2031-06-07T13:21:10 | 2031-06-07T00:00:00",
            ),
            (
                "timestamp(9)",
                "Timestamp(ns)",
                &["\"2031-06-07 13:21:10.123456789\""],
                "2031-06-07T13:21:10.123456789",
            ),
            (
                "timestamp(12)",
                "Timestamp(ns)",
                &["\"2031-06-07 13:21:10.123456789000\""],
                "2031-06-07T13:21:10.123456789",
            ),
            (
                "timestamp(3) with time zone",
                "Timestamp(µs, \"UTC\")",
                &[
                    "\"2031-06-07 13:21:10.250 UTC\"",
                    "\"2031-06-07T13:21:10Z\"",
                    "\"2031-06-07 13:21:10.250 +03:30\"",
                    "\"2031-06-07 13:21:10\"",
                    "null",
                ],
                "2031-06-07T13:21:10.25Z | 2031-06-07T13:21:10Z | 2031-06-07T09:51:10.25Z | 2031-06-07T13:21:10Z | NULL",
            ),
            (
                "timestamp with time zone",
                "Timestamp(µs, \"UTC\")",
                &["\"2031-06-07 13:21:10.000 -08\""],
                "2031-06-07T21:21:10Z",
            ),
            (
                "interval day to second",
                "Duration(ms)",
                &[
                    "\"2 03:04:05.321\"",
                    "\"-0 00:00:01.000\"",
                    "\"0 00:00:00.000\"",
                    "null",
                ],
                "183845321 ms | -1000 ms | 0 ms | NULL",
            ),
            (
                "interval year to month",
                "Interval(YearMonth)",
                &["\"1-3\"", "\"-10-0\"", "\"0-0\""],
                "15 months | -120 months | 0 months",
            ),
        ],
        dune_column,
    );
}

#[test]
fn nested() {
    check(
        &[
            (
                "array(bigint)",
                "List(Int64)",
                &["[1,\"2\",null]", "[]", "null", "\"[3]\""],
                "[1 | 2 | NULL] | [] | NULL | [3]",
            ),
            (
                "array(array(varchar))",
                "List(List(Utf8))",
                &["[[\"a\"],[],null]"],
                "[[\"a\"] | [] | NULL]",
            ),
            (
                "array(varbinary)",
                "List(Binary)",
                &["[\"0x01\",\"0x\"]"],
                "[0x01 | 0x]",
            ),
            (
                "map(varchar, integer)",
                "Map(\"entries\": non-null Struct(\"key\": non-null Utf8, \"value\": Int32), unsorted)",
                &["{\"a\":1,\"b\":null}", "{}", "null"],
                "{\"a\" => 1, \"b\" => NULL} | {} | NULL",
            ),
            (
                "map(bigint, array(double))",
                "Map(\"entries\": non-null Struct(\"key\": non-null Int64, \"value\": List(Float64)), unsorted)",
                &["{\"1\":[0.5]}"],
                "{1 => [0.5]}",
            ),
            (
                "map(date, boolean)",
                "Map(\"entries\": non-null Struct(\"key\": non-null Date32, \"value\": Boolean), unsorted)",
                &["{\"2031-01-02\":true}"],
                "{2031-01-02 => true}",
            ),
            (
                "row(b bigint, \"a b\" varchar)",
                "Struct(\"b\": Int64, \"a b\": Utf8)",
                &[
                    "{\"a b\":\"x\",\"b\":1}",
                    "{\"b\":null}",
                    "null",
                    "[2,\"y\"]",
                ],
                "{b: 1, a b: \"x\"} | {b: NULL, a b: NULL} | NULL | {b: 2, a b: \"y\"}",
            ),
            (
                "row(bigint, timestamp(3) with time zone)",
                "Struct(\"field0\": Int64, \"field1\": Timestamp(µs, \"UTC\"))",
                &[
                    "[1,\"2031-06-07 13:21:10.250 UTC\"]",
                    "{\"field1\":null,\"field0\":7}",
                ],
                "{field0: 1, field1: 2031-06-07T13:21:10.25Z} | {field0: 7, field1: NULL}",
            ),
            (
                "array(row(x tinyint, y map(varchar, decimal(3, 1))))",
                "List(Struct(\"x\": Int8, \"y\": Map(\"entries\": non-null Struct(\"key\": non-null Utf8, \"value\": Decimal128(3, 1)), unsorted)))",
                &["[{\"x\":1,\"y\":{\"k\":\"1.5\"}},null,{\"x\":null,\"y\":null}]"],
                "[{x: 1, y: {\"k\" => 1.5}} | NULL | {x: NULL, y: NULL}]",
            ),
            (
                "array(unknown)",
                "List(Null)",
                &["[null,null]", "[]"],
                "[NULL | NULL] | []",
            ),
        ],
        dune_column,
    );
}

/// If a field without a name looks like one with a name, the parser backtracks.
#[test]
fn widths_are_those_of_their_own_fields() {
    let declared = "row(interval day to second, smallint, decimal(4, 1), map(tinyint, uint256))";
    let (data_type, _) = dune_column(declared, &["null"]).unwrap();
    let entry = "\"key\": non-null Int8, \"value\": Utf8";
    let wanted = format!(
        "Struct(\"field0\": Duration(ms), \"field1\": Int16, \"field2\": Decimal128(4, 1), \
         \"field3\": Map(\"entries\": non-null Struct({entry}), unsorted))"
    );
    assert_eq!(data_type, wanted);
    // A type that cannot be parsed is text.
    assert_eq!(
        dune_column("row(smallint, x.y)", &["[1]"]).unwrap().1,
        "\"[1]\""
    );
}

#[test]
fn a_cell_that_a_row_lacks_is_null() {
    let columns = dune_columns(&[("a", "bigint"), ("b", "varchar")]);
    let rows = "[{\"b\":\"x\"},{\"a\":1},{},{\"b\":\"y\",\"a\":2}]";
    let batch = page(&columns, rows).record_batch().unwrap();
    assert_eq!(shown(batch.column(0)), "NULL | 1 | NULL | 2");
    assert_eq!(shown(batch.column(1)), "\"x\" | NULL | NULL | \"y\"");
}
