//! Record batches written to tables at Dune, and read back.
#![allow(clippy::unwrap_used, missing_docs)]

use std::sync::Arc;

use futures_util::{StreamExt as _, TryStreamExt as _};
use rowfeed::{Secret, dune, dune::insert::InsertErrorKind, prelude::*};
use rowfeed_arrow::{
    InsertBatchesExt as _, RecordBatchesExt as _,
    arrow_array::{
        ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, DictionaryArray,
        Float32Array, Int8Array, Int64Array, ListArray, RecordBatch, StringArray,
        TimestampMicrosecondArray, UInt64Array,
        types::{Int32Type, Int64Type},
    },
    arrow_schema::Schema,
};
use rowfeed_sandbox::{DUNE_API_KEY, DUNE_QUERY_ID, Fault, Sandbox};
use serde_json::json;

async fn start() -> (Sandbox, dune::Client) {
    let sandbox = Sandbox::builder().poll_steps(0).start().await.unwrap();
    let client = dune::Client::builder().base_url(sandbox.dune_url());
    let client = client.api_key(Secret::new(DUNE_API_KEY).unwrap());
    (sandbox, client.build().unwrap())
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter(columns).unwrap()
}

fn numbers(range: std::ops::Range<i64>) -> RecordBatch {
    batch(vec![("n", Arc::new(Int64Array::from_iter_values(range)))])
}

async fn count(client: &dune::Client, table: &str) -> Vec<i64> {
    let sql = format!("SELECT n FROM dune.rowfeed.{table} ORDER BY n");
    let run = client.execute_sql().sql(sql).run().await.unwrap();
    run.rows().try_collect().await.unwrap()
}

#[tokio::test]
async fn a_result_is_copied_with_its_types_and_every_value() {
    let (_sandbox, client) = start().await;
    let latest = || client.get_latest_query_result().query_id(DUNE_QUERY_ID);
    let read = latest().record_batches().try_collect().await.unwrap();
    let insert = client.insert_rows("rowfeed", "copy").create_table();
    let insert = insert.columns_of_schema(&read[0].schema()).unwrap();
    let report = insert.write_batches(&read).await.unwrap();
    assert_eq!(report.rows_written, 48);
    let sql = "SELECT * FROM dune.rowfeed.copy";
    let run = client.execute_sql().sql(sql).run().await.unwrap();
    let copy = run.record_batches().try_collect().await.unwrap();
    assert_eq!(copy[0].num_rows(), 48);
    for field in read[0].schema().fields() {
        let [before, after] = [&read[0], &copy[0]].map(|b| b.column_by_name(field.name()).unwrap());
        assert_eq!(before, after, "{field}");
    }
}

#[tokio::test]
async fn every_type_of_arrow_becomes_one_of_dune() {
    let (_sandbox, client) = start().await;
    let list = ListArray::from_iter_primitive::<Int64Type, _, _>([Some(vec![Some(1), None])]);
    let decimal = Decimal128Array::from_iter_values([-12_345]);
    let rows = batch(vec![
        ("a", Arc::new(BooleanArray::from(vec![true]))),
        ("b", Arc::new(Int8Array::from(vec![-7]))),
        ("c", Arc::new(Float32Array::from(vec![0.1]))),
        (
            "d",
            Arc::new(decimal.with_precision_and_scale(9, 2).unwrap()),
        ),
        ("e", Arc::new(BinaryArray::from(vec![&[1, 255][..]]))),
        ("f", Arc::new(Date32Array::from(vec![19_844]))),
        (
            "g",
            Arc::new(
                TimestampMicrosecondArray::from(vec![1_714_557_600_500_000])
                    .with_timezone("+02:00"),
            ),
        ),
        ("h", Arc::new(StringArray::from(vec!["ü"]))),
        ("i", Arc::new(list)),
    ]);
    let columns = rows.schema().project(&[0, 1, 2, 3, 4, 5, 6, 7]).unwrap();
    let insert = client.insert_rows("rowfeed", "types").create_table();
    let insert = insert.columns_of_schema(&columns).unwrap();
    // The list has no column: it is an error of its row, and nothing is sent.
    let error = insert
        .write_batches(std::slice::from_ref(&rows))
        .await
        .unwrap_err();
    assert_eq!((error.row(), error.column()), (Some(0), Some("i")));
    let insert = client.insert_rows("rowfeed", "types").create_table();
    let insert = insert.columns_of_schema(&columns).unwrap();
    let rows = rows.project(&[0, 1, 2, 3, 4, 5, 6, 7]).unwrap();
    insert.write_batches(&[rows]).await.unwrap();
    let run = client.execute_sql().sql("SELECT * FROM dune.rowfeed.types");
    let found: Vec<serde_json::Value> =
        run.run().await.unwrap().rows().try_collect().await.unwrap();
    assert_eq!(
        found,
        [json!({
            "a": true, "b": -7, "c": 0.1, "d": "-123.45", "e": "0x01ff", "f": "2024-05-01",
            "g": "2024-05-01T10:00:00.5+00:00", "h": "ü",
        })]
    );
}

