//! The text and the data of errors.

use std::{sync::Arc, time::Duration};

use rowfeed_client::{
    BuildError, CallError, CallErrorKind, CredentialError, CredentialProvider, RetryPolicy,
    SecretFuture, TimeoutScope, TransportBuilder,
};

use crate::{
    generated::types::ErrorResponse,
    server::{Reply, Server},
    setup::{SERVICE, build, client, sql, transport},
};

async fn get(reply: Reply) -> CallError<ErrorResponse> {
    get_from(&Server::start([reply]).await).await
}

async fn get_from(server: &Server) -> CallError<ErrorResponse> {
    let transport = transport(&server.url).retry(RetryPolicy::none());
    let call = build(transport).get_page().query_id("9");
    call.send().await.unwrap_err()
}

#[tokio::test]
async fn a_documented_error_is_typed() {
    let headers = [
        ("content-type", "application/json"),
        ("x-request-id", "req-5"),
        ("retry-after", "3"),
    ];
    let reply = Reply::new("404 Not Found", &headers, "{\"error\":\"no such query\"}");
    let server = Server::start([reply]).await;
    let error = get_from(&server).await;
    let url = format!("{}/v1/query/9/results", server.url);
    assert_eq!(
        error.to_string(),
        format!("rows: get_page: 404 Not Found: no such query (GET {url}, 1 attempt)")
    );
    assert_eq!(error.url(), Some(&*url));
    assert_eq!(error.kind(), CallErrorKind::Api);
    assert_eq!(error.api_error().unwrap().error, "no such query");
    assert_eq!(error.message().as_deref(), Some("no such query"));
    assert_eq!(error.request_id(), Some("req-5"));
    assert_eq!(error.retry_after(), Some(Duration::from_secs(3)));
    assert_eq!(error.headers()["x-request-id"], "req-5");
    assert_eq!(error.body(), b"{\"error\":\"no such query\"}");
    assert_eq!(error.operation(), Some("get_page"));
    assert_eq!(error.method().unwrap().as_str(), "GET");
    assert_eq!(error.path(), Some("/v1/query/9/results"));
    assert!(error.is_not_found() && !error.is_retryable() && !error.is_unauthorized());
}

#[tokio::test]
async fn erased_and_mapped_errors_keep_their_text() {
    let reply = || Reply::json("403 Forbidden", "{\"error\":\"not yours\"}");
    let error = get(reply()).await;
    let before = error.to_string();
    let erased: CallError = error.erase();
    assert_eq!(erased.to_string(), before);
    assert_eq!(erased.message().as_deref(), Some("not yours"));
    assert!(erased.is_unauthorized() && erased.api_error().is_none());
    assert_eq!(erased.body(), b"{\"error\":\"not yours\"}");

    let mapped = get(reply()).await.map(|body| body.error.len());
    assert_eq!(mapped.api_error(), Some(&9));
    assert_eq!(mapped.status().unwrap(), 403);
}

#[tokio::test]
async fn html_from_a_proxy_is_shown_short_and_on_one_line() {
    let html = format!(
        "<html>\r\n<h1>Bad \u{1b}[31mgateway</h1>{}",
        "x".repeat(100_000)
    );
    let error = get(Reply::new(
        "502 Bad Gateway",
        &[("content-type", "text/html; charset=utf-8")],
        &html,
    ))
    .await;
    let shown = error.to_string();
    assert!(
        shown.starts_with(
            "rows: get_page: 502 Bad Gateway: the body is not this API's JSON but text/html, \
             starting \"<html>\\r\\n<h1>Bad \\u{1b}[31mgateway</h1>xxx"
        ),
        "{shown}"
    );
    assert!(
        shown.ends_with("x…\" (GET /v1/query/9/results, 1 attempt)"),
        "{shown}"
    );
    assert!(shown.len() < 450 && !shown.contains(char::is_control));
    assert_eq!(
        (error.kind(), error.api_error().is_none()),
        (CallErrorKind::Api, true)
    );
    assert_eq!(error.body(), &html.as_bytes()[..64 * 1024]);
    assert!(error.is_retryable());
}

