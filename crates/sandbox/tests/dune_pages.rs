//! Tests of next pages and columns of Dune.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::collections::BTreeMap;

use reqwest::{Method, Url};
use rowfeed_sandbox::{DUNE_QUERY_ID, Sandbox};
use serde_json::{Value, json};
use support::{Reply, dune, dune_execution, send};

async fn at_once() -> Sandbox {
    Sandbox::builder().poll_steps(0).start().await.unwrap()
}

async fn get(sandbox: &Sandbox, path: &str) -> Reply {
    send(dune(sandbox, Method::GET, path)).await
}

fn query_of(uri: &Value) -> BTreeMap<String, String> {
    let url = Url::parse(uri.as_str().unwrap()).unwrap();
    url.query_pairs().into_owned().collect()
}

#[tokio::test]
async fn next_uri_repeats_the_parameters_of_the_page() {
    let sandbox = at_once().await;
    let query = [
        ("columns", "project,amount_usd"),
        (
            "filters",
            "amount_usd > 100 AND project IN ('lagoon', 'estuary')",
        ),
        ("sort_by", "amount_usd desc"),
        ("allow_partial_results", "true"),
        ("limit", "5"),
    ];
    let path = format!("/v1/query/{DUNE_QUERY_ID}/results");
    let first = send(dune(&sandbox, Method::GET, &path).query(&query))
        .await
        .json();
    let mut expected: BTreeMap<String, String> = query
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    expected.insert("offset".to_owned(), "5".to_owned());
    assert_eq!(query_of(&first["next_uri"]), expected);

    let mut amounts = Vec::new();
    let mut page = first.clone();
    loop {
        for row in page["result"]["rows"].as_array().unwrap() {
            amounts.push(row["amount_usd"].as_f64().unwrap());
        }
        let Some(next) = page.get("next_uri") else {
            break;
        };
        let next = next.as_str().unwrap().replace(&sandbox.dune_url(), "");
        page = get(&sandbox, &next).await.json();
        assert_eq!(page["execution_id"], first["execution_id"]);
    }
    assert!(amounts.len() > 5 && amounts.iter().all(|amount| *amount > 100.0));
    assert!(amounts.is_sorted_by(|a, b| a >= b), "{amounts:?}");
}

#[tokio::test]
async fn row_keys_are_in_alphabetical_order_and_columns_in_query_order() {
    let sandbox = at_once().await;
    let id = dune_execution(&sandbox, "select 1 as zebra, 2 as ant, 3 as moth").await;
    let reply = get(&sandbox, &format!("/v1/execution/{id}/results")).await;
    assert!(
        reply.text.contains(r#"{"ant":2,"moth":3,"zebra":1}"#),
        "{}",
        reply.text
    );
    assert_eq!(
        reply.json()["result"]["metadata"]["column_names"],
        json!(["zebra", "ant", "moth"])
    );
}

#[tokio::test]
async fn a_parameter_can_change_the_type_of_a_column() {
    let sandbox = at_once().await;
    let query = json!({
        "name": "Number",
        "query_sql": "select {{n}} as n",
        "parameters": [{ "key": "n", "type": "number", "value": "1" }],
    });
    let made = send(dune(&sandbox, Method::POST, "/v1/query").json(&query)).await;
    let query_id = made.json()["query_id"].clone();
    for (value, type_name, cell) in [("22", "integer", json!(22)), ("1.5", "double", json!(1.5))] {
        let path = format!("/v1/query/{query_id}/execute");
        let body = json!({ "query_parameters": { "n": value } });
        let run = send(dune(&sandbox, Method::POST, &path).json(&body))
            .await
            .json();
        let id = run["execution_id"].as_str().unwrap();
        let page = get(&sandbox, &format!("/v1/execution/{id}/results"))
            .await
            .json();
        assert_eq!(
            page["result"]["metadata"]["column_types"],
            json!([type_name])
        );
        assert_eq!(page["result"]["rows"], json!([{ "n": cell }]));
    }
}

#[tokio::test]
async fn reading_the_latest_result_does_not_run_the_query() {
    let sandbox = at_once().await;
    let path = format!("/v1/query/{DUNE_QUERY_ID}/results?limit=1");
    let first = get(&sandbox, &path).await.json();
    let second = get(&sandbox, &path).await.json();
    assert_eq!(first["execution_id"], second["execution_id"]);
    assert_eq!(first["execution_ended_at"], second["execution_ended_at"]);
}
