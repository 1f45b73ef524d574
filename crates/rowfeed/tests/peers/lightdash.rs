//! Faults of other clients of Lightdash.

use rowfeed::{ErrorKind, prelude::*};
use rowfeed_sandbox::{
    Fault, LIGHTDASH_PROJECT_UUID, LIGHTDASH_SERVICE_TOKEN, Sandbox, ScriptedResult, Service,
};
use serde_json::{Value, json};

use crate::{
    BRIEF, in_time,
    support::{Bench, Number, lightdash_client, numbers, sent, upto},
};

fn with_status(status: &str) -> Value {
    json!({ "status": "ok", "results": { "status": status, "queryUuid": "the-query" } })
}

#[tokio::test]
async fn keeps_waiting_when_the_query_has_expired_in_the_queue() {
    let bench = Bench::start().await;
    let fault = Fault::answer(200, "application/json", with_status("expired").to_string());
    bench
        .sandbox
        .fault(fault.on(Service::Lightdash).method("GET").always());
    let run = bench
        .start_lightdash("SELECT 1")
        .run()
        .poll_interval(BRIEF, BRIEF);
    let error = in_time(run.into_future()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Expired);
}

#[tokio::test]
async fn treats_a_cancelled_or_expired_query_as_empty() {
    for (status, kind) in [
        ("cancelled", ErrorKind::Cancelled),
        ("expired", ErrorKind::Expired),
    ] {
        let bench = Bench::start().await;
        for _ in 0..2 {
            bench.answer(Service::Lightdash, 0, with_status(status));
        }
        let error = bench
            .try_run(Service::Lightdash, "SELECT 1")
            .await
            .unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        let error = bench
            .query("the-query")
            .rows::<Number>()
            .try_next()
            .await
            .unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
    }
}

#[tokio::test]
async fn treats_a_query_that_is_not_ready_in_time_as_empty() {
    let bench = Bench::start().await;
    bench.sandbox.fault(Fault::state_forever());
    let run = bench
        .start_lightdash("SELECT 1")
        .run()
        .poll_interval(BRIEF, BRIEF);
    let error = run.timeout(BRIEF * 40).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    let error = bench
        .query(error.run_id().unwrap())
        .rows::<Number>()
        .try_next()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unfinished);
}

#[tokio::test]
async fn reads_sql_with_another_credential_than_it_was_run_with() {
    let bench = Bench::start().await;
    let client = lightdash_client(&bench.sandbox, LIGHTDASH_SERVICE_TOKEN);
    let sql = client
        .execute_async_sql_query()
        .project_uuid(LIGHTDASH_PROJECT_UUID);
    let run = sql
        .body(numbers(4))
        .run()
        .poll_interval(BRIEF, BRIEF)
        .await
        .unwrap();
    let rows: Vec<Number> = run.rows().page_size(2).try_collect().await.unwrap();
    assert_eq!(rows, upto(4));
}

#[tokio::test]
async fn stops_after_the_first_500_rows() {
    let bench = Bench::start().await;
    for count in [501, 1_000, 2_501, 5_100] {
        let run = bench.numbers(Service::Lightdash, count).await;
        for prefetch in [0, 2] {
            let rows: Vec<Number> = run.rows().prefetch(prefetch).try_collect().await.unwrap();
            assert_eq!(rows, upto(count.into()));
        }
    }
}

#[tokio::test]
async fn sends_page_numbers_with_a_fraction() {
    let bench = Bench::start().await;
    let run = bench.numbers(Service::Lightdash, 5).await;
    run.pages()
        .page_size(2)
        .try_collect::<Vec<_>>()
        .await
        .unwrap();
    let asked = bench.pages_asked();
    let pages = ["1", "2", "3"].map(|page| Some(page.to_owned()));
    assert_eq!(sent(&asked, "page"), pages);
    assert_eq!(sent(&asked, "pageSize"), vec![Some("2".to_owned()); 3]);
}

#[tokio::test]
async fn mistakes_the_row_count_of_a_page_for_the_requested_size() {
    let bench = Bench::start().await;
    for count in [0, 1, 3] {
        let run = bench.numbers(Service::Lightdash, count).await;
        let rows: Vec<Number> = run.rows().page_size(50).try_collect().await.unwrap();
        assert_eq!(rows, upto(count.into()));
        assert_eq!(sent(&bench.pages_asked(), "page"), [Some("1".to_owned())]);
    }
}

#[tokio::test]
async fn lets_the_first_reader_set_the_page_size() {
    let bench = Bench::start().await;
    let run = bench.numbers(Service::Lightdash, 9).await;
    // Somebody else reads the query first, with another page size.
    bench
        .query(run.id())
        .page(1)
        .page_size(2)
        .send()
        .await
        .unwrap();
    bench.sandbox.take_requests();
    let rows: Vec<Number> = run.rows().page_size(4).try_collect().await.unwrap();
    assert_eq!(rows, upto(9));
    assert_eq!(
        sent(&bench.pages_asked(), "pageSize"),
        vec![Some("4".to_owned()); 3]
    );
}

