//! Checks the join, and the errors of invalid joins.

use std::process::Command;

use example_testing::{run, succeed};

fn command() -> Command {
    Command::new(env!("CARGO_BIN_EXE_datafusion-join"))
}

#[test]
fn trades_are_grouped_by_chain() {
    let said = succeed(&mut command());
    let rows: Vec<Vec<&str>> = said
        .lines()
        .filter(|line| line.starts_with('|'))
        .skip(1)
        .map(|line| line.split('|').map(str::trim).collect())
        .collect();
    assert_eq!(rows.len(), 4, "{said}");
    assert!(rows.iter().all(|row| row[3] == "12"), "{said}");
    // A date of Lightdash, next to a sum over Dune's rows.
    assert!(said.contains("| ethereum | 2021-03-04 "), "{said}");
}

#[test]
fn the_join_keeps_all_trades() {
    let sql = "SELECT COUNT(*) AS joined FROM dune LEFT JOIN lightdash USING (project) \
               WHERE chain IS NOT NULL";
    let said = succeed(command().args(["--join", sql]));
    assert!(said.contains("| 48 "), "{said}");
}

#[test]
fn a_result_without_rows_has_its_columns() {
    let none = "SELECT project, amount_usd FROM trades WHERE amount_usd < 0";
    let said = succeed(command().args(["--dune", none]));
    assert!(said.contains("chain"), "{said}");
}

#[test]
fn an_invalid_join_is_an_error() {
    let failed = run(command().args(["--join", "SELECT tides FROM dune"]));
    assert_eq!(failed.code, Some(1));
    assert!(failed.err.contains("tides"), "{}", failed.err);
}
