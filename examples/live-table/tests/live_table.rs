//! Without a terminal, the table is printed once.
#![allow(clippy::unwrap_used)]

use std::process::Command;

use example_testing::{as_dune, run, succeed};
use rowfeed_sandbox::{Fault, Sandbox};

fn command() -> Command {
    Command::new(env!("CARGO_BIN_EXE_live-table"))
}

#[test]
fn without_a_terminal_the_table_is_printed_once() {
    let said = succeed(&mut command());
    assert!(said.lines().nth(1).unwrap().contains("trade_id"), "{said}");
    let rows = said
        .lines()
        .filter(|line| line.contains("2024-05-"))
        .count();
    assert_eq!(rows, 12, "{said}");
    assert!(
        said.lines()
            .last()
            .unwrap()
            .starts_with("12 of 48 rows of 2"),
        "{said}"
    );
    assert!(!said.contains('\u{1b}'), "control sequences: {said}");
}

#[test]
fn numbers_are_right_aligned() {
    let said = succeed(command().args(["--rows", "4"]));
    let ids: Vec<&str> = said
        .lines()
        .skip(3)
        .take(4)
        .map(|line| line.split('┆').next().unwrap())
        .collect();
    assert!(ids[0].ends_with(" 1000 "), "{said}");
    assert!(ids[3].ends_with(" 9007199254740995 "), "{said}");
}

#[test]
fn a_failure_is_reported() {
    let sandbox = Sandbox::start_blocking().unwrap();
    sandbox.fault(Fault::status(401).always());
    let failed = run(as_dune(
        command().args(["--live", "--query-id", "1"]),
        &sandbox,
    ));
    assert_eq!(failed.code, Some(1));
    assert!(failed.err.contains("401"), "{}", failed.err);
}
