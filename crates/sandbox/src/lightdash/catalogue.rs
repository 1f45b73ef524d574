//! The organisation, its project, and what is in it.

use serde_json::{Value, json};

use super::Lightdash;
use super::encode::type_name;
use super::errors;
use super::explore;
use super::state::Account;
use crate::credentials::LIGHTDASH_PROJECT_UUID;
use crate::exchange::Answer;

const ORGANISATION_UUID: &str = "1d0b6c3e-58f2-4a9b-8b1c-7f3e2d4c5a60";
const USER_UUID: &str = "b2a47f90-6e1d-4c38-9d57-0f8e3c1a2b44";
const SERVICE_USER_UUID: &str = "e94c12d7-0b3a-4f65-8a2e-5d7c6b9f1033";
const SPACE_UUID: &str = "47c9e0a1-2f6b-4d83-b5e4-9a1c8d7f6e52";
const CHART_UUID: &str = "0a5f3d82-7c4e-4b19-86d0-e2b1f9c7a348";
const CREATED_AT: &str = "2024-05-01T09:00:00.000Z";

impl Lightdash {
    /// Also without a token: the only place where the page size limit is told.
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
                "csvCellsLimit": 100_000,
                "csvMaxLimit": 100_000,
                "defaultLimit": 500,
            },
        }))
    }

    pub(super) fn user(&self, account: Account) -> Answer {
        let (uuid, first, last, id) = match account {
            Account::User => (USER_UUID, "Robin", "Reef", 1),
            Account::Service => (SERVICE_USER_UUID, "Service", "account", 2),
        };
        errors::ok(&json!({
            "userUuid": uuid,
            "userId": id,
            "firstName": first,
            "lastName": last,
            "email": "robin@example.org",
            "organizationUuid": ORGANISATION_UUID,
            "organizationName": "Rowfeed",
            "organizationCreatedAt": CREATED_AT,
            "role": "admin",
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

    pub(super) fn organisation(&self) -> Answer {
        errors::ok(&json!({
            "organizationUuid": ORGANISATION_UUID,
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

    pub(super) fn in_project(&self, path: &[&str]) -> Answer {
        match path {
            ["spaces"] => errors::ok(&json!([space()])),
            ["charts"] => errors::ok(&json!([chart()])),
            ["dashboards"] => errors::ok(&json!([])),
            ["explores"] => errors::ok(&json!([explore::summary()])),
            ["sqlRunner", "tables"] => errors::ok(&json!({
                "postgres": { "sandbox": {
                    "trades": { "partitionColumn": null },
                    "projects": { "partitionColumn": null },
                } },
            })),
            ["sqlRunner", "fields"] => {
                let fields: serde_json::Map<String, Value> = explore::TRADES_COLUMNS
                    .iter()
                    .map(|(name, column_type)| ((*name).to_owned(), type_name(*column_type).into()))
                    .collect();
                errors::ok(&fields)
            }
            _ => errors::no_endpoint(),
        }
    }
}

fn space() -> Value {
    json!({
        "uuid": SPACE_UUID,
        "name": "Shared",
        "slug": "shared",
        "path": "shared",
        "organizationUuid": ORGANISATION_UUID,
        "projectUuid": LIGHTDASH_PROJECT_UUID,
        "parentSpaceUuid": null,
        "pinnedListUuid": null,
        "pinnedListOrder": null,
        "inheritParentPermissions": true,
        "inheritsFromOrgOrProject": true,
        "projectMemberAccessRole": null,
        "access": [USER_UUID],
        "chartCount": 1,
        "dashboardCount": 0,
        "childSpaceCount": 0,
        "appCount": 0,
    })
}

fn chart() -> Value {
    json!({
        "uuid": CHART_UUID,
        "name": "Traded value a day",
        "slug": "traded-value-a-day",
        "description": "What was traded, by day and project.",
        "organizationUuid": ORGANISATION_UUID,
        "projectUuid": LIGHTDASH_PROJECT_UUID,
        "spaceUuid": SPACE_UUID,
        "spaceName": "Shared",
        "pinnedListUuid": null,
        "pinnedListOrder": null,
        "dashboardUuid": null,
        "dashboardName": null,
        "chartType": "cartesian",
        "chartKind": "line",
        "updatedAt": CREATED_AT,
        "views": 3,
        "firstViewedAt": CREATED_AT,
        "verification": null,
        "validationErrors": [],
    })
}
