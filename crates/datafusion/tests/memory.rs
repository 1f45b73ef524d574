//! Memory does not grow with the length of a result. This is a separate process with a counting
//! allocator; the sandbox in it makes each row when a page needs it.
#![allow(clippy::unwrap_used, missing_docs)]

use std::sync::Arc;

use datafusion::{
    datasource::MemTable,
    prelude::{SessionConfig, SessionContext},
};
use peak_alloc::PeakAlloc;
use rowfeed::{CompletedRun, Secret, dune, prelude::*};
use rowfeed_arrow::RecordBatchesExt as _;
use rowfeed_datafusion::ResultTable;
use rowfeed_sandbox::{DUNE_API_KEY, Sandbox};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const MB: usize = 1_000_000;

const GROUPS: &str = "SELECT project, count(*) AS n, sum(amount), max(price) FROM t GROUP BY project ORDER BY project";

async fn run(dune: &dune::Client, rows: usize) -> CompletedRun {
    let sql = format!("SELECT * FROM synthetic({rows})");
    dune.execute_sql().sql(sql).run().await.unwrap()
}

/// The most bytes that were in use during the query, beyond those before it.
async fn peak(ctx: &SessionContext) -> usize {
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let rows = ctx.sql(GROUPS).await.unwrap().collect().await.unwrap();
    assert_eq!(rows.iter().map(|batch| batch.num_rows()).sum::<usize>(), 4);
    MEMORY.peak_usage().saturating_sub(before)
}

async fn streamed(dune: &dune::Client, rows: usize) -> usize {
    let run = run(dune, rows).await;
    let ctx = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(4));
    let table = ResultTable::of(&run).page_size(2_000).await.unwrap();
    ctx.register_table("t", table.into()).unwrap();
    peak(&ctx).await
}

#[test]
fn a_group_by_over_a_longer_result_takes_no_more_memory() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    runtime.unwrap().block_on(async {
        let sandbox = Sandbox::builder().poll_steps(0).start().await.unwrap();
        let dune = dune::Client::builder().base_url(sandbox.dune_url());
        let dune = dune
            .api_key(Secret::new(DUNE_API_KEY).unwrap())
            .build()
            .unwrap();
        let short = streamed(&dune, 20_000).await;
        let long = streamed(&dune, 200_000).await;
        assert!(
            long < short + 6 * MB,
            "{short} bytes for 20,000 rows, {long} for 200,000"
        );
        assert!(long < 40 * MB, "{long} bytes");

        // What the same query needs if the rows are collected first.
        let run = run(&dune, 200_000).await;
        let before = MEMORY.current_usage();
        let batches = run
            .record_batches()
            .page_size(2_000)
            .try_collect()
            .await
            .unwrap();
        let table = MemTable::try_new(batches[0].schema(), vec![batches]).unwrap();
        let held = MEMORY.current_usage().saturating_sub(before);
        let ctx = SessionContext::new();
        ctx.register_table("t", Arc::new(table)).unwrap();
        let collected = held + peak(&ctx).await;
        assert!(
            collected > long,
            "{collected} bytes collected, {long} streamed"
        );
        eprintln!(
            "{} MB for 20,000 rows, {} MB for 200,000, {} MB collected",
            short / MB,
            long / MB,
            collected / MB
        );
    });
}
