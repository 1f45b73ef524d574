//! The query history of an account.

use jiff::{Timestamp, ToSpan as _};
use serde_json::{Value, json};

use super::Lightdash;
use super::catalog::page_of;
use super::errors;
use super::state::{Account, End, Query};
use crate::credentials::LIGHTDASH_PROJECT_UUID;
use crate::exchange::{Answer, Request};
use crate::progress::Stage;

const DEFAULT_PAGE: usize = 25;
const LARGEST_PAGE: usize = 100;

impl Lightdash {
    /// Lists the queries of a user, newest first. Service accounts have no history.
    pub(super) fn history(&self, request: &Request, account: Account) -> Answer {
        if account == Account::Service {
            let message = "Query history is available to registered users only";
            return errors::error(403, "ForbiddenError", message);
        }
        let state = self.state();
        let items: Vec<Value> = state
            .queries
            .newest_first()
            .filter(|(_, query)| query.account == account)
            .map(|(id, query)| item(id, query))
            .filter(|item| {
                let fits = |name: &str| request.query(name).is_none_or(|text| item[name] == text);
                let search = request.query("search").unwrap_or_default().to_lowercase();
                let sql = item["compiledSql"].as_str().unwrap_or_default();
                fits("status")
                    && fits("language")
                    && fits("trigger")
                    && sql.to_lowercase().contains(&search)
            })
            .collect();
        let total = items.len();
        match page_of(request, items, DEFAULT_PAGE, LARGEST_PAGE) {
            Ok((page, pagination)) => errors::ok(&json!({
                "data": page,
                "pagination": pagination,
                "counts": {
                    "total": total,
                    "warehouseTimeMsLast7Days": total * 32,
                    "windows": {
                        "lastFewMinutes": total,
                        "lastHour": total,
                        "last24Hours": total,
                        "last7Days": total,
                        "last30Days": total,
                    },
                    "triggers": { "interactive": total, "apps": 0, "scheduled": 0 },
                },
            })),
            Err(answer) => answer,
        }
    }
}

fn item(id: &str, query: &Query) -> Value {
    let time = |at: Timestamp| format!("{at:.3}");
    let (status, rows, error, errored_at) = match (&query.end, query.progress.stage()) {
        _ if query.cancelled => ("cancelled", None, None, None),
        (_, Stage::Pending) => ("pending", None, None, None),
        (_, Stage::Queued) => ("queued", None, None, None),
        (_, Stage::Executing) => ("executing", None, None, None),
        (End::Ready(table), Stage::Done) => ("ready", Some(table.rows.len()), None, None),
        (End::Failed { message, at }, Stage::Done) => {
            ("error", None, Some(message.clone()), Some(time(*at)))
        }
    };
    let metric_query = query.metric_query.as_ref().map(|query| query.json.clone());
    let language = if metric_query.is_some() {
        "semantic"
    } else {
        "sql"
    };
    let explore = metric_query
        .as_ref()
        .map(|query| query["exploreName"].clone());
    let is_ready = rows.is_some();
    json!({
        "queryUuid": id,
        "projectUuid": LIGHTDASH_PROJECT_UUID,
        "createdAt": time(query.created_at),
        "context": query.context,
        "trigger": "interactive",
        "language": language,
        "status": status,
        "title": explore.clone().unwrap_or_else(|| "SQL".into()),
        "subline": "",
        "error": error,
        "erroredAt": errored_at,
        "exploreName": explore,
        "metricQuery": metric_query,
        "requestParameters": query.request,
        "chartName": null,
        "chartUuid": null,
        "savedSqlUuid": null,
        "dashboardName": null,
        "dashboardUuid": null,
        "compiledSql": query.sql,
        "totalRowCount": rows,
        "warehouseExecutionTimeMs": is_ready.then_some(32),
        "cacheHit": false,
        "resultsExpiresAt": is_ready.then(|| time(query.created_at + 24.hours())),
        "resultsUpdatedAt": is_ready.then(|| time(query.created_at + 46.milliseconds())),
        "processingStartedAt": time(query.created_at + 14.milliseconds()),
    })
}
