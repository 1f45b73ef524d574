//! Failures with their exit codes and messages.

use rowfeed_sandbox::Fault;
use serde_json::{Value, json};

use crate::support::Bench;

#[test]
fn a_failed_statement_is_shown_with_a_mark_under_the_place() {
    let bench = Bench::new();
    let sql = "SELECT project,\n       tides\nFROM trades";
    for service in ["dune", "yandex"] {
        let err = bench.run(&[service, "sql", sql]).fails(5, &["tides"]);
        assert!(
            err.contains("  |\n2 |        tides\n  |        ^\n"),
            "{service}: {err}"
        );
    }
    bench.run(&["lightdash", "sql", sql]).fails(5, &["tides"]);
    let ran = bench.run(&["--json", "dune", "sql", sql]);
    let error: Value = serde_json::from_str(ran.err.lines().last().unwrap()).unwrap();
    assert_eq!(
        (&error["kind"], &error["exit_code"]),
        (&json!("statement"), &json!(5))
    );
    assert_eq!((&error["line"], &error["column"]), (&json!(2), &json!(8)));
    assert!(error["run_id"].is_string() && error["message"].as_str().unwrap().contains("tides"));
}

#[test]
fn an_unknown_id_has_an_exit_code_of_its_own() {
    let bench = Bench::new();
    for arguments in [
        &["dune", "latest", "99"][..],
        &["dune", "query", "99"],
        &["run", "attach", "01HKZJ2683PHF9Q9PHHQ8FW4Q1"],
        &["run", "status", "01HKZJ2683PHF9Q9PHHQ8FW4Q1"],
        &["run", "cancel", "not-an-execution", "--service", "dune"],
        &["run", "attach", "6c1f8a52-3b7e-4d0a-9c45-2e8f1a6b7d91"],
        &["yandex", "results", "csq0123456789abcdefg"],
        &["lightdash", "chart", "6c1f8a52-3b7e-4d0a-9c45-2e8f1a6b7d91"],
    ] {
        bench.run(arguments).fails(4, &["error: "]);
    }
}

#[test]
fn each_kind_of_failure_has_its_code() {
    let sql = ["dune", "sql", "SELECT * FROM trades"];
    let bench = Bench::with(|sandbox| sandbox.dune_partial_after(10));
    bench.run(&sql).fails(9, &["--allow-truncated"]);
    let text = bench.run(&[&sql[..], &["--allow-truncated"]].concat()).ok();
    assert_eq!(text.lines().count(), 10);

    let bench =
        Bench::with(|sandbox| sandbox.results_lifetime(std::time::Duration::from_millis(1)));
    bench.run(&sql).fails(7, &[]);

    let bench = Bench::new();
    bench
        .run(&[&sql[..], &["--max-rows", "47"]].concat())
        .fails(12, &["48 rows", "--max-rows is 47"]);
    bench.run(&[&sql[..], &["--max-rows", "48"]].concat()).ok();
    bench
        .run(&[&sql[..], &["--max-rows", "5", "--limit", "5"]].concat())
        .ok();
    bench
        .run(&[&sql[..], &["--max-read-credits", "0.0001"]].concat())
        .fails(12, &["credits"]);
    bench
        .run(&[&sql[..], &["--max-read-credits", "10"]].concat())
        .ok();
    let read: usize = bench
        .sandbox
        .requests()
        .iter()
        .filter_map(|request| request.rows)
        .sum();
    assert_eq!(read, 48 + 5 + 48, "what is refused is not read");

    let bench = Bench::new();
    bench
        .sandbox
        .fault(Fault::unknown_state("QUERY_STATE_MYSTERIOUS").always());
    bench.run(&["lightdash", "sql", "SELECT 1"]).fails(11, &[]);
    let bench = Bench::new();
    bench.sandbox.fault(Fault::state_forever().always());
    bench
        .run(&[&sql[..], &["--timeout", "100ms"]].concat())
        .fails(8, &["run"]);
    assert_eq!(bench.requests("POST", "/cancel"), 1);

    let mut command = bench.command(&sql);
    command.env("DUNE_API_BASE_URL", "http://127.0.0.1:1/api");
    crate::support::run(command).fails(10, &["try again"]);
}

#[test]
fn received_text_does_not_control_the_terminal() {
    let bench = Bench::new();
    let body = json!({"error": "\u{1b}]0;pwned\u{7} no"}).to_string();
    bench
        .sandbox
        .fault(Fault::status(400).body("application/json", body).always());
    let err = bench.run(&["dune", "sql", "SELECT 1"]).fails(1, &["pwned"]);
    assert!(!err.contains('\u{1b}') && !err.contains('\u{7}'), "{err:?}");
}
