#![doc = include_str!("../README.md")]
//!
//! ## Types and values
//!
//! A row becomes a struct, a map, a tuple (by position of the columns), a [`Row`], a [`Value`], or,
//! if it has one column, that column's value. Each service writes values in its own way; they are
//! presented in one, so that the same type reads all three:
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
//! | bytes | `0x…`, base64, a driver's `{"type":"Buffer",…}` | `Vec<u8>`, `[u8; N]`, byte buffers; `String` as it was sent |
//! | nested | JSON, JSON in text, YQL containers | sequences, tuples, maps, structs, enums |
//!
//! The type that is asked for and the type that the column declares decide together. Where serde
//! hides what is asked for (`#[serde(flatten)]`, untagged and internally tagged enums,
//! `serde_json::Value`, `rust_decimal::Decimal` as it comes), the declared type decides alone:
//! a decimal is then text with every digit, an integer too wide for 64 bits likewise. A number
//! with a fraction in a column that declares no decimal type is a float unless it has more than 17
//! digits; `rust_decimal::serde::str` asks for its text and so gets every digit.
//!
//! Times have three helpers where a type wants another form than the column's: [`assume_utc`],
//! [`midnight_as_date`] and [`without_offset`]; [`utf8`] reads bytes as text.
//!
//! ```
//! use rowfeed::{Columns, RowDecoder};
//!
//! #[derive(Debug, PartialEq, serde::Deserialize)]
//! struct Block {
//!     number: u64,
//!     difficulty: Option<u128>,
//!     mined: jiff::Timestamp,
//!     hash: Vec<u8>,
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // What a page of each service holds is decoded like this; the decoder is there for rows that
//! // come from elsewhere, such as a file.
//! # let names = ["number", "difficulty", "mined", "hash"];
//! # let types = ["bigint", "uint256", "timestamp with time zone", "varbinary"];
//! # let columns = Columns::dune(Some(&names.map(str::to_owned)), Some(&types.map(str::to_owned)));
//! let at_dune = r#"[{"number": 12, "difficulty": "340282366920938463463374607431768211455",
//!                    "mined": "2021-06-07 13:21:10.000 UTC", "hash": "0x00ff"}]"#;
//! let block: Block = RowDecoder::new(&columns, at_dune, 0).next().ok_or("no row")??;
//! # let types = ["Int64", "Optional<Decimal(35,0)>", "Timestamp", "String"];
//! # let columns = names.map(str::to_owned).into_iter().zip(types.map(str::to_owned));
//! # let columns = Columns::yandex_query(columns);
//! let at_yandex_query = r#"[[12, [], "2021-06-07T13:21:10Z", "AP8="]]"#;
//! let same: Block = RowDecoder::new(&columns, at_yandex_query, 0).next().ok_or("no row")??;
//!
//! assert_eq!(block.difficulty, Some(u128::MAX));
//! assert_eq!(same, Block { difficulty: None, ..block });
//! # Ok(())
//! # }
//! ```
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]
// What all services share is not all needed by one of them alone.
#![cfg_attr(
    not(all(feature = "dune", feature = "lightdash", feature = "yandex-query")),
    allow(dead_code, unused_imports)
)]

#[cfg(all(feature = "blocking", target_family = "wasm", target_os = "unknown"))]
compile_error!(
    "the feature `blocking` needs threads, and wasm32-unknown-unknown has none: read with async"
);

mod check;
mod cursor;
mod decode;
mod error;
mod example;
mod fields;
mod items;
mod job;
mod list_cursor;
mod lists;
mod operation;
mod page;
mod page_settings;
mod pages;
mod paging;
mod parameter;
mod rows;
mod run;
mod running;
#[cfg(feature = "schemars")]
mod schemas;
pub mod service;
mod settings;
mod skip;
mod starting;

#[cfg(feature = "arrow")]
pub mod arrow;
#[cfg(feature = "blocking")]
pub mod blocking;
#[cfg(feature = "dune")]
pub mod dune;
#[cfg(all(
    any(test, rowfeed_fuzzing),
    feature = "dune",
    feature = "lightdash",
    feature = "yandex-query"
))]
#[doc(hidden)]
pub mod fuzzing;
#[cfg(feature = "lightdash")]
pub mod lightdash;
#[cfg(feature = "yandex-query")]
pub mod yandex_query;

#[cfg(feature = "arrow")]
pub use arrow::RecordBatches;
pub use cursor::Cursor;
pub use decode::{
    Cells, Column, ColumnKind, Columns, DecodeError, Row, RowDecoder, Value, assume_utc,
    midnight_as_date, utf8, without_offset,
};
pub use error::{Error, ErrorKind, Position};
pub use items::{Items, ListsItems};
pub use job::Progress;
pub use list_cursor::ListCursor;
pub use operation::{ReadsRows, StartsRun};
pub use page::Page;
pub use pages::Pages;
pub use rows::Rows;
pub use run::{Details, Run};
pub use running::Running;
pub use settings::{
    Attempt, BuildError, CallError, CallErrorKind, CredentialError, CredentialProvider,
    EnvCredential, ExpiringSecret, RateLimit, RefreshingCredential, RetryPolicy, Secret,
    SecretError, SecretFuture, TimeoutScope,
};
pub use starting::Starting;

/// The traits that put `rows()`, `pages()` and `run()` on the operations of the clients.
///
/// ```
/// use rowfeed::{dune, prelude::*};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let key = rowfeed::Secret::new("key")?;
/// # let dune = dune::Client::builder().api_key(key).build()?;
/// let starting = dune.execute_sql().body("SELECT 1 AS n").run();
/// let rows = dune.get_execution_results().execution_id("01J…").rows::<(i64,)>();
/// # Ok(())
/// # }
/// ```
pub mod prelude {
    #[cfg(feature = "dune")]
    pub use crate::dune::{MaxAge as _, ReadsCsv as _};
    pub use crate::{ListsItems as _, ReadsRows as _, StartsRun as _};
}
