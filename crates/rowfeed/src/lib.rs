#![doc = include_str!("../README.md")]
//!
//! ## Types and values
//!
//! [`rowfeed_rows`] decodes the rows. Its table of [types and
//! values](rowfeed_rows#types-and-values) lists which types the fields of a struct can have for the
//! values of all three services.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]
// A build with one service does not use all shared code.
#![cfg_attr(
    not(all(feature = "dune", feature = "lightdash", feature = "yandex-query")),
    allow(dead_code, unused_imports)
)]

#[cfg(all(feature = "blocking", target_family = "wasm", target_os = "unknown"))]
compile_error!(
    "the feature `blocking` needs threads, which wasm32-unknown-unknown does not have; use async code"
);

mod completed_run;
mod connections;
mod cursor;
mod error;
mod items;
mod list_cursor;
mod lists;
mod operation;
mod page;
mod page_settings;
mod pages;
mod paging;
mod parameter;
mod rows;
mod run_handle;
mod run_job;
mod run_request;
pub mod source;
mod stream;

#[cfg(test)]
extern crate self as rowfeed;
#[cfg(all(
    test,
    feature = "dune",
    feature = "lightdash",
    feature = "yandex-query"
))]
#[path = "../properties/mod.rs"]
mod properties;

#[cfg(feature = "blocking")]
pub mod blocking;
#[cfg(feature = "dune")]
pub mod dune;
#[cfg(feature = "lightdash")]
pub mod lightdash;
#[cfg(feature = "yandex-query")]
pub mod yandex_query;

pub use completed_run::{CompletedRun, RunDetails};
pub use cursor::Cursor;
pub use error::{Error, ErrorKind, Position};
pub use items::{Items, ItemsExt};
pub use list_cursor::ListCursor;
pub use operation::{RowsExt, RunExt};
pub use page::Page;
pub use pages::Pages;
pub use rowfeed_rows::{
    Cells, Column, ColumnKind, Columns, DecodeError, DecodeErrorKind, Row, RowDecoder, Value, field,
};
pub use rows::Rows;
pub use run_handle::RunHandle;
pub use run_job::{Progress, RunOrigin};
pub use run_request::RunRequest;

// Arguments of every client's builder, and the errors of failed calls.
#[doc(inline)]
pub use rowfeed_client::{
    Attempt, BuildError, CallError, CallErrorKind, CredentialError, CredentialProvider,
    EnvCredential, ExpiringSecret, RateLimit, RefreshingCredential, RetryPolicy, Secret,
    SecretError, SecretFuture, TimeoutScope, Usage,
};

/// The traits that add `rows()`, `pages()` and `run()` to the operations of the clients.
pub mod prelude {
    #[cfg(feature = "dune")]
    pub use crate::dune::CsvExt as _;
    pub use crate::{ItemsExt as _, RowsExt as _, RunExt as _};
}
