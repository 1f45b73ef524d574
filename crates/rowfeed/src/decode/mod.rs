//! Rows into the user's struct.
//!
//! Each service writes rows in its own shape; here is one serde `Deserializer` for each, and they
//! present the same values in the same form, so that one struct does for all three. The form of
//! each kind of value stands in the documentation of the crate, under "Types and values".
//!
//! The type that is asked for and the type that the column declares decide together.

mod access;
mod any;
mod bytes;
mod cell;
mod column_order;
mod columns;
mod digits;
mod enums;
mod error;
mod helper;
mod instant;
mod key;
mod kind;
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

pub(crate) use columns::LastColumns;
pub use columns::{Cells, Column, Columns};
pub use error::DecodeError;
pub use helper::{assume_utc, midnight_as_date, utf8, without_offset};
pub use kind::ColumnKind;
pub use page::RowDecoder;
pub(crate) use page::decode_rows;
pub(crate) use page_rows::PageRows;
pub use row::Row;
pub use value::Value;
