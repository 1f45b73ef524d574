//! A run on its way: started, watched, waited for, cancelled.

use std::{
    fmt,
    future::{Future, IntoFuture},
    sync::Arc,
    time::Duration,
};

use rowfeed_client::platform::{Instant, Runtime, sleep, spawn_to_end, timeout_at};
use serde::Serialize;

use crate::{
    Error, ErrorKind, Run,
    paging::{BoxFuture, Reconnect},
    run::Ended,
};

/// How long a request to cancel may keep back the error that the time is over.
const CANCEL_WITHIN: Duration = Duration::from_secs(5);

/// The pauses between looks at a run: the first, and the longest that it grows to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Interval {
    pub(crate) first: Duration,
    pub(crate) most: Duration,
}

impl Interval {
    /// The shortest pauses: one service has many users, and counts what each requests.
    const LEAST: Self = Self {
        first: Duration::from_millis(10),
        most: Duration::from_millis(100),
    };

    fn new(first: Duration, most: Duration) -> Self {
        let first = first.max(Self::LEAST.first);
        Self {
            first,
            most: most.max(first).max(Self::LEAST.most),
        }
    }
}

/// A run that a service has accepted.
pub(crate) trait Job: Send + Sync + 'static {
    fn service(&self) -> &'static str;
    fn id(&self) -> &str;
    /// Asks once how far the run is.
    fn ask(&self) -> BoxFuture<Result<Asked, Error>>;
    fn cancel(&self) -> BoxFuture<Result<(), Error>>;
    /// Whether it may be cancelled without an explicit call: not where it was only found running.
    fn is_own(&self) -> bool {
        true
    }
}

/// How far a run is.
pub(crate) enum Asked {
    Going {
        state: String,
        queue_position: Option<u64>,
    },
    Ended(Ended),
}

/// The state of a run that has not ended, reported after each request for it.
///
/// ```
/// # use std::{sync::mpsc, time::Duration};
/// # use rowfeed::{Progress, dune, prelude::*};
/// # rowfeed::__example!(slow |sandbox, dune| {
/// let (tell, told) = mpsc::channel::<Progress>();
/// let run = dune
///     .execute_sql()
///     .body("SELECT 1 AS n")
///     .run()
/// #     .poll_interval(Duration::from_millis(1), Duration::from_millis(5))
///     .on_progress(move |progress| drop(tell.send(progress.clone())))
///     .await?;
/// for progress in told {
///     println!("{}: {} after {:?}", progress.run_id, progress.state, progress.elapsed);
///     if let Some(before) = progress.queue_position {
///         println!("{before} runs are before this one");
///     }
///     assert_eq!(progress.run_id, run.id());
/// }
/// # });
/// ```
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

/// Whose connections a run is started and watched over.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Connections {
    /// Those of the client that the operation was made with.
    Shared,
    #[cfg(feature = "blocking")]
    Own,
}

type Submit = Box<dyn FnOnce(Connections) -> BoxFuture<Result<Arc<dyn Job>, Error>> + Send>;
type Watch = Box<dyn FnMut(&Progress) + Send>;

/// A run about to be started: awaiting it starts it and waits for its end.
///
/// [`start`](Self::start) only starts it, for those who want to have its id at once, or to cancel
/// it.
///
/// ```
/// use std::time::Duration;
/// # use rowfeed::{dune, prelude::*};
///
/// # rowfeed::__example!(slow |sandbox, dune| {
/// let run = dune
///     .execute_sql()
///     .body("SELECT COUNT(*) AS trades FROM trades")
///     .run()
/// #     .poll_interval(Duration::from_millis(1), Duration::from_millis(5))
///     .timeout(Duration::from_secs(300))
///     .cancel_on_timeout()
///     .on_progress(|progress| eprintln!("{} after {:?}", progress.state, progress.elapsed))
///     .await?;
/// let count: Vec<u64> = run.rows().try_collect().await?;
/// # assert_eq!(count, [48]);
/// # });
/// ```
#[must_use = "nothing is started before this is awaited"]
pub struct Starting {
    pub(crate) service: &'static str,
    pub(crate) connections: Connections,
    submit: Submit,
    waiting: Waiting,
}

