//! Interrupted exports resume the same run and write the same bytes.

use std::time::Duration;

use rowfeed_sandbox::Fault;

use crate::support::{Bench, finish, until};

const SQL: &str = "SELECT * FROM trades ORDER BY block_time";

fn arguments(name: &str) -> Vec<&str> {
    vec![
        "dune",
        "sql",
        SQL,
        "-o",
        name,
        "--page-size",
        "5",
        "--row-group",
        "10",
    ]
}

/// Returns the output of an uninterrupted export.
fn expected(name: &str) -> Vec<u8> {
    let bench = Bench::new();
    bench.run(&arguments(name)).ok();
    bench.read(name)
}

fn rows_so_far(bench: &Bench, name: &str) -> u64 {
    let state =
        std::fs::read(bench.path(&format!("{name}.rowfeed/state.json"))).unwrap_or_default();
    let state: serde_json::Value = serde_json::from_slice(&state).unwrap_or_default();
    state["rows"].as_u64().unwrap_or(0)
}

#[test]
fn a_killed_export_resumes_its_run_and_is_byte_identical() {
    for name in ["t.csv", "t.ndjson", "t.parquet", "t.arrow"] {
        let bench = Bench::new();
        bench.sandbox.fault(
            Fault::delay(Duration::from_millis(150))
                .path("/results")
                .always(),
        );
        // Killed twice.
        for least in [10, 25] {
            let mut child = bench.command(&arguments(name)).spawn().unwrap();
            until("rows are safe", || rows_so_far(&bench, name) >= least);
            child.kill().unwrap();
            child.wait().unwrap();
            assert!(!bench.exists(name));
        }
        let before: usize = bench
            .sandbox
            .take_requests()
            .iter()
            .filter_map(|request| request.rows)
            .sum();
        assert!(before >= 25);
        bench.sandbox.clear_faults();
        let ran = bench.run(&arguments(name));
        assert!(ran.err.contains("resuming run"), "{}", ran.err);
        ran.ok();
        assert!(bench.read(name) == expected(name), "{name}");
        assert_eq!(bench.names(), [name]);
        // The stored rows were not fetched again, and nothing was executed again.
        let requests = bench.sandbox.requests();
        let again: usize = requests.iter().filter_map(|request| request.rows).sum();
        assert!(again <= 48 - 25 + 5, "{again} rows were read again");
        assert!(
            requests.iter().all(|request| request.method == "GET"),
            "{requests:?}"
        );
    }
}

#[test]
fn an_export_resumed_during_its_run_waits_for_that_run() {
    for service in ["dune", "lightdash", "yandex"] {
        let bench = Bench::with(|sandbox| sandbox.run_time(Duration::from_secs(2)));
        let arguments = [service, "sql", SQL, "-o", "t.csv"];
        let mut child = bench.command(&arguments).spawn().unwrap();
        let state = bench.path("t.csv.rowfeed/state.json");
        until("the run has an id", || {
            std::fs::read_to_string(&state).is_ok_and(|text| text.contains("\"running\""))
        });
        child.kill().unwrap();
        child.wait().unwrap();
        let posts = |bench: &Bench| {
            bench
                .sandbox
                .requests()
                .iter()
                .filter(|request| request.method == "POST")
                .count()
        };
        assert_eq!(posts(&bench), 1);
        bench.run(&arguments).ok();
        assert_eq!(posts(&bench), 1, "{service} executed again");
        assert_eq!(
            bench
                .read("t.csv")
                .iter()
                .filter(|byte| **byte == b'\n')
                .count(),
            49
        );
    }
}

#[test]
fn resuming_with_another_statement_or_other_options_is_refused() {
    let bench = Bench::new();
    bench
        .sandbox
        .fault(Fault::status(400).path("/results").after(4).times(1));
    bench
        .run(&arguments("t.csv"))
        .fails(1, &["resumes after row"]);
    let other = ["dune", "sql", "SELECT * FROM projects", "-o", "t.csv"];
    bench
        .run(&other)
        .fails(13, &["another statement", "--force"]);
    let columns = [&arguments("t.csv")[..], &["--columns", "project"]].concat();
    bench.run(&columns).fails(13, &["other options", "--force"]);
    bench.run(&arguments("t.csv")).ok();
    assert!(bench.read("t.csv") == expected("t.csv"));
    // The export is discarded, and the statement executed again.
    bench
        .sandbox
        .fault(Fault::status(400).path("/results").after(4).times(1));
    bench.run(&arguments("u.csv")).fails(1, &[]);
    bench
        .run(&["dune", "sql", "SELECT 1 AS n", "-o", "u.csv", "--force"])
        .ok();
    assert_eq!(bench.read("u.csv"), b"n\n1\n");
}

