//! Credentials that are refused and replaced.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use rowfeed_client::{
    CallErrorKind, CredentialError, CredentialProvider, RetryPolicy, Secret, SecretFuture,
    TimeoutScope,
};

use crate::{
    server::{Reply, Server},
    setup::{build, page, sql, transport},
};

fn refused(status: &str) -> Reply {
    Reply::json(status, "{\"error\":\"who are you\"}")
}

/// Returns `stale` until it is refused, then `fresh`.
struct Refreshing(AtomicU32);

impl CredentialProvider for Refreshing {
    fn secret(&self) -> SecretFuture<'_> {
        let key = match self.0.load(Ordering::Relaxed) {
            0 => "stale",
            _ => "fresh",
        };
        Box::pin(async move { Secret::new(key).map_err(|e| CredentialError::new(e.to_string())) })
    }

    fn invalidate(&self, refused: &Secret) -> bool {
        assert_eq!(refused.expose(), "stale");
        self.0.fetch_add(1, Ordering::Relaxed);
        true
    }
}

#[tokio::test]
async fn a_refused_credential_is_replaced_once() {
    let server = Server::start([
        refused("401 Unauthorized"),
        Reply::json("200 OK", "{\"id\":\"7\"}"),
    ])
    .await;
    let provider = Arc::new(Refreshing(AtomicU32::new(0)));
    let transport = transport(&server.url)
        .credential_provider(provider)
        .retry(RetryPolicy::none());
    build(transport).run().body(sql()).send().await.unwrap();
    let seen = server.seen();
    assert_eq!(seen[0].header("authorization"), Some("Bearer stale"));
    assert_eq!(seen[1].header("authorization"), Some("Bearer fresh"));
}

#[tokio::test]
async fn only_a_401_refuses_a_credential() {
    let server = Server::start([refused("403 Forbidden")]).await;
    let provider = Arc::new(Refreshing(AtomicU32::new(0)));
    let client = build(transport(&server.url).credential_provider(provider.clone()));
    let error = client.get_page().query_id("1").send().await.unwrap_err();
    assert!(error.is_unauthorized());
    assert_eq!(
        (error.attempts(), provider.0.load(Ordering::Relaxed)),
        (1, 0)
    );
}

/// It holds no credential, so the default `invalidate` is right.
struct Fixed;

impl CredentialProvider for Fixed {
    fn secret(&self) -> SecretFuture<'_> {
        Box::pin(async { Secret::new("hunter2").map_err(|e| CredentialError::new(e.to_string())) })
    }
}

#[tokio::test]
async fn a_credential_refused_twice_is_an_error() {
    let server = Server::start([refused("401 Unauthorized")]).await;
    let client = build(transport(&server.url).credential_provider(Arc::new(Fixed)));
    let error = client.get_page().query_id("1").send().await.unwrap_err();
    assert!(error.is_unauthorized());
    assert_eq!((error.attempts(), server.count()), (2, 2));
}

struct Failing;

impl CredentialProvider for Failing {
    fn secret(&self) -> SecretFuture<'_> {
        let cause = std::io::Error::other("the disk is gone");
        let error = CredentialError::new("no token").with_source(cause);
        Box::pin(async { Err(error) })
    }
}

#[tokio::test]
async fn without_a_credential_nothing_is_sent() {
    let server = Server::start([page("[]")]).await;
    let client = build(transport(&server.url).credential_provider(Arc::new(Failing)));
    let error = client.get_page().query_id("1").send().await.unwrap_err();
    assert_eq!(
        (error.kind(), server.count()),
        (CallErrorKind::Credential, 0)
    );
    let shown = error.to_string();
    assert!(
        shown.contains("no usable credential: no token: the disk is gone"),
        "{shown}"
    );
}

struct Hanging;

impl CredentialProvider for Hanging {
    fn secret(&self) -> SecretFuture<'_> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test]
async fn a_hanging_credential_provider_is_bound_by_the_timeout() {
    let server = Server::start([page("[]")]).await;
    let transport = transport(&server.url)
        .credential_provider(Arc::new(Hanging))
        .timeout(Duration::from_millis(50))
        .deadline(None);
    let error = build(transport).get_page().query_id("1").send().await;
    let error = error.unwrap_err();
    assert_eq!(error.kind(), CallErrorKind::Timeout(TimeoutScope::Attempt));
    assert_eq!((error.attempts(), server.count()), (4, 0));
}
