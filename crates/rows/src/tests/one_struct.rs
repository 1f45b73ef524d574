//! One struct, three services, three time crates.

use serde::{Deserialize, de::DeserializeOwned};

use super::{dune, lightdash, yandex};
use crate::decode_rows;

#[derive(Debug, Deserialize, PartialEq)]
struct Order<Instant, Day> {
    id: i64,
    total: rust_decimal::Decimal,
    placed: Instant,
    day: Day,
    hash: Vec<u8>,
    note: Option<String>,
    sizes: Vec<u16>,
}

const DUNE: &str = r#"[
    {"day":"2031-02-03","hash":"0x00ff10","id":9007199254740993,"note":null,
     "placed":"2031-02-03 04:05:06.700 UTC","sizes":[1,2],"total":"12.3400000000000000001"},
    {"day":"2031-02-04","hash":"0x","id":-5,"note":"n\u0061","placed":"2031-02-04 00:00:00.000 UTC",
     "sizes":[],"total":7}
]"#;

const LIGHTDASH: &str = r#"[
    {"id":{"value":{"raw":"9007199254740993","formatted":"9,007"}},
     "total":{"value":{"raw":"12.3400000000000000001","formatted":"12.34"}},
     "placed":{"value":{"raw":"2031-02-03T04:05:06.7Z","formatted":"yesterday"}},
     "day":{"value":{"raw":"2031-02-03T00:00:00Z","formatted":"3 Feb"}},
     "hash":{"value":{"raw":"0x00ff10","formatted":"0x00ff10"}},
     "note":{"value":{"raw":null,"formatted":"∅"}},
     "sizes":{"value":{"raw":[1,2],"formatted":"[1,2]"}}},
    {"id":{"value":{"raw":-5,"formatted":"-5"}},
     "total":{"value":{"raw":7,"formatted":"7"}},
     "placed":{"value":{"raw":"2031-02-04T00:00:00.000Z","formatted":"today"}},
     "day":{"value":{"raw":"2031-02-04","formatted":"4 Feb"}},
     "hash":{"value":{"raw":"0x","formatted":"0x"}},
     "note":{"value":{"formatted":"na","raw":"na"}},
     "sizes":{"value":{"raw":"[]","formatted":"[]"}}}
]"#;

const YANDEX: &str = r#"[
    ["9007199254740993","12.3400000000000000001","2031-02-03T04:05:06.700000Z","2031-02-03",
     "AP8Q",[],[1,2]],
    [-5,"7",["2031-02-04T00:00:00Z"],"2031-02-04","",["na"],[]]
]"#;

fn check<Instant, Day>(instants: [Instant; 2], days: [Day; 2])
where
    Instant: DeserializeOwned + PartialEq + std::fmt::Debug + Copy,
    Day: DeserializeOwned + PartialEq + std::fmt::Debug + Copy,
{
    let expected = [
        Order {
            id: 9_007_199_254_740_993,
            total: "12.3400000000000000001".parse().unwrap(),
            placed: instants[0],
            day: days[0],
            hash: vec![0, 255, 16],
            note: None,
            sizes: vec![1, 2],
        },
        Order {
            id: -5,
            total: 7.into(),
            placed: instants[1],
            day: days[1],
            hash: vec![],
            note: Some("na".to_owned()),
            sizes: vec![],
        },
    ];
    let from_dune = dune(&[
        ("id", "bigint"),
        ("total", "decimal(38, 19)"),
        ("placed", "timestamp(3) with time zone"),
        ("day", "date"),
        ("hash", "varbinary"),
        ("note", "varchar"),
        ("sizes", "array(integer)"),
    ]);
    let from_lightdash = lightdash(&[
        ("id", "number"),
        ("total", "number"),
        ("placed", "timestamp"),
        ("day", "date"),
        ("hash", "string"),
        ("note", "string"),
        ("sizes", "variant"),
    ]);
    let from_yandex = yandex(&[
        ("id", "Int64"),
        ("total", "Decimal(35,19)"),
        ("placed", "Optional<Timestamp>"),
        ("day", "Date"),
        ("hash", "String"),
        ("note", "Optional<Utf8>"),
        ("sizes", "List<Uint16>"),
    ]);
    let yandex_rows = YANDEX.replacen(
        "\"2031-02-03T04:05:06.700000Z\"",
        "[\"2031-02-03T04:05:06.700000Z\"]",
        1,
    );
    for (columns, rows) in [
        (from_dune, DUNE),
        (from_lightdash, LIGHTDASH),
        (from_yandex, yandex_rows.as_str()),
    ] {
        let decoded = decode_rows::<Order<Instant, Day>>(&columns, rows, 0).unwrap();
        assert_eq!(decoded, expected);
    }
}

#[test]
fn with_jiff() {
    let instants = ["2031-02-03T04:05:06.7Z", "2031-02-04T00:00:00Z"];
    let days = ["2031-02-03", "2031-02-04"];
    check(
        instants.map(|text| text.parse::<jiff::Timestamp>().unwrap()),
        days.map(|text| text.parse::<jiff::civil::Date>().unwrap()),
    );
}

#[test]
fn with_chrono() {
    let instants = ["2031-02-03T04:05:06.7Z", "2031-02-04T00:00:00Z"];
    let days = ["2031-02-03", "2031-02-04"];
    check(
        instants.map(|text| text.parse::<chrono::DateTime<chrono::Utc>>().unwrap()),
        days.map(|text| text.parse::<chrono::NaiveDate>().unwrap()),
    );
}

#[test]
fn with_time() {
    #[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
    struct Instant(#[serde(with = "time::serde::rfc3339")] time::OffsetDateTime);

    time::serde::format_description!(ymd, Date, "[year]-[month]-[day]");

    #[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
    struct Day(#[serde(with = "ymd")] time::Date);

    use time::macros::{date, datetime};
    check(
        [
            Instant(datetime!(2031-02-03 04:05:06.7 UTC)),
            Instant(datetime!(2031-02-04 0:00 UTC)),
        ],
        [Day(date!(2031 - 02 - 03)), Day(date!(2031 - 02 - 04))],
    );
}

#[test]
fn rows_of_one_page_may_order_their_keys_differently() {
    #[derive(Debug, Deserialize, PartialEq)]
    struct Pair {
        a: i32,
        b: i32,
    }
    let columns = dune(&[("a", "integer"), ("b", "integer")]);
    let rows = r#"[{"a":1,"b":2},{"b":2,"a":1},{"b":2,"z":[{"a":9}],"a":1},{"a":1,"b":2}]"#;
    let decoded = decode_rows::<Pair>(&columns, rows, 0).unwrap();
    assert_eq!(decoded, [(); 4].map(|()| Pair { a: 1, b: 2 }));
}
