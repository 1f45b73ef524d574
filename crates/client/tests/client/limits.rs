//! Time limits: of one attempt, and of the call.

use std::time::{Duration, Instant};

use rowfeed_client::{ErrorKind, RetryPolicy, TimeoutScope};

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
    assert_eq!(error.kind(), ErrorKind::Timeout(TimeoutScope::Deadline));
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
    assert_eq!(error.kind(), ErrorKind::Timeout(TimeoutScope::Deadline));
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

#[tokio::test]
async fn a_slow_post_is_cut_and_not_retried() {
    let server = Server::start([Reply::default().wait(10_000)]).await;
    let client = build(transport(&server.url).timeout(Duration::from_millis(200)));
    let error = client.run().body(sql()).send().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout(TimeoutScope::Attempt));
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
            .deadline(deadline)
            .retry(RetryPolicy::none());
        let call = build(transport).get_page().query_id("1");
        call.send().await.unwrap();
    }
}

/// Fills a listener's queue, so that Linux answers no further connection.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_connection_that_is_not_answered_is_given_up() {
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
