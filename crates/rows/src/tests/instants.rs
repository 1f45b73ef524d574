//! Dates and times in their normal form, and the crates that read it.

use serde::Deserialize;

use super::{dune_cell, lightdash_cell, untyped_cell, yandex_cell};

fn text(declared: &str, sent: &str) -> String {
    dune_cell(declared, &format!("\"{sent}\"")).unwrap()
}

#[test]
fn instants_have_one_normal_form() {
    let expected = "2031-06-07T13:21:10+00:00";
    for sent in [
        "2031-06-07 13:21:10.000 UTC",
        "2031-06-07 13:21:10 UTC",
        "2031-06-07T13:21:10Z",
        "2031-06-07T13:21:10.000Z",
        "2031-06-07 13:21:10",
        "2031-06-07T13:21:10+00:00",
    ] {
        assert_eq!(
            text("timestamp(3) with time zone", sent),
            expected,
            "{sent}"
        );
    }
    // Dune sends ` UTC` in columns whose type has no zone, and in results without types.
    assert_eq!(text("timestamp", "2031-06-07 13:21:10.000 UTC"), expected);
    assert_eq!(
        untyped_cell::<String>("\"2031-06-07 13:21:10.000 UTC\"").unwrap(),
        expected
    );
    assert_eq!(
        untyped_cell::<String>("\"2031-06-07T13:21:10Z\"").unwrap(),
        expected
    );
    assert_eq!(
        lightdash_cell::<String>("timestamp", "\"2031-06-07T13:21:10.000Z\"").unwrap(),
        expected
    );
    assert_eq!(
        yandex_cell::<String>("Datetime", "\"2031-06-07T13:21:10Z\"").unwrap(),
        expected
    );
    assert_eq!(
        yandex_cell::<String>("pgtimestamptz", "\"2031-06-07 13:21:10+00\"").unwrap(),
        expected
    );
    assert_eq!(
        yandex_cell::<String>("Timestamp64", "\"2031-06-07T13:21:10.120000Z\"").unwrap(),
        "2031-06-07T13:21:10.12+00:00"
    );
    assert_eq!(
        text("timestamp with time zone", "2031-06-07 13:21:10 +02:00"),
        "2031-06-07T13:21:10+02:00"
    );
}

#[test]
fn undeclared_columns_normalize_clear_instants() {
    for (sent, form) in [
        ("2031-06-07 13:21:10 +02:00", "2031-06-07T13:21:10+02:00"),
        ("2031-06-07T13:21:10.000+02:00", "2031-06-07T13:21:10+02:00"),
        (
            "2031-06-07 13:21:10 America/New_York",
            "2031-06-07 13:21:10 America/New_York",
        ),
        ("2031-06-07,Europe/Moscow", "2031-06-07,Europe/Moscow"),
        ("13:21:10.000", "13:21:10.000"),
    ] {
        let cell = format!("\"{sent}\"");
        assert_eq!(untyped_cell::<String>(&cell).unwrap(), form);
    }
}

#[test]
fn times_without_a_zone_get_no_offset() {
    assert_eq!(
        text("timestamp(3)", "2032-05-04 00:00:00"),
        "2032-05-04T00:00:00"
    );
    assert_eq!(
        text("timestamp", "2032-05-04 00:00:00.250"),
        "2032-05-04T00:00:00.25"
    );
    assert_eq!(
        yandex_cell::<String>("pgtimestamp", "\"2032-02-10 17:57:10.763952\"").unwrap(),
        "2032-02-10T17:57:10.763952"
    );
    assert_eq!(
        untyped_cell::<String>("\"2032-05-04 00:00:00\"").unwrap(),
        "2032-05-04T00:00:00"
    );
    assert_eq!(text("time(3)", "13:21:10.500"), "13:21:10.5");
    assert_eq!(text("time", "13:21:10.000"), "13:21:10");
}

