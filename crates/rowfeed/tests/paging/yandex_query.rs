//! Yandex Query's paging rule.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use crate::support::{
    Bench, Number, numbers, numbers_sent,
    page_server::{PageServer, Table},
    upto,
};
use rowfeed::{Error, ErrorKind, Page, prelude::*};
use rowfeed_sandbox::{Fault, Sandbox, Service};
use serde_json::{Value, json};

const YANDEX: Service = Service::YandexQuery;
const QUERY: &str = "csqquery0000000000001";

/// What `get_query` reports about a query with one result set.
fn query(set: Value) -> Value {
    json!({
        "id": QUERY, "name": "", "description": "", "text": "SELECT 1", "type": "ANALYTICS",
        "status": "COMPLETED", "meta": { "started_at": "2031-02-03T04:05:06Z" },
        "result_sets": [set],
    })
}

fn with_status(status: &str) -> Value {
    let mut query = query(Value::Null);
    query["status"] = status.into();
    query["result_sets"] = json!([]);
    query
}

fn page(rows: &[i64]) -> Value {
    let rows: Vec<[i64; 1]> = rows.iter().map(|n| [*n]).collect();
    json!({ "columns": [{ "name": "n", "type": "Int64" }], "rows": rows })
}

/// Reads the only result set of a query, two rows at a time. `get_query` returns the first body,
/// and the other bodies are the pages.
async fn read(bodies: &[Value]) -> (Vec<Number>, Option<Error>, Bench) {
    let bench = Bench::start().await;
    for body in bodies {
        bench.answer_at(YANDEX, "/queries/", 0, body);
    }
    let mut rows = bench.set(QUERY, 0).rows::<Number>().page_size(2);
    let mut seen = Vec::new();
    let error = loop {
        match rows.try_next().await {
            Ok(Some(row)) => seen.push(row),
            Ok(None) => break None,
            Err(error) => break Some(error),
        }
    };
    assert_eq!(rows.try_next().await.unwrap(), None);
    (seen, error, bench)
}

async fn refused(body: &Value) -> Error {
    let (rows, error, _) = read(std::slice::from_ref(body)).await;
    assert_eq!(rows, []);
    error.unwrap()
}

#[tokio::test]
async fn the_announced_number_of_rows_ends_the_paging() {
    let bench = Bench::start().await;
    for (count, offsets, limits) in [
        (12, vec![0, 4, 8], vec![4, 4, 4]),
        (13, vec![0, 4, 8, 12], vec![4, 4, 4, 1]),
        (3, vec![0], vec![3]),
    ] {
        let run = bench.numbers(YANDEX, count).await;
        let rows: Vec<Number> = run.rows().page_size(4).try_collect().await.unwrap();
        assert_eq!(rows, upto(count.into()));
        // No request checks whether there are more rows.
        let requests = bench.sandbox.take_requests();
        assert_eq!(numbers_sent(&requests, "offset"), offsets);
        assert_eq!(numbers_sent(&requests, "limit"), limits);
    }
}

#[tokio::test]
async fn an_operation_requests_the_number_of_rows_first() {
    let bench = Bench::start().await;
    let run = bench.numbers(YANDEX, 8).await;
    let rows: Vec<Number> = bench
        .set(run.id(), 0)
        .rows()
        .page_size(4)
        .try_collect()
        .await
        .unwrap();
    assert_eq!(rows, upto(8));
    let requests = bench.sandbox.take_requests();
    let paths: Vec<&str> = requests
        .iter()
        .map(|request| request.path.rsplit_once("/queries").unwrap().1)
        .collect();
    let (query, results) = (format!("/{}", run.id()), format!("/{}/results/0", run.id()));
    assert_eq!(paths, [&query, &results, &results]);
    let project = requests
        .iter()
        .map(|request| request.query_value("project").unwrap());
    assert_eq!(
        project.collect::<Vec<_>>(),
        [rowfeed_sandbox::YANDEX_PROJECT; 3]
    );
}

