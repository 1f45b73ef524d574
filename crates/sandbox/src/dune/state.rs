//! Executions and saved queries.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp, ToSpan as _};
use serde::Serialize;
use serde_json::Value;

use super::encode;
use super::pipelines::Step;
use super::uploads::{Upload, in_database};
use super::views::View;
use crate::credentials::{DUNE_PARAMETERIZED_QUERY_ID, DUNE_QUERY_ID};
use crate::ids;
use crate::json;
use crate::kept::Kept;
use crate::progress::{Progress, Stage};
use crate::service::Service;
use crate::table::WireTable;
use crate::world::{Outcome, World};

/// The number of stored executions, and the total size of their results in bytes.
const MOST_EXECUTIONS: usize = 5_000;
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// The number of stored pipeline executions, and their total size in bytes.
const MOST_PIPELINES: usize = 500;
const MOST_PIPELINE_BYTES: usize = 2 * 1024 * 1024;

/// The cost of a run, and of each byte of its result, in credits.
const RUN_CREDITS: f64 = 0.01;
const BYTE_CREDITS: f64 = 1e-6;

pub(super) struct State {
    pub(super) executions: Kept<Execution>,
    pub(super) queries: BTreeMap<i64, SavedQuery>,
    /// Uploaded tables by full name.
    pub(super) uploads: BTreeMap<String, Upload>,
    /// Materialized views by full name.
    pub(super) views: BTreeMap<String, View>,
    /// Pipeline executions by id.
    pub(super) pipelines: Kept<Vec<Step>>,
    /// The total cost of all executions in credits.
    pub(super) credits_used: f64,
}

/// A saved query and the version of its SQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Saved {
    pub(super) id: i64,
    pub(super) sql_version: u32,
}

pub(super) struct Execution {
    pub(super) id: String,
    /// The executed text, with parameter values.
    pub(super) sql: String,
    /// `None` for an execution of SQL.
    pub(super) query: Option<Saved>,
    /// The value of every parameter, as text.
    pub(super) parameters: BTreeMap<String, String>,
    pub(super) submitted_at: Timestamp,
    pub(super) cancelled_at: Option<Timestamp>,
    pub(super) progress: Progress,
    pub(super) end: End,
    pub(super) credits: f64,
}

/// The end of a run that is not canceled.
#[derive(Clone)]
pub(super) enum End {
    Completed { table: Arc<WireTable>, whole: bool },
    Failed(Failure),
}

#[derive(Clone, Serialize)]
pub(super) struct Failure {
    #[serde(rename = "type")]
    kind: &'static str,
    message: String,
    metadata: FailureMetadata,
}

#[derive(Clone, Serialize)]
struct FailureMetadata {
    line: u64,
    column: u64,
}

/// The states of an execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    Pending,
    Executing,
    Completed,
    Partial,
    Failed,
    Cancelled,
    Expired,
    Other(String),
}

impl Shown {
    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Pending => "QUERY_STATE_PENDING",
            Self::Executing => "QUERY_STATE_EXECUTING",
            Self::Completed => "QUERY_STATE_COMPLETED",
            Self::Partial => "QUERY_STATE_COMPLETED_PARTIAL",
            Self::Failed => "QUERY_STATE_FAILED",
            Self::Cancelled => "QUERY_STATE_CANCELLED",
            Self::Expired => "QUERY_STATE_EXPIRED",
            Self::Other(text) => text,
        }
    }

    pub(super) fn is_finished(&self) -> bool {
        !matches!(self, Self::Pending | Self::Executing | Self::Other(_))
    }
}

impl Execution {
    /// Answers a poll. A result expires after `lifetime`, if set.
    pub(super) fn poll(&mut self, lifetime: Option<Duration>) -> Shown {
        if self.is_expired(lifetime) {
            return Shown::Expired;
        }
        if self.cancelled_at.is_some() {
            return Shown::Cancelled;
        }
        match self.progress.poll() {
            Stage::Pending => Shown::Pending,
            Stage::Queued | Stage::Executing => Shown::Executing,
            Stage::Done => match &self.end {
                End::Failed(_) => Shown::Failed,
                End::Completed { whole: true, .. } => Shown::Completed,
                End::Completed { whole: false, .. } => Shown::Partial,
            },
        }
    }

