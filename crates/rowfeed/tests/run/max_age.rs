//! What `max_age()` executes and cancels.

use std::{future::IntoFuture, time::Duration};

use crate::support::{Bench, numbers};
use rowfeed::{ErrorKind, RunHandle, RunOrigin, RunRequest, prelude::*};
use rowfeed_sandbox::{DUNE_QUERY_ID, Fault, Recorded, Sandbox, Service};
use serde_json::{Value, json};

const BRIEF: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_secs(3_600);
const NOT_KNOWN: &str = "QUERY_STATE_RESTING";

fn latest(bench: &Bench) -> RunRequest {
    let latest = bench.dune.get_latest_query_result();
    latest.query_id(DUNE_QUERY_ID).run().max_age(HOUR)
}

fn results_path() -> String {
    format!("/query/{DUNE_QUERY_ID}/results")
}

fn executions(requests: &[Recorded]) -> usize {
    let executes = |request: &&Recorded| request.path.ends_with("/execute");
    requests.iter().filter(executes).count()
}

fn cancels(requests: &[Recorded]) -> usize {
    let cancels = |request: &&Recorded| request.path.ends_with("/cancel");
    requests.iter().filter(cancels).count()
}

fn answer_latest(bench: &Bench, status: u16, content_type: &str, body: &str) {
    let answer = Fault::answer(status, content_type, body).on(Service::Dune);
    bench
        .sandbox
        .fault(answer.method("GET").path(&results_path()));
}

fn latest_is(bench: &Bench, execution: &str, state: &str, finished: Option<bool>) {
    let mut body = json!({ "execution_id": execution, "state": state });
    if let Some(finished) = finished {
        body["is_execution_finished"] = Value::Bool(finished);
    }
    answer_latest(bench, 200, "application/json", &body.to_string());
}

async fn started(bench: &Bench) -> RunHandle {
    let sql = bench.dune.execute_sql().body(numbers(4));
    let running = sql.run().start().await.unwrap();
    bench.sandbox.take_requests();
    running
}

#[tokio::test]
async fn a_404_that_does_not_say_there_is_no_result_executes_nothing() {
    let bench = Bench::start().await;
    for (content_type, body) in [
        ("text/html", "<html><h1>404 Not Found</h1></html>"),
        ("text/plain", "404 page not found"),
        ("application/json", ""),
        ("application/json", "{}"),
        ("application/json", "[]"),
        ("application/json", "\"not found\""),
        (
            "application/json",
            r#"{"message":"no Route matched with those values"}"#,
        ),
        ("application/json", r#"{"error":{"code":404}}"#),
        ("application/json", r#"{"error":"Query not found"}"#),
        ("application/json", r#"{"error":"query not found."}"#),
    ] {
        answer_latest(&bench, 404, content_type, body);
        let error = latest(&bench).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Call, "{body}");
        assert_eq!(error.as_call().unwrap().status().unwrap().as_u16(), 404);
        assert_eq!(executions(&bench.sandbox.take_requests()), 0, "{body}");
    }
    for said in [
        "not found: no result of this query",
        "No execution found for the latest version of the given query",
    ] {
        let body = json!({ "error": said }).to_string();
        answer_latest(&bench, 404, "application/json", &body);
        assert_eq!(latest(&bench).await.unwrap().total_rows(), Some(48));
        assert_eq!(executions(&bench.sandbox.take_requests()), 1, "{said}");
    }
}

#[tokio::test]
async fn an_unknown_state_that_has_not_ended_is_waited_for() {
    let bench = Bench::with(Sandbox::builder().poll_steps(2)).await;
    let running = started(&bench).await;
    latest_is(&bench, running.id(), NOT_KNOWN, Some(false));
    let run = latest(&bench).poll_interval(BRIEF, BRIEF).await.unwrap();
    assert_eq!(run.id(), running.id());
    assert_eq!(executions(&bench.sandbox.take_requests()), 0);
}

#[tokio::test]
async fn an_unknown_state_that_may_have_ended_is_an_error_and_executes_nothing() {
    let bench = Bench::start().await;
    for finished in [Some(true), None] {
        latest_is(&bench, "01EXECUTION", NOT_KNOWN, finished);
        let error = latest(&bench).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnknownState, "{error}");
        assert!(error.message().contains(NOT_KNOWN), "{error}");
        assert_eq!(error.run_id(), Some("01EXECUTION"));
        assert_eq!(executions(&bench.sandbox.take_requests()), 0);
    }
}

#[tokio::test]
async fn a_latest_result_that_names_no_execution_is_an_error_and_executes_nothing() {
    let bench = Bench::start().await;
    latest_is(&bench, "", "QUERY_STATE_EXECUTING", Some(false));
    let error = latest(&bench).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Paging, "{error}");
    assert!(error.message().contains("names no execution"), "{error}");
    assert_eq!(executions(&bench.sandbox.take_requests()), 0);
}

