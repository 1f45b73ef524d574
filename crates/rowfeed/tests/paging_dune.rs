//! Dune's paging rule.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::collections::HashMap;

use rowfeed::{Error, ErrorKind, Page, prelude::*};
use rowfeed_sandbox::{
    DUNE_PARAMETERISED_QUERY_ID, DUNE_QUERY_ID, Fault, Sandbox, ScriptedResult, Service,
};
use serde::Deserialize;
use serde_json::{Value, json};
use support::{Bench, Number, numbers, numbers_sent, sent, upto};

const DUNE: Service = Service::Dune;

#[derive(Debug, Deserialize, PartialEq)]
struct Trade {
    trade_id: i64,
    project: String,
}

/// A page of a completed execution, as Dune words it.
fn page(execution: &str, rows: &[i64], next_offset: Option<i64>) -> Value {
    let rows: Vec<Value> = rows.iter().map(|n| json!({ "n": n })).collect();
    let mut body = json!({
        "execution_id": execution,
        "query_id": 77,
        "is_execution_finished": true,
        "state": "QUERY_STATE_COMPLETED",
        "result": {
            "rows": rows,
            "metadata": { "column_names": ["n"], "column_types": ["bigint"], "row_count": rows.len() },
        },
    });
    if let Some(offset) = next_offset {
        body["next_offset"] = offset.into();
        body["next_uri"] = format!("https://dune.invalid/next?offset={offset}").into();
    }
    body
}

fn without_result(state: &str) -> Value {
    json!({ "execution_id": "01EXECUTION", "is_execution_finished": true, "state": state })
}

/// Reads all pages of an execution, each answered with the next of these bodies.
async fn read(bodies: &[Value]) -> (Vec<Number>, Option<Error>, Vec<Option<String>>) {
    let bench = Bench::start().await;
    for body in bodies {
        bench.answer(DUNE, 0, body);
    }
    let mut rows = bench.execution("01EXECUTION").rows::<Number>();
    let mut seen = Vec::new();
    let error = loop {
        match rows.try_next().await {
            Ok(Some(row)) => seen.push(row),
            Ok(None) => break None,
            Err(error) => break Some(error),
        }
    };
    assert_eq!(rows.try_next().await.unwrap(), None);
    (seen, error, sent(&bench.pages_asked(), "offset"))
}

/// The error that the first page with this body is.
async fn refused(body: &Value) -> Error {
    let (rows, error, _) = read(std::slice::from_ref(body)).await;
    assert_eq!(rows, []);
    error.unwrap()
}

#[tokio::test]
async fn a_server_that_sends_fewer_rows_than_asked_for_is_followed_by_its_offsets() {
    let bench = Bench::with(Sandbox::builder().poll_steps(0).dune_max_page_rows(7)).await;
    let run = bench.numbers(DUNE, 23).await;
    let rows: Vec<Number> = run.rows().page_size(20).try_collect().await.unwrap();
    assert_eq!(rows, upto(23));
    let pages = bench.pages_asked();
    assert_eq!(numbers_sent(&pages, "offset"), [0, 7, 14, 21]);
    assert_eq!(numbers_sent(&pages, "limit"), [20, 20, 20, 20]);

    let pages = run.pages().max_rows(16).try_collect().await.unwrap();
    assert_eq!(
        pages.iter().map(Page::first_row).collect::<Vec<_>>(),
        [0, 7, 14]
    );
    assert_eq!(numbers_sent(&bench.pages_asked(), "limit"), [16, 9, 2]);
}

#[tokio::test]
async fn pages_are_as_large_as_dune_allows_unless_said_otherwise() {
    let bench = Bench::start().await;
    let run = bench.numbers(DUNE, 3).await;
    run.pages().try_collect().await.unwrap();
    assert_eq!(numbers_sent(&bench.pages_asked(), "limit"), [32_000]);
}

#[tokio::test]
async fn an_empty_page_in_the_middle_is_not_the_end() {
    let bodies = [
        page("01EXECUTION", &[0, 1], Some(2)),
        page("01EXECUTION", &[], Some(4)),
        page("01EXECUTION", &[2], None),
    ];
    let (rows, error, offsets) = read(&bodies).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(rows, upto(3));
    assert_eq!(
        offsets,
        [Some("0".into()), Some("2".into()), Some("4".into())]
    );
}