#[test]
fn a_start_with_an_unknown_outcome_is_not_repeated() {
    let bench = Bench::new();
    bench.sandbox.fault(Fault::reset().method("POST").times(1));
    let ran = bench.run(&["dune", "sql", SQL, "-o", "t.csv"]);
    ran.fails(10, &[]);
    let again = bench.run(&["dune", "sql", SQL, "-o", "t.csv"]);
    again.fails(13, &["whose id is not known", "--force"]);
    bench
        .run(&["dune", "sql", SQL, "-o", "t.csv", "--force"])
        .ok();
    // If no run can have started, nothing is kept.
    bench
        .sandbox
        .fault(Fault::status(400).method("POST").times(1));
    bench
        .run(&["dune", "sql", SQL, "-o", "u.csv"])
        .fails(1, &[]);
    assert_eq!(bench.names(), ["t.csv"]);
}

#[test]
fn an_expired_result_is_reported_when_resuming() {
    let bench = Bench::with(|sandbox| sandbox.results_lifetime(Duration::from_secs(3)));
    bench
        .sandbox
        .fault(Fault::status(400).path("/results").after(4).times(1));
    bench.run(&arguments("t.csv")).fails(1, &[]);
    std::thread::sleep(Duration::from_secs(4));
    bench
        .run(&arguments("t.csv"))
        .fails(7, &["--force discards"]);
    assert!(bench.exists("t.csv.rowfeed"));
}

#[test]
fn an_export_of_a_latest_result_resumes_the_same_result() {
    let bench = Bench::new();
    let arguments = [
        "dune",
        "latest",
        "4132025",
        "-o",
        "t.csv",
        "--page-size",
        "5",
    ];
    bench
        .sandbox
        .fault(Fault::status(400).path("/results").after(5).times(1));
    bench.run(&arguments).fails(1, &["resumes after row"]);
    // Meanwhile the query runs again.
    bench.run(&["dune", "query", "4132025", "-f", "csv"]).ok();
    bench.run(&arguments).ok();
    assert!(bench.read("t.csv") == expected_latest());
}

fn expected_latest() -> Vec<u8> {
    let bench = Bench::new();
    bench
        .run(&["dune", "latest", "4132025", "-o", "t.csv"])
        .ok();
    bench.read("t.csv")
}

#[test]
fn a_file_changed_by_another_process_is_not_continued() {
    let bench = Bench::new();
    bench
        .sandbox
        .fault(Fault::status(400).path("/results").after(4).times(1));
    bench.run(&arguments("t.csv")).fails(1, &[]);
    std::fs::write(bench.path("t.csv.rowfeed/rows"), "x").unwrap();
    bench
        .run(&arguments("t.csv"))
        .fails(13, &["it was changed", "--force"]);
}

#[cfg(unix)]
#[test]
fn an_interrupted_export_resumes_where_it_stopped() {
    let bench = Bench::new();
    bench.sandbox.fault(
        Fault::delay(Duration::from_millis(150))
            .path("/results")
            .always(),
    );
    let child = bench.command(&arguments("t.ndjson")).spawn().unwrap();
    until("rows are safe", || rows_so_far(&bench, "t.ndjson") >= 10);
    rustix::process::kill_process(
        rustix::process::Pid::from_child(&child),
        rustix::process::Signal::INT,
    )
    .unwrap();
    finish(child).fails(
        130,
        &["interrupted after", "the same command resumes after row"],
    );
    bench.sandbox.clear_faults();
    bench.run(&arguments("t.ndjson")).ok();
    assert!(bench.read("t.ndjson") == expected("t.ndjson"));
    assert_eq!(bench.requests("POST", "/sql/execute"), 1);
}
