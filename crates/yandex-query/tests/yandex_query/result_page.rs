//! Pages that are decoded as `ResultPage`.

use rowfeed_yandex_query::{CallError, CallErrorKind, ResultPage};

use crate::support::{json, start};

async fn page(body: &str) -> Result<ResultPage, CallError> {
    let (sandbox, client) = start().await;
    sandbox.fault(json(200, body));
    let results = client.get_query_results().project("folder").query_id("q1");
    let page = results.result_set_index(0).send_as::<ResultPage>().await?;
    Ok(page.into_inner())
}

#[tokio::test]
async fn a_page_has_its_columns_and_rows() {
    let body = r#"{"columns": [{"name": "a", "type": "Int32"},
        {"type": "Optional<Utf8>", "name": "q\"", "later": 1}], "rows": [[1, null]], "later": {}}"#;
    let page = page(body).await.unwrap();
    assert_eq!(page.rows.as_str(), "[[1, null]]");
    let columns = page
        .columns
        .iter()
        .map(|column| (column.name(), column.type_name()));
    let wanted = [("a", Some("Int32")), ("q\"", Some("Optional<Utf8>"))];
    assert!(columns.eq(wanted));
}

#[tokio::test]
async fn null_is_no_columns_and_an_absent_list_is_an_error() {
    let null = page(r#"{"columns": null, "rows": []}"#).await.unwrap();
    assert!(null.columns.is_empty() && null.rows.is_empty());
    let error = page(r#"{"rows": []}"#).await.unwrap_err();
    assert!(
        error.to_string().contains("missing field `columns`"),
        "{error}"
    );
    let error = page(r#"{"columns": []}"#).await.unwrap_err();
    assert_eq!(error.kind(), CallErrorKind::Decode);
}

#[tokio::test]
async fn a_column_of_another_type_is_an_error_where_it_is() {
    for (columns, place) in [
        (
            r#"[{"name": "a", "type": "Int32"}, {"name": 5, "type": ""}]"#,
            "`columns[1].name`",
        ),
        (r#"[{"name": "a"}]"#, "missing field `type`"),
        (r#"{"name": "a"}"#, "`columns`"),
    ] {
        let body = format!(r#"{{"columns": {columns}, "rows": []}}"#);
        let error = page(&body).await.unwrap_err();
        assert!(error.to_string().contains(place), "{place}: {error}");
    }
}
