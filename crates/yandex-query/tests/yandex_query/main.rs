//! The Yandex Query client over real HTTP.
#![allow(clippy::unwrap_used)]

mod any_path;
mod bodies;
mod config;
mod errors;
mod fixtures;
mod metadata;
mod requests;
mod result_page;
#[cfg(feature = "schemars")]
mod schema;
#[cfg(feature = "service-account")]
mod service_account;
mod states;
mod support;
mod tls;
#[path = "../../../client/tests/client/tls_server.rs"]
mod tls_server;
