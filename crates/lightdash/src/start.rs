//! Queries that take more than one operation to start, or whose response says how many rows they
//! may return.

use std::future::Future;

use serde::Serialize;

use crate::{CallError, Client, builder, types};

/// A query that Lightdash has accepted.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct StartedRun {
    /// The operation that started it.
    pub operation: &'static str,
    /// The project that it runs in.
    pub project_uuid: String,
    /// Its id, for `get_async_query_results`.
    pub query_uuid: String,
    /// The number of rows at which the server cuts the result, unless the caller chose that number.
    /// A result with as many rows may lack rows, and no response says so.
    pub cut_at: Option<u64>,
}

/// A request that starts a query and knows how many rows it may return. `run()` of the facade uses
/// it.
pub trait StartQuery: Sized + Send + 'static {
    /// The client that sends the request.
    fn client(&mut self) -> &mut Client;

    /// Starts the query.
    fn start(self) -> impl Future<Output = Result<StartedRun, CallError>> + Send;
}

/// The number of rows at which a result is cut without the caller's intention: the server's limit,
/// unless the caller requested no more rows than that.
pub(crate) fn cut_at(asked: Option<i64>, effective: i64) -> Option<u64> {
    match asked {
        Some(asked) if asked <= effective => None,
        _ => u64::try_from(effective).ok(),
    }
}

/// The limits of an instance.
pub(crate) struct Limits {
    /// The most rows of a query.
    pub(crate) rows: u32,
}

impl Limits {
    /// What a server allows unless it is configured otherwise.
    const USUAL_ROWS: u32 = 5_000;

    /// Asks the server. One that does not answer has the usual limits.
    pub(crate) async fn of(client: &Client) -> Self {
        let health = client.get_health().send().await;
        let limits = health
            .ok()
            .and_then(|health| health.into_inner().results.query);
        let rows = limits.and_then(|limits| limits.max_limit);
        let rows = rows.and_then(|rows| u32::try_from(rows).ok());
        Self {
            rows: rows.filter(|rows| *rows > 0).unwrap_or(Self::USUAL_ROWS),
        }
    }
}

macro_rules! starts {
    ($($builder:ident $operation:literal: |$body:ident| $limit:expr;)*) => {$(
        impl StartQuery for builder::$builder {
            fn client(&mut self) -> &mut Client {
                &mut self.client
            }

            async fn start(self) -> Result<StartedRun, CallError> {
                let project_uuid = self.project_uuid.clone().unwrap_or_default();
                // A body that cannot be sent fails below.
                let asked = match &self.body {
                    Ok($body) => $limit,
                    Err(_) => None,
                };
                let started = self.send().await?.into_inner().results;
                Ok(StartedRun {
                    operation: $operation,
                    project_uuid,
                    query_uuid: started.query_uuid,
                    cut_at: cut_at(asked, started.metric_query.limit),
                })
            }
        }
    )*};
}

/// The limit of a chart. None at all is the limit of the chart itself, and an unlimited one is cut
/// to what the server allows.
fn chart_limit(limit: &Result<Option<types::QueryLimit>, String>) -> Option<i64> {
    let limit = limit.as_ref().ok()?.as_ref()?;
    Some(limit.0.unwrap_or(i64::MAX))
}

starts! {
    ExecuteAsyncMetricQuery "execute_async_metric_query":
        |body| body.query.as_ref().ok().map(|query| query.limit);
    ExecuteAsyncSavedChartQuery "execute_async_saved_chart_query": |body| chart_limit(&body.limit);
    ExecuteAsyncDashboardChartQuery "execute_async_dashboard_chart_query":
        |body| chart_limit(&body.limit);
}

#[cfg(feature = "merge-queries")]
macro_rules! starts_merge {
    ($($builder:ident $operation:literal;)*) => {$(
        impl StartQuery for builder::$builder {
            fn client(&mut self) -> &mut Client {
                &mut self.client
            }

            async fn start(self) -> Result<StartedRun, CallError> {
                let project_uuid = self.project_uuid.as_ref().map(|uuid| uuid.as_str().to_owned());
                let project_uuid = project_uuid.unwrap_or_default();
                let outcome = self.send().await?.into_inner().results;
                Ok(StartedRun {
                    operation: $operation,
                    project_uuid,
                    query_uuid: started_merge(outcome)?,
                    cut_at: None,
                })
            }
        }
    )*};
}

#[cfg(feature = "merge-queries")]
starts_merge! {
    ExecuteAsyncMergeQuery "execute_async_merge_query";
    ExecuteAsyncComposeMergeQuery "execute_async_compose_merge_query";
}

/// The id of a merge query. A refused one is a success of HTTP.
#[cfg(feature = "merge-queries")]
fn started_merge(outcome: types::MergeQueryOutcome) -> Result<String, CallError> {
    if let (Some(query), []) = (&outcome.query, outcome.errors.as_slice()) {
        return Ok(query.query_uuid.clone());
    }
    let errors = outcome.errors.iter().map(|error| {
        let source = error.source_id.as_ref().map(|id| format!("source `{id}`"));
        let fields = error.field_ids.iter().map(|id| format!("field `{id}`"));
        let places: Vec<_> = source.into_iter().chain(fields).collect();
        let places = match places.is_empty() {
            true => String::new(),
            false => format!(" ({})", places.join(", ")),
        };
        format!("{}: {}{places}", error.kind, error.message)
    });
    let errors: Vec<_> = errors.collect();
    let outcome = outcome.outcome.as_str();
    Err(CallError::invalid_request(match errors.as_slice() {
        [] => format!("Lightdash answered the merge query with {outcome:?}, and named no query"),
        errors => format!("Lightdash refused the merge query: {}", errors.join("; ")),
    }))
}

#[cfg(test)]
mod tests {
    use super::cut_at;

    #[test]
    fn a_limit_that_the_caller_chose_is_no_cut() {
        assert_eq!(cut_at(Some(10), 10), None);
        assert_eq!(cut_at(Some(10), 500), None);
        assert_eq!(cut_at(Some(1_000), 500), Some(500));
        assert_eq!(cut_at(None, 500), Some(500));
        assert_eq!(cut_at(None, -1), None);
    }
}
