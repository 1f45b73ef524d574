//! Tests of the control interface below `/sandbox`.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use reqwest::Method;
use rowfeed_sandbox::{DUNE_QUERY_ID, Sandbox};
use serde_json::{Value, json};
use support::{Reply, dune, dune_execution, send};

async fn control(sandbox: &Sandbox, method: Method, path: &str, body: String) -> Reply {
    let url = format!("http://{}/sandbox{path}", sandbox.address());
    send(reqwest::Client::new().request(method, url).body(body)).await
}

async fn status(sandbox: &Sandbox) -> u16 {
    let path = format!("/v1/query/{DUNE_QUERY_ID}");
    send(dune(sandbox, Method::GET, &path)).await.status
}

#[tokio::test]
async fn faults_are_added_one_per_line_and_removed() {
    let sandbox = Sandbox::start().await.unwrap();
    let lines = "status=503 on=dune\n\nstatus=429 on=dune always\n".to_owned();
    let reply = control(&sandbox, Method::POST, "/faults", lines).await;
    assert_eq!(reply.status, 204);
    assert_eq!(status(&sandbox).await, 503);
    assert_eq!(status(&sandbox).await, 429);
    assert_eq!(status(&sandbox).await, 429);
    control(&sandbox, Method::DELETE, "/faults", String::new()).await;
    assert_eq!(status(&sandbox).await, 200);
    let lines = "reset always\nexplode".to_owned();
    let reply = control(&sandbox, Method::POST, "/faults", lines).await;
    assert_eq!(reply.status, 400);
    assert!(
        reply.text.contains("\"explode\" is not a fault"),
        "{}",
        reply.text
    );
    // one invalid line discards both
    assert_eq!(status(&sandbox).await, 200);
}

#[tokio::test]
async fn requests_are_listed_without_credentials_and_control_requests() {
    let sandbox = Sandbox::start().await.unwrap();
    status(&sandbox).await;
    let reply = control(&sandbox, Method::GET, "/requests", String::new()).await;
    let body = reply.json();
    assert_eq!(body.as_array().unwrap().len(), 1);
    assert_eq!(body[0]["service"], "dune");
    assert_eq!(
        body[0]["path"],
        format!("/dune/api/v1/query/{DUNE_QUERY_ID}")
    );
    assert_eq!(body[0]["status"], 200);
    assert!(
        reply.text.contains("[\"x-dune-api-key\",\"***\"]"),
        "{}",
        reply.text
    );
    let taken = control(&sandbox, Method::DELETE, "/requests", String::new()).await;
    assert_eq!(taken.json(), body);
    let left = control(&sandbox, Method::GET, "/requests", String::new()).await;
    assert_eq!(left.json(), json!([]));
}

#[tokio::test]
async fn results_and_tables_are_added_as_json() {
    let sandbox = Sandbox::builder().poll_steps(0).start().await.unwrap();
    let add = async |mut given: Value, key: &str, name: &str| {
        given[key] = name.into();
        let body = given.to_string();
        control(&sandbox, Method::POST, "/results", body).await
    };
    let given = json!({
        "service": "dune",
        "columns": [["n", "uint256"], ["tags", "array(varchar)"]],
        "rows": [["7", ["a"]], [null, []]],
    });
    assert_eq!(add(given.clone(), "sql", "select it").await.status, 204);
    assert_eq!(add(given.clone(), "table", "it").await.status, 204);
    for sql in ["select it", "select * from it"] {
        let id = dune_execution(&sandbox, sql).await;
        let path = format!("/v1/execution/{id}/results");
        let body = send(dune(&sandbox, Method::GET, &path)).await.json();
        assert_eq!(
            body["result"]["rows"],
            json!([{ "n": "7", "tags": ["a"] }, { "n": null, "tags": [] }])
        );
        assert_eq!(
            body["result"]["metadata"]["column_types"],
            json!(["uint256", "array(varchar)"])
        );
    }
    let mut wrong = given.clone();
    wrong["service"] = "moon".into();
    assert_eq!(add(wrong, "sql", "x").await.status, 400);
    let mut wrong = given.clone();
    wrong["rows"] = json!([["7"]]);
    let reply = add(wrong, "sql", "x").await;
    assert!(reply.text.contains("1 cells"), "{}", reply.text);
    let reply = control(&sandbox, Method::POST, "/results", given.to_string()).await;
    assert!(reply.text.contains("either sql"), "{}", reply.text);
    let reply = control(&sandbox, Method::GET, "/moon", String::new()).await;
    assert_eq!(reply.status, 404);
}

#[tokio::test]
async fn answers_are_added_as_json() {
    let sandbox = Sandbox::start().await.unwrap();
    let given = json!({
        "service": "dune",
        "method": "GET",
        "path": "/query/",
        "answers": [
            { "status": 429, "headers": { "Retry-After": "3" } },
            { "status": 200, "body": { "query_id": 7 } },
            {
                "status": 502,
                "headers": { "Content-Type": "text/html" },
                "body": "<html></html>",
            },
        ],
    });
    let reply = control(&sandbox, Method::POST, "/answers", given.to_string()).await;
    assert_eq!(reply.status, 204, "{}", reply.text);
    let path = format!("/v1/query/{DUNE_QUERY_ID}");
    let get = || send(dune(&sandbox, Method::GET, &path));
    let first = get().await;
    assert_eq!(
        (first.status, first.header("Retry-After")),
        (429, Some("3"))
    );
    let second = get().await;
    assert_eq!(second.header("content-type"), Some("application/json"));
    assert_eq!(second.json(), json!({ "query_id": 7 }));
    let third = get().await;
    assert_eq!(third.header("content-type"), Some("text/html"));
    assert_eq!((third.status, third.text.as_str()), (502, "<html></html>"));
    assert_eq!(get().await.json()["query_id"], DUNE_QUERY_ID);

    for (answer, part) in [
        (json!({ "status": 99 }), "from 200 to 599"),
        (
            json!({ "status": 200, "headers": { "a b": "c" } }),
            "is not an HTTP header",
        ),
    ] {
        let body = json!({ "answers": [answer] }).to_string();
        let reply = control(&sandbox, Method::POST, "/answers", body).await;
        assert_eq!(reply.status, 400);
        assert!(reply.text.contains(part), "{}", reply.text);
    }
}
