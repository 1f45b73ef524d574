//! How many requests a query sends, and which.

use std::{sync::Arc, time::Duration};

use datafusion::{
    datasource::source::DataSourceExec,
    physical_plan::{ExecutionPlan, collect as collect_plan, execute_stream},
};
use futures_util::StreamExt as _;
use rowfeed_datafusion::ResultTable;
use rowfeed_sandbox::{Fault, Recorded, ScriptedResult, Service};

use crate::support::{
    Bench, DAYS, PLACES, PLACES_ROWS, TRADES, TRADES_ROWS, collect, lines, number, remote, session,
};

/// The offset and the limit of each page, sorted.
fn offsets(pages: &[Recorded], offset: &str) -> Vec<(u64, Option<usize>)> {
    let mut places: Vec<(u64, Option<usize>)> = pages
        .iter()
        .map(|page| {
            let place = page
                .query_value(offset)
                .map_or(0, |value| value.parse().unwrap());
            (place, page.rows)
        })
        .collect();
    places.sort_unstable();
    places
}

#[tokio::test]
async fn limit_10_is_one_page_with_ten_rows() {
    let bench = Bench::start().await;
    let ctx = remote(&bench, 8).await;
    for (table, offset) in [("t", "offset"), ("l", "page"), ("y", "offset")] {
        let rows = collect(&ctx, &format!("SELECT * FROM {table} LIMIT 10")).await;
        assert_eq!(lines(&rows, false).len(), 11, "{table}");
        let pages = bench.pages();
        assert_eq!(pages.len(), 1, "{table}: {:?}", offsets(&pages, offset));
        assert_eq!(pages[0].rows, Some(10));
    }
}

#[tokio::test]
async fn a_limit_in_the_middle_of_a_page_reads_no_row_more_than_a_page() {
    let bench = Bench::start().await;
    let ctx = remote(&bench, 8).await;
    let rows = collect(&ctx, "SELECT id FROM t LIMIT 14 OFFSET 3").await;
    assert_eq!(lines(&rows, false).len(), 15);
    assert_eq!(
        offsets(&bench.pages(), "offset"),
        [(0, Some(10)), (10, Some(7))]
    );
}

#[tokio::test]
async fn a_large_limit_is_divided_too_and_reads_no_row_more() {
    let bench = Bench::start().await;
    let ctx = remote(&bench, 8).await;
    let rows = collect(&ctx, "SELECT id FROM t LIMIT 95").await;
    assert_eq!(lines(&rows, false).len(), 96);
    let pages = offsets(&bench.pages(), "offset");
    assert_eq!(pages.len(), 10);
    assert_eq!(pages.iter().filter_map(|page| page.1).sum::<usize>(), 95);
}

#[tokio::test]
async fn only_the_columns_of_the_query_are_requested_from_dune() {
    let bench = Bench::start().await;
    let names: Vec<_> = (0..200).map(|n| (format!("c{n}"), "bigint")).collect();
    let wide = ScriptedResult::new(names).generated(25, |row| {
        (0..200).map(|column| (row * column).to_string()).collect()
    });
    bench
        .sandbox
        .script_result(Service::Dune, "SELECT * FROM wide", wide)
        .unwrap();
    let run = bench.run(Service::Dune, "SELECT * FROM wide").await;
    let ctx = session(4);
    let table = ResultTable::of(&run).await.unwrap();
    ctx.register_table("wide", table.into()).unwrap();
    let sql = "SELECT c3, c4 + c5 AS s FROM wide WHERE c199 > 10 ORDER BY c0";
    collect(&ctx, sql).await;
    let pages = bench.pages();
    assert_eq!(pages.len(), 1);
    assert_eq!(pages[0].query_value("columns").unwrap(), "c0,c3,c4,c5,c199");

    // No column is needed, so one that is short is read. A filter keeps the count from being known.
    collect(&ctx, "SELECT 1 FROM wide").await;
    assert_eq!(bench.pages()[0].query_value("columns").unwrap(), "c0");
}

#[tokio::test]
async fn each_partition_fetches_exactly_its_pages() {
    let bench = Bench::start().await;
    for (partitions, most) in [(1, 1), (2, 2), (8, 8)] {
        let ctx = remote(&bench, partitions).await;
        for (table, offset, rows) in [("t", "offset", TRADES_ROWS), ("y", "offset", PLACES_ROWS)] {
            collect(&ctx, &format!("SELECT * FROM {table}")).await;
            let whole = (0..rows.div_ceil(10))
                .map(|page| (page as u64 * 10, Some(10.min(rows - page * 10))));
            assert_eq!(
                offsets(&bench.pages(), offset),
                whole.collect::<Vec<_>>(),
                "{most}"
            );
        }
        // Lightdash counts pages from 1, and each page is fetched once.
        collect(&ctx, "SELECT * FROM l").await;
        let pages = offsets(&bench.pages(), "page");
        let numbers: Vec<_> = pages.iter().map(|page| page.0).collect();
        assert_eq!(numbers, (1..=11).collect::<Vec<_>>(), "{most} partitions");
    }
}

