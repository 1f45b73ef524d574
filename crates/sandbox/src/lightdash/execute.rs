//! Starts and cancels queries.

use std::sync::Arc;

use jiff::{Timestamp, ToSpan as _};
use serde_json::{Map, Value, json};

use super::Lightdash;
use super::encode::{Clock, wire, wire_scripted};
use super::errors;
use super::explore::{self, MetricQuery};
use super::parameters;
use super::pivot::Pivot;
use super::state::{Account, End, Query};
use crate::exchange::{Answer, Request};
use crate::ids;
use crate::service::Service;
use crate::sql::SqlError;
use crate::table::WireTable;
use crate::world::Outcome;

/// A query to run.
pub(super) struct Run {
    pub(super) sql: String,
    pub(super) limit: usize,
    pub(super) clock: Clock,
    pub(super) metric_query: Option<MetricQuery>,
    pub(super) context: String,
    /// The request body.
    pub(super) request: Value,
    pub(super) pivot: Option<Pivot>,
    /// Whether a cached result is allowed.
    pub(super) may_be_cached: bool,
}

/// A started query.
pub(super) struct Started {
    pub(super) query_uuid: String,
    /// The time of the cached result, if it was used.
    cached_at: Option<Timestamp>,
}

impl Run {
    pub(super) fn sql(body: &Value, sql: &str, limit: usize) -> Self {
        Self {
            sql: sql.to_owned(),
            limit,
            clock: Clock::Sql,
            metric_query: None,
            context: context(body, "sqlRunner"),
            request: body.clone(),
            pivot: None,
            may_be_cached: body["invalidateCache"] != true,
        }
    }
}

impl Lightdash {
    pub(super) fn execute_sql(&self, request: &Request, account: Account) -> Answer {
        let body = request.json().unwrap_or_default();
        let Some(sql) = body.get("sql").and_then(Value::as_str) else {
            return errors::required("body.sql");
        };
        let (sql, used) = match parameters::fill(sql, &body["parameters"]) {
            Ok(filled) => filled,
            Err(answer) => return answer,
        };
        let mut run = match limit(&body) {
            Ok(limit) => Run::sql(&body, &sql, limit.unwrap_or(usize::MAX)),
            Err(answer) => return answer,
        };
        run.pivot = match Pivot::read(&body["pivotConfiguration"]) {
            Ok(pivot) => pivot,
            Err(answer) => return answer,
        };
        let mut results = common(&self.start(account, run));
        name_parameters(&mut results, used);
        errors::ok(&results)
    }

    pub(super) fn execute_metric_query(&self, request: &Request, account: Account) -> Answer {
        let body = request.json().unwrap_or_default();
        let started = MetricQuery::read(&body["query"], "body.query").and_then(|mut query| {
            query.restrict(&body["dashboardFilters"]);
            let pivot = Pivot::read(&body["pivotConfiguration"])?;
            self.start_metric_query(account, query, pivot, &body, "api")
        });
        match started {
            Ok(results) => errors::ok(&results),
            Err(answer) => answer,
        }
    }

    /// Starts a metric query and returns the answer.
    pub(super) fn start_metric_query(
        &self,
        account: Account,
        query: MetricQuery,
        pivot: Option<Pivot>,
        body: &Value,
        from: &str,
    ) -> Result<Value, Answer> {
        let (sql, used) = parameters::fill(&explore::sql(&query)?, &body["parameters"])?;
        let run = Run {
            sql,
            limit: query.limit,
            clock: Clock::Fields,
            metric_query: Some(query.clone()),
            context: context(body, from),
            request: body.clone(),
            pivot,
            may_be_cached: body["invalidateCache"] != true,
        };
        let mut results = common(&self.start(account, run));
        let timezone = query.json["timezone"].as_str().unwrap_or("UTC");
        results["resolvedTimezone"] = timezone.into();
        name_parameters(&mut results, used);
        results["warnings"] = json!([]);
        results["fields"] = explore::fields(&query);
        results["metricQuery"] = query.json.clone();
        Ok(results)
    }

