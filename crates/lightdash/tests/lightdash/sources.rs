//! Feature `query-sources`: queries of several kinds in one request.

use rowfeed_lightdash::types::{QueryStatus, SourceQuery, SqlSourceQuery, UuidParameter};
use rowfeed_sandbox::LIGHTDASH_PROJECT_UUID;
use serde_json::{Value, json};

use crate::support::{ok, sent, start};

#[tokio::test]
async fn queries_go_out_with_the_kind_of_their_source() {
    let (sandbox, client) = start().await;
    sandbox.fault(ok(
        r#"{"queries": [{"nodeId": "a", "queryUuid": "q1", "sourceType": "sql"},
                        {"nodeId": "b", "queryUuid": "q2", "sourceType": "hologram"}]}"#,
    ));
    let query = SqlSourceQuery::builder().sql("select 1");
    let query: SqlSourceQuery = query.try_into().unwrap();
    let submitted = client
        .execute_source_queries()
        .project_uuid("p1")
        .body_map(|run| run.queries(vec![SourceQuery::from(query)]))
        .send()
        .await
        .unwrap()
        .into_inner()
        .results
        .queries;
    assert_eq!(submitted[0].query_uuid, "q1");
    assert!(submitted[1].source_type.is_unknown());
    let body: Value = serde_json::from_str(&sent(&sandbox).body).unwrap();
    assert_eq!(
        body,
        json!({"queries": [{"sourceType": "sql", "sql": "select 1"}]})
    );
}

#[tokio::test]
async fn each_query_has_a_status_of_its_own() {
    let (sandbox, client) = start().await;
    sandbox.fault(ok(
        r#"{"statuses": [{"queryUuid": "q1", "status": "ready", "error": null},
                        {"queryUuid": "q2", "status": "error", "error": "no such lagoon"},
                        {"queryUuid": "q3", "status": "snoozing"}]}"#,
    ));
    let ids: Vec<UuidParameter> = vec![
        LIGHTDASH_PROJECT_UUID.parse().unwrap(),
        "0f2e1d3c-4b5a-4978-8f6e-5d4c3b2a1908".parse().unwrap(),
    ];
    let status = client
        .get_source_query_status()
        .project_uuid("p1")
        .query_uuids(ids)
        .send()
        .await
        .unwrap()
        .into_inner()
        .results
        .statuses;
    assert_eq!(status[0].status, QueryStatus::Ready);
    assert_eq!(status[1].error.as_deref(), Some("no such lagoon"));
    assert!(status[2].status.is_unknown());
    let query = sent(&sandbox).query.unwrap();
    assert_eq!(query.matches("queryUuids=").count(), 2, "{query}");
    assert!("q1".parse::<UuidParameter>().is_err());
}

#[tokio::test]
async fn sources_describe_their_tables() {
    let (sandbox, client) = start().await;
    sandbox.fault(ok(
        r#"{"sources": [{"sourceType": "sql", "label": "SQL", "description": "the warehouse"}]}"#,
    ));
    let sources = client.list_query_sources().project_uuid("p1").send().await;
    let sources = sources.unwrap().into_inner().results.sources;
    assert_eq!(sources[0].source_type.as_str(), "sql");
    sandbox.fault(ok(
        r#"{"sourceType": "sql", "tables": [{"reference": "sea.tides", "label": null,
            "columns": [{"reference": "zone", "type": "string"},
                        {"reference": "shape", "type": "hologram", "label": "Shape"}]}]}"#,
    ));
    let schema = client
        .scan_query_source_schema()
        .project_uuid("p1")
        .source_type("sql")
        .send()
        .await
        .unwrap()
        .into_inner()
        .results;
    assert!(schema.tables[0].columns[1].type_.is_unknown());
    let path = "/lightdash/api/v2/projects/p1/query-sources/sql/schema";
    assert_eq!(sandbox.requests()[1].path, path);
}
