//! The responses that start a query, and the history of queries.

use indexmap::IndexMap;
use rowfeed_lightdash::types::{
    Item, MetricQuery, QueryStatus, SqlChartBySlug, SqlChartByUuid, SqlChartRequest,
    StartedSqlQueryResponse,
};
use rowfeed_sandbox::LIGHTDASH_PROJECT_UUID;

use crate::support::{ok, sent, start};

async fn started(results: &str) -> StartedSqlQueryResponse {
    let (sandbox, client) = start().await;
    sandbox.fault(ok(results));
    let sql = client.execute_async_sql_query().project_uuid("p1");
    let started = sql.body("select 1").send().await.unwrap();
    started.into_inner()
}

fn metric_query(explore: &str, dimensions: &[&str], metrics: &[&str]) -> MetricQuery {
    let query = MetricQuery::builder()
        .explore_name(explore)
        .dimensions(dimensions.iter().copied())
        .metrics(metrics.iter().copied())
        .limit(500);
    query.try_into().unwrap()
}

#[tokio::test]
async fn a_query_fresh_or_from_the_cache() {
    let fresh = started(
        r#"{"queryUuid": "q1", "cacheMetadata": {"cacheHit": false}, "parameterReferences": [],
            "usedParametersValues": {}, "resolvedTimezone": null}"#,
    )
    .await
    .results;
    assert_eq!(fresh.query_uuid, "q1");
    assert!(!fresh.cache_metadata.cache_hit);
    assert_eq!(fresh.resolved_timezone, None);

    let cached = started(
        r#"{"queryUuid": "q2", "parameterReferences": ["zone"],
            "usedParametersValues": {"zone": "a", "depths": [1, 2.5], "n": 3},
            "resolvedTimezone": "Pacific/Palau", "later": true,
            "cacheMetadata": {"cacheHit": true, "cacheKey": "0af7",
              "cacheUpdatedTime": "2026-02-03T04:05:06.000Z",
              "cacheExpiresAt": "2026-02-04T04:05:06.000Z",
              "preAggregate": {"hit": false, "reason": {"reason": "hologram"}}}}"#,
    )
    .await;
    let cache = &cached.results.cache_metadata;
    assert!(cache.cache_hit);
    assert_eq!(
        cache.cache_expires_at.as_deref(),
        Some("2026-02-04T04:05:06.000Z")
    );
    let reason = cache
        .pre_aggregate
        .as_ref()
        .unwrap()
        .reason
        .as_ref()
        .unwrap();
    assert_eq!(reason.reason.as_str(), "hologram");
    let values: Vec<_> = cached.results.used_parameters_values.keys().collect();
    assert_eq!(values, ["zone", "depths", "n"]);
}

#[tokio::test]
async fn the_fields_of_a_metric_query_are_distinguished_and_keep_their_order() {
    let (sandbox, client) = start().await;
    let field = r#""hidden": false, "label": "L", "name": "n", "sql": "${TABLE}.n",
        "table": "reefs", "tableLabel": "Reefs""#;
    sandbox.fault(ok(format!(
        r#"{{"queryUuid": "q1", "cacheMetadata": {{"cacheHit": false}}, "parameterReferences": [],
            "usedParametersValues": {{}}, "resolvedTimezone": "UTC",
            "warnings": [{{"message": "a join may count twice", "fields": ["reefs_count"]}}],
            "metricQuery": {{"exploreName": "reefs", "dimensions": [], "metrics": [],
              "filters": {{"dimensions": {{"id": "f", "and": [{{"id": "r", "operator": "hologram",
                "target": {{"fieldId": "reefs_zone"}}, "values": ["a", 1]}}]}}}},
              "sorts": [], "limit": 500, "tableCalculations": []}},
            "fields": {{
              "z_zone": {{"fieldType": "dimension", "type": "string", {field}}},
              "m_count": {{"fieldType": "metric", "type": "count", {field}}},
              "c_share": {{"name": "share", "displayName": "Share", "sql": "1"}},
              "b_bins": {{"id": "bins", "name": "Bins", "table": "reefs", "type": "sql",
                          "sql": "1", "dimensionType": "string"}},
              "a_later": {{"of": "another kind"}}}}}}"#
    )));
    let started = client
        .execute_async_metric_query()
        .project_uuid("p1")
        .body_map(|run| run.query(metric_query("reefs", &[], &[])))
        .send()
        .await
        .unwrap()
        .into_inner()
        .results;
    let fields: Vec<_> = started.fields.into_iter().collect();
    let names: Vec<_> = fields.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["z_zone", "m_count", "c_share", "b_bins", "a_later"]);
    assert!(matches!(&fields[0].1, Item::Field(field) if field.type_ == "string"));
    assert!(matches!(&fields[1].1, Item::Metric(metric) if metric.type_.is_known()));
    assert!(matches!(&fields[2].1, Item::TableCalculation(share) if share.display_name == "Share"));
    assert!(matches!(&fields[3].1, Item::CustomDimension(bins) if bins.id == "bins"));
    assert!(matches!(&fields[4].1, Item::Other(other) if other["of"] == "another kind"));
    assert_eq!(started.warnings[0].fields, ["reefs_count"]);
}

#[tokio::test]
async fn a_metric_query_runs_in_the_sandbox() {
    let (_sandbox, client) = start().await;
    let started = client
        .execute_async_metric_query()
        .project_uuid(LIGHTDASH_PROJECT_UUID)
        .body_map(|run| {
            run.query(metric_query(
                "trades",
                &["trades_project"],
                &["trades_count"],
            ))
        })
        .send()
        .await
        .unwrap();
    let query = started.into_inner().results.query_uuid;
    let page = loop {
        let page = client
            .get_async_query_results()
            .project_uuid(LIGHTDASH_PROJECT_UUID)
            .query_uuid(&query)
            .send()
            .await
            .unwrap()
            .into_inner()
            .results;
        if page.status == QueryStatus::Ready {
            break page;
        }
        assert_ne!(page.status, QueryStatus::Error, "{page:?}");
    };
    assert_eq!(page.total_results, Some(4));
    let columns = page.columns;
    let names: Vec<_> = columns.keys().collect();
    assert_eq!(names, ["trades_project", "trades_count"]);
}

