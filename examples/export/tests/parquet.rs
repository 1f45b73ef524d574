//! Checks that interrupted Parquet exports become complete, and that DataFusion reads back the rows
//! of the service.
#![allow(clippy::unwrap_used)]

mod support;

use std::path::Path;

use datafusion::{
    arrow::{array::RecordBatch, compute::concat_batches},
    prelude::{ParquetReadOptions, SessionConfig, SessionContext},
};
use example_testing::{run, succeed};
use rowfeed::{Secret, dune, prelude::*};
use rowfeed_arrow::RecordBatchesExt as _;
use rowfeed_sandbox::Sandbox;
use support::{Export, Stop};

#[test]
fn parquet_resumes_after_sigkill() {
    support::resumes_after("trades.parquet", Stop::Kill);
}

#[test]
fn parquet_resumes_after_ctrl_c() {
    support::resumes_after("trades.parquet", Stop::Interrupt);
}

#[tokio::test]
async fn datafusion_reads_back_the_same_rows() {
    let sandbox = Sandbox::builder().sample_rows(1_000).start().await.unwrap();
    let sql = "SELECT * FROM trades";
    let export = Export::new("trades.parquet");
    succeed(
        export
            .command(&sandbox)
            .args(["--sql", sql, "--page-rows", "300"]),
    );
    let parts = std::fs::read_dir(export.output()).unwrap().count();
    assert_eq!(parts, 4);

    let key = Secret::new(rowfeed_sandbox::DUNE_API_KEY).unwrap();
    let dune = dune::Client::builder()
        .base_url(sandbox.dune_url())
        .api_key(key);
    let run = dune
        .build()
        .unwrap()
        .execute_sql()
        .body(sql)
        .run()
        .await
        .unwrap();
    let sent = run.record_batches().try_collect().await.unwrap();
    let sent = concat_batches(&sent[0].schema(), &sent).unwrap();
    let read = read_back(&export.output()).await;

    assert_eq!(sent.num_rows(), 1_000);
    for (field, sent) in sent.schema().fields().iter().zip(sent.columns()) {
        let read = read.column_by_name(field.name()).unwrap();
        assert_eq!(sent, read, "{field}");
    }
    assert_eq!(sent.num_columns(), read.num_columns());
}

#[test]
fn an_existing_directory_is_not_touched() {
    let sandbox = Sandbox::start_blocking().unwrap();
    let export = Export::new("trades.parquet");
    std::fs::create_dir(export.output()).unwrap();
    let failed = run(export.command(&sandbox).args(["--sql", "SELECT 1 AS n"]));
    assert_eq!(failed.code, Some(1));
    assert!(failed.err.contains("already exists"), "{}", failed.err);
    assert!(sandbox.requests().is_empty(), "a query was started first");
}

#[tokio::test]
async fn a_result_without_rows_has_its_columns() {
    let sandbox = Sandbox::start_blocking().unwrap();
    let export = Export::new("none.parquet");
    let sql = "SELECT project, members FROM projects WHERE members > 99";
    succeed(export.command(&sandbox).args(["--sql", sql]));
    let read = read_back(&export.output()).await;
    assert_eq!((read.num_rows(), read.num_columns()), (0, 2));
}

/// All rows of a directory of Parquet files, in the order of the files.
async fn read_back(directory: &Path) -> RecordBatch {
    let mut config = SessionConfig::new().with_target_partitions(1);
    // Reads text as the type that was written.
    config
        .options_mut()
        .execution
        .parquet
        .schema_force_view_types = false;
    let context = SessionContext::new_with_config(config);
    let path = format!("{}/", directory.display());
    let table = context
        .read_parquet(path, ParquetReadOptions::default())
        .await
        .unwrap();
    let schema = table.schema().inner().clone();
    concat_batches(&schema, &table.collect().await.unwrap()).unwrap()
}
