//! Dune's results beyond rows: states, partial results, old responses.

use crate::support::{
    Bench, Number,
    dune_answers::{page, read, refused, without_result},
    numbers, sent, upto,
};
use rowfeed::{ErrorKind, Page, prelude::*};
use rowfeed_sandbox::{
    DUNE_PARAMETERIZED_QUERY_ID, DUNE_QUERY_ID, Fault, Sandbox, ScriptedResult, Service,
};
use serde::Deserialize;
use serde_json::{Value, json};

const DUNE: Service = Service::Dune;

#[tokio::test]
async fn a_partial_result_needs_allow_truncated() {
    let bench = Bench::with(Sandbox::builder().poll_steps(0).dune_partial_after(10)).await;
    let run = bench.numbers(DUNE, 23).await;

    let mut rows = run.rows::<Number>().page_size(4);
    let error = rows.try_next().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Truncated, "{error}");
    assert!(error.to_string().contains("allow_truncated()"), "{error}");
    assert_eq!(rows.try_next().await.unwrap(), None);
    bench.sandbox.take_requests();

    let rows: Vec<Number> = run
        .rows()
        .page_size(4)
        .allow_truncated()
        .try_collect()
        .await
        .unwrap();
    assert_eq!(rows, upto(10));
    let asked = bench.pages_asked();
    assert_eq!(
        sent(&asked, "allow_partial_results"),
        vec![Some("true".to_owned()); 3]
    );

    let rows = bench
        .execution(run.id())
        .allow_partial_results(true)
        .rows::<Number>()
        .page_size(4);
    let rows: Vec<Number> = rows.try_collect().await.unwrap();
    assert_eq!(rows, upto(10));
}

#[tokio::test]
async fn allow_truncated_is_sent_with_every_page() {
    let builder = Sandbox::builder().poll_steps(0).dune_partial_after(10);
    let bench = Bench::with(builder).await;
    let latest = bench.dune.get_latest_query_result().query_id(DUNE_QUERY_ID);
    let pages = latest.allow_partial_results(true).pages().page_size(4);
    let sizes: Vec<usize> = pages
        .try_collect::<Vec<_>>()
        .await
        .unwrap()
        .iter()
        .map(Page::len)
        .collect();
    assert_eq!(sizes, [4, 4, 2]);
}

#[tokio::test]
async fn an_unrequested_partial_result_is_an_error_too() {
    let mut body = page("01EXECUTION", &[0, 1], None);
    body["state"] = "QUERY_STATE_COMPLETED_PARTIAL".into();
    let error = refused(&body).await;
    assert_eq!(error.kind(), ErrorKind::Truncated, "{error}");
    assert_eq!(error.run_id(), Some("01EXECUTION"));
}

#[tokio::test]
async fn a_partial_result_refused_with_any_status_is_truncated() {
    for status in [200, 400, 403] {
        let bench = Bench::start().await;
        let body =
            r#"{"error":"Partial Result, please request with 'allow_partial_results=true'"}"#;
        bench
            .sandbox
            .fault(Fault::answer(status, "application/json", body).path("/results"));
        let error = bench
            .execution("01EXECUTION")
            .pages()
            .try_next()
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Truncated, "{status}: {error}");
    }
}

#[tokio::test]
async fn states_without_rows_are_errors_of_their_own() {
    for (state, kind) in [
        ("QUERY_STATE_FAILED", ErrorKind::Failed),
        ("QUERY_STATE_CANCELLED", ErrorKind::Cancelled),
        ("QUERY_STATE_CANCELED", ErrorKind::Cancelled),
        ("QUERY_STATE_EXPIRED", ErrorKind::Expired),
        ("QUERY_STATE_PENDING", ErrorKind::Unfinished),
        ("QUERY_STATE_EXECUTING", ErrorKind::Unfinished),
        ("QUERY_STATE_FROZEN", ErrorKind::UnknownState),
    ] {
        let error = refused(&without_result(state)).await;
        assert_eq!(error.kind(), kind, "{error}");
        assert_eq!(error.run_id(), Some("01EXECUTION"));
        assert_eq!(error.service(), "dune");
        assert_eq!(error.position(), None);
        assert!(error.as_call().is_none() && error.as_decode().is_none());
    }
    let error = refused(&without_result("QUERY_STATE_FROZEN")).await;
    assert!(error.to_string().contains("QUERY_STATE_FROZEN"), "{error}");
}

