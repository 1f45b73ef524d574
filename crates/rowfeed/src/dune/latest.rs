//! The latest result of a saved query if it is fresh enough, or a new execution.

use std::time::{Duration, SystemTime};

use rowfeed_client::platform;
use rowfeed_dune::{builder, types};

use super::{
    run::{INTERVAL, execution},
    state::{SERVICE, call, check_state, invalid, paging},
};
use rowfeed_rows::datetime::unix_nanos;

use crate::{Error, RunExt, RunOrigin, RunRequest, run_job::started_id};

/// Reuses the execution of the latest result, or executes the query; see [`RunRequest::max_age`].
impl RunExt for builder::GetLatestQueryResult {
    fn run(self) -> RunRequest {
        let client = self.client.clone();
        RunRequest::of_latest(INTERVAL, client, move |client, max_age| async move {
            let query_id = *self.query_id.as_ref().map_err(invalid)?;
            let params = self.params.as_ref().map_err(invalid)?.clone();

            let mut look = client.get_latest_query_result().query_id(query_id);
            look.params = Ok(params.clone());
            // One row is enough to see the age, even of a truncated result. The reader of the run
            // decides whether to accept a truncated result.
            let look = look.limit(1).offset(0).allow_partial_results(true);
            let latest = match look.send().await {
                Ok(latest) => usable(&latest.into_inner(), max_age.unwrap_or(Duration::MAX))?,
                Err(error) if says_no_result(&error) => None,
                Err(error) => return Err(call(error)),
            };
            if let Some(id) = latest {
                return Ok(execution(client, id)?.with_origin(RunOrigin::Reused));
            }
            let parameters = params.into_iter().flatten();
            let parameters = parameters.map(|(name, value)| (name, value.into()));
            let body = types::ExecuteQueryRequest {
                performance: None,
                query_parameters: parameters.collect(),
            };
            let started = client.execute_query().query_id(query_id).body(body).send();
            let started = started.await.map_err(call)?.into_inner();
            let id = started_id(SERVICE, "execute_query", &started.execution_id, &started)?;
            execution(client, id)
        })
    }
}

/// Returns whether Dune says that the query exists but has no result, or none for these parameters.
/// A 404 may also come from a proxy, or mean that the query does not exist.
fn says_no_result(error: &rowfeed_dune::CallError) -> bool {
    const NO_QUERY: &str = "query not found";
    let said = error.api_error().map(|body| body.error.to_lowercase());
    error.is_not_found() && said.is_some_and(|said| !said.contains(NO_QUERY))
}

/// The execution of the latest result if it is fresh or unfinished; `None` if a new one is needed.
fn usable(
    latest: &types::ReadExecutionResultResponse,
    max_age: Duration,
) -> Result<Option<String>, Error> {
    use types::ExecutionState as State;
    let (id, finished) = (&latest.execution_id, latest.is_execution_finished);
    let is_usable = match &latest.state {
        State::Completed | State::CompletedPartial => is_fresh(latest, max_age),
        State::Failed | State::Cancelled | State::Canceled | State::Expired => false,
        State::Pending | State::Executing => true,
        _ if finished == Some(false) => true,
        unknown => {
            let checked = check_state(unknown, finished, latest.error.as_ref());
            checked.map_err(|error| error.with_run(id))?;
            false
        }
    };
    if is_usable && id.is_empty() {
        let message = "the latest result names no execution, so it cannot be read";
        return Err(paging(message));
    }
    Ok(is_usable.then(|| id.clone()))
}

fn is_fresh(latest: &types::ReadExecutionResultResponse, max_age: Duration) -> bool {
    let ended = latest.execution_ended_at.as_deref().and_then(unix_nanos);
    let now = platform::now().duration_since(SystemTime::UNIX_EPOCH);
    let now = now.unwrap_or_default().as_nanos().cast_signed();
    // If this clock is behind Dune's, the age is negative, which counts as fresh.
    let is_young = |ended| now - ended <= max_age.as_nanos().cast_signed();
    !max_age.is_zero() && ended.is_some_and(is_young)
}
