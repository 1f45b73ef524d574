//! The contenders. Each reads one whole result and adds up its values.

mod arrow_json;
mod batches;
pub(crate) mod fetch;
mod generated;
mod hand;
mod limit;
#[cfg(feature = "rowfeed")]
mod rowfeed;

use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};

use crate::{
    dataset::{Dataset, Service, Table},
    sum::Sum,
};

/// The result to read, and the contender.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Job {
    pub(crate) url: String,
    pub(crate) service: Service,
    /// The id of the result.
    pub(crate) dataset: String,
    pub(crate) rows: u64,
    pub(crate) page_size: u32,
    pub(crate) contender: String,
    pub(crate) form: Form,
    /// Whether a result of Yandex Query is read by its id, without a run, which knows the number of
    /// rows.
    pub(crate) direct: bool,
    /// The number of pages that `rowfeed-prefetch` reads ahead.
    pub(crate) prefetch: usize,
    /// Whether only a page tells where the next one begins, as with Dune's filters.
    pub(crate) chained: bool,
    /// How often one reading reads the result.
    pub(crate) repeat: u64,
}

/// The form in which the values of a result are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Form {
    /// Structs, or the rows of a Python client.
    Rows,
    /// Arrow record batches.
    Batches,
    /// Record batches that are written as Parquet to a null sink, or the DataFrame of a Python
    /// client.
    Export,
}

/// The outcome of a reading.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) rows: u64,
    /// The sum, if the contender decodes values.
    pub(crate) sum: Option<Sum>,
    /// The number of received bytes, if the contender does not decode, or of written bytes.
    pub(crate) bytes: Option<u64>,
}

impl From<Sum> for Outcome {
    fn from(sum: Sum) -> Self {
        Self {
            rows: sum.rows,
            sum: Some(sum),
            bytes: None,
        }
    }
}

/// A contender that is ready to read.
pub(crate) enum Contender {
    #[cfg(feature = "rowfeed")]
    Rowfeed(rowfeed::Rowfeed),
    Hand(reqwest::Client),
    ArrowJson(reqwest::Client),
    Generated(generated::Generated),
    Limit(limit::Limit),
    Fetch(reqwest::Client),
    Raw,
}

impl Contender {
    /// Creates clients, and fetches the pages that are decoded from memory.
    pub(crate) async fn prepare(job: &Job) -> Result<Self> {
        Ok(match job.contender.as_str() {
            #[cfg(feature = "rowfeed")]
            "rowfeed" | "rowfeed-prefetch" | "rowfeed-columns" | "rowfeed-pages"
            | "rowfeed-decode" => Self::Rowfeed(rowfeed::Rowfeed::prepare(job).await?),
            "hand" | "hand-zlib-rs" => Self::Hand(reqwest::Client::new()),
            "arrow-json" => Self::ArrowJson(reqwest::Client::new()),
            "generated" => Self::Generated(generated::Generated::new(job)),
            "limit-serde" | "limit-sonic" => Self::Limit(limit::Limit::prepare(job).await?),
            "fetch" => Self::Fetch(reqwest::Client::new()),
            "raw" => Self::Raw,
            unknown => bail!("unknown contender {unknown:?}"),
        })
    }

    /// Reads the result once.
    pub(crate) async fn read(&self, job: &Job) -> Result<Outcome> {
        match job.dataset.parse::<Dataset>()?.table {
            _ if job.form != Form::Rows => self.read_batches(job).await,
            Table::Mixed => self.read_as::<hand::Mixed>(job).await,
            Table::Outside => self.read_as::<hand::Outside>(job).await,
            Table::Wide => self.read_as::<hand::Wide>(job).await,
        }
    }

    async fn read_as<S: hand::Structs>(&self, job: &Job) -> Result<Outcome> {
        match self {
            // The same struct for all services.
            #[cfg(feature = "rowfeed")]
            Self::Rowfeed(rowfeed) => rowfeed.read::<S::Dune>(job).await,
            Self::Hand(http) => hand::read::<S>(http, job).await.map(Outcome::from),
            Self::Generated(generated) => generated.read::<S>(job).await.map(Outcome::from),
            Self::Limit(limit) => limit.read::<S>(job).map(Outcome::from),
            Self::ArrowJson(_) => bail!("arrow-json only builds record batches"),
            Self::Fetch(http) => fetch::read(http, job).await,
            Self::Raw => fetch::read_raw(job),
        }
    }

    async fn read_batches(&self, job: &Job) -> Result<Outcome> {
        match self {
            #[cfg(feature = "rowfeed")]
            Self::Rowfeed(rowfeed) => rowfeed.read_batches(job).await,
            Self::Hand(http) => hand::read_batches(http, job).await,
            Self::ArrowJson(http) => arrow_json::read(http, job).await,
            _ => bail!("{} does not build record batches", job.contender),
        }
    }
}
