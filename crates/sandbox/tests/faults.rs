//! Tests of faults, and of the life of a sandbox.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::time::{Duration, Instant};

use reqwest::Method;
use rowfeed_sandbox::{ColumnType, DUNE_QUERY_ID, Fault, Sandbox, ScriptedResult, Service, Value};
use serde_json::json;
use support::{
    Reply, dune, dune_execution, lightdash_query, lightdash_run, send, yandex_query,
    yandex_query_run,
};

fn latest() -> String {
    format!("/v1/query/{DUNE_QUERY_ID}/results?limit=3")
}

async fn get(sandbox: &Sandbox) -> Reply {
    send(dune(sandbox, Method::GET, &latest())).await
}

#[tokio::test]
async fn a_status_is_sent_with_its_headers_the_given_number_of_times() {
    let sandbox = Sandbox::start().await.unwrap();
    sandbox.fault(
        Fault::status(429)
            .header("Retry-After", "7")
            .body("application/json", r#"{"error":"slow down"}"#)
            .on(Service::Dune)
            .method("GET")
            .path("/results")
            .times(2),
    );
    for _ in 0..2 {
        let reply = get(&sandbox).await;
        assert_eq!(reply.status, 429);
        assert_eq!(reply.header("retry-after"), Some("7"));
        assert_eq!(reply.text, r#"{"error":"slow down"}"#);
    }
    assert_eq!(get(&sandbox).await.status, 200);
    let faulted: Vec<_> = sandbox
        .take_requests()
        .iter()
        .map(|r| (r.status, r.faulted))
        .collect();
    assert_eq!(
        faulted,
        [(Some(429), true), (Some(429), true), (Some(200), false)]
    );
    assert!(sandbox.requests().is_empty());
}

#[tokio::test]
async fn requests_that_do_not_match_are_not_affected() {
    let sandbox = Sandbox::start().await.unwrap();
    sandbox.fault(Fault::status(500).on(Service::Lightdash));
    sandbox.fault(Fault::status(500).method("POST"));
    sandbox.fault(Fault::status(500).path("/status"));
    sandbox.fault(Fault::status(500).after(1));
    assert_eq!(get(&sandbox).await.status, 200);
    assert_eq!(get(&sandbox).await.status, 500);
    sandbox.fault(Fault::status(500).always());
    assert_eq!(get(&sandbox).await.status, 500);
    sandbox.clear_faults();
    assert_eq!(get(&sandbox).await.status, 200);
}

#[tokio::test]
async fn an_html_fault_answers_with_the_page_of_a_proxy() {
    let sandbox = Sandbox::start().await.unwrap();
    sandbox.fault(Fault::html(502));
    let reply = get(&sandbox).await;
    assert_eq!(reply.status, 502);
    assert!(
        reply
            .header("content-type")
            .unwrap()
            .starts_with("text/html")
    );
    assert!(reply.text.starts_with("<!DOCTYPE html>"));
}

#[tokio::test]
async fn a_scripted_answer_is_sent_unchanged() {
    let sandbox = Sandbox::start().await.unwrap();
    sandbox.fault(Fault::answer(
        200,
        "application/json",
        vec![b'{', 0xff, b'}'],
    ));
    let response = dune(&sandbox, Method::GET, &latest()).send().await.unwrap();
    assert_eq!(response.bytes().await.unwrap().as_ref(), [b'{', 0xff, b'}']);
}

#[tokio::test]
async fn delays_add_up_and_the_answer_follows() {
    let sandbox = Sandbox::start().await.unwrap();
    sandbox.fault(Fault::delay(Duration::from_millis(60)));
    sandbox.fault(Fault::delay(Duration::from_millis(60)));
    let start = Instant::now();
    assert_eq!(get(&sandbox).await.status, 200);
    assert!(start.elapsed() >= Duration::from_millis(120));
    // a slow answer does not delay others
    sandbox.fault(Fault::delay(Duration::from_secs(5)).path("/results"));
    let slow = tokio::spawn(dune(&sandbox, Method::GET, &latest()).send());
    tokio::time::sleep(Duration::from_millis(50)).await;
    let start = Instant::now();
    let other = dune(&sandbox, Method::GET, &format!("/v1/query/{DUNE_QUERY_ID}"));
    assert_eq!(send(other).await.status, 200);
    assert!(start.elapsed() < Duration::from_secs(4));
    slow.abort();
}

#[tokio::test]
async fn a_cut_body_ends_with_an_error_after_its_bytes() {
    let sandbox = Sandbox::start().await.unwrap();
    for after in [0, 100] {
        sandbox.fault(Fault::cut_body(after));
        let mut response = dune(&sandbox, Method::GET, &latest()).send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert!(response.content_length().unwrap() > 100);
        let mut seen = 0;
        let error = loop {
            match response.chunk().await {
                Ok(Some(chunk)) => seen += chunk.len(),
                Ok(None) => panic!("the body ended without an error"),
                Err(error) => break error,
            }
        };
        assert!(error.is_body() || error.is_decode(), "{error:?}");
        assert_eq!(seen, after);
    }
    assert_eq!(get(&sandbox).await.status, 200);
}

#[tokio::test]
async fn a_reset_has_no_answer() {
    let sandbox = Sandbox::start().await.unwrap();
    sandbox.fault(Fault::reset().method("POST"));
    let request = dune(&sandbox, Method::POST, "/v1/sql/execute");
    let error = request
        .json(&json!({ "sql": "select 1" }))
        .send()
        .await
        .unwrap_err();
    assert!(error.is_request() && !error.is_connect(), "{error:?}");
    assert!(
        format!("{error:?}").contains("ConnectionReset"),
        "{error:?}"
    );
    let seen = sandbox.take_requests();
    assert_eq!((seen.len(), seen[0].status), (1, None));
    assert_eq!(seen[0].body, r#"{"sql":"select 1"}"#);
}

#[tokio::test]
async fn an_empty_body_keeps_the_status() {
    let sandbox = Sandbox::start().await.unwrap();
    sandbox.fault(Fault::empty_body());
    let reply = get(&sandbox).await;
    assert_eq!((reply.status, reply.text.as_str()), (200, ""));
    assert_eq!(reply.header("content-length"), Some("0"));
}

#[tokio::test]
async fn a_run_can_stay_unfinished_or_show_an_unknown_state() {
    let sandbox = Sandbox::builder().poll_steps(0).start().await.unwrap();
    let d = dune_execution(&sandbox, "select 1").await;
    let l = lightdash_run(&sandbox, "select 1").await;
    let y = yandex_query_run(&sandbox, "select 1").await;
    let poll = async || {
        let d = format!("/v1/execution/{d}/status");
        let d = send(dune(&sandbox, Method::GET, &d)).await.json();
        let l = send(lightdash_query(&sandbox, Method::GET, &format!("/{l}")))
            .await
            .json();
        let y = format!("/queries/{y}/status");
        let y = send(yandex_query(&sandbox, Method::GET, &y)).await.json();
        let texts = [&d["state"], &l["results"]["status"], &y["status"]];
        (
            d["is_execution_finished"].clone(),
            texts.map(|text| text.as_str().unwrap().to_owned()),
        )
    };
    sandbox.fault(Fault::state_forever());
    for _ in 0..4 {
        assert_eq!(
            poll().await,
            (
                json!(false),
                ["QUERY_STATE_EXECUTING", "executing", "RUNNING"].map(Into::into)
            )
        );
    }
    let polls = sandbox.take_requests().split_off(3);
    assert!(polls.iter().all(|poll| poll.faulted), "{polls:?}");
    sandbox.clear_faults();
    sandbox.fault(Fault::unknown_state("DREAMING").times(3));
    assert_eq!(poll().await.1, ["DREAMING"; 3]);
    assert_eq!(
        poll().await.1,
        ["QUERY_STATE_COMPLETED", "ready", "COMPLETED"]
    );
}

#[tokio::test]
async fn requests_are_recorded_with_their_outcome() {
    let sandbox = Sandbox::start().await.unwrap();
    let path = format!("/v1/query/{DUNE_QUERY_ID}/results?limit=3&columns=trade_id,price");
    send(dune(&sandbox, Method::GET, &path)).await;
    let seen = sandbox.requests().remove(0);
    assert_eq!(seen.service, Some(Service::Dune));
    assert_eq!(seen.method, "GET");
    assert_eq!(
        seen.path,
        format!("/dune/api/v1/query/{DUNE_QUERY_ID}/results")
    );
    assert_eq!(
        seen.query.as_deref(),
        Some("limit=3&columns=trade_id,price")
    );
    assert_eq!(
        seen.query_value("columns").as_deref(),
        Some("trade_id,price")
    );
    assert_eq!(seen.header("X-Dune-Api-Key"), Some("***"));
    assert_eq!((seen.status, seen.rows), (Some(200), Some(3)));

    let url = format!("http://{}/elsewhere", sandbox.address());
    assert_eq!(send(reqwest::Client::new().get(url)).await.status, 404);
    assert_eq!(sandbox.requests()[1].service, None);
}

#[tokio::test]
async fn a_registered_table_is_available_at_every_service() {
    let sandbox = Sandbox::builder().poll_steps(0).start().await.unwrap();
    let columns = [("id", ColumnType::BigInt), ("at", ColumnType::Timestamp)];
    let rows = [vec![Value::Integer(1), "2024-02-03 04:05:06.7".into()]];
    sandbox.register_table("mine", &columns, &rows).unwrap();
    let sql = "select at from mine";

    let id = dune_execution(&sandbox, sql).await;
    let path = format!("/v1/execution/{id}/results");
    let body = send(dune(&sandbox, Method::GET, &path)).await.json();
    assert_eq!(
        body["result"]["rows"][0]["at"],
        "2024-02-03 04:05:06.700 UTC"
    );
    let id = lightdash_run(&sandbox, sql).await;
    let body = send(lightdash_query(&sandbox, Method::GET, &format!("/{id}")))
        .await
        .json();
    assert_eq!(
        body["results"]["rows"][0]["at"]["value"]["raw"],
        "2024-02-03T04:05:06.700Z"
    );
    let id = yandex_query_run(&sandbox, sql).await;
    send(yandex_query(
        &sandbox,
        Method::GET,
        &format!("/queries/{id}"),
    ))
    .await;
    let path = format!("/queries/{id}/results/0");
    let body = send(yandex_query(&sandbox, Method::GET, &path))
        .await
        .json();
    assert_eq!(body["rows"], json!([[["2024-02-03T04:05:06.700000Z"]]]));

    let error = sandbox
        .register_table("bad", &columns, &[vec![]])
        .unwrap_err();
    assert!(error.to_string().contains("bad"), "{error}");
    let error = sandbox
        .script_result(
            Service::Dune,
            "x",
            ScriptedResult::new([("a", "b")]).row(["oops"]),
        )
        .unwrap_err();
    assert!(error.to_string().contains("is not JSON"), "{error}");
}

#[tokio::test]
async fn dropping_a_sandbox_closes_its_port_and_connections() {
    let sandbox = Sandbox::start().await.unwrap();
    let address = sandbox.address();
    sandbox.fault(Fault::delay(Duration::from_secs(60)));
    let waiting = tokio::spawn(dune(&sandbox, Method::GET, &latest()).send());
    tokio::time::sleep(Duration::from_millis(50)).await;
    drop(sandbox);
    assert!(waiting.await.unwrap().is_err());
    assert!(std::net::TcpStream::connect(address).is_err());
    std::net::TcpListener::bind(address).unwrap();
}

#[test]
fn the_port_is_closed_when_drop_returns() {
    for _ in 0..50 {
        let sandbox = Sandbox::start_blocking().unwrap();
        let address = sandbox.address();
        drop(sandbox);
        assert!(std::net::TcpStream::connect(address).is_err());
    }
}

#[test]
fn sandboxes_need_no_runtime_and_are_independent() {
    let one = Sandbox::start_blocking().unwrap();
    let other = Sandbox::start_blocking().unwrap();
    assert_ne!(one.dune_url(), other.dune_url());
    assert!(one.dune_url().ends_with("/dune/api"));
    assert!(one.yandex_query_url().ends_with("/api/fq/v1"));
    assert!(one.lightdash_url().starts_with("http://127.0.0.1:"));
}

#[tokio::test]
async fn sample_rows_sets_the_length_of_the_sample() {
    let sandbox = Sandbox::builder()
        .poll_steps(0)
        .sample_rows(1_234)
        .start()
        .await
        .unwrap();
    let sql = "select count(*) as n, count(distinct trade_id) as ids, max(block_date) as last \
               from trades";
    let id = dune_execution(&sandbox, sql).await;
    let path = format!("/v1/execution/{id}/results");
    let body = send(dune(&sandbox, Method::GET, &path)).await.json();
    assert_eq!(
        body["result"]["rows"][0],
        json!({ "n": 1234, "ids": 1234, "last": "2026-01-07" })
    );
}

#[test]
fn a_sandbox_is_send_and_sync() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<Sandbox>();
    shared::<Fault>();
}
