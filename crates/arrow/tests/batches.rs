//! Record batches: their schema, their rows, and how they are read page by page.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "../../rowfeed/tests/support/mod.rs"]
mod support;

use std::sync::Arc;

use futures_util::{TryStreamExt as _, stream::FusedStream as _};
use rowfeed::{CompletedRun, ErrorKind, prelude::*};
use rowfeed_arrow::{
    PageExt as _, RecordBatches, RecordBatchesExt as _,
    arrow_array::{Array as _, RecordBatch, cast::AsArray, types::Int64Type},
    arrow_schema::{DataType, Field, Schema, SchemaRef},
};
use rowfeed_sandbox::{DUNE_QUERY_ID, Fault, Sandbox, Service};
use serde_json::json;
use support::{
    ALL, Bench,
    dune_answers::{page, without_result},
    numbers, sent,
};

const DUNE: Service = Service::Dune;

/// The numbers of a batch, which are `Float64` at Lightdash.
fn numbers_of(batch: &RecordBatch) -> Vec<i64> {
    let column = batch.column(0);
    match column.as_primitive_opt::<Int64Type>() {
        Some(numbers) => numbers.values().to_vec(),
        None => panic!("{} is not read as numbers", column.data_type()),
    }
}

fn batches_of(run: &CompletedRun) -> RecordBatches {
    run.record_batches().column_type("n", DataType::Int64)
}

async fn collect(batches: RecordBatches) -> (Vec<usize>, Vec<i64>) {
    let batches = batches.try_collect().await.unwrap();
    let rows = batches.iter().flat_map(numbers_of).collect();
    (batches.iter().map(RecordBatch::num_rows).collect(), rows)
}

#[tokio::test]
async fn a_batch_is_a_page_and_the_cursor_is_after_it() {
    let bench = Bench::start().await;
    for service in ALL {
        let run = bench.numbers(service, 23).await;
        let mut batches = batches_of(&run).page_size(10);
        assert_eq!(batches.cursor(), None);
        let mut next = 0;
        while let Some(batch) = batches.try_next().await.unwrap() {
            let rows = numbers_of(&batch);
            let end = (next + 10).min(23);
            assert_eq!(rows, (next..end).collect::<Vec<_>>(), "{service:?}");
            next = end;
            let cursor = batches.cursor().unwrap();
            assert_eq!(cursor.row(), u64::try_from(next).unwrap());
            let (_, rest) = collect(batches_of(&run).page_size(10).resume(&cursor)).await;
            assert_eq!(rest, (next..23).collect::<Vec<_>>(), "{service:?}");
        }
        assert_eq!(next, 23);
        assert!(batches.is_terminated());
        assert!(batches.try_next().await.unwrap().is_none());
    }
}

#[tokio::test]
async fn pages_are_split_and_joined() {
    let bench = Bench::start().await;
    for service in ALL {
        let run = bench.numbers(service, 23).await;
        for (rows, sizes) in [
            (4, &[4, 4, 4, 4, 4, 3][..]),
            (10, &[10, 10, 3]),
            (12, &[12, 11]),
            (23, &[23]),
            (99, &[23]),
            (0, &[1; 23]),
        ] {
            let mut batches = batches_of(&run).page_size(10).batch_rows(rows);
            let mut seen = Vec::new();
            while let Some(batch) = batches.try_next().await.unwrap() {
                seen.push(batch.num_rows());
                let read: usize = seen.iter().sum();
                let cursor = batches.cursor().unwrap();
                assert_eq!(cursor.row(), read as u64, "{service:?} {rows}");
                let rest = batches_of(&run).page_size(7).batch_rows(5).resume(&cursor);
                let (_, rest) = collect(rest).await;
                let wanted: Vec<_> = (i64::try_from(read).unwrap()..23).collect();
                assert_eq!(rest, wanted, "{service:?} {rows}");
            }
            assert_eq!(seen, sizes, "{service:?} {rows}");
        }
        let (sizes, rows) =
            collect(batches_of(&run).page_size(10).max_rows(15).batch_rows(9)).await;
        assert_eq!(sizes, [9, 6], "{service:?}");
        assert_eq!(rows, (0..15).collect::<Vec<_>>(), "{service:?}");
        let (sizes, _) = collect(batches_of(&run).page_size(10).max_rows(15)).await;
        assert_eq!(sizes, [10, 5], "{service:?}");
    }
}

