//! Faults of other clients of Yandex Query.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
};

use rowfeed::{CompletedRun, ErrorKind, Value, prelude::*};
use rowfeed_sandbox::{Fault, Sandbox, ScriptedResult, Service};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::json;

use crate::{
    BRIEF, in_time,
    support::{Bench, Number, numbers, numbers_sent, upto},
};

/// A run whose result is one cell of this type.
async fn run_of(bench: &Bench, type_name: &str, cell: &str) -> CompletedRun {
    let text = format!("{type_name} {cell}");
    let result = ScriptedResult::new([("cell", type_name)]).row([cell]);
    bench
        .sandbox
        .script_result(Service::YandexQuery, &text, result)
        .unwrap();
    bench.run(Service::YandexQuery, &text).await
}

async fn assert_reads<T>(type_name: &str, cell: &str, expected: T)
where
    T: DeserializeOwned + Debug + PartialEq + Send + 'static,
{
    let bench = Bench::start().await;
    let run = run_of(&bench, type_name, cell).await;
    let rows: Vec<(T,)> = run.rows().try_collect().await.unwrap();
    assert_eq!(rows, [(expected,)], "{type_name} {cell}");
}

#[tokio::test]
async fn stops_at_a_short_page() {
    let bench = Bench::start().await;
    let run = bench.numbers(Service::YandexQuery, 7).await;
    let page = json!({ "columns": [{ "name": "n", "type": "Int64" }], "rows": [[0], [1]] });
    bench.answer(Service::YandexQuery, 0, page);
    let rows: Vec<Number> = run.rows().page_size(4).try_collect().await.unwrap();
    assert_eq!(rows, upto(7));
    let asked = bench.pages_asked();
    assert_eq!(numbers_sent(&asked, "offset"), [0, 2, 6]);
}

#[tokio::test]
async fn requests_a_page_after_the_last_to_find_the_end() {
    let bench = Bench::start().await;
    let run = bench.numbers(Service::YandexQuery, 8).await;
    let rows: Vec<Number> = run.rows().page_size(4).try_collect().await.unwrap();
    assert_eq!(rows, upto(8));
    assert_eq!(bench.rows_sent(), [4, 4]);
}

#[tokio::test]
async fn overlooks_that_the_result_was_truncated() {
    let bench = Bench::with(
        Sandbox::builder()
            .poll_steps(0)
            .yandex_query_truncate_after(5),
    )
    .await;
    let run = bench.numbers(Service::YandexQuery, 9).await;
    for prefetch in [0, 2] {
        let rows = run
            .rows::<Number>()
            .prefetch(prefetch)
            .try_collect::<Vec<_>>();
        assert_eq!(rows.await.unwrap_err().kind(), ErrorKind::Truncated);
    }
    let rows: Vec<Number> = run.rows().allow_truncated().try_collect().await.unwrap();
    assert_eq!(rows, upto(5));
}

#[tokio::test]
async fn reads_the_first_of_several_results_and_forgets_the_others() {
    let bench = Bench::start().await;
    let text = format!("{}; {}", numbers(2), numbers(3));
    let run = bench.run(Service::YandexQuery, &text).await;
    let error = run.rows::<Number>().try_next().await.unwrap_err();
    assert!(error.to_string().contains("result_set(0)"), "{error}");
    for (index, count) in [(0, 2), (1, 3)] {
        let rows: Vec<Number> = run.result_set(index).rows().try_collect().await.unwrap();
        assert_eq!(rows, upto(count));
    }
}

#[tokio::test]
async fn creates_a_query_twice_when_the_first_response_is_lost() {
    let bench = Bench::start().await;
    bench
        .sandbox
        .fault(Fault::cut_body(4).on(Service::YandexQuery).method("POST"));
    bench
        .try_run(Service::YandexQuery, &numbers(2))
        .await
        .unwrap();
    let requests = bench.sandbox.take_requests();
    let posts: Vec<_> = requests
        .iter()
        .filter(|request| request.method == "POST")
        .collect();
    assert_eq!(posts.len(), 2);
    let key = posts[0].header("idempotency-key").unwrap();
    assert_eq!(posts[1].header("idempotency-key"), Some(key));
    assert_eq!(posts[1].body, posts[0].body, "the retry has the whole body");
}

