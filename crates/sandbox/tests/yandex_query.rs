//! Tests of Yandex Query over HTTP.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use reqwest::Method;
use rowfeed_sandbox::{
    Sandbox, ScriptedResult, Service, YANDEX_IAM_TOKEN, YANDEX_IAM_TOKEN_WITHOUT_ROLE,
    YANDEX_PROJECT,
};
use serde_json::{Value, json};
use support::{Reply, send, yandex_query, yandex_query_run};

async fn at_once() -> Sandbox {
    Sandbox::builder().poll_steps(0).start().await.unwrap()
}

async fn get(sandbox: &Sandbox, path: &str) -> Reply {
    send(yandex_query(sandbox, Method::GET, path)).await
}

async fn post(sandbox: &Sandbox, path: &str) -> Reply {
    send(yandex_query(sandbox, Method::POST, path)).await
}

/// Runs a text to its end and returns the id and the query.
async fn finished(sandbox: &Sandbox, text: &str) -> (String, Value) {
    let id = yandex_query_run(sandbox, text).await;
    let body = get(sandbox, &format!("/queries/{id}")).await.json();
    assert_ne!(body["status"], "RUNNING");
    (id, body)
}

#[track_caller]
fn assert_issue(reply: &Reply, code: u64) -> String {
    assert_eq!(reply.status, 400, "{}", reply.text);
    let body = reply.json();
    assert_eq!(body["status"], 400_010);
    assert_eq!(body["message"], "BAD_REQUEST");
    let issue = &body["details"][0];
    assert_eq!(issue["issue_code"], code, "{body}");
    assert_eq!(issue["severity"], "ERROR");
    assert_eq!(issue["issues"], json!([]));
    issue["message"].as_str().unwrap().to_owned()
}

/// `n` from 1 to 250.
const MANY: &str = "with recursive t(n) as (select 1 union all select n + 1 from t where n < 250) \
                    select n from t order by n";

#[tokio::test]
async fn each_invalid_token_or_folder_has_the_error_of_the_service() {
    let sandbox = at_once().await;
    let client = reqwest::Client::new();
    let url = format!("{}/queries/x", sandbox.yandex_query_url());
    let folder = format!("{url}?project={YANDEX_PROJECT}");

    let reply = send(client.get(&folder)).await;
    assert_eq!(reply.status, 400);
    assert_eq!(reply.json()["details"][0]["message"], "Token is empty");

    let reply = send(client.get(&folder).bearer_auth("t1.other")).await;
    assert_eq!(reply.status, 401);
    assert_eq!(reply.header("content-type"), Some("text/plain"));

    let reply = send(
        client
            .get(&folder)
            .bearer_auth(YANDEX_IAM_TOKEN_WITHOUT_ROLE),
    )
    .await;
    assert_eq!(reply.status, 403);
    assert_eq!(
        reply.json(),
        json!({ "status": 400_020, "message": "UNAUTHORIZED", "details": [{
            "message": "Authorization error. Permission denied",
            "severity": "ERROR",
            "issues": [],
        }] })
    );

    let reply = send(client.get(&url).bearer_auth(YANDEX_IAM_TOKEN)).await;
    assert_eq!(reply.status, 400);
    assert_eq!(
        reply.json()["details"][0]["message"],
        "x-ydb-fq-project format is invalid. Must be yandexcloud://folder_id"
    );
    let other = format!("{url}?project=b1gother");
    let reply = send(client.get(other).bearer_auth(YANDEX_IAM_TOKEN)).await;
    assert_eq!(reply.status, 403);
    assert!(!format!("{:?}", sandbox.requests()).contains(YANDEX_IAM_TOKEN));
}

