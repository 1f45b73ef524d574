//! What a sandbox can be set to.

use std::time::Duration;

use crate::progress::Progress;

#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// Writes one line a request to standard error.
    pub(crate) log: bool,
    /// How many rows the table `trades` has.
    pub(crate) sample_rows: usize,
    /// How many times a run answers "not yet" before it shows its end.
    pub(crate) poll_steps: u32,
    /// How long a run takes at least.
    pub(crate) run_time: Option<Duration>,
    /// Bytes that SQLite may take in this process.
    pub(crate) sqlite_memory: Option<usize>,
    /// How long a statement may run before it is interrupted.
    pub(crate) statement_time: Duration,
    /// Dune refuses a page of more cells with 402.
    pub(crate) dune_max_datapoints: Option<usize>,
    /// Dune cuts a larger `limit` down to this.
    pub(crate) dune_max_page_rows: usize,
    /// Dune keeps this many rows of a result and calls it partial.
    pub(crate) dune_partial_after: Option<usize>,
    /// Lightdash refuses a larger `pageSize`.
    pub(crate) lightdash_max_page_size: usize,
    /// Lightdash cuts charts and files down to this many cells.
    pub(crate) lightdash_csv_cells_limit: usize,
    /// Lightdash answers from a cache what was run before.
    pub(crate) lightdash_cache: bool,
    /// Yandex Query refuses a larger `limit`.
    pub(crate) yandex_query_max_page_rows: usize,
    /// Yandex Query keeps this many rows of a result set and marks it truncated.
    pub(crate) yandex_query_truncate_after: Option<usize>,
    /// How long an IAM token is good.
    pub(crate) yandex_token_lifetime: Duration,
    /// How long a result can be read.
    pub(crate) results_lifetime: Option<Duration>,
    /// Requests to Dune a minute, beyond which the answer is 429.
    pub(crate) dune_requests_per_minute: Option<u32>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            log: false,
            sample_rows: 48,
            poll_steps: 2,
            run_time: None,
            sqlite_memory: None,
            statement_time: Duration::from_secs(2),
            dune_max_datapoints: None,
            dune_max_page_rows: 32_000,
            dune_partial_after: None,
            lightdash_max_page_size: 2_500,
            lightdash_csv_cells_limit: 100_000,
            lightdash_cache: false,
            yandex_query_max_page_rows: 1_000,
            yandex_query_truncate_after: None,
            yandex_token_lifetime: Duration::from_secs(12 * 3_600),
            results_lifetime: None,
            dune_requests_per_minute: None,
        }
    }
}

impl Options {
    /// The progress of a run that starts now.
    pub(crate) fn progress(&self) -> Progress {
        Progress::new(self.poll_steps, self.run_time)
    }
}
