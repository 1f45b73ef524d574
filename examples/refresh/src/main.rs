//! Reads the latest result on a schedule, no older than a maximum age, and writes it to a file.
//!
//! ```text
//! cargo run -p refresh                                 # with a sandbox: each second, three times
//! cargo run -p refresh -- --live --query-id 1234 --cron '*/15 * * * *' --max-age-secs 3600
//! ```
//!
//! The query is executed, which costs credits, only if its latest result is older than
//! `--max-age-secs`. Of the four refreshes an hour above, one executes it. `--live` needs
//! `DUNE_API_KEY`.

mod snapshot;

use std::{path::PathBuf, pin::pin, process::ExitCode, time::Duration};

use anyhow::Result;
use clap::Parser;
use croner::Cron;
use jiff::Zoned;
use rowfeed::{Row, Secret, dune, prelude::*};
use rowfeed_sandbox::Sandbox;

/// Keeps a file up to date with a query saved at Dune.
#[derive(Parser)]
struct Args {
    /// The real Dune, with the key in DUNE_API_KEY, instead of a sandbox.
    #[arg(long, requires = "query_id")]
    live: bool,
    /// A query saved at Dune.
    #[arg(long, default_value_t = rowfeed_sandbox::DUNE_QUERY_ID)]
    query_id: i64,
    /// The schedule: minute, hour, day, month, weekday, optionally after a second.
    #[arg(long, default_value = "* * * * * *")]
    cron: Cron,
    /// The maximum age of the result; an older result is replaced by a new execution.
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    max_age_secs: u64,
    /// Ends after this many refreshes; 0 means never.
    #[arg(long, value_name = "N", default_value_t = 3)]
    times: u64,
    /// The file to write, as NDJSON.
    #[arg(long, value_name = "FILE", default_value = "latest.ndjson")]
    out: PathBuf,
}

#[tokio::main(flavor = "current_thread")]
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
    let mut interrupt = pin!(tokio::signal::ctrl_c());
    let mut last_run = String::new();
    for time in 1.. {
        let now = Zoned::now();
        let next = args.cron.find_next_occurrence(&now, false)?;
        let pause = Duration::try_from(&next - &now).unwrap_or_default();
        tokio::select! {
            _ = &mut interrupt => break,
            () = tokio::time::sleep(pause) => {}
        }
        // A temporary failure may succeed the next time.
        match refresh(&dune, args, &mut last_run).await {
            Ok(said) => println!("{said}"),
            Err(error) => eprintln!("error: {error}; trying again the next time"),
        }
        if time == args.times {
            break;
        }
    }
    Ok(())
}

async fn refresh(dune: &dune::Client, args: &Args, last_run: &mut String) -> Result<String> {
    let latest = dune.get_latest_query_result().query_id(args.query_id);
    let run = latest
        .run()
        .max_age(Duration::from_secs(args.max_age_secs))
        .await?;
    let ended = run
        .details()
        .ended_at
        .as_deref()
        .unwrap_or("an unknown time");
    if run.id() == last_run {
        return Ok(format!(
            "the result of {ended} is fresh: nothing executed, nothing read"
        ));
    }
    let rows: Vec<Row> = run.rows().try_collect().await?;
    snapshot::write(&args.out, &rows)?;
    run.id().clone_into(last_run);
    Ok(format!(
        "{} rows of {ended} are in {}",
        rows.len(),
        args.out.display()
    ))
}
