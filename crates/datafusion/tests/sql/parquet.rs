//! Parquet files are whole or not there.

use std::fs;

use datafusion::prelude::SessionContext;
use rowfeed_datafusion::{ResultTable, service_error, write_parquet};
use rowfeed_sandbox::{Fault, Service};

use crate::support::{Bench, TRADES, collect, lines, session};

async fn table(bench: &Bench) -> SessionContext {
    let run = bench.run(Service::Dune, TRADES).await;
    let ctx = session(1);
    let table = ResultTable::of(&run).page_size(50).partitions(1);
    ctx.register_table("t", table.await.unwrap().into())
        .unwrap();
    ctx
}

#[tokio::test]
async fn a_file_has_the_rows_and_types_of_the_query() {
    let bench = Bench::start().await;
    let ctx = table(&bench).await;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("all types.parquet");
    let query = ctx.sql("SELECT * FROM t").await.unwrap();
    assert_eq!(write_parquet(query, &path, None).await.unwrap(), 245);
    let read = session(1);
    let name = path.to_str().unwrap();
    read.register_parquet("t", name, Default::default())
        .await
        .unwrap();
    for sql in [
        "SELECT * FROM t ORDER BY id",
        "SELECT sum(price), max(at_zone) FROM t",
    ] {
        let written = lines(&collect(&read, sql).await, true);
        assert_eq!(written, lines(&collect(&ctx, sql).await, true), "{sql}");
    }
    let names: Vec<_> = fs::read_dir(directory.path()).unwrap().collect();
    assert_eq!(names.len(), 1);
}

#[tokio::test]
async fn a_query_that_fails_leaves_no_file_and_keeps_the_old_one() {
    let bench = Bench::start().await;
    let ctx = table(&bench).await;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("t.parquet");
    for before in [None, Some("before")] {
        if let Some(before) = before {
            fs::write(&path, before).unwrap();
        }
        bench
            .sandbox
            .fault(Fault::status(403).path("/results").after(3).always());
        let query = ctx.sql("SELECT id FROM t").await.unwrap();
        let error = write_parquet(query, &path, None).await.unwrap_err();
        bench.sandbox.clear_faults();
        assert!(service_error(&error).unwrap().is_unauthorized());
        assert_eq!(fs::read_to_string(&path).ok().as_deref(), before);
        let names = fs::read_dir(directory.path()).unwrap().count();
        assert_eq!(names, usize::from(before.is_some()));
    }
}

#[tokio::test]
async fn a_write_that_is_dropped_leaves_nothing() {
    let bench = Bench::start().await;
    let ctx = table(&bench).await;
    let directory = tempfile::tempdir().unwrap();
    let delay = Fault::delay(std::time::Duration::from_secs(30));
    bench
        .sandbox
        .fault(delay.path("/results").after(2).always());
    let query = ctx.sql("SELECT id FROM t").await.unwrap();
    let writing = write_parquet(query, directory.path().join("t.parquet"), None);
    let limit = std::time::Duration::from_millis(300);
    assert!(tokio::time::timeout(limit, writing).await.is_err());
    bench.sandbox.clear_faults();
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_target_that_cannot_be_written_is_an_error() {
    let bench = Bench::start().await;
    let ctx = table(&bench).await;
    let directory = tempfile::tempdir().unwrap();
    let query = ctx.sql("SELECT id FROM t").await.unwrap();
    let path = directory.path().join("no/such/t.parquet");
    assert!(write_parquet(query.clone(), path, None).await.is_err());

    let path = directory.path().join("t.parquet");
    fs::create_dir(&path).unwrap();
    let error = write_parquet(query, &path, None).await.unwrap_err();
    let wanted = format!("cannot write {}: ", path.display());
    assert!(error.to_string().contains(&wanted), "{error}");
    let names: Vec<_> = fs::read_dir(directory.path()).unwrap().collect();
    assert_eq!(names.len(), 1, "{names:?}");
}
