//! What can be wrong with a page, or with the way it is sent.
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
async fn a_page_is_sent_again() {
    let sandbox = at_once().await;
    let first = get(&sandbox, &latest("limit=2")).await;
    sandbox.fault(Fault::repeat_page());
    // what is no page does not count
    get(&sandbox, &format!("/v1/query/{DUNE_QUERY_ID}")).await;
    sandbox.take_requests();
    let second = get(&sandbox, &latest("limit=2&offset=2")).await;
    assert_eq!(second.text, first.text);
    assert!(sandbox.requests()[0].faulted);
    let third = get(&sandbox, &latest("limit=2&offset=2")).await;
    assert_ne!(ids(&third.json()), ids(&first.json()));
}

#[tokio::test]
async fn the_next_page_starts_where_this_one_does() {
    let sandbox = at_once().await;
    sandbox.fault(Fault::stuck_offset().times(2));
    let body = get(&sandbox, &latest("limit=5&offset=10")).await.json();
    assert_eq!(body["next_offset"], 10);
    assert!(body["next_uri"].as_str().unwrap().contains("offset=10"));
    // the last page has no next one
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
async fn a_page_is_shorter_than_was_asked_for() {
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
async fn the_query_ran_again_between_two_pages() {
    let sandbox = at_once().await;
    let first = get(&sandbox, &latest("limit=2")).await.json();
    sandbox.fault(Fault::swap_execution());
    let second = get(&sandbox, &latest("limit=2&offset=2")).await.json();
    assert_ne!(second["execution_id"], first["execution_id"]);
    // it has really run, and is the latest now
    let third = get(&sandbox, &latest("limit=2&offset=4")).await.json();
    assert_eq!(third["execution_id"], second["execution_id"]);
    // who goes by the execution is not disturbed
    let pinned = first["execution_id"].as_str().unwrap();
    let path = format!("/v1/execution/{pinned}/results?limit=2&offset=2");
    assert_eq!(get(&sandbox, &path).await.json()["execution_id"], pinned);
}

#[tokio::test]
async fn a_body_can_take_its_time() {
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
async fn a_body_can_be_compressed_unasked() {
    let sandbox = at_once().await;
    let plain = get(&sandbox, &latest("")).await.text;
    sandbox.fault(Fault::gzip());
    let request = dune(&sandbox, Method::GET, &latest("")).build().unwrap();
    // A build of the whole workspace has a client that would unpack it.
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
async fn a_body_can_be_called_something_else() {
    let sandbox = at_once().await;
    sandbox.fault(Fault::content_type("text/html"));
    let reply = get(&sandbox, &latest("limit=1")).await;
    assert_eq!(reply.header("content-type"), Some("text/html"));
    assert_eq!(ids(&reply.json()).len(), 1);
}

#[tokio::test]
async fn a_scenario_is_played_in_order_and_then_over() {
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
async fn a_seed_makes_chance_repeatable() {
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
async fn a_request_can_bring_its_own_fault() {
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
    // and leaves the others alone
    assert_eq!(
        ids(&get(&sandbox, &latest("limit=5")).await.json()).len(),
        5
    );
    let reply = send(request("explode")).await;
    assert_eq!(reply.status, 400);
    assert!(reply.text.contains("is not a fault"), "{}", reply.text);
}
