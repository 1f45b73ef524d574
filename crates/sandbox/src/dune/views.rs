//! Materialized views: results of saved queries, stored as tables.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Dune;
use super::errors;
use super::execute::submission;
use super::queries::OWNER;
use super::uploads::{MOST_TABLES, in_database, is_name};
use crate::exchange::{Answer, Request};
use crate::service::Service;
use crate::sql::{SqlError, Writes};
use crate::table::TableRows;
use crate::world::Outcome;

/// The prefix of the name of a view.
const PREFIX: &str = "result_";

/// The number of executions of a view that are listed.
const EXECUTIONS: usize = 10;

pub(super) struct View {
    query_id: i64,
    is_private: bool,
    bytes: usize,
    /// In order; the newest is last.
    executions: Vec<String>,
    pub(super) made_at: Timestamp,
}

impl View {
    fn listed(&self, full_name: &str) -> Value {
        json!({
            "id": full_name,
            "sql_id": full_name,
            "query_id": self.query_id,
            "is_private": self.is_private,
            "table_size_bytes": self.bytes,
        })
    }
}

impl Dune {
    /// Creates a view, or changes the query of an existing view.
    pub(super) fn upsert_view(&self, request: &Request) -> Answer {
        let body = request.json().unwrap_or_default();
        let (Some(name), Some(query_id)) = (
            body.get("name").and_then(Value::as_str),
            body.get("query_id").and_then(Value::as_i64),
        ) else {
            return errors::bad_body();
        };
        let full_name = full_name(name);
        let short = full_name.strip_prefix(&format!("dune.{OWNER}."));
        if !short.is_some_and(|short| short.starts_with(PREFIX) && is_name(short)) {
            let message = format!(
                "invalid name {name}: it must start with {PREFIX} and consist of letters, digits and _"
            );
            return errors::error(400, &message);
        }
        let mut state = self.state();
        if !state.queries.contains_key(&query_id) {
            return errors::no_query();
        }
        if state.has_upload(&full_name) {
            return errors::error(400, &format!("table {full_name} exists"));
        }
        if state.views.len() >= MOST_TABLES && !state.views.contains_key(&full_name) {
            return errors::error(403, "Maximum number of materialized views reached");
        }
        let is_private = body.get("is_private").and_then(Value::as_bool) == Some(true);
        let view = View {
            query_id,
            is_private,
            bytes: 0,
            executions: Vec::new(),
            made_at: Timestamp::now(),
        };
        state.views.insert(full_name.clone(), view);
        drop(state);
        match self.refresh(&full_name) {
            Some(id) => Answer::json(200, &json!({ "execution_id": id, "name": full_name })),
            None => errors::no_query(),
        }
    }

    pub(super) fn get_view(&self, name: &str) -> Answer {
        let full_name = full_name(name);
        match self.state().views.get(&full_name) {
            Some(view) => {
                let mut body = view.listed(&full_name);
                body["last_execution_ids"] = json!(view.executions);
                body["owner_team_id"] = 1.into();
                Answer::json(200, &body)
            }
            None => no_view(name),
        }
    }

    pub(super) fn delete_view(&self, name: &str) -> Answer {
        let full_name = full_name(name);
        if self.state().views.remove(&full_name).is_none() {
            return no_view(name);
        }
        // a view without a successful run has no table
        let _ = self
            .world
            .database(Service::Dune)
            .remove(&in_database(&full_name), true);
        let message = format!("Materialized view {full_name} deleted");
        Answer::json(200, &json!({ "message": message }))
    }

    pub(super) fn refresh_view(&self, name: &str) -> Answer {
        let full_name = full_name(name);
        match self.refresh(&full_name) {
            Some(id) => Answer::json(200, &json!({ "execution_id": id, "sql_id": full_name })),
            None => no_view(name),
        }
    }

    pub(super) fn list_views(&self, request: &Request) -> Answer {
        let state = self.state();
        let views: Vec<Value> = state
            .views
            .iter()
            .map(|(name, view)| view.listed(name))
            .collect();
        super::paging::with_next_offset(request, "materialized_views", views, 10_000)
    }

    /// Runs the query of a view, stores the result in its table, and returns the id of the
    /// execution. A failure shows only in the execution.
    pub(super) fn refresh(&self, full_name: &str) -> Option<String> {
        let submission = {
            let state = self.state();
            let id = state.views.get(full_name)?.query_id;
            let query = state.queries.get(&id)?;
            submission(&state, id, query, BTreeMap::new()).ok()?
        };
        let sql = submission.sql.clone();
        let id = self.submit(submission);
        let bytes = self.keep(full_name, &sql).unwrap_or(0);
        let mut state = self.state();
        let view = state.views.get_mut(full_name)?;
        view.bytes = bytes;
        view.executions.push(id.clone());
        if view.executions.len() > EXECUTIONS {
            view.executions.remove(0);
        }
        Some(id)
    }

    fn keep(&self, full_name: &str, sql: &str) -> Result<usize, SqlError> {
        let Outcome::Neutral(table) = self.world.run_one(Service::Dune, sql)? else {
            return Ok(0);
        };
        let TableRows::Read(rows) = table.rows else {
            return Ok(0);
        };
        let count = rows.len();
        let database = self.world.database(Service::Dune);
        let columns: Vec<(String, String)> = table
            .columns
            .iter()
            .enumerate()
            .map(|(index, column)| {
                let name = column.name.clone();
                let declared = match &column.wire_type {
                    Some(own) => database.declare(own),
                    None => column.column_type.declaration(),
                };
                (name.unwrap_or_else(|| format!("_col{index}")), declared)
            })
            .collect();
        let columns: Vec<(&str, String, bool)> = columns
            .iter()
            .map(|(name, declared)| (name.as_str(), declared.clone(), true))
            .collect();
        let name = in_database(full_name);
        match database.make(Writes::Client, &name, &columns, rows.into_rows()) {
            Ok(()) => Ok(count * columns.len() * 8),
            Err(_) => Ok(0),
        }
    }
}

/// Returns the full name of a view. The given name may lack the namespace and is not
/// case-sensitive.
pub(super) fn full_name(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    if name.contains('.') {
        name
    } else {
        format!("dune.{OWNER}.{name}")
    }
}

fn no_view(name: &str) -> Answer {
    errors::error(404, &format!("Materialized view {name} not found"))
}