#[test]
fn date_columns_drop_midnight() {
    for sent in [
        "2034-09-28",
        "2034-09-28T00:00:00Z",
        "2034-09-28 00:00:00.000 UTC",
        "2034-09-28T00:00:00.000Z",
    ] {
        assert_eq!(text("date", sent), "2034-09-28", "{sent}");
        assert_eq!(
            lightdash_cell::<String>("date", &format!("\"{sent}\"")).unwrap(),
            "2034-09-28"
        );
    }
    // No time of day is dropped.
    assert_eq!(
        text("date", "2034-09-28T01:00:00Z"),
        "2034-09-28T01:00:00+00:00"
    );
    // A date alone is left alone.
    assert_eq!(
        untyped_cell::<String>("\"2034-09-28\"").unwrap(),
        "2034-09-28"
    );
}

#[test]
fn text_that_is_not_a_date_is_unchanged() {
    for sent in [
        "",
        "soon",
        "2034-9-28",
        "2034-09-28T",
        "2034-09-28 25",
        "2034-09-28x00:00:00",
        "2034-09-28 00:00:00UTC",
        "2034-09-28 00:00:00 +1",
        "2034-09-28 00:00:00 A B",
        "99999999-01-01 00:00:00",
        "2034-09-28T00:00:00.",
        "é034-09-28 00:00:00",
        "2034-09-2é 00:00:00",
    ] {
        assert_eq!(text("timestamp with time zone", sent), sent, "{sent}");
        assert_eq!(
            untyped_cell::<String>(&format!("\"{sent}\"")).unwrap(),
            sent
        );
    }
    let long = format!("2034-09-28 00:00:00.{} UTC", "1".repeat(200));
    assert_eq!(text("timestamp with time zone", &long), long);
    // Years beyond four digits and before Christ are dates too.
    assert_eq!(
        yandex_cell::<String>("Datetime64", "\"-0044-03-15T12:00:00Z\"").unwrap(),
        "-0044-03-15T12:00:00+00:00"
    );
    assert_eq!(
        yandex_cell::<String>("Timestamp64", "\"148107-01-01T00:00:00Z\"").unwrap(),
        "148107-01-01T00:00:00+00:00"
    );
}

#[test]
fn named_zones_are_bracketed() {
    let sent = "\"2039-09-16T14:32:40,Europe/Moscow\"";
    assert_eq!(
        yandex_cell::<String>("TzDatetime", sent).unwrap(),
        "2039-09-16T14:32:40[Europe/Moscow]"
    );
    assert_eq!(
        yandex_cell::<jiff::civil::DateTime>("TzDatetime", sent).unwrap(),
        jiff::civil::datetime(2039, 9, 16, 14, 32, 40, 0)
    );
    let day = "\"2039-09-16,Europe/Moscow\"";
    assert_eq!(
        yandex_cell::<String>("TzDate", day).unwrap(),
        "2039-09-16[Europe/Moscow]"
    );
    assert_eq!(
        yandex_cell::<jiff::civil::Date>("TzDate", day).unwrap(),
        jiff::civil::date(2039, 9, 16)
    );
    assert_eq!(
        text(
            "timestamp(3) with time zone",
            "2039-09-16 14:32:40.000 America/New_York"
        ),
        "2039-09-16T14:32:40[America/New_York]"
    );
}

#[test]
fn intervals_are_iso_8601() {
    assert_eq!(
        yandex_cell::<String>("Interval", "\"PT15M\"").unwrap(),
        "PT15M"
    );
    let span: jiff::SignedDuration = yandex_cell("Interval", "\"-PT1.5S\"").unwrap();
    assert_eq!(span, jiff::SignedDuration::from_millis(-1500));
    let span: jiff::Span = yandex_cell("Interval", "\"P2DT2H\"").unwrap();
    assert_eq!(span.to_string(), "P2DT2H");
}

#[test]
fn jiff_reads_a_date_from_midnight_in_any_column() {
    let date = jiff::civil::date(2031, 6, 7);
    for declared in ["timestamp(3) with time zone", "timestamp", "date"] {
        let cell = "\"2031-06-07 00:00:00.000 UTC\"";
        assert_eq!(
            dune_cell::<jiff::civil::Date>(declared, cell).unwrap(),
            date,
            "{declared}"
        );
    }
    let cell = "\"2031-06-07 00:00:00.000 UTC\"";
    assert_eq!(untyped_cell::<jiff::civil::Date>(cell).unwrap(), date);
    assert_eq!(
        lightdash_cell::<jiff::civil::Date>("timestamp", "\"2031-06-07T00:00:00Z\"").unwrap(),
        date
    );
    assert_eq!(
        dune_cell::<jiff::civil::DateTime>("timestamp", cell).unwrap(),
        date.at(0, 0, 0, 0)
    );
    assert_eq!(
        dune_cell::<jiff::civil::Time>("timestamp", cell).unwrap(),
        jiff::civil::time(0, 0, 0, 0)
    );
}

