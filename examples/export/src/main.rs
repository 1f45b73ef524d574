//! Exports a result to a file (CSV, NDJSON or Parquet), with a progress bar, and resumes an
//! interrupted export.
//!
//! ```text
//! cargo run -p export                                  # rows of a sandbox that it starts itself
//! cargo run -p export -- --live --query-id 3493826     # of a saved query, at Dune itself
//! cargo run -p export -- --live --service lightdash --sql 'SELECT …' --out orders.ndjson
//! ```
//!
//! `--live` takes keys and addresses from the environment: `DUNE_API_KEY`; `LIGHTDASH_URL`,
//! `LIGHTDASH_API_KEY` and `LIGHTDASH_PROJECT`; `YC_IAM_TOKEN` and `YC_FOLDER_ID`.
//!
//! The rows go to `FILE.part`. After each page, `FILE.state.json` records how many of them are
//! written. Ctrl-C ends the export after the current page. The same command resumes it, also after
//! a crash. At the end the file gets its final name, so a file with that name is always complete.

mod cells;
mod client;
mod output;
mod parquet_parts;
mod state;

use std::{future::IntoFuture as _, path::PathBuf, pin::pin, process::ExitCode};

use anyhow::{Result, anyhow};
use clap::{Parser, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use rowfeed::ErrorKind;
use rowfeed_sandbox::Sandbox;
use serde::{Deserialize, Serialize};

use crate::{
    client::{Client, Query, Service},
    output::Output,
    state::{Files, State},
};

/// Exports a result to CSV, NDJSON or Parquet, and resumes an interrupted export.
#[derive(Parser)]
struct Args {
    /// The SQL to run.
    #[arg(long, conflicts_with = "query_id")]
    sql: Option<String>,
    /// A query saved at Dune; its latest result is used if it is less than a day old.
    #[arg(long)]
    query_id: Option<i64>,
    #[arg(long, value_enum, default_value_t = Service::Dune)]
    service: Service,
    /// The real service, with keys from the environment, instead of a sandbox.
    #[arg(long)]
    live: bool,
    /// The format; by default, the extension of --out determines it.
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// The file to write; a directory for Parquet, with one file for each page.
    #[arg(long, value_name = "FILE", default_value = "export.csv")]
    out: PathBuf,
    /// How many rows to request at a time.
    #[arg(long, value_name = "ROWS", value_parser = clap::value_parser!(u32).range(1..))]
    page_rows: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum, Serialize, Deserialize)]
enum Format {
    Csv,
    Ndjson,
    Parquet,
}

/// How an export ends without an error.
enum Outcome {
    Complete { rows: u64 },
    Interrupted { rows: u64 },
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    match export(&args).await {
        Ok(Outcome::Complete { rows }) => {
            println!("{rows} rows are in {}", args.out.display());
            ExitCode::SUCCESS
        }
        Ok(Outcome::Interrupted { rows }) => {
            eprintln!("interrupted after {rows} rows; run the same command to resume");
            ExitCode::from(130)
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn export(args: &Args) -> Result<Outcome> {
    let mut interrupt = pin!(tokio::signal::ctrl_c());
    let format = args.format()?;
    let query = args.query()?;
    let files = Files::of(&args.out);
    let state = State::load(&files)?;

    let sandbox = match args.live {
        true => None,
        false => Some(Sandbox::start().await?),
    };
    let client = match &sandbox {
        Some(sandbox) => Client::of_sandbox(args.service, sandbox)?,
        None => Client::from_env(args.service)?,
    };

    // Store the id of the run before waiting for its end, so that a paid query is not run again.
    let (mut state, running) = match state {
        Some(state) => {
            state.check(args.service, &query, format, &files)?;
            let running = client.attach(&state.run_id).start().await;
            let running = running.map_err(|error| files.cannot_resume(&error))?;
            (state, running)
        }
        None => {
            Output::check_absent(format, &files)?;
            let running = client.start(&query)?.start().await?;
            let state = State::new(args.service, &query, format, running.id());
            state.save(&files)?;
            (state, running)
        }
    };
    let run = tokio::select! {
        biased;
        _ = &mut interrupt => return Ok(Outcome::Interrupted { rows: state.rows() }),
        run = running.into_future() => run,
    };
    let run = match run {
        Ok(run) => run,
        // There is nothing to resume; the next export may have a better statement.
        Err(error) if matches!(error.kind(), ErrorKind::Failed | ErrorKind::Cancelled) => {
            files.forget()?;
            return Err(error.into());
        }
        Err(error) => return Err(files.cannot_resume(&error)),
    };

    let mut output = Output::open(format, &files, state.written)?;
    let mut pages = match &state.cursor {
        Some(cursor) => run.resume(cursor),
        None => run.pages(),
    };
    if let Some(rows) = args.page_rows {
        pages = pages.page_size(rows);
    }
    let bar = progress_bar(run.total_rows(), state.rows());
    loop {
        let page = tokio::select! {
            biased;
            _ = &mut interrupt => {
                bar.abandon();
                return Ok(Outcome::Interrupted { rows: state.rows() });
            }
            page = pages.try_next() => page.map_err(|error| files.cannot_resume(&error))?,
        };
        let Some(page) = page else { break };
        if let Some(total) = page.total_rows() {
            bar.set_length(total);
        }
        state.written = output.write(&page)?;
        state.cursor = Some(page.cursor());
        state.save(&files)?;
        bar.set_position(state.rows());
    }
    bar.finish();
    drop(output);
    files.finish()?;
    Ok(Outcome::Complete { rows: state.rows() })
}

impl Args {
    fn format(&self) -> Result<Format> {
        let ending = self.out.extension().and_then(|ending| ending.to_str());
        match (self.format, ending) {
            (Some(format), _) => Ok(format),
            (None, Some("csv")) => Ok(Format::Csv),
            (None, Some("ndjson" | "jsonl")) => Ok(Format::Ndjson),
            (None, Some("parquet")) => Ok(Format::Parquet),
            (None, _) => Err(anyhow!(
                "the extension of {} names no format; use .csv, .ndjson or .parquet, or set \
                 --format",
                self.out.display()
            )),
        }
    }

    fn query(&self) -> Result<Query> {
        match (&self.sql, self.query_id) {
            (Some(sql), _) => Ok(Query::Sql(sql.clone())),
            (None, Some(id)) => Ok(Query::Saved(id)),
            (None, None) if self.live => {
                Err(anyhow!("set the query to export: --sql or --query-id"))
            }
            (None, None) => Ok(Query::Sql("SELECT * FROM synthetic(200_000)".to_owned())),
        }
    }
}

/// Shows the total if the service reports it, and otherwise only a count. Draws nothing if standard
/// error is not a terminal.
fn progress_bar(total: Option<u64>, done: u64) -> ProgressBar {
    let (bar, template) = match total {
        Some(total) => (
            ProgressBar::new(total),
            "{bar:40} {human_pos} of {human_len} rows, {eta} to go",
        ),
        None => (ProgressBar::no_length(), "{spinner} {human_pos} rows"),
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.with_position(done)
}
