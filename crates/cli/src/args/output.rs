//! What every command takes that reads rows.

use std::{path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};

use super::values::{TypeOverride, duration};

/// Where rows go, which of them, and how far a command may go.
#[derive(Clone, Debug, Args)]
pub(crate) struct RowArgs {
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) read: ReadArgs,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
}

/// Where rows go.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputArgs {
    /// Write to a file: .parquet, .csv, .ndjson (or .jsonl) or .arrow. The file has its name only when it is whole.
    ///
    /// Until then everything is in the directory FILE.rowfeed beside it, with the id of the run. The
    /// same command resumes that run where it stopped, and does not execute again. A name that ends
    /// in '/' is a directory of Parquet files.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// The format. Unset: by the name of the file; a table on a terminal; NDJSON in a pipe.
    #[arg(short, long)]
    pub(crate) format: Option<Format>,
    /// Replace a finished file, or discard an export that was begun.
    #[arg(long)]
    pub(crate) force: bool,
    /// Write a directory of Parquet files with this many rows each.
    #[arg(long, value_name = "ROWS", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) rows_per_file: Option<u64>,
    /// Rows in a row group of Parquet or a batch of an Arrow file. An export resumes after a whole one.
    #[arg(long, value_name = "ROWS", default_value_t = 131_072, value_parser = clap::value_parser!(u64).range(1..=16_777_216))]
    pub(crate) row_group: u64,
    /// Compression of Parquet.
    #[arg(long, default_value = "zstd")]
    pub(crate) compression: Compression,
    /// Read a column of a Parquet or Arrow file as another type, such as 'price=decimal(38,9)'.
    ///
    /// Types: boolean, int8 to int64, uint8 to uint64, float32, float64, decimal(P,S), text, binary,
    /// date, timestamp, timestamptz. Can be repeated.
    #[arg(long = "type", value_name = "COLUMN=TYPE")]
    pub(crate) types: Vec<TypeOverride>,
    /// Show the whole result as a table in $PAGER.
    #[arg(long, conflicts_with_all = ["output", "format"])]
    pub(crate) pager: bool,
}

/// A format of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    /// A table for people: the first rows, shortened to the width of the terminal.
    Table,
    /// One JSON object a line. Decimals, and integers beyond 64 bits, are text.
    #[value(alias = "jsonl")]
    Ndjson,
    /// CSV by RFC 4180. NULL is nothing, an empty text is "".
    Csv,
    /// Arrow IPC: a stream in a pipe, a file with -o.
    #[value(alias = "ipc")]
    Arrow,
    /// Parquet, only with -o.
    Parquet,
}

impl Format {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
            Self::Arrow => "arrow",
            Self::Parquet => "parquet",
        }
    }
}

/// How pages of Parquet are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Compression {
    /// Small files.
    Zstd,
    /// Fast, and read by everything.
    Snappy,
    /// None.
    None,
}

impl From<Compression> for rowfeed_snapshot::Compression {
    fn from(compression: Compression) -> Self {
        match compression {
            Compression::Zstd => Self::Zstd,
            Compression::Snappy => Self::Snappy,
            Compression::None => Self::None,
        }
    }
}

/// Which rows.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Rows")]
pub(crate) struct ReadArgs {
    /// Only these columns, in this order. Dune sends, and bills, no others.
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    pub(crate) columns: Vec<String>,
    /// Maximum number of rows. The default for a table is 20.
    #[arg(long, value_name = "ROWS")]
    pub(crate) limit: Option<u64>,
    /// Which result of a query with several SELECTs, counted from 0: Yandex Query.
    #[arg(long, value_name = "N")]
    pub(crate) result_set: Option<u32>,
    /// Rows to request at a time.
    #[arg(long, value_name = "ROWS", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) page_size: Option<u32>,
    /// Accept a result that the service has cut off for its size.
    #[arg(long)]
    pub(crate) allow_truncated: bool,
}

/// How far a command may go.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Limits")]
pub(crate) struct LimitArgs {
    /// Read nothing if the result has more rows than this.
    #[arg(long, value_name = "ROWS")]
    pub(crate) max_rows: Option<u64>,
    /// Read nothing if that would cost more credits than this: Dune.
    ///
    /// Computed from the size that Dune announces, for all columns, and the profile's
    /// 'credits-per-mb': 20, the rate of the free plan, unless set. What the execution itself costs is
    /// known only when it has ended; bound it by --timeout.
    #[arg(long, value_name = "CREDITS")]
    pub(crate) max_read_credits: Option<f64>,
    /// Say what would be sent, started and read, and do not do it.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// How a run is waited for.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Run")]
pub(crate) struct RunArgs {
    /// Cancel the run if it has not ended after this time, such as '10m'.
    ///
    /// A run that was started elsewhere is left alone, and only waited for no longer.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) timeout: Option<Duration>,
    /// Print the id of the run and leave it alone. 'rowfeed run attach ID' reads its rows later.
    #[arg(long, conflicts_with_all = ["output", "pager", "timeout"])]
    pub(crate) no_wait: bool,
    /// What Ctrl-C does with a run that has not ended.
    ///
    /// Unset, a run that this command has started is cancelled, and one that was started elsewhere is
    /// left alone.
    #[arg(long, value_name = "WHAT")]
    pub(crate) on_interrupt: Option<OnInterrupt>,
}

/// What Ctrl-C does with a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnInterrupt {
    /// Cancel it at the service.
    Cancel,
    /// Leave it running, and print how to attach to it.
    Detach,
}
