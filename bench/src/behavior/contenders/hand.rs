//! The hand-written loop: reqwest, `error_for_status`, a poll every 200 ms, and the service's rule
//! for the next page.

use anyhow::{Result, bail};
use reqwest::Client;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{PAUSE, shapes};
use crate::{
    behavior::job::{Found, Job, Task},
    dataset::Service,
};

pub(super) async fn read(job: &Job, client_debug: &mut String) -> Result<Found> {
    let http = shapes::http(job)?;
    *client_debug = format!("{http:?}");
    match job.service {
        Service::Dune => dune(&http, job).await,
        Service::Lightdash => lightdash(&http, job).await,
        Service::YandexQuery => yandex_query(&http, job).await,
    }
}

async fn get<T: DeserializeOwned>(http: &Client, url: &str, query: &impl Serialize) -> Result<T> {
    let response = http
        .get(url)
        .query(query)
        .send()
        .await?
        .error_for_status()?;
    Ok(serde_json::from_slice(&response.bytes().await?)?)
}

async fn post<T: DeserializeOwned>(http: &Client, url: &str, body: Value) -> Result<T> {
    let response = http
        .post(url)
        .json(&body)
        .send()
        .await?
        .error_for_status()?;
    Ok(serde_json::from_slice(&response.bytes().await?)?)
}

#[derive(Deserialize)]
struct DuneStarted {
    execution_id: String,
}

#[derive(Deserialize)]
struct DuneStatus {
    state: String,
    is_execution_finished: bool,
    error: Option<Message>,
}

#[derive(Deserialize)]
struct Message {
    message: String,
}

#[derive(Deserialize)]
struct DunePage {
    result: DuneResult,
    next_offset: Option<u64>,
}

#[derive(Deserialize)]
struct DuneResult {
    rows: Vec<Value>,
}

async fn dune(http: &Client, job: &Job) -> Result<Found> {
    let base = format!("{}/v1", job.url);
    let results = match job.task {
        Task::Latest => format!("{base}/query/{}/results", job.query_id),
        _ => {
            let url = format!("{base}/sql/execute");
            let started: DuneStarted = post(http, &url, json!({ "sql": job.sql })).await?;
            let run = format!("{base}/execution/{}", started.execution_id);
            loop {
                let status: DuneStatus = get(http, &format!("{run}/status"), &()).await?;
                if let Some(error) = status.error {
                    bail!("{}: {}", status.state, error.message);
                }
                if status.is_execution_finished {
                    break;
                }
                tokio::time::sleep(PAUSE).await;
            }
            format!("{run}/results")
        }
    };
    let mut found = Found::default();
    let mut next = Some(0);
    while let Some(offset) = next {
        let query = [("limit", u64::from(job.page_size)), ("offset", offset)];
        let page: DunePage = get(http, &results, &query).await?;
        shapes::take(job, page.result.rows, &mut found)?;
        next = page.next_offset;
    }
    Ok(found)
}

#[derive(Deserialize)]
struct Lightdash<T> {
    results: T,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LightdashStarted {
    query_uuid: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LightdashPage {
    status: String,
    error: Option<String>,
    rows: Option<Vec<Value>>,
    next_page: Option<u64>,
}

async fn lightdash(http: &Client, job: &Job) -> Result<Found> {
    let base = format!("{}/api/v2/projects/{}/query", job.url, job.project);
    let body = json!({ "sql": job.sql, "limit": 5000 });
    let started: Lightdash<LightdashStarted> = post(http, &format!("{base}/sql"), body).await?;
    let url = format!("{base}/{}", started.results.query_uuid);
    let mut found = Found::default();
    let mut next = Some(1);
    while let Some(number) = next {
        let query = [("page", number), ("pageSize", u64::from(job.page_size))];
        let page: Lightdash<LightdashPage> = get(http, &url, &query).await?;
        let page = page.results;
        match page.status.as_str() {
            "ready" => {
                shapes::take(job, page.rows.unwrap_or_default(), &mut found)?;
                next = page.next_page;
            }
            "error" | "cancelled" | "expired" => {
                bail!("{}: {}", page.status, page.error.unwrap_or_default());
            }
            _ => tokio::time::sleep(PAUSE).await,
        }
    }
    Ok(found)
}

#[derive(Deserialize)]
struct YandexStarted {
    id: String,
}

#[derive(Deserialize)]
struct YandexQuery {
    status: String,
    issues: Option<Message>,
}

#[derive(Deserialize)]
struct YandexPage {
    rows: Vec<Value>,
}

async fn yandex_query(http: &Client, job: &Job) -> Result<Found> {
    let base = format!("{}/queries", job.url);
    let project = [("project", &job.project)];
    let request = http
        .post(&base)
        .query(&project)
        .json(&json!({ "text": job.sql }));
    let response = request.send().await?.error_for_status()?;
    let started: YandexStarted = serde_json::from_slice(&response.bytes().await?)?;
    let url = format!("{base}/{}", started.id);
    loop {
        let query: YandexQuery = get(http, &url, &project).await?;
        match query.status.as_str() {
            "COMPLETED" => break,
            "FAILED" => bail!(
                "{}",
                query
                    .issues
                    .map(|issues| issues.message)
                    .unwrap_or_default()
            ),
            _ => tokio::time::sleep(PAUSE).await,
        }
    }
    let mut found = Found::default();
    let mut offset = 0;
    loop {
        let limit = u64::from(job.page_size);
        let query = (
            ("project", &job.project),
            ("limit", limit),
            ("offset", offset),
        );
        let page: YandexPage = get(http, &format!("{url}/results/0"), &query).await?;
        let count = page.rows.len() as u64;
        shapes::take(job, page.rows, &mut found)?;
        if count < limit {
            return Ok(found);
        }
        offset += count;
    }
}
