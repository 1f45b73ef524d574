//! Tests of Lightdash over HTTP.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use reqwest::Method;
use rowfeed_sandbox::{
    LIGHTDASH_PROJECT_UUID, LIGHTDASH_SERVICE_TOKEN, LIGHTDASH_TOKEN, Sandbox, ScriptedResult,
    Service,
};
use serde_json::{Value, json};
use support::{Reply, lightdash, lightdash_query, lightdash_run, send};

async fn at_once() -> Sandbox {
    Sandbox::builder().poll_steps(0).start().await.unwrap()
}

async fn page(sandbox: &Sandbox, id: &str, query: &str) -> Reply {
    send(lightdash_query(
        sandbox,
        Method::GET,
        &format!("/{id}?{query}"),
    ))
    .await
}

#[track_caller]
fn assert_error(reply: &Reply, status: u16, name: &str) -> String {
    assert_eq!(reply.status, status, "{}", reply.text);
    let body = reply.json();
    assert_eq!(body["status"], "error");
    assert_eq!(body["error"]["statusCode"], status);
    assert_eq!(body["error"]["name"], name);
    assert!(body["error"]["data"].is_object());
    body["error"]["message"].as_str().unwrap().to_owned()
}

/// `n` from 1 to 5.
const FIVE: &str = "select column1 as n from (values (1), (2), (3), (4), (5)) order by n";

#[tokio::test]
async fn both_schemes_are_accepted_and_anything_else_is_401() {
    let sandbox = at_once().await;
    let client = reqwest::Client::new();
    let url = format!("{}/api/v1/user", sandbox.lightdash_url());
    let with = |value: String| client.get(&url).header("Authorization", value);
    for value in [
        format!("ApiKey {LIGHTDASH_TOKEN}"),
        format!("Bearer {LIGHTDASH_SERVICE_TOKEN}"),
    ] {
        assert_eq!(send(with(value)).await.status, 200);
    }
    for (value, message) in [
        (
            "ApiKey ldpat_none",
            "Personal access token is not recognised",
        ),
        ("Bearer ldsvc_none", "Invalid service account token"),
        ("Basic eDp5", "Failed to authorize user"),
    ] {
        let reply = send(with(value.to_owned())).await;
        assert_eq!(assert_error(&reply, 401, "AuthorizationError"), message);
    }
    // a personal token is not valid as a bearer token, and a service token is not valid as an API
    // key
    let reply = send(with(format!("Bearer {LIGHTDASH_TOKEN}"))).await;
    assert_error(&reply, 401, "AuthorizationError");
    let reply = send(with(format!("ApiKey {LIGHTDASH_SERVICE_TOKEN}"))).await;
    assert_error(&reply, 401, "AuthorizationError");
    let reply = send(client.get(&url)).await;
    assert_error(&reply, 401, "AuthorizationError");
    let seen = format!("{:?}", sandbox.requests());
    assert!(!seen.contains(LIGHTDASH_TOKEN) && !seen.contains(LIGHTDASH_SERVICE_TOKEN));
}

#[tokio::test]
async fn a_query_shows_every_unfinished_status() {
    let sandbox = Sandbox::builder().poll_steps(3).start().await.unwrap();
    let id = lightdash_run(&sandbox, FIVE).await;
    for status in ["pending", "queued", "executing"] {
        // the page number is not checked before the query is ready
        let reply = page(&sandbox, &id, "page=99&pageSize=99999").await;
        assert_eq!(reply.status, 200);
        assert_eq!(
            reply.json(),
            json!({ "status": "ok", "results": { "status": status, "queryUuid": id } })
        );
    }
    assert_eq!(
        page(&sandbox, &id, "").await.json()["results"]["status"],
        "ready"
    );
}