#[tokio::test]
async fn a_found_execution_is_not_cancelled() {
    let bench = Bench::with(Sandbox::builder().poll_steps(u32::MAX)).await;
    let running = started(&bench).await;
    let found = || {
        latest_is(&bench, running.id(), "QUERY_STATE_EXECUTING", Some(false));
        latest(&bench).cancel_on_timeout().cancel_on_drop()
    };
    let error = found().timeout(BRIEF * 60).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(
        error.message().contains("continues at the service"),
        "{error}"
    );
    // Dropped while it is awaited, and before that.
    let given_up = tokio::time::timeout(BRIEF * 100, found().into_future()).await;
    assert!(given_up.is_err());
    drop(found().start().await.unwrap());
    tokio::time::sleep(BRIEF * 100).await;
    assert_eq!(cancels(&bench.sandbox.take_requests()), 0);
    // An explicit cancel still works.
    found().start().await.unwrap().cancel().await.unwrap();
    assert_eq!(cancels(&bench.sandbox.take_requests()), 1);
}

#[tokio::test]
async fn a_started_execution_is_cancelled() {
    let bench = Bench::with(Sandbox::builder().poll_steps(u32::MAX)).await;
    latest_is(&bench, "01EXECUTION", "QUERY_STATE_FAILED", Some(true));
    let starting = latest(&bench).cancel_on_timeout().timeout(BRIEF * 60);
    let error = starting.await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    let requests = bench.sandbox.take_requests();
    assert_eq!((executions(&requests), cancels(&requests)), (1, 1));
}

#[tokio::test]
async fn the_error_of_an_execution_without_an_id_has_operation_and_body() {
    let bench = Bench::start().await;
    latest_is(&bench, "01EXECUTION", "QUERY_STATE_FAILED", Some(true));
    let body = r#"{"execution_id":"","state":"QUERY_STATE_PENDING"}"#;
    let answer = Fault::answer(200, "application/json", body).on(Service::Dune);
    bench.sandbox.fault(answer.method("POST"));
    let error = latest(&bench).await.unwrap_err();
    assert_eq!((error.kind(), error.run_id()), (ErrorKind::Call, None));
    assert!(error.message().contains("execute_query"), "{error}");
    assert!(error.message().contains(body), "{error}");
}

#[tokio::test]
async fn a_latest_result_of_any_age_is_reused_unless_an_age_is_set() {
    let bench = Bench::start().await;
    let latest = bench.dune.get_latest_query_result().query_id(DUNE_QUERY_ID);
    let run = latest.run().await.unwrap();
    assert_eq!(run.origin(), RunOrigin::Reused);
    assert_eq!(executions(&bench.sandbox.requests()), 0);

    let run = latest_run(&bench, Duration::ZERO).await;
    assert_eq!(run.origin(), RunOrigin::Started);
    let again = bench.dune.get_execution_status().execution_id(run.id());
    assert_eq!(again.run().await.unwrap().origin(), RunOrigin::Attached);
    assert_eq!(executions(&bench.sandbox.requests()), 1);
}

async fn latest_run(bench: &Bench, age: Duration) -> rowfeed::CompletedRun {
    let latest = bench.dune.get_latest_query_result();
    latest
        .query_id(DUNE_QUERY_ID)
        .run()
        .max_age(age)
        .await
        .unwrap()
}

#[tokio::test]
async fn an_operation_without_a_latest_result_refuses_an_age() {
    let bench = Bench::start().await;
    let sql = bench.dune.execute_sql().body("SELECT 1 AS n").run();
    let error = sql.max_age(HOUR).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    assert!(
        error.message().contains("get_latest_query_result()"),
        "{error}"
    );
    assert_eq!(bench.sandbox.requests().len(), 0);
}
