//! The type names of Trino and the type strings of YQL.

use crate::decode::{
    kind::Kind,
    trino_type,
    yql_type::{self, column},
};

fn list(kind: Kind) -> Kind {
    Kind::List(Box::new(kind))
}

fn optional(kind: Kind) -> Kind {
    Kind::Optional(Box::new(kind))
}

fn members<const N: usize>(members: [(&str, Kind); N]) -> Vec<(Box<str>, Kind)> {
    members
        .into_iter()
        .map(|(name, kind)| (name.into(), kind))
        .collect()
}

#[test]
fn trino_scalars() {
    for (text, kind) in [
        ("bigint", Kind::Integer),
        ("INTEGER", Kind::Integer),
        ("uint256", Kind::Integer),
        ("decimal(38, 0)", Kind::Decimal),
        ("decimal(38,0)", Kind::Decimal),
        ("double", Kind::Float),
        ("double precision", Kind::Float),
        ("real", Kind::Float),
        ("varchar", Kind::Text),
        ("varchar(42)", Kind::Text),
        ("varbinary", Kind::Hex),
        ("boolean", Kind::Boolean),
        ("date", Kind::Date),
        ("time(6)", Kind::Time),
        ("time(3) with time zone", Kind::Time),
        ("timestamp", Kind::Timestamp),
        ("timestamp(3)", Kind::Timestamp),
        ("timestamp(3) without time zone", Kind::Timestamp),
        ("timestamp with time zone", Kind::Instant),
        ("timestamp(6) with time zone", Kind::Instant),
        ("interval day to second", Kind::Interval),
        ("json", Kind::Json),
        ("unknown", Kind::Null),
        ("uuid", Kind::Text),
        ("HyperLogLog", Kind::Other),
        ("geometry", Kind::Other),
    ] {
        assert_eq!(trino_type::parse(text), kind, "{text}");
    }
}

#[test]
fn trino_containers() {
    assert_eq!(
        trino_type::parse("array(decimal(10, 2))"),
        list(Kind::Decimal)
    );
    assert_eq!(
        trino_type::parse("map(varchar, bigint)"),
        Kind::Map(Box::new((Kind::Text, Kind::Integer)))
    );
    assert_eq!(
        trino_type::parse(
            r#"array(row(a bigint, "b ""c"" (x)" timestamp(3) with time zone, "interval" varchar(3)))"#
        ),
        list(Kind::Struct(members([
            ("a", Kind::Integer),
            ("b \"c\" (x)", Kind::Instant),
            ("interval", Kind::Text)
        ])))
    );
    assert_eq!(
        trino_type::parse("row(bigint, timestamp(3) with time zone, array(date))"),
        Kind::Tuple(vec![Kind::Integer, Kind::Instant, list(Kind::Date)])
    );
    assert_eq!(
        trino_type::parse("row(x row(y row(z double)))"),
        Kind::Struct(members([(
            "x",
            Kind::Struct(members([(
                "y",
                Kind::Struct(members([("z", Kind::Float)]))
            )]))
        )]))
    );
    assert_eq!(
        trino_type::parse("array(interval day to second)"),
        list(Kind::Interval)
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
            matches!(trino_type::parse(text), Kind::Other | Kind::Tuple(_)),
            "{text}"
        );
    }
}

#[test]
fn yql_scalars() {
    for (text, kind) in [
        ("Bool", Kind::Boolean),
        ("Int8", Kind::Integer),
        ("Uint64", Kind::Integer),
        ("Float", Kind::Float),
        ("Double", Kind::Float),
        ("Decimal(22,9)", Kind::Decimal),
        ("Decimal(22, 9)", Kind::Decimal),
        ("DyNumber", Kind::Decimal),
        ("String", Kind::Base64),
        ("Utf8", Kind::Text),
        ("Json", Kind::Json),
        ("JsonDocument", Kind::Json),
        ("Date32", Kind::Date),
        ("Timestamp", Kind::Instant),
        ("Interval64", Kind::Interval),
        ("TzTimestamp", Kind::Timestamp),
        ("Void", Kind::Null),
        ("EmptyList", list(Kind::Other)),
        ("pgint8", Kind::Integer),
        ("pgtimestamp", Kind::Timestamp),
        ("_pgint4", Kind::Text),
        ("pgpoint", Kind::Text),
        ("Martian", Kind::Other),
    ] {
        assert_eq!(yql_type::parse(text), kind, "{text}");
    }
}

#[test]
fn yql_containers() {
    assert_eq!(
        yql_type::parse("Optional<Int32??>"),
        optional(optional(optional(Kind::Integer)))
    );
    assert_eq!(
        yql_type::parse("List<Int32?>"),
        list(optional(Kind::Integer))
    );
    assert_eq!(
        yql_type::parse("List<Optional<Int32>>"),
        list(optional(Kind::Integer))
    );
    assert_eq!(
        yql_type::parse("Optional<Variant<Float,String??>?>"),
        optional(optional(Kind::Choice(vec![
            Kind::Float,
            optional(optional(Kind::Base64))
        ])))
    );
    assert_eq!(
        yql_type::parse("Dict< String , Tuple<Int32, Decimal(5,1)> >"),
        Kind::dict(
            Kind::Base64,
            Kind::Tuple(vec![Kind::Integer, Kind::Decimal])
        )
    );
    assert_eq!(yql_type::parse("Tuple<>"), Kind::Tuple(vec![]));
    assert_eq!(yql_type::parse("Struct<>"), Kind::Struct(vec![]));
    assert_eq!(
        yql_type::parse("Set<List<Int32>>"),
        list(list(Kind::Integer))
    );
    assert_eq!(
        yql_type::parse("Tagged<List<Utf8>,'t<a,g>'>?"),
        optional(list(Kind::Text))
    );
    assert_eq!(
        yql_type::parse("Enum<'Even','Odd'>"),
        Kind::Variant(members([("Even", Kind::Null), ("Odd", Kind::Null)]))
    );
    assert_eq!(
        yql_type::parse("Variant<'One':Int32,'Two':Struct<'x':Utf8?>>"),
        Kind::Variant(members([
            ("One", Kind::Integer),
            ("Two", Kind::Struct(members([("x", optional(Kind::Text))])))
        ]))
    );
}

#[test]
fn yql_names() {
    let name = |text: &str| match yql_type::parse(&format!("Struct<'{text}':Int32,'z':Utf8>")) {
        Kind::Struct(members) => members[0].0.to_string(),
        other => panic!("{text}: {other:?}"),
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
        let kind = yql_type::parse(text);
        assert!(kind == Kind::Other, "{text}: {kind:?}");
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