#[tokio::test]
async fn lightdash_has_at_most_four_partitions_by_default() {
    let bench = Bench::start().await;
    let run = bench.run(Service::Lightdash, DAYS).await;
    let ctx = session(16);
    for (name, table) in [
        ("four", ResultTable::of(&run).page_size(5)),
        ("six", ResultTable::of(&run).page_size(5).partitions(6)),
    ] {
        ctx.register_table(name, table.await.unwrap().into())
            .unwrap();
        let plan = ctx
            .table(name)
            .await
            .unwrap()
            .create_physical_plan()
            .await
            .unwrap();
        let partitions = leaf(&plan)
            .properties()
            .output_partitioning()
            .partition_count();
        assert_eq!(partitions, if name == "four" { 4 } else { 6 });
    }
}

#[tokio::test]
async fn a_count_of_a_verified_run_sends_nothing() {
    let bench = Bench::start().await;
    let ctx = remote(&bench, 8).await;
    for (table, rows) in [("t", "245"), ("l", "101"), ("y", "73")] {
        assert_eq!(
            number(&ctx, &format!("SELECT count(*) FROM {table}")).await,
            rows
        );
    }
    assert!(bench.sandbox.take_requests().is_empty());
}

#[tokio::test]
async fn a_total_that_equals_a_limit_is_counted_by_reading() {
    let bench = Bench::start().await;
    let ctx = session(1);
    let run = bench.run(Service::Lightdash, DAYS).await;
    let limited = ResultTable::of(&run).limit(101).await.unwrap();
    assert_eq!(
        (limited.total_rows(), limited.is_total_verified()),
        (Some(101), false)
    );
    ctx.register_table("limited", limited.into()).unwrap();
    assert_eq!(number(&ctx, "SELECT count(*) FROM limited").await, "101");
    assert_eq!(bench.pages().len(), 1);

    // As many rows as Lightdash gives unless asked for more.
    let column = || ScriptedResult::new([("n", "number")]);
    for (rows, is_verified) in [(499, true), (500, false), (5_000, false)] {
        let sql = format!("SELECT {rows} rows");
        let result = column().generated(rows, |n| vec![n.to_string()]);
        bench
            .sandbox
            .script_result(Service::Lightdash, &sql, result)
            .unwrap();
        let run = bench.run(Service::Lightdash, &sql).await;
        let table = ResultTable::of(&run).await.unwrap();
        assert_eq!(table.is_total_verified(), is_verified, "{rows}");
    }
}

#[tokio::test]
async fn a_table_is_made_from_declared_columns_without_a_request() {
    let bench = Bench::start().await;
    for (service, sql, requests) in [
        (Service::Dune, TRADES, 0),
        (Service::Lightdash, DAYS, 0),
        // Only a page tells the columns there.
        (Service::YandexQuery, PLACES, 1),
    ] {
        let run = bench.run(service, sql).await;
        let table = ResultTable::of(&run).await.unwrap();
        let pages = bench.sandbox.take_requests();
        assert_eq!(pages.len(), requests, "{service:?}");
        assert!(pages.iter().all(|page| page.rows == Some(1)));
        let schema = datafusion::catalog::TableProvider::schema(&table);
        ResultTable::of(&run).schema(schema).await.unwrap();
        assert!(bench.sandbox.take_requests().is_empty());
    }
}

/// The only leaf of a plan.
fn leaf(plan: &Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
    match plan.children()[..] {
        [] => Arc::clone(plan),
        [child] => leaf(child),
        _ => panic!("several children"),
    }
}

#[tokio::test]
async fn a_repeated_partition_reads_only_its_range() {
    let bench = Bench::start().await;
    let ctx = remote(&bench, 8).await;
    let query = ctx.sql("SELECT id FROM t").await.unwrap();
    let plan = leaf(&query.create_physical_plan().await.unwrap());
    assert!(plan.downcast_ref::<DataSourceExec>().is_some());
    for _ in 0..2 {
        let mut stream = plan.execute(5, ctx.task_ctx()).unwrap();
        let mut rows = 0;
        while let Some(batch) = stream.next().await {
            rows += batch.unwrap().num_rows();
        }
        assert_eq!(rows, 30);
        let pages = offsets(&bench.pages(), "offset");
        assert_eq!(pages, [(150, Some(10)), (160, Some(10)), (170, Some(10))]);
    }
}

