//! Queries that are repeated after the loss of a worker.

use std::{collections::HashSet, time::Duration};

use datafusion::{arrow::array::RecordBatch, common::Result};
use rowfeed_datafusion::distributed::{WorkerLost, collect};
use rowfeed_sandbox::Service;
use tokio::task::JoinHandle;

use crate::{
    slow::{PAGES, Slow, until},
    support::lines,
    workers::{quiet, url},
};

async fn begin(slow: &Slow) -> JoinHandle<Result<Vec<RecordBatch>>> {
    let running = tokio::spawn(collect(slow.query().await));
    slow.is_reading().await;
    running
}

/// The result, ten seconds after the loss at the latest.
async fn within_ten_seconds(
    running: JoinHandle<Result<Vec<RecordBatch>>>,
) -> Result<Vec<RecordBatch>> {
    let result = tokio::time::timeout(Duration::from_secs(10), running).await;
    result.expect("still running after ten seconds").unwrap()
}

/// How many pages were requested more than once.
fn repeated_pages(slow: &Slow) -> usize {
    let pages = slow.pages();
    let distinct: HashSet<_> = pages.iter().map(|page| (&page.path, &page.query)).collect();
    pages.len() - distinct.len()
}

async fn is_repeated_after(signal: &str) {
    let slow = Slow::start(Service::YandexQuery).await;
    let running = begin(&slow).await;
    slow.workers[1].signal(signal);
    // The other worker reads the whole result.
    slow.bench.sandbox.clear_faults();
    let rows = within_ten_seconds(running).await.unwrap();
    assert_eq!(lines(&rows, false)[1..], Slow::expected());
    assert!(repeated_pages(&slow) > 0);
    let requests = slow.bench.sandbox.take_requests();
    assert!(requests.iter().all(|request| request.method == "GET"));
    slow.workers[1].signal("KILL");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_that_is_free_to_read_is_repeated_on_the_worker_that_is_left() {
    is_repeated_after("KILL").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_that_is_free_to_read_is_repeated_without_a_worker_that_hangs() {
    is_repeated_after("STOP").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_that_reads_dune_is_not_repeated() {
    let slow = Slow::start(Service::Dune).await;
    let running = begin(&slow).await;
    slow.workers[1].signal("KILL");
    let error = within_ten_seconds(running).await.unwrap_err();
    let lost = WorkerLost::find(&error).unwrap_or_else(|| panic!("{error}"));
    assert_eq!(lost.workers(), [url(slow.workers[1].port())]);
    assert!(!lost.is_repeated());
    let text = error.to_string();
    assert!(text.contains("not repeated because Dune bills"), "{text}");
    let sent = quiet(&slow.bench, Duration::from_secs(2)).await;
    assert!(sent < PAGES, "{sent} pages");
    assert_eq!(repeated_pages(&slow), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_loss_is_an_error() {
    let slow = Slow::start(Service::YandexQuery).await;
    let running = begin(&slow).await;
    slow.workers[1].signal("KILL");
    until("the query is repeated", || repeated_pages(&slow) > 0).await;
    slow.workers[0].signal("KILL");
    let error = within_ten_seconds(running).await.unwrap_err();
    let lost = WorkerLost::find(&error).unwrap_or_else(|| panic!("{error}"));
    assert_eq!(lost.workers(), [url(slow.workers[0].port())]);
    assert!(lost.is_repeated());
    // Nothing reads for a third time.
    let sent = quiet(&slow.bench, Duration::from_secs(1)).await;
    assert!(sent < 2 * PAGES, "{sent} pages");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_worker_left_the_loss_is_named_and_other_errors_stay_as_they_are() {
    let slow = Slow::start(Service::YandexQuery).await;
    for worker in &slow.workers {
        worker.signal("KILL");
    }
    let error = collect(slow.query().await).await.unwrap_err();
    let lost = WorkerLost::find(&error).unwrap_or_else(|| panic!("{error}"));
    assert_eq!(lost.workers().len(), 2);
    assert!(
        error.to_string().contains("no other worker is left"),
        "{error}"
    );
    assert!(slow.pages().is_empty());

    let slow = Slow::start(Service::YandexQuery).await;
    let forbidden = rowfeed_sandbox::Fault::status(403)
        .path("/results")
        .always();
    slow.bench.sandbox.fault(forbidden);
    let error = collect(slow.query().await).await.unwrap_err();
    assert!(WorkerLost::find(&error).is_none(), "{error}");
    assert!(error.to_string().contains("403"), "{error}");
    assert_eq!(repeated_pages(&slow), 0);
}