    fn is_expired(&self, lifetime: Option<Duration>) -> bool {
        lifetime.is_some_and(|lifetime| {
            let age = Timestamp::now().duration_since(self.submitted_at);
            SignedDuration::try_from(lifetime).is_ok_and(|lifetime| age >= lifetime)
        })
    }

    pub(super) fn query_id(&self) -> Option<i64> {
        self.query.map(|query| query.id)
    }

    /// Returns the cost in credits. A canceled run costs at most half the price of a start.
    pub(super) fn cost(&self, shown: &Shown) -> f64 {
        match shown {
            Shown::Cancelled => self.credits.min(RUN_CREDITS / 2.0),
            _ => self.credits,
        }
    }

    /// Returns whether it is still running.
    pub(super) fn is_unfinished(&self, lifetime: Option<Duration>) -> bool {
        !self.is_expired(lifetime) && self.cancelled_at.is_none() && !self.progress.is_done()
    }

    /// Returns whether its rows can be read.
    pub(super) fn has_result(&self, lifetime: Option<Duration>) -> bool {
        !self.is_expired(lifetime)
            && self.cancelled_at.is_none()
            && self.progress.is_done()
            && matches!(self.end, End::Completed { .. })
    }

    pub(super) fn started_at(&self) -> Timestamp {
        self.submitted_at + 14.milliseconds()
    }

    pub(super) fn ended_at(&self) -> Timestamp {
        self.submitted_at + 46.milliseconds()
    }

    /// Returns the expiration time: 90 days after the end, unless results have another lifetime.
    pub(super) fn expires_at(&self, lifetime: Option<Duration>) -> Timestamp {
        let until = lifetime.and_then(|lifetime| {
            let lifetime = SignedDuration::try_from(lifetime).ok()?;
            self.submitted_at.checked_add(lifetime).ok()
        });
        until.unwrap_or_else(|| self.ended_at() + (90 * 24).hours())
    }
}

#[derive(Clone, Debug)]
pub(super) struct SavedQuery {
    pub(super) name: String,
    pub(super) description: String,
    pub(super) sql: String,
    pub(super) tags: Vec<String>,
    pub(super) is_private: bool,
    /// In the format of the service: objects with `key`, `type` and `value`.
    pub(super) parameters: Vec<Value>,
    pub(super) is_archived: bool,
    /// The number of versions of the query.
    pub(super) version: u32,
    /// The number of versions of the SQL.
    pub(super) sql_version: u32,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
}

impl SavedQuery {
    pub(super) fn new(name: &str, sql: &str) -> Self {
        let now = Timestamp::now();
        Self {
            name: name.to_owned(),
            description: String::new(),
            sql: sql.to_owned(),
            tags: Vec::new(),
            is_private: false,
            parameters: Vec::new(),
            is_archived: false,
            version: 1,
            sql_version: 1,
            created_at: now,
            updated_at: now,
        }
    }

    /// Estimates the memory of the query in bytes.
    pub(super) fn bytes(&self) -> usize {
        let tags: usize = self.tags.iter().map(|tag| tag.len() + 24).sum();
        let parameters: usize = self.parameters.iter().map(json::held).sum();
        512 + self.name.len() + self.description.len() + self.sql.len() + tags + parameters
    }

    fn sample(name: &str, sql: &str, parameters: Vec<Value>) -> Self {
        Self {
            tags: vec!["sample".to_owned()],
            parameters,
            ..Self::new(name, sql)
        }
    }
}

impl State {
    /// Creates two saved queries and one execution of the first.
    pub(super) fn with_samples(world: &World) -> Self {
        let mut state = Self {
            executions: Kept::new(MOST_EXECUTIONS, MOST_BYTES),
            queries: BTreeMap::new(),
            uploads: BTreeMap::new(),
            views: BTreeMap::new(),
            pipelines: Kept::new(MOST_PIPELINES, MOST_PIPELINE_BYTES),
            credits_used: 0.0,
        };
        let all = "SELECT * FROM trades ORDER BY block_time, trade_id";
        let some = "SELECT trade_id, block_date, project, amount_usd FROM trades\n\
                    WHERE project = '{{project}}' AND amount_usd >= {{min_usd}}\n\
                    ORDER BY trade_id";
        let parameters = vec![
            serde_json::json!({ "key": "project", "type": "text", "value": "lagoon" }),
            serde_json::json!({ "key": "min_usd", "type": "number", "value": "0" }),
        ];
        state.queries.insert(
            DUNE_QUERY_ID,
            SavedQuery::sample("All trades", all, Vec::new()),
        );
        state.queries.insert(
            DUNE_PARAMETERIZED_QUERY_ID,
            SavedQuery::sample("Trades of a project", some, parameters),
        );
        let first = Submission {
            query: Some(Saved {
                id: DUNE_QUERY_ID,
                sql_version: 1,
            }),
            ..Submission::of_sql(all.to_owned())
        };
        state.keep(Execution {
            progress: Progress::finished(),
            ..first.run(world)
        });
        state
    }