    pub(super) fn cancel(&self, account: Account, query_uuid: &str) -> Answer {
        let mut state = self.state();
        match state.queries.get_mut(query_uuid) {
            Some(query) if query.account == account => {
                query.cancelled = true;
                errors::respond(200, r#"{"status":"ok"}"#)
            }
            _ => super::results::no_query(query_uuid),
        }
    }

    /// Runs and stores a query.
    pub(super) fn start(&self, account: Account, run: Run) -> Started {
        let (end, pivot_details) = self.end(&run);
        let mut state = self.state();
        let key = format!("{} {}", run.limit, run.sql);
        let cached_at = state.cached.get(&key).copied();
        let cached_at =
            cached_at.filter(|_| run.may_be_cached && self.world.options.lightdash_cache);
        if cached_at.is_none() {
            state
                .cached
                .insert(key, 2 * run.sql.len(), Timestamp::now());
        }
        let query = Query {
            account,
            cache_hit: cached_at.is_some(),
            progress: self.world.options.progress(),
            cancelled: false,
            end,
            default_page_size: None,
            created_at: Timestamp::now(),
            sql: run.sql,
            limit: run.limit,
            metric_query: run.metric_query,
            context: run.context,
            request: run.request,
            pivot_details,
        };
        let query_uuid = ids::uuid();
        state.keep(query_uuid.clone(), query);
        Started {
            query_uuid,
            cached_at,
        }
    }

    /// Runs a query to its end.
    pub(super) fn end(&self, run: &Run) -> (End, Option<Value>) {
        let (outcome, pivot_details) = match &run.pivot {
            None => {
                let outcome = self.world.run_one(Service::Lightdash, &run.sql);
                let shown = outcome.and_then(|outcome| shown(outcome, run.clock));
                (shown, None)
            }
            Some(pivot) => match pivot.run(&self.world, &run.sql, run.limit, run.clock) {
                Ok((table, details)) => (Ok(table), Some(details)),
                Err(error) => (Err(error), None),
            },
        };
        let end = match outcome {
            Ok(mut table) => {
                table.rows.truncate(run.limit);
                End::Ready(Arc::new(table))
            }
            Err(SqlError { message, .. }) => End::Failed {
                message,
                at: Timestamp::now(),
            },
        };
        (end, pivot_details)
    }
}

fn shown(outcome: Outcome, clock: Clock) -> Result<WireTable, SqlError> {
    match outcome {
        Outcome::Neutral(table) => wire(table, clock),
        Outcome::Scripted(table) => Ok(wire_scripted(table)),
    }
}

/// Returns the common fields of the answer to a started query.
pub(super) fn common(started: &Started) -> Value {
    let cache = match started.cached_at {
        None => json!({ "cacheHit": false }),
        Some(at) => json!({
            "cacheHit": true,
            "cacheKey": ids::uuid().replace('-', ""),
            "cacheUpdatedTime": format!("{at:.3}"),
            "cacheExpiresAt": format!("{:.3}", at + 24.hours()),
        }),
    };
    json!({
        "queryUuid": started.query_uuid,
        "cacheMetadata": cache,
        "parameterReferences": [],
        "usedParametersValues": {},
        "resolvedTimezone": null,
    })
}

/// Adds the parameters of a query to its answer.
fn name_parameters(results: &mut Value, used: Map<String, Value>) {
    results["parameterReferences"] = used.keys().cloned().collect();
    results["usedParametersValues"] = used.into();
}

/// Returns the `limit` of a body; `None` if it is missing or null.
pub(super) fn limit(body: &Value) -> Result<Option<usize>, Answer> {
    match body.get("limit") {
        None | Some(Value::Null) => Ok(None),
        Some(limit) => match limit.as_f64() {
            Some(limit) if limit >= 0.0 => Ok(Some(limit as usize)),
            _ => Err(errors::invalid("body.limit", "invalid float number", None)),
        },
    }
}

/// Returns the `context` of a request.
pub(super) fn context(body: &Value, default: &str) -> String {
    let given = body.get("context").and_then(Value::as_str);
    given.unwrap_or(default).to_owned()
}
