//! Requests to any path, and headers of one call.

use rowfeed_client::{ApiRequest, CallErrorKind, RetryPolicy, Secret, TransportBuilder};
use serde_json::{Value, json};

use crate::{
    generated::{Client, types},
    server::{Reply, Server},
    setup::{DESCRIBED, build, client, page, quick, sql, transport},
};

type Request = ApiRequest<types::ErrorResponse>;

fn request(client: &Client, method: &str, path: &str) -> Request {
    ApiRequest::new(&client.inner, &client.client, &client.baseurl, method, path)
}

fn with_header(client: &Client, name: &str, value: &str) -> Client {
    Client {
        inner: client.inner.with_header(name, value),
        ..client.clone()
    }
}

fn ok() -> Reply {
    Reply::json("200 OK", "{\"id\":\"7\"}")
}

#[tokio::test]
async fn a_request_has_method_path_query_header_body_and_credential() {
    let server = Server::start([ok()]).await;
    let call = request(&client(&server), "PUT", "/v1/a%2Fb/c")
        .query("q", "a b&c=d/..")
        .query("n", 7)
        .query("n", 8)
        .header("X-Tide", "high")
        .json(&json!({"a": [1]}));
    // As the futures of generated operations.
    let answer = tokio::spawn(call.send::<Value>()).await.unwrap().unwrap();
    assert_eq!(
        (answer.status().as_u16(), answer["id"].as_str()),
        (200, Some("7"))
    );
    let seen = server.seen();
    assert_eq!(
        seen[0].line,
        "PUT /v1/a%2Fb/c?q=a+b%26c%3Dd%2F..&n=7&n=8 HTTP/1.1"
    );
    assert_eq!(seen[0].header("authorization"), Some("Bearer hunter2"));
    assert_eq!(seen[0].header("x-tide"), Some("high"));
    assert_eq!(seen[0].header("accept"), Some("application/json"));
    assert_eq!(seen[0].header("content-type"), Some("application/json"));
    assert_eq!(seen[0].header("user-agent"), Some("rowfeed-test/0.1.0"));
    assert_eq!(seen[0].body, b"{\"a\":[1]}");
}

#[tokio::test]
async fn the_answer_is_typed_raw_streamed_or_ignored() {
    let text = Reply::new("200 OK", &[("content-type", "text/csv")], "a,b\n");
    let server = Server::start([ok(), text.clone(), text.clone(), text.clone(), text]).await;
    let client = client(&server);
    let get = || request(&client, "GET", "/v1/a");
    let typed = get().send::<types::RunResponse>().await.unwrap();
    assert_eq!(typed.id, "7");
    assert_eq!(get().send_bytes().await.unwrap().into_inner(), "a,b\n");
    let mut stream = get().send_stream().await.unwrap();
    assert_eq!(stream.next_chunk().await.unwrap().unwrap(), "a,b\n");
    assert_eq!(get().send_empty().await.unwrap().status(), 200);
    let error = get().send::<types::RunResponse>().await.unwrap_err();
    assert_eq!(error.kind(), CallErrorKind::Decode, "{error}");
    assert_eq!(server.seen()[1].header("accept"), Some("*/*"));
}

#[tokio::test]
async fn a_refusal_is_an_error_with_the_body_of_the_service() {
    let refusal = Reply::json("404 Not Found", "{\"error\":\"no such tide\"}");
    let server = Server::start([refusal]).await;
    let client = client(&server);
    let get = || request(&client, "GET", "/v1/a").query("key", "hunter3");
    let error = get().send::<Value>().await.unwrap_err();
    assert_eq!(error.api_error().unwrap().error, "no such tide");
    let shown = error.to_string();
    assert!(
        shown.starts_with("rows: request: 404 Not Found: no such tide (GET "),
        "{shown}"
    );
    assert!(!shown.contains("hunter3"), "{shown}");
    for error in [
        get().send_bytes().await.unwrap_err(),
        get().send_stream().await.map(drop).unwrap_err(),
        get().send_empty().await.unwrap_err(),
    ] {
        assert_eq!(error.api_error().unwrap().error, "no such tide");
    }
    let foreign = Server::start([Reply::new("502 Bad Gateway", &[], "<html>")]).await;
    let client = build(transport(&foreign.url).retry(RetryPolicy::none()));
    let error = request(&client, "GET", "/v1/a")
        .send_bytes()
        .await
        .unwrap_err();
    assert_eq!(error.status().unwrap(), 502);
    assert_eq!(error.body(), b"<html>");
}