#[tokio::test]
async fn a_thousand_rows_is_the_largest_page() {
    let bench = Bench::start().await;
    let run = bench.numbers(YANDEX, 2_001).await;
    let rows: Vec<Number> = run.rows().try_collect().await.unwrap();
    assert_eq!(rows, upto(2_001));
    assert_eq!(
        numbers_sent(&bench.pages_asked(), "limit"),
        [1_000, 1_000, 1]
    );

    let mut rows = run.rows::<Number>().page_size(1_001);
    let error = rows.try_next().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error}");
    let text = error.to_string();
    assert!(text.contains("1001") && text.contains("1000"), "{text}");
    assert_eq!(rows.try_next().await.unwrap(), None);
    assert!(bench.pages_asked().is_empty());
    let rows: Vec<Number> = run
        .rows()
        .page_size(1_000)
        .max_rows(3)
        .try_collect()
        .await
        .unwrap();
    assert_eq!(rows, upto(3));
}

#[tokio::test]
async fn the_operation_s_limit_is_the_number_of_rows_in_all() {
    let bench = Bench::start().await;
    let run = bench.numbers(YANDEX, 12).await;
    let rows = bench
        .set(run.id(), 0)
        .limit(7)
        .rows::<Number>()
        .page_size(4);
    let rows: Vec<Number> = rows.try_collect().await.unwrap();
    assert_eq!(rows, upto(7));
    assert_eq!(numbers_sent(&bench.pages_asked(), "limit"), [4, 3]);
    // More than a page may have, but not more than there are.
    let rows: Vec<Number> = bench
        .set(run.id(), 0)
        .limit(5_000)
        .rows()
        .try_collect()
        .await
        .unwrap();
    assert_eq!(rows, upto(12));
    let error = bench
        .set(run.id(), 0)
        .limit(-2)
        .pages()
        .try_next()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    assert!(error.to_string().contains("-2"), "{error}");
}

#[tokio::test]
async fn the_operation_s_offset_is_where_the_rows_begin() {
    let bench = Bench::start().await;
    let run = bench.numbers(YANDEX, 12).await;
    let pages = bench.set(run.id(), 0).offset(7).pages().page_size(4);
    let pages = pages.try_collect::<Vec<_>>().await.unwrap();
    assert_eq!(pages.iter().map(Page::number).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(
        pages.iter().map(Page::first_row).collect::<Vec<_>>(),
        [7, 11]
    );
    assert_eq!(pages[0].rows::<Number>().unwrap(), upto(11)[7..]);
    assert_eq!(pages[1].rows::<Number>().unwrap(), upto(12)[11..]);

    let rows: Vec<Number> = bench
        .set(run.id(), 0)
        .offset(12)
        .rows()
        .try_collect()
        .await
        .unwrap();
    assert_eq!(rows, []);
    let rows: Vec<Number> = bench
        .set(run.id(), 0)
        .offset(99)
        .rows()
        .try_collect()
        .await
        .unwrap();
    assert_eq!(rows, []);
    let error = bench
        .set(run.id(), 0)
        .offset(-1)
        .pages()
        .try_next()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
}

#[tokio::test]
async fn a_truncated_result_needs_allow_truncated() {
    let bench = Bench::with(
        Sandbox::builder()
            .poll_steps(0)
            .yandex_query_truncate_after(5),
    )
    .await;
    let run = bench.numbers(YANDEX, 12).await;
    for mut pages in [run.pages(), bench.set(run.id(), 0).pages()] {
        let error = pages.try_next().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Truncated, "{error}");
        assert_eq!(error.run_id(), Some(run.id()));
        let text = error.to_string();
        assert!(
            text.contains("5 rows") && text.contains("allow_truncated()"),
            "{text}"
        );
        assert!(pages.try_next().await.unwrap().is_none());
    }
    assert!(bench.pages_asked().is_empty());
    for rows in [run.rows(), bench.set(run.id(), 0).rows()] {
        let rows: Vec<Number> = rows
            .page_size(3)
            .allow_truncated()
            .try_collect()
            .await
            .unwrap();
        assert_eq!(rows, upto(5));
    }
}

