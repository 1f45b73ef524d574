//! YQL's types.

use super::*;
use crate::ColumnsExt as _;
use crate::PageExt as _;

#[test]
fn scalars() {
    check(
        &[
            ("Bool", "Boolean", &["true", "false"], "true | false"),
            ("Int8", "Int8", &["-128"], "-128"),
            ("Int16", "Int16", &["32767"], "32767"),
            ("Int32", "Int32", &["7"], "7"),
            (
                "Int64",
                "Int64",
                &["9007199254740991", "\"-9223372036854775808\""],
                "9007199254740991 | -9223372036854775808",
            ),
            ("Uint8", "UInt8", &["255"], "255"),
            ("Uint16", "UInt16", &["65535"], "65535"),
            ("Uint32", "UInt32", &["4294967295"], "4294967295"),
            (
                "Uint64",
                "UInt64",
                &["\"18446744073709551615\""],
                "18446744073709551615",
            ),
            (
                "Float",
                "Float32",
                &["0.100000001", "\"nan\"", "\"-inf\""],
                "0.1 | NaN | -inf",
            ),
            (
                "Double",
                "Float64",
                &["3.141592654", "1", "\"inf\"", "1e+20"],
                "3.141592654 | 1.0 | inf | 1e20",
            ),
            (
                "Decimal(22,9)",
                "Decimal128(22, 9)",
                &["\"1.23\"", "\"-0.000000001\""],
                "1.230000000 | -0.000000001",
            ),
            (
                "DyNumber",
                "Utf8",
                &["\"1e-130\"", "\"123456789012345678901234567890.5\""],
                "\"1e-130\" | \"123456789012345678901234567890.5\"",
            ),
            (
                "String",
                "Binary",
                &["\"aGVsbG8=\"", "\"\""],
                "0x68656c6c6f | 0x",
            ),
            ("Utf8", "Utf8", &["\"ж\""], "\"ж\""),
            ("Json", "Utf8", &["\"{\\\"a\\\":1}\""], "\"{\\\"a\\\":1}\""),
            ("JsonDocument", "Utf8", &["\"[]\""], "\"[]\""),
            ("Yson", "Utf8", &["\"{a=1}\""], "\"{a=1}\""),
            ("Date", "Date32", &["\"2019-09-16\""], "2019-09-16"),
            (
                "Date32",
                "Date32",
                &["\"-12345-01-31\"", "\"148107-12-31\""],
                "day -5228416 | day 53375807",
            ),
            (
                "Datetime",
                "Timestamp(s, \"UTC\")",
                &["\"2019-09-16T10:46:05Z\""],
                "2019-09-16T10:46:05Z",
            ),
            (
                "Timestamp",
                "Timestamp(µs, \"UTC\")",
                &["\"2019-09-16T11:27:44.345849Z\""],
                "2019-09-16T11:27:44.345849Z",
            ),
            (
                "Timestamp64",
                "Timestamp(µs, \"UTC\")",
                &[
                    "\"-0001-01-01T00:00:00Z\"",
                    "\"10000-01-01T00:00:00.000001Z\"",
                ],
                "-000001-01-01T00:00:00Z | tick 253402300800000001",
            ),
            (
                "Interval",
                "Duration(µs)",
                &[
                    "\"PT15M\"",
                    "\"P2DT2H\"",
                    "\"-PT1.5S\"",
                    "\"PT0S\"",
                    "\"P1W\"",
                ],
                "900000000 µs | 180000000000 µs | -1500000 µs | 0 µs | 604800000000 µs",
            ),
            (
                "TzDate",
                "Utf8",
                &["\"2019-09-16,Europe/Moscow\""],
                "\"2019-09-16[Europe/Moscow]\"",
            ),
            (
                "TzDatetime",
                "Utf8",
                &["\"2019-09-16T14:32:40,Europe/Moscow\""],
                "\"2019-09-16T14:32:40[Europe/Moscow]\"",
            ),
            (
                "TzTimestamp64",
                "Utf8",
                &["\"2019-09-16T14:32:40.874913,Europe/Moscow\""],
                "\"2019-09-16T14:32:40.874913[Europe/Moscow]\"",
            ),
            ("Void", "Null", &["null"], "NULL"),
            ("Null", "Null", &["null"], "NULL"),
            (
                "SomethingNew",
                "Utf8",
                &["1", "\"x\"", "[1]", "null"],
                "\"1\" | \"x\" | \"[1]\" | NULL",
            ),
        ],
        yandex_column,
    );
}