#[tokio::test]
async fn a_query_runs_and_completes() {
    let sandbox = Sandbox::start().await.unwrap();
    let request = yandex_query(&sandbox, Method::POST, "/queries");
    let body = json!({ "text": "select 1", "name": "first", "unknown": true });
    let id = send(request.json(&body)).await.json()["id"].clone();
    let id = id.as_str().unwrap();

    let status = get(&sandbox, &format!("/queries/{id}/status")).await;
    assert_eq!(status.json(), json!({ "status": "RUNNING" }));
    let running = get(&sandbox, &format!("/queries/{id}")).await.json();
    assert_eq!(running["status"], "RUNNING");
    assert_eq!(running["result_sets"], json!([]));
    assert_eq!(running["meta"]["finished_at"], "");
    // there is no result set yet, so the index is out of bounds
    let reply = get(&sandbox, &format!("/queries/{id}/results/0")).await;
    assert_eq!(
        assert_issue(&reply, 1003),
        "Result set index out of bound: 0 >= 0"
    );

    let done = get(&sandbox, &format!("/queries/{id}")).await.json();
    assert_eq!(done["status"], "COMPLETED");
    assert_eq!(
        (&done["name"], &done["type"]),
        (&json!("first"), &json!("ANALYTICS"))
    );
    assert_eq!(done["description"], "");
    assert_eq!(done.get("issues"), None);
    assert_eq!(
        done["result_sets"],
        json!([{ "rows_count": 1, "truncated": false }])
    );
    assert!(done["meta"]["finished_at"].as_str().unwrap().ends_with('Z'));
    let rows = get(&sandbox, &format!("/queries/{id}/results/0"))
        .await
        .json();
    assert_eq!(
        rows,
        json!({ "columns": [{ "name": "column0", "type": "Int32" }], "rows": [[1]] })
    );
}

#[tokio::test]
async fn each_statement_has_its_own_result_set() {
    let sandbox = at_once().await;
    let text = "select project from projects order by project; select \"a;b\" as t, 1.5;";
    let (id, body) = finished(&sandbox, text).await;
    assert_eq!(
        body["result_sets"],
        json!([{ "rows_count": 4, "truncated": false }, { "rows_count": 1, "truncated": false }])
    );
    let second = get(&sandbox, &format!("/queries/{id}/results/1"))
        .await
        .json();
    assert_eq!(second["rows"], json!([["a;b", 1.5]]));
    assert_eq!(
        second["columns"][1],
        json!({ "name": "column1", "type": "Double" })
    );
    let third = get(&sandbox, &format!("/queries/{id}/results/2")).await;
    assert_eq!(
        assert_issue(&third, 1003),
        "Result set index out of bound: 2 >= 2"
    );
}

#[tokio::test]
async fn values_and_types_have_yqls_format() {
    let sandbox = at_once().await;
    let text = "select trade_id, block_date, block_time, token_pair, evt_index, amount_usd, \
                price, is_maker, tx_hash from trades \
                where trade_id in (1005, 9007199254740995) order by trade_id";
    let (id, _) = finished(&sandbox, text).await;
    let body = get(&sandbox, &format!("/queries/{id}/results/0"))
        .await
        .json();
    let types: Vec<_> = body["columns"]
        .as_array()
        .unwrap()
        .iter()
        .map(|column| column["type"].as_str().unwrap())
        .collect();
    assert_eq!(
        types,
        [
            "Int64",
            "Date",
            "Timestamp",
            "Optional<Utf8>",
            "Int32",
            "Optional<Double>",
            "Optional<Decimal(22,9)>",
            "Optional<Bool>",
            "String"
        ]
    );
    let (small, big) = (&body["rows"][0], &body["rows"][1]);
    assert_eq!(
        (&small[0], &big[0]),
        (&json!(1005), &json!("9007199254740995"))
    );
    assert_eq!(small[1], "2024-05-03");
    assert_eq!(small[2], "2024-05-03T05:35:05.493825Z");
    assert_eq!(big[2], "2024-05-02T03:21:03Z");
    assert_eq!(small[5], json!([]));
    assert_eq!(big[6], json!(["4.370370367"]));
    assert_eq!(big[7], json!([false]));
    assert!(big[8].as_str().unwrap().ends_with('='));
}

#[tokio::test]
async fn pages_have_a_default_limit_and_no_total() {
    let sandbox = at_once().await;
    let (id, body) = finished(&sandbox, MANY).await;
    assert_eq!(body["result_sets"][0]["rows_count"], 250);
    let path = |query: &str| format!("/queries/{id}/results/0?{query}");
    for (query, first, count) in [
        ("", 1, 100),
        ("limit=0", 1, 100),
        ("limit=1000", 1, 250),
        ("offset=200&limit=100", 201, 50),
        ("offset=1&limit=2", 2, 2),
    ] {
        let body = get(&sandbox, &path(query)).await.json();
        let rows = body["rows"].as_array().unwrap();
        assert_eq!((&rows[0], rows.len()), (&json!([first]), count), "{query}");
        assert_eq!(body.as_object().unwrap().len(), 2);
    }
    let body = get(&sandbox, &path("offset=250")).await.json();
    assert_eq!(body["rows"], json!([]));
    assert_eq!(body["columns"][0]["name"], "n");
}

