//! Runs that have completed.

use std::{fmt, sync::Arc, time::Duration};

use rowfeed_client::{Meter, Usage};
use rowfeed_rows::{column_errors, strict_column_errors};
use serde::de::DeserializeOwned;

use crate::{
    Columns, Cursor, Error, ErrorKind, Page, Pages, Rows, RunOrigin, page::check, paging::Source,
};

/// A completed run. Its rows can be read any number of times.
///
#[doc = include_str!("../docs/items/completed-run.md")]
#[derive(Clone)]
pub struct CompletedRun {
    ended: Arc<Ended>,
    origin: RunOrigin,
    meter: Meter,
}

/// What a service reports about a completed run.
pub(crate) struct Ended {
    pub(crate) service: &'static str,
    pub(crate) id: String,
    pub(crate) details: RunDetails,
    pub(crate) result_sets: Vec<ResultSet>,
}

/// One result of a run.
pub(crate) struct ResultSet {
    rows: Option<u64>,
    is_truncated: bool,
    pages: Box<dyn Fn() -> Pages + Send + Sync>,
}

impl ResultSet {
    /// A result with `rows` rows, if their number is known. `source` creates a reader from the
    /// beginning.
    pub(crate) fn new<S: Source<Page = Page>>(
        rows: Option<u64>,
        is_truncated: bool,
        source: impl Fn() -> S + Send + Sync + 'static,
    ) -> Self {
        Self {
            rows,
            is_truncated,
            pages: Box::new(move || Pages::from_source(source())),
        }
    }
}

/// Details that a service reports about a run. All times are RFC 3339 in UTC, as sent by the
/// service.
///
#[doc = include_str!("../docs/items/run-details.md")]
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct RunDetails {
    /// When the run was submitted: Dune, Yandex Query.
    pub submitted_at: Option<String>,
    /// When it began to run: Dune.
    pub started_at: Option<String>,
    /// When it ended: Dune, Yandex Query.
    pub ended_at: Option<String>,
    /// When the result will be deleted: Dune.
    pub expires_at: Option<String>,
    /// How long it waited before it ran: Dune, Lightdash.
    pub queued_for: Option<Duration>,
    /// How long it ran: Dune, and Lightdash where the result did not come from its cache.
    pub ran_for: Option<Duration>,
    /// What it cost, in Dune's credits, without the cost of reading the result.
    pub cost_credits: Option<f64>,
    /// The columns of the result, known before any row is read: Dune, Lightdash.
    pub columns: Option<Columns>,
}

impl CompletedRun {
    pub(crate) fn new(ended: Ended, origin: RunOrigin, meter: Meter) -> Self {
        let is_own = origin == RunOrigin::Started;
        let credits = ended.details.cost_credits.filter(|_| is_own);
        meter.run_ended(ended.service, &ended.id, credits);
        Self {
            ended: Arc::new(ended),
            origin,
            meter,
        }
    }

