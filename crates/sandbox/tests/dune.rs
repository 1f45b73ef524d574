//! Tests of Dune over HTTP.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use reqwest::Method;
use rowfeed_sandbox::{
    DUNE_API_KEY, DUNE_PARAMETERIZED_QUERY_ID, DUNE_QUERY_ID, Sandbox, ScriptedResult, Service,
};
use serde_json::{Value, json};
use support::{Reply, dune, dune_execution, send};

async fn at_once() -> Sandbox {
    Sandbox::builder().poll_steps(0).start().await.unwrap()
}

async fn get(sandbox: &Sandbox, path: &str) -> Reply {
    send(dune(sandbox, Method::GET, path)).await
}

async fn results(sandbox: &Sandbox, sql: &str, query: &str) -> Reply {
    let id = dune_execution(sandbox, sql).await;
    get(sandbox, &format!("/v1/execution/{id}/results?{query}")).await
}

fn ids(reply: &Reply) -> Vec<i64> {
    let body = reply.json();
    let rows = body["result"]["rows"].as_array().unwrap();
    rows.iter().map(|row| row["n"].as_i64().unwrap()).collect()
}

/// `n` from 1 to 10.
const TEN: &str = "with recursive t(n) as (select 1 union all select n + 1 from t where n < 10) \
                   select n, n % 3 as \"the rest\", 'row ' || n as label from t order by n";

#[tokio::test]
async fn the_key_is_taken_from_header_or_query_and_not_recorded() {
    let sandbox = at_once().await;
    let client = reqwest::Client::new();
    let url = format!("{}/v1/query/{DUNE_QUERY_ID}", sandbox.dune_url());
    for request in [
        client.get(&url),
        client.get(&url).header("X-Dune-Api-Key", "another"),
        client.get(format!("{url}?api_key=another")),
    ] {
        let reply = send(request).await;
        assert_eq!(reply.status, 401);
        assert_eq!(reply.json(), json!({ "error": "invalid API Key" }));
    }
    let reply = send(client.get(format!("{url}?api_key={DUNE_API_KEY}"))).await;
    assert_eq!(reply.status, 200);
    let reply = send(client.get(&url).header("x-dune-api-key", DUNE_API_KEY)).await;
    assert_eq!(reply.status, 200);
    let seen = format!("{:?}", sandbox.requests());
    assert!(!seen.contains(DUNE_API_KEY), "{seen}");
}

#[tokio::test]
async fn a_run_is_pending_then_executing_then_completed() {
    let sandbox = Sandbox::start().await.unwrap();
    let id = dune_execution(&sandbox, "select 1 as n").await;
    let path = format!("/v1/execution/{id}/status");
    let mut states = Vec::new();
    for _ in 0..2 {
        let body = get(&sandbox, &path).await.json();
        assert_eq!(body["is_execution_finished"], false);
        assert_eq!(body.get("result_metadata"), None);
        states.push(body["state"].clone());
    }
    assert_eq!(states, ["QUERY_STATE_PENDING", "QUERY_STATE_EXECUTING"]);
    let body = get(&sandbox, &path).await.json();
    assert_eq!(body["state"], "QUERY_STATE_COMPLETED");
    assert_eq!(body["is_execution_finished"], true);
    assert_eq!(body["query_id"], 0);
    assert!(body["execution_cost_credits"].as_f64().unwrap() > 0.0);
    assert_eq!(body["result_metadata"]["total_row_count"], 1);
    for time in [
        "submitted_at",
        "execution_started_at",
        "execution_ended_at",
        "expires_at",
    ] {
        assert!(body[time].as_str().unwrap().ends_with('Z'), "{time}");
    }

    let body = get(&sandbox, &format!("/v1/execution/{id}/results"))
        .await
        .json();
    assert_eq!(body.get("query_id"), None);
    assert_eq!(body.get("execution_cost_credits"), None);
    assert_eq!(body["result"]["rows"], json!([{ "n": 1 }]));
    assert_eq!(
        body["result"]["metadata"]["column_types"],
        json!(["integer"])
    );
}

