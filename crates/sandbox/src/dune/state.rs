//! Executions and saved queries.

use std::collections::{BTreeMap, HashMap};
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
use crate::progress::{Progress, Stage};
use crate::service::Service;
use crate::table::WireTable;
use crate::world::{Outcome, World};

#[derive(Default)]
pub(super) struct State {
    pub(super) executions: HashMap<String, Execution>,
    /// Execution ids, oldest first.
    pub(super) order: Vec<String>,
    pub(super) queries: BTreeMap<i64, SavedQuery>,
    /// Uploaded tables, by their full names.
    pub(super) uploads: BTreeMap<String, Upload>,
    /// Materialized views, by their full names.
    pub(super) views: BTreeMap<String, View>,
    /// Runs of pipelines, by their ids.
    pub(super) pipelines: HashMap<String, Vec<Step>>,
}

pub(super) struct Execution {
    pub(super) id: String,
    /// The text that was run, its parameters filled in.
    pub(super) sql: String,
    /// `None` when plain SQL was run.
    pub(super) query_id: Option<i64>,
    /// Every parameter that the run had, as text.
    pub(super) parameters: BTreeMap<String, String>,
    pub(super) submitted_at: Timestamp,
    pub(super) cancelled_at: Option<Timestamp>,
    pub(super) progress: Progress,
    pub(super) end: End,
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

    /// Results are kept for 90 days.
    pub(super) fn expires_at(&self) -> Timestamp {
        self.ended_at() + (90 * 24).hours()
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
            created_at: now,
            updated_at: now,
        }
    }

    /// Takes over what a request's body names.
    pub(super) fn apply(&mut self, body: &Value) {
        let set_text = |name: &str, to: &mut String| {
            if let Some(text) = body.get(name).and_then(Value::as_str) {
                text.clone_into(to);
            }
        };
        set_text("name", &mut self.name);
        set_text("description", &mut self.description);
        set_text("query_sql", &mut self.sql);
        let flag = |name: &str, now: bool| body.get(name).and_then(Value::as_bool).unwrap_or(now);
        self.is_private = flag("is_private", self.is_private);
        self.is_archived = flag("is_archived", self.is_archived);
        if let Some(tags) = body.get("tags").and_then(Value::as_array) {
            let texts = tags.iter().filter_map(Value::as_str);
            self.tags = texts.map(str::to_owned).collect();
        }
        if let Some(parameters) = body.get("parameters").and_then(Value::as_array) {
            self.parameters.clone_from(parameters);
        }
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
        let mut state = Self::default();
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
        let id = state.submit(world, all, Some(DUNE_QUERY_ID), BTreeMap::new());
        if let Some(execution) = state.executions.get_mut(&id) {
            execution.progress = Progress::finished();
        }
        state
    }

    /// The text with the names that tables of the account have in the database.
    pub(super) fn in_database(&self, sql: &str) -> String {
        let names = self.uploads.keys().chain(self.views.keys());
        names.fold(sql.to_owned(), |sql, name| {
            sql.replace(name.as_str(), &in_database(name))
        })
    }

    /// Runs an execution's text once more, to its end; the new execution's id.
    pub(super) fn run_again(&mut self, world: &World, id: &str) -> Option<String> {
        let execution = self.executions.get(id)?;
        let (sql, query_id) = (execution.sql.clone(), execution.query_id);
        let parameters = execution.parameters.clone();
        let id = self.submit(world, &sql, query_id, parameters);
        self.executions.get_mut(&id)?.progress = Progress::finished();
        Some(id)
    }

    /// Runs a text and keeps what it came to; gives the execution's id.
    pub(super) fn submit(
        &mut self,
        world: &World,
        sql: &str,
        query_id: Option<i64>,
        parameters: BTreeMap<String, String>,
    ) -> String {
        let id = ids::ulid();
        let end = match world.run_one(Service::Dune, sql) {
            Ok(outcome) => {
                let mut table = match outcome {
                    Outcome::Neutral(table) => encode::wire(table),
                    Outcome::Scripted(table) => table,
                };
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
        };
        let execution = Execution {
            id: id.clone(),
            sql: sql.to_owned(),
            query_id,
            parameters,
            submitted_at: Timestamp::now(),
            cancelled_at: None,
            progress: world.options.progress(),
            end,
        };
        self.executions.insert(id.clone(), execution);
        self.order.push(id.clone());
        id
    }
}
