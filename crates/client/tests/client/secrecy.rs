//! What is shown, and what never is.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use rowfeed_client::{CredentialError, RateLimit, Secret, Service, TransportBuilder};

use crate::{
    server::{Reply, Server},
    setup::{DESCRIBED, SERVICE, build, page, quick, transport},
};

#[tokio::test]
async fn nothing_shows_the_credential() {
    let server = Server::start([Reply::json("401 Unauthorized", "{\"error\":\"no\"}")]).await;
    let builder = transport(&server.url);
    let mut shown = format!("{builder:?}");
    let client = build(builder);
    let call = client.get_page().query_id("1").limit(1);
    shown += &format!("{client:?} {client:#?} {call:?}");
    let error = call.send().await.unwrap_err();
    shown += &format!("{error} {error:?} {:?}", error.headers());
    shown += &format!("{:?}", Secret::new("hunter2").unwrap());
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(shown.contains("***"));
}

#[test]
fn a_builder_does_not_show_a_password_in_its_url() {
    let builder = TransportBuilder::new(&SERVICE).base_url("https://user:hunter2@h");
    assert!(!format!("{builder:?}").contains("hunter2"));
    let error = builder.build().unwrap_err();
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(shown.contains("user name or password"), "{shown}");
}

#[test]
fn a_builder_says_what_is_wrong() {
    let builder = || TransportBuilder::new(&SERVICE).base_url("http://h");
    for (builder, why) in [
        (
            TransportBuilder::new(&SERVICE),
            "no base URL is set, and rows has no",
        ),
        (builder().base_url("h:80"), "scheme \"h\""),
        (builder().timeout(Duration::ZERO), "timeout is zero"),
        (
            builder().read_timeout(Duration::ZERO),
            "read_timeout is zero",
        ),
        (
            builder().rate_limit(RateLimit::per_minute(0)),
            "rate_limit lets nothing through",
        ),
        (builder().deadline(Duration::ZERO), "deadline is zero"),
        (
            builder().connect_timeout(Duration::ZERO),
            "connect_timeout is zero",
        ),
        (builder().user_agent("a\nb"), "user agent"),
    ] {
        let shown = builder.build().unwrap_err().to_string();
        assert!(shown.contains(why), "{why}: {shown}");
    }
    let endless = builder().timeout(Duration::MAX).deadline(None);
    let (url, _, core) = endless.build().unwrap();
    assert_eq!((url.as_str(), core.deadline()), ("http://h", None));
}

#[test]
fn a_credential_that_does_not_fit_is_refused_when_building() {
    static PICKY: Service = Service {
        credential: |_| Err(CredentialError::new("wanted a key that begins with ab_")),
        ..DESCRIBED
    };
    let key = Secret::new("hunter2").unwrap();
    let builder = TransportBuilder::new(&PICKY).base_url("http://h");
    let error = builder.credential(key).build().unwrap_err();
    assert_eq!(
        error.to_string(),
        "the credential cannot be used: wanted a key that begins with ab_"
    );
}

#[tokio::test]
async fn the_credential_overrides_what_a_hook_sets() {
    let server = Server::start([page("[]")]).await;
    let builder = transport(&server.url).user_agent("my-app/3").http(|http| {
        let value = HeaderValue::from_static("Bearer other");
        http.default_headers(HeaderMap::from_iter([(AUTHORIZATION, value)]))
    });
    build(builder)
        .get_page()
        .query_id("1")
        .send()
        .await
        .unwrap();
    let seen = server.seen();
    assert_eq!(seen[0].header("authorization"), Some("Bearer hunter2"));
    assert_eq!(
        seen[0].header("user-agent"),
        Some("rowfeed-test/0.1.0 my-app/3")
    );
}

#[tokio::test]
async fn without_a_credential_no_header_is_sent() {
    let server = Server::start([page("[]")]).await;
    let builder = transport(&server.url).no_credential();
    build(builder)
        .get_page()
        .query_id("1")
        .send()
        .await
        .unwrap();
    assert_eq!(server.seen()[0].header("authorization"), None);
}

/// A proxy sees every request that leaves, wherever it goes.
#[tokio::test]
async fn seen_from_a_proxy_the_credential_goes_to_the_configured_origin_alone() {
    let to = |location| Reply::new("307 Temporary Redirect", &[("location", location)], "");
    let proxy = Server::start([
        to("http://elsewhere.invalid/v1"),
        to("http://rows.invalid:81/v1"),
        to("http://rows.invalid.elsewhere.invalid/v1"),
        to("https://rows.invalid/v1"),
        to("//elsewhere.invalid/v1"),
        to("/v1/moved"),
        page("[]"),
        Reply::json(
            "503 Service Unavailable",
            "{\"next_uri\":\"http://elsewhere.invalid/\"}",
        ),
        Reply::hang_up(),
        Reply::json("401 Unauthorized", "{}"),
    ])
    .await;
    let through = proxy.url.clone();
    let builder = TransportBuilder::new(&SERVICE)
        .base_url("http://rows.invalid")
        .credential(Secret::new("hunter2").unwrap())
        .retry(quick())
        .http(move |http| {
            // `no_proxy` switches off what the environment says; then ours is added.
            http.no_proxy()
                .proxy(reqwest::Proxy::http(&through).unwrap())
        });
    let client = build(builder);
    for _ in 0..7 {
        let call = client.get_page().query_id("1").send();
        let _ = tokio::time::timeout(Duration::from_secs(20), call)
            .await
            .unwrap();
    }
    let seen = proxy.seen();
    assert_eq!(seen.len(), 10);
    for request in seen {
        assert!(
            request.line.starts_with("GET http://rows.invalid/v1/"),
            "{}",
            request.line
        );
        assert_eq!(request.header("host"), Some("rows.invalid"));
        assert_eq!(request.header("authorization"), Some("Bearer hunter2"));
        assert!(!request.line.contains("hunter2"));
    }
}

#[tokio::test]
async fn the_path_is_shown_below_the_base_url() {
    let server = Server::start([Reply::new("404 Not Found", &[], "")]).await;
    let client = build(transport(&format!("{}/api/", server.url)));
    let error = client.get_page().query_id("1").send().await.unwrap_err();
    assert_eq!(error.path(), Some("/v1/query/1/results"));
    assert_eq!(
        server.seen()[0].line,
        "GET /api/v1/query/1/results HTTP/1.1"
    );
}
