//! Queries over two worker processes.
#![allow(clippy::unwrap_used, missing_docs)]

mod failures;
mod queries;
mod rates;
mod relay;
mod repeated;
mod secrets;
mod slow;
#[path = "../sql/support.rs"]
#[allow(dead_code)]
mod support;
mod workers;
