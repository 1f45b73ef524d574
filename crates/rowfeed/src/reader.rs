//! Reading pages one after the other, or ahead of the reader.

use std::{
    collections::VecDeque,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures_core::ready;
use rowfeed_client::platform::{Task, spawn};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::{
    Cursor, Error, ErrorKind, Page,
    source::{BoxFuture, Plan, Source, Wanted},
};

/// A source that nothing has been asked of yet.
pub(crate) trait Start: Send {
    fn service(&self) -> &'static str;
    fn limit(&self) -> Result<Option<u64>, Error>;
    fn resume(&mut self, cursor: &Cursor) -> Result<(), Error>;
    #[cfg(feature = "blocking")]
    fn reconnect(&mut self) -> Result<(), Error>;
    fn start(self: Box<Self>, wanted: Wanted) -> Box<dyn Reader>;
}

/// Gives page after page; not polled again after its end or an error.
pub(crate) trait Reader: Send {
    fn poll_page(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Page>, Error>>;
}

impl<S: Source> Start for S {
    fn service(&self) -> &'static str {
        Source::service(self)
    }

    fn limit(&self) -> Result<Option<u64>, Error> {
        Source::limit(self)
    }

    fn resume(&mut self, cursor: &Cursor) -> Result<(), Error> {
        Source::resume(self, cursor)
    }

    #[cfg(feature = "blocking")]
    fn reconnect(&mut self) -> Result<(), Error> {
        Source::reconnect(self)
    }

    fn start(self: Box<Self>, wanted: Wanted) -> Box<dyn Reader> {
        match wanted.prefetch {
            0 => Box::new(OneByOne {
                source: *self,
                wanted,
                fetching: None,
            }),
            _ => Box::new(Ahead::new(*self, wanted)),
        }
    }
}

/// Fetches a page when it is asked for.
struct OneByOne<S: Source> {
    source: S,
    wanted: Wanted,
    fetching: Option<BoxFuture<Result<S::Answer, Error>>>,
}

impl<S: Source> Reader for OneByOne<S> {
    fn poll_page(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Page>, Error>> {
        loop {
            if let Some(fetch) = &mut self.fetching {
                let answer = ready!(fetch.as_mut().poll(context));
                self.fetching = None;
                let page = answer.and_then(|answer| self.source.accept(self.wanted, answer))?;
                if page.is_some() {
                    return Poll::Ready(Ok(page));
                }
            }
            match self.source.plan(self.wanted)? {
                Plan::Fetch(fetch) => self.fetching = Some(fetch),
                Plan::End => return Poll::Ready(Ok(None)),
                Plan::Wait => return Poll::Ready(Err(stuck(Source::service(&self.source)))),
            }
        }
    }
}

/// Nothing is under way, and still the next request is not known: a fault in a paging rule.
fn stuck(service: &'static str) -> Error {
    Error::new(
        ErrorKind::Paging,
        service,
        "the next page cannot be told from the last one",
    )
}

/// Fetches pages in a task of its own, so that they arrive while the reader is busy. Where requests
/// do not depend on each other, several are under way at once.
///
/// At most `prefetch` pages are under way or waiting for the reader: each request takes a permit,
/// which comes back when the reader takes the page.
struct Ahead {
    pages: mpsc::UnboundedReceiver<(Result<Page, Error>, OwnedSemaphorePermit)>,
    // Ends the task, and with it all requests, when this is dropped.
    task: Task<()>,
    service: &'static str,
}

impl Ahead {
    fn new<S: Source>(source: S, wanted: Wanted) -> Self {
        let service = Source::service(&source);
        let (sender, pages) = mpsc::unbounded_channel();
        let task = spawn(fetch_ahead(source, wanted, sender));
        Self {
            pages,
            task,
            service,
        }
    }
}

impl Reader for Ahead {
    fn poll_page(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Page>, Error>> {
        if let Some((page, _permit)) = ready!(self.pages.poll_recv(context)) {
            return Poll::Ready(page.map(Some));
        }
        // Without this look a panic in the task would pass for the end of the result.
        let ended = ready!(Pin::new(&mut self.task).poll(context));
        Poll::Ready(match ended {
            Ok(()) => Ok(None),
            Err(_) => Err(shut_down(self.service)),
        })
    }
}

fn shut_down(service: &'static str) -> Error {
    let message = "the runtime was shut down while pages were being fetched";
    Error::new(ErrorKind::Paging, service, message)
}

/// Requests in the order of their plan, each with its permit.
type UnderWay<A> = VecDeque<(Task<Result<A, Error>>, OwnedSemaphorePermit)>;

async fn fetch_ahead<S: Source>(
    mut source: S,
    wanted: Wanted,
    pages: mpsc::UnboundedSender<(Result<Page, Error>, OwnedSemaphorePermit)>,
) {
    let service = Source::service(&source);
    let room = wanted.prefetch.min(Semaphore::MAX_PERMITS);
    let room = Arc::new(Semaphore::new(room));
    let mut under_way: UnderWay<S::Answer> = VecDeque::new();
    let mut plan_is_open = true;
    loop {
        if under_way.is_empty() && !plan_is_open {
            return;
        }
        tokio::select! {
            biased;
            answer = next_answer(service, &mut under_way), if !under_way.is_empty() => {
                let (answer, permit) = answer;
                match answer.and_then(|answer| source.accept(wanted, answer)) {
                    Ok(Some(page)) => {
                        // What is under way after the end was a guess, and may take its time.
                        if pages.send((Ok(page), permit)).is_err() || source.has_ended() {
                            return;
                        }
                    }
                    Ok(None) => {}
                    Err(error) => {
                        let _ = pages.send((Err(error), permit));
                        return;
                    }
                }
                plan_is_open = true;
            }
            permit = Arc::clone(&room).acquire_owned(), if plan_is_open => {
                let Ok(permit) = permit else { return };
                match source.plan(wanted) {
                    Ok(Plan::Fetch(fetch)) => {
                        under_way.push_back((spawn(fetch), permit));
                    }
                    Ok(Plan::Wait) if under_way.is_empty() => {
                        let _ = pages.send((Err(stuck(service)), permit));
                        return;
                    }
                    Ok(Plan::Wait | Plan::End) => plan_is_open = false,
                    Err(error) => {
                        let _ = pages.send((Err(error), permit));
                        return;
                    }
                }
            }
        }
    }
}

/// Waits for the oldest request. Dropping the future loses nothing.
async fn next_answer<A: Send + 'static>(
    service: &'static str,
    under_way: &mut UnderWay<A>,
) -> (Result<A, Error>, OwnedSemaphorePermit) {
    let Some((task, _)) = under_way.front_mut() else {
        return std::future::pending().await;
    };
    let answer = task.await.unwrap_or_else(|_| Err(shut_down(service)));
    match under_way.pop_front() {
        Some((_, permit)) => (answer, permit),
        None => std::future::pending().await,
    }
}
