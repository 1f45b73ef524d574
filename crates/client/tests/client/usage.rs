//! The counters of a client.

use std::time::Duration;

use rowfeed_client::{RateLimit, Usage};

use crate::{
    generated::Client,
    server::{Reply, Server},
    setup::{build, client, page, sql, transport},
};

fn metered(client: &Client) -> Client {
    Client {
        inner: client.inner.metered(),
        ..client.clone()
    }
}

fn counts(usage: Usage) -> [u64; 3] {
    [usage.calls, usage.requests, usage.retries]
}

#[tokio::test]
async fn calls_requests_retries_and_bytes_are_counted() {
    let failure = Reply::json("503 Service Unavailable", "{}");
    let cut = Reply::head("200 OK", &[], 50).send("{\"state\"");
    let whole = page("[]");
    let server =
        Server::start([failure, cut, whole, Reply::json("200 OK", "{\"id\":\"7\"}")]).await;
    let client = client(&server);
    assert_eq!(client.inner.usage(), Usage::default());
    client.get_page().query_id("1").send().await.unwrap();
    let usage = client.inner.usage();
    assert_eq!(counts(usage), [1, 3, 2]);
    let length = "{\"state\":\"COMPLETED\",\"result\":{\"rows\":[]}}".len();
    assert_eq!(usage.bytes_received, (2 + 8 + length) as u64);
    assert_eq!((usage.bytes_sent, usage.credits), (0, None));

    client.clone().run().body(sql()).send().await.unwrap();
    let run = client.inner.usage().since(&usage);
    assert_eq!(counts(run), [1, 1, 0]);
    assert_eq!(run.bytes_sent, "{\"sql\":\"select 1\"}".len() as u64);
    assert_eq!(run.bytes_received, "{\"id\":\"7\"}".len() as u64);
}

#[tokio::test]
async fn failed_calls_and_streams_count_too() {
    let gone = Reply::json("404 Not Found", "{\"error\":\"\"}");
    let csv = Reply::new("200 OK", &[("content-type", "text/csv")], "a,b\n1,2\n");
    let server = Server::start([gone, csv]).await;
    let client = client(&server);
    client.get_page().query_id("1").send().await.unwrap_err();
    assert_eq!(client.inner.usage().bytes_received, 12);
    let mut csv = client.get_csv().send().await.unwrap();
    while let Some(chunk) = csv.next_chunk().await {
        chunk.unwrap();
    }
    assert_eq!(client.inner.usage().bytes_received, 12 + 8);
    assert_eq!(counts(client.inner.usage()), [2, 2, 0]);
}

#[tokio::test]
async fn a_metered_clone_counts_from_zero_and_for_its_client() {
    let server = Server::start([page("[]")]).await;
    let client = client(&server);
    client.get_page().query_id("1").send().await.unwrap();
    let run = metered(&client);
    assert_eq!(run.inner.usage(), Usage::default());
    run.get_page().query_id("1").send().await.unwrap();
    let page = metered(&run);
    page.get_page().query_id("1").send().await.unwrap();
    let meter = run.inner.meter();
    drop((run, page));
    assert_eq!(counts(meter.usage()), [2, 2, 0]);
    assert_eq!(counts(client.inner.usage()), [3, 3, 0]);
    meter.run_ended("rows", "7", Some(1.5));
    meter.run_ended("rows", "8", None);
    assert_eq!(meter.usage().credits, Some(1.5));
    assert_eq!(client.inner.usage().credits, Some(1.5));
}

#[tokio::test]
async fn waits_for_the_rate_limit_and_for_retries_are_counted() {
    let failure = Reply::new("429 Too Many Requests", &[("retry-after", "1")], "{}");
    let server = Server::start([failure, page("[]")]).await;
    let limited = transport(&server.url).rate_limit(RateLimit::new(1, Duration::from_millis(50)));
    let client = build(limited);
    client.get_page().query_id("1").send().await.unwrap();
    let waited = client.inner.usage().waited;
    assert!(waited >= Duration::from_secs(1), "{waited:?}");
    client.get_page().query_id("1").send().await.unwrap();
    client.get_page().query_id("1").send().await.unwrap();
    let limited = client.inner.usage().waited - waited;
    assert!(limited >= Duration::from_millis(40), "{limited:?}");
}

/// Only what was sent counts as a request.
#[tokio::test]
async fn an_attempt_that_sends_nothing_is_no_request() {
    let server = Server::start([page("[]")]).await;
    let client = client(&server);
    let refused = Client {
        inner: client.inner.with_header("authorization", "mine"),
        ..client.clone()
    };
    refused.get_page().query_id("1").send().await.unwrap_err();
    assert_eq!(counts(client.inner.usage()), [1, 0, 0]);
}
