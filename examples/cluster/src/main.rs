//! Joins results of Dune, Lightdash and Yandex Query on two workers, each in its own process.
//!
//! ```text
//! cargo run -p cluster                       # a Dune result of two million rows
//! cargo run -p cluster -- --rows 100_000 --workers 3
//! ```
//!
//! Everything is on this machine: the program starts a sandbox and the workers, which are the
//! program itself with `--worker`. It prints the rows, and which worker read which rows.

mod report;
mod worker;

use std::{process::ExitCode, time::Instant};

use anyhow::Result;
use clap::Parser;
use datafusion::{arrow::util::pretty::pretty_format_batches, prelude::SessionConfig};
use rowfeed::{Secret, dune, lightdash, yandex_query};
use rowfeed_datafusion::{Services, distributed::Cluster, prepare};
use rowfeed_sandbox::{
    DUNE_API_KEY, LIGHTDASH_PROJECT_UUID, LIGHTDASH_TOKEN, Sandbox, YANDEX_IAM_TOKEN,
    YANDEX_PROJECT,
};

use crate::worker::WorkerProcess;

/// Joins results of three services on several worker processes.
#[derive(Parser)]
struct Args {
    /// The rows of the Dune result.
    #[arg(long, default_value = "2_000_000", value_parser = rows)]
    rows: u64,
    /// The number of worker processes.
    #[arg(long, default_value_t = 2)]
    workers: usize,
    /// Compute in this process, without workers.
    #[arg(long)]
    local: bool,
    /// Be a worker, for the sandbox at this address. The program starts itself so.
    #[arg(long, hide = true, value_name = "URL")]
    worker: Option<String>,
    /// The name of the worker.
    #[arg(long, hide = true, default_value = "worker")]
    name: String,
}

fn rows(text: &str) -> Result<u64, std::num::ParseIntError> {
    text.replace('_', "").parse()
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    let done = match &args.worker {
        Some(sandbox) => worker::serve(sandbox, &args.name).await,
        None => join(&args).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn join(args: &Args) -> Result<()> {
    let sandbox = Sandbox::builder().poll_steps(0).start().await?;
    let config = SessionConfig::new().with_target_partitions(4 * args.workers.max(1));
    let mut workers = Vec::new();
    if !args.local {
        for index in 0..args.workers.max(1) {
            let url = format!("http://{}", sandbox.address());
            workers.push(WorkerProcess::start(&url, &format!("worker-{index}"))?);
        }
    }
    let urls = workers.iter().map(|worker| worker.url.clone());
    let ctx = match args.local {
        true => datafusion::prelude::SessionContext::new_with_config(config),
        false => Cluster::new(urls).config(config).session()?,
    };
    services(&sandbox)?.register(&ctx);

    let sql = format!(
        "SELECT p.chain, y.members, count(*) AS rows, sum(t.amount) AS amount
         FROM dune('SELECT * FROM synthetic({})') t
         JOIN lightdash('{LIGHTDASH_PROJECT_UUID}', 'SELECT project, chain FROM projects') p
           ON p.project = t.project
         JOIN yandex_query('{YANDEX_PROJECT}', 'SELECT project, members FROM projects') y
           ON y.project = t.project
         GROUP BY p.chain, y.members ORDER BY amount DESC",
        args.rows
    );
    let query = prepare(&ctx, &sql).await?;
    let started = Instant::now();
    let rows = query.dataframe().await?.collect().await?;
    println!("{}", pretty_format_batches(&rows)?);
    report::print(&sandbox);
    eprintln!("{:.1} s", started.elapsed().as_secs_f64());
    Ok(())
}

/// The clients of this process. They start the runs and wait for them.
fn services(sandbox: &Sandbox) -> Result<Services> {
    let dune = dune::Client::builder().base_url(sandbox.dune_url());
    let dune = dune
        .api_key(Secret::new(DUNE_API_KEY)?)
        .user_agent("client")
        .build()?;
    let lightdash = lightdash::Client::builder().base_url(sandbox.lightdash_url());
    let lightdash = lightdash
        .token(Secret::new(LIGHTDASH_TOKEN)?)
        .user_agent("client")
        .build()?;
    let yandex = yandex_query::Client::builder().base_url(sandbox.yandex_query_url());
    let yandex = yandex
        .iam_token(Secret::new(YANDEX_IAM_TOKEN)?)
        .user_agent("client")
        .build()?;
    Ok(Services::new()
        .dune(dune)
        .lightdash(lightdash)
        .yandex_query(yandex))
}
