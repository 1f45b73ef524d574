//! Traits that the facade adds to the operations of the clients.

use serde::de::DeserializeOwned;

use crate::{CompletedRun, Pages, Rows, RunRequest};

/// An operation that returns rows in pages.
///
#[doc = include_str!("../docs/items/rows-ext.md")]
pub trait RowsExt: Sized {
    /// Returns the pages of the result. Nothing is sent before the first page is needed.
    fn pages(self) -> Pages;

    /// Returns the rows of all pages, as `T`. Nothing is sent before the first row is needed.
    ///
    /// See [Types and values](crate#types-and-values) for what `T` and its fields can be.
    fn rows<T>(self) -> Rows<T>
    where
        T: DeserializeOwned + Send + 'static,
    {
        self.pages().rows()
    }
}

impl RowsExt for Pages {
    fn pages(self) -> Pages {
        self
    }
}

impl RowsExt for &CompletedRun {
    fn pages(self) -> Pages {
        CompletedRun::pages(self)
    }
}

/// An operation that starts a run at the service.
///
#[doc = include_str!("../docs/items/run-ext.md")]
pub trait RunExt: Sized {
    /// Starts the run and waits until it ends. Nothing is sent before the request is awaited.
    ///
    /// # Errors
    ///
    /// Awaiting it fails if the run cannot be started, fails, is cancelled or expires. Each case
    /// has its own [kind](crate::ErrorKind).
    fn run(self) -> RunRequest;
}
