//! Checks that all rows are loaded exactly once, even after an interruption.
#![allow(clippy::unwrap_used)]

use std::{path::Path, process::Command, time::Duration};

use example_testing::{as_dune, end, run, start, succeed, wait_until};
use rowfeed_sandbox::{Fault, Sandbox, ScriptedResult, Service};
use rusqlite::{Connection, types::Value};

fn command(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sqlite"));
    command.current_dir(directory);
    command
}

/// With this sandbox as Dune.
fn live(directory: &Path, sandbox: &Sandbox, sql: &str) -> Command {
    let mut command = command(directory);
    as_dune(command.args(["--live", "--sql", sql]), sandbox);
    command
}

fn number(directory: &Path, sql: &str) -> i64 {
    let db = Connection::open(directory.join("rows.db")).unwrap();
    db.query_row(sql, [], |row| row.get(0)).unwrap_or(0)
}

#[test]
fn a_second_load_into_the_same_table_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let said = succeed(&mut command(directory.path()));
    assert_eq!(said, "100000 rows are in table rows of rows.db\n");
    assert_eq!(
        number(directory.path(), "SELECT SUM(n) FROM rows"),
        4_999_950_000
    );

    let again = run(&mut command(directory.path()));
    assert_eq!(again.code, Some(1));
    assert!(
        again.err.contains("drop it, or choose another --table"),
        "{}",
        again.err
    );
}

#[test]
fn a_killed_load_resumes_without_duplicates() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let sandbox = Sandbox::start_blocking().unwrap();
    let mut load = live(directory, &sandbox, "SELECT * FROM synthetic(10_000)");
    load.args(["--page-rows", "500"]);

    sandbox.fault(
        Fault::delay(Duration::from_millis(60))
            .path("/results")
            .always(),
    );
    for _ in 0..3 {
        let loaded = || number(directory, "SELECT COUNT(*) FROM rows");
        let before = loaded();
        let mut child = start(&mut load);
        wait_until("a page is there", || loaded() > before);
        child.kill().unwrap();
        end(child);
    }
    sandbox.clear_faults();
    succeed(&mut load);

    assert_eq!(number(directory, "SELECT COUNT(*) FROM rows"), 10_000);
    assert_eq!(
        number(directory, "SELECT COUNT(DISTINCT n) FROM rows"),
        10_000
    );
    assert_eq!(number(directory, "SELECT COUNT(*) FROM rowfeed_loads"), 0);
    let requests = sandbox.requests();
    let runs = requests
        .iter()
        .filter(|request| request.method == "POST")
        .count();
    assert_eq!(runs, 1, "the query was run again");
}

#[test]
fn every_type_keeps_all_digits() {
    let columns = [
        ("wide", "uint256"),
        ("small", "bigint"),
        ("price", "decimal(38, 18)"),
        ("share", "double"),
        ("hash", "varbinary"),
        ("day", "date"),
        ("tags", "array(varchar)"),
        ("is \"maker\"", "boolean"),
        ("none", "varchar"),
    ];
    let row = [
        "\"1234567890123456789012345678901234567890\"",
        "9007199254740993",
        "\"0.100000000000000001\"",
        "0.5",
        "\"0x00ff\"",
        "\"2024-05-01\"",
        "[\"a\"]",
        "true",
        "null",
    ];
    let sandbox = Sandbox::start_blocking().unwrap();
    let result = ScriptedResult::new(columns).row(row);
    sandbox
        .script_result(Service::Dune, "SELECT all", result)
        .unwrap();
    let directory = tempfile::tempdir().unwrap();
    succeed(&mut live(directory.path(), &sandbox, "SELECT all"));

    let db = Connection::open(directory.path().join("rows.db")).unwrap();
    let found: Vec<Value> = db
        .query_row("SELECT * FROM rows", [], |row| {
            (0..9).map(|index| row.get(index)).collect()
        })
        .unwrap();
    let text = |text: &str| Value::Text(text.to_owned());
    assert_eq!(
        found,
        [
            text("1234567890123456789012345678901234567890"),
            Value::Integer(9_007_199_254_740_993),
            text("0.100000000000000001"),
            Value::Real(0.5),
            Value::Blob(vec![0, 255]),
            text("2024-05-01"),
            text("[\"a\"]"),
            Value::Integer(1),
            Value::Null,
        ]
    );
}

#[test]
fn a_failed_statement_leaves_no_table() {
    let directory = tempfile::tempdir().unwrap();
    let sandbox = Sandbox::start_blocking().unwrap();
    let failed = run(&mut live(
        directory.path(),
        &sandbox,
        "SELECT tides FROM trades",
    ));
    assert_eq!(failed.code, Some(1));
    assert!(failed.err.contains("tides"), "{}", failed.err);
    let said = succeed(&mut live(
        directory.path(),
        &sandbox,
        "SELECT price FROM trades",
    ));
    assert!(said.starts_with("48 rows"), "{said}");
}
