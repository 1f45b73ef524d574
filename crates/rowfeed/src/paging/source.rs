//! Where pages come from: the paging rule of a service or of a list.

use std::{future::Future, pin::Pin, sync::Arc};

use rowfeed_client::Masker;

use crate::{Error, ErrorKind};

/// A boxed future that is `Send` and owns what it needs.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// What the reader needs next. Passed to every call of a [`Source`].
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct FetchOptions {
    /// Rows of a page, as set by `page_size()`.
    pub page_size: Option<u32>,
    /// How many rows the reader still needs after the pages that were accepted. `None` without a
    /// limit. Rows before a cursor do not count.
    pub rows_left: Option<u64>,
    /// How many requests have been planned whose answers have not been accepted.
    pub in_flight: usize,
    /// Whether a result that the service has cut off is acceptable.
    pub allow_truncated: bool,
    /// The columns to request, where only some are needed and the service can leave others out.
    pub columns: Option<Arc<[String]>>,
    /// Whether cells are to be formatted for people.
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

    /// Returns how many rows to request in the next page, at least one, when `rows_in_flight` rows have
    /// been requested and not accepted yet. Returns `None` if those are all that the reader needs.
    ///
    /// `default_size` is the size of a page unless the user sets one.
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

    /// Returns whether a page with `rows` rows is the last that the reader needs.
    #[must_use]
    pub fn is_satisfied_by(&self, rows: u64) -> bool {
        self.rows_left.is_some_and(|left| rows >= left)
    }
}

/// A paging rule, with its progress through one result or list.
///
#[doc = include_str!("../../docs/items/source.md")]
pub trait Source: Send + 'static {
    /// The answer to a request.
    type Response: Send + 'static;

    /// What an answer becomes: a [`Page`](crate::Page) of a result, or a [`ListPage`](crate::source::ListPage) of a list.
    type Page: SourcePage + Send + 'static;

    /// The service, as errors and cursors name it.
    fn service(&self) -> &'static str;

    /// Returns the run that the pages come from, once it is known: errors name it.
    fn run_id(&self) -> Option<&str> {
        None
    }

    /// Returns the limit on rows that the caller has set on the operation itself, if it has such a
    /// parameter.
    ///
    /// # Errors
    ///
    /// A parameter of the operation is invalid. The error is given out instead of the first page.
    fn limit(&self) -> Result<Option<u64>, Error> {
        Ok(None)
    }

    /// Resumes from a cursor. Called at most once, before the first request.
    ///
    /// The first page may begin before the cursor, for example where the service addresses pages by
    /// number: the reader skips the rows before it.
    ///
    /// # Errors
    ///
    /// The cursor belongs to another result; see [`Cursor::check`](crate::Cursor::check).
    fn resume(&mut self, cursor: &<Self::Page as SourcePage>::Cursor) -> Result<(), Error>;

    /// Replaces the connections with ones that no other client uses. Called at most once, before the
    /// first request, by `blocking()`: a connection is served by the runtime that opened it.
    /// [`Core::fresh_http_client`](rowfeed_client::Core::fresh_http_client) makes them.
    ///
    /// # Errors
    ///
    /// The client cannot be made. The provided method always fails: without an implementation the
    /// source works in async code only.
    fn reconnect(&mut self) -> Result<(), Error> {
        Err(Error::new(
            ErrorKind::InvalidRequest,
            self.service(),
            "this result can be read from async code only",
        ))
    }

    /// Returns what masks the credentials of the client that pages are fetched with:
    /// `client.inner().masker()`. They are masked in every error of these pages and their rows. The
    /// provided method returns `None`: errors show what the service sent.
    fn masker(&self) -> Option<Masker> {
        None
    }

    /// Plans the next request. With prefetch, other requests may be under way
    /// ([`FetchOptions::in_flight`]): a rule that needs the last answer first returns [`FetchPlan::Wait`].
    ///
    /// # Errors
    ///
    /// The request is invalid: a page size out of range, a parameter that is missing.
    fn plan(&mut self, options: &FetchOptions) -> Result<FetchPlan<Self::Response>, Error>;

    /// Returns whether the last page has been accepted. Answers that are still under way are then
    /// dropped, and `plan` is not called again.
    fn has_ended(&self) -> bool {
        false
    }

    /// Turns an answer into a page. `None` if it holds none, or one that is not needed any more.
    ///
    /// # Errors
    ///
    /// The answer is not a page of this result, or not the next one.
    fn accept(
        &mut self,
        options: &FetchOptions,
        answer: Self::Response,
    ) -> Result<Option<Self::Page>, Error>;
}

/// The next step of a [`Source`].
pub enum FetchPlan<A> {
    /// This request can be sent now.
    Fetch(BoxFuture<Result<A, Error>>),
    /// The next request depends on an answer that is still under way. An error if none is.
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

/// A page that a [`Source`] gives: [`Page`](crate::Page) or [`ListPage`](crate::source::ListPage). Sealed.
pub trait SourcePage: sealed::Part {
    /// A place between two rows or items, to resume from.
    type Cursor: Clone + Send + 'static;
}

pub(crate) mod sealed {
    use rowfeed_client::Masker;

    /// What the reader does with a page of either kind.
    pub trait Part: Sized {
        /// What a page has several of, for messages.
        const ENTRIES: &'static str;
        /// Whether rows keep their positions while they are read.
        const IS_SNAPSHOT: bool;
        /// The position of the first row in the whole result.
        fn first(&self) -> u64;
        fn count(&self) -> u64;
        /// Drops the first few rows.
        fn skip(&mut self, rows: u64);
        /// Drops all but the first few rows.
        fn keep(&mut self, rows: u64);
        fn set_number(&mut self, number: u64);
        /// Sets what errors of this page hide the client's credentials with.
        fn set_masker(&mut self, _masker: &Masker) {}
        /// The run that the page comes from.
        fn run_id(&self) -> Option<&str> {
            None
        }
    }
}

#[cfg(test)]
mod tests;
