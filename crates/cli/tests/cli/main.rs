//! The command as a process, against the sandbox.
#![allow(clippy::unwrap_used, missing_docs)]

mod api;
mod commands;
mod credentials;
mod documents;
mod errors;
mod exports;
mod faults;
mod kept;
mod outputs;
mod recorded;
mod resume;
mod snapshots;
#[cfg(feature = "sql")]
mod sql;
mod support;
#[cfg(unix)]
mod terminal;
