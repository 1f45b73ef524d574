//! Feature `project`: a project with its settings.

use crate::support::{ok, start};

#[tokio::test]
async fn a_project_says_where_its_queries_run() {
    let (sandbox, client) = start().await;
    let project = |rest: &str| {
        ok(format!(
            r#"{{"projectUuid": "p", "organizationUuid": "o", "name": "Atoll", "type": "DEFAULT",
                "dbtVersion": "v1.9", "hasDefaultUserSpaces": false, "schedulerTimezone": "UTC",
                "schedulerFailureNotifyRecipients": false, "schedulerFailureIncludeContact": false,
                "schedulerFailureContactOverride": null, "queryTimezone": null,
                "useProjectTimezoneInFilters": false{rest}}}"#
        ))
    };
    sandbox.fault(project(
        r#", "warehouseConnection": {"type": "postgres", "schema": "public", "dbname": "sea",
             "port": 5432, "startOfWeek": null},
           "dbtConnection": {"type": "none", "target": "dev", "later": [1]}"#,
    ));
    let get = || client.get_project().project_uuid("p");
    let atoll = get().send().await.unwrap().into_inner().results;
    let warehouse = atoll.warehouse_connection.unwrap();
    assert_eq!(warehouse.type_.as_str(), "postgres");
    assert_eq!(warehouse.schema.as_deref(), Some("public"));
    assert_eq!(warehouse.extra["dbname"], "sea");
    assert_eq!(atoll.dbt_connection.unwrap().target.as_deref(), Some("dev"));

    sandbox.fault(project(r#", "warehouseConnection": {"type": "hologram"}"#));
    let atoll = get().send().await.unwrap().into_inner().results;
    assert!(atoll.warehouse_connection.unwrap().type_.is_unknown());
    sandbox.fault(project(""));
    let atoll = get().send().await.unwrap().into_inner().results;
    assert!(atoll.warehouse_connection.is_none() && atoll.dbt_connection.is_none());
}
