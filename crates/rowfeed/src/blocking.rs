#![doc = include_str!("../docs/blocking.md")]

use std::{
    fmt,
    future::{Future, IntoFuture as _, poll_fn},
    io,
    iter::FusedIterator,
    panic::resume_unwind,
    sync::mpsc::{self, SyncSender},
    task::{Context, Poll, Waker},
    thread::{self, JoinHandle},
};

use serde::de::DeserializeOwned;
use tokio::{
    runtime::Builder,
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
};

use crate::{
    CompletedRun, Cursor, Error, ErrorKind, Page, RunRequest,
    paging::{AnySource, FetchOptions, Fetcher, SourcePage},
};

/// The rows of a result, decoded as `T`; created by [`Rows::blocking`](crate::Rows::blocking).
///
#[doc = include_str!("../docs/items/blocking-rows.md")]
#[must_use = "nothing is sent before the first row is needed"]
pub struct Rows<T>(crate::Rows<T>);

impl<T: DeserializeOwned + Send + 'static> crate::Rows<T> {
    /// Turns the rows into a plain iterator, for code without async; see
    /// [`blocking`](crate::blocking).
    ///
    /// If some rows have been read already, the iterator returns the rest of the current page and
    /// then an error, as described in [`Pages::blocking`](crate::Pages::blocking).
    pub fn blocking(mut self) -> Rows<T> {
        self.pages.fetch_on_own_thread();
        Rows(self)
    }
}

impl<T: DeserializeOwned + Send + 'static> Rows<T> {
    /// Returns the cursor after the last row that was returned; see
    /// [`Rows::cursor`](crate::Rows::cursor).
    #[must_use]
    pub fn cursor(&self) -> Option<Cursor> {
        self.0.cursor()
    }
}

impl<T: DeserializeOwned + Send + 'static> Iterator for Rows<T> {
    type Item = Result<T, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        now(|context| self.0.poll_row(context)).transpose()
    }
}

impl<T: DeserializeOwned + Send + 'static> FusedIterator for Rows<T> {}

impl<T> fmt::Debug for Rows<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The pages of a result; created by [`Pages::blocking`](crate::Pages::blocking).
///
#[doc = include_str!("../docs/items/blocking-pages.md")]
#[must_use = "nothing is sent before the first page is needed"]
#[derive(Debug)]
pub struct Pages(crate::Pages);

impl crate::Pages {
    /// Turns the pages into a plain iterator, for code without async; see
    /// [`blocking`](crate::blocking).
    ///
    /// This works only before the first page: connections that were opened in async code belong to
    /// its runtime. If some pages have been read already, the iterator returns one error, unless
    /// all have been read. To continue, [`resume`](Self::resume) new pages from the last cursor.
    pub fn blocking(mut self) -> Pages {
        self.fetch_on_own_thread();
        Pages(self)
    }

    /// Fetches the pages on a separate thread, so that polling for a page blocks until it arrives
    /// and is always ready. Use it with [`now`] to build blocking readers from pages.
    ///
    /// If some pages have been read already, the next one is an error, as described in
    /// [`blocking`](Self::blocking).
    pub fn fetch_on_own_thread(&mut self) {
        let reader = &mut self.0;
        if reader.is_under_way() {
            let message = "these pages were already read with async and cannot become blocking; \
                           create new ones, resume() them from the cursor of the last page or row, \
                           and call blocking() before the first page";
            let error = Error::invalid(reader.service, message);
            reader.fail(error);
        }
        reader.start = start_on_own_thread;
    }
}

impl Iterator for Pages {
    type Item = Result<Page, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        now(|context| self.0.poll_page(context)).transpose()
    }
}

impl FusedIterator for Pages {}

/// Polls once, for a reader of [pages that are fetched on their own
/// thread](crate::Pages::fetch_on_own_thread), which is always ready.
///
/// # Panics
///
/// Panics if the poll is pending because it waits for anything other than those pages.
pub fn now<T>(poll: impl FnOnce(&mut Context<'_>) -> Poll<T>) -> T {
    match poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("now() can only poll pages that are fetched on their own thread"),
    }
}