#[tokio::test]
async fn the_schema_is_known_before_the_rows_and_costs_one_page() {
    let bench = Bench::start().await;
    for service in ALL {
        let run = bench.numbers(service, 23).await;
        let mut batches = run.record_batches().page_size(10);
        let schema = batches.schema().await.unwrap();
        assert_eq!(bench.rows_sent(), [10], "{service:?}");
        assert_eq!(batches.schema().await.unwrap(), schema);
        assert_eq!(schema.field(0).name(), "n");
        let batch = batches.try_next().await.unwrap().unwrap();
        assert_eq!((batch.schema(), batch.num_rows()), (schema.clone(), 10));
        assert!(bench.rows_sent().is_empty(), "{service:?}");
        assert_eq!(batches.try_collect().await.unwrap().len(), 2);

        // A schema set by the user costs none.
        let given: SchemaRef = Arc::new(Schema::new(vec![Field::new("n", DataType::Int8, true)]));
        bench.sandbox.take_requests();
        let mut batches = run.record_batches().with_schema(given.clone());
        assert_eq!(batches.schema().await.unwrap(), given);
        assert!(bench.sandbox.requests().is_empty());
        let batch = batches.try_next().await.unwrap().unwrap();
        assert_eq!(batch.schema(), given);
    }
}

#[tokio::test]
async fn a_result_without_rows_has_its_schema() {
    let bench = Bench::start().await;
    for service in ALL {
        let run = bench.numbers(service, 0).await;
        let mut batches = run.record_batches();
        let schema = batches.schema().await.unwrap();
        assert_eq!(schema.field(0).name(), "n", "{service:?}");
        let batches = batches.try_collect().await.unwrap();
        assert_eq!(batches.len(), 1, "{service:?}");
        assert_eq!((batches[0].num_rows(), batches[0].schema()), (0, schema));

        let run = bench.numbers(service, 3).await;
        let mut batches = run.record_batches().max_rows(0);
        let error = batches.schema().await.unwrap_err();
        assert!(error.message().contains("with_schema()"), "{error}");
        assert!(batches.try_next().await.unwrap().is_none());
        assert!(bench.sandbox.requests().is_empty(), "{service:?}");
    }
}

#[tokio::test]
async fn a_page_without_rows_gives_no_batch() {
    let bench = Bench::start().await;
    for (rows, next) in [(&[][..], 4), (&[1, 2], 6), (&[], 12), (&[], 0)] {
        let next = (next > 0).then_some(next);
        bench.answer(DUNE, 0, page("01EXECUTION", rows, next));
    }
    let (sizes, rows) = collect(bench.execution("01EXECUTION").record_batches()).await;
    assert_eq!((sizes, rows), (vec![2], vec![1, 2]));
}

#[tokio::test]
async fn batches_before_a_value_that_does_not_fit_are_returned() {
    let bench = Bench::start().await;
    for service in ALL {
        let run = bench.numbers(service, 300).await;
        for (batch_rows, given) in [(None, 100), (Some(60), 120)] {
            let mut batches = run.record_batches().column_type("n", DataType::Int8);
            batches = batches.page_size(100);
            if let Some(rows) = batch_rows {
                batches = batches.batch_rows(rows);
            }
            let mut rows = 0;
            let error = loop {
                match batches.try_next().await {
                    Ok(batch) => rows += batch.unwrap().num_rows(),
                    Err(error) => break error,
                }
            };
            assert_eq!(rows, given, "{service:?}");
            assert_eq!(error.kind(), ErrorKind::Decode);
            assert_eq!(error.run_id(), Some(run.id()));
            let cell = error.as_decode().unwrap();
            assert_eq!((cell.page(), cell.row()), (Some(1), Some(128)), "{error}");
            assert_eq!((cell.column(), cell.wanted()), (Some("n"), Some("Int8")));
            assert_eq!(batches.cursor().unwrap().row(), given as u64);
            assert!(batches.is_terminated());
            assert!(batches.try_next().await.unwrap().is_none());
            let (_, rest) = collect(batches_of(&run).resume(&batches.cursor().unwrap())).await;
            assert_eq!(rest[0], i64::try_from(given).unwrap());
        }
    }
}

