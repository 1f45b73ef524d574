//! Lightdash: queries, their pages, and the content of the project.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use crate::credentials::{
    LIGHTDASH_PROJECT_UUID, LIGHTDASH_SERVICE_TOKEN, LIGHTDASH_TOKEN, LIGHTDASH_VIEWER_TOKEN,
};
use crate::exchange::{Answer, Request};
use crate::world::World;

mod calculations;
mod catalog;
mod charts;
mod derived;
mod downloads;
mod encode;
mod errors;
mod execute;
mod explore;
mod filters;
mod history;
mod merge;
mod parameters;
mod periods;
mod pivot;
mod results;
mod sources;
mod sql_runner;
mod state;

use state::{Account, State};

pub(crate) struct Lightdash {
    world: Arc<World>,
    state: Mutex<State>,
}

impl Lightdash {
    pub(crate) fn new(world: Arc<World>) -> Self {
        Self {
            world,
            state: Mutex::new(State::new()),
        }
    }

    pub(crate) fn answer(&self, request: &Request) -> Answer {
        let (method, path) = request.route();
        let [first, path @ ..] = path.as_slice() else {
            return errors::single_page();
        };
        if let ("download", [file]) = (*first, path)
            && let Some(answer) = self.download(file)
        {
            return answer;
        }
        if *first != "api" {
            return errors::single_page();
        }
        if let ("GET", ["v1", "health"]) = (method, path) {
            return self.health(account(request).is_ok());
        }
        let account = match account(request) {
            Ok(account) => account,
            Err(_) if !is_known(method, path) => return errors::no_endpoint(),
            Err(answer) => return answer,
        };
        // an unknown operation is unknown in every project
        if !is_known(method, path) {
            return errors::no_endpoint();
        }
        match (method, path) {
            ("GET", ["v1", "user"]) => self.user(account),
            ("GET", ["v1", "org"]) => self.organization(),
            ("GET", ["v1", "org", "projects"]) => self.projects(),
            ("GET", ["v1", "schedulers", "job", job, "status"]) => {
                self.job_status(request, account, job)
            }
            ("GET", ["v1", "projects", project, rest @ ..]) if is_ours(project) => {
                self.in_project(request, account, rest)
            }
            ("POST", ["v1", "projects", project, "sqlRunner", "run"]) if is_ours(project) => {
                self.run_sql(request, account)
            }
            (
                "POST",
                [
                    "v1",
                    "projects",
                    project,
                    "explores",
                    explore,
                    "compileQuery",
                ],
            ) if is_ours(project) => explore::compile(request, explore),
            ("GET", ["v2", "content"]) => self.content(request),
            (_, ["v2", "projects", project, "query", rest @ ..]) if is_ours(project) => {
                self.query(request, account, rest)
            }
            (_, ["v2", "projects", project, "query-sources", rest @ ..]) if is_ours(project) => {
                self.route_sources(request, account, rest)
            }
            ("GET", ["v2", "projects", project, "query", query]) => {
                errors::no_query(query, project)
            }
            (_, ["v1" | "v2", "projects", project, ..]) => errors::no_project(project),
            _ => errors::no_endpoint(),
        }
    }