#[tokio::test]
async fn pages_report_their_own_size_and_omit_absent_neighbors() {
    let sandbox = at_once().await;
    let id = lightdash_run(&sandbox, FIVE).await;
    let expected = [
        (2, Some(2), None),
        (2, Some(3), Some(1)),
        (1, None, Some(2)),
    ];
    for (index, (size, next, previous)) in expected.into_iter().enumerate() {
        let number = index + 1;
        let body = page(&sandbox, &id, &format!("page={number}&pageSize=2")).await;
        let results = &body.json()["results"];
        assert_eq!(results["page"], number);
        assert_eq!(results["pageSize"], size);
        assert_eq!(results["rows"].as_array().unwrap().len(), size);
        assert_eq!(results["totalPageCount"], 3);
        assert_eq!(results["totalResults"], 5);
        assert_eq!(results.get("nextPage").and_then(Value::as_u64), next);
        assert_eq!(
            results.get("previousPage").and_then(Value::as_u64),
            previous
        );
        assert!(!body.text.contains("\"nextPage\":null"));
        assert_eq!(results["pivotDetails"], Value::Null);
        assert_eq!(results["metadata"]["preAggregate"], Value::Null);
    }
    let rows: Vec<_> = sandbox.requests().iter().map(|seen| seen.rows).collect();
    assert_eq!(rows, [None, Some(2), Some(2), Some(1)]);
}

#[tokio::test]
async fn the_first_page_size_becomes_the_default_of_the_query() {
    let sandbox = at_once().await;
    let size = |reply: Reply| reply.json()["results"]["pageSize"].as_u64();
    let many = "with recursive t(n) as (select 1 union all select n + 1 from t where n < 600) \
                select n from t";
    let id = lightdash_run(&sandbox, many).await;
    assert_eq!(size(page(&sandbox, &id, "").await), Some(500));
    assert_eq!(size(page(&sandbox, &id, "pageSize=20").await), Some(20));
    assert_eq!(size(page(&sandbox, &id, "page=2").await), Some(100));

    let id = lightdash_run(&sandbox, FIVE).await;
    assert_eq!(
        size(page(&sandbox, &id, "page=1&pageSize=2").await),
        Some(2)
    );
    assert_eq!(
        size(page(&sandbox, &id, "page=2&pageSize=4").await),
        Some(1)
    );
    assert_eq!(size(page(&sandbox, &id, "page=2").await), Some(2));
}

#[tokio::test]
async fn an_empty_result_has_no_pages_and_accepts_any_page_number() {
    let sandbox = at_once().await;
    let id = lightdash_run(&sandbox, "select project from trades where 1 = 0").await;
    for number in [1, 2] {
        let body = page(&sandbox, &id, &format!("page={number}&pageSize=10")).await;
        let results = &body.json()["results"];
        assert_eq!(results["rows"], json!([]));
        assert_eq!(results["totalPageCount"], 0);
        assert_eq!(results["pageSize"], 0);
        assert_eq!(results.get("nextPage"), None);
        assert_eq!(results["columns"]["project"]["type"], "string");
    }
}

#[tokio::test]
async fn pages_and_sizes_out_of_range_are_422() {
    let sandbox = at_once().await;
    let id = lightdash_run(&sandbox, FIVE).await;
    let cases = [
        ("page=6&pageSize=1", "invalid page 6, last page is 5"),
        (
            "page=1&pageSize=2501",
            "page size is too large, max is 2500",
        ),
    ];
    for (query, message) in cases {
        let reply = page(&sandbox, &id, query).await;
        assert_eq!(assert_error(&reply, 422, "PaginationError"), message);
    }
    for query in ["page=0", "pageSize=0", "page=-1"] {
        assert_error(&page(&sandbox, &id, query).await, 422, "PaginationError");
    }
    let reply = page(&sandbox, &id, "page=two").await;
    assert_error(&reply, 422, "ValidateError");
    assert_eq!(reply.json()["error"]["data"]["page"]["value"], "two");
    // the number may be a float
    let reply = page(&sandbox, &id, "page=1.0&pageSize=2.0").await;
    assert_eq!(reply.status, 200, "{}", reply.text);
}

