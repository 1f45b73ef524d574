//! A run that the service has accepted.

use std::{fmt, future::IntoFuture, sync::Arc, time::Duration};

use rowfeed_client::{
    Meter,
    platform::{Instant, Runtime, sleep, timeout_at},
};

use crate::{
    CompletedRun, Error, ErrorKind, Progress, RunOrigin,
    paging::BoxFuture,
    run_job::{Interval, Job, RunStatus},
};

/// How long cancelling the run may delay the timeout error.
const CANCEL_WITHIN: Duration = Duration::from_secs(5);

pub(crate) type Watch = Box<dyn FnMut(&Progress) + Send>;

/// How to wait for a run.
pub(crate) struct Waiting {
    pub(crate) interval: Interval,
    pub(crate) timeout: Option<Duration>,
    pub(crate) cancel_on_timeout: bool,
    pub(crate) cancel_on_drop: bool,
    pub(crate) watch: Option<Watch>,
}

/// A run that the service has accepted. Awaiting it waits until the run ends.
///
#[doc = include_str!("../docs/items/run-handle.md")]
#[must_use = "the run is waited for when this is awaited"]
pub struct RunHandle {
    pub(crate) guard: Guard,
    pub(crate) meter: Meter,
    pub(crate) waiting: Waiting,
}

impl RunHandle {
    /// Returns the id of the run at the service. With it, any process can wait for the run again:
    /// `client.get_execution_status().execution_id(id).run()` at Dune, `get_async_query_results()`
    /// at Lightdash, `get_query_status()` at Yandex Query.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.guard.job.id
    }

    /// Returns the service: `"dune"`, `"lightdash"` or `"yandex-query"`.
    #[must_use]
    pub fn service(&self) -> &'static str {
        self.guard.job.service
    }

    /// Asks the service to cancel the run. The run may have ended already.
    ///
    /// # Errors
    ///
    /// The service refuses.
    ///
    #[doc = include_str!("../docs/items/run-handle-cancel.md")]
    pub async fn cancel(mut self) -> Result<(), Error> {
        self.guard.is_armed = false;
        let job = &self.guard.job;
        let cancelled = (job.cancel)().await;
        cancelled.map_err(|error| error.with_run(&job.id).masked(self.meter.masker()))
    }
}

impl IntoFuture for RunHandle {
    type Output = Result<CompletedRun, Error>;
    type IntoFuture = BoxFuture<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let masker = self.meter.masker().clone();
        Box::pin(async move { wait(self).await.map_err(|error| error.masked(&masker)) })
    }
}

impl fmt::Debug for RunHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunHandle")
            .field("service", &self.service())
            .field("id", &self.meter.masker().mask(self.id()))
            .finish_non_exhaustive()
    }
}

async fn wait(running: RunHandle) -> Result<CompletedRun, Error> {
    let RunHandle {
        mut guard,
        meter,
        waiting,
    } = running;
    let timeout = waiting.timeout;
    let job = Arc::clone(&guard.job);
    let polling = until_ended(&job, &meter, waiting.interval, waiting.watch);
    // A timeout that is too far away for an `Instant` is no timeout.
    let limit = timeout.and_then(|timeout| Some((timeout, Instant::now().checked_add(timeout)?)));
    let result = match limit {
        None => polling.await,
        Some((timeout, at)) => match timeout_at(at, polling).await {
            Ok(result) => result,
            Err(_) => {
                let mut is_cancelled = false;
                if waiting.cancel_on_timeout && job.is_own() {
                    guard.is_armed = false;
                    // The timeout is the error to report. A run that cannot be cancelled continues.
                    let cancelled = timeout_at(Instant::now() + CANCEL_WITHIN, (job.cancel)());
                    is_cancelled = matches!(cancelled.await, Ok(Ok(())));
                }
                let then = match is_cancelled {
                    true => "it was cancelled",
                    false => "it continues at the service",
                };
                let message = format!("the run did not end within {timeout:?}; {then}");
                let error = Error::new(ErrorKind::Timeout, job.service, message);
                return Err(error.with_run(&job.id));
            }
        },
    };
    // A run may continue even if its state cannot be requested.
    let is_lost = |error: &Error| matches!(error.kind(), ErrorKind::Call | ErrorKind::UnknownState);
    guard.is_armed &= result.as_ref().is_err_and(is_lost);
    result.map_err(|error| {
        if !is_lost(&error) {
            let credits = error.cost_credits();
            let credits = credits.filter(|_| job.origin == RunOrigin::Started);
            meter.run_ended(job.service, &job.id, credits);
        }
        error.with_run(&job.id)
    })
}

/// Polls until the run ends, with growing pauses. Each pause is slightly randomized so that runs
/// that were started together do not poll together.
async fn until_ended(
    job: &Job,
    meter: &Meter,
    interval: Interval,
    mut watch: Option<Watch>,
) -> Result<CompletedRun, Error> {
    let started = Instant::now();
    let mut pause = interval.first;
    loop {
        match (job.poll)().await? {
            RunStatus::Ended(ended) => {
                return Ok(CompletedRun::new(ended, job.origin, meter.clone()));
            }
            RunStatus::Pending {
                state,
                queue_position,
            } => {
                if let Some(watch) = &mut watch {
                    watch(&Progress {
                        run_id: job.id.clone(),
                        state,
                        queue_position,
                        elapsed: started.elapsed(),
                    });
                }
            }
        }
        sleep(about(pause)).await;
        pause = pause.saturating_mul(2).min(interval.most);
    }
}

/// Returns the pause, changed at random by up to 10%.
fn about(pause: Duration) -> Duration {
    let seconds = pause.as_secs_f64() * (0.9 + 0.2 * fastrand::f64());
    Duration::try_from_secs_f64(seconds).unwrap_or(pause)
}

/// Cancels the run when dropped, while it is armed.
pub(crate) struct Guard {
    job: Arc<Job>,
    is_armed: bool,
}

impl Guard {
    pub(crate) fn new(job: Job, is_armed: bool) -> Self {
        let is_armed = is_armed && job.is_own();
        let job = Arc::new(job);
        Self { job, is_armed }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if self.is_armed
            && let Ok(runtime) = Runtime::current()
        {
            let cancelled = (self.job.cancel)();
            runtime.spawn(async move {
                // The handle was dropped, so nobody can receive an error.
                let _ = cancelled.await;
            });
        }
    }
}
