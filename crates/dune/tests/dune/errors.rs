//! The errors of calls.

use rowfeed_dune::{CallError, CallErrorKind};
use rowfeed_sandbox::{DUNE_API_KEY, Fault, Sandbox, Service};

use crate::support::{builder, json, start, start_retrying};

/// Returns the error of a call with this fault.
async fn refused(fault: Fault) -> CallError {
    let (sandbox, client) = start().await;
    sandbox.fault(fault);
    let call = client
        .get_execution_results()
        .execution_id("01REEF")
        .filters("hidden = 1");
    let error = call.send().await.unwrap_err();
    let shown = format!("{error} {error:?}");
    assert!(!error.to_string().contains('\n'), "{error}");
    assert!(
        !shown.contains(DUNE_API_KEY) && !shown.contains("hidden"),
        "{shown}"
    );
    error
}

#[tokio::test]
async fn every_documented_refusal_keeps_status_message_and_body() {
    for (status, message) in [
        (400, "The requested execution ID (ID: 01REEF) is invalid."),
        (400, "unknown parameters (reef)"),
        (
            400,
            "Partial Result, please request with 'allow_partial_results=true'",
        ),
        (401, "invalid API Key"),
        (
            402,
            "This request would exceed your configured credit limit",
        ),
        (403, "This key lacks the scope"),
        (404, "Query not found"),
        (409, "the query is archived"),
        (429, "Too many requests"),
        (500, "An internal error occurred"),
    ] {
        let body = format!(r#"{{"error":"{message}"}}"#);
        let error = refused(json(status, &body)).await;
        assert_eq!(error.kind(), CallErrorKind::Api);
        assert_eq!(error.status().unwrap().as_u16(), status);
        assert_eq!(error.message().as_deref(), Some(message));
        assert_eq!(error.body(), body.as_bytes());
        assert_eq!(error.api_error().unwrap().error, message);
        assert_eq!(error.is_unauthorized(), [401, 403].contains(&status));
        assert_eq!(error.is_not_found(), status == 404);
        assert_eq!(error.is_rate_limited(), status == 429);
        assert_eq!(error.is_retryable(), [429, 500].contains(&status));
        assert_eq!(error.attempts(), 1);
    }
}

#[tokio::test]
async fn an_error_is_one_line_that_says_where_and_what() {
    let error = refused(json(404, r#"{"error": "Query not found"}"#)).await;
    let url = error.url().unwrap();
    assert!(url.starts_with("http://127.0.0.1:"), "{url}");
    assert!(
        url.ends_with("/dune/api/v1/execution/01REEF/results"),
        "{url}"
    );
    assert_eq!(
        error.to_string(),
        format!(
            "dune: get_execution_results: 404 Not Found: Query not found (GET {url}, 1 attempt)"
        )
    );

    let error = refused(json(400, r#"{"error": "bad limit"}"#)).await;
    assert_eq!(
        error.to_string(),
        "dune: get_execution_results: 400 Bad Request: bad limit \
         (GET /v1/execution/01REEF/results, 1 attempt)"
    );
}

#[tokio::test]
async fn a_rate_limit_says_how_long_to_wait() {
    let limited = json(429, r#"{"error": "Too many requests"}"#)
        .header("Retry-After", "17")
        .header("RateLimit-Policy", r#""write";q=15;w=60"#)
        .header("RateLimit", r#""write";r=0;t=17"#);
    let error = refused(limited).await;
    assert_eq!(error.retry_after().unwrap().as_secs(), 17);
    assert_eq!(error.headers()["ratelimit"], r#""write";r=0;t=17"#);
    assert_eq!(error.headers()["ratelimit-policy"], r#""write";q=15;w=60"#);

    // The body of a 429 is not documented.
    let error = refused(Fault::status(429).body("text/plain", "slow down")).await;
    assert!(error.is_rate_limited());
    assert!(error.api_error().is_none() && error.retry_after().is_none());
    assert!(error.to_string().contains("slow down"), "{error}");
}

#[tokio::test]
async fn a_body_that_is_not_dunes_json_is_kept_and_described() {
    let error = refused(Fault::html(502)).await;
    assert_eq!(error.kind(), CallErrorKind::Api);
    assert_eq!(error.status().unwrap(), 502);
    assert!(error.api_error().is_none() && error.message().is_none());
    assert!(error.body().starts_with(b"<!DOCTYPE html>"));
    let shown = error.to_string();
    assert!(shown.contains("502 Bad Gateway: the body is not this API's JSON but text/html"));

    let error = refused(Fault::html(200)).await;
    assert_eq!(error.kind(), CallErrorKind::Decode);
    assert_eq!(error.status().unwrap(), 200);
    assert!(error.to_string().contains("text/html"), "{error}");
    assert!(error.body().starts_with(b"<!DOCTYPE html>"));

    let error = refused(Fault::status(404)).await;
    assert!(error.is_not_found());
    assert!(error.to_string().contains("the body is empty"), "{error}");

    // The OpenAPI document requires text. An object does not decode.
    let error = refused(json(400, r#"{"error": {"code": 3}}"#)).await;
    assert!(error.api_error().is_none());
    assert!(
        error.to_string().contains("JSON of another shape"),
        "{error}"
    );

    let error = refused(json(200, r#"{"execution_id": "01REEF", "state": 5}"#)).await;
    assert_eq!(error.kind(), CallErrorKind::Decode);
    assert!(error.to_string().contains("`state`"), "{error}");

    let cut = r#"{"execution_id": "01REEF", "result": {"rows": [{"a": 1}, {"a""#;
    let error = refused(json(200, cut)).await;
    assert_eq!(error.kind(), CallErrorKind::Decode);
    assert!(error.to_string().contains("broken JSON"), "{error}");

    let error = refused(json(206, "{}")).await;
    assert_eq!(error.kind(), CallErrorKind::Decode);
    assert!(error.to_string().contains("206"), "{error}");
}

#[tokio::test]
async fn a_csv_call_has_the_same_errors() {
    let (sandbox, client) = start().await;
    sandbox.fault(json(400, r#"{"error": "unknown column (reef)"}"#));
    let csv = || client.get_execution_results_csv().execution_id("01REEF");
    let error = csv().send().await.unwrap_err();
    assert_eq!(error.message().as_deref(), Some("unknown column (reef)"));
    sandbox.fault(Fault::answer(400, "text/plain", "unknown column"));
    let error = csv().send().await.unwrap_err();
    assert!(error.api_error().is_none());
    assert_eq!(error.body(), b"unknown column");
}

#[tokio::test]
async fn the_sandbox_refuses_a_wrong_key_and_an_unknown_query() {
    let sandbox = Sandbox::start().await.unwrap();
    let stranger = rowfeed_dune::Client::builder()
        .base_url(sandbox.dune_url())
        .api_key(rowfeed_dune::Secret::new("another-key").unwrap())
        .build()
        .unwrap();
    let error = stranger.list_queries().send().await.unwrap_err();
    assert!(error.is_unauthorized());
    assert_eq!(error.message().as_deref(), Some("invalid API Key"));
    assert!(!error.to_string().contains("another-key"));

    let client = builder(&sandbox.dune_url()).build().unwrap();
    let unknown = client.get_latest_query_result().query_id(1);
    assert!(unknown.send().await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn reads_are_retried_and_executions_only_if_they_did_not_run() {
    let (sandbox, client) = start_retrying().await;
    for trouble in [Fault::status(503), Fault::status(429), Fault::reset()] {
        sandbox.take_requests();
        sandbox.fault(trouble);
        let answer = client.list_queries().send().await.unwrap();
        assert_eq!(answer.attempts(), 2);
        assert_eq!(sandbox.take_requests().len(), 2);
    }
    // A refusal before execution is retried. A call that may have run, and been billed, is not.
    sandbox.fault(Fault::status(429).header("Retry-After", "0"));
    let run = client.execute_sql().body("select 1 as n").send().await;
    assert_eq!(run.unwrap().attempts(), 2);
    for trouble in [Fault::status(500), Fault::status(502), Fault::reset()] {
        sandbox.take_requests();
        sandbox.fault(trouble.on(Service::Dune).method("POST"));
        let run = client.execute_sql().body("select 1 as n").send().await;
        assert_eq!(run.unwrap_err().attempts(), 1);
        assert_eq!(sandbox.take_requests().len(), 1);
    }
}

#[tokio::test]
async fn a_failed_connection_differs_from_a_refusal() {
    // The port is closed.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = port.local_addr().unwrap();
    drop(port);
    let client = builder(&format!("http://{address}")).build().unwrap();
    let error = client.list_queries().send().await.unwrap_err();
    assert_eq!(error.kind(), CallErrorKind::Connect);
    assert!(error.is_connect() && error.status().is_none());
    assert!(error.body().is_empty() && error.api_error().is_none());
}
