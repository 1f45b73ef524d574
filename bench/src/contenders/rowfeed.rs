//! rowfeed: `rows::<T>()` by default, with `prefetch`, and with only the columns of `T`; pages
//! without their rows; and the decoding of pages in memory.

use ::rowfeed::{CompletedRun, Page, Pages, Secret, dune, lightdash, prelude::*, yandex_query};
use anyhow::Result;
use rowfeed_arrow::RecordBatchesExt as _;
use serde::de::DeserializeOwned;

use super::{Job, Outcome, batches::Batches};
use crate::{
    dataset::Service,
    sum::{Row, Sum},
};

pub(crate) struct Rowfeed {
    client: Client,
    /// For `rowfeed-decode`.
    in_memory: Vec<Page>,
}

enum Client {
    Dune(dune::Client),
    Lightdash(lightdash::Client),
    Direct(yandex_query::Client),
    /// An ended run from `create_query().run()`, which knows its number of rows.
    YandexQuery(CompletedRun),
}

impl Rowfeed {
    pub(super) async fn prepare(job: &Job) -> Result<Self> {
        let key = Secret::new("a key")?;
        let client = match job.service {
            Service::Dune => {
                let url = format!("{}/api", job.url);
                Client::Dune(dune::Client::builder().base_url(url).api_key(key).build()?)
            }
            Service::Lightdash => {
                let builder = lightdash::Client::builder().base_url(&job.url);
                Client::Lightdash(builder.token(key).build()?)
            }
            Service::YandexQuery => {
                let builder = yandex_query::Client::builder();
                let builder = builder.base_url(format!("{}/api/fq/v1", job.url));
                let client = builder.iam_token(key).build()?;
                if job.direct {
                    return Ok(Self {
                        client: Client::Direct(client),
                        in_memory: Vec::new(),
                    });
                }
                let query = client.create_query().project("folder");
                // Here the text of the query is the id of its result.
                Client::YandexQuery(query.body(job.dataset.as_str()).run().await?)
            }
        };
        let mut this = Self {
            client,
            in_memory: Vec::new(),
        };
        if job.contender == "rowfeed-decode" {
            this.in_memory = this.pages(job).try_collect().await?;
        }
        Ok(this)
    }

    fn pages(&self, job: &Job) -> Pages {
        let id = &job.dataset;
        let pages = match &self.client {
            Client::Dune(client) => {
                let results = client.get_execution_results().execution_id(id);
                match job.chained {
                    true => results.filters("log_index >= 0").pages(),
                    false => results.pages(),
                }
            }
            Client::Lightdash(client) => {
                let results = client.get_async_query_results();
                results.project_uuid("project").query_uuid(id).pages()
            }
            Client::YandexQuery(run) => run.pages(),
            Client::Direct(client) => {
                let results = client.get_query_results().query_id(id);
                results.project("folder").result_set_index(0).pages()
            }
        };
        pages.page_size(job.page_size)
    }

    pub(super) async fn read<T>(&self, job: &Job) -> Result<Outcome>
    where
        T: Row + DeserializeOwned + Send + 'static,
    {
        let mut sum = Sum::default();
        let pages = match job.contender.as_str() {
            "rowfeed-pages" => return count(self.pages(job)).await,
            "rowfeed-decode" => {
                for page in &self.in_memory {
                    for row in page.rows::<T>()? {
                        row.add_to(&mut sum);
                    }
                }
                return Ok(sum.into());
            }
            "rowfeed-prefetch" => self.pages(job).prefetch(job.prefetch),
            "rowfeed-columns" => self.pages(job).select_fields::<T>(),
            _ => self.pages(job),
        };
        let mut rows = pages.rows::<T>();
        while let Some(row) = rows.try_next().await? {
            row.add_to(&mut sum);
        }
        Ok(sum.into())
    }
}

impl Rowfeed {
    /// Adds up the columns, and for an export also writes them as Parquet.
    pub(super) async fn read_batches(&self, job: &Job) -> Result<Outcome> {
        let pages = match job.contender.as_str() {
            "rowfeed-prefetch" => self.pages(job).prefetch(job.prefetch),
            _ => self.pages(job),
        };
        let mut received = Batches::new(job);
        let mut batches = pages.record_batches();
        while let Some(batch) = batches.try_next().await? {
            received.push(&batch)?;
        }
        received.finish()
    }
}

/// Counts the rows only.
async fn count(mut pages: Pages) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    while let Some(page) = pages.try_next().await? {
        outcome.rows += page.len() as u64;
    }
    Ok(outcome)
}
