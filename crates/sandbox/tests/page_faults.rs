//! Tests of faults of pages and of bodies.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::io::Read as _;
use std::time::{Duration, Instant};

use flate2::read::GzDecoder;
use reqwest::Method;
use rowfeed_sandbox::{DUNE_QUERY_ID, Fault, Sandbox, Service};
use serde_json::Value;
use support::{Reply, dune, lightdash_query, lightdash_run, send, yandex_query, yandex_query_run};

async fn at_once() -> Sandbox {
    Sandbox::builder().poll_steps(0).start().await.unwrap()
}

fn latest(query: &str) -> String {
    format!("/v1/query/{DUNE_QUERY_ID}/results?{query}")
}

async fn get(sandbox: &Sandbox, path: &str) -> Reply {
    send(dune(sandbox, Method::GET, path)).await
}

fn ids(body: &Value) -> Vec<i64> {
    let rows = body["result"]["rows"].as_array().unwrap();
    rows.iter()
        .map(|row| row["trade_id"].as_i64().unwrap())
        .collect()
}

#[tokio::test]
async fn repeat_page_sends_the_previous_page() {
    let sandbox = at_once().await;
    let first = get(&sandbox, &latest("limit=2")).await;
    sandbox.fault(Fault::repeat_page());
    // a response that is not a page does not match
    get(&sandbox, &format!("/v1/query/{DUNE_QUERY_ID}")).await;
    sandbox.take_requests();
    let second = get(&sandbox, &latest("limit=2&offset=2")).await;
    assert_eq!(second.text, first.text);
    assert!(sandbox.requests()[0].faulted);
    let third = get(&sandbox, &latest("limit=2&offset=2")).await;
    assert_ne!(ids(&third.json()), ids(&first.json()));
}

#[tokio::test]
async fn stuck_offset_announces_the_same_page() {
    let sandbox = at_once().await;
    sandbox.fault(Fault::stuck_offset().times(2));
    let body = get(&sandbox, &latest("limit=5&offset=10")).await.json();
    assert_eq!(body["next_offset"], 10);
    assert!(body["next_uri"].as_str().unwrap().contains("offset=10"));
    // the last page has no next page and does not match
    let body = get(&sandbox, &latest("offset=47")).await.json();
    assert_eq!(body.get("next_offset"), None);

    let id = lightdash_run(&sandbox, "select * from trades").await;
    let path = format!("/{id}?pageSize=20&page=2");
    let page = send(lightdash_query(&sandbox, Method::GET, &path))
        .await
        .json();
    assert_eq!(page["results"]["nextPage"], 2);
    let page = send(lightdash_query(&sandbox, Method::GET, &path))
        .await
        .json();
    assert_eq!(page["results"]["nextPage"], 3);
}

