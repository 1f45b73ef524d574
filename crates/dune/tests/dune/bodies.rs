//! Bodies in every form that Dune has sent over the years.

use rowfeed_dune::{
    Client,
    types::{ExecutionState, ReadExecutionResultResponse, TableSize, UploadFormat},
};

use crate::support::{json, start};

async fn results(body: &str) -> ReadExecutionResultResponse {
    let (sandbox, client) = start().await;
    sandbox.fault(json(200, body));
    let results = client.get_execution_results().execution_id("01REEF");
    results.send().await.unwrap().into_inner()
}

/// Both pages of a result.
async fn latest(client: &Client, offset: i64) -> ReadExecutionResultResponse {
    let page = client
        .get_latest_query_result()
        .query_id(70)
        .limit(2)
        .offset(offset);
    page.send().await.unwrap().into_inner()
}

#[tokio::test]
async fn rows_stay_the_text_that_was_sent() {
    let body = r#"{"execution_id": "01REEF", "query_id": 70, "is_execution_finished": true,
        "state": "QUERY_STATE_COMPLETED", "submitted_at": "2026-02-03T04:05:06.789012Z",
        "expires_at": "2026-05-03T04:05:07Z",
        "execution_started_at": "2026-02-03T04:05:06.123456789Z",
        "execution_ended_at": "2026-02-03T04:05:07.1Z",
        "result": {
          "rows": [ {"b": 115792089237316195423570985008687907853269984665640564039457584007913129639935,
                     "a": "12345678901234567890123"},
                    {"b":1e400,"a":null}, {} ],
          "metadata": {"column_names": ["a", "b"], "column_types": ["uint256", "decimal(38, 0)"],
            "row_count": 3, "result_set_bytes": 61, "total_row_count": 9,
            "total_result_set_bytes": 183, "datapoint_count": 6, "pending_time_millis": 4,
            "execution_time_millis": 55}},
        "next_offset": 3, "next_uri": "https://reef.invalid/api/v1/execution/01REEF/results?offset=3",
        "a_field_of_tomorrow": {"deep": [1]}}"#;
    let page = results(body).await;
    let result = page.result.unwrap();
    let rows: Vec<String> = result.rows.unwrap().iter_raw().map(str::to_owned).collect();
    assert_eq!(rows.len(), 3);
    assert!(rows[0].contains(
        "115792089237316195423570985008687907853269984665640564039457584007913129639935"
    ));
    assert_eq!(rows[1], r#"{"b":1e400,"a":null}"#);
    assert_eq!(rows[2], "{}");
    let metadata = result.metadata.unwrap();
    assert_eq!(metadata.column_names, ["a", "b"]);
    assert_eq!(metadata.column_types, ["uint256", "decimal(38, 0)"]);
    assert_eq!(metadata.total_row_count, Some(9));
    assert_eq!(page.next_offset, Some(3));
    assert_eq!(
        page.execution_started_at.as_deref(),
        Some("2026-02-03T04:05:06.123456789Z")
    );
}

#[tokio::test]
async fn bodies_of_old_servers_lack_fields() {
    let body = r#"{"execution_id": "01REEF", "query_id": 70, "state": "QUERY_STATE_COMPLETED",
        "submitted_at": "2022-03-04T05:06:07Z", "expires_at": "1970-01-01T00:00:00Z",
        "result": {"rows": [{"ct": 5}], "metadata": {"column_names": ["ct"],
          "result_set_bytes": 8, "total_row_count": 1}}}"#;
    let page = results(body).await;
    assert_eq!(page.state, ExecutionState::Completed);
    assert_eq!(page.is_execution_finished, None);
    // The server's sentinel for an unknown value.
    assert_eq!(page.expires_at.as_deref(), Some("1970-01-01T00:00:00Z"));
    let result = page.result.unwrap();
    let metadata = result.metadata.unwrap();
    assert!(metadata.column_types.is_empty());
    assert_eq!(metadata.row_count, None);
    assert_eq!(page.next_offset, None);
    assert_eq!(page.next_uri, None);
}

