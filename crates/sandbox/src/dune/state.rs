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
use crate::credentials::{DUNE_PARAMETERISED_QUERY_ID, DUNE_QUERY_ID};
use crate::ids;
use crate::json;
use crate::kept::Kept;
use crate::progress::{Progress, Stage};
use crate::service::Service;
use crate::table::WireTable;
use crate::world::{Outcome, World};

/// How many executions are kept, and how many bytes of their results.
const MOST_EXECUTIONS: usize = 5_000;
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// Runs of pipelines that are kept, and their bytes.
const MOST_PIPELINES: usize = 500;
const MOST_PIPELINE_BYTES: usize = 2 * 1024 * 1024;

/// What starting a run costs, and each byte of its result.
const RUN_CREDITS: f64 = 0.01;
const BYTE_CREDITS: f64 = 1e-6;

pub(super) struct State {
    pub(super) executions: Kept<Execution>,
    pub(super) queries: BTreeMap<i64, SavedQuery>,
    /// Uploaded tables, by their full names.
    pub(super) uploads: BTreeMap<String, Upload>,
    /// Materialized views, by their full names.
    pub(super) views: BTreeMap<String, View>,
    /// Runs of pipelines, by their ids.
    pub(super) pipelines: Kept<Vec<Step>>,
    /// What all executions have cost.
    pub(super) credits_used: f64,
}

/// The query that an execution ran, and which version of its SQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Saved {
    pub(super) id: i64,
    pub(super) sql_version: u32,
}

pub(super) struct Execution {
    pub(super) id: String,
    /// The text that was run, its parameters filled in.
    pub(super) sql: String,
    /// `None` when plain SQL was run.
    pub(super) query: Option<Saved>,
    /// Every parameter that the run had, as text.
    pub(super) parameters: BTreeMap<String, String>,
    pub(super) submitted_at: Timestamp,
    pub(super) cancelled_at: Option<Timestamp>,
    pub(super) progress: Progress,
    pub(super) end: End,
    pub(super) credits: f64,
}

/// What a run comes to when it is left alone.
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

/// The states an execution can show.
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
    /// Answers a poll. A result can be read for as long as `lifetime`, if it is
    /// limited at all.
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

    /// What the run has cost, in credits: a run that was stopped, half of it at most.
    pub(super) fn cost(&self, shown: &Shown) -> f64 {
        match shown {
            Shown::Cancelled => self.credits.min(RUN_CREDITS / 2.0),
            _ => self.credits,
        }
    }

    /// Whether it is on its way to a result.
    pub(super) fn is_unfinished(&self, lifetime: Option<Duration>) -> bool {
        !self.is_expired(lifetime) && self.cancelled_at.is_none() && !self.progress.is_done()
    }

    /// Whether there are rows to be read now.
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

    /// Results are kept for 90 days, unless the sandbox is set otherwise.
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
    /// As the service shows them: objects with `key`, `type` and `value`.
    pub(super) parameters: Vec<Value>,
    pub(super) is_archived: bool,
    /// Counts the changes.
    pub(super) version: u32,
    /// Counts the changes of the SQL.
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

    /// Bytes of memory, roughly.
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
    /// Two saved queries, of which the first has run.
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
            DUNE_PARAMETERISED_QUERY_ID,
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

    /// The text with the names that tables of the account have in the database.
    pub(super) fn in_database(&self, sql: &str) -> String {
        let mut text = sql.to_owned();
        let lower = sql.to_ascii_lowercase();
        if !lower.contains("dune.") {
            return text;
        }
        for name in self.uploads.keys().chain(self.views.keys()) {
            for (at, _) in lower.match_indices(name.as_str()) {
                // both names have as many bytes
                text.replace_range(at..at + name.len(), &in_database(name));
            }
        }
        text
    }

    /// Whether a table of this name was uploaded.
    pub(super) fn has_upload(&self, full_name: &str) -> bool {
        self.uploads.contains_key(full_name)
    }

    /// What is needed to run an execution's text once more.
    pub(super) fn again(&self, id: &str) -> Option<Submission> {
        let execution = self.executions.get(id)?;
        Some(Submission {
            sql: execution.sql.clone(),
            query: execution.query,
            parameters: execution.parameters.clone(),
            is_large: false,
        })
    }

    /// Keeps an execution; gives its id.
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

/// A text that is to be run.
pub(super) struct Submission {
    pub(super) sql: String,
    pub(super) query: Option<Saved>,
    pub(super) parameters: BTreeMap<String, String>,
    /// Whether it runs on the large engine, which costs twice as much.
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

    /// Runs the text to its end. Nothing else is held up by that.
    pub(super) fn run(self, world: &World) -> Execution {
        let id = ids::ulid();
        let end = self.end(world, &id);
        let price = match &end {
            End::Completed { table, .. } => {
                // a start, and what is read and written
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
            // six digits, as the service shows
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
