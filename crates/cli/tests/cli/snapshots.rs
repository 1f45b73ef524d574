//! `rowfeed snapshot`: killed and started again, refused, and read back.

use std::{
    fs::{self, File},
    time::Duration,
};

use arrow_array::RecordBatch;
use arrow_select::concat::concat_batches;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use rowfeed_sandbox::Fault;

use crate::support::{Bench, until};

const SQL: &str = "SELECT * FROM trades ORDER BY block_time";

/// Runs a statement and leaves it alone. Returns the id of the run.
fn run_id(bench: &Bench, service: &str, sql: &str) -> String {
    let id = bench.run(&[service, "sql", sql, "--no-wait"]).ok();
    id.trim().to_owned()
}

/// The rows of the files whose names end in `.parquet`, as an engine reads a directory.
fn rows(bench: &Bench, directory: &str) -> RecordBatch {
    let entries = fs::read_dir(bench.path(directory)).unwrap();
    let mut paths: Vec<_> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "parquet"))
        .collect();
    paths.sort();
    let batches: Vec<RecordBatch> = paths
        .iter()
        .flat_map(|path| {
            let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap());
            reader.unwrap().build().unwrap().map(Result::unwrap)
        })
        .collect();
    concat_batches(&batches[0].schema(), &batches).unwrap()
}

/// What `-o` writes of the same run.
fn expected(bench: &Bench, id: &str) -> RecordBatch {
    bench
        .run(&["run", "attach", id, "-o", "expected/", "--force"])
        .ok();
    rows(bench, "expected")
}

fn manifest(bench: &Bench, directory: &str) -> serde_json::Value {
    let text = fs::read(bench.path(directory).join("_snapshot.json")).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

#[test]
fn a_snapshot_that_is_killed_at_any_point_resumes_without_losing_or_repeating_a_row() {
    let bench = Bench::new();
    let id = run_id(&bench, "dune", SQL);
    let expected = expected(&bench, &id);
    let arguments = |directory: &'static str| {
        [
            "snapshot",
            id.as_str(),
            directory,
            "--rows-per-part",
            "6",
            "--page-size",
            "4",
        ]
        .map(str::to_owned)
    };
    let start = |directory| {
        let arguments = arguments(directory);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        bench.command(&arguments).spawn().unwrap()
    };
    bench.sandbox.fault(
        Fault::delay(Duration::from_millis(12))
            .path("/results")
            .always(),
    );
    // Killed again and again until it is finished: never twice at the same point.
    let mut kills = 0;
    let mut parts_seen = Vec::new();
    for wait in 0_u64.. {
        let mut child = start("often");
        std::thread::sleep(Duration::from_millis(20 + wait * 7));
        if child.try_wait().unwrap().is_none() {
            kills += 1;
        }
        // SIGKILL. A child that has ended is left alone.
        child.kill().unwrap();
        child.wait().unwrap();
        let there = manifest(&bench, "often");
        parts_seen.push(there["parts"].as_array().map_or(0, Vec::len));
        // What the manifest names is whole at any time.
        for part in there["parts"].as_array().unwrap_or(&Vec::new()) {
            let path = bench.path("often").join(part["path"].as_str().unwrap());
            assert_eq!(fs::metadata(path).unwrap().len(), part["bytes"]);
        }
        if there["finished"] == true {
            break;
        }
        assert!(wait < 500, "never finished: {parts_seen:?}");
    }
    assert!(kills >= 3, "{kills} kills, {parts_seen:?}");
    assert!(parts_seen.is_sorted(), "{parts_seen:?}");
    assert_eq!(rows(&bench, "often"), expected);
    // Killed after each part.
    for parts in 0..8 {
        let directory = "after";
        let mut child = start(directory);
        until("a part is stored", || {
            manifest(&bench, directory)["parts"]
                .as_array()
                .is_some_and(|there| there.len() >= parts)
        });
        child.kill().unwrap();
        child.wait().unwrap();
        bench.sandbox.take_requests();
        let arguments = arguments(directory);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let stored = manifest(&bench, directory)["rows"].as_u64().unwrap();
        let ran = bench.run(&arguments);
        assert!(ran.err.contains("resuming run"), "{}", ran.err);
        ran.ok();
        let fetched: usize = bench
            .sandbox
            .take_requests()
            .iter()
            .filter_map(|page| page.rows)
            .sum();
        assert!(
            fetched as u64 <= 48 - stored + 4,
            "{fetched} after {stored}"
        );
        assert_eq!(rows(&bench, directory), expected, "{parts}");
        fs::remove_dir_all(bench.path(directory)).unwrap();
    }
}

