//! Faults of other clients of Dune.

use std::{sync::Arc, time::Duration};

use rowfeed::{ErrorKind, Row, dune::types, prelude::*};
use rowfeed_sandbox::{DUNE_API_KEY, DUNE_QUERY_ID, Fault, Sandbox, ScriptedResult, Service};
use serde_json::{Value, json};

use crate::{
    BRIEF, in_time,
    support::{
        Bench, Number, dune_answers, dune_client, numbers,
        page_server::{PageServer, Table},
        upto,
    },
};

async fn partial() -> Bench {
    Bench::with(Sandbox::builder().poll_steps(0).dune_partial_after(3)).await
}

#[tokio::test]
async fn drops_the_rows_of_a_requested_partial_result() {
    let bench = partial().await;
    let run = bench.numbers(Service::Dune, 9).await;
    let rows = run.rows().page_size(2).allow_truncated();
    let rows: Vec<Number> = rows.try_collect().await.unwrap();
    assert_eq!(rows, upto(3));
}

#[tokio::test]
async fn accepts_a_partial_result_by_default() {
    let bench = partial().await;
    let run = bench.numbers(Service::Dune, 9).await;
    let error = run.rows::<Number>().try_next().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Truncated, "{error}");
    let asked = bench.pages_asked();
    assert_eq!(asked[0].query_value("allow_partial_results"), None);
}

#[tokio::test]
async fn waits_forever_for_a_partial_result() {
    let bench = partial().await;
    let run = bench.dune.execute_sql().body(numbers(9)).run();
    let run = in_time(run.poll_interval(BRIEF, BRIEF).into_future()).await;
    assert_eq!(run.unwrap().total_rows(), Some(3));
}

#[tokio::test]
async fn treats_a_cancelled_or_expired_run_as_empty() {
    let states = [
        ("QUERY_STATE_CANCELLED", ErrorKind::Cancelled),
        ("QUERY_STATE_CANCELED", ErrorKind::Cancelled),
        ("QUERY_STATE_EXPIRED", ErrorKind::Expired),
    ];
    for (state, kind) in states {
        let bench = Bench::start().await;
        let status = dune_answers::without_result(state);
        bench.answer_at(Service::Dune, "/status", 0, &status);
        let run = bench.dune.execute_sql().body("SELECT 1").run();
        assert_eq!(in_time(run.into_future()).await.unwrap_err().kind(), kind);
        assert_eq!(dune_answers::refused(&status).await.kind(), kind);
    }
}

#[tokio::test]
async fn adds_up_the_total_over_the_pages() {
    let bench = Bench::start().await;
    let run = bench.numbers(Service::Dune, 9).await;
    for page in run
        .pages()
        .page_size(4)
        .try_collect::<Vec<_>>()
        .await
        .unwrap()
    {
        assert_eq!(page.total_rows(), Some(9));
    }
    assert_eq!(run.total_rows(), Some(9));
}

