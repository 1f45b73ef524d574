//! The requests that the client sends.

use rowfeed_dune::{
    CallErrorKind, Secret,
    types::{Performance, QueryParameter, UploadFormat},
};
use rowfeed_sandbox::{DUNE_QUERY_ID, Sandbox};
use serde_json::{Value, json};

use crate::support::{Wire, builder, json as answer, sent, start};

#[tokio::test]
async fn the_key_is_a_header_and_no_version_goes_out() {
    let wire = Wire::start();
    let client = builder(&wire.url)
        .api_key(Secret::new("coral-key-1").unwrap())
        .user_agent("reef/3")
        .build()
        .unwrap();
    client.get_usage().send().await.unwrap();
    let head = wire.head().to_ascii_lowercase();
    assert!(head.starts_with("post /v1/usage http/1.1\r\n"), "{head}");
    assert!(
        head.contains("\r\nx-dune-api-key: coral-key-1\r\n"),
        "{head}"
    );
    assert_eq!(head.matches("coral-key-1").count(), 1, "{head}");
    assert!(head.contains("\r\nuser-agent: rowfeed-dune/"), "{head}");
    assert!(head.contains(" reef/3\r\n"), "{head}");
    assert!(!head.contains("api-version"), "{head}");
    assert!(!head.contains("authorization"), "{head}");
}

#[tokio::test]
async fn execute_query_sends_parameters_and_performance_as_json() {
    let (sandbox, client) = start().await;
    let started = r#"{"execution_id": "01REEF", "state": "QUERY_STATE_PENDING"}"#;
    sandbox.fault(answer(200, started).times(2));
    let parameters = json!({"kind": "atoll", "depth": "12.5", "kinds": ["a", "b"]});
    let Value::Object(parameters) = parameters else {
        panic!("it is an object");
    };
    client
        .execute_query()
        .query_id(70)
        .body_map(|run| {
            run.query_parameters(parameters.clone())
                .performance(Performance::Large)
        })
        .send()
        .await
        .unwrap();
    let request = sent(&sandbox);
    assert_eq!(request.method, "POST");
    assert_eq!(request.path, "/dune/api/v1/query/70/execute");
    assert_eq!(request.query, None);
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!(request.header("idempotency-key"), None);
    assert_eq!(request.header("api-version"), None);
    let body: Value = serde_json::from_str(&request.body).unwrap();
    assert_eq!(
        body,
        json!({"query_parameters": parameters, "performance": "large"})
    );

    client.execute_query().query_id(70).send().await.unwrap();
    assert_eq!(sent(&sandbox).body, "{}");
}

#[tokio::test]
async fn an_unknown_tier_can_be_requested() {
    let (sandbox, client) = start().await;
    let started = r#"{"execution_id": "01REEF", "state": "QUERY_STATE_PENDING"}"#;
    sandbox.fault(answer(200, started));
    client
        .execute_sql()
        .body_map(|run| run.sql("select 1").performance(Performance::from("huge")))
        .send()
        .await
        .unwrap();
    let body: Value = serde_json::from_str(&sent(&sandbox).body).unwrap();
    assert_eq!(body, json!({"sql": "select 1", "performance": "huge"}));
}

