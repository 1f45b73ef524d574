//! Lightdash's paging rule.

use crate::support::{Bench, Number, numbers, numbers_sent, upto};
use rowfeed::{Error, ErrorKind, lightdash::types, prelude::*};
use rowfeed_sandbox::{Fault, LIGHTDASH_PROJECT_UUID, Sandbox, Service};
use serde::Deserialize;
use serde_json::{Value, json};

const LIGHTDASH: Service = Service::Lightdash;
const QUERY: &str = "3f0c7f0a-5a0e-4b56-9f19-1f6f3a0f7c11";

/// A page of a query that is ready, in Lightdash's format.
fn page(rows: &[i64], total: u64, next_page: Option<i64>) -> Value {
    let rows: Vec<Value> = rows
        .iter()
        .map(|n| json!({ "n": { "value": { "raw": n, "formatted": format!("{n} pcs") } } }))
        .collect();
    let mut results = json!({
        "status": "ready",
        "queryUuid": QUERY,
        "columns": { "n": { "reference": "n", "type": "number" } },
        "pageSize": rows.len(),
        "rows": rows,
        "totalResults": total,
        "pivotDetails": null,
    });
    if let Some(next) = next_page {
        results["nextPage"] = next.into();
    }
    json!({ "status": "ok", "results": results })
}

fn with_status(status: &str) -> Value {
    json!({ "status": "ok", "results": { "status": status, "queryUuid": QUERY } })
}

/// Reads all pages of a query. Each request gets the next of these bodies.
async fn read(bodies: &[Value]) -> (Vec<Number>, Option<Error>, Vec<i64>) {
    let bench = Bench::start().await;
    for body in bodies {
        bench.answer(LIGHTDASH, 0, body);
    }
    let mut rows = bench.query(QUERY).rows::<Number>().page_size(2);
    let mut seen = Vec::new();
    let error = loop {
        match rows.try_next().await {
            Ok(Some(row)) => seen.push(row),
            Ok(None) => break None,
            Err(error) => break Some(error),
        }
    };
    assert_eq!(rows.try_next().await.unwrap(), None);
    (seen, error, numbers_sent(&bench.pages_asked(), "page"))
}

async fn refused(body: &Value) -> Error {
    let (rows, error, _) = read(std::slice::from_ref(body)).await;
    assert_eq!(rows, []);
    error.unwrap()
}

#[tokio::test]
async fn pages_count_from_one_and_are_requested_with_one_size() {
    let bench = Bench::start().await;
    let run = bench.numbers(LIGHTDASH, 11).await;
    let rows: Vec<Number> = run.rows().page_size(4).try_collect().await.unwrap();
    assert_eq!(rows, upto(11));
    let pages = bench.pages_asked();
    assert_eq!(numbers_sent(&pages, "page"), [1, 2, 3]);
    // The last response has `pageSize: 3`, the number of its rows.
    assert_eq!(numbers_sent(&pages, "pageSize"), [4, 4, 4]);
}

#[tokio::test]
async fn the_page_size_of_a_response_is_not_sent_back() {
    let mut short = page(&[0, 1], 3, Some(2));
    short["results"]["pageSize"] = 1.into();
    let bench = Bench::start().await;
    bench.answer(LIGHTDASH, 0, short);
    bench.answer(LIGHTDASH, 0, page(&[2], 3, None));
    let rows: Vec<Number> = bench
        .query(QUERY)
        .rows()
        .page_size(2)
        .try_collect()
        .await
        .unwrap();
    assert_eq!(rows, upto(3));
    assert_eq!(numbers_sent(&bench.pages_asked(), "pageSize"), [2, 2]);
}

#[tokio::test]
async fn the_operation_s_own_page_size_is_used() {
    let bench = Bench::start().await;
    let run = bench.numbers(LIGHTDASH, 11).await;
    let rows = bench.query(run.id()).page_size(6).page(1).rows::<Number>();
    let rows: Vec<Number> = rows.try_collect().await.unwrap();
    assert_eq!(rows, upto(11));
    assert_eq!(numbers_sent(&bench.pages_asked(), "pageSize"), [6, 6]);

    for (operation, word) in [
        (bench.query(run.id()).page_size(-3), "-3"),
        (bench.query(run.id()).page_size(0), "page size of 0"),
        (bench.query(run.id()).page(2), "send()"),
    ] {
        let error = operation.pages().try_next().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        assert!(error.to_string().contains(word), "{error}");
    }
    assert!(bench.sandbox.take_requests().is_empty());
}

