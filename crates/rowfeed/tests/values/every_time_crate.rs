//! Decodes the same values from all three services with each date and time crate: an integer beyond
//! 2^53, an exact decimal, an instant, a date, bytes, an optional value and a nested list.

use std::fmt::Debug;

use crate::support::{ALL, Bench};
use rowfeed::field::midnight_as_date;
use rowfeed_sandbox::{ScriptedResult, Service};
use rust_decimal::Decimal;
use serde::{Deserialize, de::DeserializeOwned};

const SQL: &str = "SELECT * FROM orders";

#[derive(Debug, Deserialize, PartialEq)]
#[serde(bound = "Instant: DeserializeOwned, Day: DeserializeOwned")]
struct Order<Instant, Day> {
    id: i64,
    total: Decimal,
    placed: Instant,
    // chrono and time read no date from a timestamp at midnight, which is what Lightdash sends.
    #[serde(deserialize_with = "midnight_as_date")]
    day: Day,
    hash: Vec<u8>,
    note: Option<String>,
    tags: Vec<Vec<String>>,
}

/// The same order in the format of each service.
async fn bench() -> Bench {
    let bench = Bench::start().await;
    let names = ["id", "total", "placed", "day", "hash", "note", "tags"];
    let results = [
        (
            Service::Dune,
            [
                "bigint",
                "decimal(38, 9)",
                "timestamp(3) with time zone",
                "date",
                "varbinary",
                "varchar",
                "array(array(varchar))",
            ],
            [
                "9007199254740993",
                r#""1234567890.000000001""#,
                r#""2024-05-01 08:30:00.250 UTC""#,
                r#""2024-05-01""#,
                r#""0x00ff10""#,
                "null",
                r#"[["a","ü"],[]]"#,
            ],
        ),
        (
            Service::Lightdash,
            [
                "number",
                "number",
                "timestamp",
                "date",
                "string",
                "string",
                "string",
            ],
            [
                r#""9007199254740993""#,
                r#""1234567890.000000001""#,
                r#""2024-05-01T08:30:00.250Z""#,
                r#""2024-05-01T00:00:00Z""#,
                r#""0x00ff10""#,
                "null",
                r#"[["a","ü"],[]]"#,
            ],
        ),
        (
            Service::YandexQuery,
            [
                "Int64",
                "Decimal(35,9)",
                "Timestamp",
                "Date",
                "String",
                "Optional<Utf8>",
                "List<List<Utf8>>",
            ],
            [
                r#""9007199254740993""#,
                r#""1234567890.000000001""#,
                r#""2024-05-01T08:30:00.250000Z""#,
                r#""2024-05-01""#,
                r#""AP8Q""#,
                "[]",
                r#"[["a","ü"],[]]"#,
            ],
        ),
    ];
    for (service, types, cells) in results {
        let result = ScriptedResult::new(names.into_iter().zip(types)).row(cells);
        bench.sandbox.script_result(service, SQL, result).unwrap();
    }
    bench
}

async fn reads<Instant, Day>(placed: Instant, day: Day)
where
    Instant: DeserializeOwned + Debug + PartialEq + Send + 'static,
    Day: DeserializeOwned + Debug + PartialEq + Send + 'static,
{
    let wanted = Order {
        id: 9_007_199_254_740_993,
        total: "1234567890.000000001".parse().unwrap(),
        placed,
        day,
        hash: vec![0x00, 0xff, 0x10],
        note: None,
        tags: vec![vec!["a".to_owned(), "ü".to_owned()], Vec::new()],
    };
    let bench = bench().await;
    for service in ALL {
        let run = bench.run(service, SQL).await;
        let orders: Vec<Order<Instant, Day>> = run.rows().try_collect().await.unwrap();
        assert_eq!(orders, std::slice::from_ref(&wanted), "{service:?}");
    }
}

#[tokio::test]
async fn with_jiff() {
    reads::<jiff::Timestamp, jiff::civil::Date>(
        "2024-05-01T08:30:00.250Z".parse().unwrap(),
        jiff::civil::date(2024, 5, 1),
    )
    .await;
}

#[tokio::test]
async fn with_chrono() {
    reads::<chrono::DateTime<chrono::Utc>, chrono::NaiveDate>(
        "2024-05-01T08:30:00.250Z".parse().unwrap(),
        chrono::NaiveDate::from_ymd_opt(2024, 5, 1).unwrap(),
    )
    .await;
}

#[tokio::test]
async fn with_time() {
    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(transparent)]
    struct Rfc3339(#[serde(with = "time::serde::rfc3339")] time::OffsetDateTime);

    time::serde::format_description!(iso_date, Date, "[year]-[month]-[day]");
    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(transparent)]
    struct Day(#[serde(with = "iso_date")] time::Date);

    reads(
        Rfc3339(time::macros::datetime!(2024-05-01 08:30:00.250 UTC)),
        Day(time::macros::date!(2024 - 05 - 01)),
    )
    .await;
}
