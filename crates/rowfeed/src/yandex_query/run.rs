//! Runs at Yandex Query: `create_query`, then `get_query_status` until the query ends, then
//! `get_query` for its result sets.

use std::time::Duration;

use rowfeed_yandex_query::{Client, builder, types};

use super::{
    paging::{Announced, Paging},
    state::{SERVICE, call, check_status, invalid},
};
use crate::{
    Error, RunDetails, RunExt, RunOrigin, RunRequest,
    completed_run::{Ended, ResultSet},
    run_job::{Interval, Job, RunStatus},
    run_request::starts_run,
};

const INTERVAL: Interval = Interval {
    first: Duration::from_millis(200),
    most: Duration::from_secs(2),
};

starts_run! {
    CreateQuery "create_query": id, project => query;
}

/// Attaches to a query that was created before.
impl RunExt for builder::GetQueryStatus {
    fn run(self) -> RunRequest {
        RunRequest::new(INTERVAL, self.client.clone(), |client| async {
            let id = self.query_id.map_err(invalid)?;
            let job = query(client, id, self.project.map_err(invalid)?)?;
            Ok(job.with_origin(RunOrigin::Attached))
        })
    }
}

/// A query that the service has accepted.
fn query(client: Client, id: String, project: String) -> Result<Job, Error> {
    let stop = client.stop_query().project(&project).query_id(&id);
    let cancel = move || stop.clone().send();
    let results = client.get_query_results().project(project).query_id(&id);
    let ask = move || ask(results.clone());
    Ok(Job::new(SERVICE, id, ask, cancel, call))
}

/// Requests the state of the query that has these results.
async fn ask(results: builder::GetQueryResults) -> Result<RunStatus, Error> {
    let client = &results.client;
    let project = results.project.as_ref().map_err(invalid)?;
    let id = results.query_id.as_ref().map_err(invalid)?;
    let status = client.get_query_status().project(project).query_id(id);
    let status = status.send().await.map_err(call)?.into_inner().status;
    if status == types::QueryStatus::Running {
        return Ok(RunStatus::pending(status.as_str()));
    }
    let query = client.get_query().project(project).query_id(id).send();
    let query = query.await.map_err(call)?.into_inner();
    check_status(&query)?;
    Ok(RunStatus::Ended(ended(id.clone(), &results, &query)))
}

/// A completed query.
fn ended(id: String, results: &builder::GetQueryResults, query: &types::Query) -> Ended {
    // An unknown time is an empty string.
    let time = |text: Option<&String>| text.filter(|text| !text.is_empty()).cloned();
    let meta = query.meta.as_ref();
    let set = |(index, set)| {
        let announced = Announced::of(set);
        let results = results
            .clone()
            .result_set_index(u32::try_from(index).unwrap_or(u32::MAX));
        let pages = move || Paging::new(results.clone(), Some(announced), 0);
        ResultSet::new(Some(announced.rows), announced.truncated, pages)
    };
    Ended {
        service: SERVICE,
        result_sets: query.result_sets.iter().enumerate().map(set).collect(),
        details: RunDetails {
            submitted_at: time(meta.and_then(|meta| meta.started_at.as_ref())),
            ended_at: time(meta.and_then(|meta| meta.finished_at.as_ref())),
            ..RunDetails::default()
        },
        id,
    }
}
