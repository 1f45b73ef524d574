//! The task of a contender, and its report.

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

/// The task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Task {
    /// Runs a statement, waits for its end, and reads its rows.
    Run,
    /// The same, but reports values instead of counting rows.
    Digits,
    /// Reads the latest result of a saved query of Dune, page by page.
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
    /// The time that the contender waits for the end of a run, if it has such a setting.
    pub(crate) wait_s: Option<u64>,
}

/// The result of reading.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Found {
    /// The number in each row, in order.
    pub(crate) rows: Vec<i64>,
    /// The run of each row.
    #[serde(default)]
    pub(crate) runs: Vec<i64>,
    /// The values, for [`Task::Digits`].
    #[serde(default)]
    pub(crate) digits: Vec<String>,
}

/// The line that the process of a contender prints at its end.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Report {
    /// `None` if it failed or has no such operation.
    pub(crate) found: Option<Found>,
    /// The text for users.
    pub(crate) error: Option<String>,
    /// `Debug` of the error, or the traceback.
    #[serde(default)]
    pub(crate) error_debug: String,
    /// `Debug` of the client, or its `repr`.
    #[serde(default)]
    pub(crate) client_debug: String,
    /// The log, at every level.
    #[serde(default)]
    pub(crate) log: String,
}