#[tokio::test]
async fn a_refused_default_page_size_falls_back_to_500() {
    let bench = Bench::with(
        Sandbox::builder()
            .poll_steps(0)
            .lightdash_max_page_size(500),
    )
    .await;
    let run = bench.numbers(LIGHTDASH, 1_100).await;
    let rows: Vec<Number> = run.rows().try_collect().await.unwrap();
    assert_eq!(rows, upto(1_100));
    let pages = bench.pages_asked();
    assert_eq!(numbers_sent(&pages, "pageSize"), [2_500, 500, 500, 500]);
    assert_eq!(numbers_sent(&pages, "page"), [1, 1, 2, 3]);
    let statuses: Vec<_> = pages.iter().map(|page| page.status.unwrap()).collect();
    assert_eq!(statuses, [422, 200, 200, 200]);
}

#[tokio::test]
async fn a_limit_above_the_server_s_maximum_falls_back_too() {
    let builder = Sandbox::builder()
        .poll_steps(0)
        .lightdash_max_page_size(500);
    let bench = Bench::with(builder).await;
    let run = bench.numbers(LIGHTDASH, 1_100).await;
    for (most, sizes) in [(700, vec![700, 500, 500]), (500, vec![500]), (40, vec![40])] {
        let rows: Vec<Number> = run.rows().max_rows(most).try_collect().await.unwrap();
        assert_eq!(rows, upto(most.cast_signed()));
        assert_eq!(numbers_sent(&bench.pages_asked(), "pageSize"), sizes);
    }
}

#[tokio::test]
async fn a_chosen_page_size_is_not_changed() {
    let bench = Bench::with(
        Sandbox::builder()
            .poll_steps(0)
            .lightdash_max_page_size(500),
    )
    .await;
    let run = bench.numbers(LIGHTDASH, 3).await;
    let error = run.pages().page_size(501).try_next().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Call);
    assert_eq!(error.as_call().unwrap().status().unwrap(), 422);
    assert!(error.to_string().contains("max is 500"), "{error}");
    assert_eq!(numbers_sent(&bench.pages_asked(), "pageSize"), [501]);
}

#[tokio::test]
async fn other_refusals_do_not_change_the_page_size() {
    let bench = Bench::start().await;
    let body = json!({ "status": "error", "error": {
        "statusCode": 422, "name": "ValidateError", "message": "odd", "data": {},
    } });
    let fault = Fault::answer(422, "application/json", body.to_string());
    bench.sandbox.fault(fault.on(LIGHTDASH));
    let error = bench.query(QUERY).pages().try_next().await.unwrap_err();
    assert_eq!(error.as_call().unwrap().status().unwrap(), 422, "{error}");
    assert_eq!(numbers_sent(&bench.pages_asked(), "pageSize"), [2_500]);
}

#[tokio::test]
async fn fewer_or_more_rows_than_announced_are_an_error() {
    let short = [page(&[0, 1], 4, Some(2)), page(&[2], 4, None)];
    let long = [page(&[0, 1], 3, Some(2)), page(&[2, 3], 3, None)];
    let early = [page(&[0, 1], 4, None)];
    for bodies in [&short[..], &long, &early] {
        let (_, error, pages) = read(bodies).await;
        let error = error.unwrap();
        assert_eq!(error.kind(), ErrorKind::Paging, "{error}");
        assert_eq!(error.run_id(), Some(QUERY));
        assert_eq!(pages.len(), bodies.len());
    }
    let (_, error, _) = read(&short).await;
    let error = error.unwrap().to_string();
    assert!(error.contains('3') && error.contains('4'), "{error}");
}

/// A page of a server that does not count the rows of a pivot without group columns.
fn uncounted(rows: &[i64]) -> Value {
    let mut body = page(rows, 0, None);
    body["results"]["totalPageCount"] = 0.into();
    body["results"]["pivotDetails"] = json!({
        "totalColumnCount": null,
        "indexColumn": { "reference": "month", "type": "time" },
        "valuesColumns": [{
            "referenceField": "n", "pivotColumnName": "n_any", "aggregation": "any",
            "pivotValues": [],
        }],
        "groupByColumns": [],
        "sortBy": [],
        "originalColumns": {},
    });
    body
}

#[tokio::test]
async fn an_uncounted_pivot_is_read_to_its_last_page() {
    let pages = [&[0, 1][..], &[2, 3], &[4], &[]];
    for (bodies, count) in [(&pages[..3], 5), (&pages[2..3], 1), (&pages[3..], 0)] {
        let bodies: Vec<Value> = bodies.iter().map(|rows| uncounted(rows)).collect();
        let (rows, error, asked) = read(&bodies).await;
        assert!(error.is_none(), "{error:?}");
        assert_eq!(rows.len(), count);
        assert_eq!(asked.len(), bodies.len());
    }
    // Every page is full, so only an empty page is the end.
    let bodies = [uncounted(&[0, 1]), uncounted(&[2, 3]), uncounted(&[])];
    let (rows, error, asked) = read(&bodies).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!((rows, asked), (upto(4), vec![1, 2, 3]));

    let bench = Bench::start().await;
    bench.answer(LIGHTDASH, 0, uncounted(&[0, 1]));
    let run = bench.query(QUERY).run().await.unwrap();
    assert_eq!(run.total_rows(), None, "a total of 0 would be wrong");
}

