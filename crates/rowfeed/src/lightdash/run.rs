//! Runs at Lightdash: an execute call, then `get_async_query_results` until the status is final.

use std::time::Duration;

use rowfeed_lightdash::{ChartQuery, Client, StartQuery, builder, explore::ExploreQuery, types};

use super::{
    paging::Paging,
    state::{SERVICE, call, check_status, invalid, is_going},
    total::total_rows,
};
use crate::{
    Cells, Columns, Error, RunDetails, RunExt, RunOrigin, RunRequest,
    completed_run::{Ended, ResultSet, milliseconds},
    run_job::{Interval, Job, RunStatus, started_id},
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
    ExecuteAsyncDashboardSqlChartQuery "execute_async_dashboard_sql_chart_query": results.query_uuid, project_uuid => query;
    ExecuteAsyncFieldValueSearch "execute_async_field_value_search": results.query_uuid, project_uuid => query;
    ExecuteAsyncSqlChartQuery "execute_async_sql_chart_query": results.query_uuid, project_uuid => query;
    ExecuteAsyncSqlQuery "execute_async_sql_query": results.query_uuid, project_uuid => query;
    ExecuteAsyncUnderlyingDataQuery "execute_async_underlying_data_query": results.query_uuid, project_uuid => query;
}

#[cfg(feature = "lightdash-merge-queries")]
starts_run! {
    ExecuteAsyncComposeSqlQuery "execute_async_compose_sql_query": results.query_uuid, project_uuid => query;
}

/// Adds `run()` to requests that know how many rows their query may return.
macro_rules! starts_query {
    ($($request:ty),* $(,)?) => {$(
        impl RunExt for $request {
            fn run(mut self) -> RunRequest {
                let client = self.client().clone();
                RunRequest::new(INTERVAL, client, |client| async move {
                    *self.client() = client.clone();
                    let started = self.start().await.map_err(call)?;
                    let id = started_id(SERVICE, started.operation, &started.query_uuid, &started)?;
                    job(client, id, started.project_uuid, started.cut_at)
                })
            }
        }
    )*};
}
starts_query!(
    ChartQuery,
    ExploreQuery,
    builder::ExecuteAsyncDashboardChartQuery,
    builder::ExecuteAsyncMetricQuery,
    builder::ExecuteAsyncSavedChartQuery,
);
#[cfg(feature = "lightdash-merge-queries")]
starts_query!(
    builder::ExecuteAsyncComposeMergeQuery,
    builder::ExecuteAsyncMergeQuery
);

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
    job(client, id, project, None)
}

/// A query whose result is cut at this number of rows.
fn job(client: Client, id: String, project: String, cut_at: Option<u64>) -> Result<Job, Error> {
    let cancel = client.cancel_async_query();
    let cancel = cancel.project_uuid(&project).query_uuid(&id);
    let cancel = move || cancel.clone().send();
    let results = client.get_async_query_results();
    let results = results.project_uuid(project).query_uuid(&id);
    let ask = move || ask(results.clone(), cut_at);
    Ok(Job::new(SERVICE, id, ask, cancel, call))
}

/// Requests the state of a query.
async fn ask(
    query: builder::GetAsyncQueryResults,
    cut_at: Option<u64>,
) -> Result<RunStatus, Error> {
    // The first requested size becomes the query's default, so request the usual size.
    let results = query.clone().page(1).page_size(USUAL_PAGE_SIZE).send();
    let results = results.await.map_err(call)?.into_inner().results;
    if is_going(&results.status) {
        return Ok(RunStatus::pending(results.status.as_str()));
    }
    check_status(&results.status, results.error.as_deref())?;
    Ok(RunStatus::Ended(ended(query, results, cut_at)))
}

/// A completed query.
fn ended(
    query: builder::GetAsyncQueryResults,
    results: types::QueryResults,
    cut_at: Option<u64>,
) -> Ended {
    let (rows, pivot) = (results.rows.as_ref(), results.pivot_details.as_ref());
    let total = total_rows(results.total_results, pivot, rows, false).unwrap_or_default();
    let timing = results.metadata.and_then(|metadata| metadata.performance);
    let timing = timing.unwrap_or_default();
    let columns = results.columns.into_iter();
    let columns = columns.map(|(name, column)| (name, column.type_.as_str().to_owned()));
    let is_cut = cut_at.is_some_and(|most| total.is_some_and(|rows| rows >= most));
    let pages = move || Paging::of_rows(query.clone(), total).cut_at(cut_at);
    Ended {
        service: SERVICE,
        id: results.query_uuid,
        result_sets: vec![ResultSet::new(total, is_cut, pages)],
        details: RunDetails {
            queued_for: timing.queue_time_ms.and_then(milliseconds),
            ran_for: timing.initial_query_execution_ms.and_then(milliseconds),
            columns: Some(Columns::lightdash(columns, Cells::Raw)),
            ..RunDetails::default()
        },
    }
}
