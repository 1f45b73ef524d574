//! Requests to any path of Dune, and headers of one operation.

use rowfeed_dune::{CallErrorKind, types};
use rowfeed_sandbox::Fault;
use serde_json::{Value, json};

use crate::support::{Wire, builder, sent, start, start_retrying};

#[tokio::test]
async fn any_path_is_reached_with_the_key_of_the_client() {
    let (sandbox, client) = start().await;
    let body = json!({ "sql": "SELECT 7 AS n" });
    let call = client.request("POST", "/v1/sql/execute").json(&body);
    let started = call.send::<types::ExecuteQueryResponse>().await.unwrap();
    let request = sent(&sandbox);
    assert!(request.path.ends_with("/api/v1/sql/execute"));
    let path = format!("/v1/execution/{}/status", started.execution_id);
    let status = client.request("GET", path).send::<Value>().await.unwrap();
    assert_eq!(status["execution_id"], *started.execution_id);

    let wire = Wire::start();
    let client = builder(&wire.url).build().unwrap();
    client.request("GET", "/v1/new").send_empty().await.unwrap();
    let head = wire.head().to_ascii_lowercase();
    assert!(head.starts_with("get /v1/new http/1.1\r\n"), "{head}");
    assert!(head.contains("\r\nx-dune-api-key: "), "{head}");
}

#[tokio::test]
async fn a_refusal_is_the_typed_error_of_dune() {
    let (_sandbox, client) = start().await;
    let call = client.request("GET", "/v1/no/such/path");
    let error = call.send::<Value>().await.unwrap_err();
    assert_eq!(
        (error.kind(), error.status().unwrap().as_u16()),
        (CallErrorKind::Api, 404)
    );
    let path = "/v1/execution/01ABCDEFGHJKMNPQRSTVWXYZ00/status";
    let error = client.request("GET", path).send_bytes().await.unwrap_err();
    let refusal: &types::ErrorResponse = error.api_error().unwrap();
    assert!(!refusal.error.is_empty());
}

/// Dune knows no idempotency keys, so the header changes nothing.
#[tokio::test]
async fn an_execution_is_not_sent_twice_by_any_path_either() {
    let (sandbox, client) = start_retrying().await;
    let body = json!({ "sql": "SELECT 7 AS n" });
    for key in [None, Some("mine")] {
        sandbox.fault(Fault::status(503).path("/sql/execute"));
        let mut call = client.request("POST", "/v1/sql/execute").json(&body);
        if let Some(key) = key {
            call = call.header("Idempotency-Key", key);
        }
        let error = call.send::<Value>().await.unwrap_err();
        assert_eq!(error.status().unwrap().as_u16(), 503);
        sent(&sandbox);
    }
    sandbox.fault(Fault::status(429).path("/sql/execute"));
    let call = client.request("POST", "/v1/sql/execute").json(&body);
    assert_eq!(call.send::<Value>().await.unwrap().attempts(), 2);
}

#[tokio::test]
async fn a_header_of_an_operation_goes_with_its_request_alone() {
    let (sandbox, client) = start().await;
    let call = client.list_queries().header("x-tide", "high");
    call.send().await.unwrap();
    assert_eq!(sent(&sandbox).header("x-tide"), Some("high"));
    client.list_queries().send().await.unwrap();
    assert_eq!(sent(&sandbox).header("x-tide"), None);
    let always = client.with_header("x-tide", "low");
    always.list_queries().send().await.unwrap();
    assert_eq!(sent(&sandbox).header("x-tide"), Some("low"));
    let refused = client.list_queries().header("x-dune-api-key", "mine");
    let error = refused.send().await.unwrap_err();
    assert_eq!(error.kind(), CallErrorKind::InvalidRequest);
    assert!(error.to_string().contains("`api_key`"), "{error}");
    assert!(sandbox.take_requests().is_empty());
}

#[tokio::test]
async fn a_client_counts_what_it_uses() {
    let (sandbox, client) = start_retrying().await;
    sandbox.fault(Fault::status(503).path("/queries"));
    client.list_queries().send().await.unwrap();
    let one = client.metered();
    one.request("GET", "/v1/queries")
        .send_empty()
        .await
        .unwrap();
    let (all, one) = (client.usage(), one.usage());
    assert_eq!((all.calls, all.requests, all.retries), (2, 3, 1));
    assert_eq!((one.calls, one.requests, one.retries), (1, 1, 0));
    assert!(all.bytes_received > 0);
}
