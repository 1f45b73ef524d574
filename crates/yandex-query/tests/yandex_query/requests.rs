//! The requests that the client sends.

use std::collections::HashSet;

use rowfeed_sandbox::{Fault, Sandbox, YANDEX_PROJECT};
use rowfeed_yandex_query::{CallErrorKind, Secret, types::QueryType};
use serde_json::{Value, json};

use crate::support::{Wire, builder, json as answer, sent, start, start_retrying};

#[tokio::test]
async fn the_token_is_a_bearer_and_no_version_goes_out() {
    let wire = Wire::start();
    let client = builder(&wire.url)
        .iam_token(Secret::new("t1.tide.1").unwrap())
        .user_agent("reef/3")
        .build()
        .unwrap();
    let call = client.get_query_status().project("folder").query_id("q1");
    call.send().await.unwrap_err();
    let head = wire.head();
    assert!(
        head.starts_with("GET /queries/q1/status?project=folder HTTP/1.1\r\n"),
        "{head}"
    );
    let head = head.to_ascii_lowercase();
    assert!(
        head.contains("\r\nauthorization: bearer t1.tide.1\r\n"),
        "{head}"
    );
    assert!(
        head.contains("\r\nuser-agent: rowfeed-yandex-query/"),
        "{head}"
    );
    assert!(head.contains(" reef/3\r\n"), "{head}");
    assert!(!head.contains("api-version"), "{head}");
    assert!(!head.contains("idempotency-key"), "{head}");
}

#[tokio::test]
async fn a_query_is_created_with_exactly_the_media_type_that_the_service_takes() {
    let (sandbox, client) = start().await;
    let create = || client.create_query().project(YANDEX_PROJECT);
    create().body("select 'ü' as u").send().await.unwrap();
    let request = sent(&sandbox);
    assert_eq!(request.method, "POST");
    assert!(request.path.ends_with("/api/fq/v1/queries"), "{request:?}");
    assert_eq!(
        request.query_value("project").as_deref(),
        Some(YANDEX_PROJECT)
    );
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!(request.header("x-request-id"), None);
    let body: Value = serde_json::from_str(&request.body).unwrap();
    assert_eq!(body, json!({"text": "select 'ü' as u"}));

    create()
        .x_request_id("reef-7")
        .body_map(|query| {
            query
                .text("select 1")
                .type_(QueryType::Streaming)
                .name("tides".to_owned())
                .description("every hour".to_owned())
        })
        .send()
        .await
        .unwrap();
    let request = sent(&sandbox);
    assert_eq!(request.header("x-request-id"), Some("reef-7"));
    let body: Value = serde_json::from_str(&request.body).unwrap();
    assert_eq!(
        body,
        json!({"text": "select 1", "type": "STREAMING", "name": "tides",
               "description": "every hour"})
    );
}

#[tokio::test]
async fn stop_and_start_have_content_length_zero() {
    let (sandbox, client) = start().await;
    for _ in 0..2 {
        sandbox.fault(Fault::status(204));
    }
    let stop = client.stop_query().project("folder").query_id("q1");
    stop.send().await.unwrap();
    let start = client.start_query().project("folder").query_id("q1");
    start.send().await.unwrap();
    for (request, name) in sandbox.take_requests().iter().zip(["stop", "start"]) {
        assert!(request.path.ends_with(&format!("/queries/q1/{name}")));
        assert_eq!(request.method, "POST");
        assert_eq!(request.header("content-length"), Some("0"));
        assert_eq!(request.header("transfer-encoding"), None);
        assert_eq!(request.body, "");
        assert!(request.header("idempotency-key").is_some());
    }
}

#[tokio::test]
async fn a_call_keeps_its_idempotency_key_over_attempts_and_another_has_another() {
    let (sandbox, client) = start_retrying().await;
    let mut keys = HashSet::new();
    for trouble in [Fault::status(503), Fault::reset(), Fault::status(429)] {
        sandbox.fault(trouble);
        let create = client.create_query().project(YANDEX_PROJECT);
        let made = create.body("select 1").send().await.unwrap();
        assert_eq!(made.attempts(), 2);
        let requests = sandbox.take_requests();
        assert_eq!(requests.len(), 2);
        let key = requests[0].header("idempotency-key").unwrap();
        assert_eq!(requests[1].header("idempotency-key"), Some(key));
        assert_eq!(key.len(), 36, "a UUID: {key}");
        assert!(keys.insert(key.to_owned()), "{key} was used before");
    }
    // The response was lost. The query was created only once.
    sandbox.fault(Fault::cut_body(3));
    let create = client.create_query().project(YANDEX_PROJECT);
    let made = create.body("select 2").send().await.unwrap();
    assert_eq!(made.attempts(), 2);
    let get = client
        .get_query()
        .project(YANDEX_PROJECT)
        .query_id(&made.id);
    assert_eq!(get.send().await.unwrap().text.as_deref(), Some("select 2"));
}

