//! Tests of long results and of service-specific types.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use reqwest::Method;
use rowfeed_sandbox::{Sandbox, ScriptedResult, Service};
use serde_json::{Value, json};
use support::{
    dune, dune_execution, lightdash_query, lightdash_run, send, yandex_query, yandex_query_run,
};

const MANY: usize = 10_000_000;

async fn at_once() -> Sandbox {
    Sandbox::builder().poll_steps(0).start().await.unwrap()
}

async fn dune_page(sandbox: &Sandbox, sql: &str, query: &str) -> Value {
    let id = dune_execution(sandbox, sql).await;
    let path = format!("/v1/execution/{id}/results?{query}");
    send(dune(sandbox, Method::GET, &path)).await.json()
}

async fn lightdash_page(sandbox: &Sandbox, sql: &str, query: &str) -> Value {
    let id = lightdash_run(sandbox, sql).await;
    let path = format!("/{id}?{query}");
    let reply = send(lightdash_query(sandbox, Method::GET, &path)).await;
    reply.json()["results"].clone()
}

async fn yandex_query_page(sandbox: &Sandbox, text: &str, query: &str) -> Value {
    let id = yandex_query_run(sandbox, text).await;
    send(yandex_query(
        sandbox,
        Method::GET,
        &format!("/queries/{id}/status"),
    ))
    .await;
    let path = format!("/queries/{id}/results/0?{query}");
    send(yandex_query(sandbox, Method::GET, &path)).await.json()
}

/// Returns the memory of this process in bytes, or 0 if it cannot be read.
fn memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    number.map_or(0, |kilobytes| kilobytes.parse::<usize>().unwrap() * 1024)
}

#[tokio::test]
async fn ten_million_rows_are_paged_at_every_service_without_storing_them() {
    let sandbox = at_once().await;
    let sql = format!("SELECT * FROM synthetic({MANY})");
    let before = memory();
    let last = MANY - 3;

    let page = dune_page(&sandbox, &sql, &format!("limit=5&offset={last}")).await;
    assert_eq!(page["result"]["metadata"]["total_row_count"], MANY);
    assert_eq!(page["result"]["rows"].as_array().unwrap().len(), 3);
    assert_eq!(
        page["result"]["rows"][2],
        json!({
            "n": MANY - 1,
            "at": "2024-04-25 17:46:39.000 UTC",
            "project": "estuary",
            "amount": 24999.75,
            "price": "999.009999999",
        })
    );
    assert_eq!(page.get("next_offset"), None);

    let page = lightdash_page(&sandbox, &sql, "pageSize=2500&page=4000").await;
    assert_eq!(
        (&page["totalResults"], &page["page"]),
        (&json!(MANY), &json!(4000))
    );
    assert_eq!(
        page["rows"][2499]["n"]["value"]["raw"],
        (MANY - 1).to_string()
    );

    let page = yandex_query_page(&sandbox, &sql, &format!("offset={last}")).await;
    assert_eq!(page["rows"][2][0], MANY - 1);
    assert_eq!(page["columns"][3]["type"], "Optional<Double>");

    let grown = memory().saturating_sub(before);
    assert!(grown < 100 << 20, "{grown} bytes more");
}

#[tokio::test]
async fn generated_rows_can_have_any_type() {
    let sandbox = at_once().await;
    let result = ScriptedResult::new([("n", "uint256"), ("tags", "array(varchar)")])
        .generated(MANY, |index| {
            vec![format!("\"{index}\""), format!("[\"t{index}\"]")]
        });
    sandbox
        .script_result(Service::Dune, "select everything", result)
        .unwrap();
    let query = format!("limit=1&offset={}", MANY - 2);
    let page = dune_page(&sandbox, "select everything", &query).await;
    assert_eq!(
        page["result"]["rows"],
        json!([{ "n": "9999998", "tags": ["t9999998"] }])
    );
    assert_eq!(page["next_offset"], MANY - 1);
    let page = dune_page(&sandbox, "select everything", "sort_by=n").await;
    assert!(
        page["error"].as_str().unwrap().contains("1000000 rows"),
        "{page}"
    );

    let wrong = ScriptedResult::new([("n", "uint256")]).generated(1, |_| vec!["x".to_owned()]);
    let error = sandbox
        .script_result(Service::Dune, "select x", wrong)
        .unwrap_err();
    assert!(error.to_string().contains("is not JSON"), "{error}");
}

