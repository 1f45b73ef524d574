//! One query over one result, in a process of its own.

use std::{fmt, sync::Arc, time::Instant};

use anyhow::{Context as _, Result, ensure};
use datafusion::{
    arrow::{
        array::{Array as _, AsArray as _, RecordBatch},
        datatypes::Int64Type,
        util::pretty::pretty_format_batches,
    },
    datasource::MemTable,
    prelude::{SessionConfig, SessionContext},
};
use rowfeed::{CompletedRun, Secret, dune, lightdash, prelude::*, yandex_query};
use rowfeed_arrow::RecordBatchesExt as _;
use rowfeed_datafusion::ResultTable;
use serde::{Deserialize, Serialize};

/// The query. Its values do not depend on the order of the rows.
pub(crate) const QUERY: &str = "SELECT project, token_symbol, count(*) AS trades, sum(log_index), \
     max(block_number), max(amount_usd) FROM t GROUP BY project, token_symbol \
     ORDER BY project, token_symbol";

/// The columns of the query. The result has eight.
const COLUMNS: [&str; 5] = [
    "project",
    "token_symbol",
    "log_index",
    "block_number",
    "amount_usd",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Service {
    Dune,
    Lightdash,
    YandexQuery,
}

impl Service {
    pub(crate) const ALL: [Self; 3] = [Self::Dune, Self::Lightdash, Self::YandexQuery];
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dune => "Dune",
            Self::Lightdash => "Lightdash",
            Self::YandexQuery => "Yandex Query",
        })
    }
}

/// How the rows get to the query.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Method {
    /// Through a `ResultTable` with the default settings.
    Stream,
    /// Through a `ResultTable` with `prefetch(2)`.
    StreamAhead,
    /// Only the columns of the query into a `MemTable`, with `prefetch(2)`.
    CollectSome,
    /// All columns into a `MemTable`, with the default settings.
    CollectAll,
}

impl Method {
    pub(crate) fn is_streaming(self) -> bool {
        matches!(self, Self::Stream | Self::StreamAhead)
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Job {
    pub(crate) url: String,
    pub(crate) service: Service,
    pub(crate) method: Method,
    pub(crate) rows: u64,
    pub(crate) latency_ms: u64,
    pub(crate) page_size: Option<u32>,
    pub(crate) partitions: usize,
}

impl Job {
    pub(crate) fn name(&self) -> String {
        let (rows, partitions) = (self.rows, self.partitions);
        format!(
            "{}, {:?}, {rows} rows, {partitions} partitions",
            self.service, self.method
        )
    }

    /// The id of the result at the page server.
    fn id(&self) -> String {
        match self.latency_ms {
            0 => format!("mixed-{}", self.rows),
            latency => format!("mixed-{}-lat{latency}", self.rows),
        }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Reading {
    /// From a completed run to the result of the query.
    pub(crate) seconds: f64,
    /// The peak memory of the process, if the system reports it.
    pub(crate) peak_bytes: Option<u64>,
    /// The result of the query.
    pub(crate) groups: String,
}

pub(crate) fn run(job: &Job) -> Result<Reading> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let run = attach(job).await?;
        let began = Instant::now();
        let config = SessionConfig::new().with_target_partitions(job.partitions);
        let ctx = SessionContext::new_with_config(config);
        match job.method {
            Method::Stream | Method::StreamAhead => stream(job, &run, &ctx).await?,
            Method::CollectSome | Method::CollectAll => collect(job, &run, &ctx).await?,
        }
        let batches = ctx.sql(QUERY).await?.collect().await?;
        let seconds = began.elapsed().as_secs_f64();
        let counted = counted(&batches)?;
        ensure!(counted == job.rows, "{counted} rows of {}", job.rows);
        Ok(Reading {
            seconds,
            peak_bytes: peak_bytes(),
            groups: pretty_format_batches(&batches)?.to_string(),
        })
    })
}

/// Attaches to the run, which has completed.
async fn attach(job: &Job) -> Result<CompletedRun> {
    let (id, key) = (job.id(), Secret::new("a key")?);
    let url = &job.url;
    Ok(match job.service {
        Service::Dune => {
            let client = dune::Client::builder().base_url(format!("{url}/api"));
            let client = client.api_key(key).build()?;
            client.get_execution_status().execution_id(id).run().await?
        }
        Service::Lightdash => {
            let client = lightdash::Client::builder().base_url(url);
            let results = client.token(key).build()?.get_async_query_results();
            results.project_uuid("project").query_uuid(id).run().await?
        }
        Service::YandexQuery => {
            let client = yandex_query::Client::builder().base_url(format!("{url}/api/fq/v1"));
            let status = client.iam_token(key).build()?.get_query_status();
            status.project("folder").query_id(id).run().await?
        }
    })
}

async fn stream(job: &Job, run: &CompletedRun, ctx: &SessionContext) -> Result<()> {
    let mut table = ResultTable::of(run).partitions(job.partitions);
    if let Some(rows) = job.page_size {
        table = table.page_size(rows);
    }
    if job.method == Method::StreamAhead {
        table = table.prefetch(2);
    }
    ctx.register_table("t", table.await?.into())?;
    Ok(())
}

async fn collect(job: &Job, run: &CompletedRun, ctx: &SessionContext) -> Result<()> {
    let mut pages = run.pages();
    if job.method == Method::CollectSome {
        pages = pages.select_columns(COLUMNS).prefetch(2);
    }
    let batches = pages.record_batches().try_collect().await?;
    let schema = batches.first().context("no rows")?.schema();
    // As many partitions as the streaming query has.
    let mut partitions = vec![Vec::new(); job.partitions];
    for (index, batch) in batches.into_iter().enumerate() {
        partitions[index % job.partitions].push(batch);
    }
    let table = MemTable::try_new(schema, partitions)?;
    ctx.register_table("t", Arc::new(table))?;
    Ok(())
}

/// The rows that the groups stand for.
fn counted(batches: &[RecordBatch]) -> Result<u64> {
    let mut rows = 0;
    for batch in batches {
        let counts = batch.column_by_name("trades").context("no counts")?;
        let counts = counts
            .as_primitive_opt::<Int64Type>()
            .context("no counts")?;
        ensure!(counts.null_count() == 0, "a group without a count");
        rows += counts.values().iter().sum::<i64>().cast_unsigned();
    }
    Ok(rows)
}

fn peak_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib * 1024)
}
