//! Runs at Dune: an execute call, and `get_execution_status` until the execution has ended. Asking
//! for the status costs nothing; results cost credits by size.

use std::time::Duration;

use rowfeed_dune::{Client, builder, types};

use super::{
    paging::Paging,
    state::{SERVICE, call, check_state},
};
use crate::{
    Columns, Details, Error, Starting, StartsRun,
    job::{Asked, Interval, Job, started_id},
    paging::BoxFuture,
    run::{Ended, ResultSet, milliseconds},
};

pub(super) const INTERVAL: Interval = Interval {
    first: Duration::from_millis(500),
    most: Duration::from_secs(5),
};

impl StartsRun for builder::ExecuteSql {
    fn run(self) -> Starting {
        Starting::new(INTERVAL, self.client.clone(), |client| async {
            let operation = Self {
                client: client.clone(),
                ..self
            };
            let started = operation.send().await.map_err(call)?.into_inner();
            Execution::started(client, "execute_sql", &started)
        })
    }
}

impl StartsRun for builder::ExecuteQuery {
    fn run(self) -> Starting {
        Starting::new(INTERVAL, self.client.clone(), |client| async {
            let operation = Self {
                client: client.clone(),
                ..self
            };
            let started = operation.send().await.map_err(call)?.into_inner();
            Execution::started(client, "execute_query", &started)
        })
    }
}

/// Takes up an execution that was started before.
impl StartsRun for builder::GetExecutionStatus {
    fn run(self) -> Starting {
        Starting::new(INTERVAL, self.client.clone(), |client| async {
            let id = self.execution_id;
            let id = id.map_err(|message| Error::invalid(SERVICE, message))?;
            Ok(Execution {
                client,
                id,
                is_own: true,
            })
        })
    }
}

/// An execution that Dune has accepted.
pub(super) struct Execution {
    client: Client,
    id: String,
    is_own: bool,
}

impl Execution {
    /// The execution that this answer to an operation names.
    pub(super) fn started(
        client: Client,
        operation: &str,
        answer: &types::ExecuteQueryResponse,
    ) -> Result<Self, Error> {
        let id = started_id(SERVICE, operation, &answer.execution_id, answer)?;
        Ok(Self {
            client,
            id,
            is_own: true,
        })
    }

    /// An execution that somebody else has started, or an earlier program.
    pub(super) fn found(client: Client, id: String) -> Self {
        Self {
            client,
            id,
            is_own: false,
        }
    }
}

impl Job for Execution {
    fn service(&self) -> &'static str {
        SERVICE
    }

    fn id(&self) -> &str {
        &self.id
    }

    fn ask(&self) -> BoxFuture<Result<Asked, Error>> {
        Box::pin(ask(self.client.clone(), self.id.clone()))
    }

    fn cancel(&self) -> BoxFuture<Result<(), Error>> {
        let cancel = self.client.cancel_query_execution().execution_id(&self.id);
        Box::pin(async move { cancel.send().await.map(drop).map_err(call) })
    }

    fn is_own(&self) -> bool {
        self.is_own
    }
}

/// Requests the state of an execution.
pub(super) async fn ask(client: Client, id: String) -> Result<Asked, Error> {
    let status = client.get_execution_status().execution_id(&id).send();
    let status = status.await.map_err(call)?.into_inner();
    if is_going(&status) {
        return Ok(Asked::Going {
            state: status.state.as_str().to_owned(),
            queue_position: status.queue_position.and_then(|at| at.try_into().ok()),
        });
    }
    let finished = status.is_execution_finished;
    check_state(&status.state, finished, status.error.as_ref(), &id)?;
    Ok(Asked::Ended(ended(client, id, status)))
}

/// An unknown state is unfinished as long as Dune says so.
fn is_going(status: &types::GetExecutionStatusResponse) -> bool {
    use types::ExecutionState as State;
    match &status.state {
        State::Pending | State::Executing => true,
        State::Unknown(_) => status.is_execution_finished == Some(false),
        _ => false,
    }
}

/// An execution that has ended well.
fn ended(client: Client, id: String, status: types::GetExecutionStatusResponse) -> Ended {
    let metadata = status.result_metadata.unwrap_or_default();
    let millis = |count: Option<i64>| milliseconds(i32::try_from(count?).ok()?);
    let columns = (!metadata.column_names.is_empty()).then(|| {
        let types = Some(&metadata.column_types[..]).filter(|types| !types.is_empty());
        Columns::dune(Some(&metadata.column_names), types)
    });
    let rows = metadata
        .total_row_count
        .and_then(|rows| rows.try_into().ok());
    let results = client.get_execution_results().execution_id(&id);
    let known = columns.clone();
    let pages = move || Paging::of_execution(results.clone(), known.as_ref());
    Ended {
        service: SERVICE,
        id,
        result_sets: vec![ResultSet::new(rows, pages)],
        details: Details {
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
