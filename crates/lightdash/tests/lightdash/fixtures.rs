//! Recorded bodies, if a collection of them exists beside the repository.

use std::{fs, path::PathBuf};

use rowfeed_lightdash::{Client, types::QueryStatus};
use rowfeed_sandbox::Sandbox;
use serde_json::Value;

use crate::support::{json, start};

#[tokio::test]
async fn every_recorded_body_decodes() {
    let beside = "../../../shared/fixtures/lightdash";
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
        match name.split(['_', '.']).next().unwrap() {
            "status" | "ready" => {
                sandbox.fault(json(200, &text));
                results(&client, name, &body["results"]).await;
            }
            "cancel" => {
                sandbox.fault(json(200, &text));
                let cancel = client.cancel_async_query().project_uuid("p");
                cancel.query_uuid("q").send().await.unwrap();
            }
            "execute" => {
                sandbox.fault(json(200, &text));
                let sql = client.execute_async_sql_query().project_uuid("p");
                let started = sql.body("select 1").send().await.unwrap();
                let id = body["results"]["queryUuid"].as_str().unwrap();
                assert_eq!(started.results.query_uuid, id, "{name}");
            }
            "error" => error(&sandbox, &client, name, &text, &body["error"]).await,
            _ => panic!("{name}: no operation is known for this body"),
        }
    }
}

async fn results(client: &Client, name: &str, sent: &Value) {
    let call = client.get_async_query_results().project_uuid("p");
    let found = call.query_uuid("q").send().await;
    let found = found.unwrap_or_else(|error| panic!("{name}: {error}"));
    let found = found.into_inner().results;
    assert!(found.status.is_known(), "{name}");
    assert_eq!(found.status.as_str(), sent["status"].as_str().unwrap());
    assert_eq!(found.error.as_deref(), sent["error"].as_str(), "{name}");
    assert_eq!(
        found.errored_at.as_deref(),
        sent["erroredAt"].as_str(),
        "{name}"
    );
    assert_eq!(found.rows.is_some(), found.status == QueryStatus::Ready);
    let Some(rows) = found.rows else { return };
    let rows: Value = serde_json::from_str(rows.as_str()).unwrap();
    assert_eq!(rows, sent["rows"], "{name}");
    assert_eq!(found.next_page, sent["nextPage"].as_i64(), "{name}");
    assert_eq!(found.page_size, sent["pageSize"].as_i64(), "{name}");
    assert_eq!(found.total_results, sent["totalResults"].as_i64(), "{name}");
    let columns = found.columns;
    let described = sent["columns"].as_object().unwrap();
    assert_eq!(columns.len(), described.len(), "{name}");
    for (column, as_sent) in &columns {
        assert_eq!(as_sent.type_.as_str(), described[column]["type"], "{name}");
    }
    let pivoted = sent["pivotDetails"].is_object();
    assert_eq!(found.pivot_details.is_some(), pivoted, "{name}");
    let aggregated = sent["metadata"]["preAggregate"].is_object();
    let metadata = found.metadata.unwrap();
    assert_eq!(metadata.pre_aggregate.is_some(), aggregated, "{name}");
    assert!(metadata.performance.is_some(), "{name}");
}

async fn error(sandbox: &Sandbox, client: &Client, name: &str, text: &str, sent: &Value) {
    let status = sent["statusCode"].as_u64().unwrap() as u16;
    sandbox.fault(json(status, text));
    let call = client.get_async_query_results().project_uuid("p");
    let error = call.query_uuid("q").send().await.unwrap_err();
    assert_eq!(error.status().unwrap().as_u16(), status, "{name}");
    let typed = error.api_error().unwrap_or_else(|| panic!("{name}"));
    assert_eq!(typed.error.name, sent["name"].as_str().unwrap(), "{name}");
    assert_eq!(typed.error.message.as_deref(), sent["message"].as_str());
    assert_eq!(typed.error.data.as_ref(), sent.get("data"), "{name}");
    assert_eq!(
        typed.error.sentry_trace_id.as_deref(),
        sent["sentryTraceId"].as_str(),
        "{name}"
    );
}
