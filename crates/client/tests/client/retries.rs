//! Which failures are retried, when, and how often.

use std::{
    net::SocketAddr,
    time::{Duration, Instant, SystemTime},
};

use rowfeed_client::{CallErrorKind, RetryPolicy};
use tokio::net::TcpSocket;

use crate::{
    server::{Reply, Server},
    setup::{build, client, page, quick, sql, transport},
};

fn run_ok() -> Reply {
    Reply::json("200 OK", "{\"id\":\"7\"}")
}

fn status(status: &str) -> Reply {
    Reply::json(status, "{\"error\":\"wait a little\"}")
}

#[tokio::test]
async fn get_is_retried_on_transient_statuses_only() {
    for (answer, retried) in [
        ("408 Request Timeout", true),
        ("429 Too Many Requests", true),
        ("500 Internal Server Error", true),
        ("502 Bad Gateway", true),
        ("503 Service Unavailable", true),
        ("504 Gateway Timeout", true),
        ("400 Bad Request", false),
        ("401 Unauthorized", false),
        ("404 Not Found", false),
        ("409 Conflict", false),
        ("501 Not Implemented", false),
    ] {
        let server = Server::start([status(answer), page("[]")]).await;
        let result = client(&server).get_page().query_id("1").send().await;
        assert_eq!(result.is_ok(), retried, "{answer}");
        assert_eq!(server.count(), if retried { 2 } else { 1 }, "{answer}");
        match result {
            Ok(page) => assert_eq!(page.attempts(), 2),
            Err(error) => assert!(!error.is_retryable() && error.attempts() == 1),
        }
    }
}

#[tokio::test]
async fn get_gives_up_after_the_last_attempt() {
    let server = Server::start([status("503 Service Unavailable")]).await;
    let error = client(&server)
        .get_page()
        .query_id("1")
        .send()
        .await
        .unwrap_err();
    assert_eq!((error.attempts(), server.count()), (4, 4));
    assert!(error.is_retryable());
    assert_eq!(error.kind(), CallErrorKind::Api);
    assert_eq!(
        error.to_string(),
        "rows: get_page: 503 Service Unavailable: wait a little (GET /v1/query/1/results, \
         4 attempts: 503, 503, 503, 503)"
    );

    let transport = transport(&server.url).retry(RetryPolicy::none());
    let error = build(transport).get_page().query_id("1").send().await;
    assert_eq!((error.unwrap_err().attempts(), server.count()), (1, 5));
}

#[tokio::test]
async fn post_is_retried_on_429_only() {
    for (answer, retried) in [
        ("429 Too Many Requests", true),
        ("408 Request Timeout", false),
        ("500 Internal Server Error", false),
        ("502 Bad Gateway", false),
        ("503 Service Unavailable", false),
        ("504 Gateway Timeout", false),
    ] {
        let server = Server::start([status(answer), run_ok()]).await;
        let result = client(&server).run().body(sql()).send().await;
        assert_eq!(result.is_ok(), retried, "{answer}");
        assert_eq!(server.count(), if retried { 2 } else { 1 }, "{answer}");
    }
}

#[tokio::test]
async fn post_is_not_sent_again_when_it_may_have_run() {
    for reply in [
        Reply::hang_up(),
        Reply::head("200 OK", &[], 9).send("{\"id"),
    ] {
        let server = Server::start([reply, run_ok()]).await;
        let result = client(&server).run().body(sql()).send().await;
        let error = result.unwrap_err();
        assert_eq!(
            (error.kind(), server.count()),
            (CallErrorKind::Io, 1),
            "{error}"
        );
        assert!(error.cause().is_some());
    }
}

/// A port that is taken but refuses connections until `listen` is called.
fn refusing() -> (TcpSocket, SocketAddr) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

