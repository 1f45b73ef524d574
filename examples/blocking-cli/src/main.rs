//! A command that sums up trades by project, without any async code.
//!
//! ```text
//! cargo run -p blocking-cli                            # trades of a sandbox that it starts itself
//! cargo run -p blocking-cli -- --since 2024-05-10
//! cargo run -p blocking-cli -- --live --query-id 1234  # your own query; needs DUNE_API_KEY
//! ```
//!
//! The query needs the columns `block_date`, `project` and `amount_usd`.

use std::{collections::BTreeMap, process::ExitCode};

use anyhow::Result;
use clap::Parser;
use jiff::civil::Date;
use rowfeed::{Secret, dune, prelude::*};
use rowfeed_sandbox::Sandbox;
use serde::Deserialize;

/// Sums up trades by project.
#[derive(Parser)]
struct Args {
    /// The real Dune, with the key in DUNE_API_KEY, instead of a sandbox.
    #[arg(long, requires = "query_id")]
    live: bool,
    /// A query saved at Dune.
    #[arg(long, default_value_t = rowfeed_sandbox::DUNE_QUERY_ID)]
    query_id: i64,
    /// Only trades on or after this day.
    #[arg(long, value_name = "YYYY-MM-DD")]
    since: Option<Date>,
}

#[derive(Deserialize)]
struct Trade {
    block_date: Date,
    project: String,
    amount_usd: Option<f64>,
}

#[derive(Default)]
struct Sum {
    trades: u64,
    usd: f64,
}

fn main() -> ExitCode {
    match report(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn report(args: &Args) -> Result<()> {
    // The sandbox runs until this variable is dropped.
    let (dune, _sandbox) = match args.live {
        true => (dune::Client::from_env()?, None),
        false => {
            let sandbox = Sandbox::start_blocking()?;
            let key = Secret::new(rowfeed_sandbox::DUNE_API_KEY)?;
            let dune = dune::Client::builder()
                .base_url(sandbox.dune_url())
                .api_key(key);
            (dune.build()?, Some(sandbox))
        }
    };
    let trades = dune
        .get_latest_query_result()
        .query_id(args.query_id)
        .rows::<Trade>()
        .select_fields();

    let mut sums = BTreeMap::<String, Sum>::new();
    for trade in trades.blocking() {
        let trade = trade?;
        if args.since.is_some_and(|since| trade.block_date < since) {
            continue;
        }
        let sum = sums.entry(trade.project).or_default();
        sum.trades += 1;
        sum.usd += trade.amount_usd.unwrap_or_default();
    }
    println!("{:<12}{:>8}{:>14}", "project", "trades", "USD");
    for (project, Sum { trades, usd }) in sums {
        println!("{project:<12}{trades:>8}{usd:>14.2}");
    }
    Ok(())
}
