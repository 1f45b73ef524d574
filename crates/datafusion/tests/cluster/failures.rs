//! Queries that are dropped, and workers that fail.

use std::time::{Duration, Instant};

use datafusion::prelude::SessionContext;
use futures_util::StreamExt as _;
use rowfeed_datafusion::{
    ResultTable,
    distributed::{Profiles, WorkerServer},
};
use rowfeed_sandbox::{Fault, ScriptedResult, Service};

use crate::{
    support::{Bench, collect, lines},
    workers::{PROFILE, WorkerProcess, cluster, quiet, register},
};

const GROUPS: &str = "SELECT k, count(*), sum(id) FROM big GROUP BY k";

/// The table `big`: 400 pages of ten rows, of which each takes 50 ms.
async fn slow(bench: &Bench, ctx: &SessionContext) {
    let result = ScriptedResult::new([("id", "bigint"), ("k", "integer")]);
    let result = result.generated(4_000, |n| vec![n.to_string(), (n % 9).to_string()]);
    bench
        .sandbox
        .script_result(Service::Dune, "SELECT big", result)
        .unwrap();
    let run = bench.run(Service::Dune, "SELECT big").await;
    let table = ResultTable::of(&run)
        .page_size(10)
        .partitions(4)
        .profile(PROFILE);
    ctx.register_table("big", table.await.unwrap().into())
        .unwrap();
    bench.sandbox.fault(
        Fault::delay(Duration::from_millis(50))
            .path("/results")
            .always(),
    );
    bench.sandbox.take_requests();
}

async fn two_workers() -> (Bench, [WorkerProcess; 2], SessionContext) {
    let bench = Bench::start().await;
    let workers = [WorkerProcess::start(&bench), WorkerProcess::start(&bench)];
    let ctx = cluster(workers.iter().map(WorkerProcess::port), 4);
    slow(&bench, &ctx).await;
    (bench, workers, ctx)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_group_by_stops_requests_within_two_seconds() {
    let (bench, _workers, ctx) = two_workers().await;
    let mut stream = ctx
        .sql(GROUPS)
        .await
        .unwrap()
        .execute_stream()
        .await
        .unwrap();
    let polled = tokio::time::timeout(Duration::from_millis(600), stream.next());
    assert!(polled.await.is_err());
    assert!(bench.sandbox.requests().len() > 4);
    drop(stream);
    let sent = quiet(&bench, Duration::from_secs(2)).await;
    assert!(sent < 300, "{sent} of 400 pages");
    bench.sandbox.clear_faults();
    assert_eq!(lines(&collect(&ctx, GROUPS).await, false).len(), 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_worker_ends_the_query_and_the_next_one_works_when_it_is_back() {
    let (bench, workers, ctx) = two_workers().await;
    let [first, second] = workers;
    let query = ctx.sql(GROUPS).await.unwrap();
    let running = tokio::spawn(query.collect());
    tokio::time::sleep(Duration::from_millis(600)).await;
    let killed = Instant::now();
    second.signal("KILL");
    let result = tokio::time::timeout(Duration::from_secs(10), running)
        .await
        .unwrap()
        .unwrap();
    assert!(killed.elapsed() < Duration::from_secs(10));
    assert!(result.is_err(), "half of the rows cannot be the answer");
    quiet(&bench, Duration::from_secs(2)).await;

    bench.sandbox.clear_faults();
    let port = second.port();
    drop(second);
    let _back = WorkerProcess::start_at(&bench, port, PROFILE);
    assert_eq!(lines(&collect(&ctx, GROUPS).await, false).len(), 10);
    drop(first);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_hangs_ends_the_query_within_ten_seconds() {
    let (bench, workers, ctx) = two_workers().await;
    let query = ctx.sql(GROUPS).await.unwrap();
    let running = tokio::spawn(query.collect());
    tokio::time::sleep(Duration::from_millis(600)).await;
    workers[1].signal("STOP");
    let result = tokio::time::timeout(Duration::from_secs(10), running).await;
    workers[1].signal("CONT");
    let result = result
        .expect("the query still waits for the worker")
        .unwrap();
    assert!(result.is_err());
    bench.sandbox.clear_faults();
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(lines(&collect(&ctx, GROUPS).await, false).len(), 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_profile_is_named_before_anything_is_sent() {
    let bench = Bench::start().await;
    let worker = WorkerProcess::start_at(&bench, 0, "other");
    let ctx = cluster([worker.port(), worker.port()], 4);
    register(&bench, &ctx, 4).await;
    let query = ctx
        .sql("SELECT k, sum(id) FROM t GROUP BY k")
        .await
        .unwrap();
    let error = query.collect().await.unwrap_err().to_string();
    assert!(
        error.contains("no profile \"reader\" for dune; it has: other"),
        "{error}"
    );
    assert!(bench.sandbox.take_requests().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_of_a_worker_arrives_with_its_text() {
    let bench = Bench::start().await;
    let workers = [WorkerProcess::start(&bench), WorkerProcess::start(&bench)];
    let ctx = cluster(workers.iter().map(WorkerProcess::port), 4);
    register(&bench, &ctx, 4).await;
    bench
        .sandbox
        .fault(Fault::status(403).path("/results").after(3).always());
    let query = ctx
        .sql("SELECT k, sum(id) FROM t GROUP BY k")
        .await
        .unwrap();
    let error = query.collect().await.unwrap_err().to_string();
    assert!(
        error.contains("403") && error.contains("while reading rows"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_that_does_not_see_the_run_is_named() {
    let bench = Bench::start().await;
    let workers = [WorkerProcess::start(&bench), WorkerProcess::start(&bench)];
    let ctx = cluster(workers.iter().map(WorkerProcess::port), 2);
    register(&bench, &ctx, 2).await;
    bench
        .sandbox
        .fault(Fault::status(404).path("/query/").always());
    let query = ctx
        .sql("SELECT is_open, sum(trades) FROM l GROUP BY is_open")
        .await
        .unwrap();
    let error = query.collect().await.unwrap_err().to_string();
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