#[tokio::test]
async fn null_stands_for_no_rows_and_no_names() {
    let body = r#"{"execution_id": "01REEF", "query_id": null, "state": "QUERY_STATE_COMPLETED",
        "next_offset": null, "next_uri": null, "error": null, "cancelled_at": null,
        "result": {"rows": null, "metadata": {"column_names": null, "column_types": null,
          "row_count": 0, "pending_time_millis": null}}}"#;
    let page = results(body).await;
    assert_eq!(page.query_id, None);
    assert_eq!(page.next_offset, None);
    assert!(page.error.is_none());
    let result = page.result.unwrap();
    assert!(result.rows.is_none_or(|rows| rows.is_empty()));
    let metadata = result.metadata.unwrap();
    assert!(metadata.column_names.is_empty() && metadata.column_types.is_empty());

    let bare = r#"{"execution_id": "01REEF", "state": "QUERY_STATE_COMPLETED", "result": null}"#;
    assert!(results(bare).await.result.is_none());
}

#[tokio::test]
async fn an_empty_page_beyond_the_end_has_its_columns() {
    let body = r#"{"execution_id": "01REEF", "query_id": 70, "state": "QUERY_STATE_COMPLETED",
        "is_execution_finished": true,
        "result": {"rows": [], "metadata": {"column_names": ["reef"], "column_types": ["varchar"],
          "row_count": 0, "total_row_count": 40}}}"#;
    let page = results(body).await;
    let result = page.result.unwrap();
    assert!(result.rows.unwrap().is_empty());
    assert_eq!(result.metadata.unwrap().total_row_count, Some(40));
    assert_eq!(page.next_offset, None);
}

#[tokio::test]
async fn statements_of_no_query_have_no_query_id() {
    for query_id in ["", r#""query_id": null,"#, r#""query_id": 0,"#] {
        let page = results(&format!(
            r#"{{"execution_id": "01REEF", {query_id} "state": "QUERY_STATE_COMPLETED"}}"#
        ))
        .await;
        assert_eq!(page.query_id.unwrap_or(0), 0);
    }
}

#[tokio::test]
async fn a_failed_result_is_a_success_of_http_with_an_error_in_it() {
    let body = r#"{"execution_id": "01REEF", "query_id": 70, "state": "QUERY_STATE_FAILED",
        "submitted_at": "2026-02-03T04:05:06Z",
        "error": {"type": "FAILED_TYPE_EXECUTION_FAILED", "message": "line 3:14: no such reef",
          "metadata": {"line": 3, "column": 14}}}"#;
    let page = results(body).await;
    assert_eq!(page.state, ExecutionState::Failed);
    assert!(page.result.is_none());
    let error = page.error.unwrap();
    assert_eq!(error.type_.as_deref(), Some("FAILED_TYPE_EXECUTION_FAILED"));
    assert_eq!(error.message.as_deref(), Some("line 3:14: no such reef"));
    let place = error.metadata.unwrap();
    assert_eq!((place.line, place.column), (Some(3), Some(14)));

    // Not every failure has a position.
    let elsewhere = r#"{"execution_id": "01REEF", "state": "QUERY_STATE_FAILED",
        "error": {"type": "FAILED_TYPE_TIMEOUT", "message": "took too long"}}"#;
    assert!(results(elsewhere).await.error.unwrap().metadata.is_none());
}

