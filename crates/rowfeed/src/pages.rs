//! Page after page, to the end.

use std::{
    fmt,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll},
};

use futures_core::{FusedStream, Stream, ready};
use serde::de::DeserializeOwned;

use crate::{
    Cursor, Error, Page, Rows,
    reader::{Reader, Start},
    source::{Source, Wanted},
};

/// The pages of a result.
///
/// A [`Stream`], and usable without one by [`try_next`](Self::try_next). Ends for good after the
/// last page, and after the first error. May be dropped at any point.
///
/// Unless [`prefetch`](Self::prefetch) says otherwise, a page is fetched when it is asked for, and
/// none is bought that is not needed.
///
/// ```
/// # use rowfeed::{dune, prelude::*};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let sandbox = rowfeed_sandbox::Sandbox::builder().poll_steps(0).start().await?;
/// # let key = rowfeed::Secret::new(rowfeed_sandbox::DUNE_API_KEY)?;
/// # let dune = dune::Client::builder().base_url(sandbox.dune_url()).api_key(key).build()?;
/// # let run = dune.execute_sql().body("SELECT * FROM trades").run().await?;
/// let mut pages = run.pages().page_size(20);
/// let mut sizes = Vec::new();
/// while let Some(page) = pages.try_next().await? {
///     println!("{} rows from row {} on", page.len(), page.first_row());
///     sizes.push(page.len());
/// }
/// assert_eq!(sizes, [20, 20, 8]);
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is sent before a page is asked for"]
pub struct Pages {
    state: State,
    wanted: Wanted,
    left: Option<u64>,
    service: &'static str,
    resumed: Option<Cursor>,
    /// What begins to read: here, or on another thread.
    start: fn(Box<dyn Start>, Wanted) -> Box<dyn Reader>,
}

enum State {
    Waiting(Box<dyn Start>),
    Reading(Box<dyn Reader>),
    Failed(Error),
    Done,
}

impl Pages {
    /// The pages of a source: for [another service](crate::service).
    pub fn from_source(source: impl Source) -> Self {
        Self::boxed(Box::new(source))
    }

    pub(crate) fn boxed(source: Box<dyn Start>) -> Self {
        let service = source.service();
        match source.limit() {
            Ok(at_most) => Self {
                state: State::Waiting(source),
                wanted: Wanted {
                    at_most,
                    ..Wanted::default()
                },
                left: at_most,
                service,
                resumed: None,
                start: Start::start,
            },
            Err(error) => Self::failed(error),
        }
    }

    /// Pages that are one error, when asked for: of parameters that cannot be, say.
    pub fn failed(error: Error) -> Self {
        let service = error.service();
        Self {
            state: State::Failed(error),
            wanted: Wanted::default(),
            left: None,
            service,
            resumed: None,
            start: Start::start,
        }
    }

    /// How many rows to ask for at a time.
    ///
    /// Unset, it is what the service's own clients use or allow: 32,000 for Dune, 2,500 for
    /// Lightdash (500 where a server refuses that), 1,000 for Yandex Query. A service may send
    /// fewer; that is no sign of the end.
    pub fn page_size(mut self, rows: u32) -> Self {
        self.wanted.page_size = Some(rows);
        self
    }

    /// Ends after this many rows, in the middle of a page if need be.
    pub fn max_rows(mut self, rows: u64) -> Self {
        let at_most = self.wanted.at_most.map_or(rows, |least| least.min(rows));
        self.wanted.at_most = Some(at_most);
        self.left = Some(at_most);
        self
    }

    /// Takes a result that the service has cut off for its size as it is. Without this it is an
    /// error of the kind [`Truncated`](crate::ErrorKind::Truncated).
    ///
    /// ```
    /// use rowfeed::ErrorKind;
    /// # use rowfeed::{dune, prelude::*};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let sandbox = rowfeed_sandbox::Sandbox::builder().poll_steps(0).dune_partial_after(10);
    /// # let sandbox = sandbox.start().await?;
    /// # let key = rowfeed::Secret::new(rowfeed_sandbox::DUNE_API_KEY)?;
    /// # let dune = dune::Client::builder().base_url(sandbox.dune_url()).api_key(key).build()?;
    /// # let run = dune.execute_sql().body("SELECT * FROM trades").run().await?;
    /// let error = run.pages().try_next().await.unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Truncated);
    ///
    /// let part = run.pages().allow_truncated().try_collect().await?;
    /// println!("the first {} rows", part[0].len());
    /// # assert_eq!(part[0].len(), 10);
    /// # Ok(())
    /// # }
    /// ```
    pub fn allow_truncated(mut self) -> Self {
        self.wanted.truncated = true;
        self
    }