#[tokio::test]
async fn executes_twice_when_the_first_response_is_lost() {
    let bench = Bench::start().await;
    for status in [500, 502, 504] {
        bench
            .sandbox
            .fault(Fault::status(status).on(Service::Dune).method("POST"));
        let run = bench.dune.execute_query().query_id(DUNE_QUERY_ID).run();
        assert_eq!(run.await.unwrap_err().kind(), ErrorKind::Call);
        assert_eq!(bench.sandbox.take_requests().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn reads_the_latest_result_instead_of_its_own_run() {
    let bench = Bench::start().await;
    let execute = || bench.dune.execute_query().query_id(DUNE_QUERY_ID).run();
    let mine = execute().await.unwrap();
    execute().await.unwrap();
    bench.sandbox.take_requests();
    mine.pages()
        .page_size(20)
        .try_collect::<Vec<_>>()
        .await
        .unwrap();
    let asked = bench.pages_asked();
    assert_eq!(asked.len(), 3);
    assert!(
        asked.iter().all(|page| page.path.contains(mine.id())),
        "{asked:?}"
    );
}

#[tokio::test]
async fn counts_pages_instead_of_rows_and_skips_rows_of_a_short_one() {
    let bench = Bench::with(Sandbox::builder().poll_steps(0).dune_max_page_rows(3)).await;
    let run = bench.numbers(Service::Dune, 11).await;
    for prefetch in [0, 4] {
        let rows = run.rows().page_size(5).prefetch(prefetch);
        let rows: Vec<Number> = rows.try_collect().await.unwrap();
        assert_eq!(rows, upto(11));
    }
}

#[tokio::test]
async fn waits_forever_without_a_timeout() {
    let bench = Bench::start().await;
    bench.sandbox.fault(Fault::state_forever());
    let run = bench.dune.execute_sql().body("SELECT 1").run();
    let error = in_time(run.timeout(Duration::ZERO).into_future())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
}

#[tokio::test]
async fn pages_a_query_that_may_run_again_in_between() {
    let bench = Bench::start().await;
    let mut pages = bench
        .dune
        .get_latest_query_result()
        .query_id(DUNE_QUERY_ID)
        .pages()
        .page_size(20);
    let first = pages.try_next().await.unwrap().unwrap();
    bench
        .dune
        .execute_query()
        .query_id(DUNE_QUERY_ID)
        .run()
        .await
        .unwrap();
    for page in pages.try_collect::<Vec<_>>().await.unwrap() {
        assert_eq!(page.run_id(), first.run_id());
    }
}

#[tokio::test]
async fn downloads_the_rows_to_check_that_the_run_has_ended() {
    let bench = Bench::with(Sandbox::builder().poll_steps(3)).await;
    let run = bench.try_run(Service::Dune, &numbers(9)).await.unwrap();
    assert!(bench.pages_asked().is_empty());
    run.pages().try_collect::<Vec<_>>().await.unwrap();
    assert_eq!(bench.rows_sent(), [9]);
}

#[tokio::test]
async fn uses_the_time_limit_as_a_number_of_failures() {
    let bench = Bench::start().await;
    bench.sandbox.fault(Fault::state_forever());
    let run = bench.dune.execute_sql().body("SELECT 1").run();
    let run = run.poll_interval(BRIEF, BRIEF).timeout(BRIEF * 60);
    let error = in_time(run.into_future()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    // Temporary failures do not end the wait before the timeout.
    bench.sandbox.clear_faults();
    bench.sandbox.fault(
        Fault::status(503)
            .on(Service::Dune)
            .path("/status")
            .times(3),
    );
    let run = bench.try_run(Service::Dune, &numbers(2)).await.unwrap();
    assert_eq!(run.total_rows(), Some(2));
}

#[tokio::test]
async fn misses_a_field_in_the_result_of_a_failed_run() {
    let body = json!({
        "execution_id": "01EXECUTION", "query_id": 77, "is_execution_finished": true,
        "state": "QUERY_STATE_FAILED",
        "error": {
            "type": "FAILED_TYPE_EXECUTION_FAILED", "message": "no such table: whales",
            "metadata": { "line": 4, "column": 9 },
        },
    });
    let from_results = dune_answers::refused(&body).await;
    let bench = Bench::start().await;
    bench.answer_at(Service::Dune, "/status", 0, &body);
    let from_status = bench.try_run(Service::Dune, "SELECT 1").await.unwrap_err();
    for error in [from_results, from_status] {
        assert_eq!(
            (error.kind(), error.message()),
            (ErrorKind::Failed, "no such table: whales")
        );
        let position = error.position().unwrap();
        assert_eq!((position.line, position.column), (4, 9));
    }
}

#[tokio::test]
async fn counts_rows_in_32_bits() {
    let mut body = dune_answers::page("01EXECUTION", &[0], Some(1));
    body["result"]["metadata"]["total_row_count"] = 6_000_000_000_i64.into();
    let bench = Bench::start().await;
    bench.answer(Service::Dune, 0, &body);
    let page = bench
        .execution("01EXECUTION")
        .pages()
        .try_next()
        .await
        .unwrap()
        .unwrap();
    assert_eq!(page.total_rows(), Some(6_000_000_000));
    let far = bench.numbers(Service::Dune, 2).await;
    let far = bench.execution(far.id()).offset(6_000_000_000_i64).pages();
    far.try_collect::<Vec<_>>().await.unwrap();
    let asked = bench.pages_asked();
    assert_eq!(
        asked[0].query_value("offset").as_deref(),
        Some("6000000000")
    );
}

#[tokio::test]
async fn loses_the_status_of_a_refusal_that_is_not_json() {
    let bench = Bench::start().await;
    let fault = Fault::status(429)
        .body("text/plain", "slow down")
        .on(Service::Dune);
    bench.sandbox.fault(fault.always());
    let error = bench
        .execution("01EXECUTION")
        .pages()
        .try_next()
        .await
        .unwrap_err();
    assert_eq!(error.as_call().unwrap().status().unwrap().as_u16(), 429);
    assert!(error.to_string().contains("slow down"), "{error}");
}

#[tokio::test]
async fn requires_a_state_in_the_response_that_starts_a_pipeline() {
    let bench = Bench::start().await;
    let started = json!({ "pipeline_execution_id": "01PIPELINE" }).to_string();
    let fault = Fault::answer(200, "application/json", started).on(Service::Dune);
    bench
        .sandbox
        .fault(fault.method("POST").path("/pipeline/execute"));
    let pipeline = bench.dune.execute_query_pipeline().query_id(DUNE_QUERY_ID);
    let body = serde_json::from_value(json!({ "performance": "medium" })).unwrap();
    let pipeline = pipeline
        .body::<types::ExecuteQueryPipelineRequest>(body)
        .run();
    assert_eq!(pipeline.start().await.unwrap().id(), "01PIPELINE");
}

#[tokio::test]
async fn sends_its_key_to_whatever_address_the_next_page_names() {
    let table = Table::numbers(9, true);
    let elsewhere = Arc::new(PageServer::start(|_, _| (200, "{}".to_owned())));
    let lure = elsewhere.url();
    let server = PageServer::start(move |asked, _| {
        let (status, body) = table.dune_page(asked.number("offset"), asked.number("limit"), None);
        let mut body: Value = serde_json::from_str(&body).unwrap();
        // Including an address that begins with that of the real server.
        body["next_uri"] = format!("{lure}/v1/execution/01EXECUTION/results?offset=3").into();
        (status, body.to_string())
    });
    let results = server
        .dune()
        .get_execution_results()
        .execution_id("01EXECUTION");
    let rows: Vec<Number> = results.rows().page_size(3).try_collect().await.unwrap();
    assert_eq!(rows, upto(9));
    assert_eq!((server.asked().len(), elsewhere.asked().len()), (3, 0));
}

#[tokio::test]
async fn sends_the_sql_under_another_name() {
    let bench = Bench::start().await;
    bench
        .dune
        .execute_sql()
        .body("SELECT 1 AS n")
        .run()
        .await
        .unwrap();
    let requests = bench.sandbox.take_requests();
    let body: Value = serde_json::from_str(&requests[0].body).unwrap();
    assert_eq!(body["sql"], "SELECT 1 AS n");
}

#[tokio::test]
async fn sends_filters_as_they_are_written_into_the_address() {
    let bench = Bench::start().await;
    let columns = [("name", "varchar"), ("n", "bigint")];
    let result = ScriptedResult::new(columns)
        .row(["\"a&b=c\"", "1"])
        .row(["\"50% + 1\"", "2"]);
    bench
        .sandbox
        .script_result(Service::Dune, "names", result)
        .unwrap();
    let run = bench.run(Service::Dune, "names").await;
    for (filter, n) in [("name = 'a&b=c'", 1), ("name = '50% + 1'", 2)] {
        let rows = bench
            .execution(run.id())
            .filters(filter)
            .columns("n")
            .rows();
        let rows: Vec<i64> = rows.try_collect().await.unwrap();
        assert_eq!(rows, [n], "{filter}");
    }
}

#[tokio::test]
async fn reads_typed_rows_from_csv_and_loses_digits() {
    let bench = Bench::start().await;
    let result = ScriptedResult::new([("wei", "uint256"), ("id", "bigint")]).row([
        "\"340282366920938463463374607431768211455\"",
        "9007199254740993",
    ]);
    bench
        .sandbox
        .script_result(Service::Dune, "wei", result)
        .unwrap();
    let run = bench.run(Service::Dune, "wei").await;
    let rows: Vec<(u128, i64)> = run.rows().try_collect().await.unwrap();
    assert_eq!(rows, [(u128::MAX, 9_007_199_254_740_993)]);
    assert!(
        bench
            .pages_asked()
            .iter()
            .all(|page| !page.path.contains("csv"))
    );
}

#[tokio::test]
async fn decodes_only_the_states_of_its_own_version() {
    let body = dune_answers::without_result("QUERY_STATE_TELEPORTED");
    let error = dune_answers::refused(&body).await;
    assert_eq!(error.kind(), ErrorKind::UnknownState);
    assert!(
        error.to_string().contains("QUERY_STATE_TELEPORTED"),
        "{error}"
    );
}

#[tokio::test]
async fn prints_the_key() {
    let bench = Bench::start().await;
    let client = dune_client(&bench.sandbox, DUNE_API_KEY);
    let operation = client.get_latest_query_result().query_id(DUNE_QUERY_ID);
    let shown = format!("{client:?} {:?}", operation.clone().rows::<Row>());
    assert!(!shown.contains(DUNE_API_KEY), "{shown}");
    let run = client.execute_sql().body("SELECT FROM").run();
    let error = run.await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains(DUNE_API_KEY));
}

#[tokio::test]
async fn leaves_a_timed_out_run_running() {
    let bench = Bench::with(Sandbox::builder().poll_steps(u32::MAX)).await;
    let run = bench
        .dune
        .execute_sql()
        .body("SELECT 1")
        .run()
        .cancel_on_timeout();
    let error = run.timeout(BRIEF * 30).await.unwrap_err();
    let id = error.run_id().unwrap();
    let cancelled = format!("/execution/{id}/cancel");
    let requests = bench.sandbox.take_requests();
    assert!(
        requests
            .iter()
            .any(|request| request.path.ends_with(&cancelled)),
        "{requests:?}"
    );
}