#[tokio::test]
async fn cells_are_raw_and_formatted_in_column_order() {
    let sandbox = at_once().await;
    let sql = "select trade_id, token_pair, block_date, block_time, is_maker, evt_index, price, \
               tx_hash, null as nil from trades where trade_id = 1002 or trade_id = 1013 \
               order by trade_id";
    let id = lightdash_run(&sandbox, sql).await;
    let reply = page(&sandbox, &id, "pageSize=10").await;
    let results = &reply.json()["results"];
    let row = &results["rows"][0];
    let cell = |row: &Value, name: &str| {
        let value = &row[name]["value"];
        (
            value["raw"].clone(),
            value["formatted"].as_str().unwrap().to_owned(),
        )
    };
    assert_eq!(cell(row, "trade_id"), (json!("1002"), "1002".into()));
    assert_eq!(cell(row, "evt_index"), (json!(6), "6".into()));
    assert_eq!(cell(row, "is_maker"), (Value::Null, "∅".into()));
    assert_eq!(cell(row, "nil"), (Value::Null, "∅".into()));
    assert_eq!(cell(row, "price"), (json!(3.246913578), "3.247".into()));
    assert_eq!(
        cell(row, "block_date"),
        (json!("2024-05-02T00:00:00.000Z"), "2024-05-02".into())
    );
    assert_eq!(
        cell(row, "block_time"),
        (
            json!("2024-05-02T02:14:02.197Z"),
            "2024-05-02, 02:14:02:197 (+00:00)".into()
        )
    );
    assert_eq!(row["tx_hash"]["value"]["raw"]["type"], "Buffer");
    let types: Vec<_> = [
        "trade_id",
        "token_pair",
        "block_date",
        "block_time",
        "is_maker",
    ]
    .iter()
    .map(|name| results["columns"][name]["type"].as_str().unwrap())
    .collect();
    assert_eq!(types, ["number", "string", "date", "timestamp", "boolean"]);
    let at = |name: &str| {
        reply
            .text
            .find(&format!("{{\"reference\":\"{name}\""))
            .unwrap()
    };
    assert!(at("trade_id") < at("token_pair") && at("price") < at("nil"));
}

#[tokio::test]
async fn a_limit_also_limits_the_total() {
    let sandbox = at_once().await;
    let body = json!({ "sql": FIVE, "limit": 3 });
    let reply = send(lightdash_query(&sandbox, Method::POST, "/sql").json(&body)).await;
    let results = reply.json()["results"].clone();
    assert_eq!(results["cacheMetadata"]["cacheHit"], false);
    let id = results["queryUuid"].as_str().unwrap();
    assert_eq!(
        page(&sandbox, id, "").await.json()["results"]["totalResults"],
        3
    );
}

#[tokio::test]
async fn a_failing_statement_is_a_status() {
    let sandbox = at_once().await;
    let id = lightdash_run(&sandbox, "select nothing from trades").await;
    let reply = page(&sandbox, &id, "page=9").await;
    assert_eq!(reply.status, 200);
    let results = &reply.json()["results"];
    assert_eq!(results["status"], "error");
    assert!(results["error"].as_str().unwrap().contains("nothing"));
    let at = results["erroredAt"].as_str().unwrap();
    assert!(at.ends_with('Z') && at.len() == 24, "{at}");
}

#[tokio::test]
async fn even_a_ready_query_can_be_canceled() {
    let sandbox = at_once().await;
    let id = lightdash_run(&sandbox, FIVE).await;
    assert_eq!(
        page(&sandbox, &id, "").await.json()["results"]["status"],
        "ready"
    );
    let cancel = lightdash_query(&sandbox, Method::POST, &format!("/{id}/cancel"));
    let reply = send(cancel).await;
    assert_eq!(
        (reply.status, reply.json()),
        (200, json!({ "status": "ok" }))
    );
    assert_eq!(
        page(&sandbox, &id, "").await.json()["results"],
        json!({ "status": "cancelled", "queryUuid": id })
    );
}

#[tokio::test]
async fn a_query_is_visible_only_to_its_account_and_in_its_project() {
    let sandbox = at_once().await;
    let id = lightdash_run(&sandbox, FIVE).await;
    let message = |project: &str| format!("Query {id} not found for project {project}");

    let path = format!("/api/v2/projects/{LIGHTDASH_PROJECT_UUID}/query/{id}");
    let other = reqwest::Client::new()
        .get(format!("{}{path}", sandbox.lightdash_url()))
        .bearer_auth(LIGHTDASH_SERVICE_TOKEN);
    let reply = send(other).await;
    let expected = message(LIGHTDASH_PROJECT_UUID);
    assert_eq!(assert_error(&reply, 404, "NotFoundError"), expected);

    let project = "11111111-2222-4333-8444-555555555555";
    let path = format!("/api/v2/projects/{project}/query/{id}");
    let reply = send(lightdash(&sandbox, Method::GET, &path)).await;
    assert_eq!(assert_error(&reply, 404, "NotFoundError"), message(project));
}

