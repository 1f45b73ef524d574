//! Feature `saved-charts`: a chart that was saved from SQL.

use crate::support::{ok, start};

#[tokio::test]
async fn a_saved_chart_holds_its_statement() {
    let (sandbox, client) = start().await;
    let chart = |config: &str, rest: &str| {
        ok(format!(
            r#"{{"savedSqlUuid": "s", "name": "Tides", "description": null, "slug": "tides",
                "sql": "select 1", "limit": 500, "chartKind": "line", "views": 2,
                "createdAt": "2026-02-03T04:05:06Z", "lastUpdatedAt": "2026-02-03T04:05:06Z",
                "firstViewedAt": "2026-02-03T04:05:06Z", "lastViewedAt": "2026-02-03T04:05:06Z",
                "organization": {{"organizationUuid": "o"}}, "project": {{"projectUuid": "p"}},
                "space": {{"uuid": "sp", "name": "Shared"}}, "dashboard": null,
                "config": {config}{rest}}}"#
        ))
    };
    let get = || {
        let call = client.get_saved_sql_chart().project_uuid("p");
        call.uuid("s").send()
    };
    sandbox.fault(chart(
        r#"{"type": "line", "metadata": {"version": 1}, "fieldConfig": {
            "x": {"reference": "at", "type": "time"}, "y": [{"reference": "n", "aggregation": "sum"}]},
            "display": {"any": ["thing"]}}"#,
        r#", "createdBy": {"userUuid": "u", "firstName": "A", "lastName": "B"},
            "lastUpdatedBy": null"#,
    ));
    let tides = get().await.unwrap().into_inner().results;
    assert_eq!(tides.sql, "select 1");
    assert_eq!(tides.limit, 500);
    assert_eq!(tides.created_by.unwrap().first_name.as_deref(), Some("A"));
    sandbox.fault(chart(r#"{"type": "hologram"}"#, ""));
    let tides = get().await.unwrap().into_inner().results;
    assert!(tides.config.type_.is_unknown());
}