#[tokio::test]
async fn a_table_can_have_service_specific_types() {
    let sandbox = at_once().await;
    let content = ScriptedResult::new([
        ("id", "Uint64"),
        ("tags", "List<Utf8>"),
        ("place", "Optional<Struct<'lat':Double,'lon':Double>>"),
        ("name", "Utf8"),
    ])
    .row([
        "\"18446744073709551615\"",
        "[\"a\"]",
        "[{\"lat\":1.5,\"lon\":2}]",
        "\"reef\"",
    ])
    .row(["7", "[]", "[]", "\"shelf\""]);
    sandbox
        .register_typed_table(Service::YandexQuery, "places", content)
        .unwrap();
    let text = "select place, id, tags, name || '' as plain from places order by name desc";
    let page = yandex_query_page(&sandbox, text, "").await;
    assert_eq!(
        page["columns"],
        json!([
            { "name": "place", "type": "Optional<Struct<'lat':Double,'lon':Double>>" },
            { "name": "id", "type": "Uint64" },
            { "name": "tags", "type": "List<Utf8>" },
            { "name": "plain", "type": "Utf8" },
        ])
    );
    // an expression reads the JSON text of the cell
    assert_eq!(
        page["rows"],
        json!([
            [[], 7, [], "\"shelf\""],
            [[{ "lat": 1.5, "lon": 2 }], "18446744073709551615", ["a"], "\"reef\""],
        ])
    );
    let page = dune_page(&sandbox, "select id from places", "").await;
    assert_eq!(
        page["result"]["metadata"]["column_types"],
        json!(["varchar"])
    );

    let content = ScriptedResult::new([("v", "int256"), ("w", "map(varchar, bigint)")])
        .row(["\"-1\"", "{\"a\":1}"])
        .row(["null", "null"]);
    sandbox
        .register_typed_table(Service::Dune, "wide", content)
        .unwrap();
    let page = dune_page(&sandbox, "select * from wide", "").await;
    assert_eq!(
        page["result"]["metadata"]["column_types"],
        json!(["int256", "map(varchar, bigint)"])
    );
    assert_eq!(
        page["result"]["rows"],
        json!([{ "v": "-1", "w": { "a": 1 } }, { "v": null, "w": null }])
    );

    // a JSON null is NULL in SQL
    let page = dune_page(&sandbox, "select w from wide where v is null", "").await;
    assert_eq!(page["result"]["rows"], json!([{ "w": null }]));

    let content = ScriptedResult::new([("v", "number")])
        .row(["\"12\""])
        .row(["null"]);
    sandbox
        .register_typed_table(Service::Lightdash, "odd", content)
        .unwrap();
    let page = lightdash_page(&sandbox, "select * from odd", "").await;
    assert_eq!(page["columns"]["v"]["type"], "number");
    assert_eq!(
        page["rows"],
        json!([
            { "v": { "value": { "raw": "12", "formatted": "12" } } },
            { "v": { "value": { "raw": null, "formatted": "∅" } } },
        ])
    );
    let error = sandbox
        .register_typed_table(
            Service::Dune,
            "",
            ScriptedResult::new([("a", "b"), ("a", "b")]),
        )
        .unwrap_err();
    assert!(error.to_string().contains("cannot be created"), "{error}");
}

#[tokio::test]
async fn a_synthetic_table_works_only_in_its_exact_form() {
    let sandbox = at_once().await;
    let page = dune_page(&sandbox, "select n from synthetic(5)", "").await;
    let message = page["error"]["message"].as_str().unwrap();
    assert!(
        message.contains("SELECT * FROM synthetic(1000)"),
        "{message}"
    );
}
