//! Fetches pages ahead in a task, so that they arrive while the reader is busy. If requests do not
//! depend on each other, several are in flight at once.

use std::{
    collections::VecDeque,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use futures_core::ready;
use rowfeed_client::platform::{Task, spawn};
use tokio::sync::{
    Semaphore,
    mpsc::{self, OwnedPermit},
};

use super::{
    intake::{Fetcher, Intake},
    source::{FetchPlan, Source},
};
use crate::{Error, ErrorKind};

/// At most `prefetch` pages are in flight or waiting for the reader. Each request holds a permit of
/// the channel that sends its page. The permit is free again when the reader takes the page.
pub(super) struct Prefetch<P> {
    pages: mpsc::Receiver<Result<P, Error>>,
    // Dropping this ends the task and all its requests.
    task: Task<()>,
    service: &'static str,
}

impl<P: Send + 'static> Prefetch<P> {
    pub(super) fn new<S: Source<Page = P>>(intake: Intake<S>) -> Self {
        let service = intake.service();
        // A channel cannot have more permits.
        let room = intake.options.prefetch.min(Semaphore::MAX_PERMITS);
        let (sender, pages) = mpsc::channel(room);
        let task = spawn(async move {
            if let Err(error) = fetch(intake, &sender).await {
                let _ = sender.send(Err(error)).await;
            }
        });
        Self {
            pages,
            task,
            service,
        }
    }
}

impl<P: Send + 'static> Fetcher<P> for Prefetch<P> {
    fn poll_page(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<P>, Error>> {
        if let Some(fetched) = ready!(self.pages.poll_recv(context)) {
            return Poll::Ready(fetched.map(Some));
        }
        // Without this check, a panic in the task would look like the end of the result.
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

/// Requests in the order in which they were planned.
type UnderWay<A, P> = VecDeque<(Task<Result<A, Error>>, OwnedPermit<Result<P, Error>>)>;

/// Fetches until the end, or until the reader is dropped.
async fn fetch<S: Source>(
    mut intake: Intake<S>,
    pages: &mpsc::Sender<Result<S::Page, Error>>,
) -> Result<(), Error> {
    let service = intake.service();
    let mut under_way: UnderWay<S::Response, S::Page> = VecDeque::new();
    let mut may_plan = true;
    loop {
        if under_way.is_empty() && !may_plan {
            return intake.end();
        }
        tokio::select! {
            biased;
            answer = async {
                match under_way.front_mut() {
                    Some((task, _)) => task.await,
                    None => std::future::pending().await,
                }
            }, if !under_way.is_empty() => {
                let Some((_, permit)) = under_way.pop_front() else { continue };
                let answer = answer.unwrap_or_else(|_| Err(shut_down(service)));
                if let Some(page) = intake.accept(answer)? {
                    permit.send(Ok(page));
                }
                // Requests that are still in flight after the end were guesses, and are dropped.
                if intake.has_ended() {
                    return intake.end();
                }
                may_plan = true;
            }
            permit = pages.clone().reserve_owned(), if may_plan => {
                let Ok(permit) = permit else { return Ok(()) };
                match intake.plan(under_way.len())? {
                    FetchPlan::Fetch(request) => under_way.push_back((spawn(request), permit)),
                    FetchPlan::Wait | FetchPlan::End => may_plan = false,
                }
            }
        }
    }
}