#[tokio::test]
async fn several_results_are_read_one_by_one() {
    let bench = Bench::start().await;
    let sql = format!(
        "{}; {}; SELECT project FROM trades WHERE 1 = 0",
        numbers(3),
        numbers(5)
    );
    let run = bench.run(YANDEX, &sql).await;
    assert_eq!(run.result_sets(), 3);
    assert_eq!(run.total_rows(), Some(8));

    let mut rows = run.rows::<Number>();
    let error = rows.try_next().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    assert_eq!(error.run_id(), Some(run.id()));
    let text = error.to_string();
    assert!(
        text.contains("3 results") && text.contains("result_set(0)"),
        "{text}"
    );
    assert_eq!(rows.try_next().await.unwrap(), None);

    let first: Vec<Number> = run.result_set(0).rows().try_collect().await.unwrap();
    let second: Vec<Number> = run
        .result_set(1)
        .rows()
        .page_size(2)
        .try_collect()
        .await
        .unwrap();
    assert_eq!((first, second), (upto(3), upto(5)));
    let empty = run.result_set(2).try_next().await.unwrap().unwrap();
    assert!(empty.is_empty());
    assert_eq!(empty.columns().len(), 1);
    assert_eq!(
        empty.columns().get("project").unwrap().type_name(),
        Some("Utf8")
    );

    bench.sandbox.take_requests();
    let error = run.result_set(3).try_next().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    let text = error.to_string();
    assert!(
        text.contains("result 3") && text.contains("has 3"),
        "{text}"
    );
    assert!(bench.sandbox.take_requests().is_empty());

    let second: Vec<Number> = bench.set(run.id(), 1).rows().try_collect().await.unwrap();
    assert_eq!(second, upto(5));
    let error = bench.set(run.id(), 3).pages().try_next().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    assert!(error.to_string().contains("the query has 3"), "{error}");
}

#[tokio::test]
async fn reading_a_run_without_a_result_is_an_error() {
    let bench = Bench::start().await;
    let started = bench.run(YANDEX, "SELECT 1").await;
    let mut body = query(Value::Null);
    body["result_sets"] = json!([]);
    body["id"] = started.id().into();
    bench.answer_at(YANDEX, "/queries/", 1, body);
    let run = bench.try_run(YANDEX, "SELECT 2").await.unwrap();
    assert_eq!((run.result_sets(), run.total_rows()), (0, Some(0)));
    let error = run.pages().try_next().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    assert!(error.to_string().contains("no result"), "{error}");
}

#[tokio::test]
async fn a_short_page_before_the_end_is_followed_by_the_rows_after_it() {
    let bodies = [
        query(json!({ "rows_count": 4, "truncated": false })),
        page(&[0, 1]),
        page(&[2]),
        page(&[3]),
    ];
    let (rows, error, bench) = read(&bodies).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(rows, upto(4));
    assert_eq!(numbers_sent(&bench.pages_asked(), "offset"), [0, 2, 3]);
}

#[tokio::test]
async fn missing_rows_are_an_error() {
    let bodies = [
        query(json!({ "rows_count": 4, "truncated": false })),
        page(&[0, 1]),
        page(&[]),
    ];
    let (rows, error, _) = read(&bodies).await;
    assert_eq!(rows, upto(2));
    let error = error.unwrap();
    assert_eq!(error.kind(), ErrorKind::Paging, "{error}");
    assert_eq!(error.run_id(), Some(QUERY));
    assert!(error.to_string().contains("row 2"), "{error}");
}

#[tokio::test]
async fn more_rows_than_requested_are_an_error() {
    let bodies = [
        query(json!({ "rows_count": 4, "truncated": false })),
        page(&[0, 1, 2]),
    ];
    let (_, error, _) = read(&bodies).await;
    assert_eq!(error.unwrap().kind(), ErrorKind::Paging);
}

#[tokio::test]
async fn more_rows_than_announced_are_an_error() {
    // The service's JSON omits zeros, so this announces no rows.
    for set in [
        json!({ "truncated": false }),
        json!({ "rows_count": 0 }),
        json!({}),
    ] {
        let (rows, error, _) = read(&[query(set), page(&[0])]).await;
        assert_eq!(rows, []);
        let error = error.expect("a row that was not announced was silently dropped");
        assert_eq!(error.kind(), ErrorKind::Paging, "{error}");
    }
}

#[tokio::test]
async fn statuses_without_rows_are_errors_of_their_own() {
    for (status, kind) in [
        ("RUNNING", ErrorKind::Unfinished),
        ("FAILED", ErrorKind::Failed),
        ("FROZEN", ErrorKind::UnknownState),
    ] {
        let error = refused(&with_status(status)).await;
        assert_eq!(error.kind(), kind, "{error}");
        assert_eq!(error.run_id(), Some(QUERY));
        assert_eq!(error.service(), "yandex-query");
        assert_eq!(error.position(), None);
    }
    let error = refused(&with_status("FROZEN")).await;
    assert!(error.to_string().contains("FROZEN"), "{error}");
}