#[tokio::test]
async fn a_next_page_that_does_not_advance_is_an_error() {
    for (first, second) in [(0, None), (2, Some(2)), (2, Some(1)), (2, Some(-1))] {
        let mut bodies = vec![page("01EXECUTION", &[0, 1], Some(first))];
        if let Some(second) = second {
            bodies.push(page("01EXECUTION", &[2], Some(second)));
        }
        let asked = bodies.len();
        let (_, error, offsets) = read(&bodies).await;
        let error = error.unwrap();
        assert_eq!(error.kind(), ErrorKind::Paging, "{error}");
        assert_eq!(error.run_id(), Some("01EXECUTION"));
        let next = second.unwrap_or(first);
        assert!(
            error.to_string().contains(&format!("row {next}")),
            "{error}"
        );
        assert_eq!(offsets.len(), asked);
    }
}

#[tokio::test]
async fn the_next_page_is_asked_of_the_client_s_own_server() {
    // `next_uri` above names another host; only the offset is taken from the answer.
    let (rows, error, offsets) = read(&[
        page("01EXECUTION", &[0], Some(1)),
        page("01EXECUTION", &[1], None),
    ])
    .await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!((rows, offsets.len()), (upto(2), 2));
}

#[tokio::test]
async fn the_first_page_of_a_latest_result_pins_the_execution() {
    let bench = Bench::start().await;
    let mut pages = bench
        .dune
        .get_latest_query_result()
        .query_id(DUNE_QUERY_ID)
        .filters("project IN ('lagoon', 'estuary') AND evt_index > 2")
        .columns("trade_id,project")
        .sort_by("trade_id desc")
        .ignore_max_credits_per_request(true)
        .pages()
        .page_size(8);
    let first = pages.try_next().await.unwrap().unwrap();
    let mut seen: Vec<Trade> = first.rows().unwrap();

    // The query runs again before the next page is asked for.
    let again = bench
        .dune
        .execute_query()
        .query_id(DUNE_QUERY_ID)
        .run()
        .await
        .unwrap();
    assert_ne!(again.id(), first.run_id());
    while let Some(page) = pages.try_next().await.unwrap() {
        assert_eq!(page.run_id(), first.run_id());
        seen.extend(page.rows::<Trade>().unwrap());
    }
    assert!(seen.len() > 8, "{seen:?}");
    assert!(seen.is_sorted_by_key(|trade| -trade.trade_id));
    assert!(
        seen.iter()
            .all(|trade| ["lagoon", "estuary"].contains(&trade.project.as_str()))
    );

    let asked = bench.pages_asked();
    assert!(asked.len() >= 3, "{asked:?}");
    for (index, request) in asked.iter().enumerate() {
        let path = match index {
            0 => format!("/v1/query/{DUNE_QUERY_ID}/results"),
            _ => format!("/v1/execution/{}/results", first.run_id()),
        };
        assert!(request.path.ends_with(&path), "{}", request.path);
        for (name, value) in [
            (
                "filters",
                "project IN ('lagoon', 'estuary') AND evt_index > 2",
            ),
            ("columns", "trade_id,project"),
            ("sort_by", "trade_id desc"),
            ("ignore_max_credits_per_request", "true"),
        ] {
            assert_eq!(
                request.query_value(name).as_deref(),
                Some(value),
                "page {index}"
            );
        }
    }
    let offsets: Vec<i64> = (0..asked.len() as i64).map(|page| page * 8).collect();
    assert_eq!(numbers_sent(&asked, "offset"), offsets);
}

#[tokio::test]
async fn parameters_choose_the_latest_result() {
    let bench = Bench::start().await;
    let given: HashMap<String, Value> = [
        ("project".to_owned(), json!("lagoon")),
        ("min_usd".to_owned(), json!("0")),
    ]
    .into();
    let body = json!({ "query_parameters": given });
    let body: rowfeed::dune::types::ExecuteQueryRequest = serde_json::from_value(body).unwrap();
    let run = bench
        .dune
        .execute_query()
        .query_id(DUNE_PARAMETERISED_QUERY_ID)
        .body(body)
        .run();
    let run = run.await.unwrap();
    bench.sandbox.take_requests();

    let params: [(String, String); 2] = [
        ("project".into(), "lagoon".into()),
        ("min_usd".into(), "0".into()),
    ];
    let latest = bench
        .dune
        .get_latest_query_result()
        .query_id(DUNE_PARAMETERISED_QUERY_ID);
    let latest = latest.params(params);
    let rows: Vec<Trade> = latest.rows().page_size(5).try_collect().await.unwrap();
    assert!(
        rows.len() > 5 && rows.iter().all(|trade| trade.project == "lagoon"),
        "{rows:?}"
    );
    let asked = bench.pages_asked();
    assert_eq!(
        asked[0].query_value("params.project").as_deref(),
        Some("lagoon")
    );
    assert_eq!(asked[0].query_value("params.min_usd").as_deref(), Some("0"));
    assert!(asked[1].path.contains(run.id()), "{}", asked[1].path);
}

