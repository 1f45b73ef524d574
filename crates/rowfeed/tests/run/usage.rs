//! What runs and clients report of what they used.

use rowfeed::{ErrorKind, prelude::*};
use rowfeed_sandbox::{Fault, Service};

use crate::support::{ALL, Bench};

#[tokio::test]
async fn a_run_counts_its_requests_retries_bytes_and_credits() {
    let bench = Bench::start().await;
    let run = bench.numbers(Service::Dune, 7).await;
    let started = run.usage();
    assert!(
        started.requests >= 2 && started.bytes_received > 0,
        "{started:?}"
    );
    assert_eq!(started.credits, run.details().cost_credits);
    bench.sandbox.fault(Fault::status(503).path("/results"));
    let rows: Vec<serde_json::Value> = run.rows().try_collect().await.unwrap();
    assert_eq!(rows.len(), 7);
    let read = run.usage().since(&started);
    assert_eq!((read.calls, read.requests, read.retries), (1, 2, 1));
    assert_eq!(read.credits, Some(0.0));

    // Another run counts from zero, and the client counts both.
    let other = bench.numbers(Service::Dune, 1).await;
    assert_eq!(other.usage().retries, 0);
    let all = bench.dune.usage();
    assert_eq!(all.requests, run.usage().requests + other.usage().requests);
    let credits = [&run, &other].map(|run| run.usage().credits.unwrap());
    let sum = all.credits.unwrap();
    assert!((sum - credits.iter().sum::<f64>()).abs() < 1e-6, "{sum}");
}

#[tokio::test]
async fn runs_of_every_service_count_what_they_read() {
    let bench = Bench::start().await;
    for service in ALL {
        let run = bench.numbers(service, 7).await;
        let before = run.usage();
        assert!(before.calls >= 2, "{service:?}: {before:?}");
        let rows: Vec<serde_json::Value> = run.rows().try_collect().await.unwrap();
        assert_eq!(rows.len(), 7);
        assert!(
            run.usage().bytes_received > before.bytes_received,
            "{service:?}"
        );
        assert_eq!(before.credits.is_some(), service == Service::Dune);
    }
}

#[tokio::test]
async fn the_credits_of_a_failed_run_count_for_the_client_that_started_it() {
    let bench = Bench::start().await;
    let sql = "SELECT no_such_column FROM trades";
    let error = bench.dune.execute_sql().sql(sql).run().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Failed, "{error}");
    let credits = bench.dune.usage().credits;
    let status = bench.dune.get_execution_status();
    let status = status.execution_id(error.run_id().unwrap());
    let reported = status.clone().send().await.unwrap().into_inner();
    assert!(credits.is_some());
    assert_eq!(credits, reported.execution_cost_credits);

    // It was paid for when it was started.
    status.run().await.unwrap_err();
    assert_eq!(bench.dune.usage().credits, credits);
}

/// The run was paid for when it was started.
#[tokio::test]
async fn a_run_that_is_attached_to_costs_nothing_again() {
    let bench = Bench::start().await;
    let run = bench.numbers(Service::Dune, 1).await;
    let again = bench.dune.get_execution_status().execution_id(run.id());
    let again = again.run().await.unwrap();
    assert!(again.details().cost_credits.is_some());
    assert_eq!(again.usage().credits, None);
}

#[tokio::test]
async fn a_header_of_an_operation_goes_with_every_request_of_its_run() {
    let bench = Bench::start().await;
    let sql = "SELECT trade_id FROM trades";
    let run = bench
        .dune
        .execute_sql()
        .sql(sql)
        .header("x-tide", "high")
        .run();
    let run = run.await.unwrap();
    let rows: Vec<serde_json::Value> = run
        .pages()
        .page_size(20)
        .rows()
        .try_collect()
        .await
        .unwrap();
    assert_eq!(rows.len(), 48);
    let requests = bench.sandbox.take_requests();
    assert!(requests.len() >= 5, "{requests:?}");
    for request in requests {
        assert_eq!(request.header("x-tide"), Some("high"), "{request:?}");
    }
}