    fn query(&self, request: &Request, account: Account, path: &[&str]) -> Answer {
        if let Some(answer) = wrong_context(request) {
            return answer;
        }
        match (request.method.as_str(), path) {
            ("POST", ["sql" | "compose-sql"]) if account == Account::Viewer => {
                errors::error(403, "ForbiddenError", "You don't have access to run SQL")
            }
            ("POST", ["sql"]) => self.execute_sql(request, account),
            ("POST", ["metric-query"]) => self.execute_metric_query(request, account),
            ("POST", ["chart"]) => self.execute_chart(request, account),
            ("POST", ["dashboard-chart"]) => self.execute_dashboard_chart(request, account),
            ("POST", ["sql-chart"]) => self.execute_sql_chart(request, account),
            ("POST", ["dashboard-sql-chart"]) => self.execute_dashboard_sql_chart(request, account),
            ("POST", ["underlying-data"]) => self.underlying_data(request, account),
            ("POST", ["field-values"]) => self.field_values(request, account),
            ("POST", ["merge-query" | "compose-merge-query"]) => self.merge_query(request, account),
            ("POST", ["compose-sql"]) => self.compose_sql(request, account),
            ("GET", ["history"]) => self.history(request, account),
            ("GET", [query]) => self.results(request, account, query),
            ("POST", [query, "cancel"]) => self.cancel(account, query),
            ("POST", [query, "calculate-total"]) => self.calculate_total(request, account, query),
            ("POST", [query, "schedule-download"]) => {
                self.schedule_download(request, account, query)
            }
            _ => errors::no_endpoint(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the explore with its fields, and the charts and the dashboard.
pub(crate) fn contents() -> (Value, Vec<Value>) {
    let explore = json!({ "name": "trades", "fields": explore::field_ids() });
    let item =
        |kind: &str, name: &str, uuid: &str| json!({ "kind": kind, "name": name, "uuid": uuid });
    let charts = vec![
        item("chart", charts::CHART_NAME, charts::CHART_UUID),
        item("SQL chart", charts::SQL_CHART_NAME, charts::SQL_CHART_UUID),
        item("dashboard", charts::DASHBOARD_NAME, charts::DASHBOARD_UUID),
    ];
    (explore, charts)
}

/// The answer to a body of more than 5 MiB.
pub(crate) fn too_large() -> Answer {
    errors::error(413, "PayloadTooLargeError", "request entity too large")
}

/// The values of the `context` of a request.
const CONTEXTS: [&str; 32] = [
    "dashboardView",
    "autorefreshedDashboard",
    "exploreView",
    "filterAutocomplete",
    "chartView",
    "chartHistory",
    "sqlChartView",
    "sqlRunner",
    "viewUnderlyingData",
    "alert",
    "scheduledDelivery",
    "csvDownload",
    "gsheets",
    "scheduledGsheetsChart",
    "scheduledGsheetsDashboard",
    "scheduledGsheetsSqlChart",
    "scheduledChart",
    "scheduledDashboard",
    "calculateTotal",
    "calculateSubtotal",
    "embed",
    "ai",
    "mcp.run_metric_query",
    "mcp.run_sql",
    "mcp.search_field_values",
    "api",
    "cli",
    "metricsExplorer",
    "preAggregateMaterialization",
    "composeSqlRunner",
    "multiSourceQuery",
    "dataAppSample",
];

/// Returns the refusal of an unknown `context`.
fn wrong_context(request: &Request) -> Option<Answer> {
    let body = request.json()?;
    let given = body.get("context")?;
    if given.is_null() || given.as_str().is_some_and(|text| CONTEXTS.contains(&text)) {
        return None;
    }
    let known: Vec<String> = CONTEXTS.iter().map(|text| format!("'{text}'")).collect();
    let message = format!("should be one of the following; [{}]", known.join(","));
    Some(errors::invalid("body.context", &message, given.as_str()))
}

fn is_ours(project: &str) -> bool {
    project == LIGHTDASH_PROJECT_UUID
}

/// Returns whether the operation exists. An unknown operation is 404 with any credential.
fn is_known(method: &str, path: &[&str]) -> bool {
    match (method, path) {
        ("GET", ["v1", "user" | "org"] | ["v1", "org", "projects"] | ["v2", "content"])
        | ("GET", ["v1", "schedulers", "job", _, "status"])
        | ("GET", ["v1", "projects", _]) => true,
        ("GET", ["v1", "projects", _, rest @ ..]) => matches!(
            rest,
            ["spaces" | "charts" | "dashboards" | "explores"]
                | ["explores", _]
                | ["sqlRunner", "tables" | "fields"]
                | ["sqlRunner", "saved" | "results", _]
        ),
        ("POST", ["v1", "projects", _, rest @ ..]) => {
            matches!(rest, ["sqlRunner", "run"] | ["explores", _, "compileQuery"])
        }
        ("GET", ["v2", "projects", _, "query", _]) => true,
        ("POST", ["v2", "projects", _, "query", rest @ ..]) => matches!(
            rest,
            ["sql"
                | "metric-query"
                | "chart"
                | "dashboard-chart"
                | "sql-chart"
                | "dashboard-sql-chart"
                | "underlying-data"
                | "field-values"
                | "merge-query"
                | "compose-merge-query"
                | "compose-sql"]
                | [_, "cancel" | "calculate-total" | "schedule-download"]
        ),
        ("GET", ["v2", "projects", _, "query-sources", rest @ ..]) => {
            matches!(rest, [] | [_, "schema"] | ["queries", "status"])
        }
        ("POST", ["v2", "projects", _, "query-sources", "queries"]) => true,
        _ => false,
    }
}

/// Returns the account of the token.
fn account(request: &Request) -> Result<Account, Answer> {
    let header = request.header("authorization").unwrap_or_default();
    if let Some(token) = header.strip_prefix("ApiKey ") {
        return match token {
            LIGHTDASH_TOKEN => Ok(Account::User),
            LIGHTDASH_VIEWER_TOKEN => Ok(Account::Viewer),
            _ => Err(errors::unauthorized(
                "Personal access token is not recognised",
            )),
        };
    }
    if let Some(token) = header.strip_prefix("Bearer ") {
        return if token == LIGHTDASH_SERVICE_TOKEN {
            Ok(Account::Service)
        } else {
            Err(errors::unauthorized("Invalid service account token"))
        };
    }
    Err(errors::unauthorized("Failed to authorize user"))
}
