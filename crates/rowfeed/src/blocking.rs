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

/// The rows of a result, as `T`, one after the other; made by [`Rows::blocking`](crate::Rows::blocking).
///
#[doc = include_str!("../docs/items/blocking-rows.md")]
#[must_use = "nothing is sent before the first row is needed"]
pub struct Rows<T>(crate::Rows<T>);

impl<T: DeserializeOwned + Send + 'static> crate::Rows<T> {
    /// Turns the rows into a plain iterator, for code without async; see
    /// [`blocking`](crate::blocking).
    ///
    /// Rows of which some have been read already give those of the page that is there, and then
    /// an error, as [`Pages::blocking`](crate::Pages::blocking) says.
    pub fn blocking(mut self) -> Rows<T> {
        self.pages.fetch_on_own_thread();
        Rows(self)
    }
}

impl<T: DeserializeOwned + Send + 'static> Rows<T> {
    /// The place after the last row that was given out; see [`Rows::cursor`](crate::Rows::cursor).
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

/// The pages of a result, one after the other; made by [`Pages::blocking`](crate::Pages::blocking).
///
#[doc = include_str!("../docs/items/blocking-pages.md")]
#[must_use = "nothing is sent before the first page is needed"]
#[derive(Debug)]
pub struct Pages(crate::Pages);

impl crate::Pages {
    /// Turns the pages into a plain iterator, for code without async; see
    /// [`blocking`](crate::blocking).
    ///
    /// Pages of which some have been read already cannot be turned: their connections belong to the
    /// runtime that they were read on. The iterator is one error then, unless all have been read;
    /// [`resume`](Self::resume) takes new pages to the same place.
    pub fn blocking(mut self) -> Pages {
        self.fetch_on_own_thread();
        Pages(self)
    }

    /// Fetches the pages on a thread of their own, so that polling for a page waits for it and is
    /// always ready: for blocking readers made of pages, with [`now`].
    ///
    /// The first page fails where some have been read already, as [`blocking`](Self::blocking) says.
    pub fn fetch_on_own_thread(&mut self) {
        let reader = &mut self.0;
        if reader.is_under_way() {
            let message = "these pages have been begun with async and cannot become blocking; \
                           take new ones, resume() them from the cursor of the last page or row, \
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

/// Polls once what reads [pages that are fetched on their own
/// thread](crate::Pages::fetch_on_own_thread), and so is ready.
///
/// # Panics
///
/// The poll is pending: it waits for something else than those pages.
pub fn now<T>(poll: impl FnOnce(&mut Context<'_>) -> Poll<T>) -> T {
    match poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("only pages that are fetched on their own thread can be polled so"),
    }
}

/// Fetches on another thread.
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

/// Waits for pages that a thread of its own fetches, one for each question. Dropping it ends the
/// thread, which waits for the next question.
struct OnOwnThread<P> {
    ask: UnboundedSender<()>,
    pages: mpsc::Receiver<Result<Option<P>, Error>>,
    thread: Option<Result<Thread<()>, Error>>,
    service: &'static str,
}

impl<P: Send> Fetcher<P> for OnOwnThread<P> {
    fn poll_page(&mut self, _context: &mut Context<'_>) -> Poll<Result<Option<P>, Error>> {
        // If nobody receives the question, the answer is missing too, or has been sent already.
        let _ = self.ask.send(());
        if let Ok(page) = self.pages.recv() {
            return Poll::Ready(page);
        }
        if let Some(thread) = self.thread.take() {
            thread.and_then(ended)?;
        }
        let message = "the thread that fetched the pages has ended with a panic";
        Poll::Ready(Err(Error::new(ErrorKind::Paging, self.service, message)))
    }
}

/// Fetches a page for each question, until there are no more questions or pages.
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
    /// Starts the run and waits for its end, for code without async; see
    /// [`blocking`](crate::blocking).
    ///
    /// What watches the [progress](Self::on_progress) is called on the thread that waits, not on
    /// the caller's.
    ///
    /// # Errors
    ///
    /// The same as of awaiting it.
    ///
    /// ```
    /// # rowfeed_sandbox::__example!(blocking |sandbox, dune| {
    /// let run = dune.execute_sql().body("SELECT project FROM trades LIMIT 3").run().blocking()?;
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

/// A thread that runs a future, unless it has no runtime to run it on.
type Thread<T> = JoinHandle<Result<T, Error>>;

/// Runs a future on a thread and a runtime of its own.
fn run_on_own_thread<F>(service: &'static str, future: F) -> Result<Thread<F::Output>, Error>
where
    F: Future<Output: Send> + Send + 'static,
{
    let no_thread = move |error: io::Error| {
        let message = format!("a thread for blocking calls cannot be started: {error}");
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

/// Waits for the end of a thread, and panics if it has.
fn ended<T>(thread: Thread<T>) -> Result<T, Error> {
    thread.join().unwrap_or_else(|panic| resume_unwind(panic))
}
