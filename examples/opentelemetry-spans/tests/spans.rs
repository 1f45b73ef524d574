//! Checks the spans that the collector receives.
#![allow(clippy::unwrap_used)]

use std::{net::TcpListener, process::Command};

use example_testing::{run, succeed};

fn command() -> Command {
    Command::new(env!("CARGO_BIN_EXE_opentelemetry-spans"))
}

#[test]
fn spans_of_calls_and_attempts_have_their_parents() {
    let said = succeed(&mut command());
    assert!(said.starts_with("48 trades were counted\n"), "{said}");
    let spans: Vec<&str> = said
        .lines()
        .skip(1)
        .map(|line| line.split_once(" ms  ").unwrap().1)
        .collect();
    assert_eq!(spans[0], "daily_report");
    assert_eq!(
        spans[1],
        "  rowfeed_call operation=execute_sql status=200 attempts=1 retries=0"
    );
    assert_eq!(spans[2], "    rowfeed_attempt attempt=1");
    // The response that failed once.
    let results = "  rowfeed_call operation=get_execution_results status=200 attempts=2 retries=1";
    let at = spans.iter().position(|span| *span == results).unwrap();
    assert_eq!(
        spans[at + 1..],
        [
            "    rowfeed_attempt attempt=1",
            "    rowfeed_attempt attempt=2"
        ]
    );
    let run = said
        .lines()
        .find(|line| line.contains("run ended"))
        .unwrap();
    for part in [" credits=", " requests=", " retries=0", " bytes_received="] {
        assert!(run.contains(part), "{run}");
    }
    assert!(!said.contains(rowfeed_sandbox::DUNE_API_KEY), "{said}");
}

#[test]
fn a_missing_collector_is_reported() {
    let failed = run(command().args(["--collector", "nowhere"]));
    assert_eq!(failed.code, Some(1));
    assert!(failed.err.starts_with("error: "), "{}", failed.err);

    let nobody = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let failed = run(command().args(["--collector", &format!("http://{nobody}")]));
    assert_eq!(failed.code, Some(1));
    assert!(
        failed.err.contains("did not accept all spans"),
        "{}",
        failed.err
    );
    // The program still prints its result.
    assert_eq!(failed.out, "48 trades were counted\n");
}