/// Starts to fetch on another thread.
fn start_on_own_thread<P: SourcePage + Send + 'static>(
    service: &'static str,
    source: Box<dyn AnySource<P>>,
    options: FetchOptions,
) -> Box<dyn Fetcher<P>> {
    let (ask, asked) = unbounded_channel();
    let (give, pages) = mpsc::sync_channel(1);
    let thread = Some(run_on_own_thread(
        service,
        fetch(source, options, asked, give),
    ));
    Box::new(OnOwnThread {
        ask,
        pages,
        thread,
        service,
    })
}

/// Receives pages from a thread that fetches one page for each request. Dropping it ends the
/// thread.
struct OnOwnThread<P> {
    ask: UnboundedSender<()>,
    pages: mpsc::Receiver<Result<Option<P>, Error>>,
    thread: Option<Result<Thread<()>, Error>>,
    service: &'static str,
}

impl<P: Send> Fetcher<P> for OnOwnThread<P> {
    fn poll_page(&mut self, _context: &mut Context<'_>) -> Poll<Result<Option<P>, Error>> {
        // If the send fails, the thread has ended: `recv` returns its last result or fails.
        let _ = self.ask.send(());
        if let Ok(page) = self.pages.recv() {
            return Poll::Ready(page);
        }
        if let Some(thread) = self.thread.take() {
            thread.and_then(ended)?;
        }
        let message = "the thread that fetched the pages panicked";
        Poll::Ready(Err(Error::new(ErrorKind::Paging, self.service, message)))
    }
}

/// Fetches a page for each request, until there are no more requests or pages.
async fn fetch<P: SourcePage>(
    mut source: Box<dyn AnySource<P>>,
    options: FetchOptions,
    mut asked: UnboundedReceiver<()>,
    give: SyncSender<Result<Option<P>, Error>>,
) {
    if let Err(error) = source.reconnect() {
        let _ = give.send(Err(error));
        return;
    }
    let mut pages = source.start(options);
    while asked.recv().await.is_some() {
        let page = poll_fn(|context| pages.poll_page(context)).await;
        let is_last = !matches!(page, Ok(Some(_)));
        if give.send(page).is_err() || is_last {
            return;
        }
    }
}

impl RunRequest {
    /// Starts the run and waits until it ends, for code without async; see
    /// [`blocking`](crate::blocking).
    ///
    /// A callback for the [progress](Self::on_progress) runs on the waiting thread, not on the
    /// caller's thread.
    ///
    /// # Errors
    ///
    /// The same as for awaiting the request.
    ///
    /// ```
    /// # rowfeed_sandbox::__example!(blocking |sandbox, dune| {
    /// let run = dune.execute_sql().sql("SELECT project FROM trades LIMIT 3").run().blocking()?;
    /// for project in run.rows::<String>().blocking() {
    ///     println!("{}", project?);
    /// }
    /// # });
    /// ```
    pub fn blocking(mut self) -> Result<CompletedRun, Error> {
        self.submission.own_connections = true;
        ended(run_on_own_thread(self.service, self.into_future())?)?
    }
}

/// A thread that runs a future, or fails if it cannot create a runtime.
type Thread<T> = JoinHandle<Result<T, Error>>;

/// Runs a future on a new thread with its own runtime.
fn run_on_own_thread<F>(service: &'static str, future: F) -> Result<Thread<F::Output>, Error>
where
    F: Future<Output: Send> + Send + 'static,
{
    let no_thread = move |error: io::Error| {
        let message = format!("cannot start a thread for blocking calls: {error}");
        Error::invalid(service, message)
    };
    let work = move || {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(no_thread)?;
        let output = runtime.block_on(future);
        runtime.shutdown_background();
        Ok(output)
    };
    let thread = thread::Builder::new().name("rowfeed".into());
    thread.spawn(work).map_err(no_thread)
}

/// Waits until a thread ends, and resumes its panic if it panicked.
fn ended<T>(thread: Thread<T>) -> Result<T, Error> {
    thread.join().unwrap_or_else(|panic| resume_unwind(panic))
}
