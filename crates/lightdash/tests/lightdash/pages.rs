//! Pages of rows, as servers of several versions send them.

use rowfeed_lightdash::types::{
    DimensionType, IndexColumns, PreAggregateExecutionEngine, QueryResults, QueryStatus,
};

use crate::support::{ok, start};

/// The members of a page besides `rest`.
fn page(rest: &str) -> String {
    format!(
        r#"{{"status": "ready", "queryUuid": "q1", "page": 2, "pageSize": 2, "nextPage": 3,
            "previousPage": 1, "totalPageCount": 3, "totalResults": 5,
            "columns": {{"reef_zone": {{"reference": "reef_zone", "type": "string"}},
                         "depth": {{"reference": "depth", "type": "number"}},
                         "at": {{"reference": "at", "type": "timestamp"}}}},
            "rows": [{{"reef_zone": {{"value": {{"raw": "a", "formatted": "A"}}}}}}, {{}}]{rest}}}"#
    )
}

async fn read(results: &str) -> QueryResults {
    let (sandbox, client) = start().await;
    sandbox.fault(ok(results));
    let call = client
        .get_async_query_results()
        .project_uuid("p1")
        .query_uuid("q1")
        .page(2)
        .page_size(500);
    call.send().await.unwrap().into_inner().results
}

#[tokio::test]
async fn a_page_says_where_it_is() {
    let found = read(&page("")).await;
    assert_eq!(found.status, QueryStatus::Ready);
    assert_eq!((found.page, found.page_size), (Some(2), Some(2)));
    assert_eq!((found.previous_page, found.next_page), (Some(1), Some(3)));
    assert_eq!(found.total_page_count, Some(3));
    assert_eq!(found.total_results, Some(5));
}

#[tokio::test]
async fn the_last_page_and_an_empty_result_name_no_next_page() {
    let last = read(
        r#"{"status": "ready", "queryUuid": "q1", "page": 3, "pageSize": 1, "previousPage": 2,
            "totalPageCount": 3, "totalResults": 5, "columns": {}, "rows": [{}]}"#,
    )
    .await;
    assert_eq!((last.next_page, last.previous_page), (None, Some(2)));
    let empty = read(
        r#"{"status": "ready", "queryUuid": "q1", "page": 1, "pageSize": 0, "totalPageCount": 0,
            "totalResults": 0, "columns": {"a": {"reference": "a", "type": "date"}}, "rows": []}"#,
    )
    .await;
    assert!(empty.rows.unwrap().is_empty());
    assert_eq!(empty.columns.len(), 1);
    assert_eq!((empty.next_page, empty.page_size), (None, Some(0)));
}

#[tokio::test]
async fn rows_stay_the_text_that_was_sent() {
    let rows = [
        r#"{"depth":{"value":{"raw":"9007199254740993","formatted":"9,007,199,254,740,993"}}}"#,
        r#"{"depth":{"value":{"raw":12.50,"formatted":null}}, "extra": 1e400}"#,
        r#"{"depth":{"value":{"raw":null,"formatted":"∅"}}}"#,
        r#"{"depth":{"value":{"raw":{"a":[1]},"formatted":"[object]"}}}"#,
    ];
    let found = read(&format!(
        r#"{{"rows": [{}], "columns": {{}}, "status": "ready", "queryUuid": "q1"}}"#,
        rows.join(",")
    ))
    .await;
    let found = found.rows.unwrap();
    assert_eq!(found.iter_raw().collect::<Vec<_>>(), rows);
}

#[tokio::test]
async fn columns_keep_their_order_and_unknown_types() {
    let found = read(
        r#"{"status": "ready", "queryUuid": "q1", "rows": [],
            "columns": {"z": {"reference": "z", "type": "boolean"},
                        "a": {"reference": "a", "type": "hologram"},
                        "m": {"reference": "m", "type": "date"},
                        "b": {"reference": "b", "type": "number", "later": {}}}}"#,
    )
    .await;
    let columns = found.columns;
    assert_eq!(columns.keys().collect::<Vec<_>>(), ["z", "a", "m", "b"]);
    assert_eq!(columns["z"].type_, DimensionType::Boolean);
    assert!(columns["a"].type_.is_unknown());
    assert_eq!(columns["a"].type_.as_str(), "hologram");
}

#[tokio::test]
async fn null_decodes_as_absent() {
    let found = read(
        r#"{"status": "ready", "queryUuid": "q1", "rows": null, "columns": null, "page": null,
            "pageSize": null, "nextPage": null, "previousPage": null, "totalResults": null,
            "totalPageCount": null, "error": null, "erroredAt": null}"#,
    )
    .await;
    assert!(found.rows.is_none_or(|rows| rows.is_empty()));
    assert!(found.columns.is_empty());
    assert_eq!(
        (found.page, found.next_page, found.total_results),
        (None, None, None)
    );
}

