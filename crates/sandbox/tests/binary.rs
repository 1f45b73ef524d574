//! Tests of the program.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Stdio};

use serde_json::Value;
use support::send;

#[tokio::test]
async fn the_first_line_describes_the_services_and_closing_stdin_stops_the_program() {
    let mut program = Command::new(env!("CARGO_BIN_EXE_rowfeed-sandbox"))
        .args(["--listen", "127.0.0.1:0", "--until-stdin-closes"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut out = BufReader::new(program.stdout.take().unwrap());
    out.read_line(&mut line).unwrap();
    let description: Value = serde_json::from_str(&line).unwrap();
    let text = |service: &str, key: &str| description[service][key].as_str().unwrap().to_owned();

    let client = reqwest::Client::new();
    let url = format!(
        "{}/v1/query/{}/results?limit=2&api_key={}",
        text("dune", "base_url"),
        description["dune"]["query_id"],
        text("dune", "api_key")
    );
    assert_eq!(send(client.get(url)).await.status, 200);
    let url = format!("{}/api/v1/user", text("lightdash", "base_url"));
    let key = format!("ApiKey {}", text("lightdash", "token"));
    assert_eq!(
        send(client.get(url).header("Authorization", key))
            .await
            .status,
        200
    );
    let url = format!(
        "{}/queries/x?project={}",
        text("yandex_query", "base_url"),
        text("yandex_query", "project")
    );
    let reply = send(
        client
            .get(url)
            .bearer_auth(text("yandex_query", "iam_token")),
    )
    .await;
    assert_eq!(reply.json()["details"][0]["issue_code"], 1000);

    drop(program.stdin.take());
    assert!(program.wait().unwrap().success());
    let mut log = String::new();
    let mut errors = program.stderr.take().unwrap();
    errors.read_to_string(&mut log).unwrap();
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(lines.len(), 3, "{log}");
    assert!(lines[0].starts_with("GET /dune/api/v1/query/"), "{log}");
    assert!(lines[0].ends_with("api_key=*** 200 2 rows"), "{log}");
    assert!(!log.contains(&text("dune", "api_key")));
}

/// Several arenas would keep memory that other threads cannot use.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[test]
fn the_program_uses_one_memory_arena_by_default() {
    for (given, expected) in [(None, "1"), (Some("3"), "3")] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rowfeed-sandbox"));
        command.env_remove("MALLOC_ARENA_MAX");
        if let Some(given) = given {
            command.env("MALLOC_ARENA_MAX", given);
        }
        let mut program = command
            .args(["--until-stdin-closes", "--sample-rows", "7"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut out = BufReader::new(program.stdout.take().unwrap());
        out.read_line(&mut line).unwrap();
        // it is the same process, with the same arguments
        let of_process = |what: &str| {
            let text = std::fs::read(format!("/proc/{}/{what}", program.id())).unwrap();
            String::from_utf8_lossy(&text).into_owned()
        };
        let settings = of_process("environ");
        let setting = format!("MALLOC_ARENA_MAX={expected}");
        let count = settings.split('\0').filter(|text| *text == setting).count();
        assert_eq!(count, 1, "{settings}");
        let arguments = of_process("cmdline");
        let arguments: Vec<&str> = arguments.split('\0').skip(1).collect();
        assert_eq!(
            arguments,
            ["--until-stdin-closes", "--sample-rows", "7", ""]
        );
        drop(program.stdin.take());
        assert!(program.wait().unwrap().success());
    }
}

#[cfg(unix)]
#[tokio::test]
async fn sigterm_stops_the_program_and_flags_configure_it() {
    let mut program = Command::new(env!("CARGO_BIN_EXE_rowfeed-sandbox"))
        .args(["--poll-steps", "0", "--max-page-rows", "3"])
        .args([
            "--fault",
            "status=503 on=dune",
            "--fault",
            "html=502 on=dune",
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut out = BufReader::new(program.stdout.take().unwrap());
    out.read_line(&mut line).unwrap();
    let description: Value = serde_json::from_str(&line).unwrap();
    let url = format!(
        "{}/v1/query/{}/results?api_key={}",
        description["dune"]["base_url"].as_str().unwrap(),
        description["dune"]["query_id"],
        description["dune"]["api_key"].as_str().unwrap()
    );
    let client = reqwest::Client::new();
    assert_eq!(send(client.get(&url)).await.status, 503);
    assert_eq!(send(client.get(&url)).await.status, 502);
    let page = send(client.get(&url)).await.json();
    assert_eq!(page["next_offset"], 3);

    let killed = Command::new("kill")
        .arg(program.id().to_string())
        .status()
        .unwrap();
    assert!(killed.success());
    let ended = program.wait().unwrap();
    // it exited, the signal did not kill it
    assert_eq!(ended.code(), Some(0));
}

#[test]
fn invalid_arguments_print_the_usage() {
    let output = Command::new(env!("CARGO_BIN_EXE_rowfeed-sandbox"))
        .args(["--port", "1"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("--port") && text.contains("usage:"), "{text}");
}
