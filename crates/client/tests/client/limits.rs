//! Time limits: of one attempt, and of the call.

use std::time::{Duration, Instant};

use rowfeed_client::{CallErrorKind, RetryPolicy, TimeoutScope, TransportBuilder};

use crate::{
    server::{Reply, Server},
    setup::{build, page, quick, sql, transport},
};

#[tokio::test]
async fn a_wait_past_the_deadline_is_not_begun() {
    let limited = Reply::new("429 Too Many Requests", &[("retry-after", "60")], "{}");
    let server = Server::start([limited]).await;
    let begun = Instant::now();
    let client = build(transport(&server.url).deadline(Duration::from_secs(30)));
    let error = client.get_page().query_id("1").send().await.unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(10));
    assert!(error.is_rate_limited() && error.attempts() == 1);
    assert!(
        error.to_string().contains("after the deadline of 30s"),
        "{error}"
    );
}

#[tokio::test]
async fn the_deadline_spans_all_attempts() {
    let server = Server::start([Reply::default().wait(10_000)]).await;
    let client = build(
        transport(&server.url)
            .timeout(Duration::from_millis(150))
            .deadline(Duration::from_millis(400))
            .retry(quick().max_attempts(100)),
    );
    let begun = Instant::now();
    let error = client.get_page().query_id("1").send().await.unwrap_err();
    let took = begun.elapsed();
    assert!(
        took >= Duration::from_millis(290) && took < Duration::from_secs(3),
        "{took:?}"
    );
    assert_eq!(error.kind(), CallErrorKind::Timeout(TimeoutScope::Deadline));
    assert!(error.is_timeout() && error.attempts() >= 2, "{error}");
    assert!(
        error.to_string().contains("the deadline of the call"),
        "{error}"
    );
}

#[tokio::test]
async fn the_deadline_holds_while_a_body_arrives() {
    let slow = Reply::head("200 OK", &[], 500).send("{").wait(10_000);
    let server = Server::start([slow]).await;
    let client = build(transport(&server.url).deadline(Duration::from_millis(200)));
    let error = client.get_page().query_id("1").send().await.unwrap_err();
    assert_eq!(error.kind(), CallErrorKind::Timeout(TimeoutScope::Deadline));
    assert_eq!((error.attempts(), server.count()), (1, 1));
}

#[tokio::test]
async fn a_slow_attempt_is_cut_and_retried() {
    for slow in [
        Reply::default().wait(10_000),
        Reply::head("200 OK", &[], 500).send("{").wait(10_000),
    ] {
        let server = Server::start([slow, page("[]")]).await;
        let client = build(transport(&server.url).timeout(Duration::from_millis(600)));
        let page = client.get_page().query_id("1").send().await.unwrap();
        assert_eq!(page.attempts(), 2);
    }
}

/// A body in small steps. It takes longer than the timeout of an attempt and the longest pause.
#[tokio::test]
async fn a_slow_body_is_not_cut_by_the_timeout_of_an_attempt() {
    let body = "{\"state\":\"COMPLETED\",\"result\":{\"rows\":[1]}}";
    let mut moving = Reply::head("200 OK", &[], body.len());
    for piece in body.as_bytes().chunks(4) {
        moving = moving.send(piece).wait(250);
    }
    let server = Server::start([moving]).await;
    let limits = transport(&server.url)
        .timeout(Duration::from_millis(1500))
        .read_timeout(Duration::from_millis(1800));
    let begun = Instant::now();
    let page = build(limits).get_page().query_id("1").send().await.unwrap();
    assert_eq!((page.attempts(), page.result.rows.as_str()), (1, "[1]"));
    assert!(begun.elapsed() > Duration::from_millis(2000));
}

