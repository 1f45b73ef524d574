//! Output files: their names, conflicts and refusals.

use rowfeed_sandbox::Fault;

use crate::support::{Bench, finish, until};

const SQL: &str = "SELECT * FROM trades ORDER BY block_time";

#[test]
fn a_finished_file_is_replaced_only_by_force() {
    let bench = Bench::new();
    std::fs::write(bench.path("t.csv"), "mine").unwrap();
    let arguments = ["dune", "sql", SQL, "-o", "t.csv"];
    bench
        .run(&arguments)
        .fails(13, &["t.csv is there already", "--force"]);
    assert_eq!(bench.read("t.csv"), b"mine");
    assert!(bench.sandbox.requests().is_empty());
    bench.run(&[&arguments[..], &["--force"]].concat()).ok();
    assert_eq!(bench.read("t.csv").split(|byte| *byte == b'\n').count(), 50);
    assert_eq!(bench.names(), ["t.csv"]);
}

#[test]
fn a_statement_that_fails_leaves_nothing_behind() {
    let bench = Bench::new();
    bench
        .run(&["dune", "sql", "SELECT tides", "-o", "t.parquet"])
        .fails(5, &["tides"]);
    assert!(bench.names().is_empty(), "{:?}", bench.names());
    // The corrected statement is executed.
    bench
        .run(&["dune", "sql", "SELECT 1 AS tides", "-o", "t.parquet"])
        .ok();
}

#[test]
fn a_file_gets_its_name_only_when_it_is_complete() {
    let bench = Bench::new();
    bench
        .sandbox
        .fault(Fault::status(400).path("/results").after(3).always());
    for name in ["t.csv", "t.ndjson", "t.parquet", "t.arrow"] {
        let arguments = [
            "dune",
            "sql",
            SQL,
            "-o",
            name,
            "--page-size",
            "10",
            "--row-group",
            "10",
        ];
        bench
            .run(&arguments)
            .fails(1, &["the same command resumes after row"]);
        assert!(!bench.exists(name), "{name}");
        assert!(bench.exists(&format!("{name}.rowfeed/state.json")));
    }
}

#[test]
fn a_file_created_meanwhile_is_not_replaced() {
    let bench = Bench::new();
    for name in ["t.csv", "t.parquet"] {
        let arguments = [
            "dune",
            "sql",
            SQL,
            "-o",
            name,
            "--page-size",
            "10",
            "--row-group",
            "10",
        ];
        bench.sandbox.clear_faults();
        bench
            .sandbox
            .fault(Fault::status(400).path("/results").after(3).times(1));
        bench.run(&arguments).fails(1, &[]);
        std::fs::write(bench.path(name), "mine").unwrap();
        bench
            .run(&arguments)
            .fails(13, &["by somebody else meanwhile", "move it away"]);
        assert_eq!(bench.read(name), b"mine");
        std::fs::remove_file(bench.path(name)).unwrap();
        bench.sandbox.take_requests();
        bench.run(&arguments).ok();
        // No row was fetched again.
        assert_eq!(bench.requests("GET", "/results"), 0);
        assert!(bench.read(name).len() > 1_000);
    }
}

/// As if the process had been killed while it merged the parts into one file.
#[test]
fn an_interrupted_merge_is_repeated_without_fetching() {
    let bench = Bench::new();
    let sql = [
        "dune",
        "sql",
        SQL,
        "--page-size",
        "10",
        "--row-group",
        "10",
        "-o",
    ];
    for (name, rest) in [
        ("t.parquet", &[][..]),
        ("t.arrow", &[]),
        ("t/", &["--rows-per-file", "20"]),
    ] {
        let arguments = [&sql[..], &[name], rest].concat();
        let file = name.trim_end_matches('/');
        // A failed page stops the export right before its end.
        bench
            .sandbox
            .fault(Fault::status(400).path("/results").after(3).times(1));
        bench.run(&arguments).fails(1, &[]);
        let in_the_way = bench.path(if name == "t/" { "t/mine.txt" } else { name });
        std::fs::create_dir_all(in_the_way.parent().unwrap()).unwrap();
        std::fs::write(&in_the_way, "mine").unwrap();
        bench.run(&arguments).fails(13, &["move it away"]);
        std::fs::remove_file(&in_the_way).unwrap();

        let beside = bench.path(&format!("{file}.rowfeed"));
        let state = std::fs::read_to_string(beside.join("state.json")).unwrap();
        std::fs::write(
            beside.join("state.json"),
            state.replace("\"finished\"", "\"written\""),
        )
        .unwrap();
        std::fs::write(beside.join("merged.tmp"), "half a file").unwrap();
        if file != "t" {
            std::fs::remove_file(beside.join("finished")).unwrap();
        }
        bench.sandbox.take_requests();
        bench.run(&arguments).ok();
        assert_eq!(bench.requests("GET", "/results"), 0, "{name}");
        assert!(!beside.exists(), "{name}");
        let fresh = Bench::new();
        fresh.run(&arguments).ok();
        let part = if file == "t" {
            "t/part-00001.parquet"
        } else {
            name
        };
        assert!(bench.read(part) == fresh.read(part), "{name}");
    }
}

