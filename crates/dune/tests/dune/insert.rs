//! Rows written to tables, and what is left when writing is interrupted.

use std::{
    collections::BTreeMap,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use futures_core::Stream;
use rowfeed_dune::{
    Client,
    insert::{BinaryFormat, InsertColumn, InsertErrorKind, InsertRows, WideNumbers},
    types::UploadFormat,
};
use rowfeed_sandbox::{Fault, Sandbox};
use serde::Serialize;
use serde_json::{Value, json};

use crate::support::{builder, json as answer};

const COLUMNS: [(&str, &str); 2] = [("n", "bigint"), ("name", "varchar")];

#[derive(Clone, Serialize)]
struct Row {
    n: i64,
    name: String,
}

fn rows(count: i64) -> Vec<Row> {
    let row = |n| Row {
        n,
        name: format!("row {n}"),
    };
    (0..count).map(row).collect()
}

async fn start() -> (Sandbox, Client) {
    let sandbox = Sandbox::builder().poll_steps(0).start().await.unwrap();
    let client = builder(&sandbox.dune_url())
        .retry(
            rowfeed_dune::RetryPolicy::new()
                .max_attempts(3)
                .base_delay(std::time::Duration::ZERO),
        )
        .build()
        .unwrap();
    (sandbox, client)
}

/// A table with `n` and `name`.
async fn tides(client: &Client) -> InsertRows {
    client
        .insert_rows("rowfeed", "tides")
        .columns(COLUMNS)
        .create_table()
        .write([(); 0].map(|()| json!({})))
        .await
        .unwrap();
    client.insert_rows("rowfeed", "tides").columns(COLUMNS)
}

async fn query(client: &Client, sql: &str) -> Value {
    let run = client.execute_sql().sql(sql).send().await.unwrap();
    let page = client
        .get_execution_results()
        .execution_id(&*run.execution_id);
    let page = page.send().await.unwrap().into_inner();
    let rows = page.result.unwrap().rows.unwrap();
    serde_json::from_str(rows.as_str()).unwrap()
}

/// The numbers in the table, in order.
async fn numbers(client: &Client) -> Vec<i64> {
    let found = query(client, "SELECT n FROM dune.rowfeed.tides ORDER BY n").await;
    let found = found.as_array().unwrap();
    found.iter().map(|row| row["n"].as_i64().unwrap()).collect()
}

/// The inserts that were sent.
fn inserts(sandbox: &Sandbox) -> Vec<String> {
    let requests = sandbox.take_requests();
    let inserts = requests.into_iter().filter(|r| r.path.ends_with("/insert"));
    inserts.map(|request| request.body).collect()
}

struct Items<T>(std::vec::IntoIter<T>);

impl<T: Unpin> Stream for Items<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<T>> {
        Poll::Ready(self.0.next())
    }
}

fn stream<T: Unpin>(items: Vec<T>) -> Items<T> {
    Items(items.into_iter())
}

#[tokio::test]
async fn every_type_arrives_with_every_digit() {
    #[derive(Serialize)]
    struct Trade {
        at: &'static str,
        day: &'static str,
        value: &'static str,
        price: &'static str,
        count: i64,
        level: f64,
        open: bool,
        hash: &'static str,
        note: Option<&'static str>,
    }
    const MAX: &str =
        "115792089237316195423570985008687907853269984665640564039457584007913129639935";
    let (_sandbox, client) = start().await;
    let columns = [
        ("at", "timestamp"),
        ("day", "date"),
        ("value", "uint256"),
        ("price", "decimal(38, 18)"),
        ("count", "bigint"),
        ("level", "double"),
        ("open", "boolean"),
        ("hash", "varbinary"),
        ("note", "varchar"),
    ];
    let trade = |note| Trade {
        at: "2026-11-21T20:35:00.5Z",
        day: "2026-11-21",
        value: MAX,
        price: "12345678901234567890.123456789012345678",
        count: i64::MIN,
        level: 0.1,
        open: true,
        hash: "0x01FF",
        note,
    };
    for (format, note) in [
        (UploadFormat::Ndjson, "a, \"b\"\nü \\"),
        (UploadFormat::Csv, "a, \"b\"\nü \\"),
    ] {
        let table = format!(
            "trades_{}",
            if format == UploadFormat::Csv {
                "csv"
            } else {
                "json"
            }
        );
        let insert = client.insert_rows("rowfeed", &table).columns(columns);
        let insert = insert.create_table().format(format);
        let report = insert
            .write(&[trade(Some(note)), trade(None)])
            .await
            .unwrap();
        assert_eq!((report.rows_written, report.batches), (2, 1));
        assert!(report.created_table && report.bytes_written > 0);
        let found = query(
            &client,
            &format!("SELECT * FROM dune.rowfeed.{table} ORDER BY note"),
        )
        .await;
        let expected = |note: Value| {
            json!({
                "at": "2026-11-21 20:35:00.500 UTC", "day": "2026-11-21", "value": MAX,
                "price": "12345678901234567890.123456789012345678", "count": i64::MIN,
                "level": 0.1, "open": true, "hash": "0x01ff", "note": note,
            })
        };
        let found = found.as_array().unwrap();
        assert_eq!(found.len(), 2);
        for row in [expected(json!(note)), expected(Value::Null)] {
            assert!(found.contains(&row), "{row}\n{found:?}");
        }
    }
}

