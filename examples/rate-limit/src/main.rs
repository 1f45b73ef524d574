//! Runs several queries at once under one rate limit that all clones of a client share.
//!
//! ```text
//! cargo run -p rate-limit                                  # with a sandbox that it starts itself
//! cargo run -p rate-limit -- --per-second 5 --burst 3
//! cargo run -p rate-limit -- --live                        # at Dune; needs DUNE_API_KEY
//! ```
//!
//! Prints when each request was sent. Starting the queries, polling their state and reading their
//! rows all count. Dune's free plan allows 40 requests a minute.

mod departures;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use rowfeed::{RateLimit, Secret, dune, prelude::*};
use rowfeed_sandbox::Sandbox;
use tokio::task::JoinSet;
use tracing_subscriber::layer::SubscriberExt as _;

use crate::departures::Departures;

/// Runs several queries at once under one rate limit.
#[derive(Parser)]
struct Args {
    /// The real Dune, with the key in DUNE_API_KEY, instead of a sandbox.
    #[arg(long)]
    live: bool,
    /// How many requests per second all queries may send together.
    #[arg(long, value_name = "REQUESTS", default_value_t = 10)]
    per_second: u32,
    /// How many requests may be sent at once after a pause.
    #[arg(long, value_name = "REQUESTS", default_value_t = 1)]
    burst: u32,
    /// How many queries to run at the same time.
    #[arg(long, default_value_t = 4)]
    queries: u32,
}

#[tokio::main]
async fn main() -> ExitCode {
    let departures = tracing_subscriber::registry().with(Departures::begin());
    let result = tracing::subscriber::set_global_default(departures).map_err(Into::into);
    match result.and(run(&Args::parse()).await) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: &Args) -> Result<()> {
    let limit = RateLimit::per_second(args.per_second).burst(args.burst);
    let builder = dune::Client::builder().rate_limit(limit);
    let (builder, _sandbox) = match args.live {
        true => (builder.api_key(Secret::from_env("DUNE_API_KEY")?), None),
        false => {
            let sandbox = Sandbox::start().await?;
            let key = Secret::new(rowfeed_sandbox::DUNE_API_KEY)?;
            (
                builder.base_url(sandbox.dune_url()).api_key(key),
                Some(sandbox),
            )
        }
    };
    let dune = builder.build()?;

    let mut queries = JoinSet::new();
    for number in 1..=args.queries {
        // A clone is cheap, and shares connections, credential and rate limit.
        let dune = dune.clone();
        queries.spawn(async move {
            let sql = format!("SELECT {number} AS number");
            let run = dune.execute_sql().body(sql.as_str()).run().await?;
            run.rows::<u32>().try_collect::<Vec<_>>().await
        });
    }
    while let Some(numbers) = queries.join_next().await {
        for number in numbers?? {
            println!("query {number} is done");
        }
    }
    Ok(())
}
