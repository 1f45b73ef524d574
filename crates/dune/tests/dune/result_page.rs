//! Pages that are decoded as `ResultPage`.

use rowfeed_dune::{CallError, CallErrorKind, ResultPage, types::ExecutionState};

use crate::support::{json, sent, start};

async fn page(body: &str) -> Result<ResultPage, CallError> {
    let (sandbox, client) = start().await;
    sandbox.fault(json(200, body));
    let results = client.get_execution_results().execution_id("01REEF");
    let page = results
        .limit(3)
        .sort_by("a desc")
        .send_as::<ResultPage>()
        .await;
    let query = sent(&sandbox).query;
    assert_eq!(query.as_deref(), Some("limit=3&sort_by=a+desc"));
    page.map(|page| page.into_inner())
}

fn body(metadata: &str) -> String {
    format!(
        r#"{{"execution_id": "01REEF", "query_id": 70, "is_execution_finished": true,
            "state": "QUERY_STATE_COMPLETED", "submitted_at": "2026-02-03T04:05:06Z",
            "result": {{"rows": [{{"a": 1}}, {{}}], "metadata": {metadata}}},
            "next_offset": 2, "a_field_of_tomorrow": [1]}}"#
    )
}

#[tokio::test]
async fn a_page_has_its_columns_rows_and_place() {
    let metadata = r#"{"column_names": ["a", "q\"\u00fc"], "row_count": 2, "total_row_count": 9,
        "column_types": ["uint256", "varchar"], "datapoint_count": 4}"#;
    let page = page(&body(metadata)).await.unwrap();
    assert_eq!(page.execution_id, "01REEF");
    assert_eq!(page.state, ExecutionState::Completed);
    assert_eq!(page.is_execution_finished, Some(true));
    assert_eq!(page.next_offset, Some(2));
    assert!(page.error.is_none());
    let result = page.result.unwrap();
    assert_eq!(result.rows.unwrap().as_str(), r#"[{"a": 1}, {}]"#);
    let metadata = result.metadata.unwrap();
    assert_eq!(
        (metadata.row_count, metadata.total_row_count),
        (Some(2), Some(9))
    );
    let columns: Vec<_> = metadata.columns.iter().collect();
    let columns = columns
        .iter()
        .map(|column| (column.name(), column.type_name()));
    let wanted = [("a", Some("uint256")), ("q\"ü", Some("varchar"))];
    assert!(columns.eq(wanted));
}

#[tokio::test]
async fn null_and_absent_members_are_no_columns_and_no_types() {
    for (metadata, columns) in [
        (r#"{"column_names": null, "column_types": null}"#, ""),
        ("{}", ""),
        (r#"{"column_names": ["a"]}"#, "a (undeclared)"),
        (
            r#"{"column_names": ["a"], "column_types": null}"#,
            "a (undeclared)",
        ),
    ] {
        let result = page(&body(metadata)).await.unwrap().result.unwrap();
        let found = result.metadata.unwrap().columns;
        assert_eq!(found.to_string(), columns, "{metadata}");
    }
    let result = page(&body("null")).await.unwrap().result.unwrap();
    assert!(result.metadata.unwrap_or_default().columns.is_empty());
}

#[tokio::test]
async fn a_member_of_another_type_is_an_error_where_it_is() {
    for (metadata, place) in [
        (
            r#"{"column_names": ["a", 5]}"#,
            "`result.metadata.column_names[1]`",
        ),
        (r#"{"column_types": "a"}"#, "`result.metadata.column_types`"),
        (
            r#"{"total_row_count": "9"}"#,
            "`result.metadata.total_row_count`",
        ),
        ("[[]]", "`result.metadata"),
    ] {
        let error = page(&body(metadata)).await.unwrap_err();
        assert_eq!(error.kind(), CallErrorKind::Decode);
        assert!(error.to_string().contains(place), "{place}: {error}");
    }
    let error = page(r#"{"state": "QUERY_STATE_COMPLETED"}"#)
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("missing field `execution_id`"),
        "{error}"
    );
}

#[tokio::test]
async fn a_refusal_is_the_same_error_for_every_type() {
    let (sandbox, client) = start().await;
    sandbox.fault(json(402, r#"{"error": "out of credits"}"#));
    let call = client.get_execution_results().execution_id("01REEF");
    let error = call.send_as::<ResultPage>().await.unwrap_err();
    assert_eq!(error.status().unwrap(), 402);
    assert_eq!(error.api_error().unwrap().error, "out of credits");
}