#[tokio::test]
async fn batches_are_as_large_as_allowed_and_progress_is_told() {
    let (sandbox, client) = start().await;
    let insert = tides(&client).await;
    inserts(&sandbox);
    let told = Arc::new(Mutex::new(Vec::new()));
    let tell = Arc::clone(&told);
    let line = "{\"n\":0,\"name\":\"row 0\"}\n".len();
    let report = insert
        .batch_bytes(3 * line + line / 2)
        .on_progress(move |progress| {
            let seen = (progress.rows_written, progress.sending.clone());
            tell.lock().unwrap().push(seen);
        })
        .write(&rows(7))
        .await
        .unwrap();
    assert_eq!((report.rows_written, report.batches), (7, 3));
    assert_eq!(report.bytes_written, 7 * line as u64);
    assert!(!report.created_table);
    let sent = inserts(&sandbox);
    assert_eq!(
        sent.iter()
            .map(|file| file.lines().count())
            .collect::<Vec<_>>(),
        [3, 3, 1]
    );
    assert_eq!(
        *told.lock().unwrap(),
        [
            (0, Some(0..3)),
            (3, None),
            (3, Some(3..6)),
            (6, None),
            (6, Some(6..7)),
            (7, None),
        ]
    );
    assert_eq!(numbers(&client).await, (0..7).collect::<Vec<_>>());

    let by_rows = client
        .insert_rows("rowfeed", "tides")
        .columns(COLUMNS)
        .batch_rows(2);
    let csv = by_rows
        .format(UploadFormat::Csv)
        .write(&rows(5))
        .await
        .unwrap();
    assert_eq!(csv.batches, 3);
    assert_eq!(inserts(&sandbox)[2], "n,name\n4,row 4\n");
}

#[tokio::test]
async fn all_rows_are_checked_before_the_first_byte() {
    let (sandbox, client) = start().await;
    let _ = tides(&client).await;
    sandbox.take_requests();
    let good = json!({ "n": 1, "name": "a" });
    for (bad, column, why) in [
        (json!({ "n": "x" }), Some("n"), "expected an integer"),
        (
            json!({ "n": 1.5 }),
            Some("n"),
            "found a floating-point number",
        ),
        (
            json!({ "name": 1 }),
            Some("name"),
            "expected text (the column is varchar)",
        ),
        (
            json!({ "height": 1 }),
            Some("height"),
            "no such column; it has n, name",
        ),
        (json!({ "n": 1, "N": 2 }), Some("n"), "twice"),
        (json!([1]), None, "a struct with named fields"),
        (
            json!({ "name": "x".repeat(200) }),
            None,
            "larger than batch_bytes",
        ),
    ] {
        let insert = client.insert_rows("rowfeed", "tides").columns(COLUMNS);
        let insert = insert.batch_bytes(100).batch_rows(1);
        let error = insert
            .write(&[good.clone(), good.clone(), bad])
            .await
            .unwrap_err();
        assert_eq!(error.kind(), InsertErrorKind::Row, "{error}");
        // The order of a map's keys depends on a feature of serde_json.
        let named = error.column().map(str::to_lowercase);
        assert_eq!(
            (error.row(), named.as_deref()),
            (Some(2), column),
            "{error}"
        );
        assert_eq!((error.rows_written(), error.unknown_rows()), (0, None));
        let shown = error.to_string();
        assert!(shown.starts_with("row 2") && shown.contains(why), "{shown}");
    }
    let not_null = [InsertColumn::new("n", "bigint").not_null()];
    let insert = client.insert_rows("rowfeed", "tides").columns(not_null);
    let error = insert.write(&[json!({})]).await.unwrap_err();
    assert!(error.to_string().contains("not nullable"), "{error}");
    for row in [json!({ "name": "" }), json!({ "name": "" })] {
        let insert = client.insert_rows("rowfeed", "tides").columns(COLUMNS);
        let error = insert
            .format(UploadFormat::Csv)
            .write(&[row])
            .await
            .unwrap_err();
        assert!(
            error.to_string().contains("empty text from NULL"),
            "{error}"
        );
    }
    assert!(sandbox.take_requests().is_empty());
}