#[tokio::test]
async fn results_before_the_end_have_a_state_and_no_result() {
    let sandbox = Sandbox::start().await.unwrap();
    let id = dune_execution(&sandbox, "select 1").await;
    let reply = get(&sandbox, &format!("/v1/execution/{id}/results")).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.json()["state"], "QUERY_STATE_PENDING");
    assert_eq!(reply.json().get("result"), None);
}

#[tokio::test]
async fn values_have_trinos_format() {
    let sandbox = at_once().await;
    let sql = "select * from trades where trade_id in (1002, 9007199254740995) order by trade_id";
    let body = results(&sandbox, sql, "").await;
    assert!(body.text.contains("9007199254740995"), "{}", body.text);
    let body = body.json();
    assert_eq!(
        body["result"]["metadata"]["column_types"],
        json!([
            "bigint",
            "date",
            "timestamp with time zone",
            "varchar",
            "varchar",
            "integer",
            "double",
            "decimal(22, 9)",
            "boolean",
            "varbinary"
        ])
    );
    let row = &body["result"]["rows"][0];
    assert_eq!(row["block_date"], "2024-05-02");
    assert_eq!(row["block_time"], "2024-05-02 02:14:02.197 UTC");
    assert_eq!(row["price"], "3.246913578");
    assert_eq!(row["is_maker"], Value::Null);
    let hash = row["tx_hash"].as_str().unwrap();
    assert!(hash.starts_with("0x") && hash.len() == 66, "{hash}");
    let other = &body["result"]["rows"][1];
    assert_eq!(other["token_pair"], "Ångström-KELP");
}

#[tokio::test]
async fn a_large_limit_is_reduced_and_next_offset_leads_to_the_end() {
    let sandbox = Sandbox::builder()
        .poll_steps(0)
        .dune_max_page_rows(4)
        .start()
        .await
        .unwrap();
    let id = dune_execution(&sandbox, TEN).await;
    let mut path = format!("/v1/execution/{id}/results?limit=1000&columns=n");
    let (mut seen, mut pages) = (Vec::new(), 0);
    loop {
        let reply = get(&sandbox, &path).await;
        let body = reply.json();
        seen.extend(ids(&reply));
        pages += 1;
        assert_eq!(body["result"]["metadata"]["total_row_count"], 10);
        let Some(next) = body.get("next_uri") else {
            assert_eq!(body.get("next_offset"), None);
            break;
        };
        assert_eq!(body["next_offset"], 4 * pages);
        let expected = format!(
            "{}/v1/execution/{id}/results?columns=n&limit=1000&offset={}",
            sandbox.dune_url(),
            4 * pages
        );
        assert_eq!(*next, expected);
        path = expected[sandbox.dune_url().len()..].to_owned();
    }
    assert_eq!(seen, (1..=10).collect::<Vec<_>>());
    assert_eq!(pages, 3);
    let rows: Vec<_> = sandbox.requests().iter().map(|seen| seen.rows).collect();
    assert_eq!(rows, [None, Some(4), Some(4), Some(2)]);
}

#[tokio::test]
async fn an_offset_past_the_end_is_an_empty_page() {
    let sandbox = at_once().await;
    let reply = results(&sandbox, TEN, "limit=5&offset=99").await;
    assert_eq!(reply.status, 200);
    let body = reply.json();
    assert_eq!(body["result"]["rows"], json!([]));
    assert_eq!(body["result"]["metadata"]["total_row_count"], 10);
    assert_eq!(body.get("next_offset"), None);
}

#[tokio::test]
async fn columns_filters_sorting_and_samples_select_rows() {
    let sandbox = at_once().await;
    let sort = "sort_by=%22the%20rest%22%20desc,n%20asc&limit=3";
    let reply = results(&sandbox, TEN, sort).await;
    assert_eq!(ids(&reply), [2, 5, 8]);

    let filters = "filters=n%20%3E%207%20AND%20label%20IN%20(%27row%208%27,%27row%2010%27)";
    let reply = results(&sandbox, TEN, filters).await;
    assert_eq!(ids(&reply), [8, 10]);

    let reply = results(&sandbox, TEN, "columns=label,%22the%20rest%22&limit=1").await;
    let body = reply.json();
    assert_eq!(
        body["result"]["rows"],
        json!([{ "label": "row 1", "the rest": 1 }])
    );
    assert_eq!(
        body["result"]["metadata"]["column_names"],
        json!(["label", "the rest"])
    );

    let body = results(&sandbox, TEN, "sample_count=3").await.json();
    assert_eq!(body["result"]["metadata"]["row_count"], 3);
    assert_eq!(body["result"]["metadata"]["total_row_count"], 10);
    assert_eq!(body.get("next_offset"), None);
}