#[tokio::test]
async fn rows_beyond_a_counted_total_of_zero_are_an_error() {
    let mut grouped = uncounted(&[0, 1]);
    grouped["results"]["pivotDetails"]["groupByColumns"] = json!([{ "reference": "chain" }]);
    for body in [page(&[0, 1], 0, None), grouped] {
        let error = refused(&body).await;
        assert_eq!(error.kind(), ErrorKind::Paging, "{error}");
    }
    // A later total differs from the uncounted one.
    let (rows, error, _) = read(&[uncounted(&[0, 1]), page(&[2, 3], 4, None)]).await;
    assert_eq!((rows, error.unwrap().kind()), (upto(2), ErrorKind::Paging));
}

#[tokio::test]
async fn a_number_of_rows_that_changes_is_an_error() {
    let (rows, error, _) = read(&[page(&[0, 1], 4, Some(2)), page(&[2, 3], 5, Some(3))]).await;
    assert_eq!(rows, upto(2));
    let error = error.unwrap();
    assert_eq!(error.kind(), ErrorKind::Paging, "{error}");
    assert!(
        error.to_string().contains('4') && error.to_string().contains('5'),
        "{error}"
    );
}

#[tokio::test]
async fn a_next_page_that_is_not_the_next_is_an_error() {
    for next in [1, 3, 0, -1] {
        let (rows, error, pages) = read(&[page(&[0, 1], 8, Some(next))]).await;
        assert_eq!(rows, []);
        let error = error.unwrap();
        assert_eq!(error.kind(), ErrorKind::Paging, "{error}");
        assert!(
            error.to_string().contains(&format!("page {next}")),
            "{error}"
        );
        assert_eq!(pages, [1]);
    }
}

#[tokio::test]
async fn a_page_in_the_middle_that_is_not_full_is_an_error() {
    // All pages but the last have the requested size. A short page misses rows, and the positions
    // of later rows would be wrong.
    for middle in [page(&[], 5, Some(3)), page(&[2], 5, Some(3))] {
        let bodies = [page(&[0, 1], 5, Some(2)), middle];
        let (rows, error, pages) = read(&bodies).await;
        let error = error.unwrap();
        assert_eq!(error.kind(), ErrorKind::Paging, "{error}");
        assert!(error.to_string().contains("page 2 has"), "{error}");
        assert_eq!((rows, pages), (upto(2), vec![1, 2]));
    }
}

#[tokio::test]
async fn another_page_or_query_than_requested_is_an_error() {
    let mut other_page = page(&[2, 3], 5, Some(3));
    other_page["results"]["page"] = 1.into();
    let mut other_query = page(&[2, 3], 5, Some(3));
    other_query["results"]["queryUuid"] = "of-somebody-else".into();
    let surplus = page(&[2, 3, 4], 5, None);
    for (body, said) in [
        (other_page, "page 1 was sent where page 2"),
        (other_query, "of-somebody-else"),
        (surplus, "has 3 rows; 2 were requested"),
    ] {
        let (rows, error, _) = read(&[page(&[0, 1], 5, Some(2)), body]).await;
        let error = error.unwrap();
        assert_eq!((rows, error.kind()), (upto(2), ErrorKind::Paging));
        assert!(error.to_string().contains(said), "{error}");
        assert_eq!(error.run_id(), Some(QUERY));
    }
}

#[tokio::test]
async fn an_empty_result_is_one_request() {
    let bench = Bench::start().await;
    let run = bench
        .run(LIGHTDASH, "SELECT project FROM trades WHERE 1 = 0")
        .await;
    let rows: Vec<Number> = run.rows().page_size(3).try_collect().await.unwrap();
    assert_eq!(rows, []);
    assert_eq!(numbers_sent(&bench.pages_asked(), "page"), [1]);
}

#[tokio::test]
async fn statuses_without_rows_are_errors_of_their_own() {
    for (status, kind) in [
        ("pending", ErrorKind::Unfinished),
        ("queued", ErrorKind::Unfinished),
        ("executing", ErrorKind::Unfinished),
        ("error", ErrorKind::Failed),
        ("cancelled", ErrorKind::Cancelled),
        ("expired", ErrorKind::Expired),
        ("frozen", ErrorKind::UnknownState),
    ] {
        let error = refused(&with_status(status)).await;
        assert_eq!(error.kind(), kind, "{error}");
        assert_eq!(error.run_id(), Some(QUERY));
        assert_eq!(error.service(), "lightdash");
    }
    let error = refused(&with_status("frozen")).await;
    assert!(error.to_string().contains("frozen"), "{error}");
    for status in ["error", "expired"] {
        let mut body = with_status(status);
        body["results"]["error"] = "the tide was out".into();
        assert_eq!(refused(&body).await.message(), "the tide was out");
    }
}

