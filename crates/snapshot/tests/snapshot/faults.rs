//! Interruptions at every point: the rows are the rows of the run, none of them twice.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use rowfeed::CompletedRun;
use rowfeed_sandbox::Fault;
use rowfeed_snapshot::{
    Destination, Manifest, Snapshot, SnapshotErrorKind,
    object_store::{local::LocalFileSystem, memory::InMemory},
};

use crate::support::{Failure, Flaky, dune, read, rows, sandbox};

const SQL: &str = "SELECT * FROM trades ORDER BY block_time";

fn write(run: &CompletedRun) -> Snapshot<'_> {
    Snapshot::new(run).rows_per_part(9).page_size(5).prefetch(0)
}

/// Every operation of the store fails once: before it has an effect, after it, and for ever.
#[tokio::test]
async fn a_store_that_fails_at_any_operation_loses_and_repeats_no_row() {
    let sandbox = sandbox().await;
    let run = dune(&sandbox, SQL).await;
    let expected = rows(&run).await;
    for failure in [Failure::Before, Failure::After, Failure::Hangs] {
        for at in 0.. {
            let store = Arc::new(InMemory::new());
            let flaky = Flaky::new(&store, at, failure);
            let destination = Destination::store(flaky.clone(), "t");
            let first = tokio::select! {
                first = write_all(&run, &destination) => Some(first),
                () = flaky.hangs() => None,
            };
            if !flaky.has_failed() {
                assert!(first.is_some_and(|first| first.is_ok()));
                assert!(at > 15, "only {at} operations");
                break;
            }
            match (failure, first) {
                (Failure::Hangs, first) => assert!(first.is_none()),
                (_, first) => {
                    let error = first.unwrap().unwrap_err();
                    assert_eq!(
                        error.kind(),
                        SnapshotErrorKind::Store,
                        "{failure:?} {at}: {error}"
                    );
                }
            }
            // Whatever is there says so truly.
            let destination = Destination::store(store.clone(), "t");
            if let Some(there) = Manifest::read(&destination).await.unwrap()
                && there.is_finished()
            {
                assert_eq!(there.rows(), 48);
            }
            let manifest = write_all(&run, &destination).await;
            let manifest = manifest.unwrap_or_else(|error| panic!("{failure:?} {at}: {error}"));
            assert!(manifest.is_finished());
            assert_eq!(
                read(&*store, "t", &manifest).await,
                expected,
                "{failure:?} {at}"
            );
        }
    }
}

async fn write_all(
    run: &CompletedRun,
    destination: &Destination,
) -> Result<Manifest, rowfeed_snapshot::SnapshotError> {
    write(run).write(destination).await
}

#[tokio::test]
async fn a_service_that_fails_at_any_page_loses_and_repeats_no_row() {
    let sandbox = sandbox().await;
    let run = dune(&sandbox, SQL).await;
    let expected = rows(&run).await;
    let faults: [fn() -> Fault; 3] = [|| Fault::status(500), Fault::reset, || Fault::cut_body(40)];
    for fault in faults {
        for page in 0..11_u32 {
            let temporary = tempfile::tempdir().unwrap();
            let destination = Destination::directory(temporary.path());
            let at_page = fault().path("/results").after(page).times(1);
            sandbox.fault(at_page);
            let first = write(&run).write(&destination).await;
            sandbox.clear_faults();
            if page < 10 {
                let error = first.unwrap_err();
                assert_eq!(error.kind(), SnapshotErrorKind::Rows);
                assert_eq!(error.as_rows().unwrap().run_id(), Some(run.id()));
            }
            sandbox.take_requests();
            let manifest = write(&run).write(&destination).await.unwrap();
            let fetched: usize = sandbox
                .take_requests()
                .iter()
                .filter_map(|request| request.rows)
                .sum();
            // Parts that were stored are not fetched again.
            let stored = (page as usize * 5) / 9 * 9;
            assert!(page >= 10 || fetched <= 48 - stored, "{page}: {fetched}");
            let store = LocalFileSystem::new_with_prefix(temporary.path()).unwrap();
            assert_eq!(read(&store, "", &manifest).await, expected);
        }
    }
}

#[tokio::test]
async fn a_snapshot_that_is_dropped_at_any_time_resumes() {
    let sandbox = sandbox().await;
    let run = dune(&sandbox, SQL).await;
    let expected = rows(&run).await;
    sandbox.fault(
        Fault::delay(Duration::from_millis(3))
            .path("/results")
            .always(),
    );
    let began = Instant::now();
    let temporary = tempfile::tempdir().unwrap();
    write(&run)
        .write(&Destination::directory(temporary.path()))
        .await
        .unwrap();
    let whole = began.elapsed();
    for step in 0..20 {
        let temporary = tempfile::tempdir().unwrap();
        let destination = Destination::directory(temporary.path());
        let first = write(&run);
        let first = tokio::time::timeout(whole * step / 20, first.write(&destination)).await;
        let manifest = match first {
            Ok(finished) => finished.unwrap(),
            Err(_) => write(&run).write(&destination).await.unwrap(),
        };
        let store = LocalFileSystem::new_with_prefix(temporary.path()).unwrap();
        assert_eq!(read(&store, "", &manifest).await, expected, "{step}");
    }
}

/// Of two writers the later one continues. The other stops, and the rows are right.
#[tokio::test(flavor = "multi_thread")]
async fn two_writers_do_not_mix() {
    let sandbox = sandbox().await;
    let run = dune(&sandbox, SQL).await;
    let expected = rows(&run).await;
    sandbox.fault(
        Fault::delay(Duration::from_millis(5))
            .path("/results")
            .always(),
    );
    let temporary = tempfile::tempdir().unwrap();
    let memory = Arc::new(InMemory::new());
    for destination in [
        Destination::store(memory.clone(), "t"),
        Destination::directory(temporary.path()),
    ] {
        let writer = |wait: u64| {
            let (run, destination) = (run.clone(), destination.clone());
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(wait)).await;
                write(&run).write(&destination).await
            })
        };
        let writers = [writer(0), writer(0), writer(20), writer(35)];
        let mut finished = 0;
        for writer in writers {
            match writer.await.unwrap() {
                Ok(manifest) => {
                    assert!(manifest.is_finished());
                    finished += 1;
                }
                Err(error) => assert_eq!(error.kind(), SnapshotErrorKind::Busy, "{error}"),
            }
        }
        assert!(finished >= 1);
        let manifest = write(&run).write(&destination).await.unwrap();
        let local = LocalFileSystem::new_with_prefix(temporary.path()).unwrap();
        let there = match destination.to_string().starts_with("InMemory") {
            true => read(&*memory, "t", &manifest).await,
            false => read(&local, "", &manifest).await,
        };
        assert_eq!(there, expected);
    }
}
