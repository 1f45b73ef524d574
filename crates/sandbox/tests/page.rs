//! Tests of the web page, its JSON form, and the container file.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use reqwest::Method;
use rowfeed_sandbox::{
    DUNE_API_KEY, DUNE_QUERY_ID, Fault, LIGHTDASH_PROJECT_UUID, LIGHTDASH_TOKEN, Sandbox,
    YANDEX_IAM_TOKEN, YANDEX_PROJECT,
};
use serde_json::json;
use support::{dune, send};

async fn get(sandbox: &Sandbox, path: &str) -> support::Reply {
    let url = format!("http://{}{path}", sandbox.address());
    send(reqwest::Client::new().get(url)).await
}

#[tokio::test]
async fn the_page_lists_services_data_and_requests() {
    let sandbox = Sandbox::start().await.unwrap();
    sandbox.fault(Fault::status(503).path("/moon<script>").times(2));
    send(dune(&sandbox, Method::GET, "/v1/queries?<b>=1")).await;
    let reply = get(&sandbox, "/sandbox").await;
    assert_eq!(reply.status, 200);
    assert_eq!(
        reply.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    for part in [
        &sandbox.dune_url(),
        &sandbox.lightdash_url(),
        &sandbox.yandex_query_url(),
        DUNE_API_KEY,
        LIGHTDASH_TOKEN,
        LIGHTDASH_PROJECT_UUID,
        YANDEX_IAM_TOKEN,
        YANDEX_PROJECT,
        &DUNE_QUERY_ID.to_string(),
        "token_pair",
        "trades_total_usd",
        "Traded value a day",
        "status=503 path=/moon&lt;script&gt; times=2",
        "/dune/api/v1/queries",
    ] {
        assert!(reply.text.contains(part), "{part}");
    }
    assert!(!reply.text.contains("moon<script>") && !reply.text.contains("<b>"));
    assert_eq!(get(&sandbox, "/sandbox/").await.status, 200);
}

#[tokio::test]
async fn the_contents_are_available_as_json() {
    let sandbox = Sandbox::start().await.unwrap();
    sandbox.fault(Fault::reset().times(1));
    let contents = get(&sandbox, "/sandbox/contents").await.json();
    assert_eq!(contents["tables"][0]["name"], "trades");
    assert_eq!(
        contents["tables"][0]["columns"][7],
        json!({ "name": "price", "type": "decimal(22,9)" })
    );
    assert_eq!(contents["dune"]["queries"][0]["query_id"], DUNE_QUERY_ID);
    assert_eq!(
        contents["lightdash"]["explores"][0]["fields"][0],
        "trades_trade_id"
    );
    assert_eq!(contents["lightdash"]["charts"].as_array().unwrap().len(), 3);
    assert_eq!(contents["faults"], json!(["reset times=1"]));
    assert_eq!(
        get(&sandbox, "/sandbox/faults").await.json(),
        json!(["reset times=1"])
    );
    // the README names every column, field, chart and query
    let readme = include_str!("../README.md");
    for table in contents["tables"].as_array().unwrap() {
        for column in table["columns"].as_array().unwrap() {
            let name = column["name"].as_str().unwrap();
            assert!(readme.contains(&format!("`{name}`")), "{name}");
        }
    }
    for field in contents["lightdash"]["explores"][0]["fields"]
        .as_array()
        .unwrap()
    {
        let name = field.as_str().unwrap().trim_start_matches("trades_");
        assert!(readme.contains(&format!("`{name}`")), "{name}");
    }
    for chart in contents["lightdash"]["charts"].as_array().unwrap() {
        assert!(readme.contains(chart["uuid"].as_str().unwrap()), "{chart}");
    }
    for query in contents["dune"]["queries"].as_array().unwrap() {
        assert!(readme.contains(&query["query_id"].to_string()), "{query}");
    }
}

#[tokio::test]
async fn the_container_starts_the_program_with_valid_flags() {
    let file = include_str!("../Containerfile");
    let line = file
        .lines()
        .find_map(|line| line.strip_prefix("ENTRYPOINT "))
        .unwrap();
    let words: Vec<String> = serde_json::from_str(line).unwrap();
    assert_eq!(words[0], "rowfeed-sandbox");
    // use a free port
    let arguments = words[1..].iter().map(|word| word.replace(":8080", ":0"));
    let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_rowfeed-sandbox"))
        .args(arguments)
        .arg("--until-stdin-closes")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(program.stdin.take());
    assert!(program.wait().unwrap().success());
    assert!(file.contains("EXPOSE 8080"));
}
