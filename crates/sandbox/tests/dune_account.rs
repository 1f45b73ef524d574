//! Tests of saved queries, rate limits and lifetimes of Dune.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::time::Duration;

use reqwest::Method;
use rowfeed_sandbox::{DUNE_QUERY_ID, Sandbox};
use serde_json::{Value, json};
use support::{Reply, dune, dune_execution, send};

async fn at_once() -> Sandbox {
    Sandbox::builder().poll_steps(0).start().await.unwrap()
}

async fn get(sandbox: &Sandbox, path: &str) -> Reply {
    send(dune(sandbox, Method::GET, path)).await
}

async fn post(sandbox: &Sandbox, path: &str, body: Value) -> Reply {
    send(dune(sandbox, Method::POST, path).json(&body)).await
}

#[tokio::test]
async fn an_update_keeps_the_fields_that_it_does_not_name() {
    let sandbox = at_once().await;
    let parameter = json!({ "key": "n", "type": "number", "value": "1" });
    let query = json!({
        "name": "One",
        "query_sql": "select {{n}} as n",
        "description": "a number",
        "tags": ["a", "b"],
        "parameters": [parameter],
    });
    let id = post(&sandbox, "/v1/query", query).await.json()["query_id"].clone();
    let path = format!("/v1/query/{id}");
    let patch = |body: Value| {
        let request = dune(&sandbox, Method::PATCH, &path).json(&body);
        async move { send(request).await }
    };
    assert_eq!(patch(json!({ "name": "Two" })).await.json()["query_id"], id);
    let shown = get(&sandbox, &path).await.json();
    assert_eq!(
        (&shown["name"], &shown["description"], &shown["version"]),
        (&json!("Two"), &json!("a number"), &json!(2))
    );
    assert_eq!(shown["parameters"], json!([parameter]));
    patch(json!({ "tags": [], "parameters": [], "query_sql": "select 3 as n" })).await;
    let shown = get(&sandbox, &path).await.json();
    assert_eq!(shown["tags"], json!([]));
    assert_eq!(shown["parameters"], json!([]));
    assert_eq!(shown["query_sql"], "select 3 as n");
    assert_eq!(patch(json!([])).await.status, 400);
    let unknown = dune(&sandbox, Method::PATCH, "/v1/query/7").json(&json!({}));
    assert_eq!(send(unknown).await.status, 404);
}

#[tokio::test]
async fn an_archived_query_can_be_read_but_not_run() {
    let sandbox = at_once().await;
    let path = format!("/v1/query/{DUNE_QUERY_ID}");
    let change = |word: &str| {
        let request = dune(&sandbox, Method::POST, &format!("{path}/{word}"));
        async move { send(request).await }
    };
    assert_eq!(
        change("archive").await.json(),
        json!({ "query_id": DUNE_QUERY_ID })
    );
    assert_eq!(get(&sandbox, &path).await.json()["is_archived"], true);
    let reply = post(&sandbox, &format!("{path}/execute"), json!({})).await;
    assert_eq!(reply.status, 403);
    let message = reply.json()["error"].as_str().unwrap().to_owned();
    assert!(
        message.starts_with("Not allowed to execute query."),
        "{message}"
    );
    change("unarchive").await;
    let reply = post(&sandbox, &format!("{path}/execute"), json!({})).await;
    assert_eq!(reply.status, 200);
    change("private").await;
    assert_eq!(get(&sandbox, &path).await.json()["is_private"], true);
    let usage = post(&sandbox, "/v1/usage", json!({})).await.json();
    assert_eq!(usage["private_queries"], 1);
    change("unprivate").await;
    assert_eq!(get(&sandbox, &path).await.json()["is_private"], false);
}

#[tokio::test]
async fn every_answer_has_rate_limit_headers_unless_the_key_is_refused() {
    let sandbox = at_once().await;
    let path = format!("/v1/query/{DUNE_QUERY_ID}");
    let first = get(&sandbox, &path).await;
    assert_eq!(
        first.header("RateLimit-Policy"),
        Some("\"ip\";q=1000;w=1, \"read\";q=1000;w=60")
    );
    let limit = first.header("RateLimit").unwrap();
    assert!(
        limit.starts_with("\"ip\";r=999;t=1, \"read\";r=999;t="),
        "{limit}"
    );
    let missing = get(&sandbox, "/v1/query/7").await;
    assert!(
        missing
            .header("RateLimit")
            .unwrap()
            .contains("\"read\";r=998;")
    );
    let written = post(&sandbox, "/v1/usage", json!({})).await;
    let limit = written.header("RateLimit").unwrap();
    assert!(limit.contains("\"write\";r=349;"), "{limit}");
    assert_eq!(written.header("Retry-After"), None);
    let url = format!("{}{path}", sandbox.dune_url());
    let refused = send(reqwest::Client::new().get(url)).await;
    assert_eq!((refused.status, refused.header("RateLimit")), (401, None));
}

