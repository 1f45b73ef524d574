//! The invented data set: trades on invented exchanges, and the exchanges.

use jiff::ToSpan as _;
use jiff::civil::{Date, date};

use crate::sql::Database;
use crate::table::{ColumnType, Value};

const PRICE: ColumnType = ColumnType::Decimal {
    precision: 22,
    scale: 9,
};

/// The day of the first two trades. Each further pair is a day later.
const FIRST_DAY: Date = date(2024, 5, 1);

/// Name, chain, launch day, note, members.
const PROJECTS: [(&str, &str, &str, Option<&str>, i64); 4] = [
    (
        "lagoon",
        "ethereum",
        "2021-03-04",
        Some("first pool — Größe: klein"),
        3,
    ),
    (
        "tidepool",
        "arbitrum",
        "2022-09-17",
        Some("приливы и отливы"),
        12,
    ),
    ("saltmarsh", "base", "2023-08-09", None, 7),
    ("estuary", "optimism", "2024-01-31", Some("河口"), 5),
];
const PAIRS: [&str; 5] = [
    "PEARL-REEF",
    "KELP-PEARL",
    "REEF-SALT",
    "Ångström-KELP",
    "SALT-DUNE",
];

/// Creates the tables `trades`, with this many rows, and `projects`.
pub(crate) fn fill(database: &Database, trades: usize) -> rusqlite::Result<()> {
    let rows: Vec<Vec<Value>> = (0..).take(trades).map(trade).collect();
    let trades = [
        ("trade_id", ColumnType::BigInt, false),
        ("block_date", ColumnType::Date, false),
        ("block_time", ColumnType::Timestamp, false),
        ("project", ColumnType::Varchar, false),
        ("token_pair", ColumnType::Varchar, true),
        ("evt_index", ColumnType::Integer, false),
        ("amount_usd", ColumnType::Double, true),
        ("price", PRICE, true),
        ("is_maker", ColumnType::Boolean, true),
        ("tx_hash", ColumnType::Varbinary, false),
    ];
    database.register("trades", &trades, &rows)?;

    let projects = [
        ("project", ColumnType::Varchar, false),
        ("chain", ColumnType::Varchar, false),
        ("launched_on", ColumnType::Date, false),
        ("note", ColumnType::Varchar, true),
        ("members", ColumnType::Integer, false),
    ];
    let rows: Vec<Vec<Value>> = PROJECTS
        .iter()
        .map(|(project, chain, launched_on, note, members)| {
            vec![
                (*project).into(),
                (*chain).into(),
                (*launched_on).into(),
                (*note).into(),
                (*members).into(),
            ]
        })
        .collect();
    database.register("projects", &projects, &rows)
}

/// Every fourth id is above 2^53, where many readers of JSON lose digits. NULLs are in different
/// rows of different columns.
fn trade(n: i64) -> Vec<Value> {
    let id = if n % 4 == 3 {
        9_007_199_254_740_992 + n
    } else {
        1_000 + n
    };
    let (hour, minute) = (n % 24, (n * 7) % 60);
    let date = FIRST_DAY.saturating_add((n / 2).days()).to_string();
    let fraction = match n % 3 {
        0 => String::new(),
        1 => format!(".{:03}", (n * 37) % 1000),
        _ => format!(".{:06}", (n * 98_765) % 1_000_000),
    };
    let cents = (n * n * 977 + 1_250) % 500_000;
    vec![
        Value::Integer(id),
        date.clone().into(),
        format!("{date} {hour:02}:{minute:02}:{:02}{fraction}", n % 60).into(),
        PROJECTS[(n % 4) as usize].0.into(),
        (n % 9 != 4).then(|| PAIRS[(n % 5) as usize]).into(),
        Value::Integer(n * 3 % 17),
        (n % 6 != 5).then_some(cents as f64 / 100.0).into(),
        (n % 8 != 6)
            .then(|| format!("{}.{:09}", 1 + n % 5, n * 123_456_789 % 1_000_000_000))
            .into(),
        (n % 7 != 2).then_some(n % 2 == 0).into(),
        Value::Bytes(hash(n)),
    ]
}

fn hash(n: i64) -> Vec<u8> {
    let mut state = n as u64 + 0x5eed;
    (0..32)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        })
        .collect()
}
