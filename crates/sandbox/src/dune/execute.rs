//! Running SQL and saved queries, and stopping what runs.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Dune;
use super::errors;
use super::queries::query_id;
use super::state::SavedQuery;
use crate::exchange::{Answer, Request};
use crate::ids;

impl Dune {
    pub(super) fn execute_sql(&self, request: &Request) -> Answer {
        let body = request.json();
        let sql = body
            .as_ref()
            .and_then(|body| body.get("sql"))
            .and_then(Value::as_str);
        let Some(sql) = sql else {
            return errors::bad_body();
        };
        let mut state = self.state();
        let sql = state.in_database(sql);
        accepted(&state.submit(&self.world, &sql, None, BTreeMap::new()))
    }

    pub(super) fn execute_query(&self, request: &Request, id: &str) -> Answer {
        let id = match query_id(id) {
            Ok(id) => id,
            Err(answer) => return answer,
        };
        let body = if request.body.is_empty() {
            json!({})
        } else {
            match request.json() {
                Some(body @ Value::Object(_)) => body,
                _ => return errors::bad_body(),
            }
        };
        let given = match body.get("query_parameters") {
            None | Some(Value::Null) => BTreeMap::new(),
            Some(Value::Object(given)) => given
                .iter()
                .map(|(key, value)| (key.clone(), as_text(value)))
                .collect(),
            Some(_) => return errors::bad_body(),
        };
        let mut state = self.state();
        let Some(query) = state.queries.get(&id) else {
            return errors::no_query();
        };
        if query.is_archived {
            return errors::archived();
        }
        let parameters = match filled_in(query, given) {
            Ok(parameters) => parameters,
            Err(unknown) => {
                return errors::error(400, &format!("unknown parameters ({unknown})"));
            }
        };
        let sql = with_parameters(&query.sql, &parameters);
        let sql = state.in_database(&sql);
        accepted(&state.submit(&self.world, &sql, Some(id), parameters))
    }

    pub(super) fn cancel(&self, id: &str) -> Answer {
        let mut state = self.state();
        let Some(execution) = state.executions.get_mut(id) else {
            return no_execution(id);
        };
        let running = execution.cancelled_at.is_none() && !execution.progress.is_done();
        if running {
            execution.cancelled_at = Some(Timestamp::now());
        }
        Answer::json(200, &json!({ "success": running }))
    }
}

/// The answer for an execution that is not there: a text that cannot be an id is
/// told apart from one that could.
pub(super) fn no_execution(id: &str) -> Answer {
    if ids::is_ulid(id) {
        errors::error(404, "Execution not found")
    } else {
        errors::bad_execution_id(id)
    }
}

/// The values of all parameters of a query: those given, the rest by default. An
/// error names the parameters that the query does not have.
pub(super) fn filled_in(
    query: &SavedQuery,
    mut given: BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, String> {
    let mut parameters = BTreeMap::new();
    for parameter in &query.parameters {
        if let Some(key) = parameter.get("key").and_then(Value::as_str) {
            let default = || parameter.get("value").map_or_else(String::new, as_text);
            let value = given.remove(key).unwrap_or_else(default);
            parameters.insert(key.to_owned(), value);
        }
    }
    if given.is_empty() {
        Ok(parameters)
    } else {
        Err(given.into_keys().collect::<Vec<_>>().join(", "))
    }
}

/// The text with the parameters' values in their places.
pub(super) fn with_parameters(sql: &str, parameters: &BTreeMap<String, String>) -> String {
    parameters
        .iter()
        .fold(sql.to_owned(), |sql, (name, value)| {
            sql.replace(&format!("{{{{{name}}}}}"), value)
        })
}

pub(super) fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(as_text).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

fn accepted(id: &str) -> Answer {
    Answer::json(
        200,
        &json!({ "execution_id": id, "state": "QUERY_STATE_PENDING" }),
    )
}
