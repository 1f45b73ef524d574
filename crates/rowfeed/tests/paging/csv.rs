//! Dune's results as CSV.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    pin::Pin,
    sync::mpsc,
    task::{Context, Poll, Waker},
    thread,
    time::Duration,
};

use crate::support::{Bench, numbers_sent, sent};
use futures_util::stream::{FusedStream, Stream, TryStreamExt};
use rowfeed::{
    Error, ErrorKind, Secret,
    dune::{self, CsvBytes, builder::GetExecutionResultsCsv},
    prelude::*,
};
use rowfeed_sandbox::{DUNE_QUERY_ID, Fault, Recorded, Sandbox, Service};
use serde_json::json;

const DUNE: Service = Service::Dune;

/// A page with the headers that locate the next page.
fn page(body: impl AsRef<[u8]>, next_offset: &str) -> Fault {
    page_of("01EXECUTION", body, next_offset)
}

fn page_of(execution: &str, body: impl AsRef<[u8]>, next_offset: &str) -> Fault {
    last(body)
        .header("x-dune-next-offset", next_offset)
        .header("x-dune-next-uri", next_uri(execution, next_offset))
}

/// A host that must get no request.
fn next_uri(execution: &str, next_offset: &str) -> String {
    format!("https://dune.invalid/api/v1/execution/{execution}/results/csv?offset={next_offset}")
}

fn last(body: impl AsRef<[u8]>) -> Fault {
    Fault::answer(200, "text/plain", body.as_ref()).path("/results/csv")
}

async fn serving(pages: impl IntoIterator<Item = Fault>) -> Bench {
    let bench = Bench::start().await;
    for page in pages {
        bench.sandbox.fault(page);
    }
    bench
}

fn execution(bench: &Bench) -> GetExecutionResultsCsv {
    let operation = bench.dune.get_execution_results_csv();
    operation.execution_id("01EXECUTION")
}

/// All bytes, and the error after them.
async fn read(mut csv: CsvBytes) -> (Vec<u8>, Option<Error>) {
    let mut text = Vec::new();
    let error = loop {
        match csv.try_next().await {
            Ok(Some(bytes)) => {
                assert!(!bytes.is_empty());
                text.extend_from_slice(&bytes);
            }
            Ok(None) => break None,
            Err(error) => break Some(error),
        }
    };
    assert!(csv.is_terminated());
    assert!(csv.try_next().await.unwrap().is_none());
    (text, error)
}

async fn text(csv: CsvBytes) -> String {
    let (text, error) = read(csv).await;
    assert!(error.is_none(), "{error:?}");
    String::from_utf8(text).unwrap()
}

/// The pages joined.
async fn joined(pages: impl IntoIterator<Item = Fault>) -> String {
    text(execution(&serving(pages).await).csv()).await
}

/// The error that ends these pages.
async fn failed(pages: impl IntoIterator<Item = Fault>, kind: ErrorKind) -> (String, Error) {
    let bench = serving(pages).await;
    let (text, error) = read(execution(&bench).csv()).await;
    let error = error.unwrap();
    assert_eq!(error.kind(), kind, "{error}");
    (String::from_utf8(text).unwrap(), error)
}

fn asked(bench: &Bench) -> Vec<Recorded> {
    bench.sandbox.take_requests()
}

#[tokio::test]
async fn pages_are_one_text_with_one_header_line() {
    let bench = Bench::with(Sandbox::builder().poll_steps(0).dune_max_page_rows(7)).await;
    let run = bench.numbers(DUNE, 23).await;
    let csv = bench
        .dune
        .get_execution_results_csv()
        .execution_id(run.id());
    let rows: Vec<String> = (0..23).map(|n| format!("{n}\n")).collect();
    let expected = format!("n\n{}", rows.concat());
    assert_eq!(text(csv.clone().csv().page_size(10)).await, expected);
    // The server sends fewer rows than requested.
    let seen = asked(&bench);
    assert_eq!(numbers_sent(&seen, "offset"), [0, 7, 14, 21]);
    assert_eq!(numbers_sent(&seen, "limit"), [10; 4]);

    assert_eq!(text(csv.csv()).await, expected);
    assert_eq!(numbers_sent(&asked(&bench), "limit")[0], 32_000);
}

