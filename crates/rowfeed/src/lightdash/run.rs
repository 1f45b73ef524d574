//! Runs at Lightdash: an execute call, and `get_async_query_results` until the status is final.

use std::time::Duration;

use rowfeed_lightdash::{Client, builder};

use super::{
    paging::Paging,
    state::{SERVICE, call, check_status, is_going},
};
use crate::{
    Error, Run, Starting, StartsRun,
    poll::{Interval, Progress, until_ended},
    reader::Start,
    run::{Ended, Waiting},
};

/// The server's own default.
const USUAL_PAGE_SIZE: i64 = 500;

const INTERVAL: Interval = Interval {
    first: Duration::from_millis(250),
    most: Duration::from_secs(1),
};

/// All execute operations answer with the uuid of a query.
macro_rules! starts_run {
    ($($builder:ident),* $(,)?) => {$(
        impl StartsRun for builder::$builder {
            fn run(self) -> Starting {
                Starting::new(INTERVAL, |waiting| async move {
                    let client = self.client.clone();
                    let project = self.project_uuid.clone();
                    let started = self.send().await.map_err(call)?;
                    // The call would have failed without a project.
                    let project = project.map_err(|message| Error::invalid(SERVICE, message))?;
                    wait(client, project, started.results.query_uuid.clone(), waiting).await
                })
            }
        }
    )*};
}

starts_run!(
    ExecuteAsyncCalculateTotal,
    ExecuteAsyncDashboardChartQuery,
    ExecuteAsyncDashboardSqlChartQuery,
    ExecuteAsyncFieldValueSearch,
    ExecuteAsyncMetricQuery,
    ExecuteAsyncSavedChartQuery,
    ExecuteAsyncSqlChartQuery,
    ExecuteAsyncSqlQuery,
    ExecuteAsyncUnderlyingDataQuery,
);

async fn wait(client: Client, project: String, id: String, waiting: Waiting) -> Result<Run, Error> {
    let query = client
        .get_async_query_results()
        .project_uuid(&project)
        .query_uuid(&id);
    let results = until_ended(SERVICE, waiting.interval, waiting.timeout, || async {
        // The first size that is answered becomes the query's default: ask with the usual one.
        let results = query.clone().page(1).page_size(USUAL_PAGE_SIZE).send();
        let results = results.await.map_err(call)?.into_inner().results;
        Ok(match is_going(&results.status) {
            true => Progress::Going,
            false => Progress::Ended(results),
        })
    })
    .await
    .map_err(|error| error.with_run(&id))?;
    check_status(&results)?;
    let rows = results.total_results.and_then(|rows| rows.try_into().ok());
    Ok(Run::new(Query {
        client,
        project,
        id,
        result_sets: [rows],
    }))
}

struct Query {
    client: Client,
    project: String,
    id: String,
    result_sets: [Option<u64>; 1],
}

impl Ended for Query {
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
        let results = self.client.get_async_query_results();
        Box::new(Paging::new(
            results.project_uuid(&self.project).query_uuid(&self.id),
        ))
    }
}
