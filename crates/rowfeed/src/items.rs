//! The items of a list.

use std::{
    fmt,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll},
    vec,
};

use futures_core::{FusedStream, Stream, ready};
use rowfeed_client::Masker;

use crate::{
    Error, ListCursor,
    paging::{PageReader, Part, Source, SourcePage},
};

/// Adds `items()` to the operations that list things a page at a time.
///
/// Every parameter of the operation keeps its meaning and is sent with every page. Those that choose
/// a page set the range instead: `offset` is the first item and `limit` the number of items in all,
/// as for rows; `page_size` is the size of a page.
///
/// ```
/// use rowfeed::{dune, prelude::*};
///
/// # rowfeed::__example!(|sandbox, dune| {
/// let mut queries = dune.list_queries().items();
/// while let Some(query) = queries.try_next().await? {
///     println!("{:?}: {}", query.id, query.name.unwrap_or_default());
/// }
/// # assert_eq!(queries.cursor().position(), 2);
/// # });
/// ```
pub trait ListsItems: Sized {
    /// An item of the list.
    type Item;

    /// Returns the items of all pages. Nothing is sent before the first item is needed.
    fn items(self) -> Items<Self::Item>;
}

/// The items of a list; a page is fetched when its first item is needed.
///
/// A [`Stream`], and usable without one through [`try_next`](Self::try_next). Ends for good after the
/// last item and after the first error. Holds one page at a time, and may be dropped at any point.
///
/// A page that does not advance, or that has come before, is an error of the kind
/// [`Paging`](crate::ErrorKind::Paging), and so are 100 pages without an item in a row.
///
/// ```
/// use rowfeed::{Items, dune, prelude::*};
///
/// # rowfeed::__example!(|sandbox, dune| {
/// let queries: Items<dune::types::QueryOverview> = dune.list_queries().items();
/// let queries: Vec<_> = queries.page_size(100).max_items(500).try_collect().await?;
/// # assert_eq!(queries.len(), 2);
/// # });
/// ```
#[must_use = "nothing is sent before the first item is needed"]
pub struct Items<T> {
    pages: PageReader<ListPage<T>>,
    /// The place of the next item.
    place: ListCursor,
    items: vec::IntoIter<T>,
    /// Where the page after the one in `items` begins.
    next_page: Option<u64>,
}

impl<T> Items<T> {
    /// The items of a source, which begins at `start`: for [another service](crate::service).
    pub fn from_source(source: impl Source<Page = ListPage<T>>, start: ListCursor) -> Self {
        Self::of(PageReader::new(Box::new(source)), start)
    }

    /// Gives this error instead of the first item: for parameters that are found to be invalid before
    /// anything is sent.
    pub fn failed(error: Error) -> Self {
        let start = ListCursor::start(error.service(), "", "");
        Self::of(PageReader::failed(error), start)
    }

    fn of(pages: PageReader<ListPage<T>>, place: ListCursor) -> Self {
        Self {
            pages,
            place,
            items: Vec::new().into_iter(),
            next_page: None,
        }
    }

    /// Sets how many items to request at a time.
    ///
    /// Unset, it is 20 for Dune's queries, 250 for its datasets, 1,000 for its uploads and
    /// materialized views, and 100 for Lightdash. A service may send fewer.
    pub fn page_size(mut self, items: u32) -> Self {
        self.pages.wanted.page_size = Some(items);
        self
    }

    /// Ends after this many items.
    pub fn max_items(mut self, items: u64) -> Self {
        self.pages.limit(items);
        self
    }

    /// Resumes from a cursor of the same list, with the item after it.
    ///
    /// A cursor of another operation, or of one with other parameters, is an error when the first
    /// item is read.
    pub fn resume(mut self, cursor: &ListCursor) -> Self {
        self.pages.resume(cursor, cursor.position());
        if let Some(cursor) = self.pages.resumed_from() {
            self.place.move_to(cursor.position());
        }
        self
    }

    /// The place after the last item that was given out, also in the middle of a page.
    #[must_use]
    pub fn cursor(&self) -> ListCursor {
        self.place.clone()
    }

    /// Returns the next item; `None` after the last. Dropping the future loses nothing.
    ///
    /// # Errors
    ///
    /// A page cannot be fetched, or does not fit the one before. Every later call returns `None`.
    pub async fn try_next(&mut self) -> Result<Option<T>, Error> {
        poll_fn(|context| self.poll_item(context)).await
    }

    /// Returns all items, in any collection.
    ///
    /// # Errors
    ///
    /// The first that occurs.
    pub async fn try_collect<C>(mut self) -> Result<C, Error>
    where
        // `IntoIterator` lets the compiler infer `T` from `C`: a collection may also extend by
        // references.
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
            if let Some(item) = self.items.next() {
                self.place.move_to(match self.next_page {
                    Some(next) if self.items.as_slice().is_empty() => next,
                    _ => self.place.position() + 1,
                });
                return Poll::Ready(Ok(Some(item)));
            }
            let Some(page) = ready!(self.pages.poll_page(context))? else {
                return Poll::Ready(Ok(None));
            };
            let is_empty = page.items.is_empty();
            self.place.move_to(match page.next {
                Some(next) if is_empty => next,
                _ => page.position,
            });
            self.items = page.items.into_iter();
            self.next_page = page.next;
        }
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
        self.pages.is_done() && self.items.as_slice().is_empty()
    }
}

impl<T> fmt::Debug for Items<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Items")
            .field("pages", &self.pages)
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

/// A page of a list, as a [`Source`](crate::service::Source) gives it.
#[derive(Clone, Debug)]
pub struct ListPage<T> {
    position: u64,
    items: Vec<T>,
    next: Option<u64>,
}

impl<T> ListPage<T> {
    /// A page whose first item has this position in the list, counted from 0. `next` is where the
    /// page after it begins, if there is one.
    #[must_use]
    pub fn new(position: u64, items: Vec<T>, next: Option<u64>) -> Self {
        Self {
            position,
            items,
            next,
        }
    }
}

impl<T> SourcePage for ListPage<T> {
    type Cursor = ListCursor;
}

impl<T> Part for ListPage<T> {
    const ENTRIES: &'static str = "items";
    const IS_SNAPSHOT: bool = false;

    fn first(&self) -> u64 {
        self.position
    }

    fn count(&self) -> u64 {
        self.items.len() as u64
    }

    fn skip(&mut self, items: u64) -> Result<(), Error> {
        let skipped = usize::try_from(items).unwrap_or(usize::MAX);
        self.items.drain(..skipped.min(self.items.len()));
        self.position += items;
        Ok(())
    }

    fn keep(&mut self, items: u64) {
        let kept = usize::try_from(items).unwrap_or(usize::MAX);
        if kept < self.items.len() {
            self.items.truncate(kept);
            self.next = None;
        }
    }

    fn set_number(&mut self, _number: u64) {}

    fn set_masker(&mut self, _masker: &Masker) {}

    fn of_result(&self, error: Error) -> Error {
        error
    }
}
