//! The catalog: organization, projects, content, tables, limits of the server.

use rowfeed_lightdash::types::ContentType;
use rowfeed_sandbox::{LIGHTDASH_PROJECT_UUID, Sandbox};

use crate::support::{builder, ok, start};

#[tokio::test]
async fn health_says_the_limits_where_the_server_does() {
    let sandbox = Sandbox::builder()
        .lightdash_max_page_size(123)
        .start()
        .await
        .unwrap();
    let client = builder(&sandbox.lightdash_url()).build().unwrap();
    let health = client.get_health().send().await.unwrap().into_inner();
    assert_eq!(health.results.healthy, Some(true));
    assert_eq!(health.results.query.unwrap().max_page_size, Some(123));

    for old in [
        "{}",
        r#"{"healthy": true, "version": "0.3233.0", "query": null}"#,
        r#"{"healthy": false, "query": {"maxLimit": 5000}, "site": {"any": ["thing"]}}"#,
    ] {
        sandbox.fault(ok(old));
        let health = client.get_health().send().await.unwrap().into_inner();
        let limits = health.results.query.unwrap_or_default();
        assert_eq!(limits.max_page_size, None);
    }
}

#[tokio::test]
async fn the_sandbox_shows_user_organization_and_projects() {
    let (_sandbox, client) = start().await;
    let user = client.get_authenticated_user().send().await.unwrap();
    assert!(!user.results.user_uuid.is_empty());
    let mine = client.get_my_organization().send().await.unwrap();
    assert!(!mine.results.organization_uuid.is_empty());
    let projects = client.list_organization_projects().send().await.unwrap();
    assert_eq!(projects.results[0].project_uuid, LIGHTDASH_PROJECT_UUID);
}

#[tokio::test]
async fn a_user_of_an_older_server_has_fewer_fields() {
    let (sandbox, client) = start().await;
    sandbox.fault(ok(
        r#"{"userUuid": "u", "userId": 3, "firstName": "A", "lastName": "B", "email": null,
            "isTrackingAnonymized": false, "isMarketingOptedIn": false, "isSetupComplete": true,
            "isActive": true, "role": "hologram", "createdAt": "2026-02-03T04:05:06Z",
            "updatedAt": "2026-02-03T04:05:06Z"}"#,
    ));
    let user = client.get_authenticated_user().send().await.unwrap();
    assert_eq!(user.results.user_id, 3);
    assert!(user.results.role.as_ref().unwrap().is_unknown());
    assert_eq!(user.results.avatar_url, None);
}

#[tokio::test]
async fn content_of_every_kind_is_one_list() {
    let (sandbox, client) = start().await;
    let item = |kind: &str, rest: &str| {
        format!(
            r#"{{"contentType": "{kind}", "uuid": "u", "slug": "s", "name": "{kind} of tides",
                "createdAt": "2026-02-03T04:05:06Z", "views": 4,
                "organization": {{"uuid": "o", "name": "Reef"}},
                "project": {{"uuid": "p", "name": "Atoll"}}{rest}}}"#
        )
    };
    let items = [
        item(
            "chart",
            r#", "description": null, "chartKind": "line", "source": "sql", "dashboard": null,
               "space": {"uuid": "sp", "name": "Shared"}, "pinnedList": null, "verification": null,
               "createdBy": {"uuid": "u", "firstName": "A", "lastName": "B"}, "lastUpdatedBy": null"#,
        ),
        item("dashboard", r#", "firstViewedAt": null"#),
        item(
            "space",
            r#", "chartCount": 3, "dashboardCount": 1, "childSpaceCount": 0, "access": ["u"],
               "path": "shared", "parentSpaceUuid": null, "pinnedList": {"uuid": "l", "order": 0}"#,
        ),
        item(
            "data_app",
            r#", "latestVersionNumber": 2, "template": "hologram""#,
        ),
        item("hologram", ""),
    ];
    sandbox.fault(ok(format!(
        r#"{{"data": [{}], "pagination": {{"page": 1, "pageSize": 50, "totalPageCount": 1,
            "totalResults": 5}}}}"#,
        items.join(",")
    )));
    let page = client.list_content().send().await.unwrap().into_inner();
    let items = page.results.data;
    let kinds: Vec<_> = items.iter().map(|i| i.content_type.as_str()).collect();
    assert_eq!(
        kinds,
        ["chart", "dashboard", "space", "data_app", "hologram"]
    );
    assert_eq!(items[2].chart_count, Some(3));
    assert_eq!(items[0].space.as_ref().unwrap().name, "Shared");
    assert!(items[4].content_type.is_unknown());
    assert_eq!(ContentType::VALUES.len(), 4);
    assert_eq!(page.results.pagination.unwrap().total_results, 5);
}

