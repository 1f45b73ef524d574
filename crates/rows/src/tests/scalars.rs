//! Numbers, booleans, text and NULL.

use super::{dune_cell, lightdash_cell, untyped_cell, yandex_cell};

#[test]
fn integers_come_from_numbers_and_strings() {
    for cell in ["42", "\"42\"", "42.0", "4.2e1", "420e-1", "\"042\""] {
        assert_eq!(dune_cell::<i64>("bigint", cell).unwrap(), 42, "{cell}");
        assert_eq!(lightdash_cell::<u8>("number", cell).unwrap(), 42, "{cell}");
        assert_eq!(untyped_cell::<i128>(cell).unwrap(), 42, "{cell}");
    }
    assert_eq!(dune_cell::<i64>("bigint", "-0").unwrap(), 0);
    assert_eq!(
        dune_cell::<i64>("bigint", "-9223372036854775808").unwrap(),
        i64::MIN
    );
    assert_eq!(
        dune_cell::<u64>("bigint", "18446744073709551615").unwrap(),
        u64::MAX
    );
    assert_eq!(
        dune_cell::<i64>("bigint", "\"9007199254740993\"").unwrap(),
        (1 << 53) + 1
    );
}

#[test]
fn one_yandex_column_may_mix_numbers_and_strings() {
    assert_eq!(yandex_cell::<i64>("Int64", "-7").unwrap(), -7);
    let wide = "\"9223372036854775807\"";
    assert_eq!(yandex_cell::<i64>("Int64", wide).unwrap(), i64::MAX);
    assert_eq!(
        yandex_cell::<u64>("Uint64", "\"18446744073709551615\"").unwrap(),
        u64::MAX
    );
    assert_eq!(
        yandex_cell::<String>("Int64", wide).unwrap(),
        i64::MAX.to_string()
    );
}

#[test]
fn wide_integers_are_exact() {
    let max = format!("\"{}\"", u128::MAX);
    assert_eq!(dune_cell::<u128>("uint256", &max).unwrap(), u128::MAX);
    let min = i128::MIN.to_string();
    assert_eq!(dune_cell::<i128>("int256", &min).unwrap(), i128::MIN);
    let wider = "340282366920938463463374607431768211456";
    let error = dune_cell::<u128>("uint256", wider).unwrap_err();
    assert!(error.message().contains("String"), "{error}");
    assert_eq!(dune_cell::<String>("uint256", wider).unwrap(), wider);
}

#[test]
fn non_integers_are_errors() {
    for cell in [
        "1.5",
        "\"1.5\"",
        "15e-1",
        "0.0001",
        "1e-400000000000000000000",
    ] {
        let error = dune_cell::<i64>("double", cell).unwrap_err();
        assert!(error.message().contains("fraction"), "{cell}: {error}");
    }
    for cell in [
        "\"\"", "\"-\"", "\"4 2\"", "\" 42\"", "\"0x2a\"", "\"1e\"", "true", "[1]",
    ] {
        assert!(dune_cell::<i64>("bigint", cell).is_err(), "{cell}");
    }
    for cell in ["300", "-1", "1e9", "18446744073709551616"] {
        assert!(dune_cell::<u8>("bigint", cell).is_err(), "{cell}");
    }
    let long = format!("1.{}1", "0".repeat(60));
    let error = dune_cell::<i64>("double", &long).unwrap_err();
    assert!(error.message().contains("fraction"), "{error}");
    assert!(dune_cell::<i128>("bigint", "1e99999999999999999999").is_err());
}

#[test]
fn text_keeps_every_digit() {
    for digits in [
        "3.14159265358979323846264338327950288",
        "1.10",
        "1e400",
        "-0.0",
    ] {
        assert_eq!(
            dune_cell::<String>("decimal(38, 35)", digits).unwrap(),
            digits
        );
        let quoted = format!("\"{digits}\"");
        assert_eq!(
            dune_cell::<String>("decimal(38, 35)", &quoted).unwrap(),
            digits
        );
        assert_eq!(untyped_cell::<String>(digits).unwrap(), digits);
    }
    assert_eq!(untyped_cell::<String>("true").unwrap(), "true");
    assert_eq!(
        untyped_cell::<String>("[1, {\"a\":2}]").unwrap(),
        "[1, {\"a\":2}]"
    );
}

