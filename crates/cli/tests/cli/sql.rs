//! `rowfeed sql`: results and files in one query.

use std::fs;

use rowfeed_sandbox::{DUNE_QUERY_ID, Fault, LIGHTDASH_PROJECT_UUID, YANDEX_PROJECT};
use serde_json::Value;

use crate::support::Bench;

fn objects(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn results_of_three_services_and_files_are_joined() {
    let bench = Bench::new();
    fs::write(bench.path("fees.csv"), "chain,fee\nethereum,3\nbase,1\n").unwrap();
    let sql = format!(
        "SELECT p.chain, f.fee, count(*) AS trades, max(y.members) AS members
         FROM dune('SELECT project FROM trades') t
         JOIN lightdash('{LIGHTDASH_PROJECT_UUID}', 'SELECT project, chain FROM projects') p USING (project)
         JOIN yandex_query('{YANDEX_PROJECT}', 'SELECT project, members FROM projects') y USING (project)
         LEFT JOIN 'fees.csv' f ON f.chain = p.chain
         GROUP BY p.chain, f.fee ORDER BY p.chain"
    );
    let rows = objects(&bench.run(&["sql", &sql]).ok());
    assert_eq!(rows.len(), 4, "{rows:?}");
    assert!(rows.iter().all(|row| row["trades"] == 12), "{rows:?}");
    let ethereum = rows.iter().find(|row| row["chain"] == "ethereum").unwrap();
    assert_eq!(ethereum["fee"], 3);
    assert!(rows.iter().any(|row| row["fee"].is_null()), "{rows:?}");
}

#[test]
fn a_query_is_written_in_every_format() {
    let bench = Bench::new();
    let sql =
        "SELECT trade_id, token_pair, price FROM dune('SELECT * FROM trades') ORDER BY trade_id";
    for name in ["t.parquet", "t.csv", "t.ndjson", "t.arrow"] {
        bench.run(&["sql", sql, "-o", name]).ok();
        assert!(bench.exists(name));
    }
    assert_eq!(bench.names(), ["t.arrow", "t.csv", "t.ndjson", "t.parquet"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::write(bench.path("any"), "").unwrap();
        let mode = |name: &str| {
            let metadata = std::fs::metadata(bench.path(name)).unwrap();
            metadata.permissions().mode()
        };
        for name in bench.names() {
            assert_eq!(mode(&name), mode("any"), "{name}");
        }
        std::fs::remove_file(bench.path("any")).unwrap();
    }
    let csv = String::from_utf8(bench.read("t.csv")).unwrap();
    assert!(csv.starts_with("trade_id,token_pair,price\n"), "{csv}");
    assert_eq!(csv.lines().count(), 49);
    // What one command writes, another one reads.
    let again = "SELECT count(*) AS n, sum(price) AS s FROM";
    let parquet = objects(&bench.run(&["sql", &format!("{again} 't.parquet'")]).ok());
    assert_eq!(parquet[0]["n"], 48);
    let direct = format!("{again} dune('SELECT * FROM trades')");
    assert_eq!(objects(&bench.run(&["sql", &direct]).ok()), parquet);
    let arrow = bench.run(&["sql", sql, "--format", "arrow"]);
    assert!(arrow.bytes.starts_with(&[0xff, 0xff, 0xff, 0xff]));
    for (more, rows, note) in [
        (&[][..], 20, "the first 20 rows; --limit shows more"),
        (&["--limit", "48"], 48, "48 rows"),
    ] {
        let table = bench.run(&[&["sql", sql, "--format", "table"], more].concat());
        assert!(table.err.contains(note), "{}", table.err);
        let table = table.ok();
        let lines = table.lines().filter(|line| line.starts_with('|'));
        assert_eq!(lines.count(), rows + 1);
    }
    bench
        .run(&["sql", sql, "-o", "t.csv"])
        .fails(13, &["t.csv exists", "--force"]);
    bench
        .run(&["sql", sql, "-o", "t.csv", "--force", "--limit", "3"])
        .ok();
    assert_eq!(
        bench
            .read("t.csv")
            .iter()
            .filter(|byte| **byte == b'\n')
            .count(),
        4
    );
}

#[test]
fn null_and_empty_text_differ_in_csv_and_nested_values_are_json() {
    let bench = Bench::new();
    let sql = "SELECT '' AS a, NULL AS b, 'x,\"y' AS c, make_array(1, NULL) AS d";
    let csv = bench.run(&["sql", sql, "--format", "csv"]).ok();
    assert_eq!(csv, "a,b,c,d\n\"\",,\"x,\"\"y\",\"[1,null]\"\n");
}

#[test]
fn only_the_services_of_the_statement_need_a_credential() {
    let bench = Bench::new();
    let sql = format!("SELECT count(*) AS n FROM dune_latest({DUNE_QUERY_ID})");
    let mut command = bench.command(&["sql", &sql]);
    command
        .env_remove("LIGHTDASH_API_KEY")
        .env_remove("YC_IAM_TOKEN");
    let output = command.output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "{\"n\":48}\n");
    let mut command = bench.command(&["sql", "SELECT * FROM lightdash('p', 'SELECT 1')"]);
    let output = command.env_remove("LIGHTDASH_API_KEY").output().unwrap();
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn errors_have_their_exit_codes_and_leave_no_file() {
    let bench = Bench::new();
    for (sql, code, part) in [
        (
            "SELECT nothing FROM dune('SELECT project FROM trades')",
            5,
            "nothing",
        ),
        (
            "SELECT * FROM dune('SELECT nothing FROM trades')",
            5,
            "nothing",
        ),
        ("SELEC 1", 5, "SELEC"),
        ("SELECT * FROM dune(1 + 1)", 5, "argument 1 of dune"),
        ("SELECT * FROM dune_latest(4132026)", 4, "dune"),
    ] {
        bench.run(&["sql", sql, "-o", "t.csv"]).fails(code, &[part]);
        assert!(bench.names().is_empty(), "{sql}: {:?}", bench.names());
    }
    bench
        .run(&["sql", "SELECT 1", "--format", "parquet"])
        .fails(2, &["-o FILE.parquet"]);
    bench
        .run(&["sql", "SELECT 1", "-o", "t.txt"])
        .fails(2, &["--format"]);
    // A page that cannot be had, after the first.
    bench
        .sandbox
        .fault(Fault::status(403).path("/results").after(1).always());
    let sql = "SELECT * FROM dune('SELECT * FROM trades')";
    for name in ["t.parquet", "t.csv", "t.arrow"] {
        bench
            .run(&["sql", sql, "--page-size", "10", "-o", name])
            .fails(3, &["403"]);
        assert!(bench.names().is_empty(), "{:?}", bench.names());
    }
}
