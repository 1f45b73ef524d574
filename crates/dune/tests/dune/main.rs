//! The Dune client over real HTTP.
#![allow(clippy::unwrap_used)]

mod any_path;
mod attempts;
mod bodies;
mod config;
mod errors;
mod fixtures;
mod insert;
mod parameters;
mod requests;
mod result_page;
#[cfg(feature = "schemars")]
mod schema;
mod setters;
mod states;
mod support;
mod tls;
#[path = "../../../client/tests/client/tls_server.rs"]
mod tls_server;
