//! Faults of other clients and paginators. Each test is named after a fault, and fails if this
//! library has it.
#![allow(clippy::unwrap_used, missing_docs)]

mod dune;
mod lightdash;
mod paginators;
#[path = "../support/mod.rs"]
mod support;
mod yandex_query;

use std::{future::Future, time::Duration};

const BRIEF: Duration = Duration::from_millis(1);

/// Fails instead of hanging, as code with these faults would.
async fn in_time<T>(future: impl Future<Output = T>) -> T {
    let waited = tokio::time::timeout(support::page_server::PATIENCE, future).await;
    waited.expect("the future takes too long")
}