    /// Replaces the names of the account's tables by their names in the database.
    pub(super) fn in_database(&self, sql: &str) -> String {
        let mut text = sql.to_owned();
        let lower = sql.to_ascii_lowercase();
        if !lower.contains("dune.") {
            return text;
        }
        for name in self.uploads.keys().chain(self.views.keys()) {
            for (at, _) in lower.match_indices(name.as_str()) {
                // both names have the same length in bytes
                text.replace_range(at..at + name.len(), &in_database(name));
            }
        }
        text
    }

    /// Returns whether an uploaded table has this name.
    pub(super) fn has_upload(&self, full_name: &str) -> bool {
        self.uploads.contains_key(full_name)
    }

    /// Returns a submission that runs the text of an execution again.
    pub(super) fn again(&self, id: &str) -> Option<Submission> {
        let execution = self.executions.get(id)?;
        Some(Submission {
            sql: execution.sql.clone(),
            query: execution.query,
            parameters: execution.parameters.clone(),
            is_large: false,
        })
    }

    /// Stores an execution and returns its id.
    pub(super) fn keep(&mut self, execution: Execution) -> String {
        let id = execution.id.clone();
        let held = match &execution.end {
            End::Completed { table, .. } => table.held(),
            End::Failed(failure) => failure.message.len(),
        };
        let given = execution.parameters.iter();
        let given: usize = given.map(|(name, value)| name.len() + value.len()).sum();
        self.credits_used += execution.credits;
        let bytes = held + given + execution.sql.len();
        self.executions.insert(id.clone(), bytes, execution);
        id
    }
}

/// A text to run.
pub(super) struct Submission {
    pub(super) sql: String,
    pub(super) query: Option<Saved>,
    pub(super) parameters: BTreeMap<String, String>,
    /// Whether it runs on the large engine, at double the cost.
    pub(super) is_large: bool,
}

impl Submission {
    pub(super) fn of_sql(sql: String) -> Self {
        Self {
            sql,
            query: None,
            parameters: BTreeMap::new(),
            is_large: false,
        }
    }

    /// Runs the text to its end, without a lock on the state.
    pub(super) fn run(self, world: &World) -> Execution {
        let id = ids::ulid();
        let end = self.end(world, &id);
        let price = match &end {
            End::Completed { table, .. } => {
                // the start, and the size of the result
                RUN_CREDITS + BYTE_CREDITS * table.bytes() as f64
            }
            End::Failed(_) => RUN_CREDITS / 2.0,
        };
        let price = if self.is_large { 2.0 * price } else { price };
        Execution {
            id,
            sql: self.sql,
            query: self.query,
            parameters: self.parameters,
            submitted_at: Timestamp::now(),
            cancelled_at: None,
            progress: world.options.progress(),
            end,
            // six fraction digits, as at the service
            credits: (price * 1e6).round() / 1e6,
        }
    }

    fn end(&self, world: &World, id: &str) -> End {
        let outcome = world.run_one(Service::Dune, &self.sql);
        let table = outcome.and_then(|outcome| match outcome {
            Outcome::Neutral(table) => encode::wire(table),
            Outcome::Scripted(table) => Ok(table),
        });
        match table {
            Ok(mut table) => {
                let kept = world.options.dune_partial_after.unwrap_or(usize::MAX);
                let whole = table.rows.len() <= kept;
                table.rows.truncate(kept);
                End::Completed {
                    table: Arc::new(table),
                    whole,
                }
            }
            Err(error) => End::Failed(Failure {
                kind: "FAILED_TYPE_EXECUTION_FAILED",
                message: format!(
                    "line {line}:{column}: {} at line {line}, position {column} \
                     [Execution ID: {id}]",
                    error.message,
                    line = error.line,
                    column = error.column,
                ),
                metadata: FailureMetadata {
                    line: error.line,
                    column: error.column,
                },
            }),
        }
    }
}
