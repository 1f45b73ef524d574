//! Yandex Query: the client, with rows and runs on its operations.
//!
//! Everything of `rowfeed_yandex_query` is here. [`ReadsRows`](crate::ReadsRows) is on
//! `get_query_results`; [`StartsRun`](crate::StartsRun) on `create_query`.

mod paging;
mod run;
mod state;

pub use rowfeed_yandex_query::*;