#[tokio::test]
async fn a_result_without_rows_is_its_header_line() {
    let bench = Bench::start().await;
    let run = bench
        .run(DUNE, "SELECT project, evt_index FROM trades WHERE 1 = 0")
        .await;
    let csv = bench
        .dune
        .get_execution_results_csv()
        .execution_id(run.id());
    assert_eq!(text(csv.csv()).await, "project,evt_index\n");
}

#[tokio::test]
async fn only_the_offset_is_taken_from_the_headers() {
    let bench = serving([page("n\n1\n2\n", "5"), page("n\n", "6"), last("n\n3\n")]).await;
    assert_eq!(text(execution(&bench).csv()).await, "n\n1\n2\n3\n");
    let seen = asked(&bench);
    assert_eq!(numbers_sent(&seen, "offset"), [0, 5, 6]);
    assert!(seen.iter().all(|request| {
        request
            .path
            .ends_with("/v1/execution/01EXECUTION/results/csv")
    }));
}

#[tokio::test]
async fn a_header_line_may_hold_line_breaks_in_quotes() {
    let header = "\"two\nlines\",\"say \"\"a\nb\"\"\"\n";
    let pages = [
        page(format!("{header}1,2\n"), "1"),
        last(format!("{header}\"3\n3\",4\n")),
    ];
    assert_eq!(joined(pages).await, format!("{header}1,2\n\"3\n3\",4\n"));
}

#[tokio::test]
async fn pages_without_a_final_line_break_are_joined_with_one() {
    assert_eq!(joined([page("n\n1", "1"), last("n\n2")]).await, "n\n1\n2");
    assert_eq!(
        joined([page("n\r\n1", "1"), last("n\r\n2")]).await,
        "n\r\n1\r\n2"
    );
    // Only a header line without a line break, followed by rows.
    assert_eq!(joined([page("n", "1"), last("n\n2\n")]).await, "n\n2\n");
    // No rows follow, so there is nothing to join.
    assert_eq!(joined([page("n\n1", "1"), last("n\n")]).await, "n\n1");
    assert_eq!(
        joined([page("n\n1", "1"), page("n", "2"), last("n\n3")]).await,
        "n\n1\n3"
    );
}

#[tokio::test]
async fn a_page_without_a_byte_is_an_error() {
    // Every page has a header line, so an empty page has lost it and possibly rows.
    for (pages, before) in [
        (
            vec![page("n\n1\n", "1"), page("", "2"), last("n\n2\n")],
            "n\n1\n",
        ),
        (vec![page("n\n1\n", "1"), last("")], "n\n1\n"),
        (vec![page("", "1"), last("n\n2\n")], ""),
        (vec![last("")], ""),
    ] {
        let (text, error) = failed(pages, ErrorKind::Paging).await;
        assert_eq!(text, before);
        assert!(error.to_string().contains("header line"), "{error}");
    }
    assert_eq!(joined([last("n\n")]).await, "n\n");
}

#[tokio::test]
async fn a_page_of_another_table_is_an_error() {
    for other in ["m\n2\n", "n,m\n2,3\n", "nn", "2", &"\"".repeat(64)] {
        let (text, error) = failed([page("n\n1\n", "1"), last(other)], ErrorKind::Paging).await;
        assert_eq!(text, "n\n1\n");
        assert!(error.to_string().contains("another header line"), "{error}");
        assert_eq!(error.run_id(), Some("01EXECUTION"));
    }
}

#[tokio::test]
async fn a_header_line_without_end_is_an_error_only_where_another_page_follows() {
    let endless = format!("\"{}", "x\n".repeat(1 << 20));
    assert_eq!(joined([last(&endless)]).await, endless);
    let pages = [page(&endless, "1"), last(&endless)];
    let (text, error) = failed(pages, ErrorKind::Paging).await;
    assert_eq!(text, endless);
    assert!(error.to_string().contains("mebibyte"), "{error}");
}

