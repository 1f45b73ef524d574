//! What `rowfeed snapshot` takes.

use clap::Args;

use super::{
    Compression, LightdashProjectArgs, ServiceName, YandexFolderArgs,
    output::{LimitArgs, OutputArgs, ReadArgs, RowArgs},
    values::TypeOverride,
};

#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  id=$(rowfeed dune sql --no-wait --file report.sql)
  rowfeed snapshot $id report/                            every row, in Parquet files of a million rows
  rowfeed snapshot 3493826 trades/                        the latest result of a query at Dune")]
pub(crate) struct SnapshotArgs {
    /// The id of a run, as --no-wait prints it, or a query at Dune, whose latest result is taken.
    pub(crate) target: String,
    /// A directory, which is created, or s3://BUCKET/PREFIX, gs://…, az://… in builds with those
    /// features.
    pub(crate) destination: String,
    /// The service. Unset: by the form of the id.
    #[arg(long)]
    pub(crate) service: Option<ServiceName>,
    #[command(flatten)]
    pub(crate) project: LightdashProjectArgs,
    #[command(flatten)]
    pub(crate) folder: YandexFolderArgs,
    /// Rows of each file except the last. An interrupted snapshot reads at most this number of rows again.
    #[arg(long, value_name = "ROWS", default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) rows_per_part: u64,
    /// Rows in a row group.
    #[arg(long, value_name = "ROWS", default_value_t = 131_072, value_parser = clap::value_parser!(u64).range(1..=16_777_216))]
    row_group: u64,
    /// Compression of Parquet.
    #[arg(long, default_value = "zstd")]
    compression: Compression,
    /// Read a column as another type, such as 'price=decimal(38,9)'; see 'rowfeed dune sql --help'.
    #[arg(long = "type", value_name = "COLUMN=TYPE")]
    types: Vec<TypeOverride>,
    /// Only these columns, in this order. Dune sends, and bills, no others.
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    columns: Vec<String>,
    /// Which result of a query with several SELECTs, counted from 0: Yandex Query.
    #[arg(long, value_name = "N")]
    result_set: Option<u32>,
    /// Rows to request at a time.
    #[arg(long, value_name = "ROWS", value_parser = clap::value_parser!(u32).range(1..))]
    page_size: Option<u32>,
    /// Accept a result that the service has cut off for its size.
    #[arg(long)]
    allow_truncated: bool,
    /// Read nothing if the result has more rows than this.
    #[arg(long, value_name = "ROWS")]
    max_rows: Option<u64>,
    /// Read nothing if that would cost more credits than this: Dune.
    #[arg(long, value_name = "CREDITS")]
    max_read_credits: Option<f64>,
}

impl SnapshotArgs {
    /// The same as for commands that write rows.
    pub(crate) fn rows(&self) -> RowArgs {
        RowArgs {
            output: OutputArgs {
                output: None,
                format: None,
                force: false,
                rows_per_file: None,
                row_group: self.row_group,
                compression: self.compression,
                types: self.types.clone(),
                pager: false,
            },
            read: ReadArgs {
                columns: self.columns.clone(),
                limit: None,
                result_set: self.result_set,
                page_size: self.page_size,
                allow_truncated: self.allow_truncated,
            },
            limits: LimitArgs {
                max_rows: self.max_rows,
                max_read_credits: self.max_read_credits,
                dry_run: false,
            },
        }
    }
}