#[tokio::test]
async fn clamp_limit_shortens_a_page() {
    let sandbox = at_once().await;
    sandbox.fault(Fault::clamp_limit(3).always());
    let body = get(&sandbox, &latest("limit=10&offset=4")).await.json();
    assert_eq!(
        (ids(&body).len(), &body["next_offset"]),
        (3, &Value::from(7))
    );
    assert!(body["next_uri"].as_str().unwrap().contains("limit=10"));

    let id = lightdash_run(&sandbox, "select * from trades").await;
    let path = format!("/{id}?pageSize=20");
    let page = send(lightdash_query(&sandbox, Method::GET, &path))
        .await
        .json();
    assert_eq!(page["results"]["pageSize"], 3);
    assert_eq!(page["results"]["totalPageCount"], 16);

    let id = yandex_query_run(&sandbox, "select * from trades").await;
    send(yandex_query(
        &sandbox,
        Method::GET,
        &format!("/queries/{id}/status"),
    ))
    .await;
    let path = format!("/queries/{id}/results/0?limit=20");
    let page = send(yandex_query(&sandbox, Method::GET, &path))
        .await
        .json();
    assert_eq!(page["rows"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn swap_execution_answers_with_another_run() {
    let sandbox = at_once().await;
    let first = get(&sandbox, &latest("limit=2")).await.json();
    sandbox.fault(Fault::swap_execution());
    let second = get(&sandbox, &latest("limit=2&offset=2")).await.json();
    assert_ne!(second["execution_id"], first["execution_id"]);
    // the query ran, and its execution is the latest
    let third = get(&sandbox, &latest("limit=2&offset=4")).await.json();
    assert_eq!(third["execution_id"], second["execution_id"]);
    // reading by execution id is not affected
    let pinned = first["execution_id"].as_str().unwrap();
    let path = format!("/v1/execution/{pinned}/results?limit=2&offset=2");
    assert_eq!(get(&sandbox, &path).await.json()["execution_id"], pinned);
}

#[tokio::test]
async fn a_slow_body_takes_the_given_time() {
    let sandbox = at_once().await;
    sandbox.fault(Fault::slow_body(Duration::from_millis(200)));
    let started = Instant::now();
    let request = dune(&sandbox, Method::GET, &latest(""));
    let mut response = request.send().await.unwrap();
    let (mut pieces, mut size) = (0, 0);
    while let Some(piece) = response.chunk().await.unwrap() {
        pieces += 1;
        size += piece.len();
    }
    assert!(started.elapsed() >= Duration::from_millis(180));
    assert!(pieces > 1, "{pieces}");
    assert_eq!(size, get(&sandbox, &latest("")).await.text.len());
}

#[tokio::test]
async fn gzip_compresses_a_body_without_accept_encoding() {
    let sandbox = at_once().await;
    let plain = get(&sandbox, &latest("")).await.text;
    sandbox.fault(Fault::gzip());
    let request = dune(&sandbox, Method::GET, &latest("")).build().unwrap();
    // In a build of the whole workspace, the client would decompress the body.
    let client = reqwest::Client::builder().no_gzip().build().unwrap();
    let response = client.execute(request).await.unwrap();
    assert_eq!(response.headers()["content-encoding"], "gzip");
    let bytes = response.bytes().await.unwrap();
    let mut text = String::new();
    GzDecoder::new(&*bytes).read_to_string(&mut text).unwrap();
    assert_eq!(text, plain);
    assert!(bytes.len() < plain.len());
}

#[tokio::test]
async fn content_type_replaces_the_header() {
    let sandbox = at_once().await;
    sandbox.fault(Fault::content_type("text/html"));
    let reply = get(&sandbox, &latest("limit=1")).await;
    assert_eq!(reply.header("content-type"), Some("text/html"));
    assert_eq!(ids(&reply.json()).len(), 1);
}

#[tokio::test]
async fn answers_are_sent_in_order_and_then_end() {
    let sandbox = at_once().await;
    let json = "application/json";
    sandbox.fault(
        Fault::answers([
            (200, json, r#"{"state":"QUERY_STATE_PENDING"}"#),
            (502, "text/html", "<html></html>"),
        ])
        .on(Service::Dune)
        .path("/results"),
    );
    let mut seen = Vec::new();
    for _ in 0..3 {
        let reply = get(&sandbox, &latest("limit=1")).await;
        seen.push((reply.status, reply.text.len() > 60));
    }
    assert_eq!(seen, [(200, false), (502, false), (200, true)]);
}

#[tokio::test]
async fn the_same_seed_repeats_the_same_faults() {
    let statuses = async |seed| {
        let sandbox = at_once().await;
        sandbox.fault(Fault::status(503).always().probability(0.5, seed));
        let mut statuses = Vec::new();
        for _ in 0..20 {
            statuses.push(get(&sandbox, &latest("limit=1")).await.status);
        }
        statuses
    };
    let first = statuses(3).await;
    assert_eq!(first, statuses(3).await);
    assert!(first.contains(&200) && first.contains(&503), "{first:?}");
    assert_ne!(first, statuses(4).await);
}

#[tokio::test]
async fn a_request_header_adds_a_fault_to_the_request() {
    let sandbox = at_once().await;
    let request = |fault: &str| {
        let request = dune(&sandbox, Method::GET, &latest("limit=5"));
        request.header("X-Sandbox-Fault", fault.to_owned())
    };
    let reply = send(request("status=429 retry-after=7")).await;
    assert_eq!(
        (reply.status, reply.header("Retry-After")),
        (429, Some("7"))
    );
    assert!(sandbox.take_requests()[0].faulted);
    let reply = send(request("clamp-limit=2")).await;
    assert_eq!(ids(&reply.json()).len(), 2);
    let reply = send(request("swap-execution")).await;
    assert_eq!(reply.status, 200);
    // other requests are not affected
    assert_eq!(
        ids(&get(&sandbox, &latest("limit=5")).await.json()).len(),
        5
    );
    let reply = send(request("explode")).await;
    assert_eq!(reply.status, 400);
    assert!(reply.text.contains("is not a fault"), "{}", reply.text);
}