    /// Fetches up to this many pages before they are asked for, in a task of their own, so that
    /// they arrive while the last one is being worked on. That many are held in memory.
    ///
    /// Where pages do not depend on each other, they are fetched side by side: at Lightdash and
    /// Yandex Query, and at Dune for results without filters. Dune bills what is fetched, also when
    /// it is not used.
    ///
    /// ```
    /// # use rowfeed::{dune, prelude::*};
    /// # async fn insert(rows: Vec<rowfeed::Row>) {
    /// #     assert!(!rows.is_empty());
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let sandbox = rowfeed_sandbox::Sandbox::builder().poll_steps(0).start().await?;
    /// # let key = rowfeed::Secret::new(rowfeed_sandbox::DUNE_API_KEY)?;
    /// # let dune = dune::Client::builder().base_url(sandbox.dune_url()).api_key(key).build()?;
    /// # let run = dune.execute_sql().body("SELECT * FROM trades").run().await?;
    /// let mut pages = run.pages().page_size(10).prefetch(2);
    /// while let Some(page) = pages.try_next().await? {
    ///     // The next two pages are on their way meanwhile.
    ///     insert(page.rows()?).await;
    /// }
    /// # assert_eq!(sandbox.requests().iter().filter_map(|page| page.rows).sum::<usize>(), 48);
    /// # Ok(())
    /// # }
    /// ```
    pub fn prefetch(mut self, pages: usize) -> Self {
        self.wanted.prefetch = pages;
        self
    }

