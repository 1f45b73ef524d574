//! The latest result of a saved query, if it is fresh enough, or else a new one.

use std::time::{Duration, SystemTime};

use rowfeed_client::platform;
use rowfeed_dune::{builder, types};

use super::{
    run::{Execution, INTERVAL},
    state::{SERVICE, call},
};
use crate::{Error, Starting};
use rowfeed_rows::datetime::unix_nanos;

/// Freshness of latest results, which Dune's API does not know: they are as old as they are.
///
/// ```
/// use std::time::Duration;
/// use rowfeed::{dune, prelude::*};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let sandbox = rowfeed_sandbox::Sandbox::builder().poll_steps(0).start().await?;
/// # let key = rowfeed::Secret::new(rowfeed_sandbox::DUNE_API_KEY)?;
/// # let dune = dune::Client::builder().base_url(sandbox.dune_url()).api_key(key).build()?;
/// # let query_id = rowfeed_sandbox::DUNE_QUERY_ID;
/// let latest = dune.get_latest_query_result().query_id(query_id);
/// let run = latest.max_age(Duration::from_secs(3600)).await?;
/// println!("the result of {:?}", run.details().ended_at);
/// let rows: Vec<rowfeed::Row> = run.rows().try_collect().await?;
/// # assert_eq!(rows.len(), 48);
/// # assert!(sandbox.requests().iter().all(|request| request.method == "GET"));
/// # Ok(())
/// # }
/// ```
pub trait MaxAge {
    /// The run of the latest result, if it ended no longer than `max_age` ago by this machine's
    /// clock, or is still on its way; else the query is executed, which costs credits.
    ///
    /// The query's parameters (`params`) choose the result, and go into the execution. What shapes
    /// the rows (`columns`, `filters`, …) is not taken over: it belongs to reading the run.
    fn max_age(self, max_age: Duration) -> Starting;
}

impl MaxAge for builder::GetLatestQueryResult {
    fn max_age(self, max_age: Duration) -> Starting {
        Starting::new(INTERVAL, self.client.clone(), move |client| async move {
            let invalid = |message: &String| Error::invalid(SERVICE, message.clone());
            let query_id = *self.query_id.as_ref().map_err(invalid)?;
            let params = self.params.as_ref().map_err(invalid)?.clone();

            let mut look = client.get_latest_query_result().query_id(query_id);
            look.params = Ok(params.clone());
            // One row is enough to see its age, also of a result that Dune has cut off: whether that
            // will do is for those to say who read it.
            let look = look.limit(1).offset(0).allow_partial_results(true);
            let latest = match look.send().await {
                Ok(latest) => Some(latest.into_inner()),
                // No result yet, or none for these parameters.
                Err(error) if error.is_not_found() => None,
                Err(error) => return Err(call(error)),
            };
            if let Some(latest) = latest
                && is_fresh(&latest, max_age)
            {
                return Ok(Execution::new(client, latest.execution_id));
            }
            let parameters = params.into_iter().flatten();
            let parameters = parameters
                .map(|(name, value)| (name, value.into()))
                .collect();
            let body = types::ExecuteQueryRequest {
                performance: None,
                query_parameters: parameters,
            };
            let started = client.execute_query().query_id(query_id).body(body).send();
            let started = started.await.map_err(call)?;
            Ok(Execution::new(client, started.into_inner().execution_id))
        })
    }
}

fn is_fresh(latest: &types::ReadExecutionResultResponse, max_age: Duration) -> bool {
    use types::ExecutionState as State;
    match &latest.state {
        State::Pending | State::Executing => true,
        State::Completed | State::CompletedPartial => {
            let ended = latest.execution_ended_at.as_deref().and_then(unix_nanos);
            let now = platform::now().duration_since(SystemTime::UNIX_EPOCH);
            let now = now.unwrap_or_default().as_nanos().cast_signed();
            // A clock that runs behind Dune's makes an age of less than nothing: fresh.
            ended.is_some_and(|ended| now - ended <= max_age.as_nanos().cast_signed())
        }
        _ => false,
    }
}
