//! Checks the command and its error messages.
#![allow(clippy::unwrap_used)]

use std::process::Command;

use example_testing::{as_dune, run, succeed};
use rowfeed_sandbox::Sandbox;

fn command() -> Command {
    Command::new(env!("CARGO_BIN_EXE_blocking-cli"))
}

#[test]
fn all_projects_are_summed() {
    let said = succeed(&mut command());
    let trades: Vec<u64> = said
        .lines()
        .skip(1)
        .map(|line| line.split_whitespace().nth(1).unwrap().parse().unwrap())
        .collect();
    assert_eq!(trades, [12, 12, 12, 12], "{said}");
}

#[test]
fn since_selects_later_trades() {
    // Two trades a day, from 1 May on.
    let said = succeed(command().args(["--since", "2024-05-23"]));
    let trades = said.lines().skip(1);
    let trades = trades.map(|line| {
        line.split_whitespace()
            .nth(1)
            .unwrap()
            .parse::<u64>()
            .unwrap()
    });
    assert_eq!(trades.sum::<u64>(), 4, "{said}");
}

#[test]
fn invalid_arguments_and_failed_calls_are_reported() {
    let failed = run(command().args(["--since", "May"]));
    assert_eq!(failed.code, Some(2));

    let failed = run(command()
        .args(["--live", "--query-id", "1"])
        .env_remove("DUNE_API_KEY"));
    assert_eq!(failed.code, Some(1));
    assert!(failed.err.contains("DUNE_API_KEY"), "{}", failed.err);

    let sandbox = Sandbox::start_blocking().unwrap();
    let failed = run(as_dune(
        command().args(["--live", "--query-id", "1"]),
        &sandbox,
    ));
    assert_eq!(failed.code, Some(1));
    assert!(failed.err.contains("404"), "{}", failed.err);
}
