//! Queries over two worker processes.
#![allow(clippy::unwrap_used, missing_docs)]

mod failures;
mod queries;
mod secrets;
#[path = "../sql/support.rs"]
#[allow(dead_code)]
mod support;
mod workers;
