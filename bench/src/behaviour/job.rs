//! What a contender is asked to do, and what it reports.

use serde::{Deserialize, Serialize};

use crate::dataset::Service;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Who {
    Rowfeed,
    Hand,
    Generated,
    Python,
}

impl Who {
    pub(crate) const ALL: [Self; 4] = [Self::Rowfeed, Self::Hand, Self::Generated, Self::Python];
}

/// What is done with a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Task {
    /// A statement is run, waited for and read to its end.
    Run,
    /// The same, and values are looked at instead of rows counted.
    Digits,
    /// The latest result of a saved query of Dune is read, page after page.
    Latest,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Job {
    pub(crate) who: Who,
    pub(crate) service: Service,
    pub(crate) task: Task,
    pub(crate) url: String,
    pub(crate) key: String,
    pub(crate) project: String,
    pub(crate) sql: String,
    /// For [`Task::Latest`].
    pub(crate) query_id: i64,
    pub(crate) page_size: u32,
    /// How long the contender waits for the end of a run, where it can be told.
    pub(crate) wait_s: Option<u64>,
}

/// What was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Found {
    /// The number in each row, in the order they came.
    pub(crate) rows: Vec<i64>,
    /// What tells the runs apart that rows come from.
    #[serde(default)]
    pub(crate) runs: Vec<i64>,
    /// The values, for [`Task::Digits`].
    #[serde(default)]
    pub(crate) digits: Vec<String>,
}

/// The line that a contender's process prints at its end.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Report {
    /// `None` when it failed or has no such operation.
    pub(crate) found: Option<Found>,
    /// What a user is shown.
    pub(crate) error: Option<String>,
    /// `Debug` of the error, or the traceback.
    #[serde(default)]
    pub(crate) error_debug: String,
    /// `Debug` of the client, or its `repr`.
    #[serde(default)]
    pub(crate) client_debug: String,
    /// What was logged, at every level.
    #[serde(default)]
    pub(crate) log: String,
}