#[tokio::test]
async fn gives_up_after_a_temporary_refusal() {
    let bench = Bench::start().await;
    for code in [429, 500, 502, 503, 504] {
        let fault = Fault::status(code).on(Service::YandexQuery).method("GET");
        bench.sandbox.fault(fault);
        let run = bench
            .try_run(Service::YandexQuery, &numbers(2))
            .await
            .unwrap();
        assert_eq!(run.total_rows(), Some(2), "{code}");
    }
}

#[tokio::test]
async fn loses_the_body_of_a_refusal() {
    let bench = Bench::start().await;
    let body = json!({
        "status": 400, "message": "Failed to parse the request", "details": [{
            "message": "text is too long", "issue_code": 1003, "severity": "ERROR", "issues": [],
        }],
    });
    let fault = Fault::answer(400, "application/json", body.to_string());
    bench
        .sandbox
        .fault(fault.on(Service::YandexQuery).method("POST"));
    let error = bench
        .try_run(Service::YandexQuery, "SELECT 1")
        .await
        .unwrap_err();
    assert!(error.to_string().contains("text is too long"), "{error}");
    assert_eq!(error.as_call().unwrap().status().unwrap().as_u16(), 400);
}

#[tokio::test]
async fn loses_the_issues_of_a_failed_query() {
    let bench = Bench::start().await;
    let error = bench
        .try_run(Service::YandexQuery, "SELECT whale FROM trades")
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Failed);
    assert!(error.message().contains("whale"), "{error}");
    assert!(error.position().is_some());
}

#[tokio::test]
async fn fails_on_a_failed_query_without_issues() {
    let bench = Bench::start().await;
    let run = bench.numbers(Service::YandexQuery, 1).await;
    let failed = json!({ "id": run.id(), "status": "FAILED", "result_sets": [] });
    bench.answer_at(
        Service::YandexQuery,
        "/status",
        0,
        json!({ "status": "FAILED" }),
    );
    let fault = Fault::answer(200, "application/json", failed.to_string());
    bench
        .sandbox
        .fault(fault.on(Service::YandexQuery).path(run.id()).method("GET"));
    let status = bench.yandex_query.get_query_status().query_id(run.id());
    let error = status
        .project(rowfeed_sandbox::YANDEX_PROJECT)
        .run()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Failed, "{error}");
    assert!(!error.message().is_empty());
}

#[tokio::test]
async fn reads_results_too_early_and_fails() {
    let bench = Bench::with(Sandbox::builder().poll_steps(1_000)).await;
    let running = bench
        .start_yandex_query("SELECT 1")
        .run()
        .start()
        .await
        .unwrap();
    let error = bench
        .set(running.id(), 0)
        .rows::<Number>()
        .try_next()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unfinished, "{error}");
}

#[tokio::test]
async fn waits_forever_without_a_timeout_of_its_own() {
    let bench = Bench::start().await;
    bench.sandbox.fault(Fault::state_forever());
    let run = bench
        .start_yandex_query("SELECT 1")
        .run()
        .poll_interval(BRIEF, BRIEF);
    let error = in_time(run.timeout(BRIEF * 30).into_future())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
}