#[tokio::test]
async fn other_undocumented_bodies_are_described() {
    let empty = get(Reply::new("404 Not Found", &[], "")).await;
    assert!(
        empty
            .to_string()
            .contains("404 Not Found: the body is empty; this is not rows's own error"),
        "{empty}"
    );
    let text = [("content-type", "text/csv")];
    let plain = get(Reply::new("401 Unauthorized", &text, "ticket refused")).await;
    let shown = plain.to_string();
    assert!(
        shown.contains("but text/csv, starting \"ticket refused\""),
        "{shown}"
    );
    let other = get(Reply::json("400 Bad Request", "{\"detail\":[1]}")).await;
    let shown = other.to_string();
    assert!(
        shown.contains("JSON of another shape, starting \"{\"detail\":[1]}\""),
        "{shown}"
    );
    let bare = get(Reply::new("400 Bad Request", &[], "\u{feff}no")).await;
    assert!(bare.to_string().contains("of no declared type"), "{bare}");
    for error in [empty, plain, other, bare] {
        assert_eq!(error.kind(), CallErrorKind::Api);
        assert!(error.message().is_none());
    }
}

#[tokio::test]
async fn plain_text_in_place_of_json_is_the_message() {
    for media in ["text/plain", "text/plain; charset=utf-8", "Text/Plain"] {
        let reply = Reply::new(
            "401 Unauthorized",
            &[("content-type", media)],
            "no ticket\r\n",
        );
        let error = get(reply).await;
        assert_eq!(error.message().as_deref(), Some("no ticket"), "{media}");
        assert_eq!(
            error.to_string(),
            "rows: get_page: 401 Unauthorized: no ticket (GET /v1/query/9/results, 1 attempt)"
        );
        assert_eq!(error.erase().message().as_deref(), Some("no ticket"));
    }
    let text = [("content-type", "text/plain")];
    for odd in ["<html>", "{\"error\":7}", " ", "\u{fffd}"] {
        let reply = Reply::new("401 Unauthorized", &text, odd);
        let is_text = odd == "\u{fffd}";
        assert_eq!(get(reply).await.message().is_some(), is_text, "{odd}");
    }
    let reply = Reply::new("401 Unauthorized", &text, b"\xff");
    assert_eq!(get(reply).await.message(), None);
}

#[tokio::test]
async fn a_404_that_is_not_the_service_s_own_hints_at_the_base_url() {
    let text = [("content-type", "text/plain")];
    for reply in [
        Reply::new("404 Not Found", &[], ""),
        Reply::new("404 Not Found", &text, "404 page not found"),
        Reply::new("404 Not Found", &[("content-type", "text/html")], "<html>"),
        Reply::json("404 Not Found", "{\"detail\":\"Not Found\"}"),
    ] {
        let server = Server::start([reply]).await;
        let client = build(transport(&format!("{}/wrong/", server.url)));
        let call = client.get_page().query_id("9").limit(7);
        let error = call.send().await.unwrap_err();
        let shown = error.to_string();
        let base = format!("{}/wrong", server.url);
        let end = format!(
            "; this is not rows's own error, check the base URL {base} \
             (GET {base}/v1/query/9/results, 1 attempt)"
        );
        assert!(shown.ends_with(&end), "{shown}");
        assert_eq!(error.path(), Some("/v1/query/9/results"));
    }
    let own = get(Reply::json(
        "404 Not Found",
        "{\"error\":\"no such query\"}",
    ))
    .await;
    assert!(!own.to_string().contains("base URL"), "{own}");
    let other = get(Reply::new("400 Bad Request", &text, "no")).await;
    assert!(!other.to_string().contains("http://"), "{other}");
}

/// An error with its sources, as `anyhow` prints it with `{:#}`.
fn printed(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text += &format!(": {cause}");
        next = cause.source();
    }
    text
}

#[tokio::test]
async fn a_printed_chain_has_each_cause_once() {
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let call = build(transport(&nobody).retry(RetryPolicy::none()));
    let refused = call.get_page().query_id("9").send().await.unwrap_err();
    let broken = get(Reply::head("200 OK", &[], 9).send("{")).await;
    let misfit = get(Reply::json(
        "200 OK",
        "{\"state\":\"A\",\"next\":\"x\",\"result\":{}}",
    ))
    .await;
    let invalid = build(transport(&nobody)).get_page().query_id("..");
    let invalid = invalid.send().await.unwrap_err();
    for (error, cause) in [
        (&refused, "Connection refused"),
        (&broken, "end of file before message length reached"),
        (&misfit, "invalid type: string \"x\", expected u64"),
        (&invalid, "is a dot segment"),
    ] {
        let shown = printed(error);
        assert_eq!(shown.matches(cause).count(), 1, "{shown}");
        assert_eq!(shown, error.to_string(), "one line says all");
        assert!(error.cause().is_some(), "{shown}");
    }
    assert!(misfit.cause().unwrap().is::<serde_json::Error>());
}