    /// Returns the id of the run at the service: the execution id at Dune, the query id at
    /// Lightdash and Yandex Query.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.ended.id
    }

    /// Returns the service: `"dune"`, `"lightdash"` or `"yandex-query"`.
    #[must_use]
    pub fn service(&self) -> &'static str {
        self.ended.service
    }

    /// Returns whether the run was executed for this program, or reused.
    ///
    #[doc = include_str!("../docs/items/run-origin.md")]
    #[must_use]
    pub fn origin(&self) -> RunOrigin {
        self.origin
    }

    /// Times, cost and columns, if the service reports them.
    #[must_use]
    pub fn details(&self) -> &RunDetails {
        &self.ended.details
    }

    /// Checks whether `T` can be decoded from the run's columns, before a row is fetched; see
    /// [`Page::check_columns`](crate::Page::check_columns). Yandex Query does not report the
    /// columns of a run, so nothing is checked there.
    ///
    /// # Errors
    ///
    /// Decoding any row as `T` would fail; the error says why.
    ///
    #[doc = include_str!("../docs/items/run-check-columns.md")]
    pub fn check_columns<T: DeserializeOwned>(&self) -> Result<(), Error> {
        self.check(column_errors::<T>)
    }

    /// Checks the columns as [`check_columns`](Self::check_columns) does, and checks that every
    /// field of `T` has a column; see
    /// [`Page::check_columns_strict`](crate::Page::check_columns_strict).
    ///
    #[doc = include_str!("../docs/items/run-check-columns-strict.md")]
    pub fn check_columns_strict<T: DeserializeOwned>(&self) -> Result<(), Error> {
        self.check(strict_column_errors::<T>)
    }

    fn check(&self, errors: fn(&Columns) -> Vec<String>) -> Result<(), Error> {
        let errors = self.details().columns.as_ref().map(errors);
        check(self.service(), &errors.unwrap_or_default())
            .map_err(|error| error.with_run(self.id()).masked(self.meter.masker()))
    }

    /// Returns what this program has used for the run so far, including reading rows: requests,
    /// retries, bytes, waits, and the credits of a run that it started.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.meter.usage()
    }

    /// Returns the number of results. It is one, except at Yandex Query, where each `SELECT` has
    /// its own result.
    #[must_use]
    pub fn result_sets(&self) -> usize {
        self.ended.result_sets.len()
    }

    /// Returns the number of rows of the run, if the service reports it.
    #[must_use]
    pub fn total_rows(&self) -> Option<u64> {
        self.ended.result_sets.iter().map(|set| set.rows).sum()
    }

    /// Returns the number of rows of one result, if the service reports it and did not truncate the
    /// result. `index` counts from 0.
    #[must_use]
    pub fn result_set_rows(&self, index: usize) -> Option<u64> {
        let set = self.ended.result_sets.get(index)?;
        set.rows.filter(|_| !set.is_truncated)
    }

    /// Returns the pages of the only result.
    ///
    /// If the run has several results, or none, the first page is an error that says so.
    pub fn pages(&self) -> Pages {
        match self.ended.result_sets.len() {
            1 => self.result_set(0),
            0 => self.refuse("the run has no result; its statements returned no rows".to_owned()),
            several => self.refuse(format!(
                "the run has {several} results; choose one with result_set(0) to result_set({})",
                several - 1
            )),
        }
    }

    /// Returns the rows of the only result, as `T`; see [`pages`](Self::pages).
    pub fn rows<T>(&self) -> Rows<T>
    where
        T: DeserializeOwned + Send + 'static,
    {
        self.pages().rows()
    }

    /// Returns the pages of one result. `index` counts from 0.
    ///
    #[doc = include_str!("../docs/items/run-result-set.md")]
    pub fn result_set(&self, index: usize) -> Pages {
        match self.ended.result_sets.get(index) {
            Some(set) => (set.pages)(),
            None => self.refuse(format!(
                "result {index} was requested, and the run has {}",
                self.result_sets()
            )),
        }
    }

    /// Returns the pages after a cursor, of the result that the cursor belongs to.
    ///
    #[doc = include_str!("../docs/items/run-resume.md")]
    pub fn resume(&self, cursor: &Cursor) -> Pages {
        let pages = match cursor.service() == self.service() {
            true => self.result_set(cursor.result().result_set() as usize),
            false => self.pages(),
        };
        pages.resume(cursor)
    }

    fn refuse(&self, message: String) -> Pages {
        let error = Error::new(ErrorKind::InvalidRequest, self.service(), message);
        Pages::failed(error.with_run(self.id()).masked(self.meter.masker()))
    }
}

impl fmt::Debug for CompletedRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CompletedRun")
            .field("service", &self.service())
            .field("id", &self.meter.masker().mask(self.id()))
            .field("result_sets", &self.result_sets())
            .finish()
    }
}

/// Milliseconds as reported by a service; `None` if the number is not a valid duration.
pub(crate) fn milliseconds(count: impl Into<f64>) -> Option<Duration> {
    Duration::try_from_secs_f64(count.into() / 1000.0).ok()
}