#[test]
fn postgres_types() {
    check(
        &[
            ("pgbool", "Boolean", &["\"t\"", "null"], "true | NULL"),
            ("pgint2", "Int16", &["\"5\"", "null"], "5 | NULL"),
            ("pgint4", "Int32", &["\"555\""], "555"),
            ("pgint8", "Int64", &["\"-5\""], "-5"),
            ("pgoid", "UInt32", &["\"4294967295\""], "4294967295"),
            ("pgfloat4", "Float32", &["\"0.1\""], "0.1"),
            ("pgfloat8", "Float64", &["\"0.1\"", "\"NaN\""], "0.1 | NaN"),
            (
                "pgnumeric",
                "Utf8",
                &["\"-1000.876\"", "null"],
                "\"-1000.876\" | NULL",
            ),
            ("pgtext", "Utf8", &["\"x\"", "null"], "\"x\" | NULL"),
            (
                "pgdate",
                "Date32",
                &["\"2024-02-10\"", "null"],
                "2024-02-10 | NULL",
            ),
            (
                "pgtime",
                "Time64(µs)",
                &["\"17:57:10.763952\""],
                "17:57:10.763952",
            ),
            (
                "pgtimestamp",
                "Timestamp(µs)",
                &["\"2024-02-10 17:57:10.763952\"", "null"],
                "2024-02-10T17:57:10.763952 | NULL",
            ),
            (
                "pgtimestamptz",
                "Timestamp(µs, \"UTC\")",
                &["\"2024-02-10 17:57:10.5+03\""],
                "2024-02-10T14:57:10.5Z",
            ),
            ("pgbytea", "Binary", &["\"\\\\x00ff\""], "0x00ff"),
            ("pgjsonb", "Utf8", &["\"{}\""], "\"{}\""),
            ("_pgint4", "Utf8", &["\"{1,2}\""], "\"{1,2}\""),
            (
                "List<pgint4>",
                "List(Int32)",
                &["[\"1\",null]"],
                "[1 | NULL]",
            ),
        ],
        yandex_column,
    );
}

#[test]
fn optionals() {
    check(
        &[
            (
                "Optional<Int32>",
                "Int32",
                &["[1]", "[]", "null"],
                "1 | NULL | NULL",
            ),
            // The NULL of each level is NULL.
            (
                "Optional<Int32??>",
                "Int32",
                &["[[[2]]]", "[[[]]]", "[[]]", "[]"],
                "2 | NULL | NULL | NULL",
            ),
            (
                "Optional<String>",
                "Binary",
                &["[\"YQ==\"]", "[]"],
                "0x61 | NULL",
            ),
            (
                "Optional<Timestamp?>",
                "Timestamp(µs, \"UTC\")",
                &["[[\"2019-09-16T11:27:44Z\"]]", "[[]]"],
                "2019-09-16T11:27:44Z | NULL",
            ),
            ("Optional<Uuid>", "Utf8", &["[]"], "NULL"),
            (
                "Optional<List<Int32>>",
                "List(non-null Int32)",
                &["[[1,2]]", "[[]]", "[]"],
                "[1 | 2] | [] | NULL",
            ),
            (
                "Optional<Struct<'a':Utf8>>",
                "Struct(\"a\": non-null Utf8)",
                &["[{\"a\":\"x\"}]", "[]"],
                "{a: \"x\"} | NULL",
            ),
        ],
        yandex_column,
    );
    let types = [
        ("l", "List<pgint4>"),
        ("a", "Int32"),
        ("b", "Optional<Int32>"),
        ("c", "Null"),
        ("d", "pgint4"),
        ("e", "New"),
    ];
    let schema = yandex_columns(&types).arrow_schema();
    let nullable: Vec<_> = schema
        .fields()
        .iter()
        .map(|field| field.is_nullable())
        .collect();
    assert_eq!(nullable, [false, false, true, true, true, true]);
}

#[test]
fn containers() {
    let entry = |key: &str, value: &str| {
        format!(
            "Map(\"entries\": non-null Struct(\"key\": non-null {key}, \"value\": {value}), unsorted)"
        )
    };
    check(
        &[
            (
                "List<Int32?>",
                "List(Int32)",
                &["[[1],[]]", "[]"],
                "[1 | NULL] | []",
            ),
            (
                "Set<Utf8>",
                "List(non-null Utf8)",
                &["[\"b\",\"a\"]"],
                "[\"b\" | \"a\"]",
            ),
            (
                "Tuple<Int32,String?>",
                "Struct(\"0\": non-null Int32, \"1\": Binary)",
                &["[1,[\"YQ==\"]]", "[2,[]]"],
                "{0: 1, 1: 0x61} | {0: 2, 1: NULL}",
            ),
            ("Tuple<>", "Struct()", &["[]"], "{}"),
            (
                "Struct<'k1':Int32,'k2':List<Utf8>>",
                "Struct(\"k1\": non-null Int32, \"k2\": non-null List(non-null Utf8))",
                &["{\"k2\":[\"x\"],\"k1\":1}"],
                "{k1: 1, k2: [\"x\"]}",
            ),
            (
                "Struct<'\\u0438':Int32>",
                "Struct(\"и\": non-null Int32)",
                &["{\"и\":5}"],
                "{и: 5}",
            ),
            (
                "Dict<String,Int32>",
                &entry("Binary", "non-null Int32"),
                &["[[\"YWJj\",1],[\"\",2]]", "[]"],
                "{0x616263 => 1, 0x => 2} | {}",
            ),
            (
                "Dict<Tuple<Int32,Int32>,List<Int32>>",
                &entry(
                    "Struct(\"0\": non-null Int32, \"1\": non-null Int32)",
                    "non-null List(non-null Int32)",
                ),
                &["[[[1,2],[3]]]"],
                "{{0: 1, 1: 2} => [3]}",
            ),
            // The keys of a map are never NULL, these may be.
            (
                "Dict<Int32?,Utf8>",
                "List(non-null Struct(\"key\": Int32, \"value\": non-null Utf8))",
                &["[[[],\"none\"],[[1],\"one\"]]"],
                "[{key: NULL, value: \"none\"} | {key: 1, value: \"one\"}]",
            ),
            ("Tagged<Int32,'my_tag'>", "Int32", &["1"], "1"),
            ("EmptyList", "List(Utf8)", &["[]"], "[]"),
            (
                "EmptyDict",
                "List(non-null Struct(\"key\": Utf8, \"value\": Utf8))",
                &["[]"],
                "[]",
            ),
        ],
        yandex_column,
    );
}

