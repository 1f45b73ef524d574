//! Tests of Lightdash's charts, derived queries, merges, files, history and sources.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::time::Duration;

use reqwest::Method;
use rowfeed_sandbox::{
    Fault, LIGHTDASH_PROJECT_UUID, LIGHTDASH_SERVICE_TOKEN, LIGHTDASH_VIEWER_TOKEN, Sandbox,
    SandboxBuilder,
};
use serde_json::{Value, json};
use support::{Reply, lightdash, lightdash_query, lightdash_run, send};

const NOWHERE: &str = "00000000-0000-4000-8000-000000000000";

async fn start(builder: SandboxBuilder) -> Sandbox {
    builder.poll_steps(0).start().await.unwrap()
}

async fn post(sandbox: &Sandbox, path: &str, body: Value) -> Reply {
    send(lightdash_query(sandbox, Method::POST, path).json(&body)).await
}

async fn get(sandbox: &Sandbox, path: &str) -> Reply {
    send(lightdash(sandbox, Method::GET, path)).await
}

/// Starts a query and returns the answer and the first page.
async fn run(sandbox: &Sandbox, path: &str, body: Value) -> (Value, Value) {
    let started = post(sandbox, path, body).await;
    assert_eq!(started.status, 200, "{}", started.text);
    let started = started.json()["results"].clone();
    let id = started["queryUuid"].as_str().unwrap().to_owned();
    (started, page(sandbox, &id).await)
}

async fn page(sandbox: &Sandbox, id: &str) -> Value {
    let reply = send(lightdash_query(sandbox, Method::GET, &format!("/{id}"))).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.json()["results"].clone()
}

fn raws(page: &Value, name: &str) -> Vec<Value> {
    let rows = page["rows"].as_array().unwrap();
    rows.iter()
        .map(|row| row[name]["value"]["raw"].clone())
        .collect()
}

fn query(dimensions: &[&str], metrics: &[&str]) -> Value {
    json!({
        "exploreName": "trades",
        "dimensions": dimensions,
        "metrics": metrics,
        "filters": {},
        "sorts": [],
        "limit": 500,
        "tableCalculations": [],
    })
}

fn rule(field: &str, value: &str) -> Value {
    json!({
        "id": "r",
        "target": { "fieldId": field, "tableName": "trades" },
        "operator": "equals",
        "values": [value],
    })
}

#[tokio::test]
async fn a_requested_limit_is_reduced_and_a_stored_one_is_refused() {
    let sandbox = start(Sandbox::builder().lightdash_csv_cells_limit(30)).await;
    let charts = get(
        &sandbox,
        &format!("/api/v1/projects/{LIGHTDASH_PROJECT_UUID}/charts"),
    )
    .await;
    let chart = charts.json()["results"][0]["uuid"].clone();
    let (_, whole) = run(&sandbox, "/chart", json!({ "chartUuid": chart })).await;
    assert_eq!(whole["totalResults"], 48);
    // 30 cells are ten rows of three columns
    for limit in [json!(null), json!(40)] {
        let body = json!({ "chartUuid": chart, "limit": limit });
        let (_, cut) = run(&sandbox, "/chart", body).await;
        assert_eq!(cut["totalResults"], 10);
    }
    let body = json!({ "chartUuid": chart, "limit": 4 });
    assert_eq!(run(&sandbox, "/chart", body).await.1["totalResults"], 4);
    let unknown = post(&sandbox, "/chart", json!({ "chartUuid": NOWHERE })).await;
    assert_eq!(unknown.json()["error"]["name"], "NotFoundError");
    assert_eq!(post(&sandbox, "/chart", json!({})).await.status, 422);

    let (source, _) = run(
        &sandbox,
        "/metric-query",
        json!({ "query": { "exploreName": "trades", "dimensions": [], "metrics": ["trades_count"],
            "filters": {}, "sorts": [], "limit": 6000, "tableCalculations": [] } }),
    )
    .await;
    let body = json!({
        "underlyingDataSourceQueryUuid": source["queryUuid"],
        "filters": {},
    });
    let refused = post(&sandbox, "/underlying-data", body).await;
    assert_eq!(refused.status, 400);
    assert_eq!(refused.json()["error"]["name"], "ParameterError");
    assert_eq!(
        refused.json()["error"]["message"],
        "Query limit can not exceed 5000"
    );
}

