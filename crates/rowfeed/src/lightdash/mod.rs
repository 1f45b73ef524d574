//! Lightdash: the client, with rows and runs on its operations.
//!
//! Everything of `rowfeed_lightdash` is here. [`ReadsRows`](crate::ReadsRows) is on
//! `get_async_query_results`; [`StartsRun`](crate::StartsRun) on every operation that starts a
//! query: metric, SQL, chart, dashboard chart, SQL chart, underlying data, totals, field values.

mod paging;
mod run;
mod state;

pub use rowfeed_lightdash::*;
