//! Executes SQL and saved queries, and cancels executions.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Dune;
use super::errors;
use super::queries::query_id;
use super::state::{Saved, SavedQuery, State, Submission};
use crate::exchange::{Answer, Request};
use crate::ids;
use crate::sql::MAX_SQL;

/// The more expensive engine.
const LARGE: &str = "large";

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
        let performance = body.as_ref().and_then(|body| body.get("performance"));
        let is_large = match performance {
            None | Some(Value::Null) => false,
            Some(Value::String(tier)) => tier == LARGE,
            Some(_) => return errors::bad_body(),
        };
        if sql.len() > MAX_SQL {
            return errors::error(400, &format!("The query is longer than {MAX_SQL} bytes"));
        }
        let sql = self.state().in_database(sql);
        let submission = Submission {
            is_large,
            ..Submission::of_sql(sql)
        };
        self.accepted(submission)
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
        let submission = {
            let state = self.state();
            let Some(query) = state.queries.get(&id) else {
                return errors::no_query();
            };
            if query.is_archived {
                return errors::archived();
            }
            submission(&state, id, query, given)
        };
        match submission {
            Ok(submission) => self.accepted(Submission {
                is_large: body.get("performance").is_some_and(|tier| tier == LARGE),
                ..submission
            }),
            Err(answer) => answer,
        }
    }

    /// Runs a text, stores the execution, and returns its id.
    pub(super) fn submit(&self, submission: Submission) -> String {
        let execution = submission.run(&self.world);
        self.state().keep(execution)
    }

    fn accepted(&self, submission: Submission) -> Answer {
        let id = self.submit(submission);
        Answer::json(
            200,
            &json!({ "execution_id": id, "state": "QUERY_STATE_PENDING" }),
        )
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

/// Builds the submission of a saved query with parameter values.
pub(super) fn submission(
    state: &State,
    id: i64,
    query: &SavedQuery,
    given: BTreeMap<String, String>,
) -> Result<Submission, Answer> {
    let parameters = filled_in(query, given)
        .map_err(|unknown| errors::error(400, &format!("unknown parameters ({unknown})")))?;
    let sql = with_parameters(&query.sql, &parameters)?;
    Ok(Submission {
        sql: state.in_database(&sql),
        query: Some(Saved {
            id,
            sql_version: query.sql_version,
        }),
        parameters,
        is_large: false,
    })
}

/// The answer for a missing execution. An invalid id has another answer than an unknown one.
pub(super) fn no_execution(id: &str) -> Answer {
    if ids::is_ulid(id) {
        errors::error(404, "Execution not found")
    } else {
        errors::bad_execution_id(id)
    }
}

/// Returns the values of all parameters of a query, with defaults for missing ones. An error names
/// the parameters that the query does not have.
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

/// Replaces the placeholders in a text by the parameter values.
fn with_parameters(sql: &str, parameters: &BTreeMap<String, String>) -> Result<String, Answer> {
    let mut filled = sql.to_owned();
    for (name, value) in parameters {
        let place = format!("{{{{{name}}}}}");
        let times = filled.matches(&place).count();
        let length = filled
            .len()
            .saturating_add(times.saturating_mul(value.len()));
        if length > MAX_SQL + times * place.len() {
            let message = format!("The query with its parameters is longer than {MAX_SQL} bytes");
            return Err(errors::error(400, &message));
        }
        filled = filled.replace(&place, value);
    }
    Ok(filled)
}

pub(super) fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(as_text).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}