#[tokio::test]
async fn exact_numbers_sent_as_text_are_compared_as_numbers() {
    let sandbox = at_once().await;
    let result = ScriptedResult::new([("n", "integer"), ("big", "uint256")])
        .row(["1", "\"9\""])
        .row(["2", "\"115792089237316195423570985008687907853\""]);
    sandbox
        .script_result(Service::Dune, "select big", result)
        .unwrap();
    let reply = results(&sandbox, "select big", "filters=big%20%3E%20100").await;
    assert_eq!(ids(&reply), [2]);
}

#[tokio::test]
async fn invalid_selections_are_refused() {
    let sandbox = at_once().await;
    for query in [
        "columns=nothing",
        "columns=n,%20label",
        "sort_by=nothing",
        "filters=nothing%20=%201",
        "filters=NOT%20n%20=%201",
        "filters=%22nothing%22%20=%201",
        "limit=many",
        "sample_count=2&limit=1",
        "sample_count=2&offset=1",
        "sample_count=2&filters=n%3E1",
    ] {
        let reply = results(&sandbox, TEN, query).await;
        assert_eq!(reply.status, 400, "{query}: {}", reply.text);
        assert!(reply.json()["error"].is_string());
    }
}

#[tokio::test]
async fn a_failure_is_a_state_with_line_and_column() {
    let sandbox = at_once().await;
    let id = dune_execution(&sandbox, "select project,\n  nothing\nfrom trades").await;
    for path in ["status", "results"] {
        let reply = get(&sandbox, &format!("/v1/execution/{id}/{path}")).await;
        assert_eq!(reply.status, 200);
        let body = reply.json();
        assert_eq!(body["state"], "QUERY_STATE_FAILED");
        assert_eq!(body["is_execution_finished"], true);
        assert_eq!(body["error"]["type"], "FAILED_TYPE_EXECUTION_FAILED");
        assert_eq!(body["error"]["metadata"], json!({ "line": 2, "column": 3 }));
        let message = body["error"]["message"].as_str().unwrap();
        assert!(message.starts_with("line 2:3: ") && message.contains(&id));
        assert_eq!(body.get("result"), None);
    }
}

#[tokio::test]
async fn a_partial_result_requires_a_parameter() {
    let sandbox = Sandbox::builder()
        .poll_steps(0)
        .dune_partial_after(7)
        .start()
        .await
        .unwrap();
    let id = dune_execution(&sandbox, TEN).await;
    let status = get(&sandbox, &format!("/v1/execution/{id}/status")).await;
    assert_eq!(status.json()["state"], "QUERY_STATE_COMPLETED_PARTIAL");
    let path = format!("/v1/execution/{id}/results");
    let reply = get(&sandbox, &path).await;
    assert_eq!(reply.status, 400);
    assert_eq!(
        reply.json(),
        json!({ "error": "Partial Result, please request with 'allow_partial_results=true'" })
    );
    let reply = get(
        &sandbox,
        &format!("{path}?allow_partial_results=true&limit=5"),
    )
    .await;
    assert_eq!(reply.json()["state"], "QUERY_STATE_COMPLETED_PARTIAL");
    assert_eq!(ids(&reply).len(), 5);
    let next = reply.json()["next_uri"].as_str().unwrap().to_owned();
    assert!(next.contains("allow_partial_results=true"), "{next}");
}

#[tokio::test]
async fn a_cancelled_run_stays_cancelled() {
    let sandbox = Sandbox::start().await.unwrap();
    let id = dune_execution(&sandbox, "select 1").await;
    let cancel = format!("/v1/execution/{id}/cancel");
    let reply = send(dune(&sandbox, Method::POST, &cancel)).await;
    assert_eq!(reply.json(), json!({ "success": true }));
    for path in ["status", "results"] {
        let body = get(&sandbox, &format!("/v1/execution/{id}/{path}"))
            .await
            .json();
        assert_eq!(body["state"], "QUERY_STATE_CANCELLED");
        assert_eq!(body["is_execution_finished"], true);
        assert!(body["cancelled_at"].is_string());
        assert_eq!(body.get("result"), None);
    }
}