#[tokio::test]
async fn rows_before_a_failed_page_are_returned_before_the_error() {
    let bench = Bench::start().await;
    for service in ALL {
        let run = bench.numbers(service, 30).await;
        let fault = Fault::status(403)
            .on(service)
            .path(support::page_path(service));
        bench.sandbox.fault(fault.method("GET").after(2));
        let mut batches = batches_of(&run).page_size(10).batch_rows(25);
        let batch = batches.try_next().await.unwrap().unwrap();
        assert_eq!(batch.num_rows(), 20, "{service:?}");
        let cursor = batches.cursor().unwrap();
        assert_eq!(cursor.row(), 20);
        assert!(!batches.is_terminated());
        let error = batches.try_next().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Call, "{error}");
        assert!(batches.is_terminated());
        assert!(batches.try_next().await.unwrap().is_none());
        assert_eq!(batches.cursor(), Some(cursor.clone()));
        let (_, rest) = collect(batches_of(&run).resume(&cursor)).await;
        assert_eq!(rest, (20..30).collect::<Vec<_>>(), "{service:?}");
    }
}

#[tokio::test]
async fn pages_that_declare_other_columns_are_an_error() {
    let bench = Bench::start().await;
    bench.answer(DUNE, 0, page("01EXECUTION", &[1], Some(1)));
    let mut other = page("01EXECUTION", &[2], None);
    other["result"]["metadata"]["column_types"] = json!(["varchar"]);
    bench.answer(DUNE, 0, other);
    let mut batches = bench.execution("01EXECUTION").record_batches();
    assert!(batches.try_next().await.unwrap().is_some());
    let error = batches.try_next().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Paging);
    assert_eq!(
        error.message(),
        "page 1 declares other columns than the first"
    );
}

#[tokio::test]
async fn results_that_declare_no_columns_need_a_schema() {
    let bench = Bench::start().await;
    let mut bare = page("01EXECUTION", &[1, 2], None);
    bare["result"].as_object_mut().unwrap().remove("metadata");
    bench.answer(DUNE, 0, &bare);
    let mut batches = bench.execution("01EXECUTION").record_batches();
    let error = batches.schema().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    assert!(
        error.message().contains("set one with with_schema()"),
        "{error}"
    );
    assert!(batches.try_next().await.unwrap().is_none());

    bench.answer(DUNE, 0, &bare);
    let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, false)]));
    let batches = bench.execution("01EXECUTION").record_batches();
    assert_eq!(
        collect(batches.with_schema(schema)).await,
        (vec![2], vec![1, 2])
    );
}

#[tokio::test]
async fn a_schema_may_name_undeclared_columns_but_no_missing_ones() {
    let bench = Bench::start().await;
    let mut first = page("01EXECUTION", &[1, 2, 3], Some(3));
    first["result"]["rows"][1]["extra"] = json!("x");
    let columns = |name: &str| {
        let fields = [("n", DataType::Int64), (name, DataType::Utf8)];
        let fields = fields.map(|(name, data_type)| Field::new(name, data_type, true));
        Arc::new(Schema::new(fields.to_vec()))
    };
    for (name, is_there) in [("extra", true), ("extar", false)] {
        bench.answer(DUNE, 0, &first);
        bench.answer(DUNE, 0, page("01EXECUTION", &[4], None));
        let batches = bench.execution("01EXECUTION").record_batches();
        let mut batches = batches.with_schema(columns(name));
        match batches.try_next().await {
            Ok(batch) => {
                let batch = batch.unwrap();
                let nulls = [batch.column(0).null_count(), batch.column(1).null_count()];
                assert!(is_there);
                assert_eq!(nulls, [0, 2]);
                // Later batches may lack it.
                let next = batches.try_next().await.unwrap().unwrap();
                assert_eq!(next.column(1).null_count(), 1);
            }
            Err(error) => {
                assert!(!is_there);
                assert_eq!(
                    error.message(),
                    "the schema has a column `extar`, which the result does not declare, and no \
                     row of the first batch has it"
                );
                assert_eq!(batches.cursor(), None);
                assert!(batches.try_next().await.unwrap().is_none());
            }
        }
        bench.sandbox.take_requests();
    }
}

#[tokio::test]
async fn prefetched_pages_make_the_same_batches() {
    let bench = Bench::start().await;
    for service in ALL {
        let run = bench.numbers(service, 57).await;
        let batches = batches_of(&run).page_size(5).prefetch(3).batch_rows(8);
        let (sizes, rows) = collect(batches).await;
        assert_eq!(sizes, [8, 8, 8, 8, 8, 8, 8, 1], "{service:?}");
        assert_eq!(rows, (0..57).collect::<Vec<_>>(), "{service:?}");
    }
}

