//! A query is executed only if its result is too old.
#![allow(clippy::unwrap_used)]

use std::{fs, path::Path, process::Command};

use example_testing::{as_dune, run, succeed};
use rowfeed_sandbox::{Fault, Sandbox};

fn command(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_refresh"));
    command.current_dir(directory);
    command
}

fn live(directory: &Path, sandbox: &Sandbox) -> Command {
    let mut command = command(directory);
    as_dune(command.arg("--live"), sandbox);
    let query_id = rowfeed_sandbox::DUNE_QUERY_ID.to_string();
    command.args(["--query-id", &query_id, "--times", "2"]);
    command
}

fn executions(sandbox: &Sandbox) -> usize {
    let requests = sandbox.requests();
    requests
        .iter()
        .filter(|request| request.method == "POST")
        .count()
}

#[test]
fn without_arguments_a_sandbox_is_refreshed() {
    let directory = tempfile::tempdir().unwrap();
    let said = succeed(&mut command(directory.path()));
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(lines.len(), 3, "{said}");
    assert!(lines[0].starts_with("48 rows of "), "{said}");
    assert!(lines[2].contains("is fresh: nothing executed"), "{said}");
    let written = fs::read_to_string(directory.path().join("latest.ndjson")).unwrap();
    assert_eq!(written.lines().count(), 48);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn only_an_old_result_is_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let sandbox = Sandbox::start_blocking().unwrap();
    succeed(live(directory.path(), &sandbox).args(["--max-age-secs", "3600"]));
    assert_eq!(executions(&sandbox), 0);
    let said = succeed(live(directory.path(), &sandbox).args(["--max-age-secs", "0"]));
    assert_eq!(executions(&sandbox), 2, "{said}");
    assert!(!said.contains("nothing executed"), "{said}");
}

#[test]
fn a_failure_does_not_stop_the_schedule() {
    let directory = tempfile::tempdir().unwrap();
    let sandbox = Sandbox::start_blocking().unwrap();
    sandbox.fault(Fault::status(403));
    let ended = run(&mut live(directory.path(), &sandbox));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(
        ended.err.contains("trying again the next time"),
        "{ended:?}"
    );
    assert!(ended.out.starts_with("48 rows"), "{ended:?}");
}

#[test]
fn an_invalid_pattern_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let ended = run(command(directory.path()).args(["--cron", "every day"]));
    assert_eq!(ended.code, Some(2));
}
