//! Checks that interrupted CSV and NDJSON exports become complete.
#![allow(clippy::unwrap_used)]

mod support;

use std::fs;

use example_testing::{run, succeed};
use rowfeed_sandbox::{Fault, Sandbox, ScriptedResult, Service};
use support::{Export, Stop};

#[test]
fn csv_resumes_after_sigkill() {
    support::resumes_after("trades.csv", Stop::Kill);
}

#[test]
fn csv_resumes_after_ctrl_c() {
    support::resumes_after("trades.csv", Stop::Interrupt);
}

#[test]
fn ndjson_resumes_after_sigkill() {
    support::resumes_after("trades.ndjson", Stop::Kill);
}

#[test]
fn cells_have_the_right_text() {
    let sandbox = Sandbox::start_blocking().unwrap();
    let export = Export::new("some.csv");
    let sql = "SELECT project, note, members FROM projects ORDER BY members";
    succeed(export.command(&sandbox).args(["--sql", sql]));
    assert_eq!(
        fs::read_to_string(export.output()).unwrap(),
        "project,note,members\nlagoon,first pool — Größe: klein,3\nestuary,河口,5\nsaltmarsh,,7\n\
         tidepool,приливы и отливы,12\n"
    );

    let export = Export::new("some.ndjson");
    succeed(export.command(&sandbox).args(["--sql", sql]));
    let lines = fs::read_to_string(export.output()).unwrap();
    let third = lines.lines().nth(2).unwrap();
    assert_eq!(third, r#"{"project":"saltmarsh","note":null,"members":7}"#);
}

#[test]
fn a_result_without_rows_has_its_header() {
    let sandbox = Sandbox::start_blocking().unwrap();
    let export = Export::new("none.csv");
    let sql = "SELECT project FROM projects WHERE members > 99";
    succeed(export.command(&sandbox).args(["--sql", sql]));
    assert_eq!(fs::read_to_string(export.output()).unwrap(), "project\n");
}

#[test]
fn every_service_and_a_saved_query_can_be_exported() {
    for more in [
        &["--service", "lightdash"] as &[&str],
        &["--service", "yandex-query"],
        &["--query-id", &rowfeed_sandbox::DUNE_QUERY_ID.to_string()],
    ] {
        let export = Export::new("rows.csv");
        let mut command = export.sandboxed();
        command.args(more);
        if !more.contains(&"--query-id") {
            command.args(["--sql", "SELECT * FROM trades"]);
        }
        let said = succeed(&mut command);
        assert!(said.starts_with("48 rows are in "), "{more:?}: {said}");
        let lines = fs::read_to_string(export.output()).unwrap();
        assert_eq!(lines.lines().count(), 49, "{more:?}");
    }
}

#[test]
fn without_arguments_a_sandbox_is_exported() {
    let export = Export::new("export.csv");
    let mut command = export.sandboxed();
    let said = succeed(&mut command);
    assert_eq!(said, "200000 rows are in export.csv\n");
}

#[test]
fn the_state_of_another_export_is_refused() {
    let sandbox = Sandbox::start_blocking().unwrap();
    let export = Export::new("some.csv");
    sandbox.fault(Fault::status(403).path("/results"));
    let failed = run(export
        .command(&sandbox)
        .args(["--sql", "SELECT * FROM trades"]));
    assert_eq!(failed.code, Some(1));
    assert!(
        failed.err.contains("to start again instead, remove "),
        "{}",
        failed.err
    );

    let other = run(export
        .command(&sandbox)
        .args(["--sql", "SELECT * FROM projects"]));
    assert_eq!(other.code, Some(1));
    assert!(
        other.err.contains("belongs to another export"),
        "{}",
        other.err
    );

    succeed(
        export
            .command(&sandbox)
            .args(["--sql", "SELECT * FROM trades"]),
    );
    let runs = sandbox.requests();
    let runs = runs
        .iter()
        .filter(|request| request.method == "POST")
        .count();
    assert_eq!(runs, 1, "a paid query was run again");
}

#[test]
fn an_unrepresentable_value_is_not_null() {
    let sandbox = Sandbox::start_blocking().unwrap();
    let result = ScriptedResult::new([("id", "Uuid")]).row(["null"]);
    sandbox
        .script_result(Service::YandexQuery, "SELECT id", result)
        .unwrap();
    let export = Export::new("ids.csv");
    let failed = run(export
        .sandboxed()
        .args(["--live", "--service", "yandex-query", "--sql", "SELECT id"])
        .env("YANDEX_QUERY_URL", sandbox.yandex_query_url())
        .env("YC_IAM_TOKEN", rowfeed_sandbox::YANDEX_IAM_TOKEN)
        .env("YC_FOLDER_ID", rowfeed_sandbox::YANDEX_PROJECT));
    assert_eq!(failed.code, Some(1));
    assert!(failed.err.contains("cast the column"), "{}", failed.err);
}

#[test]
fn a_failed_statement_leaves_no_files() {
    let sandbox = Sandbox::start_blocking().unwrap();
    let export = Export::new("some.csv");
    let failed = run(export
        .command(&sandbox)
        .args(["--sql", "SELECT tides FROM trades"]));
    assert_eq!(failed.code, Some(1));
    assert!(failed.err.contains("tides"), "{}", failed.err);
    succeed(
        export
            .command(&sandbox)
            .args(["--sql", "SELECT price FROM trades"]),
    );
}
