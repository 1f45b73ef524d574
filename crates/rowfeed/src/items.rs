//! The items of a list, page after page.

use std::{
    collections::HashSet,
    fmt,
    future::poll_fn,
    hash::{DefaultHasher, Hasher},
    io,
    pin::Pin,
    task::{Context, Poll},
    vec,
};

use futures_core::{FusedStream, Stream, ready};
use serde::Serialize;

use crate::{Error, ErrorKind, ListCursor, source::BoxFuture};

/// So many pages without an item in a row are taken for a list, or a result, that never ends.
pub(crate) const MOST_EMPTY_PAGES: u32 = 100;

/// The items of a list; a page is fetched when its first item is asked for.
///
/// A [`Stream`], and usable without one by [`try_next`](Self::try_next). Ends for good after the
/// last item, and after the first error. Holds one page at a time, and may be dropped at any point.
///
/// A page that does not advance, or that has come before, is an error of the kind
/// [`Paging`](crate::ErrorKind::Paging), and so are 100 pages without an item in a row.
///
/// ```
/// use rowfeed::{Items, dune, prelude::*};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let sandbox = rowfeed_sandbox::Sandbox::builder().poll_steps(0).start().await?;
/// # let key = rowfeed::Secret::new(rowfeed_sandbox::DUNE_API_KEY)?;
/// # let dune = dune::Client::builder().base_url(sandbox.dune_url()).api_key(key).build()?;
/// let queries: Items<dune::types::QueryOverview> = dune.list_queries().items();
/// let queries: Vec<_> = queries.page_size(100).max_items(500).try_collect().await?;
/// # assert_eq!(queries.len(), 2);
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is sent before an item is asked for"]
pub struct Items<T> {
    service: &'static str,
    state: State<T>,
    fetch: Fetch<T>,
    /// The place of the item that comes next.
    place: ListCursor,
    page_size: u64,
    left: Option<u64>,
    items: vec::IntoIter<T>,
    /// Where the page after the one in `items` begins.
    next: Option<u64>,
    seen: HashSet<u64>,
    empty_pages: u32,
}

enum State<T> {
    Waiting,
    Fetching(BoxFuture<Result<ListPage<T>, Error>>),
    Failed(Error),
    Done,
}

type Fetch<T> = Box<dyn Fn(Wanted) -> BoxFuture<Result<ListPage<T>, Error>> + Send>;

/// The page that is wanted next.
#[derive(Clone, Copy)]
pub(crate) struct Wanted {
    /// The item that it begins with.
    pub(crate) position: u64,
    pub(crate) page_size: u64,
    /// How many items are wanted from there on.
    pub(crate) at_most: Option<u64>,
}

impl Wanted {
    /// How many items to ask for: a page, or less where less is wanted at all.
    pub(crate) fn size(&self) -> u64 {
        let most = self.at_most.unwrap_or(self.page_size);
        most.min(self.page_size)
    }
}

/// What an operation says about the list as a whole.
pub(crate) struct Listing {
    pub(crate) service: &'static str,
    /// The first item that is wanted.
    pub(crate) start: ListCursor,
    /// How many are wanted.
    pub(crate) at_most: Option<u64>,
    pub(crate) page_size: u64,
}

/// A page of a list.
pub(crate) struct ListPage<T> {
    items: Vec<T>,
    /// Where the next page begins; `None` if there is none.
    next: Option<i64>,
    /// The page size to go on with, where the service has its own.
    page_size: Option<u64>,
    fingerprint: u64,
}

impl<T: Serialize> ListPage<T> {
    pub(crate) fn new(items: Vec<T>, next: Option<i64>) -> Self {
        let mut hasher = HashWriter(DefaultHasher::new());
        // Items came from JSON and the hasher takes everything: neither can fail.
        let _ = serde_json::to_writer(&mut hasher, &items);
        Self {
            items,
            next,
            page_size: None,
            fingerprint: hasher.0.finish(),
        }
    }

    /// Leaves out the first few items: reading began behind them.
    pub(crate) fn without_first(mut self, count: u64) -> Self {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        self.items.drain(..count.min(self.items.len()));
        self
    }

    pub(crate) fn of_size(mut self, page_size: u64) -> Self {
        self.page_size = Some(page_size);
        self
    }
}

struct HashWriter(DefaultHasher);

impl io::Write for HashWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<T> Items<T> {
    pub(crate) fn new(
        listing: Result<Listing, Error>,
        fetch: impl Fn(Wanted) -> BoxFuture<Result<ListPage<T>, Error>> + Send + 'static,
    ) -> Self {
        let (state, listing) = match listing {
            Ok(listing) => (State::Waiting, listing),
            Err(error) => {
                let listing = Listing {
                    service: error.service(),
                    start: ListCursor::start(error.service(), "", Vec::new()),
                    at_most: None,
                    page_size: 1,
                };
                (State::Failed(error), listing)
            }
        };
        Self {
            service: listing.service,
            state,
            fetch: Box::new(fetch),
            place: listing.start,
            page_size: listing.page_size,
            left: listing.at_most,
            items: Vec::new().into_iter(),
            next: None,
            seen: HashSet::new(),
            empty_pages: 0,
        }
    }