#[tokio::test]
async fn a_list_is_written_to_a_declared_column() {
    let (sandbox, client) = start().await;
    let list = ListArray::from_iter_primitive::<Int64Type, _, _>([Some(vec![Some(1), None]), None]);
    let rows = batch(vec![("i", Arc::new(list))]);
    let insert = client.insert_rows("rowfeed", "lists").create_table();
    let insert = insert.columns([("i", "array(bigint)")]);
    insert.write_batches(&[rows]).await.unwrap();
    let sent = sandbox.take_requests().pop().unwrap();
    assert_eq!(sent.body, "{\"i\":[1,null]}\n{\"i\":null}\n");
}

#[test]
fn a_field_without_a_column_type_is_an_error_before_anything_is_sent() {
    let client = dune::Client::new("key").unwrap();
    let words: DictionaryArray<Int32Type> = ["a", "b"].into_iter().collect();
    let schema: Schema = batch(vec![("w", Arc::new(words))])
        .schema()
        .as_ref()
        .clone();
    let insert = client.insert_rows("rowfeed", "words");
    let error = insert.columns_of_schema(&schema).unwrap_err().to_string();
    assert!(
        error.contains("`w`") && error.contains("columns()"),
        "{error}"
    );
}

#[tokio::test]
async fn a_value_that_does_not_fit_names_its_row_over_all_batches() {
    let (sandbox, client) = start().await;
    let big = batch(vec![("n", Arc::new(UInt64Array::from(vec![1, u64::MAX])))]);
    let insert = client.insert_rows("rowfeed", "tides").create_table();
    let insert = insert.columns_of_schema(&big.schema()).unwrap();
    let error = insert
        .write_batches(&[numbers(0..3), big])
        .await
        .unwrap_err();
    assert_eq!((error.kind(), error.row()), (InsertErrorKind::Row, Some(4)));
    assert!(error.to_string().contains("64 signed bits"), "{error}");
    assert!(sandbox.take_requests().is_empty());
}

#[tokio::test]
async fn a_stream_of_batches_resumes_after_a_lost_response() {
    let (sandbox, client) = start().await;
    let batches = || futures_util::stream::iter([numbers(0..3), numbers(3..4), numbers(4..7)]);
    let insert = || {
        let insert = client.insert_rows("rowfeed", "tides").create_table();
        insert.columns([("n", "bigint")]).batch_rows(2)
    };
    sandbox.fault(Fault::cut_body(5).path("/insert").after(1));
    let stream = batches().map(Ok::<_, String>);
    let error = insert().write_batch_stream(stream).await.unwrap_err();
    assert_eq!(error.unknown_rows(), Some(2..4));
    let there = count(&client, "tides").await;
    assert_eq!(there, [0, 1, 2, 3]);
    let stream = batches().map(Ok::<_, String>);
    let rest = insert()
        .skip_rows(there.len() as u64)
        .write_batch_stream(stream);
    assert_eq!(tokio::spawn(rest).await.unwrap().unwrap().rows_written, 3);
    assert_eq!(count(&client, "tides").await, [0, 1, 2, 3, 4, 5, 6]);

    // Batches of a result are such a stream.
    let run = client.execute_sql().sql("SELECT n FROM dune.rowfeed.tides");
    let read = run.run().await.unwrap().record_batches().page_size(3);
    let copy = client.insert_rows("rowfeed", "copy").create_table();
    let copy = copy.columns([("n", "bigint")]);
    copy.write_batch_stream(read.into_stream()).await.unwrap();
    assert_eq!(count(&client, "copy").await.len(), 7);
}
