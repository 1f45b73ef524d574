//! The items of a list.

use std::{
    fmt,
    future::poll_fn,
    task::{Context, Poll},
    vec,
};

use futures_core::ready;

use crate::{
    Error, ListCursor,
    paging::{PageReader, Part, Source, SourcePage},
};

/// Adds `items()` to the operations that return a list in pages.
///
#[doc = include_str!("../docs/items/items-ext.md")]
pub trait ItemsExt: Sized {
    /// An item of the list.
    type Item;

    /// Returns the items of all pages. Nothing is sent before the first item is needed.
    fn items(self) -> Items<Self::Item>;
}

/// The items of a list. A page is fetched when its first item is needed.
///
#[doc = include_str!("../docs/items/items.md")]
#[must_use = "nothing is sent before the first item is needed"]
pub struct Items<T> {
    pages: PageReader<ListPage<T>>,
    /// The start of the list.
    start: Option<ListCursor>,
    /// The current page, with the items that have not been returned yet.
    page: Option<ListPage<T>>,
}

impl<T> Items<T> {
    /// Creates items from a source that begins at `start`. For [other services](crate::source).
    pub fn from_source(source: impl Source<Page = ListPage<T>>, start: ListCursor) -> Self {
        Self::of(PageReader::new(source), Some(start))
    }

    /// Returns this error instead of the first item, for invalid parameters that are found before
    /// anything is sent.
    pub fn failed(error: Error) -> Self {
        Self::of(PageReader::failed(error), None)
    }

    fn of(pages: PageReader<ListPage<T>>, start: Option<ListCursor>) -> Self {
        Self {
            pages,
            start,
            page: None,
        }
    }

    /// Sets how many items to request at a time.
    ///
    /// The default is 20 for Dune's queries, 250 for its datasets, 1,000 for its uploads and
    /// materialized views, and 100 for Lightdash. A service may send fewer.
    pub fn page_size(mut self, items: u32) -> Self {
        self.pages.options.page_size = Some(items);
        self
    }

    /// Ends after this many items.
    pub fn max_items(mut self, items: u64) -> Self {
        self.pages.options.limit(items);
        self
    }

    /// Resumes from a cursor of the same list, with the item after it.
    ///
    /// If the cursor belongs to another operation, or to other parameters, the first item is an
    /// error.
    pub fn resume(mut self, cursor: &ListCursor) -> Self {
        self.pages.resume(cursor, cursor.position());
        self
    }

    /// Returns the cursor after the last item that was returned, also in the middle of a page.
    /// Before the first page it is where reading begins. `None` if the parameters were invalid.
    #[must_use]
    pub fn cursor(&self) -> Option<ListCursor> {
        match &self.page {
            Some(page) => Some(self.start.as_ref()?.at(page.place())),
            None => self.pages.cursor.as_ref().or(self.start.as_ref()).cloned(),
        }
    }

    /// Returns the next item; `None` after the last. Dropping the future loses nothing.
    ///
    /// # Errors
    ///
    /// A page cannot be fetched, or does not fit the page before it. Every later call returns
    /// `None`.
    pub async fn try_next(&mut self) -> Result<Option<T>, Error> {
        poll_fn(|context| self.poll_item(context)).await
    }

    crate::stream::try_collect! { T, "items" }

    fn is_done(&self) -> bool {
        self.pages.is_done() && self.page.as_ref().is_none_or(|page| page.count() == 0)
    }

    fn poll_item(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<T>, Error>> {
        loop {
            if let Some(page) = &mut self.page
                && let Some(item) = page.items.next()
            {
                page.position += 1;
                return Poll::Ready(Ok(Some(item)));
            }
            match ready!(self.pages.poll_page(context))? {
                Some(page) => self.page = Some(page),
                None => return Poll::Ready(Ok(None)),
            }
        }
    }
}

crate::stream::stream!([T: Unpin] Items<T> => T, poll_item);

impl<T> fmt::Debug for Items<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Items")
            .field("pages", &self.pages)
            .field("cursor", &self.cursor())
            .finish_non_exhaustive()
    }
}

/// A page of a list, returned by a [`Source`](crate::source::Source).
#[derive(Clone, Debug)]
pub struct ListPage<T> {
    position: u64,
    items: vec::IntoIter<T>,
    next: Option<u64>,
}

impl<T> ListPage<T> {
    /// Creates a page whose first item has this position in the list, counted from 0. `next` is
    /// where the next page begins, if there is one.
    #[must_use]
    pub fn new(position: u64, items: Vec<T>, next: Option<u64>) -> Self {
        Self {
            position,
            items: items.into_iter(),
            next,
        }
    }
}

impl<T> ListPage<T> {
    /// The position of the next item, on this page or after it.
    fn place(&self) -> u64 {
        match self.next {
            Some(next) if self.items.as_slice().is_empty() => next,
            _ => self.position,
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

    fn skip(&mut self, items: u64) {
        let skipped = usize::try_from(items).unwrap_or(usize::MAX);
        self.items.by_ref().take(skipped).for_each(drop);
        self.position += items;
    }

    fn keep(&mut self, items: u64) {
        let kept = usize::try_from(items).unwrap_or(usize::MAX);
        if kept < self.items.len() {
            let kept: Vec<T> = self.items.by_ref().take(kept).collect();
            self.items = kept.into_iter();
            self.next = None;
        }
    }

    fn set_number(&mut self, _number: u64) {}
}