#[tokio::test]
async fn splits_types_at_nested_commas() {
    let pair = ("1.5".to_owned(), b"abc".to_vec());
    assert_reads("Tuple<Decimal(22,9),String>", r#"["1.5","YWJj"]"#, pair).await;
    let points = BTreeMap::from([("a".to_owned(), (1, 2)), ("b".to_owned(), (3, 4))]);
    let cell = r#"[["a",[1,2]],["b",[3,4]]]"#;
    assert_reads("Dict<Utf8,Tuple<Int32,Int32>>", cell, points).await;
    let variant = ("a,b".to_owned(), 7);
    assert_reads("Variant<'a,b':Int32>", r#"["a,b",7]"#, variant).await;
}

#[tokio::test]
async fn uses_lists_in_a_set_as_keys() {
    let sets = BTreeSet::from([vec![1, 2], vec![]]);
    assert_reads("Set<List<Int32>>", "[[1,2],[]]", sets).await;
}

#[derive(Debug, Deserialize, PartialEq)]
struct Inner {
    a: Vec<u8>,
    b: Option<i32>,
}

#[tokio::test]
async fn leaves_values_in_lists_and_structs_as_they_were_sent() {
    let list = vec![
        Inner {
            a: b"abc".to_vec(),
            b: Some(1),
        },
        Inner { a: vec![], b: None },
    ];
    let cell = r#"[{"b":[1],"a":"YWJj"},{"a":"","b":[]}]"#;
    assert_reads("List<Struct<'a':String,'b':Int32?>>", cell, list).await;
    assert_reads(
        "Tagged<String,'raw'>",
        r#""YWJj""#,
        Value::Bytes(b"abc".to_vec()),
    )
    .await;
}

#[tokio::test]
async fn leaves_wide_integers_as_text() {
    let cells = [
        (
            "Int64",
            "\"-9007199254740993\"",
            -9_007_199_254_740_993_i128,
        ),
        ("Uint64", "\"18446744073709551615\"", u64::MAX.into()),
        ("Uint64", "1", 1),
    ];
    for (type_name, cell, expected) in cells {
        assert_reads(type_name, cell, Value::Integer(expected)).await;
    }
    assert_reads("Uint64", "\"18446744073709551615\"", u64::MAX).await;
}

#[tokio::test]
async fn leaves_times_and_spans_unread() {
    let at: jiff::Timestamp = "2031-02-03T04:05:06.789012Z".parse().unwrap();
    assert_reads("Timestamp64", r#""2031-02-03T04:05:06.789012Z""#, at).await;
    let span = Value::Interval("PT15M".to_owned());
    assert_reads("Interval", r#""PT15M""#, span).await;
    let zoned = r#""2031-02-03T04:05:06,Europe/Moscow""#;
    let bench = Bench::start().await;
    let rows: Vec<String> = run_of(&bench, "TzDatetime", zoned)
        .await
        .rows()
        .try_collect()
        .await
        .unwrap();
    assert!(rows[0].starts_with("2031-02-03T04:05:06"), "{rows:?}");
}

#[tokio::test]
async fn merges_two_levels_of_null() {
    let cells = [("[]", None), ("[[]]", Some(None)), ("[[5]]", Some(Some(5)))];
    for (cell, expected) in cells {
        assert_reads::<Option<Option<i32>>>("Optional<Int32?>", cell, expected).await;
    }
}

#[tokio::test]
async fn loses_the_alternative_of_a_variant() {
    #[derive(Debug, Deserialize, PartialEq)]
    enum Measure {
        Metres(i32),
        Feet(i32),
    }
    let declared = "Variant<'Feet':Int32,'Metres':Int32>";
    assert_reads(declared, r#"["Metres",3]"#, Measure::Metres(3)).await;
    assert_reads(declared, r#"["Feet",3]"#, Measure::Feet(3)).await;
}

#[tokio::test]
async fn fails_on_a_value_that_the_service_could_not_send() {
    assert_reads::<Option<String>>("Optional<Uuid>", "null", None).await;
    assert_reads("Uuid", "null", Value::Unrepresentable).await;
    let bench = Bench::start().await;
    let rows = run_of(&bench, "Uuid", "null").await.rows::<String>();
    let error = rows.try_collect::<Vec<_>>().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert!(error.to_string().contains("CAST"), "{error}");
}

#[tokio::test]
async fn holds_all_rows_before_it_returns_the_first() {
    let bench = Bench::start().await;
    let run = bench.numbers(Service::YandexQuery, 50).await;
    let mut rows = run.rows::<Number>().page_size(5);
    rows.try_next().await.unwrap();
    assert_eq!(bench.rows_sent(), [5]);
}
