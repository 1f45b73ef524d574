//! Checks the responses to clients, and the pages that are fetched for them.
#![allow(clippy::unwrap_used)]

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    time::Duration,
};

use example_testing::as_dune;
use reqwest::Response;
use rowfeed_sandbox::{Fault, Sandbox};
use serde_json::Value;

/// The running program. Dropping it stops the program.
struct Service {
    child: Child,
    url: String,
}

impl Service {
    fn start(sandbox: &Sandbox) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_axum-ndjson"));
        Self::of(as_dune(command.arg("--live"), sandbox))
    }

    fn of(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let out = child.stdout.take().unwrap();
        BufReader::new(out).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("curl -N ").unwrap().to_owned();
        Self { child, url }
    }

    async fn get(&self) -> Response {
        let client = reqwest::Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(60));
        client.build().unwrap().get(&self.url).send().await.unwrap()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn lines(body: &str) -> Vec<Value> {
    body.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn pages(sandbox: &Sandbox) -> usize {
    sandbox.requests().len()
}

/// Waits until nothing has been fetched for a while.
async fn at_rest(sandbox: &Sandbox) -> usize {
    loop {
        let before = pages(sandbox);
        tokio::time::sleep(Duration::from_secs(1)).await;
        if pages(sandbox) == before {
            return before;
        }
    }
}

#[tokio::test]
async fn without_arguments_all_rows_arrive() {
    let service = Service::of(&mut Command::new(env!("CARGO_BIN_EXE_axum-ndjson")));
    let response = service.get().await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "application/x-ndjson");
    let rows = lines(&response.text().await.unwrap());
    assert_eq!(rows.len(), 48);
    assert!(rows.iter().all(|row| row["project"].is_string()));
}

#[tokio::test]
async fn a_slow_client_slows_reading_and_a_disconnect_ends_it() {
    let sandbox = Sandbox::builder()
        .sample_rows(80_000)
        .start()
        .await
        .unwrap();
    let service = Service::start(&sandbox);
    let mut response = service.get().await;
    assert!(response.chunk().await.unwrap().is_some());
    // Unread rows stay in the buffers of the connection until the buffers are full.
    let fetched = at_rest(&sandbox).await;
    assert!(
        fetched < 70,
        "{fetched} of 80 pages were fetched for a client that has read nothing"
    );
    drop(response);
    let after = at_rest(&sandbox).await;
    assert!(
        after <= fetched + 1,
        "{after} pages, {fetched} before the client disconnected"
    );
}

#[tokio::test]
async fn an_error_after_the_first_row_is_the_last_line() {
    let sandbox = Sandbox::builder().sample_rows(2_500).start().await.unwrap();
    sandbox.fault(Fault::status(403).path("/results").after(1).always());
    let service = Service::start(&sandbox);
    let response = service.get().await;
    assert_eq!(response.status(), 200);
    let rows = lines(&response.text().await.unwrap());
    assert_eq!(rows.len(), 1_001);
    let error = rows[1_000]["error"].as_str().unwrap();
    assert!(error.contains("403"), "{error}");
}

#[tokio::test]
async fn an_error_before_the_first_row_is_a_status() {
    let sandbox = Sandbox::start().await.unwrap();
    let mut service = Service::start(&sandbox);
    service.url = service
        .url
        .replace(&rowfeed_sandbox::DUNE_QUERY_ID.to_string(), "1");
    let response = service.get().await;
    assert_eq!(response.status(), 404);
    let answer = lines(&response.text().await.unwrap());
    assert!(
        answer[0]["error"].as_str().unwrap().contains("404"),
        "{answer:?}"
    );

    sandbox.fault(Fault::status(403));
    assert_eq!(service.get().await.status(), 502);
}
