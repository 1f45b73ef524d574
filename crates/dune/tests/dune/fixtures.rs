//! Recorded bodies, if a collection of them exists beside the repository.

use std::{fs, path::PathBuf};

use rowfeed_dune::{Client, types::ExecutionState};
use rowfeed_sandbox::{Fault, Sandbox};
use serde_json::Value;

use crate::support::{json, start};

#[tokio::test]
async fn every_recorded_body_decodes() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures/dune");
    let Ok(files) = fs::read_dir(folder) else {
        return;
    };
    let (sandbox, client) = start().await;
    for file in files {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let kind = name.strip_prefix("SYNTHETIC_").unwrap_or(name);
        match kind.split(['_', '.']).next().unwrap() {
            "results" if name.ends_with(".csv") => csv(&sandbox, &client, &text).await,
            "results" => results(&sandbox, &client, name, &text).await,
            "status" => status(&sandbox, &client, name, &text).await,
            "execute" => {
                sandbox.fault(json(200, &text));
                let run = client.execute_sql().body("select 1").send().await.unwrap();
                assert_eq!(run.state, ExecutionState::Pending, "{name}");
            }
            "uploads" => {
                sandbox.fault(json(200, &text));
                let tables = client.list_uploads().send().await.unwrap();
                assert_eq!(tables.tables.len(), count(&text, "/tables"), "{name}");
            }
            "usage" => {
                sandbox.fault(json(200, &text));
                let usage = client.get_usage().send().await.unwrap();
                let sent = count(&text, "/billingPeriods");
                assert_eq!(usage.billing_periods.len(), sent, "{name}");
            }
            "query" => {
                sandbox.fault(json(200, &text));
                let query = client.get_query().query_id(1).send().await.unwrap();
                assert!(query.query_sql.is_some(), "{name}");
            }
            "errors" => errors(&sandbox, &client, &text).await,
            // One cell in two formats with a note, not a response body.
            "csv" | "PROVENANCE" => {}
            _ => panic!("{name}: no operation is known for this body"),
        }
    }
}

async fn results(sandbox: &Sandbox, client: &Client, name: &str, text: &str) {
    sandbox.fault(json(200, text));
    let results = client.get_execution_results().execution_id("01X").send();
    let results = results.await.unwrap_or_else(|e| panic!("{name}: {e}"));
    let body: Value = serde_json::from_str(text).unwrap();
    expect_state(name, &results.state, &body);
    assert_eq!(results.next_offset, body["next_offset"].as_i64(), "{name}");
    assert_eq!(results.error.is_some(), body["error"].is_object(), "{name}");
    let Some(sent) = body.pointer("/result/rows") else {
        assert!(results.result.is_none(), "{name}");
        return;
    };
    let result = results.into_inner().result.unwrap();
    let rows: Value = serde_json::from_str(result.rows.unwrap().as_str()).unwrap();
    assert_eq!(&rows, sent, "{name}");
    let names = result.metadata.unwrap().column_names.len();
    assert_eq!(names, count(text, "/result/metadata/column_names"));
}

async fn status(sandbox: &Sandbox, client: &Client, name: &str, text: &str) {
    sandbox.fault(json(200, text));
    let status = client.get_execution_status().execution_id("01X").send();
    let status = status.await.unwrap_or_else(|e| panic!("{name}: {e}"));
    let body: Value = serde_json::from_str(text).unwrap();
    expect_state(name, &status.state, &body);
    assert_eq!(status.error.is_some(), body["error"].is_object(), "{name}");
}

fn expect_state(name: &str, state: &ExecutionState, body: &Value) {
    assert!(state.is_known(), "{name}: {state}");
    assert_eq!(state.as_str(), body["state"].as_str().unwrap(), "{name}");
}

async fn csv(sandbox: &Sandbox, client: &Client, text: &str) {
    sandbox.fault(Fault::answer(200, "text/plain; charset=utf-8", text));
    let call = client.get_execution_results_csv().execution_id("01X");
    let mut body = call.send().await.unwrap().into_inner();
    let mut bytes = Vec::new();
    while let Some(chunk) = body.next_chunk().await {
        bytes.extend_from_slice(&chunk.unwrap());
    }
    assert_eq!(bytes, text.as_bytes());
}

async fn errors(sandbox: &Sandbox, client: &Client, text: &str) {
    let entries: Vec<Value> = serde_json::from_str(text).unwrap();
    assert!(!entries.is_empty());
    for entry in entries {
        let body = &entry["body"];
        let status = entry["status"].as_u64().unwrap_or(400) as u16;
        sandbox.fault(json(status, body.to_string()));
        let call = client.get_execution_results().execution_id("01X");
        let error = call.send().await.unwrap_err();
        assert_eq!(error.status().unwrap().as_u16(), status);
        assert_eq!(
            error.api_error().map(|e| e.error.as_str()),
            body["error"].as_str(),
            "{entry}"
        );
    }
}

fn count(text: &str, pointer: &str) -> usize {
    let body: Value = serde_json::from_str(text).unwrap();
    body.pointer(pointer).unwrap().as_array().unwrap().len()
}