struct Waiting {
    interval: Interval,
    timeout: Option<Duration>,
    cancel_on_timeout: bool,
    cancel_on_drop: bool,
    watch: Option<Watch>,
}

impl Starting {
    pub(crate) fn new<C: Reconnect, J: Job, F>(
        interval: Interval,
        client: C,
        submit: impl FnOnce(C) -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = Result<J, Error>> + Send + 'static,
    {
        Self {
            service: C::SERVICE,
            connections: Connections::Shared,
            submit: Box::new(|connections| {
                Box::pin(async move {
                    let client = match connections {
                        Connections::Shared => client,
                        #[cfg(feature = "blocking")]
                        Connections::Own => client.reconnected()?,
                    };
                    Ok(Arc::new(submit(client).await?) as Arc<dyn Job>)
                })
            }),
            waiting: Waiting {
                interval,
                timeout: None,
                cancel_on_timeout: false,
                cancel_on_drop: false,
                watch: None,
            },
        }
    }

    /// Gives up waiting this long after the service has accepted the run, with an error of the kind
    /// [`Timeout`](crate::ErrorKind::Timeout) that names the run. Unset, only the service ends the
    /// run: after 30 minutes at Dune, 24 hours at Yandex Query.
    ///
    /// ```
    /// # use std::time::Duration;
    /// use rowfeed::ErrorKind;
    /// # use rowfeed::{dune, prelude::*};
    ///
    /// # rowfeed::__example!(slow |sandbox, dune| {
    /// # sandbox.fault(rowfeed_sandbox::Fault::state_forever());
    /// # let sql = "SELECT 1 AS n";
    /// let starting = dune.execute_sql().body(sql).run().timeout(Duration::from_millis(20));
    /// let error = starting.await.unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Timeout);
    /// println!("to be resumed: {:?}", error.run_id());
    /// # assert!(error.run_id().is_some());
    /// # });
    /// ```
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.waiting.timeout = Some(timeout);
        self
    }

    /// Sets the pauses between requests for the state: `first` at first, doubled each time up to
    /// `most`. Unset: 0.5 s to 5 s for Dune, whose free plan allows 40 requests a minute; 0.25 s to
    /// 1 s for Lightdash, 0.2 s to 2 s for Yandex Query, as their own clients do.
    ///
    /// `first` is at least 10 ms and `most` at least 100 ms: lower values, zero included, count as
    /// these.
    pub fn poll_interval(mut self, first: Duration, most: Duration) -> Self {
        self.waiting.interval = Interval::new(first, most);
        self
    }

    /// Calls `watch` after each request for the state that finds the run unfinished.
    pub fn on_progress(mut self, watch: impl FnMut(&Progress) + Send + 'static) -> Self {
        self.waiting.watch = Some(Box::new(watch));
        self
    }

    /// Cancels the run at the service when the [timeout](Self::timeout) is over. A run that was not
    /// started here but found running, as `max_age()` of Dune does, is left alone.
    pub fn cancel_on_timeout(mut self) -> Self {
        self.waiting.cancel_on_timeout = true;
        self
    }

    /// Cancels the run at the service when nothing waits for it any more: when this, or the
    /// [`Running`] made of it, is dropped before the run has ended. A task sends the request, as long
    /// as the runtime lives. A run that was not started here but found running, as
    /// `max_age()` of Dune does, is left alone.
    ///
    /// ```
    /// use std::{future::IntoFuture, time::Duration};
    /// # use rowfeed::{dune, prelude::*};
    ///
    /// # rowfeed::__example!(slow |sandbox, dune| {
    /// # sandbox.fault(rowfeed_sandbox::Fault::state_forever());
    /// # let sql = "SELECT 1 AS n";
    /// let run = dune.execute_sql().body(sql).run().cancel_on_drop();
    /// // Whatever gives up, here a timeout of the caller's own, need not know of the run.
    /// let given_up = tokio::time::timeout(Duration::from_millis(200), run.into_future()).await;
    /// assert!(given_up.is_err());
    /// # while !sandbox.requests().iter().any(|request| request.path.ends_with("/cancel")) {
    /// #     tokio::time::sleep(Duration::from_millis(1)).await;
    /// # }
    /// # });
    /// ```
    pub fn cancel_on_drop(mut self) -> Self {
        self.waiting.cancel_on_drop = true;
        self
    }

