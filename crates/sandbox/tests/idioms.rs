//! Tests of SQL idioms of the services.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use reqwest::Method;
use rowfeed_sandbox::Sandbox;
use serde_json::{Value, json};
use support::{
    dune, dune_execution, lightdash_query, lightdash_run, send, yandex_query, yandex_query_run,
};

async fn at_once() -> Sandbox {
    Sandbox::builder().poll_steps(0).start().await.unwrap()
}

/// Runs a text at Dune and returns its result or its error.
async fn result(sandbox: &Sandbox, sql: &str) -> Value {
    let id = dune_execution(sandbox, sql).await;
    let path = format!("/v1/execution/{id}/results");
    let body = send(dune(sandbox, Method::GET, &path)).await.json();
    match body["error"].is_object() {
        true => body["error"].clone(),
        false => body["result"].clone(),
    }
}

#[tokio::test]
async fn truncated_and_shifted_times_keep_their_type() {
    let sandbox = at_once().await;
    let sql = "select date_trunc('hour', block_time) as hour,\n\
               date_trunc('month', block_date) as month,\n\
               block_time + interval '2' day - interval '1 hour' as later,\n\
               block_date + interval '1' week as next,\n\
               try_cast('2024-02-30x' as date) as none,\n\
               cast(block_time as date) as day\n\
               from trades order by trade_id offset 1 limit 1";
    let found = result(&sandbox, sql).await;
    assert_eq!(
        found["rows"],
        json!([{
            "hour": "2024-05-01 01:00:00.000 UTC",
            "month": "2024-05-01",
            "later": "2024-05-03 00:07:01.037 UTC",
            "next": "2024-05-08",
            "none": null,
            "day": "2024-05-01",
        }])
    );
    let types = &found["metadata"]["column_types"];
    let time = "timestamp with time zone";
    assert_eq!(
        *types,
        json!([time, "date", time, "date", "unknown", "date"])
    );
}

#[tokio::test]
async fn now_is_the_current_time() {
    let sandbox = at_once().await;
    let sql = "select count(*) as n from trades where block_time < now() - interval '30' day";
    assert_eq!(result(&sandbox, sql).await["rows"], json!([{ "n": 48 }]));
    let sql = "select count(*) as n from trades where block_time > now() - interval '30' day";
    assert_eq!(result(&sandbox, sql).await["rows"], json!([{ "n": 0 }]));
    let sql = "select now() as at, date '2024-05-01' as day";
    let types = result(&sandbox, sql).await["metadata"]["column_types"].clone();
    assert_eq!(types, json!(["timestamp with time zone", "date"]));
}

#[tokio::test]
async fn offset_may_precede_limit() {
    let sandbox = at_once().await;
    for (sql, expected) in [
        (
            "offset 2 limit 2",
            json!([{ "project": "saltmarsh" }, { "project": "tidepool" }]),
        ),
        ("limit 1 offset 3", json!([{ "project": "tidepool" }])),
        ("offset 3", json!([{ "project": "tidepool" }])),
        ("fetch first 1 row only", json!([{ "project": "estuary" }])),
    ] {
        let sql = format!("select project from projects order by project {sql}");
        assert_eq!(result(&sandbox, &sql).await["rows"], expected, "{sql}");
    }
}

#[tokio::test]
async fn try_cast_returns_null_and_cast_fails() {
    let sandbox = at_once().await;
    let sql = "select try_cast('7' as integer) as a, try_cast('x' as bigint) as b, \
               try_cast('1e3' as double) as c, try_cast('yes' as boolean) as d, \
               try_cast(3000000000 as integer) as e, try_cast(7 as varchar) as f, \
               try_cast('12.50' as decimal(9, 2)) as g";
    let expected = json!([{
        "a": 7, "b": null, "c": 1000, "d": null, "e": null, "f": "7", "g": "12.50",
    }]);
    assert_eq!(result(&sandbox, sql).await["rows"], expected);
    for (sql, part) in [
        ("select cast('x' as date)", "cannot cast \"x\" to date"),
        (
            "select try_cast(1 as geometry)",
            "does not cast to geometry",
        ),
        (
            "select date_trunc('moon', block_time) from trades",
            "unit \"moon\"",
        ),
        (
            "select date_trunc('day', project) from trades",
            "neither a date nor a timestamp",
        ),
    ] {
        let error = result(&sandbox, sql).await;
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(part), "{message}");
    }
}

#[tokio::test]
async fn an_error_after_an_idiom_has_the_original_position() {
    let sandbox = at_once().await;
    let sql = "select now() - interval '7' day,\n  depth from trades";
    let error = result(&sandbox, sql).await;
    assert_eq!(
        error["metadata"],
        json!({ "line": 2, "column": 3 }),
        "{error}"
    );
}

#[tokio::test]
async fn like_is_case_sensitive() {
    let sandbox = at_once().await;
    for (pattern, expected) in [("lag%", 12), ("LAG%", 0), ("%oo_", 24)] {
        let sql = format!("select count(*) as n from trades where project like '{pattern}'");
        assert_eq!(
            result(&sandbox, &sql).await["rows"],
            json!([{ "n": expected }]),
            "{pattern}"
        );
    }
}

#[tokio::test]
async fn idioms_work_at_every_service() {
    let sandbox = at_once().await;
    let sql = "select date_trunc('month', block_date) as m from trades limit 1";
    let id = lightdash_run(&sandbox, sql).await;
    let page = send(lightdash_query(&sandbox, Method::GET, &format!("/{id}")))
        .await
        .json();
    assert_eq!(page["results"]["columns"]["m"]["type"], "date");
    let id = yandex_query_run(&sandbox, sql).await;
    send(yandex_query(
        &sandbox,
        Method::GET,
        &format!("/queries/{id}"),
    ))
    .await;
    let path = format!("/queries/{id}/results/0");
    let page = send(yandex_query(&sandbox, Method::GET, &path))
        .await
        .json();
    assert_eq!(
        (&page["columns"][0]["type"], &page["rows"][0][0]),
        (&json!("Date"), &json!("2024-05-01"))
    );
}

#[tokio::test]
async fn unsupported_sql_points_to_scripted_results() {
    let sandbox = at_once().await;
    let id = yandex_query_run(&sandbox, "select 1;\n$x = SELECT 1 AS n;\nSELECT * FROM $x").await;
    let body = send(yandex_query(
        &sandbox,
        Method::GET,
        &format!("/queries/{id}"),
    ))
    .await
    .json();
    assert_eq!(body["status"], "FAILED");
    let issue = &body["issues"]["details"][0]["issues"][0];
    let message = issue["message"].as_str().unwrap();
    assert!(message.contains("named expressions"), "{message}");
    assert!(message.contains("/sandbox/results"), "{message}");
    assert_eq!(issue["position"], json!({ "row": 2, "column": 1 }));
    let sql = "select * from unnest(sequence(1, 3)) as t(n)";
    let error = result(&sandbox, sql).await;
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("/sandbox/results"), "{message}");
}
