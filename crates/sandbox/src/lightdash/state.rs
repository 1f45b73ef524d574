//! Queries that were run, each of one account, and jobs.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::explore::MetricQuery;
use crate::json;
use crate::kept::Kept;
use crate::progress::Progress;
use crate::table::WireTable;

/// How many queries are kept, and how many bytes of their results.
const MOST_QUERIES: usize = 5_000;
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// Bytes of the statements that the cache knows.
const MOST_CACHED: usize = 4 * 1024 * 1024;

/// How many files are kept, and how many bytes of them.
const MOST_JOBS: usize = 1_000;
const MOST_FILE_BYTES: usize = 8 * 1024 * 1024;

pub(super) struct State {
    pub(super) queries: Kept<Query>,
    pub(super) jobs: Kept<Job>,
    /// When what was run last, by the SQL and the limit, for a cache.
    pub(super) cached: Kept<Timestamp>,
}

impl State {
    pub(super) fn new() -> Self {
        Self {
            queries: Kept::new(MOST_QUERIES, MOST_BYTES),
            jobs: Kept::new(MOST_JOBS, MOST_FILE_BYTES),
            cached: Kept::new(MOST_QUERIES, MOST_CACHED),
        }
    }

    pub(super) fn keep_job(&mut self, id: String, job: Job) {
        let columns = job.sql_runner.as_ref();
        let columns = columns.map_or(0, json::held);
        self.jobs.insert(id, job.file.len() + columns, job);
    }

    pub(super) fn keep(&mut self, id: String, query: Query) {
        let held = match &query.end {
            End::Ready(table) => table.held(),
            End::Failed { message, .. } => message.len(),
        };
        // a metric query is kept as JSON and in parts
        let asked = query.metric_query.as_ref();
        let asked = asked.map_or(0, |asked| 2 * json::held(&asked.json));
        let pivot = query.pivot_details.as_ref().map_or(0, json::held);
        let request = json::held(&query.request) + query.context.len();
        let bytes = held + asked + pivot + request + query.sql.len();
        self.queries.insert(id, bytes, query);
    }
}

/// Who is asking. Nobody sees another's queries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Account {
    User,
    /// A user who may not run SQL.
    Viewer,
    Service,
}

pub(super) struct Query {
    pub(super) account: Account,
    pub(super) progress: Progress,
    /// Only a mark: it can be set on a query that is ready, too.
    pub(super) cancelled: bool,
    pub(super) end: End,
    /// The page size of the first page that was read, which later reads without
    /// one fall back on.
    pub(super) default_page_size: Option<usize>,
    pub(super) created_at: Timestamp,
    /// What was run, without its limit.
    pub(super) sql: String,
    pub(super) limit: usize,
    /// What was asked for, unless it was SQL.
    pub(super) metric_query: Option<MetricQuery>,
    /// Where the request said it came from.
    pub(super) context: String,
    /// The request's body.
    pub(super) request: Value,
    /// Whether the rows came from the cache.
    pub(super) cache_hit: bool,
    /// How the rows were turned into columns, as the service shows it.
    pub(super) pivot_details: Option<Value>,
}

#[derive(Clone)]
pub(super) enum End {
    Ready(Arc<WireTable>),
    Failed { message: String, at: Timestamp },
}

impl Query {
    /// Whether the file with its results is gone.
    pub(super) fn is_expired(&self, lifetime: Option<Duration>) -> bool {
        let lifetime = lifetime.and_then(|lifetime| SignedDuration::try_from(lifetime).ok());
        lifetime
            .is_some_and(|lifetime| Timestamp::now().duration_since(self.created_at) >= lifetime)
    }

    /// The statement whose rows this query's are.
    pub(super) fn limited_sql(&self) -> String {
        if self.limit == usize::MAX {
            self.sql.clone()
        } else {
            limited(&self.sql, self.limit)
        }
    }
}

/// A statement with a limit around it.
pub(super) fn limited(sql: &str, limit: usize) -> String {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    format!("SELECT * FROM ({sql}) LIMIT {limit}")
}

/// A file that is being written.
pub(super) struct Job {
    pub(super) account: Account,
    pub(super) progress: Progress,
    pub(super) content_type: &'static str,
    pub(super) extension: &'static str,
    pub(super) file: Bytes,
    pub(super) truncated: bool,
    /// The columns of a run of the SQL runner.
    pub(super) sql_runner: Option<Value>,
    /// Why there is no file.
    pub(super) failure: Option<String>,
    /// The id that the file has beside the job's own.
    pub(super) file_id: Option<String>,
}
