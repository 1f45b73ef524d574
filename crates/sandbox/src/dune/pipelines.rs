//! Pipelines: refresh the materialized views of a query, then run it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Dune;
use super::errors;
use super::execute::{as_text, submission};
use super::queries::query_id;
use super::state::{Shown, State};
use super::views::full_name;
use crate::exchange::{Answer, Request};
use crate::ids;

/// The largest number of nodes of a pipeline.
const MOST_NODES: usize = 100;

/// A started step of a pipeline.
#[derive(Clone)]
pub(super) struct Step {
    id: i64,
    work: Work,
    execution_id: String,
}

#[derive(Clone)]
enum Work {
    Query(i64),
    View(String),
}

impl Dune {
    pub(super) fn query_pipeline(&self, id: &str) -> Answer {
        let id = match query_id(id) {
            Ok(id) => id,
            Err(answer) => return answer,
        };
        match nodes(&self.state(), id, &json!({})) {
            Some(nodes) => Answer::json(200, &json!({ "pipeline": { "nodes": nodes } })),
            None => errors::no_query(),
        }
    }

    pub(super) fn execute_query_pipeline(&self, request: &Request, id: &str) -> Answer {
        let id = match query_id(id) {
            Ok(id) => id,
            Err(answer) => return answer,
        };
        let Some(Value::Object(body)) = request.json() else {
            return errors::bad_body();
        };
        let given = body.get("query_parameters").cloned();
        let nodes = nodes(&self.state(), id, &given.unwrap_or_else(|| json!({})));
        match nodes {
            Some(nodes) => self.start(&nodes),
            None => errors::no_query(),
        }
    }

    pub(super) fn execute_pipeline(&self, request: &Request) -> Answer {
        let body = request.json().unwrap_or_default();
        match body["pipeline"]["nodes"].as_array() {
            Some(nodes) => self.start(nodes),
            None => errors::bad_body(),
        }
    }

    pub(super) fn pipeline_status(&self, request: &Request, id: &str) -> Answer {
        let mut state = self.state();
        let Some(steps) = state.pipelines.get(id).cloned() else {
            return errors::error(404, "Pipeline execution not found");
        };
        let mut shown = Vec::new();
        for step in &steps {
            let state = match state.executions.get_mut(&step.execution_id) {
                Some(execution) => self.poll(request, execution),
                None => Shown::Failed,
            };
            shown.push((step, state));
        }
        let status = if shown.iter().any(|(_, state)| *state == Shown::Failed) {
            "failed"
        } else if shown.iter().all(|(_, state)| state.is_finished()) {
            "finished"
        } else {
            "running"
        };
        let executions: Vec<Value> = shown
            .iter()
            .map(|(step, state)| {
                let state = state.as_str();
                let run = &step.execution_id;
                match &step.work {
                    Work::Query(query) => json!({
                        "id": step.id,
                        "query_execution_status":
                            { "status": state, "query_id": query, "execution_id": run },
                    }),
                    Work::View(name) => json!({
                        "id": step.id,
                        "materialized_view_refresh_status":
                            { "status": state, "name": name, "execution_id": run },
                    }),
                }
            })
            .collect();
        Answer::json(
            200,
            &json!({ "status": status, "node_executions": executions }),
        )
    }

    /// Starts every node after its dependencies.
    fn start(&self, nodes: &[Value]) -> Answer {
        if nodes.len() > MOST_NODES {
            let message = format!("the pipeline has more than {MOST_NODES} nodes");
            return errors::error(400, &message);
        }
        let mut left: Vec<&Value> = nodes.iter().collect();
        let mut steps: Vec<Step> = Vec::new();
        while !left.is_empty() {
            let ready = left.iter().position(|node| {
                let wanted = node["dependencies"].as_array().into_iter().flatten();
                wanted
                    .filter_map(Value::as_i64)
                    .all(|wanted| steps.iter().any(|step| step.id == wanted))
            });
            let Some(ready) = ready else {
                return errors::error(
                    400,
                    "the dependencies of the pipeline have a cycle or name an unknown node",
                );
            };
            match self.start_node(left.remove(ready)) {
                Ok(step) => steps.push(step),
                Err(answer) => return answer,
            }
        }
        let id = ids::ulid();
        let bytes = steps.len() * 256;
        self.state().pipelines.insert(id.clone(), bytes, steps);
        Answer::json(200, &json!({ "pipeline_execution_id": id }))
    }

    fn start_node(&self, node: &Value) -> Result<Step, Answer> {
        let id = node["id"].as_i64().ok_or_else(errors::bad_body)?;
        if let Some(name) = node["materialized_view_refresh"]["name"].as_str() {
            let name = full_name(name);
            let run = self.refresh(&name).ok_or_else(|| {
                errors::error(404, &format!("Materialized view {name} not found"))
            })?;
            return Ok(Step {
                id,
                work: Work::View(name),
                execution_id: run,
            });
        }
        let node = &node["query_execution"];
        let query_id = node["query_id"].as_i64().ok_or_else(errors::bad_body)?;
        let given: BTreeMap<String, String> = node["query_parameters"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(key, value)| (key.clone(), as_text(value)))
            .collect();
        let submission = {
            let state = self.state();
            let query = state.queries.get(&query_id).ok_or_else(errors::no_query)?;
            submission(&state, query_id, query, given)?
        };
        let run = self.submit(submission);
        Ok(Step {
            id,
            work: Work::Query(query_id),
            execution_id: run,
        })
    }
}

/// Returns the nodes of a query: a refresh of each view that its text names, and the query itself.
fn nodes(state: &State, query_id: i64, parameters: &Value) -> Option<Vec<Value>> {
    let query = state.queries.get(&query_id)?;
    let mut nodes: Vec<Value> = state
        .views
        .keys()
        .filter(|name| query.sql.contains(name.as_str()))
        .zip(1..)
        .map(|(name, id)| {
            json!({
                "id": id,
                "dependencies": [],
                "materialized_view_refresh": { "name": name, "performance": "medium" },
            })
        })
        .collect();
    let before: Vec<Value> = nodes.iter().map(|node| node["id"].clone()).collect();
    nodes.push(json!({
        "id": before.len() + 1,
        "dependencies": before,
        "query_execution": {
            "query_id": query_id,
            "performance": "medium",
            "query_parameters": parameters,
        },
    }));
    Some(nodes)
}
