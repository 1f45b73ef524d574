//! The organization, its project, and its content.

use serde_json::{Value, json};

use super::Lightdash;
use super::charts;
use super::encode::type_name;
use super::errors;
use super::explore;
use super::state::Account;
use crate::credentials::LIGHTDASH_PROJECT_UUID;
use crate::exchange::{Answer, Request};

pub(super) const ORGANIZATION_UUID: &str = "1d0b6c3e-58f2-4a9b-8b1c-7f3e2d4c5a60";
pub(super) const USER_UUID: &str = "b2a47f90-6e1d-4c38-9d57-0f8e3c1a2b44";
const VIEWER_UUID: &str = "58d9a3c4-1f27-4e80-b6a5-9c0e2d7f4b18";
const SERVICE_USER_UUID: &str = "e94c12d7-0b3a-4f65-8a2e-5d7c6b9f1033";
pub(super) const SPACE_UUID: &str = "47c9e0a1-2f6b-4d83-b5e4-9a1c8d7f6e52";
const CREATED_AT: &str = "2024-05-01T09:00:00.000Z";

impl Lightdash {
    /// Does not require a token. Only this answer reports the page size limit.
    pub(super) fn health(&self, is_authenticated: bool) -> Answer {
        errors::ok(&json!({
            "healthy": true,
            "mode": "default",
            "version": "1.237.0",
            "isAuthenticated": is_authenticated,
            "query": {
                "maxLimit": 5000,
                "queryMaxLimit": 5000,
                "maxPageSize": self.world.options.lightdash_max_page_size,
                "csvCellsLimit": self.world.options.lightdash_csv_cells_limit,
                "csvMaxLimit": 100_000,
                "defaultLimit": 500,
            },
        }))
    }

    pub(super) fn user(&self, account: Account) -> Answer {
        let (uuid, first, last, id) = match account {
            Account::User => (USER_UUID, "Robin", "Reef", 1),
            Account::Viewer => (VIEWER_UUID, "Vera", "Viewer", 3),
            Account::Service => (SERVICE_USER_UUID, "Service", "account", 2),
        };
        errors::ok(&json!({
            "userUuid": uuid,
            "userId": id,
            "firstName": first,
            "lastName": last,
            "email": "robin@example.org",
            "organizationUuid": ORGANIZATION_UUID,
            "organizationName": "Rowfeed",
            "organizationCreatedAt": CREATED_AT,
            "role": if account == Account::Viewer { "viewer" } else { "admin" },
            "isTrackingAnonymized": true,
            "isMarketingOptedIn": false,
            "isSetupComplete": true,
            "isActive": true,
            "createdAt": CREATED_AT,
            "updatedAt": CREATED_AT,
            "timezone": null,
            "avatarUrl": null,
            "avatarGradient": null,
            "impersonation": null,
        }))
    }

    pub(super) fn organization(&self) -> Answer {
        errors::ok(&json!({
            "organizationUuid": ORGANIZATION_UUID,
            "name": "Rowfeed",
            "createdAt": CREATED_AT,
            "needsProject": false,
            "defaultProjectUuid": LIGHTDASH_PROJECT_UUID,
        }))
    }

    pub(super) fn projects(&self) -> Answer {
        errors::ok(&json!([{
            "projectUuid": LIGHTDASH_PROJECT_UUID,
            "name": "Sandbox",
            "slug": "sandbox",
            "type": "DEFAULT",
            "createdByUserUuid": USER_UUID,
            "createdByUserName": "Robin Reef",
            "createdAt": CREATED_AT,
            "upstreamProjectUuid": null,
            "warehouseType": "postgres",
            "expiresAt": null,
        }]))
    }

    pub(super) fn in_project(&self, request: &Request, account: Account, path: &[&str]) -> Answer {
        match path {
            [] => errors::ok(&project()),
            ["spaces"] => errors::ok(&json!([space()])),
            ["charts"] => errors::ok(&charts::charts()),
            ["dashboards"] => errors::ok(&json!([charts::dashboard()])),
            ["explores"] => errors::ok(&json!([explore::summary()])),
            ["explores", name] => explore::whole(name),
            ["sqlRunner", "results", file] => self.sql_runner_results(account, file),
            ["sqlRunner", "saved", uuid] => self.saved_sql_chart(uuid),
            ["sqlRunner", "tables"] => errors::ok(&json!({
                "postgres": { "sandbox": { "trades": {}, "projects": {} } },
            })),
            ["sqlRunner", "fields"] => self.table_fields(request.query("tableName")),
            _ => errors::no_endpoint(),
        }
    }

    /// Returns the columns of a table in the database.
    fn table_fields(&self, table: Option<&str>) -> Answer {
        let Some(table) = table.filter(|name| !name.is_empty()) else {
            return errors::required("tableName");
        };
        let sql = format!("SELECT * FROM {} LIMIT 0", crate::sql::quoted(table));
        match self.world.run_one(crate::service::Service::Lightdash, &sql) {
            Ok(crate::world::Outcome::Neutral(table)) => {
                let fields: serde_json::Map<String, Value> = table
                    .columns
                    .iter()
                    .map(|column| {
                        (
                            column.expression.clone(),
                            type_name(column.column_type).into(),
                        )
                    })
                    .collect();
                errors::ok(&fields)
            }
            _ => errors::error(404, "NotFoundError", &format!("Table {table} not found")),
        }
    }

