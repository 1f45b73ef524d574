//! Checks the rows and types of the frame, and the sums.

use std::process::Command;

use example_testing::{run, succeed};

fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_arrow-polars"));
    // Prints all columns.
    command.envs([("POLARS_FMT_MAX_COLS", "-1"), ("POLARS_TABLE_WIDTH", "400")]);
    command
}

#[test]
fn the_frame_has_all_rows_types_and_sums() {
    let said = succeed(&mut command());
    assert!(said.starts_with("shape: (48, 10)\n"), "{said}");
    for shown in [
        "i64",
        "date",
        "datetime[μs, UTC]",
        "str",
        "i32",
        "f64",
        "decimal[22,9]",
        "bool",
        "binary",
    ] {
        assert!(said.contains(shown), "{shown}: {said}");
    }
    assert!(said.contains("9007199254740995"), "{said}");
    let (_, sums) = said.split_once("shape: (4, 4)\n").unwrap_or_default();
    for project in ["lagoon", "tidepool", "saltmarsh", "estuary"] {
        let row = sums
            .lines()
            .find(|line| line.contains(project))
            .unwrap_or_default();
        assert!(row.contains("┆ 12 "), "{said}");
    }
}

#[test]
fn a_result_without_rows_is_a_frame_without_rows() {
    let none = "SELECT project, amount_usd FROM trades WHERE amount_usd < 0";
    let said = succeed(command().args(["--sql", none]));
    assert!(said.starts_with("shape: (0, 2)\n"), "{said}");
}

#[test]
fn a_missing_column_is_an_error() {
    let failed = run(command().args(["--sql", "SELECT project FROM trades"]));
    assert_eq!(failed.code, Some(1));
    assert!(failed.err.contains("amount_usd"), "{}", failed.err);
}
