//! `--record`, and `sandbox --replay`.

use std::io::{BufRead as _, BufReader};

use rowfeed_sandbox::{Conversation, DUNE_API_KEY, Fault, LIGHTDASH_TOKEN, YANDEX_IAM_TOKEN};

use crate::support::{Bench, run};

const SQL: &str = "SELECT * FROM trades ORDER BY block_time";

#[test]
fn a_recorded_conversation_is_replayed_to_the_byte_and_has_no_credential() {
    let bench = Bench::with(|sandbox| sandbox.poll_steps(1));
    let commands = [
        vec!["dune", "sql", SQL, "--format", "csv", "--page-size", "20"],
        vec!["dune", "latest", "4132025", "--format", "ndjson"],
        vec![
            "lightdash",
            "sql",
            "SELECT * FROM projects",
            "--format",
            "csv",
        ],
        vec!["yandex", "sql", SQL, "--format", "csv"],
    ];
    let record = ["--record", "calls.ndjson"];
    // A wait that the service asks for, which is not recorded: the call is repeated.
    bench
        .sandbox
        .fault(Fault::status(429).path("/results").times(1));
    let recorded = commands
        .clone()
        .map(|command| bench.run(&[&record[..], &command].concat()).ok());
    let refused = bench.run(&[
        "--record",
        "calls.ndjson",
        "dune",
        "sql",
        "SELECT tides FROM trades",
    ]);
    let refused = refused.fails(5, &["no such column"]);
    let text = String::from_utf8(bench.read("calls.ndjson")).unwrap();
    for secret in [DUNE_API_KEY, LIGHTDASH_TOKEN, YANDEX_IAM_TOKEN] {
        assert!(!text.contains(secret));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let metadata = std::fs::metadata(bench.path("calls.ndjson")).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    }
    // Another sandbox, without these tables' rows and runs.
    let replay = Bench::with(|sandbox| sandbox.sample_rows(1));
    replay
        .sandbox
        .replay(Conversation::load(bench.path("calls.ndjson")).unwrap());
    for (command, expected) in commands.iter().zip(&recorded) {
        assert_eq!(replay.run(command).ok(), *expected, "{command:?}");
    }
    let again = replay.run(&["dune", "sql", "SELECT tides FROM trades"]);
    let run_of = |text: &str| {
        text.split("Execution ID: ")
            .nth(1)
            .map(|rest| rest[..26].to_owned())
    };
    assert_eq!(
        run_of(&again.fails(5, &["no such column"])),
        run_of(&refused)
    );
    // Faults of the sandbox hold for what is replayed, too.
    replay
        .sandbox
        .fault(Fault::reset().path("/sql/execute").times(1));
    replay.run(&commands[0]).fails(10, &[]);
    // What was not recorded is refused, and says so.
    let other = replay.run(&["dune", "sql", "SELECT 2", "-v"]);
    other.fails(
        4,
        &["the recording has no POST /v1/sql/execute with this body"],
    );
}

#[test]
fn a_credential_that_the_service_sends_back_is_not_recorded() {
    let bench = Bench::new();
    let id = bench
        .run(&["dune", "sql", "SELECT 1 AS n", "--no-wait"])
        .ok();
    let body = format!("{{\"error\": \"the key {DUNE_API_KEY} is not good\"}}");
    bench.sandbox.fault(
        Fault::answer(400, "application/json", body)
            .path("/status")
            .times(1),
    );
    let ran = bench.run(&["--record", "calls.ndjson", "run", "attach", id.trim()]);
    assert_ne!(ran.code, Some(0));
    let sql = format!("SELECT '{DUNE_API_KEY}' AS key");
    bench
        .run(&[
            "--record",
            "calls.ndjson",
            "dune",
            "sql",
            &sql,
            "--format",
            "csv",
        ])
        .ok();
    let text = String::from_utf8(bench.read("calls.ndjson")).unwrap();
    assert!(!text.contains(DUNE_API_KEY));
    let stars = "*".repeat(DUNE_API_KEY.len());
    assert!(
        text.contains(&format!("the key {stars} is not good")),
        "{text}"
    );
    assert!(text.contains(&format!("SELECT '{stars}' AS key")), "{text}");
}

#[test]
fn the_sandbox_as_a_server_replays_and_refuses_what_is_no_recording() {
    let bench = Bench::new();
    let latest = ["dune", "latest", "4132025", "--format", "csv"];
    let recorded = bench.run(&[&["--record", "calls.ndjson"][..], &latest].concat());
    let recorded = recorded.ok();
    let mut server = bench
        .command(&[
            "sandbox",
            "--replay",
            "calls.ndjson",
            "-q",
            "--sample-rows",
            "1",
        ])
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let services: serde_json::Value = serde_json::from_str(&line).unwrap();
    let mut command = bench.command(&latest);
    command.env(
        "DUNE_API_BASE_URL",
        services["dune"]["base_url"].as_str().unwrap(),
    );
    let replayed = run(command);
    server.kill().unwrap();
    server.wait().unwrap();
    assert_eq!(replayed.ok(), recorded);

    std::fs::write(bench.path("bad.ndjson"), "{\"service\": \"tides\"}\n").unwrap();
    let arguments = ["sandbox", "--replay", "bad.ndjson"];
    bench
        .run(&arguments)
        .fails(2, &["--replay bad.ndjson", "line 1"]);
    bench
        .run(&["sandbox", "--replay", "none"])
        .fails(2, &["--replay none"]);
    let nowhere = [
        "--record",
        "no/such/directory/calls",
        "dune",
        "latest",
        "4132025",
    ];
    bench.run(&nowhere).fails(13, &["no/such/directory/calls"]);
}
