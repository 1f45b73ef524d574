//! The type names of Trino and the type strings of YQL.

use crate::types::{
    ColumnType, Encoding, IntervalUnit, LogicalType, TimeZone, trino,
    yql::{self, column},
};

fn list(element: ColumnType) -> ColumnType {
    ColumnType::list(element)
}

fn optional(declared: ColumnType) -> ColumnType {
    declared.optional().unwrap()
}

/// A type of YQL that does not allow NULL.
fn required(declared: ColumnType) -> ColumnType {
    declared.nullable(false)
}

fn interval(unit: IntervalUnit) -> ColumnType {
    LogicalType::Interval(unit).into()
}

fn time(precision: Option<u8>, has_zone: bool) -> ColumnType {
    LogicalType::Time {
        precision,
        has_zone,
    }
    .into()
}

fn timestamp(precision: u8, zone: TimeZone) -> ColumnType {
    ColumnType::timestamp_of(Some(precision), zone)
}

#[test]
fn trino_scalars() {
    for (text, declared) in [
        ("bigint", ColumnType::signed(64)),
        ("INTEGER", ColumnType::signed(32)),
        ("tinyint", ColumnType::signed(8)),
        ("uint256", ColumnType::unsigned(256)),
        ("decimal(38, 0)", ColumnType::decimal_of(38, 0)),
        ("decimal", ColumnType::decimal_of(38, 0)),
        ("decimal(300, 2)", ColumnType::decimal()),
        ("decimal(38,18)", ColumnType::decimal_of(38, 18)),
        ("double", ColumnType::float64()),
        ("double precision", ColumnType::float64()),
        ("real", ColumnType::float32()),
        ("varchar", ColumnType::text()),
        ("varchar(42)", ColumnType::text()),
        ("varbinary", ColumnType::hex_bytes()),
        ("boolean", ColumnType::boolean()),
        ("date", ColumnType::date()),
        ("time(6)", time(Some(6), false)),
        ("time(3) with time zone", time(Some(3), true)),
        ("timestamp", ColumnType::timestamp()),
        ("timestamp(3)", timestamp(3, TimeZone::Absent)),
        (
            "timestamp(3) without time zone",
            timestamp(3, TimeZone::Absent),
        ),
        ("timestamp with time zone", ColumnType::instant()),
        ("timestamp(6) with time zone", timestamp(6, TimeZone::Utc)),
        (
            "interval day to second",
            interval(IntervalUnit::Milliseconds),
        ),
        ("interval year to month", interval(IntervalUnit::Months)),
        ("json", ColumnType::json()),
        ("unknown", ColumnType::null()),
        ("uuid", ColumnType::text()),
        ("HyperLogLog", ColumnType::unrecognized()),
        ("geometry", ColumnType::unrecognized()),
    ] {
        assert_eq!(trino::parse(text), declared, "{text}");
    }
}

#[test]
fn trino_containers() {
    assert_eq!(
        trino::parse("array(decimal(10, 2))"),
        list(ColumnType::decimal_of(10, 2))
    );
    assert_eq!(
        trino::parse("map(varchar, bigint)"),
        ColumnType::map(ColumnType::text(), ColumnType::signed(64))
    );
    assert_eq!(
        trino::parse(
            r#"array(row(a bigint, "b ""c"" (x)" timestamp(3) with time zone, "interval" varchar(3)))"#
        ),
        list(ColumnType::structure([
            ("a", ColumnType::signed(64)),
            ("b \"c\" (x)", timestamp(3, TimeZone::Utc)),
            ("interval", ColumnType::text())
        ]))
    );
    assert_eq!(
        trino::parse("row(bigint, timestamp(3) with time zone, array(date))"),
        ColumnType::tuple([
            ColumnType::signed(64),
            timestamp(3, TimeZone::Utc),
            list(ColumnType::date())
        ])
    );
    assert_eq!(
        trino::parse("row(x row(y row(z double)))"),
        ColumnType::structure([(
            "x",
            ColumnType::structure([("y", ColumnType::structure([("z", ColumnType::float64())]))])
        )])
    );
    assert_eq!(
        trino::parse("array(interval day to second)"),
        list(interval(IntervalUnit::Milliseconds))
    );
}

#[test]
fn broken_trino_types_are_unknown() {
    for text in [
        "",
        "array",
        "array(",
        "array(bigint",
        "array(bigint))",
        "map(bigint)",
        "row()",
        "row(a)",
        "decimal(",
        "bigint bigint",
        "varchar(é)",
        "\"",
        "row(\"a",
        "()",
    ] {
        assert!(
            matches!(
                trino::parse(text).logical(),
                LogicalType::Unrecognized | LogicalType::Tuple(_)
            ),
            "{text}"
        );
    }
}