#[tokio::test]
async fn servers_of_other_versions_report_more_or_fewer_details_of_the_run() {
    let old = page(r#", "initialQueryExecutionMs": 12, "resultsPageExecutionMs": 3"#);
    assert!(read(&old).await.metadata.is_none());

    let performance = r#""performance": {"initialQueryExecutionMs": 1500.5,
        "resultsPageExecutionMs": 0, "queueTimeMs": null}"#;
    let before = page(&format!(r#", "metadata": {{{performance}}}"#));
    let metadata = read(&before).await.metadata.unwrap();
    assert!(metadata.pre_aggregate.is_none());
    let timed = metadata.performance.unwrap();
    assert_eq!(timed.initial_query_execution_ms, Some(1500.5));
    assert_eq!(timed.results_page_execution_ms, Some(0.0));
    assert_eq!(timed.queue_time_ms, None);

    let none = page(&format!(
        r#", "metadata": {{{performance}, "preAggregate": null}}"#
    ));
    let metadata = read(&none).await.metadata.unwrap();
    assert!(metadata.pre_aggregate.is_none() && metadata.performance.is_some());

    let after = page(
        r#", "metadata": {"preAggregate": {"execution": "project_warehouse",
            "fallbackReason": "duckdb_execution_error"}}"#,
    );
    let metadata = read(&after).await.metadata.unwrap();
    assert!(metadata.performance.is_none());
    let run = metadata.pre_aggregate.unwrap();
    assert_eq!(run.execution, PreAggregateExecutionEngine::ProjectWarehouse);
    assert!(run.fallback_reason.unwrap().is_known());

    assert!(read(&page(r#", "metadata": {}"#)).await.metadata.is_some());
    assert!(
        read(&page(r#", "metadata": null"#))
            .await
            .metadata
            .is_none()
    );
}

#[tokio::test]
async fn the_index_of_a_pivot_is_absent_one_or_several() {
    for (index, several) in [
        ("", None),
        (r#""indexColumn": null,"#, None),
        (
            r#""indexColumn": {"reference": "zone", "type": "category"},"#,
            Some(false),
        ),
        (
            r#""indexColumn": [{"reference": "zone", "type": "category"},
                               {"reference": "at", "type": "time"}],"#,
            Some(true),
        ),
    ] {
        let pivot = page(&format!(
            r#", "pivotDetails": {{{index} "totalColumnCount": null, "groupByColumns": null,
                "valuesColumns": [
                  {{"referenceField": "depth", "pivotColumnName": "depth_max_a",
                    "aggregation": "max", "columnIndex": 1,
                    "pivotValues": [{{"referenceField": "zone", "value": "a", "formatted": "A"}}]}},
                  {{"referenceField": "depth", "pivotColumnName": "depth_max_7",
                    "aggregation": "hologram",
                    "pivotValues": [{{"referenceField": "zone", "value": 7}},
                                    {{"referenceField": "zone", "value": null}}]}}],
                "sortBy": [{{"reference": "zone", "direction": "ASC"}}],
                "originalColumns": {{"zone": {{"reference": "zone", "type": "string"}},
                                     "depth": {{"reference": "depth", "type": "number"}}}}}}"#
        ));
        let pivot = read(&pivot).await.pivot_details.unwrap();
        match (several, pivot.index_column) {
            (None, None) => {}
            (Some(false), Some(IndexColumns::One(column))) => assert_eq!(column.reference, "zone"),
            (Some(true), Some(IndexColumns::Several(columns))) => {
                assert_eq!(columns[1].reference, "at");
            }
            (_, found) => panic!("{index}: {found:?}"),
        }
        let [first, second] = pivot.values_columns.as_slice() else {
            panic!("two columns were sent");
        };
        assert_eq!(first.pivot_column_name, "depth_max_a");
        assert_eq!(first.column_index, Some(1));
        assert_eq!(first.pivot_values[0].formatted.as_deref(), Some("A"));
        assert!(second.aggregation.is_unknown());
        assert_eq!(second.pivot_values[0].value, Some(7.into()));
        let names: Vec<_> = pivot.original_columns.keys().collect();
        assert_eq!(names, ["zone", "depth"]);
        assert_eq!(pivot.total_column_count, None);
    }
    for none in ["", r#", "pivotDetails": null"#] {
        assert!(read(&page(none)).await.pivot_details.is_none());
    }
    let counted = page(
        r#", "pivotDetails": {"totalColumnCount": 240, "valuesColumns": [],
            "originalColumns": {}}"#,
    );
    let pivot = read(&counted).await.pivot_details.unwrap();
    assert_eq!(pivot.total_column_count, Some(240));
}