#[tokio::test]
async fn a_table_is_not_created_for_rows_that_do_not_fit() {
    let (sandbox, client) = start().await;
    let insert = client
        .insert_rows("rowfeed", "new")
        .columns(COLUMNS)
        .create_table();
    insert.write(&[json!({ "n": "x" })]).await.unwrap_err();
    assert!(sandbox.take_requests().is_empty());
}

#[tokio::test]
async fn the_columns_are_those_that_dune_lists() {
    let (sandbox, client) = start().await;
    let _ = tides(&client).await;
    let insert = || client.insert_rows("rowfeed", "Tides");
    insert().write(&rows(2)).await.unwrap();
    let error = insert().write(&[json!({ "n": "x" })]).await.unwrap_err();
    assert_eq!(error.column(), Some("n"));
    let insert = client.insert_rows("rowfeed", "none");
    let error = insert.write(&rows(1)).await.unwrap_err();
    assert_eq!(error.kind(), InsertErrorKind::InvalidRequest);
    assert!(
        error.to_string().contains("no table dune.rowfeed.none"),
        "{error}"
    );
    assert_eq!(inserts(&sandbox).len(), 1);
    assert_eq!(numbers(&client).await, [0, 1]);

    let missing = client.insert_rows("rowfeed", "new").create_table();
    let error = missing.write(&rows(1)).await.unwrap_err();
    assert!(
        error.to_string().contains("declare them with columns()"),
        "{error}"
    );
    let twice = client.insert_rows("rowfeed", "new");
    let twice = twice.columns([("a", "bigint"), ("A", "bigint")]);
    let error = twice.write(&rows(1)).await.unwrap_err();
    assert!(error.to_string().contains("declared twice"), "{error}");
}

