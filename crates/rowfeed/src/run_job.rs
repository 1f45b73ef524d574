//! What a service does with runs: starts, reports, cancels.

use std::{future::Future, time::Duration};

use serde::Serialize;

use crate::{Error, ErrorKind, completed_run::Ended, paging::BoxFuture};

/// The pauses between looks at a run: the first, and the longest that it grows to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Interval {
    pub(crate) first: Duration,
    pub(crate) most: Duration,
}

impl Interval {
    /// No pauses are shorter than 10 and 100 ms: one service has many users, and counts what each
    /// requests.
    pub(crate) fn new(first: Duration, most: Duration) -> Self {
        let first = first.max(Duration::from_millis(10));
        let most = most.max(first).max(Duration::from_millis(100));
        Self { first, most }
    }
}

/// A run that a service has accepted.
pub(crate) struct Job {
    pub(crate) service: &'static str,
    pub(crate) id: String,
    pub(crate) origin: RunOrigin,
    /// Requests the status of the run once.
    pub(crate) poll: Box<dyn Fn() -> BoxFuture<Result<RunStatus, Error>> + Send + Sync>,
    pub(crate) cancel: Box<dyn Fn() -> BoxFuture<Result<(), Error>> + Send + Sync>,
}

impl Job {
    /// `call` makes an error of one of the service.
    pub(crate) fn new<A, C, T, E: 'static>(
        service: &'static str,
        id: String,
        poll: impl Fn() -> A + Send + Sync + 'static,
        cancel: impl Fn() -> C + Send + Sync + 'static,
        call: fn(E) -> Error,
    ) -> Self
    where
        A: Future<Output = Result<RunStatus, Error>> + Send + 'static,
        C: Future<Output = Result<T, E>> + Send + 'static,
    {
        Self {
            service,
            id,
            origin: RunOrigin::Started,
            poll: Box::new(move || Box::pin(poll())),
            cancel: Box::new(move || {
                let cancelled = cancel();
                Box::pin(async move { cancelled.await.map(drop).map_err(call) })
            }),
        }
    }

    pub(crate) fn with_origin(self, origin: RunOrigin) -> Self {
        Self { origin, ..self }
    }

    /// Whether it may be cancelled without an explicit call: not where it was only found running.
    pub(crate) fn is_own(&self) -> bool {
        self.origin != RunOrigin::Reused
    }
}

/// How a program came by a run: whether it was executed for this program, or before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RunOrigin {
    /// The request started it.
    Started,
    /// It was taken up by its id.
    Attached,
    /// The latest result was fresh enough, so nothing was executed; see
    /// [`RunRequest::max_age`](crate::RunRequest::max_age).
    Reused,
}

/// How far a run is.
pub(crate) enum RunStatus {
    Pending {
        state: String,
        queue_position: Option<u64>,
    },
    Ended(Ended),
}

impl RunStatus {
    pub(crate) fn pending(state: &str) -> Self {
        Self::Pending {
            state: state.to_owned(),
            queue_position: None,
        }
    }
}

/// The state of a run that has not ended, reported after each request for it.
///
#[doc = include_str!("../docs/items/progress.md")]
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Progress {
    /// The execution or query.
    pub run_id: String,
    /// The state in the service's own word: `QUERY_STATE_EXECUTING`, `queued`, `RUNNING`.
    pub state: String,
    /// How many runs are before this one, where Dune says so.
    pub queue_position: Option<u64>,
    /// How long the run has been waited for.
    pub elapsed: Duration,
}

/// The id in the answer to a call that starts a run.
///
/// # Errors
///
/// The service sent none. The run may be under way, and billed, without a way to name it: so the
/// error says what was called and what came.
pub(crate) fn started_id(
    service: &'static str,
    operation: &str,
    id: &str,
    answer: &impl Serialize,
) -> Result<String, Error> {
    const MOST_OF_BODY: usize = 500;
    if !id.trim().is_empty() {
        return Ok(id.to_owned());
    }
    let answer = serde_json::to_string(answer).unwrap_or_default();
    let mut answer = answer;
    if let Some((end, _)) = answer.char_indices().nth(MOST_OF_BODY) {
        answer.replace_range(end.., "…");
    }
    let message = format!(
        "{operation} succeeded, and its answer names no run: the run may have been started, and \
         cannot be followed; look for it at the service before starting another; the body: {answer}"
    );
    Err(Error::new(ErrorKind::Call, service, message))
}

#[cfg(test)]
mod tests;
