//! Rows into the user's struct.
//!
//! Each service writes rows in its own shape; here is one serde `Deserializer` for each, and they
//! present the same values in the same form, so that one struct does for all three. The form of
//! each kind of value stands in the documentation of the crate, under "Types and values".
//!
//! The type that is asked for and the type that the column declares decide together.

mod access;
mod any;
#[cfg(feature = "arrow")]
mod by_column;
mod bytes;
mod cell;
mod column_order;
mod columns;
mod digits;
mod enums;
#[cfg(any(feature = "arrow", feature = "dune"))]
pub(crate) mod epoch;
mod error;
mod helper;
mod instant;
mod key;
mod lexer;
mod lightdash_cell;
mod list_row;
mod memory;
mod nested;
mod number;
mod object_row;
mod page;
mod page_rows;
mod row;
mod scalar;
mod single;
mod tag;
mod text;
pub(crate) mod types;
mod value;

#[cfg(test)]
mod tests;

#[cfg(feature = "arrow")]
pub(crate) use by_column::{CellReader, TakesCells};
pub(crate) use columns::LastColumns;
pub use columns::{Cells, Column, Columns};
pub use error::DecodeError;
#[cfg(feature = "arrow")]
pub(crate) use helper::AS_SENT;
pub use helper::{assume_utc, midnight_as_date, utf8, without_offset};
#[cfg(feature = "arrow")]
pub(crate) use instant::{Parts, Zone};
pub use page::RowDecoder;
pub(crate) use page::decode_rows;
pub(crate) use page_rows::PageRows;
pub use row::Row;
pub use types::{ColumnKind, ColumnType, IntervalUnit, LogicalType, MapType, TimeZone};
pub use value::Value;
