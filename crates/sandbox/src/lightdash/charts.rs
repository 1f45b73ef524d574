//! Saved charts and the dashboard, and their execution.

use serde_json::{Value, json};

use super::Lightdash;
use super::catalog::{ORGANIZATION_UUID, SPACE_UUID, USER_UUID, author, view_statistics};
use super::errors;
use super::execute::{Run, common, context, limit};
use super::explore::MetricQuery;
use super::pivot::Pivot;
use super::state::Account;
use crate::credentials::LIGHTDASH_PROJECT_UUID;
use crate::exchange::{Answer, Request};

pub(super) const CHART_UUID: &str = "0a5f3d82-7c4e-4b19-86d0-e2b1f9c7a348";
pub(super) const CHART_NAME: &str = "Traded value a day";
pub(super) const SQL_CHART_UUID: &str = "5e2d9c71-40b8-4f6a-9d13-c7a6e8b05f24";
pub(super) const SQL_CHART_SLUG: &str = "trades-by-project";
pub(super) const SQL_CHART_NAME: &str = "Trades by project";
pub(super) const DASHBOARD_UUID: &str = "c3b81e06-9a57-4d2c-8f40-6d1e5b7a9c83";
pub(super) const DASHBOARD_NAME: &str = "Trading";
const CHART_TILE_UUID: &str = "7f1a6c59-2e83-4b0d-95c6-a8d4e0f3b712";
const SQL_CHART_TILE_UUID: &str = "e86b2d40-c5f7-4913-b28a-1f9d7c3e6a05";

const SQL_CHART: &str =
    "SELECT project, count(*) AS trades FROM trades GROUP BY project ORDER BY project";
const SQL_CHART_LIMIT: usize = 500;

/// The largest limit of a saved chart.
const MAX_LIMIT: usize = 5_000;

/// Returns the metric query of the saved chart.
fn chart_query() -> Value {
    json!({
        "exploreName": "trades",
        "dimensions": ["trades_block_date", "trades_project"],
        "metrics": ["trades_total_usd"],
        "filters": {},
        "sorts": [
            { "fieldId": "trades_block_date", "descending": false },
            { "fieldId": "trades_project", "descending": false },
        ],
        "limit": 500,
        "tableCalculations": [],
    })
}

/// Returns the pivot of the saved chart: one column per project.
fn chart_pivot() -> Value {
    json!({
        "indexColumn": { "reference": "trades_block_date", "type": "time" },
        "groupByColumns": [{ "reference": "trades_project" }],
        "valuesColumns": [{ "reference": "trades_total_usd", "aggregation": "any" }],
        "sortBy": [{ "reference": "trades_block_date", "direction": "ASC" }],
    })
}

impl Lightdash {
    pub(super) fn execute_chart(&self, request: &Request, account: Account) -> Answer {
        let body = request.json().unwrap_or_default();
        done(
            wanted(&body, "chartUuid", &[CHART_UUID], "Chart")
                .and_then(|()| self.start_chart(account, &body, "chartView")),
        )
    }

    pub(super) fn execute_dashboard_chart(&self, request: &Request, account: Account) -> Answer {
        let body = request.json().unwrap_or_default();
        done(
            wanted(&body, "chartUuid", &[CHART_UUID], "Chart")
                .and_then(|()| wanted(&body, "dashboardUuid", &[DASHBOARD_UUID], "Dashboard"))
                .and_then(|()| wanted(&body, "tileUuid", &[CHART_TILE_UUID], "Tile"))
                .and_then(|()| dashboard_filters(&body))
                .and_then(|applied| {
                    let mut results = self.start_chart(account, &body, "dashboardView")?;
                    results["appliedDashboardFilters"] = applied;
                    results["dateZoomApplied"] = false.into();
                    // every other metric query has warnings, this one does not
                    if let Some(results) = results.as_object_mut() {
                        results.remove("warnings");
                    }
                    Ok(results)
                }),
        )
    }

    pub(super) fn execute_sql_chart(&self, request: &Request, account: Account) -> Answer {
        let body = request.json().unwrap_or_default();
        done(self.start_sql_chart(account, &body, "sqlChartView"))
    }

    pub(super) fn execute_dashboard_sql_chart(
        &self,
        request: &Request,
        account: Account,
    ) -> Answer {
        let body = request.json().unwrap_or_default();
        done(
            wanted(&body, "dashboardUuid", &[DASHBOARD_UUID], "Dashboard")
                .and_then(|()| wanted(&body, "tileUuid", &[SQL_CHART_TILE_UUID], "Tile"))
                .and_then(|()| dashboard_filters(&body))
                .and_then(|applied| {
                    let mut results = self.start_sql_chart(account, &body, "dashboardView")?;
                    results["appliedDashboardFilters"] = applied;
                    Ok(results)
                }),
        )
    }

    fn start_chart(&self, account: Account, body: &Value, from: &str) -> Result<Value, Answer> {
        let mut query = MetricQuery::read(&chart_query(), "chart")?;
        query.limit = self.cut_limit(body, query.limit, query.width())?;
        // the limit that is applied
        query.json["limit"] = query.limit.into();
        if !body["filters"].is_null() && !body["filters"].is_object() {
            return Err(errors::invalid("body.filters", "invalid object", None));
        }
        query.add_filters(&body["filters"]);
        query.restrict(&body["dashboardFilters"]);
        let pivot = if body["pivotResults"] == true {
            Pivot::read(&chart_pivot())?
        } else {
            None
        };
        self.start_metric_query(account, query, pivot, body, from)
    }

