//! The commands of each service.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Subcommand, ValueEnum};

use super::{
    Format, RowArgs, RunArgs, UploadArgs,
    values::{dune_query, duration, parameter},
};

/// A statement: as an argument, in a file, or on standard input.
#[derive(Clone, Debug, Args)]
pub(crate) struct StatementArgs {
    /// The statement; '-', or nothing in a pipe, reads it from standard input.
    #[arg(value_name = "SQL", conflicts_with = "file")]
    pub(crate) sql: Option<String>,
    /// Read the statement from a file.
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DuneCommand {
    /// Run SQL.
    #[command(after_help = "\
Examples:
  rowfeed dune sql 'SELECT * FROM dex.trades LIMIT 100'
  rowfeed dune sql --file trades.sql -o trades.parquet
  cat trades.sql | rowfeed dune sql --format csv > trades.csv")]
    Sql {
        #[command(flatten)]
        statement: StatementArgs,
        /// The engine to run on. It decides what the execution costs.
        #[arg(long)]
        performance: Option<Performance>,
        #[command(flatten)]
        run: RunArgs,
        #[command(flatten)]
        rows: RowArgs,
    },
    /// Execute a saved query, or take its latest result if that is fresh enough.
    #[command(after_help = "\
Examples:
  rowfeed dune query 3493826 --param project=lagoon --param min_usd=100
  rowfeed dune query https://dune.com/queries/3493826 --max-age 1d")]
    Query {
        /// The number of the query, or its page.
        #[arg(value_parser = dune_query)]
        query: i64,
        /// A parameter of the query, NAME=VALUE; can be repeated. Twice the same name is a list.
        #[arg(long = "param", value_name = "NAME=VALUE", value_parser = parameter)]
        params: Vec<(String, String)>,
        /// Take the latest result if it is not older than this, such as '1d', and execute otherwise.
        #[arg(long, value_name = "TIME", value_parser = duration, conflicts_with = "performance")]
        max_age: Option<Duration>,
        /// The engine to run on. It decides what the execution costs.
        #[arg(long)]
        performance: Option<Performance>,
        #[command(flatten)]
        run: RunArgs,
        #[command(flatten)]
        rows: RowArgs,
    },
    /// Read the latest result of a saved query, without executing it.
    #[command(after_help = "\
Examples:
  rowfeed dune latest 3493826
  rowfeed dune latest https://dune.com/queries/3493826 --columns project,amount_usd -o trades.csv")]
    Latest {
        /// The number of the query, or its page.
        #[arg(value_parser = dune_query)]
        query: i64,
        /// A parameter that the query was executed with, NAME=VALUE; can be repeated.
        #[arg(long = "param", value_name = "NAME=VALUE", value_parser = parameter)]
        params: Vec<(String, String)>,
        #[command(flatten)]
        rows: RowArgs,
    },
    /// Write the rows of a CSV, NDJSON or Parquet file to a table.
    ///
    /// Every row is compared with the types of the table before the first one is sent. An upload that
    /// is interrupted says which rows are written, and resumes with --skip.
    #[command(after_help = "\
Examples:
  rowfeed dune upload readings.parquet --table my_team.readings --create
  rowfeed dune upload readings.csv --table my_team.readings --create \\
      --column at=timestamp --column level=double")]
    Upload(UploadArgs),
    /// Show the credits and the storage that are used, by billing period.
    Usage {
        /// The first day, YYYY-MM-DD.
        #[arg(long, value_name = "DATE")]
        from: Option<String>,
        /// The last day, YYYY-MM-DD.
        #[arg(long, value_name = "DATE")]
        to: Option<String>,
        /// The format. Unset: a table on a terminal, NDJSON in a pipe.
        #[arg(short, long)]
        format: Option<Format>,
    },
}

/// An engine of Dune.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Performance {
    Free,
    Small,
    Medium,
    Large,
}

impl Performance {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Small => "small",
            Self::Medium => "medium",
            Self::Large => "large",
        }
    }
}