#[tokio::test]
async fn an_id_that_is_not_a_uuid_is_a_server_error() {
    let sandbox = at_once().await;
    let reply = page(&sandbox, "hello", "").await;
    let message = assert_error(&reply, 500, "UnexpectedServerError");
    assert_eq!(message, "Something went wrong.");
    assert!(reply.json()["error"]["sentryTraceId"].is_string());
}

#[tokio::test]
async fn bodies_are_validated() {
    let sandbox = at_once().await;
    let request = lightdash_query(&sandbox, Method::POST, "/sql").json(&json!({}));
    let reply = send(request).await;
    assert_error(&reply, 422, "ValidateError");
    assert_eq!(
        reply.json()["error"]["data"]["body.sql"]["message"],
        "'sql' is required"
    );
    let large = json!({ "sql": "x".repeat(6 * 1024 * 1024) });
    let request = lightdash_query(&sandbox, Method::POST, "/sql").json(&large);
    assert_error(&send(request).await, 413, "PayloadTooLargeError");
}

#[tokio::test]
async fn every_path_outside_the_api_is_the_web_page() {
    let sandbox = at_once().await;
    let client = reqwest::Client::new();
    for path in ["", "/projects/x/tables"] {
        let url = format!("{}{path}", sandbox.lightdash_url());
        let reply = send(client.get(url)).await;
        assert_eq!(reply.status, 200);
        assert!(
            reply
                .header("content-type")
                .unwrap()
                .starts_with("text/html")
        );
    }
    let reply = send(lightdash(&sandbox, Method::GET, "/api/v1/nothing")).await;
    let message = assert_error(&reply, 404, "NotFoundError");
    assert_eq!(message, "API endpoint not found");
}

#[tokio::test]
async fn health_reports_the_page_size_limit_without_a_token() {
    let sandbox = Sandbox::builder()
        .poll_steps(0)
        .lightdash_max_page_size(40)
        .start()
        .await
        .unwrap();
    let url = format!("{}/api/v1/health", sandbox.lightdash_url());
    let body = send(reqwest::Client::new().get(url)).await.json();
    assert_eq!(body["results"]["query"]["maxPageSize"], 40);
    assert_eq!(body["results"]["isAuthenticated"], false);
    let id = lightdash_run(&sandbox, FIVE).await;
    assert_error(
        &page(&sandbox, &id, "pageSize=41").await,
        422,
        "PaginationError",
    );
    assert_eq!(page(&sandbox, &id, "").await.status, 200);
}

#[tokio::test]
async fn the_catalog_lists_the_project() {
    let sandbox = at_once().await;
    let projects = send(lightdash(&sandbox, Method::GET, "/api/v1/org/projects")).await;
    let body = projects.json();
    assert_eq!(body["results"][0]["projectUuid"], LIGHTDASH_PROJECT_UUID);
    let org = send(lightdash(&sandbox, Method::GET, "/api/v1/org"))
        .await
        .json();
    assert_eq!(org["results"]["name"], "Rowfeed");
    for (path, key) in [("spaces", "name"), ("charts", "slug"), ("explores", "name")] {
        let path = format!("/api/v1/projects/{LIGHTDASH_PROJECT_UUID}/{path}");
        let body = send(lightdash(&sandbox, Method::GET, &path)).await.json();
        assert!(body["results"][0][key].is_string(), "{path}: {body}");
    }
}

fn metric_query(filters: &Value, limit: u64) -> Value {
    json!({ "query": {
        "exploreName": "trades",
        "dimensions": ["trades_project"],
        "metrics": ["trades_count", "trades_total_usd"],
        "filters": filters,
        "sorts": [{ "fieldId": "trades_project", "descending": true }],
        "limit": limit,
        "tableCalculations": [],
    } })
}

