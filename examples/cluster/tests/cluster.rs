//! Two workers compute what one process does, and share the rows.

use std::process::Command;

use example_testing::succeed;

fn command() -> Command {
    Command::new(env!("CARGO_BIN_EXE_cluster"))
}

fn table(said: &str) -> Vec<&str> {
    said.lines().filter(|line| line.starts_with('|')).collect()
}

#[test]
fn two_workers_equal_one_process_and_share_the_rows() {
    let rows = ["--rows", "400_000"];
    let local = succeed(command().args(rows).arg("--local"));
    let shared = succeed(command().args(rows));
    assert_eq!(table(&local), table(&shared));
    assert_eq!(table(&local).len(), 5, "{local}");
    for worker in ["worker-0", "worker-1"] {
        let said = format!("{worker} read rows ");
        assert!(
            shared
                .lines()
                .any(|line| line.starts_with(&said) && line.ends_with("dune")),
            "{shared}"
        );
    }
    assert!(!local.contains("worker-"), "{local}");
}
