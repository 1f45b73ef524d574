//! Readings of a service that is unknown to rowfeed's crates, from a server on loopback.
#![allow(clippy::unwrap_used, missing_docs, unreachable_pub)]

mod server;

use std::time::Duration;

use rowfeed::{Cursor, ErrorKind, Row, RowsExt as _};
use rowfeed_client::{RetryPolicy, Secret};
use serde::Deserialize;

use server::{Harbour, Trouble};

#[derive(Debug, Deserialize, PartialEq)]
struct Reading {
    at: jiff::Timestamp,
    level: String,
    peaks: Vec<f64>,
    note: Option<String>,
}

fn client(harbour: &Harbour) -> tides::Client {
    let retry = RetryPolicy::new().base_delay(Duration::from_millis(1));
    tides::Client::builder()
        .base_url(harbour.url())
        .token(Secret::new("a token").unwrap())
        .retry(retry)
        .build()
        .unwrap()
}

fn readings(harbour: &Harbour) -> tides::builder::GetReadings {
    client(harbour).get_readings().station("pier")
}

#[tokio::test]
async fn every_reading_comes_once_and_in_order_with_short_pages() {
    let harbour = Harbour::with(10).await;
    let rows = readings(&harbour).rows::<Reading>();
    let rows: Vec<Reading> = rows.try_collect().await.unwrap();
    assert_eq!(rows.len(), 10);
    assert_eq!(
        rows[1],
        Reading {
            at: "2026-03-01T00:01:00Z".parse().unwrap(),
            // Keeps every digit; it never becomes a float.
            level: "1.000000000000000000000001".to_owned(),
            peaks: vec![0.5, 1.0],
            note: None,
        }
    );
    assert_eq!(rows[9].note.as_deref(), Some("reading 9"));
    // The server sends at most four at a time. Later pages come from the snapshot of the first.
    let asked = harbour.requests();
    assert_eq!(asked.len(), 3, "{asked:#?}");
    assert!(!asked[0].contains("snapshot="), "{asked:#?}");
    assert!(
        asked[1].contains("after=4") && asked[1].contains("snapshot=s1"),
        "{asked:#?}"
    );
    assert!(
        asked[2].contains("after=8") && asked[2].contains("snapshot=s1"),
        "{asked:#?}"
    );
}

#[tokio::test]
async fn no_more_is_requested_than_needed() {
    let harbour = Harbour::with(10).await;
    let rows = readings(&harbour).rows::<Row>().max_rows(5).page_size(3);
    let rows: Vec<Row> = rows.try_collect().await.unwrap();
    assert_eq!(rows.len(), 5);
    assert_eq!(
        rows[4]["level"].as_str(),
        Some("4.000000000000000000000004")
    );
    let asked = harbour.requests();
    assert!(
        asked[0].contains("limit=3") && asked[1].contains("limit=2"),
        "{asked:#?}"
    );
    assert_eq!(asked.len(), 2);

    // The operation's own `limit` has the same effect, and `after` sets the start.
    let rows = readings(&harbour).after(7).limit(2).rows::<Row>();
    assert_eq!(rows.try_collect::<Vec<_>>().await.unwrap().len(), 2);
}

#[tokio::test]
async fn pages_fetched_ahead_are_the_same_pages() {
    let harbour = Harbour::with(23).await;
    let rows = readings(&harbour).rows::<Reading>().prefetch(4);
    let rows: Vec<Reading> = rows.try_collect().await.unwrap();
    let levels = rows
        .iter()
        .map(|row| row.level[..row.level.find('.').unwrap()].to_owned());
    assert!(levels.eq((0..23).map(|n| n.to_string())));
}

#[tokio::test]
async fn reading_resumes_at_a_stored_cursor_in_the_same_snapshot() {
    let harbour = Harbour::with(10).await;
    let mut rows = readings(&harbour).rows::<Reading>();
    for _ in 0..6 {
        rows.try_next().await.unwrap().unwrap();
    }
    let stored = serde_json::to_string(&rows.cursor().unwrap()).unwrap();
    harbour.measure_more(5);

    let cursor: Cursor = serde_json::from_str(&stored).unwrap();
    let rest = readings(&harbour).rows::<Reading>().resume(&cursor);
    let rest: Vec<Reading> = rest.try_collect().await.unwrap();
    assert_eq!(rest.len(), 4, "later readings belong to another snapshot");
    assert!(rest[0].level.starts_with("6."));

    let other = client(&harbour).get_readings().station("mole");
    let error = other
        .rows::<Row>()
        .resume(&cursor)
        .try_next()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    assert!(error.message().contains("pier then, mole now"), "{error}");
}

#[tokio::test]
async fn pages_that_do_not_fit_together_are_errors() {
    for (trouble, said) in [
        (Trouble::Repeats, "ends at 4"),
        (Trouble::StandsStill, "would be requested again"),
        (Trouble::Swaps, "is of snapshot s2, but s1 was requested"),
    ] {
        let harbour = Harbour::with(10).await;
        harbour.trouble_from_page(1, trouble);
        let mut rows = readings(&harbour).rows::<Row>();
        for _ in 0..4 {
            rows.try_next().await.unwrap().unwrap();
        }
        let error = rows.try_next().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Paging, "{error}");
        assert!(error.message().contains(said), "{error}");
        assert_eq!(error.service(), "tides");
        assert_eq!(rows.cursor().unwrap().row(), 4);
    }
}

#[tokio::test]
async fn errors_have_the_service_s_message_and_temporary_ones_are_retried() {
    let harbour = Harbour::with(10).await;
    let nowhere = client(&harbour).get_readings().station("nowhere");
    let error = nowhere.rows::<Row>().try_next().await.unwrap_err();
    assert!(
        error.message().contains("there is no station nowhere"),
        "{error}"
    );
    assert_eq!(error.as_call().unwrap().status().unwrap(), 404);

    harbour.trouble_from_page(1, Trouble::Unavailable { times: 2 });
    let rows = readings(&harbour).rows::<Row>();
    assert_eq!(rows.try_collect::<Vec<_>>().await.unwrap().len(), 10);
}

#[tokio::test]
async fn a_row_that_does_not_fit_is_an_error_with_its_place() {
    #[derive(Debug, Deserialize)]
    struct Wrong {
        #[allow(dead_code)]
        note: String,
    }
    let harbour = Harbour::with(6).await;
    let rows = readings(&harbour).rows::<Wrong>();
    let error = rows.try_collect::<Vec<_>>().await.unwrap_err();
    let cell = error.as_decode().unwrap();
    assert_eq!((cell.row(), cell.column()), (Some(0), Some("note")));
}

#[test]
fn without_async_too() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let harbour = runtime.block_on(Harbour::with(9));
    let rows = readings(&harbour).rows::<Reading>().blocking();
    let levels: Vec<String> = rows.map(|row| row.unwrap().level).collect();
    assert_eq!(levels.len(), 9);
}
