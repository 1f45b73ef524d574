//! Rows of all services as Rust values.
#![allow(clippy::unwrap_used, missing_docs)]

mod every_time_crate;
mod one_struct;
mod random_tables;
#[path = "../support/mod.rs"]
mod support;