#[tokio::test]
async fn an_expired_result_is_recognized_by_the_error_s_name() {
    for (status, name) in [
        (404, "ResultsExpiredError"),
        (406, "ResultsExpiredError"),
        (406, "ExpiredError"),
    ] {
        let bench = Bench::start().await;
        bench.answer(LIGHTDASH, 0, page(&[0, 1], 4, Some(2)));
        let body = json!({ "status": "error", "error": {
            "statusCode": status, "name": name, "message": "the file is gone", "data": {},
        } });
        let fault = Fault::answer(status, "application/json", body.to_string());
        bench.sandbox.fault(fault.on(LIGHTDASH));
        let mut rows = bench.query(QUERY).rows::<Number>().page_size(2);
        assert_eq!(rows.try_next().await.unwrap(), Some(Number { n: 0 }));
        assert_eq!(rows.try_next().await.unwrap(), Some(Number { n: 1 }));
        let error = rows.try_next().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Expired, "{error}");
        assert_eq!(error.as_call().unwrap().status().unwrap(), status);
        assert!(error.to_string().contains("the file is gone"), "{error}");
    }
}

#[tokio::test]
async fn a_missing_query_is_not_an_expired_one() {
    let bench = Bench::start().await;
    let error = bench.query(QUERY).pages().try_next().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Call);
    assert!(error.as_call().unwrap().is_not_found());
    assert!(error.to_string().contains(QUERY), "{error}");
}

#[tokio::test]
async fn a_metric_query_is_run_and_paged() {
    #[derive(Debug, Deserialize)]
    struct Day {
        #[serde(rename = "trades_block_date")]
        day: jiff::civil::Date,
        #[serde(rename = "trades_count")]
        count: u32,
    }
    let bench = Bench::start().await;
    let body: types::MetricQueryRequest = serde_json::from_value(json!({ "query": {
        "exploreName": "trades",
        "dimensions": ["trades_block_date"],
        "metrics": ["trades_count"],
        "filters": {},
        "sorts": [{ "fieldId": "trades_block_date", "descending": true }],
        "limit": 9,
        "tableCalculations": [],
    } }))
    .unwrap();
    let operation = bench.lightdash.execute_async_metric_query();
    let run = operation
        .project_uuid(LIGHTDASH_PROJECT_UUID)
        .body(body)
        .run()
        .await
        .unwrap();
    let days: Vec<Day> = run.rows().page_size(4).try_collect().await.unwrap();
    assert_eq!(days.len(), 9);
    assert!(days.is_sorted_by(|a, b| a.day > b.day), "{days:?}");
    assert!(days.iter().all(|day| day.count == 2), "{days:?}");
}

#[tokio::test]
async fn columns_keep_their_order() {
    let bench = Bench::start().await;
    let run = bench
        .run(LIGHTDASH, "SELECT 1 AS z, 2 AS a, 3 AS m, 4 AS b")
        .await;
    let rows = run
        .rows::<(u8, u8, u8, u8)>()
        .try_collect::<Vec<_>>()
        .await
        .unwrap();
    assert_eq!(rows, [(1, 2, 3, 4)]);
}

#[tokio::test]
async fn a_running_query_is_unfinished() {
    let bench = Bench::with(Sandbox::builder().poll_steps(9)).await;
    let started = bench.start_lightdash(&numbers(3)).send().await.unwrap();
    let error = bench
        .query(&started.results.query_uuid)
        .pages()
        .try_next()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unfinished);
    assert!(error.to_string().contains("run()"), "{error}");
}

#[tokio::test]
async fn formatted_returns_cells_as_displayed() {
    let bench = Bench::start().await;
    let mut body = page(&[1], 1, None);
    let row = body.pointer_mut("/results/rows/0").unwrap();
    let (_, cell) = row.as_object_mut().unwrap().iter_mut().next().unwrap();
    cell["value"]["formatted"] = "one piece".into();
    bench.answer(LIGHTDASH, 0, body.clone());
    bench.answer(LIGHTDASH, 0, body);
    let shown = bench.query(QUERY).rows::<(String,)>().formatted();
    assert_eq!(
        shown.try_collect::<Vec<_>>().await.unwrap(),
        [("one piece".to_owned(),)]
    );
    let value = bench.query(QUERY).rows::<(i64,)>();
    assert_eq!(value.try_collect::<Vec<_>>().await.unwrap(), [(1,)]);
}
