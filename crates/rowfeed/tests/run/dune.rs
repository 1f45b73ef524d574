//! Runs that only Dune has: reuse of a fresh latest result, and pipelines.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use crate::support::{Bench, Number, numbers, upto};
use rowfeed::{ErrorKind, Row, dune, prelude::*};
use rowfeed_sandbox::{
    DUNE_PARAMETERIZED_QUERY_ID, DUNE_QUERY_ID, Fault, Recorded, Sandbox, Service,
};
use serde_json::{Value, json};

const BRIEF: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_secs(3_600);

fn latest(bench: &Bench, query_id: i64) -> dune::builder::GetLatestQueryResult {
    bench.dune.get_latest_query_result().query_id(query_id)
}

/// The requests that execute something.
fn executions(requests: &[Recorded]) -> Vec<&Recorded> {
    let posts = requests.iter().filter(|request| request.method == "POST");
    posts.collect()
}

/// Makes this the latest result.
fn answer_latest(bench: &Bench, body: &Value) {
    let path = format!("/query/{DUNE_QUERY_ID}/results");
    bench.answer_at(Service::Dune, &path, 0, body);
}

/// A latest result of a real execution that ended this long ago.
fn ended(execution: &str, ago: Duration) -> Value {
    let at = jiff::Timestamp::now() - ago;
    json!({
        "execution_id": execution, "query_id": DUNE_QUERY_ID, "is_execution_finished": true,
        "state": "QUERY_STATE_COMPLETED", "execution_ended_at": at.to_string(),
        "result": { "rows": [], "metadata": { "column_names": ["n"] } },
    })
}

#[tokio::test]
async fn a_fresh_result_is_reused() {
    let bench = Bench::start().await;
    let before = bench.numbers(Service::Dune, 4).await;
    answer_latest(&bench, &ended(before.id(), HOUR / 2));
    let run = latest(&bench, DUNE_QUERY_ID)
        .run()
        .max_age(HOUR)
        .await
        .unwrap();
    assert_eq!(run.id(), before.id());
    let requests = bench.sandbox.take_requests();
    assert!(executions(&requests).is_empty(), "{requests:?}");
    // Dune bills what is read, so the age check reads one row.
    assert_eq!(requests[0].query_value("limit").as_deref(), Some("1"));
    let rows: Vec<Number> = run.rows().try_collect().await.unwrap();
    assert_eq!(rows, upto(4));
}

#[tokio::test]
async fn the_sandbox_s_own_latest_result_is_fresh() {
    let bench = Bench::start().await;
    let run = latest(&bench, DUNE_QUERY_ID)
        .run()
        .max_age(HOUR)
        .await
        .unwrap();
    assert_eq!(run.total_rows(), Some(48));
    assert!(executions(&bench.sandbox.take_requests()).is_empty());
}

#[tokio::test]
async fn a_result_that_is_too_old_is_executed_again() {
    let bench = Bench::start().await;
    let before = bench.numbers(Service::Dune, 4).await;
    for (ago, max_age) in [
        (HOUR * 2, HOUR),
        (HOUR * 24 * 80, HOUR * 24),
        (BRIEF * 20, BRIEF),
    ] {
        answer_latest(&bench, &ended(before.id(), ago));
        let run = latest(&bench, DUNE_QUERY_ID)
            .run()
            .max_age(max_age)
            .await
            .unwrap();
        assert_ne!(run.id(), before.id());
        assert_eq!(run.total_rows(), Some(48));
        let requests = bench.sandbox.take_requests();
        let path = format!("/query/{DUNE_QUERY_ID}/execute");
        let executed = executions(&requests);
        assert!(
            executed.len() == 1 && executed[0].path.ends_with(&path),
            "{requests:?}"
        );
    }
}

