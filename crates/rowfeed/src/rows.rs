//! The rows of a result, one by one over all pages.

use std::{
    fmt,
    future::poll_fn,
    marker::PhantomData,
    task::{Context, Poll},
};

use futures_core::ready;
use serde::de::DeserializeOwned;

use crate::{Cursor, Error, Page, Pages};
use rowfeed_rows::OwnedRowDecoder;

/// The rows of a result, decoded as `T`. A page is fetched when its first row is needed.
///
#[doc = include_str!("../docs/items/rows.md")]
#[must_use = "nothing is sent before the first row is needed"]
pub struct Rows<T> {
    pub(crate) pages: Pages,
    page: Option<Reading>,
    done: bool,
    row: PhantomData<fn() -> T>,
}

/// The current page.
struct Reading {
    page: Page,
    rows: OwnedRowDecoder,
    /// How many of its rows have been returned.
    given: u64,
}

impl Reading {
    fn cursor(&self) -> Cursor {
        self.page.cursor_after(self.given)
    }
}

impl<T: DeserializeOwned + Send + 'static> Rows<T> {
    pub(crate) fn new(pages: Pages) -> Self {
        Self {
            pages,
            page: None,
            done: false,
            row: PhantomData,
        }
    }

    crate::__page_settings! {
        pages,
        /// Resumes from a cursor of the same result, with the row after it; see [`Pages::resume`].
        ///
        /// ```
        /// # rowfeed_sandbox::__example!(|sandbox, dune| {
        /// let run = dune.execute_sql().sql("SELECT trade_id FROM trades").run().await?;
        /// let mut ids = run.rows::<i64>();
        /// let first = ids.try_next().await?;
        /// let cursor = ids.cursor().ok_or("nothing has been read")?;
        ///
        /// let rest: Vec<i64> = run.rows().resume(&cursor).try_collect().await?;
        /// assert_eq!(rest.len(), 47);
        /// assert_eq!(ids.try_next().await?, rest.first().copied());
        /// # });
        /// ```
        resume
    }

    /// Requests only the columns that `T` has; see [`Pages::select_fields`].
    ///
    /// ```
    /// #[derive(serde::Deserialize)]
    /// struct Trade {
    ///     project: String,
    ///     amount_usd: Option<f64>,
    /// }
    ///
    /// # rowfeed_sandbox::__example!(|sandbox, dune, query_id| {
    /// let latest = dune.get_latest_query_result().query_id(query_id);
    /// let trades: Vec<Trade> = latest.rows().select_fields().try_collect().await?;
    /// # assert_eq!(trades.len(), 48);
    /// # let last = sandbox.requests().pop().and_then(|request| request.query).unwrap_or_default();
    /// # assert!(last.contains("columns="), "{last}");
    /// # });
    /// ```
    pub fn select_fields(mut self) -> Self {
        self.pages = self.pages.select_fields::<T>();
        self
    }

    /// Returns the cursor after the last row that was returned, also in the middle of a page.
    /// Before the first page it is the cursor that was [resumed](Self::resume) from, or else
    /// `None`.
    #[must_use]
    pub fn cursor(&self) -> Option<Cursor> {
        match &self.page {
            Some(reading) => Some(reading.cursor()),
            None => self.pages.cursor(),
        }
    }

    /// Returns the next row; `None` after the last. Dropping the future loses nothing.
    ///
    /// # Errors
    ///
    /// A page cannot be fetched, or one of its rows does not fit `T`. Every later call returns
    /// `None`.
    #[inline]
    pub async fn try_next(&mut self) -> Result<Option<T>, Error> {
        if let Some(row) = self.next_of_page() {
            return row.map(Some);
        }
        poll_fn(|context| self.poll_row(context)).await
    }

    crate::stream::try_collect! {
        T, "rows",
        ///
        /// ```
        /// use std::collections::BTreeSet;
        ///
        /// # rowfeed_sandbox::__example!(|sandbox, dune| {
        /// let run = dune.execute_sql().sql("SELECT project FROM trades").run().await?;
        /// let projects: BTreeSet<String> = run.rows().try_collect().await?;
        /// assert!(projects.iter().eq(["estuary", "lagoon", "saltmarsh", "tidepool"]));
        /// # });
        /// ```
    }

    fn is_done(&self) -> bool {
        self.done
    }

    pub(crate) fn poll_row(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<T>, Error>> {
        loop {
            if let Some(row) = self.next_of_page() {
                return Poll::Ready(row.map(Some));
            }
            if self.done {
                return Poll::Ready(Ok(None));
            }
            let page = ready!(self.pages.poll_page(context)).inspect_err(|_| self.done = true)?;
            match page {
                None => self.done = true,
                Some(page) => {
                    self.page = Some(Reading {
                        page,
                        rows: OwnedRowDecoder::default(),
                        given: 0,
                    });
                }
            }
        }
    }

    /// Returns the next row of the current page. If the page has no more rows, the next page
    /// follows.
    #[inline]
    fn next_of_page(&mut self) -> Option<Result<T, Error>> {
        let reading = self.page.as_mut().filter(|_| !self.done)?;
        // This stays set if decoding panics, because the rest of this page would be missing.
        self.done = true;
        let row = reading.page.next_row::<T>(&mut reading.rows).transpose();
        match &row {
            Some(Ok(_)) => {
                reading.given += 1;
                self.done = false;
            }
            Some(Err(_)) => {}
            None => {
                self.done = false;
                self.page = None;
            }
        }
        row
    }
}

impl Pages {
    /// Decodes the rows of all pages as `T`.
    pub fn rows<T>(self) -> Rows<T>
    where
        T: DeserializeOwned + Send + 'static,
    {
        Rows::new(self)
    }
}

crate::stream::stream!([T: DeserializeOwned + Send + 'static] Rows<T> => T, poll_row);

impl<T> fmt::Debug for Rows<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rows")
            .field("pages", &self.pages)
            .finish_non_exhaustive()
    }
}
