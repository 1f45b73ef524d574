//! The errors of calls.

use rowfeed_sandbox::{
    Fault, Sandbox, YANDEX_IAM_TOKEN, YANDEX_IAM_TOKEN_WITHOUT_ROLE, YANDEX_PROJECT,
};
use rowfeed_yandex_query::{CallError, CallErrorKind, Client, Secret};

use crate::support::{builder, json, start, start_retrying};

/// Returns the error of a call with this fault.
async fn refused(fault: Fault) -> CallError {
    let (sandbox, client) = start().await;
    sandbox.fault(fault);
    let call = client
        .get_query_results()
        .project("hidden-folder")
        .query_id("q1")
        .result_set_index(0);
    let error = call.send().await.unwrap_err();
    let shown = format!("{error} {error:?}");
    assert!(!error.to_string().contains('\n'), "{error}");
    assert!(!shown.contains(YANDEX_IAM_TOKEN), "{shown}");
    assert!(!shown.contains("hidden-folder"), "{shown}");
    error
}

/// The body of a refusal with one issue.
fn body(code: i64, message: &str) -> String {
    format!(
        r#"{{"status":400010,"message":"BAD_REQUEST","details":[{{"message":"{message}","issue_code":{code},"severity":"ERROR","issues":[]}}]}}"#
    )
}

#[tokio::test]
async fn refusals_of_one_status_are_distinguished_by_the_code_of_the_issue() {
    for (code, message) in [
        (1000, "Query does not exist or permission denied"),
        (
            1001,
            "Conversion from status ABORTING_BY_USER is not possible",
        ),
        (1002, "the storage took too long"),
        (1003, "Result set index out of bound: 2 >= 1"),
        (1004, "Result removed by TTL"),
        (1005, "this is not supported"),
        (1006, "no right to do this"),
        (1007, "not ready yet"),
        (1008, "a quota is used up"),
        (200_800, "text's length is not in [1; 102400]"),
    ] {
        let body = body(code, message);
        let error = refused(json(400, &body)).await;
        assert_eq!(error.kind(), CallErrorKind::Api);
        assert_eq!(error.status().unwrap(), 400);
        let typed = error.api_error().unwrap();
        assert_eq!(typed.details[0].issue_code, Some(code));
        assert_eq!(typed.message, "BAD_REQUEST");
        // A status of the database, not of HTTP.
        assert_eq!(typed.status, Some(400_010));
        let said = format!("{message} (issue {code})");
        assert_eq!(error.message().as_deref(), Some(said.as_str()));
        assert_eq!(error.body(), body.as_bytes());
        assert!(!error.is_not_found() && !error.is_unauthorized());
    }
}

#[tokio::test]
async fn an_error_is_one_line_that_says_where_and_what() {
    let error = refused(json(400, body(1004, "Result removed by TTL"))).await;
    assert_eq!(
        error.to_string(),
        "yandex-query: get_query_results: 400 Bad Request: Result removed by TTL (issue 1004) \
         (GET /queries/q1/results/0, 1 attempt)"
    );
}

#[tokio::test]
async fn every_status_that_the_database_maps_to_is_an_error_of_its_own() {
    for (status, inner, name) in [
        (401, 400_150, "BAD_SESSION"),
        (403, 400_020, "UNAUTHORIZED"),
        (404, 400_140, "NOT_FOUND"),
        (409, 400_040, "ABORTED"),
        (412, 400_120, "PRECONDITION_FAILED"),
        (500, 400_030, "INTERNAL_ERROR"),
        (503, 400_050, "UNAVAILABLE"),
        (504, 400_090, "TIMEOUT"),
    ] {
        let text = format!(r#"{{"status":{inner},"message":"{name}","details":[]}}"#);
        let error = refused(json(status, text)).await;
        assert_eq!(error.status().unwrap().as_u16(), status);
        assert_eq!(error.api_error().unwrap().status, Some(inner));
        // Without issues the name is the message.
        assert_eq!(error.message().as_deref(), Some(name));
        assert_eq!(error.is_unauthorized(), status == 401 || status == 403);
        assert_eq!(error.is_retryable(), status >= 500);
    }
}

#[tokio::test]
async fn bodies_as_documented_decode_too() {
    let error = refused(json(
        400,
        r#"{"message": "Failed to find the tide", "details": [{"message": "low water",
            "position": {"row": 0, "column": 0}, "end_position": {"row": 0, "column": 0},
            "severity": "FATAL", "issues": ["deeper"]}]}"#,
    ))
    .await;
    let typed = error.api_error().unwrap();
    assert_eq!(typed.status, None);
    assert_eq!(typed.details.len(), 1);
    assert_eq!(error.message().as_deref(), Some("low water"));
    for bare in [
        r#"{"message": "GENERIC_ERROR"}"#,
        r#"{"message": "GENERIC_ERROR", "details": null}"#,
        r#"{"message": "GENERIC_ERROR", "details": [{}]}"#,
        r#"{"message": "GENERIC_ERROR", "details": [{"message": ""}]}"#,
    ] {
        let error = refused(json(400, bare)).await;
        assert_eq!(error.message().as_deref(), Some("GENERIC_ERROR"));
    }
}

