//! Runs: started, awaited, watched, cancelled, attached by id; and the errors of all calls.
#![allow(clippy::unwrap_used, missing_docs)]

mod control;
mod credentials;
mod details;
mod dune;
mod echoes;
mod errors;
mod explore;
mod max_age;
mod settings;
#[path = "../support/mod.rs"]
mod support;
mod usage;
mod waiting;
