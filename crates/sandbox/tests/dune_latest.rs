//! Tests of latest results, costs, and invalid bodies of Dune.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use reqwest::Method;
use rowfeed_sandbox::{DUNE_PARAMETERIZED_QUERY_ID, DUNE_QUERY_ID, Sandbox};
use serde_json::{Value, json};
use support::{Reply, dune, dune_execution, send};

const NONE: &str = "not found: No execution found for the latest version of the given query";

async fn at_once() -> Sandbox {
    Sandbox::builder().poll_steps(0).start().await.unwrap()
}

async fn get(sandbox: &Sandbox, path: &str) -> Reply {
    send(dune(sandbox, Method::GET, path)).await
}

async fn post(sandbox: &Sandbox, path: &str, body: &Value) -> Reply {
    send(dune(sandbox, Method::POST, path).json(body)).await
}

async fn patch(sandbox: &Sandbox, body: &Value) -> Reply {
    let path = format!("/v1/query/{DUNE_QUERY_ID}");
    send(dune(sandbox, Method::PATCH, &path).json(body)).await
}

#[tokio::test]
async fn a_query_without_an_execution_is_404() {
    let sandbox = at_once().await;
    for csv in ["", "/csv"] {
        let path = format!("/v1/query/{DUNE_PARAMETERIZED_QUERY_ID}/results{csv}");
        let reply = get(&sandbox, &path).await;
        assert_eq!(
            (reply.status, reply.json()),
            (404, json!({ "error": NONE }))
        );
    }
}

#[tokio::test]
async fn latest_results_follow_the_version_of_the_sql() {
    let sandbox = at_once().await;
    let latest = format!("/v1/query/{DUNE_QUERY_ID}/results?limit=1");
    let before = get(&sandbox, &latest).await.json();
    // another name or the same SQL changes nothing
    let sql = "SELECT * FROM trades ORDER BY block_time, trade_id";
    for same in [json!({ "name": "Renamed" }), json!({ "query_sql": sql })] {
        assert_eq!(patch(&sandbox, &same).await.status, 200);
        let after = get(&sandbox, &latest).await.json();
        assert_eq!(after["execution_id"], before["execution_id"]);
    }
    patch(&sandbox, &json!({ "query_sql": "select 7 as n" })).await;
    let reply = get(&sandbox, &latest).await;
    assert_eq!(
        (reply.status, reply.json()),
        (404, json!({ "error": NONE }))
    );
    // the execution still exists
    let path = format!(
        "/v1/execution/{}/results",
        before["execution_id"].as_str().unwrap()
    );
    assert_eq!(get(&sandbox, &path).await.status, 200);
    post(
        &sandbox,
        &format!("/v1/query/{DUNE_QUERY_ID}/execute"),
        &json!({}),
    )
    .await;
    let after = get(&sandbox, &latest).await.json();
    assert_eq!(after["result"]["rows"], json!([{ "n": 7 }]));
}

#[tokio::test]
async fn an_unfinished_run_is_the_latest_result() {
    let sandbox = Sandbox::start().await.unwrap();
    let latest = format!("/v1/query/{DUNE_QUERY_ID}/results?limit=1");
    let execute = format!("/v1/query/{DUNE_QUERY_ID}/execute");
    let id = post(&sandbox, &execute, &json!({})).await.json()["execution_id"].clone();
    for state in ["QUERY_STATE_PENDING", "QUERY_STATE_EXECUTING"] {
        let running = get(&sandbox, &latest).await;
        assert_eq!(running.status, 200);
        let running = running.json();
        assert_eq!(
            (&running["execution_id"], &running["state"]),
            (&id, &json!(state))
        );
        assert_eq!(running["is_execution_finished"], false);
        assert_eq!(running.get("result"), None);
    }
    assert_eq!(
        get(&sandbox, &latest).await.json()["result"]["metadata"]["row_count"],
        1
    );

    // a failed run is not the latest result
    let before = get(&sandbox, &latest).await.json();
    let id = post(&sandbox, &execute, &json!({})).await.json()["execution_id"].clone();
    let cancel = format!("/v1/execution/{}/cancel", id.as_str().unwrap());
    assert_eq!(
        post(&sandbox, &cancel, &json!({})).await.json()["success"],
        true
    );
    let after = get(&sandbox, &latest).await.json();
    assert_eq!(after["execution_id"], before["execution_id"]);
}