#[tokio::test]
async fn a_custom_endpoint_pins_the_execution_too() {
    let bench = Bench::start().await;
    let run = bench.numbers(DUNE, 5).await;
    bench.answer_at(DUNE, "/endpoints/", 0, page(run.id(), &[0, 1], Some(2)));
    let endpoint = bench
        .dune
        .get_custom_endpoint_results()
        .handle("reef")
        .endpoint_slug("tides");
    let rows: Vec<Number> = endpoint
        .filters("n >= 0")
        .rows()
        .page_size(2)
        .try_collect()
        .await
        .unwrap();
    assert_eq!(rows, upto(5));
    let asked = bench.pages_asked();
    let paths: Vec<&str> = asked.iter().map(|page| page.path.as_str()).collect();
    let execution = format!("/dune/api/v1/execution/{}/results", run.id());
    assert_eq!(
        paths,
        [
            "/dune/api/v1/endpoints/reef/tides/results",
            &execution,
            &execution
        ]
    );
    assert_eq!(sent(&asked, "filters"), vec![Some("n >= 0".to_owned()); 3]);
}

#[tokio::test]
async fn a_page_of_another_execution_is_an_error() {
    let bodies = [
        page("01EXECUTION", &[0, 1], Some(2)),
        page("01ANOTHER", &[2], None),
    ];
    let (rows, error, _) = read(&bodies).await;
    assert_eq!(rows, upto(2));
    let error = error.unwrap();
    assert_eq!(error.kind(), ErrorKind::Paging);
    assert_eq!(error.run_id(), Some("01EXECUTION"));
    assert!(error.to_string().contains("01ANOTHER"), "{error}");
}

#[tokio::test]
async fn the_operation_s_limit_is_the_number_of_rows_in_all() {
    let bench = Bench::start().await;
    let run = bench.numbers(DUNE, 23).await;
    for (limit, limits) in [(7, vec![5, 2]), (5, vec![5]), (40, vec![5; 5])] {
        let rows = bench
            .execution(run.id())
            .limit(limit)
            .rows::<Number>()
            .page_size(5);
        let rows: Vec<Number> = rows.try_collect().await.unwrap();
        assert_eq!(rows, upto(limit.min(23)));
        assert_eq!(numbers_sent(&bench.pages_asked(), "limit"), limits);
    }
    // The smaller of limit and max_rows holds.
    let rows = bench
        .execution(run.id())
        .limit(9)
        .rows::<Number>()
        .max_rows(4)
        .try_collect();
    let rows: Vec<Number> = rows.await.unwrap();
    assert_eq!(rows, upto(4));
    let rows = bench
        .execution(run.id())
        .limit(4)
        .rows::<Number>()
        .max_rows(9)
        .try_collect();
    let rows: Vec<Number> = rows.await.unwrap();
    assert_eq!(rows, upto(4));

    let latest = bench
        .dune
        .get_latest_query_result()
        .query_id(DUNE_QUERY_ID)
        .limit(-1);
    let error = latest.pages().try_next().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    assert!(error.to_string().contains("-1"), "{error}");
}

#[tokio::test]
async fn the_operation_s_offset_is_where_the_rows_begin() {
    let bench = Bench::start().await;
    let run = bench.numbers(DUNE, 23).await;
    let mut pages = bench
        .execution(run.id())
        .offset(17)
        .limit(5)
        .pages()
        .page_size(4);
    let first = pages.try_next().await.unwrap().unwrap();
    assert_eq!((first.number(), first.first_row()), (0, 17));
    assert_eq!(first.rows::<Number>().unwrap(), upto(21)[17..]);
    let second = pages.try_next().await.unwrap().unwrap();
    assert_eq!((second.number(), second.first_row()), (1, 21));
    assert_eq!(second.rows::<Number>().unwrap(), upto(22)[21..]);
    assert!(pages.try_next().await.unwrap().is_none());
    assert_eq!(numbers_sent(&bench.pages_asked(), "offset"), [17, 21]);

    let rows: Vec<Number> = bench
        .execution(run.id())
        .offset(99)
        .rows()
        .try_collect()
        .await
        .unwrap();
    assert_eq!(rows, []);
}