/// Whether a request of this method is sent again after each kind of failure.
async fn repeats(make: impl Fn(Request) -> Request, method: &str) -> Vec<bool> {
    let failures = [
        Reply::json("429 Too Many Requests", "{\"error\":\"wait\"}"),
        Reply::json("503 Service Unavailable", "{\"error\":\"wait\"}"),
        Reply::hang_up(),
        Reply::head("200 OK", &[], 9).send("{\"id"),
    ];
    let mut repeated = Vec::new();
    for failure in failures {
        let server = Server::start([failure, ok()]).await;
        let call = make(request(&client(&server), method, "/v1/a"));
        let answer = call.send::<Value>().await;
        assert_eq!(answer.is_ok(), server.count() == 2, "{method}: {answer:?}");
        repeated.push(server.count() == 2);
    }
    repeated
}

#[tokio::test]
async fn reads_are_repeated_and_other_requests_only_if_they_did_not_run() {
    let once = [true, false, false, false];
    for (method, repeated) in [
        ("GET", [true; 4]),
        ("POST", once),
        ("PUT", once),
        ("PATCH", once),
        ("DELETE", once),
        ("REFRESH", once),
    ] {
        assert_eq!(repeats(|call| call, method).await, repeated, "{method}");
    }
    assert_eq!(repeats(Request::idempotent, "POST").await, [true; 4]);
    let keyed = |call: Request| call.header("Idempotency-Key", "mine");
    assert_eq!(repeats(keyed, "POST").await, [true; 4]);
    let streamed = |call: Request| {
        let chunk = Ok::<_, std::io::Error>("a");
        let body = reqwest::Body::wrap_stream(futures_stream(chunk));
        call.body("text/plain", body).idempotent()
    };
    assert_eq!(repeats(streamed, "POST").await, [false; 4]);
}

/// A stream of one item.
fn futures_stream<T: Send + 'static>(item: T) -> impl futures_core::Stream<Item = T> {
    struct Once<T>(Option<T>);
    impl<T> Unpin for Once<T> {}
    impl<T> futures_core::Stream for Once<T> {
        type Item = T;
        fn poll_next(
            mut self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<T>> {
            std::task::Poll::Ready(self.0.take())
        }
    }
    Once(Some(item))
}

/// A service that ignores the header would carry out the request twice.
#[tokio::test]
async fn an_idempotency_key_means_nothing_to_a_service_that_takes_none() {
    static IGNORES_KEYS: rowfeed_client::Service = rowfeed_client::Service {
        idempotent_operations: &[],
        ..DESCRIBED
    };
    let server = Server::start([Reply::hang_up(), ok()]).await;
    let transport = TransportBuilder::new(&IGNORES_KEYS)
        .base_url(&server.url)
        .credential(Secret::new("hunter2").unwrap())
        .retry(quick())
        .http(|http| http.no_proxy());
    let client = build(transport);
    let call = request(&client, "POST", "/v1/a").header("Idempotency-Key", "mine");
    let error = call.send::<Value>().await.unwrap_err();
    assert_eq!((error.kind(), server.count()), (CallErrorKind::Io, 1));
    assert_eq!(server.seen()[0].header("idempotency-key"), Some("mine"));
}

#[tokio::test]
async fn nothing_is_sent_to_a_path_that_leaves_the_base_url() {
    let server = Server::start([ok()]).await;
    let evil = Server::start([ok()]).await;
    let client = build(transport(&format!("{}/api", server.url)));
    let host = evil.url.trim_start_matches("http://");
    for path in [
        evil.url.clone(),
        format!("//{host}/v1"),
        format!("/\\{host}/v1"),
        format!("@{host}/v1"),
        "/../login".to_owned(),
        "/%2e%2e/login".to_owned(),
        "/v1/..%2f..%2flogin".to_owned(),
        "/v1/%252e%252e/login".to_owned(),
        "/v1\\..\\login".to_owned(),
        "/v1?a=b".to_owned(),
        "/v1#a".to_owned(),
        "/v1\r\nhost: a".to_owned(),
        "v1".to_owned(),
        String::new(),
    ] {
        let call = request(&client, "GET", &path).query("a", "b").json(&1);
        let error = call.send::<Value>().await.unwrap_err();
        assert_eq!(error.kind(), CallErrorKind::InvalidRequest, "{path:?}");
        assert!(error.to_string().contains("the path \""), "{error}");
    }
    assert_eq!((server.count(), evil.count()), (0, 0));
    let call = request(&client, "GET", "/v1").query("to", &evil.url);
    call.send::<Value>().await.unwrap();
    assert!(
        server.seen()[0]
            .line
            .starts_with("GET /api/v1?to=http%3A%2F%2F")
    );
}