    /// How many items to ask for at a time.
    ///
    /// Unset, it is 20 for Dune's queries, 250 for its datasets, 1,000 for its uploads and
    /// materialised views, and 100 for Lightdash. A service may send fewer.
    pub fn page_size(mut self, items: u32) -> Self {
        self.page_size = items.into();
        self
    }

    /// Ends after this many items.
    pub fn max_items(mut self, items: u64) -> Self {
        self.left = Some(self.left.map_or(items, |least| least.min(items)));
        self
    }

    /// Goes on from a cursor of the same list, with the item after it.
    ///
    /// A cursor of another operation, or of one with other parameters, is an error when the first
    /// item is asked for.
    pub fn resume(mut self, cursor: &ListCursor) -> Self {
        if let State::Waiting = self.state {
            match cursor.check(self.service, &self.place) {
                Ok(()) => self.place.position = cursor.position,
                Err(error) => self.state = State::Failed(error),
            }
        }
        self
    }

    /// The place after the last item that was given out, in the middle of a page too.
    #[must_use]
    pub fn cursor(&self) -> ListCursor {
        self.place.clone()
    }

    /// The next item; `None` after the last. Dropping the future loses nothing.
    ///
    /// # Errors
    ///
    /// A page cannot be had, or does not fit the one before; every later call gives `None`.
    pub async fn try_next(&mut self) -> Result<Option<T>, Error> {
        poll_fn(|context| self.poll_item(context)).await
    }

    /// All items, in any collection.
    ///
    /// # Errors
    ///
    /// The first that occurs.
    pub async fn try_collect<C>(mut self) -> Result<C, Error>
    where
        // That it gives `T` back tells `T`, where the collection could take references too.
        C: Default + Extend<T> + IntoIterator<Item = T>,
    {
        let mut items = C::default();
        while let Some(item) = self.try_next().await? {
            items.extend([item]);
        }
        Ok(items)
    }

    fn poll_item(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<T>, Error>> {
        loop {
            if self.left == Some(0) && !matches!(self.state, State::Failed(_)) {
                self.state = State::Done;
                return Poll::Ready(Ok(None));
            }
            if let Some(item) = self.items.next() {
                self.given();
                return Poll::Ready(Ok(Some(item)));
            }
            match &mut self.state {
                State::Waiting if self.page_size == 0 => {
                    let message = "a page size of 0 items was asked for; it must be at least 1";
                    self.state = State::Failed(Error::invalid(self.service, message));
                }
                State::Waiting => {
                    self.state = State::Fetching((self.fetch)(Wanted {
                        position: self.place.position,
                        page_size: self.page_size,
                        at_most: self.left,
                    }));
                }
                State::Fetching(page) => {
                    let page = ready!(page.as_mut().poll(context));
                    self.state = match page.and_then(|page| self.accept(page)) {
                        Ok(()) if self.next.is_some() => State::Waiting,
                        Ok(()) => State::Done,
                        Err(error) => State::Failed(error),
                    };
                }
                State::Failed(_) | State::Done => {
                    let last = std::mem::replace(&mut self.state, State::Done);
                    return Poll::Ready(match last {
                        State::Failed(error) => Err(error),
                        _ => Ok(None),
                    });
                }
            }
        }
    }

    /// Moves on by an item.
    fn given(&mut self) {
        self.place.position = match self.next {
            Some(next) if self.items.as_slice().is_empty() => next,
            _ => self.place.position + 1,
        };
        if let Some(left) = &mut self.left {
            *left -= 1;
        }
    }

    fn accept(&mut self, page: ListPage<T>) -> Result<(), Error> {
        let begin = self.place.position;
        let paging = |message: String| Err(Error::new(ErrorKind::Paging, self.service, message));
        let end = begin + page.items.len() as u64;
        self.next = match page.next.map(|next| (next, u64::try_from(next))) {
            None => None,
            Some((_, Ok(next))) if next > begin && next >= end => Some(next),
            Some((next, _)) => {
                return paging(format!(
                    "the next page would begin at item {next}, and this one has the items \
                     from {begin} up to {end}"
                ));
            }
        };
        self.page_size = page.page_size.unwrap_or(self.page_size);
        if page.items.is_empty() {
            self.empty_pages += 1;
            if self.empty_pages == MOST_EMPTY_PAGES && self.next.is_some() {
                return paging(format!(
                    "{MOST_EMPTY_PAGES} pages in a row have no item, and yet another is said to \
                     follow"
                ));
            }
            self.place.position = self.next.unwrap_or(begin);
            return Ok(());
        }
        self.empty_pages = 0;
        if !self.seen.insert(page.fingerprint) {
            return paging(format!(
                "the page that begins with item {begin} is the same as one before it"
            ));
        }
        self.items = page.items.into_iter();
        Ok(())
    }
}

impl<T: Unpin> Stream for Items<T> {
    type Item = Result<T, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_item(context).map(Result::transpose)
    }
}

impl<T: Unpin> FusedStream for Items<T> {
    fn is_terminated(&self) -> bool {
        let is_done = matches!(self.state, State::Done) && self.items.as_slice().is_empty();
        is_done || (self.left == Some(0) && !matches!(self.state, State::Failed(_)))
    }
}

impl<T> fmt::Debug for Items<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Items")
            .field("place", &self.place)
            .field("page_size", &self.page_size)
            .finish_non_exhaustive()
    }
}
