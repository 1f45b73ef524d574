//! The default output of progenitor: its client, rows as JSON values, and one `from_value` per row.

use anyhow::{Result, anyhow};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Job, hand::Structs};
use crate::{
    dataset::Service,
    sum::{Row, Sum},
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
    include!(concat!(env!("OUT_DIR"), "/generated_default.rs"));
}

pub(crate) struct Generated(client::Client);

impl Generated {
    pub(super) fn new(job: &Job) -> Self {
        Self(client::Client::new(&job.url))
    }

    pub(super) async fn read<S: Structs>(&self, job: &Job) -> Result<Sum> {
        match job.service {
            Service::Dune => self.dune::<S::Dune>(job).await,
            Service::Lightdash => self.lightdash::<S::Lightdash>(job).await,
            Service::YandexQuery => self.yandex_query::<S::YandexQuery>(job).await,
        }
    }

    async fn dune<T: Row + DeserializeOwned>(&self, job: &Job) -> Result<Sum> {
        let limit = i64::from(job.page_size);
        let mut sum = Sum::default();
        let mut next = Some(0);
        while let Some(offset) = next {
            let page = self.0.dune_results(&job.dataset, Some(limit), Some(offset));
            let page = page.await?.into_inner();
            let result = page
                .result
                .ok_or_else(|| anyhow!("a page without a result"))?;
            for row in result.rows {
                let row: T = serde_json::from_value(Value::Object(row))?;
                row.add_to(&mut sum);
            }
            next = page.next_offset;
        }
        Ok(sum)
    }

    async fn lightdash<T: Row + DeserializeOwned>(&self, job: &Job) -> Result<Sum> {
        let size = i64::from(job.page_size);
        let mut sum = Sum::default();
        let mut next = Some(1);
        while let Some(page) = next {
            let page = self
                .0
                .lightdash_results("project", &job.dataset, Some(page), Some(size));
            let results = page.await?.into_inner().results;
            for row in results.rows {
                let row: T = serde_json::from_value(Value::Object(row))?;
                row.add_to(&mut sum);
            }
            next = results.next_page;
        }
        Ok(sum)
    }

    async fn yandex_query<T: Row + DeserializeOwned>(&self, job: &Job) -> Result<Sum> {
        let limit = i64::from(job.page_size);
        let mut sum = Sum::default();
        let mut offset = 0;
        loop {
            let (limit_, offset_) = (Some(limit), Some(offset));
            let page =
                self.0
                    .yandex_query_results(&job.dataset, 0, limit_, offset_, Some("folder"));
            let rows = page.await?.into_inner().rows;
            let count = rows.len() as i64;
            for row in rows {
                let row: T = serde_json::from_value(Value::Array(row))?;
                row.add_to(&mut sum);
            }
            if count < limit {
                return Ok(sum);
            }
            offset += count;
        }
    }
}
