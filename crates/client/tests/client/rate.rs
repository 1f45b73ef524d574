//! The client's own rate limit, over real calls.

use std::time::{Duration, Instant};

use rowfeed_client::{CallErrorKind, RateLimit, RetryPolicy, TimeoutScope};

use crate::{
    generated::Client,
    server::{Reply, Server},
    setup::{build, page, transport},
};

/// One request in 200 ms.
fn slow() -> RateLimit {
    RateLimit::per_second(5)
}

#[tokio::test]
async fn clones_and_fresh_connections_share_one_rate_and_every_attempt_counts() {
    let unavailable = Reply::json("503 Service Unavailable", "{}");
    let server = Server::start([unavailable, page("[]")]).await;
    let (url, http, core) = transport(&server.url).rate_limit(slow()).build().unwrap();
    assert_eq!(core.rate_limit(), Some(slow()));
    let fresh = core.fresh_http_client().unwrap();
    let other = Client::new_with_client(&url, fresh, core.clone());
    let client = Client::new_with_client(&url, http, core);
    let clone = client.clone();
    let begun = Instant::now();
    // Four requests: one call takes two.
    let send = async |client: &Client| {
        let call = client.get_page().query_id("1").send();
        call.await.unwrap().attempts()
    };
    let attempts = [send(&client).await, send(&other).await, send(&clone).await];
    assert_eq!((attempts, server.count()), ([2, 1, 1], 4));
    assert!(
        begun.elapsed() >= Duration::from_millis(600),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test]
async fn a_client_with_its_own_limit_keeps_it_and_does_not_wait_for_the_other() {
    let server = Server::start([page("[]")]).await;
    let limits = transport(&server.url).rate_limit(RateLimit::per_minute(1));
    let (url, http, core) = limits.build().unwrap();
    let own = core.with_rate_limit(slow()).with_header("x-team", "tides");
    assert_eq!(own.rate_limit(), Some(slow()));
    assert_eq!(core.rate_limit(), Some(RateLimit::per_minute(1)));
    let client = Client::new_with_client(&url, http.clone(), core.clone());
    let own = Client::new_with_client(&url, http.clone(), own);
    let begun = Instant::now();
    client.get_page().query_id("1").send().await.unwrap();
    for _ in 0..3 {
        own.clone().get_page().query_id("1").send().await.unwrap();
    }
    let elapsed = begun.elapsed();
    assert!(elapsed >= Duration::from_millis(400), "{elapsed:?}");
    assert!(elapsed < Duration::from_secs(30), "{elapsed:?}");

    let none = core.with_rate_limit(RateLimit::per_second(0));
    let none = Client::new_with_client(&url, http, none);
    let error = none.get_page().query_id("1").send().await.unwrap_err();
    let said = error.to_string();
    assert!(said.contains("0 per 1s allows no requests"), "{said}");
    assert_eq!(server.count(), 4);
}

#[tokio::test]
async fn a_call_whose_turn_comes_after_its_deadline_fails_at_once_and_sends_nothing() {
    let server = Server::start([page("[]")]).await;
    let limits = transport(&server.url)
        .rate_limit(RateLimit::per_minute(1))
        .deadline(Duration::from_secs(30));
    let client = build(limits);
    client.get_page().query_id("1").send().await.unwrap();
    let begun = Instant::now();
    let error = client.get_page().query_id("1").send().await.unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(10));
    assert_eq!(
        error.kind(),
        CallErrorKind::Timeout(TimeoutScope::RateLimit)
    );
    assert_eq!((error.attempts(), server.count()), (0, 1));
    assert!(error.is_retryable());
    let said = error.to_string();
    assert!(said.contains("not sent: the next turn under the client's rate_limit of 1 per 60s"));
    assert!(said.contains("after the deadline"), "{said}");
}

#[tokio::test]
async fn a_retry_whose_turn_comes_after_the_deadline_is_not_waited_for() {
    let server = Server::start([Reply::json("503 Service Unavailable", "{}")]).await;
    let limits = transport(&server.url)
        .rate_limit(RateLimit::per_minute(1))
        .deadline(Duration::from_secs(30));
    let begun = Instant::now();
    let call = build(limits).get_page().query_id("1").send();
    let error = call.await.unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(10));
    assert_eq!(
        (error.status().unwrap().as_u16(), error.attempts()),
        (503, 1)
    );
    let said = error.to_string();
    assert!(
        said.contains("not attempted again: the next turn under"),
        "{said}"
    );
}

/// The wait for a turn does not count as part of the attempt, whose timeout is far shorter here.
#[tokio::test]
async fn waiting_for_a_turn_does_not_count_against_the_timeout_of_an_attempt() {
    let server = Server::start([page("[]")]).await;
    let limits = transport(&server.url)
        .rate_limit(RateLimit::new(1, Duration::from_millis(1500)))
        .timeout(Duration::from_millis(1000))
        .retry(RetryPolicy::none());
    let client = build(limits);
    let begun = Instant::now();
    for _ in 0..2 {
        client.get_page().query_id("1").send().await.unwrap();
    }
    assert!(begun.elapsed() >= Duration::from_millis(1500));
}
