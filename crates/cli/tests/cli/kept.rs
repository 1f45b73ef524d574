//! `--cache`: pages that are not fetched again.

use rowfeed_sandbox::{DUNE_API_KEY, Fault};

use crate::support::{Bench, bare, run};

#[test]
fn pages_of_a_run_are_fetched_once_by_commands_with_a_cache() {
    let bench = Bench::new();
    let id = bench
        .run(&["dune", "sql", "SELECT * FROM trades", "--no-wait"])
        .ok();
    let id = id.trim();
    let read = [
        "--cache=pages",
        "run",
        "attach",
        id,
        "--format",
        "csv",
        "--page-size",
        "20",
    ];
    let first = bench.run(&read);
    assert!(!first.err.contains("from the cache"), "{}", first.err);
    let first = first.ok();
    bench.sandbox.take_requests();
    bench
        .sandbox
        .fault(Fault::status(500).path("/results").always());
    let second = bench.run(&[&read[..], &["--json"]].concat());
    assert!(second.err.contains("\"event\":\"cache\""), "{}", second.err);
    assert!(second.err.contains("\"pages\":3"), "{}", second.err);
    assert_eq!(second.ok(), first);
    let paid = bench
        .sandbox
        .take_requests()
        .iter()
        .filter(|page| page.rows.is_some())
        .count();
    assert_eq!(paid, 0);
    // Another key is another account, whatever else is the same.
    let mut other = bench.command(&read);
    other.env("DUNE_API_KEY", format!("{DUNE_API_KEY}x"));
    assert_ne!(run(other).code, Some(0));
    // Without the flag, nothing is read or written there.
    bench.run(&["run", "attach", id]).fails(10, &[]);
    bench.sandbox.clear_faults();
    // A snapshot and an export use the same pages.
    let note = bench.run(&[
        "--cache=pages",
        "run",
        "attach",
        id,
        "-o",
        "t.csv",
        "--page-size",
        "20",
    ]);
    assert!(note.err.contains("3 pages from the cache"), "{}", note.err);
    note.ok();
    let text = String::from_utf8(bench.read("t.csv")).unwrap();
    assert_eq!(text, first);
}

#[test]
fn a_cache_without_a_directory_is_that_of_the_platform() {
    let bench = Bench::new();
    let id = bench
        .run(&["dune", "sql", "SELECT * FROM projects", "--no-wait"])
        .ok();
    let read = ["--cache", "run", "attach", id.trim(), "--format", "csv"];
    let first = bench.run(&read).ok();
    let entries = std::fs::read_dir(bench.path(".cache/rowfeed/pages")).unwrap();
    assert_eq!(entries.count(), 1);
    bench
        .sandbox
        .fault(Fault::status(500).path("/results").always());
    assert_eq!(bench.run(&read).ok(), first);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::create_dir(bench.path("open")).unwrap();
        std::fs::set_permissions(bench.path("open"), std::fs::Permissions::from_mode(0o755))
            .unwrap();
        let ran = bench.run(&["--cache=open", "run", "attach", id.trim()]);
        ran.fails(13, &["other users can use open", "--cache=DIRECTORY"]);
    }
}

#[cfg(unix)]
#[test]
fn another_credential_command_is_another_account() {
    let bench = Bench::new();
    let id = bench
        .run(&["dune", "sql", "SELECT * FROM projects", "--no-wait"])
        .ok();
    let read = |word: &str| {
        use std::os::unix::fs::PermissionsExt as _;
        let path = bench.path("profiles.toml");
        let script = format!("printf %s {DUNE_API_KEY}");
        let url = bench.sandbox.dune_url();
        let profile = format!(
            "[default.dune]\nbase-url = \"{url}\"\n\
             credential-command = [\"sh\", \"-c\", \"{script}\", \"{word}\"]\n"
        );
        std::fs::write(&path, profile).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        let attach = ["run", "attach", id.trim(), "--format", "csv", "--json"];
        let mut command = bare(
            bench.directory.path(),
            &[&["--cache=pages"], &attach[..]].concat(),
        );
        command.env("ROWFEED_CONFIG", &path);
        let ran = run(command);
        let event = ran.err.lines().find(|line| line.contains("\"cache\""));
        let event: serde_json::Value = serde_json::from_str(event.unwrap()).unwrap();
        ran.ok();
        event["pages"].as_u64().unwrap()
    };
    assert_eq!([read("mine"), read("mine"), read("theirs")], [0, 1, 0]);
    // The words may be secrets.
    for entry in std::fs::read_dir(bench.path("pages")).unwrap() {
        let entry = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!String::from_utf8_lossy(&entry).contains("mine"));
    }
}
