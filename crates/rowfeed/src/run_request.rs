//! A request to start a run.

use std::{
    fmt,
    future::{Future, IntoFuture},
    time::Duration,
};

use rowfeed_client::{Meter, platform::spawn_to_end};

use crate::{
    CompletedRun, Error, ErrorKind, Progress, RunHandle,
    connections::Reconnect,
    paging::BoxFuture,
    run_handle::{Guard, Waiting},
    run_job::{Interval, Job},
};

const NOT_LATEST: &str = "max_age() was set for an operation without a latest result; set it on \
                          get_latest_query_result().query_id(id).run()";

type Submit = Box<dyn FnOnce(Submission) -> BoxFuture<Result<Job, Error>> + Send>;

/// How a run is submitted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Submission {
    /// Whether to use connections that no other client uses.
    pub(crate) own_connections: bool,
    /// The maximum age of a latest result that may be reused.
    max_age: Option<Duration>,
}

/// A request to start a run. Awaiting it starts the run and waits until the run ends.
///
#[doc = include_str!("../docs/items/run-request.md")]
#[must_use = "nothing is started before this is awaited"]
pub struct RunRequest {
    pub(crate) service: &'static str,
    pub(crate) submission: Submission,
    meter: Meter,
    submit: Submit,
    waiting: Waiting,
}

impl RunRequest {
    pub(crate) fn new<C: Reconnect, F>(
        interval: Interval,
        client: C,
        submit: impl FnOnce(C) -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = Result<Job, Error>> + Send + 'static,
    {
        Self::of_latest(interval, client, |client, max_age| async move {
            match max_age {
                None => submit(client).await,
                Some(_) => Err(Error::invalid(C::SERVICE, NOT_LATEST)),
            }
        })
    }

    /// A request for the latest result of a saved query, which has an age.
    pub(crate) fn of_latest<C: Reconnect, F>(
        interval: Interval,
        client: C,
        submit: impl FnOnce(C, Option<Duration>) -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = Result<Job, Error>> + Send + 'static,
    {
        let (client, meter) = client.for_run();
        Self {
            service: C::SERVICE,
            submission: Submission::default(),
            meter,
            submit: Box::new(|submission| {
                Box::pin(async move {
                    let client = match submission.own_connections {
                        true => client.reconnected()?,
                        false => client,
                    };
                    submit(client, submission.max_age).await
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

    /// Sets how old the latest result of a saved query at Dune may be to be reused. Dune's API has
    /// no such setting. Only for `get_latest_query_result()`; an error for other operations. By
    /// default, a result of any age is reused.
    ///
    #[doc = include_str!("../docs/items/run-request-max-age.md")]
    pub fn max_age(mut self, max_age: Duration) -> Self {
        self.submission.max_age = Some(max_age);
        self
    }

    /// Sets how long to wait after the service has accepted the run. After that, waiting fails with
    /// an error of the kind [`Timeout`](crate::ErrorKind::Timeout) that names the run. By default,
    /// only the service ends the run: after 30 minutes at Dune, 24 hours at Yandex Query.
    ///
    #[doc = include_str!("../docs/items/run-request-timeout.md")]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.waiting.timeout = Some(timeout);
        self
    }

    /// Sets the pauses between requests for the state: `first`, then doubled each time up to
    /// `most`. The defaults are 0.5 s to 5 s for Dune, whose free plan allows 40 requests a minute,
    /// 0.25 s to 1 s for Lightdash, and 0.2 s to 2 s for Yandex Query, as in their own clients.
    ///
    /// `first` is at least 10 ms and `most` at least 100 ms. Lower values, zero included, are
    /// raised.
    pub fn poll_interval(mut self, first: Duration, most: Duration) -> Self {
        self.waiting.interval = Interval::new(first, most);
        self
    }

    /// Calls `watch` after each request for the state that finds the run unfinished.
    pub fn on_progress(mut self, watch: impl FnMut(&Progress) + Send + 'static) -> Self {
        self.waiting.watch = Some(Box::new(watch));
        self
    }

    /// Cancels the run at the service when the [timeout](Self::timeout) elapses. Does not cancel a
    /// run that another program started and [`max_age`](Self::max_age) found.
    pub fn cancel_on_timeout(mut self) -> Self {
        self.waiting.cancel_on_timeout = true;
        self
    }

    /// Cancels the run at the service when the waiter is dropped before the run has ended. The
    /// waiter is this request, or the [`RunHandle`] made from it. A task sends the request, as long
    /// as the runtime lives. Does not cancel a run that another program started and `max_age()`
    /// found.
    ///
    #[doc = include_str!("../docs/items/run-request-cancel-on-drop.md")]
    pub fn cancel_on_drop(mut self) -> Self {
        self.waiting.cancel_on_drop = true;
        self
    }

    /// Starts the run and returns without waiting for its end.
    ///
    /// # Errors
    ///
    /// The service does not accept it.
    pub async fn start(self) -> Result<RunHandle, Error> {
        let submitted = (self.submit)(self.submission);
        let guard = match self.waiting.cancel_on_drop {
            false => submitted.await.map(|job| Guard::new(job, false)),
            // A separate task starts the run: if this future is dropped before the service has
            // responded, the task still learns the id and cancels the run by dropping its guard.
            true => {
                let task = spawn_to_end(async { Ok(Guard::new(submitted.await?, true)) });
                task.await.unwrap_or_else(|_| {
                    let message = "the runtime was shut down while the run was being started";
                    Err(Error::new(ErrorKind::Call, self.service, message))
                })
            }
        };
        Ok(RunHandle {
            guard: guard.map_err(|error| error.masked(self.meter.masker()))?,
            meter: self.meter,
            waiting: self.waiting,
        })
    }
}

impl IntoFuture for RunRequest {
    type Output = Result<CompletedRun, Error>;
    type IntoFuture = BoxFuture<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.start().await?.await })
    }
}

impl fmt::Debug for RunRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunRequest")
            .field("interval", &self.waiting.interval)
            .field("timeout", &self.waiting.timeout)
            .finish_non_exhaustive()
    }
}

/// Adds `run()` to operations that start a run. It sends the operation and makes a [`Job`] from the
/// id in the response. If the job also needs a parameter of the operation, it is passed too.
macro_rules! starts_run {
    ($($builder:ident $operation:literal: $($id:ident).+ $(, $parameter:ident)? => $job:path;)*) => {$(
        impl $crate::RunExt for builder::$builder {
            fn run(self) -> $crate::RunRequest {
                $crate::RunRequest::new(INTERVAL, self.client.clone(), |client| async {
                    $(let $parameter = self.$parameter.clone();)?
                    let operation = Self { client: client.clone(), ..self };
                    let started = operation.send().await.map_err(call)?.into_inner();
                    let id = &started.$($id).+;
                    let id = $crate::run_job::started_id(SERVICE, $operation, id, &started)?;
                    // Without the parameter the call would have failed.
                    $job(client, id $(, $parameter.map_err(invalid)?)?)
                })
            }
        }
    )*};
}
pub(crate) use starts_run;
