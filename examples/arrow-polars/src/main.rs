//! A result as a Polars DataFrame, grouped and printed.
//!
//! ```text
//! cargo run -p arrow-polars                             # rows of a sandbox that it starts itself
//! cargo run -p arrow-polars -- --live --sql 'SELECT project, amount_usd FROM dex.trades LIMIT 1000'
//! ```
//!
//! The result needs the columns `project` and `amount_usd`. `--live` needs `DUNE_API_KEY`.

mod frame;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use polars::prelude::{DataFrame, IntoLazy as _, PolarsResult, SortMultipleOptions, col, len};
use rowfeed::{Secret, dune, prelude::*};
use rowfeed_arrow::RecordBatchesExt as _;
use rowfeed_sandbox::Sandbox;

use crate::frame::data_frame;

/// Sums up a result of Dune by project, with Polars.
#[derive(Parser)]
struct Args {
    /// The real Dune, with the key in DUNE_API_KEY, instead of a sandbox.
    #[arg(long, requires = "sql")]
    live: bool,
    /// The SQL to run.
    #[arg(long, default_value = "SELECT * FROM trades")]
    sql: String,
}

#[tokio::main]
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
    // The sandbox runs until this variable is dropped.
    let (dune, _sandbox) = match args.live {
        true => (dune::Client::from_env()?, None),
        false => {
            let sandbox = Sandbox::start().await?;
            let key = Secret::new(rowfeed_sandbox::DUNE_API_KEY)?;
            let dune = dune::Client::builder()
                .base_url(sandbox.dune_url())
                .api_key(key);
            (dune.build()?, Some(sandbox))
        }
    };
    let run = dune.execute_sql().body(args.sql.as_str()).run().await?;
    let trades = data_frame(run.record_batches()).await?;
    println!("{trades}");

    // Polars computes on its own threads; waiting for them here would block the runtime.
    let by_project = tokio::task::spawn_blocking(|| by_project(trades)).await??;
    println!("{by_project}");
    Ok(())
}

fn by_project(trades: DataFrame) -> PolarsResult<DataFrame> {
    trades
        .lazy()
        .group_by([col("project")])
        .agg([
            len().alias("trades"),
            col("amount_usd").sum().alias("usd"),
            col("amount_usd").null_count().alias("without_amount"),
        ])
        .sort(
            ["usd"],
            SortMultipleOptions::new().with_order_descending(true),
        )
        .collect()
}
