#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod call;
#[cfg(feature = "distributed")]
pub mod distributed;
mod error;
mod function;
mod origin;
mod parquet;
mod prepare;
mod ranges;
mod reader;
mod services;
mod source;
mod table;

/// The chapter of the guide, whose code is run here.
#[cfg(all(doctest, feature = "distributed"))]
#[doc = include_str!("../../../guide/src/sql.md")]
pub mod guide {}

pub use datafusion;

pub use error::{ScanError, service_error};
pub use parquet::write_parquet;
pub use prepare::{Prepared, prepare, services_in};
pub use services::Services;
pub use table::{ResultTable, ResultTableBuilder};
