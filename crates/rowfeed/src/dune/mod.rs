//! Dune: the client, with rows and runs on its operations.
//!
//! Everything of `rowfeed_dune` is here. [`ReadsRows`](crate::ReadsRows) is on
//! `get_latest_query_result`, `get_custom_endpoint_results` and `get_execution_results`;
//! [`StartsRun`](crate::StartsRun) on `execute_sql` and `execute_query`.

mod fresh;
mod paging;
mod pipeline;
mod request;
mod run;
mod state;

pub use fresh::MaxAge;
pub use rowfeed_dune::*;