#[tokio::test]
async fn a_run_that_has_ended_cannot_be_cancelled() {
    let sandbox = at_once().await;
    let id = dune_execution(&sandbox, "select 1").await;
    let cancel = format!("/v1/execution/{id}/cancel");
    let reply = send(dune(&sandbox, Method::POST, &cancel)).await;
    assert_eq!(reply.json(), json!({ "success": false }));
    let body = get(&sandbox, &format!("/v1/execution/{id}/status")).await;
    assert_eq!(body.json()["state"], "QUERY_STATE_COMPLETED");
}

#[tokio::test]
async fn unknown_and_invalid_ids_have_different_errors() {
    let sandbox = at_once().await;
    let cases = [
        (
            "/v1/execution/hello/status",
            400,
            "The requested execution ID (ID: hello) is invalid.",
        ),
        (
            "/v1/execution/01J7Q0V5T3XKZC9M4W8R2B6N1D/results",
            404,
            "Execution not found",
        ),
        ("/v1/query/17", 404, "Query not found"),
        ("/v1/query/0/results", 404, "Query not found"),
        (
            "/v1/query/4294967295/results",
            500,
            "An internal error occurred",
        ),
    ];
    for (path, status, message) in cases {
        let reply = get(&sandbox, path).await;
        assert_eq!(
            (reply.status, reply.json()),
            (status, json!({ "error": message })),
            "{path}"
        );
    }
}

#[tokio::test]
async fn bodies_and_parameters_are_checked() {
    let sandbox = at_once().await;
    let reply = send(dune(&sandbox, Method::POST, "/v1/sql/execute").body("{")).await;
    assert_eq!(reply.status, 400);
    assert_eq!(reply.json()["error"], "Invalid request body payload");
    let path = format!("/v1/query/{DUNE_PARAMETERIZED_QUERY_ID}/execute");
    let body = json!({ "query_parameters": { "chain": "base" } });
    let reply = send(dune(&sandbox, Method::POST, &path).json(&body)).await;
    assert_eq!(reply.status, 400);
    assert_eq!(reply.json()["error"], "unknown parameters (chain)");
}

#[tokio::test]
async fn the_latest_result_is_available_and_names_its_execution() {
    let sandbox = at_once().await;
    let path = format!("/v1/query/{DUNE_QUERY_ID}/results?limit=10");
    let body = get(&sandbox, &path).await.json();
    assert_eq!(body["query_id"], DUNE_QUERY_ID);
    assert_eq!(body["result"]["metadata"]["total_row_count"], 48);
    let execution = body["execution_id"].as_str().unwrap();
    let next = body["next_uri"].as_str().unwrap();
    assert!(
        next.contains(&format!("/v1/execution/{execution}/results?")),
        "{next}"
    );
}

#[tokio::test]
async fn next_uri_uses_the_host_of_the_request() {
    let sandbox = at_once().await;
    let path = format!("/v1/query/{DUNE_QUERY_ID}/results?limit=1");
    let request = dune(&sandbox, Method::GET, &path).header("Host", "sandbox.example:8080");
    let next = send(request).await.json()["next_uri"].clone();
    let next = next.as_str().unwrap();
    assert!(
        next.starts_with("http://sandbox.example:8080/dune/api/v1/"),
        "{next}"
    );
}

