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

/// The rows of a page.
const PAGE: u32 = 500;

const PARTITIONS: usize = 4;

async fn streamed(run: &CompletedRun) -> usize {
    let config = SessionConfig::new().with_target_partitions(PARTITIONS);
    let ctx = SessionContext::new_with_config(config);
    let table = ResultTable::of(run).page_size(PAGE).await.unwrap();
    ctx.register_table("t", table.into()).unwrap();
    peak(&ctx).await
}

/// The bytes of a page as JSON.
async fn page_bytes(run: &CompletedRun) -> usize {
    let mut batches = run.record_batches().page_size(PAGE);
    assert!(batches.try_next().await.unwrap().is_some());
    usize::try_from(batches.bytes_read()).unwrap()
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
        let (short_run, long_run) = (run(&dune, 20_000).await, run(&dune, 200_000).await);
        let short = streamed(&short_run).await;
        let long = streamed(&long_run).await;

        // What the same query needs if the rows are collected first.
        let before = MEMORY.current_usage();
        let batches = long_run.record_batches().page_size(PAGE);
        let batches = batches.try_collect().await.unwrap();
        let table = MemTable::try_new(batches[0].schema(), vec![batches]).unwrap();
        let held = MEMORY.current_usage().saturating_sub(before);
        let ctx = SessionContext::new();
        ctx.register_table("t", Arc::new(table)).unwrap();
        let collected = held + peak(&ctx).await;

        // At the peak, each partition may or may not have a page in each of its forms: the rows in
        // the sandbox, the body as sent and as received, and the batch.
        let by_chance = PARTITIONS * 4 * page_bytes(&long_run).await;
        eprintln!(
            "{short} bytes for 20,000 rows, {long} for 200,000, {collected} collected; by chance \
             {by_chance}"
        );
        assert!(
            by_chance < held / 2,
            "{held} bytes of rows would not be noticed"
        );
        assert!(
            long < short + by_chance,
            "{short} bytes for 20,000 rows, {long} for 200,000"
        );
        assert!(
            collected > long,
            "{collected} bytes collected, {long} streamed"
        );
    });
}