#[tokio::test]
async fn post_is_retried_when_no_connection_was_made() {
    let (socket, address) = refusing();
    let patient = quick().max_attempts(10_000).budget(None);
    let client = build(transport(&format!("http://{address}")).retry(patient));
    let call = tokio::spawn(client.run().body(sql()).send());
    tokio::time::sleep(Duration::from_millis(100)).await;
    let server = Server::on(socket.listen(16).unwrap(), vec![run_ok()]);
    let run = call.await.unwrap().unwrap();
    assert!(run.attempts() > 1);
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn a_refused_connection_is_a_connect_error() {
    let (_socket, address) = refusing();
    let url = format!("http://{address}");
    let call = build(transport(&url))
        .get_page()
        .query_id("1")
        .limit(987_654);
    let error = call.send().await.unwrap_err();
    assert!(error.is_connect() && error.is_retryable());
    assert_eq!((error.attempts(), error.status()), (4, None));
    let shown = error.to_string();
    assert!(
        shown.contains(&format!("no connection to {url}: ")),
        "{shown}"
    );
    assert!(shown.contains("refused"), "{shown}");
    let cause = error.cause().unwrap();
    let everything = format!("{shown} {error:?} {cause} {cause:?}");
    assert!(
        !everything.contains("987654"),
        "the query is shown: {everything}"
    );
}

#[tokio::test]
async fn get_is_retried_when_the_exchange_breaks() {
    let server = Server::start([Reply::hang_up(), page("[]")]).await;
    let page = client(&server).get_page().query_id("1").send().await;
    assert_eq!(page.unwrap().attempts(), 2);
}

#[tokio::test]
async fn a_cut_body_repeats_the_whole_call() {
    let cut = || Reply::head("200 OK", &[], 500).send("{\"state\":\"COMPLETED\",");
    let server = Server::start([cut(), cut(), page("[1,2]")]).await;
    let page = client(&server)
        .get_page()
        .query_id("1")
        .send()
        .await
        .unwrap();
    assert_eq!((page.attempts(), server.count()), (3, 3));
    assert_eq!(page.result.rows.count(), 2);

    let server = Server::start([cut()]).await;
    let result = client(&server).get_page().query_id("1").send().await;
    let error = result.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (CallErrorKind::Io, 4));
    assert_eq!(error.status().unwrap(), 200);
    assert!(error.to_string().contains("the body broke off"), "{error}");
}

#[tokio::test]
async fn an_error_after_a_cut_body_keeps_its_typed_body() {
    let cut = Reply::head("200 OK", &[], 500).send("{\"state\":");
    let gone = Reply::json("404 Not Found", "{\"error\":\"results expired\"}");
    let server = Server::start([cut, gone]).await;
    let result = client(&server).get_page().query_id("1").send().await;
    let error = result.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (CallErrorKind::Api, 2));
    assert_eq!(error.api_error().unwrap().error, "results expired");
}

#[tokio::test]
async fn retry_after_in_seconds_is_waited_for() {
    let limited = Reply::new("429 Too Many Requests", &[("retry-after", "1")], "{}");
    let server = Server::start([limited, page("[]")]).await;
    let begun = Instant::now();
    let page = client(&server).get_page().query_id("1").send().await;
    assert_eq!(page.unwrap().attempts(), 2);
    assert!(begun.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn retry_after_as_a_date_is_waited_for() {
    let now = SystemTime::now();
    let date = httpdate::fmt_http_date(now);
    let later = httpdate::fmt_http_date(now + Duration::from_secs(1));
    let headers = [("date", date.as_str()), ("retry-after", later.as_str())];
    let limited = Reply::new("503 Service Unavailable", &headers, "{}");
    let server = Server::start([limited, page("[]")]).await;
    let begun = Instant::now();
    let page = client(&server).get_page().query_id("1").send().await;
    assert_eq!(page.unwrap().attempts(), 2);
    assert!(begun.elapsed() >= Duration::from_secs(1));
}

/// Headers of a rate limit without `Retry-After`.
#[tokio::test]
async fn a_rate_limit_reset_is_waited_for_after_a_429() {
    for (name, value) in [
        ("ratelimit", "\"ip\";r=900;t=1, \"write\";r=0;t=1"),
        ("ratelimit-reset", "1"),
        ("x-ratelimit-reset", "1"),
    ] {
        let limited = Reply::new("429 Too Many Requests", &[(name, value)], "{}");
        let server = Server::start([limited, page("[]")]).await;
        let begun = Instant::now();
        let page = client(&server).get_page().query_id("1").send().await;
        assert_eq!(page.unwrap().attempts(), 2, "{name}");
        assert!(begun.elapsed() >= Duration::from_secs(1), "{name}");
    }
}

#[tokio::test]
async fn a_rate_limit_reset_above_the_cap_fails_at_once() {
    let headers = [("ratelimit", "\"read\";r=0;t=3600")];
    let server = Server::start([Reply::new("429 Too Many Requests", &headers, "{}")]).await;
    let result = client(&server).get_page().query_id("1").send().await;
    let error = result.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(3600)));
    assert_eq!((error.attempts(), server.count()), (1, 1));
    let said = error.to_string();
    assert!(
        said.contains("the service requests a wait of 3600 s"),
        "{said}"
    );
}