    /// Searches charts, dashboards and spaces by kind and name.
    pub(super) fn content(&self, request: &Request) -> Answer {
        let items = [
            content_item("chart", charts::CHART_UUID, charts::CHART_NAME, "line"),
            content_item(
                "chart",
                charts::SQL_CHART_UUID,
                charts::SQL_CHART_NAME,
                "table",
            ),
            content_item(
                "dashboard",
                charts::DASHBOARD_UUID,
                charts::DASHBOARD_NAME,
                "",
            ),
            content_item("space", SPACE_UUID, "Shared", ""),
        ];
        let wanted = |name: &str, found: &Value| {
            let given: Vec<&str> = request
                .query
                .iter()
                .filter(|(key, _)| key == name)
                .flat_map(|(_, value)| value.split(','))
                .collect();
            given.is_empty() || given.iter().any(|given| found == given)
        };
        let search = request.query("search").unwrap_or_default().to_lowercase();
        let found = items
            .into_iter()
            .filter(|item| {
                let name = item["name"].as_str().unwrap_or_default().to_lowercase();
                wanted("contentTypes", &item["contentType"])
                    && wanted("projectUuids", &item["project"]["uuid"])
                    && wanted("spaceUuids", &item["space"]["uuid"])
                    && wanted("uuids", &item["uuid"])
                    && name.contains(&search)
            })
            .collect();
        match page_of(request, found, 10, 100) {
            Ok((page, pagination)) => {
                errors::ok(&json!({ "data": page, "pagination": pagination }))
            }
            Err(answer) => answer,
        }
    }
}

/// Returns a page of a list, and its pagination object.
pub(super) fn page_of(
    request: &Request,
    items: Vec<Value>,
    default: usize,
    most: usize,
) -> Result<(Vec<Value>, Value), Answer> {
    let number = |name: &str, default: usize| match request.query(name) {
        None => Ok(default),
        Some(text) => match text.parse::<usize>() {
            Ok(number) if number > 0 => Ok(number),
            _ => Err(errors::invalid(name, "invalid float number", Some(text))),
        },
    };
    let (page, size) = (number("page", 1)?, number("pageSize", default)?.min(most));
    let total = items.len();
    let shown = items
        .into_iter()
        .skip((page - 1).saturating_mul(size))
        .take(size)
        .collect();
    let pagination = json!({
        "page": page,
        "pageSize": size,
        "totalPageCount": total.div_ceil(size),
        "totalResults": total,
    });
    Ok((shown, pagination))
}

/// The number of views of a chart, and the time of the first.
pub(super) const fn view_statistics() -> (u32, &'static str) {
    (3, CREATED_AT)
}

/// The author of the charts.
pub(super) fn author() -> Value {
    json!({ "userUuid": USER_UUID, "firstName": "Robin", "lastName": "Reef" })
}

fn content_item(kind: &str, uuid: &str, name: &str, chart_kind: &str) -> Value {
    let author = json!({ "uuid": USER_UUID, "firstName": "Robin", "lastName": "Reef" });
    let mut item = json!({
        "contentType": kind,
        "uuid": uuid,
        "slug": name.to_lowercase().replace(' ', "-"),
        "name": name,
        "description": null,
        "createdAt": CREATED_AT,
        "createdBy": author,
        "lastUpdatedAt": CREATED_AT,
        "lastUpdatedBy": author,
        "project": { "uuid": LIGHTDASH_PROJECT_UUID, "name": "Sandbox" },
        "organization": { "uuid": ORGANIZATION_UUID, "name": "Rowfeed" },
        "space": { "uuid": SPACE_UUID, "name": "Shared" },
        "pinnedList": null,
        "views": 3,
        "firstViewedAt": CREATED_AT,
        "verification": null,
    });
    match kind {
        "chart" => {
            item["chartKind"] = chart_kind.into();
            item["source"] = if chart_kind == "table" {
                "sql"
            } else {
                "dbt_explore"
            }
            .into();
            item["dashboard"] = Value::Null;
        }
        "space" => {
            item["inheritParentPermissions"] = true.into();
            item["dashboardCount"] = 1.into();
            item["chartCount"] = 2.into();
            item["childSpaceCount"] = 0.into();
            item["appCount"] = 0.into();
            item["parentSpaceUuid"] = Value::Null;
            item["path"] = "shared".into();
            item["access"] = json!([USER_UUID]);
        }
        _ => {}
    }
    item
}

fn project() -> Value {
    json!({
        "organizationUuid": ORGANIZATION_UUID,
        "projectUuid": LIGHTDASH_PROJECT_UUID,
        "name": "Sandbox",
        "slug": "sandbox",
        "type": "DEFAULT",
        "dbtConnection": { "type": "none" },
        "warehouseConnection": {
            "type": "postgres",
            "schema": "sandbox",
            "host": "localhost",
            "port": 5432,
            "dbname": "postgres",
        },
        "dbtVersion": "v1.10",
        "schedulerTimezone": "UTC",
        "queryTimezone": null,
        "useProjectTimezoneInFilters": false,
        "schedulerFailureNotifyRecipients": true,
        "schedulerFailureIncludeContact": true,
        "schedulerFailureContactOverride": null,
        "createdByUserUuid": USER_UUID,
        "hasDefaultUserSpaces": false,
        "colorPaletteUuid": null,
        "expiresAt": null,
        "provisioningSource": null,
        "agentSqlScope": null,
    })
}

fn space() -> Value {
    json!({
        "uuid": SPACE_UUID,
        "name": "Shared",
        "slug": "shared",
        "path": "shared",
        "organizationUuid": ORGANIZATION_UUID,
        "projectUuid": LIGHTDASH_PROJECT_UUID,
        "parentSpaceUuid": null,
        "pinnedListUuid": null,
        "pinnedListOrder": null,
        "inheritParentPermissions": true,
        "inheritsFromOrgOrProject": true,
        "projectMemberAccessRole": null,
        "access": [USER_UUID],
        "chartCount": 2,
        "dashboardCount": 1,
        "childSpaceCount": 0,
        "appCount": 0,
    })
}
