//! Requests to any path of Yandex Query.

use rowfeed_sandbox::{Fault, YANDEX_PROJECT};
use rowfeed_yandex_query::types::GenericError;
use serde_json::{Value, json};

use crate::support::{sent, start, start_retrying};

#[tokio::test]
async fn any_path_is_reached_below_the_base_url() {
    let (sandbox, client) = start().await;
    let call = client
        .request("POST", "/queries")
        .query("project", YANDEX_PROJECT);
    let created = call
        .json(&json!({ "text": "SELECT 1" }))
        .send::<Value>()
        .await
        .unwrap();
    let request = sent(&sandbox);
    assert!(request.path.ends_with("/api/fq/v1/queries"), "{request:?}");
    let path = format!("/queries/{}/status", created["id"].as_str().unwrap());
    let call = client.request("GET", path).query("project", YANDEX_PROJECT);
    let status = call.send::<Value>().await.unwrap();
    assert!(status["status"].is_string(), "{status:?}");
    let call = client.request("GET", "/queries/none/status");
    let error = call
        .query("project", YANDEX_PROJECT)
        .send::<Value>()
        .await
        .unwrap_err();
    assert_eq!(error.status().unwrap().as_u16(), 400);
    let _: &GenericError = error.api_error().unwrap();
}

/// The service recognizes the key: a repeated create responds with the query that exists.
#[tokio::test]
async fn a_request_with_an_idempotency_key_is_repeated() {
    let (sandbox, client) = start_retrying().await;
    for (key, requests) in [(None, 1), (Some("mine"), 2)] {
        sandbox.fault(Fault::status(503).path("/queries"));
        let mut call = client
            .request("POST", "/queries")
            .query("project", YANDEX_PROJECT);
        if let Some(key) = key {
            call = call.header("Idempotency-Key", key);
        }
        let answer = call
            .json(&json!({ "text": "SELECT 1" }))
            .send::<Value>()
            .await;
        assert_eq!(answer.is_ok(), key.is_some(), "{answer:?}");
        assert_eq!(sandbox.take_requests().len(), requests);
    }
}