#[tokio::test]
async fn a_status_says_what_it_cost_and_who_waits() {
    let (sandbox, client) = start().await;
    sandbox.fault(json(
        200,
        r#"{"execution_id": "01REEF", "query_id": 0, "is_execution_finished": false,
            "state": "QUERY_STATE_PENDING", "submitted_at": "2026-02-03T04:05:06Z",
            "queue_position": 4, "execution_cost_credits": 0.25,
            "max_inflight_interactive_executions": 3, "max_inflight_interactive_reached": 5,
            "result_metadata": {"column_names": null, "row_count": 12}}"#,
    ));
    let status = client.get_execution_status().execution_id("01REEF");
    let status = status.send().await.unwrap();
    assert_eq!(status.queue_position, Some(4));
    assert_eq!(status.execution_cost_credits, Some(0.25));
    assert_eq!(status.max_inflight_interactive_executions, Some(3));
    assert_eq!(status.result_metadata.as_ref().unwrap().row_count, Some(12));
    // The JSON of a float may lack the decimal point.
    sandbox.fault(json(
        200,
        r#"{"execution_id": "01REEF", "state": "QUERY_STATE_FAILED", "execution_cost_credits": 0}"#,
    ));
    let status = client.get_execution_status().execution_id("01REEF");
    assert_eq!(
        status.send().await.unwrap().execution_cost_credits,
        Some(0.0)
    );
}

#[tokio::test]
async fn pages_of_the_latest_result_name_their_execution() {
    let (sandbox, client) = start().await;
    let page = |offset: &str| {
        format!(
            r#"{{"execution_id": "01REEF", "query_id": 70, "state": "QUERY_STATE_COMPLETED",
                "result": {{"rows": [{{"n": 1}}], "metadata": {{"column_names": ["n"]}}}}{offset}}}"#
        )
    };
    // The server returns one row of the requested two, and the offset of the next.
    sandbox.fault(json(200, page(r#", "next_offset": 1"#)));
    sandbox.fault(json(200, page("")));
    let first = latest(&client, 0).await;
    assert_eq!(first.next_offset, Some(1));
    assert_eq!(first.execution_id, "01REEF");
    assert_eq!(latest(&client, 1).await.next_offset, None);
}

#[tokio::test]
async fn csv_is_handed_over_as_it_arrives() {
    let (_sandbox, client) = start().await;
    let csv = client
        .get_latest_query_result_csv()
        .query_id(rowfeed_sandbox::DUNE_QUERY_ID)
        .columns("project")
        .limit(2)
        .send()
        .await
        .unwrap();
    assert_eq!(csv.headers()["x-dune-next-offset"], "2");
    let mut body = csv.into_inner();
    let mut bytes = Vec::new();
    while let Some(chunk) = body.next_chunk().await {
        bytes.extend_from_slice(&chunk.unwrap());
    }
    let text = String::from_utf8(bytes).unwrap();
    assert_eq!(text.lines().count(), 3, "{text}");
    assert!(text.starts_with("project\n"), "{text}");
}

#[tokio::test]
async fn tables_and_usage_decode_as_documented_and_as_sent() {
    let (sandbox, client) = start().await;
    sandbox.fault(json(
        200,
        r#"{"tables": [
            {"full_name": "dune.reef.corals", "table_size_bytes": "4096", "purged_at": null,
             "owner": {"handle": "reef", "type": "team"},
             "columns": [{"name": "genus", "type": "varchar", "nullable": true,
                          "metadata": {"description": "of the coral"}}]},
            {"full_name": "dune.reef.fish", "table_size_bytes": 4096, "columns": null}],
            "next_offset": 2}"#,
    ));
    let tables = client.list_uploads().limit(2).send().await.unwrap();
    assert!(matches!(
        tables.tables[0].table_size_bytes,
        Some(TableSize::Text(ref size)) if size == "4096"
    ));
    assert!(matches!(
        tables.tables[1].table_size_bytes,
        Some(TableSize::Number(4096))
    ));
    assert_eq!(tables.tables[0].columns[0].name.as_deref(), Some("genus"));
    assert!(tables.tables[1].columns.is_empty());
    assert_eq!(tables.next_offset, Some(2));

    // The documentation and the OpenAPI document use different names.
    for name in ["billing_periods", "billingPeriods"] {
        sandbox.fault(json(
            200,
            format!(
                r#"{{"private_queries": 3, "{name}": [{{"start_date": "2026-02-01",
                    "end_date": "2026-03-01", "credits_used": 1.5, "credits_included": 100}}]}}"#
            ),
        ));
        let usage = client.get_usage().send().await.unwrap();
        assert_eq!(usage.billing_periods.len(), 1, "{name}");
        assert_eq!(usage.billing_periods[0].credits_included, Some(100.0));
    }
}

