//! The Lightdash client over real HTTP.
#![allow(clippy::unwrap_used)]

mod any_path;
mod catalog;
mod charts;
mod config;
mod errors;
mod explore;
#[cfg(feature = "explores")]
mod explores;
mod filters;
mod fixtures;
#[cfg(feature = "merge-queries")]
mod merge;
mod pages;
mod parameters;
#[cfg(feature = "project")]
mod project;
mod requests;
mod result_page;
#[cfg(feature = "saved-charts")]
mod saved_charts;
#[cfg(feature = "schemars")]
mod schema;
#[cfg(feature = "query-sources")]
mod sources;
mod started;
mod states;
mod support;
mod tls;
#[path = "../../../client/tests/client/tls_server.rs"]
mod tls_server;