#[tokio::test]
async fn a_redirect_does_not_lead_away_either() {
    let evil = Server::start([ok()]).await;
    let location = format!("{}/v1", evil.url);
    let away = Reply::new("302 Found", &[("location", &location)], "");
    let server = Server::start([away]).await;
    let error = request(&client(&server), "GET", "/v1")
        .send::<Value>()
        .await;
    assert_eq!(error.unwrap_err().kind(), CallErrorKind::Redirect);
    assert_eq!(evil.count(), 0);
}

#[tokio::test]
async fn methods_headers_and_bodies_that_cannot_be_sent_are_errors() {
    struct Unwritable;
    impl serde::Serialize for Unwritable {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("too deep"))
        }
    }
    let server = Server::start([ok()]).await;
    let client = client(&server);
    let get = || request(&client, "GET", "/v1");
    for (call, why) in [
        (
            request(&client, "TRACE", "/v1"),
            "\"TRACE\" is not a method",
        ),
        (request(&client, "CONNECT", "/v1"), "\"CONNECT\" is not"),
        (request(&client, "GET\r\n", "/v1"), "is not a method"),
        (request(&client, "", "/v1"), "is not a method"),
        (get().json(&Unwritable), "too deep"),
        (get().body("text/\ncsv", "a"), "is not a content type"),
        (get().header("a b", "c"), "\"a b\" is not a header name"),
        (
            get().header("x-tide", "hunter3\r\nx: y"),
            "header x-tide has",
        ),
        (get().header("x-tide", "hunter3\u{fc}"), "header x-tide has"),
        (get().header("Host", "evil.invalid"), "host cannot be set"),
        (get().header("Content-Length", "0"), "content-length cannot"),
        (
            get().header("Authorization", "Bearer hunter3"),
            "the credential",
        ),
    ] {
        let error = call.send::<Value>().await.unwrap_err();
        assert_eq!(error.kind(), CallErrorKind::InvalidRequest, "{error}");
        let shown = format!("{error} {error:?}");
        assert!(shown.contains(why) && !shown.contains("hunter"), "{shown}");
    }
    assert_eq!(server.count(), 0);
    // Without a credential the header is the user's affair.
    let open = build(transport(&server.url).no_credential());
    let call = request(&open, "GET", "/v1").header("Authorization", "Bearer hunter3");
    call.send::<Value>().await.unwrap();
    let sent = server.seen();
    assert_eq!(sent[0].header("authorization"), Some("Bearer hunter3"));
}

#[tokio::test]
async fn a_header_goes_with_every_attempt_of_its_clone_and_with_no_other_call() {
    let failure = Reply::json("503 Service Unavailable", "{}");
    let server = Server::start([failure, page("[]"), page("[]")]).await;
    let plain = client(&server);
    let tagged = with_header(&with_header(&plain, "x-tide", "low"), "X-Tide", "high");
    let tagged = with_header(&tagged, "accept", "application/vnd.tides+json");
    tagged.get_page().query_id("1").send().await.unwrap();
    plain.get_page().query_id("1").send().await.unwrap();
    let seen = server.seen();
    for request in &seen[..2] {
        assert_eq!(request.header("x-tide"), Some("high"));
        assert_eq!(request.header("accept"), Some("application/vnd.tides+json"));
    }
    assert_eq!(seen[2].header("x-tide"), None);
    assert_eq!(seen[2].header("accept"), Some("application/json"));
}

#[tokio::test]
async fn a_header_of_an_operation_that_cannot_be_sent_is_an_error_of_the_call() {
    let server = Server::start([ok()]).await;
    let client = with_header(&client(&server), "x tide", "high");
    let error = client.run().body(sql()).send().await.unwrap_err();
    assert_eq!(error.kind(), CallErrorKind::InvalidRequest);
    assert!(
        error.to_string().contains("is not a header name"),
        "{error}"
    );
    assert_eq!((server.count(), error.attempts()), (0, 0));
}

#[test]
fn debug_shows_neither_query_nor_body() {
    let client = build(transport("http://localhost"));
    let call = request(&client, "POST", "/v1/a");
    let shown = format!("{:?}", call.query("key", "hunter3").json("hunter4"));
    assert!(
        shown.contains("POST /v1/a") && !shown.contains("hunter"),
        "{shown}"
    );
}
