//! One struct for the rows of three services.

use std::any::TypeId;

use crate::support::{ALL, Bench};
use jiff::{Timestamp, civil::Date};
use rowfeed::{Row, Rows, RowsExt};
use rowfeed_sandbox::{ColumnType, Service, Value};
use serde::Deserialize;

#[derive(Clone, Debug, Deserialize, PartialEq)]
struct Trade {
    trade_id: i64,
    block_date: Date,
    block_time: Timestamp,
    project: String,
    token_pair: Option<String>,
    evt_index: u8,
    amount_usd: Option<f64>,
    price: Option<String>,
    is_maker: Option<bool>,
    tx_hash: Vec<u8>,
}

/// The same column, read as a float.
#[derive(Debug, Deserialize, PartialEq)]
struct Price {
    price: Option<f64>,
}

const TRADES: &str = "SELECT * FROM trades ORDER BY block_time";

impl Trade {
    /// The values that all three services can represent. Dune has times in milliseconds and pads
    /// decimals to their scale; Lightdash and Yandex Query drop trailing zeros.
    fn common(mut self) -> Self {
        let milliseconds = self.block_time.as_millisecond();
        self.block_time = Timestamp::from_millisecond(milliseconds).unwrap();
        self.price = self.price.map(|price| match price.contains('.') {
            true => price.trim_end_matches('0').trim_end_matches('.').to_owned(),
            false => price,
        });
        self
    }
}

/// Compiles only if one function accepts every operation that returns rows.
fn rows_of_trades(operation: impl RowsExt) -> Rows<Trade> {
    operation.rows()
}

#[tokio::test]
async fn the_rows_of_all_services_are_equal() {
    let bench = Bench::start().await;
    let mut results = Vec::new();
    for service in ALL {
        let run = bench.run(service, TRADES).await;
        let rows = match service {
            Service::Dune => rows_of_trades(bench.execution(run.id())),
            Service::Lightdash => rows_of_trades(bench.query(run.id())),
            _ => rows_of_trades(bench.set(run.id(), 0)),
        };
        let rows: Vec<Trade> = rows.page_size(13).try_collect().await.unwrap();
        assert_eq!(rows.len(), 48);
        results.push(rows.into_iter().map(Trade::common).collect::<Vec<_>>());
    }
    for (n, rows) in results[0]
        .iter()
        .zip(&results[1])
        .zip(&results[2])
        .enumerate()
    {
        let ((dune, lightdash), yandex_query) = rows;
        assert_eq!(dune, lightdash, "row {n}");
        assert_eq!(dune, yandex_query, "row {n}");
    }

    let rows = &results[0];
    let wide = rows.iter().filter(|row| row.trade_id > 1 << 53).count();
    assert_eq!(wide, 12);
    let nulls = |is_null: fn(&Trade) -> bool| rows.iter().filter(|row| is_null(row)).count();
    for count in [
        nulls(|row| row.token_pair.is_none()),
        nulls(|row| row.amount_usd.is_none()),
        nulls(|row| row.price.is_none()),
        nulls(|row| row.is_maker.is_none()),
    ] {
        assert!((1..48).contains(&count), "{count}");
    }
    assert!(rows.iter().all(|row| row.tx_hash.len() == 32));
    let days: Vec<Date> = rows
        .iter()
        .map(|row| row.block_time.to_zoned(jiff::tz::TimeZone::UTC).date())
        .collect();
    assert!(
        rows.iter()
            .zip(days)
            .all(|(row, day)| row.block_date == day)
    );
}