    fn start_sql_chart(&self, account: Account, body: &Value, from: &str) -> Result<Value, Answer> {
        if body.get("savedSqlUuid").is_some() {
            wanted(body, "savedSqlUuid", &[SQL_CHART_UUID], "SQL chart")?;
        } else {
            wanted(body, "slug", &[SQL_CHART_SLUG], "SQL chart")?;
        }
        let limit = limit(body)?.unwrap_or(SQL_CHART_LIMIT);
        let mut run = Run::sql(body, SQL_CHART, limit);
        run.context = context(body, from);
        Ok(common(&self.start(account, run)))
    }

    /// Returns the row limit of a chart. The stored limit must not exceed [`MAX_LIMIT`]. A
    /// requested limit, or null for all rows, is reduced without notice.
    pub(super) fn cut_limit(
        &self,
        body: &Value,
        stored: usize,
        width: usize,
    ) -> Result<usize, Answer> {
        let given = limit(body)?;
        if given.is_none() && body.get("limit").is_none() {
            if stored > MAX_LIMIT {
                let message = format!("Query limit can not exceed {MAX_LIMIT}");
                return Err(errors::parameter(&message));
            }
            return Ok(stored);
        }
        let cells = self.world.options.lightdash_csv_cells_limit;
        Ok(given.unwrap_or(usize::MAX).min(cells / width.max(1)))
    }

    pub(super) fn saved_sql_chart(&self, uuid: &str) -> Answer {
        if uuid != SQL_CHART_UUID {
            return errors::error(404, "NotFoundError", "Saved sql chart not found");
        }
        let (_, created_at) = view_statistics();
        errors::ok(&json!({
            "savedSqlUuid": SQL_CHART_UUID,
            "slug": SQL_CHART_SLUG,
            "name": SQL_CHART_NAME,
            "description": null,
            "sql": SQL_CHART,
            "limit": SQL_CHART_LIMIT,
            "chartKind": "table",
            "config": { "type": "table", "metadata": { "version": 1 }, "columns": {} },
            "createdAt": created_at,
            "createdBy": author(),
            "lastUpdatedAt": created_at,
            "lastUpdatedBy": author(),
            "firstViewedAt": created_at,
            "lastViewedAt": created_at,
            "views": 1,
            "resolvedColorPalette": {
                "source": { "type": "default" },
                "paletteName": null,
                "paletteUuid": null,
                "darkColors": null,
                "colors": ["#5470c6", "#fc8452", "#91cc75"],
            },
            "dashboard": null,
            "organization": { "organizationUuid": ORGANIZATION_UUID },
            "project": { "projectUuid": LIGHTDASH_PROJECT_UUID },
            "space": { "uuid": SPACE_UUID, "name": "Shared" },
        }))
    }
}

/// Returns the charts in the format of the project's list.
pub(super) fn charts() -> Vec<Value> {
    let chart = |uuid: &str, name: &str, slug: &str, kind: &str, source: &str| {
        let (views, viewed_at) = view_statistics();
        json!({
            "uuid": uuid,
            "name": name,
            "slug": slug,
            "description": "What was traded.",
            "organizationUuid": ORGANIZATION_UUID,
            "projectUuid": LIGHTDASH_PROJECT_UUID,
            "spaceUuid": SPACE_UUID,
            "spaceName": "Shared",
            "pinnedListUuid": null,
            "pinnedListOrder": null,
            "dashboardUuid": null,
            "dashboardName": null,
            "chartType": if kind == "table" { "table" } else { "cartesian" },
            "chartKind": kind,
            "source": source,
            "updatedAt": viewed_at,
            "views": views,
            "firstViewedAt": viewed_at,
            "verification": null,
            "validationErrors": [],
        })
    };
    vec![
        chart(
            CHART_UUID,
            CHART_NAME,
            "traded-value-a-day",
            "line",
            "dbt_explore",
        ),
        chart(
            SQL_CHART_UUID,
            SQL_CHART_NAME,
            SQL_CHART_SLUG,
            "table",
            "sql",
        ),
    ]
}

/// Returns the dashboard in the format of the project's list.
pub(super) fn dashboard() -> Value {
    let (views, viewed_at) = view_statistics();
    json!({
        "uuid": DASHBOARD_UUID,
        "name": DASHBOARD_NAME,
        "slug": "trading",
        "description": "Both charts.",
        "organizationUuid": ORGANIZATION_UUID,
        "projectUuid": LIGHTDASH_PROJECT_UUID,
        "spaceUuid": SPACE_UUID,
        "pinnedListUuid": null,
        "pinnedListOrder": null,
        "updatedAt": viewed_at,
        "updatedByUser": { "userUuid": USER_UUID, "firstName": "Robin", "lastName": "Reef" },
        "views": views,
        "firstViewedAt": viewed_at,
        "verification": null,
        "validationErrors": [],
        "tileTypes": ["saved_chart", "sql_chart"],
    })
}

pub(super) fn done(results: Result<Value, Answer>) -> Answer {
    match results {
        Ok(results) => errors::ok(&results),
        Err(answer) => answer,
    }
}

/// Checks that a field of the body names a known item.
fn wanted(body: &Value, field: &str, known: &[&str], what: &str) -> Result<(), Answer> {
    let Some(given) = body.get(field).and_then(Value::as_str) else {
        return Err(errors::required(&format!("body.{field}")));
    };
    if known.contains(&given) {
        Ok(())
    } else {
        let message = format!("{what} {given} not found");
        Err(errors::error(404, "NotFoundError", &message))
    }
}

fn dashboard_filters(body: &Value) -> Result<Value, Answer> {
    match &body["dashboardFilters"] {
        Value::Object(filters) => Ok(filters.clone().into()),
        _ => Err(errors::required("body.dashboardFilters")),
    }
}
