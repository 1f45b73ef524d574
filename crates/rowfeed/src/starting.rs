//! A run about to be started.

use std::{
    fmt,
    future::{Future, IntoFuture},
    time::Duration,
};

use rowfeed_client::{Masker, platform::spawn_to_end};

use crate::{
    Error, ErrorKind, Progress, Run, Running,
    connections::Reconnect,
    job::{Interval, Job},
    paging::BoxFuture,
    running::{Guard, Waiting},
};

type Submit = Box<dyn FnOnce(bool) -> BoxFuture<Result<Job, Error>> + Send>;

/// A run about to be started: awaiting it starts it and waits for its end.
///
/// [`start`](Self::start) only starts it, for those who want to have its id at once, or to cancel
/// it.
///
/// ```
/// use std::time::Duration;
///
/// # rowfeed_sandbox::__example!(slow |sandbox, dune| {
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
    /// Whether the run is started and watched over connections that no other client uses.
    pub(crate) own_connections: bool,
    /// What errors hide the client's credentials with.
    masker: Masker,
    submit: Submit,
    waiting: Waiting,
}

impl Starting {
    pub(crate) fn new<C: Reconnect, F>(
        interval: Interval,
        client: C,
        submit: impl FnOnce(C) -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = Result<Job, Error>> + Send + 'static,
    {
        Self {
            service: C::SERVICE,
            own_connections: false,
            masker: client.masker(),
            submit: Box::new(|own_connections| {
                Box::pin(async move {
                    let client = match own_connections {
                        true => client.reconnected()?,
                        false => client,
                    };
                    submit(client).await
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
    ///
    /// # rowfeed_sandbox::__example!(slow |sandbox, dune| {
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
    ///
    /// # rowfeed_sandbox::__example!(slow |sandbox, dune| {
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
        let submitted = (self.submit)(self.own_connections);
        let guard = match self.waiting.cancel_on_drop {
            false => submitted.await.map(|job| Guard::new(job, false)),
            // In a task of its own: when this is dropped before the service has answered, nobody knows
            // the run. The task learns its id, and cancels the run by dropping its guard.
            true => {
                let task = spawn_to_end(async { Ok(Guard::new(submitted.await?, true)) });
                task.await.unwrap_or_else(|_| {
                    let message = "the runtime was shut down while the run was being started";
                    Err(Error::new(ErrorKind::Call, self.service, message))
                })
            }
        };
        Ok(Running {
            guard: guard.map_err(|error| error.masked(&self.masker))?,
            masker: self.masker,
            waiting: self.waiting,
        })
    }
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

/// Puts `run()` on operations that start a run: sends one, and makes a [`Job`] with the id in its
/// answer and, where the job needs that too, with a parameter of the operation.
macro_rules! starts_run {
    ($($builder:ident $operation:literal: $($id:ident).+ $(, $parameter:ident)? => $job:path;)*) => {$(
        impl $crate::StartsRun for builder::$builder {
            fn run(self) -> $crate::Starting {
                $crate::Starting::new(INTERVAL, self.client.clone(), |client| async {
                    $(let $parameter = self.$parameter.clone();)?
                    let operation = Self { client: client.clone(), ..self };
                    let started = operation.send().await.map_err(call)?.into_inner();
                    let id = &started.$($id).+;
                    let id = $crate::job::started_id(SERVICE, $operation, id, &started)?;
                    // Without the parameter the call would have failed.
                    $job(client, id $(, $parameter.map_err(invalid)?)?)
                })
            }
        }
    )*};
}
pub(crate) use starts_run;