#[test]
fn variants() {
    check(
        &[
            (
                "Enum<'Bar','Foo'>",
                "Utf8",
                &["[\"Foo\",null]", "[\"Bar\",null]"],
                "\"Foo\" | \"Bar\"",
            ),
            (
                "Variant<'One':Int32,'Two':Utf8>",
                "Struct(\"One\": Int32, \"Two\": Utf8)",
                &["[\"One\",1]", "[\"Two\",\"x\"]"],
                "{One: 1, Two: NULL} | {One: NULL, Two: \"x\"}",
            ),
            (
                "Variant<Int32,String>",
                "Struct(\"0\": Int32, \"1\": Binary)",
                &["[1,\"eHl6\"]", "[0,7]"],
                "{0: NULL, 1: 0x78797a} | {0: 7, 1: NULL}",
            ),
            // An alternative is set if it is not NULL.
            (
                "Variant<'a':Int32?,'b':Void>",
                "Struct(\"a\": Struct(\"value\": Int32), \"b\": Boolean)",
                &["[\"a\",[]]", "[\"a\",[1]]", "[\"b\",null]"],
                "{a: {value: NULL}, b: NULL} | {a: {value: 1}, b: NULL} | {a: NULL, b: true}",
            ),
            (
                "Variant<Void,Struct<'x':Int8>>",
                "Struct(\"0\": Boolean, \"1\": Struct(\"x\": non-null Int8))",
                &["[0,null]", "[1,{\"x\":5}]"],
                "{0: true, 1: NULL} | {0: NULL, 1: {x: 5}}",
            ),
            (
                "Variant<'a':pgint4,'b':Utf8>",
                "Struct(\"a\": Struct(\"value\": Int32), \"b\": Utf8)",
                &["[\"a\",null]", "[\"a\",\"5\"]"],
                "{a: {value: NULL}, b: NULL} | {a: {value: 5}, b: NULL}",
            ),
            (
                "Optional<Variant<'a':List<Int32>,'b':Variant<Int32,Utf8>>>",
                "Struct(\"a\": List(non-null Int32), \"b\": Struct(\"0\": Int32, \"1\": Utf8))",
                &["[]", "[[\"a\",[1]]]", "[[\"b\",[1,\"x\"]]]"],
                "NULL | {a: [1], b: NULL} | {a: NULL, b: {0: NULL, 1: \"x\"}}",
            ),
            (
                "List<Enum<'A','B'>?>",
                "List(Utf8)",
                &["[[[\"A\",null]],[]]"],
                "[\"A\" | NULL]",
            ),
        ],
        yandex_column,
    );
}

#[test]
fn nested_in_nested() {
    let declared = "Optional<List<Struct<'a':Dict<Utf8,Tuple<Int32??,Decimal(4,1)>>,'b':Variant<'x':Date,'y':List<Int64?>>>>>";
    let cells = [
        "[[{\"b\":[\"y\",[[1],[],[\"2\"]]],\"a\":[[\"k\",[[[3]],\"0.5\"]],[\"l\",[[],\"-1\"]]]},{\"a\":[],\"b\":[\"x\",\"2031-01-02\"]}]]",
        "[]",
    ];
    let (_, values) = yandex_column(declared, &cells).unwrap();
    assert_eq!(
        values,
        "[{a: {\"k\" => {0: 3, 1: 0.5}, \"l\" => {0: NULL, 1: -1.0}}, b: {x: NULL, y: [1 | NULL | 2]}} | \
         {a: {}, b: {x: 2031-01-02, y: NULL}}] | NULL"
    );
}

#[test]
fn columns_with_the_same_name_are_distinguished_by_position() {
    let columns = yandex_columns(&[("c", "Int32"), ("c", "Utf8")]);
    let batch = page(&columns, "[[1,\"x\"]]").record_batch().unwrap();
    assert_eq!(
        (shown(batch.column(0)), shown(batch.column(1))),
        ("1".into(), "\"x\"".into())
    );
}
