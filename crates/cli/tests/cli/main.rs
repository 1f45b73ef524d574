//! The command as a process, against the sandbox.
#![allow(clippy::unwrap_used, missing_docs)]

mod api;
mod commands;
mod credentials;
mod documents;
mod errors;
mod exports;
mod faults;
mod outputs;
mod resume;
#[cfg(feature = "sql")]
mod sql;
mod support;
#[cfg(unix)]
mod terminal;