/// As if the process had been killed after its last part, before it knew that no row follows.
#[test]
fn an_export_that_is_resumed_at_the_end_of_its_result_gets_no_empty_file() {
    for service in ["dune", "lightdash", "yandex"] {
        let bench = Bench::new();
        let sql = "SELECT project FROM trades ORDER BY block_time";
        let rest = [
            "--page-size",
            "12",
            "--row-group",
            "12",
            "--rows-per-file",
            "24",
            "-o",
            "t",
        ];
        let arguments = [&[service, "sql", sql][..], &rest].concat();
        bench.sandbox.fault(
            Fault::status(400)
                .method("GET")
                .path("esults")
                .after(3)
                .times(1),
        );
        bench.sandbox.fault(
            Fault::status(400)
                .method("GET")
                .path("/query/")
                .after(4)
                .times(1),
        );
        bench.run(&arguments).fails(1, &[]);
        bench.sandbox.clear_faults();
        std::fs::create_dir(bench.path("t")).unwrap();
        std::fs::write(bench.path("t/mine.txt"), "mine").unwrap();
        bench.run(&arguments).fails(13, &["move it away"]);
        std::fs::remove_file(bench.path("t/mine.txt")).unwrap();
        let state = bench.path("t.rowfeed/state.json");
        let text = std::fs::read_to_string(&state).unwrap();
        assert!(text.contains("\"rows\": 48"), "{text}");
        std::fs::write(&state, text.replace("\"finished\"", "\"running\"")).unwrap();
        std::fs::remove_dir_all(bench.path("t.rowfeed/finished")).unwrap();
        bench.run(&arguments).ok();
        let mut names: Vec<_> = std::fs::read_dir(bench.path("t"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        names.sort();
        assert_eq!(
            names,
            ["part-00000.parquet", "part-00001.parquet"],
            "{service}"
        );
    }
}

#[test]
fn an_unwritable_output_fails_before_anything_is_executed() {
    let bench = Bench::new();
    bench
        .run(&["dune", "sql", SQL, "-o", "none/of/these/t.csv"])
        .ok();
    std::fs::write(bench.path("file"), "").unwrap();
    bench
        .run(&["dune", "sql", SQL, "-o", "file/t.csv"])
        .fails(13, &["file"]);
    #[cfg(unix)]
    bench
        .run(&["dune", "sql", SQL, "-o", "/dev/full", "-f", "csv"])
        .fails(2, &["standard output"]);
    assert_eq!(bench.requests("POST", "/sql/execute"), 1);
}

#[test]
fn two_processes_do_not_write_one_file() {
    let bench = Bench::new();
    bench.sandbox.fault(
        Fault::delay(std::time::Duration::from_millis(300))
            .path("/results")
            .always(),
    );
    let arguments = ["dune", "sql", SQL, "-o", "t.csv", "--page-size", "10"];
    let first = bench.command(&arguments).spawn().unwrap();
    until("the first has its place", || {
        bench.exists("t.csv.rowfeed/state.json")
    });
    bench
        .run(&arguments)
        .fails(13, &["another process is writing t.csv"]);
    bench
        .run(&[&arguments[..], &["--force"]].concat())
        .fails(13, &["another process"]);
    assert_eq!(finish(first).code, Some(0));
    assert_eq!(bench.names(), ["t.csv"]);
    assert_eq!(bench.requests("POST", "/sql/execute"), 1);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error_of_the_output() {
    let bench = Bench::new();
    for format in ["table", "ndjson", "csv", "arrow"] {
        let mut command = bench.command(&["dune", "sql", SQL, "-f", format]);
        command.stdout(
            std::fs::File::options()
                .write(true)
                .open("/dev/full")
                .unwrap(),
        );
        crate::support::run(command).fails(13, &["standard output", "No space left"]);
    }
}

/// A file size limit of a few kilobytes simulates a full disk.
#[cfg(target_os = "linux")]
#[test]
fn an_export_stopped_by_a_full_disk_is_resumed_when_there_is_space() {
    for name in ["t.csv", "t.parquet"] {
        let bench = Bench::new();
        let whole = ["dune", "sql", "SELECT * FROM synthetic(20000)", "-o", name];
        let rest = [
            "--page-size",
            "1000",
            "--row-group",
            "1000",
            "--compression",
            "none",
        ];
        let arguments = [&whole[..], &rest].concat();
        let program = bench.command(&arguments);
        let mut limited = std::process::Command::new("sh");
        // In blocks of 512 bytes.
        limited.args(["-c", "trap '' XFSZ; ulimit -f 400; exec \"$0\" \"$@\""]);
        limited
            .arg(program.get_program())
            .args(program.get_args())
            .current_dir(bench.directory.path());
        for (variable, value) in program.get_envs() {
            limited.env(variable, value.unwrap_or_default());
        }
        limited
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped());
        let ran = crate::support::run(limited);
        if name == "t.csv" {
            ran.fails(
                13,
                &[
                    "t.csv.rowfeed",
                    "File too large",
                    "the same command resumes after row",
                ],
            );
        } else {
            // The parts are small, but the merged file is not.
            ran.fails(13, &["t.parquet.rowfeed", "File too large"]);
        }
        bench.run(&arguments).ok();
        assert_eq!(bench.requests("POST", "/sql/execute"), 1);
        let fresh = Bench::new();
        fresh.run(&arguments).ok();
        assert!(
            bench.read(name) == fresh.read(name),
            "{name} differs from one that was written at once"
        );
    }
}
