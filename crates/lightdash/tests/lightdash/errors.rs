//! The errors of calls.

use rowfeed_lightdash::{CallError, CallErrorKind, Client, Secret};
use rowfeed_sandbox::{
    Fault, LIGHTDASH_PROJECT_UUID, LIGHTDASH_SERVICE_TOKEN, LIGHTDASH_TOKEN, Sandbox,
};

use crate::support::{builder, json, start, start_retrying};

/// Returns the error of a call with this fault.
async fn refused(fault: Fault) -> CallError {
    let (sandbox, client) = start().await;
    sandbox.fault(fault);
    let call = client
        .get_async_query_results()
        .project_uuid("p1")
        .query_uuid("q1")
        .page(77);
    let error = call.send().await.unwrap_err();
    let shown = format!("{error} {error:?}");
    assert!(!error.to_string().contains('\n'), "{error}");
    assert!(!shown.contains(LIGHTDASH_TOKEN), "{shown}");
    assert!(!shown.contains("page="), "{shown}");
    error
}

fn body(status: u16, name: &str, message: &str, data: &str) -> String {
    format!(
        r#"{{"status":"error","error":{{"statusCode":{status},"name":"{name}","message":"{message}","data":{data}}}}}"#
    )
}

#[tokio::test]
async fn every_refusal_keeps_its_name() {
    for (status, name) in [
        (400, "ParameterError"),
        (401, "AuthorizationError"),
        (401, "SnowflakeTokenError"),
        (401, "DatabricksTokenError"),
        (401, "BigqueryTokenError"),
        (401, "RedshiftIamTokenError"),
        (403, "ForbiddenError"),
        (403, "DeactivatedAccountError"),
        (403, "TrialExpiredError"),
        (403, "CustomSqlQueryForbiddenError"),
        (404, "NotFoundError"),
        (404, "ResultsExpiredError"),
        (406, "ExpiredError"),
        (413, "PayloadTooLargeError"),
        (422, "PaginationError"),
        (422, "ValidateError"),
        (429, "TooManyRequestsError"),
        (500, "UnexpectedServerError"),
    ] {
        let text = body(status, name, "the tide is out", "{}");
        let error = refused(json(status, &text)).await;
        assert_eq!(error.kind(), CallErrorKind::Api);
        assert_eq!(error.status().unwrap().as_u16(), status);
        let typed = &error.api_error().unwrap().error;
        assert_eq!(typed.name, name);
        assert_eq!(typed.status_code, Some(i64::from(status)));
        assert_eq!(typed.message.as_deref(), Some("the tide is out"));
        let said = format!("{name}: the tide is out");
        assert_eq!(error.message().as_deref(), Some(said.as_str()));
        assert_eq!(error.body(), text.as_bytes());
        assert_eq!(error.is_unauthorized(), status == 401 || status == 403);
        assert_eq!(error.is_not_found(), status == 404);
        assert_eq!(error.is_retryable(), status == 429 || status == 500);
    }
}

#[tokio::test]
async fn an_error_is_one_line_that_says_where_and_what() {
    let text = body(404, "ResultsExpiredError", "the rows are gone", "{}");
    let error = refused(json(404, text)).await;
    let url = error.url().unwrap();
    assert!(
        url.ends_with("/lightdash/api/v2/projects/p1/query/q1"),
        "{url}"
    );
    assert_eq!(
        error.to_string(),
        format!(
            "lightdash: get_async_query_results: 404 Not Found: ResultsExpiredError: \
             the rows are gone (GET {url}, 1 attempt)"
        )
    );
}

#[tokio::test]
async fn a_validation_says_which_field() {
    let data = r#"{"body.query.exploreName":{"message":"it is required","value":null}}"#;
    let text = body(422, "ValidateError", "not valid", data);
    let error = refused(json(422, text)).await;
    let data = error.api_error().unwrap().error.data.as_ref().unwrap();
    let field = &data["body.query.exploreName"];
    assert_eq!(field["message"], "it is required");
}

#[tokio::test]
async fn an_error_of_the_server_has_ids_for_its_operators() {
    let error = refused(json(
        500,
        r#"{"status":"error","error":{"statusCode":500,"name":"UnexpectedServerError",
            "message":"Something went wrong.","data":{},"sentryTraceId":"0af7","sentryEventId":"b9c1",
            "later":1}}"#,
    ))
    .await;
    let typed = &error.api_error().unwrap().error;
    assert_eq!(typed.sentry_trace_id.as_deref(), Some("0af7"));
    assert_eq!(typed.sentry_event_id.as_deref(), Some("b9c1"));
}

