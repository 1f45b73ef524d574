//! Helpers that send plain HTTP requests.
#![allow(dead_code)]

use reqwest::{Method, RequestBuilder};
use rowfeed_sandbox::{
    DUNE_API_KEY, LIGHTDASH_PROJECT_UUID, LIGHTDASH_TOKEN, Sandbox, YANDEX_IAM_TOKEN,
    YANDEX_PROJECT,
};
use serde_json::Value;

#[cfg(target_os = "linux")]
pub(crate) mod program;

/// A response with its complete body.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl Reply {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

pub(crate) async fn send(request: RequestBuilder) -> Reply {
    let response = request.send().await.unwrap();
    Reply {
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        text: response.text().await.unwrap(),
    }
}

pub(crate) fn dune(sandbox: &Sandbox, method: Method, path: &str) -> RequestBuilder {
    reqwest::Client::new()
        .request(method, format!("{}{path}", sandbox.dune_url()))
        .header("X-Dune-Api-Key", DUNE_API_KEY)
}

pub(crate) fn lightdash(sandbox: &Sandbox, method: Method, path: &str) -> RequestBuilder {
    reqwest::Client::new()
        .request(method, format!("{}{path}", sandbox.lightdash_url()))
        .header("Authorization", format!("ApiKey {LIGHTDASH_TOKEN}"))
}

/// Builds a request for a path below the project's queries.
pub(crate) fn lightdash_query(sandbox: &Sandbox, method: Method, path: &str) -> RequestBuilder {
    let path = format!("/api/v2/projects/{LIGHTDASH_PROJECT_UUID}/query{path}");
    lightdash(sandbox, method, &path)
}

pub(crate) fn yandex_query(sandbox: &Sandbox, method: Method, path: &str) -> RequestBuilder {
    reqwest::Client::new()
        .request(method, format!("{}{path}", sandbox.yandex_query_url()))
        .query(&[("project", YANDEX_PROJECT)])
        .bearer_auth(YANDEX_IAM_TOKEN)
}

/// Runs SQL on Dune and returns the id of the execution.
pub(crate) async fn dune_execution(sandbox: &Sandbox, sql: &str) -> String {
    let request = dune(sandbox, Method::POST, "/v1/sql/execute");
    let reply = send(request.json(&serde_json::json!({ "sql": sql }))).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(reply.json()["state"], "QUERY_STATE_PENDING");
    reply.json()["execution_id"].as_str().unwrap().to_owned()
}

/// Runs SQL on Lightdash and returns the UUID of the query.
pub(crate) async fn lightdash_run(sandbox: &Sandbox, sql: &str) -> String {
    let request = lightdash_query(sandbox, Method::POST, "/sql");
    let reply = send(request.json(&serde_json::json!({ "sql": sql }))).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.json()["results"]["queryUuid"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// Runs YQL and returns the id of the query.
pub(crate) async fn yandex_query_run(sandbox: &Sandbox, text: &str) -> String {
    let request = yandex_query(sandbox, Method::POST, "/queries");
    let reply = send(request.json(&serde_json::json!({ "text": text }))).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.json()["id"].as_str().unwrap().to_owned()
}
