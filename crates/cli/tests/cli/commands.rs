//! Every command, once.

use rowfeed_sandbox::DUNE_QUERY_ID;
use serde_json::{Value, json};

use crate::support::{Bench, bare, run, run_with_input};

fn rows(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn the_built_in_sandbox_needs_neither_account_nor_configuration() {
    let directory = tempfile::tempdir().unwrap();
    for arguments in [
        [
            "--sandbox",
            "dune",
            "sql",
            "SELECT COUNT(*) AS n FROM trades",
        ],
        [
            "lightdash",
            "sql",
            "SELECT COUNT(*) AS n FROM trades",
            "--sandbox",
        ],
        [
            "yandex",
            "--sandbox",
            "sql",
            "SELECT COUNT(*) AS n FROM trades",
        ],
    ] {
        let ran = run(bare(directory.path(), &arguments));
        assert_eq!(ran.err, "");
        assert_eq!(ran.ok(), "{\"n\":48}\n", "{arguments:?}");
    }
}

#[test]
fn a_statement_comes_from_an_argument_a_file_or_standard_input() {
    let bench = Bench::new();
    std::fs::write(bench.path("q.sql"), "SELECT 2 AS n").unwrap();
    assert_eq!(
        bench.run(&["dune", "sql", "SELECT 1 AS n"]).ok(),
        "{\"n\":1}\n"
    );
    assert_eq!(
        bench.run(&["dune", "sql", "--file", "q.sql"]).ok(),
        "{\"n\":2}\n"
    );
    for arguments in [&["dune", "sql"][..], &["dune", "sql", "-"]] {
        let ran = run_with_input(bench.command(arguments), "SELECT 3 AS n");
        assert_eq!(ran.ok(), "{\"n\":3}\n");
    }
    run_with_input(bench.command(&["dune", "sql"]), " \n").fails(2, &["the statement is empty"]);
    bench
        .run(&["dune", "sql", "--file", "none.sql"])
        .fails(2, &["none.sql", "cannot be read"]);
}

#[test]
fn a_saved_query_of_dune_is_executed_with_its_parameters() {
    let bench = Bench::new();
    let arguments = [
        "dune",
        "query",
        "4132026",
        "--param",
        "project=lagoon",
        "--param",
        "min_usd=1000",
    ];
    let found = rows(&bench.run(&arguments).ok());
    assert!(!found.is_empty());
    let requests = bench.sandbox.requests();
    let executed = requests
        .iter()
        .find(|request| request.path.ends_with("/execute"))
        .unwrap();
    let body: Value = serde_json::from_str(&executed.body).unwrap();
    assert_eq!(
        body["query_parameters"],
        json!({"project": "lagoon", "min_usd": "1000"})
    );
    let page = format!("https://dune.com/queries/{DUNE_QUERY_ID}");
    assert_eq!(rows(&bench.run(&["dune", "query", &page]).ok()).len(), 48);
}

#[test]
fn a_latest_result_that_is_fresh_enough_is_not_executed_again() {
    let bench = Bench::new();
    let query = DUNE_QUERY_ID.to_string();
    let found = rows(
        &bench
            .run(&["dune", "query", &query, "--max-age", "1d"])
            .ok(),
    );
    assert_eq!((found.len(), bench.requests("POST", "/execute")), (48, 0));
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    bench
        .run(&["dune", "query", &query, "--max-age", "1s"])
        .ok();
    assert_eq!(bench.requests("POST", "/execute"), 1);
}

#[test]
fn the_latest_result_is_read_without_executing() {
    let bench = Bench::new();
    let found = rows(
        &bench
            .run(&[
                "dune",
                "latest",
                "4132025",
                "--limit",
                "3",
                "--columns",
                "project,trade_id",
            ])
            .ok(),
    );
    assert_eq!(found[1], json!({"project": "tidepool", "trade_id": 1001}));
    assert_eq!(found.len(), 3);
    assert_eq!(bench.requests("POST", "/execute"), 0);
    // Only these columns were sent.
    let requests = bench.sandbox.requests();
    let last = requests
        .iter()
        .rfind(|request| request.path.ends_with("/results"))
        .unwrap();
    assert_eq!(
        last.query_value("columns").as_deref(),
        Some("trade_id,project")
    );
    bench
        .run(&["dune", "latest", "4132026"])
        .fails(4, &["rowfeed dune query 4132026"]);
}

#[test]
fn usage_of_dune_is_shown() {
    let text = Bench::new().run(&["dune", "usage"]).ok();
    let usage = &rows(&text)[0];
    assert!(usage["credits_included"].is_number(), "{text}");
}

#[test]
fn lightdash_runs_sql_charts_and_queries_of_explores() {
    let bench = Bench::new();
    let sql = rows(
        &bench
            .run(&[
                "lightdash",
                "sql",
                "SELECT project FROM projects ORDER BY 1 LIMIT 2",
            ])
            .ok(),
    );
    assert_eq!(
        sql,
        [json!({"project": "estuary"}), json!({"project": "lagoon"})]
    );
    for chart in ["5e2d9c71-40b8-4f6a-9d13-c7a6e8b05f24", "trades-by-project"] {
        let found = rows(&bench.run(&["lightdash", "chart", chart]).ok());
        assert_eq!(
            found[0],
            json!({"project": "estuary", "trades": 12}),
            "{chart}"
        );
    }
    for chart in ["0a5f3d82-7c4e-4b19-86d0-e2b1f9c7a348", "traded-value-a-day"] {
        let found = rows(
            &bench
                .run(&["lightdash", "chart", chart, "--limit", "1"])
                .ok(),
        );
        assert_eq!(found.len(), 1, "{chart}");
    }
    bench
        .run(&["lightdash", "chart", "no-such-chart"])
        .fails(4, &["404"]);
    let named = bench.run(&["lightdash", "chart", "Traded value a day", "--limit", "2"]);
    assert_eq!(rows(&named.ok()).len(), 2);
    bench
        .run(&["lightdash", "chart", "Traded value per day"])
        .fails(2, &["the nearest are \"Traded value a day\""]);
    let query = [
        "lightdash",
        "query",
        "--explore",
        "trades",
        "--dimensions",
        "project",
        "--metrics",
        "count",
        "--filter",
        "amount_usd > 100",
        "--filter",
        "project in lagoon, estuary",
        "--sort",
        "count desc",
    ];
    let compiled = bench
        .run(&[&query[..], &["--compile", "--timezone", "UTC"]].concat())
        .ok();
    assert!(compiled.contains("trades.amount_usd > 100"), "{compiled}");
    assert!(compiled.contains("ORDER BY count(*) DESC"), "{compiled}");
    let found = rows(&bench.run(&query).ok());
    let expected = [
        json!({"trades_project": "lagoon", "trades_count": 10}),
        json!({"trades_project": "estuary", "trades_count": 8}),
    ];
    assert_eq!(found, expected);
    let wrong = [
        "lightdash",
        "query",
        "--explore",
        "trades",
        "--dimensions",
        "projekt",
    ];
    bench
        .run(&wrong)
        .fails(2, &["no dimension \"projekt\"", "amount_usd"]);
}

#[test]
fn yandex_query_runs_statements_and_reads_results_by_id() {
    let bench = Bench::new();
    let both = "SELECT project FROM projects ORDER BY project; SELECT 7 AS n";
    bench
        .run(&["yandex", "sql", both])
        .fails(2, &["2 results", "--result-set 0 to 1"]);
    assert_eq!(
        bench
            .run(&["yandex", "sql", both, "--result-set", "1"])
            .ok(),
        "{\"n\":7}\n"
    );
    bench
        .run(&["yandex", "sql", both, "--result-set", "2"])
        .fails(2, &["so it has no result 2"]);
    let id = bench
        .run(&[
            "yandex",
            "sql",
            "SELECT 8 AS n",
            "--no-wait",
            "--name",
            "eight",
        ])
        .ok();
    assert_eq!(
        bench.run(&["yandex", "results", id.trim()]).ok(),
        "{\"n\":8}\n"
    );
}

#[test]
fn a_run_is_started_attached_inspected_and_cancelled() {
    let bench = Bench::with(|sandbox| sandbox.run_time(std::time::Duration::from_secs(3_600)));
    for service in ["dune", "lightdash", "yandex"] {
        let id = bench
            .run(&[service, "sql", "SELECT 1 AS n", "--no-wait"])
            .ok();
        let id = id.trim();
        let status = rows(&bench.run(&["run", "status", id]).ok()).remove(0);
        assert_eq!(
            (&status["run_id"], &status["service"]),
            (&json!(id), &json!(service))
        );
        bench.run(&["run", "cancel", id]).ok();
        let code = bench.run(&["run", "attach", id]).code;
        // Yandex Query reports a stopped query as failed.
        assert_eq!(
            code,
            Some(if service == "yandex" { 5 } else { 6 }),
            "{service}"
        );
    }
    // A timeout cancels too.
    let ran = bench.run(&["dune", "sql", "SELECT 1 AS n", "--timeout", "50ms"]);
    ran.fails(8, &["run: "]);
    assert_eq!(bench.requests("POST", "/cancel"), 3);
    let bench = Bench::new();
    for service in ["dune", "lightdash", "yandex"] {
        let id = bench
            .run(&[service, "sql", "SELECT 5 AS n", "--no-wait"])
            .ok();
        assert_eq!(bench.run(&["run", "attach", id.trim()]).ok(), "{\"n\":5}\n");
    }
    bench
        .run(&["run", "status", "4132025"])
        .fails(2, &["--service"]);
}

#[test]
fn schemas_are_shown_without_reading_the_rows() {
    let bench = Bench::new();
    let columns = rows(&bench.run(&["schema", "dune", "4132025"]).ok());
    let price = columns
        .iter()
        .find(|column| column["column"] == "price")
        .unwrap();
    assert_eq!(price["arrow"], "Decimal128(22, 9)");
    let read: usize = bench
        .sandbox
        .requests()
        .iter()
        .filter_map(|request| request.rows)
        .sum();
    assert_eq!(read, 1);

    for (service, type_name) in [
        ("dune", "integer"),
        ("lightdash", "number"),
        ("yandex", "Int64"),
    ] {
        let id = bench
            .run(&[service, "sql", "SELECT 5 AS n", "--no-wait"])
            .ok();
        let columns = rows(&bench.run(&["schema", service, id.trim()]).ok());
        assert_eq!(columns[0]["column"], "n");
        assert!(
            columns[0]["type"].is_string(),
            "{service} {type_name} {columns:?}"
        );
    }
    let fields = rows(&bench.run(&["schema", "lightdash", "trades"]).ok());
    assert!(
        fields
            .iter()
            .any(|field| field["field"] == "total_usd" && field["kind"] == "metric")
    );
    bench
        .run(&["schema", "lightdash", "no_such"])
        .fails(4, &["rowfeed ls lightdash explores"]);
}

#[test]
fn queries_charts_and_explores_are_listed() {
    let bench = Bench::new();
    let list = |arguments: &[&str]| rows(&bench.run(arguments).ok());
    assert_eq!(list(&["ls", "dune", "queries"])[0]["id"], 4_132_025);
    assert_eq!(list(&["ls", "dune", "queries", "--limit", "1"]).len(), 1);
    assert_eq!(list(&["ls", "dune", "datasets"])[0]["full_name"], "trades");
    assert_eq!(list(&["ls", "lightdash", "projects"])[0]["name"], "Sandbox");
    assert_eq!(list(&["ls", "lightdash", "explores"])[0]["name"], "trades");
    assert_eq!(list(&["ls", "lightdash", "charts"]).len(), 2);
    assert_eq!(
        list(&["ls", "lightdash", "dashboards"])[0]["name"],
        "Trading"
    );
    let csv = bench
        .run(&["ls", "lightdash", "explores", "--format", "csv"])
        .ok();
    assert_eq!(
        csv,
        "name,label,description\ntrades,Trades,Invented trades on invented exchanges.\n"
    );
    let table = bench
        .run(&["ls", "lightdash", "explores", "--format", "table"])
        .ok();
    assert!(
        table.starts_with("name    label   description\n──────"),
        "{table}"
    );
}

#[test]
fn a_dry_run_sends_nothing_that_executes() {
    let bench = Bench::new();
    let text = bench
        .run(&[
            "dune",
            "sql",
            "SELECT * FROM trades",
            "--dry-run",
            "-o",
            "t.csv",
        ])
        .ok();
    assert!(
        text.contains("would run SQL at Dune:\nSELECT * FROM trades") && text.contains("t.csv"),
        "{text}"
    );
    assert!(bench.sandbox.requests().is_empty());
    let text = bench.run(&["dune", "latest", "4132025", "--dry-run"]).ok();
    assert!(
        text.contains("48 rows, 10 columns") && text.contains("credits to read"),
        "{text}"
    );
    let plan: Value = serde_json::from_str(
        &bench
            .run(&["dune", "latest", "4132025", "--dry-run", "--json"])
            .ok(),
    )
    .unwrap();
    assert_eq!(
        (&plan["event"], &plan["rows"]),
        (&json!("plan"), &json!(48))
    );
    assert!(bench.names().is_empty(), "{:?}", bench.names());
}

#[test]
fn the_sandbox_is_served_until_it_is_interrupted() {
    use std::io::{BufRead as _, BufReader};
    let directory = tempfile::tempdir().unwrap();
    let mut child = bare(
        directory.path(),
        &[
            "sandbox",
            "--fault",
            "status=503 on=dune method=GET times=1",
        ],
    )
    .spawn()
    .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let description: Value = serde_json::from_str(&line).unwrap();
    let ask = |service: &str, url: &str, key: (&str, &str), project: (&str, &str)| {
        let mut command = bare(directory.path(), &[service, "sql", "SELECT 1 AS n"]);
        command.env(
            url,
            description[if service == "yandex" {
                "yandex_query"
            } else {
                service
            }]["base_url"]
                .as_str()
                .unwrap(),
        );
        command.env(key.0, key.1).env(project.0, project.1);
        run(command).ok()
    };
    let text = |service: &str, name: &str| {
        description[service][name]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    let dune = ask(
        "dune",
        "DUNE_API_BASE_URL",
        ("DUNE_API_KEY", &text("dune", "api_key")),
        ("A", "b"),
    );
    assert_eq!(dune, "{\"n\":1}\n");
    let token = text("lightdash", "token");
    let project = text("lightdash", "project_uuid");
    let lightdash = ask(
        "lightdash",
        "LIGHTDASH_URL",
        ("LIGHTDASH_API_KEY", &token),
        ("LIGHTDASH_PROJECT", &project),
    );
    assert_eq!(lightdash, "{\"n\":1}\n");
    #[cfg(unix)]
    rustix::process::kill_process(
        rustix::process::Pid::from_child(&child),
        rustix::process::Signal::INT,
    )
    .unwrap();
    #[cfg(not(unix))]
    child.kill().unwrap();
    let ended = crate::support::finish(child);
    assert!(
        ended.err.contains("export DUNE_API_BASE_URL="),
        "{}",
        ended.err
    );
    #[cfg(unix)]
    assert_eq!(ended.code, Some(0));
    run(bare(directory.path(), &["sandbox", "--fault", "explode"])).fails(2, &["is not a fault"]);
}

#[test]
fn completions_and_manual_pages_are_generated() {
    let directory = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = run(bare(directory.path(), &["completions", shell])).ok();
        assert!(script.contains("lightdash"), "{shell}");
    }
    run(bare(directory.path(), &["man", "pages"])).ok();
    let page = std::fs::read_to_string(directory.path().join("pages/rowfeed-dune-sql.1")).unwrap();
    assert!(page.contains(".TH"), "{page}");
}

#[test]
fn every_command_has_help() {
    let directory = tempfile::tempdir().unwrap();
    let help = run(bare(directory.path(), &["--help"])).ok();
    for word in [
        "Exit codes:",
        "DUNE_API_KEY",
        "no telemetry",
        "--sandbox dune sql",
    ] {
        assert!(help.contains(word), "{word}\n{help}");
    }
    for arguments in [
        &["dune", "sql", "--help"][..],
        &["dune", "query", "--help"],
        &["dune", "latest", "--help"],
        &["lightdash", "query", "--help"],
        &["run", "attach", "--help"],
        &["profile", "add", "--help"],
        &["sandbox", "--help"],
    ] {
        let help = run(bare(directory.path(), arguments)).ok();
        assert!(help.contains("Usage: rowfeed "), "{help}");
    }
    let version = run(bare(directory.path(), &["--version"])).ok();
    assert_eq!(
        version.trim(),
        concat!("rowfeed ", env!("CARGO_PKG_VERSION"))
    );
}
