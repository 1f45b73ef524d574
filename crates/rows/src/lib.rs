#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod body;
pub mod cells;
mod check;
mod columns;
mod columns_cache;
pub mod csv;
pub mod datetime;
mod decode;
mod decoder;
mod error;
pub mod field;
mod field_names;
mod json;
mod page_rows;
mod raw_rows;
mod row;
mod row_index;
#[cfg(feature = "schemars")]
mod schemas;
mod types;
mod value;

#[cfg(test)]
extern crate self as rowfeed_rows;
#[cfg(test)]
#[path = "../properties/mod.rs"]
mod properties;
#[cfg(test)]
mod tests;

pub use body::{decode_body, decode_cached_body};
pub use check::{column_errors, strict_column_errors, unmatched_fields};
pub use columns::{Cells, Column, Columns};
pub use columns_cache::ColumnsCache;
pub use decoder::{RowDecoder, decode_rows};
pub use error::{DecodeError, DecodeErrorKind};
pub use field_names::field_names;

pub use page_rows::OwnedRowDecoder;
pub use raw_rows::{RawRows, RawRowsIter};
pub use row::Row;
pub use types::{ColumnKind, ColumnType, IntervalUnit, LogicalType, MapType, TimeZone};
pub use value::Value;