    /// Asks only for the columns that `T` has, where a service can leave columns out: Dune, which
    /// bills what it sends by size.
    ///
    /// They are serde's names of `T`'s fields, those of them that the result has. Where the columns
    /// are not known yet, a request for one row finds them out. All columns come where `T` is no
    /// struct, or flattens something into itself, and where the operation names columns itself.
    ///
    /// ```
    /// # use rowfeed::{Column, dune, prelude::*};
    /// #[derive(serde::Deserialize)]
    /// struct Trade {
    ///     project: String,
    ///     amount_usd: Option<f64>,
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let sandbox = rowfeed_sandbox::Sandbox::builder().poll_steps(0).start().await?;
    /// # let key = rowfeed::Secret::new(rowfeed_sandbox::DUNE_API_KEY)?;
    /// # let dune = dune::Client::builder().base_url(sandbox.dune_url()).api_key(key).build()?;
    /// # let run = dune.execute_sql().body("SELECT * FROM trades").run().await?;
    /// let mut pages = run.pages().columns_of::<Trade>();
    /// let page = pages.try_next().await?.ok_or("no page")?;
    /// let names: Vec<_> = page.columns().iter().map(Column::name).collect();
    /// assert_eq!(names, ["project", "amount_usd"]); // of ten
    /// let trades: Vec<Trade> = page.rows()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn columns_of<T: DeserializeOwned>(mut self) -> Self {
        self.wanted.fields = rowfeed_rows::field_names::<T>();
        self
    }

    /// Gives Lightdash's cells as it shows them to people: text, with the format, the currency and
    /// the language of the field. NULL stays NULL. Without this, and at other services, cells are
    /// values. Text like this is for showing: it is not meant to be read back.
    ///
    /// ```
    /// # use rowfeed::{lightdash, prelude::*};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let sandbox = rowfeed_sandbox::Sandbox::builder().poll_steps(0).start().await?;
    /// # let token = rowfeed::Secret::new(rowfeed_sandbox::LIGHTDASH_TOKEN)?;
    /// # let (project, url) = (rowfeed_sandbox::LIGHTDASH_PROJECT_UUID, sandbox.lightdash_url());
    /// # let lightdash = lightdash::Client::builder().base_url(url).token(token).build()?;
    /// let sql = "SELECT launched_on, note FROM projects WHERE project = 'saltmarsh'";
    /// let run = lightdash.execute_async_sql_query().project_uuid(project).body(sql).run().await?;
    /// let page = run.pages().formatted().try_next().await?.ok_or("no page")?;
    /// let shown: Vec<(String, Option<&str>)> = page.rows()?;
    /// assert!(shown[0].0.starts_with("2023-08-09"));
    /// assert_eq!(shown[0].1, None);
    /// # Ok(())
    /// # }
    /// ```
    pub fn formatted(mut self) -> Self {
        self.wanted.formatted = true;
        self
    }

    /// Goes on from a cursor of the same result: with the row after the one it stands behind.
    ///
    /// A cursor of another result is an error when the first page is asked for. A limit on the rows
    /// ([`max_rows`](Self::max_rows), `limit` of the operation) counts from here.
    ///
    /// ```
    /// # use rowfeed::{dune, prelude::*};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let sandbox = rowfeed_sandbox::Sandbox::builder().poll_steps(0).start().await?;
    /// # let key = rowfeed::Secret::new(rowfeed_sandbox::DUNE_API_KEY)?;
    /// # let dune = dune::Client::builder().base_url(sandbox.dune_url()).api_key(key).build()?;
    /// # let run = dune.execute_sql().body("SELECT * FROM trades").run().await?;
    /// let first = run.pages().page_size(20).try_next().await?.ok_or("no page")?;
    /// let cursor = first.cursor();
    ///
    /// let mut rest = run.pages().resume(&cursor);
    /// let second = rest.try_next().await?.ok_or("no page")?;
    /// assert_eq!(second.first_row(), 20);
    /// # Ok(())
    /// # }
    /// ```
    pub fn resume(mut self, cursor: &Cursor) -> Self {
        let resumed = match &mut self.state {
            State::Waiting(source) => source.resume(cursor),
            State::Failed(_) => return self,
            State::Reading(_) | State::Done => {
                let message = "resume() was called after the first page; it belongs before it";
                Err(Error::invalid(self.service, message))
            }
        };
        match resumed {
            Ok(()) => self.resumed = Some(cursor.clone()),
            Err(error) => self.state = State::Failed(error),
        }
        self
    }

    /// The place that reading was resumed from; where it fails before the first page, it is still
    /// the place to go on from.
    pub(crate) fn resumed_from(&self) -> Option<&Cursor> {
        self.resumed.as_ref()
    }

    /// The rows of all pages, as `T`.
    pub fn rows<T>(self) -> Rows<T>
    where
        T: DeserializeOwned + Send + 'static,
    {
        Rows::new(self)
    }

    /// The rows of all pages as Arrow record batches.
    #[cfg(feature = "arrow")]
    pub fn record_batches(self) -> crate::RecordBatches {
        crate::RecordBatches::new(self)
    }

    #[cfg(feature = "arrow")]
    pub(crate) fn service(&self) -> &'static str {
        self.service
    }

    /// The pages as a plain iterator, for code without async; see [`blocking`](crate::blocking).
    ///
    /// Pages of which some have been read already cannot change over: their connections belong to
    /// the runtime that they were read on. The iterator is one error then, unless all has been
    /// read; [`resume`](Self::resume) takes new pages to the same place.
    #[cfg(feature = "blocking")]
    pub fn blocking(self) -> crate::blocking::Pages {
        crate::blocking::Pages::new(self.apart())
    }

    /// The same pages, read on a thread of their own.
    #[cfg(feature = "blocking")]
    pub(crate) fn apart(mut self) -> Self {
        if let State::Reading(_) = self.state
            && self.left != Some(0)
        {
            let message = "these pages have been begun with async and cannot become blocking; \
                           take new ones, resume() them from the cursor of the last page or row, \
                           and call blocking() before the first is asked for";
            self.state = State::Failed(Error::invalid(self.service, message));
        }
        self.start = crate::blocking::start_apart;
        self
    }

    /// The next page; `None` after the last.
    ///
    /// Dropping the future loses nothing: the next call goes on with the same page.
    ///
    /// # Errors
    ///
    /// The page cannot be had; every later call gives `None`.
    pub async fn try_next(&mut self) -> Result<Option<Page>, Error> {
        poll_fn(|context| self.poll_page(context)).await
    }

    /// All pages.
    ///
    /// # Errors
    ///
    /// The first that occurs.
    pub async fn try_collect(mut self) -> Result<Vec<Page>, Error> {
        let mut pages = Vec::new();
        while let Some(page) = self.try_next().await? {
            pages.push(page);
        }
        Ok(pages)
    }

    pub(crate) fn poll_page(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<Option<Page>, Error>> {
        if self.left == Some(0) && !matches!(self.state, State::Failed(_)) {
            self.state = State::Done;
        }
        if let State::Waiting(_) = self.state
            && let State::Waiting(source) = std::mem::replace(&mut self.state, State::Done)
        {
            if self.wanted.page_size == Some(0) {
                let message = "a page size of 0 rows was asked for; it must be at least 1";
                return Poll::Ready(Err(Error::invalid(self.service, message)));
            }
            self.state = State::Reading((self.start)(source, self.wanted));
        }
        let State::Reading(reader) = &mut self.state else {
            return Poll::Ready(match std::mem::replace(&mut self.state, State::Done) {
                State::Failed(error) => Err(error),
                _ => Ok(None),
            });
        };
        let page = ready!(reader.poll_page(context));
        if !matches!(page, Ok(Some(_))) {
            self.state = State::Done;
        }
        Poll::Ready(page.map(|page| {
            let mut page = page?;
            if let Some(left) = &mut self.left {
                page.kept = Some(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= page.len() as u64;
            }
            Some(page)
        }))
    }
}

impl Stream for Pages {
    type Item = Result<Page, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_page(context).map(Result::transpose)
    }
}

impl FusedStream for Pages {
    fn is_terminated(&self) -> bool {
        matches!(self.state, State::Done) || self.left == Some(0)
    }
}

impl fmt::Debug for Pages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages")
            .field("service", &self.service)
            .field("wanted", &self.wanted)
            .finish_non_exhaustive()
    }
}
