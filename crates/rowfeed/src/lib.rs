#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

#[cfg(feature = "blocking")]
pub mod blocking;
mod check;
mod cursor;
mod decode;
mod error;
mod fields;
mod job;
mod offsets;
mod operation;
mod page;
mod pages;

mod reader;
mod rows;
mod run;
mod source;

#[cfg(feature = "dune")]
pub mod dune;
#[cfg(feature = "lightdash")]
pub mod lightdash;
#[cfg(feature = "yandex-query")]
pub mod yandex_query;

pub use cursor::Cursor;
pub use decode::{
    Cells, Column, ColumnKind, Columns, DecodeError, Row, RowDecoder, Value, assume_utc,
    midnight_as_date, utf8, without_offset,
};
pub use error::{Error, ErrorKind, Position};
pub use job::{Progress, Running, Starting};
pub use operation::{ReadsRows, StartsRun};
pub use page::Page;
pub use pages::Pages;
pub use rowfeed_client::{RetryPolicy, Secret};
pub use rows::Rows;
pub use run::{Details, Run};

/// The traits that put `rows()`, `pages()` and `run()` on the operations of the clients.
pub mod prelude {
    #[cfg(feature = "dune")]
    pub use crate::dune::MaxAge as _;
    pub use crate::{ReadsRows as _, StartsRun as _};
}

/// The examples of the workspace's README, so that they compile.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct WorkspaceReadme;
