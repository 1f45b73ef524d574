//! Errors and debug output show no credential.

use std::{
    error::Error as _,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use rowfeed_client::{
    CallError, CallErrorKind, CredentialError, RateLimit, RetryPolicy, Secret, Service,
    TimeoutScope, TransportBuilder,
};
use tokio::net::TcpListener;

use crate::{
    generated::types::ErrorResponse,
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

/// Returns every text of an error, with its causes, and the text of a panic about it.
fn all_of<T: fmt::Debug>(error: CallError<ErrorResponse>) -> String {
    let mut shown = format!("{error} {error:?} {error:#?} {:?}", error.headers());
    shown += &format!("{:?} {:?}", error.history(), error.api_error());
    shown += &String::from_utf8_lossy(error.body());
    assert!(error.source().is_none(), "a chain shows each cause once");
    let mut cause = error.cause().map(|cause| cause as &dyn std::error::Error);
    while let Some(error) = cause {
        shown += &format!("{error} {error:?} {error:#?}");
        cause = error.source();
    }
    // A panic hook logs the message of `unwrap`.
    let panicked = catch_unwind(AssertUnwindSafe(|| Err::<T, _>(error).map(drop).unwrap()));
    shown + &panicked.unwrap_err().downcast::<String>().unwrap()
}

const KEY: &str = "correct-horse-battery-staple";

/// A client with a key that occurs in no text by chance.
fn with_key(url: &str) -> TransportBuilder {
    let builder = transport(url).credential(Secret::new(KEY).unwrap());
    builder.retry(RetryPolicy::none())
}

#[tokio::test]
async fn no_kind_of_failure_shows_the_credential_even_where_it_is_sent_back() {
    let echo = format!("{{\"error\":\"you sent Bearer {KEY}, {KEY}\"}}");
    let page = format!("<html>Authorization: Bearer {KEY}</html>");
    let elsewhere = format!("http://elsewhere.invalid/{KEY}?k={KEY}");
    let state = format!("{{\"state\":7,\"result\":{{}},\"x\":\"{KEY}\"}}");
    let wrong = format!("{{\"state\":\"A\",\"next\":\"{KEY}\",\"result\":{{}}}}");
    let seen = ("x-request-id", KEY);
    let replies = [
        (
            Reply::new("401 Unauthorized", &[seen], &echo),
            CallErrorKind::Api,
        ),
        (
            Reply::new("503 Service Unavailable", &[seen], &page),
            CallErrorKind::Api,
        ),
        (
            Reply::new("302 Found", &[("location", &elsewhere), seen], &page),
            CallErrorKind::Redirect,
        ),
        (Reply::new("200 OK", &[seen], &page), CallErrorKind::Decode),
        (Reply::json("200 OK", &state), CallErrorKind::Decode),
        (Reply::json("200 OK", &wrong), CallErrorKind::Decode),
        (
            Reply::json("200 OK", &"x".repeat(3_000)),
            CallErrorKind::BodyTooLarge,
        ),
        (
            Reply::default().send(format!("HTTP/1.1 {KEY}\r\n\r\n")),
            CallErrorKind::Io,
        ),
        (
            Reply::head("200 OK", &[seen], 900).send(KEY),
            CallErrorKind::Io,
        ),
        (Reply::hang_up(), CallErrorKind::Io),
        (
            Reply::hang_up().wait(2_000),
            CallErrorKind::Timeout(TimeoutScope::Attempt),
        ),
    ];
    for (reply, kind) in replies {
        let server = Server::start([reply]).await;
        let builder = with_key(&server.url).max_body_bytes(2_000);
        let client = build(builder.timeout(Duration::from_millis(500)));
        let error = client.get_page().query_id("1").send().await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        let sent = server.seen().pop().unwrap();
        assert_eq!(
            sent.header("authorization"),
            Some(&*format!("Bearer {KEY}"))
        );
        assert!(!sent.line.contains(KEY), "{}", sent.line);
        let shown = all_of::<()>(error);
        assert!(!shown.contains("correct-horse"), "{kind:?}: {shown}");
    }
    // No server listens here.
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let call = build(with_key(&url)).get_page().query_id("1").send().await;
    let error = call.unwrap_err();
    assert_eq!(error.kind(), CallErrorKind::Connect, "{error}");
    assert!(!all_of::<()>(error).contains("correct-horse"));
}

/// Spellings of a key that a JSON parser or a reader decodes.
fn written(key: &str) -> Vec<String> {
    let codes = |key: &str| -> String {
        let codes = key.bytes().map(|byte| format!("\\u{byte:04x}"));
        codes.collect()
    };
    let (first, rest) = key.split_at(1);
    vec![
        key.to_owned(),
        codes(key),
        codes(key).replace("\\u00", "\\\\u00"),
        format!("{}{rest}", codes(first)),
        key.replace('/', "\\/"),
        key.replace('/', "%2F").replace('-', "%2d"),
    ]
}

#[tokio::test]
async fn no_spelling_of_the_credential_appears_in_an_error() {
    // A long key, and one that is masked only as a whole word.
    for (key, part) in [("correct/horse-battery", "horse"), ("ab/-cd12", "cd12")] {
        for written in written(key) {
            let error = format!("{{\"error\":\"you sent\\n{written}\"}}");
            let nested = format!("{{\"error\":\"{{\\\"key\\\":\\\"{written}\\\"}}\"}}");
            let wrong = format!("{{\"state\":\"A\",\"next\":\"{written}\",\"result\":{{}}}}");
            // Headers contain no JSON escapes.
            let place = if written.contains('\\') {
                key
            } else {
                &written
            };
            let elsewhere = format!("/elsewhere/{place}");
            let text = [("content-type", "text/plain")];
            for reply in [
                Reply::json("401 Unauthorized", &error),
                Reply::json("403 Forbidden", &nested),
                Reply::new("401 Unauthorized", &text, format!("sent {written}, no")),
                Reply::json("200 OK", &wrong),
                Reply::json("202 Accepted", &wrong),
                Reply::new("302 Found", &[("location", &elsewhere)], ""),
            ] {
                let server = Server::start([reply]).await;
                let url = format!("{}/base", server.url);
                let builder = transport(&url).credential(Secret::new(key).unwrap());
                let client = build(builder.retry(RetryPolicy::none()));
                let error = client.get_page().query_id("1").send().await.unwrap_err();
                let mut shown = error.message().unwrap_or_default();
                shown += &all_of::<()>(error);
                assert!(!shown.contains(part), "{written}: {shown}");
                let codes = format!("u{:04x}", u32::from(part.as_bytes()[0]));
                assert!(!shown.contains(&codes), "{written}: {shown}");
            }
        }
    }
}

#[tokio::test]
async fn a_short_key_within_a_word_is_not_masked() {
    let server = Server::start([Reply::json(
        "403 Forbidden",
        "{\"error\":\"the key of hunters, hunter22 and my_hunter2\"}",
    )])
    .await;
    let client = build(transport(&server.url));
    let error = client.get_page().query_id("1").send().await.unwrap_err();
    let said = "the key of hunters, hunter22 and my_hunter2";
    assert_eq!(error.message().as_deref(), Some(said));
}

#[tokio::test]
async fn headers_of_a_success_that_becomes_an_error_are_masked() {
    let seen = [("x-request-id", KEY)];
    let csv = Reply::head("200 OK", &seen, 60).send("0123456789");
    let undocumented = Reply::new("202 Accepted", &seen, "{}");
    let server = Server::start([undocumented, csv]).await;
    let client = build(with_key(&server.url));
    let error = client.get_page().query_id("1").send().await.unwrap_err();
    assert_eq!(error.kind(), CallErrorKind::Decode);
    assert!(!all_of::<()>(error).contains("correct-horse"));

    let mut stream = client.get_csv().send().await.unwrap().into_inner();
    stream.next_chunk().await.unwrap().unwrap();
    let error = stream.next_chunk().await.unwrap().unwrap_err();
    assert_eq!(error.kind(), CallErrorKind::Io);
    assert!(!error.request_id().unwrap().contains("correct-horse"));
}

#[tokio::test]
async fn an_error_body_that_is_cut_within_the_credential_shows_no_part_of_it() {
    // The error keeps 64 KiB.
    let start = 64 * 1024 - 9;
    let body = format!("{}{KEY}", "x".repeat(start));
    let server = Server::start([Reply::new("502 Bad Gateway", &[], &body)]).await;
    let client = build(with_key(&server.url));
    let error = client.get_page().query_id("1").send().await.unwrap_err();
    assert_eq!(error.body().len(), 64 * 1024);
    assert!(error.body().ends_with(b"x*********"));
}

#[tokio::test]
async fn a_credential_from_before_a_refresh_is_masked_too() {
    let answer = format!("{{\"error\":\"{KEY}-1 has expired, try {KEY}-2\"}}");
    let server = Server::start([Reply::json("401 Unauthorized", &answer)]).await;
    let number = std::sync::atomic::AtomicU32::new(0);
    let fetch = move || {
        let number = number.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
        let secret = Secret::new(format!("{KEY}-{number}"));
        async { Ok(rowfeed_client::ExpiringSecret::lasting(secret?)) }
    };
    let credential = rowfeed_client::RefreshingCredential::new(fetch);
    let builder = transport(&server.url).credential_provider(std::sync::Arc::new(credential));
    let (url, http, core) = builder.build().unwrap();
    let client = crate::generated::Client::new_with_client(&url, http, core.clone());
    let error = client.get_page().query_id("1").send().await.unwrap_err();
    assert_eq!(server.count(), 2);
    assert!(!all_of::<()>(error).contains("correct-horse"));
    // The same for every error made of a success.
    let text = format!("the run failed: {KEY}-1, {KEY}-2");
    assert!(!core.mask(&text).contains("correct-horse"));
    assert_eq!(core.mask("the run failed"), "the run failed");
}

#[tokio::test]
async fn the_rest_of_a_service_message_is_kept() {
    let echo = format!("{{\"error\":\"{KEY} is no key of ours\"}}");
    let server = Server::start([Reply::json("401 Unauthorized", &echo)]).await;
    let client = build(with_key(&server.url));
    let error = client.get_page().query_id("1").send().await.unwrap_err();
    let said = format!("{} is no key of ours", "*".repeat(KEY.len()));
    assert!(error.to_string().contains(&said), "{error}");
    // A success stays unchanged: its text is rows.
    let rows = format!("[\"{KEY}\"]");
    let server = Server::start([page(&rows)]).await;
    let client = build(with_key(&server.url));
    let page = client.get_page().query_id("1").send().await.unwrap();
    assert_eq!(page.result.rows.as_str(), rows);
}

#[tokio::test]
async fn a_panic_about_an_invalid_credential_does_not_show_it() {
    for text in [
        "",
        " correct-horse",
        "correct-horse\r\nx: y",
        "correct-h\u{f6}rse",
    ] {
        let panicked = catch_unwind(|| Secret::new(text).unwrap());
        let said = panicked.unwrap_err().downcast::<String>().unwrap();
        assert!(
            !said.contains("horse") && !said.contains("h\u{f6}rse"),
            "{said}"
        );
    }
    let builder = TransportBuilder::new(&SERVICE).base_url("https://user:correct-horse@h");
    let panicked = catch_unwind(AssertUnwindSafe(|| drop(builder.build().unwrap())));
    let said = panicked.unwrap_err().downcast::<String>().unwrap();
    assert!(!said.contains("horse"), "{said}");
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
    let unset = || TransportBuilder::new(&SERVICE).base_url("http://h");
    let builder = || unset().no_credential();
    for (builder, why) in [
        (
            TransportBuilder::new(&SERVICE),
            "no base URL: rows has no common one, call `base_url()`",
        ),
        (
            unset(),
            "no credential: call `api_key()` or `credential_provider()`, or `no_credential()` if \
             a proxy adds one",
        ),
        (builder().base_url("h:80"), "scheme \"h\""),
        (builder().timeout(Duration::ZERO), "timeout is zero"),
        (
            builder().read_timeout(Duration::ZERO),
            "read_timeout is zero",
        ),
        (
            builder().rate_limit(RateLimit::per_minute(0)),
            "rate_limit allows no requests",
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

/// A proxy sees every request, whatever its target.
#[tokio::test]
async fn a_proxy_sees_the_credential_sent_only_to_the_configured_origin() {
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
            // `no_proxy` disables the proxies of the environment. The next call adds ours.
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