#[tokio::test]
async fn a_credential_that_fails_is_printed_with_each_cause_once() {
    struct Locked;

    impl CredentialProvider for Locked {
        fn secret(&self) -> SecretFuture<'_> {
            let cause = std::io::Error::other("the key is in use");
            let error = CredentialError::new("the vault is locked").with_source(cause);
            Box::pin(std::future::ready(Err(error)))
        }
    }

    let error = CredentialError::new("the vault is locked");
    let error = error.with_source(std::io::Error::other("the key is in use"));
    let whole = "the vault is locked: the key is in use";
    assert_eq!(printed(&error), whole);
    let error = BuildError::from(error);
    assert_eq!(
        printed(&error),
        format!("the credential cannot be used: {whole}")
    );

    let client = build(
        TransportBuilder::new(&SERVICE)
            .base_url("http://127.0.0.1:9")
            .credential_provider(Arc::new(Locked)),
    );
    let error = client.get_page().query_id("9").send().await.unwrap_err();
    assert_eq!(error.kind(), CallErrorKind::Credential);
    let shown = printed(&error);
    assert_eq!(shown.matches("the vault is locked").count(), 1, "{shown}");
    assert_eq!(shown.matches("the key is in use").count(), 1, "{shown}");
}

#[test]
fn without_a_runtime_the_error_names_the_remedy() {
    use std::task::{Context, Poll, Waker};

    let client = build(transport("http://127.0.0.1:9"));
    let mut call = Box::pin(client.get_page().query_id("9").send());
    // Another executor, without tokio.
    let polled = call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    let Poll::Ready(Err(error)) = polled else {
        panic!("not an error at once");
    };
    assert_eq!(
        (error.kind(), error.attempts(), error.is_retryable()),
        (CallErrorKind::NoRuntime, 0, false)
    );
    let shown = error.to_string();
    assert!(
        shown.contains("no tokio runtime") && shown.contains("#[tokio::main]"),
        "{shown}"
    );
}

#[tokio::test]
async fn a_service_message_stays_on_one_line() {
    let error = get(Reply::json(
        "400 Bad Request",
        "{\"error\":\"line 1:\\n  no\\u001b[0m\"}",
    ))
    .await;
    assert!(
        error.to_string().contains("line 1:\\n  no\\u{1b}[0m ("),
        "{error}"
    );
    assert_eq!(error.message().as_deref(), Some("line 1:\n  no\u{1b}[0m"));
}

#[tokio::test]
async fn html_with_status_200_is_an_error() {
    let html = [("content-type", "text/html")];
    let error = get(Reply::new("200 OK", &html, "<html>Sign in</html>")).await;
    assert_eq!(error.kind(), CallErrorKind::Decode);
    assert_eq!(
        error.to_string(),
        "rows: get_page: 200 OK: the body is not this API's JSON but text/html, starting \
         \"<html>Sign in</html>\" (GET /v1/query/9/results, 1 attempt)"
    );
    assert_eq!(error.body(), b"<html>Sign in</html>");
    assert!(!error.is_retryable());
    let error = get(Reply::json("200 OK", "")).await;
    assert_eq!(error.kind(), CallErrorKind::Decode);
    assert!(
        error.to_string().contains("200 OK: the body is empty"),
        "{error}"
    );
}