#[tokio::test]
async fn a_sample_is_asked_for_without_limit_and_offset() {
    let bench = Bench::start().await;
    let run = bench.numbers(DUNE, 23).await;
    let pages = bench
        .execution(run.id())
        .sample_count(6)
        .pages()
        .page_size(2);
    let pages = pages.try_collect().await.unwrap();
    assert_eq!(pages.len(), 1);
    assert_eq!(pages[0].len(), 6);
    // The count is of the whole result, not of the sample.
    assert_eq!(pages[0].total_rows(), Some(23));
    let asked = bench.pages_asked();
    assert_eq!(sent(&asked, "sample_count"), [Some("6".to_owned())]);
    assert_eq!(sent(&asked, "limit"), [None]);
    assert_eq!(sent(&asked, "offset"), [None]);

    let rows = bench
        .execution(run.id())
        .sample_count(6)
        .rows::<Number>()
        .max_rows(4);
    let rows: Vec<Number> = rows.try_collect().await.unwrap();
    assert_eq!(rows.len(), 4);
}

#[tokio::test]
async fn a_partial_result_is_taken_only_when_asked_for() {
    let bench = Bench::with(Sandbox::builder().poll_steps(0).dune_partial_after(10)).await;
    let run = bench.numbers(DUNE, 23).await;

    let mut rows = run.rows::<Number>().page_size(4);
    let error = rows.try_next().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Truncated, "{error}");
    assert!(error.to_string().contains("allow_truncated()"), "{error}");
    assert_eq!(rows.try_next().await.unwrap(), None);
    bench.sandbox.take_requests();

    let rows: Vec<Number> = run
        .rows()
        .page_size(4)
        .allow_truncated()
        .try_collect()
        .await
        .unwrap();
    assert_eq!(rows, upto(10));
    let asked = bench.pages_asked();
    assert_eq!(
        sent(&asked, "allow_partial_results"),
        vec![Some("true".to_owned()); 3]
    );

    let rows = bench
        .execution(run.id())
        .allow_partial_results(true)
        .rows::<Number>()
        .page_size(4);
    let rows: Vec<Number> = rows.try_collect().await.unwrap();
    assert_eq!(rows, upto(10));
}

#[tokio::test]
async fn a_partial_result_that_dune_sends_unasked_is_an_error_too() {
    let mut body = page("01EXECUTION", &[0, 1], None);
    body["state"] = "QUERY_STATE_COMPLETED_PARTIAL".into();
    let error = refused(&body).await;
    assert_eq!(error.kind(), ErrorKind::Truncated, "{error}");
    assert_eq!(error.run_id(), Some("01EXECUTION"));
}

#[tokio::test]
async fn a_partial_result_refused_with_any_status_is_truncated() {
    for status in [200, 400, 403] {
        let bench = Bench::start().await;
        let body =
            r#"{"error":"Partial Result, please request with 'allow_partial_results=true'"}"#;
        bench
            .sandbox
            .fault(Fault::answer(status, "application/json", body).path("/results"));
        let error = bench
            .execution("01EXECUTION")
            .pages()
            .try_next()
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Truncated, "{status}: {error}");
    }
}

#[tokio::test]
async fn states_without_rows_are_errors_of_their_own() {
    for (state, kind) in [
        ("QUERY_STATE_FAILED", ErrorKind::Failed),
        ("QUERY_STATE_CANCELLED", ErrorKind::Cancelled),
        ("QUERY_STATE_CANCELED", ErrorKind::Cancelled),
        ("QUERY_STATE_EXPIRED", ErrorKind::Expired),
        ("QUERY_STATE_PENDING", ErrorKind::Unfinished),
        ("QUERY_STATE_EXECUTING", ErrorKind::Unfinished),
        ("QUERY_STATE_FROZEN", ErrorKind::UnknownState),
    ] {
        let error = refused(&without_result(state)).await;
        assert_eq!(error.kind(), kind, "{error}");
        assert_eq!(error.run_id(), Some("01EXECUTION"));
        assert_eq!(error.service(), "dune");
        assert_eq!(error.position(), None);
        assert!(error.call().is_none() && error.decode().is_none());
    }
    let error = refused(&without_result("QUERY_STATE_FROZEN")).await;
    assert!(error.to_string().contains("QUERY_STATE_FROZEN"), "{error}");
}