#[tokio::test]
async fn requested_filters_are_added_to_the_filters_of_a_chart() {
    let sandbox = start(Sandbox::builder()).await;
    let project = format!("/api/v1/projects/{LIGHTDASH_PROJECT_UUID}");
    let charts = get(&sandbox, &format!("{project}/charts")).await.json();
    let dashboards = get(&sandbox, &format!("{project}/dashboards")).await.json();
    let chart = &charts["results"][0]["uuid"];
    let filters = json!({ "dimensions": { "id": "g", "and": [rule("trades_project", "lagoon")] } });
    let body = json!({ "chartUuid": chart, "filters": filters });
    let (_, page) = run(&sandbox, "/chart", body).await;
    assert_eq!(page["totalResults"], 12);

    let applied = json!({
        "dimensions": [rule("trades_project", "estuary")],
        "metrics": [],
        "tableCalculations": [],
    });
    let body = json!({
        "chartUuid": chart,
        "dashboardUuid": dashboards["results"][0]["uuid"],
        "tileUuid": "7f1a6c59-2e83-4b0d-95c6-a8d4e0f3b712",
        "dashboardFilters": applied,
        "dashboardSorts": [],
    });
    let (started, page) = run(&sandbox, "/dashboard-chart", body.clone()).await;
    assert_eq!(started["appliedDashboardFilters"], applied);
    assert_eq!(raws(&page, "trades_project"), vec![json!("estuary"); 12]);
    let mut elsewhere = body;
    elsewhere["dashboardUuid"] = NOWHERE.into();
    let reply = post(&sandbox, "/dashboard-chart", elsewhere).await;
    assert_eq!(reply.status, 404);
}

#[tokio::test]
async fn a_sql_chart_is_found_by_id_or_by_slug() {
    let sandbox = start(Sandbox::builder()).await;
    let by_slug = json!({ "slug": "trades-by-project", "limit": 3 });
    let (_, page) = run(&sandbox, "/sql-chart", by_slug).await;
    assert_eq!(raws(&page, "trades"), vec![json!("12"); 3]);
    let by_id = json!({ "savedSqlUuid": "5e2d9c71-40b8-4f6a-9d13-c7a6e8b05f24" });
    assert_eq!(
        run(&sandbox, "/sql-chart", by_id).await.1["totalResults"],
        4
    );
    for body in [
        json!({ "slug": "other" }),
        json!({ "savedSqlUuid": NOWHERE }),
    ] {
        assert_eq!(post(&sandbox, "/sql-chart", body).await.status, 404);
    }
    assert_eq!(post(&sandbox, "/sql-chart", json!({})).await.status, 422);
}

#[tokio::test]
async fn totals_compute_the_metrics_over_fewer_dimensions() {
    let sandbox = start(Sandbox::builder()).await;
    let metric_query = query(&["trades_project", "trades_is_maker"], &["trades_count"]);
    let (started, _) = run(&sandbox, "/metric-query", json!({ "query": metric_query })).await;
    let path = format!(
        "/{}/calculate-total",
        started["queryUuid"].as_str().unwrap()
    );
    let (total, page) = run(&sandbox, &path, json!({ "kind": "grandTotal" })).await;
    assert_ne!(total["queryUuid"], started["queryUuid"]);
    assert_eq!(raws(&page, "trades_count"), [json!("48")]);
    let body = json!({ "kind": "columnSubtotal", "subtotalDimensions": ["trades_project"] });
    let (_, page) = run(&sandbox, &path, body).await;
    assert_eq!(raws(&page, "trades_count"), vec![json!("12"); 4]);
    let reply = post(&sandbox, &path, json!({ "kind": "everything" })).await;
    assert_eq!(reply.json()["error"]["name"], "ValidateError");
    let sql = lightdash_run(&sandbox, "select 1").await;
    let body = json!({ "kind": "grandTotal" });
    let reply = post(&sandbox, &format!("/{sql}/calculate-total"), body).await;
    assert_eq!(reply.json()["error"]["name"], "ParameterError");
}

