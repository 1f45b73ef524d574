//! Requests to any path, and uploads.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use rowfeed_sandbox::Fault;
use serde_json::{Value, json};

use crate::support::{Bench, run_with_input};

#[test]
fn any_path_of_every_service_is_reached() {
    let bench = Bench::new();
    let queries: Value =
        serde_json::from_str(&bench.run(&["api", "GET", "/v1/queries"]).ok()).unwrap();
    assert!(queries["queries"].is_array(), "{queries}");
    let user = bench.run(&["api", "GET", "/api/v1/user"]).ok();
    assert!(user.contains("userUuid"), "{user}");
    let folder = format!("project={}", rowfeed_sandbox::YANDEX_PROJECT);
    let created = bench.run(&[
        "api",
        "POST",
        "/queries",
        "--query",
        &folder,
        "--data",
        "{\"text\":\"SELECT 1\"}",
    ]);
    assert!(created.ok().contains("\"id\""));
    let body = json!({ "sql": "SELECT 1" }).to_string();
    let arguments = [
        "api",
        "POST",
        "/v1/sql/execute",
        "--data",
        "-",
        "--header",
        "x-tide=high",
    ];
    let started = run_with_input(bench.command(&arguments), &body).ok();
    assert!(started.contains("execution_id"), "{started}");
    let sent = bench.sandbox.requests().pop().unwrap();
    assert_eq!((sent.header("x-tide"), &*sent.body), (Some("high"), &*body));
}

#[test]
fn a_path_that_leaves_the_service_and_a_refusal_are_errors() {
    let bench = Bench::new();
    bench
        .run(&["api", "GET", "/v1/../login"])
        .fails(2, &["leave the base URL"]);
    bench
        .run(&["api", "GET", "/nowhere"])
        .fails(2, &["--service"]);
    bench
        .run(&["api", "GET", "/v1/a?b=c"])
        .fails(2, &["--query NAME=VALUE"]);
    bench.run(&["api", "GET", "/v1/no/such"]).fails(4, &["404"]);
    assert_eq!(bench.sandbox.requests().len(), 1);
}

const TABLE: &str = "rowfeed.tides";

fn numbers(bench: &Bench) -> String {
    let sql = "SELECT n, name FROM dune.rowfeed.tides ORDER BY n";
    bench.run(&["dune", "sql", sql]).ok()
}

#[test]
fn csv_ndjson_and_parquet_go_into_a_table() {
    let bench = Bench::new();
    std::fs::write(bench.path("a.csv"), "n,name\n1,\"a, b\"\n2,\n").unwrap();
    std::fs::write(
        bench.path("b.ndjson"),
        "{\"n\":3,\"name\":\"c\"}\n\n{\"name\":\"7\",\"n\":4}\n",
    )
    .unwrap();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("n", Arc::new(Int64Array::from(vec![5]))),
        ("name", Arc::new(StringArray::from(vec![None::<&str>]))),
    ];
    let batch =
        RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, a)| (n, a, true)))
            .unwrap();
    let file = std::fs::File::create(bench.path("c.parquet")).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let create = [
        "--create",
        "--column",
        "n=bigint",
        "--column",
        "name=varchar",
    ];
    let upload = |file: &str, more: &[&str]| {
        let arguments = [&["dune", "upload", file, "--table", TABLE], more].concat();
        bench.run(&arguments)
    };
    let said = upload("a.csv", &create);
    assert!(said.err.contains("2 rows"), "{}", said.err);
    said.ok();
    upload("b.ndjson", &["--send-as", "csv"]).ok();
    upload("c.parquet", &["--create"]).ok();
    assert_eq!(
        numbers(&bench),
        "{\"n\":1,\"name\":\"a, b\"}\n{\"n\":2,\"name\":null}\n{\"n\":3,\"name\":\"c\"}\n\
         {\"n\":4,\"name\":\"7\"}\n{\"n\":5,\"name\":null}\n"
    );
    upload("a.csv", &["--check"]).ok();
    std::fs::write(bench.path("d.csv"), "n\n1\nx\n").unwrap();
    upload("d.csv", &[]).fails(11, &["row 1", "`n`"]);
    upload("d.xls", &[]).fails(2, &[".parquet"]);
    upload("none.csv", &[]).fails(2, &["none.csv"]);
    upload("d.csv", &["--create"]).fails(2, &["--column NAME=TYPE"]);
}

#[test]
fn a_column_that_a_row_has_twice_is_an_error() {
    let bench = Bench::new();
    std::fs::write(bench.path("a.csv"), "n,name,n\n1,a,2\n").unwrap();
    std::fs::write(bench.path("b.ndjson"), "{\"n\":1}\n{\"n\":2,\"n\":3}\n").unwrap();
    let columns = [
        "--create",
        "--column",
        "n=bigint",
        "--column",
        "name=varchar",
    ];
    for (file, row) in [("a.csv", "row 0"), ("b.ndjson", "row 1")] {
        let upload = [&["dune", "upload", file, "--table", TABLE], &columns[..]].concat();
        let parts = [row, "`n`", "the row has this column twice"];
        bench.run(&upload).fails(11, &parts);
    }
    assert!(bench.sandbox.requests().is_empty());
    let unnamed = ["dune", "upload", "a.csv", "--table", "tides"];
    bench
        .run(&unnamed)
        .fails(2, &["\"tides\" is not a table name", "--table"]);
}

#[test]
fn an_interrupted_upload_says_how_to_resume() {
    let bench = Bench::new();
    let lines: String = (0..6)
        .map(|n| format!("{{\"n\":{n},\"name\":\"x\"}}\n"))
        .collect();
    std::fs::write(bench.path("a.ndjson"), lines).unwrap();
    let upload = |more: &[&str]| {
        let upload = [
            "dune",
            "upload",
            "a.ndjson",
            "--table",
            TABLE,
            "--batch-bytes",
            "45",
        ];
        let create = [
            "--create",
            "--column",
            "n=bigint",
            "--column",
            "name=varchar",
        ];
        bench.run(&[&upload[..], &create, more].concat())
    };
    bench
        .sandbox
        .fault(Fault::cut_body(5).path("/insert").after(1));
    upload(&[]).fails(10, &["rows 2 to 3", "--skip 4", "--skip 2"]);
    upload(&["--skip", "4"]).ok();
    assert_eq!(numbers(&bench).lines().count(), 6);
}

#[test]
fn stats_tell_what_a_command_has_used() {
    let bench = Bench::new();
    bench.sandbox.fault(Fault::status(503).path("/results"));
    let ran = bench.run(&["dune", "sql", "SELECT 1 AS n", "--stats"]);
    let line = ran
        .err
        .lines()
        .find(|line| line.contains("requests"))
        .unwrap()
        .to_owned();
    assert!(
        line.contains("1 retries") && line.contains("credits for runs"),
        "{line}"
    );
    assert_eq!(ran.ok(), "{\"n\":1}\n");
    let ran = bench.run(&["lightdash", "sql", "SELECT 1 AS n", "--stats", "--json"]);
    let stats = ran
        .err
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let stats = stats
        .into_iter()
        .find(|event| event["event"] == "stats")
        .unwrap();
    assert_eq!(stats["service"], "lightdash");
    assert!(
        stats["requests"].as_u64().unwrap() >= 3 && stats["credits"].is_null(),
        "{stats}"
    );
}
