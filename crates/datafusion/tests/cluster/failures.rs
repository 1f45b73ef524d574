//! Queries that are dropped, and workers that fail.

use std::time::Duration;

use datafusion::{common::DataFusionError, prelude::SessionContext};
use futures_util::StreamExt as _;
use rowfeed_datafusion::distributed::{Profiles, WorkerServer};
use rowfeed_sandbox::{Fault, Service};

use crate::{
    slow::{PAGES, Slow},
    support::Bench,
    workers::{PROFILE, WorkerOptions, WorkerProcess, cluster, quiet, register},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_group_by_stops_requests_within_two_seconds() {
    let slow = Slow::start(Service::Dune).await;
    let mut stream = slow.query().await.execute_stream().await.unwrap();
    tokio::select! {
        first = stream.next() => panic!("{first:?} before all pages were read"),
        () = slow.is_reading() => {}
    }
    drop(stream);
    let sent = quiet(&slow.bench, Duration::from_secs(2)).await;
    assert!(sent < 300, "{sent} of {PAGES} pages");
    slow.succeeds().await;
}

/// Starts the query, sends a signal to the second worker while both read, and returns the error.
async fn error_after(slow: &Slow, signal: &str) -> DataFusionError {
    let running = tokio::spawn(slow.query().await.collect());
    slow.is_reading().await;
    slow.workers[1].signal(signal);
    let result = tokio::time::timeout(Duration::from_secs(10), running).await;
    let result = result
        .expect("the query still waits for the worker")
        .unwrap();
    result.expect_err("half of the rows cannot be the answer")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_worker_ends_the_query_and_the_next_one_works_when_it_is_back() {
    let mut slow = Slow::start(Service::Dune).await;
    error_after(&slow, "KILL").await;
    quiet(&slow.bench, Duration::from_secs(2)).await;
    let port = slow.workers[1].port();
    slow.workers[1] = WorkerProcess::start_with(
        &slow.bench,
        WorkerOptions {
            port,
            ..WorkerOptions::default()
        },
    );
    slow.succeeds().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_hangs_ends_the_query_within_ten_seconds() {
    let slow = Slow::start(Service::Dune).await;
    error_after(&slow, "STOP").await;
    slow.workers[1].signal("CONT");
    tokio::time::sleep(Duration::from_millis(500)).await;
    slow.succeeds().await;
}

/// Workers with a profile, the tables of [`register`], and an error of a query over them.
struct Fast {
    bench: Bench,
    _workers: [WorkerProcess; 2],
    ctx: SessionContext,
}

impl Fast {
    async fn start(profile: &str) -> Self {
        let bench = Bench::start().await;
        let workers = [0, 0].map(|port| {
            let options = WorkerOptions {
                port,
                profile,
                ..WorkerOptions::default()
            };
            WorkerProcess::start_with(&bench, options)
        });
        let ctx = cluster(workers.iter().map(WorkerProcess::port), 4);
        register(&bench, &ctx, 4).await;
        Self {
            bench,
            _workers: workers,
            ctx,
        }
    }

    async fn error(&self, sql: &str) -> String {
        let query = self.ctx.sql(sql).await.unwrap();
        query.collect().await.unwrap_err().to_string()
    }
}

const SUMS: &str = "SELECT k, sum(id) FROM t GROUP BY k";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_profile_is_named_before_anything_is_sent() {
    let fast = Fast::start("other").await;
    let error = fast.error(SUMS).await;
    assert!(
        error.contains("no profile \"reader\" for dune; it has: other. Choose one with ResultTableBuilder::profile()"),
        "{error}"
    );
    assert!(fast.bench.sandbox.take_requests().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_of_a_worker_arrives_with_its_text() {
    let fast = Fast::start(PROFILE).await;
    let forbidden = Fault::status(403).path("/results").after(3).always();
    fast.bench.sandbox.fault(forbidden);
    let error = fast.error(SUMS).await;
    assert!(
        error.contains("403") && error.contains("while reading rows"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_that_does_not_see_the_run_is_named() {
    let fast = Fast::start(PROFILE).await;
    let hidden = Fault::status(404).path("/query/").always();
    fast.bench.sandbox.fault(hidden);
    let sums = "SELECT is_open, sum(trades) FROM l GROUP BY is_open";
    let error = fast.error(sums).await;
    assert!(
        error.contains("only to the account that started it"),
        "{error}"
    );
    assert!(error.contains("\"reader\""), "{error}");
}

#[tokio::test]
async fn a_worker_listens_on_this_machine_only_unless_told_otherwise() {
    let listener = tokio::net::TcpListener::bind("0.0.0.0:0").await.unwrap();
    let worker = WorkerServer::new(Profiles::new());
    let error = worker
        .serve(listener, async {})
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("no TLS and no authentication"), "{error}");
    let listener = tokio::net::TcpListener::bind("0.0.0.0:0").await.unwrap();
    let worker = WorkerServer::new(Profiles::new()).trust_network();
    worker.serve(listener, async {}).await.unwrap();
}
