//! Yandex Query: the client, with rows and runs on its operations.
//!
//! Everything of `rowfeed_yandex_query` is here. [`ReadsRows`](crate::ReadsRows) is on
//! `get_query_results`; [`StartsRun`](crate::StartsRun) on `create_query`.
//!
//! ```
//! use rowfeed::{prelude::*, yandex_query};
//!
//! # rowfeed::__example!(|sandbox, token| {
//! # let (folder, url) = (rowfeed_sandbox::YANDEX_PROJECT, sandbox.yandex_query_url());
//! let yandex = yandex_query::Client::builder().iam_token(token)
//! #     .base_url(url)
//!     .build()?;
//! let query = yandex.create_query().project(folder).body("SELECT project, chain FROM projects");
//! let projects: Vec<(String, String)> = query.run().await?.rows().try_collect().await?;
//! # assert_eq!(projects.len(), 4);
//! # });
//! ```
//!
//! On a machine of Yandex Cloud [`MetadataCredential`] gives the tokens; elsewhere, with the
//! feature `service-account`, `ServiceAccountCredential` does for the key of a service account.
//! Either renews them while a long result is being read.
//!
//! ```
//! use std::sync::Arc;
//! use rowfeed::{prelude::*, yandex_query};
//!
//! # rowfeed::__example!(|sandbox| {
//! # let (folder, url) = (rowfeed_sandbox::YANDEX_PROJECT, sandbox.yandex_query_url());
//! let credential = yandex_query::MetadataCredential::new()?;
//! # let at = format!("http://{}", sandbox.yandex_metadata_address());
//! # let credential = yandex_query::MetadataCredential::at(&at)?;
//! let yandex = yandex_query::Client::builder().credential_provider(Arc::new(credential))
//! #     .base_url(url)
//!     .build()?;
//! let query = yandex.create_query().project(folder).body("SELECT project FROM projects");
//! let projects: Vec<String> = query.run().await?.rows().try_collect().await?;
//! # assert_eq!(projects.len(), 4);
//! # });
//! ```

mod paging;
mod run;
mod state;

pub use rowfeed_yandex_query::*;