#[tokio::test]
async fn requests_above_the_limit_are_429_with_retry_after() {
    let sandbox = Sandbox::builder()
        .dune_requests_per_minute(2)
        .start()
        .await
        .unwrap();
    let path = format!("/v1/query/{DUNE_QUERY_ID}");
    for _ in 0..2 {
        assert_eq!(get(&sandbox, &path).await.status, 200);
    }
    let refused = get(&sandbox, &path).await;
    assert_eq!(refused.status, 429);
    let seconds: u64 = refused.header("Retry-After").unwrap().parse().unwrap();
    assert!((1..=60).contains(&seconds), "{seconds}");
    assert!(refused.json()["error"].is_string());
    // writes have their own count
    assert_eq!(post(&sandbox, "/v1/usage", json!({})).await.status, 200);
}

#[tokio::test]
async fn a_result_expires() {
    let sandbox = Sandbox::builder()
        .poll_steps(0)
        .results_lifetime(Duration::from_millis(1500))
        .start()
        .await
        .unwrap();
    let id = dune_execution(&sandbox, "select 1 as n").await;
    let path = format!("/v1/execution/{id}");
    let status = get(&sandbox, &format!("{path}/status")).await.json();
    assert_eq!(status["state"], "QUERY_STATE_COMPLETED");
    assert_eq!(status["max_inflight_interactive_executions"], 20);
    tokio::time::sleep(Duration::from_millis(1550)).await;
    let status = get(&sandbox, &format!("{path}/status")).await.json();
    assert_eq!(status["state"], "QUERY_STATE_EXPIRED");
    assert_eq!(status["is_execution_finished"], true);
    let results = get(&sandbox, &format!("{path}/results")).await;
    assert_eq!(results.status, 200);
    assert_eq!(results.json().get("result"), None);
    let latest = get(&sandbox, &format!("/v1/query/{DUNE_QUERY_ID}/results")).await;
    assert_eq!(latest.status, 404);
}

#[tokio::test]
async fn a_custom_endpoint_returns_the_latest_result_of_its_query() {
    let sandbox = at_once().await;
    let path = "/v1/endpoints/rowfeed/all-trades/results?limit=2";
    let body = get(&sandbox, path).await.json();
    assert_eq!(body["query_id"], DUNE_QUERY_ID);
    assert_eq!(body["next_offset"], 2);
    let other = get(&sandbox, "/v1/endpoints/rowfeed/other/results").await;
    assert_eq!(other.status, 404);
}

#[tokio::test]
async fn a_request_without_a_prefix_is_routed_by_its_key() {
    let sandbox = at_once().await;
    let url = format!("http://{}/api/v1/query/{DUNE_QUERY_ID}", sandbox.address());
    let client = reqwest::Client::new();
    let request = client
        .get(&url)
        .header("X-Dune-Api-Key", rowfeed_sandbox::DUNE_API_KEY);
    assert_eq!(send(request).await.status, 200);
    assert_eq!(send(client.get(&url)).await.status, 404);
}

#[tokio::test]
async fn a_page_above_the_cost_limit_is_402() {
    let sandbox = Sandbox::builder()
        .dune_max_datapoints_per_request(100)
        .start()
        .await
        .unwrap();
    let path = format!("/v1/query/{DUNE_QUERY_ID}/results");
    let refused = get(&sandbox, &path).await;
    assert_eq!(refused.status, 402);
    let message = refused.json()["error"].as_str().unwrap().to_owned();
    assert!(
        message.contains("exceed your configured limits"),
        "{message}"
    );
    assert_eq!(get(&sandbox, &format!("{path}?limit=10")).await.status, 200);
    let ignored = format!("{path}?ignore_max_credits_per_request=true");
    assert_eq!(get(&sandbox, &ignored).await.status, 200);
}

#[tokio::test]
async fn a_run_takes_at_least_the_configured_time() {
    let sandbox = Sandbox::builder()
        .poll_steps(0)
        .run_time(Duration::from_millis(1500))
        .start()
        .await
        .unwrap();
    let id = dune_execution(&sandbox, "select 1").await;
    let path = format!("/v1/execution/{id}/status");
    assert_eq!(
        get(&sandbox, &path).await.json()["is_execution_finished"],
        false
    );
    tokio::time::sleep(Duration::from_millis(1550)).await;
    let state = get(&sandbox, &path).await.json()["state"].clone();
    assert_eq!(state, "QUERY_STATE_COMPLETED");
}
