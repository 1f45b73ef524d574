//! Rows in WebAssembly, in a browser, a worker or Node.js. The host's `fetch` makes the
//! connections.
//!
//! ```text
//! rustup target add wasm32-unknown-unknown
//! cargo install wasm-bindgen-cli     # of the version of wasm-bindgen in Cargo.lock
//! node wasm/run.mjs                  # in examples/: builds it, and reads from a sandbox
//! ```
//!
//! `run.mjs` is the only JavaScript. A web page does the same after `wasm-bindgen --target web`, if
//! the service allows the page's origin (CORS). Everybody can read a key in a web page, so send
//! the requests through your own server.

use std::time::Duration;

use rowfeed::{Secret, dune, prelude::*};
use wasm_bindgen::prelude::*;

/// Returns the number of trades of a query, and their sum in USD.
///
/// # Errors
///
/// The error of Dune or of the connection, as a JavaScript error.
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

/// Returns the size in bytes of a query's result as CSV, read in chunks.
///
/// # Errors
///
/// The error of Dune or of the connection, as a JavaScript error.
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
