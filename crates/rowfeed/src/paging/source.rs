//! The interface to a service or list: its paging rule.

use std::{future::Future, pin::Pin, sync::Arc};

use rowfeed_client::Masker;

use crate::{Error, ErrorKind};

/// A boxed future that is `Send` and owns what it needs.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// What the reader needs next. It is passed to every call of a [`Source`].
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct FetchOptions {
    /// The number of rows of a page, as set by `page_size()`.
    pub page_size: Option<u32>,
    /// How many rows the reader still needs after the accepted pages. `None` without a limit. Rows
    /// before a cursor do not count.
    pub rows_left: Option<u64>,
    /// How many planned requests have no accepted response yet.
    pub in_flight: usize,
    /// Whether a truncated result is acceptable.
    pub allow_truncated: bool,
    /// The columns to request, if only some are needed and the service can leave out the others.
    pub columns: Option<Arc<[String]>>,
    /// Whether to return cells as text that is formatted for display.
    pub formatted: bool,
    /// How many pages may be fetched ahead of the reader.
    pub(crate) prefetch: usize,
    /// The row of the cursor that reading resumes from.
    pub(crate) resumed_at: Option<u64>,
}

impl FetchOptions {
    /// Limits the rows, unless there is a lower limit already.
    pub(crate) fn limit(&mut self, rows: u64) {
        self.rows_left = Some(self.rows_left.map_or(rows, |least| least.min(rows)));
    }

    /// Returns how many rows to request in the next page, at least one. `rows_in_flight` is the
    /// number of rows that have been requested and not accepted yet. Returns `None` if the reader
    /// needs no more than those.
    ///
    /// `default_size` is the page size if the user does not set one.
    #[must_use]
    pub fn next_page_size(&self, rows_in_flight: u64, default_size: u32) -> Option<u64> {
        let size = u64::from(self.page_size.unwrap_or(default_size)).max(1);
        match self
            .rows_left
            .map(|left| left.saturating_sub(rows_in_flight))
        {
            Some(0) => None,
            Some(left) => Some(size.min(left)),
            None => Some(size),
        }
    }

    /// Returns whether the reader needs no more rows after a page with `rows` rows.
    #[must_use]
    pub fn is_satisfied_by(&self, rows: u64) -> bool {
        self.rows_left.is_some_and(|left| rows >= left)
    }
}

/// A paging rule, and its progress through one result or list.
///
#[doc = include_str!("../../docs/items/source.md")]
pub trait Source: Send + 'static {
    /// The response to a request.
    type Response: Send + 'static;

    /// The type of pages: [`Page`](crate::Page) for a result, [`ListPage`](crate::source::ListPage)
    /// for a list.
    type Page: SourcePage + Send + 'static;

    /// The name of the service, for errors and cursors.
    fn service(&self) -> &'static str;

    /// Returns the run that the pages come from, once it is known. Errors name it.
    fn run_id(&self) -> Option<&str> {
        None
    }

    /// Returns the limit on rows that the caller has set on the operation, if the operation has
    /// such a parameter.
    ///
    /// # Errors
    ///
    /// A parameter of the operation is invalid. The first page is this error.
    fn limit(&self) -> Result<Option<u64>, Error> {
        Ok(None)
    }

    /// Resumes from a cursor. Called at most once, before the first request.
    ///
    /// The first page may begin before the cursor, for example if the service addresses pages by
    /// number. The reader skips the rows before the cursor.
    ///
    /// # Errors
    ///
    /// The cursor belongs to another result; see [`Cursor::check`](crate::Cursor::check).
    fn resume(&mut self, cursor: &<Self::Page as SourcePage>::Cursor) -> Result<(), Error>;

    /// Replaces the connections with new ones that no other client uses. Called at most once,
    /// before the first request, by `blocking()`: the runtime that opens a connection serves it.
    /// [`Core::fresh_http_client`](rowfeed_client::Core::fresh_http_client) creates them.
    ///
    /// # Errors
    ///
    /// The client cannot be created. The provided method always fails: a source that does not
    /// implement it works in async code only.
    fn reconnect(&mut self) -> Result<(), Error> {
        Err(Error::new(
            ErrorKind::InvalidRequest,
            self.service(),
            "this result can only be read from async code",
        ))
    }

    /// Returns a masker for the credentials of the client that fetches the pages:
    /// `client.inner().masker()`. Every error of these pages and their rows is masked with it. The
    /// provided method returns `None`: errors show what the service sent.
    fn masker(&self) -> Option<Masker> {
        None
    }

    /// Plans the next request. With prefetch, other requests may be in flight
    /// ([`FetchOptions::in_flight`]). A rule that needs the last response first returns
    /// [`FetchPlan::Wait`].
    ///
    /// # Errors
    ///
    /// The request is invalid: a page size out of range, a parameter that is missing.
    fn plan(&mut self, options: &FetchOptions) -> Result<FetchPlan<Self::Response>, Error>;

    /// Returns whether the last page has been accepted. Responses that are still in flight are then
    /// dropped, and `plan` is not called again.
    fn has_ended(&self) -> bool {
        false
    }

    /// Turns a response into a page. Returns `None` if the response has no page, or is not needed
    /// any more.
    ///
    /// # Errors
    ///
    /// The response is not a page of this result, or not the next one.
    fn accept(
        &mut self,
        options: &FetchOptions,
        answer: Self::Response,
    ) -> Result<Option<Self::Page>, Error>;
}

/// The next step of a [`Source`].
pub enum FetchPlan<A> {
    /// A request that can be sent now.
    Fetch(BoxFuture<Result<A, Error>>),
    /// The next request depends on a response that is still in flight. It is an error if no request
    /// is in flight.
    Wait,
    /// All requests have been planned.
    End,
}

impl<A> std::fmt::Debug for FetchPlan<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Fetch(_) => "Fetch",
            Self::Wait => "Wait",
            Self::End => "End",
        })
    }
}

/// A page of a [`Source`]: [`Page`](crate::Page) or [`ListPage`](crate::source::ListPage). Sealed.
pub trait SourcePage: sealed::Part {
    /// A place between two rows or items, to resume from.
    type Cursor: Clone + Send + 'static;
}

pub(crate) mod sealed {
    use rowfeed_client::Masker;

    /// What the reader needs of both kinds of pages.
    pub trait Part: Sized {
        /// The plural of what a page contains, for messages.
        const ENTRIES: &'static str;
        /// Whether rows keep their positions while they are read.
        const IS_SNAPSHOT: bool;
        /// The position of the first row in the whole result.
        fn first(&self) -> u64;
        fn count(&self) -> u64;
        /// Drops the first `rows` rows.
        fn skip(&mut self, rows: u64);
        /// Drops all but the first `rows` rows.
        fn keep(&mut self, rows: u64);
        fn set_number(&mut self, number: u64);
        /// Sets the masker that hides the client's credentials in errors of this page.
        fn set_masker(&mut self, _masker: &Masker) {}
        /// The run that the page comes from.
        fn run_id(&self) -> Option<&str> {
            None
        }
    }
}

#[cfg(test)]
mod tests;
