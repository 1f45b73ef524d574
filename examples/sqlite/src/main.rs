//! Reads a result into an SQLite table, and resumes an interrupted load.
//!
//! ```text
//! cargo run -p sqlite                                   # rows of a sandbox that it starts itself
//! cargo run -p sqlite -- --live --sql 'SELECT …' --db trades.db --table trades   # DUNE_API_KEY
//! ```
//!
//! Each page is one transaction that also stores the cursor after the page. However the program
//! ends, the rows in the table match the cursor. The same command resumes the load, and no row is
//! missing or repeated.

mod load;
mod table;
mod value;

use std::{future::IntoFuture as _, path::PathBuf, process::ExitCode};

use anyhow::{Result, anyhow, bail};
use clap::Parser;
use rowfeed::{ErrorKind, Secret, dune, prelude::*};
use rowfeed_sandbox::Sandbox;
use rusqlite::Connection;

use crate::load::Load;

/// Reads a result of Dune into a table of SQLite.
#[derive(Parser)]
struct Args {
    /// The real Dune, with the key in DUNE_API_KEY, instead of a sandbox.
    #[arg(long, requires = "sql")]
    live: bool,
    /// The SQL to run.
    #[arg(long, default_value = "SELECT * FROM synthetic(100_000)")]
    sql: String,
    /// The database; it is created if it does not exist.
    #[arg(long, value_name = "FILE", default_value = "rows.db")]
    db: PathBuf,
    /// The table to create.
    #[arg(long, default_value = "rows")]
    table: String,
    /// How many rows to request at a time.
    #[arg(
        long,
        value_name = "ROWS",
        default_value_t = 10_000,
        value_parser = clap::value_parser!(u32).range(1..)
    )]
    page_rows: u32,
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
    let mut db = Connection::open(&args.db)
        .map_err(|error| anyhow!("cannot open {}: {error}", args.db.display()))?;

    // Store the id of the run before waiting for its end, so that a paid query is not run again.
    let (load, running) = match Load::begun(&db, &args.table)? {
        Some(load) if load.sql == args.sql => {
            let taken_up = dune.get_execution_status().execution_id(&load.run_id).run();
            let running = taken_up.start().await;
            (load, running.map_err(|error| cannot_resume(args, &error))?)
        }
        Some(load) => bail!(
            "another query is being loaded into table {} of {}: {}; choose another --table",
            args.table,
            args.db.display(),
            load.sql
        ),
        None if table::exists(&db, &args.table)? => bail!(
            "table {} already exists in {}; drop it, or choose another --table or --db",
            args.table,
            args.db.display()
        ),
        None => {
            let running = dune
                .execute_sql()
                .body(args.sql.as_str())
                .run()
                .start()
                .await?;
            (
                Load::begin(&db, &args.table, &args.sql, running.id())?,
                running,
            )
        }
    };
    let run = match running.into_future().await {
        Ok(run) => run,
        // There is nothing to resume; the next load may have a better statement.
        Err(error) if matches!(error.kind(), ErrorKind::Failed | ErrorKind::Cancelled) => {
            Load::end(&db, &args.table)?;
            return Err(error.into());
        }
        Err(error) => return Err(cannot_resume(args, &error)),
    };

    let mut pages = match &load.cursor {
        Some(cursor) => run.resume(cursor),
        None => run.pages(),
    }
    .page_size(args.page_rows);
    while let Some(page) = pages
        .try_next()
        .await
        .map_err(|error| cannot_resume(args, &error))?
    {
        let transaction = db.transaction()?;
        if page.first_row() == 0 {
            table::create(&transaction, &args.table, page.columns())?;
        }
        table::insert(&transaction, &args.table, &page)?;
        Load::advance(&transaction, &args.table, &page.cursor())?;
        transaction.commit()?;
        eprintln!("{} rows", page.cursor().row());
    }
    Load::end(&db, &args.table)?;
    println!(
        "{} rows are in table {} of {}",
        table::count(&db, &args.table)?,
        args.table,
        args.db.display()
    );
    Ok(())
}

fn cannot_resume(args: &Args, error: &rowfeed::Error) -> anyhow::Error {
    anyhow!(
        "{error}\nRun the same command to resume from here; to start again instead, choose \
         another --table, or remove {}",
        args.db.display()
    )
}