#[test]
fn decimal_types_get_the_digits() {
    use bigdecimal::BigDecimal;
    use rust_decimal::Decimal;
    let digits = "1234567890.123456789012345678";
    for cell in [digits.to_owned(), format!("\"{digits}\"")] {
        let decimal: Decimal = dune_cell("decimal(38, 18)", &cell).unwrap();
        assert_eq!(decimal.to_string(), digits);
        let decimal: BigDecimal = dune_cell("decimal(38, 18)", &cell).unwrap();
        assert_eq!(decimal, digits.parse::<BigDecimal>().unwrap());
    }
    assert_eq!(
        yandex_cell::<Decimal>("Decimal(22,9)", "\"1.23\"").unwrap(),
        Decimal::new(123, 2)
    );
    assert_eq!(
        dune_cell::<Decimal>("bigint", "\"22\"").unwrap(),
        Decimal::from(22)
    );
}

#[test]
fn undeclared_decimals_keep_all_digits() {
    use rust_decimal::Decimal;
    let long = "0.123456789012345678901234567";
    assert_eq!(untyped_cell::<Decimal>(long).unwrap().to_string(), long);
    assert_eq!(
        lightdash_cell::<Decimal>("number", long)
            .unwrap()
            .to_string(),
        long
    );
    // Floats are written with up to this many digits, so it may be a float.
    let float = "-0.00012345678901234567";
    let value: serde_json::Value = untyped_cell(float).unwrap();
    assert_eq!(value.as_f64(), Some(float.parse().unwrap()));
}

#[test]
fn floats_are_correctly_rounded() {
    for text in [
        "0.1",
        "1e23",
        "123456.789e3",
        "2.2250738585072011e-308",
        "9007199254740993",
        "-0.5",
        "5e-324",
        "0.30000000000000004",
        "17976931348623157e292",
        "1",
        "-7",
        "100000000000000000000000",
    ] {
        let expected: f64 = text.parse().unwrap();
        assert_eq!(
            dune_cell::<f64>("double", text).unwrap(),
            expected,
            "{text}"
        );
        let quoted = format!("\"{text}\"");
        assert_eq!(
            dune_cell::<f64>("decimal(38, 9)", &quoted).unwrap(),
            expected,
            "{text}"
        );
    }
    assert!(
        dune_cell::<f64>("double", "-0.0")
            .unwrap()
            .is_sign_negative()
    );
    // Through f64 this would be rounded twice, to the next higher float.
    let halfway = "1.00000017881393432617187499";
    assert_eq!(
        dune_cell::<f32>("real", halfway).unwrap(),
        halfway.parse::<f32>().unwrap()
    );
    assert_eq!(yandex_cell::<f32>("Float", "0.100000001").unwrap(), 0.1);
}

#[test]
fn non_finite_floats_have_names() {
    for text in ["\"NaN\"", "\"nan\""] {
        assert!(yandex_cell::<f64>("Double", text).unwrap().is_nan());
    }
    for text in ["\"inf\"", "\"Infinity\"", "\"+inf\""] {
        assert_eq!(dune_cell::<f64>("double", text).unwrap(), f64::INFINITY);
    }
    assert_eq!(
        yandex_cell::<f32>("Float", "\"-inf\"").unwrap(),
        f32::NEG_INFINITY
    );
    for text in ["1e400", "\"1e400\"", "\"abc\"", "\"\""] {
        assert!(dune_cell::<f64>("double", text).is_err(), "{text}");
    }
    assert!(dune_cell::<f32>("double", "1e300").is_err());
}

#[test]
fn booleans() {
    assert!(dune_cell::<bool>("boolean", "true").unwrap());
    assert!(!dune_cell::<bool>("varchar", "\"false\"").unwrap());
    assert!(yandex_cell::<bool>("pgbool", "\"t\"").unwrap());
    assert!(dune_cell::<bool>("varchar", "\"t\"").is_err());
    assert!(dune_cell::<bool>("bigint", "1").is_err());
}

