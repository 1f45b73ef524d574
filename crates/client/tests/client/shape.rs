//! Generated code compiles against this crate, works, and its futures can be spawned.

use crate::{
    generated::{Client, types},
    server::{Reply, Server},
    setup::{client, page, sql},
};

fn assert_send<T: Send + 'static>(value: T) -> T {
    value
}

#[tokio::test]
async fn json_get() {
    let server = Server::start([page("[{\"a\":1},{\"a\":2}]")]).await;
    let call = client(&server)
        .get_page()
        .query_id("a/b")
        .limit(5)
        .state("RUNNING")
        .send();
    let page = tokio::spawn(assert_send(call)).await.unwrap().unwrap();
    assert_eq!(page.state, types::RunState::Completed);
    assert_eq!(page.result.rows.as_str(), "[{\"a\":1},{\"a\":2}]");
    let seen = server.seen();
    assert_eq!(
        seen[0].line,
        "GET /v1/query/a%2Fb/results?limit=5&state=RUNNING HTTP/1.1"
    );
    assert_eq!(seen[0].header("authorization"), Some("Bearer hunter2"));
    assert_eq!(seen[0].header("user-agent"), Some("rowfeed-test/0.1.0"));
    assert_eq!(seen[0].header("accept"), Some("application/json"));
    assert_eq!(seen[0].header("api-version"), None);
    assert_eq!(seen[0].header("content-length"), None);
}

#[tokio::test]
async fn raw_get() {
    let reply = Reply::head("200 OK", &[("content-type", "text/csv")], 8)
        .send("a,b\n")
        .wait(30)
        .send("1,2\n");
    let server = Server::start([reply]).await;
    let call = client(&server).get_csv().send();
    let mut csv = tokio::spawn(assert_send(call)).await.unwrap().unwrap();
    let mut text = Vec::new();
    while let Some(chunk) = csv.next_chunk().await {
        text.extend_from_slice(&chunk.unwrap());
    }
    assert_eq!(text, b"a,b\n1,2\n");
    assert_send(csv.into_inner());
}

#[tokio::test]
async fn json_post_with_a_header_parameter() {
    let server = Server::start([Reply::json("200 OK", "{\"id\":\"7\"}")]).await;
    let call = client(&server)
        .run()
        .idempotency_key("mine")
        .body(sql())
        .send();
    let run = tokio::spawn(assert_send(call)).await.unwrap().unwrap();
    assert_eq!(run.id, "7");
    let seen = server.seen();
    assert_eq!(seen[0].header("idempotency-key"), Some("mine"));
    assert_eq!(seen[0].body, b"{\"sql\":\"select 1\"}");
}

#[tokio::test]
async fn bodyless_post_and_no_content() {
    let server = Server::start([Reply::head("204 No Content", &[], 0)]).await;
    let call = client(&server).cancel().send();
    let done = tokio::spawn(assert_send(call)).await.unwrap().unwrap();
    assert_eq!(done.status(), 204);
    assert_eq!(server.seen()[0].header("content-length"), Some("0"));
}

#[tokio::test]
async fn raw_body_post() {
    let server = Server::start([Reply::json("200 OK", "{\"id\":\"7\"}")]).await;
    let call = client(&server).upload().body("a,b\n1,2\n").send();
    let run = tokio::spawn(assert_send(call)).await.unwrap().unwrap();
    assert_eq!(run.id, "7");
    let seen = server.seen();
    assert_eq!(seen[0].body, b"a,b\n1,2\n");
    assert_eq!(seen[0].header("content-type"), Some("text/csv"));
}

/// A `main` that returns an error prints its `Debug`.
#[test]
fn debug_of_a_build_error_is_its_message() {
    let builder = rowfeed_client::TransportBuilder::new(&crate::setup::SERVICE);
    let error = builder.base_url("localhost:80").build().unwrap_err();
    assert!(error.to_string().contains("base URL"), "{error}");
    assert_eq!(format!("{error:?}"), format!("BuildError({error})"));
}

#[test]
fn public_types_can_be_shared_between_threads() {
    fn check<T: Send + Sync + 'static>() {}
    check::<Client>();
    check::<rowfeed_client::CallError<types::ErrorResponse>>();
    check::<rowfeed_client::ResponseValue<types::Page>>();
    check::<rowfeed_client::BuildError>();
    fn send<T: Send + Unpin + 'static>() {}
    send::<rowfeed_client::ByteStream>();
}