#[tokio::test]
async fn a_clock_behind_dune_s_makes_no_result_old() {
    let bench = Bench::start().await;
    let before = bench.numbers(Service::Dune, 4).await;
    let mut soon = ended(before.id(), Duration::ZERO);
    soon["execution_ended_at"] = (jiff::Timestamp::now() + HOUR).to_string().into();
    answer_latest(&bench, &soon);
    let run = latest(&bench, DUNE_QUERY_ID)
        .run()
        .max_age(BRIEF)
        .await
        .unwrap();
    assert_eq!(run.id(), before.id());
}

#[tokio::test]
async fn a_result_without_age_or_rows_is_executed_again() {
    let bench = Bench::start().await;
    let old = |change: fn(&mut Value)| {
        let mut body = ended("01EXECUTION", Duration::ZERO);
        change(&mut body);
        body
    };
    let bodies = [
        old(|body| body["execution_ended_at"] = Value::Null),
        old(|body| body["execution_ended_at"] = "yesterday".into()),
        old(|body| body["state"] = "QUERY_STATE_FAILED".into()),
        old(|body| body["state"] = "QUERY_STATE_CANCELLED".into()),
        old(|body| body["state"] = "QUERY_STATE_EXPIRED".into()),
    ];
    for body in bodies {
        answer_latest(&bench, &body);
        let run = latest(&bench, DUNE_QUERY_ID)
            .run()
            .max_age(HOUR)
            .await
            .unwrap();
        assert_eq!(run.total_rows(), Some(48), "{body}");
        assert_eq!(
            executions(&bench.sandbox.take_requests()).len(),
            1,
            "{body}"
        );
    }
}

#[tokio::test]
async fn a_query_without_a_result_is_executed() {
    let bench = Bench::start().await;
    let made = bench.dune.create_query().body_map(|body| {
        let sql = numbers(3);
        body.name("never ran").query_sql(sql)
    });
    let query_id = made.send().await.unwrap().into_inner().query_id;
    bench.sandbox.take_requests();
    let run = latest(&bench, query_id).run().max_age(HOUR).await.unwrap();
    let requests = bench.sandbox.take_requests();
    assert_eq!(
        (requests[0].status, executions(&requests).len()),
        (Some(404), 1)
    );
    let rows: Vec<Number> = run.rows().try_collect().await.unwrap();
    assert_eq!(rows, upto(3));
    // Now there is a result.
    let again = latest(&bench, query_id).run().max_age(HOUR).await.unwrap();
    assert_eq!(again.id(), run.id());
}

#[tokio::test]
async fn a_truncated_result_is_fresh_and_needs_allow_truncated() {
    let builder = Sandbox::builder().poll_steps(0).dune_partial_after(5);
    let bench = Bench::with(builder).await;
    let run = latest(&bench, DUNE_QUERY_ID)
        .run()
        .max_age(HOUR)
        .await
        .unwrap();
    assert!(executions(&bench.sandbox.take_requests()).is_empty());
    let error = run.rows::<Row>().try_next().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Truncated, "{error}");
    let rows = run.rows::<Row>().allow_truncated().try_collect::<Vec<_>>();
    assert_eq!(rows.await.unwrap().len(), 5);
}

#[tokio::test]
async fn an_unknown_query_or_a_wrong_key_executes_nothing() {
    let bench = Bench::start().await;
    for status in [400, 401, 402, 403] {
        bench
            .sandbox
            .fault(Fault::status(status).on(Service::Dune).method("GET"));
        let error = latest(&bench, DUNE_QUERY_ID)
            .run()
            .max_age(HOUR)
            .await
            .unwrap_err();
        assert_eq!(error.as_call().unwrap().status().unwrap().as_u16(), status);
        assert!(executions(&bench.sandbox.take_requests()).is_empty());
    }
    let error = latest(&bench, 404_404)
        .run()
        .max_age(HOUR)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Call, "{error}");
    let error = bench
        .dune
        .get_latest_query_result()
        .run()
        .max_age(HOUR)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error}");
}

