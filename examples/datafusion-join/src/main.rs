//! Joins a result of Dune with one of Lightdash, in SQL, with DataFusion.
//!
//! ```text
//! cargo run -p datafusion-join                          # both in a sandbox that it starts itself
//! cargo run -p datafusion-join -- --live --dune 'SELECT …' --lightdash 'SELECT …' --join 'SELECT …'
//! ```
//!
//! `--live` needs `DUNE_API_KEY`, `LIGHTDASH_URL`, `LIGHTDASH_API_KEY` and `LIGHTDASH_PROJECT`.
//! `--join` can use the results as the tables `dune` and `lightdash`.

mod services;

use std::{process::ExitCode, sync::Arc};

use anyhow::Result;
use clap::Parser;
use datafusion::{
    arrow::util::pretty::pretty_format_batches_with_schema, datasource::MemTable,
    prelude::SessionContext,
};
use rowfeed::CompletedRun;
use rowfeed_arrow::RecordBatchesExt as _;

use crate::services::Services;

/// Joins a result of Dune with one of Lightdash.
#[derive(Parser)]
struct Args {
    /// The real services, with keys from the environment, instead of a sandbox.
    #[arg(long, requires_all = ["dune", "lightdash", "join"])]
    live: bool,
    /// SQL for Dune.
    #[arg(
        long,
        value_name = "SQL",
        default_value = "SELECT project, amount_usd FROM trades"
    )]
    dune: String,
    /// SQL for the warehouse behind Lightdash.
    #[arg(
        long,
        value_name = "SQL",
        default_value = "SELECT project, chain, launched_on FROM projects"
    )]
    lightdash: String,
    /// The SQL that joins the two results on this machine.
    #[arg(long, value_name = "SQL", default_value = JOIN)]
    join: String,
}

const JOIN: &str = "
    SELECT chain, MIN(launched_on) AS since, COUNT(*) AS trades, SUM(amount_usd) AS usd
    FROM dune JOIN lightdash USING (project)
    GROUP BY chain ORDER BY usd DESC";

#[tokio::main]
async fn main() -> ExitCode {
    match join(&Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn join(args: &Args) -> Result<()> {
    let services = match args.live {
        true => Services::from_env()?,
        false => Services::of_sandbox().await?,
    };
    // Both queries run at the same time.
    let (dune, lightdash) = tokio::try_join!(
        services.run_at_dune(&args.dune),
        services.run_at_lightdash(&args.lightdash),
    )?;
    let context = SessionContext::new();
    context.register_table("dune", Arc::new(table(&dune).await?))?;
    context.register_table("lightdash", Arc::new(table(&lightdash).await?))?;
    let joined = context.sql(&args.join).await?;
    let schema = Arc::clone(joined.schema().inner());
    let rows = joined.collect().await?;
    println!("{}", pretty_format_batches_with_schema(schema, &rows)?);
    Ok(())
}

/// All rows of a run. A result without rows has a schema too.
async fn table(run: &CompletedRun) -> Result<MemTable> {
    let mut batches = run.record_batches();
    let schema = batches.schema().await?;
    Ok(MemTable::try_new(
        schema,
        vec![batches.try_collect().await?],
    )?)
}
