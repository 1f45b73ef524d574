//! The limit without HTTP: the bodies of the same pages, in memory before the clock starts, decoded
//! on one core into the structs of the hand-written loop, by `serde_json` from text and by
//! `sonic-rs`.

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use serde::de::DeserializeOwned;

use super::{
    Job, fetch,
    hand::{DunePage, LightdashPage, Structs, YandexPage},
};
use crate::{
    dataset::{Dataset, Service},
    sum::{Row, Sum},
    table::period,
};

pub(crate) struct Limit {
    /// The pages until the rows of the table repeat.
    bodies: Vec<Bytes>,
    /// The last page, which may be shorter.
    last: Bytes,
    pages: usize,
}

impl Limit {
    pub(super) async fn prepare(job: &Job) -> Result<Self> {
        let table = job.dataset.parse::<Dataset>()?.table;
        let (size, period) = (u64::from(job.page_size), period(table));
        ensure!(
            job.rows <= period || period.is_multiple_of(size),
            "pages of {size} rows do not repeat after {period} rows"
        );
        let different = period.div_ceil(size);
        let paths: Vec<String> = fetch::paths(job).collect();
        let http = reqwest::Client::new();
        let get = async |path: &str| -> Result<Bytes> {
            let response = http.get(format!("{}{path}", job.url)).send().await?;
            Ok(response.error_for_status()?.bytes().await?)
        };
        let mut bodies = Vec::new();
        for path in paths.iter().take(usize::try_from(different)?) {
            bodies.push(get(path).await?);
        }
        let last = get(paths.last().context("the result has no pages")?).await?;
        Ok(Self {
            bodies,
            last,
            pages: paths.len(),
        })
    }

    pub(super) fn read<S: Structs>(&self, job: &Job) -> Result<Sum> {
        let mut sum = Sum::default();
        let again = self.bodies.iter().cycle().take(self.pages - 1);
        for body in again.chain([&self.last]) {
            match job.service {
                Service::Dune => {
                    let page: DunePage<S::Dune> = parse(job, body)?;
                    page.result.rows.iter().for_each(|row| row.add_to(&mut sum));
                }
                Service::Lightdash => {
                    let page: LightdashPage<S::Lightdash> = parse(job, body)?;
                    page.results
                        .rows
                        .iter()
                        .for_each(|row| row.add_to(&mut sum));
                }
                Service::YandexQuery => {
                    let page: YandexPage<S::YandexQuery> = parse(job, body)?;
                    page.rows.iter().for_each(|row| row.add_to(&mut sum));
                }
            }
        }
        Ok(sum)
    }
}

fn parse<T: DeserializeOwned>(job: &Job, body: &[u8]) -> Result<T> {
    Ok(match job.contender.as_str() {
        "limit-sonic" => sonic_rs::from_slice(body)?,
        _ => serde_json::from_str(std::str::from_utf8(body)?)?,
    })
}