#[tokio::test]
async fn the_error_lists_every_attempt_with_outcome_and_wait() {
    let replies = [
        Reply::new("429 Too Many Requests", &[("retry-after", "1")], "{}"),
        Reply::hang_up(),
        Reply::head("200 OK", &[], 500).send("{\"state\":"),
        status("404 Not Found"),
    ];
    let server = Server::start(replies).await;
    let call = client(&server).get_page().query_id("1").send();
    let error = call.await.unwrap_err();
    let met: Vec<_> = error
        .history()
        .iter()
        .map(|a| (a.number(), a.status().map(|s| s.as_u16()), a.failure()))
        .collect();
    assert_eq!(
        met,
        [
            (1, Some(429), None),
            (2, None, Some(CallErrorKind::Io)),
            (3, Some(200), Some(CallErrorKind::Io)),
            (4, Some(404), None),
        ]
    );
    assert_eq!(error.history()[0].waited(), Duration::ZERO);
    assert!(error.history()[1].waited() >= Duration::from_secs(1));
    assert!(error.history()[2].waited() <= Duration::from_millis(1));
    let said = error.to_string();
    assert!(
        said.ends_with("4 attempts: 429, broken off, 200 and broken off, 404)"),
        "{said}"
    );
    let debug = format!("{error:?}");
    assert!(debug.contains("1: 429 after waiting 0ns"), "{debug}");
    assert!(debug.contains("2: broken off after waiting 1"), "{debug}");
}

#[tokio::test]
async fn a_decode_error_lists_the_attempts_before_it() {
    let broken = Reply::json("200 OK", "{\"state\":7}");
    let server = Server::start([status("503 Service Unavailable"), broken]).await;
    let result = client(&server).get_page().query_id("1").send().await;
    let error = result.unwrap_err();
    assert_eq!(error.kind(), CallErrorKind::Decode);
    assert!(
        error.to_string().ends_with("2 attempts: 503, 200)"),
        "{error}"
    );
}

#[tokio::test]
async fn the_history_of_many_attempts_is_bounded() {
    let server = Server::start([status("503 Service Unavailable")]).await;
    let stubborn = quick()
        .max_attempts(30)
        .base_delay(Duration::ZERO)
        .budget(None);
    let client = build(transport(&server.url).retry(stubborn));
    let error = client.get_page().query_id("1").send().await.unwrap_err();
    assert_eq!((error.attempts(), error.history().len()), (30, 16));
    assert_eq!(error.history()[15].number(), 30);
    assert!(error.to_string().contains("503, …, 503"), "{error}");
}

#[tokio::test]
async fn a_policy_without_delays_and_limits_sends_no_flood() {
    let at_once = Reply::new("429 Too Many Requests", &[("retry-after", "0")], "{}");
    let server = Server::start([at_once]).await;
    let hasty = quick()
        .max_attempts(u32::MAX)
        .base_delay(Duration::ZERO)
        .max_delay(Duration::ZERO)
        .budget(None);
    let client = build(
        transport(&server.url)
            .retry(hasty)
            .deadline(Duration::from_secs(1)),
    );
    client.get_page().query_id("1").send().await.unwrap_err();
    // Four at once, and then one in 50 ms on average.
    let sent = server.count();
    assert!((5..=60).contains(&sent), "{sent} requests in a second");
}

#[tokio::test]
async fn retry_after_above_the_cap_fails_at_once() {
    let limited = Reply::new("429 Too Many Requests", &[("retry-after", "121")], "{}");
    let server = Server::start([limited]).await;
    let result = client(&server).get_page().query_id("1").send().await;
    let error = result.unwrap_err();
    assert_eq!((error.attempts(), server.count()), (1, 1));
    assert!(error.is_rate_limited());
    assert_eq!(error.retry_after(), Some(Duration::from_secs(121)));
    assert!(
        error.to_string().contains(
            "not attempted again: the service requests a wait of 121 s, more than the 120 s of \
             max_retry_after"
        ),
        "{error}"
    );
}

#[tokio::test]
async fn a_post_with_a_key_is_retried_with_the_same_key() {
    let replies = [
        status("503 Service Unavailable"),
        Reply::hang_up(),
        Reply::head("200 OK", &[], 9).send("{\"id"),
        run_ok(),
    ];
    let server = Server::start(replies).await;
    let client = client(&server);
    client.run().body(sql()).send_as("run_once").await.unwrap();
    client.run().body(sql()).send_as("run_once").await.unwrap();
    let seen = server.seen();
    let keys: Vec<_> = seen
        .iter()
        .map(|seen| seen.header("idempotency-key").unwrap())
        .collect();
    assert_eq!(keys.len(), 5);
    assert!(keys[..4].iter().all(|key| *key == keys[0]), "{keys:?}");
    assert_ne!(keys[4], keys[0], "another call, another key");
    let key: uuid::Uuid = keys[0].parse().unwrap();
    assert_eq!(key.get_version_num(), 4);
    assert!(
        seen.iter()
            .all(|seen| seen.body == b"{\"sql\":\"select 1\"}")
    );
}

