//! Where pages come from: one implementation for each service.

use std::{future::Future, pin::Pin};

use crate::{Error, Page};

/// A future that can be kept.
pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What the reader of pages wants; the same for every page of a result.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wanted {
    /// Rows of a page, as the user set it.
    pub(crate) page_size: Option<u32>,
    /// How many more rows are wanted at all.
    pub(crate) at_most: Option<u64>,
    /// Whether a result that the service has cut off is wanted as it is.
    pub(crate) truncated: bool,
}

/// The paging rule of a service, with how far it has come.
pub(crate) trait Source: Send {
    /// The service that the pages come from.
    fn service(&self) -> &'static str;

    /// The next page; `None` after the last. After an error it is not called again.
    fn next(&mut self, wanted: Wanted) -> BoxFuture<'_, Result<Option<Page>, Error>>;

    /// The most rows that the caller of the operation asked for.
    fn limit(&self) -> Result<Option<u64>, Error> {
        Ok(None)
    }
}
