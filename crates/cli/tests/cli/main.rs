//! The command as a process, against the sandbox.
#![allow(clippy::unwrap_used, missing_docs)]

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
mod support;
#[cfg(unix)]
mod terminal;
