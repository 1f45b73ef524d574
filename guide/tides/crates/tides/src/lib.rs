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

/// What goes wrong in a call, with what the service said where it said something.
pub type Error = rowfeed_client::Error<types::Problem>;
