//! Snapshots are read back as the rows of their run.

use std::{fs, path::Path};

use datafusion::prelude::SessionContext;
use rowfeed::CompletedRun;
use rowfeed_sandbox::{Fault, Service};
use rowfeed_snapshot::{Destination, Manifest, Snapshot, SnapshotError};

use crate::support::{
    Bench, DAYS, DAYS_ROWS, PLACES, PLACES_ROWS, TRADES, TRADES_ROWS, collect, in_memory, lines,
    session,
};

/// For each service: the table of [`in_memory`], its statement and its rows.
const TABLES: [(&str, Service, &str, usize); 3] = [
    ("t", Service::Dune, TRADES, TRADES_ROWS),
    ("l", Service::Lightdash, DAYS, DAYS_ROWS),
    ("y", Service::YandexQuery, PLACES, PLACES_ROWS),
];

async fn write(run: &CompletedRun, directory: &Path) -> Result<Manifest, SnapshotError> {
    let snapshot = Snapshot::new(run).rows_per_part(40).page_size(10);
    snapshot.write(&Destination::directory(directory)).await
}

/// A session with the files of a directory as a table.
async fn files(name: &str, directory: &Path) -> SessionContext {
    let ctx = session(2);
    let path = format!("{}/", directory.to_str().unwrap());
    ctx.register_parquet(name, &path, Default::default())
        .await
        .unwrap();
    ctx
}

/// The files have the columns and rows of the run.
async fn equals(bench: &Bench, name: &str, directory: &Path) {
    let (memory, files) = (in_memory(bench).await, files(name, directory).await);
    let [expected, found] = [&memory, &files].map(|ctx| ctx.table(name));
    let (expected, found) = (expected.await.unwrap(), found.await.unwrap());
    let expected = expected.schema().fields().iter();
    let expected: Vec<_> = expected.map(|field| field.name()).collect();
    let found: Vec<_> = found.schema().fields().iter().collect();
    let found: Vec<_> = found.iter().map(|field| field.name()).collect();
    assert_eq!(expected, found);
    let sql = format!("SELECT * FROM {name}");
    let expected = lines(&collect(&memory, &sql).await, false);
    assert_eq!(expected, lines(&collect(&files, &sql).await, false));
    let sql = format!("SELECT project, count(*) FROM {name} GROUP BY project");
    let expected = lines(&collect(&memory, &sql).await, false);
    assert_eq!(expected, lines(&collect(&files, &sql).await, false));
}

#[tokio::test]
async fn a_snapshot_has_the_rows_of_its_run() {
    let bench = Bench::start().await;
    for (name, service, sql, rows) in TABLES {
        let directory = tempfile::tempdir().unwrap();
        let run = bench.run(service, sql).await;
        let manifest = write(&run, directory.path()).await.unwrap();
        assert!(manifest.is_finished());
        assert_eq!(manifest.rows(), rows as u64);
        assert_eq!(manifest.parts().len(), rows.div_ceil(40));
        equals(&bench, name, directory.path()).await;
    }
}

#[tokio::test]
async fn a_resumed_snapshot_has_each_row_of_its_run_once() {
    let bench = Bench::start().await;
    let run = bench.run(Service::Dune, TRADES).await;
    let directory = tempfile::tempdir().unwrap();
    // The first two parts are whole, and the third one breaks off.
    let broken = Fault::status(403).path("/results").after(10).always();
    bench.sandbox.fault(broken);
    write(&run, directory.path()).await.unwrap_err();
    bench.sandbox.clear_faults();
    let files = || fs::read_dir(directory.path()).unwrap().count();
    let before = files();
    assert!(before >= 3, "{before} files with the manifest");
    bench.sandbox.take_requests();

    let manifest = write(&run, directory.path()).await.unwrap();
    assert_eq!(manifest.parts().len(), TRADES_ROWS.div_ceil(40));
    // What was whole is not read again.
    let pages = bench.pages().len();
    assert!(pages < 20, "{pages} of 25 pages");
    equals(&bench, "t", directory.path()).await;
}