#[tokio::test]
async fn a_stalled_body_is_reported_and_the_whole_call_is_repeated() {
    let stalled = || {
        Reply::head("200 OK", &[], 500)
            .send("{\"state\":")
            .wait(10_000)
    };
    let server = Server::start([stalled(), page("[1]")]).await;
    let limited = |retry| {
        let limits = transport(&server.url).read_timeout(Duration::from_millis(200));
        build(limits.retry(retry))
    };
    let page = limited(quick()).get_page().query_id("1").send().await;
    assert_eq!(page.unwrap().attempts(), 2);

    let server = Server::start([stalled()]).await;
    let limits = transport(&server.url).read_timeout(Duration::from_millis(200));
    let client = build(limits.retry(quick().max_attempts(2)));
    let error = client.get_page().query_id("1").send().await.unwrap_err();
    assert_eq!(error.kind(), CallErrorKind::Timeout(TimeoutScope::Stall));
    assert!(error.is_timeout() && error.is_retryable());
    assert_eq!(
        (error.attempts(), error.status().unwrap().as_u16()),
        (2, 200)
    );
    let said = error.to_string();
    assert!(
        said.contains("no further byte of the body within 200ms"),
        "{said}"
    );
    assert!(said.contains("200 and stalled, 200 and stalled"), "{said}");

    // A call that may have run is not retried.
    let error = client.run().body(sql()).send().await.unwrap_err();
    assert_eq!(error.kind(), CallErrorKind::Timeout(TimeoutScope::Stall));
    assert_eq!(error.attempts(), 1);
}

#[tokio::test]
async fn the_read_timeout_is_the_timeout_unless_set() {
    let client = |change: fn(TransportBuilder) -> TransportBuilder| {
        let (_, _, core) = change(transport("http://h")).build().unwrap();
        (core.timeout().as_secs(), core.read_timeout().as_secs())
    };
    assert_eq!(client(|t| t), (60, 60));
    assert_eq!(client(|t| t.timeout(Duration::from_secs(5))), (5, 5));
    let both = |t: TransportBuilder| {
        t.read_timeout(Duration::from_secs(7))
            .timeout(Duration::from_secs(5))
    };
    assert_eq!(client(both), (5, 7));
}

#[tokio::test]
async fn a_slow_post_is_cut_and_not_retried() {
    let server = Server::start([Reply::default().wait(10_000)]).await;
    let client = build(transport(&server.url).timeout(Duration::from_millis(200)));
    let error = client.run().body(sql()).send().await.unwrap_err();
    assert_eq!(error.kind(), CallErrorKind::Timeout(TimeoutScope::Attempt));
    assert_eq!((error.attempts(), server.count()), (1, 1));
    assert!(
        error
            .to_string()
            .contains("within 200ms, the timeout of one attempt")
    );
}

#[tokio::test]
async fn a_stalled_error_body_keeps_the_status() {
    let slow = Reply::head("404 Not Found", &[], 500)
        .send("gone")
        .wait(10_000);
    let server = Server::start([slow]).await;
    let client = build(transport(&server.url).timeout(Duration::from_millis(200)));
    let error = client.get_page().query_id("1").send().await.unwrap_err();
    assert!(error.is_not_found());
    assert_eq!(error.body(), b"gone");
}

#[tokio::test]
async fn endless_limits_are_no_limits() {
    let slow = Reply::default().wait(50).then(page("[]"));
    let server = Server::start([slow]).await;
    for deadline in [None, Some(Duration::MAX)] {
        let transport = transport(&server.url)
            .timeout(Duration::MAX)
            .read_timeout(Duration::MAX)
            .connect_timeout(Duration::MAX)
            .max_body_bytes(u64::MAX)
            .deadline(deadline)
            .rate_limit(None)
            .retry(RetryPolicy::none());
        let call = build(transport).get_page().query_id("1");
        call.send().await.unwrap();
    }
}

/// Fills a listener's queue, so that Linux accepts no further connection.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_connection_without_a_response_times_out() {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let waiting: Vec<_> = (0..8)
        .map(|_| tokio::spawn(tokio::net::TcpStream::connect(address)))
        .collect();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let transport = transport(&format!("http://{address}"))
        .connect_timeout(Duration::from_millis(200))
        .retry(quick().max_attempts(2));
    let begun = Instant::now();
    let error = build(transport).run().body(sql()).send().await.unwrap_err();
    assert!(error.is_connect() && !error.is_timeout(), "{error}");
    assert_eq!(error.attempts(), 2, "a POST too, since nothing was sent");
    assert!(begun.elapsed() < Duration::from_secs(5));
    drop(waiting);
}