#[tokio::test]
async fn a_failed_execution_says_where_the_statement_is_wrong() {
    let mut body = without_result("QUERY_STATE_FAILED");
    body["error"] = json!({
        "type": "FAILED_TYPE_EXECUTION_FAILED",
        "message": "no column 'tides' here",
        "metadata": { "line": 3, "column": 14 },
    });
    let error = refused(&body).await;
    assert_eq!(error.kind(), ErrorKind::Failed);
    let position = error.position().unwrap();
    assert_eq!((position.line, position.column), (3, 14));
    assert_eq!(
        error.to_string(),
        "dune: no column 'tides' here (line 3, column 14) [run 01EXECUTION]"
    );
    body["error"] = json!({ "message": "out of memory" });
    let error = refused(&body).await;
    assert_eq!((error.message(), error.position()), ("out of memory", None));
}

#[tokio::test]
async fn a_result_that_expires_half_way_is_an_error() {
    let bodies = [
        page("01EXECUTION", &[0, 1], Some(2)),
        without_result("QUERY_STATE_EXPIRED"),
    ];
    let (rows, error, _) = read(&bodies).await;
    assert_eq!(rows, upto(2));
    assert_eq!(error.unwrap().kind(), ErrorKind::Expired);
}

#[tokio::test]
async fn an_answer_without_result_or_state_is_an_error() {
    let error = refused(&without_result("QUERY_STATE_COMPLETED")).await;
    assert_eq!(error.kind(), ErrorKind::Paging, "{error}");
    for body in [json!({}), json!({ "execution_id": "01EXECUTION" })] {
        let error = refused(&body).await;
        assert_eq!(error.kind(), ErrorKind::Call, "{error}");
        assert_eq!(error.call().unwrap().status().unwrap(), 200);
    }
}

#[tokio::test]
async fn old_answers_without_column_types_are_read() {
    let mut body = page("01EXECUTION", &[0, 1], None);
    body["result"]["metadata"] = json!({ "column_names": ["n"], "column_types": null });
    let (rows, error, _) = read(&[body.clone()]).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(rows, upto(2));
    body["result"]["rows"] = Value::Null;
    let (rows, error, _) = read(&[body]).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(rows, []);
}

#[tokio::test]
async fn wide_integers_keep_every_digit() {
    #[derive(Debug, Deserialize, PartialEq)]
    struct Wide {
        text: String,
        number: u128,
    }
    let bench = Bench::start().await;
    let digits = u128::MAX.to_string();
    let cells = [format!("\"{digits}\""), digits.clone()];
    let result = ScriptedResult::new([("text", "uint256"), ("number", "uint256")]).row(cells);
    bench
        .sandbox
        .script_result(DUNE, "SELECT wide", result)
        .unwrap();
    let run = bench.run(DUNE, "SELECT wide").await;
    let rows: Vec<Wide> = run.rows().try_collect().await.unwrap();
    assert_eq!(
        rows,
        [Wide {
            text: digits,
            number: u128::MAX
        }]
    );
}

#[tokio::test]
async fn a_query_that_has_not_run_has_no_latest_result() {
    let bench = Bench::start().await;
    let latest = bench
        .dune
        .get_latest_query_result()
        .query_id(DUNE_PARAMETERISED_QUERY_ID);
    let error = latest.pages().try_next().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Call);
    assert!(error.call().unwrap().is_not_found(), "{error}");
}

#[tokio::test]
async fn an_execution_that_runs_is_unfinished() {
    let bench = Bench::with(Sandbox::builder().poll_steps(9)).await;
    let started = bench
        .dune
        .execute_sql()
        .body(numbers(3).as_str())
        .send()
        .await
        .unwrap();
    let mut rows = bench.execution(&started.execution_id).rows::<Number>();
    let error = rows.try_next().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unfinished);
    assert!(error.to_string().contains("run()"), "{error}");
}
