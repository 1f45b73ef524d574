//! The state of an execution.

use std::time::Duration;

use serde::Serialize;

use super::Dune;
use super::execute::no_execution;
use super::results::Metadata;
use super::state::{End, Execution, Failure, Shown};
use crate::exchange::{Answer, Request};
use crate::fault::ForcedState;

/// The common fields of status and results.
#[derive(Serialize)]
pub(super) struct Head {
    execution_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    query_id: Option<i64>,
    is_execution_finished: bool,
    state: String,
    submitted_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    execution_started_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    execution_ended_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cancelled_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Failure>,
}

impl Head {
    pub(super) fn new(execution: &Execution, shown: &Shown, lifetime: Option<Duration>) -> Self {
        let ended = matches!(shown, Shown::Completed | Shown::Partial | Shown::Failed);
        let error = match (&execution.end, shown) {
            (End::Failed(failure), Shown::Failed) => Some(failure.clone()),
            _ => None,
        };
        let started = ended || *shown == Shown::Executing;
        Self {
            execution_id: execution.id.clone(),
            query_id: execution.query_id(),
            is_execution_finished: shown.is_finished(),
            state: shown.as_str().to_owned(),
            submitted_at: execution.submitted_at.to_string(),
            expires_at: ended.then(|| execution.expires_at(lifetime).to_string()),
            execution_started_at: started.then(|| execution.started_at().to_string()),
            execution_ended_at: ended.then(|| execution.ended_at().to_string()),
            cancelled_at: execution.cancelled_at.map(|at| at.to_string()),
            error,
        }
    }
}

/// The number of concurrent executions that the plan allows.
const MAX_INFLIGHT: u64 = 20;

#[derive(Serialize)]
struct Status {
    #[serde(flatten)]
    head: Head,
    #[serde(skip_serializing_if = "Option::is_none")]
    queue_position: Option<u64>,
    /// The number of concurrent executions that the plan allows, and their current number.
    max_inflight_interactive_executions: u64,
    max_inflight_interactive_reached: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    execution_cost_credits: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result_metadata: Option<Metadata>,
}

impl Dune {
    pub(super) fn status(&self, request: &Request, id: &str) -> Answer {
        let mut state = self.state();
        let Some(execution) = state.executions.get_mut(id) else {
            return no_execution(id);
        };
        let shown = self.poll(request, execution);
        let mut head = Head::new(execution, &shown, self.world.options.results_lifetime);
        // here an execution of SQL has the query id 0; its results have none
        head.query_id = Some(execution.query_id().unwrap_or(0));
        let result_metadata = match (&execution.end, &shown) {
            (End::Completed { table, .. }, Shown::Completed | Shown::Partial) => {
                Some(Metadata::of_whole(table))
            }
            _ => None,
        };
        let status = Status {
            queue_position: (shown == Shown::Pending).then_some(1),
            max_inflight_interactive_executions: MAX_INFLIGHT,
            max_inflight_interactive_reached: u64::from(!head.is_execution_finished),
            execution_cost_credits: head.is_execution_finished.then(|| execution.cost(&shown)),
            head,
            result_metadata,
        };
        Answer::json(200, &status)
    }

    /// Answers a poll, or with the state that a fault forces.
    pub(super) fn poll(&self, request: &Request, execution: &mut Execution) -> Shown {
        match request.forced_state(&self.world.faults) {
            Some(ForcedState::Running) => Shown::Executing,
            Some(ForcedState::Unknown(text)) => Shown::Other(text),
            None => execution.poll(self.world.options.results_lifetime),
        }
    }
}