#[test]
fn text_is_unchanged() {
    let text = "a\"b\\c\u{1F600}é\n";
    let json = r#""a\"b\\c\ud83d\ude00\u00e9\n""#;
    assert_eq!(dune_cell::<String>("varchar", json).unwrap(), text);
    assert_eq!(yandex_cell::<String>("Utf8", json).unwrap(), text);
    assert_eq!(lightdash_cell::<String>("string", json).unwrap(), text);
    assert_eq!(dune_cell::<char>("char(1)", "\"é\"").unwrap(), 'é');
    // Text that looks like something else stays text.
    for same in [
        "2021-06-07 13:21:10.000 UTC",
        "2022-05-04 00:00:00",
        "0x00",
        "1.0",
    ] {
        let json = format!("\"{same}\"");
        assert_eq!(dune_cell::<String>("varchar(64)", &json).unwrap(), same);
        assert_eq!(yandex_cell::<String>("Utf8", &json).unwrap(), same);
    }
    assert!(dune_cell::<String>("varchar", r#""\ud83d""#).is_err());
}

#[test]
fn null_is_none() {
    assert_eq!(dune_cell::<Option<i64>>("bigint", "null").unwrap(), None);
    assert_eq!(dune_cell::<Option<i64>>("bigint", "5").unwrap(), Some(5));
    assert_eq!(
        lightdash_cell::<Option<String>>("string", "null").unwrap(),
        None
    );
    assert_eq!(
        yandex_cell::<Option<i32>>("Optional<Int32>", "[]").unwrap(),
        None
    );
    assert_eq!(
        yandex_cell::<Option<i32>>("Optional<Int32>", "[1]").unwrap(),
        Some(1)
    );
    assert_eq!(yandex_cell::<i32>("Optional<Int32>", "[1]").unwrap(), 1);
    assert_eq!(yandex_cell::<Option<i32>>("pgint4", "null").unwrap(), None);
    assert_eq!(yandex_cell::<Option<i32>>("Void", "null").unwrap(), None);
    let () = yandex_cell("Void", "null").unwrap();
    let () = yandex_cell("Optional<Int32>", "[]").unwrap();
    assert!(yandex_cell::<()>("List<Int32>", "[]").is_err());
}

#[test]
fn every_optional_level_is_distinct() {
    type Two = Option<Option<i32>>;
    let declared = "Optional<Int32?>";
    assert_eq!(yandex_cell::<Two>(declared, "[]").unwrap(), None);
    assert_eq!(yandex_cell::<Two>(declared, "[[]]").unwrap(), Some(None));
    assert_eq!(
        yandex_cell::<Two>(declared, "[[2]]").unwrap(),
        Some(Some(2))
    );
    assert_eq!(yandex_cell::<i32>(declared, "[[2]]").unwrap(), 2);
    assert!(yandex_cell::<i32>(declared, "[[]]").is_err());
    type Three = Option<Two>;
    let declared = "Optional<Int32??>";
    assert_eq!(
        yandex_cell::<Three>(declared, "[[[]]]").unwrap(),
        Some(Some(None))
    );
    assert_eq!(
        yandex_cell::<Three>(declared, "[[[3]]]").unwrap(),
        Some(Some(Some(3)))
    );
}

#[test]
fn postgres_types_are_text() {
    assert_eq!(yandex_cell::<i32>("pgint4", "\"555\"").unwrap(), 555);
    assert_eq!(yandex_cell::<f64>("pgfloat8", "\"1.5\"").unwrap(), 1.5);
    assert_eq!(
        yandex_cell::<String>("pgnumeric", "\"-10.50\"").unwrap(),
        "-10.50"
    );
    assert_eq!(
        yandex_cell::<Vec<u8>>("pgbytea", r#""\\x00ff""#).unwrap(),
        [0, 255]
    );
    assert_eq!(
        yandex_cell::<String>("_pgint4", "\"{1,2}\"").unwrap(),
        "{1,2}"
    );
    assert_eq!(yandex_cell::<String>("pgtext", "\"x\"").unwrap(), "x");
}

#[test]
fn node_buffers_are_bytes() {
    let cell = r#"{"type": "Buffer", "data": [222, 173, 0]}"#;
    let bytes: Vec<u8> = lightdash_cell("string", cell).unwrap();
    assert_eq!(bytes, [222, 173, 0]);
    let bytes: serde_bytes::ByteBuf = lightdash_cell("string", cell).unwrap();
    assert_eq!(bytes.as_slice(), [222, 173, 0]);
    for other in [
        r#"{"type": "Queue", "data": [1]}"#,
        r#"{"type": "Buffer", "data": [256]}"#,
    ] {
        assert!(
            lightdash_cell::<Vec<u8>>("string", other).is_err(),
            "{other}"
        );
    }
    // A declared struct stays a struct, whatever its fields.
    let real: Result<Vec<u8>, _> = dune_cell("row(type varchar, data array(bigint))", cell);
    assert!(real.is_err());
}
