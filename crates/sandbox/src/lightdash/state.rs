//! Queries, each of one account, and jobs.

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

/// The number of stored queries, and the total size of their results in bytes.
const MOST_QUERIES: usize = 5_000;
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// The total size in bytes of the statements in the cache.
const MOST_CACHED: usize = 4 * 1024 * 1024;

/// The number of stored files, and their total size in bytes.
const MOST_JOBS: usize = 1_000;
const MOST_FILE_BYTES: usize = 8 * 1024 * 1024;

pub(super) struct State {
    pub(super) queries: Kept<Query>,
    pub(super) jobs: Kept<Job>,
    /// The last run by SQL and limit, for the cache.
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
        // a metric query is stored as JSON and in parsed form
        let source = query.metric_query.as_ref();
        let source = source.map_or(0, |source| 2 * json::held(&source.json));
        let pivot = query.pivot_details.as_ref().map_or(0, json::held);
        let request = json::held(&query.request) + query.context.len();
        let bytes = held + source + pivot + request + query.sql.len();
        self.queries.insert(id, bytes, query);
    }
}

/// The account of a request. An account cannot see the queries of another.
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
    /// A mark only; it can also be set on a ready query.
    pub(super) cancelled: bool,
    pub(super) end: End,
    /// The page size of the first page that was read. Later reads without a page size use it.
    pub(super) default_page_size: Option<usize>,
    pub(super) created_at: Timestamp,
    /// The statement without its limit.
    pub(super) sql: String,
    pub(super) limit: usize,
    /// The metric query, unless the request was SQL.
    pub(super) metric_query: Option<MetricQuery>,
    /// The `context` of the request.
    pub(super) context: String,
    /// The request body.
    pub(super) request: Value,
    /// Whether the rows came from the cache.
    pub(super) cache_hit: bool,
    /// The pivot details in the format of the service.
    pub(super) pivot_details: Option<Value>,
}

#[derive(Clone)]
pub(super) enum End {
    Ready(Arc<WireTable>),
    Failed { message: String, at: Timestamp },
}

impl Query {
    /// Returns whether its results have expired.
    pub(super) fn is_expired(&self, lifetime: Option<Duration>) -> bool {
        let lifetime = lifetime.and_then(|lifetime| SignedDuration::try_from(lifetime).ok());
        lifetime
            .is_some_and(|lifetime| Timestamp::now().duration_since(self.created_at) >= lifetime)
    }

    /// Returns the statement with the limit of the query.
    pub(super) fn limited_sql(&self) -> String {
        if self.limit == usize::MAX {
            self.sql.clone()
        } else {
            limited(&self.sql, self.limit)
        }
    }
}

/// Wraps a statement with a limit.
pub(super) fn limited(sql: &str, limit: usize) -> String {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    format!("SELECT * FROM ({sql}) LIMIT {limit}")
}

/// A job that writes a file.
pub(super) struct Job {
    pub(super) account: Account,
    pub(super) progress: Progress,
    pub(super) content_type: &'static str,
    pub(super) extension: &'static str,
    pub(super) file: Bytes,
    pub(super) truncated: bool,
    /// The columns of a job of the SQL runner.
    pub(super) sql_runner: Option<Value>,
    /// The reason why there is no file.
    pub(super) failure: Option<String>,
    /// The id of the file, which differs from the id of the job.
    pub(super) file_id: Option<String>,
}