#[tokio::test]
async fn charts_dashboards_and_spaces_of_a_project() {
    let (sandbox, client) = start().await;
    sandbox.fault(ok(
        r#"[{"uuid": "c", "name": "Tides", "slug": "tides", "organizationUuid": "o",
             "projectUuid": "p", "spaceUuid": "sp", "spaceName": "Shared", "pinnedListUuid": null,
             "pinnedListOrder": null, "dashboardUuid": null, "dashboardName": null,
             "chartKind": "big_number", "chartType": "hologram", "views": 3,
             "firstViewedAt": "2026-02-03T04:05:06Z", "updatedAt": "2026-02-03T04:05:06Z",
             "updatedByUser": {"userUuid": "u", "firstName": "A", "lastName": "B"},
             "validationErrors": [], "verification": null}]"#,
    ));
    let charts = client.list_charts_in_project().project_uuid("p").send();
    let charts = charts.await.unwrap().into_inner().results;
    assert_eq!(
        charts[0].chart_kind.as_ref().unwrap().as_str(),
        "big_number"
    );
    assert!(charts[0].chart_type.as_ref().unwrap().is_unknown());

    sandbox.fault(ok(
        r#"[{"uuid": "d", "name": "Harbour", "organizationUuid": "o", "projectUuid": "p",
             "spaceUuid": "sp", "pinnedListUuid": null, "pinnedListOrder": null, "views": 0,
             "firstViewedAt": null, "updatedAt": "2026-02-03T04:05:06Z", "validationErrors": null,
             "tileTypes": ["saved_chart", "hologram"]}]"#,
    ));
    let boards = client.list_dashboards_in_project().project_uuid("p").send();
    let boards = boards.await.unwrap().into_inner().results;
    assert_eq!(boards[0].tile_types[1].as_str(), "hologram");
    assert!(boards[0].validation_errors.is_empty());

    let (_sandbox, client) = start().await;
    let project = LIGHTDASH_PROJECT_UUID;
    let spaces = client.list_spaces_in_project().project_uuid(project);
    spaces.send().await.unwrap();
}

#[tokio::test]
async fn tables_of_the_warehouse_keep_their_order() {
    let (sandbox, client) = start().await;
    sandbox.fault(ok(
        r#"{"sea": {"public": {"tides": {}, "corals": {"partitionColumn":
            {"partitionType": "DATE", "field": "day"}}}, "audit": {}}, "air": {}}"#,
    ));
    let tables = client.list_warehouse_tables().project_uuid("p").send();
    let tables = tables.await.unwrap().into_inner().results;
    assert_eq!(tables.keys().collect::<Vec<_>>(), ["sea", "air"]);
    let public = &tables["sea"]["public"];
    assert_eq!(public.keys().collect::<Vec<_>>(), ["tides", "corals"]);
    assert_eq!(
        public["corals"].partition_column.as_ref().unwrap().field,
        "day"
    );
    sandbox.fault(ok(
        r#"{"zone": "string", "at": "timestamp", "shape": "hologram"}"#,
    ));
    let fields = client
        .list_warehouse_table_fields()
        .project_uuid("p")
        .schema_name("public")
        .table_name("tides")
        .send()
        .await
        .unwrap()
        .into_inner()
        .results;
    assert_eq!(fields.keys().collect::<Vec<_>>(), ["zone", "at", "shape"]);
    assert!(fields["shape"].is_unknown());
}
