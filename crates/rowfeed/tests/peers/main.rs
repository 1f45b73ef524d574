//! Faults that other clients and paginators have had. Each test is named after one, and fails where
//! this library has it.
#![allow(clippy::unwrap_used, missing_docs)]

mod dune;
mod lightdash;
mod paginators;
#[path = "../support/mod.rs"]
mod support;
mod yandex_query;

use std::{future::Future, time::Duration};

const BRIEF: Duration = Duration::from_millis(1);

/// What should end, and with these faults would not.
async fn in_time<T>(future: impl Future<Output = T>) -> T {
    let waited = tokio::time::timeout(support::page_server::PATIENCE, future).await;
    waited.expect("this comes to an end")
}
