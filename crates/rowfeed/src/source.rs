//! Where pages come from: one implementation for each service, in its `paging.rs`.

use std::{future::Future, pin::Pin};

use crate::{Cursor, Error, ErrorKind, Page};

/// A future that can be kept, and sent to another thread.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// What the reader of pages wants; the same for every page of a result.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Wanted {
    /// Rows of a page, as the user set it.
    pub page_size: Option<u32>,
    /// How many rows are wanted at all: the source's own [`limit`](Source::limit), or what
    /// `max_rows()` says. Rows before a cursor that is gone on from are none of them.
    pub at_most: Option<u64>,
    /// Whether a result that the service has cut off is wanted as it is.
    pub truncated: bool,
    /// The names that the rows' type takes, where only those columns are wanted.
    pub fields: Option<&'static [&'static str]>,
    /// Whether cells are wanted as the service shows them to people.
    pub formatted: bool,
    /// How many pages may be fetched before they are asked for.
    pub(crate) prefetch: usize,
}

impl Wanted {
    /// How many rows to ask for in a page that begins `read` rows after the place where this reading
    /// began: those of a page, but no more than are wanted at all, and at least one. `usual` is the
    /// size of a page that nobody has set.
    #[must_use]
    pub fn size_after(&self, read: u64, usual: u32) -> u64 {
        let size = u64::from(self.page_size.unwrap_or(usual));
        let left = self.at_most.map(|most| most.saturating_sub(read));
        left.map_or(size, |left| size.min(left)).max(1)
    }

    /// Whether as many rows as are wanted at all have been read, or asked for, since this reading
    /// began.
    #[must_use]
    pub fn is_met(&self, read: u64) -> bool {
        self.at_most.is_some_and(|most| read >= most)
    }
}

/// The paging rule of a service, with how far it has come in one result.
///
/// A source is asked for requests by [`plan`](Self::plan) as long as it knows the next one, and is
/// given their answers in the order of the requests by [`accept`](Self::accept). After an error it is
/// not used again. After [`Plan::End`] it is given the answers that are still under way, and may be
/// asked for another request after each: an end that was told is told again.
///
/// What a rule has to get right is what the three services of this crate do to their readers:
///
/// - the end is what the service calls the end: not a short page, not an empty one;
/// - a limit may be clamped, so the next page begins where this one ended;
/// - a page that does not advance, or is not the one that was asked for, is an error
///   ([`ErrorKind::Paging`](crate::ErrorKind::Paging)), and so are rows that do not add up to what
///   was announced;
/// - a result that somebody makes anew between two pages is still the same one here.
pub trait Source: Send + 'static {
    /// What a request is answered with.
    type Answer: Send + 'static;

    /// The service that the pages come from, as errors and cursors name it.
    fn service(&self) -> &'static str;

    /// The most rows that the caller of the operation asked for, where the operation has a
    /// parameter for that.
    ///
    /// # Errors
    ///
    /// The parameter is none.
    fn limit(&self) -> Result<Option<u64>, Error> {
        Ok(None)
    }

    /// Goes on from a cursor; called before anything is planned, if it is.
    ///
    /// # Errors
    ///
    /// The cursor belongs to another result; [`Cursor::check`] finds out.
    fn resume(&mut self, cursor: &Cursor) -> Result<(), Error>;

    /// Goes on with connections that no other client has; called before anything is planned, if it
    /// is: by `blocking()`, since a connection is served by the runtime that opened it.
    /// [`Core::fresh_http_client`](rowfeed_client::Core::fresh_http_client) makes them.
    ///
    /// # Errors
    ///
    /// No client can be made. Unless implemented, always: the source is for async code alone.
    fn reconnect(&mut self) -> Result<(), Error> {
        Err(Error::new(
            ErrorKind::InvalidRequest,
            self.service(),
            "this result can be read from async code only",
        ))
    }

    /// The next request. It may be asked for while others are under way, if the user wants pages
    /// fetched ahead: a rule that needs the last answer first gives [`Plan::Wait`].
    ///
    /// # Errors
    ///
    /// What is wanted cannot be: a page size out of range, a parameter that is missing.
    fn plan(&mut self, wanted: Wanted) -> Result<Plan<Self::Answer>, Error>;

    /// Whether the last page has been accepted, so that nothing under way is wanted any more.
    fn has_ended(&self) -> bool {
        false
    }

    /// The page that an answer holds, if it is to be shown.
    ///
    /// # Errors
    ///
    /// The answer is no page of this result, or not the next one.
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
pub enum Plan<A> {
    /// This request can be made now.
    Fetch(BoxFuture<Result<A, Error>>),
    /// The next request depends on an answer that is not there yet. With nothing under way this
    /// would be for ever, and is an error.
    Wait,
    /// All requests have been made.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_no_more_rows_than_are_left_and_at_least_one() {
        let wanted = |at_most| Wanted {
            at_most,
            ..Wanted::default()
        };
        for (at_most, read, usual, size) in [
            (None, 90, 100, 100),
            (Some(95), 90, 100, 5),
            (Some(90), 90, 100, 1),
            (Some(80), 90, 100, 1),
            (None, 90, 0, 1),
        ] {
            assert_eq!(wanted(at_most).size_after(read, usual), size, "{at_most:?}");
        }
    }
}