#[tokio::test]
async fn settings_reach_the_pages() {
    let bench = Bench::with(Sandbox::builder().poll_steps(0).dune_partial_after(10)).await;
    let run = bench.run(DUNE, &numbers(23)).await;
    let error = run.record_batches().try_collect().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Truncated);
    let (sizes, _) = collect(run.record_batches().allow_truncated().page_size(4)).await;
    assert_eq!(sizes, [4, 4, 2]);
    assert!(sent(&bench.pages_asked(), "limit").contains(&Some("4".to_owned())));

    let sql = "SELECT launched_on FROM projects LIMIT 1";
    let run = bench.run(Service::Lightdash, sql).await;
    for (formatted, data_type) in [(false, DataType::Date32), (true, DataType::Utf8)] {
        let mut batches = run.record_batches();
        if formatted {
            batches = batches.formatted();
        }
        let schema = batches.schema().await.unwrap();
        assert_eq!(schema.field(0).data_type(), &data_type);
        assert_eq!(batches.try_next().await.unwrap().unwrap().num_rows(), 1);
    }
}

#[tokio::test]
async fn operations_pages_and_result_sets_have_batches() {
    let bench = Bench::start().await;
    let latest = || bench.dune.get_latest_query_result().query_id(DUNE_QUERY_ID);
    let columns = latest().columns("trade_id").record_batches();
    let schema = columns.try_collect().await.unwrap()[0].schema();
    assert_eq!(schema.fields().len(), 1);
    let pages = latest().pages().page_size(40).record_batches();
    assert_eq!(pages.try_collect().await.unwrap().len(), 2);

    let run = bench.numbers(DUNE, 23).await;
    let pages = run.pages().page_size(10).max_rows(17);
    for (page, rows) in pages
        .try_collect::<Vec<_>>()
        .await
        .unwrap()
        .iter()
        .zip([10, 7])
    {
        assert_eq!(page.record_batch().unwrap().num_rows(), rows);
    }

    let statements = "SELECT 1 AS a; SELECT 2 AS b";
    let run = bench.run(Service::YandexQuery, statements).await;
    let error = run.record_batches().try_next().await.unwrap_err();
    assert!(
        error.message().contains("choose one with result_set(0)"),
        "{error}"
    );
    let batches = run.result_set(1).record_batches();
    assert_eq!(
        batches.try_collect().await.unwrap()[0]
            .schema()
            .field(0)
            .name(),
        "b"
    );
}

#[tokio::test]
async fn batches_are_a_stream_that_can_be_sent() {
    fn is_free<T: Send + 'static>(value: T) -> T {
        value
    }
    let bench = Bench::start().await;
    let run = bench.numbers(DUNE, 23).await;
    let batches = is_free(run.record_batches().page_size(10));
    drop(run);
    assert!(bench.sandbox.requests().is_empty());
    let rows = tokio::spawn(batches.try_fold(0, async |rows, batch| Ok(rows + batch.num_rows())));
    assert_eq!(rows.await.unwrap().unwrap(), 23);
}

#[tokio::test]
async fn an_error_before_the_first_page_keeps_the_cursor_of_the_batches() {
    let bench = Bench::start().await;
    let run = bench.numbers(DUNE, 23).await;
    let mut batches = run.record_batches().page_size(10);
    batches.try_next().await.unwrap();
    let cursor = batches.cursor().unwrap();
    bench.answer(DUNE, 0, without_result("QUERY_STATE_EXECUTING"));
    let mut batches = run.record_batches().resume(&cursor);
    assert_eq!(batches.cursor(), Some(cursor.clone()));
    assert!(batches.try_next().await.is_err());
    assert_eq!(batches.cursor(), Some(cursor));
}

#[cfg(feature = "blocking")]
mod blocking {
    use rowfeed::Error;
    use rowfeed_arrow::{arrow_array::RecordBatchReader, arrow_schema::ArrowError};

    use super::*;