    /// Starts the run, without waiting for its end.
    ///
    /// # Errors
    ///
    /// The service does not accept it.
    pub async fn start(self) -> Result<Running, Error> {
        let submitted = (self.submit)(self.connections);
        let guard = match self.waiting.cancel_on_drop {
            false => Guard::new(submitted.await?, false),
            true => submitted_for_sure(self.service, submitted).await?,
        };
        Ok(Running {
            guard,
            waiting: self.waiting,
        })
    }
}

/// Submits in a task of its own: when this is dropped before the service has answered, the run has
/// an id nobody knows. The task learns it, and cancels the run by dropping its guard.
async fn submitted_for_sure(
    service: &'static str,
    submitted: BoxFuture<Result<Arc<dyn Job>, Error>>,
) -> Result<Guard, Error> {
    let task = spawn_to_end(async { Ok(Guard::new(submitted.await?, true)) });
    task.await.unwrap_or_else(|_| {
        let message = "the runtime was shut down while the run was being started";
        Err(Error::new(ErrorKind::Call, service, message))
    })
}

impl IntoFuture for Starting {
    type Output = Result<Run, Error>;
    type IntoFuture = BoxFuture<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.start().await?.await })
    }
}

impl fmt::Debug for Starting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Starting")
            .field("interval", &self.waiting.interval)
            .field("timeout", &self.waiting.timeout)
            .finish_non_exhaustive()
    }
}

/// A run that the service has accepted: awaiting it waits for its end.
///
/// Dropping it leaves the run alone, unless [`Starting::cancel_on_drop`] was set.
///
/// ```
/// # use rowfeed::{dune, prelude::*};
/// # rowfeed::__example!(|sandbox, dune| {
/// let running = dune.execute_sql().body("SELECT project FROM projects").run().start().await?;
/// let stored = running.id().to_owned();
/// drop(running);
///
/// // Later, in another process perhaps:
/// let run = dune.get_execution_status().execution_id(stored).run().await?;
/// let projects: Vec<String> = run.rows().try_collect().await?;
/// assert_eq!(projects.len(), 4);
/// # });
/// ```
#[must_use = "the run is waited for when this is awaited"]
pub struct Running {
    guard: Guard,
    waiting: Waiting,
}

impl Running {
    /// The id that the service knows the run by. With it the run can be waited for again, in another
    /// process too: `client.get_execution_status().execution_id(id).run()` at Dune,
    /// `get_async_query_results()` at Lightdash, `get_query_status()` at Yandex Query.
    #[must_use]
    pub fn id(&self) -> &str {
        self.guard.job.id()
    }

    /// The service: `"dune"`, `"lightdash"` or `"yandex-query"`.
    #[must_use]
    pub fn service(&self) -> &'static str {
        self.guard.job.service()
    }

    /// Asks the service to cancel the run. It may have ended before.
    ///
    /// # Errors
    ///
    /// The service does not accept that.
    ///
    /// ```
    /// use rowfeed::ErrorKind;
    /// # use rowfeed::{dune, prelude::*};
    ///
    /// # rowfeed::__example!(slow |sandbox, dune| {
    /// # let sql = "SELECT 1 AS n";
    /// let running = dune.execute_sql().body(sql).run().start().await?;
    /// let id = running.id().to_owned();
    /// running.cancel().await?;
    ///
    /// let error = dune.get_execution_status().execution_id(id).run().await.unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Cancelled);
    /// # });
    /// ```
    pub async fn cancel(mut self) -> Result<(), Error> {
        self.guard.is_armed = false;
        self.guard.job.cancel().await
    }
}