#[tokio::test]
async fn a_decode_error_names_path_and_position_and_quotes_the_body() {
    let body = "{\"state\":\"COMPLETED\",\n \"next\": \"soon\", \"result\":{\"rows\":[]}}";
    let error = get(Reply::json("200 OK", body)).await;
    let shown = error.to_string();
    assert_eq!(error.kind(), CallErrorKind::Decode);
    for part in [
        "the body does not fit at `next`",
        "invalid type: string \"soon\", expected u64 at line 2 column 15",
        "\"next\": \"soon\", \"result\"",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert!(!shown.contains('\n'));

    let error = get(Reply::json(
        "200 OK",
        "{\"state\":\"A\",\"result\":{\"rows\":5}}",
    ))
    .await;
    let shown = error.to_string();
    for part in [
        "`result.rows`",
        "invalid type: number, expected an array of rows",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }

    let error = get(Reply::json(
        "200 OK",
        "{\"state\":\"A\",\"result\":{\"rows\":[1,}}",
    ))
    .await;
    assert!(
        error.to_string().contains("the body is broken JSON"),
        "{error}"
    );
}

#[tokio::test]
async fn a_decode_error_deep_in_a_large_body_quotes_a_short_part() {
    let pad = "ü".repeat(200_000);
    let body = format!("{{\"pad\":\"{pad}\",\"state\":1,\"result\":{{\"rows\":[]}}}}");
    let error = get(Reply::json("200 OK", &body)).await;
    let shown = error.to_string();
    assert!(shown.contains("üü\",\"state\":1,\"result\":"), "{shown}");
    assert!(shown.len() < 600, "{shown}");
    assert_eq!(error.body().len(), 64 * 1024);
}

#[tokio::test]
async fn an_undocumented_success_is_not_taken_for_the_result() {
    let error = get(Reply::json(
        "202 Accepted",
        "{\"state\":\"A\",\"result\":{}}",
    ))
    .await;
    assert_eq!(error.kind(), CallErrorKind::Decode);
    assert!(
        error
            .to_string()
            .contains("202 Accepted: this operation does not document"),
        "{error}"
    );
}

#[tokio::test]
async fn invalid_parameters_send_nothing() {
    let server = Server::start([Reply::hang_up()]).await;
    let client = client(&server);
    let missing = client.get_page().send().await.unwrap_err();
    assert_eq!(
        missing.to_string(),
        "invalid request: query_id was not initialized"
    );
    let walking = client.get_page().query_id("..").send().await.unwrap_err();
    assert!(
        walking
            .to_string()
            .contains("path parameter query_id is a dot segment")
    );
    let split = client
        .run()
        .idempotency_key("a\r\nb")
        .body(sql())
        .send()
        .await;
    let split = split.unwrap_err();
    assert!(
        split.to_string().contains("a header cannot hold"),
        "{split}"
    );
    for error in [missing, walking, split] {
        assert_eq!(
            (error.kind(), error.attempts()),
            (CallErrorKind::InvalidRequest, 0)
        );
        assert!(!error.is_retryable());
    }
    assert_eq!(server.count(), 0);
}

#[tokio::test]
async fn undocumented_error_bodies_are_kept_where_none_is_documented() {
    let server = Server::start([Reply::new("409 Conflict", &[], "still starting")]).await;
    let error = client(&server).cancel().send().await.unwrap_err();
    assert_eq!(error.body(), b"still starting");
    let server = Server::start([Reply::new("400 Bad Request", &[], "bad csv")]).await;
    let error = client(&server).upload().body("x").send().await.unwrap_err();
    assert_eq!(
        (error.kind(), error.body()),
        (CallErrorKind::Api, &b"bad csv"[..])
    );
}

#[tokio::test]
async fn an_error_is_small() {
    assert!(size_of::<CallError<[u64; 100]>>() <= 16);
}

#[tokio::test]
async fn debug_shows_the_body_and_no_header() {
    let headers = [
        ("content-type", "application/json"),
        ("set-cookie", "hunter2"),
    ];
    let reply = Reply::new("404 Not Found", &headers, "{\"error\":\"no such query\"}");
    let shown = format!("{:?}", get(reply).await);
    for part in [
        "Api",
        "get_page",
        "GET http://127.0.0.1:",
        "/v1/query/9/results",
        "404",
        "no such query",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[tokio::test]
async fn a_decode_error_after_the_rows_names_its_own_path() {
    let body = "{\"state\":\"A\",\"result\":{\"rows\":[1,[2]]},\"next\":{\"a\":1}}";
    let error = get(Reply::json("200 OK", body)).await;
    assert!(
        error
            .to_string()
            .contains("does not fit at `next`: invalid type: map"),
        "{error}"
    );
}

#[tokio::test]
async fn a_build_without_tls_says_so() {
    let transport = transport("https://127.0.0.1:1").retry(RetryPolicy::none());
    let error = build(transport).cancel().send().await.unwrap_err();
    let shown = error.to_string();
    assert!(error.is_connect(), "{shown}");
    // TLS may be enabled by another crate of this build.
    assert_eq!(
        shown.contains("scheme is not http"),
        shown.contains("this build has no TLS"),
        "{shown}"
    );
}

#[tokio::test]
async fn a_timeout_of_the_http_client_is_a_timeout() {
    for reply in [
        Reply::default().wait(10_000),
        Reply::head("200 OK", &[], 9).send("{").wait(10_000),
    ] {
        let server = Server::start([reply]).await;
        let transport = transport(&server.url)
            .retry(RetryPolicy::none())
            .http(|http| http.timeout(Duration::from_millis(150)));
        let error = build(transport).get_page().query_id("1").send().await;
        let error = error.unwrap_err();
        assert_eq!(error.kind(), CallErrorKind::Timeout(TimeoutScope::Attempt));
        assert!(
            error.to_string().contains("timeout set on the HTTP client"),
            "{error}"
        );
    }
}
