//! Creates, polls, stops and restarts queries.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::MAX_NAME;
use super::YandexQuery;
use super::encode::wire;
use super::errors;
use super::state::{Query, ResultSet, Shown, State, Subject};
use crate::exchange::{Answer, Request};
use crate::fault::ForcedState;
use crate::ids;
use crate::progress::Progress;
use crate::service::Service;
use crate::sql::SqlError;
use crate::world::Outcome;

/// The longest query text in bytes.
const MAX_TEXT: usize = 102_400;

/// The number of result sets of a query, and their total size in bytes.
const MAX_SETS: usize = 1_000;
const MAX_BYTES: usize = 32 * 1024 * 1024;

impl YandexQuery {
    pub(super) fn create(&self, request: &Request, subject: Subject) -> Answer {
        // with any other content type, even one with a charset, the service ignores the body
        let body = if request.header("content-type") == Some("application/json")
            && !request.body.is_empty()
        {
            match serde_json::from_slice::<Value>(&request.body) {
                Ok(body) => body,
                Err(error) => return errors::unreadable(&error.to_string()),
            }
        } else {
            Value::Null
        };
        let field = |name: &str| {
            let in_body = || body.get(name).and_then(Value::as_str);
            let text = request.query(name).or_else(in_body);
            text.unwrap_or_default().to_owned()
        };
        let (text, name, description) = (field("text"), field("name"), field("description"));
        if text.is_empty() || text.len() > MAX_TEXT {
            return errors::validation("text's length is not in [1; 102400]");
        }
        if name.len() > MAX_NAME {
            return errors::validation("name's length is not in [0; 1024]");
        }
        if description.len() > 10_240 {
            return errors::validation("description's length is not in [0; 10240]");
        }
        let kind = match field("type").as_str() {
            "" | "ANALYTICS" => "ANALYTICS",
            "STREAMING" => "STREAMING",
            other => return errors::unreadable(&format!("unknown query type {other}")),
        };
        let key = request.header("idempotency-key").unwrap_or_default();
        if key.len() > MAX_NAME {
            return errors::validation("idempotency_key's length is not in [0; 1024]");
        }
        // the first text wins, even if this one differs
        let used = |state: &State| {
            let id = state.used_for(key, Timestamp::now());
            id.filter(|_| !key.is_empty())
                .map(|id| Answer::json(200, &json!({ "id": id })))
        };
        if let Some(answer) = used(&self.state()) {
            return answer;
        }
        let end = self.run(&text);
        let mut state = self.state();
        // another request with the same key may have come first
        if let Some(answer) = used(&state) {
            return answer;
        }
        let id = ids::yandex_query_id();
        let query = Query {
            subject,
            end,
            name,
            description,
            text,
            kind: kind.to_owned(),
            started_at: Timestamp::now(),
            finished_at: None,
            progress: self.world.options.progress(),
            stopping: None,
        };
        state.keep(id.clone(), query);
        if !key.is_empty() {
            state.remember(key, &id, Timestamp::now());
        }
        Answer::json(200, &json!({ "id": id }))
    }

    pub(super) fn get(&self, request: &Request, id: &str) -> Answer {
        let mut state = self.state();
        let Some(query) = state.queries.get_mut(id) else {
            return errors::no_query();
        };
        let shown = self.poll(request, query);
        let sets: Vec<Value> = match (&shown, &query.end) {
            (Shown::Completed, Ok(sets)) => sets
                .iter()
                .map(
                    |set| json!({ "rows_count": set.table.rows.len(), "truncated": set.truncated }),
                )
                .collect(),
            _ => Vec::new(),
        };
        let finished_at = match shown {
            Shown::Completed | Shown::Failed => query.finished_at,
            _ => None,
        };
        let mut body = json!({
            "id": id,
            "name": query.name,
            "description": query.description,
            "text": query.text,
            "type": query.kind,
            "status": shown.as_str(),
            "meta": {
                "started_at": format!("{:.6}", query.started_at),
                "finished_at": finished_at.map_or_else(String::new, |at| format!("{at:.6}")),
            },
            "result_sets": sets,
        });
        if shown == Shown::Failed {
            body["issues"] = issues(query);
        }
        Answer::json(200, &body)
    }

