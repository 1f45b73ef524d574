//! Dune: the client, with rows and runs on its operations.
//!
//! Everything of `rowfeed_dune` is here. [`ReadsRows`](crate::ReadsRows) is on
//! `get_latest_query_result`, `get_custom_endpoint_results` and `get_execution_results`;
//! [`StartsRun`](crate::StartsRun) on `execute_sql`, `execute_query`,
//! `execute_query_pipeline`, `execute_pipeline` and, for a run that was started before,
//! `get_execution_status`;
//! [`ListsItems`](crate::ListsItems) on `list_queries`, `list_datasets`, `list_uploads` and
//! `list_materialized_views`; [`ReadsCsv`] on `get_execution_results_csv` and
//! `get_latest_query_result_csv`.
//!
//! ```
//! use rowfeed::{dune, prelude::*};
//!
//! # rowfeed::__example!(|sandbox, key| {
//! let dune = dune::Client::builder().api_key(key)
//! #     .base_url(sandbox.dune_url())
//!     .build()?;
//! # let query_id = rowfeed_sandbox::DUNE_PARAMETERISED_QUERY_ID;
//! # let body = serde_json::json!({ "query_parameters": { "project": "lagoon", "min_usd": 10 } });
//! # let body: dune::types::ExecuteQueryRequest = serde_json::from_value(body)?;
//! let run = dune.execute_query().query_id(query_id).body(body).run().await?;
//! let results = dune.get_execution_results().execution_id(run.id()).sort_by("amount_usd desc");
//! let rows: Vec<rowfeed::Row> = results.rows().max_rows(10).try_collect().await?;
//! # assert!(!rows.is_empty());
//! # });
//! ```

mod csv;
mod fresh;
mod lists;
mod paging;
mod pipeline;
mod place;
mod request;
mod run;
mod state;

pub use csv::{CsvBytes, ReadsCsv};
pub use fresh::MaxAge;
pub use rowfeed_dune::*;
