//! What a service can do with a run: start it, report its state, cancel it.

use std::{future::Future, time::Duration};

use serde::Serialize;

use crate::{Error, ErrorKind, completed_run::Ended, paging::BoxFuture};

/// The pauses between requests for the state of a run: the first one and the longest one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Interval {
    pub(crate) first: Duration,
    pub(crate) most: Duration,
}

impl Interval {
    /// Pauses are at least 10 and 100 ms, because services count the requests of each user.
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
    /// `call` converts an error of the service.
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

    /// Whether the run may be cancelled without an explicit call: only if this program started it.
    pub(crate) fn is_own(&self) -> bool {
        self.origin != RunOrigin::Reused
    }
}

/// How this program got a run: whether the run was executed for it, or before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RunOrigin {
    /// The request started it.
    Started,
    /// The program attached to it by its id.
    Attached,
    /// The latest result was fresh enough, so nothing was executed; see
    /// [`RunRequest::max_age`](crate::RunRequest::max_age).
    Reused,
}

/// The status of a run.
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
    /// The state as the service names it: `QUERY_STATE_EXECUTING`, `queued`, `RUNNING`.
    pub state: String,
    /// How many runs are before this one in the queue, if Dune reports it.
    pub queue_position: Option<u64>,
    /// How long this program has waited for the run.
    pub elapsed: Duration,
}

/// Returns the id from the response to a call that starts a run.
///
/// # Errors
///
/// The service sent no id. The run may have started, and may be billed, but cannot be identified.
/// The error therefore has the operation and the body.
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
    let mut answer = serde_json::to_string(answer).unwrap_or_default();
    if let Some((end, _)) = answer.char_indices().nth(MOST_OF_BODY) {
        answer.replace_range(end.., "…");
    }
    let message = format!(
        "{operation} succeeded, but its response names no run: the run may have been started, and \
         cannot be followed; look for it at the service before starting another; the body: {answer}"
    );
    Err(Error::new(ErrorKind::Call, service, message))
}

#[cfg(test)]
mod tests;
