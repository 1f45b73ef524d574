//! The pages of a result.

use std::{
    future::poll_fn,
    task::{Context, Poll},
};

use futures_core::ready;
use serde::de::DeserializeOwned;

use crate::{
    Cursor, Error, Page,
    paging::{PageReader, Source},
};

/// The pages of a result.
///
#[doc = include_str!("../docs/items/pages.md")]
#[must_use = "nothing is sent before the first page is needed"]
#[derive(Debug)]
pub struct Pages(pub(crate) PageReader<Page>);

impl Pages {
    /// Creates pages from a source. For [other services](crate::source).
    ///
    /// [`RowsExt::pages`](crate::RowsExt::pages) and
    /// [`CompletedRun::pages`](crate::CompletedRun::pages) create them for the services of this
    /// crate.
    pub fn from_source(source: impl Source<Page = Page>) -> Self {
        Self(PageReader::new(source))
    }

    /// Returns this error instead of the first page, for invalid parameters that are found before
    /// anything is sent.
    pub fn failed(error: Error) -> Self {
        Self(PageReader::failed(error))
    }

    /// Sets how many rows to request at a time.
    ///
    /// By default it is the size that the service's own clients use or allow: 32,000 for Dune,
    /// 2,500 for Lightdash (500 if a server refuses that), 1,000 for Yandex Query. A service may
    /// send fewer rows. That does not end the result.
    pub fn page_size(mut self, rows: u32) -> Self {
        self.0.options.page_size = Some(rows);
        self
    }

    /// Ends after this many rows, even in the middle of a page. If the operation's parameter
    /// `limit` is also set, the lower limit applies.
    pub fn max_rows(mut self, rows: u64) -> Self {
        self.0.options.limit(rows);
        self
    }

    /// Accepts a result that the service truncated because of its size, or at a limit that the caller
    /// did not set. Without this, it is an error of the kind [`Truncated`](crate::ErrorKind::Truncated).
    ///
    /// ```
    /// use rowfeed::ErrorKind;
    ///
    /// # rowfeed_sandbox::__example!([poll_steps(0), dune_partial_after(10)] |sandbox, run| {
    /// let error = run.pages().try_next().await.unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Truncated);
    ///
    /// let part: Vec<_> = run.pages().allow_truncated().try_collect().await?;
    /// println!("the first {} rows", part[0].len());
    /// # assert_eq!(part[0].len(), 10);
    /// # });
    /// ```
    pub fn allow_truncated(mut self) -> Self {
        self.0.options.allow_truncated = true;
        self
    }

    /// Fetches up to this many pages ahead, in a task, while the current page is in use. All of
    /// them are held in memory.
    ///
    /// Pages that do not depend on each other are fetched concurrently: at Lightdash and Yandex
    /// Query, and at Dune for results without filters. Dune bills what it sends, whether you use it
    /// or not.
    ///
    /// ```
    /// # async fn insert(rows: Vec<rowfeed::Row>) {
    /// #     assert!(!rows.is_empty());
    /// # }
    /// # rowfeed_sandbox::__example!(|sandbox, run| {
    /// let mut pages = run.pages().page_size(10).prefetch(2);
    /// while let Some(page) = pages.try_next().await? {
    ///     // Meanwhile, the next two pages are fetched.
    ///     insert(page.rows()?).await;
    /// }
    /// # assert_eq!(sandbox.requests().iter().filter_map(|page| page.rows).sum::<usize>(), 48);
    /// # });
    /// ```
    pub fn prefetch(mut self, pages: usize) -> Self {
        self.0.options.prefetch = pages;
        self
    }

    /// Requests only these columns from a service that can leave out the others. Only Dune can, and
    /// it bills by the size of what it sends. Names that the result does not have are ignored.
    ///
    /// If the columns of the result are not known yet, a request for one row finds them out. All
    /// columns are sent by other services, if the result has none of these columns, and if the
    /// operation sets `columns` itself.
    ///
    /// ```
    /// # use rowfeed::Column;
    /// # rowfeed_sandbox::__example!(|sandbox, run| {
    /// let mut pages = run.pages().select_columns(["project", "amount_usd"]);
    /// let page = pages.try_next().await?.ok_or("no page")?;
    /// let names: Vec<_> = page.columns().iter().map(Column::name).collect();
    /// assert_eq!(names, ["project", "amount_usd"]); // the result has ten columns
    /// # });
    /// ```
    pub fn select_columns<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.0.options.columns = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Requests only the columns that are fields of `T`, as
    /// [`select_columns`](Self::select_columns) does. It uses serde's names of the fields.
    ///
    /// If `T` is not a struct, or has a `#[serde(flatten)]` field, all columns are sent.
    pub fn select_fields<T: DeserializeOwned>(mut self) -> Self {
        let fields = rowfeed_rows::field_names::<T>();
        self.0.options.columns =
            fields.map(|names| names.iter().map(|&name| name.into()).collect());
        self
    }