#[tokio::test]
async fn a_failed_query_has_the_position_of_the_error() {
    let mut body = with_status("FAILED");
    body["issues"] = json!({ "message": "<main>: Error: a dump", "details": [{
        "message": "Type annotation", "severity": "ERROR", "position": { "row": 1, "column": 1 },
        "issues": [{
            "message": "No such column: tides", "severity": "UNKNOWN", "issue_code": 1030,
            "position": { "row": 4, "column": 9 }, "issues": [],
        }],
    }] });
    let error = refused(&body).await;
    assert_eq!(error.kind(), ErrorKind::Failed);
    let position = error.position().unwrap();
    assert_eq!((position.line, position.column), (4, 9));
    assert_eq!(
        error.to_string(),
        format!(
            "yandex-query: Type annotation: No such column: tides (line 4, column 9) [run {QUERY}]"
        )
    );
    // An issue without a position has the position of the issue around it.
    let inner = &mut body["issues"]["details"][0]["issues"][0];
    inner.as_object_mut().unwrap().remove("position");
    let position = refused(&body).await.position().unwrap();
    assert_eq!((position.line, position.column), (1, 1));
    body["issues"] = json!({ "message": "a dump alone", "details": [] });
    assert_eq!(refused(&body).await.message(), "a dump alone");
}

#[tokio::test]
async fn a_result_past_its_retention_is_expired() {
    let bench = Bench::start().await;
    let run = bench.numbers(YANDEX, 4).await;
    let body = json!({ "status": 400_010, "message": "BAD_REQUEST", "details": [{
        "message": "Result removed by TTL", "severity": "ERROR", "issue_code": 1004, "issues": [],
    }] });
    let fault = Fault::answer(400, "application/json", body.to_string());
    bench
        .sandbox
        .fault(fault.on(YANDEX).path("/results/").after(1));
    let mut pages = run.pages().page_size(2);
    assert!(pages.try_next().await.unwrap().is_some());
    let error = pages.try_next().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Expired, "{error}");
    assert_eq!(error.run_id(), Some(run.id()));
    assert_eq!(error.as_call().unwrap().status().unwrap(), 400);
}

#[tokio::test]
async fn a_running_query_is_unfinished() {
    let bench = Bench::with(Sandbox::builder().poll_steps(9)).await;
    let started = bench.start_yandex_query("SELECT 1").send().await.unwrap();
    let error = bench
        .set(&started.id, 0)
        .pages()
        .try_next()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unfinished);
    assert!(error.to_string().contains("run()"), "{error}");
}

#[tokio::test]
async fn missing_parameters_are_named_before_anything_is_sent() {
    let bench = Bench::start().await;
    for operation in [
        bench
            .yandex_query
            .get_query_results()
            .query_id("x")
            .result_set_index(0_u32),
        bench
            .yandex_query
            .get_query_results()
            .project("x")
            .result_set_index(0_u32),
        bench
            .yandex_query
            .get_query_results()
            .project("x")
            .query_id("x"),
    ] {
        let error = operation.pages().try_next().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error}");
    }
    assert!(bench.sandbox.requests().is_empty());
}

#[tokio::test]
async fn a_result_that_ends_before_the_cursor_is_an_error() {
    let is_shorter = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&is_shorter);
    let server = PageServer::start(move |asked, _| {
        let (long, short) = (Table::numbers(8, false), Table::numbers(3, false));
        match asked.path.ends_with("/results/0") {
            true => long.yandex_page(asked.number("offset"), asked.number("limit")),
            false if seen.load(Ordering::Relaxed) => short.yandex_query(),
            false => long.yandex_query(),
        }
    });
    let client = server.yandex_query();
    let pages = || {
        let set = client.get_query_results().project("p").query_id("q");
        set.result_set_index(0_u32).pages().page_size(5)
    };
    let cursor = pages().try_next().await.unwrap().unwrap().cursor();
    let rest: Vec<Number> = pages().resume(&cursor).rows().try_collect().await.unwrap();
    assert_eq!(rest.len(), 3);

    is_shorter.store(true, Ordering::Relaxed);
    let error = pages().resume(&cursor).try_next().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Paging, "{error}");
    assert!(error.message().contains("before row 5"), "{error}");
    assert!(error.message().contains("have 3 rows"), "{error}");
}