    pub(super) fn status(&self, request: &Request, id: &str) -> Answer {
        let mut state = self.state();
        match state.queries.get_mut(id) {
            Some(query) => {
                let shown = self.poll(request, query);
                Answer::json(200, &json!({ "status": shown.as_str() }))
            }
            None => errors::no_query(),
        }
    }

    pub(super) fn stop(&self, request: &Request, id: &str) -> Answer {
        let key = request.header("idempotency-key").unwrap_or_default();
        let mut state = self.state();
        let repeated = !key.is_empty() && state.used_for(key, Timestamp::now()) == Some(id);
        let Some(query) = state.queries.get_mut(id) else {
            return errors::no_query();
        };
        if query.stopping.is_some() && query.finished_at.is_none() && !repeated {
            let message =
                "Conversion from status ABORTING_BY_USER to ABORTING_BY_USER is not possible";
            return errors::bad_request(message, Some(1001));
        }
        if query.finished_at.is_none() && query.stopping.is_none() {
            let steps = self.world.options.poll_steps.min(1);
            query.stopping = Some(Progress::new(steps, None));
        }
        if !key.is_empty() {
            state.remember(key, id, Timestamp::now());
        }
        Answer::empty(204)
    }

    /// Runs an ended query again.
    pub(super) fn start(&self, id: &str) -> Answer {
        let mut state = self.state();
        let Some(query) = state.queries.get_mut(id) else {
            return errors::no_query();
        };
        if query.finished_at.is_none() {
            let message = "Conversion from status RUNNING to STARTING is not possible";
            return errors::bad_request(message, Some(1001));
        }
        let text = query.text.clone();
        drop(state);
        let end = self.run(&text);
        let mut state = self.state();
        let Some(query) = state.queries.get_mut(id) else {
            return errors::no_query();
        };
        query.end = end;
        query.progress = self.world.options.progress();
        query.stopping = None;
        query.finished_at = None;
        let bytes = query.bytes();
        state.queries.weigh(id, bytes);
        Answer::empty(204)
    }

    fn run(&self, text: &str) -> Result<Vec<ResultSet>, SqlError> {
        let kept = self.world.options.yandex_query_truncate_after;
        let kept = kept.unwrap_or(usize::MAX);
        let mut sets = Vec::new();
        let mut bytes = 0;
        self.world.run_all(Service::YandexQuery, text, |outcome| {
            let mut table = match outcome {
                Outcome::Neutral(table) => wire(table)?,
                Outcome::Scripted(table) => table,
            };
            let truncated = table.rows.len() > kept;
            table.rows.truncate(kept);
            bytes += table.held();
            if sets.len() >= MAX_SETS || bytes > MAX_BYTES {
                return Err(SqlError::whole(format!(
                    "the sandbox supports at most {MAX_SETS} results of {} MiB in total per query",
                    MAX_BYTES / (1024 * 1024)
                )));
            }
            sets.push(ResultSet {
                table: Arc::new(table),
                truncated,
            });
            Ok(())
        })?;
        Ok(sets)
    }

    /// Answers a poll, or with the state that a fault forces.
    fn poll(&self, request: &Request, query: &mut Query) -> Shown {
        match request.forced_state(&self.world.faults) {
            Some(ForcedState::Running) => Shown::Running,
            Some(ForcedState::Unknown(text)) => Shown::Other(text),
            None => query.poll(),
        }
    }
}

/// Returns the issues of a failed query: stopped by the user, or an error in the text.
fn issues(query: &Query) -> Value {
    let (message, details) = match &query.end {
        Err(error) if query.stopping.is_none() => {
            let at = (error.line, error.column);
            let mut outer = errors::issue("Parse Sql", None, Some(at));
            outer["issues"] = json!([errors::issue(&error.message, None, Some(at))]);
            let place = format!("<main>:{}:{}", error.line, error.column);
            let dump = format!(
                "{place}: Error: Parse Sql {place}: Error: {}",
                error.message
            );
            (dump, outer)
        }
        _ => {
            let text = "Query was aborted by user";
            (
                format!("<main>: Error: {text}"),
                errors::issue(text, None, None),
            )
        }
    };
    json!({ "message": message, "details": [details] })
}