#[derive(Debug, Deserialize, PartialEq)]
struct Midnight<T: for<'a> Deserialize<'a>>(
    #[serde(deserialize_with = "crate::field::midnight_as_date")] T,
);

#[derive(Debug, Deserialize, PartialEq)]
struct Utc<T: for<'a> Deserialize<'a>>(#[serde(deserialize_with = "crate::field::assume_utc")] T);

#[derive(Debug, Deserialize, PartialEq)]
struct Civil<T: for<'a> Deserialize<'a>>(
    #[serde(deserialize_with = "crate::field::without_offset")] T,
);

#[test]
fn midnight_as_date_serves_the_strict_date_types() {
    let cell = "\"2031-06-07 00:00:00.000 UTC\"";
    let date = chrono::NaiveDate::from_ymd_opt(2031, 6, 7).unwrap();
    assert_eq!(
        dune_cell::<Midnight<_>>("timestamp", cell).unwrap(),
        Midnight(date)
    );
    assert_eq!(
        dune_cell::<Midnight<_>>("timestamp", cell).unwrap(),
        Midnight(Some(date))
    );
    assert_eq!(
        dune_cell::<Midnight<Option<chrono::NaiveDate>>>("timestamp", "null").unwrap(),
        Midnight(None)
    );
    assert_eq!(
        yandex_cell::<Midnight<_>>("List<Datetime?>", r#"[["2031-06-07T00:00:00Z"],[]]"#).unwrap(),
        Midnight(vec![Some(date), None])
    );
    #[derive(Debug, Deserialize, PartialEq)]
    struct Day(chrono::NaiveDate);
    let wrapped: Midnight<Option<Day>> = dune_cell("timestamp", cell).unwrap();
    assert_eq!(wrapped, Midnight(Some(Day(date))));
    let later = "\"2031-06-07 00:00:01.000 UTC\"";
    assert!(dune_cell::<Midnight<chrono::NaiveDate>>("timestamp", later).is_err());
}

#[test]
fn assume_utc_adds_a_missing_zone() {
    let expected: jiff::Timestamp = "2032-05-04T00:00:00Z".parse().unwrap();
    for cell in [
        "\"2032-05-04 00:00:00\"",
        "\"2032-05-04\"",
        "\"2032-05-04T00:00:00Z\"",
    ] {
        assert_eq!(
            dune_cell::<Utc<_>>("timestamp", cell).unwrap(),
            Utc(expected),
            "{cell}"
        );
    }
    let chrono: Utc<chrono::DateTime<chrono::Utc>> =
        dune_cell("timestamp", "\"2032-05-04 00:00:00\"").unwrap();
    assert_eq!(chrono.0.timestamp(), expected.as_second());
    assert!(dune_cell::<jiff::Timestamp>("timestamp", "\"2032-05-04 00:00:00\"").is_err());
}

#[test]
fn without_offset_serves_naive_types() {
    let cell = "\"2031-06-07 13:21:10.500 UTC\"";
    let expected: chrono::NaiveDateTime = "2031-06-07T13:21:10.5".parse().unwrap();
    assert_eq!(
        dune_cell::<Civil<_>>("timestamp", cell).unwrap(),
        Civil(expected)
    );
    assert!(dune_cell::<chrono::NaiveDateTime>("timestamp", cell).is_err());
    // Another offset is not dropped.
    assert!(
        dune_cell::<Civil<chrono::NaiveDateTime>>("timestamp", "\"2031-06-07 13:21:10 +02:00\"")
            .is_err()
    );
}

#[test]
fn helpers_do_nothing_in_other_deserializers() {
    let date: Midnight<String> = serde_json::from_str("\"2031-06-07 00:00:00.000 UTC\"").unwrap();
    assert_eq!(date.0, "2031-06-07 00:00:00.000 UTC");
}