#[tokio::test]
async fn underlying_rows_and_field_values_are_queries() {
    let sandbox = start(Sandbox::builder()).await;
    let metric_query = query(&["trades_project"], &["trades_count"]);
    let (started, _) = run(&sandbox, "/metric-query", json!({ "query": metric_query })).await;
    let filters = json!({ "dimensions": { "id": "g", "and": [rule("trades_project", "lagoon")] } });
    let body = json!({
        "underlyingDataSourceQueryUuid": started["queryUuid"],
        "filters": filters,
        "limit": null,
    });
    let (_, page) = run(&sandbox, "/underlying-data", body).await;
    assert_eq!(page["totalResults"], 12);
    assert_eq!(page["columns"].as_object().unwrap().len(), 10);

    let body = json!({
        "table": "trades",
        "fieldId": "trades_project",
        "search": "A",
        "limit": 2,
    });
    let (started, page) = run(&sandbox, "/field-values", body).await;
    assert_eq!(started["valueFieldId"], "trades_project");
    assert_eq!(
        raws(&page, "trades_project"),
        [json!("estuary"), json!("lagoon")]
    );
}

#[tokio::test]
async fn a_pivot_has_a_column_per_value_and_omits_absent_keys() {
    let sandbox = start(Sandbox::builder()).await;
    let sql = "select 1 as y, 'a' as k, 10 as v union all select 1, 'b', 20 \
               union all select 2, 'b', 30 union all select 2, 'b', 5";
    let body = json!({
        "sql": sql,
        "pivotConfiguration": {
            "indexColumn": { "reference": "y", "type": "category" },
            "groupByColumns": [{ "reference": "k" }],
            "valuesColumns": [{ "reference": "v", "aggregation": "sum" }],
            "sortBy": [{ "reference": "y", "direction": "DESC" }],
        },
    });
    let (_, page) = run(&sandbox, "/sql", body).await;
    assert_eq!(page["totalResults"], 2);
    let row = page["rows"][0].as_object().unwrap();
    assert_eq!(row["y"]["value"]["raw"], "2");
    assert_eq!(row["v_sum_b"]["value"]["formatted"], "35");
    assert!(!row.contains_key("v_sum_a"), "{row:?}");
    assert_eq!(page["rows"][1].as_object().unwrap().len(), 3);
    let details = &page["pivotDetails"];
    assert_eq!(details["totalColumnCount"], 2);
    assert_eq!(details["valuesColumns"][0]["referenceField"], "v");
    assert_eq!(details["indexColumn"]["reference"], "y");
    assert_eq!(details["originalColumns"]["k"]["type"], "string");
    let plain = lightdash_run(&sandbox, sql).await;
    assert_eq!(
        self::page(&sandbox, &plain).await["pivotDetails"],
        Value::Null
    );
    let body = json!({ "sql": sql, "pivotConfiguration": { "valuesColumns": [] } });
    assert_eq!(post(&sandbox, "/sql", body).await.status, 422);
}

