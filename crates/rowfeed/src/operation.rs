//! What the facade adds to the operations of the clients.

use serde::de::DeserializeOwned;

use crate::{Pages, Rows, Starting};

/// An operation that answers with rows: its pages, and the rows of all of them.
///
/// Every parameter of the operation keeps its meaning, and goes with every page.
pub trait ReadsRows: Sized {
    /// The pages of the result. Nothing is sent before the first is asked for.
    fn pages(self) -> Pages;

    /// The rows of all pages, as `T`. Nothing is sent before the first is asked for.
    fn rows<T>(self) -> Rows<T>
    where
        T: DeserializeOwned + Send + 'static,
    {
        self.pages().rows()
    }
}

/// An operation that starts a run: a query that takes its time at the service.
pub trait StartsRun: Sized {
    /// Starts the run and waits for its end, when awaited.
    ///
    /// # Errors
    ///
    /// Awaiting it fails if the run cannot be started, fails, is cancelled or expires, each with a
    /// [kind](crate::ErrorKind) of its own.
    fn run(self) -> Starting;
}
