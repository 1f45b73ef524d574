//! The spans of calls, exported by OTLP to a collector.
//!
//! ```text
//! cargo run -p opentelemetry-spans                      # with its own sandbox and collector
//! cargo run -p opentelemetry-spans -- --live --collector http://127.0.0.1:4318
//! ```
//!
//! The clients open `tracing` spans and do not depend on OpenTelemetry. Every call is a span
//! `rowfeed_call` with service, operation, status, attempts, retries, bytes and waits. Each attempt is
//! a span `rowfeed_attempt` in it. A run that has ended is an event with its credits and the totals of
//! its calls. Spans contain no key and no row. `--live` needs `DUNE_API_KEY`.

mod collector;
mod exporting;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use rowfeed::{Secret, dune, prelude::*};
use rowfeed_sandbox::{Fault, Sandbox};
use tracing::Instrument as _;

use crate::{collector::Collector, exporting::Exporting};

/// Runs a query, and exports the spans of its calls.
#[derive(Parser)]
struct Args {
    /// The real Dune, with the key in DUNE_API_KEY, instead of a sandbox.
    #[arg(long)]
    live: bool,
    /// The OTLP/HTTP collector to send spans to; by default, a collector that prints them.
    #[arg(long, value_name = "URL")]
    collector: Option<String>,
}

// The exporter has its own thread, and blocks the thread that ends it until everything has been
// sent. The collector needs another thread.
#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    match run(&Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: &Args) -> Result<()> {
    let own = Collector::start().await?;
    let exporting = Exporting::start(args.collector.as_ref().unwrap_or(&own.url))?;

    let result = query(args.live)
        .instrument(tracing::info_span!("daily_report"))
        .await;
    let exported = tokio::task::spawn_blocking(move || exporting.end()).await?;
    println!("{} trades were counted", result?);
    exported?;

    for span in own.spans() {
        println!("{span}");
    }
    Ok(())
}

async fn query(live: bool) -> Result<u64> {
    // The sandbox runs until this variable is dropped.
    let (dune, _sandbox) = match live {
        true => (dune::Client::from_env()?, None),
        false => {
            let sandbox = Sandbox::start().await?;
            // One response fails and is requested again, so that there are two attempts.
            sandbox.fault(Fault::status(503).path("/results"));
            let key = Secret::new(rowfeed_sandbox::DUNE_API_KEY)?;
            let dune = dune::Client::builder()
                .base_url(sandbox.dune_url())
                .api_key(key);
            (dune.build()?, Some(sandbox))
        }
    };
    let sql = match live {
        true => "SELECT COUNT(*) AS trades FROM dex.trades WHERE block_date = CURRENT_DATE",
        false => "SELECT COUNT(*) AS trades FROM trades",
    };
    let run = dune.execute_sql().body(sql).run().await?;
    Ok(run.rows().try_next().await?.unwrap_or_default())
}