#[tokio::test]
async fn a_next_page_that_does_not_advance_is_an_error() {
    for next in ["2", "1", "-1", "0", "9223372036854775808", "soon", ""] {
        let pages = [page("n\n1\n2\n", "2"), page("n\n3\n", next)];
        let (text, error) = failed(pages, ErrorKind::Paging).await;
        assert_eq!(text, "n\n1\n2\n");
        let shown = match next.parse::<i64>() {
            Ok(_) => format!("row {next}"),
            Err(_) => format!("row {next:?}"),
        };
        assert!(error.to_string().contains(&shown), "{error}");
    }
}

#[tokio::test]
async fn the_first_page_of_a_latest_result_pins_the_execution() {
    let bench = Bench::start().await;
    let operation = bench
        .dune
        .get_latest_query_result_csv()
        .query_id(DUNE_QUERY_ID);
    let shaped = operation
        .columns("trade_id,project")
        .filters("evt_index > 2")
        .sort_by("trade_id desc")
        .ignore_max_credits_per_request(true);
    let mut csv = shaped.csv().page_size(8).allow_truncated();
    let mut whole = csv.try_next().await.unwrap().unwrap().to_vec();

    // The query runs again before the next page is requested.
    let again = bench
        .dune
        .execute_query()
        .query_id(DUNE_QUERY_ID)
        .run()
        .await
        .unwrap();
    while let Some(bytes) = csv.try_next().await.unwrap() {
        whole.extend_from_slice(&bytes);
    }
    let whole = String::from_utf8(whole).unwrap();
    let ids: Vec<f64> = whole
        .lines()
        .skip(1)
        .map(|line| line.split_once(',').unwrap().0.parse().unwrap())
        .collect();
    assert!(whole.starts_with("trade_id,project\n"), "{whole}");
    assert!(ids.len() > 8 && ids.is_sorted_by(|a, b| a > b), "{whole}");

    let mut pages = asked(&bench);
    pages.retain(|request| request.path.ends_with("/results/csv"));
    assert!(pages.len() > 1);
    for (index, request) in pages.iter().enumerate() {
        let is_latest = request.path.contains("/v1/query/");
        assert_eq!(is_latest, index == 0, "{}", request.path);
        assert!(!request.path.contains(again.id()), "{}", request.path);
        assert_eq!(request.path, pages[index.min(1)].path);
    }
    for (name, value) in [
        ("columns", "trade_id,project"),
        ("filters", "evt_index > 2"),
        ("sort_by", "trade_id desc"),
        ("ignore_max_credits_per_request", "true"),
        ("allow_partial_results", "true"),
    ] {
        assert!(
            sent(&pages, name)
                .iter()
                .all(|said| said.as_deref() == Some(value)),
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_latest_result_whose_execution_is_not_named_is_read_from_the_query() {
    for uri in [
        "",
        "/v1/query/7/results/csv",
        "https://x/v1/execution/a%2Fb/results",
        "execution",
    ] {
        let first = last("n\n1\n").header("x-dune-next-offset", "1");
        let bench = serving([first.header("x-dune-next-uri", uri), last("n\n2\n")]).await;
        let latest = bench.dune.get_latest_query_result_csv().query_id(7);
        assert_eq!(text(latest.csv()).await, "n\n1\n2\n");
        let seen = asked(&bench);
        assert!(
            seen.iter()
                .all(|request| request.path.ends_with("/v1/query/7/results/csv"))
        );
        assert_eq!(numbers_sent(&seen, "offset"), [0, 1]);
    }
}

#[tokio::test]
async fn a_page_of_another_execution_is_an_error() {
    let pages = [page("n\n1\n", "1"), page_of("01OTHER", "n\n2\n", "2")];
    let (text, error) = failed(pages, ErrorKind::Paging).await;
    assert_eq!(text, "n\n1\n");
    assert!(error.to_string().contains("01OTHER"), "{error}");
    assert_eq!(error.run_id(), Some("01EXECUTION"));
}

#[tokio::test]
async fn no_more_rows_are_requested_than_needed() {
    let bench = Bench::start().await;
    let run = bench.numbers(DUNE, 40).await;
    let csv = bench
        .dune
        .get_execution_results_csv()
        .execution_id(run.id());
    let csv = csv.limit(9).offset(3);
    let all = text(csv.clone().csv().page_size(5)).await;
    assert_eq!(all, "n\n3\n4\n5\n6\n7\n8\n9\n10\n11\n");
    let seen = asked(&bench);
    assert_eq!(numbers_sent(&seen, "offset"), [3, 8]);
    assert_eq!(numbers_sent(&seen, "limit"), [5, 4]);

    assert_eq!(text(csv.clone().csv().max_rows(2)).await, "n\n3\n4\n");
    assert_eq!(numbers_sent(&asked(&bench), "limit"), [2]);
    assert_eq!(text(csv.clone().csv().max_rows(50)).await, all);
    assert_eq!(numbers_sent(&asked(&bench), "limit"), [9]);
    assert_eq!(text(csv.csv().max_rows(0)).await, "");
    assert_eq!(asked(&bench).len(), 0);
}

#[tokio::test]
async fn a_sample_is_one_page() {
    let bench = serving([last("n\n4\n")]).await;
    assert_eq!(
        text(execution(&bench).sample_count(1).csv()).await,
        "n\n4\n"
    );
    let seen = asked(&bench);
    assert_eq!(sent(&seen, "sample_count"), [Some("1".into())]);
    assert_eq!(
        (sent(&seen, "limit"), sent(&seen, "offset")),
        (vec![None], vec![None])
    );

    let bench = serving([page("n\n4\n", "1")]).await;
    let (_, error) = read(execution(&bench).sample_count(1).csv()).await;
    assert_eq!(error.unwrap().kind(), ErrorKind::Paging);
}

/// The CSV of a server that sends the rest of its only response on a signal, or never.
fn hesitant(beginning: &'static str, rest: &'static str) -> (CsvBytes, mpsc::Sender<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (go_on, told) = mpsc::channel();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = BufReader::new(stream.try_clone().unwrap()).lines();
        while request.next().unwrap().unwrap() != "" {}
        let length = beginning.len() + rest.len();
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nconnection: close";
        write!(
            stream,
            "{head}\r\ncontent-length: {length}\r\n\r\n{beginning}"
        )
        .unwrap();
        if told.recv().is_ok() {
            stream.write_all(rest.as_bytes()).unwrap();
        }
    });
    let client = dune::Client::builder().base_url(url);
    let client = client.api_key(Secret::new("key").unwrap()).build().unwrap();
    let operation = client.get_execution_results_csv();
    (operation.execution_id("01EXECUTION").csv(), go_on)
}

#[tokio::test]
async fn bytes_are_returned_as_they_arrive() {
    // The server sends the rest of the page only after the reader has received its first bytes.
    let (mut csv, go_on) = hesitant("n\n1", "2\n3\n");
    let first = csv.try_next().await.unwrap().unwrap();
    assert_eq!(first, "n\n1");
    go_on.send(()).unwrap();
    assert_eq!(text(csv).await, "2\n3\n");
}

#[tokio::test]
async fn a_body_that_breaks_off_is_an_error() {
    let (csv, go_on) = hesitant("n\n1", "2\n3\n");
    drop(go_on);
    let (text, error) = read(csv).await;
    let error = error.unwrap();
    assert_eq!(
        (text.as_slice(), error.kind()),
        (&b"n\n1"[..], ErrorKind::Call)
    );
    assert_eq!(error.as_call().unwrap().status().unwrap(), 200);
    assert_eq!(error.run_id(), Some("01EXECUTION"));
}

#[tokio::test]
async fn a_failed_page_is_dune_s_error() {
    let body = json!({ "error": "no such execution" }).to_string();
    let refusal = Fault::answer(404, "application/json", body).path("/results/csv");
    let (text, error) = failed([page("n\n1\n", "1"), refusal], ErrorKind::Call).await;
    assert_eq!(text, "n\n1\n");
    assert_eq!(error.as_call().unwrap().status().unwrap(), 404);
    assert!(error.to_string().contains("no such execution"), "{error}");
    assert_eq!(error.run_id(), Some("01EXECUTION"));
}

#[tokio::test]
async fn a_truncated_result_needs_allow_truncated() {
    let body = json!({ "error": "please request with 'allow_partial_results=true'" }).to_string();
    let refusal = Fault::answer(400, "application/json", body).path("/results/csv");
    failed([refusal], ErrorKind::Truncated).await;

    let bench = serving([last("n\n1\n")]).await;
    assert_eq!(
        text(execution(&bench).csv().allow_truncated()).await,
        "n\n1\n"
    );
    assert_eq!(
        sent(&asked(&bench), "allow_partial_results"),
        [Some("true".into())]
    );
}

#[tokio::test]
async fn an_execution_without_rows_is_its_state() {
    let state = |state: &str| {
        let body = json!({
            "execution_id": "01EXECUTION", "state": state, "is_execution_finished": true,
            "error": { "type": "syntax_error", "message": "no column tide",
                       "metadata": { "line": 3, "column": 9 } },
        });
        Fault::answer(200, "application/json", body.to_string()).path("/results/csv")
    };
    let (_, error) = failed([state("QUERY_STATE_FAILED")], ErrorKind::Failed).await;
    assert_eq!(error.message(), "no column tide");
    assert_eq!(error.position().unwrap().line, 3);
    failed([state("QUERY_STATE_CANCELLED")], ErrorKind::Cancelled).await;
    failed([state("QUERY_STATE_EXPIRED")], ErrorKind::Expired).await;
    failed([state("QUERY_STATE_EXECUTING")], ErrorKind::Unfinished).await;
}

#[tokio::test]
async fn a_body_that_is_not_csv_is_an_error() {
    let html = Fault::html(200).path("/results/csv");
    let json = Fault::answer(200, "application/json; charset=utf-8", "[1]").path("/results/csv");
    for (answer, said) in [(html, "text/html"), (json, "application/json")] {
        let (text, error) = failed([answer], ErrorKind::Call).await;
        assert_eq!(text, "");
        assert!(error.to_string().contains(said), "{error}");
    }
}

#[tokio::test]
async fn invalid_parameters_are_refused_before_anything_is_sent() {
    let bench = Bench::start().await;
    for (csv, said) in [
        (execution(&bench).csv().page_size(0), "page size of 0"),
        (execution(&bench).limit(-1).csv(), "limit is -1"),
        (execution(&bench).offset(-2).csv(), "offset is -2"),
        (execution(&bench).offset(u64::MAX).csv(), "offset"),
    ] {
        let (text, error) = read(csv).await;
        let error = error.unwrap();
        assert_eq!((text, error.kind()), (vec![], ErrorKind::InvalidRequest));
        assert!(error.to_string().contains(said), "{error}");
    }
    assert_eq!(asked(&bench).len(), 0);
}

#[tokio::test]
async fn a_dropped_try_next_loses_nothing() {
    let bench = serving([
        Fault::delay(Duration::from_millis(200)).path("/results/csv"),
        last("n\n1\n"),
    ])
    .await;
    let mut csv = execution(&bench).csv();
    assert_eq!(asked(&bench).len(), 0);
    let soon = tokio::time::timeout(Duration::from_millis(20), csv.try_next()).await;
    assert!(soon.is_err());
    assert_eq!(text(csv).await, "n\n1\n");
    assert_eq!(asked(&bench).len(), 1);
}

#[tokio::test]
async fn bytes_are_a_stream_that_can_be_sent() {
    fn sendable<T: Send + 'static>(value: T) -> T {
        value
    }
    let bench = serving([page("n\n1\n", "1"), last("n\n2\n")]).await;
    let csv = sendable(execution(&bench).csv());
    let pieces: Vec<_> = tokio::spawn(csv.try_collect()).await.unwrap().unwrap();
    assert_eq!(pieces.concat(), b"n\n1\n2\n");

    // Polled once, and dropped with a request in flight.
    let mut csv = execution(&bench).csv();
    let polled = Pin::new(&mut csv).poll_next(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(polled, Poll::Pending));
    drop(sendable(csv));
}
