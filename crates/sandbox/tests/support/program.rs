//! The sandbox as a separate process, whose memory can be measured.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use reqwest::{Client, Method, RequestBuilder};
use rowfeed_sandbox::{
    DUNE_API_KEY, LIGHTDASH_PROJECT_UUID, LIGHTDASH_TOKEN, YANDEX_IAM_TOKEN, YANDEX_PROJECT,
};
use serde_json::{Value, json};
use tokio::sync::{Mutex, MutexGuard};

use super::send;

/// A running process of the program.
pub(crate) struct Program {
    child: Child,
    pub(crate) origin: String,
    pub(crate) client: Client,
    _turn: MutexGuard<'static, ()>,
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum At {
    Dune,
    Lightdash,
    YandexQuery,
}

pub(crate) const ALL: [At; 3] = [At::Dune, At::Lightdash, At::YandexQuery];

/// Only one program runs at a time, so that measured times are not disturbed.
static TURN: Mutex<()> = Mutex::const_new(());

impl Program {
    /// Starts the program. `time` is the time limit of a query in seconds.
    pub(crate) async fn start(time: &str) -> Self {
        let turn = TURN.lock().await;
        let mut child = Command::new(env!("CARGO_BIN_EXE_rowfeed-sandbox"))
            .args([
                "--until-stdin-closes",
                "--poll-steps",
                "0",
                "--query-time-limit",
                time,
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // a pipe that nobody reads
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let description: Value = serde_json::from_str(&line).unwrap();
        let origin = description["control_url"].as_str().unwrap();
        Self {
            origin: origin.trim_end_matches("/sandbox").to_owned(),
            child,
            _turn: turn,
            client: Client::new(),
        }
    }

    pub(crate) fn dune(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}/dune/api/v1{path}", self.origin);
        self.client
            .request(method, url)
            .header("X-Dune-Api-Key", DUNE_API_KEY)
    }

    pub(crate) fn lightdash(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!(
            "{}/lightdash/api/v2/projects/{LIGHTDASH_PROJECT_UUID}/query{path}",
            self.origin
        );
        self.client
            .request(method, url)
            .header("Authorization", format!("ApiKey {LIGHTDASH_TOKEN}"))
    }

    pub(crate) fn yandex_query(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}/yandex-query/api/fq/v1/queries{path}", self.origin);
        self.client
            .request(method, url)
            .query(&[("project", YANDEX_PROJECT)])
            .bearer_auth(YANDEX_IAM_TOKEN)
    }

    /// Builds the request that runs a text.
    pub(crate) fn start_of(&self, at: At, sql: &str) -> RequestBuilder {
        match at {
            At::Dune => self
                .dune(Method::POST, "/sql/execute")
                .json(&json!({ "sql": sql })),
            At::Lightdash => self
                .lightdash(Method::POST, "/sql")
                .json(&json!({ "sql": sql })),
            At::YandexQuery => self
                .yandex_query(Method::POST, "")
                .json(&json!({ "text": sql })),
        }
    }

    /// Runs a text and returns its error or its first page.
    pub(crate) async fn run(&self, at: At, sql: &str) -> Result<Value, String> {
        let reply = send(self.start_of(at, sql)).await;
        match at {
            At::Dune => {
                let Some(id) = reply.json()["execution_id"].as_str().map(str::to_owned) else {
                    return Err(reply.text);
                };
                let path = format!("/execution/{id}/results");
                let body = send(self.dune(Method::GET, &path)).await.json();
                match body["error"]["message"].as_str() {
                    Some(message) => Err(message.to_owned()),
                    None => Ok(body["result"]["rows"].clone()),
                }
            }
            At::Lightdash => {
                let Some(id) = reply.json()["results"]["queryUuid"]
                    .as_str()
                    .map(str::to_owned)
                else {
                    return Err(reply.text);
                };
                let body = send(self.lightdash(Method::GET, &format!("/{id}")))
                    .await
                    .json();
                match body["results"]["error"].as_str() {
                    Some(message) => Err(message.to_owned()),
                    None => Ok(body["results"]["rows"].clone()),
                }
            }
            At::YandexQuery => {
                let Some(id) = reply.json()["id"].as_str().map(str::to_owned) else {
                    return Err(reply.text);
                };
                let body = send(self.yandex_query(Method::GET, &format!("/{id}")))
                    .await
                    .json();
                if body["status"] == "FAILED" {
                    return Err(body["issues"]["message"].as_str().unwrap().to_owned());
                }
                let path = format!("/{id}/results/0");
                Ok(send(self.yandex_query(Method::GET, &path)).await.json()["rows"].clone())
            }
        }
    }

    /// Checks that each service answers a simple query within a second and that memory is below the
    /// limit.
    pub(crate) async fn check_health(&self, after: &str) {
        for at in ALL {
            let started = Instant::now();
            let rows = self.run(at, "select 1 as one").await;
            let took = started.elapsed();
            assert_eq!(
                rows.unwrap().as_array().unwrap().len(),
                1,
                "{at:?} after {after}"
            );
            assert!(
                took < Duration::from_secs(1),
                "{at:?} took {took:?} after {after}"
            );
        }
        let memory = self.memory();
        assert!(memory < 300, "{memory} MiB after {after}");
    }

    /// Returns the resident memory in MiB.
    pub(crate) fn memory(&self) -> u64 {
        self.status("VmRSS:")
    }

    /// Returns the peak of the resident memory in MiB.
    pub(crate) fn peak(&self) -> u64 {
        self.status("VmHWM:")
    }

    fn status(&self, what: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with(what)).unwrap();
        let number: String = line.chars().filter(char::is_ascii_digit).collect();
        number.parse::<u64>().unwrap() / 1024
    }
}