#[tokio::test]
async fn a_key_of_the_user_stays_and_allows_retries() {
    let server = Server::start([status("503 Service Unavailable"), run_ok()]).await;
    let call = client(&server).run().idempotency_key("mine").body(sql());
    call.send_as("run_once").await.unwrap();
    let seen = server.seen();
    assert_eq!(seen.len(), 2);
    assert!(
        seen.iter()
            .all(|seen| seen.header("idempotency-key") == Some("mine"))
    );

    let server = Server::start([run_ok()]).await;
    client(&server).run().body(sql()).send().await.unwrap();
    assert_eq!(server.seen()[0].header("idempotency-key"), None);
}

#[tokio::test]
async fn a_streamed_request_body_is_sent_once() {
    let server = Server::start([status("429 Too Many Requests")]).await;
    let body = reqwest::Body::wrap_stream(Once(Some("a,b\n")));
    let error = client(&server)
        .upload()
        .body(body)
        .send()
        .await
        .unwrap_err();
    assert_eq!((error.attempts(), server.count()), (1, 1));
    assert!(
        error.to_string().contains("the request body is a stream"),
        "{error}"
    );
}

/// A stream of one chunk.
struct Once(Option<&'static str>);

impl futures_core::Stream for Once {
    type Item = Result<&'static str, std::io::Error>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        std::task::Poll::Ready(self.0.take().map(Ok))
    }
}

#[tokio::test]
async fn clones_share_the_retry_budget() {
    let server = Server::start([status("503 Service Unavailable")]).await;
    let policy = quick().budget(Some(20));
    let first = build(transport(&server.url).retry(policy));
    let second = first.clone();
    let send = async |client: &crate::generated::Client| {
        client.get_page().query_id("1").send().await.unwrap_err()
    };
    assert_eq!(send(&first).await.attempts(), 4);
    let error = send(&second).await;
    assert_eq!(error.attempts(), 2);
    assert!(
        error
            .to_string()
            .contains("retry budget of this client is used up"),
        "{error}"
    );
    assert_eq!(send(&first).await.attempts(), 1);
}

#[tokio::test]
async fn a_call_dropped_before_its_retry_returns_the_tokens() {
    let limited = Reply::new("429 Too Many Requests", &[("retry-after", "60")], "{}");
    let server = Server::start([limited, status("503 Service Unavailable")]).await;
    let client = build(transport(&server.url).retry(quick().max_attempts(2).budget(Some(5))));
    let call = client.get_page().query_id("1").send();
    let given_up = tokio::time::timeout(Duration::from_millis(500), call).await;
    assert!(given_up.is_err() && server.count() == 1);
    // The budget holds one retry. It is available again, and then it is used up.
    let error = client.get_page().query_id("1").send().await.unwrap_err();
    assert_eq!(error.attempts(), 2);
    let error = client.get_page().query_id("1").send().await.unwrap_err();
    assert_eq!(error.attempts(), 1);
}

#[tokio::test]
async fn success_refills_the_retry_budget() {
    let replies: Vec<_> = (0..12)
        .map(|n| {
            if n % 2 == 0 {
                status("503 Service Unavailable")
            } else {
                page("[]")
            }
        })
        .collect();
    let server = Server::start(replies).await;
    let client = build(transport(&server.url).retry(quick().budget(Some(5))));
    for _ in 0..6 {
        let page = client.get_page().query_id("1").send().await.unwrap();
        assert_eq!(page.attempts(), 2);
    }
}

/// No wait adds TLS to a build without it.
#[cfg(not(any(feature = "rustls", feature = "native-tls")))]
#[tokio::test]
async fn https_without_tls_fails_at_once() {
    let client = build(transport("https://127.0.0.1:9").retry(quick()));
    let error = client.get_page().query_id("1").send().await.unwrap_err();
    assert_eq!(error.kind(), CallErrorKind::Connect);
    assert_eq!(error.attempts(), 1);
    assert!(error.to_string().contains("enable the feature"), "{error}");
}
