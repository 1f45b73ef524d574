//! rowfeed with default settings.

use std::time::Duration;

use ::rowfeed::{
    CompletedRun, Pages, RunRequest, Secret, dune, lightdash, prelude::*, yandex_query,
};
use serde::Deserialize;

use super::{Failure, describe};
use crate::{
    behavior::job::{Found, Job, Task},
    dataset::Service,
};

#[derive(Deserialize)]
struct Numbered {
    trade_id: i64,
    run: Option<i64>,
}

#[derive(Deserialize)]
struct DuneDigits {
    wide: String,
    price: String,
    id: i64,
}

#[derive(Deserialize)]
struct Price<T> {
    #[serde(alias = "trade_id")]
    id: i64,
    price: T,
}

pub(super) async fn read(job: &Job, client_debug: &mut String) -> Result<Found, Failure> {
    let key = Secret::new(&job.key).map_err(describe)?;
    let starting = match job.service {
        Service::Dune => {
            let builder = dune::Client::builder().base_url(&job.url).api_key(key);
            let client = builder.build().map_err(describe)?;
            *client_debug = format!("{client:?}");
            if job.task == Task::Latest {
                let latest = client.get_latest_query_result().query_id(job.query_id);
                return numbered(latest.pages(), job).await;
            }
            client.execute_sql().body(job.sql.as_str()).run()
        }
        Service::Lightdash => {
            let builder = lightdash::Client::builder().base_url(&job.url).token(key);
            let client = builder.build().map_err(describe)?;
            *client_debug = format!("{client:?}");
            let query = client.execute_async_sql_query().project_uuid(&job.project);
            query.body(job.sql.as_str()).run()
        }
        Service::YandexQuery => {
            let builder = yandex_query::Client::builder().base_url(&job.url);
            let client = builder.iam_token(key).build().map_err(describe)?;
            *client_debug = format!("{client:?}");
            let query = client.create_query().project(&job.project);
            query.body(job.sql.as_str()).run()
        }
    };
    let run = end(starting, job).await?;
    match job.task {
        Task::Digits => digits(&run, job.service).await,
        _ => numbered(run.pages(), job).await,
    }
}

async fn end(starting: RunRequest, job: &Job) -> Result<CompletedRun, Failure> {
    match job.wait_s {
        Some(seconds) => starting.timeout(Duration::from_secs(seconds)).await,
        None => starting.await,
    }
    .map_err(describe)
}

async fn numbered(pages: Pages, job: &Job) -> Result<Found, Failure> {
    let mut rows = pages.page_size(job.page_size).rows::<Numbered>();
    let mut found = Found::default();
    while let Some(row) = rows.try_next().await.map_err(describe)? {
        found.rows.push(row.trade_id);
        found.runs.extend(row.run);
    }
    Ok(found)
}

async fn digits(run: &CompletedRun, service: Service) -> Result<Found, Failure> {
    let mut digits = Vec::new();
    match service {
        Service::Dune => {
            let rows: Vec<DuneDigits> = run.rows().try_collect().await.map_err(describe)?;
            for row in rows {
                digits.extend([row.wide, row.price, row.id.to_string()]);
            }
        }
        Service::Lightdash => {
            let rows: Vec<Price<f64>> = run.rows().try_collect().await.map_err(describe)?;
            for row in rows {
                digits.extend([row.id.to_string(), row.price.to_string()]);
            }
        }
        Service::YandexQuery => {
            let rows: Vec<Price<String>> = run.rows().try_collect().await.map_err(describe)?;
            for row in rows {
                digits.extend([row.id.to_string(), row.price]);
            }
        }
    }
    Ok(Found {
        digits,
        ..Found::default()
    })
}
