//! A web service that streams the rows of saved queries as NDJSON, as they arrive.
//!
//! ```text
//! cargo run -p axum-ndjson                              # with a sandbox; prints a command
//! cargo run -p axum-ndjson -- --live --listen 127.0.0.1:3000    # with Dune; needs DUNE_API_KEY
//! curl -N http://127.0.0.1:3000/queries/1234/rows
//! ```
//!
//! A page is fetched when the rows before it have been sent. A slow client therefore slows reading,
//! and a disconnect ends it. An error before the first row is an HTTP status. An error after it is
//! the last line, `{"error": "…"}`.

mod ndjson;
mod problem;

use std::{net::SocketAddr, process::ExitCode};

use anyhow::{Result, anyhow};
use axum::{
    Router,
    extract::{Path, State},
    response::Response,
    routing::get,
};
use clap::Parser;
use rowfeed::{Row, Secret, dune, prelude::*};
use rowfeed_sandbox::Sandbox;
use tokio::net::TcpListener;

use crate::problem::Problem;

/// Streams the rows of queries saved at Dune.
#[derive(Parser)]
struct Args {
    /// The real Dune, with the key in DUNE_API_KEY, instead of a sandbox.
    #[arg(long)]
    live: bool,
    /// The address to listen on; port 0 selects any free port.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
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
    let app = Router::new()
        .route("/queries/{id}/rows", get(rows))
        .with_state(dune);

    let listener = TcpListener::bind(args.listen).await;
    let listener =
        listener.map_err(|error| anyhow!("{}: {error}; choose another --listen", args.listen))?;
    let address = listener.local_addr()?;
    println!(
        "curl -N http://{address}/queries/{}/rows",
        rowfeed_sandbox::DUNE_QUERY_ID
    );
    let interrupted = async { drop(tokio::signal::ctrl_c().await) };
    axum::serve(listener, app)
        .with_graceful_shutdown(interrupted)
        .await?;
    Ok(())
}

/// The rows of the latest result of a query.
async fn rows(
    State(dune): State<dune::Client>,
    Path(query_id): Path<i64>,
) -> Result<Response, Problem> {
    let latest = dune.get_latest_query_result().query_id(query_id);
    let mut rows = latest.rows::<Row>().page_size(1_000);
    // The status is sent before the rows, so wait for the first row.
    let first = rows.try_next().await?;
    Ok(ndjson::response(first, rows))
}