#[tokio::test]
async fn a_file_is_scheduled_polled_and_downloaded() {
    let sandbox = Sandbox::builder()
        .lightdash_csv_cells_limit(6)
        .start()
        .await
        .unwrap();
    let sql = "select project, members, note from projects order by members";
    let id = lightdash_run(&sandbox, sql).await;
    let order = async |body: Value| {
        let reply = post(&sandbox, &format!("/{id}/schedule-download"), body).await;
        reply.json()["results"]["jobId"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let watch = async |job: &str| {
        let path = format!("/api/v1/schedulers/job/{job}/status");
        get(&sandbox, &path).await.json()["results"].clone()
    };
    let job = order(json!({ "type": "csv" })).await;
    assert_eq!(watch(&job).await["status"], "scheduled");
    assert_eq!(watch(&job).await["status"], "started");
    let done = watch(&job).await;
    assert_eq!(done["status"], "completed");
    // six cells are two rows of three
    assert_eq!(done["details"]["truncated"], true);
    let url = done["details"]["fileUrl"].as_str().unwrap();
    let file = send(reqwest::Client::new().get(url)).await;
    assert_eq!(file.header("content-type"), Some("text/csv; charset=utf-8"));
    assert_eq!(
        file.text,
        "project,members,note\nlagoon,3,first pool — Größe: klein\nestuary,5,河口\n"
    );
    let job = order(json!({ "type": "jsonl", "onlyRaw": true })).await;
    for _ in 0..2 {
        watch(&job).await;
    }
    let url = watch(&job).await["details"]["fileUrl"]
        .as_str()
        .unwrap()
        .to_owned();
    let file = send(reqwest::Client::new().get(url)).await;
    assert_eq!(file.text.lines().count(), 2);
    let unknown = format!("/api/v1/schedulers/job/{NOWHERE}/status");
    assert_eq!(get(&sandbox, &unknown).await.status, 404);
}

#[tokio::test]
async fn history_lists_the_queries_of_a_user_newest_first() {
    let sandbox = start(Sandbox::builder()).await;
    for n in 0..30 {
        let id = lightdash_run(&sandbox, &format!("select {n} as n")).await;
        page(&sandbox, &id).await;
    }
    let path = format!("/api/v2/projects/{LIGHTDASH_PROJECT_UUID}/query/history");
    let body = get(&sandbox, &path).await.json()["results"].clone();
    assert_eq!(body["data"].as_array().unwrap().len(), 25);
    assert_eq!(body["data"][0]["compiledSql"], "select 29 as n");
    assert_eq!(body["data"][0]["totalRowCount"], 1);
    assert_eq!(
        body["pagination"],
        json!({ "page": 1, "pageSize": 25, "totalPageCount": 2, "totalResults": 30 })
    );
    let found = get(&sandbox, &format!("{path}?search=SELECT+17&pageSize=1000"))
        .await
        .json();
    assert_eq!(found["results"]["pagination"]["totalResults"], 1);
    assert_eq!(found["results"]["pagination"]["pageSize"], 100);
    let url = format!("{}{path}", sandbox.lightdash_url());
    let service = reqwest::Client::new()
        .get(url)
        .bearer_auth(LIGHTDASH_SERVICE_TOKEN);
    assert_eq!(send(service).await.status, 403);
}

#[tokio::test]
async fn sources_are_merged_by_a_key_and_a_refused_merge_is_200() {
    let sandbox = start(Sandbox::builder()).await;
    let source = |id: &str, metric: &str| json!({ "id": id, "metricQuery": query(&["trades_project"], &[metric]) });
    let merge = json!({
        "sources": [source("a", "trades_count"), source("b", "trades_total_usd")],
        "joinKey": [{
            "name": "project",
            "fieldIdBySourceId": { "a": "trades_project", "b": "trades_project" },
        }],
        "joinType": "full",
        "tableCalculations": [],
        "limit": 10,
    });
    let reply = post(&sandbox, "/merge-query", json!({ "mergeQuery": merge })).await;
    let outcome = reply.json()["results"].clone();
    assert_eq!(outcome["outcome"], "started");
    let id = outcome["query"]["queryUuid"].as_str().unwrap();
    let page = page(&sandbox, id).await;
    assert_eq!(raws(&page, "a_trades_count"), vec![json!("12"); 4]);
    assert_eq!(page["columns"].as_object().unwrap().len(), 3);
    for (field, wrong, kind) in [
        (
            "sources",
            json!([source("a", "trades_count")]),
            "too_few_sources",
        ),
        (
            "sources",
            json!([source("a", "trades_count"), source("a", "trades_count")]),
            "duplicate_source_id",
        ),
        ("joinKey", json!([]), "empty_join_key"),
        (
            "joinKey",
            json!([{ "name": "p", "fieldIdBySourceId": { "a": "trades_project" } }]),
            "join_key_coverage",
        ),
        (
            "joinKey",
            json!([{ "name": "p",
                "fieldIdBySourceId": { "a": "trades_project", "b": "trades_price" } }]),
            "join_key_not_selected",
        ),
    ] {
        let mut merge = merge.clone();
        merge[field] = wrong;
        let reply = post(&sandbox, "/merge-query", json!({ "mergeQuery": merge })).await;
        assert_eq!(reply.status, 200);
        assert_eq!(reply.json()["results"]["outcome"], "refused");
        assert_eq!(reply.json()["results"]["errors"][0]["kind"], kind);
    }
}

#[tokio::test]
async fn statements_are_composed_over_results() {
    let sandbox = start(Sandbox::builder()).await;
    let first = lightdash_run(&sandbox, "select project, members from projects").await;
    for sql in [
        "select sum(members) as n from t",
        "with u as (select * from t) select sum(members) as n from u",
    ] {
        let body = json!({ "sql": sql, "references": { "t": first } });
        let (_, page) = run(&sandbox, "/compose-sql", body).await;
        assert_eq!(raws(&page, "n"), [json!("27")]);
    }
    let body = json!({ "sql": "select 1", "references": { "t": NOWHERE } });
    assert_eq!(post(&sandbox, "/compose-sql", body).await.status, 404);
}

#[tokio::test]
async fn cached_rows_are_reported_and_can_be_bypassed() {
    let sandbox = start(Sandbox::builder().lightdash_cache(true)).await;
    let body = json!({ "sql": "select 1 as n" });
    let (first, page) = run(&sandbox, "/sql", body.clone()).await;
    assert_eq!(first["cacheMetadata"], json!({ "cacheHit": false }));
    assert_eq!(
        page["metadata"]["performance"]["initialQueryExecutionMs"],
        32
    );
    let (second, page) = run(&sandbox, "/sql", body).await;
    assert_eq!(second["cacheMetadata"]["cacheHit"], true);
    assert!(second["cacheMetadata"]["cacheExpiresAt"].is_string());
    assert_ne!(second["queryUuid"], first["queryUuid"]);
    assert_eq!(
        page["metadata"]["performance"]["initialQueryExecutionMs"],
        Value::Null
    );
    let body = json!({ "sql": "select 1 as n", "invalidateCache": true });
    let (third, _) = run(&sandbox, "/sql", body).await;
    assert_eq!(third["cacheMetadata"]["cacheHit"], false);
}

#[tokio::test]
async fn expired_results_and_an_expired_wait_have_different_answers() {
    let sandbox = start(Sandbox::builder().results_lifetime(Duration::from_millis(1500))).await;
    let id = lightdash_run(&sandbox, "select 1 as n").await;
    sandbox.fault(Fault::unknown_state("expired").times(1));
    let waited = page(&sandbox, &id).await;
    assert_eq!(waited["status"], "expired");
    assert!(waited["error"].is_string() && waited["erroredAt"].is_string());
    assert_eq!(page(&sandbox, &id).await["status"], "ready");
    tokio::time::sleep(Duration::from_millis(1550)).await;
    let reply = send(lightdash_query(&sandbox, Method::GET, &format!("/{id}"))).await;
    assert_eq!(reply.status, 404);
    assert_eq!(reply.json()["error"]["name"], "ResultsExpiredError");
}

#[tokio::test]
async fn a_viewer_may_run_charts_but_not_sql() {
    let sandbox = start(Sandbox::builder()).await;
    let send_as_viewer = async |path: &str, body: Value| {
        let base = format!("/api/v2/projects/{LIGHTDASH_PROJECT_UUID}/query{path}");
        let request = reqwest::Client::new()
            .post(format!("{}{base}", sandbox.lightdash_url()))
            .header("Authorization", format!("ApiKey {LIGHTDASH_VIEWER_TOKEN}"));
        send(request.json(&body)).await
    };
    let reply = send_as_viewer("/sql", json!({ "sql": "select 1" })).await;
    assert_eq!(reply.status, 403);
    assert_eq!(reply.json()["error"]["name"], "ForbiddenError");
    let body = json!({ "query": query(&["trades_project"], &[]) });
    assert_eq!(send_as_viewer("/metric-query", body).await.status, 200);
}

#[tokio::test]
async fn a_body_that_is_too_large_is_413() {
    let sandbox = start(Sandbox::builder()).await;
    let body = json!({ "sql": "x".repeat(5 * 1024 * 1024) });
    let reply = post(&sandbox, "/sql", body).await;
    assert_eq!(reply.status, 413);
    assert_eq!(reply.json()["error"]["name"], "PayloadTooLargeError");
}

#[tokio::test]
async fn unsupported_calculations_are_refused() {
    let sandbox = start(Sandbox::builder()).await;
    let formula = json!([{ "name": "x", "displayName": "X", "formula": "=1" }]);
    for (field, given, part) in [
        ("tableCalculations", formula, "not with formula"),
        (
            "customDimensions",
            json!([{ "name": "x" }]),
            "customDimensions",
        ),
        (
            "additionalMetrics",
            json!([{ "name": "x" }]),
            "additionalMetrics",
        ),
    ] {
        let mut metric_query = query(&["trades_project"], &[]);
        metric_query[field] = given;
        let reply = post(&sandbox, "/metric-query", json!({ "query": metric_query })).await;
        assert_eq!(reply.status, 400);
        let message = reply.json()["error"]["message"]
            .as_str()
            .unwrap()
            .to_owned();
        assert!(message.contains(part), "{message}");
    }
}

#[tokio::test]
async fn query_sources_run_together_and_refer_to_each_other() {
    let sandbox = start(Sandbox::builder()).await;
    let base = format!("/api/v2/projects/{LIGHTDASH_PROJECT_UUID}/query-sources");
    let body = json!({ "queries": [
        { "sourceType": "semanticLayer", "nodeId": "a", "exploreName": "trades",
          "dimensions": ["trades_project"], "metrics": ["trades_count"] },
        { "sourceType": "duckdb", "nodeId": "b", "references": { "t": "a" },
          "sql": "select sum(trades_count) as n from t" },
    ] });
    let request = lightdash(&sandbox, Method::POST, &format!("{base}/queries"));
    let queries = send(request.json(&body)).await.json()["results"]["queries"].clone();
    assert_eq!(queries[0]["nodeId"], "a");
    let second = queries[1]["queryUuid"].as_str().unwrap();
    assert_eq!(raws(&page(&sandbox, second).await, "n"), [json!("48")]);
    let path = format!("{base}/queries/status?queryUuids={second}");
    let statuses = get(&sandbox, &path).await.json();
    assert_eq!(statuses["results"]["statuses"][0]["status"], "ready");
    let schema = get(&sandbox, &format!("{base}/semanticLayer/schema"))
        .await
        .json();
    assert_eq!(
        schema["results"]["tables"][0]["columns"][3]["reference"],
        "trades_project"
    );
}

#[tokio::test]
async fn the_catalog_lists_explores_and_charts() {
    let sandbox = start(Sandbox::builder()).await;
    let project = format!("/api/v1/projects/{LIGHTDASH_PROJECT_UUID}");
    let explore = get(&sandbox, &format!("{project}/explores/trades"))
        .await
        .json();
    let table = &explore["results"]["tables"]["trades"];
    assert_eq!(table["dimensions"]["price"]["type"], "number");
    assert_eq!(table["metrics"]["count"]["compiledSql"], "count(*)");
    assert_eq!(
        get(&sandbox, &format!("{project}/explores/moon"))
            .await
            .status,
        404
    );
    let shown = get(&sandbox, &project).await.json();
    assert_eq!(shown["results"]["warehouseConnection"]["type"], "postgres");
    let fields = get(
        &sandbox,
        &format!("{project}/sqlRunner/fields?tableName=trades"),
    )
    .await;
    assert_eq!(fields.json()["results"]["block_date"], "date");
    let missing = get(&sandbox, &format!("{project}/sqlRunner/fields")).await;
    assert_eq!(missing.status, 422);
    let content = get(
        &sandbox,
        "/api/v2/content?contentTypes=chart&contentTypes=space",
    )
    .await;
    assert_eq!(content.json()["results"]["pagination"]["totalResults"], 3);
    let content = get(&sandbox, "/api/v2/content?search=value").await;
    assert_eq!(
        content.json()["results"]["data"][0]["name"],
        "Traded value a day"
    );
}

#[tokio::test]
async fn pages_are_checked_only_when_the_query_is_ready() {
    let sandbox = Sandbox::builder().poll_steps(1).start().await.unwrap();
    let id = lightdash_run(&sandbox, "select 1 as n").await;
    let path = format!("/{id}?page=9&pageSize=0");
    let first = send(lightdash_query(&sandbox, Method::GET, &path)).await;
    assert_eq!(first.status, 200);
    assert_eq!(first.json()["results"]["status"], "pending");
    let second = send(lightdash_query(&sandbox, Method::GET, &path)).await;
    assert_eq!(second.status, 422);
}

#[tokio::test]
async fn the_smaller_of_two_limits_applies() {
    let sandbox = start(Sandbox::builder()).await;
    for (own, given, rows) in [(5, 9, 5), (9, 5, 5)] {
        let sql = format!("select * from trades limit {own}");
        let (_, page) = run(&sandbox, "/sql", json!({ "sql": sql, "limit": given })).await;
        assert_eq!(page["totalResults"], rows);
    }
}
