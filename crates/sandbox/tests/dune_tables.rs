//! Tests of uploads, materialized views and pipelines of Dune.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use reqwest::Method;
use rowfeed_sandbox::{DUNE_QUERY_ID, Sandbox};
use serde_json::{Value, json};
use support::{Reply, dune, dune_execution, send};

async fn at_once() -> Sandbox {
    Sandbox::builder().poll_steps(0).start().await.unwrap()
}

async fn get(sandbox: &Sandbox, path: &str) -> Reply {
    send(dune(sandbox, Method::GET, path)).await
}

async fn post(sandbox: &Sandbox, path: &str, body: Value) -> Reply {
    send(dune(sandbox, Method::POST, path).json(&body)).await
}

async fn insert(sandbox: &Sandbox, content_type: &str, body: &'static str) -> Reply {
    let request = dune(sandbox, Method::POST, "/v1/uploads/rowfeed/tides/insert");
    send(request.header("Content-Type", content_type).body(body)).await
}

async fn rows(sandbox: &Sandbox, sql: &str) -> Value {
    let id = dune_execution(sandbox, sql).await;
    let body = get(sandbox, &format!("/v1/execution/{id}/results")).await;
    body.json()["result"].clone()
}

fn tides() -> Value {
    json!({
        "namespace": "rowfeed",
        "table_name": "tides",
        "schema": [
            { "name": "at", "type": "timestamp" },
            { "name": "level", "type": "double" },
            { "name": "supply", "type": "uint256" },
        ],
    })
}

#[tokio::test]
async fn a_table_is_created_once_and_keeps_its_schema() {
    let sandbox = at_once().await;
    let made = post(&sandbox, "/v1/uploads", tides()).await;
    assert_eq!(made.status, 201, "{}", made.text);
    assert_eq!(made.json()["full_name"], "dune.rowfeed.tides");
    assert_eq!(made.json()["already_existed"], false);
    let again = post(&sandbox, "/v1/uploads", tides()).await;
    assert_eq!(again.status, 200);
    assert_eq!(again.json()["already_existed"], true);
    let mut other = tides();
    other["schema"] = json!([{ "name": "at", "type": "date" }]);
    assert_eq!(post(&sandbox, "/v1/uploads", other).await.status, 400);
    let mut other = tides();
    other["namespace"] = "moon".into();
    assert_eq!(post(&sandbox, "/v1/uploads", other).await.status, 404);
    for (field, wrong) in [
        ("table_name", json!("9tides")),
        ("schema", json!([])),
        ("schema", json!([{ "name": "a b", "type": "double" }])),
        ("schema", json!([{ "name": "a", "type": 7 }])),
    ] {
        let mut other = tides();
        other[field] = wrong;
        let reply = post(&sandbox, "/v1/uploads", other).await;
        assert_eq!(reply.status, 400, "{}", reply.text);
        assert!(reply.json()["error"].is_string());
    }
}

#[tokio::test]
async fn csv_and_json_lines_are_inserted_completely_or_not_at_all() {
    let sandbox = at_once().await;
    post(&sandbox, "/v1/uploads", tides()).await;
    let csv = "level,at,supply\n1.5,2024-05-01T10:00:00Z,115792089237316195423570985008687907853\n";
    let reply = insert(&sandbox, "text/csv", csv).await;
    assert_eq!(
        reply.json(),
        json!({ "rows_written": 1, "bytes_written": csv.len(), "name": "dune.rowfeed.tides" })
    );
    let lines = "{\"level\":-2,\"supply\":\"7\"}\n\n{\"at\":null}\n";
    let reply = insert(&sandbox, "application/x-ndjson", lines).await;
    assert_eq!(reply.json()["rows_written"], 2, "{}", reply.text);
    for (content_type, body, part) in [
        ("text/csv", "level\n1\nhigh\n", "line 3"),
        ("text/csv", "height\n1\n", "no column height"),
        ("text/csv", "level,at\n1\n", "1 fields"),
        ("application/x-ndjson", "{\"level\":1}\n[1]\n", "line 2"),
        ("application/json", "{}", "application/x-ndjson"),
    ] {
        let reply = insert(&sandbox, content_type, body).await;
        assert_eq!(reply.status, 400, "{}", reply.text);
        let error = reply.json()["error"].as_str().unwrap().to_owned();
        assert!(error.contains(part), "{error}");
    }
    let found = rows(
        &sandbox,
        "select * from dune.rowfeed.tides order by level desc",
    )
    .await;
    assert_eq!(
        found["metadata"]["column_types"],
        json!(["timestamp with time zone", "double", "uint256"])
    );
    assert_eq!(
        found["rows"],
        json!([
            {
                "at": "2024-05-01 10:00:00.000 UTC",
                "level": 1.5,
                "supply": "115792089237316195423570985008687907853",
            },
            { "at": null, "level": -2, "supply": "7" },
            { "at": null, "level": null, "supply": null },
        ])
    );
}

