//! Runs at Dune: an execute call, then `get_execution_status` until the execution ends. Status
//! requests are free; results cost credits by size.

use std::time::Duration;

use rowfeed_dune::{Client, builder, types};

use super::{
    paging::Paging,
    state::{SERVICE, call, check_state, invalid},
};
use crate::{
    Columns, Error, RunDetails, RunExt, RunOrigin, RunRequest,
    completed_run::{Ended, ResultSet, milliseconds},
    run_job::{Interval, Job, RunStatus},
    run_request::starts_run,
};

pub(super) const INTERVAL: Interval = Interval {
    first: Duration::from_millis(500),
    most: Duration::from_secs(5),
};

starts_run! {
    ExecuteSql "execute_sql": execution_id => execution;
    ExecuteQuery "execute_query": execution_id => execution;
}

/// Attaches to an execution that was started before.
impl RunExt for builder::GetExecutionStatus {
    fn run(self) -> RunRequest {
        RunRequest::new(INTERVAL, self.client.clone(), |client| async {
            let job = execution(client, self.execution_id.map_err(invalid)?)?;
            Ok(job.with_origin(RunOrigin::Attached))
        })
    }
}

/// An execution that Dune has accepted.
pub(super) fn execution(client: Client, id: String) -> Result<Job, Error> {
    let cancel = client.cancel_query_execution().execution_id(&id);
    let cancel = move || cancel.clone().send();
    let asked = id.clone();
    let ask = move || ask(client.clone(), asked.clone());
    Ok(Job::new(SERVICE, id, ask, cancel, call))
}

/// Requests the state of an execution.
pub(super) async fn ask(client: Client, id: String) -> Result<RunStatus, Error> {
    let status = client.get_execution_status().execution_id(&id).send();
    let status = status.await.map_err(call)?.into_inner();
    if is_going(&status) {
        return Ok(RunStatus::Pending {
            state: status.state.as_str().to_owned(),
            queue_position: status.queue_position.and_then(|at| at.try_into().ok()),
        });
    }
    let finished = status.is_execution_finished;
    let checked = check_state(&status.state, finished, status.error.as_ref());
    let cost = status.execution_cost_credits;
    checked.map_err(|error| error.with_run(&id).with_cost(cost))?;
    Ok(RunStatus::Ended(ended(client, id, status)))
}

/// An unknown state counts as unfinished as long as Dune says so.
fn is_going(status: &types::GetExecutionStatusResponse) -> bool {
    use types::ExecutionState as State;
    match &status.state {
        State::Pending | State::Executing => true,
        State::Unknown(_) => status.is_execution_finished == Some(false),
        _ => false,
    }
}

/// A completed execution.
fn ended(client: Client, id: String, status: types::GetExecutionStatusResponse) -> Ended {
    let metadata = status.result_metadata.unwrap_or_default();
    let millis = |count: Option<i64>| milliseconds(i32::try_from(count?).ok()?);
    let columns = (!metadata.column_names.is_empty())
        .then(|| Columns::dune(&metadata.column_names, &metadata.column_types));
    let rows = metadata
        .total_row_count
        .and_then(|rows| rows.try_into().ok());
    let results = client.get_execution_results().execution_id(&id);
    let known = columns.clone();
    let is_truncated = status.state == types::ExecutionState::CompletedPartial;
    let pages = move || Paging::of_execution(results.clone(), known.as_ref());
    Ended {
        service: SERVICE,
        id,
        result_sets: vec![ResultSet::new(rows, is_truncated, pages)],
        details: RunDetails {
            submitted_at: status.submitted_at,
            started_at: status.execution_started_at,
            ended_at: status.execution_ended_at,
            expires_at: status.expires_at,
            queued_for: millis(metadata.pending_time_millis),
            ran_for: millis(metadata.execution_time_millis),
            cost_credits: status.execution_cost_credits,
            columns,
        },
    }
}
