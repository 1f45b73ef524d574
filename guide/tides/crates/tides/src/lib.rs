#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod config;
// Written by `cargo xtask codegen --root guide/tides`.
#[rustfmt::skip]
#[allow(unreachable_pub, unused_imports, clippy::all, clippy::unwrap_used)]
mod generated;
mod paging;

pub use config::ClientBuilder;
pub use generated::{API_VERSION, Client, builder, types};

/// The error of a failed call, with the service's error body if there is one.
pub type CallError = rowfeed_client::CallError<types::Problem>;
