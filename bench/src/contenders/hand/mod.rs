//! A good hand-written loop: reqwest, `serde_json::from_slice` directly into a typed page, and the
//! service's rule for the next page.

mod cells;
mod columns;
mod rows;

use anyhow::Result;
use serde::{Deserialize, de::DeserializeOwned};

pub(super) use self::columns::{bytes, microseconds, read as read_batches};
pub(super) use self::rows::{Mixed, Outside, Structs, Wide};
use super::Job;
use crate::{
    dataset::Service,
    sum::{Row, Sum},
};

/// A page of Dune.
#[derive(Deserialize)]
pub(super) struct DunePage<T> {
    pub(super) result: DuneResult<T>,
    next_offset: Option<u64>,
}

#[derive(Deserialize)]
pub(super) struct DuneResult<T> {
    pub(super) rows: Vec<T>,
}

/// A page of Lightdash.
#[derive(Deserialize)]
pub(super) struct LightdashPage<T> {
    pub(super) results: LightdashResults<T>,
}

#[derive(Deserialize)]
pub(super) struct LightdashResults<T> {
    pub(super) rows: Vec<T>,
    #[serde(rename = "nextPage")]
    next_page: Option<u64>,
}

/// A page of Yandex Query.
#[derive(Deserialize)]
pub(super) struct YandexPage<T> {
    pub(super) rows: Vec<T>,
}

pub(super) async fn read<S: Structs>(http: &reqwest::Client, job: &Job) -> Result<Sum> {
    let mut sum = Sum::default();
    match job.service {
        Service::Dune => dune(http, job, |rows| add::<S::Dune>(&rows, &mut sum)).await,
        Service::Lightdash => {
            lightdash(http, job, |rows| add::<S::Lightdash>(&rows, &mut sum)).await
        }
        Service::YandexQuery => {
            yandex_query(http, job, |rows| add::<S::YandexQuery>(&rows, &mut sum)).await
        }
    }?;
    Ok(sum)
}

fn add<T: Row>(rows: &[T], sum: &mut Sum) {
    rows.iter().for_each(|row| row.add_to(sum));
}

async fn dune<T: DeserializeOwned>(
    http: &reqwest::Client,
    job: &Job,
    mut page_of: impl FnMut(Vec<T>),
) -> Result<()> {
    let url = format!("{}/api/v1/execution/{}/results", job.url, job.dataset);
    let limit = u64::from(job.page_size);
    let mut next = Some(0);
    while let Some(offset) = next {
        let request = http
            .get(&url)
            .query(&[("limit", limit), ("offset", offset)]);
        let body = request.send().await?.error_for_status()?.bytes().await?;
        let page: DunePage<T> = serde_json::from_slice(&body)?;
        page_of(page.result.rows);
        next = page.next_offset;
    }
    Ok(())
}

async fn lightdash<T: DeserializeOwned>(
    http: &reqwest::Client,
    job: &Job,
    mut page_of: impl FnMut(Vec<T>),
) -> Result<()> {
    let url = format!("{}/api/v2/projects/project/query/{}", job.url, job.dataset);
    let size = u64::from(job.page_size);
    let mut next = Some(1);
    while let Some(page) = next {
        let request = http.get(&url).query(&[("page", page), ("pageSize", size)]);
        let body = request.send().await?.error_for_status()?.bytes().await?;
        let page: LightdashPage<T> = serde_json::from_slice(&body)?;
        page_of(page.results.rows);
        next = page.results.next_page;
    }
    Ok(())
}

async fn yandex_query<T: DeserializeOwned>(
    http: &reqwest::Client,
    job: &Job,
    mut page_of: impl FnMut(Vec<T>),
) -> Result<()> {
    let url = format!("{}/api/fq/v1/queries/{}/results/0", job.url, job.dataset);
    let limit = u64::from(job.page_size);
    let mut offset = 0;
    loop {
        let request = http.get(&url).query(&[("project", "folder")]);
        let request = request.query(&[("limit", limit), ("offset", offset)]);
        let body = request.send().await?.error_for_status()?.bytes().await?;
        let page: YandexPage<T> = serde_json::from_slice(&body)?;
        let count = page.rows.len() as u64;
        page_of(page.rows);
        if count < limit {
            return Ok(());
        }
        offset += count;
    }
}
