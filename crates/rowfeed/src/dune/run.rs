//! Runs at Dune: an execute call, and `get_execution_status` until the execution has ended. Asking
//! for the status costs nothing; results cost credits by size.

use std::time::Duration;

use rowfeed_dune::{Client, builder, types};

use super::{
    paging::Paging,
    state::{SERVICE, call, check_state},
};
use crate::{
    Error, Run, Starting, StartsRun,
    poll::{Interval, Progress, until_ended},
    reader::Start,
    run::{Ended, Waiting},
};

const INTERVAL: Interval = Interval {
    first: Duration::from_millis(500),
    most: Duration::from_secs(5),
};

impl StartsRun for builder::ExecuteSql {
    fn run(self) -> Starting {
        Starting::new(INTERVAL, |waiting| async move {
            let client = self.client.clone();
            let started = self.send().await.map_err(call)?;
            wait(client, started.into_inner(), waiting).await
        })
    }
}

impl StartsRun for builder::ExecuteQuery {
    fn run(self) -> Starting {
        Starting::new(INTERVAL, |waiting| async move {
            let client = self.client.clone();
            let started = self.send().await.map_err(call)?;
            wait(client, started.into_inner(), waiting).await
        })
    }
}

async fn wait(
    client: Client,
    started: types::ExecuteQueryResponse,
    waiting: Waiting,
) -> Result<Run, Error> {
    let id = started.execution_id;
    let status = until_ended(SERVICE, waiting.interval, waiting.timeout, || async {
        let status = client.get_execution_status().execution_id(&id).send();
        let status = status.await.map_err(call)?.into_inner();
        Ok(match is_going(&status) {
            true => Progress::Going,
            false => Progress::Ended(status),
        })
    })
    .await
    .map_err(|error| error.with_run(&id))?;
    let finished = status.is_execution_finished;
    check_state(&status.state, finished, status.error.as_ref(), &id)?;
    let rows = status
        .result_metadata
        .and_then(|metadata| metadata.total_row_count);
    let result_sets = [rows.and_then(|rows| rows.try_into().ok())];
    Ok(Run::new(Execution {
        client,
        id,
        result_sets,
    }))
}

/// A state that is not known goes on as long as Dune says that it has not ended.
fn is_going(status: &types::GetExecutionStatusResponse) -> bool {
    use types::ExecutionState as State;
    match &status.state {
        State::Pending | State::Executing => true,
        State::Unknown(_) => status.is_execution_finished == Some(false),
        _ => false,
    }
}

struct Execution {
    client: Client,
    id: String,
    result_sets: [Option<u64>; 1],
}

impl Ended for Execution {
    fn service(&self) -> &'static str {
        SERVICE
    }

    fn id(&self) -> &str {
        &self.id
    }

    fn result_sets(&self) -> &[Option<u64>] {
        &self.result_sets
    }

    fn source(&self, _result_set: usize) -> Box<dyn Start> {
        let results = self.client.get_execution_results().execution_id(&self.id);
        Box::new(Paging::of_execution(results))
    }
}
