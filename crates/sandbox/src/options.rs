//! Settings of a sandbox.

use std::time::Duration;

use crate::progress::Progress;

#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// Writes one line per request to standard error.
    pub(crate) log: bool,
    /// The number of rows of the table `trades`.
    pub(crate) sample_rows: usize,
    /// The number of polls that a run answers before it shows its end.
    pub(crate) poll_steps: u32,
    /// The shortest duration of a run.
    pub(crate) run_time: Option<Duration>,
    /// The memory in bytes that SQLite may use in this process.
    pub(crate) sqlite_memory: Option<usize>,
    /// The longest time that a statement may run.
    pub(crate) statement_time: Duration,
    /// Dune refuses a page with more cells with 402.
    pub(crate) dune_max_datapoints: Option<usize>,
    /// Dune reduces a larger `limit` to this.
    pub(crate) dune_max_page_rows: usize,
    /// Dune truncates a longer result to this many rows and marks it as partial.
    pub(crate) dune_partial_after: Option<usize>,
    /// Lightdash refuses a larger `pageSize`.
    pub(crate) lightdash_max_page_size: usize,
    /// Lightdash truncates charts and files to this many cells.
    pub(crate) lightdash_csv_cells_limit: usize,
    /// Lightdash answers repeated queries from a cache.
    pub(crate) lightdash_cache: bool,
    /// Yandex Query refuses a larger `limit`.
    pub(crate) yandex_query_max_page_rows: usize,
    /// Yandex Query truncates a longer result set to this many rows and marks it as truncated.
    pub(crate) yandex_query_truncate_after: Option<usize>,
    /// The lifetime of an IAM token.
    pub(crate) yandex_token_lifetime: Duration,
    /// The time that a result can be read.
    pub(crate) results_lifetime: Option<Duration>,
    /// The requests per minute above which Dune answers 429.
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
