//! `rowfeed sql`.

use std::{path::PathBuf, time::Duration};

use clap::Args;

use super::{
    output::{Compression, Format},
    services::StatementArgs,
    values::duration,
};

pub(super) const EXAMPLES: &str = "\
Examples:
  rowfeed sql \"SELECT * FROM dune_latest(3493826) WHERE amount > 100\"
  rowfeed sql --file join.sql -o joined.parquet
  rowfeed sql \"SELECT count(*) FROM 'prices.parquet'\"

See 'rowfeed sql --help' for the functions.";

pub(super) const AFTER_LONG: &str = "\
Tables:
  dune('SELECT …')                       a statement, executed at Dune
  dune_query(id, 'name=value', …)        a saved query, executed with these parameters
  dune_latest(id)                        the latest result of a saved query; nothing is executed
  lightdash('project', 'SELECT …')       a statement, run in the project's warehouse
  lightdash_chart('project', 'chart')    a saved chart; the project may be that of the profile
  yandex_query('folder', 'SELECT …')     a statement with one result
  'file.parquet', 'file.csv'             a local file

Each distinct function call is executed once, and all of them at the same time. The query itself runs on this
machine. Write $$…$$ around a statement that contains quotes.

Examples:
  rowfeed sql \"SELECT d.day, d.volume, c.orders
      FROM dune_latest(3493826) d JOIN lightdash_chart('0a5f3d82-7c4e-4b19-86d0-e2b1f9c7a348') c USING (day)\"
  rowfeed sql --file join.sql -o joined.parquet
  rowfeed sql \"SELECT count(*) FROM 'prices.parquet'\"";

/// A query over results of services and local files.
#[derive(Debug, Args)]
pub(crate) struct SqlArgs {
    #[command(flatten)]
    pub(crate) statement: StatementArgs,
    /// Write to a file: .parquet, .csv, .ndjson (or .jsonl) or .arrow. The file has its name only when it is whole.
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    pub(crate) output: Option<PathBuf>,
    /// The format. Unset: by the name of the file; a table on a terminal; NDJSON in a pipe.
    #[arg(short, long, help_heading = "Output")]
    pub(crate) format: Option<Format>,
    /// Replace a finished file.
    #[arg(long, help_heading = "Output")]
    pub(crate) force: bool,
    /// Compression of Parquet.
    #[arg(long, default_value = "zstd", help_heading = "Output")]
    pub(crate) compression: Compression,
    /// Maximum number of rows. The default for a table is 20.
    #[arg(long, value_name = "ROWS", help_heading = "Rows")]
    pub(crate) limit: Option<usize>,
    /// Rows to request at a time.
    #[arg(long, value_name = "ROWS", value_parser = clap::value_parser!(u32).range(1..), help_heading = "Rows")]
    pub(crate) page_size: Option<u32>,
    /// Cancel each run that has not ended after this time, such as '10m'.
    #[arg(long, value_name = "TIME", value_parser = duration, help_heading = "Run")]
    pub(crate) timeout: Option<Duration>,
}