#[tokio::test]
async fn a_key_of_the_user_is_sent_unchanged() {
    let (sandbox, client) = start().await;
    let create = |text| {
        client
            .create_query()
            .project(YANDEX_PROJECT)
            .idempotency_key("spring-tide")
            .body(text)
            .send()
    };
    let first = create("select 1").await.unwrap().into_inner().id;
    let request = sent(&sandbox);
    let keys: Vec<_> = request
        .headers
        .iter()
        .filter(|(name, _)| name == "idempotency-key")
        .map(|(_, value)| value.as_str())
        .collect();
    assert_eq!(keys, ["spring-tide"]);
    // The same key returns the same query, even for another text.
    assert_eq!(create("select 2").await.unwrap().id, first);
}

#[tokio::test]
async fn a_page_is_requested_by_offset_and_limit() {
    let (sandbox, client) = start().await;
    let page = r#"{"columns": [], "rows": []}"#;
    sandbox.fault(answer(200, page).times(2));
    let results = || {
        client
            .get_query_results()
            .project("folder")
            .query_id("q1")
            .result_set_index(3)
    };
    results().offset(2000).limit(1000).send().await.unwrap();
    let request = sent(&sandbox);
    assert!(request.path.ends_with("/queries/q1/results/3"));
    assert_eq!(request.query_value("offset").as_deref(), Some("2000"));
    assert_eq!(request.query_value("limit").as_deref(), Some("1000"));
    results().send().await.unwrap();
    let request = sent(&sandbox);
    assert_eq!(request.query.as_deref(), Some("project=folder"));
}

#[tokio::test]
async fn an_id_stays_one_segment_of_the_path() {
    let (sandbox, client) = start().await;
    let call = client.get_query().project("a&b=c").query_id("a/b?c#d %2e");
    call.send().await.unwrap_err();
    let request = sent(&sandbox);
    assert!(
        request.path.ends_with("/queries/a%2Fb%3Fc%23d%20%252e"),
        "{request:?}"
    );
    assert_eq!(request.query_value("project").as_deref(), Some("a&b=c"));
}

#[tokio::test]
async fn a_member_of_the_body_has_a_setter_on_the_operation() {
    let (sandbox, client) = start().await;
    let query = client.create_query().project(YANDEX_PROJECT);
    let query = query.text("SELECT 1").name("corals");
    query.send().await.unwrap();
    let body: Value = serde_json::from_str(&sent(&sandbox).body).unwrap();
    assert_eq!(
        body,
        serde_json::json!({"text": "SELECT 1", "name": "corals"})
    );
}

#[tokio::test]
async fn invalid_parameters_are_refused_before_sending() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = builder(&sandbox.yandex_query_url()).build().unwrap();
    let query = || client.get_query().project("folder");
    for (call, says) in [
        (query().query_id(".."), "dot segment"),
        (query().query_id("."), "dot segment"),
        (query().query_id(""), "is empty"),
        (query().query_id("a\nb"), "control characters"),
        (query(), "`query_id` of `get_query` is not set"),
        (
            client.get_query().query_id("q1"),
            "`project` of `get_query` is not set",
        ),
        (
            query().query_id("q1").x_request_id("a\nb"),
            "characters that a header cannot hold",
        ),
    ] {
        let error = call.send().await.unwrap_err();
        assert_eq!(error.kind(), CallErrorKind::InvalidRequest);
        assert!(error.to_string().contains(says), "{error}");
    }
    let create = client.create_query().project("folder");
    let error = create.send().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "invalid request: `text` of `CreateQueryRequest` is not set"
    );
    let page = client.get_query_results().project("folder").query_id("q1");
    let error = page.result_set_index(-1).send().await.unwrap_err();
    assert_eq!(error.kind(), CallErrorKind::InvalidRequest);
    assert!(
        error.to_string().contains(
            "`result_set_index` of `get_query_results` takes an integer from 0 to 4294967295, and \
             was given an `i32`"
        ),
        "{error}"
    );
    assert!(sandbox.requests().is_empty());
}

#[tokio::test]
async fn a_call_can_be_spawned_and_outlives_its_client() {
    let (sandbox, client) = start().await;
    sandbox.fault(answer(200, r#"{"status": "RUNNING"}"#));
    let call = client.get_query_status().project("folder").query_id("q1");
    drop(client);
    tokio::spawn(call.send()).await.unwrap().unwrap();
    assert_eq!(sandbox.requests().len(), 1);
}
