//! Running SQL, running metric queries, cancelling.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Lightdash;
use super::encode::{Clock, wire, wire_scripted};
use super::errors;
use super::explore::{self, MetricQuery};
use super::state::{Account, End, Query};
use crate::exchange::{Answer, Request};
use crate::ids;
use crate::progress::Progress;
use crate::service::Service;
use crate::sql::SqlError;
use crate::world::Outcome;

impl Lightdash {
    pub(super) fn execute_sql(&self, request: &Request, account: Account) -> Answer {
        let body = request.json().unwrap_or_default();
        let Some(sql) = body.get("sql").and_then(Value::as_str) else {
            return errors::required("body.sql");
        };
        let limit = match body.get("limit") {
            None | Some(Value::Null) => usize::MAX,
            Some(limit) => match limit.as_f64() {
                Some(limit) if limit >= 0.0 => limit as usize,
                _ => return errors::invalid("body.limit", "invalid float number", None),
            },
        };
        let outcome = self.world.run_one(Service::Lightdash, sql);
        let query_uuid = self.keep(account, outcome, limit, Clock::Sql);
        errors::ok(&common(&query_uuid))
    }

    pub(super) fn execute_metric_query(&self, request: &Request, account: Account) -> Answer {
        let body = request.json().unwrap_or_default();
        let query = match MetricQuery::read(&body) {
            Ok(query) => query,
            Err(answer) => return answer,
        };
        let sql = match explore::sql(&query) {
            Ok(sql) => sql,
            Err(answer) => return answer,
        };
        let outcome = self.world.run_one(Service::Lightdash, &sql);
        let query_uuid = self.keep(account, outcome, query.limit, Clock::Fields);
        let mut results = common(&query_uuid);
        results["resolvedTimezone"] = json!("UTC");
        results["warnings"] = json!([]);
        results["fields"] = explore::fields(&query);
        results["metricQuery"] = body["query"].clone();
        errors::ok(&results)
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

    fn keep(
        &self,
        account: Account,
        outcome: Result<Outcome, SqlError>,
        limit: usize,
        clock: Clock,
    ) -> String {
        let end = match outcome {
            Ok(outcome) => {
                let mut table = match outcome {
                    Outcome::Neutral(table) => wire(&table, clock),
                    Outcome::Scripted(table) => wire_scripted(table),
                };
                table.rows.truncate(limit);
                End::Ready(Arc::new(table))
            }
            Err(error) => End::Failed {
                message: error.message,
                at: Timestamp::now(),
            },
        };
        let query = Query {
            account,
            progress: Progress::new(self.world.options.poll_steps),
            cancelled: false,
            end,
            default_page_size: None,
        };
        let query_uuid = ids::uuid();
        self.state().queries.insert(query_uuid.clone(), query);
        query_uuid
    }
}

fn common(query_uuid: &str) -> Value {
    json!({
        "queryUuid": query_uuid,
        "cacheMetadata": { "cacheHit": false },
        "parameterReferences": [],
        "usedParametersValues": {},
        "resolvedTimezone": null,
    })
}