    #[tokio::test]
    async fn a_blocking_reader_has_schema_and_cursor() {
        let bench = Bench::start().await;
        for service in ALL {
            let run = bench.numbers(service, 23).await;
            let batches = batches_of(&run).page_size(10).batch_rows(15).blocking();
            let mut batches = batches.unwrap();
            assert_eq!(bench.rows_sent(), [10], "{service:?}");
            let reader: &mut dyn RecordBatchReader = &mut batches;
            assert_eq!(reader.schema().field(0).data_type(), &DataType::Int64);
            let batch = reader.next().unwrap().unwrap();
            assert_eq!((batch.num_rows(), batch.schema()), (15, reader.schema()));
            let cursor = batches.cursor().unwrap();
            assert_eq!(cursor.row(), 15);
            assert_eq!(batches.next().unwrap().unwrap().num_rows(), 8);
            assert!(batches.next().is_none() && batches.next().is_none());
            let rest = batches_of(&run).resume(&cursor).blocking().unwrap();
            assert_eq!(
                rest.map(|batch| batch.unwrap().num_rows()).sum::<usize>(),
                8
            );
        }
    }

    #[tokio::test]
    async fn an_arrow_error_contains_the_error() {
        let bench = Bench::start().await;
        let run = bench.numbers(DUNE, 300).await;
        let batches = run.record_batches().column_type("n", DataType::UInt8);
        let mut batches = batches.page_size(200).blocking().unwrap();
        assert!(batches.next().unwrap().is_ok());
        let Some(Err(ArrowError::ExternalError(error))) = batches.next() else {
            panic!("there is a number of 256");
        };
        let error = error.downcast::<Error>().unwrap();
        assert_eq!(error.as_decode().unwrap().row(), Some(256));
        assert!(batches.next().is_none());

        let batches = run.record_batches().column_type("m", DataType::UInt8);
        let error = batches.blocking().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    }

    #[tokio::test]
    async fn a_schema_set_by_the_user_sends_nothing() {
        let bench = Bench::start().await;
        let run = bench.numbers(DUNE, 3).await;
        let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Int8, true)]));
        let mut batches = run.record_batches().with_schema(schema).blocking().unwrap();
        assert!(bench.sandbox.requests().is_empty());
        assert_eq!(batches.next().unwrap().unwrap().num_rows(), 3);
        // Batches that were read with async cannot become blocking.
        let mut begun = run.record_batches().page_size(1);
        begun.try_next().await.unwrap();
        let mut begun = begun.blocking().unwrap();
        assert!(begun.next().unwrap().is_err());
    }
}

/// Returns every text of an error.
fn shown(error: &rowfeed::Error) -> String {
    format!("{error} {error:#?} {:?}", error.as_decode())
}

#[tokio::test]
async fn no_error_shows_a_credential_that_the_service_sends_back() {
    let bench = Bench::start().await;
    let key = rowfeed_sandbox::DUNE_API_KEY;
    let escaped = key.replace('k', "\\u006b");
    for written in [key, &escaped] {
        for (columns, cell) in [
            (&["n"][..], "you sent KEY"),
            (&["n"], &format!("{} KEY", "x".repeat(65))),
            (&["KEY", "KEY"], "7"),
            (&["KEY"], "seven"),
        ] {
            let (column, kinds) = (columns[0], ["bigint"; 2]);
            let body = json!({
                "execution_id": "01RUN", "state": "QUERY_STATE_COMPLETED",
                "is_execution_finished": true,
                "result": {
                    "metadata": {
                        "column_names": columns, "column_types": kinds[..columns.len()],
                    },
                    "rows": [{ column: cell }],
                },
            });
            let body = body.to_string().replace("KEY", written);
            let read = || bench.execution("01RUN").pages();
            bench.answer(DUNE, 0, &body);
            let whole = read().record_batches().try_collect().await.unwrap_err();
            bench.answer(DUNE, 0, &body);
            let schema = Schema::new(vec![Field::new("n", DataType::Int64, true)]);
            let named = read().record_batches().with_schema(Arc::new(schema));
            let named = named.try_collect().await.unwrap_err();
            bench.answer(DUNE, 0, &body);
            let page = read().try_next().await.unwrap().unwrap();
            let page = page.record_batch().unwrap_err();
            for text in [shown(&whole), shown(&named), shown(&page)] {
                assert!(
                    !text.contains(&key[..6]) && !text.contains("\\u006b"),
                    "{text}"
                );
            }
            assert!(shown(&whole).contains("****"), "{whole}");
            assert!(shown(&page).contains("****"), "{page}");
        }
    }
}