#[tokio::test]
async fn parameters_choose_the_result_and_are_passed_to_the_execution() {
    let bench = Bench::start().await;
    let of = |project: &str| {
        let params: [(String, String); 2] = [
            ("project".into(), project.into()),
            ("min_usd".into(), "0".into()),
        ];
        latest(&bench, DUNE_PARAMETERIZED_QUERY_ID)
            .params(params)
            .run()
            .max_age(HOUR)
    };
    let lagoon = of("lagoon").await.unwrap();
    let requests = bench.sandbox.take_requests();
    assert_eq!(
        requests[0].query_value("params.project").as_deref(),
        Some("lagoon")
    );
    let executed = executions(&requests);
    let body: Value = serde_json::from_str(&executed[0].body).unwrap();
    assert_eq!(
        body["query_parameters"],
        json!({ "project": "lagoon", "min_usd": "0" })
    );

    // These values have a result now; other values have none.
    assert_eq!(of("lagoon").await.unwrap().id(), lagoon.id());
    assert!(executions(&bench.sandbox.take_requests()).is_empty());
    assert_ne!(of("ember").await.unwrap().id(), lagoon.id());
    assert_eq!(executions(&bench.sandbox.take_requests()).len(), 1);
    let rows: Vec<Row> = lagoon.rows().try_collect().await.unwrap();
    assert!(!rows.is_empty());
}

#[tokio::test]
async fn an_unfinished_execution_is_waited_for() {
    let bench = Bench::with(Sandbox::builder().poll_steps(3)).await;
    for state in ["QUERY_STATE_PENDING", "QUERY_STATE_EXECUTING"] {
        let running = bench
            .dune
            .execute_sql()
            .body(numbers(4))
            .run()
            .start()
            .await
            .unwrap();
        bench.sandbox.take_requests();
        let mut body = json!({ "execution_id": running.id(), "is_execution_finished": false });
        body["state"] = state.into();
        answer_latest(&bench, &body);
        let states = Arc::new(Mutex::new(Vec::new()));
        let keep = Arc::clone(&states);
        let run = latest(&bench, DUNE_QUERY_ID)
            .run()
            .max_age(HOUR)
            .poll_interval(BRIEF, BRIEF);
        let run = run.on_progress(move |told| keep.lock().unwrap().push(told.state.clone()));
        let run = run.await.unwrap();
        assert_eq!((run.id(), run.total_rows()), (running.id(), Some(4)));
        assert_eq!(states.lock().unwrap().len(), 3);
        assert!(executions(&bench.sandbox.take_requests()).is_empty());
    }
}

/// Responds to the start of a pipeline, and to each poll with the next of these.
fn answer_pipeline(bench: &Bench, looks: &[Value]) {
    let started = json!({ "pipeline_execution_id": "01PIPELINE" }).to_string();
    let fault = Fault::answer(200, "application/json", started).on(Service::Dune);
    bench
        .sandbox
        .fault(fault.method("POST").path("/pipeline/execute"));
    for look in looks {
        let path = "/pipelines/executions/01PIPELINE/status";
        bench.answer_at(Service::Dune, path, 0, look);
    }
}

/// A status of a pipeline with a view and two queries.
fn look(status: &str, execution: Option<&str>) -> Value {
    let step = json!({ "id": 3, "query_execution_status": {
        "query_id": 77, "status": "running", "execution_id": execution,
    } });
    json!({ "status": status, "node_executions": [
        { "id": 1, "materialized_view_refresh_status": {
            "name": "dune.me.result_daily", "status": "done", "execution_id": "01VIEW",
        } },
        { "id": 2, "query_execution_status": {
            "query_id": 76, "status": "done", "execution_id": "01OTHER",
        } },
        step,
    ] })
}

