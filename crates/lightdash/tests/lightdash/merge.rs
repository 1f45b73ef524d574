//! Feature `merge-queries`: queries over several sources.

use rowfeed_lightdash::{
    CallErrorKind,
    types::{
        ComposeSqlRequest, Filters, MergeJoinKeyPart, MergeJoinType, MergeQueryMetricSource,
        MetricMergeQuery, MetricQuery,
    },
};
use rowfeed_sandbox::LIGHTDASH_PROJECT_UUID;
use serde_json::{Value, json};

use crate::support::{ok, sent, start};

const REFUSED: &str = r#"{"outcome": "refused", "query": null, "fieldOrigins": {},
    "parameterReferences": [],
    "errors": [{"kind": "too_few_sources", "message": "two at least", "fieldIds": []},
               {"kind": "hologram", "message": "new", "sourceId": "b", "fieldIds": ["x"]}]}"#;

fn source(id: &str) -> MergeQueryMetricSource {
    let query = MetricQuery::builder()
        .explore_name("reefs")
        .dimensions(vec!["reefs_zone".to_owned()])
        .filters(Filters::default())
        .limit(10);
    MergeQueryMetricSource {
        id: id.to_owned(),
        metric_query: query.try_into().unwrap(),
    }
}

fn merge() -> MetricMergeQuery {
    let names = ["a", "b"].map(|id| (id.to_owned(), "reefs_zone".to_owned()));
    MetricMergeQuery {
        join_key: vec![MergeJoinKeyPart {
            name: "zone".to_owned(),
            field_id_by_source_id: names.into_iter().collect(),
        }],
        join_type: MergeJoinType::Left,
        limit: 100,
        sources: vec![source("a"), source("b")],
        table_calculations: Vec::new(),
    }
}

#[tokio::test]
async fn a_refused_merge_is_an_http_success_with_a_reason() {
    let (sandbox, client) = start().await;
    sandbox.fault(ok(REFUSED));
    let outcome = client
        .execute_async_merge_query()
        .project_uuid(LIGHTDASH_PROJECT_UUID)
        .body_map(|run| run.merge_query(merge()))
        .send()
        .await
        .unwrap()
        .into_inner()
        .results;
    assert_eq!(outcome.outcome.as_str(), "refused");
    assert!(outcome.query.is_none());
    assert!(outcome.errors[0].kind.is_known());
    assert_eq!(outcome.errors[1].kind.as_str(), "hologram");
    assert_eq!(outcome.errors[1].source_id.as_deref(), Some("b"));
    let request = sent(&sandbox);
    let path = format!("/lightdash/api/v2/projects/{LIGHTDASH_PROJECT_UUID}/query/merge-query");
    assert_eq!(request.path, path);
    let body: Value = serde_json::from_str(&request.body).unwrap();
    let merge = &body["mergeQuery"];
    assert_eq!(merge["joinType"], "left");
    assert_eq!(
        merge["joinKey"],
        json!([{"name": "zone", "fieldIdBySourceId": {"a": "reefs_zone", "b": "reefs_zone"}}])
    );
    assert_eq!(merge["sources"][1]["id"], "b");
}

#[tokio::test]
async fn a_project_that_is_no_uuid_is_refused_before_sending() {
    let (sandbox, client) = start().await;
    for wrong in [
        "reef",
        "",
        "..",
        "6c1f8a52-3b7e-4d0a-9c45",
        "6c1f8a523b7e4d0a9c452e8f1a6b7d90",
    ] {
        let call = client.execute_async_merge_query().project_uuid(wrong);
        let error = call
            .body_map(|run| run.merge_query(merge()))
            .send()
            .await
            .unwrap_err();
        assert_eq!(error.kind(), CallErrorKind::InvalidRequest);
        let said = error.to_string();
        assert!(
            said.starts_with(
                "invalid request: `project_uuid` of `execute_async_merge_query` takes a \
                 `UuidParameter`, and was given a `&str`: "
            ),
            "{said}"
        );
        let shown = format!("\"{wrong}\" does not match the pattern [0-9A-Fa-f]");
        assert!(said.contains(&shown), "{said}");
    }
    assert!(sandbox.requests().is_empty());
}

#[tokio::test]
async fn a_composed_statement_names_its_sources() {
    let (sandbox, client) = start().await;
    sandbox.fault(ok(
        r#"{"queryUuid": "q3", "cacheMetadata": {"cacheHit": false}, "parameterReferences": [],
            "usedParametersValues": {}, "resolvedTimezone": null}"#,
    ));
    let references = [("tides".to_owned(), "q1".to_owned())];
    let statement = ComposeSqlRequest::builder()
        .sql("select * from tides")
        .references(references.into_iter().collect::<indexmap::IndexMap<_, _>>());
    client
        .execute_async_compose_sql_query()
        .project_uuid(LIGHTDASH_PROJECT_UUID)
        .body(ComposeSqlRequest::try_from(statement).unwrap())
        .send()
        .await
        .unwrap();
    let body: Value = serde_json::from_str(&sent(&sandbox).body).unwrap();
    assert_eq!(
        body,
        json!({"sql": "select * from tides", "references": {"tides": "q1"}})
    );
}
