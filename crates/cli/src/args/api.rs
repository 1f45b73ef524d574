//! Requests to any path, and uploads.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{ServiceName, values::parameter};

/// A request to any path of a service.
#[derive(Clone, Debug, Args)]
pub(crate) struct ApiArgs {
    /// GET, POST, PUT, PATCH, DELETE, …
    pub(crate) method: String,
    /// The path below the service's address: '/v1/queries'.
    pub(crate) path: String,
    /// The service. Unset: Lightdash for '/api/…', Yandex Query for '/queries…', Dune for '/v1/…'.
    #[arg(long)]
    pub(crate) service: Option<ServiceName>,
    /// A parameter of the query, NAME=VALUE; can be repeated.
    #[arg(long, value_name = "NAME=VALUE", value_parser = parameter)]
    pub(crate) query: Vec<(String, String)>,
    /// A header, NAME=VALUE; can be repeated. Never a credential: profiles have it.
    #[arg(long, value_name = "NAME=VALUE", value_parser = parameter)]
    pub(crate) header: Vec<(String, String)>,
    /// The body; '@FILE' reads it from a file, '-' from standard input.
    #[arg(long, value_name = "BODY")]
    pub(crate) data: Option<String>,
    /// What the body is.
    #[arg(long, value_name = "TYPE", default_value = "application/json")]
    pub(crate) content_type: String,
    /// Sending the request twice does no harm, so that it is retried like a GET.
    #[arg(long)]
    pub(crate) idempotent: bool,
}

/// A file whose rows go into a table at Dune.
#[derive(Clone, Debug, Args)]
pub(crate) struct UploadArgs {
    /// The file: .csv, .ndjson (or .jsonl) or .parquet.
    pub(crate) file: PathBuf,
    /// The table, with the user or team that owns it: 'my_team.readings'.
    #[arg(long, value_name = "OWNER.TABLE")]
    pub(crate) table: String,
    /// Create the table if it is not there. Costs 10 credits.
    #[arg(long)]
    pub(crate) create: bool,
    /// A column, NAME=TYPE; can be repeated. Unset: those of the table, or of a Parquet file that
    /// creates one.
    #[arg(long = "column", value_name = "NAME=TYPE", value_parser = parameter)]
    pub(crate) columns: Vec<(String, String)>,
    /// Leave out the first rows, which an interrupted upload has written.
    #[arg(long, value_name = "ROWS", default_value_t = 0)]
    pub(crate) skip: u64,
    /// The most bytes that one call sends. What Dune accepts is not documented.
    #[arg(long, value_name = "BYTES")]
    pub(crate) batch_bytes: Option<usize>,
    /// What is sent.
    #[arg(long, value_name = "FORMAT", default_value = "ndjson")]
    pub(crate) send_as: SendAs,
    /// Check the rows, and write nothing.
    #[arg(long)]
    pub(crate) check: bool,
}

/// The format of the requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SendAs {
    Ndjson,
    Csv,
}