#[tokio::test]
async fn a_failed_execution_has_the_position_of_the_error() {
    let mut body = without_result("QUERY_STATE_FAILED");
    body["error"] = json!({
        "type": "FAILED_TYPE_EXECUTION_FAILED",
        "message": "no column 'tides' here",
        "metadata": { "line": 3, "column": 14 },
    });
    let error = refused(&body).await;
    assert_eq!(error.kind(), ErrorKind::Failed);
    let position = error.position().unwrap();
    assert_eq!((position.line, position.column), (3, 14));
    assert_eq!(
        error.to_string(),
        "dune: no column 'tides' here (line 3, column 14) [run 01EXECUTION]"
    );
    body["error"] = json!({ "message": "out of memory" });
    let error = refused(&body).await;
    assert_eq!((error.message(), error.position()), ("out of memory", None));
}

#[tokio::test]
async fn a_result_that_expires_half_way_is_an_error() {
    let bodies = [
        page("01EXECUTION", &[0, 1], Some(2)),
        without_result("QUERY_STATE_EXPIRED"),
    ];
    let (rows, error, _) = read(&bodies).await;
    assert_eq!(rows, upto(2));
    assert_eq!(error.unwrap().kind(), ErrorKind::Expired);
}

#[tokio::test]
async fn an_answer_without_result_or_state_is_an_error() {
    let error = refused(&without_result("QUERY_STATE_COMPLETED")).await;
    assert_eq!(error.kind(), ErrorKind::Paging, "{error}");
    for body in [json!({}), json!({ "execution_id": "01EXECUTION" })] {
        let error = refused(&body).await;
        assert_eq!(error.kind(), ErrorKind::Call, "{error}");
        assert_eq!(error.as_call().unwrap().status().unwrap(), 200);
    }
}

#[tokio::test]
async fn old_answers_without_column_types_are_read() {
    let mut body = page("01EXECUTION", &[0, 1], None);
    body["result"]["metadata"] = json!({ "column_names": ["n"], "column_types": null });
    let (rows, error, _) = read(&[body.clone()]).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(rows, upto(2));
    body["result"]["rows"] = Value::Null;
    let (rows, error, _) = read(&[body]).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(rows, []);
}

#[tokio::test]
async fn wide_integers_keep_every_digit() {
    #[derive(Debug, Deserialize, PartialEq)]
    struct Wide {
        text: String,
        number: u128,
    }
    let bench = Bench::start().await;
    let digits = u128::MAX.to_string();
    let cells = [format!("\"{digits}\""), digits.clone()];
    let result = ScriptedResult::new([("text", "uint256"), ("number", "uint256")]).row(cells);
    bench
        .sandbox
        .script_result(DUNE, "SELECT wide", result)
        .unwrap();
    let run = bench.run(DUNE, "SELECT wide").await;
    let rows: Vec<Wide> = run.rows().try_collect().await.unwrap();
    assert_eq!(
        rows,
        [Wide {
            text: digits,
            number: u128::MAX
        }]
    );
}

#[tokio::test]
async fn a_query_that_has_not_run_has_no_latest_result() {
    let bench = Bench::start().await;
    let latest = bench
        .dune
        .get_latest_query_result()
        .query_id(DUNE_PARAMETERIZED_QUERY_ID);
    let error = latest.pages().try_next().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Call);
    assert!(error.as_call().unwrap().is_not_found(), "{error}");
}

#[tokio::test]
async fn a_running_execution_is_unfinished() {
    let bench = Bench::with(Sandbox::builder().poll_steps(9)).await;
    let started = bench
        .dune
        .execute_sql()
        .body(numbers(3).as_str())
        .send()
        .await
        .unwrap();
    let mut rows = bench.execution(&started.execution_id).rows::<Number>();
    let error = rows.try_next().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unfinished);
    assert!(error.to_string().contains("run()"), "{error}");
}
