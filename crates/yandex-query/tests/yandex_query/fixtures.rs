//! Recorded bodies, if a collection of them exists beside the repository.

use std::{fs, path::PathBuf};

use rowfeed_sandbox::Sandbox;
use rowfeed_yandex_query::Client;
use serde_json::Value;

use crate::support::{json, start};

#[tokio::test]
async fn every_recorded_body_decodes() {
    let beside = "../../../shared/fixtures/yandex-query";
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(beside);
    let Ok(files) = fs::read_dir(folder) else {
        return;
    };
    let (sandbox, client) = start().await;
    for file in files {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if name == "PROVENANCE.md" {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let body: Value = serde_json::from_str(&text).unwrap();
        match name.split('_').next().unwrap() {
            "create" => {
                sandbox.fault(json(200, &text));
                let create = client.create_query().project("folder");
                let made = create.body("select 1").send().await.unwrap();
                assert_eq!(made.id, body["id"].as_str().unwrap());
            }
            "status" => {
                sandbox.fault(json(200, &text));
                let call = client.get_query_status().project("folder").query_id("q1");
                let status = call.send().await.unwrap().into_inner().status;
                assert!(status.is_known(), "{name}");
                assert_eq!(status.as_str(), body["status"].as_str().unwrap());
            }
            "query" => {
                sandbox.fault(json(200, &text));
                query(&client, name, &body).await;
            }
            "results" => {
                sandbox.fault(json(200, &text));
                results(&client, name, &body).await;
            }
            "error" => error(&sandbox, &client, name, &text).await,
            _ => panic!("{name}: no operation is known for this body"),
        }
    }
}

async fn query(client: &Client, name: &str, body: &Value) {
    let call = client.get_query().project("folder").query_id("q1");
    let query = call.send().await.unwrap_or_else(|e| panic!("{name}: {e}"));
    let status = body["status"].as_str().unwrap();
    assert_eq!(query.status.as_str(), status, "{name}");
    assert_eq!(query.status.is_known(), status != "FINISHED", "{name}");
    let sets = body["result_sets"].as_array().unwrap();
    assert_eq!(query.result_sets.len(), sets.len(), "{name}");
    for (found, sent) in query.result_sets.iter().zip(sets) {
        assert_eq!(found.rows_count, sent["rows_count"].as_i64(), "{name}");
        assert_eq!(found.truncated, sent["truncated"].as_bool(), "{name}");
    }
}

async fn results(client: &Client, name: &str, body: &Value) {
    let call = client.get_query_results().project("folder").query_id("q1");
    let page = call.result_set_index(0).send().await;
    let page = page.unwrap_or_else(|e| panic!("{name}: {e}"));
    let rows: Value = serde_json::from_str(page.rows.as_str()).unwrap();
    assert_eq!(rows, body["rows"], "{name}");
    let columns = body["columns"].as_array().unwrap();
    assert_eq!(page.columns.len(), columns.len(), "{name}");
    for (found, sent) in page.columns.iter().zip(columns) {
        assert_eq!(found.name, sent["name"].as_str().unwrap(), "{name}");
        assert_eq!(found.type_, sent["type"].as_str().unwrap(), "{name}");
    }
}

/// The file name has the status, if it is known.
async fn error(sandbox: &Sandbox, client: &Client, name: &str, text: &str) {
    let status = name.split('_').find_map(|part| part.parse().ok());
    let status = status.unwrap_or(400);
    sandbox.fault(json(status, text));
    let call = client.get_query_status().project("folder").query_id("q1");
    let error = call.send().await.unwrap_err();
    assert_eq!(error.status().unwrap().as_u16(), status, "{name}");
    let body: Value = serde_json::from_str(text).unwrap();
    let typed = error.api_error().unwrap_or_else(|| panic!("{name}"));
    assert_eq!(typed.message, body["message"].as_str().unwrap(), "{name}");
    assert_eq!(typed.status, body["status"].as_i64(), "{name}");
    assert_eq!(
        typed.details[0].issue_code,
        body["details"][0]["issue_code"].as_i64(),
        "{name}"
    );
}
