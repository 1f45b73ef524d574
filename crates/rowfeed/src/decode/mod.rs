//! Rows into the user's struct.
//!
//! Each service writes rows in its own shape; here is one serde `Deserializer` for each, and they
//! present the same values in the same form, so that one struct does for all three:
//!
//! | value | on the wire | what a type can ask for |
//! |---|---|---|
//! | NULL | `null`; Yandex Query `[]` | `Option<_>` |
//! | integers | numbers or strings | any integer type that has room; `1.0` and `1e3` are integers, `1.5` is not |
//! | wide integers, decimals | strings or numbers | a decimal or big-integer type, `i128`, `u128`, `String` with every digit, `f64` |
//! | floats | numbers; `"NaN"`, `"inf"` | `f64`, `f32`, each read from the digits |
//! | booleans | `true`, `"true"` | `bool` |
//! | instants | `2021-06-07 13:21:10.000 UTC`, RFC 3339 | text `2021-06-07T13:21:10+00:00` and what reads it |
//! | dates, civil times | `2024-09-28`, midnight UTC in a date column, `2022-05-04 00:00:00` | text `2024-09-28`, `2022-05-04T00:00:00` |
//! | bytes | `0x…`, base64 | `Vec<u8>`, `[u8; N]`, byte buffers; `String` as it was sent |
//! | nested | JSON, JSON in text, YQL containers | sequences, tuples, maps, structs, enums |
//!
//! The type that is asked for and the type that the column declares decide together. Where serde
//! hides what is asked for (`#[serde(flatten)]`, untagged and internally tagged enums,
//! `serde_json::Value`, `rust_decimal::Decimal` as it comes), the declared type decides alone:
//! a decimal is then text with every digit, an integer too wide for 64 bits likewise. A number
//! with a fraction in a column that declares no decimal type is a float unless it has more than 17
//! digits; `rust_decimal::serde::str` asks for its text and so gets every digit.
//!
//! A row may become a struct, a map, a tuple (by position of the columns), a [`Row`], a
//! [`Value`], or, if it has one column, that column's value.

mod access;
mod any;
mod bytes;
mod cell;
mod column_order;
mod columns;
mod enums;
mod error;
mod helper;
mod instant;
mod kind;
mod lexer;
mod lightdash;
mod list_row;
mod nested;
mod number;
mod object_row;
mod page;
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

pub use columns::{Cells, Column, Columns};
pub use error::DecodeError;
pub use helper::{assume_utc, midnight_as_date, utf8, without_offset};
pub use kind::ColumnKind;
pub use page::RowDecoder;
pub(crate) use page::decode_rows;
pub use row::Row;
pub use value::Value;