impl IntoFuture for Running {
    type Output = Result<Run, Error>;
    type IntoFuture = BoxFuture<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(wait(self))
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running")
            .field("service", &self.service())
            .field("id", &self.id())
            .finish_non_exhaustive()
    }
}

async fn wait(running: Running) -> Result<Run, Error> {
    let Running { mut guard, waiting } = running;
    let timeout = waiting.timeout;
    let job = Arc::clone(&guard.job);
    let polling = until_ended(job.as_ref(), waiting.interval, waiting.watch);
    // A time too far away to be a point in time is none.
    let limit = timeout.and_then(|timeout| Some((timeout, Instant::now().checked_add(timeout)?)));
    let result = match limit {
        None => polling.await,
        Some((timeout, at)) => match timeout_at(at, polling).await {
            Ok(result) => result,
            Err(_) => {
                let mut is_cancelled = false;
                if waiting.cancel_on_timeout && job.is_own() {
                    guard.is_armed = false;
                    // The timeout is what went wrong; a run that cannot be cancelled continues.
                    let cancelled = timeout_at(Instant::now() + CANCEL_WITHIN, job.cancel());
                    is_cancelled = matches!(cancelled.await, Ok(Ok(())));
                }
                let error = Error::timeout(job.service(), timeout, is_cancelled);
                return Err(error.with_run(job.id()));
            }
        },
    };
    // A run that cannot be asked about has not ended for that.
    let is_lost = |error: &Error| matches!(error.kind(), ErrorKind::Call | ErrorKind::UnknownState);
    guard.is_armed &= result.as_ref().is_err_and(is_lost);
    result.map_err(|error| error.with_run(job.id()))
}

/// Asks until the run has ended, with growing pauses, each a little shorter or longer than it
/// should be, so that runs that were started together do not ask together.
async fn until_ended(
    job: &dyn Job,
    interval: Interval,
    mut watch: Option<Watch>,
) -> Result<Run, Error> {
    let started = Instant::now();
    let mut pause = interval.first;
    loop {
        match job.ask().await? {
            Asked::Ended(ended) => return Ok(Run::new(ended)),
            Asked::Going {
                state,
                queue_position,
            } => {
                if let Some(watch) = &mut watch {
                    watch(&Progress {
                        run_id: job.id().to_owned(),
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

/// A tenth more or less.
fn about(pause: Duration) -> Duration {
    let seconds = pause.as_secs_f64() * (0.9 + 0.2 * fastrand::f64());
    Duration::try_from_secs_f64(seconds).unwrap_or(pause)
}

/// Cancels the run when dropped, while it is armed.
struct Guard {
    job: Arc<dyn Job>,
    is_armed: bool,
}

impl Guard {
    fn new(job: Arc<dyn Job>, is_armed: bool) -> Self {
        let is_armed = is_armed && job.is_own();
        Self { job, is_armed }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if self.is_armed
            && let Ok(runtime) = Runtime::current()
        {
            let cancelled = self.job.cancel();
            runtime.spawn(async move {
                // Nobody is left to tell.
                let _ = cancelled.await;
            });
        }
    }
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
    let answer: String = answer.chars().take(MOST_OF_BODY).collect();
    let message = format!(
        "{operation} succeeded, and its answer names no run: the run may have been started, and \
         cannot be followed; look for it at the service before starting another; the body: {answer}"
    );
    Err(Error::new(ErrorKind::Call, service, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_interval_is_shorter_than_the_least() {
        let millis = Duration::from_millis;
        for (first, most, least_first, least_most) in [
            (Duration::ZERO, Duration::ZERO, millis(10), millis(100)),
            (Duration::ZERO, millis(700), millis(10), millis(700)),
            (millis(250), millis(10), millis(250), millis(250)),
            (Duration::MAX, Duration::ZERO, Duration::MAX, Duration::MAX),
        ] {
            let interval = Interval::new(first, most);
            assert_eq!((interval.first, interval.most), (least_first, least_most));
        }
    }
}
