//! How a table is made from a run.

use std::sync::Arc;

use datafusion::{
    arrow::datatypes::{DataType, Field, Schema},
    catalog::TableProvider as _,
};
use rowfeed::{ErrorKind, RunExt as _};
use rowfeed_datafusion::ResultTable;
use rowfeed_sandbox::{Sandbox, Service, YANDEX_PROJECT};

use crate::support::{Bench, TRADES, collect, lines, number, session};

#[tokio::test]
async fn a_column_can_be_read_as_another_type() {
    let bench = Bench::start().await;
    let run = bench.run(Service::Dune, TRADES).await;
    let big = DataType::Decimal256(76, 0);
    let table = ResultTable::of(&run)
        .column_type("big", big.clone())
        .await
        .unwrap();
    assert!(bench.sandbox.take_requests().is_empty());
    assert_eq!(
        table.schema().field_with_name("big").unwrap().data_type(),
        &big
    );
    let ctx = session(1);
    ctx.register_table("t", table.into()).unwrap();
    let most = number(&ctx, "SELECT max(big) FROM t").await;
    assert_eq!(most, format!("244{}", "0".repeat(38)));

    let error = ResultTable::of(&run)
        .column_type("bg", big)
        .await
        .unwrap_err();
    assert!(
        error
            .message()
            .contains("a column `bg`, but the result has none"),
        "{error}"
    );
}

#[tokio::test]
async fn a_schema_chooses_columns_and_their_order() {
    let bench = Bench::start().await;
    let run = bench.run(Service::Dune, TRADES).await;
    let schema = Arc::new(Schema::new(vec![
        Field::new("project", DataType::Utf8View, true),
        Field::new("id", DataType::Int32, false),
    ]));
    let table = ResultTable::of(&run)
        .schema(schema.clone())
        .page_size(100)
        .await
        .unwrap();
    let ctx = session(1);
    ctx.register_table("t", table.into()).unwrap();
    let batches = collect(&ctx, "SELECT * FROM t").await;
    assert_eq!(batches[0].schema(), schema);
    assert_eq!(lines(&batches, false).len(), 246);
}

#[tokio::test]
async fn one_of_several_results_is_chosen() {
    let bench = Bench::start().await;
    let query = bench.yandex_query.create_query().project(YANDEX_PROJECT);
    let query = query.text("SELECT project FROM projects; SELECT trade_id FROM trades");
    let run = query.run().await.unwrap();
    let error = ResultTable::of(&run).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    assert!(
        error
            .message()
            .contains("result_set(0) to result_set(1), or run a statement that has one"),
        "{error}"
    );
    let error = ResultTable::of(&run).result_set(2).await.unwrap_err();
    assert!(
        error
            .message()
            .contains("result 2 was requested, and it has 2"),
        "{error}"
    );

    let ctx = session(4);
    for (name, index, rows) in [("projects", 0, 4), ("trades", 1, 48)] {
        let table = ResultTable::of(&run)
            .result_set(index)
            .page_size(4)
            .await
            .unwrap();
        assert_eq!(table.total_rows(), Some(rows));
        ctx.register_table(name, table.into()).unwrap();
    }
    let sql = "SELECT count(DISTINCT trade_id), count(DISTINCT project) FROM trades, projects";
    assert_eq!(lines(&collect(&ctx, sql).await, true)[1], "| 48 | 4 |");
}

#[tokio::test]
async fn a_truncated_result_is_an_error_unless_accepted() {
    let bench = Bench::with(Sandbox::builder().poll_steps(0).dune_partial_after(30)).await;
    let run = bench
        .run(Service::Dune, "SELECT trade_id FROM trades")
        .await;
    let ctx = session(2);
    ctx.register_table("t", ResultTable::of(&run).await.unwrap().into())
        .unwrap();
    let error = ctx
        .sql("SELECT trade_id FROM t")
        .await
        .unwrap()
        .collect()
        .await
        .unwrap_err();
    let cause = rowfeed_datafusion::service_error(&error).unwrap();
    assert_eq!(cause.kind(), ErrorKind::Truncated);

    let part = ResultTable::of(&run).allow_truncated().await.unwrap();
    assert_eq!(part.total_rows(), None);
    ctx.register_table("part", part.into()).unwrap();
    assert_eq!(number(&ctx, "SELECT count(*) FROM part").await, "30");
}

#[tokio::test]
async fn rows_of_a_truncated_result_are_not_counted_silently() {
    let builder = Sandbox::builder().poll_steps(0);
    let builder = builder
        .dune_partial_after(30)
        .yandex_query_truncate_after(30);
    let bench = Bench::with(builder).await;
    for service in [Service::Dune, Service::YandexQuery] {
        let run = bench.run(service, "SELECT trade_id FROM trades").await;
        let ctx = session(2);
        let table = ResultTable::of(&run).schema(Arc::new(Schema::new(vec![Field::new(
            "trade_id",
            DataType::Int64,
            true,
        )])));
        ctx.register_table("t", table.await.unwrap().into())
            .unwrap();
        let count = ctx.sql("SELECT count(*) FROM t").await.unwrap();
        let error = count.collect().await.unwrap_err();
        let cause = rowfeed_datafusion::service_error(&error).unwrap();
        assert_eq!(cause.kind(), ErrorKind::Truncated, "{service:?}");
    }
}
