//! What a sandbox can be set to.

#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// Writes one line a request to standard error.
    pub(crate) log: bool,
    /// How many rows the table `trades` has.
    pub(crate) sample_rows: usize,
    /// How many times a run answers "not yet" before it shows its end.
    pub(crate) poll_steps: u32,
    /// Dune cuts a larger `limit` down to this.
    pub(crate) dune_max_page_rows: usize,
    /// Dune keeps this many rows of a result and calls it partial.
    pub(crate) dune_partial_after: Option<usize>,
    /// Lightdash refuses a larger `pageSize`.
    pub(crate) lightdash_max_page_size: usize,
    /// Yandex Query refuses a larger `limit`.
    pub(crate) yandex_query_max_page_rows: usize,
    /// Yandex Query keeps this many rows of a result set and marks it truncated.
    pub(crate) yandex_query_truncate_after: Option<usize>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            log: false,
            sample_rows: 48,
            poll_steps: 2,
            dune_max_page_rows: 32_000,
            dune_partial_after: None,
            lightdash_max_page_size: 2_500,
            yandex_query_max_page_rows: 1_000,
            yandex_query_truncate_after: None,
        }
    }
}