#[tokio::test]
async fn csv_of_an_unfinished_run_is_an_error_with_its_state() {
    let sandbox = Sandbox::start().await.unwrap();
    let id = dune_execution(&sandbox, "select 1").await;
    let execute = format!("/v1/query/{DUNE_QUERY_ID}/execute");
    post(&sandbox, &execute, &json!({})).await;
    for path in [
        format!("/v1/execution/{id}/results/csv"),
        format!("/v1/query/{DUNE_QUERY_ID}/results/csv"),
    ] {
        for state in ["PENDING", "EXECUTING"] {
            let reply = get(&sandbox, &path).await;
            let message = format!("Query state is QUERY_STATE_{state}, cannot provide CSV result");
            assert_eq!(
                (reply.status, reply.json()),
                (400, json!({ "error": message }))
            );
        }
        assert_eq!(get(&sandbox, &path).await.status, 200);
    }
}

#[tokio::test]
async fn a_larger_result_costs_more() {
    let sandbox = at_once().await;
    let cost = async |sql: &str, performance: &str| {
        let body = json!({ "sql": sql, "performance": performance });
        let run = post(&sandbox, "/v1/sql/execute", &body).await.json();
        let path = format!(
            "/v1/execution/{}/status",
            run["execution_id"].as_str().unwrap()
        );
        let cost = get(&sandbox, &path).await.json()["execution_cost_credits"].clone();
        cost.as_f64().unwrap()
    };
    let usage = async || {
        let body = post(&sandbox, "/v1/usage", &json!({})).await.json();
        body["billing_periods"][0]["credits_used"].as_f64().unwrap()
    };
    let before = usage().await;
    let (one, all) = (
        cost("select 1", "medium").await,
        cost("select * from trades", "medium").await,
    );
    let (large, failed) = (
        cost("select * from trades", "large").await,
        cost("select nothing", "medium").await,
    );
    assert!(
        0.0 < failed && failed < one && one < all && all < large,
        "{one} {all} {large}"
    );
    let spent = usage().await - before;
    assert!((spent - one - all - large - failed).abs() < 1e-5, "{spent}");
}

#[tokio::test]
async fn fields_of_a_wrong_type_are_refused() {
    let sandbox = at_once().await;
    let parameter = json!({ "key": "n", "type": "number", "value": "1" });
    let good = json!({
        "name": "One",
        "query_sql": "select {{n}} as n",
        "tags": ["a"],
        "is_private": false,
        "parameters": [parameter],
    });
    assert_eq!(post(&sandbox, "/v1/query", &good).await.status, 200);
    for (field, wrong) in [
        ("name", json!(7)),
        ("query_sql", json!(["select 1"])),
        ("description", json!({})),
        ("tags", json!("a")),
        ("tags", json!([1])),
        ("is_private", json!("yes")),
        ("is_private", json!(1)),
        ("parameters", json!({ "n": 1 })),
        ("parameters", json!(["n"])),
        (
            "parameters",
            json!([{ "key": "n", "type": "number", "value": 1 }]),
        ),
        (
            "parameters",
            json!([{ "key": 1, "type": "number", "value": "1" }]),
        ),
        ("parameters", json!([{ "type": "number", "value": "1" }])),
        (
            "parameters",
            json!([{ "key": "n", "type": "enum", "enumOptions": "a,b" }]),
        ),
    ] {
        let mut body = good.clone();
        body[field] = wrong.clone();
        let update = json!({ field: wrong });
        for reply in [
            post(&sandbox, "/v1/query", &body).await,
            patch(&sandbox, &update).await,
        ] {
            assert_eq!(reply.status, 400, "{update}: {}", reply.text);
            assert_eq!(reply.json()["error"], "Invalid request body payload");
        }
    }
    let query = get(&sandbox, &format!("/v1/query/{DUNE_QUERY_ID}"))
        .await
        .json();
    assert_eq!(
        (&query["name"], &query["version"]),
        (&json!("All trades"), &json!(1))
    );
}
