//! Reading results page by page: each service's paging rule, and what all readers share.
#![allow(clippy::unwrap_used, missing_docs)]

mod csv;
mod dune;
mod dune_results;
mod hostile;
mod lightdash;
mod pages;
mod partial_read;
mod prefetch;
mod select_fields;
mod streams;
#[path = "../support/mod.rs"]
mod support;
mod yandex_query;
