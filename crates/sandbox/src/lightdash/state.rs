//! Queries that were run, each of one account, and jobs.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::explore::MetricQuery;
use crate::progress::Progress;
use crate::table::WireTable;

#[derive(Default)]
pub(super) struct State {
    pub(super) queries: HashMap<String, Query>,
    /// Ids of queries, oldest first.
    pub(super) order: Vec<String>,
    pub(super) jobs: HashMap<String, Job>,
    /// When what was run last, for a cache.
    pub(super) cached: HashMap<(String, usize), Timestamp>,
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
            format!("SELECT * FROM ({}) LIMIT {}", self.sql, self.limit)
        }
    }
}

/// A file that is being written.
pub(super) struct Job {
    pub(super) account: Account,
    pub(super) progress: Progress,
    pub(super) content_type: &'static str,
    pub(super) extension: &'static str,
    pub(super) file: String,
    pub(super) truncated: bool,
}
