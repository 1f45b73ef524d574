//! Where pages come from: one implementation for each service, in its `paging.rs`.

use std::{future::Future, pin::Pin};

use crate::{Cursor, Error, Page};

/// A future that can be kept.
pub(crate) type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// What the reader of pages wants; the same for every page of a result.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wanted {
    /// Rows of a page, as the user set it.
    pub(crate) page_size: Option<u32>,
    /// How many rows are wanted at all.
    pub(crate) at_most: Option<u64>,
    /// Whether a result that the service has cut off is wanted as it is.
    pub(crate) truncated: bool,
    /// The names that the rows' type takes, where only those columns are wanted.
    pub(crate) fields: Option<&'static [&'static str]>,
    /// Whether Lightdash's cells are wanted as it shows them to people.
    pub(crate) formatted: bool,
    /// How many pages may be fetched before they are asked for.
    pub(crate) prefetch: usize,
}

impl Wanted {
    /// The size of a page that begins `read` rows after the first: no more than is wanted at all.
    pub(crate) fn size_after(&self, read: u64, usual: u32) -> u64 {
        let size = u64::from(self.page_size.unwrap_or(usual));
        self.at_most
            .map_or(size, |most| size.min(most.saturating_sub(read)).max(1))
    }

    /// Whether everything that is wanted has been read.
    pub(crate) fn is_met(&self, read: u64) -> bool {
        self.at_most.is_some_and(|most| read >= most)
    }
}

/// The paging rule of a service, with how far it has come.
///
/// A source is asked for requests by [`plan`](Self::plan) as long as it knows the next one, and is
/// given the answers in the order of the requests by [`accept`](Self::accept).
pub(crate) trait Source: Send + 'static {
    /// What a request is answered with.
    type Answer: Send + 'static;

    /// The service that the pages come from.
    fn service(&self) -> &'static str;

    /// The most rows that the caller of the operation asked for.
    fn limit(&self) -> Result<Option<u64>, Error> {
        Ok(None)
    }

    /// Goes on from a cursor; called before anything is planned.
    fn resume(&mut self, cursor: &Cursor) -> Result<(), Error>;

    /// Goes on with connections that no other client has; called before anything is planned.
    #[cfg(feature = "blocking")]
    fn reconnect(&mut self) -> Result<(), Error>;

    /// The next request.
    fn plan(&mut self, wanted: Wanted) -> Result<Plan<Self::Answer>, Error>;

    /// Whether the last page has been accepted, so that nothing under way is wanted any more.
    fn has_ended(&self) -> bool {
        false
    }

    /// The page that an answer holds, if it is to be shown.
    fn accept(&mut self, wanted: Wanted, answer: Self::Answer) -> Result<Option<Page>, Error>;
}

/// A client of a service.
#[cfg_attr(not(feature = "blocking"), allow(dead_code))]
pub(crate) trait Reconnect: Send + Sized + 'static {
    const SERVICE: &'static str;

    /// The same client, with connections that no other client has.
    fn reconnected(&self) -> Result<Self, Error>;
}

/// What is to be done next.
pub(crate) enum Plan<A> {
    /// This request can be made now.
    Fetch(BoxFuture<Result<A, Error>>),
    /// The next request depends on an answer that is not there yet.
    Wait,
    /// All requests have been made.
    End,
}