fn pipeline(bench: &Bench) -> rowfeed::RunRequest {
    let operation = bench.dune.execute_query_pipeline().query_id(77);
    let body = json!({ "performance": "medium" });
    let body: dune::types::ExecuteQueryPipelineRequest = serde_json::from_value(body).unwrap();
    operation.body(body).run().poll_interval(BRIEF, BRIEF)
}

#[tokio::test]
async fn a_pipeline_ends_with_the_rows_of_its_own_query() {
    let bench = Bench::start().await;
    let execution = bench.numbers(Service::Dune, 6).await;
    let looks = [
        json!({ "status": "created", "node_executions": [] }),
        look("running", None),
        look("running", Some("")),
        look("running", Some(execution.id())),
    ];
    answer_pipeline(&bench, &looks);
    let states = Arc::new(Mutex::new(Vec::new()));
    let keep = Arc::clone(&states);
    let starting = pipeline(&bench);
    let starting = starting.on_progress(move |told| keep.lock().unwrap().push(told.state.clone()));
    let running = starting.start().await.unwrap();
    assert_eq!(running.id(), "01PIPELINE");
    let run = running.await.unwrap();
    assert_eq!(run.id(), execution.id());
    assert_eq!(*states.lock().unwrap(), ["created", "running", "running"]);
    let rows: Vec<Number> = run.rows().try_collect().await.unwrap();
    assert_eq!(rows, upto(6));
}

#[tokio::test]
async fn a_failed_pipeline_has_the_reason() {
    let bench = Bench::start().await;
    let failed = json!({ "status": "failed", "error": "the view ran out of memory" });
    answer_pipeline(&bench, &[look("running", None), failed]);
    let error = pipeline(&bench).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.message()),
        (ErrorKind::Failed, "the view ran out of memory")
    );
    assert_eq!(error.run_id(), Some("01PIPELINE"));

    answer_pipeline(&bench, &[json!({ "status": "PIPELINE_STATE_FAILED" })]);
    let error = pipeline(&bench).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Failed);
    assert!(error.message().contains("PIPELINE_STATE_FAILED"), "{error}");
}

#[tokio::test]
async fn cancelling_a_pipeline_is_an_error() {
    let bench = Bench::start().await;
    answer_pipeline(&bench, &[]);
    let running = pipeline(&bench).start().await.unwrap();
    let error = running.cancel().await.unwrap_err();
    assert_eq!(
        (error.kind(), error.run_id()),
        (ErrorKind::InvalidRequest, Some("01PIPELINE"))
    );
}

#[tokio::test]
async fn a_pipeline_that_ended_without_the_query_is_not_waited_for() {
    let bench = Bench::start().await;
    answer_pipeline(&bench, &[look("running", None), look("finished", None)]);
    let error = pipeline(&bench).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.run_id()),
        (ErrorKind::UnknownState, Some("01PIPELINE"))
    );
    assert!(error.message().contains("query 77"), "{error}");
}

#[tokio::test]
async fn a_pipeline_of_several_queries_has_a_result_for_each() {
    let bench = Bench::start().await;
    let query = rowfeed_sandbox::DUNE_QUERY_ID;
    let body = json!({ "pipeline": { "nodes": [
        { "id": 1, "query_execution": { "query_id": query } },
        { "id": 2, "query_execution": { "query_id": query }, "dependencies": [1] },
    ] } });
    let body: dune::types::ExecutePipelineRequest = serde_json::from_value(body).unwrap();
    let starting = bench.dune.execute_pipeline().body(body).run();
    let run = starting.poll_interval(BRIEF, BRIEF).await.unwrap();
    assert_eq!((run.result_sets(), run.total_rows()), (2, Some(96)));
    let mut executions = Vec::new();
    for index in 0..2 {
        let page = run.result_set(index).try_next().await.unwrap().unwrap();
        assert_eq!(page.len(), 48);
        executions.push(page.run_id().to_owned());
    }
    assert_ne!(executions[0], executions[1]);
    let error = run.rows::<Row>().try_next().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
}