#[tokio::test]
async fn requests_more_rows_than_the_server_allows_and_fails() {
    let bench = Bench::with(
        Sandbox::builder()
            .poll_steps(0)
            .lightdash_max_page_size(700),
    )
    .await;
    let run = bench.numbers(Service::Lightdash, 1_300).await;
    let rows: Vec<Number> = run.rows().try_collect().await.unwrap();
    assert_eq!(rows, upto(1_300));
}

#[tokio::test]
async fn counts_pages_of_different_sizes() {
    let bench = Bench::with(
        Sandbox::builder()
            .poll_steps(0)
            .lightdash_max_page_size(700),
    )
    .await;
    let run = bench.numbers(Service::Lightdash, 1_300).await;
    run.pages().try_collect::<Vec<_>>().await.unwrap();
    let asked = bench.pages_asked();
    let answered = asked.iter().filter(|page| page.status == Some(200));
    let sizes: Vec<_> = answered
        .map(|page| page.query_value("pageSize").unwrap())
        .collect();
    assert_eq!(sizes, ["500", "500", "500"]);
}

#[tokio::test]
async fn mistakes_an_expired_result_for_a_missing_query() {
    for (code, name) in [(404, "ResultsExpiredError"), (406, "ExpiredError")] {
        let bench = Bench::start().await;
        let body = json!({ "status": "error", "error": {
            "statusCode": code, "name": name, "message": "gone", "data": {},
        } });
        let fault = Fault::answer(code, "application/json", body.to_string());
        bench.sandbox.fault(fault.on(Service::Lightdash));
        let error = bench
            .query("the-query")
            .rows::<Number>()
            .try_next()
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Expired, "{error}");
    }
}

#[tokio::test]
async fn hides_the_server_s_message_of_a_refusal() {
    let bench = Bench::start().await;
    for code in [401, 403, 500] {
        let body = json!({ "status": "error", "error": {
            "statusCode": code, "name": "ForbiddenError", "message": "no SQL for you", "data": {},
        } });
        let fault = Fault::answer(code, "application/json", body.to_string());
        bench
            .sandbox
            .fault(fault.on(Service::Lightdash).method("POST"));
        let error = bench
            .try_run(Service::Lightdash, "SELECT 1")
            .await
            .unwrap_err();
        assert!(error.to_string().contains("no SQL for you"), "{error}");
        assert_eq!(error.as_call().unwrap().status().unwrap().as_u16(), code);
    }
}

#[tokio::test]
async fn requires_integers_of_one_column_to_be_all_numbers_or_all_text() {
    let bench = Bench::start().await;
    let result = ScriptedResult::new([("n", "number")])
        .row(["\"9007199254740993\""])
        .row(["7"])
        .row(["null"])
        .row(["\"-1\""]);
    bench
        .sandbox
        .script_result(Service::Lightdash, "mixed", result)
        .unwrap();
    let run = bench.run(Service::Lightdash, "mixed").await;
    let rows: Vec<Option<i64>> = run.rows().try_collect().await.unwrap();
    assert_eq!(rows, [Some(9_007_199_254_740_993), Some(7), None, Some(-1)]);
}

#[tokio::test]
async fn reads_the_formatted_text() {
    let bench = Bench::start().await;
    let row = |raw: Value, formatted: &str| json!({ "n": { "value": { "raw": raw, "formatted": formatted } } });
    let page = json!({ "status": "ok", "results": {
        "status": "ready", "queryUuid": "the-query",
        "columns": { "n": { "reference": "n", "type": "number" } },
        "rows": [row(json!(1234.5), "1 234,50 €"), row(Value::Null, "∅")],
        "page": 1, "pageSize": 2, "totalResults": 2, "totalPageCount": 1,
    } });
    bench.answer(Service::Lightdash, 0, page);
    let rows: Vec<Option<f64>> = bench.query("the-query").rows().try_collect().await.unwrap();
    assert_eq!(rows, [Some(1_234.5), None]);
}

#[tokio::test]
async fn silently_writes_only_a_part_of_the_rows() {
    let bench = Bench::start().await;
    let row = json!({ "n": { "value": { "raw": 1, "formatted": "1" } } });
    let page = json!({ "status": "ok", "results": {
        "status": "ready", "queryUuid": "the-query",
        "columns": { "n": { "reference": "n", "type": "number" } },
        "rows": [row], "page": 1, "pageSize": 1, "totalResults": 40_000, "totalPageCount": 1,
    } });
    bench.answer(Service::Lightdash, 0, page);
    let rows = bench.query("the-query").rows::<Number>();
    let error = rows.try_collect::<Vec<_>>().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Paging, "{error}");
    assert!(error.to_string().contains("40000"), "{error}");
}