#[tokio::test]
async fn every_value_is_the_one_that_was_stored() {
    let bench = Bench::start().await;
    let columns = [
        ("trade_id", ColumnType::BigInt),
        ("block_date", ColumnType::Date),
        ("block_time", ColumnType::Timestamp),
        ("project", ColumnType::Varchar),
        ("token_pair", ColumnType::Varchar),
        ("evt_index", ColumnType::Integer),
        ("amount_usd", ColumnType::Double),
        (
            "price",
            ColumnType::Decimal {
                precision: 22,
                scale: 9,
            },
        ),
        ("is_maker", ColumnType::Boolean),
        ("tx_hash", ColumnType::Varbinary),
    ];
    let none = || Value::from(None::<i64>);
    let rows = [
        vec![
            Value::from(i64::MIN),
            "1969-12-31".into(),
            "1969-12-31 23:59:59.875".into(),
            "a \"quoted\" \\ text\n — ягода".into(),
            "".into(),
            255_i64.into(),
            (-0.15625).into(),
            "0.123456789".into(),
            true.into(),
            vec![0_u8, 255, 34, 92].into(),
        ],
        vec![
            Value::from(9_007_199_254_740_993_i64),
            "2024-02-29".into(),
            "2024-02-29 00:00:00".into(),
            "∅".into(),
            none(),
            0_i64.into(),
            none(),
            none(),
            none(),
            Vec::<u8>::new().into(),
        ],
    ];
    bench
        .sandbox
        .register_table("trades", &columns, &rows)
        .unwrap();
    let expected = [
        Trade {
            trade_id: i64::MIN,
            block_date: "1969-12-31".parse().unwrap(),
            block_time: "1969-12-31T23:59:59.875Z".parse().unwrap(),
            project: "a \"quoted\" \\ text\n — ягода".into(),
            token_pair: Some(String::new()),
            evt_index: 255,
            amount_usd: Some(-0.15625),
            price: Some("0.123456789".into()),
            is_maker: Some(true),
            tx_hash: vec![0, 255, 34, 92],
        },
        Trade {
            trade_id: 9_007_199_254_740_993,
            block_date: "2024-02-29".parse().unwrap(),
            block_time: "2024-02-29T00:00:00Z".parse().unwrap(),
            project: "∅".into(),
            token_pair: None,
            evt_index: 0,
            amount_usd: None,
            price: None,
            is_maker: None,
            tx_hash: Vec::new(),
        },
    ];
    for service in ALL {
        let run = bench.run(service, TRADES).await;
        let rows: Vec<Trade> = run.rows().try_collect().await.unwrap();
        assert_eq!(rows, expected, "{service:?}");
    }
}

#[tokio::test]
async fn a_decimal_decodes_into_a_float_field() {
    let bench = Bench::start().await;
    let mut results = Vec::new();
    for service in ALL {
        let run = bench.run(service, TRADES).await;
        let rows: Vec<Price> = run.rows().try_collect().await.unwrap();
        results.push(rows);
    }
    assert_eq!(results[0], results[1]);
    assert_eq!(results[0], results[2]);
    assert_eq!(results[0][1].price, Some(2.123_456_789));
}

#[tokio::test]
async fn runs_of_all_services_return_the_same_type() {
    fn id_of<T: 'static>(_: &Rows<T>) -> TypeId {
        TypeId::of::<T>()
    }
    let bench = Bench::start().await;
    let mut runs = Vec::new();
    for service in ALL {
        runs.push(bench.run(service, TRADES).await);
    }
    // One closure, one type, three services.
    let read = |run: &rowfeed::CompletedRun| run.rows::<Trade>().max_rows(2);
    for run in &runs {
        let rows = read(run);
        assert_eq!(id_of(&rows), TypeId::of::<Trade>());
        assert_eq!(rows.try_collect::<Vec<_>>().await.unwrap().len(), 2);
    }
}

#[tokio::test]
async fn unknown_columns_are_read_too() {
    let bench = Bench::start().await;
    for service in ALL {
        let run = bench
            .run(
                service,
                "SELECT project, evt_index, token_pair FROM trades ORDER BY block_time",
            )
            .await;
        let rows: Vec<Row> = run.rows().page_size(20).try_collect().await.unwrap();
        assert_eq!(rows.len(), 48);
        assert_eq!(rows[0]["project"].as_str(), Some("lagoon"), "{service:?}");
        assert_eq!(rows[1]["evt_index"].as_integer(), Some(3), "{service:?}");
        assert!(rows[4]["token_pair"].is_null(), "{service:?}");
        let names: Vec<&str> = rows[0].iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["project", "evt_index", "token_pair"], "{service:?}");
    }
}

#[tokio::test]
async fn one_column_is_read_without_a_struct() {
    let bench = Bench::start().await;
    for service in ALL {
        let run = bench
            .run(service, "SELECT launched_on FROM projects ORDER BY 1")
            .await;
        let days = run
            .rows::<Date>()
            .page_size(3)
            .try_collect::<Vec<_>>()
            .await
            .unwrap();
        assert_eq!(days.len(), 4);
        assert_eq!(days[0], jiff::civil::date(2021, 3, 4), "{service:?}");
    }
}