#[tokio::test]
async fn queries_datasets_and_views_decode() {
    let (sandbox, client) = start().await;
    sandbox.fault(json(
        200,
        r#"{"query_id": 70, "name": "reefs", "description": "", "tags": [], "version": 2,
            "parameters": [
              {"key": "from", "type": "datetime", "value": "2026-01-01 00:00:00"},
              {"key": "kind", "type": "enum", "value": "atoll", "enumOptions": ["atoll", "fringe"],
               "isMultiselect": false},
              {"key": "odd", "type": "hologram"}],
            "query_engine": "v2 Dune SQL", "query_sql": "select 1", "is_private": true,
            "is_archived": false, "is_unsaved": false, "owner": "reef"}"#,
    ));
    let query = client.get_query().query_id(70).send().await.unwrap();
    let types: Vec<_> = query.parameters.iter().map(|p| p.type_.as_str()).collect();
    assert_eq!(types, ["datetime", "enum", "hologram"]);
    assert!(query.parameters[2].type_.is_unknown());

    sandbox.fault(json(
        200,
        r#"{"datasets": [{"full_name": "dune.reef.corals", "type": "uploaded_table",
            "columns": null, "owner": {"handle": "reef", "type": "team"},
            "metadata": {"page_rank": 0.5}}], "total": 1}"#,
    ));
    let datasets = client.list_datasets().limit(1).send().await.unwrap();
    assert_eq!(datasets.total, Some(1));
    assert_eq!(datasets.datasets[0].metadata["page_rank"], 0.5);

    sandbox.fault(json(
        200,
        r#"{"materialized_views": [{"id": "dune.reef.result_tides", "query_id": 70,
            "table_size_bytes": 9}], "next_offset": 1}"#,
    ));
    let views = client.list_materialized_views().send().await.unwrap();
    assert_eq!(views.materialized_views[0].query_id, Some(70));
    assert_eq!(views.next_offset, Some(1));

    sandbox.fault(json(
        201,
        r#"{"namespace": "reef", "table_name": "corals"}"#,
    ));
    let column = rowfeed_dune::types::TableColumn::builder()
        .name("genus")
        .type_("varchar");
    let made = client
        .create_table()
        .body_map(|table| {
            table
                .namespace("reef")
                .table_name("corals")
                .schema([column])
        })
        .send()
        .await
        .unwrap();
    assert_eq!(made.table_name.as_deref(), Some("corals"));
    assert_eq!(made.status(), 201);
}

#[tokio::test]
async fn null_stands_for_an_empty_object_too() {
    let (sandbox, client) = start().await;
    sandbox.fault(json(
        200,
        r#"{"datasets": [{"full_name": "dune.reef.corals", "metadata": null, "columns": [
            {"name": "genus", "metadata": null}]}], "total": 1}"#,
    ));
    let datasets = client.list_datasets().send().await.unwrap();
    assert!(datasets.datasets[0].metadata.is_empty());

    sandbox.fault(json(
        200,
        r#"{"tables": [{"columns": [{"name": "genus", "metadata": null}]}]}"#,
    ));
    let tables = client.list_uploads().send().await.unwrap();
    assert!(tables.tables[0].columns[0].metadata.is_empty());

    sandbox.fault(json(
        200,
        r#"{"pipeline": {"nodes": [{"id": 1, "dependencies": null,
            "query_execution": {"query_id": 70, "query_parameters": null}}]}}"#,
    ));
    let pipeline = client.get_query_pipeline().query_id(70).send().await;
    let nodes = pipeline.unwrap().into_inner().pipeline.nodes.unwrap();
    let query = nodes[0].query_execution.as_ref().unwrap();
    assert!(query.query_parameters.is_empty());
}

#[test]
fn an_upload_has_one_of_two_formats() {
    assert_eq!(UploadFormat::VALUES, ["text/csv", "application/x-ndjson"]);
}
