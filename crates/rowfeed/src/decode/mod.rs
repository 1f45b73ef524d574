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
mod column_type;
mod columns;
mod digits;
mod enums;
#[cfg(any(feature = "arrow", feature = "dune"))]
pub(crate) mod epoch;
mod error;
mod helper;
mod instant;
mod key;
mod kind;
mod leaves;
mod lexer;
mod lightdash;
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
mod trino_type;
mod value;
mod yql_type;

#[cfg(test)]
mod tests;

#[cfg(feature = "arrow")]
pub(crate) use by_column::{CellReader, TakesCells};
pub use column_type::ColumnType;
#[cfg(feature = "arrow")]
pub(crate) use columns::Dialect;
pub(crate) use columns::LastColumns;
pub use columns::{Cells, Column, Columns};
pub use error::DecodeError;
#[cfg(feature = "arrow")]
pub(crate) use helper::AS_SENT;
pub use helper::{assume_utc, midnight_as_date, utf8, without_offset};
#[cfg(feature = "arrow")]
pub(crate) use instant::{Parts, Zone};
pub use kind::ColumnKind;
#[cfg(feature = "arrow")]
pub(crate) use kind::{Kind, OTHER};
#[cfg(feature = "arrow")]
pub(crate) use leaves::Leaves;
pub use page::RowDecoder;
pub(crate) use page::decode_rows;
pub(crate) use page_rows::PageRows;
pub use row::Row;
pub use value::Value;
#[cfg(feature = "arrow")]
pub(crate) use {
    trino_type::parse_into as trino_type, yql_type::is_pg, yql_type::parse_into as yql_type,
};