/// Whether the lost batch was written, and how to tell.
#[tokio::test]
async fn a_batch_that_may_have_been_written_is_not_repeated_and_the_insert_resumes() {
    for (fault, was_written) in [
        // The response is lost after Dune has written the rows.
        (Fault::cut_body(5), true),
        // Dune fails before it writes them.
        (Fault::status(503), false),
        (Fault::reset(), false),
    ] {
        let (sandbox, client) = start().await;
        let insert = tides(&client).await;
        inserts(&sandbox);
        sandbox.fault(fault.path("/insert").after(1));
        let all = rows(7);
        let error = insert.batch_rows(2).write(&all).await.unwrap_err();
        assert_eq!(error.kind(), InsertErrorKind::Unknown, "{error}");
        assert_eq!(
            (error.rows_written(), error.unknown_rows()),
            (2, Some(2..4))
        );
        assert!(error.call().is_some());
        let shown = error.to_string();
        assert!(
            shown.contains("rows 2 to 3") && shown.contains("COUNT(*)"),
            "{shown}"
        );
        assert_eq!(inserts(&sandbox).len(), 2, "nothing is sent twice");

        let count = numbers(&client).await.len() as u64;
        assert_eq!(count, if was_written { 4 } else { 2 });
        let again = client.insert_rows("rowfeed", "tides").columns(COLUMNS);
        let report = again
            .skip_rows(count)
            .batch_rows(2)
            .write(&all)
            .await
            .unwrap();
        assert_eq!(report.rows_written, 7 - count);
        assert_eq!(numbers(&client).await, (0..7).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_refused_batch_is_not_written_and_the_insert_resumes() {
    let (sandbox, client) = start().await;
    let insert = tides(&client).await;
    sandbox.fault(
        answer(403, "{\"error\":\"over the limit\"}")
            .path("/insert")
            .after(1),
    );
    let all = rows(5);
    let error = insert.batch_rows(2).write(&all).await.unwrap_err();
    assert_eq!(error.kind(), InsertErrorKind::Call, "{error}");
    assert_eq!((error.rows_written(), error.unknown_rows()), (2, None));
    assert!(error.to_string().contains("over the limit"), "{error}");
    assert_eq!(numbers(&client).await, [0, 1]);
    let again = client.insert_rows("rowfeed", "tides").columns(COLUMNS);
    again
        .skip_rows(error.rows_written())
        .write(&all)
        .await
        .unwrap();
    assert_eq!(numbers(&client).await, [0, 1, 2, 3, 4]);
}

#[tokio::test]
async fn a_batch_is_sent_again_after_a_429() {
    let (sandbox, client) = start().await;
    let insert = tides(&client).await;
    inserts(&sandbox);
    sandbox.fault(Fault::status(429).path("/insert"));
    insert.write(&rows(3)).await.unwrap();
    assert_eq!(inserts(&sandbox).len(), 2);
    assert_eq!(numbers(&client).await, [0, 1, 2]);
}

#[tokio::test]
async fn another_number_of_rows_than_were_sent_is_an_unknown_outcome() {
    let (sandbox, client) = start().await;
    let insert = tides(&client).await;
    sandbox.fault(answer(200, "{\"rows_written\":1}").path("/insert"));
    let error = insert.write(&rows(3)).await.unwrap_err();
    assert_eq!(error.unknown_rows(), Some(0..3));
    assert!(
        error.to_string().contains("1 rows for a batch of 3"),
        "{error}"
    );
}

#[tokio::test]
async fn a_stream_is_checked_and_written_batch_by_batch() {
    let (sandbox, client) = start().await;
    let insert = tides(&client).await;
    inserts(&sandbox);
    let mut items: Vec<Result<Value, String>> = Vec::new();
    items.extend((0..5).map(|n| Ok(json!({ "n": n }))));
    items.push(Ok(json!({ "n": true })));
    let error = insert
        .batch_rows(2)
        .write_stream(stream(items.clone()))
        .await;
    let error = error.unwrap_err();
    assert_eq!((error.kind(), error.row()), (InsertErrorKind::Row, Some(5)));
    assert_eq!((error.rows_written(), error.unknown_rows()), (4, None));
    assert_eq!(numbers(&client).await, [0, 1, 2, 3]);

    items[5] = Err("the tap is closed".to_owned());
    let again = client.insert_rows("rowfeed", "tides").columns(COLUMNS);
    let error = again.skip_rows(4).write_stream(stream(items.clone())).await;
    let error = error.unwrap_err();
    assert_eq!(
        (error.kind(), error.rows_written()),
        (InsertErrorKind::Source, 4)
    );
    assert!(error.to_string().contains("the tap is closed"), "{error}");

    items[5] = Ok(json!({ "n": 5 }));
    let again = client.insert_rows("rowfeed", "tides").columns(COLUMNS);
    let call = again.skip_rows(4).write_stream(stream(items));
    let report = tokio::spawn(call).await.unwrap().unwrap();
    assert_eq!((report.rows_written, report.batches), (2, 1));
    assert_eq!(numbers(&client).await, (0..6).collect::<Vec<_>>());
}

/// What the progress said before the future was dropped is enough to find out.
#[tokio::test]
async fn a_dropped_insert_was_told_which_batch_was_on_its_way() {
    let (sandbox, client) = start().await;
    let insert = tides(&client).await;
    sandbox.fault(
        Fault::delay(std::time::Duration::from_secs(60))
            .path("/insert")
            .after(1),
    );
    let last = Arc::new(Mutex::new(None));
    let (seen, told) = (Arc::clone(&last), tokio::sync::Notify::new());
    let told = Arc::new(told);
    let tell = Arc::clone(&told);
    let insert = insert.batch_rows(2).on_progress(move |progress| {
        if progress.sending == Some(2..4) {
            tell.notify_one();
        }
        *seen.lock().unwrap() = Some((progress.rows_written, progress.sending.clone()));
    });
    let all = rows(7);
    tokio::select! {
        result = insert.write(&all) => panic!("{result:?}"),
        () = told.notified() => {}
    }
    assert_eq!(*last.lock().unwrap(), Some((2, Some(2..4))));
}

#[tokio::test]
async fn formats_that_are_not_established_can_be_chosen() {
    let (sandbox, client) = start().await;
    let row = BTreeMap::from([("hash", "0x01ff"), ("value", "7")]);
    let insert = || {
        let insert = client.insert_rows("rowfeed", "hashes").create_table();
        insert.columns([("value", "uint256"), ("hash", "varchar")])
    };
    insert().write(std::slice::from_ref(&row)).await.unwrap();
    let numbers = insert().wide_numbers(WideNumbers::Number);
    numbers.write(std::slice::from_ref(&row)).await.unwrap();
    assert_eq!(
        inserts(&sandbox),
        [
            "{\"value\":\"7\",\"hash\":\"0x01ff\"}\n",
            "{\"value\":7,\"hash\":\"0x01ff\"}\n"
        ]
    );
    let blobs = client.insert_rows("rowfeed", "blobs").create_table();
    let blobs = blobs
        .columns([("hash", "bytes")])
        .binary_format(BinaryFormat::Hex);
    struct Bytes;
    impl Serialize for Bytes {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_bytes(&[1, 255])
        }
    }
    blobs
        .write([BTreeMap::from([("hash", Bytes)])].iter())
        .await
        .unwrap();
    assert_eq!(inserts(&sandbox), ["{\"hash\":\"01ff\"}\n"]);
}

#[tokio::test]
async fn a_table_is_created_once_and_its_settings_are_sent() {
    let (sandbox, client) = start().await;
    let insert = || {
        let insert = client.insert_rows("rowfeed", "tides").columns(COLUMNS);
        insert.private(true).description("levels by hour")
    };
    assert!(insert().write(&rows(1)).await.unwrap().created_table);
    assert!(!insert().write(&rows(1)).await.unwrap().created_table);
    let created = sandbox.take_requests().remove(0);
    let body: Value = serde_json::from_str(&created.body).unwrap();
    assert_eq!(body["is_private"], true);
    assert_eq!(body["description"], "levels by hour");
    assert_eq!(
        body["schema"][0],
        json!({ "name": "n", "type": "bigint", "nullable": true })
    );
    let other = client.insert_rows("rowfeed", "tides").create_table();
    let error = other
        .columns([("n", "double")])
        .write(&[json!({ "n": 1.5 })])
        .await
        .unwrap_err();
    assert_eq!(error.kind(), InsertErrorKind::Call);
    assert!(
        error
            .to_string()
            .starts_with("the table cannot be created: "),
        "{error}"
    );
}

#[cfg(feature = "schemars")]
#[tokio::test]
async fn a_table_is_created_from_a_struct() {
    #[derive(Serialize, schemars::JsonSchema)]
    enum Kind {
        Spring,
    }
    #[derive(Serialize, schemars::JsonSchema)]
    struct Tide {
        kind: Kind,
        level: f64,
        height: Option<i32>,
        count: u64,
        open: bool,
        note: Option<String>,
    }
    #[derive(Serialize, schemars::JsonSchema)]
    struct Odd {
        parts: Vec<i64>,
    }
    let (sandbox, client) = start().await;
    let insert = || client.insert_rows("rowfeed", "tides").create_table();
    let tide = Tide {
        kind: Kind::Spring,
        level: 1.5,
        height: None,
        count: 7,
        open: true,
        note: None,
    };
    insert()
        .columns_of::<Tide>()
        .unwrap()
        .write(&[tide])
        .await
        .unwrap();
    let body: Value = serde_json::from_str(&sandbox.take_requests().remove(0).body).unwrap();
    let column = |name: &str, ty: &str, nullable: bool| json!({ "name": name, "type": ty, "nullable": nullable });
    assert_eq!(
        body["schema"],
        json!([
            column("count", "bigint", false),
            column("height", "integer", true),
            column("kind", "varchar", false),
            column("level", "double", false),
            column("note", "varchar", true),
            column("open", "boolean", false),
        ])
    );
    let error = insert().columns_of::<Odd>().unwrap_err();
    assert!(error.to_string().contains("`parts`"), "{error}");
    let error = insert().columns_of::<i64>().unwrap_err();
    assert!(
        error.to_string().contains("a struct with named fields"),
        "{error}"
    );
}
