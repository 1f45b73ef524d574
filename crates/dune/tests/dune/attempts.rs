//! Which calls are retried and how often, since each execution may be billed.

use std::{
    net::TcpListener,
    time::{Duration, Instant},
};

use rowfeed_dune::{
    CallError, CallErrorKind, Client, RateLimit, RetryPolicy,
    types::{ExecutePipelineRequest, ExecuteQueryPipelineRequest},
};
use rowfeed_sandbox::{DUNE_QUERY_ID, Fault, Sandbox, Service};

use crate::support::builder;

const EXECUTIONS: [&str; 4] = [
    "execute_sql",
    "execute_query",
    "execute_query_pipeline",
    "execute_pipeline",
];

/// Starts an execution, and returns the number of attempts.
async fn execute(client: &Client, operation: &str) -> Result<u32, CallError> {
    let attempts = match operation {
        "execute_sql" => {
            let call = client.execute_sql().body("select 1 as n");
            call.send().await?.attempts()
        }
        "execute_query" => {
            let call = client.execute_query().query_id(DUNE_QUERY_ID);
            call.send().await?.attempts()
        }
        "execute_query_pipeline" => {
            let body = serde_json::json!({ "performance": "medium" });
            let body: ExecuteQueryPipelineRequest = serde_json::from_value(body).unwrap();
            let call = client
                .execute_query_pipeline()
                .query_id(DUNE_QUERY_ID)
                .body(body);
            call.send().await?.attempts()
        }
        _ => {
            let node =
                serde_json::json!({ "id": 1, "query_execution": { "query_id": DUNE_QUERY_ID } });
            let body = serde_json::json!({ "pipeline": { "nodes": [node] } });
            let body: ExecutePipelineRequest = serde_json::from_value(body).unwrap();
            client
                .execute_pipeline()
                .body(body)
                .send()
                .await?
                .attempts()
        }
    };
    Ok(attempts)
}

fn patient(url: &str) -> Client {
    let at_once = RetryPolicy::new()
        .max_attempts(3)
        .base_delay(Duration::ZERO)
        .budget(None);
    builder(url)
        .retry(at_once)
        .timeout(Duration::from_secs(2))
        .build()
        .unwrap()
}

#[tokio::test]
async fn an_execution_that_may_have_begun_is_never_sent_again() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = patient(&sandbox.dune_url());
    for operation in EXECUTIONS {
        for trouble in [
            Fault::status(408),
            Fault::status(500),
            Fault::status(502).header("Retry-After", "0"),
            Fault::html(503),
            Fault::status(504),
            Fault::reset(),
            Fault::cut_body(5),
        ] {
            sandbox.take_requests();
            sandbox.fault(trouble.on(Service::Dune).method("POST"));
            let error = execute(&client, operation).await.unwrap_err();
            assert_eq!(
                (error.attempts(), error.history().len()),
                (1, 1),
                "{operation}: {error}"
            );
            assert_eq!(sandbox.take_requests().len(), 1, "{operation}: {error}");
        }
    }
    // Nor if no response arrives.
    sandbox.fault(Fault::delay(Duration::from_secs(60)).method("POST"));
    let error = execute(&client, "execute_sql").await.unwrap_err();
    assert!(error.is_timeout() && error.attempts() == 1, "{error}");
}

#[tokio::test]
async fn an_execution_that_was_refused_with_429_is_sent_again() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = patient(&sandbox.dune_url());
    for operation in EXECUTIONS {
        let limited = Fault::status(429).header("Retry-After", "0");
        sandbox.fault(limited.on(Service::Dune).method("POST"));
        assert_eq!(execute(&client, operation).await.unwrap(), 2, "{operation}");
    }
}

#[tokio::test]
async fn an_execution_is_tried_again_when_no_connection_was_made() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = patient(&format!("http://{}", port.local_addr().unwrap()));
    drop(port);
    for operation in EXECUTIONS {
        let error = execute(&client, operation).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.attempts()),
            (CallErrorKind::Connect, 3),
            "{operation}"
        );
    }
}

/// The headers that Dune documents.
#[tokio::test]
async fn a_used_up_rate_limit_is_waited_for_until_its_reset() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = patient(&sandbox.dune_url());
    let limit = "\"ip\";r=950;t=1, \"read\";r=0;t=1";
    sandbox.fault(Fault::status(429).header("RateLimit", limit));
    let begun = Instant::now();
    assert_eq!(client.list_queries().send().await.unwrap().attempts(), 2);
    assert!(begun.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn a_rate_is_kept_over_clones_and_fresh_connections() {
    let sandbox = Sandbox::start().await.unwrap();
    let limit = RateLimit::new(1, Duration::from_millis(200));
    let client = builder(&sandbox.dune_url())
        .rate_limit(limit)
        .build()
        .unwrap();
    let fresh = client.with_fresh_connections().unwrap();
    let begun = Instant::now();
    for client in [&client, &fresh, &client.clone(), &fresh] {
        client.list_queries().send().await.unwrap();
    }
    assert!(
        begun.elapsed() >= Duration::from_millis(600),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(sandbox.requests().len(), 4);
}