#[tokio::test]
async fn a_body_that_is_not_the_services_json_is_kept_and_described() {
    for (status, text) in [
        (401, "The token is invalid"),
        (400, "Error in parsing: limit"),
        (500, "Error during formatting response: tide"),
    ] {
        let error = refused(Fault::answer(status, "text/plain", text)).await;
        assert_eq!(error.kind(), CallErrorKind::Api);
        assert_eq!(error.status().unwrap().as_u16(), status);
        assert!(error.api_error().is_none());
        assert_eq!(error.message().as_deref(), Some(text));
        assert_eq!(error.body(), text.as_bytes());
        let said = format!("{}: {text} (", error.status().unwrap());
        assert!(error.to_string().contains(&said), "{error}");
    }
    let error = refused(Fault::status(404)).await;
    assert!(error.is_not_found() && error.body().is_empty());
    assert!(error.to_string().contains("the body is empty"), "{error}");

    let error = refused(Fault::html(502)).await;
    assert_eq!(error.kind(), CallErrorKind::Api);
    assert!(error.body().starts_with(b"<!DOCTYPE html>"));
    assert!(error.to_string().contains("text/html"), "{error}");

    let error = refused(Fault::html(200)).await;
    assert_eq!(error.kind(), CallErrorKind::Decode);
    assert_eq!(error.status().unwrap(), 200);

    let error = refused(json(200, r#"{"columns": [], "rows": {"a": 1}}"#)).await;
    assert_eq!(error.kind(), CallErrorKind::Decode);
    assert!(error.to_string().contains("`rows`"), "{error}");

    let error = refused(json(200, r#"{"columns": [{"name": "a"}], "rows": []}"#)).await;
    assert_eq!(error.kind(), CallErrorKind::Decode);
    assert!(error.to_string().contains("`columns[0]`"), "{error}");
}

#[tokio::test]
async fn a_call_without_a_body_to_read_has_errors_with_bodies() {
    let (sandbox, client) = start().await;
    sandbox.fault(json(400, body(1001, "not in this state")));
    let stop = client.stop_query().project("folder").query_id("q1");
    let error = stop.send().await.unwrap_err();
    assert_eq!(error.api_error().unwrap().details[0].issue_code, Some(1001));
}

#[tokio::test]
async fn the_sandbox_tells_a_wrong_token_from_one_without_the_role() {
    let sandbox = Sandbox::start().await.unwrap();
    let with = |token: &str| -> Client {
        let token = Secret::new(token).unwrap();
        let client = builder(&sandbox.yandex_query_url()).iam_token(token);
        client.build().unwrap()
    };
    let create = |client: &Client| {
        let create = client.create_query().project(YANDEX_PROJECT);
        create.body("select 1").send()
    };
    let stranger = create(&with("t1.stranger")).await.unwrap_err();
    assert_eq!(stranger.status().unwrap(), 401);
    assert!(stranger.api_error().is_none());
    let error = create(&with(YANDEX_IAM_TOKEN_WITHOUT_ROLE)).await;
    let error = error.unwrap_err();
    assert_eq!(error.status().unwrap(), 403);
    assert_eq!(error.api_error().unwrap().message, "UNAUTHORIZED");
    for error in [&stranger, &error] {
        assert!(error.is_unauthorized());
        assert!(!format!("{error} {error:?}").contains("t1."), "{error}");
    }
    let client = with(YANDEX_IAM_TOKEN);
    let unknown = client.get_query().project(YANDEX_PROJECT).query_id("q1");
    let error = unknown.send().await.unwrap_err();
    assert_eq!(error.api_error().unwrap().details[0].issue_code, Some(1000));
}

#[tokio::test]
async fn temporary_failures_are_retried() {
    let (sandbox, client) = start_retrying().await;
    for trouble in [Fault::status(503), Fault::status(429), Fault::reset()] {
        sandbox.fault(trouble);
        sandbox.fault(json(200, r#"{"status": "RUNNING"}"#));
        let call = client.get_query_status().project("folder").query_id("q1");
        assert_eq!(call.send().await.unwrap().attempts(), 2);
    }
    // A refusal is not.
    sandbox.fault(json(400, body(1008, "a quota is used up")));
    let call = client.get_query_status().project("folder").query_id("q1");
    assert_eq!(call.send().await.unwrap_err().attempts(), 1);
}