#[tokio::test]
async fn saved_parameters_are_filled_in_and_choose_the_latest_result() {
    let sandbox = at_once().await;
    let query = format!("/v1/query/{DUNE_PARAMETERIZED_QUERY_ID}");
    let latest = format!("{query}/results");
    assert_eq!(get(&sandbox, &latest).await.status, 404);

    let mut executions = Vec::new();
    for project in ["tidepool", "estuary"] {
        let body = json!({ "query_parameters": { "project": project, "min_usd": 10 } });
        let request = dune(&sandbox, Method::POST, &format!("{query}/execute"));
        let body = send(request.json(&body)).await.json();
        executions.push(body["execution_id"].clone());
    }
    let body = get(&sandbox, &latest).await.json();
    assert_eq!(body["execution_id"], executions[1]);
    let body = get(
        &sandbox,
        &format!("{latest}?params.project=tidepool&params.min_usd=10"),
    )
    .await;
    let body = body.json();
    assert_eq!(body["execution_id"], executions[0]);
    let rows = body["result"]["rows"].as_array().unwrap();
    assert!(!rows.is_empty() && rows.iter().all(|row| row["project"] == "tidepool"));
    let unseen = get(&sandbox, &format!("{latest}?params.project=lagoon")).await;
    assert_eq!(unseen.status, 404);
}

#[tokio::test]
async fn csv_writes_numbers_as_floats_and_pages_by_headers() {
    let sandbox = at_once().await;
    let sql = "select 37185158 as ct, null as none, 'a,\"b\"' as text, true as yes \
               union all select 12, 'x', 'y', false";
    let id = dune_execution(&sandbox, sql).await;
    let path = format!("/v1/execution/{id}/results/csv");
    let reply = get(&sandbox, &format!("{path}?limit=1")).await;
    assert_eq!(reply.header("content-type"), Some("text/plain"));
    let expected = "ct,none,text,yes\n3.7185158e+07,<nil>,\"a,\"\"b\"\"\",1\n";
    assert_eq!(reply.text, expected);
    assert_eq!(reply.header("x-dune-next-offset"), Some("1"));
    let next = reply.header("x-dune-next-uri").unwrap();
    assert_eq!(
        next,
        format!("{}{path}?limit=1&offset=1", sandbox.dune_url())
    );
    let reply = get(&sandbox, &format!("{path}?limit=1&offset=1")).await;
    assert_eq!(reply.header("x-dune-next-uri"), None);
}

#[tokio::test]
async fn a_saved_query_can_be_created_read_listed_and_run() {
    let sandbox = at_once().await;
    let body = json!({ "name": "mine", "query_sql": "select 5 as n", "tags": ["a"] });
    let reply = send(dune(&sandbox, Method::POST, "/v1/query").json(&body)).await;
    let id = reply.json()["query_id"].as_i64().unwrap();
    let reply = send(dune(&sandbox, Method::POST, "/v1/query/").json(&body)).await;
    assert_eq!(reply.json()["query_id"], id + 1);
    let body = get(&sandbox, &format!("/v1/query/{id}")).await.json();
    assert_eq!(
        (&body["name"], &body["query_sql"]),
        (&json!("mine"), &json!("select 5 as n"))
    );

    let body = get(&sandbox, "/v1/queries?limit=2&offset=1").await.json();
    assert_eq!(body["total"], 4);
    assert_eq!(body["queries"].as_array().unwrap().len(), 2);
    assert_eq!(body["queries"][1]["id"], id);

    let execute = format!("/v1/query/{id}/execute");
    assert_eq!(
        send(dune(&sandbox, Method::POST, &execute)).await.status,
        200
    );
    let reply = get(&sandbox, &format!("/v1/query/{id}/results")).await;
    assert_eq!(ids(&reply), [5]);

    let reply = send(dune(&sandbox, Method::POST, "/v1/usage").json(&json!({}))).await;
    assert!(reply.json()["billing_periods"][0]["credits_used"].is_number());
}

#[tokio::test]
async fn a_scripted_result_keeps_its_digits_and_is_paged() {
    let sandbox = at_once().await;
    let result = ScriptedResult::new([("n", "bigint"), ("v", "decimal(38, 2)")])
        .row(["1", "12345678901234567890123456789012345678"])
        .row(["2", "\"1.50\""])
        .row(["3", "null"]);
    sandbox
        .script_result(Service::Dune, "select anything", result)
        .unwrap();
    let reply = results(&sandbox, " select anything ", "limit=2").await;
    assert_eq!(ids(&reply), [1, 2]);
    assert!(
        reply
            .text
            .contains("12345678901234567890123456789012345678")
    );
    assert_eq!(reply.json()["next_offset"], 2);
    assert_eq!(
        reply.json()["result"]["metadata"]["column_types"][1],
        "decimal(38, 2)"
    );
}
