//! A table in the terminal that follows a query.
//!
//! ```text
//! cargo run -p live-table                                # with a sandbox that it starts itself
//! cargo run -p live-table -- --live --query-id 1234 --every-secs 300     # needs DUNE_API_KEY
//! cargo run -p live-table | less -S                      # no terminal: prints it once
//! ```
//!
//! At Dune, the query is executed whenever its latest result is older than `--every-secs`. This
//! costs credits.

mod render;
mod screen;

use std::{
    io::{IsTerminal as _, stdout},
    pin::pin,
    process::ExitCode,
    time::Duration,
};

use anyhow::Result;
use clap::Parser;
use rowfeed::{Secret, dune, prelude::*};
use rowfeed_sandbox::Sandbox;

use crate::screen::Screen;

/// Shows the first rows of a query saved at Dune, and refreshes them.
#[derive(Parser)]
struct Args {
    /// The real Dune, with the key in DUNE_API_KEY, instead of a sandbox.
    #[arg(long, requires = "query_id")]
    live: bool,
    /// A query saved at Dune.
    #[arg(long, default_value_t = rowfeed_sandbox::DUNE_QUERY_ID)]
    query_id: i64,
    /// How often to refresh, and how old the result may be.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    every_secs: u64,
    /// How many rows to show.
    #[arg(long, default_value_t = 12)]
    rows: u64,
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
    if !stdout().is_terminal() {
        println!("{}", table(&dune, args).await?);
        return Ok(());
    }
    let mut interrupt = pin!(tokio::signal::ctrl_c());
    let mut screen = Screen::enter()?;
    let mut shown = String::new();
    loop {
        let refreshed = tokio::select! {
            _ = &mut interrupt => return Ok(()),
            refreshed = table(&dune, args) => refreshed,
        };
        // If a refresh fails, the previous rows stay.
        let said = match refreshed {
            Ok(table) => {
                shown = table;
                "Ctrl-C ends".to_owned()
            }
            Err(error) => format!("error: {error}"),
        };
        screen.show(&format!("{shown}\n{said}"))?;
        tokio::select! {
            _ = &mut interrupt => return Ok(()),
            () = tokio::time::sleep(Duration::from_secs(args.every_secs)) => {}
        }
    }
}

/// The first rows of the latest result as a table, and a line about the result below it.
async fn table(dune: &dune::Client, args: &Args) -> Result<String> {
    let latest = dune.get_latest_query_result().query_id(args.query_id);
    let run = latest
        .run()
        .max_age(Duration::from_secs(args.every_secs))
        .await?;
    let pages: Vec<_> = run.pages().max_rows(args.rows).try_collect().await?;
    let table = render::table(&pages)?;
    let shown: usize = pages.iter().map(|page| page.len()).sum();
    let total = run
        .total_rows()
        .map_or_else(|| "?".to_owned(), |total| total.to_string());
    let ended = run
        .details()
        .ended_at
        .as_deref()
        .unwrap_or("an unknown time");
    Ok(format!("{table}\n{shown} of {total} rows of {ended}"))
}