#[tokio::test]
async fn a_request_that_fails_once_is_repeated_alone() {
    let bench = Bench::start().await;
    let ctx = remote(&bench, 2).await;
    bench
        .sandbox
        .fault(Fault::status(503).path("/results").after(4).times(1));
    let rows = collect(&ctx, "SELECT id FROM t").await;
    assert_eq!(lines(&rows, false).len(), TRADES_ROWS + 1);
    let pages = bench.pages();
    assert_eq!(pages.len(), 25 + 1);
    assert_eq!(
        pages.iter().filter(|page| page.status == Some(503)).count(),
        1
    );
}

#[tokio::test]
async fn a_result_without_rows_has_columns_and_no_rows() {
    let bench = Bench::start().await;
    for (service, column) in [
        (Service::Dune, "bigint"),
        (Service::Lightdash, "number"),
        (Service::YandexQuery, "Int64"),
    ] {
        let none = ScriptedResult::new([("n", column)]);
        bench
            .sandbox
            .script_result(service, "SELECT none", none)
            .unwrap();
        let run = bench.run(service, "SELECT none").await;
        let ctx = session(4);
        let table = ResultTable::of(&run).await.unwrap();
        ctx.register_table("none", table.into()).unwrap();
        assert_eq!(
            number(&ctx, "SELECT count(*) FROM none").await,
            "0",
            "{service:?}"
        );
        assert_eq!(
            number(&ctx, "SELECT count(n) FROM none").await,
            "0",
            "{service:?}"
        );
    }
}

#[tokio::test]
async fn pages_of_any_operation_are_one_partition() {
    let bench = Bench::start().await;
    let run = bench.run(Service::Dune, TRADES).await;
    let results = bench.dune.get_execution_results().execution_id(run.id());
    let results = results.sort_by("id desc");
    let pages = move || rowfeed::RowsExt::pages(results.clone());
    let table = ResultTable::from_pages(pages).page_size(100).await.unwrap();
    assert_eq!((table.total_rows(), table.run_id()), (None, None));
    let ctx = session(8);
    ctx.register_table("sorted", table.into()).unwrap();
    bench.sandbox.take_requests();
    assert_eq!(number(&ctx, "SELECT count(*) FROM sorted").await, "245");
    let pages = bench.pages();
    // One row tells the columns, because the operation does not.
    let whole = [
        (0, Some(1)),
        (0, Some(100)),
        (100, Some(100)),
        (200, Some(45)),
    ];
    assert_eq!(offsets(&pages, "offset"), whole);
    collect(&ctx, "SELECT id FROM sorted LIMIT 10").await;
    assert_eq!(offsets(&bench.pages(), "offset"), [(0, Some(10))]);
    assert_eq!(number(&ctx, "SELECT sum(id) FROM sorted").await, "29890");
}

#[tokio::test]
async fn nothing_is_sent_before_a_stream_is_polled_and_little_after_it_is_dropped() {
    let bench = Bench::start().await;
    let ctx = remote(&bench, 1).await;
    let query = ctx.sql("SELECT id FROM t").await.unwrap();
    let plan = query.create_physical_plan().await.unwrap();
    let mut stream = execute_stream(plan, ctx.task_ctx()).unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(bench.sandbox.take_requests().is_empty());
    stream.next().await.unwrap().unwrap();
    drop(stream);
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(bench.pages().len(), 1);
}

#[tokio::test]
async fn a_page_that_nobody_waits_for_is_cancelled() {
    let bench = Bench::start().await;
    let ctx = remote(&bench, 1).await;
    bench.sandbox.fault(
        Fault::delay(Duration::from_secs(30))
            .path("/results")
            .after(1)
            .always(),
    );
    let query = ctx.sql("SELECT id FROM t").await.unwrap();
    let mut stream = query.execute_stream().await.unwrap();
    stream.next().await.unwrap().unwrap();
    let waiting = tokio::time::timeout(Duration::from_millis(100), stream.next());
    assert!(waiting.await.is_err());
    drop(stream);
    bench.sandbox.clear_faults();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(bench.pages().len() <= 2);
}

#[tokio::test]
async fn metrics_count_pages_and_bytes() {
    let bench = Bench::start().await;
    let ctx = remote(&bench, 2).await;
    let query = ctx.sql("SELECT id FROM t").await.unwrap();
    let plan = query.create_physical_plan().await.unwrap();
    collect_plan(Arc::clone(&plan), ctx.task_ctx())
        .await
        .unwrap();
    let metrics = leaf(&plan).metrics().unwrap();
    let of = |name: &str| metrics.sum_by_name(name).unwrap().as_usize();
    assert_eq!(of("pages_fetched"), 25);
    assert!(of("bytes_fetched") > TRADES_ROWS * 5);
    assert!(of("time_waiting_for_pages") > 0);
    assert_eq!(metrics.output_rows(), Some(TRADES_ROWS));

    let explained = collect(&ctx, "EXPLAIN ANALYZE SELECT id FROM t").await;
    let text = lines(&explained, true).join(" ");
    assert!(text.contains("pages_fetched=25"), "{text}");
}