#[tokio::test]
async fn update_query_sends_only_what_was_set() {
    let (sandbox, client) = start().await;
    sandbox.fault(answer(200, r#"{"query_id": 70}"#));
    let parameter = QueryParameter::builder()
        .key("depth")
        .type_("number")
        .value("12".to_owned());
    client
        .update_query()
        .query_id(70)
        .body_map(|query| {
            query
                .query_sql("select {{depth}}".to_owned())
                .parameters([parameter])
                .tags(Vec::<String>::new())
        })
        .send()
        .await
        .unwrap();
    let request = sent(&sandbox);
    assert_eq!(request.method, "PATCH");
    assert_eq!(request.path, "/dune/api/v1/query/70");
    assert_eq!(request.header("content-type"), Some("application/json"));
    let body: Value = serde_json::from_str(&request.body).unwrap();
    // An empty list of tags removes the tags; an absent one keeps them.
    assert_eq!(
        body,
        json!({"query_sql": "select {{depth}}", "tags": [],
               "parameters": [{"key": "depth", "type": "number", "value": "12"}]})
    );
}

#[tokio::test]
async fn parameters_of_latest_results_are_query_keys_of_their_own() {
    let (sandbox, client) = start().await;
    client
        .get_latest_query_result()
        .query_id(DUNE_QUERY_ID)
        .params([
            ("Min USD".to_owned(), "1 & 2".to_owned()),
            ("kind".to_owned(), "atoll".to_owned()),
        ])
        .limit(3)
        .offset(0)
        .allow_partial_results(true)
        .columns("project,\"token pair\"")
        .sort_by("project desc")
        .send()
        .await
        .ok();
    let request = sent(&sandbox);
    let value = |name| request.query_value(name);
    assert_eq!(value("params.Min USD").as_deref(), Some("1 & 2"));
    assert_eq!(value("params.kind").as_deref(), Some("atoll"));
    assert_eq!(value("params"), None);
    assert_eq!(value("limit").as_deref(), Some("3"));
    assert_eq!(value("offset").as_deref(), Some("0"));
    assert_eq!(value("allow_partial_results").as_deref(), Some("true"));
    assert_eq!(value("columns").as_deref(), Some("project,\"token pair\""));
    assert_eq!(value("sort_by").as_deref(), Some("project desc"));
    assert_eq!(value("sample_count"), None);
    assert_eq!(value("queryID"), None);
    assert_eq!(value("api_key"), None);
}

#[tokio::test]
async fn the_credit_guard_is_sent_by_its_newer_name() {
    let (sandbox, client) = start().await;
    client
        .get_latest_query_result()
        .query_id(DUNE_QUERY_ID)
        .ignore_max_credits_per_request(true)
        .send()
        .await
        .unwrap();
    let request = sent(&sandbox);
    assert_eq!(
        request
            .query_value("ignore_max_credits_per_request")
            .as_deref(),
        Some("true")
    );
    assert_eq!(
        request.query_value("ignore_max_datapoints_per_request"),
        None
    );
}

#[tokio::test]
async fn uploaded_data_has_its_content_type() {
    for (format, content_type, data) in [
        (UploadFormat::Csv, "text/csv", "genus\nacropora\n"),
        (
            UploadFormat::Ndjson,
            "application/x-ndjson",
            "{\"genus\":\"acropora\"}\n",
        ),
    ] {
        let (sandbox, client) = start().await;
        sandbox.fault(answer(200, r#"{"rows_written": 1, "bytes_written": 15}"#));
        let written = client
            .insert_data()
            .namespace("reef")
            .table_name("corals")
            .content_type(format)
            .body(data)
            .send()
            .await
            .unwrap();
        assert_eq!(written.rows_written, Some(1));
        let request = sent(&sandbox);
        assert_eq!(request.path, "/dune/api/v1/uploads/reef/corals/insert");
        let types: Vec<_> = request
            .headers
            .iter()
            .filter(|(name, _)| name == "content-type")
            .map(|(_, value)| value.as_str())
            .collect();
        assert_eq!(types, [content_type]);
        assert_eq!(request.body, data);
    }
}

#[tokio::test]
async fn a_post_without_a_body_has_content_length_zero() {
    let (sandbox, client) = start().await;
    sandbox.fault(answer(200, r#"{"success": true}"#));
    let cancel = client.cancel_query_execution().execution_id("01REEF");
    cancel.send().await.unwrap();
    let request = sent(&sandbox);
    assert_eq!(request.header("content-length"), Some("0"));
    assert_eq!(request.body, "");
    sandbox.fault(answer(200, r#"{"query_id": 70}"#));
    client.archive_query().query_id(70).send().await.unwrap();
    let request = sent(&sandbox);
    assert_eq!(request.path, "/dune/api/v1/query/70/archive");
    assert_eq!(request.header("content-length"), Some("0"));
}

#[tokio::test]
async fn an_id_stays_one_segment_of_the_path() {
    let (sandbox, client) = start().await;
    let status = client.get_execution_status().execution_id("a/b?c#d %2e");
    status.send().await.unwrap_err();
    let request = sent(&sandbox);
    assert_eq!(
        request.path,
        "/dune/api/v1/execution/a%2Fb%3Fc%23d%20%252e/status"
    );
    assert_eq!(request.query, None);
}

#[tokio::test]
async fn invalid_parameters_are_refused_before_sending() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = builder(&sandbox.dune_url()).build().unwrap();
    let results = || client.get_execution_results();
    for (call, says) in [
        (results().execution_id(".."), "dot segment"),
        (results().execution_id("."), "dot segment"),
        (results().execution_id(""), "is empty"),
        (results().execution_id("a\0b"), "control characters"),
        (
            results(),
            "invalid request: `execution_id` of `get_execution_results` is not set",
        ),
        (
            results().execution_id("01REEF").limit(u64::MAX),
            "invalid request: `limit` of `get_execution_results` takes an integer from \
             -9223372036854775808 to 9223372036854775807, and was given a `u64`: out of range \
             integral type conversion attempted",
        ),
    ] {
        let error = call.send().await.unwrap_err();
        assert_eq!(error.kind(), CallErrorKind::InvalidRequest);
        assert!(error.to_string().contains(says), "{error}");
        assert!(!error.is_retryable() && error.status().is_none());
    }
    let error = client.execute_sql().send().await.unwrap_err();
    assert_eq!(error.kind(), CallErrorKind::InvalidRequest);
    assert_eq!(
        error.to_string(),
        "invalid request: `sql` of `ExecuteSqlRequest` is not set"
    );
    assert!(sandbox.requests().is_empty());
}

#[tokio::test]
async fn a_call_can_be_spawned_and_outlives_its_client() {
    let (sandbox, client) = start().await;
    sandbox.fault(answer(200, r#"{"queries": [], "total": 0}"#));
    let call = client.list_queries();
    drop(client);
    tokio::spawn(call.send()).await.unwrap().unwrap();
    assert_eq!(sandbox.requests().len(), 1);
}