    /// Returns Lightdash's cells as text that is formatted for display, with the format, the
    /// currency and the language of the field. NULL stays NULL. By default, and at other services,
    /// cells are values. Formatted text cannot be read back reliably.
    ///
    /// ```
    /// # rowfeed_sandbox::__example!(|sandbox, lightdash, project| {
    /// let sql = "SELECT launched_on, note FROM projects WHERE project = 'saltmarsh'";
    /// let run = lightdash.execute_async_sql_query().project_uuid(project).sql(sql).run().await?;
    /// let page = run.pages().formatted().try_next().await?.ok_or("no page")?;
    /// let shown: Vec<(String, Option<&str>)> = page.rows()?;
    /// assert!(shown[0].0.starts_with("2023-08-09"));
    /// assert_eq!(shown[0].1, None);
    /// # });
    /// ```
    pub fn formatted(mut self) -> Self {
        self.0.options.formatted = true;
        self
    }

    /// Resumes from a cursor of the same result. The first row is the row after the cursor. Rows
    /// before the cursor are skipped even if the service sends them. A first page that begins after
    /// the cursor is an error.
    ///
    /// If the cursor belongs to another result, the first page is an error. A limit on the rows
    /// ([`max_rows`](Self::max_rows), `limit` of the operation) counts from the cursor.
    ///
    /// ```
    /// # rowfeed_sandbox::__example!(|sandbox, run| {
    /// let first = run.pages().page_size(20).try_next().await?.ok_or("no page")?;
    /// let cursor = first.cursor();
    ///
    /// let mut rest = run.pages().resume(&cursor);
    /// let second = rest.try_next().await?.ok_or("no page")?;
    /// assert_eq!(second.first_row(), 20);
    /// # });
    /// ```
    pub fn resume(mut self, cursor: &Cursor) -> Self {
        self.0.resume(cursor, cursor.row());
        self
    }

    /// Returns the cursor after the last page that was returned. Before the first page it is the
    /// cursor that was [resumed](Self::resume) from, or else `None`.
    #[must_use]
    pub fn cursor(&self) -> Option<Cursor> {
        self.0.cursor.clone()
    }

    /// Returns the service: `"dune"`, `"lightdash"`, `"yandex-query"`, or the name of [another
    /// service](crate::source).
    #[must_use]
    pub fn service(&self) -> &'static str {
        self.0.service
    }

    /// Returns the next page; `None` after the last.
    ///
    /// Dropping the future loses nothing: the next call waits for the same page.
    ///
    /// # Errors
    ///
    /// The page cannot be fetched, or does not fit the pages before it. Every later call returns
    /// `None`.
    pub async fn try_next(&mut self) -> Result<Option<Page>, Error> {
        poll_fn(|context| self.poll_page(context)).await
    }

    crate::stream::try_collect! { Page, "pages" }

    /// Polls for the next page, as [`try_next`](Self::try_next) does. Use it to build a stream from
    /// pages.
    ///
    /// # Errors
    ///
    /// The same as for [`try_next`](Self::try_next).
    #[inline]
    pub fn poll_page(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Page>, Error>> {
        let page = ready!(self.0.poll_page(context))?;
        if let Some(page) = &page {
            self.0.cursor = Some(page.cursor());
        }
        Poll::Ready(Ok(page))
    }

    /// Returns the error with stars in place of the credentials that the client has sent. For
    /// readers that create errors from the content of pages. Errors of these pages, and of
    /// [`Page::decode_error`] and [`Page::page_error`], are masked already.
    #[must_use]
    pub fn mask_error(&self, error: Error) -> Error {
        self.0.masked(error)
    }

    fn is_done(&self) -> bool {
        self.0.is_done()
    }
}

crate::stream::stream!([] Pages => Page, poll_page);