#[test]
fn yql_scalars() {
    for (text, declared) in [
        ("Bool", ColumnType::boolean()),
        ("Int8", ColumnType::signed(8)),
        ("Uint64", ColumnType::unsigned(64)),
        ("Float", ColumnType::float32()),
        ("Double", ColumnType::float64()),
        ("Decimal(22,9)", ColumnType::decimal_of(22, 9)),
        ("Decimal(22, 9)", ColumnType::decimal_of(22, 9)),
        ("DyNumber", ColumnType::decimal()),
        ("String", ColumnType::base64_bytes()),
        ("Utf8", ColumnType::text()),
        ("Json", ColumnType::json()),
        ("JsonDocument", ColumnType::json()),
        ("Date32", ColumnType::date()),
        ("Timestamp", timestamp(6, TimeZone::Utc)),
        ("Datetime", timestamp(0, TimeZone::Utc)),
        ("Interval64", interval(IntervalUnit::Microseconds)),
        ("TzTimestamp", timestamp(6, TimeZone::Named)),
        ("Void", ColumnType::null().nullable(true)),
        ("EmptyList", list(ColumnType::unrecognized())),
        ("pgint8", ColumnType::signed(64).nullable(true)),
        ("pgtimestamp", ColumnType::timestamp().nullable(true)),
        ("_pgint4", ColumnType::text().nullable(true)),
        ("pgpoint", ColumnType::text().nullable(true)),
        ("Martian", ColumnType::unrecognized()),
    ] {
        let nullable = declared.is_nullable() == Some(true);
        let declared = match declared.logical() {
            LogicalType::Unrecognized => declared,
            _ => declared.nullable(nullable),
        };
        assert_eq!(yql::parse(text), declared, "{text}");
    }
}

#[test]
fn yql_containers() {
    let int32 = || required(ColumnType::signed(32));
    let null = || ColumnType::null().nullable(true);
    let indexed = |declared: ColumnType| required(declared.encoded(Encoding::Indexed));
    for (text, declared) in [
        ("Optional<Int32??>", optional(optional(optional(int32())))),
        ("List<Int32?>", required(list(optional(int32())))),
        ("List<Optional<Int32>>", required(list(optional(int32())))),
        (
            "Optional<Variant<Float,String??>?>",
            optional(optional(ColumnType::choice([
                required(ColumnType::float32()),
                optional(optional(ColumnType::base64_bytes())),
            ]))),
        ),
        (
            "Dict< String , Tuple<Int32, Decimal(5,1)> >",
            required(ColumnType::dict(
                required(ColumnType::base64_bytes()),
                indexed(ColumnType::tuple([
                    int32(),
                    required(ColumnType::decimal_of(5, 1)),
                ])),
            )),
        ),
        ("Tuple<>", indexed(ColumnType::tuple([]))),
        ("Struct<>", required(ColumnType::structure::<&str>([]))),
        ("Set<List<Int32>>", required(list(required(list(int32()))))),
        (
            "Tagged<List<Utf8>,'t<a,g>'>?",
            optional(list(required(ColumnType::text()))),
        ),
        (
            "Enum<'Even','Odd'>",
            required(ColumnType::variant([("Even", null()), ("Odd", null())])),
        ),
        (
            "Variant<'One':Int32,'Two':Struct<'x':Utf8?>>",
            required(ColumnType::variant([
                ("One", int32()),
                (
                    "Two",
                    required(ColumnType::structure([("x", optional(ColumnType::text()))])),
                ),
            ])),
        ),
    ] {
        assert_eq!(yql::parse(text), declared, "{text}");
    }
}

#[test]
fn yql_names() {
    let name = |text: &str| {
        let declared = yql::parse(&format!("Struct<'{text}':Int32,'z':Utf8>"));
        match declared.logical() {
            LogicalType::Struct(members) => members[0].0.to_string(),
            other => panic!("{text}: {other:?}"),
        }
    };
    for (written, meant) in [
        ("a", "a"),
        ("", ""),
        ("a,b", "a,b"),
        ("a<b>:c", "a<b>:c"),
        ("it's", "it's"),
        ("''", "''"),
        (r"a\\b", "a\\b"),
        (r#"a\"b"#, "a\"b"),
        (r"\t\n\r\b\f\a\v", "\t\n\r\u{8}\u{c}\u{7}\u{b}"),
        (r"\x41", "A"),
        (r"\u0438\u043c\u044f", "имя"),
        (r"\U0001F600", "\u{1F600}"),
        (r"\'", "'"),
        ("имя", "имя"),
    ] {
        assert_eq!(name(written), meant, "{written}");
    }
}

#[test]
fn broken_yql_types_are_unknown() {
    for text in [
        "",
        "?",
        "List",
        "List<",
        "List<Int32",
        "List<Int32>>",
        "Dict<Int32>",
        "Struct<a:Int32>",
        "Struct<'a'>",
        "Struct<'a",
        r"Struct<'\",
        r"Struct<'\u12':Int32>",
        r"Struct<'\ud800':Int32>",
        "Enum<'a'",
        "Decimal(",
        "Decimal(é)",
        "Foo<Int32>",
        "Int32 Int32",
        "é",
        "Tagged<Int32>",
    ] {
        assert_eq!(yql::parse(text), ColumnType::unrecognized(), "{text}");
    }
}

#[test]
fn null_is_regular_only_where_the_type_says_so() {
    for text in ["Void", "Null", "pgint4", "_pgtext", "Martian"] {
        assert!(!column(text).1, "{text}");
    }
    for text in ["Uuid", "Utf8", "Optional<Uuid>", "List<pgint4>"] {
        assert!(column(text).1, "{text}");
    }
}
