//! The output of progenitor, with the same loops around it.

use anyhow::{Result, anyhow, bail};
use serde_json::Value;

use super::{PAUSE, shapes};
use crate::{
    behavior::job::{Found, Job, Task},
    dataset::Service,
};

/// The unchanged output of progenitor.
#[allow(
    missing_docs,
    unreachable_pub,
    unused_imports,
    dead_code,
    clippy::all,
    clippy::unwrap_used
)]
mod client {
    include!(concat!(env!("OUT_DIR"), "/generated_behavior.rs"));
}

use client::types;

pub(super) async fn read(job: &Job, client_debug: &mut String) -> Result<Found> {
    let client = client::Client::new_with_client(&job.url, shapes::http(job)?);
    *client_debug = format!("{client:?}");
    match job.service {
        Service::Dune => dune(&client, job).await,
        Service::Lightdash => lightdash(&client, job).await,
        Service::YandexQuery => yandex_query(&client, job).await,
    }
}

fn objects(rows: Vec<serde_json::Map<String, Value>>) -> Vec<Value> {
    rows.into_iter().map(Value::Object).collect()
}

async fn dune(client: &client::Client, job: &Job) -> Result<Found> {
    let run = match job.task {
        Task::Latest => None,
        _ => {
            let sql = job.sql.clone();
            let started = client.dune_execute(&types::DuneStatement { sql }).await?;
            let id = started.into_inner().execution_id;
            loop {
                let status = client.dune_status(&id).await?.into_inner();
                if let Some(error) = status.error {
                    bail!("{:?}: {}", status.state, error.message.unwrap_or_default());
                }
                if status.is_execution_finished == Some(true) {
                    break;
                }
                tokio::time::sleep(PAUSE).await;
            }
            Some(id)
        }
    };
    let mut found = Found::default();
    let limit = Some(i64::from(job.page_size));
    let mut next = Some(0);
    while next.is_some() {
        let page = match &run {
            Some(id) => client.dune_results(id, limit, next).await?,
            None => client.dune_latest(job.query_id, limit, next).await?,
        };
        let page = page.into_inner();
        let result = page
            .result
            .ok_or_else(|| anyhow!("a page without a result"))?;
        shapes::take(job, objects(result.rows), &mut found)?;
        next = page.next_offset;
    }
    Ok(found)
}

async fn lightdash(client: &client::Client, job: &Job) -> Result<Found> {
    use types::LightdashPageStatus as Status;

    let statement = types::LightdashStatement {
        sql: job.sql.clone(),
        limit: Some(5000),
    };
    let started = client.lightdash_execute(&job.project, &statement).await?;
    let id = started.into_inner().results.query_uuid;
    let size = Some(i64::from(job.page_size));
    let mut found = Found::default();
    let mut next = Some(1);
    while next.is_some() {
        let page = client
            .lightdash_results(&job.project, &id, next, size)
            .await?;
        let page = page.into_inner().results;
        match page.status {
            Status::Ready => {
                shapes::take(job, objects(page.rows), &mut found)?;
                next = page.next_page;
            }
            Status::Error | Status::Cancelled | Status::Expired => {
                bail!("{}: {}", page.status, page.error.unwrap_or_default());
            }
            _ => tokio::time::sleep(PAUSE).await,
        }
    }
    Ok(found)
}

async fn yandex_query(client: &client::Client, job: &Job) -> Result<Found> {
    use types::YandexQueryStatus as Status;

    let project = Some(job.project.as_str());
    let text = job.sql.clone();
    let statement = types::YandexStatement { text };
    let started = client.yandex_query_create(project, &statement).await?;
    let id = started.into_inner().id;
    loop {
        let query = client.yandex_query_get(&id, project).await?.into_inner();
        match query.status {
            Status::Completed => break,
            Status::Failed => {
                bail!(
                    "{}",
                    query
                        .issues
                        .and_then(|issues| issues.message)
                        .unwrap_or_default()
                );
            }
            Status::Running => tokio::time::sleep(PAUSE).await,
        }
    }
    let limit = i64::from(job.page_size);
    let mut found = Found::default();
    let mut offset = 0;
    loop {
        let page = client.yandex_query_results(&id, 0, Some(limit), Some(offset), project);
        let rows = page.await?.into_inner().rows;
        let count = rows.len() as i64;
        let rows = rows.into_iter().map(Value::Array).collect();
        shapes::take(job, rows, &mut found)?;
        if count < limit {
            return Ok(found);
        }
        offset += count;
    }
}