/// The project at Lightdash.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct LightdashProjectArgs {
    /// The project's UUID; 'rowfeed ls lightdash projects' lists them. Else LIGHTDASH_PROJECT or the profile's.
    #[arg(long, value_name = "UUID")]
    pub(crate) project: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LightdashCommand {
    /// Run SQL in the project's warehouse.
    Sql {
        #[command(flatten)]
        statement: StatementArgs,
        #[command(flatten)]
        project: LightdashProjectArgs,
        #[command(flatten)]
        run: RunArgs,
        #[command(flatten)]
        rows: RowArgs,
    },
    /// Run a saved chart.
    #[command(after_help = "\
Examples:
  rowfeed lightdash chart 'Revenue by month' --param region=EU
  rowfeed lightdash chart revenue-by-month --limit 1000 -o revenue.csv")]
    Chart {
        /// The chart's name, its UUID, its slug, or its page.
        chart: String,
        #[command(flatten)]
        params: LightdashParamArgs,
        #[command(flatten)]
        project: LightdashProjectArgs,
        #[command(flatten)]
        run: RunArgs,
        #[command(flatten)]
        rows: RowArgs,
    },
    /// Query the dimensions and metrics of an explore.
    #[command(after_help = "\
Filters are 'FIELD OPERATOR VALUE', one in each --filter, and all of them hold:
  = != > >= < <=, contains, 'not contains', 'starts with', 'ends with', 'is null', 'is not null',
  in A, B, C    not in A, B    between A and B    in the past N days|weeks|months|years

Example:
  rowfeed lightdash query --explore orders --dimensions status --metrics count \\
      --filter 'status = completed' --filter 'amount > 100' --sort 'count desc'")]
    Query {
        #[command(flatten)]
        query: MetricArgs,
        #[command(flatten)]
        params: LightdashParamArgs,
        /// Print the SQL of the query, and run nothing.
        #[arg(long)]
        compile: bool,
        #[command(flatten)]
        project: LightdashProjectArgs,
        #[command(flatten)]
        run: RunArgs,
        #[command(flatten)]
        rows: RowArgs,
    },
}

/// Parameters of a project or an explore.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct LightdashParamArgs {
    /// A parameter, NAME=VALUE; can be repeated. Twice the same name is a list. Digits are a number, and text in quotes: NAME="'12'".
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = parameter)]
    pub(crate) params: Vec<(String, String)>,
}

/// A query of an explore.
#[derive(Clone, Debug, Args)]
pub(crate) struct MetricArgs {
    /// The explore; 'rowfeed ls lightdash explores' lists them.
    #[arg(long)]
    pub(crate) explore: String,
    /// Dimensions to group by: 'status', or 'customers.status' of a joined table.
    #[arg(long, value_name = "FIELD,…", value_delimiter = ',')]
    pub(crate) dimensions: Vec<String>,
    /// Metrics to compute.
    #[arg(long, value_name = "FIELD,…", value_delimiter = ',')]
    pub(crate) metrics: Vec<String>,
    /// A condition, 'FIELD OPERATOR VALUE'; can be repeated, and all of them hold.
    #[arg(long, value_name = "CONDITION")]
    pub(crate) filter: Vec<String>,
    /// The order: 'FIELD' or 'FIELD desc', with commas between several.
    #[arg(long, value_name = "FIELD [desc],…", value_delimiter = ',')]
    pub(crate) sort: Vec<String>,
    /// The time zone to run in, such as 'Europe/Berlin'. Unset: the project's.
    #[arg(long, value_name = "ZONE")]
    pub(crate) timezone: Option<String>,
}

/// The folder at Yandex Cloud.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct YandexFolderArgs {
    /// The folder's id. Else YC_FOLDER_ID or the profile's 'project'.
    #[arg(long, value_name = "ID")]
    pub(crate) folder: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum YandexCommand {
    /// Run a query in YQL.
    Sql {
        #[command(flatten)]
        statement: StatementArgs,
        #[command(flatten)]
        folder: YandexFolderArgs,
        /// The name of the query in the console.
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        run: RunArgs,
        #[command(flatten)]
        rows: RowArgs,
    },
    /// Read the results of a query that was created before.
    Results {
        /// The id of the query.
        query: String,
        #[command(flatten)]
        folder: YandexFolderArgs,
        #[command(flatten)]
        run: RunArgs,
        #[command(flatten)]
        rows: RowArgs,
    },
}