#[tokio::test]
async fn a_csv_file_becomes_a_table_with_inferred_types() {
    let sandbox = at_once().await;
    let data =
        "name,depth,open,seen\n\"reef, outer\",12,true,2024-05-01\nshelf,,false,2024-05-02\n";
    let body = json!({ "table_name": "reefs", "data": data, "is_private": true });
    let reply = post(&sandbox, "/v1/uploads/csv", body).await;
    assert_eq!(
        reply.json(),
        json!({ "success": true, "table_name": "reefs" })
    );
    let found = rows(&sandbox, "select * from dune.rowfeed.dataset_reefs").await;
    assert_eq!(
        found["metadata"]["column_types"],
        json!(["varchar", "bigint", "boolean", "date"])
    );
    assert_eq!(
        found["rows"][0],
        json!({ "name": "reef, outer", "depth": 12, "open": true, "seen": "2024-05-01" })
    );
    let empty = json!({ "table_name": "none", "data": "" });
    assert_eq!(post(&sandbox, "/v1/uploads/csv", empty).await.status, 400);
}

#[tokio::test]
async fn tables_are_listed_cleared_and_deleted() {
    let sandbox = at_once().await;
    for name in ["a", "b", "c"] {
        let mut table = tides();
        table["table_name"] = name.into();
        post(&sandbox, "/v1/uploads", table).await;
    }
    let page = get(&sandbox, "/v1/uploads?limit=2").await.json();
    assert_eq!(page["tables"][0]["full_name"], "dune.rowfeed.a");
    assert_eq!(page["tables"][0]["table_size_bytes"], "0");
    assert_eq!(page["next_offset"], 2);
    let page = get(&sandbox, "/v1/uploads?limit=2&offset=2").await.json();
    assert_eq!(page["tables"].as_array().unwrap().len(), 1);
    assert_eq!(page.get("next_offset"), None);

    post(&sandbox, "/v1/uploads", tides()).await;
    insert(&sandbox, "text/csv", "level\n1\n").await;
    let cleared = post(&sandbox, "/v1/uploads/rowfeed/tides/clear", json!({})).await;
    assert!(cleared.json()["message"].is_string());
    let count = "select count(*) as n from dune.rowfeed.tides";
    assert_eq!(rows(&sandbox, count).await["rows"], json!([{ "n": 0 }]));
    let path = "/v1/uploads/rowfeed/tides";
    let gone = send(dune(&sandbox, Method::DELETE, path)).await;
    assert_eq!(gone.status, 200, "{}", gone.text);
    let gone = send(dune(&sandbox, Method::DELETE, path)).await;
    assert_eq!(gone.status, 404);
    assert_eq!(rows(&sandbox, count).await, Value::Null);
}

#[tokio::test]
async fn an_error_after_an_uploaded_tables_name_has_the_original_position() {
    let sandbox = at_once().await;
    post(&sandbox, "/v1/uploads", tides()).await;
    let sql = "select level from dune.rowfeed.tides where height > 1";
    let id = dune_execution(&sandbox, sql).await;
    let body = get(&sandbox, &format!("/v1/execution/{id}/status")).await;
    assert_eq!(
        body.json()["error"]["metadata"],
        json!({ "line": 1, "column": 44 })
    );
}

