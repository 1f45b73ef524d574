//! A run: started, waited for, read.

use std::{
    fmt,
    future::{Future, IntoFuture},
    sync::Arc,
    time::Duration,
};

use serde::de::DeserializeOwned;

use crate::{Error, ErrorKind, Pages, Rows, poll::Interval, reader::Start, source::BoxFuture};

/// A run that has ended well; its rows can be read as often as wanted.
#[derive(Clone)]
pub struct Run(Arc<dyn Ended>);

/// What a service knows of a run that has ended.
pub(crate) trait Ended: Send + Sync {
    fn service(&self) -> &'static str;
    fn id(&self) -> &str;
    /// How many result sets there are, and the rows of each where that is known.
    fn result_sets(&self) -> &[Option<u64>];
    fn source(&self, result_set: usize) -> Box<dyn Start>;
}

impl Run {
    pub(crate) fn new(ended: impl Ended + 'static) -> Self {
        Self(Arc::new(ended))
    }

    /// The id that the service knows the run by: Dune's execution, the query of Lightdash and
    /// Yandex Query.
    #[must_use]
    pub fn id(&self) -> &str {
        self.0.id()
    }

    /// The service: `"dune"`, `"lightdash"` or `"yandex-query"`.
    #[must_use]
    pub fn service(&self) -> &'static str {
        self.0.service()
    }

    /// How many results the run has: one, but for Yandex Query, where each `SELECT` has its own.
    #[must_use]
    pub fn result_sets(&self) -> usize {
        self.0.result_sets().len()
    }

    /// How many rows the run has, where the service says so.
    #[must_use]
    pub fn total_rows(&self) -> Option<u64> {
        self.0.result_sets().iter().copied().sum()
    }

    /// The pages of the only result.
    ///
    /// With several, or none, the first page is an error that says so.
    pub fn pages(&self) -> Pages {
        match self.0.result_sets().len() {
            1 => self.result_set(0),
            0 => self.refuse("the run has no result; its statements returned no rows".to_owned()),
            several => self.refuse(format!(
                "the run has {several} results; choose one with result_set(0) to result_set({})",
                several - 1
            )),
        }
    }

    /// The rows of the only result, as `T`; see [`pages`](Self::pages).
    pub fn rows<T>(&self) -> Rows<T>
    where
        T: DeserializeOwned + Send + 'static,
    {
        self.pages().rows()
    }

    /// The pages of one result, counted from 0.
    pub fn result_set(&self, index: usize) -> Pages {
        let count = self.0.result_sets().len();
        if index >= count {
            return self.refuse(format!("result {index} was asked for, the run has {count}"));
        }
        Pages::boxed(self.0.source(index))
    }

    fn refuse(&self, message: String) -> Pages {
        let error = Error::new(ErrorKind::InvalidRequest, self.service(), message);
        Pages::failed(error.with_run(self.id()))
    }
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run")
            .field("service", &self.service())
            .field("id", &self.id())
            .field("result_sets", &self.0.result_sets())
            .finish()
    }
}

/// How a run is waited for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waiting {
    pub(crate) interval: Interval,
    pub(crate) timeout: Option<Duration>,
}

type Launch = Box<dyn FnOnce(Waiting) -> BoxFuture<Result<Run, Error>> + Send>;

/// A run about to be started: awaiting it starts it and waits for its end.
#[must_use = "nothing is started before this is awaited"]
pub struct Starting {
    start: Launch,
    waiting: Waiting,
}

impl Starting {
    pub(crate) fn new<F>(
        interval: Interval,
        start: impl FnOnce(Waiting) -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = Result<Run, Error>> + Send + 'static,
    {
        Self {
            start: Box::new(|waiting| Box::pin(start(waiting))),
            waiting: Waiting {
                interval,
                timeout: None,
            },
        }
    }

    /// Gives up waiting this long after the service has accepted the run, with an error of the kind
    /// [`Timeout`](ErrorKind::Timeout) that names the run. Unset, only the service ends the run:
    /// after 30 minutes at Dune, 24 hours at Yandex Query.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.waiting.timeout = Some(timeout);
        self
    }

    /// How long to pause before the state is asked for again: `first` at first, doubled each time
    /// up to `most`. Unset: 0.5 s to 5 s for Dune, whose free plan allows 40 requests a minute;
    /// 0.25 s to 1 s for Lightdash, 0.2 s to 2 s for Yandex Query, as their own clients do.
    pub fn poll_interval(mut self, first: Duration, most: Duration) -> Self {
        self.waiting.interval = Interval {
            first,
            most: most.max(first),
        };
        self
    }
}

impl IntoFuture for Starting {
    type Output = Result<Run, Error>;
    type IntoFuture = BoxFuture<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        (self.start)(self.waiting)
    }
}

impl fmt::Debug for Starting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Starting")
            .field("waiting", &self.waiting)
            .finish_non_exhaustive()
    }
}
