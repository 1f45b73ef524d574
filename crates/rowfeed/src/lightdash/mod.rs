//! Lightdash: the client, with rows and runs on its operations.
//!
//! Everything of `rowfeed_lightdash` is here. [`ReadsRows`](crate::ReadsRows) is on
//! `get_async_query_results`; [`StartsRun`](crate::StartsRun) on every operation that starts a
//! query: metric, SQL, chart, dashboard chart, SQL chart, underlying data, totals, field values;
//! [`ListsItems`](crate::ListsItems) on `list_content` and `get_query_history`.
//!
//! ```
//! use rowfeed::{lightdash, prelude::*};
//! use serde_json::json;
//!
//! #[derive(serde::Deserialize)]
//! struct Volume {
//!     trades_project: String,
//!     trades_total_usd: Option<f64>,
//! }
//!
//! # rowfeed::__example!(|sandbox| {
//! # let token = rowfeed::Secret::new(rowfeed_sandbox::LIGHTDASH_TOKEN)?;
//! # let (project, url) = (rowfeed_sandbox::LIGHTDASH_PROJECT_UUID, sandbox.lightdash_url());
//! let lightdash = lightdash::Client::builder().base_url(url).token(token).build()?;
//! let body: lightdash::types::MetricQueryRequest = serde_json::from_value(json!({ "query": {
//!     "exploreName": "trades",
//!     "dimensions": ["trades_project"],
//!     "metrics": ["trades_total_usd"],
//!     "filters": {},
//!     "sorts": [],
//!     "limit": 100,
//!     "tableCalculations": [],
//! } }))?;
//! let query = lightdash.execute_async_metric_query().project_uuid(project).body(body);
//! let volumes: Vec<Volume> = query.run().await?.rows().try_collect().await?;
//! # assert_eq!(volumes.len(), 4);
//! # });
//! ```

mod lists;
mod paging;
mod run;
mod state;
mod total;

pub use rowfeed_lightdash::*;
