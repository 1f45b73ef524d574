//! Pages that are decoded as `ResultPage`.

use rowfeed_lightdash::{CallError, CallErrorKind, PageResults, ResultPage, types::QueryStatus};

use crate::support::{ok, sent, start};

async fn page(results: &str) -> Result<PageResults, CallError> {
    let (sandbox, client) = start().await;
    sandbox.fault(ok(results));
    let call = client.get_async_query_results().project_uuid("p1");
    let call = call.query_uuid("q1").page(2).page_size(500);
    let page = call.send_as::<ResultPage>().await;
    assert_eq!(sent(&sandbox).query.as_deref(), Some("page=2&pageSize=500"));
    Ok(page?.into_inner().results)
}

fn ready(columns: &str) -> String {
    format!(
        r#"{{"status": "ready", "queryUuid": "q1", "page": 2, "pageSize": 1, "nextPage": 3,
            "totalResults": 5, "columns": {columns}, "metadata": {{"performance": null}},
            "rows": [{{"a": {{"value": {{"raw": 1, "formatted": "1"}}}}}}], "later": []}}"#
    )
}

#[tokio::test]
async fn a_page_has_its_columns_rows_and_place() {
    let columns = r#"{"q\"\u00fc": {"reference": "b", "type": "string"},
        "a": {"type": "number", "reference": "a", "later": {}}}"#;
    let page = page(&ready(columns)).await.unwrap();
    assert_eq!(
        (page.query_uuid.as_str(), &page.status),
        ("q1", &QueryStatus::Ready)
    );
    assert_eq!(
        (page.page, page.next_page, page.total_results),
        (Some(2), Some(3), Some(5))
    );
    assert!(page.error.is_none() && page.pivot_details.is_none());
    assert_eq!(page.rows.unwrap().count(), 1);
    let columns = page
        .columns
        .iter()
        .map(|column| (column.name(), column.type_name()));
    assert!(columns.eq([("q\"ü", Some("string")), ("a", Some("number"))]));
}

#[tokio::test]
async fn null_and_absent_columns_are_none() {
    for results in [
        r#"{"status": "pending", "queryUuid": "q1"}"#,
        r#"{"status": "ready", "queryUuid": "q1", "columns": null, "rows": null}"#,
        r#"{"status": "ready", "queryUuid": "q1", "columns": {}, "pivotDetails": null}"#,
    ] {
        let page = page(results).await.unwrap();
        assert!(page.columns.is_empty() && page.rows.is_none(), "{results}");
    }
}

#[tokio::test]
async fn a_repeated_column_keeps_its_place_and_takes_the_last_type() {
    let columns = r#"{"a": {"type": "string"}, "b": {"type": "date"}, "a": {"type": "number"}}"#;
    let page = page(&ready(columns)).await.unwrap();
    let columns = page
        .columns
        .iter()
        .map(|column| (column.name(), column.type_name()));
    assert!(columns.eq([("a", Some("number")), ("b", Some("date"))]));
}

#[tokio::test]
async fn a_column_of_another_type_is_an_error_where_it_is() {
    for (columns, place) in [
        (
            r#"{"a": {"type": "string"}, "b": {"type": 5}}"#,
            "`results.columns.b.type`",
        ),
        (r#"{"a": {}}"#, "missing field `type`"),
        ("[]", "`results.columns`"),
    ] {
        let error = page(&ready(columns)).await.unwrap_err();
        assert_eq!(error.kind(), CallErrorKind::Decode);
        assert!(error.to_string().contains(place), "{place}: {error}");
    }
}
