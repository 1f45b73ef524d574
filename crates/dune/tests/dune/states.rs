//! The states of an execution, known and unknown.

use rowfeed_dune::types::{ExecutionState, PipelineNode};
use rowfeed_sandbox::Sandbox;

use crate::support::{builder, json, start};

const EIGHT: [(&str, ExecutionState); 8] = [
    ("QUERY_STATE_PENDING", ExecutionState::Pending),
    ("QUERY_STATE_EXECUTING", ExecutionState::Executing),
    ("QUERY_STATE_COMPLETED", ExecutionState::Completed),
    (
        "QUERY_STATE_COMPLETED_PARTIAL",
        ExecutionState::CompletedPartial,
    ),
    ("QUERY_STATE_FAILED", ExecutionState::Failed),
    ("QUERY_STATE_CANCELLED", ExecutionState::Cancelled),
    ("QUERY_STATE_CANCELED", ExecutionState::Canceled),
    ("QUERY_STATE_EXPIRED", ExecutionState::Expired),
];

#[tokio::test]
async fn each_state_decodes_wherever_it_is_sent() {
    let (sandbox, client) = start().await;
    for (text, state) in EIGHT {
        let body = format!(r#"{{"execution_id": "01TESTSTATE", "state": "{text}"}}"#);
        for _ in 0..3 {
            sandbox.fault(json(200, &body));
        }
        let id = "01TESTSTATE";
        let status = client.get_execution_status().execution_id(id).send().await;
        assert_eq!(status.unwrap().state, state);
        let results = client.get_execution_results().execution_id(id).send().await;
        assert_eq!(results.unwrap().state, state);
        let latest = client.get_latest_query_result().query_id(7).send().await;
        assert_eq!(latest.unwrap().state, state);
        for (other, another) in EIGHT {
            assert_eq!(state == another, text == other);
        }
        assert!(state.is_known());
        assert_eq!(state.as_str(), text);
    }
    assert_eq!(
        ExecutionState::VALUES,
        EIGHT.map(|(text, _)| text),
        "a state without a test"
    );
}

#[tokio::test]
async fn an_unknown_state_is_kept_and_equals_no_known_state() {
    let (sandbox, client) = start().await;
    sandbox.fault(json(
        200,
        r#"{"execution_id": "01TESTSTATE", "state": "QUERY_STATE_NAPPING"}"#,
    ));
    let status = client.get_execution_status().execution_id("01TESTSTATE");
    let state = status.send().await.unwrap().into_inner().state;
    assert!(state.is_unknown());
    assert_eq!(state.as_str(), "QUERY_STATE_NAPPING");
    assert_eq!(state.to_string(), "QUERY_STATE_NAPPING");
    assert!(EIGHT.iter().all(|(_, known)| *known != state));
    assert!(matches!(state, ExecutionState::Unknown(_)));
    // A prefix of a known state, or one in another case, is not that state.
    for near in ["QUERY_STATE_COMPLETE", "query_state_completed", ""] {
        assert!(ExecutionState::from(near).is_unknown(), "{near}");
    }
}

#[tokio::test]
async fn a_run_is_followed_from_pending_to_completed() {
    let sandbox = Sandbox::builder().poll_steps(2).start().await.unwrap();
    let client = builder(&sandbox.dune_url()).build().unwrap();
    let run = client
        .execute_sql()
        .body("select 7 as n")
        .send()
        .await
        .unwrap();
    assert_eq!(run.state, ExecutionState::Pending);
    let mut seen = vec![run.state.clone()];
    while seen.last() != Some(&ExecutionState::Completed) {
        assert!(seen.len() < 10, "{seen:?}");
        let status = client
            .get_execution_status()
            .execution_id(&run.execution_id)
            .send()
            .await
            .unwrap();
        if status.state != ExecutionState::Completed {
            assert_ne!(status.is_execution_finished, Some(true));
        }
        seen.push(status.into_inner().state);
    }
    assert!(seen.contains(&ExecutionState::Executing), "{seen:?}");
    let page = client
        .get_execution_results()
        .execution_id(&run.execution_id)
        .send()
        .await
        .unwrap();
    let rows = page.result.as_ref().unwrap().rows.as_ref().unwrap();
    assert_eq!(rows.as_str(), r#"[{"n":7}]"#);
    assert_eq!(page.next_offset, None);
}

#[tokio::test]
async fn a_failed_statement_is_a_state_with_its_place() {
    let sandbox = Sandbox::builder().poll_steps(0).start().await.unwrap();
    let client = builder(&sandbox.dune_url()).build().unwrap();
    let run = client
        .execute_sql()
        .body("select oyster_count from trades")
        .send()
        .await
        .unwrap();
    let status = client
        .get_execution_status()
        .execution_id(&run.execution_id)
        .send()
        .await
        .unwrap();
    assert_eq!(status.state, ExecutionState::Failed);
    assert_eq!(status.status(), 200);
    let error = status.error.as_ref().unwrap();
    assert!(error.message.as_ref().unwrap().contains("oyster_count"));
    let place = error.metadata.as_ref().unwrap();
    assert_eq!((place.line, place.column), (Some(1), Some(8)));
    let results = client
        .get_execution_results()
        .execution_id(&run.execution_id)
        .send()
        .await
        .unwrap();
    assert_eq!(results.state, ExecutionState::Failed);
    assert!(results.result.is_none());
    assert!(results.error.is_some());
}

#[tokio::test]
async fn a_cancelled_run_says_so() {
    let (_sandbox, client) = start().await;
    let run = client
        .execute_sql()
        .body("select * from trades")
        .send()
        .await
        .unwrap();
    let id = &run.execution_id;
    let cancel = client.cancel_query_execution().execution_id(id);
    assert!(cancel.send().await.unwrap().success);
    let status = client.get_execution_status().execution_id(id);
    let status = status.send().await.unwrap();
    assert_eq!(status.state, ExecutionState::Cancelled);
    assert!(status.cancelled_at.is_some());
}

#[tokio::test]
async fn a_response_without_a_state_is_an_error() {
    let (sandbox, client) = start().await;
    for (body, says) in [
        ("{}", "missing field"),
        (r#"{"execution_id": "01X"}"#, "missing field `state`"),
        (r#"{"state": null}"#, "at `state`"),
    ] {
        sandbox.fault(json(200, body));
        let status = client.get_execution_status().execution_id("01X");
        let error = status.send().await.unwrap_err();
        assert_eq!(error.kind(), rowfeed_dune::CallErrorKind::Decode);
        assert!(error.to_string().contains(says), "{error}");
    }
}

#[tokio::test]
async fn the_parts_of_a_pipeline_are_distinguished() {
    let (sandbox, client) = start().await;
    sandbox.fault(json(
        200,
        r#"{"status": "executing", "error": "", "node_executions": [
            {"id": 0, "query_execution_status": {"query_id": 70, "execution_id": "01A",
             "status": "QUERY_STATE_COMPLETED"}},
            {"id": 1, "materialized_view_refresh_status": {"name": "dune.reef.result_tides",
             "status": "QUERY_STATE_EXECUTING"}}]}"#,
    ));
    let status = client
        .get_pipeline_execution_status()
        .pipeline_execution_id("01PIPE")
        .send()
        .await
        .unwrap();
    let [query, view] = status.node_executions.as_slice() else {
        panic!("{status:?}");
    };
    let query = query.query_execution_status.as_ref().unwrap();
    assert_eq!(query.execution_id.as_deref(), Some("01A"));
    let view = view.materialized_view_refresh_status.as_ref().unwrap();
    assert_eq!(view.name.as_deref(), Some("dune.reef.result_tides"));

    sandbox.fault(json(
        200,
        r#"{"pipeline": {"nodes": [{"id": 3, "dependencies": [1, 2],
            "query_execution": {"query_id": 70, "performance": "large"}}]}}"#,
    ));
    let pipeline = client.get_query_pipeline().query_id(70).send().await;
    let pipeline = pipeline.unwrap().into_inner().pipeline;
    let [PipelineNode { dependencies, .. }] = &pipeline.nodes.unwrap()[..] else {
        panic!("one node was sent");
    };
    assert_eq!(dependencies.as_deref(), Some(&[1, 2][..]));
}
