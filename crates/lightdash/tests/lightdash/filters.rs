//! Nested filters, sent and received.

use rowfeed_lightdash::types::{
    AndFilterGroup, FieldTarget, FilterGroup, FilterGroupItem, FilterRule, Filters, MetricQuery,
    OrFilterGroup,
};
use serde_json::{Value, json};

use crate::support::{ok, sent, start};

fn rule(id: &str, operator: &str, values: Vec<Value>) -> FilterGroupItem {
    FilterGroupItem::FilterRule(FilterRule {
        id: id.to_owned(),
        operator: operator.into(),
        target: FieldTarget {
            field_id: "reefs_zone".to_owned(),
        },
        values,
        case_sensitive: None,
        disabled: None,
        include_null: None,
        required: None,
        settings: None,
    })
}

/// Zone a or b, and not null.
fn nested() -> Filters {
    Filters {
        dimensions: Some(FilterGroup::AndFilterGroup(AndFilterGroup {
            id: "outer".to_owned(),
            and: vec![
                FilterGroupItem::OrFilterGroup(OrFilterGroup {
                    id: "inner".to_owned(),
                    or: vec![
                        rule("r1", "equals", vec!["a".into()]),
                        rule("r2", "hologram", vec![7.into(), true.into(), Value::Null]),
                    ],
                }),
                rule("r3", "notNull", Vec::new()),
            ],
        })),
        metrics: None,
        table_calculations: None,
    }
}

fn as_sent() -> Value {
    let rule = |id: &str, operator: &str| json!({"id": id, "operator": operator, "target": {"fieldId": "reefs_zone"}});
    let with = |mut rule: Value, values: Value| {
        rule["values"] = values;
        rule
    };
    json!({"dimensions": {"id": "outer", "and": [
        {"id": "inner", "or": [
            with(rule("r1", "equals"), json!(["a"])),
            with(rule("r2", "hologram"), json!([7, true, null]))]},
        rule("r3", "notNull")]}})
}

#[tokio::test]
async fn nested_filters_go_out_and_come_back() {
    let (sandbox, client) = start().await;
    let query = MetricQuery::builder()
        .explore_name("reefs")
        .filters(nested())
        .limit(1);
    let query: MetricQuery = query.try_into().unwrap();
    sandbox.fault(ok(json!({
        "queryUuid": "q1", "cacheMetadata": {"cacheHit": false}, "parameterReferences": [],
        "usedParametersValues": {}, "resolvedTimezone": null, "warnings": [], "fields": {},
        "metricQuery": {"exploreName": "reefs", "dimensions": [], "metrics": [], "sorts": [],
            "limit": 1, "tableCalculations": [], "filters": as_sent()}})
    .to_string()));
    let started = client
        .execute_async_metric_query()
        .project_uuid("p1")
        .body_map(|run| run.query(query))
        .send()
        .await
        .unwrap();
    let body: Value = serde_json::from_str(&sent(&sandbox).body).unwrap();
    let filters = &body["query"]["filters"];
    assert_eq!(without_empty_values(filters.clone()), as_sent());

    let filters = started.into_inner().results.metric_query.filters;
    let Some(FilterGroup::AndFilterGroup(outer)) = filters.dimensions else {
        panic!("{filters:?}");
    };
    let [
        FilterGroupItem::OrFilterGroup(inner),
        FilterGroupItem::FilterRule(last),
    ] = outer.and.as_slice()
    else {
        panic!("{outer:?}");
    };
    assert_eq!((inner.id.as_str(), inner.or.len()), ("inner", 2));
    let FilterGroupItem::FilterRule(unknown) = &inner.or[1] else {
        panic!("{inner:?}");
    };
    assert!(unknown.operator.is_unknown());
    assert_eq!(unknown.values, [json!(7), json!(true), Value::Null]);
    assert_eq!(last.operator.as_str(), "notNull");
    assert!(last.values.is_empty());
}

/// A rule without values may have an empty list or no list.
fn without_empty_values(mut filters: Value) -> Value {
    let last = &mut filters["dimensions"]["and"][1];
    if last["values"] == json!([]) {
        last.as_object_mut().unwrap().remove("values");
    }
    filters
}

#[tokio::test]
async fn an_unknown_filter_is_kept_unchanged() {
    let text = json!({"dimensions": {"xor": [1], "id": "x"},
        "metrics": {"id": "m", "and": [{"nearly": "a rule"}]}});
    let filters: Filters = serde_json::from_value(text.clone()).unwrap();
    assert!(matches!(&filters.dimensions, Some(FilterGroup::Other(_))));
    let Some(FilterGroup::AndFilterGroup(metrics)) = &filters.metrics else {
        panic!("{filters:?}");
    };
    assert!(matches!(&metrics.and[0], FilterGroupItem::Other(_)));
    assert_eq!(serde_json::to_value(&filters).unwrap(), text);
}
