//! Rows in WebAssembly: in a browser, a worker or Node.js, whose `fetch` makes the connections.
//!
//! ```text
//! rustup target add wasm32-unknown-unknown
//! cargo install wasm-bindgen-cli     # of the version of wasm-bindgen in Cargo.lock
//! node wasm/run.mjs                  # in examples/: builds it, and reads from a sandbox
//! ```
//!
//! `run.mjs` is all the JavaScript there is. A page in a browser does the same after
//! `wasm-bindgen --target web`, where the service allows its origin (CORS). A key that is in a page is
//! everybody's: let a server of yours stand between.

use std::time::Duration;

use rowfeed::{Secret, dune, prelude::*};
use wasm_bindgen::prelude::*;

/// The number of trades of a query, and their sum in USD.
///
/// # Errors
///
/// What Dune says, or the connection, as a JavaScript error.
#[wasm_bindgen]
pub async fn volume(url: String, key: String, sql: String) -> Result<String, JsError> {
    let dune = dune::Client::builder()
        .base_url(url)
        .api_key(Secret::new(key)?)
        .build()?;
    let run = dune.execute_sql().body(sql).run().await?;
    let mut rows = run.rows::<(Option<f64>,)>().page_size(10).prefetch(2);
    let (mut trades, mut usd) = (0, 0.0);
    while let Some((amount,)) = rows.try_next().await? {
        trades += 1;
        usd += amount.unwrap_or_default();
    }
    Ok(format!("{trades} trades, {usd:.2} USD"))
}

/// How many bytes a query has as CSV, piece by piece, and however long each of them takes.
///
/// # Errors
///
/// What Dune says, or the connection, as a JavaScript error.
#[wasm_bindgen]
pub async fn csv_bytes(url: String, key: String, sql: String) -> Result<usize, JsError> {
    let dune = dune::Client::builder()
        .base_url(url)
        .api_key(Secret::new(key)?)
        .timeout(Duration::MAX)
        .read_timeout(Duration::MAX)
        .deadline(None)
        .build()?;
    let run = dune.execute_sql().body(sql).run().await?;
    let csv = dune.get_execution_results_csv().execution_id(run.id());
    let mut csv = csv.send().await?.into_inner();
    let mut bytes = 0;
    while let Some(piece) = csv.next_chunk().await {
        bytes += piece?.len();
    }
    Ok(bytes)
}
