//! Runs at Lightdash: an execute call, then `get_async_query_results` until the status is final.

use std::time::Duration;

use rowfeed_lightdash::{Client, builder, types};

use super::{
    paging::Paging,
    state::{SERVICE, call, check_status, invalid, is_going},
    total::total_rows,
};
use crate::{
    Cells, Columns, Error, RunDetails, RunExt, RunOrigin, RunRequest,
    completed_run::{Ended, ResultSet, milliseconds},
    run_job::{Interval, Job, RunStatus},
    run_request::starts_run,
};

/// The server's own default.
const USUAL_PAGE_SIZE: i64 = 500;

const INTERVAL: Interval = Interval {
    first: Duration::from_millis(250),
    most: Duration::from_secs(1),
};

starts_run! {
    ExecuteAsyncCalculateTotal "execute_async_calculate_total": results.query_uuid, project_uuid => query;
    ExecuteAsyncDashboardChartQuery "execute_async_dashboard_chart_query": results.query_uuid, project_uuid => query;
    ExecuteAsyncDashboardSqlChartQuery "execute_async_dashboard_sql_chart_query": results.query_uuid, project_uuid => query;
    ExecuteAsyncFieldValueSearch "execute_async_field_value_search": results.query_uuid, project_uuid => query;
    ExecuteAsyncMetricQuery "execute_async_metric_query": results.query_uuid, project_uuid => query;
    ExecuteAsyncSavedChartQuery "execute_async_saved_chart_query": results.query_uuid, project_uuid => query;
    ExecuteAsyncSqlChartQuery "execute_async_sql_chart_query": results.query_uuid, project_uuid => query;
    ExecuteAsyncSqlQuery "execute_async_sql_query": results.query_uuid, project_uuid => query;
    ExecuteAsyncUnderlyingDataQuery "execute_async_underlying_data_query": results.query_uuid, project_uuid => query;
}

/// Attaches to a query that was started before.
impl RunExt for builder::GetAsyncQueryResults {
    fn run(self) -> RunRequest {
        RunRequest::new(INTERVAL, self.client.clone(), |client| async {
            let id = self.query_uuid.map_err(invalid)?;
            let job = query(client, id, self.project_uuid.map_err(invalid)?)?;
            Ok(job.with_origin(RunOrigin::Attached))
        })
    }
}

/// A query that Lightdash has accepted.
fn query(client: Client, id: String, project: String) -> Result<Job, Error> {
    let cancel = client.cancel_async_query();
    let cancel = cancel.project_uuid(&project).query_uuid(&id);
    let cancel = move || cancel.clone().send();
    let results = client.get_async_query_results();
    let results = results.project_uuid(project).query_uuid(&id);
    let ask = move || ask(results.clone());
    Ok(Job::new(SERVICE, id, ask, cancel, call))
}

/// Requests the state of a query.
async fn ask(query: builder::GetAsyncQueryResults) -> Result<RunStatus, Error> {
    // The first requested size becomes the query's default, so request the usual size.
    let results = query.clone().page(1).page_size(USUAL_PAGE_SIZE).send();
    let results = results.await.map_err(call)?.into_inner().results;
    if is_going(&results.status) {
        return Ok(RunStatus::pending(results.status.as_str()));
    }
    check_status(&results)?;
    Ok(RunStatus::Ended(ended(query, results)))
}

/// A completed query.
fn ended(query: builder::GetAsyncQueryResults, results: types::QueryResults) -> Ended {
    let total = total_rows(&results, false).unwrap_or_default();
    let timing = results.metadata.and_then(|metadata| metadata.performance);
    let timing = timing.unwrap_or_default();
    let columns = results.columns.into_iter();
    let columns = columns.map(|(name, column)| (name, column.type_.as_str().to_owned()));
    Ended {
        service: SERVICE,
        id: results.query_uuid,
        result_sets: vec![ResultSet::new(total, false, move || {
            Paging::of_rows(query.clone(), total)
        })],
        details: RunDetails {
            queued_for: timing.queue_time_ms.and_then(milliseconds),
            ran_for: timing.initial_query_execution_ms.and_then(milliseconds),
            columns: Some(Columns::lightdash(columns, Cells::Raw)),
            ..RunDetails::default()
        },
    }
}