#[tokio::test]
async fn a_materialized_view_is_a_table_and_can_be_refreshed() {
    let sandbox = at_once().await;
    let query =
        json!({ "name": "Count", "query_sql": "select count(*) as n from dune.rowfeed.tides" });
    post(&sandbox, "/v1/uploads", tides()).await;
    let query_id = post(&sandbox, "/v1/query", query).await.json()["query_id"].clone();
    let view = json!({ "name": "result_count", "query_id": query_id });
    let made = post(&sandbox, "/v1/materialized-views", view).await.json();
    assert_eq!(made["name"], "dune.rowfeed.result_count");
    let from_view = "select * from dune.rowfeed.result_count";
    assert_eq!(rows(&sandbox, from_view).await["rows"], json!([{ "n": 0 }]));

    insert(&sandbox, "text/csv", "level\n1\n2\n").await;
    assert_eq!(rows(&sandbox, from_view).await["rows"], json!([{ "n": 0 }]));
    let path = "/v1/materialized-views/dune.rowfeed.result_count";
    let refreshed = post(&sandbox, &format!("{path}/refresh"), json!({})).await;
    assert_eq!(refreshed.json()["sql_id"], "dune.rowfeed.result_count");
    assert_eq!(rows(&sandbox, from_view).await["rows"], json!([{ "n": 2 }]));

    let shown = get(&sandbox, path).await.json();
    assert_eq!(
        shown["last_execution_ids"],
        json!([made["execution_id"], refreshed.json()["execution_id"]])
    );
    let listed = get(&sandbox, "/v1/materialized-views").await.json();
    assert_eq!(listed["materialized_views"][0]["query_id"], query_id);
    let named = json!({ "name": "count", "query_id": query_id });
    let reply = post(&sandbox, "/v1/materialized-views", named).await;
    assert_eq!(reply.status, 400, "{}", reply.text);
    let gone = send(dune(&sandbox, Method::DELETE, path)).await;
    assert_eq!(gone.status, 200);
    assert_eq!(get(&sandbox, path).await.status, 404);
}

#[tokio::test]
async fn a_pipeline_refreshes_views_before_their_query() {
    let sandbox = Sandbox::start().await.unwrap();
    let view = json!({ "name": "result_all", "query_id": DUNE_QUERY_ID });
    post(&sandbox, "/v1/materialized-views", view).await;
    let sql = "select count(*) as n from dune.rowfeed.result_all";
    let query = json!({ "name": "Count", "query_sql": sql });
    let id = post(&sandbox, "/v1/query", query).await.json()["query_id"].clone();
    let pipeline = get(&sandbox, &format!("/v1/query/{id}/pipeline"))
        .await
        .json();
    let nodes = &pipeline["pipeline"]["nodes"];
    assert_eq!(
        nodes[0]["materialized_view_refresh"]["name"],
        "dune.rowfeed.result_all"
    );
    assert_eq!(nodes[1]["dependencies"], json!([1]));
    assert_eq!(nodes[1]["query_execution"]["query_id"], id);

    let path = format!("/v1/query/{id}/pipeline/execute");
    let started = post(&sandbox, &path, json!({ "performance": "medium" })).await;
    let run = started.json()["pipeline_execution_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = format!("/v1/pipelines/executions/{run}/status");
    for status in ["running", "running", "finished"] {
        let body = get(&sandbox, &path).await.json();
        assert_eq!(body["status"], status);
        assert_eq!(body["node_executions"].as_array().unwrap().len(), 2);
    }
    let mut circle = pipeline.clone();
    circle["pipeline"]["nodes"][0]["dependencies"] = json!([2]);
    let reply = post(&sandbox, "/v1/pipelines/execute", circle).await;
    assert_eq!(reply.status, 400, "{}", reply.text);
    assert_eq!(
        post(&sandbox, "/v1/pipelines/execute", pipeline)
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn datasets_are_samples_uploads_and_views() {
    let sandbox = at_once().await;
    post(&sandbox, "/v1/uploads", tides()).await;
    let view = json!({ "name": "result_all", "query_id": DUNE_QUERY_ID });
    post(&sandbox, "/v1/materialized-views", view).await;
    let all = get(&sandbox, "/v1/datasets").await.json();
    assert_eq!(all["total"], 4);
    let names: Vec<&str> = all["datasets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|dataset| dataset["type"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "dune_table",
            "dune_table",
            "uploaded_table",
            "transformation_table"
        ]
    );
    let page = get(&sandbox, "/v1/datasets?limit=1&offset=1&owner_handle=dune")
        .await
        .json();
    assert_eq!(page["datasets"][0]["full_name"], "projects");
    assert_eq!(page["total"], 2);
    let one = get(&sandbox, "/v1/datasets/dune.rowfeed.tides")
        .await
        .json();
    assert_eq!(
        one["columns"][2],
        json!({ "name": "supply", "type": "uint256", "nullable": true })
    );
    assert_eq!(get(&sandbox, "/v1/datasets/none").await.status, 404);
}
