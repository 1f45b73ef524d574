//! Runs at Lightdash: an execute call, and `get_async_query_results` until the status is final.

use std::time::Duration;

use rowfeed_lightdash::{Client, builder, types};

use super::{
    paging::Paging,
    state::{SERVICE, call, check_status, is_going},
    total::Total,
};
use crate::{
    Cells, Columns, Details, Error, Starting, StartsRun,
    job::{Asked, Interval, Job, started_id},
    paging::BoxFuture,
    run::{Ended, ResultSet, milliseconds},
};

/// The server's own default.
const USUAL_PAGE_SIZE: i64 = 500;

const INTERVAL: Interval = Interval {
    first: Duration::from_millis(250),
    most: Duration::from_secs(1),
};

/// All execute operations answer with the uuid of a query.
macro_rules! starts_run {
    ($($builder:ident: $operation:literal),* $(,)?) => {$(
        impl StartsRun for builder::$builder {
            fn run(self) -> Starting {
                Starting::new(INTERVAL, self.client.clone(), |client| async {
                    let project = self.project_uuid.clone();
                    let operation = Self { client: client.clone(), ..self };
                    let started = operation.send().await.map_err(call)?;
                    // The call would have failed without a project.
                    let project = project.map_err(|message| Error::invalid(SERVICE, message))?;
                    let started = &started.results;
                    let id = started_id(SERVICE, $operation, &started.query_uuid, started)?;
                    Ok(Query { client, project, id })
                })
            }
        }
    )*};
}

starts_run!(
    ExecuteAsyncCalculateTotal: "execute_async_calculate_total",
    ExecuteAsyncDashboardChartQuery: "execute_async_dashboard_chart_query",
    ExecuteAsyncDashboardSqlChartQuery: "execute_async_dashboard_sql_chart_query",
    ExecuteAsyncFieldValueSearch: "execute_async_field_value_search",
    ExecuteAsyncMetricQuery: "execute_async_metric_query",
    ExecuteAsyncSavedChartQuery: "execute_async_saved_chart_query",
    ExecuteAsyncSqlChartQuery: "execute_async_sql_chart_query",
    ExecuteAsyncSqlQuery: "execute_async_sql_query",
    ExecuteAsyncUnderlyingDataQuery: "execute_async_underlying_data_query",
);

/// Takes up a query that was started before.
impl StartsRun for builder::GetAsyncQueryResults {
    fn run(self) -> Starting {
        Starting::new(INTERVAL, self.client.clone(), |client| async {
            let invalid = |message| Error::invalid(SERVICE, message);
            Ok(Query {
                client,
                project: self.project_uuid.map_err(invalid)?,
                id: self.query_uuid.map_err(invalid)?,
            })
        })
    }
}

/// A query that Lightdash has accepted.
#[derive(Clone)]
struct Query {
    client: Client,
    project: String,
    id: String,
}

impl Query {
    fn results(&self) -> builder::GetAsyncQueryResults {
        let results = self.client.get_async_query_results();
        results.project_uuid(&self.project).query_uuid(&self.id)
    }
}

impl Job for Query {
    fn service(&self) -> &'static str {
        SERVICE
    }

    fn id(&self) -> &str {
        &self.id
    }

    fn ask(&self) -> BoxFuture<Result<Asked, Error>> {
        let query = self.clone();
        // The first size that is answered becomes the query's default: ask with the usual one.
        let results = query.results().page(1).page_size(USUAL_PAGE_SIZE);
        Box::pin(async move {
            let results = results.send().await.map_err(call)?.into_inner().results;
            if is_going(&results.status) {
                return Ok(Asked::Going {
                    state: results.status.as_str().to_owned(),
                    queue_position: None,
                });
            }
            check_status(&results)?;
            Ok(Asked::Ended(ended(&query, results)))
        })
    }

    fn cancel(&self) -> BoxFuture<Result<(), Error>> {
        let cancel = self.client.cancel_async_query();
        let cancel = cancel.project_uuid(&self.project).query_uuid(&self.id);
        Box::pin(async move { cancel.send().await.map(drop).map_err(call) })
    }
}

/// A query that has ended well.
fn ended(query: &Query, results: types::QueryResults) -> Ended {
    let total = Total::of(&results, false).known();
    let timing = results.metadata.and_then(|metadata| metadata.performance);
    let timing = timing.unwrap_or_default();
    let columns = results.columns.into_iter();
    let columns = columns.map(|(name, column)| (name, column.type_.as_str().to_owned()));
    let pages = query.results();
    Ended {
        service: SERVICE,
        id: query.id.clone(),
        result_sets: vec![ResultSet::new(total, move || Paging::new(pages.clone()))],
        details: Details {
            queued_for: timing.queue_time_ms.and_then(milliseconds),
            ran_for: timing.initial_query_execution_ms.and_then(milliseconds),
            columns: Some(Columns::lightdash(columns, Cells::Raw)),
            ..Details::default()
        },
    }
}