#[test]
fn every_service_and_the_latest_result_of_a_query_have_snapshots() {
    let bench = Bench::new();
    for (service, sql) in [
        ("dune", SQL),
        ("lightdash", "SELECT project, note, members FROM projects"),
        ("yandex", SQL),
    ] {
        let id = run_id(&bench, service, sql);
        let ran = bench.run(&["snapshot", &id, service]);
        assert!(ran.err.contains("rows in 1 file in"), "{}", ran.err);
        ran.ok();
        assert_eq!(rows(&bench, service), expected(&bench, &id));
    }
    bench
        .run(&[
            "snapshot",
            "4132025",
            "latest",
            "--columns",
            "project,trade_id",
            "--type",
            "trade_id=text",
        ])
        .ok();
    let latest = rows(&bench, "latest");
    assert_eq!((latest.num_rows(), latest.num_columns()), (48, 2));
    // A second time there is nothing to do.
    bench.sandbox.take_requests();
    bench
        .run(&[
            "snapshot",
            "4132025",
            "latest",
            "--columns",
            "project,trade_id",
            "--type",
            "trade_id=text",
        ])
        .ok();
    assert!(
        bench
            .sandbox
            .take_requests()
            .iter()
            .filter_map(|page| page.rows)
            .sum::<usize>()
            <= 1
    );
}

#[test]
fn refusals_say_what_to_do_and_change_nothing() {
    let bench = Bench::new();
    let id = run_id(&bench, "dune", SQL);
    let begun = [
        "snapshot",
        &id,
        "t",
        "--rows-per-part",
        "10",
        "--page-size",
        "5",
    ];
    bench
        .sandbox
        .fault(Fault::status(400).path("/results").after(5).times(1));
    let hint = format!("'rowfeed snapshot {id} t' with the same options resumes");
    bench.run(&begun).fails(1, &[&hint]);
    bench.sandbox.clear_faults();
    let other = run_id(&bench, "dune", "SELECT * FROM projects");
    let ran = bench.run(&["snapshot", &other, "t", "--rows-per-part", "10"]);
    ran.fails(13, &[&id, &other, "name another destination"]);
    bench
        .run(&["snapshot", &id, "t"])
        .fails(13, &["10 rows in a part"]);
    bench
        .run(&[
            "snapshot",
            &id,
            "t",
            "--rows-per-part",
            "10",
            "--columns",
            "tides",
        ])
        .fails(2, &["tides"]);
    fs::write(bench.path("full"), "x").unwrap();
    bench
        .run(&["snapshot", &id, "full"])
        .fails(13, &["is not a directory"]);
    fs::create_dir(bench.path("used")).unwrap();
    fs::write(bench.path("used/notes.txt"), "x").unwrap();
    bench
        .run(&["snapshot", &id, "used"])
        .fails(13, &["notes.txt", "empty destination"]);
    let manifest = bench.path("t/_snapshot.json");
    let good = fs::read(&manifest).unwrap();
    fs::write(&manifest, "{\"format\": \"delta\", \"version\": 1}").unwrap();
    bench
        .run(&begun)
        .fails(13, &["no valid manifest", "\"delta\""]);
    fs::write(&manifest, good).unwrap();
    bench.run(&begun).ok();
    bench
        .run(&["snapshot", "no-such-id", "u"])
        .fails(2, &["--service"]);
    bench
        .run(&["snapshot", &id, "ftp://host/t"])
        .fails(2, &["ftp://host/t", "s3://"]);
    bench
        .run(&["snapshot", &id, "v", "--max-rows", "5"])
        .fails(12, &["--max-rows"]);
    assert!(!bench.exists("u") && !bench.exists("v"));
}
