//! Runs a few situations with the contenders that do not need Python.
#![allow(clippy::unwrap_used)]

use std::{path::Path, process::Command};

/// Returns the cells of each row of the table.
fn table(root: &Path, only: &str) -> Vec<Vec<String>> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rowfeed-bench"));
    command.args(["run", "--behavior", "--quick", "--only", only, "--root"]);
    let output = command.arg(root).output().unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{err}");
    let page = String::from_utf8(output.stdout).unwrap();
    let (_, table) = page.split_once("| situation |").unwrap();
    let cells = |line: &str| line.split('|').map(|cell| cell.trim().to_owned()).collect();
    let rows: Vec<Vec<String>> = table.lines().skip(2).map(cells).collect();
    assert!(!rows.is_empty(), "{page}");
    // A partial run is printed, not written.
    assert_eq!(root.read_dir().unwrap().count(), 0);
    rows
}

#[test]
fn all_contenders_read_three_pages_without_faults() {
    let root = tempfile::tempdir().unwrap();
    for row in table(root.path(), "nothing wrong") {
        assert_eq!(
            row[3..7],
            ["all rows", "all rows", "all rows", "-"],
            "{row:?}"
        );
    }
}

#[test]
fn rowfeed_retries_a_503_and_the_others_fail() {
    let root = tempfile::tempdir().unwrap();
    for row in table(root.path(), "503") {
        assert_eq!(row[3], "all rows", "{row:?}");
        for other in &row[4..6] {
            assert!(other.starts_with("error: "), "{row:?}");
        }
    }
}

#[test]
fn loops_mix_the_rows_of_a_replaced_result_and_rowfeed_does_not() {
    let root = tempfile::tempdir().unwrap();
    let rows = table(root.path(), "replaced");
    let mixed = "rows of 2 runs mixed, no error";
    assert_eq!(rows[0][3..6], ["all rows", mixed, mixed], "{rows:?}");
}

#[test]
fn an_unknown_situation_is_an_error() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rowfeed-bench"));
    command.args(["run", "--behavior", "--only", "an earthquake"]);
    let output = command.output().unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(
        !output.status.success() && err.contains("no situation has"),
        "{err}"
    );
}
