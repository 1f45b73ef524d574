//! The commands beside those that read rows of a service.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::{Args, Subcommand};
use clap_complete::Shell;

use super::{
    Format, LightdashProjectArgs, RowArgs, RunArgs, ServiceName, YandexFolderArgs,
    values::{dune_query, duration},
};

/// A run that was started before.
#[derive(Clone, Debug, Args)]
pub(crate) struct RunIdArgs {
    /// The id, as --no-wait prints it.
    pub(crate) id: String,
    /// The service. Unset: by the form of the id.
    #[arg(long)]
    pub(crate) service: Option<ServiceName>,
    #[command(flatten)]
    pub(crate) project: LightdashProjectArgs,
    #[command(flatten)]
    pub(crate) folder: YandexFolderArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RunCommand {
    /// Wait for a run and read its rows.
    Attach {
        #[command(flatten)]
        id: RunIdArgs,
        #[command(flatten)]
        run: RunArgs,
        #[command(flatten)]
        rows: Box<RowArgs>,
    },
    /// Show how far a run is, what it cost, and how many rows it has.
    Status {
        #[command(flatten)]
        id: RunIdArgs,
        #[arg(short, long)]
        format: Option<Format>,
    },
    /// Cancel a run.
    Cancel {
        #[command(flatten)]
        id: RunIdArgs,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum SchemaCommand {
    /// Columns of the latest result of a query, or of an execution. Dune bills one row for a query.
    Dune {
        /// The number of a query, its page, or the id of an execution.
        target: String,
        #[arg(short, long)]
        format: Option<Format>,
    },
    /// Fields of an explore, or columns of a query that was run.
    Lightdash {
        /// The name of an explore, or the id of a query.
        target: String,
        #[command(flatten)]
        project: LightdashProjectArgs,
        #[arg(short, long)]
        format: Option<Format>,
    },
    /// Columns of a query that was run.
    Yandex {
        /// The id of the query.
        target: String,
        /// Which result of a query with several SELECTs, counted from 0.
        #[arg(long, value_name = "N")]
        result_set: Option<u32>,
        #[command(flatten)]
        folder: YandexFolderArgs,
        #[arg(short, long)]
        format: Option<Format>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum LsCommand {
    /// Your queries, or the datasets that can be queried.
    Dune {
        #[command(subcommand)]
        kind: LsDune,
    },
    /// Projects, or the explores, charts and dashboards of a project.
    Lightdash {
        #[command(subcommand)]
        kind: LsLightdash,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum LsDune {
    /// Saved queries.
    Queries(LsArgs),
    /// Datasets.
    Datasets {
        /// Only those of this owner.
        #[arg(long)]
        owner: Option<String>,
        #[command(flatten)]
        list: LsArgs,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum LsLightdash {
    /// Projects.
    Projects(LsArgs),
    /// Explores.
    Explores {
        #[command(flatten)]
        project: LightdashProjectArgs,
        #[command(flatten)]
        list: LsArgs,
    },
    /// Charts.
    Charts {
        #[command(flatten)]
        project: LightdashProjectArgs,
        #[command(flatten)]
        list: LsArgs,
    },
    /// Dashboards.
    Dashboards {
        #[command(flatten)]
        project: LightdashProjectArgs,
        #[command(flatten)]
        list: LsArgs,
    },
}

/// How a list is shown.
#[derive(Clone, Debug, Args)]
pub(crate) struct LsArgs {
    /// Maximum number of entries.
    #[arg(long)]
    pub(crate) limit: Option<u64>,
    /// The format. Unset: a table on a terminal, NDJSON in a pipe.
    #[arg(short, long)]
    pub(crate) format: Option<Format>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ProfileCommand {
    /// Store a credential and settings for a service.
    ///
    /// The key is read from the terminal without showing it, or from standard input; never from the
    /// command line, where other users of the machine could see it. The file of profiles is created
    /// readable for you alone. On Windows it is in your own AppData, whose access list does that; it is
    /// not checked there.
    Add(ProfileAddArgs),
    /// List the profiles, without their keys.
    List {
        #[arg(short, long)]
        format: Option<Format>,
    },
    /// Try the credential of each service of the profile, with a request that costs nothing.
    Test(ProfileTestArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ProfileAddArgs {
    pub(crate) service: ServiceName,
    /// A command that prints the credential, instead of a stored one: 'pass show dune', 'yc iam create-token'.
    #[arg(long, value_name = "COMMAND")]
    pub(crate) credential_command: Option<String>,
    /// The key file of a service account: Yandex Query.
    #[arg(long, value_name = "FILE", conflicts_with = "credential_command")]
    pub(crate) service_account_key: Option<PathBuf>,
    /// The project of Lightdash, the folder of Yandex Query.
    #[arg(long, value_name = "ID")]
    pub(crate) project: Option<String>,
    /// How many requests to send a minute at most.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) requests_per_minute: Option<u32>,
    /// What reading a megabyte of results costs on your plan: Dune.
    #[arg(long, value_name = "CREDITS")]
    pub(crate) credits_per_mb: Option<f64>,
    /// Replace the settings that are stored for this service under this name.
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ProfileTestArgs {
    /// Only this service.
    pub(crate) service: Option<ServiceName>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
The first line of standard output is JSON with the base URLs and the credentials; what to set in a
shell is printed to standard error. It ends with Ctrl-C.

Example, with a fault:
  rowfeed sandbox --listen 127.0.0.1:8080 --fault 'status=429 retry-after=1 on=dune times=2'")]
pub(crate) struct SandboxArgs {
    /// Where to listen: a free port of this machine unless set.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<SocketAddr>,
    /// Something that goes wrong; can be repeated.
    #[arg(long, value_name = "TEXT")]
    pub(crate) fault: Vec<String>,
    /// Answer from a conversation that --record has written, in place of its services; can be repeated.
    #[arg(long, value_name = "FILE")]
    pub(crate) replay: Vec<PathBuf>,
    /// How long every run takes at least.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) run_time: Option<Duration>,
    /// Requests that find a run not at its end.
    #[arg(long, value_name = "N")]
    pub(crate) poll_steps: Option<u32>,
    /// The largest page of every service.
    #[arg(long, value_name = "ROWS")]
    pub(crate) max_page_rows: Option<usize>,
    /// Rows of the table 'trades'.
    #[arg(long, value_name = "ROWS")]
    pub(crate) sample_rows: Option<usize>,
    /// How long a result can be read.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) results_lifetime: Option<Duration>,
    /// Answer 429 to more requests to Dune than this in a minute.
    #[arg(long, value_name = "N")]
    pub(crate) dune_requests_per_minute: Option<u32>,
}

#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    pub(crate) shell: Shell,
}

#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// Where the pages go: rowfeed.1, rowfeed-dune.1, …
    pub(crate) directory: PathBuf,
}

/// What `schema dune` names.
pub(crate) enum DuneTarget {
    Query(i64),
    Execution(String),
}

impl DuneTarget {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        match ServiceName::of_run(text) {
            Some(ServiceName::Dune) => Ok(Self::Execution(text.to_owned())),
            _ => dune_query(text)
                .map(Self::Query)
                .map_err(|error| format!("{error}, or the id of an execution")),
        }
    }
}
