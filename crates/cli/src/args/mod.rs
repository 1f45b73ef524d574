//! The command line.

mod api;
mod manage;
mod output;
mod services;
mod snapshot;
#[cfg(feature = "sql")]
mod sql;
mod values;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

pub(crate) use api::{ApiArgs, SendAs, UploadArgs};
pub(crate) use manage::{
    CompletionsArgs, DuneTarget, LsArgs, LsCommand, LsDune, LsLightdash, ManArgs, ProfileAddArgs,
    ProfileCommand, ProfileTestArgs, RunCommand, RunIdArgs, SandboxArgs, SchemaCommand,
};
pub(crate) use output::{Compression, Format, OnInterrupt, RowArgs, RunArgs};
pub(crate) use services::{
    DuneCommand, LightdashCommand, LightdashProjectArgs, MetricArgs, Performance, StatementArgs,
    YandexCommand, YandexFolderArgs,
};
pub(crate) use snapshot::SnapshotArgs;
#[cfg(feature = "sql")]
pub(crate) use sql::SqlArgs;
pub(crate) use values::{ServiceName, TypeOverride};

/// Gets rows out of Dune, Lightdash and Yandex Query: into a table, a pipe or a file.
///
/// Runs a statement or takes a saved one, waits for its end, and writes every row with every digit. On
/// a terminal the first rows are shown as a table; in a pipe they are NDJSON, CSV or an Arrow stream;
/// with -o they go into a Parquet, CSV, NDJSON or Arrow file, and the same command resumes an export
/// that broke off.
///
/// rowfeed sends nothing but requests to the service that you name. It has no telemetry.
#[derive(Debug, Parser)]
#[command(name = "rowfeed", version, max_term_width = 100, after_help = EXAMPLES, after_long_help = AFTER_LONG)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "\
Examples:
  rowfeed --sandbox dune sql 'SELECT * FROM trades'       try it, without an account
  rowfeed dune latest 3493826 -o trades.parquet           export the latest result of a query
  rowfeed dune query 3493826 --param project=lagoon       execute a saved query
  rowfeed lightdash query --explore orders --dimensions status --metrics count
  rowfeed yandex sql --file report.yql --format csv > report.csv
  rowfeed profile add dune                                store a key

See 'rowfeed --help' for the exit codes and the environment.";

const AFTER_LONG: &str = "\
Examples:
  rowfeed --sandbox dune sql 'SELECT * FROM trades'       try it, without an account
  rowfeed dune latest 3493826 -o trades.parquet           export the latest result of a query
  rowfeed dune query 3493826 --param project=lagoon       execute a saved query
  rowfeed lightdash query --explore orders --dimensions status --metrics count
  rowfeed yandex sql --file report.yql --format csv > report.csv
  rowfeed profile add dune                                store a key

Settings come from flags, then from the environment, then from the profile, then from defaults.

Environment:
  DUNE_API_KEY, DUNE_API_BASE_URL                         Dune
  LIGHTDASH_API_KEY, LIGHTDASH_URL, LIGHTDASH_PROJECT     Lightdash
  YC_IAM_TOKEN, YC_FOLDER_ID, YANDEX_QUERY_URL            Yandex Query
  YC_SERVICE_ACCOUNT_KEY_FILE                             a service account's key file
  ROWFEED_PROFILE, ROWFEED_CONFIG                         the profile, and the file of profiles
  NO_COLOR, PAGER, COLUMNS                                as everywhere

Exit codes:
  0    everything was written; also when the reader of the pipe went away
  1    another error
  2    the command line is wrong
  3    no credential, one that cannot be read, or one that the service refuses
  4    there is no such run, query, chart or project
  5    the statement failed
  6    the run was cancelled
  7    the result has expired
  8    the time of --timeout is over
  9    the service has cut the result off
  10   the service cannot be reached, is overloaded or limits the rate: try again
  11   the service sent rows that do not fit together or cannot be written exactly
  12   a limit on rows or credits forbids it
  13   the output cannot be written
  130  interrupted";

/// What every command takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Every command")]
pub(crate) struct GlobalArgs {
    /// Start the sandbox inside this process and use it instead of the service: no account, no cost.
    #[arg(long, global = true)]
    pub(crate) sandbox: bool,
    /// The profile to use: 'default' unless ROWFEED_PROFILE says otherwise.
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// The file with the profiles, in place of the platform's.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Where the service is: for a server of your own, or a proxy.
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) base_url: Option<String>,
    /// Keep pages of completed runs in a directory, and do not fetch, or pay for, them again.
    ///
    /// Without a directory it is the platform's, such as ~/.cache/rowfeed/pages. Only you can read it;
    /// rows are in it, and it has at most 1 GiB. Pages end with the run at the service, and after 7
    /// days. The latest result of a query is looked up each time, and read as the run that it is.
    #[arg(long, global = true, value_name = "DIRECTORY", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    pub(crate) cache: Option<String>,
    /// Append every call and its response to a file that 'rowfeed sandbox --replay' answers from.
    ///
    /// Statements and rows are in it, and no credential.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,
    /// Write errors and progress to standard error as JSON, one object a line.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Write what the command has used to standard error: requests, retries, bytes, waits, credits.
    #[arg(long, global = true)]
    pub(crate) stats: bool,
    /// Write nothing to standard error but errors.
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Write every call and attempt to standard error; -vv with the details. Never shows a key.
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Whether messages and tables have colors. NO_COLOR switches them off, too.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: Color,
}

/// When to use colors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal.
    #[default]
    Auto,
    /// Also in a pipe.
    Always,
    /// Never.
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Dune: run SQL or a saved query, or read its latest result.
    #[command(subcommand)]
    Dune(Box<DuneCommand>),
    /// Lightdash: run SQL, a chart or a query of an explore.
    #[command(subcommand)]
    Lightdash(Box<LightdashCommand>),
    /// Yandex Query: run a query, or read the results of one.
    #[command(subcommand)]
    Yandex(Box<YandexCommand>),
    /// Query results of the services and local files with SQL, on this machine.
    #[cfg(feature = "sql")]
    #[command(after_help = sql::EXAMPLES, after_long_help = sql::AFTER_LONG)]
    Sql(Box<SqlArgs>),
    /// Wait for a run that was started before, see how far it is, or cancel it.
    #[command(subcommand)]
    Run(Box<RunCommand>),
    /// Write a run once as a directory of Parquet files that any engine reads, or into an object store.
    ///
    /// The same command resumes after the last whole file, whatever ended the one before. The file
    /// _snapshot.json in the directory says whether every row is there.
    Snapshot(Box<SnapshotArgs>),
    /// Show columns and types, without reading rows where the service allows that.
    #[command(subcommand)]
    Schema(SchemaCommand),
    /// List what there is to read: queries, datasets, projects, explores, charts.
    #[command(subcommand)]
    Ls(LsCommand),
    /// Send a request to any path of a service, and print the body of the response.
    #[command(after_help = "\
Examples:
  rowfeed api GET /v1/uploads --query limit=10
  rowfeed api POST /v1/sql/execute --data '{\"sql\": \"SELECT 1\"}'
  rowfeed api GET /api/v1/org/projects")]
    Api(Box<ApiArgs>),
    /// Store credentials and settings under a name.
    #[command(subcommand)]
    Profile(ProfileCommand),
    /// Serve the sandbox: the three services on this machine, with invented data.
    Sandbox(SandboxArgs),
    /// Print a script that completes this command in a shell.
    Completions(CompletionsArgs),
    /// Write the manual pages into a directory.
    #[command(hide = true)]
    Man(ManArgs),
}
