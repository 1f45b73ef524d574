//! Where pages come from: the paging rule of a service or of a list.

use std::{future::Future, pin::Pin, sync::Arc};

use rowfeed_client::Masker;

use crate::{Error, ErrorKind};

/// A boxed future that is `Send` and owns what it needs.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// What the reader needs next. Passed to every call of a [`Source`].
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Wanted {
    /// Rows of a page, as set by `page_size()`.
    pub page_size: Option<u32>,
    /// How many rows the reader still needs after the pages that were accepted. `None` without a
    /// limit. Rows before a cursor do not count.
    pub left: Option<u64>,
    /// How many requests have been planned whose answers have not been accepted.
    pub under_way: usize,
    /// Whether a result that the service has cut off is acceptable.
    pub truncated: bool,
    /// The columns to request, where only some are needed and the service can leave others out.
    pub fields: Option<Arc<[String]>>,
    /// Whether cells are to be formatted for people.
    pub formatted: bool,
    /// How many pages may be fetched ahead of the reader.
    pub(crate) prefetch: usize,
    /// The row of the cursor that reading resumes from.
    pub(crate) resumed_at: Option<u64>,
}

impl Wanted {
    /// Limits the rows, unless there is a lower limit already.
    pub(crate) fn limit(&mut self, rows: u64) {
        self.left = Some(self.left.map_or(rows, |least| least.min(rows)));
    }

    /// Returns how many rows to request in the next page, at least one, when `under_way` rows have
    /// been requested and not accepted yet. Returns `None` if those are all that the reader needs.
    ///
    /// `usual` is the size of a page unless the user sets one.
    #[must_use]
    pub fn rows_of_next_page(&self, under_way: u64, usual: u32) -> Option<u64> {
        let size = u64::from(self.page_size.unwrap_or(usual)).max(1);
        match self.left.map(|left| left.saturating_sub(under_way)) {
            Some(0) => None,
            Some(left) => Some(size.min(left)),
            None => Some(size),
        }
    }

    /// Returns whether a page with `rows` rows is the last that the reader needs.
    #[must_use]
    pub fn is_met_by(&self, rows: u64) -> bool {
        self.left.is_some_and(|left| rows >= left)
    }
}

/// A paging rule, with its progress through one result or list.
///
/// The reader calls [`plan`](Self::plan) for the next request and passes each answer to
/// [`accept`](Self::accept), in the order of the requests. It does not use the source after an error.
/// After [`Plan::End`] it still passes the answers that are under way, and may call `plan` after
/// each.
///
/// The reader itself keeps the limit on rows, numbers the pages, skips what lies before a cursor, and
/// gives up after 100 empty pages in a row. What a rule has to get right is what services do to their
/// readers:
///
/// - the result ends where the service says so: a short page is not the end, nor is an empty one;
/// - the service may clamp a limit, so the next page begins where this one ended;
/// - a page that does not advance, or is not the requested one, is an error
///   ([`ErrorKind::Paging`]), and so are rows that do not add up to what was announced;
/// - when the result is replaced between two pages, reading stays with the old one or fails.
pub trait Source: Send + 'static {
    /// The answer to a request.
    type Answer: Send + 'static;

    /// What an answer becomes: a [`Page`](crate::Page) of a result, or a [`ListPage`](crate::service::ListPage) of a list.
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
    /// ([`Wanted::under_way`]): a rule that needs the last answer first returns [`Plan::Wait`].
    ///
    /// # Errors
    ///
    /// The request is invalid: a page size out of range, a parameter that is missing.
    fn plan(&mut self, wanted: &Wanted) -> Result<Plan<Self::Answer>, Error>;

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
        wanted: &Wanted,
        answer: Self::Answer,
    ) -> Result<Option<Self::Page>, Error>;
}

/// The next step of a [`Source`].
pub enum Plan<A> {
    /// This request can be sent now.
    Fetch(BoxFuture<Result<A, Error>>),
    /// The next request depends on an answer that is still under way. An error if none is.
    Wait,
    /// All requests have been planned.
    End,
}

impl<A> std::fmt::Debug for Plan<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Fetch(_) => "Fetch",
            Self::Wait => "Wait",
            Self::End => "End",
        })
    }
}

/// A page that a [`Source`] gives: [`Page`](crate::Page) or [`ListPage`](crate::service::ListPage). Sealed.
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
mod tests {
    use super::*;

    #[test]
    fn a_page_has_no_more_rows_than_are_left_and_at_least_one() {
        let wanted = |left| Wanted {
            left,
            ..Wanted::default()
        };
        for (left, under_way, usual, size) in [
            (None, 90, 100, Some(100)),
            (Some(95), 90, 100, Some(5)),
            (Some(90), 90, 100, None),
            (Some(80), 90, 100, None),
            (None, 90, 0, Some(1)),
        ] {
            let next = wanted(left).rows_of_next_page(under_way, usual);
            assert_eq!(next, size, "{left:?}");
        }
    }

    #[test]
    fn a_page_meets_what_is_left_when_it_has_as_many_rows() {
        let wanted = |left| Wanted {
            left,
            ..Wanted::default()
        };
        for (left, rows, is_met) in [(None, 9, false), (Some(10), 9, false), (Some(9), 9, true)] {
            assert_eq!(wanted(left).is_met_by(rows), is_met, "{left:?}");
        }
    }
}