#[tokio::test]
async fn other_start_operations_return_more() {
    let (sandbox, client) = start().await;
    sandbox.fault(ok(
        r#"{"queryUuid": "q1", "cacheMetadata": {"cacheHit": false}}"#,
    ));
    let found = client
        .execute_async_field_value_search()
        .project_uuid("p1")
        .body_map(|search| search.table("reefs").field_id("reefs_zone").search("a"))
        .send()
        .await
        .unwrap();
    // Servers before 1.0 do not name the columns.
    assert_eq!(found.results.value_field_id, None);

    let common = r#""queryUuid": "q2", "cacheMetadata": {"cacheHit": true},
        "parameterReferences": [], "usedParametersValues": {}, "resolvedTimezone": null"#;
    sandbox.fault(ok(format!(
        r#"{{{common}, "warnings": [], "fields": {{}}, "metricQuery": {{"exploreName": "reefs",
            "dimensions": [], "metrics": [], "filters": {{}}, "sorts": [], "limit": 1,
            "tableCalculations": []}}}}"#
    )));
    sandbox.fault(ok(format!("{{{common}}}")).times(2));
    let started = client
        .execute_async_calculate_total()
        .project_uuid("p1")
        .query_uuid("q1")
        .body_map(|total| total.kind("columnTotal"))
        .send()
        .await
        .unwrap();
    assert_eq!(started.results.query_uuid, "q2");
    for (by, body) in [
        (
            SqlChartRequest::from(SqlChartBySlug {
                slug: "tides".to_owned(),
                context: None,
                invalidate_cache: None,
                limit: None,
                parameters: IndexMap::new(),
                use_pre_aggregate_cache: None,
            }),
            r#"{"slug":"tides"}"#,
        ),
        (
            SqlChartRequest::from(SqlChartByUuid {
                saved_sql_uuid: "s1".to_owned(),
                context: None,
                invalidate_cache: None,
                limit: Some(5),
                parameters: IndexMap::new(),
                use_pre_aggregate_cache: None,
            }),
            r#"{"limit":5,"savedSqlUuid":"s1"}"#,
        ),
    ] {
        sandbox.take_requests();
        let chart = client.execute_async_sql_chart_query().project_uuid("p1");
        let started = chart.body(by).send().await.unwrap();
        assert!(started.results.cache_metadata.cache_hit);
        assert_eq!(sent(&sandbox).body, body);
    }

    sandbox.fault(ok(r#"{"jobId": "j1"}"#));
    let job = client
        .schedule_download_results()
        .project_uuid("p1")
        .query_uuid("q1")
        .body_map(|download| download.only_raw(true))
        .send()
        .await
        .unwrap();
    assert_eq!(job.results.job_id, "j1");
    sandbox.fault(ok(
        r#"{"status": "completed", "details": {"fileUrl": "https://reef.invalid/a.csv",
            "truncated": true, "rows": 7}}"#,
    ));
    let done = client.get_scheduler_job_status().job_id("j1").send().await;
    let done = done.unwrap().into_inner().results;
    assert_eq!(done.status.as_str(), "completed");
    let details = done.details.unwrap();
    assert_eq!(details.truncated, Some(true));
    assert_eq!(details.extra["rows"], 7);
    for none in [
        r#"{"status": "scheduled"}"#,
        r#"{"status": "snoozing", "details": null}"#,
    ] {
        sandbox.fault(ok(none));
        let job = client.get_scheduler_job_status().job_id("j1").send().await;
        assert!(job.unwrap().results.details.is_none());
    }
}

#[tokio::test]
async fn the_history_lists_queries_of_every_status() {
    let (sandbox, client) = start().await;
    let item = |status: &str, rest: &str| {
        format!(
            r#"{{"queryUuid": "q1", "status": "{status}", "cacheHit": false, "compiledSql": "select 1",
                "context": "sqlRunner", "createdAt": "2026-02-03T04:05:06.789Z",
                "language": "sql", "requestParameters": {{}}, "subline": "", "title": "SQL",
                "trigger": "interactive"{rest}}}"#
        )
    };
    let items = [
        item(
            "ready",
            r#", "totalRowCount": 3, "resultsExpiresAt": "2026-02-04T04:05:06.789Z""#,
        ),
        item(
            "error",
            r#", "error": "no such lagoon", "totalRowCount": null"#,
        ),
        item("snoozing", ""),
    ];
    sandbox.fault(ok(format!(
        r#"{{"data": [{}], "pagination": {{"page": 1, "pageSize": 25, "totalPageCount": 1,
            "totalResults": 3}}}}"#,
        items.join(",")
    )));
    let history = client.get_query_history().project_uuid("p1").send().await;
    let history = history.unwrap().into_inner().results;
    let status: Vec<_> = history.data.iter().map(|item| &item.status).collect();
    assert_eq!(status[..2], [&QueryStatus::Ready, &QueryStatus::Error]);
    assert!(status[2].is_unknown());
    assert_eq!(history.data[0].total_row_count, Some(3));
    assert_eq!(history.data[1].error.as_deref(), Some("no such lagoon"));
    assert_eq!(history.pagination.unwrap().total_results, 3);
    assert!(history.counts.is_none());
}