#[tokio::test]
async fn a_metric_query_groups_filters_sorts_and_limits() {
    let sandbox = at_once().await;
    let filters = json!({
        "dimensions": { "id": "g", "and": [
            { "id": "a", "target": { "fieldId": "trades_project" },
              "operator": "notEquals", "values": ["lagoon"] },
            { "id": "b", "or": [
                { "id": "c", "target": { "fieldId": "trades_evt_index" },
                  "operator": "greaterThan", "values": [2] },
                { "id": "d", "target": { "fieldId": "trades_token_pair" },
                  "operator": "isNull" },
            ] },
        ] },
        "metrics": { "id": "h", "and": [
            { "id": "e", "target": { "fieldId": "trades_count" },
              "operator": "greaterThanOrEqual", "values": [1] },
        ] },
    });
    let request = lightdash_query(&sandbox, Method::POST, "/metric-query");
    let reply = send(request.json(&metric_query(&filters, 2))).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let results = reply.json()["results"].clone();
    assert_eq!(results["fields"]["trades_count"]["fieldType"], "metric");
    assert_eq!(results["fields"]["trades_project"]["type"], "string");
    assert_eq!(results["metricQuery"]["exploreName"], "trades");
    let id = results["queryUuid"].as_str().unwrap();
    let body = page(&sandbox, id, "pageSize=10").await.json();
    let rows = body["results"]["rows"].as_array().unwrap();
    let projects: Vec<_> = rows
        .iter()
        .map(|row| row["trades_project"]["value"]["raw"].as_str().unwrap())
        .collect();
    assert_eq!(projects, ["tidepool", "saltmarsh"]);
    assert!(rows[0]["trades_count"]["value"]["raw"].is_string());
    assert!(rows[0]["trades_total_usd"]["value"]["raw"].is_number());
}

#[tokio::test]
async fn dates_of_a_metric_query_have_no_fraction() {
    let sandbox = at_once().await;
    let mut body = metric_query(&json!({}), 1);
    body["query"]["dimensions"] = json!(["trades_block_date", "trades_block_time"]);
    body["query"]["sorts"] = json!([{ "fieldId": "trades_block_time", "descending": false }]);
    let request = lightdash_query(&sandbox, Method::POST, "/metric-query");
    let reply = send(request.json(&body)).await.json();
    let id = reply["results"]["queryUuid"].as_str().unwrap();
    let row = page(&sandbox, id, "").await.json()["results"]["rows"][0].clone();
    assert_eq!(
        row["trades_block_date"]["value"]["raw"],
        "2024-05-01T00:00:00Z"
    );
    assert_eq!(
        row["trades_block_time"]["value"]["raw"],
        "2024-05-01T00:00:00Z"
    );
}

#[tokio::test]
async fn an_invalid_metric_query_is_refused() {
    let sandbox = at_once().await;
    let post =
        |body: Value| send(lightdash_query(&sandbox, Method::POST, "/metric-query").json(&body));
    let mut body = metric_query(&json!({}), 10);
    body["query"].as_object_mut().unwrap().remove("exploreName");
    let reply = post(body).await;
    let message = assert_error(&reply, 422, "ValidateError");
    assert_eq!(message, "body.query.exploreName: 'exploreName' is required");
    let mut body = metric_query(&json!({}), 10);
    body["query"]["exploreName"] = json!("orders");
    assert_error(&post(body).await, 404, "NotFoundError");
    let mut body = metric_query(&json!({}), 10);
    body["query"]["metrics"] = json!(["trades_nothing"]);
    assert_error(&post(body).await, 400, "FieldReferenceError");
    let unknown = json!({ "dimensions": { "id": "g", "and": [
        { "id": "a", "target": { "fieldId": "trades_project" }, "operator": "sounds_like" },
    ] } });
    assert_error(&post(metric_query(&unknown, 10)).await, 400, "CompileError");
}

#[tokio::test]
async fn scripted_cells_are_the_raw_values() {
    let sandbox = at_once().await;
    let result = ScriptedResult::new([("tags", "string"), ("n", "number")])
        .row(["[\"a\"]", "\"18446744073709551615\""])
        .row(["null", "0.5"]);
    sandbox
        .script_result(Service::Lightdash, "select tags", result)
        .unwrap();
    let id = lightdash_run(&sandbox, "select tags").await;
    let body = page(&sandbox, &id, "").await.json();
    assert_eq!(
        body["results"]["rows"],
        json!([
            {
                "tags": { "value": { "raw": ["a"], "formatted": "[\"a\"]" } },
                "n": { "value": {
                    "raw": "18446744073709551615", "formatted": "18446744073709551615"
                } },
            },
            {
                "tags": { "value": { "raw": null, "formatted": "∅" } },
                "n": { "value": { "raw": 0.5, "formatted": "0.5" } },
            },
        ])
    );
}