#[tokio::test]
async fn an_error_body_needs_only_a_name() {
    for (text, said) in [
        (r#"{"error": {"name": "NotFoundError"}}"#, "NotFoundError"),
        (
            r#"{"status": "error", "error": {"name": "NotFoundError", "message": null,
                "data": null, "statusCode": null}}"#,
            "NotFoundError",
        ),
    ] {
        let error = refused(json(404, text)).await;
        assert_eq!(error.message().as_deref(), Some(said));
    }
    let error = refused(json(404, r#"{"error": "not here"}"#)).await;
    assert!(error.api_error().is_none());
    assert!(
        error.to_string().contains("JSON of another shape"),
        "{error}"
    );
}

#[tokio::test]
async fn the_html_page_of_a_proxy_or_of_the_application_is_an_error() {
    let error = refused(Fault::html(502)).await;
    assert_eq!(error.kind(), CallErrorKind::Api);
    assert!(error.api_error().is_none() && error.message().is_none());
    assert!(error.body().starts_with(b"<!DOCTYPE html>"));
    assert!(error.to_string().contains("text/html"), "{error}");

    let error = refused(Fault::html(200)).await;
    assert_eq!(error.kind(), CallErrorKind::Decode);
    assert_eq!(error.status().unwrap(), 200);
    assert!(error.to_string().contains("text/html"), "{error}");

    // A base URL with too long a path returns the page of the web application.
    let sandbox = Sandbox::start().await.unwrap();
    let client = builder(&format!("{}/projects", sandbox.lightdash_url()));
    let call = client.build().unwrap().get_my_organization().send();
    let error = call.await.unwrap_err();
    assert_eq!(
        (error.kind(), error.status().unwrap().as_u16()),
        (CallErrorKind::Decode, 200)
    );
    assert!(error.to_string().contains("<!doctype html>"), "{error}");

    let error = refused(Fault::status(404)).await;
    assert!(error.is_not_found() && error.body().is_empty());
    assert!(error.to_string().contains("the body is empty"), "{error}");

    let error = refused(json(200, r#"{"status": "error", "results": {}}"#)).await;
    assert_eq!(error.kind(), CallErrorKind::Decode);
}

#[tokio::test]
async fn a_rate_limit_of_a_proxy_says_how_long_to_wait() {
    let limited = Fault::status(429).header("Retry-After", "9");
    let error = refused(limited).await;
    assert!(error.is_rate_limited());
    assert_eq!(error.retry_after().unwrap().as_secs(), 9);
}

#[tokio::test]
async fn the_sandbox_refuses_wrong_tokens_and_queries_of_others() {
    let sandbox = Sandbox::start().await.unwrap();
    let with = |token: &str| -> Client {
        let token = Secret::new(token).unwrap();
        builder(&sandbox.lightdash_url())
            .token(token)
            .build()
            .unwrap()
    };
    for stranger in ["ldpat_stranger", "ldsvc_stranger"] {
        let error = with(stranger).get_my_organization().send().await;
        let error = error.unwrap_err();
        assert!(error.is_unauthorized());
        assert_eq!(error.api_error().unwrap().error.name, "AuthorizationError");
        assert!(!format!("{error} {error:?}").contains(stranger), "{error}");
    }
    let started = with(LIGHTDASH_TOKEN)
        .execute_async_sql_query()
        .project_uuid(LIGHTDASH_PROJECT_UUID)
        .body("select 1 as n")
        .send()
        .await
        .unwrap();
    let error = with(LIGHTDASH_SERVICE_TOKEN)
        .get_async_query_results()
        .project_uuid(LIGHTDASH_PROJECT_UUID)
        .query_uuid(&started.results.query_uuid)
        .send()
        .await
        .unwrap_err();
    assert_eq!(error.api_error().unwrap().error.name, "NotFoundError");

    let mine = with(LIGHTDASH_TOKEN);
    let pages = || {
        mine.get_async_query_results()
            .project_uuid(LIGHTDASH_PROJECT_UUID)
            .query_uuid(&started.results.query_uuid)
    };
    while pages().send().await.unwrap().results.rows.is_none() {}
    for call in [
        pages().page(9),
        pages().page(0),
        pages().page_size(1_000_000),
    ] {
        let error = call.send().await.unwrap_err();
        assert_eq!(error.status().unwrap(), 422);
        assert_eq!(error.api_error().unwrap().error.name, "PaginationError");
    }
}

#[tokio::test]
async fn reads_are_retried_and_starts_only_if_they_did_not_run() {
    let (sandbox, client) = start_retrying().await;
    for trouble in [Fault::status(503), Fault::status(504), Fault::reset()] {
        sandbox.fault(trouble);
        let answer = client.get_my_organization().send().await.unwrap();
        assert_eq!(answer.attempts(), 2);
    }
    let sql = || {
        client
            .execute_async_sql_query()
            .project_uuid(LIGHTDASH_PROJECT_UUID)
            .body("select 1 as n")
    };
    for trouble in [Fault::status(500), Fault::html(502), Fault::reset()] {
        sandbox.fault(trouble);
        assert_eq!(sql().send().await.unwrap_err().attempts(), 1);
    }
    sandbox.fault(Fault::status(429));
    assert_eq!(sql().send().await.unwrap().attempts(), 2);
}
