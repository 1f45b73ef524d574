//! Requests to any path of Lightdash.

use rowfeed_sandbox::Fault;
use serde_json::Value;

use crate::support::{Wire, builder, sent, start, start_retrying};

#[tokio::test]
async fn any_path_is_reached_with_the_token_of_the_client() {
    let (sandbox, client) = start().await;
    let user = client
        .request("GET", "/api/v1/user")
        .header("x-tide", "high");
    let user = user.send::<Value>().await.unwrap();
    assert!(user["results"]["userUuid"].is_string(), "{user:?}");
    assert_eq!(sent(&sandbox).header("x-tide"), Some("high"));

    let wire = Wire::start();
    let client = builder(&wire.url).build().unwrap();
    client
        .request("GET", "/api/v1/new")
        .send_empty()
        .await
        .unwrap();
    let head = wire.head().to_ascii_lowercase();
    assert!(head.contains("\r\nauthorization: "), "{head}");
}

#[tokio::test]
async fn a_refusal_is_the_typed_error_of_lightdash() {
    let (_sandbox, client) = start().await;
    let error = client
        .request("GET", "/api/v1/no/such")
        .send::<Value>()
        .await;
    let error = error.unwrap_err();
    assert_eq!(error.status().unwrap().as_u16(), 404, "{error}");
}

/// A `POST` that only reads is retried if the caller marks it as idempotent.
#[tokio::test]
async fn a_post_is_repeated_only_if_it_is_declared_idempotent() {
    let (sandbox, client) = start_retrying().await;
    for (is_idempotent, requests) in [(false, 1), (true, 3)] {
        sandbox.fault(Fault::status(503).path("/new").times(5));
        let call = client.request("POST", "/api/v1/new");
        let call = if is_idempotent {
            call.idempotent()
        } else {
            call
        };
        call.send::<Value>().await.unwrap_err();
        assert_eq!(sandbox.take_requests().len(), requests);
    }
}