#[tokio::test]
async fn limits_and_offsets_out_of_range_are_refused() {
    let sandbox = at_once().await;
    let (id, _) = finished(&sandbox, MANY).await;
    for query in ["limit=1001", "limit=-1", "offset=-1"] {
        let reply = get(&sandbox, &format!("/queries/{id}/results/0?{query}")).await;
        assert_issue(&reply, 200_800);
    }
    for path in ["0?limit=ten", "first", "99999999999"] {
        let reply = get(&sandbox, &format!("/queries/{id}/results/{path}")).await;
        assert_eq!(reply.status, 400);
        assert_eq!(reply.header("content-type"), Some("text/plain"));
        assert!(reply.text.starts_with("Error in parsing"), "{}", reply.text);
    }
}

#[tokio::test]
async fn the_content_type_must_be_exactly_json() {
    let sandbox = at_once().await;
    let body = r#"{"text":"select 1"}"#;
    let post = |content_type: &str| {
        let request = yandex_query(&sandbox, Method::POST, "/queries");
        send(request.header("Content-Type", content_type).body(body))
    };
    assert_eq!(post("application/json").await.status, 200);
    let reply = post("application/json; charset=utf-8").await;
    assert_eq!(
        assert_issue(&reply, 200_800),
        "text's length is not in [1; 102400]"
    );
}

#[tokio::test]
async fn fields_may_be_in_the_query_string_and_texts_are_limited() {
    let sandbox = at_once().await;
    for text in [String::new(), "x".repeat(102_401)] {
        let request = yandex_query(&sandbox, Method::POST, "/queries");
        let reply = send(request.json(&json!({ "text": text }))).await;
        assert_issue(&reply, 200_800);
    }
    let request = yandex_query(&sandbox, Method::POST, "/queries");
    let reply = send(request.query(&[("text", "select 1")])).await;
    assert_eq!(reply.status, 200);
    let request = yandex_query(&sandbox, Method::POST, "/queries");
    let reply = send(request.header("Content-Type", "application/json").body("{")).await;
    assert_eq!(reply.status, 400);
    assert!(reply.text.starts_with("Error in parsing: "));
}

#[tokio::test]
async fn a_failure_has_issues_with_a_position() {
    let sandbox = at_once().await;
    let (id, body) = finished(&sandbox, "select 1;\nselect\n  nothing from trades").await;
    assert_eq!(body["status"], "FAILED");
    assert_eq!(body["result_sets"], json!([]));
    let issue = &body["issues"]["details"][0];
    assert_eq!(issue["position"], json!({ "row": 3, "column": 3 }));
    assert_eq!(issue["severity"], "ERROR");
    let inner = &issue["issues"][0];
    assert_eq!(inner["position"], json!({ "row": 3, "column": 3 }));
    assert!(inner["message"].as_str().unwrap().contains("nothing"));
    assert!(body["issues"]["message"].as_str().unwrap().contains("3:3"));
    let status = get(&sandbox, &format!("/queries/{id}/status")).await;
    assert_eq!(status.json(), json!({ "status": "FAILED" }));
    let reply = get(&sandbox, &format!("/queries/{id}/results/0")).await;
    assert_issue(&reply, 1003);
}

#[tokio::test]
async fn an_unknown_query_has_the_error_of_a_forbidden_one() {
    let sandbox = at_once().await;
    for path in ["", "/status", "/results/0"] {
        let reply = get(&sandbox, &format!("/queries/csq00000000000000000{path}")).await;
        assert_issue(&reply, 1000);
    }
    for path in ["stop", "start"] {
        let reply = post(&sandbox, &format!("/queries/csq00000000000000000/{path}")).await;
        assert_issue(&reply, 1000);
    }
    let reply = get(&sandbox, &format!("/queries/{}", "x".repeat(1025))).await;
    assert_issue(&reply, 200_800);
}

#[tokio::test]
async fn an_idempotency_key_returns_the_first_query_even_for_another_text() {
    let sandbox = at_once().await;
    let create = |text: &str, key: &str| {
        let request = yandex_query(&sandbox, Method::POST, "/queries");
        send(
            request
                .header("Idempotency-Key", key)
                .json(&json!({ "text": text })),
        )
    };
    let first = create("select 1", "one").await.json();
    assert_eq!(create("select 2", "one").await.json(), first);
    assert_ne!(create("select 1", "two").await.json(), first);
    let id = first["id"].as_str().unwrap();
    let body = get(&sandbox, &format!("/queries/{id}")).await.json();
    assert_eq!(body["text"], "select 1");
}

