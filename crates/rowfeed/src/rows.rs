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

/// The rows of a result, as `T`; a page is fetched when its first row is needed.
///
/// A [`Stream`](futures_core::Stream), and usable without one through [`try_next`](Self::try_next). Ends for good after the
/// last row and after the first error. Where that error is a row that does not fit `T`, all rows
/// before it have been given out, and the [cursor](Self::cursor) stands before it. Each row is decoded
/// when it is needed. Holds one page, and those that [`prefetch`](Self::prefetch) fetches ahead.
///
/// ```
/// use futures_util::TryStreamExt as _;
///
/// #[derive(serde::Deserialize)]
/// struct Trade {
///     project: String,
///     amount_usd: Option<f64>,
/// }
///
/// # rowfeed_sandbox::__example!(|sandbox, run| {
/// // Row by row;
/// let mut trades = run.rows::<Trade>().max_rows(5);
/// while let Some(trade) = trades.try_next().await? {
///     println!("{}: {:?}", trade.project, trade.amount_usd);
/// }
///
/// // as a stream;
/// let amounts = run.rows::<Trade>().map_ok(|trade| trade.amount_usd.unwrap_or_default());
/// let total = amounts.try_fold(0.0, |sum, amount| async move { Ok(sum + amount) }).await?;
///
/// // or all at once.
/// let trades: Vec<Trade> = run.rows().try_collect().await?;
/// assert_eq!(trades.iter().filter_map(|trade| trade.amount_usd).sum::<f64>(), total);
/// # });
/// ```
#[must_use = "nothing is sent before the first row is needed"]
pub struct Rows<T> {
    pub(crate) pages: Pages,
    page: Option<Reading>,
    /// The place behind the pages that have been left.
    passed: Option<Cursor>,
    done: bool,
    row: PhantomData<fn() -> T>,
}

/// The page that is being read.
struct Reading {
    page: Page,
    rows: OwnedRowDecoder,
    /// How many of its rows were given out.
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
            passed: None,
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
        /// let run = dune.execute_sql().body("SELECT trade_id FROM trades").run().await?;
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

    /// Requests only the columns that `T` has; see [`Pages::columns_of`].
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
    /// let trades: Vec<Trade> = latest.rows().only_its_columns().try_collect().await?;
    /// # assert_eq!(trades.len(), 48);
    /// # let last = sandbox.requests().pop().and_then(|request| request.query).unwrap_or_default();
    /// # assert!(last.contains("columns="), "{last}");
    /// # });
    /// ```
    pub fn only_its_columns(mut self) -> Self {
        self.pages = self.pages.columns_of::<T>();
        self
    }

    /// The place after the last row that was given out, also in the middle of a page. Before the
    /// first page it is the cursor that was [resumed](Self::resume) from, or else `None`.
    #[must_use]
    pub fn cursor(&self) -> Option<Cursor> {
        match &self.page {
            Some(reading) => Some(reading.cursor()),
            None => self.passed.as_ref().or(self.pages.resumed_from()).cloned(),
        }
    }

    /// Returns the next row; `None` after the last. Dropping the future loses nothing.
    ///
    /// # Errors
    ///
    /// A page cannot be fetched, or a row of it does not fit `T`. Every later call returns `None`.
    #[inline]
    pub async fn try_next(&mut self) -> Result<Option<T>, Error> {
        if let Some(row) = self.next_of_page() {
            return row.map(Some);
        }
        poll_fn(|context| self.poll_row(context)).await
    }

    /// Returns all rows, in any collection: `Vec<_>`, `VecDeque<_>`, a set.
    ///
    /// # Errors
    ///
    /// The first that occurs.
    ///
    /// ```
    /// use std::collections::BTreeSet;
    ///
    /// # rowfeed_sandbox::__example!(|sandbox, dune| {
    /// let run = dune.execute_sql().body("SELECT project FROM trades").run().await?;
    /// let projects: BTreeSet<String> = run.rows().try_collect().await?;
    /// assert!(projects.iter().eq(["estuary", "lagoon", "saltmarsh", "tidepool"]));
    /// # });
    /// ```
    pub async fn try_collect<C>(mut self) -> Result<C, Error>
    where
        // `IntoIterator` lets the compiler infer `T` from `C`: a collection may also extend by
        // references.
        C: Default + Extend<T> + IntoIterator<Item = T>,
    {
        let mut rows = C::default();
        while let Some(row) = self.try_next().await? {
            rows.extend([row]);
        }
        Ok(rows)
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

    /// The next row of the page that is being read. A page without more rows is left; the next page
    /// follows it, not the end.
    #[inline]
    fn next_of_page(&mut self) -> Option<Result<T, Error>> {
        let Some(reading) = self.page.as_mut().filter(|_| !self.done) else {
            self.leave_page();
            return None;
        };
        // So it stays if decoding panics: rows of this page would be missing from the rest.
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
                self.leave_page();
            }
        }
        row
    }

    fn leave_page(&mut self) {
        if let Some(reading) = self.page.take() {
            self.passed = Some(reading.cursor());
        }
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
