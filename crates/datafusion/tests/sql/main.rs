//! SQL over results of the three services, at the sandbox.
#![allow(clippy::unwrap_used, missing_docs)]

mod correct;
mod errors;
mod parquet;
mod prepared;
mod requests;
mod snapshots;
mod support;
mod tables;