#[tokio::test]
async fn a_stopped_query_fails_after_some_polls() {
    let sandbox = Sandbox::start().await.unwrap();
    let id = yandex_query_run(&sandbox, MANY).await;
    let path = format!("/queries/{id}/stop");
    let stop = || {
        let request = yandex_query(&sandbox, Method::POST, &path);
        send(request.header("Idempotency-Key", "stop-1"))
    };
    let reply = stop().await;
    assert_eq!((reply.status, reply.text.as_str()), (204, ""));
    assert_eq!(stop().await.status, 204);
    let message = assert_issue(&post(&sandbox, &path).await, 1001);
    assert!(message.starts_with("Conversion from status ABORTING_BY_USER"));

    let status = format!("/queries/{id}/status");
    assert_eq!(get(&sandbox, &status).await.json()["status"], "RUNNING");
    assert_eq!(get(&sandbox, &status).await.json()["status"], "FAILED");
    let body = get(&sandbox, &format!("/queries/{id}")).await.json();
    let message = body["issues"]["message"].as_str().unwrap();
    assert!(message.contains("aborted by user"), "{message}");
    // stopping an ended query does nothing
    assert_eq!(post(&sandbox, &path).await.status, 204);
}

#[tokio::test]
async fn an_ended_query_can_be_started_again() {
    let sandbox = Sandbox::builder().poll_steps(1).start().await.unwrap();
    let id = yandex_query_run(&sandbox, "select 1").await;
    let (status, start) = (
        format!("/queries/{id}/status"),
        format!("/queries/{id}/start"),
    );
    assert_issue(&post(&sandbox, &start).await, 1001);
    for expected in ["RUNNING", "COMPLETED"] {
        assert_eq!(get(&sandbox, &status).await.json()["status"], expected);
    }
    assert_eq!(post(&sandbox, &start).await.status, 204);
    for expected in ["RUNNING", "COMPLETED"] {
        assert_eq!(get(&sandbox, &status).await.json()["status"], expected);
    }
}

#[tokio::test]
async fn a_stopped_query_can_be_started_again() {
    let sandbox = Sandbox::builder().poll_steps(1).start().await.unwrap();
    let id = yandex_query_run(&sandbox, "select 1").await;
    assert_eq!(
        post(&sandbox, &format!("/queries/{id}/stop")).await.status,
        204
    );
    let status = format!("/queries/{id}/status");
    for expected in ["RUNNING", "FAILED"] {
        assert_eq!(get(&sandbox, &status).await.json()["status"], expected);
    }
    assert_eq!(
        post(&sandbox, &format!("/queries/{id}/start")).await.status,
        204
    );
    for expected in ["RUNNING", "COMPLETED"] {
        assert_eq!(get(&sandbox, &status).await.json()["status"], expected);
    }
}

#[tokio::test]
async fn a_truncated_result_set_is_marked() {
    let sandbox = Sandbox::builder()
        .poll_steps(0)
        .yandex_query_truncate_after(30)
        .start()
        .await
        .unwrap();
    let (id, body) = finished(&sandbox, MANY).await;
    assert_eq!(
        body["result_sets"],
        json!([{ "rows_count": 30, "truncated": true }])
    );
    let body = get(&sandbox, &format!("/queries/{id}/results/0"))
        .await
        .json();
    assert_eq!(body["rows"].as_array().unwrap().len(), 30);
}

#[tokio::test]
async fn unknown_paths_are_404_without_a_body() {
    let sandbox = at_once().await;
    for path in ["/queries/x/y/z", "/nothing", "/queries"] {
        let reply = get(&sandbox, path).await;
        assert_eq!((reply.status, reply.text.as_str()), (404, ""), "{path}");
    }
    let base = sandbox.yandex_query_url().replace("/api/fq/v1", "/ping");
    assert_eq!(send(reqwest::Client::new().get(base)).await.status, 200);
}

#[tokio::test]
async fn scripted_cells_are_unchanged_even_for_one_of_several_statements() {
    let sandbox = at_once().await;
    let result = ScriptedResult::new([("v", "Variant<Int32,String>"), ("u", "Uuid")])
        .row(["[1,\"eHl6\"]", "null"]);
    sandbox
        .script_result(Service::YandexQuery, "select variants", result)
        .unwrap();
    let (id, body) = finished(&sandbox, "select 1; select variants").await;
    assert_eq!(body["status"], "COMPLETED");
    let body = get(&sandbox, &format!("/queries/{id}/results/1"))
        .await
        .json();
    assert_eq!(body["columns"][0]["type"], "Variant<Int32,String>");
    assert_eq!(body["rows"], json!([[[1, "eHl6"], null]]));
}
